"""Situations that users of help desks and mail robots report, one test for each folder beside this file.

Each expected.md says what should happen. A test that fails is marked with the open issue that covers it;
whoever fixes the fault removes the mark.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases.shop import Shop, case_folder, reply, rows, views
from tests.journeys.world import World, text_of

ROBIN = "Robin Vale <robin@customer.test>"
COMPLAINT = (
    "My grinder has not arrived after three weeks, nobody answers, I want my money back. "
    "This is unacceptable."
)
AGAIN = "It still has not arrived and I am very disappointed. I want my money back now."


def open_issue(issue: int, *values: object) -> object:
    """Mark a parameter set that fails until the issue is resolved."""
    mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"issue {issue}")
    return pytest.param(*values, marks=mark, id=str(values[0]))


@pytest.fixture
def shop(make_world: Callable[..., World], capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(make_world, capsys)


# --- what `followupd read` says of a mail ---


@pytest.mark.parametrize("name", ["input"])
def test_01_feedback_id_of_a_personal_mail(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, case_folder("01") / f"{name}.eml")
    assert (view["kind"], view["complaint"]["verdict"]) == ("customer", "complaint")


@pytest.mark.parametrize("name", ["input", "away", "chair", "gauge"])
def test_03_subject_that_begins_like_an_absence_note(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, case_folder("03") / f"{name}.eml")
    assert view["kind"] == "customer"
    assert view["complaint"]["verdict"] in {"complaint", "suspected"}


@pytest.mark.parametrize("name", ["input", "cid", "footer", "seehtml", "zwsp"])
def test_07_text_part_that_says_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, case_folder("07") / f"{name}.eml")
    assert view["complaint"]["verdict"] == "complaint"


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("input", '"robin vale"@customer.test'),
        ("angle", '"robin vale"@customer.test'),
        ("at", '"robin@home"@customer.test'),
        ("name", "robin@customer.test"),
    ],
)
def test_09_quoted_local_part_becomes_a_stranger(
    name: str, whole: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, case_folder("09") / f"{name}.eml")
    assert view["from"] in {whole, ""}


@pytest.mark.parametrize("name", ["input", "ja", "nl", "pl"])
def test_20_a_language_without_cues(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [view] = views(tmp_path, capsys, case_folder("20") / f"{name}.eml")
    assert view["complaint"]["verdict"] == "suspected"


@pytest.mark.parametrize("name", ["input", "scl"])
def test_22_mail_that_our_server_calls_spam(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, case_folder("22") / f"{name}.eml")
    assert view["no_answer"]


# --- what it hears in an agent's reply ---

#: remains of a date that was only half understood
DEBRIS = re.compile(r"(\b14th|\b14|\b10th|\b18|\b11th|\bweek|\bweeks|\bfortnight|' time)\b[^a-z]*$")


def check_read_rightly_or_not_at_all(
    sentence: str, day: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(directory, capsys, reply(directory, sentence))
    for promise in view["promises"]:
        if promise["due"]:
            assert promise["due"].startswith(day)
            assert not DEBRIS.search(promise["text"])


@pytest.mark.parametrize(("sentence", "day"), rows("10", "sentences.tsv"))
def test_10_weekday_with_the_day_of_the_month(
    sentence: str, day: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_read_rightly_or_not_at_all(sentence, day, tmp_path, capsys)


@pytest.mark.parametrize(("sentence", "day"), rows("11", "sentences.tsv"))
def test_11_a_week_from_friday(
    sentence: str, day: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_read_rightly_or_not_at_all(sentence, day, tmp_path, capsys)


@pytest.mark.parametrize(("sentence", "amount"), rows("13", "sentences.tsv"))
def test_13_half_of_forty_is_not_forty(
    sentence: str, amount: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [view] = views(tmp_path, capsys, reply(tmp_path, sentence))
    assert {each["amount"] for each in view["compensation"]} <= {amount, None}


# --- what becomes of mails in a mailbox ---


def test_05_shop_form_two_customers_one_case(shop: Shop) -> None:
    shop.deliver_file("05", "robin")
    shop.deliver_file("05", "sam")
    shop.run(hours=1)
    assert shop.customers() == ["robin@customer.test", "sam@other.test"]
    ours = {"ana@agents.test", "lee@agents.test"}
    receivers = {str(letter["To"].addresses[0].addr_spec) for letter in shop.world.letters()}
    assert receivers - ours <= {"robin@customer.test", "sam@other.test"}


def test_14_words_in_a_closed_case(shop: Shop) -> None:
    answers = [row[0] for row in rows("14", "answers.tsv")]
    complaints = [
        shop.deliver(COMPLAINT, f"Grinder {n}", f"robin@k{n}.test", tagged=True) for n in range(len(answers))
    ]
    shop.run()
    for case in shop.json("cases"):
        shop.world.says(case["ref"], "kept", "refund: 25 EUR", "issued: 1", "close")
    refs = {case["customer"]["address"]: case["ref"] for case in shop.json("cases")}
    assert {case["stage"] for case in shop.json("cases")} == {"closed"}
    before = len(list(shop.staff_mails()))
    for n, (complaint, words) in enumerate(zip(complaints, answers, strict=True)):
        shop.deliver(words, f"Re: Grinder {n}", f"robin@k{n}.test", answering=complaint)
    for _ in range(4):
        shop.run(days=1)
    told = "\n".join(list(shop.staff_mails())[before:])
    silent = [
        words
        for n, words in enumerate(answers)
        if f"robin@k{n}.test" not in told and refs[f"robin@k{n}.test"] not in told
    ]
    assert silent == []


def test_16_agent_answers_from_the_own_address_with_us_in_cc(shop: Shop) -> None:
    shop.deliver_file("16", "complaint", tagged=True)
    shop.run()
    shop.deliver_file("16", "answer")
    shop.run()
    case = shop.case()
    assert "AgentWrote" in [event["event"] for event in case["history"]]
    assert case["promises"][0]["state"] == "kept"
    assert any("grinder" in promise["text"] for promise in case["promises"][1:])


def test_18_reply_prefixes_of_other_programs(shop: Shop) -> None:
    prefixes = [row[0].removesuffix("|") for row in rows("18", "prefixes.tsv")]
    for n in range(len(prefixes)):
        shop.deliver(COMPLAINT, f"Grinder {n} not delivered", f"robin@p{n}.test")
    shop.run()
    for n, prefix in enumerate(prefixes):
        shop.deliver(f"Number {n}. {AGAIN}", f"{prefix}Grinder {n} not delivered", f"robin@p{n}.test")
    shop.run()
    cases = Counter(shop.customers())
    assert [prefix for n, prefix in enumerate(prefixes) if cases[f"robin@p{n}.test"] != 1] == []


def test_19_a_colleague_who_is_no_agent_forwards(shop: Shop) -> None:
    shop.deliver_file("19", "forwarded")
    shop.deliver_file("19", "with-a-line-above")
    shop.run(hours=1)
    domain = shop.world.postbox.address.partition("@")[2]
    assert shop.letters_to(f"sales@{domain}") == []
    assert shop.customers() == ["kim@third.test", "sam@other.test"]


def test_23_greetings_by_a_word_that_is_no_name(shop: Shop) -> None:
    names = rows("23", "names.tsv")
    for n, (name, _, words) in enumerate(names):
        shop.deliver(words, f"Order {n}", f'"{name}" <x@n{n}.test>', tagged=True)
    shop.run()
    letters = [shop.letters_to(f"x@n{n}.test")[0] for n in range(len(names))]
    greetings = [text_of(letter).splitlines()[0] for letter in letters]
    wrong = [
        f"{name}: {said}"
        for (name, word, _), said in zip(names, greetings, strict=True)
        if said == f"Dear {word},"
    ]
    assert wrong == []


def test_25_reopened_a_month_later_about_something_else(shop: Shop) -> None:
    shop.deliver_file("25", "complaint", tagged=True)
    shop.run()
    ref = shop.case()["ref"]
    shop.world.says(
        ref,
        "kept",
        "cause: two labels were swapped on our packing table",
        "resolution: we shipped your order again by courier",
        "prevention: each label is now scanned before it leaves",
        "fault: ours",
        "fixed",
    )
    for days in (4, 16):
        shop.run(days=days)
    assert shop.case()["stage"] == "closed"
    old = shop.letters_to("robin@customer.test")[-1]
    shop.run(days=15)
    kettle = (case_folder("25") / "kettle.txt").read_text("utf-8")
    before, told = len(shop.world.letters()), len(list(shop.staff_mails()))
    shop.deliver(kettle, f"Re: {old['Subject']}", ROBIN, answering=old)
    shop.run()
    fresh = next((case["ref"] for case in shop.json("cases") if case["ref"] != ref), ref)
    shop.world.says(fresh, "resolution: a new kettle went out by courier", "fixed")
    for days in (1, 4):
        shop.run(days=days)
    assert not any("labels were swapped" in text_of(letter) for letter in shop.world.letters()[before:])
    assert any("cause:" in mail for mail in list(shop.staff_mails())[told:])


def test_26_first_mail_moved_into_a_new_command_folder(shop: Shop) -> None:
    shop.deliver_file("26", "question")
    shop.run()
    assert shop.customers() == []
    with shop.world.postbox.client() as client:
        client.create_folder("Recovery/Complaint")
        client.select_folder("INBOX")
        client.move(client.search(), "Recovery/Complaint")
    shop.run(minutes=5)
    assert shop.customers() == ["robin@customer.test"]


def test_28_quarantine_that_no_digest_ever_tells(shop: Shop) -> None:
    shop.deliver_file("28", "complaint", tagged=True)
    shop.run()
    [ours] = shop.letters_to("robin@customer.test")
    words = (case_folder("28") / "neighbour.txt").read_text("utf-8")
    shop.deliver(words, f"Re: {ours['Subject']}", "Sam <sam@other.test>", answering=ours)
    for _ in range(3):
        shop.run(days=1)
    assert shop.json("status")["quarantine"] == 1
    assert any("quarantine" in mail or "sam@other.test" in mail for mail in shop.staff_mails())
