"""Old mails lose their words once a day, and nothing that keeps the house from hearing them twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.mail import MailState
from followupd.services.retention import RetentionService
from tests.contracts.test_ledger import NOW, STORY, Book, a_case, arrival, book, dumped, new_ledger

__all__ = ["book", "dumped", "new_ledger"]
KEEP = timedelta(days=90)
OLD = NOW + KEEP + timedelta(hours=1)


@pytest.fixture
def ledger(book: Book) -> Ledger:
    return book.ledger


def kept(ledger: Ledger, uid: int, text: str, *, case: str = "", heard: bool = True) -> int:
    with ledger.transaction() as tx:
        [news] = tx.mail.store([arrival(uid, text=text)], NOW)
        if heard:
            tx.mail.mark_processed(news.mail_id, case_ref=case or None)
        return news.mail_id


def a_day(ledger: Ledger) -> None:
    retention = RetentionService(ledger, KEEP)
    while retention.run(OLD):
        pass


def test_an_old_mail_of_no_case_loses_its_words_and_keeps_its_names(ledger: Ledger) -> None:
    number = kept(ledger, 1, STORY)
    a_day(ledger)
    with ledger.transaction() as tx:
        found = tx.mail.get(number).message
        assert (found.text, found.subject, found.sender.name) == ("", "", "")
        assert found.message_id
        assert tx.mail.by_message_id([found.message_id]) is not None
        [again] = tx.mail.store([arrival(1, text=STORY)], OLD)
        assert (again.mail_id, again.folder) == (number, False)
        assert tx.mail.unprocessed() == []


def test_a_mail_of_a_case_keeps_its_words(ledger: Ledger) -> None:
    number = kept(ledger, 1, STORY, case=a_case(ledger).ref)
    a_day(ledger)
    with ledger.transaction() as tx:
        assert tx.mail.get(number).message.text == STORY


def test_a_mail_that_nobody_has_heard_yet_keeps_its_words(ledger: Ledger) -> None:
    number = kept(ledger, 1, STORY, heard=False)
    a_day(ledger)
    with ledger.transaction() as tx:
        assert tx.mail.get(number).message.text == STORY


def test_a_younger_mail_keeps_its_words(ledger: Ledger) -> None:
    number = kept(ledger, 1, STORY)
    assert RetentionService(ledger, KEEP).run(NOW + KEEP - timedelta(minutes=1)) == 0
    with ledger.transaction() as tx:
        assert tx.mail.get(number).message.text == STORY


def test_raw_mail_is_kept_for_its_time_and_the_reason_for_ever(ledger: Ledger) -> None:
    odd = replace(arrival(1), message=None, reason="nobody can read it", raw=b"as it came")
    with ledger.transaction() as tx:
        tx.mail.store([odd], NOW)
        assert tx.mail.count(MailState.QUARANTINED) == 1
        assert [mail["as_it_came"] for mail in tx.erasure.export("came")["mails"]] == ["as it came"]
    a_day(ledger)
    with ledger.transaction() as tx:
        [found] = tx.mail.quarantined()
        assert found.reason == "nobody can read it"
        assert tx.erasure.export("came")["mails"] == []


def test_many_old_mails_go_batch_by_batch_and_then_rest_for_a_day(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        many = [arrival(uid, text=f"mail {uid}") for uid in range(1, 451)]
        for news in tx.mail.store(many, NOW):
            tx.mail.mark_processed(news.mail_id)
    retention = RetentionService(ledger, KEEP)
    assert [retention.run(OLD) for _ in range(5)] == [200, 200, 50, 0, 0]
    late = kept(ledger, 999, STORY)
    assert retention.run(OLD + timedelta(hours=23)) == 0
    assert retention.run(OLD + timedelta(hours=25)) == 1
    with ledger.transaction() as tx:
        assert tx.mail.get(late).message.text == ""
