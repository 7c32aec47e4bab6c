"""Decide whether a queued letter may be sent now.

Case state, holds, quiet hours, quotas, the breaker, and freshness: customers of a mailbox that was not read to its end
of late get nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.keys import StateKey
from followupd.domain.letter import (
    BREAKER_NOTICE,
    Budget,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxUsage,
    UsageWindows,
)
from followupd.domain.playbook import Playbook
from followupd.errors import UnknownCaseError
from followupd.recovery import gift_card
from followupd.recovery.blockers import why_stale
from followupd.text.names import is_public_provider

#: automatic letters to one address in a week, and to one domain in an hour (docs/mail.md, "Loops")
_WEEKLY_QUOTA = (3, timedelta(days=7))
_DOMAIN_QUOTA = (20, timedelta(hours=1))
#: a letter whose case is on hold, or that could not be checked, is checked again after this
RECHECK_AFTER = timedelta(minutes=5)
#: the two halves of a mailbox: the inbox with customers' mail and our copies, and Sent with agents' replies
_HALVES = (StateKey.INBOX_READ, StateKey.SENT_READ)
#: the stored values
_READ, _NOT_READ = "to its end", "not yet"
#: a busy folder is read many times a second, and each record is a write to the disk
_MIN_INTERVAL = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Send:
    """The letter may be sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The letter may not be sent yet; `until` is None if no time is known."""

    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """The letter must not be sent any more."""

    why: str


@dataclass(frozen=True, slots=True)
class AlreadySent:
    """A copy of the queued letter is in the mailbox, because an older ledger was restored."""

    why: str


Verdict = Send | Wait | Cancel | AlreadySent


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """When a letter may be sent, and how to handle one in doubt.

    `per_address` and `breaker` are a number of letters and the time in which they are counted. `mailboxes`
    are those that are read; one is stale when it was last read completely longer ago than `fresh_for`.
    `filing` are the mailboxes of which it is known beforehand that their server files a copy in Sent.
    `companies` are the second brands that mailboxes belong to.
    """

    calendar: Calendar
    per_address: tuple[int, timedelta]
    breaker: tuple[int, timedelta]
    witness: bool
    witness_within: timedelta
    in_doubt: Literal["ask", "resend"]
    playbook_of: Callable[[Case], Playbook]
    mailboxes: frozenset[str] = frozenset()
    fresh_for: timedelta = timedelta(hours=1)
    filing: frozenset[str] = frozenset()
    companies: Mapping[str, str] = field(default_factory=dict)

    def files_copies(self, tx: Transaction) -> frozenset[str]:
        """Return the mailboxes whose server files a copy of each letter in Sent, so that ours would be a second one."""
        seen = {name for name in self.mailboxes if tx.state.value(StateKey.FILES_COPIES.of(name))}
        return self.filing | seen

    def stale_mailboxes(self, tx: Transaction, now: datetime) -> frozenset[str]:
        """Return the mailboxes whose customers get no letters now, because unread mail may change them."""
        return stale_mailboxes(tx, self.mailboxes, self.fresh_for, now)

    def usage(self, tx: Transaction, letters: Collection[Letter], now: datetime) -> OutboxUsage:
        """Read what limits the sending of these letters, for `may_send`.

        Only the usage of their addresses and domains is read. A letter counts from its claim on, even while
        it is in doubt. `followupd resume` closes the breaker and starts a new count.
        """
        state = tx.state.get(StateKey.BREAKER)
        breaker_since = now - self.breaker[1]
        breaker_reason = ""
        if state and state[0] == "open":
            breaker_reason = f"the breaker is open: {tx.state.value(StateKey.BREAKER_REASON, '')}"
        elif state and state[0] == "closed":
            resumed_at = state[1]
            breaker_since = max(breaker_since, resumed_at)

        longest_address_span = max(self.per_address[1], _WEEKLY_QUOTA[1])
        windows = UsageWindows(
            address=now - longest_address_span,
            domain=now - _DOMAIN_QUOTA[1],
            breaker=breaker_since,
        )
        return replace(
            tx.outbox.usage(letters, windows, self.companies),
            breaker=breaker_reason,
            stopped=stopped_budgets(tx),
            at_once=letters_at_once(tx),
            stale_mailboxes=self.stale_mailboxes(tx, now),
        )

    def may_send(self, letter: Letter, case: Case | None, usage: OutboxUsage, now: datetime) -> Verdict:
        """Decide whether a queued letter may be sent now.

        Hours may have passed since it was written, so everything that may have changed is checked again. This
        is the only place that does so.

        Args:
            letter: a queued letter whose time has come.
            case: the letter's case as it is now, or None for a desk mail, which no state of its case keeps
                back.
            usage: what was sent lately, with the letters that were decided before this one in the same batch.
            now: the time of the cycle.

        Raises:
            UnknownCaseError: a letter to a customer belongs to no case.
        """
        if why := self.blocking_reason(letter, usage):
            return Wait(None, why)
        if letter.message_id in usage.copies:
            return AlreadySent("its copy was in the mailbox before it was sent")
        if not letter.to_customer:
            return Send()

        if case is None:
            raise UnknownCaseError(f"there is no case {letter.case}")
        if why := why_stale(letter, case, self.playbook_of(case), now):
            return Cancel(why)
        at_once = letter.key in usage.at_once
        held = self._hold(letter, case, now, at_once=at_once)
        return held or (None if at_once else self._over_quota(letter, usage, now)) or Send()

    def blocking_reason(self, letter: Letter, usage: OutboxUsage) -> str:
        """Return what keeps a letter back that has nothing to do with its case, "" for nothing.

        The letter is then neither changed nor postponed: it is sent as soon as the breaker is closed, or its
        mailbox read.
        """
        if BREAKER_NOTICE in letter.key:
            return ""
        if usage.breaker:
            return f"nothing is sent, {usage.breaker}"
        if letter.budget in usage.stopped or usage.sent.get(letter.budget, 0) >= self.breaker[0]:
            return f"the limit of the breaker is reached for {BUDGET_NAMES[letter.budget]}"
        if letter.to_customer and letter.mailbox in usage.stale_mailboxes:
            return f"the mailbox {letter.mailbox} was not read lately, and may contain mail from the customer"
        return ""

    def _hold(self, letter: Letter, case: Case, now: datetime, *, at_once: bool) -> Wait | None:
        """Return the wait for a case on hold or for quiet hours, None if there is no such reason.

        A hold may end at any time, so that the letter is looked at again soon; quiet hours end when they end.

        Args:
            letter: the letter.
            case: its case.
            now: the time of the cycle, in UTC.
            at_once: a person let it leave in spite of quiet hours.
        """
        if case.held:
            return Wait(now + RECHECK_AFTER, "the case is on hold")

        if letter.kind is LetterKind.GIFT_CARD:
            why = gift_card.why_blocked(case)
            if why:
                return Wait(now + RECHECK_AFTER, why)

        quiet_until = None if at_once else self.calendar.quiet_until(now)
        if quiet_until:
            return Wait(quiet_until, QUIET)
        return None

    def _over_quota(self, letter: Letter, usage: OutboxUsage, now: datetime) -> Wait | None:
        """Return the wait for a quota of automatic letters (docs/mail.md, "Loops"), or None.

        The quota of a domain counts all automatic letters and holds back first letters only. Public providers
        have none, since their customers are strangers to each other.

        Returns:
            The wait until the oldest letter that counts is old enough; a letter that waits may meet another
            quota then.
        """
        if not letter.counts_in_quota:
            return None
        address = letter.to.address.lower()
        domain = f"@{address.rpartition('@')[2]}"
        own = usage.address_of(letter)
        quotas = [(own, self.per_address), (own, _WEEKLY_QUOTA)]
        if letter.budget is Budget.FIRST and not is_public_provider(address):
            quotas.append((domain, _DOMAIN_QUOTA))

        for name, (most, span) in quotas:
            sent_at = usage.since(name, now - span)
            if len(sent_at) < most:
                continue
            oldest_that_counts = sent_at[-most] if most else now
            why = f"{most} automatic letter(s) in {span} is the limit for {name}"
            return Wait(oldest_that_counts + span, why)
        return None

    def trip_breaker(self, tx: Transaction, usage: OutboxUsage, now: datetime) -> None:
        """Open the breaker for the budgets that have reached its limit.

        Too many promised letters point to a bug of ours, and stop everything.

        Args:
            tx: the transaction that claims letters.
            usage: what was sent before them.
            now: the time of the cycle.
        """
        limit = self.breaker[0]
        for budget in Budget:
            if usage.sent.get(budget, 0) < limit or budget in usage.stopped:
                continue
            stops_all = budget is Budget.PROMISED
            why = f"more than {limit} {BUDGET_NAMES[budget]}"
            open_breaker(tx, why, now, None if stops_all else budget)


#: why a letter waits that is written at night; other hours let it leave
QUIET = "quiet hours"
#: what people call the letters of a budget
BUDGET_NAMES = {
    Budget.PROMISED: "letters",
    Budget.DESK: "mails to agents",
    Budget.FIRST: "first letters by machine",
}


def letters_at_once(tx: Transaction) -> frozenset[str]:
    """Return the keys of letters that wait neither for quiet hours nor for a quota."""
    return frozenset(tx.state.value(StateKey.AT_ONCE, ()))


def send_at_once(tx: Transaction, key: str, now: datetime) -> str:
    """Let a queued letter leave in the next cycle, in spite of quiet hours and quotas; holds and the breaker count.

    Args:
        tx: the transaction.
        key: the letter's key.
        now: the time of the cycle.

    Returns:
        Why it does not leave, "" when it does.
    """
    entry = tx.outbox.get(key)
    if entry.status not in {LetterStatus.QUEUED, LetterStatus.DEFERRED}:
        return f"{key} is {entry.status}, and does not wait for a time"
    if entry.letter.kind is LetterKind.GIFT_CARD:
        return f"{key} is a gift card, which keeps its distance from the follow-up"

    waiting = [other for other in letters_at_once(tx) if tx.outbox.get(other).status is LetterStatus.QUEUED]
    tx.state.put(StateKey.AT_ONCE, sorted({*waiting, key}), now)
    tx.outbox.postpone(key, now, "let go by hand")
    return ""


def stopped_budgets(tx: Transaction) -> frozenset[Budget]:
    """Return the budgets for which the breaker is partly open."""
    if tx.state.value(StateKey.BREAKER) != "partly":
        return frozenset()

    stored = tx.state.value(StateKey.BREAKER_BUDGETS, ())
    return frozenset(map(Budget, stored))


def open_breaker(tx: Transaction, why: str, now: datetime, budget: Budget | None = None) -> None:
    """Stop all letters, or those of one budget besides those that are stopped already.

    They wait until a person has looked and types `followupd resume`. A breaker that is open already keeps
    its first reason.
    """
    if tx.state.value(StateKey.BREAKER) == "open":
        return

    if budget:
        tx.state.put(StateKey.BREAKER_BUDGETS, sorted({*stopped_budgets(tx), budget}), now)
    tx.state.put(StateKey.BREAKER, "partly" if budget else "open", now)
    tx.state.put(StateKey.BREAKER_REASON, why, now)
    log.breaker_open(why)


def stop_if_restored_copy(ledger: Ledger, now: datetime) -> None:
    """Open the breaker if the ledger is a copy that somebody put in place of the original, whenever that was.

    A copy does not know what was sent since it was made, and would send it again.

    Raises:
        UnavailableError: the ledger is damaged.
    """
    lost = ledger.lost()
    with ledger.transaction() as tx:
        if tx.state.value(StateKey.COPIED):
            open_breaker(tx, "the ledger is a copy, and letters may have been sent since it was made", now)
            tx.state.put(StateKey.COPIED, False, now)
        elif lost:
            open_breaker(tx, f"letters may have been sent that the ledger does not know: {lost}", now)
    if lost:
        ledger.forget_loss()


# --- freshness: when each mailbox was last read completely ---


def mark_synced(tx: Transaction, mailbox: str, now: datetime, *, sent: bool) -> None:
    """Record that the inbox, or Sent, was read completely.

    Args:
        tx: the transaction.
        mailbox: the name of the mailbox.
        now: the time; a record that is less than a second old is not renewed.
        sent: whether it was Sent that was read.
    """
    half = (StateKey.SENT_READ if sent else StateKey.INBOX_READ).of(mailbox)
    stored = tx.state.get(half)
    is_recent = stored is not None and stored[0] == _READ and stored[1] <= now < stored[1] + _MIN_INTERVAL
    if not is_recent:
        tx.state.put(half, _READ, now)


def last_read(tx: Transaction, mailbox: str) -> datetime | None:
    """Return when both halves of a mailbox were last read completely.

    Returns None when one of them was not read since `reset`. Whoever finds no Sent folder records it as read: a
    new ledger knows neither, and must wait for both.
    """
    read_at = [tx.state.get(half.of(mailbox)) for half in _HALVES]
    times = [stored[1] for stored in read_at if stored and stored[0] == _READ]
    return min(times) if len(times) == len(_HALVES) else None


def mark_unread(ledger: Ledger, mailboxes: Collection[str], now: datetime) -> None:
    """Mark mailboxes as not read.

    A daemon that takes them over first reads what has arrived in the meantime, and only then sends letters.
    """
    with ledger.transaction() as tx:
        for name in sorted(mailboxes):
            for half in _HALVES:
                tx.state.put(half.of(name), _NOT_READ, now)


def stale_mailboxes(
    tx: Transaction, mailboxes: Collection[str], max_age: timedelta, now: datetime
) -> frozenset[str]:
    """Return the mailboxes that may contain unread mail.

    Args:
        tx: the transaction.
        mailboxes: the names of the mailboxes in question.
        max_age: the time for which a complete reading counts.
        now: the time of the cycle, in UTC.
    """
    oldest = now - max_age
    read_at = {name: last_read(tx, name) for name in mailboxes}
    return frozenset(name for name, at in read_at.items() if at is None or at < oldest)
