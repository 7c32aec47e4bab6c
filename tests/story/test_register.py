"""Letters in the register in which an agent speaks to the customer: "du", "tu" and "tú" only where one did."""

import re
from dataclasses import replace
from itertools import product

import pytest

from followupd.adapters.templates.check import as_first, render_sample
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.sources import TemplateFiles
from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Fault
from followupd.domain.letter import CUSTOMER_LETTERS, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import NextStep
from followupd.domain.promise import PromiseKind, PromiseState
from followupd.text.names import register_of
from tests.story.lettered import NOW, PLAYBOOK, TEMPLATES, flat, letters, promise, sample, wrote

LANGUAGES = ("de", "fr", "es")
#: words of a letter that speaks formally; the samples' own texts are left out
FORMAL = {
    "de": r"\b(?:Sie|Ihnen|Ihr(?:e[rmns]?)?)\b",
    "fr": r"\b[Vv](?:ous|otre|os)\b|-vous\b",
    "es": r"\b(?:[Uu]sted|[Ll]e|[Ss]u|[Ss]us|[Dd]ígame|[Ll]lámeme)\b",
}
INFORMAL = {
    "de": r"\b(?:[Dd]u|[Dd]ir|[Dd]ich|[Dd]ein(?:e[rmns]?)?)\b",
    "fr": r"\b(?:(?:[Tt]u|[Tt]e|[Tt]oi|[Tt]on|[Tt]a|[Tt]es)\b|t')",
    "es": r"\b(?:[Tt]ú|[Tt]e|[Tt]i|[Tt]us?)\b",
}


def plain(language: str, **changes: object) -> Case:
    """A case whose facts and promises are in words without a register."""
    case = sample("long", language=language, register="informal")
    facts = replace(case.facts, issue="X1.", impact="X2.", cause="X3.", resolution="X4.", prevention="X5.")
    promises = (promise("x6", source="reply"), promise("x7", n=2, state=PromiseState.KEPT, source="reply"))
    case = replace(case, facts=facts, promises=promises, customer=Person("kim@example.org", "Kim Doe"))
    return replace(case, compensation=case.compensation[:1], **changes)  # type: ignore[arg-type]


def without_samples(letter: Letter, language: str) -> str:
    """The words of a letter that are the template's."""
    words = letters().languages.language(language).samples
    text = flat(letter.text)
    for said in (*words.options, words.late):
        text = text.replace(flat(said), "")
    return f"{letter.subject} {text}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*CUSTOMER_LETTERS, "safety", "again"])
def test_every_letter_speaks_informally_where_the_agent_does(language: str, kind: str) -> None:
    letter_kind = LetterKind.CONFIRMATION if kind in {"safety", "again"} else LetterKind(kind)
    for fault, severity in product(Fault, ("low", "normal", "high")):
        case = plain(language, severity=severity)
        case = as_first(replace(case, facts=replace(case.facts, fault=fault)), kind)
        text = without_samples(wrote(letter_kind, case), language)
        assert re.search(INFORMAL[language], text), text
        assert not re.search(FORMAL[language], text), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", CUSTOMER_LETTERS)
def test_every_letter_is_formal_otherwise(language: str, kind: LetterKind) -> None:
    for register in ("", "formal"):
        text = without_samples(wrote(kind, plain(language, register=register)), language)
        assert re.search(FORMAL[language], text), text
        assert not re.search(INFORMAL[language].replace("t'", "~"), text), text


@pytest.mark.parametrize(
    ("language", "text", "register"),
    [
        ("de", "Hallo Jo, ich schicke dir am Freitag eine neue. Liebe Grüße, Ana", "informal"),
        ("de", "Hallo Frau Brandt, ich schicke Ihnen eine neue. Viele Grüße", "formal"),
        ("de", "Hallo Jo, dein Paket ist da, sagen Sie Bescheid.", "formal"),
        ("de", "Hallo Jo, die neue ist unterwegs.", ""),
        ("fr", "Salut Léa, je t'envoie le colis et tu me dis.", "informal"),
        ("fr", "Bonjour Madame Petit, je vous envoie le colis.", "formal"),
        ("fr", "Bonjour, le colis est parti.", ""),
        ("es", "Hola, Marta: te mando otra y me dices si te va bien.", "informal"),
        ("es", "Hola, Marta: le mando otra.", "formal"),
        ("es", "Hola, Marta: ya está en camino.", ""),
        ("en", "Hi Jo, I will send you a new one.", ""),
    ],
)
def test_the_register_is_read_in_the_agents_reply(language: str, text: str, register: str) -> None:
    assert register_of(text, language) == register


def test_the_playbooks_step_is_said_in_its_informal_text() -> None:
    texts = (("de", "Ich rufe Sie an"), ("de-informal", "Ich rufe dich an"))
    step = NextStep(text="I will call you", within=Duration(1, "day"), kind=PromiseKind.FIRM, texts=texts)
    playbook = replace(PLAYBOOK, steps=(step,))
    case = plain("de", promises=(promise("Ich rufe Sie an", source="playbook"),))
    assert "rufe dich" in flat(wrote(LetterKind.CONFIRMATION, case, playbook).text)
    formal = replace(case, register="")
    assert "rufe Sie" in flat(wrote(LetterKind.CONFIRMATION, formal, playbook).text)


def test_what_people_promised_stays_in_their_own_words() -> None:
    case = plain("de", promises=(promise("Ich rufe Sie an", source="reply"),))
    assert "rufe Sie" in flat(wrote(LetterKind.CONFIRMATION, case).text)


@pytest.mark.parametrize("is_informal_own_too", [False, True])
def test_an_own_letter_is_not_replaced_by_a_shipped_one_in_another_register(
    tmp_path: object, is_informal_own_too: bool
) -> None:
    from pathlib import Path

    own = Path(str(tmp_path)) / "templates"
    for directory in ("de", "de-informal")[: 1 + is_informal_own_too]:
        (own / directory).mkdir(parents=True)
        text = (TEMPLATES / directory / "delay.md").read_text()
        (own / directory / "delay.md").write_text(text.replace("vergeblich zu warten", "umsonst zu warten"))
    renderer = TemplateRenderer(
        TemplateFiles(own, TEMPLATES),
        sender_of=lambda _: Person("support@example.com", "Example Ltd"),
        message_id=lambda key, domain: f"<{key}@{domain}>",
    )
    text = flat(render_sample(renderer, LetterKind.DELAY, plain("de"), PLAYBOOK, NOW).text)
    assert "umsonst zu warten" in text
    assert ("sollst du" in text) == is_informal_own_too
