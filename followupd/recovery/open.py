"""A complaint is heard: a case opens with the playbook's standing steps, and its owner is told."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from followupd.domain.case import Case, Facts, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import (
    CaseOpened,
    ComplaintHeard,
    ComplaintSuspected,
    Event,
    OwnerNudged,
    PromiseMade,
)
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, Person, Verdict
from followupd.domain.playbook import NextStep, Playbook
from followupd.domain.promise import Promise
from followupd.domain.translatable import msg
from followupd.languages import catalogue
from followupd.languages.patterns import verbatim

#: senders behind which a web form or a shop stands; nobody reads what is sent to them
_FORM = re.compile(verbatim(catalogue().mail_clients.unread.forms), re.IGNORECASE)
#: as much of the customer's words as a desk mail shows
STORY_CHARACTERS = 2000
#: the name of the matter that an owner is asked about while it is only suspected
_SUSPECTED = "suspected"


def open_case(
    message: Message,
    *,
    ref: str,
    mailbox: str,
    playbook: Playbook,
    now: datetime,
    facts: Facts,
    severity: str = "normal",
    language: str = "",
    suggested: tuple[tuple[str, str], ...] = (),
    by: str = "followupd",
    why: str = "",
) -> CaseOpened:
    """Return the first event of a case for this mail; replies go to Reply-To where the customer asked for it."""
    forwarded = message.forwarded_from if message.kind is Kind.AGENT else None
    customer = forwarded or _customer(message)
    return CaseOpened(
        at=now,
        by=by,
        why=why,
        ref=ref,
        mailbox=mailbox,
        customer=customer,
        subject=message.subject,
        playbook=playbook.name,
        owner=playbook.owner_of(playbook.owner).id,
        severity=severity,
        language=language,
        message_id=message.message_id,
        references=message.thread,
        no_answer=message.no_answer,
        facts=facts,
        story=words_of(message)[:STORY_CHARACTERS],
        suggested=suggested,
    )


def words_of(message: Message) -> str:
    """Return the customer's words: the new ones, or in a bare forward the forwarded ones."""
    return message.text or (message.quoted if message.forwarded_from else "")


def _customer(message: Message) -> Person:
    """Return whom the case is about: the sender, or the Reply-To of a form that writes in a customer's name."""
    sender, reply_to = message.sender, message.reply_to
    if reply_to is None or not reply_to.address:
        return sender
    if _FORM.match(sender.address):
        return reply_to
    # A Reply-To of another domain is what phishers set; the letter then goes to the one who wrote.
    same = reply_to.address.rpartition("@")[2] == sender.address.rpartition("@")[2]
    return Person(reply_to.address, sender.name) if same else sender


def choose_playbook(
    message: Message,
    playbooks: Mapping[str, Playbook],
    cues: frozenset[str],
    found: Callable[[str, str], bool],
) -> Playbook:
    """Return the playbook with the most of its words in the mail, then with the most of its cues, else `default`.

    `found(pattern, text)` says whether a playbook's words are there (practice 11).
    """
    text = f"{message.subject}\n{words_of(message)}"
    scored = [
        (sum(found(word, text) for word in book.words), len(book.cues & cues), book)
        for book in playbooks.values()
    ]
    words, groups, best = max(scored, key=lambda each: each[:2], default=(0, 0, playbooks["default"]))
    return best if words or groups else playbooks["default"]


def heard(verdict: Verdict, now: datetime, *, urgent: bool = False) -> Event:
    """Return what the recogniser's verdict means for a new case; `urgent` asks an agent at once."""
    if verdict.verdict == "complaint":
        why = verdict.because or "the recogniser is sure"
        return ComplaintHeard(
            at=now, why=why, score=verdict.score, evidence=verdict.evidence, by_machine=True
        )
    why = verdict.because or "the recogniser is not sure; an agent decides"
    return ComplaintSuspected(at=now, why=why, score=verdict.score, evidence=verdict.evidence, urgent=urgent)


def next_due(_case: Case, _playbook: Playbook) -> datetime | None:
    return None


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Log the standing steps of a case that was just heard, and tell its owner, once; ask about an urgent suspicion."""
    if case.stage is Stage.SUSPECTED:
        return _asked(case, playbook, write, now)
    told = len(case.letters_of(LetterKind.OPENED)) - sum(
        name.startswith(_SUSPECTED) for name, _ in case.nudges
    )
    if case.stage is not Stage.HEARD or told > 0:
        return []
    steps: list[Decision] = []
    if not case.promises:
        steps += [
            PromiseMade(at=now, why=f"standing step of playbook {playbook.name}", promise=promise)
            for promise in _standing(case, playbook, write, now)
        ]
    decides = ("complaint", "dismiss") if case.by_machine else ()
    brief = LetterContent(
        because=_who_heard(case),
        evidence=case.evidence,
        quote=case.story,
        asks=(*decides, *(f"{name}: {words}" for name, words in case.suggested)),
        promises=tuple(step.promise for step in steps if isinstance(step, PromiseMade)),
        problems=(msg("No confirmation leaves by machine: {why}.", why=case.no_answer),)
        if case.no_answer and case.by_machine
        else (),
    )
    return [*steps, write.desk(LetterKind.OPENED, case, playbook, now, brief, playbook.owner_of(case.owner))]


def _asked(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Strong cues do not wait for the digest: the owner is asked at once, and the customer hears nothing."""
    matter = f"{_SUSPECTED} {case.suspected_at:%Y-%m-%dT%H:%M}" if case.suspected_at else _SUSPECTED
    if not case.urgent or case.held or matter in dict(case.nudges):
        return []
    brief = LetterContent(
        because=msg("strong words stand in it, but the recogniser alone is not sure enough"),
        asks=("complaint", "dismiss"),
        evidence=case.evidence,
        quote=case.latest or case.story,
    )
    owner = playbook.owner_of(case.owner)
    asked = OwnerNudged(at=now, matter=matter, whom=owner.id, why="is it a complaint?")
    return [asked, write.desk(LetterKind.OPENED, case, playbook, now, brief, owner)]


def _who_heard(case: Case) -> str:
    return (
        msg("the recogniser is sure that it is a complaint; say whether it is right")
        if case.by_machine
        else msg("somebody tagged it as a complaint")
    )


def _standing(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Promise]:
    first = max((promise.n for promise in case.promises), default=0) + 1
    return [_promise(n, step, case, playbook, write, now) for n, step in enumerate(playbook.steps, first)]


def _promise(
    n: int, step: NextStep, case: Case, playbook: Playbook, write: LetterRenderer, now: datetime
) -> Promise:
    told = playbook.calendar.after(now, step.within)
    due = playbook.calendar.before(told, step.margin) if step.margin else told
    text = step.text_in(case.language or playbook.language or playbook.company.locale)
    return Promise(
        n=n,
        text=write.phrase(text, case, playbook),
        kind=step.kind,
        promised_by=told,
        internal_deadline=max(due, now),
        source="playbook",
        owner=case.owner,
        made_at=now,
    )
