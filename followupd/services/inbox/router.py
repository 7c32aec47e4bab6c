"""Where a mail belongs: to a case, to a new one, to quarantine, or to nobody; the sender is checked (MAIL.md R5, R6)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from followupd import log
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState
from followupd.domain.decision import Brief, Step, Writer, as_event
from followupd.domain.events import AgentWrote, CaseOpened, ComplaintHeard, CustomerWrote, Event, PromiseKept, Reopened
from followupd.domain.letter import APPROVAL
from followupd.domain.mail import Kind, Message, Verdict
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Firmness, HeardGrant, HeardPromise, PromiseState
from followupd.domain.records import QUARANTINE, Kept
from followupd.domain.translatable import said
from followupd.errors import NotUnderstoodError
from followupd.recovery import open, options, proposals, receipts
from followupd.services.classifier import Judge
from followupd.services.inbox import delivery_reports
from followupd.services.ports import Work

_REPLY_PREFIX = re.compile(r"^\s*(?:re|aw|sv|antw|vs|odp|ref|rif|fwd?|wg|tr)\s*(?:\[\d+\])?\s*:\s*", re.IGNORECASE)
#: a mail of the same sender and subject joins a case at most this many days after the last word
_SAME_MATTER_DAYS = 30


class Hear(Protocol):
    """Reads promises in an agent's reply."""

    def __call__(
        self, kept: Kept, playbook: Playbook, language: str
    ) -> tuple[Sequence[HeardPromise], Sequence[HeardGrant]]: ...


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes every unheard mail to where it belongs."""

    playbooks: Mapping[str, Playbook]
    judge: Judge
    hear: Hear
    write: Writer
    reference: Callable[[bytes, int], str]

    def receive(self, work: Work, kept: Kept, now: datetime) -> None:
        """Put one mail down where it belongs."""
        match kept.message.kind:
            case Kind.CUSTOMER:
                self._customer(work, kept, now)
            case Kind.AGENT:
                self._agent(work, kept, now)
            case Kind.BOUNCE:
                delivery_reports.came_back(work, kept, now)
            case Kind.AUTO_REPLY:
                delivery_reports.nobody_in(work, kept, now)
            case _:
                work.mail.put_down(kept.id, reason=kept.message.because)

    # --- customers ---

    def _customer(self, work: Work, kept: Kept, now: datetime) -> None:
        case = self._known_case(work, kept)
        if case is not None:
            if not delivery_reports.takes_part(work, case, kept.message):
                reason = f"names {case.ref}, but {kept.message.sender.address or 'nobody'} takes no part in that case"
                work.mail.put_down(kept.id, state=QUARANTINE, reason=reason)
                log.set_aside(kept.id, reason)
                return
            self._wrote_again(work, kept, case, now)
            return
        verdict = self._judged(kept.message)
        if verdict.verdict == "no":
            work.mail.put_down(kept.id, reason=verdict.because or "no complaint")
            return
        self._open(work, kept, open.heard(verdict, now, urgent=self.judge.urgent(verdict)), verdict, now)

    def _judged(self, message: Message) -> Verdict:
        """Judge a mail; one that only a person can open is put before a person (MAIL.md R7)."""
        verdict = self.judge.verdict(message)
        if verdict.verdict == "no" and message.by_hand and not message.text.strip():
            return Verdict("suspected", verdict.score, because=f"a person must open it: {message.by_hand}")
        return verdict

    def _known_case(self, work: Work, kept: Kept) -> Case | None:
        message = kept.message
        ref = work.cases.naming([message.message_id, *message.thread] if message.message_id else message.thread)
        if ref:
            return work.cases.get(ref)
        if message.case_token and work.cases.taken(message.case_token):
            case = work.cases.get(message.case_token)
            if case.customer.address:  # a customer who was forgotten and writes again begins anew
                return case
        subject = _matter(message.subject)
        recent = (
            case for case in work.cases.open_of(message.sender.address, kept.mailbox)
            if _matter(case.subject) == subject and (kept.received_at - case.opened_at).days <= _SAME_MATTER_DAYS
        )  # fmt: skip
        return next(recent, None) if subject else None

    def _wrote_again(self, work: Work, kept: Kept, case: Case, now: datetime) -> None:
        message = kept.message
        twin = bool(message.message_id) and work.cases.naming([message.message_id]) == case.ref
        work.mail.put_down(kept.id, case_ref=case.ref)
        if twin:
            return  # the same mail through a second address of ours
        wrote = CustomerWrote(
            at=now, by=message.sender.address, message_id=message.message_id, references=message.thread,
            subject=message.subject, no_answer=message.no_answer, text=message.text[: open.STORY_CHARACTERS],
        )  # fmt: skip
        heard: list[Step] = [wrote, *self._heard_again(case, message, now)]
        delivery_reports.record(work, case, [*heard, *self._answers(case, heard, message, now)], now)

    def _answers(self, case: Case, heard: Sequence[Step], message: Message, now: datetime) -> list[Step]:
        """Read what the customer was asked: has it arrived, which option suits better?"""
        for step in heard:
            case = case.after(as_event(step, now))
        answered: list[Step] = []
        for hear in (receipts.heard, options.heard):
            found = hear(case, message, self._playbook(case), self.write, now)
            for step in found:
                case = case.after(as_event(step, now))
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

    def open_by_agent(self, work: Work, kept: Kept, actor: str, now: datetime) -> Case:
        """Open a case because an agent called the mail a complaint."""
        return self._open(work, kept, ComplaintHeard(at=now, by=actor, why="an agent called it a complaint"), None, now)

    def _open(self, work: Work, kept: Kept, heard: Event, verdict: Verdict | None, now: datetime) -> Case:
        message = kept.message
        verdict = verdict or self.judge.verdict(message)
        playbook = self.judge.playbook(message, verdict, self.playbooks)
        others = bool(work.cases.open_of(message.sender.address, kept.mailbox))
        if isinstance(heard, ComplaintHeard) and heard.by_machine and work.mail.repeats(kept):
            message = replace(message, no_answer=message.no_answer or "the same words came before, as robots send them")
        severity = self.judge.severity(message, verdict, open_case=others)
        graded = f" [{severity}: {', '.join(severity.reasons)}]" if severity.reasons else ""
        first = open.open_case(
            message, ref=self._reference(work, kept), mailbox=kept.mailbox, playbook=playbook, now=now,
            facts=self.judge.facts(message), severity=str(severity), language=self.judge.language(message),
            suggested=self.judge.suggestions(message), by=heard.by, why=f"a mail of {message.sender.address}: {message.subject}{graded}",
        )  # fmt: skip
        if not first.customer.address:  # a customer who was forgotten, or a mail without a sender
            raise NotUnderstoodError("nobody stands behind this mail whom a letter could reach; no case was opened")
        if isinstance(heard, ComplaintHeard) and not heard.evidence:
            heard = replace(heard, score=verdict.score, evidence=verdict.evidence)
        return self._opened(work, kept, first, heard, now)

    def _opened(self, work: Work, kept: Kept, first: CaseOpened, heard: Event, now: datetime) -> Case:
        case = work.cases.open(first)
        work.mail.put_down(kept.id, case_ref=case.ref)
        log.case_opened(case.ref, case.mailbox, case.playbook)
        return delivery_reports.record(work, case, [heard], now)

    def _reference(self, work: Work, kept: Kept) -> str:
        """Name the case after its first mail: whoever decides it twice names the same case."""
        seed = f"{kept.mailbox}\n{kept.message.message_id}\n{kept.id}".encode()
        attempt = 0
        while work.cases.taken(ref := self.reference(seed, attempt)):
            attempt += 1
        return ref

    # --- our own people, robots, reports ---

    def _agent(self, work: Work, kept: Kept, now: datetime) -> None:
        message = kept.message
        ref = work.cases.naming(message.thread)
        if ref is None:
            self._forwarded(work, kept, now)
            return
        case = work.cases.get(ref)
        work.mail.put_down(kept.id, case_ref=ref)
        if not kept.in_sent:
            return
        by = message.sender.name or message.sender.address
        wrote = AgentWrote(at=now, by=by, message_id=message.message_id, why="a reply in Sent")
        kept_now = [
            PromiseKept(at=now, by=by, n=each.n, why="the customer has heard from us")
            for each in case.owed if each.kind is Firmness.NEXT_UPDATE and each.source == "playbook"
        ]  # fmt: skip
        delivery_reports.record(work, case, [wrote, *kept_now, *self._proposals(case, kept, now)], now)

    def _forwarded(self, work: Work, kept: Kept, now: datetime) -> None:
        """A complaint that one of ours forwarded opens a case as a suggestion for its first sender."""
        if kept.in_sent or kept.message.forwarded_from is None:
            work.mail.put_down(kept.id, reason="one of ours wrote, in no case")
            return
        verdict = self.judge.verdict(kept.message)
        suspected = open.heard(
            replace(verdict, verdict="suspected", because="a colleague forwarded it"),
            now,
            urgent=self.judge.urgent(verdict),
        )
        self._open(work, kept, suspected, verdict, now)

    def _proposals(self, case: Case, kept: Kept, now: datetime) -> list[Step]:
        """What a reply seems to promise is proposed to the owner; only an agent's word makes it a promise."""
        if case.stage in {Stage.SUSPECTED, Stage.DISMISSED, Stage.CLOSED}:
            return []
        playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
        events = proposals.proposed(case, self.hear(kept, playbook, case.language), playbook, now)
        if not events:
            return []
        after = case
        for event in events:
            after = after.after(event)
        brief = Brief(
            because=said("a reply to the customer sounds like a promise"), asks=("approve", "refuse: "), quote=kept.message.text,
            promises=tuple(p for p in after.promises if p.state is PromiseState.PROPOSED),
            compensation=tuple(g for g in after.compensation if g.state is GrantState.PROPOSED),
        )  # fmt: skip
        return [*events, self.write.desk(APPROVAL, after, playbook, now, brief, playbook.owner_of(case.owner))]


def _matter(subject: str) -> str:
    """Return the subject without any number of Re:, Aw:, Fwd: before it."""
    while _REPLY_PREFIX.match(subject):
        subject = _REPLY_PREFIX.sub("", subject)
    return " ".join(subject.casefold().split())
