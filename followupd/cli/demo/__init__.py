"""demo: one complaint's whole life over real IMAP and SMTP on this machine, with nothing configured."""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

from followupd.cli import DONE, PROBLEMS


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser("demo", parents=[common], help="the whole story over real mail on this machine")
    demo.add_argument("--out", metavar="DIR", type=Path, help="where to leave the letters (./followupd-demo)")
    demo.add_argument("--fast", action="store_true", help="no pauses for the reader")
    demo.set_defaults(do=_demo)


def _demo(options: argparse.Namespace) -> int:
    from time import monotonic

    from followupd import clock
    from followupd.cli.demo.performance import perform
    from followupd.cli.printing import as_json

    began = monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal in ASCII must not end the story at a pound sign
    result = perform(options.out, clock.now(), fast=options.fast, quiet=options.json)
    if options.json:
        as_json({**result, "seconds": round(monotonic() - began, 2)})
    return DONE if result["ok"] else PROBLEMS
