"""Recognise, on texts nobody of us wrote: no machine's mail becomes a complaint, and our own sentences keep their figures."""

import json
from email import message_from_bytes, policy
from email.message import Message as Mail
from pathlib import Path

import pytest

from followupd.text.complaints import Recogniser

TOP = Path(__file__).resolve().parents[2]
MAILS = TOP.parent / "shared" / "corpora"
LABELLED = TOP.parent / "shared" / "complaints" / "dev_clean.jsonl"
OWN = Path(__file__).with_name("own_texts.txt")
THIRD = Path(__file__).with_name("own_texts_third.txt")
FOREIGN = Path(__file__).with_name("own_texts_foreign.txt")
RECOGNISER = Recogniser.shipped()
#: Lists are left to the headers: people write there, and some do complain.
MACHINES = {"bounce", "auto-reply", "arf", "challenge"}


def marked(path: Path) -> list[tuple[str, str]]:
    return [(line[0], line[2:]) for line in path.read_text("utf-8").splitlines() if line[:2] in ("+ ", "- ", "~ ")]


def share(path: Path, mark: str, *verdicts: str, part: str = "") -> float:
    texts = [text for kind, text in marked(path) if kind == mark and text.startswith(part)]
    said = [RECOGNISER.judge("", text.removeprefix(part)).verdict for text in texts]
    return sum(verdict in verdicts for verdict in said) / len(said)


def plain_text(mail: Mail) -> str:
    parts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "text/plain"]
    return "\n".join(part.decode("utf-8", "replace") for part in parts if isinstance(part, bytes))


def test_our_own_complaints_are_seen() -> None:
    assert share(OWN, "+", "complaint", "suspected") >= 0.80


def test_our_own_ordinary_mails_are_left_alone() -> None:
    assert share(OWN, "-", "complaint") == 0
    assert share(OWN, "-", "suspected") <= 0.10


def test_a_neutral_report_of_a_fault_is_never_a_complaint_by_the_machine() -> None:
    assert share(OWN, "~", "complaint") == 0


def test_the_third_set_which_nobody_trained_on_keeps_its_figures() -> None:
    assert share(THIRD, "+", "complaint", "suspected") >= 0.80
    assert share(THIRD, "-", "suspected") <= 0.15
    assert share(THIRD, "-", "complaint") == 0
    assert share(THIRD, "~", "complaint") == 0


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_our_own_complaints_in_other_languages_are_seen(language: str) -> None:
    assert share(FOREIGN, "+", "complaint", "suspected", part=f"{language}: ") >= 0.75
    assert share(FOREIGN, "-", "complaint", part=f"{language}: ") == 0
    assert share(FOREIGN, "-", "suspected", part=f"{language}: ") <= 0.15


@pytest.mark.skipif(not MAILS.is_dir(), reason="skipped, because ../shared/corpora is not here")
def test_no_machines_mail_becomes_a_complaint_even_when_its_headers_are_not_read() -> None:
    labels = [json.loads(line) for line in (MAILS / "LABELS.jsonl").read_text("utf-8").splitlines()]
    machines = [label["path"] for label in labels if label["label"] in MACHINES]
    called = []
    for path in machines:
        mail = message_from_bytes((MAILS / path).read_bytes(), policy=policy.compat32)
        if RECOGNISER.judge(str(mail.get("Subject", "")), plain_text(mail)).verdict == "complaint":
            called.append(path)
    assert machines
    assert called == []


@pytest.mark.skipif(not LABELLED.is_file(), reason="skipped, because ../shared/complaints is not here")
def test_the_labelled_texts_that_are_none_stay_below_the_bar() -> None:
    rows = [json.loads(line) for line in LABELLED.read_text("utf-8").split("\n") if line]
    plain = [row for row in rows if row["label"] == "not_complaint"][::5]
    called = [row["id"] for row in plain if RECOGNISER.judge(row["subject"], row["body"]).verdict == "complaint"]
    assert len(called) <= 0.01 * len(plain), called
