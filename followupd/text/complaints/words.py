"""Split a text into words and sentences, in lower case and without accents, and guess its language."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.languages.schema import ComplaintWords
from followupd.text import without_accents

#: characters of a mail that are read: a complaint says so early, and the time must be bounded
READ = 4_000
#: characters from which the language is guessed
_GUESS_CHARACTERS = 1_500
#: the fewest words from which the language is guessed
_MIN_WORDS = 4
#: the share of the words that must be stop words of the guessed language
_MIN_SHARE = 0.14
#: the last letter with which Latin words begin
_LAST_LATIN = "\u024f"

# Repetitions that could share a character are bounded: a mail of 4,000 "@" takes no longer than another.
_NOISE = re.compile(
    r"(?i)https?://\S+|www\.\S+|[^\s@]{1,64}@[^\s@]{1,190}|<[^<>\n]{1,200}>|(?<!\w)@\w+|\bx{2,}\b"
    r"|\{\$[\d.,]+\}"
)
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['-][^\W\d_]+)*|[!?]|[$€£]|:['-]?[()/|]"
    r"|[\u2639\u263a\u2764\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f900-\U0001f9ff]"
)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n(?:[^\S\n]*\n)+|\n(?=[-*•A-ZÄÖÜ¡¿])")


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
    ours: frozenset[str]
    first_person: frozenset[str]
    second_person: frozenset[str]


@lru_cache(maxsize=8)
def vocabulary_of(languages: Catalogue) -> Vocabulary:
    """Return the vocabulary of all languages: mails mix them, and no word has two meanings."""
    words = [language.complaints.words for language in languages.all() if language.complaints]
    spelt_out: dict[str, str] = {}
    for table in words:
        spelt_out |= table.spelt_out
    elisions = "|".join(re.escape(elision) for table in words for elision in table.elisions)
    return Vocabulary(
        elided=re.compile(rf"(?:{elisions or '(?!)'})'(?=\w{{2}})"),
        spelt_out=spelt_out,
        negations=_union(words, "negations"),
        praise_negations=_union(words, "praise_negations"),
        conditional=_union(words, "conditional"),
        requests=_union(words, "requests"),
        told=_union(words, "told"),
        ours=_union(words, "ours"),
        first_person=_union(words, "first_person"),
        second_person=_union(words, "second_person"),
    )


def _union(words: Iterable[ComplaintWords], name: str) -> frozenset[str]:
    """Return the words of a set in all languages."""
    return frozenset().union(*(getattr(table, name) for table in words))


def folded(text: str) -> str:
    """Return the text in lower case, without accents, addresses and links, with straight quotes.

    Args:
        text: of which the first characters are read (READ).

    Returns:
        A text that may be longer or shorter than what was read, so that positions in both cannot be compared.
    """
    text = _NOISE.sub(" ", text[:READ])
    return without_accents(text.replace("’", "'").replace("‘", "'").replace("ß", "ss").lower())


def words_of(text: str, vocabulary: Vocabulary | None = None) -> list[str]:
    """Return the words of a text, and the marks that express mood ("!", "?", emoji); digits are left out.

    Args:
        text: of which the first characters are read (READ).
        vocabulary: elisions and corrections, those of the shipped languages by default.
    """
    known = vocabulary or vocabulary_of(catalogue())
    words: list[str] = []
    for token in _TOKEN.findall(folded(text)):
        elided = known.elided.match(token) if "'" in token else None
        if elided:
            words += (elided.group(), token[elided.end() :])
        elif token[0] == ":":
            words.append(_emoji(token))
        else:
            words.append(known.spelt_out.get(token, token))
    return words


def _emoji(smiley: str) -> str:
    """Return ":)" and its variants as one character."""
    return "☺" if smiley[-1] == ")" else "☹"


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, each on one line, none empty.

    Args:
        text: of which the first characters are read (READ). A line break alone ends a sentence only before a
            capital letter or a list mark; an empty line always does.
    """
    sentences = (" ".join(part.split()) for part in _SENTENCE.split(text[:READ]))
    return [sentence for sentence in sentences if sentence]


#: "Name: Robin Vale", "Message:": a line of a web form, whose value is short
_FORM_LINE = re.compile(r"[^\W\d_][^\n:：]{0,30}[:：][ \t]*[^\n]{0,60}")


def without_form(text: str) -> str:
    """Return a mail without the fields with which a web form begins it; a single such line is the customer's own.

    Args:
        text: the mail's new text.
    """
    lines = text.strip().splitlines()
    fields = 0
    while fields < len(lines) and (not lines[fields].strip() or _FORM_LINE.fullmatch(lines[fields].strip())):
        fields += 1
    rest = "\n".join(lines[fields:]).strip()
    return rest if fields > 1 and rest else text


@lru_cache(maxsize=8)
def _stop_words(languages: Catalogue) -> Mapping[str, frozenset[str]]:
    """Return the stop words of each language, in the order in which languages win a tie."""
    known = [language for language in languages.all() if language.info.stop_words]
    known.sort(key=lambda language: language.info.rank)
    return {language.tag: language.info.stop_words for language in known}


def language_of(text: str, languages: Catalogue | None = None) -> str:
    """Guess the language of a text by its stop words, each counted once: "de" is of five languages.

    Args:
        text: of which the beginning is read.
        languages: the languages to choose from, the shipped ones by default.

    Returns:
        "en", "de", "fr" ..., "other" for a script other than Latin, or "" when there is no good guess.
    """
    known = languages or catalogue()
    tokens = words_of(text[:_GUESS_CHARACTERS], vocabulary_of(known))
    words = [word for word in tokens if word[0].isalpha()]
    if sum(word[0] > _LAST_LATIN for word in words) > len(words) / 2:
        return "other"
    if len(words) < _MIN_WORDS:
        return ""

    stop_words = _stop_words(known)
    different = frozenset(words)
    counts = {tag: len(different & own) for tag, own in stop_words.items()}
    best = max(counts, key=counts.__getitem__)
    is_certain = counts[best] > 1 and counts[best] >= _MIN_SHARE * len(different)
    return best if is_certain else ""
