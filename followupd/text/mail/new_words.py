"""Tell what is new in a mail from what it quotes: the thread's own lines first, then the marks that mail programs leave.

In doubt a line is kept and named doubtful; nobody takes a promise from a doubtful line (MAIL.md, section 3).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from followupd.text.mail import phrases
from followupd.text.mail.repeated import MAYBE, SAME, Thread, find_repeated, flat, stray_in_thread
from followupd.text.mail.signature import NEW, QUOTED, SIGNED, ending

MOST_LINES = 20_000
WIDEST = 600  # characters of a line, or of a broken heading put together, that the patterns look at
WRAP = 70  # a quoted line that had grown to this was broken, and its tail lost its mark


def _words(*groups: Iterable[str]) -> str:
    longest_first = sorted({word.lower() for group in groups for word in group}, key=len, reverse=True)
    return "|".join(re.escape(word) for word in longest_first)


# Patterns with phrases look at lower-case lines: to search without regard to case costs ten times as much.
VERB = re.compile(
    rf"(?:^|[\s\u200f(>\"”“\d年月日,，。])(?:{_words(phrases.WROTE)})|(?:写道|寫道|书写|書きました|のメール|님이 작성)"
)
OPENER = re.compile(
    rf"[\s*_\-\u200f\u202a-\u202e]*(?:(?:{_words(phrases.OPENERS)})[\s,]|(?:{_words(phrases.WEEKDAYS)})[a-zäöüß]{{0,8}}[.,]?\s|\d)"
)
DATED = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}")
CLOCK = re.compile(r"\d{1,2}[:.]\d{2}")
CLOSED = re.compile(r"(?:[>\])\"”]|@[\w.-]{1,80}\)?)\s*[:：]\s*$")
ENDED = re.compile(rf"(?:{_words(phrases.WROTE)})\s*(?:-{{2,}}|\.{{3}})?\s*$")
_GROUPS = {
    "what": phrases.SUBJECT,
    "to": phrases.TO,
    "when": phrases.SENT,
    "who": phrases.FROM,
}  # the last one wins
LABELS = {word.casefold(): group for group, words in _GROUPS.items() for word in words}
BESIDE_LABELS = " \t\xa0\u3000*_|"
RULE = re.compile(r"[\s]{0,8}[-_=*─—~]{3,}\s*$")
ORIGINAL = re.compile(rf"[-_=*]{{2,60}}\s{{0,4}}(?:{_words(phrases.ORIGINAL, phrases.FORWARDED)})")
FORWARDED = re.compile(rf"[-_=* ]{{0,60}}(?:{_words(phrases.FORWARDED)})[-_=* ]{{0,60}}[:：]?$")
RULES = tuple("-_=*#")
DIGIT = re.compile(r"\d")
ABOVE = re.compile(_words(phrases.ABOVE_THIS_LINE))
MARKED = re.compile(r"\s{0,3}[>›»|｜＞]")
BROKEN = re.compile(
    r">\s?[^\s>]{0,20}\s?[:：]$"
)  # the end of a heading that was broken inside "<kim@example.org>"
LONGEST_NAME = 120  # characters of a heading that names nobody's address and no time
FAR = 8  # lines of a header block that are looked at


@dataclass(frozen=True, slots=True)
class NewWords:
    """The text of a mail in its four kinds of lines; `doubtful` lines stand in `text` too."""

    text: str
    doubtful: tuple[str, ...] = ()
    quoted: str = ""
    signature: str = ""


def new_words(text: str, earlier: Iterable[str] = (), *, note: bool = False) -> NewWords:
    """Tell new lines from quoted ones; `earlier` are the texts of the mails of the thread.

    A `note` is an agent's: what it says may be an order, so that a line is taken for quoted only where that is sure.
    """
    thread = Thread.of(earlier)
    lines = [line.rstrip() for line in text.split("\n")[:MOST_LINES]]
    kinds = _marked(text, lines)
    _headings(lines, kinds, thread)
    find_repeated(lines, kinds, thread, note=note)
    _doubts(text, lines, kinds, thread, note=note)
    ending(lines, kinds)
    _never_all(lines, kinds)
    present = set(kinds)
    if present == {NEW}:
        return NewWords("\n".join(lines).strip("\n"))
    return NewWords(
        _joined(lines, kinds, {NEW, MAYBE}),
        tuple(
            line.strip() for line, kind in zip(lines, kinds, strict=True) if kind == MAYBE and line.strip()
        ),
        _joined(lines, kinds, {QUOTED}) if QUOTED in present else "",
        _joined(lines, kinds, {SIGNED}) if SIGNED in present else "",
    )


def _marked(text: str, lines: list[str]) -> list[str]:
    if ">" not in text and "|" not in text and (text.isascii() or not any(mark in text for mark in "›»｜＞")):
        return [NEW] * len(lines)
    return [QUOTED if line and not line[0].isalnum() and MARKED.match(line) else NEW for line in lines]


def _joined(lines: list[str], kinds: list[str], wanted: set[str]) -> str:
    kept: list[str] = []
    gap = False  # something was left out: one empty line stands there
    for line, kind in zip(lines, kinds, strict=True):
        if kind not in wanted:
            gap = True
        elif not gap:
            kept.append(line)
        elif line:
            kept += ["", line] if kept and kept[-1] else [line]
            gap = False
    return "\n".join(kept).strip("\n")


def _headings(lines: list[str], kinds: list[str], thread: Thread) -> None:
    """Find what stands above a quote; mark it, and all that follows unless the quote has marks of its own."""
    done = 0
    for at in _candidates(lines):
        height = _heading(lines, at, thread) if at >= done and kinds[at] != QUOTED else 0
        if not height:
            continue
        kinds[at : at + height] = [QUOTED] * height
        _rule_above(lines, kinds, at)
        if not _marked_below(lines, at + height):
            kinds[at:] = [QUOTED] * (len(lines) - at)
            return
        done = at + height


def _candidates(lines: list[str]) -> list[int]:
    """Return the lines at which a heading may begin by their looks alone, for the patterns are dear.

    An attribution has a colon at its end or an address, at most four lines from its beginning.
    """
    found: set[int] = set()
    for number, line in enumerate(lines):
        if not line:
            continue
        if "@" in line or line[-1] in ":：":
            found.update(range(max(0, number - 3), number + 1))
        elif line[0] in "-_=*#" or line[0].isspace() or (":" in line and label_of(line)) or "：" in line:
            found.add(number)
    return sorted(number for number in found if lines[number])


def label_of(line: str) -> str:
    """Return what a line like "Sent: Monday" names: who, when, to or what; "" when it is no such line."""
    head, colon, _ = line[:80].replace("：", ":").partition(":")
    return LABELS.get(head.strip(BESIDE_LABELS).casefold(), "") if colon else ""


def _heading(lines: list[str], at: int, thread: Thread) -> int:
    """Return how many lines from here are the heading of a quote; 0 when none begins here.

    Most lines are let go by their looks alone, for the patterns are dear.
    """
    line = lines[at][:WIDEST].strip()
    ruled, colon = line.startswith(RULES), ":" in line or "：" in line
    if ruled and not line.strip(" -_=*#"):
        return 0  # a line of dashes and nothing more, as most of them are
    if (ruled and ORIGINAL.match(line.lower())) or _turns_away(line):
        return 1 + _labels_below(lines, at + 1)
    if colon and (height := _header_block(lines, at)):
        return height
    if not (colon or "@" in line or DIGIT.search(line)):
        return 0
    return _attribution(lines, at, line) or int(bool(thread) and _names_thread(lines, at, line, thread))


def _labels_below(lines: list[str], at: int) -> int:
    """Return how many lines below a separator still belong to it: "From: Kim", and the empty lines around."""
    last = 0
    for number, line in enumerate(lines[at : at + FAR], 1):
        if line and not label_of(line):
            break
        last = number if line else last
    return last


def _turns_away(line: str) -> bool:
    if not 0 < len(line) < 120 or not (line.startswith(RULES) or line[-1] in ":："):
        return False
    lowered = line.lower()
    return FORWARDED.match(lowered) is not None or (line[0] in "-_=*#" and ABOVE.search(lowered) is not None)


def _attribution(lines: list[str], at: int, first: str) -> int:
    """Recognise "On Monday, Kim <kim@example.org> wrote:", broken over up to four lines."""
    near = lines[at : at + 4]
    if not any(line and (line[-1] in ":：" or "@" in line) for line in near):
        return 0  # a cheap look before the dear patterns: every attribution has one or the other
    opened = OPENER.match(first.lower()) is not None
    joined = ""
    for height, line in enumerate(near if opened else near[:1], 1):
        if not line or (MARKED.match(line) and not BROKEN.match(line)):
            break
        joined = f"{joined} {line.strip()}" if joined else line.strip()
        if len(joined) > WIDEST:
            break
        if _is_attribution(joined, opened=opened, next_line=_after(lines, at + height)):
            return height
    return 0


def _names_thread(lines: list[str], at: int, line: str, thread: Thread) -> bool:
    """Recognise "Service desk wrote:", which says no time and no address, by the earlier mail that begins below it."""
    if line[-1] not in ":：" or len(line) > LONGEST_NAME or not VERB.search(line.lower()):
        return False
    below = flat(" ".join([each for each in lines[at + 1 : at + FAR] if each][:2]))
    return len(below) >= SAME and below in thread.said


def _after(lines: list[str], at: int) -> str:
    return next((line for line in lines[at : at + 3] if line), "")


def _is_attribution(text: str, *, opened: bool, next_line: str) -> bool:
    if text[-1:] not in ":：":
        return (
            opened
            and "@" in text
            and CLOCK.search(text) is not None
            and ENDED.search(text[-60:].lower()) is not None
        )
    quoted_below = MARKED.match(next_line) is not None
    if not (opened or quoted_below or "@" in text):
        return False  # whatever its verb: "We can offer:"
    if VERB.search(text.lower()):
        known = "@" in text or (opened and DATED.search(text) is not None)
        return known or (quoted_below and len(text) < 120)
    if CLOSED.search(text) and CLOCK.search(text):
        return opened or quoted_below
    return opened and quoted_below and DATED.search(text) is not None


def _header_block(lines: list[str], at: int) -> int:
    """Recognise "From: ... Sent: ... To: ... Subject: ..." in any of the languages; returns its height."""
    if not label_of(lines[at]):
        return 0
    found: set[str] = set()
    last = at
    for number, line in enumerate(lines[at : at + FAR], at):
        if label := label_of(line):
            found.add(label)
            last = number
        elif not line and number - last > 1:
            break
    if "who" not in found or len(found) < 3:
        return 0
    return last - at + 1


def _rule_above(lines: list[str], kinds: list[str], at: int) -> None:
    """A line of dashes above a heading belongs to the quote."""
    above = at - 1
    while above >= 0 and (not lines[above] or RULE.match(lines[above])):
        if lines[above]:
            kinds[above] = QUOTED
            return
        above -= 1


def _marked_below(lines: list[str], at: int) -> bool:
    return any(MARKED.match(line) for line in lines[at : at + 4] if line)


def _doubts(text: str, lines: list[str], kinds: list[str], thread: Thread, *, note: bool) -> None:
    """Name doubtful: a stray line inside a quote (broken by re-wrapping), and words that repeat what others said."""
    for number in range(1, len(lines) - 1 if QUOTED in kinds else 0):
        if kinds[number - 1] == QUOTED and kinds[number] == NEW and kinds[number + 1] == QUOTED:
            above, line, below = lines[number - 1 : number + 2]
            judged = stray_in_thread(above, line, thread, note=note) or _stray(above, line, below)
            kinds[number] = (
                MAYBE if note and judged == QUOTED and not thread.has(flat(above), flat(line)) else judged
            )
    if note:
        return  # "cause: you told us the old address" is the agent's own word
    lowered = text.casefold()
    for letters, words in phrases.YOU_SAID.items():
        if letters in lowered and any(said in lowered for said in words):
            for number, line in enumerate(lines):
                if kinds[number] == NEW and any(said in line.casefold() for said in words):
                    kinds[number] = MAYBE


def _stray(above: str, line: str, below: str) -> str:
    """Judge a line without a mark between two lines with one: the tail of a broken line, or an answer put between."""
    if not above.strip("> ") or not line:
        return NEW
    if len(above) + len(line.split(" ", 1)[0]) > WRAP and line[:1].islower():
        return QUOTED
    return MAYBE if below.strip("> ") else NEW


def _never_all(lines: list[str], kinds: list[str]) -> None:
    """Where everything without a mark was taken for a quote, keep it as doubtful: an empty answer helps nobody."""
    if QUOTED not in kinds or any(line and kind != QUOTED for line, kind in zip(lines, kinds, strict=True)):
        return
    if any(FORWARDED.match(line[:WIDEST].lower()) for line in lines[:10]):
        return
    first = next((number for number, line in enumerate(lines) if line), 0)
    height = max(1, _heading(lines, first, Thread())) if lines else 0
    for number in range(first + height, len(lines)):
        if lines[number] and not MARKED.match(lines[number]):
            kinds[number] = MAYBE
