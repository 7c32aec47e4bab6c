"""What fetching costs: `ImapMailbox` against plain imapclient on one mailbox of real mails; CPU a mail, and peak memory.

    python -m benchmarks.intake_fetch [MAILS]

Both sides read every mail once, in batches of 200, and hand the bytes to the standard parser. The floor fetches the first
64 kB of each mail with imapclient's debugging off; imapclient as it comes is shown beside it.
"""

import resource
import subprocess
import sys
from email import message_from_bytes
from email.policy import compat32
from time import perf_counter, process_time
from typing import Any

import trustme
from imapclient import IMAPClient

from followupd.adapters.imap.mailbox import Account, ImapMailbox
from tests.corpora.mails import stored_mails
from tests.servers.dovecot import Dovecot
from tests.servers.postbox import Postbox

BATCH = 200


def real_mails() -> list[bytes]:
    """Return the real mails of the tests, with the line ends that a server stores."""
    return [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in stored_mails().values()]


def fill(postbox: Postbox, number: int) -> None:
    mails = real_mails()
    with postbox.client() as client:
        for begin in range(0, number, BATCH):
            turn = [mails[n % len(mails)] for n in range(begin, min(begin + BATCH, number))]
            client.multiappend("INBOX", [{"msg": raw, "flags": ()} for raw in turn])


def ours(postbox: Postbox) -> int:
    account = Account(
        name="support",
        host=postbox.host,
        port=postbox.port,
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
    )
    count = 0
    with ImapMailbox(account) as mailbox:
        cursor, _ = mailbox.start("INBOX", "all")
        for batch in mailbox.changes("INBOX", cursor, batch=BATCH):
            for mail in batch.new:
                message_from_bytes(mail.raw, policy=compat32)
                count += 1
    return count


def floor(postbox: Postbox, *, debug: int = 0) -> int:
    count = 0
    with postbox.client() as client:
        client._imap.debug = debug  # noqa: SLF001 - imapclient offers no other way
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        for begin in range(0, len(uids), BATCH):
            count += read(client, uids[begin : begin + BATCH])
    return count


def read(client: IMAPClient, uids: list[int]) -> int:
    answer = client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]<0.65536>"])
    for mail in answer.values():
        message_from_bytes(mail[b"BODY[]<0>"], policy=compat32)
    return len(answer)


def as_it_comes(postbox: Postbox) -> int:
    return floor(postbox, debug=5)


WAYS = {"followupd": ours, "floor": floor, "imapclient": as_it_comes}


def measure(way: str, postbox: Postbox) -> str:
    wall, cpu = perf_counter(), process_time()
    count = WAYS[way](postbox)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{way:12}{count:8}{count / wall:12.0f}{cpu / count * 1e6:12.0f}{peak:10}"


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with Dovecot(trustme.CA()) as dovecot:
        postbox = dovecot.account()
        fill(postbox, number)
        print(f"{'':12}{'mails':>8}{'mails/s':>12}{'CPU us/mail':>12}{'peak MB':>10}")
        for way in WAYS:  # each in a process of its own, so that memory is its own
            child = [
                sys.executable,
                "-m",
                "benchmarks.intake_fetch",
                "--child",
                way,
                *to_arguments(postbox),
            ]
            subprocess.run(child, check=True)


#: what of a postbox a child process is told, on its command line
_TOLD = ("port", "starttls_port", "lmtp_port", "ca_file", "username", "password")


def to_arguments(postbox: Postbox) -> list[str]:
    """Return what `from_arguments` needs to find the postbox again."""
    return [str(getattr(postbox, name)) for name in _TOLD]


def from_arguments(arguments: list[str]) -> Postbox:
    """Return the postbox that `to_arguments` described."""
    told: dict[str, Any] = dict(zip(_TOLD, arguments, strict=True))
    ports = {name: int(value) for name, value in told.items() if name.endswith("port")}
    return Postbox(host="localhost", address="", **told | ports)


def child(arguments: list[str]) -> None:
    way, *told = arguments
    print(measure(way, from_arguments(told)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
    else:
        main()
