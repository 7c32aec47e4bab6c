"""Read a delivery report: whom it is about, which letter of ours, and whether the address is dead (RFC 3464, RFC 3463)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from followupd.domain.mail import Bounce
from followupd.text.mail.headers import Headers, message_ids, proper
from followupd.text.mail.parse import MimePart, ParsedMail

LONGEST = 60_000  # characters of a report that are searched
REPORTS = {"message/delivery-status", "message/global-delivery-status"}
ORIGINALS = {
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "message/rfc822-headers",
}
DEAD = re.compile(r"5\.1\.(?:[0-469]|10|351)|5\.2\.1|5\.4\.4")  # 5.1.7 and 5.1.8 speak of the sender
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,2}\.\d{1,3})(?![\d.])")
CODE = re.compile(r"(?<![\d.\-/:])([45][0-5]\d)[ \-](?![\d.]{3})")
ADDRESS = re.compile(r"<?([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24})>?")
FIELD_ID = re.compile(r"^[\s>|]{0,8}message-id\s?:\s{0,4}(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
ANY_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,200}>")
TO = re.compile(r"^[\s>|]{0,8}to\s?:\s?(.{1,300})", re.IGNORECASE | re.MULTILINE)
FAILED_TO = re.compile(
    r"(?:failed|following address|recipient|could not be delivered|undeliverable|to:|original-recipient|unknown user|user unknown|delivery to)[^@]{0,200}",
    re.IGNORECASE,
)
# These two look at lower-case words: without regard to case they cost several times as much.
NO_SUCH_USER = re.compile(
    r"(?:user|recipient|mailbox|account|address) (?:is |was )?(?:unknown|not found|does(?: not|n't) exist|invalid|no longer)|no such (?:user|recipient|mailbox|address|person)"
    r"|unknown (?:user|recipient|address|local)|host (?:unknown|not found)|domain (?:not found|does not exist)|invalid (?:recipient|mailbox|user)",
)
DELAYED = re.compile(
    r"(?:delayed|not yet been delivered|will (?:continue|keep) (?:to try|trying)|you do not need to (?:resend|do anything)|warning: message still)",
)
BLOCKS = re.compile(r"\n[ \t]{0,99}\n")
KEPT_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})


@dataclass(frozen=True, slots=True)
class _Report:
    """What the machine-readable part says of one receiver."""

    recipient: str = ""
    action: str = ""
    status: str = ""
    code: str = ""


def bounce_of(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> Bounce:
    """Read a report from its status part, and where it has none from its words."""
    report = _worst([entry for part in mail.parts if part.type in REPORTS for entry in _reports(part)])
    human = text[:LONGEST]
    told, _ = _told(human)
    lowered = told.lower()
    status = report.status or _found(STATUS, told)
    action = report.action or ("delayed" if not report.status and DELAYED.search(lowered) else "")
    return Bounce(
        recipient=report.recipient or _failed_recipient(mail, told),
        original_message_id=_original_id(mail, human, letter_key),
        action=action,
        status=status,
        permanent=_permanent(action, status or report.code or _found(CODE, told)),
        bad_address=_dead(action, status, lowered),
    )


def complaint_of(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> Bounce:
    """Read a feedback report (RFC 5965): the receiver is reachable and wants no more."""
    fields = [Headers.of(_fields(part.text)) for part in mail.parts if part.type == "message/feedback-report"]
    named = next(
        (found[0] for field in fields if (found := ADDRESS.findall(field.first("original-rcpt-to")))), ""
    )
    return Bounce(
        recipient=proper(named) or _failed_recipient(mail, ""),
        original_message_id=_original_id(mail, text[:LONGEST], letter_key),
        action="complaint",
        permanent=True,
    )


def _fields(text: str) -> list[tuple[str, str]]:
    unfolded = re.sub(r"\n[ \t]+", " ", text)
    return [
        (name, value.strip())
        for name, colon, value in (line.partition(":") for line in unfolded.split("\n"))
        if colon
    ]


def _reports(part: MimePart) -> list[_Report]:
    blocks = [Headers.of(_fields(block)) for block in BLOCKS.split(part.text[:LONGEST])[:100]]
    return [
        _entry(block)
        for block in blocks
        if "final-recipient" in block or "action" in block or "status" in block
    ]


def _entry(block: Headers) -> _Report:
    named = (
        block.first("original-recipient")
        or block.first("final-recipient")
        or block.first("x-actual-recipient")
    )
    address = named.rpartition(";")[2].strip(" <>")
    finally_to = block.first("final-recipient").rpartition(";")[2].strip(" <>")
    code = _found(CODE, block.first("diagnostic-code") + " ")
    status = _found(STATUS, block.first("status")) or _found(STATUS, block.first("diagnostic-code"))
    detail = _found(STATUS, block.first("diagnostic-code"))
    if status.endswith(".0.0") and detail and detail[0] == status[0]:
        status = detail
    action = block.word("action")
    return _Report(
        proper(address) or proper(finally_to), action if action in KEPT_ACTIONS else "", status, code
    )


def _worst(reports: list[_Report]) -> _Report:
    """Return the report that matters: a failure before a delay before a success."""
    order = {"failed": 0, "": 1, "delayed": 2}
    return min(
        reports, key=lambda report: (order.get(report.action, 3), not report.recipient), default=_Report()
    )


def _told(text: str) -> tuple[str, str]:
    """Part the words of the mail system from the returned letter below them."""
    lowered = text.lower()
    cuts = [
        at
        for mark in (
            "\nreceived:",
            "\nreturn-path:",
            "original message",
            "copy of the message",
            "\nmessage-id:",
        )
        if (at := lowered.find(mark)) > 0
    ]
    cut = min(cuts, default=len(text))
    return text[:cut], text[cut:]


def _found(pattern: re.Pattern[str], text: str) -> str:
    hit = pattern.search(text)
    return hit[1] if hit else ""


def _failed_recipient(mail: ParsedMail, told: str) -> str:
    for field in ("x-failed-recipients", "x-actual-recipient"):
        if hit := ADDRESS.search(mail.headers.first(field)):
            return proper(hit[1])
    senders = mail.headers.first("from").lower() + mail.headers.first("to").lower()
    start = FAILED_TO.search(told)
    for area in (told[start.start() :] if start else "", told):
        for address in ADDRESS.findall(area[:5000])[:20]:
            if address.lower() not in senders:
                return proper(address)
    return _addressee(mail)


def _addressee(mail: ParsedMail) -> str:
    """Return the one to whom the returned letter was written."""
    for part in mail.parts:
        if (
            part.type in ORIGINALS
            and (hit := TO.search(part.text[:LONGEST]))
            and (address := ADDRESS.search(hit[1]))
        ):
            return proper(address[1])
    return ""


def _original_id(mail: ParsedMail, text: str, letter_key: Callable[[str], str]) -> str:
    """Find the returned letter's Message-ID, one with our signature first: in its own header, in the thread, in the words."""
    kept = [part for part in mail.parts if part.type in ORIGINALS or part.type in REPORTS or part.attached]
    thread = [
        one
        for field in ("in-reply-to", "references")
        for one in reversed(message_ids(mail.headers.first(field)))
    ]
    named = [one for part in kept for one in _ids_in(part.text[:LONGEST])] + thread + _ids_in(text)
    signed = next((one for one in named if letter_key(one)), "")
    if not signed:
        signed = next((one for one in ANY_ID.findall(text)[:100] if letter_key(one)), "")
    return signed or (named[0] if named else "")


def _ids_in(text: str) -> list[str]:
    """Return the Message-IDs of header fields in a text; a look for the name alone is much cheaper than the pattern."""
    return FIELD_ID.findall(text)[:20] if "message-id" in text.lower() else []


def _permanent(action: str, status: str) -> bool:
    """5.x.x is a failure for good, 4.x.x and a delay are not yet; a success never was one."""
    return action not in {"delayed", "delivered", "relayed", "expanded"} and not status.startswith(("2", "4"))


def _dead(action: str, status: str, lowered: str) -> bool:
    """Only 5.1.x, 5.2.1 and 5.4.4 say that nobody is there; of 257 real 5.x.x only 98 did (MAIL.md, section 2)."""
    if action in {"delayed", "delivered", "relayed", "expanded"} or status.startswith(("2", "4")):
        return False
    if status and not status.endswith(".0.0"):
        return DEAD.fullmatch(status) is not None
    return NO_SUCH_USER.search(lowered) is not None
