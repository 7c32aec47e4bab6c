"""The text of old mails is deleted once a day; what keeps them from being processed again stays."""

from dataclasses import replace
from datetime import timedelta

import pytest

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.mail import MailState
from followupd.services.maintenance import RetentionService
from tests.contracts.test_ledger import (
    NOW,
    STORY,
    StoredLedger,
    dump,
    incoming,
    new_ledger,
    open_case,
    stored,
)

__all__ = ["dump", "new_ledger", "stored"]
KEEP = timedelta(days=90)
OLD = NOW + KEEP + timedelta(hours=1)


@pytest.fixture
def ledger(stored: StoredLedger) -> Ledger:
    return stored.ledger


def store(ledger: Ledger, uid: int, text: str, *, case: str = "", processed: bool = True) -> int:
    with ledger.transaction() as tx:
        [result] = tx.mail.store([incoming(uid, text=text)], NOW)
        if processed:
            tx.mail.mark_processed(result.mail_id, case_ref=case or None)
        return result.mail_id


def run_all(ledger: Ledger) -> None:
    retention = RetentionService(ledger, KEEP)
    while retention.run(OLD):
        pass


def test_the_text_of_an_old_mail_without_a_case_is_deleted_and_its_ids_stay(ledger: Ledger) -> None:
    mail_id = store(ledger, 1, STORY)
    run_all(ledger)
    with ledger.transaction() as tx:
        found = tx.mail.get(mail_id).message
        assert (found.text, found.subject, found.sender.name) == ("", "", "")
        assert found.message_id
        assert tx.mail.by_message_id([found.message_id]) is not None
        [again] = tx.mail.store([incoming(1, text=STORY)], OLD)
        assert (again.mail_id, again.folder) == (mail_id, False)
        assert tx.mail.unprocessed() == []


def test_the_text_of_a_cases_mail_stays(ledger: Ledger) -> None:
    mail_id = store(ledger, 1, STORY, case=open_case(ledger).ref)
    run_all(ledger)
    with ledger.transaction() as tx:
        assert tx.mail.get(mail_id).message.text == STORY


def test_the_text_of_an_unprocessed_mail_stays(ledger: Ledger) -> None:
    mail_id = store(ledger, 1, STORY, processed=False)
    run_all(ledger)
    with ledger.transaction() as tx:
        assert tx.mail.get(mail_id).message.text == STORY


def test_the_text_of_a_newer_mail_stays(ledger: Ledger) -> None:
    mail_id = store(ledger, 1, STORY)
    assert RetentionService(ledger, KEEP).run(NOW + KEEP - timedelta(minutes=1)) == 0
    with ledger.transaction() as tx:
        assert tx.mail.get(mail_id).message.text == STORY


def test_the_raw_bytes_of_an_old_mail_are_deleted_and_the_reason_stays(ledger: Ledger) -> None:
    odd = replace(incoming(1), message=None, reason="it cannot be parsed", raw=b"as it came")
    with ledger.transaction() as tx:
        tx.mail.store([odd], NOW)
        assert tx.mail.count(MailState.QUARANTINED) == 1
        assert [mail["as_it_came"] for mail in tx.erasure.export("came")["mails"]] == ["as it came"]
    run_all(ledger)
    with ledger.transaction() as tx:
        [found] = tx.mail.quarantined()
        assert found.reason == "it cannot be parsed"
        assert tx.erasure.export("came")["mails"] == []


def test_old_mails_are_handled_in_batches_and_then_once_a_day(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        many = [incoming(uid, text=f"mail {uid}") for uid in range(1, 451)]
        for result in tx.mail.store(many, NOW):
            tx.mail.mark_processed(result.mail_id)
    retention = RetentionService(ledger, KEEP)
    assert [retention.run(OLD) for _ in range(5)] == [200, 200, 50, 0, 0]
    late = store(ledger, 999, STORY)
    assert retention.run(OLD + timedelta(hours=23)) == 0
    assert retention.run(OLD + timedelta(hours=25)) == 1
    with ledger.transaction() as tx:
        assert tx.mail.get(late).message.text == ""
