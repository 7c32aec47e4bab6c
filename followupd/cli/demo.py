"""demo: the whole story over real IMAP and SMTP on this machine."""

import argparse
from typing import Any


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Filled in by the demo itself."""
