"""How a command gets the house it speaks of."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from followupd.wiring import House


def open_house(directory: Path) -> "House":
    """Load the configuration and join the rooms; raises SetupError with every problem."""
    from followupd.edges.settings import load
    from followupd.wiring import build

    house = build(load(directory))
    house.ledger.upgrade()
    return house
