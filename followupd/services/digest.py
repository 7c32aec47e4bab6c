"""The digest: once a working day, at opening, each agent hears in one mail of all that waits, and nothing when nothing does.

What a digest tells of a case stands in the case's history, and no reminder says it again that day (`recovery/remind`); who
had a reminder of a case today does not find it in the digest. So it has its round before the turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from followupd import log
from followupd.domain.case import Case
from followupd.domain.decision import Agenda, AgendaItem, LetterRenderer
from followupd.domain.events import OwnerNudged
from followupd.domain.letter import DIGEST, Letter, LetterStatus
from followupd.domain.playbook import Playbook
from followupd.domain.records import QUARANTINE
from followupd.domain.team import Agent, Role
from followupd.domain.translatable import msg, sentence_list
from followupd.errors import ConflictError, LetterError
from followupd.recovery import remind
from followupd.recovery.agenda import suspicion, waiting
from followupd.services.ports import Ledger, Transaction

#: the ledger's memory of the last day that had its digests
_PULSE = "digest"
#: a single case that waits has its reminders; a list begins with two
_SEVERAL = 2
#: more lines than this in one part of a mail are not read
_MOST = 40


class TrainingNews(Protocol):
    """Says what was learnt since a moment, "" when nothing was."""

    def news_since(self, since: datetime | None) -> str: ...


@dataclass(slots=True)
class DigestService:
    """Writes the day's digests; they leave in the name of `mailbox`."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    mailbox: str
    lessons: TrainingNews
    _seen: date | None = field(
        default=None, init=False
    )  # spares a query a second; what counts stands in the ledger

    def run(self, now: datetime) -> int:
        """Write today's digests when the house opens, and one for whoever would get several reminders at once."""
        try:
            return self._at_opening(now) + self._at_once(now)
        except ConflictError:
            return 0  # somebody had one of the cases in hand; the next beat writes them all

    def _at_once(self, now: datetime) -> int:
        """Put reminders of several cases that one person would get at this moment into one mail."""
        with self.ledger.transaction() as tx:
            refs = tx.cases.due(now)
            if len(refs) < _SEVERAL:
                return 0
            cases = {ref: tx.cases.get(ref) for ref in refs}
            return sum(self._together(tx, agent, cases, now) for agent in self._default.team.agents)

    def _together(self, tx: Transaction, agent: Agent, cases: dict[str, Case], now: datetime) -> int:
        due = [case for case in cases.values() if remind.due_now(case, self._playbook(case), agent, now)]
        items = _oldest([item for case in due if (item := self._item(case, agent, now))])
        today = self._default.calendar.local(now)
        agenda = Agenda(
            key=f"{DIGEST}.{today:%Y-%m-%d}.{agent.id}.{today:%H%M}", day=today.date(), waiting=items
        )
        if len(items) < _SEVERAL or tx.outbox.contains(agenda.key):
            return 0
        return len(self._sent(tx, agenda, agent, cases, now))

    def _at_opening(self, now: datetime) -> int:
        calendar = self._default.calendar
        today = calendar.local(now).date()
        if (
            today == self._seen
            or not calendar.is_working_day(today)
            or now < calendar.moment(today, calendar.open)
        ):
            return 0
        with self.ledger.transaction() as tx:
            written = self._day(tx, today, now)
        self._seen = today
        return written

    def _day(self, tx: Transaction, today: date, now: datetime) -> int:
        last = tx.state.get(_PULSE)
        if last is not None and str(last[0]) >= today.isoformat():
            return 0
        letters = self._written(tx, today, last[1] if last else None, now)
        tx.state.put(_PULSE, today.isoformat(), now)
        return len(letters)

    def _written(self, tx: Transaction, today: date, since: datetime | None, now: datetime) -> list[Letter]:
        cases, app = {case.ref: case for case in tx.cases.unfinished()}, self._app(tx, since)
        chief = self._default.team.first(Role.LEAD) or self._default.owner_of("")
        found = []
        for agent in self._default.team.agents:
            agenda = self._agenda(agent, list(cases.values()), today, app if agent == chief else (), now)
            if not _says_something(agenda) or tx.outbox.contains(agenda.key):
                continue
            found += self._sent(tx, agenda, agent, cases, now)
        return found

    def _agenda(
        self, agent: Agent, cases: list[Case], today: date, app: tuple[str, ...], now: datetime
    ) -> Agenda:
        calendar = self._default.calendar
        fresh = [case for case in cases if not remind.told_on(case, agent, today, calendar)]
        asked = [item for case in fresh if self._owner(case) == agent and (item := suspicion(case))]
        open_ones = [item for case in fresh if (item := self._item(case, agent, now))]
        left_out = max(0, len(asked) - _MOST) + max(0, len(open_ones) - _MOST)
        more = (msg("{n} more wait; `followupd cases` lists them all", n=left_out),) if left_out else ()
        return Agenda(
            key=f"{DIGEST}.{today.isoformat()}.{agent.id}",
            day=today,
            suspected=_oldest(asked),
            waiting=_oldest(open_ones),
            general=(*app, *more),
        )

    def _item(self, case: Case, agent: Agent, now: datetime) -> AgendaItem | None:
        """Return what waits for this agent in a case: the owner's work, and what the ladder brings up to this rung."""
        playbook = self._playbook(case)
        item = waiting(case, playbook, now) if self._owner(case) == agent else None
        due = remind.for_today(case, playbook, agent, now)
        if item is None and not due:
            return None
        above = any(matter.rung != "owner" for matter in due)
        lines = [
            item.what if item else "",
            *(matter.sentence for matter in due if not (item and matter.listed)),
        ]
        since = min(
            [*([item.since] if item else []), *(matter.at for matter in due if matter.at <= now)],
            default=case.opened_at,
        )
        asks = (*(item.asks if item else ()), *(ask for matter in due for ask in matter.asks))
        return AgendaItem(
            case,
            sentence_list(each for each in lines if each),
            since,
            account=remind.account_of(case, playbook, now) if above else (),
            asks=tuple(dict.fromkeys(asks)),
            matters=tuple(m.name for m in due),
        )

    def _sent(
        self, tx: Transaction, agenda: Agenda, agent: Agent, cases: dict[str, Case], now: datetime
    ) -> list[Letter]:
        """Queue the digest, and put down in its cases what it tells."""
        letters = self._letter(agenda, agent, now)
        for item in agenda.waiting if letters else ():
            cases[item.case.ref] = self._told(tx, cases[item.case.ref], item, agent, now)
        for letter in letters:
            tx.outbox.queue(letter, now)
            log.letter_written(letter.key)
        return letters

    def _told(self, tx: Transaction, case: Case, item: AgendaItem, agent: Agent, now: datetime) -> Case:
        """Put down in the case that its digest has told this agent, so that no reminder tells it again."""
        names = item.matters or (f"digest {now:%Y-%m-%d} {agent.id}",)
        told = [OwnerNudged(at=now, matter=name, whom=agent.id, why="in the digest") for name in names]
        after = tx.cases.record(case, told, lambda _: now, now)
        for event in told:
            log.event_recorded(case.ref, type(event).__name__, after.stage)
        return after

    def _letter(self, agenda: Agenda, agent: Agent, now: datetime) -> list[Letter]:
        try:
            return [self.write.digest(agenda, self._default, now, self.mailbox, agent)]
        except (
            LetterError
        ) as error:  # an admin's template; tomorrow is another day, and `check` says where it is wrong
            log.letter_stopped(agenda.key, str(error))
            return []

    def _app(self, tx: Transaction, since: datetime | None) -> tuple[str, ...]:
        """What concerns no single case; quarantine only when something new lies there."""
        doubts = [state.letter.key for state in tx.outbox.all(LetterStatus.DOUBT)]
        unread, all_unread = tx.mail.count(QUARANTINE, since), tx.mail.count(QUARANTINE)
        breaker = tx.state.get("breaker")
        lines = (
            msg("nobody knows whether these letters left: {keys}", keys=", ".join(doubts)) if doubts else "",
            msg(
                "{n} new mail(s) lie in quarantine, {all} in all: look for the tag fu-quarantine",
                n=unread,
                all=all_unread,
            )
            if unread
            else "",
            msg("the breaker is open and nothing leaves: see `followupd status`")
            if breaker and breaker[0] == "open"
            else "",
            self._undelivered(tx, since),
            self.lessons.news_since(since),
        )
        return tuple(line for line in lines if line)

    def _undelivered(self, tx: Transaction, since: datetime | None) -> str:
        """A digest that was refused has reminded nobody: whoever hears of the house learns whose it was."""
        refused = (state for state in tx.outbox.all(LetterStatus.REFUSED) if state.letter.kind == DIGEST)
        fresh = {state.letter.to.address for state in refused if since is None or state.written_at >= since}
        pattern = "the last digest to {who} could not be delivered, and nobody has read what it says"
        return msg(pattern, who=", ".join(sorted(fresh))) if fresh else ""

    def _owner(self, case: Case) -> Agent:
        return self._playbook(case).owner_of(case.owner)

    @property
    def _default(self) -> Playbook:
        return self.playbooks["default"]

    def _playbook(self, case: Case) -> Playbook:
        return (self.playbooks.get(case.playbook) or self._default).for_severity(case.severity)


def _oldest(items: list[AgendaItem]) -> tuple[AgendaItem, ...]:
    return tuple(sorted(items, key=lambda item: (item.since, item.case.ref))[:_MOST])


def _says_something(agenda: Agenda) -> bool:
    return bool(agenda.suspected or agenda.general) or len(agenda.waiting) >= _SEVERAL
