"""Read the lines of an agent's note: join wrapped lines, recognise greetings and the cases that are named."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from followupd.domain.command import is_item, read_line
from followupd.domain.mail import Message
from followupd.errors import NotUnderstoodError
from followupd.languages import Catalogue, catalogue

_CASE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
#: a case, in brackets or as a list item, and the line about it
_CASE_AND_LINE = re.compile(
    r"\s*(?:[-*]\s+)?\[?(FU-[A-Z0-9]{5,12})\b\]?\s*[:,=-]?\s*(.*)", re.IGNORECASE | re.DOTALL
)
#: characters of a line that a mail client wrapped; most wrap at 65 to 78 columns, and a long word leaves less
MIN_WRAPPED = 45
#: in half of all signatures, where it is no command
_PHONE = "phone"
_WORDS = re.compile(r"[^\W_]+")
_QUOTE_MARK = re.compile(r"^\s{0,3}[>›»|｜＞]\s?")


def split_case(line: str) -> tuple[str, str]:
    """Split "FU-7K3Q9: complaint" into case and line; the case is "" if the line names none.

    Args:
        line: of a note about several cases.
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


def join_wrapped(lines: Sequence[str], languages: Catalogue | None = None) -> list[str]:
    """Join the lines that a mail client wrapped: a line without a command continues a long line above it.

    After a short line a person began a new one: "Thanks, Ana" does not continue the promise above it.

    Args:
        lines: of the note.
        languages: the languages of greetings; the shipped ones by default.
    """
    found: list[str] = []
    above = ""
    for line in lines:
        was_wrapped = len(above.rstrip()) >= MIN_WRAPPED
        if was_wrapped and ":" in found[-1] and _continues(line, languages):
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
        above = line

    return found


def _continues(line: str, languages: Catalogue | None) -> bool:
    """Whether a line may be the end of a wrapped one.

    Args:
        line: below a long line.
        languages: the languages of greetings.
    """
    if not line.strip() or _begins_command(line):
        return False
    return not is_courtesy(line, languages)


def _begins_command(line: str) -> bool:
    """Whether a line is a list item, or begins with a verb or with a word before a colon.

    Args:
        line: not empty.
    """
    if is_item(line):
        return True
    verb, colon, _ = line.partition(":")
    beginning = f"{verb}: x" if colon else line
    if _is_command(beginning):
        return True
    return ":" in line.split(" ", maxsplit=1)[0]


def _is_command(line: str) -> bool:
    """Whether a line is a command, about the case of the mail or about one that it names.

    Args:
        line: without the case that it is about.
    """
    try:
        read_line(line)
    except NotUnderstoodError:
        return False
    return True


@lru_cache(maxsize=8)
def _courtesies(languages: Catalogue) -> frozenset[str]:
    """Return the words with which greetings and thanks begin, of all languages.

    Args:
        languages: the shipped ones and those of the admin.
    """
    return frozenset[str]().union(*(language.answers.notes.courtesies for language in languages.all()))


def is_courtesy(line: str, languages: Catalogue | None = None) -> bool:
    """Whether a line is a greeting or thanks ("Hi Kim"), neither a command nor a mistake.

    Args:
        line: of the note.
        languages: the languages of greetings; the shipped ones by default.
    """
    words = line.casefold().split()
    if not words or ":" in line:
        return False
    first = words[0].strip(",.!-")
    return first in _courtesies(languages or catalogue())


def own_lines(message: Message) -> list[str]:
    """Return the lines that are certainly the agent's own: a possible quote is no command.

    Args:
        message: the note.
    """
    doubtful = set(message.doubtful)
    return [line for line in message.text.split("\n") if line.strip() not in doubtful]


def uncertain_commands(message: Message, thread: str) -> list[str]:
    """Return a problem for each command that may be quoted.

    Commands among quoted lines or in the signature count as well, unless the thread has them.

    Args:
        message: the note.
        thread: the text of the earlier mails, whose lines the agent may have quoted.
    """
    known = f" {_flat(thread)} "
    unmarked = [line for line in _unmarked_quotes(message) if f" {_flat(line)} " not in known]
    commands = [line for line in (*message.doubtful, *unmarked) if _is_command(split_case(line)[1])]
    why = (
        "stands among quoted lines or in a signature, so that nothing was done for it; "
        "if you mean it, write it above them"
    )
    return [f"{line!r} {why}" for line in dict.fromkeys(commands)]


def repeated_orders(lines: Sequence[str], words: str, offered: str) -> list[str]:
    """Return the lines that are commands and that somebody else has written.

    A mail client may quote without any mark, and the customer may have written what looks like an order. A line
    that the desk mail offers is the agent's, although the customer may have written it, too.

    Args:
        lines: of the note.
        words: what the customer wrote.
        offered: the desk mail; its quoted lines offer nothing.
    """
    written = {_compared(line) for line in words.splitlines()}
    running = f" {_compared(words)} "
    unquoted = {_compared(line) for line in offered.splitlines() if not _QUOTE_MARK.match(line)}
    found = []
    for line in lines:
        compared = _compared(split_case(line)[1])
        has_text = " " in compared
        is_repeated = compared in written or (has_text and f" {compared} " in running)
        if is_repeated and compared not in unquoted and _is_command(split_case(line)[1]):
            found.append(line)
    return found


def _compared(text: str) -> str:
    """Return a text without what mail clients change when they quote: marks, blanks, width, hidden signs.

    Args:
        text: one or more lines.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    shown = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return " ".join(_WORDS.findall(shown))


def _unmarked_quotes(message: Message) -> Iterator[str]:
    """Yield the lines that were taken for a quote, with at most one mark, and those of the signature.

    A line with several marks was quoted before, and is surely no command. Neither is a phone number in a
    signature.

    Args:
        message: the note.
    """
    for line in message.quoted.splitlines():
        bare = _QUOTE_MARK.sub("", line, count=1).strip()
        if _QUOTE_MARK.match(bare):
            continue
        yield bare

    for line in message.signature.splitlines():
        is_phone = line.strip().casefold().startswith(_PHONE)
        if not is_phone:
            yield line


def _flat(text: str) -> str:
    """Return a text without line breaks and case.

    Args:
        text: one or more lines.
    """
    return " ".join(text.casefold().split())
