"""Parse a command line, run the command and return its exit code (docs/commands.md).

The commands are listed by group with the module of each one, which is imported when it is used.
"""

import argparse
import errno
import gc
import getpass
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from followupd import __version__
from followupd.errors import FollowupdError

#: exit codes; errors of the configuration have code 78 (`FollowupdError.exit_code`)
DONE, PROBLEMS, USAGE = 0, 1, 2
_INTERRUPTED = 130
USUAL_DIRECTORY = "/etc/followupd"
#: new objects before the youngest generation is collected; imports make half a million objects that stay
_YOUNG_GENERATION = 1_000_000


# --- the commands -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One command: its module in `followupd.cli`, what `--help` says of it, and an example of its use."""

    module: str
    summary: str
    example: str


#: group -> command name -> command; `followupd --help` prints them in this order
GROUPS: dict[str, dict[str, CommandInfo]] = {
    "Setup": {
        "demo": CommandInfo(
            "setup",
            "play the whole life of a complaint on this machine",
            "followupd demo --out /tmp/followupd-demo",
        ),
        "lookback": CommandInfo(
            "lookback",
            "show what was promised and forgotten in the mail that is there; changes nothing",
            "followupd lookback --mailbox support@example.com --since '730 days' --html lookback.html",
        ),
        "init": CommandInfo("setup", "write a starter configuration", "followupd init /etc/followupd"),
        "customise": CommandInfo(
            "setup",
            "copy shipped letters or words for editing",
            "followupd customise templates/en/follow-up.md",
        ),
        "check": CommandInfo(
            "setup",
            "validate configuration and templates",
            "followupd check --online --config /etc/followupd",
        ),
        "when": CommandInfo(
            "setup", "show when a duration ends in business time", "followupd when 2 business days"
        ),
        "tags": CommandInfo(
            "tags", "print the tags to create in a mail client", "followupd tags thunderbird >> user.js"
        ),
    },
    "Daemon": {
        "run": CommandInfo("daemon", "run the daemon", "followupd run --once"),
        "status": CommandInfo("daemon", "show daemon, mailbox and outbox health", "followupd status --check"),
        "resume": CommandInfo("daemon", "close the circuit breaker of the outbox", "followupd resume"),
        "login": CommandInfo("daemon", "log in to a mailbox by OAuth", "followupd login support"),
        "install-service": CommandInfo(
            "daemon",
            "install the systemd unit, man page and completion of this installation",
            "followupd install-service",
        ),
    },
    "Cases": {
        "cases": CommandInfo(
            "cases", "list cases", "followupd cases --stage promised --owner ana --since '30 days'"
        ),
        "case": CommandInfo("cases", "show one case with its history", "followupd case FU-7K3Q9"),
        "explain": CommandInfo(
            "cases", "show why letters were or were not sent, and what is next", "followupd explain FU-7K3Q9"
        ),
        "tell": CommandInfo(
            "cases", "run agent commands on a case", 'followupd tell FU-7K3Q9 "kept: 1" fixed --as ana'
        ),
        "read": CommandInfo("classify", "show how a mail is classified, and why", "followupd read mail.eml"),
        "learn": CommandInfo(
            "classify", "retrain the classifier on agents' decisions", "followupd learn --dry-run"
        ),
        "report": CommandInfo(
            "report",
            "summarise causes, promises, times and compensation",
            'followupd report --since "30 days"',
        ),
        "calibrate": CommandInfo(
            "report",
            "show how long promises really take, and the playbook lines to change",
            'followupd calibrate --since "365 days"',
        ),
    },
    "Letters": {
        "letters": CommandInfo(
            "letters", "list queued and sent letters", "followupd letters --status refused --limit 20"
        ),
        "settle": CommandInfo(
            "letters", "resolve a letter in doubt", "followupd settle FU-7K3Q9.follow-up.1 sent"
        ),
        "send": CommandInfo(
            "letters",
            "let a letter leave that waits for quiet hours or a limit",
            "followupd send FU-7K3Q9.follow-up.1",
        ),
        "preview": CommandInfo(
            "letters", "show a letter as it would be sent", "followupd preview follow-up --case FU-7K3Q9"
        ),
        "try": CommandInfo(
            "letters",
            "send yourself the first letter that a complaint of yours would get",
            "followupd try you@example.org",
        ),
        "diff": CommandInfo(
            "letters",
            "compare letters of open cases with an old configuration",
            "followupd diff /etc/followupd.old",
        ),
        "gift-cards": CommandInfo(
            "gift_cards", "import or list gift cards", "followupd gift-cards import codes.csv"
        ),
    },
    "Data": {
        "backup": CommandInfo(
            "data", "copy the ledger while it is in use (SQLite)", "followupd backup /var/backups/ledger.db"
        ),
        "ledger": CommandInfo(
            "data",
            "copy the ledger to another database",
            "followupd ledger copy --to postgresql://followupd@db.example.com/followupd",
        ),
        "rekey": CommandInfo(
            "data", "re-encrypt the ledger with the first key of its file", "followupd rekey"
        ),
        "upgrade": CommandInfo("data", "upgrade the ledger's tables", "followupd upgrade"),
        "export": CommandInfo(
            "data", "print all data of a customer as JSON", "followupd export kim@example.org > kim.json"
        ),
        "erase": CommandInfo(
            "data",
            "erase a customer's data (amounts are kept without a name)",
            "followupd erase kim@example.org",
        ),
    },
}

COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


class CommandParsers:
    """Creates the parsers of commands with what all of them share: --config, --json, summary and example."""

    def __init__(self, subparsers: Any, shared: argparse.ArgumentParser) -> None:
        self._subparsers, self._shared = subparsers, shared

    def add(self, name: str) -> argparse.ArgumentParser:
        """Return the parser of a command that is listed in GROUPS."""
        command = COMMANDS[name]
        parser: argparse.ArgumentParser = self._subparsers.add_parser(
            name,
            parents=[self._shared],
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=f"Example: {command.example}",
        )
        return parser

    def add_action(self, actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
        """Return the parser of an action of a command, such as `import` of `gift-cards`."""
        parser: argparse.ArgumentParser = actions.add_parser(name, parents=[self._shared], help=summary)
        return parser

    def load(self, name: str) -> None:
        """Import the module of a command and let it add its parsers."""
        import_module(f"followupd.cli.{COMMANDS[name].module}").add(self)


def overview() -> str:
    """Return the list of commands by group, each group with an example, for `followupd --help`."""
    lines = []
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        lines += [f"    {name:<17}{command.summary}" for name, command in group.items()]
        lines += [f"  example: {_group_example(title)}", ""]

    return "\n".join(lines)


def _group_example(title: str) -> str:
    """Return the example of the command that is typical of the group."""
    chosen = {"Setup": "check", "Daemon": "status", "Cases": "tell", "Letters": "preview", "Data": "backup"}
    return GROUPS[title][chosen[title]].example


# --- the application of a command ---------------------------------------------------------------------------


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


# --- one command line ---------------------------------------------------------------------------------------


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


# --- man page and completion --------------------------------------------------------------------------------


def _all_parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(prog="followupd")
    subparsers = top.add_subparsers(prog="followupd")
    commands = CommandParsers(subparsers, argparse.ArgumentParser(add_help=False))
    for module in dict.fromkeys(command.module for command in COMMANDS.values()):
        import_module(f"followupd.cli.{module}").add(commands)
    parsers: dict[str, argparse.ArgumentParser] = subparsers.choices
    return parsers


def man_page(version: str) -> str:
    """Return the manual page followupd(1) in troff."""
    parsers = _all_parsers()
    lines = [
        f'.TH FOLLOWUPD 1 "" "followupd {version}"',
        ".SH NAME",
        r"followupd \- service recovery by mail: complaints, promises, the follow\-up",
        ".SH SYNOPSIS",
        r".B followupd",
        r"[\-\-config DIR] [\-\-json] COMMAND ...",
    ]
    for title, group in GROUPS.items():
        lines.append(f".SH {title.upper()} COMMANDS")
        for name, command in group.items():
            lines += [".TP", f".B followupd {_troff(_usage(parsers[name]))}"]
            lines += [_troff(f"{command.summary[0].upper()}{command.summary[1:]}.")]
            for options, meaning in _options(parsers[name]):
                lines += [".RS", ".TP", f".B {_troff(options)}", _troff(meaning), ".RE"]
            lines += [".br", f"Example: {_troff(command.example)}"]
    lines += [
        ".SH EXIT STATUS",
        "0 done, 1 problems found, 2 usage, 78 configuration.",
        ".SH FILES",
        ".TP",
        "/etc/followupd",
        r"configuration (\-\-config, $FOLLOWUPD_CONFIG)",
        ".TP",
        "/var/lib/followupd",
        "the ledger",
    ]
    return "\n".join(lines) + "\n"


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return a command with its arguments in one line."""
    words = parser.format_usage().split()
    return " ".join(word for word in words[2:] if word not in {"[-h]", "..."})


def _options(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Return the options of a command that have a description."""
    actions = [action for action in parser._actions if action.option_strings and action.dest != "help"]  # noqa: SLF001
    return [(", ".join(action.option_strings), action.help) for action in actions if action.help]


def _troff(text: str) -> str:
    """Escape a line for troff, in which a backslash, a hyphen and a full stop at the beginning have a meaning."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def completion() -> str:
    """Return the completion of bash, for commands, options and their fixed values."""
    cases = []
    for name, parser in _all_parsers().items():
        words = sorted({option for action in parser._actions for option in action.option_strings})  # noqa: SLF001
        for action in parser._actions:  # noqa: SLF001
            words += list(map(str, action.choices or ()))
        cases.append(f"    {name}) words={shlex.quote(' '.join(dict.fromkeys(words)))} ;;")
    commands = " ".join(COMMANDS)
    return f"""# bash completion of followupd
_followupd() {{
  local command word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    '') words='{commands} --config --json --version --help' ;;
{chr(10).join(cases)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _followupd followupd
"""


if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.app.container import App
