"""Gift cards from the stock of imported codes, which lies sealed in the ledger."""

from dataclasses import dataclass
from datetime import datetime

from followupd.edges.ledger import Ledger
from followupd.model.kept import CardOrder, NoCard, TakenCard


@dataclass(frozen=True, slots=True)
class StockedCards:
    """Gives a grant the card that it already has, else one from the stock, in a transaction of its own."""

    ledger: Ledger

    def order(self, order: CardOrder, now: datetime) -> TakenCard | NoCard:
        with self.ledger.work() as work:
            card = work.cards.take(order.case_ref, order.n, order.money, now)
        return card or NoCard(f"no card of {order.money.amount} {order.money.currency} in stock", lasting=True)
