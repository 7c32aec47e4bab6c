"""The verdict on one mail: cues and weights give a score; limits and the admin's rules can change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from followupd.domain.mail import Verdict
from followupd.languages import Catalogue
from followupd.languages.schema import Complaints
from followupd.text.complaints.cues import AGAINST, Cues
from followupd.text.complaints.features import Features, features_of
from followupd.text.complaints.language import language_of
from followupd.text.complaints.lexicon import MEASURED, Lexicon, lexicon_of, shipped_lexicon, shipped_weights
from followupd.text.complaints.limits import limit
from followupd.text.complaints.rules import SiteRules, found
from followupd.text.complaints.score import Score, Weights, probability, weigh
from followupd.text.complaints.words import Vocabulary

#: The weight of an `always` or `never` rule in the explanation.
_DECIDES = 10.0
_MOST_EVIDENCE = 12
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The words of all languages, including the admin's files, and the weights.

    `weights` are for the measured language, `cue_weights` for languages that have only cues.
    """

    lexicon: Lexicon = field(repr=False)
    weights: Weights = field(repr=False)
    cue_weights: Weights = field(repr=False)

    @classmethod
    def shipped(cls) -> "Recogniser":
        """Return the recogniser with the shipped words and weights."""
        return cls(shipped_lexicon(), *shipped_weights())

    @classmethod
    def of(cls, languages: Catalogue) -> "Recogniser":
        """Return the recogniser with the words of a catalogue, and the shipped weights."""
        return cls(lexicon_of(languages), *shipped_weights())

    def cues_for(self, language: str) -> Cues | None:
        """Return the cues of a language, None if there are none."""
        return self.lexicon.cues(language)

    def judge(
        self,
        subject: str,
        text: str,
        *,
        language: str = MEASURED,
        auto: float = 0.90,
        ask: float = 0.30,
        rules: SiteRules = SiteRules(),  # noqa: B008 - frozen and without content
        delta: Mapping[str, float] = _NOTHING,
    ) -> Verdict:
        """Return the verdict on the new text of a person's mail (docs/recognising.md).

        Args:
            subject: of the mail.
            text: its new text.
            language: the company's; it is used if the text does not tell its own.
            auto: the probability from which a mail is a complaint.
            ask: the probability from which it is suspected.
            rules: the admin's.
            delta: what `learn` found for this site.
        """
        told = language_of(f"{subject}\n{text}", self.lexicon.languages) or language
        seen, reading = self._read(subject, text, told, delta)
        evidence = dict(reading.evidence)
        moved = _added(rules, f"{subject}\n{text}", self.lexicon.vocabulary)
        score = probability(reading.log_odds + sum(moved.values()))
        most, why = limit(
            seen,
            has_cues=self.cues_for(told) is not None,
            measured=told == MEASURED,
            moved=sum(moved.values()),
        )
        verdict = _verdict(min(score, most), auto, ask)
        because = why if score > most else _BECAUSE[verdict]
        judged = Verdict(
            verdict, round(min(score, most), 4), _strongest(evidence | moved), _for(seen), because
        )
        return _ruled(judged, rules, f"{subject}\n{text}", auto, ask, self.lexicon.vocabulary)

    def see(self, subject: str, text: str, language: str = MEASURED) -> Features:
        """Return the features of a mail, with the cues of its language if there are any."""
        cues = self.cues_for(language) or Cues.of(Complaints(), self.lexicon.vocabulary)
        return features_of(subject, text, cues, with_tone=language == MEASURED)

    def _read(
        self, subject: str, text: str, language: str, delta: Mapping[str, float]
    ) -> tuple[Features, Score]:
        seen = self.see(subject, text, language)
        return seen, weigh(seen, self.weights if language == MEASURED else self.cue_weights, delta)


_BECAUSE = {
    "complaint": "the words say that something went wrong and that the customer minds",
    "suspected": "some words speak for a complaint; an agent decides",
    "no": "too little speaks for a complaint",
}


def _verdict(score: float, auto: float, ask: float) -> str:
    return "complaint" if score >= auto else "suspected" if score >= ask else "no"


def _for(seen: Features) -> frozenset[str]:
    return seen.groups - set(AGAINST)


def _strongest(evidence: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    kept = [(words, round(weight, 2)) for words, weight in evidence.items() if abs(weight) >= 0.05]
    return tuple(sorted(kept, key=lambda item: (-abs(item[1]), item[0]))[:_MOST_EVIDENCE])


def _added(rules: SiteRules, text: str, vocabulary: Vocabulary) -> dict[str, float]:
    return {
        f"rule: {pattern}": weight
        for pattern, weight in rules.add.items()
        if found(pattern, text, vocabulary)
    }


def _ruled(
    judged: Verdict, rules: SiteRules, text: str, auto: float, ask: float, vocabulary: Vocabulary
) -> Verdict:
    """Apply the admin's `always` and `never` rules; if both match, an agent decides."""
    always = [pattern for pattern in rules.always if found(pattern, text, vocabulary)]
    never = [pattern for pattern in rules.never if found(pattern, text, vocabulary)]
    said = tuple((f"rule: {p}", _DECIDES) for p in always) + tuple((f"rule: {p}", -_DECIDES) for p in never)
    if not said:
        return judged
    evidence = (*said, *judged.evidence)
    if always and never:
        score = min(max(judged.score, ask), auto - 0.01)
        return replace(
            judged,
            verdict="suspected",
            score=score,
            evidence=evidence,
            because="two rules disagree; an agent decides",
        )
    if always:
        return replace(
            judged, verdict="complaint", score=1.0, evidence=evidence, because=f"the rule always: {always[0]}"
        )
    return replace(judged, verdict="no", score=0.0, evidence=evidence, because=f"the rule never: {never[0]}")
