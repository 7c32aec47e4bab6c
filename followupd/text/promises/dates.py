"""Find the dates that people write in a sentence, and the moment that each of them means to the company.

Libraries for dates are not used, because they read "$25 by Friday" as the 25th. What a day means as a moment:

- a day without a time is the close of business on that day, in the company's time zone; "morning" ends at
  noon, "afternoon" at the close, "evening" at 20:00, "tonight" at 23:59;
- "next week" ends with its last working day, "early next week" with Tuesday, "within 3 business days" with
  the close of the third;
- "before Friday" is the close of business before that day;
- a day whose close is over ends at 23:59.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise, product

from followupd.domain.calendar import Calendar
from followupd.domain.promise import DatedText, Relation
from followupd.languages import Catalogue, Language
from followupd.text.promises.date_parts import (
    END_OF_DAY,
    LEAD_REACH,
    DatePart,
    PartReader,
    close_of_day,
    last_of_business,
)
from followupd.text.promises.patterns import DatePatterns, PromisePatterns, date_patterns
from followupd.text.promises.sentences import MAX_SENTENCE, lowered, sentences

#: a day and the one in its place
_A_PAIR = 2
#: the days of a window are at most so far apart
_LONGEST_WINDOW = timedelta(weeks=5)
#: texts whose dates are remembered
_REMEMBERED = 100
#: what is left at the edges of a text when a date was removed
EDGES = " ,;:.!–—-…"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text, with its prepositions; `firm` if one of them makes it a deadline.

    `since` is the moment at which a window begins: "on Friday between 9 and 11". A `dayless` one is a time alone,
    read as the next such time: "by 16:00". `guessed` is what was not written of the date: the "year", the "month", the
    "week" of a weekday, or the "day". A `counted` one is so much time later than a day: "within 3 days".
    The time of a `vague` one only has a name: "Friday morning"; that of another is a `clock` time if it has one.
    """

    moment: datetime
    start: int
    end: int
    firm: bool
    relation: Relation = Relation.BY
    since: datetime | None = None
    dayless: bool = False
    guessed: str = ""
    counted: bool = False
    vague: bool = False
    clock: bool = False


def with_day(dates: Iterable[FoundDate]) -> list[FoundDate]:
    """Return the dates without times of which nothing says the day."""
    return [when for when in dates if when.guessed != "day"]


#: the next day of such a number is so far away that the one before is meant, which is over: "on 9 April" in May
_OVER = {"year": timedelta(days=240), "month": timedelta(days=22)}
#: characters of a date without a preposition in a language that is neither the case's nor English
_MIN_ABROAD = 6
#: a day without a year that is further away was this year's, and is over
_HALF_A_YEAR = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class DateReader:
    """Finds dates as written at one moment by one company, in one language."""

    patterns: DatePatterns
    now: datetime
    today: date
    calendar: Calendar
    parts: PartReader
    known: dict[tuple[str, bool], Sequence[FoundDate]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def find(self, text: str, *, over_too: bool = False) -> Sequence[FoundDate]:
        """Return the dates in a text in order, without those that the text says are over.

        A mail's clauses are looked at several times, so that the last texts are remembered.

        Args:
            text: of which the first MAX_SENTENCE characters are read.
            over_too: return those as well.
        """
        key = (text, over_too)
        if key not in self.known:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[key] = tuple(self._dates(text, over_too=over_too))
        return self.known[key]

    def at_odds(self, text: str) -> str:
        """Return a weekday and the day of the month beside it that is another one: "Wednesday, 15 June"; "" without.

        Args:
            text: of which the first MAX_SENTENCE characters are read.
        """
        low = lowered(text[:MAX_SENTENCE])
        for first, second in pairwise(self.parts.find(low)):
            weekdays, days = (first.weekday, second.weekday), (first.day, second.day)
            names_both = weekdays.count(None) == 1 and days.count(None) == 1
            between = low[first.end : second.start]
            # a number alone and "by Thursday" are no date: "1 by Thursday" is the first of something
            counted = first.loose and first.day is not None and any(map(str.isalpha, between))
            glued = self.patterns.glue.fullmatch(between) and not counted
            if names_both and glued and first.merged(second) is None and not self._is_past_day(first, second):
                return text[first.start : second.end]
        return ""

    def _is_past_day(self, first: DatePart, second: DatePart) -> bool:
        """Return whether a weekday and a day belong together in this year, and the day is over: "Monday 8 June"."""
        weekday = first.weekday if second.weekday is None else second.weekday
        day = first.day or second.day
        is_far = day is not None and day - self.today > _HALF_A_YEAR
        return is_far and day is not None and self._year_before(day).weekday() == weekday

    def _year_before(self, day: date) -> date:
        """Return the same day a year earlier; the last of February has no such day in some years."""
        return day - timedelta(days=366 if (day - timedelta(days=365)).day != day.day else 365)

    def to_come(self, text: str) -> list[FoundDate]:
        """Return the dates in a text that are later than the moment at which it is written, in order.

        A day without its month or year that was a short time ago is over, whatever the calendar has to come.
        """
        return [when for when in self.find(text) if when.moment > self.now and not self.is_over(when)]

    def is_over(self, when: FoundDate) -> bool:
        """Whether the day that was meant is over, and its number comes again only in a long time.

        It is not where a word makes it a deadline: "by the 9th".
        """
        least = None if when.firm and when.guessed == "month" else _OVER.get(when.guessed)
        return least is not None and when.moment - self.now > least

    def _dates(self, text: str, *, over_too: bool) -> Iterator[FoundDate]:
        """Yield the dates in a text in order."""
        low = lowered(text[:MAX_SENTENCE])
        found: list[FoundDate] = []
        for part in self._timed(list(self._merged(self.parts.find(low), low)), low):
            is_date = part.marked or not part.loose
            when = self._found(low, part, over_too=over_too) if is_date else None
            if when is None:
                continue

            ranged = self._ranged(low, found[-1], when) if found else None
            if ranged:
                found[-1] = ranged
            else:
                found.append(when)
        yield from with_day(found) or found

    def _ranged(self, low: str, first: FoundDate, second: FoundDate) -> FoundDate | None:
        """Return "between Monday and Wednesday" as one date with its window, None for two separate dates.

        Args:
            low: the text, in lower case.
            first: a date.
            second: the next one; "between Monday and Wednesday", written on a Tuesday, ends a week later.
        """
        patterns = self.patterns
        opening = patterns.between.search(low[max(0, first.start - LEAD_REACH) : first.start])
        joint = low[first.end : second.start]
        is_tied = first.firm or Relation.FROM in {first.relation, second.relation}
        either = None if is_tied else patterns.either.fullmatch(joint)
        joined = patterns.joining.fullmatch(joint) if opening else either
        ends = (second.moment, self._a_week_later(second.moment))
        end = next((moment for moment in ends if moment >= first.moment), None)
        if not joined or end is None or end - first.moment > _LONGEST_WINDOW:
            return None
        start = first.start - len(opening[0] if opening else "")
        return replace(
            second, moment=end, start=start, firm=False, relation=Relation.BETWEEN, since=first.moment
        )

    def _merged(self, parts: Iterable[DatePart], low: str) -> Iterator[DatePart]:
        """Yield the parts as dates, each merged with its neighbours, such as "Friday" with "at 3 pm".

        Args:
            parts: in the order of the text.
            low: the text, in lower case.
        """
        current: DatePart | None = None
        for part in parts:
            merged = self._merge(current, part, low)
            if current and merged is None:
                yield current
            current = merged or part
        if current:
            yield current

    def _timed(self, parts: list[DatePart], low: str) -> list[DatePart]:
        """Return the only time of a text and its only day before it as one part: "on Friday, and he comes by 9:30".

        Args:
            parts: merged with their neighbours, in order.
            low: the text, in lower case.
        """
        if len(parts) != 2 or (parts[0].at and not parts[0].vague) or parts[1].has_day or not parts[1].at:
            return parts
        day, at = parts
        if at.loose and not at.marked and low[at.start].isdigit():  # a sum of money: "12.50"
            return parts
        whole = day.merged(replace(at, loose=False))
        if whole is None or not day.has_day:
            return parts
        match = self.patterns.leads.search(low[max(day.end, at.start - LEAD_REACH) : at.start])
        tied = (match[0] if match else "") + low[at.start : at.end]
        begins = self.patterns.starting.search(low[max(0, day.start - LEAD_REACH) : day.start])
        if begins and self.patterns.deadline.search(tied):  # "from Monday your paper is there by 7"
            return parts
        return [replace(whole, end=day.end, tied=tied)]

    def _merge(self, first: DatePart | None, second: DatePart, low: str) -> DatePart | None:
        """Return two parts as one date if there is nothing but glue between them, else None."""
        if first is None:
            return None
        if not self.patterns.glue.fullmatch(low[first.end : second.start]):
            return None
        return first.merged(second)

    def _a_week_later(self, moment: datetime) -> datetime:
        """Return the same time of the company's clock a week later."""
        local = self.calendar.local(moment)
        return self.calendar.moment(local.date() + timedelta(weeks=1), local.time())

    def _found(self, low: str, part: DatePart, *, over_too: bool) -> FoundDate | None:
        """Return a date with its prepositions; None for one that is over, or one end of a range.

        Args:
            low: the text, in lower case.
            part: the merged parts of the date.
            over_too: return one that is over, too.
        """
        patterns, after = self.patterns, low[part.end :]
        before = low[max(0, part.start - LEAD_REACH) : part.start]
        week = patterns.week_of.search(before)
        if week and part.day:
            part = replace(part, day=None, week=part.day - timedelta(days=part.day.weekday()), until=True)
        window = patterns.window.search(before) if part.first else None
        match = week or window or patterns.leads.search(before)
        lead = match[0] if match else ""
        is_told = over_too or window is not None
        if self._is_none_to_come(before, before.removesuffix(lead), after, is_told=is_told):
            return None

        trail = patterns.trail.match(after)
        length = trail.end() if trail else 0
        inner = low[part.start : part.end]
        is_deadline = trail is not None or patterns.deadline.search(f"{lead} {inner} {part.tied}") is not None
        is_before = patterns.before.search(lead) is not None
        relation = self._relation(f"{lead} {inner} {part.tied}", part, is_deadline=is_deadline)
        moment = self._moment(part, is_before=is_before, begins=relation is Relation.FROM)
        return FoundDate(
            moment=moment,
            start=part.start - len(lead),
            end=part.end + length,
            firm=is_deadline or part.moment is not None,
            relation=relation,
            since=self.calendar.close_of(part.first) if part.first else self._on_day_of(moment, part.since),
            dayless=part.loose,
            guessed=part.guessed or self._guess(part),
            counted=part.counted,
            vague=part.vague,
            clock=part.at is not None and not part.vague,
        )

    def _is_none_to_come(self, before: str, rest: str, after: str, *, is_told: bool) -> bool:
        """Whether a date is over, or one end of a range.

        Args:
            before: what stands before the date.
            rest: the same without its prepositions.
            after: what stands behind it.
            is_told: it counts even if the text says that it is over.
        """
        return (not is_told and self._is_over(rest, after)) or self._is_in_range(before, after)

    @staticmethod
    def _guess(part: DatePart) -> str:
        """Return what is not written of a date of which the number of its day need not be guessed."""
        if part.has_day or part.moment:
            return "week" if part.weekday is not None else ""
        return "day"

    def _on_day_of(self, moment: datetime, at: time | None) -> datetime | None:
        """Return the moment of a time on the day of another moment.

        Args:
            moment: on that day.
            at: the time, None for none.
        """
        return self.calendar.moment(self.calendar.local(moment).date(), at) if at else None

    def _relation(self, words: str, part: DatePart, *, is_deadline: bool) -> Relation:
        """Return how the words tie what is promised to the date."""
        starts = self.patterns.starting.search(words) is not None and not part.counted
        told = (
            (part.since or part.first, Relation.BETWEEN),
            (is_deadline, Relation.BY),
            (starts, Relation.FROM),
            (part.until, Relation.BY),
            (True, Relation.ON),
        )
        return next(relation for is_told, relation in told if is_told)

    def _is_over(self, before: str, after: str) -> bool:
        """Whether the text around a date says that it is over: "last Friday", "your mail of Friday"."""
        is_past = self.patterns.past_before.search(before) or self.patterns.past_after.match(after)
        return bool(is_past)

    def _is_in_range(self, before: str, after: str) -> bool:
        """Whether a date is one end of a range such as "Monday to Friday, 9 to 17 h"."""
        patterns = self.patterns
        is_end = patterns.opening_hours.search(before) or patterns.range_start.search(before)
        is_start = patterns.range_end.match(after)
        return bool(is_end or is_start)

    def _moment(self, part: DatePart, *, is_before: bool, begins: bool) -> datetime:
        """Return the moment in UTC that a date means.

        Args:
            part: the merged parts of the date.
            is_before: a preposition says that the day itself is too late.
            begins: a preposition says that something begins then: on the first day of a week.
        """
        if part.moment:
            return part.moment

        day = self._day(part)
        if part.at:
            return self._at(day, part.at, is_vague=part.vague)
        if day is None:
            raise AssertionError("unreachable: a part has a day, a time or a moment")
        if part.week and begins:
            return close_of_day(self.calendar, part.week, self.now)
        if part.week:
            return last_of_business(self.calendar, day, self.now)

        if is_before:
            close = self.calendar.end_of_business(day - timedelta(days=1))
            if close > self.now:
                return close
        return close_of_day(self.calendar, day, self.now)

    def _day(self, part: DatePart) -> date | None:
        """Return the day, the next such weekday, or the Sunday of the week; None for a time alone."""
        if part.day:
            return part.day
        if part.week:
            return part.week + timedelta(days=6)
        if part.weekday is None:
            return None
        days = (part.weekday - self.today.weekday() - 1) % 7 + 1
        return self.today + timedelta(days=days)

    def _at(self, day: date | None, at: time, *, is_vague: bool) -> datetime:
        """Return the moment of a time of day.

        Args:
            day: if it is today and the time is over, the day's end is meant; None means the next such time.
            at: the time on the company's clock.
            is_vague: it has a name only: "this morning", written in the afternoon, is over.
        """
        moment = self.calendar.moment(day or self.today, at)
        if moment > self.now:
            return moment
        if day is None:
            return self.calendar.moment(self.today + timedelta(days=1), at)
        if day == self.today and not is_vague:
            return self.calendar.moment(day, END_OF_DAY)
        return moment


def date_reader(language: Language, *, now: datetime, calendar: Calendar) -> DateReader:
    """Return a reader of dates.

    Args:
        language: in which the dates are written.
        now: when they were written.
        calendar: the company's hours and time zone.
    """
    patterns = date_patterns(language)
    today = calendar.local(now).date()
    month_first = calendar.timezone.startswith(patterns.month_first)
    parts = PartReader(patterns, now, today, calendar, month_first=month_first)
    return DateReader(patterns, now, today, calendar, parts)


def read_when(text: str, *, now: datetime, calendar: Calendar, language: Language) -> datetime | None:
    """Return the moment that a written date means, None if there is no date.

    Args:
        text: such as "Friday", "tomorrow noon", "4 Dec", "2026-12-04", "within 3 business days" or "next
            week".
        now: when it was written.
        calendar: the company's hours and time zone.
        language: the agent's; English is understood as well.
    """
    found = _last_deadline(text, now=now, calendar=calendar, language=language)
    return found.moment if found else None


def first_date(text: str, *, now: datetime, calendar: Calendar, language: Language) -> datetime | None:
    """Return the first deadline in a text, else its first date, None without one.

    The arguments are those of `read_when`. Only this language is read, and a date that the text says is over
    does not count.

    Args:
        text: what is read.
        now: the present moment, in UTC.
        calendar: of the company.
        language: whose words are read.
    """
    found = date_reader(language, now=now, calendar=calendar).find(text)
    deadlines = [when for when in found if when.firm]
    return next((when.moment for when in (*deadlines, *found)), None)


def split_when(text: str, *, now: datetime, calendar: Calendar, language: Language) -> DatedText:
    """Split a line of a note into what and by when: ("ship the replacement", Friday's close of business).

    Of several dates the last deadline counts ("the order of 3 May by Friday"), else the last date. A date
    inside of the text stays there: an agent's words are not cut. The arguments are those of `read_when`.

    Args:
        text: what is read.
        now: the present moment, in UTC.
        calendar: of the company.
        language: whose words are read.

    Returns:
        The text and the date. Without a date the text is whole; a line that is only a date leaves the text
        "".
    """
    found = _last_deadline(text, now=now, calendar=calendar, language=language, any_date=True)
    if found is None:
        return DatedText(text.strip())

    before, after = text[: found.start].strip(EDGES), text[found.end :].strip(EDGES)
    dated = bool(before and after)
    rest = text.strip() if dated else before or after
    is_over = found.guessed == "year" and found.moment - now > _OVER["year"]
    return DatedText(rest, found.moment, found.relation, found.since, dated, is_over)


def _last_deadline(
    text: str, *, now: datetime, calendar: Calendar, language: Language, any_date: bool = False
) -> FoundDate | None:
    """Return the last deadline of a line, else its last date.

    It is looked for in the agent's language, then in English, the language of the commands in notes. In any
    other language only a deadline counts ("bis Freitag"), or a longer date at an end of the line ("in 14 Tagen"):
    short names of days are words elsewhere. What a line promises is to come: with `any_date`, the date in "new chair
    delivered by Friday" is not over.
    """
    catalogue = language.catalogue
    at_home = (language, catalogue.english)
    abroad = [other for other in catalogue.all() if other.info.dates and other not in at_home]
    for over_too, tried in product([False, True][: 1 + any_date], (*at_home, *abroad)):
        found = date_reader(tried, now=now, calendar=calendar).find(text, over_too=over_too)
        deadlines = [when for when in found if when.firm]
        counting = deadlines or (
            found if tried in at_home else [each for each in found if _stands_out(each, text)]
        )
        if counting:
            return counting[-1]
    return None


def _stands_out(found: FoundDate, text: str) -> bool:
    """Return whether a date is too long for a word of another language, and begins or ends a line.

    Args:
        found: the date.
        text: the line.
    """
    is_at_end = not text[: found.start].strip(EDGES) or not text[found.end :].strip(EDGES)
    return is_at_end and found.end - found.start >= _MIN_ABROAD


def at_odds(text: str, *, now: datetime, calendar: Calendar, language: Language) -> str:
    """Return a weekday and a day of the month that do not belong together, "" without one.

    The arguments are those of `read_when`; the languages are tried as there.

    Args:
        text: what is read.
        now: the present moment, in UTC.
        calendar: of the company.
        language: whose words are read.
    """
    at_home = (language, language.catalogue.english)
    abroad = (other for other in language.catalogue.all() if other.info.dates and other not in at_home)
    found = (date_reader(tried, now=now, calendar=calendar).at_odds(text) for tried in (*at_home, *abroad))
    return next(filter(None, found), "")


def other_days(
    text: str, known: Collection[date], *, now: datetime, calendar: Calendar, language: Language
) -> dict[date, datetime]:
    """Return the later day that a sentence names beside a day that is known: "not Friday but next Wednesday".

    Args:
        text: a mail.
        known: days of promises.
        now: when the text was written.
        calendar: the company's.
        language: tried before the others.

    Returns:
        The end of the later day, by the known one. A sentence with three dates tells nothing.
    """
    abroad = (other for other in language.catalogue.all() if other.info.dates and other != language)
    readers = [date_reader(tried, now=now, calendar=calendar) for tried in (language, *abroad)]
    found: dict[date, datetime] = {}
    for sentence in sentences(text, language.catalogue):
        for reader in readers:
            dates = reader.find(sentence, over_too=True)
            pair = _known_and_later(dates, sentence, known, calendar, language.catalogue)
            if pair:
                found[pair[0]] = pair[1]
                break
    return found


def is_weekday_alone(text: str, languages: Catalogue) -> bool:
    """Return whether a date is a weekday without a day of the month, such as "next Wednesday".

    Args:
        text: the words of the date.
        languages: whose weekdays are known.
    """
    names = {
        name for language in languages.all() for day in language.answers.absence.weekdays for name in day
    }
    words = {word.strip(".,") for word in text.casefold().split()}
    return not any(map(str.isdigit, text)) and not words.isdisjoint(names)


def _known_and_later(
    dates: Sequence[FoundDate],
    sentence: str,
    known: Collection[date],
    calendar: Calendar,
    languages: Catalogue,
) -> tuple[date, datetime] | None:
    """Return the known one of two dates, and the other one if it is later; None for any other dates.

    A weekday alone is the next one after the known day: nobody is told an earlier day in place of a later one.

    Args:
        dates: in the sentence.
        sentence: whose words tell whether a date is a weekday alone.
        known: days of promises.
        calendar: the company's.
        languages: whose weekdays are known.
    """
    days = [calendar.local(when.moment).date() for when in dates]
    is_known = [day in known for day in days]
    if len(days) != _A_PAIR or is_known.count(True) != 1:
        return None
    day, other = days[is_known.index(True)], dates[is_known.index(False)]
    moment = other.moment
    is_weekday = is_weekday_alone(sentence[other.start : other.end], languages)
    while is_weekday and calendar.local(moment).date() <= day:
        moment += timedelta(weeks=1)
    return (day, moment) if calendar.local(moment).date() > day else None


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as written and in lower case, its dates to come, and where the event is on which it depends.

    A `carried` one has the subject, and all that comes first, in a clause before it, which is part of its text up to
    `begin`.
    """

    text: str
    low: str
    dates: tuple[FoundDate, ...]
    trigger: int | None
    begin: int = 0

    @property
    def carried(self) -> bool:
        """Whether the clause before it is part of its text."""
        return self.begin > 0

    @property
    def depends_on_event(self) -> bool:
        """Whether an event decides when.

        It does not in "on Monday, once I have read it", which has a date before the event, nor before "tomorrow at
        the latest".
        """
        if self.trigger is None or (self.dates and self.dates[-1].firm and self._ends_with_date):
            return False
        return not self.dates or self.dates[0].start >= self.trigger

    @property
    def _ends_with_date(self) -> bool:
        """Whether nothing follows the last date."""
        return self.dates[-1].end >= len(self.text.rstrip(EDGES))


def clause_of(text: str, patterns: PromisePatterns, reader: DateReader, begin: int = 0) -> Clause:
    """Return a text as one clause.

    Args:
        text: a clause, or a sentence that is not cut.
        patterns: of its language.
        reader: finds its dates, of which those to come count.
        begin: where its own dates begin.

    Returns:
        The clause. An event inside of what others said or think ("you told us that ...") is none that
        decides when.
    """
    low = lowered(text)
    event = patterns.trigger.search(patterns.complement.sub(lambda match: "…" * len(match[0]), low))
    own = tuple(when for when in reader.to_come(text) if when.start >= begin)
    return Clause(text, low, own, event.start() if event else None, begin)
