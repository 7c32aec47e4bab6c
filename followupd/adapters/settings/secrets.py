"""Where secrets are stored, and the one way to read them: the configuration names a place, never the secret itself."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule
from followupd.errors import Problem, SetupError

_FORM = re.compile(
    r"credential:[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}|file:[^\x00-\x1f]+|env:[A-Za-z_][A-Za-z0-9_]*"
)
_FORMS = '"credential:NAME", "file:PATH" or "env:NAME"'


@dataclass(frozen=True, slots=True)
class Secret:
    """The place of a secret: `credential:NAME`, `file:PATH`, `env:NAME`, or "" for none.

    `credential:NAME` is systemd's $CREDENTIALS_DIRECTORY/NAME or, for an administrator at a shell,
    DIR/credentials/NAME; a relative `file:PATH` begins at DIR. `key` and `line` say where in `followupd.toml` the place
    is named.
    """

    place: str = ""
    directory: Path = Path()
    key: str = ""
    line: int | None = None

    @property
    def given(self) -> bool:
        return bool(self.place)

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
            if secret:
                return secret
            reason = "is empty"
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
        """Return a warning if others than the owner can read the secret's own file."""
        kind, _, name = self.place.partition(":")
        path = self.directory / name
        try:
            mode = path.stat().st_mode if kind == "file" else 0
        except OSError:
            return None
        if not mode & 0o077:
            return None
        problem = f"other users can read {path} (mode {mode & 0o777:03o})"
        return self._problem(SettingsRule.EXPOSED, problem, f"chmod 600 {path}")

    def _read(self) -> str:
        kind, _, name = self.place.partition(":")
        if kind == "env":
            return os.environ[name]
        path = self._credential(name) if kind == "credential" else self.directory / name
        return path.read_bytes().decode().removesuffix("\n").removesuffix("\r")

    def _credential(self, name: str) -> Path:
        systemd = os.environ.get("CREDENTIALS_DIRECTORY")
        if systemd and (Path(systemd) / name).exists():
            return Path(systemd) / name
        return self.directory / "credentials" / name

    def _hint(self) -> str:
        kind, _, name = self.place.partition(":")
        if kind == "env":
            return f"set the environment variable {name}."
        if kind == "file":
            return f"put the secret into {self.directory / name} (mode 600)."
        path = self.directory / "credentials" / name
        return f"put the secret into {path} (mode 600), and give the service LoadCredential={name}:{path}."

    def _problem(self, rule: SettingsRule, problem: str, hint: str) -> Problem:
        return Problem("followupd.toml", self.line, self.key or None, rule, problem, hint)


def _reason(error: OSError | KeyError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    return "does not exist" if isinstance(error, KeyError | FileNotFoundError) else "cannot be read"


def _optional_secret(value: object, info: ValidationInfo) -> Secret:
    """Read where a secret is stored; a bare password is refused, and not repeated in the problem."""
    if value == "":
        return Secret()
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        hint = f"say where it is stored: {_FORMS} (docs/configuration.md, Secrets)."
        raise InvalidValueError(SettingsRule.BARE, "a secret must not be in this file", hint)
    return Secret(value, Path((info.context or {}).get("directory", "")))


def _required_secret(value: object, info: ValidationInfo) -> Secret:
    secret = _optional_secret(value, info)
    if not secret.given:
        hint = f"say where it is stored: {_FORMS}."
        raise InvalidValueError(SettingsRule.BARE, "a secret is needed here", hint)
    return secret


OptionalSecret = Annotated[Secret, PlainValidator(_optional_secret)]
RequiredSecret = Annotated[Secret, PlainValidator(_required_secret)]
