"""What a valid configuration becomes."""

import shutil
from datetime import date, time
from pathlib import Path

import pytest
from pydantic import ValidationError

from followupd.adapters import settings
from followupd.adapters.settings import Rate, Settings
from followupd.domain.calendar import Duration
from followupd.domain.compensation import Money
from followupd.domain.playbook import Role
from followupd.domain.promise import PromiseKind
from tests.story.configured import configured, rewrite

TOP = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return configured(tmp_path)


def test_the_configuration_of_the_specification_is_valid(directory: Path) -> None:
    shutil.copytree(Path(__file__).parent / "data/contract", directory, dirs_exist_ok=True)
    assert settings.problems(directory) == []


def test_a_minimal_configuration_is_valid_and_has_the_documented_defaults(directory: Path) -> None:
    found = settings.load(directory)
    mailbox = found.mailboxes[0]
    assert (found.company.locale, found.company.currency) == ("en_GB", "GBP")
    assert (mailbox.port, mailbox.security, mailbox.inbox, mailbox.since) == (993, "tls", "INBOX", "now")
    assert mailbox.password.place == "credential:imap"
    assert (found.smtp.port, found.smtp.security, found.smtp.witness) == (587, "starttls", "bcc")
    assert found.smtp.per_address == Rate(1, Duration(1, "day"))
    assert found.ledger.url == "sqlite:////var/lib/followupd/ledger.db"
    assert (found.calendar.open, found.calendar.close) == (time(9), time(17))
    assert found.calendar.quiet == (time(20), time(8))
    assert found.team.agents[0].role is Role.AGENT
    assert found.team.agents[0].limit == Money(5000, "GBP")
    assert (found.recognise.auto, found.recognise.ask) == (0.90, 0.30)
    assert found.metrics.listen is None


def test_an_empty_playbook_has_the_default_times_and_the_first_agent_as_owner(
    directory: Path,
) -> None:
    playbook = settings.load(directory).playbooks["default"]
    assert playbook.owner == "ana"
    assert playbook.steps == ()
    assert playbook.causes == ("carrier", "picking", "billing", "product", "other")
    assert playbook.confirm_after == Duration(10, "minute")
    assert playbook.follow_up_after == Duration(3, "business day")
    assert playbook.follow_up_call
    assert playbook.gift_card_amount is None
    assert (playbook.escalate_lead, playbook.escalate_manager) == (
        Duration(1, "business day"),
        Duration(2, "business day"),
    )


def test_dates_times_and_amounts_may_be_written_as_toml_values(directory: Path) -> None:
    rewrite(directory, 'name = "support"', 'name = "support"\nsince = 2026-01-31')
    text = (directory / "followupd.toml").read_text()
    (directory / "followupd.toml").write_text(text + "limit = 75\n[hours]\nopen = 08:30:00\n")
    found = settings.load(directory)
    assert found.mailboxes[0].since == date(2026, 1, 31)
    assert found.calendar.open == time(8, 30)
    assert found.team.agents[0].limit == Money(7500, "GBP")


def test_an_address_comes_back_with_its_domain_in_ascii(directory: Path) -> None:
    rewrite(directory, 'address = "support@example.com"', 'address = "support@bücher.example.com"')
    assert settings.load(directory).mailboxes[0].address == "support@xn--bcher-kva.example.com"


@pytest.mark.parametrize("address", ["support@localhost", "support@shop.local", "support@mail.test"])
def test_addresses_in_a_local_network_are_valid(directory: Path, address: str) -> None:
    rewrite(directory, 'address = "support@example.com"', f'address = "{address}"')
    assert settings.load(directory).mailboxes[0].address == address


def test_own_tags_are_added_and_an_empty_command_switches_a_default_off(directory: Path) -> None:
    rewrite(directory, "", '[tags]\n"Beschwerde" = "complaint"\n"HOLD" = ""\n"kept" = "kept: 1"\n')
    tags = settings.load(directory).tags
    assert tags["Beschwerde"] == "complaint"
    assert tags["kept"] == "kept: 1"
    assert "hold" not in tags
    assert tags["refund-*"] == "refund: {}"


def test_own_folders_are_added_and_an_empty_command_switches_a_default_off(directory: Path) -> None:
    rewrite(directory, "", '[folders]\n"Reklamation" = "complaint"\n"Recovery/Complaint" = ""\n')
    found = dict(settings.load(directory).folders)
    assert found == {"Recovery/Fixed": "fixed", "Recovery/Complaint": "", "Reklamation": "complaint"}


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (
            "postgresql://followupd@db.example.com/followupd",
            "postgresql+psycopg://followupd@db.example.com/followupd",
        ),
        ("postgresql+psycopg:///followupd", "postgresql+psycopg:///followupd"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite:///x.db", "sqlite:///{directory}/x.db"),
    ],
)
def test_the_ledger_url_is_converted_for_sqlalchemy(directory: Path, written: str, address: str) -> None:
    rewrite(directory, "", f'[ledger]\nurl = "{written}"\n')
    assert settings.load(directory).ledger.url == address.format(directory=directory)


def test_a_relative_directory_gives_the_same_settings(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory.parent)
    assert settings.load(Path(directory.name)) == settings.load(directory)


def test_a_team_without_lead_and_manager_is_valid(directory: Path) -> None:
    assert settings.problems(directory) == []
    assert settings.load(directory).team.first(Role.LEAD) is None


def test_a_playbook_has_steps_times_and_a_gift_card(directory: Path) -> None:
    (directory / "playbooks/delivery.toml").write_text(
        'words = ["lost parcel"]\n'
        "[[next_step]]\n"
        'text = "{{ owner.name }} calls the carrier"\n'
        'within = "2 business days"\n'
        'kind = "firm"\n'
        "[gift_card]\n"
        'amount = "20 EUR"\n'
        "[closing]\n"
        'after = "2 weeks"\n'
    )
    playbook = settings.load(directory).playbooks["delivery"]
    assert playbook.name == "delivery"
    assert playbook.words == ("lost parcel",)
    assert playbook.steps[0].kind is PromiseKind.FIRM
    assert playbook.steps[0].margin == Duration(4, "business hour")
    assert playbook.gift_card_amount == Money(2000, "EUR")
    assert playbook.close_after == Duration(2, "week")


def test_a_step_too_short_for_the_usual_margin_has_none(directory: Path) -> None:
    step = '[[next_step]]\ntext = "{{ owner.name }} calls you"\nwithin = "2 business hours"\n'
    (directory / "playbooks/default.toml").write_text(step)
    assert settings.load(directory).playbooks["default"].steps[0].margin is None


def test_letters_come_from_the_mailbox_unless_smtp_has_an_address(directory: Path) -> None:
    assert settings.load(directory).from_address("support") == "support@example.com"
    mailbox = 'address = "support@example.com"'
    rewrite(directory, mailbox, f'{mailbox}\naliases = ["care@example.com"]')
    file = directory / "followupd.toml"
    file.write_text(file.read_text().replace("[smtp]", '[smtp]\nfrom_address = "care@example.com"'))
    found = settings.load(directory)
    assert found.from_address("support") == "care@example.com"
    assert found.addresses == {"care@example.com", "support@example.com"}


def test_settings_are_frozen(directory: Path) -> None:
    found: Settings = settings.load(directory)
    with pytest.raises(TypeError):
        found.tags["x"] = "y"  # type: ignore[index]  # must be refused
    with pytest.raises(ValidationError, match="frozen"):
        found.smtp.port = 1
