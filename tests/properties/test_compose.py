"""A rendered message reads back as it was written, whatever is in a name, a subject or an ID."""

import email
import re
import string
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from followupd.adapters.smtp.compose import (
    MAX_REFERENCES,
    MAX_VALUE_LENGTH,
    _check_headers,
    ascii_domain,
    clean,
    compose,
    needs_utf8,
    wire_address,
)
from followupd.domain.letter import Attachment, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.errors import LetterError

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
LETTER = Letter(
    key="FU-7K3Q9.follow-up.1",
    case="FU-7K3Q9",
    kind=LetterKind.FOLLOW_UP,
    mailbox="support",
    sender=Person("support@example.com", "Ana Reyes"),
    to=Person("kim@example.org", "Kim Doe"),
    subject="Re: Where is my parcel? [#FU-7K3Q9]",
    text="Dear Kim,\n\nit is here.\n",
    html="<p>Dear Kim,</p>\n<p>it is here.</p>\n",
    message_id="<FU-7K3Q9.follow-up.1.abcdefghijklmnop@example.com>",
    in_reply_to="<q2@example.org>",
    references=("<q1@example.org>", "<q2@example.org>"),
)
HEADERS = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "X-Followupd-Key",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
INJECTIONS = [
    "a\r\nBcc: evil@example.net",
    "a\nBcc: evil@example.net\n\nbody",
    "a\rBcc: evil@example.net",
    "=?utf-8?q?a=0D=0ABcc=3A_evil=40example=2Enet?=",
    "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0D=3D0ABcc=3A=5Fevil=3F=3D?=",
    "=?=?utf-8?q?a=0ABcc=3A_x?=",
    "==??utf-8?b?YQ0KQmNjOiB4?=",
    "a\u2028Bcc: evil@example.net\u2029\x85x",
    "\ud800\udfff lone",
    "a\x00b\x1b[31m\x7f",
    '"; <evil@example.net>, "',
    "Kim (comment) <evil@example.net>, x",
    "\\",
    'a\\"b',
]
#: letters of every script, spaces, punctuation, controls and lone surrogates
ANYTHING = st.text(st.characters(), max_size=300) | st.sampled_from(INJECTIONS)


def read(mail: bytes) -> Message:
    return email.message_from_bytes(mail)


def unfolded(message: Message, header: str) -> str:
    return str(make_header(decode_header(str(message[header]).replace("\r\n", ""))))


def contents(mail: bytes) -> dict[str, str]:
    """Return the text of each text part, as a modern mail program shows it."""
    message = email.message_from_bytes(mail, policy=policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in parts}


def test_a_letter_has_exactly_the_documented_headers() -> None:
    message = read(compose(LETTER, now=NOW))
    assert message.keys() == HEADERS
    assert message["From"] == "Ana Reyes <support@example.com>"
    assert message["To"] == "Kim Doe <kim@example.org>"
    assert message["Subject"] == "Re: Where is my parcel? [#FU-7K3Q9]"
    assert message["Date"] == "Tue, 01 Dec 2026 09:30:00 +0000"
    assert message["Message-ID"] == LETTER.message_id
    assert message["In-Reply-To"] == "<q2@example.org>"
    assert message["References"].split() == ["<q1@example.org>", "<q2@example.org>"]
    assert message["X-Followupd-Key"] == "FU-7K3Q9.follow-up.1"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_text_comes_first_and_html_after_it() -> None:
    message = read(compose(LETTER, now=NOW))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]


def test_the_same_letter_and_time_give_the_same_bytes() -> None:
    assert compose(LETTER, now=NOW) == compose(replace(LETTER), now=NOW)
    assert compose(LETTER, now=NOW) != compose(replace(LETTER, key="FU-7K3Q9.follow-up.2"), now=NOW)


def test_a_letter_without_html_is_plain_text() -> None:
    message = read(compose(replace(LETTER, html=""), now=NOW))
    assert message.get_content_type() == "text/plain"
    assert message.keys() == [*HEADERS, "Content-Transfer-Encoding"]


def test_a_letter_that_an_agent_approved_is_not_automatic() -> None:
    message = read(compose(replace(LETTER, review=True), now=NOW))
    assert "Auto-Submitted" not in message
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_a_letter_that_starts_a_thread_has_no_references() -> None:
    message = read(compose(replace(LETTER, in_reply_to="", references=()), now=NOW))
    assert "In-Reply-To" not in message
    assert "References" not in message


def test_a_call_is_attached_as_a_calendar_file() -> None:
    event = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nSUMMARY:Anruf bei Jürgen – heute\r\nEND:VCALENDAR\r\n"
    letter = replace(LETTER, attachments=(Attachment("../Anruf für Kim.ics", "text/calendar", event),))
    message = email.message_from_bytes(compose(letter, now=NOW), policy=policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    (call,) = message.iter_attachments()
    assert call.get_filename() == ".._Anruf für Kim.ics"
    assert call.get_param("method") == "PUBLISH"
    assert cast("bytes", call.get_payload(decode=True)).decode() == event


def test_a_desk_mail_may_have_an_attachment_without_html() -> None:
    letter = replace(
        LETTER, html="", attachments=(Attachment("call.ics", "text/calendar", "BEGIN:VCALENDAR\n"),)
    )
    parts = [part.get_content_type() for part in read(compose(letter, now=NOW)).walk()]
    assert parts == ["multipart/mixed", "text/plain", "text/calendar"]


@given(subject=ANYTHING, customer=ANYTHING, agent=ANYTHING)
@example(subject="x" * 100 + " y", customer="x" * 100 + " y", agent="long words of a name " * 9)
@example(subject="", customer="", agent="")
@example(subject="many words; of a, subject " * 8, customer="Doe, Kim " * 20, agent="ä" * 200)
@example(subject=INJECTIONS[0], customer=INJECTIONS[3], agent=INJECTIONS[4])
def test_no_text_becomes_a_header_or_a_second_recipient(subject: str, customer: str, agent: str) -> None:
    letter = replace(
        LETTER,
        subject=subject,
        to=Person("kim@example.org", customer),
        sender=Person("support@example.com", agent),
    )
    mail = compose(letter, now=NOW)
    message = read(mail)
    assert message.keys() == HEADERS
    assert unfolded(message, "Subject") == clean(subject)
    assert b"Subject:\r\n" not in mail
    assert [a.addr_spec for a in email.message_from_bytes(mail, policy=policy.default)["To"].addresses] == [
        "kim@example.org"
    ]
    for header, name, address in (
        ("To", customer, "kim@example.org"),
        ("From", agent, "support@example.com"),
    ):
        shown, found = parseaddr(str(message[header]).replace("\r\n", ""))
        assert found == address
        assert str(make_header(decode_header(shown))) == clean(name)


@pytest.mark.parametrize(
    "head",
    [
        "A: 1\r\nBcc: x\r\nB: 2",
        "A: 1\r\n\r\nB: 2",
        "B: 2\r\nA: 1",
        "A: 1\nBcc: x\r\nB: 2",
        "A: 1\u2028Bcc: x\r\nB: 2",
        "A: 1\r\nB: 2\rC",
    ],
)
def test_a_header_that_was_not_written_is_refused(head: str) -> None:
    _check_headers(b"A: 1\r\n folded: on\r\nB: 2\r\n\r\nC: body", ["A", "B"])
    with pytest.raises(LetterError, match="other headers"):
        _check_headers(f"{head}\r\n\r\nbody".encode(), ["A", "B"])


@pytest.mark.parametrize("words", INJECTIONS)
def test_an_encoded_word_in_a_value_stays_text_even_when_decoded_twice(words: str) -> None:
    line = unfolded(read(compose(replace(LETTER, subject=words), now=NOW)), "Subject")
    assert "=?" not in line
    assert str(make_header(decode_header(line))) == line
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", line)


@given(ANYTHING)
def test_a_cleaned_value_is_one_short_line_and_cleaning_is_idempotent(value: str) -> None:
    once = clean(value)
    assert once.isprintable() or all(c.isprintable() or not c.isspace() for c in once)
    assert len(once.splitlines()) <= 1
    assert len(once.replace("\u200b", "")) <= MAX_VALUE_LENGTH
    assert clean(once) == once


ID_CHARACTERS = string.ascii_letters + string.digits + "!#$%&'*+-/=^_`{|}~.@"


@given(
    st.lists(st.text(ID_CHARACTERS, min_size=76, max_size=250).map("<{}>".format), min_size=1, max_size=40)
)
def test_long_ids_are_sent_unchanged_and_the_root_is_kept(references: list[str]) -> None:
    letter = replace(LETTER, in_reply_to=references[-1], references=tuple(references))
    mail = compose(letter, now=NOW)
    message = read(mail)
    thread = list(dict.fromkeys(references))
    assert message["In-Reply-To"] == references[-1]
    assert f"In-Reply-To: {references[-1]}\r\n".encode() in mail
    kept = message["References"].split()
    assert kept == (thread if len(thread) <= MAX_REFERENCES else [thread[0], *thread[1 - MAX_REFERENCES :]])


def test_the_parent_is_the_last_reference_even_if_references_lack_it() -> None:
    message = read(compose(replace(LETTER, references=("<q0@example.org>",)), now=NOW))
    assert message["References"].split() == ["<q0@example.org>", "<q2@example.org>"]


@pytest.mark.parametrize(
    "broken",
    [
        "<a b@x>",
        "<a\r\nBcc: x>",
        "prose about <x@y>",
        "<>",
        "<" + "x" * 251 + ">",
        "<ä@x>",
        "<=?utf-8?q?a?=@x>",
    ],
)
def test_an_invalid_id_is_left_out(broken: str) -> None:
    message = read(
        compose(replace(LETTER, in_reply_to=broken, references=("<q1@example.org>", broken)), now=NOW)
    )
    assert "In-Reply-To" not in message
    assert message["References"] == "<q1@example.org>"


SCRIPTS = [
    "Ваша посылка пришла",
    "Το δέμα σας έφτασε",
    "お荷物が届きました",
    "您的包裹已送达",
    "소포가 도착했습니다",
    "وصل طردك",
    "החבילה שלך הגיעה",
    "आपका पार्सल आ गया",
    "พัสดุของคุณมาถึงแล้ว",
    "Ձեր ծանրոցը հասել է",
    "🎁 für dich",
]
BODY = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@given(BODY | st.sampled_from(SCRIPTS), BODY)
@example("\n".join(SCRIPTS), "<p>" + "</p><p>".join(SCRIPTS) + "</p>")
@example("From here\n.\n..\n.hidden\n", "x" * 5000)
@example("trailing \t\n \n", "=\n==\n=3D")
@example("ä" * 2000, "\n\n")
def test_both_texts_arrive_in_every_script(text: str, html: str) -> None:
    html = f"<p>{html}"
    found = contents(compose(replace(LETTER, text=text, html=html), now=NOW))
    for words, media_type in ((text, "text/plain"), (html, "text/html")):
        sent = re.sub(r"[\x00-\x08\x0e-\x1f\x7f]", " ", words)
        assert found[media_type] == (sent if sent.endswith("\n") else sent + "\n")


@given(ANYTHING, st.text(max_size=3000))
def test_every_line_is_short_ends_in_crlf_and_is_ascii(subject: str, text: str) -> None:
    mail = compose(replace(LETTER, subject=subject, text=text), now=NOW)
    assert mail.isascii()
    lines = mail.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 998
    assert not any(b"\r" in line or b"\n" in line or b"\x00" in line for line in lines)


def test_a_text_that_contains_an_earlier_boundary_opens_no_part() -> None:
    earlier = compose(LETTER, now=NOW)
    hostile = replace(LETTER, text=earlier.decode(), html="<p>x</p>")
    assert [part.get_content_type() for part in read(compose(hostile, now=NOW)).walk()][1:] == [
        "text/plain",
        "text/html",
    ]


def test_an_internationalised_domain_is_written_in_ascii() -> None:
    letter = replace(LETTER, to=Person("kim@straße.example", "Kim"), sender=Person("hilfe@BÜCHER.example"))
    message = read(compose(letter, now=NOW))
    assert message["To"] == "Kim <kim@xn--strae-oqa.example>"
    assert message["From"] == "hilfe@xn--bcher-kva.example"


def test_an_address_beyond_ascii_is_unchanged_and_needs_smtputf8() -> None:
    mail = compose(replace(LETTER, to=Person("jürgen@example.org", "Jürgen")), now=NOW)
    assert b"<j\xc3\xbcrgen@example.org>\r\n" in mail
    assert needs_utf8(wire_address("jürgen@bücher.example"))
    assert not needs_utf8(wire_address("juergen@bücher.example"))


@pytest.mark.parametrize(
    "address",
    ["a..b@docomo.example", "a.@x.example", '"kim doe"@x.example', "o'neil+1@x_y.example", "r@localhost"],
)
def test_unusual_addresses_that_work_are_allowed(address: str) -> None:
    assert wire_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kim",
        "@x",
        "kim@",
        "a b@x",
        "a@b@c",
        "kim@x\r\nBcc: y@z",
        "kim@x> SIZE=1",
        "<kim@x>",
        "kim@x,y@z",
        "\ud800@x",
        "k\u2028m@x",
        "k\u00a0m@x",
        "=?utf-8?q?a?=@x",
        '"a\r\nb"@x',
        "kim@x..y",
        "kim@\ud800",
        "k" * 250 + "@x.example",
    ],
)
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        wire_address(address)
    with pytest.raises(LetterError, match="To: "):
        compose(replace(LETTER, to=Person(address)), now=NOW)


def test_an_invalid_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="not a domain"):
        ascii_domain("ex ämple")


@pytest.mark.parametrize(
    "change",
    [
        {"key": "a\r\nBcc: x"},
        {"key": ""},
        {"message_id": ""},
        {"message_id": "<a b@x>"},
        {"auto_submitted": "no\r\nBcc: x"},
        {"attachments": (Attachment("a", "text/calendar\r\nBcc: x", ""),)},
        {"attachments": (Attachment("a", "multipart/mixed", ""),)},
    ],
)
def test_a_letter_with_an_invalid_part_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(LetterError):
        compose(replace(LETTER, **change), now=NOW)  # type: ignore[arg-type]  # one field of any type


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        compose(LETTER, now=datetime(2026, 12, 1))
