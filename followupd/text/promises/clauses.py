"""Split a sentence into the clauses that may commit the company, each with the date that counts in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from followupd.text.promises.dates import DateReader, FoundDate
from followupd.text.promises.patterns import PromisePatterns
from followupd.text.promises.sentences import lowered

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
