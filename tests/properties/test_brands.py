"""Two brands in one daemon never mix: not in a letter, not in a cap or quota, not in a report."""

import email
import email.policy
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self, cast

import pytest

from followupd.adapters.overlay import write_starter
from followupd.adapters.settings import load
from followupd.app.container import App, build
from followupd.app.cycle import run_cycle
from followupd.cli.report import causes_that_came_back, grant_rows
from followupd.domain.case import Case
from followupd.domain.letter import DeliveryOutcome, DeliveryResult
from followupd.recovery.past.monthly import Month, headline
from followupd.services.inbox.sync import Folder, FolderRole
from followupd.services.maintenance import monthly_page, monthly_report
from tests.properties.simulated import Mailbox, Plug

START = datetime(2026, 12, 1, 10, tzinfo=UTC)
CUSTOMERS = ("kim@customers.test", "lu@customers.test")
TEMPLATES = Path(__file__).parents[2] / "templates"
#: brand -> words that only its letters may have: its name, its own text, its own letter and its address
MARKS = {
    "lamps": ("Lumen Lamps", "Lumen House, Leeds", "lumen-frame", "care@lumen.test", "the lamp desk"),
    "garden": ("Green Garden", "Garden Row, Bath", "garden-frame", "hello@garden.test", "the garden desk"),
}
CONFIGURATION = """
[company]
name = "Lumen Lamps"
timezone = "Europe/London"
currency = "GBP"
[company.garden]
name = "Green Garden"
currency = "GBP"
[company.garden.vars]
place = "Garden Row, Bath"
[vars]
place = "Lumen House, Leeds"
[[mailbox]]
name = "lamps"
address = "care@lumen.test"
host = "127.0.0.1"
username = "lamps"
password = "env:NONE"
[[mailbox]]
name = "garden"
company = "garden"
address = "hello@garden.test"
host = "127.0.0.1"
username = "garden"
password = "env:NONE"
[smtp]
host = "127.0.0.1"
from_address = "care@lumen.test"
[ledger]
url = "sqlite:///ledger.db"
[hours]
holidays = ""
quiet = ""
[compensation]
cap = "60.00 per month"
[report]
monthly = ["boss@agents.test"]
[[agent]]
id = "ana"
name = "Ana Reyes"
email = "ana@agents.test"
phone = "+44 20 7123 4018"
limit = "50.00"
"""
PLAYBOOK = """
[confirmation]
after = "1 minute"
[[next_step]]
text = "I look into it with {desk}"
within = "2 business days"
"""
PUT_RIGHT = (
    "cause: our label printer failed",
    "resolution: a new parcel went out by express",
    "prevention: we check every label now",
    "fault: ours",
    "no-gift because it was a small thing",
)


def configured(directory: Path) -> Path:
    """Write the configuration of two brands, each with a frame, a place and a next step of its own."""
    write_starter(directory)
    (directory / "followupd.toml").write_text(CONFIGURATION)
    frame = (TEMPLATES / "layout.html").read_text()
    for brand, folder in (("lamps", directory), ("garden", directory / "companies/garden")):
        (folder / "playbooks").mkdir(parents=True, exist_ok=True)
        (folder / "playbooks/default.toml").write_text(PLAYBOOK.format(desk=MARKS[brand][4]))
        (folder / "templates/en").mkdir(parents=True, exist_ok=True)
        (folder / "templates/layout.html").write_text(
            frame.replace("</body>", f"<!-- {MARKS[brand][2]} --></body>")
        )
    for language in ("en", "de", "fr", "es"):
        name = f"{language}/_signature.md"
        (directory / "templates" / language).mkdir(exist_ok=True)
        text = (TEMPLATES / name).read_text() + "\n\n{{ vars.place }}\n"
        (directory / "templates" / name).write_text(text)
    return directory


@dataclass
class Transport:
    """Takes every letter, and keeps it."""

    taken: list[EmailMessage] = field(default_factory=list)
    copies: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        del sender, to
        mail = email.message_from_bytes(letter, policy=email.policy.default)
        self.taken.append(mail)
        if witness:
            self.copies.append(letter)
        return DeliveryResult(DeliveryOutcome.ACCEPTED, "250 2.0.0 queued", witnessed=bool(witness))


@dataclass
class Shop:
    """A daemon with two brands over a real ledger, two mailboxes in memory, and time that a test moves."""

    app: App
    transport: Transport
    boxes: dict[str, Mailbox]
    now: datetime = START
    written: Counter[str] = field(default_factory=Counter)

    @classmethod
    def opened(cls, directory: Path) -> "Shop":
        app = build(load(configured(directory)))
        app.ledger.upgrade()
        transport = Transport()
        app = replace(app, sender=replace(app.sender, transport=cast("Any", transport)))
        return cls(app, transport, {name: Mailbox(Plug()) for name in MARKS})

    def writes(self, customer: str, brand: str) -> None:
        """Let a customer complain to a brand, in a thread of its own."""
        self.written[brand] += 1
        number = f"{brand} {self.written[brand]}"
        mail = EmailMessage()
        address = self.app.settings.mailbox(brand).address
        mail["From"], mail["To"], mail["Subject"] = customer, address, f"Complaint {number}"
        mail["Message-ID"], mail["Date"] = f"<{number.replace(' ', '-')}@customers.test>", self.now
        mail.set_content(
            f"I am very unhappy. My order {number} arrived broken and this is a complaint. I want my money back."
        )
        self.boxes[brand].put(mail.as_bytes(policy=email.policy.SMTP), self.now)
        self.rests()

    def rests(self) -> None:
        """Read both mailboxes and work until nothing more happens."""
        for _ in range(20):
            for letter in self.transport.copies:
                mail = email.message_from_bytes(letter)
                brand = "garden" if "garden.test" in str(mail["From"]) else "lamps"
                self.boxes[brand].put(letter, self.now)
            self.transport.copies.clear()
            read = [
                self.app.inbox.sync(box, folder, self.now)
                for name, box in self.boxes.items()
                for folder in (
                    Folder(name, "INBOX", FolderRole.INBOX),
                    Folder(name, "Sent", FolderRole.SENT),
                )
            ]
            if not sum(read) + run_cycle(self.app, self.now):
                return

    def waits(self, time: timedelta) -> None:
        self.now += time
        self.rests()

    def says(self, ref: str, *lines: str) -> list[str]:
        """Say lines as the owner of a case; return the problems."""
        ana = self.app.settings.team.by_id("ana")
        with self.app.ledger.transaction() as tx:
            case = tx.cases.get(ref)
            result = self.app.commands.run_lines(tx, case, lines, "Ana Reyes", "tell", ana, self.now)
        self.rests()
        return list(result.problems)

    def cases(self, brand: str = "") -> list[Case]:
        with self.app.ledger.transaction() as tx:
            found = [case for case in tx.cases.all() if brand in {"", case.mailbox}]
        return sorted(found, key=lambda case: (case.opened_at, case.message_id))

    def letters(self) -> list[EmailMessage]:
        """Return what customers got."""
        return [mail for mail in self.transport.taken if "@customers.test" in str(mail["To"])]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.opened(tmp_path)


def whole(mail: EmailMessage) -> str:
    """Return everything that a customer gets: the headers and both parts."""
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])


def brand_of(mail: EmailMessage) -> str:
    return "garden" if "Green Garden" in str(mail["From"]) else "lamps"


def life(seed: int) -> list[tuple[str, str, str]]:
    """Return what happens in a life by chance: what is done, for which brand, and by which customer."""
    chance = Random(seed)
    deeds = ("writes", "puts right", "gives", "waits")
    return [
        (chance.choice(deeds), chance.choice(sorted(MARKS)), chance.choice(CUSTOMERS))
        for _ in range(chance.randint(4, 10))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_two_brands_never_mix_in_a_letter_a_cap_or_a_report(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = Shop.opened(tmp_path_factory.mktemp("brands"))
    alone = {name: Shop.opened(tmp_path_factory.mktemp(name)) for name in MARKS}
    for brand in MARKS:
        for each in (shop, alone[brand]):
            each.writes(CUSTOMERS[0], brand)
    for what, brand, customer in life(seed):
        act(shop, what, brand, customer)
        for name in MARKS if what == "waits" else (brand,):
            act(alone[name], what, brand, customer)

    for mail in shop.letters():
        other = next(name for name in MARKS if name != brand_of(mail))
        assert not [mark for mark in MARKS[other] if mark in whole(mail)], whole(mail)
    for brand in MARKS:
        assert summary(shop, brand) == summary(alone[brand], brand)


def act(shop: Shop, what: str, brand: str, customer: str) -> None:
    """Do one step of a life; what it is about is chosen by the brand and its oldest open case."""
    open_cases = [case for case in shop.cases(brand) if case.closed_at is None and case.fixed_at is None]
    if what == "writes":
        shop.writes(customer, brand)
    elif what == "waits":
        shop.waits(timedelta(days=1))
    elif open_cases and what == "gives":
        shop.says(open_cases[0].ref, "refund: 40 GBP")
    elif open_cases:
        shop.says(open_cases[0].ref, *PUT_RIGHT, "cause-code: carrier", "fixed")


def unnamed(text: str) -> str:
    """Return a text without the names of cases, which differ with the ledger's key."""
    return re.sub(r"FU-\w+", "FU", text)


def summary(shop: Shop, brand: str) -> list[object]:
    """Return what must be the same for a brand whether or not another one is there: letters, money, reports."""
    playbooks = shop.app.settings.playbooks
    counts = partial(playbooks.of_one_company, brand)
    calendar = shop.app.settings.calendar
    with shop.app.ledger.transaction() as tx:
        month = monthly_report(tx, Month.parse("2026-12", calendar), calendar, counts)
        again = causes_that_came_back(tx, None, counts)
    cases = shop.cases(brand)
    name = playbooks.company(brand).name
    return [
        sorted((unnamed(mail["Subject"]), mail["To"]) for mail in shop.letters() if brand_of(mail) == brand),
        sorted(
            unnamed(repr((case.stage, case.severity, len(case.complaints_before), case.promises)))
            for case in cases
        ),
        sorted(repr({**row, "case": ""}) for row in grant_rows(cases, None)),
        [headline(month), len(again)],
        len(monthly_page(month, name)),
    ]


def test_a_customer_of_both_brands_has_a_cap_and_a_first_complaint_with_each(shop: Shop) -> None:
    for brand in MARKS:
        shop.writes(CUSTOMERS[0], brand)
    for case in shop.cases():
        assert case.severity != "high"
        assert case.complaints_before == ()
        assert shop.says(case.ref, "refund: 45 GBP") == []
    states = [grant.state.value for case in shop.cases() for grant in case.compensation]
    assert states == ["granted", "granted"]


def test_the_first_letter_of_one_brand_does_not_wait_for_that_of_the_other(shop: Shop) -> None:
    for brand in MARKS:
        shop.writes(CUSTOMERS[0], brand)
    shop.waits(timedelta(minutes=30))
    assert sorted(map(brand_of, shop.letters())) == ["garden", "lamps"]


def test_each_company_has_a_page_of_the_month_of_its_own(shop: Shop) -> None:
    for brand in MARKS:
        shop.writes(CUSTOMERS[0], brand)
    shop.waits(timedelta(minutes=30))
    assert shop.app.monthly.run(datetime(2027, 1, 4, 12, tzinfo=UTC)) == 2
    assert shop.app.monthly.run(datetime(2027, 1, 4, 13, tzinfo=UTC)) == 0
    shop.now = datetime(2027, 1, 4, 12, tzinfo=UTC)
    shop.rests()
    pages = [mail for mail in shop.transport.taken if "boss@agents.test" in str(mail["To"])]
    names = [[name for name in ("Lumen Lamps", "Green Garden") if name in whole(mail)] for mail in pages]
    assert sorted(names) == [["Green Garden"], ["Lumen Lamps"]]
