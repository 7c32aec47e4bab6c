"""Turn a clause into a line of a letter: the agent's own words without the date.

A promise becomes one line of a list, "<text>, by <date>", in the owner's name. The agent's words are kept
("We will ship the replacement"): changing a verb goes wrong more often than a future tense reads badly.
"""

import re
from dataclasses import replace

from followupd.text.promises.dates import EDGES, FoundDate, without_date
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
