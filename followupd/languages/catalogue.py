"""Find and read language files: an admin's file before the shipped one, else the English one."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from followupd.errors import Problem, SetupError
from followupd.languages import names, schema

_SHIPPED = Path(__file__).parent
_FALLBACK = "en"
#: what agents are told: a gettext catalogue whose keys are the English sentences
MESSAGES = "agents.po"

_File = TypeVar("_File", bound=schema.Section)


@dataclass(frozen=True, eq=False)
class Language:
    """One language. Each file is read when it is first asked for."""

    tag: str
    catalogue: "Catalogue"

    @cached_property
    def info(self) -> schema.LanguageInfo:
        return self.read("language.toml", schema.LanguageInfo)

    @cached_property
    def dates(self) -> schema.Dates:
        return self._dated[1]

    @cached_property
    def months(self) -> Mapping[str, int]:
        """Names and abbreviations of months in lower case, January being 1."""
        locale, table = self._dated
        return names.months(locale, table.more_months, table.not_names)

    @cached_property
    def weekdays(self) -> Mapping[str, int]:
        """Names and abbreviations of weekdays in lower case, Monday being 0."""
        locale, table = self._dated
        return names.weekdays(locale, table.more_weekdays, table.not_names)

    @cached_property
    def promises(self) -> schema.Promises:
        return self.read("promises.toml", schema.Promises)

    @cached_property
    def _dated(self) -> tuple[str, schema.Dates]:
        """The locale and the dates of this language, or of English where its file has no dates."""
        for language in (self, self.catalogue.english):
            if language.info.dates is not None:
                return language.info.locale, language.info.dates
        raise AssertionError("unreachable: the English file has dates")

    @cached_property
    def complaints(self) -> schema.Complaints | None:
        """How customers complain; None where nobody has written that down for the language."""
        return self.own("complaints.toml", schema.Complaints)

    @cached_property
    def answers(self) -> schema.Answers:
        return self.own("answers.toml", schema.Answers) or schema.Answers()

    @cached_property
    def wording(self) -> schema.Wording:
        return self.own("wording.toml", schema.Wording) or schema.Wording()

    @cached_property
    def samples(self) -> schema.Samples:
        return self.read("samples.toml", schema.Samples)

    @cached_property
    def messages(self) -> Mapping[str, str]:
        """What agents are told, by the English sentence; empty without an agents.po."""
        text = self.catalogue.text(f"{self.tag}/{MESSAGES}")
        return {} if text is None else messages_of(f"languages/{self.tag}/{MESSAGES}", text)

    def own(self, file: str, shape: type[_File]) -> _File | None:
        """Read one file of this language, None where it has none.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        text = self.catalogue.text(f"{self.tag}/{file}")
        return None if text is None else parsed(f"languages/{self.tag}/{file}", text, shape)

    def read(self, file: str, shape: type[_File]) -> _File:
        """Read one file of this language, else the English one.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        for folder in (self.tag, _FALLBACK):
            text = self.catalogue.text(f"{folder}/{file}")
            if text is not None:
                return parsed(f"languages/{folder}/{file}", text, shape)
        raise AssertionError(f"unreachable: every file is shipped in English: {file}")


class Catalogue:
    """The languages that are shipped, overlaid with those of an admin's directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Read the admin's files as they are now: what was checked is what is used."""
        self._own = {} if directory is None else own_files(directory)
        self._languages: dict[str, Language] = {}

    @property
    def english(self) -> Language:
        return self.language(_FALLBACK)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """All languages, English first."""
        files = [path.relative_to(_SHIPPED).as_posix() for path in _SHIPPED.glob("*/language.toml")]
        found = {file.partition("/")[0] for file in [*files, *self._own] if file.endswith("/language.toml")}
        return (_FALLBACK, *sorted(found - {_FALLBACK}))

    @cached_property
    def currencies(self) -> schema.Currencies:
        return self.read("currencies.toml", schema.Currencies)

    def language(self, tag: str) -> Language:
        """Return the language of a tag or locale ("de", "de_AT", "de-DE"); English when unknown."""
        known = self._known(tag)
        return self._languages.setdefault(known, Language(known, self))

    @cached_property
    def mail_clients(self) -> schema.MailClients:
        return self.read("mail_clients.toml", schema.MailClients)

    def find(self, tag: str) -> Language | None:
        """Return the language of a tag or locale, None when it is unknown."""
        primary = re.split("[-_]", tag.lower(), maxsplit=1)[0]
        known = next((each for each in (primary, primary[:2]) if each in self.tags), None)
        return None if known is None else self._languages.setdefault(known, Language(known, self))

    def all(self) -> tuple[Language, ...]:
        """Return every language, English first."""
        return tuple(self.language(tag) for tag in self.tags)

    def read(self, file: str, shape: type[_File]) -> _File:
        """Read a file that no language owns, such as currencies.toml.

        Raises:
            SetupError: the file is not TOML or not what `shape` asks for.
        """
        text = self.text(file)
        if text is None:
            raise AssertionError(f"unreachable: {file} is shipped")
        return parsed(f"languages/{file}", text, shape)

    def text(self, file: str) -> bytes | None:
        """Return a file such as "de/promises.toml": the admin's, else the shipped one, else None."""
        if own := self._own.get(file):
            return own
        path = _SHIPPED / file
        return path.read_bytes() if path.is_file() else None

    def _known(self, tag: str) -> str:
        primary = re.split("[-_]", tag.lower(), maxsplit=1)[0]
        return primary if primary in self.tags else _FALLBACK


@cache
def complaint_weights() -> Mapping[str, Any]:
    """Return the measured weights of the recogniser (benchmarks/train_recogniser.py)."""
    found: Mapping[str, Any] = json.loads((_SHIPPED / "weights.json").read_text("utf-8"))
    return found


@lru_cache(maxsize=16)
def catalogue(directory: Path | None = None) -> Catalogue:
    """Return the languages of an admin's directory, of the shipped ones alone without one."""
    return Catalogue(directory)


def load(tag: str, directory: Path | None = None) -> Language:
    """Return a language by its tag or locale; English for one that is unknown."""
    return catalogue(directory).language(tag)


def available(directory: Path | None = None) -> tuple[str, ...]:
    """Return the tags of all languages, English first."""
    return catalogue(directory).tags


def own_files(directory: Path) -> dict[str, bytes]:
    """Return the admin's language files by their path inside `languages/`, such as "de/promises.toml"."""
    root = directory / "languages"
    paths = [path for pattern in ("*.toml", "*/*") for path in sorted(root.glob(pattern))]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if _counts(path)}


def _counts(path: Path) -> bool:
    """Leave out hidden files and backups of editors."""
    return path.is_file() and not path.name.startswith(".") and not path.name.endswith("~")


def messages_of(file: str, text: bytes) -> Mapping[str, str]:
    """Read a gettext catalogue: the English sentence -> the sentence in its language.

    Raises:
        SetupError: it is no catalogue.
    """
    from babel.messages.pofile import PoFileError, read_po  # 10 ms, which only desk mails abroad need

    try:
        found = read_po(BytesIO(text), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise SetupError(
            [Problem(file, None, None, "C01", f"is no gettext catalogue: {error}", "")]
        ) from None
    return {str(each.id): str(each.string) for each in found if each.id and each.string and not each.fuzzy}


def parsed(file: str, text: bytes, shape: type[_File]) -> _File:
    """Read the text of a language file.

    Raises:
        SetupError: with every problem of the file. `check` reports the same problems with their lines.
    """
    try:
        return shape.model_validate(tomllib.loads(text.decode("utf-8-sig")))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise SetupError([Problem(file, None, None, "C04", problem, "") for problem in found]) from None
    except ValueError as error:
        raise SetupError([Problem(file, None, None, "C01", f"is not TOML: {error}", "")]) from None
