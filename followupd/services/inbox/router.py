"""Route each stored mail once, by a table from its kind to its handler.

A mail goes to its case, opens one, goes to quarantine, or is marked as processed with the reason why it
belongs to no case.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Decision, LetterContent, as_event
from followupd.domain.events import AgentWrote, CustomerWrote, Event, PromiseKept, Reopened
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, StoredMail, Verdict
from followupd.domain.promise import PromiseKind, PromiseState
from followupd.domain.translatable import msg
from followupd.languages import catalogue
from followupd.recovery import opening, options, proposals, receipts
from followupd.services.classifier import ComplaintClassifier
from followupd.services.commands import NoteService, is_note
from followupd.services.context import ServiceContext
from followupd.services.inbox import delivery_reports
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.outbox import review
from followupd.services.record import isolated, quarantine, record
from followupd.text.names import salutation

#: what mail programs put before the subject of a reply or a forward
_REPLY_PREFIX = re.compile(
    rf"^\s*(?:{'|'.join(catalogue().mail_clients.subjects.thread_prefixes)})\s*(?:\[\d+\])?\s*:\s*",
    re.IGNORECASE,
)
#: a mail with the sender and subject of a case belongs to it for so many days after the case was opened
_SAME_SUBJECT_DAYS = 30
#: a customer's further mail is classified again in these stages
_CLASSIFIED_AGAIN = frozenset({Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED})

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
        handlers[mail.message.kind](tx, mail, now)

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
        elif delivery_reports.is_participant(tx, case, mail.message):
            self._further_mail(tx, mail, case, now)
        else:
            sender = mail.message.sender.address or "nobody"
            quarantine(tx, mail, f"names {case.ref}, but {sender} takes no part in that case")

    def _known_case(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case of a mail, by its thread, the reference in its subject, or its sender and subject.

        See docs/mail.md R5.
        """
        message = mail.message
        own_id = (message.message_id,) if message.message_id else ()
        ref = tx.cases.ref_for([*own_id, *message.thread])
        if ref:
            return tx.cases.get(ref)

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
        """Classify a mail; one that only a person can open is suspected (docs/mail.md R7)."""
        verdict = self.classifier.verdict(message)
        if verdict.verdict == "no" and message.by_hand and not message.text.strip():
            return Verdict("suspected", verdict.score, because=f"a person must open it: {message.by_hand}")

        return verdict

    def _further_mail(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Record a mail in its case, with what it says about complaint, receipt and options."""
        message = mail.message
        # The same mail may arrive a second time, through another address of ours.
        duplicate = bool(message.message_id) and tx.cases.ref_for([message.message_id]) == case.ref
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if duplicate:
            return

        wrote = CustomerWrote(
            at=now,
            by=message.sender.address,
            message_id=message.message_id,
            references=message.thread,
            subject=message.subject,
            no_answer=message.no_answer,
            text=message.text[: opening.STORY_CHARACTERS],
        )
        events = [wrote, *self._classified_again(case, message, now)]
        record(tx, case, [*events, *self._answers(case, events, message, now)], now)

    def _classified_again(self, case: Case, message: Message, now: datetime) -> list[Event]:
        """Return what a further mail says more clearly than the first one.

        A suspected case may become a complaint, a dismissed one suspected again, and a closed one is
        reopened.
        """
        if case.stage not in _CLASSIFIED_AGAIN:
            return []

        verdict = self.classifier.verdict(message)
        if case.stage is Stage.DISMISSED and verdict.verdict == "suspected":  # an agent decides once more
            return [opening.classified(verdict, now, urgent=self.classifier.urgent(verdict))]
        if verdict.verdict != "complaint":
            return []
        if case.stage is Stage.CLOSED:
            return [Reopened(at=now, by=message.sender.address, why="the customer complains again")]

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

        ref = tx.cases.ref_for(mail.message.thread)
        if ref is None:
            self._forwarded_mail(tx, mail, now)
            return

        tx.mail.mark_processed(mail.id, case_ref=ref)
        if mail.in_sent:
            self._reply(tx, mail, tx.cases.get(ref), now)

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
            salutation=salutation(mail.message.text),
            why="a reply in Sent",
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


def _bare_subject(subject: str) -> str:
    """Return a subject in lower case without "Re:", "Fwd:" and the like before it."""
    while _REPLY_PREFIX.match(subject):
        subject = _REPLY_PREFIX.sub("", subject)

    return " ".join(subject.casefold().split())
