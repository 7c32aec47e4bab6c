"""A low stock of gift cards is told to who can fill it, once a day for each value, before it is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from followupd import journal
from followupd.errors import LetterError
from followupd.model.agenda import Agenda
from followupd.model.agent import Agent, Role
from followupd.model.compensation import Money
from followupd.model.letter import DIGEST, Writer
from followupd.model.playbook import Playbook
from followupd.model.said import said
from followupd.rounds.doors import Work


class Watching(Protocol):
    """What is configured: the stock that is low, 0 where none is watched, and the address that hears of it, "" for the lead."""

    @property
    def watched(self) -> int: ...
    @property
    def admin(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Stock:
    """Watches the stock of imported codes.

    The mail leaves in the name of `mailbox`, and belongs to no case: who looks after a case cannot fill the stock.
    """

    playbooks: Mapping[str, Playbook]
    write: Writer
    mailbox: str
    settings: Watching

    def watch(self, work: Work, money: Money, now: datetime) -> None:
        """Tell of it when fewer cards of this value are left than there should be."""
        left = work.cards.in_stock(money, now) if self.settings.watched else 0
        value, default = f"{money.amount} {money.currency}", self.playbooks["default"]
        today = default.calendar.local(now).date()
        key = f"{DIGEST}.{today.isoformat()}.stock-{money.minor}-{money.currency}"
        if left >= self.settings.watched or work.outbox.known(key):
            return
        journal.stock_low(value, left)
        why = (
            said("only {n} gift cards of {value} are left in stock", n=left, value=value)
            if left
            else said("no gift card of {value} is left in stock", value=value)
        )
        house = (why, said("`followupd gift-cards import FILE` puts more of them in"))
        try:
            agenda = Agenda(key=key, day=today, house=house)
            work.outbox.queue(self.write.digest(agenda, default, now, self.mailbox, self._admin(default)), now)
        except LetterError as error:  # the log has said it, and `check` says where the template is wrong
            journal.letter_stopped(key, str(error))

    def _admin(self, default: Playbook) -> Agent:
        known = default.team.by_address(self.settings.admin)
        if known or not self.settings.admin:
            return known or default.team.first(Role.LEAD) or default.owner_of("")
        return Agent(id="admin", name="Administrator", email=self.settings.admin, phone="")
