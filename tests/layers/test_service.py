"""The unit file is one that systemd understands, and gives the daemon no more rights than it needs."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers.machine import NotInstalledError, program, skip

UNIT = Path(__file__).parents[2] / "systemd/followupd.service"
#: the exposure that issue 2 allows, in tenths
EXPOSURE = 15


@pytest.fixture
def analyze() -> str:
    try:
        return program("systemd-analyze", "systemd")
    except NotInstalledError as missing:
        skip(str(missing), demanded=False)
        raise


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it is shipped, but for the program, which is not installed here."""
    path = tmp_path / UNIT.name
    path.write_text(re.sub(r"/opt/followupd/bin/followupd", "/bin/true", UNIT.read_text()))
    return path


def test_systemd_understands_every_line(analyze: str, unit: Path) -> None:
    command = [analyze, "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_exposed_no_more_than_it_has_to_be(analyze: str, unit: Path) -> None:
    command = [analyze, "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_every_setting_of_the_page_is_in_the_unit() -> None:
    page = (UNIT.parents[1] / "docs/service.md").read_text()
    said = set(re.findall(r"`([A-Z]\w+=[^` ]+)`", page))
    assert said
    assert said - set(UNIT.read_text().splitlines()) == set()


def test_a_fault_that_ends_every_start_does_not_loop_for_ever() -> None:
    unit = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if line[:1].isalpha())
    assert unit["StartLimitIntervalSec"] == "1h"
    most_starts_of_a_loop = 3600 / (int(unit["RestartSec"]) + 5)  # a start takes some seconds
    assert int(unit["StartLimitBurst"]) < most_starts_of_a_loop
