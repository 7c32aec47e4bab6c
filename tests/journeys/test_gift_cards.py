"""Gift cards over real servers: one card for each grant, whatever fails between provider, ledger and SMTP server."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from followupd.adapters.overlay import customise
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.app.container import letters_of
from followupd.domain.case import Stage
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, GrantState, Money
from followupd.domain.events import GiftCardDue
from followupd.domain.keys import ScopedKey
from followupd.domain.letter import LetterKind, LetterStatus
from tests.journeys.test_stories import FRIDAY, followed_up
from tests.journeys.world import PUT_RIGHT_FACTS, World, html_of, text_of
from tests.servers.gift_shop import LOST, MADE_AND_500, TOKEN, GiftShop
from tests.story.lettered import flat

EURO_20 = Money(2000, "EUR")
#: one business day after the follow-up
MONDAY = datetime(2020, 12, 7, 10, 31, tzinfo=UTC)


def stocked(world: World, *codes: str, expires: datetime | None = None) -> None:
    with world.app.ledger.transaction() as tx:
        for code in codes:
            assert tx.cards.add(code, EURO_20, expires, world.now)


def granted(world: World) -> str:
    return followed_up(world, "gift-card: 20")


def test_an_order_is_repeated_with_the_same_key_and_one_card_is_sent(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLLOWUPD_TEST_TOKEN", TOKEN)
    with GiftShop() as shop:
        more = f'\n[gift_cards]\nprovider = "http"\nurl = "{shop.url}"\ntoken = "env:FOLLOWUPD_TEST_TOKEN"\n'
        world = make_world(more=more)
        ref = granted(world)
        shop.plan(LOST, MADE_AND_500, 503)
        world.passes(MONDAY)
        assert world.letters("gift-card") == []
        for minutes in (1, 6, 21, 82):
            world.passes(MONDAY + timedelta(minutes=minutes))
        [letter] = world.letters("gift-card")
        [code] = shop.codes
        assert code in text_of(letter)
        assert {body["external_id"] for _, body in shop.asked} == {f"fu{ref.removeprefix('FU-')}-1"}
        assert len(shop.asked) == 4
        assert world.case().compensation[0].state is GrantState.ISSUED
        for file in world.directory.glob("ledger.db*"):
            assert code.encode() not in file.read_bytes()
        world.passes(MONDAY + timedelta(days=3))
        assert len(shop.asked) == 4


@dataclass
class Slow:
    """A provider that thinks for a while: somebody else works with the ledger meanwhile."""

    ledger: Ledger
    told: int = 0

    def order(self, _order: GiftCardOrder, now: datetime) -> GiftCard | GiftCardUnavailable:
        with self.ledger.transaction() as tx:  # would wait for ever if the round held the ledger
            tx.state.put(ScopedKey("meanwhile"), "somebody else wrote", now)
        self.told += 1
        return GiftCardUnavailable("it thinks", permanent=False)


def test_the_ledger_is_free_while_the_provider_is_asked_and_the_order_stays(world: World) -> None:
    granted(world)
    slow = Slow(world.app.ledger)
    world.app = replace(world.app, gift_cards=replace(world.app.gift_cards, provider=slow))
    world.passes(MONDAY)
    assert slow.told == 1
    [due] = [event for event in world.history(world.case().ref) if isinstance(event, GiftCardDue)]
    assert (due.n, due.money) == (1, EURO_20)
    with world.app.ledger.transaction() as tx:
        assert tx.state.get(ScopedKey("meanwhile"))
    for minutes in (1, 6, 21, 82):
        world.passes(MONDAY + timedelta(minutes=minutes))
    [told] = [mail for mail in world.letters("desk/nudge") if "cannot be sent yet" in flat(text_of(mail))]
    assert "it thinks" in text_of(told)


def test_a_card_that_expires_during_the_quiet_hours_is_never_sent(
    make_world: Callable[..., World],
) -> None:
    world = make_world(playbook='name = "default"\nowner = "ana"\n[gift_card]\nafter = "11 hours"\n')
    world.customer_writes("My parcel has still not arrived. This is unacceptable.")
    world.agent_tags("complaint")
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "gift-card: 20", "fixed")
    night = datetime(2020, 12, 5, tzinfo=UTC)  # the letter is written at ten in the evening before
    stocked(world, "DIES-TONIGHT", expires=night)
    stocked(world, "GOOD-FOR-LONG", expires=night + timedelta(days=300))
    world.passes(FRIDAY.replace(hour=10, minute=1))
    assert len(world.letters("follow-up")) == 1
    world.passes(datetime(2020, 12, 4, 22, tzinfo=UTC))
    assert world.case().under_way(LetterKind.GIFT_CARD)
    world.passes(datetime(2020, 12, 5, 9, tzinfo=UTC))
    assert world.letters("gift-card") == []  # the follow-up left less than a day ago
    world.passes(datetime(2020, 12, 5, 11, tzinfo=UTC))
    [letter] = world.letters("gift-card")
    assert "GOOD-FOR-LONG" in text_of(letter)
    assert "DIES-TONIGHT" not in text_of(letter) + html_of(letter)


def test_a_low_stock_is_reported_once_a_day(world: World) -> None:
    granted(world)
    stocked(world, *(f"CARD-{n}" for n in range(3)))
    world.passes(MONDAY)
    world.passes(MONDAY + timedelta(hours=2))
    [warning] = warnings_of_stock(world)
    assert "lee@agents.test" in str(warning["To"])  # no other address is configured
    assert "Only 2 gift cards of 20.00 EUR are left in stock" in flat(text_of(warning))
    assert "CARD-" not in text_of(warning)


def test_a_low_stock_is_reported_to_the_configured_address_only(make_world: Callable[..., World]) -> None:
    world = make_world(more='[gift_cards]\nadmin = "it@example.test"\nlow = 3\n')
    granted(world)
    stocked(world, *(f"CARD-{n}" for n in range(3)))
    world.passes(MONDAY)
    [warning] = warnings_of_stock(world)
    assert "it@example.test" in str(warning["To"])
    assert "Only 2 gift cards of 20.00 EUR are left in stock" in flat(text_of(warning))
    assert len(world.letters("gift-card")) == 1
    world.passes(MONDAY + timedelta(days=1))
    assert len(warnings_of_stock(world)) == 1  # no card was taken since


def warnings_of_stock(world: World) -> list[EmailMessage]:
    return [mail for mail in world.letters() if "left in stock" in flat(text_of(mail))]


def test_an_empty_stock_is_reported_once_a_day_and_the_card_is_sent_later(world: World) -> None:
    granted(world)
    for hour in (10, 12, 14, 16):
        world.passes(MONDAY.replace(hour=hour, minute=35))
    told = [
        mail for mail in world.letters("desk/nudge") if "no card of 20.00 EUR in stock" in flat(text_of(mail))
    ]
    assert len(told) == 1
    [warning] = warnings_of_stock(world)
    assert "No gift card of 20.00 EUR is left in stock" in flat(text_of(warning))
    stocked(world, "AT-LAST")
    world.passes(MONDAY.replace(hour=18))
    [letter] = world.letters("gift-card")
    assert "AT-LAST" in text_of(letter)


def test_a_gift_card_in_doubt_is_never_sent_again_automatically(make_world: Callable[..., World]) -> None:
    world = make_world(smtp_extra='in_doubt = "resend"\nper_address = "9 per day"\n')
    granted(world)
    stocked(world, *(f"ONLY-ONCE-{n}" for n in range(9)))
    world.passes(MONDAY.replace(hour=9, minute=45))  # the day's other mails
    world.smtp.plan("data", "drop-before")  # no copy will ever come
    world.passes(MONDAY)
    for minutes in (5, 11, 30, 120):
        world.passes(MONDAY + timedelta(minutes=minutes))
    for day in (8, 9, 10):
        world.passes(datetime(2020, 12, day, 11, tzinfo=UTC))
    with world.app.ledger.transaction() as tx:
        [state] = [each for each in tx.outbox.all() if each.letter.kind == "gift-card"]
        assert tx.cards.count_available(EURO_20, world.now) == 8
    assert state.status is LetterStatus.DOUBT
    assert state.attempts == 1
    assert len(world.letters("desk/doubt")) == 1
    assert world.case().compensation[0].state is GrantState.GRANTED


def test_a_gift_card_letter_obeys_the_wording_rules_and_no_message_contains_its_code(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    [letter] = customise(world.directory, ["templates/en/gift-card.md"])
    good = letter.read_text()
    letter.write_text(good.replace("Just enter it", "We guarantee that it works: enter it"))
    granted(world)
    stocked(world, "100%-4711")
    world.passes(MONDAY)
    assert world.letters("gift-card") == []
    [told] = [mail for mail in world.letters("desk/nudge") if "W07" in text_of(mail)]
    assert "“We guarantee”" in flat(text_of(told))
    said = (
        caplog.text + "".join(text_of(mail) + html_of(mail) for mail in world.letters()) + repr(world.case())
    )
    assert "4711" not in said
    assert "“100%”" not in flat(text_of(told))
    letter.write_text(good)
    orders = world.app.gift_cards
    context = replace(orders.context, letters=letters_anew(world))
    world.app = replace(world.app, gift_cards=replace(orders, context=context))
    world.passes(MONDAY + timedelta(hours=2))
    [left] = world.letters("gift-card")
    assert "100%-4711" in text_of(left)


def letters_anew(world: World) -> TemplateRenderer:
    """Return the letters as they are now, as a reload takes them in."""
    return letters_of(world.app.settings, world.app.vault.message_id)


def test_a_card_that_is_refused_while_it_is_on_order_is_not_sent(world: World) -> None:
    ref = granted(world)
    world.passes(MONDAY)  # nothing in stock: the order waits
    world.says(ref, "refused: 1")
    stocked(world, "NOT-TO-BE")
    world.passes(MONDAY + timedelta(hours=3))
    assert world.letters("gift-card") == []
    with world.app.ledger.transaction() as tx:
        assert tx.cards.count_available(EURO_20, world.now) == 1
        assert tx.orders.due(world.now + timedelta(days=9)) == []


def test_a_gift_card_of_the_playbook_obeys_the_monthly_cap(make_world: Callable[..., World]) -> None:
    playbook = 'name = "default"\nowner = "ana"\n[gift_card]\namount = "20 EUR"\n'
    world = make_world(playbook=playbook, more='\n[compensation]\ncap = "40.00 per month"\n')
    stocked(world, "ONE", "TWO")
    world.customer_writes("My parcel has still not arrived. This is unacceptable.")
    world.agent_tags("complaint")
    world.says(world.case().ref, *PUT_RIGHT_FACTS, "refund: 30", "issued: 1", "fixed")
    world.passes(FRIDAY)
    world.passes(MONDAY)
    assert world.letters("gift-card") == []
    card = world.case().compensation[1]
    assert card.state is GrantState.WAITING_APPROVAL
    assert "above the cap of 40.00 EUR" in card.because
    [asked] = world.letters("desk/approval")
    world.agent_answers(asked, "approve", sender="lee@agents.test")
    world.passes(MONDAY + timedelta(hours=1))
    assert len(world.letters("gift-card")) == 1
    assert world.case().stage in {Stage.FOLLOWED_UP, Stage.CLOSED}
