"""A flood of forged complaints against a daemon over real servers: what it costs customers, agents and the machine.

CI sends a few of them; `make redteam` sends FOLLOWUPD_FLOOD (10,000), and prints the figures.
"""

import email
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from time import monotonic

import pytest

from tests.journeys.service import Service
from tests.journeys.test_fault_injection import case_of, note_on
from tests.journeys.test_redteam import complaint as words
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink

IS_LONG = "FOLLOWUPD_FLOOD" in os.environ
FLOOD = int(os.environ.get("FOLLOWUPD_FLOOD") or 40)
#: `[recognise] most`: the shipped value, and a smaller one for a few mails
MOST = 60 if IS_LONG else 8
#: seconds until something happens in any case: the more mails, the later
PATIENCE = LIMIT + 2.0 * FLOOD
#: bytes that the daemon may have used at once
MEMORY = 250 * 2**20
SETTINGS = [
    ('after = "3 business days"', 'after = "1 second"'),
    ("call = true", "call = false"),
    ('after = "2 seconds"', 'after = "1 second"'),
    ("show = true", "show = false"),
]
#: customers whose letters are waited for: the first one's case is older than the flood
BEFORE, AMID, BEHIND = "kim@customer-1.test", "kim@customer-2.test", "kim@customer-3.test"
PUT_RIGHT = (
    "cause: two labels were swapped",
    "resolution: we sent it again",
    "prevention: labels are scanned",
    "fault: ours",
    "kept",
    "fixed",
)


@dataclass
class Flood:
    """A daemon, the letters that its server has taken, and how long each honest one took."""

    service: Service
    taken: list[Message] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.service.postbox.address

    def letters(self, kind: str = "", to: str = "") -> list[Message]:
        """Return the letters so far, of which each is parsed once."""
        for each in self.service.smtp.messages[len(self.taken) :]:
            content = each.content
            self.taken.append(
                email.message_from_bytes(content if isinstance(content, bytes) else str(content).encode())
            )
        return [mail for mail in self.taken if kind in str(mail["X-Followupd-Key"]) and to in str(mail["To"])]

    def gets(self, kind: str, to: str, since: float = 0.0, what: str = "") -> Message:
        """Wait for a letter, and remember how long that took."""
        until(lambda: self.letters(kind, to), f"{kind} to {to}", PATIENCE, longest=1)
        if what:
            self.seconds[what] = monotonic() - since
        return self.letters(kind, to)[0]

    def opens(self, number: int) -> Message:
        """Let an honest customer complain and get the first letter; return the mail to the owner."""
        self.service.postbox.deliver(honest(number, self.address), f"kim@customer-{number}.test")
        letter = self.gets("confirmation", f"kim@customer-{number}.test")
        ref = case_of(letter)
        until(lambda: self.desk_mail(ref), f"the mail to the owner of {ref}", PATIENCE)
        return self.desk_mail(ref)[0]

    def desk_mail(self, ref: str) -> list[Message]:
        return [mail for mail in self.letters("desk/opened") if case_of(mail) == ref]

    def is_dismissed(self, times: int) -> None:
        """Let the lead dismiss the flood in answer to the newest mail about it, and wait for the answer to that."""
        last = self.letters("flood-lee")[-1]
        self.service.postbox.deliver(dismissal(last, times), "lee@agents.test")
        until(lambda: len(self.letters("flood-lee")) > times, "an answer", PATIENCE, longest=5)


def honest(number: int, address: str) -> bytes:
    return mail(number, address, f"customer-{number}.test", words(1111 * number))


def forged(number: int, address: str) -> bytes:
    """Return a complaint in somebody's name: of an own domain, of a public provider's, or of one that many have."""
    domain = (f"victims-{number}.test", "gmail.com", "victims.test")[number % 3]
    return mail(number, address, domain, words(number))


def mail(number: int, address: str, domain: str, text: str) -> bytes:
    sender = "kim" if domain.startswith("customer") else f"kim{number}"
    lines = [f"From: Kim <{sender}@{domain}>", f"To: {address}", f"Subject: Order {number}"]
    return "\r\n".join([*lines, f"Message-ID: <order-{number}@{domain}>", "", text, ""]).encode()


def figures_of(pid: int) -> tuple[int, float]:
    """Return the most memory in bytes that a process has used, and its seconds of CPU time, with those of its children."""
    status = Path(f"/proc/{pid}/status").read_text()
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024, sum(map(int, times)) / os.sysconf(
        "SC_CLK_TCK"
    )


@pytest.fixture
def flood(tmp_path: Path, dovecot: Dovecot, smtp: Sink) -> Iterator[Flood]:
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
        file = service.directory / "followupd.toml"
        limits = f'[recognise]\nmost = "{MOST} per hour"\n\n[smtp]\nper_address = "9 per day"'
        file.write_text(file.read_text().replace("[smtp]", limits))
        playbook = service.directory / "playbooks" / "default.toml"
        plays = playbook.read_text()
        for old, new in SETTINGS:
            assert old in plays
            plays = plays.replace(old, new)
        playbook.write_text(plays)
        yield Flood(service)


def test_a_flood_costs_no_honest_letter_a_day_no_agent_an_afternoon_and_the_machine_little(
    flood: Flood, capsys: pytest.CaptureFixture[str]
) -> None:
    service, postbox = flood.service, flood.service.postbox
    with service.ready() as process:
        desk = {number: flood.opens(number) for number in (1, 2, 3)}
        began = monotonic()
        postbox.deliver(note_on(desk[1]), "ana@agents.test")
        flood.gets("follow-up", BEFORE, began, "follow-up of an agent's note before the flood")
        before = len(flood.letters(to="@agents.test"))

        began = monotonic()
        postbox.deliver_all((forged(number, flood.address), "m@evil.test") for number in range(FLOOD))
        delivered = monotonic()
        postbox.deliver(note_on(desk[3]), "ana@agents.test")
        service.asks("tell", case_of(desk[2]), *PUT_RIGHT)
        flood.gets("follow-up", AMID, delivered, "follow-up of what `tell` said amid the flood")
        flood.gets("follow-up", BEHIND, delivered, "follow-up of a note that came behind the flood")

        def is_read() -> bool:
            return int(service.ask("status")["waiting"]) == FLOOD + 3

        until(is_read, "each complaint in a case", PATIENCE, longest=5)
        read = monotonic()
        postbox.append(honest(4, flood.address), flags=("complaint",))
        flood.gets(
            "confirmation", "kim@customer-4.test", read, "first letter to a complaint that an agent tags"
        )
        [told] = flood.letters("flood-lee", "lee@agents.test")
        assert "dismiss flood" in plain(told)
        victims = {
            str(mail["To"])
            for mail in flood.letters("confirmation")
            if "kim@customer-" not in str(mail["To"])
        }
        to_agents = flood.letters(to="@agents.test")[before:]
        flooded = [case for case in service.ask("cases") if case["stage"] == "suspected"]
        assert 0 < len(victims) <= MOST
        assert len(to_agents) <= 3 * MOST
        assert len(flooded) >= FLOOD - MOST

        said = monotonic()
        flood.is_dismissed(1)  # what came before the mail that is answered
        flood.is_dismissed(2)
        until(lambda: not suspected(service), "an end of the flood", PATIENCE, longest=5)
        flood.seconds["`dismiss flood` until all are dismissed"] = monotonic() - said
        memory, cpu = figures_of(process.pid)

    assert memory < MEMORY
    assert "Traceback" not in service.journal()
    if IS_LONG:
        with capsys.disabled():
            print(f"\n{FLOOD} forged complaints, delivered in {delivered - began:.0f} s:")
            print(f"{read - began:8.0f}  seconds until each was in a case")
            print(f"{len(victims):8}  victims that were written to")
            print(f"{len(to_agents):8}  mails to agents")
            print(f"{memory / 2**20:8.0f}  MB of memory at most\n{cpu:8.0f}  seconds of CPU time")
            for what, seconds in flood.seconds.items():
                print(f"{seconds:8.1f}  seconds: {what}")


def suspected(service: Service) -> bool:
    return any(case["stage"] == "suspected" for case in service.ask("cases"))


def plain(mail: Message) -> str:
    parts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "text/plain"]
    return " ".join(b" ".join(part for part in parts if isinstance(part, bytes)).decode().split())


def dismissal(told: Message, number: int) -> bytes:
    lines = ["From: lee@agents.test", f"To: {told['From']}", f"Subject: Re: {told['Subject']}"]
    lines += [
        f"In-Reply-To: {told['Message-ID']}",
        f"Message-ID: <dismissal-{number}@agents.test>",
        "",
        "dismiss flood",
        "",
    ]
    return "\r\n".join(lines).encode()
