"""What the IMAP door does when a server restarts, changes its UIDs, falls silent, lies or refuses."""

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from followupd.adapters.imap.mailbox import Account, ImapMailbox, SyncCursor
from followupd.errors import UnavailableError
from tests.servers.dovecot import Dovecot
from tests.servers.machine import free_ports
from tests.servers.postbox import Postbox
from tests.servers.scripted_imap import CLOSE, MUTE, PAUSE, ScriptedImap

MAIL = b"From: kim@customers.test\r\nSubject: lost parcel\r\nMessage-ID: <m1@customers.test>\r\n\r\nWhere is it?\r\n"
SECRET = "hunter2-of-support"
LONG = 100_000  # bytes; large enough to be read by its structure


def account_of(postbox: Postbox) -> Account:
    return Account(
        name="support",
        host=postbox.host,
        port=postbox.port,
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
        timeout=20,
    )


def scripted_account(peer: ScriptedImap, *, security: str = "none", timeout: float = 5.0) -> Account:
    return Account(
        name="support",
        host="127.0.0.1",
        port=peer.port,
        security=security,
        username="support",
        password=lambda: SECRET,
        timeout=timeout,
    )


def never() -> bool:
    return False


# what really happens to servers


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[ImapMailbox]:
    with ImapMailbox(account_of(dovecot.account())) as mailbox:
        yield mailbox


def test_after_a_uidvalidity_change_all_is_read_anew_but_old_mail_stays_passed_over(dovecot: Dovecot) -> None:
    postbox = dovecot.account()
    with postbox.client() as client:
        client.append("INBOX", MAIL, (), datetime(2020, 1, 1, tzinfo=UTC))
        client.append("INBOX", MAIL, (), datetime(2026, 11, 1, tzinfo=UTC))
    with ImapMailbox(account_of(postbox)) as mailbox:
        cursor, _ = mailbox.start("INBOX", "now")
    dovecot.doveadm("mailbox", "update", "--uid-validity", "4242", "-u", postbox.username, "INBOX")
    with ImapMailbox(account_of(postbox)) as mailbox:
        since = datetime(2026, 1, 1, tzinfo=UTC)
        everything = list(mailbox.changes("INBOX", cursor))
        recent = list(mailbox.changes("INBOX", cursor, since=since))
        assert [mail.uid for batch in everything for mail in batch.new] == postbox.uids()
        assert [mail.uid for batch in recent for mail in batch.new] == postbox.uids()[1:]
        assert all(batch.reset for batch in (*everything, *recent))
        assert everything[-1].cursor == recent[-1].cursor
        assert everything[-1].cursor.uidvalidity == 4242
        assert list(mailbox.changes("INBOX", recent[-1].cursor)) == []


def test_a_server_that_restarts_while_we_wait_is_an_outage_and_nothing_is_lost(own_dovecot: Dovecot) -> None:
    postbox = own_dovecot.account()
    with ImapMailbox(account_of(postbox)) as mailbox:
        cursor, _ = mailbox.start("INBOX", "now")
        stop = threading.Timer(0.3, own_dovecot.stop)
        stop.start()
        with pytest.raises(UnavailableError):
            mailbox.wait("INBOX", 20, never)
        stop.join()
        with pytest.raises(UnavailableError, match="nothing listens"):
            mailbox.open()
        with pytest.raises(UnavailableError, match="no connection"):
            list(mailbox.changes("INBOX", cursor))
        own_dovecot.start()
        postbox.append(MAIL)
        mailbox.open()
        assert [mail.raw for batch in mailbox.changes("INBOX", cursor) for mail in batch.new] == [MAIL]


def test_a_server_that_says_bye_while_we_wait_is_an_outage(dovecot: Dovecot) -> None:
    postbox = dovecot.account()
    with ImapMailbox(account_of(postbox)) as mailbox:
        mailbox.start("INBOX", "now")
        kick = threading.Timer(0.3, dovecot.doveadm, ("kick", postbox.username))
        kick.start()
        with pytest.raises(UnavailableError, match="ended"):
            mailbox.wait("INBOX", 20, never)
        kick.join()


def test_starttls_is_spoken(dovecot: Dovecot) -> None:
    postbox = dovecot.account()
    account = Account(
        name="support",
        host=postbox.host,
        port=postbox.starttls_port,
        security="starttls",
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
    )
    postbox.append(MAIL)
    with ImapMailbox(account) as mailbox:
        assert [mail.raw for mail in mailbox.fetch("INBOX", [1])] == [MAIL]


def test_failures_to_log_in_are_told_in_plain_words_without_the_password(dovecot: Dovecot) -> None:
    postbox = dovecot.account()
    (nobody,) = free_ports(1)
    mistakes: Mapping[str, Mapping[str, object]] = {
        r"login of .* was refused: (?!b['\"])": {"password": lambda: SECRET},
        "not trusted": {"ca_file": ""},
        "CA file .*nowhere.pem": {"ca_file": "/nowhere.pem"},
        "nothing listens": {"port": nobody},
        "is not known": {"host": "imap.nowhere.invalid"},
        "TLS with .* failed": {"port": postbox.starttls_port},
        "without TLS": {"host": "192.0.2.1", "security": "none"},
    }
    right = {name: getattr(account_of(postbox), name) for name in Account.__dataclass_fields__}
    for words, mistake in mistakes.items():
        account = Account(**{**right, **mistake})
        with pytest.raises(UnavailableError, match=words) as outage:
            ImapMailbox(account).open()
        assert SECRET not in str(outage.value) + repr(outage.value) + repr(account)


# what a peer says, by a script


def test_a_mute_server_is_an_outage_after_the_timeout() -> None:
    with ScriptedImap({"NOOP": MUTE}) as peer, ImapMailbox(scripted_account(peer, timeout=0.3)) as mailbox:
        mailbox.start("INBOX", "now")
        with pytest.raises(UnavailableError, match="did not answer within"):
            mailbox.wait("INBOX", 20, never)


def test_a_server_that_never_greets_is_an_outage() -> None:
    with ScriptedImap({}, greeting=MUTE) as peer, pytest.raises(UnavailableError, match="did not answer"):
        ImapMailbox(scripted_account(peer, timeout=0.3)).open()


@pytest.mark.parametrize("answer", [CLOSE, b"* BYE shutting down\r\n", b"* 1 EXI" + CLOSE])
def test_a_line_that_dies_in_idle_is_an_outage_and_no_busy_loop(answer: bytes) -> None:
    with (
        ScriptedImap({"IDLE": answer}, capabilities="IDLE") as peer,
        ImapMailbox(scripted_account(peer, timeout=0.3)) as mailbox,
    ):
        mailbox.start("INBOX", "now")
        with pytest.raises(UnavailableError):
            mailbox.wait("INBOX", 20, never)
        assert peer.commands.count("IDLE") == 1


@pytest.mark.parametrize("answer", [b"* 2 EXISTS\r\n", b"* OK Still here\r\n* 2 EXI" + PAUSE + b"STS\r\n"])
def test_news_that_comes_with_the_start_of_idle_or_in_two_halves_is_heard(answer: bytes) -> None:
    with (
        ScriptedImap({"IDLE": answer}, capabilities="IDLE") as peer,
        ImapMailbox(scripted_account(peer)) as mailbox,
    ):
        mailbox.start("INBOX", "now")
        assert mailbox.wait("INBOX", 20, never)


def test_starttls_that_was_stripped_sends_no_password() -> None:
    with ScriptedImap({}) as peer:
        with pytest.raises(UnavailableError, match="STARTTLS"):
            ImapMailbox(scripted_account(peer, security="starttls")).open()
        assert not [command for command in peer.commands if "LOGIN" in command or "AUTH" in command]


def test_a_password_beyond_ascii_goes_by_authenticate() -> None:
    with ScriptedImap({}, capabilities="AUTH=PLAIN") as peer:
        account = Account(
            name="s",
            host="127.0.0.1",
            port=peer.port,
            security="none",
            username="support",
            password=lambda: "größe",
        )
        with ImapMailbox(account):
            assert base64.b64encode("\0support\0größe".encode()).decode() in peer.commands


@pytest.mark.parametrize(
    ("mechanism", "begins"), [("XOAUTH2", "user=support\1"), ("OAUTHBEARER", "n,a=support,\1")]
)
def test_a_token_takes_the_place_of_the_password(mechanism: str, begins: str) -> None:
    with ScriptedImap({}, capabilities=f"AUTH={mechanism}") as peer:
        account = Account(
            name="s",
            host="127.0.0.1",
            port=peer.port,
            security="none",
            username="support",
            password=lambda: SECRET,
            token=lambda: "ya29.token",
        )
        with ImapMailbox(account):
            said = [command for command in peer.commands if command.startswith("AUTHENTICATE")]
            sent = base64.b64decode(peer.commands[peer.commands.index(said[0]) + 1]).decode()
            assert said == [f"AUTHENTICATE {mechanism}"]
            assert sent.startswith(begins)
            assert "auth=Bearer ya29.token" in sent
            assert SECRET not in " ".join(peer.commands)


def test_a_folder_that_keeps_no_keywords_is_left_alone() -> None:
    selected = b"* 1 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen)] no keywords\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 2] .\r\n"
    with ScriptedImap({"SELECT": selected}) as peer, ImapMailbox(scripted_account(peer)) as mailbox:
        assert not mailbox.permits_keywords("INBOX")
        assert not mailbox.mark("INBOX", [1], ["fu-heard"])
        assert not [command for command in peer.commands if "STORE" in command]


def test_a_read_only_folder_is_read_and_not_marked() -> None:
    script = {
        "SELECT": ScriptedImap({}).script["SELECT"] + b"* OK [READ-ONLY] look\r\n",
        "UID SEARCH": b"* SEARCH 1\r\n",
    }
    script["EXAMINE"] = script["SELECT"]
    with ScriptedImap(script) as peer, ImapMailbox(scripted_account(peer)) as mailbox:
        assert mailbox.start("INBOX", "now") == (SyncCursor(7, 1), 1)
        assert not mailbox.mark("INBOX", [1], ["fu-heard"])


def test_a_keyword_too_many_is_refused_and_said(dovecot: Dovecot) -> None:
    with (
        ScriptedImap({"UID STORE": b"NO Too many user flags"}) as peer,
        ImapMailbox(scripted_account(peer)) as mailbox,
    ):
        assert not mailbox.mark("INBOX", [1], ["fu-heard"])
        assert mailbox.permits_keywords("INBOX")


def test_without_uidplus_nothing_is_expunged() -> None:
    with ScriptedImap({}) as peer, ImapMailbox(scripted_account(peer)) as mailbox:
        mailbox.move("INBOX", 1, "Archive")
        assert "UID STORE 1 +FLAGS.SILENT (\\Deleted)" in peer.commands
        assert not [command for command in peer.commands if "EXPUNGE" in command]


ABOUT = b'* 1 FETCH (UID 1 FLAGS (a[b \\Seen) INTERNALDATE "17-Jul-2026 02:44:25 +0200" RFC822.SIZE %d)\r\n'
FIRST_MEGABYTE = b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%s)\r\n" % (len(MAIL), MAIL)


@pytest.mark.parametrize(
    "structure",
    [
        b"NO it is broken",
        b"* 1 FETCH (UID 1 BODYSTRUCTURE NIL)\r\n",
        b'* 1 FETCH (UID 1 BODYSTRUCTURE ("text" "plain"\r\n',
        b'* 1 FETCH (UID 1 BODYSTRUCTURE (("text" "plain" NIL NIL NIL "7bit" 9 1) "mixed"))\r\n',
        b'* 1 FETCH (UID 1 BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 9 1))\r\n',
        b"* 1 FETCH (UID 1 BODYSTRUCTURE " + b"(" * 300 + b")" * 300 + b")\r\n",
    ],
)
def test_a_mail_with_a_wrong_structure_is_read_by_its_first_megabyte(structure: bytes) -> None:
    script = {
        "UID FETCH 1 (FLAGS": ABOUT % LONG,
        "UID FETCH 1 (BODYSTRUCTURE": structure,
        "UID FETCH 1 (BODY.PEEK[HEADER]": b'* 1 FETCH (UID 1 BODY[HEADER]<0> "Subject: x" BODY[1]<0> "words")\r\n',
        "UID FETCH 1 (BODY.PEEK[]": FIRST_MEGABYTE,
        "UID SEARCH UID 1": b"* SEARCH 1\r\n",
    }
    with ScriptedImap(script) as peer, ImapMailbox(scripted_account(peer)) as mailbox:
        (fetched,) = mailbox.fetch("INBOX", [1])
        assert fetched.raw == MAIL
        assert fetched.flags == {"a[b", "\\Seen"}
        assert fetched.received_at == datetime(2026, 7, 17, 0, 44, 25, tzinfo=UTC)


def test_a_mail_that_the_server_cannot_show_is_not_taken_for_gone() -> None:
    script = {"UID FETCH 1 (BODY.PEEK[]": b"NO [SERVERBUG] ouch", "UID FETCH 1 (FLAGS": ABOUT % 500}
    script["UID SEARCH UID 1"] = b"* SEARCH 1\r\n"
    with ScriptedImap(script) as peer, ImapMailbox(scripted_account(peer)) as mailbox:
        (fetched,) = mailbox.fetch("INBOX", [1])
        assert (fetched.raw, fetched.size) == (b"", 500)


def test_gmails_labels_are_tags() -> None:
    labelled = (
        b'* 1 FETCH (UID 1 FLAGS () X-GM-LABELS ("\\\\Inbox" complaint "f&AOQ-llig am 3") RFC822.SIZE 9)\r\n'
    )
    script = {"UID FETCH 1 (FLAGS": labelled, "UID FETCH 1 (BODY.PEEK[]": FIRST_MEGABYTE}
    with (
        ScriptedImap(script, capabilities="X-GM-EXT-1") as peer,
        ImapMailbox(scripted_account(peer)) as mailbox,
    ):
        (fetched,) = mailbox.fetch("INBOX", [1])
        assert fetched.labels == {"\\Inbox", "complaint", "fällig am 3"}
        assert mailbox.mark("INBOX", [1], ["fu-heard"])
        assert "UID STORE 1 +X-GM-LABELS.SILENT (fu-heard)" in peer.commands


def test_folders_are_written_as_the_server_writes_them() -> None:
    script = {
        "NAMESPACE": b'* NAMESPACE (("INBOX." ".")) NIL NIL\r\n',
        "LIST": b'* LIST () "." INBOX\r\n* LIST () "." "INBOX.Gesendete Objekte"\r\n* LIST () "." "INBOX.Entw&APw-rfe"\r\n'
        b'* LIST () "." "INBOX.R&D"\r\n* LIST () NIL 2026\r\n',
    }
    with (
        ScriptedImap(script, capabilities="NAMESPACE") as peer,
        ImapMailbox(scripted_account(peer)) as mailbox,
    ):
        assert (mailbox.sent, mailbox.drafts) == ("INBOX.Gesendete Objekte", "INBOX.Entwürfe")
        assert len(mailbox.existing(["Gesendete Objekte", "2026", "inbox"])) == 3
        assert not mailbox.existing(["Recovery"])
        mailbox.create_folder("Recovery/Fixed")
        assert 'CREATE "INBOX.Recovery.Fixed"' in peer.commands


def test_one_changed_tag_is_found_by_one_small_exchange(dovecot: Dovecot) -> None:
    selected = ScriptedImap({}).script["SELECT"] + b"* OK [HIGHESTMODSEQ 90] .\r\n"
    script = {
        "SELECT": re.sub(rb"UIDNEXT \d+", b"UIDNEXT 100001", selected),
        "UID SEARCH OR": b"* SEARCH 5 (MODSEQ 91)\r\n",
        "UID FETCH 5": b"* 5 FETCH (UID 5 FLAGS (complaint) MODSEQ (91))\r\n",
    }
    with (
        ScriptedImap(script, capabilities="CONDSTORE") as peer,
        ImapMailbox(scripted_account(peer)) as mailbox,
    ):
        (batch, last) = mailbox.changes("INBOX", SyncCursor(7, 100_000, 90))
        assert batch.flags == {5: {"complaint"}}
        assert last.cursor == SyncCursor(7, 100_000, 91)
        asked = peer.commands[peer.commands.index('SELECT "INBOX"') + 1 :]
        assert asked == ["UID SEARCH OR UID 100001:4294967295 MODSEQ 91", "UID FETCH 5 (FLAGS)"]
