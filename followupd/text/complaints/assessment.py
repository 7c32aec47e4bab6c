"""Assess a complaint: how severe it is, what went wrong, and what the customer wants."""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Self

from followupd.domain.compensation import Money
from followupd.domain.mail import Verdict
from followupd.languages import wish_weights
from followupd.text.complaints.cues import ASKED_FOR, MEASURED, Cues, Lexicon, overlaps_any, shipped_lexicon
from followupd.text.complaints.phrases import Hit
from followupd.text.complaints.words import language_of, sentences_of, words_of
from followupd.text.ngrams import Classes, places, places_of_word, sequences, tokens

LOW, NORMAL, HIGH = "low", "normal", "high"
#: points by cue group, each with its reason (docs/recognising.md, rule 7)
_POINTS = {
    "safety": (4, "somebody's health or safety"),
    "legal": (4, "the law is named"),
    "public": (4, "the customer may go public"),
    "escalate": (2, "somebody in charge is asked for"),
    "leaving": (2, "the customer may leave"),
    "dishonest": (1, "dishonesty is alleged"),
    "money": (1, "money is at stake"),
    "repeat": (1, "it happened before, or goes on"),
    "insult": (1, "strong words"),
    "anger": (1, "the customer is angry"),
    "explicit": (1, "it says that it is a complaint"),
    "urgency": (1, "it is urgent"),
    "unmet": (1, "something promised was not done"),
}
#: points from which a case is of high, and of normal severity
_HIGH_POINTS, _NORMAL_POINTS = 4, 1
#: the score up to which a complaint without points is mild
_HARDLY = 0.5
#: letters from which capitals count as shouting, and their share
_SHOUTED_LETTERS, _SHOUTED_SHARE = 20, 0.6

#: how much a cue group says about what went wrong, rather than about the customer's feelings
_TELLING = {
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
#: the number of a day at the end of what looks like a sentence: "seit dem 9."
_DAY_AT_END = re.compile(r"(?<!\S)\d{1,2}\.\Z")
#: words of a sentence that may be the issue; a longer one is less likely
_MIN_WORDS, _MAX_WORDS = 3, 45
_LONG_FACTOR = 0.6
#: the factor for a request ("Please do not call me"), which is seldom what went wrong
_REQUEST_FACTOR = 0.3
#: what each sentence before it takes from a sentence, for ten sentences at most
_LATENESS, _LATEST = 0.05, 10
#: the groups of phrases that ask, and for what the customer does not want; a wish inside one of these does not count
_ASKS, _NOT_WANTED = "asks", "not_wanted"
#: words between what asks and what is asked for ("please" and "refund"), and the other way round
_ASKED_BEHIND, _ASKED_BEFORE = 10, 4

#: how clear a wish must be that no phrase names, one that a phrase does, and one that a short sentence says plainly
_WISHED_FROM, _SAID_FROM, _PLAINLY_FROM = 1.0, -0.2, -3.1
#: small words that are signs of a wish, or against one
_SMALL_WORDS = ("negations", "conditional", "requests", "told", "first_person", "second_person")
#: sentences before and behind one, and fours of words in it, that are counted
_FAR, _LONG = 4, 8
#: words that begin a sentence, and words between two whose meanings count as a pair
_FIRST_WORDS, _NEAR = 2, 6
#: what a sign counts, and the words of the mail around a sentence together; n-grams and meanings count one together
_SIGN, _WORDS_AROUND = 0.4, 0.5
#: the fewest n-grams, and other things, that count as much together as many
_FEW_GRAMS, _FEW = 100, 20
#: words of a sentence that says a wish plainly
_PLAIN = 9


class Severity(str):
    """low, normal or high; `reasons` say why, the most important first."""

    __slots__ = ("reasons",)
    reasons: tuple[str, ...]

    def __new__(cls, level: str, reasons: tuple[str, ...] = ()) -> Self:
        """Return the level with its reasons."""
        made = super().__new__(cls, level)
        made.reasons = reasons
        return made


def severity(
    verdict: Verdict,
    text: str,
    *,
    vip: bool = False,
    open_case: bool = False,
    amount: Money | None = None,
    large: Money | None = None,
) -> Severity:
    """Return the severity of a complaint with its reasons.

    Args:
        verdict: the recogniser's, whose cue groups count.
        text: the customer's text.
        vip: the customer is marked as important.
        open_case: there is an open case of this customer.
        amount: the money at stake.
        large: the amount from which money counts, if both are in one currency.
    """
    circumstances = (
        (vip, 2, "a customer marked as important"),
        (open_case, 1, "there is an open case of this customer"),
        (_is_large(amount, large), 3, "much money is at stake"),
        (_is_shouted(text), 1, "it is shouted"),
    )
    more = [(weight, reason) for applies, weight, reason in circumstances if applies]
    points = more + [_POINTS[group] for group in sorted(verdict.cues) if group in _POINTS]
    points.sort(key=lambda point: -point[0])
    if verdict.level == HIGH:
        points.append((0, "its words are those of grave complaints"))
    level = _level(verdict, sum(weight for weight, _ in points), is_more=bool(more))
    return Severity(level, tuple(reason for _, reason in points))


def _level(verdict: Verdict, points: int, *, is_more: bool) -> str:
    """Return the severity: by the words where they tell it, raised by points.

    Args:
        verdict: the recogniser's.
        points: of cues and circumstances. Without points, a low score means a low severity.
        is_more: whether circumstances speak for more than the words say.
    """
    if points >= _HIGH_POINTS:
        return HIGH
    if verdict.level:
        return NORMAL if verdict.level == LOW and is_more else verdict.level
    return NORMAL if points >= _NORMAL_POINTS or verdict.score > _HARDLY else LOW


def _is_large(amount: Money | None, large: Money | None) -> bool:
    """Whether the amount reaches the limit; amounts in different currencies are not compared."""
    if amount is None or large is None or amount.currency != large.currency:
        return False
    return amount.minor >= large.minor


def _is_shouted(text: str) -> bool:
    """Whether a text is mostly in capitals."""
    letters = list(filter(str.isalpha, text))
    capitals = sum(map(str.isupper, letters))
    return len(letters) > _SHOUTED_LETTERS and capitals > _SHOUTED_SHARE * len(letters)


@dataclass(frozen=True, slots=True)
class Want:
    """A wish (refund, replacement, repair, explanation, cancel, call, action ...) and its sentence."""

    wish: str
    sentence: str


def wants(text: str, lexicon: Lexicon | None = None, subject: str = "") -> tuple[Want, ...]:
    """Return what the customer seems to want, each wish once with its clearest sentence.

    Args:
        text: the customer's text.
        lexicon: the words of all languages, the shipped ones by default.
        subject: of the mail, which may tell what it is about.
    """
    known = lexicon or shipped_lexicon()
    lines = wish_lines(text, language_of(text, known.languages), known)
    clearest: dict[str, tuple[float, str]] = {}
    for line, found in zip(lines, _clearness(lines, subject), strict=True):
        for wish, clear in found.items():
            if wish not in clearest or clear > clearest[wish][0]:
                clearest[wish] = (clear, line.sentence)
    return tuple(Want(wish, sentence) for wish, (_, sentence) in clearest.items())


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence in which somebody may ask for something.

    `said` are the wishes that its phrases name, `unwanted` are those that it names and does not want, `told` is how
    many words tell of what was done, `meanings` are those of each of its words (none where the language has no such
    table), and `signs` are what else there is to be seen.
    """

    sentence: str
    said: Sequence[str]
    unwanted: frozenset[str]
    told: int
    words: Sequence[str]
    meanings: Sequence[frozenset[str]]
    signs: frozenset[str]


def wish_lines(text: str, language: str, known: Lexicon) -> list[Line]:
    """Return the sentences of a text.

    Args:
        text: the customer's.
        language: of the text, "" if it is unknown.
        known: the words of all languages.
    """
    sentences = sentences_of(text)
    return [
        _line(sentence, language, known, (place, len(sentences) - 1 - place))
        for place, sentence in enumerate(sentences)
    ]


def _line(sentence: str, language: str, known: Lexicon, around: tuple[int, int]) -> Line:
    """Return a sentence with what is seen in it.

    Args:
        sentence: of a mail.
        language: of the mail.
        known: the words of all languages.
        around: how many sentences are before and behind it.
    """
    spoken = words_of(sentence, known.vocabulary)
    hits = known.wishes(language).hits(spoken)
    unwanted = [hit for hit in hits if hit.group == _NOT_WANTED]
    said = _wishes(hits, unwanted)
    named = {_wish(hit) for hit in hits if overlaps_any(hit, unwanted)}
    words, meanings = tokens(sentence), known.meanings(language)
    before, behind = (min(count, _FAR) for count in around)
    told = len(known.vocabulary.told.intersection(spoken))
    signs = {f"said {wish}" for wish in said} | {f"phrase {hit.group}" for hit in hits}
    if not told and len(words) <= _PLAIN:
        signs |= {f"plainly {wish}" for wish in said}
    signs |= {name for name in _SMALL_WORDS if not getattr(known.vocabulary, name).isdisjoint(spoken)}
    signs |= {f"before {before}", f"behind {behind}", f"length {min(len(words) // 4, _LONG)}"}
    signs |= {f"sign {mark} {language}" for mark in "?!" if mark in sentence} | {f"language {language}"}
    return Line(
        sentence,
        said,
        frozenset(named - {*said}),
        told,
        words,
        [*map(meanings.of_word, words)],
        frozenset(signs),
    )


def _clearness(lines: Sequence[Line], subject: str) -> list[dict[str, float]]:
    """Return the wishes in each sentence, each with how clear it is.

    Where words have meanings, trained weights tell it. Elsewhere phrases do, and the fewer words about what was done
    ("I was promised a refund"), the clearer is a wish.

    Args:
        lines: the sentences of a mail.
        subject: of the mail; trained weights read it, too.
    """
    if not any(any(line.meanings) for line in lines):
        return [dict.fromkeys(line.said, -float(line.told)) for line in lines]
    return [
        {wish: scores[wish] for wish in (*line.said, *scores) if scores[wish] > _wished_from(line, wish)}
        for line, scores in zip(lines, wish_scores(lines, subject), strict=True)
    ]


def _wished_from(line: Line, wish: str) -> float:
    """Return how clear a wish in a sentence must be; one that is not wanted never is."""
    if wish in line.unwanted:
        return math.inf
    if f"plainly {wish}" in line.signs:
        return _PLAINLY_FROM
    return _SAID_FROM if wish in line.said else _WISHED_FROM


#: places of weights, and what each of them counts
Group = tuple[float, Collection[int]]


def wish_scores(lines: Sequence[Line], subject: str) -> list[dict[str, float]]:
    """Return how clear each wish is in each sentence of a mail: above 0, nine of ten are right."""
    classes = _trained_wishes()
    mail = _weighed(classes, mail_groups(lines, subject, classes.bits))
    rows = [_weighed(classes, line_groups(lines, at, classes.bits)) for at in range(len(lines))]
    return [
        {wish: model.bias + mail[wish] + row[wish] for wish, model in classes.models.items()} for row in rows
    ]


def _weighed(classes: Classes, groups: Sequence[Group]) -> dict[str, float]:
    """Return what some places add to the log-odds of each wish."""
    return {
        wish: model.step * sum(counts * sum(map(model.weights.__getitem__, at)) for counts, at in groups)
        for wish, model in classes.models.items()
    }


def mail_groups(lines: Sequence[Line], subject: str, bits: int) -> list[Group]:
    """Return the places of what a whole mail says, which tells what it is about.

    Args:
        lines: its sentences.
        subject: of the mail.
        bits: of the table's size.
    """
    spoken = chain(tokens(subject), *(line.words for line in lines))
    return [
        _group(1.0, _meant("m", lines), bits),
        _group(_WORDS_AROUND, {f"M{word}" for word in spoken}, bits),
    ]


def line_groups(lines: Sequence[Line], at: int, bits: int) -> list[Group]:
    """Return the places of what a sentence says, and the ones beside it.

    Args:
        lines: the sentences of a mail.
        at: the place of the sentence.
        bits: of the table's size.
    """
    line, before, behind = lines[at], lines[max(0, at - 1) : at], lines[at + 1 : at + 2]
    first = chain.from_iterable(line.meanings[:_FIRST_WORDS])
    signs = {*line.signs, *_meant("k", [line]), *(f"h{name}" for name in first)}
    grams = set(places(sequences(line.words), bits))
    grams.update(*(places_of_word(word, bits, is_whole=False) for word in line.words))
    return [
        (_SIGN, places(signs, bits)),
        (_share(grams, _FEW_GRAMS), grams),
        _group(1.0, _pairs(line.meanings), bits),
        _group(1.0, _meant("v", before) | _meant("n", behind), bits),
        _group(_WORDS_AROUND, {f"P{word}" for other in before for word in other.words}, bits),
    ]


def _group(counts: float, seen: Collection[str], bits: int) -> Group:
    """Return the places of what was seen; all together count as one sign of this strength."""
    return counts * _share(seen, _FEW), places(seen, bits)


def _share(seen: Sized, few: int) -> float:
    """Return what each of several things counts, so that the squares of all make one; few of them make less."""
    return 1 / math.sqrt(max(few, len(seen)))


def _meant(mark: str, lines: Iterable[Line]) -> set[str]:
    """Return the meanings of all words of some sentences, each behind a mark.

    Args:
        mark: says where the sentences stand, as in training.
        lines: the sentences.
    """
    return {f"{mark}{name}" for line in lines for names in line.meanings for name in names}


def _pairs(meanings: Sequence[frozenset[str]]) -> set[str]:
    """Return the pairs of meanings of words that stand near each other."""
    return {
        f"K{first} {second}"
        for at, names in enumerate(meanings)
        for second in chain.from_iterable(meanings[at + 1 : at + 1 + _NEAR])
        for first in names
    }


@cache
def _trained_wishes() -> Classes:
    """Return the weights of the wishes."""
    return Classes.of(wish_weights())


def _wishes(hits: Sequence[Hit], unwanted: Sequence[Hit]) -> list[str]:
    """Return the wishes in a sentence, in its order, without what the customer does not want.

    Of wishes that share a word the longest phrase says which: "a new bill" is a correction, and no replacement.

    Args:
        hits: the phrases of wishes in it.
        unwanted: those of what is not wanted.
    """
    free = [hit for hit in hits if not overlaps_any(hit, unwanted)]
    asks = [hit for hit in free if hit.group == _ASKS]
    said = [hit for hit in free if hit.group != _ASKS and _is_asked_for(hit, asks)]
    return [*dict.fromkeys(_wish(hit) for hit in said if not _is_within(hit, said))]


def _is_asked_for(hit: Hit, asks: Sequence[Hit]) -> bool:
    """Whether a phrase is a wish by itself, or is near words that ask."""
    is_wish = not hit.group.startswith(ASKED_FOR)
    return is_wish or any(-_ASKED_BEFORE <= hit.start - ask.start <= _ASKED_BEHIND for ask in asks)


def _is_within(hit: Hit, others: Sequence[Hit]) -> bool:
    """Whether a longer phrase of another wish shares a word with this one."""
    longer = [other for other in others if other.end - other.start > hit.end - hit.start]
    return overlaps_any(hit, [other for other in longer if _wish(other) != _wish(hit)])


def _wish(hit: Hit) -> str:
    """Return the name of a wish."""
    return hit.group.removeprefix(ASKED_FOR)


def issue(text: str, lexicon: Lexicon | None = None) -> str:
    """Return the sentence that says best what went wrong, "" if none does.

    Args:
        text: the customer's text.
        lexicon: the words of all languages, the shipped ones by default.
    """
    known = lexicon or shipped_lexicon()
    cues = known.cues(language_of(text, known.languages) or MEASURED) or known.cues(MEASURED)
    if cues is None:
        return ""

    value, best = max(_ranked(_whole_sentences(text), cues), key=itemgetter(0), default=(0.0, ""))
    return best if value > 0 else ""


def _whole_sentences(text: str) -> list[str]:
    """Return the sentences of a text; behind the number of a day one goes on: "seit dem 9. November".

    Args:
        text: the customer's text.
    """
    whole: list[str] = []
    for sentence in sentences_of(text):
        if whole and _DAY_AT_END.search(whole[-1]):
            whole[-1] += f" {sentence}"
        else:
            whole.append(sentence)
    return whole


def _ranked(sentences: Sequence[str], cues: Cues) -> Iterator[tuple[float, str]]:
    """Yield each sentence with how well it says what went wrong.

    Early ones are more often about the matter itself.
    """
    for position, sentence in enumerate(sentences):
        value = _telling(sentence, cues)
        lateness = _LATENESS * min(position, _LATEST)
        yield value - lateness if value > 0 else 0.0, sentence


def _telling(sentence: str, cues: Cues) -> float:
    """Return how well a sentence says what went wrong, by its cue groups."""
    words = words_of(sentence, cues.vocabulary)
    if len(words) < _MIN_WORDS:
        return 0.0
    groups = {hit.group for hit in cues.hits(words)}
    value = sum(_TELLING.get(group, 0.0) for group in groups)
    if words[0] in cues.vocabulary.requests:
        value *= _REQUEST_FACTOR
    return value if len(words) <= _MAX_WORDS else value * _LONG_FACTOR
