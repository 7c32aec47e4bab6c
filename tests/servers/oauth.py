"""A login server of the tests' own that speaks as Microsoft's and Google's do; nothing leaves this machine."""

import json
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

import trustme

#: what a provider says when a login has ended
ENDED: dict[str, Any] = {
    "error": "invalid_grant",
    "error_description": "the refresh token secret-token is gone",
}


class LoginServer:
    """`answers` are given in turn to who asks for tokens; without one a fresh pair is made. `asked` is what was asked."""

    def __init__(self, authority: trustme.CA) -> None:
        self.answers: deque[dict[str, Any]] = deque()
        self.asked: list[dict[str, str]] = []
        self.tenant = "common"
        self.hangs_up = False  # breaks every connection off
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, form: dict[str, str]) -> dict[str, Any]:
        self.asked.append(form)
        if self.answers:
            return self.answers.popleft()
        number = len(self.asked)
        return {
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": f"access-{number}",
            "refresh_token": f"refresh-{number}",
        }

    def _places(self) -> dict[str, Any]:
        common = f"{self.url}/{self.tenant}"
        return {
            "issuer": f"{common}/v2.0",
            "authorization_endpoint": f"{common}/authorize",
            "token_endpoint": f"{common}/token",
            "device_authorization_endpoint": f"{common}/devicecode",
        }

    def _device(self) -> dict[str, Any]:
        return {
            "user_code": "ABCD-EFGH",
            "device_code": "device",
            "verification_uri": "https://example.test/device",
            "expires_in": 900,
            "interval": 0.1,
            "message": "Open https://example.test/device and type ABCD-EFGH",
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(peer._places())

            def do_POST(self) -> None:
                said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                form = {name: values[0] for name, values in said.items()}
                self._say(peer._device() if self.path.endswith("devicecode") else peer._answer(form))

            def _say(self, answer: dict[str, Any]) -> None:
                if peer.hangs_up:
                    self.close_connection = True
                    return
                body = json.dumps(answer).encode()
                self.send_response(400 if "error" in answer else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
