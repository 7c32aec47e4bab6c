"""Run the lines of notes: agents' answers to desk mails and digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.decision import Agenda
from followupd.domain.letter import Letter
from followupd.domain.mail import Kind, StoredMail
from followupd.domain.team import Agent
from followupd.services.commands import CommandService
from followupd.services.context import ServiceContext
from followupd.services.record import quarantine
from followupd.text.notes import about, cases_in, is_courtesy, spoken, unsure

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
        doubts = unsure(note.message, _quoted_text(tx, note, desk_mail))
        if case is None:
            self._digest_answer(tx, note, desk_mail, agent, doubts, now)
        else:
            lines = spoken(note.message)
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

        for line in spoken(note.message):
            ref, command = about(line)
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
