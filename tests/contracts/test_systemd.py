"""The words for the service manager arrive at a path and at an abstract address, and never hold the daemon up."""

import socket
from pathlib import Path

import pytest

from followupd.adapters.process import notify
from tests.servers.manager import Manager


@pytest.mark.parametrize("abstract", [False, True])
def test_words_arrive(monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    with Manager(abstract=abstract) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        notify("READY=1", "STATUS=listening")
        manager.wait("READY=1")
        manager.wait("STATUS=listening")


def test_nobody_to_tell_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    notify("READY=1")


def test_a_manager_that_does_not_listen_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        full = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 1
        if full > 100:
            pytest.skip("skipped, because this kernel keeps too many words for one that does not listen")
        for _ in range(full + 1):
            notify("WATCHDOG=1")
