"""What reading a mailbox costs: followupd's whole intake against a floor on one mailbox of real mails, and its peak memory.

    python -m benchmarks.intake [--mails 10000] [--rounds 3] [--large 50000]

A private Dovecot holds the mails of tests/corpora/data, repeated with Message-IDs of their own. Each round reads the
mailbox from the first mail to the last in a process of its own, turn about:

  followupd   rounds.intake with the real ledger: fetch, read (kind, new words, bounces ...), seal, keep, a cursor a batch
  floor       imapclient, its debugging off, fetching the same parts in batches of 200; the standard parser (compat32)
              reading them: ids, people, subject and every text part, decoded; one batched insert into SQLite a batch

CPU is the client's own. Recognition has its own benchmark (benchmarks/recognise.py). `--large 0` leaves the second
mailbox out, which is for the peak of memory alone.
"""

import argparse
import re
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import trustme
from imapclient import IMAPClient

from benchmarks.intake_fetch import BATCH, described, real_mails
from followupd.adapters.crypto import Vault
from followupd.adapters.imap.fetch import SMALL
from followupd.adapters.imap.mailbox import Account, ImapMailbox
from followupd.adapters.settings.tags import DEFAULT_TAGS
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.systemd import settle
from followupd.domain.mail import Identity
from followupd.services.inbox.sync import Folder, FolderRole, InboxSync
from tests.servers.dovecot import Dovecot
from tests.servers.postbox import Postbox

_MESSAGE_ID = re.compile(rb"^message-id:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_ROW = "{:12}{:>8}{:>12}{:>14}{:>10}"


# --- the mailbox ---


def distinct(mails: list[bytes], number: int) -> Iterator[bytes]:
    """Yield mails, each with a Message-ID that no other has: a mail that was kept once is not kept again."""
    for n in range(number):
        head, between, body = mails[n % len(mails)].partition(b"\r\n\r\n")
        head = _MESSAGE_ID.sub(b"", head + b"\r\n").removesuffix(b"\r\n")
        yield head + b"\r\nMessage-ID: <%d@mailbox.test>" % n + between + body


def fill(postbox: Postbox, number: int) -> None:
    with postbox.client() as client:
        client._imap.debug = 0  # noqa: SLF001 - imapclient offers no other way
        turn: list[dict[str, Any]] = []
        for raw in distinct(real_mails(), number):
            turn.append({"msg": raw, "flags": ()})
            if len(turn) == BATCH:
                client.multiappend("INBOX", turn)
                turn = []
        if turn:
            client.multiappend("INBOX", turn)


# --- followupd ---


def followupd(postbox: Postbox, directory: Path) -> int:
    """Read the whole mailbox as the daemon does at its first connection with `since = "all"`."""
    account = Account(
        name="support",
        host=postbox.host,
        port=postbox.port,
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
    )
    vault = Vault([b"k" * 32])
    ledger = Ledger(f"sqlite:///{directory}/ledger.db", vault)
    ledger.upgrade()
    ours = Identity(addresses=frozenset({"support@example.test"}), letter_key=vault.letter_key)
    intake = InboxSync(
        ledger,
        lambda work: Identity(ours.addresses, letter_key=ours.letter_key, earlier=work.mail.earlier_text),
        DEFAULT_TAGS,
    )
    with ImapMailbox(account) as mailbox:
        return intake.sync(
            mailbox, Folder("support", "INBOX", FolderRole.INBOX, since="all"), datetime.now(UTC)
        )


# --- the floor ---


def floor(postbox: Postbox, directory: Path) -> int:
    """Fetch the parts that followupd fetches, let the standard parser read them, and insert."""
    count = 0
    with sqlite3.connect(directory / "floor.db") as rows, postbox.client() as client:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute(
            "CREATE TABLE mail (uid INTEGER PRIMARY KEY, id, thread, sender, receiver, copy, subject, at, words)"
        )
        client._imap.debug = 0  # noqa: SLF001 - as it comes, it costs several times the fetch
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        for begin in range(0, len(uids), BATCH):
            batch = list(floor_rows(client, uids[begin : begin + BATCH]))
            rows.executemany("INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", batch)
            rows.commit()
            count += len(batch)
    return count


def floor_rows(client: IMAPClient, uids: list[int]) -> Iterator[tuple[object, ...]]:
    about = client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE"])
    small = [uid for uid in uids if about[uid][b"RFC822.SIZE"] <= SMALL]
    bodies = (
        {uid: row[b"BODY[]"] for uid, row in client.fetch(small, ["BODY.PEEK[]"]).items()} if small else {}
    )
    bodies |= large_bodies(client, [uid for uid in uids if uid not in bodies])
    for uid, raw in bodies.items():
        mail = message_from_bytes(raw, policy=compat32)
        said = [decoded(mail[name]) for name in ("Message-ID", "References", "From", "To", "Cc", "Subject")]
        yield uid, *said, about[uid][b"INTERNALDATE"].isoformat(), words_of(mail)


def large_bodies(client: IMAPClient, uids: list[int]) -> dict[int, bytes]:
    """Fetch the header and the text parts alone, those of one shape together, as any careful client would."""
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for uid, row in (client.fetch(uids, ["BODYSTRUCTURE"]) if uids else {}).items():
        shapes[tuple(text_sections(row[b"BODYSTRUCTURE"]))].append(uid)
    found: dict[int, bytes] = {}
    for sections, alike in shapes.items():
        rows = client.fetch(
            alike, ["BODY.PEEK[HEADER]", *(f"BODY.PEEK[{each}]<0.1048576>" for each in sections)]
        )
        for uid, row in rows.items():
            texts = [row.get(f"BODY[{each}]<0>".encode()) or b"" for each in sections]
            found[uid] = row[b"BODY[HEADER]"] + b"\r\n".join(texts)
    return found


def text_sections(structure: Any, section: str = "") -> Iterable[str]:
    if structure.is_multipart:
        prefix = section + "." if section else ""
        for position, child in enumerate(structure[0], 1):
            yield from text_sections(child, f"{prefix}{position}")
    elif str(structure[0]).lower().find("text") >= 0:
        yield section or "1"


def decoded(value: Any) -> str:
    """Read one field as the standard library does; what it cannot decode is left as it stands."""
    try:
        return str(make_header(decode_header(value))) if value else ""
    except (LookupError, ValueError, HeaderParseError):
        return str(value)


def words_of(mail: Message) -> str:
    """Return every text part, by the charset that it names."""
    texts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join(
        text_of(part.get_payload(decode=True), part.get_content_charset("utf-8")) for part in texts
    )


def text_of(raw: Any, charset: str) -> str:
    try:
        return raw.decode(charset, "replace") if isinstance(raw, bytes) else ""
    except (LookupError, ValueError):
        return str(raw, "latin-1")


# --- measuring ---

WAYS: dict[str, Callable[[Postbox, Path], int]] = {"followupd": followupd, "floor": floor}


def measure(way: str, postbox: Postbox) -> str:
    """Return mails, seconds, CPU seconds and peak memory in MB, for the process that asked."""
    with tempfile.TemporaryDirectory(prefix="fu-intake-") as directory:
        wall, cpu = perf_counter(), process_time()
        count = WAYS[way](postbox, Path(directory))
        wall, cpu = perf_counter() - wall, process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{count} {wall} {cpu} {peak}"


def measured(way: str, postbox: Postbox) -> list[float]:
    """Measure in a process of its own, so that memory and caches are its own."""
    child = [sys.executable, "-m", "benchmarks.intake", "--child", way, *map(str, described(postbox))]
    done = subprocess.run(child, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def show(way: str, figures: list[float]) -> float:
    count, wall, cpu, peak = figures
    each = cpu / count * 1e6
    print(_ROW.format(way, f"{count:.0f}", f"{count / wall:.0f}", f"{each:.0f}", f"{peak:.0f}"), flush=True)
    return each


def compare(postbox: Postbox, rounds: int) -> None:
    costs: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for way in WAYS:
            costs[way].append(show(way, measured(way, postbox)))
    ratios = [ours / theirs for ours, theirs in zip(*(costs[way] for way in WAYS), strict=True)]
    print(
        f"CPU a mail, followupd against the floor: {statistics.median(ratios):.2f} (median of {rounds} rounds)"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=50_000, help="mails of the second mailbox; 0 for none")
    options = parser.parse_args()
    with Dovecot(trustme.CA()) as dovecot:
        box = partial(filled, dovecot)
        print(_ROW.format("", "mails", "mails/s", "CPU us/mail", "peak MB"))
        compare(box(options.mails), options.rounds)
        if options.large:
            show("followupd", measured("followupd", box(options.large)))


def filled(dovecot: Dovecot, number: int) -> Postbox:
    postbox = dovecot.account()
    fill(postbox, number)
    return postbox


def child(arguments: list[str]) -> None:
    way, port, starttls_port, lmtp_port, ca_file, username, password = arguments
    postbox = Postbox(
        host="localhost",
        port=int(port),
        starttls_port=int(starttls_port),
        lmtp_port=int(lmtp_port),
        ca_file=ca_file,
        username=username,
        password=password,
        address="",
    )
    if way == "followupd":
        settle()  # as `followupd run` does when all is imported
    print(measure(way, postbox))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
    else:
        main()
