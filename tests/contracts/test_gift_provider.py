"""Gift cards over HTTP: one card for each key, and no code or token in any message."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from followupd.adapters.gift_cards import HttpProvider
from followupd.adapters.settings import Secret
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, Money
from tests.servers.gift_shop import DRIP, DROPPED, LOST, MADE_AND_500, NOT_YET, TOKEN, GiftShop

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ORDER = GiftCardOrder("fu7K3Q9-1", "FU-7K3Q9", 1, Money(2000, "EUR"))


@pytest.fixture
def shop() -> Iterator[GiftShop]:
    with GiftShop() as shop:
        yield shop


@pytest.fixture
def token(tmp_path: Path) -> Secret:
    (tmp_path / "token").write_text(TOKEN)
    return Secret("file:token", tmp_path)


def answer_with(denomination: str, code: str, key: str = "fu7K3Q9-1") -> bytes:
    """Return a response with these two values, as they are written in JSON."""
    value = f'{{"denomination": {denomination}, "currency_code": "EUR"}}'
    return (
        f'{{"order": {{"external_id": "{key}", "rewards": [{{"value": {value}, "code": {code}}}]}}}}'.encode()
    )


def cards(shop: GiftShop, token: Secret) -> HttpProvider:
    return HttpProvider(shop.url, token)


def test_a_card_is_ordered_with_its_key_its_value_and_the_token(shop: GiftShop, token: Secret) -> None:
    found = cards(shop, token).order(ORDER, NOW)
    assert found == GiftCard("SHOP-SECRET-1", Money(2000, "EUR"), None)
    [(authorization, body)] = shop.asked
    assert authorization == f"Bearer {TOKEN}"
    assert body["external_id"] == "fu7K3Q9-1"
    assert body["reward"]["value"] == {"denomination": 20, "currency_code": "EUR"}
    assert type(body["reward"]["value"]["denomination"]) is int


TREMENDOUS: dict[str, dict[str, Any]] = {
    "payment": {"funding_source_id": "BALANCE"},
    "reward": {
        "products": ["OKMHM2X2OHYV"],
        "recipient": {"name": "{name}", "email": "{address}"},
        "delivery": {"meta": "kept"},
    },
}
FOR_KIM = replace(ORDER, name="Kim {address} Doe", address="kim@example.org", money=Money(1250, "EUR"))


def test_a_strict_provider_takes_the_order_with_what_is_configured(shop: GiftShop, token: Secret) -> None:
    shop.strict = True
    bare = cards(shop, token).order(FOR_KIM, NOW)
    assert isinstance(bare, GiftCardUnavailable)
    assert bare.permanent
    assert isinstance(HttpProvider(shop.url, token, extra=TREMENDOUS).order(FOR_KIM, NOW), GiftCard)
    _, body = shop.asked[-1]
    assert body == {
        "external_id": "fu7K3Q9-1",
        "payment": {"funding_source_id": "BALANCE"},
        "reward": {
            "products": ["OKMHM2X2OHYV"],
            "recipient": {"name": "Kim {address} Doe", "email": "kim@example.org"},
            "value": {"denomination": 12.5, "currency_code": "EUR"},
            "delivery": {"meta": "kept", "method": "LINK"},
        },
    }


@pytest.mark.parametrize("left_out", ["payment", "products", "recipient"])
def test_a_strict_provider_refuses_each_gap(shop: GiftShop, token: Secret, left_out: str) -> None:
    shop.strict = True
    reward = {key: value for key, value in TREMENDOUS["reward"].items() if key != left_out}
    extra = {**TREMENDOUS, "reward": reward}
    extra.pop(left_out, None)
    found = HttpProvider(shop.url, token, extra=extra).order(FOR_KIM, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert (found.permanent, shop.made) == (True, {})


def test_a_configuration_that_replaces_what_is_ours_changes_nothing_of_an_order(
    shop: GiftShop, token: Secret
) -> None:
    extra = {"external_id": "mine", "reward": {"value": {"denomination": 9999}, "delivery": "EMAIL"}}
    assert isinstance(HttpProvider(shop.url, token, extra=extra).order(ORDER, NOW), GiftCard)
    _, body = shop.asked[-1]
    assert (body["external_id"], body["reward"]["value"]["denomination"]) == ("fu7K3Q9-1", 20)
    assert body["reward"]["delivery"] == {"method": "LINK"}


@pytest.mark.parametrize("accident", [LOST, MADE_AND_500])
def test_an_order_whose_response_is_lost_is_repeated_and_gives_the_first_card(
    shop: GiftShop, token: Secret, accident: str
) -> None:
    shop.plan(accident)
    lost = cards(shop, token).order(ORDER, NOW)
    assert isinstance(lost, GiftCardUnavailable)
    assert not lost.permanent
    again = cards(shop, token).order(ORDER, NOW)
    assert isinstance(again, GiftCard)
    assert [body["external_id"] for _, body in shop.asked] == ["fu7K3Q9-1"] * 2
    assert shop.codes == [again.code]  # one card was made, and paid for


@pytest.mark.parametrize("accident", [DROPPED, 500, 502, 503, 429, 408, 202, NOT_YET])
def test_a_temporary_failure_is_not_permanent(shop: GiftShop, token: Secret, accident: int | str) -> None:
    shop.plan(accident)
    first = cards(shop, token).order(ORDER, NOW)
    assert isinstance(first, GiftCardUnavailable)
    assert not first.permanent
    assert isinstance(cards(shop, token).order(ORDER, NOW), GiftCard)
    assert len(shop.made) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 301])
def test_a_failure_that_a_person_must_fix_is_permanent(shop: GiftShop, token: Secret, status: int) -> None:
    shop.plan(status)
    found = cards(shop, token).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert found.permanent
    assert str(status) in found.why


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"order": null}',
        b'{"order": {"rewards": []}}',
        b"\xff\xfe",
        b"<html>login</html>",
        answer_with('"NaN"', '"X"'),
        answer_with("20", '["X"]'),
        answer_with("20", r'"a\nb"'),
        answer_with("20", '"SECRET"', key="another"),
    ],
)
def test_a_response_that_does_not_fit_is_no_card_and_is_not_quoted(
    shop: GiftShop, token: Secret, body: bytes
) -> None:
    shop.plan(body)
    found = cards(shop, token).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert found.permanent
    assert "SECRET" not in found.why


def test_an_endless_response_ends_at_the_deadline(shop: GiftShop, token: Secret) -> None:
    shop.plan(DRIP)
    found = HttpProvider(shop.url, token, deadline=0.5).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert not found.permanent


def test_a_response_that_is_too_long_is_no_order(shop: GiftShop, token: Secret) -> None:
    shop.plan(b" " * 100_000)
    found = cards(shop, token).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)


def test_an_unreachable_provider_is_named(token: Secret) -> None:
    found = HttpProvider("http://127.0.0.1:1/api", token).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert "nothing listens at 127.0.0.1:1" in found.why
    assert TOKEN not in found.why


def test_without_a_token_no_request_is_made(shop: GiftShop, tmp_path: Path) -> None:
    found = HttpProvider(shop.url, Secret("file:none", tmp_path)).order(ORDER, NOW)
    assert isinstance(found, GiftCardUnavailable)
    assert found.permanent
    assert shop.asked == []


def test_over_tls_the_token_is_sent_to_a_trusted_server_only(
    authority: trustme.CA, ca_file: str, token: Secret
) -> None:
    with GiftShop(authority) as shop:
        untrusted = HttpProvider(shop.url, token).order(ORDER, NOW)
        assert isinstance(untrusted, GiftCardUnavailable)
        assert "is not trusted" in untrusted.why
        assert shop.asked == []
        assert isinstance(HttpProvider(shop.url, token, ca_file).order(ORDER, NOW), GiftCard)


def test_a_link_is_used_as_the_code_and_its_last_day_is_read(shop: GiftShop, token: Secret) -> None:
    shop.link, shop.expires = True, "2027-12-31"
    found = cards(shop, token).order(ORDER, NOW)
    assert isinstance(found, GiftCard)
    assert found.code == "https://cards.example.com/r/SECRET1"
    assert found.expires == datetime(2028, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("never", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-30T23:00:00-11:00"])
def test_a_card_of_the_last_year_there_is_never_expires(shop: GiftShop, token: Secret, never: str) -> None:
    shop.expires = never
    found = cards(shop, token).order(ORDER, NOW)
    assert isinstance(found, GiftCard)
    assert found.expires is None


def test_no_repr_contains_a_code_or_token(shop: GiftShop, token: Secret) -> None:
    provider = cards(shop, token)
    found = provider.order(ORDER, NOW)
    assert "SECRET" not in repr(found)
    assert TOKEN not in repr(provider)
