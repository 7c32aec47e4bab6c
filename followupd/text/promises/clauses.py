"""Cut a sentence into the clauses that may commit the company, each with the date that counts in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from followupd.text.promises.dates import DateReader, When
from followupd.text.promises.grammar import Grammar
from followupd.text.promises.sentences import lowered


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as written and in lower case, its date, and where the event begins on which it depends."""

    text: str
    low: str
    when: When | None
    trigger: int | None

    @property
    def depends_on_event(self) -> bool:
        """Whether an event decides when; "on Monday, once I have read it" has a date of its own before it."""
        return self.trigger is not None and not (self.when and self.when.start < self.trigger)


def clauses(sentence: str, grammar: Grammar, reader: DateReader) -> Iterator[Clause]:
    """Give the clauses that may commit the company: those before the first condition."""
    if sentence.rstrip("\"') ").endswith("?") or sentence.startswith("¿"):
        return
    for part in _parts(sentence, grammar, reader):
        low = lowered(part)
        plain = grammar.complement.sub(" … ", low)  # "I let you know whether": not a condition of ours
        if grammar.unreal.search(plain):
            return
        if not grammar.hedged.search(plain):
            trigger = grammar.trigger.search(plain)
            yield Clause(part, low, _when(part, reader), trigger.start() if trigger else None)


def _parts(sentence: str, grammar: Grammar, reader: DateReader) -> Iterator[str]:
    """Cut a sentence; a comma alone separates no clause from its date or its event."""
    begin, low = 0, lowered(sentence)
    for cut in grammar.cut.finditer(low):
        opening = low[begin : cut.start()]
        if cut[0].strip() == "," and (grammar.trigger.search(opening) or _when(opening, reader)):
            continue
        yield from _verbs(sentence[begin : cut.start()], grammar, reader)
        begin = cut.end()
    yield from _verbs(sentence[begin:], grammar, reader)


def _verbs(part: str, grammar: Grammar, reader: DateReader) -> Iterator[str]:
    """Cut "I will refund you by Friday and send a lamp tomorrow" in two, each with a subject."""
    cut = grammar.carried.search(lowered(part))
    subject = grammar.subject.search(part) if cut else None
    if not cut or not subject or subject.end() > cut.start():
        yield part
        return
    first, second = part[: cut.start()], part[cut.end() :]
    if _when(first, reader) and _when(second, reader):
        yield first
        yield f"{subject[0]} {second}"
    else:
        yield part


def _when(part: str, reader: DateReader) -> When | None:
    """Return the date that counts: a deadline before a mere day, else the first; none that is over."""
    found = [when for when in reader.find(part) if when.moment > reader.now]
    return next((when for when in found if when.firm), found[0] if found else None)
