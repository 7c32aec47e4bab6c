"""Cues.

Groups of phrases that indicate a complaint, or the opposite, from each language's `complaints.toml`.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from followupd.errors import Problem, SetupError
from followupd.languages import Catalogue, Language, catalogue
from followupd.languages.schema import Complaints, CuesAgainst, CuesFor
from followupd.text.complaints.phrases import Hit, PhraseBook
from followupd.text.complaints.words import Vocabulary, vocabulary_of
from followupd.text.ngrams import Meanings, concepts_of

#: the language whose weights were measured; the others have only cues
MEASURED = "en"
#: the groups that indicate a complaint, and those that indicate the opposite; weights belong to these names
FOR, AGAINST = tuple(CuesFor.model_fields), tuple(CuesAgainst.model_fields)
#: one of these distinguishes a complaint from a neutral report of a fault: 43 % of complaints have one, 5 %
#: of reports
STRONG = frozenset(
    {"explicit", "anger", "insult", "money", "dishonest", "leaving", "public", "legal", "escalate"}
)

#: danger, law and the public open a case whatever the score; none of them counts inside a harmless phrase
GRAVE = frozenset({"safety", "legal", "public"})

#: begins the name of a group of phrases that are a wish beside words that ask
ASKED_FOR = "asked for: "

#: "not disappointed", "no complaints": a cue of these groups does not count after a denial
_DENIABLE = frozenset({"explicit", "anger", "insult", "dishonest", "failure", "praise", "solved"})
#: words before a cue that may deny it, unless the cue itself begins with a denial ("not happy")
_WINDOW = 2
#: "Thanks for nothing": thanks and praise inside a phrase of these groups do not count
_IRONIC = frozenset({"reproach", "quality", "explicit", "leaving", "unmet"})
_WARM = frozenset({"thanks", "praise"})
#: "I lost my card", "hardly your fault": cues of these groups do not count inside a calm phrase
_CALMED = frozenset({"failure", "unmet", "quality", "money", "challenge", "explicit", "insult", "reproach"})


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of one language, and the small words that change their meaning."""

    book: PhraseBook
    vocabulary: Vocabulary

    @classmethod
    def of(cls, complaints: Complaints, vocabulary: Vocabulary) -> "Cues":
        """Compile the groups of a language.

        Args:
            complaints: the language's `complaints.toml`.
            vocabulary: the small words of all languages, since mails mix them.

        Raises:
            ValueError: a phrase is invalid, with a message for the administrator.
        """
        groups = dict(complaints.cues) | dict(complaints.against)
        return cls(PhraseBook.of(groups, vocabulary), vocabulary)

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return the cues in the words, without those that the words around them deny or turn round.

        Args:
            words: as `words_of` returns them.
        """
        hits = [hit for hit in self.book.hits(words) if not self._is_denied(hit, words)]
        hits = _without(_WARM, hits, _inside_any, _of_groups(_IRONIC, hits))

        negated_praise = [hit for hit in hits if self._is_negated_praise(hit, words)]
        hits = _without(FOR, hits, overlaps_any, negated_praise)

        hits = _without(GRAVE | {"harm"}, hits, overlaps_any, _of_groups({"harmless"}, hits))
        return _without(_CALMED, hits, overlaps_any, _of_groups({"calm"}, hits))

    def _is_denied(self, hit: Hit, words: Sequence[str]) -> bool:
        """Whether the words before a cue deny it; thanks are denied by a condition ("would be grateful")."""
        known = self.vocabulary
        if hit.group == "thanks":
            return _has_any(words[max(0, hit.start - _WINDOW - 1) : hit.start], known.conditional)
        if hit.group not in _DENIABLE or words[hit.start] in known.negations:
            return False
        denials = known.praise_negations if hit.group == "praise" else known.negations
        return _has_any(words[max(0, hit.start - _WINDOW) : hit.start], denials)

    def _is_negated_praise(self, hit: Hit, words: Sequence[str]) -> bool:
        """Whether a phrase of praise contains a negation ("could not be better")."""
        return hit.group == "praise" and _has_any(words[hit.start : hit.end], self.vocabulary.negations)


def _has_any(words: Sequence[str], wanted: AbstractSet[str]) -> bool:
    """Whether one of the words is wanted."""
    return not wanted.isdisjoint(words)


def _of_groups(groups: Container[str], hits: Sequence[Hit]) -> list[Hit]:
    """Return the cues of these groups, in their order."""
    return [hit for hit in hits if hit.group in groups]


def _without(
    groups: Container[str],
    hits: Sequence[Hit],
    is_cancelled: Callable[[Hit, Sequence[Hit]], bool],
    others: Sequence[Hit],
) -> list[Hit]:
    """Return the cues that others leave standing.

    Args:
        groups: the groups whose cues can be cancelled; cues of other groups stay in any case.
        hits: all cues, in their order.
        is_cancelled: whether a cue lies so, beside or inside of one of the others, that it does not count.
        others: the cues that cancel.
    """
    return [hit for hit in hits if hit.group not in groups or not is_cancelled(hit, others)]


def overlaps_any(hit: Hit, others: Sequence[Hit]) -> bool:
    """Whether a cue shares a word with one of the others."""
    return any(hit.start < other.end and other.start < hit.end for other in others)


def _inside_any(hit: Hit, others: Sequence[Hit]) -> bool:
    """Whether a cue is within one of the others."""
    return any(other.start <= hit.start < other.end and other.end >= hit.end for other in others)


class Lexicon:
    """The words of all languages, compiled on first use (40 to 170 ms a language)."""

    def __init__(self, languages: Catalogue) -> None:
        self.languages = languages
        self._cues: dict[str, Cues | None] = {}
        self._wishes: dict[str, PhraseBook] = {}
        self._meanings: dict[str, Meanings] = {}

    @property
    def vocabulary(self) -> Vocabulary:
        """The small words of all languages."""
        return vocabulary_of(self.languages)

    def cues(self, language: str) -> Cues | None:
        """Return the cues of a language, or None where there are none.

        Raises:
            SetupError: a phrase in an administrator's file is invalid; `check` names its line.
        """
        if language not in self._cues:
            found = self.languages.find(language)
            self._cues[language] = self._compiled(found) if found else None
        return self._cues[language]

    def _compiled(self, language: Language) -> Cues | None:
        """Return the cues of a language; None if it has no `complaints.toml`."""
        if language.complaints is None:
            return None
        try:
            return Cues.of(language.complaints, self.vocabulary)
        except ValueError as error:
            file = f"languages/{language.tag}/complaints.toml"
            raise SetupError([Problem(file, None, None, "C35", str(error), "")]) from None

    def meanings(self, language: str) -> Meanings:
        """Return what words of a language mean for wishes: as for the verdict, and by the file's own table.

        None have a meaning where its file has no such table.
        """
        if language not in self._meanings:
            found = self.languages.find(language)
            own = found.complaints.meanings if found and found.complaints else {}
            tables = (own, found.concepts().concepts) if found and own else ()
            self._meanings[language] = Meanings.of(*tables)
        return self._meanings[language]

    def concepts(self, language: str) -> Meanings:
        """Return what words of a language mean for the verdict; nothing where it has no `concepts.toml`."""
        found = self.languages.find(language)
        return concepts_of(found) if found else Meanings.of()

    def wishes(self, language: str) -> PhraseBook:
        """Return the phrases by which customers say what they want, by wish.

        What is a wish only beside words that ask is in the groups that begin with ASKED_FOR.

        Args:
            language: of the text; the phrases of all languages are returned for one that has none.
        """
        tag = language if self.cues(language) else ""
        if tag not in self._wishes:
            self._wishes[tag] = self._wish_book(tag)
        return self._wishes[tag]

    def _wish_book(self, tag: str) -> PhraseBook:
        """Compile the wishes of a language, or of all with ""."""
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for language in self.languages.all():
            if language.complaints and tag in {"", language.tag}:
                for wish, phrases in language.complaints.wishes:
                    groups[wish] += phrases
                for wish, phrases in language.complaints.asked_for:
                    groups[ASKED_FOR + wish] += phrases
        return PhraseBook.of(groups, self.vocabulary)


@lru_cache(maxsize=8)
def lexicon_of(languages: Catalogue) -> Lexicon:
    """Return the lexicon of a catalogue, which is compiled once."""
    return Lexicon(languages)


def shipped_lexicon() -> Lexicon:
    """Return the lexicon of the shipped languages."""
    return lexicon_of(catalogue())
