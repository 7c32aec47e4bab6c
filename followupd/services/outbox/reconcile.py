"""What nobody knows is settled by evidence: our own copies that came back, and in their absence a policy or a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.decision import LetterContent, LetterRenderer
from followupd.domain.letter import LetterKind, LetterStatus, OutboxEntry
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.errors import ConflictError, UnavailableError
from followupd.services.inbox.freshness import last_read
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import SendPolicy

#: so long after the window a mailbox that cannot be read is waited for, before a person is asked all the same
_UNREAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Settles doubts."""

    ledger: Ledger
    rules: SendPolicy
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer

    def doubts(self, now: datetime) -> int:
        """Decide about letters in doubt whose copy did not come in time: send again where that is allowed, else ask."""
        with self.ledger.transaction() as tx:
            waiting = tx.outbox.in_flight(LetterStatus.DOUBT)
        overdue = [
            state for state in waiting if now >= (state.sending_since or now) + self.rules.witness_within
        ]
        return sum(self._doubted(state, now) for state in overdue)

    def _doubted(self, state: OutboxEntry, now: datetime) -> bool:
        try:
            return self._doubt(state, now)
        except (ConflictError, UnavailableError):
            return False  # it is asked in the next round
        except Exception as error:  # noqa: BLE001  one letter never stops the others
            log.unexpected_error(f"asking about {state.letter.key}", error)
            return False

    def _doubt(self, state: OutboxEntry, now: datetime) -> bool:
        letter = state.letter
        # A copy that could never come is no evidence that the letter did not leave.
        may = (
            self.rules.in_doubt == "resend"
            and self.rules.witness
            and state.copy_due
            and letter.kind != LetterKind.GIFT_CARD
        )
        with self.ledger.transaction() as tx:
            if may and letter.to_customer and not self._looked_for(tx, state, now):
                if now < (state.sending_since or now) + self.rules.witness_within + _UNREAD:
                    return False
                may = False
            again = may or not letter.to_customer
            if again:
                return outcomes.requeue(tx, letter, "in doubt; sent again by policy", "followupd", now)
            case = tx.cases.get(letter.case)
            matter = f"doubt {letter.key} {state.sending_since or now:%Y-%m-%dT%H:%M:%S}"
            if matter in dict(case.nudges):
                return False
            playbook = self._playbook(case)
            owner = playbook.owner_of(case.owner)
            asked = e.OwnerNudged(at=now, matter=matter, whom=owner.id, why=f"did {letter.key} leave?")
            brief = LetterContent(
                because=msg("nobody knows whether {key} left", key=letter.key),
                about=letter.key,
                quote=""
                if letter.kind == LetterKind.GIFT_CARD
                else letter.text,  # a card's code is the customer's alone
                # Short, as every line that is sent back as it stands: `listen` takes longer ones for a quote of this mail.
                asks=tuple(f"settle: {how}" for how in outcomes.HOWS),
            )
            mail = self.write.desk(LetterKind.DOUBT, case, playbook, now, brief, owner)
            tx.cases.record(case, [asked, mail], lambda _: now, now)
            return True

    def _looked_for(self, tx: Transaction, state: OutboxEntry, now: datetime) -> bool:
        """Say whether the mailbox was read after the time for the copy was over: a copy that nobody looked for may be there."""
        read = last_read(tx, state.letter.mailbox)
        return read is not None and read >= (state.sending_since or now) + self.rules.witness_within

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]
