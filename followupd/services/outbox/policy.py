"""May a letter leave now? All that may have changed since it was written, asked in the very transaction that takes it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.letter import Letter, LetterKind, OutboxEntry
from followupd.domain.state import StateKey
from followupd.recovery import gift_card
from followupd.recovery.blockers import stale
from followupd.services.inbox.freshness import stale_mailboxes
from followupd.services.outbox import outcomes

#: automatic letters to one address in a week, and to one domain in an hour
_A_WEEK = (3, timedelta(days=7))
_A_DOMAIN = (20, timedelta(hours=1))
#: a held case's letter, or one that could not even be looked at, is looked at again after this
HELD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """When a letter may leave, and what to do with one in doubt."""

    calendar: Calendar
    per_address: tuple[int, timedelta]
    breaker: tuple[int, timedelta]
    witness: bool
    witness_within: timedelta
    in_doubt: Literal["ask", "resend"]
    #: the mailboxes that are read, and how long a reading lasts
    listens_to: frozenset[str] = frozenset()
    heard_for: timedelta = timedelta(hours=1)

    def stale_mailboxes(self, tx: Transaction, now: datetime) -> frozenset[str]:
        """Return the mailboxes whose customers are not written to now: they may have said what nobody has read."""
        return stale_mailboxes(tx, self.listens_to, self.heard_for, now)

    def blocking_reason(self, tx: Transaction, letter: Letter, now: datetime) -> str:
        """Return what keeps a letter back that may leave by itself, for whoever asks why it has not; "" for nothing."""
        breaker, because = tx.state.get(StateKey.BREAKER), tx.state.get(StateKey.BREAKER_REASON)
        if breaker and breaker[0] == "open":
            return f"nothing leaves, the breaker is open: {because[0] if because else ''}"
        if letter.to_customer and letter.mailbox in self.stale_mailboxes(tx, now):
            return f"the mailbox {letter.mailbox} was not read lately, and a word of the customer's may lie there"
        return ""

    # --- many letters at a time ---

    def eligible(
        self, tx: Transaction, letters: Sequence[OutboxEntry], cases: Mapping[str, Case], now: datetime
    ) -> list[OutboxEntry]:
        """Return the letters that nothing speaks against at first sight; the others are looked at one by one.

        Whoever had an automatic letter of late is no matter for a first sight, nor is a domain that had its share.
        """
        gone = tx.mail.copies_of([each.letter.message_id for each in letters]) if letters else ()
        automatic = [each.letter.to.address.lower() for each in letters if _counts(each.letter)]
        since = max(self.per_address[1], _A_WEEK[1])
        had = tx.outbox.recently_written_to(automatic, now - since) if automatic else ()
        theirs = {address.rpartition("@")[2] for address in automatic}
        domains = Counter(tx.outbox.count_by_domain(theirs, now - _A_DOMAIN[1])) if automatic else Counter()
        found = []
        for state in letters:
            letter = state.letter
            address = letter.to.address.lower()
            if letter.message_id in gone:
                continue
            if letter.to_customer and not self._fits(letter, cases.get(letter.case), now):
                continue
            if _counts(letter):
                domain = address.rpartition("@")[2]
                domains[domain] += 1
                if address in had or domains[domain] > _A_DOMAIN[0] or not self.per_address[0]:
                    continue
            found.append(state)
        return found

    def _fits(self, letter: Letter, case: Case | None, now: datetime) -> bool:
        return case is not None and not stale(letter, case, now) and not self._waits(case, letter, now)[0]

    def room(self, tx: Transaction, now: datetime) -> int:
        """Return how many letters may still leave; when more wants to than any good day needs, the breaker stops everything.

        A person lets it go on (`followupd resume`).
        """
        state = tx.state.get(StateKey.BREAKER)
        if state and state[0] == "open":
            return 0
        limit, span = self.breaker
        resumed = state[1] if state else None
        since = max(now - span, resumed) if resumed else now - span
        room = limit - tx.outbox.count_sent_since(since)
        if room <= 0:
            open_breaker(tx, f"more than {limit} letters", now)
        return max(room, 0)

    # --- one letter ---

    def let(self, tx: Transaction, letter: Letter, now: datetime) -> bool:
        """Say whether this letter may leave; one that may not yet is put off, one that must not any more is taken back.

        One of which a copy lies in the mailbox has left, whatever the ledger remembers: it may be an old one, put back.
        """
        if tx.mail.copies_of([letter.message_id]):
            outcomes.confirm_sent(tx, letter, "its copy was there before it was written", now)
            return False
        if not letter.to_customer:
            return True
        case = tx.cases.get(letter.case)
        if why := stale(letter, case, now):
            outcomes.cancel(tx, letter, why, now)
            return False
        until, why = self._waits(case, letter, now)
        if until is None and letter.automatic:
            until, why = self._over_budget(tx, letter.to.address, now)
        if until:
            tx.outbox.postpone(letter.key, until, why)
            log.letter_delayed(letter.key, why, until)
        return until is None

    def _waits(self, case: Case, letter: Letter, now: datetime) -> tuple[datetime | None, str]:
        if case.held:
            return now + HELD, "the case is held"
        if letter.kind == LetterKind.GIFT_CARD and (why := gift_card.waits(case)):
            return now + HELD, why
        quiet = self.calendar.quiet_until(now)
        return (quiet, "quiet hours") if quiet else (None, "")

    def _over_budget(self, tx: Transaction, address: str, now: datetime) -> tuple[datetime | None, str]:
        """Return when automatic mail may go to this address or its domain again (MAIL.md, "Loops"), None for now."""
        domain = address.rpartition("@")[2]
        for (count, span), whom in (
            (self.per_address, address),
            (_A_WEEK, address),
            (_A_DOMAIN, f"@{domain}"),
        ):
            sent = tx.outbox.sent_to(whom, now - span)
            if len(sent) >= count:
                return sent[-count] + span, f"{count} automatic letter(s) in {span} is the limit for {whom}"
        return None, ""


def open_breaker(tx: Transaction, why: str, now: datetime) -> None:
    """Open the breaker: nothing leaves until a person has looked, and types `followupd resume`."""
    state = tx.state.get(StateKey.BREAKER)
    if state is None or state[0] != "open":
        tx.state.put(StateKey.BREAKER, "open", now)
        tx.state.put(StateKey.BREAKER_REASON, why, now)
        log.breaker_open(why)


def stop_if_restored_copy(ledger: Ledger, now: datetime) -> None:
    """Stop all letters when the ledger is a copy that somebody put in the ledger's place: it does not know what left since."""
    with ledger.transaction() as tx:
        copied = tx.state.get(StateKey.COPIED)
        if copied and copied[0]:
            open_breaker(tx, "the ledger is a copy, and letters may have left since it was made", now)
            tx.state.put(StateKey.COPIED, False, now)


def _counts(letter: Letter) -> bool:
    return letter.to_customer and letter.automatic
