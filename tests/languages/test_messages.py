"""Every sentence in the code for agents is translated into every language, and no catalogue has more."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import followupd
from followupd.adapters.settings.language_files import language_problems
from followupd.domain.compensation import Gift, GrantState
from followupd.domain.letter import CUSTOMER_LETTERS, FOLLOW_UP_FACTS
from followupd.domain.promise import PromiseState
from followupd.domain.translatable import places
from followupd.languages import load
from followupd.languages.catalogue import MESSAGES
from followupd.text.wording import RULES

CODE = Path(followupd.__file__).parent
CATALOGUES = sorted((CODE / "languages").glob(f"*/{MESSAGES}"))
#: what the code marks a sentence with, as `make messages` knows it too
KEYWORDS: Mapping[str, None] = {"msg": None, "msgid": None}
#: names of states, kinds and facts that become part of a sentence
NAMES = {
    *(f"the {gift}" for gift in Gift),
    *CUSTOMER_LETTERS,
    *FOLLOW_UP_FACTS,
    *GrantState,
    *PromiseState,
    "low",
    "normal",
    "high",
    "tag",
    "label",
    "folder",
    "note",
}


@cache
def extracted() -> frozenset[str]:
    """Return every sentence that the code marks."""
    found = extract_from_dir(CODE, keywords=dict(KEYWORDS))
    return frozenset(str(message) for _, _, message, _, _ in found)


@cache
def catalogue(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened)


def test_every_name_that_is_part_of_a_sentence_is_marked() -> None:
    assert extracted() >= NAMES
    assert extracted() >= {part for rule in RULES for part in (rule.reason, rule.better)}


def test_german_french_and_spanish_have_a_catalogue() -> None:
    assert {file.parent.name for file in CATALOGUES} >= {"de", "fr", "es"}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parent.name)
def test_every_sentence_is_translated_and_nothing_else(file: Path) -> None:
    messages = [message for message in catalogue(file) if message.id]
    assert {str(message.id) for message in messages if message.string} == extracted()
    assert [message.id for message in messages if message.fuzzy] == []
    assert catalogue(file).obsolete == {}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parent.name)
def test_a_translation_has_the_values_of_its_sentence(file: Path) -> None:
    sentences = load(file.parent.name).messages
    assert sentences
    assert {english: own for english, own in sentences.items() if places(english) != places(own)} == {}


def test_english_needs_no_catalogue() -> None:
    assert load("en").messages == {}
    assert load("it").messages == {}


def test_an_admins_catalogue_replaces_ours(tmp_path: Path) -> None:
    write(tmp_path, "de", 'msgid "the case is held"\nmsgstr "Pause"\n')
    assert load("de", tmp_path).messages == {"the case is held": "Pause"}
    assert language_problems(tmp_path) == []


def test_a_sentence_without_a_translation_is_written_in_english(tmp_path: Path) -> None:
    write(tmp_path, "de", 'msgid "the case is held"\nmsgstr ""\n\n#, fuzzy\nmsgid "it is held"\nmsgstr "x"\n')
    assert load("de", tmp_path).messages == {}


@pytest.mark.parametrize(
    ("text", "rule", "line", "problem"),
    [
        (
            'msgid "a"\nmsgstr "b"\n\nmsgid "the case is held: {why}"\nmsgstr "der Fall ruht: {warum}"\n',
            "C02",
            4,
            "there is no `{warum}` in the sentence 'the case is held: {why}'",
        ),
        ('msgid "a"\nmsgstr "b"\nmsgfoo "c"\n', "C01", 3, "is not a gettext catalogue"),
        ('"the case is held" = "der Fall ruht"\n', "C01", 1, "is not a gettext catalogue"),
    ],
)
def test_check_names_the_line_of_each_mistake(
    tmp_path: Path, text: str, rule: str, line: int, problem: str
) -> None:
    write(tmp_path, "de", text)
    (found,) = language_problems(tmp_path)
    assert (found.file, found.rule, found.line) == (f"languages/de/{MESSAGES}", rule, line)
    assert found.problem.startswith(problem)


def write(directory: Path, tag: str, text: str) -> None:
    file = directory / "languages" / tag / MESSAGES
    file.parent.mkdir(parents=True)
    file.write_text(text)
