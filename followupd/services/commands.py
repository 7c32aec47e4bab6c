"""Run what agents say by tag, folder, note or command line: each line is one command."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.case import Case, Stage
from followupd.domain.command import Command, expected, left_empty, read_line
from followupd.domain.compensation import OtherGrant
from followupd.domain.decision import Agenda, LetterContent
from followupd.domain.events import Approved, Event, LetterDropped
from followupd.domain.letter import FOLLOW_UP_EXTRAS, Letter, LetterKind, LetterStatus
from followupd.domain.mail import DISMISSED_BY_AGENT, Kind, MailState, PendingCommand, StoredMail
from followupd.domain.playbook import Agent
from followupd.domain.promise import Found, PromiseState
from followupd.domain.translatable import Translatable, msg
from followupd.errors import InvalidTransitionError, NotUnderstoodError
from followupd.recovery import commands
from followupd.services.context import ServiceContext
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.outbox import outcomes
from followupd.services.record import isolated, quarantine, record
from followupd.services.staff_mail import StaffNotices
from followupd.services.wording_guard import HARD, SOFT
from followupd.text.notes import (
    cases_in,
    is_courtesy,
    join_wrapped,
    own_lines,
    split_case,
    uncertain_commands,
)

#: IMAP does not tell who set a tag or moved a mail
UNKNOWN_ACTOR = "someone with access to the mailbox"
#: the only verb that a mail without a case may be given without opening one
_DISMISS = "dismiss"


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
        """Run the command of one tag or move; the agent gets back what is not understood."""
        tx.mail.mark_command_done(pending.id, now)
        mail = tx.mail.get(pending.mail_id)
        try:
            verb, text = read_line(pending.line)
            case = self._case_of(tx, mail, verb, now)
            if case is not None:
                command = Command(verb, text, UNKNOWN_ACTOR, pending.source)
                reply = mail if mail.in_sent else None
                after = self._execute(tx, case, command, reply, now)
                if reply and verb == "promised":
                    self._tell_what_was_read(tx, case, after, reply, now)
        except NotUnderstoodError as error:
            self._notices.command_returned(tx, mail, pending, str(error), now)

    def _tell_what_was_read(
        self, tx: Transaction, before: Case, case: Case, reply: StoredMail, now: datetime
    ) -> None:
        """Tell the agent what was understood of a tagged reply, and ask about the sentences that were not.

        The reply's sender gets the mail, or the case's owner if the reply was sent from the mailbox's own address.
        """
        known = {promise.n for promise in before.promises if promise.state is not PromiseState.PROPOSED}
        made = tuple(promise for promise in case.promises if promise.n not in known)
        given = tuple(grant for grant in case.compensation if grant not in before.compensation)
        if not made and not given and not case.unclear:
            return
        playbook = self.context.playbooks.for_case(case)
        agent = playbook.team.by_address(reply.message.sender.address) or playbook.owner_of(case.owner)
        content = LetterContent(
            because=msg("this is what I read in your reply to the customer"),
            promises=made,
            compensation=given,
            unsure=case.unclear,
            asks=("ok", "promise: ", "refund: ", "none") if case.unclear else (),
        )
        record(
            tx, case, [self.context.letters.desk(LetterKind.ANSWER, case, playbook, now, content, agent)], now
        )

    def _give_up(self, pending: PendingCommand, now: datetime, reason: str) -> None:
        """Mark a command that cannot be executed as done, and tell the agent."""
        log.command_failed(pending.source, reason)
        error_name = reason.partition(":")[0]

        with self.context.ledger.transaction() as tx:
            tx.mail.mark_command_done(pending.id, now)

        with isolated(f"the answer to a {pending.source}"), self.context.ledger.transaction() as tx:
            problem = f"{pending.line!r} could not be done ({error_name})"
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
        doubts: Sequence[str] = (),
    ) -> tuple[Case, list[str]]:
        """Run the lines that are understood.

        Args:
            tx: the transaction.
            case: the case.
            lines: the lines, as a mail client may have wrapped them.
            actor: who gives the commands, as the history names them.
            source: note, digest or tell. What is wrong with a note goes back to the agent by mail.
            agent: the agent, None when it is not known which one it is.
            now: the time.
            doubts: problems that were found already.

        Returns:
            The changed case, and the problems with the lines that were not executed.
        """
        problems = list(doubts)
        done: list[str] = []

        for line in join_wrapped(lines, self.context.languages):
            if not line.strip():
                continue
            try:
                verb, text = read_line(line)
                command = Command(verb, text, actor, source, agent.id if agent else "")
                case = self._execute(tx, case, command, None, now)
                done.append(command.line)
            except NotUnderstoodError as error:
                if not self._may_be_ignored(line, source):
                    problems.append(str(error))

        findings = self.findings(case, done, now)
        if agent and source == "note" and (problems or findings):
            case = self._answer_note(tx, case, agent, problems, done, findings, now)

        return case, problems

    def _answer_note(
        self,
        tx: Transaction,
        case: Case,
        agent: Agent,
        problems: Sequence[str],
        done: Sequence[str],
        findings: Sequence[Translatable],
        now: datetime,
    ) -> Case:
        """Send the agent the problems with a note, what was done, and the findings of the wording rules."""
        because: str = ""
        if problems:
            log.command_not_understood("note", case.ref)
            because = msg("some lines of your note were not understood")

        content = LetterContent(
            problems=tuple(problems), done=tuple(done), findings=tuple(findings), because=because
        )
        playbook = self.context.playbooks.for_case(case)
        answer = self.context.letters.desk(LetterKind.ANSWER, case, playbook, now, content, agent)
        return record(tx, case, [answer], now)

    def findings(self, case: Case, lines: Sequence[str], now: datetime) -> list[Translatable]:
        """Return what the wording rules find in lines that were done, each as a sentence for the agent."""
        playbook = self.context.playbooks.for_case(case)
        found = self.context.wording.lines(lines, case, playbook, now)
        hard = [msg(HARD, finding=finding.told) for finding in found if finding.hard]
        soft = [msg(SOFT, finding=finding.told) for finding in found if not finding.hard]
        return [*hard, *soft]

    # --- commands ---

    def _execute(
        self, tx: Transaction, case: Case, command: Command, reply: StoredMail | None, now: datetime
    ) -> Case:
        """Execute one command.

        Args:
            tx: the transaction.
            case: the case.
            command: the command.
            reply: the mail in Sent that was tagged, in which the promise is that `promised` means.
            now: the time.

        Raises:
            NotUnderstoodError: the command cannot be executed, for a reason that the agent is told.
        """
        if command.verb == "settle":
            case = _settle(tx, case, command, now)
        else:
            events = commands.handle(command, self._command_context(tx, case, command, reply, now))
            try:
                case = _save(tx, case, events, now)
            except InvalidTransitionError as error:
                raise NotUnderstoodError(f"{command.line!r} does not fit: {error}") from error

        log.command_executed(case.ref, command.actor, command.source, command.verb)
        return case

    def _command_context(
        self, tx: Transaction, case: Case, command: Command, reply: StoredMail | None, now: datetime
    ) -> commands.CommandContext:
        """Return what a command needs; with `promised`, also what the tagged reply promises."""
        context = self.context
        reader = context.line_reader(case)
        return commands.CommandContext(
            case,
            context.playbooks.for_case(case),
            context.playbooks.names,
            reader,
            now,
            reader.promises_in(reply) if reply and command.verb == "promised" else Found(),
            grants_in_other_cases(tx, case),
            context.monthly_cap,
        )

    def _may_be_ignored(self, line: str, source: str) -> bool:
        """Return whether a line that is no command is no problem either.

        That is a greeting, or an optional fact that was left empty in a note.
        """
        if is_courtesy(line, self.context.languages):
            return True

        return source == "note" and left_empty(line, FOLLOW_UP_EXTRAS)


def grants_in_other_cases(tx: Transaction, case: Case) -> list[OtherGrant]:
    """Return what the customer was granted in other cases.

    It counts for the monthly cap, and shows the same grant that is given twice.
    """
    finished = {Stage.CLOSED, Stage.DISMISSED}
    grants = []

    for other in tx.cases.of_customer(case.customer.address):
        if other.ref != case.ref:
            is_open = other.stage not in finished
            grants += [OtherGrant(other.ref, is_open, grant) for grant in other.compensation]

    return grants


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
            "this mail answers no customer's mail that I know; tag the customer's mail instead"
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

    return case


def _settle(tx: Transaction, case: Case, command: Command, now: datetime) -> Case:
    """Resolve a letter in doubt; the line names the letter where there are several.

    Raises:
        NotUnderstoodError: the line has no resolution, or names no letter in doubt.
    """
    *named, text = command.text.split()
    resolution = next((word for word in outcomes.RESOLUTIONS if word == text.lower()), None)
    if resolution is None or len(named) > 1:
        raise NotUnderstoodError(f"{command.line!r}; expected {expected('settle')!r}")

    key = _key_in_doubt(tx, case, command, named)
    outcomes.resolve(tx, key, resolution, command.actor, now)
    return tx.cases.get(case.ref)


def _key_in_doubt(tx: Transaction, case: Case, command: Command, named: Sequence[str]) -> str:
    """Return the key of the letter in doubt that is named, or of the only one.

    Raises:
        NotUnderstoodError: with the keys of the letters in doubt.
    """
    in_doubt = [entry.letter.key for entry in tx.outbox.all(LetterStatus.DOUBT, case=case.ref)]
    meant = in_doubt
    if named:
        meant = [key for key in in_doubt if key.casefold() == named[0].casefold()]
    if len(meant) == 1:
        return meant[0]

    known = ", ".join(in_doubt) or "none"
    raise NotUnderstoodError(f"{command.line!r} names no letter in doubt; those in doubt are: {known}")


#: mails of a thread with which the quoted lines of a note are compared
_QUOTED_MAILS = 8


def is_note(mail: StoredMail) -> bool:
    """Return whether a mail answers one of our desk mails; `NoteService` checks whether its sender may.

    Robots answer desk mails too; their absence notes and reports are no notes, and are not answered.
    """
    from_agent = mail.message.kind is Kind.AGENT and not mail.in_sent
    return from_agent and bool(_desk_mail_keys(mail))


def _desk_mail_keys(mail: StoredMail) -> list[str]:
    """Return the keys of the desk mails that a mail answers."""
    return [key for key in mail.message.answers if "desk/" in key]


@dataclass(frozen=True, slots=True)
class NoteService:
    """Runs notes by `commands`. A note counts only from the agent to whom the desk mail was sent."""

    context: ServiceContext
    commands: CommandService

    def handle(self, tx: Transaction, note: StoredMail, now: datetime) -> None:
        """Run the lines of one note; the agent gets an answer about those that were not understood.

        A note of anybody but the agent to whom the desk mail was sent, and a forged one, are quarantined
        (docs/mail.md R6).
        """
        desk_mail = tx.outbox.get(_desk_mail_keys(note)[0]).letter
        case = tx.cases.get(desk_mail.case) if desk_mail.case else None
        playbooks = self.context.playbooks
        playbook = playbooks.for_case(case) if case else playbooks.default

        agent = playbook.team.by_address(note.message.sender.address)
        if agent is None or agent.email.lower() != desk_mail.to.address.lower():
            quarantine(tx, note, "a note counts only from the agent whom the desk mail was sent to")
            return
        if note.message.forged:
            quarantine(tx, note, f"a forged note: {note.message.forged}")
            return

        tx.mail.mark_processed(note.id, case_ref=case.ref if case else None)
        doubts = uncertain_commands(note.message, _quoted_text(tx, note, desk_mail))
        if case is None:
            self._digest_answer(tx, note, desk_mail, agent, doubts, now)
        else:
            lines = own_lines(note.message)
            self.commands.run_lines(tx, case, lines, agent.name, "note", agent, now, doubts)

    def _digest_answer(
        self,
        tx: Transaction,
        note: StoredMail,
        digest: Letter,
        agent: Agent,
        doubts: Sequence[str],
        now: datetime,
    ) -> None:
        """Run lines about the cases of a digest.

        Each line names its case, unless the digest has only one ("FU-7K3Q9: complaint").
        """
        named = cases_in(f"{digest.text}\n{digest.html}")
        only_case = named[0] if len(named) == 1 else ""
        done: list[str] = []
        problems = list(doubts)

        for line in own_lines(note.message):
            ref, command = split_case(line)
            ref = ref or only_case
            if not command or (not ref and is_courtesy(command, self.context.languages)):
                continue
            if ref not in named:
                expected = "expected 'FU-7K3Q9: complaint'"
                problems.append(f"{line.strip()!r} names no case of that digest; {expected}")
                continue
            case = tx.cases.get(ref)
            _, found = self.commands.run_lines(tx, case, [command], agent.name, "digest", agent, now)
            problems += [f"{ref}: {problem}" for problem in found]
            if not found:
                done.append(f"{ref}: {command}")

        if problems:
            log.command_not_understood("digest", "")
            self._answer(tx, note, digest, agent, done, problems, now)

    def _answer(
        self,
        tx: Transaction,
        note: StoredMail,
        digest: Letter,
        agent: Agent,
        done: Sequence[str],
        problems: Sequence[str],
        now: datetime,
    ) -> None:
        """Send the agent what was done of a digest's answer, and what was not understood."""
        playbook = self.context.playbooks.default
        agenda = Agenda(
            key=f"{digest.key}.answer-{note.id}",
            day=playbook.calendar.local(now).date(),
            done=tuple(done),
            problems=tuple(problems),
        )
        letter = self.context.letters.digest(agenda, playbook, now, note.mailbox, agent)
        tx.outbox.queue(letter, now)
        log.letter_written(letter.key)


def _quoted_text(tx: Transaction, note: StoredMail, desk_mail: Letter) -> str:
    """Return the text that a note may quote: the desk mail's, and that of the thread's last mails."""
    earlier = [tx.mail.earlier_text(message_id) for message_id in note.message.thread[-_QUOTED_MAILS:]]
    return "\n".join([desk_mail.text, *earlier])
