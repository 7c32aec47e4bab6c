"""Advance the cases that are due: policies decide, and one transaction per case saves what they decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.calendar import has_come
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState, above_cap
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import CompensationGranted, GiftCardDue, LetterDropped, LetterStopped, Parked
from followupd.domain.keys import StateKey
from followupd.domain.letter import Letter, LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.errors import InvalidTransitionError, LetterError
from followupd.recovery import answers, confirm, follow_up, gift_card, opening, outcomes, remind
from followupd.recovery.blockers import morning_after, why_untrue
from followupd.recovery.recurrence import USUAL, CauseCase, happened_again, spike
from followupd.services.commands import grants_in_other_cases, preventions_told
from followupd.services.context import ServiceContext
from followupd.services.record import isolated, record
from followupd.services.staff_mail import StaffNotices

#: passes over all policies, per case and cycle; more mean that two policies undo each other
_MAX_PASSES = 10
#: a letter that could not be written is tried again after this time, or after the next event
_RETRY_LETTER = timedelta(hours=1)
#: a case that was put on hold by an error is looked at again after this time, to remind its owner
_RETRY_HELD = timedelta(days=1)

#: what the owner is asked about a letter in review
_REVIEW = msgid(
    "the {letter} to {address} waits for you in the Drafts of {mailbox}, as “{subject}”. Change it there as you "
    "like: `approve` sends it as it is then. Or send it from there yourself, which counts as well"
)


class Policy(Protocol):
    """One part of the recovery: when it wants to look at a case, and what it decides then."""

    def next_due(self, case: Case, playbook: Playbook, /) -> datetime | None:
        """Return when to look at the case, None when nothing is to be done by time.

        Returns:
            A time in UTC. One that is not later than the cycle is ignored: `decide` has been called for it.
        """

    def decide(
        self, case: Case, playbook: Playbook, write: LetterRenderer, now: datetime, /
    ) -> list[Decision]:
        """Return the events and letters that are due now.

        Args:
            case: as it is, with what policies before this one have decided.
            playbook: the case's, with the times for its severity.
            write: renders letters; nothing is queued before all policies have decided.
            now: the time of the cycle.

        Raises:
            LetterError: a letter cannot be written. The owner is asked, and it is tried again.
        """


#: the policies, in the order of a case's life
POLICIES: tuple[Policy, ...] = (opening, confirm, follow_up, answers, gift_card, remind, outcomes)


@dataclass(frozen=True, slots=True)
class CaseService:
    """Gives every case that is due to the policies."""

    context: ServiceContext
    policies: Sequence[Policy] = POLICIES

    def run(self, now: datetime) -> int:
        """Advance the cases that are due; return how many there were."""
        with self.context.ledger.transaction() as tx:
            refs = tx.cases.due(now)

        for ref in refs:
            with (
                isolated(ref, partial(self._put_on_hold, ref, now)),
                self.context.ledger.transaction() as tx,
            ):
                self._advance(tx, tx.cases.get(ref), now)

        return len(refs)

    def _put_on_hold(self, ref: str, now: datetime, why: str) -> None:
        """Hold a case that cannot be advanced; its next check, a day later, tells its owner."""
        log.case_needs_person(ref, why)
        with isolated(ref), self.context.ledger.transaction() as tx:
            record(tx, tx.cases.get(ref), [Parked(at=now, why=why)], now, lambda _: now + _RETRY_HELD)

    def _advance(self, tx: Transaction, case: Case, now: datetime) -> None:
        """Let the policies decide about a case, and save what they decided."""
        playbook = self.context.playbooks.for_case(case)
        step = _Advance(self.context, tx, playbook, now, case)
        step.compare_cause()
        step.measure_outcome()
        step.drop_untrue_letters()
        step.apply_all(self.policies)
        extra = [now + _RETRY_LETTER] * step.failed + [step.delay_from] * bool(step.delay_from)
        after = record(tx, case, step.decisions, now, self._next_check(playbook, now, extra))
        log.next_check(after.ref, after.wake_at)

    def _next_check(
        self, playbook: Playbook, now: datetime, others: Sequence[datetime | None]
    ) -> Callable[[Case], datetime | None]:
        """Return the function that returns when to look at a case again: the earliest time of any policy.

        Args:
            playbook: the playbook of the case.
            now: the time of the cycle.
            others: further times: when a letter is tried again, or may be written.
        """

        def next_check(case: Case) -> datetime | None:
            """Return the earliest time, after now, at which a policy wants to look at the case."""
            times = [*others, *(policy.next_due(case, playbook) for policy in self.policies)]
            return min((time for time in times if time and time > now), default=None)

        return next_check


@dataclass(slots=True)
class _Advance:
    """The policies' decisions about one case in one cycle; `case` is the case after them."""

    context: ServiceContext
    tx: Transaction
    playbook: Playbook
    now: datetime
    case: Case
    decisions: list[Decision] = field(default_factory=list)
    #: whether a letter could not be written
    failed: bool = False
    #: when a delay letter may be written that waits for the next day, None where none waits
    delay_from: datetime | None = None

    def apply_all(self, policies: Sequence[Policy]) -> None:
        """Call the policies until none has anything more to decide.

        Raises:
            InvalidTransitionError: the policies do not come to an end.
        """
        for _ in range(_MAX_PASSES):
            before = len(self.decisions)
            for policy in policies:
                self._apply(policy)
            if len(self.decisions) == before:
                return

        raise InvalidTransitionError(f"the policies do not come to an end for {self.case.ref}")

    def compare_cause(self) -> None:
        """Record that the cause of the case came back, and tell the leads of a spike of it, each once."""
        cause, is_over = self.case.facts.cause_code, self.case.stage in {Stage.CLOSED, Stage.DISMISSED}
        if not cause or is_over:
            return

        cases = self.context.cases_of_cause(self.tx, cause, self.case.mailbox)
        told = preventions_told(self.tx, cases, self.case.ref)
        event = happened_again(self.case, cases, told, self.now)
        if event:
            self._follow(event)
            self.decisions.append(event)
        self._tell_spike(cause, cases)

    def measure_outcome(self) -> None:
        """Record what became of the customer, if it is time for that."""
        case, due = self.case, outcomes.next_due(self.case, self.playbook)
        if case.closed_at is None or not has_come(due, self.now):
            return

        address = case.customer.address
        mails = self.tx.mail.contacts({address, *case.addresses}, case.closed_at)
        evidence = outcomes.Evidence(mails, self.context.cases_of(self.tx, address, case.mailbox))
        for event in outcomes.due_outcomes(case, self.playbook, evidence, self.now):
            self._follow(event)
            self.decisions.append(event)

    def drop_untrue_letters(self) -> None:
        """Drop the letters in review that say what was taken back or changed since; another takes their place."""
        for kept in self.case.letters_in(LetterRecordState.REVIEW):
            why = why_untrue(self.tx.outbox.get(kept.key).letter, self.case, self.playbook)
            if why and self.tx.outbox.drop(kept.key):
                log.letter_cancelled(kept.key, why)
                event = LetterDropped(at=self.now, why=why, key=kept.key, kind=kept.kind)
                self._follow(event)
                self.decisions.append(event)

    def _tell_spike(self, cause: str, cases: Sequence[CauseCase]) -> None:
        """Tell the leads of a spike, once in twelve weeks (practice 32).

        Args:
            cause: its code, as the case has it.
            cases: the company's complaints of this cause, this one included.
        """
        company = self.playbook.company.id
        name = StateKey.SPIKE.of(f"{company}/{cause}" if company else cause)
        known = self.tx.state.get(name)
        if known and self.now - known[1] < USUAL:
            return

        since = self.tx.cases.first_opened_at()
        found = spike([case.opened_at for case in cases], since) if since else None
        if found:
            self.tx.state.put(name, found.count, self.now)
            StaffNotices(self.context).spike(self.tx, cause, found, self.now)

    def _apply(self, policy: Policy) -> None:
        """Add the decisions of one policy; one that cannot write its letter tells the owner instead."""
        before = self.case
        try:
            decided = policy.decide(self.case, self.playbook, self.context.letters, self.now)
            found = self._checked_letters(self._with_gift_cards(self._one_delay_a_day(decided)))
        except LetterError as error:
            self.case = before
            self.failed = True
            found = self._letter_stopped(error.message)

        self.decisions += found

    def _one_delay_a_day(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return decisions without a delay letter that waits: a customer with two cases gets one a day.

        It waits for the next morning, unless a date that the customer knows would pass before.

        Args:
            decisions: the decisions of one policy.

        Returns:
            All of them, or those without the delay letter; the case is looked at again when it may be written.
        """
        is_delay = [isinstance(each, Letter) and each.kind is LetterKind.DELAY for each in decisions]
        last = self._last_delay_elsewhere() if any(is_delay) else None
        morning = morning_after(last, self.case, self.playbook) if last else None
        if morning is None or morning <= self.now:
            return list(decisions)

        self.delay_from = morning
        return [each for each, waits in zip(decisions, is_delay, strict=True) if not waits]

    def _last_delay_elsewhere(self) -> datetime | None:
        """Return when the customer's last delay letter in another case was sent, or queued; None without one."""
        case = self.case
        others = self.context.cases_of(self.tx, case.customer.address, case.mailbox)
        times = [
            letter.at
            for other in others
            if other.ref != case.ref
            for letter in other.letters_in(LetterRecordState.SENT, LetterRecordState.PENDING)
            if letter.kind is LetterKind.DELAY
        ]
        return max(times, default=None)

    def _follow(self, decision: Decision) -> None:
        """Advance `case` by a decision."""
        self.case = lifecycle.after(self.case, as_event(decision, self.now))

    # --- compensation ---

    def _with_gift_cards(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return decisions about compensation as they can be saved.

        The gift cards that are due are ordered in this transaction, and a playbook's grant is kept to the
        monthly cap.
        """
        case = self.case
        found: list[Decision] = []

        for decision in decisions:
            if isinstance(decision, CompensationGranted):
                capped = self._capped(case, decision)
                case = lifecycle.after(case, capped)
                found.append(capped)
            elif not isinstance(decision, GiftCardDue) or self._place_order(case, decision):
                found.append(decision)

        return found

    def _place_order(self, case: Case, due: GiftCardDue) -> bool:
        """Order a gift card; returns False when its grant waits for approval or was refused."""
        grant = case.grant(due.n)
        if grant is None or grant.state is not GrantState.GRANTED:
            return False

        self.tx.orders.place(case.ref, due.n, due.money, self.now)
        return True

    def _capped(self, case: Case, granted: CompensationGranted) -> CompensationGranted:
        """Return the event as it is, or with a grant that waits for approval.

        A grant waits for approval when it exceeds the customer's monthly cap.
        """
        grant, local = granted.compensation, self.playbook.calendar.local
        others = [other.grant for other in grants_in_other_cases(self.context, self.tx, case)]
        today = local(self.now)
        why = above_cap(
            self.context.monthly_cap,
            [*case.compensation, *others],
            grant.money,
            lambda at: (local(at).year, local(at).month) == (today.year, today.month),
        )
        if not why:
            return granted

        waiting = replace(grant, state=GrantState.WAITING_APPROVAL, because=why)
        return replace(granted, compensation=waiting)

    # --- letters ---

    def _checked_letters(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Check letters against the wording rules; add a desk mail for each one that its owner reviews.

        Raises:
            LetterError: a letter breaks a hard rule.
        """
        found: list[Decision] = []
        for decision in decisions:
            found.append(decision)
            if isinstance(decision, Letter):
                self.context.wording.stop(self.tx, decision, self.case, self.playbook, self.now)
            self._follow(decision)
            if isinstance(decision, Letter) and decision.review:
                request = self._review_request(decision)
                found.append(request)
                self._follow(request)

        return found

    def _review_request(self, letter: Letter) -> Letter:
        """Return the desk mail that asks the owner to read a letter before it is sent (practice 12).

        It contains what the wording rules found in the letter.
        """
        findings = self.context.wording.letter(self.tx, letter, self.case, self.playbook, self.now)
        because = msg(
            _REVIEW,
            letter=msg(letter.kind),
            address=letter.to.address,
            mailbox=letter.sender.address,
            subject=letter.subject,
        )
        first = LetterContent()
        if not opening.owner_knows(self.case):  # one mail about the complaint and its first letter
            first = opening.opening_content(self.case)

        content = LetterContent(
            because=sentence_list(filter(None, (first.because, self._replaced(letter), because))),
            problems=(*first.problems, *(finding.told for finding in findings)),
            asks=("approve", "refuse: ", *(ask for ask in first.asks if ask != "complaint")),
            story=first.quote,
            quote=letter.unwrapped,
            about=letter.key,
            promises=tuple(promise for promise in self.case.promises if promise.n in letter.concerns),
        )
        return self._desk_mail(LetterKind.APPROVAL, content)

    def _replaced(self, letter: Letter) -> str:
        """Return that a letter takes the place of one that waited, "" where none was dropped in this cycle.

        Args:
            letter: a letter that its owner reviews.
        """
        dropped = [each for each in self.decisions if isinstance(each, LetterDropped)]
        if not any(each.kind is letter.kind for each in dropped):
            return ""
        return msg("what was said since has changed the letter that waited, and this one takes its place")

    def _letter_stopped(self, why: str) -> list[Decision]:
        """Tell the owner, once, why a letter was not written."""
        if self.case.stopped and self.case.stopped[1] == why:
            return []

        log.letter_stopped(self.case.ref, why)
        content = LetterContent(because=msg("a letter could not be written"), problems=(why,))
        stopped = LetterStopped(at=self.now, kind="letter", why=why)
        nudge = self._desk_mail(LetterKind.NUDGE, content)
        self._follow(stopped)
        self._follow(nudge)
        return [stopped, nudge]

    def _desk_mail(self, kind: LetterKind, content: LetterContent) -> Letter:
        """Render a mail to the owner of the case."""
        owner = self.playbook.owner_of(self.case.owner)
        return self.context.letters.desk(kind, self.case, self.playbook, self.now, content, owner)
