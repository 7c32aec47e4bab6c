"""Cues: groups of phrases in one language that speak for a complaint, or against one; the admin's file, made ready."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from followupd.text.complaints.phrases import Hit, PhraseBook

#: The groups that speak for a complaint, and those that speak against one. Weights belong to these names.
FOR = (
    "explicit",
    "anger",
    "insult",
    "money",
    "dishonest",
    "leaving",
    "public",
    "legal",
    "escalate",
    "unmet",
    "expected",
    "failure",
    "quality",
    "repeat",
    "duration",
    "reproach",
    "why",
    "challenge",
    "demand",
    "urgency",
    "safety",
)
AGAINST = ("thanks", "praise", "question", "calm", "solved", "machine", "bulk")
#: One of these tells a complaint from a neutral report of a fault (RECOGNISE.md: 43 % of complaints, 5 % of reports).
STRONG = frozenset(
    {"explicit", "anger", "insult", "money", "dishonest", "leaving", "public", "legal", "escalate"}
)

#: "not disappointed", "no complaints": a cue of these groups does not count behind one of these words.
_DENIABLE = frozenset({"explicit", "anger", "insult", "dishonest", "failure", "praise"})
_DENIALS = frozenset(
    {
        "no",
        "not",
        "never",
        "without",
        "zero",
        "isn't",
        "wasn't",
        "don't",
        "didn't",
        "won't",
        "wouldn't",
        "can't",
        "couldn't",
        "kein",
        "keine",
        "nicht",
        "nie",
        "ohne",
        "pas",
        "sans",
        "aucun",
        "aucune",
        "sin",
        "ningun",
        "ninguna",
        "nunca",
    }
)
#: "I would appreciate an answer" thanks for nothing yet.
_WISHED = frozenset({"would", "i'd", "we'd", "should"})
#: So many words before the cue are looked at. A cue that itself begins with a denial ("not happy") is whole.
_WINDOW = 2
#: "Thanks for nothing": warm words inside a phrase of this group are not warm.
_WRY, _WARM = (
    frozenset({"reproach", "quality", "explicit", "leaving", "unmet"}),
    frozenset({"thanks", "praise"}),
)
#: "not great", "hardly friendly": praise behind one of these is none; behind a bare "no" ("No, great!") it is.
_TURNS = _DENIALS - {"no", "zero", "kein", "keine", "nie", "nunca"} | {
    "hardly",
    "far",
    "aren't",
    "weren't",
    "nothing",
}

#: "I lost my card", "hardly your fault", "how we answer complaints": inside a calm phrase words of these groups are no grievance.
_STILLED = frozenset({"failure", "unmet", "quality", "money", "challenge", "explicit", "insult", "reproach"})


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of one language."""

    language: str
    book: PhraseBook

    @classmethod
    def of(cls, parsed: Mapping[str, object]) -> "Cues":
        """Make a parsed cue file ready; raises ValueError with a sentence that says what to fix."""
        groups: dict[str, Sequence[str]] = {}
        for section, known in (("cues", FOR), ("against", AGAINST)):
            groups |= _groups_of(parsed.get(section, {}), section, known)
        return cls(str(parsed.get("language", "")), PhraseBook.of(groups))

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Return the cues found in the words, without those that are denied, and without thanks that are none."""
        hits = [hit for hit in self.book.hits(words) if not _denied(hit, words)]
        wry = [hit for hit in hits if hit.group in _WRY]
        hits = [
            hit for hit in hits if hit.group not in _WARM or not any(_inside(hit, other) for other in wry)
        ]
        warm = [
            hit
            for hit in hits
            if hit.group == "praise" and not _DENIALS.isdisjoint(words[hit.start : hit.end])
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


def _overlap(hit: Hit, other: Hit) -> bool:
    return hit.start < other.end and other.start < hit.end


def _inside(hit: Hit, other: Hit) -> bool:
    return other.start <= hit.start < other.end and other.end >= hit.end


def _groups_of(table: object, section: str, known: Iterable[str]) -> dict[str, Sequence[str]]:
    for group, phrases in table.items() if isinstance(table, Mapping) else [(section, None)]:
        if group not in known:
            raise ValueError(f"[{section}] has no group {group!r}; groups are {', '.join(known)}")
        if (
            not isinstance(phrases, Sequence)
            or isinstance(phrases, str)
            or not all(isinstance(p, str) for p in phrases)
        ):
            raise ValueError(f"[{section}] {group} must be a list of phrases")
    return dict(table) if isinstance(table, Mapping) else {}


def _denied(hit: Hit, words: Sequence[str]) -> bool:
    if hit.group == "thanks":
        return not _WISHED.isdisjoint(words[max(0, hit.start - _WINDOW - 1) : hit.start])
    if hit.group not in _DENIABLE or words[hit.start] in _DENIALS:
        return False
    if hit.group == "praise":
        return not _TURNS.isdisjoint(words[max(0, hit.start - _WINDOW) : hit.start])
    return not _DENIALS.isdisjoint(words[max(0, hit.start - _WINDOW) : hit.start])
