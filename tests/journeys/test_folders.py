"""A mailbox whose server keeps no keywords, as at Microsoft 365: agents move mails, and see the same come of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from followupd.cli.main import main
from followupd.domain.case import Stage
from tests.journeys.test_review import PLAYBOOK as REVIEWED
from tests.journeys.world import World, text_of
from tests.servers.dovecot import Dovecot
from tests.servers.smtp import Sink

COMPLAINT = "My parcel has still not arrived, this is the third time. I am very angry and want a refund!"
Make = Callable[..., World]


@pytest.fixture(params=["dovecot", "plain_dovecot", "degraded_dovecot"])
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Return a world with command folders on a server with keywords, without them, and without all extensions."""
    server: Dovecot = request.getfixturevalue(request.param)
    postbox = server.account("support")
    monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
    world = World.made(tmp_path / "etc", postbox, smtp)
    assert main(["tags", "folders", "--make", "--config", str(world.directory)]) == 0
    yield world
    world.app.ledger.close()


def moved(world: World, to: str, folder: str = "INBOX") -> None:
    """Move the newest mail of a folder, as an agent does who has no tags."""
    with world.postbox.client() as client:
        client.select_folder(folder)
        uid = present(client.search("UNDELETED"))[-1]
        client.copy([uid], to)
        client.delete_messages([uid])
        client.expunge()
    world.passes()


def present(uids: list[int]) -> list[int]:
    return sorted(uids)


def lying(world: World, folder: str) -> int:
    """Return how many mails are in a folder and not deleted."""
    with world.postbox.client() as client:
        client.select_folder(folder, readonly=True)
        return len(client.search("UNDELETED"))


def test_the_whole_life_of_a_complaint_is_led_by_moving_mails(shop: World) -> None:
    parcel = shop.customer_writes(COMPLAINT)
    shop.passes(shop.now + timedelta(minutes=15))
    shop.agent_replies("I will call the carrier and write to you by Friday.", parcel)
    moved(shop, "Recovery/Promised", "Sent")
    assert [promise.state.value for promise in shop.case().owed]
    assert lying(shop, "Recovery/Promised") == 0

    moved(shop, "Recovery/Refund/25")
    [grant] = shop.case().compensation
    assert "25" in str(grant)

    moved(shop, "Recovery/Hold")
    assert shop.case().held
    moved(shop, "Recovery/Release")
    assert not shop.case().held
    moved(shop, "Recovery/Hold")
    assert shop.case().held, "the same folder again is a new order"
    moved(shop, "Recovery/Release")

    moved(shop, "Recovery/Kept")
    assert not shop.case().owed
    moved(shop, "Recovery/Cause code/carrier")
    moved(shop, "Recovery/Fixed")
    assert shop.case().stage is Stage.FIXED
    assert [str(mail["Subject"]) for mail in shop.letters("command-returned")] == []
    for folder in ("Hold", "Refund/25", "Kept", "Fixed"):
        assert lying(shop, f"Recovery/{folder}") == 0, folder
    assert len(shop.case().compensation) == 1


def test_a_folder_without_its_amount_asks_the_agent_and_gives_the_mail_back(shop: World) -> None:
    shop.customer_writes(COMPLAINT)
    before = len(shop.smtp.messages)
    moved(shop, "Recovery/Refund")
    assert shop.case().compensation == ()
    said = "\n".join(text_of(mail) for mail in shop.letters()[before:])
    assert "refund" in said
    assert (lying(shop, "Recovery/Refund"), lying(shop, "INBOX")) == (0, 1)


def test_a_server_that_renumbers_a_command_folder_repeats_no_order(
    shop: World, request: pytest.FixtureRequest
) -> None:
    shop.customer_writes(COMPLAINT)
    moved(shop, "Recovery/Refund/25")
    [grant] = shop.case().compensation
    server: Dovecot = request.getfixturevalue(request.node.callspec.params["shop"])
    server.doveadm(
        "mailbox", "update", "--uid-validity", "4242", "-u", shop.postbox.username, "Recovery/Refund/25"
    )
    shop.passes(shop.now + timedelta(hours=1))
    assert shop.case().compensation == (grant,)


def test_a_draft_that_is_moved_into_the_folder_of_approve_is_sent_once(shop: World) -> None:
    (shop.directory / "playbooks" / "default.toml").write_text(REVIEWED)
    world = shop.rebuilt()
    world.customer_writes(COMPLAINT)
    world.passes(world.now + timedelta(minutes=11))
    moved(world, "Recovery/Approve", "Drafts")
    world.passes(world.now + timedelta(minutes=5))
    assert len(world.letters("confirmation")) == 1
    assert [lying(world, folder) for folder in ("Recovery/Approve", "Drafts", "INBOX")] == [0, 0, 1]


@pytest.mark.parametrize("server", ["dovecot", "degraded_dovecot"])
def test_the_star_of_a_mail_client_can_be_a_tag(
    server: str, request: pytest.FixtureRequest, tmp_path: Path, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox = request.getfixturevalue(server).account("support")
    monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
    world = World.made(tmp_path / "etc", postbox, smtp, more='\n[tags]\n"\\\\Flagged" = "complaint"\n')
    world.customer_writes("Do you open on Sundays?")
    assert not world.cases()
    world.agent_tags("\\Flagged")
    assert world.case().stage is not Stage.SUSPECTED
    world.app.ledger.close()


def test_agents_without_tags_read_each_morning_where_their_cases_stand(
    tmp_path: Path, plain_dovecot: Dovecot, dovecot: Dovecot, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {}
    for name, server in (("without", plain_dovecot), ("with", dovecot)):
        postbox = server.account("support")
        monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
        world = World.made(tmp_path / name, postbox, smtp)
        ref = world.customer_writes(COMPLAINT) and world.case().ref
        world.passes(world.now + timedelta(days=1))
        digests = [text_of(mail) for mail in world.letters() if str(mail["X-Followupd-Key"]).count("digest")]
        told[name] = any(f"{ref}, Kim Doe: " in text for text in digests)
        world.app.ledger.close()
    assert told == {"without": True, "with": False}
