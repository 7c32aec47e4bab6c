"""Parse a command line, run the command and return its exit code (docs/commands.md)."""

import argparse
import errno
import gc
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from difflib import get_close_matches
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from followupd import __version__
from followupd.cli.commands import COMMANDS, CommandParsers, overview
from followupd.errors import FollowupdError

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.app.container import App


@contextmanager
def open_app(directory: Path, *, create: bool = False) -> Iterator["App"]:
    """Load the configuration, build the application and upgrade its ledger, which is closed after the block.

    Args:
        directory: the configuration directory.
        create: make a ledger that does not exist; otherwise a mistyped address would look like an empty house.

    Raises:
        SetupError: the configuration has problems; the error lists all of them.
        NoLedgerError: there is no ledger.
    """
    from followupd.adapters.settings import load
    from followupd.app.container import build

    app = build(load(directory))
    with closing(app.ledger):
        if create:
            app.ledger.upgrade()
        else:
            app.ledger.open_existing()
        yield app


def with_app(
    command: Callable[[argparse.Namespace, "App"], int], *, create: bool = False
) -> Callable[[argparse.Namespace], int]:
    """Return a command that works with the application as one of its options alone.

    Args:
        command: takes the options and the application, whose ledger is open meanwhile.
        create: make a ledger that does not exist.
    """

    @wraps(command)
    def opened(options: argparse.Namespace) -> int:
        with open_app(options.config, create=create) as app:
            return command(options, app)

    return opened


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


#: exit codes; errors of the configuration have code 78 (`FollowupdError.exit_code`)
DONE, PROBLEMS, USAGE = 0, 1, 2
_INTERRUPTED = 130
USUAL_DIRECTORY = "/etc/followupd"
#: new objects before the youngest generation is collected; imports make half a million objects that stay
_YOUNG_GENERATION = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Errors of configuration, servers and disk are printed in one line. Any other exception is a bug, and is
    raised.

    Args:
        arguments: the arguments of the command, without the program's name; None for those of this process.
    """
    gc.set_threshold(_YOUNG_GENERATION)  # a tenth of the time of a start; `run` lowers it again
    options = _parse(list(sys.argv[1:] if arguments is None else arguments))
    options.config = _configuration_directory(options.config)
    try:
        return _run(options)
    except FollowupdError as error:
        from followupd.cli.output import print_error

        print_error(f"followupd: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # `followupd cases | head`
        _discard_output()
        return DONE
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _discard_output()
        print("followupd: the disk is full", file=sys.stderr)
        return PROBLEMS


def _run(options: argparse.Namespace) -> int:
    """Run the command, with output that no terminal refuses."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show is printed as \u00e9
            stream.reconfigure(errors="backslashreplace")

    exit_code = int(options.do(options))
    sys.stdout.flush()

    return exit_code


def _discard_output() -> None:
    """Redirect standard output to /dev/null, so that Python's flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _configuration_directory(given: str | None) -> Path:
    """Return the directory of --config, of $FOLLOWUPD_CONFIG, or the default.

    The path of a followupd.toml means the directory that contains it.
    """
    path = Path(given or os.environ.get("FOLLOWUPD_CONFIG") or USUAL_DIRECTORY)
    return path.parent if path.name == "followupd.toml" else path


def _parse(words: list[str]) -> argparse.Namespace:
    """Parse all words; exit with a usage error if they make no command.

    Args:
        words: those after the program's name. Python has put surrogates where bytes were no UTF-8.

    Returns:
        The options. `many` names the one that takes several words, "" where the command has none.
    """
    parser = _parser(words)
    for word in words:
        if any("\ud800" <= character <= "\udfff" for character in word):  # Python's form of invalid UTF-8
            parser.error(f"{word!r} is not written in UTF-8")

    options, rest = parser.parse_known_args(words)
    if not rest:
        return options
    unknown_option = any(word.startswith("-") and word != "-" for word in rest)
    if unknown_option or not options.many:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    # argparse only collects list items that are next to each other: `tell FU-7K3Q9 fixed --as ana "kept: 1"`
    getattr(options, options.many).extend(rest)

    return options


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Return a parser that knows the command in `words`, or all commands if there is none."""
    parser = argparse.ArgumentParser(
        prog="followupd",
        usage="followupd [--config DIR] [--json] COMMAND ...",
        description="Service recovery by mail: never twice, never forgotten, in doubt we ask.",
        epilog=f"{overview()}\n`followupd COMMAND --help` describes a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"followupd {__version__}")
    parser.add_argument("--config", metavar="DIR", help="configuration directory (or $FOLLOWUPD_CONFIG)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.set_defaults(many="")

    subparsers = parser.add_subparsers(
        prog="followupd", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    commands = CommandParsers(subparsers, _shared_options())
    name = _command_name(words)

    if name in COMMANDS:
        commands.load(name)
    elif name:
        parser.error(_unknown_command(name))

    return parser


def _shared_options() -> argparse.ArgumentParser:
    """Return the options that may come before or after a command; a default here would overwrite the former."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="configuration directory (or $FOLLOWUPD_CONFIG)",
    )
    shared.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for programs"
    )

    return shared


def _command_name(words: list[str]) -> str:
    """Return the first word that is neither an option nor the value of --config.

    The word may be no command, and "" if there is none, as in `followupd --help`.
    """
    options = argparse.ArgumentParser(add_help=False, parents=[_shared_options()])
    _, rest = options.parse_known_args(words)
    if not rest or rest[0].startswith("-"):
        return ""

    return rest[0]


def _unknown_command(name: str) -> str:
    """Return the error for a mistyped command, with the nearest one."""
    similar = get_close_matches(name, COMMANDS, n=1)
    suggestion = f"; did you mean {similar[0]!r}?" if similar else ""
    return f"unknown command {name!r}{suggestion} (`followupd --help` lists all commands)"
