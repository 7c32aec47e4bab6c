"""Whatever is thrown at listening, notes, durations and configuration, it is read or refused, and never an error of ours."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from followupd.adapters import settings
from followupd.adapters.storage.database import adapter_of, event_adapter
from followupd.domain import lifecycle
from followupd.domain.calendar import Calendar, Duration, parse_days, parse_quiet, parse_time
from followupd.domain.command import VERBS
from followupd.domain.mail import Message
from followupd.errors import InvalidTransitionError, NotUnderstoodError, SetupError, UnreadableError
from followupd.languages import load
from followupd.services.classifier import ComplaintClassifier
from followupd.text import complaints, promises
from followupd.text.mail.read import read
from tests.builders import NOW, a_case
from tests.fuzz.fuzzing import CORPUS, for_a_while, spoilt
from tests.story.configured import MINIMAL
from tests.story.raw_mail import US
from tests.story.saying import said

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
CALENDAR = Calendar(timezone="Europe/London")
JUDGE = ComplaintClassifier(complaints.Recogniser.shipped(), 0.90, 0.30, "en", "")

MAILS = [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))]
MAIL_PIECES = [
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"--b",
    b"--b--",
    b"=?utf-8?q?",
    b"?=",
    b"=?utf-8?b?/w==?=",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b",
    b"message/rfc822",
    b"text/html; charset=utf-7",
    b"boundary=",
    b"base64",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"From: ",
    b"<",
    b">",
    b'"',
    b"(",
    b"@",
    b"> ",
    b"-- \n",
    b"<blockquote>",
    b"<style>",
    b"&#x110000;",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"by Friday",
    b"refund EUR 25",
]


def test_any_mail_is_read_or_refused() -> None:
    def check(raw: bytes) -> None:
        try:
            message = read(raw, US, received_at=NOW)
        except UnreadableError:
            return
        assert adapter_of(Message).validate_json(adapter_of(Message).dump_json(message)) == message
        JUDGE.verdict(message)
        promises.find_commitments(
            message.text,
            sent_at=NOW,
            calendar=CALENDAR,
            language=load("en"),
            doubtful=message.doubtful,
            currency="EUR",
        )

    assert for_a_while(spoilt(MAILS, MAIL_PIECES), check)


WORDS = [
    *VERBS,
    ":",
    ": ",
    "1",
    "2",
    "0",
    "-1",
    "99999999999999999999",
    "EUR",
    "25",
    "25,00",
    "€",
    "by Friday",
    "until",
    "because",
    "tomorrow",
    "in 3 business days",
    "31 February",
    "9999-12-31",
    "at 25:99",
    "ana",
    "default",
    "\n",
    "\t",
    "\u202e",
    "\x00",
    "{{ x }}",
    "“",
    "٣",
    "Ⅷ",
]
LINES = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))


def test_any_line_of_an_agent_is_obeyed_or_goes_back() -> None:
    def check(lines: list[str]) -> None:
        case = a_case().promised("ship it", by=FRIDAY).case
        for line in lines:
            try:
                for event in said(case, line):
                    adapter = event_adapter(type(event).__name__)
                    assert adapter.validate_json(adapter.dump_json(event)) == event
                    case = lifecycle.after(case, event)
            except (NotUnderstoodError, InvalidTransitionError):
                continue

    verbs = st.tuples(st.sampled_from(sorted(VERBS)), LINES).map(": ".join)
    assert for_a_while(st.lists(st.one_of(LINES, verbs), max_size=6), check)


UNITS = [
    "second",
    "minutes",
    "hour",
    "days",
    "weeks",
    "business days",
    "business hours",
    "mon-fri",
    "sat",
    "9:00",
    "-",
]


def refusal(parse: Callable[[str], object], text: str) -> str | None:
    """Return the sentence with which a text is refused, None when it is read."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


def test_any_duration_is_read_or_refused_in_a_sentence() -> None:
    def check(text: str) -> None:
        assert all(refusal(parse, text) != "" for parse in (parse_days, parse_time, parse_quiet))
        refused = refusal(Duration.parse, text)
        if refused is not None:
            assert "duration" in refused
            return
        duration = Duration.parse(text)
        assert Duration.parse(str(duration)) == duration
        assert CALENDAR.after(NOW, duration) >= NOW

    numbers = st.tuples(
        st.integers(-5, 10**9).map(str), st.sampled_from([" ", "", "\u00a0"]), st.sampled_from(UNITS)
    )
    pieces = st.lists(st.sampled_from([*UNITS, " ", ",", "٣", "24:00", "1e3"]), max_size=4).map("".join)
    assert for_a_while(st.one_of(numbers.map("".join), pieces, st.text(max_size=20)), check)


TOML_PIECES = [
    b"[",
    b"]",
    b"[[agent]]\n",
    b"=",
    b'"',
    b"'",
    b"\n",
    b"#",
    b"{",
    b"}",
    b",",
    b"true",
    b"-1",
    b"1e400",
    b"inf",
    b"2026-02-30",
    b'"""',
    b"\\u0000",
    b"\\",
    b'password = "file:../x"\n',
    b"[tags]\n",
    b'"fu-*" = "cause: *"\n',
    b"[recognise]\nalways = ['/(a+)+$/']\n",
    b"port = 99999999999\n",
    b"\xff",
    b"\r",
    b'"\\ud800"',
]


def test_any_configuration_is_loaded_or_its_problems_are_named() -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        (directory / "playbooks").mkdir()

        def check(both: tuple[bytes, bytes]) -> None:
            (directory / "followupd.toml").write_bytes(both[0])
            (directory / "playbooks" / "default.toml").write_bytes(both[1])
            problems = settings.problems(directory)
            try:
                settings.load(directory)
            except SetupError:
                assert problems != []

        starter = Path(__file__).parents[2] / "config"
        whole = [MINIMAL.encode(), (starter / "followupd.toml").read_bytes()]
        playbooks = [b"", (starter / "playbooks" / "default.toml").read_bytes()]
        assert for_a_while(st.tuples(spoilt(whole, TOML_PIECES), spoilt(playbooks, TOML_PIECES)), check)
