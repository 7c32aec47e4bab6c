"""What a preview shows is what leaves; a change of letters is shown for the cases that it meets."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest

from followupd.adapters.overlay import customise
from followupd.adapters.smtp.compose import compose
from followupd.cli.main import main
from followupd.cli.preview import differences, preview_letter
from tests.journeys.world import World, html_of, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)


@pytest.fixture(autouse=True)
def key_on_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of its own has the same environment as the daemon."""
    monkeypatch.setenv("FOLLOWUPD_CONFIG", str(world.directory))


def open_case(world: World) -> str:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    return world.case().ref


def test_the_previewed_mail_is_the_mail_that_leaves_headers_included(world: World, tmp_path: Path) -> None:
    ref = open_case(world)
    letter = preview_letter(world.directory, "confirmation", ref, "short", world.now)
    world.passes(world.now + timedelta(minutes=11))
    shown = email.message_from_bytes(compose(letter, now=world.now), policy=email.policy.default)
    [left] = world.letters("confirmation")
    assert [*shown.items()] == [*left.items()]
    assert (text_of(shown), html_of(shown)) == (text_of(left), html_of(left))


def test_a_follow_up_is_previewed_as_it_will_be_on_its_day(world: World) -> None:
    ref = open_case(world)
    world.passes(world.now + timedelta(minutes=11))
    world.says(
        ref,
        "kept",
        "fixed",
        "cause: our label printer failed",
        "resolution: a new parcel went out by express",
        "prevention: labels are now checked before a parcel leaves",
        "fault: ours",
    )
    letter = preview_letter(world.directory, "follow-up", ref, "short", world.now)
    world.passes(datetime(2020, 12, 8, 10, tzinfo=UTC))
    [left] = world.letters("follow-up")
    assert (letter.text.split(), letter.subject) == (text_of(left).split(), str(left["Subject"]))


def test_the_command_writes_the_whole_mail(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_case(world)
    assert (
        main(
            ["preview", "follow-up", "--sample", "long", "--language", "de", "--eml", str(tmp_path / "f.eml")]
        )
        == 0
    )
    mail = email.message_from_bytes((tmp_path / "f.eml").read_bytes(), policy=email.policy.default)
    assert "Das war unser Fehler" in text_of(mail)
    assert mail["X-Followupd-Key"] == "FU-L0NG7.follow-up.1"
    assert main(["preview"]) == 2
    assert "LETTER is missing" in capsys.readouterr().err


def test_a_diff_shows_the_letters_of_open_cases_that_would_read_differently(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = open_case(world)
    old = tmp_path / "old"
    copytree(world.directory, old)
    assert differences(world.directory, old, world.now) == []
    [letter] = customise(world.directory, ["templates/en/confirmation.md"])
    letter.write_text(letter.read_text().replace("Thank you for telling us.", "Thank you for writing."))
    [confirmation] = differences(world.directory, old, world.now)
    assert (confirmation.ref, confirmation.kind) == (ref, "confirmation")
    assert any(line.startswith("-Thank you for telling us.") for line in confirmation.lines)
    assert any(line.startswith("+Thank you for writing.") for line in confirmation.lines)

    assert main(["diff", str(old)]) == 0
    told = capsys.readouterr()
    assert "+Thank you for writing." in told.out
    assert "1 letter(s) of 1 open case(s)" in told.err
    assert world.says(ref, "kept", "gesture: a kind word", "issued: 1", "close") == []
    assert differences(world.directory, old, world.now) == []


def test_a_preview_is_sent_to_an_address_of_ones_own_and_to_nobody_else(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = open_case(world)
    before = len(world.smtp.messages)
    assert main(["preview", "confirmation", "--case", ref, "--options", "--send", "me@admins.test"]) == 0
    [sent] = world.smtp.messages[before:]
    assert sent.rcpt_tos == ["me@admins.test"]
    assert isinstance(sent.content, bytes)
    mail = email.message_from_bytes(sent.content, policy=email.policy.default)
    assert str(mail["Subject"]).startswith("[preview] Re: ")
    assert mail["In-Reply-To"] is None
    assert str(mail["X-Followupd-Key"]).startswith("preview/")
    assert "Option 2:" in text_of(mail)
    assert "was accepted" in capsys.readouterr().err
    assert main(["preview", "confirmation", "--send", "nobody"]) != 0


def test_a_preview_shows_the_options_the_review_and_the_next_steps_of_the_playbook(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "p.eml"
    for options, words in ((["--options"], "Option 2:"), ([], "I will find out what happened")):
        assert main(["preview", "confirmation", *options, "--eml", str(path)]) == 0
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert words in " ".join(text_of(mail).split())
        assert mail["Auto-Submitted"]
    assert main(["preview", "confirmation", "--review", "--eml", str(path)]) == 0
    assert b"Auto-Submitted" not in path.read_bytes()
