"""Numbers for Prometheus and /healthz over real HTTP, from the daemon as a process too."""

import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from followupd.adapters.health import LATE, HealthSnapshot, Metrics
from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, free_ports, until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink

WELL = HealthSnapshot(
    cases={"heard": 2, "closed": 1},
    letters={"sent": 3},
    quarantine=4,
    connected={"support": True},
    breaker_open=False,
)


class Hands:
    """A clock that a test moves."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def metrics(hands: Hands) -> Iterator[Metrics]:
    served = Metrics("127.0.0.1", 0, hands)
    yield served
    served.close()


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_numbers_are_in_the_form_that_prometheus_reads(metrics: Metrics, hands: Hands) -> None:
    metrics.report(WELL)
    hands.at = 2.5
    status, text = get(metrics.port, "/metrics")
    assert status == 200
    for line in (
        'followupd_cases{stage="closed"} 1',
        'followupd_cases{stage="heard"} 2',
        'followupd_letters{condition="sent"} 3',
        "followupd_quarantined_mails 4",
        'followupd_mailbox_connected{mailbox="support"} 1',
        "followupd_breaker_open 0",
        "followupd_beat_age_seconds 2.5",
    ):
        assert line in text.splitlines()
    for line in text.splitlines():
        assert re.fullmatch(
            r"# (HELP|TYPE) followupd_\w+ .+|followupd_\w+(\{\w+=\"[\w.+-]+\"\})? [\d.]+", line
        )


def test_health_is_told_in_a_word_and_a_status(metrics: Metrics, hands: Hands) -> None:
    assert get(metrics.port, "/healthz") == (503, "there was no cycle yet\n")
    metrics.report(WELL)
    assert get(metrics.port, "/healthz") == (200, "ok\n")
    hands.at = LATE + 1
    assert get(metrics.port, "/healthz") == (503, "the last cycle was 121 seconds ago\n")
    metrics.report(HealthSnapshot(connected={"support": True, "billing": False}))
    assert get(metrics.port, "/healthz") == (503, "not connected: billing\n")


def test_there_is_nothing_else(metrics: Metrics) -> None:
    assert get(metrics.port, "/")[0] == 404
    assert get(metrics.port, "/metrics/../secret")[0] == 404


def test_the_daemon_serves_them_and_names_no_customer(tmp_path: Path, dovecot: Dovecot, smtp: Sink) -> None:
    (port,) = free_ports(1)
    with Manager() as manager:
        service = Service.made(tmp_path / "etc", dovecot.account("support"), smtp, manager)
        with (service.directory / "followupd.toml").open("a") as file:
            file.write(f'\n[metrics]\nlisten = "127.0.0.1:{port}"\n')
        with service.ready() as process:
            service.customer_writes("My parcel has still not arrived. This is unacceptable.")
            service.agent_tags("complaint")
            until(
                lambda: manager.so_far() and "followupd_cases{" in get(port, "/metrics")[1],
                "a case in the metrics",
                40,
            )
            until(lambda: get(port, "/healthz") == (200, "ok\n"), "health")
            assert "kim" not in get(port, "/metrics")[1]
            assert ends(process, signal.SIGTERM, LIMIT) == 0
