"""Route each stored mail once, by a table from its kind to its handler.

A mail goes to its case, opens one, goes to quarantine, or is marked as processed with the reason why it
belongs to no case.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from followupd.adapters.process import cpu_budget
from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.calendar import day
from followupd.domain.case import Case, Stage
from followupd.domain.command import line_shown
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Decision, LetterContent, as_event
from followupd.domain.events import (
    AgentWrote,
    CustomerWrote,
    Event,
    HelpAnswered,
    OwnerNudged,
    PromiseKept,
    Remarked,
)
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import (
    HARDLY_ANY,
    UNKNOWN_LANGUAGE,
    Kind,
    Message,
    StoredMail,
    Verdict,
    addresses_of,
)
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.domain.translatable import Translatable, msg, sentence_list
from followupd.recovery import answers, opening, outcomes, proposals
from followupd.recovery.remind import summary_of
from followupd.services.classifier import ComplaintClassifier
from followupd.services.commands import NoteService, early_promises, is_note
from followupd.services.context import ServiceContext
from followupd.services.inbox import delivery_reports
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.outbox import review
from followupd.services.record import isolated, mark_told, quarantine, record
from followupd.services.staff_mail import AbsenceService, StaffNotices, is_flooded, notice_key, remarks_of
from followupd.text.answers import Right, asks_more, is_thanks, says_farewell
from followupd.text.mail.headers import bare_subject
from followupd.text.names import register_of, salutation
from followupd.text.notes import own_lines
from followupd.text.orders import folded

#: so many open cases of a customer make a mail that names none of them doubtful
_AMBIGUOUS = 2
#: characters of a stranger's words that the owner is shown
_MAX_SHOWN_WORDS = 500
#: a mail with the sender and subject of a case belongs to it for so many days after the case was opened
_SAME_SUBJECT_DAYS = 30
#: a customer's further mail is classified again in these stages
_CLASSIFIED_AGAIN = frozenset({Stage.SUSPECTED, Stage.DISMISSED})

MailHandler = Callable[[Transaction, StoredMail, datetime], None]


@dataclass(frozen=True, slots=True)
class MailRouter:
    """Takes unprocessed mails in the order in which they were stored, each in a separate transaction.

    A mail on which a handler fails is quarantined. A mail whose case was changed meanwhile is routed again in
    the next cycle.
    """

    context: ServiceContext
    classifier: ComplaintClassifier
    opener: CaseOpener
    notes: NoteService
    #: our own addresses, in lower case
    addresses: frozenset[str] = frozenset()

    def run(self, now: datetime) -> int:
        """Route every unprocessed mail, and go on with a flood; return how many mails or cases there were."""
        with self.context.ledger.transaction() as tx:
            mails = tx.mail.unprocessed()

        for mail in mails:
            with (
                isolated(f"mail {mail.id}", partial(self._quarantine, mail)),
                cpu_budget(),
                self.context.ledger.transaction() as tx,
            ):
                self.route(tx, mail, now)

        return len(mails) + self.notes.dismiss_flood(now)

    def route(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Hand one mail to the handler of its kind."""
        handlers: Mapping[Kind, MailHandler] = {
            Kind.CUSTOMER: self._customer_mail,
            Kind.AGENT: self._agent_mail,
            Kind.OWN: self._own_mail,
            Kind.BOUNCE: delivery_reports.handle_bounce,
            Kind.AUTO_REPLY: self._auto_reply,
            Kind.LIST: self._ignored_mail,
        }
        message = _relayed(tx, self.classifier.heard(mail.message))
        if message is not mail.message:
            tx.mail.change_message(mail.id, message)
            mail = replace(mail, message=message)
        is_done = review.hold_if_sent_under_another_key(tx, mail, now) or self._helpers_answer(tx, mail, now)
        if not is_done:
            handlers[message.kind](tx, mail, now)

    def _helpers_answer(self, tx: Transaction, mail: StoredMail, now: datetime) -> bool:
        """Bring what a department answers to the owner, with the lines to use; False for any other mail.

        Colleagues of the department may answer. Automatic replies are ignored.

        Args:
            tx: the transaction.
            mail: as it is stored; only one that answers a question to a department is looked at further.
            now: the time of the cycle, in UTC.
        """
        message = mail.message
        key = next((key for key in message.answers if f".{LetterKind.REQUEST}." in key), "")
        if message.kind not in {Kind.CUSTOMER, Kind.AGENT} or mail.in_sent:
            return False
        if not key:
            return self._helper_writes(tx, mail, now)

        asked = tx.outbox.get(key).letter
        if message.kind is Kind.AGENT and self.notes.gives_orders(message):  # of the desk, to the desk
            return False
        if message.forged or _domain(message.sender.address) != _domain(asked.to.address):
            quarantine(tx, mail, f"answers {key}, and is not of the department that was asked")
            self._tell_of_stranger(tx, mail, tx.cases.get(asked.case), now)
            return True

        self._answered(tx, mail, tx.cases.get(asked.case), asked.concerns[0], now)
        return True

    def _helper_writes(self, tx: Transaction, mail: StoredMail, now: datetime) -> bool:
        """Bring a department's mail in a thread of its own to the owner who has asked it; False for any other mail.

        It answers the only question, or the oldest one of the only case. Where several cases wait for the department,
        or no server of ours confirms the sender, the owners are told.

        Args:
            tx: the transaction.
            mail: a mail that answers no question in its thread.
            now: the time of the cycle.

        Returns:
            Whether somebody of a department wrote it, and a question to that department waits.
        """
        message, team = mail.message, self.context.playbooks.default.team
        sender = message.sender.address.casefold()
        asked = {each.id for each in team.helpers if sender in {each.email.casefold(), each.lead.casefold()}}
        if not asked or team.by_address(sender) or message.forged or message.desk_mails:
            return False

        waiting = [
            case
            for case in tx.cases.unfinished()
            if any(request.helper in asked for request in case.open_requests)
            and message.case_token in {"", case.ref}
        ]
        if len(waiting) > 1 or message.distrusted:
            self._tell_who_asked(tx, mail, waiting, now)
        elif waiting:
            n = next(request.n for request in waiting[0].open_requests if request.helper in asked)
            self._answered(tx, mail, waiting[0], n, now)
        return bool(waiting)

    def _tell_who_asked(
        self, tx: Transaction, mail: StoredMail, waiting: Sequence[Case], now: datetime
    ) -> None:
        """Show a department's mail to the owners of the cases that wait for it; no question counts as answered.

        Args:
            tx: the transaction.
            mail: the department's mail.
            waiting: the cases that the mail may be about.
            now: the time of the cycle.
        """
        if waiting:
            tx.mail.mark_processed(
                mail.id, reason="a department wrote, and nobody knows which case it answers"
            )
        for case in waiting:
            said = msg(
                "{address} writes “{subject}”, and your question of {ref} waits for an answer from there: {words}",
                ref=case.ref,
                address=mail.message.sender.address,
                subject=mail.message.subject,
                words=" ".join(mail.message.text.split())[:_MAX_SHOWN_WORDS],
            )
            owner = self.context.playbooks.for_case(case).owner_of(case.owner)
            key = notice_key(self._today(now), f"helper-{mail.id}-{case.ref}")
            StaffNotices(self.context).queue(tx, key, [said], owner, now, mail.mailbox)

    def _answered(self, tx: Transaction, mail: StoredMail, case: Case, n: int, now: datetime) -> None:
        """Record a department's answer to a question, and tell the owner.

        Args:
            tx: the transaction.
            mail: with the answer, or with a file instead of words.
            case: the case that was asked about.
            n: the number of the question.
            now: the time of the cycle.
        """
        message = mail.message
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        text = "\n".join(filter(None, map(str.strip, message.text.splitlines()))) or message.by_hand
        text = "\n".join(filter(None, (text, *message.attachments))) or message.subject
        by = message.sender.shown
        answered = HelpAnswered(at=now, by=by, why="an answer by mail", n=n, text=text)
        after = lifecycle.after(case, answered)
        record(tx, case, [answered, self._answer_for_owner(after, n, text, by, now)], now)

    def _answer_for_owner(self, case: Case, n: int, text: str, by: str, now: datetime) -> Decision:
        """Return the mail with a department's answer, and the lines that may follow from it.

        Args:
            case: the case.
            n: the number of the question.
            text: the answer.
            by: who answered.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        request = next(each for each in case.requests if each.n == n)
        facts = [f"{name}: " for name in case.facts.missing(("cause", "resolution"))]
        kept = [f"kept: {promise.n}" for promise in case.owed]
        others = [each for each in case.open_requests if each.helper == request.helper and each.n != n]
        still_open = [
            msg("question {n} has no answer yet: {question}", n=each.n, question=each.question)
            for each in others
        ]
        because = msg("{who} answers: {question}", who=by, question=request.question)
        content = LetterContent(
            because=sentence_list([because, *still_open], "; "),
            account=tuple(text.splitlines()),
            asks=(
                *(f"answered: {each.n}" for each in others),
                *kept,
                *facts,
                "promise: ... by ...",
                f"ask: {request.helper}: ...",
            ),
            promises=case.owed,
            quote=case.newest_words,
        )
        owner = playbook.owner_of(case.owner)
        return self.context.letters.desk(LetterKind.NUDGE, case, playbook, now, content, owner)

    def _tell_of_stranger(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Show the owner what somebody writes in a department's name whom nobody knows.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        message = mail.message
        said = msg(
            "{ref}: {address}, who is not of the department that was asked, answers “{subject}”: {words}",
            ref=case.ref,
            address=message.sender.address,
            subject=message.subject,
            words=" ".join(message.text.split())[:_MAX_SHOWN_WORDS],
        )
        owner = self.context.playbooks.for_case(case).owner_of(case.owner)
        key = notice_key(self._today(now), f"stranger-{mail.id}")
        StaffNotices(self.context).queue(tx, key, [said], owner, now, mail.mailbox)

    def _today(self, now: datetime) -> date:
        """Return the day at the company."""
        return self.context.playbooks.default.calendar.local(now).date()

    def _quarantine(self, mail: StoredMail, reason: str) -> None:
        """Quarantine a mail in a separate transaction."""
        with self.context.ledger.transaction() as tx:
            quarantine(tx, mail, reason)

    def _ignored_mail(self, tx: Transaction, mail: StoredMail, _now: datetime) -> None:
        """Mark a mail of a mailing list as processed."""
        tx.mail.mark_processed(mail.id, reason=mail.message.because)

    def _auto_reply(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Record the absence of a customer, or of the agent who got the desk mail that it answers.

        The next mails go to who stands in; about the case of that desk mail a mail goes there at once.
        """
        message = mail.message
        agent = self.context.playbooks.default.team.by_address(message.sender.address)
        keys = message.desk_mails
        if agent is None or not keys or message.forged:
            delivery_reports.handle_absence(tx, mail, now)
            return

        self._agent_away(tx, mail, agent, message.because, now)

    def _agent_away(
        self, tx: Transaction, mail: StoredMail, agent: Agent, because: str, now: datetime
    ) -> bool:
        """Note that an agent is away, as the answer to a desk mail says; return whether that is news.

        Args:
            tx: the transaction.
            mail: the answer.
            agent: who sent it.
            because: why it is taken for an absence note.
            now: the time of the cycle, in UTC.
        """
        # what reads mail is loaded late, see adapters.process
        from followupd.text.mail.absence import away_from, back_on

        message, absence = mail.message, AbsenceService(self.context)
        desk_mail = tx.outbox.get(message.desk_mails[0]).letter
        tx.mail.mark_processed(mail.id, case_ref=desk_mail.case or None, reason=because)
        received = self.context.playbooks.default.calendar.local(mail.received_at)
        said = message.text, message.subject, received, self.context.languages
        until, since = back_on(*said) or absence.next_morning(now), away_from(*said)
        if message.distrusted:  # a forged note must not keep an agent from the cases for long
            until = min(until, now + delivery_reports.MOST_UNPROVEN)
        if desk_mail.to.address.casefold() != agent.email.casefold() or until <= now:
            return False

        is_news = absence.store(tx, agent, until, now, since)
        if desk_mail.case and (since is None or since <= now):
            self._hand_to_deputy(tx, tx.cases.get(desk_mail.case), agent, desk_mail, now)
        return is_news

    def _note_of_absence(self, tx: Transaction, mail: StoredMail, now: datetime) -> bool:
        """Handle an agent's answer to a desk mail whose words say that they are away, and which orders nothing.

        Old programs send absence notes without any mark. A person may have written it, too: so the words are
        kept in the history of the case. Return False for another answer.

        Args:
            tx: the transaction.
            mail: the answer.
            now: the time of the cycle, in UTC.
        """
        from followupd.text.mail.absence import says_absent
        from followupd.text.mail.kind import is_subject_of_absence

        message, languages = mail.message, self.context.languages
        says_so = is_subject_of_absence(message.subject) or says_absent(message.text, languages)
        agent = self.context.playbooks.default.team.by_address(message.sender.address)
        if agent is None or not says_so or message.distrusted or self.notes.gives_orders(message):
            return False
        if not is_subject_of_absence(message.subject) and self._ends_on_unread_day(mail):
            return False

        ref = tx.outbox.get(message.desk_mails[0]).letter.case
        if self._agent_away(tx, mail, agent, "absence note: its words say so", now) and ref:
            text = " ".join(message.certain_text.split())
            said = Remarked(at=now, by=agent.name, why=f"note: {text}", text=text)
            record(tx, tx.cases.get(ref), [said], now)
        return True

    def _ends_on_unread_day(self, mail: StoredMail) -> bool:
        """Return whether an absence ends on a day that cannot be read ("until the 3rd"): then its writer is asked.

        Args:
            mail: the answer that tells of the absence.
        """
        from followupd.text.mail.absence import back_on

        text, languages = mail.message.text, self.context.languages
        if back_on(text, "", self.context.playbooks.default.calendar.local(mail.received_at), languages):
            return False
        words = _apart(text)
        until = {_apart(phrase)[-1] for phrase in self.context.grammar.words("until")}
        return any(
            word in until and any(map(str.isdigit, "".join(words[n : n + 3]))) for n, word in enumerate(words)
        )

    def _hand_to_deputy(
        self, tx: Transaction, case: Case, agent: Agent, desk_mail: Letter, now: datetime
    ) -> None:
        """Send what an agent who is away was asked to the one who stands in, with the case's story.

        Args:
            tx: the transaction.
            case: the case.
            agent: the agent.
            desk_mail: what the agent was asked.
            now: the time of the cycle, in UTC.
        """
        playbook = self.context.playbooks.for_case(case)
        team = playbook.team.without(agent)
        deputy = team.present(agent)
        matter = ReminderKey(ReminderKind.UNDELIVERED, about=desk_mail.key)
        is_over = case.stage in {Stage.CLOSED, Stage.DISMISSED}
        if deputy == agent or is_over or case.reminded_at(matter):
            return

        content = LetterContent(
            because=msg(
                "{who} is away, and was asked this: {subject}", who=agent.name, subject=desk_mail.subject
            ),
            account=(*summary_of(case, playbook, now), *remarks_of(tx, case, playbook)),
            promises=case.owed,
            quote=case.newest_words,
            asks=case.answers_of_owed,
        )
        playbook = replace(playbook, team=team)
        told = OwnerNudged(at=now, matter=str(matter), whom=deputy.id, why=content.because)
        mail = self.context.letters.desk(LetterKind.OPENED, case, playbook, now, content, deputy)
        record(tx, case, [told, mail], now)

    def _own_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Take the copy of one of our letters as the proof that it was sent."""
        review.recognise(self.context, tx, mail, now)

    # --- customers ---

    def _customer_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Add a mail to its case, or classify one that belongs to none.

        Args:
            tx: the transaction.
            mail: as it is stored, of a sender who is no agent.
            now: the time of the cycle, in UTC.
        """
        asked = _desk_mails_case(tx, mail.message)
        case = asked or self._known_case(tx, mail)
        if case is None and mail.message.desk_mails:
            quarantine(tx, mail, "answers a mail to agents, and is not from an agent")
        elif case is None:
            self._first_mail(tx, mail, now)
        elif asked:
            self._set_aside(tx, mail, case, now, "answers a mail to agents, and is not from an agent")
        elif mail.message.from_us and not _is_customer(case, mail.message):
            self._colleagues_mail(tx, mail, case, now)
        elif delivery_reports.is_participant(tx, case, mail.message):
            self._further_mail(tx, mail, case, now)
        else:
            sender = mail.message.sender.address or "nobody"
            self._set_aside(tx, mail, case, now, f"names {case.ref}, but {sender} takes no part in that case")

    def _colleagues_mail(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Add a colleague's mail to its case, without taking it for the customer's, and show it to the owner.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if tx.mail.original_of(mail) or self._is_owner_flooded(tx, case, now):
            return

        playbook = self.context.playbooks.for_case(case)
        shown = opening.colleague_wrote(case, mail.message, playbook, self.context.letters, now)
        record(tx, case, shown, now)

    def _set_aside(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime, why: str) -> None:
        """Quarantine a mail about a case that is no word of its customer's, and tell the owner.

        Args:
            tx: the transaction.
            mail: the mail.
            case: that it names.
            now: the time of the cycle, in UTC.
            why: it is set aside, for whoever looks at the quarantine.
        """
        quarantine(tx, mail, why)
        playbook = self.context.playbooks.for_case(case)
        decisions = opening.set_aside(case, mail.message, playbook, self.context.letters, now)
        if self._is_owner_flooded(tx, case, now):
            record(tx, case, decisions[:1], now)
            return
        record(tx, case, decisions, now)
        mark_told(tx, [mail.id], now)

    def _is_owner_flooded(self, tx: Transaction, case: Case, now: datetime) -> bool:
        """Return whether the owner of a case hears so much of it today that no further mail is shown."""
        owner = self.context.playbooks.for_case(case).owner_of(case.owner)
        return is_flooded(tx, owner, case.ref, now)

    def _known_case(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case of a mail, by its thread, the reference in its subject, or its sender and subject.

        See docs/mail.md R5.
        """
        message = mail.message
        ref = tx.cases.ref_for(message.thread)
        if not ref and (original := tx.mail.original_of(mail)):
            ref = original.case_ref
        if ref:
            return _newest_after(tx, tx.cases.get(ref))

        if message.case_token and tx.cases.exists(message.case_token):
            case = tx.cases.get(message.case_token)
            if case.customer.address:  # an erased customer who writes again opens a new case
                return case

        return self._case_with_same_subject(tx, mail)

    def _case_with_same_subject(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the sender's open case with this subject, if it is not too old.

        Args:
            tx: the transaction.
            mail: as it is stored; prefixes of replies ("Re:") are no part of its subject, and an empty one fits none.
        """
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
            tx.mail.mark_processed(mail.id, reason=_why_none(tx, mail.message, verdict))
            return

        heard = opening.classified(verdict, now, urgent=self.classifier.urgent(verdict))
        self.opener.open(tx, mail, heard, verdict, now)

    def _classified(self, message: Message) -> Verdict:
        """Classify a mail; one that only a person can open, or a colleague forwards, is suspected (docs/mail.md R7)."""
        verdict = self.classifier.verdict(message)
        if message.forwarded_from and message.via:
            return replace(verdict, verdict="suspected", because="a colleague forwarded it")
        if verdict.verdict != "no":
            return verdict

        if message.by_hand and not message.text.strip():
            return Verdict("suspected", verdict.score, because=f"a person must open it: {message.by_hand}")
        if message.quoted and not message.text:
            of_quote = self.classifier.verdict(replace(message, text=message.quoted))
            if of_quote.verdict != "no":
                return replace(of_quote, verdict="suspected", because="all of its words look like a quote")

        return verdict

    def _further_mail(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Record a mail in its case, with what it says about complaint, receipt and options.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        message = mail.message
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if tx.mail.original_of(mail):  # it came through another address of ours, too
            return
        if self._opens_another(tx, mail, case, now):
            return
        if why := delivery_reports.only_forged_copy(tx, case, message):
            message = replace(message, unproven=why)

        wrote = CustomerWrote(
            at=now,
            by=message.sender.address,
            message_id=message.message_id,
            references=message.thread,
            subject=message.subject,
            no_answer=message.no_answer or ("" if _is_customer(case, message) else case.no_answer),
            text=opening.shown_text(message),
            content=self._is_content(case, message),
            leaves=not message.distrusted and says_farewell(message.text, self.context.languages),
            attachments=message.attachments,
        )
        events = [wrote, *self._classified_again(case, message, now)]
        record(tx, case, [*events, *self._answers(tx, case, events, message, now)], now)

    def _opens_another(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> bool:
        """Open a new case for a complaint in the thread of a closed one, linked to it.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.

        Returns:
            Whether a case was opened. Then the mail belongs to that one, and the closed one stays as it is.
        """
        if case.stage is not Stage.CLOSED:
            return False

        verdict = self.classifier.verdict(mail.message)
        is_danger = verdict.verdict == "suspected" and "safety" in verdict.cues
        if verdict.verdict != "complaint" and not is_danger:
            return False

        self.opener.open(tx, mail, opening.classified(verdict, now), verdict, now, earlier=case.ref)
        return True

    def _is_content(self, case: Case, message: Message) -> bool:
        """Return whether a mail says thanks and nothing else, or answers the follow-up that it is right now.

        Args:
            case: whose playbook names the people whose names say nothing.
            message: the customer's; one with files, or that may be a quote, always says more.
        """
        if message.attachments or message.by_hand or message.doubtful:
            return False

        playbook = self.context.playbooks.for_case(case)
        names = playbook.names_around(case)
        if is_thanks(message.text, names, self.context.languages):
            return True
        answer = outcomes.says_right(case, message.certain_text, names, self.context.languages)
        is_settled = not asks_more(message.certain_text, self.context.languages)
        return answer is Right.RIGHT and is_settled and not message.distrusted

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
        self, tx: Transaction, case: Case, events: Sequence[Event], message: Message, now: datetime
    ) -> list[Decision]:
        """Return what a mail answers to our questions: did it arrive, and which option suits better?

        Args:
            tx: the transaction.
            case: as it was before the mail.
            events: what follows from the mail otherwise, which is applied to the case first.
            message: the mail.
            now: the time of the cycle.

        Returns:
            Events, and mails to the owner where an answer is not clear. They do not contain `events`.
        """
        for event in events:
            case = lifecycle.after(case, event)

        decisions: list[Decision] = []
        context = self.context

        for read in (answers.read_arrival, outcomes.read_answer, answers.read_choice):
            playbook = context.playbooks.for_case(case)
            found = read(case, message, playbook, context.letters, now, context.languages)
            for decision in found:
                case = lifecycle.after(case, as_event(decision, now))
            decisions += found

        if self._is_owner_flooded(tx, case, now):
            return [decision for decision in decisions if isinstance(decision, Event)]
        return decisions

    # --- agents ---

    def _agent_mail(self, tx: Transaction, mail: StoredMail, now: datetime) -> None:
        """Handle a note, a letter that the agent sent by hand, a reply, or a forwarded complaint.

        Args:
            tx: the transaction.
            mail: as it is stored; a reply may quote lines that are cut off before it is read.
            now: the time of the cycle, in UTC.
        """
        if is_note(mail):
            if not self._note_of_absence(tx, mail, now):
                self.notes.handle(tx, mail, now)
            return

        mail = self._as_written(tx, mail)
        case = self._case_written_in(tx, mail)
        if case is None and self._asked_which(tx, mail, now):
            return
        if case is None or not self._is_to_customer(tx, case, mail):
            self._not_to_customer(tx, mail, case, now)
        elif mail.message.distrusted and not mail.in_sent:  # as for notes (docs/mail.md R6)
            StaffNotices(self.context).set_aside(tx, mail, case.ref, mail.message.distrusted, now)
        elif not review.recognise(self.context, tx, mail, now, case.ref):
            self._reply(tx, mail, case, now)
            self._ask_about_others(tx, mail, case, now)

    def _as_written(self, tx: Transaction, mail: StoredMail) -> StoredMail:
        """Return the answer to a customer that an agent forwards to us afterwards, as it was written.

        Args:
            tx: the transaction.
            mail: an agent's mail.

        Returns:
            The mail as it is where it forwards no such answer, or one to somebody without a case.
        """
        if mail.in_sent or not mail.message.quoted:
            return mail
        # what reads mail is loaded late, see adapters.process
        from followupd.text.mail.read import forwarded_answer

        team = self.context.playbooks.default.team
        agents = {*self.addresses, *(agent.email.lower() for agent in team.agents)}
        answer = forwarded_answer(mail.message, agents)
        if answer is None:
            return mail
        written = replace(mail, message=answer)
        case = self._case_written_in(tx, written)
        is_answer = self._is_to_customer(tx, case, written) if case else bool(self._written_to(tx, written))
        return written if is_answer else mail

    def _case_written_in(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case of an agent's mail: of its thread, or of the customer to whom it is written.

        Mail clients that begin a new thread keep the case in the subject, or the subject itself. A customer
        with a single open case is written to about that one.
        """
        message = mail.message
        ref = tx.cases.ref_for(message.thread)
        if ref:
            return tx.cases.get(ref)

        open_cases = self._written_to(tx, mail)
        subject = _bare_subject(message.subject)
        same_subject = [case for case in open_cases.values() if _bare_subject(case.subject) == subject]
        named = open_cases.get(message.case_token)
        candidates = [named] if named else same_subject or list(open_cases.values())
        return candidates[0] if len(candidates) == 1 else None

    def _written_to(self, tx: Transaction, mail: StoredMail) -> dict[str, Case]:
        """Return the open cases of the customers to whom a mail is written, by reference."""
        people = (*mail.message.to, *mail.message.cc)
        found = [tx.cases.unfinished_of(person.address, mail.mailbox) for person in people]
        return {case.ref: case for cases in found for case in cases}

    def _asked_which(self, tx: Transaction, mail: StoredMail, now: datetime) -> bool:
        """Ask an agent about which of a customer's open cases a mail is; False where it is not written to one."""
        open_cases, message = self._written_to(tx, mail), mail.message
        if len(open_cases) < _AMBIGUOUS or message.distrusted:
            return False

        tx.mail.mark_processed(mail.id, reason="may be about several cases of the customer")
        said = msg(
            "your mail “{subject}” may be about any of these cases, and nothing was noted: answer with what you "
            "promised, as in {form}, or put the number of the case into the subject of your mails",
            subject=message.subject,
            form=line_shown(f"{next(iter(open_cases))}: promise: ..."),
        )
        self._tell_writer(tx, mail, said, open_cases.values(), now)
        return True

    def _ask_about_others(self, tx: Transaction, mail: StoredMail, case: Case, now: datetime) -> None:
        """Ask the writer of a mail to the customers of several cases what it says to those of the other ones.

        Args:
            tx: the transaction.
            mail: an agent's mail.
            case: in which it is noted.
            now: the time of the cycle, in UTC.
        """
        customer = case.customer.address.casefold()
        others = [
            other
            for other in self._written_to(tx, mail).values()
            if other.customer.address.casefold() != customer
        ]
        if not others:
            return
        said = msg(
            "your mail “{subject}” went to several customers, and it is noted in {ref} alone: answer with what you "
            "promised to the others, as in {form}",
            subject=mail.message.subject,
            ref=case.ref,
            form=line_shown(f"{others[0].ref}: promise: ..."),
        )
        self._tell_writer(tx, mail, said, others, now)

    def _tell_writer(
        self, tx: Transaction, mail: StoredMail, said: Translatable, cases: Iterable[Case], now: datetime
    ) -> None:
        """Tell the writer of a mail something about cases, once.

        Args:
            tx: the transaction.
            mail: the mail that is answered; a writer who is no agent is told through the owner.
            said: what the writer is told.
            cases: those that are listed below it.
            now: the time of the cycle, in UTC.
        """
        message, default = mail.message, self.context.playbooks.default
        writer = default.team.by_address(message.sender.address) or default.owner_of("")
        if is_flooded(tx, writer, "", now):
            return
        known = [
            msg("{ref}, {who}: {subject}", ref=c.ref, who=c.customer.shown, subject=c.subject or "-")
            for c in cases
        ]
        name = hashlib.sha256(message.message_id.encode()).hexdigest()[:12]
        key = notice_key(self._today(now), f"which-{name}")
        StaffNotices(self.context).queue(tx, key, [said, *known], writer, now, mail.mailbox)

    def _not_to_customer(self, tx: Transaction, mail: StoredMail, case: Case | None, now: datetime) -> None:
        """Run or answer what an agent writes to us alone; a complaint that was forwarded opens a case.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        case = case or self._case_in_subject(tx, mail)
        is_forwarded = case is None and mail.message.forwarded_from is not None
        if (
            not mail.in_sent
            and not is_forwarded
            and self.notes.handle_new(tx, mail, case, now, self._outsiders(mail))
        ):
            return
        if case is None:
            self._forwarded_mail(tx, mail, now)
        else:
            tx.mail.mark_processed(mail.id, case_ref=case.ref)

    def _outsiders(self, mail: StoredMail) -> str:
        """Return the addresses outside of the company to which an agent wrote, "" for none."""
        message, team = mail.message, self.context.playbooks.default.team
        inside = set(map(_domain, (*self.addresses, *(agent.email for agent in team.agents))))
        receivers = sorted(addresses_of((*message.to, *message.cc)))
        return ", ".join(address for address in receivers if _domain(address) not in inside)

    def _case_in_subject(self, tx: Transaction, mail: StoredMail) -> Case | None:
        """Return the case whose reference is in the subject of a mail to us."""
        token = mail.message.case_token
        is_known = token and not mail.in_sent and tx.cases.exists(token)
        return tx.cases.get(token) if is_known else None

    def _is_to_customer(self, tx: Transaction, case: Case, mail: StoredMail) -> bool:
        """Return whether an agent's mail is written to the customer, and not only about the case.

        Customers have several addresses: in Sent, a mail of the thread to anybody outside the company counts.
        """
        message = mail.message
        receivers = addresses_of((*message.to, *message.cc)) - self.addresses
        if not receivers.isdisjoint(_customers_addresses(tx, case)):
            return True

        agents = self.context.playbooks.default.team.agents
        inside = set(map(_domain, (*self.addresses, *(agent.email for agent in agents))))
        return mail.in_sent and not inside.issuperset(map(_domain, receivers))

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
        """Record an agent's mail to the customer, which keeps the playbook's promise of an update.

        Its copies, in Sent and in the inbox, are one mail. Under another subject, and outside of the case's
        thread, it may be about something else: then the owner says whether the promise is kept.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            case: the case.
            now: the time of the cycle, in UTC.
        """
        message = mail.message
        duplicate = bool(message.message_id) and tx.cases.ref_for([message.message_id]) == case.ref
        is_related = tx.cases.ref_for(message.thread) == case.ref or _names_case(message, case)
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        if duplicate:
            return

        by = message.sender.shown
        where = "a reply in Sent" if mail.in_sent else "a reply with us in copy"
        answers = _left_after_last_mail(tx, mail, case)
        moves = self.context.line_reader(case).moves_in(mail, _in_writing(case))
        events: list[Event] = [
            AgentWrote(
                at=now,
                by=by,
                message_id=message.message_id,
                salutation=salutation(message.text),
                register=register_of(message.text, case.language, self.context.languages),
                why=where,
                answers=answers,
                moves=moves,
            )
        ]
        updates = _standing_updates(case)
        if is_related:
            why = "the customer has heard from us"
            events += [PromiseKept(at=now, by=by, n=n, why=why) for n in updates]
            updates = []

        record(tx, case, [*events, *self._questions(tx, case, mail, updates, moves, now)], now)

    def _questions(
        self,
        tx: Transaction,
        case: Case,
        mail: StoredMail,
        updates: Sequence[int],
        moves: Sequence[tuple[int, datetime]],
        now: datetime,
    ) -> list[Decision]:
        """Ask the owner in one mail about what a reply seems to promise, and whether it kept these promises.

        What was read becomes a promise when an agent approves it, and a later day of a promise when the agent says so.

        Args:
            tx: the transaction.
            case: the case.
            mail: the mail, as it is stored.
            updates: what the mail says of promises.
            moves: promises, each with a later day.
            now: the time of the cycle, in UTC.
        """
        if case.stage in {Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED}:
            return []

        playbook = self.context.playbooks.for_case(case)
        found = self.context.line_reader(case).promises_in(mail)
        events = proposals.proposed(case, found, playbook, now)
        grammar = self.context.grammar
        orders = [line.strip() for line in own_lines(mail.message) if ":" in line and grammar.is_order(line)]
        if not (events or updates or orders or moves):
            return []

        asks: list[str] = [f"kept: {n}" for n in updates] + orders + _late_lines(moves, playbook)
        because = msg("somebody wrote to the customer under another subject; was that the promised answer?")
        if orders:
            because = msg("lines for us stand in your mail to the customer, and nothing was done for them")
        if events:
            asks += ["approve", "refuse: "]
            because = msg("a reply to the customer sounds like a promise")
        if moves:
            told = [_moved(case, n, later, playbook) for n, later in moves]
            because = sentence_list(([because] if events or orders else []) + told, ". ")

        for event in events:
            case = lifecycle.after(case, event)

        content = LetterContent(
            because=sentence_list([because, *early_promises(self.context, tx, case)], ". "),
            asks=tuple(asks),
            quote=mail.message.text,
            promises=tuple(
                p
                for p in case.promises
                if p.state is PromiseState.PROPOSED or p.n in {*updates, *dict(moves)}
            ),
            compensation=case.grants_in(GrantState.PROPOSED),
        )
        owner = playbook.owner_of(case.owner)
        return [
            *events,
            self.context.letters.desk(LetterKind.APPROVAL, case, playbook, now, content, owner),
        ]


def _apart(text: str) -> list[str]:
    """Return the words of a text, those with an apostrophe taken apart: "jusqu'au 3".

    Args:
        text: words of an agent, or of a language.
    """
    return folded(text).replace("'", " ").replace("’", " ").split()


def _in_writing(case: Case) -> list[Promise]:
    """Return the promises that the customer has in writing and waits for."""
    return [promise for promise in case.owed if promise.confirmed]


def _late_lines(moves: Sequence[tuple[int, datetime]], playbook: Playbook) -> list[str]:
    """Return the lines that give promises the days that a reply names.

    Args:
        moves: the numbers of promises, each with a later day.
        playbook: the playbook of the case, whose calendar says which day it is.
    """
    days = [(n, playbook.calendar.local(later)) for n, later in moves]
    return [f"late: {n} until {later.day} {later:%B %Y}" for n, later in days]


def _moved(case: Case, n: int, later: datetime, playbook: Playbook) -> Translatable:
    """Return that a reply seems to tell another day for a promise.

    Args:
        case: the case.
        n: the number of the promise.
        later: the day that the reply names.
        playbook: the playbook of the case.
    """
    promise = case.promise(n)
    name = promise.named if promise else str(n)
    when = day(later, playbook.calendar)
    return msg(
        "your mail to the customer seems to move {promise} to {when}; is that so?", promise=name, when=when
    )


def _desk_mails_case(tx: Transaction, message: Message) -> Case | None:
    """Return the case of our mail to an agent that a mail answers directly; a customer never gets such a mail.

    A customer's answer to an agent's mail may have a desk mail further up in its thread.
    """
    if not message.desk_mails:
        return None
    asked = tx.outbox.get(message.desk_mails[0]).letter
    return tx.cases.get(asked.case) if asked.case and message.thread[-1] == asked.message_id else None


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


def _customers_addresses(tx: Transaction, case: Case) -> set[str]:
    """Return the addresses at which the customer is written to, in lower case.

    Besides the case's own address they are the sender's of the newest mail, and where its answers are to go.
    """
    people = {case.customer}
    newest = tx.mail.by_message_id([case.message_id])
    if newest:
        people |= {newest.message.sender, newest.message.reply_to or newest.message.sender}
    return addresses_of(people)


def _relayed(tx: Transaction, message: Message) -> Message:
    """Return a mail as that of its Reply-To, if the same sender has written for somebody else before."""
    sender, reply_to = message.sender, message.reply_to
    if not message.unsure_of or reply_to is None or sender.address == reply_to.address:
        return message

    if not tx.mail.answers_go_to(sender.address) - {reply_to.address.lower()}:
        return message
    unproven = message.unproven
    if message.proven:  # but for another
        unproven = f"it is from {sender.address}, and says that {reply_to.address} wrote it"
    return replace(message, sender=reply_to, via=sender, unsure_of="", unproven=unproven, proven=False)


def _standing_updates(case: Case) -> list[int]:
    """Return the playbook's promises that the customer hears from us, which any reply keeps."""
    return [
        promise.n
        for promise in case.owed
        if promise.kind is PromiseKind.NEXT_UPDATE and promise.source == "playbook"
    ]


def _names_case(message: Message, case: Case) -> bool:
    """Return whether the subject of a mail is that of the case, or names it."""
    return message.case_token == case.ref or _bare_subject(message.subject) == _bare_subject(case.subject)


def _domain(address: str) -> str:
    """Return the domain of a mail address."""
    return address.rpartition("@")[2].casefold()


def _bare_subject(subject: str) -> str:
    """Return a subject in lower case without "Re:", "Fwd:" and the like before it."""
    return " ".join(bare_subject(subject).casefold().split())


def _why_none(tx: Transaction, message: Message, verdict: Verdict) -> str:
    """Return why a mail opens no case; a second mail of a writer whom the digest names is named, too."""
    if verdict.because != UNKNOWN_LANGUAGE and tx.mail.was_passed_over(HARDLY_ANY, message.sender.address):
        return HARDLY_ANY
    return verdict.because or "no complaint"
