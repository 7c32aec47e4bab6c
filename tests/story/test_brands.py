"""A second brand: [company.NAME], its letters and playbooks, and what `check` says of mistakes in them."""

from pathlib import Path

import pytest

from followupd.adapters.overlay import template_files
from followupd.adapters.settings import SettingsRule, load, problems
from followupd.app.check import blocking_problems, configuration_problems
from tests.builders import a_case
from tests.story.configured import MINIMAL, configured, line_of
from tests.story.lettered import NOW

GARDEN = """
[company.garden]
name = "Garden & Co"
locale = "de_DE"

[company.garden.vars]
place = "Kew"

[vars]
place = "London"
hours = "nine to five"
"""
SECOND = """
[[mailbox]]
name = "garden"
company = "garden"
address = "hello@garden.test"
host = "imap.garden.test"
username = "hello@garden.test"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    configured(tmp_path)
    (tmp_path / "followupd.toml").write_text(MINIMAL + GARDEN + SECOND)
    return tmp_path


def test_a_brand_has_its_own_name_and_what_it_leaves_out_is_the_companys(directory: Path) -> None:
    settings = load(directory)
    garden = settings.playbooks.company("garden")
    assert (garden.name, garden.locale, garden.timezone, garden.currency) == (
        "Garden & Co",
        "de_DE",
        "Europe/London",
        "GBP",
    )
    assert dict(garden.vars) == {"place": "Kew", "hours": "nine to five"}
    assert settings.playbooks.company("support") == settings.company
    assert settings.from_address("garden") == "hello@garden.test"


def test_the_letters_of_a_brand_come_from_its_own_mailbox_whatever_from_address_says(directory: Path) -> None:
    text = (directory / "followupd.toml").read_text()
    text = text.replace("[smtp]\n", '[smtp]\nfrom_address = "support@example.com"\n')
    (directory / "followupd.toml").write_text(text)
    settings = load(directory)
    assert settings.from_address("garden") == "hello@garden.test"
    assert settings.from_address("support") == "support@example.com"


def test_a_brand_has_the_shared_playbooks_and_its_own_over_them(directory: Path) -> None:
    (directory / "playbooks/delivery.toml").write_text('words = ["parcel"]\n')
    (directory / "playbooks/billing.toml").write_text('words = ["invoice"]\n')
    own = directory / "companies/garden/playbooks"
    own.mkdir(parents=True)
    (own / "delivery.toml").write_text('words = ["plants"]\n')
    playbooks = load(directory).playbooks
    assert playbooks["delivery"].words == ("parcel",)
    assert playbooks.of("garden")["delivery"].words == ("plants",)
    assert playbooks.of("garden")["billing"].words == ("invoice",)
    case = a_case(mailbox="garden", playbook="delivery").case
    assert playbooks.for_case(case).company.name == "Garden & Co"
    assert playbooks.for_case(a_case(mailbox="support").case).company.name == "Example Ltd"


def test_a_brand_has_the_shared_templates_and_its_own_over_them(directory: Path) -> None:
    shared, own = directory / "templates/en", directory / "companies/garden/templates/en"
    shared.mkdir(parents=True)
    own.mkdir(parents=True)
    (shared / "_greeting.md").write_text("Hello!\n")
    (shared / "_signature.md").write_text("Yours\n")
    (own / "_greeting.md").write_text("Good day!\n")
    settings = load(directory)
    files = template_files(directory, settings.brands["garden"])
    assert files.text("en/_greeting.md") == "Good day!\n"
    assert files.text("en/_signature.md") == "Yours\n"
    assert files.exists("en/follow-up.md")
    assert files.changed("en") == ["en/_greeting.md"]
    assert files.label("en/_greeting.md") == "companies/garden/templates/en/_greeting.md"
    assert files.label("en/_signature.md") == "templates/en/_signature.md"
    assert template_files(directory, settings.company).text("en/_greeting.md") == "Hello!\n"


@pytest.mark.parametrize(
    ("old", "new", "key", "rule", "words"),
    [
        (
            'company = "garden"',
            'company = "gardn"',
            "mailbox[1].company",
            SettingsRule.NO_BRAND,
            "[company.gardn]",
        ),
        ('company = "garden"', "", "company.garden", SettingsRule.NO_BRAND, "no mailbox belongs"),
        ('name = "Garden & Co"', "", "company.garden.name", SettingsRule.MISSING, "is missing"),
        ('locale = "de_DE"', 'locale = "deutsch"', "company.garden.locale", SettingsRule.LOCALE, "deutsch"),
        ('locale = "de_DE"', 'colour = "red"', "company.garden.colour", SettingsRule.UNKNOWN, "'colour'"),
        ("[company.garden]", '[company."gar den"]', 'company."gar den"', SettingsRule.NAME, "gar den"),
    ],
)
def test_a_mistake_in_a_brand_is_named_with_its_line(
    directory: Path, old: str, new: str, key: str, rule: SettingsRule, words: str
) -> None:
    text = (directory / "followupd.toml").read_text()
    assert old in text
    (directory / "followupd.toml").write_text(text.replace(old, new, 1))
    found = [problem for problem in problems(directory) if problem.key == key and problem.rule == rule]
    assert len(found) == 1, problems(directory)
    assert words in found[0].problem
    assert found[0].line


def test_a_mistake_in_a_brands_playbook_is_named_with_its_file_and_line(directory: Path) -> None:
    own = directory / "companies/garden/playbooks"
    own.mkdir(parents=True)
    (own / "default.toml").write_text('words = ["plants"]\nownr = "ana"\n')
    found = [problem for problem in problems(directory) if problem.rule == SettingsRule.UNKNOWN]
    assert [(problem.file, problem.line) for problem in found] == [
        ("companies/garden/playbooks/default.toml", 2)
    ]


def test_a_mistake_in_a_brands_letter_is_named_with_its_file_and_line(directory: Path) -> None:
    own = directory / "companies/garden/templates/en"
    own.mkdir(parents=True)
    (own / "holding.md").write_text("---\nsubject: Hello\n---\n\nDear {{ customr.name }},\n")
    found = [problem for problem in blocking_problems(directory, NOW) if problem.rule.startswith("L")]
    assert {(problem.file, problem.line) for problem in found} == {
        ("companies/garden/templates/en/holding.md", 5)
    }
    assert line_of(directory, "garden")


STEP = """[[next_step]]
text = "We guarantee that this never happens again!!!"
within = "2 business days"
"""


def test_a_step_is_looked_at_once_and_named_by_the_file_that_it_is_in(directory: Path) -> None:
    own = directory / "companies/garden/playbooks"
    own.mkdir(parents=True)
    (own / "plants.toml").write_text('language = "nl"\n' + STEP)
    (directory / "playbooks/delivery.toml").write_text(STEP)
    found = configuration_problems(directory, NOW, with_secrets=False)
    steps = [(each.problem, each.file, each.line) for each in found if each.rule.startswith("W")]
    assert {(file, line) for _, file, line in steps} == {
        ("playbooks/delivery.toml", 2),
        ("companies/garden/playbooks/plants.toml", 3),
    }
    assert len(steps) == len(set(steps))
    [language] = [each for each in found if each.rule == SettingsRule.LANGUAGE]
    assert (language.file, language.line) == ("companies/garden/playbooks/plants.toml", 1)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('locale = "de_DE"', 'locale = "nl_NL"', "company.garden.locale"),
        ('locale = "de_DE"', "", "company.locale"),
    ],
)
def test_a_language_without_letters_is_named_once_where_it_is_written(
    directory: Path, old: str, new: str, key: str
) -> None:
    text = (directory / "followupd.toml").read_text().replace(old, new)
    if key == "company.locale":
        text = text.replace('timezone = "Europe/London"', 'timezone = "Europe/London"\nlocale = "nl_NL"')
    (directory / "followupd.toml").write_text(text)
    found = configuration_problems(directory, NOW, with_secrets=False)
    [language] = [each for each in found if each.rule == SettingsRule.LANGUAGE]
    assert (language.key, language.line) == (key, line_of(directory, "nl_NL"))


def test_a_shared_letter_for_a_playbook_that_only_a_brand_has_is_a_letter(directory: Path) -> None:
    own, shared = directory / "companies/garden/playbooks", directory / "templates/en"
    own.mkdir(parents=True)
    shared.mkdir(parents=True)
    (own / "plants.toml").write_text("")
    (own / "flowers.tml").write_text("")
    text = template_files(directory).text("en/follow-up.md")
    for name in ("plants", "flowers"):
        (shared / f"follow-up.{name}.md").write_text(text)
    found = configuration_problems(directory, NOW, with_secrets=False)
    assert {each.file for each in found if each.rule in {"L09", SettingsRule.UNREAD}} == {
        "templates/en/follow-up.flowers.md",
        "companies/garden/playbooks/flowers.tml",
    }
