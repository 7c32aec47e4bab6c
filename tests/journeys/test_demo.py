"""The demo as a new user runs it: one command, no configuration, and every number counted in its own mail."""

import email
import email.policy
import json
import os
import pty
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from followupd.demo.company import first_day
from followupd.domain.calendar import Calendar
from tests.journeys.world import html_of, text_of
from tests.servers.machine import LIMIT

PROJECT = Path(__file__).resolve().parents[2]
#: CPU seconds that the demo may use; it takes about six
CPU_SECONDS = 30


@dataclass
class Performance:
    """The output of one demo: its directory, what it printed, and the CPU time that it used."""

    out: Path
    printed: str
    cpu_seconds: float

    def letters(self, kind: str = "") -> list[EmailMessage]:
        files = sorted((self.out / "letters").glob("*.eml"))
        mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        return [mail for mail in mails if not kind or f".{kind}." in str(mail["X-Followupd-Key"])]

    @property
    def code(self) -> str:
        [gift] = self.letters("gift-card")
        found = re.search(r"GIFT-\w+-\w+", text_of(gift))
        assert found
        return found[0]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "followupd", "demo", *arguments]


def environment(**changes: str) -> dict[str, str]:
    """Return an environment without any configuration of followupd."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "LANG", "TMPDIR", "COVERAGE_PROCESS_START"}
    }
    return {**kept, "PYTHONPATH": str(PROJECT), "HOME": "/nonexistent", **changes}


def run(*arguments: str, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture(scope="module")
def performance(tmp_path_factory: pytest.TempPathFactory) -> Performance:
    """The demo, run once from another directory, without a home directory."""
    out, before = tmp_path_factory.mktemp("demo") / "out", children_cpu_seconds()
    done = run("--fast", "--out", str(out), cwd=tmp_path_factory.mktemp("elsewhere"))
    assert (done.returncode, done.stderr) == (0, "")
    return Performance(out, done.stdout, children_cpu_seconds() - before)


def children_cpu_seconds() -> float:
    """Return the CPU time of all child processes that have ended: a busy machine does not change it much."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_each_letter_comes_once_and_the_story_says_so(performance: Performance) -> None:
    kinds = [
        next(part for part in str(mail["X-Followupd-Key"]).split(".") if not part.startswith("FU-"))
        for mail in performance.letters()
        if mail["X-Followupd-Key"]
    ]
    customer = [kind for kind in kinds if not kind.startswith("desk/")]
    assert customer == ["confirmation", "confirmation", "follow-up", "gift-card"]
    assert kinds.count("desk/doubt") == kinds.count("desk/facts") == 1
    invitations = [part for mail in performance.letters() for part in mail.iter_attachments()]
    assert [part.get_filename() for part in invitations] == ["call.ics"]  # in the digest of that morning
    assert len({mail["Message-ID"] for mail in performance.letters()}) == len(performance.letters())
    assert "4 letters: 2 confirmation, 1 follow-up, 1 gift-card" in performance.printed
    assert "NO  " not in performance.printed


def test_the_terminal_shows_who_does_what_and_when_within_eighty_columns(performance: Performance) -> None:
    text = " ".join(performance.printed.split())
    for sentence in (
        "Kim Doe writes to support@example.com",
        "Words that counted:",
        "tags the mail `complaint`",
        "quiet hours",
        "Promise 2 is recorded",
        "answers that mail with the lines it asks for",
        "is in doubt",
        "Did this letter leave?",
        "our own copy came back",
        "call.ics",
        "Letters sent meanwhile: 0",
        "Mails that arrived at Kim's or Ana Reyes's: 0",
        "Never twice, never forgotten, and in doubt we ask.",
        "followupd init DIR",
    ):
        assert sentence in text
    story = performance.printed.partition("Look at it:")[0]
    assert max(len(line) for line in story.splitlines()) <= 80
    assert "\033" not in performance.printed


def test_the_follow_up_says_what_was_done_and_what_is_different_now(performance: Performance) -> None:
    [follow_up] = performance.letters("follow-up")
    words = " ".join(text_of(follow_up).split())
    for sentence in (
        "The label came off your parcel",
        "by express",
        "Every evening we now look",
        "£12.50",
        "+44 20 7946 0018",
    ):
        assert sentence in words
    assert follow_up["In-Reply-To"]


def test_the_gift_card_has_a_thread_of_its_own_and_only_its_letter_has_the_code(
    performance: Performance,
) -> None:
    [gift] = performance.letters("gift-card")
    assert (gift["In-Reply-To"], gift["References"]) == (None, None)
    code, files = performance.code, [path for path in performance.out.rglob("*") if path.is_file()]
    with_code = sorted(path.name for path in files if code.encode() in path.read_bytes())
    assert [re.sub(r"^\d+-", "", name) for name in with_code] == ["gift-card.eml", "gift-card.html"]
    assert code not in performance.printed
    assert not any(code in text_of(mail) + html_of(mail) for mail in performance.letters("follow-up"))


def test_the_page_shows_every_mail_in_order_and_nothing_from_outside(performance: Performance) -> None:
    page = (performance.out / "index.html").read_text()
    linked = list(dict.fromkeys(re.findall(r'href="letters/([^"]+\.eml)"', page)))
    assert linked == sorted(path.name for path in (performance.out / "letters").glob("*.eml"))
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert page.count("<iframe") == page.count('sandbox="allow-same-origin"') == page.count("srcdoc=")


def test_the_demo_uses_little_cpu_time(performance: Performance) -> None:
    assert performance.cpu_seconds < CPU_SECONDS


def test_commands_work_on_the_directory_that_the_demo_leaves(
    performance: Performance, tmp_path: Path
) -> None:
    arguments = [
        sys.executable,
        "-m",
        "followupd",
        "cases",
        "--json",
        "--config",
        str(performance.out / "config"),
    ]
    done = subprocess.run(
        arguments,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    [case] = json.loads(done.stdout)
    assert case["stage"] == "closed"
    assert case["ref"] in performance.printed


@pytest.fixture(scope="module")
def at_a_terminal(performance: Performance, tmp_path_factory: pytest.TempPathFactory) -> Performance:
    """The demo at a terminal that knows ASCII alone, in the directory where it was started, which has an earlier one."""
    place = tmp_path_factory.mktemp("terminal")
    shutil.copytree(performance.out, place / "followupd-demo")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(),
        cwd=place,
        env=environment(TERM="xterm", PYTHONIOENCODING="ascii", LANG="C"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        printed = b"".join(iter(lambda: _read(ours), b"")).decode()
        assert process.wait(LIMIT) == 0
    os.close(ours)
    return Performance(place / "followupd-demo", printed, 0)


def test_it_may_be_run_twice_in_the_same_place(performance: Performance, at_a_terminal: Performance) -> None:
    assert at_a_terminal.code != performance.code
    files = [path for path in at_a_terminal.out.rglob("*") if path.is_file()]
    assert not any(performance.code.encode() in path.read_bytes() for path in files)


def test_it_uses_a_temporary_directory_where_it_cannot_write_and_prints_json_for_programs(
    tmp_path: Path,
) -> None:
    done = run("--json", cwd=Path("/proc"), TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    summary: dict[str, Any] = json.loads(done.stdout)
    out = Path(summary["directory"])
    assert out.parent == tmp_path
    assert summary["ok"]
    assert summary["seconds"] > 0
    assert Path(summary["page"]) == out / "index.html"
    letters = [letter for letter in summary["letters"] if "/" not in letter["kind"]]
    assert [letter["kind"] for letter in letters] == [
        "confirmation",
        "confirmation",
        "follow-up",
        "gift-card",
    ]
    assert {letter["to"] for letter in letters} == {"kim@customers.example"}
    assert all(Path(letter["file"]).is_file() and letter["key"] and letter["subject"] for letter in letters)
    assert Performance(out, "", 0).code not in done.stdout


@pytest.mark.parametrize(
    "day", ["2026-12-10", "2027-03-17", "2026-10-14"]
)  # Christmas, Easter, the end of summer time
def test_the_story_begins_at_ten_on_a_tuesday_that_no_holiday_follows(day: str) -> None:
    calendar = Calendar(timezone="Europe/London", holidays="GB-ENG")
    first = calendar.local(first_day(calendar, datetime.fromisoformat(day).replace(tzinfo=UTC)))
    assert (first.weekday(), first.hour) == (1, 10)
    weekdays = [at.date() for n in range(14) if (at := first + timedelta(days=n)).weekday() < 5]
    assert all(calendar.is_working_day(each) for each in weekdays)


def test_a_directory_that_no_demo_made_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "thesis.txt").write_text("years of work")
    done = run("--fast", "--out", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert "no demo made" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "config" / "thesis.txt").read_text() == "years of work"


def test_at_a_terminal_it_has_colours_and_pauses(at_a_terminal: Performance) -> None:
    assert "\033[1m" in at_a_terminal.printed
    assert "in doubt we ask" in at_a_terminal.printed


def test_without_its_extra_the_demo_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pymap'] = None\n")
    done = run("--fast", cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{PROJECT}")
    assert done.returncode == 1
    assert done.stderr == (
        "followupd demo: its mail servers are missing; install them: pip install 'followupd[demo]'\n"
    )


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux reports EIO when the other side was closed
        return b""
