"""The text of a letter for the rules of wording: paragraphs, sentences, and the patterns of phrases."""

import re
from collections.abc import Iterable
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import expand

#: characters; a shorter paragraph that does not end like a sentence is a greeting or a closing
_MAX_COURTESY = 60
_SENTENCE_END = (".", "?", "…")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+")
#: characters with several forms; each is replaced by one, so that positions stay the same
_ONE_FORM = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "‑": "-", "–": "-"})


def tongue(language: str) -> str:
    """Return the two letters that phrases are stored under: "de" for "de_AT"."""
    return language[:2].lower()


def plain(text: str) -> str:
    """Return the text with one kind of apostrophe, space and hyphen; every position stays the same."""
    return text.translate(_ONE_FORM)


def flat(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each on one line."""
    return list(filter(None, _SENTENCE.split(flat(text))))


def body(text: str, owner: str) -> list[str]:
    """Return the paragraphs between the greeting and the closing, each on one line.

    Args:
        text: a letter as plain text.
        owner: the name of the person who signs it; the last line with just this name begins the closing.
    """
    blocks = text.split("\n\n")
    paragraphs = [flat(block) for block in blocks if block.strip()]
    signed = [number for number, block in enumerate(blocks) if owner in map(str.strip, block.splitlines())]
    if signed:
        paragraphs = paragraphs[: signed[-1]]

    while paragraphs and _is_courtesy(paragraphs[0]):
        paragraphs = paragraphs[1:]
    while paragraphs and _is_courtesy(paragraphs[-1]):
        paragraphs = paragraphs[:-1]
    return paragraphs


def _is_courtesy(paragraph: str) -> bool:
    """Whether a paragraph is a greeting or a closing."""
    return len(paragraph) <= _MAX_COURTESY and not paragraph.endswith(_SENTENCE_END)


@lru_cache(maxsize=512)
def pattern(
    languages: Catalogue, language: str, name: str, own: tuple[str, ...] = ()
) -> re.Pattern[str] | None:
    """Return the pattern of a list of phrases; None when it is empty.

    Args:
        languages: the languages to use.
        language: the language of the text.
        name: the name of the list in `wording.toml`.
        own: the administrator's phrases, which are no patterns.
    """
    known = languages.find(language)
    phrases: list[str] = []
    if known is not None:
        wording = known.wording
        phrases += [expand(phrase, wording.parts) for phrase in wording.phrases.get(name, ())]
    phrases += [re.escape(plain(phrase)).replace(r"\ ", r"\s+") for phrase in own]
    if not phrases:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


def has(language: str, name: str, text: str, languages: Catalogue | None = None) -> bool:
    """Whether the text contains one of these phrases; True if the language has no such list.

    Args:
        language: the language of the text.
        name: the name of the list in `wording.toml`.
        text: the text.
        languages: the languages to use, the shipped ones by default.
    """
    found = pattern(languages or catalogue(), language, name)
    return found is None or found.search(plain(text)) is not None


@lru_cache(maxsize=8)
def dated(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of dates with a year; without one it is not certain that a date has passed."""
    joints = dict.fromkeys(
        re.escape(joint) for language in languages.all() for joint in language.wording.date_joints
    )
    joint = rf"(?:\s+(?:{'|'.join(joints)}))?" if joints else ""
    return re.compile(
        r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
        rf"|\b\d{{1,2}}\.?{joint}\s+[^\W\d]{{3,12}}\.?,?{joint}\s+\d{{4}}\b"
        r"|\b[^\W\d]{3,12}\.?\s+\d{1,2},?\s+\d{4}\b"
    )


def without(text: str, parts: Iterable[str]) -> str:
    """Replace these parts by underscores, keeping line breaks, so that every position stays the same."""
    distinct = {flat(part) for part in parts if part.strip()}
    for part in sorted(distinct, key=len, reverse=True):
        words = plain(part).rstrip(" .,;:!?…-").split()
        if words:
            expression = r"\s+".join(map(re.escape, words))
            text = re.sub(expression, _underscores, text, flags=re.IGNORECASE)
    return text


def _underscores(match: re.Match[str]) -> str:
    return re.sub(r"\S", "_", match[0])
