"""The real servers that tests run against, each started once, and a mailbox or database of its own for every test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

import pytest
import trustme

from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.machine import NotInstalledError, skip
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.smtp import Sink

S = TypeVar("S")


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
    """The certificate authority that every test server's certificate comes from."""
    return trustme.CA()


@pytest.fixture(scope="session")
def dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """`dovecot.account("support")` is a mailbox of the test's own."""
    yield from _served(lambda: Dovecot(authority), demanded=True)


@pytest.fixture(scope="session")
def degraded_dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """A Dovecot without IDLE, CONDSTORE, MOVE, UIDPLUS and SPECIAL-USE."""
    yield from _served(lambda: Dovecot(authority, degraded=True), demanded=True)


@pytest.fixture
def own_dovecot(authority: trustme.CA) -> Iterator[Dovecot]:
    """A Dovecot that the test may stop and start."""
    yield from _served(lambda: Dovecot(authority), demanded=True)


@pytest.fixture(scope="session")
def cyrus(authority: trustme.CA) -> Iterator[Cyrus]:
    yield from _served(lambda: Cyrus(authority))


@pytest.fixture(scope="session")
def postfix(authority: trustme.CA, dovecot: Dovecot) -> Iterator[Postfix]:
    yield from _served(lambda: Postfix(authority, dovecot))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """`postgres.database()` is the URL of an empty database."""
    yield from _served(Postgres, demanded=True)


@pytest.fixture
def smtp(authority: trustme.CA) -> Iterator[Sink]:
    """A sink without TLS and login; `smtp.plan("data", "drop")` scripts it, `smtp.messages` is what it accepted."""
    yield from _served(lambda: Sink(authority), demanded=True)


@pytest.fixture
def smtp_login(authority: trustme.CA) -> Iterator[Sink]:
    """A sink that demands STARTTLS and the login support / secret."""
    yield from _served(lambda: Sink(authority, {"support": "secret"}), demanded=True)


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that an admin would name as ca_file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
