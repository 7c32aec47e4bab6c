"""Orders and stock of gift cards in the ledger: one order for each grant, and no card that has expired."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from followupd.adapters.crypto import Vault
from followupd.adapters.gift_cards import StockProvider
from followupd.adapters.storage.gift_cards import order_key
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, Money
from tests.servers.postgres import Postgres

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
EURO_20 = Money(2000, "EUR")
LATER = NOW + timedelta(days=3)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else postgres.database()
    ledger = Ledger(url, Vault([b"k" * 32]))
    ledger.upgrade()
    yield ledger
    ledger.close()


def due(ledger: Ledger, now: datetime = NOW) -> list[GiftCardOrder]:
    with ledger.transaction() as tx:
        return tx.orders.due(now)


def test_a_grant_has_one_order_however_often_it_is_placed(ledger: Ledger) -> None:
    for _ in range(3):
        with ledger.transaction() as tx:
            tx.orders.place("FU-7K3Q9", 2, EURO_20, NOW)
    assert due(ledger) == [GiftCardOrder("fu7K3Q9-2", "FU-7K3Q9", 2, EURO_20)]


def test_keys_of_different_grants_differ() -> None:
    assert len({order_key(ref, n) for ref in ("FU-7K3Q9", "FU-7K3Q91") for n in (1, 11, 111)}) == 6


def test_a_postponed_order_is_due_again_at_its_time_with_its_attempts_counted(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.orders.place("FU-7K3Q9", 1, EURO_20, NOW)
        tx.orders.postpone("fu7K3Q9-1", LATER, "no decision yet")
    assert due(ledger, LATER - timedelta(seconds=1)) == []
    [order] = due(ledger, LATER)
    assert (order.attempts, order.why) == (1, "no decision yet")


def test_an_order_is_done_once_and_placing_it_again_makes_it_due(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.orders.place("FU-7K3Q9", 1, EURO_20, NOW)
        assert tx.orders.mark_done("fu7K3Q9-1")
        assert not tx.orders.mark_done("fu7K3Q9-1")
    assert due(ledger) == []
    with ledger.transaction() as tx:
        tx.orders.place("FU-7K3Q9", 1, EURO_20, LATER)
    assert [order.key for order in due(ledger)] == ["fu7K3Q9-1"]


def test_an_order_that_is_rolled_back_is_not_placed(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError):
        _roll_back(ledger)
    assert due(ledger) == []


def test_a_card_that_expires_before_its_letter_is_sent_is_replaced_and_never_used(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.cards.add("dies", EURO_20, NOW + timedelta(hours=1), NOW)
        tx.cards.add("lives", EURO_20, None, NOW)
    stock = StockProvider(ledger)
    order = GiftCardOrder("fu1-1", "FU-1", 1, EURO_20)
    assert code(stock.order(order, NOW)) == "dies"
    assert code(stock.order(order, NOW)) == "dies"
    assert code(stock.order(order, LATER)) == "lives"
    assert isinstance(stock.order(GiftCardOrder("fu2-1", "FU-2", 1, EURO_20), LATER), GiftCardUnavailable)


def test_a_code_of_another_grant_is_not_stored(ledger: Ledger) -> None:
    card = GiftCard("the-same-code", EURO_20, None)
    with ledger.transaction() as tx:
        assert tx.cards.store("FU-1", 1, card, NOW)
        assert tx.cards.store("FU-1", 1, card, NOW)
        assert not tx.cards.store("FU-2", 1, card, NOW)
        assert not tx.cards.store("FU-1", 1, GiftCard("another", EURO_20, None), NOW)
        assert not tx.cards.add("the-same-code", EURO_20, None, NOW)


def _roll_back(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.orders.place("FU-7K3Q9", 1, EURO_20, NOW)
        raise RuntimeError


def code(found: GiftCard | GiftCardUnavailable) -> str:
    assert isinstance(found, GiftCard)
    return found.code
