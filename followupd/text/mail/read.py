"""Read one mail whole: the front door of the chapter."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from followupd.domain.mail import Bounce, Identity, Kind, Message, Person
from followupd.text.mail.absence import back_on
from followupd.text.mail.body import Body, body_of
from followupd.text.mail.bounce import bounce_of, complaint_of
from followupd.text.mail.forwarded import forwarded_from
from followupd.text.mail.headers import Headers, ParsedAddress, mailboxes, message_ids, moment
from followupd.text.mail.kind import CASE, forged, kind_of, no_answer
from followupd.text.mail.new_words import NewWords, new_words
from followupd.text.mail.parse import ParsedMail, UnreadableError, take_apart

Value = TypeVar("Value")

_NULL = "\0"


def sound(value: Value) -> Value:
    """Return the value with U+FFFD in the place of what cannot be written down; sound values come back as they are."""
    texts: list[str] = []
    _gather([value], texts)
    return (
        value if _is_sound("".join(texts)) else _mended(value)
    )  # one look at all of them; nearly all are sound


def _gather(values: Iterable[Any], texts: list[str]) -> None:
    for value in values:
        kind: Any = type(value)
        if kind is str:
            texts.append(value)
        elif not value:
            continue
        elif kind is tuple:
            _gather(value, texts)
        elif look := _look(kind):
            _gather(look(value), texts)


@cache
def _look(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what takes the fields out of a dataclass; None for any other kind of value."""
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else []
    return (
        attrgetter(*names, names[0]) if names else None
    )  # one more, since of a single name it makes no tuple


def _is_sound(text: str) -> bool:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return False
    return _NULL not in text


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return (
            value
            if _is_sound(value)
            else value.encode("utf-8", "replace").decode("utf-8").replace(_NULL, "\ufffd")
        )
    if isinstance(value, tuple):
        return tuple(_mended(each) for each in value)
    if not is_dataclass(value):
        return value
    before = {field.name: getattr(value, field.name) for field in fields(value)}
    return replace(value, **{name: _mended(each) for name, each in before.items()})  # type: ignore[type-var]


FIELD_NAME = re.compile(r"[!-9;-~]{1,80}")
MOST_EARLIER = 8  # mails of the thread whose lines are compared
EMPTY = ParsedAddress("")


def read(
    raw: bytes, ours: Identity, *, in_sent: bool = False, received_at: datetime | None = None
) -> Message:
    """Read one mail; `in_sent` when it lies in our Sent folder, `received_at` when the server took it (aware).

    Raises: UnreadableError, with the reason, for what belongs in quarantine: absurd nesting, or a mail that breaks the
    parser.
    """
    try:
        return _read(take_apart(raw), ours, in_sent=in_sent, received_at=received_at)
    except UnreadableError:
        raise
    except Exception as error:  # one mail that a library trips over must not hold up the mails behind it
        raise UnreadableError(f"the mail cannot be understood ({type(error).__name__})") from error


def read_plain(subject: str, body: str, headers: Mapping[str, str] | None, ours: Identity) -> Message:
    """Read a mail that is given as words instead of bytes (`followupd read` on JSON lines).

    Raises: UnreadableError, as `read` does.
    """
    fields = {"subject": subject} | {
        name.lower(): str(value)
        for name, value in (headers or {}).items()
        if FIELD_NAME.fullmatch(name) and not name.lower().startswith("content-")
    }
    lines = [f"{name}: {' '.join(value.split())}" for name, value in fields.items()]
    head = "\n".join([*lines, "content-type: text/plain; charset=utf-8", "content-transfer-encoding: 8bit"])
    return read(f"{head}\n\n{body}".encode("utf-8", "replace"), ours)


def _read(mail: ParsedMail, ours: Identity, *, in_sent: bool, received_at: datetime | None) -> Message:
    headers = mail.headers
    written_by = next(iter(mailboxes(headers.first("from"), headers.charset)), EMPTY)
    message_id = next(iter(message_ids(headers.first("message-id"))), "")
    kind, because = kind_of(mail, message_id, written_by, ours, in_sent=in_sent)
    to, cc, sender = _people(headers, "to"), _people(headers, "cc"), _sender(headers, written_by, ours)
    in_reply_to, references = (
        message_ids(headers.first("in-reply-to")),
        message_ids(headers.first("references")),
    )
    subject, sent_at, body = headers.text("subject"), moment(headers.first("date")), body_of(mail)
    note = kind is Kind.AGENT and not in_sent
    words = _words(body, kind, (*references, *in_reply_to), ours, note=note)
    report = _bounce(mail, kind, because, body, ours)
    returned = (report.original_message_id,) if report and report.original_message_id else ()
    message = Message(
        kind=kind,
        because=because,
        message_id=message_id,
        in_reply_to=in_reply_to,
        references=references,
        sender=sender,
        reply_to=next((person for person in _people(headers, "reply-to") if person.address), None),
        to=to,
        cc=cc,
        subject=subject,
        sent_at=sent_at,
        text=words.text,
        doubtful=words.doubtful,
        quoted=words.quoted,
        signature=words.signature,
        no_answer=no_answer(mail, kind, sender, (*to, *cc), ours),
        forged=forged(headers, ours),
        own_key=ours.letter_key(message_id) if kind is Kind.OWN else "",
        key_header=headers.first("x-followupd-key").strip()[:200],
        answers=_answers((*returned, *in_reply_to, *reversed(references)), ours),
        case_token=_case_token(subject),
        bounce=report,
        back_on=back_on(words.text, subject, received_at or sent_at) if kind is Kind.AUTO_REPLY else None,
        forwarded_from=forwarded_from(mail, subject, body.text, ours)
        if kind in {Kind.CUSTOMER, Kind.AGENT}
        else None,
        attachments=body.attachments,
        by_hand=body.by_hand,
    )
    return sound(message)


def _people(headers: Headers, name: str) -> tuple[Person, ...]:
    boxes = [box for field in headers.every(name) for box in mailboxes(field, headers.charset)]
    return tuple([person for box in boxes if (person := box.person()).address])


def _sender(headers: Headers, written_by: ParsedAddress, ours: Identity) -> Person:
    """Return who wrote; in a mail through our own support group that is not the group's rewritten From (R1, 5)."""
    listed = headers.first("list-id").lower()
    if ours.groups and listed and any(group in listed for group in ours.groups):
        for field in ("x-original-sender", "x-original-from", "reply-to"):
            for person in _people(headers, field):
                if person.address.lower() not in ours.addresses:
                    return person
    return written_by.person()


def _words(body: Body, kind: Kind, thread: tuple[str, ...], ours: Identity, *, note: bool) -> NewWords:
    if kind is Kind.BOUNCE:
        return NewWords(body.text.strip())  # nobody wrote it: there is nothing to take apart
    recent = dict.fromkeys(reversed(thread))
    earlier = [text for one in list(recent)[:MOST_EARLIER] if (text := ours.earlier(one))]
    return new_words(body.text, earlier, note=note)


def _answers(thread: tuple[str, ...], ours: Identity) -> tuple[str, ...]:
    """Return the letters of ours that a mail names, the nearest first."""
    return tuple(dict.fromkeys(key for one in thread if (key := ours.letter_key(one))))


def _case_token(subject: str) -> str:
    found = CASE.search(subject)
    return found[0] if found else ""


def _bounce(mail: ParsedMail, kind: Kind, because: str, body: Body, ours: Identity) -> Bounce | None:
    if kind is not Kind.BOUNCE:
        return None
    look = complaint_of if because.startswith("feedback") else bounce_of
    return look(mail, body.text, ours.letter_key)
