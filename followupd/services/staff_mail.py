"""A low stock of gift cards is told to who can fill it, once a day for each value, before it is empty."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from followupd import log
from followupd.domain.compensation import Money
from followupd.domain.decision import Agenda, Brief, Writer
from followupd.domain.letter import ANSWER, DIGEST
from followupd.domain.playbook import Playbook
from followupd.domain.records import Kept, Remark
from followupd.domain.team import Agent, Role
from followupd.domain.translatable import said
from followupd.errors import LetterError
from followupd.services.ports import Ledger, Work


@dataclass(frozen=True, slots=True)
class Returned:
    """Gives words back; IMAP never says who set a tag, so the owner of the case hears of it."""

    playbooks: Mapping[str, Playbook]
    write: Writer

    def tag(self, work: Work, kept: Kept, remark: Remark, problem: str, now: datetime) -> None:
        """Tell the owner of the case, or for a mail without a case the owner of the default playbook."""
        ref = kept.case_ref or work.cases.naming(kept.message.thread)
        log.not_understood(remark.source, ref or "")
        if not ref:
            self._without_case(work, kept, remark, problem, now)
            return
        case = work.cases.get(ref)
        playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
        because = said("a {source} was not understood", source=said(remark.source))
        brief = Brief(problems=(problem,), because=because, quote=kept.message.subject)
        mail = self.write.desk(ANSWER, case, playbook, now, brief, playbook.owner_of(case.owner))
        work.cases.record(case, [mail], lambda _: now, now)

    def _without_case(self, work: Work, kept: Kept, remark: Remark, problem: str, now: datetime) -> None:
        default = self.playbooks["default"]
        day = default.calendar.local(now).date()
        about = kept.message.subject or kept.message.sender.address
        agenda = Agenda(
            key=f"{DIGEST}.{day.isoformat()}.{remark.source}-{remark.id}", day=day,
            house=(said("a {source} was not understood", source=said(remark.source)), f"“{about}”: {problem}" if about else problem),
        )  # fmt: skip
        if not work.outbox.known(agenda.key):
            work.outbox.queue(self.write.digest(agenda, default, now, kept.mailbox, default.owner_of("")), now)
            log.letter_written(agenda.key)


#: more problems than this stand in `followupd check` alone
_MOST = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """Writes with the letters that stay: `playbooks` and `write` are the old ones."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: Writer
    mailbox: str

    def tell(self, problems: Sequence[str], now: datetime) -> bool:
        """Queue the mail; False where the same was told today."""
        default = self.playbooks["default"]
        chief = default.team.first(Role.LEAD) or default.owner_of("")
        day = default.calendar.local(now).date()
        mark = hashlib.sha256("\n".join(sorted(problems)).encode()).hexdigest()[:12]
        why = said("new letters or settings were not taken in, and the old ones go on: `followupd check` says the same")
        house = (why, *problems[:_MOST])
        agenda = Agenda(key=f"{DIGEST}.{day.isoformat()}.refused-{mark}", day=day, house=house)
        with self.ledger.work() as work:
            if work.outbox.known(agenda.key):
                return False
            letter = self.write.digest(agenda, default, now, self.mailbox, chief)
            work.outbox.queue(letter, now)
        log.letter_written(letter.key)
        return True


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
        log.stock_low(value, left)
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
            log.letter_stopped(key, str(error))

    def _admin(self, default: Playbook) -> Agent:
        known = default.team.by_address(self.settings.admin)
        if known or not self.settings.admin:
            return known or default.team.first(Role.LEAD) or default.owner_of("")
        return Agent(id="admin", name="Administrator", email=self.settings.admin, phone="")
