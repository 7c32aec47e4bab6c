"""Files of letters: a logo that the HTML part shows, and what is attached to them."""

import email
import email.policy
import shutil
from base64 import b64decode
from email.message import EmailMessage
from pathlib import Path

import pytest

from followupd.adapters.smtp.compose import compose
from followupd.adapters.templates.check import problems
from followupd.adapters.templates.sources import TemplateFiles
from followupd.domain.letter import LetterKind
from followupd.errors import LetterError
from tests.story.lettered import NOW, PLAYBOOK, TEMPLATES, letters, wrote

PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)
TERMS = b"%PDF-1.4 terms"


def changed_letters(directory: Path, *left_out: str) -> Path:
    """Copy the English letters, for a test that changes them; fewer of them are checked faster."""
    only_english = shutil.ignore_patterns("de", "fr", "es", "*-informal", *left_out)
    return Path(shutil.copytree(TEMPLATES, directory / "templates", ignore=only_english))


#: all letters but the follow-up
OTHERS = ("desk", "again.md", "confirmation.md", "delay.md", "gift-card.md", "holding.md", "safety.md")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Own letters, of which the follow-up has a logo and the terms."""
    copy = changed_letters(tmp_path)
    (copy / "files").mkdir()
    (copy / "files/logo.png").write_bytes(PICTURE)
    (copy / "files/terms.pdf").write_bytes(TERMS)
    return headed(copy, "attach: files/terms.pdf", "logo: files/logo.png")


def headed(directory: Path, *lines: str, letter: str = "en/follow-up") -> Path:
    """Add lines to the front matter of a letter."""
    path = directory / f"{letter}.md"
    path.write_text(path.read_text().replace("subject:", "\n".join((*lines, "subject:")), 1))
    return directory


def mailed(directory: Path, kind: LetterKind = LetterKind.FOLLOW_UP) -> EmailMessage:
    raw = compose(wrote(kind, directory=directory), now=NOW)
    return email.message_from_bytes(raw, policy=email.policy.default)


def found(directory: Path) -> list[str]:
    return [
        f"{one.rule} {one.file}:{one.line} {one.problem}"
        for one in problems(TemplateFiles(directory), PLAYBOOK, NOW)
    ]


def test_a_letter_shows_its_logo_and_has_its_files(directory: Path) -> None:
    mail = mailed(directory)
    alternative, terms = mail.iter_parts()
    text, related = alternative.iter_parts()
    html, logo = related.iter_parts()
    kinds = [part.get_content_type() for part in (mail, alternative, text, related, html, logo, terms)]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    assert (logo.get_content(), logo.get_content_disposition()) == (PICTURE, "inline")
    assert (terms.get_content(), terms.get_filename()) == (TERMS, "terms.pdf")
    assert f'src="cid:{logo["Content-ID"][1:-1]}"' in html.get_content()
    assert 'alt="Example Ltd"' in html.get_content()
    assert found(directory) == []


def test_the_same_letter_gives_the_same_bytes(directory: Path) -> None:
    letter = wrote(LetterKind.FOLLOW_UP, directory=directory)
    assert compose(letter, now=NOW) == compose(letter, now=NOW)


def test_a_logo_below_templates_is_above_every_letter_to_customers_and_no_mail_to_agents(
    tmp_path: Path,
) -> None:
    copy = changed_letters(tmp_path)
    (copy / "logo.png").write_bytes(PICTURE)
    for kind in (LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.GIFT_CARD):
        assert "image/png" in [part.get_content_type() for part in mailed(copy, kind).walk()]
    assert "image/png" not in [part.get_content_type() for part in mailed(copy, LetterKind.OPENED).walk()]
    without = headed(copy, "logo: none", letter="en/delay")
    letters.cache_clear()
    assert wrote(LetterKind.DELAY, directory=without).attachments == ()


def test_letters_without_files_are_as_they_were() -> None:
    assert wrote(LetterKind.FOLLOW_UP).attachments == ()
    assert "<img" not in wrote(LetterKind.FOLLOW_UP).html


@pytest.mark.parametrize(
    ("line", "content", "problem"),
    [
        ("attach: files/missing.pdf", None, "there is no file 'templates/files/missing.pdf'"),
        ("attach: ../../../../etc/hostname", b"", "there is no file"),
        ("attach: files/x.exe", b"MZ", "is empty, or none of"),
        ("attach: files/x.pdf", b"<html>", "is empty, or none of"),
        ("attach: files/x.txt", b"", "is empty, or none of"),
        ("attach: files/x.pdf", b"%PDF" + b"x" * 1_000_001, "its files have more than 1000 kB"),
        ("logo: files/x.png", b"\x89PNG" + b"x" * 50_001, "is no picture of at most 50 kB"),
        ("logo: files/x.pdf", b"%PDF", "is no picture of at most 50 kB"),
        ("logo: {{ customer.name }}.png", None, "there is no file"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named_with_its_line_and_stops_the_letter(
    tmp_path: Path, line: str, content: bytes | None, problem: str
) -> None:
    copy = changed_letters(tmp_path, *OTHERS)
    (copy / "files").mkdir()
    name = line.partition(": ")[2]
    if content is not None and name.startswith("files/"):
        (copy / name).write_bytes(content)
    headed(copy, line)
    [told] = [one for one in found(copy) if one.startswith("L10")]
    assert told.startswith("L10 templates/en/follow-up.md:2")
    assert problem in told
    with pytest.raises(LetterError):
        wrote(LetterKind.FOLLOW_UP, directory=copy)


def test_a_mail_to_agents_has_no_files_of_its_own(tmp_path: Path) -> None:
    copy = headed(changed_letters(tmp_path), "attach: files/terms.pdf", letter="en/desk/nudge")
    assert "L10 templates/en/desk/nudge.md:2 only letters to customers have files" in found(copy)


@pytest.mark.parametrize(
    ("picture", "is_shown"),
    [
        ('<img src="logo.png">', False),
        ('<img alt="x" src="cid:logo">', False),
        ("<img src=https://example.com/logo.png>", False),
        ('<img src="{{ logo }}">', True),
        ('<img src="data:image/png;base64,AAAA">', True),
    ],
)
def test_a_picture_that_no_mail_has_is_named(tmp_path: Path, picture: str, is_shown: bool) -> None:
    copy = changed_letters(tmp_path, *OTHERS)
    layout = copy / "layout.html"
    layout.write_text(layout.read_text().replace("{{ body }}", f"{picture}{{{{ body }}}}"))
    assert any(one.startswith("L08") for one in found(copy)) != is_shown


def test_files_are_read_once_for_a_reload(directory: Path) -> None:
    files = TemplateFiles(directory)
    files.load_all()
    (directory / "files/terms.pdf").unlink()
    assert files.data("files/terms.pdf") == TERMS
    assert files.data("files/other.pdf") is None
