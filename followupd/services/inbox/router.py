"""Where a mail belongs: to a case, to a new one, to quarantine, or to nobody; the sender is checked (MAIL.md R5, R6)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from followupd import log
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, as_event
from followupd.domain.events import (
    AgentWrote,
    CaseOpened,
    ComplaintHeard,
    CustomerWrote,
    Event,
    PromiseKept,
    Reopened,
)
from followupd.domain.letter import APPROVAL
from followupd.domain.mail import Kind, Message, Verdict
from followupd.domain.playbook import Playbook
from followupd.domain.promise import FoundCompensation, FoundPromise, PromiseKind, PromiseState
from followupd.domain.records import QUARANTINE, StoredMail
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.recovery import open, options, proposals, receipts
from followupd.services.classifier import Classifier
from followupd.services.inbox import delivery_reports
from followupd.services.ports import Transaction

_REPLY_PREFIX = re.compile(
    r"^\s*(?:re|aw|sv|antw|vs|odp|ref|rif|fwd?|wg|tr)\s*(?:\[\d+\])?\s*:\s*", re.IGNORECASE
)
#: a mail of the same sender and subject joins a case at most this many days after the last word
_SAME_MATTER_DAYS = 30


class PromiseReader(Protocol):
    """Reads promises in an agent's reply."""

    def __call__(
        self, kept: StoredMail, playbook: Playbook, language: str
    ) -> tuple[Sequence[FoundPromise], Sequence[FoundCompensation]]: ...


@dataclass(frozen=True, slots=True)
class MailRouter:
    """Takes every unheard mail to where it belongs."""

    playbooks: Mapping[str, Playbook]
    judge: Classifier
    hear: PromiseReader
    write: LetterRenderer
    reference: Callable[[bytes, int], str]

    def receive(self, tx: Transaction, kept: StoredMail, now: datetime) -> None:
        """Put one mail down where it belongs."""
        match kept.message.kind:
            case Kind.CUSTOMER:
                self._customer(tx, kept, now)
            case Kind.AGENT:
                self._agent(tx, kept, now)
            case Kind.BOUNCE:
                delivery_reports.came_back(tx, kept, now)
            case Kind.AUTO_REPLY:
                delivery_reports.nobody_in(tx, kept, now)
            case _:
                tx.mail.mark_processed(kept.id, reason=kept.message.because)

    # --- customers ---

    def _customer(self, tx: Transaction, kept: StoredMail, now: datetime) -> None:
        case = self._known_case(tx, kept)
        if case is not None:
            if not delivery_reports.takes_part(tx, case, kept.message):
                reason = f"names {case.ref}, but {kept.message.sender.address or 'nobody'} takes no part in that case"
                tx.mail.mark_processed(kept.id, state=QUARANTINE, reason=reason)
                log.mail_quarantined(kept.id, reason)
                return
            self._wrote_again(tx, kept, case, now)
            return
        verdict = self._judged(kept.message)
        if verdict.verdict == "no":
            tx.mail.mark_processed(kept.id, reason=verdict.because or "no complaint")
            return
        self._open(tx, kept, open.heard(verdict, now, urgent=self.judge.urgent(verdict)), verdict, now)

    def _judged(self, message: Message) -> Verdict:
        """Judge a mail; one that only a person can open is put before a person (MAIL.md R7)."""
        verdict = self.judge.verdict(message)
        if verdict.verdict == "no" and message.by_hand and not message.text.strip():
            return Verdict("suspected", verdict.score, because=f"a person must open it: {message.by_hand}")
        return verdict

    def _known_case(self, tx: Transaction, kept: StoredMail) -> Case | None:
        message = kept.message
        ref = tx.cases.ref_for(
            [message.message_id, *message.thread] if message.message_id else message.thread
        )
        if ref:
            return tx.cases.get(ref)
        if message.case_token and tx.cases.exists(message.case_token):
            case = tx.cases.get(message.case_token)
            if case.customer.address:  # a customer who was forgotten and writes again begins anew
                return case
        subject = _matter(message.subject)
        recent = (
            case
            for case in tx.cases.open_of(message.sender.address, kept.mailbox)
            if _matter(case.subject) == subject
            and (kept.received_at - case.opened_at).days <= _SAME_MATTER_DAYS
        )
        return next(recent, None) if subject else None

    def _wrote_again(self, tx: Transaction, kept: StoredMail, case: Case, now: datetime) -> None:
        message = kept.message
        twin = bool(message.message_id) and tx.cases.ref_for([message.message_id]) == case.ref
        tx.mail.mark_processed(kept.id, case_ref=case.ref)
        if twin:
            return  # the same mail through a second address of ours
        wrote = CustomerWrote(
            at=now,
            by=message.sender.address,
            message_id=message.message_id,
            references=message.thread,
            subject=message.subject,
            no_answer=message.no_answer,
            text=message.text[: open.STORY_CHARACTERS],
        )
        heard: list[Decision] = [wrote, *self._heard_again(case, message, now)]
        delivery_reports.record(tx, case, [*heard, *self._answers(case, heard, message, now)], now)

    def _answers(
        self, case: Case, heard: Sequence[Decision], message: Message, now: datetime
    ) -> list[Decision]:
        """Read what the customer was asked: has it arrived, which option suits better?"""
        for step in heard:
            case = lifecycle.after(case, as_event(step, now))
        answered: list[Decision] = []
        for hear in (receipts.heard, options.heard):
            found = hear(case, message, self._playbook(case), self.write, now)
            for step in found:
                case = lifecycle.after(case, as_event(step, now))
            answered += found
        return answered

    def _playbook(self, case: Case) -> Playbook:
        return self.playbooks.get(case.playbook) or self.playbooks["default"]

    def _heard_again(self, case: Case, message: Message, now: datetime) -> list[Event]:
        """A further mail may say clearly what the first one only hinted at, or that a closed matter is not right."""
        if case.stage not in {Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED}:
            return []
        verdict = self.judge.verdict(message)
        if case.stage is Stage.DISMISSED and verdict.verdict == "suspected":  # an agent decides once more
            return [open.heard(verdict, now, urgent=self.judge.urgent(verdict))]
        if verdict.verdict != "complaint":
            return []
        if case.stage is Stage.CLOSED:
            return [Reopened(at=now, by=message.sender.address, why="the customer complains again")]
        return [open.heard(verdict, now)]

    # --- opening ---

    def open_by_agent(self, tx: Transaction, kept: StoredMail, actor: str, now: datetime) -> Case:
        """Open a case because an agent called the mail a complaint."""
        return self._open(
            tx, kept, ComplaintHeard(at=now, by=actor, why="an agent called it a complaint"), None, now
        )

    def _open(
        self, tx: Transaction, kept: StoredMail, heard: Event, verdict: Verdict | None, now: datetime
    ) -> Case:
        message = kept.message
        verdict = verdict or self.judge.verdict(message)
        playbook = self.judge.playbook(message, verdict, self.playbooks)
        others = bool(tx.cases.open_of(message.sender.address, kept.mailbox))
        if isinstance(heard, ComplaintHeard) and heard.by_machine and tx.mail.repeats(kept):
            message = replace(
                message, no_answer=message.no_answer or "the same words came before, as robots send them"
            )
        severity = self.judge.severity(message, verdict, open_case=others)
        graded = f" [{severity}: {', '.join(severity.reasons)}]" if severity.reasons else ""
        first = open.open_case(
            message,
            ref=self._reference(tx, kept),
            mailbox=kept.mailbox,
            playbook=playbook,
            now=now,
            facts=self.judge.facts(message),
            severity=str(severity),
            language=self.judge.language(message),
            suggested=self.judge.suggestions(message),
            by=heard.by,
            why=f"a mail of {message.sender.address}: {message.subject}{graded}",
        )
        if not first.customer.address:  # a customer who was forgotten, or a mail without a sender
            raise NotUnderstoodError(
                "nobody stands behind this mail whom a letter could reach; no case was opened"
            )
        if isinstance(heard, ComplaintHeard) and not heard.evidence:
            heard = replace(heard, score=verdict.score, evidence=verdict.evidence)
        return self._opened(tx, kept, first, heard, now)

    def _opened(
        self, tx: Transaction, kept: StoredMail, first: CaseOpened, heard: Event, now: datetime
    ) -> Case:
        case = tx.cases.open(first)
        tx.mail.mark_processed(kept.id, case_ref=case.ref)
        log.case_opened(case.ref, case.mailbox, case.playbook)
        return delivery_reports.record(tx, case, [heard], now)

    def _reference(self, tx: Transaction, kept: StoredMail) -> str:
        """Name the case after its first mail: whoever decides it twice names the same case."""
        seed = f"{kept.mailbox}\n{kept.message.message_id}\n{kept.id}".encode()
        attempt = 0
        while tx.cases.exists(ref := self.reference(seed, attempt)):
            attempt += 1
        return ref

    # --- our own people, robots, reports ---

    def _agent(self, tx: Transaction, kept: StoredMail, now: datetime) -> None:
        message = kept.message
        ref = tx.cases.ref_for(message.thread)
        if ref is None:
            self._forwarded(tx, kept, now)
            return
        case = tx.cases.get(ref)
        tx.mail.mark_processed(kept.id, case_ref=ref)
        if not kept.in_sent:
            return
        by = message.sender.name or message.sender.address
        wrote = AgentWrote(at=now, by=by, message_id=message.message_id, why="a reply in Sent")
        kept_now = [
            PromiseKept(at=now, by=by, n=each.n, why="the customer has heard from us")
            for each in case.owed
            if each.kind is PromiseKind.NEXT_UPDATE and each.source == "playbook"
        ]
        delivery_reports.record(tx, case, [wrote, *kept_now, *self._proposals(case, kept, now)], now)

    def _forwarded(self, tx: Transaction, kept: StoredMail, now: datetime) -> None:
        """A complaint that one of ours forwarded opens a case as a suggestion for its first sender."""
        if kept.in_sent or kept.message.forwarded_from is None:
            tx.mail.mark_processed(kept.id, reason="one of ours wrote, in no case")
            return
        verdict = self.judge.verdict(kept.message)
        suspected = open.heard(
            replace(verdict, verdict="suspected", because="a colleague forwarded it"),
            now,
            urgent=self.judge.urgent(verdict),
        )
        self._open(tx, kept, suspected, verdict, now)

    def _proposals(self, case: Case, kept: StoredMail, now: datetime) -> list[Decision]:
        """What a reply seems to promise is proposed to the owner; only an agent's word makes it a promise."""
        if case.stage in {Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED}:
            return []
        playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
        events = proposals.proposed(case, self.hear(kept, playbook, case.language), playbook, now)
        if not events:
            return []
        after = case
        for event in events:
            after = lifecycle.after(after, event)
        brief = LetterContent(
            because=msg("a reply to the customer sounds like a promise"),
            asks=("approve", "refuse: "),
            quote=kept.message.text,
            promises=tuple(p for p in after.promises if p.state is PromiseState.PROPOSED),
            compensation=tuple(g for g in after.compensation if g.state is GrantState.PROPOSED),
        )
        return [
            *events,
            self.write.desk(APPROVAL, after, playbook, now, brief, playbook.owner_of(case.owner)),
        ]


def _matter(subject: str) -> str:
    """Return the subject without any number of Re:, Aw:, Fwd: before it."""
    while _REPLY_PREFIX.match(subject):
        subject = _REPLY_PREFIX.sub("", subject)
    return " ".join(subject.casefold().split())
