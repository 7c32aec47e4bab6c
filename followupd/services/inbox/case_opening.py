"""Open cases: for a complaint that was recognised, forwarded by a colleague, or tagged by an agent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.case import HIGH, NO_COMPLAINT, Case, Stage
from followupd.domain.command import CALLED_A_COMPLAINT
from followupd.domain.events import CaseOpened, ComplaintHeard, ComplaintSuspected, Event, Held
from followupd.domain.keys import StateKey
from followupd.domain.mail import Kind, StoredMail, Verdict
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery import opening
from followupd.services.classifier import ComplaintClassifier
from followupd.services.context import ServiceContext
from followupd.services.record import record

#: complaints of one customer within this time are looked at together (practice 20)
_OF_LATE = timedelta(days=180)
#: of thousands in one name, the newest ones
_MOST_BEFORE = 50
#: after so many complaints before, only a person writes
_FOR_A_PERSON = 2
_ONLY_A_PERSON = "it is at least the third complaint within 180 days: call, write yourself, then `release`"
#: so many times `most` in a day are a flood, too, however slowly they come
_MOST_A_DAY = 4
#: stages of what was no complaint, or may be none
_NOT_COUNTED = NO_COMPLAINT | {Stage.SUSPECTED}


def _with_complaints_before(context: ServiceContext, tx: Transaction, first: CaseOpened) -> CaseOpened:
    """Return the first event of a case with the customer's recent complaints; a second one is severe.

    Args:
        context: with the companies to which mailboxes belong.
        tx: the transaction.
        first: the event.
    """
    address = first.customer.address
    known = context.cases_of(tx, address, first.mailbox, _MOST_BEFORE) if address else []
    counted = [
        case for case in known if case.stage not in _NOT_COUNTED and first.at - case.opened_at <= _OF_LATE
    ]
    if not counted:
        return first
    refs = tuple(case.ref for case in counted)
    why = f"{first.why} [complained before: {', '.join(refs)}]"
    return replace(first, complaints_before=refs, severity=HIGH, why=why)


@dataclass(frozen=True, slots=True)
class CaseOpener:
    """Opens a case with everything that the first mail tells: playbook, severity, language and facts.

    `reference(seed, attempt)` returns a case reference; the same seed returns the same one.
    """

    context: ServiceContext
    classifier: ComplaintClassifier
    reference: Callable[[bytes, int], str]
    #: more complaints than this, in this time, or four times as many in a day, are a flood: agents decide about
    #: them together
    most: tuple[int, timedelta] = (60, timedelta(hours=1))

    def open_by_agent(self, tx: Transaction, mail: StoredMail, actor: str, now: datetime) -> Case:
        """Open a case because an agent called the mail a complaint.

        Raises:
            NotUnderstoodError: the mail has no sender to whom a letter could be sent.
        """
        cause = ComplaintHeard(at=now, by=actor, why=CALLED_A_COMPLAINT)
        return self.open(tx, mail, cause, self.classifier.verdict(mail.message), now)

    def open(
        self,
        tx: Transaction,
        mail: StoredMail,
        cause: Event,
        verdict: Verdict,
        now: datetime,
        earlier: str = "",
    ) -> Case:
        """Open a case for a mail.

        `cause` is the event that follows the opening: a complaint, certain or suspected. `earlier` is the
        closed case in whose thread the customer complains again.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            cause: why there is a case: a complaint that was heard or suspected.
            verdict: what the recogniser said of the mail.
            now: the time of the cycle, in UTC.
            earlier: the closed case in whose thread the mail is.

        Raises:
            NotUnderstoodError: the mail has no sender to whom a letter could be sent.
        """
        first = replace(self._first_event(tx, mail, cause, verdict, now), earlier=earlier)
        first = _with_complaints_before(self.context, tx, first)
        if not first.customer.address:  # an erased customer, or a mail without a sender
            raise NotUnderstoodError(
                msg("this mail has no sender to whom a letter could be sent; no case was opened")
            )

        if isinstance(cause, ComplaintHeard) and not cause.evidence:
            cause = replace(cause, score=verdict.score, evidence=verdict.evidence)

        cause = self._unless_flooded(tx, cause, now)
        events = [cause]
        if mail.message.unsure_of and mail.message.kind is not Kind.AGENT:
            events.append(Held(at=now, why=mail.message.unsure_of))
        elif len(first.complaints_before) >= _FOR_A_PERSON:
            events.append(Held(at=now, why=_ONLY_A_PERSON))

        case = tx.cases.open(first)
        tx.mail.mark_processed(mail.id, case_ref=case.ref)
        log.case_opened(case.ref, case.mailbox, case.playbook)
        return record(tx, case, events, now)

    def _unless_flooded(self, tx: Transaction, cause: Event, now: datetime) -> Event:
        """Return the event that follows the opening: in a flood, a machine only suspects, and asks nobody at once.

        So a flood of forged complaints makes no letter to a victim, and no mail to an agent, for each of them.
        """
        if isinstance(cause, ComplaintHeard) and not cause.by_machine:
            return cause

        most, span = self.most
        limits = ((most, span), (_MOST_A_DAY * most, timedelta(days=1)))
        passed = (limit for limit in limits if tx.cases.count_opened_since(now - limit[1]) >= limit[0])
        limit = next(passed, None)
        if limit is None:
            return cause

        count, span = limit
        tx.state.put(StateKey.FLOOD, count, now)
        score, evidence = getattr(cause, "score", 0.0), getattr(cause, "evidence", ())
        why = f"more than {count} complaints came within {span}; an agent decides"
        return ComplaintSuspected(at=now, why=why, score=score, evidence=evidence, flood=True)

    def _first_event(
        self, tx: Transaction, mail: StoredMail, cause: Event, verdict: Verdict, now: datetime
    ) -> CaseOpened:
        """Return the event that opens the case, with playbook, severity, language and facts of the mail.

        Args:
            tx: the transaction.
            mail: the mail, as it is stored.
            cause: why there is a case: a complaint that was heard or suspected.
            verdict: what the recogniser said of the mail.
            now: the time of the cycle, in UTC.
        """
        message, classifier = mail.message, self.classifier
        has_open_case = bool(tx.cases.unfinished_of(message.sender.address, mail.mailbox))
        severity = classifier.severity(message, verdict, open_case=has_open_case)
        reasons = f" [{severity}: {', '.join(severity.reasons)}]" if severity.reasons else ""

        playbook = classifier.playbook(message, verdict, self.context.playbooks.of(mail.mailbox))
        suggested = classifier.suggestions(message)
        if playbook.gestures_by_loss:
            suggested += classifier.loss(message, playbook.gestures_by_loss[0][0].currency)

        by_machine = isinstance(cause, ComplaintHeard) and cause.by_machine
        if by_machine and tx.mail.is_echo(mail) and not message.no_answer:
            message = replace(message, no_answer="the same words came before, as robots send them")

        return opening.open_case(
            message,
            ref=self._free_reference(tx, mail),
            mailbox=mail.mailbox,
            playbook=playbook,
            now=now,
            facts=classifier.facts(message),
            severity=str(severity),
            danger="safety" in verdict.cues,
            language=classifier.language(message),
            suggested=suggested,
            by=cause.by,
            why=f"a mail of {message.sender.address}: {message.subject}{reasons}",
        )

    def _free_reference(self, tx: Transaction, mail: StoredMail) -> str:
        """Derive the case's reference from its first mail, so that a repeated attempt opens the same case.

        A ledger that was lost, or that lost its end, gives the case the same name again: its letters then have the
        same Message-IDs, and their copies in the mailbox stop them.
        """
        seed = f"{mail.mailbox}\n{mail.message.message_id}\n{mail.fingerprint}".encode()
        attempt = 0
        while tx.cases.exists(self.reference(seed, attempt)):
            attempt += 1

        return self.reference(seed, attempt)
