"""The follow-up, the call and the close: a case in some state x a time -> what is decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Gift, GrantState, Money
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.recovery import follow_up
from followupd.recovery.blockers import shown_key
from followupd.recovery.remind.reminders import reminders_of
from tests.builders import KIM, NOW, PLAYBOOK, Story, a_case
from tests.policies.stubs import StubRenderer, names

MINUTE = timedelta(minutes=1)
FRIDAY = datetime(2026, 12, 4, 10, tzinfo=UTC)  # three business days after Tuesday at ten
TUESDAY = datetime(2026, 12, 15, 10, tzinfo=UTC)  # ten business days after Tuesday at ten
Change = Callable[[Story], Story]


def written(story: Story, kind: LetterKind, *then: type[e.Event]) -> Story:
    key = story.case.next_key(kind)
    story.happened(e.LetterWritten(at=NOW, key=key, kind=kind, to=KIM.address, subject="", review=not then))
    return story.happened(*(event(at=NOW, key=key, kind=kind) for event in then))  # type: ignore[call-arg]


#: the owner is asked for what is missing
ASKED = ["MissingAsked", "desk/facts"]


def decided(case: Case, now: datetime, playbook: Playbook = PLAYBOOK) -> list[str]:
    return names(follow_up.decide(case, playbook, StubRenderer(), now))


def fixed() -> Story:
    return a_case().knows().fixed()


LETTER = ["follow-up"]
ROWS: dict[str, tuple[Change, datetime, list[str]]] = {
    "a minute before its day": (lambda s: s, FRIDAY - MINUTE, []),
    "on its day": (lambda s: s, FRIDAY, LETTER),
    "later": (lambda s: s, FRIDAY + 9 * MINUTE, LETTER),
    "on hold": (lambda s: s.happened(e.Held(at=NOW)), FRIDAY, []),
    "blocked by a promise": (lambda s: s.promised("call", by=FRIDAY), FRIDAY, []),  # of which reminders tell
    "in review": (lambda s: written(s, LetterKind.FOLLOW_UP), FRIDAY, ASKED),
    "in the outbox": (lambda s: written(s, LetterKind.FOLLOW_UP, e.LetterAgain), FRIDAY, []),
    "in doubt": (lambda s: written(s, LetterKind.FOLLOW_UP, e.LetterInDoubt), FRIDAY, []),
    "dropped, and written again": (
        lambda s: written(s, LetterKind.FOLLOW_UP, e.LetterDropped),
        FRIDAY,
        LETTER,
    ),
    "another letter in the outbox": (
        lambda s: written(s, LetterKind.CONFIRMATION, e.LetterAgain),
        FRIDAY,
        LETTER,
    ),
    "the customer is away": (
        lambda s: s.happened(e.CustomerAway(at=NOW, until=FRIDAY + MINUTE)),
        FRIDAY,
        [],
    ),
    "the customer is back": (
        lambda s: s.happened(e.CustomerAway(at=NOW, until=FRIDAY - MINUTE)),
        FRIDAY,
        LETTER,
    ),
    "reopened": (lambda s: s.happened(e.Reopened(at=NOW)), FRIDAY, []),
    "closed": (lambda s: s.happened(e.Closed(at=NOW)), FRIDAY, []),
}


@pytest.mark.parametrize(("change", "now", "expected"), ROWS.values(), ids=ROWS)
def test_a_fixed_case_is_followed_up(change: Change, now: datetime, expected: list[str]) -> None:
    assert decided(change(fixed()).case, now) == expected


@pytest.mark.parametrize("stage", [Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED, Stage.CLOSED])
def test_no_other_stage_is_followed_up(stage: Stage) -> None:
    case = replace(fixed().case, stage=stage, followed_up_at=NOW)
    assert follow_up.next_due(case, PLAYBOOK) is None
    assert decided(case, TUESDAY) == []


@pytest.mark.parametrize("review", [True, False])
def test_the_playbook_says_whether_it_is_reviewed(review: bool) -> None:
    playbook = replace(PLAYBOOK, follow_up_review=review)
    [letter] = follow_up.decide(fixed().case, playbook, StubRenderer(), FRIDAY)
    assert isinstance(letter, Letter)
    assert letter.review is review


@pytest.mark.parametrize(
    ("away_until", "due"),
    [(None, FRIDAY), (FRIDAY - MINUTE, FRIDAY), (FRIDAY + MINUTE, FRIDAY + MINUTE)],
    ids=["here", "back before", "away"],
)
def test_it_waits_until_the_customer_is_back(away_until: datetime | None, due: datetime) -> None:
    assert follow_up.next_due(replace(fixed().case, away_until=away_until), PLAYBOOK) == due


def test_without_a_time_of_the_fix_nothing_is_due() -> None:
    case = replace(fixed().case, fixed_at=None)
    assert follow_up.next_due(case, PLAYBOOK) is None
    assert decided(case, FRIDAY) == []


# --- the call ---


def followed_up() -> Story:
    return fixed().followed_up()


CALLS: dict[str, tuple[Change, Playbook, list[str]]] = {
    "after the follow-up": (lambda s: s, PLAYBOOK, ["CallAsked", "desk/call"]),
    "not in this playbook": (lambda s: s, replace(PLAYBOOK, follow_up_call=False), []),
    "asked before": (lambda s: s.happened(e.CallAsked(at=NOW)), PLAYBOOK, []),
    "reached, which closes the case": (
        lambda s: s.happened(e.CustomerReached(at=NOW)),
        PLAYBOOK,
        ["Closed"],
    ),
    "on hold": (lambda s: s.happened(e.Held(at=NOW)), PLAYBOOK, []),
}


@pytest.mark.parametrize(("change", "playbook", "expected"), CALLS.values(), ids=CALLS)
def test_the_owner_is_asked_to_call(change: Change, playbook: Playbook, expected: list[str]) -> None:
    assert decided(change(followed_up()).case, NOW, playbook) == expected


@pytest.mark.parametrize(
    ("now", "until"),
    [(NOW, NOW), (datetime(2026, 12, 5, 10, tzinfo=UTC), datetime(2026, 12, 7, 9, tzinfo=UTC))],
    ids=["in office hours", "on a Saturday"],
)
def test_the_call_is_for_today_or_the_next_opening(now: datetime, until: datetime) -> None:
    renderer = StubRenderer()
    [asked, mail] = follow_up.decide(followed_up().case, PLAYBOOK, renderer, now)
    [content] = renderer.contents
    assert isinstance(asked, e.CallAsked)
    assert isinstance(mail, Letter)
    assert mail.to.address == "ana@agents.test"
    assert (asked.at, content.until, content.because) == (now, until, "the follow-up has left")
    assert (content.quote, content.asks) == ("My kettle never came.", ("reached", "not-reached"))


# --- the close ---

DONE = ["Closed"]
CARD = replace(PLAYBOOK, gift_card_amount=Money(2000, "EUR"))


def called() -> Story:
    return followed_up().happened(e.CallAsked(at=NOW))


def wrote(minutes: int, answered: int | None) -> Change:
    """The customer wrote so many minutes after the follow-up, and an agent so many minutes."""

    def change(story: Story) -> Story:
        story.at(NOW + minutes * MINUTE).customer_wrote("Thank you.")
        if answered is not None:
            story.at(NOW + answered * MINUTE).agent_wrote()
        return story

    return change


CLOSES: dict[str, tuple[Change, Playbook, datetime, list[str]]] = {
    "a minute before its day": (lambda s: s, PLAYBOOK, TUESDAY - MINUTE, []),
    "on its day": (lambda s: s, PLAYBOOK, TUESDAY, DONE),
    "the customer was reached": (lambda s: s.happened(e.CustomerReached(at=NOW)), PLAYBOOK, NOW, DONE),
    "the customer was not reached": (
        lambda s: s.happened(e.CustomerNotReached(at=NOW, why="no answer")),
        PLAYBOOK,
        TUESDAY,
        [],
    ),
    "a promise is owed": (
        lambda s: Story(replace(s.promised("call", by=FRIDAY).case, stage=Stage.FOLLOWED_UP)),
        PLAYBOOK,
        TUESDAY,
        [],
    ),
    "a grant is to be given": (lambda s: s.granted(Gift.REFUND, "25"), PLAYBOOK, TUESDAY, []),
    "a grant is given": (lambda s: s.granted(Gift.REFUND, "25").issued(), PLAYBOOK, TUESDAY, DONE),
    "a letter is in the outbox": (
        lambda s: written(s, LetterKind.DELAY, e.LetterAgain),
        PLAYBOOK,
        TUESDAY,
        [],
    ),
    "a letter is in review": (lambda s: written(s, LetterKind.DELAY), PLAYBOOK, TUESDAY, []),
    "a letter is in doubt": (
        lambda s: written(s, LetterKind.DELAY, e.LetterInDoubt),
        PLAYBOOK,
        TUESDAY,
        [],
    ),
    "a letter was dropped": (
        lambda s: written(s, LetterKind.DELAY, e.LetterDropped),
        PLAYBOOK,
        TUESDAY,
        DONE,
    ),
    "the customer wrote and waits": (wrote(5, None), PLAYBOOK, TUESDAY, []),
    "the customer wrote after the answer": (wrote(5, 4), PLAYBOOK, TUESDAY, []),
    "answered at the same time": (wrote(5, 5), PLAYBOOK, TUESDAY, DONE),
    "answered": (wrote(5, 6), PLAYBOOK, TUESDAY, DONE),
    "the playbook's gift card is to come": (lambda s: s, CARD, TUESDAY, []),
    "the gift card was given": (
        lambda s: s.granted(Gift.GIFT_CARD, "20", state=GrantState.ISSUED),
        CARD,
        TUESDAY,
        DONE,
    ),
    "a refund is no gift card": (lambda s: s.granted(Gift.REFUND, "20").issued(), CARD, TUESDAY, []),
}


@pytest.mark.parametrize(("change", "playbook", "now", "expected"), CLOSES.values(), ids=CLOSES)
def test_a_case_is_closed(change: Change, playbook: Playbook, now: datetime, expected: list[str]) -> None:
    assert decided(change(called()).case, now, playbook) == expected


def test_a_case_that_we_never_wrote_in_waits_for_an_answer() -> None:
    case = replace(called().case, unanswered=True, we_wrote_at=None)
    assert decided(case, TUESDAY) == []
    assert decided(replace(case, unanswered=False), TUESDAY) == DONE


def test_an_unanswered_mail_of_unknown_time_does_not_keep_a_case_open() -> None:
    case = replace(called().case, unanswered=True, customer_wrote_at=None)
    assert decided(case, TUESDAY) == DONE


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s, "nothing is owed any more"),
        (lambda s: s.happened(e.CustomerReached(at=NOW)), "the customer was reached"),
    ],
    ids=["time has passed", "reached"],
)
def test_the_history_says_why_a_case_was_closed(change: Change, why: str) -> None:
    [closed] = follow_up.decide(change(called()).case, PLAYBOOK, StubRenderer(), TUESDAY)
    assert isinstance(closed, e.Closed)
    assert (closed.at, closed.why) == (TUESDAY, why)


def test_the_close_is_due_so_long_after_the_follow_up() -> None:
    assert follow_up.next_due(called().case, PLAYBOOK) == TUESDAY
    assert follow_up.next_due(replace(called().case, followed_up_at=None), PLAYBOOK) is None


def test_nobody_is_reminded_of_a_blocked_follow_up_before_the_customer_is_back() -> None:
    back = FRIDAY + timedelta(days=14)
    blocked = a_case().fixed().case  # its facts are missing
    here, away = (
        min(
            reminder.at
            for reminder in reminders_of(case, PLAYBOOK)
            if reminder.key.kind is ReminderKind.FOLLOW_UP
        )
        for case in (blocked, replace(blocked, away_until=back))
    )
    assert away - here == back - FRIDAY


# --- letters that their owner reads first ---

SHOWING = replace(PLAYBOOK, follow_up_show=True)
HOUR = 60 * MINUTE
MORNING = datetime(2026, 12, 4, 9, tzinfo=UTC)
SHOWN = ["OwnerNudged", "desk/nudge"]


def shown(at: datetime) -> Change:
    """The owner was shown the follow-up."""

    def change(story: Story) -> Story:
        key = shown_key(LetterKind.FOLLOW_UP, story.case)
        return story.happened(e.OwnerNudged(at=at, matter=str(key), whom="ana"))

    return change


READ: dict[str, tuple[Change, datetime, list[str], datetime]] = {
    "the evening before": (lambda s: s, MORNING - 12 * HOUR, [], MORNING),
    "in the morning": (lambda s: s, MORNING, SHOWN, MORNING),
    "too late for its hour": (lambda s: s, FRIDAY + 9 * MINUTE, SHOWN, MORNING),
    "shown, before its hour": (shown(MORNING), FRIDAY - MINUTE, [], FRIDAY),
    "shown": (shown(MORNING), FRIDAY, LETTER, FRIDAY),
    "shown late, before the hour is over": (shown(FRIDAY), FRIDAY + 59 * MINUTE, [], FRIDAY + HOUR),
    "shown late": (shown(FRIDAY), FRIDAY + HOUR, LETTER, FRIDAY + HOUR),
    "another letter was shown": (
        lambda s: shown(MORNING)(s).knows(prevention="We check each box."),
        FRIDAY,
        SHOWN,
        MORNING,
    ),
    "blocked": (lambda s: s.promised("call", by=FRIDAY), MORNING, [], FRIDAY),
}


@pytest.mark.parametrize(("change", "now", "expected", "due"), READ.values(), ids=READ)
def test_the_owner_reads_the_follow_up_first(
    change: Change, now: datetime, expected: list[str], due: datetime
) -> None:
    case = change(fixed()).case
    assert decided(case, now, SHOWING) == expected
    assert follow_up.next_due(case, SHOWING) == due


@pytest.mark.parametrize(
    ("now", "leaves"),
    [(MORNING, "Friday 4 December at 10:00"), (FRIDAY + HOUR, "Friday 4 December at 12:00")],
    ids=["in the morning", "late"],
)
def test_the_mail_says_when_the_follow_up_leaves(now: datetime, leaves: str) -> None:
    [told, _mail] = follow_up.decide(fixed().case, SHOWING, StubRenderer(), now)
    assert isinstance(told, e.OwnerNudged)
    assert leaves in told.why


DIGEST: dict[str, tuple[Change, Playbook, datetime, bool]] = {
    "of its day": (lambda s: s, SHOWING, MORNING, True),
    "of the day after": (lambda s: s, SHOWING, FRIDAY + 24 * HOUR, True),
    "of the day before": (lambda s: s, SHOWING, MORNING - 24 * HOUR, False),
    "where nothing is shown": (lambda s: s, PLAYBOOK, MORNING, False),
    "read before": (shown(MORNING), SHOWING, MORNING, False),
    "on hold": (lambda s: Story(replace(s.case, held=True)), SHOWING, MORNING, False),
    "in another stage": (lambda s: Story(replace(s.case, stage=Stage.CONFIRMED)), SHOWING, MORNING, False),
    "blocked": (lambda s: s.promised("call", by=FRIDAY), SHOWING, MORNING, False),
    "without a time of the fix": (lambda s: Story(replace(s.case, fixed_at=None)), SHOWING, MORNING, False),
}


@pytest.mark.parametrize(("change", "playbook", "now", "is_there"), DIGEST.values(), ids=DIGEST)
def test_the_digest_shows_the_follow_up_of_the_day(
    change: Change, playbook: Playbook, now: datetime, is_there: bool
) -> None:
    case = change(fixed()).case
    item = follow_up.shown_today(case, playbook, StubRenderer(), now)
    assert (item is not None) is is_there
    if item:
        assert (item.since, item.matters) == (case.fixed_at, (str(shown_key(LetterKind.FOLLOW_UP, case)),))


UNREAD: dict[str, tuple[Change, Playbook, list[str]]] = {
    "to read": (lambda s: s, SHOWING, LETTER),
    "where nothing is shown": (lambda s: s, PLAYBOOK, []),
    "read before": (shown(MORNING), SHOWING, []),
    "on hold": (lambda s: Story(replace(s.case, held=True)), SHOWING, []),
    "in another stage": (lambda s: Story(replace(s.case, stage=Stage.CONFIRMED)), SHOWING, []),
    "blocked": (lambda s: s.promised("call", by=FRIDAY), SHOWING, []),
}


@pytest.mark.parametrize(("change", "playbook", "expected"), UNREAD.values(), ids=UNREAD)
def test_a_follow_up_that_nobody_has_read_is_shown_on_request(
    change: Change, playbook: Playbook, expected: list[str]
) -> None:
    found = follow_up.unread_letters(change(fixed()).case, playbook, StubRenderer(), NOW)
    assert names([*found]) == expected


@pytest.mark.parametrize(
    ("told_at", "expected"),
    [(NOW, ["CallAsked"]), (NOW - 24 * HOUR, ["CallAsked", "desk/call"])],
    ids=["this morning", "yesterday"],
)
def test_a_digest_of_the_same_day_has_asked_for_the_call(told_at: datetime, expected: list[str]) -> None:
    story = followed_up()
    key = ReminderKey(ReminderKind.CALL, at=story.case.fixed_at)
    story.happened(e.OwnerNudged(at=told_at, matter=str(key), whom="ana"))
    asked = follow_up.decide(story.case, PLAYBOOK, StubRenderer(), NOW)
    assert names(asked) == expected
