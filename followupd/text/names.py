"""Names in a greeting: which a letter may repeat, how a person is addressed, and how an agent greeted."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, takewhile
from operator import attrgetter

from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import any_of, verbatim, whole_words
from followupd.languages.schema import LetterManner
from followupd.text import without_accents

#: a longer name is not repeated
MAX_NAME = 50
MAX_SPACES = 4
#: "Doe, Kim"
_MOST_PARTS = 2
#: "Sehr geehrte Damen und Herren"
_MOST_GREETING_WORDS = 6
#: characters of a line in which a greeting or a farewell is looked for
MAX_LINE = 600
#: last lines of a mail in which its writer signs
_SIGNED_LINES = 8

#: A name with one of these could carry a message to a person whose address was forged.
_NOT_IN_A_NAME = re.compile(
    r"[@/<>\[\](){}|=\\*_`#:;!?%$\"&+]|www\.|\d|\w{2}\.\w{2}",
    re.IGNORECASE,
)
#: what is not seen in a name, or strikes it through: it hides words that no name has ("Pri\u200bze")
_HIDDEN_IN_NAME = re.compile(
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ue000-\uf8ff\U000e0000-\U0010ffff\u0334-\u0338]"
    r"|[A-Za-z][\u200c\u200d]|[\u0300-\u036f]{3}"
)
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
#: scripts with letters that look like Latin ones: Greek, Cyrillic, Armenian, Cherokee, Lisu
_LOOKS_LATIN = re.compile(r"[\u0370-\u052f\u0531-\u058f\u13a0-\u13ff\ua4d0-\ua4ff\uab70-\uabbf]")
#: two to four words, of which the first and the last have a capital letter
_SIGNED = re.compile(
    r"(?P<first>[^\W\d_a-z\u00df-\u00ff][^\s.!?:]*)(?: \S+){0,2} [^\W\d_a-z\u00df-\u00ff][^\s.!?:]*"
)
#: "------- Begin message -------": the words of a line between two rows of marks
_FRAME_LINE = re.compile(r"[-=_*~]{4,}[ \t]*([^\W\d_][^\n]{2,48}?)[ \t]*[-=_*~]{4,}")
#: an address, or one to three words, before what is said to somebody
_SAID_TO = re.compile(
    r"(?:(\S{1,60}@\S{1,60}?|@\w{1,30}(?=[\s:,]))|([^\W\d_][\w.'’-]{0,30}(?: [^\W\d_][\w'’-]{0,30}){0,2}?))"
    r"(?:\s?[,:!]|\s[-–—])\s+(\S.*)",
    re.DOTALL,
)
_GIVEN_NAME = re.compile(r"[^\W\d_a-z\u00df-\u00ff][^\W\d_]")
_INITIAL = re.compile(r"[^\W\d_]\.")


#: the languages that are used where none are given
SHIPPED = catalogue()
_PUBLIC_PROVIDERS = re.compile(verbatim(SHIPPED.mail_clients.providers.public), re.IGNORECASE)


def is_public_provider(address: str) -> bool:
    """Whether anybody may have an address at this domain, so that one tells nothing about another.

    Args:
        address: of which only the domain counts.
    """
    return _PUBLIC_PROVIDERS.fullmatch(address.rpartition("@")[2]) is not None


@dataclass(frozen=True, slots=True)
class PersonName:
    """How a person is addressed: `name` formally, with a title or in full, and `first_name` where it is certain."""

    name: str = ""
    first_name: str = ""


def addressed(name: str, language: str, languages: Catalogue = SHIPPED) -> PersonName:
    """Return how a letter addresses a person; without a name for a company, a role or a device.

    A wrong name is worse than none, and a first name that is not certain worse than a formal one.

    Args:
        name: as the mail's From has it, on one line; "Doe, Kim", "DOE Kim" and "kim doe" are "Kim Doe".
        language: the language of the letter.
        languages: the languages to use.
    """
    words, manner = _words_of(languages), languages.language(language).info.letters
    titles, rest = _split_titles(_person_words(name, words), words.titles | manner.titles.keys())
    ordered = _in_order(rest, words, is_reversed="," in name)
    if titles:
        written = filter(None, map(manner.titles.get, titles))
        return PersonName(_with_titles(list(written), ordered, manner, words))
    return PersonName(" ".join(ordered), _given(ordered, manner, words))


def greetable_name(name: str, languages: Catalogue = SHIPPED) -> str:
    """Return a person's name in full as a letter may repeat it; "" when it should not.

    Args:
        name: as the mail's From has it, on one line.
        languages: the languages to use.
    """
    words = _words_of(languages)
    _, rest = _split_titles(_person_words(name, words), words.titles)
    return " ".join(_in_order(rest, words, is_reversed="," in name))


def first_name(name: str, languages: Catalogue = SHIPPED) -> str:
    """Return the first name where it is certain which word it is, else "".

    Args:
        name: in full.
        languages: the languages to use.
    """
    return addressed(name, "en", languages).first_name


def signed_by(text: str, languages: Catalogue = SHIPPED) -> str:
    """Return the name of the person who signed a mail, "" where no line is certain to be one.

    Args:
        text: the mail's text and its signature.
        languages: the languages to use.
    """
    lines = list(filter(None, (line.strip(" ,-*_") for line in text.splitlines())))
    last = pairwise(["", *lines][-_SIGNED_LINES - 1 :])
    return next((line for before, line in last if _is_signature(before, line, languages)), "")


def _is_signature(before: str, line: str, languages: Catalogue) -> bool:
    """Return whether a line is the name of who signed a mail.

    Args:
        before: the line above it, which may be a farewell.
        line: one of the last lines of the mail.
        languages: the languages to use.
    """
    words, found = _words_of(languages), _SIGNED.fullmatch(line)
    if found is None or not greetable_name(line, languages):
        return False
    return found["first"] in words.first_names or words.farewells.match(before, 0, MAX_LINE) is not None


def salutation(text: str, languages: Catalogue = SHIPPED) -> str:
    """Return how an agent greets a customer by name in a reply ("Dear Mrs Smith"), "" without a name.

    Args:
        text: the new text of the reply.
        languages: the languages to use.
    """
    first = next(filter(None, map(str.strip, text.splitlines())), "")
    greeting = _words_of(languages).greetings.match(first, 0, MAX_LINE)
    if greeting is None or not first.endswith((",", ":", "!")):
        return ""
    named = first[greeting.end() :].strip(" ,:!")
    return first.rstrip(" ,:!") if greetable_name(named, languages) else ""


def titled_names(text: str, languages: Catalogue = SHIPPED) -> list[str]:
    """Return the words that stand behind a title in a text: "Nowak" for "Herr Nowak gets his bed".

    Args:
        text: of an agent.
        languages: the languages to use.
    """
    titles = _words_of(languages).titles
    pairs = pairwise(text.split())
    names = [word.strip(".,;:!?()\"'’") for title, word in pairs if _bare(title) in titles]
    return [name for name in names if name[:1].isupper() and _bare(name) not in titles]


def register_of(text: str, language: str, languages: Catalogue = SHIPPED) -> str:
    """Return how an agent speaks to a customer: "informal" ("du", "tu", "tú"), "formal", or "" where it is not plain.

    Args:
        text: the new text of the reply.
        language: the language of the case; one that makes no difference has none of these words.
        languages: the languages to use.
    """
    info = languages.language(language).info
    if not info.informal:
        return ""
    if whole_words(info.formal, {}, re.IGNORECASE).search(text):
        return "formal"
    return "informal" if whole_words(info.informal, {}, re.IGNORECASE).search(text) else ""


def without_greeting(sentence: str, languages: Catalogue = SHIPPED) -> str:
    """Return a customer's sentence without the greeting before it ("Bonjour, mon colis ..." is "Mon colis ...").

    Args:
        sentence: on one line.
        languages: the languages to use.
    """
    head, _, rest = sentence.replace("!", ",", 1).partition(",")
    bare = rest.strip(" ,!")
    greets = len(head.split()) <= _MOST_GREETING_WORDS and _words_of(languages).greetings.match(
        head, 0, MAX_LINE
    )
    return f"{bare[:1].upper()}{bare[1:]}" if greets and bare else sentence


def without_address(sentence: str, languages: Catalogue = SHIPPED) -> str:
    """Return a sentence without the person to whom it is said: "Lucía, te lo mandamos" is "Te lo mandamos".

    Args:
        sentence: on one line.
        languages: the languages to use.
    """
    found = _SAID_TO.match(sentence)
    if found is None:
        return sentence
    address, named, rest = found.groups()
    words, known = (named or "").split(), _words_of(languages)
    is_titled = words[:1] != words[-1:] and _bare(words[0]) in known.titles
    is_name = is_titled or known.are_first_names(words[:1])
    is_capital = all(word[:1].isupper() for word in words)
    return f"{rest[:1].upper()}{rest[1:]}" if address or (is_name and is_capital) else sentence


def between_greeting_and_name(text: str, languages: Catalogue = SHIPPED) -> str:
    """Return what a mail says between its greeting and the farewell and name at its end; all of it if that is nothing.

    Args:
        text: the new text of a mail.
        languages: the languages to use.
    """
    lines = text.strip().splitlines()
    while lines and _ends_mail(lines[-2:], languages):
        lines.pop()
    if lines and _is_greeting(lines, languages):
        del lines[0]
    elif lines:
        lines[0] = without_greeting(lines[0], languages)
    return "\n".join(lines).strip() or text


def within_frame(text: str) -> str:
    """Return what is between two lines that say where a message begins and ends, as marketplaces write them.

    What the marketplace says around it is not the customer's. Both lines end with the same word, in whichever language
    ("Anfang der Nachricht", "Ende der Nachricht").

    Args:
        text: the mail's new text; it is returned whole where it has no such lines.
    """
    lines = text.splitlines()
    found = ((number, _FRAME_LINE.fullmatch(line.strip())) for number, line in enumerate(lines))
    marks = [(number, match[1].split()) for number, match in found if match]
    for (begin, first), (end, last) in pairwise(marks):
        inside = "\n".join(lines[begin + 1 : end]).strip()
        if inside and first[-1] == last[-1] and first != last:
            return inside
    return text


def _is_greeting(lines: Sequence[str], languages: Catalogue) -> bool:
    """Whether the first line of a mail is a greeting and nothing else ("Hello it broke!" is more).

    Args:
        lines: those of the mail, at least one. The first is a greeting if it ends with a comma or a colon, or
            if all words after the greeting have a capital letter, as names have.
        languages: the languages to use.
    """
    first = lines[0].strip()
    greeting = _words_of(languages).greetings.match(first, 0, MAX_LINE)
    if greeting is None or len(first.split()) > _MOST_GREETING_WORDS or "," in first[:-1]:
        return False

    named = first[greeting.end() :].strip(" !").split()
    return first.endswith((",", ":")) or all(word[0].isupper() for word in named)


def _ends_mail(last: Sequence[str], languages: Catalogue) -> bool:
    """Whether the last line of a mail is empty, a farewell or a name.

    A few words below a farewell are taken for a name; elsewhere it must be a common first name, or look like
    the name of a person.

    Args:
        last: the last two lines, or the only one; the first of two may be a farewell.
        languages: the languages to use.
    """
    bare = [each.strip(" ,-*_") for each in last]
    line = bare[-1]
    words = _words_of(languages)
    if not line or line in words.first_names:
        return True
    if _SIGNED.fullmatch(line) and greetable_name(line, languages):
        return True

    is_short = len(line.split()) <= _MOST_GREETING_WORDS
    return is_short and any(words.farewells.match(each, 0, MAX_LINE) for each in bare if each)


# --- the words of a name ---


def _person_words(name: str, words: "_Words") -> list[str]:
    """Return the words of a person's name without degrees; none for what is no person.

    Args:
        name: as the mail's From has it.
        words: what the languages know of names.
    """
    flat = " ".join(name.split()).strip("'’ ,")
    has_length_of_a_name = 1 < len(flat) <= MAX_NAME and flat.count(" ") <= MAX_SPACES
    is_harmless = not _NOT_IN_A_NAME.search(flat.replace(". ", " ").replace("-", " "))
    if not has_length_of_a_name or not is_harmless or _is_disguised(flat, words):
        return []

    bare = [word for word in flat.replace(",", " , ").split() if _bare(word) not in words.degrees]
    parts = [part for part in " ".join(bare).split(",") if part.strip()]
    found = " ".join(reversed(parts)).split()
    return found if len(parts) <= _MOST_PARTS and _are_a_name(found, words) else []


def _is_disguised(name: str, words: "_Words") -> bool:
    """Return whether a name has words that no person's name has, plainly or in letters that look alike.

    Args:
        name: on one line.
        words: what the languages know of names.
    """
    plain = without_accents(name)
    is_mixed = None not in {_LATIN.search(name), _LOOKS_LATIN.search(name)}
    is_hidden = _HIDDEN_IN_NAME.search(name) is not None
    return is_mixed or is_hidden or words.not_persons.search(f"{name}\n{plain}") is not None


def _are_a_name(found: Sequence[str], words: "_Words") -> bool:
    """Return whether words are a name: a single one has a capital letter, or is a common first name.

    Args:
        found: the words.
        words: what the languages know of names.
    """
    return len(found) != 1 or found[0][0].isupper() or words.are_first_names(found)


def _split_titles(words: Sequence[str], titles: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the titles before a name, in lower case without full stops, and the name.

    Args:
        words: the words of a name.
        titles: the titles that are known.
    """
    found = list(takewhile(titles.__contains__, map(_bare, words[:-1])))
    return found, list(words[len(found) :])


def _in_order(words: Sequence[str], known: "_Words", *, is_reversed: bool) -> list[str]:
    """Return the words with the given name first, and a capital letter each where they had none, or only capitals.

    Args:
        words: the words of a name; in "DOE Kim" the one in capitals is the family's, and in "DOE KIM" the given name is
            the last one, if that alone is a common one.
        known: what the languages know of names.
        is_reversed: whether a comma says which one that is.
    """
    ordered = list(words)
    if not is_reversed and not _are_loud(words):
        ordered.sort(key=_is_loud)
    elif not is_reversed and _ends_with_given(words, known):
        ordered = [words[-1], *words[:-1]]

    if " ".join(words).islower():
        return list(map(_capitalised, ordered))
    return [_capitalised(word) if _is_loud(word) else word for word in ordered]


def _are_loud(words: Sequence[str]) -> bool:
    """Return whether all words of a name are in capitals, or initials.

    Args:
        words: the words of the name.
    """
    return " ".join(words).isupper()


def _ends_with_given(words: Sequence[str], known: "_Words") -> bool:
    """Return whether the last word of a name is a common given name, and the first is none.

    Args:
        words: the words of the name.
        known: what the languages know of names.
    """
    first, last = (each.partition("-")[0] for each in (words[0], words[-1])) if words else ("", "")
    return known.are_first_names([last]) and not known.are_first_names([first])


def _is_loud(word: str) -> bool:
    """Return whether a word is in capitals, and no initial.

    Args:
        word: the word of a name.
    """
    return word.isupper() and len(word) > 1 and not _INITIAL.fullmatch(word)


def _capitalised(word: str) -> str:
    """Return "O'NEILL-SMITH" as "O'Neill-Smith".

    Args:
        word: the word of a name.
    """
    return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)


def _given(words: Sequence[str], manner: LetterManner, known: "_Words") -> str:
    """Return the given name of a full name, "" where it is not certain which word that is.

    Args:
        words: the words of the name, in their order.
        manner: how the letter's language writes names.
        known: what the languages know of names.
    """
    if not words[1:] or not _GIVEN_NAME.match(words[0]):
        return ""
    is_double = manner.two_family_names and known.are_first_names(words[1:2]) and words[2:]
    return " ".join(words[:2]) if is_double else words[0]


def _with_titles(titles: Sequence[str], words: Sequence[str], manner: LetterManner, known: "_Words") -> str:
    """Return a name with its titles as the language writes them.

    A title that a language puts before the given name ("don Manuel") goes with that, an academic one with the
    full name or with another title, and every other one with the family name.

    Args:
        titles: as the language writes them.
        words: the words of the name, in their order.
        manner: how the letter's language writes names.
        known: what the languages know of names.
    """
    if manner.before_given.intersection(titles[-1:]):
        return f"{titles[-1]} {words[0]}"
    is_academic = manner.before_full.issuperset(titles)
    return " ".join([*titles, *(words if is_academic else _family(words, known))])


def _family(words: Sequence[str], known: "_Words") -> list[str]:
    """Return the family name of a full name, with what belongs to it ("van der Berg", "Ní Bhriain").

    Args:
        words: the words of the name, in their order.
        known: what the languages know of names.
    """
    middle = takewhile(
        lambda word: word[0].islower() or word.lower() in known.particles, reversed(words[:-1])
    )
    return list(words[-1 - len(list(middle)) :])


def _bare(word: str) -> str:
    """Return a word in lower case without the marks around it.

    Args:
        word: the word of a name.
    """
    return word.strip(".,").lower()


# --- words of all languages ---


@dataclass(frozen=True, slots=True)
class _Words:
    """What all languages together know of names and greetings.

    Of one letter, such as "m", is no title here: it may be an initial in another language. `not_persons` are
    the words that no person's name has: legal forms, departments, devices.
    """

    titles: frozenset[str]
    degrees: frozenset[str]
    particles: frozenset[str]
    first_names: frozenset[str]
    not_persons: re.Pattern[str]
    greetings: re.Pattern[str]
    farewells: re.Pattern[str]

    def are_first_names(self, words: Sequence[str]) -> bool:
        """Return whether these words are common first names.

        Args:
            words: with or without capital letters.
        """
        return self.first_names.issuperset(map(str.capitalize, words))


def common_first_names(languages: Catalogue) -> frozenset[str]:
    """Return the common first names of all languages.

    Args:
        languages: the languages to use.
    """
    return _words_of(languages).first_names


@lru_cache(maxsize=8)
def _words_of(languages: Catalogue) -> _Words:
    """Return the words of all languages.

    Args:
        languages: the languages to use.
    """

    def every(name: str) -> Iterator[str]:
        return chain.from_iterable(map(attrgetter(name), languages.all()))

    return _Words(
        titles=frozenset(filter(lambda title: len(title) > 1, every("info.letters.titles"))),
        degrees=frozenset(every("info.letters.degrees")),
        particles=frozenset(every("info.letters.particles")),
        first_names=frozenset(every("wording.facts.first_names")),
        not_persons=whole_words(every("info.letters.not_persons"), {}, re.IGNORECASE),
        greetings=whole_words(every("info.greetings"), {}, re.IGNORECASE),
        farewells=re.compile(any_of(every("info.farewells"), {}), re.IGNORECASE),
    )
