"""Load the application for a command, and name the user who runs it."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.app.container import App


def open_app(directory: Path) -> "App":
    """Load the configuration, build the application and upgrade its ledger.

    Raises:
        SetupError: the configuration has problems; the error lists all of them.
    """
    from followupd.adapters.settings import load
    from followupd.app.container import build

    app = build(load(directory))
    app.ledger.upgrade()

    return app


def company_zone(settings: "Settings") -> ZoneInfo:
    """Return the time zone in which times are printed for people."""
    return ZoneInfo(settings.company.timezone)


def shell_user() -> str:
    """Return the name of the user who runs the command, for the history; a user without a name by number."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # the user is not in the system's list of users, as in many containers
        name = f"user {os.getuid()}"

    return f"{name} at the command line"
