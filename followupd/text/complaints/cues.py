"""Cues: groups of phrases that indicate a complaint, or the opposite, from `complaints.toml`."""

from collections.abc import Sequence
from dataclasses import dataclass

from followupd.languages.schema import Complaints, CuesAgainst, CuesFor
from followupd.text.complaints.phrases import Hit, PhraseBook
from followupd.text.complaints.words import Vocabulary

#: The groups that indicate a complaint, and those that indicate the opposite. Weights belong to these names.
FOR, AGAINST = tuple(CuesFor.model_fields), tuple(CuesAgainst.model_fields)
#: One of these distinguishes a complaint from a neutral report of a fault: 43 % of complaints have one, and
#: 5 % of reports.
STRONG = frozenset(
    {"explicit", "anger", "insult", "money", "dishonest", "leaving", "public", "legal", "escalate"}
)

#: "not disappointed", "no complaints": a cue of these groups does not count behind one of these words.
_DENIABLE = frozenset({"explicit", "anger", "insult", "dishonest", "failure", "praise"})
#: Number of words before a cue that may deny it, unless the cue itself begins with a denial ("not happy").
_WINDOW = 2
#: "Thanks for nothing": thanks and praise inside a phrase of the first groups do not count.
_WRY, _WARM = (
    frozenset({"reproach", "quality", "explicit", "leaving", "unmet"}),
    frozenset({"thanks", "praise"}),
)
#: "I lost my card", "hardly your fault": cues of these groups do not count inside a calm phrase.
_STILLED = frozenset({"failure", "unmet", "quality", "money", "challenge", "explicit", "insult", "reproach"})


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of one language, and the small words that change their meaning."""

    book: PhraseBook
    vocabulary: Vocabulary

    @classmethod
    def of(cls, complaints: Complaints, vocabulary: Vocabulary) -> "Cues":
        """Compile the groups of a language; raises ValueError with a message for the administrator."""
        groups = dict(complaints.cues) | dict(complaints.against)
        return cls(PhraseBook.of(groups, vocabulary), vocabulary)

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return the cues in the words, without denied ones and without ironic thanks."""
        hits = [hit for hit in self.book.hits(words) if not self._denied(hit, words)]
        wry = [hit for hit in hits if hit.group in _WRY]
        hits = [
            hit for hit in hits if hit.group not in _WARM or not any(_inside(hit, other) for other in wry)
        ]
        negations = self.vocabulary.negations
        warm = [
            hit
            for hit in hits
            if hit.group == "praise" and not negations.isdisjoint(words[hit.start : hit.end])
        ]
        hits = [
            hit for hit in hits if hit.group in AGAINST or not any(_overlap(hit, other) for other in warm)
        ]
        calm = [hit for hit in hits if hit.group == "calm"]
        return [
            hit
            for hit in hits
            if hit.group not in _STILLED or not any(_overlap(hit, other) for other in calm)
        ]

    def _denied(self, hit: Hit, words: Sequence[str]) -> bool:
        known = self.vocabulary
        if hit.group == "thanks":
            return not known.conditional.isdisjoint(words[max(0, hit.start - _WINDOW - 1) : hit.start])
        if hit.group not in _DENIABLE or words[hit.start] in known.negations:
            return False
        denials = known.praise_negations if hit.group == "praise" else known.negations
        return not denials.isdisjoint(words[max(0, hit.start - _WINDOW) : hit.start])


def _overlap(hit: Hit, other: Hit) -> bool:
    return hit.start < other.end and other.start < hit.end


def _inside(hit: Hit, other: Hit) -> bool:
    return other.start <= hit.start < other.end and other.end >= hit.end
