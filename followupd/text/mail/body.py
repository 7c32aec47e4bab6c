"""Choose the words of a mail among its parts, name its attachments, and say when only a person can read it (MAIL.md, R7)."""

import re
from dataclasses import dataclass

from followupd.text.mail.charset import decode
from followupd.text.mail.html import declared_charset, text_of
from followupd.text.mail.outlook import words_of
from followupd.text.mail.parse import MimePart, ParsedMail

LONGEST = 300_000  # characters of text that are looked at
SEALED = {"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
SIGNATURES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-keys",
}
SHOWN = {"text/plain", "text/html", "text/enriched"}
NEVER_FILES = SHOWN | {"text/x-amp-html"}  # unless they are attached
TNEF = {"application/ms-tnef", "application/vnd.ms-tnef"}
STUB = re.compile(
    r"(?:does(?: no|n[o']?)t support|cannot display|view(?:ing)? this (?:e-?mail|message)|kein HTML|HTML[- ]?(?:format|enabled|mail))",
    re.IGNORECASE,
)
PGP_HEAD = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]{1,20}:[^\n]{0,200}\n){0,5}\n?", re.MULTILINE
)
PGP_TAIL = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----\n[^-]{0,5000}-----END PGP SIGNATURE-----$", re.MULTILINE
)
PGP_DASH = re.compile(r"^- -", re.MULTILINE)  # RFC 9580, 7.2: a dash at the beginning of a line is escaped
UUENCODED = re.compile(r"^begin [0-7]{3} ([^\n]{1,200})\n[ -`\n]{0,300000}?^end$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a mail before quotes are told from them."""

    text: str
    attachments: tuple[str, ...] = ()
    by_hand: str = ""


def body_of(mail: ParsedMail) -> Body:
    """Return the text a person would see on opening the mail."""
    words, files = _sorted_out(mail)
    text = _unpacked("\n\n".join(piece for piece in words if piece.strip()))[:LONGEST]
    text = text if text.strip() else _in_winmail(files) or text
    names = tuple(dict.fromkeys(name for part in files if (name := _name(part))))
    return Body(text, names, _by_hand(mail, text, files))


def _in_winmail(files: list[MimePart]) -> str:
    """Return the words of Outlook's envelope, which is opened only when the mail has no others."""
    return next(
        (text for part in files if part.type in TNEF and (text := words_of(part.octets)[:LONGEST])), ""
    )


def _sorted_out(mail: ParsedMail) -> tuple[list[str], list[MimePart]]:
    """Part the words from the files; some programs give their words a file name."""
    shown = [part for part in mail.parts if part.type in SHOWN and not part.attached]
    if not shown:
        shown = [part for part in mail.parts if part.type in SHOWN and part.disposition != "attachment"][:1]
    files = [
        part for part in mail.parts if part not in shown and (part.attached or part.type not in NEVER_FILES)
    ]
    files = [part for part in files if part.type not in SIGNATURES]
    return _shown(shown), files


def _shown(parts: list[MimePart]) -> list[str]:
    """Take the plain version where there is one that says something; HTML is the dearer and the second choice."""
    plain = [flowed(part) for part in parts if part.type == "text/plain"]
    if any(text.strip() for text in plain) and not (
        _stub(plain) and any(part.type == "text/html" for part in parts)
    ):
        alone = [
            part
            for part in parts
            if part.type == "text/html" and part.parent not in {"multipart/alternative", "multipart/related"}
        ]
        return plain + (
            [] if any(len(text.strip()) > 1 for text in plain) else [html_of(part) for part in alone]
        )
    return [html_of(part) for part in parts if part.type != "text/plain"] or plain


def _stub(plain: list[str]) -> bool:
    text = " ".join(plain).strip()
    return len(text) < 300 and STUB.search(text) is not None


def html_of(part: MimePart) -> str:
    data = part.octets
    return text_of(decode(data, part.setting("charset") or declared_charset(data)))


def flowed(part: MimePart) -> str:
    """Return a plain part, its soft line breaks undone when it says that it has some (RFC 3676)."""
    text = part.text
    if part.setting("format").lower() != "flowed":
        return text
    joined: list[str] = []
    open_line = False
    gap = "" if part.setting("delsp").lower() == "yes" else " "
    for line in text.split("\n"):
        if open_line and line[:1] != ">" and joined[-1][:1] != ">" and len(joined[-1]) < 4000:
            joined[-1] = joined[-1].rstrip(" ") + gap + line
        else:
            joined.append(line)
        open_line = line.endswith(" ") and line != "-- "
    return "\n".join(joined)


def _unpacked(text: str) -> str:
    """Cut uuencoded files and the armour of PGP signatures out of a text."""
    if "-----BEGIN PGP SIGNATURE" in text:
        text = PGP_DASH.sub("-", PGP_TAIL.sub("", PGP_HEAD.sub("", text)))
    return UUENCODED.sub("", text) if "\nend" in text and "begin " in text else text


def _name(part: MimePart) -> str:
    return part.filename or ("" if part.type.startswith("multipart/") else part.type)


def _by_hand(mail: ParsedMail, text: str, files: list[MimePart]) -> str:
    """Say why a person must open this mail; "" when the machine can read it."""
    kinds = mail.types | {mail.type}
    if (
        "multipart/encrypted" in kinds
        or "application/pgp-encrypted" in kinds
        or "-----BEGIN PGP MESSAGE-----" in text[:5000]
    ):
        return "it is encrypted"
    if kinds & SEALED and not text.strip():
        return "it is sealed (S/MIME)"
    if text.strip():
        return ""
    if any(part.type == "text/html" and b"data:image/" in part.octets for part in mail.parts):
        return "it shows pictures only"
    if kinds & TNEF:
        return "its words are in a winmail.dat"
    if mail.cut:
        return "it is too large, and its words were not reached"
    return "it has attachments only" if files else ""
