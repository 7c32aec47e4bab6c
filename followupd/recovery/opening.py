"""A complaint is heard: a case opens with the playbook's standing steps, and its owner is told."""

from collections.abc import Mapping
from datetime import datetime

from followupd.model.case import Case, Stage
from followupd.model.event import CaseOpened, ComplaintHeard, ComplaintSuspected, Event, PromiseMade
from followupd.model.facts import Facts
from followupd.model.letter import OPENED, Brief, Step, Writer
from followupd.model.message import Kind, Message, Person, Verdict
from followupd.model.playbook import NextStep, Playbook
from followupd.model.promise import Promise

#: as much of the customer's words as a desk mail shows
STORY_CHARACTERS = 2000


def open_case(
    message: Message, *, ref: str, mailbox: str, playbook: Playbook, now: datetime, facts: Facts, severity: str = "normal",
    language: str = "", suggested: tuple[tuple[str, str], ...] = (), by: str = "followupd", why: str = "",
) -> CaseOpened:  # fmt: skip
    """Return the first event of a case for this mail; replies go to Reply-To where the customer asked for it."""
    forwarded = message.forwarded_from if message.kind is Kind.AGENT else None
    customer = forwarded or Person(_answer_to(message), message.sender.name)
    return CaseOpened(
        at=now, by=by, why=why, ref=ref, mailbox=mailbox, customer=customer, subject=message.subject,
        playbook=playbook.name, owner=playbook.owner_of(playbook.owner).id, severity=severity, language=language,
        message_id=message.message_id, references=message.thread, no_answer=message.no_answer, facts=facts,
        story=words_of(message)[:STORY_CHARACTERS], suggested=suggested,
    )  # fmt: skip


def words_of(message: Message) -> str:
    """Return the customer's words: the new ones, or in a bare forward the forwarded ones."""
    return message.text or (message.quoted if message.forwarded_from else "")


def _answer_to(message: Message) -> str:
    # A Reply-To of another domain is what phishers set; the letter then goes to the one who wrote.
    reply_to = message.reply_to.address if message.reply_to else ""
    same = reply_to.rpartition("@")[2] == message.sender.address.rpartition("@")[2]
    return reply_to if reply_to and same else message.sender.address


def choose_playbook(message: Message, playbooks: Mapping[str, Playbook]) -> Playbook:
    """Return the playbook with the most of its words in the mail, else `default` (practice 11)."""
    text = f"{message.subject}\n{message.text}".casefold()
    scored = [(sum(word.casefold() in text for word in book.words), book) for book in playbooks.values()]
    best = max(scored, key=lambda pair: pair[0], default=(0, playbooks["default"]))
    return best[1] if best[0] else playbooks["default"]


def heard(verdict: Verdict, now: datetime) -> Event:
    """Return what the recogniser's verdict means for a new case."""
    if verdict.verdict == "complaint":
        why = verdict.because or "the recogniser is sure"
        return ComplaintHeard(at=now, why=why, score=verdict.score, evidence=verdict.evidence, by_machine=True)
    why = verdict.because or "the recogniser is not sure; an agent decides"
    return ComplaintSuspected(at=now, why=why, score=verdict.score, evidence=verdict.evidence)


def moment(_case: Case, _playbook: Playbook) -> datetime | None:
    return None


def act(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Step]:
    """Log the standing steps of a case that was just heard, and tell its owner, once."""
    if case.stage is not Stage.HEARD or case.letters_of(OPENED):
        return []
    steps: list[Step] = []
    if not case.promises:
        steps += [
            PromiseMade(at=now, why=f"standing step of playbook {playbook.name}", promise=promise)
            for promise in _standing(case, playbook, write, now)
        ]
    brief = Brief(
        because=_who_heard(case), asks=tuple(f"{name}: {words}" for name, words in case.suggested), evidence=case.evidence, quote=case.story,
        promises=tuple(step.promise for step in steps if isinstance(step, PromiseMade)),
        problems=(f"No confirmation leaves by machine: {case.no_answer}.",) if case.no_answer and case.by_machine else (),
    )  # fmt: skip
    return [*steps, write.desk(OPENED, case, playbook, now, brief, playbook.owner_of(case.owner))]


def _who_heard(case: Case) -> str:
    return "the recogniser is sure that it is a complaint" if case.by_machine else "somebody tagged it as a complaint"


def _standing(case: Case, playbook: Playbook, write: Writer, now: datetime) -> list[Promise]:
    first = max((promise.n for promise in case.promises), default=0) + 1
    return [_promise(n, step, case, playbook, write, now) for n, step in enumerate(playbook.steps, first)]


def _promise(n: int, step: NextStep, case: Case, playbook: Playbook, write: Writer, now: datetime) -> Promise:
    told = playbook.calendar.after(now, step.within)
    due = playbook.calendar.before(told, step.margin) if step.margin else told
    return Promise(
        n=n, text=write.phrase(step.text, case, playbook), kind=step.kind, told=told, due=max(due, now),
        source="playbook", owner=case.owner, made_at=now,
    )  # fmt: skip
