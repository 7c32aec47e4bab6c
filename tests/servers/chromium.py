"""A Chromium for all pages of a run, told what to do over a pipe (the DevTools protocol): each start would cost a second of CPU time."""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, Self

from tests.servers.machine import LIMIT, NotInstalledError, end, new_directory, program

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
#: it reads commands from file 3 and writes answers to file 4
ON_A_PIPE = 'in=$1; out=$2; shift 2; exec "$@" 3<"/dev/fd/$in" 4>"/dev/fd/$out"'
DOM = "document.documentElement.outerHTML"


def _program() -> str:
    """Return the path of Chromium, or of Chrome.

    Raises:
        NotInstalledError: there is neither.
    """
    for name in ("chromium", "chromium-browser"):
        with suppress(NotInstalledError):
            return program(name, "chromium")
    return program("google-chrome", "chromium")


class Chromium:
    """`page(url)` is the DOM of a page that has been open for a while, of its own clock."""

    def __init__(self) -> None:
        self._program, self._numbers, self._rest = _program(), count(1), b""

    def __enter__(self) -> Self:
        self.directory = new_directory("fu-ch-")
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        options = [
            *OPTIONS,
            "--allow-file-access-from-files",
            f"--user-data-dir={self.directory / 'profile'}",
        ]
        self._process = subprocess.Popen(
            [
                *("sh", "-c", ON_A_PIPE, "sh", str(commands), str(answers)),
                *(self._program, *options, "--remote-debugging-pipe", "about:blank"),
            ],
            pass_fds=[commands, answers],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "HOME": str(self.directory)},
        )
        os.close(commands)
        os.close(answers)
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self.directory, ignore_errors=True)

    def page(self, url: str, seconds: float = 3) -> str:
        """Open a page as nobody has before, and return its DOM after so many seconds of its own clock."""
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        target = self._ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        budget = {"policy": "pauseIfNetworkFetchesPending", "budget": 1000 * seconds}
        self._ask("Page.enable", session)
        self._ask("Page.navigate", session, url=url)
        self._ask("Emulation.setVirtualTimePolicy", session, **budget, maxVirtualTimeTaskStarvationCount=9999)
        self._until("Emulation.virtualTimeBudgetExpired", session)
        found = self._ask("Runtime.evaluate", session, expression=DOM, returnByValue=True)["result"]["value"]
        self._ask("Target.disposeBrowserContext", browserContextId=context)
        return str(found)

    def _ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        said = {"id": number, "method": method, "params": parameters}
        os.write(
            self._commands, json.dumps(said | ({"sessionId": session} if session else {})).encode() + b"\0"
        )
        answer = next(each for each in self._heard() if each.get("id") == number)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _until(self, method: str, session: str) -> None:
        next(
            each for each in self._heard() if (each.get("method"), each.get("sessionId")) == (method, session)
        )

    def _heard(self) -> Iterator[dict[str, Any]]:
        """Yield what it says from here on."""
        end = monotonic() + LIMIT
        while True:
            said, found, self._rest = self._rest.partition(b"\0")
            if found:
                yield json.loads(said)
                continue
            self._rest = said
            if not select.select([self._answers], [], [], end - monotonic())[0]:
                raise TimeoutError(f"Chromium says nothing within {LIMIT:g} seconds")
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise EOFError("Chromium has ended")
            self._rest += more
