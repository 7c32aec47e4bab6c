"""Write the digests: one mail a working day, at opening, with everything that waits for an agent.

What a digest says of a case is recorded in the case, and no reminder repeats it on that day
(`recovery/remind`); in turn, a case of which an agent had a reminder today is left out. So digests are
written before cases are advanced.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.calendar import has_come
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Agenda, AgendaItem
from followupd.domain.events import OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind, StateKey
from followupd.domain.letter import Letter, LetterKind, LetterStatus
from followupd.domain.mail import HARDLY_ANY, UNKNOWN_LANGUAGE, MailState
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.errors import ConflictError, LetterError
from followupd.recovery import follow_up, remind
from followupd.recovery.agenda import suspicion, to_approve, waiting
from followupd.recovery.remind.reminders import Reminder
from followupd.services.context import ServiceContext
from followupd.services.maintenance import TrainingService
from followupd.services.record import mark_told, record, untold
from followupd.services.staff_mail import FLOOD_LINE, StaffNotices, notice_key

#: a single waiting case gets its reminder instead of a digest
_MIN_CASES = 2
#: lines that stand in place of a likelier one
_UNLIKELY = frozenset({"late", "withdraw", "withdraw-option", "refuse", "missing", "not-reached"})
_KEPT = "kept: "
#: at most this many cases in one part of a digest
_MAX_CASES = 40
#: what agents read of a case where the mailbox shows no tags
_STANDING = {
    Stage.SUSPECTED: msgid("perhaps a complaint; you decide"),
    Stage.HEARD: msgid("heard, nothing promised yet"),
    Stage.PROMISED: msgid("promised; the confirmation has not left yet"),
    Stage.CONFIRMED: msgid("promised, and the customer has it in writing"),
    Stage.FIXED: msgid("put right; the follow-up is to come"),
    Stage.FOLLOWED_UP: msgid("followed up"),
}
_STANDS = msgid("{ref}, {who}: {state}")
_ON_HOLD = msgid("{ref}, {who}: on hold; {state}")
#: at most this many mails that opened no case are listed for each reason
_MAX_PASSED_OVER = 10
#: why a mail opened no case -> what the digest says of it, and of those beyond the most
_PASSED_OVER = {
    UNKNOWN_LANGUAGE: (
        msgid("in a language that is unknown here: {subject}, from {sender}"),
        msgid("{n} more mails in languages that are unknown here"),
    ),
    HARDLY_ANY: (
        msgid("taken for no complaint, but please look: {subject}, from {sender}"),
        msgid("{n} more mails that were taken for no complaint, but not surely"),
    ),
}


@dataclass(slots=True)
class DigestService:
    """Writes the day's digests."""

    context: ServiceContext
    training: TrainingService
    #: returns a sentence for each login that somebody must renew
    login_warnings: Callable[[], Iterable[str]] = tuple
    #: the last day of which it is known that its digests are written; saves a query in each cycle
    _written_for: date | None = field(default=None, init=False)

    def run(self, now: datetime) -> int:
        """Write today's digests once the office is open; return how many mails were written.

        Besides, each agent with reminders of several cases that are due at once gets them in one mail.
        """
        written = 0
        with suppress(ConflictError):  # a case was changed meanwhile; the next cycle writes them all
            written += self._daily_digests(now)
            written += self._combined_reminders(now)

        return written

    # --- several reminders at once ---

    def _combined_reminders(self, now: datetime) -> int:
        """Combine the reminders of several cases that one agent would get in this cycle into one mail."""
        with self.context.ledger.transaction() as tx:
            refs = tx.cases.due(now)
            if len(refs) < _MIN_CASES:
                return 0
            cases = {ref: tx.cases.get(ref) for ref in refs}
            return sum(self._combine(tx, agent, cases, now) for agent in self._default.team.agents)

    def _combine(self, tx: Transaction, agent: Agent, cases: dict[str, Case], now: datetime) -> int:
        """Write one mail with an agent's reminders that are due; return 1 if there are several.

        Args:
            tx: the transaction.
            agent: to whom it is written.
            cases: those that are due in this cycle, by reference; what the mail tells is recorded in them.
            now: the time of the cycle, in UTC. Its minute is in the key of the mail, of which there is one.
        """
        playbooks = self.context.playbooks
        due = [case for case in cases.values() if remind.is_due(case, playbooks.for_case(case), agent, now)]
        items = _oldest_first(self._items(due, agent, now))
        local = self._default.calendar.local(now)
        key = notice_key(local.date(), f"{agent.id}.{local:%H%M}")
        if len(items) < _MIN_CASES or tx.outbox.contains(key):
            return 0

        agenda = Agenda(key=key, day=local.date(), waiting=items)
        return self._queue(tx, agenda, agent, cases, now)

    # --- once a day ---

    def _daily_digests(self, now: datetime) -> int:
        """Write today's digests, if it is a working day, the office is open and they are not written yet."""
        calendar = self._default.calendar
        today = calendar.local(now).date()
        if today == self._written_for or not calendar.is_working_day(today):
            return 0
        if now < calendar.moment(today, calendar.open):
            return 0

        written = 0

        with self.context.ledger.transaction() as tx:
            last = tx.state.get(StateKey.DIGEST)
            if last is None or str(last[0]) < today.isoformat():
                written = self._write_all(tx, today, last[1] if last else None, now)
                tx.state.put(StateKey.DIGEST, today.isoformat(), now)

        self._written_for = today
        return written

    def _write_all(self, tx: Transaction, today: date, since: datetime | None, now: datetime) -> int:
        """Write a digest to each agent; the lead's also has what concerns the company since the last one.

        Args:
            tx: the transaction.
            today: in the company's time zone.
            since: when the last digests were written, in UTC; None if there were none.
            now: the time of the cycle, in UTC.

        Returns:
            How many were queued. One that says no more than a single reminder would is left out.
        """
        cases = {case.ref: case for case in tx.cases.unfinished()}
        company_lines = self._company_lines(tx, since)
        is_blind = _shows_no_tags(tx)
        lead = StaffNotices(self.context).lead

        written = 0

        for agent in self._default.team.agents:
            general = company_lines if agent == lead else []
            if is_blind:
                general = [*general, *self._standing_lines(agent, cases.values())]
            agenda = self._agenda(agent, list(cases.values()), today, general, now)
            if _is_worth_sending(agenda) and not tx.outbox.contains(agenda.key):
                queued = self._queue(tx, agenda, agent, cases, now)
                if queued and agent == lead:
                    mark_told(tx, untold(tx), now)
                written += queued

        return written

    def _agenda(
        self, agent: Agent, cases: list[Case], today: date, general: list[str], now: datetime
    ) -> Agenda:
        """Return what one agent's digest contains.

        A case of which the agent was reminded today is left out.

        Args:
            agent: to whom it is written.
            cases: all that are not finished.
            today: in the company's time zone.
            general: lines that concern no single case.
            now: the time of the cycle, in UTC.
        """
        calendar = self._default.calendar
        fresh = [case for case in cases if not remind.was_reminded_on(case, agent, today, calendar)]
        owned = [case for case in fresh if self._owner(case) == agent]
        flood = [case for case in owned if case.flood and case.stage is Stage.SUSPECTED]
        suspected = [item for item in map(suspicion, owned) if item and not item.case.flood]
        waiting_items = self._items(fresh, agent, now)

        lines = list(general)
        if flood:
            lines.append(msg(FLOOD_LINE, n=len(flood)))
        left_out = max(0, len(suspected) - _MAX_CASES) + max(0, len(waiting_items) - _MAX_CASES)
        if left_out:
            lines.append(msg("{n} more wait; `followupd cases` lists them all", n=left_out))

        return Agenda(
            key=notice_key(today, agent.id),
            day=today,
            suspected=_oldest_first(suspected),
            waiting=_oldest_first(waiting_items),
            general=tuple(lines),
        )

    def _standing_lines(self, agent: Agent, cases: Iterable[Case]) -> list[str]:
        """Return where the cases of an agent stand, one sentence each; else tags in the mailbox say so.

        Args:
            agent: only the cases that they own are told.
            cases: all that are not finished; at most _MAX_CASES are told, the oldest first.
        """
        owned = [case for case in cases if self._owner(case) == agent and case.stage in _STANDING]
        lines: list[str] = []
        for case in sorted(owned, key=lambda case: case.opened_at)[:_MAX_CASES]:
            state = msg(_STANDING[case.stage])
            pattern = _ON_HOLD if case.held else _STANDS
            who = case.customer.name or case.customer.address
            lines.append(msg(pattern, ref=case.ref, who=who, state=state))
        return lines

    # --- one case ---

    def _items(self, cases: Iterable[Case], agent: Agent, now: datetime) -> list[AgendaItem]:
        """Return what waits for the agent in several cases.

        Args:
            cases: of which some may concern the agent.
            agent: whose digest it is.
            now: the time of the cycle, in UTC.
        """
        found = [self._item(case, agent, now) for case in cases]
        return [item for item in found if item is not None]

    def _item(self, case: Case, agent: Agent, now: datetime) -> AgendaItem | None:
        """Return what waits for the agent in a case, None when nothing does.

        That is the owner's work, and the reminders of the agent's escalation level.

        Args:
            case: the case.
            agent: whose digest it is; only the owner is told of the work and of a letter that leaves today.
            now: the time of the cycle, in UTC.
        """
        playbook = self._playbook(case)
        work = shown = None
        if self._owner(case) == agent:
            work = waiting(case, playbook, now)
            shown = self._letter_of_today(case, playbook, now)

        reminders = remind.due_today(case, playbook, agent, now)
        asked = to_approve(case, playbook, agent, now)
        if not (work or shown or asked or reminders):
            return None

        return AgendaItem(
            case,
            sentence_list(filter(None, (_what(shown), _what(asked), _sentence(work, reminders)))),
            _since(case, work or asked or shown, reminders, now),
            account=_account(case, reminders, playbook, now),
            group=_group(case, reminders, playbook, now),
            asks=(*(asked.asks if asked else ()), *_asks(work, reminders)),
            matters=(*(shown.matters if shown else ()), *(str(reminder.key) for reminder in reminders)),
            letter=shown.letter if shown else "",
            has_no_reminder=bool(asked or (shown and case.stage is Stage.FIXED)),
            call_at=_call_at(case, reminders, playbook),
        )

    def _letter_of_today(self, case: Case, playbook: Playbook, now: datetime) -> AgendaItem | None:
        """Return the letter that leaves today and that the owner has not read; none while it cannot be written."""
        write = self.context.letters
        with suppress(LetterError):  # told when the letter is due
            return follow_up.shown_today(case, playbook, write, now) or remind.leaving_today(
                case, playbook, write, now
            )
        return None

    # --- writing ---

    def _queue(
        self, tx: Transaction, agenda: Agenda, agent: Agent, cases: dict[str, Case], now: datetime
    ) -> int:
        """Queue a digest, and record in its cases what it tells the agent; return how many were queued.

        Args:
            tx: the transaction.
            agenda: what the digest contains.
            agent: to whom it is written.
            cases: by reference; those that it tells of are replaced by the changed ones.
            now: the time of the cycle, in UTC.
        """
        letter = self._rendered(agenda, agent, now)
        if letter is None:
            return 0

        for item in agenda.waiting:
            ref = item.case.ref
            cases[ref] = _record_told(tx, cases[ref], item, agent, now)

        tx.outbox.queue(letter, now)
        log.letter_written(letter.key)
        return 1

    def _rendered(self, agenda: Agenda, agent: Agent, now: datetime) -> Letter | None:
        """Render a digest; returns None, after logging it, when the template is wrong."""
        context = self.context
        try:
            return context.letters.digest(agenda, self._default, now, context.mailbox, agent)
        except LetterError as error:  # an admin's template; `followupd check` names it
            log.letter_stopped(agenda.key, str(error))
            return None

    # --- the company ---

    def _company_lines(self, tx: Transaction, since: datetime | None) -> list[str]:
        """Return what concerns no single case, one sentence each.

        These are letters in doubt, quarantine, the breaker, digests that were not delivered, mails in unknown
        languages, and training.
        """
        lines = [
            _doubt_line(tx),
            _quarantine_line(tx),
            _breaker_line(tx),
            _undelivered_line(tx, since),
            *_passed_over_lines(tx, since),
            self.training.news_since(since),
            *self.login_warnings(),
        ]
        return list(filter(None, lines))

    def _owner(self, case: Case) -> Agent:
        """Return the agent who looks after a case."""
        return self._playbook(case).owner_of(case.owner)

    def _playbook(self, case: Case) -> Playbook:
        """Return the playbook of a case."""
        return self.context.playbooks.for_case(case)

    @property
    def _default(self) -> Playbook:
        """The default playbook, by whose calendar digests are written."""
        return self.context.playbooks.default


def _account(case: Case, reminders: Sequence[Reminder], playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """Return the summary of a case for somebody who has to step in.

    Returns:
        Its lines; none where all reminders are the owner's, who knows the case.
    """
    if all(reminder.level == "owner" for reminder in reminders):
        return ()

    return remind.summary_of(case, playbook, now)


def _call_at(case: Case, reminders: Iterable[Reminder], playbook: Playbook) -> datetime | None:
    """Return when the customer is to be called after the follow-up, None where no reminder says so.

    Args:
        case: the case.
        reminders: the reminders of this case that are due today.
        playbook: with the time of the follow-up.
    """
    is_announced = any(reminder.key.kind is ReminderKind.CALL for reminder in reminders)
    return follow_up.due_at(case, playbook) if is_announced else None


def _what(item: AgendaItem | None) -> str:
    """Return what an item says, "" where there is none."""
    return item.what if item else ""


def _sentence(work: AgendaItem | None, reminders: Sequence[Reminder]) -> str:
    """Return what waits, as one sentence.

    A reminder of what the owner's work contains already (`listed`) is not repeated, and neither is one that
    says that it comes.
    """
    to_tell = remind.without_repeats(reminders)
    sentences = [reminder.sentence for reminder in to_tell]
    if work:
        unlisted = [reminder.sentence for reminder in to_tell if not reminder.listed]
        sentences = [work.what, *unlisted]

    return sentence_list(filter(None, sentences))


def _since(case: Case, work: AgendaItem | None, reminders: Sequence[Reminder], now: datetime) -> datetime:
    """Return since when the oldest of it waits.

    What is due later today counts from the opening of the case.
    """
    times = [reminder.at for reminder in reminders if reminder.at <= now]
    if work:
        times.append(work.since)

    return min(times, default=case.opened_at)


def _asks(work: AgendaItem | None, reminders: Sequence[Reminder]) -> tuple[str, ...]:
    """Return the lines with which the agent may answer: of several that answer the same, the likely one.

    Promises that were kept are named in one line. What may stand in place of each line is explained once,
    in the digest itself.
    """
    lines = list(work.asks) if work else []
    for reminder in reminders:
        lines += reminder.asks

    likely = [line for line in dict.fromkeys(lines) if line.partition(":")[0] not in _UNLIKELY]
    kept = [line.removeprefix(_KEPT) for line in likely if line.startswith(_KEPT)]
    others = [line for line in likely if not line.startswith(_KEPT)]
    return (*([_KEPT + ", ".join(kept)] if kept else []), *others)


def _group(case: Case, reminders: Sequence[Reminder], playbook: Playbook, now: datetime) -> str:
    """Return the part of the digest for a case: overdue, today or tomorrow, or "" for one without promises.

    Args:
        case: the case; the first of our own deadlines counts, not the date that the customer was told.
        reminders: what its agent is told today; one that something comes makes it "tomorrow".
        playbook: in whose time zone a day is meant.
        now: the time of the cycle, in UTC.
    """
    deadlines = [promise.internal_deadline for promise in case.owed]
    first = min(filter(None, deadlines), default=None)
    if has_come(first, now):
        return "overdue"

    local = playbook.calendar.local
    if first and local(first).date() == local(now).date():
        return "today"
    return "tomorrow" if any(reminder.key.step == "soon" for reminder in reminders) else ""


def _shows_no_tags(tx: Transaction) -> bool:
    """Return whether the server of a mailbox keeps none of our status tags."""
    mailboxes = {mailbox for mailbox, _ in tx.state.cursors()}
    return any(tx.state.value(StateKey.NO_KEYWORDS.of(mailbox)) for mailbox in mailboxes)


def _doubt_line(tx: Transaction) -> str:
    """Return the line about letters in doubt, "" when there are none."""
    keys = [entry.letter.key for entry in tx.outbox.all(LetterStatus.DOUBT)]
    if not keys:
        return ""

    return msg("nobody knows whether these letters left: {keys}", keys=", ".join(keys))


def _quarantine_line(tx: Transaction) -> str:
    """Return the line about quarantine, only while it holds mail that nobody was told of."""
    new = untold(tx)
    if not new:
        return ""

    return msg(
        "{n} new mail(s) lie in quarantine, {all} in all: look for the tag fu-quarantine",
        n=len(new),
        all=tx.mail.count(MailState.QUARANTINED),
    )


def _passed_over_lines(tx: Transaction, since: datetime | None) -> list[str]:
    """Return a line for each mail that may have been a complaint and opened no case, so that a person looks at it."""
    lines: list[str] = []
    for reason, (pattern, more) in _PASSED_OVER.items():
        mails = tx.mail.passed_over(reason, since)
        lines += [
            msg(pattern, subject=mail.message.subject or "-", sender=mail.message.sender.address)
            for mail in mails[:_MAX_PASSED_OVER]
        ]
        if len(mails) > _MAX_PASSED_OVER:
            lines.append(msg(more, n=len(mails) - _MAX_PASSED_OVER))
    return lines


def _breaker_line(tx: Transaction) -> str:
    """Return the line about the circuit breaker, "" while it is closed."""
    breaker = tx.state.value(StateKey.BREAKER, "closed")
    if breaker == "closed":
        return ""
    if breaker == "partly":
        return msg("the breaker keeps some letters back: see `followupd status`")

    return msg("the breaker is open and nothing leaves: see `followupd status`")


def _undelivered_line(tx: Transaction, since: datetime | None) -> str:
    """Return the line about digests that were refused, "" when there are none.

    What such a digest says has reached no one.
    """
    addresses = set()
    for entry in tx.outbox.all(LetterStatus.REFUSED):
        is_new = since is None or entry.written_at >= since
        if entry.letter.kind == LetterKind.DIGEST and is_new:
            addresses.add(entry.letter.to.address)

    if not addresses:
        return ""

    return msg(
        "the last digest to {who} could not be delivered, and nobody has read what it says",
        who=", ".join(sorted(addresses)),
    )


def _record_told(tx: Transaction, case: Case, item: AgendaItem, agent: Agent, now: datetime) -> Case:
    """Record in a case what its digest tells the agent, so that no reminder repeats it.

    Args:
        tx: the transaction.
        case: as it is now.
        item: what the digest says of it. One that replaces no reminder is recorded under a key for the day.
        agent: to whom the digest is written.
        now: the time of the cycle, in UTC.

    Returns:
        The changed case.
    """
    keys = item.matters
    if not keys:
        keys = (str(ReminderKey(ReminderKind.DIGEST, about=f"{now:%Y-%m-%d} {agent.id}")),)

    told = [OwnerNudged(at=now, matter=key, whom=agent.id, why="in the digest") for key in keys]
    return record(tx, case, told, now)


def _oldest_first(items: list[AgendaItem]) -> tuple[AgendaItem, ...]:
    """Return the items in the order of their age, as many as a digest shows."""
    return tuple(sorted(items, key=lambda item: (item.since, item.case.ref))[:_MAX_CASES])


def _is_worth_sending(agenda: Agenda) -> bool:
    """Return whether a digest says more than a single case's reminder would.

    Suspected mails and what concerns the company have no other reminder.
    """
    has_no_reminder = any(item.has_no_reminder for item in agenda.waiting)
    return bool(agenda.suspected or agenda.general or has_no_reminder) or len(agenda.waiting) >= _MIN_CASES
