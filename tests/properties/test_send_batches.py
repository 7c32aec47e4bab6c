"""What a crash, a slow server, a quota or a changed case in a batch means for the other letters."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from followupd.domain.keys import StateKey
from followupd.domain.letter import BREAKER_NOTICE, DeliveryResult, LetterStatus
from followupd.errors import UnavailableError
from followupd.services.outbox.send import BATCH_SIZE
from tests.properties.simulated import KilledError, Simulation, SmtpTransport, utc

MANY = 18


def begun(directory: Path, number: int, domain: str) -> Simulation:
    """Return a world in which the confirmations to so many complaints are about to be sent."""
    world = Simulation(directory / f"{number}{domain}.db", "asks", utc(2026, 12, 1))
    world.many_write(number, domain)
    world.live(12)
    world.now += timedelta(minutes=11)
    world.app.router.run(world.now)
    world.app.cases.run(world.now)
    assert len(confirmations(world, LetterStatus.QUEUED)) == number
    world.end()
    return world


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Simulation]:
    return cache(partial(begun, tmp_path_factory.mktemp("begun")))


@pytest.fixture
def make(tmp_path: Path, begin: Callable[[int, str], Simulation]) -> Iterator[Callable[..., Simulation]]:
    """Return what begins a world of a test's own."""
    made: list[Simulation] = []

    def copied(number: int = MANY, domain: str = "") -> Simulation:
        made.append(begin(number, domain).copy(tmp_path / "ledger.db"))
        return made[-1]

    yield copied
    for world in made:
        world.inspect_ledger()
        world.end()


def confirmations(world: Simulation, *conditions: LetterStatus) -> list[str]:
    return sorted(
        each.letter.key for each in world.letters(*conditions) if each.letter.kind == "confirmation"
    )


def taken(world: Simulation) -> list[str]:
    return sorted(each.key for each in world.post.accepted if each.kind == "confirmation")


def sends(world: Simulation) -> int:
    world.reads()
    return world.app.sender.run(world.now)


def assert_recorded(world: Simulation) -> None:
    """Assert that exactly the letters that the server accepted are recorded as sent, also in the cases."""
    assert confirmations(world, LetterStatus.SENT) == taken(world)
    left = {mark.key for case in world.cases() for mark in case.letters if mark.state == "left"}
    assert set(taken(world)) <= left


def test_many_letters_are_sent_in_few_batches_and_every_case_is_updated(
    make: Callable[..., Simulation],
) -> None:
    world = make()
    written: list[str] = []
    event.listen(
        world.app.ledger._engine,
        "before_cursor_execute",
        lambda *said: written.append(said[2]) if said[2].startswith(("UPDATE", "INSERT")) else None,
    )
    assert sends(world) == MANY
    assert_recorded(world)
    assert len(taken(world)) == MANY
    assert len(written) <= 5 * 5  # five batches: claim, result, case, history, tags


@pytest.mark.parametrize("number", [0, 1, 5, 17])
@pytest.mark.parametrize("copies", [True, False], ids=["copies come", "no copies come"])
def test_a_crash_in_a_batch_leaves_letters_in_doubt_until_a_copy_or_a_person_settles_them(
    make: Callable[..., Simulation], number: int, copies: bool
) -> None:
    world = make()
    world.post.plan = ["accepted"] * number + ["killed"]
    with pytest.raises(KilledError):
        sends(world)
    assert len(taken(world)) == number
    world._wake()
    doubtful = confirmations(world, LetterStatus.DOUBT)
    assert len(doubtful) <= BATCH_SIZE
    assert set(doubtful) | set(confirmations(world, LetterStatus.SENT)) >= set(taken(world))
    before = set(taken(world))
    if not copies:
        world.copies.clear()
    for raw in world.copies:
        world.copy_arrives(raw)
    world.copies.clear()
    for _ in range(12):
        world.live(12)
        world.now += timedelta(minutes=5)
    assert max(Counter(taken(world)).values(), default=1) == 1
    asked = {each.text for each in world.post.accepted if each.kind == "desk/doubt"}
    for key in confirmations(world, LetterStatus.DOUBT):
        assert any(key in text for text in asked)
    assert set(confirmations(world, LetterStatus.SENT)) == (
        set(taken(world))
        if copies
        else set(taken(world)) - (before & set(confirmations(world, LetterStatus.DOUBT)))
    )


def test_a_stop_in_a_batch_returns_the_letters_to_the_queue_that_the_server_has_not_seen(
    make: Callable[..., Simulation],
) -> None:
    world = make()
    go = iter([True] * 12 + [False] * MANY)
    world.reads()
    handed = world.app.sender.run(world.now, lambda: next(go))
    assert 0 < handed < MANY
    assert len(taken(world)) == handed
    assert_recorded(world)
    waiting = [each for each in world.letters(LetterStatus.QUEUED) if each.letter.kind == "confirmation"]
    assert len(waiting) == MANY - handed
    assert {each.attempts for each in waiting} == {0}
    assert sends(world) == MANY - handed


def test_an_immediate_stop_leaves_one_letter_in_doubt(make: Callable[..., Simulation]) -> None:
    """When the server is silent, all letters that it has not seen return to the queue."""
    world = make()

    class Silent(SmtpTransport):
        def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
            if len(taken(world)) == 10:
                world.app.sender.release_unsent()
                raise KilledError("while the server is silent")
            return super().deliver(letter, sender=sender, to=to, witness=witness)

    world.post = Silent(world)
    world.app = replace(world.app, sender=replace(world.app.sender, transport=world.post))
    with pytest.raises(KilledError):
        sends(world)
    world.post = SmtpTransport(world, accepted=world.post.accepted)
    world._wake()
    in_hand = len(confirmations(world, LetterStatus.DOUBT)) - (
        10 - len(confirmations(world, LetterStatus.SENT))
    )
    assert in_hand == 1


def test_with_a_slow_server_one_letter_is_claimed_at_a_time(
    make: Callable[..., Simulation],
) -> None:
    world = make(number=12)
    world.post.plan = ["accepted"] * 3 + ["slow"] * 100
    seen: list[int] = []
    original = world.post.deliver

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        seen.append(len(world.letters(LetterStatus.SENDING)))
        return original(letter, sender=sender, to=to, witness=witness)

    world.post.deliver = deliver  # type: ignore[method-assign]  # it looks, and does the same
    assert sum(sends(world) for _ in range(4)) == 12
    assert max(seen[-4:]) <= 2
    assert_recorded(world)


def test_a_hold_stops_the_letters_of_later_batches(make: Callable[..., Simulation]) -> None:
    world = make(number=12)
    held = world.cases()[-1].ref
    original = world.post.deliver

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        if not taken(world):
            world.says(held, "hold")
        return original(letter, sender=sender, to=to, witness=witness)

    world.post.deliver = deliver  # type: ignore[method-assign]  # an agent acts during the batch
    assert sends(world) == 11
    assert f"{held}.confirmation.1" not in taken(world)
    assert_recorded(world)


def test_a_case_that_changes_while_its_letter_is_sent_does_not_affect_other_letters(
    make: Callable[..., Simulation],
) -> None:
    world = make(number=12)
    original, moved = world.post.deliver, list[str]()

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        said = original(letter, sender=sender, to=to, witness=witness)
        if len(taken(world)) == 6:
            moved.append(world.post.accepted[-1].ref)
            world.says(moved[0], "hold")
        return said

    world.post.deliver = deliver  # type: ignore[method-assign]  # an agent acts at this moment
    assert sends(world) == 12
    assert_recorded(world)
    assert [case.ref for case in world.cases() if case.held] == moved
    assert confirmations(world, LetterStatus.SENDING, LetterStatus.DOUBT) == []


def test_the_results_of_a_batch_outlive_an_outage_of_the_ledger(
    make: Callable[..., Simulation],
) -> None:
    """The results are recorded in the next cycle; letters that the server has not seen are queued."""
    world = make(number=12)
    engine = world.app.ledger._engine
    out: list[bool] = []

    def fails(*_: object) -> None:
        if out:
            raise OperationalError("BEGIN", None, Exception("disk I/O error"))

    event.listen(engine, "begin", fails)
    original = world.post.deliver

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        said = original(letter, sender=sender, to=to, witness=witness)
        if len(taken(world)) == 5:
            world.seconds += 1
            out.append(True)
        return said

    world.post.deliver = deliver  # type: ignore[method-assign]  # the disk fails while a letter is sent
    with pytest.raises(UnavailableError):
        sends(world)
    out.clear()
    assert len(taken(world)) == 5
    world.live(12)
    assert len(taken(world)) == 12
    assert not [each for each in world.post.accepted if each.kind == "desk/doubt"]
    assert_recorded(world)


def test_a_case_that_cannot_be_read_does_not_stop_other_letters(
    make: Callable[..., Simulation],
) -> None:
    world = make(number=6)
    broken = world.cases()[2].ref
    with sqlite3.connect(world.path) as connection:
        [sealed] = connection.execute("SELECT sealed FROM case_file WHERE ref = ?", (broken,)).fetchone()
        connection.execute("UPDATE case_file SET sealed = x'00' WHERE ref = ?", (broken,))
    assert sends(world) == 5
    assert f"{broken}.confirmation.1" not in taken(world)
    [waiting] = [each for each in world.letters(LetterStatus.QUEUED) if each.letter.kind == "confirmation"]
    assert waiting.not_before
    assert "DecryptionError" in waiting.reply
    with sqlite3.connect(world.path) as connection:
        connection.execute("UPDATE case_file SET sealed = ? WHERE ref = ?", (sealed, broken))


def test_the_breaker_counts_the_letters_of_one_batch(make: Callable[..., Simulation]) -> None:
    world = make(number=1)
    before = len(world.post.accepted)
    policy = replace(world.app.sender.policy, breaker=(before + 12, timedelta(hours=1)))
    world.many_write(MANY)
    world.live(12)
    world.app = replace(world.app, sender=replace(world.app.sender, policy=policy))
    world.now += timedelta(minutes=30)
    world.live(12)
    keys = [each.key for each in world.post.accepted if BREAKER_NOTICE not in each.key]
    to_agents = sum("desk/" in key for key in keys)
    assert max(to_agents, len(keys) - to_agents) <= max(before + 12, before + MANY + 1)
    with world.app.ledger.transaction() as tx:
        assert tx.state.get(StateKey.BREAKER) is not None


def test_a_batch_has_no_more_letters_to_a_domain_than_its_quota(make: Callable[..., Simulation]) -> None:
    world = make(number=24, domain="one.test")
    sends(world)
    assert len(taken(world)) == 20
    assert len(confirmations(world, LetterStatus.QUEUED)) == 4
    world.now += timedelta(minutes=61)
    sends(world)
    assert len(taken(world)) == 24


def test_two_letters_to_one_customer_are_never_in_one_batch(make: Callable[..., Simulation]) -> None:
    world = make(number=4)
    [first, *_] = world.letters(LetterStatus.QUEUED)
    with world.app.ledger.transaction() as tx:
        for number in range(3):
            key = f"{first.letter.case}.confirmation.{number + 2}"
            tx.outbox.queue(replace(first.letter, key=key, message_id=f"<{key}@example.test>"), world.now)
    sends(world)
    sends(world)
    assert len([each for each in world.post.accepted if each.to == first.letter.to.address]) == 1


def test_a_gift_card_is_a_batch_of_its_own(make: Callable[..., Simulation]) -> None:
    world = make(number=6)
    sends(world)
    world.imports(9)
    for case in world.cases()[:3]:
        assert not world.says(
            case.ref,
            "kept",
            "fixed",
            "cause: our label printer failed",
            "resolution: a new parcel went out",
            "prevention: we check every label now",
            "fault: ours",
            "gift-card: 20 EUR",
            agent="ana",
        )
    seen: list[tuple[int, str]] = []
    original = world.post.deliver

    def deliver(letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        key = letter.partition(b"X-Followupd-Key: ")[2].partition(b"\r\n")[0].decode()
        if ".gift-card." in key:
            seen.append((len(world.letters(LetterStatus.SENDING)), key))
        return original(letter, sender=sender, to=to, witness=witness)

    world.post.deliver = deliver  # type: ignore[method-assign]  # it looks, and does the same
    for _ in range(12):
        world.now += timedelta(days=1)
        world.live(12)
    assert [number for number, _ in seen] == [1, 1, 1]
