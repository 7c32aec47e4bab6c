"""A made-up language is added by two folders, and a case runs in it; no code knows a word of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.adapters.settings.language_files import language_problems
from followupd.adapters.templates.check import problems
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.sources import TemplateFiles
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import LetterContent
from followupd.domain.events import Event, PromiseMade
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Identity, Message, Person
from followupd.domain.promise import Option, Promise
from followupd.domain.translatable import msg
from followupd.languages import Catalogue
from followupd.recovery import confirm, opening
from followupd.services.classifier import ComplaintClassifier
from followupd.text import promises
from followupd.text.answers import Answer, chosen, read_receipt
from followupd.text.complaints import Recogniser
from followupd.text.mail.absence import back_on
from followupd.text.mail.read import read as read_mail
from followupd.text.wording import PART, WordingRules, findings
from tests.languages.test_overlay import PROMISES, TOY, write
from tests.story.lettered import ANA, NOW, PLAYBOOK, TEMPLATES

WORDS = 'stop_words = "mi nu tu ne e lo pak"\nrank = 50\n'
LETTERS = """
[letters]
titles = { don = "don" }
day_and_time = "{date} hor {time}"
"""
COMPLAINTS = """
[cues]
explicit = ["plend*", "ne kontent"]
anger = "furi*"
unmet = ["ne (arivat|veni*)"]

[against]
thanks = "grat"

[wishes]
refund = "redon ... pecun"

[words]
negations = "ne"
"""
ANSWERS = """
elisions = "l"

[receipt]
yes = "jup"
denials = "ne"
arrived = "arivat"
plain = "pak mi l'"
courtesy = "grat"
kinds.refund = "pecun"

[choice]
numbers = ["prim", "sekund"]
courtesy = "mi vol grat"

[absence]
months = ["prim", "dus", "tris", "kvar", "kvin", "ses", "sep", "ok", "nov", "dek", "el", "tvel"]
back = "mi revent"
"""
WORDING = """
[phrases]
apology = "pardon"
thanks = "grat"
blame = "tu kulp"
"""
SAMPLES = """
subject = "Ubi pak?"
story = "Lo, mi pak ne veni."
issue = "Pak ne veni."
impact = "Tu ne hav don."
wants = "pak"
cause = "Papir fals."
resolution = "Nu pak novat."
prevention = "Papir kontrolat."
promises = ["send pak", "serk kaus", "redon pecun", "vok kurer"]
late = "kar brekat"
options = ["pak novat", "pecun"]
gesture = "liber send"

[short]
cause = "papir fals"
resolution = "pak novat"
prevention = "papir kontrolat"
promise = "nu serk"
"""
MESSAGES = """
msgid "the case is held: {why}"
msgstr "kas dorm: {why}"

msgid "the case is held"
msgstr "kas dorm"
"""
CONFIRMATION = """---
subject: Re: {{ case.subject or "Plend" }}
---
Lo {{ customer.first_name or "tu" }},

Grat e pardon.

{% for promise in promises %}
{{ promise.text | capital }}{% if promise.by %}, ka {{ promise.by }}{% endif %}.

{% endfor %}
{% for option in options %}
{{ option.n }}: {{ option.text }}{% if option.by %}, ka {{ option.by }}{% endif %}.

{% endfor %}
{% for grant in compensation %}
{{ grant.amount or grant.text }}.

{% endfor %}
Amik

{{ owner.name }}\\
{{ company.name }}

{{ owner.phone }}, {{ owner.email }}
"""
NUDGE = """---
subject: [{{ case.ref }}] Lo
---
Lo {{ agent.first_name }},

{{ because | sentence }}
"""
COMPLAINT = b"""From: Don Kim Doe <kim@example.org>
To: support@example.com
Message-ID: <1@example.org>
Date: Tue, 01 Dec 2026 09:00:00 +0000
Subject: Pak
Content-Type: text/plain; charset=utf-8

Lo, mi pak ne arivat e mi furios. Mi plenda: redon mi pecun!
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a configuration directory with the two folders languages/xx and templates/xx."""
    files = {
        "language.toml": WORDS + TOY + LETTERS,
        "promises.toml": PROMISES,
        "complaints.toml": COMPLAINTS,
        "answers.toml": ANSWERS,
        "wording.toml": WORDING,
        "samples.toml": SAMPLES,
        "agents.po": MESSAGES,
    }
    for name, text in files.items():
        write(tmp_path, f"xx/{name}", text)
    letters = tmp_path / "templates/xx"
    (letters / "desk").mkdir(parents=True)
    (letters / "confirmation.md").write_text(CONFIRMATION)
    (letters / "desk/nudge.md").write_text(NUDGE)
    return tmp_path


@pytest.fixture
def languages(directory: Path) -> Catalogue:
    return Catalogue(directory)


def renderer(directory: Path, languages: Catalogue) -> TemplateRenderer:
    return TemplateRenderer(
        TemplateFiles(directory / "templates", TEMPLATES),
        sender_of=lambda _: Person("support@example.com", "Example Ltd"),
        message_id=lambda key, domain: f"<{key}@{domain}>",
        languages=languages,
    )


def classifier(languages: Catalogue) -> ComplaintClassifier:
    return ComplaintClassifier(
        Recogniser.of(languages), auto=0.9, ask=0.3, default_language="en", region="GB", languages=languages
    )


def received(languages: Catalogue) -> Message:
    return read_mail(COMPLAINT, Identity(addresses=frozenset({"support@example.com"})), languages=languages)


def promised(languages: Catalogue) -> Promise:
    """Return the promise that an agent's reply makes."""
    (found,), *_ = promises.find_commitments(
        "Lo Kim, nu va send pak ka krom.",
        sent_at=NOW,
        calendar=PLAYBOOK.calendar,
        language=languages.language("xx"),
    )
    return Promise(
        n=1,
        text=found.text,
        kind=found.kind,
        internal_deadline=found.due,
        promised_by=found.due,
        source="reply",
        owner=ANA.id,
        made_at=NOW,
    )


def lived(languages: Catalogue) -> Case:
    """Return the case that the complaint and the agent's reply make."""
    message, judge = received(languages), classifier(languages)
    history: list[Event] = [
        opening.open_case(
            message,
            ref="FU-7K3Q9",
            mailbox="support",
            playbook=PLAYBOOK,
            now=NOW,
            facts=judge.facts(message),
            language=judge.language(message),
        ),
        opening.classified(judge.verdict(message), NOW),
        PromiseMade(at=NOW, by=ANA.email, promise=promised(languages)),
    ]
    return lifecycle.fold(history)


def test_a_complaint_is_recognised(languages: Catalogue) -> None:
    message = received(languages)
    judge = classifier(languages)
    verdict = judge.verdict(message)
    assert verdict.verdict == "complaint"
    assert verdict.cues == {"anger", "explicit", "unmet"}
    assert judge.language(message) == "xx"
    assert dict(judge.suggestions(message))["wants"].startswith("refund")


def test_without_the_folders_nobody_knows_the_language(directory: Path) -> None:
    del directory
    message = received(Catalogue())
    judge = classifier(Catalogue())
    assert judge.verdict(message).cues == frozenset()
    assert judge.language(message) != "xx"


def test_a_promise_is_read_and_confirmed_in_writing(directory: Path, languages: Catalogue) -> None:
    case, letters = lived(languages), renderer(directory, languages)
    unseen = replace(PLAYBOOK, confirm_show=False)
    (letter,) = confirm.decide(case, unseen, letters, NOW + timedelta(days=1))
    assert isinstance(letter, Letter)
    assert letter.language == "xx"
    assert (letter.kind, letter.subject) == (LetterKind.CONFIRMATION, "Re: Pak")
    assert (
        "Lo Kim Doe,\n\nGrat e pardon." in letter.text
    )  # "don" is a title, which CLDR's stand-in does not write
    assert "send pak, ka Wednesday, 2 December." in letter.text.replace("\u00a0", " ")


def test_a_letter_must_have_the_languages_own_apology(directory: Path, languages: Catalogue) -> None:
    file = directory / "templates/xx/confirmation.md"
    file.write_text(CONFIRMATION.replace("Grat e pardon", "Grat e sorry"))
    problem = next(
        one
        for one in problems(
            TemplateFiles(directory / "templates", TEMPLATES), PLAYBOOK, NOW, languages=languages
        )
        if one.file == "templates/xx/confirmation.md"
    )
    assert "an apology in the first paragraph" in problem.problem


def test_an_agent_is_told_in_the_language(directory: Path, languages: Catalogue) -> None:
    letters = renderer(directory, languages)
    abroad = replace(PLAYBOOK, company=replace(PLAYBOOK.company, locale="xx"))
    content = LetterContent(because=msg("the case is held: {why}", why="vakanz"))
    letter = letters.desk(LetterKind.NUDGE, lived(languages), abroad, NOW, content, ANA)
    assert "Kas dorm: vakanz." in letter.text


def test_the_customers_answers_are_read(languages: Catalogue) -> None:
    refund = Compensation(n=1, kind=Gift.REFUND, state=GrantState.ISSUED)
    assert read_receipt("Jup, grat", [refund], (), languages).answers == {1: Answer.ARRIVED}
    assert read_receipt("L'pecun ne arivat", [refund], (), languages).answers == {1: Answer.MISSING}
    options = [Option(n=n, text="", promised_by=None) for n in (1, 2)]
    assert chosen("Mi vol sekund, grat", options, (), languages) == 2
    assert chosen("Mi vol sekund, grat", options) is None


def test_an_absence_note_is_read(languages: Catalogue) -> None:
    note = "Mi revent 7 tvel."
    assert back_on(note, "", NOW, languages) == datetime(2026, 12, 7, tzinfo=UTC)
    assert back_on(note, "", NOW) is None


def test_wording_is_held_to_the_languages_own_phrases(languages: Catalogue) -> None:
    rules = WordingRules(languages=languages)
    (finding,) = findings("Tu kulp.", kind=PART, language="xx", manner=rules)
    assert finding.rule.name == "blame"
    assert findings("Tu kulp.", kind=PART, language="xx") == ()


def test_check_finds_nothing_wrong(directory: Path, languages: Catalogue) -> None:
    assert language_problems(directory) == []
    files = TemplateFiles(directory / "templates", TEMPLATES)
    assert problems(files, PLAYBOOK, NOW, languages=languages) == []
