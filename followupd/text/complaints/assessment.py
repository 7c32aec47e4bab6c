"""Assess a complaint: how severe it is, what went wrong, and what the customer wants."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Self

from followupd.domain.compensation import Money
from followupd.domain.mail import Verdict
from followupd.text.complaints.cues import ASKED_FOR, MEASURED, Cues, Lexicon, overlaps_any, shipped_lexicon
from followupd.text.complaints.phrases import Hit, PhraseBook
from followupd.text.complaints.words import language_of, sentences_of, words_of

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


def wants(text: str, lexicon: Lexicon | None = None) -> tuple[Want, ...]:
    """Return what the customer seems to want, each wish once with its clearest sentence.

    Args:
        text: the customer's text.
        lexicon: the words of all languages, the shipped ones by default.
    """
    known = lexicon or shipped_lexicon()
    book = known.wishes(language_of(text, known.languages))
    clearest: dict[str, tuple[int, str]] = {}
    for sentence in sentences_of(text):
        words = words_of(sentence, known.vocabulary)
        # The fewer words about what was done ("I was promised a refund"), the clearer the wish.
        told = len(known.vocabulary.told.intersection(words))
        for wish in _wishes(words, book):
            if wish not in clearest or told < clearest[wish][0]:
                clearest[wish] = (told, sentence)
    return tuple(Want(wish, sentence) for wish, (_, sentence) in clearest.items())


def _wishes(words: Sequence[str], book: PhraseBook) -> Iterable[str]:
    """Return the wishes in a sentence, in its order, without what the customer does not want.

    Of wishes that share a word the longest phrase says which: "a new bill" is a correction, and no replacement.
    """
    hits = book.hits(words)
    unwanted = [hit for hit in hits if hit.group == _NOT_WANTED]
    free = [hit for hit in hits if not overlaps_any(hit, unwanted)]
    asks = [hit for hit in free if hit.group == _ASKS]
    said = [hit for hit in free if hit.group != _ASKS and _is_asked_for(hit, asks)]
    return dict.fromkeys(_wish(hit) for hit in said if not _is_within(hit, said))


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
