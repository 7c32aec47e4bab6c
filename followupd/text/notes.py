"""Read an agent's note: which lines are orders, which come back, and which are free words for the history."""

import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import pairwise

from followupd.domain.command import FACT_VERBS, Form, form_of, line_shown, quoted
from followupd.domain.mail import Message
from followupd.domain.translatable import msg
from followupd.text.mail.signature import TRIM, is_farewell
from followupd.text.orders import (
    Grammar,
    Order,
    Piece,
    Remark,
    Speaker,
    Unclear,
    YesOrNo,
    bare_line,
    folded,
    of_kind,
)

_CASE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
#: a case, in brackets or as a list item, and the line about it
_CASE_AND_LINE = re.compile(
    r"\s*(?:[-*]\s+)?\[?(FU-[A-Z0-9]{5,12})\b\]?\s*[:：,=-]?\s*(.*)", re.IGNORECASE | re.DOTALL
)
#: characters of a line that a mail client wrapped; most wrap at 65 to 78 columns, and a long word leaves less
MIN_WRAPPED = 45
#: digits of a phone number by which it is known in a signature
_MIN_DIGITS = 6
#: characters of a line of a signature
_MAX_SIGNATURE = 80
#: words of a name after a farewell
_MAX_NAMES = 3
#: in half of all signatures, where it is ignored
_PHONE = "phone"
_WORDS = re.compile(r"[^\W_]+")
#: signs for which Roundcube writes letters when it quotes a page as text: "EUR5.00" for "€5.00"
_SIGNS = str.maketrans({"€": " EUR ", "©": " c ", "®": " r ", "™": " tm "})
_AMOUNT_BY_CODE = re.compile(r"\b(eur)(?=\d)")
#: the target of a link, as mail clients write it after its words
_LINK_TARGET = re.compile(r"<[^<>\s]{3,500}>|\[\d{1,2}\]|(?:https?|mailto|tel):\S{1,500}")
#: words on both sides of a change, which are as they were
_MIN_CONTEXT = 2
#: words of a change; more are another text
_MAX_CHANGE = 40
_QUOTE_MARK = re.compile(r"^\s{0,3}[>›»|｜＞]\s?")
#: what contradicts `dismiss`
_OF_COMPLAINTS = (
    *("complaint", "promised", "fixed", "approve", "promise", "firm", "estimate", "update"),
    *("refund", "credit", "coupon", "free-shipping", "replacement", "gift-card", "gesture"),
)
#: two orders that cannot both be meant
_OPPOSITES = frozenset(
    {
        frozenset({"approve", "refuse"}),
        frozenset({"hold", "release"}),
        frozenset({"reached", "not-reached"}),
        frozenset({"close", "hold"}),
        frozenset({"close", "complaint"}),
        *(frozenset({verb, "dismiss"}) for verb in _OF_COMPLAINTS),
    }
)
#: orders about one number that exclude each other
_OPPOSITES_BY_NUMBER = (
    {"kept", "late", "withdraw"},
    {"issued", "refused"},
    {"received", "missing"},
    {"choose", "withdraw-option"},
)
#: verbs that say one thing of a case, so that two of them in a note are one too many
_ONCE = FACT_VERBS | {"severity", "owner", "playbook", "choose", "hold", "away", "resolved", "settle"}


@dataclass(frozen=True, slots=True)
class Question:
    """The one question that a desk mail asks: the orders that yes and no mean, "" where one means none.

    A yes may mean several orders, one on each line.

    `by_consent`: whether "ok" and "go ahead" are a yes to it. `is_certain`: whether a yes says enough; to a reminder
    it may mean that it was seen.
    """

    yes: str
    no: str = ""
    by_consent: bool = True
    is_certain: bool = True

    def lines_of(self, reply: YesOrNo) -> list[str]:
        """Return the lines of the orders that a reply to this question means, [] for none.

        Args:
            reply: of the kinds "yes" and "no", or "agreed" for an "ok"; what it says besides is not looked at.
        """
        lines = {"yes": self.yes, "no": self.no, "agreed": self.yes if self.by_consent else ""}
        return list(filter(None, lines[reply.kind].split("\n"))) if self.is_certain else []


@dataclass(frozen=True, slots=True)
class ReadNote:
    """What a note says: the orders of each line, the lines that come back, and free words."""

    orders: tuple[tuple[Order, ...], ...] = ()
    back: tuple[Unclear, ...] = ()
    remark: str = ""


@dataclass(slots=True)
class _OpenNote:
    """A note while its lines are read."""

    #: the orders of each line, and each yes and no, in the order in which they were written
    said: list[list[Order] | YesOrNo] = field(default_factory=list)
    back: list[Unclear] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    #: whether the line before was an order, or answered the question
    after_order: bool = False


def read_note(
    lines: Sequence[str],
    grammar: Grammar,
    *,
    question: Question | None = None,
    signer: Speaker | None = None,
    may_be_empty: Sequence[str] = (),
) -> ReadNote:
    """Read the lines of a note about one case.

    Args:
        lines: as a mail client may have wrapped them.
        grammar: how agents speak.
        question: what the note answers, where that is one question.
        signer: the agent who wrote the note, whose signature is no order.
        may_be_empty: verbs that may be left empty, as they were offered.
    """
    joined = join_wrapped(lines, grammar)
    end = _signature_start(joined, grammar, signer)
    reading = _OpenNote()

    for line in joined[:end]:
        if not grammar.left_empty(line, may_be_empty):
            _read_line(line, grammar, question, reading)

    orders = _explained(question, reading)
    reading.back += _orders_below(joined[end:], grammar)
    return _without_contradictions(orders, reading)


def _read_line(line: str, grammar: Grammar, question: Question | None, reading: _OpenNote) -> None:
    """Add what one line says to the reading; a line that it depends on comes back.

    Args:
        line: a line of a note.
        grammar: how agents speak.
        question: what the note answers, where that is one question.
        reading: the note as far as it was read; it is changed in place.
    """
    pieces = [_reply_or_remark(piece, grammar, question) for piece in grammar.read(line)]
    orders = of_kind(pieces, Order)
    remarks = [remark.text for remark in of_kind(pieces, Remark)]

    if (
        remarks
        and reading.after_order
        and not orders
        and _speaks_against(reading.said[-1], remarks[0], grammar)
    ):
        reading.back.append(_depends(reading.said.pop(), remarks[0]))
        reading.after_order = False
        return

    if orders:
        reading.said.append([replace(order, line=line.strip()) for order in orders])
    replies = of_kind(pieces, YesOrNo)
    reading.said += replies

    answered = bool(orders) or any(_meant(reply, question) for reply in replies)
    reading.after_order = answered or (reading.after_order and not pieces)
    reading.remarks += remarks
    reading.back += [replace(unclear, line=line.strip()) for unclear in of_kind(pieces, Unclear)]


def _speaks_against(said: Sequence[Order] | YesOrNo, words: str, grammar: Grammar) -> bool:
    """Return whether the words below a line make it depend on something, take it back, or say the opposite.

    Args:
        said: the orders of the line, or the yes or no that it is.
        words: free words below it.
        grammar: how agents speak.
    """
    orders = [] if isinstance(said, YesOrNo) else said
    return grammar.takes_back(words) or grammar.names_other_value(orders, words)


def _depends(said: Sequence[Order] | YesOrNo, condition: str) -> Unclear:
    """Return that a line comes back for the words below it.

    Args:
        said: the orders of the line, or the yes or no that it is.
        condition: the words, such as "but change the date first".
    """
    line = said.line if isinstance(said, YesOrNo) else said[0].line
    return Unclear(
        f"{line}\n{condition}", msg("{line} depends on what you wrote below it", line=quoted(line))
    )


def _reply_or_remark(piece: Piece, grammar: Grammar, question: Question | None) -> Piece:
    """Return a reply to no question as the remark that it is; "no answer, tried twice" denies nothing.

    Args:
        piece: a piece of a line.
        grammar: how agents speak.
        question: what the note answers, where that is one question.
    """
    if isinstance(piece, YesOrNo) and piece.rest and question is None:
        return grammar.free(piece.line)
    return piece


def _explained(question: Question | None, reading: _OpenNote) -> list[list[Order]]:
    """Return the orders of a note in which each yes and no stands for the orders that it means, in its place.

    Where they mean none, they come back or change nothing.

    Args:
        question: what the note answers, where that is one question.
        reading: the note; what comes back and free words are added to it.
    """
    says_more = bool(reading.back or reading.remarks) or any(isinstance(each, list) for each in reading.said)
    orders: list[list[Order]] = []
    for said in reading.said:
        if not isinstance(said, YesOrNo):
            orders.append(said)
        elif meant := _meant(said, question):
            orders += [[order] for order in meant]
            if said.kind == "no" and said.rest and not meant[0].text:
                reading.remarks.append(said.rest)
        elif question or not says_more:
            reading.back.append(Unclear(said.line, _expected_reply(said, question)))
    return orders


def _meant(reply: YesOrNo, question: Question | None) -> list[Order]:
    """Return the orders that a reply means, none where it means none for certain.

    Args:
        reply: a yes or a no.
        question: what the note answers, where that is one question.
    """
    is_no = reply.kind == "no"
    if question is None or (reply.rest and not is_no):
        return []
    meant = [line.partition(":") for line in question.lines_of(reply)]
    return [
        Order(verb, reply.rest if verb == "refuse" else text.strip(), reply.line) for verb, _, text in meant
    ]


def _expected_reply(reply: YesOrNo, question: Question | None) -> str:
    """Return what to say instead of a reply that means nothing for certain.

    Args:
        reply: a yes or a no.
        question: what the note answers, where that is one question.
    """
    line = quoted(reply.line)
    if question is None:
        return msg("{line} answers no single question; say what you mean as a line", line=line)
    if not question.is_certain:
        return msg("{line} does not say for certain what became of it; one of the lines does", line=line)
    if not question.no:
        return msg("{line} is not clear enough; expected {yes}", line=line, yes=line_shown(question.yes))

    no = "refuse: why" if question.no == "refuse" else question.no
    return msg(
        "{line} is more than a yes or a no; expected {yes} or {no}",
        line=line,
        yes=line_shown(question.yes),
        no=line_shown(no),
    )


# --- contradictions ---


def _without_contradictions(spoken: Sequence[Sequence[Order]], reading: _OpenNote) -> ReadNote:
    """Return the reading; lines that contradict each other come back, and the same order counts once.

    Args:
        spoken: the orders of each line.
        reading: the note, with what else it says.
    """
    orders = list(dict.fromkeys(map(tuple, spoken)))

    wrong = {id(group): other[0].line for group in orders for other in orders if _contradict(group, other)}
    wrong |= {
        id(group): denial.line for group in orders for denial in reading.back if _is_denied(group, denial)
    }
    back = list(reading.back)
    for group in orders:
        if id(group) in wrong:
            other = wrong[id(group)]
            problem = msg("{line} contradicts {other}", line=quoted(group[0].line), other=quoted(other))
            back.append(Unclear(group[0].line, problem))

    done = tuple(group for group in orders if id(group) not in wrong)
    return ReadNote(done, tuple(back), "\n".join(reading.remarks))


def _is_denied(group: Sequence[Order], denial: Unclear) -> bool:
    """Return whether a line says that something is not so which the orders of another line say: "not fixed yet".

    Args:
        group: the orders of one line.
        denial: a line that comes back; what it says of other numbers denies nothing.
    """
    denied = set(re.findall(r"\d+", denial.line))
    return any(
        order.verb == denial.denies
        and not (denied and _numbers(order) and denied.isdisjoint(_numbers(order)))
        for order in group
    )


def _contradict(group: tuple[Order, ...], other: tuple[Order, ...]) -> bool:
    """Return whether two lines, or two orders of one line, cannot both be meant.

    Args:
        group: the orders of one line.
        other: another order, or the same one.
    """
    if group is other:
        return any(_excludes(a, b) for n, a in enumerate(group) for b in group[n + 1 :])
    return any(_excludes(a, b) for a in group for b in other)


def _excludes(one: Order, other: Order) -> bool:
    """Return whether two orders cannot both be meant.

    Args:
        one: an order.
        other: another order, or the same one.
    """
    if one.verb == other.verb:
        return one.verb in _ONCE and one.text != other.text
    both = frozenset({one.verb, other.verb})
    if any(both <= verbs for verbs in _OPPOSITES_BY_NUMBER):
        mine, theirs = _numbers(one), _numbers(other)
        return not mine or not theirs or not mine.isdisjoint(theirs)
    return both in _OPPOSITES


def _numbers(order: Order) -> set[str]:
    """Return the numbers that an order is about, none where it is about all.

    Args:
        order: an order.
    """
    if form_of(order.verb) is Form.NUMBER:
        return set(re.findall(r"\d+", order.text))
    return set(re.findall(r"^\d+", order.text))


# --- signatures ---


def _signature_start(lines: Sequence[str], grammar: Grammar, signer: Speaker | None) -> int:
    """Return the number of the first line of the signature, how many lines there are where it has none.

    Args:
        lines: the lines of a note.
        grammar: how agents speak.
        signer: the agent who wrote the note, None where that is not known.
    """
    for number, line in enumerate(lines):
        if number and not grammar.is_order(line) and _closes(line, grammar, signer):
            return number
    return len(lines)


def _closes(line: str, grammar: Grammar, signer: Speaker | None) -> bool:
    """Return whether a line is a farewell, or names the signer, or both: "BR, Ana".

    Args:
        line: a line of a note.
        grammar: how agents speak.
        signer: the agent who wrote the note, None where that is not known.
    """
    if is_farewell(line) or (signer is not None and _signs(line, grammar, signer)):
        return True
    farewell, comma, name = line.partition(",")
    return bool(comma) and is_farewell(farewell) and len(name.split()) <= _MAX_NAMES


def _signs(line: str, grammar: Grammar, signer: Speaker) -> bool:
    """Return whether a line is the signer's name, initials, address or phone, or the company's name.

    Args:
        line: a line of a note.
        grammar: how agents speak.
        signer: the agent who wrote the note, None where that is not known.
    """
    words = folded(line.strip(TRIM))
    if not words or len(line) > _MAX_SIGNATURE:
        return False

    name = folded(signer.name)
    initials = "".join(part[0] for part in name.split())
    is_initials = words.replace(".", "").replace(" ", "") in {initials, initials[:1]}
    if (
        is_initials
        or words in {name, *name.split(), folded(signer.id)}
        or re.match(rf"{re.escape(name)}\b", words)
    ):
        return True
    if signer.email.lower() in line.lower() or _has_phone(line, signer):
        return True

    return any(words.startswith(folded(company)) for company in grammar.companies if folded(company))


def _has_phone(line: str, signer: Speaker) -> bool:
    """Return whether a line has the last digits of the signer's phone, and is not the order that says a phone.

    Args:
        line: a line of a note; numbers are compared without the signs between the digits.
        signer: the agent who wrote the note.
    """
    digits, phone = (re.sub(r"\D", "", text) for text in (line, signer.phone))
    return len(phone) >= _MIN_DIGITS and phone[-_MIN_DIGITS:] in digits and not _names_phone(line)


def _names_phone(line: str) -> bool:
    """Return whether a line is the order that says the customer's phone.

    Args:
        line: a line of a note.
    """
    return line.strip().casefold().startswith(_PHONE)


def _orders_below(lines: Sequence[str], grammar: Grammar) -> Iterator[Unclear]:
    """Yield the orders in and below a signature, of which nothing is done.

    Args:
        lines: the lines of a note.
        grammar: how agents speak.
    """
    for line in lines:
        if grammar.is_order(line) and not grammar.is_boilerplate(line):
            yield Unclear(
                line.strip(), msg("{line} stands below your name, where I do nothing", line=quoted(line))
            )


# --- cases, wrapped lines, quotes ---


def split_case(line: str) -> tuple[str, str]:
    """Split "FU-7K3Q9: complaint" into case and line; the case is "" if the line names none.

    Args:
        line: the line of a note about several cases.
    """
    found = _CASE_AND_LINE.fullmatch(line)
    if found is None:
        return "", line.strip()
    case, rest = found.groups()
    return case.upper(), rest.strip()


def cases_in(text: str) -> list[str]:
    """Return the cases that a text names, each once, in its order.

    Args:
        text: such as a digest.
    """
    return list(dict.fromkeys(_CASE.findall(text)))


def join_wrapped(lines: Sequence[str], grammar: Grammar | None = None) -> list[str]:
    """Join the lines that a mail client wrapped: a line without an order continues a long order above it.

    After a short line a person began a new one: "Thanks, Ana" does not continue the promise above it.

    Args:
        lines: the lines of the note.
        grammar: how agents speak; the shipped languages by default.
    """
    known = grammar or Grammar()
    found: list[str] = []
    above = ""
    for line in lines:
        was_wrapped = len(above.rstrip()) >= MIN_WRAPPED
        if was_wrapped and known.begins_order(split_case(found[-1])[1]) and _continues(line, known):
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
        above = line

    return found


def _continues(line: str, grammar: Grammar) -> bool:
    """Return whether a line below a long one may be its end.

    Args:
        line: a line of a note.
        grammar: how agents speak.
    """
    if not line.strip() or grammar.begins_order(line) or split_case(line)[0]:
        return False
    if ":" in line.split(" ", maxsplit=1)[0]:
        return False
    return not grammar.is_courtesy(line) and not is_farewell(line)


def own_lines(message: Message) -> list[str]:
    """Return the lines that are certainly the agent's own: a possible quote is no order.

    Args:
        message: the note.
    """
    doubtful = set(message.doubtful)
    return [line for line in message.text.split("\n") if line.strip() not in doubtful]


def filled_in(message: Message, desk_text: str, thread: str, grammar: Grammar) -> list[str]:
    """Return the lines that were offered empty and have a value in the quote, which so is no quote any more.

    Args:
        message: the note.
        desk_text: the text of the desk mail that it answers.
        thread: the text of the earlier mails; what they say is a quote.
        grammar: how agents speak.
    """
    slots = {_slot(line, grammar) for line in desk_text.splitlines() if _is_open(line, grammar)} - {None}
    known = f" {_flat(thread)} "
    repeated = join_wrapped(quoted_lines(message), grammar) if slots else []
    found = []
    for line in dict.fromkeys([*repeated, *message.doubtful]):
        is_new = _slot(line, grammar) in slots and f" {_flat(line)} " not in known
        if is_new and not _is_open(line, grammar) and grammar.is_order(split_case(line)[1]):
            found.append(line.strip())
    return found


def placed_lines(message: Message, cases: Collection[str], thread: str) -> list[str]:
    """Return an agent's own lines; one that stands in the quote below the line of a case has the case before it.

    Args:
        message: the note.
        cases: those of the desk mail.
        thread: the text of the earlier mails, whose broken lines look like answers.
    """
    known, own = f" {_flat(thread)} ", set(own_lines(message))
    between = deque(message.between)
    found = []
    for line in message.text.split("\n"):
        above = between.popleft()[0] if between and between[0][1] == line.strip() else ""
        named = [case for case in cases_in(above.strip().rpartition("\n\n")[2]) if case in cases]
        whole = " ".join([*above.splitlines()[-1:], line])
        was_broken = f" {_flat(whole)} " in known
        if named and not split_case(line)[0] and not was_broken:
            found.append(f"{named[-1]}: {line.strip()}")
        elif line in own:
            found.append(line)
    return found


def _slot(line: str, grammar: Grammar) -> tuple[str, str, str] | None:
    """Return case, verb and number of a line with a verb and a colon, None of any other.

    Args:
        line: a line of a note.
        grammar: how agents speak.
    """
    case, rest = split_case(line)
    bare = bare_line(rest)
    if case and not bare:
        return case, "", ""

    label, colon, text = bare.partition(":")
    order = grammar.verb_of(label)
    if not colon or order is None:
        return (case, "", "") if case and grammar.is_order(bare) else None
    number = re.match(r"\s*#?(\d{1,4})", text) if form_of(order) is Form.NUMBER_AND_TEXT else None
    return case, order, number[1] if number else ""


def _is_open(line: str, grammar: Grammar) -> bool:
    """Return whether a line was offered to be filled in.

    Args:
        line: a line of a note.
        grammar: how agents speak.
    """
    _, rest = split_case(line)
    _, colon, text = bare_line(rest).partition(":")
    if not bare_line(rest):
        return True
    blanks = grammar.words("until", "because")
    words = list(map(folded, re.sub(r"\.{2,}|…|_{2,}|^\s*\d{1,4}", " ", text).split()))
    return bool(colon) and " ".join(words) in {"", *blanks, *(f"{a} {b}" for a in blanks for b in blanks)}


def uncertain_orders(
    message: Message, thread: str, grammar: Grammar, taken: Sequence[str] = ()
) -> list[Unclear]:
    """Return each order that may be quoted, of which nothing is done.

    Orders among quoted lines or in the signature count as well, unless the thread has them.

    Args:
        message: the note.
        thread: the text of the earlier mails, whose lines the agent may have quoted.
        grammar: how agents speak.
        taken: lines in the quote that are orders all the same (`filled_in`).
    """
    known = f" {_flat(thread)} "
    candidates = [*message.doubtful, *_unmarked_quotes(message, grammar)]
    found = []
    for line in dict.fromkeys(candidates):
        may_be_own = line in message.doubtful and not grammar.is_boilerplate(line)
        # mail clients make list marks of their own out of ours: "* refund: 25 EUR" for "- refund: 25 EUR"
        forms = (_flat(line), _flat(bare_line(line)))
        is_quoted = not may_be_own and any(f" {form} " in known for form in forms)
        is_taken = any(line.strip() and line.strip() in other for other in taken)
        if not is_quoted and not is_taken and grammar.is_order(split_case(line)[1]):
            why = msg(
                "{line} stands among quoted lines or in a signature, so that nothing was done for it; "
                "if you mean it, write it above them",
                line=quoted(line),
            )
            found.append(Unclear(line.strip(), why))
    return found


def repeated_orders(lines: Sequence[str], words: str, offered: str, grammar: Grammar) -> list[str]:
    """Return the lines that are orders and that somebody else has written.

    A mail client may quote without any mark, and the customer may have written what looks like an order. A line
    that the desk mail offers is the agent's, although the customer may have written it, too.

    Args:
        lines: the lines of the note.
        words: what the customer wrote.
        offered: the desk mail; its quoted lines offer nothing.
        grammar: how agents speak.
    """
    written = set(map(_compared, words.splitlines()))
    running = f" {_compared(words)} "
    unquoted = {_compared(line) for line in offered.splitlines() if not _QUOTE_MARK.match(line)}
    found = []
    for line in lines:
        compared = _compared(split_case(line)[1])
        has_text = " " in compared
        is_repeated = compared in written or (has_text and f" {compared} " in running)
        if is_repeated and compared not in unquoted and _orders(split_case(line)[1], grammar):
            found.append(line)
    return found


def _orders(line: str, grammar: Grammar) -> bool:
    """Return whether there is an order, a yes or a no in a line.

    Args:
        line: a line of a note.
        grammar: how agents speak.
    """
    return any(isinstance(piece, Order | YesOrNo) for piece in grammar.read(line))


def _compared(text: str) -> str:
    """Return a text without what mail clients change when they quote: marks, blanks, width, hidden signs.

    Args:
        text: one or more lines.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_SIGNS)).casefold()
    plain = _AMOUNT_BY_CODE.sub(r"\1 ", plain)
    shown = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return " ".join(_WORDS.findall(shown))


def _unmarked_quotes(message: Message, grammar: Grammar) -> Iterator[str]:
    """Yield the lines that were taken for a quote, with at most one mark, and those of the signature.

    A phone number or a slogan in a signature is no order.

    Args:
        message: the note.
        grammar: how agents speak.
    """
    yield from _unmarked(message.quoted)
    for line in message.signature.splitlines():
        if not grammar.is_boilerplate(line):
            yield line


def quoted_lines(message: Message) -> list[str]:
    """Return the lines of the mail that a note quotes, without their marks.

    Args:
        message: the note.
    """
    return list(_unmarked(message.quoted))


def edited_in_quote(message: Message, shown: str) -> tuple[str, str]:
    """Return what an agent has changed in a letter that the mail quotes, and what stood there; both "" for nothing.

    What a mail client leaves out at the ends, and the targets of links that it adds, is no change.

    Args:
        message: the note.
        shown: the letter, as the desk mail shows it.
    """
    quote = _numbered_words(message.quoted)
    letter = [word for word, _ in _numbered_words(shown)]
    matcher = SequenceMatcher(None, letter, [word for word, _ in quote], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= _MIN_CONTEXT]
    for before, after in pairwise(blocks):
        old, new = letter[before.a + before.size : after.a], quote[before.b + before.size : after.b]
        goes_on = quote[before.b + before.size - 1][1] == quote[after.b][1]
        if _is_change(old, new, goes_on=goes_on):
            return " ".join(word for word, _ in new), " ".join(old)
    return "", ""


def _numbered_words(text: str) -> list[tuple[str, int]]:
    """Return the words of a text, each with the number of its line.

    Args:
        text: a letter, or a quote of it; the targets of links are left out.
    """
    return [
        (word, number)
        for number, line in enumerate(text.splitlines())
        for word in _compared(_LINK_TARGET.sub(" ", line)).split()
    ]


def _is_change(old: Sequence[str], new: Sequence[tuple[str, int]], *, goes_on: bool) -> bool:
    """Return whether an agent has changed words of a quote.

    Args:
        old: the words of the letter between two places where both agree.
        new: those of the quote.
        goes_on: the words around them stand on one line of the quote: whole lines are left out by habit.
    """
    is_long = len(old) > _MAX_CHANGE or len(new) > _MAX_CHANGE
    return bool(new or (old and goes_on)) and not is_long


def _unmarked(quoted: str) -> Iterator[str]:
    """Yield lines of a quote without their mark.

    One with several marks was quoted before, and is no order.

    Args:
        quoted: the quote, with its marks.
    """
    for line in quoted.splitlines():
        bare = _QUOTE_MARK.sub("", line, count=1).strip()
        if not _QUOTE_MARK.match(bare):
            yield bare


def _flat(text: str) -> str:
    """Return a text without line breaks and case.

    Args:
        text: one or more lines.
    """
    return " ".join(text.casefold().split())
