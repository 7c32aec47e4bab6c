"""Find and read language files: the admin's file, else the shipped one, else the English one."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from babel import Locale
from babel.dates import format_date
from pydantic import ValidationError

from followupd.errors import Problem, SetupError
from followupd.languages import patterns, schema
from followupd.languages.safety import trusted

_SHIPPED = Path(__file__).parent
_ENGLISH = "en"
_FIRST_FILE = "language.toml"
#: what agents are told: a gettext catalogue whose keys are the English sentences
MESSAGES = "agents.po"

#: the year at the end of CLDR's pattern of a whole date
_YEAR = re.compile(r"[\s,]*(?:'[^']*'\s*)?y+$")

_File = TypeVar("_File", bound=schema.LanguageTable)


@dataclass(frozen=True, eq=False)
class Language:
    """One language. Each file is read when it is first needed."""

    tag: str
    catalogue: "Catalogue"

    @cached_property
    def info(self) -> schema.LanguageInfo:
        """What every engine may need of the language."""
        return self.read(_FIRST_FILE, schema.LanguageInfo)

    @cached_property
    def dates(self) -> schema.Dates:
        """How days and times are written."""
        return self._locale_and_dates[1]

    @cached_property
    def months(self) -> Mapping[str, int]:
        """Names and abbreviations of months in lower case, January being 1."""
        locale, table = self._locale_and_dates
        return patterns.months(locale, table.more_months, table.not_names)

    @cached_property
    def weekdays(self) -> Mapping[str, int]:
        """Names and abbreviations of weekdays in lower case, Monday being 0."""
        locale, table = self._locale_and_dates
        return patterns.weekdays(locale, table.more_weekdays, table.not_names)

    @cached_property
    def promises(self) -> schema.Promises:
        """How agents promise, grant, hedge and report."""
        return self.read("promises.toml", schema.Promises)

    @cached_property
    def _locale_and_dates(self) -> tuple[str, schema.Dates]:
        """The locale and the dates of this language, or of English where its file has no dates."""
        for language in (self, self.catalogue.english):
            if language.info.dates is not None:
                return language.info.locale, language.info.dates
        raise AssertionError("unreachable: the English file has dates")

    @cached_property
    def complaints(self) -> schema.Complaints | None:
        """How customers complain; None if the language has no such file."""
        return self.read_own("complaints.toml", schema.Complaints)

    def concepts(self) -> schema.Concepts:
        """Read what words mean; nothing if the language has no such file."""
        return self.read_own("concepts.toml", schema.Concepts) or schema.Concepts()

    @cached_property
    def answers(self) -> schema.Answers:
        """How customers answer; nothing if the language has no such file."""
        return self.read_own("answers.toml", schema.Answers) or schema.Answers()

    @cached_property
    def wording(self) -> schema.Wording:
        """Phrases that letters must have or may not have; nothing if the language has no such file."""
        return self.read_own("wording.toml", schema.Wording) or schema.Wording()

    @cached_property
    def samples(self) -> schema.Samples:
        """What people say in the sample cases."""
        return self.read("samples.toml", schema.Samples)

    @cached_property
    def messages(self) -> Mapping[str, str]:
        """What agents are told, by the English sentence; empty if the language has no agents.po."""
        file = f"{self.tag}/{MESSAGES}"
        text = self.catalogue.text(file)
        if text is None:
            return {}
        return _messages(f"languages/{file}", text)

    def read_own(self, file: str, shape: type[_File]) -> _File | None:
        """Read one file of this language, None if it has no such file.

        Args:
            file: its name, such as "promises.toml".
            shape: the model of the file.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        return self.catalogue.parse(f"{self.tag}/{file}", shape)

    def read(self, file: str, shape: type[_File]) -> _File:
        """Read one file of this language, else the English one.

        Args:
            file: its name, such as "promises.toml".
            shape: the model of the file.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        for folder in (self.tag, _ENGLISH):
            found = self.catalogue.parse(f"{folder}/{file}", shape)
            if found is not None:
                return found
        raise AssertionError(f"unreachable: every file is shipped in English: {file}")


class Catalogue:
    """The shipped languages, overlaid with those of an admin's directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Read the admin's files once, so that what was checked is what is used.

        Args:
            directory: the admin's configuration directory; without one there are the shipped languages alone.
        """
        self._own: dict[str, bytes] = {}
        if directory is not None:
            self._own = own_files(directory)
        self._languages: dict[str, Language] = {}

    @property
    def english(self) -> Language:
        """English, which has every file."""
        return self.language(_ENGLISH)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags of all languages, English first."""
        shipped = {path.parent.name for path in _SHIPPED.glob(f"*/{_FIRST_FILE}")}
        own = {file.partition("/")[0] for file in self._own if file.endswith(f"/{_FIRST_FILE}")}
        return (_ENGLISH, *sorted((shipped | own) - {_ENGLISH}))

    @cached_property
    def currencies(self) -> schema.Currencies:
        """How money is written."""
        return self.read("currencies.toml", schema.Currencies)

    def language(self, tag: str) -> Language:
        """Return the language of a tag or locale ("de", "de_AT", "de-DE"), English if it is unknown."""
        return self.find(tag) or self._language(_ENGLISH)

    @cached_property
    def mail_clients(self) -> schema.MailClients:
        """What mail programs write."""
        return self.read("mail_clients.toml", schema.MailClients)

    def find(self, tag: str) -> Language | None:
        """Return the language of a tag or locale, None if it is unknown."""
        primary = re.split("[-_]", tag.lower(), maxsplit=1)[0]
        if primary not in self.tags:
            return None
        return self._language(primary)

    def _language(self, tag: str) -> Language:
        return self._languages.setdefault(tag, Language(tag, self))

    def all(self) -> tuple[Language, ...]:
        """Return every language, English first."""
        return tuple(self.language(tag) for tag in self.tags)

    def read(self, file: str, shape: type[_File]) -> _File:
        """Read a file that belongs to no language.

        Args:
            file: its name, such as "currencies.toml".
            shape: the model of the file.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        found = self.parse(file, shape)
        if found is None:
            raise AssertionError(f"unreachable: {file} is shipped")
        return found

    def parse(self, file: str, shape: type[_File]) -> _File | None:
        """Read a file, None if it does not exist. Shipped files are not validated, because tests do it.

        Args:
            file: its path, such as "de/promises.toml".
            shape: the model of the file.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        text = self.text(file)
        if text is None:
            return None
        if file in self._own:
            return _validated(f"languages/{file}", text, shape)
        return trusted(shape, tomllib.loads(text.decode()))

    def text(self, file: str) -> bytes | None:
        """Return the contents of a file: the admin's, else the shipped one, else None.

        Args:
            file: its path, such as "de/promises.toml".
        """
        own = self._own.get(file)
        if own:
            return own
        path = _SHIPPED / file
        if path.is_file():
            return path.read_bytes()
        return None


@cache
def complaint_weights() -> Mapping[str, Any]:
    """Return the measured weights of the recogniser (benchmarks/train_recogniser.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "weights.json").read_text("utf-8"))
    return found


@cache
def mail_weights() -> Mapping[str, Any]:
    """Return the weights of mails in four languages (benchmarks/train_mails.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "mail_weights.json").read_text("utf-8"))
    return found


@cache
def promise_weights() -> Mapping[str, Any]:
    """Return the trained weights of agents' sentences (benchmarks/train_promises.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "promise_weights.json").read_text("utf-8"))
    return found


@cache
def fact_weights() -> Mapping[str, Any]:
    """Return the trained weights of agents' facts: whole sentences, languages (benchmarks/train_facts.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "fact_weights.json").read_text("utf-8"))
    return found


@cache
def wish_weights() -> Mapping[str, Any]:
    """Return the trained weights of what customers want (benchmarks/train_wishes.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "wish_weights.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=16)
def catalogue(directory: Path | None = None) -> Catalogue:
    """Return the languages of an admin's directory as its files were at the first call.

    Args:
        directory: the admin's configuration directory; without one there are the shipped languages alone.
    """
    return Catalogue(directory)


def read_catalogue(directory: Path) -> Catalogue:
    """Return the languages of an admin's directory as its files are now.

    A directory without language files gets the catalogue of the shipped ones, whose patterns may be compiled
    already.
    """
    if own_files(directory):
        return Catalogue(directory)
    return catalogue()


def load(tag: str, directory: Path | None = None) -> Language:
    """Return the language of a tag or locale, English if it is unknown.

    Args:
        tag: such as "de" or "de_AT".
        directory: the admin's configuration directory.
    """
    return catalogue(directory).language(tag)


def available(directory: Path | None = None) -> tuple[str, ...]:
    """Return the tags of all languages, English first."""
    return catalogue(directory).tags


def own_files(directory: Path) -> dict[str, bytes]:
    """Return the admin's language files by their path inside `languages/`, such as "de/promises.toml".

    Hidden files, backups of editors, and files that are still to be translated (".example") are left out.

    Args:
        directory: the admin's configuration directory.
    """
    root = directory / "languages"
    found = {}
    for path in [*sorted(root.glob("*.toml")), *sorted(root.glob("*/*"))]:
        is_left_out = path.name.startswith(".") or path.name.endswith(("~", ".example"))
        if path.is_file() and not is_left_out:
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _messages(file: str, text: bytes) -> Mapping[str, str]:
    """Read a gettext catalogue: the sentences of a language by the English ones.

    Args:
        file: its name, for the error.
        text: its contents.

    Raises:
        SetupError: it is not a gettext catalogue.
    """
    from babel.messages.pofile import PoFileError, read_po  # 10 ms, which only desk mails abroad need

    try:
        entries = read_po(BytesIO(text), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise SetupError([_problem(file, "C01", f"is not a gettext catalogue: {error}")]) from None

    translated = [entry for entry in entries if entry.id and entry.string and not entry.fuzzy]
    return {str(entry.id): str(entry.string) for entry in translated}


def _validated(file: str, text: bytes, shape: type[_File]) -> _File:
    """Read the text of a language file.

    Args:
        file: its name, for the error.
        text: its contents.
        shape: the model of the file.

    Raises:
        SetupError: with every problem of the file. `check` reports the same problems with their lines.
    """
    try:
        return shape.model_validate(tomllib.loads(text.decode("utf-8-sig")))
    except ValidationError as error:
        problems = []
        for found in error.errors():
            key = ".".join(map(str, found["loc"]))
            problems.append(_problem(file, "C04", f"{key}: {found['msg']}"))
        raise SetupError(problems) from None
    except ValueError as error:
        raise SetupError([_problem(file, "C01", f"is not TOML: {error}")]) from None


def _problem(file: str, rule: str, text: str) -> Problem:
    return Problem(file, None, None, rule, text, "")


def home_of(locale: Locale) -> Locale:
    """Return the locale with which dates are written: plain "en" means American ones, which most people misread."""
    return Locale("en", "GB") if str(locale) == "en" else locale


def day_in_words(day: date, locale: Locale, manner: schema.LetterManner, *, with_year: bool) -> str:
    """Return a date with its weekday.

    Args:
        day: the date.
        locale: with which it is written.
        manner: how letters of the language write dates.
        with_year: whether it is not this year's.
    """
    pattern = str(locale.date_formats["full"].pattern)
    if not with_year:
        pattern = _YEAR.sub("", pattern)
    if day.day == 1 and manner.first_day:
        pattern = re.sub(r"(?<![a-z])d+(?![a-z])", f"'{manner.first_day}'", pattern, count=1)
    weekday, space, rest = " ".join(format_date(day, pattern, locale=locale).split()).partition(" ")
    if not manner.weekday_comma:
        weekday = weekday.rstrip(",")
    return f"{weekday}{space}{rest}"
