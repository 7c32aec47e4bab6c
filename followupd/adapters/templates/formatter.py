"""Write days, times, money, promises and calendar invitations for a letter.

In the company's time zone and the reader's language.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_time
from jinja2 import StrictUndefined, Undefined

from followupd.adapters.templates.markdown import flat as flattened
from followupd.adapters.templates.markdown import harmless, one_line, unbroken
from followupd.domain.case import Case
from followupd.domain.command import VALUE_VERBS, OrderForm, quoted
from followupd.domain.compensation import Compensation, Gift, Money
from followupd.domain.letter import Attachment
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind, PromiseState, Relation
from followupd.domain.translatable import Moment, Translatable, fill
from followupd.languages import Catalogue, catalogue, day_in_words, home_of
from followupd.languages.schema import LetterManner
from followupd.text.promises.dates import FoundDate, date_reader
from followupd.text.promises.sentences import around_date

#: how long the appointment is in the owner's calendar
DURATION = timedelta(minutes=15)

#: what is offered to be filled in after a number: "1 until because"
_BLANKS = re.compile(r"(?:\s|\d|until|because|\.|…)*")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


def call_invitation(uid: str, at: datetime, now: datetime, summary: str, story: str) -> Attachment:
    """Return an .ics file with one appointment and a reminder at its start.

    Args:
        uid: the same for the same call, so that a second file replaces the first.
        at: when the call is due.
        now: when the file is written.
        summary: the title of the appointment.
        story: its description.
    """
    rows = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//followupd//call//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(at)}",
        f"DTEND:{_utc(at + DURATION)}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(story)}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(summary)}",
        "TRIGGER:PT0S",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return Attachment("call.ics", "text/calendar", "".join(map(_folded, rows)))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Escape a TEXT value (RFC 5545, section 3.3.11)."""
    return harmless(value.replace("\r\n", "\n")).strip().translate(_ESCAPES)


def _folded(row: str) -> str:
    """Fold a line to at most 75 octets, never within a character (RFC 5545, section 3.1)."""
    parts = [""]
    room = 75
    for character in row:
        size = len(character.encode())
        if size > room:
            parts.append("")
            room = 74  # the space at the start of a folded line counts
        parts[-1] += character
        room -= size
    return "\r\n ".join(parts) + "\r\n"


class Unknown(StrictUndefined):
    """A name that does not exist in this letter: a mistake of the template's author."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"there is no `{self._undefined_name}` in this letter"


class Missing(Undefined):
    """A name that exists in this letter and has no value yet."""

    __slots__ = ()
    # unlike an undefined value of Jinja2, it is not printed as ""
    __str__ = __iter__ = __len__ = Undefined._fail_with_undefined_error  # noqa: SLF001

    @classmethod
    def called(cls, name: str) -> "Missing":
        """Return the missing value of this name, which the error then tells."""
        return cls(hint=f"`{name}` is missing", name=name)


class Named(SimpleNamespace):
    """Values under one name, such as `owner.phone`. Its repr shows none of them.

    One may be a gift card's code.
    """

    def __repr__(self) -> str:
        return f"Named({', '.join(vars(self))})"


def given(name: str, value: object, *, flat: bool = True) -> Any:
    """Return a value as a template may print it, or `Missing` when there is none.

    Args:
        name: how templates name the value.
        value: the value; None, and text without a letter or digit, count as none: agents leave a line empty
            with "-" or "?".
        flat: write it on one line.
    """
    text = "" if value is None else str(value)
    if not any(map(str.isalnum, text)):
        return Missing.called(name)
    return flattened(text) if flat else text


#: times that mean "on that day"
_ENDS_OF_A_DAY = frozenset({time(0), time(23, 59)})


@dataclass(frozen=True, slots=True)
class Formatter:
    """Writes values for the readers of a letter.

    `sentences` are translations of what agents are told, by the English sentence; empty for English.
    """

    locale: Locale
    playbook: Playbook
    now: datetime
    manner: LetterManner = field(default_factory=LetterManner)
    sentences: Mapping[str, str] = field(default_factory=dict)
    languages: Catalogue = field(default_factory=catalogue)

    def say(self, sentence: str) -> str:
        """Return a sentence for agents in the letter's language; without a translation in English."""
        if not isinstance(sentence, Translatable):
            return sentence
        pattern = self.sentences.get(sentence.pattern) or sentence.pattern.replace(
            "; ", self.sentences.get("; ", "; ")
        )
        return fill(pattern, sentence.values, self._value)

    def order(self, line: str) -> str:
        """Return a line of a note in the words of the letter's language; what a person wrote stays as it is."""
        language = self.languages.find(self.locale.language)
        case, colon, rest = line.partition(": ") if line.startswith("FU-") else ("", "", line)
        verb, separator, text = rest.partition(":")
        if language is None or verb.strip() not in language.answers.verbs:
            return line
        answers = language.answers
        if verb.strip() in VALUE_VERBS and text.strip():
            words = text.strip().split(" | ")
            text = f" {' | '.join(answers.values.get(word, (word,))[0] for word in words)}"
        elif _BLANKS.fullmatch(text):
            blanks = {"until": answers.notes.until, "because": answers.notes.because}
            text = " ".join(next(iter(blanks.get(word, ())), word) for word in text.split(" "))
        return f"{case}{colon}{answers.verbs[verb.strip()][0]}{separator}{text}"

    def _value(self, value: Any) -> str:
        """Return a value inside such a sentence as its reader writes it.

        Args:
            value: a moment, an order, an amount of money, another sentence, or anything with a text.
        """
        if isinstance(value, Moment):
            return self._moment(value)
        if isinstance(value, OrderForm):
            return self._form(value)
        if isinstance(value, Money) and self.sentences:
            return unbroken(value.written(str(self.locale), "0.00 ¤¤"))
        return self.say(value) if isinstance(value, str) else str(value)

    def _form(self, form: OrderForm) -> str:
        """Return what a line looks like in the words of the letter's language."""
        verb, colon, text = form[1:-1].partition(": ")
        if text not in self.sentences:  # an order that somebody gave, or words of which one is said
            return quoted(self.order(form[1:-1]))
        return quoted(f"{self.order(verb)}{colon}{self.sentences[text]}")

    def _moment(self, moment: Moment) -> str:
        if not self.sentences:
            return moment.english
        date_text = self.date(self.playbook.calendar.local(moment.at).date())
        return self._with_time(date_text, moment.at) if moment.timed else date_text

    def day(self, at: datetime, *, exact: bool = False) -> str:
        """Return the date of a moment, and its time where that says more.

        The time is written when the moment is today, or `exact`, unless it is the end of business or of the
        day.
        """
        calendar = self.playbook.calendar
        local = calendar.local(at)
        date_text = self.date(local.date())
        is_end_of_day = local.time().replace(second=0, microsecond=0) in _ENDS_OF_A_DAY
        if is_end_of_day or at == calendar.close_of(local.date()):
            return date_text
        is_today = local.date() == calendar.local(self.now).date()
        return self._with_time(date_text, at) if exact or is_today else date_text

    def _with_time(self, date_text: str, at: datetime) -> str:
        return self.manner.day_and_time.format(date=date_text, time=unbroken(self.time(at)))

    def date(self, day: date) -> str:
        """Return a date with its weekday, and with its year unless it is this year's."""
        is_other = day.year != self.playbook.calendar.local(self.now).year
        text = harmless(day_in_words(day, self.locale, self.manner, with_year=is_other))
        weekday, space, rest = text.partition(" ")
        return f"{weekday}{space}{unbroken(rest)}"

    def time(self, at: datetime) -> str:
        """Return the time of a moment in the company's time zone."""
        return one_line(format_time(self.playbook.calendar.local(at), self.manner.time, locale=self.locale))

    def quotation(self, words: str) -> str:
        """Return a customer's words in the quotation marks of the language, on one line."""
        before, after = self.manner.quotes
        inside = one_line(words).strip("\"'“”„«»‹›")
        if self.manner.stop_outside and not inside.endswith(".."):
            inside = inside.removesuffix(".")
        end = "" if inside.endswith((".", "!", "?", "…")) else "."
        return f"{before}{inside[:1].upper()}{inside[1:]}{after}{end}"

    def money(self, value: Money) -> str:
        """Return an amount with its currency, on one line."""
        return unbroken(value.written(str(self.locale)))

    def grant(self, grant: Compensation) -> Named:
        """Return compensation as templates name it."""
        amount = self.money(grant.money) if grant.money else None
        if grant.money and grant.kind == Gift.COUPON and grant.money.amount.partition(".")[0] in grant.text:
            amount = None  # its name says it: "€10 off your next order"
        # "A replacement: replacement" would say one thing twice.
        text = "" if grant.text.casefold() == grant.kind else grant.text
        return Named(
            n=grant.n,
            kind=str(grant.kind),
            amount=given("amount", amount, flat=False),
            text=given("text", text),
            quoted=grant.kind is Gift.GESTURE and grant.source == "reply",  # its name may be a whole sentence
            asks_receipt=grant.awaits_receipt,
        )

    def option(self, option: Option) -> Named:
        """Return an option as templates name it."""
        by = self.day(option.promised_by, exact=True) if option.promised_by else None
        return Named(n=option.n, text=flattened(option.text), by=given("option.by", by, flat=False))

    def _dates(self, promise: Promise, *, exact: bool) -> tuple[str | None, str | None]:
        """Return a promise's date with its window, and the same with "by", "on", "between" or "from" before it.

        Args:
            promise: the promise.
            exact: its time was named, and not only a part of the day.
        """
        until, since = promise.promised_by, promise.since
        if until is None:
            return None, None
        local = self.playbook.calendar.local
        by = self.day(until, exact=promise.source != "playbook") if exact else self.date(local(until).date())
        relation = promise.relation
        if since and local(since).date() == local(until).date():
            relation = Relation.ON
            date_text = self.date(local(until).date())
            times = {"since": unbroken(self.time(since)), "until": unbroken(self.time(until))}
            by = self.manner.window.format(date=date_text, **times)
        elif since is None and relation is Relation.BETWEEN:
            relation = Relation.BY
        begin = self.date(local(since).date()) if since else ""
        return by, self.manner.relations[relation.value].format(date=by, since=begin)

    def _told(self, promise: Promise, text: str) -> FoundDate | None:
        """Return the date that a promise names itself, None where it names none, several, or one that was moved.

        Args:
            promise: the promise.
            text: its words, on one line.
        """
        until = promise.promised_by
        if until is None or not promise.dated:
            return None
        language, calendar = self.languages.language(self.locale.language), self.playbook.calendar
        dates = date_reader(language, now=promise.made_at or self.now, calendar=calendar).find(text)
        is_its_own = [(date.relation, date.since, date.moment) for date in dates] == [
            (promise.relation, promise.since, until)
        ]
        return dates[0] if is_its_own else None

    def _placed(
        self, promise: Promise, text: str, told: FoundDate | None, by: str | None
    ) -> tuple[str, str] | None:
        """Return what stands around the date that a promise names itself: the whole date takes its place.

        "Ich rufe Sie bis Freitag an" becomes "Ich rufe Sie" and ", an".

        Args:
            promise: the promise.
            text: its words, on one line.
            told: its date as it names it, None where it names none.
            by: its day as letters write it, None without one.

        Returns:
            None where it names no day (a week ends on one), a time of a day too, or says it otherwise.
        """
        if told is None or promise.kind is PromiseKind.ESTIMATE:
            return None
        ends_then = told.relation is Relation.BY and not told.firm
        if ends_then or told.vague or told.clock or told.since:
            return None
        before, after = text[: told.start].rstrip(), text[told.end :].strip(" ,.")
        joint = f"{self.manner.closes_date} " if after else ""
        # a value cannot begin with a blank, nor a sentence with a date whose capital nobody wrote
        is_day = by == self.date(self.playbook.calendar.local(told.moment).date())
        return (before, joint + after) if is_day and before and joint != " " else None

    def promise(self, promise: Promise, case: Case) -> Named:
        """Return a promise as templates name it."""
        keeper = self.playbook.owner_of(promise.owner or case.owner)
        text = flattened(promise.text)
        told = self._told(promise, text)
        by, when = self._dates(promise, exact=told is None or not told.vague)
        placed = self._placed(promise, text, told, by)
        is_whole = told is not None and told.guessed == "year" and placed is None
        before, after = placed or around_date(text, self.manner)
        return Named(
            n=promise.n,
            text=text,
            whole=is_whole,
            dated=promise.dated and by is not None and placed is None and not is_whole,
            relation=str(promise.relation),
            when=given("promise.when", when, flat=False),
            before=before,
            after=after,
            said=text if is_whole else f"{before} {when}{after}" if when else before,
            kind=str(promise.kind),
            firm=promise.kind is PromiseKind.FIRM,
            estimate=promise.kind is PromiseKind.ESTIMATE,
            # what an agent wrote says itself who will write, and of what
            update=promise.kind is PromiseKind.NEXT_UPDATE and placed is None and promise.source != "reply",
            by=given("promise.by", by, flat=False),
            overdue=bool(promise.promised_by and promise.promised_by < self.now),
            mine=keeper.id == self.playbook.owner_of(case.owner).id,
            who=keeper.name,
            withdrawn=promise.state is PromiseState.WITHDRAWN,
            because=given("promise.because", promise.because),
        )


def formatter_for(
    language: str,
    playbook: Playbook,
    now: datetime,
    languages: Catalogue | None = None,
    sentences: Mapping[str, str] = MappingProxyType({}),
) -> Formatter:
    """Return the formatter for a language.

    Args:
        language: the letter's language; the company's own variety of it is used ("de" in Austria is "de_AT").
        playbook: provides company and calendar.
        now: the present moment, which decides whether a date needs its year.
        languages: the languages to use, the shipped ones by default.
        sentences: translations of what agents are told.
    """
    home = _locale(playbook.company.locale) or Locale("en", "GB")
    locale = _locale(language) or home
    if not locale.territory and locale.language == home.language:
        locale = home
    locale = home_of(locale)
    known = languages or catalogue()
    spoken = known.find(locale.language)
    manner = spoken.info.letters if spoken else LetterManner()
    return Formatter(locale, playbook, now, manner, sentences, known)


def _locale(tag: str) -> Locale | None:
    """Return CLDR's locale for a language tag; None when there is none."""
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None
