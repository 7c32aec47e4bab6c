"""The complaint classifier on real mails and texts: machine mail, labelled sources, sentences of our own."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from followupd.domain.mail import Verdict
from followupd.text.complaints import Recogniser, severity, wants
from tests.corpora.mails import DATA, json_lines, stored_labels, stored_mails
from tests.corpora.measures import plain_text

OWN = Path(__file__).with_name("own_texts.txt")
THIRD = Path(__file__).with_name("own_texts_third.txt")
FOREIGN = Path(__file__).with_name("own_texts_foreign.txt")
RECOGNISER = Recogniser.shipped()
MAILS = Path(__file__).parents[2] / "benchmarks" / "texts" / "mails"
#: rounds that trained nothing
KEPT = ("10", "16", "18", "24")
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
    assert share(THIRD, "-", "suspected") <= 0.23
    assert share(THIRD, "-", "complaint") == 0
    assert share(THIRD, "~", "complaint") == 0


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_our_own_complaints_in_other_languages_are_seen(language: str) -> None:
    assert share(FOREIGN, "+", "complaint", "suspected", part=f"{language}: ") >= 0.75
    assert share(FOREIGN, "-", "complaint", part=f"{language}: ") == 0
    assert share(FOREIGN, "-", "suspected", part=f"{language}: ") <= 0.17


def kept_mails() -> list[tuple[dict[str, Any], Verdict]]:
    """Return the mails of the rounds that trained nothing, with their verdicts."""
    paths = [path for path in sorted(MAILS.glob("*/round-*.jsonl")) if path.stem.endswith(KEPT)]
    rows = [row | {"lang": path.parent.name} for path in paths for row in json_lines(path)]
    return [(row, RECOGNISER.judge(row["subject"], row["body"], language=row["lang"])) for row in rows]


def table(judged: Sequence[tuple[dict[str, Any], Verdict]], column: str) -> list[str]:
    """Return a line for each kind of mail: how many were complaint, suspected and no."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, verdict in judged:
        counts[f"{row[column]}, {row['label']}"][verdict.verdict] += 1
    verdicts = ("complaint", "suspected", "no")
    return [
        f"{kind:32}" + "".join(f"{count[word]:11}" for word in verdicts)
        for kind, count in sorted(counts.items())
    ]


def macro_f1(judged: Sequence[tuple[dict[str, Any], Verdict]]) -> float:
    """Return the macro-F1 of complaint or suspected against no."""
    seen = Counter((row["label"] == "complaint", verdict.verdict != "no") for row, verdict in judged)
    wrong = seen[True, False] + seen[False, True]
    return sum(2 * seen[kind, kind] / (2 * seen[kind, kind] + wrong) for kind in (True, False)) / 2


def auc(judged: Sequence[tuple[dict[str, Any], Verdict]]) -> float:
    """Return how often a complaint scores higher than another mail."""
    mine = [verdict.score for row, verdict in judged if row["label"] == "complaint"]
    others = [verdict.score for row, verdict in judged if row["label"] != "complaint"]
    return sum((a > b) + (a == b) / 2 for a in mine for b in others) / (len(mine) * len(others))


def test_mails_that_trained_nothing_keep_these_figures() -> None:
    judged = kept_mails()
    print(f"{'':32}" + "".join(f"{word:>11}" for word in ("complaint", "suspected", "no")))
    print(*table(judged, "lang"), *table(judged, "cls"), sep="\n")
    sure = [row for row, verdict in judged if verdict.verdict == "complaint"]
    right = sum(row["label"] == "complaint" for row in sure)
    print(f"AUC {auc(judged):.3f}, macro-F1 {macro_f1(judged):.3f}, complaint {right} of {len(sure)}")
    assert auc(judged) >= 0.97
    assert macro_f1(judged) >= 0.89
    assert right >= 0.99 * len(sure)
    assert right >= 0.30 * sum(row["label"] == "complaint" for row, _ in judged)
    for language in ("en", "de", "fr", "es"):
        own = [(row, verdict) for row, verdict in judged if row["lang"] == language]
        print(f"{language}: AUC {auc(own):.3f}, macro-F1 {macro_f1(own):.3f}")
        assert auc(own) >= 0.95
        assert macro_f1(own) >= 0.85


def test_severity_and_wishes_in_mails_that_trained_nothing_keep_these_figures() -> None:
    complaints = [(row, verdict) for row, verdict in kept_mails() if row["label"] == "complaint"]
    right = sum(severity(verdict, row["body"]) in row["severity"].split("|") for row, verdict in complaints)
    meant, found, both = 0, 0, 0
    for row, _ in complaints:
        said = {want.wish for want in wants(row["body"], subject=row["subject"])}
        meant, found, both = meant + len(row["wants"]), found + len(said), both + len(said & {*row["wants"]})
    share, precision, recall = right / len(complaints), both / found, both / meant
    print(f"severity {share:.2f}, wishes right {precision:.2f}, found {recall:.2f}")
    assert share >= 0.84
    assert precision >= 0.92
    assert recall >= 0.42


def test_no_danger_is_passed_over_in_mails_that_trained_nothing() -> None:
    dangers = [
        (row, verdict) for row, verdict in kept_mails() if row["danger"] and row["label"] == "complaint"
    ]
    missed = [row["subject"] for row, verdict in dangers if verdict.verdict == "no"]
    assert missed == []
    high = sum(severity(verdict, row["body"]) == "high" for row, verdict in dangers)
    print(f"{high} of {len(dangers)} dangers are of high severity")
    assert (high, len(dangers)) == (47, 51)


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
        ("cfpb_narratives", "complaint", "complaint"): 101,
        ("cfpb_narratives", "complaint", "suspected"): 49,
        ("banking77", "not_complaint", "suspected"): 8,
        ("banking77", "not_complaint", "no"): 142,
        (
            "banking77",
            "problem_report",
            "complaint",
        ): 2,  # "Please get this sorted out right away": they complain
        ("banking77", "problem_report", "suspected"): 43,
        ("banking77", "problem_report", "no"): 55,
        ("clinc150", "not_complaint", "suspected"): 17,
        ("clinc150", "not_complaint", "no"): 133,
    }
