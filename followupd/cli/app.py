"""How a command gets the house it speaks of."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from followupd.app.container import App


def open_house(directory: Path) -> "App":
    """Load the configuration and join the rooms; raises SetupError with every problem."""
    from followupd.adapters.settings import load
    from followupd.app.container import build

    app = build(load(directory))
    app.ledger.upgrade()
    return app


def who_types() -> str:
    """Name whoever types a command, for the history; a user without a name goes by number."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # no entry in the system's list of users, as in many containers
        name = f"user {os.getuid()}"
    return f"{name} at the command line"
