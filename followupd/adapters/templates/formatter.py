"""How a letter writes days, times, money and promises: on the company's wall clock, in the language of its reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from types import MappingProxyType, SimpleNamespace
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from jinja2 import StrictUndefined, Undefined

from followupd.adapters.templates.markdown import one_line, unbroken
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind
from followupd.domain.translatable import Moment, Translatable, fill


class Unknown(StrictUndefined):
    """A name that this letter does not have: a slip of the template's author."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"there is no `{self._undefined_name}` in this letter"


class Missing(Undefined):
    """A name that this letter has, and that nobody has given a value yet."""

    __slots__ = ()
    # unlike Jinja2's own, it does not print as a blank
    __str__ = __iter__ = __len__ = Undefined._fail_with_undefined_error  # noqa: SLF001  Jinja2's way to subclass it

    @classmethod
    def called(cls, name: str) -> "Missing":
        return cls(hint=f"`{name}` is missing", name=name)


class Named(SimpleNamespace):
    """Values under one name, as `owner.phone`. Its repr tells none of them: one may be a gift card's code."""

    def __repr__(self) -> str:
        return f"Named({', '.join(vars(self))})"


def given(name: str, value: object, *, flat: bool = True) -> Any:
    """Return a value as a template may print it, on one line unless it is not `flat`; `Missing` where nobody gave it."""
    # a lone "-" or "?" is how people leave a line empty
    if value is None or not any(character.isalnum() for character in str(value)):
        return Missing.called(name)
    return one_line(str(value)) if flat else str(value)


#: kinds whose arrival is asked for (practice 73)
ARRIVING = frozenset({Gift.REFUND, Gift.CREDIT, Gift.COUPON})

_YEAR = re.compile(r"[\s,]*('de'\s*)?y+$")
#: how people of a language put day and time together, and write the time, where Babel's short form is none of theirs
_AT = {"en": "{} at\u00a0{}", "de": "{}, {}\u00a0Uhr", "fr": "{} à\u00a0{}", "es": "{} a las\u00a0{}"}
_CLOCK = {"fr": "H 'h' mm"}
#: moments that mean "on that day"
_DAYS_ENDS = frozenset({time(0), time(23, 59)})


@dataclass(frozen=True, slots=True)
class Formatter:
    """Writes moments and money as the letter's readers do: on the company's wall clock, in the letter's language."""

    locale: Locale
    playbook: Playbook
    now: datetime
    sentences: Mapping[str, str] = field(default_factory=dict)

    def say(self, words: str) -> str:
        """Say a sentence for agents in this language, as far as its `sentences` know it; else in English."""
        if not isinstance(words, Translatable):
            return words
        return fill(self.sentences.get(words.pattern, words.pattern), words.values, self._value)

    def _value(self, value: Any) -> str:
        if isinstance(value, Moment):
            return self._moment(value)
        return self.say(value) if isinstance(value, str) else str(value)

    def _moment(self, moment: Moment) -> str:
        if not self.sentences:
            return moment.english
        date = self.date(self.playbook.calendar.local(moment.at).date())
        return self._timed(date, moment.at) if moment.timed else date

    def day(self, at: datetime, *, exact: bool = False) -> str:
        """Write the date of a moment; its time when that is today or was named, unless it is where a day's work ends."""
        local, calendar = self.playbook.calendar.local(at), self.playbook.calendar
        ends = (
            at == calendar.close_of(local.date())
            or local.time().replace(second=0, microsecond=0) in _DAYS_ENDS
        )
        speaks = not ends and (exact or local.date() == calendar.local(self.now).date())
        return self._timed(self.date(local.date()), at) if speaks else self.date(local.date())

    def _timed(self, date: str, at: datetime) -> str:
        return _AT.get(self.locale.language, "{}, {}").format(date, unbroken(self.time(at)))

    def date(self, day: date) -> str:
        """Write a date with its weekday, and with its year only when that is another than today's."""
        pattern = str(self.locale.date_formats["full"].pattern)
        same = day.year == self.playbook.calendar.local(self.now).year
        words = one_line(format_date(day, _YEAR.sub("", pattern) if same else pattern, locale=self.locale))
        weekday, space, rest = words.partition(" ")
        weekday = weekday.rstrip(",") if self.locale.language == "es" else weekday
        return f"{weekday}{space}{unbroken(rest)}"

    def time(self, at: datetime) -> str:
        pattern = _CLOCK.get(self.locale.language, "short")
        return one_line(format_time(self.playbook.calendar.local(at), pattern, locale=self.locale))

    def money(self, value: Money) -> str:
        return unbroken(value.written(str(self.locale)))

    def grant(self, grant: Compensation) -> Named:
        return Named(
            n=grant.n,
            kind=str(grant.kind),
            amount=given("amount", grant.money and self.money(grant.money), flat=False),
            # "A replacement: replacement" says one thing twice
            text=given("text", "" if grant.text.casefold() == grant.kind else grant.text),
            asks_receipt=grant.kind in ARRIVING and grant.state is GrantState.ISSUED,
        )

    def option(self, option: Option) -> Named:
        return Named(
            n=option.n,
            text=one_line(option.text),
            by=given("option.by", option.told and self.day(option.told, exact=True), flat=False),
        )

    def promise(self, promise: Promise, case: Case) -> Named:
        owner = self.playbook.owner_of(promise.owner or case.owner)
        return Named(
            n=promise.n,
            text=one_line(promise.text),
            kind=str(promise.kind),
            firm=promise.kind is PromiseKind.FIRM,
            estimate=promise.kind is PromiseKind.ESTIMATE,
            update=promise.kind is PromiseKind.NEXT_UPDATE,
            by=given(
                "promise.by",
                promise.told and self.day(promise.told, exact=promise.source != "playbook"),
                flat=False,
            ),
            overdue=bool(promise.told and promise.told < self.now),
            mine=owner.id == self.playbook.owner_of(case.owner).id,
            who=owner.name,
            because=given("promise.because", promise.because),
        )


def formatter_for(
    language: str, playbook: Playbook, now: datetime, sentences: Mapping[str, str] = MappingProxyType({})
) -> Formatter:
    """Return the writer of dates and money for a language, in the company's own variety where it speaks it."""
    home = _locale(playbook.company.locale) or Locale("en", "GB")
    locale = _locale(language) or home
    if not locale.territory and locale.language == home.language:
        locale = home
    if str(locale) == "en":
        locale = Locale("en", "GB")  # plain "en" is American, which most of the world reads wrongly
    return Formatter(locale, playbook, now, sentences)


def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None
