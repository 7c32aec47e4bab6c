"""Lives of cases at Microsoft 365: the mailbox over Graph, letters over SMTP, both by an application that nobody logs in."""

import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from followupd.adapters.settings import load
from followupd.cli.main import main
from followupd.domain.case import Stage
from followupd.domain.letter import LetterStatus
from followupd.errors import SetupError
from tests.journeys.test_lost_parcel import COMPLAINT
from tests.journeys.test_review import PLAYBOOK
from tests.journeys.world import PUT_RIGHT_FACTS, World, text_of
from tests.servers.graph import DROP, OVERLOADED, THROTTLED, GraphPostbox, GraphServer, Refusal

Make = Callable[..., World]


@pytest.fixture
def world(make_at_microsoft: Make) -> Iterator[World]:
    world = make_at_microsoft()
    yield world
    world.app.ledger.close()


def filed(world: World) -> World:
    """File every letter to a customer in Sent that is not there, as Exchange does, and let the house see it."""
    there = b"".join(world.postbox.all_raw("Sent"))
    for each in world.smtp.messages:
        raw = each.content if isinstance(each.content, bytes) else str(each.content).encode()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        if str(mail["Message-ID"]).encode() not in there:
            world.postbox.append(b"X-MS-Exchange-Organization-AuthAs: Internal\r\n" + raw, "Sent", ["\\Seen"])
    return world.passes()


def categories(world: World) -> list[frozenset[str]]:
    return [world.postbox.flags(uid) for uid in world.postbox.uids()]


def statuses(world: World) -> set[LetterStatus]:
    with world.app.ledger.transaction() as tx:
        return {entry.status for entry in tx.outbox.all()}


def test_a_case_is_lived_whole_with_categories(world: World, office: GraphServer) -> None:
    complaint = world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    filed(world.passes(world.now + timedelta(minutes=11)))
    [confirmation] = world.letters("confirmation")
    assert confirmation["In-Reply-To"] == complaint
    assert world.case().stage is Stage.CONFIRMED
    assert categories(world) == [{"complaint", "fu-confirmed"}]

    world.agent_replies("Dear Kim,\n\nI will ship a replacement by Friday.\n\nAna", complaint, "promised")
    assert len(world.case().owed) == 1
    world.agent_tags("refund-25", "hold")
    [_, refund] = world.case().compensation
    assert "25" in str(refund.money)
    assert world.case().held
    assert categories(world) == [{"complaint", "hold", "fu-held", "fu-promised"}]
    world.postbox.unmark(world.postbox.uids()[0], "hold")  # taking the category off releases
    world.passes()
    assert not world.case().held

    filed(world.passes(datetime(2020, 12, 3, 10, tzinfo=UTC)))
    assert world.says(world.case().ref, *PUT_RIGHT_FACTS, "kept: 2", "issued: 2") == []
    world.agent_tags("fixed")
    assert world.case().stage is Stage.FIXED
    filed(world.passes(datetime(2020, 12, 8, 10, 1, tzinfo=UTC)))
    [follow_up] = world.letters("follow-up")
    assert "label printer" in text_of(follow_up)
    for day in (9, 16, 30):
        filed(world.passes(datetime(2020, 12, day, 11, tzinfo=UTC)))
    assert world.case().stage is Stage.CLOSED
    assert categories(world) == [{"complaint", "fu-closed"}]
    assert statuses(world) == {LetterStatus.SENT}
    assert [len(world.letters(kind)) for kind in ("confirmation", "follow-up")] == [2, 1]
    assert not any("BCC" in str(each.rcpt_tos) or len(each.rcpt_tos) > 1 for each in world.smtp.messages)
    account = office.accounts[world.postbox.username]
    assert account.categories["fu-closed"] == "preset12"


def test_a_case_is_lived_whole_while_the_service_fails_in_every_way(
    world: World, office: GraphServer
) -> None:
    postbox = world.postbox
    assert isinstance(postbox, GraphPostbox)
    office.page = 2
    moods: list[tuple[str, str | float | Refusal]] = [
        ("delta", THROTTLED),
        ("PATCH", DROP),
        ("$value", OVERLOADED),
        ("mailFolders", DROP),
        ("masterCat", DROP),
    ]
    office.plan.extend(moods)
    complaint = world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    office.plan.extend(moods)
    filed(world.passes(world.now + timedelta(minutes=11)))
    postbox.expire()  # the links of all folders
    world.agent_replies(
        "I will ship a replacement by Friday, and we'll refund you 25 EUR.", complaint, "promised"
    )
    postbox.expire()
    office.plan.extend(moods)
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "kept: 2", "issued: 2")
    world.agent_tags("fixed")
    for day in (3, 8, 9, 16, 30):
        filed(world.passes(datetime(2020, 12, day, 11, tzinfo=UTC)))
    assert world.case().stage is Stage.CLOSED
    assert len(world.cases()) == 1
    assert [len(world.letters(kind)) for kind in ("follow-up",)] == [1]
    assert len(world.case().compensation) == 2
    assert statuses(world) == {LetterStatus.SENT}


def test_a_draft_is_read_as_the_agent_has_changed_it_and_sent_once(
    make_at_microsoft: Make, office: GraphServer
) -> None:
    world = make_at_microsoft(playbook=PLAYBOOK)
    postbox = world.postbox
    assert isinstance(postbox, GraphPostbox)
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    world.passes(world.now + timedelta(minutes=11))
    [uid] = postbox.uids("Drafts")
    message = postbox.message(uid, "Drafts")
    assert message.draft
    draft = email.message_from_bytes(message.raw, policy=email.policy.default)
    edited = email.message.EmailMessage(policy=email.policy.SMTP)
    for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To"):
        edited[name] = str(draft[name])
    edited.set_content(text_of(draft) + "\nP.S. I have your parcel on my desk.\n")
    office.change(office.accounts[postbox.username], message, raw=edited.as_bytes())
    assert world.letters("confirmation") == []
    world.says(world.case().ref, "approve")
    filed(world.passes())
    [letter] = world.letters("confirmation")
    assert "on my desk" in text_of(letter)
    assert postbox.uids("Drafts") == []
    filed(world.passes(world.now + timedelta(days=1)))
    assert len(world.letters("confirmation")) == 1
    world.app.ledger.close()


def test_mails_that_are_moved_are_orders_each_time_and_come_back(world: World) -> None:
    postbox = world.postbox
    assert isinstance(postbox, GraphPostbox)
    assert main(["tags", "folders", "--make", "--config", str(world.directory)]) == 0
    world.customer_writes(COMPLAINT)
    for folder, is_held in (("Hold", True), ("Release", False), ("Hold", True), ("Release", False)):
        postbox.moved(postbox.uids()[-1], f"Recovery/{folder}")
        world.passes()
        assert (world.case().held, len(postbox.uids())) == (is_held, 1), folder
    postbox.moved(postbox.uids()[-1], "Recovery/Refund/25")
    world.passes()
    [refund] = world.case().compensation
    assert "25" in str(refund.money)


def test_the_categories_of_the_agents_are_made_once(
    world: World, office: GraphServer, capsys: pytest.CaptureFixture[str]
) -> None:
    make = ["tags", "outlook", "--make", "--config", str(world.directory)]
    assert main(make) == 0
    account = office.accounts[world.postbox.username]
    assert account.categories["complaint"] == "preset0"
    assert {"kept", "hold", "agent-ana", "fu-heard"} <= account.categories.keys()
    number = len(account.categories)
    assert main(make) == 0
    assert f"0 made, {number} already there" in capsys.readouterr().err
    account.may_colour = False
    assert main(make) == 1
    assert "MailboxSettings.ReadWrite" in capsys.readouterr().err


def test_check_online_says_what_works_and_what_to_do(
    world: World, office: GraphServer, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["check", "--online", "--config", str(world.directory)]
    account = office.accounts[world.postbox.username]
    main(check)
    said = capsys.readouterr().out
    assert "support: Microsoft Graph: inbox is INBOX; sent mail is Sent; drafts are in Drafts" in said
    assert "categories are tags" in said
    assert "the server's clock agrees with ours" in said
    account.may_colour = False
    main(check)
    assert "give the application MailboxSettings.ReadWrite" in capsys.readouterr().out
    account.may_write = False
    main(check)
    assert "without Mail.ReadWrite agents see neither" in capsys.readouterr().out
    office.accounts.clear()
    assert main(check) == 1
    said = capsys.readouterr().out
    assert "no such mailbox" in said
    assert "Write the mailbox's own address" in said
    office.tokens = set()
    assert main(check) == 1
    said = capsys.readouterr().out
    assert "it does not take the token" in said
    assert "the token must be for Microsoft Graph" in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('auth = "oauth-microsoft"', 'auth = "password"', "takes no passwords"),
        ('host = "localhost"', 'host = "outlook.office365.com"', "is a server of IMAP"),
        ('security = "tls"', 'security = "starttls"', "no STARTTLS"),
        ('door = "graph"', 'door = "ews"', "door"),
        ('door = "graph"\n', "", None),
        ('oauth_authority = "https', 'oauth_authority = "nowhere', "web address"),
    ],
)
def test_what_graph_needs_is_said_when_the_settings_are_read(
    world: World, old: str, new: str, words: str | None
) -> None:
    path = world.directory / "followupd.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    if words is None:
        assert load(world.directory).mailboxes[0].door == "imap"
        return
    with pytest.raises(SetupError, match=words):
        load(world.directory)


def test_graph_has_its_own_port_and_its_own_token(world: World) -> None:
    path = world.directory / "followupd.toml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("port")]
    path.write_text("\n".join(lines).replace("localhost", "graph.microsoft.com"))
    settings = load(world.directory)
    [mailbox] = settings.mailboxes
    assert mailbox.port == 443
    assert mailbox.oauth_token != settings.smtp.oauth_token
    path.write_text(path.read_text().replace('door = "graph"\n', ""))
    with pytest.raises(SetupError, match=r'speaks no IMAP.*door = "graph"'):
        load(world.directory)
