"""What a person types: one parser, one function a command, exit codes as in the contract."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from followupd import __version__
from followupd.errors import FollowupdError

#: exit codes: done, problems found, usage, configuration
DONE, PROBLEMS, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What goes wrong is said in one line, without a traceback."""
    options = _parsed(arguments)
    options.config = _directory(options.config)
    try:
        return _run(options)
    except FollowupdError as error:
        from followupd.cli.output import complain

        complain(f"followupd: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `followupd cases | head`
        _say_no_more()
        return DONE
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _say_no_more()
        print("followupd: the disk is full", file=sys.stderr)
        return PROBLEMS


def _run(options: argparse.Namespace) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that knows ASCII alone shows the rest as \\u00e9
            stream.reconfigure(errors="backslashreplace")
    done = int(options.do(options))
    sys.stdout.flush()
    return done


def _say_no_more() -> None:
    """Keep Python from writing at its end what could not be written before."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser, words = _parser(), list(sys.argv[1:] if arguments is None else arguments)
    for word in words:
        if any("\ud800" <= each <= "\udfff" for each in word):  # how Python carries bytes that are no UTF-8
            parser.error(f"{word!r} is not written in UTF-8")
    options, left = parser.parse_known_args(words)
    if left and (not options.many or any(word.startswith("-") and word != "-" for word in left)):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if left:  # argparse knows only those that stand together: `tell FU-7K3Q9 fixed --as ana "kept: 1"`
        getattr(options, options.many).extend(left)
    return options


def _directory(given: str | None) -> Path:
    path = Path(given or os.environ.get("FOLLOWUPD_CONFIG") or "/etc/followupd")
    return path.parent if path.name == "followupd.toml" else path


def _parser() -> argparse.ArgumentParser:
    from followupd.cli import cases, classify, daemon, data, gift_cards, learn, letters, report, setup, tags

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", metavar="DIR", default=argparse.SUPPRESS, help="configuration (or $FOLLOWUPD_CONFIG)"
    )
    common.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for programs"
    )
    parser = argparse.ArgumentParser(
        prog="followupd",
        description="Service recovery that happens: never twice, never forgotten, in doubt we ask.",
    )
    parser.add_argument("--version", action="version", version=f"followupd {__version__}")
    parser.add_argument("--config", metavar="DIR", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(many="")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (setup, daemon, cases, letters, gift_cards, classify, learn, tags, data, report):
        group.add(commands, common)
    return parser
