"""The tokeniser: words in lower case, without accents, with hurried spelling corrected."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.languages.schema import ComplaintWords

#: Characters of a mail that are read: a complaint says so early, and the time must be bounded.
READ = 4_000

# Repetitions that could share a character are bounded: a mail of 4,000 "@" takes no longer than another.
_NOISE = re.compile(
    r"(?i)https?://\S+|www\.\S+|[^\s@]{1,64}@[^\s@]{1,190}|<[^<>\n]{1,200}>|(?<!\w)@\w+|\bx{2,}\b"
    r"|\{\$[\d.,]+\}"
)
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['-][^\W\d_]+)*|[!?]|[$€£]|:['-]?[()/|]"
    r"|[\u2639\u263a\u2764\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f900-\U0001f9ff]"
)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n\s*\n|\n(?=[-*•A-ZÄÖÜ¡¿])")


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The small words of all languages together, elisions, and corrections of hurried spelling.

    `languages/en/complaints.toml` says what each set is for.
    """

    elided: re.Pattern[str]
    spelt_out: Mapping[str, str]
    negations: frozenset[str]
    praise_negations: frozenset[str]
    conditional: frozenset[str]
    requests: frozenset[str]
    told: frozenset[str]
    first_person: frozenset[str]
    second_person: frozenset[str]


@lru_cache(maxsize=8)
def vocabulary_of(languages: Catalogue) -> Vocabulary:
    """Return the vocabulary of all languages: mails mix them, and no word has two meanings."""
    words = [each.complaints.words for each in languages.all() if each.complaints]
    elisions = "|".join(re.escape(elision) for each in words for elision in each.elisions)
    return Vocabulary(
        elided=re.compile(rf"(?:{elisions or '(?!)'})'(?=\w{{2}})"),
        spelt_out={short: word for each in words for short, word in each.spelt_out.items()},
        negations=_union(words, "negations"),
        praise_negations=_union(words, "praise_negations"),
        conditional=_union(words, "conditional"),
        requests=_union(words, "requests"),
        told=_union(words, "told"),
        first_person=_union(words, "first_person"),
        second_person=_union(words, "second_person"),
    )


def _union(words: Iterable[ComplaintWords], name: str) -> frozenset[str]:
    return frozenset().union(*(getattr(each, name) for each in words))


def folded(text: str) -> str:
    """Return the text in lower case, without accents, addresses and links, with straight quotes."""
    text = _NOISE.sub(" ", text[:READ]).replace("’", "'").replace("‘", "'").replace("ß", "ss").lower()
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def words_of(text: str, vocabulary: Vocabulary | None = None) -> list[str]:
    """Return the words, and marks that express mood ("!", "?", emoji); digits are left out."""
    known = vocabulary or vocabulary_of(catalogue())
    found: list[str] = []
    for token in _TOKEN.findall(folded(text)):
        if "'" in token and (elided := known.elided.match(token)):
            found += (elided.group(), token[elided.end() :])
        else:
            found.append(_emoji(token) if token[0] == ":" else known.spelt_out.get(token, token))
    return found


def _emoji(smiley: str) -> str:
    """Return ":)" and its variants as one character."""
    return "☺" if smiley[-1] == ")" else "☹"


def sentences_of(text: str) -> list[str]:
    """Return the text's sentences, trimmed, none empty."""
    return [s for part in _SENTENCE.split(text[:READ]) if (s := " ".join(part.split()))]
