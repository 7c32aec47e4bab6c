"""The servers of the tests are real and keep what the other contracts assume of them."""

import smtplib
import ssl

import psycopg
import pytest

from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.machine import until
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.smtp import Sink

MAIL = b"From: kim@customers.test\r\nTo: support@example.test\r\nSubject: lost parcel\r\n\r\nWhere is it?\r\n"


def test_dovecot_gives_each_test_a_mailbox_of_its_own(dovecot: Dovecot) -> None:
    first, second = dovecot.account("support"), dovecot.account("support")
    first.deliver(MAIL)
    assert b"lost parcel" in first.raw(first.uids()[0])
    assert second.uids() == []


def test_a_degraded_dovecot_lacks_idle_and_condstore(degraded_dovecot: Dovecot) -> None:
    with degraded_dovecot.account().client() as client:
        assert not client.has_capability("IDLE")
        assert not client.has_capability("CONDSTORE")
        assert not client.has_capability("UIDPLUS")


def test_cyrus_keeps_mails_and_keywords(cyrus: Cyrus) -> None:
    postbox = cyrus.account()
    postbox.append(MAIL, flags=["complaint"])
    assert "complaint" in postbox.flags(postbox.uids()[0])


def test_courier_keeps_mails_and_keywords_below_the_inbox(courier: Courier) -> None:
    postbox = courier.account()
    postbox.deliver(MAIL)
    postbox.append(MAIL, "Sent", flags=["complaint"])
    assert b"lost parcel" in postbox.raw(postbox.uids()[0])
    assert "complaint" in postbox.flags(postbox.uids("Sent")[0], "Sent")
    with postbox.client() as client:
        assert not any(client.has_capability(name) for name in ("MOVE", "CONDSTORE", "SPECIAL-USE"))


def test_a_postgresql_database_is_empty_and_answers(postgres: Postgres) -> None:
    with psycopg.connect(postgres.database().replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)


def test_a_dropped_line_leaves_the_mail_with_the_server(smtp: Sink) -> None:
    smtp.plan("data", "drop")
    client = smtplib.SMTP("127.0.0.1", smtp.port, timeout=10)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail("a@example.test", ["b@customers.test"], MAIL)
    client.close()
    assert (smtp.connections, len(smtp.messages)) == (1, 1)


def test_the_sink_with_users_refuses_a_wrong_password(smtp_login: Sink, ca_file: str) -> None:
    with smtplib.SMTP("localhost", smtp_login.port, timeout=10) as client:
        client.starttls(context=ssl.create_default_context(cafile=ca_file))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("support", "wrong")


def test_postfix_delivers_into_dovecot(postfix: Postfix, dovecot: Dovecot) -> None:
    postbox = dovecot.account("customer")
    with smtplib.SMTP("127.0.0.1", postfix.smtp, timeout=10) as client:
        client.sendmail("a@example.test", [postbox.address], MAIL)
    until(postbox.uids, "the mail's arrival")
