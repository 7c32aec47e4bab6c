"""Outbox to post: claim, commit, hand over, put down what happened; what nobody knows is settled by evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from followupd import journal
from followupd.errors import CaseMovedError, LetterError, OutageError
from followupd.model import event as e
from followupd.model.calendar import Calendar
from followupd.model.case import Case
from followupd.model.gate import stale
from followupd.model.kept import QUARANTINE, Kept, LetterState
from followupd.model.letter import DOUBT, GIFT_CARD, Brief, Writer
from followupd.model.message import Kind
from followupd.model.outgoing import Condition, Delivery, Outcome, Outgoing
from followupd.model.playbook import Playbook
from followupd.recovery import gift_card
from followupd.rounds import fate
from followupd.rounds.doors import Ledger, Post, Work

#: how often the end of a letter is put down anew when somebody else has its case in hand
_PATIENCE = 20
#: automatic letters to one address in a week, and to one domain in an hour
_A_WEEK = (3, timedelta(days=7))
_A_DOMAIN = (20, timedelta(hours=1))
#: a held case's letter, or one that could not even be looked at, is looked at again after this
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
    #: what the server said of letters while the ledger could not take it down
    _said: dict[str, Delivery] = field(default_factory=dict, repr=False, compare=False)

    # --- start-up and evidence ---

    def wake_up(self, now: datetime) -> int:
        """Put every letter that was on its way when we stopped in doubt: nobody knows whether it left (RFC 1047).

        Within a beat no letter is on its way before the first is claimed: one that is lost its end to an outage of the
        ledger, and what the server said of it is put down now.
        """
        with self.ledger.work() as work:
            leaving = work.outbox.all(Condition.LEAVING)
        for state in leaving:
            unknown = Delivery(Outcome.UNKNOWN, "found on its way; nobody knows whether it left", witnessed=True)
            self._put_down(state.letter, self._said.get(state.letter.key, unknown), now)
        return len(leaving)

    def settle(self, now: datetime) -> int:
        """Take our own copies that came back as the proof that their letters were accepted."""
        with self.ledger.work() as work:
            witnesses = [kept for kept in work.mail.unheard() if kept.message.kind is Kind.OWN]
        for kept in witnesses:
            try:
                with self.ledger.work() as work:
                    self._witnessed(work, kept, now)
            except CaseMovedError:
                continue  # it is looked at again in the next round
            except OutageError:
                raise
            except Exception as error:  # noqa: BLE001  one odd copy never stops the others
                with self.ledger.work() as work:
                    work.mail.put_down(kept.id, state=QUARANTINE, reason=f"{type(error).__name__}: {error}")
                journal.set_aside(kept.id, str(error))
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
        by_hand = state.condition is Condition.REVIEW
        why = "an agent sent it from the mail client" if by_hand else "our own copy came back"
        fate.proved(work, state.letter, why, now)

    def doubts(self, now: datetime) -> int:
        """Decide about letters in doubt whose copy did not come in time: send again where that is allowed, else ask."""
        stranded = self.wake_up(now)
        with self.ledger.work() as work:
            waiting = work.outbox.all(Condition.DOUBT)
        overdue = [state for state in waiting if now >= (state.leaving_at or now) + self.rules.witness_within]
        return stranded + sum(self._doubted(state, now) for state in overdue)

    def _doubted(self, state: LetterState, now: datetime) -> bool:
        try:
            return self._doubt(state, now)
        except (CaseMovedError, OutageError):
            return False  # it is asked in the next round
        except Exception as error:  # noqa: BLE001  one letter never stops the others
            journal.beat_failed(f"asking about {state.letter.key}", error)
            return False

    def _doubt(self, state: LetterState, now: datetime) -> bool:
        letter = state.letter
        # A copy that could never come is no evidence that the letter did not leave.
        may = self.rules.in_doubt == "resend" and self.rules.witness and state.copy_due
        again = not letter.to_customer or (may and letter.kind != GIFT_CARD)
        with self.ledger.work() as work:
            if again:
                return fate.again(work, letter, "in doubt; sent again by policy", "followupd", now)
            case = work.cases.get(letter.case)
            matter = f"doubt {letter.key} {state.leaving_at or now:%Y-%m-%dT%H:%M:%S}"
            if matter in dict(case.nudges):
                return False
            playbook = self._playbook(case)
            owner = playbook.owner_of(case.owner)
            asked = e.OwnerNudged(at=now, matter=matter, whom=owner.id, why=f"did {letter.key} leave?")
            brief = Brief(
                because=f"nobody knows whether {letter.key} left", about=letter.key,
                quote="" if letter.kind == GIFT_CARD else letter.text,  # a card's code is the customer's alone
                # Short, as every line that is sent back as it stands: `listen` takes longer ones for a quote of this mail.
                asks=tuple(f"settle: {how}" for how in fate.HOWS),
            )  # fmt: skip
            mail = self.write.desk(DOUBT, case, playbook, now, brief, owner)
            work.cases.record(case, [asked, mail], lambda _: now, now)
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
                if self._claimed(state, now):
                    handed += 1
                    if self._hand_over(post, state.letter, now).outage:
                        break  # every other letter would fare the same, and lose a try
        return handed

    def _claimed(self, state: LetterState, now: datetime) -> bool:
        """Claim a letter that may leave; one that cannot be looked at waits, and the others go on."""
        try:
            return self._may_leave(state, now) and self._claim(state.letter, now)
        except CaseMovedError:
            return False
        except OutageError:
            raise
        except Exception as error:  # noqa: BLE001  one letter never stops the others
            journal.beat_failed(state.letter.key, error)
            with self.ledger.work() as work:
                work.outbox.postpone(state.letter.key, now + _HELD, f"{type(error).__name__}: {error}")
            return False

    def _may_leave(self, state: LetterState, now: datetime) -> bool:
        """Ask everything again that may have changed since the letter was written."""
        letter = state.letter
        with self.ledger.work() as work:
            if self._breaker(work, now):
                return False
            if not letter.to_customer:
                return True
            case = work.cases.get(letter.case)
            if why := stale(letter, case, now):
                fate.taken_back(work, letter, why, now)
                return False
            until, why = self._not_yet(work, case, letter, now)
            if until:
                work.outbox.postpone(letter.key, until, why)
                journal.letter_waits(letter.key, why, until)
            return until is None

    def _not_yet(self, work: Work, case: Case, letter: Outgoing, now: datetime) -> tuple[datetime | None, str]:
        if case.held:
            return now + _HELD, "the case is held"
        if letter.kind == GIFT_CARD and (why := gift_card.waits(case)):
            return now + _HELD, why
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

    def _claim(self, letter: Outgoing, now: datetime) -> bool:
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
            delivery = self._delivered(post, letter, raw, witness)
        # The server has spoken; should the ledger not answer now, its word must not get lost.
        self._said[letter.key] = delivery
        self._put_down(letter, delivery, now)
        return delivery

    def _delivered(self, post: Post, letter: Outgoing, raw: bytes, witness: str) -> Delivery:
        try:
            sender = self.from_address(letter.mailbox)
            return post.deliver(raw, sender=sender, to=letter.to.address, witness=witness)
        except Exception as error:  # noqa: BLE001  our mistake, at a moment that nobody knows
            journal.beat_failed(letter.key, error)
            return Delivery(Outcome.UNKNOWN, f"{type(error).__name__} on the way out", witnessed=bool(witness))

    def _put_down(self, letter: Outgoing, delivery: Delivery, now: datetime) -> None:
        """Put down what became of a letter, however often somebody else has its case in hand just then."""
        for _ in range(_PATIENCE):
            try:
                with self.ledger.work() as work:
                    fate.put_down(work, letter, delivery, now)
            except CaseMovedError:
                continue
            self._said.pop(letter.key, None)
            return

    # --- a person's word ---

    def settle_by_hand(self, key: str, how: fate.How, by: str, now: datetime) -> None:
        """Do what a person says about a letter; raises NotInDoubtError."""
        with self.ledger.work() as work:
            fate.settle(work, key, how, by, now)

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]
