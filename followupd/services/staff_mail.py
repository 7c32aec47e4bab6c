"""Write the notices to agents, apart from reminders.

Returned commands, look-ups, absences, a refused reload, a low stock of gift cards.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.calendar import day
from followupd.domain.case import Case, Stage
from followupd.domain.command import line_shown, quoted
from followupd.domain.compensation import Money
from followupd.domain.decision import Agenda, LetterContent, LookedUp
from followupd.domain.events import Remarked
from followupd.domain.keys import StateKey
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import PendingCommand, StoredMail
from followupd.domain.playbook import Agent, Playbook, Role, Team
from followupd.domain.translatable import msg, msgid
from followupd.errors import LetterError, NotUnderstoodError
from followupd.recovery.agenda import suspicion, waiting
from followupd.recovery.commands.context import names_no_day
from followupd.recovery.recurrence import Spike
from followupd.recovery.remind import summary_of
from followupd.services.context import PromiseLineReader, ServiceContext
from followupd.services.record import quarantine, record

#: the line with which an agent dismisses the complaints of a flood, all at once
DISMISS_FLOOD = "dismiss flood"
FLOOD_LINE = msgid(
    "{n} complaints came faster than agents can be asked about each, and nobody hears anything from us: "
    "`followupd cases` lists them, and `dismiss flood` in answer to this mail dismisses them all"
)
#: who is away for longer has mistaken the year: "until 2 December", said on the 21st
_LONGEST_ABSENCE = timedelta(days=183)
#: a longer one is asked about if its dates are numbers alone: "31/12 - 1/6"
_ODD_ABSENCE = timedelta(days=60)
_DAY_AND_MONTH = re.compile(r"(?<!\d)\d{1,2}[/.-]\d{1,2}(?!\d)")
#: how long a refused desk mail is told about
_REFUSED_FOR = timedelta(days=3)
#: at most this many problems of a refused reload are listed; `followupd check` shows all of them
_MAX_PROBLEMS = 20
#: at most this many cases of a customer are shown
_MAX_SHOWN = 10
_REFERENCE = re.compile(r"\bFU-[A-Z0-9]{5,12}\b")
_ADDRESS = re.compile(r"[^\s<>\"',;:()]{1,64}@[^\s<>\"',;:()]{1,255}")


#: mails to one agent in a day about one case, or about none
_MOST_A_DAY = 30


@dataclass(frozen=True, slots=True)
class StaffNotices:
    """Queues notices to agents; the same notice is written once a day."""

    context: ServiceContext

    def command_returned(
        self,
        tx: Transaction,
        mail: StoredMail,
        command: PendingCommand,
        problem: str,
        now: datetime,
        draft: str = "",
    ) -> None:
        """Report a tag or a move that could not be executed to the case's owner, with better lines if there are any.

        IMAP does not record who made it. For a mail without a case the owner of the default playbook is told.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            command: the agent's order.
            problem: why it was not done.
            now: the time of the cycle, in UTC.
            draft: a better line, where there is one.
        """
        ref = mail.case_ref or tx.cases.ref_for(mail.message.thread)
        log.command_not_understood(command.source, ref or "")
        because = msg("a {source} was not understood", source=msg(command.source))
        if ref:
            case = tx.cases.get(ref)
            playbook = self.context.playbooks.for_case(case)
            content = LetterContent(
                problems=(problem,),
                because=because,
                quote=mail.message.subject,
                asks=tuple(draft.splitlines()),
            )
            owner = playbook.owner_of(case.owner)
            answer = self.context.letters.desk(LetterKind.ANSWER, case, playbook, now, content, owner)
            record(tx, case, [answer], now)
            return

        about = mail.message.subject or mail.message.sender.address
        shown = f"“{about}”: {problem}" if about else problem
        key = notice_key(self._today(now), f"{command.source}-{command.id}")
        owner = self.context.playbooks.default.owner_of("")
        self.queue(tx, key, [because, shown], owner, now, mailbox=mail.mailbox)

    def set_aside(self, tx: Transaction, mail: StoredMail, ref: str, why: str, now: datetime) -> None:
        """Quarantine a mail in an agent's name that is not believed; tell the agent, once a day for each case.

        Args:
            tx: the transaction.
            mail: the mail.
            ref: the case that it is about, "" if it is about none.
            why: why it is not believed.
            now: the time of the cycle, in UTC.

        Raises:
            LetterError: the notice cannot be written.
        """
        quarantine(tx, mail, f"a mail in an agent's name that is not believed: {why}")
        agent = self.context.playbooks.default.team.by_address(mail.message.sender.address)
        if agent is None:
            return

        about = mail.message.subject or ref
        said = msg(
            "nothing was done of a mail in your name, “{about}”, and none like it counts: {why}",
            about=about,
            why=why,
        )
        advice = msg(
            "if you wrote it, say it again by a tag or `followupd tell`, and show this to whoever runs "
            "your mail server; the mail has the tag fu-quarantine"
        )
        key = notice_key(self._today(now), f"not-believed-{agent.id}-{ref}")
        self.queue(tx, key, [said, advice], agent, now, mailbox=mail.mailbox)

    def reload_refused(self, problems: Sequence[str], now: datetime) -> bool:
        """Tell the lead why new settings or letters were not accepted; return False where it was told today.

        The notice is rendered with the letters that stay in use.
        """
        digest_of_problems = hashlib.sha256("\n".join(sorted(problems)).encode()).hexdigest()
        key = notice_key(self._today(now), f"refused-{digest_of_problems[:12]}")
        why = msg(
            "new letters or settings were not taken in, and the old ones go on: "
            "`followupd check` says the same"
        )

        with self.context.ledger.transaction() as tx:
            return self.queue(tx, key, [why, *problems[:_MAX_PROBLEMS]], self.lead, now)

    def breaker_opened(self, now: datetime) -> int:
        """Tell the leads, once a day, that the breaker is open; return how many mails were written.

        The breaker does not stop this mail.
        """
        with self.context.ledger.transaction() as tx:
            if tx.state.value(StateKey.BREAKER, "closed") == "closed":
                return 0

            reason = str(tx.state.value(StateKey.BREAKER_REASON, ""))
            why = msg("the breaker keeps letters back: {why}", why=reason)
            advice = msg("look at `followupd letters`; `followupd resume` lets them leave again")
            return self._tell_leads(tx, "breaker", [why, advice], now)

    def ledger_lost(self, why: str, now: datetime) -> list[Letter]:
        """Return the mails to the leads that say how the ledger was lost; no outbox is left to queue them in."""
        lines = [msg("the ledger was lost while followupd ran, and nothing is sent: {why}", why=why)]
        day = self._today(now)
        return [self._notice(notice_key(day, f"lost-{lead.id}"), lines, lead, now) for lead in self._leads]

    def undelivered(self, admin: str, now: datetime) -> int:
        """Tell somebody else, once a day for each address, that mails to a lead or manager are refused for good.

        The next lead is told, else a manager, the owner of the default playbook, or the administrator; never at
        an address that refuses mails itself. Of an agent's mails the lead hears by the case's reminders.

        Args:
            admin: the administrator's address, "" for none.
            now: the time of the cycle, in UTC.

        Returns:
            How many mails were written.
        """
        with self.context.ledger.transaction() as tx:
            refused = tx.outbox.refused_desk_mails(now - _REFUSED_FOR)
            if not refused:
                return 0
            refusing = {address.casefold() for _, address in refused}
            ladder = self._ladder(admin)
            unheard = refusing & {agent.email.casefold() for agent in ladder if agent.role is not Role.AGENT}
            reachable = [agent for agent in ladder if agent.email.casefold() not in refusing]
            if not reachable:  # the log, `status` and the metrics tell it
                return 0
            return sum(
                self._tell_undelivered(tx, address, len(refused), reachable[0], now)
                for address in sorted(unheard)
            )

    def _tell_undelivered(
        self, tx: Transaction, address: str, count: int, agent: Agent, now: datetime
    ) -> bool:
        """Queue the notice about one address; return False where it was told today.

        Args:
            tx: the transaction.
            address: where mails do not arrive.
            count: how many came back.
            agent: who is told.
            now: the time of the cycle, in UTC.
        """
        key = notice_key(self._today(now), f"undelivered-{hashlib.sha256(address.encode()).hexdigest()[:12]}")
        why = msg(
            "mails to {address} are refused for good, and nobody has read what they ask", address=address
        )
        advice = msg(
            "correct the address in followupd.toml; `followupd letters --status refused` lists the mails ({n})",
            n=count,
        )
        return self.queue(tx, key, [why, advice], agent, now)

    def _ladder(self, admin: str) -> list[Agent]:
        """Return who is told what concerns the company, one after the other."""
        default = self.context.playbooks.default
        managers = [agent for agent in default.team.agents if agent.role is Role.MANAGER]
        last = [administrator(default.team, admin)] if admin else []
        return [*self._leads, *managers, default.owner_of(""), *last]

    def flooded(self, now: datetime) -> int:
        """Tell the leads at once, and once a day, that more complaints came than agents are asked about singly.

        Return how many mails were written.
        """
        with self.context.ledger.transaction() as tx:
            if not tx.state.value(StateKey.FLOOD):
                return 0

            tx.state.put(StateKey.FLOOD, 0, now)
            if tx.outbox.contains(notice_key(self._today(now), f"flood-{self.lead.id}")):
                return 0  # told today; counting reads every open case
            n = sum(case.flood and case.stage is Stage.SUSPECTED for case in tx.cases.unfinished())
            return self._tell_leads(tx, "flood", [msg(FLOOD_LINE, n=n)], now)

    def spike(self, tx: Transaction, cause: str, found: Spike, now: datetime) -> int:
        """Tell the leads that a cause comes more often than chance explains; return how many mails were written."""
        since = day(found.since, self.context.playbooks.default.calendar)
        pattern = msgid(
            "{n} complaints about {cause} since {when} are no chance: in the twelve weeks before there were {usual}"
        )
        line = msg(pattern, n=found.count, cause=cause, when=since, usual=found.usual)
        return self._tell_leads(tx, f"spike-{cause}", [line], now)

    def _tell_leads(self, tx: Transaction, name: str, lines: Sequence[str], now: datetime) -> int:
        """Queue a notice to each lead, one of a name a day, and return how many were written.

        Args:
            tx: the transaction.
            name: the name of the file.
            lines: what was said.
            now: the time of the cycle, in UTC.
        """
        today = self._today(now)
        return sum(
            self.queue(tx, notice_key(today, f"{name}-{lead.id}"), lines, lead, now) for lead in self._leads
        )

    def queue(
        self,
        tx: Transaction,
        key: str,
        lines: Iterable[str],
        agent: Agent,
        now: datetime,
        mailbox: str = "",
    ) -> bool:
        """Queue a notice; return False where the outbox has one with this key.

        Args:
            tx: the transaction.
            key: the notice's key (`notice_key`).
            lines: what it says, one paragraph each.
            agent: the recipient.
            now: the time of the cycle, in UTC.
            mailbox: the mailbox from which it is sent, by default the first one.

        Raises:
            LetterError: the digest's template cannot be rendered.
        """
        if tx.outbox.contains(key):
            return False

        tx.outbox.queue(self._notice(key, lines, agent, now, mailbox), now)
        log.letter_written(key)
        return True

    def _notice(
        self, key: str, lines: Iterable[str], agent: Agent, now: datetime, mailbox: str = ""
    ) -> Letter:
        """Return a notice, as `queue` takes it.

        Args:
            key: the key of the letter.
            lines: what was said.
            agent: the agent.
            now: the time of the cycle, in UTC.
            mailbox: an open one.
        """
        agenda = Agenda(key=key, day=self._today(now), general=tuple(lines))
        sender = mailbox or self.context.mailbox
        return self.context.letters.digest(agenda, self.context.playbooks.default, now, sender, agent)

    @property
    def lead(self) -> Agent:
        """The agent who is told what concerns the company as a whole."""
        default = self.context.playbooks.default
        return default.team.first(Role.LEAD) or default.owner_of("")

    @property
    def _leads(self) -> list[Agent]:
        """All leads."""
        agents = self.context.playbooks.default.team.agents
        return [agent for agent in agents if agent.role is Role.LEAD] or [self.lead]

    def _today(self, now: datetime) -> date:
        """Return the day, by the default playbook's calendar."""
        return self.context.playbooks.default.calendar.local(now).date()


@dataclass(frozen=True, slots=True)
class LookUpService:
    """Answers what agents ask to see, from the ledger; nothing is changed."""

    context: ServiceContext

    def answer(
        self, tx: Transaction, verb: str, text: str, ref: str, agent: Agent, now: datetime
    ) -> tuple[LookedUp, ...]:
        """Return what one look-up has found.

        Args:
            tx: the transaction.
            verb: help, show or today.
            text: of `show`: a case, a customer's address or nothing.
            ref: the case that the note is about, "" for none.
            agent: who asks.
            now: the time of the cycle, in UTC.
        """
        if verb == "help":
            return (LookedUp(is_help=True),)
        if verb == "today" or text.casefold() == "today":
            return (self._waiting(tx, agent, now),)
        return self._shown(tx, text or ref, now) or (LookedUp(msg("no case is known for {what}", what=text)),)

    def _waiting(self, tx: Transaction, agent: Agent, now: datetime) -> LookedUp:
        """Return what waits for an agent, one line a case.

        Args:
            tx: the transaction.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        lines = []
        for case in tx.cases.unfinished():
            playbook = self.context.playbooks.for_case(case)
            item = suspicion(case) or waiting(case, playbook, now)
            if item and playbook.owner_of(case.owner).id == agent.id:
                who = case.customer.shown
                lines.append(msg("{ref}, {who}: {what}", ref=case.ref, who=who, what=item.what))
        if not lines:
            return LookedUp(msg("nothing waits for you"))
        return LookedUp(msg("what waits for you"), tuple(lines))

    def _shown(self, tx: Transaction, wanted: str, now: datetime) -> tuple[LookedUp, ...]:
        """Return the cases that a reference or a customer's address names, the newest first.

        Args:
            tx: the transaction.
            wanted: a reference or an address.
            now: the time of the cycle, in UTC.
        """
        ref = _REFERENCE.search(wanted.upper())
        address = _ADDRESS.search(wanted)
        if ref:
            return (self._case(tx, tx.cases.get(ref[0]), now),) if tx.cases.exists(ref[0]) else ()
        if address is None:
            return ()
        newest = list(reversed(tx.cases.of_customer(address[0])))[:_MAX_SHOWN]
        return tuple(self._case(tx, case, now) for case in newest)

    def _case(self, tx: Transaction, case: Case, now: datetime) -> LookedUp:
        """Return one case in lines: whose it is, what was said and done, and the agents' remarks.

        Args:
            tx: the transaction.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        who = case.customer.shown or msg("a customer who was forgotten")
        title = msg("{ref}, {who}: {subject}", ref=case.ref, who=who, subject=case.subject or "-")
        owner = playbook.owner_of(case.owner)
        lines = [
            msg("stage: {stage}; looked after by {name}", stage=case.stage.named, name=owner.name),
            *summary_of(case, playbook, now),
            *remarks_of(tx, case, playbook),
        ]
        return LookedUp(title, tuple(lines))


def remarks_of(tx: Transaction, case: Case, playbook: Playbook) -> Iterator[str]:
    """Yield what agents said of a case in free words, and when.

    Args:
        tx: the transaction.
        case: the case.
        playbook: whose calendar says which day that was.
    """
    for event in tx.cases.history(case.ref):
        if isinstance(event, Remarked):
            when = day(event.at, playbook.calendar)
            yield msg("{name} on {when}: {words}", name=event.by, when=when, words=event.text)


@dataclass(frozen=True, slots=True)
class AbsenceService:
    """Knows which agents are away: by the configuration, by `away:`, or by an out-of-office reply."""

    context: ServiceContext

    def refresh(self, now: datetime) -> None:
        """Have the work of those who are away now done by those who stand in."""
        playbooks = self.context.playbooks
        today = playbooks.default.calendar.local(now).date()
        with self.context.ledger.transaction() as tx:
            absences = _absences(tx)

        away = [agent.id for agent in playbooks.default.team.agents if agent.is_away_on(today)]
        away += [agent_id for agent_id, (since, back) in absences.items() if since <= now < back]
        playbooks.set_absent(frozenset(away))

    def say(self, tx: Transaction, agent: Agent | None, text: str, now: datetime) -> None:
        """Store what an agent says about their own absence: "until 3 January", or "no" when it is over.

        Args:
            tx: the transaction.
            agent: the agent.
            text: what is read.
            now: the time of the cycle, in UTC.

        Raises:
            NotUnderstoodError: nobody knows who says so, or until when.
        """
        if agent is None:
            problem = msg(
                "{line}: say it in an answer to a desk mail of yours", line=line_shown(f"away: {text}")
            )
            raise NotUnderstoodError(problem)

        if self.context.grammar.is_no(text):
            self.store(tx, agent, now, now)
            return

        language = self.context.languages.language(self.context.language)
        reader = PromiseLineReader(self.context.playbooks.default, language, any_year=True)
        first, last = reader.split_span(text, now)
        back = last.due
        if back is None or not now < back < now + _LONGEST_ABSENCE:
            raise names_no_day(f"away: {text}", "away")
        if back - now > _ODD_ABSENCE and _DAY_AND_MONTH.search(text):
            raise self._odd_absence(text, back)
        calendar = reader.playbook.calendar
        since = calendar.moment(calendar.local(first).date(), time.min) if first else now
        self.store(tx, agent, back, now, since)
        if any(map(str.isalnum, last.text)):
            raise self._says_more(agent, last.text, since, back)

    def _odd_absence(self, text: str, back: datetime) -> NotUnderstoodError:
        """Return that a long absence may have its day and its month the wrong way round.

        Args:
            text: what the agent said.
            back: the end.
        """
        local = self.context.playbooks.default.calendar.local(back)
        when = f"{local.day} {local:%B %Y}"
        problem = msg(
            "{line}: is that {day}? Nothing is noted yet; say the month as a word",
            line=line_shown(f"away: {text}"),
            day=when,
        )
        return NotUnderstoodError(problem)

    def _says_more(self, agent: Agent, more: str, since: datetime, back: datetime) -> NotUnderstoodError:
        """Return that an absence is noted, and what else was said of it is not: who stands in is configured.

        Args:
            agent: who is away.
            more: what follows the date.
            since: the beginning.
            back: the end.
        """
        playbook = self.context.playbooks.default
        team = playbook.team.without(agent)
        problem = msg(
            "you are away from {since} until {until}, that is noted; {more} is not: {who} stands in. Somebody else "
            "is for the configuration; I know {known}",
            since=day(since, playbook.calendar),
            until=day(back, playbook.calendar),
            more=quoted(more.strip(" ,.;")),
            who=team.present(agent).name,
            known=", ".join(each.id for each in playbook.team.agents if each.id != agent.id),
        )
        return NotUnderstoodError(problem)

    def next_morning(self, now: datetime) -> datetime:
        """Return when the office opens next, on a later day: until then an absence note without a date counts."""
        calendar = self.context.playbooks.default.calendar
        tomorrow = calendar.local(now).date() + timedelta(days=1)
        return calendar.next_open(calendar.moment(tomorrow, calendar.open))

    def store(
        self, tx: Transaction, agent: Agent, until: datetime, now: datetime, since: datetime | None = None
    ) -> bool:
        """Store from when until when an agent is away, and tell the one who stands in.

        The same dates said twice are told once: it returns False then. Absences that are over are forgotten.

        Args:
            tx: the transaction.
            agent: who is away.
            until: when the agent is back; a time that has come ends an absence.
            now: the time of the cycle, in UTC.
            since: the beginning, None for now.
        """
        begin = max(since or now, now)
        absences = {name: span for name, span in _absences(tx).items() if span[1] > now}
        known = absences.get(agent.id)
        if known is None and until <= now:
            return False
        if known and known[1] == until and (known[0] == begin or max(known[0], begin) <= now):
            return False
        absences[agent.id] = (begin, until)
        stored = {name: "/".join(at.isoformat() for at in span) for name, span in absences.items()}
        tx.state.put(StateKey.ABSENCES, stored, now)
        log.agent_away(agent.id, until)

        playbook = self.context.playbooks.default
        team = playbook.team.without(agent)
        deputy = team.present(agent)
        if deputy != agent:
            self._tell_deputy(tx, deputy, agent, (begin, until), now)
        return True

    def _tell_deputy(
        self, tx: Transaction, deputy: Agent, agent: Agent, absence: tuple[datetime, datetime], now: datetime
    ) -> None:
        """Tell the one who stands in from when until when an agent is away, or that the agent is back.

        Args:
            tx: the transaction.
            deputy: who is told.
            agent: who is away.
            absence: the beginning and the end.
            now: the time of the cycle, in UTC.
        """
        begin, until = absence
        playbook = self.context.playbooks.default
        when = day(until, playbook.calendar)
        line = msg(
            "{who} is away until {when}; what concerns these cases comes to you", who=agent.name, when=when
        )
        if begin > now:
            line = msg(
                "{who} is away from {since} until {when}; what concerns these cases comes to you then",
                who=agent.name,
                since=day(begin, playbook.calendar),
                when=when,
            )
        if until <= now:
            line = msg("{who} is back; what concerns these cases goes there again", who=agent.name)
        key = notice_key(playbook.calendar.local(now).date(), f"away-{agent.id}-{until:%Y%m%d%H%M}")
        StaffNotices(self.context).queue(tx, key, [line], deputy, now)


def _absences(tx: Transaction) -> dict[str, tuple[datetime, datetime]]:
    """Return from when until when agents are away who said so by mail.

    Args:
        tx: the transaction. Ledgers before release 0.1 know the end alone.
    """
    found = {}
    for name, text in tx.state.value(StateKey.ABSENCES, {}).items():
        since, _, back = text.rpartition("/")
        end = datetime.fromisoformat(back)
        found[name] = (datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC), end)
    return found


def administrator(team: Team, address: str) -> Agent:
    """Return who has the administrator's address: an agent, or somebody who is none."""
    return team.by_address(address) or Agent(
        id="admin", name="Administrator", email=address, phone="", role=Role.MANAGER
    )


def is_flooded(tx: Transaction, agent: Agent, case: str, now: datetime) -> bool:
    """Return whether an agent was written so much about a case ("" for none) today that mails from outside flood it.

    Each such mail is shown, or answered, to the agent; anybody can send thousands. Those beyond the limit stay in
    the case or in quarantine, which the next digest counts.

    Args:
        tx: the transaction.
        agent: who would be written to.
        case: the reference of the case.
        now: the time of the cycle, in UTC.
    """
    return tx.outbox.count_to(agent.email, case, now - timedelta(days=1)) >= _MOST_A_DAY


def notice_key(on: date, name: str) -> str:
    """Return the key of a notice, which allows one of each name a day."""
    return f"{LetterKind.DIGEST}.{on.isoformat()}.{name}"


class StockSettings(Protocol):
    """When the stock of gift cards is low, and who is told."""

    @property
    def watched(self) -> int:
        """The number of cards below which the stock is low; 0 where none is watched."""

    @property
    def admin(self) -> str:
        """The address of the person who fills the stock, "" for the lead."""


@dataclass(frozen=True, slots=True)
class LowStock:
    """Watches the stock of imported gift cards, and tells the person who can fill it before it is empty."""

    context: ServiceContext
    settings: StockSettings

    def watch(self, tx: Transaction, money: Money, now: datetime) -> None:
        """Queue a notice, once a day for each value, while the stock is low."""
        if not self.settings.watched:
            return

        left = tx.cards.count_available(money, now)
        today = self.context.playbooks.default.calendar.local(now).date()
        key = notice_key(today, f"stock-{money.minor}-{money.currency}")
        if left >= self.settings.watched or tx.outbox.contains(key):
            return

        log.stock_low(str(money), left)
        why: str = msg("no gift card of {value} is left in stock", value=money)
        if left:
            why = msg("only {n} gift cards of {value} are left in stock", n=left, value=money)

        advice = msg("`followupd gift-cards import FILE` puts more of them in")

        try:
            StaffNotices(self.context).queue(tx, key, [why, advice], self._recipient, now)
        except LetterError as error:  # an admin's template; `followupd check` names it
            log.letter_stopped(key, str(error))

    @property
    def _recipient(self) -> Agent:
        """The person who fills the stock."""
        notices = StaffNotices(self.context)
        address = self.settings.admin
        if not address:
            return notices.lead

        return administrator(self.context.playbooks.default.team, address)
