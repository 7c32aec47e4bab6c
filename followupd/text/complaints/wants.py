"""What is wrong and what the customer wants, each with the sentence it stands in: suggestions for an agent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from followupd.text.complaints.cues import Cues
from followupd.text.complaints.language import language_of
from followupd.text.complaints.shipped import shipped_cues, wishes
from followupd.text.complaints.words import sentences_of, words_of

#: What a group says about what went wrong, against how the customer feels about it.
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
#: "Please do not call me": what is asked for is seldom what went wrong.
_ASKING, _ASKED = frozenset({"please", "kindly", "bitte", "merci", "veuillez", "favor"}), 0.3
_DENIED = "denied"
#: A wish is no wish when the customer speaks of what was or was not done ("I was promised a refund").
_PAST = frozenset(
    {"was", "were", "been", "got", "received", "promised", "told", "refused", "never", "didn't", "already"}
)


@dataclass(frozen=True, slots=True)
class Want:
    """A wish (refund, replacement, explanation, cancel, call, apology) and the sentence it came from."""

    wish: str
    sentence: str


def wants(text: str) -> tuple[Want, ...]:
    """Return what the customer seems to want, each wish once: the clearest sentence for it, in the text's order."""
    found: dict[str, tuple[int, str]] = {}
    for sentence in sentences_of(text):
        words = words_of(sentence)
        told = len(_PAST.intersection(words))
        for wish in _wished(words):
            if wish not in found or told < found[wish][0]:
                found[wish] = (told, sentence)
    return tuple(Want(wish, sentence) for wish, (_, sentence) in found.items())


def _wished(words: Sequence[str]) -> Iterable[str]:
    """Return the wishes in a sentence, in its order, without what the customer says is not wanted."""
    hits = wishes().hits(words)
    denied = [(hit.start, hit.end) for hit in hits if hit.group == _DENIED]
    wanted = [hit for hit in hits if not any(start < hit.end and hit.start < end for start, end in denied)]
    return dict.fromkeys(hit.group for hit in wanted if hit.group != _DENIED)


def issue(text: str) -> str:
    """Return the sentence that says best what is wrong, in the customer's words, or "" when none does."""
    cues = shipped_cues(language_of(text) or "en") or shipped_cues("en")
    sentences = sentences_of(text)
    told = [_tells(sentence, at, cues) for at, sentence in enumerate(sentences)] if cues else []
    best = max(range(len(told)), key=lambda at: (told[at], -at), default=None)
    return sentences[best] if best is not None and told[best] > 0 else ""


def _tells(sentence: str, at: int, cues: Cues) -> float:
    """Weigh a sentence; what stands early in a mail is more often the matter itself."""
    words = words_of(sentence)
    if len(words) < _SHORTEST:
        return 0.0
    groups = {hit.group for hit in cues.hits(words)}
    told = sum(_TELLS.get(group, 0.0) for group in groups) * (_ASKED if words[0] in _ASKING else 1.0)
    return told * (1.0 if len(words) <= _LONGEST else 0.6) - 0.05 * min(at, 10) if told > 0 else 0.0
