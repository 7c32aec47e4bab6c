"""The judge with the house's rules: rules, thresholds, playbooks, severity, and languages in which nobody is sure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from followupd.adapters.overlay import customise
from followupd.adapters.settings import load
from followupd.adapters.settings.rules import SettingsRule
from followupd.app.check import configuration_problems
from followupd.app.container import trained_classifier_of
from followupd.cli.main import main
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.compensation import Money
from followupd.domain.mail import Kind, Message, Person
from followupd.domain.playbook import Agent, Company, Playbook, Role, SeverityOverride, Team
from followupd.errors import SetupError
from followupd.languages import Catalogue
from followupd.services.classifier import ComplaintClassifier
from followupd.text.complaints import Recogniser, SiteRules
from tests.story.configured import configured, rewrite
from tests.story.lettered import NOW

TOP = Path(__file__).parents[2]
JUDGE = ComplaintClassifier(Recogniser.shipped(), 0.90, 0.30, "en", "GB")
HOUSE = Playbook(
    name="default",
    owner="ana",
    calendar=Calendar(timezone="Europe/London"),
    team=Team(
        (
            Agent(
                id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018", role=Role.AGENT
            ),
        )
    ),
    company=Company(name="Example Ltd", timezone="Europe/London"),
)
QUIET = "I have still not received my order yet, please look into it."
ANGRY = "My parcel has still not arrived. This is unacceptable."


def mail(text: str, subject: str = "My order", sender: str = "kim@example.org") -> Message:
    return Message(kind=Kind.CUSTOMER, because="", sender=Person(sender), subject=subject, text=text)


def test_the_strongest_word_stands_first_whichever_way_it_speaks() -> None:
    weights = [
        abs(weight) for _, weight in JUDGE.verdict(mail(f"{ANGRY} Thanks for looking into it!")).evidence
    ]
    assert weights == sorted(weights, reverse=True)
    assert len(weights) > 2
    assert {
        weight > 0 for _, weight in JUDGE.verdict(mail(f"{ANGRY} Thanks for looking into it!")).evidence
    } == {
        True,
        False,
    }


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (SiteRules(always=("order yet",)), "complaint"),
        (SiteRules(never=("order yet",)), "no"),
        (SiteRules(always=("order yet",), never=("look into it",)), "suspected"),
        (SiteRules(add={"order yet": -4.0}), "no"),
        (SiteRules(add={"order yet": 6.0}), "complaint"),
    ],
)
def test_the_admins_rules_decide_and_stand_in_the_explanation(rules: SiteRules, verdict: str) -> None:
    assert JUDGE.verdict(mail(QUIET)).verdict == "suspected"
    found = replace(JUDGE, rules=rules).verdict(mail(QUIET))
    assert found.verdict == verdict
    assert found.evidence[0][0].startswith("rule: ")


def test_what_was_learnt_is_asked_for_each_mail() -> None:
    learnt: dict[str, float] = {}
    judge = replace(JUDGE, delta=lambda: learnt)
    before = judge.verdict(mail(QUIET)).score
    learnt["start"] = 1.5
    assert judge.verdict(mail(QUIET)).score > before


@pytest.mark.parametrize(
    ("text", "has_cues"),
    [
        (
            "Mein Paket ist immer noch nicht angekommen. Das ist eine Frechheit, ich will mein Geld zurück!",
            True,
        ),
        ("Mon colis n'est toujours pas arrivé. C'est inadmissible, je veux être remboursé !", True),
        ("Mi paquete todavía no ha llegado. Es inaceptable, quiero que me devuelvan el dinero.", True),
        (
            "Il mio pacco non è ancora arrivato, è una vergogna e non sono per niente contento di questo servizio.",
            False,
        ),
        (
            "Mijn pakket is nog steeds niet aangekomen en dat is een schande, ik wil mijn geld terug van jullie.",
            False,
        ),
        (
            "Paczka nie przyszła i jest to skandal, proszę o zwrot pieniędzy, bo nie mam już do was siły.",
            False,
        ),
        ("荷物がまだ届いていません。これは受け入れられません。返金してください。", False),
    ],
)
def test_a_language_without_cues_is_never_a_complaint_by_the_machine_alone(
    text: str, *, has_cues: bool
) -> None:
    assert (JUDGE.verdict(mail(text, "")).verdict == "complaint") is has_cues
    sure = replace(JUDGE, delta=lambda: {"start": 25.0}).verdict(mail(text, ""))
    assert sure.verdict == ("complaint" if has_cues else "suspected")


@pytest.mark.parametrize(
    "text", ["Danke, alles ist gut angekommen, sehr schöner Kessel!", "Merci beaucoup, tout est parfait !"]
)
def test_thanks_in_other_languages_are_no_complaint(text: str) -> None:
    assert JUDGE.verdict(mail(text, "")).verdict == "no"


# --- playbooks and severity ---


def books(**more: Mapping[str, Any]) -> dict[str, Playbook]:
    return {"default": HOUSE} | {name: replace(HOUSE, name=name, **given) for name, given in more.items()}


def chosen(text: str, playbooks: Mapping[str, Playbook]) -> str:
    message = mail(text)
    return JUDGE.playbook(message, JUDGE.verdict(message), playbooks).name


def test_words_choose_a_playbook_before_cues_do() -> None:
    known = books(
        delivery={"words": ("parcel", "lost (parcel|packet)")},
        billing={"words": ("invoice*",)},
        danger={"cues": frozenset({"safety", "legal"})},
        loud={"cues": frozenset({"explicit"})},
    )
    assert chosen("The lost packet is not my fault.", known) == "delivery"
    assert chosen("Your invoices are wrong, I will call my lawyer.", known) == "billing"
    assert chosen("I will call my lawyer.", known) == "danger"
    assert chosen("This is unacceptable.", known) == "loud"
    assert chosen("Where are you?", known) == "default"
    assert chosen("Parceling out blame helps nobody.", known) == "default"


def test_severity_says_why_and_important_customers_and_open_cases_weigh() -> None:
    message = mail(f"{ANGRY} I want to speak to your manager.", sender="kim@big.example.net")
    plain = JUDGE.severity(message, JUDGE.verdict(message), open_case=False)
    vip = replace(JUDGE, vip=("example.net",))
    grave = vip.severity(message, vip.verdict(message), open_case=True)
    assert "somebody in charge is asked for" in plain.reasons
    assert grave == "high"
    assert {"a customer marked as important", "there is an open case of this customer"} <= set(grave.reasons)


@pytest.mark.parametrize(
    ("text", "currency", "grave"),
    [
        ("You still owe me my refund of £1,250.00 and I am tired of waiting.", "GBP", True),
        ("You still owe me my refund of 500 pounds and I am tired of waiting.", "GBP", True),
        ("You still owe me my refund of £499.99 and I am tired of waiting.", "GBP", False),
        ("You still owe me my refund of 9,000 yen and I am tired of waiting.", "GBP", False),
        ("You still owe me my refund of $900 and I am tired of waiting.", "USD", True),
        ("Order 125000: you still owe me my refund and I am tired of waiting.", "GBP", False),
    ],
)
def test_a_large_sum_makes_a_case_graver(text: str, currency: str, *, grave: bool) -> None:
    message = mail(text)
    plain = JUDGE.severity(message, JUDGE.verdict(message), open_case=False)
    large = replace(JUDGE, large=Money.of("500", currency))
    found = large.severity(message, large.verdict(message), open_case=False)
    assert ("much money is at stake" in found.reasons) is grave
    assert "much money is at stake" not in plain.reasons
    assert (found == "high") is grave


def test_the_sum_of_the_configuration_reaches_the_judge(tmp_path: Path) -> None:
    directory = configured(tmp_path)
    message = mail("You still owe me my refund of 90 GBP and I am tired of waiting.")
    assert load(directory).recognise.large == Money.of("500", "GBP")
    for large, grave in (('"80"', True), ('"100"', False), ('""', False)):
        rewrite(directory, "", f"\n[recognise]\nlarge = {large}\n")
        judge = trained_classifier_of(load(directory))
        reasons = judge.severity(message, judge.verdict(message), open_case=False).reasons
        assert ("much money is at stake" in reasons) is grave


@pytest.mark.parametrize("large", ['"80 JPY"', '"80.001"', '"a lot"', "[]"])
def test_a_large_sum_that_is_none_is_refused(tmp_path: Path, large: str) -> None:
    directory = configured(tmp_path)
    rewrite(directory, "", f"\n[recognise]\nlarge = {large}\n")
    [problem] = [each for each in configuration_problems(directory, NOW) if each.file == "followupd.toml"]
    assert problem.key == "recognise.large"
    assert problem.rule in ("C20", "C04")


def test_a_grade_changes_only_what_it_names() -> None:
    soon = Duration.parse("4 business hours")
    book = replace(HOUSE, severity_overrides=(SeverityOverride(severity="high", tell="manager", lead=soon),))
    grave = book.for_severity("high")
    assert (grave.tell, grave.escalate_lead) == ("manager", soon)
    assert (grave.silence_after, grave.escalate_manager) == (book.silence_after, book.escalate_manager)
    assert book.for_severity("normal") == book


def test_a_suggestion_stands_beside_the_sentence_that_it_came_from() -> None:
    text = "The lamp came broken.\nCancel my order\nand refund me. Please call me. " + "It is late. " * 3_000
    assert JUDGE.suggestions(mail(text)) == (
        ("issue", "The lamp came broken."),
        ("wants", 'cancel, refund ("Cancel my order and refund me."), call ("Please call me.")'),
    )
    assert JUDGE.suggestions(mail("Is it open on Sunday?")) == ()


# --- the admin's files ---


def read(directory: Path, text: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    path = directory / "mail.eml"
    path.write_text(f"From: kim@example.org\nSubject: My order\n\n{text}\n")
    capsys.readouterr()
    assert main(["read", "--json", "--config", str(directory), str(path)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_read_uses_the_rules_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = configured(tmp_path)
    assert read(directory, QUIET, capsys)["complaint"]["verdict"] == "suspected"
    rewrite(directory, "", '\n[recognise]\nnever = ["newsletter", "order yet"]\n')
    found = read(directory, QUIET, capsys)["complaint"]
    assert found["verdict"] == "no"
    assert found["evidence"][0] == ["rule: order yet", -10.0]
    rewrite(directory, "", '\n[recognise]\nalways = ["/received my (order|parcel)/"]\n')
    assert read(directory, QUIET, capsys)["complaint"]["verdict"] == "complaint"


def test_read_says_which_playbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = configured(tmp_path)
    (directory / "playbooks/delivery.toml").write_text('words = ["received"]\n')
    (directory / "playbooks/safety.toml").write_text('cues = ["safety"]\n')
    assert read(directory, QUIET, capsys)["playbook"] == "delivery"
    assert read(directory, "The kettle caught fire and burnt my hand.", capsys)["playbook"] == "safety"


@pytest.mark.parametrize("pattern", ["/(a+)+b/", "/(x|x)*y/", "/.*.*.*.*z/", "/(?=a)b/", "/[/"])
def test_a_rule_that_could_run_long_is_refused_by_check(tmp_path: Path, pattern: str) -> None:
    directory = configured(tmp_path)
    rewrite(directory, "", f"\n[recognise]\nalways = ['{pattern}']\n")
    [problem] = [each for each in configuration_problems(directory, NOW) if each.file == "followupd.toml"]
    assert (problem.rule, problem.key) == ("C35", "recognise.always[0]")


def test_an_unknown_group_of_cues_in_a_playbook_is_refused(tmp_path: Path) -> None:
    directory = configured(tmp_path)
    (directory / "playbooks/default.toml").write_text('cues = ["saftey"]\n')
    [problem] = [
        each for each in configuration_problems(directory, NOW) if each.file == "playbooks/default.toml"
    ]
    assert (problem.rule, problem.line) == ("C11", 1)
    assert "'safety'" in problem.hint


@pytest.mark.parametrize(
    ("text", "rule", "key"),
    [
        ("[severity.hihg]\n", "C02", "severity.hihg"),
        ("severity = 3\n", "C04", "severity"),
        ('[severity.high]\ntell = "boss"\n', "C11", "severity.high.tell"),
        ('[severity.high]\nsilence = "soon"\n', "C05", "severity.high.silence"),
        ('[severity.high]\nwait = "1 day"\n', "C02", "severity.high.wait"),
        ('[severity]\nhigh = "grave"\n', "C04", "severity.high"),
    ],
)
def test_a_slip_in_the_grades_is_told_with_its_key(tmp_path: Path, text: str, rule: str, key: str) -> None:
    directory = configured(tmp_path)
    (directory / "playbooks/default.toml").write_text(text)
    [problem] = [
        each for each in configuration_problems(directory, NOW) if each.file == "playbooks/default.toml"
    ]
    assert (problem.rule, problem.key) == (rule, key)


def cue_file(directory: Path, text: str) -> Path:
    file = directory / "languages/nl/complaints.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return directory


def test_an_admins_cue_file_makes_a_language_known(tmp_path: Path) -> None:
    text = (
        "Mijn pakket is nog steeds niet aangekomen en dat is een schande, ik wil mijn geld terug van jullie."
    )
    cue_file(
        tmp_path,
        '[cues]\nanger = ["een schande"]\nmoney = ["mijn geld terug"]\nunmet = ["niet aangekomen"]\n',
    )
    judge = replace(JUDGE, recogniser=Recogniser.of(Catalogue(tmp_path)))
    found = judge.verdict(mail(text, ""))
    assert found.cues == {"anger", "money", "unmet"}
    assert JUDGE.verdict(mail(text, "")).cues == frozenset()


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ('[cues]\nanger = [\n  "een schande",\n  "(open",\n]\n', "C35", 4),
        ('[cues]\nangr = ["een schande"]\n', "C02", 2),
        ("[cues]\nanger = 7\n", "C04", 2),
        ('[cue]\nanger = ["een schande"]\n', "C02", 1),
        ("[cues\n", "C01", 1),
    ],
)
def test_check_reports_a_broken_cue_file_with_its_line(
    tmp_path: Path, text: str, rule: str, line: int
) -> None:
    directory = cue_file(configured(tmp_path), text)
    [problem] = [each for each in configuration_problems(directory, NOW) if "languages/" in each.file]
    assert (problem.file, problem.rule, problem.line) == ("languages/nl/complaints.toml", rule, line)


def test_a_broken_cue_file_is_a_mistake_of_the_set_up_where_nobody_checked(tmp_path: Path) -> None:
    directory = cue_file(configured(tmp_path), '[cues]\nanger = ["(open"]\n')
    with pytest.raises(SetupError, match=r"languages/nl/complaints.toml: .*\(open"):
        Recogniser.of(Catalogue(directory)).cues_for("nl")


# --- the starter playbooks ---


@pytest.mark.parametrize(
    ("text", "playbook"),
    [
        ("My parcel has still not arrived, this is unacceptable.", "delivery"),
        ("Das Paket ist seit drei Wochen nicht angekommen, eine Frechheit.", "delivery"),
        ("Mon colis n'est jamais arrivé, je suis très déçue.", "delivery"),
        ("El paquete no ha llegado y nadie me contesta.", "delivery"),
        ("The kettle is broken after two days.", "defect"),
        ("Die Lampe ist schon wieder kaputt, ich bin sehr enttäuscht.", "defect"),
        ("La machine est en panne pour la troisième fois.", "defect"),
        ("La lavadora no funciona desde el lunes.", "defect"),
        ("You have charged me twice for the same thing.", "billing"),
        ("Ihre Rechnung ist zum zweiten Mal falsch.", "billing"),
        ("Votre facture est fausse.", "billing"),
        ("La factura está mal otra vez.", "billing"),
        ("Your receptionist was rude to me.", "service"),
        ("Ihr Mitarbeiter war unhöflich und hat aufgelegt.", "service"),
        ("Votre vendeur a été impoli avec ma mère.", "service"),
        ("El camarero fue muy grosero con nosotros.", "service"),
        ("The power strip started smoking.", "safety"),
        ("Aus der Steckdosenleiste kam Rauch, sie hätte brennen können.", "safety"),
        ("La multiprise a pris feu.", "safety"),
        ("La regleta empezó a echar humo.", "safety"),
        ("I am very disappointed.", "default"),
    ],
)
def test_the_starter_playbooks_are_chosen_in_four_languages(
    text: str, playbook: str, starters: Mapping[str, Playbook]
) -> None:
    message = mail(text, "")
    assert JUDGE.playbook(message, JUDGE.verdict(message), starters).name == playbook


@pytest.fixture(scope="module")
def starters(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Playbook]:
    """The playbooks of a new configuration into which all starters were copied."""
    directory = configured(tmp_path_factory.mktemp("starters"))
    customise(directory, ["playbooks"])
    problems = configuration_problems(directory, NOW)
    assert {problem.rule for problem in problems} <= {SettingsRule.STARTER, SettingsRule.ABSENT}
    return load(directory).playbooks
