"""A world in which everything goes wrong: a mailbox and a post of plain Python, about the real ledger, rounds and letters.

Only the two doors to the network are played; what they promise is kept honest by the contracts that the true doors keep
(`tests/contracts`). The post remembers what it accepted, and calls a broken promise of ours by its name at once.
"""

import email
import email.policy
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from sqlalchemy import event

from followupd.adapters.imap.mailbox import FetchedMail, FolderChanges, SyncCursor
from followupd.adapters.overlay import write_starter
from followupd.adapters.settings import load
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.adapters.storage.outbox import UnknownLetterError
from followupd.app.container import App, build
from followupd.app.cycle import run_cycle
from followupd.domain import lifecycle
from followupd.domain.case import Case, Fault, Stage
from followupd.domain.compensation import GrantState, Money
from followupd.domain.letter import DeliveryOutcome, DeliveryResult, LetterStatus, OutboxEntry
from followupd.domain.promise import OptionState, PromiseState
from followupd.errors import FollowupdError
from followupd.services.inbox.sync import Folder, FolderRole

CUSTOMERS = ("kim@customers.test", "lu@customers.test")
AGENTS = ("ana@agents.test", "lee@agents.test", "max@agents.test")
SUPPORT = "support@example.test"
EURO_20 = Money(2000, "EUR")
#: how the settings differ from one world to another
VARIANTS = ("asks", "resends", "reviews")
FOLDERS = (
    Folder("support", "INBOX", FolderRole.INBOX),
    Folder("support", "Recovery/Fixed", FolderRole.COMMAND, "fixed"),
    Folder("support", "Sent", FolderRole.SENT),
)
#: what was tried, over all worlds of this run
TRIED: Counter[str] = Counter()

CONFIGURATION = """
[company]
name = "Example Ltd"
timezone = "Europe/London"
currency = "EUR"
[[mailbox]]
name = "support"
address = "{address}"
host = "127.0.0.1"
username = "support"
password = "env:NONE"
[smtp]
host = "127.0.0.1"
in_doubt = "{in_doubt}"
[ledger]
url = "sqlite:///unused.db"
[hours]
holidays = ""
[[agent]]
id = "ana"
name = "Ana Reyes"
email = "ana@agents.test"
phone = "+44 20 7946 0018"
limit = "50.00"
[[agent]]
id = "lee"
name = "Lee Park"
email = "lee@agents.test"
phone = "+44 20 7946 0019"
role = "lead"
limit = "500.00"
[[agent]]
id = "max"
name = "Max Stone"
email = "max@agents.test"
phone = "+44 20 7946 0020"
role = "manager"
"""
REVIEWS = """
name = "default"
owner = "ana"
[confirmation]
review = true
[follow_up]
review = true
[gift_card]
amount = "20 EUR"
"""
#: what an agent who is asked says of a case
FACTS = {
    "cause": "two labels had been swapped on our packing table",
    "resolution": "a new teapot went out by courier on Tuesday",
    "prevention": "each label is now compared with its order",
}


class KilledError(BaseException):
    """The process dies here; nothing in the house may catch it."""


class BrokenPromiseError(AssertionError):
    """The house did what it must never do."""


@dataclass
class Plug:
    """Pulled at the n-th durable step from now on."""

    left: int = 0

    def step(self, where: str) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                TRIED[f"killed {where}"] += 1
                raise KilledError(where)


def plugged(ledger: Ledger, path: Path, plug: Plug) -> None:
    """Let the ledger of a house write to this file, and die before a transaction or right after a commit."""
    opened = Ledger(f"sqlite:///{path}", ledger._vault)
    event.listen(opened._engine, "connect", _no_sync)

    @contextmanager
    def tx(*, durable: bool = True) -> Iterator[Transaction]:
        plug.step("before a transaction")
        with opened.transaction(durable=durable) as tx:
            yield tx
        plug.step("after a commit")

    ledger.close()
    ledger._engine = opened._engine
    ledger.transaction = tx  # type: ignore[method-assign]  # every room of the house holds this very ledger


def _no_sync(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")  # here processes die, not machines


# --- the mailbox ------------------------------------------------------------------------------------------------------


@dataclass
class Mail:
    """A mail in a folder."""

    uid: int
    raw: bytes = field(repr=False)
    received_at: datetime = field(repr=False)
    flags: frozenset[str] = frozenset()
    modseq: int = 0

    def fetched(self) -> FetchedMail:
        return FetchedMail(
            uid=self.uid,
            flags=self.flags,
            received_at=self.received_at,
            size=len(self.raw),
            raw=self.raw,
        )


@dataclass
class Mailbox:
    """A mailbox with CONDSTORE, of one process; it outlives every House."""

    plug: Plug
    folders: dict[str, list[Mail]] = field(
        default_factory=lambda: {**{folder.name: [] for folder in FOLDERS}, "Drafts": []}
    )
    uidvalidity: int = 1
    modseq: int = 1
    next_uid: int = 1
    inbox: str = "INBOX"
    sent: str = "Sent"
    drafts: str = "Drafts"
    connected: bool = True
    in_flight: tuple[int, ...] = ()

    def server_name(self, folder: str) -> str:
        return folder

    def has_letters_of_ours(self, folder: str, keywords: Iterable[str]) -> bool:
        return any(
            b"X-Followupd-Key:" in mail.raw or mail.flags.intersection(keywords)
            for mail in self.folders[folder]
        )

    def put(self, raw: bytes, at: datetime, folder: str = "INBOX", flags: Iterable[str] = ()) -> Mail:
        self.modseq += 1
        mail = Mail(self.next_uid, raw, at, frozenset(flags), self.modseq)
        self.next_uid += 1
        self.folders[folder].append(mail)
        return mail

    def tag(self, mail: Mail, *tags: str) -> None:
        self.modseq += 1
        mail.flags, mail.modseq = mail.flags | set(tags), self.modseq

    def untag(self, mail: Mail) -> None:
        self.modseq += 1
        mail.flags, mail.modseq = (
            frozenset(flag for flag in mail.flags if flag.startswith("fu-")),
            self.modseq,
        )

    def renumber(self) -> None:
        self.uidvalidity += 1
        self.next_uid = 1
        for mails in self.folders.values():
            for mail in mails:
                mail.uid, self.next_uid = self.next_uid, self.next_uid + 1

    def refile(self, mail: Mail, folder: str) -> None:
        for mails in self.folders.values():
            if mail in mails:
                mails.remove(mail)
        self.put(mail.raw, mail.received_at, folder, mail.flags)

    # --- the door that the rounds know ---

    def start(self, _folder: str, _since: object) -> tuple[SyncCursor, int]:
        return SyncCursor(self.uidvalidity, 0, 0), 0

    def is_empty(self, folder: str, cursor: SyncCursor) -> bool:
        return cursor.uidvalidity == self.uidvalidity and not self.folders[folder]

    def changes(self, folder: str, cursor: SyncCursor, **_: Any) -> Iterator[FolderChanges]:
        self.plug.step("before reading")
        reset = cursor.uidvalidity != self.uidvalidity
        read = 0 if reset else cursor.uid
        mails, modseq = list(self.folders[folder]), self.modseq
        new = [mail for mail in mails if mail.uid > read]
        for start in range(0, len(new), 2):
            part = new[start : start + 2]
            reached = SyncCursor(self.uidvalidity, part[-1].uid, 0 if reset else cursor.modseq)
            fetched = tuple(mail.fetched() for mail in part)
            yield FolderChanges(folder=folder, cursor=reached, new=fetched, reset=reset)
            self.plug.step("between two batches")
        last = max([read, *(mail.uid for mail in new)])
        changed = (
            {} if reset else {m.uid: m.flags for m in mails if m.uid <= read and m.modseq > cursor.modseq}
        )
        if changed or (last, modseq) != (cursor.uid, cursor.modseq):
            end = SyncCursor(self.uidvalidity, last, modseq)
            yield FolderChanges(folder=folder, cursor=end, flags=changed, reset=reset)

    def fetch(self, folder: str, uids: Collection[int]) -> list[FetchedMail]:
        return [mail.fetched() for mail in self._mails(folder, uids)]

    def _mails(self, folder: str, uids: Collection[int]) -> list[Mail]:
        return [mail for mail in self.folders[folder] if mail.uid in uids]

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        self.plug.step("before marking")
        for mail in self._mails(folder, uids):
            self.modseq += 1
            mail.flags, mail.modseq = (mail.flags | set(add)) - set(remove), self.modseq
        self.plug.step("after marking")
        return True

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        self.plug.step("before moving")
        for mail in self._mails(folder, [uid]):
            self.folders[folder].remove(mail)
            self.put(mail.raw, mail.received_at, to, {*mail.flags, *(["\\Seen"] if seen else [])})
        self.plug.step("after moving")

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> list[int]:
        return [
            mail.uid
            for mail in self.folders[folder]
            if message_id in str(email.message_from_bytes(mail.raw)[header] or "")
        ]

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        self.plug.step("before filing a draft")
        self.put(raw, datetime(2026, 1, 1, tzinfo=UTC), folder, flags)
        self.plug.step("after filing a draft")

    def remove(self, folder: str, uid: int) -> None:
        self.plug.step("before removing a draft")
        self.folders[folder] = [mail for mail in self.folders[folder] if mail.uid != uid]
        self.plug.step("after removing a draft")


# --- the post ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accepted:
    """A letter that the server took."""

    key: str
    to: str
    at: datetime
    raw: bytes = field(repr=False)
    mail: EmailMessage = field(repr=False)

    @property
    def kind(self) -> str:
        first, second, *_ = self.key.split(".")
        return first if first.startswith("desk/") else second

    @property
    def ref(self) -> str:
        return self.key.split(".")[0]

    @property
    def automatic(self) -> bool:
        return bool(self.mail["Auto-Submitted"])

    @property
    def text(self) -> str:
        part = self.mail.get_body(("plain",))
        return part.get_content() if part else ""


@dataclass
class SmtpTransport:
    """Takes letters as `plan` says, the usual thing being to accept; what it took can never be untaken."""

    world: "Simulation"
    plan: list[str] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    bad_addresses: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        del sender
        how = self.plan.pop(0) if self.plan else "accepted"
        if to in self.bad_addresses and how == "accepted":
            how = "refused"
        TRIED[f"post {how}"] += 1
        self.world.plug.step("before the post")
        match how:
            case "killed":
                raise KilledError("before the post")
            case "slow":
                self.world.seconds += 1
            case "deferred":
                return DeliveryResult(DeliveryOutcome.DEFERRED, "451 4.3.0 later", witnessed=bool(witness))
            case "outage":
                return DeliveryResult(DeliveryOutcome.DEFERRED, "no line", outage=True)
            case "refused":
                return DeliveryResult(DeliveryOutcome.REFUSED, "550 5.1.1 nobody is there")
            case "lost":
                return DeliveryResult(
                    DeliveryOutcome.UNKNOWN, "the line broke after the dot", witnessed=bool(witness)
                )
        self._take(letter, to, witness)
        self.world.plug.step("after the post took it")
        if how == "kept":
            return DeliveryResult(
                DeliveryOutcome.UNKNOWN, "the line broke after the dot", witnessed=bool(witness)
            )
        return DeliveryResult(DeliveryOutcome.ACCEPTED, "250 2.0.0 queued", witnessed=bool(witness))

    def _take(self, letter: bytes, to: str, witness: str) -> None:
        mail = email.message_from_bytes(letter, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        taken = Accepted(str(mail["X-Followupd-Key"]), to, self.world.now, letter, mail)
        try:
            self.world.inspect(taken)
        except BrokenPromiseError as broken:  # the house must not catch it
            self.world.broken.append(broken)
        self.accepted.append(taken)
        if witness:
            self.world.copies.append(letter)


# --- the world --------------------------------------------------------------------------------------------------------


@cache
def _directory() -> TemporaryDirectory[str]:
    """Return the starter configuration's directory, which goes with the interpreter."""
    directory = TemporaryDirectory(prefix="fu-simulated-")
    write_starter(Path(directory.name))
    return directory


@cache
def _base(variant: str) -> App:
    """Return a house with the settings of a variant; its doors are replaced before anybody uses them."""
    directory = Path(_directory().name)
    in_doubt = "resend" if variant == "resends" else "ask"
    (directory / "followupd.toml").write_text(CONFIGURATION.format(address=SUPPORT, in_doubt=in_doubt))
    starter = (directory / "playbooks" / "default.toml").read_text()
    if variant == "reviews":
        (directory / "playbooks" / "default.toml").write_text(REVIEWS)
    app = build(load(directory))
    (directory / "playbooks" / "default.toml").write_text(starter)
    return app


class Simulation:
    """Customers, agents, a mailbox, a post and a house that dies and is built again over the same ledger."""

    def __init__(self, path: Path, variant: str, start: datetime) -> None:
        self.path, self.variant, self.now = path, variant, start
        self.plug = Plug()
        self.seconds = 0.0  # of the clock by which handfuls are measured; chance stays hypothesis's
        self.mailbox = Mailbox(self.plug)
        self.post = SmtpTransport(self)
        self.copies: list[bytes] = []  # of letters the server took, on their way to our mailbox
        self.copies_read: set[str] = set()
        self.may_again: Counter[str] = Counter()
        self.sent_by_hand: Counter[str] = Counter()  # letters that an agent sent from the mail client
        self.broken: list[BrokenPromiseError] = []
        self.codes = 0
        self.mails = 0
        self.answered: set[str] = set()  # keys of desk mails that the agent in the calm phase has answered
        self.app = self._built()
        self.app.ledger.upgrade()

    def copy(self, path: Path) -> "Simulation":
        """Return another world in which the same has happened; its ledger is a copy of this one's."""
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        made = Simulation(path, self.variant, self.now)
        made.mailbox = deepcopy(self.mailbox, {id(self.plug): made.plug})
        made.post.accepted += self.post.accepted
        made.copies, made.copies_read = list(self.copies), set(self.copies_read)
        made.may_again, made.sent_by_hand = self.may_again.copy(), self.sent_by_hand.copy()
        made.codes, made.mails, made.answered = self.codes, self.mails, set(self.answered)
        return made

    # --- life and death ---

    def _built(self) -> App:
        base = _base(self.variant)
        plugged(base.ledger, self.path, self.plug)
        return replace(
            base, sender=replace(base.sender, transport=self.post, elapsed=lambda: self.seconds, _results={})
        )

    def live(self, beats: int = 6) -> None:
        """Beat until nothing more happens; a house that dies is built anew and wakes up."""
        for _ in range(50):
            try:
                for _ in range(beats):
                    if not self.reads() + run_cycle(self.app, self.now):
                        break
            except KilledError:
                if self._wake():
                    continue
            return
        raise BrokenPromiseError("the house dies for ever")

    def reads(self) -> int:
        return sum(self.app.inbox.sync(self.mailbox, folder, self.now) for folder in FOLDERS)

    def _wake(self) -> bool:
        self.app.ledger.close()
        self.app = self._built()
        try:
            self.app.sender.recover_interrupted(self.now)
        except KilledError:
            return self._wake()
        return True

    def end(self) -> None:
        self.app.ledger.close()

    # --- people ---

    def mail(
        self, sender: str, subject: str, text: str, answering: EmailMessage | None = None, **headers: str
    ) -> bytes:
        self.mails += 1
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, subject
        mail["Message-ID"], mail["Date"] = f"<mail-{self.mails}@{sender.rpartition('@')[2]}>", self.now
        if answering is not None:
            mail["In-Reply-To"] = str(answering["Message-ID"])
            mail["References"] = f"{answering['References'] or ''} {answering['Message-ID']}".strip()
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail.as_bytes(policy=email.policy.SMTP)

    def arrives(self, raw: bytes, folder: str = "INBOX", flags: Iterable[str] = ()) -> Mail:
        return self.mailbox.put(raw, self.now, folder, flags)

    def copy_arrives(self, raw: bytes) -> None:
        self.arrives(raw)
        self.copies_read.add(str(email.message_from_bytes(raw)["X-Followupd-Key"]))

    def bounce(self, letter: Accepted) -> None:
        report = (
            f"From: Mail System <mailer-daemon@example.test>\r\nTo: {SUPPORT}\r\n"
            f"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <bounce-{self.mails}@example.test>\r\n"
            f"Date: {self.now:%a, %d %b %Y %H:%M:%S} +0000\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nNobody is there.\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; example.test\r\n\r\n"
            f"Final-Recipient: rfc822; {letter.to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {letter.mail['Message-ID']}\r\n"
            f"Subject: {letter.mail['Subject']}\r\n\r\n--b--\r\n"
        )
        self.mails += 1
        self.arrives(report.encode())

    def says(self, ref: str, *lines: str, agent: str = "") -> list[str]:
        """Say lines as `followupd tell` does."""
        who = self.app.settings.team.by_id(agent) if agent else None
        with self.app.ledger.transaction() as tx:
            case = tx.cases.get(ref)
            result = self.app.commands.run_lines(
                tx, case, lines, who.name if who else "shell", "tell", who, self.now
            )
        return list(result.problems)

    def handles_a_draft(self, which: int, how: str) -> None:
        """Do with a draft what an agent does in a mail client: send it, as it is or in other words, edit or delete it."""
        lying = self.mailbox.folders["Drafts"]
        if not lying:
            return
        draft = lying.pop(which % len(lying))
        mail = email.message_from_bytes(draft.raw, policy=email.policy.SMTP)
        TRIED[f"draft {how}"] += 1
        if how in {"sent in other words", "edited"}:
            self.mails += 1
            text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # our letters have a text part
            mail.replace_header("Message-ID", f"<draft-{self.mails}@client.test>")
            mail.clear_content()
            mail.set_content(f"{text}\nP.S. I have looked into it myself.\n")
        if how == "edited":
            self.mailbox.put(mail.as_bytes(), self.now, "Drafts")
        if how.startswith("sent"):
            self.sent_by_hand[str(mail["X-Followupd-Key"])] += 1
            self.arrives(mail.as_bytes(), "Sent")

    def settles(self, key: str, how: str) -> None:
        """Settle a letter as `followupd settle` does; what a person may do with one that is not in doubt is refused."""
        before = self.letter(key)
        if how == "drop" and before and not before.letter.to_customer:
            return  # who drops a question has read it
        try:
            self.app.sender.resolve(key, how, "a person", self.now)  # type: ignore[arg-type]  # drawn from the words
        except KilledError:
            self._wake()
        except FollowupdError:
            return
        if how == "resend" and before and before.status is LetterStatus.DOUBT:
            self.may_again[key] += 1

    def imports(self, number: int = 1) -> None:
        with self._looking() as tx:
            for _ in range(number):
                self.codes += 1
                tx.cards.add(f"CODE-{self.codes:05}-SECRET", EURO_20, None, self.now)

    def many_write(self, number: int, domain: str = "", text: str = "") -> None:
        """Many customers complain at once, each at a domain of its own unless one is named."""
        for _ in range(number):
            name = self.mails + 1
            sender = f"Customer {name} <c{name}@{domain or f'many-{name}.test'}>"
            said = text or f"My parcel number {name} has still not arrived. This is unacceptable."
            self.arrives(self.mail(sender, f"Parcel {name}", said), flags=["complaint"])

    # --- what is so ---

    @contextmanager
    def _looking(self) -> Iterator[Transaction]:
        """Look into the ledger from outside: the plug is pulled on the house alone."""
        left, self.plug.left = self.plug.left, 0
        try:
            with self.app.ledger.transaction() as tx:
                yield tx
        finally:
            self.plug.left = left

    def letter(self, key: str) -> OutboxEntry | None:
        with self._looking() as tx:
            try:
                return tx.outbox.get(key)
            except UnknownLetterError:
                return None

    def letters(self, *conditions: LetterStatus) -> list[OutboxEntry]:
        with self._looking() as tx:
            return tx.outbox.all(*conditions)

    def cases(self) -> list[Case]:
        with self._looking() as tx:
            return tx.cases.all()

    # --- what must never be ---

    def inspect(self, letter: Accepted) -> None:
        """Look at a letter in the moment in which the server takes it."""
        TRIED[f"letter {letter.kind}"] += 1
        codes = set(re.findall(r"CODE-\d{5}-SECRET", letter.raw.decode() + letter.text))
        if letter.kind.startswith("desk/"):
            _must(not codes, f"{letter.key} to an agent shows a gift code")
            return
        earlier = [each for each in self.post.accepted if each.key == letter.key]
        again = self.may_again[letter.key] + self._by_policy(letter)
        _must(len(earlier) <= again, f"{letter.key} left twice")
        by_hand = self.sent_by_hand[letter.key]
        _must(
            not by_hand or bool(again), f"{letter.key} left though an agent had sent it from the mail client"
        )
        _must(
            not earlier or letter.key not in self.copies_read or bool(self.may_again[letter.key]),
            f"{letter.key} left again though its copy had come back",
        )
        _must(not codes or letter.kind == "gift-card", f"{letter.key} shows a gift code")
        for code in codes:
            given = [each.key for each in self.post.accepted if code in each.text]
            _must(
                len(given) <= sum(self.may_again[key] for key in {*given, letter.key}),
                f"a code left twice: {given}",
            )
        self._inspect_stage(letter)
        self._inspect_budget(letter)

    def _by_policy(self, letter: Accepted) -> int:
        return 10**6 if self.variant == "resends" and letter.kind != "gift-card" else 0

    def _inspect_stage(self, letter: Accepted) -> None:
        with Ledger(f"sqlite:///{self.path}", self.app.vault).transaction() as tx:
            case = tx.cases.get(letter.ref)
        silent = {Stage.SUSPECTED, Stage.DISMISSED}
        allowed = {
            "confirmation": set(Stage) - silent,
            "delay": set(Stage) - silent - {Stage.CLOSED},
            # after the fix too, while something keeps the follow-up back
            "holding": {Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED, Stage.FIXED},
            "follow-up": {Stage.FIXED},
            "gift-card": {Stage.FOLLOWED_UP, Stage.CLOSED},
        }
        _must(case.stage in allowed[letter.kind], f"{letter.key} left while the case is {case.stage}")
        _must(not case.held, f"{letter.key} left while the case is held")
        local = self.app.settings.calendar.quiet_until(self.now)
        _must(local is None, f"{letter.key} left in the quiet hours")

    def _inspect_budget(self, letter: Accepted) -> None:
        if not letter.automatic or letter.kind not in {"confirmation", "follow-up", "gift-card"}:
            return
        state = self.letter(letter.key)
        if state is None or not state.letter.automatic:
            return
        today = {
            each.key
            for each in self.post.accepted
            if each.to == letter.to
            and each.key != letter.key
            and not each.kind.startswith("desk/")
            and abs(letter.at - each.at) < timedelta(days=1)
            and self._automatic(each.key)
        }
        _must(not today, f"{letter.key} is one automatic letter too many for {letter.to} after {today}")

    def _automatic(self, key: str) -> bool:
        state = self.letter(key)
        return bool(state and state.letter.automatic)

    def inspect_ledger(self) -> None:
        """Look at what is written down: the histories, and letters in doubt past their window."""
        if self.broken:
            raise self.broken[0]
        with self._looking() as tx:
            cases = tx.cases.all()
            histories = {case.ref: tx.cases.history(case.ref) for case in cases}
            letters = tx.outbox.all()
        for case in cases:
            folded = replace(lifecycle.fold(histories[case.ref]), wake_at=case.wake_at, version=case.version)
            _must(folded == case, f"{case.ref} is not what its history says")
        self._inspect_doubts(letters)
        self._inspect_follow_ups(histories)

    def _inspect_doubts(self, letters: list[OutboxEntry]) -> None:
        _must(
            not [x for x in letters if x.status is LetterStatus.SENDING],
            "a letter is left on its way for ever",
        )
        window = self.app.sender.policy.witness_within
        for state in letters:
            late = (
                state.status is LetterStatus.DOUBT
                and state.sending_since
                and self.now >= state.sending_since + window
            )
            asked = [
                each
                for each in letters
                if each.letter.kind == "desk/doubt"
                and state.letter.key in each.letter.text
                and state.sending_since
                and each.written_at >= state.sending_since
            ]
            _must(not late or bool(asked), f"{state.letter.key} is in doubt and nobody was asked")

    def _inspect_follow_ups(self, histories: Mapping[str, list[Any]]) -> None:
        for ref, history in histories.items():
            fixes = sum(type(each).__name__ == "Fixed" for each in history)
            keys = {each.key for each in self.post.accepted if each.ref == ref and each.kind == "follow-up"}
            failed = sum(type(e).__name__ == "LetterRefused" and e.kind == "follow-up" for e in history)
            _must(len(keys) <= fixes + failed, f"{ref} had {len(keys)} follow-ups for {fixes} fixes")

    # --- calm ---

    def calm(self) -> None:
        """No faults any more: time goes on, copies come, agents answer everything that they are asked."""
        self.plug.left, self.post.plan = 0, []
        self.post.bad_addresses.clear()
        for raw in self.copies:
            self.copy_arrives(raw)
        self.copies.clear()
        self.imports(5)
        for _ in range(
            240
        ):  # by the hour: a letter of a held case is looked at every few minutes, all weekend long
            self.live(12)
            self.inspect_ledger()
            self._copies_come()
            self._answer()
            if not self._open():
                break
            self.now = max(self.now + timedelta(hours=1), self._next_moment())
        self._inspect_end()

    def _copies_come(self) -> None:
        for raw in self.copies:
            self.copy_arrives(raw)
        self.copies.clear()

    def _next_moment(self) -> datetime:
        with self._looking() as tx:
            moments = [tx.cases.next_wake()]
            moments += [
                state.not_before for state in tx.outbox.all(LetterStatus.QUEUED, LetterStatus.DEFERRED)
            ]
            moments += [
                state.sending_since + self.app.sender.policy.witness_within
                for state in tx.outbox.all(LetterStatus.DOUBT)
                if state.sending_since
            ]
        later = [moment for moment in moments if moment and moment > self.now]
        return min([*later, self.now + timedelta(days=2)])

    def _answer(self) -> None:
        """Every agent does what the last mail about a case asks."""
        for mail in [each for each in self.post.accepted if each.kind.startswith("desk/")]:
            if mail.key in self.answered or mail.kind in {"desk/opened", "desk/answer"}:
                continue
            self.answered.add(mail.key)
            for ref in [case.ref for case in self.cases() if case.ref in mail.text + mail.key]:
                self._act_on(ref)
                if "in better words" in " ".join(mail.text.split()):  # the same ones as in another case, say
                    self.says(ref, f"resolution: found out, and put right for {ref}")

    def _act_on(self, ref: str) -> None:
        for state in self.letters(LetterStatus.DOUBT):
            if state.letter.case == ref and state.letter.to_customer:
                self.settles(state.letter.key, "sent")
        with self._looking() as tx:
            case = tx.cases.get(ref)
        for line in _deeds(case):
            if self.says(ref, line, agent="lee"):
                self.says(ref, line, agent="max")  # some words need a second person

    def _open(self) -> list[Case]:
        done = {Stage.CLOSED, Stage.DISMISSED, Stage.FOLLOWED_UP}
        owing = {GrantState.GRANTED, GrantState.WAITING_APPROVAL, GrantState.PROPOSED}
        return [
            case
            for case in self.cases()
            if case.stage not in done
            or (
                case.stage is not Stage.DISMISSED
                and (case.owed or any(g.state in owing for g in case.compensation))
            )
        ]

    def _inspect_end(self) -> None:
        for case in self._open():
            with self._looking() as tx:
                history = [
                    f"{each.at:%m-%d %H:%M} {type(each).__name__} {each.why}"
                    for each in tx.cases.history(case.ref)
                ]
            story = "\n  ".join(history[-40:])
            _must(
                False,
                f"{case.ref} is {case.stage}{' held' if case.held else ''} for ever, wake {case.wake_at}, now "
                f"{self.now}; {[(m.key, m.state) for m in case.letters if m.state != 'left']}\n  {story}",
            )
        waiting = self.letters(LetterStatus.SENDING, LetterStatus.DOUBT)
        _must(
            not [x for x in waiting if x.letter.to_customer],
            f"letters wait for ever: {[x.letter.key for x in waiting]}",
        )


def _deeds(case: Case) -> list[str]:
    """Return what a good agent says when the house asks about this case."""
    said: list[str] = []
    if case.held:
        said.append("release")
    if case.stage is Stage.SUSPECTED:
        said.append("dismiss")
    if any(mark.state == "review" for mark in case.letters):
        said.append("approve")
    waiting = {GrantState.WAITING_APPROVAL, GrantState.PROPOSED}
    if any(p.state is PromiseState.PROPOSED for p in case.promises) or any(
        g.state in waiting for g in case.compensation
    ):
        said.append("approve")
    said += [f"kept: {promise.n}" for promise in case.owed]
    said += [
        f"issued: {grant.n}"
        for grant in case.compensation
        if grant.state in {GrantState.GRANTED, GrantState.MISSING} and grant.kind != "gift-card"
    ]
    said += [
        f"refused: {grant.n}"
        for grant in case.compensation
        if case.card_lacking_at and grant.kind == "gift-card" and grant.state is GrantState.GRANTED
    ]
    said += ["withdraw-option" for option in case.options if option.state is OptionState.OPEN][:1]
    said += [f"{name}: {FACTS[name]}" for name in case.facts.missing(tuple(FACTS))]
    if case.facts.fault is Fault.UNKNOWN:
        said.append("fault: ours")
    if case.not_reached:
        said.append("reached")
    if case.stage in {Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED} or (
        case.stage is Stage.FIXED and case.unanswered
    ):
        said.append("fixed")
    if case.stage is Stage.FOLLOWED_UP:
        said.append("reached")
    return said


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenPromiseError(otherwise)


def utc(year: int, month: int, day: int, hour: int = 10) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)
