"""One mail cannot hold the daemon: what costs too much CPU time is set aside, and the mails behind it are read."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from followupd.adapters.process import MailReader, OverBudgetError, cpu_budget
from followupd.adapters.storage.database import adapter_of
from followupd.domain.mail import Message
from followupd.errors import UnreadableError
from followupd.text.mail.read import read
from tests.fuzz.fuzzing import CORPUS
from tests.story.raw_mail import KEY, OWN_ID, US, a_mail

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
#: a mail that costs far more than the tick of the kernel's timer
SLOW = a_mail("<p>Kim wrote:<br>" * 100_000, kind="text/html")


def a_reader(budget: float = 2.0) -> MailReader:
    return MailReader(adapter_of(Message).validate_json, budget=budget)


@pytest.fixture
def reader() -> Iterator[MailReader]:
    made = a_reader()
    yield made
    made.close()


def reads(reader: MailReader, raw: bytes = a_mail()) -> Message:
    return reader(raw, US, in_sent=False, received_at=NOW)


def child_of(reader: MailReader) -> int:
    assert reader._child is not None
    return reader._child.pid


@pytest.mark.parametrize("raw", [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))])
def test_a_child_reads_a_mail_as_the_parent_would(reader: MailReader, raw: bytes) -> None:
    assert reads(reader, raw) == read(raw, US, received_at=NOW)


def test_the_child_asks_the_parent_for_what_needs_a_key_or_the_ledger(reader: MailReader) -> None:
    asked: list[str] = []

    def earlier(message_id: str) -> str:
        asked.append(message_id)
        return ""

    identity = replace(US, earlier=earlier)
    message = reader(a_mail("Hi", f"References: {OWN_ID}"), identity, in_sent=False, received_at=None)
    assert message.answers == (KEY,)
    assert asked == [OWN_ID]


@pytest.mark.parametrize("error", [ConnectionError, KeyboardInterrupt, ValueError])
def test_a_mail_whose_question_has_no_answer_is_not_taken_for_the_next_one(
    reader: MailReader, error: type[BaseException]
) -> None:
    def fails(_: str) -> str:
        raise error

    one, two = (a_mail(text, f"References: {OWN_ID}") for text in ("one", "two"))
    with pytest.raises(error):
        reader(one, replace(US, earlier=fails), in_sent=False, received_at=NOW)
    assert reads(reader, two).text == "two"


def test_a_mail_over_its_budget_is_set_aside_and_the_next_one_is_read() -> None:
    reader = a_reader(budget=0.05)
    assert reads(reader)
    began = time.process_time()
    with pytest.raises(UnreadableError, match="seconds of computing"):
        reads(reader, SLOW)
    assert time.process_time() - began < 1, "the parent pays nothing for it"
    assert reads(reader).text
    reader.close()


def test_a_child_that_somebody_ends_is_started_again(reader: MailReader) -> None:
    reads(reader)
    os.kill(child_of(reader), signal.SIGKILL)
    assert reads(reader).text


@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/false"])
def test_without_a_child_mail_is_read_all_the_same(python: str) -> None:
    reader = MailReader(adapter_of(Message).validate_json, python=python)
    assert reads(reader).text
    assert reads(reader).text


def test_a_child_that_cannot_start_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Traceback' >&2\necho 'ImportError: no such library' >&2\nexit 1\n")
    python.chmod(0o755)
    assert reads(MailReader(adapter_of(Message).validate_json, python=str(python))).text
    assert "ImportError: no such library" in caplog.text


def test_the_child_finds_what_its_parent_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"open({str(tmp_path / 'seen')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    reader = a_reader()
    assert reads(reader).text
    reader.close()
    assert (tmp_path / "seen").exists()


def test_what_stops_the_parent_does_not_end_a_mail_that_is_being_read(reader: MailReader) -> None:
    reads(reader)
    before = child_of(reader)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(before, number)
    assert reads(reader).text
    assert child_of(reader) == before


def test_the_child_has_no_secret_of_the_parents_environment(
    reader: MailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPORT_PASSWORD", "a-secret-of-ours")
    reads(reader)
    environment = Path(f"/proc/{child_of(reader)}/environ").read_bytes()
    assert b"a-secret-of-ours" not in environment


def test_threads_may_read_at_the_same_time(reader: MailReader) -> None:
    found: list[str] = []

    def some(number: int) -> None:
        found.extend(reads(reader, a_mail(f"This is mail {number}.")).text for _ in range(20))

    threads = [threading.Thread(target=partial(some, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"This is mail {number}." for number in range(4) for _ in range(20))


def test_what_the_main_thread_does_with_a_mail_has_a_budget_too() -> None:
    import re

    with pytest.raises(OverBudgetError), cpu_budget(0.1):
        re.match(r"(a+)+$", "a" * 40 + "b")  # a pattern that takes hours, in one call of the library
    with cpu_budget(0.1):
        threading.Event().wait(0.3)  # waiting costs nothing
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
