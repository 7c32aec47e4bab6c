"""Measurements on any collection of mails: CPU time, MIME parts, delivery reports, new words of replies."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_bytes
from email.message import Message as Standard
from email.policy import compat32
from typing import Any

from inscriptis import get_text
from mailparser_reply import EmailReplyParser

from followupd.domain.mail import Identity, Message
from followupd.text.mail.html import html_to_text
from followupd.text.mail.new_text import extract_new_text
from followupd.text.mail.parse import parse_mail
from followupd.text.mail.read import read
from tests.corpora.mails import Reply

#: the languages that mail-parser-reply is asked to read
LANGUAGES = ["en", "de", "cs", "da", "es", "fr", "it", "ja", "ko", "nl", "pl", "sv", "zh"]


def milliseconds(mails: Iterable[bytes]) -> list[float]:
    """Return the CPU time that reading each mail takes."""
    costs = []
    for raw in mails:
        before = time.process_time()
        read(raw, Identity())
        costs.append(1000 * (time.process_time() - before))
    return costs


def taken_apart_otherwise(mails: Mapping[str, bytes]) -> list[str]:
    """Return the mails whose parts or their contents differ from the standard parser's."""
    return [path for path, raw in mails.items() if not _same_parts(raw)]


def _same_parts(raw: bytes) -> bool:
    parts = parse_mail(raw).parts
    standard = list(_leaves(message_from_bytes(raw.lstrip(b"\r\n\xef\xbb\xbf"), policy=compat32)))
    if [part.type for part in parts] != [kind for kind, _ in standard]:
        return False
    return all(_agree(part.octets, payload) for part, (_, payload) in zip(parts, standard, strict=True))


def _leaves(node: Standard) -> Iterator[tuple[str, bytes | None]]:
    kind = node.get_content_type()
    if node.is_multipart() and kind.startswith("multipart/"):
        for child in node.get_payload():
            assert isinstance(child, Standard)
            yield from _leaves(child)
    else:
        payload = None if node.is_multipart() else node.get_payload(decode=True)
        yield kind, payload if isinstance(payload, bytes) else None


def _agree(ours: bytes, theirs: bytes | None) -> bool:
    return theirs is None or b"".join(ours.split()) == b"".join(theirs.split())


def reports(messages: Mapping[str, Message], table: Mapping[str, list[dict[str, Any]]]) -> Counter[str]:
    """Count what was understood of the delivery reports in one of sisimai's tables (path -> its reports)."""
    seen: Counter[str] = Counter()
    for path, rows in table.items():
        message = messages.get(path)
        if message is None or message.bounce is None:
            continue
        bounce = message.bounce
        classes = {row["status"][:1] for row in rows if row["status"]}
        seen.update(reports=1, recipient=bool(bounce.recipient), original=bool(bounce.original_message_id))
        if bounce.status and classes:
            seen.update(status=1, same_class=bounce.status[0] in classes)
    return seen


def cut_wrongly(replies: Iterable[Reply]) -> list[str]:
    """Return the replies that are cut otherwise than their authors expect."""
    return [where for where, text, wanted in replies if tidy(extract_new_text(text).text) != tidy(wanted)]


def cut_wrongly_by_the_library(replies: Iterable[Reply]) -> list[str]:
    """Return the replies that mail-parser-reply cuts otherwise than their authors expect."""
    return [where for where, text, wanted in replies if _left_by_the_library(text) != tidy(wanted)]


def html_cut_wrongly(replies: Iterable[Reply]) -> list[str]:
    return [
        where
        for where, html, wanted in replies
        if tidy(extract_new_text(html_to_text(html)).text) != tidy(html_to_text(wanted))
    ]


def html_cut_wrongly_by_the_libraries(replies: Iterable[Reply]) -> list[str]:
    """Return the replies that inscriptis and mail-parser-reply together cut otherwise."""
    return [
        where
        for where, html, wanted in replies
        if _left_by_the_library(get_text(html)) != tidy(get_text(wanted))
    ]


def _left_by_the_library(text: str) -> str | None:
    parts = EmailReplyParser(languages=LANGUAGES).read(text).replies
    return tidy(parts[0].body) if parts else None


def tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).strip()


def words(text: str) -> str:
    """Return a text's words alone, whatever lines they stand in."""
    return " ".join(text.split())


def plain_text(mail: Standard) -> str:
    """Return a mail's text parts as they stand, for tests that read no headers."""
    parts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "text/plain"]
    return "\n".join(part.decode("utf-8", "replace") for part in parts if isinstance(part, bytes))
