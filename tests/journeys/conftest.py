"""Journeys begin with a mailbox of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.world import World
from tests.servers.dovecot import Dovecot
from tests.servers.smtp import Sink


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
