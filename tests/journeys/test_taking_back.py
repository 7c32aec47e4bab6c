"""What agents take back: a promise that the customer has in writing, a tag, the last word."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from followupd.domain.case import Stage
from followupd.domain.compensation import GrantState
from followupd.services.commands import NoteResult
from tests.journeys.test_agents_mail import PLAYBOOK, arrives, own_mail
from tests.journeys.world import World, text_of

COMPLAINT = "My grinder has not arrived after three weeks, nobody answers. I want my money back. This is unacceptable."
FACTS = (
    "cause: the label was torn",
    "resolution: we ring you",
    "prevention: labels are checked",
    "kept: 1",
    "fault: ours",
)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(
        playbook=PLAYBOOK.replace("0 minutes", "10 minutes"),
        smtp_extra='witness = "none"\nper_address = "9 per day"',
    )


@pytest.fixture
def promised(world: World) -> World:
    """A world in which the customer has a promise in writing."""
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    world.says(world.case().ref, "promise: ship a new grinder by Friday")
    later(world, minutes=11)
    assert len(world.letters("confirmation")) == 1
    return world


def later(world: World, **time: float) -> None:
    world.passes(world.now + timedelta(**time))


# --- a promise in writing ---


def test_a_promise_in_writing_is_withdrawn_in_writing_before_anything_else(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "withdraw: 2 because it is sold out", "fixed", *FACTS)
    assert "the customer has promise 2 in writing" in promised.says(ref, "close")[0]
    later(promised, minutes=11)
    [letter] = promised.letters("delay")
    words = " ".join(text_of(letter).split())
    assert (
        "I told you: “Ship a new grinder.” I am afraid that will not happen. The reason: it is sold out."
        in words
    )
    assert promised.case().untold == ()
    later(promised, days=1)
    assert len(promised.letters("delay")) == 1
    later(promised, days=4)
    assert len(promised.letters("follow-up")) == 1


def test_the_agents_own_reply_withdraws_it_too(promised: World) -> None:
    promised.says(promised.case().ref, "withdraw: 2 because it is sold out")
    arrives(promised, own_mail(promised, "Dear Kim,\n\nit is sold out, I am sorry.\n\nAna\n"))
    later(promised, minutes=11)
    assert promised.letters("delay") == []
    assert promised.case().untold == ()


def test_a_late_and_a_withdrawn_promise_share_one_letter(promised: World) -> None:
    promised.says(
        promised.case().ref, "late: 1 until Monday because of a strike", "withdraw: 2 because sold out"
    )
    later(promised, minutes=11)
    letters = [" ".join(text_of(letter).split()) for letter in promised.letters("delay")]
    assert sum("I am afraid that will not happen" in words for words in letters) == 1


def test_a_customer_gets_one_delay_letter_a_day(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "late: 1 until Monday because of a strike")
    later(promised, hours=2)
    promised.says(ref, "late: 2 until Tuesday because of a strike")
    later(promised, hours=2)
    assert len(promised.letters("delay")) == 1
    later(promised, hours=20)
    later(promised, minutes=11)
    assert len(promised.letters("delay")) == 2


@pytest.fixture
def twice(promised: World) -> tuple[str, str]:
    """Two cases of one customer, each with a promise in writing; their references."""
    promised.customer_writes(COMPLAINT, "Kettle not delivered")
    promised.agent_tags("complaint")
    first, second = sorted(promised.cases(), key=lambda case: case.opened_at)
    promised.says(second.ref, "promise: ship a new kettle by Friday")
    later(promised, minutes=11)
    assert len(promised.letters("confirmation")) == 2
    return first.ref, second.ref


def test_a_customer_with_two_cases_gets_one_delay_letter_a_day(
    promised: World, twice: tuple[str, str]
) -> None:
    for ref in twice:
        promised.says(ref, "late: 2 until Monday because of a strike")
    later(promised, hours=4)
    assert len(promised.letters("delay")) == 1
    later(promised, hours=20)
    assert [twice[0] in key or twice[1] in key for key in keys(promised, "delay")] == [True, True]
    assert len(set(keys(promised, "delay"))) == 2
    later(promised, days=1)
    assert len(promised.letters("delay")) == 2


def test_a_withdrawn_promise_of_another_case_waits_for_the_morning_as_well(
    promised: World, twice: tuple[str, str]
) -> None:
    promised.says(twice[0], "late: 2 until Monday because of a strike")
    promised.says(twice[1], "withdraw: 2 because it is sold out")
    later(promised, hours=4)
    assert len(promised.letters("delay")) == 1
    later(promised, hours=20)
    assert len(promised.letters("delay")) == 2


def test_a_date_of_another_case_that_passes_before_the_morning_is_told_at_once(
    promised: World, twice: tuple[str, str]
) -> None:
    promised.says(twice[1], "promise: ring you by 16:30")
    later(promised, minutes=11)
    promised.says(twice[0], "late: 2 until Monday because of a strike")
    promised.says(twice[1], "late: 3 until Tuesday because of a strike")
    later(promised, minutes=11)
    assert len(promised.letters("delay")) == 2


def test_the_letters_of_two_customers_do_not_wait_for_each_other(promised: World) -> None:
    promised.customer_writes(COMPLAINT, "Kettle", sender="sam@others.test", name="Sam Poole")
    promised.agent_tags("complaint")
    first, second = sorted(promised.cases(), key=lambda case: case.opened_at)
    promised.says(second.ref, "promise: ship a new kettle by Friday")
    later(promised, minutes=11)
    for ref in (first.ref, second.ref):
        promised.says(ref, "late: 2 until Monday because of a strike")
    later(promised, minutes=11)
    assert len(promised.letters("delay")) == 2


def keys(world: World, kind: str) -> list[str]:
    return [str(letter["X-Followupd-Key"]) for letter in world.letters(kind)]


def test_a_date_that_passes_before_the_morning_is_told_at_once(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "promise: ring you by 16:00")
    later(promised, minutes=11)
    later(promised, minutes=11)
    assert promised.says(ref, "late: 1 until Monday because of a strike") == []
    later(promised, minutes=11)
    assert promised.case().promises[2].confirmed
    assert promised.says(ref, "late: 3 until Tuesday because of a strike") == []
    later(promised, minutes=11)
    assert len(promised.letters("delay")) == 2


def test_a_promise_that_the_customer_never_had_in_writing_needs_no_letter(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "promise: call you by Thursday")
    promised.says(ref, "withdraw: 3 because we met")
    later(promised, minutes=21)
    assert promised.letters("delay") == []


# --- tags ---


def test_a_complaint_tag_that_is_removed_in_the_quiet_window_takes_the_complaint_back(world: World) -> None:
    world.customer_writes("Do you sell spare jugs?", "Spare jug")
    world.agent_tags("complaint")
    untag(world, "complaint")
    assert world.case().stage is Stage.DISMISSED
    later(world, hours=1)
    assert world.letters("confirmation") == []


def test_a_complaint_tag_that_is_removed_too_late_is_said_to_be(promised: World) -> None:
    untag(promised, "complaint")
    assert promised.case().stage is Stage.CONFIRMED


def test_a_tag_removed_after_the_letter_left_comes_back_with_what_to_say(world: World) -> None:
    world.customer_writes(COMPLAINT, "Grinder not delivered")
    world.agent_tags("complaint")
    later(world, minutes=11)
    untag(world, "complaint")
    assert world.case().stage is Stage.CONFIRMED
    assert "say 'dismiss' if it is none" in " ".join(text_of(world.letters("desk/answer")[-1]).split())


def test_removing_the_hold_tag_releases_the_case(promised: World) -> None:
    promised.agent_tags("hold")
    assert promised.case().held
    untag(promised, "hold")
    assert not promised.case().held
    promised.agent_tags("hold")
    assert promised.case().held


def test_a_hold_that_was_said_in_words_does_not_end_with_a_tag(promised: World) -> None:
    promised.agent_tags("hold")
    promised.says(promised.case().ref, "release")
    promised.says(promised.case().ref, "hold")
    untag(promised, "hold")
    assert promised.case().held


def test_a_tag_of_a_deed_is_taken_off_and_may_be_set_again(promised: World) -> None:
    promised.agent_tags("refund-25")
    assert "refund-25" not in tags(promised)
    assert "complaint" in tags(promised)
    promised.says(promised.case().ref, "refused: 1")
    promised.agent_tags("refund-25")
    assert [grant.state for grant in promised.case().compensation] == [GrantState.REFUSED, GrantState.GRANTED]


def untag(world: World, tag: str) -> None:
    world.postbox.unmark(world.postbox.uids()[0], tag)
    world.passes()


def tags(world: World) -> set[str]:
    return set(world.postbox.flags(world.postbox.uids()[0]))


# --- undo ---


@pytest.mark.parametrize(
    "line",
    [
        "cause: the label was torn",
        "fault: ours",
        "hold",
        "owner: lee",
        "severity: high",
        "promise: ring you by Friday",
        "kept: 2",
        "withdraw: 2 because it is sold out",
        "late: 2 until Monday because of a strike",
        "refund: 20 EUR",
        "fixed",
    ],
)
def test_undo_takes_the_last_word_back(promised: World, line: str) -> None:
    before = promised.case()
    ref = before.ref
    with promised.app.ledger.transaction() as tx:
        result = promised.app.commands.run_lines(
            tx,
            before,
            [line, "undo"],
            "Ana Reyes",
            "tell",
            promised.app.settings.team.by_id("ana"),
            promised.now,
        )
    assert result.problems == ()
    after = promised.case()
    assert after.facts == replace(before.facts, cause=after.facts.cause)
    assert not after.facts.cause
    assert (after.held, after.owner, after.severity) == (before.held, before.owner, before.severity)
    assert [(p.text, p.promised_by, p.state) for p in after.owed] == [
        (p.text, p.promised_by, p.state) for p in before.owed
    ]
    assert after.grants_in(GrantState.GRANTED) == ()
    assert promised.says(ref, "undo") != []  # once is enough


def test_undo_says_where_it_is_too_late_and_what_to_do(promised: World) -> None:
    [problem] = promised.says(promised.case().ref, "undo")
    assert "the customer has promise 2 in writing; say 'withdraw: 2 because ...'" in problem


def test_undo_takes_back_nobody_elses_word(promised: World) -> None:
    ref = promised.case().ref
    promised.says(ref, "severity: high", agent="lee")
    [problem] = promised.says(ref, "undo", agent="ana")
    assert "the last word is that of Lee Park, 'severity: high'" in problem
    assert promised.says(ref, "undo", agent="lee") == []
    assert promised.case().severity == "normal"


def told_by_ana(world: World, *lines: str) -> NoteResult:
    """Run lines on the only case as an agent."""
    with world.app.ledger.transaction() as tx:
        return world.app.commands.run_lines(
            tx, world.case(), lines, "Ana Reyes", "tell", world.app.settings.team.by_id("ana"), world.now
        )


def test_undo_takes_back_the_order_before_it_on_the_same_line_not_an_older_word(promised: World) -> None:
    assert told_by_ana(promised, "severity: high").problems == ()
    before = promised.case().facts.fault
    assert told_by_ana(promised, "fault: shared, undo").problems == ()
    assert (promised.case().severity, promised.case().facts.fault) == ("high", before)


def test_undo_gives_a_hold_the_day_back_that_it_had(promised: World) -> None:
    assert told_by_ana(promised, "hold: until Friday").problems == ()
    until = promised.case().held_until
    assert until is not None
    assert told_by_ana(promised, "hold: until Monday", "undo").problems == ()
    assert (promised.case().held, promised.case().held_until) == (True, until)


def test_undo_passes_over_free_words_which_are_no_order(promised: World) -> None:
    assert told_by_ana(promised, "severity: high").problems == ()
    assert told_by_ana(promised, "She sounded relieved on the phone.").problems == ()
    assert told_by_ana(promised, "undo").problems == ()
    assert promised.case().severity != "high"


def test_each_undo_takes_back_the_next_older_word(promised: World) -> None:
    for line in ("severity: high", "fault: shared", "hold: until Friday", "undo"):
        assert told_by_ana(promised, line).problems == ()
    assert (promised.case().held, str(promised.case().facts.fault)) == (False, "shared")
    assert told_by_ana(promised, "undo").problems == ()
    assert (promised.case().severity, str(promised.case().facts.fault)) == ("high", "unknown")
    assert told_by_ana(promised, "hold").problems == ()
    assert told_by_ana(promised, "undo").problems == ()
    assert told_by_ana(promised, "undo").problems == ()
    assert promised.case().severity == "normal"


@pytest.mark.parametrize("words", ["undo", "undo, wrong case", "Undo. Sorry!", "rückgängig"])
def test_an_undo_is_answered_with_what_it_took_back(promised: World, words: str) -> None:
    desk = next(mail for mail in promised.letters() if "desk/" in str(mail["X-Followupd-Key"]))
    promised.agent_answers(desk, "severity: high")
    promised.agent_answers(desk, words)
    assert promised.case().severity == "normal"
    answer = " ".join(text_of(promised.letters("desk/answer")[-1]).split())
    assert "This was taken back: 'severity: high'" in answer


@pytest.mark.parametrize("word", ["undo", "rückgängig"])
def test_an_undo_takes_back_one_line_of_a_note_and_names_the_one_before_it(
    promised: World, word: str
) -> None:
    desk = next(mail for mail in promised.letters() if "desk/" in str(mail["X-Followupd-Key"]))
    promised.agent_answers(desk, "severity: low", "fault: shared")
    promised.agent_answers(desk, word)
    assert (promised.case().severity, str(promised.case().facts.fault)) == ("low", "unknown")
    answer = " ".join(text_of(promised.letters("desk/answer")[-1]).split())
    assert "This was taken back: 'fault: shared'. 'severity: low', which was said with it, stands" in answer
    promised.agent_answers(desk, word)
    assert promised.case().severity == "normal"
    answer = " ".join(text_of(promised.letters("desk/answer")[-1]).split())
    assert "This was taken back: 'severity: low'. " in answer
    assert "which was said with it" not in answer


def test_a_line_that_is_said_again_in_the_same_minute_is_the_last_word(promised: World) -> None:
    for line in ("severity: low", "undo", "hold", "severity: low", "undo"):
        assert told_by_ana(promised, line).problems == ()
    assert (promised.case().severity, promised.case().held) == ("normal", True)
