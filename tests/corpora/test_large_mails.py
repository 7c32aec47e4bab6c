"""Large real mails, fetched without their attachments, keep every word and every attachment's name."""

import re
from collections.abc import Iterable
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from followupd.adapters.imap.fetch import MAX_TEXT, SMALL
from followupd.adapters.imap.mailbox import Account, ImapMailbox
from tests.corpora.mails import CORPORA, needs_corpora, stored_mails
from tests.servers.dovecot import Dovecot


def large(mails: Iterable[bytes]) -> list[bytes]:
    """Return the mails that are not fetched whole, as a server stores them."""
    stored = (re.sub(rb"\r\n|\r|\n", b"\r\n", raw) for raw in mails)
    return [raw for raw in stored if len(raw) > SMALL]


def described(mail: Message) -> list[tuple[object, ...]]:
    """List each leaf's type, file name and words; a forwarded mail is only named."""
    if mail.get_content_type() == "message/rfc822":
        return [("message/rfc822",)]
    if mail.get_content_maintype() == "multipart" and mail.is_multipart():
        parts = mail.get_payload()
        return [found for part in parts if isinstance(part, Message) for found in described(part)]
    words = mail.get_content_maintype() == "text" and mail.get_content_disposition() != "attachment"
    payload = mail.get_payload(decode=True) if words else b""
    text = payload.strip()[:1000] if isinstance(payload, bytes) else b""
    return [(mail.get_content_type(), mail.get_filename(), text)]


def test_large_real_mails_keep_their_words_and_names(dovecot: Dovecot) -> None:
    mails = large(stored_mails().values())
    assert len(mails) == 11
    check_fetched(dovecot, mails)


@needs_corpora
def test_large_mails_of_all_corpora_keep_their_words_and_names(dovecot: Dovecot) -> None:
    files = (
        path for path in sorted(CORPORA.glob("**/*")) if path.suffix in {".eml", ".msg"} and path.is_file()
    )
    mails = large(path.read_bytes() for path in files)
    assert len(mails) > 20
    check_fetched(dovecot, mails)


def check_fetched(dovecot: Dovecot, mails: list[bytes]) -> None:
    postbox = dovecot.account()
    with postbox.client() as client:
        for raw in mails:
            client.append("INBOX", raw)
    account = Account(
        name="support",
        host=postbox.host,
        port=postbox.port,
        username=postbox.username,
        password=lambda: postbox.password,
        ca_file=postbox.ca_file,
    )
    with ImapMailbox(account) as mailbox:
        fetched = mailbox.fetch("INBOX", postbox.uids())
    assert [mail.size for mail in fetched] == [len(raw) for raw in mails]
    assert all(len(mail.raw) <= 2 * MAX_TEXT for mail in fetched)
    for mail, raw in zip(fetched, mails, strict=True):
        whole, copy = (message_from_bytes(words, policy=compat32) for words in (raw, mail.raw))
        assert described(copy) == described(whole)
        assert [str(value) for value in copy.values()] == [str(value) for value in whole.values()]
