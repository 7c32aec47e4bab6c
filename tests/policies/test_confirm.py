"""The confirmation and the delay letter: a case in some state x a time -> what is decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.promise import Option, Promise, PromiseKind, PromiseState
from followupd.recovery import confirm
from followupd.recovery.blockers import shown_key
from tests.builders import KIM, NOW, PLAYBOOK, Story, a_case
from tests.policies.stubs import StubRenderer, names

MINUTE = timedelta(minutes=1)
WINDOW = 10 * MINUTE
FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
Change = Callable[[Story], Story]


def written(story: Story, kind: LetterKind, *then: type[e.Event]) -> Story:
    key = story.case.next_key(kind)
    story.happened(e.LetterWritten(at=NOW, key=key, kind=kind, to=KIM.address, subject="", review=not then))
    return story.happened(*(event(at=NOW, key=key, kind=kind) for event in then))  # type: ignore[call-arg]


def standing(story: Story) -> Story:
    """The playbook's next step is promised."""
    promise = Promise(
        n=story.case.next_promise,
        text="find out what happened",
        kind=PromiseKind.NEXT_UPDATE,
        internal_deadline=FRIDAY,
        promised_by=FRIDAY,
        source="playbook",
        made_at=story.now,
    )
    return story.happened(e.PromiseMade(at=story.now, promise=promise))


def promised(story: Story) -> Story:
    return story.promised("ship it", by=FRIDAY)


def offered(*texts: str) -> Change:
    def change(story: Story) -> Story:
        for text in texts:
            n = story.case.next_option
            option = Option(n=n, text=text, promised_by=None, offered_at=story.now)
            story.happened(e.OptionOffered(at=story.now, option=option))
        return story

    return change


def late(story: Story) -> Story:
    """A promise in writing gets a new date."""
    promised(story).confirmed(1)
    moved = FRIDAY + timedelta(days=4)
    return story.happened(
        e.PromiseLate(at=NOW, n=1, internal_deadline=moved, promised_by=moved, because="a strike")
    )


def robot(story: Story) -> Story:
    """The recogniser opened the case for a mail that a machine must not answer."""
    return Story(replace(story.case, by_machine=True, no_answer="it is from a robot"), story.now)


def held(story: Story) -> Story:
    return story.happened(e.Held(at=NOW))


def in_stage(stage: Stage, then: Change) -> Change:
    return lambda story: Story(replace(then(story).case, stage=stage), story.now)


def decided(case: Case, now: datetime) -> list[str]:
    return names(confirm.decide(case, PLAYBOOK, StubRenderer(), now))


CONFIRMED, ASKED, TOLD, SILENT = ["confirmation"], ["OptionsAsked", "confirmation"], ["delay"], list[str]()
ROWS: dict[str, tuple[Change, timedelta, list[str]]] = {
    "nothing is promised": (lambda s: s, WINDOW, SILENT),
    "a minute before the window ends": (promised, WINDOW - MINUTE, SILENT),
    "as the window ends": (promised, WINDOW, CONFIRMED),
    "a standing next step": (standing, WINDOW, CONFIRMED),
    "in writing already": (lambda s: promised(s).confirmed(1), WINDOW, SILENT),
    "kept already": (lambda s: promised(s).kept(), WINDOW, SILENT),
    "on hold": (lambda s: held(promised(s)), WINDOW, SILENT),
    "suspected": (in_stage(Stage.SUSPECTED, promised), WINDOW, SILENT),
    "dismissed": (in_stage(Stage.DISMISSED, promised), WINDOW, SILENT),
    "fixed": (in_stage(Stage.FIXED, promised), WINDOW, CONFIRMED),
    "fixed, a standing next step": (in_stage(Stage.FIXED, standing), WINDOW, SILENT),
    "followed up, a standing next step": (in_stage(Stage.FOLLOWED_UP, standing), WINDOW, SILENT),
    "closed, a standing next step": (in_stage(Stage.CLOSED, standing), WINDOW, SILENT),
    "fixed, a standing next step and a promise": (
        in_stage(Stage.FIXED, lambda s: promised(standing(s))),
        WINDOW,
        CONFIRMED,
    ),
    "a confirmation in review": (lambda s: written(promised(s), LetterKind.CONFIRMATION), WINDOW, SILENT),
    "a confirmation in doubt": (
        lambda s: written(promised(s), LetterKind.CONFIRMATION, e.LetterInDoubt),
        WINDOW,
        SILENT,
    ),
    "a confirmation dropped": (
        lambda s: written(promised(s), LetterKind.CONFIRMATION, e.LetterDropped),
        WINDOW,
        CONFIRMED,
    ),
    "a holding letter under way": (lambda s: written(promised(s), LetterKind.HOLDING), WINDOW, SILENT),
    "a holding letter dropped": (
        lambda s: written(promised(s), LetterKind.HOLDING, e.LetterDropped),
        WINDOW,
        CONFIRMED,
    ),
    "the customer was not reached": (
        lambda s: promised(s).happened(e.CustomerNotReached(at=NOW, why="no such user")),
        WINDOW,
        SILENT,
    ),
    "a robot, a standing next step": (lambda s: robot(standing(s)), WINDOW, SILENT),
    "a robot, a promise": (lambda s: robot(promised(s)), WINDOW, CONFIRMED),
    "a robot, two options": (lambda s: robot(offered("a refund", "a new one")(s)), WINDOW, ASKED),
    "one option": (offered("a refund"), WINDOW, SILENT),
    "two options, a minute before": (offered("a refund", "a new one"), WINDOW - MINUTE, SILENT),
    "two options": (offered("a refund", "a new one"), WINDOW, ASKED),
    "two options, fixed": (in_stage(Stage.FIXED, offered("a refund", "a new one")), WINDOW, SILENT),
    "two options, followed up": (
        in_stage(Stage.FOLLOWED_UP, offered("a refund", "a new one")),
        WINDOW,
        SILENT,
    ),
    "two options, closed": (in_stage(Stage.CLOSED, offered("a refund", "a new one")), WINDOW, SILENT),
    "late": (late, timedelta(), TOLD),
    "late, in writing": (
        lambda s: Story(late(s).case.with_promise(1, confirmed="FU-7K3Q9.delay.1")),
        timedelta(),
        SILENT,
    ),
    "late, on hold": (lambda s: held(late(s)), timedelta(), SILENT),
    "late, dismissed": (in_stage(Stage.DISMISSED, late), timedelta(), SILENT),
    "late, a delay letter in review": (lambda s: written(late(s), LetterKind.DELAY), timedelta(), SILENT),
    "late, the customer was not reached": (
        lambda s: late(s).happened(e.CustomerNotReached(at=NOW, why="no such user")),
        timedelta(),
        SILENT,
    ),
    "late, and another promise": (lambda s: promised(late(s)), WINDOW, [*CONFIRMED, *TOLD]),
}


@pytest.mark.parametrize(("change", "passed", "expected"), ROWS.values(), ids=ROWS)
def test_a_promise_is_put_in_writing(change: Change, passed: timedelta, expected: list[str]) -> None:
    assert decided(change(a_case()).case, NOW + passed) == expected


def test_options_that_were_asked_about_are_not_asked_about_again() -> None:
    case = written(offered("a refund", "a new one")(a_case()), LetterKind.CONFIRMATION).case
    [key] = [letter.key for letter in case.letters]
    asked = Story(case).happened(
        e.OptionsAsked(at=NOW, key=key), e.Approved(at=NOW, key=key, kind=CONFIRMATION)
    )
    asked.happened(e.NextStepConfirmed(at=NOW, key=key, kind=CONFIRMATION))
    assert decided(asked.case, NOW + WINDOW) == []
    again = offered("a coupon")(asked.at(NOW + WINDOW)).case
    assert decided(again, NOW + WINDOW) == []
    assert decided(again, NOW + 2 * WINDOW) == ASKED
    renderer = StubRenderer()
    confirm.decide(again, PLAYBOOK, renderer, NOW + 2 * WINDOW)
    assert [option.n for option in renderer.contents[0].options] == [1, 2, 3]


CONFIRMATION = LetterKind.CONFIRMATION


# --- the quiet window ---


def wrote_after(minutes: int) -> Case:
    return promised(a_case()).at(NOW + minutes * MINUTE).customer_wrote("And another thing.").case


WINDOWS: dict[str, tuple[Case, datetime | None]] = {
    "nothing is promised": (a_case().case, None),
    "one promise": (promised(a_case()).case, NOW + WINDOW),
    "the customer writes": (wrote_after(5), NOW + 5 * MINUTE + WINDOW),
    "the customer keeps writing": (wrote_after(19), NOW + 29 * MINUTE),
    "the customer writes for too long": (wrote_after(25), NOW + 3 * WINDOW),
    "the customer wrote before": (promised(a_case().at(NOW + MINUTE)).case, NOW + MINUTE + WINDOW),
    "a second promise": (promised(promised(a_case()).at(NOW + 4 * MINUTE)).case, NOW + 4 * MINUTE + WINDOW),
    "a promise of unknown time": (promised(a_case()).case.with_promise(1, made_at=None), None),
    "an option after a promise": (
        offered("a refund", "a new one")(promised(a_case()).at(NOW + 4 * MINUTE)).case,
        NOW + 4 * MINUTE + WINDOW,
    ),
    "nobody knows when the customer wrote": (
        replace(promised(a_case()).case, customer_wrote_at=None),
        NOW + WINDOW,
    ),
}


@pytest.mark.parametrize(("case", "due"), WINDOWS.values(), ids=WINDOWS)
def test_the_quiet_window_ends(case: Case, due: datetime | None) -> None:
    assert confirm.next_due(case, PLAYBOOK) == due


# --- why not ---

REASONS: dict[str, tuple[Change, str]] = {
    "nothing": (promised, ""),
    "on hold": (lambda s: held(promised(s)), "the case is held"),
    "on hold for a reason": (
        lambda s: promised(s).happened(e.Held(at=NOW, why="the lawyer asks")),
        "the case is held: the lawyer asks",
    ),
    "a robot": (lambda s: robot(standing(s)), "a machine must not answer: it is from a robot"),
    "a robot, and an agent opened the case": (
        lambda s: Story(replace(robot(standing(s)).case, by_machine=False)),
        "",
    ),
    "the recogniser, and nothing forbids an answer": (
        lambda s: Story(replace(standing(s).case, by_machine=True)),
        "",
    ),
    "a robot, a promise of an agent": (lambda s: robot(promised(standing(s))), ""),
    "a robot, an option": (lambda s: robot(offered("a refund")(standing(s))), ""),
    "not reached": (
        lambda s: promised(s).happened(e.CustomerNotReached(at=NOW, why="no such user")),
        "the customer was not reached: no such user",
    ),
}


@pytest.mark.parametrize(("change", "why"), REASONS.values(), ids=REASONS)
def test_it_is_said_why_nothing_is_written(change: Change, why: str) -> None:
    assert confirm.why_blocked(change(a_case()).case) == why


# --- what the letters contain ---


@pytest.mark.parametrize("review", [True, False])
def test_a_confirmation_contains_the_promises_and_what_is_given_besides(review: bool) -> None:
    story = promised(standing(a_case()))
    story.granted(Gift.REFUND, "25").granted(Gift.REPLACEMENT, promise=2).granted(Gift.GIFT_CARD, "20")
    renderer, playbook = StubRenderer(), replace(PLAYBOOK, confirm_review=review)
    [letter] = confirm.decide(story.case, playbook, renderer, NOW + WINDOW)
    [content] = renderer.contents
    assert isinstance(letter, Letter)
    assert (letter.concerns, letter.review) == ((1, 2), review)
    assert [promise.n for promise in content.promises] == [1, 2]
    assert [grant.n for grant in content.compensation] == [1]
    assert content.options == ()


@pytest.mark.parametrize(
    ("change", "automatic"),
    [
        (standing, True),
        (lambda s: promised(standing(s)), False),
        (lambda s: offered("a refund", "a new one")(standing(s)), False),
    ],
    ids=["standing steps", "a promise", "options"],
)
def test_only_a_letter_of_standing_steps_is_automatic(change: Change, automatic: bool) -> None:
    renderer = StubRenderer()
    confirm.decide(change(a_case()).case, PLAYBOOK, renderer, NOW + WINDOW)
    [content] = renderer.contents
    assert (content.automatic, content.reply) == (automatic, automatic)


def test_a_question_about_options_names_the_letter_that_asks() -> None:
    case = offered("a refund", "a new one")(a_case()).case
    [asked, letter] = confirm.decide(case, PLAYBOOK, StubRenderer(), NOW + WINDOW)
    assert isinstance(asked, e.OptionsAsked)
    assert isinstance(letter, Letter)
    assert (asked.at, asked.key) == (NOW + WINDOW, letter.key)


def test_a_delay_letter_contains_every_new_date_and_the_first_reason() -> None:
    story = late(promised(a_case()))
    moved = FRIDAY + timedelta(days=7)
    story.happened(e.PromiseLate(at=NOW, n=2, internal_deadline=moved, promised_by=moved, because="snow"))
    story.case = story.case.with_promise(1, because="")
    renderer = StubRenderer()
    [letter] = confirm.decide(story.case, PLAYBOOK, renderer, NOW)
    [content] = renderer.contents
    assert isinstance(letter, Letter)
    assert letter.concerns == (1, 2)
    assert [promise.n for promise in content.promises] == [1, 2]
    assert (content.because, content.until, content.automatic) == ("snow", FRIDAY + timedelta(days=4), False)
    assert story.case.promises[0].state is PromiseState.LATE


# --- withdrawn promises ---


def withdrawn(story: Story) -> Story:
    """A promise in writing was withdrawn, and the customer waits for it."""
    promised(story).confirmed(1)
    return story.happened(e.PromiseWithdrawn(at=NOW, n=1, because="no more of them", tell=True))


WITHDRAWN: dict[str, tuple[Change, timedelta, list[str]]] = {
    "agents can say it first": (withdrawn, WINDOW - MINUTE, SILENT),
    "after the window": (withdrawn, WINDOW, TOLD),
    "beside a late one at once": (lambda s: lated(withdrawn(s)), timedelta(), TOLD),
}


def lated(story: Story) -> Story:
    """A second promise in writing gets a new date."""
    promised(story).confirmed(2)
    moved = FRIDAY + timedelta(days=4)
    return story.happened(e.PromiseLate(at=NOW, n=2, internal_deadline=moved, promised_by=moved))


@pytest.mark.parametrize(("change", "passed", "expected"), WITHDRAWN.values(), ids=WITHDRAWN)
def test_the_customer_is_told_of_withdrawn_promises(
    change: Change, passed: timedelta, expected: list[str]
) -> None:
    case = change(a_case()).case
    assert case.untold
    assert decided(case, NOW + passed) == expected


def test_the_first_time_to_tell_of_a_withdrawn_promise_is_the_end_of_the_window() -> None:
    assert confirm.next_due(withdrawn(a_case()).case, PLAYBOOK) == NOW + WINDOW


# --- letters that their owner reads first ---

SHOWING = replace(PLAYBOOK, confirm_show=True)
SHOWN = ["OwnerNudged", "desk/nudge"]


def shown(kind: LetterKind, minutes: int) -> Change:
    """The owner was shown a letter so many minutes after the promise."""

    def change(story: Story) -> Story:
        key, at = shown_key(kind, story.case), NOW + minutes * MINUTE
        return story.happened(e.OwnerNudged(at=at, matter=str(key), whom="ana"))

    return change


def unclear(story: Story) -> Story:
    """An agent was asked about a sentence of a reply."""
    return Story(replace(story.case, unclear=("Perhaps on Friday.",), unclear_at=NOW))


ANSWER = SHOWING.calendar.after(NOW, SHOWING.confirm_answer) - NOW
READ: dict[str, tuple[Change, timedelta, list[str]]] = {
    "at once": (promised, timedelta(), SHOWN),
    "nothing is promised": (lambda s: s, timedelta(), SILENT),
    "shown, before the window ends": (
        lambda s: shown(LetterKind.CONFIRMATION, 0)(promised(s)),
        WINDOW - MINUTE,
        SILENT,
    ),
    "shown": (lambda s: shown(LetterKind.CONFIRMATION, 0)(promised(s)), WINDOW, CONFIRMED),
    "shown late": (
        lambda s: shown(LetterKind.CONFIRMATION, 9)(promised(s)),
        9 * MINUTE + WINDOW - MINUTE,
        SILENT,
    ),
    "shown late, and read": (
        lambda s: shown(LetterKind.CONFIRMATION, 9)(promised(s)),
        9 * MINUTE + WINDOW,
        CONFIRMED,
    ),
    "a question is open": (lambda s: unclear(promised(s)), ANSWER - MINUTE, SILENT),
    "nobody has answered the question": (lambda s: unclear(promised(s)), ANSWER, SHOWN),
    "late, not read": (late, timedelta(), SILENT),
    "late, shown": (lambda s: shown(LetterKind.DELAY, 0)(late(s)), WINDOW - MINUTE, SILENT),
    "late, read": (lambda s: shown(LetterKind.DELAY, 0)(late(s)), WINDOW, TOLD),
}


@pytest.mark.parametrize(("change", "passed", "expected"), READ.values(), ids=READ)
def test_the_owner_reads_letters_first(change: Change, passed: timedelta, expected: list[str]) -> None:
    case = change(a_case()).case
    assert names(confirm.decide(case, SHOWING, StubRenderer(), NOW + passed)) == expected


def test_a_letter_that_was_shown_is_due_once_the_owner_has_had_the_time_to_read_it() -> None:
    confirmation = shown(LetterKind.CONFIRMATION, 9)(promised(a_case())).case
    assert confirm.next_due(confirmation, SHOWING) == NOW + 9 * MINUTE + WINDOW
    assert confirm.next_due(shown(LetterKind.DELAY, 9)(late(a_case())).case, SHOWING) == (
        NOW + 9 * MINUTE + WINDOW
    )
    assert confirm.next_due(unclear(promised(a_case())).case, SHOWING) == NOW + ANSWER


def test_a_confirmation_waits_for_no_answer_to_a_question_of_unknown_time() -> None:
    case = replace(unclear(promised(a_case())).case, unclear_at=None)
    assert confirm.next_due(case, SHOWING) == NOW + WINDOW


UNREAD: dict[str, tuple[Change, list[str]]] = {
    "nothing": (lambda s: s, SILENT),
    "a promise": (promised, CONFIRMED),
    "two options": (offered("a refund", "a new one"), CONFIRMED),
    "late": (late, TOLD),
    "withdrawn": (withdrawn, TOLD),
    "late, and another promise": (lambda s: promised(late(s)), [*CONFIRMED, *TOLD]),
    "a promise that was shown": (lambda s: shown(LetterKind.CONFIRMATION, 0)(promised(s)), SILENT),
    "late, and shown": (lambda s: shown(LetterKind.DELAY, 0)(late(s)), SILENT),
    "on hold": (lambda s: held(promised(s)), SILENT),
    "suspected": (in_stage(Stage.SUSPECTED, promised), SILENT),
    "the customer was not reached": (
        lambda s: promised(s).happened(e.CustomerNotReached(at=NOW, why="no such user")),
        SILENT,
    ),
}


@pytest.mark.parametrize(("change", "expected"), UNREAD.values(), ids=UNREAD)
def test_letters_that_nobody_has_read_are_shown_on_request(change: Change, expected: list[str]) -> None:
    found = confirm.unread_letters(change(a_case()).case, SHOWING, StubRenderer(), NOW)
    assert names([*found]) == expected
