"""Tell the story: print it to the terminal while it happens, and write it as one page that loads nothing."""

import base64
import hashlib
import os
import re
import sys
import textwrap
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from email.message import EmailMessage
from html import escape
from itertools import groupby
from time import monotonic
from typing import TextIO

from followupd.demo.mail import html_of, key_of, kind_of, text_of
from followupd.domain import events as e
from followupd.domain.compensation import Compensation
from followupd.domain.events import Event
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Team
from followupd.domain.promise import Promise
from followupd.log import printable

#: words of a verdict that are shown
_SHOWN_WORDS = 4
_LETTER_NAMES = {
    LetterKind.CONFIRMATION: "confirmation",
    LetterKind.FOLLOW_UP: "follow-up",
    LetterKind.GIFT_CARD: "gift-card letter",
}
#: columns of a small terminal, and of the margins before a sentence, a mail and a result
_WIDTH, _TIME_MARGIN, _MAIL_MARGIN, _RESULT_MARGIN = 80, 9, 11, 6
_BOLD, _FAINT, _CYAN, _RED = "1", "2", "36", "31"
#: whether a check succeeded -> what is printed, in which colour
_VERDICTS = {True: ("  ok  ", _CYAN), False: ("  NO  ", _RED)}
#: seconds of pauses for the reader in total, so that the whole takes less than fifteen
_MAX_PAUSES = 8.0
#: lines of a letter that are shown, and of a desk mail
_LETTER_LINES, _DESK_LINES = 9, 5
#: a line of at least this length was wrapped by the mail client, not by the author
_WRAPPED = 55
#: what begins a new line: a list item, or a word with a colon
_LINE_START = re.compile(r"\s*(?:[-*|]|\d+\.\s|[A-Za-z-]+: )")


# --- events as sentences ---


def sentences(events: Iterable[Event], zone: tzinfo, team: Team) -> list[tuple[datetime, str]]:
    """Return a sentence with its time for each event, in order; consecutive facts make one sentence."""
    found = []
    for kind, group in groupby(events, type):
        if kind is e.FactsStated:
            found.append(_facts_sentence([event for event in group if isinstance(event, e.FactsStated)]))
            continue
        for event in group:
            if sentence := _sentence(event, zone, team):
                found.append((event.at, sentence))

    return found


def _facts_sentence(stated: list[e.FactsStated]) -> tuple[datetime, str]:
    """Return one sentence for several facts, with the time of the first."""
    names = [name.replace("_", " ") for event in stated for name, _ in event.facts]
    return stated[0].at, f"Facts for the letters, from {stated[0].by}: {', '.join(names)}."


def _sentence(event: Event, zone: tzinfo, team: Team) -> str:
    """Return the sentence for an event of the case, "" for one that is visible in the mails."""
    match event:
        case e.CaseOpened():
            owner = team.by_id(event.owner)
            return f"followupd opens case {event.ref}; its owner is {owner.name if owner else event.owner}."
        case e.ComplaintHeard():
            return _complaint(event)
        case e.ComplaintSuspected():
            return f"It may be a complaint (score {event.score:.2f}); an agent decides.{_words(event)}"
        case e.PromiseMade():
            return f"Promise {event.promise.n} is recorded: {_promise(event.promise, zone)}."
        case e.PromiseProposed():
            return f"Found in the reply, waits for an agent's approval: {_promise(event.promise, zone)}."
        case e.PromiseKept():
            return f"Promise {event.n} is kept ({event.why})."
        case e.CompensationGranted():
            return _grant(event.compensation)
        case e.CompensationIssued():
            return f"Compensation {event.n} is issued ({event.why})."
        case e.Fixed():
            return f"Fixed, says {event.by}; the time until the follow-up begins."
        case _:
            return _letter_sentence(event)


def _letter_sentence(event: Event) -> str:
    """Return the sentence for an event about letters, calls and the end of the case."""
    match event:
        case e.LetterInDoubt():
            return f"The {letter_name(event.kind)} is in doubt: {event.why}. It is not sent again."
        case e.LetterRefused():
            return f"The {letter_name(event.kind)} was refused: {event.why}."
        case e.LetterStopped():
            return f"A letter was not written: {event.why}."
        case e.NextStepConfirmed() | e.FollowedUp() | e.GiftCardSent() | e.CustomerTold():
            return f"The {letter_name(event.kind)} was sent{_in_parentheses(event.why)}."
        case e.MissingAsked():
            return f"The follow-up is blocked: {event.why}. The owner is asked, once."
        case e.CallAsked():
            return "The owner is asked to call, on the same day."
        case e.GiftCardDue():
            amount = f"{event.money.amount} {event.money.currency}"
            return f"A gift card of {amount} is due; it is sent in a thread of its own."
        case e.GiftCardLacking():
            return f"No gift card is sent: {event.why}."
        case _:
            return _end_sentence(event)


def _end_sentence(event: Event) -> str:
    """Return the sentence for a call, a hold or the end of the case."""
    match event:
        case e.CustomerReached():
            return f"The customer was reached by phone, says {event.by}."
        case e.Closed():
            return f"The case is closed: {event.why}."
        case e.Parked():
            return f"The case is on hold for a person: {event.why}."
        case _:
            return ""


def letter_name(kind: str) -> str:
    """Return what a letter or desk mail is called in the story."""
    for letter, name in _LETTER_NAMES.items():
        if letter == kind:
            return name

    return f"{kind.removeprefix('desk/')} mail"


def short_time(at: datetime, zone: tzinfo) -> str:
    """Return a time such as "Fri 4 Dec, 17:00"."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _complaint(event: e.ComplaintHeard) -> str:
    """Return how a complaint was recognised, or who says that it is one."""
    if event.by_machine:
        return f"It recognises a complaint (score {event.score:.2f}).{_words(event)}"
    return f"It is a complaint, says {event.by} ({event.why})."


def _words(event: e.ComplaintHeard | e.ComplaintSuspected) -> str:
    """Return the words that counted most for a complaint."""
    words = [f'"{words}"' for words, weight in event.evidence if weight > 0]
    return f" Words that counted: {', '.join(words[:_SHOWN_WORDS])}." if words else ""


def _promise(promise: Promise, zone: tzinfo) -> str:
    """Return a promise with its two dates."""
    if not promise.promised_by:
        return f'"{promise.text}", no date'
    sentence = f'"{promise.text}", {promise.relation} {short_time(promise.promised_by, zone)}'
    if promise.internal_deadline and promise.internal_deadline != promise.promised_by:
        sentence += f" (internal deadline: {short_time(promise.internal_deadline, zone)})"

    return sentence


def _grant(grant: Compensation) -> str:
    """Return what was given, and its state."""
    if grant.money:
        details = f" of {grant.money.amount} {grant.money.currency}"
    elif grant.text not in {"", grant.kind}:
        details = f" ({grant.text})"
    else:
        details = ""

    kind, state = grant.kind.replace("-", " "), grant.state.replace("-", " ")
    return f"Compensation {grant.n}: a {kind}{details} is {state}."


def _in_parentheses(text: str) -> str:
    """Return a reason in parentheses, "" if there is none."""
    return f" ({text})" if text else ""


# --- the narrator ---


@dataclass(frozen=True, slots=True)
class Act:
    """The beginning of a part of the story."""

    title: str


@dataclass(frozen=True, slots=True)
class Narration:
    """One sentence of the story; `who` is the person it is about, "" for followupd."""

    at: datetime
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class ShownMail:
    """One mail of the story, in the inbox of `reader`; `name` is its file name without the extension."""

    at: datetime
    mail: EmailMessage
    reader: str
    name: str

    @property
    def key(self) -> str:
        """The key of a letter by followupd, "" for a mail that a person wrote."""
        return key_of(self.mail)


@dataclass(frozen=True, slots=True)
class RecountResult:
    """The result of one check; `text` states what was counted, whether that is good or not."""

    good: bool
    text: str


@dataclass
class Narrator:
    """Tell the story in company time; `secret` is masked everywhere, with `quiet` nothing is printed."""

    zone: tzinfo
    secret: str
    fast: bool = False
    quiet: bool = False
    entries: list[Act | Narration | ShownMail] = field(default_factory=list)
    _day: str = ""
    _start: float = field(default_factory=monotonic)
    _out: TextIO = field(default_factory=lambda: sys.stdout)

    def tell(self, at: datetime, text: str, who: str = "") -> None:
        """Tell one sentence; `who` is its subject."""
        entry = Narration(at.astimezone(self.zone), self.mask(text), who)
        self.entries.append(entry)
        self._print_day(entry.at)
        time = self._colour(f"{entry.at:%H:%M}", _CYAN)
        self._print_wrapped(f"  {time}  ", f"{who} {entry.text}".strip(), _TIME_MARGIN)

    def show(self, at: datetime, mail: EmailMessage, reader: str) -> ShownMail:
        """Show the beginning of a mail as its reader sees it."""
        shown = ShownMail(at.astimezone(self.zone), mail, reader, self._file_name(mail))
        self.entries.append(shown)

        lines = [f"Subject: {mail['Subject']}"]
        for line in unwrapped(self.mask(text_of(mail))):
            lines += textwrap.wrap(line, _WIDTH - _MAIL_MARGIN, break_on_hyphens=False)

        most = _DESK_LINES if kind_of(mail).startswith("desk/") else _LETTER_LINES
        if len(lines) > most + 1:
            lines = [*lines[: most + 1], "..."]
        for line in lines:
            self._print(self._colour(f"         | {line}", _FAINT))
        self.pause(0.15)

        return shown

    def title(self, text: str) -> None:
        """Begin an act."""
        self.entries.append(Act(text))
        self._print("", self._colour(text.upper(), _BOLD))

    def plain(self, *lines: str) -> None:
        """Print lines that are not part of the story."""
        self._print(*lines)

    def result(self, good: bool, text: str) -> None:
        """Print the result of one check."""
        verdict = self._colour(*_VERDICTS[good])
        self._print_wrapped(verdict, self.mask(text), _RESULT_MARGIN)

    def shown(self) -> list[ShownMail]:
        """Return the mails that were shown."""
        return [entry for entry in self.entries if isinstance(entry, ShownMail)]

    def pause(self, seconds: float) -> None:
        """Pause for a reader at a terminal, as long as the limit for all pauses is not reached."""
        left = _MAX_PAUSES - (monotonic() - self._start)
        watched = self._out.isatty() and not self.quiet
        if watched and not self.fast:
            threading.Event().wait(max(0.0, min(seconds, left)))

    def mask(self, text: str) -> str:
        """Replace the secret."""
        return text.replace(self.secret, "(its code)")

    def _file_name(self, mail: EmailMessage) -> str:
        """Return a number and the kind of the mail, or the first name of its author."""
        kind = kind_of(mail).replace("/", "-")
        author = mail["From"].addresses[0].display_name.split()[0].lower()
        return f"{len(self.shown()) + 1:02d}-{kind or author}"

    def _print_day(self, at: datetime) -> None:
        """Print the date if it has changed."""
        day = f"{at:%A} {at.day} {at:%B %Y}"
        if day != self._day:
            self._print("", self._colour(day, _BOLD))
            self._day = day

    def _print_wrapped(self, start: str, text: str, margin: int) -> None:
        """Print a text in lines below each other; `start` fills the margin of the first line."""
        indent = " " * margin
        lines = textwrap.wrap(
            printable(text),
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        self._print(start + lines[0][margin:], *lines[1:])

    def _print(self, *lines: str) -> None:
        """Print lines, unless the narrator is quiet."""
        if not self.quiet:
            for line in lines:
                print(line, file=self._out, flush=True)

    def _colour(self, text: str, colour: str) -> str:
        """Return the text in a colour, if this is a terminal with colours."""
        text = printable(text)
        if not self._out.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
            return text
        return f"\033[{colour}m{text}\033[0m"


def unwrapped(text: str) -> list[str]:
    """Return the lines of a mail without its quotation, lines that the mail client wrapped joined again."""
    found, last = list[str](), ""
    for line in _without_quotation(text.splitlines()):
        if len(last) >= _WRAPPED and line.strip() and not _LINE_START.match(line):
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line)
        last = line

    return found


def _without_quotation(lines: list[str]) -> list[str]:
    """Return the lines above the quotation."""
    quotation = next((n for n, line in enumerate(lines) if line.startswith(">")), len(lines))
    if quotation < len(lines) and lines[quotation - 1].endswith("wrote:"):
        quotation -= 1
    return lines[:quotation]


# --- the page with all letters in order, and what happened in between ---

#: gives each frame the height of its letter; the letters themselves cannot run scripts
_SCRIPT = """
const fit = frame => {
  const inner = frame.contentDocument && frame.contentDocument.documentElement;
  if (inner && frame.clientWidth) {
    frame.style.height = '0';
    frame.style.height = inner.scrollHeight + 'px';
  }
};
const frames = [...document.querySelectorAll('iframe')];
const all = () => frames.forEach(fit);
frames.forEach(frame => frame.addEventListener('load', () => fit(frame)));
document.querySelectorAll('details').forEach(each => each.addEventListener('toggle', all));
addEventListener('load', all);
addEventListener('resize', all);
"""

#: a tag in a sentence
_TAG = re.compile(r"`([\w-]+)`")

_STYLE = """
:root { --ink: #22292b; --soft: #5c686b; --line: #d5dbd8; --back: #f3f4f1; --sheet: #fff; --green: #14615a;
  --red: #a3271f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eae9; --soft: #a3adab; --line: #3a4345; --back: #131617; --sheet: #1d2123;
  --green: #6fc2b6; --red: #f0857c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); color-scheme: light dark;
  overflow-wrap: anywhere;
  font: 17px/1.55 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { margin: 0 0 8px; font-size: 30px; line-height: 1.2; }
h2 { margin: 56px 0 14px; font-size: 22px; line-height: 1.3; }
h3 { margin: 28px 0 10px; font-size: 14px; font-weight: 600; color: var(--soft); }
a { color: var(--green); }
.lead { margin: 0 0 24px; color: var(--soft); }
.results { margin: 0; padding: 16px 20px; list-style: none; background: var(--sheet);
  border-left: 4px solid var(--green); }
.results li { padding: 3px 0 3px 26px; text-indent: -26px; }
.results li::before { content: "\\2713"; display: inline-block; width: 26px; text-indent: 0;
  color: var(--green); font-weight: 700; }
.results li.bad::before { content: "\\2717"; color: var(--red); }
.event { display: grid; grid-template-columns: 56px 1fr; margin: 0 0 8px; }
.event time { color: var(--soft); font-variant-numeric: tabular-nums; }
.mail { margin: 12px 0 28px; background: var(--sheet); border: 1px solid var(--line); border-radius: 6px;
  overflow: hidden; }
.mail header, summary { padding: 12px 16px; }
summary { cursor: pointer; }
details[open] > summary, .mail header { border-bottom: 1px solid var(--line); }
.subject { font-weight: 600; }
.small { font-size: 14px; color: var(--soft); }
summary .subject { margin-left: 4px; }
summary .small { display: block; margin-left: 20px; }
pre { margin: 0; padding: 16px; white-space: pre-wrap;
  font: 14px/1.5 Menlo, Consolas, "Liberation Mono", monospace; }
iframe { display: block; width: 100%; height: 640px; border: 0; }
footer { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--line); color: var(--soft); }
@media (max-width: 480px) {
  main { padding: 28px 14px 48px; }
  h1 { font-size: 25px; }
  .event { grid-template-columns: 46px 1fr; font-size: 16px; }
  .event time { font-size: 14px; line-height: 25px; }
}
"""


def page(narrator: Narrator, results: Sequence[RecountResult]) -> str:
    """Return the page as HTML."""
    parts = [_page_head(), _page_opening(results)]
    day = ""
    for entry in narrator.entries:
        if isinstance(entry, Act):
            parts.append(f"<h2>{escape(entry.title)}</h2>")
            continue
        today = f"{entry.at:%A} {entry.at.day} {entry.at:%B %Y}"
        if today != day:
            parts.append(f"<h3>{today}</h3>")
            day = today
        if isinstance(entry, Narration):
            parts.append(_narration_html(entry))
        else:
            parts.append(_mail_html(entry, narrator))

    return "\n".join([*parts, _END])


def _page_head() -> str:
    """Return the beginning of the page, with a policy that only allows its own script."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>followupd: one complaint's whole life</title>
<style>{_STYLE}</style>
</head>
<body>
<main>"""


def _page_opening(results: Sequence[RecountResult]) -> str:
    """Return the title and the results of the checks."""
    items = []
    for result in results:
        attribute = "" if result.good else " class=bad"
        items.append(f"<li{attribute}>{escape(result.text)}</li>")

    rows = "\n".join(items)

    return f"""<h1>One complaint's whole life</h1>
<p class="lead">Every letter of the demo in order, with what happened in between.
All of it was sent over real IMAP and SMTP on this machine; only the clock was simulated.</p>
<ul class="results">
{rows}
</ul>"""


def _narration_html(entry: Narration) -> str:
    """Return one sentence of the story with its time."""
    who = f"<strong>{escape(entry.who)}</strong> " if entry.who else ""
    text = _TAG.sub(r"<code>\1</code>", escape(entry.text))
    return f'<p class="event"><time>{entry.at:%H:%M}</time><span>{who}{text}</span></p>'


def _mail_html(shown: ShownMail, narrator: Narrator) -> str:
    """Return a letter to the customer, visible, or any other mail, folded."""
    subject = f'<span class="subject">{escape(str(shown.mail["Subject"]))}</span>'
    people = f"{escape(str(shown.mail['From']))}, read by {escape(shown.reader)}"
    details = f'<span class="small">{people}</span>'
    links, body = _links_html(shown), _body_html(shown, narrator)

    if shown.key and "/" not in shown.key:
        head = f"<header><div>{subject}</div>{details}<br>{links}</header>"
        return f'<article class="mail">{head}{body}</article>'

    return f'<details class="mail"><summary>{subject}{details}{links}</summary>{body}</details>'


def _links_html(shown: ShownMail) -> str:
    """Return links to the mail's files."""
    names = [f"{shown.name}.eml"]
    if html_of(shown.mail):
        names.append(f"{shown.name}.html")
    escaped = [escape(name, quote=True) for name in names]
    links = ", ".join(f'<a href="letters/{name}">{name}</a>' for name in escaped)

    return f'<span class="small">{links}</span>'


def _body_html(shown: ShownMail, narrator: Narrator) -> str:
    """Return the HTML part of a mail in a sandbox, or else its text."""
    html = html_of(shown.mail)
    if not html:
        return f"<pre>{escape(narrator.mask(text_of(shown.mail)))}</pre>"
    title = escape(shown.name, quote=True)
    content = escape(narrator.mask(html), quote=True)

    return f'<iframe title="{title}" sandbox="allow-same-origin" srcdoc="{content}"></iframe>'


_END = f"""<footer>Only the gift card's own letter has its code; this page does not.
To see what was promised and forgotten in your own mail, where nothing is sent or changed:
<code>followupd lookback --mailbox ADDRESS</code>. To set up your own: <code>followupd init DIR</code></footer>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""
