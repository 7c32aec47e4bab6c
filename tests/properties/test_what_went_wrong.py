"""What the simulated world has found, each mishap once more by itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from followupd.app.cycle import run_cycle
from followupd.domain.case import Case, Stage
from followupd.domain.keys import ReminderKind
from followupd.domain.letter import DeliveryResult, LetterStatus
from followupd.errors import NotInDoubtError
from tests.properties.simulated import CUSTOMERS, Accepted, KilledError, Simulation, utc

KIM, COMPLAINT = (
    CUSTOMERS[0],
    "My parcel has still not arrived. I ordered it three weeks ago. This is unacceptable.",
)
TUESDAY = utc(2026, 12, 1)
FACTS = (
    "cause: the label printer failed",
    "resolution: a new one went out",
    "prevention: we check every label",
    "fault: ours",
)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Simulation]]:
    made: list[Simulation] = []

    def begin(variant: str = "asks", start: datetime = TUESDAY) -> Simulation:
        world = Simulation(tmp_path / "ledger.db", variant, start)
        made.append(world)
        world.arrives(world.mail(f"Kim Doe <{KIM}>", "Where is my parcel?", COMPLAINT), flags=["complaint"])
        world.live()
        return world

    yield begin
    for world in made:
        world.inspect_ledger()
        world.end()


def case(world: Simulation) -> Case:
    [found] = world.cases()
    return found


def later(world: Simulation, **span: float) -> None:
    world.now += timedelta(**span)
    world.live(12)


def letters(world: Simulation, kind: str) -> list[Accepted]:
    return [each for each in world.post.accepted if each.kind == kind]


def says(world: Simulation, *lines: str, agent: str = "ana") -> None:
    assert world.says(case(world).ref, *lines, agent=agent) == []
    world.live(12)


def followed_up(world: Simulation) -> None:
    says(world, "kept", "fixed", *FACTS)
    later(world, days=3)
    later(world, hours=1)  # in which its owner reads the letter
    assert case(world).stage is Stage.FOLLOWED_UP


def test_each_of_two_letters_in_doubt_is_asked_about(make: Callable[..., Simulation]) -> None:
    world = make()
    world.post.plan = ["lost"]
    later(world, minutes=11)
    says(world, "promise: ship the replacement by Friday")
    says(world, "late: 1 until Monday because the warehouse is flooded")
    later(world, minutes=1)  # the owner is shown the letter
    world.post.plan = ["lost"]
    later(world, minutes=12)
    later(world, minutes=12)
    doubts = [each.text for each in letters(world, "desk/doubt")]
    assert len(doubts) == len([s for s in world.letters(LetterStatus.DOUBT) if s.letter.to_customer]) == 2


def test_a_letter_dropped_by_hand_is_written_anew_only_after_release(make: Callable[..., Simulation]) -> None:
    world = make()
    world.post.plan = ["kept"]
    later(world, minutes=11)
    world.settles(f"{case(world).ref}.confirmation.1", "drop")
    later(world, days=1)
    assert len(letters(world, "confirmation")) == 1
    assert case(world).held
    says(world, "release")
    later(world, days=1)
    assert [each.key[-1] for each in letters(world, "confirmation")] == ["1", "2"]


def test_a_refused_draft_is_not_written_again_until_a_person_releases_the_case(
    make: Callable[..., Simulation],
) -> None:
    world = make("reviews")
    says(world, "promise: ship the replacement by Friday")
    later(world, minutes=11)
    says(world, "refuse: the tone is wrong")
    later(world, days=1)
    assert len(world.letters(LetterStatus.REVIEW)) == 0
    says(world, "release")
    assert len(world.letters(LetterStatus.REVIEW)) == 1


def test_the_code_of_a_dropped_gift_card_is_never_given_again(make: Callable[..., Simulation]) -> None:
    world = make()
    world.imports(60)
    followed_up(world)
    says(world, "gift-card: 20 EUR")
    later(world, days=2, hours=23)  # Monday's digest has left by then
    world.post.plan = ["kept"]
    later(world, hours=2)
    [first] = letters(world, "gift-card")
    world.settles(first.key, "drop")
    later(world, days=2)
    assert letters(world, "gift-card") == [first]
    says(world, "gift-card: 20 EUR")
    later(world, days=2)
    one, two = letters(world, "gift-card")
    assert "CODE-00001" in one.text
    assert "CODE-00002" in two.text


def test_only_a_letter_in_doubt_is_settled(make: Callable[..., Simulation]) -> None:
    world = make()
    later(world, minutes=11)
    key = f"{case(world).ref}.confirmation.1"
    for how in ("sent", "resend", "drop"):
        with pytest.raises(NotInDoubtError, match="is sent"):
            world.app.sender.resolve(key, how, "ana", world.now)
    with world.app.ledger.transaction() as tx:
        tx.outbox.queue(
            replace(tx.outbox.get(key).letter, key="x.y.1", case="", message_id="<x@y>"), world.now
        )
        tx.outbox.claim(["x.y.1"], world.now)
    for how in ("sent", "resend", "drop"):
        with pytest.raises(
            NotInDoubtError, match="is leaving"
        ):  # it is the daemon's, who may be handing it over
            world.app.sender.resolve("x.y.1", how, "ana", world.now)  # type: ignore[arg-type]  # one of the words
    world.live()


def test_a_report_that_a_letter_came_back_is_proof_that_it_had_left(make: Callable[..., Simulation]) -> None:
    world = make("resends")
    world.copies.clear()
    world.post.plan = ["kept"]
    later(world, minutes=11)
    [letter] = letters(world, "confirmation")
    world.copies.clear()
    world.bounce(letter)
    later(world, minutes=30)
    assert letters(world, "confirmation") == [letter]
    assert case(world).not_reached


def test_a_customer_who_is_not_reached_twice_is_asked_about_twice(make: Callable[..., Simulation]) -> None:
    world = make()
    for _ in range(2):
        world.post.bad_addresses.add(KIM)
        later(world, days=1)
        later(world, days=1)
        assert case(world).not_reached
        world.post.bad_addresses.clear()
        says(world, "reached")
        assert not case(world).not_reached
        says(world, "promise: call again by next Friday")
    nudges = case(world).reminders_of(ReminderKind.NOT_REACHED)
    assert len(nudges) == 2


def test_a_desk_mail_that_comes_back_is_told_to_the_next_rung(make: Callable[..., Simulation]) -> None:
    world = make()
    [opened] = letters(world, "desk/opened")
    for _ in range(2):  # some servers report twice
        world.bounce(opened)
        later(world, minutes=12)
    assert [each.to for each in letters(world, "desk/escalation")] == ["lee@agents.test"]
    assert case(world).not_reached == ""


def test_robots_of_agents_are_neither_notes_nor_the_customers_absence(
    make: Callable[..., Simulation],
) -> None:
    world = make()
    [opened] = letters(world, "desk/opened")
    text = f"I am out of the office until {world.now + timedelta(days=9):%d %B %Y}."
    world.arrives(
        world.mail("ana@agents.test", "Out of office", text, opened.mail, Auto_Submitted="auto-replied")
    )
    later(world, minutes=1)
    assert letters(world, "desk/answer") == []
    assert case(world).away_until is None


def test_a_held_case_is_not_forgotten(make: Callable[..., Simulation]) -> None:
    world = make()
    says(world, "hold")
    for _ in range(4):
        later(world, days=1)
    assert letters(world, "confirmation") == []
    assert "it is held" in " ".join(each.text for each in letters(world, "desk/nudge"))


def test_two_people_who_hear_of_a_case_in_one_turn_have_two_mails(make: Callable[..., Simulation]) -> None:
    world = make()
    later(world, minutes=11)
    world.now += timedelta(days=14)  # the lead's day and the manager's have both come
    world.live(12)
    assert {each.to for each in letters(world, "desk/escalation")} == {"lee@agents.test", "max@agents.test"}
    assert not case(world).held


def test_a_customer_who_writes_after_the_follow_up_is_not_left_without_an_answer(
    make: Callable[..., Simulation],
) -> None:
    world = make()
    followed_up(world)
    [letter] = letters(world, "follow-up")
    world.arrives(world.mail(KIM, "Re: Where is my parcel?", "Do you ship to Norway?", letter.mail))
    for _ in range(4):
        later(world, days=1)
    asked = " ".join(each.text for each in world.post.accepted if "desk/" in each.key)
    assert "nobody has answered" in " ".join(asked.split())


def test_a_case_does_not_close_while_something_is_to_be_given(make: Callable[..., Simulation]) -> None:
    world = make()
    says(world, "kept", "refund: 25 EUR")
    [problem] = world.says(case(world).ref, "close", agent="ana")
    assert "compensation 1 is not given" in problem
    says(world, "issued: 1", "close")
    assert case(world).stage is Stage.CLOSED


def test_a_letter_that_waited_long_for_other_reasons_is_not_given_up_at_its_first_deferral(
    make: Callable[..., Simulation],
) -> None:
    world = make()
    says(world, "promise: ship the replacement by next Friday")
    later(world, minutes=9)
    world.now += timedelta(minutes=2)
    world.app.router.run(world.now)
    world.app.cases.run(world.now)
    says(world, "hold")
    later(world, days=6)
    says(world, "release")
    world.post.plan = ["deferred"] * 5
    later(world, minutes=6)
    assert not world.letters(LetterStatus.REFUSED)
    assert case(world).not_reached == ""


def in_doubt_after_a_death(world: Simulation) -> None:
    """The confirmation was taken by the server, and the process died before it could write that down."""
    world.now += timedelta(minutes=11)
    world.app.router.run(world.now)
    world.app.cases.run(world.now)
    world.plug.left = 1000
    original = world.post.deliver

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        original(letter, sender=sender, to=to, witness=witness)
        raise KilledError("after the post took it")

    world.post.deliver = deliver  # type: ignore[method-assign]  # the process dies here
    with pytest.raises(KilledError):
        world.app.sender.run(world.now)
    world.plug.left = 0
    world.post.deliver = original  # type: ignore[method-assign]  # as it was
    world._wake()
    assert [state.letter.kind for state in world.letters(LetterStatus.DOUBT)] == ["confirmation"]


def a_copy_came(world: Simulation) -> None:
    """The first customer's letter proves that the server takes our witness; then a second customer complains."""
    later(world, minutes=11)
    for raw in world.copies:
        world.copy_arrives(raw)
    world.copies.clear()
    world.many_write(1)
    world.live()


def second(world: Simulation) -> list[Accepted]:
    return letters(world, "confirmation")[1:]


def test_a_copy_that_lies_in_the_mailbox_unread_is_read_before_anything_is_sent_again(
    make: Callable[..., Simulation],
) -> None:
    """The daemon was down for longer than the window; its first beat comes before its first look into the mailbox."""
    world = make("resends")
    a_copy_came(world)
    in_doubt_after_a_death(world)
    for raw in world.copies:
        world.copy_arrives(raw)
    world.copies.clear()
    world.now += timedelta(minutes=40)
    for _ in range(3):
        run_cycle(world.app, world.now)  # the mailbox cannot be reached yet
    assert len(second(world)) == 1
    later(world, minutes=1)
    assert len(second(world)) == 1
    assert {state.status for state in world.letters() if state.letter.kind == "confirmation"} == {
        LetterStatus.SENT
    }


def test_a_letter_whose_copy_was_looked_for_in_vain_is_sent_again_by_policy(
    make: Callable[..., Simulation],
) -> None:
    world = make("resends")
    a_copy_came(world)
    in_doubt_after_a_death(world)
    world.copies.clear()  # this one is lost
    for _ in range(3):
        later(world, minutes=15)
    one, two = second(world)
    assert one.mail["Message-ID"] == two.mail["Message-ID"]


def test_after_a_death_a_server_that_never_sent_us_a_copy_proves_nothing_by_sending_none(
    make: Callable[..., Simulation],
) -> None:
    world = make("resends")
    world.copies.clear()
    in_doubt_after_a_death(world)
    world.copies.clear()
    for _ in range(8):
        later(world, minutes=30)
    assert len(letters(world, "confirmation")) == 1
    assert len(letters(world, "desk/doubt")) == 1


def test_a_mailbox_that_nobody_can_read_makes_a_person_be_asked(make: Callable[..., Simulation]) -> None:
    world = make("resends")
    a_copy_came(world)
    in_doubt_after_a_death(world)
    for _ in range(8):
        world.now += timedelta(minutes=15)
        run_cycle(world.app, world.now)
    assert len(second(world)) == 1
    assert len(letters(world, "desk/doubt")) == 1
