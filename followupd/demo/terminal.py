"""The story as it is told: printed to the terminal while it happens, and kept for the page."""

import os
import re
import sys
import textwrap
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from email.message import EmailMessage
from itertools import groupby
from time import monotonic
from typing import TextIO

from followupd.adapters.terminal import safe
from followupd.demo.people import key_of, text_of
from followupd.domain import events as e
from followupd.domain.compensation import Compensation
from followupd.domain.events import Event
from followupd.domain.letter import CONFIRMATION, FOLLOW_UP, GIFT_CARD
from followupd.domain.promise import Promise
from followupd.domain.team import Team

#: words of a verdict that are shown
_WORDS = 4
_CALLED = {CONFIRMATION: "confirmation", FOLLOW_UP: "follow-up", GIFT_CARD: "gift-card letter"}


def sentences(events: Iterable[Event], zone: tzinfo, team: Team) -> list[tuple[datetime, str]]:
    """Return what happened, in order; facts that were stated one after the other make one sentence."""
    found = []
    for kind, group in groupby(events, type):
        if kind is e.FactsStated:
            stated = [event for event in group if isinstance(event, e.FactsStated)]
            names = ", ".join(name.replace("_", " ") for event in stated for name, _ in event.facts)
            found.append((stated[0].at, f"Noted for the letters, from {stated[0].by}: {names}."))
        else:
            found += [(event.at, said) for event in group if (said := _sentence(event, zone, team))]
    return found


def _sentence(event: Event, zone: tzinfo, team: Team) -> str:
    """Return the sentence for an event, "" for one that the mails tell better themselves."""
    match event:
        case e.CaseOpened():
            owner = team.by_id(event.owner)
            return f"followupd opens case {event.ref}; {owner.name if owner else event.owner} looks after it."
        case e.ComplaintHeard() | e.ComplaintSuspected():
            return _heard(event)
        case e.PromiseMade() | e.PromiseProposed():
            return _promise(event.promise, zone, proposed=isinstance(event, e.PromiseProposed))
        case e.PromiseKept():
            return f"Promise {event.n} is kept ({event.why})."
        case e.CompensationGranted():
            return _grant(event.compensation)
        case e.CompensationIssued():
            return f"Compensation {event.n} is issued ({event.why})."
        case e.Fixed():
            return f"The matter is called fixed by {event.by}; the follow-up's time begins."
        case e.MissingAsked():
            return f"Before the follow-up can leave: {event.why}. The owner is asked, once."
        case _:
            return _letter_sentence(event)


def _letter_sentence(event: Event) -> str:
    match event:
        case e.LetterInDoubt():
            return f"The {called(event.kind)} is in doubt: {event.why}. Nobody knows whether it left, so it stays."
        case e.LetterRefused():
            return f"The {called(event.kind)} was refused: {event.why}."
        case e.LetterStopped():
            return f"A letter was not written: {event.why}."
        case e.NextStepConfirmed() | e.FollowedUp() | e.GiftCardSent() | e.CustomerTold():
            return f"The {called(event.kind)} has left{_reply(event.why)}."
        case e.CallAsked():
            return "The owner is asked to call, on the same day."
        case e.GiftCardDue():
            return f"A gift card of {event.money.amount} {event.money.currency} is due; it goes in a thread of its own."
        case e.GiftCardLacking():
            return f"No gift card leaves: {event.why}."
        case e.CustomerReached():
            return f"The customer was reached by phone, says {event.by}."
        case e.Closed():
            return f"The case is closed: {event.why}."
        case e.Parked():
            return f"The case is parked for a person: {event.why}."
        case _:
            return ""


def called(kind: str) -> str:
    return _CALLED.get(kind, kind.removeprefix("desk/") + " mail")


def moment(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _heard(event: e.ComplaintHeard | e.ComplaintSuspected) -> str:
    spoke = [f'"{words}"' for words, weight in event.evidence if weight > 0]
    words = ", ".join(spoke[:_WORDS])
    because = f" The words that spoke: {words}." if words else ""
    if isinstance(event, e.ComplaintSuspected):
        return f"It may be a complaint (score {event.score:.2f}); an agent decides.{because}"
    if event.by_machine:
        return f"It hears a complaint by itself (score {event.score:.2f}).{because}"
    return f"It is a complaint, says {event.by} ({event.why})."


def _promise(promise: Promise, zone: tzinfo, *, proposed: bool) -> str:
    verb = (
        "Read in the reply, waiting for an agent's word:" if proposed else f"Promise {promise.n} is logged:"
    )
    told = f", by {moment(promise.told, zone)}" if promise.told else ", no date"
    ours = promise.due if promise.due != promise.told else None
    return f'{verb} "{promise.text}"{told}{f" (our own date: {moment(ours, zone)})" if ours else ""}.'


def _grant(grant: Compensation) -> str:
    kind, text = (
        grant.kind.replace("-", " "),
        f" ({grant.text})" if grant.text not in {"", grant.kind} else "",
    )
    value = f" of {grant.money.amount} {grant.money.currency}" if grant.money else text
    return f"Compensation {grant.n}: a {kind}{value} is {grant.state.replace('-', ' ')}."


def _reply(why: str) -> str:
    return f" ({why})" if why else ""


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
class Narration:
    """One sentence of the story; `who` is empty for the house itself and for the teller."""

    at: datetime
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class ShownMail:
    """One mail of the story, in the inbox of `reader`; `name` is its file's, without an ending."""

    at: datetime
    mail: EmailMessage
    reader: str
    name: str

    @property
    def key(self) -> str:
        return key_of(self.mail)


@dataclass
class Narrator:
    """Tells by the company's clock. `secret` is masked wherever it would be told; `quiet` tells to the page alone."""

    zone: tzinfo
    secret: str
    fast: bool = False
    quiet: bool = False
    entries: list[Act | Narration | ShownMail] = field(default_factory=list)
    _day: str = ""
    _began: float = field(default_factory=monotonic)
    _out: TextIO = field(default_factory=lambda: sys.stdout)

    def says(self, at: datetime, text: str, who: str = "") -> None:
        """Tell what happened."""
        entry = Narration(at.astimezone(self.zone), self.masked(text), who)
        self.entries.append(entry)
        self._heading(entry.at)
        first, *rest = _wrapped(safe(f"{who + ' ' if who else ''}{entry.text}"), _WIDTH - 9)
        self._print(
            f"  {self._paint(f'{entry.at:%H:%M}', _BLUE)}  {first}", *(f"         {line}" for line in rest)
        )

    def shows(self, at: datetime, mail: EmailMessage, reader: str) -> ShownMail:
        """Show the beginning of a mail as its reader sees it."""
        shown = ShownMail(at.astimezone(self.zone), mail, reader, self._name(mail))
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

    def shown(self) -> list[ShownMail]:
        return [entry for entry in self.entries if isinstance(entry, ShownMail)]

    def pause(self, seconds: float) -> None:
        """Give a reader at a terminal a moment, as long as there is time."""
        left = _PATIENCE - (monotonic() - self._began)
        if not self.fast and not self.quiet and self._out.isatty() and left > 0:
            threading.Event().wait(min(seconds, left))  # a pause for the reader's eyes; nothing is waited for

    def _name(self, mail: EmailMessage) -> str:
        key = key_of(mail)
        what = (
            key.split(".")[1].replace("/", "-")
            if key
            else mail["From"].addresses[0].display_name.split()[0].lower()
        )
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
