"""Split a mail into its writer's own sentences, without quotes and doubtful lines."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Catalogue
from followupd.languages.patterns import any_of

#: characters of a mail that are read; agents write no longer ones, and the bound limits what a hostile mail
#: costs
MAX_TEXT = 20_000
#: characters of a sentence that is read; a longer one is skipped
MAX_SENTENCE = 600
#: characters before the end of a sentence in which an abbreviation is looked for
ABBREVIATION_REACH = 12

_QUOTE_LINE = re.compile(r"\s*[>|]")
_LIST_ITEM = re.compile(r"\s*(?:[-*•·–]|\d{1,2}[.)])\s+(?=\S)")
_SENTENCE_END = re.compile(
    r"""
    (?<=[.!?…])                   # punctuation,
    [\"')»”]* \s+                 # closing quotes and white space,
    (?=[\"'(«“„¿¡]{0,9}           # opening quotes
       [A-ZÀ-ÖØ-Þ0-9¿¡])          # and a capital letter or a digit
    """,
    re.VERBOSE,
)
_INNER_QUOTE = re.compile(
    r"""
      \"[^\"\n]{2,400}\"
    | “[^”\n]{2,400}”
    | „[^“”\n]{2,400}[“”]
    | «[^»\n]{2,400}»
    | ‘[^’\n]{2,400}’(?!\w)       # not an apostrophe
    """,
    re.VERBOSE,
)
#: typographic apostrophes and spaces -> those of patterns
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " "})


@dataclass(frozen=True, slots=True)
class _MailPatterns:
    """How mails begin and end in all languages, and abbreviations, whose full stop ends no sentence."""

    greeting: re.Pattern[str]
    farewell: re.Pattern[str]
    abbreviation: re.Pattern[str]


def sentences(text: str, languages: Catalogue, doubtful: Collection[str] = ()) -> Iterator[str]:
    """Yield the writer's own sentences of a mail, in order.

    Args:
        text: the new text of the mail, of which the first MAX_TEXT characters are read.
        languages: the languages whose greetings, farewells and abbreviations are known.
        doubtful: lines that may be quoted and are left out.

    Yields:
        Sentences of at most MAX_SENTENCE characters, with plain spaces and apostrophes and without a
        greeting. Words in quotation marks are replaced by "…".
    """
    patterns = _mail_patterns(languages)
    left_out = {line.strip() for line in doubtful}
    composed = unicodedata.normalize("NFC", text[:MAX_TEXT])

    for paragraph in _paragraphs(composed, left_out, patterns.farewell):
        plain = _INNER_QUOTE.sub(" … ", paragraph).translate(_PLAIN)
        for sentence in _split(plain, patterns.abbreviation):
            if len(sentence) <= MAX_SENTENCE:
                yield patterns.greeting.sub("", sentence, count=1)


def lowered(sentence: str) -> str:
    """Return the sentence in lower case, with every character at its position.

    `str.lower` alone may move them: it makes two characters of "İ".
    """
    if sentence.isascii():
        return sentence.lower()
    return "".join(map(_lowered_letter, sentence))


def _lowered_letter(letter: str) -> str:
    """Return the letter in lower case, unless that would be more than one character."""
    low = letter.lower()
    if len(low) > 1:
        return letter
    return low


@lru_cache(maxsize=16)
def _mail_patterns(languages: Catalogue) -> _MailPatterns:
    """Compile what all languages together know about the form of a mail."""
    greetings = _any_in(languages, "greetings")
    farewells = _any_in(languages, "farewells")
    abbreviations = _any_in(languages, "abbreviations")
    return _MailPatterns(
        greeting=re.compile(rf"^(?:{greetings})\b[^,!:.?\n]{{0,60}}[,!:]\s*", re.IGNORECASE),
        farewell=re.compile(rf"\s*(?:{farewells})\b", re.IGNORECASE),
        abbreviation=re.compile(rf"(?:\b(?:\w|{abbreviations})|\b\d{{1,2}})\.$", re.IGNORECASE),
    )


def _any_in(languages: Catalogue, key: str) -> str:
    """Return one pattern for what this key of language.toml lists in any language."""
    patterns: list[str] = []
    for language in languages.all():
        patterns += getattr(language.info, key)
    return any_of(patterns, {})


def _paragraphs(text: str, left_out: Collection[str], farewell: re.Pattern[str]) -> Iterator[str]:
    """Yield each paragraph as one line.

    A paragraph begins at a list item or a farewell, and ends before an empty, quoted or left-out line.

    Args:
        text: of the mail.
        left_out: lines without the white space around them.
        farewell: matches the beginning of a line that ends the letter.
    """
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        item = _LIST_ITEM.match(line)
        ignored = _is_ignored(line, left_out)
        begins = item is not None or farewell.match(line) is not None

        if lines and (ignored or begins):
            yield " ".join(lines)
            lines = []
        if ignored:
            continue
        own = line[item.end() :] if item else line
        lines.append(own.strip())


def _is_ignored(line: str, left_out: Collection[str]) -> bool:
    """Whether a line is empty, left out or quoted."""
    plain = line.strip()
    if plain == "" or plain in left_out:
        return True
    return _QUOTE_LINE.match(line) is not None


def _split(paragraph: str, abbreviation: re.Pattern[str]) -> Iterator[str]:
    """Split a paragraph where punctuation is followed by a capital letter.

    Args:
        paragraph: on one line.
        abbreviation: matches the end of a text whose full stop ends no sentence ("Dr.", "4.").
    """
    begin = 0
    for end in _SENTENCE_END.finditer(paragraph):
        tail = paragraph[max(begin, end.start() - ABBREVIATION_REACH) : end.start()]
        if abbreviation.search(tail):
            continue
        yield paragraph[begin : end.start()].strip()
        begin = end.end()

    rest = paragraph[begin:].strip()
    if rest:
        yield rest
