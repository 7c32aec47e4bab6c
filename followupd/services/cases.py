"""New messages and cases whose moment has come: chapters decide, the ledger records, one transaction a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from followupd import log
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.compensation import GrantState, Money, above_cap
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import CompensationGranted, Event, GiftCardDue, LetterStopped, Parked
from followupd.domain.letter import APPROVAL, NUDGE, Letter
from followupd.domain.mail import Kind
from followupd.domain.playbook import Playbook
from followupd.domain.records import StoredMail
from followupd.domain.status_tags import marks
from followupd.domain.translatable import msg
from followupd.errors import (
    ConflictError,
    FollowupdError,
    InvalidTransitionError,
    LetterError,
    UnavailableError,
)
from followupd.recovery import confirm, fix, follow_up, gift_card, open, receipts, remind
from followupd.services.commands import elsewhere, is_note
from followupd.services.inbox.router import MailRouter
from followupd.services.ports import Ledger, Transaction
from followupd.services.wording_guard import WordingGuard

#: a case that goes on deciding more often than this in one turn goes in circles
_ROUNDS = 10
#: a letter that could not be written is tried again after this, or after the next word
_TRY_AGAIN = timedelta(hours=1)
#: a case that was parked is looked at again after this, to tell its owner
_PARKED = timedelta(days=1)


class Policy(Protocol):
    """A chapter of recovery: when it wants to look at a case, and what it decides then."""

    def next_due(self, case: Case, playbook: Playbook, /) -> datetime | None: ...
    def decide(
        self, case: Case, playbook: Playbook, write: LetterRenderer, now: datetime, /
    ) -> list[Decision]: ...


#: the chapters in the order of the story
POLICIES: tuple[Policy, ...] = (open, confirm, fix, follow_up, receipts, gift_card, remind)


@dataclass(frozen=True, slots=True)
class CaseService:
    """Hears what came in, then gives every case that is due its turn."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    reception: MailRouter
    policies: Sequence[Policy] = POLICIES
    proofread: WordingGuard = field(default_factory=WordingGuard)
    cap: Money | None = None  # most that one customer is granted in a month without a lead's word

    def run(self, now: datetime) -> int:
        """Return how many mails were heard and how many cases had their turn."""
        return self._hear(now) + self._due(now)

    def _hear(self, now: datetime) -> int:
        with self.ledger.transaction() as tx:
            stale_mailboxes = [
                kept
                for kept in tx.mail.unprocessed()
                if kept.message.kind is not Kind.OWN and not is_note(kept)
            ]
        for kept in stale_mailboxes:
            self._receive(kept, now)
        return len(stale_mailboxes)

    def _receive(self, kept: StoredMail, now: datetime) -> None:
        try:
            with self.ledger.transaction() as tx:
                self.reception.receive(tx, kept, now)
        except ConflictError:
            return  # somebody else had the case in hand; the mail is heard in the next round
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  one bad mail never stops the others: a person looks at it
            reason = f"{type(error).__name__}: {error}"
            with self.ledger.transaction() as tx:
                tx.mail.mark_processed(kept.id, state="quarantine", reason=reason)
            log.mail_quarantined(kept.id, reason)

    def _due(self, now: datetime) -> int:
        with self.ledger.transaction() as tx:
            refs = tx.cases.due(now)
        for ref in refs:
            self._turn(ref, now)
        return len(refs)

    def _turn(self, ref: str, now: datetime) -> None:
        try:
            with self.ledger.transaction() as tx:
                self._decide(tx, tx.cases.get(ref), now)
        except ConflictError:
            return  # somebody else had the case in hand; it is due again and is decided afresh
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  nor one bad case: it is parked for a person
            self._park(ref, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", now)

    def _park(self, ref: str, why: str, now: datetime) -> None:
        """Hold the case for a person, whom the case's next turn, a day later, tells of it."""
        log.case_needs_person(ref, why)
        try:
            with self.ledger.transaction() as tx:
                parked = Parked(at=now, why=why)
                tx.cases.record(tx.cases.get(ref), [parked], lambda _: now + _PARKED, now)
        except FollowupdError as error:
            log.unexpected_error(ref, error)

    def _decide(self, tx: Transaction, case: Case, now: datetime) -> None:
        playbook = (self.playbooks.get(case.playbook) or self.playbooks["default"]).for_severity(
            case.severity
        )
        decided, stopped = self._story(tx, case, playbook, now)

        def wake(after: Case) -> datetime | None:
            moments = [policy.next_due(after, playbook) for policy in self.policies]
            moments.append(now + _TRY_AGAIN if stopped else None)
            return min((moment for moment in moments if moment and moment > now), default=None)

        after = tx.cases.record(case, decided, wake, now)
        tx.mail.set_status_tags(case.ref, marks(after))
        for step in decided:
            _tell(after, step)
        log.next_check(after.ref, after.wake_at)

    def _story(
        self, tx: Transaction, case: Case, playbook: Playbook, now: datetime
    ) -> tuple[list[Decision], bool]:
        """Let every chapter decide until none has anything more to say."""
        decided: list[Decision] = []
        stopped = False
        for _ in range(_ROUNDS):
            before = len(decided)
            for policy in self.policies:
                try:
                    acted = self._cards(
                        tx, case, policy.decide(case, playbook, self.write, now), playbook, now
                    )
                    steps = self._proofread(tx, case, playbook, acted, now)
                except LetterError as error:
                    stopped = True
                    steps = self._stopped(case, playbook, error.message, now)
                for step in steps:
                    case = lifecycle.after(case, as_event(step, now))
                decided += steps
            if len(decided) == before:
                return decided, stopped
        raise InvalidTransitionError(f"{case.ref} goes in circles")

    def _proofread(
        self, tx: Transaction, case: Case, playbook: Playbook, steps: list[Decision], now: datetime
    ) -> list[Decision]:
        """Let no letter into the outbox that a hard rule of wording forbids; one in review goes to its owner to read."""
        found: list[Decision] = []
        for step in steps:
            if isinstance(step, Letter):
                self.proofread.stop(tx, step, case, playbook, now)
            found.append(step)
            case = lifecycle.after(case, as_event(step, now))
            if isinstance(step, Letter) and step.review:
                found.append(self._to_review(tx, step, case, playbook, now))
                case = lifecycle.after(case, as_event(found[-1], now))
        return found

    def _to_review(
        self, tx: Transaction, letter: Letter, case: Case, playbook: Playbook, now: datetime
    ) -> Letter:
        """Ask the owner to read a letter before it leaves, with what the rules of wording found (practice 12)."""
        findings = self.proofread.letter(tx, letter, case, playbook, now)
        brief = LetterContent(
            because=msg(
                "the {letter} to {address} waits for you: it lies in Drafts, in its thread",
                letter=msg(letter.kind),
                address=letter.to.address,
            ),
            problems=tuple(finding.told for finding in findings),
            asks=("approve", "refuse: "),
            quote=letter.text,
            about=letter.key,
            promises=tuple(each for each in case.promises if each.n in letter.concerns),
        )
        return self.write.desk(APPROVAL, case, playbook, now, brief, playbook.owner_of(case.owner))

    def _cards(
        self, tx: Transaction, case: Case, steps: list[Decision], playbook: Playbook, now: datetime
    ) -> list[Decision]:
        """Order the gift card that is due, in this very transaction; what a playbook gives keeps to the cap as well."""
        found: list[Decision] = []
        for step in steps:
            if isinstance(step, CompensationGranted):
                found.append(self._capped(tx, case, step, playbook, now))
                case = lifecycle.after(case, as_event(found[-1], now))
            elif not isinstance(step, GiftCardDue):
                found.append(step)
            elif (grant := case.grant(step.n)) and grant.state is GrantState.GRANTED:
                tx.orders.place(case.ref, step.n, step.money, now)
                found.append(step)
        return found

    def _capped(
        self, tx: Transaction, case: Case, step: CompensationGranted, playbook: Playbook, now: datetime
    ) -> CompensationGranted:
        grant, local = step.compensation, playbook.calendar.local
        given = [*case.compensation, *(other.grant for other in elsewhere(tx, case))]
        today = local(now)
        why = above_cap(
            self.cap,
            given,
            grant.money,
            lambda at: (local(at).year, local(at).month) == (today.year, today.month),
        )
        waiting = replace(grant, state=GrantState.WAITING_APPROVAL, because=why)
        return replace(step, compensation=waiting) if why else step

    def _stopped(self, case: Case, playbook: Playbook, why: str, now: datetime) -> list[Decision]:
        """Tell the owner once why a letter was not written; nothing half-written ever reaches the customer."""
        if case.stopped and case.stopped[1] == why:
            return []
        log.letter_stopped(case.ref, why)
        brief = LetterContent(because=msg("a letter could not be written"), problems=(why,))
        mail = self.write.desk(NUDGE, case, playbook, now, brief, playbook.owner_of(case.owner))
        return [LetterStopped(at=now, kind="letter", why=why), mail]


def _tell(case: Case, step: Decision) -> None:
    if isinstance(step, Event):
        log.event_recorded(case.ref, type(step).__name__, case.stage)
    else:
        log.letter_written(step.key)
