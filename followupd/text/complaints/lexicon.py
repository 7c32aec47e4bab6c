"""The words of all languages that the recogniser uses: cues by language, wishes, and the measured weights."""

from functools import cache, cached_property, lru_cache

from followupd.errors import Problem, SetupError
from followupd.languages import Catalogue, catalogue, complaint_weights
from followupd.text.complaints.cues import Cues
from followupd.text.complaints.phrases import PhraseBook
from followupd.text.complaints.score import Weights
from followupd.text.complaints.words import Vocabulary, vocabulary_of

#: The language whose weights were measured; the others have only cues.
MEASURED = "en"


class Lexicon:
    """The words of a catalogue, compiled on first use (40 to 170 ms for the cues of a language)."""

    def __init__(self, languages: Catalogue) -> None:
        self.languages = languages
        self._cues: dict[str, Cues | None] = {}

    @property
    def vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.languages)

    def cues(self, language: str) -> Cues | None:
        """Return the cues of a language, or None where there are none.

        Raises:
            SetupError: a phrase in an admin's file is invalid; `check` names its line.
        """
        if language not in self._cues:
            self._cues[language] = self._read_cues(language)
        return self._cues[language]

    def _read_cues(self, language: str) -> Cues | None:
        found = self.languages.find(language)
        if found is None or found.complaints is None:
            return None
        try:
            return Cues.of(found.complaints, self.vocabulary)
        except ValueError as error:
            file = f"languages/{found.tag}/complaints.toml"
            raise SetupError([Problem(file, None, None, "C35", str(error), "")]) from None

    @cached_property
    def wishes(self) -> PhraseBook:
        """The phrases of all languages by which customers say what they want."""
        groups: dict[str, tuple[str, ...]] = {}
        for language in self.languages.all():
            for wish, phrases in language.complaints.wishes if language.complaints else ():
                groups[wish] = groups.get(wish, ()) + phrases
        return PhraseBook.of(groups, self.vocabulary)


@lru_cache(maxsize=8)
def lexicon_of(languages: Catalogue) -> Lexicon:
    """Return the lexicon of a catalogue, which is compiled once."""
    return Lexicon(languages)


def shipped_lexicon() -> Lexicon:
    """Return the lexicon of the shipped languages."""
    return lexicon_of(catalogue())


@cache
def shipped_weights() -> tuple[Weights, Weights]:
    """Return the weights for the measured language, and those for languages that have only cues."""
    parsed = complaint_weights()
    return Weights.of(parsed["words"]), Weights.of(parsed["cues"])
