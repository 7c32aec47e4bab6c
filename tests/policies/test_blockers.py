"""What keeps the follow-up from being sent.

A case in some state -> its blockers, and the lines that remove them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followupd.domain import events as e
from followupd.domain.case import Case, Recurrence, Stage
from followupd.domain.compensation import Gift, GrantState, Money
from followupd.domain.decision import stated
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Action, Option, PromiseState
from followupd.recovery.blockers import (
    FIRST_SHOWN,
    Blocker,
    asks,
    awaited_from,
    blockers_of,
    delay_due,
    delay_letter,
    delay_to_read,
    morning_after,
    shown_at,
    shown_key,
    still_to_give,
    unread_key,
    why_stale,
    why_untrue,
)
from tests.builders import KIM, NOW, PLAYBOOK, Story, a_case
from tests.policies.stubs import StubRenderer

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
Change = Callable[[Story], Story]


def ready() -> Story:
    """A case that nothing blocks."""
    return a_case().knows().fixed()


def written(story: Story, kind: LetterKind, *then: type[e.Event]) -> Story:
    key = story.case.next_key(kind)
    story.happened(
        e.LetterWritten(at=NOW, key=key, kind=kind, to=KIM.address, subject="Re: kettle", review=not then)
    )
    return story.happened(*(event(at=NOW, key=key, kind=kind) for event in then))  # type: ignore[call-arg]


def offered(story: Story, *texts: str) -> Story:
    options = [Option(n=n, text=text, promised_by=FRIDAY, offered_at=NOW) for n, text in enumerate(texts, 1)]
    return story.happened(*(e.OptionOffered(at=NOW, option=option) for option in options))


def in_state(state: PromiseState) -> Change:
    def change(story: Story) -> Story:
        story.promised("ship the replacement.", by=FRIDAY)
        return Story(story.case.with_promise(1, state=state))

    return change


def with_changes(**changes: object) -> Change:
    return lambda story: Story(replace(story.case, **changes))  # type: ignore[arg-type]


def an_action(**changes: object) -> Action:
    action = Action(n=2, text="train the depot.", due=FRIDAY, owner="ana", planned_at=NOW)
    return replace(action, **changes)  # type: ignore[arg-type]


def back(told: int = 1, **changes: object) -> Change:
    """The cause of a case came back."""
    found = Recurrence(cause="carrier", told=told, nth=3, first_told_at=NOW, at=NOW)
    found = replace(found, **changes)  # type: ignore[arg-type]

    def change(story: Story) -> Story:
        facts = replace(story.case.facts, cause_code="carrier")
        return Story(replace(story.case, facts=facts, recurrence=found))

    return change


def said_on_its_day(text: str, *insisted: str) -> Change:
    """A cause that is right on the day of the line only was given back to an agent."""

    def change(story: Story) -> Story:
        facts = replace(story.case.facts, cause="It left this morning.")
        returned = (("cause", text, "It left on Monday."),)
        return Story(replace(story.case, facts=facts, returned=returned, insisted=insisted))

    return change


def grant(state: GrantState, kind: Gift = Gift.REFUND) -> Change:
    return lambda story: story.granted(kind, "25", state=state)


PROMISE = "promise 1, “ship the replacement”,"
REFUND = "the refund of 25.00 EUR (number 1) is"
ROWS: dict[str, tuple[Change, list[Blocker]]] = {
    "nothing": (lambda s: s, []),
    "on hold": (
        lambda s: s.happened(e.Held(at=NOW)),
        [Blocker("held", "the case is held", "release")],
    ),
    "on hold for a reason": (
        lambda s: s.happened(e.Held(at=NOW, why="wait")),
        [Blocker("held", "the case is held: wait", "release")],
    ),
    "the customer wrote": (
        lambda s: s.customer_wrote("It broke again."),
        [Blocker("unanswered", "the customer has written since it was called fixed", "fixed")],
    ),
    "the customer was not reached": (
        lambda s: s.happened(e.CustomerNotReached(at=NOW, why="no such user")),
        [Blocker("not-reached", "the customer was not reached: no such user", "reached")],
    ),
    "others wrote": (
        with_changes(set_aside=("jo@example.com", "al@example.com")),
        [
            Blocker(
                f"set-aside-{who}@example.com",
                f"{who}@example.com, who takes no part in the case, has written about it",
                f"customer: {who}@example.com",
                "fixed",
            )
            for who in ("jo", "al")
        ],
    ),
    "a withdrawn promise that the customer waits for": (
        lambda s: Story(in_state(PromiseState.WITHDRAWN)(s).case.with_promise(1, untold_since=NOW)),
        [Blocker("withdrawn-1", f"{PROMISE} was withdrawn, and the customer does not know it yet")],
    ),
    "a second complaint": (
        with_changes(complaints_before=("FU-BEFORE",)),
        [
            Blocker(
                "gift",
                "it is a second complaint, and nothing is given for the trouble",
                "gift-card: ",
                "no-gift: ",
            )
        ],
    ),
    "a second complaint with a grant": (
        lambda s: with_changes(complaints_before=("FU-BEFORE",))(grant(GrantState.ISSUED)(s)),
        [],
    ),
    "a fact of that day": (
        said_on_its_day("It left this morning."),
        [
            Blocker(
                "moment-cause",
                "the cause is right on the day of the line only, and the letter leaves later",
                "cause: It left on Monday.",
            )
        ],
    ),
    "a fact of that day that is another one now": (said_on_its_day("It leaves today."), []),
    "a fact of that day on which an agent insists": (
        said_on_its_day("It left this morning.", "It left this morning."),
        [],
    ),
    "the cause came back": (
        back(),
        [
            Blocker(
                "again",
                "we told a customer that carrier would not happen again; this is case 3 since. "
                "What is different now?",
                "prevention: ",
            )
        ],
    ),
    "the cause came back after two": (
        back(told=2),
        [
            Blocker(
                "again",
                "we told 2 customers that carrier would not happen again; this is case 3 since. "
                "What is different now?",
                "prevention: ",
            )
        ],
    ),
    "the cause came back, and it was said": (back(answered=True), []),
    "another cause came back": (back(cause="billing"), []),
    "actions": (
        with_changes(actions=(an_action(n=1, done_at=NOW), an_action())),
        [
            Blocker(
                "action-2",
                "action 2, “train the depot”, is not done, and no letter says so before",
                "kept: 2",
            )
        ],
    ),
    "a proposed promise": (
        in_state(PromiseState.PROPOSED),
        [
            Blocker(
                "proposed-1",
                f"{PROMISE} was read in a reply, and nobody has said yet whether it holds",
                "approve",
            )
        ],
    ),
    "an open promise": (
        in_state(PromiseState.OPEN),
        [Blocker("promise-1", f"{PROMISE} is open", "kept: 1")],
    ),
    "a late promise": (
        in_state(PromiseState.LATE),
        [Blocker("promise-1", f"{PROMISE} is late", "kept: 1")],
    ),
    "a broken promise": (
        in_state(PromiseState.BROKEN),
        [Blocker("promise-1", f"{PROMISE} is broken", "kept: 1")],
    ),
    "a kept promise": (in_state(PromiseState.KEPT), []),
    "a withdrawn promise": (in_state(PromiseState.WITHDRAWN), []),
    "an open option": (
        lambda s: offered(s, "a refund"),
        [
            Blocker(
                "option-1",
                "option 1, “a refund”, is open, and nobody has chosen",
                "choose: 1",
                "withdraw-option: 1 because ...",
            )
        ],
    ),
    "a withdrawn option": (lambda s: offered(s, "a refund").happened(e.OptionWithdrawn(at=NOW, n=1)), []),
    "a proposed grant": (
        grant(GrantState.PROPOSED),
        [Blocker("grant-1", f"{REFUND} proposed, not issued", "approve")],
    ),
    "a grant that waits for approval": (
        grant(GrantState.WAITING_APPROVAL),
        [Blocker("grant-1", f"{REFUND} waiting-approval, not issued", "approve")],
    ),
    "a grant": (
        grant(GrantState.GRANTED),
        [Blocker("grant-1", f"{REFUND} granted, not issued", "issued: 1")],
    ),
    "a missing grant": (
        grant(GrantState.MISSING),
        [Blocker("grant-1", f"{REFUND} missing, not issued", "issued: 1")],
    ),
    "an issued grant": (grant(GrantState.ISSUED), []),
    "a confirmed grant": (grant(GrantState.CONFIRMED), []),
    "a refused grant": (grant(GrantState.REFUSED), []),
    "a gift card": (grant(GrantState.GRANTED, Gift.GIFT_CARD), []),
    "a letter in review": (
        lambda s: written(s, LetterKind.CONFIRMATION),
        [
            Blocker(
                "letter-FU-7K3Q9.confirmation.1",
                "FU-7K3Q9.confirmation.1 waits for an agent's approval",
                "approve",
            )
        ],
    ),
    "a letter in doubt": (
        lambda s: written(s, LetterKind.CONFIRMATION, e.LetterInDoubt),
        [
            Blocker(
                "letter-FU-7K3Q9.confirmation.1",
                "nobody knows whether FU-7K3Q9.confirmation.1 left",
            )
        ],
    ),
    "a letter that was sent": (lambda s: written(s, LetterKind.CONFIRMATION, e.NextStepConfirmed), []),
    "a desk mail in doubt": (lambda s: written(s, LetterKind.NUDGE, e.LetterInDoubt), []),
    "a desk mail, then a letter in review": (
        lambda s: written(written(s, LetterKind.NUDGE, e.LetterInDoubt), LetterKind.DELAY),
        [Blocker("letter-FU-7K3Q9.delay.1", "FU-7K3Q9.delay.1 waits for an agent's approval", "approve")],
    ),
}


@pytest.mark.parametrize(("change", "expected"), ROWS.values(), ids=ROWS)
def test_a_case_has_these_blockers(change: Change, expected: list[Blocker]) -> None:
    assert list(blockers_of(change(ready()).case, PLAYBOOK)) == expected


GENEROUS = replace(PLAYBOOK, gestures=(("normal", Money(1000, "GBP")),))
USUAL = "a gift card of 10.00 GBP would be usual for the trouble"


@pytest.mark.parametrize(
    ("change", "is_settled"),
    [
        (lambda s: s, False),
        (grant(GrantState.REFUSED), False),
        (grant(GrantState.ISSUED), True),
        (lambda s: s.knows(no_gift="it was the weather"), True),
    ],
    ids=["nothing", "refused", "issued", "a reason"],
)
def test_what_is_usual_for_the_trouble_is_given_or_a_reason_said(change: Change, is_settled: bool) -> None:
    found = blockers_of(change(ready()).case, GENEROUS)
    usual = Blocker("gift", USUAL, "gift-card: 10.00 GBP", "no-gift: ")
    assert list(found) == ([] if is_settled else [usual])


DAY = timedelta(days=1)
DUE = PLAYBOOK.follow_up_due(NOW, None)
AWAITED: dict[str, tuple[Case, datetime | None]] = {
    "a complaint": (replace(a_case().case, heard_at=NOW - DAY), NOW - DAY),
    "we wrote": (replace(a_case().case, heard_at=NOW - DAY, we_wrote_at=NOW), NOW),
    "put right": (ready().case, None),
    "put right, and kept back": (replace(ready().case, held=True), DUE),
    "kept back, and the customer is away": (
        replace(ready().case, held=True, away_until=DUE + DAY),
        DUE + DAY,
    ),
    "kept back in another stage": (replace(ready().case, held=True, stage=Stage.FOLLOWED_UP), None),
    "in doubt": (written(ready(), LetterKind.FOLLOW_UP, e.LetterInDoubt).case, None),
}


@pytest.mark.parametrize(("case", "since"), AWAITED.values(), ids=AWAITED)
def test_since_when_the_customer_waits_for_us(case: Case, since: datetime | None) -> None:
    assert awaited_from(case, PLAYBOOK) == since


def test_a_letter_with_the_same_words_is_read_once_and_one_with_other_words_again() -> None:
    story = ready()
    key = shown_key(LetterKind.FOLLOW_UP, story.case)
    assert key is not None
    assert len(str(key).rpartition(" ")[2]) == 12
    assert unread_key(LetterKind.FOLLOW_UP, story.case) == key
    assert shown_at(LetterKind.FOLLOW_UP, story.case) is None

    story.happened(e.OwnerNudged(at=NOW, matter=str(key), whom="ana"))
    assert unread_key(LetterKind.FOLLOW_UP, story.case) is None
    assert shown_at(LetterKind.FOLLOW_UP, story.case) == NOW

    for name in ("issue", "impact", "cause", "resolution", "prevention"):
        changed = Story(story.case).knows(**{name: "Something else."}).case
        assert unread_key(LetterKind.FOLLOW_UP, changed) not in (None, key)
    assert unread_key(LetterKind.FOLLOW_UP, story.granted(Gift.REFUND, "25").case) not in (None, key)


def test_facts_that_are_not_known_block_in_the_order_of_the_letter() -> None:
    found = blockers_of(a_case().fixed().case, PLAYBOOK)
    assert [(lack.name, lack.sentence, lack.ask) for lack in found] == [
        ("cause", "the cause is not known yet", "cause: "),
        ("resolution", "the resolution is not known yet", "resolution: "),
        ("prevention", "the prevention is not known yet", "prevention: "),
        (
            "fault",
            "nobody has said yet whose fault it was: ours, shared or not-ours",
            "fault: ours",
        ),
    ]


def test_the_fault_is_proposed_from_the_cause_and_settled_by_one_word() -> None:
    case = a_case().knows(fault="unknown", cause_code="carrier").fixed().case
    assert [lack.ask for lack in blockers_of(case, PLAYBOOK)] == ["fault: shared"]
    assert blockers_of(a_case().knows(fault="not-ours").fixed().case, PLAYBOOK) == ()


def test_a_customer_who_writes_before_the_fix_blocks_nothing() -> None:
    assert blockers_of(a_case().knows().customer_wrote("Hello?").case, PLAYBOOK) == ()


def test_blockers_come_in_the_order_in_which_agents_should_see_them() -> None:
    story = a_case().fixed().promised("call", by=FRIDAY).granted(Gift.REFUND, "25")
    offered(written(story, LetterKind.DELAY), "a refund").customer_wrote("Again!")
    found = [
        lack.name.partition("-")[0] for lack in blockers_of(story.happened(e.Held(at=NOW)).case, PLAYBOOK)
    ]
    wanted = "held unanswered promise option grant cause resolution prevention fault letter"
    assert found == wanted.split()


def test_every_line_is_asked_for_once_and_empty_ones_never() -> None:
    lines = asks([Blocker("a", "", "approve"), Blocker("b", "", "approve", "refuse: "), Blocker("c", "")])
    assert lines == ("approve", "refuse: ")


@pytest.mark.parametrize("state", GrantState)
def test_what_is_still_to_give(state: GrantState) -> None:
    given = {GrantState.ISSUED, GrantState.CONFIRMED, GrantState.REFUSED}
    assert still_to_give(a_case().granted(Gift.REFUND, "25", state=state).case.compensation[0]) is (
        state not in given
    )


# --- letters that wait in the outbox ---


def a_letter(kind: LetterKind, *concerns: int, good_until: datetime | None = None) -> Letter:
    return Letter(
        key=f"FU-7K3Q9.{kind}.1",
        case="FU-7K3Q9",
        kind=kind,
        mailbox="support",
        sender=Person("support@example.com"),
        to=KIM,
        subject="",
        text="",
        message_id="<1@example.com>",
        concerns=concerns,
        good_until=good_until,
    )


COMPLAINTS = (Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED, Stage.FIXED, Stage.FOLLOWED_UP, Stage.CLOSED)
SENT_IN = {
    LetterKind.CONFIRMATION: set(COMPLAINTS),
    LetterKind.HOLDING: {Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED},
    LetterKind.DELAY: set(COMPLAINTS) - {Stage.CLOSED},
    LetterKind.FOLLOW_UP: {Stage.FIXED},
    LetterKind.NUDGE: set(COMPLAINTS),
}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("kind", SENT_IN)
def test_a_letter_is_sent_in_these_stages(kind: LetterKind, stage: Stage) -> None:
    case = replace(ready().case, stage=stage)
    why = why_stale(a_letter(kind), case, PLAYBOOK, NOW)
    if stage in SENT_IN[kind]:
        assert why == ""
    elif stage in COMPLAINTS:
        assert why == f"the case is {stage}"
    else:
        assert why == f"the case is {stage}: an agent said that it is no complaint"


def promised(**changes: object) -> Case:
    case = a_case().promised("ship it", by=FRIDAY).case
    return case.with_promise(1, **changes)


SAME, CHANGED = "", "promise 1 changed meanwhile"
PROMISES: dict[str, tuple[Case, str]] = {
    "open": (promised(), SAME),
    "late": (promised(state=PromiseState.LATE), SAME),
    "broken": (promised(state=PromiseState.BROKEN), SAME),
    "kept": (promised(state=PromiseState.KEPT), CHANGED),
    "withdrawn": (promised(state=PromiseState.WITHDRAWN), CHANGED),
    "in writing already": (promised(confirmed="FU-7K3Q9.confirmation.9"), CHANGED),
    "gone": (a_case().case, CHANGED),
}


@pytest.mark.parametrize("kind", [LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.HOLDING])
@pytest.mark.parametrize(("case", "why"), PROMISES.values(), ids=PROMISES)
def test_a_letter_about_a_promise_becomes_stale(case: Case, why: str, kind: LetterKind) -> None:
    assert why_stale(a_letter(kind, 1), case, PLAYBOOK, NOW) == why


@pytest.mark.parametrize("state", GrantState)
def test_a_letter_that_names_a_gift_is_sent_while_it_is_given(state: GrantState) -> None:
    grant = a_case().granted(Gift.REFUND, "5", state=GrantState.GRANTED).case.compensation
    letter = replace(a_letter(LetterKind.CONFIRMATION), stated=stated([], grant))
    case = a_case().granted(Gift.REFUND, "5", state=state).case
    is_given = state in {GrantState.GRANTED, GrantState.ISSUED, GrantState.CONFIRMED, GrantState.MISSING}
    assert why_stale(letter, case, PLAYBOOK, NOW) == ("" if is_given else "gift 1 changed meanwhile")
    assert why_untrue(letter, case, PLAYBOOK) == ("" if is_given else "gift 1 changed meanwhile")


def test_a_letter_is_stale_when_a_gift_or_a_date_is_another_one_now() -> None:
    before, after = promised(), promised(promised_by=FRIDAY + timedelta(days=3))
    letter = replace(a_letter(LetterKind.CONFIRMATION, 1), stated=stated(before.promises, []))
    assert why_stale(letter, before, PLAYBOOK, NOW) == SAME
    assert why_stale(letter, after, PLAYBOOK, NOW) == CHANGED
    in_an_agents_words = replace(letter, written="as it was written")
    assert why_stale(in_an_agents_words, after, PLAYBOOK, NOW) == SAME


def test_a_desk_mail_about_a_promise_is_sent_whatever_became_of_it() -> None:
    assert why_stale(a_letter(LetterKind.NUDGE, 1), promised(state=PromiseState.KEPT), PLAYBOOK, NOW) == ""


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (None, ""),
        (e.OptionChosen(at=NOW, n=1), "the options changed meanwhile"),
        (e.OptionWithdrawn(at=NOW, n=2), "the options changed meanwhile"),
    ],
    ids=["open", "chosen", "withdrawn"],
)
def test_a_letter_that_offers_options_becomes_stale(event: e.Event | None, why: str) -> None:
    letter = a_letter(LetterKind.CONFIRMATION)
    story = offered(a_case(), "a refund", "a new one").happened(e.OptionsAsked(at=NOW, key=letter.key))
    case = story.happened(*([event] if event else [])).case
    assert why_stale(letter, case, PLAYBOOK, NOW) == why
    other = replace(letter, key="FU-7K3Q9.confirmation.2")
    assert why_stale(other, case, PLAYBOOK, NOW) == ""


@pytest.mark.parametrize("state", GrantState)
def test_the_letter_of_a_gift_card_is_sent_while_the_card_is_granted(state: GrantState) -> None:
    case = a_case().granted(Gift.GIFT_CARD, "20", state=state).case
    gone = "the gift card is not granted any more"
    card = a_letter(LetterKind.GIFT_CARD, 1)
    assert why_stale(card, case, PLAYBOOK, NOW) == ("" if state is GrantState.GRANTED else gone)
    assert why_stale(a_letter(LetterKind.GIFT_CARD), case, PLAYBOOK, NOW) == gone
    assert why_stale(a_letter(LetterKind.GIFT_CARD, 2), case, PLAYBOOK, NOW) == gone


def test_the_letter_of_a_gift_card_is_sent_in_every_stage() -> None:
    case = replace(a_case().granted(Gift.GIFT_CARD, "20").case, stage=Stage.CLOSED)
    assert why_stale(a_letter(LetterKind.GIFT_CARD, 1), case, PLAYBOOK, NOW) == ""


@pytest.mark.parametrize(("minutes", "expired"), [(-1, True), (0, True), (1, False)])
def test_a_letter_is_stale_once_what_it_hands_over_has_expired(minutes: int, expired: bool) -> None:
    letter = a_letter(LetterKind.GIFT_CARD, 1, good_until=NOW + timedelta(minutes=minutes))
    case = a_case().granted(Gift.GIFT_CARD, "20").case
    assert (why_stale(letter, case, PLAYBOOK, NOW) == "what it hands over has expired") is expired


def test_a_follow_up_is_stale_for_its_first_blocker() -> None:
    case = a_case().fixed().promised("call", by=FRIDAY).case
    assert why_stale(a_letter(LetterKind.FOLLOW_UP), case, PLAYBOOK, NOW) == "promise 1, “call”, is open"


# --- the words that their owner reads, and letters about late promises ---

SHOWING = replace(PLAYBOOK, confirm_show=True)
HOUR = timedelta(hours=1)
Differs = Callable[[Case], Case]


def late(told_before: datetime | None = None) -> Story:
    """A promise in writing for Friday has a new date."""
    story = a_case().promised("ship it", by=FRIDAY).confirmed(1)
    moved = FRIDAY + timedelta(days=4)
    story.happened(e.PromiseLate(at=NOW, n=1, internal_deadline=moved, promised_by=moved, because="a strike"))
    return Story(story.case.with_promise(1, told_before=told_before))


WORDS: dict[str, tuple[LetterKind, Case, Differs]] = {
    "a promise with another text": (
        LetterKind.CONFIRMATION,
        promised(),
        lambda case: case.with_promise(1, text="send it"),
    ),
    "a promise with another date": (
        LetterKind.CONFIRMATION,
        promised(),
        lambda case: case.with_promise(1, promised_by=FRIDAY + HOUR),
    ),
    "a gift of another amount": (
        LetterKind.CONFIRMATION,
        a_case().granted(Gift.REFUND, "5").case,
        lambda _: a_case().granted(Gift.REFUND, "6").case,
    ),
    "one more option": (
        LetterKind.CONFIRMATION,
        offered(a_case(), "a refund", "a new one").case,
        lambda case: offered(Story(case), "a refund", "a new one", "a coupon").case,
    ),
    "another reason for a delay": (
        LetterKind.DELAY,
        late().case,
        lambda case: case.with_promise(1, because="snow"),
    ),
    "another day since which we hold": (
        LetterKind.HOLDING,
        promised(),
        lambda case: replace(case, we_wrote_at=FRIDAY),
    ),
    "another promise while we hold": (
        LetterKind.HOLDING,
        promised(),
        lambda case: case.with_promise(1, text="send it"),
    ),
}


@pytest.mark.parametrize(("kind", "case", "differs"), WORDS.values(), ids=WORDS)
def test_other_words_are_read_again(kind: LetterKind, case: Case, differs: Differs) -> None:
    assert shown_key(kind, case) == shown_key(kind, replace(case, version=9))
    assert None not in (shown_key(kind, case), shown_key(kind, differs(case)))
    assert shown_key(kind, case) != shown_key(kind, differs(case))


NO_WORDS: dict[str, tuple[LetterKind, Case]] = {
    "nothing": (LetterKind.CONFIRMATION, a_case().case),
    "a gift card": (LetterKind.CONFIRMATION, a_case().granted(Gift.GIFT_CARD, "20").case),
    "a promise of options": (LetterKind.CONFIRMATION, promised(source="options")),
    "nothing late": (LetterKind.DELAY, promised()),
    "late, and in writing": (
        LetterKind.DELAY,
        late().case.with_promise(1, confirmed="FU-7K3Q9.delay.1"),
    ),
}


@pytest.mark.parametrize(("kind", "case"), NO_WORDS.values(), ids=NO_WORDS)
def test_some_letters_need_no_reading(kind: LetterKind, case: Case) -> None:
    assert shown_key(kind, case) is None
    assert unread_key(kind, case) is None
    assert shown_at(kind, case) is None


def test_of_the_first_letter_that_was_shown_only_the_words_of_replies_are_read_again() -> None:
    def seen(case: Case) -> Case:
        return Story(case).happened(e.OwnerNudged(at=NOW, matter=str(FIRST_SHOWN), whom="ana")).case

    by_hand, of_reply = promised(source="note"), promised(source="reply")
    assert shown_key(LetterKind.CONFIRMATION, seen(by_hand)) is None
    assert shown_key(LetterKind.CONFIRMATION, seen(of_reply)) is not None
    assert shown_key(LetterKind.CONFIRMATION, seen(offered(a_case(), "a refund", "a new one").case)) is None
    for source, is_read in (("note", False), ("reply", True)):
        granted = a_case().granted(Gift.REFUND, "5").case
        granted = granted.with_compensation(1, source=source)
        assert (shown_key(LetterKind.CONFIRMATION, seen(granted)) is not None) is is_read
    answered = written(Story(seen(by_hand)), LetterKind.CONFIRMATION).case
    assert shown_key(LetterKind.CONFIRMATION, answered) is not None


# what happened to a late promise, and whether letters are shown -> whether the owner has the time to read it
DELAYS: dict[str, tuple[Change, Playbook, bool]] = {
    "late": (lambda s: s, SHOWING, True),
    "where nothing is shown": (lambda s: s, PLAYBOOK, False),
    "on hold": (with_changes(held=True), SHOWING, False),
    "not reached": (with_changes(not_reached="no such user"), SHOWING, False),
    "under way": (lambda s: written(s, LetterKind.DELAY), SHOWING, False),
    "in writing": (
        lambda s: Story(s.case.with_promise(1, confirmed="FU-7K3Q9.delay.1")),
        SHOWING,
        False,
    ),
    "the date is later": (
        lambda s: Story(s.case.with_promise(1, told_before=FRIDAY)),
        SHOWING,
        True,
    ),
    "the date passes at once": (
        lambda s: Story(s.case.with_promise(1, told_before=NOW)),
        SHOWING,
        False,
    ),
    "the date passes as the time to read ends": (
        lambda s: Story(
            s.case.with_promise(1, told_before=SHOWING.calendar.after(NOW, SHOWING.confirm_after))
        ),
        SHOWING,
        False,
    ),
    "the date has passed": (
        lambda s: Story(s.case.with_promise(1, told_before=NOW - HOUR)),
        SHOWING,
        True,
    ),
    "a letter of today": (lambda s: written(s, LetterKind.DELAY, e.CustomerTold), SHOWING, False),
}


@pytest.mark.parametrize(("change", "playbook", "is_read"), DELAYS.values(), ids=DELAYS)
def test_the_owner_reads_a_letter_about_late_promises(
    change: Change, playbook: Playbook, is_read: bool
) -> None:
    item = delay_to_read(change(late()).case, playbook, StubRenderer(), NOW)
    assert (item is not None) is is_read
    if item:
        assert item.since == item.case.opened_at
        assert item.matters == (str(shown_key(LetterKind.DELAY, item.case)),)
        assert "at 10:10" in item.what


MORNING = datetime(2026, 12, 2, 9, tzinfo=UTC)
TOLD_BEFORE: dict[str, tuple[datetime | None, datetime | None]] = {
    "no date": (None, MORNING),
    "a date after it": (MORNING + HOUR, MORNING),
    "a date of before": (MORNING - HOUR, None),
    "a date of that minute": (MORNING, None),
}


@pytest.mark.parametrize(("told_before", "expected"), TOLD_BEFORE.values(), ids=TOLD_BEFORE)
def test_of_late_promises_the_customer_hears_once_a_day(
    told_before: datetime | None, expected: datetime | None
) -> None:
    case = late(told_before).case
    assert delay_due(case, PLAYBOOK) is None
    assert morning_after(NOW, case, PLAYBOOK) == expected


def test_a_delay_letter_is_about_the_new_date_of_what_is_late() -> None:
    case = late().case
    renderer = StubRenderer()
    letter = delay_letter(case, case.promises, PLAYBOOK, renderer, NOW)
    [content] = renderer.contents
    assert (letter.concerns, content.until) == ((1,), FRIDAY + timedelta(days=4))
    assert (content.because, content.automatic) == ("a strike", False)
    gone = case.with_promise(1, state=PromiseState.WITHDRAWN)
    delay_letter(gone, gone.promises, PLAYBOOK, renderer, NOW)
    assert renderer.contents[1].until is None


def test_a_letter_about_a_withdrawn_promise_is_true_while_the_customer_waits_for_it() -> None:
    case = promised(state=PromiseState.WITHDRAWN, untold_since=NOW)
    assert why_stale(a_letter(LetterKind.DELAY, 1), case, PLAYBOOK, NOW) == ""
