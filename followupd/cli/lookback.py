"""lookback: what was promised and forgotten in the mail that is there, as one web page; changes nothing anywhere."""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from followupd import clock
from followupd.cli.main import DONE, USAGE, CommandParsers
from followupd.cli.output import print_error, print_json, progress_bar, write_file
from followupd.clock import utc_iso
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity
from followupd.domain.playbook import Company, Playbook, Team
from followupd.errors import SetupError, UnavailableError
from followupd.log import printable
from followupd.recovery.past.lookback import (
    ArchiveMail,
    JudgedPromise,
    Lookback,
    RulesEffect,
    Thread,
    WordOutcome,
    by_week,
    effect_of,
    look_back,
    worth_reading,
)

if TYPE_CHECKING:
    from followupd.adapters.accounts import Mailbox
    from followupd.adapters.imap.mailbox import ImapMailbox
    from followupd.adapters.settings import Settings
    from followupd.services.classifier import ComplaintClassifier
    from followupd.services.lookback import Archive

_PASSWORD = "FOLLOWUPD_PASSWORD"  # noqa: S105  the name of a variable of the environment
_PAGE = Path("followupd-lookback.html")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: the measured figures of the readers: what they read -> (right of what they find, found of what is there, where)
READERS = {
    "a promise in a reply": (0.95, 0.88, "320 replies of strangers in four languages (docs/promises.md)"),
    "a mail that complains, or may": (0.74, 0.84, "360 mails in the mix of a mailbox (docs/recognising.md)"),
    "a promise that was forgotten": (0.98, 0.89, "a generated archive with known truth (docs/lookback.md)"),
}
_TONES = {
    WordOutcome.WORD: ("word by the date", "good"),
    WordOutcome.LATE: ("late", "late"),
    WordOutcome.ASKED: ("the customer had to ask", "asked"),
    WordOutcome.FORGOTTEN: ("forgotten", "bad"),
}
_FIRST_WORDS = (
    ("within an hour", _HOUR),
    ("within 4 hours", 4 * _HOUR),
    ("within a day", _DAY),
    ("within 2 days", 2 * _DAY),
    ("within a week", 7 * _DAY),
)


def add(commands: CommandParsers) -> None:
    """Add the parser of lookback."""
    parser = commands.add("lookback")
    parser.add_argument("--since", metavar="D", default="", help='a date, or a duration such as "730 days"')
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--mailbox",
        metavar="NAME",
        default="",
        help="a mailbox of followupd.toml, or an address to log in with",
    )
    place.add_argument("--maildir", metavar="DIR", type=Path, help="a Maildir, or a directory of .eml files")
    place.add_argument(
        "--mbox", metavar="FILE", type=Path, action="append", help="an mbox file; may be repeated"
    )
    parser.add_argument("--html", metavar="FILE", type=Path, help=f"the page ({_PAGE}; with --json none)")
    parser.add_argument("--names", action="store_true", help="do not shorten customers' names")
    parser.add_argument("--playbooks", metavar="DIR", type=Path, help="add what these rules would have done")
    parser.add_argument(
        "--folder",
        metavar="NAME",
        action="append",
        default=[],
        help="also read this folder, besides inbox and Sent",
    )
    parser.add_argument(
        "--us", metavar="ADDRESS", action="append", default=[], help="an address of ours, instead of a guess"
    )
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        default="",
        help=f"the mailbox's password; - reads standard input (or ${_PASSWORD}, or it is asked for)",
    )
    parser.add_argument(
        "--imap",
        metavar="HOST:PORT",
        default="",
        help="this server instead of the one found; tls://HOST:PORT",
    )
    parser.add_argument("--username", metavar="NAME", default="", help="the login, if it is not the address")
    parser.add_argument("--ca-file", metavar="FILE", default="", help="the certificate of your own CA")
    parser.set_defaults(do=_lookback)


def _lookback(options: argparse.Namespace) -> int:
    """Read the mail, and write the page, JSON or a summary."""
    from followupd.cli.classify import settings_if_any
    from followupd.cli.report import parse_since

    settings = settings_if_any(options.config)
    calendar = settings.calendar if settings else _calendar_of_this_machine()
    now = clock.now()
    try:
        since = parse_since(options.since, calendar, now)
    except ValueError as error:
        print_error(f"followupd lookback: {error}")
        return USAGE
    with _archive(options, settings, since) as (archive, address):
        found = _looked_back(options, settings, archive, address, (calendar, since, now))
    return _tell(options, found)


@dataclass(frozen=True, slots=True)
class LookbackResult:
    """What was found, how many mails were read, our addresses, and what is needed to show it."""

    found: Lookback
    mails: int
    replies: int
    addresses: frozenset[str]
    calendar: Calendar
    effect: RulesEffect | None


def _looked_back(
    options: argparse.Namespace,
    settings: "Settings | None",
    archive: "Archive",
    address: str,
    times: tuple[Calendar, datetime | None, datetime],
) -> LookbackResult:
    """Read an archive and look back on it.

    Args:
        options: those of the command.
        settings: the configuration, None if there is none.
        archive: the mails.
        address: the address of the mailbox, "" for a guess.
        times: the calendar, the beginning, and the present.
    """
    from followupd.services.lookback import ArchiveReader, our_addresses, read_archive

    calendar, since, now = times
    playbooks = _playbooks(options.playbooks, calendar, settings)
    identity = _identity(options, settings, address)
    if not identity.addresses:
        identity = Identity(addresses=our_addresses(archive))
    reader = ArchiveReader(identity, _classifier(settings), calendar, now, since, playbooks)
    contents = read_archive(archive, reader, progress_bar(archive.total, "Reading"))
    found = look_back(contents.read, calendar, now)
    return LookbackResult(
        found=found,
        mails=contents.mails,
        replies=sum(mail.ours for mail in contents.read),
        addresses=identity.addresses,
        calendar=calendar,
        effect=effect_of(found, playbooks) if playbooks else None,
    )


# --- where the mail is -----------------------------------------------------------------------------------------


@contextmanager
def _archive(
    options: argparse.Namespace, settings: "Settings | None", since: datetime | None
) -> Iterator[tuple["Archive", str]]:
    """Give the mails that the options name, and the address of their mailbox ("" if it is not known).

    Args:
        options: those of `lookback`: --maildir, --mbox, --mailbox and --folder.
        settings: the configuration, None where there is none.
        since: the oldest mail that is asked for, in UTC; None for all. Files are read whole.

    Returns:
        the mails, which are open only within the `with`, and the address.

    Raises:
        UnavailableError: they cannot be read, or nothing is named.
    """
    from followupd.services.lookback import MailboxArchive, MaildirArchive, MboxArchive

    if options.maildir:
        yield MaildirArchive(options.maildir), ""
    elif options.mbox:
        yield MboxArchive(options.mbox), ""
    else:
        connection, address = _mailbox(options, settings)
        with connection:
            yield MailboxArchive(connection, options.folder, since), address


def _mailbox(options: argparse.Namespace, settings: "Settings | None") -> "tuple[Mailbox, str]":
    """Return a mailbox of the configuration, or the one of an address, and its address; it is not open yet.

    Args:
        options: those of `lookback`; without --mailbox the first one of the configuration is read.
        settings: the configuration, None where there is none.

    Raises:
        UnavailableError: none is named, there is no such mailbox, or no password.
    """
    from followupd.adapters.accounts import mailbox_of

    configured = {mailbox.name: mailbox for mailbox in settings.mailboxes} if settings else {}
    name = options.mailbox or next(iter(configured), "")
    if name in configured:
        return mailbox_of(configured[name]), configured[name].address
    if "@" in name:
        return _login(options), name
    known = f"; the configuration has {', '.join(configured)}" if configured else ""
    problem = f"there is no mailbox named {name}{known}" if name else "no mail is named"
    raise UnavailableError(f"{problem}: --mailbox you@example.com, --maildir DIR or --mbox FILE")


def _login(options: argparse.Namespace) -> "ImapMailbox":
    """Return the mailbox of an address, with the server that is found or named.

    Raises:
        UnavailableError: there is no server or no password.
    """
    from followupd.adapters.imap.client import Account
    from followupd.adapters.imap.mailbox import ImapMailbox
    from followupd.adapters.network import find_servers
    from followupd.cli.setup import named_server

    address = options.mailbox
    server = named_server(options.imap, address, 993)
    if not server:
        found = find_servers(address)
        if found is None:
            raise UnavailableError(f"no server of {address} was found; name it: --imap HOST:PORT")
        imap = found.imap
        server = {"host": imap.host, "port": imap.port, "security": imap.security, "username": imap.username}
    server["username"] = options.username or server["username"]
    password = _password(options)
    account = Account(name=address, password=lambda: password, ca_file=options.ca_file, **server)
    return ImapMailbox(account)


def _password(options: argparse.Namespace) -> str:
    """Return the password from a file, from the environment, or asked for.

    Raises:
        UnavailableError: there is none, or the file cannot be read.
    """
    from followupd.cli.setup import read_password

    given = os.environ.get(_PASSWORD, "")
    if options.password_file or (not given and sys.stdin.isatty()):
        return read_password(options.password_file, options.mailbox)
    if not given:
        raise UnavailableError(f"no password: name a file with --password-file, or set ${_PASSWORD}")
    return given


def _identity(options: argparse.Namespace, settings: "Settings | None", address: str) -> Identity:
    """Return who we are as far as options and configuration say so; without addresses it is to be guessed.

    Args:
        options: those of `lookback`; --us without a mailbox sets the configuration aside.
        settings: the configuration, None where there is none.
        address: the address of the mailbox, "" if it is not known.
    """
    named = frozenset(each.lower() for each in (*options.us, address) if each)
    if not settings or (options.us and not address):
        return Identity(addresses=named)
    from followupd.app.container import identity_of

    identity = identity_of(settings)
    return replace(identity, addresses=identity.addresses | named)


def _classifier(settings: "Settings | None") -> "ComplaintClassifier":
    """Return the classifier of the configuration, else the shipped one."""
    from followupd.app.container import classifier_of
    from followupd.services.classifier import ComplaintClassifier
    from followupd.text import complaints

    if settings:
        return classifier_of(settings)
    return ComplaintClassifier(complaints.Recogniser.shipped(), 0.90, 0.30, "en", "")


def _calendar_of_this_machine() -> Calendar:
    """Return usual office hours in the time zone of this machine."""
    from followupd.cli.setup import time_zone

    return Calendar(timezone=time_zone() or "UTC")


def _playbooks(
    directory: Path | None, calendar: Calendar, settings: "Settings | None"
) -> dict[str, Playbook]:
    """Return the playbooks of a directory, which is `playbooks` or contains it; {} for None.

    Args:
        directory: as --playbooks names it.
        calendar: the company's, by which their times count.
        settings: the configuration, whose company and team they need; None where there is none.

    Returns:
        the playbooks by name.

    Raises:
        SetupError: they have problems, each with its file and line.
    """
    if directory is None:
        return {}
    from followupd.adapters.settings.playbooks import read_playbooks

    top = directory.parent if directory.name == "playbooks" else directory
    company = settings.company if settings else Company(name="", timezone=calendar.timezone)
    team = settings.team if settings else Team(())
    playbooks, problems = read_playbooks(top, company, calendar, team)
    if problems:
        raise SetupError(problems)
    return dict(playbooks)


# --- what is told ----------------------------------------------------------------------------------------------


def _tell(options: argparse.Namespace, result: LookbackResult) -> int:
    """Write the page where one is wanted, and print JSON or a summary.

    Args:
        options: those of `lookback`: --html, --json and --names.
        result: what was found.

    Returns:
        the exit code.
    """
    names = Names(hidden=not options.names)
    page = options.html or (None if options.json else _PAGE)
    if page:
        with suppress(OSError):  # it is told below
            page.touch(mode=0o600)  # it has customers' words
        write_file(page, page_of(result, names).encode())
    if options.json:
        print_json(view_of(result, names))
        return DONE
    print(headline(result))
    for line in (*_sentences(result), *(f"{value} {meaning}." for value, meaning in _figures(result))):
        print(f"  {line}")
    print(f"The page with the threads worth reading: {page}")
    return DONE


class Names:
    """Shortens customers' names and addresses, unless they are to be shown."""

    def __init__(self, *, hidden: bool) -> None:
        self.hidden = hidden

    def person(self, mail: ArchiveMail) -> str:
        """Return the name of a mail's customer: "K. D." for Kim Doe, "k…@e…" for an address alone.

        Args:
            mail: a mail of a customer, or one to a customer.
        """
        if not self.hidden:
            return mail.name or mail.customer
        if mail.name and "@" not in mail.name:
            return " ".join(f"{word[0].upper()}." for word in re.findall(r"\w+", mail.name)[:3])
        local, _, domain = mail.customer.partition("@")
        return f"{local[:1]}…@{domain[:1]}…"

    def text(self, text: str, mail: ArchiveMail) -> str:
        """Return a text in which the name of a mail's customer is shortened, and addresses and long numbers are cut.

        Args:
            text: a subject, or words of a mail.
            mail: whose customer may be named in it.
        """
        if not self.hidden:
            return text
        shown = re.sub(r"\S+@\S+", "…@…", text)
        shown = re.sub(r"\+?\d[\d /-]{7,}\d", "…", shown)
        for word in re.findall(r"\w{3,}", mail.name):
            shown = re.sub(rf"\b{re.escape(word)}\b", f"{word[0].upper()}.", shown, flags=re.IGNORECASE)
        return shown


def headline(result: LookbackResult) -> str:
    """Return the one sentence that says what was promised and forgotten."""
    found = result.found
    total = len(found.promises)
    if not result.replies:
        return "No mail of yours was found: name the folder of sent mail (--folder), or your address (--us)."
    if not total:
        return f"{_many(result.replies, 'reply', 'replies')} promised nothing by a date that has come."
    if total == found.count(WordOutcome.WORD):
        return f"You promised customers {_many(total, 'thing')} by a date, and they had word of all in time."
    counts = [
        (found.count(WordOutcome.FORGOTTEN), "{} was forgotten", "{} were forgotten"),
        (found.count(WordOutcome.ASKED), "once the customer had to ask", "{} times the customer had to ask"),
        (found.count(WordOutcome.LATE), "once the word came late", "{} times the word came late"),
    ]
    parts = [(one if count == 1 else several).format(f"{count:,}") for count, one, several in counts if count]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"You promised customers {_many(total, 'thing')} by a date: {listed}."


def _many(count: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun.

    Args:
        count: how many.
        noun: for one.
        nouns: for several; "" where that only adds an s.
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def _sentences(result: LookbackResult) -> Iterator[str]:
    """Yield what else is told, a sentence each."""
    found = result.found
    yield (
        f"{_many(result.mails, 'mail')} read, {_many(len(found.threads), 'conversation')} with customers, "
        f"{_many(len(found.complaints), 'complaint')}."
    )
    if not result.replies or not found.complaints:
        return
    silences = sum(any(wait.silent for wait in thread.waits) for thread in found.complaints)
    yield (
        f"In {_many(silences, 'complaint')} the customer waited more than 2 business days for a word; "
        f"{found.unanswered} never got one."
    )


def _span(span: timedelta) -> str:
    """Return a duration for people."""
    if span >= 2 * _DAY:
        return f"{span / _DAY:.1f} days"
    if span >= 2 * _HOUR:
        return f"{span / _HOUR:.1f} hours"
    return f"{span / timedelta(minutes=1):.0f} minutes"


def view_of(result: LookbackResult, names: Names) -> dict[str, Any]:
    """Return the JSON of `lookback` (docs/commands.md)."""
    found = result.found
    middle = found.first_word_median
    rows = [_row(judged, thread, names) for thread in found.threads for judged in thread.promises]
    return {
        "mails": result.mails,
        "threads": len(found.threads),
        "complaints": len(found.complaints),
        "promises": len(found.promises),
        "kept_word": found.count(WordOutcome.WORD),
        "late": found.count(WordOutcome.LATE),
        "forgotten": found.count(WordOutcome.FORGOTTEN),
        "customer_asked": found.count(WordOutcome.ASKED),
        "repeat": found.repeat,
        "first_word_median_hours": round(middle / _HOUR, 2) if middle is not None else None,
        "open": found.open,
        "unanswered": found.unanswered,
        "replies": result.replies,
        "addresses": sorted(result.addresses),
        "rules": _effect_view(result.effect),
        "rows": sorted(rows, key=itemgetter("due", "date")),
    }


def _row(judged: JudgedPromise, thread: Thread, names: Names) -> dict[str, Any]:
    """Return the JSON of one promise.

    Args:
        judged: the promise, and what became of it.
        thread: in which it was made.
        names: shortens the customer's name.
    """
    made = judged.made
    return {
        "thread": names.text(thread.subject, thread.customer),
        "customer": names.person(thread.customer),
        "date": utc_iso(made.at),
        "promise": names.text(judged.promise.text, thread.customer),
        "due": utc_iso(judged.promise.due),
        "outcome": judged.outcome.value,
        "word_at": utc_iso(judged.by.at) if judged.by and judged.by.ours else None,
        "message_id": made.id,
    }


def _effect_view(effect: RulesEffect | None) -> dict[str, Any] | None:
    """Return the JSON of what the rules would have done."""
    if effect is None:
        return None
    return {
        "complaints": effect.complaints,
        "confirmed": effect.confirmed,
        "shown": effect.shown,
        "reminded": effect.reminded,
        "escalated": effect.escalated,
        "silences": effect.silences,
        "playbooks": effect.playbooks,
    }


# --- the page --------------------------------------------------------------------------------------------------


def page_of(result: LookbackResult, names: Names) -> str:
    """Return the page as HTML, with nothing to load."""
    from followupd.adapters.pages import render_page

    found, calendar, now = result.found, result.calendar, result.found.until
    weeks, steps = by_week(found, calendar)
    outcomes = list(_TONES)
    first_mail = min((thread.mails[0].at for thread in found.threads), default=now)
    return render_page(
        "lookback.html",
        headline=headline(result),
        sentences=list(_sentences(result)),
        address=", ".join(sorted(result.addresses)),
        begin=calendar.local(first_mail).date(),
        end=calendar.local(now).date(),
        figures=_figures(result),
        weeks=weeks,
        steps=[
            {"label": _date(monday), "counts": [counts[each] for each in outcomes]}
            for monday, counts in steps
        ],
        series=[{"name": name, "tone": tone} for name, tone in _TONES.values()],
        first_words=_first_word_rows(found) if result.replies else [],
        threads=[
            _thread_view(thread, names, calendar, now) for thread in worth_reading(found) if result.replies
        ],
        readers=READERS,
        expected=_expected(found),
        effect=result.effect,
        shortened=names.hidden,
    )


def _figures(result: LookbackResult) -> list[tuple[str, str]]:
    """Return the figures below the headline, and what each counts.

    Args:
        result: what was found.

    Returns:
        each figure as it is shown, with its meaning.
    """
    found = result.found
    total = len(found.promises)
    shares = [(f"{found.count(each):,}", f"of {total:,}: {name}") for each, (name, _) in _TONES.items()]
    middle = found.first_word_median
    first = [(_span(middle), "until the first word (median)")] if middle is not None else []
    customers = "customer" if found.repeat == 1 else "customers"
    repeat = [(f"{found.repeat:,}", f"{customers} complained on two days or more")] if found.repeat else []
    return [*(shares if total else []), *first, *repeat]


def _first_word_rows(found: Lookback) -> list[dict[str, Any]]:
    """Return how many customers had a first word within which time.

    Args:
        found: what was read; conversations that we began wait for no first word.
    """
    waits = found.first_words
    begun = sum(not thread.mails[0].ours for thread in found.threads)
    return [
        {"label": name, "count": sum(wait <= limit for wait in waits), "total": begun}
        for name, limit in _FIRST_WORDS
    ]


def _expected(found: Lookback) -> tuple[int, int]:
    """Return how many of the promises called forgotten are, and how many more there are, as the reader usually errs.

    Args:
        found: what was read.
    """
    precision, recall, _ = READERS["a promise that was forgotten"]
    right = found.count(WordOutcome.FORGOTTEN) * precision
    return round(right), round(right / recall - right)


def _thread_view(thread: Thread, names: Names, calendar: Calendar, now: datetime) -> dict[str, Any]:
    """Return what the page shows of a thread: who, about what, and what happened in which order.

    Args:
        thread: one that is worth reading.
        names: shortens the customer's name.
        calendar: the company's, in whose time zone days are shown.
        now: the end of what was read, in UTC.

    Returns:
        its subject, its customer, and a line for each thing that happened, oldest first.
    """
    who = names.person(thread.customer)
    lines = [(mail.at, "none", f"{who} {_complains(mail)}.") for mail in thread.complaints]
    for judged in thread.promises:
        text = names.text(judged.promise.text, thread.customer)
        due = _date(calendar.local(judged.promise.due).date())
        lines.append((judged.made.at, "none", f"You promised, by {due}: “{text}”"))
    lines += [_decided(judged, who, now) for judged in _first_of_each(thread)]
    lines += [
        (wait.mail.at + timedelta(seconds=1), "bad", "This mail never got an answer.")
        for wait in thread.waits
        if wait.answered_at is None and wait.silent
    ]
    subject = names.text(thread.subject, thread.customer) or "(no subject)"
    ordered = sorted(lines, key=lambda line: line[0])
    return {
        "subject": subject,
        "who": who,
        "lines": [
            {"day": _date(calendar.local(at).date()), "tone": tone, "text": text}
            for at, tone, text in ordered
        ],
    }


def _first_of_each(thread: Thread) -> list[JudgedPromise]:
    """Return the earliest promise that each mail, or no mail, decides: one sentence tells of the others too."""
    earliest: dict[str, JudgedPromise] = {}
    for judged in sorted(thread.promises, key=lambda each: each.promise.due):
        earliest.setdefault(judged.by.id if judged.by else "", judged)
    return list(earliest.values())


def _complains(mail: ArchiveMail) -> str:
    """Return what a customer's mail does, as certain as the recogniser is."""
    word = "complains" if mail.verdict == "complaint" else "seems to complain"
    return f"{word}, and it is serious" if mail.severe else word


def _decided(judged: JudgedPromise, who: str, now: datetime) -> tuple[datetime, str, str]:
    """Return when a promise was decided, the tone of it, and the sentence.

    Args:
        judged: the promise, and what became of it.
        who: the customer, as the page names them.
        now: the end of what was read, in UTC; what was forgotten has no other end.

    Returns:
        the time in UTC, a tone of the page's style sheet, and the sentence.
    """
    due, by = judged.promise.due, judged.by
    _, tone = _TONES[judged.outcome]
    if by is None:
        return now, tone, f"No word since, for {_span(now - judged.made.at)}."
    after = f"{_span(by.at - due)} after the date" if by.at > due else ""
    sentences: Mapping[WordOutcome, str] = {
        WordOutcome.WORD: "Word by the date." if by.ours else f"{who} says that it is settled.",
        WordOutcome.LATE: f"Word, {after}.",
        WordOutcome.ASKED: f"{who} has to ask, {after}.",
    }
    return by.at, tone, sentences[judged.outcome]


def _date(day: Any) -> str:
    """Return a day for people."""
    return printable(f"{day.day} {day:%b %Y}")
