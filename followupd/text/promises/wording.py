"""Turn a clause into a line of a letter: the agent's own words without the date.

A promise becomes one line of a list, "<text>, by <date>", in the owner's name. The agent's words are kept
("We will ship the replacement"): changing a verb goes wrong more often than a future tense reads badly.
"""

from dataclasses import replace

from followupd.text.promises.dates import When
from followupd.text.promises.grammar import Grammar
from followupd.text.promises.sentences import lowered

LONGEST_LINE = 200
_EDGES = " ,;:.!–—-…"
_FRAGMENT_ENDS = (",", ";", " – ", " — ")


def promised_text(clause: str, when: When | None, grammar: Grammar, *, start: int = 0) -> str:
    """Return the clause as a line of a letter: no date, no "and" before it, a capital first, no full stop.

    What stands before `start` is left out, unless the date begins there.
    """
    begin = start if when is None or when.start >= start or when.end <= start else 0
    inside = when if when and when.start >= begin else None
    text = without(
        clause[begin:], inside and replace(inside, start=inside.start - begin, end=inside.end - begin)
    )
    filler = grammar.fillers.match(lowered(text))
    text = text[filler.end() :] if filler else text
    uncapitalised = text[:1].lower() + text[1:]
    if when and grammar.inverted.match(uncapitalised):
        text = grammar.inverted.sub(r"\2 \1", uncapitalised, count=1)
    for short, long in grammar.contractions.items():
        text = text.replace(short, long)
    return shortened(text[:1].upper() + text[1:])


def without(text: str, when: When | None) -> str:
    """Return the text without its date, tidied at the seam and the edges."""
    if when is None:
        return text.strip(_EDGES)
    left, right = text[: when.start].rstrip(), text[when.end :].lstrip()
    if right.startswith(",") and not left.endswith(","):
        return f"{left}{right}".strip(_EDGES)
    return f"{left.rstrip(' ,')} {right.lstrip(' ,')}".strip(_EDGES)


def fragment(clause: str, start: int, end: int, when: When | None) -> str:
    """Return what is given, as written: "10 % off your next order"; it ends at a comma or before its date."""
    stop = min((at for mark in _FRAGMENT_ENDS if (at := clause.find(mark, end)) >= 0), default=len(clause))
    if when and end <= when.start < stop:
        stop = when.start
    return shortened(clause[start:stop].strip(_EDGES))


def shortened(text: str) -> str:
    """Cut a very long line at a word."""
    if len(text) <= LONGEST_LINE:
        return text
    return text[:LONGEST_LINE].rsplit(" ", 1)[0].rstrip(_EDGES) + " …"
