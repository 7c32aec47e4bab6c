"""From a real mailbox into the ledger, whatever happens to the server, the folder or the mail on the way."""

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
import trustme

from followupd import clock
from followupd.adapters.crypto import Vault
from followupd.adapters.imap.mailbox import Account, ImapMailbox
from followupd.adapters.settings.tags import DEFAULT_TAGS
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.keys import StateKey
from followupd.domain.mail import Identity, MailState
from followupd.errors import UnavailableError
from followupd.services.inbox.sync import Folder, FolderRole, InboxSync
from followupd.text.mail.read import read
from tests.journeys.service import Service, ends
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, until
from tests.servers.manager import Manager
from tests.servers.postbox import Postbox
from tests.servers.smtp import Sink

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
INBOX = Folder("support", "INBOX", FolderRole.INBOX, since="all")
COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
#: a mail whose fetch kills the connection
POISON = b"poison"


def mail(number: int, body: str = "Where is my parcel?") -> bytes:
    head = f"From: kim@customers.test\r\nTo: support@example.test\r\nSubject: mail {number}\r\n"
    return f"{head}Message-ID: <{number}@customers.test>\r\n\r\n{body}\r\n".encode()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path}/ledger.db", Vault([b"k" * 32]))
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def intake(ledger: Ledger) -> InboxSync:
    identity = Identity(addresses=frozenset({"support@example.test"}))
    return InboxSync(ledger, lambda _: identity, DEFAULT_TAGS, drafts=None, read=read)


def account_of(postbox: Postbox, *, port: int = 0) -> Account:
    return Account(
        name="support",
        host="localhost",
        port=port or postbox.starttls_port,
        security="none" if port else "starttls",
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
        timeout=120,
    )


def sync(intake: InboxSync, account: Account, folder: Folder = INBOX, now: datetime = NOW) -> int:
    with ImapMailbox(account) as mailbox:
        return intake.sync(mailbox, folder, now)


def subjects(ledger: Ledger) -> list[str]:
    with ledger.transaction() as tx:
        return [kept.message.subject for kept in tx.mail.unprocessed()]


def lines(ledger: Ledger) -> list[str]:
    with ledger.transaction() as tx:
        return [remark.line for remark in tx.mail.pending_commands()]


SERVERS = ["dovecot", "degraded_dovecot", "cyrus", "courier"]


@pytest.fixture(params=SERVERS)
def postbox(request: pytest.FixtureRequest) -> Postbox:
    server: Dovecot | Cyrus = request.getfixturevalue(request.param)
    return server.account()


def test_each_mail_and_each_tag_is_heard_once(postbox: Postbox, intake: InboxSync, ledger: Ledger) -> None:
    for number in (1, 2, 3):
        postbox.append(mail(number))
    assert sync(intake, account_of(postbox)) == 3
    postbox.mark(2, "complaint", "refund-25")
    assert sync(intake, account_of(postbox)) == 0
    assert sync(intake, account_of(postbox)) == 0
    assert subjects(ledger) == ["mail 1", "mail 2", "mail 3"]
    assert lines(ledger) == ["complaint", "refund: 25"]


def test_a_tag_made_in_thunderbird_means_what_its_name_says(
    postbox: Postbox, intake: InboxSync, ledger: Ledger
) -> None:
    postbox.append(mail(1), flags=["not=20complaint", "refund=2025=20eur"])
    sync(intake, account_of(postbox))
    assert lines(ledger) == ["dismiss", "refund: 25-eur"]


def test_a_first_reading_of_many_mails_tells_how_far_it_is(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    postbox.deliver_all([(mail(number), "kim@customers.test") for number in range(1010)])
    told: list[tuple[int, int]] = []
    telling = replace(intake, progress=lambda done, all_mails: told.append((done, all_mails)))
    assert sync(telling, account_of(postbox)) == 1010
    assert told == [(500, 1010), (1000, 1010), (1010, 1010)]
    postbox.append(mail(2000))
    assert sync(telling, account_of(postbox)) == 1
    assert len(told) == 3  # one mail is no work to be watched


# quarantine


def deep(levels: int) -> bytes:
    head = b"From: kim@customers.test\r\nSubject: deep\r\nMIME-Version: 1.0\r\n"
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(levels)
    )
    return head + parts + b"Content-Type: text/plain\r\n\r\nwords\r\n"


def test_the_agent_sees_fu_quarantine_on_a_mail_that_nobody_can_read(
    postbox: Postbox, intake: InboxSync, ledger: Ledger
) -> None:
    postbox.append(deep(60))
    postbox.append(mail(2))
    sync(intake, account_of(postbox))
    assert subjects(ledger) == ["mail 2"]
    with ledger.transaction() as tx:
        [kept] = tx.mail.quarantined()
    assert "nested" in kept.reason
    assert "fu-quarantine" in {flag.lower() for flag in postbox.flags(1)}
    assert "fu-quarantine" not in postbox.flags(2)


class Breaking:
    """Passes all on to a server, and closes the line whenever a mail with POISON comes by, or a command with `client`."""

    def __init__(self, port: int, *, client: bytes = b"") -> None:
        self.target, self.drops, self.ended = port, 0, False
        self.client = client
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self._serve, daemon=True)

    @contextmanager
    def running(self) -> Iterator["Breaking"]:
        self.thread.start()
        try:
            yield self
        finally:
            self.ended = True
            self.listener.close()

    def _serve(self) -> None:
        while not self.ended:
            with suppress(OSError):
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        seen = b""
        with suppress(OSError):
            while data := source.recv(65536):
                seen = (seen + data)[-70_000:]
                served = source.getpeername()[1] == self.target
                if (POISON in seen) if served else (self.client and self.client in seen):
                    self.drops += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_a_mail_that_kills_the_connection_is_set_aside_and_those_behind_it_come_in(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    for number in (1, 2, 3):
        postbox.append(mail(number, POISON.decode() if number == 2 else "words"))
    outages = 0
    with Breaking(postbox.starttls_port).running() as breaking:
        for _ in range(10):
            with suppress(UnavailableError):
                sync(intake, account_of(postbox, port=breaking.port))
                break
            outages += 1
        assert outages == breaking.drops == 4  # once among others, three times alone
        assert sync(intake, account_of(postbox, port=breaking.port)) == 0
        postbox.append(mail(4))
        assert sync(intake, account_of(postbox, port=breaking.port)) == 1
    assert subjects(ledger) == ["mail 1", "mail 3", "mail 4"]
    with ledger.transaction() as tx:
        [kept] = tx.mail.quarantined()
        assert tx.mail.count(MailState.QUARANTINED) == 1
    assert "ended the connection 3 times" in kept.reason
    assert "fu-quarantine" in postbox.flags(2)


def test_a_server_that_fails_now_and_then_costs_no_mail(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    postbox.append(mail(1, POISON.decode()))
    with Breaking(postbox.starttls_port).running() as breaking:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                sync(intake, account_of(postbox, port=breaking.port))
    assert sync(intake, account_of(postbox)) == 1
    with Breaking(postbox.starttls_port).running() as breaking:
        postbox.append(mail(2, POISON.decode()))
        with pytest.raises(UnavailableError):
            sync(intake, account_of(postbox, port=breaking.port))
    assert sync(intake, account_of(postbox)) == 1
    assert subjects(ledger) == ["mail 1", "mail 2"]


# changes that a server does not bear


def test_a_change_that_kills_the_connection_is_given_up_and_mails_come_in_meanwhile(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    postbox.append(deep(60))
    with Breaking(postbox.starttls_port, client=b" STORE ").running() as breaking:
        outages = 0
        for number in range(2, 8):
            postbox.append(mail(number))
            try:
                sync(intake, account_of(postbox, port=breaking.port))
            except UnavailableError:
                outages += 1
        assert outages == breaking.drops == 3
    assert subjects(ledger) == [f"mail {number}" for number in range(2, 8)]
    assert not any(flag.lower() == "fu-quarantine" for flag in postbox.flags(1))


def test_after_a_pause_other_mails_are_marked_again(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    postbox.append(deep(60))
    with Breaking(postbox.starttls_port, client=b" STORE ").running() as breaking:
        for _ in range(3):
            with pytest.raises(UnavailableError):
                sync(intake, account_of(postbox, port=breaking.port))
    postbox.append(deep(70))
    sync(intake, account_of(postbox), now=NOW + timedelta(minutes=5))
    assert not {flag.lower() for flag in postbox.flags(2)} & {"fu-quarantine"}
    sync(intake, account_of(postbox), now=NOW + timedelta(hours=2))
    assert "fu-quarantine" in {flag.lower() for flag in postbox.flags(2)}


def test_a_copy_that_the_server_does_not_let_us_file_stops_nothing(
    cyrus: Cyrus, intake: InboxSync, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    postbox = cyrus.account()
    copy = mail(1).replace(b"<1@customers.test>", b"<ours@example.test>")
    postbox.append(copy)
    ours = Identity(
        addresses=frozenset({"support@example.test"}),
        letter_key=lambda one: "key" * (one == "<ours@example.test>"),
    )
    intake = replace(intake, identity=lambda _: ours)
    with postbox.client() as client:
        client.setacl("INBOX", postbox.username, "lrswia")  # no right to take mails away
    sync(intake, account_of(postbox))
    with ledger.transaction() as tx:
        [kept] = tx.mail.unprocessed()
        tx.mail.mark_processed(kept.id)
    for number in (2, 3):
        postbox.append(mail(number))
        assert sync(intake, account_of(postbox)) == 1
    assert len([line for line in caplog.messages if "cannot be moved" in line]) == 1
    assert 1 in postbox.uids()


# folders


def test_after_a_uidvalidity_change_nothing_is_heard_twice_and_old_mail_stays_passed_over(
    dovecot: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = dovecot.account()
    postbox.append(mail(1))
    inbox = Folder("support", "INBOX", FolderRole.INBOX, since="now")
    sync(intake, account_of(postbox), inbox, clock.now() + timedelta(seconds=1))
    until_next_second()
    postbox.append(mail(2), flags=["complaint"])
    sync(intake, account_of(postbox), inbox)
    dovecot.doveadm("mailbox", "update", "--uid-validity", "4242", "-u", postbox.username, "INBOX")
    sync(intake, account_of(postbox), inbox)
    assert subjects(ledger) == ["mail 2"]
    assert lines(ledger) == ["complaint"]
    postbox.mark(2, "hold")
    postbox.append(mail(3))
    sync(intake, account_of(postbox), inbox)
    assert (subjects(ledger), lines(ledger)) == (["mail 2", "mail 3"], ["complaint", "hold"])


def until_next_second() -> None:
    """INTERNALDATE counts whole seconds."""
    begin = clock.now()
    until(lambda: clock.now() >= begin + timedelta(seconds=2.1), "the next second")


def test_a_folder_that_may_only_be_read_is_read_and_left_alone(
    cyrus: Cyrus, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = cyrus.account()
    postbox.append(deep(60))
    postbox.append(mail(2))
    with postbox.client() as client:
        client.setacl("INBOX", postbox.username, "lra")
    assert sync(intake, account_of(postbox)) == 2
    assert sync(intake, account_of(postbox)) == 0
    assert subjects(ledger) == ["mail 2"]
    assert not {flag for flag in postbox.flags(1) if flag.startswith("fu-")}


# the daemon as a process


@pytest.fixture
def manager() -> Iterator[Manager]:
    with Manager() as manager:
        yield manager


def test_a_server_that_restarts_while_the_daemon_listens_costs_nothing(
    tmp_path: Path, own_dovecot: Dovecot, smtp: Sink, manager: Manager
) -> None:
    service = Service.made(tmp_path / "etc", own_dovecot.account("support"), smtp, manager)
    with service.ready() as process:
        own_dovecot.stop()
        service.waits_for("unavailable what=")
        own_dovecot.start()
        service.customer_writes(COMPLAINT)
        service.waits_for("messages-stored mailbox=support folder=INBOX count=1", 60)
        service.waits_for('recovered what="support inbox"')
        assert ends(process, signal.SIGTERM, LIMIT) == 0
    told = [line for line in service.journal().splitlines() if "support inbox" in line]
    assert len([line for line in told if "unavailable" in line]) == 1
    assert len([line for line in told if "recovered" in line]) == 1


def test_a_command_folder_that_is_deleted_while_the_daemon_listens_stops_no_other(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink, manager: Manager
) -> None:
    postbox = dovecot.account("support")
    with postbox.client() as client:
        client.create_folder("Recovery/Complaint")
    service = Service.made(tmp_path / "etc", postbox, smtp, manager)
    with service.ready():
        service.waits_for("folder-opened mailbox=support folder=Recovery/Complaint")
        with postbox.client() as client:
            client.delete_folder("Recovery/Complaint")
        for number in (1, 2, 3):
            postbox.deliver(mail(number))
            comes_in(service, number)
        until(lambda: connected(service), "status says connected")
    assert "unavailable" not in service.journal()


def test_a_command_folder_that_is_made_while_the_daemon_listens_is_heeded(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink, manager: Manager
) -> None:
    postbox = dovecot.account("support")
    service = Service.made(tmp_path / "etc", postbox, smtp, manager)
    with service.ready():
        postbox.deliver(mail(1))
        comes_in(service, 1)
        with postbox.client() as client:
            client.create_folder("Recovery/Complaint")
            client.select_folder("INBOX")
            client.move(client.search(), "Recovery/Complaint")
        service.waits_for(r"command-executed case=\S+ command=complaint source=folder", 40)


def comes_in(service: Service, number: int) -> None:
    """Wait until so many mails are in the ledger."""
    until(
        lambda: service.journal().count("messages-stored mailbox=support folder=INBOX count=1") >= number,
        f"mail {number}",
        40,
    )


def connected(service: Service) -> bool:
    service.manager.so_far()  # a manager that does not listen slows the daemon down
    return bool(service.ask("status")["mailboxes"][0]["connected"])


# a mailbox that is put back from a backup


@pytest.fixture(scope="module")
def maildir(authority: trustme.CA) -> Iterator[Dovecot]:
    """A server that can be put back: all of a mailbox is in one directory."""
    with Dovecot(authority, storage="maildir") as running:
        yield running


@contextmanager
def put_back_later(server: Dovecot, postbox: Postbox) -> Iterator[None]:
    """Copy the mailbox, and put the copy in its place at the end, as an admin does with a snapshot."""
    home, copy = server.directory / "home" / postbox.username, server.directory / f"{postbox.username}.copy"
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)
    yield
    server.stop()
    shutil.rmtree(home)
    subprocess.run(["mv", str(copy), str(home)], check=True)
    server.start()


#: mails before the backup, those that it lost, and those that came after it was put back
PUT_BACK = [(1, 5, 3), (1, 3, 3), (1, 2, 6), (3, 1, 1), (0, 4, 2)]


@pytest.mark.parametrize(("before", "lost", "after"), PUT_BACK)
@pytest.mark.parametrize("role", [FolderRole.INBOX, FolderRole.SENT, FolderRole.COMMAND])
def test_no_mail_is_forgotten_when_a_mailbox_is_put_back_from_a_backup(
    maildir: Dovecot, intake: InboxSync, ledger: Ledger, role: FolderRole, before: int, lost: int, after: int
) -> None:
    postbox = maildir.account()
    name = {FolderRole.INBOX: "INBOX", FolderRole.SENT: "Sent", FolderRole.COMMAND: "Recovery"}[role]
    folder = Folder("support", name, role, "complaint", since="all")
    with postbox.client() as client:
        if name not in {each[2] for each in client.list_folders()}:
            client.create_folder(name)
    numbers = iter(range(1, 30))
    for number in islice(numbers, before):
        postbox.append(mail(number), folder=name)
    sync(intake, account_of(postbox), folder)
    with put_back_later(maildir, postbox):
        for number in islice(numbers, lost):
            postbox.append(mail(number), folder=name)
        sync(intake, account_of(postbox), folder)
    # INTERNALDATE has whole seconds, and nobody puts a backup back within one
    second = clock.now().replace(microsecond=0)
    until(lambda: clock.now().replace(microsecond=0) > second, "the next second")
    for number in islice(numbers, after):
        postbox.append(mail(number), folder=name)
    sync(intake, account_of(postbox), folder)
    sync(intake, account_of(postbox), folder)
    assert sorted(subjects(ledger)) == sorted(
        f"mail {number}" for number in range(1, before + lost + after + 1)
    )
    if role is FolderRole.COMMAND:
        assert lines(ledger) == ["complaint"] * (before + lost + after)
    with ledger.transaction() as tx:
        told = tx.state.get(StateKey.PUT_BACK.of("support"))
    assert told is not None
    assert told[0] == name


def test_a_folder_that_only_grows_or_shrinks_was_not_put_back(
    maildir: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = maildir.account()
    for number in (1, 2, 3):
        postbox.append(mail(number))
        sync(intake, account_of(postbox))
    with postbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2, 3])
        client.expunge()
    for number in (4, 5):
        sync(intake, account_of(postbox))
        postbox.append(mail(number))
        sync(intake, account_of(postbox))
    with ledger.transaction() as tx:
        assert tx.state.get(StateKey.PUT_BACK.of("support")) is None


def test_a_mail_that_comes_again_at_another_time_puts_no_folder_back(
    maildir: Dovecot, intake: InboxSync, ledger: Ledger
) -> None:
    postbox = maildir.account()
    with postbox.client() as client:
        for minute in (1, 2):
            client.append("INBOX", mail(1), (), datetime(2020, 12, 1, 10, minute, tzinfo=UTC))
    assert sync(intake, account_of(postbox)) == 2
    assert sync(intake, account_of(postbox)) == 0
    with ledger.transaction() as tx:
        assert tx.state.get(StateKey.PUT_BACK.of("support")) is None
