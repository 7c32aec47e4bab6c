"""The opening: a case for a complaint, the playbook's standing next steps, and a mail to the owner."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from followupd.domain import lifecycle
from followupd.domain.calendar import has_come
from followupd.domain.case import Case, Facts, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer, confirmation_content
from followupd.domain.events import (
    CaseOpened,
    ComplaintHeard,
    ComplaintSuspected,
    Event,
    MailSetAside,
    OwnerNudged,
    PromiseMade,
)
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Kind, Message, Verdict
from followupd.domain.playbook import NextStep, Playbook
from followupd.domain.promise import Promise
from followupd.domain.translatable import msg
from followupd.errors import LetterError
from followupd.recovery.blockers import FIRST_SHOWN, gesture_blocker
from followupd.text.names import signed_by, within_frame

#: as much of the customer's text as a desk mail shows
STORY_CHARACTERS = 2000
#: time after the quiet window in which the letter to be reviewed is written
_FOR_REVIEW = timedelta(minutes=5)
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
    danger: bool = False,
    language: str = "",
    suggested: tuple[tuple[str, str], ...] = (),
    by: str = "followupd",
    why: str = "",
) -> CaseOpened:
    """Return the first event of a case for this mail.

    The customer is the sender of the mail, or of the one that an agent forwards.

    Args:
        message: the mail; letters answer it unless `no_answer` says why none may.
        ref: the reference of the new case.
        mailbox: the name of the mailbox that got the mail, and that sends the letters.
        playbook: which names the first owner.
        now: the time of the cycle.
        facts: what is known of the case already.
        severity: low, normal or high.
        danger: whether words of the mail say that somebody's health or safety is at stake.
        language: the language of the mail, "" where it is not certain: then the playbook's is used.
        suggested: facts in the customer's words by name, which an agent confirms.
        by: who or what opens it.
        why: what opens it, for the history.
    """
    forwarded_from = message.forwarded_from if message.kind is Kind.AGENT else None
    candidates = tuple(person.address for person in (message.sender, message.reply_to) if person)
    return CaseOpened(
        at=now,
        by=by,
        why=why,
        ref=ref,
        mailbox=mailbox,
        customer=forwarded_from or message.sender,
        subject=message.subject,
        playbook=playbook.name,
        owner=playbook.owner_of(playbook.owner).id,
        severity=severity,
        danger=danger,
        language=language,
        message_id=message.message_id,
        references=message.thread,
        no_answer=message.no_answer,
        facts=facts,
        story=shown_text(message),
        suggested=suggested,
        signed_by=signed_by(f"{customer_text(message)}\n{message.signature}"),
        candidates=tuple(dict.fromkeys(candidates)) if message.unsure_of else (),
        attachments=message.attachments,
    )


def customer_text(message: Message) -> str:
    """Return the customer's new words: those of the forwarded mail where one of us, or the customer, forwards it.

    Args:
        message: the mail. Where customers forward a mail of theirs, their words above it come first; a mail
            of somebody else's below words of the sender does not count.

    Returns:
        Without what a marketplace says around them.
    """
    return within_frame(_own_words(message))


def _own_words(message: Message) -> str:
    """Return the new words of a mail, or those of the mail that it forwards."""
    forwarded_from = message.forwarded_from
    if forwarded_from is None or not message.forwarded_text:
        return message.text

    if message.kind is Kind.AGENT or message.via is not None:
        return message.forwarded_text
    if message.text and forwarded_from.address != message.sender.address:
        return message.text
    return "\n\n".join(filter(None, (message.text, message.forwarded_text)))


def shown_text(message: Message) -> str:
    """Return what agents are shown of a mail: what it quotes where it has no words of its own."""
    return (customer_text(message) or message.quoted)[:STORY_CHARACTERS]


def choose_playbook(
    message: Message,
    playbooks: Mapping[str, Playbook],
    cues: frozenset[str],
    found: Callable[[str, str], bool],
) -> Playbook:
    """Return the playbook with the most of its words, and then of its cues, in the mail.

    When no playbook has any, it is `default` (practice 11).

    Args:
        message: whose subject and customer's words are searched.
        playbooks: by name; of equally good ones the first counts.
        cues: the names of the cue groups that the recogniser found in the mail.
        found: whether a word of a playbook, the first argument, is in a text, the second one.
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
    """Return the event that follows from a verdict, complaint or suspected.

    Args:
        verdict: the verdict of the recogniser; its reason is in the history, or a general one where it gives none.
        now: the time of the cycle, in UTC.
        urgent: whether an agent is asked about a suspicion at once, and not in the digest.
    """
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


def colleague_wrote(
    case: Case, message: Message, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Show the owner a mail that a colleague wrote about the case, since it is not from the customer.

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The event that the owner was told, under a key with the time, so that each mail is shown; then the
        mail.

    Raises:
        LetterError: the letter cannot be written.
    """
    because = msg("{who}, a colleague, has written about the case", who=message.sender.address)
    key = ReminderKey(ReminderKind.ANSWER, about=f"colleague {message.sender.address}", at=now)
    content = LetterContent(because=because, quote=shown_text(message))
    owner = playbook.owner_of(case.owner)
    told = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=because)
    return [told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]


def set_aside(
    case: Case, message: Message, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Tell the owner, once for each sender, of a mail about the case from somebody who takes no part in it.

    The follow-up waits until the owner responds.

    Args:
        case: the case.
        message: the mail, which is in quarantine; a sender without an address is told of as "nobody".
        playbook: the playbook of the case.
        write: writes the mail to the owner.
        now: the time of the cycle, in UTC.

    Returns:
        The event that blocks the follow-up, which each mail gets; with the first of a sender what tells the
        owner.

    Raises:
        LetterError: the letter cannot be written.
    """
    sender = message.sender
    who = sender.address or "nobody"
    aside = MailSetAside(at=now, by=who, why="the mail is in quarantine", address=who)
    key = ReminderKey(ReminderKind.ANSWER, about=f"aside {who}")
    if case.reminded_at(key):
        return [aside]

    because = msg("{who}, who takes no part in the case, has written about it", who=who)
    is_named = sender.name and sender.name.casefold() == case.customer.name.casefold()
    if is_named or sender.address == case.customer.address:
        because = msg("{who} has written about the case, under the customer's name", who=who)

    asks = (f"customer: {sender.address}",) if sender.address else ()
    content = LetterContent(because=because, quote=shown_text(message), asks=asks)
    owner = playbook.owner_of(case.owner)
    told = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=because)
    return [aside, told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]


def next_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the owner is told of a complaint at the latest, whose first letter is to be reviewed.

    Everything else that follows the opening happens at once.

    Returns:
        A time in UTC, which may have passed; None for a case of which the owner knows, or whose letters need
        no review.
    """
    if case.stage is not Stage.PROMISED or not playbook.confirm_review or owner_knows(case):
        return None
    return _told_by(case, playbook)


def decide(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Promise the standing next steps of a new complaint and tell its owner, once.

    Of an urgent suspicion the owner is asked at once.

    Args:
        case: the case.
        playbook: whose standing next steps are promised.
        write: writes the mail, and the sentences of the steps.
        now: the time of the cycle, in UTC.

    Returns:
        The promises, then the mail. Where letters are reviewed and something is promised, the promises alone:
        the mail about the review tells of the complaint too.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if case.stage is Stage.SUSPECTED:
        return _ask_urgently(case, playbook, write, now)
    if owner_knows(case):
        return []
    if case.stage is Stage.PROMISED and playbook.confirm_review:
        return _tell_late(case, playbook, write, now)
    if case.stage is not Stage.HEARD:
        return []

    made = _promised_at_once(case, playbook, write, now)
    if made and playbook.confirm_review:
        return [*made]

    content = opening_content(case)
    content = replace(
        content,
        problems=(*content.problems, *_usual_gesture(case, playbook)),
        promises=tuple(event.promise for event in made),
        letter=_first_letter(case, made, playbook, write, now),
    )
    owner = playbook.owner_of(case.owner)
    opened = write.desk(LetterKind.OPENED, case, playbook, now, content, owner)
    return [*made, *_first_shown(content, now), opened]


def _first_shown(content: LetterContent, now: datetime) -> list[Event]:
    """Return the event that a mail with this content shows the owner the first letter; none where it shows none."""
    if not content.letter:
        return []
    return [OwnerNudged(at=now, matter=str(FIRST_SHOWN), why="the first letter is shown before it leaves")]


def _usual_gesture(case: Case, playbook: Playbook) -> list[str]:
    """Return the sentence about what is usual for the trouble, with the lines that give or refuse it.

    Returns:
        One sentence; none where the playbook calls nothing usual, or the matter is settled.
    """
    usual = gesture_blocker(case, playbook)
    if usual is None:
        return []

    return [msg("{what}: `{line}`, or `no-gift: why`", what=usual.sentence, line=usual.ask)]


def _first_letter(
    case: Case, events: Iterable[Event], playbook: Playbook, write: LetterRenderer, now: datetime
) -> str:
    """Return the text of the confirmation as it leaves if the owner says nothing more, "" where none leaves.

    Args:
        case: the case.
        events: what happens to it before.
        playbook: the playbook of the case.
        write: writes the letter.
        now: the time of the cycle, in UTC.
    """
    for event in events:
        case = lifecycle.after(case, event)

    blocked = case.held or case.no_answer or case.not_reached
    if blocked or not case.unwritten or not playbook.confirm_show:
        return ""

    with suppress(LetterError):  # told when it is due
        content = confirmation_content(case)
        return write.letter(LetterKind.CONFIRMATION, case, playbook, now, content).text
    return ""


def _tell_late(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Tell the owner of a complaint whose first letter was to be reviewed, and is not written in time.

    The desk mail about the review tells of the complaint too, so that there is one mail and not two.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Returns:
        The mail; nothing before it is due, and nothing once anything but the standing next steps is promised,
        or one of them is settled.
    """
    standing = [promise for promise in case.owed if promise.source == "playbook"]
    if len(standing) != len(case.promises) or not has_come(_told_by(case, playbook), now):
        return []

    content = replace(opening_content(case), promises=tuple(standing))
    owner = playbook.owner_of(case.owner)
    return [write.desk(LetterKind.OPENED, case, playbook, now, content, owner)]


def _promised_at_once(
    case: Case, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[PromiseMade]:
    """Return the promises that follow from the playbook alone: its standing next steps.

    A case that has promises gets none, such as one that an agent opened with a promise of theirs. One that was
    opened again gets them again when nothing of what was promised before is owed any more.

    Args:
        case: the case.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.

    Raises:
        LetterError: the sentence of a step cannot be rendered.
    """
    if case.promises and not (case.reopened_at and not case.owed):
        return []

    why = f"standing step of playbook {playbook.name}"
    promises = _standing_promises(case, playbook, write, now)
    return [PromiseMade(at=now, why=why, promise=promise) for promise in promises]


def _told_by(case: Case, playbook: Playbook) -> datetime | None:
    """Return by when the owner knows of a complaint whose first letter is to be reviewed.

    That is the end of the quiet window, with some minutes for the letter; at once where no letter is written.

    Returns:
        A time in UTC, None where no complaint was heard yet.
    """
    if case.heard_at is None or case.held or case.no_answer or case.not_reached:
        return case.heard_at
    return playbook.calendar.after(case.heard_at, playbook.confirm_after) + _FOR_REVIEW


def owner_knows(case: Case) -> bool:
    """Return whether the owner was told of the complaint: by a mail of its own, or with a letter to review.

    The question about a suspicion is the same kind of mail as the first one.
    """
    since = case.reopened_at
    if since and case.heard_at == since:
        return any(record.at >= since for record in case.letters_of(LetterKind.OPENED))

    questions = case.reminders_of(ReminderKind.SUSPECTED)
    told = case.letters_of(LetterKind.OPENED)
    return len(told) > len(questions) or bool(case.letters_of(LetterKind.APPROVAL))


def opening_content(case: Case) -> LetterContent:
    """Return what the owner is told of a new complaint; the evidence is included only for a suspected one."""
    suggested = tuple(f"{name}: {text}" for name, text in case.suggested)
    because = msg("somebody called it a complaint")
    verdicts: tuple[str, ...] = ()
    if case.by_machine:
        because = msg("the recogniser is sure that it is a complaint")
        verdicts = _VERDICTS

    return LetterContent(
        because=because,
        quote=case.story,
        asks=(*verdicts, *_customers(case), *suggested),
        problems=_problems(case),
    )


def _suspicion_problems(case: Case) -> tuple[str, ...]:
    """Return what speaks against an answer, such as that our own server calls the mail spam."""
    if case.no_answer and not case.candidates:
        return (msg("No confirmation leaves by machine: {why}.", why=case.no_answer),)
    return _problems(case)


def _customers(case: Case) -> tuple[str, ...]:
    """Return the lines with which the owner says whose case it is, where that is not certain."""
    return tuple(f"customer: {address}" for address in case.candidates)


def _problems(case: Case) -> tuple[str, ...]:
    """Return why no letter leaves by machine, and which case was closed before."""
    found: list[str] = []
    if case.earlier:
        found.append(msg("The customer answered in the thread of {ref}, which is closed.", ref=case.earlier))
    if case.again:
        refs = ", ".join(case.complaints_before)
        found.append(msg("The customer complained before, in {refs}: call first.", refs=refs))
    if case.candidates:
        found.append(msg("No letter leaves until you say who the customer is: {why}.", why=case.held_because))
    elif case.by_machine and case.no_answer:
        found.append(msg("No confirmation leaves by machine: {why}.", why=case.no_answer))
    return tuple(found)


def _ask_urgently(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Decision]:
    """Ask the owner about a suspicion with strong cues at once, without waiting for the digest.

    The mail shows the confirmation as it would leave if it is a complaint.

    Args:
        case: a suspicion. One of which it is not certain who the customer is is asked about as well, even
            while it is held.
        playbook: the playbook of the case.
        write: writes the mail, and the letter in it.
        now: the time of the cycle, in UTC.
    """
    key = ReminderKey(ReminderKind.SUSPECTED, at=case.suspected_at)
    is_asked = case.candidates or (case.urgent and not case.held)
    if not is_asked or case.reminded_at(key):
        return []

    promises = _standing_promises(case, playbook, write, now)
    heard = [ComplaintHeard(at=now), *(PromiseMade(at=now, promise=promise) for promise in promises)]
    content = LetterContent(
        because=msg("strong words stand in it, but the recogniser alone is not sure enough"),
        letter=_first_letter(case, heard, playbook, write, now),
        asks=(*_VERDICTS, *_customers(case)),
        evidence=case.evidence,
        quote=case.newest_words,
        problems=_suspicion_problems(case),
    )
    owner = playbook.owner_of(case.owner)
    asked = OwnerNudged(at=now, matter=str(key), whom=owner.id, why="is it a complaint?")
    opened = write.desk(LetterKind.OPENED, case, playbook, now, content, owner)
    return [asked, *_first_shown(content, now), opened]


def _is_later(step: NextStep) -> bool:
    """Return whether a step comes after those for danger."""
    return not step.danger


def _standing_promises(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> list[Promise]:
    """Return the playbook's next steps as promises of this case, in its language.

    Args:
        case: in danger, or of a customer who complained before, it gets the steps for danger, and first.
        playbook: whose language counts where that of the case is not known, and at last the company's.
        write: renders the sentence of a step.
        now: the time from which the steps' dates count, in UTC.

    Raises:
        LetterError: the sentence of a step cannot be rendered.
    """
    language = playbook.language_for(case.language)
    steps = sorted(playbook.steps, key=_is_later)
    if not (case.in_danger or case.again):
        steps = list(filter(_is_later, steps))

    promises = []
    for n, step in enumerate(steps, case.next_promise):
        text = write.phrase(step.text_in(language), case, playbook)
        promises.append(_standing_promise(n, text, step, case, playbook, now))
    return promises


def _standing_promise(
    n: int, text: str, step: NextStep, case: Case, playbook: Playbook, now: datetime
) -> Promise:
    """Return a next step as promise `n`.

    Our own deadline is earlier by the step's margin, but not in the past.

    Args:
        n: its number in the case.
        text: the step's sentence, rendered in the language of the case.
        step: the next step; `within` and `margin` count business time where they say so.
        case: the case.
        playbook: whose calendar counts.
        now: the time from which the dates count, in UTC.
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
