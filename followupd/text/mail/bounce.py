"""Read a delivery report: the recipient, our letter, and whether the address is dead (RFC 3464, RFC 3463)."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from followupd.domain.mail import Bounce
from followupd.languages import catalogue
from followupd.languages.patterns import verbatim
from followupd.text.mail.headers import Headers, message_ids, normalised_address
from followupd.text.mail.parse import ParsedMail

#: characters of a report, or of an attached letter, that are searched
MAX_REPORT = 60_000
#: blocks of a status part, each about one recipient
MAX_BLOCKS = 100
#: characters in which the address of the failed recipient is looked for, and addresses in them
MAX_ADDRESS_TEXT = 5000
MAX_ADDRESSES = 20
#: Message-IDs of fields in one text, and anywhere in it
MAX_FIELD_IDS = 20
MAX_IDS = 100

_MARKS = catalogue().mail_clients.bounces
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: types of a returned letter
_LETTER_TYPES = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
        "message/rfc822-headers",
    }
)
_ORIGINAL_TYPES = _LETTER_TYPES | _STATUS_TYPES
#: what marks the beginning of the returned letter in the text of a report
_LETTER_MARKS = ("\nreceived:", "\nreturn-path:", *_MARKS.returned_below, "\nmessage-id:")
#: the mailbox does not exist; 5.1.7 and 5.1.8 are about the sender
_DEAD_STATUS = re.compile(r"5\.1\.(?:[0-469]|10|351)|5\.2\.1|5\.4\.4")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,2}\.\d{1,3})(?![\d.])")
_SMTP_CODE = re.compile(r"(?<![\d.\-/:])([45][0-5]\d)[ \-](?![\d.]{3})")
_ADDRESS = re.compile(r"<?([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24})>?")
_MESSAGE_ID_FIELD = re.compile(
    r"^[\s>|]{0,8}message-id\s?:\s{0,4}(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE
)
_ANY_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,200}>")
_TO_FIELD = re.compile(r"^[\s>|]{0,8}to\s?:\s?(.{1,300})", re.IGNORECASE | re.MULTILINE)
_FAILED_TO = re.compile(rf"(?:{verbatim(_MARKS.failed_to)})[^@]{{0,200}}", re.IGNORECASE)
# These patterns are for lower-case text: a search that ignores the case takes several times as long.
_NO_SUCH_USER = re.compile(verbatim(_MARKS.no_such_user))
_DELAYED = re.compile(verbatim(_MARKS.delayed))
_FOLD = re.compile(r"\n[ \t]+")
_BLOCK_END = re.compile(r"\n[ \t]{0,99}\n")
#: actions of RFC 3464, section 2.3.3; other values are ignored
_NOT_FAILED = frozenset({"delayed", "delivered", "relayed", "expanded"})
_ACTIONS = frozenset({"failed", *_NOT_FAILED})
#: action -> rank; of several recipients the one with the lowest rank counts
_RANKS = {"failed": 0, "": 1, "delayed": 2}
_LOWEST_RANK = 3


@dataclass(frozen=True, slots=True)
class _RecipientStatus:
    """What the machine-readable part says about one recipient; `code` is that of SMTP."""

    recipient: str = ""
    action: str = ""
    status: str = ""
    code: str = ""


def read_bounce(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> Bounce:
    """Read a delivery report from its status part, and what is not there from its text.

    Args:
        mail: the report.
        text: its text.
        letter_key: returns the key of a letter for its Message-ID, "" for other ones.
    """
    report = _most_severe(_recipient_statuses(mail))
    text = text[:MAX_REPORT]
    notice = _without_letter(text)
    low = notice.lower()
    status = report.status or _first(_STATUS, notice)
    action = report.action
    if not action and not report.status and _DELAYED.search(low):
        action = "delayed"

    code = status or report.code or _first(_SMTP_CODE, notice)
    return Bounce(
        recipient=report.recipient or _recipient_in_text(mail, notice),
        original_message_id=_letter_id(mail, text, letter_key),
        action=action,
        status=status,
        permanent=_is_failure(action, code),
        bad_address=_is_dead(action, status, low),
    )


def read_feedback_report(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> Bounce:
    """Read a feedback report (RFC 5965): the recipient is reachable and wants no more letters.

    Args:
        mail: the report.
        text: its text.
        letter_key: returns the key of a letter for its Message-ID, "" for other ones.
    """
    recipient = ""
    for part in mail.parts:
        if part.type == "message/feedback-report" and not recipient:
            fields = Headers.of(_fields(part.text))
            recipient = _first(_ADDRESS, fields.first("original-rcpt-to"))

    return Bounce(
        recipient=normalised_address(recipient) or _recipient_in_text(mail, ""),
        original_message_id=_letter_id(mail, text[:MAX_REPORT], letter_key),
        action="complaint",
        permanent=True,
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of header fields in a text.

    Args:
        text: a header, or a block of one.
    """
    for line in _FOLD.sub(" ", text).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.strip()


def _recipient_statuses(mail: ParsedMail) -> Iterator[_RecipientStatus]:
    """Yield what the status parts say about each recipient.

    Args:
        mail: the report. The block about the report itself has none of the fields about a recipient.
    """
    for part in mail.parts:
        if part.type not in _STATUS_TYPES:
            continue
        blocks = _BLOCK_END.split(part.text[:MAX_REPORT])
        for block in blocks[:MAX_BLOCKS]:
            fields = Headers.of(_fields(block))
            if fields.has_any({"final-recipient", "action", "status"}):
                yield _recipient_status(fields)


def _recipient_status(fields: Headers) -> _RecipientStatus:
    """Return what a block of fields says about one recipient (RFC 3464, section 2.3).

    Args:
        fields: the fields of the block. A vague status (5.0.0) is replaced by the one in the diagnostic code.
    """
    final = fields.first("final-recipient")
    named = fields.first("original-recipient") or final or fields.first("x-actual-recipient")
    diagnostic = fields.first("diagnostic-code")
    detail = _first(_STATUS, diagnostic)
    status = _first(_STATUS, fields.first("status")) or detail
    if status.endswith(".0.0") and detail[:1] == status[0]:
        status = detail

    action = fields.token("action")
    if action not in _ACTIONS:
        action = ""

    return _RecipientStatus(
        recipient=_typed_address(named) or _typed_address(final),
        action=action,
        status=status,
        code=_first(_SMTP_CODE, f"{diagnostic} "),
    )


def _typed_address(value: str) -> str:
    """Return the address of a field such as "rfc822; kim@example.org", "" if it has none.

    Args:
        value: the value of the field.
    """
    return normalised_address(value.rpartition(";")[2].strip(" <>"))


def _most_severe(reports: Iterable[_RecipientStatus]) -> _RecipientStatus:
    """Return the report that counts: a failure before a delay before a success, one with a recipient first.

    Args:
        reports: the reports of one mail; without any the result is empty.
    """
    return min(
        reports,
        key=lambda report: (_RANKS.get(report.action, _LOWEST_RANK), not report.recipient),
        default=_RecipientStatus(),
    )


def _without_letter(text: str) -> str:
    """Return what the mail system wrote, without the returned letter below it.

    Args:
        text: the text of the report.
    """
    low = text.lower()
    positions = list(map(low.find, _LETTER_MARKS))
    end = min((position for position in positions if position > 0), default=len(text))
    return text[:end]


def _first(pattern: re.Pattern[str], text: str) -> str:
    """Return the first group of the first match, "" if there is none.

    Args:
        pattern: with one group or more.
        text: in which it is searched.
    """
    found = pattern.search(text)
    return found[1] if found else ""


def _recipient_in_text(mail: ParsedMail, notice: str) -> str:
    """Return the recipient that a report without a status part names, "" if it names none.

    Args:
        mail: the report.
        notice: what the mail system wrote.
    """
    for field in ("x-failed-recipients", "x-actual-recipient"):
        address = _first(_ADDRESS, mail.headers.first(field))
        if address:
            return normalised_address(address)

    own = mail.headers.first("from").lower() + mail.headers.first("to").lower()
    introduction = _FAILED_TO.search(notice)
    introduced = notice[introduction.start() :] if introduction else ""
    for text in (introduced, notice):
        for address in _ADDRESS.findall(text[:MAX_ADDRESS_TEXT])[:MAX_ADDRESSES]:
            if address.lower() not in own:
                return normalised_address(address)

    return _letter_recipient(mail)


def _letter_recipient(mail: ParsedMail) -> str:
    """Return the address in To of the returned letter, "" if there is none.

    Args:
        mail: the report.
    """
    for part in mail.parts:
        if part.type not in _LETTER_TYPES:
            continue
        field = _first(_TO_FIELD, part.text[:MAX_REPORT])
        address = _first(_ADDRESS, field)
        if address:
            return normalised_address(address)

    return ""


def _letter_id(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> str:
    """Return the Message-ID of the returned letter, preferably one that we signed.

    It is looked for in the header of the attached letter, in the thread, and in the text.

    Args:
        mail: the report.
        text: its text.
        letter_key: returns the key of a letter for its Message-ID, "" for other ones.
    """
    named: list[str] = []
    for part in mail.parts:
        may_be_letter = part.type in _ORIGINAL_TYPES or part.is_attached
        if may_be_letter:
            named += _ids_of_fields(part.text[:MAX_REPORT])
    for field in ("in-reply-to", "references"):
        named += reversed(message_ids(mail.headers.first(field)))

    named += _ids_of_fields(text)

    anywhere = _ANY_MESSAGE_ID.findall(text)[:MAX_IDS]
    signed = next(filter(letter_key, named + anywhere), "")
    if signed or not named:
        return signed

    return named[0]


def _ids_of_fields(text: str) -> list[str]:
    """Return the Message-IDs of header fields in a text.

    A search for the name alone is much faster than the pattern.

    Args:
        text: such as a header.
    """
    if "message-id" not in text.lower():
        return []
    return _MESSAGE_ID_FIELD.findall(text)[:MAX_FIELD_IDS]


def _is_failure(action: str, code: str) -> bool:
    """Whether a delivery failed for good: 4.x.x and a delay are not final yet, and a success never was one.

    Args:
        action: the action of the report.
        code: its status, or its SMTP code.
    """
    return action not in _NOT_FAILED and not code.startswith(("2", "4"))


def _is_dead(action: str, status: str, low: str) -> bool:
    """Whether the mailbox does not exist.

    Only 5.1.x, 5.2.1 and 5.4.4 say so; of 257 real reports with 5.x.x only 98 did (docs/mail.md, section 2).

    Args:
        action: the action of the report.
        status: the status of the report.
        low: what the mail system wrote, in lower case.
    """
    if not _is_failure(action, status):
        return False
    if status and not status.endswith(".0.0"):
        return _DEAD_STATUS.fullmatch(status) is not None
    return _NO_SUCH_USER.search(low) is not None
