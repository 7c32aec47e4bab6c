"""An archive of support mail with known truth, and how well and how fast `followupd lookback` reads it.

`python -m benchmarks.lookback` measures on the replies of `benchmarks/texts/promises` (O), each once;
`--mails 20000 --write DIR` writes a Maildir of so many mails (`DIR.mbox` too) to measure time and memory with;
`--mails 20000 --dovecot` looks back on them over IMAP, and tells whether the mailbox is the same before and after.

Strangers wrote the complaints and the replies; what happens after a reply is drawn, so that the outcome of each
labelled promise is known: word by the date, late, asked for by the customer, or forgotten.
"""

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import Any

import trustme

from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity
from followupd.languages import catalogue
from followupd.recovery.past.lookback import JudgedPromise, Lookback, WordOutcome, look_back
from followupd.services.classifier import ComplaintClassifier
from followupd.services.lookback import ArchiveReader, RawMail, read_archive
from followupd.text import complaints
from tests.contracts.test_lookback import login, state
from tests.servers.dovecot import Dovecot

TEXTS = Path(__file__).parent / "texts"
SUPPORT = "support@example.com"
CALENDAR = Calendar(timezone="Europe/London")
#: after every date in the texts
NOW = datetime(2028, 1, 1, tzinfo=UTC)
_LANGUAGES = ("en", "de", "fr", "es")
#: how often what happens after a reply
_ENDS = {WordOutcome.WORD: 0.45, WordOutcome.LATE: 0.15, WordOutcome.ASKED: 0.15, WordOutcome.FORGOTTEN: 0.25}
#: words of days that are not so many weeks before others: the end of the month, Christmas, week 31
_OF_YEAR = re.compile(
    r"(?i)month|monat|\bmois|\bmes\b|christmas|weihnacht|noël|navidad|easter|ostern|pâques|pascua|silvester"
    r"|new year|\bKW\b|kalenderwoche|week \d|semaine \d|semana \d"
)
_FIRST = ("Kim", "Alex", "Maria", "Sam", "Nora", "Paul", "Ines", "Tom", "Lena", "Hugo", "Eva", "Luc")
_LAST = ("Doe", "Novak", "Stone", "Berg", "Roux", "Vega", "Frost", "Haas", "Lind", "Moreau", "Ortiz", "Kern")
_WORDS = {
    "en": (
        "It is done: everything has left our house, the number is {n}.",
        "We have looked into it, see note {n}.",
    ),
    "de": ("Es ist erledigt, die Nummer lautet {n}.", "Wir haben es geprüft, siehe Vorgang {n}."),
    "fr": ("C'est fait, le numéro est le {n}.", "Nous avons vérifié, voir le dossier {n}."),
    "es": ("Ya está hecho, el número es {n}.", "Lo hemos comprobado, vea la nota {n}."),
}
_ASKS = {
    "en": "I was told that I would hear from you. What is happening?",
    "de": "Sie wollten sich melden. Wie ist der Stand?",
    "fr": "Vous deviez me tenir au courant. Où en est-on ?",
    "es": "Me dijeron que tendría noticias. ¿Cómo va?",
}
_THANKS = {"en": "Thank you!", "de": "Vielen Dank!", "fr": "Merci beaucoup !", "es": "¡Muchas gracias!"}
_WELCOME = {"en": "You are welcome!", "de": "Gern geschehen!", "fr": "Je vous en prie !", "es": "¡De nada!"}
_WROTE = {
    "en": "On Monday Kim wrote:",
    "de": "Am Montag schrieb Kim:",
    "fr": "Kim a écrit :",
    "es": "Kim escribió:",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """A labelled promise: the mail that makes it, the days that are right, the last of them, and what became of it.

    Of one that is `optional`, its label says that to read no date is right, too.
    """

    message_id: str
    days: frozenset[date]
    due: date
    outcome: WordOutcome
    optional: bool = False


@dataclass(slots=True)
class Generated:
    """The mails of an archive by folder ("" for the inbox, "Sent"), and the truth about them.

    `doubtful` has patterns of the words in a mail that may be called a promise or not.
    """

    mails: list[tuple[str, bytes]] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    doubtful: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many mails there are."""
        return len(self.mails)

    def as_archive(self) -> "_InMemory":
        """Return it as what `read_archive` reads."""
        return _InMemory(self)


@dataclass(frozen=True, slots=True)
class _InMemory:
    generated: Generated

    @property
    def total(self) -> int:
        return self.generated.total

    def mails(self) -> Iterator[RawMail]:
        for folder, raw in self.generated.mails:
            yield RawMail(raw, folder == "Sent", None, 1)


class Generator:
    """Writes conversations; the same seed writes the same ones."""

    def __init__(self, sets: str, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.replies = [
            row for tag in _LANGUAGES for name in sets for row in _rows(f"promises/{tag}/replies-{name}")
        ]
        self.customers = {
            tag: [row for number in ("10", "12") for row in _rows(f"mails/{tag}/round-{number}")]
            for tag in _LANGUAGES
        }
        self.done = Generated()
        self.number = 0

    def once(self) -> Generated:
        """Write one conversation about each reply, and what else a mailbox holds."""
        for row in self.replies:
            self.conversation(row, weeks=0)
            self._noise(parsedate_to_datetime(row["date"]))
        return self.done

    def many(self, mails: int) -> Generated:
        """Write at least so many mails, over two years where a text names no day by its number."""
        while len(self.done.mails) < mails:
            row = self.random.choice(self.replies)
            self.conversation(row, weeks=0 if _names_day(row) else self.random.randrange(100))
            self._noise(parsedate_to_datetime(row["date"]))
        return self.done

    def conversation(self, row: Mapping[str, Any], *, weeks: int) -> None:
        """Write a customer's mail, the reply, and what follows.

        Args:
            row: a labelled reply.
            weeks: how much earlier everything happens.
        """
        self.number += 1
        back = timedelta(weeks=weeks)
        sent = parsedate_to_datetime(row["date"]).astimezone(UTC) - back
        tag = row["lang"]
        talk = _Talk(self, tag)
        opened = self.random.choice(self.customers[tag])
        talk.customer(sent - timedelta(hours=self.random.uniform(0.5, 30)), opened["subject"], opened["body"])
        quoted = "\n".join(f"> {line}" for line in opened["body"].splitlines())
        made = talk.ours(sent, f"{row['text']}\n\n{_WROTE[tag]}\n{quoted}")
        self.done.doubtful[made] = row.get("opt", ())
        promised = [promise for promise in row["promises"] if _is_dated(promise)]
        if self.random.random() < 0.3:
            talk.customer(sent + timedelta(minutes=50), "", _THANKS[tag])
            if self.random.random() < 0.3:
                talk.ours(sent + timedelta(minutes=80), _WELCOME[tag])
        self._end(talk, sent, [_truth(made, promise, back) for promise in promised])

    def _end(self, talk: "_Talk", sent: datetime, promised: Sequence[Truth]) -> None:
        """Write how a conversation ends, and note what became of each promise."""
        end = self.random.choices(list(_ENDS), list(_ENDS.values()))[0]
        due = max((CALENDAR.close_of(one.due) for one in promised), default=sent + timedelta(days=2))
        word = asked = None
        if end is WordOutcome.WORD:
            first = min((CALENDAR.close_of(min(one.days)) for one in promised), default=due)
            within = max(first - sent, timedelta(hours=1))  # a reply may leave after the close of its day
            word = sent + within * self.random.uniform(0.4, 0.98)
        elif end is WordOutcome.LATE:
            word = due + timedelta(hours=self.random.uniform(9, 150))
        elif end is WordOutcome.ASKED:
            asked = due + timedelta(hours=self.random.uniform(9, 100))
            word = asked + timedelta(hours=3)
        if asked:
            talk.customer(asked, "", _ASKS[talk.language])
        if word:
            text = self.random.choice(_WORDS[talk.language]).format(n=self.random.randrange(10**6))
            talk.ours(word, text, fresh=self.random.random() < 0.1)
        self.done.truth += [replace(one, outcome=_became(one.due, word, asked)) for one in promised]

    def _noise(self, at: datetime) -> None:
        """Write what a mailbox holds beside: a newsletter, an absence note, a question that is answered."""
        drawn = self.random.random()
        if drawn < 0.15:
            fields = {
                "List-Unsubscribe": "<https://example.net/u>",
                "From": "news@example.net",
                "To": SUPPORT,
            }
            self.write("", at, "Offers of the week", "Everything 20 % off until Friday!", fields)
        elif drawn < 0.25:
            fields = {
                "Auto-Submitted": "auto-replied",
                "From": f"away{self.number}@example.org",
                "To": SUPPORT,
            }
            self.write("", at, "Out of office", "I am back on Monday.", fields)
        elif drawn < 0.5:
            talk = _Talk(self, "en")
            talk.customer(
                at, f"Opening hours {self.number}", "Hello, when are you open on Saturdays? Thanks, Jo"
            )
            talk.ours(at + timedelta(hours=2), "Hello Jo,\n\nwe are open from ten to four.\n\nAna")

    def write(self, folder: str, at: datetime, subject: str, body: str, fields: Mapping[str, str]) -> str:
        """Add a mail and return its Message-ID."""
        name = f"<{len(self.done.mails)}.{self.number}@archive.example>"
        mail = EmailMessage()
        mail["Subject"], mail["Date"], mail["Message-ID"] = subject, format_datetime(at), name
        for key, value in fields.items():
            mail[key] = value
        mail.set_content(body)
        self.done.mails.append((folder, mail.as_bytes()))
        return name


@dataclass(slots=True)
class _Talk:
    """One conversation: who the customer is, and the Message-IDs so far."""

    generator: Generator
    language: str
    name: str = ""
    address: str = ""
    subject: str = ""
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        pick = self.generator.random.choice
        self.name = f"{pick(_FIRST)} {pick(_LAST)}"
        self.address = f"{self.name.replace(' ', '.').lower()}{self.generator.number}@example.org"

    def customer(self, at: datetime, subject: str, body: str) -> str:
        """Write a mail of the customer."""
        self.subject = self.subject or subject or f"Order {10000 + self.generator.number}"
        fields = {"From": f"{self.name} <{self.address}>", "To": SUPPORT}
        return self._write("", at, body, fields)

    def ours(self, at: datetime, body: str, *, fresh: bool = False) -> str:
        """Write a mail of ours; a `fresh` one begins a thread of its own."""
        fields = {"From": f"Ana Reyes <{SUPPORT}>", "To": f"{self.name} <{self.address}>"}
        if not fresh:
            return self._write("Sent", at, body, fields)
        return self.generator.write("Sent", at, f"About your order {self.generator.number}", body, fields)

    def _write(self, folder: str, at: datetime, body: str, fields: dict[str, str]) -> str:
        if self.ids and self.generator.random.random() < 0.9:
            fields |= {"In-Reply-To": self.ids[-1], "References": " ".join(self.ids)}
        subject = f"Re: {self.subject}" if self.ids else self.subject
        self.ids.append(self.generator.write(folder, at, subject, body, fields))
        return self.ids[-1]


def _rows(name: str) -> list[dict[str, Any]]:
    text = (TEXTS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _names_day(row: Mapping[str, Any]) -> bool:
    """Whether a text names the day of a promise, any date by a number, or a month, so that it cannot be moved by weeks."""
    numbers = set(re.findall(r"\d+", row["text"]))
    days = {str(day.day) for promise in row["promises"] if promise["due"] for day in _days(promise)}
    dotted = re.search(r"\d[./]\d", row["text"]) is not None
    words = set(re.findall(r"[^\W\d_]+", row["text"].lower()))
    in_year = _OF_YEAR.search(row["text"]) or not words.isdisjoint(catalogue().language(row["lang"]).months)
    return dotted or bool(in_year) or not days.isdisjoint(numbers)


def _is_dated(promise: Mapping[str, Any]) -> bool:
    """Whether a promise has a date to be done by."""
    return bool(promise["due"]) and promise.get("relation") != "from"


def _labelled(promise: Mapping[str, Any]) -> Sequence[str | None]:
    """Return every date that the label of a promise takes as right; None says that to read none is right, too."""
    due = promise["due"]
    return due if isinstance(due, list) else [due]


def _days(promise: Mapping[str, Any]) -> list[date]:
    """Return every day that the label of a promise takes as right."""
    return [date.fromisoformat(one[:10]) for one in _labelled(promise) if one]


def _truth(message_id: str, promise: Mapping[str, Any], back: timedelta) -> Truth:
    """Return a labelled promise of a mail that was written so much earlier, before its outcome is drawn."""
    days = frozenset(day - back for day in _days(promise))
    optional = None in _labelled(promise)
    return Truth(message_id, days, max(days), WordOutcome.FORGOTTEN, optional)


def _became(day: date, word: datetime | None, asked: datetime | None) -> WordOutcome:
    """Return what became of a promise for a day, by the only word and question that followed."""
    limit = CALENDAR.moment(day, time(23, 59))
    if word and word <= limit:
        return WordOutcome.WORD
    if asked and asked > limit:
        return WordOutcome.ASKED
    return WordOutcome.LATE if word else WordOutcome.FORGOTTEN


def read_generated(generated: Generated, *, now: datetime = NOW) -> Lookback:
    """Return what a lookback finds in a generated archive."""
    classifier = ComplaintClassifier(complaints.Recogniser.shipped(), 0.9, 0.3, "en", "")
    reader = ArchiveReader(Identity(addresses=frozenset({SUPPORT})), classifier, CALENDAR, now)
    contents = read_archive(generated.as_archive(), reader, lambda _: None)
    return look_back(contents.read, CALENDAR, now)


def right(found: Lookback, generated: Generated, outcome: WordOutcome) -> tuple[float, float]:
    """Return precision and recall of an outcome: the right mail, a right day, the same outcome, each counted once."""
    left = [one for one in generated.truth if one.outcome is outcome]
    wanted = sum(not one.optional for one in left)
    hits, claimed = Counter[bool](), 0
    for judged in found.promises:
        if judged.outcome is not outcome:
            continue
        one = _meant(judged, left)
        if one:
            left.remove(one)
            hits[one.optional] += 1
        claimed += one is not None or not _is_doubtful(judged, generated)
    return hits.total() / max(1, claimed), hits[False] / max(1, wanted)


def _meant(judged: JudgedPromise, left: Sequence[Truth]) -> Truth | None:
    """Return the labelled promise that a finding is, None for none."""
    day = CALENDAR.local(judged.promise.due).date()
    fits = [one for one in left if one.message_id == judged.made.id and day in one.days]
    return min(fits, key=attrgetter("optional"), default=None)


def _is_doubtful(judged: JudgedPromise, generated: Generated) -> bool:
    """Whether the words of a finding are labelled as those that may be called a promise or not."""
    patterns = generated.doubtful[judged.made.id]
    return any(re.search(words, judged.promise.text, re.IGNORECASE) for words in patterns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="YZ", help="of replies: Y and Z teach nothing, the others do")
    parser.add_argument("--mails", type=int, default=0)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--dovecot", action="store_true", help="read them as a mailbox, by the command")
    options = parser.parse_args()
    generator = Generator(options.sets)
    generated = generator.many(options.mails) if options.mails else generator.once()
    if options.write:
        _store(generated, options.write)
        return
    if options.dovecot:
        _by_imap(generated)
        return

    start = monotonic()
    found = read_generated(generated)
    seconds = monotonic() - start
    print(f"{generated.total} mails, {len(generated.truth)} promises with a date, {seconds:.1f} s")
    for outcome in WordOutcome:
        precision, recall = right(found, generated, outcome)
        number = sum(one.outcome is outcome for one in generated.truth)
        print(f"{outcome:18} P {precision:.2f} R {recall:.2f} (n={number}, found {found.count(outcome)})")
    usage = [
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    print(f"memory: {usage[0]} MB, the largest worker {usage[1]} MB")


def _store(generated: Generated, directory: Path) -> None:
    """Write a Maildir, and an mbox beside it."""
    for folder in ("", ".Sent"):
        for part in ("cur", "new", "tmp"):
            (directory / folder / part).mkdir(parents=True, exist_ok=True)
    with Path(f"{directory}.mbox").open("wb") as mbox:
        for number, (folder, raw) in enumerate(generated.mails):
            place = directory / ".Sent" if folder else directory
            (place / "cur" / f"{number}.mail:2,S").write_bytes(raw)
            quoted = re.sub(rb"(?m)^(>*From )", rb">\1", raw)
            mbox.write(b"From archive Thu Jan  1 00:00:00 2026\n" + quoted + b"\n")


# --- as a mailbox ----------------------------------------------------------------------------------------------


def _by_imap(generated: Generated) -> None:
    """Put an archive below an account of a Dovecot, look back on it, and print time, memory and what changed."""
    with tempfile.TemporaryDirectory() as place, Dovecot(trustme.CA(), storage="maildir") as server:
        box = server.account()
        mail = server.directory / "home" / box.username / "mail"
        mail.parent.mkdir(parents=True)
        _store(generated, mail)
        server.user.own(server.directory / "home")
        state(box)  # the server writes its index of mails that it has not seen
        before = state(box), _files(mail)
        words = login(box, str(server.ca_file), Path(place))
        page = ["--us", SUPPORT, "--html", f"{place}/page.html"]
        start = monotonic()
        command = subprocess.Popen([sys.executable, "-m", "followupd", *words, *page])
        most = 0
        while command.poll() is None:
            most = max(most, sum(map(_memory, _with_children(command.pid))))
            with suppress(subprocess.TimeoutExpired):
                command.wait(0.2)
        seconds = monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        same = before == (state(box), _files(mail))
    folders, mails = len(before[0]), len(before[1])
    print(f"{mails} mails in {folders} folders: {'the same' if same else 'CHANGED'} before and after")
    print(
        f"{seconds:.1f} s, of all processes with the server {used.ru_utime + used.ru_stime:.1f} s of processor"
    )
    print(f"memory: {most // 1024} MB at most, workers included, pages that they share counted once")


def _files(directory: Path) -> dict[str, bytes]:
    """Return what each mail of a Maildir is, by its name, which tells its flags."""
    paths = [path for path in directory.rglob("*") if path.parent.name in {"cur", "new"}]
    return {str(path.relative_to(directory)): sha256(path.read_bytes()).digest() for path in paths}


def _with_children(pid: int) -> list[int]:
    """Return a process and those that it started."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *(each for child in found for each in _with_children(int(child)))]
    return []


def _memory(pid: int) -> int:
    """Return the memory of a process in kB, where pages that several share count as a part for each."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(number) for number in re.findall(r"(?m)^Pss:\s+(\d+)", text))
    return 0


if __name__ == "__main__":
    main()
