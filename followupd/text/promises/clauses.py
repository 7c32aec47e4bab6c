"""Cut a sentence into the clauses that promise on their own, each with its dates.

A sentence is cut only where both sides stand alone; what cannot be cut stays whole, and is asked about if it
has two dates.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from followupd.text.promises.dates import DateReader, FoundDate
from followupd.text.promises.patterns import PromisePatterns
from followupd.text.promises.sentences import lowered

#: words besides the date that a clause needs to stand alone
_FEWEST_WORDS = 3
_WORD = re.compile(r"[^\W\d_]+")
#: what may be at the end of a sentence after its question mark
_CLOSING = "\"') "
#: how likely both sides of a comma must be clauses of their own, if each has a date
_OWN_CLAUSE = 0.25

#: how likely a text promises something
Judge = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as written and in lower case, its dates to come, and where the event is on which it depends."""

    text: str
    low: str
    dates: tuple[FoundDate, ...]
    trigger: int | None

    @property
    def depends_on_event(self) -> bool:
        """Whether an event decides when.

        It does not in "on Monday, once I have read it", which has a date before the event.
        """
        if self.trigger is None:
            return False
        return not self.dates or self.dates[0].start >= self.trigger


def is_question(sentence: str) -> bool:
    """Whether the sentence ends with a question mark, or begins with a Spanish one."""
    return sentence.startswith("¿") or sentence.rstrip(_CLOSING).endswith("?")


def clause_of(text: str, patterns: PromisePatterns, reader: DateReader) -> Clause:
    """Return a text as one clause."""
    low = lowered(text)
    event = patterns.trigger.search(patterns.complement.sub(lambda match: "…" * len(match[0]), low))
    dates = tuple(when for when in reader.find(text) if when.moment > reader.now)
    return Clause(text, low, dates, event.start() if event else None)


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
    return tuple(clause_of(part, patterns, reader) for part in parts)


def _parts(sentence: str, patterns: PromisePatterns, reader: DateReader) -> Iterator[str]:
    """Split a sentence at the language's cuts where both sides stand alone.

    What follows a condition or an event is not cut from it: "If it breaks, we will send a new one".
    """
    low = lowered(sentence)
    begin = 0
    for cut in patterns.cut.finditer(low):
        opening = low[begin : cut.start()]
        own = patterns.complement.sub(" … ", opening)
        if patterns.unreal.search(own) or patterns.trigger.search(own):
            break
        if _stands_alone(opening, reader) and _stands_alone(low[cut.end() :], reader):
            yield from _split_verbs(sentence[begin : cut.start()], patterns, reader)
            begin = cut.end()
    yield from _split_verbs(sentence[begin:], patterns, reader)


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
    have_dates = _has_date(first, reader) and _has_date(second, reader)
    if subject and subject.end() <= cut.start() and have_dates:
        yield first
        yield f"{subject[0]} {second}"
    else:
        yield part


def _has_date(part: str, reader: DateReader) -> bool:
    """Whether a text has a date to come."""
    return any(when.moment > reader.now for when in reader.find(part))


def _at_dates(part: str, patterns: PromisePatterns, reader: DateReader, judge: Judge) -> list[str]:
    """Split a part with several dates between them where each side promises on its own; else leave it whole."""
    dates = [when for when in reader.find(part) if when.moment > reader.now]
    if len(dates) < 2:
        return [part]
    best: tuple[float, int, int] = (_OWN_CLAUSE, 0, 0)
    for begin, end in _between(part, dates[0], dates[1], patterns):
        left, right = part[:begin], part[end:]
        if not (_stands_alone(left, reader) and _stands_alone(right, reader)):
            continue
        both = min(judge(left), judge(right))
        if both > best[0]:
            best = (both, begin, end)
    if best[2] == 0:
        return [part]
    return [part[: best[1]], *_at_dates(part[best[2] :], patterns, reader, judge)]


def _between(
    part: str, first: FoundDate, second: FoundDate, patterns: PromisePatterns
) -> Sequence[tuple[int, int]]:
    """Return where a comma or an "and" is between two dates."""
    low = lowered(part)
    return [match.span() for match in patterns.weak_cut.finditer(low, first.end, second.start)]
