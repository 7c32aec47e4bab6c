"""Odd and hostile mail: every charset, broken MIME, injected headers, and work that stays bounded."""

import base64
import time
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.domain.mail import Identity, Kind, Message, Person
from followupd.errors import UnreadableError
from followupd.text.mail.read import read
from tests.story.raw_mail import US, a_mail, a_multipart


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", "Größe: 5 €"),
        ("iso-8859-1", "cp1252", "Größe: 5 €"),
        ("ISO-8859-15", "iso8859-15", "Größe: 5 €"),
        ("ks_c_5601-1987", "cp949", "소포가 도착하지 않았습니다"),
        ("gb2312", "gb18030", "包裹还没有到，镕"),
        ("shift_jis", "cp932", "荷物が届きません①"),
        ("iso-2022-jp", "iso2022_jp", "荷物が届きません"),
        ("koi8-r", "koi8_r", "Посылка не пришла"),
        ("windows-874", "cp874", "พัสดุยังไม่มา"),
        ("unicode-1-1-utf-7", "utf-7", "Größe"),
        ("x-unknown", "utf-8", "Größe"),
        ("utf-8", "cp1252", "Die Größe fehlt, schade"),
        ("no such charset", "cp1251", "Посылка не пришла, верните деньги пожалуйста"),
        ("punycode", "ascii", "plain-"),
        ("zip", "ascii", "plain"),
    ],
)
def test_every_charset_is_read(charset: str, codec: str, text: str) -> None:
    head = a_mail("", kind=f'text/plain; charset="{charset}"')
    assert read(head + text.encode(codec), US).text == text


def test_a_document_may_name_its_own_charset() -> None:
    html = '<html><head><meta charset="windows-1251"></head><body>Посылка не пришла</body></html>'
    assert read(a_mail("", kind="text/html") + html.encode("cp1251"), US).text == "Посылка не пришла"


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        (b"=?utf-8?B?R3LDtg==?= =?utf-8?Q?=C3=9Fe?=", "Größe"),
        (b"=?utf-8?B?R3LD?= =?utf-8?B?tg==?= is cut", "Grö is cut"),
        (b"=?iso-8859-1?q?Gr=F6=DFe_?=  5", "Größe 5"),
        (b"Gr\xc3\xb6\xc3\x9fe", "Größe"),
        (b"Gr\xf6\xdfe", "Größe"),
        (b"=?gb2312?B?sPy5/A==?=", "包裹"),
        (b"=?no-such?q?abc?= =?broken", "abc =?broken"),
        (b"=?utf-8?q?a=0D=0ABcc:_evil@example.org?=", "a Bcc: evil@example.org"),
        (b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0ABcc=3F=3D?=", "=?utf-8?q?a=0ABcc?="),
        (b"=?utf-8?q?a=E2=80=AEb=E2=80=A8c?=", "a b c"),
        (b"folded\r\n\t subject", "folded subject"),
    ],
)
def test_subjects_are_decoded_once_and_cleaned(written: bytes, subject: str) -> None:
    assert read(a_mail().replace(b"Where is my parcel?", written), US).subject == subject


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("Kim <kim@Example.ORG>", Person("kim@example.org", "Kim")),
        ("Kim.Doe@EXAMPLE.org", Person("Kim.Doe@example.org")),
        ("kim@example.org (Kim Doe)", Person("kim@example.org", "Kim Doe")),
        ('"Doe, Kim" <kim@example.org>', Person("kim@example.org", "Doe, Kim")),
        ("Doe, Kim <kim@example.org>", Person("kim@example.org", "Doe, Kim")),
        ("=?utf-8?q?Doe=2C_K=C3=ACm?= <kim@example.org>", Person("kim@example.org", "Doe, Kìm")),
        ('"=?utf-8?q?K=C3=ACm?=" <kim@example.org>', Person("kim@example.org", "Kìm")),
        ("Kim <kim@bücher.example>", Person("kim@xn--bcher-kva.example", "Kim")),
        ("Kim <kïm@example.org>", Person("kïm@example.org", "Kim")),
        ("Kim [mailto:kim@example.org]", Person("kim@example.org")),
        ("=?utf-8?q?Kim=0D=0ABcc:_x?= <kim@example.org>", Person("kim@example.org", "Kim Bcc: x")),
        ("Group: kim@example.org, ana@example.com;", Person("kim@example.org")),
        ("undisclosed-recipients:;", Person("")),
        ("MAILER-DAEMON", Person("")),
        ("<>", Person("")),
        ("", Person("")),
    ],
)
def test_senders_however_they_are_written(written: str, person: Person) -> None:
    assert read(a_mail(sender=written), US).sender == person


def test_a_mail_without_any_header_is_still_read() -> None:
    message = read(b"Where is my parcel?\n\nKim\n", US)
    assert (message.kind, message.text, message.sender) == (
        Kind.CUSTOMER,
        "Where is my parcel?\n\nKim",
        Person(""),
    )


def test_an_mbox_line_and_old_line_ends_do_no_harm() -> None:
    raw = b"From kim@example.org Mon Nov 23 10:00:00 2026\n" + a_mail()
    assert read(raw, US).sender.address == "kim@example.org"
    assert read(a_mail("one\ntwo").replace(b"\r\n", b"\r"), US).text == "one\ntwo"


def test_nested_parts_are_found_and_files_are_named() -> None:
    inner = 'Content-Type: multipart/alternative; boundary="in"\n\n--in\nContent-Type: text/plain\n\nplain words\n--in\nContent-Type: text/html\n\n<p>html</p>\n--in--'
    photo = "Content-Type: image/jpeg; name*=utf-8''gr%C3%B6%C3%9Fe.jpg\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n/9j/4A=="
    message = read(a_multipart(inner, photo), US)
    assert (message.text, message.attachments) == ("plain words", ("größe.jpg",))


def test_a_forgotten_boundary_is_guessed() -> None:
    raw = a_multipart("Content-Type: text/plain\n\nwords").replace(b'; boundary="cut"', b"")
    assert read(raw, US).text == "words"


def test_a_part_that_lies_about_base64_is_read_as_it_stands() -> None:
    raw = a_mail("My parcel has not arrived and I want to know why.", "Content-Transfer-Encoding: base64")
    assert read(raw, US).text == "My parcel has not arrived and I want to know why."


def test_a_list_footer_below_base64_does_no_harm() -> None:
    coded = base64.b64encode("Größe fehlt".encode()).decode()
    raw = a_mail(f"{coded}\n____________\nlist footer\n", "Content-Transfer-Encoding: base64")
    assert read(raw, US).text == "Größe fehlt"


def test_a_forwarded_mail_is_not_taken_for_the_customers_words() -> None:
    assert (
        read(
            a_multipart(
                "Content-Type: text/plain\n\nmine", "Content-Type: message/rfc822\n\nSubject: x\n\nhis"
            ),
            US,
        ).text
        == "mine"
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (
            a_multipart(
                "Content-Type: application/pgp-encrypted\n\nVersion: 1",
                "Content-Type: application/octet-stream\n\nx",
                kind="multipart/encrypted",
            ),
            "encrypted",
        ),
        (a_mail("-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----"), "encrypted"),
        (
            a_mail(
                "MIAG",
                "Content-Transfer-Encoding: base64",
                kind="application/pkcs7-mime; smime-type=enveloped-data",
            ),
            "S/MIME",
        ),
        (
            a_multipart(
                "Content-Type: text/plain\n\n", "Content-Type: application/ms-tnef; name=winmail.dat\n\nx"
            ),
            "winmail.dat",
        ),
        (a_multipart("Content-Type: image/png; name=a.png\n\nx"), "attachments only"),
        (a_mail("MIAG" * 600_000, kind="application/zip"), "too large"),
    ],
)
def test_what_only_a_person_can_read_says_why(raw: bytes, why: str) -> None:
    message = read(raw, US)
    assert why in message.by_hand
    assert "Content-Type" not in message.text


def test_signed_mail_is_read_like_any_other() -> None:
    pgp = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nMy words\n- -- \nKim\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    assert read(a_mail(pgp), US).text == "My words"
    signed = a_multipart(
        "Content-Type: text/plain\n\nMy words",
        "Content-Type: application/pgp-signature\n\nabc",
        kind="multipart/signed",
    )
    message = read(signed, US)
    assert (message.text, message.attachments, message.by_hand) == ("My words", (), "")


@pytest.mark.parametrize(
    ("subject", "token"),
    [
        ("Re: x [FU-7K3Q9]", "FU-7K3Q9"),
        ("FU-7K3Q9: x", "FU-7K3Q9"),
        ("SNAFU-7K3Q9", ""),
        ("FU-7K3", ""),
        ("fu-7k3q9", "FU-7K3Q9"),
    ],
)
def test_a_case_token_is_taken_from_the_subject(subject: str, token: str) -> None:
    assert read(a_mail(subject=subject), US).case_token == token


def nested(depth: int, core: bytes = b"x") -> bytes:
    levels = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )
    return b"From: kim@example.org\n" + levels + b"\n" + core


@pytest.mark.parametrize("depth", [31, 990, 20_000])
def test_absurd_nesting_goes_to_quarantine_with_its_reason(depth: int) -> None:
    with pytest.raises(UnreadableError, match="nested more than 30 deep"):
        read(nested(depth), US)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "deep and long": lambda: nested(28, b"\n" * 1_900_000),
    "brackets in From": lambda: b"From: " + b"(" * 60_000 + b"\n\nx",
    "quotes in From": lambda: b"From: " + b'"' * 60_000 + b"\n\nx",
    "commas in From": lambda: b"From: a" + b",a" * 30_000 + b"\n\nx",
    "pairs in From": lambda: b'From: "' + b"\\" * 60_000 + b"\n\nx",
    "parameters": lambda: b"Content-Type: text/plain" + b"; " * 30_000 + b"\n\nx",
    "quoted parameter": lambda: b'Content-Type: text/plain; a="' + b'\\"' * 60_000 + b"\n\nx",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?" * 8_000 + b"\n\nx",
    "header lines": lambda: b"A: b\n" * 300_000 + b"\nx",
    "folded lines": lambda: b"A: b\n" + b" c\n" * 400_000 + b"\nx",
    "boundaries": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 400_000,
    "near boundaries": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b" * 600_000,
    "angles": lambda: b"Content-Type: text/html\n\n" + b"<" * 200_000,
    "comments": lambda: b"Content-Type: text/html\n\n" + b"<!--" * 90_000,
    "styles": lambda: b"Content-Type: text/html\n\n" + b"<style>" * 50_000,
    "quotes in quotes": lambda: b"Content-Type: text/html\n\n" + b"<blockquote type=cite>" * 9_000 + b"x",
    "one line": lambda: b"A: b\n\n" + b"a" * 1_900_000,
    "blanks": lambda: b"A: b\n\n" + (b" " * 590 + b":\n") * 3_200,
    "rules": lambda: b"A: b\n\n" + (b"-" * 550 + b"\n") * 3_400,
    "headings": lambda: b"A: b\n\n" + b"On 1 On 1 On 1 @ 2\n" * 90_000,
    "labels": lambda: b"A: b\n\n" + b"From: a\nSent: b\n\n" * 50_000,
    "farewells": lambda: b"A: b\n\n" + b"regards\n" * 40_000,
    "footers": lambda: b"A: b\n\n" + b"sent from my x\n" * 20_000,
    "delimiters": lambda: b"A: b\n\n" + b"-- x\n--\n__\n-A a\n" * 20_000,
    "armour": lambda: b"A: b\n\n" + b"-----BEGIN PGP SIGNATURE-----\n" * 20_000,
    "uuencoded": lambda: b"A: b\n\n" + b"begin 644 a\n" * 20_000 + b"\nend",
    "recipients": lambda: (
        b"From: mailer-daemon\nSubject: Undelivered\n\n" + b"failed to a@ message-id : " * 20_000
    ),
    "returns": lambda: b"Subject: Out of office\n\n" + b"back on until " * 20_000,
    "comments in results": lambda: b"Authentication-Results: " + b"(" * 60_000 + b"\n\nx",
    "high bytes": lambda: b"A: b\n\n" + bytes(range(128, 256)) * 8_000,
    "zeros": lambda: b"A: b\n\n" + b"\0" * 1_000_000,
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_mail_costs_little(case: str) -> None:
    raw = HOSTILE[case]()
    before = time.process_time()
    read(raw, US)
    assert time.process_time() - before < 5, "the slowest takes 0.4 s on the machine this was written on"


HEADER_PIECES = [
    *(b"From: ", b"Subject: ", b"=?utf-8?q?=0A?=", b"=?", b"?=", b"\r\n", b"\n", b" ", b"\xff"),
    *(b"<", b">", b'"', b"(", b"@", b"a", b",", b"\\", b":"),
]
LINES = [
    *(
        "On Mon, 1 Jan 2026 10:00, Kim <kim@example.org> wrote:",
        "> quoted",
        "words of mine",
        "",
        "--",
        "From: Kim",
    ),
    *(
        "Sent: today",
        "To: Ana",
        "Subject: x",
        "-----Original Message-----",
        "Regards",
        "Kim",
        "Sent from my iPhone",
    ),
    *("____________", "PS: more"),
]


def is_clean(message: Message) -> bool:
    one_line = [
        message.subject,
        message.sender.name,
        message.sender.address,
        *message.attachments,
        *message.references,
    ]
    everything = [getattr(message, field.name) for field in fields(message)]
    texts = [value for value in everything if isinstance(value, str)]
    return all(value.isprintable() for value in one_line) and all(
        text.encode("utf-8") is not None for text in texts
    )


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    assert is_clean(read(raw, Identity()))


@given(st.lists(st.sampled_from(HEADER_PIECES)))
def test_any_header_is_read_clean(pieces: list[bytes]) -> None:
    assert is_clean(read(b"".join(pieces), US))


@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_no_line_is_lost_between_new_quoted_and_signed(lines: list[str]) -> None:
    message = read(a_mail("\n".join(lines)), US)
    told = f"{message.text}\n{message.quoted}\n{message.signature}".split("\n")
    assert sorted(line for line in told if line) == sorted(line.rstrip() for line in lines if line.strip())


@pytest.mark.parametrize(
    ("charset", "subject"), [("koi8-r", "Где моя посылка"), ("gb2312", "我的包裹在哪里"), ("utf-8", "Größe")]
)
def test_8_bit_letters_of_a_header_are_read_in_the_charset_of_the_words(charset: str, subject: str) -> None:
    head = f"Subject: {subject}\r\nFrom: {subject} <kim@example.org>\r\nContent-Type: text/plain; charset={charset}\r\n"
    message = read(f"{head}\r\n{subject}".encode(charset), US)
    assert (message.subject, message.sender.name, message.text) == (subject, subject, subject)


def test_a_mail_of_pasted_pictures_alone_is_opened_by_hand() -> None:
    html = '<html><body><img src="data:image/png;base64,iVBORw0KGgo="></body></html>'
    assert read(a_mail(html, kind="text/html"), US).by_hand == "it shows pictures only"


def test_a_hostile_thread_costs_no_seconds() -> None:
    lines = [f"line number {number * 7919 % 12000} says words here" for number in range(12_000)]
    us = replace(US, earlier=lambda _: "\n".join(sorted(lines)))
    references = " ".join(f"<{number}@example.com>" for number in range(20))
    before = time.process_time()
    assert read(a_mail("\n".join(lines), f"References: {references}"), us).text
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Nothing.\n\n    On Monday, November 23, 2026 at 10:00:00 AM GMT, Support <s@example.com> wrote:  \n \n We ship it\n",
            "Nothing.",
        ),
        (
            "Nothing.\n\n-------- Original message --------\nFrom: S <s@example.com>\nDate: 23/11/2026\nTo: Kim\n\nWe ship\n",
            "Nothing.",
        ),
        (
            "Nichts.\n\nGesendet: Montag, 23. November 2026 um 10:00 Uhr\nVon: S <s@example.com>\nAn: Kim\nBetreff: x\nWir\n",
            "Nichts.",
        ),
        ("Nein.\n\nAm Montag schrieb Support:\n> Ist es da?\n", "Nein."),
        (
            "荷物が届きません。\n\n2026年11月23日(月) 10:00 S <s@example.com>:\n> 発送します\n",
            "荷物が届きません。",
        ),
        (
            "Nothing.\n\nSent from my iPhone\n\n> On 23 Nov 2026, at 10:00, S <s@example.com> wrote:\n> \n> We ship\n",
            "Nothing.",
        ),
        ("Nothing.\nbegin 644 a.txt\n#0V%T\n`\nend\nBye", "Nothing.\n\nBye"),
    ],
)
def test_what_programs_put_around_the_words_is_told_from_them(text: str, words: str) -> None:
    assert read(a_mail(text), US).text == words


FIELDS = "From: Kim <kim@example.org>\r\nTo: support@example.com\r\nSubject: Broken lamp\r\nMessage-ID: <a@b.example>\r\n"


@pytest.mark.parametrize(
    "header",
    [
        f"a line that is no field\r\n{FIELDS}",
        f"HTTP/1.1 200 OK\r\n{FIELDS}",
        FIELDS.replace("Subject:", "some stray words\r\nSubject:"),
        f"Received: from one\r\nby two; today\r\n{FIELDS}",
    ],
)
def test_a_stray_line_before_or_among_the_fields_does_not_end_them(header: str) -> None:
    message = read(f"{header}\r\nMy words".encode(), US)
    assert (message.sender.address, message.subject, message.text) == (
        "kim@example.org",
        "Broken lamp",
        "My words",
    )


def test_a_folded_field_that_lost_its_indent_is_one_field() -> None:
    raw = f"{FIELDS}References: <1@x.example>\r\n<2@x.example>\r\nMIME-Version: 1.0\r\n\r\nMy words"
    assert read(raw.encode(), US).references == ("<1@x.example>", "<2@x.example>")


@pytest.mark.parametrize(
    "text",
    [
        "Hello directly\r\nNote: important",
        "-----Original Message-----\r\nFrom: Sam <sam@example.org>\r\nSubject: another",
        "--cut\r\nContent-Type: text/plain",
    ],
)
def test_a_text_without_an_empty_line_before_it_is_no_header(text: str) -> None:
    message = read(f"{FIELDS}{text}\r\n\r\nBye".encode(), US)
    assert (message.sender.address, message.subject) == ("kim@example.org", "Broken lamp")
    assert "Bye" in f"{message.text}{message.quoted}"


@pytest.mark.parametrize(
    ("subject", "codec", "lines", "text"),
    [
        ("订单没有到货", "gb18030", "Content-Type: text/plain; charset=gb2312", "你好"),
        ("订单没有到货", "gb18030", "Content-Type: text/plain; charset=utf-8", "你好，我的订单没有到货"),
        ("注文が届かない", "cp932", "Content-Type: text/plain; charset=utf-8", "こんにちは、注文です"),
        ("注文が届かない", "cp932", "Content-Language: ja", "Hello"),
        ("주문이 안 왔어요", "cp949", "Content-Type: text/plain; charset=utf-8", "안녕하세요 주문이"),
        ("訂單沒有到", "cp950", "Content-Language: zh-TW", "Hello"),
        ("Größe fehlt", "latin-1", "Content-Type: text/plain; charset=utf-8", "Hallo"),
    ],
)
def test_an_8_bit_subject_is_read_in_the_charset_of_the_mail_or_of_its_language(
    subject: str, codec: str, lines: str, text: str
) -> None:
    charset = "gb2312" if "gb2312" in lines else "utf-8"
    head = b"From: Kim <kim@example.org>\r\nSubject: " + subject.encode(codec)
    raw = head + f"\r\n{lines}\r\n\r\n".encode() + text.encode(charset)
    assert read(raw, US).subject == subject
