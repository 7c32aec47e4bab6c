"""Names in a greeting: which a letter may repeat, how a person is addressed, and how an agent greeted."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import expand, verbatim, whole_words
from followupd.languages.schema import LetterManner

#: a longer name is not repeated
MAX_NAME = 50
MAX_SPACES = 4
#: "Sehr geehrte Damen und Herren"
_MOST_GREETING_WORDS = 6
#: last lines of a mail in which its writer signs
_SIGNED_LINES = 8

#: A name with one of these could carry a message to a person whose address was forged.
_NOT_IN_A_NAME = re.compile(
    r"[@/<>\[\](){}|=\\*_`#:;!?%$\"&+]|www\.|\d|\w{2}\.\w{2}",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]+)*\.?")
#: two to four words, of which the first and the last have a capital letter
_SIGNED = re.compile(
    r"(?P<first>[^\W\d_a-z\u00df-\u00ff][^\s.!?:]*)(?: \S+){0,2} [^\W\d_a-z\u00df-\u00ff][^\s.!?:]*"
)
_GIVEN_NAME = re.compile(r"[^\W\d_a-z\u00df-\u00ff][^\W\d_]")
_INITIAL = re.compile(r"[^\W\d_]\.")


_PUBLIC_PROVIDERS = re.compile(verbatim(catalogue().mail_clients.providers.public), re.IGNORECASE)


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


def addressed(name: str, language: str, languages: Catalogue | None = None) -> PersonName:
    """Return how a letter addresses a person; without a name for a company, a role or a device.

    A wrong name is worse than none, and a first name that is not certain worse than a formal one.

    Args:
        name: as the mail's From has it, on one line; "Doe, Kim", "DOE Kim" and "kim doe" are "Kim Doe".
        language: the language of the letter.
        languages: the languages to use, the shipped ones by default.
    """
    known = languages or catalogue()
    words = _person_words(name, known)
    manner = known.language(language).info.letters
    titles, rest = _split_titles(words, _titles(known) | manner.titles.keys())
    if not rest:
        return PersonName()

    ordered = _folded(_family_name_last(rest, is_reversed="," in name))
    written = [manner.titles.get(title, "") for title in titles]
    if not ordered or not titles:
        return PersonName(" ".join(ordered), _given(ordered, manner, known))
    return PersonName(_with_titles([title for title in written if title], ordered, manner))


def greetable_name(name: str, languages: Catalogue | None = None) -> str:
    """Return a person's name in full as a letter may repeat it; "" when it should not."""
    known = languages or catalogue()
    _, rest = _split_titles(_person_words(name, known), _titles(known))
    return " ".join(_folded(_family_name_last(rest, is_reversed="," in name)))


def first_name(name: str, languages: Catalogue | None = None) -> str:
    """Return the first name where it is certain which word it is, else ""."""
    return addressed(name, "en", languages).first_name


def signed_by(text: str, languages: Catalogue | None = None) -> str:
    """Return the name of the person who signed a mail, "" where no line is certain to be one.

    Args:
        text: the mail's text and its signature.
        languages: the languages to use, the shipped ones by default.
    """
    known = languages or catalogue()
    lines = list(filter(None, (line.strip(" ,-*_") for line in text.splitlines())))
    follows_farewell = False
    for line in lines[-_SIGNED_LINES:]:
        found = _SIGNED.fullmatch(line)
        is_known = found and (follows_farewell or found["first"] in _common_names(known))
        if is_known and greetable_name(line, known):
            return line
        follows_farewell = _farewells(known).match(line) is not None
    return ""


def salutation(text: str, languages: Catalogue | None = None) -> str:
    """Return how an agent greets a customer by name in a reply ("Dear Mrs Smith"), "" without a name.

    Args:
        text: the new text of the reply.
        languages: the languages to use, the shipped ones by default.
    """
    known = languages or catalogue()
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    greeting = _greetings(known).match(first)
    if not greeting or not first.endswith((",", ":", "!")):
        return ""
    named = first[greeting.end() :].strip(" ,:!")
    return first.rstrip(" ,:!") if greetable_name(named, known) else ""


def without_greeting(sentence: str, languages: Catalogue | None = None) -> str:
    """Return a customer's sentence without the greeting before it ("Bonjour, mon colis ..." is "Mon colis ...").

    Args:
        sentence: on one line.
        languages: the languages to use, the shipped ones by default.
    """
    known = languages or catalogue()
    greeting = _greetings(known).match(sentence)
    if not greeting:
        return sentence
    head, _, rest = sentence.replace("!", ",", 1).partition(",")
    if not rest.strip() or len(head.split()) > _MOST_GREETING_WORDS:
        return sentence
    bare = rest.strip(" ,!")
    return f"{bare[:1].upper()}{bare[1:]}"


# --- the words of a name ---


def _person_words(name: str, languages: Catalogue) -> list[str]:
    """Return the words of a person's name without degrees; none for what is no person."""
    flat = " ".join(name.split()).strip("'’ ,")
    has_length_of_a_name = 1 < len(flat) <= MAX_NAME and flat.count(" ") <= MAX_SPACES
    if not has_length_of_a_name or _NOT_IN_A_NAME.search(flat.replace(". ", " ").replace("-", " ")):
        return []
    if _not_persons(languages).search(flat):
        return []

    degrees = _degrees(languages)
    parts = [[word for word in part.split() if _bare(word) not in degrees] for part in flat.split(",")]
    parts = [part for part in parts if part]
    if len(parts) == 1 and len(parts[0]) == 1 and not _is_name(parts[0][0], languages):
        return []
    if len(parts) == 2:
        return [*parts[1], *parts[0]]
    return parts[0] if len(parts) == 1 else []


def _is_name(word: str, languages: Catalogue) -> bool:
    """Whether a single word is a name: it has a capital letter, or is a common first name."""
    return word[0].isupper() or word.capitalize() in _common_names(languages)


def _split_titles(words: Sequence[str], titles: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the titles before a name, in lower case without full stops, and the name."""
    found: list[str] = []
    rest = list(words)
    while len(rest) > 1 and _bare(rest[0]) in titles:
        found.append(_bare(rest.pop(0)))
    return found, rest


def _family_name_last(words: Sequence[str], *, is_reversed: bool) -> list[str]:
    """Return the words with the given name first: in "DOE Kim" the one in capitals is the family's."""
    loud = [word for word in words if word.isupper() and len(word) > 1 and not _INITIAL.fullmatch(word)]
    some_are_loud = loud and len(loud) < len(words)
    if not is_reversed and some_are_loud and list(words[: len(loud)]) == loud:
        return [*words[len(loud) :], *loud]
    return list(words)


def _folded(words: Sequence[str]) -> list[str]:
    """Return the words of a name with a capital letter each where they had none, or only capitals."""
    all_small = all(word.islower() for word in words)
    return [_capitalised(word) if all_small or (word.isupper() and len(word) > 1) else word for word in words]


def _capitalised(word: str) -> str:
    """Return "O'NEILL-SMITH" as "O'Neill-Smith"."""
    return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)


def _given(words: Sequence[str], manner: LetterManner, languages: Catalogue) -> str:
    """Return the given name of a full name, "" where it is not certain which word that is."""
    given, *rest = words
    if not rest or not _GIVEN_NAME.match(given):
        return ""
    is_double = manner.two_family_names and rest[0] in _common_names(languages)
    return " ".join(words[:2]) if is_double and rest[1:] else given


def _with_titles(titles: Sequence[str], words: Sequence[str], manner: LetterManner) -> str:
    """Return a name with its titles as the language writes them.

    A title that a language puts before the given name ("don Manuel") goes with that, an academic one with the
    full name or with another title, and every other one with the family name.
    """
    last = titles[-1:]
    if manner.before_given.issuperset(last):
        return " ".join([*last, words[0]]) if last else " ".join(words)
    is_academic = manner.before_full.issuperset(titles)
    return " ".join([*titles, *(words if is_academic else _family(words))])


def _family(words: Sequence[str]) -> list[str]:
    """Return the family name of a full name, with what belongs to it ("van der Berg")."""
    start = len(words) - 1
    while start > 1 and words[start - 1][0].islower():
        start -= 1
    return list(words[start:])


def _bare(word: str) -> str:
    return word.strip(".,").lower()


# --- words of all languages ---


def _manners(languages: Catalogue) -> Iterator[LetterManner]:
    for language in languages.all():
        yield language.info.letters


@lru_cache(maxsize=8)
def _titles(languages: Catalogue) -> frozenset[str]:
    """Return the titles of all languages; of one letter, such as "m", a name may be an initial elsewhere."""
    return frozenset(title for manner in _manners(languages) for title in manner.titles if len(title) > 1)


@lru_cache(maxsize=8)
def _degrees(languages: Catalogue) -> frozenset[str]:
    return frozenset[str]().union(*(manner.degrees for manner in _manners(languages)))


@lru_cache(maxsize=8)
def _not_persons(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of words that no person's name has: legal forms, departments, devices."""
    patterns = [pattern for manner in _manners(languages) for pattern in manner.not_persons]
    return whole_words(patterns, {}, re.IGNORECASE)


@lru_cache(maxsize=8)
def _greetings(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of how mails begin."""
    patterns = [pattern for language in languages.all() for pattern in language.info.greetings]
    return whole_words(patterns, {}, re.IGNORECASE)


@lru_cache(maxsize=8)
def _farewells(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of how mails end."""
    patterns = [pattern for language in languages.all() for pattern in language.info.farewells]
    return re.compile("|".join(expand(pattern, {}) for pattern in patterns), re.IGNORECASE)


@lru_cache(maxsize=8)
def _common_names(languages: Catalogue) -> frozenset[str]:
    return frozenset[str]().union(*(language.wording.facts.first_names for language in languages.all()))
