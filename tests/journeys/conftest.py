"""Journeys begin with a mailbox of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.journeys.world import World
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


@pytest.fixture
def make_world(
    tmp_path: Path, dovecot: Dovecot, smtp: Sink, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., World]:
    """Return what makes a world; words change its configuration."""

    def make(**words: Any) -> World:
        postbox = dovecot.account("support")
        monkeypatch.setenv("FOLLOWUPD_TEST_PASSWORD", postbox.password)
        return World.made(tmp_path / "etc", postbox, smtp, **words)

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

        def made(witness: str = "sent", **words: Any) -> World:
            smtp_extra = (
                f'username = "{postbox.username}"\nca_file = "{ca_file}"\nwitness = "{witness}"\n{oauth}'
            )
            return World.made(
                tmp_path / "etc",
                postbox,
                smtp,
                mailbox=f'door = "graph"\n{oauth}',
                smtp_extra=smtp_extra,
                **words,
            )

        yield made
