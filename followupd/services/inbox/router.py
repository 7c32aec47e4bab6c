"""Route each stored mail once, by a table from its kind to its handler.

A mail goes to its case, opens one, goes to quarantine, or is marked as processed with the reason why it
belongs to no case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from followupd.adapters.process import cpu_budget
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Decision, LetterContent, as_event
from followupd.domain.events import AgentWrote, CustomerWrote, Event, PromiseKept
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, StoredMail, Verdict
from followupd.domain.promise import PromiseKind, PromiseState
from followupd.domain.translatable import msg
from followupd.recovery import opening, options, proposals, receipts
from followupd.services.classifier import ComplaintClassifier
from followupd.services.commands import NoteService, is_note
from followupd.services.context import ServiceContext
from followupd.services.inbox import delivery_reports
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.outbox import review
from followupd.services.record import isolated, mark_told, quarantine, record
from followupd.text.answers import is_thanks
from followupd.text.mail.headers import bare_subject

#: a mail with the sender and subject of a case belongs to it for so many days after the case was opened
_SAME_SUBJECT_DAYS = 30
#: a customer's further mail is classified again in these stages
_CLASSIFIED_AGAIN = frozenset({Stage.SUSPECTED, Stage.DISMISSED})

MailHandler = Callable[[Transaction, StoredMail, datetime], None]


@dataclass(frozen=True, slots=True)
class MailRouter:
    """Takes unprocessed mails in the order in which they were stored, each in a transaction of its own.

    A mail on which a handler fails is quarantined. A mail whose case was changed meanwhile is routed again in
    the next cycle.
    """

    context: ServiceContext
    classifier: ComplaintClassifier
    opener: CaseOpener
    notes: NoteService

    def run(self, now: datetime) -> int:
        """Route every unprocessed mail; return how many there were."""
        with self.context.ledger.transaction() as tx:
            mails = tx.mail.unprocessed()

        for mail in mails:
            with (
                isolated(f"mail {mail.id}", partial(self._quarantine, mail)),
                cpu_budget(),
                self.context.ledger.transaction() as tx,
            ):
                self.route(tx, mail, now)

        return len(mails)

    def route(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Hand one mail to the handler of its kind."""
        handlers: Mapping[Kind, MailHandler] = {
            Kind.CUSTOMER: self._customer_mail,
            Kind.AGENT: self._agent_mail,
            Kind.OWN: self._own_mail,
            Kind.BOUNCE: delivery_reports.handle_bounce,
            Kind.AUTO_REPLY: delivery_reports.handle_absence,
            Kind.LIST: self._ignored_mail,
        }
        message = _relayed(tx, self.classifier.heard(mail.message))
        if message is not mail.message:
            tx.mail.change_message(mail.id, message)
            mail = replace(mail, message=message)
        handlers[message.kind](tx, mail, now)

    def _quarantine(self, mail: StoredMail, reason: str) -> None:
        """Quarantine a mail in a transaction of its own."""
        with self.context.ledger.transaction() as tx:
            quarantine(tx, mail, reason)

    def _ignored_mail(self, tx: Transaction, mail: StoredMail, _now: datetime) -> None:
        """Mark a mail of a mailing list as processed."""
        tx.mail.mark_processed(mail.id, reason=mail.message.because)

    def _own_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Take the copy of one of our letters as the proof that it was sent."""
        review.recognise(tx, mail, now)

    # --- customers ---

    def _customer_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Add a mail to its case, or classify one that belongs to none."""
        case = self._known_case(tx, mail)
        if case is None:
            self._first_mail(tx, mail, now)
        elif mail.message.from_us and not _is_customer(case, mail.message):
            self._colleagues_mail(tx, mail, case, now)
        elif delivery_reports.is_participant(tx, case, mail.message):
            self._further_mail(tx, mail, case, now)
        else:
            self._set_aside(tx, mail, case, now)

    def _colleagues_mail(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Add a colleague's mail to its case, without taking it for the customer's, and show it to the owner."""
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if tx.mail.is_copy(mail):
            return

        playbook = self.context.playbooks.for_case(case)
        shown = opening.colleague_wrote(case, mail.message, playbook, self.context.letters, now)
        record(tx, case, shown, now)

    def _set_aside(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Quarantine a mail of somebody who takes no part in the case that it names, and tell the owner."""
        sender = mail.message.sender.address or "nobody"
        quarantine(tx, mail, f"names {case.ref}, but {sender} takes no part in that case")
        playbook = self.context.playbooks.for_case(case)
        record(tx, case, opening.set_aside(case, mail.message, playbook, self.context.letters, now), now)
        mark_told(tx, [mail.id], now)

    def _known_case(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case of a mail, by its thread, the reference in its subject, or its sender and subject.

        See docs/mail.md R5.
        """
        message = mail.message
        own_id = (message.message_id,) if tx.mail.is_copy(mail) else ()
        ref = tx.cases.ref_for([*own_id, *message.thread])
        if ref:
            return _newest_after(tx, tx.cases.get(ref))

        if message.case_token and tx.cases.exists(message.case_token):
            case = tx.cases.get(message.case_token)
            if case.customer.address:  # an erased customer who writes again opens a new case
                return case

        return self._case_with_same_subject(tx, mail)

    def _case_with_same_subject(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the sender's open case with this subject, if it is not too old."""
        subject = _bare_subject(mail.message.subject)
        if not subject:
            return None

        for case in tx.cases.unfinished_of(mail.message.sender.address, mail.mailbox):
            age = mail.received_at - case.opened_at
            if _bare_subject(case.subject) == subject and age.days <= _SAME_SUBJECT_DAYS:
                return case

        return None

    def _first_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Open a case for a complaint, certain or suspected."""
        verdict = self._classified(mail.message)
        if verdict.verdict == "no":
            tx.mail.mark_processed(mail.id, reason=verdict.because or "no complaint")
            return

        heard = opening.classified(verdict, now, urgent=self.classifier.urgent(verdict))
        self.opener.open(tx, mail, heard, verdict, now)

    def _classified(self, message: Message) -> Verdict:
        """Classify a mail; one that only a person can open, or a colleague forwards, is suspected (docs/mail.md R7)."""
        verdict = self.classifier.verdict(message)
        if message.forwarded_from and message.via:
            return replace(verdict, verdict="suspected", because="a colleague forwarded it")
        if verdict.verdict == "no" and message.by_hand and not message.text.strip():
            return Verdict("suspected", verdict.score, because=f"a person must open it: {message.by_hand}")
        if verdict.verdict == "no" and not message.text and message.quoted:
            quoted = self.classifier.verdict(replace(message, text=message.quoted))
            if quoted.verdict != "no":
                return replace(quoted, verdict="suspected", because="all of its words look like a quote")

        return verdict

    def _further_mail(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Record a mail in its case, with what it says about complaint, receipt and options."""
        message = mail.message
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if tx.mail.is_copy(mail):  # it came through another address of ours, too
            return
        if self._complains_anew(tx, mail, case, now):
            return

        wrote = CustomerWrote(
            at=now,
            by=message.sender.address,
            message_id=message.message_id,
            references=message.thread,
            subject=message.subject,
            no_answer=message.no_answer,
            text=opening.shown_text(message),
            content=self._is_content(case, message),
        )
        events = [wrote, *self._classified_again(case, message, now)]
        record(tx, case, [*events, *self._answers(case, events, message, now)], now)

    def _complains_anew(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> bool:
        """Open a new case for a complaint in the thread of a closed one, which knows that one."""
        if case.stage is not Stage.CLOSED:
            return False

        verdict = self.classifier.verdict(mail.message)
        if verdict.verdict != "complaint":
            return False

        self.opener.open(tx, mail, opening.classified(verdict, now), verdict, now, earlier=case.ref)
        return True

    def _is_content(self, case: Case, message: Message) -> bool:
        """Return whether a mail says thanks and nothing else."""
        if message.attachments or message.by_hand or message.doubtful:
            return False

        playbook = self.context.playbooks.for_case(case)
        names = (case.customer.name, playbook.owner_of(case.owner).name, playbook.company.name)
        return is_thanks(message.text, names, self.context.languages)

    def _classified_again(self, case: Case, message: Message, now: datetime) -> list[Event]:
        """Return what a further mail says more clearly than the first one.

        A suspected case may become a complaint, and a dismissed one suspected again.
        """
        if case.stage not in _CLASSIFIED_AGAIN:
            return []

        verdict = self.classifier.verdict(message)
        if case.stage is Stage.DISMISSED and verdict.verdict == "suspected":  # an agent decides once more
            return [opening.classified(verdict, now, urgent=self.classifier.urgent(verdict))]
        if verdict.verdict != "complaint":
            return []
        return [opening.classified(verdict, now)]

    def _answers(
        self, case: Case, events: Sequence[Event], message: Message, now: datetime
    ) -> list[Decision]:
        """Return what a mail answers to our questions: did it arrive, and which option suits better?"""
        for event in events:
            case = lifecycle.after(case, event)

        decisions: list[Decision] = []
        context = self.context

        for read in (receipts.read_answer, options.read_choice):
            playbook = context.playbooks.for_case(case)
            found = read(case, message, playbook, context.letters, now, context.languages)
            for decision in found:
                case = lifecycle.after(case, as_event(decision, now))
            decisions += found

        return decisions

    # --- agents ---

    def _agent_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Handle a note, a letter that the agent sent by hand, a reply, or a forwarded complaint."""
        if is_note(mail):
            self.notes.handle(tx, mail, now)
            return
        if review.recognise(tx, mail, now):
            return

        case = self._case_named_by_agent(tx, mail)
        if not mail.in_sent and not _writes_to(mail.message, case) and self._is_for_us(tx, mail, case, now):
            return
        if case is None:
            self._forwarded_mail(tx, mail, now)
            return

        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if mail.in_sent:
            self._reply(tx, mail, case, now)

    def _is_for_us(self, tx: Transaction, mail: StoredMail, case: Case | None, now: datetime) -> bool:
        """Handle what an agent writes to us alone; return False where that is nothing that we answer."""
        if case is None and mail.message.forwarded_from is not None:
            return False
        return self.notes.handle_new(tx, mail, case, now)

    def _case_named_by_agent(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case of an agent's mail, by its thread, else by the reference in its subject."""
        token = mail.message.case_token
        ref = tx.cases.ref_for(mail.message.thread)
        if ref is None and token and not mail.in_sent and tx.cases.exists(token):
            ref = token
        return tx.cases.get(ref) if ref else None

    def _forwarded_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Open a suspected case for the customer whose mail an agent forwarded."""
        if mail.in_sent or mail.message.forwarded_from is None:
            tx.mail.mark_processed(mail.id, reason="one of ours wrote, in no case")
            return

        verdict = self.classifier.verdict(mail.message)
        suspected = replace(verdict, verdict="suspected", because="a colleague forwarded it")
        heard = opening.classified(suspected, now, urgent=self.classifier.urgent(verdict))
        self.opener.open(tx, mail, heard, verdict, now)

    def _reply(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Record an agent's reply to the customer, which keeps the playbook's promise of an update."""
        sender = mail.message.sender
        by = sender.name or sender.address
        wrote = AgentWrote(
            at=now,
            by=by,
            message_id=mail.message.message_id,
            why="a reply in Sent",
            answers=_left_after_last_mail(tx, mail, case),
        )
        updates = [
            promise.n
            for promise in case.owed
            if promise.kind is PromiseKind.NEXT_UPDATE and promise.source == "playbook"
        ]
        kept = [PromiseKept(at=now, by=by, n=n, why="the customer has heard from us") for n in updates]
        record(tx, case, [wrote, *kept, *self._proposals(case, mail, now)], now)

    def _proposals(self, case: Case, mail: StoredMail, now: datetime) -> list[Decision]:
        """Propose to the owner what a reply seems to promise.

        It becomes a promise when an agent approves it.
        """
        if case.stage in {Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED}:
            return []

        playbook = self.context.playbooks.for_case(case)
        found = self.context.line_reader(case).promises_in(mail)
        events = proposals.proposed(case, found, playbook, now)
        if not events:
            return []

        for event in events:
            case = lifecycle.after(case, event)

        content = LetterContent(
            because=msg("a reply to the customer sounds like a promise"),
            asks=("approve", "refuse: "),
            quote=mail.message.text,
            promises=tuple(p for p in case.promises if p.state is PromiseState.PROPOSED),
            compensation=tuple(grant for grant in case.compensation if grant.state is GrantState.PROPOSED),
        )
        owner = playbook.owner_of(case.owner)
        return [
            *events,
            self.context.letters.desk(LetterKind.APPROVAL, case, playbook, now, content, owner),
        ]


def _left_after_last_mail(tx: Transaction, reply: StoredMail, case: Case) -> bool:
    """Return whether a reply was written after the customer's last mail had arrived, as far as is known."""
    sent_at = reply.message.sent_at
    received = [mail.received_at for mail in tx.mail.of_case(case.ref) if mail.message.kind is Kind.CUSTOMER]
    return sent_at is None or not received or sent_at >= max(received)


def _is_customer(case: Case, message: Message) -> bool:
    """Return whether the sender of a mail is the customer of the case, who may be a colleague, too."""
    return message.sender.address.casefold() == case.customer.address.casefold()


def _newest_after(tx: Transaction, case: Case) -> Case:
    """Return the open case that the customer has opened in the thread of a closed one, else that one."""
    if case.stage is not Stage.CLOSED:
        return case

    later = tx.cases.unfinished_of(case.customer.address, case.mailbox)
    return next((other for other in later if other.earlier == case.ref), case)


def _relayed(tx: Transaction, message: Message) -> Message:
    """Return a mail as that of its Reply-To, if the same sender has written for somebody else before."""
    sender, reply_to = message.sender, message.reply_to
    if not message.unsure_of or reply_to is None or sender.address == reply_to.address:
        return message

    others = tx.mail.answers_go_to(sender.address) - {reply_to.address.lower()}
    return replace(message, sender=reply_to, via=sender, unsure_of="") if others else message


def _writes_to(message: Message, case: Case | None) -> bool:
    """Return whether a mail is addressed to the customer of a case."""
    if case is None:
        return False
    addresses = {person.address.lower() for person in (*message.to, *message.cc)}
    return case.customer.address.lower() in addresses


def _bare_subject(subject: str) -> str:
    """Return a subject in lower case without "Re:", "Fwd:" and the like before it."""
    return " ".join(bare_subject(subject).casefold().split())
