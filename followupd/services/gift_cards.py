"""Gift cards on order: ask the provider outside of any transaction, then keep the card and write its letter in one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from followupd import log
from followupd.domain.case import Case
from followupd.domain.decision import Brief, Card, Step, Writer, as_event
from followupd.domain.events import GiftCardLacking, LetterStopped, OwnerNudged
from followupd.domain.letter import NUDGE
from followupd.domain.playbook import Playbook
from followupd.domain.records import CardOrder, NoCard, TakenCard
from followupd.domain.status_tags import marks
from followupd.domain.translatable import said
from followupd.errors import CaseMovedError, LetterError
from followupd.recovery import gift_card
from followupd.services.ports import CardProvider, Ledger, Work
from followupd.services.staff_mail import Stock
from followupd.services.wording_guard import Proofreader

#: waits between tries of an order that may come right by itself; the last one repeats
_BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
#: a case that is held or open again is looked at after this
_LATER = timedelta(minutes=15)
#: the owner hears of the same trouble once in this time
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CardRound:
    """Gets the gift cards that are on order, each once; `stock` watches what is left."""

    ledger: Ledger
    provider: CardProvider
    playbooks: Mapping[str, Playbook]
    write: Writer
    stock: Stock
    proofread: Proofreader = field(default_factory=Proofreader)

    def round(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Ask for every card that is due, while `go_on` says so; return how many orders were worked on."""
        with self.ledger.work() as work:
            due = work.orders.due(now)
        worked = 0
        for order in due:
            if not go_on():
                break
            worked += self._one(order, now)
        return worked

    def _one(self, order: CardOrder, now: datetime) -> bool:
        with self.ledger.work() as work:
            if not self._may_order(work, order, now):
                return False
        found = self.provider.order(order, now)  # may take seconds: the ledger is free meanwhile
        try:
            with self.ledger.work() as work:
                case = work.cases.get(order.case_ref)
                if isinstance(found, NoCard):
                    self._no_card(work, case, order, found, now)
                else:
                    self._came(work, case, order, found, now)
        except CaseMovedError:
            return False  # the order is still due, and its repetition names the same card
        return True

    def _may_order(self, work: Work, order: CardOrder, now: datetime) -> bool:
        case = work.cases.get(order.case_ref)
        if why := gift_card.given_up(case, order.n):
            work.orders.drop(order.key, why)
            return False
        if why := gift_card.waits(case):
            work.orders.put_off(order.key, now + _LATER, why)
            return False
        return True

    # --- it came ---

    def _came(self, work: Work, case: Case, order: CardOrder, card: TakenCard, now: datetime) -> None:
        if problem := self._unusable(work, case, order, card, now):
            self._no_card(work, case, order, NoCard(problem, lasting=True), now)
            return
        if not work.orders.done(order.key) or gift_card.given_up(case, order.n):
            return  # the card stays with its grant, unsent
        try:
            steps = self._letter(work, case, order, card, now)
        except LetterError as error:
            self._stopped(work, case, order, error.message, now)
            return
        self._record(work, case, steps, now)
        self.stock.watch(work, order.money, now)

    def _unusable(self, work: Work, case: Case, order: CardOrder, card: TakenCard, now: datetime) -> str:
        if card.money != order.money:
            return f"the card that came is worth {card.money.amount} {card.money.currency}, and another one was ordered"
        if card.expires and card.expires <= now:
            return "the card that came has expired"
        if not work.cards.keep(case.ref, order.n, card, now):
            return "the card that came belongs to another grant"
        return ""

    def _letter(self, work: Work, case: Case, order: CardOrder, card: TakenCard, now: datetime) -> list[Step]:
        playbook = self._playbook(case)
        company = playbook.company
        shown = Card(card.code, card.money.written(company.locale), card.last_day(company.timezone), card.money)
        letter = self.write.gift_card(case, playbook, now, shown)
        letter = replace(letter, concerns=(order.n,), good_until=card.expires)
        self.proofread.stop(work, letter, case, playbook, now, card.code)
        return [letter]

    def _stopped(self, work: Work, case: Case, order: CardOrder, why: str, now: datetime) -> None:
        """Keep the card, tell the owner once why its letter was not written, and try again."""
        work.orders.place(case.ref, order.n, order.money, now)
        work.orders.put_off(order.key, now + _BACK_OFF[-1], why)
        if case.stopped and case.stopped[1] == why:
            return
        log.letter_stopped(case.ref, why)
        stopped = LetterStopped(at=now, kind="gift-card", why=why)
        brief = Brief(because=said("a letter could not be written"), problems=(why,))
        self._record(work, case, [stopped, self._nudge(case, brief, now)], now)

    # --- it did not come ---

    def _no_card(self, work: Work, case: Case, order: CardOrder, found: NoCard, now: datetime) -> None:
        """Put the order off; the owner hears of what lasts, once a day."""
        wait = _BACK_OFF[-1] if found.lasting else _BACK_OFF[min(order.attempts, len(_BACK_OFF) - 1)]
        work.orders.put_off(order.key, now + wait, found.why)
        log.card_waits(order.key, found.why, now + wait)
        self.stock.watch(work, order.money, now)
        lasts = found.lasting or order.attempts + 1 >= len(_BACK_OFF)
        if not lasts or (case.card_lacking_at and now - case.card_lacking_at < _A_DAY):
            return
        value = f"{order.money.amount} {order.money.currency}"
        because = said("the gift card of {value} cannot be sent yet: {why}", value=value, why=found.why)
        lacking = GiftCardLacking(at=now, n=order.n, why=found.why)
        told = OwnerNudged(at=now, matter=f"gift card {now:%Y-%m-%dT%H:%M}", whom=case.owner, why=because)
        brief = Brief(because=because, asks=(f"refused: {order.n}",))
        self._record(work, case, [lacking, told, self._nudge(case, brief, now)], now)

    def _nudge(self, case: Case, brief: Brief, now: datetime) -> Step:
        playbook = self._playbook(case)
        return self.write.desk(NUDGE, case, playbook, now, brief, playbook.owner_of(case.owner))

    def _record(self, work: Work, case: Case, steps: list[Step], now: datetime) -> None:
        after = work.cases.record(case, steps, lambda _: now, now)
        work.mail.want_marks(case.ref, marks(after))
        for step in steps:
            log.happened(case.ref, type(as_event(step, now)).__name__, after.stage)

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]
