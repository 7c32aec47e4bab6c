"""What only the door of Microsoft Graph must bear: throttling, lost answers, expired links and tokens, several readers."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from followupd.adapters.graph.changes import Position, uid_of
from followupd.adapters.graph.mailbox import GraphMailbox
from followupd.adapters.imap.client import Account
from followupd.adapters.imap.mailbox import SyncCursor
from followupd.errors import LoginRefusedError, UnavailableError
from tests.contracts.test_mailbox import flags, graph_account, mail, new_uids, read
from tests.servers.graph import (
    DROP,
    DROP_BEFORE,
    OVERLOADED,
    THROTTLED,
    GraphPostbox,
    GraphServer,
    Refusal,
)


@pytest.fixture
def postbox(graph: GraphServer) -> GraphPostbox:
    return graph.account()


@pytest.fixture
def mailbox(postbox: GraphPostbox) -> Iterator[GraphMailbox]:
    with GraphMailbox(graph_account(postbox), poll_seconds=0.1) as mailbox:
        yield mailbox


def another(postbox: GraphPostbox, **changes: Any) -> GraphMailbox:
    """Return the door of another process, which remembers nothing."""
    account: Account = replace(graph_account(postbox), **changes)
    return GraphMailbox(account, poll_seconds=0.1)


def everything(mailbox: GraphMailbox, cursor: SyncCursor) -> tuple[list[int], SyncCursor]:
    batches, cursor = read(mailbox, cursor)
    return new_uids(batches), cursor


# what the service does


@pytest.mark.parametrize("refusal", [THROTTLED, OVERLOADED])
def test_a_request_that_is_put_off_is_asked_again(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer, refusal: Refusal
) -> None:
    cursor, _ = mailbox.start("INBOX", "all")
    postbox.append(mail())
    graph.plan.extend([("delta", refusal), ("$value", refusal), ("$value", refusal)])
    assert everything(mailbox, cursor)[0] == postbox.uids()
    assert (graph.refused[refusal[0]], list(graph.plan)) == (3, [])


def test_nothing_is_asked_before_the_time_that_the_service_names(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    graph.plan.append(("mailFolders", (429, "ApplicationThrottled", {"Retry-After": "1"})))
    other = another(postbox)
    other.open()  # waits for a second, and so does every other thread
    other.close()
    before = len(graph.asked)
    graph.plan.append(("mailFolders", (429, "ApplicationThrottled", {"Retry-After": "600"})))
    with pytest.raises(UnavailableError, match="left alone"):
        mailbox.existing(["INBOX"])
    assert not mailbox.connected
    with pytest.raises(UnavailableError, match="left alone"):
        another(postbox).open()
    assert len(graph.asked) == before + 1


def test_no_more_than_four_requests_run_at_once(postbox: GraphPostbox, graph: GraphServer) -> None:
    graph.seconds = 0.05
    for number in range(3):
        postbox.append(mail(number))
    read_by: list[int] = []

    def reads() -> None:
        with another(postbox) as mailbox:
            read_by.append(len(everything(mailbox, mailbox.start("INBOX", "all")[0])[0]))

    threads = [threading.Thread(target=reads) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_by == [3] * 8
    assert (graph.most_at_once, graph.refused[429]) == (4, 0)


def test_long_lists_come_in_pages_and_reading_goes_on_in_the_middle_of_one(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    graph.page = 3
    for number in range(10):
        postbox.append(mail(number))
    for number in range(5):
        mailbox.create_folder(f"Recovery/{number}")
    assert mailbox.existing([f"Recovery/{number}" for number in range(5)])
    assert mailbox.start("INBOX", "now")[1] == 10
    reading = mailbox.changes("INBOX", mailbox.start("INBOX", "all")[0], batch=2)
    batches = [next(reading), next(reading)]
    with another(postbox) as later:
        rest, cursor = everything(later, batches[-1].cursor)
        assert sorted([*new_uids(batches), *rest]) == sorted(postbox.uids())
        assert everything(later, cursor)[0] == []


def test_a_link_that_has_expired_means_to_list_anew_and_the_ledger_knows_the_mails(
    postbox: GraphPostbox, mailbox: GraphMailbox
) -> None:
    postbox.append(mail(1))
    cursor, _ = mailbox.start("INBOX", "now")
    postbox.append(mail(2))
    known, cursor = everything(mailbox, cursor)
    postbox.append(mail(3))
    postbox.mark(postbox.uids()[1], "kept")
    postbox.expire()
    with another(postbox) as later:
        batches, cursor = read(later, cursor)
        # the second mail comes again, as the same mail at the same place; the first was passed over, and stays so
        assert sorted(new_uids(batches)) == sorted(postbox.uids()[1:])
        assert flags(batches)[known[0]] == {"kept"}
        assert not any(batch.reset for batch in batches)
        assert read(later, cursor)[0] == []


def test_an_expired_token_is_renewed_once_and_one_that_is_refused_again_is_a_refused_login(
    postbox: GraphPostbox, graph: GraphServer
) -> None:
    given = iter(["old-token", "good-token", "worse-token", "worst-token"])
    with another(postbox, token=lambda _refused: next(given)) as mailbox:
        assert mailbox.inbox == "INBOX"
        graph.tokens.clear()
        with pytest.raises(LoginRefusedError, match=r"401.*docs/graph\.md"):
            mailbox.existing(["INBOX"])
    assert graph.refused[401] == 3


def test_a_link_to_another_server_gets_no_token(postbox: GraphPostbox, mailbox: GraphMailbox) -> None:
    cursor, _ = mailbox.start("INBOX", "all")
    postbox.append(mail())
    evil = str(Position(link="http://127.0.0.1:1/v1.0/users/x?$deltatoken=d.1"))
    assert everything(mailbox, replace(cursor, position=evil))[0] == postbox.uids()


# lost answers


@pytest.mark.parametrize("mood", [DROP, DROP_BEFORE])
def test_a_draft_is_made_once_whether_its_answer_comes_or_not(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer, mood: str
) -> None:
    graph.plan.append(("POST /v1.0", mood))
    mailbox.append("Drafts", mail(7), ["\\Draft", "\\Seen", "complaint"])
    assert postbox.all_raw("Drafts") == [mail(7)]
    assert postbox.flags(postbox.uids("Drafts")[0], "Drafts") == {"\\Draft", "\\Seen", "complaint"}


@pytest.mark.parametrize("mood", [DROP, DROP_BEFORE])
@pytest.mark.parametrize("verb", ["move", "mark", "remove", "folder"])
def test_what_was_done_without_an_answer_is_not_done_twice_and_not_forgotten(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer, verb: str, mood: str
) -> None:
    postbox.append(mail(), flags=["complaint"])
    [uid] = postbox.uids()
    address = {"move": "/move", "mark": "PATCH", "remove": "DELETE", "folder": "POST /v1.0"}[verb]
    mailbox.fetch("INBOX", [uid])
    graph.plan.append((address, mood))
    match verb:
        case "move":
            mailbox.move("INBOX", uid, "Sent", seen=True)
            assert (postbox.uids(), postbox.uids("Sent")) == ([], [uid])
        case "mark":
            assert mailbox.mark("INBOX", [uid], ["fu-heard"], ["complaint"])
            assert postbox.flags(uid) == {"fu-heard"}
        case "remove":
            mailbox.remove("INBOX", uid)
            assert (postbox.uids(), postbox.uids("Trash")) == ([], [uid])
        case "folder":
            mailbox.create_folder("Recovery")
            assert mailbox.existing(["Recovery"]) == ["Recovery"]
    assert not graph.plan


def test_a_mail_that_the_service_cannot_give_stops_no_other(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    cursor, _ = mailbox.start("INBOX", "all")
    postbox.append(mail(1))
    postbox.append(mail(2))
    graph.plan.extend([("$value", (500, "ErrorInternalServerError", {}))] * 4)
    batches, _ = read(mailbox, cursor)
    assert [found.raw for batch in batches for found in batch.new] == [b"", mail(2)]


def test_an_outage_of_the_service_puts_no_mail_into_quarantine(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    cursor, _ = mailbox.start("INBOX", "all")
    postbox.append(mail(1))
    graph.plan.extend([("$value", OVERLOADED)] * 4)
    with pytest.raises(UnavailableError, match="overloaded"):
        read(mailbox, cursor)
    mailbox.open()
    assert everything(mailbox, cursor)[0] == postbox.uids()


# several hands


def test_categories_that_an_agent_sets_at_the_same_time_are_kept(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox.append(mail())
    [uid] = postbox.uids()
    mailbox.fetch("INBOX", [uid])
    graph.plan.append(("PATCH", 0.3))  # the agent is faster
    timer = threading.Timer(0.1, postbox.mark, [uid, "complaint"])
    timer.start()
    mailbox.mark("INBOX", [uid], ["fu-heard"])
    timer.join()
    assert postbox.flags(uid) == {"complaint", "fu-heard"}


def test_status_tags_get_colours_once_and_none_without_the_right(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    postbox.append(mail())
    [uid] = postbox.uids()
    mailbox.mark("INBOX", [uid], ["fu-heard", "fu-held"])
    mailbox.mark("INBOX", [uid], ["fu-heard"], ["fu-held"])
    account = graph.accounts[postbox.username]
    assert account.categories == {"fu-heard": "preset7", "fu-held": "preset3"}
    assert sum("POST" in asked for asked in graph.asked) == 2
    assert mailbox.add_categories({"FU-HEARD": "preset1", "complaint": "preset0"}) == ["complaint"]
    assert account.categories["complaint"] == "preset0"
    account.may_colour = False
    with another(postbox) as other:
        assert other.mark("INBOX", [uid], ["fu-fixed"])
    assert postbox.flags(uid) == {"fu-heard", "fu-fixed"}


def test_a_mail_that_only_was_read_is_no_new_mail_for_a_process_that_has_just_begun(
    postbox: GraphPostbox, mailbox: GraphMailbox
) -> None:
    postbox.append(mail(1))
    cursor, _ = mailbox.start("INBOX", "now")
    postbox.mark(postbox.uids()[0], "\\Seen")
    with another(postbox) as later:
        batches, cursor = read(later, cursor)
        assert new_uids(batches) == []
        assert flags(batches) == {postbox.uids()[0]: {"\\Seen"}}
        assert read(later, cursor)[0] == []


def test_a_mail_that_is_moved_in_again_is_reported_again(
    postbox: GraphPostbox, mailbox: GraphMailbox
) -> None:
    mailbox.create_folder("Recovery/Hold")
    cursor, _ = mailbox.start("Recovery/Hold", "all")
    postbox.append(mail())
    [uid] = postbox.uids()
    for _ in range(3):
        postbox.moved(uid, "Recovery/Hold")
        assert not mailbox.is_empty("Recovery/Hold", cursor)
        batches = list(mailbox.changes("Recovery/Hold", cursor))
        cursor = batches[-1].cursor
        assert new_uids(batches) == [uid], "its immutable id, and so its number, stays"
        mailbox.move("Recovery/Hold", uid, "INBOX")
        assert mailbox.is_empty("Recovery/Hold", cursor)


def test_a_draft_is_found_by_its_id_and_by_what_it_answers_and_read_as_it_was_changed(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    raw = mail(7).replace(
        b"Message-ID", b"In-Reply-To: <m1@customers.test>\r\nX-Followupd-Key: k\r\nMessage-ID"
    )
    mailbox.append("Drafts", raw, ["\\Draft"])
    [uid] = mailbox.find("Drafts", "<m7@customers.test>")
    assert mailbox.find("Drafts", "<m1@customers.test>", "In-Reply-To") == [uid]
    assert mailbox.find("Drafts", "<o'neill@customers.test>") == []
    message = postbox.message(uid, "Drafts")
    graph.change(graph.accounts[postbox.username], message, raw=raw + b"And a word more.\r\n")
    [draft] = mailbox.fetch("Drafts", [uid])
    assert draft.raw.endswith(b"And a word more.\r\n")
    assert mailbox.has_letters_of_ours("Drafts", ["fu-heard"])
    assert not mailbox.has_letters_of_ours("INBOX", ["fu-heard"])
    postbox.append(mail(), flags=["fu-heard"])
    assert mailbox.has_letters_of_ours("INBOX", ["fu-heard", "fu-held"])


def test_the_folders_of_another_language_are_found(graph: GraphServer) -> None:
    postbox = graph.account(sent="Gesendete Elemente")
    with another(postbox) as mailbox:
        assert (mailbox.inbox, mailbox.sent) == ("INBOX", "Gesendete Elemente")
        mailbox.create_folder("INBOX/Support")
        assert mailbox.existing(["inbox/support", "Inbox", "Nowhere"]) == ["inbox/support", "Inbox"]


def test_an_old_mailbox_is_read_and_nothing_in_it_changes(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    old = datetime(2026, 3, 10, tzinfo=UTC)
    for day in range(4):
        postbox.put(mail(day), "INBOX", [], old + timedelta(days=day))
    uids = mailbox.examine("INBOX", old + timedelta(days=2))
    assert uids == postbox.uids()[2:]
    assert [found.raw for portion in mailbox.peek("INBOX", uids) for found in portion] == [mail(2), mail(3)]
    with another(postbox) as later:
        assert [found.uid for found in later.fetch("INBOX", uids)] == uids, "a number leads to its mail"
    assert not any(asked.startswith(("POST", "PATCH", "DELETE")) for asked in graph.asked)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"username": "nobody@example.test"}, "no such mailbox"),
        ({"port": 1}, "nothing listens"),
        ({"token": None}, "OAuth"),
        ({"host": "graph.microsoft.com"}, "without TLS"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(
    postbox: GraphPostbox, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnavailableError, match=f"support: .*{words}"):
        another(postbox, **change).open()


def test_an_application_that_may_only_read_is_found_out(
    postbox: GraphPostbox, mailbox: GraphMailbox, graph: GraphServer
) -> None:
    now = datetime.now(UTC)  # noqa: TID251  the clock of the server is this machine's
    assert mailbox.survey(now).keywords == {"INBOX": True, "Sent": True}
    assert postbox.uids("Drafts") == []
    graph.accounts[postbox.username].may_write = False
    assert mailbox.survey(now).keywords == {"INBOX": False, "Sent": False}


def test_the_number_of_a_mail_fits_into_the_ledger_until_the_next_century() -> None:
    for year in (2026, 2099):
        uid = uid_of({"id": "AAkA/=", "receivedDateTime": f"{year}-12-31T23:59:59Z"})
        assert 2**32 < uid < 2**63
