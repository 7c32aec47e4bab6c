"""A mail whose only words are in a winmail.dat, Outlook's own envelope: opened for its words, never for its files."""

import base64
import struct

import pytest

from followupd.text.mail.read import read
from followupd.text.mail.winmail import decompress_rtf, rtf_to_text, winmail_text
from tests.story.raw_mail import US, a_mail

WORDS = "Meine Bestellung kam beschädigt an.\r\nKim"
#: the example of MS-OXRTFCP, 4.1
PACKED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*found: bytes) -> bytes:
    return attribute(1, 0x00069003, struct.pack("<I", len(found)) + b"".join(found))


def property_of(name: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def envelope(*attributes: bytes) -> bytes:
    attachment = attribute(2, 0x00018010, b"photo.jpg\0") + attribute(2, 0x0006800F, b"\xff" * 3000)
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes) + attachment


def winmail(data: bytes) -> bytes:
    return a_mail(
        base64.encodebytes(data).decode(),
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=winmail.dat",
        kind="application/ms-tnef; name=winmail.dat",
    )


@pytest.mark.parametrize(
    "attributes",
    [
        [
            attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
            attribute(1, 0x0002800C, WORDS.encode("cp1252") + b"\0"),
        ],
        [properties(property_of(0x1000, 0x1F, (WORDS + "\0").encode("utf-16-le")))],
        [
            properties(
                struct.pack("<HHI", 3, 0x3FDE, 65001), property_of(0x1000, 0x1E, WORDS.encode() + b"\0")
            )
        ],
        [properties(property_of(0x1013, 0x102, WORDS.replace("\r\n", "<br>").encode("cp1252")))],
        [
            properties(
                struct.pack("<HH16sII", 3, 0x8002, b"g" * 16, 0, 7) + b"\0" * 4,
                struct.pack("<HH16sII", 0x1F, 0x8003, b"g" * 16, 1, 6)
                + b"n\0m\0\0\0\0\0"
                + struct.pack("<II", 1, 2)
                + b"x\0\0\0",
                property_of(0x1000, 0x1F, WORDS.encode("utf-16-le")),
            )
        ],
    ],
)
def test_the_words_of_an_envelope_are_the_mails(attributes: list[bytes]) -> None:
    message = read(winmail(envelope(*attributes)), US)
    assert message.text == "Meine Bestellung kam beschädigt an.\nKim"
    assert message.by_hand == ""
    assert message.attachments == ("winmail.dat",)


def test_rich_text_is_unpacked() -> None:
    assert decompress_rtf(PACKED) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert read(winmail(envelope(properties(property_of(0x1009, 0x102, PACKED)))), US).text == "hello world"


@pytest.mark.parametrize(
    ("rich", "words"),
    [
        (
            r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard Sch\'f6n\par\tab gr\u252\'fc\'dfe\par}",
            "Schön\ngrüße",
        ),
        (r"{\rtf1\ansi{\*\generator Riched20;}\u-10179?\u-8704? a \{b\} \\ c}", "😀 a {b} \\ c"),
        (
            (
                r"{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Wo ist\htmlrtf }\htmlrtf0 "
                r" es?{\*\htmltag116 <br>}\htmlrtf \line\htmlrtf0 Kim{\*\htmltag72 </p>}\htmlrtf\par\htmlrtf0 }"
            ),
            "Wo ist es?\nKim",
        ),
    ],
)
def test_rich_text_loses_its_marks(rich: str, words: str) -> None:
    assert rtf_to_text(rich.encode("ascii")) == words


@pytest.mark.parametrize("cut", [0, 5, 20, 40, 60, 100])
def test_a_broken_envelope_is_opened_by_hand(cut: int) -> None:
    data = envelope(properties(property_of(0x1000, 0x1F, WORDS.encode("utf-16-le"))))[:cut]
    message = read(winmail(data), US)
    assert message.by_hand in {"its words are in a winmail.dat", ""}
    assert bool(message.text) != bool(message.by_hand)


def test_an_envelope_without_words_is_opened_by_hand() -> None:
    assert read(winmail(envelope()), US).by_hand == "its words are in a winmail.dat"


def test_hostile_envelopes_end_soon() -> None:
    assert winmail_text(envelope(properties(*[struct.pack("<HHI", 0x101F, 0x1000, 2**32 - 1)] * 3))) == ""
    bomb = struct.pack("<II4sI", 0, 2**31, b"LZFu", 0) + b"\xff" + b"\x00\x0f" * 200_000
    assert len(decompress_rtf(bomb)) <= 300_000 + 200
    assert rtf_to_text(b"{\\rtf1" + b"{" * 50_000 + b" words") == "words"
