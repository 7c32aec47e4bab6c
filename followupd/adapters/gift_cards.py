"""Where gift cards come from: the imported stock, or a provider over HTTP (docs/gift-cards.md).

The provider's interface is like Tremendous's: `POST URL/orders` with the order's key as `external_id`. A
repeated key is answered with the first order (201), and creates no second one. Therefore whatever may have
been processed, such as a timeout or a 5xx reply, is repeated with the same key and never with a new one.
"""

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from followupd.adapters.network import shut_down, trusting, why
from followupd.adapters.settings import Secret
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.calendar import is_never
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, Money
from followupd.domain.translatable import msg
from followupd.errors import SetupError

#: seconds for each step of a request: to connect, and for each read
_STEP_TIMEOUT = 10.0
#: bytes of a response; an order has a few hundred
_MAX_RESPONSE = 64 * 1024
#: characters of a code
_MAX_CODE = 200
#: statuses after which the order may or may not have been processed, besides 5xx
_RETRY_STATUSES = frozenset({408, 409, 423, 425, 429})
#: the status of an order that is accepted and not decided
_ACCEPTED = 202
_REASONS = {
    401: "the token is wrong",
    402: "the account is empty",
    403: "the token may not order",
    404: "the url is wrong",
}
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class StockProvider:
    """Provides the card that a grant has, or else one from the imported stock, in its own transaction."""

    ledger: Ledger

    def order(self, order: GiftCardOrder, now: datetime) -> GiftCard | GiftCardUnavailable:
        """Return the card of an order, or that the stock has none of its value."""
        with self.ledger.transaction() as tx:
            card = tx.cards.assign(order.case_ref, order.n, order.money, now)
        why = msg("no card of {value} in stock", value=order.money)
        return card or GiftCardUnavailable(why, permanent=True)


@dataclass(frozen=True, slots=True)
class HttpProvider:
    """Orders cards from a provider at `url`.

    `token` is read for each order, and appears in no error. `extra` is what the provider wants besides
    (`[gift_cards.order]`). `deadline` is the time for a whole order, in seconds.
    """

    url: str
    token: Secret
    ca_file: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = 20.0

    def order(self, order: GiftCardOrder, _now: datetime) -> GiftCard | GiftCardUnavailable:
        """Order a card.

        Returns:
            The card of this order, or why there is none yet; an error of the provider or the network is a
            result too.
        """
        try:
            status, body = self._post(order)
        except SetupError:
            reason = "the provider's token cannot be read; `followupd check` says why"
            return GiftCardUnavailable(reason, permanent=True)
        except (OSError, http.client.HTTPException) as error:
            reason = f"it is unknown whether the order was taken: {self._explain(error)}"
            return GiftCardUnavailable(reason, permanent=False)
        if status in {http.client.OK, http.client.CREATED}:
            return _read_card(body, order)
        return _failure(status)

    def _post(self, order: GiftCardOrder) -> tuple[int, bytes]:
        """Send the order and return the status and body of the response.

        Raises:
            SetupError: the token cannot be read.
            HTTPException: the response is too long, or was cut off.
            OSError: the connection failed.
        """
        headers = {
            "Authorization": f"Bearer {self.token.reveal()}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "followupd",
        }
        body = json.dumps(_request_body(order, self.extra)).encode()
        path = f"{urlsplit(self.url).path}/orders"
        with self._connection() as connection:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            content = response.read(_MAX_RESPONSE + 1)
            if len(content) > _MAX_RESPONSE or response.length:
                raise http.client.HTTPException("the answer is too long for an order, or broke off")
            return response.status, content

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """Connect; close the connection after `deadline`, since a timeout alone allows one byte per step."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            context = trusting(self.ca_file)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=_STEP_TIMEOUT, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_STEP_TIMEOUT)

        with closing(connection):
            connection.connect()
            # HTTPConnection forgets its socket after the response's headers, so the timer keeps it.
            timer = threading.Timer(self.deadline, shut_down, (connection.sock,))
            timer.daemon = True
            timer.start()
            try:
                yield connection
            finally:
                timer.cancel()

    def _explain(self, error: OSError | http.client.HTTPException) -> str:
        """Return an error of the network, or of what the provider sent, as a sentence for the owner.

        Args:
            error: the error of the connection, or of a response that broke off.
        """
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if isinstance(error, OSError):
            port = parts.port or _PORTS[parts.scheme]
            return why(error, host, port)

        if str(error):
            return f"{host}: {type(error).__name__}"
        return f"{host} broke off its answer"


def _request_body(order: GiftCardOrder, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the order as the provider expects it.

    Args:
        order: what is ordered. Its value is a number, as Tremendous wants it.
        extra: what the admin has configured, in which {name} and {address} are the customer's.
    """
    amount = Decimal(order.money.amount)
    number = int(amount) if amount == int(amount) else float(amount)
    value = {"denomination": number, "currency_code": order.money.currency}
    ours = {"external_id": order.key, "reward": {"value": value, "delivery": {"method": "LINK"}}}
    return _merged(_filled(extra, order), ours)


def _filled(value: Any, order: GiftCardOrder) -> Any:
    """Return a configured value with the customer's name and address in its texts.

    Args:
        value: a text, table or list of `[gift_cards.order]`; anything else stays as it is.
        order: whose customer is named.
    """
    if isinstance(value, str):
        pieces = re.split(r"(\{name\}|\{address\})", value)  # at once, so that no name is read as a place
        return "".join({"{name}": order.name, "{address}": order.address}.get(each, each) for each in pieces)
    if isinstance(value, Mapping):
        return {key: _filled(inner, order) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, order) for inner in value]
    return value


def _merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables as one, and tables in them; where both have a value, ours stays.

    Args:
        theirs: what the admin has configured.
        ours: what every order has, and what no configuration may change.

    Returns:
        a new table; neither of the two is changed.
    """
    merged = dict(theirs)
    for key, value in ours.items():
        inner = theirs.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            merged[key] = _merged(inner, value)
        else:
            merged[key] = value
    return merged


def _failure(status: int) -> GiftCardUnavailable:
    """Return what a status other than 200 and 201 means.

    Args:
        status: of HTTP.

    Returns:
        a permanent failure where the same order would fail again, else one that is repeated.
    """
    if status == _ACCEPTED:
        reason = "the provider has taken the order and not decided yet; the same order is repeated"
        return GiftCardUnavailable(reason, permanent=False)
    if status >= http.client.INTERNAL_SERVER_ERROR or status in _RETRY_STATUSES:
        reason = f"the provider answered {status}; the same order is repeated"
        return GiftCardUnavailable(reason, permanent=False)
    meaning = _REASONS.get(status, "it does not take this order")
    return GiftCardUnavailable(f"the provider answered {status}: {meaning}", permanent=True)


def _read_card(body: bytes, order: GiftCardOrder) -> GiftCard | GiftCardUnavailable:
    """Return the card in a response.

    Of a response that does not fit the order nothing is repeated in messages, because it may contain a code.
    """
    try:
        found = json.loads(body)["order"]
        reward = found["rewards"][0]
        value = reward["value"]
        code = _code(reward)
        money = Money.of(str(value["denomination"]), str(value["currency_code"]))
        expires = _expiry(reward.get("expires_at") or "")
        is_same_order = found["external_id"] == order.key
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return GiftCardUnavailable("the provider's answer is no order that can be read", permanent=True)

    if not is_same_order:
        return GiftCardUnavailable("the provider answered with another order", permanent=True)
    if not code:
        reason = "the provider has taken the order and not made the card yet"
        return GiftCardUnavailable(reason, permanent=False)
    return GiftCard(code, money, expires)


def _code(reward: dict[str, Any]) -> str:
    """Return the code, or the link if the provider gives one.

    Args:
        reward: the first of the order's rewards, as it was parsed from JSON.

    Returns:
        The code, or "" while there is none.

    Raises:
        ValueError: it is no text, too long, or not printable.
    """
    delivery = reward.get("delivery") or {}
    code = reward.get("code") or delivery.get("link") or ""
    if not isinstance(code, str):
        raise ValueError("the code is no text")  # noqa: TRY004  the response is not valid
    if len(code) > _MAX_CODE or not code.isprintable():
        raise ValueError("the code is not printable")
    return code.strip()


def _expiry(text: str) -> datetime | None:
    """Return when a card expires.

    Args:
        text: its last day ("2027-12-31"), or a time in ISO 8601, in UTC unless it names a zone. "" and any time in
            the year 9999, which stands for "never" in many programs, are a card that never expires.

    Raises:
        ValueError: it is neither.
    """
    if is_never(text):
        return None
    if len(text) == len("2027-12-31"):
        next_day = date.fromisoformat(text) + timedelta(days=1)
        return datetime.combine(next_day, time(), UTC)

    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
