"""Real mails nobody here wrote: each is read, known for what it is, and its new words are found. `pytest -s` shows the figures."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message as Standard
from email.policy import compat32
from functools import cache
from pathlib import Path

import pytest

from followupd.domain.mail import Kind, Message, Ours
from followupd.text.mail import read
from followupd.text.mail.html import text_of
from followupd.text.mail.new_words import new_words
from followupd.text.mail.parse import take_apart
from tests.corpora.replies import expected_replies, quotequail_html, tidy

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
# Labelled "not-bounce", for its table only says that sisimai finds nothing in it; the mail itself says that a letter of
# ours was rejected since the receiver's mailbox is full (From: postmaster, Return-Path: <>).
A_BOUNCE_ALL_THE_SAME = "sisimai/raw/maildir/not/rb-issue-368-bug.eml"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="skipped, because ../shared/corpora is not there")


@cache
def mails() -> dict[str, bytes]:
    return {
        str(path.relative_to(CORPORA)): path.read_bytes()
        for path in sorted(CORPORA.glob("*/raw/**/*"))
        if path.is_file()
    }


@cache
def messages() -> dict[str, Message]:
    return {path: read(raw, Ours()) for path, raw in mails().items()}


def labels() -> Iterator[tuple[str, str]]:
    for line in (CORPORA / "LABELS.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        yield entry["path"], entry["label"]


def told(capsys: pytest.CaptureFixture[str], figure: str) -> None:
    with capsys.disabled():
        print(f"\n  {figure}", end="")


def test_every_mail_is_read_and_none_costs_much(capsys: pytest.CaptureFixture[str]) -> None:
    messages()  # once, so that what is imported late is there
    costs: list[float] = []
    for raw in mails().values():
        before = time.process_time()
        read(raw, Ours())
        costs.append(time.process_time() - before)
    mean, worst = 1000 * sum(costs) / len(costs), 1000 * max(costs)
    told(capsys, f"{len(costs)} mails read, 0 refused; CPU a mail: mean {mean:.2f} ms, worst {worst:.0f} ms")
    assert len(costs) > 2000
    assert mean < 5
    assert worst < 2000


def test_bounces_and_complaints_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [path for path, label in labels() if label in {"bounce", "arf", "success-dsn"}]
    found = [path for path in wanted if messages()[path].kind is Kind.BOUNCE]
    told(capsys, f"bounces, complaints and success reports found: {len(found)} of {len(wanted)}")
    assert len(found) >= 0.97 * len(wanted)


def test_ordinary_mail_is_not_taken_for_a_bounce(capsys: pytest.CaptureFixture[str]) -> None:
    ordinary = [path for path, label in labels() if label == "not-bounce" and path != A_BOUNCE_ALL_THE_SAME]
    wrong = [path for path in ordinary if messages()[path].kind is Kind.BOUNCE]
    told(capsys, f"ordinary mail taken for a bounce: {len(wrong)} of {len(ordinary)}")
    assert len(wrong) <= 0.0005 * len(ordinary)


def test_every_labelled_auto_reply_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [path for path, label in labels() if label == "auto-reply"]
    found = [path for path in wanted if messages()[path].kind is Kind.AUTO_REPLY]
    told(capsys, f"auto-replies found: {len(found)} of {len(wanted)}")
    assert found == wanted


def test_bounces_agree_with_the_tables_that_came_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    table = json.loads((CORPORA / "sisimai/expected/expected.json").read_text("utf-8"))
    seen: Counter[str] = Counter()
    for name, rows in table.items():
        message = messages().get(f"sisimai/raw/maildir/bsd/{name}")
        if message is None or message.bounce is None:
            continue
        bounce, classes = message.bounce, {row["status"][:1] for row in rows if row["status"]}
        seen.update(reports=1, recipient=bool(bounce.recipient), original=bool(bounce.original_message_id))
        if bounce.status and classes:
            seen.update(status=1, same_class=bounce.status[0] in classes)
    told(
        capsys,
        "of {reports} bounces, receiver named: {recipient}, our letter named: {original}; status {same_class}/{status} in its class".format(
            **seen
        ),
    )
    assert seen["recipient"] >= 0.95 * seen["reports"]
    assert seen["original"] >= 0.85 * seen["reports"]
    assert seen["same_class"] >= 0.98 * seen["status"]


def leaves(node: Standard) -> Iterator[tuple[str, bytes | None]]:
    kind = node.get_content_type()
    if node.is_multipart() and kind.startswith("multipart/"):
        for child in node.get_payload():
            assert isinstance(child, Standard)
            yield from leaves(child)
    else:
        payload = None if node.is_multipart() else node.get_payload(decode=True)
        yield kind, payload if isinstance(payload, bytes) else None


def agree(ours: bytes, theirs: bytes | None) -> bool:
    return theirs is None or b"".join(ours.split()) == b"".join(theirs.split())


def test_parts_are_those_of_the_standard_parser_but_for_broken_mail(capsys: pytest.CaptureFixture[str]) -> None:
    same = 0
    for raw in mails().values():
        parts = take_apart(raw).parts
        standard = list(leaves(message_from_bytes(raw.lstrip(b"\r\n\xef\xbb\xbf"), policy=compat32)))
        alike = [part.type for part in parts] == [kind for kind, _ in standard]
        same += alike and all(agree(part.octets, payload) for part, (_, payload) in zip(parts, standard, strict=True))
    told(capsys, f"parts as the standard parser's: {same} of {len(mails())} mails")
    assert same >= 0.97 * len(mails())


def test_new_words_beat_mail_parser_reply(capsys: pytest.CaptureFixture[str]) -> None:
    library = pytest.importorskip("mailparser_reply", reason="skipped, because mail-parser-reply is not installed")
    languages = ["en", "de", "cs", "da", "es", "fr", "it", "ja", "ko", "nl", "pl", "sv", "zh"]
    ours = theirs = 0
    replies = expected_replies(CORPORA)
    for _, text, wanted in replies:
        ours += tidy(new_words(text).text) == tidy(wanted)
        parts = library.EmailReplyParser(languages=languages).read(text).replies
        theirs += bool(parts) and tidy(parts[0].body) == tidy(wanted)
    told(capsys, f"replies, exact matches of {len(replies)}: ours {ours}, mail-parser-reply {theirs}")
    assert ours > theirs


def test_new_words_in_html_beat_mail_parser_reply(capsys: pytest.CaptureFixture[str]) -> None:
    library = pytest.importorskip("mailparser_reply", reason="skipped, because mail-parser-reply is not installed")
    from inscriptis import get_text

    ours = theirs = 0
    replies = list(quotequail_html(CORPORA))
    for _, html, wanted in replies:
        ours += tidy(new_words(text_of(html)).text) == tidy(text_of(wanted))
        theirs += tidy(library.EmailReplyParser(languages=["en", "de"]).read(get_text(html)).replies[0].body) == tidy(
            get_text(wanted)
        )
    told(
        capsys, f"HTML replies, exact matches of {len(replies)}: ours {ours}, inscriptis and mail-parser-reply {theirs}"
    )
    assert ours > theirs


def test_no_word_of_a_mail_is_lost_between_new_quoted_and_signed() -> None:
    for path, message in messages().items():
        if message.text or message.quoted or message.signature:
            assert all(line.strip() in message.text for line in message.doubtful), path
