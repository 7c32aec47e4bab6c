"""Resolve letters in doubt whose BCC copy did not arrive: by the administrator's policy, or by asking a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Transaction
from followupd.domain.case import Case
from followupd.domain.decision import Decision, LetterContent
from followupd.domain.events import OwnerNudged
from followupd.domain.letter import Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.reminder import ReminderKey, ReminderKind
from followupd.domain.translatable import msg
from followupd.services.context import ServiceContext
from followupd.services.inbox.freshness import last_read
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import SendPolicy
from followupd.services.record import isolated, record

#: while the mailbox cannot be read, a person is asked only so long after the copy was expected
_UNREAD_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Resolves letters in doubt."""

    context: ServiceContext
    policy: SendPolicy

    def resolve_in_doubt(self, now: datetime) -> int:
        """Send letters again whose copy did not arrive in time, where the policy allows it; else ask their owners.

        Returns the number of letters that were sent again or asked about.
        """
        with self.context.ledger.transaction() as tx:
            in_doubt = tx.outbox.in_flight(LetterStatus.DOUBT)
        resolved = 0
        for entry in in_doubt:
            if now < self._copy_expected_by(entry, now):
                continue
            with isolated(f"asking about {entry.letter.key}"), self.context.ledger.transaction() as tx:
                resolved += self._resolve(tx, entry, now)
        return resolved

    def _copy_expected_by(self, entry: OutboxEntry, now: datetime) -> datetime:
        return (entry.sending_since or now) + self.policy.witness_within

    def _resolve(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        letter = entry.letter
        resend = not letter.to_customer or self._may_resend(entry)
        if resend and letter.to_customer and not self._mailbox_was_read(tx, entry, now):
            if now < self._copy_expected_by(entry, now) + _UNREAD_GRACE:
                return False
            resend = False

        if resend:
            return outcomes.requeue(tx, letter, "in doubt; sent again by policy", "followupd", now)
        return self._ask(tx, entry, now)

    def _may_resend(self, entry: OutboxEntry) -> bool:
        """Say whether a missing copy allows sending a letter again; a copy that was never due proves nothing."""
        if self.policy.in_doubt != "resend" or entry.letter.kind is LetterKind.GIFT_CARD:
            return False
        return self.policy.witness and entry.copy_due

    def _mailbox_was_read(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Say whether the mailbox was read after the copy was expected; before, the copy may be there unread."""
        read = last_read(tx, entry.letter.mailbox)
        return read is not None and read >= self._copy_expected_by(entry, now)

    def _ask(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Ask the owner what became of a letter, once for each time that it was sent."""
        letter = entry.letter
        case = tx.cases.get(letter.case)
        sent = f"{letter.key} {entry.sending_since or now:%Y-%m-%dT%H:%M:%S}"
        key = ReminderKey(ReminderKind.DOUBT, about=sent)
        if case.reminded_at(key):
            return False
        record(tx, case, self._question(case, letter, key, now), now)
        return True

    def _question(self, case: Case, letter: Letter, key: ReminderKey, now: datetime) -> list[Decision]:
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        why = f"was {letter.key} sent?"
        reminded = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=why)
        is_gift_card = letter.kind is LetterKind.GIFT_CARD
        content = LetterContent(
            because=msg("nobody knows whether {key} left", key=letter.key),
            about=letter.key,
            quote="" if is_gift_card else letter.text,  # the code is only for the customer
            # short lines, since a longer one that is sent back unchanged is taken for a quote of this mail
            asks=tuple(f"settle: {resolution}" for resolution in outcomes.RESOLUTIONS),
        )
        mail = self.context.letters.desk(LetterKind.DOUBT, case, playbook, now, content, owner)
        return [reminded, mail]
