"""Where secrets are kept, and the one way to read them: the configuration names a place, never the secret itself."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError
from followupd.errors import Problem, SetupError

_FORM = re.compile(
    r"credential:[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}|file:[^\x00-\x1f]+|env:[A-Za-z_][A-Za-z0-9_]*"
)
_FORMS = '"credential:NAME", "file:PATH" or "env:NAME"'


@dataclass(frozen=True, slots=True)
class Secret:
    """A place that keeps a secret: `credential:NAME`, `file:PATH`, `env:NAME`, or "" for none.

    `credential:NAME` is systemd's $CREDENTIALS_DIRECTORY/NAME or, for an admin at a shell, DIR/credentials/NAME;
    a relative `file:PATH` begins at DIR. `key` and `line` say where in `followupd.toml` the place was named.
    """

    place: str = ""
    directory: Path = Path()
    key: str = ""
    line: int | None = None

    @property
    def given(self) -> bool:
        return bool(self.place)

    def reveal(self) -> str:
        """Read the secret now, without one trailing line end; "" when none is configured.

        Raises:
            SetupError: it is not there, naming the key and how to fix it; never a word of the secret.
        """
        if not self.given:
            return ""
        try:
            found = self._read()
        except (OSError, KeyError, UnicodeDecodeError) as error:
            why = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else _why(error)
        else:
            if found:
                return found
            why = "is empty"
        raise SetupError([self._problem(SettingsRule.ABSENT, f"the secret {self.place} {why}", self._hint())])

    def problem(self) -> Problem | None:
        """Return what keeps the secret from being read, or None."""
        try:
            self.reveal()
        except SetupError as error:
            return error.problems[0]
        return None

    def exposure(self) -> Problem | None:
        """Return a warning when the secret's own file can be read by others than its owner."""
        kind, _, name = self.place.partition(":")
        path = self.directory / name
        try:
            mode = path.stat().st_mode if kind == "file" else 0
        except OSError:
            return None
        if not mode & 0o077:
            return None
        problem = f"{path} can be read by others (mode {mode & 0o777:03o})"
        return self._problem(SettingsRule.EXPOSED, problem, f"chmod 600 {path}")

    def _read(self) -> str:
        kind, _, name = self.place.partition(":")
        if kind == "env":
            return os.environ[name]
        path = self._credential(name) if kind == "credential" else self.directory / name
        return path.read_bytes().decode().removesuffix("\n").removesuffix("\r")

    def _credential(self, name: str) -> Path:
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        if given and (Path(given) / name).exists():
            return Path(given) / name
        return self.directory / "credentials" / name

    def _hint(self) -> str:
        kind, _, name = self.place.partition(":")
        if kind == "env":
            return f"set the environment variable {name}."
        path = self.directory / (f"credentials/{name}" if kind == "credential" else name)
        service = f", and give the service LoadCredential={name}:{path}" if kind == "credential" else ""
        return f"put the secret into {path} (mode 600){service}."

    def _problem(self, rule: SettingsRule, problem: str, hint: str) -> Problem:
        return Problem("followupd.toml", self.line, self.key or None, rule, problem, hint)


def secret(value: object) -> Secret:
    """Read where a secret is kept; a bare password is refused, and is not repeated in the problem."""
    if value == "":
        return Secret()
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        raise InvalidValueError(
            SettingsRule.BARE,
            "a secret must not stand in this file",
            f"say where it is kept: {_FORMS} (docs/configuration.md, Secrets).",
        )
    return Secret(value)


def kept_secret(value: object) -> Secret:
    """Read where a secret is kept that there has to be."""
    found = secret(value)
    if not found.given:
        raise InvalidValueError(
            SettingsRule.BARE, "a secret is needed here", f"say where it is kept: {_FORMS}."
        )
    return found


def _why(error: OSError | KeyError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    return "is not there" if isinstance(error, KeyError | FileNotFoundError) else "cannot be read"
