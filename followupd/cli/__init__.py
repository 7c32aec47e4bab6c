"""What a person types: one parser, one function a command, exit codes as in the contract."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from followupd import __version__
from followupd.errors import FollowupdError

#: exit codes: done, problems found, usage, configuration
DONE, PROBLEMS, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What goes wrong is said in one line, without a traceback."""
    options = _parser().parse_args(arguments)
    options.config = _directory(options.config)
    try:
        return int(options.do(options))
    except FollowupdError as error:
        from followupd.cli.printing import complain

        complain(f"followupd: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `followupd cases | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _directory(given: str | None) -> Path:
    path = Path(given or os.environ.get("FOLLOWUPD_CONFIG") or "/etc/followupd")
    return path.parent if path.name == "followupd.toml" else path


def _parser() -> argparse.ArgumentParser:
    from followupd.cli import cases, demo, keeping, learning, letters, mails, reports, service, setup, tagging

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", metavar="DIR", default=argparse.SUPPRESS, help="configuration (or $FOLLOWUPD_CONFIG)"
    )
    common.add_argument("--json", action="store_true", help="print JSON for programs")
    parser = argparse.ArgumentParser(
        prog="followupd", description="Service recovery that happens: never twice, never forgotten, in doubt we ask."
    )
    parser.add_argument("--version", action="version", version=f"followupd {__version__}")
    parser.add_argument("--config", metavar="DIR", default=None, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (demo, setup, service, cases, letters, mails, learning, tagging, keeping, reports):
        group.add(commands, common)
    return parser
