"""Find lines that an earlier mail of the thread has: quotes without their marks, and what the writer repeats.

A line that is in a marked quote as well was typed or copied by the writer. Only a line that continues a
quote, or that is in the order of the earlier mail, counts as quoted. In an agent's note a quote needs more
proof, because a lost line is a lost command.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from followupd.text.mail.signature import LineKind

#: characters that a line must have in common with an earlier mail to be its quote
MIN_COMMON = 20
#: lines that are compared
MAX_LINES = 1000
#: characters of a line that are compared
MAX_LINE = 2000
#: characters of the earlier mails that are compared, the nearest one first
MAX_EARLIER = 131_072
#: lines of a note that an agent may have copied without the quote around them
MAX_COPIED = 2

QUOTE_MARKS = re.compile(r"^[\s>›»|｜＞]+")
#: the number of a line that does not exist
_NONE = -1
#: how lines of a note look: "hold", "refund: 25 EUR"
_COMMAND = re.compile(r"\W{0,3}(?:[\w-]{2,31}\s*:|[\w-]{2,31}$)")


def flattened(text: str) -> str:
    """Return a text without what programs change when they quote it: marks, line breaks, blanks and case.

    Args:
        text: one or more lines.
    """
    lines = [QUOTE_MARKS.sub("", line) for line in text.casefold().split("\n")]
    return " ".join(" ".join(lines).split())


@dataclass(frozen=True, slots=True)
class ThreadText:
    """The text of the earlier mails, flattened, and their whole lines; false if there is none."""

    text: str = ""
    whole_lines: frozenset[str] = frozenset()

    @classmethod
    def of(cls, earlier: Iterable[str]) -> "ThreadText":
        """Take the texts of the earlier mails, the nearest one first, up to MAX_EARLIER characters.

        Args:
            earlier: the texts of the earlier mails.
        """
        texts = []
        remaining = MAX_EARLIER
        for text in earlier:
            texts.append(text[:remaining])
            remaining -= len(texts[-1])
        if remaining == MAX_EARLIER:
            return cls()

        lines = "\n".join(texts).split("\n")
        joined = " ".join(map(flattened, texts))
        return cls(f" {joined} ", frozenset(map(flattened, lines)))

    def __bool__(self) -> bool:
        return self.text != ""

    def has(self, *lines: str) -> bool:
        """Whether these flattened lines follow each other somewhere.

        Args:
            lines: in their order.
        """
        return f" {' '.join(lines)} " in self.text

    def has_in_order(self, first: str, second: str) -> bool:
        """Whether the second flattened line comes somewhere after the first one.

        Args:
            first: a flattened line.
            second: a flattened line.
        """
        position = self.text.find(first)
        return position >= 0 and self.text.find(second, position + len(first)) >= 0


@dataclass(frozen=True, slots=True)
class _Run:
    """Successive lines of the mail that an earlier one has too, in its order.

    `in_quote`: a marked quote has them as well; `continues_quote`: they are next to a quote and continue it;
    `are_whole`: they are whole lines of the earlier mail, and no ends of broken ones; `has_prose`: they are
    more than commands; `follows_quote`: there is a quote somewhere above them.
    """

    numbers: tuple[int, ...]
    in_quote: bool
    continues_quote: bool
    are_whole: bool
    has_prose: bool
    follows_quote: bool

    @property
    def kind_in_letter(self) -> LineKind:
        """What these lines are in a customer's mail.

        A single line that is next to no quote may be the customer's, and one that is in the quote as well
        surely was typed or copied.
        """
        is_quote = self.continues_quote or len(self.numbers) > 1
        if is_quote and not self.in_quote:
            return LineKind.QUOTED
        return LineKind.DOUBTFUL

    @property
    def kind_in_note(self) -> LineKind:
        """What these lines are in an agent's note.

        A quote needs more proof there: it continues one and has the ends of broken lines, or it is too long
        for a copy and has more than commands.
        """
        if self.in_quote:
            return LineKind.NEW
        if self.continues_quote:
            is_certain = not self.are_whole
        elif len(self.numbers) > MAX_COPIED:
            is_certain = self.has_prose
        else:
            return LineKind.DOUBTFUL if self.follows_quote else LineKind.NEW

        return LineKind.QUOTED if is_certain else LineKind.DOUBTFUL


def mark_repeated(lines: Sequence[str], kinds: list[LineKind], thread: ThreadText, *, is_note: bool) -> None:
    """Mark lines that an earlier mail has as quoted or doubtful; those that are surely the writer's stay new.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
        thread: the earlier mails.
        is_note: an agent wrote the mail, and its lines may be commands.
    """
    if not thread:
        return
    for run in _ThreadComparison(lines, kinds, thread).runs():
        kind = run.kind_in_note if is_note else run.kind_in_letter
        for number in run.numbers:
            kinds[number] = kind


class _ThreadComparison:
    """The lines of a mail beside the text of its thread, by their numbers; empty lines do not count."""

    def __init__(self, lines: Sequence[str], kinds: Sequence[LineKind], thread: ThreadText) -> None:
        """Flatten the lines, and find the neighbours of each.

        Args:
            lines: the lines of the mail, of which MAX_LINES that are not empty are compared.
            kinds: the kinds of the lines.
            thread: the earlier mails.
        """
        self.lines = lines
        self.kinds = kinds
        self.thread = thread
        filled = [number for number, line in enumerate(lines) if line]
        self.numbers = filled[:MAX_LINES]
        self.flat = {number: flattened(lines[number][:MAX_LINE]) for number in self.numbers}
        self.below = dict(pairwise(self.numbers))
        self.above = {lower: upper for upper, lower in self.below.items()}
        self.first_quoted = len(lines)
        if LineKind.QUOTED in kinds:
            self.first_quoted = kinds.index(LineKind.QUOTED)

    def runs(self) -> list[_Run]:
        """Return the runs of repeated lines, in order.

        A run that is twice in the marked quotes and in all runs together was typed or copied.
        """
        groups = self._in_order(self._repeated())
        quoted = list(filter(self._is_quoted, self.numbers))
        texts = [self._text(quoted), *map(self._text, groups)]
        everything = "\n".join(texts)
        return [self._run(group, everything) for group in groups]

    def _text(self, numbers: Iterable[int]) -> str:
        """Return these lines, flattened and joined.

        Args:
            numbers: the numbers of the lines.
        """
        return " ".join(self.flat[number] for number in numbers)

    def _repeated(self) -> set[int]:
        """Return the new lines that the thread has, and short ones next to them that it has there too.

        A short line alone would be a coincidence ("Thank you"). It counts if it follows a repeated line in
        the thread as it does here, or comes before one; lines are tried downwards, then upwards.
        """
        new = {number for number in self.numbers if self.kinds[number] is LineKind.NEW}
        repeated = {number for number in new if self._is_in_thread(self.flat[number])}
        if not repeated:
            return repeated

        downwards = self.below.items()
        upwards = [(lower, upper) for upper, lower in reversed(downwards)]
        for known, neighbour in chain(downwards, upwards):
            is_candidate = known in repeated and neighbour in new
            upper, lower = sorted((known, neighbour))
            if is_candidate and self._follow(upper, lower):
                repeated.add(neighbour)

        return repeated

    def _is_in_thread(self, flat: str) -> bool:
        """Whether the thread has a flattened line that is long enough to be no coincidence.

        Args:
            flat: the line.
        """
        return len(flat) >= MIN_COMMON and flat in self.thread.text

    def _follow(self, upper: int, lower: int) -> bool:
        """Whether these two lines follow each other in the thread.

        Args:
            upper: number of the first line.
            lower: number of the second line.
        """
        return self.thread.has(self.flat[upper], self.flat[lower])

    def _in_order(self, repeated: set[int]) -> list[tuple[int, ...]]:
        """Group lines that follow each other in the mail and are in this order in the thread.

        Args:
            repeated: numbers of the lines that the thread has.
        """
        groups: list[list[int]] = []
        for number in sorted(repeated):
            upper = self.above.get(number, _NONE)
            follows = upper in repeated and self.thread.has_in_order(self.flat[upper], self.flat[number])
            if follows:
                groups[-1].append(number)
            else:
                groups.append([number])

        return list(map(tuple, groups))

    def _run(self, group: tuple[int, ...], everything: str) -> _Run:
        """Return a group with what is known about it.

        Args:
            group: numbers of lines.
            everything: the text of all marked quotes and of all groups.
        """
        first, last = group[0], group[-1]
        above = self.above.get(first, _NONE)
        below = self.below.get(last, _NONE)
        continues_above = self._is_quoted(above) and self._follow(above, first)
        continues_below = self._is_quoted(below) and self._follow(last, below)
        return _Run(
            group,
            in_quote=everything.count(self._text(group)) > 1,
            continues_quote=continues_above or continues_below,
            are_whole=all(self.flat[number] in self.thread.whole_lines for number in group),
            has_prose=not all(_COMMAND.match(self.lines[number]) for number in group),
            follows_quote=self.first_quoted < first,
        )

    def _is_quoted(self, number: int) -> bool:
        """Whether there is such a line and it is in a marked quote.

        Args:
            number: the number of the line, or _NONE.
        """
        return number != _NONE and self.kinds[number] is LineKind.QUOTED


def stray_in_thread(above: str, line: str, thread: ThreadText, *, is_note: bool) -> LineKind | None:
    """Return the kind of a line without a mark between two quoted ones.

    Args:
        above: the quoted line.
        line: the line without a mark.
        thread: the earlier mails.
        is_note: an agent wrote the mail.

    Returns:
        The kind; None if the thread does not have the line above, and so does not tell.
    """
    upper, lower = flattened(above), flattened(line)
    if upper == "" or upper not in thread.text:
        return None
    if not thread.has(upper, lower):
        return LineKind.NEW if is_note else LineKind.DOUBTFUL
    if lower in thread.whole_lines:
        return LineKind.DOUBTFUL
    return LineKind.QUOTED
