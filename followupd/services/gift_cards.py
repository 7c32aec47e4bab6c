"""Gift cards on order: ask the provider outside of any transaction, then keep the card and write its letter in one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from followupd import log
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.case import Case
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, PrintedGiftCard, as_event
from followupd.domain.events import GiftCardLacking, LetterStopped, OwnerNudged
from followupd.domain.letter import LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.errors import ConflictError, LetterError
from followupd.recovery import gift_card
from followupd.services.ports import GiftCardProvider
from followupd.services.record import status_tags
from followupd.services.staff_mail import LowStock
from followupd.services.wording_guard import WordingGuard

#: waits between tries of an order that may come right by itself; the last one repeats
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
#: a case that is held or open again is looked at after this
_LATER = timedelta(minutes=15)
#: the owner hears of the same trouble once in this time
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GiftCardOrders:
    """Gets the gift cards that are on order, each once; `stock` watches what is left."""

    ledger: Ledger
    provider: GiftCardProvider
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    stock: LowStock
    proofread: WordingGuard = field(default_factory=WordingGuard)

    def run(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Ask for every card that is due, while `go_on` says so; return how many orders were worked on."""
        with self.ledger.transaction() as tx:
            due = tx.orders.due(now)
        worked = 0
        for order in due:
            if not go_on():
                break
            worked += self._one(order, now)
        return worked

    def _one(self, order: GiftCardOrder, now: datetime) -> bool:
        with self.ledger.transaction() as tx:
            if not self._may_order(tx, order, now):
                return False
        found = self.provider.order(order, now)  # may take seconds: the ledger is free meanwhile
        try:
            with self.ledger.transaction() as tx:
                case = tx.cases.get(order.case_ref)
                if isinstance(found, GiftCardUnavailable):
                    self._no_card(tx, case, order, found, now)
                else:
                    self._came(tx, case, order, found, now)
        except ConflictError:
            return False  # the order is still due, and its repetition names the same card
        return True

    def _may_order(self, tx: Transaction, order: GiftCardOrder, now: datetime) -> bool:
        case = tx.cases.get(order.case_ref)
        if why := gift_card.why_cancelled(case, order.n):
            tx.orders.drop(order.key, why)
            return False
        if why := gift_card.why_blocked(case):
            tx.orders.put_off(order.key, now + _LATER, why)
            return False
        return True

    # --- it came ---

    def _came(self, tx: Transaction, case: Case, order: GiftCardOrder, card: GiftCard, now: datetime) -> None:
        if problem := self._unusable(tx, case, order, card, now):
            self._no_card(tx, case, order, GiftCardUnavailable(problem, permanent=True), now)
            return
        if not tx.orders.done(order.key) or gift_card.why_cancelled(case, order.n):
            return  # the card stays with its grant, unsent
        try:
            steps = self._letter(tx, case, order, card, now)
        except LetterError as error:
            self._stopped(tx, case, order, error.message, now)
            return
        self._record(tx, case, steps, now)
        self.stock.watch(tx, order.money, now)

    def _unusable(
        self, tx: Transaction, case: Case, order: GiftCardOrder, card: GiftCard, now: datetime
    ) -> str:
        if card.money != order.money:
            return f"the card that came is worth {card.money.amount} {card.money.currency}, and another one was ordered"
        if card.expires and card.expires <= now:
            return "the card that came has expired"
        if not tx.cards.keep(case.ref, order.n, card, now):
            return "the card that came belongs to another grant"
        return ""

    def _letter(
        self, tx: Transaction, case: Case, order: GiftCardOrder, card: GiftCard, now: datetime
    ) -> list[Decision]:
        playbook = self._playbook(case)
        company = playbook.company
        shown = PrintedGiftCard(
            card.code, card.money.written(company.locale), card.last_day(company.timezone), card.money
        )
        letter = self.write.gift_card(case, playbook, now, shown)
        letter = replace(letter, concerns=(order.n,), good_until=card.expires)
        self.proofread.stop(tx, letter, case, playbook, now, card.code)
        return [letter]

    def _stopped(self, tx: Transaction, case: Case, order: GiftCardOrder, why: str, now: datetime) -> None:
        """Keep the card, tell the owner once why its letter was not written, and try again."""
        tx.orders.place(case.ref, order.n, order.money, now)
        tx.orders.put_off(order.key, now + _BACK_OFF[-1], why)
        if case.stopped and case.stopped[1] == why:
            return
        log.letter_stopped(case.ref, why)
        stopped = LetterStopped(at=now, kind="gift-card", why=why)
        brief = LetterContent(because=msg("a letter could not be written"), problems=(why,))
        self._record(tx, case, [stopped, self._nudge(case, brief, now)], now)

    # --- it did not come ---

    def _no_card(
        self, tx: Transaction, case: Case, order: GiftCardOrder, found: GiftCardUnavailable, now: datetime
    ) -> None:
        """Put the order off; the owner hears of what lasts, once a day."""
        wait = _BACK_OFF[-1] if found.permanent else _BACK_OFF[min(order.attempts, len(_BACK_OFF) - 1)]
        tx.orders.put_off(order.key, now + wait, found.why)
        log.gift_card_order_delayed(order.key, found.why, now + wait)
        self.stock.watch(tx, order.money, now)
        lasts = found.permanent or order.attempts + 1 >= len(_BACK_OFF)
        if not lasts or (case.card_lacking_at and now - case.card_lacking_at < _A_DAY):
            return
        value = f"{order.money.amount} {order.money.currency}"
        because = msg("the gift card of {value} cannot be sent yet: {why}", value=value, why=found.why)
        lacking = GiftCardLacking(at=now, n=order.n, why=found.why)
        told = OwnerNudged(at=now, matter=f"gift card {now:%Y-%m-%dT%H:%M}", whom=case.owner, why=because)
        brief = LetterContent(because=because, asks=(f"refused: {order.n}",))
        self._record(tx, case, [lacking, told, self._nudge(case, brief, now)], now)

    def _nudge(self, case: Case, brief: LetterContent, now: datetime) -> Decision:
        playbook = self._playbook(case)
        return self.write.desk(LetterKind.NUDGE, case, playbook, now, brief, playbook.owner_of(case.owner))

    def _record(self, tx: Transaction, case: Case, steps: list[Decision], now: datetime) -> None:
        after = tx.cases.record(case, steps, lambda _: now, now)
        tx.mail.set_status_tags(case.ref, status_tags(after))
        for step in steps:
            log.event_recorded(case.ref, type(as_event(step, now)).__name__, after.stage)

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]
