"""Outbox to post: letters are taken by the handful, in one transaction before the post sees the first, and put down in another.

What a crash leaves between the two is in doubt, so a handful is small, is begun by one letter, and is not held for long.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.case import Case
from followupd.domain.decision import LetterRenderer
from followupd.domain.letter import (
    DeliveryOutcome,
    DeliveryResult,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
)
from followupd.domain.playbook import Playbook
from followupd.errors import ConflictError, InvalidTransitionError, LetterError, UnavailableError
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import HELD, SendPolicy
from followupd.services.outbox.reconcile import Reconciler
from followupd.services.ports import MailTransport

#: how often the end of a letter is put down anew when somebody else has its case in hand
_PATIENCE = 20
#: letters that are taken at once; so many may be in doubt after a crash
BATCH_SIZE = 200
#: seconds for which letters are held that the post has not seen; then they wait again, and are asked again
_NOT_LONG = 0.25
#: a server that took a witness within this time is thought to take it still
_OF_LATE = timedelta(days=30)
#: letters and seconds of one round; after it the house hears what agents have said meanwhile
_A_ROUND, _LONG = 1000, 10.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A letter that is claimed, with its case as it was then."""

    state: OutboxEntry
    case: Case | None

    @property
    def letter(self) -> Letter:
        return self.state.letter


@dataclass(frozen=True, slots=True)
class SendService:
    """Lets letters leave, each once."""

    ledger: Ledger
    post: MailTransport
    compose: Callable[[OutboxEntry, datetime], bytes]
    from_address: Callable[[str], str]
    witness_address: Callable[[str], str]
    rules: SendPolicy
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    #: seconds of a clock that only goes on; how long a handful takes decides nothing but how many letters it holds
    elapsed: Callable[[], float] = monotonic
    #: of each letter that we have claimed and not put down: what the server said, None when the post has not seen it;
    #: a letter that the post has in hand at this moment does not stand here
    _known: dict[str, DeliveryResult | None] = field(default_factory=dict, repr=False, compare=False)

    # --- start-up and evidence ---

    def recover_interrupted(self, now: datetime) -> int:
        """Put every letter that was on its way when we stopped in doubt: nobody knows whether it left (RFC 1047).

        Within a beat no letter is on its way before the first is claimed: one that is lost its end to an outage of the
        ledger. What the server said of it is put down now, and one that the post has never seen waits again.
        """
        with self.ledger.transaction() as tx:
            leaving = tx.outbox.in_flight(LetterStatus.SENDING)
            come = {
                each.letter.mailbox: tx.outbox.copies_arrived_since(each.letter.mailbox, now - _OF_LATE)
                for each in leaving
            }
        for state in leaving:
            # Whether the server took the witness of this very letter nobody knows; it took others'.
            witnessed = come[state.letter.mailbox]
            unknown = DeliveryResult(
                DeliveryOutcome.UNKNOWN, "found on its way; nobody knows whether it left", witnessed=witnessed
            )
            said = self._known.get(state.letter.key, unknown)
            if said is None:
                self._release([state.letter.key])
            else:
                self._put_down(state.letter, said, now)
        self._known.clear()
        return len(leaving)

    def doubts(self, now: datetime) -> int:
        """Decide about letters in doubt whose copy did not come in time: send again where that is allowed, else ask."""
        return self.recover_interrupted(now) + self._evidence.doubts(now)

    @property
    def _evidence(self) -> Reconciler:
        return Reconciler(self.ledger, self.rules, self.playbooks, self.write)

    def settle_by_hand(self, key: str, how: outcomes.How, by: str, now: datetime) -> None:
        """Do what a person says about a letter; raises NotInDoubtError."""
        with self.ledger.transaction() as tx:
            outcomes.resolve(tx, key, how, by, now)

    # --- leaving ---

    def run(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Let every letter leave that may, while `go_on` says so; return how many were handed over."""
        with self.ledger.transaction() as tx:
            waiting = tx.outbox.due(now, _A_ROUND, stale_mailboxes=self.rules.stale_mailboxes(tx, now))
        if not waiting:
            return 0
        handed, most, end = 0, 1, self.elapsed() + _LONG
        with self.post as post:
            while waiting and go_on() and self.elapsed() < end:
                taken = self._take(_handful(waiting, most), now)
                begun = self.elapsed()
                done, outage = self._hand_over_all(post, taken, now, go_on)
                handed += done
                if outage:
                    break  # every other letter would fare the same, and lose a try
                quick = done == len(taken) and self.elapsed() - begun < _NOT_LONG / 4
                most = min(BATCH_SIZE, 4 * most) if quick else max(1, done)
        return handed

    def release_unsent(self) -> None:
        """Let letters wait again that are claimed and that the post has not seen; for who must stop at once."""
        with suppress(UnavailableError):
            self._release([key for key, said in list(self._known.items()) if said is None])

    # --- taking ---

    def _take(self, letters: Sequence[OutboxEntry], now: datetime) -> list[_Claimed]:
        """Claim the letters that may leave. The claim is committed before the post sees any of them."""
        try:
            plain, taken = self._taken_together(letters, now)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  each is looked at by itself then
            log.unexpected_error(f"taking {len(letters)} letters at once", error)
            plain, taken = set(), []
        odd = [each for each in letters if each.letter.key not in plain]
        return taken + [_Claimed(each, None) for each in odd if self._taken_alone(each, now)]

    def _taken_together(
        self, letters: Sequence[OutboxEntry], now: datetime
    ) -> tuple[set[str], list[_Claimed]]:
        """Claim the letters that nothing speaks against; return which of all need no closer look, and which are ours now."""
        with self.ledger.transaction() as tx:
            tx.outbox.lock_claims()
            room = self.rules.room(tx, now)
            letters, later = letters[:room], letters[room:]
            cases = (
                tx.cases.get_all({each.letter.case for each in letters if each.letter.case})
                if letters
                else {}
            )
            plain = self.rules.eligible(tx, letters, cases, now)
            claimed = self._claim(tx, plain, now)
        taken = [_Claimed(each, cases.get(each.letter.case)) for each in plain if each.letter.key in claimed]
        return {each.letter.key for each in (*plain, *later)}, taken

    def _claim(self, tx: Transaction, letters: Sequence[OutboxEntry], now: datetime) -> set[str]:
        keys = [each.letter.key for each in letters]
        claimed = set(tx.outbox.claim_batch(keys, now)) if keys else set()
        self._known.update(dict.fromkeys(claimed))  # before the commit: one that fails may have come to pass
        return claimed

    def _taken_alone(self, state: OutboxEntry, now: datetime) -> bool:
        """Look closely at a letter, and claim it if it may leave; one that cannot be looked at waits, the others go on."""
        try:
            with self.ledger.transaction() as tx:
                tx.outbox.lock_claims()
                may = self.rules.room(tx, now) > 0 and self.rules.let(tx, state.letter, now)
                return may and bool(self._claim(tx, [state], now))
        except ConflictError:
            return False
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  one letter never stops the others
            log.unexpected_error(state.letter.key, error)
            with self.ledger.transaction() as tx:
                tx.outbox.postpone(state.letter.key, now + HELD, f"{type(error).__name__}: {error}")
            return False

    # --- handing over ---

    def _hand_over_all(
        self, post: MailTransport, taken: Sequence[_Claimed], now: datetime, go_on: Callable[[], bool]
    ) -> tuple[int, bool]:
        """Hand letters over as long as there is time; return how many the post has seen, and whether there is an outage."""
        done: list[tuple[_Claimed, DeliveryResult]] = []
        end = self.elapsed() + _NOT_LONG
        for each in taken:
            if not go_on() or (done and self.elapsed() > end):
                break
            done.append((each, self._hand_over(post, each.state, now)))
            if done[-1][1].outage:
                break
        self._put_down_all(done, [each.letter.key for each in taken[len(done) :]], now)
        return len(done), bool(done and done[-1][1].outage)

    def _hand_over(self, post: MailTransport, state: OutboxEntry, now: datetime) -> DeliveryResult:
        key = state.letter.key
        log.letter_sending(key)
        del self._known[key]
        # The server has spoken; should the ledger not answer now, its word must not get lost.
        self._known[key] = delivery = self._delivered(post, state, now)
        return delivery

    def _delivered(self, post: MailTransport, state: OutboxEntry, now: datetime) -> DeliveryResult:
        letter = state.letter
        witness = self.witness_address(letter.mailbox) if letter.witness and self.rules.witness else ""
        try:
            raw = self.compose(state, now)
        except LetterError as error:
            return DeliveryResult(DeliveryOutcome.REFUSED, f"it cannot be composed: {error}")
        try:
            sender = self.from_address(letter.mailbox)
            return post.deliver(raw, sender=sender, to=letter.to.address, witness=witness)
        except Exception as error:  # noqa: BLE001  our mistake, at a moment that nobody knows
            log.unexpected_error(letter.key, error)
            return DeliveryResult(
                DeliveryOutcome.UNKNOWN, f"{type(error).__name__} on the way out", witnessed=bool(witness)
            )

    # --- putting down ---

    def _put_down_all(
        self, done: Sequence[tuple[_Claimed, DeliveryResult]], unseen: Sequence[str], now: datetime
    ) -> None:
        """Put down what became of a handful: what simply left all at once, everything else letter by letter."""
        simply = [
            outcomes.SentLetter(each.letter, said.reply, each.case)
            for each, said in done
            if _simple(each, said)
        ]
        if len(simply) > 1 and self._left(simply, unseen, now):
            done = [(each, said) for each, said in done if not _simple(each, said)]
        elif unseen:
            self._release(unseen)
        for each, said in done:
            self._put_down(each.letter, said, now)

    def _left(self, letters: Sequence[outcomes.SentLetter], unseen: Sequence[str], now: datetime) -> bool:
        """Put down at once that letters left; False when something is in the way, and nothing was put down."""
        try:
            # Without it the letters are in doubt, as they were the moment before: no need to wait for the disk.
            with self.ledger.transaction(durable=False) as tx:
                outcomes.record_sent_batch(tx, letters, now)
                tx.outbox.release(unseen)
        except UnavailableError:
            raise
        except (ConflictError, InvalidTransitionError):
            return False
        except Exception as error:  # noqa: BLE001  each is put down by itself then, which takes longer and loses nothing
            log.unexpected_error(f"putting down {len(letters)} letters at once", error)
            return False
        for letter in letters:
            log.letter_result(letter.letter.key, LetterStatus.SENT.value, letter.reply)
            self._known.pop(letter.letter.key, None)
        self._forget(unseen)
        return True

    def _release(self, keys: Sequence[str]) -> None:
        with self.ledger.transaction() as tx:
            tx.outbox.release(keys)
        self._forget(keys)

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._known.pop(key, None)

    def _put_down(self, letter: Letter, delivery: DeliveryResult, now: datetime) -> None:
        """Put down what became of a letter, however often somebody else has its case in hand just then."""
        for _ in range(_PATIENCE):
            try:
                with self.ledger.transaction() as tx:
                    outcomes.record(tx, letter, delivery, now)
            except ConflictError:
                continue
            self._forget([letter.key])
            return


def _handful(waiting: list[OutboxEntry], most: int) -> list[OutboxEntry]:
    """Take letters from the front, no two of one case or to one customer; a gift card goes by itself."""
    taken: list[OutboxEntry] = []
    others: set[str] = set()
    for state in waiting:
        letter = state.letter
        alone = letter.kind == LetterKind.GIFT_CARD
        names = {letter.case, letter.to.address.lower()} if letter.to_customer else {letter.case}
        if (alone and taken) or len(taken) == most:
            break
        if not (others & names) or names == {""}:
            taken.append(state)
            others |= names - {""}
        if alone:
            break
    for state in taken:
        waiting.remove(state)
    return taken


def _simple(taken: _Claimed, said: DeliveryResult) -> bool:
    known = taken.case is not None or not taken.letter.case
    return known and said.outcome is DeliveryOutcome.ACCEPTED
