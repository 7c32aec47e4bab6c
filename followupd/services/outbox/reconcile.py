"""Resolve letters in doubt whose BCC copy did not arrive.

By the administrator's policy, or by asking a person.
"""

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
        """Resolve the letters whose copy did not arrive in time.

        Desk mail is sent again. A letter to a customer is sent again if the policy allows it and the mailbox
        shows no copy; otherwise its owner is asked, once.

        Returns:
            How many letters were sent again or asked about.
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
        """Return the time by which the copy of a letter arrives, if it arrives at all."""
        sent_at = entry.sending_since or now
        return sent_at + self.policy.witness_within

    def _resolve(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Send a letter again, ask about it, or wait for its mailbox to be read.

        Return whether anything was done.
        """
        letter = entry.letter
        if not letter.to_customer:
            return self._resend(tx, letter, now)
        if not self._may_resend(entry):
            return self._ask(tx, entry, now)

        copy_expected_by = self._copy_expected_by(entry, now)
        mailbox_read_at = last_read(tx, letter.mailbox)
        if mailbox_read_at and mailbox_read_at >= copy_expected_by:
            return self._resend(tx, letter, now)

        # The copy may be in the mailbox, unread. An outage of the mailbox must not delay the question for
        # ever.
        if now < copy_expected_by + _UNREAD_GRACE:
            return False
        return self._ask(tx, entry, now)

    def _may_resend(self, entry: OutboxEntry) -> bool:
        """Say whether the policy allows sending a letter again whose copy is missing; never a gift card.

        If the server did not accept the BCC recipient, a missing copy proves nothing.
        """
        if self.policy.in_doubt != "resend" or not self.policy.witness:
            return False
        return entry.copy_due and entry.letter.kind is not LetterKind.GIFT_CARD

    def _resend(self, tx: Transaction, letter: Letter, now: datetime) -> bool:
        """Queue a letter again; return False if it was settled meanwhile."""
        return outcomes.requeue(tx, letter, "in doubt; sent again by policy", "followupd", now)

    def _ask(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> bool:
        """Ask the owner what became of a letter, once for each time that it was sent.

        Returns False if that was done before.
        """
        letter = entry.letter
        case = tx.cases.get(letter.case)
        sent_at = entry.sending_since or now
        key = ReminderKey(ReminderKind.DOUBT, about=f"{letter.key} {sent_at:%Y-%m-%dT%H:%M:%S}")
        if case.reminded_at(key):
            return False

        record(tx, case, self._question(case, letter, key, now), now)
        return True

    def _question(self, case: Case, letter: Letter, key: ReminderKey, now: datetime) -> list[Decision]:
        """Return the reminder and the desk mail with the lines that settle the letter.

        The lines are short, because a longer line that an agent sends back unchanged is taken for a quote of
        the mail. A gift card is not quoted: its code is for the customer only.
        """
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        reminded = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=f"was {letter.key} sent?")
        is_gift_card = letter.kind is LetterKind.GIFT_CARD
        content = LetterContent(
            because=msg("nobody knows whether {key} left", key=letter.key),
            about=letter.key,
            quote="" if is_gift_card else letter.text,
            asks=tuple(f"settle: {resolution}" for resolution in outcomes.RESOLUTIONS),
        )
        mail = self.context.letters.desk(LetterKind.DOUBT, case, playbook, now, content, owner)
        return [reminded, mail]
