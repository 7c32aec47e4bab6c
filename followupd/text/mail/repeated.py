"""Tells lines that an earlier mail of the thread has: quotes that lost their marks, and words that somebody says again.

What stands in the quote too was typed or copied by the writer; only what continues a quote, or stands in the earlier
mail's order, is taken for one. In an agent's note a quote needs more proof still, for a lost line is a lost order.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from followupd.text.mail.signature import NEW, QUOTED

MAYBE = "maybe"
SAME = 20  # characters that a line must share with an earlier mail to be its quote
MOST = 1000  # lines that are compared
FEW = 2  # lines of a note that somebody may have copied without the quote around them
LONGEST = 131_072  # characters of the earlier mails that are compared, the nearest first
MARKS = re.compile(r"^[\s>›»|｜＞]+")
ORDER = re.compile(
    r"\W{0,3}(?:[\w-]{2,31}\s*:|[\w-]{2,31}$)"
)  # how lines of a note look: "hold", "refund: 25 EUR"


def flat(text: str) -> str:
    """Take away what mail programs change when they quote: marks, line breaks, blanks and case."""
    words = " ".join(MARKS.sub("", line) for line in text.casefold().split("\n"))
    return " ".join(words.split())


@dataclass(frozen=True, slots=True)
class Thread:
    """The words of the earlier mails, flat, and their whole lines; false when there are none."""

    said: str = ""
    whole: frozenset[str] = frozenset()

    @classmethod
    def of(cls, earlier: Iterable[str]) -> "Thread":
        texts, left = [], LONGEST
        for text in earlier:
            texts.append(text[:left])
            left -= len(texts[-1])
        if left == LONGEST:
            return cls()
        whole = frozenset(flat(line) for text in texts for line in text.split("\n"))
        return cls(f" {' '.join(map(flat, texts))} ", whole)

    def __bool__(self) -> bool:
        return bool(self.said)

    def has(self, *flats: str) -> bool:
        """Say whether these words stand there, one right behind the other."""
        return f" {' '.join(flats)} " in self.said

    def in_order(self, one: str, two: str) -> bool:
        at = self.said.find(one)
        return at >= 0 and self.said.find(two, at + len(one)) >= 0


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines of the mail that an earlier one has too, in its order.

    `again`: the quote holds them as well; `goes_on`: they continue a quote; `whole`: they are whole lines of the earlier
    mail, no tails of broken ones; `prose`: they are more than orders; `behind`: a quote stands above them.
    """

    numbers: tuple[int, ...]
    again: bool
    goes_on: bool
    whole: bool
    prose: bool
    behind: bool

    @property
    def kind_in_letter(self) -> str:
        return QUOTED if not self.again and (self.goes_on or len(self.numbers) > 1) else MAYBE

    @property
    def kind_in_note(self) -> str:
        if self.again:
            return NEW
        if self.goes_on:
            return MAYBE if self.whole else QUOTED
        if len(self.numbers) <= FEW:
            return MAYBE if self.behind else NEW
        return QUOTED if self.prose else MAYBE


def find_repeated(lines: list[str], kinds: list[str], thread: Thread, *, note: bool) -> None:
    """Mark lines that an earlier mail has as quoted or as doubtful; what is surely the writer's stays new."""
    if not thread:
        return
    for run in _ThreadComparison(lines, kinds, thread).runs():
        for number in run.numbers:
            kinds[number] = run.kind_in_note if note else run.kind_in_letter


class _ThreadComparison:
    """The lines of a mail beside the words of its thread; empty lines do not count."""

    def __init__(self, lines: list[str], kinds: list[str], thread: Thread) -> None:
        self.lines, self.kinds, self.thread = lines, kinds, thread
        self.full = [number for number, line in enumerate(lines) if line][:MOST]
        self.flats = {number: flat(lines[number][:2000]) for number in self.full}
        self.below = dict(pairwise(self.full))
        self.above = {two: one for one, two in self.below.items()}

    def runs(self) -> list[_Run]:
        groups = self._in_order(self._same())
        quoted = " ".join(self.flats[number] for number in self.full if self.kinds[number] == QUOTED)
        everything = "\n".join([quoted, *map(self._words, groups)])
        return [self._run(group, everything) for group in groups]

    def _words(self, group: Iterable[int]) -> str:
        return " ".join(self.flats[number] for number in group)

    def _same(self) -> set[int]:
        """Return the new lines that the thread has, and short ones that lead on to such a line or go on from it."""
        fresh = {number for number in self.full if self.kinds[number] == NEW}
        same = {
            number
            for number in fresh
            if len(self.flats[number]) >= SAME and self.flats[number] in self.thread.said
        }
        if not same:
            return same
        for one, two in self.below.items():
            if one in same and two in fresh and self._adjoin(one, two):
                same.add(two)
        for two, one in reversed(self.above.items()):
            if two in same and one in fresh and self._adjoin(one, two):
                same.add(one)
        return same

    def _adjoin(self, one: int, two: int) -> bool:
        return self.thread.has(self.flats[one], self.flats[two])

    def _in_order(self, same: set[int]) -> list[tuple[int, ...]]:
        groups: list[list[int]] = []
        for number in sorted(same):
            last = self.above.get(number)
            if (
                groups
                and last == groups[-1][-1]
                and self.thread.in_order(self.flats[last], self.flats[number])
            ):
                groups[-1].append(number)
            else:
                groups.append([number])
        return [tuple(group) for group in groups]

    def _run(self, group: tuple[int, ...], everything: str) -> _Run:
        above, below = self.above.get(group[0]), self.below.get(group[-1])
        return _Run(
            group,
            again=everything.count(self._words(group)) > 1,
            goes_on=(above is not None and self.kinds[above] == QUOTED and self._adjoin(above, group[0]))
            or (below is not None and self.kinds[below] == QUOTED and self._adjoin(group[-1], below)),
            whole=all(self.flats[number] in self.thread.whole for number in group),
            prose=any(not ORDER.match(self.lines[number]) for number in group),
            behind=QUOTED in self.kinds[: group[0]],
        )


def stray_in_thread(above: str, line: str, thread: Thread, *, note: bool) -> str:
    """Judge a line without a mark between two quoted ones: "" where the thread does not know the one above it."""
    one, two = flat(above), flat(line)
    if not one or one not in thread.said:
        return ""
    if not thread.has(one, two):
        return NEW if note else MAYBE
    return MAYBE if two in thread.whole else QUOTED
