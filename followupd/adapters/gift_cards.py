"""Gift cards ordered one by one from a provider over HTTP, in the manner of Tremendous' orders.

`POST URL/orders` with the order's key as `external_id`. The provider answers a repeated key with the first order (201)
and creates no second one, so that every doubt is settled by asking again: a lost answer, a time-out and a 5xx may have
been processed, and are repeated with the same key, never with a new one. docs/gift-cards.md says what is sent and read.
"""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from followupd.adapters.network import trusting, why
from followupd.adapters.settings import Secret
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, Money
from followupd.errors import SetupError


@dataclass(frozen=True, slots=True)
class CardStock:
    """Gives a grant the card that it already has, else one from the stock, in a transaction of its own."""

    ledger: Ledger

    def order(self, order: GiftCardOrder, now: datetime) -> GiftCard | GiftCardUnavailable:
        with self.ledger.transaction() as tx:
            card = tx.cards.take(order.case_ref, order.n, order.money, now)
        return card or GiftCardUnavailable(
            f"no card of {order.money.amount} {order.money.currency} in stock", permanent=True
        )


#: seconds until each single step of an order must go on
_STEP = 10.0
#: an answer is a few hundred bytes; more is no order
_LONGEST = 64 * 1024
_LONGEST_CODE = 200
#: answers that say "later": the order may or may not have been processed
_LATER = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True, slots=True)
class HttpCardProvider:
    """Orders cards at `url`; `token` is read anew for each order, and stands in no error.

    `deadline` is the seconds within which an order must be answered whole.
    """

    url: str
    token: Secret
    ca_file: str = ""
    deadline: float = 20.0

    def order(self, order: GiftCardOrder, _now: datetime) -> GiftCard | GiftCardUnavailable:
        """Return the card of this order's key, or why there is none yet; raises nothing for what the provider does."""
        try:
            status, body = self._post(order)
        except SetupError:
            return GiftCardUnavailable(
                "the provider's token cannot be read; `followupd check` says why", permanent=True
            )
        except (OSError, http.client.HTTPException) as error:
            return GiftCardUnavailable(
                f"nobody knows whether the order was taken: {self._why(error)}", permanent=False
            )
        if status in {200, 201}:
            return _card(body, order)
        return _refused(status)

    def _post(self, order: GiftCardOrder) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Bearer {self.token.reveal()}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "followupd",
        }
        path = f"{urlsplit(self.url).path}/orders"
        with self._line() as line:
            line.request("POST", path, json.dumps(_ordered(order)).encode(), headers)
            answer = line.getresponse()
            body = answer.read(_LONGEST + 1)
            if len(body) > _LONGEST or answer.length:
                raise http.client.HTTPException("the answer is too long for an order, or broke off")
            return answer.status, body

    @contextmanager
    def _line(self) -> Iterator[http.client.HTTPConnection]:
        """Give a line that ends by itself: a peer that drips one byte a second must not keep the beat."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            secure = trusting(self.ca_file)
            line: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=_STEP, context=secure
            )
        else:
            line = http.client.HTTPConnection(host, port, timeout=_STEP)
        with closing(line):
            line.connect()
            # The connection lets go of its socket once the answer's head has come; the alarm must not.
            alarm = threading.Timer(self.deadline, _cut, (line.sock,))
            alarm.daemon = True
            alarm.start()
            try:
                yield line
            finally:
                alarm.cancel()

    def _why(self, error: OSError | http.client.HTTPException) -> str:
        parts = urlsplit(self.url)
        if isinstance(error, OSError):
            port = parts.port or (443 if parts.scheme == "https" else 80)
            return why(error, parts.hostname or "", port)
        return (
            f"{parts.hostname} broke off its answer"
            if not str(error)
            else f"{parts.hostname}: {type(error).__name__}"
        )


def _cut(held: socket.socket) -> None:
    with suppress(OSError):  # it may end by itself at this very moment
        held.shutdown(socket.SHUT_RDWR)


def _ordered(order: GiftCardOrder) -> dict[str, Any]:
    value = {"denomination": order.money.amount, "currency_code": order.money.currency}
    return {"external_id": order.key, "reward": {"value": value, "delivery": {"method": "LINK"}}}


def _refused(status: int) -> GiftCardUnavailable:
    if status >= 500 or status in _LATER or status == 202:
        words = "has taken the order and not decided yet" if status == 202 else f"answered {status}"
        return GiftCardUnavailable(f"the provider {words}; the same order is repeated", permanent=False)
    meant = {
        401: "the token is wrong",
        402: "the account is empty",
        403: "the token may not order",
        404: "the url is wrong",
    }
    return GiftCardUnavailable(
        f"the provider answered {status}: {meant.get(status, 'it does not take this order')}", permanent=True
    )


def _card(body: bytes, order: GiftCardOrder) -> GiftCard | GiftCardUnavailable:
    """Read the card in an order's answer; one that does not fit the order is no card, and nothing of it is repeated."""
    try:
        found = json.loads(body)["order"]
        reward = found["rewards"][0]
        value = reward["value"]
        code = _code(reward)
        money = Money.of(str(value["denomination"]), str(value["currency_code"]))
        expires = _expiry(reward.get("expires_at") or "")
        same = found["external_id"] == order.key
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return GiftCardUnavailable("the provider's answer is no order that I can read", permanent=True)
    if not same:
        return GiftCardUnavailable("the provider answered with another order", permanent=True)
    if not code:
        return GiftCardUnavailable(
            "the provider has taken the order and not made the card yet", permanent=False
        )
    return GiftCard(code, money, expires)


def _code(reward: dict[str, Any]) -> str:
    """Return the code, or the link where the provider gives one; "" while the card is not made."""
    code = reward.get("code") or (reward.get("delivery") or {}).get("link") or ""
    if not isinstance(code, str) or len(code) > _LONGEST_CODE or not code.isprintable():
        raise ValueError("no code")
    return code.strip()


def _expiry(written: str) -> datetime | None:
    """Read a day, to whose end the card is good, or a moment with its zone."""
    if not written:
        return None
    if len(written) == len("2027-12-31"):
        return datetime.combine(date.fromisoformat(written) + timedelta(days=1), time(), UTC)
    moment = datetime.fromisoformat(written)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
