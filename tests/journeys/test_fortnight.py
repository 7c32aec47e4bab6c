"""A fortnight of one agent's desk mails: twelve complaints in four days, ten working days, the starter's playbook.

`make fortnight` prints what each day brings; FORTNIGHT names the servers (dovecot plain_dovecot cyrus courier graph).
The diligent agent answers every mail at once, by the lines that it offers; the silent one answers the first mail
about a case and nothing more.
"""

import email
import email.policy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.case import Stage
from followupd.domain.events import PromiseMade
from tests.journeys.conftest import named
from tests.journeys.world import World, text_of

MONDAY = datetime(2020, 11, 30, 9, 5, tzinfo=UTC)
COMPLAINTS = (
    "my blender has still not arrived after three weeks. This is unacceptable. I want my money back.",
    "the kettle I got leaks from the bottom. I am very disappointed, and this is the second one that is broken.",
    "you charged me twice for order {n}. I have complained about this before. Please refund me at once.",
    "wrong colour, wrong size, and no answer on the phone. I am really angry about order {n}.",
    "the toaster burnt my worktop! This is dangerous. I want to speak to a manager.",
)
FACTS = (
    "cause: The parcel was labelled with a wrong address.",
    "resolution: A new one was delivered by courier.",
    "prevention: Labels are printed from the order itself now.",
    "fault: ours",
)
#: a line that a desk mail offers; in a digest it names its case
OFFERED = re.compile(r"(?:(FU-[A-Z0-9]+): )?([a-z-]+)(?:: ?(.*))?")


@dataclass
class Fortnight:
    """Customers who complain, an agent who answers or not, and every mail that the server took, with its time."""

    world: World
    answers: Callable[[EmailMessage, datetime], list[str]]
    desk: list[tuple[datetime, EmailMessage]] = field(default_factory=list)
    letters: list[tuple[datetime, EmailMessage]] = field(default_factory=list)
    _seen: int = 0

    def lived(self) -> "Fortnight":
        for day in range(14):
            for hour in range(9, 18):
                now = (MONDAY + timedelta(days=day)).replace(hour=hour)
                if now.weekday() < 5:
                    self._hour(now, day, hour)
        return self

    def _hour(self, now: datetime, day: int, hour: int) -> None:
        self.world.now = now
        if day < 4 and hour in {9, 11, 14}:
            n = 4000 + len(self.world.cases())
            words = COMPLAINTS[n % len(COMPLAINTS)].format(n=n)
            self.world.customer_writes(
                f"Hello,\n\n{words}\n\nKim{n} Doe\n", f"Order {n}", f"c{n}@customers.test"
            )
        for minutes in (0, 15):
            self.world.passes(now + timedelta(minutes=minutes))
            for mail in self._new_mails():
                lines = self.answers(mail, self.world.now)
                if lines:
                    self.world.agent_answers(mail, *lines, sender=str(mail["To"].addresses[0].addr_spec))

    def _new_mails(self) -> Iterator[EmailMessage]:
        """Keep everything that is new; give the mails to agents."""
        while self._seen < len(self.world.smtp.messages):
            content = self.world.smtp.messages[self._seen].content
            assert isinstance(content, bytes)
            self._seen += 1
            mail = email.message_from_bytes(content, policy=email.policy.default)
            if kind_of(mail):
                self.desk.append((self.world.now, mail))
                yield mail
            else:
                self.letters.append((self.world.now, mail))

    # --- what came of it ---

    def per_day(self, agent: str) -> Counter[str]:
        return Counter(f"{at:%a %d}" for at, mail in self.desk if agent in str(mail["To"]))

    def digests(self, agent: str) -> Counter[str]:
        """Count the digests at opening by day; several dates that are missed at one time share a later one."""
        mails = [(at, mail) for at, mail in self.desk if agent in str(mail["To"])]
        return Counter(f"{at:%a %d}" for at, mail in mails if kind_of(mail) == "digest" and at.hour == 9)

    def delays(self) -> Counter[tuple[str, str]]:
        """Count the delay letters by day and customer."""
        return Counter(
            (f"{at:%a %d}", str(mail["To"]))
            for at, mail in self.letters
            if ".delay." in str(mail["X-Followupd-Key"])
        )

    def printed(self) -> str:
        """Return what a person wants to see of the two weeks."""
        kinds = Counter(f"{kind_of(mail)} to {mail['To'].addresses[0].username}" for _, mail in self.desk)
        stages = Counter(str(case.stage) for case in self.world.cases())
        lines = [
            f"{len(self.desk)} desk mails: {dict(kinds)}",
            f"a day to Ana: {dict(self.per_day('ana@'))}",
            f"a day to Lee: {dict(self.per_day('lee@'))}",
            f"{len(self.letters)} letters to customers; cases: {dict(stages)}",
        ]
        lines += [
            f"  {at:%a %d %H:%M} {mail['To']} | {mail['X-Followupd-Key']} | {mail['Subject']}"
            for at, mail in self.desk
        ]
        return "\n".join(lines)


def kind_of(mail: EmailMessage) -> str:
    """Return the kind of a desk mail, such as "opened"; "" for a letter to a customer."""
    found = re.search(r"desk/([a-z]+)", str(mail["X-Followupd-Key"]))
    return found[1] if found else ""


def offered(mail: EmailMessage) -> list[tuple[str, str, str]]:
    """Return the lines that a desk mail offers: case, verb and text."""
    blocks = re.findall(r"(?m)^-{10,}\n(.*?)\n-{10,}$", text_of(mail).replace("\r\n", "\n"), re.DOTALL)
    lines = [OFFERED.fullmatch(line.strip()) for block in blocks for line in block.splitlines()]
    return [(found[1] or "", found[2], found[3] or "") for found in lines if found]


def diligent(mail: EmailMessage, now: datetime) -> list[str]:
    """Answer a desk mail at once: a promise at first, and all the facts when it was kept."""
    if kind_of(mail) == "opened":
        day = now + timedelta(days=2 if now.weekday() < 3 else 4)
        return ["complaint", f"promise: send a new one by courier by {day.day} {day:%B}"]
    lines: list[str] = []
    for ref, verb, text in offered(mail):
        begin = f"{ref}: " if ref else ""
        if verb == "kept":
            lines += [f"{begin}kept: {text}", f"{begin}fixed", *(f"{begin}{fact}" for fact in FACTS)]
        elif verb in {"issued", "complaint", "approve"}:
            lines.append(f"{begin}{verb}: {text}" if text else f"{begin}{verb}")
        elif verb == "reached":
            lines.append(f"{begin}reached: is happy again")
        elif verb in {"cause", "resolution", "prevention", "fault"}:
            lines += [f"{begin}{fact}" for fact in FACTS if fact.startswith(verb)]
    return list(dict.fromkeys(lines))


def silent(mail: EmailMessage, now: datetime) -> list[str]:
    """Answer the first mail about a case, and nothing else."""
    return diligent(mail, now) if kind_of(mail) == "opened" else []


def unreminded(world: World) -> list[str]:
    """Return the promises of whose deadline nobody was reminded before it or at it."""
    found = []
    for case in world.cases():
        for event in world.history(case.ref):
            if not isinstance(event, PromiseMade) or event.promise.internal_deadline is None:
                continue
            n, due = event.promise.n, event.promise.internal_deadline
            told = [at for key, at in case.nudges if key.startswith(f"promise-{n} ") and at <= due]
            found += [] if told or due > world.now else [f"{case.ref} {n}"]
    return found


def unread_notes(world: World) -> int:
    """Return how many notes lie in the inbox."""
    senders = [email.message_from_bytes(raw)["From"] for raw in world.postbox.all_raw()]
    return sum("agents.test" in sender for sender in senders)


@pytest.fixture(params=named("FORTNIGHT"))
def shop(request: pytest.FixtureRequest, make_at: Callable[..., World]) -> World:
    """Return a world at each server that FORTNIGHT names."""
    return make_at(request.param, smtp_extra='witness = "none"')


def test_a_diligent_agent_gets_at_most_thirty_mails_for_twelve_complaints(shop: World) -> None:
    fortnight = Fortnight(shop, diligent).lived()
    print(fortnight.printed())
    assert len(shop.cases()) == 12
    assert {case.stage for case in shop.cases()} <= {Stage.FOLLOWED_UP, Stage.CLOSED}
    assert len(fortnight.desk) <= 30
    assert max(fortnight.per_day("ana@").values()) <= 5
    assert unread_notes(shop) == 0


def test_of_a_silent_agents_cases_the_lead_hears_in_one_digest_a_day_and_when_a_date_is_missed(
    shop: World,
) -> None:
    fortnight = Fortnight(shop, silent).lived()
    print(fortnight.printed())
    assert len(shop.cases()) == 12
    assert max(fortnight.per_day("ana@").values()) <= 5
    assert max(fortnight.digests("lee@").values()) == 1
    assert max(fortnight.per_day("lee@").values()) <= 5
    assert max(fortnight.delays().values()) <= 1
    assert unreminded(shop) == []
    assert {case.ref for case in shop.cases() if "lee" not in dict(case.told)} == set()
