"""The complaint classifier on real mails and texts: machine mail, labelled sources, sentences of our own."""

from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from followupd.text.complaints import Recogniser
from tests.corpora.mails import DATA, json_lines, stored_labels, stored_mails
from tests.corpora.measures import plain_text

OWN = Path(__file__).with_name("own_texts.txt")
THIRD = Path(__file__).with_name("own_texts_third.txt")
FOREIGN = Path(__file__).with_name("own_texts_foreign.txt")
RECOGNISER = Recogniser.shipped()
#: Lists are left to the headers: people write there, and some do complain.
MACHINES = {"bounce", "auto-reply", "arf"}


def marked(path: Path) -> list[tuple[str, str]]:
    return [
        (line[0], line[2:]) for line in path.read_text("utf-8").splitlines() if line[:2] in ("+ ", "- ", "~ ")
    ]


def share(path: Path, mark: str, *verdicts: str, part: str = "") -> float:
    texts = [text for kind, text in marked(path) if kind == mark and text.startswith(part)]
    said = [RECOGNISER.judge("", text.removeprefix(part)).verdict for text in texts]
    return sum(verdict in verdicts for verdict in said) / len(said)


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


def test_no_machines_mail_becomes_a_complaint_even_when_its_headers_are_not_read() -> None:
    machines = [path for path, label in stored_labels().items() if label in MACHINES]
    assert len(machines) == 379
    called = []
    for path in machines:
        mail = message_from_bytes(stored_mails()[path], policy=policy.compat32)
        if RECOGNISER.judge(str(mail.get("Subject", "")), plain_text(mail)).verdict == "complaint":
            called.append(path)
    assert called == []


def test_labelled_texts_of_others_get_these_verdicts() -> None:
    """The weights were trained on these sources: the figures only guard against regressions."""
    seen = Counter(
        (row["source"], row["label"], RECOGNISER.judge(row["subject"], row["body"]).verdict)
        for row in json_lines(DATA / "complaints/labelled.jsonl")
    )
    assert seen == {
        ("cfpb_narratives", "complaint", "complaint"): 53,
        ("cfpb_narratives", "complaint", "suspected"): 84,
        ("cfpb_narratives", "complaint", "no"): 13,
        ("banking77", "not_complaint", "suspected"): 11,
        ("banking77", "not_complaint", "no"): 139,
        ("banking77", "problem_report", "suspected"): 40,
        ("banking77", "problem_report", "no"): 60,
        ("clinc150", "not_complaint", "suspected"): 14,
        ("clinc150", "not_complaint", "no"): 136,
    }
