"""Letters a second through compose and Post, and through a whole dispatch, against smtplib sending the same bytes.

The dispatch is the daemon's own, with a ledger on a disk and every fence in place: each letter's case is asked whether it
may still leave, the letter is claimed and that is committed, it is handed over, and what became of it is committed too.
Run: `python benchmarks/send.py [LETTERS]`. The server is Postfix's smtp-sink where it is installed, else a bare sink of our
own; both throw mails away, so what is measured is the client. Each letter has two recipients: customer and witness.
"""

import contextlib
import os
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # run from a checkout, installed or not

from followupd.adapters.crypto import Vault
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.smtp.transport import SmtpAccount, SmtpTransport
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.calendar import Calendar
from followupd.domain.events import CaseOpened, ComplaintHeard
from followupd.domain.letter import DeliveryOutcome, Letter, LetterKind, LetterStatus
from followupd.domain.mail import Person
from followupd.services.outbox.policy import SendPolicy
from followupd.services.outbox.send import SendService

SENDER, CUSTOMER = "support@example.com", "kim@example.org"
NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
ROUNDS = 9
RULES = SendPolicy(
    Calendar(timezone="UTC"),
    per_address=(1, timedelta(days=1)),
    breaker=(1_000_000, timedelta(hours=1)),
    witness=True,
    witness_within=timedelta(minutes=10),
    in_doubt="ask",
)
#: nobody writes to an agent while letters leave
NOBODY: Any = None
TEXT = (
    "Dear Kim,\n\n"
    + "Your replacement is on its way – it leaves the house today, and I look after it myself.\n" * 12
)
HTML = (
    "<html><body>"
    + "<p style='color:#333'>Your replacement is on its way – it leaves the house today.</p>\n" * 30
)
BARE_SINK = """
import socketserver
class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 sink\\r\\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go\\r\\n")
                while self.rfile.readline() != b".\\r\\n": pass
            self.wfile.write({b"QUIT": b"221 bye\\r\\n"}.get(verb, b"250 ok\\r\\n"))
server = socketserver.ThreadingTCPServer(("127.0.0.1", PORT), Talk)
server.daemon_threads = True
server.serve_forever()
"""


def a_letter(number: int, vault: Vault) -> Letter:
    key = f"FU-{number:05}.follow-up.1"
    return Letter(
        key=key,
        case=f"FU-{number:05}",
        kind=LetterKind.FOLLOW_UP,
        mailbox="support",
        sender=Person(SENDER, "Ana Reyes"),
        to=Person(CUSTOMER, "Kim Döe"),
        subject=f"Re: Wo ist mein Paket? – bitte [#FU-{number:05}]",
        text=TEXT,
        html=HTML,
        message_id=vault.message_id(key, "example.com"),
        in_reply_to="<q2@example.org>",
        references=("<q1@example.org>",),
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def is_up(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line:
            return line.recv(3) == b"220"
    except OSError:
        return False


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """Start a server that takes and forgets every mail, in a process of its own."""
    port = free_port()
    found = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    command = [sys.executable, "-c", BARE_SINK.replace("PORT", str(port))]
    if found:
        command = [found, *(["-u", "nobody"] if os.getuid() == 0 else []), "-4", f"127.0.0.1:{port}", "100"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while not is_up(port) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield (Path(found).name if found else "a bare sink"), port
        finally:
            process.kill()


def with_smtplib(port: int, mails: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="[127.0.0.1]") as client:
        for mail in mails:
            client.sendmail(SENDER, [CUSTOMER, SENDER], mail)


def with_post(port: int, letters: list[Letter]) -> None:
    with SmtpTransport(SmtpAccount(host="127.0.0.1", port=port, security="none")) as post:
        for letter in letters:
            delivery = post.deliver(compose(letter, now=NOW), sender=SENDER, to=CUSTOMER, witness=SENDER)
            if delivery.outcome is not DeliveryOutcome.ACCEPTED:
                sys.exit(f"not accepted: {delivery}")


def with_dispatch(port: int, letters: list[Letter], vault: Vault, directory: Path) -> float:
    """Queue the letters, each of a case and a customer of its own; return the seconds that dispatching them took."""
    ledger = Ledger(f"sqlite:///{directory / 'ledger.db'}", vault, undated)
    ledger.upgrade()
    with ledger.transaction() as tx:
        for letter in letters:
            first = CaseOpened(
                at=NOW,
                ref=letter.case,
                mailbox="support",
                customer=letter.to,
                subject="x",
                playbook="default",
                owner="ana",
            )
            case = tx.cases.record(tx.cases.open(first), [ComplaintHeard(at=NOW)], lambda _: None, NOW)
            tx.cases.record(case, [letter], lambda _: None, NOW)
    dispatch = SendService(
        ledger,
        SmtpTransport(SmtpAccount(host="127.0.0.1", port=port, security="none")),
        lambda state, now: dated(state.mail, now),
        lambda _: SENDER,
        lambda _: SENDER,
        RULES,
    )
    start, left = time.perf_counter(), 0
    while handed := dispatch.run(NOW):
        left += handed
    took = time.perf_counter() - start
    with ledger.transaction() as tx:
        if left != len(letters) or tx.outbox.count(LetterStatus.SENT) != left:
            sys.exit(f"{left} of {len(letters)} letters were handed over")
    ledger.close()
    return took


def seconds(tx: Callable[[], None]) -> float:
    start = time.perf_counter()
    tx()
    return time.perf_counter() - start


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    vault = Vault([b"benchmark key of 24 byte"])
    letters = [a_letter(n, vault) for n in range(number)]
    mails = [compose(letter, now=NOW) for letter in letters]
    own = [
        replace(
            a_letter(n, vault), kind=LetterKind.HOLDING, to=Person(f"kim@customers-{n}.example", "Kim Döe")
        )
        for n in range(number)
    ]
    with sink() as (name, port), tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        turns = [
            (
                seconds(lambda: with_smtplib(port, mails)),
                seconds(lambda: with_post(port, letters)),
                with_dispatch(port, own, vault, made(Path(place) / str(n))),
            )
            for n in range(ROUNDS)
        ]
    floor, ours, whole = (statistics.median(column) / number for column in zip(*turns, strict=True))
    # round by round: the machine's mood falls out
    ratio = statistics.median(plain / fenced for plain, fenced, _ in turns)
    fences = statistics.median(plain / fenced for plain, _, fenced in turns)
    print(f"{number} letters of {len(mails[0])} bytes to {name}, median of {ROUNDS} rounds")
    print(f"smtplib, same bytes   {1 / floor:8.0f} letters/s   {floor * 1e3:.3f} ms a letter")
    print(
        f"compose and Post      {1 / ours:8.0f} letters/s   {ours * 1e3:.3f} ms a letter   ratio {ratio:.2f}"
    )
    print(
        f"with every fence      {1 / whole:8.0f} letters/s   {whole * 1e3:.3f} ms a letter   ratio {fences:.2f}"
    )
    print("at least 0.5 is asked for")


def made(directory: Path) -> Path:
    directory.mkdir()
    return directory


if __name__ == "__main__":
    main()
