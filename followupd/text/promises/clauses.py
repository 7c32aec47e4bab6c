"""Split a sentence into the clauses that may commit the company, each with the date that counts in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from followupd.text.promises.dates import EDGES, DateReader, FoundDate, without_date
from followupd.text.promises.patterns import PromisePatterns
from followupd.text.promises.sentences import lowered

#: characters of a line in a letter
MAX_LINE = 200
#: what ends the name of a gift
_FRAGMENT_END = re.compile("[,;]| [–—] ")


def promise_line(clause: str, when: FoundDate | None, patterns: PromisePatterns, *, start: int = 0) -> str:
    """Return the clause as a line of a letter: no date, no "and" before it, a capital first, no full stop.

    Args:
        clause: the clause as written.
        when: its date, which the letter writes itself.
        patterns: of its language.
        start: where the promise begins; what is before it is left out, unless the date begins there.
    """
    text = _without_opening(clause, when, start)
    filler = patterns.fillers.match(lowered(text))
    if filler:
        text = text[filler.end() :]

    uncapitalised = text[:1].lower() + text[1:]
    if when and patterns.inverted.match(uncapitalised):
        # "by Friday we will ...": the verb came before its subject only because of the date
        text = patterns.inverted.sub(r"\2 \1", uncapitalised, count=1)
    for short, long in patterns.contractions.items():
        text = text.replace(short, long)
    return shortened(text[:1].upper() + text[1:])


def _without_opening(clause: str, when: FoundDate | None, start: int) -> str:
    """Return the clause from `start` on without its date.

    A date that is before `start` is left out with the opening. If `start` is inside the date, nothing else is
    left out.
    """
    if when is None or when.end <= start:
        return without_date(clause[start:], None)
    if when.start < start:
        start = 0
    moved = replace(when, start=when.start - start, end=when.end - start)
    return without_date(clause[start:], moved)


def fragment(clause: str, start: int, end: int, when: FoundDate | None) -> str:
    """Return what is given, as written: "10 % off your next order".

    Args:
        clause: the clause.
        start: where the name of the gift begins.
        end: where the name ends at the earliest; it goes up to the next comma, semicolon, dash or date.
        when: the date of the clause.
    """
    mark = _FRAGMENT_END.search(clause, end)
    stop = mark.start() if mark else len(clause)
    if when and end <= when.start < stop:
        stop = when.start
    return shortened(clause[start:stop].strip(EDGES))


def shortened(text: str) -> str:
    """Return the text, cut at a word if it has more than MAX_LINE characters."""
    if len(text) <= MAX_LINE:
        return text
    return text[:MAX_LINE].rsplit(" ", 1)[0].rstrip(EDGES) + " …"


#: what may be at the end of a sentence after its question mark
_CLOSING = "\"') "


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as written and in lower case, its date, and where the event is on which it depends."""

    text: str
    low: str
    when: FoundDate | None
    trigger: int | None

    @property
    def depends_on_event(self) -> bool:
        """Whether an event decides when.

        It does not in "on Monday, once I have read it", which has a date before the event.
        """
        if self.trigger is None:
            return False
        return self.when is None or self.when.start >= self.trigger


def clauses(sentence: str, patterns: PromisePatterns, reader: DateReader) -> Iterator[Clause]:
    """Yield the clauses that may commit the company: those before the first condition, without hedged ones.

    Args:
        sentence: of the mail; a question has no such clauses.
        patterns: of its language.
        reader: finds the dates.
    """
    if _is_question(sentence):
        return
    for part in _parts(sentence, patterns, reader):
        low = lowered(part)
        # "I let you know whether it arrived" has no condition
        own = patterns.complement.sub(" … ", low)
        if patterns.unreal.search(own):
            return
        if patterns.hedged.search(own):
            continue

        event = patterns.trigger.search(own)
        trigger = event.start() if event else None
        yield Clause(part, low, _binding_date(part, reader), trigger)


def _is_question(sentence: str) -> bool:
    """Whether the sentence ends with a question mark, or begins with a Spanish one."""
    return sentence.startswith("¿") or sentence.rstrip(_CLOSING).endswith("?")


def _parts(sentence: str, patterns: PromisePatterns, reader: DateReader) -> Iterator[str]:
    """Split a sentence at the language's cuts.

    A comma alone does not separate a date or an event from its clause: "By Friday, we will ...".
    """
    low = lowered(sentence)
    begin = 0
    for cut in patterns.cut.finditer(low):
        opening = low[begin : cut.start()]
        is_comma = cut[0].strip() == ","
        if is_comma and (patterns.trigger.search(opening) or _binding_date(opening, reader)):
            continue
        yield from _split_verbs(sentence[begin : cut.start()], patterns, reader)
        begin = cut.end()
    yield from _split_verbs(sentence[begin:], patterns, reader)


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
    have_dates = _binding_date(first, reader) and _binding_date(second, reader)
    if subject and subject.end() <= cut.start() and have_dates:
        yield first
        yield f"{subject[0]} {second}"
    else:
        yield part


def _binding_date(part: str, reader: DateReader) -> FoundDate | None:
    """Return the date that counts: the first deadline, else the first date; none that is over.

    Args:
        part: of a sentence.
        reader: finds the dates.
    """
    coming = [when for when in reader.find(part) if when.moment > reader.now]
    deadlines = [when for when in coming if when.firm]
    return next(iter(deadlines + coming), None)
