"""The text of a letter for the rules: its paragraphs and sentences, and the patterns of phrases."""

import re
from collections.abc import Iterable
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import expand

#: paragraphs this short that do not end like a sentence are greetings and closings
_COURTESY = 60
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+")
#: characters that people write in several ways; each stands for one, so that places stay where they are
_ALIKE = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "‑": "-", "–": "-"})


def tongue(language: str) -> str:
    """Return the two letters that phrases are kept under: "de" for "de_AT"."""
    return language[:2].lower()


def plain(text: str) -> str:
    """Return the text with one kind of apostrophe, space and hyphen; every character stays in its place."""
    return text.translate(_ALIKE)


def flat(text: str) -> str:
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    return [one for one in _SENTENCE.split(flat(text)) if one]


def body(text: str, owner: str) -> list[str]:
    """Return the paragraphs between the greeting and the closing, each on one line."""
    paragraphs = [flat(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]
    signed = [
        n for n, paragraph in enumerate(text.split("\n\n")) if owner in map(str.strip, paragraph.splitlines())
    ]
    inside = paragraphs[: signed[-1]] if signed else paragraphs
    while inside and _is_courtesy(inside[0]):
        inside = inside[1:]
    while inside and _is_courtesy(inside[-1]):
        inside = inside[:-1]
    return inside


def _is_courtesy(paragraph: str) -> bool:
    return len(paragraph) <= _COURTESY and not paragraph.endswith((".", "?", "…"))


@lru_cache(maxsize=512)
def pattern(
    languages: Catalogue, language: str, name: str, own: tuple[str, ...] = ()
) -> re.Pattern[str] | None:
    """Return the pattern of a list of phrases, including the admin's own; None if there are none."""
    known = languages.find(language)
    found: list[str] = []
    if known is not None:
        wording = known.wording
        found += [expand(phrase, wording.parts) for phrase in wording.phrases.get(name, ())]
    found += [re.escape(plain(phrase)).replace(r"\ ", r"\s+") for phrase in own]
    if not found:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)", re.IGNORECASE)


def has(language: str, name: str, text: str, languages: Catalogue | None = None) -> bool:
    """Return whether the text contains one of these phrases; True if the language has no such list."""
    found = pattern(languages or catalogue(), language, name)
    return found is None or found.search(plain(text)) is not None


@lru_cache(maxsize=8)
def dated(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of dates with a year; without one it is not certain that a date has passed."""
    joints = "|".join(
        dict.fromkeys(re.escape(j) for each in languages.all() for j in each.wording.date_joints)
    )
    joint = rf"(?:\s+(?:{joints}))?" if joints else ""
    return re.compile(
        r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
        rf"|\b\d{{1,2}}\.?{joint}\s+[^\W\d]{{3,12}}\.?,?{joint}\s+\d{{4}}\b"
        r"|\b[^\W\d]{3,12}\.?\s+\d{1,2},?\s+\d{4}\b"
    )


def without(text: str, parts: Iterable[str]) -> str:
    """Blank out these parts, keeping line breaks and every other character in its place."""
    for part in sorted({flat(one) for one in parts if one.strip()}, key=len, reverse=True):
        words = r"\s+".join(re.escape(word) for word in plain(part).rstrip(" .,;:!?…-").split())
        if words:
            text = re.sub(words, lambda match: re.sub(r"\S", "_", match[0]), text, flags=re.IGNORECASE)
    return text
