"""The measurements of this folder on all of ../shared/corpora and ../shared/complaints, where those exist.

Only tests in this folder that are marked `needs_corpora` or `needs_complaints` read outside the repository.
"""

import json
from email import message_from_bytes, policy
from functools import cache

import pytest

from followupd.domain.mail import Identity, Kind, Message
from followupd.text.complaints import Recogniser
from followupd.text.mail.read import read
from tests.corpora.mails import COMPLAINTS, CORPORA, json_lines, needs_complaints, needs_corpora
from tests.corpora.measures import (
    cut_wrongly,
    cut_wrongly_by_the_library,
    html_cut_wrongly,
    html_cut_wrongly_by_the_libraries,
    milliseconds,
    plain_text,
    reports,
    taken_apart_otherwise,
)
from tests.corpora.replies import expected_replies, quotequail_html

# Labelled "not-bounce" because sisimai finds nothing in it; the mail itself says that a letter was rejected
# because the receiver's mailbox is full (From: postmaster, Return-Path: <>).
A_BOUNCE_ALL_THE_SAME = "sisimai/raw/maildir/not/rb-issue-368-bug.eml"
#: Lists are left to the headers: people write there, and some do complain.
MACHINES = {"bounce", "auto-reply", "arf", "challenge"}


@cache
def mails() -> dict[str, bytes]:
    files = (path for path in sorted(CORPORA.glob("*/raw/**/*")) if path.is_file())
    return {path.relative_to(CORPORA).as_posix(): path.read_bytes() for path in files}


@cache
def messages() -> dict[str, Message]:
    return {path: read(raw, Identity()) for path, raw in mails().items()}


def labelled(*labels: str) -> list[str]:
    return [row["path"] for row in json_lines(CORPORA / "LABELS.jsonl") if row["label"] in labels]


def told(capsys: pytest.CaptureFixture[str], figure: str) -> None:
    with capsys.disabled():
        print(f"\n  {figure}", end="")


@needs_corpora
def test_every_mail_is_read_and_none_costs_much(capsys: pytest.CaptureFixture[str]) -> None:
    messages()  # once, so that what is imported late is there
    costs = milliseconds(mails().values())
    mean, worst = sum(costs) / len(costs), max(costs)
    told(capsys, f"{len(costs)} mails read, 0 refused; CPU a mail: mean {mean:.2f} ms, worst {worst:.0f} ms")
    assert len(costs) > 2000
    assert mean < 5
    assert worst < 2000


@needs_corpora
def test_bounces_and_complaints_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = labelled("bounce", "arf", "success-dsn")
    found = [path for path in wanted if messages()[path].kind is Kind.BOUNCE]
    told(capsys, f"bounces, complaints and success reports found: {len(found)} of {len(wanted)}")
    assert len(found) >= 0.97 * len(wanted)


@needs_corpora
def test_ordinary_mail_is_not_taken_for_a_bounce(capsys: pytest.CaptureFixture[str]) -> None:
    ordinary = [path for path in labelled("not-bounce") if path != A_BOUNCE_ALL_THE_SAME]
    wrong = [path for path in ordinary if messages()[path].kind is Kind.BOUNCE]
    told(capsys, f"ordinary mail taken for a bounce: {len(wrong)} of {len(ordinary)}")
    assert len(wrong) <= 0.0005 * len(ordinary)


@needs_corpora
def test_every_labelled_auto_reply_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = labelled("auto-reply")
    found = [path for path in wanted if messages()[path].kind is Kind.AUTO_REPLY]
    told(capsys, f"auto-replies found: {len(found)} of {len(wanted)}")
    assert found == wanted


@needs_corpora
def test_bounces_agree_with_the_tables_that_came_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    table = json.loads((CORPORA / "sisimai/expected/expected.json").read_text("utf-8"))
    seen = reports(messages(), {f"sisimai/raw/maildir/bsd/{name}": rows for name, rows in table.items()})
    told(
        capsys,
        f"of {seen['reports']} bounces, receiver named: {seen['recipient']}, "
        f"our letter named: {seen['original']}; status {seen['same_class']}/{seen['status']} in its class",
    )
    assert seen["recipient"] >= 0.95 * seen["reports"]
    assert seen["original"] >= 0.85 * seen["reports"]
    assert seen["same_class"] >= 0.98 * seen["status"]


@needs_corpora
def test_parts_are_those_of_the_standard_parser_but_for_broken_mail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    same = len(mails()) - len(taken_apart_otherwise(mails()))
    told(capsys, f"parts as the standard parser's: {same} of {len(mails())} mails")
    assert same >= 0.97 * len(mails())


@needs_corpora
def test_new_words_beat_mail_parser_reply(capsys: pytest.CaptureFixture[str]) -> None:
    replies = expected_replies(CORPORA)
    ours, theirs = cut_wrongly(replies), cut_wrongly_by_the_library(replies)
    told(
        capsys,
        f"replies cut otherwise, of {len(replies)}: by us {len(ours)}, by mail-parser-reply {len(theirs)}",
    )
    assert len(ours) < len(theirs)


@needs_corpora
def test_new_words_in_html_beat_mail_parser_reply(capsys: pytest.CaptureFixture[str]) -> None:
    replies = list(quotequail_html(CORPORA))
    ours, theirs = html_cut_wrongly(replies), html_cut_wrongly_by_the_libraries(replies)
    told(
        capsys,
        f"HTML replies cut otherwise, of {len(replies)}: by us {len(ours)}, by the libraries {len(theirs)}",
    )
    assert len(ours) < len(theirs)


@needs_corpora
def test_no_word_of_a_mail_is_lost_between_new_quoted_and_signed() -> None:
    for path, message in messages().items():
        if message.text or message.quoted or message.signature:
            assert all(line.strip() in message.text for line in message.doubtful), path


@needs_corpora
def test_no_machines_mail_becomes_a_complaint_even_when_its_headers_are_not_read() -> None:
    recogniser, called = Recogniser.shipped(), []
    machines = labelled(*MACHINES)
    for path in machines:
        mail = message_from_bytes(mails()[path], policy=policy.compat32)
        if recogniser.judge(str(mail.get("Subject", "")), plain_text(mail)).verdict == "complaint":
            called.append(path)
    assert machines
    assert called == []


@needs_complaints
def test_the_labelled_texts_that_are_none_stay_below_the_bar() -> None:
    recogniser = Recogniser.shipped()
    plain = [row for row in json_lines(COMPLAINTS / "dev_clean.jsonl") if row["label"] == "not_complaint"][
        ::5
    ]
    called = [
        row["id"] for row in plain if recogniser.judge(row["subject"], row["body"]).verdict == "complaint"
    ]
    assert len(called) <= 0.01 * len(plain), called
