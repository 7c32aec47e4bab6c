"""Where secrets are stored, and how they are read: the configuration names a place, never the secret."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from followupd.adapters.settings.rules import SettingsRule, checker, require
from followupd.adapters.settings.toml_file import content_of
from followupd.errors import Problem, SetupError

_FORM = re.compile(
    r"credential:[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}|file:[^\x00-\x1f]+|env:[A-Za-z_][A-Za-z0-9_]*"
)
#: the only secret of several lines: the newest key, and those that open what is older
_OF_LINES = "ledger.key"
_BREAKS = frozenset("\r\n\0")
#: the permission bits of group and others
_OTHERS = 0o077
_FORMS = '"credential:NAME", "file:PATH" or "env:NAME"'


@dataclass(frozen=True, slots=True)
class Secret:
    """The place of a secret: `credential:NAME`, `file:PATH`, `env:NAME`, or "" for none.

    `credential:NAME` is systemd's $CREDENTIALS_DIRECTORY/NAME or, for an administrator at a shell,
    DIR/credentials/NAME; a relative `file:PATH` begins at DIR. `key` and `line` say where
    `followupd.toml` names the place.
    """

    place: str = ""
    directory: Path = Path()
    key: str = ""
    line: int | None = None

    @property
    def given(self) -> bool:
        """Whether the configuration names a place."""
        return self.place != ""

    def reveal(self) -> str:
        """Read the secret now, without one trailing line end; "" if none is configured.

        Raises:
            SetupError: it cannot be read; names the key and the remedy, and nothing of the secret.
        """
        if not self.given:
            return ""
        try:
            secret = self._read()
        except (OSError, KeyError, UnicodeDecodeError) as error:
            reason = _reason(error)
        else:
            is_one = self.key == _OF_LINES or _BREAKS.isdisjoint(secret)
            if secret and is_one:
                return secret
            reason = "is empty" if is_one else "has more than one line"
        problem = f"the secret {self.place} {reason}"
        raise SetupError([self._problem(SettingsRule.ABSENT, problem, self._hint())])

    def problem(self) -> Problem | None:
        """Return why the secret cannot be read, or None."""
        try:
            self.reveal()
        except SetupError as error:
            return error.problems[0]
        return None

    def exposure(self) -> Problem | None:
        """Return a warning if others than the owner can read the secret's own file.

        What systemd hands over is not checked, nor a file in a credentials directory that others cannot enter.
        """
        kind, _, name = self.place.partition(":")
        folder = self.directory / "credentials" if kind == "credential" else self.directory
        path = folder / name
        try:
            mode = path.stat().st_mode
            is_closed = kind == "credential" and not path.parent.stat().st_mode & _OTHERS
        except OSError:
            return None
        if kind == "env" or is_closed or not mode & _OTHERS:
            return None
        problem = f"other users can read {path} (mode {mode & 0o777:03o})"
        return self._problem(SettingsRule.EXPOSED, problem, f"chmod 600 {path}")

    def _read(self) -> str:
        """Return the secret, without one trailing line end; errors are those of the operating system."""
        match self.place.split(":", 1):
            case "env", name:
                return os.environ[name]
            case "credential", name:
                content = content_of(self._credential(name))
            case _, name:
                content = content_of(self.directory / name)
        return content.decode().removesuffix("\n").removesuffix("\r")

    def _credential(self, name: str) -> Path:
        """Return the file of a credential: systemd's if there is one, else the configuration directory's."""
        systemd = os.environ.get("CREDENTIALS_DIRECTORY", "")
        provided = Path(systemd) / name
        if systemd and provided.exists():
            return provided
        return self.directory / "credentials" / name

    def _hint(self) -> str:
        """Return how to store the secret where the configuration says."""
        match self.place.split(":", 1):
            case "env", name:
                return f"set the environment variable {name}."
            case "credential", name:
                path = self.directory / "credentials" / name
                service = f", and give the service LoadCredential={name}:{path}"
            case _, name:
                path = self.directory / name
                service = ""
        return f"put the secret into {path} (mode 600){service}."

    def _problem(self, rule: SettingsRule, problem: str, hint: str) -> Problem:
        """Return a problem at the place where the configuration names this secret."""
        key = self.key or None
        return Problem("followupd.toml", self.line, key, rule, problem, hint)


def _reason(error: OSError | KeyError | UnicodeDecodeError) -> str:
    """Return why a secret cannot be read, in words that contain nothing of it."""
    match error:
        case UnicodeDecodeError():
            return "is not UTF-8"
        case PermissionError():
            return "may not be read by this user"
        case KeyError() | FileNotFoundError():
            return "does not exist"
        case _:
            return "cannot be read"


def _place(value: object) -> object:
    """Return the place of a secret; a bare password is refused, and not repeated in the problem."""
    is_place = value == "" or (isinstance(value, str) and _FORM.fullmatch(value))
    hint = f"say where it is stored: {_FORMS} (docs/configuration.md, Secrets)."
    require(is_place, SettingsRule.BARE, "a secret must not be in this file", hint)
    return value


def _located(place: str, info: ValidationInfo) -> Secret:
    """Return the secret at a place; relative paths begin at the configuration directory."""
    directory = (info.context or {}).get("directory", "")
    return Secret(place, Path(directory)) if place else Secret()


_check_given = checker(
    bool, SettingsRule.BARE, "a secret is needed here", f"say where it is stored: {_FORMS}."
)

OptionalSecret = Annotated[Secret, PlainValidator(_place), AfterValidator(_located)]
RequiredSecret = Annotated[
    Secret, PlainValidator(_place), AfterValidator(_check_given), AfterValidator(_located)
]
