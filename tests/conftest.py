"""The real servers and the browser that tests use: servers are started once, each test has its own mailbox or database."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar

import pytest
import trustme
from hypothesis import HealthCheck, settings

from tests.servers.chromium import Chromium
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.graph import GraphServer
from tests.servers.machine import NotInstalledError, skip
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.smtp import Sink
from tests.statements import compile_once

S = TypeVar("S")
#: new objects before garbage is collected, as in a daemon: Python's own number costs an eighth of all computing
YOUNG_GENERATION = 10_000
#: the files that take longest, or mostly wait, begun first, so that at the end no worker is left alone with one of them
LONGEST = (
    "journeys/test_pull_the_plug.py",
    "journeys/test_package.py",
    "journeys/test_service.py",
    "journeys/test_fault_injection.py",
    "journeys/test_several_daemons.py",
    "journeys/test_fortnight.py",
    "journeys/test_demo.py",
    "contracts/test_preview_page.py",
    "layers/test_patterns.py",
    "journeys/test_review.py",
    "journeys/test_absence.py",
    "journeys/test_line_cut.py",
    "journeys/test_wording.py",
    "journeys/test_flood.py",
    "properties/test_never_twice_never_forgotten.py",
    "journeys/test_line_cut.py",
    "journeys/test_first_hour.py",
    "contracts/test_endless_servers.py",
    "contracts/test_mailbox_odd_peers.py",
    "contracts/test_smtp_transport.py",
)

# A busy machine is no reason for a failure: no example has a deadline, and slow data generation is allowed. In CI the
# examples are the same each time: what fails there is a mistake of the change under test, and fails on every machine.
settings.register_profile(
    "followupd",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("followupd")


def pytest_configure() -> None:
    """Collect no garbage while tests are imported, as all of it stays; see `tests.statements`."""
    gc.disable()
    compile_once()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.set_threshold(YOUNG_GENERATION)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay as they are."""
    tests = Path(__file__).parent
    places = {tests / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_runtest_teardown() -> None:
    """Take back what a command has changed in the process for as long as it lasts, which is usually its own.

    Garbage is collected as usual again: a million objects at once cost a mail's time of computing. The log of `run`, whose
    stream was closed with its test, gets no lines of the next one.
    """
    gc.set_threshold(YOUNG_GENERATION)
    log = logging.getLogger("followupd")
    log.handlers.clear()
    log.propagate = True
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="module", autouse=True)
def _settled() -> None:
    """Let the collector of garbage pass over what all files share from here on: modules, words, tables of tests."""
    gc.collect()
    gc.freeze()


def _served(make: Callable[[], AbstractContextManager[S]], *, demanded: bool = False) -> Iterator[S]:
    with ExitStack() as stack:
        try:
            server = make()
        except NotInstalledError as missing:
            skip(str(missing), demanded=demanded)
            raise
        yield stack.enter_context(server)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority that signs the certificate of every test server."""
    return trustme.CA()


@pytest.fixture(scope="session")
def dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """`dovecot.account("support")` creates a mailbox for one test."""
    yield from _served(lambda: Dovecot(authority), demanded=True)


@pytest.fixture(scope="session")
def degraded_dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """A Dovecot without IDLE, CONDSTORE, MOVE, UIDPLUS and SPECIAL-USE."""
    yield from _served(lambda: Dovecot(authority, degraded=True), demanded=True)


@pytest.fixture(scope="session")
def plain_dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """A Dovecot on which nobody can set keywords."""
    try:
        with Dovecot(authority, keywords=False) as server:
            yield server
    except NotInstalledError as missing:
        skip(str(missing), demanded=False)


@pytest.fixture
def own_dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """A Dovecot that the test may stop and start again."""
    yield from _served(lambda: Dovecot(authority), demanded=True)


@pytest.fixture(scope="session")
def cyrus(authority: trustme.CA) -> Iterator[Cyrus]:
    yield from _served(lambda: Cyrus(authority))


@pytest.fixture(scope="session")
def courier(authority: trustme.CA) -> Iterator[Courier]:
    yield from _served(lambda: Courier(authority))


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    """A Microsoft Graph without TLS, on this machine."""
    with GraphServer() as server:
        yield server


@pytest.fixture(scope="session")
def postfix(authority: trustme.CA, dovecot: Dovecot) -> Iterator[Postfix]:
    yield from _served(lambda: Postfix(authority, dovecot))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """`postgres.database()` creates an empty database and returns its URL."""
    yield from _served(Postgres, demanded=True)


@pytest.fixture
def smtp(authority: trustme.CA) -> Iterator[Sink]:
    """An SMTP server without TLS and login; `smtp.plan("data", "drop")` scripts it, `smtp.messages` are accepted ones."""
    yield from _served(lambda: Sink(authority), demanded=True)


@pytest.fixture
def smtp_login(authority: trustme.CA) -> Iterator[Sink]:
    """An SMTP server that requires STARTTLS and the login support / secret."""
    yield from _served(lambda: Sink(authority, {"support": "secret"}), demanded=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """`chromium.page(url)` opens a page and returns its DOM."""
    yield from _served(Chromium, demanded=True)


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file for an admin's `ca_file`."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
