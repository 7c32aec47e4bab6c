"""The monthly page: one month of complaints as figures, each with its number of cases (practices 32, 54 and 68)."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Any

from followupd.domain.calendar import Calendar
from followupd.domain.case import NO_COMPLAINT, Case, Outcome, Stage
from followupd.domain.compensation import Money
from followupd.domain.events import CustomerWrote
from followupd.domain.promise import Promise, PromiseState
from followupd.domain.translatable import Translatable, msg, msgid
from followupd.recovery.past.learn import UNSAID
from followupd.recovery.recurrence import Again

#: nothing is drawn, and no share is said, of fewer
FEWEST = 5
#: causes with a colour of their own; the others are one
MOST_CAUSES = 4
OTHERS = "others"
#: how promises ended, best first
ENDS = ("early", "in time", "late", "broken")
#: what is timed from the complaint on
CLOCKS = ("first word", "fixed", "follow-up")
#: what waits for somebody is listed up to this number
MOST_NEEDED = 10
#: the quantile of the normal distribution for an interval of 90 %
_Z90 = 1.6449
_EARLY = timedelta(hours=4)


def _numbers() -> "array[float]":
    """Return an empty list of numbers, which takes a quarter of a list's memory: there may be 50,000 cases."""
    return array("d")


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its number of cases, and the interval of 90 % after Wilson (1927)."""

    label: str
    count: int
    total: int

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return max(0.0, self._middle - self._half)

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return min(1.0, self._middle + self._half)

    @property
    def _middle(self) -> float:
        square = _Z90 * _Z90
        return (self.count + square / 2) / (self.total + square) if self.total else 0.5

    @property
    def _half(self) -> float:
        if not self.total:
            return 0.5
        spread = self.count * (self.total - self.count) / self.total + _Z90 * _Z90 / 4
        return _Z90 * sqrt(spread) / (self.total + _Z90 * _Z90)


@dataclass(frozen=True, slots=True)
class Clock:
    """How long something took in a month: in how many cases, and the hours in the middle one and in 9 of 10."""

    name: str
    count: int
    median: float
    ninth: float


@dataclass(frozen=True, slots=True)
class Needed:
    """A case that waits for somebody at the end of the month, and why."""

    ref: str
    owner: str
    why: str


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the company's own clock, such as 2026-11."""

    name: str
    begin: datetime
    end: datetime
    first_day: date

    @classmethod
    def parse(cls, text: str, calendar: Calendar) -> "Month":
        """Read "2026-11".

        Raises:
            ValueError: it is no month; the message is for the user.
        """
        try:
            first = date.fromisoformat(f"{text}-01")
            return cls(text, _midnight(first, calendar), _midnight(_next(first), calendar), first)
        except (ValueError, OverflowError):
            raise ValueError(f'{text!r} is no month like "2026-11"') from None

    @classmethod
    def before(cls, day: date, calendar: Calendar) -> "Month":
        """Return the month before that of a day.

        Args:
            day: a day of the company's calendar.
            calendar: the calendar of the company.
        """
        last = day.replace(day=1) - timedelta(days=1)
        return cls.parse(f"{last:%Y-%m}", calendar)

    def has(self, at: datetime | None) -> bool:
        """Return whether a time is in the month.

        Args:
            at: a time, in UTC; None for one that never came.
        """
        return at is not None and self.begin <= at < self.end

    @property
    def title(self) -> str:
        """The name on the page: "November 2026"."""
        return f"{self.first_day:%B %Y}"

    @property
    def following(self) -> date:
        """The first day of the next month, on whose first working day the page is sent."""
        return _next(self.first_day)


def _next(first: date) -> date:
    """Return the first day of the next month.

    Args:
        first: the first day of a month.
    """
    return (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, calendar: Calendar) -> datetime:
    """Return when a day begins for the company.

    Args:
        day: a day of the company's calendar.
        calendar: the calendar of the company.
    """
    return calendar.moment(day, datetime.min.time())


@dataclass(slots=True)
class MonthBook:
    """Collects the figures of a month from cases that are given one by one, in any order."""

    month: Month
    calendar: Calendar
    opened: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    weeks: Counter[tuple[date, str]] = field(default_factory=Counter)
    hours: dict[str, "array[float]"] = field(default_factory=lambda: {name: _numbers() for name in CLOCKS})
    ends: dict[str, Counter[str]] = field(default_factory=dict)
    told: "array[float]" = field(default_factory=_numbers)
    took: "array[float]" = field(default_factory=_numbers)
    mails: list[int] = field(default_factory=list)
    asks: list[int] = field(default_factory=list)
    given: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    given_after: "array[float]" = field(default_factory=_numbers)
    #: by days since the close, and a cause or gesture: how many came back with a complaint, and how many are known
    back: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    resolved: Counter[str] = field(default_factory=Counter)
    needed: list[Needed] = field(default_factory=list)
    needed_in_all: int = 0

    def add(self, case: Case, first_word_at: datetime | None, mails: int, asks: int = 0) -> None:
        """Count a case.

        Args:
            case: any case; what is not of this month counts for nothing.
            first_word_at: when the customer heard from us first, None if not yet.
            mails: how many mails the customer wrote in the case.
            asks: how many of them, after the first, wanted an answer.
        """
        if case.stage in NO_COMPLAINT or case.opened_at >= self.month.end:
            return
        if self.month.has(case.opened_at):
            self._add_opened(case, mails, asks)
        self._add_clocks(case, first_word_at)
        for promise in case.promises:
            self._add_promise(promise, case)
        self._add_grants(case)
        self._add_outcomes(case)
        self._add_need(case)

    def _add_opened(self, case: Case, mails: int, asks: int) -> None:
        """Count a complaint of the month by week and cause.

        Args:
            case: the case, as it is stored.
            mails: how many mails the customer wrote in the case.
            asks: how many of them, after the first, wanted an answer.
        """
        cause = case.facts.cause_code or UNSAID
        day = self.calendar.local(case.opened_at).date()
        self.opened += 1
        self.causes[cause] += 1
        self.weeks[max(day - timedelta(days=day.weekday()), self.month.first_day), cause] += 1
        self.mails.append(mails)
        self.asks.append(asks)
        if case.facts.resolved:
            self.resolved[case.facts.resolved] += 1

    def _add_clocks(self, case: Case, first_word_at: datetime | None) -> None:
        """Add how long first word, fix and follow-up took, where they came in this month.

        Args:
            case: the case, as it is stored.
            first_word_at: when the customer heard from us first.
        """
        ends = dict(zip(CLOCKS, (first_word_at, case.fixed_at, case.followed_up_at), strict=True))
        for name, end in ends.items():
            if end and self.month.has(end):
                self.hours[name].append((end - case.opened_at) / timedelta(hours=1))

    def _add_promise(self, promise: Promise, case: Case) -> None:
        """Count a promise whose date was in this month by its owner and how it ended.

        Args:
            promise: one promise of the case.
            case: the case, as it is stored.
        """
        due = promise.told_before or promise.promised_by
        if due is None or not self.month.has(due) or promise.state is PromiseState.PROPOSED:
            return
        end = _end_of(promise, due, self.month.end)
        if not end:
            return

        self.ends.setdefault(promise.owner or case.owner, Counter())[end] += 1
        if promise.kept_at and promise.made_at:
            self.told.append((due - promise.made_at) / timedelta(days=1))
            self.took.append((promise.kept_at - promise.made_at) / timedelta(days=1))

    def _add_grants(self, case: Case) -> None:
        """Add what was granted in this month, and how long it took until it was given.

        Args:
            case: the case, as it is stored.
        """
        for grant in case.compensation:
            if not grant.counts or not self.month.has(grant.granted_at):
                continue
            money = grant.money or Money(0, "")
            self.given.setdefault((grant.kind.value, money.currency), []).append(money.minor)
            if grant.issued_at and grant.granted_at:
                self.given_after.append((grant.issued_at - grant.granted_at) / timedelta(days=1))

    def _add_outcomes(self, case: Case) -> None:
        """Count what became of the customer, where that was looked at in this month; a forgotten one left nothing.

        Args:
            case: the case, as it is stored.
        """
        gesture = (
            "something was given" if any(grant.counts for grant in case.compensation) else "nothing given"
        )
        for record in case.outcomes if case.customer.address else ():
            if not self.month.has(record.at):
                continue
            complained = record.outcome in {Outcome.COMPLAINED_SAME, Outcome.COMPLAINED_OTHER}
            for group in ("all", case.facts.cause_code or UNSAID, gesture):
                counts = self.back.setdefault((record.after, group), [0, 0])
                counts[0] += complained
                counts[1] += 1

    def _add_need(self, case: Case) -> None:
        """List a case that waits for somebody, by what the ledger says of it.

        Args:
            case: the case, as it is stored.
        """
        why = _why_needed(case) if case.stage is not Stage.CLOSED else ""
        if why and case.customer.address:
            self.needed_in_all += 1
            self.needed.append(Needed(case.ref, case.owner, why))
            self.needed = self.needed[:MOST_NEEDED]

    # --- what the page shows ---

    @property
    def main_causes(self) -> list[str]:
        """The most frequent causes, those of equal number in alphabetical order, and the others as one."""
        ordered = sorted(self.causes, key=lambda cause: (-self.causes[cause], cause))
        return [*ordered[:MOST_CAUSES], *([OTHERS] if len(ordered) > MOST_CAUSES else [])]

    def week_rows(self) -> list[tuple[date, list[int]]]:
        """Return the complaints of each week of the month by main cause."""
        main = self.main_causes
        rows: dict[date, list[int]] = {}
        week = self.month.first_day
        while week < self.month.following:
            rows[week] = [0] * len(main)
            week += timedelta(days=7 - week.weekday())
        for (start, cause), count in self.weeks.items():
            rows[start][main.index(cause if cause in main else OTHERS)] += count
        return sorted(rows.items())

    def clocks(self) -> list[Clock]:
        """Return how long first word, fix and follow-up took."""
        return [_clock(name, sorted(hours)) for name, hours in self.hours.items() if hours]

    def promises(self) -> Counter[str]:
        """Return how the promises of all owners ended."""
        return sum(self.ends.values(), Counter[str]())

    def in_time(self) -> Share:
        """Return the share of promises that were kept by the date that the customer was told first."""
        ended = self.promises()
        return Share("promises in time", ended["early"] + ended["in time"], ended.total())

    def came_back(self, after: str = "") -> list[tuple[str, Share]]:
        """Return the shares of customers who complained again, by the time since the close.

        Args:
            after: the time since the close, such as "30 days"; "" for every one.
        """
        found = [
            (time, Share(group, *counts))
            for (time, group), counts in self.back.items()
            if after in {"", time}
        ]
        return sorted(found, key=lambda each: (len(each[0]), each[0], each[1].label != "all", each[1].label))


def _end_of(promise: Promise, due: datetime, end: datetime) -> str:
    """Return how a promise ended, "" for one that is withdrawn; what nobody calls kept is broken by the month's end.

    Args:
        promise: one promise of the case.
        due: the date that the customer was told first, in UTC.
        end: the end of the month, in UTC.
    """
    if promise.state is PromiseState.WITHDRAWN:
        return ""

    is_kept, kept_at = promise.state is PromiseState.KEPT, promise.kept_at
    if kept_at is None and is_kept:
        return "in time"
    if kept_at is None:
        return "late" if promise.promised_by and promise.promised_by >= end else "broken"

    if kept_at > due:
        return "late"
    return "early" if is_kept and kept_at <= due - _EARLY else "in time"


def _clock(name: str, ordered: list[float]) -> Clock:
    """Return the statistics of hours that are sorted.

    Args:
        name: what is timed.
        ordered: hours, the shortest first.
    """
    ninth = min(len(ordered) - 1, len(ordered) * 9 // 10)
    return Clock(name, len(ordered), ordered[len(ordered) // 2], ordered[ninth])


def _why_needed(case: Case) -> str:
    """Return what a case waits for, "" for nothing; by what is stored, so that the same ledger says the same.

    Args:
        case: the case, as it is stored.
    """
    if case.held:
        return f"on hold: {case.held_because}" if case.held_because else "on hold"
    if case.promises_in(PromiseState.BROKEN):
        return "a broken promise"
    if case.not_reached:
        return "the customer was not reached"
    if case.unanswered:
        return "the customer has written and has no answer"
    return "its cause came back, and nobody says what is different" if case.came_back else ""


def mean(numbers: Iterable[float]) -> float | None:
    """Return the mean, None of nothing.

    Args:
        numbers: any numbers.
    """
    known = list(numbers)
    return sum(known) / len(known) if known else None


def book_of(
    month: Month,
    calendar: Calendar,
    cases: Iterable[Case],
    first_words: Mapping[str, datetime],
    mails: Callable[[str], int],
    asks: Mapping[str, int],
) -> MonthBook:
    """Return the figures of a month.

    Args:
        month: the month.
        calendar: the calendar of the company.
        cases: all cases that may count, each looked at once.
        first_words: when customers heard from us first, by the reference of the case.
        mails: returns how many mails the customer wrote in a case.
        asks: how often the customer wrote again and wanted an answer, by the reference of the case.
    """
    book = MonthBook(month, calendar)
    for case in cases:
        book.add(case, first_words.get(case.ref), mails(case.ref), asks.get(case.ref, 0))
    return book


def times_asked(written: Iterable[tuple[str, CustomerWrote]]) -> Counter[str]:
    """Return how often each customer wrote again and wanted an answer, by the case: plain thanks want none.

    Args:
        written: the mails of customers after the first, each with the reference of its case.
    """
    return Counter(ref for ref, mail in written if not mail.content)


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """The figures of a month, and the causes that came back in it."""

    book: MonthBook
    again: tuple[Again, ...]


#: hours from which on a duration is told in days
_LONGEST_IN_HOURS = 48


@dataclass(frozen=True, slots=True)
class MonthTable:
    """One table of the page, and one file of CSV: `name` is that of the file."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def tables(report: MonthlyReport) -> list[MonthTable]:
    """Return all figures of the page as tables, in its order.

    Args:
        report: the figures of the month, and the causes that came back.
    """
    book = report.book
    return [
        MonthTable(
            "complaints", "Complaints a week by cause", ("week of", *book.main_causes), _week_cells(book)
        ),
        _clock_table(book),
        _promise_table(book),
        _effort_table(book),
        _given_table(book),
        _back_table(book),
        _again_table(report),
        _needed_table(book),
    ]


def _week_cells(book: MonthBook) -> list[tuple[str, ...]]:
    """Return a row for each week.

    Args:
        book: the figures of the month.
    """
    return [(start.isoformat(), *map(str, counts)) for start, counts in book.week_rows()]


def _clock_table(book: MonthBook) -> MonthTable:
    """Return how long it took until first word, fix and follow-up.

    Args:
        book: the figures of the month.
    """
    rows = [(each.name, str(each.count), _shown(each.median), _shown(each.ninth)) for each in book.clocks()]
    return MonthTable(
        "clock", "Against the clock", ("until", "cases", "median hours", "9 of 10 within"), rows
    )


def _clock_for_people(book: MonthBook) -> MonthTable:
    """Return the same with durations instead of hours, for the page.

    Args:
        book: the figures of the month.
    """
    rows = [(each.name, str(each.count), _span(each.median), _span(each.ninth)) for each in book.clocks()]
    return replace(_clock_table(book), head=("until", "cases", "median", "9 of 10 within"), rows=rows)


def _span(hours: float) -> str:
    """Return a duration for people: "40 minutes", "5.5 hours", "8.0 days".

    Args:
        hours: at least 0.
    """
    if hours < 1:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.1f} hours" if hours < _LONGEST_IN_HOURS else f"{hours / 24:.1f} days"


def _promise_table(book: MonthBook) -> MonthTable:
    """Return how the promises of each owner ended.

    Args:
        book: the figures of the month.
    """
    rows = [
        (owner, *(str(ended[end]) for end in ENDS), str(ended.total()))
        for owner, ended in sorted(book.ends.items())
    ]
    told, took = mean(book.told), mean(book.took)
    note = ""
    if told is not None and took is not None and len(book.told) >= FEWEST:
        note = f"Told {told:.1f} days on average, kept after {took:.1f} ({len(book.told):,} promises)."
    return MonthTable("promises", "Promises that were due, by owner", ("owner", *ENDS, "all"), rows, note)


def _effort_table(book: MonthBook) -> MonthTable:
    """Return how many mails customers had to write a case.

    Args:
        book: the figures of the month.
    """
    figures = {
        "the customer's mails per case": mean(book.mails),
        "times the customer had to ask, per case": mean(book.asks),
    }
    rows = [
        (name, f"{average:.1f}", str(book.opened)) for name, average in figures.items() if average is not None
    ]
    ended = [
        (f"resolved: {how}", str(count), str(book.opened)) for how, count in sorted(book.resolved.items())
    ]
    return MonthTable("effort", "Effort, and how it ended", ("what", "figure", "cases"), [*rows, *ended])


def _given_table(book: MonthBook) -> MonthTable:
    """Return what was granted.

    Args:
        book: the figures of the month.
    """
    rows = [
        (kind, str(len(minors)), f"{Money(sum(minors), currency).amount} {currency}" if currency else "")
        for (kind, currency), minors in sorted(book.given.items())
    ]
    days = mean(book.given_after)
    note = "" if days is None else f"{days:.1f} days on average until it was given ({len(book.given_after)})."
    return MonthTable("given", "Given", ("kind", "count", "sum"), rows, note)


def _back_table(book: MonthBook) -> MonthTable:
    """Return how many customers complained again, by time, cause and gesture; shares of fewer than 5 are not said.

    Args:
        book: the figures of the month.
    """
    rows = []
    for after, share in book.came_back():
        interval = f"{share.low:.0%} to {share.high:.0%}" if share.total >= FEWEST else ""
        rows.append((f"{after}, {share.label}", str(share.count), str(share.total), interval))
    return MonthTable(
        "came-back", "Came back with a complaint", ("after the close", "again", "of", "90 % interval"), rows
    )


def _again_table(report: MonthlyReport) -> MonthTable:
    """Return the causes that came back although customers were told that they would not.

    Args:
        report: the figures of the month, and the causes that came back.
    """
    rows = [(each.cause, str(each.told), str(len(each.since)), each.since[-1].ref) for each in report.again]
    head = ("cause", "told that it would not", "cases since", "last")
    return MonthTable("again", "It happened again", head, rows)


def _needed_table(book: MonthBook) -> MonthTable:
    """Return what waits for somebody.

    Args:
        book: the figures of the month.
    """
    rows = [(each.ref, each.owner, each.why) for each in book.needed]
    more = book.needed_in_all - len(rows)
    note = f"{more} more wait." if more else ""
    return MonthTable("needed", "What needs you now", ("case", "owner", "why"), rows, note)


def _shown(hours: float) -> str:
    """Return a number of hours with one decimal.

    Args:
        hours: a number of hours.
    """
    return f"{hours:.1f}"


def monthly_view(report: MonthlyReport) -> dict[str, Any]:
    """Return the figures as JSON: the headline's numbers, and each table by its name.

    Args:
        report: the figures of the month, and the causes that came back.
    """
    book, in_time = report.book, report.book.in_time()
    return {
        "month": book.month.name,
        "complaints": book.opened,
        "causes": dict(sorted(book.causes.items())),
        "promises_due": in_time.total,
        "promises_in_time": in_time.count,
        "came_back": [
            {"after": after, "group": share.label, "again": share.count, "of": share.total}
            for after, share in book.came_back()
        ],
        "tables": {each.name: {"head": each.head, "rows": each.rows} for each in tables(report)},
    }


def answers(
    report: MonthlyReport, month: str, number: Callable[[int], str] = str
) -> dict[str, list[Translatable]]:
    """Return what a reader wants to know, and the sentences that say it: none of what was not there.

    Args:
        report: the figures of the month, and the causes that came back.
        month: what the month is called; its name is the same in every language, and its title is English.
        number: writes a number; with separators of thousands in English alone.
    """
    book = report.book
    why = [msg("complaints in {month}: {n}", n=number(book.opened), month=month)]
    causes = [cause for cause in book.main_causes if cause not in {OTHERS, UNSAID}]
    if causes:
        n = number(book.causes[causes[0]])
        why.append(msg("the most frequent cause was {cause} ({n})", cause=causes[0], n=n))
    kept, in_time = book.in_time(), msgid("{n} of {total} promises that were due were kept in time")
    again = msgid("{n} of {total} customers complained again within {days} days")
    return {
        "How many, and why": why,
        "Did we keep our word?": [msg(in_time, n=number(kept.count), total=number(kept.total))]
        if kept.total
        else [],
        "Do they come back?": [
            msg(again, n=number(share.count), total=number(share.total), days=after.partition(" ")[0])
            for after, share in book.came_back()
            if share.label == "all"
        ],
    }


def headline(report: MonthlyReport) -> list[Translatable]:
    """Return the month in sentences: how many and why, did we keep our word, do they come back.

    Args:
        report: the figures of the month, and the causes that came back.
    """
    found = answers(report, report.book.month.name)
    return [sentence for sentences in found.values() for sentence in sentences]


def said(sentences: Iterable[Translatable]) -> str:
    """Return sentences as one text.

    Args:
        sentences: each without its capital and its full stop.
    """
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in map(str, sentences))


def page_values(report: MonthlyReport, company: str) -> dict[str, Any]:
    """Return what the template of the page shows.

    Args:
        report: the figures of the month, and the causes that came back.
        company: the name of the company.
    """
    book, all_tables = report.book, tables(report)
    tones = ("bad", "asked", "late", "good", "none")
    ended = book.promises()
    back = [
        _bar(share, f"within {after}", "bad") for after, share in book.came_back() if share.label == "all"
    ]
    groups = [
        _bar(share, f"{after}, {share.label}", "bad")
        for after, share in book.came_back()
        if share.label != "all"
    ]
    return {
        "company": company,
        "month": book.month.title,
        "answers": {
            question: said(sentences)
            for question, sentences in answers(report, book.month.title, "{:,}".format).items()
        },
        "opened": book.opened,
        "weeks": [
            {"label": f"{start.day} {start:%b}", "counts": counts} for start, counts in book.week_rows()
        ],
        "series": [
            {"name": cause, "tone": tone} for cause, tone in zip(book.main_causes, tones, strict=False)
        ],
        "promises": ended.total(),
        "kept": [
            _bar(Share(end, ended[end], ended.total()), end, tone)
            for end, tone in zip(ENDS, ("good", "good", "late", "bad"), strict=True)
        ],
        "told_sentence": all_tables[2].note,
        "back_all": back,
        "back_groups": groups,
        "sections": [
            all_tables[-1],
            _clock_for_people(book),
            *(each for each in all_tables[2:-1] if each.name != "came-back"),
        ],
    }


def _bar(share: Share, label: str, tone: str) -> dict[str, Any]:
    """Return a share as the plot takes it.

    Args:
        share: the share, with its number of cases.
        label: what is printed beside it.
        tone: the class of its colour in the style sheet.
    """
    found: dict[str, Any] = {"label": label, "count": share.count, "total": share.total, "tone": tone}
    return found | {"low": share.low, "high": share.high}
