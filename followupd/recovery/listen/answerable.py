"""Say whether a machine may answer a mail, and why not (RFC 3834, section 2; MAIL.md, R1 and R6)."""

import re
from collections.abc import Iterable

from followupd.model.message import Kind, Ours, Person
from followupd.recovery.listen.header import Headers
from followupd.recovery.listen.kind import null_return_path
from followupd.recovery.listen.parse import Mail

ROLES = re.compile(
    r"(?:no|do[-_.]?not|donot|dont|never|ne|nicht|kein|non)[-_.]?(?:reply|repl[iy]es|response|respond|answer|repondre|antwort(?:en)?|rispondere)"
    r"|nepasrepondre|nao[-_.]?responda|no[-_.]?responder|keineantwort|noreply|mailer[-_.]?daemon|post[-_.]?master|daemon|bounces?|abuse|root"
    r"|listserv|majordomo|owner|request|auto(?:mailer|responder|reply)?|notifications?|mailman|uucp|system|nobody|www-data|cron",
    re.IGNORECASE,
)
ROLE_PARTS = re.compile(
    r"^owner-|-(?:request|owner|relay|bounces?|outgoing)$|^(?:no-?reply|bounces?|msprvs\d?)[-+._=]|[-+._](?:no-?reply|donotreply)(?:$|[-+._])|^prvs=",
    re.IGNORECASE,
)
COMMENT = re.compile(r"\([^()]{0,500}\)")
SUPPRESS = frozenset({"all", "oof", "autoreply"})


def no_answer(mail: Mail, kind: Kind, sender: Person, receivers: Iterable[Person], ours: Ours) -> str:
    """Return why no machine may answer this mail; "" when one may.

    How often somebody may be written to is another room's question: it needs the ledger.
    """
    return (
        _by_kind(kind)
        or _by_sender(sender, ours, kind)
        or _by_headers(mail)
        or _by_receivers(receivers, ours)
        or _by_authentication(mail.headers, ours)
    )


def _by_kind(kind: Kind) -> str:
    return "" if kind in {Kind.CUSTOMER, Kind.AGENT} else f"it is no person's letter but of kind {kind.value}"


def _by_sender(sender: Person, ours: Ours, kind: Kind) -> str:
    if not sender.address:
        return "it names no sender"
    address = sender.address.lower()
    if address in ours.addresses:
        return "it is from our own address" if kind is Kind.AGENT else "it claims to be from our own address"
    local = address.rpartition("@")[0]
    if ROLES.fullmatch(local) or ROLE_PARTS.search(local):
        return f"nobody reads {sender.address}"
    return ""


def _by_headers(mail: Mail) -> str:
    headers = mail.headers
    if several := _several(headers):
        return several
    if null_return_path(mail):
        return "its return path is empty (RFC 3834)"
    asked = {word.strip().lower() for field in headers.every("x-auto-response-suppress") for word in field.split(",")}
    if asked & SUPPRESS:
        return "it asks for no automatic answer (X-Auto-Response-Suppress)"
    if headers.word("x-loop"):
        return "it has been in a loop already (X-Loop)"
    if headers.word("precedence") in {"bulk", "list", "junk"}:
        return "it is bulk mail (Precedence)"
    return ""


def _by_receivers(receivers: Iterable[Person], ours: Ours) -> str:
    """RFC 3834, section 2: answer only who wrote to us, not who wrote to a list that we are on."""
    if not ours.addresses or any(person.address.lower() in ours.addresses for person in receivers):
        return ""
    return "our address is not in To or Cc"


def _by_authentication(headers: Headers, ours: Ours) -> str:
    return "its sender is forged, says our mail server (DMARC)" if dmarc(headers, ours) == "fail" else ""


def _several(headers: Headers) -> str:
    """RFC 5322, 3.6, allows one From; DMARC has judged only one of several."""
    return "it names several senders" if len(headers.every("from")) > 1 else ""


def forged(headers: Headers, ours: Ours) -> str:
    """Return why nobody may be given orders in the sender's name; asked by itself, since `no_answer` says one reason."""
    return _by_authentication(headers, ours) or _several(headers)


def dmarc(headers: Headers, ours: Ours) -> str:
    """Return the DMARC result in the topmost Authentication-Results of a server that we trust (RFC 8601); "" without one.

    Only the topmost field is looked at: what stands below may have come with the mail.
    """
    for field in headers.every("authentication-results")[:1]:
        plain = COMMENT.sub(" ", field).lower()
        server, _, results = plain.partition(";")
        if server.split()[:1] and server.split()[0] in ours.authserv:
            found = re.search(r"(?:^|[;\s])dmarc\s?=\s?([a-z]{1,20})", results)
            return found[1] if found else ""
    return ""
