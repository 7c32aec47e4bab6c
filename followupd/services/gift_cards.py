"""Get the gift cards that are on order.

The provider is asked outside any transaction; one transaction then stores the card and its letter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.calendar import has_come
from followupd.domain.case import Case
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable
from followupd.domain.decision import Decision, LetterContent, PrintedGiftCard
from followupd.domain.events import GiftCardLacking, LetterStopped, OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.translatable import msg
from followupd.errors import ConflictError, LetterError
from followupd.recovery import gift_card
from followupd.services.context import GiftCardProvider, ServiceContext
from followupd.services.record import record
from followupd.services.staff_mail import LowStock

#: waits between attempts of an order that may succeed later; the last one repeats
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
#: an order whose case is on hold or open again is checked again after this
_RECHECK_AFTER = timedelta(minutes=15)
#: the owner is told of a lasting failure once in this time
_REPEAT_NOTICE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GiftCardOrders:
    """Gets each ordered gift card once, from `provider`; `stock` reports when few imported cards are left."""

    context: ServiceContext
    provider: GiftCardProvider
    stock: LowStock

    def run(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Ask the provider for every card that is due.

        Args:
            now: the time of the cycle.
            go_on: is called between orders; no further one is made after it returns False.

        Returns:
            How many orders were made.
        """
        with self.context.ledger.transaction() as tx:
            due = tx.orders.due(now)

        count = 0
        for order in due:
            if not go_on():
                break
            count += self._get(order, now)
        return count

    def _get(self, order: GiftCardOrder, now: datetime) -> bool:
        """Get one card; return False if it is not wanted now, or the case was changed meanwhile.

        After a change the order is still due, and its repetition gets the same card.
        """
        with self.context.ledger.transaction() as tx:
            if not self._is_still_wanted(tx, order, now):
                return False
            customer = tx.cases.get(order.case_ref).customer
            order = replace(order, name=customer.name or customer.address, address=customer.address)

        card = self.provider.order(order, now)  # may take seconds, while the ledger is free
        try:
            with self.context.ledger.transaction() as tx:
                case = tx.cases.get(order.case_ref)
                if isinstance(card, GiftCardUnavailable):
                    self._handle_failure(tx, case, order, card, now)
                else:
                    self._handle_card(tx, case, order, card, now)
        except ConflictError:
            return False
        return True

    def _is_still_wanted(self, tx: Transaction, order: GiftCardOrder, now: datetime) -> bool:
        """Check what may have changed since the order; cancel or postpone it if necessary."""
        case = tx.cases.get(order.case_ref)
        if why := gift_card.why_cancelled(case, order.n):
            tx.orders.cancel(order.key, why)
            return False
        if why := gift_card.why_blocked(case):
            tx.orders.postpone(order.key, now + _RECHECK_AFTER, why)
            return False
        return True

    # --- a card arrived ---

    def _handle_card(
        self, tx: Transaction, case: Case, order: GiftCardOrder, card: GiftCard, now: datetime
    ) -> None:
        """Store the card and write its letter, unless the card is not wanted any more.

        Args:
            tx: the transaction.
            case: the case.
            order: the order of the gift card.
            card: the gift card.
            now: the time of the cycle, in UTC.
        """
        if problem := _store(tx, order, card, now):
            self._handle_failure(tx, case, order, GiftCardUnavailable(problem, permanent=True), now)
            return
        if not tx.orders.mark_done(order.key) or gift_card.why_cancelled(case, order.n):
            return

        try:
            letter = self._letter(tx, case, order, card, now)
        except LetterError as error:
            self._handle_unwritten(tx, case, order, error.message, now)
            return
        record(tx, case, [letter], now)
        self.stock.watch(tx, order.money, now)

    def _letter(
        self, tx: Transaction, case: Case, order: GiftCardOrder, card: GiftCard, now: datetime
    ) -> Letter:
        """Return the letter with a card, which is good until the card expires.

        Args:
            tx: the transaction.
            case: the case.
            order: the order of the gift card.
            card: the gift card.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        company = playbook.company
        amount = card.money.written(company.locale)
        printed = PrintedGiftCard(card.code, amount, card.last_day(company.timezone), card.money)
        letter = self.context.letters.gift_card(case, playbook, now, printed)
        letter = replace(letter, concerns=(order.n,), good_until=card.expires)
        self.context.wording.stop(tx, letter, case, playbook, now, card.code)
        return letter

    def _handle_unwritten(
        self, tx: Transaction, case: Case, order: GiftCardOrder, why: str, now: datetime
    ) -> None:
        """Keep the card, tell the owner once why its letter was not written, and try again later.

        Args:
            tx: the transaction.
            case: the case.
            order: the order of the gift card.
            why: the reason.
            now: the time of the cycle, in UTC.
        """
        tx.orders.place(case.ref, order.n, order.money, now)
        tx.orders.postpone(order.key, now + _BACK_OFF[-1], why)
        if case.stopped and case.stopped[1] == why:
            return
        log.letter_stopped(case.ref, why)
        stopped = LetterStopped(at=now, kind=LetterKind.GIFT_CARD, why=why)
        content = LetterContent(because=msg("a letter could not be written"), problems=(why,))
        record(tx, case, [stopped, self._reminder(case, content, now)], now)

    # --- no card arrived ---

    def _handle_failure(
        self, tx: Transaction, case: Case, order: GiftCardOrder, failure: GiftCardUnavailable, now: datetime
    ) -> None:
        """Postpone the order, and tell the owner of a lasting failure once a day.

        Args:
            tx: the transaction.
            case: the case.
            order: the order of the gift card.
            failure: why there is no card.
            now: the time of the cycle, in UTC.
        """
        is_lasting = failure.permanent or order.attempts + 1 >= len(_BACK_OFF)
        wait = _BACK_OFF[-1]
        if not failure.permanent:
            wait = _BACK_OFF[min(order.attempts, len(_BACK_OFF) - 1)]
        tx.orders.postpone(order.key, now + wait, failure.why)
        log.gift_card_order_delayed(order.key, failure.why, now + wait)
        self.stock.watch(tx, order.money, now)

        was_told = case.card_lacking_at and now - case.card_lacking_at < _REPEAT_NOTICE_AFTER
        if is_lasting and not was_told:
            record(tx, case, self._notice(case, order, failure.why, now), now)

    def _notice(self, case: Case, order: GiftCardOrder, why: str, now: datetime) -> list[Decision]:
        """Return what tells the owner that the provider has no card: events, and a reminder.

        Args:
            case: the case.
            order: the order of the gift card.
            why: the reason.
            now: the time of the cycle, in UTC.
        """
        because = msg("the gift card of {value} cannot be sent yet: {why}", value=order.money, why=why)
        key = ReminderKey(ReminderKind.GIFT_CARD, at=now)
        content = LetterContent(because=because, asks=(f"refused: {order.n}",))
        return [
            GiftCardLacking(at=now, n=order.n, why=why),
            OwnerNudged(at=now, matter=str(key), whom=case.owner, why=because),
            self._reminder(case, content, now),
        ]

    def _reminder(self, case: Case, content: LetterContent, now: datetime) -> Letter:
        """Return a reminder to the owner about a card."""
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        return self.context.letters.desk(LetterKind.NUDGE, case, playbook, now, content, owner)


def _store(tx: Transaction, order: GiftCardOrder, card: GiftCard, now: datetime) -> str:
    """Store the card for its grant; return why it cannot be used, "" if it can.

    Args:
        tx: the transaction.
        order: the order of the gift card.
        card: the gift card.
        now: the time of the cycle, in UTC.
    """
    if card.money != order.money:
        return f"the card that came is worth {card.money}, and another one was ordered"
    if has_come(card.expires, now):
        return "the card that came has expired"
    if not tx.cards.store(order.case_ref, order.n, card, now):
        return "the card that came belongs to another grant"
    return ""
