"""Measure the cost of reading a mailbox of real mails, compared with a minimal program, and the peak memory.

    python -m benchmarks.intake [--mails 10000] [--rounds 3] [--large 50000]

A private Dovecot has the mails of tests/corpora/data, repeated with different Message-IDs. In each round both
programs read the whole mailbox, each in a new process:

  followupd   InboxSync with a real ledger: fetch, parse (kind, new text, bounces ...), encrypt, store
  floor       imapclient without debugging fetches the same parts in batches of 200; the standard library
              (compat32) parses them: ids, addresses, subject and all text parts, decoded; inserts in batches

CPU is that of the client. The classifier has its own benchmark (benchmarks/recognise.py). The second mailbox
(`--large`) is only for the peak memory.
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

from benchmarks.intake_fetch import BATCH, from_arguments, real_mails, to_arguments
from followupd.adapters.crypto import Vault
from followupd.adapters.imap.fetch import SMALL
from followupd.adapters.imap.mailbox import Account, ImapMailbox
from followupd.adapters.process import settle
from followupd.adapters.settings.tags import DEFAULT_TAGS
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.mail import Identity
from followupd.services.inbox.sync import Folder, FolderRole, InboxSync
from followupd.text.mail.read import read
from tests.servers.dovecot import Dovecot
from tests.servers.postbox import Postbox

_MESSAGE_ID = re.compile(rb"^message-id:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_ROW = "{:12}{:>8}{:>12}{:>14}{:>10}"


# --- the mailbox ---


def distinct(mails: list[bytes], number: int) -> Iterator[bytes]:
    """Yield mails with different Message-IDs: a mail that is stored already would not be stored again."""
    for n in range(number):
        head, between, body = mails[n % len(mails)].partition(b"\r\n\r\n")
        head = _MESSAGE_ID.sub(b"", head + b"\r\n").removesuffix(b"\r\n")
        yield head + b"\r\nMessage-ID: <%d@mailbox.test>" % n + between + body


def fill(postbox: Postbox, number: int) -> None:
    """Append mails to an inbox."""
    with postbox.client() as client:
        client._imap.debug = 0  # noqa: SLF001 - imapclient offers no other way
        batch: list[dict[str, Any]] = []
        for raw in distinct(real_mails(), number):
            batch.append({"msg": raw, "flags": ()})
            if len(batch) == BATCH:
                client.multiappend("INBOX", batch)
                batch = []
        if batch:
            client.multiappend("INBOX", batch)


# --- followupd ---


def followupd(postbox: Postbox, directory: Path) -> int:
    """Read the whole mailbox as at a first connection with `since = "all"`; return the number of mails."""
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
    sync = InboxSync(
        ledger,
        lambda tx: Identity(ours.addresses, letter_key=ours.letter_key, earlier=tx.mail.earlier_text),
        DEFAULT_TAGS,
        drafts=None,
        read=read,
    )
    with ImapMailbox(account) as mailbox:
        return sync.sync(
            mailbox, Folder("support", "INBOX", FolderRole.INBOX, since="all"), datetime.now(UTC)
        )


# --- the floor ---


def floor(postbox: Postbox, directory: Path) -> int:
    """Fetch what followupd fetches, parse it by the standard library, and insert it; return the number."""
    count = 0
    with sqlite3.connect(directory / "floor.db") as rows, postbox.client() as client:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute(
            "CREATE TABLE mail"
            " (uid INTEGER PRIMARY KEY, id, thread, sender, receiver, copy, subject, at, text)"
        )
        client._imap.debug = 0  # noqa: SLF001 - on, it costs several times the fetch
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        for begin in range(0, len(uids), BATCH):
            batch = list(floor_rows(client, uids[begin : begin + BATCH]))
            rows.executemany("INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", batch)
            rows.commit()
            count += len(batch)
    return count


def floor_rows(client: IMAPClient, uids: list[int]) -> Iterator[tuple[object, ...]]:
    """Fetch and parse one batch; yield its rows."""
    about = client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE"])
    small = [uid for uid in uids if about[uid][b"RFC822.SIZE"] <= SMALL]
    bodies: dict[int, bytes] = {}
    if small:
        bodies = {uid: row[b"BODY[]"] for uid, row in client.fetch(small, ["BODY.PEEK[]"]).items()}
    bodies |= large_bodies(client, [uid for uid in uids if uid not in bodies])
    for uid, raw in bodies.items():
        mail = message_from_bytes(raw, policy=compat32)
        names = ("Message-ID", "References", "From", "To", "Cc", "Subject")
        headers = [decoded(mail[name]) for name in names]
        yield uid, *headers, about[uid][b"INTERNALDATE"].isoformat(), all_text(mail)


def large_bodies(client: IMAPClient, uids: list[int]) -> dict[int, bytes]:
    """Fetch headers and text parts only, for mails of the same structure together."""
    if not uids:
        return {}
    uids_by_sections: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for uid, row in client.fetch(uids, ["BODYSTRUCTURE"]).items():
        uids_by_sections[tuple(text_sections(row[b"BODYSTRUCTURE"]))].append(uid)

    found: dict[int, bytes] = {}
    for sections, same in uids_by_sections.items():
        parts = [f"BODY.PEEK[{section}]<0.1048576>" for section in sections]
        for uid, row in client.fetch(same, ["BODY.PEEK[HEADER]", *parts]).items():
            texts = [row.get(f"BODY[{section}]<0>".encode()) or b"" for section in sections]
            found[uid] = row[b"BODY[HEADER]"] + b"\r\n".join(texts)
    return found


def text_sections(structure: Any, section: str = "") -> Iterable[str]:
    """Yield the section numbers of the text parts in a BODYSTRUCTURE."""
    if structure.is_multipart:
        prefix = section + "." if section else ""
        for position, child in enumerate(structure[0], 1):
            yield from text_sections(child, f"{prefix}{position}")
    elif str(structure[0]).lower().find("text") >= 0:
        yield section or "1"


def decoded(value: Any) -> str:
    """Decode a header field; one that cannot be decoded is returned as it is."""
    try:
        return str(make_header(decode_header(value))) if value else ""
    except (LookupError, ValueError, HeaderParseError):
        return str(value)


def all_text(mail: Message) -> str:
    """Return all text parts, decoded by their charsets."""
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

PROGRAMS: dict[str, Callable[[Postbox, Path], int]] = {"followupd": followupd, "floor": floor}


def measure(program: str, postbox: Postbox) -> str:
    """Run one of the programs here; return mails, seconds, CPU seconds and peak memory in MB."""
    with tempfile.TemporaryDirectory(prefix="fu-intake-") as directory:
        wall, cpu = perf_counter(), process_time()
        count = PROGRAMS[program](postbox, Path(directory))
        wall, cpu = perf_counter() - wall, process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{count} {wall} {cpu} {peak}"


def measured(program: str, postbox: Postbox) -> list[float]:
    """Run one of the programs in a new process; return its figures."""
    child = [sys.executable, "-m", "benchmarks.intake", "--child", program, *to_arguments(postbox)]
    done = subprocess.run(child, check=True, capture_output=True, text=True)
    return [float(figure) for figure in done.stdout.split()]


def show(program: str, figures: list[float]) -> float:
    """Print the figures of one run; return the CPU microseconds per mail."""
    count, wall, cpu, peak = figures
    cost = cpu / count * 1e6
    cells = f"{count:.0f}", f"{count / wall:.0f}", f"{cost:.0f}", f"{peak:.0f}"
    print(_ROW.format(program, *cells), flush=True)
    return cost


def compare(postbox: Postbox, rounds: int) -> None:
    """Run both programs in turns, and print the ratio of their costs."""
    costs: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for program in PROGRAMS:
            costs[program].append(show(program, measured(program, postbox)))
    ratios = [ours / least for ours, least in zip(costs["followupd"], costs["floor"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"CPU per mail, followupd compared with the floor: {ratio:.2f} (median of {rounds} rounds)")


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
    """Return a new mailbox with mails."""
    postbox = dovecot.account()
    fill(postbox, number)
    return postbox


def child(arguments: list[str]) -> None:
    """Run one of the programs in this process, and print its figures."""
    program, *told = arguments
    if program == "followupd":
        settle()  # as `followupd run` does after all imports
    print(measure(program, from_arguments(told)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
    else:
        main()
