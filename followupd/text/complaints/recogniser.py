"""The verdict on one mail: cues and weights give a score; limits and the administrator's rules can change it.

A limit keeps the score of a text below `complaint` unless a person decides (docs/recognising.md, rules 5
and 6). Rules are phrases or regular expressions that run in bounded time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from followupd.domain.mail import HARDLY_ANY, UNKNOWN_LANGUAGE, Verdict
from followupd.languages import Catalogue
from followupd.languages.schema import Complaints
from followupd.text.complaints.assessment import HIGH, LOW, NORMAL
from followupd.text.complaints.cues import (
    AGAINST,
    FOR,
    GRAVE,
    MEASURED,
    STRONG,
    Cues,
    Lexicon,
    lexicon_of,
    shipped_lexicon,
)
from followupd.text.complaints.features import (
    MEANT,
    SHOWN_SIGNS,
    Features,
    Score,
    Weights,
    features_of,
    probability,
    second_score,
    second_signs,
    shape_of,
    shipped_weights,
    weigh,
)
from followupd.text.complaints.phrases import PhraseBook, way_of
from followupd.text.complaints.words import (
    READ,
    Vocabulary,
    language_of,
    without_form,
    words_of,
)
from followupd.text.names import between_greeting_and_name

#: the most ways that a regular expression may try from one position in the text
_MAX_WAYS = 2_000
#: characters of a regular expression
_MAX_EXPRESSION = 300
#: the maximum number of characters that `\w+`, `.*` and the like match
_OPEN_END = 30
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|[()|]|[*+?]\??|\{\d*,?\d*\}\??|.", re.DOTALL)
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")


@dataclass(frozen=True, slots=True)
class SiteRules:
    """Cue phrases ("never again") or regular expressions in slashes ("/order [0-9]{6}/"), ignoring case.

    `always` makes a mail a complaint, `never` excludes it, both make it suspected; `add` changes log-odds.
    """

    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    add: Mapping[str, float] = field(default_factory=dict)


def rule_problem(pattern: str) -> str:
    """Return what is wrong with the pattern of a rule, "" if it is valid."""
    try:
        _matcher(pattern)
    except ValueError as error:
        return str(error)
    return ""


def found(pattern: str, text: str, vocabulary: Vocabulary | None = None) -> bool:
    """Return whether the pattern is in the text.

    Args:
        pattern: a phrase, or a regular expression between slashes.
        text: of which the first characters are read (READ).
        vocabulary: elisions and corrections, those of the shipped languages by default.

    Raises:
        ValueError: the pattern is invalid.
    """
    matcher = _matcher(pattern, vocabulary)
    if isinstance(matcher, PhraseBook):
        return bool(matcher.hits(words_of(text, vocabulary)))
    return matcher.search(text[:READ]) is not None


@lru_cache(maxsize=512)
def _matcher(pattern: str, vocabulary: Vocabulary | None = None) -> PhraseBook | re.Pattern[str]:
    """Compile a pattern.

    Args:
        pattern: a phrase, or a regular expression between slashes. A phrase may be written in capitals and
            with accents unless it uses the syntax of phrases.
        vocabulary: elisions and corrections, those of the shipped languages by default.

    Raises:
        ValueError: it is invalid, with a message for the administrator.
    """
    is_expression = len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")
    if not is_expression:
        return PhraseBook.of({"rule": [_folded_phrase(pattern, vocabulary)]}, vocabulary)
    try:
        return re.compile(_bounded(pattern[1:-1]), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from None


def _folded_phrase(pattern: str, vocabulary: Vocabulary | None) -> str:
    """Return the phrase in lower case and without accents, if it contains none of the syntax of phrases."""
    try:
        way_of(pattern, vocabulary)
    except ValueError as error:
        words = words_of(pattern, vocabulary)
        has_syntax = any(mark in pattern for mark in "()|*")
        if not words or has_syntax:
            raise ValueError(f"{error}; a regular expression stands between slashes") from None
        return " ".join(words)
    return pattern


def _bounded(expression: str) -> str:
    """Return the expression with bounded repetitions.

    A mail's author chooses the text, so no expression may need time that grows faster than the text does.

    Args:
        expression: the regular expression without its slashes.

    Raises:
        ValueError: it uses what is not allowed in a rule, or could still be slow.
    """
    if len(expression) > _MAX_EXPRESSION:
        raise ValueError(f"the expression is longer than {_MAX_EXPRESSION} characters")
    if re.search(r"\(\?(?!:)|\\[1-9]", expression):
        raise ValueError("look-arounds, flags, names and back-references are not allowed in a rule")

    ways = 1
    branches = [1]  # the alternatives of the expression, and of each open group
    bounded = [""]
    for atom in _ATOM.findall(expression):
        if atom[0] in "*+{" and bounded[-1] == ")":
            raise ValueError("a group may not be repeated in a rule, only a single character or class")
        bounded_atom, factor = _bounded_atom(atom)
        ways *= factor
        if atom in {"(", "(?:"}:
            branches.append(1)
        elif atom == "|":
            branches[-1] += 1
        elif atom == ")" and len(branches) > 1:
            ways *= branches.pop()
        bounded.append(bounded_atom)

    ways *= branches[0]
    if ways > _MAX_WAYS:
        problem = f"the expression could try {ways} ways from one place in the text"
        raise ValueError(f"{problem}, more than {_MAX_WAYS}")
    return "".join(bounded)


def _bounded_atom(atom: str) -> tuple[str, int]:
    """Return the atom with a bound, and the factor by which it multiplies the ways to try.

    Args:
        atom: a character, a class, a bracket, or a repetition: "*", "+?", "{2,5}".

    Returns:
        The atom to put in its place, and 1 where there is only one way to match it. "?" has two ways, and a
        repetition as many as there are numbers between its least and its greatest.
    """
    if atom[0] not in "*+?{":
        return atom, 1
    if atom in {"?", "??"}:
        return atom, 2

    lazy = "?" if len(atom) > 1 and atom.endswith("?") else ""
    if atom[0] in "*+":
        least = int(atom[0] == "+")
        return f"{{{least},{_OPEN_END}}}{lazy}", _OPEN_END

    counted = _COUNTED.fullmatch(atom.removesuffix("?"))
    if not counted:
        return atom, 1
    least, most = _counts(*counted.groups())
    return f"{{{least},{most}}}{lazy}", max(1, most - least if counted[2] else 1)


def _counts(first: str, comma: str, last: str) -> tuple[int, int]:
    """Return the least and the greatest number of a counted repetition: "{2}", "{2,}", "{,5}", "{2,5}"."""
    least = int(first or 0)
    if last:
        return least, int(last)
    if comma:
        return least, least + _OPEN_END
    return least, least or 1


#: the log-odds from which a mail counts as one about danger, and a complaint as grave, or mild
DANGER, GRAVE_LEVEL, MILD_LEVEL = 0.0, -1.0, -0.5
#: log-odds of danger from which it may be, and below which it is mostly none
MAY_BE_DANGER, HARMLESS = -2.6, -4.0
#: log-odds for signs where nothing is trained, and for what they do not tell
UNTOLD, UNLIKELY = -3.0, -30.0
#: above every score
NEVER = 2.0
#: the score from which a mail about danger, and one with words in which danger is told, open a case without a sign
DANGER_FROM = 0.02
#: the score from which a mail of one line about what is ours is suspected
OURS_FROM = 0.05
#: what a mail quotes: a passage of several words in quotation marks, and lines of an earlier mail
QUOTED = re.compile(
    r"«[^«»]{25,900}»|„[^„“”\"]{25,900}[“”\"]|“[^“”]{25,900}”|\"[^\"\n]{25,900}\"|"
    r"(?<!\w)['‘](?:[^'’\n]|['’](?=\w)){25,400}['’](?!\w)|^>.*$",
    re.MULTILINE,
)
#: the second stage's probability from which it agrees with a certain first stage
_AGREES = 0.475
#: the scores from which signs of danger, the law and the public open a case, by the log-odds that the mail tells of it
SIGN_FROM = {
    "safety": ((HARMLESS, 0.02), (UNLIKELY, 0.10)),
    "legal": ((-2.0, 0.01), (UNLIKELY, 0.10)),
    "public": ((-2.0, 0.01), (UNLIKELY, 0.15)),
}
#: the score from which they do beside other strong words; sales letters, lessons and applications have both
UPSET_FROM = 0.06
#: groups that make a word of danger harmless in its sentence: thanks, praise, and what is said of goods
_AT_EASE = frozenset({"harmless", "thanks", "praise"})
#: words of a mail that says one thing; a longer one holds words of danger by chance, and is left to its score
_ONE_LINE = 20
#: the score from which they count in a mail of one line that neither asks nor calms
ONE_LINE_FROM = 0.002
_ASKS_OR_CALMS = frozenset({"question", "calm", "harmless"})
#: words of a phrase of danger, the law or the public that is plain by itself ("went to court with")
_PLAIN = 3
#: the languages of the mails on which the second stage was trained
SECOND = frozenset({"en", "de", "fr", "es"})
#: the highest score for `suspected` (below every `auto`, above every `ask`), and for `no` (below every `ask`)
SUSPECTED, NOTHING = 0.89, 0.20
#: two of these groups count as much as a strong word; failures alone, even repeated ones, are a report
_WRONGED = frozenset({"unmet", "reproach", "demand", "safety"})
#: mails of machines and newsletters mention failures and money, but contain no cues of these groups
_GRIEVANCES = ("explicit", "anger", "insult", "leaving", "legal", "escalate", "unmet", "reproach")
#: a text of more words than this may contain single strong words by chance; two of `_PERSONAL` are needed
_LONG = 60
_PERSONAL = frozenset({"explicit", "anger", "money", "dishonest", "unmet", "leaving", "legal", "escalate"})

#: the weight of an `always` or `never` rule in the explanation
_RULE_WEIGHT = 10.0
_MAX_EVIDENCE = 12
#: a smaller share in the score is not shown
_MIN_SHARE = 0.05
#: groups of plain reports of faults
_REPORTED = frozenset({"failure", "repeat", "duration", "unmet", "why"})
#: groups of a mail that ends a contract without a grievance
_LEAVES = frozenset({"leaving", "demand"})
#: groups of a mail that orders again, moves an appointment or passes on a hint
_ROUTINE = frozenset({"repeat", "duration", "expected", "failure", "urgency", "leaving"})
#: words of a mail that says little but "formal complaint", and groups that make it another one's
_BRIEF = 15
#: words of a mail of which none is known, and of which the second stage alone is not trusted to be certain; and of one
#: that has these groups at most, as many short mails do ("number 14 has been empty since March")
_UNKNOWN, _HARDLY_KNOWN = 40, 25
_TELLS_LITTLE = frozenset({"expected", "duration", "challenge", "reproach", "why", "urgency"})
#: groups beside which what did not come, or was not answered, is more than a question ("third mail, no answer")
_IMPATIENT = frozenset({"repeat", "duration", "explicit", "money"})
_NOT_OURS = frozenset({"machine", "bulk", "elsewhere", "thanks", "praise", "solved"})
_LEFT_ALONE = _NOT_OURS | _ASKS_OR_CALMS | {"leaving"}
#: groups that keep the second stage from being certain: thank-you letters tell of what went wrong before
_WARM = frozenset({"thanks", "praise"})
#: bytes of letters from which a text in an unknown language tells a story; Chinese says more in one letter
_STORY = 60
_NO_DELTA: Mapping[str, float] = MappingProxyType({})

#: the score from which a mail that is no complaint is named in the lead's digest
_HARDLY = 0.03
#: the score from which a mail that names a failure is suspected, in all languages
FAILURE_FROM = 0.25
#: the lower scores from which a reproach, a failure in a mail of 30 words, 60 words and a number are suspected
_REPROACHES, _FAILS, _IS_LONG, _NAMES = 0.07, 0.11, 0.15, 0.20
_LONG, _SOME = 60, 30
_NUMBER = re.compile(r"\d{3}")
_BECAUSE = {
    "complaint": "the words say that something went wrong and that the customer minds",
    "suspected": "some words speak for a complaint; an agent decides",
    "no": "too little speaks for a complaint",
}


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The words of all languages, including the administrator's files, and the weights.

    `weights` are for the measured language, `cue_weights` for languages that have only cues; they are the first
    stage. The second one reads words and parts of words too, and was trained on mails in the languages of SECOND.
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
        """Return the cues of a language, None if there are none.

        Args:
            language: a tag ("de"), "other" for a script other than Latin, or "" for an unknown one.
        """
        return self.lexicon.cues(language)

    def weights_for(self, language: str) -> Weights:
        """Return the weights for a language."""
        return self.weights if language == MEASURED else self.cue_weights

    def judge(
        self,
        subject: str,
        text: str,
        *,
        language: str = MEASURED,
        auto: float = 0.90,
        ask: float = 0.30,
        rules: SiteRules = SiteRules(),
        delta: Mapping[str, float] = _NO_DELTA,
    ) -> Verdict:
        """Return the verdict on the new text of a person's mail (docs/recognising.md).

        Args:
            subject: the mail's subject.
            text: its new text.
            language: the company's; it is used if the text does not tell its own.
            auto: the probability from which a mail is a complaint.
            ask: the probability from which it is suspected.
            rules: the administrator's.
            delta: what `learn` found for this site.
        """
        whole = f"{subject}\n{text}"
        spoken = language_of(whole, self.lexicon.languages) or language
        seen = self.see(subject, text, spoken)
        first, reading = self._stages(seen, spoken, delta)
        added = _added_by_rules(rules, whole, self.lexicon.vocabulary)
        moved = sum(added.values())

        most, why_limited = limit(
            seen,
            has_cues=self.cues_for(spoken) is not None,
            measured=spoken == MEASURED,
            certain=spoken in SECOND,
            moved=moved,
        )
        score = max(probability(reading.log_odds + moved), _agreed(seen, spoken, first, reading, auto))
        if score >= auto and self._only_quotes(text, subject, spoken, delta):
            most, why_limited = (
                min(most, SUSPECTED),
                "it may quote a complaint of somebody else; an agent decides",
            )
        odds = reading.circumstances
        doubts = self._doubts(seen, spoken, score, odds)
        why_raised = next((why for applies, why in doubts if applies), "")
        least = ask if why_raised else 0.0
        final = max(min(score, most), min(least, most))
        word = _verdict(final, auto, ask)
        reasons = {least: why_raised, most: why_limited, score: _BECAUSE[word]}
        if word == "no" and self.cues_for(spoken) is None:
            reasons[final] = UNKNOWN_LANGUAGE
        elif word == "no" and final >= _HARDLY:
            reasons[final] = HARDLY_ANY
        judged = Verdict(
            word,
            round(final, 4),
            _strongest(dict(reading.evidence) | added),
            seen.groups - set(AGAINST) | ({"safety"} if odds.get("danger", UNLIKELY) >= DANGER else set()),
            reasons[final],
            level_of(odds),
        )
        return _ruled(judged, rules, whole, auto, ask, self.lexicon.vocabulary)

    def _only_quotes(self, text: str, subject: str, language: str, delta: Mapping[str, float]) -> bool:
        """Whether a text would be no certain complaint without the passages that it quotes."""
        said = QUOTED.sub(" ", text[:READ])
        if said == text[:READ]:
            return False
        reading = self._stages(self.see(subject, said, language), language, delta)[1]
        return probability(reading.log_odds) < _AGREES

    def _doubts(
        self, seen: Features, language: str, score: float, odds: Mapping[str, float]
    ) -> Iterator[tuple[bool, str]]:
        """Yield whether a doubt is to be shown to a person, however low the score is, and its reason for the history.

        Args:
            seen: the features of the text.
            language: of the text.
            score: by its words; grave words alone count from a score of their group on, beside other strong
                words from a lower one.
            odds: the log-odds of danger and threats.
        """
        is_grave = not GRAVE.isdisjoint(seen.groups)
        why = "it speaks of danger, the law or the public; an agent decides"
        yield is_grave and score >= _grave_from(seen, odds), why
        yield is_grave and self._is_plain(seen, language), why

        yield score >= _harm_from(seen, odds), "somebody could be hurt; an agent decides"
        is_brief = "explicit" in seen.groups and len(seen.words) <= _BRIEF and not seen.groups & _NOT_OURS
        yield is_brief, "it says in few words that it is a complaint; an agent decides"

        is_ours = score >= OURS_FROM and self._is_about_ours(seen, language)
        yield is_ours, "it says in few words what became of something that is ours; an agent decides"
        yield _is_still_due(seen), "it says in few words that something is still due; an agent decides"
        fails = "failure" in seen.groups and score >= FAILURE_FROM and not seen.groups & _NOT_OURS
        yield fails, "it tells of a failure; an agent decides"
        is_little = language in SECOND and score >= _little_from(seen)
        yield is_little, "a little speaks for a complaint; an agent decides"

        is_unknown = self.cues_for(language) is None and _tells_something(seen)
        yield is_unknown, "its language is unknown here; an agent decides"

    def _is_about_ours(self, seen: Features, language: str) -> bool:
        """Whether a mail of one line tells of something that is ours ("your ladder"), and neither asks nor thanks."""
        cues = self.cues_for(language)
        if cues is None or len(seen.words) > _ONE_LINE or "?" in seen.text:
            return False
        return not seen.groups & _LEFT_ALONE and not cues.vocabulary.ours.isdisjoint(seen.words)

    def _is_plain(self, seen: Features, language: str) -> bool:
        """Whether a sentence says plainly that we are concerned: danger, the law or the public beside what is ours.

        A sentence that asks, thanks or praises, or speaks of goods ("court shoes"), does not; the subject counts as
        one sentence.

        Args:
            seen: the features of the text, among them a cue of danger, the law or the public.
            language: of the text.
        """
        cues = self.cues_for(language)
        if len(seen.words) > _ONE_LINE or seen.groups & _NOT_OURS:
            return False
        sentences = [sentence for sentence in (seen.subject, *seen.sentences) if "?" not in sentence]
        return cues is not None and any(_threatens(sentence, cues) for sentence in sentences)

    def score(self, seen: Features, language: str, delta: Mapping[str, float]) -> Score:
        """Return the score of a text, by both stages where the second one knows its language.

        Args:
            seen: the features of the text.
            language: of the text.
            delta: what `learn` found for this site.
        """
        return self._stages(seen, language, delta)[1]

    def _stages(self, seen: Features, language: str, delta: Mapping[str, float]) -> tuple[Score, Score]:
        """Return the first stage's score without what a site taught, and the score of the text, as `score` does."""
        first = weigh(seen, self.weights_for(language), delta)
        untaught = weigh(seen, self.weights_for(language), _NO_DELTA) if delta else first
        if language not in SECOND:
            return untaught, first

        signs = second_signs(seen, untaught.log_odds, language)
        second = second_score(seen, signs)
        log_odds = second.log_odds + first.log_odds - untaught.log_odds
        return untaught, Score(log_odds, _explained(seen, first, second.evidence), second.circumstances)

    def see(self, subject: str, text: str, language: str = MEASURED) -> Features:
        """Return the features of what a mail says, with the cues of its language if there are any.

        The fields of a form, the greeting and the name at the end tell nothing of a complaint.

        Args:
            subject: decoded, with its "Re:".
            text: the new text of the mail, of which the first characters are read (READ).
            language: as `language_of` guessed it. In one without cues nothing speaks for or against a
                complaint but the style, and the tone is measured in English only.
        """
        cues = self.cues_for(language) or Cues.of(Complaints(), self.lexicon.vocabulary)
        said = between_greeting_and_name(without_form(text[:READ]))
        concepts = self.lexicon.concepts(language)
        return features_of(subject, said, cues, with_tone=language == MEASURED, concepts=concepts)


def level_of(circumstances: Mapping[str, float]) -> str:
    """Return how severe a complaint is by the log-odds of its words; "" where that is not trained."""
    if not circumstances:
        return ""
    if circumstances["grave"] >= GRAVE_LEVEL:
        return HIGH
    return LOW if circumstances["mild"] >= MILD_LEVEL else NORMAL


def _agreed(seen: Features, language: str, first: Score, reading: Score, auto: float) -> float:
    """Return the first stage's score, limits applied, where it is certain and the second one agrees; else 0."""
    if language not in SECOND or probability(reading.log_odds) < _AGREES:
        return 0.0
    most = limit(seen, has_cues=True, measured=language == MEASURED)[0]
    certain = min(probability(first.log_odds), most)
    return certain if certain >= auto else 0.0


def _little_from(seen: Features) -> float:
    """Return the score, below `ask`, from which what a mail holds is enough to ask an agent.

    Args:
        seen: the features of the text.

    Returns:
        The lowest of those that apply, NEVER if none does.
    """
    is_failure = "failure" in seen.groups and not seen.groups & _NOT_OURS
    least_from = {
        _REPROACHES: "reproach" in seen.groups,
        _FAILS: is_failure and len(seen.words) >= _SOME,
        _IS_LONG: len(seen.words) >= _LONG,
        _NAMES: _NUMBER.search(f"{seen.subject} {seen.text}"),
        NEVER: True,
    }
    return min(least for least, applies in least_from.items() if applies)


def _harm_from(seen: Features, odds: Mapping[str, float]) -> float:
    """Return the score from which a mail that tells of danger opens a case without a sign; NEVER if it tells of none.

    One that more likely than not tells of danger opens it at any score.

    Args:
        seen: the features of the text.
        odds: the log-odds of danger and threats.
    """
    danger = odds.get("danger", UNLIKELY)
    if danger >= DANGER:
        return 0.0
    least = HARMLESS if "harm" in seen.groups else MAY_BE_DANGER
    return DANGER_FROM if danger >= least else NEVER


def _grave_from(seen: Features, odds: Mapping[str, float]) -> float:
    """Return the score from which danger, the law or the public open a case.

    Args:
        seen: the features of the text, among them a cue of danger, the law or the public.
        odds: the log-odds of danger and threats.
    """
    if len(seen.words) <= _ONE_LINE and "?" not in seen.text and not seen.groups & _ASKS_OR_CALMS:
        return ONE_LINE_FROM
    least = min(_sign_from(group, odds) for group in GRAVE & seen.groups)
    return least if STRONG.isdisjoint(seen.groups - GRAVE) else min(least, UPSET_FROM)


def _sign_from(group: str, odds: Mapping[str, float]) -> float:
    """Return the score from which a sign of this group opens a case: the likelier what it tells, the lower."""
    likely = odds.get("danger" if group == "safety" else "threat", UNTOLD)
    return min(least for odds_from, least in SIGN_FROM[group] if likely >= odds_from)


def _threatens(sentence: str, cues: Cues) -> bool:
    """Whether a sentence has a cue of danger, the law or the public that is ours, or plain by itself."""
    words = words_of(sentence, cues.vocabulary)
    hits = cues.hits(words)
    if any(hit.group in _AT_EASE for hit in hits):
        return False
    sizes = [hit.end - hit.start for hit in hits if hit.group in GRAVE]
    is_ours = not cues.vocabulary.ours.isdisjoint(words)
    return bool(sizes) and (is_ours or max(sizes) >= _PLAIN)


def _is_still_due(seen: Features) -> bool:
    """Whether a short text says that something is still due, and for how long, how often or what it is worth."""
    is_due = "unmet" in seen.groups and not seen.groups.isdisjoint(_IMPATIENT)
    return is_due and len(seen.words) <= _ONE_LINE and not seen.groups & _NOT_OURS


def _tells_something(seen: Features) -> bool:
    """Whether a text of an unknown language may complain by its form.

    It tells a story, is loud, or names a number or an amount. A short answer, a question alone and a link to
    follow do not.
    """
    shape = shape_of(seen)
    loud = seen.marks["exclaiming"] or seen.marks["shouting"]
    asks_or_sells = shape["asking"] == 1 or shape["link"]
    told = len("".join(filter(str.isalpha, seen.text)).encode()) >= _STORY and not asks_or_sells
    return bool(loud or told or shape["number"] or shape["amount"])


def _verdict(score: float, auto: float, ask: float) -> str:
    """Return the word for a score: complaint, suspected or no."""
    if score >= auto:
        return "complaint"
    return "suspected" if score >= ask else "no"


def _explained(seen: Features, first: Score, shares: Mapping[str, float]) -> dict[str, float]:
    """Return what spoke, in the customer's words where there are some: groups, words and pairs of words.

    A word that only the first stage knows counts with the share that its score has in the second.

    Args:
        seen: the features of the text.
        first: the first stage's score.
        shares: the second stage's, by words and by the names of signs.
    """
    spread = shares.get("stage:first", 0.0) / (first.log_odds or 1.0)
    evidence = {name: share * spread for name, share in first.evidence.items()}
    for name, share in shares.items():
        kind, _, what = name.partition(":")
        shown = name
        if what:
            shown = _in_words(seen, kind, what)
        if shown:
            evidence[shown] = evidence.get(shown, 0.0) + share
    return evidence


def _in_words(seen: Features, kind: str, what: str) -> str:
    """Return what the explanation calls a sign: the customer's words where it is in words."""
    if kind == "cue":
        return seen.said[what][0]
    return seen.meant[kind][what] if kind in MEANT else SHOWN_SIGNS.get(what, "")


def _strongest(evidence: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Return the words with the greatest shares, the greatest first."""
    shown = [(words, round(share, 2)) for words, share in evidence.items() if abs(share) >= _MIN_SHARE]
    shown.sort(key=lambda item: (-abs(item[1]), item[0]))
    return tuple(shown[:_MAX_EVIDENCE])


# --- limits ---


def limit(
    seen: Features, *, has_cues: bool, measured: bool = True, certain: bool = False, moved: float = 0.0
) -> tuple[float, str]:
    """Return the highest score that this text may have, and why.

    Args:
        seen: the features of the text.
        has_cues: whether there are cues for its language.
        measured: whether the text is in the measured language, whose words for "I" and "you" are known.
        certain: whether the score is that of the second stage, whose certainty was measured.
        moved: how much the administrator's `add` rules changed the score.
    """
    found = _strictest(_limits(seen, has_cues=has_cues, certain=certain))
    if found is None and moved <= 0:
        weak = [_limit_of_brevity(seen)] if certain else _limits_of_certainty(seen, measured=measured)
        found = _strictest(weak)
    return found or (1.0, "")


#: whether a limit applies, the highest score that it leaves, and why
_Limit = tuple[bool, float, str]


def _strictest(limits: Iterable[_Limit]) -> tuple[float, str] | None:
    """Return the first limit that applies, without looking at the ones after it; None if none does."""
    return next(((score, why) for applies, score, why in limits if applies), None)


def _limits(seen: Features, *, has_cues: bool, certain: bool) -> Iterator[_Limit]:
    """Yield the limits of what may be no complaint at all, the strictest first.

    Args:
        seen: the features of the text.
        has_cues: whether there are cues for its language.
        certain: whether the score is that of the second stage, whose certainty was measured.
    """
    # The second stage knows thanks, machines and mailings itself; its doubt is shown to a person.
    least = SUSPECTED if certain else NOTHING
    yield _is_machine(seen), least, "it reads like a machine's mail"
    yield _is_bulk(seen), least, "it reads like a mailing"
    is_plain = len(seen.words) <= _ONE_LINE and seen.groups.isdisjoint(FOR)
    yield _is_thanks(seen), NOTHING if is_plain else least, "it is a thank-you"

    yield not has_cues, SUSPECTED, "there are no cues for its language; an agent decides"
    may_be_machine = seen.count("machine", "bulk") > 0
    yield may_be_machine, SUSPECTED, "it may be a machine's mail; an agent decides"
    is_elsewhere = seen.count("elsewhere") > 0
    yield (
        is_elsewhere,
        SUSPECTED,
        "it may be about another company, or a question before buying; an agent decides",
    )

    only_leaves = certain and "leaving" in seen.groups and seen.groups - set(AGAINST) <= _LEAVES
    yield only_leaves, SUSPECTED, "it may only end a contract; an agent decides"
    is_routine = certain and "routine" in seen.groups and seen.groups - set(AGAINST) <= _ROUTINE
    yield is_routine, SUSPECTED, "it may be an order, an appointment, or only a hint; an agent decides"
    is_settled = certain and "solved" in seen.groups
    yield is_settled, SUSPECTED, "it may be about a settled matter; an agent decides"
    is_report = certain and _is_report(seen)
    yield is_report, SUSPECTED, "it may be a plain report of a fault; an agent decides"
    thanks = _thanks_as_well(seen) or (certain and not _WARM.isdisjoint(seen.groups))
    yield thanks, SUSPECTED, "it thanks as well; an agent decides"


def _limit_of_brevity(seen: Features) -> _Limit:
    """Return the limit for a few words of which the second stage alone is certain; a rule that raises it lifts it."""
    known = seen.groups.intersection(FOR)
    says_little = len(seen.words) <= (_HARDLY_KNOWN if known else _UNKNOWN) and known <= _TELLS_LITTLE
    return says_little, SUSPECTED, "it says little, and none of it is known as a complaint; an agent decides"


def _limits_of_certainty(seen: Features, *, measured: bool) -> Iterator[_Limit]:
    """Yield the limits for weak evidence; a rule that raises the score lifts them.

    Args:
        seen: the features of the text.
        measured: whether the words for "I" and "you" are known in its language.
    """
    tells_of_others = measured and not _is_told_to_us(seen)
    why = "it may tell of something else than the writer and us; an agent decides"
    yield tells_of_others, SUSPECTED, why

    yield not _has_two_kinds(seen), SUSPECTED, "one kind of word alone speaks for it; an agent decides"
    yield not _has_strong_word(seen), SUSPECTED, "no strong word speaks for a complaint; an agent decides"


def _is_machine(seen: Features) -> bool:
    """Whether more speaks for a machine's mail than for a grievance."""
    return seen.count("machine") > max(0, seen.count(*_GRIEVANCES) - 1)


def _is_bulk(seen: Features) -> bool:
    """Whether more speaks for a mailing than for a grievance."""
    bulk = seen.count("bulk")
    return bulk >= 2 and bulk > seen.count(*_GRIEVANCES)


def _is_thanks(seen: Features) -> bool:
    """Whether the text thanks, and nothing in it is a grievance."""
    is_warm = seen.count("thanks", "praise", "solved") >= 2
    return is_warm and seen.groups.isdisjoint(STRONG | {"unmet", "reproach"})


def _is_report(seen: Features) -> bool:
    """Whether a text says that something fails, and neither minds nor addresses the company."""
    spoken = seen.groups - set(AGAINST)
    return "failure" in spoken and spoken <= _REPORTED and not seen.marks.get("yours")


def _thanks_as_well(seen: Features) -> bool:
    """Whether the thanks weigh at least as much as the grievances."""
    warm = seen.count("thanks", "solved") + 2 * seen.count("praise")
    return warm >= 2 and warm >= seen.count(*_GRIEVANCES)


def _is_told_to_us(seen: Features) -> bool:
    """Whether the text contains "I" or "you", unlike an article or a quarrel of strangers."""
    return seen.marks.get("mine", 0.0) > 0 or seen.marks.get("yours", 0.0) > 0


def _has_two_kinds(seen: Features) -> bool:
    """Whether cues of two groups agree; in a long text two that do not occur in unrelated quarrels."""
    if len(seen.words) > _LONG:
        return len(seen.groups & _PERSONAL) >= 2
    return len(seen.groups - set(AGAINST)) >= 2


def _has_strong_word(seen: Features) -> bool:
    """Whether there is a strong word, or two kinds of wrong that happened to the writer."""
    if seen.groups & STRONG:
        return True
    return len(seen.groups & _WRONGED) >= 2 and seen.marks.get("mine", 0.0) > 0


# --- the administrator's rules ---


def _added_by_rules(rules: SiteRules, text: str, vocabulary: Vocabulary) -> dict[str, float]:
    """Return the log-odds that `add` rules contribute, by their name in the explanation."""
    added = {}
    for pattern, weight in rules.add.items():
        if found(pattern, text, vocabulary):
            added[f"rule: {pattern}"] = weight
    return added


def _ruled(
    judged: Verdict, rules: SiteRules, text: str, auto: float, ask: float, vocabulary: Vocabulary
) -> Verdict:
    """Apply the administrator's `always` and `never` rules; if both match, an agent decides.

    Returns:
        The verdict as it was if no rule matches, else one whose evidence has the rules that match in front.
    """
    always = [pattern for pattern in rules.always if found(pattern, text, vocabulary)]
    never = [pattern for pattern in rules.never if found(pattern, text, vocabulary)]
    if not always and not never:
        return judged

    evidence = [(f"rule: {pattern}", _RULE_WEIGHT) for pattern in always]
    evidence += [(f"rule: {pattern}", -_RULE_WEIGHT) for pattern in never]
    ruled = replace(judged, evidence=(*evidence, *judged.evidence))
    if always and never:
        score = min(max(judged.score, ask), auto - 0.01)
        because = "two rules disagree; an agent decides"
        return replace(ruled, verdict="suspected", score=score, because=because)
    if always:
        return replace(ruled, verdict="complaint", score=1.0, because=f"the rule always: {always[0]}")
    return replace(ruled, verdict="no", score=0.0, because=f"the rule never: {never[0]}")
