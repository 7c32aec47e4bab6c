"""Engines hold no words of a language: those stand in followupd/languages alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import followupd
from followupd.languages import catalogue

PACKAGE = Path(followupd.__file__).parent
LAYERS = (
    "text",
    "recovery",
    "services",
    "domain",
    "app",
    "cli",
    "adapters/imap",
    "adapters/smtp",
    "adapters/storage",
    "adapters/templates",
)
#: small words abroad that are ordinary words in English
ALSO_ENGLISH = frozenset({"come", "till"})
FOREIGN = [language for language in catalogue().all() if language.tag != "en"]


def foreign_words() -> frozenset[str]:
    """Return words that are no English and no word of a program either: small words, weekdays and months."""
    english = catalogue().english
    known = {*ALSO_ENGLISH, *english.info.stop_words, *english.weekdays, *english.months}
    own = (
        word
        for language in FOREIGN
        for word in (*language.info.stop_words, *language.weekdays, *language.months)
    )
    return frozenset(word for word in own if len(word) > 3 and word not in known)


def texts(module: Path) -> Iterator[tuple[int, str]]:
    """Give line and text of each string in a module but its docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def test_no_engine_holds_a_foreign_word() -> None:
    words = foreign_words()
    found = [
        f"{module.relative_to(PACKAGE)}:{line}: {word}"
        for layer in LAYERS
        for module in sorted((PACKAGE / layer).rglob("*.py"))
        for line, text in texts(module)
        for word in re.findall(r"[^\W\d_]{4,}", text.lower())
        if word in words
    ]
    assert found == []


#: letters beyond ASCII that are no words
LETTERS = {
    "adapters/templates/samples.py": "a text from right to left, which every letter is tried with",
    "text/mail/charset.py": "the first and the last letters of scripts",
    "text/complaints/words.py": "capitals, the last Latin letter, and one written as two",
    "text/mail/new_text.py": "letters that end the name of a weekday",
    "text/mail/signature.py": "letters that begin a name",
    "text/promises/sentences.py": "letters that begin a sentence, and an apostrophe",
    "text/ngrams.py": "the German double s, which people also type as ss",
    "text/wording/checker.py": "an apostrophe",
}


def test_no_module_holds_letters_beyond_ascii() -> None:
    modules = (module for module in PACKAGE.rglob("*.py") if module.parent != PACKAGE / "languages")
    found = {
        module.relative_to(PACKAGE).as_posix()
        for module in modules
        for _, text in texts(module)
        if any(letter.isalpha() and not letter.isascii() for letter in text)
    }
    assert found == set(LETTERS)
