"""Copies in Sent: where the server files one itself, ours is left out, and the server's is the proof."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from followupd.adapters.settings import load
from followupd.app.container import filing_mailboxes
from followupd.domain.letter import LetterStatus
from tests.journeys.world import World
from tests.servers.smtp import DROP

COMPLAINT = "My parcel has still not arrived, this is the third time. I am very angry and want a refund!"
OTHER_COMPLAINT = (
    "The kettle you sent is broken and nobody answers the phone. This is unacceptable, I want my money back!"
)
Make = Callable[..., World]


def filed_by_server(world: World) -> None:
    """File the newest letter to a customer in Sent, as Exchange does: with a line of the server's own above it."""
    letter = [each for each in world.smtp.messages if "kim@customers.test" in each.rcpt_tos][-1]
    content = letter.content
    raw = content.encode() if isinstance(content, str) else content or b""
    world.postbox.append(b"X-Filed-By: the server\r\n" + raw, folder="Sent", flags=("\\Seen",))
    world.passes()


def copied(world: World) -> list[bool]:
    """Return of each letter to a customer whether the mailbox got a blind copy."""
    letters = [each for each in world.smtp.messages if any("@customers.test" in to for to in each.rcpt_tos)]
    return [world.postbox.address in each.rcpt_tos for each in letters]


def writes(world: World, sender: str) -> None:
    text = COMPLAINT if sender == "kim@customers.test" else OTHER_COMPLAINT
    world.customer_writes(text, sender=sender, subject=f"Order of {sender}")
    world.passes(world.now + timedelta(minutes=15))


def status(world: World) -> list[LetterStatus]:
    with world.app.ledger.transaction() as tx:
        return [entry.status for entry in tx.outbox.all() if entry.letter.to_customer]


@pytest.mark.parametrize("late_copy", [False, True])
def test_a_server_that_was_seen_to_file_a_copy_gets_no_second_one(make_world: Make, late_copy: bool) -> None:
    world = make_world()
    world.copies_come = not late_copy
    writes(world, "kim@customers.test")
    filed_by_server(world)
    if late_copy:  # the blind copy comes after the server's own
        world.copies_come, world._copied = True, 0
        world.passes()
    world.rebuilt()
    writes(world, "lee@customers.test")
    assert copied(world) == [True, False]
    assert status(world) == [LetterStatus.SENT] * 2


def test_a_blind_copy_that_is_moved_to_sent_is_no_copy_of_the_servers(world: World) -> None:
    writes(world, "kim@customers.test")
    assert world.postbox.uids("Sent")
    writes(world, "lee@customers.test")
    assert copied(world) == [True, True]


def test_the_servers_copy_is_the_proof_of_a_letter_without_a_reply(make_world: Make) -> None:
    world = make_world(smtp_extra='witness = "sent"\nin_doubt = "resend"')
    world.customer_writes(COMPLAINT)
    world.smtp.plan("data", DROP)
    world.passes(world.now + timedelta(minutes=15))
    assert (copied(world), status(world)) == ([False], [LetterStatus.DOUBT])
    filed_by_server(world)
    assert status(world) == [LetterStatus.SENT]
    assert len(copied(world)) == 1


def test_a_letter_in_doubt_without_the_servers_copy_is_asked_about_and_not_sent_again(
    make_world: Make,
) -> None:
    world = make_world(smtp_extra='witness = "sent"\nin_doubt = "resend"')
    world.customer_writes(COMPLAINT)
    world.smtp.plan("data", DROP)
    world.passes(world.now + timedelta(minutes=15))
    world.passes(world.now + timedelta(hours=3))
    assert (len(copied(world)), status(world)) == (1, [LetterStatus.DOUBT])


@pytest.mark.parametrize(
    ("host", "username", "witness", "files"),
    [
        ("smtp.office365.com", "support", "", True),
        ("smtp.gmail.com", "Support", "", True),
        ("smtp.office365.com", "robot", "", False),
        ("smtp.office365.com", "support", "none", False),
        ("mail.acme.test", "support", "", False),
        ("mail.acme.test", "robot", "sent", True),
    ],
)
def test_a_well_known_server_files_the_copies_of_its_own_account(
    make_world: Make, host: str, username: str, witness: str, files: bool
) -> None:
    world = make_world()
    path: Path = world.directory / "followupd.toml"
    user = username.replace("upport", "UPPORT") if username != "robot" else username
    own = world.postbox.username
    name = own if user.casefold() == "support" else user
    changed = f'host = "{host}"\nusername = "{name}"\npassword = "env:FOLLOWUPD_TEST_PASSWORD"'
    changed += f'\nwitness = "{witness}"' if witness else ""
    text = (
        path.read_text()
        .replace('host = "127.0.0.1"', changed)
        .replace('security = "none"', 'security = "starttls"')
    )
    path.write_text(text)
    assert filing_mailboxes(load(world.directory)) == (frozenset({"support"}) if files else frozenset())
