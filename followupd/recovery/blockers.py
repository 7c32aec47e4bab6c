"""The gate before the follow-up: what a case still lacks, each with the line that an agent may answer (practice 56)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.letter import CUSTOMER_LETTERS, FOLLOW_UP_FACTS, Letter, LetterKind, LetterRecordState
from followupd.domain.promise import OptionState, PromiseState
from followupd.domain.translatable import msg

#: states of a grant in which the customer still waits for it
_STILL_TO_GIVE = frozenset(
    {GrantState.PROPOSED, GrantState.WAITING_APPROVAL, GrantState.GRANTED, GrantState.MISSING}
)


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that stands between the case and its follow-up. `ask` is the line an agent fills in, "" for none.

    `other` is another line that would do as well.
    """

    name: str
    sentence: str
    ask: str = ""
    other: str = ""


def blockers_of(case: Case) -> tuple[Blocker, ...]:
    """Return everything that keeps the follow-up from leaving, in the order in which people should see it."""
    return (*_stops(case), *_promises(case), *_options(case), *_grants(case), *_facts(case), *_letters(case))


def asks(missing: Iterable[Blocker]) -> tuple[str, ...]:
    """Return the lines that an agent may answer, each once."""
    return tuple(dict.fromkeys(line for lack in missing for line in (lack.ask, lack.other) if line))


def _stops(case: Case) -> list[Blocker]:
    found = []
    if case.held:
        found.append(
            Blocker(
                "held",
                msg("the case is held: {why}", why=case.held_because)
                if case.held_because
                else msg("the case is held"),
                "release",
            )
        )
    if case.unanswered and case.fixed_at:
        found.append(
            Blocker("unanswered", msg("the customer has written since it was called fixed"), "fixed")
        )
    if case.not_reached:
        found.append(
            Blocker(
                "not-reached", msg("the customer was not reached: {why}", why=case.not_reached), "reached"
            )
        )
    return found


def _promises(case: Case) -> list[Blocker]:
    found = [
        Blocker(
            f"promise-{p.n}", msg("{promise} is {state}", promise=p.named, state=msg(p.state)), f"kept: {p.n}"
        )
        for p in case.promises
        if p.owed
    ]
    proposed = [p for p in case.promises if p.state is PromiseState.PROPOSED]
    return found + [
        Blocker(
            f"proposed-{p.n}",
            msg("{promise} was read in a reply, and nobody has said yet whether it holds", promise=p.named),
            "approve",
        )
        for p in proposed
    ]


def _options(case: Case) -> list[Blocker]:
    """What a customer may still choose is owed to them: it is chosen, or an agent takes it back."""
    return [
        Blocker(
            f"option-{option.n}",
            msg("{option} is open, and nobody has chosen", option=option.named),
            f"choose: {option.n}",
            f"withdraw-option: {option.n} because ",
        )
        for option in case.options
        if option.state is OptionState.OPEN
    ]


def _grants(case: Case) -> list[Blocker]:
    return [
        Blocker(f"grant-{grant.n}", _waiting(grant), _grant_line(grant))
        for grant in case.compensation
        if still_to_give(grant) and grant.kind is not Gift.GIFT_CARD
    ]


def still_to_give(grant: Compensation) -> bool:
    return grant.state in _STILL_TO_GIVE


def _waiting(grant: Compensation) -> str:
    return msg(
        "{grant} (number {n}) is {state}, not issued", grant=grant.named, n=grant.n, state=msg(grant.state)
    )


def _grant_line(grant: Compensation) -> str:
    return (
        "approve"
        if grant.state in {GrantState.PROPOSED, GrantState.WAITING_APPROVAL}
        else f"issued: {grant.n}"
    )


def _facts(case: Case) -> list[Blocker]:
    missing = case.facts.missing(FOLLOW_UP_FACTS)
    return [
        Blocker(name, msg("the {fact} is not known yet", fact=msg(name)), f"{name}: ") for name in missing
    ]


def _letters(case: Case) -> list[Blocker]:
    waiting = [
        mark
        for mark in case.letters
        if mark.kind in CUSTOMER_LETTERS and mark.state in {LetterRecordState.DOUBT, LetterRecordState.REVIEW}
    ]
    return [
        Blocker(f"letter-{mark.key}", msg("nobody knows whether {key} left", key=mark.key), "")
        if mark.state is LetterRecordState.DOUBT
        else Blocker(
            f"letter-{mark.key}", msg("{key} waits for an agent's approval", key=mark.key), "approve"
        )
        for mark in waiting
    ]


#: stages in which letters of a kind still say what is so; the others say it in every stage of a complaint
_LEAVES_IN = {
    LetterKind.FOLLOW_UP: {Stage.FIXED},
    LetterKind.HOLDING: {Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED},
    LetterKind.DELAY: set(Stage) - {Stage.CLOSED},
}


def stale(letter: Letter, case: Case, now: datetime) -> str:
    """Say why a letter that waits in the outbox should no longer leave, "" while it should.

    Quiet hours, budgets and back-off can keep a letter for hours; what it says may have come to be untrue.
    """
    if letter.good_until and letter.good_until <= now:
        return "what it hands over has expired"
    if letter.kind == LetterKind.GIFT_CARD:
        grant = case.grant(letter.concerns[0]) if letter.concerns else None
        return "" if grant and grant.state is GrantState.GRANTED else "the gift card is not granted any more"
    if case.stage in {Stage.SUSPECTED, Stage.DISMISSED}:
        return f"the case is {case.stage}: an agent said that it is no complaint"
    if case.stage not in _LEAVES_IN.get(letter.kind, set(Stage)):
        return f"the case is {case.stage}"
    if letter.kind == LetterKind.FOLLOW_UP:
        found = next(iter(blockers_of(case)), None)
        return found.sentence if found else ""
    return (
        _changed(letter, case)
        if letter.kind in {LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.HOLDING}
        else ""
    )


def _changed(letter: Letter, case: Case) -> str:
    gone = [n for n in letter.concerns if (p := case.promise(n)) is None or not p.owed or p.confirmed]
    chosen = any(
        option.letter == letter.key and option.state is not OptionState.OPEN for option in case.options
    )
    return (
        f"promise {gone[0]} changed meanwhile" if gone else "the options changed meanwhile" if chosen else ""
    )
