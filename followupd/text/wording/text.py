"""A letter's text as the rules see it: paragraphs between greeting and closing, sentences, and phrases as patterns."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from followupd.text.wording import english, french, german, spanish

STARTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": english.PHRASES,
    "de": german.PHRASES,
    "fr": french.PHRASES,
    "es": spanish.PHRASES,
}
LANGUAGES = tuple(STARTERS)

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


@cache
def pattern(language: str, name: str, own: tuple[str, ...] = ()) -> re.Pattern[str] | None:
    """Return what finds the phrases of that name, the admin's own among them; None where there are none."""
    starters = STARTERS.get(tongue(language), {}).get(name, ())
    found = [*starters, *(re.escape(plain(phrase)).replace(r"\ ", " ") for phrase in own)]
    if not found:
        return None
    joined = "|".join(one.replace(" ", r"\s+") for one in found)
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


def has(language: str, name: str, text: str) -> bool:
    """Say whether the text holds one of these phrases; True where the language has no such list."""
    found = pattern(language, name)
    return found is None or found.search(plain(text)) is not None


def without(text: str, parts: Iterable[str]) -> str:
    """Blank out these parts, keeping line breaks and every other character in its place."""
    for part in sorted({flat(one) for one in parts if one.strip()}, key=len, reverse=True):
        words = r"\s+".join(re.escape(word) for word in plain(part).rstrip(" .,;:!?…-").split())
        if words:
            text = re.sub(words, lambda match: re.sub(r"\S", "_", match[0]), text, flags=re.IGNORECASE)
    return text
