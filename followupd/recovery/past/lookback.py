"""Looking back on mail that is there: what was promised by a date, and what the mailbox shows about it.

Pure: mails that were read (`ArchiveMail`) go in, threads with the outcome of each promise come out.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from statistics import median

from followupd.domain.calendar import Calendar, Duration
from followupd.domain.playbook import Playbook

#: a mail with the same customer and subject belongs to the thread before it for so long
_SAME_SUBJECT = timedelta(days=30)
#: a mail of ours so soon after a promise, at most, is a part of the same word
_SAME_WORD = timedelta(minutes=10)
#: a customer who waits longer than this for a word waits in silence
SILENCE = Duration(2, "business day")
_END_OF_DAY = time(23, 59)


class WordOutcome(StrEnum):
    """What the mailbox shows about a promise with a date."""

    WORD = "word-by-the-date"
    LATE = "late"
    ASKED = "customer-asked"
    #: no word of ours after the promise, and none of the customer after its date
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class DatedPromise:
    """A promise read in a reply of ours, and the date that the customer was told."""

    text: str
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveMail:
    """A mail between a customer and us, without its words.

    `parents` are the Message-IDs that it names, the nearest last. `verdict` is that of the complaint recogniser, ""
    for our own mails. A mail `says_little` if it is nothing but a courtesy, and is `brief` with a few words; a
    customer `is_content` who says thanks, or that the matter is settled (`settled`). `playbook` is the one that a case
    of the mail would get.
    """

    id: str
    at: datetime
    ours: bool
    customer: str
    name: str = ""
    subject: str = ""
    parents: tuple[str, ...] = ()
    verdict: str = ""
    score: float = 0.0
    severe: bool = False
    playbook: str = ""
    says_little: bool = False
    brief: bool = False
    is_content: bool = False
    settled: bool = False
    promises: tuple[DatedPromise, ...] = ()

    @property
    def complains(self) -> bool:
        """Whether it is a complaint, or suspected to be one."""
        return self.verdict in {"complaint", "suspected"}


@dataclass(frozen=True, slots=True)
class JudgedPromise:
    """A promise, the mail that made it, its outcome, and the mail that decided it (None for no word)."""

    promise: DatedPromise
    made: ArchiveMail
    outcome: WordOutcome
    by: ArchiveMail | None


@dataclass(frozen=True, slots=True)
class CustomerWait:
    """A customer's mail that wanted a word, and when the word came (None if it never did)."""

    mail: ArchiveMail
    answered_at: datetime | None
    silent: bool


def _first_of_ours(mails: Iterable[ArchiveMail], after: datetime) -> datetime | None:
    """Return when we wrote first after a moment.

    Args:
        mails: the mails of a thread, in order.
        after: the moment.

    Returns:
        A time in UTC; None if we did not write.
    """
    words = (mail.at for mail in mails if mail.ours and mail.at > after)
    return next(words, None)


@dataclass(slots=True)
class Thread:
    """One conversation with a customer, its mails in order."""

    mails: list[ArchiveMail]
    promises: list[JudgedPromise] = field(default_factory=list)
    #: promises whose date is still to come
    open: int = 0
    waits: list[CustomerWait] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """The subject of the first mail that has one."""
        return next((mail.subject for mail in self.mails if mail.subject), "")

    @property
    def complaints(self) -> list[ArchiveMail]:
        """The customer's mails that complain."""
        return [mail for mail in self.mails if mail.complains]

    @property
    def customer(self) -> ArchiveMail:
        """The mail by which the customer is known: the first that the customer wrote, else our first."""
        return next((mail for mail in self.mails if not mail.ours), self.mails[0])

    @property
    def first_word(self) -> timedelta | None:
        """How long a customer who began the thread waited for a word; None without one."""
        first = self.mails[0]
        answered = _first_of_ours(self.mails, first.at)
        if first.ours or answered is None:
            return None
        return answered - first.at

    @property
    def unanswered(self) -> bool:
        """Whether a complaint in it never got a word."""
        return any(wait.answered_at is None and wait.silent for wait in self.waits)

    def count(self, outcome: WordOutcome) -> int:
        """Return how many promises had this outcome.

        Args:
            outcome: what became of them.
        """
        outcomes = [judged.outcome for judged in self.promises]
        return outcomes.count(outcome)

    @property
    def days_of_complaints(self) -> frozenset[date]:
        """The days on which the customer complained."""
        return frozenset(mail.at.date() for mail in self.complaints)

    @property
    def is_severe(self) -> bool:
        """Whether a complaint in it is of high severity."""
        return any(mail.severe for mail in self.complaints)


@dataclass(frozen=True, slots=True)
class Lookback:
    """What the mail shows; `until` is the present, up to which words were looked for."""

    threads: Sequence[Thread]
    until: datetime

    @property
    def promises(self) -> list[JudgedPromise]:
        """All promises with a date that has come, by the date."""
        found = [judged for thread in self.threads for judged in thread.promises]
        return sorted(found, key=lambda judged: judged.promise.due)

    @property
    def complaints(self) -> list[Thread]:
        """The threads in which a customer complains."""
        return [thread for thread in self.threads if thread.complaints]

    @property
    def repeat(self) -> int:
        """How many customers complained on two different days or more."""
        days: dict[str, frozenset[date]] = defaultdict(frozenset)
        for thread in self.threads:
            days[thread.customer.customer] |= thread.days_of_complaints
        return sum(len(each) > 1 for each in days.values())

    @property
    def first_words(self) -> list[timedelta]:
        """How long customers waited for the first word, the shortest first."""
        waits = [thread.first_word for thread in self.threads]
        return sorted(wait for wait in waits if wait is not None)

    @property
    def first_word_median(self) -> timedelta | None:
        """The median of the first words, None without any."""
        waits = [wait.total_seconds() for wait in self.first_words]
        return timedelta(seconds=median(waits)) if waits else None

    @property
    def open(self) -> int:
        """How many promises have a date that is to come."""
        return sum(thread.open for thread in self.threads)

    @property
    def unanswered(self) -> int:
        """In how many threads a complaint never got a word."""
        return sum(thread.unanswered for thread in self.threads)

    def count(self, outcome: WordOutcome) -> int:
        """Return how many promises had this outcome.

        Args:
            outcome: what became of them.
        """
        return sum(thread.count(outcome) for thread in self.threads)


def look_back(mails: Iterable[ArchiveMail], calendar: Calendar, now: datetime) -> Lookback:
    """Return the threads of some mails, with what became of each promise.

    Args:
        mails: in any order, each once.
        calendar: the company's calendar.
        now: the present, or the last mail if that is later; a promise whose date is later is open.
    """
    ordered = sorted(mails, key=attrgetter("at", "id"))
    now = max([now, *(mail.at for mail in ordered[-1:])])
    by_customer: dict[str, list[ArchiveMail]] = defaultdict(list)
    for mail in ordered:
        by_customer[mail.customer].append(mail)

    threads = list(map(Thread, _grouped(ordered)))
    for thread in threads:
        _judge_promises(thread, by_customer, calendar, now)
        if thread.complaints:
            thread.waits = list(_waits(thread, calendar, now))
    return Lookback(threads, now)


def _judge_promises(
    thread: Thread, by_customer: Mapping[str, Sequence[ArchiveMail]], calendar: Calendar, now: datetime
) -> None:
    """Add what became of each promise to its thread.

    Args:
        thread: whose mails make the promises.
        by_customer: all mails of each customer, in order.
        calendar: the company's calendar.
        now: the present.
    """
    for mail in thread.mails:
        for promise in mail.promises:
            later = _later(mail, thread.mails, by_customer[mail.customer])
            _judge(thread, mail, promise, later, calendar, now)


# --- which mails belong together ------------------------------------------------------------------------------


def _grouped(ordered: Sequence[ArchiveMail]) -> list[list[ArchiveMail]]:
    """Return the mails of each thread: those that name each other, and those of one customer and subject.

    Args:
        ordered: all mails, the oldest first.
    """
    links: dict[str, str] = {}
    last: dict[tuple[str, str], ArchiveMail] = {}
    for mail in ordered:
        for parent in mail.parents:
            _join(links, parent, mail.id)
        about = (mail.customer, mail.subject.casefold())
        before = last.get(about)
        if before and mail.subject and mail.at - before.at <= _SAME_SUBJECT:
            _join(links, before.id, mail.id)
        last[about] = mail

    groups: dict[str, list[ArchiveMail]] = defaultdict(list)
    for mail in ordered:
        groups[_root(links, mail.id)].append(mail)
    return list(groups.values())


def _join(links: dict[str, str], one: str, other: str) -> None:
    """Put two Message-IDs into one group.

    Args:
        links: from each Message-ID to another one of its group; the one that has none names the group.
        one: a Message-ID.
        other: another one.
    """
    first, second = _root(links, one), _root(links, other)
    if first != second:
        links[second] = first


def _root(links: dict[str, str], name: str) -> str:
    """Return the Message-ID that names a group, and shorten the way to it.

    Args:
        links: as `_join` makes them; every name on the way is linked to the root, so that the next search is short.
        name: a Message-ID of the group; one that is in no group yet names its own.
    """
    root = name
    while root in links:
        root = links[root]
    while name != root:
        links[name], name = root, links[name]
    return root


# --- what became of a promise ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Later:
    """A mail after a promise, and whether it is in the same thread."""

    mail: ArchiveMail
    same_thread: bool


def _later(
    made: ArchiveMail, thread: Sequence[ArchiveMail], others: Sequence[ArchiveMail]
) -> Iterator[_Later]:
    """Yield the mails after a promise in order: those of its thread, and others with the same customer.

    Args:
        made: the mail that makes the promise.
        thread: the mails of its thread, in order.
        others: all mails with its customer, in order.
    """
    members = {mail.id for mail in thread} if len(others) > 1 else set()
    at = attrgetter("at")
    in_thread = thread[bisect_right(thread, made.at, key=at) :]
    elsewhere = others[bisect_right(others, made.at, key=at) :]
    beside = (mail for mail in elsewhere if mail.id not in members)
    for mail in merge(in_thread, beside, key=at):
        yield _Later(mail, mail.id in members or not members)


def _judge(
    thread: Thread,
    made: ArchiveMail,
    promise: DatedPromise,
    later: Iterable[_Later],
    calendar: Calendar,
    now: datetime,
) -> None:
    """Add a promise with its outcome to its thread, or count it as open.

    Args:
        thread: the conversation in which it was made.
        made: the mail that makes it.
        promise: its words and its date; one that is over when it is made counts for nothing.
        later: the mails after it, in order.
        calendar: the company's calendar.
        now: the present.
    """
    if promise.due <= made.at:
        return
    limit = last_moment(promise.due, calendar)
    if now <= limit:
        thread.open += 1
        return
    outcome, by = _outcome(made, promise.due, limit, later)
    thread.promises.append(JudgedPromise(promise, made, outcome, by))


def _outcome(
    made: ArchiveMail, due: datetime, limit: datetime, later: Iterable[_Later]
) -> tuple[WordOutcome, ArchiveMail | None]:
    """Return the outcome of a promise and the mail that decides it; None where no mail does, since it was forgotten.

    Args:
        made: the mail that makes the promise.
        due: its date.
        limit: the last moment at which a word is in time.
        later: the mails after it.
    """
    first = made.at + min(_SAME_WORD, (due - made.at) / 4)
    after_thanks = False
    for one in later:
        mail = one.mail
        is_courtesy = mail.says_little or (mail.brief and after_thanks)  # "You're welcome!"
        if mail.at <= first or (mail.ours and is_courtesy):
            continue
        after_thanks = mail.is_content and one.same_thread
        outcome = _decided_by(one, in_time=mail.at <= limit)
        if outcome is not None:
            return outcome, mail
    return WordOutcome.FORGOTTEN, None


def _decided_by(one: _Later, *, in_time: bool) -> WordOutcome | None:
    """Return the outcome of a promise that a later mail decides, None where it leaves it open.

    Args:
        one: a mail after the promise; one of ours is more than a courtesy.
        in_time: it came by the last moment at which a word is in time.
    """
    mail = one.mail
    if mail.ours:
        return WordOutcome.WORD if in_time else WordOutcome.LATE

    is_settled = mail.settled or (mail.is_content and not in_time)
    if one.same_thread and is_settled:
        return WordOutcome.WORD
    asks = one.same_thread or mail.complains
    return WordOutcome.ASKED if asks and not in_time else None


def last_moment(due: datetime, calendar: Calendar) -> datetime:
    """Return the last moment at which a word is in time: a day without a time ends at midnight, not at the close.

    Args:
        due: the date that the customer was told, as the promise reader returns it.
        calendar: the company's calendar.
    """
    day = calendar.local(due).date()
    if due == calendar.close_of(day):
        return calendar.moment(day, _END_OF_DAY)
    return due


def _waits(thread: Thread, calendar: Calendar, now: datetime) -> Iterator[CustomerWait]:
    """Yield the customer's mails in a thread that wanted a word, without those in between that nobody answered.

    Args:
        thread: in which the customer complains.
        calendar: the company's, by which a silence is measured.
        now: the present.
    """
    waiting: ArchiveMail | None = None
    for mail in thread.mails:
        if not mail.ours:
            waiting = waiting if waiting or mail.is_content or mail.settled else mail
        elif waiting and not mail.says_little:
            yield CustomerWait(waiting, mail.at, mail.at > calendar.after(waiting.at, SILENCE))
            waiting = None
    if waiting:
        yield CustomerWait(waiting, None, now > calendar.after(waiting.at, SILENCE))


# --- what is worth reading ------------------------------------------------------------------------------------

_WEIGHTS = {WordOutcome.FORGOTTEN: 4.0, WordOutcome.ASKED: 3.0, WordOutcome.LATE: 1.0, WordOutcome.WORD: 0.0}
_COMPLAINT, _SEVERE, _UNANSWERED, _AGAIN = 2.0, 2.0, 3.0, 1.0
#: promises of one thread beyond these make it no more worth reading
_MOST_COUNTED = 3


def worth_reading(found: Lookback, most: int = 20) -> list[Thread]:
    """Return the threads that show best what goes wrong.

    Args:
        found: all threads.
        most: how many are wanted.

    Returns:
        The worst first, and of equal ones the newest; one without a fault is none of them.
    """
    rated = [(_fault(thread), thread.mails[-1].at, number) for number, thread in enumerate(found.threads)]
    rated = sorted((row for row in rated if row[0] > 0), reverse=True)
    return [found.threads[number] for *_, number in rated[:most]]


def _fault(thread: Thread) -> float:
    """Return how bad a thread is.

    Args:
        thread: whose promises count by their outcomes, and complaints by what they are.

    Returns:
        A number to sort by; 0.0 for a thread without a fault of ours, even where the customer complains.
    """
    weights = sorted((_WEIGHTS[judged.outcome] for judged in thread.promises), reverse=True)
    fault = sum(weights[:_MOST_COUNTED]) + _UNANSWERED * thread.unanswered
    days = len(thread.days_of_complaints)
    if fault == 0:
        return 0.0
    return fault + _COMPLAINT * (days > 0) + _SEVERE * thread.is_severe + _AGAIN * (days > 1)


# --- by week ---------------------------------------------------------------------------------------------------

_WEEK = timedelta(weeks=1)
#: more bars than these are drawn of four weeks each
_MOST_WEEKS = 130


def by_week(found: Lookback, calendar: Calendar) -> tuple[int, list[tuple[date, Mapping[WordOutcome, int]]]]:
    """Return how many weeks a step has, and for each step its Monday and its promises by outcome.

    Args:
        found: the promises are counted in the week of their date; weeks without one are there too.
        calendar: the company's calendar.
    """
    promises = found.promises
    if not promises:
        return 1, []
    mondays = [_monday(calendar.local(judged.promise.due).date()) for judged in promises]
    first, last = mondays[0], mondays[-1]
    weeks = 1 if (last - first) // _WEEK < _MOST_WEEKS else 4
    steps = [first + number * weeks * _WEEK for number in range((last - first) // (weeks * _WEEK) + 1)]
    counts = [dict.fromkeys(WordOutcome, 0) for _ in steps]
    for judged, monday in zip(promises, mondays, strict=True):
        counts[(monday - first) // (weeks * _WEEK)][judged.outcome] += 1
    return weeks, list(zip(steps, counts, strict=True))


def _monday(day: date) -> date:
    """Return the Monday of a day's week.

    Args:
        day: a date in the company's time zone.
    """
    return day - timedelta(days=day.weekday())


# --- what these rules would have done --------------------------------------------------------------------------


@dataclass(slots=True)
class RulesEffect:
    """What playbooks would have done in the threads with complaints.

    `confirmed` complaints would have had a letter before their first word, `shown` ones gone to an agent at once,
    since they are only suspected; `reminded` promises would have been asked for by their date, which had no word by
    it; `escalated` ones would have reached the lead; `silences` would have been broken by a letter. `playbooks` counts
    the complaints of each playbook.
    """

    complaints: int = 0
    confirmed: int = 0
    shown: int = 0
    reminded: int = 0
    escalated: int = 0
    silences: int = 0
    playbooks: dict[str, int] = field(default_factory=dict)


def effect_of(found: Lookback, playbooks: Mapping[str, Playbook]) -> RulesEffect:
    """Return what the rules of some playbooks would have done.

    Args:
        found: whose mails name the playbook that a case of theirs would get.
        playbooks: by name, `default` among them.
    """
    effect = RulesEffect()
    for thread in found.complaints:
        first = thread.complaints[0]
        severity = "high" if first.severe else "normal"
        playbook = playbooks.get(first.playbook, playbooks["default"]).for_severity(severity)
        effect.complaints += 1
        effect.playbooks[playbook.name] = effect.playbooks.get(playbook.name, 0) + 1
        _count_letters(thread, playbook, effect)
        _count_reminders(thread, playbook, found.until, effect)
    return effect


def _count_letters(thread: Thread, playbook: Playbook, effect: RulesEffect) -> None:
    """Count the confirmation and the letters into silence of one thread.

    A confirmation goes out by itself for a certain complaint only.

    Args:
        thread: in which the customer complains.
        playbook: the playbook of its case.
        effect: what is counted.
    """
    after = playbook.calendar.after
    first = thread.complaints[0]
    answered = _first_of_ours(thread.mails, first.at)
    if first.verdict == "complaint":
        effect.confirmed += answered is None or answered > after(first.at, playbook.confirm_after)
    else:
        effect.shown += 1
    for wait in thread.waits:
        broken_at = after(wait.mail.at, playbook.silence_after)
        effect.silences += wait.silent and (wait.answered_at is None or wait.answered_at > broken_at)


def _count_reminders(thread: Thread, playbook: Playbook, until: datetime, effect: RulesEffect) -> None:
    """Count the promises of one thread that somebody would have been asked about.

    Args:
        thread: in which the customer complains.
        playbook: the playbook of its case.
        until: the present, for promises without a word.
        effect: what is counted.
    """
    for judged in thread.promises:
        if judged.outcome is WordOutcome.WORD:
            continue
        effect.reminded += 1
        told_lead = playbook.calendar.after(judged.promise.due, playbook.escalate_lead)
        answered = judged.by.at if judged.by and judged.by.ours else until
        effect.escalated += answered > told_lead
