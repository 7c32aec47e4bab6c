"""Read one mail whole: the front door of the chapter."""

import re
from collections.abc import Mapping
from datetime import datetime

from followupd.model.message import Bounce, Kind, Message, Ours, Person
from followupd.recovery.listen.absence import back_on
from followupd.recovery.listen.answerable import forged, no_answer
from followupd.recovery.listen.body import Body, body_of
from followupd.recovery.listen.bounce import bounce_of, complaint_of
from followupd.recovery.listen.forwarded import forwarded_from
from followupd.recovery.listen.header import Headers, Mailbox, mailboxes, message_ids, moment
from followupd.recovery.listen.kind import CASE, kind_of
from followupd.recovery.listen.new_words import NewWords, new_words
from followupd.recovery.listen.parse import Mail, UnreadableError, take_apart
from followupd.recovery.listen.sound import sound

FIELD_NAME = re.compile(r"[!-9;-~]{1,80}")
MOST_EARLIER = 8  # mails of the thread whose lines are compared
EMPTY = Mailbox("")


def read(raw: bytes, ours: Ours, *, in_sent: bool = False, received_at: datetime | None = None) -> Message:
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


def read_plain(subject: str, body: str, headers: Mapping[str, str] | None, ours: Ours) -> Message:
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


def _read(mail: Mail, ours: Ours, *, in_sent: bool, received_at: datetime | None) -> Message:
    headers = mail.headers
    written_by = next(iter(mailboxes(headers.first("from"), headers.charset)), EMPTY)
    message_id = next(iter(message_ids(headers.first("message-id"))), "")
    kind, because = kind_of(mail, message_id, written_by, ours, in_sent=in_sent)
    to, cc, sender = _people(headers, "to"), _people(headers, "cc"), _sender(headers, written_by, ours)
    in_reply_to, references = message_ids(headers.first("in-reply-to")), message_ids(headers.first("references"))
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
        forwarded_from=forwarded_from(mail, subject, body.text, ours) if kind in {Kind.CUSTOMER, Kind.AGENT} else None,
        attachments=body.attachments,
        by_hand=body.by_hand,
    )
    return sound(message)


def _people(headers: Headers, name: str) -> tuple[Person, ...]:
    boxes = [box for field in headers.every(name) for box in mailboxes(field, headers.charset)]
    return tuple([person for box in boxes if (person := box.person()).address])


def _sender(headers: Headers, written_by: Mailbox, ours: Ours) -> Person:
    """Return who wrote; in a mail through our own support group that is not the group's rewritten From (R1, 5)."""
    listed = headers.first("list-id").lower()
    if ours.groups and listed and any(group in listed for group in ours.groups):
        for field in ("x-original-sender", "x-original-from", "reply-to"):
            for person in _people(headers, field):
                if person.address.lower() not in ours.addresses:
                    return person
    return written_by.person()


def _words(body: Body, kind: Kind, thread: tuple[str, ...], ours: Ours, *, note: bool) -> NewWords:
    if kind is Kind.BOUNCE:
        return NewWords(body.text.strip())  # nobody wrote it: there is nothing to take apart
    recent = dict.fromkeys(reversed(thread))
    earlier = [text for one in list(recent)[:MOST_EARLIER] if (text := ours.earlier(one))]
    return new_words(body.text, earlier, note=note)


def _answers(thread: tuple[str, ...], ours: Ours) -> tuple[str, ...]:
    """Return the letters of ours that a mail names, the nearest first."""
    return tuple(dict.fromkeys(key for one in thread if (key := ours.letter_key(one))))


def _case_token(subject: str) -> str:
    found = CASE.search(subject)
    return found[0] if found else ""


def _bounce(mail: Mail, kind: Kind, because: str, body: Body, ours: Ours) -> Bounce | None:
    if kind is not Kind.BOUNCE:
        return None
    look = complaint_of if because.startswith("feedback") else bounce_of
    return look(mail, body.text, ours.letter_key)
