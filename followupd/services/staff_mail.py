"""A low stock of gift cards is told to who can fill it, once a day for each value, before it is empty."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from followupd import log
from followupd.domain.compensation import Money
from followupd.domain.decision import Agenda, LetterContent, LetterRenderer
from followupd.domain.letter import ANSWER, DIGEST
from followupd.domain.playbook import Playbook
from followupd.domain.records import PendingCommand, StoredMail
from followupd.domain.team import Agent, Role
from followupd.domain.translatable import msg
from followupd.errors import LetterError
from followupd.services.ports import Ledger, Transaction


@dataclass(frozen=True, slots=True)
class ReturnedCommand:
    """Gives words back; IMAP never says who set a tag, so the owner of the case hears of it."""

    playbooks: Mapping[str, Playbook]
    write: LetterRenderer

    def tag(
        self, tx: Transaction, kept: StoredMail, remark: PendingCommand, problem: str, now: datetime
    ) -> None:
        """Tell the owner of the case, or for a mail without a case the owner of the default playbook."""
        ref = kept.case_ref or tx.cases.ref_for(kept.message.thread)
        log.command_not_understood(remark.source, ref or "")
        if not ref:
            self._without_case(tx, kept, remark, problem, now)
            return
        case = tx.cases.get(ref)
        playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
        because = msg("a {source} was not understood", source=msg(remark.source))
        brief = LetterContent(problems=(problem,), because=because, quote=kept.message.subject)
        mail = self.write.desk(ANSWER, case, playbook, now, brief, playbook.owner_of(case.owner))
        tx.cases.record(case, [mail], lambda _: now, now)

    def _without_case(
        self, tx: Transaction, kept: StoredMail, remark: PendingCommand, problem: str, now: datetime
    ) -> None:
        default = self.playbooks["default"]
        day = default.calendar.local(now).date()
        about = kept.message.subject or kept.message.sender.address
        agenda = Agenda(
            key=f"{DIGEST}.{day.isoformat()}.{remark.source}-{remark.id}",
            day=day,
            general=(
                msg("a {source} was not understood", source=msg(remark.source)),
                f"“{about}”: {problem}" if about else problem,
            ),
        )
        if not tx.outbox.contains(agenda.key):
            tx.outbox.queue(self.write.digest(agenda, default, now, kept.mailbox, default.owner_of("")), now)
            log.letter_written(agenda.key)


#: more problems than this stand in `followupd check` alone
_MOST = 20


@dataclass(frozen=True, slots=True)
class RefusedReload:
    """Writes with the letters that stay: `playbooks` and `write` are the old ones."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    mailbox: str

    def tell(self, problems: Sequence[str], now: datetime) -> bool:
        """Queue the mail; False where the same was told today."""
        default = self.playbooks["default"]
        chief = default.team.first(Role.LEAD) or default.owner_of("")
        day = default.calendar.local(now).date()
        mark = hashlib.sha256("\n".join(sorted(problems)).encode()).hexdigest()[:12]
        why = msg(
            "new letters or settings were not taken in, and the old ones go on: `followupd check` says the same"
        )
        app = (why, *problems[:_MOST])
        agenda = Agenda(key=f"{DIGEST}.{day.isoformat()}.refused-{mark}", day=day, general=app)
        with self.ledger.transaction() as tx:
            if tx.outbox.contains(agenda.key):
                return False
            letter = self.write.digest(agenda, default, now, self.mailbox, chief)
            tx.outbox.queue(letter, now)
        log.letter_written(letter.key)
        return True


class StockSettings(Protocol):
    """What is configured: the stock that is low, 0 where none is watched, and the address that hears of it, "" for the lead."""

    @property
    def watched(self) -> int: ...
    @property
    def admin(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LowStock:
    """Watches the stock of imported codes.

    The mail leaves in the name of `mailbox`, and belongs to no case: who looks after a case cannot fill the stock.
    """

    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    mailbox: str
    settings: StockSettings

    def watch(self, tx: Transaction, money: Money, now: datetime) -> None:
        """Tell of it when fewer cards of this value are left than there should be."""
        left = tx.cards.in_stock(money, now) if self.settings.watched else 0
        value, default = f"{money.amount} {money.currency}", self.playbooks["default"]
        today = default.calendar.local(now).date()
        key = f"{DIGEST}.{today.isoformat()}.stock-{money.minor}-{money.currency}"
        if left >= self.settings.watched or tx.outbox.contains(key):
            return
        log.stock_low(value, left)
        why = (
            msg("only {n} gift cards of {value} are left in stock", n=left, value=value)
            if left
            else msg("no gift card of {value} is left in stock", value=value)
        )
        app = (why, msg("`followupd gift-cards import FILE` puts more of them in"))
        try:
            agenda = Agenda(key=key, day=today, general=app)
            tx.outbox.queue(self.write.digest(agenda, default, now, self.mailbox, self._admin(default)), now)
        except LetterError as error:  # the log has said it, and `check` says where the template is wrong
            log.letter_stopped(key, str(error))

    def _admin(self, default: Playbook) -> Agent:
        known = default.team.by_address(self.settings.admin)
        if known or not self.settings.admin:
            return known or default.team.first(Role.LEAD) or default.owner_of("")
        return Agent(id="admin", name="Administrator", email=self.settings.admin, phone="")
