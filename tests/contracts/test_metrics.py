"""Numbers for Prometheus and /healthz over real HTTP, from the daemon as a process too."""

import json
import logging
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followupd import __version__, log
from followupd.adapters.health import LATE, DaemonHealth, HealthSnapshot, MailboxHealth, Metrics
from tests.journeys.service import Service, ends
from tests.servers.dovecot import Dovecot
from tests.servers.machine import LIMIT, free_ports, until
from tests.servers.manager import Manager
from tests.servers.smtp import Sink

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DOCUMENTED = Path(__file__).parents[2] / "docs" / "monitoring"


def snapshot(
    breaker: str = "", doubts: int = 0, *, connected: bool = True, refused: str = "", unheard: int = 0
) -> HealthSnapshot:
    """Return what a daemon with one mailbox reports."""
    health = DaemonHealth(
        timezone="Europe/London",
        last_cycle=NOON,
        running=True,
        mailboxes=[MailboxHealth("support", connected, NOON, 0)],
        open_cases=2,
        queued_letters=0,
        letters_in_doubt=doubts,
        quarantined_mails=4,
        untold_mails=0,
        breaker_open=bool(breaker),
        breaker_reason=breaker,
        next_check=None,
        refused_configuration=refused,
        refused_desk_mails=unheard,
    )
    return HealthSnapshot(
        health=health,
        cases={"heard": 2, "closed": 1},
        letters={"sent": 3},
        sent={"confirmation": 3},
        stock={"20.00 EUR": 7},
        overdue_promises=1,
        oldest_letter=NOON,
        backed_up=NOON,
        configured=NOON,
    )


WELL = snapshot()


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
        'followupd_letters{condition="doubt"} 0',
        'followupd_cases{stage="dismissed"} 0',
        'followupd_letters_sent_total{kind="confirmation"} 3',
        'followupd_letters_refused_total{kind="desk/opened"} 0',
        'followupd_mails_total{kind="bounce"} 0',
        'followupd_gift_cards_in_stock{value="20.00 EUR"} 7',
        "followupd_overdue_promises 1",
        "followupd_config_last_reload_successful 1",
        f"followupd_last_cycle_timestamp_seconds {NOON.timestamp()}",
        f'followupd_mailbox_last_sync_timestamp_seconds{{mailbox="support"}} {NOON.timestamp()}',
        f"followupd_last_backup_timestamp_seconds {NOON.timestamp()}",
        f'followupd_build_info{{version="{__version__}"}} 1',
        "followupd_quarantined_mails 4",
        'followupd_mailbox_connected{mailbox="support"} 1',
        "followupd_breaker_open 0",
        "followupd_beat_age_seconds 2.5",
    ):
        assert line in text.splitlines()
    for line in text.splitlines():
        assert re.fullmatch(
            r"# (HELP|TYPE) (followupd|process)_\w+ .+|(followupd|process)_\w+(\{\w+=\"[\w.+/ -]+\"\})? [\d.]+",
            line,
        )


def test_health_is_told_in_a_word_and_a_status(metrics: Metrics, hands: Hands) -> None:
    assert get(metrics.port, "/healthz") == (503, "there was no cycle yet\n")
    metrics.report(WELL)
    assert get(metrics.port, "/healthz") == (200, "ok\n")
    hands.at = LATE + 1
    assert get(metrics.port, "/healthz") == (503, "the last cycle was 121 seconds ago\n")
    for trouble, said in (
        (snapshot(connected=False), "not connected: support"),
        (snapshot(breaker="too many letters"), "the breaker is open: too many letters"),
        (snapshot(doubts=2), "2 letter(s) in doubt"),
        (snapshot(unheard=6), "6 mail(s) to agents were refused"),
        (snapshot(refused="refused, 1 problem(s)"), "the configuration was refused, 1 problem(s)"),
    ):
        metrics.report(trouble)
        assert get(metrics.port, "/healthz") == (503, f"{said}\n")
        assert not trouble.health.ok  # as `status` says


def test_a_load_balancer_may_ask_for_the_headers_alone(metrics: Metrics) -> None:
    metrics.report(WELL)
    request = urllib.request.Request(f"http://127.0.0.1:{metrics.port}/healthz", method="HEAD")
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert (answer.status, answer.read()) == (200, b"")


def test_the_documented_alerts_and_panels_ask_for_metrics_that_exist(metrics: Metrics) -> None:
    metrics.report(WELL)
    served = set(re.findall(r"^# TYPE (\w+) ", metrics.text(), re.MULTILINE))
    alerts = (DOCUMENTED / "alerts.yml").read_text()
    panels = json.loads((DOCUMENTED / "grafana.json").read_text())["panels"]
    asked = "\n".join([*re.findall(r"expr: (.+)", alerts), *(p["targets"][0]["expr"] for p in panels)])
    names = set(re.findall(r"\b(?:followupd|process)_\w+", asked))
    assert len(names) > 15
    assert names <= served
    page = (DOCUMENTED.parent / "monitoring.md").read_text()
    own = {name for name in served if name.startswith("followupd_")}
    assert own <= set(re.findall(r"\bfollowupd_\w+", page))


def test_each_alert_is_a_rule_that_prometheus_takes() -> None:
    alerts = DOCUMENTED / "alerts.yml"
    rules = alerts.read_text().split("      - alert: ")[1:]
    assert len(rules) > 8
    for rule in rules:
        keys = re.findall(r"^        (\w+):", rule, re.MULTILINE)
        assert [key for key in keys if key != "for"] == ["expr", "labels", "annotations"], rule
        assert rule.count("(") == rule.count(")")
    if promtool := shutil.which("promtool"):
        subprocess.run([promtool, "check", "rules", str(alerts)], check=True, capture_output=True)


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


def test_the_journal_gets_a_line_with_fields(tmp_path: Path) -> None:
    path = str(tmp_path / "journal")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(path)
        journal.settimeout(LIMIT)
        handler = log._JournalHandler(path)
        words = 'letter-delayed key=FU-7K3Q9.delay.1 why="a\nFOLLOWUPD_CASE=FU-99999"'
        handler.emit(logging.LogRecord("followupd", logging.WARNING, "", 0, "%s", (words,), None))
        handler.close()
        fields = dict(line.split("=", 1) for line in journal.recv(4096).decode().splitlines())
    assert fields["FOLLOWUPD_EVENT"] == "letter-delayed"
    assert fields["FOLLOWUPD_CASE"] == "FU-7K3Q9"
    assert fields["PRIORITY"] == "4"
    assert len(fields["MESSAGE_ID"]) == 32
    assert fields["MESSAGE"].startswith("letter-delayed key=FU-7K3Q9.delay.1")
