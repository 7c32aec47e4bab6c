"""A gift-card provider in the manner of Tremendous: a repeated key returns the first order, and answers may be lost."""

import json
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar, Self

import trustme

TOKEN = "test-token-4711"

#: the order is made, and its answer is lost
LOST = "lost"
#: nothing is made, and the line is closed
DROPPED = "dropped"
#: the order is made, and the answer says 500
MADE_AND_500 = "made and 500"
#: the order is made, and the answer says neither card nor code yet
NOT_YET = "not yet"
#: the answer comes by one byte a tick and never ends
DRIP = "drip"


def refused(body: dict[str, Any]) -> str:
    """Return what Tremendous finds wrong with an order (its reference of POST /orders), "" for nothing."""
    reward = body.get("reward", {})
    recipient, value = reward.get("recipient", {}), reward.get("value", {})
    wrong = {
        "payment.funding_source_id": not isinstance(body.get("payment", {}).get("funding_source_id"), str),
        "reward.products or campaign_id": not (reward.get("products") or reward.get("campaign_id")),
        "reward.recipient": not recipient.get("name")
        or not (recipient.get("email") or recipient.get("phone")),
        "reward.value.denomination": type(value.get("denomination")) not in {int, float},
        "reward.value.currency_code": not isinstance(value.get("currency_code"), str),
        "reward.delivery.method": reward.get("delivery", {}).get("method") not in {"LINK", "EMAIL", "PHONE"},
    }
    return ", ".join(name for name, is_wrong in wrong.items() if is_wrong)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own would look this machine's name up
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


class GiftShop:
    """`plan(...)` scripts the next answers: a status, raw bytes for the body, or a word of the above."""

    def __init__(self, authority: trustme.CA | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []  # token and body of every request
        self.made: dict[str, dict[str, Any]] = {}  # the orders, each once
        self.expires = ""
        self.link = False
        self.strict = False  # refuses what Tremendous refuses
        self.closing = threading.Event()
        self._plan: deque[int | bytes | str] = deque()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._scheme = "https" if authority else "http"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/api/v2"

    def plan(self, *actions: int | bytes | str) -> None:
        self._plan.extend(actions)

    @property
    def codes(self) -> list[str]:
        return [self.code_of(order) for order in self.made.values()]

    def code_of(self, order: dict[str, Any]) -> str:
        reward = order["rewards"][0]
        return str(reward.get("code") or reward["delivery"]["link"])

    def make(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Make the order of this key, or find the one that was made: 200 the first time, 201 when it is repeated."""
        key = body["external_id"]
        if key in self.made:
            return 201, self.made[key]
        n = len(self.made) + 1
        reward: dict[str, Any] = {"value": body["reward"]["value"], "delivery": {"method": "LINK"}}
        if self.link:
            reward["delivery"]["link"] = f"https://cards.example.com/r/SECRET{n}"
        else:
            reward["code"] = f"SHOP-SECRET-{n}"
        if self.expires:
            reward["expires_at"] = self.expires
        self.made[key] = {"id": f"ORDER{n}", "external_id": key, "status": "EXECUTED", "rewards": [reward]}
        return 200, self.made[key]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"shop": self})


class _Handler(BaseHTTPRequestHandler):
    """Answers orders by the shop's plan."""

    shop: ClassVar["GiftShop"]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.shop.asked.append((str(self.headers["Authorization"]), body))
        action = self.shop._plan.popleft() if self.shop._plan else "ok"
        self.close_connection = True
        if self.path != "/api/v2/orders":
            self._say(404, b"{}")
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._say(401, b"{}")
        else:
            self._act(action, body)

    def _act(self, action: int | bytes | str, body: dict[str, Any]) -> None:
        if isinstance(action, int):
            self._say(action, b'{"errors": {"message": "no"}}')
        elif isinstance(action, bytes):
            self._say(200, action)
        elif action == DRIP:
            self._drip()
        elif self.shop.strict and (lacking := refused(body)):
            self._say(422, json.dumps({"errors": {"message": lacking}}).encode())
        elif action != DROPPED:
            status, order = self.shop.make(body)
            if action == NOT_YET:
                bare = {**order, "rewards": [{"value": order["rewards"][0]["value"], "delivery": {}}]}
                self._say(status, json.dumps({"order": bare}).encode())
            elif action == MADE_AND_500:
                self._say(500, b"oops")
            elif action != LOST:
                self._say(status, json.dumps({"order": order}).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while not self.shop.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Say nothing: what is served here are codes."""
