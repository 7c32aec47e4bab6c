"""Outbox to post: claim, commit, hand over, put down what happened; what nobody knows is settled by evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from followupd import journal
from followupd.errors import LetterError, WrongTurnError
from followupd.model import event as e
from followupd.model.calendar import Calendar
from followupd.model.case import Case
from followupd.model.event import Event
from followupd.model.gate import stale
from followupd.model.kept import Kept, LetterState
from followupd.model.letter import CONFIRMATION, DOUBT, FOLLOW_UP, GIFT_CARD, HOLDING, Brief, Writer
from followupd.model.marks import marks
from followupd.model.message import Kind
from followupd.model.outgoing import Condition, Delivery, Outcome, Outgoing
from followupd.model.playbook import Playbook
from followupd.rounds.doors import Ledger, Post, Work

#: waits between tries while the server asks us to come back later; the last one repeats
_BACK_OFF = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4)
)  # fmt: skip
#: after this long a deferred letter is given up, and a person is told
_GIVE_UP = timedelta(days=5)
#: automatic letters to one address in a week, and to one domain in an hour
_A_WEEK = (3, timedelta(days=7))
_A_DOMAIN = (20, timedelta(hours=1))
#: a held case's letter is looked at again after this
_HELD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Rules:
    """When a letter may leave, and what to do with one in doubt."""

    calendar: Calendar
    per_address: tuple[int, timedelta]
    breaker: tuple[int, timedelta]
    witness: bool
    witness_within: timedelta
    in_doubt: Literal["ask", "resend"]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Lets letters leave, each once."""

    ledger: Ledger
    post: Post
    compose: Callable[[Outgoing, datetime], bytes]
    from_address: Callable[[str], str]
    witness_address: Callable[[str], str]
    rules: Rules
    playbooks: Mapping[str, Playbook]
    write: Writer

    # --- start-up and evidence ---

    def wake_up(self, now: datetime) -> int:
        """Put every letter that was on its way when we stopped in doubt: nobody knows whether it left (RFC 1047)."""
        with self.ledger.work() as work:
            leaving = work.outbox.all(Condition.LEAVING)
            for state in leaving:
                self._settle(work, state.letter, Delivery(Outcome.UNKNOWN, "found on its way at start-up"), now)
        return len(leaving)

    def settle(self, now: datetime) -> int:
        """Take our own copies that came back as the proof that their letters were accepted."""
        with self.ledger.work() as work:
            witnesses = [kept for kept in work.mail.unheard() if kept.message.kind is Kind.OWN]
        for kept in witnesses:
            with self.ledger.work() as work:
                self._witnessed(work, kept, now)
        return len(witnesses)

    def _witnessed(self, work: Work, kept: Kept, now: datetime) -> None:
        key = kept.message.own_key
        if not key or not work.outbox.known(key):
            work.mail.put_down(kept.id, reason="a copy of a letter that this ledger does not know")
            return
        state = work.outbox.get(key)
        desk = "" if state.letter.to_customer else "a desk mail; it stays where its agent reads it"
        work.mail.put_down(kept.id, case_ref=state.letter.case or None, reason=desk)
        work.outbox.witness(key, now)
        if state.condition in {Condition.LEAVING, Condition.DOUBT}:
            journal.letter_witnessed(key)
            self._settle(work, state.letter, Delivery(Outcome.ACCEPTED, "our own copy came back"), now)
        elif state.condition is Condition.REVIEW:  # an agent sent the draft from the mail client
            work.outbox.approve(key)
            work.outbox.claim(key, now)
            self._settle(work, state.letter, Delivery(Outcome.ACCEPTED, "an agent sent it from the mail client"), now)

    def doubts(self, now: datetime) -> int:
        """Decide about letters in doubt whose copy did not come in time: send again where that is allowed, else ask."""
        with self.ledger.work() as work:
            waiting = work.outbox.all(Condition.DOUBT)
        overdue = [state for state in waiting if now >= (state.leaving_at or now) + self.rules.witness_within]
        return sum(self._doubt(state, now) for state in overdue)

    def _doubt(self, state: LetterState, now: datetime) -> bool:
        letter = state.letter
        # A copy that could never come is no evidence that the letter did not leave.
        may = self.rules.in_doubt == "resend" and self.rules.witness and state.copy_due
        again = not letter.to_customer or (may and letter.kind != GIFT_CARD)
        with self.ledger.work() as work:
            if again:
                work.outbox.put_down(letter.key, Condition.DEFERRED, now, reply="in doubt; sent again by policy")
                return True
            case = work.cases.get(letter.case)
            if any(mark.kind == DOUBT and mark.at >= (state.leaving_at or now) for mark in case.letters):
                return False
            playbook = self._playbook(case)
            brief = Brief(
                because=f"nobody knows whether {letter.key} left", about=letter.key, quote=letter.text,
                asks=(f"settle {letter.key} sent", f"settle {letter.key} resend", f"settle {letter.key} drop"),
            )  # fmt: skip
            mail = self.write.desk(DOUBT, case, playbook, now, brief, playbook.owner_of(case.owner))
            work.cases.record(case, [mail], lambda _: now, now)
            return True

    # --- leaving ---

    def round(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Let every letter leave that may, while `go_on` says so; return how many were handed over."""
        with self.ledger.work() as work:
            ready = work.outbox.may_leave(now)
        if not ready:
            return 0
        handed = 0
        with self.post as post:
            for state in ready:
                if not go_on():
                    break
                if self._may_leave(state, now) and self._claimed(state.letter, now):
                    handed += 1
                    if self._hand_over(post, state.letter, now).outage:
                        break  # every other letter would fare the same, and lose a try
        return handed

    def _may_leave(self, state: LetterState, now: datetime) -> bool:
        """Ask everything again that may have changed since the letter was written."""
        letter = state.letter
        with self.ledger.work() as work:
            if self._breaker(work, now):
                return False
            if not letter.to_customer:
                return True
            case = work.cases.get(letter.case)
            if why := stale(letter.kind, letter.concerns, case):
                self._take_back(work, case, letter, why, now)
                return False
            until, why = self._not_yet(work, case, letter, now)
            if until:
                work.outbox.postpone(letter.key, until, why)
                journal.letter_waits(letter.key, why, until)
            return until is None

    def _not_yet(self, work: Work, case: Case, letter: Outgoing, now: datetime) -> tuple[datetime | None, str]:
        if case.held:
            return now + _HELD, "the case is held"
        quiet = self.rules.calendar.quiet_until(now)
        if quiet:
            return quiet, "quiet hours"
        return self._over_budget(work, letter.to.address, now) if letter.automatic else (None, "")

    def _over_budget(self, work: Work, address: str, now: datetime) -> tuple[datetime | None, str]:
        """Return when automatic mail may go to this address or its domain again (MAIL.md, "Loops"), None for now."""
        domain = address.rpartition("@")[2]
        for (count, span), whom in ((self.rules.per_address, address), (_A_WEEK, address), (_A_DOMAIN, f"@{domain}")):
            sent = work.outbox.sent_to(whom, now - span)
            if len(sent) >= count:
                return sent[-count] + span, f"{count} automatic letter(s) in {span} is the limit for {whom}"
        return None, ""

    def _breaker(self, work: Work, now: datetime) -> bool:
        """Stop everything when more leaves than any good day needs; a person lets it go on (`followupd resume`)."""
        state = work.pulse.get("breaker")
        if state and state[0] == "open":
            return True
        limit, span = self.rules.breaker
        resumed = state[1] if state else None
        since = max(now - span, resumed) if resumed else now - span
        if work.outbox.left_since(since) < limit:
            return False
        work.pulse.put("breaker", "open", now)
        journal.breaker_open(str(limit))
        return True

    def _take_back(self, work: Work, case: Case, letter: Outgoing, why: str, now: datetime) -> None:
        if work.outbox.drop(letter.key):
            journal.letter_taken_back(letter.key, why)
            dropped = e.LetterDropped(at=now, why=why, key=letter.key, kind=letter.kind)
            work.cases.record(case, [dropped], lambda _: now, now)

    def _claimed(self, letter: Outgoing, now: datetime) -> bool:
        # A transaction of its own: it is committed before the post sees the letter.
        with self.ledger.work() as work:
            return work.outbox.claim(letter.key, now)

    def _hand_over(self, post: Post, letter: Outgoing, now: datetime) -> Delivery:
        journal.letter_leaves(letter.key)
        witness = self.witness_address(letter.mailbox) if letter.witness and self.rules.witness else ""
        try:
            raw = self.compose(letter, now)
        except LetterError as error:
            delivery = Delivery(Outcome.REFUSED, f"it cannot be composed: {error}")
        else:
            sender = self.from_address(letter.mailbox)
            delivery = post.deliver(raw, sender=sender, to=letter.to.address, witness=witness)
        with self.ledger.work() as work:
            self._settle(work, letter, delivery, now)
            if delivery.outcome is Outcome.UNKNOWN and not delivery.witnessed:
                work.outbox.no_copy_comes(letter.key)
        return delivery

    def _settle(self, work: Work, letter: Outgoing, delivery: Delivery, now: datetime) -> None:
        """Put down what happened, and let the letter's leaving move its case, in one transaction."""
        state = work.outbox.get(letter.key)
        delivery = self._given_up(state, delivery, now)
        condition, not_before = self._condition(state, delivery, now)
        if not work.outbox.put_down(letter.key, condition, now, reply=delivery.reply, not_before=not_before):
            return  # settled before, by evidence or by a person
        journal.letter_put_down(letter.key, condition.value, delivery.reply)
        if condition is Condition.DOUBT:
            journal.letter_in_doubt(letter.key)
        event = _event(letter, delivery, now)
        if event and letter.case:
            self._move(work, work.cases.get(letter.case), event, now)

    def _given_up(self, state: LetterState, delivery: Delivery, now: datetime) -> Delivery:
        # An outage is ours, such as a wrong password over a holiday: no letter dies of it.
        if delivery.outcome is Outcome.DEFERRED and not delivery.outage and now - state.written_at > _GIVE_UP:
            return Delivery(Outcome.REFUSED, f"given up after {_GIVE_UP.days} days: {delivery.reply}")
        return delivery

    def _condition(self, state: LetterState, delivery: Delivery, now: datetime) -> tuple[Condition, datetime | None]:
        match delivery.outcome:
            case Outcome.ACCEPTED:
                return Condition.SENT, None
            case Outcome.REFUSED:
                return Condition.REFUSED, None
            case Outcome.UNKNOWN:
                return Condition.DOUBT, None
            case Outcome.DEFERRED:
                return Condition.DEFERRED, now + _BACK_OFF[min(max(state.attempts, 1), len(_BACK_OFF)) - 1]

    def _move(self, work: Work, case: Case, event: Event, now: datetime) -> None:
        try:
            after = work.cases.record(case, [event], lambda _: now, now)
        except WrongTurnError as error:
            # The letter has left whatever the case thinks; a person looks at the case.
            journal.parked(case.ref, str(error))
            after = work.cases.record(case, [e.Parked(at=now, why=str(error))], lambda _: None, now)
        journal.happened(case.ref, type(event).__name__, after.stage)
        work.mail.want_marks(case.ref, marks(after))

    # --- a person's word ---

    def settle_by_hand(self, key: str, how: Literal["sent", "resend", "drop"], by: str, now: datetime) -> None:
        """Do what a person says about a letter in doubt, or drop one that still waits."""
        with self.ledger.work() as work:
            state = work.outbox.get(key)
            letter = state.letter
            if how == "sent":
                self._settle(work, letter, Delivery(Outcome.ACCEPTED, f"{by} says that it left"), now)
            elif how == "resend":
                work.outbox.put_down(key, Condition.DEFERRED, now, reply=f"{by} says: send it again")
            elif work.outbox.drop(key) and letter.case:
                dropped = e.LetterDropped(at=now, by=by, why="dropped by hand", key=key, kind=letter.kind)
                self._move(work, work.cases.get(letter.case), dropped, now)

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]


def _event(letter: Outgoing, delivery: Delivery, now: datetime) -> Event | None:
    """Return what the case learns from a delivery; a deferred letter has told nobody anything."""
    key, kind = letter.key, letter.kind
    if delivery.outcome is Outcome.DEFERRED:
        return None
    if delivery.outcome is Outcome.UNKNOWN:
        return e.LetterInDoubt(at=now, why=delivery.reply, key=key, kind=kind)
    if delivery.outcome is Outcome.REFUSED:
        return e.LetterRefused(at=now, why=delivery.reply, key=key, kind=kind)
    if not letter.to_customer:
        return e.AgentTold(at=now, key=key, kind=kind, message_id=letter.message_id)
    if kind == GIFT_CARD:
        return e.GiftCardSent(at=now, key=key, kind=kind, message_id=letter.message_id, n=letter.concerns[0])
    left = {CONFIRMATION: e.NextStepConfirmed, HOLDING: e.NextStepConfirmed, FOLLOW_UP: e.FollowedUp}.get(
        kind, e.CustomerTold
    )
    return left(at=now, key=key, kind=kind, message_id=letter.message_id, promises=letter.concerns, why=delivery.reply)
