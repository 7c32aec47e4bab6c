"""Run what agents say by tag, folder, note or command line: each line is one command."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.calendar import day_and_time
from followupd.domain.case import Case, Stage
from followupd.domain.command import (
    LOOK_UPS,
    UNKNOWN_ACTOR,
    WITHOUT_CASE,
    Command,
    form_shown,
    line_shown,
    quoted,
    read_line,
    read_request,
)
from followupd.domain.compensation import GrantState, OtherGrant
from followupd.domain.decision import Agenda, LetterContent, LookedUp
from followupd.domain.events import (
    Approved,
    Closed,
    CustomerChosen,
    Event,
    FactReturned,
    LetterDropped,
    Remarked,
)
from followupd.domain.keys import StateKey
from followupd.domain.letter import (
    FOLLOW_UP_EXTRAS,
    Letter,
    LetterKind,
    LetterStatus,
    OutboxEntry,
)
from followupd.domain.mail import (
    DISMISSED_BY_AGENT,
    NOTE_DONE,
    UNTAGGED,
    Kind,
    MailState,
    Message,
    PendingCommand,
    StoredMail,
)
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.promise import Found, HelpRequest, PromiseState, Relation
from followupd.domain.translatable import Translatable, fill, msg, msgid, sentence_list
from followupd.errors import FactReturnedError, InvalidTransitionError, NotUnderstoodError
from followupd.recovery import commands
from followupd.recovery.commands.approval import (
    grants_asked_about,
    letters_asked_about,
    promises_asked_about,
    waits_for_approval,
)
from followupd.recovery.commands.lifecycle import said_with_it, taken_back
from followupd.recovery.past.calibration import short_proposals
from followupd.recovery.recurrence import CauseCase
from followupd.recovery.remind import summary_of
from followupd.services.context import ServiceContext
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.outbox import outcomes
from followupd.services.record import isolated, quarantine, record
from followupd.services.staff_mail import (
    DISMISS_FLOOD,
    AbsenceService,
    LookUpService,
    StaffNotices,
    is_flooded,
    notice_key,
    remarks_of,
)
from followupd.services.wording_guard import HARD, SOFT
from followupd.text.names import salutation, titled_names
from followupd.text.notes import (
    Question,
    cases_in,
    edited_in_quote,
    filled_in,
    join_wrapped,
    own_lines,
    placed_lines,
    quoted_lines,
    read_note,
    repeated_orders,
    split_case,
    uncertain_orders,
)
from followupd.text.orders import Grammar, Order, Unclear, YesOrNo, of_kind

#: verbs that give the customer something of value: the agent hears that it was done in their name
_GIVING = frozenset({"refund", "credit", "coupon", "free-shipping", "replacement", "gift-card", "gesture"})
#: the relations that a line can say with one date
_RELATED = frozenset({Relation.BY, Relation.ON, Relation.FROM})
#: the only verb that a mail without a case may be given without opening one
_DISMISS = "dismiss"
#: verbs whose words no customer reads
_READ_BY_AGENTS = frozenset({"note", "ask", "refuse", "action"})
#: cases of a flood that are dismissed in one transaction
_PORTION = 100
#: the newest preventions with which a new one is compared
_MOST_PREVENTIONS = 50


class _DigestOutcome(NamedTuple):
    """What became of some lines of a digest's answer.

    `gives` if they gave a customer something of value, or took something back: the agent hears what was done.
    """

    done: list[str]
    problems: list[str]
    found: list[LookedUp]
    gives: bool = False


@dataclass(slots=True)
class NoteResult:
    """What became of a note.

    The case after it, the commands that were done, what comes back, and free words.
    """

    case: Case
    done: list[Command] = field(default_factory=list)
    back: list[Unclear] = field(default_factory=list)
    remark: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why lines come back, each as a sentence for the agent."""
        return tuple(unclear.problem for unclear in self.back)


@dataclass(frozen=True, slots=True)
class CommandService:
    """Turns the lines of agents into events of cases."""

    context: ServiceContext
    opener: CaseOpener

    # --- tags and folders ---

    def run(self, now: datetime) -> int:
        """Run the commands that tags and moves have left; return how many there were."""
        with self.context.ledger.transaction() as tx:
            pending = tx.mail.pending_commands()

        for command in pending:
            with (
                isolated(f"a {command.source}", partial(self._give_up, command, now)),
                self.context.ledger.transaction() as tx,
            ):
                self._run_pending(tx, command, now)

        return len(pending)

    def _run_pending(self, tx: Transaction, pending: PendingCommand, now: datetime) -> None:
        """Run the command of one tag or move; the agent gets back what is not understood.

        Args:
            tx: the transaction.
            pending: with the line that the tag or folder stands for; it is marked as done whatever comes of it.
            now: the time of the cycle, in UTC.
        """
        tx.mail.mark_command_done(pending.id, now)
        mail = tx.mail.get(pending.mail_id)
        try:
            verb, text = read_line(pending.line)
            if pending.source == UNTAGGED:
                self._take_back(tx, mail, verb, now)
                return
            case = self._case_of(tx, mail, verb, now)
            if case is not None:
                command = Command(verb, text, UNKNOWN_ACTOR, pending.source)
                reply = mail if mail.in_sent else None
                after = self._execute(tx, case, [command], reply, now)
                if reply and verb == "promised":
                    self._tell_what_was_read(tx, case, after, reply, now)
        except NotUnderstoodError as error:
            self._notices.command_returned(tx, mail, pending, error.problem, now, error.draft or "")

    def _tell_what_was_read(
        self, tx: Transaction, before: Case, case: Case, reply: StoredMail, now: datetime
    ) -> None:
        """Tell the agent what was understood of a tagged reply, and ask about the sentences that were not.

        The reply's sender gets the mail, or the case's owner if the reply was sent from the mailbox's own address.

        Args:
            tx: the transaction.
            before: the case as it was before the reply was read.
            case: the case with what was read.
            reply: the tagged reply.
            now: the time of the cycle, in UTC.
        """
        known = {promise.n for promise in before.promises if promise.state is not PromiseState.PROPOSED}
        made = tuple(promise for promise in case.promises if promise.n not in known)
        given = tuple(grant for grant in case.compensation if grant not in before.compensation)
        if not made and not given and not case.unclear:
            return

        playbook = self.context.playbooks.for_case(case)
        agent = playbook.team.by_address(reply.message.sender.address) or playbook.owner_of(case.owner)
        early = early_promises(self.context, tx, case)
        asks = ("promise: ", "refund: ", "none") if case.unclear else ()
        content = LetterContent(
            because=sentence_list([msg("this is what I read in your reply to the customer"), *early], ". "),
            promises=made,
            compensation=given,
            unsure=case.unclear,
            asks=(*asks, *(("approve", "refuse: ") if early else ())),
        )
        record(
            tx, case, [self.context.letters.desk(LetterKind.ANSWER, case, playbook, now, content, agent)], now
        )

    def _take_back(self, tx: Transaction, mail: StoredMail, verb: str, now: datetime) -> None:
        """Take a complaint or a hold back whose tag was removed.

        Raises:
            NotUnderstoodError: a letter has left already.
        """
        ref = mail.case_ref or tx.cases.ref_for(mail.message.thread)
        if ref is None:
            return

        case = tx.cases.get(ref)
        history = tx.cases.history(ref)
        command = Command(verb, "", UNKNOWN_ACTOR, UNTAGGED)
        events = commands.untagged(command, self._command_context(tx, case, command, None, now), history)
        _save(tx, case, events, now)
        if events:
            log.command_executed(ref, UNKNOWN_ACTOR, UNTAGGED, verb)

    def _give_up(self, pending: PendingCommand, now: datetime, reason: str) -> None:
        """Mark a command that cannot be executed as done, and tell the agent."""
        log.command_failed(pending.source, reason)
        error_name = reason.partition(":")[0]

        with self.context.ledger.transaction() as tx:
            tx.mail.mark_command_done(pending.id, now)

        with isolated(f"the answer to a {pending.source}"), self.context.ledger.transaction() as tx:
            problem = msg(
                "{line} could not be done ({error})", line=line_shown(pending.line), error=error_name
            )
            self._notices.command_returned(tx, tx.mail.get(pending.mail_id), pending, problem, now)

    @property
    def _notices(self) -> StaffNotices:
        """The mail to agents about commands that were not executed."""
        return StaffNotices(self.context)

    def _case_of(self, tx: Transaction, mail: StoredMail, verb: str, now: datetime) -> Case | None:
        """Return the case of a tagged mail, and open one where an agent's tag makes the mail a complaint.

        Returns None for a mail without a case that is dismissed: it needs none.
        """
        ref = mail.case_ref or tx.cases.ref_for(mail.message.thread)
        if ref:
            return tx.cases.get(ref)
        if verb == _DISMISS:
            if mail.state != MailState.QUARANTINED:
                tx.mail.mark_processed(mail.id, reason=DISMISSED_BY_AGENT)
            return None

        complaint = _complaint_behind(tx, mail)
        return self.opener.open_by_agent(tx, complaint, UNKNOWN_ACTOR, now)

    # --- lines ---

    def run_lines(
        self,
        tx: Transaction,
        case: Case,
        lines: Sequence[str],
        actor: str,
        source: str,
        agent: Agent | None,
        now: datetime,
        *,
        doubts: Sequence[Unclear] = (),
        question: Question | None = None,
        signer: Agent | None = None,
        asked_at: datetime | None = None,
    ) -> NoteResult:
        """Run the orders that are understood, and write free words into the history.

        The orders of one line are all executed, or none of them.

        Args:
            tx: the transaction.
            case: the case.
            lines: the lines, as a mail client may have wrapped them.
            actor: who gives the commands, as the history names them.
            source: note, digest or tell.
            agent: the agent, None when it is not known which one it is.
            now: the time of the cycle, in UTC.
            doubts: lines that come back in any case.
            question: the one question that the lines answer.
            signer: whose signature may be below the lines, by default the agent's.
            asked_at: when the mail was written that asks for an approval and is answered.
        """
        empty = FOLLOW_UP_EXTRAS if source == "note" else ()
        grammar = self.context.grammar
        if source == "tell":
            question = question or offer_of(case)
        note = read_note(lines, grammar, question=question, signer=signer or agent, may_be_empty=empty)
        result = NoteResult(case, back=[*doubts, *note.back])

        hands_over = any(order.verb == "owner" for group in note.orders for order in group)
        if hands_over:  # the new owner reads what was said with it
            self._keep_remark(tx, result, note.remark, actor, source, now)
        for group in note.orders:
            by_agent = agent.id if agent else ""
            spoken = [Command(order.verb, order.text, actor, source, by_agent, asked_at) for order in group]
            self._run_group(tx, result, spoken, group[0].line, now)

        if not hands_over:
            self._keep_remark(tx, result, note.remark, actor, source, now)
        return result

    def _run_group(
        self, tx: Transaction, result: NoteResult, spoken: Sequence[Command], line: str, now: datetime
    ) -> None:
        """Run the orders of one line; a look-up only asks for an answer.

        Args:
            tx: the transaction.
            result: what became of the note; its case may change.
            spoken: the commands.
            line: a line of a note.
            now: the time of the cycle, in UTC.
        """
        try:
            changing = [command for command in spoken if command.verb not in LOOK_UPS]
            self._check_customer(tx, result.case, changing)
            result.case = self._execute(tx, result.case, changing, None, now)
        except FactReturnedError as error:  # only the fact goes back; the rest of its line is done
            [about] = [command for command in spoken if command.verb.replace("-", "_") == error.fact]
            result.case = _remember_returned(tx, result.case, error, about, now)
            result.back.append(Unclear(line, error.problem, error.draft))
            self._run_group(tx, result, [command for command in spoken if command is not about], line, now)
            return
        except NotUnderstoodError as error:
            result.back.append(Unclear(line, error.problem, error.draft))
            return
        result.done += spoken

    def _check_customer(self, tx: Transaction, case: Case, spoken: Iterable[Command]) -> None:
        """Check that the words of commands are not about the customer of another open case.

        Args:
            tx: the transaction.
            case: the case.
            spoken: the commands; what a department or nobody but agents reads may name anybody.

        Raises:
            NotUnderstoodError: a text names such a customer, and may be meant for that case.
        """
        told = [command for command in spoken if command.verb not in _READ_BY_AGENTS]
        names = titled_names(" ".join(command.text for command in told), self.context.languages)
        known = " ".join((case.customer.name, *self.context.grammar.people)).casefold().split()
        strange = set(map(str.casefold, names)).difference(known)
        others = tx.cases.unfinished() if strange else []
        for other in others:
            meant = strange.intersection(other.customer.name.casefold().split())
            if meant and other.ref != case.ref:
                raise NotUnderstoodError(
                    msg(
                        _OTHER_CUSTOMER,
                        line=line_shown(told[0].line),
                        name=meant.pop().title(),
                        ref=case.ref,
                        customer=case.customer.shown,
                        other=other.ref,
                    )
                )

    def _keep_remark(
        self, tx: Transaction, result: NoteResult, remark: str, actor: str, source: str, now: datetime
    ) -> None:
        """Write free words into the history; those that sound like a promise come back instead.

        With words that ask for an order the order comes back, as a line to answer with.

        Args:
            tx: the transaction.
            result: what became of the note; its case may change.
            remark: free words, one or several lines.
            actor: who gives the commands.
            source: note, digest or tell.
            now: the time of the cycle, in UTC.
        """
        kept = []
        for line in remark.splitlines():
            is_absence = tells_absence(self.context, line)  # "on leave until Monday" promises nothing
            promised = None if is_absence else self._sounds_like_promise(result.case, line, now)
            back = self._asks_in_other_words(tx, result.case, line, promised, actor, now) or promised
            if back:
                result.back.append(back)
            if back is None or back is not promised:
                kept.append(line)

        result.remark = "\n".join(kept)
        if kept:
            said = Remarked(at=now, by=actor, why=f"{source}: {result.remark}", text=result.remark)
            result.case = record(tx, result.case, [said], now)

    def _asks_in_other_words(
        self, tx: Transaction, case: Case, line: str, promised: Unclear | None, actor: str, now: datetime
    ) -> Unclear | None:
        """Return that free words ask for orders, with the lines for them; None where they ask for none.

        Args:
            tx: the transaction.
            case: the case, as which an order may not be possible.
            line: a line of a note.
            promised: what the line seems to promise, which is offered as well.
            actor: who says it.
            now: the time.
        """
        offered: list[str] = []
        problems: list[str] = []
        for meant in self.context.grammar.meant_by(line, actor).splitlines():
            command = Command(*read_line(meant), UNKNOWN_ACTOR, "note")
            try:
                if command.verb not in LOOK_UPS:
                    self._events_of(tx, case, [command], None, now)
                offered.append(meant)
            except NotUnderstoodError as error:
                if command.verb == "hold":  # "before I have talked to him tomorrow" names no day to wait for
                    offered.append(command.verb)
                else:
                    problems.append(error.problem)

        if not offered:
            return Unclear(line, problems[0]) if problems else None
        if promised and promised.draft:
            offered.append(promised.draft)
        return Unclear(line, msg(_IN_OTHER_WORDS, line=quoted(line)), "\n".join(offered))

    def _sounds_like_promise(self, case: Case, line: str, now: datetime) -> Unclear | None:
        """Return that free words seem to promise or give something, which no reminder would know of.

        Args:
            case: the case.
            line: a line of a note.
            now: the time of the cycle, in UTC.
        """
        reader = self.context.line_reader(case)
        found = reader.commitments_in(line, now)
        dated = reader.dated(line, now)
        if not any(found) and not (dated and self.context.grammar.tells_of_promise(line)):
            return None

        problem = msg(
            "{line} sounds like a promise or a gift; say it as a line of its own", line=quoted(line)
        )
        return Unclear(line, problem, _draft_of(found, reader.playbook))

    def findings(self, case: Case, done: Iterable[Command], now: datetime) -> list[Translatable]:
        """Return what the wording rules find in lines that were done, each as a sentence for the agent.

        Args:
            case: the case.
            done: the lines that were done.
            now: the time of the cycle, in UTC.
        """
        lines = [command.line for command in done]
        playbook = self.context.playbooks.for_case(case)
        found = self.context.wording.lines(lines, case, playbook, now)
        hard = [msg(HARD, finding=finding.told) for finding in found if finding.hard]
        soft = [msg(SOFT, finding=finding.told) for finding in found if not finding.hard]
        return [*hard, *soft]

    # --- commands ---

    def _execute(
        self, tx: Transaction, case: Case, spoken: Sequence[Command], reply: StoredMail | None, now: datetime
    ) -> Case:
        """Execute the commands of one line, all of them or none.

        Args:
            tx: the transaction.
            case: the case.
            spoken: the commands.
            reply: the mail in Sent that was tagged, in which the promise is that `promised` means.
            now: the time of the cycle, in UTC.

        Raises:
            NotUnderstoodError: one of them cannot be executed, for a reason that the agent is told.
        """
        if [command.verb for command in spoken] == ["settle"]:
            case = _settle(tx, case, spoken[0], now)
        else:
            owner = case.owner
            about_case = [command for command in spoken if command.verb != "away"]
            events = self._events_of(tx, case, about_case, reply, now)
            for command in spoken:
                if command.verb == "away":
                    self._say_absence(tx, command, now)
            case = _save(tx, case, events, now)
            if case.owner != owner:
                case = self._hand_over(tx, case, owner, about_case[-1], now)

        for command in spoken:
            log.command_executed(case.ref, command.actor, command.source, command.verb)
        return case

    def _say_absence(self, tx: Transaction, command: Command, now: datetime) -> None:
        """Store what an agent says about their own absence, which concerns no case.

        Raises:
            NotUnderstoodError: nobody knows who says so, or until when.
        """
        agent = self.context.playbooks.default.team.by_id(command.agent)
        AbsenceService(self.context).say(tx, agent, command.text, now)

    def _events_of(
        self, tx: Transaction, case: Case, spoken: Sequence[Command], reply: StoredMail | None, now: datetime
    ) -> list[Event]:
        """Return the events of commands, each of which sees what those before it have changed.

        Raises:
            NotUnderstoodError: one of them cannot be executed.

        Args:
            tx: the transaction.
            case: the case.
            spoken: the commands.
            reply: the mail in Sent that was tagged.
            now: the time of the cycle, in UTC.
        """
        events: list[Event] = []
        for command in spoken:
            about = self._command_context(tx, case, command, reply, now, events)
            following = commands.handle(command, about)
            try:
                for event in following:
                    case = lifecycle.after(case, event)
            except InvalidTransitionError as error:
                problem = msg(
                    "{line} cannot be done: the case is {stage}",
                    line=line_shown(command.line),
                    stage=case.stage.named,
                )
                raise NotUnderstoodError(problem) from error
            events += following
        return events

    def _hand_over(
        self, tx: Transaction, case: Case, old_owner: str, command: Command, now: datetime
    ) -> Case:
        """Give the new owner the case with its story, and the old one a line, except to who said it.

        Args:
            tx: the transaction.
            case: the case.
            old_owner: who owned the case.
            command: the agent's order.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        new, old = playbook.owner_of(case.owner), playbook.team.by_id(old_owner)
        content = LetterContent(
            because=msg("it was handed to you by {who}", who=command.actor),
            account=(*summary_of(case, playbook, now), *remarks_of(tx, case, playbook)),
            promises=case.owed,
            quote=case.newest_words,
            asks=case.answers_of_owed,
        )
        if old and old.id != command.agent:
            shown = case.customer.shown
            line = msg(
                "{ref} of {customer} is looked after by {who} now", ref=case.ref, customer=shown, who=new.name
            )
            today = playbook.calendar.local(now).date()
            key = notice_key(today, f"handed-{case.ref}-{case.version}")
            StaffNotices(self.context).queue(tx, key, [line], playbook.owner_of(old.id), now, case.mailbox)

        return record(
            tx, case, [self.context.letters.desk(LetterKind.OPENED, case, playbook, now, content, new)], now
        )

    def _command_context(
        self,
        tx: Transaction,
        case: Case,
        command: Command,
        reply: StoredMail | None,
        now: datetime,
        earlier: Sequence[Event] = (),
    ) -> commands.CommandContext:
        """Return what a command needs; with `promised`, also what the tagged reply promises.

        Args:
            tx: the transaction.
            case: the case.
            command: the command.
            reply: the mail in Sent that was tagged.
            now: the time of the cycle, in UTC.
            earlier: the events of the commands before it in its line.
        """
        context = self.context
        reader = context.line_reader(case)
        history = [*tx.cases.history(case.ref), *earlier] if command.verb in {"undo", "late"} else ()
        return commands.CommandContext(
            case,
            context.playbooks.for_case(case),
            context.playbooks.of(case.mailbox).names,
            reader,
            now,
            reader.promises_in(reply) if reply and command.verb == "promised" else Found(),
            grants_in_other_cases(context, tx, case),
            context.monthly_cap,
            history,
            context.languages,
            told_before(tx, case),
            usual_times=tx.state.value(StateKey.CALIBRATION, {}),
            told_others=told_of_cause(context, tx, case) if command.verb == "prevention" else (),
        )


def _remember_returned(
    tx: Transaction, case: Case, error: FactReturnedError, command: Command, now: datetime
) -> Case:
    """Remember a fact that goes back, so that the agent may accept the draft or insist.

    Args:
        tx: the transaction.
        case: the case.
        error: why the line goes back.
        command: the agent's order.
        now: the time of the cycle, in UTC.
    """
    returned = FactReturned(
        at=now,
        by=command.actor,
        why=f"{command.source}: {command.line}",
        fact=error.fact,
        text=error.text,
        draft=error.better,
    )
    return record(tx, case, [returned], now)


def tells_absence(context: ServiceContext, text: str) -> bool:
    """Return whether free words begin as absence notes do.

    Args:
        context: with the languages of agents.
        text: the text of a note.
    """
    from followupd.text.mail.absence import says_absent  # what reads mail is loaded late

    return says_absent(text, context.languages)


def told_of_cause(context: ServiceContext, tx: Transaction, case: Case) -> list[str]:
    """Return what customers were told of a cause that came back since, in the words of the letters.

    Args:
        context: with the companies to which mailboxes belong.
        tx: the transaction.
        case: one whose cause came back; of any other nothing is returned.
    """
    cause = case.facts.cause_code
    if case.recurrence is None or cause is None:
        return []
    return list(preventions_told(tx, context.cases_of_cause(tx, cause, case.mailbox), case.ref))


def preventions_told(tx: Transaction, cases: Iterable[CauseCase], but: str) -> Iterator[str]:
    """Yield what the customers of these cases were told of what was changed; nothing is read before the first.

    Args:
        tx: the transaction.
        cases: the cases of one cause.
        but: the case that asks, which is left out.
    """
    told = [case.ref for case in cases if case.told_at and case.ref != but]
    found = tx.cases.get_all(told[-_MOST_PREVENTIONS:])
    yield from (case.facts.prevention for case in found.values() if case.facts.prevention)


def early_promises(context: ServiceContext, tx: Transaction, case: Case) -> list[Translatable]:
    """Return what to ask about promises shorter than half of what similar ones took, a sentence each."""
    language = context.languages.language(case.language or context.language)
    known = tx.state.value(StateKey.CALIBRATION, {})
    return short_proposals(case, context.playbooks.for_case(case), language, known)


def told_before(tx: Transaction, case: Case) -> list[str]:
    """Return what the customer was told, after complaints before, of what had been changed.

    Args:
        tx: the transaction.
        case: the newest complaint.
    """
    before = [tx.cases.get(ref) for ref in case.complaints_before if tx.cases.exists(ref)]
    return [other.facts.prevention for other in before if other.facts.prevention and other.followed_up_at]


def grants_in_other_cases(context: ServiceContext, tx: Transaction, case: Case) -> list[OtherGrant]:
    """Return what the customer was granted in other cases of the same company.

    It counts for the monthly cap, and shows the same grant that is given twice.
    """
    finished = {Stage.CLOSED, Stage.DISMISSED}
    grants = []

    for other in context.cases_of(tx, case.customer.address, case.mailbox):
        if other.ref != case.ref:
            is_open = other.stage not in finished
            grants += [OtherGrant(other.ref, is_open, grant) for grant in other.compensation]

    return grants


def _draft_of(found: Found, playbook: Playbook) -> str | None:
    """Return the line that says what a sentence seems to promise or give.

    None where it is not that simple.

    Args:
        found: what was found to be promised and given.
        playbook: the playbook of the case.
    """
    match found:
        case [promise], _, _ if promise.dated:
            return f"promise: {promise.text}"
        case [promise], _, _ if promise.due and promise.relation in _RELATED:
            local = playbook.calendar.local(promise.due)
            return f"promise: {promise.text} {promise.relation} {local.day} {local:%B %Y}"
        case [], [grant], () if grant.amount:
            currency = grant.currency or playbook.company.currency
            return f"{grant.kind}: {grant.amount} {currency}"
    return None


def _complaint_behind(tx: Transaction, mail: StoredMail) -> StoredMail:
    """Return the customer's mail that a tag is about: for a tagged reply of ours, the mail that it answers.

    Raises:
        NotUnderstoodError: the ledger does not have that mail.
    """
    if not mail.in_sent and mail.message.kind is not Kind.AGENT:
        return mail

    answered = tx.mail.by_message_id(mail.message.thread)
    if answered is None or answered.message.kind is not Kind.CUSTOMER:
        raise NotUnderstoodError(
            msg("this mail answers no customer's mail that I know; tag the customer's mail instead")
        )

    return answered


def _save(tx: Transaction, case: Case, events: Iterable[Event], now: datetime) -> Case:
    """Save the events of a command; approved and dropped letters change in the outbox too."""
    events = list(events)
    if not events:
        return case

    case = record(tx, case, events, now)

    for event in events:
        if isinstance(event, Approved):
            tx.outbox.approve(event.key)
        if isinstance(event, LetterDropped):
            tx.outbox.drop(event.key)
        if isinstance(event, CustomerChosen):
            tx.mail.release(case.ref, event.customer.address)

    return case


def _settle(tx: Transaction, case: Case, command: Command, now: datetime) -> Case:
    """Resolve a letter in doubt; the line names the letter where there are several.

    Args:
        tx: the transaction.
        case: the case.
        command: the agent's order.
        now: the time of the cycle, in UTC.

    Raises:
        NotUnderstoodError: the line has no resolution, or names no letter in doubt.
    """
    *named, text = command.text.split()
    resolution = next((word for word in outcomes.RESOLUTIONS if word == text.lower()), None)
    if resolution is None or len(named) > 1:
        problem = msg("{line}; expected {form}", line=line_shown(command.line), form=form_shown("settle"))
        raise NotUnderstoodError(problem)

    key = _key_in_doubt(tx, case, command, named)
    outcomes.resolve(tx, key, resolution, command.actor, now)
    return tx.cases.get(case.ref)


def _key_in_doubt(tx: Transaction, case: Case, command: Command, named: Sequence[str]) -> str:
    """Return the key of the letter in doubt that is named, or of the only one.

    Args:
        tx: the transaction.
        case: the case.
        command: whose line is repeated where it names no such letter.
        named: the words of the order; the first one is a key in any case, and none means the only letter.

    Raises:
        NotUnderstoodError: with the keys of the letters in doubt.
    """
    in_doubt = [entry.letter.key for entry in tx.outbox.all(LetterStatus.DOUBT, case=case.ref)]
    meant = [key for key in in_doubt if not named or key.casefold() == named[0].casefold()]
    if len(meant) == 1:
        return meant[0]

    line, known = line_shown(command.line), ", ".join(in_doubt) or "–"
    raise NotUnderstoodError(
        msg("{line} names no letter in doubt; those in doubt are: {known}", line=line, known=known)
    )


_OTHER_CUSTOMER = msgid(
    "{line} names {name}, and case {ref} is about {customer}; nothing was done. If {other} is meant, answer a mail "
    "about that one"
)
#: items of a list, what is quoted, and words that answer nothing
_LIST_OR_QUOTE = re.compile(r"[>*-]|[^:]*, ")
_IN_OTHER_WORDS = msgid(
    "{line} sounds like an order, and nothing was done for it; if you mean it, answer with the line for it"
)
_OVER = msgid(
    "{line}: the case was closed after the mail that you answered; nothing was done. "
    "If you mean it, answer this mail with that line"
)
_REPEATED = msgid(
    "{line} stands in the customer's words, so that nothing was done for it; "
    "if you mean it, answer this mail with it"
)
_OTHER_CASE = msgid(
    "{line}: your words name {other}, and the mail that you answered is about {ref}; nothing was done. Answer a "
    "mail about {other}, or this one without that number; `undo` takes back your last word about {ref}"
)
_TAKEN_BACK_OF_SEVERAL = msgid(
    "this was taken back: {line}. {before}, which was said with it, stands; `undo` again takes that back, too"
)
_EDITED_QUOTE = msgid(
    "{line}: in the quote of the letter you changed “{old}” to “{new}”, and the letter does not have that; nothing "
    "was sent. Change it in Drafts, and answer this mail then"
)
_NO_ORDER = msgid("there was no order in your mail, and nothing was done")
_IN_HISTORY = msgid(
    "your words are in the history of the case; there was no order in them, and nothing was done"
)
_TO_US_ALONE = msgid("your mail went to us alone, and not to the customer")
#: mails of a thread with which the quoted lines of a note are compared
_QUOTED_MAILS = 8
#: answers to the same words without an order, in a case and a day; a machine must not answer ours for ever
_MAX_ANSWERS = 5
#: answers to any words without an order, in a case and a day
_MOST_ANSWERS = 50
#: answers that a desk mail may offer besides `approve`, which make its question more than one
_OTHER_ANSWERS = frozenset(
    {"complaint", "dismiss", "kept", "late", "reached", "received", "choose", "release"}
)


def is_note(mail: StoredMail) -> bool:
    """Return whether a mail answers one of our desk mails; `NoteService` checks whether its sender may.

    Robots answer desk mails too; their absence notes and reports are no notes, and are not answered.
    """
    from_agent = mail.message.kind is Kind.AGENT and not mail.in_sent
    return from_agent and bool(mail.message.desk_mails)


@dataclass(frozen=True, slots=True)
class NoteService:
    """Runs notes by `commands`, and sends replies where needed.

    A note counts from any agent who answers one of our desk mails, since its Message-ID carries our signature
    (docs/mail.md R6), and from one whom our mail server has proved.
    """

    context: ServiceContext
    commands: CommandService

    def handle(self, tx: Transaction, note: StoredMail, now: datetime) -> None:
        """Run the lines of an answer to a desk mail; a forged one is quarantined.

        Args:
            tx: the transaction.
            note: the stored mail.
            now: the time of the cycle, in UTC.
        """
        asked = tx.outbox.get(note.message.desk_mails[0])
        desk_mail = asked.letter
        case = tx.cases.get(desk_mail.case) if desk_mail.case else None
        agent = self._writer(tx, note, case, note.message.distrusted, now)
        if agent is None:
            return

        tx.mail.mark_processed(note.id, case_ref=case.ref if case else None)
        if case is None:
            if not self._digest_answer(tx, note, asked, agent, now):
                tx.mail.mark_processed(note.id, reason=NOTE_DONE)
            return

        lines, doubts = self._lines(tx, note, desk_mail)
        lines, of_others = self._about(case, lines)
        lines, held_back = self._held_back(tx, case, lines, asked)
        held_back += of_others
        lines, of_edit = self._without_edited(tx, case, note.message, asked, lines)
        held_back += of_edit
        question = question_of(asked, case, self.context.grammar)
        result = self.commands.run_lines(
            tx,
            case,
            lines,
            agent.name,
            "note",
            agent,
            now,
            doubts=[*doubts, *held_back],
            question=question,
            asked_at=self._asked_at(asked),
        )
        owed = self._owed_in(case, desk_mail.text.splitlines())
        self._answer(tx, result, agent, now, question, _meant_for_customer(note.message, result), owed)
        if agent.email.lower() != desk_mail.to.address.lower():
            self._tell_owner(tx, result, agent, now)
        if not result.back:
            tx.mail.mark_processed(note.id, reason=NOTE_DONE)

    def run_message(
        self, tx: Transaction, case: Case, message: Message, agent: Agent | None, by: str, now: datetime
    ) -> NoteResult:
        """Run an answer to a desk mail that was not received but told; nobody is written to.

        Args:
            tx: the transaction.
            case: the case that it is about.
            message: the answer, as a mail client sends it.
            agent: who says it, where that is known.
            by: who tells it, where no agent is known.
            now: the time of the cycle, in UTC.
        """
        grammar = self.context.grammar
        written = {entry.letter.key: entry for entry in tx.outbox.all(case=case.ref)}
        asked = next(filter(None, map(written.get, message.desk_mails)), None)
        thread = "\n".join(entry.letter.text for entry in written.values())
        filled = filled_in(message, asked.letter.text, thread, grammar) if asked else []
        lines, held_back = self._held_back(tx, case, [*own_lines(message), *filled], asked)
        doubts = uncertain_orders(message, thread, grammar, filled)
        if asked is None:
            doubts = [doubt for doubt in doubts if not grammar.is_bare_choice(doubt.line)]

        speaker = agent or self.context.playbooks.default.team.by_address(message.sender.address)
        if asked:
            question = question_of(asked, case, grammar)
        else:
            question = _question_in(quoted_lines(message), case, grammar)

        return self.commands.run_lines(
            tx,
            case,
            lines,
            speaker.name if speaker else by,
            "tell",
            speaker,
            now,
            doubts=[*doubts, *held_back],
            question=question,
            signer=speaker or _stranger(message),
            asked_at=self._asked_at(asked),
        )

    def gives_orders(self, message: Message) -> bool:
        """Return whether an agent's mail has orders for us: an answer in our words, and not for the customer."""
        return any(map(self.context.grammar.is_order, own_lines(message)))

    def handle_new(
        self, tx: Transaction, note: StoredMail, case: Case | None, now: datetime, outsiders: str = ""
    ) -> bool:
        """Run or answer a mail of an agent that answers no desk mail.

        Return False where it says nothing to us.

        Args:
            tx: the transaction.
            note: the mail.
            case: the case that it names, by its thread or its subject.
            now: the time of the cycle, in UTC.
            outsiders: to whom outside of the company it is written; the customer is not among them.
        """
        lines = own_lines(note.message)
        if note.message.forwarded_from is not None:  # the words are somebody else's
            lines = []
        elif not any(map(str.strip, lines)):
            lines = [_without_case(note.message.subject)]
        if case is None and not self._looks_up(lines):
            return False

        agent = self._writer(tx, note, case, note.message.forged, now)
        if agent is None:
            return True

        tx.mail.mark_processed(note.id, case_ref=case.ref if case else None)
        if case is None:
            self._look_up(tx, note, agent, lines, now)
            return True

        self._run_unasked(tx, note, case, agent, lines, now, outsiders)
        return True

    def _run_unasked(
        self,
        tx: Transaction,
        note: StoredMail,
        case: Case,
        agent: Agent,
        lines: Sequence[str],
        now: datetime,
        outsiders: str,
    ) -> None:
        """Run the lines of a mail that names its case and answers none of ours, as far as they are believed.

        Look-ups need no proof of the sender. For orders that change something a trusted server must have confirmed
        it; otherwise the agent is asked to repeat them in an answer to a mail of ours.

        Args:
            tx: the transaction.
            note: the mail, which is marked as processed already.
            case: the case that it names.
            agent: in whose name it is.
            lines: its own lines, or its subject if there are none.
            now: the time of the cycle, in UTC.
            outsiders: to whom outside of the company it is written.
        """
        changes, look_ups = self._orders_in(lines, agent)
        held_back: list[Unclear] = []
        if note.message.proven:
            lines, of_others = self._about(case, lines)
            lines, held_back = self._held_back(tx, case, lines, None)
            held_back += of_others
        elif changes or not look_ups:
            self._ask_for_proof(tx, case, agent, lines, now)
            return
        else:
            lines = look_ups

        result = self.commands.run_lines(tx, case, lines, agent.name, "note", agent, now, doubts=held_back)
        went_to = msg(_TO_US_ALONE)
        if outsiders:
            went_to = msg("your mail went to {address}, and not to the customer", address=outsiders)
        self._answer(tx, result, agent, now, None, went_to if outsiders or not result.done else "")
        self._tell_owner(tx, result, agent, now)
        if not result.back:
            tx.mail.mark_processed(note.id, reason=NOTE_DONE)

    def _orders_in(self, lines: Sequence[str], agent: Agent) -> tuple[list[str], list[str]]:
        """Return the lines with an order that changes something, and those that only ask to see something.

        Args:
            lines: the lines of a note.
            agent: who wrote it.
        """
        orders = read_note(lines, self.context.grammar, signer=agent).orders
        changes: list[str] = []
        look_ups: list[str] = []
        for group in orders:
            only_looks = all(order.verb in LOOK_UPS for order in group)
            (look_ups if only_looks else changes).append(group[0].line)

        return changes, look_ups

    def _writer(
        self, tx: Transaction, note: StoredMail, case: Case | None, distrusted: str, now: datetime
    ) -> Agent | None:
        """Return the agent who wrote a mail.

        None if the sender is not authenticated; the mail is quarantined then, and the agent told.

        Args:
            tx: the transaction.
            note: the stored mail.
            case: the case that it is about, None for none.
            distrusted: why its sender is not believed, "" when it is.
            now: the time of the cycle, in UTC.
        """
        agent = self.context.playbooks.default.team.by_address(note.message.sender.address)
        if agent is None:
            quarantine(tx, note, "a note counts only from an agent")
        elif distrusted:
            StaffNotices(self.context).set_aside(tx, note, case.ref if case else "", distrusted, now)
            return None
        return agent

    def _lines(
        self, tx: Transaction, note: StoredMail, desk_mail: Letter, cases: Collection[str] = ()
    ) -> tuple[list[str], list[Unclear]]:
        """Return the lines of a note, with those filled in inside the quote.

        With them come the orders that may be quoted.

        Args:
            tx: the transaction.
            note: the stored mail.
            desk_mail: the mail that is answered.
            cases: of a digest; what stands below the line of one in the quote is about it.
        """
        grammar, message = self.context.grammar, note.message
        thread = _quoted_text(tx, note, desk_mail)
        filled = filled_in(message, desk_mail.text, thread, grammar)
        lines = [*placed_lines(message, cases, thread), *filled]
        taken = set(lines).difference(own_lines(message))
        return lines, uncertain_orders(message, thread, grammar, list(taken))

    def _held_back(
        self, tx: Transaction, case: Case, lines: Sequence[str], asked: OutboxEntry | None
    ) -> tuple[list[str], list[Unclear]]:
        """Return the lines that may be done, and those that come back.

        An order comes back whose case was closed after the agent was asked, or that the customer wrote, too.

        Args:
            tx: the transaction.
            case: the case.
            lines: the lines of a note.
            asked: the desk mail that is answered, None for none.
        """
        grammar, desk_text = self.context.grammar, asked.letter.text if asked else ""
        why, held = _REPEATED, repeated_orders(lines, _customers_words(case, desk_text), desk_text, grammar)
        held = [line for line in held if not self._was_asked(line, desk_text)]
        if asked and _was_closed_since(tx, case, asked):
            why, held = _OVER, [line for line in lines if _gives_order(split_case(line)[1], grammar)]
        back = [Unclear(line.strip(), msg(why, line=quoted(line.strip()))) for line in held]
        return [line for line in lines if line not in held], back

    def _without_edited(
        self, tx: Transaction, case: Case, message: Message, asked: OutboxEntry, lines: Sequence[str]
    ) -> tuple[list[str], list[Unclear]]:
        """Return the lines that may be done, and those that approve a letter whose quote was changed instead.

        Args:
            tx: the transaction.
            case: the case.
            message: the note, with its quote.
            asked: the desk mail that is answered, which shows the letter.
            lines: the lines of the note.
        """
        letters = [tx.outbox.get(record.key).letter for record in letters_asked_about(case, asked.written_at)]
        edits = [edited_in_quote(message, letter.text) for letter in letters]
        new, old = next(filter(any, edits), ("", ""))
        held = [line for line in lines if (new or old) and self._approves(line)]
        back = [
            Unclear(
                line.strip(), msg(_EDITED_QUOTE, line=quoted(line.strip()), new=new or "–", old=old or "–")
            )
            for line in held
        ]
        return [line for line in lines if line not in held], back

    def _approves(self, line: str) -> bool:
        """Return whether a line may approve a letter.

        Args:
            line: a line of a note.
        """
        return any(
            (isinstance(piece, YesOrNo) and piece.kind != "no")
            or (isinstance(piece, Order) and piece.verb == "approve")
            for piece in self.context.grammar.read(line)
        )

    def _about(self, case: Case, lines: Sequence[str]) -> tuple[list[str], list[Unclear]]:
        """Return the lines about a case without its number before them, and those that come back.

        A note whose words name another case may be meant for that one: nothing in it is done.

        Args:
            case: the case of the mail that is answered.
            lines: the lines of a note.
        """
        grammar = self.context.grammar
        bare = [rest if ref == case.ref else line for line in lines for ref, rest in [split_case(line)]]
        free = [line for line in bare if split_case(line)[0] or not grammar.is_order(line)]
        others = [ref for ref in cases_in("\n".join(free).upper()) if ref != case.ref]
        if not others:
            return bare, []

        held = [
            line
            for line in bare
            if (line in free and set(cases_in(line.upper())) & set(others))
            or _gives_order(split_case(line)[1], grammar)
        ]
        back = [
            Unclear(line.strip(), msg(_OTHER_CASE, line=quoted(line.strip()), other=others[0], ref=case.ref))
            for line in held
        ]
        return [line for line in bare if line not in held], back

    def _asked_at(self, asked: OutboxEntry | None) -> datetime | None:
        """Return when a desk mail was written that asks for an approval, None for any other mail.

        Args:
            asked: the desk mail that is answered, None for none.
        """
        if asked is None:
            return None
        bare = [split_case(line)[1] for line in asked.letter.text.splitlines() if "," not in line]
        offers = any(order.verb == "approve" for line in bare for order in self._orders(line))
        return asked.written_at if offers else None

    def _was_asked(self, line: str, desk_text: str) -> bool:
        """Return whether a desk mail asks if the agent means a line that the customer wrote, too.

        Args:
            line: a line of a note.
            desk_text: the text of the desk mail.
        """
        text = " ".join(desk_text.split())
        patterns = [language.messages.get(_REPEATED, _REPEATED) for language in self.context.languages.all()]
        questions = [fill(pattern, {"line": quoted(line.strip())}, str) for pattern in patterns]
        return any(" ".join(question.split()) in text for question in questions)

    def _looks_up(self, lines: Sequence[str]) -> bool:
        """Return whether lines that belong to no case say what needs none: a look-up, or an absence.

        Lines that name the case that they are about count as well.

        Args:
            lines: the lines of a note.
        """
        named = [(ref, self._orders(rest)) for ref, rest in map(split_case, lines)]
        return any(
            ref or any(order.verb in WITHOUT_CASE for order in orders) for ref, orders in named if orders
        )

    def _orders(self, line: str) -> list[Order]:
        """Return the orders of a line.

        Args:
            line: a line of a note.
        """
        return [piece for piece in self.context.grammar.read(line) if isinstance(piece, Order)]

    # --- answers ---

    def _answer(
        self,
        tx: Transaction,
        result: NoteResult,
        agent: Agent,
        now: datetime,
        question: Question | None,
        went_to: str = "",
        owed: Sequence[str] = (),
    ) -> None:
        """Send the agent what was not done, what was looked up, and what the wording rules find.

        A note without any order is answered too, so that nobody waits for what does not happen.

        Args:
            tx: the transaction.
            result: what became of the note; its case may change.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
            question: what the note answers, where that is one question.
            went_to: to whom it was written, where that may be a mistake.
            owed: the lines about promises that the mail asked for, of which the note has none.
        """
        case = result.case
        findings = self.commands.findings(case, result.done, now)
        looked_up = self._looked_up(tx, result, agent, now)
        undone = self._taken_back(tx, result)
        told = result.back or findings or looked_up or undone or went_to or _asked_without_date(result)
        if result.done and not (told or _gives(result.done)):
            return
        if not (result.done or result.back) and self._answered_enough(tx, result, agent, now):
            log.command_not_understood("note", case.ref)
            return

        if result.back:
            log.command_not_understood("note", case.ref)
        if question and question.yes == "approve" and not waits_for_approval(case):
            question = None
        why = undone or _why_answered(result, findings, self.context.playbooks.for_case(case), now)
        content = LetterContent(
            problems=result.problems,
            done=tuple(command.line for command in result.done if command.verb not in LOOK_UPS),
            findings=tuple(findings),
            because=sentence_list(filter(None, (went_to, why))) if went_to else why,
            remark=result.remark,
            looked_up=looked_up,
            asks=_expected_lines(result, question, owed, away=self._said_of_absence(agent, result.remark)),
        )
        result.case = self._send(tx, case, content, agent, now)

    def _owed_in(self, case: Case, lines: Iterable[str]) -> list[str]:
        """Return the lines with which an agent answers for the promises that a desk mail asks about.

        Args:
            case: the case.
            lines: of the mail that is answered.
        """
        asked = _kept_in(lines, self.context.grammar)
        return [line for each in case.owed if str(each.n) in asked for line in each.answers[:2]]

    def _said_of_absence(self, agent: Agent, remark: str) -> str:
        """Return the line that free words of an absence may mean: its end of one who is away, else until when.

        Args:
            agent: who wrote a note without any order.
            remark: the free words.

        Returns:
            A line to be filled in, "" where the words say nothing of an absence.
        """
        if agent.id in self.context.playbooks.default.team.absent:
            return "away: no"
        return "away: until ..." if tells_absence(self.context, remark) else ""

    def _taken_back(self, tx: Transaction, result: NoteResult) -> str:
        """Return what a note took back, as a sentence for the agent; "" where it has no `undo` that was done.

        Args:
            tx: the transaction.
            result: what became of the note.
        """
        if not any(command.verb == "undo" for command in result.done):
            return ""
        history = tx.cases.history(result.case.ref)
        line, before = line_shown(taken_back(history)), said_with_it(history)
        if before:
            return msg(_TAKEN_BACK_OF_SEVERAL, line=line, before=line_shown(before))
        return msg("this was taken back: {line}", line=line)

    def _send(self, tx: Transaction, case: Case, content: LetterContent, agent: Agent, now: datetime) -> Case:
        """Queue an answer about a case.

        Args:
            tx: the transaction.
            case: the case.
            content: what the answer says.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        answer = self.context.letters.desk(LetterKind.ANSWER, case, playbook, now, content, agent)
        return record(tx, case, [answer], now)

    def _answered_enough(self, tx: Transaction, result: NoteResult, agent: Agent, now: datetime) -> bool:
        """Return whether a machine may be writing: it says the same again and again, but for its numbers.

        Args:
            tx: the transaction.
            result: what became of the note, in which there is no order.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        ref, local = result.case.ref, self.context.playbooks.default.calendar.local
        answers = [
            entry
            for entry in tx.outbox.all(case=ref)
            if entry.letter.kind is LetterKind.ANSWER
            and entry.letter.to.address.lower() == agent.email.lower()
            and local(entry.written_at).date() == local(now).date()
        ]
        if len(answers) < _MAX_ANSWERS:
            return False
        said = [
            event.text
            for event in tx.cases.history(ref)
            if isinstance(event, Remarked) and event.by == agent.name and event.at >= answers[0].written_at
        ]
        again = [words for words in said if _letters(words) == _letters(result.remark)]
        return len(answers) >= _MOST_ANSWERS or not result.remark or len(again) >= _MAX_ANSWERS

    def _tell_owner(self, tx: Transaction, result: NoteResult, agent: Agent, now: datetime) -> None:
        """Tell the owner of a case what a colleague has said about it.

        Args:
            tx: the transaction.
            result: what became of the note; its case may change.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        owner = self.context.playbooks.for_case(result.case).owner_of(result.case.owner)
        changes = [command for command in result.done if command.verb not in WITHOUT_CASE]
        if owner.id == agent.id or not (changes or result.remark):
            return

        content = LetterContent(
            because=msg("{name} has answered about your case", name=agent.name),
            colleague=agent.name,
            done=tuple(command.line for command in changes),
            remark=result.remark,
        )
        result.case = self._send(tx, result.case, content, owner, now)

    def _ask_for_proof(
        self, tx: Transaction, case: Case, agent: Agent, lines: Sequence[str], now: datetime
    ) -> None:
        """Ask an agent to repeat the orders of a mail that answers none of ours.

        Anybody may have sent such a mail.

        Args:
            tx: the transaction.
            case: the case.
            agent: who wrote it.
            lines: the lines of a note.
            now: the time of the cycle, in UTC.
        """
        if is_flooded(tx, agent, case.ref, now):
            return
        note = read_note(lines, self.context.grammar, signer=agent)
        orders = tuple(order.line for group in note.orders for order in group)
        because = msg(
            "your mail answers none of ours, so that anybody may have sent it; "
            "to have it done, answer this mail with the lines"
        )
        content = LetterContent(because=because, asks=orders, problems=tuple(b.problem for b in note.back))
        log.command_not_understood("note", case.ref)
        self._send(tx, case, content, agent, now)

    # --- look-ups ---

    def _looked_up(
        self, tx: Transaction, result: NoteResult, agent: Agent, now: datetime
    ) -> tuple[LookedUp, ...]:
        """Return what the look-ups of a note have found.

        Args:
            tx: the transaction.
            result: what became of the note; its case may change.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        asked = [(command.verb, command.text) for command in result.done if command.verb in LOOK_UPS]
        if not (result.done or result.back) and "?" in result.remark:  # a question to the desk
            asked = [("show", "")]
        look_up = LookUpService(self.context)
        return tuple(
            found
            for verb, text in asked
            for found in look_up.answer(tx, verb, text, result.case.ref, agent, now)
        )

    def _look_up(
        self, tx: Transaction, note: StoredMail, agent: Agent, lines: Sequence[str], now: datetime
    ) -> None:
        """Answer a mail that names no case: look-ups, and the own absence of an agent who is proved.

        Lines about a case that they name come back.

        Args:
            tx: the transaction.
            note: the stored mail.
            agent: who wrote it.
            lines: the lines of a note.
            now: the time of the cycle, in UTC.
        """
        if is_flooded(tx, agent, "", now):
            return
        look_up = LookUpService(self.context)
        found: list[LookedUp] = []
        done: list[str] = []
        problems: list[str] = []
        for line in lines:
            ref, rest = split_case(line)
            for order in self._orders(rest):
                if order.verb in LOOK_UPS:
                    found += look_up.answer(tx, order.verb, order.text, ref, agent, now)
                elif order.verb == "away" and note.message.proven:
                    self._absence(tx, order, agent, now, done, problems)
                else:
                    problems.append(
                        msg("{line} answers none of our mails; answer one with it", line=quoted(line))
                    )

        key = f"look-up-{note.id}"
        self._answer_without_case(tx, note, key, agent, done, problems, tuple(found), now)

    # --- digests ---

    def _digest_answer(
        self, tx: Transaction, note: StoredMail, asked: OutboxEntry, agent: Agent, now: datetime
    ) -> list[str]:
        """Run lines about the cases of a digest, and return the problems.

        Each line names its case, unless the digest has only one ("FU-7K3Q9: complaint").

        Args:
            tx: the transaction.
            note: the stored mail.
            asked: the digest that is answered.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        digest = asked.letter
        named = cases_in(f"{digest.text}\n{digest.html}")
        lines, doubts = self._lines(tx, note, digest, named)
        about_flood = list(filter(_dismisses_flood, lines))
        by_case, problems = self._by_case([line for line in lines if line not in about_flood], named)
        problems = [doubt.problem for doubt in doubts] + problems
        done = [DISMISS_FLOOD] if about_flood else []
        if about_flood:  # what came later was not told
            tx.state.put(StateKey.FLOOD_DISMISSED, (agent.id, asked.written_at.isoformat(), ""), now)
        gives = False
        found: list[LookedUp] = []

        for ref, about in by_case.items():
            if ref:
                outcome = self._in_one_case(tx, ref, about, asked, agent, now)
            else:
                outcome = self._without_a_case(tx, about, agent, now)
            done += outcome.done
            problems += outcome.problems
            found += outcome.found
            gives |= outcome.gives

        if not (problems or done or found):
            problems = [msg(_NO_ORDER)]
        if problems:
            log.command_not_understood("digest", "")
        if problems or found or not done or about_flood or gives:
            key = f"answer-{note.id}"
            self._answer_without_case(tx, note, key, agent, done, problems, tuple(found), now, digest)
        return problems

    def _in_one_case(
        self, tx: Transaction, ref: str, lines: Sequence[str], asked: OutboxEntry, agent: Agent, now: datetime
    ) -> "_DigestOutcome":
        """Run the lines of a digest's answer that are about one case.

        Args:
            tx: the transaction.
            ref: the case, which the digest names.
            lines: about it, without the reference before them.
            asked: the digest that is answered. Orders that the customer wrote too, or for a case that was closed
                since, come back.
            agent: who wrote it.
            now: the time of the cycle, in UTC.

        Returns:
            What became of them, each line and problem with the reference before it.
        """
        case = tx.cases.get(ref)
        allowed, held_back = self._held_back(tx, case, lines, asked)
        offered = [line for named, line in map(split_case, asked.letter.text.splitlines()) if named == ref]
        question = _reminder_of(offered, case, self.context.grammar)
        result = self.commands.run_lines(
            tx,
            case,
            allowed,
            agent.name,
            "digest",
            agent,
            now,
            doubts=held_back,
            question=question,
            asked_at=self._asked_at(asked),
        )
        owed = "\n".join(self._owed_in(case, offered))
        undone = self._taken_back(tx, result)
        return _DigestOutcome(
            done=[f"{ref}: {command.line}" for command in result.done] + [undone] * bool(undone),
            problems=[_in_digest(ref, unclear) for unclear in self._asked_again(result, owed)],
            found=list(self._looked_up(tx, result, agent, now)),
            gives=_gives(result.done) or bool(undone),
        )

    def _asked_again(self, result: NoteResult, owed: str) -> list[Unclear]:
        """Return what comes back of lines about a case of a digest, with lines to answer with.

        Args:
            result: what became of the lines.
            owed: the lines about the promises that the digest asks about.
        """
        if result.remark and not (result.done or result.back):
            return [Unclear(result.remark, msg(_IN_HISTORY), owed)]
        grammar = self.context.grammar
        return [
            replace(each, draft=owed) if of_kind(grammar.read(each.line), YesOrNo) else each
            for each in result.back
        ]

    def dismiss_flood(self, now: datetime) -> int:
        """Dismiss the next complaints of a flood that an agent has dismissed; return how many were looked at.

        A mail has two seconds of computing, in which ten thousand cases cannot be dismissed.
        """
        done = 0
        with isolated("a flood"), self.context.ledger.transaction() as tx:
            asked = tx.state.value(StateKey.FLOOD_DISMISSED)
            if asked:
                name, until, last = asked
                done = self._dismiss_portion(tx, name, until, last, now)
        return done

    def _dismiss_portion(self, tx: Transaction, name: str, until: str, last: str, now: datetime) -> int:
        """Dismiss some complaints of a flood; return how many cases were looked at.

        Args:
            tx: the transaction.
            name: the id of the agent who says so.
            until: complaints that came later are not meant.
            last: the case that was looked at last.
            now: the present moment, in UTC.
        """
        cases = tx.cases.suspected_after(last, _PORTION)
        agent = self.context.playbooks.default.team.by_id(name)
        by = agent.name if agent else name
        for case in cases:
            if case.flood and case.opened_at <= datetime.fromisoformat(until):
                self.commands.run_lines(tx, case, [_DISMISS], by, "digest", agent, now)
        rest = (name, until, cases[-1].ref) if cases else None
        tx.state.put(StateKey.FLOOD_DISMISSED, rest, now)
        return len(cases)

    def _by_case(self, lines: Sequence[str], named: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
        """Return the lines of a digest's answer by case, "" for those that need none, and the problems.

        Args:
            lines: the lines of a note.
            named: the cases of the digest.
        """
        only_case = named[0] if len(named) == 1 else ""
        found: dict[str, list[str]] = {}
        problems: list[str] = []
        for line in join_wrapped(lines, self.context.grammar):
            ref, command = split_case(line)
            ref = ref or only_case
            if ref in named:
                found.setdefault(ref, []).append(command)
            elif ref:
                problems.append(_names_no_case(line.strip()))
            else:
                found.setdefault("", []).append(line)
        return found, problems

    def _without_a_case(
        self, tx: Transaction, lines: Sequence[str], agent: Agent, now: datetime
    ) -> "_DigestOutcome":
        """Run the lines of a digest's answer that name no case: look-ups, and the agent's own absence.

        Other orders are problems.

        Args:
            tx: the transaction.
            lines: the lines of a note.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
        """
        note = read_note(lines, self.context.grammar, signer=agent)
        done: list[str] = []
        problems = [unclear.problem for unclear in note.back]
        found: list[LookedUp] = []
        for order in (order for group in note.orders for order in group):
            if order.verb in LOOK_UPS:
                found += LookUpService(self.context).answer(tx, order.verb, order.text, "", agent, now)
            elif order.verb == "away":
                self._absence(tx, order, agent, now, done, problems)
            else:
                problems.append(_names_no_case(order.line))
        return _DigestOutcome(done, problems, found)

    def _absence(
        self,
        tx: Transaction,
        order: Order,
        agent: Agent,
        now: datetime,
        done: list[str],
        problems: list[str],
    ) -> None:
        """Store what an agent says about their own absence, which concerns no case.

        Args:
            tx: the transaction.
            order: the line.
            agent: who wrote it.
            now: the time of the cycle, in UTC.
            done: the lines that were done; this one is added.
            problems: why lines come back; the problem of this one is added.
        """
        try:
            AbsenceService(self.context).say(tx, agent, order.text, now)
            done.append(order.line)
        except NotUnderstoodError as error:
            problems.append(error.problem)

    def _answer_without_case(
        self,
        tx: Transaction,
        note: StoredMail,
        name: str,
        agent: Agent,
        done: Sequence[str],
        problems: Sequence[str],
        found: tuple[LookedUp, ...],
        now: datetime,
        digest: Letter | None = None,
    ) -> None:
        """Send the agent what was done, what was not understood, and what was looked up.

        Args:
            tx: the transaction.
            note: the stored mail.
            name: the last part of the answer's key.
            agent: who wrote it.
            done: the lines that were done.
            problems: why lines come back.
            found: what was looked up.
            now: the time of the cycle, in UTC.
            digest: the digest that is answered.
        """
        playbook = self.context.playbooks.default
        day = playbook.calendar.local(now).date()
        agenda = Agenda(
            key=f"{digest.key}.{name}" if digest else notice_key(day, name),
            day=day,
            done=tuple(done),
            problems=tuple(problems),
            looked_up=found,
        )
        letter = self.context.letters.digest(agenda, playbook, now, note.mailbox, agent)
        tx.outbox.queue(letter, now)
        log.letter_written(letter.key)


def _was_closed_since(tx: Transaction, case: Case, asked: OutboxEntry) -> bool:
    """Return whether a case was closed since it was asked about: what a desk mail may order ends with it.

    A customer can have a closed case opened again, which must not bring a kept desk mail back to life.

    Args:
        tx: the transaction.
        case: the case.
        asked: the desk mail that is answered.
    """
    closings = (event.at for event in tx.cases.history(case.ref) if isinstance(event, Closed))
    return any(asked.written_at <= at for at in closings)


def _gives_order(line: str, grammar: Grammar) -> bool:
    """Return whether a line may change a case: it has an order that is no look-up, a yes or a no.

    Args:
        line: a line of a note.
        grammar: how agents speak.
    """
    pieces = grammar.read(line)
    return any(
        isinstance(piece, YesOrNo) or (isinstance(piece, Order) and piece.verb not in LOOK_UPS)
        for piece in pieces
    )


def _customers_words(case: Case, desk_text: str) -> str:
    """Return what the customer wrote, as far as an agent's mail client may have quoted it.

    Args:
        case: the case.
        desk_text: the text of the desk mail that is answered.
    """
    quotes = [line.lstrip("> ") for line in desk_text.splitlines() if line.startswith(">")]
    return "\n".join((case.story, case.latest, *quotes))


def _dismisses_flood(line: str) -> bool:
    """Return whether a line dismisses the complaints of a flood.

    Args:
        line: a line of a note.
    """
    return " ".join(line.casefold().split()).rstrip(".!") == DISMISS_FLOOD


def _gives(done: Iterable[Command]) -> bool:
    """Return whether commands gave the customer something of value.

    Args:
        done: the commands that were done.
    """
    return any(command.verb in _GIVING for command in done)


def question_of(asked: OutboxEntry, case: Case, grammar: Grammar) -> Question | None:
    """Return the one question that a desk mail asks, None where it asks none, or several.

    Args:
        asked: the mail that is answered.
        case: the case.
        grammar: how agents speak.
    """
    desk_mail = asked.letter
    if desk_mail.kind is LetterKind.DOUBT:
        return Question("settle: sent", by_consent=False)
    if desk_mail.kind is LetterKind.OPENED and (case.stage is Stage.SUSPECTED or case.by_machine):
        return Question("complaint", "dismiss")

    if desk_mail.kind is LetterKind.APPROVAL:
        waiting = _approvals(case, asked.written_at)
        if moves := _offered_moves(desk_mail.text, grammar):
            return None if waiting else Question(moves)
        if waiting <= 1:
            return Question("approve", "refuse")

    lines = desk_mail.text.splitlines()
    is_answer = desk_mail.kind is LetterKind.ANSWER
    if is_answer and (offer := offer_of(case, desk_mail.text)):
        return offer
    question = _question_in(lines, case, grammar, asked.written_at)
    if question or not is_answer:
        return question or _reminder_of(lines, case, grammar)
    return _offered_line(lines, grammar)


def _reminder_of(lines: Iterable[str], case: Case, grammar: Grammar) -> Question | None:
    """Return the question what became of a promise, None where a desk mail asks about none: a yes is not enough.

    Args:
        lines: of the desk mail.
        case: the case.
        grammar: how agents speak.
    """
    asked = _kept_in(lines, grammar)
    owed = [f"kept: {promise.n}" for promise in case.owed if str(promise.n) in asked]
    return Question(owed[0], is_certain=False) if owed else None


def _kept_in(lines: Iterable[str], grammar: Grammar) -> set[str]:
    """Return the numbers of the promises of which a desk mail asks whether they were kept.

    Args:
        lines: of the desk mail.
        grammar: how agents speak.
    """
    orders = (order for line in lines for order in of_kind(grammar.read(line), Order))
    return {number for order in orders if order.verb == "kept" for number in order.text.split(", ")}


def _offered_line(lines: Iterable[str], grammar: Grammar) -> Question | None:
    """Return the question whether the only line that an answer offers is meant, None where it offers several.

    Args:
        lines: of the answer; "..." is what the agent has yet to say, and items of a list are no offers.
        grammar: how agents speak.
    """
    shown = list(map(str.strip, lines))
    own = (number for number, line in enumerate(shown) if _LIST_OR_QUOTE.match(line) is None)
    begins = [number for number in own if grammar.verb_of(shown[number].partition(":")[0])]
    if len(begins) != 1:
        return None
    whole = " ".join(takewhile(bool, shown[begins[0] :]))  # a line right below it is its rest
    orders = of_kind(grammar.read(whole), Order) if "..." not in whole and grammar.is_order(whole) else []
    told = [f"{order.verb}: {order.text}" if order.text else order.verb for order in orders]
    return Question(told[0]) if len(told) == 1 else None


def _offered_moves(text: str, grammar: Grammar) -> str:
    """Return the lines of a desk mail that give promises the dates that the customer was told, "" without any.

    Args:
        text: the text of the desk mail; what it quotes offers nothing.
        grammar: how agents speak.
    """
    lines = [line.strip() for line in text.splitlines() if not line.startswith(">")]
    orders = [(line, of_kind(grammar.read(line), Order)) for line in lines]
    return "\n".join(
        f"late: {found[0].text}"
        for _, found in orders
        if found and found[0].verb == "late" and "..." not in found[0].text
    )


def offer_of(case: Case, shown: str | None = None) -> Question | None:
    """Return the question whether better sentences are taken for the facts that went back, None without one.

    Args:
        case: the case.
        shown: the desk mail, which shows the sentences; None where they were shown on a screen.
    """
    text = None if shown is None else " ".join(shown.split())
    offered = [
        f"{name}: {draft}"
        for name, _, draft in case.returned
        if draft and (text is None or " ".join(draft.split()) in text)
    ]
    return Question("\n".join(offered)) if offered else None


def _question_in(
    lines: Iterable[str], case: Case, grammar: Grammar, asked_at: datetime | None = None
) -> Question | None:
    """Return the one question of a desk mail, by the lines that it offers.

    Args:
        lines: the lines of the desk mail, or of a quote of it.
        case: the case.
        grammar: how agents speak.
        asked_at: when the desk mail was written, None where that is not known.
    """
    bare = [line for line in lines if "," not in line]  # the last line names words that answer nothing
    offered = {order.verb for line in bare for order in of_kind(grammar.read(line), Order)}
    is_only_approval = offered.isdisjoint(_OTHER_ANSWERS) and _approvals(case, asked_at) == 1
    questions = (
        ({"approve"}, is_only_approval, Question("approve", "refuse")),
        ({"complaint", "dismiss"}, case.stage is Stage.SUSPECTED, Question("complaint", "dismiss")),
        ({"none"}, bool(case.unclear), Question("none", "none")),
    )
    return next((question for verbs, is_open, question in questions if is_open and verbs <= offered), None)


def _stranger(message: Message) -> Agent:
    """Return the writer of a mail as somebody whose signature may be known, though no agent.

    Args:
        message: the note.
    """
    sender = message.sender
    return Agent(id=sender.address, name=sender.shown, email=sender.address, phone="")


def _approvals(case: Case, asked_at: datetime | None) -> int:
    """Return how many things wait for an approval, of which each was asked about in a separate mail.

    What came to wait after an agent was asked counts only where nothing else waits: the agent hears of it then.

    Args:
        case: the case.
        asked_at: when the agent was asked, None for now.
    """
    known = _waiting(case, asked_at)
    return known or _waiting(case, None)


def _waiting(case: Case, asked_at: datetime | None) -> int:
    """Return how many things waited for an approval at some time, and still do.

    Args:
        case: the case.
        asked_at: the time, None for now.
    """
    proposed = promises_asked_about(case, asked_at) or grants_asked_about(case, asked_at, GrantState.PROPOSED)
    letters = letters_asked_about(case, asked_at)
    grants = grants_asked_about(case, asked_at, GrantState.WAITING_APPROVAL)
    return len(letters) + len(grants) + bool(proposed)


def _meant_for_customer(message: Message, result: NoteResult) -> str:
    """Return that an answer to a desk mail, which greets the customer by name, has not reached them; "" for another.

    Args:
        message: the answer.
        result: what became of it.
    """
    greeted = set(salutation(message.text).casefold().split())
    names = set(result.case.customer.name.casefold().split())
    return msg(_TO_US_ALONE) if greeted & names and not result.done else ""


def _letters(text: str) -> str:
    """Return the letters of a text; machines number and date what they say.

    Args:
        text: free words of a note.
    """
    return "".join(filter(str.isalpha, text.casefold()))


def _why_answered(result: NoteResult, findings: Sequence[str], playbook: Playbook, now: datetime) -> str:
    """Return why a note is answered, "" where the answer itself says it.

    Args:
        result: what became of the note; its case may change.
        findings: what the wording rules found.
        playbook: the playbook of the case.
        now: the time of the cycle, in UTC.
    """
    if result.back:
        return msg("some lines of your note were not understood")
    if not result.done and result.remark:
        return msg(_IN_HISTORY)
    if not result.done:
        return msg(_NO_ORDER)
    asked = _asked_without_date(result)
    if asked:
        when = day_and_time(asked.due, playbook.calendar)
        return msg("{helper} was asked, and is to answer by {when}", helper=asked.helper, when=when)
    if _gives(result.done) and not findings:
        at = f"{playbook.calendar.local(now):%H:%M}"
        return msg("a note in your name was carried out at {at}; if it is not yours, say so at once", at=at)
    return ""


def _asked_without_date(result: NoteResult) -> HelpRequest | None:
    """Return the newest question of a note to a department if it was asked without a date, None for none.

    Args:
        result: what became of the note.
    """
    asked = [command.text for command in result.done if command.verb == "ask"]
    requests = result.case.requests
    if not asked or not requests:
        return None
    is_undated = not read_request(asked[-1], {requests[-1].helper}).when
    return requests[-1] if is_undated else None


def _expected_lines(
    result: NoteResult, question: Question | None, owed: Sequence[str] = (), *, away: str = ""
) -> tuple[str, ...]:
    """Return the lines to answer with.

    Better ones for those that came back, else what the desk mail asked.

    Args:
        result: what became of the note; its case may change.
        question: what the note answers, where that is one question.
        owed: the lines about promises that the mail asked for.
        away: the line about an absence that free words may mean, "" for none.
    """
    drafts = "\n".join(filter(None, (unclear.draft for unclear in result.back)))
    if drafts:
        return tuple(drafts.split("\n"))

    if question is None or result.done or not question.no:
        if result.done:
            return ()
        return (away,) if away and not result.back else tuple(owed)
    return question.yes, {"refuse": "refuse: "}.get(question.no, question.no)


def _in_digest(ref: str, unclear: Unclear) -> str:
    """Return why a line about a case of a digest comes back, with the lines that it may mean.

    Args:
        ref: the case.
        unclear: the line.
    """
    lines = [line_shown(f"{line}") for line in (unclear.draft or "").splitlines()]
    if not lines:
        return msg("{ref}: {problem}", ref=ref, problem=unclear.problem)
    said = sentence_list(lines, ", ")
    return msg("{ref}: {problem} ({lines})", ref=ref, problem=unclear.problem, lines=said)


def _names_no_case(line: str) -> str:
    """Return the problem of a line that names no case of the digest that it answers.

    Args:
        line: a line of a note.
    """
    return msg(
        "{line} names no case of that digest; expected {form}",
        line=quoted(line),
        form=line_shown("FU-7K3Q9: complaint"),
    )


def _without_case(subject: str) -> str:
    """Return a subject without the case in brackets: "[FU-7K3Q9] kept: 1" is a line, too.

    Args:
        subject: the subject of a mail.
    """
    return re.sub(r"^\s*(?:\w{2,3}:\s*)*\[?FU-[A-Z0-9]{5,12}\]?\s*:?\s*", "", subject, flags=re.IGNORECASE)


def _quoted_text(tx: Transaction, note: StoredMail, desk_mail: Letter) -> str:
    """Return the text that a note may quote: the desk mail's, and that of the thread's last mails.

    Args:
        tx: the transaction.
        note: the stored mail.
        desk_mail: the mail that is answered.
    """
    earlier = list(map(tx.mail.earlier_text, note.message.thread[-_QUOTED_MAILS:]))
    return "\n".join([desk_mail.text, *earlier])
