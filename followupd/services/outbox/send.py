"""Send queued letters in batches: claim (commit), hand to SMTP, record results (commit).

A crash between the two commits leaves the batch in doubt. Therefore a batch is small, grows only while the
server is fast, and is not held for long.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.letter import (
    DeliveryOutcome,
    DeliveryResult,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
)
from followupd.errors import ConflictError, LetterError, UnavailableError
from followupd.services.context import MailTransport
from followupd.services.outbox import outcomes
from followupd.services.outbox.outcomes import Delivery
from followupd.services.outbox.policy import (
    RECHECK_AFTER,
    AlreadySent,
    Cancel,
    Send,
    SendPolicy,
    Verdict,
    Wait,
    stopped_budgets,
)

#: the most letters that are claimed together, and so may be in doubt after a crash
BATCH_SIZE = 200
#: seconds for which claimed letters wait for the server; after that they return to the queue
_BATCH_SECONDS = 0.25
#: the most letters and seconds of one run; after it, commands of agents are read
_RUN_LETTERS, _RUN_SECONDS = 1000, 10.0
#: if any BCC copy arrived within this time, the server is assumed to accept them still
_WITNESS_MEMORY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SendService:
    """Sends each queued letter once.

    `compose` renders the message that is sent at a time. `from_address` and `witness_address` return the
    envelope sender and the BCC recipient of a mailbox. `elapsed` is a monotonic clock in seconds; it only
    decides about batch sizes.
    """

    ledger: Ledger
    transport: MailTransport
    compose: Callable[[OutboxEntry, datetime], bytes]
    from_address: Callable[[str], str]
    witness_address: Callable[[str], str]
    policy: SendPolicy
    elapsed: Callable[[], float] = monotonic
    #: the result of each letter that is claimed and not recorded, None before the server has seen the letter.
    #: One that is just being handed over is not in it.
    _results: dict[str, DeliveryResult | None] = field(default_factory=dict, repr=False, compare=False)
    #: the mailboxes that get no blind copy, as it was when this run began
    _filing: set[str] = field(default_factory=set, repr=False, compare=False)

    def run(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Send every letter that may be sent, promised ones first and then the oldest.

        Args:
            now: the time of the cycle.
            go_on: is called between letters; no further one is sent after it returns False.

        Returns:
            How many letters the server has seen.
        """
        with self.ledger.transaction() as tx:
            stale = self.policy.stale_mailboxes(tx, now)
            stopped = stopped_budgets(tx)
            self._filing.update(self.policy.files_copies(tx))
            waiting = tx.outbox.due(now, _RUN_LETTERS, stale_mailboxes=stale, stopped=stopped)
        if not waiting:
            return 0

        seen, size = 0, 1
        end = self.elapsed() + _RUN_SECONDS
        with self.transport as transport:
            while waiting and go_on() and self.elapsed() < end:
                claimed = self._claim(_next_batch(waiting, size), now)
                began = self.elapsed()
                delivered = self._send_batch(transport, claimed, now, go_on)
                seen += len(delivered)
                if _ended_in_outage(delivered):
                    break  # every other letter would fail too, and lose an attempt
                is_complete = len(delivered) == len(claimed)
                size = _next_size(size, len(delivered), is_complete, self.elapsed() - began)
        return seen

    def recover_interrupted(self, now: datetime) -> int:
        """Settle every letter that is marked as being sent because a run was interrupted.

        After a crash it is unknown whether the server took it, so it is in doubt (RFC 1047). After an outage
        of the ledger its result is still known here: it is recorded now, and a letter that the server has not
        seen is queued again.

        Returns:
            How many letters there were.
        """
        with self.ledger.transaction() as tx:
            interrupted = tx.outbox.in_flight(LetterStatus.SENDING)
            mailboxes = {entry.letter.mailbox for entry in interrupted}
            since = now - _WITNESS_MEMORY
            copies_arrive = {name: tx.outbox.copies_arrived_since(name, since) for name in mailboxes}
            copies_arrive |= dict.fromkeys(self.policy.files_copies(tx), False)
        settled = set(self._results) - {entry.letter.key for entry in interrupted}
        self._forget(settled)

        for entry in interrupted:
            key = entry.letter.key
            unknown = DeliveryResult(
                DeliveryOutcome.UNKNOWN,
                "found being sent; it is unknown whether the server took it",
                witnessed=copies_arrive[entry.letter.mailbox],
            )
            result = self._results.get(key, unknown)
            if result is None:
                self._release([key])
            else:
                self._record([(entry, result)], now)
        return len(interrupted)

    def release_unsent(self) -> None:
        """Return claimed letters that the server has not seen to the queue, before an immediate stop.

        Called by another thread, while a letter may be on its way. An outage of the ledger leaves them in
        doubt.
        """
        results = list(self._results.items())
        with suppress(UnavailableError):
            self._release([key for key, result in results if result is None])

    def send_without_ledger(self, letters: Sequence[Letter], now: datetime) -> bool:
        """Send mails to agents that no ledger can record, since it is lost; return False in an outage of the server.

        Nothing remembers them: the caller must not send them again after True.
        """
        with self.transport as transport:
            for letter in letters:
                entry = OutboxEntry(letter, LetterStatus.SENDING, None, 1, "", now, now, None, None)
                sender = self.from_address(letter.mailbox)
                result = transport.deliver(self.compose(entry, now), sender=sender, to=letter.to.address)
                if result.outage:
                    return False
        return True

    def resolve(self, key: str, resolution: outcomes.Resolution, by: str, now: datetime) -> None:
        """Do what a person decided about a letter.

        Raises:
            NotInDoubtError: the letter is not in doubt, or is just being sent.
        """
        with self.ledger.transaction() as tx:
            outcomes.resolve(tx, key, resolution, by, now)

    # --- claim ---

    def _claim(self, entries: Sequence[OutboxEntry], now: datetime) -> list[OutboxEntry]:
        """Claim the letters of a batch that may be sent, and commit that before the server sees any of them.

        If that fails, each letter is claimed alone, so that one broken letter or case does not stop the
        others. After a conflict, a letter is due again in the next cycle.
        """
        try:
            with self.ledger.transaction() as tx:
                return self._claim_within(tx, entries, now)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  as above
            if len(entries) == 1:
                self._handle_failed_claim(entries[0].letter, error, now)
                return []

        claimed = []
        for entry in entries:
            claimed += self._claim([entry], now)
        return claimed

    def _claim_within(
        self, tx: Transaction, entries: Sequence[OutboxEntry], now: datetime
    ) -> list[OutboxEntry]:
        """Decide about each letter of a batch, counting those before it, and claim those that may be sent.

        The server must not see a letter before the transaction is committed.

        Args:
            tx: in which no other daemon claims letters.
            entries: the batch, in the order of sending.
            now: the time of the cycle, from which claimed letters count.

        Returns:
            The letters that this daemon has claimed, in their order. The others wait, were sent already, or
            are cancelled, which is recorded.
        """
        tx.outbox.lock_claims()
        letters = [entry.letter for entry in entries]
        usage = self.policy.usage(tx, letters, now)
        self.policy.trip_breaker(tx, usage, now)
        cases = tx.cases.get_all({letter.case for letter in letters if letter.to_customer})

        allowed = set()
        for letter in letters:
            verdict = self.policy.may_send(letter, cases.get(letter.case), usage, now)
            if isinstance(verdict, Send):
                allowed.add(letter.key)
                usage = usage.including(letter, now)
            else:
                _apply(tx, letter, verdict, now)

        claimed = tx.outbox.claim(allowed, now)
        self._results.update(
            dict.fromkeys(claimed)
        )  # before the commit, which may succeed and report a failure
        return [_as_claimed(entry, now) for entry in entries if entry.letter.key in claimed]

    def _handle_failed_claim(self, letter: Letter, error: Exception, now: datetime) -> None:
        """Postpone a letter whose claim failed because of a bug or of broken data."""
        if isinstance(error, ConflictError):
            return
        log.unexpected_error(letter.key, error)
        why = f"{type(error).__name__}: {error}"
        with self.ledger.transaction() as tx:
            tx.outbox.postpone(letter.key, now + RECHECK_AFTER, why)

    # --- send ---

    def _send_batch(
        self,
        transport: MailTransport,
        claimed: Sequence[OutboxEntry],
        now: datetime,
        go_on: Callable[[], bool],
    ) -> list[Delivery]:
        """Send claimed letters until the batch's time is over, record their results, release the others.

        Args:
            transport: a connection, or none yet, to the server.
            claimed: letters whose claims are committed.
            now: the time of the cycle.
            go_on: asked before each letter; False releases this one and those after it.

        Returns:
            The letters that the server was offered, each with its result. At least one is sent however slow
            the server is, unless `go_on` says no.
        """
        delivered: list[Delivery] = []
        end = self.elapsed() + _BATCH_SECONDS
        for entry in claimed:
            is_late = delivered and self.elapsed() > end
            if is_late or _ended_in_outage(delivered) or not go_on():
                break
            delivered.append((entry, self._send(transport, entry, now)))

        self._record(delivered, now)
        self._release([entry.letter.key for entry in claimed[len(delivered) :]])
        return delivered

    def _send(self, transport: MailTransport, entry: OutboxEntry, now: datetime) -> DeliveryResult:
        """Send one letter.

        Its result is kept in memory until it is recorded, so that it outlives an outage.
        """
        key = entry.letter.key
        log.letter_sending(key)
        del self._results[key]
        result = self._deliver(transport, entry, now)
        self._results[key] = result
        return result

    def _deliver(self, transport: MailTransport, entry: OutboxEntry, now: datetime) -> DeliveryResult:
        """Render one letter and hand it to the server.

        After a bug in the transport it is unknown whether the server took the letter. One that cannot be
        rendered was not sent, and never can be.
        """
        letter = entry.letter
        asks_for_copy = letter.witness and self.policy.witness and letter.mailbox not in self._filing
        witness = self.witness_address(letter.mailbox) if asks_for_copy else ""
        try:
            message = self.compose(entry, now)
        except LetterError as error:
            return DeliveryResult(DeliveryOutcome.REFUSED, f"it cannot be composed: {error}")

        try:
            sender = self.from_address(letter.mailbox)
            return transport.deliver(message, sender=sender, to=letter.to.address, witness=witness)
        except Exception as error:  # noqa: BLE001  as above
            log.unexpected_error(letter.key, error)
            why = f"{type(error).__name__} while it was sent"
            return DeliveryResult(DeliveryOutcome.UNKNOWN, why, witnessed=bool(witness))

    # --- record ---

    def _record(self, delivered: Sequence[Delivery], now: datetime) -> None:
        """Record the results of a batch; if that fails, each alone.

        What fails alone is recorded in the next cycle.

        The commit of several results does not wait for the disk: those that a power cut loses leave their
        letters in doubt, as they are until then.
        """
        if not delivered:
            return

        durable = len(delivered) == 1
        try:
            with self.ledger.transaction(durable=durable) as tx:
                outcomes.record_deliveries(tx, delivered, now)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  one letter must not stop the others
            self._handle_failed_record(delivered, error, now)
        else:
            self._forget([entry.letter.key for entry, _ in delivered])

    def _handle_failed_record(self, delivered: Sequence[Delivery], error: Exception, now: datetime) -> None:
        """Record each result of a batch alone.

        The failure of a single one is a bug, unless it is a conflict.
        """
        if len(delivered) > 1:
            for delivery in delivered:
                self._record([delivery], now)
        elif not isinstance(error, ConflictError):
            entry, _ = delivered[0]
            log.unexpected_error(f"recording {entry.letter.key}", error)

    def _release(self, keys: Sequence[str]) -> None:
        """Return claimed letters to the queue that the server has not seen."""
        if not keys:
            return
        with self.ledger.transaction() as tx:
            tx.outbox.release(keys)
        self._forget(keys)

    def _forget(self, keys: Iterable[str]) -> None:
        """Forget the results of letters that are recorded or released."""
        for key in keys:
            self._results.pop(key, None)


def _apply(tx: Transaction, letter: Letter, verdict: Verdict, now: datetime) -> None:
    """Do what the policy decided about a letter that may not be sent now.

    One without a date simply stays queued.

    Args:
        tx: the transaction.
        letter: the letter.
        verdict: what the recogniser said of the mail.
        now: the time of the cycle, in UTC.
    """
    match verdict:
        case Cancel(why):
            outcomes.cancel(tx, letter, why, now)
        case AlreadySent(why):
            outcomes.confirm_sent(tx, letter, why, now)
        case Wait(datetime() as until, why):
            tx.outbox.postpone(letter.key, until, why)
            log.letter_delayed(letter.key, why, until)


def _as_claimed(entry: OutboxEntry, now: datetime) -> OutboxEntry:
    """Return the entry as the claim has changed it in the ledger."""
    return replace(
        entry,
        status=LetterStatus.SENDING,
        attempts=entry.attempts + 1,
        sending_since=now,
    )


def _ended_in_outage(delivered: Sequence[Delivery]) -> bool:
    """Say whether the last letter failed because the server could not be reached."""
    if not delivered:
        return False
    _, result = delivered[-1]
    return result.outage


def _next_size(size: int, seen: int, is_complete: bool, seconds: float) -> int:
    """Return the size of the next batch.

    Four times as many letters while the server is fast, else as many as it took.

    Args:
        size: how many letters the last batch was to have.
        seen: how many of them the server was offered.
        is_complete: whether it was offered all of them.
        seconds: how long that took.
    """
    if is_complete and seconds < _BATCH_SECONDS / 4:
        return min(BATCH_SIZE, 4 * size)
    return max(1, seen)


def _next_batch(waiting: list[OutboxEntry], size: int) -> list[OutboxEntry]:
    """Remove a batch from the front of the queue and return it.

    No two of its letters are of one case or to one customer, so that each is decided with the others known. A
    gift card is a separate batch.
    """
    batch: list[OutboxEntry] = []
    used_names: set[str] = set()
    for entry in waiting:
        is_gift_card = entry.letter.kind is LetterKind.GIFT_CARD
        if len(batch) == size or (is_gift_card and batch):
            break
        names = _exclusive_names(entry.letter)
        if not names & used_names:
            batch.append(entry)
            used_names |= names
        if is_gift_card:
            break

    for entry in batch:
        waiting.remove(entry)
    return batch


def _exclusive_names(letter: Letter) -> set[str]:
    """Return what a letter may share with no other one in its batch: its case, and its customer's address."""
    names = {letter.case} if letter.case else set()
    if letter.to_customer:
        names.add(letter.to.address.lower())
    return names
