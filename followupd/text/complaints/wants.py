"""What went wrong and what the customer wants, each with its sentence: suggestions for an agent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from followupd.text.complaints.cues import Cues
from followupd.text.complaints.language import language_of
from followupd.text.complaints.lexicon import MEASURED, Lexicon, shipped_lexicon
from followupd.text.complaints.words import sentences_of, words_of

#: How much a cue group says about what went wrong, rather than about the customer's feelings.
_TELLS = {
    "failure": 3.0,
    "unmet": 3.0,
    "quality": 2.0,
    "money": 2.5,
    "safety": 2.5,
    "repeat": 1.5,
    "dishonest": 1.5,
    "expected": 1.5,
    "insult": 1.0,
    "challenge": 1.0,
    "explicit": 0.7,
    "duration": 0.7,
    "why": 0.5,
    "anger": 0.5,
    "reproach": 0.5,
    "demand": -0.5,
    "leaving": -0.5,
    "public": -1.0,
    "legal": -1.0,
    "thanks": -1.0,
    "praise": -1.5,
    "question": -1.0,
    "bulk": -2.0,
    "machine": -2.0,
}
_SHORTEST, _LONGEST = 3, 45
#: Factor for a request ("Please do not call me"), which is seldom what went wrong.
_ASKED = 0.3
#: The group of phrases for what the customer does not want; a wish inside one does not count.
_DENIED = "not_wanted"


@dataclass(frozen=True, slots=True)
class Want:
    """A wish (refund, replacement, explanation, cancel, call, apology) and its sentence."""

    wish: str
    sentence: str


def wants(text: str, lexicon: Lexicon | None = None) -> tuple[Want, ...]:
    """Return what the customer seems to want, each wish once with its clearest sentence, in order."""
    known = lexicon or shipped_lexicon()
    found: dict[str, tuple[int, str]] = {}
    for sentence in sentences_of(text):
        words = words_of(sentence, known.vocabulary)
        # the fewer words about what was done ("I was promised a refund"), the clearer the wish
        told = len(known.vocabulary.told.intersection(words))
        for wish in _wished(words, known):
            if wish not in found or told < found[wish][0]:
                found[wish] = (told, sentence)
    return tuple(Want(wish, sentence) for wish, (_, sentence) in found.items())


def _wished(words: Sequence[str], lexicon: Lexicon) -> Iterable[str]:
    """Return the wishes in a sentence, in its order, without what the customer does not want."""
    hits = lexicon.wishes.hits(words)
    denied = [(hit.start, hit.end) for hit in hits if hit.group == _DENIED]
    wanted = [hit for hit in hits if not any(start < hit.end and hit.start < end for start, end in denied)]
    return dict.fromkeys(hit.group for hit in wanted if hit.group != _DENIED)


def issue(text: str, lexicon: Lexicon | None = None) -> str:
    """Return the sentence that says best what went wrong, "" if none does."""
    known = lexicon or shipped_lexicon()
    cues = known.cues(language_of(text, known.languages) or MEASURED) or known.cues(MEASURED)
    sentences = sentences_of(text)
    told = [_tells(sentence, at, cues) for at, sentence in enumerate(sentences)] if cues else []
    best = max(range(len(told)), key=lambda at: (told[at], -at), default=None)
    return sentences[best] if best is not None and told[best] > 0 else ""


def _tells(sentence: str, at: int, cues: Cues) -> float:
    """Weigh a sentence; early sentences are more often about the matter itself."""
    words = words_of(sentence, cues.vocabulary)
    if len(words) < _SHORTEST:
        return 0.0
    groups = {hit.group for hit in cues.hits(words)}
    told = sum(_TELLS.get(group, 0.0) for group in groups) * (
        _ASKED if words[0] in cues.vocabulary.requests else 1.0
    )
    return told * (1.0 if len(words) <= _LONGEST else 0.6) - 0.05 * min(at, 10) if told > 0 else 0.0
