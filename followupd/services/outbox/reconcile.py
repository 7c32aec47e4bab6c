"""What nobody knows is settled by evidence: our own copies that came back, and in their absence a policy or a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd import log
from followupd.domain import events as e
from followupd.domain.case import Case
from followupd.domain.decision import Brief, Writer
from followupd.domain.letter import DOUBT, GIFT_CARD, Condition
from followupd.domain.mail import Kind
from followupd.domain.playbook import Playbook
from followupd.domain.records import QUARANTINE, Kept, LetterState
from followupd.domain.translatable import said
from followupd.errors import CaseMovedError, OutageError
from followupd.services.inbox.freshness import last_read
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import Rules, stop_all
from followupd.services.ports import Ledger, Work

#: so long after the window a mailbox that cannot be read is waited for, before a person is asked all the same
_UNREAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Settles doubts."""

    ledger: Ledger
    rules: Rules
    playbooks: Mapping[str, Playbook]
    write: Writer

    def settle(self, now: datetime) -> int:
        """Take our own copies that came back as the proof that their letters were accepted."""
        with self.ledger.work() as work:
            witnesses = [kept for kept in work.mail.unheard() if kept.message.kind is Kind.OWN]
        for kept in witnesses:
            try:
                with self.ledger.work() as work:
                    _witnessed(work, kept, now)
            except CaseMovedError:
                continue  # it is looked at again in the next round
            except OutageError:
                raise
            except Exception as error:  # noqa: BLE001  one odd copy never stops the others
                with self.ledger.work() as work:
                    work.mail.put_down(kept.id, state=QUARANTINE, reason=f"{type(error).__name__}: {error}")
                log.set_aside(kept.id, str(error))
        return len(witnesses)

    def doubts(self, now: datetime) -> int:
        """Decide about letters in doubt whose copy did not come in time: send again where that is allowed, else ask."""
        with self.ledger.work() as work:
            waiting = work.outbox.in_hand(Condition.DOUBT)
        overdue = [state for state in waiting if now >= (state.leaving_at or now) + self.rules.witness_within]
        return sum(self._doubted(state, now) for state in overdue)

    def _doubted(self, state: LetterState, now: datetime) -> bool:
        try:
            return self._doubt(state, now)
        except (CaseMovedError, OutageError):
            return False  # it is asked in the next round
        except Exception as error:  # noqa: BLE001  one letter never stops the others
            log.beat_failed(f"asking about {state.letter.key}", error)
            return False

    def _doubt(self, state: LetterState, now: datetime) -> bool:
        letter = state.letter
        # A copy that could never come is no evidence that the letter did not leave.
        may = self.rules.in_doubt == "resend" and self.rules.witness and state.copy_due and letter.kind != GIFT_CARD
        with self.ledger.work() as work:
            if may and letter.to_customer and not self._looked_for(work, state, now):
                if now < (state.leaving_at or now) + self.rules.witness_within + _UNREAD:
                    return False
                may = False
            again = may or not letter.to_customer
            if again:
                return outcomes.again(work, letter, "in doubt; sent again by policy", "followupd", now)
            case = work.cases.get(letter.case)
            matter = f"doubt {letter.key} {state.leaving_at or now:%Y-%m-%dT%H:%M:%S}"
            if matter in dict(case.nudges):
                return False
            playbook = self._playbook(case)
            owner = playbook.owner_of(case.owner)
            asked = e.OwnerNudged(at=now, matter=matter, whom=owner.id, why=f"did {letter.key} leave?")
            brief = Brief(
                because=said("nobody knows whether {key} left", key=letter.key), about=letter.key,
                quote="" if letter.kind == GIFT_CARD else letter.text,  # a card's code is the customer's alone
                # Short, as every line that is sent back as it stands: `listen` takes longer ones for a quote of this mail.
                asks=tuple(f"settle: {how}" for how in outcomes.HOWS),
            )  # fmt: skip
            mail = self.write.desk(DOUBT, case, playbook, now, brief, owner)
            work.cases.record(case, [asked, mail], lambda _: now, now)
            return True

    def _looked_for(self, work: Work, state: LetterState, now: datetime) -> bool:
        """Say whether the mailbox was read after the time for the copy was over: a copy that nobody looked for may be there."""
        read = last_read(work, state.letter.mailbox)
        return read is not None and read >= (state.leaving_at or now) + self.rules.witness_within

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]


def _witnessed(work: Work, kept: Kept, now: datetime) -> None:
    key = kept.message.own_key
    if not key or not work.outbox.known(key):
        work.mail.put_down(kept.id, reason="a copy of a letter that this ledger does not know")
        if key:  # its Message-ID is signed with our key: we sent it, and have forgotten that we did
            stop_all(work, f"{key} has left, and this ledger does not know it: it is older than the mailbox", now)
        return
    state = work.outbox.get(key)
    desk = "" if state.letter.to_customer else "a desk mail; it stays where its agent reads it"
    work.mail.put_down(kept.id, case_ref=state.letter.case or None, reason=desk)
    work.outbox.witness(key, now)
    by_hand = state.condition is Condition.REVIEW
    why = "an agent sent it from the mail client" if by_hand else "our own copy came back"
    outcomes.proved(work, state.letter, why, now)
