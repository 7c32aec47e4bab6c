"""What the ledger knows of a customer can be handed out whole, and forgotten so that no byte of it is left."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary
from sqlmodel import AutoString, SQLModel

from followupd.adapters.storage.erasure import StillOpenError
from followupd.adapters.storage.ledger import Ledger
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import Decision
from followupd.domain.events import (
    Closed,
    CompensationGranted,
    CompensationIssued,
    CustomerWrote,
    FactsStated,
    Fixed,
    NextStepConfirmed,
    PromiseKept,
    PromiseMade,
)
from followupd.domain.letter import LetterKind, LetterStatus, SendResult
from followupd.domain.mail import MailState, Message, Person
from followupd.domain.promise import Promise, PromiseKind
from tests.contracts.test_ledger import (
    CODE,
    EURO_20,
    NOW,
    STORY,
    WORDS,
    Book,
    a_case,
    a_letter,
    arrival,
    book,
    dumped,
    new_ledger,
    opened,
)

__all__ = ["book", "dumped", "new_ledger"]
KIM = "kim@customers.test"
REF = "FU-7K3Q9"
SOON = NOW + timedelta(days=1)
#: everything that is the customer's, wherever a test's life of a case puts it
THEIRS = (
    "customers.test",
    "Kim",
    STORY,
    WORDS,
    CODE,
    "a second mail of shards",
    "My teapot",
    "Your teapot",
    "dropped it",
    "send a new teapot",
)


@pytest.fixture
def ledger(book: Book) -> Ledger:
    return book.ledger


def a_mail() -> Message:
    message = arrival(1).message
    assert message is not None
    return message


def a_life(ledger: Ledger, *, closed: bool = True) -> Case:
    """Let Kim complain, be promised something, be given a card, and be followed up."""
    a_case(ledger)
    promise = Promise(
        n=1,
        text="send a new teapot",
        kind=PromiseKind.FIRM,
        internal_deadline=SOON,
        promised_by=SOON,
        owner="ana",
    )
    grant = Compensation(
        n=1, kind=Gift.GIFT_CARD, state=GrantState.GRANTED, money=EURO_20, text="a card for Kim"
    )
    with ledger.transaction() as tx:
        [news] = tx.mail.store([arrival(1, "angry")], NOW)
        tx.mail.add_command(news.mail_id, f"fu-fixed {STORY}", "tag", NOW)
        tx.mail.mark_processed(news.mail_id, case_ref=REF)
        odd = replace(
            arrival(2, text="two"), message=None, reason="odd", raw=f"From: {KIM}\n\n{STORY}".encode()
        )
        tx.mail.store([odd], NOW)
        tx.cards.add(CODE, EURO_20, None, NOW)
        tx.cards.take(REF, 1, EURO_20, NOW)
        tx.orders.place(REF, 1, EURO_20, NOW)
        steps: list[Decision] = [
            CustomerWrote(at=NOW, by=KIM, text="a second mail of shards", message_id="<two@customers.test>"),
            FactsStated(at=NOW, by="ana", facts=(("cause", "the courier dropped it"),)),
            PromiseMade(at=NOW, by="Ana Reyes", promise=promise),
            CompensationGranted(at=NOW, by="Ana Reyes", compensation=grant, why="Kim asked for it"),
            a_letter(),
            a_letter(
                "FU-7K3Q9.gift-card.1", text=f"Your code is {CODE}", html=f"<b>{CODE}</b>", concerns=(1,)
            ),
        ]
        case = tx.cases.record(tx.cases.get(REF), steps, lambda _: SOON, NOW)
        if not closed:
            return case
        for key in ("FU-7K3Q9.confirmation.1", "FU-7K3Q9.gift-card.1"):
            tx.outbox.claim([key], NOW)
            result = SendResult(key, LetterStatus.SENT, f"250 {KIM} accepted")
            tx.outbox.record_results([result], NOW)
        steps = [
            NextStepConfirmed(
                at=NOW, key="FU-7K3Q9.confirmation.1", kind=LetterKind.CONFIRMATION, promises=(1,)
            ),
            CompensationIssued(at=NOW, n=1),
            PromiseKept(at=NOW, n=1),
            Fixed(at=NOW, by="Ana Reyes"),
            Closed(at=NOW),
        ]
        return tx.cases.record(case, steps, lambda _: None, NOW)


def forget(ledger: Ledger, *, even_open: bool = False) -> tuple[str, ...]:
    with ledger.transaction() as tx:
        done = tx.erasure.erase("Kim@Customers.TEST", "root at the command line", NOW, even_open=even_open)
    assert ledger.purge_deleted()
    return done.cases


def test_no_byte_of_a_customer_is_left(book: Book) -> None:
    a_life(book.ledger)
    assert forget(book.ledger) == (REF,)
    written = book.written()
    assert REF.encode() in written  # it is the right place to look
    for word in THEIRS:
        assert word.lower().encode() not in written.lower(), word
    with book.ledger.transaction() as tx:
        everything = repr((tx.cases.all(), tx.cases.history(REF), tx.outbox.all(), tx.mail.of_case(REF)))
    for word in THEIRS:
        assert word.lower() not in everything.lower(), word


def test_what_was_given_and_when_stays_for_the_accounts(ledger: Ledger) -> None:
    before = a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        case, history = tx.cases.get(REF), tx.cases.history(REF)
        [card] = tx.cards.all()
    [grant], [was] = case.compensation, before.compensation
    assert (grant.kind, grant.money, grant.state, grant.issued_at) == (
        was.kind,
        was.money,
        was.state,
        was.issued_at,
    )
    assert (grant.granted_by, grant.granted_at) == ("Ana Reyes", NOW)
    assert (case.stage, case.opened_at, case.fixed_at, case.closed_at) == (Stage.CLOSED, NOW, NOW, NOW)
    assert (card.case_ref, card.money, card.taken_at) == (REF, EURO_20, NOW)
    assert history[-1].why == "the customer's data was erased"
    assert history[-1].by == "root at the command line"


def test_a_forgotten_history_still_folds_to_its_case(ledger: Ledger) -> None:
    a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        case, history = tx.cases.get(REF), tx.cases.history(REF)
    assert replace(lifecycle.fold(history), version=case.version, wake_at=case.wake_at) == case


def test_a_forgotten_mail_that_is_found_again_is_no_news(ledger: Ledger) -> None:
    a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        [again] = tx.mail.store([arrival(1, "angry")], NOW)
        [renumbered] = tx.mail.store([arrival(9, "angry", uidvalidity=8)], NOW)
        assert (again.tags, again.folder, renumbered.tags, renumbered.folder) == (
            frozenset(),
            False,
            frozenset(),
            False,
        )
        assert tx.mail.unprocessed() == []
        assert tx.mail.pending_commands() == []
        assert tx.mail.get(again.mail_id).state == MailState.PROCESSED


def test_a_forgotten_customer_who_writes_again_begins_anew(ledger: Ledger) -> None:
    a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        assert tx.cases.ref_for(["<FU-7K3Q9.confirmation.1@example.com>", "<two@customers.test>"]) is None
        assert tx.cases.unfinished_of(KIM, "support") == []


def test_an_open_case_is_forgotten_only_when_that_is_said(ledger: Ledger) -> None:
    a_life(ledger, closed=False)
    with pytest.raises(StillOpenError, match=REF):
        forget(ledger)
    with ledger.transaction() as tx:
        assert tx.cases.get(REF).customer.address.lower() == KIM
    assert forget(ledger, even_open=True) == (REF,)
    with ledger.transaction() as tx:
        case = tx.cases.get(REF)
        assert (case.stage, case.held, case.wake_at) == (Stage.CLOSED, True, None)
        assert tx.outbox.due(SOON) == []
        assert {state.status for state in tx.outbox.all()} == {LetterStatus.DROPPED}
        assert tx.cases.due(SOON) == []
        assert tx.orders.due(SOON) == []


def test_a_code_that_was_given_is_never_given_again(ledger: Ledger) -> None:
    a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        assert not tx.cards.add(CODE, EURO_20, None, NOW)
        assert tx.cards.take("FU-AAAAA", 1, EURO_20, NOW) is None


def test_forgetting_one_customer_leaves_the_others_whole(ledger: Ledger) -> None:
    a_life(ledger)
    other = replace(
        opened("FU-2B2B2"), customer=Person("joakim@customers.test", "Joakim"), story="mine is late"
    )
    with ledger.transaction() as tx:
        lee = tx.cases.open(other)
        wrote = CustomerWrote(
            at=NOW, by=KIM, text="I am a friend of theirs", message_id="<three@customers.test>"
        )
        lee = tx.cases.record(lee, [wrote], lambda _: SOON, NOW)
        message = replace(a_mail(), sender=Person("joakim@customers.test"), message_id="<j@x.test>")
        [news] = tx.mail.store([replace(arrival(3, text="late"), message=message)], NOW)
        named = replace(message, message_id="<k@x.test>", text=f"ask {KIM} too")
        [naming] = tx.mail.store([replace(arrival(4, text="named"), message=named)], NOW)
        for each in (news, naming):
            tx.mail.mark_processed(each.mail_id, case_ref="FU-2B2B2")
    with ledger.transaction() as tx:
        done = tx.erasure.erase(KIM, "root", NOW)
    assert done.elsewhere == ("FU-2B2B2",)
    with ledger.transaction() as tx:
        case = tx.cases.get("FU-2B2B2")
        assert (case.customer.name, case.story, case.wake_at) == ("Joakim", "mine is late", SOON)
        assert case.latest == ""  # Kim's words in the case of another are Kim's
        assert [kept.message.text for kept in tx.mail.of_case("FU-2B2B2")] == [STORY, f"ask {KIM} too"]
        assert (
            replace(lifecycle.fold(tx.cases.history("FU-2B2B2")), version=case.version, wake_at=SOON) == case
        )


def test_forgetting_somebody_unknown_does_nothing(ledger: Ledger) -> None:
    before = a_life(ledger)
    with ledger.transaction() as tx:
        done = tx.erasure.erase("nobody@customers.test", "root", NOW)
        assert (done.cases, done.mails, done.letters, done.gift_cards, done.elsewhere) == ((), 0, 0, 0, ())
        assert tx.cases.get(REF) == before


def test_an_export_holds_all_that_is_known_and_no_gift_code(ledger: Ledger) -> None:
    a_life(ledger)
    with ledger.transaction() as tx:
        quoting = replace(
            a_mail(),
            text=f"is {CODE.lower().replace('-', ' ')} the code?",
            message_id="<q@x.test>",
        )
        tx.mail.store([replace(arrival(5, text="quoting"), message=quoting)], NOW)
        found = tx.erasure.export(KIM)
    text = json.dumps(found)
    for word in set(THEIRS) - {CODE}:
        assert word in text, word
    assert not re.search("gift.9z9z.secret", text, re.IGNORECASE)
    assert "[gift code]" in text
    assert found["gift_cards"] == [
        {"case": REF, "minor": 2000, "currency": "EUR", "taken_at": NOW.isoformat()}
    ]
    assert len(found["cases"][0]["history"]) > 5


def test_an_export_after_forgetting_is_empty(ledger: Ledger) -> None:
    a_life(ledger)
    forget(ledger)
    with ledger.transaction() as tx:
        found = tx.erasure.export(KIM)
    assert {name for name, value in found.items() if value} == {"address"}


#: of every column that can hold text: whether `erase` blanks it, or it never holds a word of a customer
BLANKED = {
    "case_file.customer_address",
    "case_file.sealed",
    "event.sealed",
    "letter.case_ref",
    "letter.to_address",
    "letter.to_domain",
    "letter.reply",
    "words.sealed",
    "words.mail",
    "mail.message_id",
    "mail.sender_address",
    "mail.echo",
    "mail.reason",
    "mail.case_ref",
    "mail.sealed",
    "mail.raw",
    "remark.line",
    "remark.source",
    "gift_card.sealed",
    "card_order.why",
}
OURS = {
    "case_file.ref",
    "case_file.mailbox",
    "case_file.stage",
    "case_file.playbook",
    "case_file.owner",
    "event.case_ref",
    "event.name",
    "letter.key",
    "letter.mailbox",
    "letter.kind",
    "letter.condition",
    "letter.draft",
    "letter.message_id",
    "words.letter_key",
    "mail.fingerprint",
    "mail.mailbox",
    "mail.kind",
    "mail.state",
    "place.mailbox",
    "place.folder",
    "place.tags",
    "place.wants",
    "place.marks",
    "cursor.mailbox",
    "cursor.folder",
    "gift_card.fingerprint",
    "gift_card.currency",
    "gift_card.case_ref",
    "card_order.key",
    "card_order.case_ref",
    "card_order.currency",
    "card_order.state",
    "pulse.name",
    "pulse.value",
}


def test_every_column_that_can_hold_a_customers_words_is_thought_of() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, AutoString | LargeBinary)
    }
    unknown = found - BLANKED - OURS
    assert unknown == set(), (
        "say here whether `erase` (edges/ledger/forgetting.py) must blank it, and let it do so"
    )


def test_a_copy_made_before_is_a_copy_that_still_knows(tmp_path: Path) -> None:
    """Backups are the admin's to forget; the command says so, and nothing here pretends otherwise."""
    ledger = new_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    a_life(ledger)
    ledger.backup(tmp_path / "copy.db")
    forget(ledger)
    again = new_ledger(f"sqlite:///{tmp_path}/copy.db")
    with again.transaction() as tx:
        assert tx.cases.get(REF).customer.address.lower() == KIM
    again.close()
    ledger.close()
