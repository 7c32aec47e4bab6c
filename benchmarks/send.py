"""Measure letters per second: smtplib, the SMTP transport alone, and the whole send service.

The send service is the daemon's, with a ledger on disk and every safeguard: each letter is checked against
its case, the claim is committed, the letter is sent, and its result is committed. All three send the same
bytes to two recipients, the customer and the BCC, in turn, so that the ratios hardly depend on other load.

Run: `python benchmarks/send.py [LETTERS]`. The server is Postfix's smtp-sink if it is installed, else a
simple one of our own. Both discard all mail, so that the client is what is measured.
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

sys.path.insert(0, str(Path(__file__).parent.parent))  # run from a checkout, installed or not

from followupd.adapters.crypto import Vault
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.smtp.transport import SmtpAccount, SmtpTransport
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.calendar import Calendar
from followupd.domain.events import CaseOpened, ComplaintHeard
from followupd.domain.letter import DeliveryOutcome, Letter, LetterKind, LetterStatus
from followupd.domain.mail import Person
from followupd.domain.playbook import Company, Playbook, Team
from followupd.services.outbox.policy import SendPolicy
from followupd.services.outbox.send import SendService

SENDER, CUSTOMER = "support@example.com", "kim@example.org"
NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
ROUNDS = 9
#: the least letters per second, and the least share of the speed of smtplib, of the whole send service
MIN_SPEED, MIN_RATIO = 500, 0.35
CALENDAR = Calendar(timezone="UTC")
PLAYBOOK = Playbook(
    name="default",
    owner="ana",
    calendar=CALENDAR,
    team=Team(()),
    company=Company(name="Example Ltd", timezone="UTC", currency="EUR"),
)
POLICY = SendPolicy(
    CALENDAR,
    per_address=(1, timedelta(days=1)),
    breaker=(1_000_000, timedelta(hours=1)),
    witness=True,
    witness_within=timedelta(minutes=10),
    in_doubt="ask",
    playbook_of=lambda _: PLAYBOOK,
)
TEXT = (
    "Dear Kim,\n\n" + "Your replacement is on its way – it is sent today, and I look after it myself.\n" * 12
)
HTML = "<html><body>" + "<p style='color:#333'>Your replacement is on its way – it is sent today.</p>\n" * 30
SIMPLE_SINK = """
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
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def sink_command(port: int) -> tuple[str, list[str]]:
    """Return the name of the server and the command that starts it."""
    found = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        return "our own sink", [sys.executable, "-c", SIMPLE_SINK.replace("PORT", str(port))]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    return "smtp-sink", [found, *user, "-4", f"127.0.0.1:{port}", "100"]


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """Start a server that discards all mail, in a process of its own; return its name and port."""
    port = free_port()
    name, command = sink_command(port)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while not is_up(port) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield name, port
        finally:
            process.kill()


def with_smtplib(port: int, mails: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="[127.0.0.1]") as client:
        for mail in mails:
            client.sendmail(SENDER, [CUSTOMER, SENDER], mail)


def with_transport(port: int, letters: list[Letter]) -> None:
    with SmtpTransport(SmtpAccount(host="127.0.0.1", port=port, security="none")) as transport:
        for letter in letters:
            message = compose(letter, now=NOW)
            result = transport.deliver(message, sender=SENDER, to=CUSTOMER, witness=SENDER)
            if result.outcome is not DeliveryOutcome.ACCEPTED:
                sys.exit(f"not accepted: {result}")


def queue(ledger: Ledger, letters: list[Letter]) -> None:
    """Open a case for each letter and queue it."""
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


def with_service(port: int, letters: list[Letter], vault: Vault, directory: Path) -> float:
    """Queue letters, each of another case and customer; return the seconds that sending them took."""
    directory.mkdir()
    ledger = Ledger(f"sqlite:///{directory / 'ledger.db'}", vault, undated)
    ledger.upgrade()
    queue(ledger, letters)
    service = SendService(
        ledger,
        SmtpTransport(SmtpAccount(host="127.0.0.1", port=port, security="none")),
        compose=lambda entry, now: dated(entry.mail, now),
        from_address=lambda _: SENDER,
        witness_address=lambda _: SENDER,
        policy=POLICY,
    )

    start, total = time.perf_counter(), 0
    while seen := service.run(NOW):
        total += seen
    took = time.perf_counter() - start

    with ledger.transaction() as tx:
        if total != len(letters) or tx.outbox.count(LetterStatus.SENT) != total:
            sys.exit(f"{total} of {len(letters)} letters were sent")
    ledger.close()
    return took


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    vault = Vault([b"benchmark key of 24 byte"])
    letters = [a_letter(n, vault) for n in range(number)]
    mails = [compose(letter, now=NOW) for letter in letters]
    to_many = [
        replace(letter, kind=LetterKind.HOLDING, to=Person(f"kim@customers-{n}.example", "Kim Döe"))
        for n, letter in enumerate(letters)
    ]
    with sink() as (name, port), tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        rounds = [
            (
                seconds(lambda: with_smtplib(port, mails)),
                seconds(lambda: with_transport(port, letters)),
                with_service(port, to_many, vault, Path(place) / str(n)),
            )
            for n in range(ROUNDS)
        ]

    print(f"{number} letters of {len(mails[0])} bytes to {name}, median of {ROUNDS} rounds")
    for column, what in enumerate(("smtplib, same bytes", "SMTP transport", "send service")):
        each = statistics.median(times[column] for times in rounds) / number
        ratio = statistics.median(times[0] / times[column] for times in rounds)
        print(f"{what:21}{1 / each:8.0f} letters/s   {each * 1e3:.3f} ms a letter   ratio {ratio:.2f}")
    print(f"the send service must reach {MIN_SPEED} letters/s and a ratio of {MIN_RATIO}")


if __name__ == "__main__":
    main()
