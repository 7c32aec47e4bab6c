"""Commands: what agents say by tag, folder, note or `followupd tell`, in one grammar of a verb and a text."""

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import Enum, auto

from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError

#: who gave an order by a tag or a move, which IMAP does not record
UNKNOWN_ACTOR = "someone with access to the mailbox"
#: why a complaint is one that an agent opened; the history stores it
CALLED_A_COMPLAINT = "an agent called it a complaint"
#: verbs that state a fact of the same name, with "_" for "-"
FACT_VERBS = frozenset(
    {
        "issue",
        "impact",
        "wants",
        "cause",
        "resolution",
        "prevention",
        "phone",
        "fault",
        "cause-code",
        "no-gift",
        "loss",
        "resolved",
    }
)

#: every verb, and the form of its text; "" for a verb without one
VERBS: dict[str, str] = {
    "complaint": "",
    "dismiss": "",
    "hold": "[until when]",
    "release": "",
    "close": "",
    "promised": "",
    "none": "",
    "fixed": "",
    "approve": "",
    "reached": "[how]",
    "not-reached": "[why]",
    "refuse": "why",
    "promise": "what by when",
    "firm": "what by when",
    "estimate": "what by when",
    "update": "what by when",
    "kept": "[number]",
    "late": "number until when because why",
    "withdraw": "number because why",
    "refund": "amount",
    "credit": "amount",
    "coupon": "code or what",
    "free-shipping": "[what]",
    "replacement": "what",
    "gift-card": "amount",
    "gesture": "what",
    "issued": "[number]",
    "refused": "number",
    "received": "[number]",
    "missing": "[number]",
    "option": "what by when",
    "choose": "number",
    "withdraw-option": "[number] [because why]",
    "issue": "text",
    "impact": "text",
    "wants": "text",
    "cause": "text",
    "resolution": "text",
    "prevention": "text",
    "phone": "phone number",
    "fault": "ours | shared | not-ours | unknown",
    "cause-code": "code",
    "no-gift": "why",
    "loss": "amount",
    "severity": "low | normal | high",
    "owner": "agent",
    "customer": "address",
    "playbook": "name",
    "settle": "sent | resend | drop",
    "note": "text",
    "resolved": "in-favour | partly | not",
    "ask": "department by when: question",
    "answered": "number",
    "action": "what by when owner agent",
    "away": "until when",
    "undo": "",
    "help": "",
    "show": "[case | customer's address | today]",
    "today": "",
}

#: verbs that only look something up, about any case or none, and change nothing
LOOK_UPS = frozenset({"help", "show", "today"})
#: verbs that concern no case: the look-ups, and what an agent says of the own absence
WITHOUT_CASE = frozenset({*LOOK_UPS, "away"})

#: verbs whose text may be left out
OPTIONAL = frozenset(
    {
        "hold",
        "show",
        "reached",
        "not-reached",
        "withdraw-option",
        "kept",
        "free-shipping",
        "issued",
        "refuse",
        "received",
        "missing",
    }
)

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z-]{1,30})\s*(?::\s*(.*))?", re.DOTALL)
#: "- kept: 1", "1. hold": a mark counts only at the beginning of a line, and not before a sign of its own
LIST_MARK = re.compile(r"\s*(?:[-*•·–—‣◦▪]|\d{1,2}[.)])\s+(?=\S)")
#: "kept 1", "refund 25 EUR", "late 2 until Friday": with a number right after the verb, no colon is needed
_COUNTED = re.compile(r"([A-Za-z][A-Za-z-]{1,30})\s+([€$£]?\s?\d.*)", re.DOTALL)
#: how Thunderbird encodes a byte in the name of a tag
_ESCAPED = re.compile(r"(=[0-9a-f]{2})", re.IGNORECASE)


class Form(Enum):
    """What a verb takes."""

    NONE = auto()
    #: numbers of promises or compensation: "kept: 1, 2"
    NUMBER = auto()
    #: a number, and words after it: "late: 1 until Friday because ..."
    NUMBER_AND_TEXT = auto()
    AMOUNT = auto()
    #: one of a few values, or the name of something that is configured
    VALUE = auto()
    OPTIONAL_TEXT = auto()
    TEXT = auto()


#: verbs whose text names something that is configured
_NAMING = frozenset({"owner", "playbook", "cause-code"})
#: what a verb takes, by the form of its text; any other form with a choice is a value, and without one words
_FORMS = {
    "": Form.NONE,
    "number": Form.NUMBER,
    "[number]": Form.NUMBER,
    VERBS["late"]: Form.NUMBER_AND_TEXT,
    VERBS["withdraw"]: Form.NUMBER_AND_TEXT,
    VERBS["withdraw-option"]: Form.NUMBER_AND_TEXT,
    "amount": Form.AMOUNT,
    VERBS["show"]: Form.OPTIONAL_TEXT,
    **dict.fromkeys((VERBS[verb] for verb in _NAMING), Form.VALUE),
}


def form_of(verb: str) -> Form:
    """Return what a verb takes."""
    form = VERBS[verb]
    words = Form.OPTIONAL_TEXT if verb in OPTIONAL else Form.TEXT
    if " | " in form and form not in _FORMS:
        return Form.VALUE
    return _FORMS.get(form, words)


def needs_text(verb: str) -> bool:
    """Return whether a verb says nothing without a text."""
    return bool(VERBS[verb]) and verb not in OPTIONAL


#: verbs whose text is one of a few values
VALUE_VERBS = frozenset(verb for verb in VERBS if form_of(verb) is Form.VALUE) - _NAMING


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that an agent said about a case.

    `source` is tag, folder, note or tell. `actor` is who said it, as far as that is known: IMAP does not tell
    who set a tag. `agent` is the agent's id, only where the identity is proved, else "". `asked_at` is when the
    mail was written whose question it answers: what came to wait later is not meant. None without such a mail.
    """

    verb: str
    text: str
    actor: str
    source: str
    agent: str = ""
    asked_at: datetime | None = None

    @property
    def line(self) -> str:
        """The command as a line of a note."""
        if not self.text:
            return self.verb
        return f"{self.verb}: {self.text}"


@dataclass(frozen=True, slots=True)
class Request:
    """What `ask` asks a department: "warehouse by Friday: is the parcel back on the shelf?".

    `when` is the agent's words for the date ("by Friday"), "" where none was given.
    """

    helper: str
    when: str
    question: str


#: the department's id is one word, and the date stands between it and the colon
_SHORT_REQUEST = re.compile(r"(\S[^\s:,]{0,60})[\s,:]\s{0,9}(\S.*)", re.DOTALL)
_REQUEST = re.compile(
    r"(\S[^\s:,]{0,60})\s{0,9}(?:[\s,]\s{0,9}([^:]{0,90}(?:\d:\d\d[^:]{0,90}){0,4}))?:\s+(\S.*)", re.DOTALL
)


class OrderForm(str):
    """What a line with a verb looks like, in quotation marks; a language says it in its own words."""

    __slots__ = ()


def form_shown(verb: str) -> OrderForm:
    """Return what a line with this verb looks like, for a sentence that an agent is told."""
    return OrderForm(quoted(expected(verb)))


def line_shown(line: str) -> OrderForm:
    """Return an order in quotation marks, for a sentence that an agent is told: "refund: 25 EUR".

    Args:
        line: with a verb of VERBS. A mail in another language says the verb in that one, and keeps the words.
    """
    return OrderForm(quoted(line))


def read_request(text: str, known: Container[str] = ()) -> Request:
    """Split the text of `ask` into department, date and question, which stays as it was written.

    Args:
        text: what is after "ask:"; the date is not read here, because that needs the language and the
            calendar.
        known: the ids of departments. After one of them a question needs no colon.

    Raises:
        NotUnderstoodError: there is no question, or no department before it.
    """
    found = _REQUEST.fullmatch(text.strip())
    short = None if found else _SHORT_REQUEST.fullmatch(text.strip())
    if short and short[1].casefold() in known and short[2].rstrip().endswith("?"):
        return Request(short[1].casefold(), "", short[2])
    if found is None:
        problem = msg(
            "{line} asks nobody or nothing; expected {form}",
            line=line_shown(f"ask: {text}"),
            form=form_shown("ask"),
        )
        raise NotUnderstoodError(problem)

    helper, when, question = found.groups()
    return Request(helper.casefold(), (when or "").strip(), question)


def quoted(words: str) -> str:
    """Return what was written in quotation marks, as it was written."""
    return f"'{words}'"


def expected(verb: str) -> str:
    """Return what a line with this verb looks like: "late: number until when because why"."""
    form = VERBS[verb]
    if not form:
        return verb
    return f"{verb}: {form}"


def read_line(line: str) -> tuple[str, str]:
    """Split one line of a note into verb and text.

    Args:
        line: with or without a list mark; the verb in any case, with a space or a hyphen between its words.

    Returns:
        A verb of VERBS, and its text without white space around it, "" for none.

    Raises:
        NotUnderstoodError: with what was expected, for the agent who wrote the line.
    """
    verb, text = _split(line)
    shown = quoted(line.strip())
    if verb not in VERBS:
        raise NotUnderstoodError(f"{shown} is not a line I know. {_hint(line)}")

    form = VERBS[verb]
    if text and not form:
        raise NotUnderstoodError(f"{shown} says more than {verb!r} can take; expected {verb!r} alone.")

    if needs_text(verb) and not text:
        raise NotUnderstoodError(f"{shown} lacks something; expected {expected(verb)!r}.")
    return verb, text


def _split(line: str) -> tuple[str, str]:
    """Return the verb in lower case and the text of a line, both "" when it has another form."""
    found = _LINE.fullmatch(_tidied(line))
    if found is None:
        return "", ""

    verb, text = found[1], found[2] or ""
    return verb.lower(), text.strip()


def _tidied(line: str) -> str:
    """Return a line without its list mark, and with the hyphen and the colon that people leave out."""
    bare = line.strip()
    mark = LIST_MARK.match(bare)
    bare = bare[mark.end() :] if mark else bare

    head, colon, rest = bare.partition(":")
    verb = "-".join(head.lower().split())
    if verb in VERBS:
        return f"{verb}{colon}{rest}"

    counted = _COUNTED.fullmatch(bare)
    if counted and VERBS.get(counted[1].lower()):
        return f"{counted[1]}: {counted[2]}"
    return bare


def _hint(line: str) -> str:
    """Return what may have been meant, else all verbs."""
    words = line.lower().replace(":", " ").split()
    candidates = ["-".join(words[:2]), *words[:1]]

    for candidate in candidates:
        similar = get_close_matches(candidate, VERBS, 1, 0.8)
        if similar:
            return f"Did you mean {expected(similar[0])!r}?"
    return f"I know: {', '.join(VERBS)}."


def line_for(pattern: str, line: str, said: str) -> str | None:
    """Return the line that a tag means, or None when the pattern does not fit.

    Keywords are compared without case (RFC 9051, 2.3.2). A tag whose name has blanks in the mail client means
    the same as one with hyphens: Thunderbird stores "Not complaint" as `not=20complaint`, older versions as
    `not_complaint`.

    Args:
        pattern: a keyword; when it ends in `*`, what the `*` matches replaces `{}` in `line`.
        line: the line that the tag means.
        said: the keyword on the mail.
    """
    found = _matched_line(pattern, line, said)
    if found is not None:
        return found

    return _matched_line(pattern.replace("_", "-"), line, _with_hyphens(said))


def _matched_line(pattern: str, line: str, keyword: str) -> str | None:
    """Return the line for a keyword that fits the pattern as it is, or None."""
    if not pattern.endswith("*"):
        same = keyword.casefold() == pattern.casefold()
        return line if same else None

    stem = pattern[:-1]
    rest = keyword[len(stem) :]
    if rest and keyword.casefold().startswith(stem.casefold()):
        return line.replace("{}", rest)
    return None


def spoken(tag: str) -> str:
    """Return a tag's name as people see it: Thunderbird stores "fällig" as "f=c3=a4llig"."""
    data = b""
    for piece in _ESCAPED.split(tag):
        if _ESCAPED.fullmatch(piece):
            data += bytes.fromhex(piece[1:])
        else:
            data += piece.encode("utf-8", "replace")
    return data.decode("utf-8", "replace")


def _with_hyphens(tag: str) -> str:
    """Return the name of a tag with hyphens for blanks and underscores."""
    return re.sub(r"[\s_-]+", "-", spoken(tag))
