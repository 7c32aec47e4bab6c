"""Calibration: how long what we promise really takes, and which promises are too short (practices 24, 38 and 54)."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from followupd.domain.calendar import Duration, has_come
from followupd.domain.case import NO_COMPLAINT, Case
from followupd.domain.playbook import NextStep, Playbook, Playbooks
from followupd.domain.promise import Promise, PromiseKind, PromiseState
from followupd.domain.translatable import Translatable, msg
from followupd.languages import Language
from followupd.text.promises.money import gift_named

#: nothing is said of a kind of promise with fewer cases
FEWEST_CASES = 15
#: "8 of 10 took up to ..."
SHARE = 0.8
#: a new promise that is shorter than this part of what similar ones took is asked about
_TOO_SHORT = 0.5
_ANSWER = "next-update"
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}%]*%\}", re.DOTALL)
_NO_WORD = re.compile(r"[\W\d_]+")

#: the language of a case
LanguageOf = Callable[[Case], Language]


@dataclass(frozen=True, slots=True, order=True)
class Like:
    """What makes promises alike: one next step of a playbook, or what agents promise.

    `step` is the step's number from 1 with its `playbook`; for agents' promises both are empty, and `what` is a kind of
    gift, "next-update", or the words themselves.
    """

    playbook: str
    step: int
    what: str

    @property
    def key(self) -> str:
        """The name under which the ledger stores how long it takes."""
        return f"{self.playbook} {self.step}" if self.step else self.what


@dataclass(frozen=True, slots=True)
class Measured:
    """One promise: the days of business that the customer was told, None if moved, and that it took.

    `is_kept` is false for one that is still owed: it took at least that long.
    """

    ref: str
    told: float | None
    took: float
    is_kept: bool

    @property
    def in_time(self) -> bool:
        """Whether it was kept by the date that the customer was told first."""
        return self.is_kept and self.told is not None and self.took <= self.told


@dataclass(frozen=True, slots=True)
class Usual:
    """How long promises of one kind take.

    Args:
        like: the kind.
        cases: in how many cases it was promised and is decided or overdue.
        told: the median of what customers were told, in days of business; None where all were moved.
        took: within how many days of business 8 of 10 were kept; None while more than 2 of 10 are not kept at all.
        in_time: the share that was kept by the first date.
    """

    like: Like
    cases: int
    told: float | None
    took: float | None
    in_time: float


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a playbook that would tell customers the truth."""

    playbook: str
    step: int
    before: Duration
    after: Duration


def usual_times(
    cases: Iterable[Case], playbooks: Playbooks, language_of: LanguageOf, since: datetime, now: datetime
) -> list[Usual]:
    """Return how long each kind of promise takes; kinds with fewer than 15 cases are left out.

    Args:
        cases: all cases, in any order; each is looked at once.
        playbooks: by whose steps and calendar promises are compared.
        language_of: returns the language of a case, in which gifts are named.
        since: promises made before do not count.
        now: the time, up to which what is owed has taken.

    Returns:
        The kinds, those of playbooks first.
    """
    groups: dict[Like, list[Measured]] = {}
    for case in cases:
        if case.stage in NO_COMPLAINT:
            continue
        playbook = playbooks.for_case(case)
        for promise in case.promises:
            measured = _measured(promise, case, playbook, now)
            like = like_of(promise, case, playbook, language_of(case)) if measured else None
            if measured and like and promise.made_at and promise.made_at >= since:
                groups.setdefault(like, []).append(measured)

    found = [_usual(like, groups[like]) for like in sorted(groups)]
    return [usual for usual in found if usual.cases >= FEWEST_CASES]


def _measured(promise: Promise, case: Case, playbook: Playbook, now: datetime) -> Measured | None:
    """Return how long a promise took; None for one that says nothing about that.

    That is one that was not made, was withdrawn or is not due yet, and one of an old ledger that does not tell when.

    Args:
        promise: one promise of the case.
        case: the case, as it is stored.
        playbook: the playbook of the case; its calendar counts the business days.
        now: the end of a promise that is overdue.
    """
    made_at, due = promise.made_at, promise.promised_by
    is_kept = promise.state is PromiseState.KEPT
    end = promise.kept_at if is_kept else now
    is_overdue = promise.owed and has_come(due, now)
    if made_at is None or end is None or not (is_kept or is_overdue):
        return None

    calendar = playbook.calendar
    told = calendar.business_days(made_at, due) if due and not promise.slipped else None
    return Measured(case.ref, told, calendar.business_days(made_at, end), is_kept)


def like_of(promise: Promise, case: Case, playbook: Playbook, language: Language) -> Like | None:
    """Return what a promise is compared with; None for a step that the playbook no longer has.

    Args:
        promise: one promise of the case.
        case: the case, as it is stored.
        playbook: the playbook of the case.
        language: the language of the case.
    """
    if promise.source == "playbook":
        number = _step_of(promise.text, playbook)
        return Like(playbook.name, number, "") if number else None

    gifts = [grant.kind.value for grant in case.compensation if grant.promise == promise.n]
    return agents_like(promise.text, promise.kind, gifts, language)


def agents_like(text: str, kind: PromiseKind, gifts: Collection[str], language: Language) -> Like:
    """Return what an agent's promise is compared with: the gift, an answer, else the same words.

    Args:
        text: what is promised, without its date.
        kind: how certain it is.
        gifts: the kinds of compensation that the promise gives, if that is known.
        language: in which the text may name a gift.
    """
    gift = next(iter(gifts), "") or gift_named(text, language)
    if gift or kind is PromiseKind.NEXT_UPDATE:
        return Like("", 0, gift or _ANSWER)
    return Like("", 0, " ".join(_NO_WORD.sub(" ", text.casefold()).split()))


def _step_of(text: str, playbook: Playbook) -> int:
    """Return the number of the next step that says this, from 1; 0 for none.

    Args:
        text: the words, as they were written.
        playbook: the playbook of the case.
    """
    for number, step in enumerate(playbook.steps, 1):
        if any(_is_filled(pieces, text) for pieces in _pieces(step)):
            return number
    return 0


@lru_cache(maxsize=256)
def _pieces(step: NextStep) -> list[list[str]]:
    """Return what a step says around its variables, in each of its languages.

    Args:
        step: a next step of a playbook.
    """
    texts = [step.text, *(text for _, text in step.texts)]
    return list(map(_TEMPLATE.split, texts))


def _is_filled(pieces: list[str], text: str) -> bool:
    """Whether the text is these pieces with anything between them.

    Args:
        pieces: around the variables of a template, at least one.
        text: the words.
    """
    first, *others = pieces
    if not others:
        return text == first
    if not text.startswith(first):
        return False
    place = len(first)
    for piece in others[:-1]:  # the first place where each fits leaves the most for the others
        place = text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return text.endswith(others[-1]) and place <= len(text) - len(others[-1])


def _usual(like: Like, promises: list[Measured]) -> Usual:
    """Return the figures of promises that are alike.

    Args:
        like: what is compared.
        promises: promises that are alike.
    """
    told = sorted(promise.told for promise in promises if promise.told is not None)
    return Usual(
        like=like,
        cases=len({promise.ref for promise in promises}),
        told=told[len(told) // 2] if told else None,
        took=_kept_within(promises),
        in_time=sum(promise.in_time for promise in promises) / len(promises),
    )


def _kept_within(promises: Iterable[Measured]) -> float | None:
    """Return the time within which 8 of 10 are kept, by the estimate of Kaplan and Meier (1958).

    What is still owed counts as long as it has lasted: without it the slowest would be left out.
    """
    waiting = 1.0
    ordered = sorted(promises, key=lambda promise: (promise.took, not promise.is_kept))
    for at_risk, promise in zip(range(len(ordered), 0, -1), ordered, strict=True):
        if promise.is_kept:
            waiting *= 1 - 1 / at_risk
        if waiting <= 1 - SHARE + 1e-9:
            return promise.took
    return None


def change_of(usual: Usual, playbook: Playbook) -> Change | None:
    """Return the line of the playbook to change; None where customers were told enough, or it is no step.

    The new time is rounded up to whole hours or days of business.
    """
    took, told, step = usual.took, usual.told, usual.like.step
    if not step or took is None or told is None or took <= told:
        return None

    hours = _business_hours(playbook)
    after = Duration(math.ceil(took), "business day")
    if took * hours <= math.floor(hours / 2):
        after = Duration(math.ceil(took * hours), "business hour")
    before = playbook.steps[step - 1].within
    return None if after == before else Change(playbook.name, step, before, after)


def _business_hours(playbook: Playbook) -> float:
    """Return the hours of a day of business.

    Args:
        playbook: the playbook of the case.
    """
    calendar = playbook.calendar
    return (calendar.close.hour - calendar.open.hour) + (calendar.close.minute - calendar.open.minute) / 60


def stored(usual: Iterable[Usual]) -> dict[str, list[float]]:
    """Return what the ledger remembers of how long things take: number of cases and days, by the key of the kind.

    Args:
        usual: how long promises of this kind take.
    """
    return {each.like.key: [each.cases, each.took] for each in usual if each.took is not None}


def shorter_than_like(
    like: Like, made_at: datetime, promised_by: datetime, known: Mapping[str, list[float]], playbook: Playbook
) -> Translatable | None:
    """Return what to ask about a new promise shorter than half of what similar ones took; None if nothing.

    Args:
        like: what it is compared with.
        made_at: when it is made.
        promised_by: the date that the customer is to be told.
        known: what `stored` returned.
        playbook: whose calendar counts the days.
    """
    cases, took = known.get(like.key, (0, 0.0))
    told = playbook.calendar.business_days(made_at, promised_by)
    if told >= _TOO_SHORT * took:
        return None
    return msg(
        "8 of 10 promises like it took up to {days} working days ({n} cases), and this one allows {told} at most",
        days=math.ceil(took),
        n=int(cases),
        told=math.ceil(told),
    )


def short_proposals(
    case: Case, playbook: Playbook, language: Language, known: Mapping[str, list[float]]
) -> list[Translatable]:
    """Return what to ask about proposed promises shorter than half of what similar ones took, a sentence each.

    Args:
        case: with the promises that were read in a reply.
        playbook: the playbook of the case.
        language: the language of the case.
        known: what `stored` returned.
    """
    found = []
    for promise in case.proposed:
        like = like_of(promise, case, playbook, language)
        if like and promise.made_at and promise.promised_by:
            problem = shorter_than_like(like, promise.made_at, promise.promised_by, known, playbook)
            if problem:
                found.append(msg("{promise} comes early: {problem}", promise=promise.named, problem=problem))
    return found
