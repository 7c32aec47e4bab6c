"""The kept promise: a parcel is lost, a replacement and a refund are promised, kept, and followed up."""

from datetime import UTC, datetime, timedelta

from followupd.domain.case import Stage
from followupd.domain.compensation import Money
from tests.journeys.world import CUSTOMER, PUT_RIGHT_FACTS, World, html_of, text_of

COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
CODE = "GIFT-7Q4X-SECRET"


def test_a_lost_parcel_is_put_right_and_followed_up_with_one_letter_of_each_kind(world: World) -> None:
    complaint = world.customer_writes(COMPLAINT)
    world.agent_tags("complaint")
    assert world.letters("confirmation") == []  # the quiet window

    world.passes(world.now + timedelta(minutes=11))
    [confirmation] = world.letters("confirmation")
    assert confirmation["To"].addresses[0].addr_spec == CUSTOMER
    assert confirmation["In-Reply-To"] == complaint
    assert confirmation["Auto-Submitted"] == "auto-replied"
    assert "Ana Reyes" in text_of(confirmation)
    assert world.case().stage is Stage.CONFIRMED

    world.agent_replies(
        "Dear Kim,\n\nI am so sorry. I will ship a replacement by Friday, and we'll refund you 25 EUR.\n\nAna",
        complaint,
        "promised",
    )
    case = world.case()
    assert [promise.state.value for promise in case.promises] == [
        "kept",
        "open",
    ]  # the standing update, the replacement
    assert [(grant.kind.value, grant.money, grant.state.value) for grant in case.compensation] == [
        ("replacement", None, "granted"),
        ("refund", Money(2500, "EUR"), "granted"),
    ]
    world.passes(world.now + timedelta(minutes=11))
    assert len(world.letters("confirmation")) == 2
    second = text_of(world.letters("confirmation")[1])
    assert "replacement" in second
    assert "4 December" in second
    assert "25" in second

    world.passes(datetime(2020, 12, 3, 10, tzinfo=UTC))
    world.agent_tags("fixed")
    [asked] = world.letters("desk/facts")
    world.agent_answers(
        asked,
        "cause: our label printer failed",
        "resolution: a new parcel went out by express",
        "prevention: we now check every label before a parcel leaves",
        "fault: ours",
        "kept: 2",
        "issued: 2",
    )
    world.says(world.case().ref, "gift-card: 20 EUR")
    with world.app.ledger.transaction() as tx:
        tx.cards.add(CODE, Money(2000, "EUR"), None, world.now)

    world.passes(datetime(2020, 12, 7, 10, tzinfo=UTC))
    assert world.letters("follow-up") == []  # two business days are not three
    world.passes(datetime(2020, 12, 8, 10, 1, tzinfo=UTC))
    [follow_up] = world.letters("follow-up")
    words = text_of(follow_up)
    for said in (
        "label printer failed",
        "went out by express",
        "check every label",
        "€25.00",
        "+44 20 7123 4018",
        "ana@",
    ):
        assert said in words
    assert CODE not in words + html_of(follow_up)
    assert follow_up["Auto-Submitted"] == "auto-generated"
    [shown] = [
        mail
        for mail in world.letters()
        if "digest" in str(mail["X-Followupd-Key"]) and "leave today" in text_of(mail)
    ]
    quoted = " ".join(text_of(shown).replace("\n>", "").split())
    assert " ".join(text_of(follow_up).split())[:300] in quoted  # the owner reads it, and is told of the call
    assert "reached" in text_of(shown)

    world.passes(datetime(2020, 12, 9, 10, 2, tzinfo=UTC))
    [gift] = world.letters("gift-card")
    assert CODE in text_of(gift)
    assert gift["In-Reply-To"] is None
    assert gift["References"] is None

    for day in range(10, 31):
        world.passes(datetime(2020, 12, day, 11, tzinfo=UTC))
    assert [len(world.letters(kind)) for kind in ("confirmation", "follow-up", "gift-card")] == [2, 1, 1]
    assert world.case().stage is Stage.CLOSED


def test_the_history_folds_to_the_case_and_the_code_lies_in_no_byte_of_the_ledger(world: World) -> None:
    world.customer_writes(COMPLAINT)
    world.agent_tags("complaint", "fixed", "gift-card-20-eur")
    with world.app.ledger.transaction() as tx:
        tx.cards.add(CODE, Money(2000, "EUR"), None, world.now)
    ref = world.case().ref
    world.says(ref, *PUT_RIGHT_FACTS, "kept")
    world.passes(world.now + timedelta(days=8))
    world.passes(world.now + timedelta(days=3))
    assert len(world.letters("gift-card")) == 1
    case, folded = world.case(), world.folded(ref)
    assert (folded.stage, folded.promises, folded.compensation, folded.letters, folded.facts) == (
        case.stage,
        case.promises,
        case.compensation,
        case.letters,
        case.facts,
    )
    for file in world.directory.glob("ledger.db*"):
        assert CODE.encode() not in file.read_bytes()
