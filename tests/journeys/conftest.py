"""Journeys begin with a mailbox of their own."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from followupd import clock
from tests.journeys.world import START, World
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.graph import GraphServer
from tests.servers.oauth import LoginServer
from tests.servers.smtp import Sink

GRAPH_SCOPE, SMTP_SCOPE = "https://localhost/.default", "https://outlook.office365.com/.default"
OAUTH = """auth = "oauth-microsoft"
oauth_grant = "application"
oauth_client = "{client}"
oauth_tenant = "acme.test"
oauth_secret = "env:FOLLOWUPD_TEST_SECRET"
oauth_authority = "{authority}"
"""


def at_its_time(made: Callable[[], World], monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world; the commands that a test types beside it run at its time, whatever day it is."""
    monkeypatch.setattr(clock, "now", lambda: START)
    world = made()
    monkeypatch.setattr(clock, "now", lambda: world.now)
    return world


@pytest.fixture
def make_world(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., World]:
    """Return what makes a world; words change its configuration."""

    def make(**words: Any) -> World:
        postbox = dovecot.account("support")
        monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
        return at_its_time(partial(World.made, tmp_path / "etc", postbox, smtp, **words), monkeypatch)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


# --- at Microsoft 365 ---


class Issued:
    """The tokens that a login server has issued for a scope."""

    def __init__(self, login: LoginServer, scope: str) -> None:
        self._login, self._scope = login, scope

    def __contains__(self, token: object) -> bool:
        issued = [
            f"access-{number}"
            for number, form in enumerate(self._login.asked, 1)
            if form["scope"] == self._scope
        ]
        return token in issued


@pytest.fixture
def office(authority: trustme.CA) -> Iterator[GraphServer]:
    with GraphServer(authority) as server:
        yield server


@pytest.fixture
def make_at_microsoft(
    tmp_path: Path,
    office: GraphServer,
    authority: trustme.CA,
    ca_file: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., World]]:
    """Return what makes a world at a Microsoft 365 of the tests' own."""
    monkeypatch.setenv("FOLLOWUPD_TEST_SECRET", "the-client-secret")
    with LoginServer(authority) as login, Sink(authority, tokens=Issued(login, SMTP_SCOPE)) as smtp:
        login.tenant = "acme.test"
        office.tokens = Issued(login, GRAPH_SCOPE)  # type: ignore[assignment]  # it only asks what is in it
        postbox = office.account(ca_file=ca_file)
        oauth = OAUTH.format(client=postbox.username, authority=login.url)

        def made(smtp_extra: str = 'witness = "sent"', mailbox: str = "", **words: Any) -> World:
            login_extra = f'username = "{postbox.username}"\nca_file = "{ca_file}"\n{oauth}'
            words["mailbox"], words["smtp_extra"] = (
                f'door = "graph"\n{oauth}{mailbox}',
                login_extra + smtp_extra,
            )
            return at_its_time(partial(World.made, tmp_path / "etc", postbox, smtp, **words), monkeypatch)

        yield made


# --- at each of the servers ---


def named(variable: str) -> list[str]:
    """Return the servers that an environment variable names: dovecot plain_dovecot cyrus courier graph."""
    return os.environ.get(variable, "dovecot").split()


@pytest.fixture
def make_at(
    request: pytest.FixtureRequest, tmp_path: Path, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., World]]:
    """Return what makes a world at a server, by its name; words change its configuration."""
    made: list[World] = []

    def make(name: str, **words: Any) -> World:
        if name == "graph":
            at_microsoft: Callable[..., World] = request.getfixturevalue("make_at_microsoft")
            made.append(at_microsoft(**words))
        else:
            server: Dovecot | Cyrus | Courier = request.getfixturevalue(name)
            postbox = server.account("support")
            monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
            make = partial(World.made, tmp_path / "etc", postbox, smtp, **words)
            made.append(at_its_time(make, monkeypatch))
        return made[-1]

    yield make
    for world in made:
        world.app.ledger.close()
