"""What agents say, by tag, folder, note or command line, becomes one kind of Command and then events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from followupd import log
from followupd.domain.case import Case, Stage
from followupd.domain.command import Command, expected, left_empty, read_line
from followupd.domain.compensation import Money, OtherGrant
from followupd.domain.decision import Agenda, Decision, LetterContent, LetterRenderer
from followupd.domain.events import Approved, Event, LetterDropped
from followupd.domain.letter import ANSWER, FOLLOW_UP_EXTRAS, Letter, LetterStatus
from followupd.domain.mail import Kind
from followupd.domain.playbook import Playbook
from followupd.domain.promise import FoundCompensation, FoundPromise
from followupd.domain.records import NO_COMPLAINT, QUARANTINE, PendingCommand, StoredMail
from followupd.domain.status_tags import marks
from followupd.domain.team import Agent
from followupd.domain.translatable import Translatable, msg
from followupd.errors import (
    ConflictError,
    FollowupdError,
    InvalidTransitionError,
    NotUnderstoodError,
    UnavailableError,
)
from followupd.languages import Catalogue, Language, catalogue
from followupd.recovery import commands as say
from followupd.services.inbox.router import MailRouter
from followupd.services.outbox import outcomes
from followupd.services.ports import Ledger, Transaction
from followupd.services.staff_mail import ReturnedCommand
from followupd.services.wording_guard import HARD, SOFT, WordingGuard
from followupd.text import promises
from followupd.text.notes import about, cases_in, is_courtesy, joined, spoken, unsure


@dataclass(frozen=True, slots=True)
class PromiseLineReader:
    """The promise chapter with the house's calendar and currency filled in."""

    playbook: Playbook
    language: Language

    def split_when(self, text: str, now: datetime) -> tuple[str, datetime | None]:
        return promises.split_when(text, now=now, calendar=self.playbook.calendar, language=self.language)

    def money(self, text: str) -> Money | None:
        found = promises.read_money(text, self.playbook.company.currency, self.language.catalogue)
        return Money.of(*found) if found else None

    def hear(self, kept: StoredMail) -> tuple[Sequence[FoundPromise], Sequence[FoundCompensation]]:
        message = kept.message
        return promises.hear(
            message.text,
            said_at=message.sent_at or kept.received_at,
            calendar=self.playbook.calendar,
            language=self.language,
            doubtful=message.doubtful,
            currency=self.playbook.company.currency,
        )


#: IMAP never says who set a tag (DESIGN.md, rule 5)
SOMEBODY = "someone with access to the mailbox"
#: mails of a thread that a note's quote is compared with
_QUOTED_MAILS = 8
#: verbs that a mail without a case may be given; any other word about it goes back to the agent
_DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class CommandService:
    """Hears agents and records what they say."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer
    reception: MailRouter
    language: str
    proofread: WordingGuard = field(default_factory=WordingGuard)
    cap: Money | None = None  # most that one customer is granted in a month without a lead's word
    languages: Catalogue = field(default_factory=catalogue)

    def run(self, now: datetime) -> int:
        """Do everything that was said since the last round; return how many remarks and notes there were."""
        with self.ledger.transaction() as tx:
            remarks = tx.mail.pending_commands()
            notes = [kept for kept in tx.mail.unprocessed() if is_note(kept)]
        for remark in remarks:
            try:
                self._remark(remark, now)
            except (ConflictError, UnavailableError):
                continue  # it is said again in the next round
            except Exception as error:  # noqa: BLE001  one odd word never stops the others
                log.unexpected_error(f"a {remark.source}", error)
                self._cannot(remark, f"{remark.line!r} could not be done ({type(error).__name__})", now)
        for note in notes:
            try:
                self._note(note, now)
            except (ConflictError, UnavailableError):
                continue
            except Exception as error:  # noqa: BLE001  a person reads the note that the desk cannot
                self._set_aside(note, f"{type(error).__name__}: {error}")
        return len(remarks) + len(notes)

    def _cannot(self, remark: PendingCommand, problem: str, now: datetime) -> None:
        """Put a word aside that fails whenever it is tried, and give it back to the agent."""
        with self.ledger.transaction() as tx:
            tx.mail.mark_command_done(remark.id, now)
        try:
            with self.ledger.transaction() as tx:
                self._answer(tx, tx.mail.get(remark.mail_id), remark, problem, now)
        except FollowupdError as error:
            log.unexpected_error(f"the answer to a {remark.source}", error)

    def _set_aside(self, note: StoredMail, reason: str) -> None:
        with self.ledger.transaction() as tx:
            tx.mail.mark_processed(note.id, state="quarantine", reason=reason)
        log.mail_quarantined(note.id, reason)

    # --- tags and folders ---

    def _remark(self, remark: PendingCommand, now: datetime) -> None:
        with self.ledger.transaction() as tx:
            tx.mail.mark_command_done(remark.id, now)
            kept = tx.mail.get(remark.mail_id)
            try:
                verb, text = read_line(remark.line)
                case = self._case_of(tx, kept, verb, now)
                if case is None:
                    return
                command = Command(verb, text, SOMEBODY, remark.source)
                self._execute(tx, case, [command], kept if kept.in_sent else None, now)
            except NotUnderstoodError as error:
                self._answer(tx, kept, remark, str(error), now)

    def _case_of(self, tx: Transaction, kept: StoredMail, verb: str, now: datetime) -> Case | None:
        """Return the case that a tagged mail belongs to, opening one where an agent's word makes the mail a complaint."""
        ref = kept.case_ref or tx.cases.ref_for(kept.message.thread)
        if ref:
            return tx.cases.get(ref)
        if verb == _DISMISS:
            if kept.state != QUARANTINE:
                tx.mail.mark_processed(kept.id, reason=NO_COMPLAINT)
            return None
        complaint = self._complaint_behind(tx, kept)
        return self.reception.open_by_agent(tx, complaint, SOMEBODY, now)

    def _complaint_behind(self, tx: Transaction, kept: StoredMail) -> StoredMail:
        """A tagged reply of ours speaks of the customer's mail that it answers."""
        if not kept.in_sent and kept.message.kind is not Kind.AGENT:
            return kept
        answered = tx.mail.by_message_id(kept.message.thread)
        if answered is None or answered.message.kind is not Kind.CUSTOMER:
            raise NotUnderstoodError(
                "this mail answers no customer's mail that I know; tag the customer's mail instead"
            )
        return answered

    # --- notes ---

    def _note(self, note: StoredMail, now: datetime) -> None:
        """A note is an agent's answer to a desk mail that was sent to that agent; nothing else gives orders."""
        with self.ledger.transaction() as tx:
            letter = tx.outbox.get(next(key for key in note.message.answers if "desk/" in key)).letter
            case = tx.cases.get(letter.case) if letter.case else None
            playbook = self._playbook(case) if case else self.playbooks["default"]
            agent = playbook.team.by_address(note.message.sender.address)
            if agent is None or agent.email.lower() != letter.to.address.lower():
                tx.mail.mark_processed(
                    note.id,
                    state="quarantine",
                    reason="a note counts only from the agent whom the desk mail was sent to",
                )
                log.mail_quarantined(note.id, "a note from somebody else than the agent who was asked")
                return
            if note.message.forged:
                tx.mail.mark_processed(
                    note.id, state="quarantine", reason=f"a forged note: {note.message.forged}"
                )
                log.mail_quarantined(note.id, f"a forged note: {note.message.forged}")
                return
            tx.mail.mark_processed(note.id, case_ref=case.ref if case else None)
            if case is None:
                self._digest_answered(tx, note, letter, agent, now)
                return
            doubts = unsure(note.message, _said_before(tx, note, letter))
            self.run_lines(tx, case, spoken(note.message), agent.name, "note", agent, now, doubts)

    def _digest_answered(
        self, tx: Transaction, note: StoredMail, digest: Letter, agent: Agent, now: datetime
    ) -> None:
        """Do what the lines say of the cases that stood in the digest; what is not understood comes back."""
        named = cases_in(f"{digest.text}\n{digest.html}")
        problems = unsure(note.message, _said_before(tx, note, digest))
        done: list[str] = []
        for line in spoken(note.message):
            ref, msg = about(line)
            ref = ref or (named[0] if len(named) == 1 else "")
            if not msg or (not ref and is_courtesy(msg)):
                continue
            if ref not in named:
                problems.append(
                    f"{line.strip()!r} names no case of that digest; expected 'FU-7K3Q9: complaint'"
                )
                continue
            _, wrong = self.run_lines(tx, tx.cases.get(ref), [msg], agent.name, "digest", agent, now)
            problems += [f"{ref}: {problem}" for problem in wrong]
            done += [] if wrong else [f"{ref}: {msg}"]
        if problems:
            log.command_not_understood("digest", "")
            playbook = self.playbooks["default"]
            agenda = Agenda(
                key=f"{digest.key}.answer-{note.id}",
                day=playbook.calendar.local(now).date(),
                done=tuple(done),
                problems=tuple(problems),
            )
            tx.outbox.queue(self.write.digest(agenda, playbook, now, note.mailbox, agent), now)

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
        """Do the lines that are understood; return the case and the problems, which also go back to the agent by mail."""
        problems = list(doubts)
        done: list[str] = []
        for line in (line for line in joined(lines) if line.strip()):
            try:
                verb, text = read_line(line)
                command = Command(verb, text, actor, source, agent.id if agent else "")
                case = self._execute(tx, case, [command], None, now)
                done.append(command.line)
            except NotUnderstoodError as error:
                # an agent who answers a desk mail may leave empty what the follow-up can do without
                if not is_courtesy(line) and not (source == "note" and left_empty(line, FOLLOW_UP_EXTRAS)):
                    problems.append(str(error))
        findings = self.findings(case, done, now)
        if (problems or findings) and agent and source == "note":
            if problems:
                log.command_not_understood(source, case.ref)
            because = msg("some lines of your note were not understood") if problems else ""
            brief = LetterContent(
                problems=tuple(problems), done=tuple(done), findings=tuple(findings), because=because
            )
            mail = self.write.desk(ANSWER, case, self._playbook(case), now, brief, agent)
            case = tx.cases.record(case, [mail], lambda _: now, now)
        return case, problems

    def findings(self, case: Case, lines: Sequence[str], now: datetime) -> list[Translatable]:
        """Return what the rules of wording find in lines that were done, each in a sentence for the agent."""
        found = self.proofread.lines(lines, case, self._playbook(case), now)
        ordered = sorted(found, key=lambda finding: not finding.hard)
        return [msg(HARD if finding.hard else SOFT, finding=finding.told) for finding in ordered]

    # --- doing ---

    def _execute(
        self,
        tx: Transaction,
        case: Case,
        commands: Sequence[Command],
        reply: StoredMail | None,
        now: datetime,
    ) -> Case:
        playbook = self._playbook(case)
        grammar = PromiseLineReader(playbook, self.languages.language(case.language or self.language))
        for command in commands:
            if command.verb == "settle":
                case = self._settled(tx, case, command, now)
                continue
            heard = grammar.hear(reply) if reply and command.verb == "promised" else ((), ())
            others = elsewhere(tx, case)
            scene = say.CommandContext(
                case, playbook, frozenset(self.playbooks), grammar, now, heard, others, self.cap
            )
            events = say.handle(command, scene)
            try:
                case = self._record(tx, case, events, now)
            except InvalidTransitionError as error:
                raise NotUnderstoodError(f"{command.line!r} does not fit: {error}") from error
            log.command_executed(case.ref, command.actor, command.source, command.verb)
        return case

    def _settled(self, tx: Transaction, case: Case, command: Command, now: datetime) -> Case:
        """Say what became of a letter in doubt; the line names the letter where there are several."""
        *named, how = command.text.split()
        doubtful = [state.letter for state in tx.outbox.all(LetterStatus.DOUBT, case=case.ref)]
        meant = [each for each in doubtful if not named or each.key.casefold() == named[0].casefold()]
        word = next((each for each in outcomes.HOWS if each == how.lower()), None)
        if word is None or len(named) > 1:
            raise NotUnderstoodError(f"{command.line!r}; expected {expected('settle')!r}")
        if len(meant) != 1:
            keys = ", ".join(letter.key for letter in doubtful) or "none"
            raise NotUnderstoodError(f"{command.line!r} names no letter in doubt; those in doubt are: {keys}")
        outcomes.resolve(tx, meant[0].key, word, command.actor, now)
        log.command_executed(case.ref, command.actor, command.source, command.verb)
        return tx.cases.get(case.ref)

    def _record(self, tx: Transaction, case: Case, events: Sequence[Event], now: datetime) -> Case:
        if not events:
            return case
        steps: list[Decision] = list(events)
        case = tx.cases.record(case, steps, lambda _: now, now)
        for event in events:
            log.event_recorded(case.ref, type(event).__name__, case.stage)
            if isinstance(event, Approved):
                tx.outbox.approve(event.key)
            if isinstance(event, LetterDropped):
                tx.outbox.drop(event.key)
        tx.mail.set_status_tags(case.ref, marks(case))
        return case

    def _answer(
        self, tx: Transaction, kept: StoredMail, remark: PendingCommand, problem: str, now: datetime
    ) -> None:
        ReturnedCommand(self.playbooks, self.write).tag(tx, kept, remark, problem, now)

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]


def elsewhere(tx: Transaction, case: Case) -> list[OtherGrant]:
    """Return what the customer was granted in other cases, for the cap and against the same grant twice."""
    others = (each for each in tx.cases.of_customer(case.customer.address) if each.ref != case.ref)
    done = {Stage.CLOSED, Stage.DISMISSED}
    return [
        OtherGrant(each.ref, each.stage not in done, grant) for each in others for grant in each.compensation
    ]


def is_note(kept: StoredMail) -> bool:
    """Say whether a mail answers one of our desk mails; whether its sender may is decided with the ledger open."""
    # Robots answer desk mails too: their absence notes and reports are no lines, and no answer must go back to them.
    person = kept.message.kind is Kind.AGENT and not kept.in_sent
    return person and any("desk/" in key for key in kept.message.answers)


def _said_before(tx: Transaction, note: StoredMail, asked: Letter) -> str:
    """Return the words that a note may quote: the desk mail's, and those of the thread's last mails."""
    return "\n".join([asked.text, *map(tx.mail.earlier_text, note.message.thread[-_QUOTED_MAILS:])])
