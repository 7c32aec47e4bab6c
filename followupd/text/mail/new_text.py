"""Separate what is new in a mail from what it quotes, by the thread's lines and the marks of mail programs.

In doubt a line is kept and called doubtful; no promise is read from a doubtful line (docs/mail.md, section
3).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from followupd.languages import catalogue
from followupd.text.mail.repeated import MIN_COMMON, ThreadText, flattened, mark_repeated, stray_in_thread
from followupd.text.mail.signature import LineKind, mark_signatures

#: lines of a mail that are read
MAX_LINES = 20_000
#: characters of a line, or of a heading over several lines, that the patterns look at
MAX_SEARCHED = 600
#: characters of a quoted line from which on its program broke it, so that its end has no mark
MIN_BROKEN = 70
#: lines of an attribution: "On Monday, Kim Doe\n<kim@example.org>\nwrote:"
MAX_ATTRIBUTION = 4
#: characters at the end of an attribution in which its verb is, if it has no colon
MAX_VERB = 60
#: characters of a heading that has neither an address nor a time
MAX_BARE_HEADING = 120
#: lines of a block of header fields above a quote
MAX_HEADER_BLOCK = 8
#: characters of a line in which its label is looked for
MAX_LABEL = 80
#: fields that make a block of them a heading
MIN_FIELDS = 3
#: lines below a heading in which the marks of its quote are looked for
MAX_GAP = 4
#: lines of a mail in which a forward is announced
MAX_FORWARD_LINES = 10


def _any_word(*groups: Iterable[str]) -> str:
    """Return a pattern of the words in these groups, in lower case, the longest first.

    Args:
        groups: of words, such as the lists of a language file.
    """
    words = set(map(str.lower, chain.from_iterable(groups)))
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(map(re.escape, longest_first))


_MARKS = catalogue().mail_clients.quotes
_FORWARD_PHRASES = catalogue().mail_clients.forwards.marks
# Patterns with phrases are for lower-case lines: a search that ignores the case takes ten times as long.
_WROTE = re.compile(
    rf"(?:^|[\s\u200f(>\"”“\d{_MARKS.date_signs},，。])(?:{_any_word(_MARKS.wrote)})"
    rf"|(?:{'|'.join(_MARKS.wrote_anywhere)})"
)
#: hyphens around an attribution, as HCL Notes writes it: "-----Kim Doe <kim@example.org> wrote: -----"
_HYPHENS = "---"
_WROTE_AT_END = re.compile(rf"(?:{_any_word(_MARKS.wrote)})\s*(?:-{{2,}}|\.{{3}})?\s*$")
_OPENER = re.compile(
    r"[\s*_\-\u200f\u202a-\u202e]*"
    rf"(?:(?:{_any_word(_MARKS.openers)})[\s,]"
    rf"|(?:{_any_word(_MARKS.weekdays)})[a-zäöüß]{{0,8}}[.,]?\s"
    r"|\d)"
)
_DATE = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}")
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}")
#: what is in every heading that is no separator
_HEADING_SIGN = re.compile(r"[:：@\d]")
#: an address or a closing sign before the colon at the end
_CLOSED = re.compile(r"(?:[>\])\"”]|@[\w.-]{1,80}\)?)\s*[:：]\s*$")
#: what each group of labels names; a label in several groups names the last of them
_LABEL_GROUPS = {"what": _MARKS.subject, "to": _MARKS.to, "when": _MARKS.sent, "who": _MARKS.senders}
_LABELS = {word.casefold(): group for group, words in _LABEL_GROUPS.items() for word in words}
_BESIDE_LABELS = " \t\xa0\u3000*_|"
_RULE = re.compile(r"[\s]{0,8}[-_=*─—~]{3,}\s*$")
_RULE_SIGNS = ("-", "_", "=", "*", "#")
_COLONS = (":", "：")
ORIGINAL = re.compile(rf"[-_=*]{{2,60}}\s{{0,4}}(?:{_any_word(_MARKS.original, _FORWARD_PHRASES)})")
FORWARDED = re.compile(rf"[-_=* ]{{0,60}}(?:{_any_word(_FORWARD_PHRASES)})[-_=* ]{{0,60}}[:：]?$")
_ABOVE_THIS_LINE = re.compile(_any_word(_MARKS.above_this_line))
_QUOTE_MARK = re.compile(r"\s{0,3}[>›»|｜＞]")
_QUOTE_SIGNS = ">|›»｜＞"
#: the end of an attribution that was broken inside of "<kim@example.org>", and is no quoted line
_BROKEN_ATTRIBUTION = re.compile(r">\s?[^\s>]{0,20}\s?[:：]$")


@dataclass(frozen=True, slots=True)
class NewText:
    """The text of a mail by the kinds of its lines; `doubtful` lines are in `text` too.

    So are lines `between` those of the quote, each with the quoted lines right above it.
    """

    text: str
    doubtful: tuple[str, ...] = ()
    between: tuple[tuple[str, str], ...] = ()
    quoted: str = ""
    signature: str = ""


def extract_new_text(text: str, earlier: Iterable[str] = (), *, is_note: bool = False) -> NewText:
    """Separate new lines from quoted ones and from the signature.

    Args:
        text: the text of the mail.
        earlier: the texts of the earlier mails of the thread, the nearest one first.
        is_note: an agent wrote the mail. Its lines may be commands, so that a line counts as quoted only if
            that is certain.
    """
    thread = ThreadText.of(earlier)
    lines = list(map(str.rstrip, text.split("\n")[:MAX_LINES]))
    kinds = _kinds_by_mark(text, lines)
    _mark_headings(lines, kinds, thread)
    mark_repeated(lines, kinds, thread, is_note=is_note)
    _mark_strays(lines, kinds, thread, is_note=is_note)
    if not is_note:  # there "cause: you told us the old address" is the agent's own sentence
        _mark_repeated_claims(text, lines, kinds)

    mark_signatures(lines, kinds)
    _keep_something(lines, kinds)

    if set(kinds) == {LineKind.NEW}:  # true for most mails
        return NewText("\n".join(lines).strip("\n"))

    doubtful = list(map(str.strip, _lines_of(lines, kinds, LineKind.DOUBTFUL)))
    return NewText(
        text=_joined(lines, kinds, {LineKind.NEW, LineKind.DOUBTFUL}),
        doubtful=tuple(filter(None, doubtful)),
        between=tuple(_between(lines, kinds)),
        quoted=_joined(lines, kinds, {LineKind.QUOTED}),
        signature=_joined(lines, kinds, {LineKind.SIGNATURE}),
    )


def _kinds_by_mark(text: str, lines: Sequence[str]) -> list[LineKind]:
    """Return the kinds of the lines by their quote marks alone.

    Args:
        text: the text of the mail, in which marks are searched first: most mails have none.
        lines: the lines of the text.
    """
    marks = ">|" if text.isascii() else _QUOTE_SIGNS
    if not _has_any(text, marks):
        return [LineKind.NEW] * len(lines)
    return [LineKind.QUOTED if _has_mark(line) else LineKind.NEW for line in lines]


def _has_mark(line: str) -> bool:
    """Whether a line begins with a quote mark; letters and digits are ruled out before the pattern is tried.

    Args:
        line: the line of the mail.
    """
    if not line or line[0].isalnum():
        return False
    return _QUOTE_MARK.match(line) is not None


def _lines_of(lines: Sequence[str], kinds: Sequence[LineKind], kind: LineKind) -> Iterator[str]:
    """Yield the lines of one kind.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines.
        kind: the wanted one.
    """
    for line, line_kind in zip(lines, kinds, strict=True):
        if line_kind is kind:
            yield line


def _between(lines: Sequence[str], kinds: Sequence[LineKind]) -> Iterator[tuple[str, str]]:
    """Yield each new line that has quoted ones above and below it, behind those above it.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines.
    """
    quoted = [number for number, line in enumerate(lines) if _has_mark(line)]
    above: list[str] = []
    for number in range(min(quoted, default=0), max(quoted, default=0)):
        bare = _QUOTE_MARK.sub("", lines[number]).strip()
        if kinds[number] is LineKind.QUOTED:
            follows = kinds[number - 1] is LineKind.QUOTED
            above = [*above, bare] if follows else [bare]
        elif kinds[number] is not LineKind.SIGNATURE and bare:
            yield "\n".join(above), bare


def _joined(lines: Sequence[str], kinds: Sequence[LineKind], wanted: Collection[LineKind]) -> str:
    """Return the lines of these kinds as a text, with one empty line where others were left out.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines.
        wanted: the kinds.
    """
    chosen: list[str] = []
    follows_gap = False
    for line, kind in zip(lines, kinds, strict=True):
        if kind not in wanted:
            follows_gap = True
        elif not follows_gap:
            chosen.append(line)
        elif line:
            needs_gap = chosen[-1:] not in ([], [""])
            chosen += ["", line] if needs_gap else [line]
            follows_gap = False

    return "\n".join(chosen).strip("\n")


def _mark_headings(lines: Sequence[str], kinds: list[LineKind], thread: ThreadText) -> None:
    """Mark the headings of quotes, and all that follows one unless its quote has marks.

    Where the quote has marks, the writer may continue below it.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
        thread: the earlier mails.
    """
    end = 0  # of the last heading
    for begin in _possible_headings(lines):
        if begin < end or kinds[begin] is LineKind.QUOTED:
            continue
        height = _heading_height(lines, begin, thread)
        if height == 0:
            continue

        end = begin + height
        kinds[begin:end] = [LineKind.QUOTED] * height
        _mark_rule_above(lines, kinds, begin)
        if not _is_quote_marked(lines, end):
            kinds[begin:] = [LineKind.QUOTED] * (len(lines) - begin)
            return


def _possible_headings(lines: Sequence[str]) -> list[int]:
    """Return the lines at which a heading may begin, by a cheap look: the patterns are slow.

    Args:
        lines: the lines of the mail. An attribution begins at most MAX_ATTRIBUTION lines above its end.

    Returns:
        Their numbers, ascending; lines that are empty begin nothing.
    """
    found: set[int] = set()
    for number, line in enumerate(lines):
        if not line:
            continue
        if _may_end_attribution(line):
            first = max(0, number - MAX_ATTRIBUTION + 1)
            found.update(range(first, number + 1))
        elif _may_begin_heading(line):
            found.add(number)

    return sorted(filter(lines.__getitem__, found))


def _may_begin_heading(line: str) -> bool:
    """Whether a line is ruled, indented or labelled, as the headings without an attribution are.

    Args:
        line: not empty, with its indentation.
    """
    if line.startswith(_RULE_SIGNS) or line[0].isspace():
        return True
    if "：" in line:
        return True
    return ":" in line and label_of(line) != ""


def label_of(line: str) -> str:
    """Return what a line such as "Sent: Monday" names: who, when, to or what; "" if it names none of them.

    Args:
        line: of which the first MAX_LABEL characters are read.
    """
    label, colon, _ = line[:MAX_LABEL].replace("：", ":").partition(":")
    if not colon:
        return ""
    return _LABELS.get(label.strip(_BESIDE_LABELS).casefold(), "")


def _heading_height(lines: Sequence[str], begin: int, thread: ThreadText) -> int:
    """Return how many lines from here on are the heading of a quote, 0 if none begins here.

    A heading is a separator ("----- Original Message -----") with the fields below it, a block of fields
    ("From: ... Sent: ..."), an attribution ("On Monday, Kim wrote:"), or a line above the text of an earlier
    mail.

    Args:
        lines: the lines of the mail.
        begin: number of the line.
        thread: the earlier mails.
    """
    line = lines[begin][:MAX_SEARCHED].strip()
    if _is_bare_rule(line):
        return 0
    if _is_separator(line):
        return 1 + _labels_below(lines, begin + 1)
    if _HEADING_SIGN.search(line) is None:
        return 0

    height = _header_block_height(lines, begin) or _attribution_height(lines, begin, line)
    if height == 0 and _introduces_thread(lines, begin, line, thread):
        return 1
    return height


def _is_bare_rule(line: str) -> bool:
    """Whether a line has dashes and nothing more, as most ruled lines have.

    Args:
        line: stripped.
    """
    return line.startswith(_RULE_SIGNS) and line.strip(" -_=*#") == ""


def _labels_below(lines: Sequence[str], begin: int) -> int:
    """Return how many lines below a separator belong to it: "From: Kim" and the empty lines around.

    Args:
        lines: the lines of the mail.
        begin: number of the first line below the separator.
    """
    height = 0
    near = lines[begin : begin + MAX_HEADER_BLOCK]
    for number, line in enumerate(near, 1):
        if not line:
            continue
        if label_of(line) == "":
            break
        height = number

    return height


def _is_separator(line: str) -> bool:
    """Whether a line separates the new text from an earlier mail.

    It announces the original ("----- Original Message -----") or a forwarded mail ("Begin forwarded
    message:"), or says that answers are to be written above it.

    Args:
        line: stripped. It begins with a rule or ends with a colon.
    """
    is_ruled = line.startswith(_RULE_SIGNS)
    low = line.lower()
    if is_ruled and ORIGINAL.match(low):
        return True

    is_heading = is_ruled or line.endswith(_COLONS)
    if not is_heading or len(line) >= MAX_BARE_HEADING:
        return False
    if FORWARDED.match(low):
        return True
    return is_ruled and _ABOVE_THIS_LINE.search(low) is not None


def _attribution_height(lines: Sequence[str], begin: int, first: str) -> int:
    """Return the height of "On Monday, Kim <kim@example.org> wrote:", 0 if the lines are no attribution.

    Args:
        lines: the lines of the mail.
        begin: number of the first line.
        first: the first line, stripped. Only if it begins like an attribution may others belong to it.
    """
    near = lines[begin : begin + MAX_ATTRIBUTION]
    if not any(map(_may_end_attribution, near)):
        return 0

    has_opener = _OPENER.match(first.lower()) is not None
    if not has_opener:
        near = near[:1]

    joined = ""
    for height, line in enumerate(near, 1):
        if line == "" or _is_quoted(line):
            break
        joined = f"{joined} {line.strip()}".lstrip(" ")
        if len(joined) > MAX_SEARCHED:
            break
        next_line = _next_line(lines, begin + height)
        is_ruled = joined.startswith(_HYPHENS) and joined.endswith(_HYPHENS)
        bare = joined.strip("- ") if is_ruled else joined
        if _is_attribution(bare, has_opener=has_opener, next_line=next_line):
            return height

    return 0


def _may_end_attribution(line: str) -> bool:
    """Whether a line has what every attribution has, which is fast to see: an address, or a colon at its end.

    Args:
        line: the line of the mail.
    """
    return "@" in line or line.endswith(_COLONS)


def _is_quoted(line: str) -> bool:
    """Whether a line is quoted, and not the end of an attribution that was broken before a ">".

    Args:
        line: the line of the mail.
    """
    return _QUOTE_MARK.match(line) is not None and _BROKEN_ATTRIBUTION.match(line) is None


def _introduces_thread(lines: Sequence[str], number: int, line: str, thread: ThreadText) -> bool:
    """Whether "Service desk wrote:", without time and address, is above the beginning of an earlier mail.

    Args:
        lines: the lines of the mail.
        number: the number of the line.
        line: the line, stripped.
        thread: the earlier mails.
    """
    if not thread or not line.endswith(_COLONS) or len(line) > MAX_BARE_HEADING:
        return False
    if not _WROTE.search(line.lower()):
        return False

    below = list(filter(None, lines[number + 1 : number + MAX_HEADER_BLOCK]))
    text = flattened(" ".join(below[:2]))
    return len(text) >= MIN_COMMON and text in thread.text


def _next_line(lines: Sequence[str], number: int) -> str:
    """Return the next line that is not empty, if it is one of three.

    Args:
        lines: the lines of the mail.
        number: the number of the first line that counts.
    """
    return next(filter(None, lines[number : number + 3]), "")


def _is_attribution(text: str, *, has_opener: bool, next_line: str) -> bool:
    """Whether a text is the attribution of a quote.

    - Without a colon at its end it needs everything: an opener, an address, a time, and a verb at its end.
    - With one and with a verb ("wrote") it needs an address, an opener with a date, or a quote right below
      it.
    - Without a verb it needs a time and a closing sign before the colon, or an opener with a date and a quote
      below it.

    Args:
        text: one or more lines, joined.
        has_opener: it begins like an attribution: "On ", a weekday, a digit.
        next_line: below it.
    """
    has_address = "@" in text
    has_clock = _CLOCK.search(text) is not None
    if not text.endswith(_COLONS):
        says_wrote = _WROTE_AT_END.search(text[-MAX_VERB:].lower()) is not None
        return all((has_opener, has_address, has_clock, says_wrote))

    is_above_quote = _QUOTE_MARK.match(next_line) is not None
    if not any((has_opener, has_address, is_above_quote)):
        return False  # whatever its verb: "We can offer:"

    has_date = has_opener and _DATE.search(text) is not None
    if _WROTE.search(text.lower()):
        is_short = len(text) < MAX_BARE_HEADING
        return any((has_address, has_date, is_above_quote and is_short))
    if has_clock and _CLOSED.search(text):
        return has_opener or is_above_quote
    return has_date and is_above_quote


def _header_block_height(lines: Sequence[str], begin: int) -> int:
    """Return the height of "From: ... Sent: ... To: ..." in any language, 0 if it is no such block.

    A block has the sender and MIN_FIELDS different fields. Single empty lines may be between the fields, and
    long fields may continue on lines without a label.

    Args:
        lines: the lines of the mail.
        begin: number of the first line.
    """
    if label_of(lines[begin]) == "":
        return 0

    fields: set[str] = set()
    last = begin
    for number, line in enumerate(lines[begin : begin + MAX_HEADER_BLOCK], begin):
        label = label_of(line)
        if label:
            fields.add(label)
            last = number
        elif line == "" and number > last + 1:
            break

    if "who" not in fields or len(fields) < MIN_FIELDS:
        return 0

    return last - begin + 1


def _mark_rule_above(lines: Sequence[str], kinds: list[LineKind], begin: int) -> None:
    """Mark a rule above a heading, which belongs to the quote.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
        begin: first line of the heading.
    """
    above = begin - 1
    while above >= 0 and not lines[above]:
        above -= 1
    if above >= 0 and _RULE.match(lines[above]):
        kinds[above] = LineKind.QUOTED


def _is_quote_marked(lines: Sequence[str], begin: int) -> bool:
    """Whether one of the next lines has a quote mark.

    Args:
        lines: the lines of the mail.
        begin: number of the first of MAX_GAP lines.
    """
    return any(map(_QUOTE_MARK.match, lines[begin : begin + MAX_GAP]))


def _mark_strays(lines: Sequence[str], kinds: list[LineKind], thread: ThreadText, *, is_note: bool) -> None:
    """Mark lines without a mark between two with one.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
        thread: the earlier mails.
        is_note: an agent wrote the mail, in which a line counts as quoted only if the thread has it.
    """
    if LineKind.QUOTED not in kinds:
        return

    stray = [LineKind.QUOTED, LineKind.NEW, LineKind.QUOTED]
    for number in range(1, len(lines) - 1):
        if kinds[number - 1 : number + 2] != stray:
            continue
        above, line, below = lines[number - 1 : number + 2]
        kind = stray_in_thread(above, line, thread, is_note=is_note)
        if kind is None:
            kind = _stray_kind(above, line, below)
            if is_note and kind is LineKind.QUOTED:
                kind = LineKind.DOUBTFUL
        kinds[number] = kind


def _stray_kind(above: str, line: str, below: str) -> LineKind:
    """Return what a line between two quoted ones is: the end of a broken line, or an answer in between.

    Args:
        above: the quoted line above. If it is empty, an answer begins below it.
        line: the line without a mark.
        below: the quoted line below. If it is empty, the answer ends above it.
    """
    begins_answer = above.strip("> ") == ""
    if begins_answer or not line:
        return LineKind.NEW

    first_word, _, _ = line.partition(" ")
    was_broken = len(above) + len(first_word) > MIN_BROKEN
    if was_broken and line[0].islower():
        return LineKind.QUOTED
    if below.strip("> ") == "":
        return LineKind.NEW
    return LineKind.DOUBTFUL


def _mark_repeated_claims(text: str, lines: Sequence[str], kinds: list[LineKind]) -> None:
    """Mark new lines that repeat what others said ("you said that ...") as doubtful.

    Args:
        text: the text of the mail.
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
    """
    low = text.casefold()
    for letters, phrases in _MARKS.you_said.items():
        # every phrase contains the letters, and a search for them alone is fast
        is_possible = letters in low and _has_any(low, phrases)
        if not is_possible:
            continue
        for number, line in enumerate(lines):
            is_new = kinds[number] is LineKind.NEW
            if is_new and _has_any(line.casefold(), phrases):
                kinds[number] = LineKind.DOUBTFUL


def _has_any(text: str, phrases: Iterable[str]) -> bool:
    """Whether a text contains one of these phrases.

    Args:
        text: in the case of the phrases.
        phrases: words, or single characters.
    """
    return any(phrase in text for phrase in phrases)


def _keep_something(lines: Sequence[str], kinds: list[LineKind]) -> None:
    """Mark lines as doubtful if nothing but a quote was found: an empty answer helps no one.

    The heading and lines with quote marks stay quoted, and so does all of a forwarded mail.

    Args:
        lines: the lines of the mail.
        kinds: the kinds of the lines; changed in place.
    """
    own = [line for line, kind in zip(lines, kinds, strict=True) if kind is not LineKind.QUOTED]
    is_all_quoted = len(own) < len(lines) and not any(own)
    if not is_all_quoted or _is_forwarded(lines):
        return

    filled = [number for number, line in enumerate(lines) if line]
    first = filled[0] if filled else 0
    height = max(1, _heading_height(lines, first, ThreadText()))
    for number in filled:
        is_below_heading = number >= first + height
        is_marked = _QUOTE_MARK.match(lines[number]) is not None
        if is_below_heading and not is_marked:
            kinds[number] = LineKind.DOUBTFUL


def _is_forwarded(lines: Sequence[str]) -> bool:
    """Whether one of the first lines announces a forwarded mail.

    Args:
        lines: the lines of the mail.
    """
    near = lines[:MAX_FORWARD_LINES]
    return any(FORWARDED.match(line[:MAX_SEARCHED].lower()) for line in near)
