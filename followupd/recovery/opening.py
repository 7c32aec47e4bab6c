"""The opening: a case for a complaint, the playbook's standing next steps, and a mail to the owner."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
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
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, Person, Verdict
from followupd.domain.playbook import NextStep, Playbook
from followupd.domain.promise import Promise
from followupd.domain.translatable import msg
from followupd.languages import catalogue
from followupd.languages.patterns import verbatim
from followupd.text.names import signed_by

#: addresses of web forms and shops, whose mail is not read by a person
_FORM = re.compile(verbatim(catalogue().mail_clients.unread.forms), re.IGNORECASE)
#: as much of the customer's text as a desk mail shows
STORY_CHARACTERS = 2000
#: the decisions about a case that a machine opened
_VERDICTS = ("complaint", "dismiss")


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
    """Return the first event of a case for this mail.

    The customer is the sender of the mail, or of the one that an agent forwards.
    """
    forwarded_from = message.forwarded_from if message.kind is Kind.AGENT else None
    return CaseOpened(
        at=now,
        by=by,
        why=why,
        ref=ref,
        mailbox=mailbox,
        customer=forwarded_from or _customer(message),
        subject=message.subject,
        playbook=playbook.name,
        owner=playbook.owner_of(playbook.owner).id,
        severity=severity,
        language=language,
        message_id=message.message_id,
        references=message.thread,
        no_answer=message.no_answer,
        facts=facts,
        story=customer_text(message)[:STORY_CHARACTERS],
        suggested=suggested,
        signed_by=signed_by(f"{customer_text(message)}\n{message.signature}"),
    )


def customer_text(message: Message) -> str:
    """Return the new text of a mail, or the forwarded one when the forwarding person wrote nothing."""
    if message.text or not message.forwarded_from:
        return message.text
    return message.quoted


def choose_playbook(
    message: Message,
    playbooks: Mapping[str, Playbook],
    cues: frozenset[str],
    found: Callable[[str, str], bool],
) -> Playbook:
    """Return the playbook with the most of its words, and then of its cues, in the mail.

    When no playbook has any, it is `default` (practice 11).

    `found(pattern, text)` says whether a word of a playbook is in a text.
    """
    text = f"{message.subject}\n{customer_text(message)}"
    best, best_score = playbooks["default"], (0, 0)

    for playbook in playbooks.values():
        words = sum(found(word, text) for word in playbook.words)
        score = (words, len(playbook.cues & cues))
        if score > best_score:
            best, best_score = playbook, score
    return best


def classified(verdict: Verdict, now: datetime, *, urgent: bool = False) -> Event:
    """Return the event that follows from the recogniser's verdict; `urgent` asks an agent at once."""
    if verdict.verdict == "complaint":
        return ComplaintHeard(
            at=now,
            why=verdict.because or "the recogniser is sure",
            score=verdict.score,
            evidence=verdict.evidence,
            by_machine=True,
        )
    return ComplaintSuspected(
        at=now,
        why=verdict.because or "the recogniser is not sure; an agent decides",
        score=verdict.score,
        evidence=verdict.evidence,
        urgent=urgent,
    )


def next_due(_case: Case, _playbook: Playbook) -> datetime | None:
    """Return None: what follows the opening happens at once."""
    return None


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Promise the standing next steps of a new complaint and tell its owner, once.

    Of an urgent suspicion the owner is asked at once.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.stage is Stage.SUSPECTED:
        return _ask_urgently(case, playbook, write, now)
    if case.stage is not Stage.HEARD or _owner_knows(case):
        return []

    made: list[PromiseMade] = []
    if not case.promises:
        why = f"standing step of playbook {playbook.name}"
        promises = _standing_promises(case, playbook, write, now)
        made = [PromiseMade(at=now, why=why, promise=promise) for promise in promises]

    content = replace(_content(case), promises=tuple(event.promise for event in made))
    owner = playbook.owner_of(case.owner)
    return [*made, write.desk(LetterKind.OPENED, case, playbook, now, content, owner)]


def _owner_knows(case: Case) -> bool:
    """Return whether the owner was told of the complaint.

    The question about a suspicion is the same kind of mail.
    """
    questions = case.reminders_of(ReminderKind.SUSPECTED)
    return len(case.letters_of(LetterKind.OPENED)) > len(questions)


def _content(case: Case) -> LetterContent:
    """Return what the owner is told of a new complaint."""
    suggested = tuple(f"{name}: {text}" for name, text in case.suggested)
    if not case.by_machine:
        because = msg("somebody tagged it as a complaint")
        return LetterContent(because=because, evidence=case.evidence, quote=case.story, asks=suggested)

    problems: tuple[str, ...] = ()
    if case.no_answer:
        problems = (msg("No confirmation leaves by machine: {why}.", why=case.no_answer),)
    return LetterContent(
        because=msg("the recogniser is sure that it is a complaint; say whether it is right"),
        evidence=case.evidence,
        quote=case.story,
        asks=(*_VERDICTS, *suggested),
        problems=problems,
    )


def _ask_urgently(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner about a suspicion with strong cues at once, without waiting for the digest."""
    key = ReminderKey(ReminderKind.SUSPECTED, at=case.suspected_at)
    if not case.urgent or case.held or case.reminded_at(key):
        return []

    content = LetterContent(
        because=msg("strong words stand in it, but the recogniser alone is not sure enough"),
        asks=_VERDICTS,
        evidence=case.evidence,
        quote=case.latest or case.story,
    )
    owner = playbook.owner_of(case.owner)
    asked = OwnerNudged(at=now, matter=str(key), whom=owner.id, why="is it a complaint?")
    return [asked, write.desk(LetterKind.OPENED, case, playbook, now, content, owner)]


def _customer(message: Message) -> Person:
    """Return whom the case is about: the sender, or the Reply-To of a form that writes for a customer.

    A Reply-To in another domain than the sender's is ignored, since phishing uses it to divert answers.
    """
    sender, reply_to = message.sender, message.reply_to
    if reply_to is None or not reply_to.address:
        return sender
    if _FORM.match(sender.address):
        return reply_to

    same_domain = _domain(reply_to) == _domain(sender)
    return Person(reply_to.address, sender.name) if same_domain else sender


def _domain(person: Person) -> str:
    """Return the domain of a person's mail address."""
    return person.address.rpartition("@")[2]


def _standing_promises(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Promise]:
    """Return the playbook's next steps as promises of this case, in its language."""
    language = case.language or playbook.language or playbook.company.locale
    promises = []

    for n, step in enumerate(playbook.steps, case.next_promise):
        text = write.phrase(step.text_in(language), case, playbook)
        promises.append(_standing_promise(n, text, step, case, playbook, now))
    return promises


def _standing_promise(
    n: int, text: str, step: NextStep, case: Case, playbook: Playbook, now: datetime
) -> Promise:
    """Return a next step as promise `n`.

    Our own deadline is earlier by the step's margin, but not in the past.
    """
    promised_by = playbook.calendar.after(now, step.within)
    deadline = playbook.calendar.before(promised_by, step.margin) if step.margin else promised_by

    return Promise(
        n=n,
        text=text,
        kind=step.kind,
        promised_by=promised_by,
        internal_deadline=max(deadline, now),
        source="playbook",
        owner=case.owner,
        made_at=now,
    )
