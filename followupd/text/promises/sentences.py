"""Split a mail into its writer's own sentences, without quotes and doubtful lines."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, zip_longest

from followupd.languages import Catalogue
from followupd.languages.patterns import any_of, compiled
from followupd.languages.schema import LetterManner
from followupd.text.names import without_address

#: characters of a mail that are read; agents write no longer ones, and the bound limits what a hostile mail
#: costs
MAX_TEXT = 20_000
#: where a line of a paragraph ends though no wrapping ended it: people who type no full stops end sentences so
LINE_END = "\n"
#: the end of a wrapped line with which no sentence ends: a short word ("by", "bis", "de", "el"), a comma
_IS_OPEN = re.compile(r"(?:(?<!\w)[^\W\d_A-Z]{1,3}|,)\s*\Z")
#: mail programs wrap lines at such a width; a text with shorter ones only, or with longer ones, was not wrapped
_WRAPPED = range(60, 81)
#: characters of a sentence that is read; a longer one is skipped
MAX_SENTENCE = 600
#: characters before the end of a sentence in which an abbreviation is looked for
ABBREVIATION_REACH = 12

#: words of a salutation, and of one to many: "Hello Judith, and everybody from the Tuesday class,"
_LONGEST_SALUTATION, _LONGEST_TO_MANY = 6, 14
#: letters of a month or weekday that is shortened
_LONGEST_SHORT_NAME = 4
_QUOTE_LINE = re.compile(r"\s*[>|]")
_LIST_ITEM = re.compile(r"\s*(?:[-*•·–→]|\d{1,2}[.)]|[a-z]\))\s+(?=\S)")
_SENTENCE_END = re.compile(
    r"""
    (?<=[.!?…])                   # punctuation,
    [\"')»”]* \s+                 # closing quotes and white space,
    (?=[\"'(«“„¿¡£€$]{0,9}        # opening quotes, the sign of an amount
       [^\W_]|[¿¡])               # and a letter or a digit
    | (?<=[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]) \s+ (?=\w)    # or a smiley
    """,
    re.VERBOSE,
)
#: a word of three letters, or of two with a vowel, before a full stop is no abbreviation, even if no capital follows:
#: "on the van today. he"
_FULL_WORD = re.compile(r"[^\W\d_]{3}[.!?…]$|\b(?=\w?[aeiouyéà])[^\W\d_]{2}[.!?…]$|[!?…]$|[^\W\d_]\)[.!?…]$")
#: what may be the sign of an amount or shorten "number"
_SHORT_WORD = re.compile(r"\b[^\W\d_]{1,3}\.$")
#: an hour before a full stop, as in "avant 15 h. Nous"
_HOUR = re.compile(r"\d ?h\.$")
#: a day of the month before a full stop, and what may be the month behind it
_DAY = re.compile(r"\b\d{1,2}\.$")
_LAST_WORD = re.compile(r"\b([^\W\d_]{1,30})\.$")
_NEXT_WORD = re.compile(r"[\"'(«“„¿¡]*([^\W\d_]+)")
#: behind the first sentence somebody who is told about, and not one who is spoken to: "Ann, the vet, rings you tonight"
_APPOSITION = re.compile(r"[^,]{2,60},[^,]{2,60}, \w")
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
    opening: re.Pattern[str]
    farewell: re.Pattern[str]
    abbreviation: re.Pattern[str]
    leading: re.Pattern[str]
    #: what stands behind the number of a day or a week: "4. Mai", "48. KW"
    months: frozenset[str]
    short_names: frozenset[str]


def sentences(text: str, languages: Catalogue, doubtful: Collection[str] = ()) -> Iterator[str]:
    """Yield the writer's own sentences of a mail, in order.

    Args:
        text: the new text of the mail, of which the first MAX_TEXT characters are read.
        languages: the languages whose greetings, farewells and abbreviations are known.
        doubtful: lines that may be quoted and are left out.

    Yields:
        Sentences of at most MAX_SENTENCE characters, with plain spaces and apostrophes and without a
        greeting or the person who is addressed. Words in quotation marks are replaced by "…".
    """
    patterns = _mail_patterns(languages)
    left_out = {line.strip() for line in doubtful}
    composed = unicodedata.normalize("NFC", text[:MAX_TEXT])

    told = False
    paragraphs = list(_paragraphs(composed, left_out, patterns.farewell))
    is_wrapped = _is_wrapped([lines for lines in paragraphs if not patterns.farewell.match(lines[0])])
    for n, lines in enumerate(paragraphs):
        paragraph = _joined(lines, _IS_OPEN if is_wrapped else patterns.leading, is_wrapped=is_wrapped)
        if _says_nothing(paragraph, patterns, first=n == 0):
            continue
        plain = _INNER_QUOTE.sub(" … ", paragraph).translate(_PLAIN)
        for line in plain.split(LINE_END):
            for sentence in _split(line, patterns):
                if len(sentence) > MAX_SENTENCE:
                    continue
                own = patterns.greeting.sub("", sentence, count=1)
                yield own if told and _APPOSITION.match(own) else without_address(own, languages)
                told = True


def _says_nothing(paragraph: str, patterns: _MailPatterns, *, first: bool) -> bool:
    """Whether a paragraph is only a salutation, or the farewell with the names below it."""
    words = len(paragraph.split())
    if first and words <= _LONGEST_SALUTATION and patterns.opening.fullmatch(paragraph):
        return True
    if first and words <= _LONGEST_TO_MANY and paragraph.endswith(",") and patterns.greeting.match(paragraph):
        return True
    return patterns.farewell.match(paragraph) is not None


def lowered(sentence: str) -> str:
    """Return the sentence in lower case, with every character at its position.

    `str.lower` alone may move them: it makes two characters of "İ".
    """
    low = sentence.lower()
    if len(low) == len(sentence):  # a letter becomes one or more: none of them became more
        return low
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
    days = "|".join(
        re.escape(name.title())
        for language in languages.all()
        for name in (*language.months, *language.weekdays)
    )
    leads = [lead for language in languages.all() if language.info.dates for lead in language.dates.lead]
    return _MailPatterns(
        # perhaps two of them, or one and a name: "Madame, Monsieur,", "Hola, Carmen:"
        greeting=re.compile(
            rf"^(?:{greetings})\b(?:[^,!:.?\n]|(?<!\w{{5}})\.){{0,60}}[,!:]\s*"
            rf"(?:(?:{greetings})\b[^,!:.?\n]{{0,40}}[,!:]\s|(?-i:(?!(?:{days})\b)[^\W\d_a-zà-ÿ]\w{{1,20}})[,:]\s)?",
            re.IGNORECASE,
        ),
        # a salutation alone on its line: "Dear Mr Novak", "Monsieur"
        opening=re.compile(
            rf"(?:(?:{greetings})\b(?:[^,!?:.\n\d]|\b\w{{1,4}}\.){{0,40}}[,!:.]?\s*){{1,2}}", re.IGNORECASE
        ),
        farewell=re.compile(rf"\s{{0,40}}(?:{farewells})(?!\w)", re.IGNORECASE),
        leading=re.compile(rf"(?:,|(?<!\w)(?:{any_of(leads, {})}))\s{{0,9}}\Z"),
        months=frozenset(
            noun.rstrip(".")
            for language in languages.all()
            for noun in (*language.months, *(language.dates.ordinal_nouns if language.info.dates else ()))
        ),
        short_names=frozenset(
            name.rstrip(".")
            for language in languages.all()
            for name in (*language.months, *language.weekdays)
            if len(name) <= _LONGEST_SHORT_NAME
        ),
        abbreviation=re.compile(rf"(?<!['’])\b(?:[^\W\d_]|{abbreviations})\.$", re.IGNORECASE),
    )


def _any_in(languages: Catalogue, key: str) -> str:
    """Return one pattern for what this key of language.toml lists in any language."""
    patterns: list[str] = []
    for language in languages.all():
        patterns += getattr(language.info, key)
    return any_of(patterns, {})


def _paragraphs(text: str, left_out: Collection[str], farewell: re.Pattern[str]) -> Iterator[list[str]]:
    """Yield the lines of each paragraph.

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
            yield lines
            lines = []
        if ignored:
            continue
        own = line[item.end() :] if item else line
        lines.append(own.strip())


def _is_wrapped(paragraphs: Sequence[list[str]]) -> bool:
    """Return whether a mail program may have wrapped the lines of a mail: most have no room for the next word.

    Args:
        paragraphs: the lines of each of them.

    Returns:
        False for lines that somebody typed: then each of them ends a sentence.
    """
    width = max((len(line) for lines in paragraphs for line in lines), default=0)
    had_room = [had for lines in paragraphs for had in _had_room(lines, width)]
    return width in _WRAPPED and 4 * sum(had_room) <= len(had_room)


def _had_room(lines: list[str], width: int) -> list[bool]:
    """Return of each line but the last whether the first word of the next line would have fitted.

    Args:
        lines: of a paragraph.
        width: of the longest line.

    Returns:
        True where nothing but the writer ended the line.
    """
    return [len(line) + 1 + len(following.partition(" ")[0]) <= width for line, following in pairwise(lines)]


def _joined(lines: list[str], is_open: re.Pattern[str], *, is_wrapped: bool) -> str:
    """Return the lines of a paragraph as one, with LINE_END where no wrapping of lines ended them.

    After a word that cannot be the last one, or a comma, a sentence goes on: somebody has changed a wrapped line.

    Args:
        lines: of the paragraph.
        is_open: matches the end of a line with which no sentence ends.
        is_wrapped: a mail program may have wrapped the lines of the mail.
    """
    had_room = _had_room(lines, max(map(len, lines)))
    ends = [
        LINE_END if (had or not is_wrapped) and not is_open.search(line) else " "
        for line, had in zip(lines, had_room, strict=False)
    ]
    return "".join(chain.from_iterable(zip_longest(lines, ends, fillvalue="")))


def _goes_on(tail: str, rest: str, patterns: _MailPatterns) -> bool:
    """Whether a sentence goes on after a full stop: "Dr. Patel", "am 4. Mai", "Fri. morning", "z. B. morgen"."""
    word = _NEXT_WORD.match(rest)
    following = word[1] if word else ""
    if _HOUR.search(tail) and following[:1].isupper():
        return False
    if _DAY.search(tail):
        return following.lower() in patterns.months or following[:1].islower()
    if patterns.abbreviation.search(tail) or (rest[:1].isdigit() and _SHORT_WORD.search(tail)):
        return True
    is_name = not patterns.short_names.isdisjoint(_LAST_WORD.findall(tail.lower()))
    return following[:1].islower() and (is_name or _FULL_WORD.search(tail) is None)


def _is_ignored(line: str, left_out: Collection[str]) -> bool:
    """Whether a line is empty, left out or quoted."""
    plain = line.strip()
    if plain == "" or plain in left_out:
        return True
    return _QUOTE_LINE.match(line) is not None


def _split(paragraph: str, patterns: _MailPatterns) -> Iterator[str]:
    """Split a paragraph after punctuation, unless that belongs to an abbreviation or to a date.

    Args:
        paragraph: on one line.
        patterns: of mails.
    """
    begin = 0
    for end in _SENTENCE_END.finditer(paragraph):
        tail = paragraph[max(begin, end.start() - ABBREVIATION_REACH) : end.start()]
        if _goes_on(tail, paragraph[end.end() :], patterns):
            continue
        yield paragraph[begin : end.start()].strip()
        begin = end.end()

    rest = paragraph[begin:].strip()
    if rest:
        yield rest


def around_date(text: str, manner: LetterManner) -> tuple[str, str]:
    """Return what stands before and behind the date of a promise when its sentence is said with it.

    No word is moved: "Ich rufe Sie an" becomes "Ich rufe Sie" and ", an" around "bis Montag, 7. Dezember". A sentence
    that ends with a clause of its own gets its date behind a joint, since it would belong to that clause.

    Args:
        text: the promise, without its date.
        manner: how the language of the letter writes dates.
    """
    line = text.rstrip(" .,;:")
    if _compiled(manner.apart).search(line):
        return line + manner.apart_joint, ""
    for pattern in manner.behind_date:
        match = _compiled((pattern,)).search(line)
        if match:
            return line[: match.start(1)].rstrip(), f"{manner.closes_date} {match[1]}"
    return line, ""


@lru_cache(maxsize=32)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern that matches what any of these do."""
    return compiled(patterns, {})
