"""The story as it is told: printed to the terminal while it happens, and kept for the page."""

import os
import re
import sys
import textwrap
import threading
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from email.message import EmailMessage
from time import monotonic
from typing import TextIO

from followupd.cli.demo.people import key_of, text_of
from followupd.cli.printing import safe

#: columns of a small terminal
_WIDTH = 80
_BOLD, _FAINT, _BLUE, _RED = "1", "2", "36", "31"
#: seconds after which no pause is made for the reader any more; the whole must stay under fifteen
_PATIENCE = 8.0
#: lines of a letter that are shown, and of a mail from the house to an agent
_LINES, _DESK_LINES = 9, 5
#: a line as long as this was broken by the writer's program, not by the writer
_LONG = 55
#: what begins a line of its own: an item, or a word with a colon
_BEGINS = re.compile(r"\s*(?:[-*|]|\d+\.\s|[A-Za-z-]+: )")


@dataclass(frozen=True, slots=True)
class Act:
    """The beginning of a part of the story."""

    title: str


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the story; `who` is empty for the house itself and for the teller."""

    at: datetime
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail of the story, in the inbox of `reader`; `name` is its file's, without an ending."""

    at: datetime
    mail: EmailMessage
    reader: str
    name: str

    @property
    def key(self) -> str:
        return key_of(self.mail)


@dataclass
class Telling:
    """Tells by the company's clock. `secret` is masked wherever it would be told; `quiet` tells to the page alone."""

    zone: tzinfo
    secret: str
    fast: bool = False
    quiet: bool = False
    entries: list[Act | Said | Shown] = field(default_factory=list)
    _day: str = ""
    _began: float = field(default_factory=monotonic)
    _out: TextIO = field(default_factory=lambda: sys.stdout)

    def says(self, at: datetime, text: str, who: str = "") -> None:
        """Tell what happened."""
        entry = Said(at.astimezone(self.zone), self.masked(text), who)
        self.entries.append(entry)
        self._heading(entry.at)
        first, *rest = _wrapped(safe(f"{who + ' ' if who else ''}{entry.text}"), _WIDTH - 9)
        self._print(f"  {self._paint(f'{entry.at:%H:%M}', _BLUE)}  {first}", *(f"         {line}" for line in rest))

    def shows(self, at: datetime, mail: EmailMessage, reader: str) -> Shown:
        """Show the beginning of a mail as its reader sees it."""
        shown = Shown(at.astimezone(self.zone), mail, reader, self._name(mail))
        self.entries.append(shown)
        self._print(self._paint(f"         | Subject: {mail['Subject']}", _FAINT))
        lines = [part for line in _flowed(text_of(mail)) for part in _wrapped(self.masked(line), _WIDTH - 11)]
        most = _LINES if "desk/" not in key_of(mail) else _DESK_LINES
        for line in [*lines[:most], *(["..."] if len(lines) > most else [])]:
            self._print(self._paint(f"         | {line}", _FAINT))
        self.pause(0.15)
        return shown

    def title(self, text: str) -> None:
        """Begin an act."""
        self.entries.append(Act(text))
        self._print("", self._paint(text.upper(), _BOLD))

    def plain(self, *lines: str) -> None:
        """Print what belongs to no moment of the story."""
        for line in lines:
            self._print(line)

    def finds(self, good: bool, text: str) -> None:
        """Print one thing that was counted."""
        first, *rest = _wrapped(safe(self.masked(text)), _WIDTH - 6)
        verdict = self._paint("  ok  " if good else "  NO  ", _BLUE if good else _RED)
        self._print(verdict + first, *(f"      {line}" for line in rest))

    def shown(self) -> list[Shown]:
        return [entry for entry in self.entries if isinstance(entry, Shown)]

    def pause(self, seconds: float) -> None:
        """Give a reader at a terminal a moment, as long as there is time."""
        left = _PATIENCE - (monotonic() - self._began)
        if not self.fast and not self.quiet and self._out.isatty() and left > 0:
            threading.Event().wait(min(seconds, left))  # a pause for the reader's eyes; nothing is waited for

    def _name(self, mail: EmailMessage) -> str:
        key = key_of(mail)
        what = key.split(".")[1].replace("/", "-") if key else mail["From"].addresses[0].display_name.split()[0].lower()
        return f"{len(self.shown()) + 1:02d}-{what}"

    def _heading(self, at: datetime) -> None:
        day = f"{at:%A} {at.day} {at:%B %Y}"
        if day != self._day:
            self._print("", self._paint(day, _BOLD))
            self._day = day

    def masked(self, text: str) -> str:
        return text.replace(self.secret, "(its code)")

    def _print(self, *lines: str) -> None:
        if not self.quiet:
            for line in lines:
                print(line, file=self._out, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        text = safe(text)
        plain = not self._out.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        return text if plain else f"\033[{colour}m{text}\033[0m"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _flowed(text: str) -> list[str]:
    """Return the lines of a mail's new words, those joined that only the writer's program had broken."""
    found, last = list[str](), ""
    for line in _new(text.splitlines()):
        if len(last) >= _LONG and line.strip() and not _BEGINS.match(line):
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line)
        last = line
    return found


def _new(lines: list[str]) -> list[str]:
    quote = next((n for n, line in enumerate(lines) if line.startswith(">")), len(lines))
    introduced = quote < len(lines) and lines[quote - 1].endswith("wrote:")
    return lines[: quote - 1 if introduced else quote]
