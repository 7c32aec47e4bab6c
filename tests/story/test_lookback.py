"""Looking back: who we are, which mails belong together, and what became of each promise."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.cli.lookback import READERS, Names
from followupd.cli.main import main
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity
from followupd.languages import catalogue
from followupd.recovery.past.lookback import (
    ArchiveMail,
    DatedPromise,
    Lookback,
    WordOutcome,
    by_week,
    look_back,
    worth_reading,
)
from followupd.services.classifier import ComplaintClassifier
from followupd.services.lookback import ArchiveReader, MaildirArchive, MboxArchive, RawMail, our_addresses
from followupd.text import complaints
from followupd.text.promises.dates import date_reader

LONDON = Calendar(timezone="Europe/London")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
#: Friday, 6 November 2026, the close of business
FRIDAY = datetime(2026, 11, 6, 17, tzinfo=UTC)
TOP = Path(__file__).parents[2]


def customer_mail(
    text: str, *, number: int = 1, at: str = "Mon, 2 Nov 2026 10:00:00 +0000", reply: str = ""
) -> bytes:
    """Return a mail of Kim to us."""
    answers = f"In-Reply-To: <{reply}>\nReferences: <{reply}>\n" if reply else ""
    return (
        f"From: Kim Doe <kim@customers.test>\nTo: support@example.test\nSubject: kettle {number}\n{answers}"
        f"Message-ID: <c{number}@customers.test>\nDate: {at}\n\n{text}\n"
    ).encode()


def a_reply(
    text: str,
    *,
    number: int = 1,
    at: str = "Tue, 3 Nov 2026 10:00:00 +0000",
    sender: str = "support@example.test",
) -> bytes:
    """Return our answer to a mail of Kim."""
    return (
        f"From: Ana Reyes <{sender}>\nTo: Kim Doe <kim@customers.test>\nSubject: Re: kettle {number}\n"
        f"In-Reply-To: <c{number}@customers.test>\nReferences: <c{number}@customers.test>\n"
        f"Message-ID: <r{number}.{at[5:7].strip()}@example.test>\nDate: {at}\n\n{text}\n"
    ).encode()


def kims(day: float, **values: object) -> ArchiveMail:
    """Return a mail of the customer, so many days after 2 November."""
    return at_day(day, ours=False, **values)


def ours(day: float, **values: object) -> ArchiveMail:
    """Return a mail of ours, so many days after 2 November."""
    return at_day(day, ours=True, **values)


def at_day(day: float, **values: object) -> ArchiveMail:
    at = datetime(2026, 11, 2, 10, tzinfo=UTC) + timedelta(days=day)
    mail = ArchiveMail(
        id=f"<{day}{values.get('customer', '')}>",
        at=at,
        ours=False,
        customer="kim@x.test",
        name="Kim Doe",
        subject="Kettle",
    )
    return replace(mail, **values)  # type: ignore[arg-type]


PROMISE = ours(1, promises=(DatedPromise("I will send it", FRIDAY),))


def looked_back(*mails: ArchiveMail, now: datetime = NOW) -> Lookback:
    return look_back(mails, LONDON, now)


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ([], WordOutcome.FORGOTTEN),
        ([ours(3)], WordOutcome.WORD),
        ([ours(4.5)], WordOutcome.WORD),  # in the evening of the day
        ([ours(7)], WordOutcome.LATE),
        ([kims(5), ours(7)], WordOutcome.ASKED),
        ([kims(7)], WordOutcome.ASKED),
        ([kims(2)], WordOutcome.FORGOTTEN),  # a word before the date asks for nothing
        ([kims(2), ours(2.1, says_little=True)], WordOutcome.FORGOTTEN),
        ([kims(2, is_content=True), ours(2.1, brief=True)], WordOutcome.FORGOTTEN),  # "You are welcome!"
        ([kims(2), ours(2.1, brief=True)], WordOutcome.WORD),
        ([ours(1.001)], WordOutcome.FORGOTTEN),  # a second mail some minutes later
        ([kims(7, is_content=True)], WordOutcome.WORD),
        ([kims(3, is_content=True)], WordOutcome.FORGOTTEN),  # thanks for the promise
        ([kims(3, settled=True)], WordOutcome.WORD),
        ([ours(3, subject="Your parcel")], WordOutcome.WORD),  # in a thread of its own
        ([kims(9, subject="A new order")], WordOutcome.FORGOTTEN),
        ([kims(9, subject="Where is it?", verdict="suspected")], WordOutcome.ASKED),
        ([ours(3, customer="lee@x.test", subject="Lamp")], WordOutcome.FORGOTTEN),
    ],
)
def test_a_promise_has_the_outcome_that_the_mails_after_it_show(
    later: Sequence[ArchiveMail], outcome: WordOutcome
) -> None:
    found = looked_back(kims(0, verdict="complaint"), PROMISE, *later)
    assert [judged.outcome for judged in found.promises] == [outcome]


def test_a_promise_whose_date_is_to_come_is_open() -> None:
    found = looked_back(kims(0), PROMISE, now=FRIDAY - timedelta(hours=1))
    assert (found.promises, found.threads[0].open) == ([], 1)


def test_a_time_of_the_day_is_a_limit_and_the_close_of_business_is_not() -> None:
    at_noon = ours(1, promises=(DatedPromise("I will call", FRIDAY.replace(hour=12)),))
    word = ours(4.2)  # at 14:48 on Friday
    assert looked_back(at_noon, word).promises[0].outcome is WordOutcome.LATE
    assert looked_back(PROMISE, word).promises[0].outcome is WordOutcome.WORD


def test_mails_belong_together_by_what_they_name_or_by_customer_and_subject() -> None:
    answer = ours(1, parents=("<0>",), subject="Re: other words")
    assert len(looked_back(kims(0), answer).threads) == 1
    assert len(looked_back(kims(0), kims(20)).threads) == 1
    assert len(looked_back(kims(0), kims(40)).threads) == 2
    assert len(looked_back(kims(0), kims(1, customer="lee@x.test")).threads) == 2
    lost = [kims(0, parents=("<lost>",), subject="a"), ours(1, parents=("<lost>",), subject="b")]
    assert len(looked_back(*lost).threads) == 1


def test_who_complains_on_two_days_is_counted_once() -> None:
    twice = [kims(0, verdict="complaint"), kims(5, verdict="suspected", subject="Again")]
    assert looked_back(*twice, kims(6, verdict="complaint", subject="More")).repeat == 1
    assert looked_back(kims(0, verdict="complaint"), kims(0.1, verdict="complaint")).repeat == 0


def test_the_first_word_and_silences_are_told() -> None:
    found = looked_back(kims(0, verdict="complaint"), ours(4), kims(5))
    assert found.first_word_median == timedelta(days=4)
    [thread] = found.threads
    assert [wait.silent for wait in thread.waits] == [True, True]
    assert thread.unanswered
    assert (
        not looked_back(kims(0, verdict="complaint"), ours(1), kims(5, is_content=True)).threads[0].unanswered
    )


def test_the_worst_threads_come_first_and_those_without_a_fault_not_at_all() -> None:
    fine = [kims(0, customer="a@x.test"), ours(1, customer="a@x.test")]
    forgotten = [kims(0, verdict="complaint"), PROMISE]
    late = replace(PROMISE, id="<l>", customer="b@x.test")
    found = looked_back(*fine, *forgotten, late, ours(9, customer="b@x.test", id="<w>"))
    assert [thread.customer.customer for thread in worth_reading(found)] == ["kim@x.test", "b@x.test"]
    assert len(worth_reading(found, 1)) == 1


def test_promises_are_counted_by_week_and_years_of_them_by_four_weeks() -> None:
    weeks, steps = by_week(looked_back(PROMISE), LONDON)
    assert (weeks, [day.isoformat() for day, _ in steps]) == (1, ["2026-11-02"])
    old = ours(-1500, promises=(DatedPromise("x", FRIDAY - timedelta(days=1490)),))
    weeks, steps = by_week(looked_back(old, PROMISE), LONDON)
    assert weeks == 4
    assert sum(sum(counts.values()) for _, counts in steps) == 2


@pytest.mark.parametrize("text", ["Kim's kettle", "kim@x.test wants it", "Mr DOE, +44 20 7946 0018"])
def test_names_are_shortened_unless_they_are_asked_for(text: str) -> None:
    mail = kims(0)
    shown = Names(hidden=True).text(text, mail)
    assert not re.search(r"kim|doe|7946", shown, re.IGNORECASE)
    assert Names(hidden=True).person(mail) == "K. D."
    assert Names(hidden=True).person(replace(mail, name="")) == "k…@x…"
    assert (Names(hidden=False).text(text, mail), Names(hidden=False).person(mail)) == (text, "Kim Doe")


# --- what an agent would be asked about ---

#: sentence -> the day of the promise, None where more than a person's word is missing
ASKED = {
    "I will write to you again by 2 March, whether they have answered or not.": "2027-03-02",
    "Operatives will attend within 3 working days.": "2027-02-04",
    "We will send it on Tuesday 2 March and collect the old one on Friday 5 March.": None,
    "From 2 March on we will answer within a day.": None,
    "I wrote to you on 28 January.": None,
    "I will write to you again.": None,
}


@pytest.fixture(scope="module")
def reader() -> ArchiveReader:
    classifier = ComplaintClassifier(complaints.Recogniser.shipped(), 0.9, 0.3, "en", "")
    return ArchiveReader(Identity(addresses=frozenset({"support@example.test"})), classifier, LONDON, NOW)


@pytest.mark.parametrize(("sentence", "day"), ASKED.items())
def test_a_sentence_that_an_agent_would_be_asked_about_counts_where_it_names_one_day(
    reader: ArchiveReader, sentence: str, day: str | None
) -> None:
    english = catalogue().language("en")
    dates = date_reader(english, now=datetime(2027, 2, 1, 10, tzinfo=UTC), calendar=LONDON)
    found = reader._asked(sentence, english, dates)
    assert (found and str(found.due.date())) == day


def test_each_promise_of_a_reply_is_kept_whether_it_was_clear_or_would_be_asked_about(
    reader: ArchiveReader,
) -> None:
    text = "I will send a new kettle by Friday.\n\nI will write to you again by 20 November, whether they have answered or not."
    read = reader.read(RawMail(a_reply(text), True, None, 1))
    assert read is not None
    assert [str(promise.due.date()) for promise in read.promises] == ["2026-11-06", "2026-11-20"]


# --- archives of files ---


def mails() -> list[bytes]:
    """Return a forgotten promise to Kim, and one to Lee that was kept."""
    lee = (b"Kim Doe <kim@", b"Lee Park <lee@")
    first = [
        customer_mail(
            "The kettle has not come. I have waited three weeks, nobody answers, and I am very disappointed. I want my money back."
        ),
        a_reply("Dear Kim,\n\nI will send you a new kettle by Friday.\n\nAna"),
    ]
    second = [
        customer_mail(
            "The lamp came broken again and your service ignores my mails. This is unacceptable, I demand a refund.",
            number=2,
        ),
        a_reply("I will write to you by Thursday.", number=2, sender="ana@example.test"),
        a_reply("The lamp has left our house.", number=2, at="Thu, 5 Nov 2026 10:00:00 +0000"),
    ]
    return [*first, *(raw.replace(*lee) for raw in second)]


def maildir(top: Path) -> Path:
    """Write a Maildir of these mails, with a draft and a deleted mail."""
    for folder in ("", ".Sent", ".Drafts"):
        for part in ("cur", "new", "tmp"):
            (top / folder / part).mkdir(parents=True)
    for number, raw in enumerate(mails()):
        folder = ".Sent" if b"From: Ana" in raw else ""
        (top / folder / "cur" / f"{number}:2,S").write_bytes(raw)
    (top / ".Drafts/cur/9:2,").write_bytes(a_reply("I will call by Friday.", number=9))
    (top / "cur/8:2,ST").write_bytes(customer_mail("deleted", number=8))
    (top / "dovecot.index").write_bytes(b"\0")
    return top


def mbox(path: Path) -> Path:
    path.write_bytes(
        b"".join(b"From x Mon Nov  2 10:00:00 2026\n" + raw + b"\n>From here\n\n" for raw in mails())
    )
    return path


def looked_at(words: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["lookback", *words, "--json", "--config", str(tmp_path / "none")]) == 0
    view: dict[str, object] = json.loads(capsys.readouterr().out)
    return view


COUNTS = {"mails": 5, "threads": 2, "complaints": 2, "promises": 2, "kept_word": 1, "forgotten": 1, "late": 0}


def test_a_maildir_is_read_without_drafts_and_what_was_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = looked_at(["--maildir", str(maildir(tmp_path / "mail"))], tmp_path, capsys)
    assert {key: view[key] for key in COUNTS} == COUNTS
    assert view["addresses"] == ["support@example.test"]


def test_an_mbox_and_a_directory_of_eml_files_give_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export").mkdir()
    for number, raw in enumerate(mails()):
        (tmp_path / "export" / f"{number}.eml").write_bytes(raw)
    for words in (["--mbox", str(mbox(tmp_path / "all.mbox"))], ["--maildir", str(tmp_path / "export")]):
        view = looked_at(words, tmp_path, capsys)
        assert {key: view[key] for key in COUNTS} == COUNTS


def test_the_rows_say_what_was_promised_when_and_what_became_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = looked_at(["--mbox", str(mbox(tmp_path / "all.mbox"))], tmp_path, capsys)
    rows = view["rows"]
    assert isinstance(rows, list)
    [row] = [row for row in rows if row["outcome"] == "forgotten"]
    assert row["promise"] == "I will send you a new kettle"
    assert (row["thread"], row["customer"]) == ("kettle 1", "K. D.")
    assert row["date"] == "2026-11-03T10:00:00Z"
    assert row["due"].startswith("2026-11-06T")


def test_old_mail_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = looked_at(["--mbox", str(mbox(tmp_path / "m")), "--since", "2026-11-04"], tmp_path, capsys)
    assert (view["promises"], view["threads"]) == (0, 1)


def test_the_page_loads_nothing_and_customers_words_never_become_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m"
    path.write_bytes(mbox(path).read_bytes().replace(b"kettle 1", b"<script>alert(1)</script>"))
    page = tmp_path / "page.html"
    words = ["lookback", "--mbox", str(path), "--html", str(page), "--config", str(tmp_path / "none")]
    assert main(words) == 0
    text = page.read_text()
    assert "1 was forgotten" in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"<script|src=|href=|url\(|@import", text)
    assert "Kim" not in text
    assert "1 was forgotten" in capsys.readouterr().out
    assert main([*words, "--names"]) == 0
    assert "Kim Doe" in page.read_text()


def test_playbooks_tell_what_they_would_have_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--mbox", str(mbox(tmp_path / "m")), "--playbooks", str(TOP / "config/playbooks")]
    rules = looked_at(words, tmp_path, capsys)["rules"]
    assert isinstance(rules, dict)
    assert rules["complaints"] == rules["confirmed"] + rules["shown"] == 2
    assert (rules["reminded"], rules["escalated"]) == (1, 1)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "no mail is named"),
        (["--mailbox", "support"], "there is no mailbox named support"),
        (["--maildir", "nowhere"], "is no directory"),
        (["--mbox", "nowhere"], "is no file"),
        (["--maildir", "."], "has no mail in it"),
    ],
)
def test_what_cannot_be_read_is_told(
    words: list[str],
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lookback", *words, "--config", "none"]) == 1
    error = capsys.readouterr().err
    assert problem in error
    assert len(error.splitlines()) == 1


def test_a_file_that_is_no_mbox_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(mails()[0])
    assert main(["lookback", "--mbox", str(tmp_path / "x"), "--config", str(tmp_path)]) == 1
    assert "is no mbox" in capsys.readouterr().err


def test_our_address_is_the_one_that_customers_write_to(tmp_path: Path) -> None:
    one = mbox(tmp_path / "m")
    assert our_addresses(MboxArchive([one])) == {"support@example.test"}
    single = tmp_path / "single"
    single.mkdir()
    for number, raw in enumerate(mails()[:2]):  # one customer: both addresses are in both mails
        (single / f"{number}").write_bytes(raw)
    assert our_addresses(MaildirArchive(single)) == {"support@example.test"}


def test_a_public_provider_is_nobodys_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shop at gmail.com, with customers there."""
    path = mbox(tmp_path / "m")
    raw = path.read_bytes().replace(b"support@example.test", b"shop@gmail.com")
    path.write_bytes(
        raw.replace(b"ana@example.test", b"shop@gmail.com").replace(b"customers.test", b"gmail.com")
    )
    view = looked_at(["--mbox", str(path)], tmp_path, capsys)
    assert view["addresses"] == ["shop@gmail.com"]
    assert {key: view[key] for key in COUNTS} == COUNTS


def test_automatic_answers_promise_nothing_and_are_no_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    robot = a_reply("We will answer by Friday.", at="Wed, 4 Nov 2026 10:00:00 +0000")
    path = mbox(tmp_path / "m")
    path.write_bytes(path.read_bytes() + b"From x\nAuto-Submitted: auto-replied\n" + robot)
    view = looked_at(["--mbox", str(path)], tmp_path, capsys)
    assert {key: view[key] for key in COUNTS} == {**COUNTS, "mails": 6}


def test_mails_that_name_no_thread_are_put_together_by_subject(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = mbox(tmp_path / "m")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith((b"References", b"In-Reply"))))
    view = looked_at(["--mbox", str(path)], tmp_path, capsys)
    assert {key: view[key] for key in COUNTS} == COUNTS


def test_the_figures_of_the_readers_are_those_of_the_pages() -> None:
    stated = {
        name: f"{right:.2f} / {found:.2f}".replace("0.", ".") for name, (right, found, _) in READERS.items()
    }
    assert stated["a promise in a reply"] in (TOP / "docs/promises.md").read_text()
    lookback = (TOP / "docs/lookback.md").read_text()
    for figures in stated.values():
        assert figures in lookback
