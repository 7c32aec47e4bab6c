"""What keeps the follow-up, or a letter that waits in the outbox, from being sent (practice 56)."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followupd.domain.calendar import Duration, day_and_time, has_come
from followupd.domain.case import NO_COMPLAINT, WORKING, Case, Fault, Recurrence, Stage, numbers
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import AgendaItem, Decision, LetterContent, LetterRenderer, stated
from followupd.domain.events import OwnerNudged
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import CUSTOMER_LETTERS, FOLLOW_UP_FACTS, Letter, LetterKind, LetterRecordState
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.domain.translatable import Translatable, msg, msgid
from followupd.text.wording.facts import is_stub

#: states of a grant that the customer still waits for, and the line with which an agent settles it
_TO_GIVE = {
    GrantState.PROPOSED: "approve",
    GrantState.WAITING_APPROVAL: "approve",
    GrantState.GRANTED: "issued: {n}",
    GrantState.MISSING: "issued: {n}",
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why the follow-up is not sent.

    `name` identifies it, `sentence` says it to agents. `ask` is the line with which an agent removes it, ""
    when there is none, and `other` another line that does so too.
    """

    name: str
    sentence: str
    ask: str = ""
    other: str = ""


def blockers_of(case: Case, playbook: Playbook) -> tuple[Blocker, ...]:
    """Return everything that keeps the follow-up from being sent, in the order in which agents see it.

    Args:
        case: the case.
        playbook: the playbook of the case, which says what is usual for the trouble.
    """
    return (
        *_interruptions(case),
        *_promises(case),
        *_options(case),
        *_grants(case),
        *gifts(case, playbook),
        *_facts(case),
        *_again(case),
        *_letters(case),
    )


def awaited_from(case: Case, playbook: Playbook) -> datetime | None:
    """Return from when on the customer waits for a word of ours, None while nobody waits.

    What was put right has its follow-up; where something keeps that back, the customer waits from its day on.

    Args:
        case: the case.
        playbook: the playbook of the case.
    """
    if case.stage in WORKING:
        return case.we_wrote_at or case.heard_at
    if case.fixed_at and _is_kept_back(case, playbook):
        return playbook.follow_up_due(case.fixed_at, case.away_until)
    return None


def _is_kept_back(case: Case, playbook: Playbook) -> bool:
    """Whether something keeps the follow-up back; one in doubt may have reached the customer."""
    if case.stage is not Stage.FIXED or case.under_way(LetterKind.FOLLOW_UP):
        return False
    return bool(blockers_of(case, playbook))


def asks(blockers: Iterable[Blocker]) -> tuple[str, ...]:
    """Return the lines with which an agent removes these blockers, each line once."""
    lines: list[str] = []
    for blocker in blockers:
        lines += [blocker.ask, blocker.other]

    return tuple(dict.fromkeys(filter(None, lines)))


def still_to_give(grant: Compensation) -> bool:
    """Return whether the customer still waits for this grant."""
    return grant.state in _TO_GIVE


def _interruptions(case: Case) -> list[Blocker]:
    """Return what stops the case as a whole.

    That is a hold, a mail without an answer, or a customer who was not reached.
    """
    found = []

    if case.held:
        sentence = msg("the case is held")
        if case.held_because:
            sentence = msg("the case is held: {why}", why=case.held_because)
        found.append(Blocker(name="held", sentence=sentence, ask="release"))

    if case.unanswered and case.fixed_at:
        sentence = msg("the customer has written since it was called fixed")
        found.append(
            Blocker(
                name="unanswered",
                sentence=sentence,
                ask="fixed",
            )
        )

    for address in case.set_aside:
        found.append(
            Blocker(
                name=f"set-aside-{address}",
                sentence=msg("{who}, who takes no part in the case, has written about it", who=address),
                ask=f"customer: {address}",
                other="fixed",
            )
        )

    if case.not_reached:
        sentence = msg("the customer was not reached: {why}", why=case.not_reached)
        found.append(
            Blocker(
                name="not-reached",
                sentence=sentence,
                ask="reached",
            )
        )

    return found


def _promises(case: Case) -> list[Blocker]:
    """Return the promises that are not kept, then the ones that were read in a reply and not approved."""
    found = []

    for promise in case.owed:
        sentence = msg("{promise} is {state}", promise=promise.named, state=msg(promise.state))
        found.append(
            Blocker(
                name=f"promise-{promise.n}",
                sentence=sentence,
                ask=f"kept: {promise.n}",
            )
        )

    for promise in case.untold:
        sentence = msg(
            "{promise} was withdrawn, and the customer does not know it yet", promise=promise.named
        )
        found.append(Blocker(name=f"withdrawn-{promise.n}", sentence=sentence))

    for promise in case.proposed:
        pattern = msgid("{promise} was read in a reply, and nobody has said yet whether it holds")
        sentence = msg(pattern, promise=promise.named)
        found.append(
            Blocker(
                name=f"proposed-{promise.n}",
                sentence=sentence,
                ask="approve",
            )
        )

    return found


def _options(case: Case) -> list[Blocker]:
    """Return the open options: each must be chosen or withdrawn, because the customer may still choose it."""
    found = []

    for option in case.open_options:
        sentence = msg("{option} is open, and nobody has chosen", option=option.named)
        withdraw = f"withdraw-option: {option.n} because ..."
        found.append(
            Blocker(
                name=f"option-{option.n}",
                sentence=sentence,
                ask=f"choose: {option.n}",
                other=withdraw,
            )
        )

    return found


def _grants(case: Case) -> list[Blocker]:
    """Return the compensation that is not given yet.

    A gift card is sent after the follow-up and does not count.
    """
    found = []
    pattern = msgid("{grant} (number {n}) is {state}, not issued")

    for grant in case.compensation:
        if still_to_give(grant) and grant.kind is not Gift.GIFT_CARD:
            sentence = msg(pattern, grant=grant.named, n=grant.n, state=msg(grant.state))
            line = _TO_GIVE[grant.state].format(n=grant.n)
            found.append(
                Blocker(
                    name=f"grant-{grant.n}",
                    sentence=sentence,
                    ask=line,
                )
            )

    return found


def gifts(case: Case, playbook: Playbook) -> list[Blocker]:
    """Return that something is given for the trouble, or a reason for nothing, before the follow-up or the close.

    That is what the playbook calls usual, and something at least after a second recent complaint.
    """
    usual = gesture_blocker(case, playbook)
    if usual is not None:
        return [usual]
    if not case.again or _is_gift_settled(case):
        return []

    sentence = msg("it is a second complaint, and nothing is given for the trouble")
    return [Blocker(name="gift", sentence=sentence, ask="gift-card: ", other="no-gift: ")]


def _is_gift_settled(case: Case) -> bool:
    """Return whether something is given for the trouble, or a lead has said why nothing is.

    A proposal counts, a refused grant does not.
    """
    given = any(grant.state is not GrantState.REFUSED for grant in case.compensation)
    return given or bool(case.facts.no_gift)


def gesture_blocker(case: Case, playbook: Playbook) -> Blocker | None:
    """Return that something is usual for the trouble and neither given nor refused with a reason (practice 43).

    Args:
        case: the case.
        playbook: which says what is usual.
    """
    usual = playbook.usual_gesture(case)
    if usual is None or _is_gift_settled(case):
        return None

    sentence = msg("a gift card of {amount} would be usual for the trouble", amount=usual)
    return Blocker(name="gift", sentence=sentence, ask=f"gift-card: {usual}", other="no-gift: ")


def _facts(case: Case) -> list[Blocker]:
    """Return the facts that the follow-up needs and that are not known, or say nothing ("done", "n/a").

    The fault is settled too, since the apology depends on it (practices 36 and 37).
    """
    return [
        Blocker(
            name=name,
            sentence=msg("the {fact} is not known yet", fact=msg(name)),
            ask=f"{name}: ",
        )
        for name in FOLLOW_UP_FACTS
        if _is_missing(name, case)
    ] + [*_of_another_day(case), *_fault(case)]


def _of_another_day(case: Case) -> Iterator[Blocker]:
    """Give the facts that are true on the day only on which they were stated ("this morning").

    Args:
        case: the case.
    """
    for name, text, draft in case.returned:
        if getattr(case.facts, name) == text and text not in case.insisted:
            sentence = msg(
                "the {fact} is right on the day of the line only, and the letter leaves later", fact=msg(name)
            )
            yield Blocker(f"moment-{name}", sentence, ask=f"{name}: {draft}")


def _again(case: Case) -> list[Blocker]:
    """Return that the cause came back and nobody says what is different, and what we promised ourselves and owe."""
    found = []
    if case.came_back:
        found.append(Blocker("again", said_again(case.came_back), ask="prevention: "))

    for action in case.open_actions:
        sentence = msg("{action} is not done, and no letter says so before", action=action.named)
        found.append(Blocker(f"action-{action.n}", sentence, ask=f"kept: {action.n}"))
    return found


def said_again(recurrence: Recurrence) -> Translatable:
    """Return the sentence that says that a cause came back."""
    one = msgid(
        "we told a customer that {cause} would not happen again; this is case {nth} since. What is "
        "different now?"
    )
    several = msgid(
        "we told {told} customers that {cause} would not happen again; this is case {nth} since. What is "
        "different now?"
    )
    return msg(
        one if recurrence.told == 1 else several,
        told=recurrence.told,
        cause=recurrence.cause,
        nth=recurrence.nth,
    )


def _fault(case: Case) -> list[Blocker]:
    """Return the question whose fault it was, with a proposal by the code of the cause."""
    if case.facts.fault is not Fault.UNKNOWN or Fault.UNKNOWN in case.insisted:
        return []

    proposed = _FAULT_OF_CAUSE.get(case.facts.text("cause_code"), Fault.OURS)
    sentence = msg("nobody has said yet whose fault it was: ours, shared or not-ours")
    return [Blocker(name="fault", sentence=sentence, ask=f"fault: {proposed}")]


#: what the causes of the shipped playbook mostly mean; for every other one the fault is taken to be ours
_FAULT_OF_CAUSE = {"carrier": Fault.SHARED}


def _is_missing(name: str, case: Case) -> bool:
    """Return whether a fact is not known; a text that says nothing counts only where an agent insists."""
    text = case.facts.text(name)
    return text not in case.insisted and is_stub(text)


def _letters(case: Case) -> list[Blocker]:
    """Return the letters to the customer that are in review or in doubt.

    There is no line that settles a doubt.
    """
    found = []

    for record in case.letters:
        if record.kind not in CUSTOMER_LETTERS:
            continue

        name = f"letter-{record.key}"
        if record.state is LetterRecordState.DOUBT:
            found.append(Blocker(name, msg("nobody knows whether {key} left", key=record.key)))
        elif record.state is LetterRecordState.REVIEW:
            sentence = msg("{key} waits for an agent's approval", key=record.key)
            found.append(
                Blocker(
                    name=name,
                    sentence=sentence,
                    ask="approve",
                )
            )

    return found


# --- letters that their owner reads before they leave ---

#: how long before it leaves the owner is shown a letter that no digest has shown
SHOWN_BEFORE = Duration(1, "business hour")
#: what a follow-up repeats of the facts
_IN_FOLLOW_UP = ("issue", "impact", *FOLLOW_UP_FACTS, "fault")
#: under which it is stored that the mail about a complaint has shown the first letter
FIRST_SHOWN = ReminderKey(ReminderKind.SHOWN, about="first")


def shown_key(kind: LetterKind, case: Case) -> ReminderKey | None:
    """Return the key under which it is stored that the owner has read a letter, None if it needs no reading.

    The key depends on the words that the letter would repeat: one with other words is shown again. Where the mail
    about the complaint has shown the first letter, a line that an agent adds to it is no such word; what was
    read in a reply is.
    """
    words = _WORDS_OF[kind](case)
    if not words:
        return None

    mark = hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
    return ReminderKey(ReminderKind.SHOWN, about=f"{kind} {mark}")


def shown_at(kind: LetterKind, case: Case) -> datetime | None:
    """Return when the owner was shown a letter as it would leave now, None where it was not or needs no reading."""
    key = shown_key(kind, case)
    return case.reminded_at(key) if key else None


def unread_key(kind: LetterKind, case: Case) -> ReminderKey | None:
    """Return the key of a letter that its owner has to read before it leaves, None if there is none."""
    key = shown_key(kind, case)
    return None if key is None or case.reminded_at(key) else key


def _follow_up_words(case: Case) -> list[str]:
    """Return what the follow-up would repeat: facts, and what was given."""
    facts = [f"{name}: {case.facts.text(name)}" for name in _IN_FOLLOW_UP]
    return facts + list(map(_grant_words, case.compensation))


def _confirmation_words(case: Case) -> list[str]:
    """Return what the confirmation would repeat and nobody has seen in a letter: promises, options and gifts.

    The words of the first one that the owner has seen are those that were read in a reply. Where no letter leaves
    by machine, the mail about the complaint showed none: what leaves is what the owner adds.
    """
    is_told = bool(case.no_answer and case.letters_of(LetterKind.OPENED))
    is_known = (is_told or case.reminded_at(FIRST_SHOWN)) and not case.letters_of(LetterKind.CONFIRMATION)

    # those of options a letter has offered
    promises = [promise for promise in case.unwritten if promise.source != "options"]
    grants = [grant for grant in case.grants_in(GrantState.GRANTED) if grant.kind is not Gift.GIFT_CARD]
    if is_known:
        promises = [promise for promise in promises if promise.source == "reply"]
        grants = [grant for grant in grants if grant.source == "reply"]

    options = [] if is_known else [f"{option.text} {option.promised_by}" for option in case.unasked]
    return [*map(_promise_words, promises), *options, *map(_grant_words, grants)]


def _delay_words(case: Case) -> list[str]:
    """Return what a letter about late and withdrawn promises would repeat."""
    late = [promise for promise in case.promises_in(PromiseState.LATE) if not promise.confirmed]
    return [f"{_promise_words(promise)} {promise.because}" for promise in (*case.untold, *late)]


def _holding_words(case: Case) -> list[str]:
    """Return what a holding letter would repeat: the promises whose date was missed."""
    return [f"holding since {case.we_wrote_at or case.heard_at}", *map(_promise_words, case.owed)]


def _promise_words(promise: Promise) -> str:
    """Return what a letter says of a promise."""
    return f"{promise.text} {promise.relation} {promise.since} {promise.promised_by}"


def _grant_words(grant: Compensation) -> str:
    """Return what a letter says of a grant."""
    return f"{grant.kind} {grant.money} {grant.text} {grant.state}"


_WORDS_OF: dict[LetterKind, Callable[[Case], list[str]]] = {
    LetterKind.CONFIRMATION: _confirmation_words,
    LetterKind.DELAY: _delay_words,
    LetterKind.HOLDING: _holding_words,
    LetterKind.FOLLOW_UP: _follow_up_words,
}


def showing(
    key: ReminderKey,
    letter: Letter,
    leaves_at: datetime,
    case: Case,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
) -> list[Decision]:
    """Return the mail that shows the owner a letter before it leaves, and the event that it was shown.

    Args:
        key: under which it is stored.
        letter: as it would leave now.
        leaves_at: when it leaves, if nobody says anything.
        case: the case of the letter.
        playbook: the playbook of the case.
        write: writes the mail.
        now: the time of the cycle, in UTC.
    """
    because = leaving(letter, leaves_at, case, playbook)
    content = LetterContent(because=because, letter=letter.unwrapped)
    told = OwnerNudged(at=now, matter=str(key), why=because)
    owner = playbook.owner_of(case.owner)
    return [told, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]


def to_read(
    key: ReminderKey,
    letter: Letter,
    leaves_at: datetime,
    case: Case,
    playbook: Playbook,
    since: datetime | None = None,
) -> AgendaItem:
    """Return a letter with the day on which it leaves, for the digest of its owner.

    Args:
        key: under which it is stored that the letter was shown.
        letter: as it would leave now.
        leaves_at: when it leaves, if nobody says anything.
        case: the case of the letter.
        playbook: the playbook of the case.
        since: from when on its owner could have read it; the opening of the case by default.
    """
    what = leaving(letter, leaves_at, case, playbook)
    return AgendaItem(case, what, since or case.opened_at, matters=(str(key),), letter=letter.unwrapped)


def leaving(letter: Letter, leaves_at: datetime, case: Case, playbook: Playbook) -> str:
    """Return the sentence that says which letter leaves, when, and what stops it."""
    return msg(
        "the letter to {who} ({letter}) leaves on {when}: answer `hold`, a better line, or nothing",
        letter=msg(letter.kind),
        who=case.customer.shown,
        when=day_and_time(leaves_at, playbook.calendar),
    )


# --- letters about late and withdrawn promises ---


def delay_due(case: Case, playbook: Playbook) -> datetime | None:
    """Return when the next letter about late promises may be written: one a day, and none after a date has passed.

    Returns:
        The opening of the office on the day after the last one, in UTC. None means at once: there was no
        letter yet, or a date that the customer knows would pass before.
    """
    sent = [
        record.at for record in case.letters_of(LetterKind.DELAY) if record.state is LetterRecordState.SENT
    ]
    return morning_after(max(sent), case, playbook) if sent else None


def morning_after(last: datetime, case: Case, playbook: Playbook) -> datetime | None:
    """Return when the customer may hear of late promises again, None for at once.

    Args:
        last: when the customer had the last letter about late promises, in this case or in another one.
        case: the case with the late promises.
        playbook: whose office opens in the morning.

    Returns:
        The opening of the office on the next day, in UTC; None if a date that the customer knows would pass before.
    """
    calendar = playbook.calendar
    tomorrow = calendar.local(last).date() + timedelta(days=1)
    morning = calendar.next_open(calendar.moment(tomorrow, calendar.open))

    dates = [promise.told_before for promise in late_promises(case)]
    dates += [promise.promised_by for promise in case.untold]
    first = min(filter(None, dates), default=None)
    return None if has_come(first, morning) else morning


def delay_letter(
    case: Case, late: tuple[Promise, ...], playbook: Playbook, write: LetterRenderer, now: datetime
) -> Letter:
    """Return one letter for all late and withdrawn promises: bad news is told early (practice 26).

    Args:
        case: the case.
        late: the promises that the letter is about; their first reason and their first new date are in it.
        playbook: the playbook of the case.
        write: writes the letter.
        now: the time of the cycle, in UTC.
    """
    moved = [promise.promised_by for promise in late if promise.state is PromiseState.LATE]
    content = LetterContent(
        promises=late,
        because=next((promise.because for promise in late if promise.because), ""),
        until=moved[0] if moved else None,
        automatic=False,
    )
    letter = write.letter(LetterKind.DELAY, case, playbook, now, content)
    return replace(letter, concerns=tuple(numbers(late)))


def late_promises(case: Case) -> tuple[Promise, ...]:
    """Return the promises with a new date that is not in writing."""
    late = case.promises_in(PromiseState.LATE)
    return tuple(promise for promise in late if not promise.confirmed)


def passes(case: Case, since: datetime, until: datetime) -> bool:
    """Return whether a date that the customer knows of a late promise passes between these times."""
    dates = [promise.told_before for promise in late_promises(case)]
    return any(date and since <= date <= until for date in dates)


def delay_to_read(case: Case, playbook: Playbook, write: LetterRenderer, now: datetime) -> AgendaItem | None:
    """Return the letter about late and withdrawn promises that its owner has to read before it leaves.

    Args:
        case: the case.
        playbook: which says whether the owner reads letters first.
        write: writes the letter.
        now: the time of the cycle, in UTC.

    Returns:
        None if there is none, or it was read, or a date that the customer knows would pass meanwhile.

    Raises:
        LetterError: the letter cannot be written.
    """
    changed, key = (*case.untold, *late_promises(case)), unread_key(LetterKind.DELAY, case)
    must_wait = case.held or case.not_reached or case.under_way(LetterKind.DELAY)
    if not changed or key is None or must_wait or not playbook.confirm_show:
        return None

    leaves_at = playbook.calendar.after(now, playbook.confirm_after)
    if not has_come(delay_due(case, playbook) or now, now) or passes(case, now, leaves_at):
        return None

    letter = delay_letter(case, changed, playbook, write, now)
    return to_read(key, letter, leaves_at, case, playbook)


#: stages in which a letter of this kind is still true; the other kinds are in every stage of a complaint
_TRUE_IN: dict[LetterKind, Collection[Stage]] = {
    LetterKind.FOLLOW_UP: {Stage.FIXED},
    LetterKind.HOLDING: WORKING | {Stage.FIXED},
    LetterKind.DELAY: set(Stage) - {Stage.CLOSED},
}
#: states of a gift in which a letter that names it is true
_GIVEN = frozenset({GrantState.GRANTED, GrantState.ISSUED, GrantState.CONFIRMED, GrantState.MISSING})
#: kinds of letters that put promises in writing, and become untrue when a promise changes
_ABOUT_PROMISES = frozenset({LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.HOLDING})


def why_untrue(letter: Letter, case: Case, playbook: Playbook) -> str:
    """Return why a letter in review says what is not true any more, "" while it may be approved.

    What keeps a follow-up back is looked at when it is approved: its own review is among that.

    Args:
        letter: as it was written.
        case: as it is now.
        playbook: the playbook of the case.
    """
    why = _changed_stage(letter, case, playbook) or _changed_words(letter, case)
    return why or _changed_promise(letter, case)


def why_stale(letter: Letter, case: Case, playbook: Playbook, now: datetime) -> str:
    """Return why a letter in the outbox must not be sent any more, "" while it may.

    Quiet hours, quotas and retries can delay a letter for hours, in which what it says may have become
    untrue.

    Args:
        letter: as it was written.
        case: as it is now.
        playbook: the playbook of the case.
        now: the time of the cycle, in UTC.
    """
    if has_come(letter.good_until, now):
        return "what it hands over has expired"

    if letter.kind is LetterKind.GIFT_CARD:
        return _changed_grant(letter, case)
    return _changed_stage(letter, case, playbook) or _changed_content(letter, case, playbook)


def _changed_stage(letter: Letter, case: Case, playbook: Playbook) -> str:
    """Return why a letter of this kind is not true in the stage of the case, "" where it is.

    A holding letter says that we still work on it. After the fix that is true only while something keeps the
    follow-up back.
    """
    if case.stage in NO_COMPLAINT:
        return f"the case is {case.stage}: an agent said that it is no complaint"

    is_told_after_fix = letter.kind is LetterKind.HOLDING and case.stage is Stage.FIXED
    is_over = is_told_after_fix and not _is_kept_back(case, playbook)
    if is_over or case.stage not in _TRUE_IN.get(letter.kind, set(Stage)):
        return f"the case is {case.stage}"
    return ""


def _changed_content(letter: Letter, case: Case, playbook: Playbook) -> str:
    """Return what a letter says that is not true any more, "" while all of it is.

    A follow-up waits for everything that would keep it from being written today.
    """
    if letter.kind is LetterKind.FOLLOW_UP:
        return next((blocker.sentence for blocker in blockers_of(case, playbook)), "")
    return _changed_promise(letter, case) or _changed_words(letter, case)


def _changed_words(letter: Letter, case: Case) -> str:
    """Return which promise or gift is another one than the letter says, or is not given any more, "" for none.

    Of a letter that an agent has changed nobody knows what it says of them.

    Args:
        letter: as it was written.
        case: as it is now.
    """
    known = stated(case.promises, case.grants_in(*_GIVEN))
    changed = (line.partition(":")[0] for line in letter.stated if line not in known)
    return "" if letter.written else next((f"{name} changed meanwhile" for name in changed), "")


def _changed_grant(letter: Letter, case: Case) -> str:
    """Return why the letter of a gift card must not be sent: its grant was refused, or does not exist."""
    granted = numbers(case.grants_in(GrantState.GRANTED))
    concerned = letter.concerns[:1]

    if concerned and concerned[0] in granted:
        return ""
    return "the gift card is not granted any more"


def _changed_promise(letter: Letter, case: Case) -> str:
    """Return what changed since the letter was written, "" for nothing and for a letter about no promises.

    A promise may be settled, or in writing already; an option may be chosen or withdrawn.

    Args:
        letter: as it was written.
        case: as it is now.
    """
    if letter.kind not in _ABOUT_PROMISES:
        return ""

    to_confirm = [promise.n for promise in case.owed if not promise.confirmed]
    to_confirm += numbers(case.untold)
    for n in letter.concerns:
        if n not in to_confirm:
            return f"promise {n} changed meanwhile"

    offered = [option for option in case.options if option.letter == letter.key]
    if not set(offered) <= set(case.open_options):
        return "the options changed meanwhile"
    return ""
