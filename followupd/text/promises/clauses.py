"""Cut a sentence into the clauses that promise on their own, and say how likely a text promises.

A sentence is cut only where both sides stand alone; what cannot be cut stays whole, and is asked about if it
has two dates.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from followupd.domain.calendar import Calendar
from followupd.domain.promise import Relation
from followupd.languages import Language, promise_weights
from followupd.text.ngrams import Classes, Trees, concepts_of, paired, places, places_in, probability, tokens
from followupd.text.promises.date_parts import NOON
from followupd.text.promises.dates import Clause, DateReader, FoundDate, clause_of, date_reader
from followupd.text.promises.money import find_money
from followupd.text.promises.patterns import PromisePatterns, date_patterns, promise_patterns
from followupd.text.promises.sentences import lowered

#: words besides the date that a clause needs to stand alone
_FEWEST_WORDS = 3
_WORD = re.compile(r"[^\W\d_]+")
#: what may be at the end of a sentence after its question mark
_CLOSING = "\"') "
#: how likely both sides of a comma must be separate clauses, if each has a date
_OWN_CLAUSE = 0.25
#: and if nothing is said between their dates: "tonight, and tomorrow you will ..." is no list of days
_NO_LIST = 0.9
#: how likely a sentence and its first part must be, if its second part has no subject
_SURELY_BOTH = 0.6
#: how much more likely the second part must be behind a comma alone: "tomorrow, in good time for Christmas"
_COMMA = 4.0
_FEWEST_WITH_SUBJECT = 2

#: from which probability a clause is taken, and from which it is asked about; see docs/promises.md
TAKEN, ASKED = 0.60, 0.08
GRANT_TAKEN, GRANT_ASKED = 0.64, 0.10
#: from which probability a gift needs no name
GRANT_SURE = 0.75
#: from which probability a promise or a gift is no policy
NO_POLICY = 0.75
#: how much a clause that is likelier than its sentence is drawn towards it
PULL = 0.5
#: from which probability a clause reports, and from which it says that somebody is looking into it
REPORTED, ATTENDING = 0.5, 0.21

#: the phrases that speak for a class, where nothing was taught
_SPEAK_FOR: Mapping[str, frozenset[str]] = {
    "commits": frozenset({"firm", "update", "estimate"}),
    "grants": frozenset({"giving", "given"}),
    "done": frozenset({"done"}),
}
_CERTAIN = 0.95
#: below this probability no turn of phrase and no date makes a promise or a gift of a text
HOPELESS = 0.01
#: the same in log-odds
_HOPEFUL = math.log(HOPELESS / (1 - HOPELESS))
#: what is asked of each sentence; of one that is hopeless, the other classes do not matter
_FIRST = ("commits", "grants", "done")
#: log-odds by n-grams alone below which a sentence neither promises nor gives anything
_WORTH_A_LOOK = -3.0
_PHRASES = ("unreal", "hedged", "trigger", "firm", "update", "estimate", "dated", "done", "giving", "given")
_TOPICS = ("idle", "doubt", "update", "topic", "arranged")
#: a date at the end or the beginning of a sentence is rarely that of a report
_EDGE = 3
#: which day it is does not matter: a sign says only whether there is a date
_SOME_DAY = datetime(2026, 12, 1, 10, tzinfo=UTC)

#: how likely a text promises something
Judge = Callable[[str], float]


class Chances(NamedTuple):
    """How likely a text commits, grants, reports, depends on something, attends to something, or says nothing."""

    commits: float = 0.0
    grants: float = 0.0
    done: float = 0.0
    conditional: float = 0.0
    attends: float = 0.0
    none: float = 0.0

    @property
    def says_something(self) -> bool:
        """Whether the text may promise or give something."""
        return self.commits >= ASKED or self.grants >= GRANT_ASKED

    @property
    def is_promised(self) -> bool:
        """Whether the text is taken as a promise."""
        return self.commits >= TAKEN

    @property
    def is_given(self) -> bool:
        """Whether the text is taken as giving something."""
        return self.grants >= GRANT_TAKEN

    @property
    def may_be_given(self) -> bool:
        """Whether the text is asked about if what it gives is not plain."""
        return self.grants >= GRANT_ASKED

    @property
    def is_report(self) -> bool:
        """Whether the text says what is done already."""
        return self.done >= REPORTED

    def with_part(self, part: "Chances") -> "Chances":
        """Return the chances of a clause of this sentence: a clause alone may look like what the sentence is not.

        Args:
            part: how likely the clause alone belongs to each class.
        """
        return part._replace(
            commits=part.commits + PULL * min(0.0, self.commits - part.commits),
            grants=part.grants + PULL * min(0.0, self.grants - part.grants),
        )

    def doubt(self, likely: float) -> float:
        """Return how likely the text has a condition, or tells a policy.

        Args:
            likely: how likely it promises or gives something; what surely does is no policy.
        """
        return self.conditional if likely >= NO_POLICY else max(self.conditional, self.none)


def is_question(sentence: str) -> bool:
    """Whether the sentence ends with a question mark, or begins with a Spanish one."""
    return sentence.startswith("¿") or sentence.rstrip(_CLOSING).endswith("?")


def clauses(sentence: str, patterns: PromisePatterns, reader: DateReader, judge: Judge) -> tuple[Clause, ...]:
    """Return the clauses of a sentence.

    Args:
        sentence: of the mail.
        patterns: of its language.
        reader: finds the dates.
        judge: says how likely a text promises something.
    """
    parts = [
        part
        for strong in _parts(sentence, patterns, reader)
        for part in _at_dates(strong, patterns, reader, judge)
    ]
    return tuple(clause_of(part, patterns, reader, begin) for part, begin in parts)


def _parts(sentence: str, patterns: PromisePatterns, reader: DateReader) -> Iterator[str]:
    """Split a sentence at the language's cuts where both sides stand alone.

    What follows a condition or an event is not cut from it: "If it breaks, we will send a new one".
    """
    low = lowered(sentence)
    begin = 0
    windows = [when for when in reader.find(sentence) if when.relation == Relation.BETWEEN]
    for cut in patterns.cut.finditer(low):
        if any(when.start < cut.start() < when.end for when in windows):
            continue
        opening = low[begin : cut.start()]
        own = patterns.complement.sub(" … ", opening)
        if patterns.unreal.search(own) or patterns.trigger.search(own):
            break
        if ":" in cut[0] and _goes_on(opening, sentence[cut.end() :], patterns, reader):
            continue
        rest = low[cut.end() :]
        leans = patterns.leaning.match(rest) is not None
        if not leans and _stands_alone(opening, reader) and _stands_alone(rest, reader):
            yield from _split_verbs(sentence[begin : cut.start()], patterns, reader)
            begin = cut.end()
    yield from _split_verbs(sentence[begin:], patterns, reader)


def _goes_on(label: str, text: str, patterns: PromisePatterns, reader: DateReader) -> bool:
    """Whether what stands behind a colon has no subject of its own.

    So it is in a list: "new lamp: leaves us on Monday", "new lamp: Friday, between 9 and 11".

    Args:
        label: what stands before the colon, in lower case; "as I said" is none.
        text: what stands behind it, as written.
        patterns: of its language.
        reader: finds its dates.

    Returns:
        True where the clause before the colon is needed to say what the date is for.
    """
    dates = reader.to_come(text)
    is_of_list = text[:1].islower() and patterns.signs["ours"].search(label) is None
    return is_of_list or (bool(dates) and dates[0].start <= _EDGE)


def _stands_alone(text: str, reader: DateReader) -> bool:
    """Whether a text has enough words besides its dates to be a clause."""
    words = len(_WORD.findall(text))
    if words < _FEWEST_WORDS:
        return False
    dated = sum(len(_WORD.findall(text[when.start : when.end])) for when in reader.find(text))
    return words - dated >= _FEWEST_WORDS


def _split_verbs(part: str, patterns: PromisePatterns, reader: DateReader) -> Iterator[str]:
    """Split "I will refund you by Friday and send a lamp tomorrow" in two, each with the subject.

    A part in which not both verbs have a date is yielded as it is.
    """
    cut = patterns.carried.search(lowered(part))
    if cut is None:
        yield part
        return

    first = part[: cut.start()]
    second = part[cut.end() :]
    subject = patterns.subject.search(part)
    have_dates = reader.to_come(first) and reader.to_come(second)
    if subject and subject.end() <= cut.start() and have_dates:
        yield first
        yield f"{subject[0]} {second}"
    else:
        yield part


def _at_dates(
    part: str, patterns: PromisePatterns, reader: DateReader, judge: Judge
) -> list[tuple[str, int]]:
    """Split a part with several dates between them where each side promises on its own.

    Of several places the likeliest one for both sides is cut. "The tiles arrive on Monday and are laid on Tuesday" is
    no two sentences: its second date is that of the whole part.

    Returns:
        Texts, and where in each of them its own dates begin.
    """
    dates = reader.to_come(part)
    if len(dates) < 2 or reader.at_odds(part) or _WORD.search(part[dates[0].end : dates[1].start]) is None:
        return [(part, 0)]

    cuts = {
        (begin, end): min(judge(part[:begin]), judge(part[end:]))
        for begin, end in _between(part, dates[0], dates[1], patterns)
        if _stands_alone(part[:begin], reader) and _stands_alone(part[end:], reader)
        if not patterns.leaning.match(lowered(part[end:]))
    }
    best = max(cuts, key=cuts.__getitem__, default=None)
    is_list = _is_list(part, dates, patterns)
    if best is not None and cuts[best] > (_NO_LIST if is_list else _OWN_CLAUSE):
        return [(part[: best[0]], 0), *_at_dates(part[best[1] :], patterns, reader, judge)]
    return [(part, 0)] if is_list else _after_subject(part, dates, patterns, judge)


def _after_subject(
    part: str, dates: Sequence[FoundDate], patterns: PromisePatterns, judge: Judge
) -> list[tuple[str, int]]:
    """Split a part before its second verb where that has a date and no subject, and both surely promise.

    Args:
        part: of a sentence.
        dates: of it, two or more.
        patterns: of its language.
        judge: says how likely a text promises something.

    Returns:
        The first clause, and the whole part, whose own date is the second one; the part alone where it is not split.
    """
    shared = _with_one_subject(part, dates, patterns)
    if shared is None:
        return [(part, 0)]
    begin, end = shared
    likely = min(judge(part), 1.0 if _WORD.search(part[begin:end]) else judge(part[end:]) * _COMMA)
    if likely <= _SURELY_BOTH:
        return [(part, 0)]
    first = judge(part[:begin])
    if first <= _OWN_CLAUSE:  # "it was posted today and should be with you on Friday"
        return [(part, end)]
    return [(part[:begin], 0), (part, end)] if first > _SURELY_BOTH else [(part, 0)]


def _is_list(part: str, dates: Sequence[FoundDate], patterns: PromisePatterns) -> bool:
    """Whether nothing is said between two dates: "on the 5th and on the 12th".

    Args:
        part: of a sentence.
        dates: of it, two or more.
        patterns: of its language.
    """
    between = lowered(part[dates[0].end : dates[1].start])
    return _WORD.search(patterns.weak_cut.sub(" ", f" {between} ")) is None


def _with_one_subject(
    part: str, dates: Sequence[FoundDate], patterns: PromisePatterns
) -> tuple[int, int] | None:
    """Return where a part is cut before a second verb that has a date and no subject; None for any other part.

    Args:
        part: of a sentence.
        dates: to come; of more than two it is not plain what they belong to.
        patterns: of its language.

    Returns:
        The span of the words between both.
    """
    # "early next week, probably Tuesday" is one day
    if len(dates) != 2 or dates[0].moment.date() == dates[1].moment.date():
        return None
    for begin, end in reversed(_between(part, dates[0], dates[1], patterns)):
        first = part[: dates[0].start] + part[dates[0].end : begin]
        rest = part[end : dates[1].start] + part[dates[1].end :]
        if _WORD.search(rest) and len(_WORD.findall(first)) >= _FEWEST_WITH_SUBJECT:
            return begin, end
    return None


def _between(
    part: str, first: FoundDate, second: FoundDate, patterns: PromisePatterns
) -> Sequence[tuple[int, int]]:
    """Return where a comma or an "and" is between two dates.

    Returns:
        The spans of the words that would be cut out, in order.
    """
    low = lowered(part)
    return [match.span() for match in patterns.weak_cut.finditer(low, first.end, second.start)]


# --- how likely a text promises ---


def classified(sentence: str, language: Language) -> Chances:
    """Return how likely a sentence belongs to each class.

    A language that has phrases of its own and no sentences to learn from is judged by its phrases alone.

    Returns:
        Probabilities from 0 to 1. They need not add up to one where phrases alone decide.
    """
    if _is_untaught(language):
        return _by_phrases(lowered(sentence), promise_patterns(language))
    tag = language.tag if language.tag in promise_weights()["languages"] else language.catalogue.english.tag
    models = _classes("classes")
    at = places_in(sentence, models.bits, tag)
    scores = models.scores_at(at, names=_FIRST)
    likeliest = max(scores["commits"], scores["grants"])
    weighed = {}
    if likeliest >= _HOPEFUL:
        scores |= models.scores_at(at, names=models.models.keys() - scores)
    if likeliest >= _WORTH_A_LOOK:
        signs = signs_of(sentence, language)
        meant = _classes("meant")
        seen = scores | signs | meant.scores_at(places_meant(sentence, signs, language, meant.bits))
        weighed = {name: trees.score(seen) for name, trees in _trees().items()}
    return Chances(**{name: probability(score) for name, score in (scores | weighed).items()})


@lru_cache(maxsize=32)
def _is_untaught(language: Language) -> bool:
    """Whether an admin's language has phrases, and the weights know nothing of it."""
    has_phrases = language.catalogue.text(f"{language.tag}/promises.toml") is not None
    return has_phrases and language.tag not in promise_weights()["languages"]


def sure_clauses(low: str, patterns: PromisePatterns) -> list[str]:
    """Return the clauses of a sentence before a condition, without those that are hedged.

    Args:
        low: the sentence in lower case.
        patterns: of its language.
    """
    plain = takewhile(lambda clause: not patterns.unreal.search(clause), patterns.cut.split(low))
    return [clause for clause in plain if not patterns.hedged.search(clause)]


def _by_phrases(low: str, patterns: PromisePatterns) -> Chances:
    """Return the classes whose phrases are in a clause of a sentence, as certain; none of a hedged one.

    Args:
        low: the sentence in lower case.
        patterns: of its language.
    """
    sure = sure_clauses(low, patterns)
    seen = {phrase for phrase in _PHRASES if any(map(getattr(patterns, phrase).search, sure))}
    return Chances(**{name: _CERTAIN for name, phrases in _SPEAK_FOR.items() if seen & phrases})


@lru_cache(maxsize=2)
def _classes(group: str) -> Classes:
    """Return the shipped weights of n-grams ("classes"), or of what words of all languages mean ("meant")."""
    return Classes.of(promise_weights(), group)


@lru_cache(maxsize=1)
def _trees() -> Mapping[str, Trees]:
    """Return the shipped trees, which decide where n-grams alone do not."""
    return {
        name: Trees.of(trees["bias"], trees["trees"]) for name, trees in promise_weights()["trees"].items()
    }


def signs_of(sentence: str, language: Language) -> dict[str, float]:
    """Return what was seen in a sentence of this language, each by its name, and how many words it has."""
    return {"words": float(len(sentence.split()))} | dict.fromkeys(_signs(sentence, language), 1.0)


def places_meant(sentence: str, signs: Collection[str], language: Language, bits: int) -> set[int]:
    """Return where the weights of a sentence's meaning are, which are the same in all languages.

    Args:
        sentence: of a mail.
        signs: the names of what was seen in it, which count alone and with each meaning of its words.
        language: of the mail.
        bits: of the table's size, with which the weights were made.
    """
    meant = concepts_of(language).spoken(tokens(sentence))
    return paired(signs, meant, bits).union(places(signs, bits))


def _signs(sentence: str, language: Language) -> Iterator[str]:
    """Yield each sign that is seen, some of them more than once.

    Args:
        sentence: of a mail.
        language: of the mail.
    """
    patterns = promise_patterns(language)
    low = lowered(sentence).replace("’", "'")
    named = [(name, getattr(patterns, name)) for name in _PHRASES]
    named += [(f"topic-{name}", getattr(patterns.topics, name)) for name in _TOPICS]
    named += [
        (name, getattr(patterns, name))
        for name in ("subject", "open_amount", "share", "complement", "treat", "treating")
    ]
    named += [(f"sign-{name}", pattern) for name, pattern in patterns.signs.items()]
    yield from (name for name, pattern in named if pattern.search(low))
    for kind, pattern in patterns.gifts:
        if pattern.search(low):
            yield from (f"gift-{kind}", "gift")

    if next(find_money(sentence, "EUR", language.catalogue), None):
        yield "money"
    if any(pattern.search(low) for _, pattern in date_patterns(language).days_after):
        yield "day-after"
    dates = _reader(language).find(sentence)
    if len(dates) > 1:
        yield "dates"
    for when in dates:
        yield from _date_signs(sentence, when)
    if sentence.rstrip(_CLOSING).endswith("?"):
        yield "question"


def _date_signs(sentence: str, when: FoundDate) -> Iterator[str]:
    """Yield what is seen of a date.

    Args:
        sentence: in which it is.
        when: the date.
    """
    end = len(sentence.rstrip(" .!")) - 1
    signs = {
        "coming": when.moment > _SOME_DAY,
        "over": when.moment <= _SOME_DAY,
        "deadline": when.firm,
        "this-morning": when.moment.date() == _SOME_DAY.date() and when.moment.hour <= NOON.hour,
        "date-last": when.end >= end,
        "date-inside": when.end < end,
        "date-first": when.start < _EDGE,
        "time-alone": when.dayless,
        "window": when.since is not None,
    }
    yield "date"
    yield from (name for name, seen in signs.items() if seen)


@lru_cache(maxsize=32)
def _reader(language: Language) -> DateReader:
    """Return what finds dates in sentences of this language, whatever day it is."""
    return date_reader(language, now=_SOME_DAY, calendar=Calendar(timezone="Europe/London"))
