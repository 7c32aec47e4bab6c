"""The digest: once a working day, at opening, each agent hears in one mail of all that waits, and nothing when nothing does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from followupd import journal
from followupd.errors import LetterError
from followupd.model.agenda import Agenda, Item
from followupd.model.agent import Agent, Role
from followupd.model.case import Case
from followupd.model.kept import QUARANTINE
from followupd.model.letter import DIGEST, Writer
from followupd.model.outgoing import Condition, Outgoing
from followupd.model.playbook import Playbook
from followupd.recovery.waiting import suspicion, waiting
from followupd.rounds.doors import Ledger, Work

#: the ledger's memory of the last day that had its digests
_PULSE = "digest"
#: a single case that waits has its reminders; a list begins with two
_SEVERAL = 2
#: more lines than this in one part of a mail are not read
_MOST = 40


class News(Protocol):
    """Says what was learnt since a moment, "" when nothing was."""

    def news_since(self, since: datetime | None) -> str: ...


@dataclass(slots=True)
class Digest:
    """Writes the day's digests; they leave in the name of `mailbox`."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: Writer
    mailbox: str
    lessons: News
    _seen: date | None = field(default=None, init=False)  # spares a query a second; what counts stands in the ledger

    def round(self, now: datetime) -> int:
        """Write today's digests if the house is open and they are not written; return how many there were."""
        calendar = self._default.calendar
        today = calendar.local(now).date()
        if today == self._seen or not calendar.is_working_day(today) or now < calendar.moment(today, calendar.open):
            return 0
        with self.ledger.work() as work:
            last = work.pulse.get(_PULSE)
            written = last is not None and str(last[0]) >= today.isoformat()
            letters = [] if written else self._written(work, today, last[1] if last else None, now)
            for letter in letters:
                work.outbox.queue(letter, now)
                journal.letter_written(letter.key)
            if not written:
                work.pulse.put(_PULSE, today.isoformat(), now)
        self._seen = today
        return len(letters)

    def _written(self, work: Work, today: date, since: datetime | None, now: datetime) -> list[Outgoing]:
        cases, house = work.cases.unfinished(), self._house(work, since)
        chief = self._default.team.first(Role.LEAD) or self._default.owner_of("")
        found = []
        for agent in self._default.team.agents:
            mine = [case for case in cases if self._playbook(case).owner_of(case.owner) == agent]
            agenda = self._agenda(agent, mine, today, house if agent == chief else (), now)
            if _says_something(agenda) and not work.outbox.known(agenda.key):
                found += self._letter(agenda, agent, now)
        return found

    def _agenda(self, agent: Agent, cases: list[Case], today: date, house: tuple[str, ...], now: datetime) -> Agenda:
        asked = [item for case in cases if (item := suspicion(case))]
        open_ones = [item for case in cases if (item := waiting(case, self._playbook(case), now))]
        left_out = max(0, len(asked) - _MOST) + max(0, len(open_ones) - _MOST)
        more = (f"{left_out} more wait; `followupd cases` lists them all",) if left_out else ()
        return Agenda(
            key=f"{DIGEST}.{today.isoformat()}.{agent.id}", day=today, suspected=_oldest(asked), waiting=_oldest(open_ones),
            house=(*house, *more),
        )  # fmt: skip

    def _letter(self, agenda: Agenda, agent: Agent, now: datetime) -> list[Outgoing]:
        try:
            return [self.write.digest(agenda, self._default, now, self.mailbox, agent)]
        except LetterError as error:  # an admin's template; tomorrow is another day, and `check` says where it is wrong
            journal.letter_stopped(agenda.key, str(error))
            return []

    def _house(self, work: Work, since: datetime | None) -> tuple[str, ...]:
        """What concerns no single case; quarantine only when something new lies there."""
        doubts = [state.letter.key for state in work.outbox.all(Condition.DOUBT)]
        unread, all_unread = work.mail.count(QUARANTINE, since), work.mail.count(QUARANTINE)
        breaker = work.pulse.get("breaker")
        said = (
            f"nobody knows whether these letters left: {', '.join(doubts)}" if doubts else "",
            f"{unread} new mail(s) lie in quarantine, {all_unread} in all: look for the tag fu-quarantine"
            if unread
            else "",
            "the breaker is open and nothing leaves: see `followupd status`"
            if breaker and breaker[0] == "open"
            else "",
            self.lessons.news_since(since),
        )
        return tuple(line for line in said if line)

    @property
    def _default(self) -> Playbook:
        return self.playbooks["default"]

    def _playbook(self, case: Case) -> Playbook:
        return (self.playbooks.get(case.playbook) or self._default).for_severity(case.severity)


def _oldest(items: list[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.since, item.case.ref))[:_MOST])


def _says_something(agenda: Agenda) -> bool:
    return bool(agenda.suspected or agenda.house) or len(agenda.waiting) >= _SEVERAL
