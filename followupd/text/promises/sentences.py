"""Cut a mail into its writer's own sentences, without quotes and doubtful lines."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Catalogue
from followupd.languages.patterns import any_of

#: agents write no longer mails and sentences; the bound limits what a hostile mail can cost
LONGEST_TEXT = 20_000
LONGEST_SENTENCE = 600

_QUOTE_LINE = re.compile(r"\s*[>|]")
_ITEM = re.compile(r"\s*(?:[-*•·–]|\d{1,2}[.)])\s+(?=\S)")
_ENDS = re.compile(r"(?<=[.!?…])[\"')»”]*\s+(?=[\"'(«“„¿¡]*[A-ZÀ-ÖØ-Þ0-9¿¡])")
_INNER_QUOTE = re.compile(
    r"\"[^\"\n]{2,400}\"|“[^”\n]{2,400}”|„[^“”\n]{2,400}[“”]|«[^»\n]{2,400}»|‘[^’\n]{2,400}’(?!\w)"
)
_SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " "})


@dataclass(frozen=True, slots=True)
class _Edges:
    """How mails begin and end in any language, and what ends with a full stop that ends no sentence."""

    greeting: re.Pattern[str]
    farewell: re.Pattern[str]
    abbreviation: re.Pattern[str]


def sentences(text: str, languages: Catalogue, doubtful: Collection[str] = ()) -> Iterator[str]:
    """Give the sentences of a mail in order, without `doubtful` lines and quoted words."""
    edges = _edges_of(languages)
    skip = {line.strip() for line in doubtful}
    for paragraph in _paragraphs(unicodedata.normalize("NFC", text[:LONGEST_TEXT]), skip, edges.farewell):
        for sentence in _cut(_INNER_QUOTE.sub(" … ", paragraph).translate(_SAME), edges.abbreviation):
            if len(sentence) <= LONGEST_SENTENCE:
                yield edges.greeting.sub("", sentence, count=1)


def lowered(sentence: str) -> str:
    """Lower the letters and keep every position, which plain `lower` does not ("İ" becomes two)."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in sentence)


@lru_cache(maxsize=16)
def _edges_of(languages: Catalogue) -> _Edges:
    infos = [language.info for language in languages.all()]
    greetings = any_of([each for info in infos for each in info.greetings], {})
    farewells = any_of([each for info in infos for each in info.farewells], {})
    abbreviations = any_of([each for info in infos for each in info.abbreviations], {})
    return _Edges(
        greeting=re.compile(rf"^(?:{greetings})\b[^,!:.?\n]{{0,60}}[,!:]\s*", re.IGNORECASE),
        farewell=re.compile(rf"\s*(?:{farewells})\b", re.IGNORECASE),
        abbreviation=re.compile(rf"(?:\b(?:\w|{abbreviations})|\b\d{{1,2}})\.$", re.IGNORECASE),
    )


def _paragraphs(text: str, skip: Collection[str], farewell: re.Pattern[str]) -> Iterator[str]:
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        plain = line.strip()
        left_out = not plain or plain in skip or _QUOTE_LINE.match(line)
        if lines and (left_out or _ITEM.match(line) or farewell.match(line)):
            yield " ".join(lines)
            lines = []
        if not left_out:
            lines.append(_ITEM.sub("", plain, count=1) if _ITEM.match(line) else plain)


def _cut(paragraph: str, abbreviation: re.Pattern[str]) -> Iterator[str]:
    begin = 0
    for end in _ENDS.finditer(paragraph):
        if not abbreviation.search(paragraph[max(begin, end.start() - 12) : end.start()]):
            yield paragraph[begin : end.start()].strip()
            begin = end.end()
    if paragraph[begin:].strip():
        yield paragraph[begin:].strip()
