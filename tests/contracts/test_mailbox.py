"""What the doors promise: that of IMAP on Dovecot, on a Dovecot without extensions, on Cyrus and on Courier, and that of Graph."""

import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP

import pytest
from imapclient.exceptions import IMAPClientError

from followupd.adapters.graph.mailbox import GraphMailbox
from followupd.adapters.imap.mailbox import Account, FolderChanges, ImapMailbox, SyncCursor
from followupd.clock import now
from followupd.domain.mail import Identity
from followupd.errors import UnavailableError
from followupd.text.mail import read as listen
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.graph import GraphPostbox, GraphServer
from tests.servers.postbox import Postbox

Door = ImapMailbox | GraphMailbox
PATIENCE = 180.0  # seconds; only reached when something is broken


def mail(number: int = 1, *, subject: str = "lost parcel") -> bytes:
    return (
        f"From: kim@customers.test\r\nTo: support@example.test\r\nSubject: {subject}\r\n"
        f"Message-ID: <m{number}@customers.test>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\n\r\nWhere is parcel {number}?\r\n"
    ).encode()


def large_mail() -> bytes:
    attachment = b"QUFB" * 18 + b"\r\n"
    return b"\r\n".join(
        (
            b"From: kim@customers.test",
            b"Subject: broken on arrival",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="outer (1)"',
            b"",
            b"preamble",
            b"--outer (1)",
            b"Content-Type: multipart/alternative; boundary=inner",
            b"",
            b"--inner",
            b"Content-Type: text/plain; charset=utf-8",
            b"",
            "Es ist zerbrochen, größtenteils.".encode(),
            b"--inner",
            b"Content-Type: text/html; charset=utf-8",
            b"",
            b"<p>Es ist zerbrochen</p>",
            b"--inner--",
            b"--outer (1)",
            b"Content-Type: image/jpeg; name=photo.jpg",
            b"Content-Disposition: attachment; filename=photo.jpg",
            b"Content-Transfer-Encoding: base64",
            b"",
            attachment * 3000,
            b"--outer (1)",
            b"Content-Type: message/rfc822",
            b"",
            b"From: support@example.test",
            b"Message-ID: <order@example.test>",
            b"",
            b"words of the order",
            b"--outer (1)--",
            b"",
        )
    )


def account_of(postbox: Postbox, *, timeout: float = PATIENCE) -> Account:
    return Account(
        name="support",
        host=postbox.host,
        port=postbox.port,
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
        timeout=timeout,
    )


@pytest.fixture(params=["dovecot", "degraded_dovecot", "cyrus", "courier", "graph"])
def postbox(request: pytest.FixtureRequest) -> Postbox:
    server: Dovecot | Cyrus | Courier | GraphServer = request.getfixturevalue(request.param)
    return server.account()


def door_to(postbox: Postbox) -> Door:
    """Return the door that a server needs, not open yet."""
    if isinstance(postbox, GraphPostbox):
        return GraphMailbox(graph_account(postbox), poll_seconds=0.2)
    return ImapMailbox(account_of(postbox), noop_seconds=0.2)


def graph_account(postbox: Postbox) -> Account:
    return replace(account_of(postbox), security="none", token=lambda _refused: postbox.password)


@pytest.fixture
def mailbox(postbox: Postbox) -> Iterator[Door]:
    with door_to(postbox) as mailbox:
        yield mailbox


def read(mailbox: Door, cursor: SyncCursor, **look: object) -> tuple[list[FolderChanges], SyncCursor]:
    batches = list(mailbox.changes("INBOX", cursor, **look))  # type: ignore[arg-type]  # handed through
    return batches, batches[-1].cursor if batches else cursor


def new_uids(batches: list[FolderChanges]) -> list[int]:
    return [mail.uid for batch in batches for mail in batch.new]


def flags(batches: list[FolderChanges]) -> dict[int, frozenset[str]]:
    return {uid: flags for batch in batches for uid, flags in batch.flags.items()}


def test_each_new_mail_comes_once_and_in_order(postbox: Postbox, mailbox: Door) -> None:
    cursor, _ = mailbox.start("INBOX", "now")
    for number in range(3):
        postbox.append(mail(number))
    batches, cursor = read(mailbox, cursor)
    assert new_uids(batches) == postbox.uids()
    assert [part.raw for batch in batches for part in batch.new] == [mail(number) for number in range(3)]
    assert read(mailbox, cursor) == ([], cursor)


def test_a_mail_comes_with_its_keywords_time_and_size(postbox: Postbox, mailbox: Door) -> None:
    arrived = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    with postbox.client() as client:
        client.append("INBOX", mail(), ["complaint", "\\Flagged"], arrived)
    (fetched,) = mailbox.fetch("INBOX", postbox.uids())
    assert (fetched.flags, fetched.received_at, fetched.size) == (
        frozenset({"complaint", "\\Flagged"}),
        arrived,
        len(mail()),
    )


def test_an_old_mailbox_is_passed_over(postbox: Postbox, mailbox: Door) -> None:
    for number in range(4):
        postbox.append(mail(number))
    cursor, passed_over = mailbox.start("INBOX", "now")
    assert passed_over == 4
    assert new_uids(read(mailbox, cursor)[0]) == []


def test_all_old_mails_are_read_when_the_admin_says_so(postbox: Postbox, mailbox: Door) -> None:
    for number in range(4):
        postbox.append(mail(number))
    cursor, passed_over = mailbox.start("INBOX", "all")
    assert passed_over == 0
    assert new_uids(read(mailbox, cursor)[0]) == postbox.uids()


def test_an_empty_mailbox_can_be_started_at_any_point(mailbox: Door) -> None:
    for since in ("now", "all", datetime(2026, 1, 1, tzinfo=UTC)):
        cursor, passed_over = mailbox.start("INBOX", since)
        assert passed_over == 0
        assert new_uids(read(mailbox, cursor)[0]) == []


def test_reading_may_begin_at_a_moment(postbox: Postbox, mailbox: Door) -> None:
    moment = datetime(2026, 3, 10, 12, tzinfo=UTC)
    with postbox.client() as client:
        for hours in (-48, -1, 0, 30):
            client.append("INBOX", mail(hours), (), moment + timedelta(hours=hours))
    cursor, passed_over = mailbox.start("INBOX", moment)
    assert passed_over == 2
    assert new_uids(read(mailbox, cursor)[0]) == postbox.uids()[2:]
    assert mailbox.start("INBOX", moment.date())[1] == 1
    assert mailbox.start("INBOX", moment + timedelta(days=400))[1] == 4


def test_a_reading_that_stops_goes_on_where_it_stopped(postbox: Postbox, mailbox: Door) -> None:
    for number in range(5):
        postbox.append(mail(number))
    cursor, _ = mailbox.start("INBOX", "all")
    first = next(mailbox.changes("INBOX", cursor, batch=2))
    with door_to(postbox) as another:
        rest, _ = read(another, first.cursor, batch=2)
    assert new_uids([first, *rest]) == postbox.uids()


def test_a_look_into_another_folder_between_two_batches_confuses_nothing(
    postbox: Postbox, mailbox: Door
) -> None:
    for number in range(4):
        postbox.append(mail(number))
        postbox.append(mail(100 + number), "Sent")
    cursor, _ = mailbox.start("INBOX", "all")
    seen = []
    for batch in mailbox.changes("INBOX", cursor, batch=1):
        mailbox.mark("Sent", [1], ["fu-heard"])
        seen += [part.raw for part in batch.new]
    assert seen == [mail(number) for number in range(4)]


def test_a_folder_that_was_made_anew_is_read_anew(postbox: Postbox, mailbox: Door) -> None:
    mailbox.create_folder("Recovery")
    cursor, _ = mailbox.start("Recovery", "now")
    with postbox.client() as client:
        client.rename_folder("Recovery", "Old")
        client.create_folder("Recovery")
    postbox.append(mail(), "Recovery")
    mailbox.open()
    (batch, *_) = mailbox.changes("Recovery", cursor)
    assert (batch.reset, [part.raw for part in batch.new]) == (True, [mail()])


def test_a_keyword_set_and_taken_away_is_noticed(postbox: Postbox, mailbox: Door) -> None:
    postbox.append(mail())
    (uid,) = postbox.uids()
    cursor, _ = mailbox.start("INBOX", "now")
    _, cursor = read(mailbox, cursor, watched=[uid])
    postbox.mark(uid, "Complaint")
    batches, cursor = read(mailbox, cursor, watched=[uid])
    assert {flag.casefold() for flag in flags(batches)[uid]} == {"complaint"}
    postbox.unmark(uid, "complaint")
    batches, cursor = read(mailbox, cursor, watched=[uid])
    assert flags(batches) == {uid: frozenset()}
    assert read(mailbox, cursor, watched=[uid])[0] == []


def test_a_tag_on_a_mail_that_was_passed_over_is_noticed(postbox: Postbox, mailbox: Door) -> None:
    for number in range(3):
        postbox.append(mail(number))
    cursor, _ = mailbox.start("INBOX", "now")
    postbox.mark(postbox.uids()[1], "refund-25")
    batches, cursor = read(mailbox, cursor, keywords=["complaint", "refund-*"])
    assert flags(batches) == {postbox.uids()[1]: {"refund-25"}}
    assert read(mailbox, cursor, keywords=["complaint", "refund-*"])[0] == []


def test_a_look_into_another_folder_forgets_no_tag_that_was_seen(postbox: Postbox, mailbox: Door) -> None:
    for number in range(2):
        postbox.append(mail(number))
    first, second = postbox.uids()
    postbox.mark(first, "complaint")
    postbox.mark(second, "complaint")
    cursor, _ = mailbox.start("INBOX", "now")
    _, cursor = read(mailbox, cursor, keywords=["complaint"])
    sent, _ = mailbox.start("Sent", "now")
    list(mailbox.changes("Sent", sent, keywords=["complaint"]))
    postbox.unmark(first, "complaint")
    batches, cursor = read(mailbox, cursor, keywords=["complaint"])
    assert flags(batches) == {first: frozenset()}
    list(mailbox.changes("Sent", sent, keywords=["complaint"]))
    assert read(mailbox, cursor, keywords=["complaint"])[0] == []


def test_our_own_marks_are_set_for_all_to_see_and_then_it_is_quiet(postbox: Postbox, mailbox: Door) -> None:
    postbox.append(mail())
    (uid,) = postbox.uids()
    cursor, _ = mailbox.start("INBOX", "now")
    assert mailbox.permits_keywords("INBOX")
    assert mailbox.mark("INBOX", [uid], ["fu-heard", "fu-held"])
    assert mailbox.mark("INBOX", [uid], ["fu-heard"], ["fu-held"])
    assert postbox.flags(uid) - {"\\Recent"} == {"fu-heard"}
    _, cursor = read(mailbox, cursor, watched=[uid])
    assert read(mailbox, cursor, watched=[uid])[0] == []
    assert not mailbox.wait("INBOX", 0.3, lambda: False)


def test_a_keyword_that_no_server_takes_is_our_mistake(mailbox: Door) -> None:
    with pytest.raises(ValueError, match="keyword"):
        mailbox.mark("INBOX", [1], ["two words"])


def test_an_odd_keyword_on_one_mail_blinds_us_to_no_other(postbox: Postbox, mailbox: Door) -> None:
    cursor, _ = mailbox.start("INBOX", "now")
    try:
        postbox.append(mail(1), flags=["a[b"])
    except IMAPClientError:
        pytest.skip("this server keeps no such keyword")
    postbox.append(mail(2), flags=["complaint"])
    batches, _ = read(mailbox, cursor)
    assert [part.flags for batch in batches for part in batch.new] == [{"a[b"}, {"complaint"}]


def test_special_folders_are_found(postbox: Postbox, mailbox: Door) -> None:
    sent, drafts = f"{postbox.prefix}Sent", f"{postbox.prefix}Drafts"
    assert (mailbox.inbox, mailbox.sent, mailbox.drafts) == ("INBOX", sent, drafts)


def test_a_mail_moves_with_its_flags_and_leaves_others_deleted_mails_alone(
    postbox: Postbox, mailbox: Door
) -> None:
    for number in range(3):
        postbox.append(mail(number), flags=["kept"])
    first, second, _ = postbox.uids()
    postbox.mark(first, "\\Deleted")  # somebody else's business
    mailbox.create_folder("Recovery/Größe & Maß")
    mailbox.create_folder("Recovery/Größe & Maß")
    assert mailbox.existing(["Recovery/Größe & Maß"])
    mailbox.move("INBOX", second, "Recovery/Größe & Maß", seen=True)
    (found,) = mailbox.find("Recovery/Größe & Maß", "<m1@customers.test>")
    (moved,) = mailbox.fetch("Recovery/Größe & Maß", [found])
    assert moved.flags == {"kept", "\\Seen"}
    assert moved.raw == mail(1)
    assert first in postbox.uids()
    left = [uid for uid in postbox.uids() if "\\Deleted" not in postbox.flags(uid)]
    assert second not in left


def test_a_letter_is_filed_in_sent(postbox: Postbox, mailbox: Door) -> None:
    mailbox.append(mailbox.sent, mail(7), ["\\Seen"])
    (uid,) = mailbox.find(mailbox.sent, "<m7@customers.test>")
    assert "\\Seen" in postbox.flags(uid, "Sent")
    assert postbox.raw(uid, "Sent") == mail(7)


def test_a_large_mail_comes_without_its_attachments_and_names_them(postbox: Postbox, mailbox: Door) -> None:
    postbox.append(large_mail())
    (fetched,) = mailbox.fetch("INBOX", postbox.uids())
    assert fetched.size == len(large_mail())
    assert len(fetched.raw) < 2000
    parts = [part for part in message_from_bytes(fetched.raw).walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == [
        "text/plain",
        "text/html",
        "image/jpeg",
        "text/plain",
    ]
    assert parts[0].get_payload(decode=True).decode() == "Es ist zerbrochen, größtenteils."  # type: ignore[union-attr]
    assert (parts[2].get_filename(), parts[2].get_payload()) == ("photo.jpg", "")
    assert b"Message-ID: <order@example.test>" in fetched.raw
    assert b"words of the order" not in fetched.raw


@pytest.mark.parametrize("beside", ["", "\r\n", "Where is it? It should have come long ago."])
def test_a_large_winmail_dat_is_fetched_only_where_the_words_must_be_in_it(
    postbox: Postbox, mailbox: Door, beside: str
) -> None:
    words = "It is broken."
    body = struct.pack("<IHBII", 0x223E9F78, 1, 1, 0x0002800C, len(words)) + words.encode() + b"\0\0"
    files = body + struct.pack("<BII", 2, 0x0006800F, 3_000_000) + b"\xff" * 3_000_000
    mixed = MIMEMultipart()
    mixed["From"] = "kim@customers.test"
    if beside:
        mixed.attach(MIMEText(beside))
    mixed.attach(MIMEApplication(files, "ms-tnef", name="winmail.dat"))
    postbox.append(mixed.as_bytes(policy=SMTP))
    [found] = mailbox.fetch("INBOX", postbox.uids())
    message = listen.read(found.raw, Identity())
    assert message.text == (beside.strip() or words)
    assert message.attachments == ("winmail.dat",)
    assert len(found.raw) < 1_100_000
    assert not beside.strip() or len(found.raw) < 2_000


def test_mails_that_vanish_while_we_read_are_skipped(postbox: Postbox, mailbox: Door) -> None:
    for number in range(4):
        postbox.append(mail(number))
    cursor, _ = mailbox.start("INBOX", "all")
    reading = mailbox.changes("INBOX", cursor, batch=1)
    first = next(reading)
    gone, stays = postbox.uids()[1:3], postbox.uids()[3]
    with postbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages(gone)
        client.expunge()
    rest = list(reading)
    assert stays in new_uids([first, *rest])
    assert rest[-1].cursor.uid == stays
    assert [found.uid for found in mailbox.fetch("INBOX", [*gone, stays])] == [stays]
    mailbox.move("INBOX", gone[0], "Trash")


def test_new_mail_and_changed_keywords_end_the_waiting(postbox: Postbox, mailbox: Door) -> None:
    postbox.append(mail())
    (uid,) = postbox.uids()
    cursor, _ = mailbox.start("INBOX", "now")
    for change in (lambda: postbox.append(mail(2)), lambda: postbox.mark(uid, "complaint")):
        _, cursor = read(mailbox, cursor, watched=[uid])
        timer = threading.Timer(0.3, change)
        timer.start()
        heard = mailbox.wait("INBOX", 5.0, lambda: False)
        timer.join()
        assert heard
        assert read(mailbox, cursor, watched=[uid])[0]


def test_what_changes_between_reading_and_waiting_is_not_missed(postbox: Postbox, mailbox: Door) -> None:
    postbox.append(mail())
    cursor, _ = mailbox.start("INBOX", "now")
    for number in range(5):
        _, cursor = read(mailbox, cursor)
        postbox.append(mail(number))
        assert mailbox.wait("INBOX", PATIENCE, lambda: False)


def test_waiting_ends_when_it_is_woken_or_the_time_is_up(mailbox: Door) -> None:
    woken = threading.Event()
    timer = threading.Timer(0.2, woken.set)
    timer.start()
    assert not mailbox.wait("INBOX", PATIENCE, woken.is_set)
    assert woken.is_set()
    timer.join()
    assert not mailbox.wait("INBOX", 0.1, lambda: False)


def test_a_deleted_folder_is_an_outage_in_plain_words(postbox: Postbox, mailbox: Door) -> None:
    mailbox.create_folder("Recovery")
    cursor, _ = mailbox.start("Recovery", "now")
    with postbox.client() as client:
        client.rename_folder("Recovery", "Old")
        client.delete_folder("Old")
    with pytest.raises(UnavailableError, match="Recovery"):
        read_twice(mailbox, "Recovery", cursor)


def read_twice(mailbox: Door, folder: str, cursor: SyncCursor) -> None:
    """Read on two connections: Cyrus still answers for a folder that was open when it went."""
    for _ in range(2):
        list(mailbox.changes(folder, cursor))
        mailbox.open()


def test_a_survey_tells_what_the_server_can_do(postbox: Postbox, mailbox: Door) -> None:
    with postbox.client() as client:
        expected = client.has_capability("IDLE"), client.has_capability("CONDSTORE")
    survey = mailbox.survey(now())
    assert (survey.idle, survey.condstore) == expected
    assert survey.keywords == {"INBOX": True, f"{postbox.prefix}Sent": True}
    if survey.clock_ahead is not None:
        assert abs(survey.clock_ahead) < timedelta(minutes=1)
    assert mailbox.fetch(f"{postbox.prefix}Drafts", range(1, 5)) == []
