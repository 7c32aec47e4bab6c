"""The commands by group with the module of each one, imported when it is used; their man page and completion."""

import argparse
import shlex
from dataclasses import dataclass
from importlib import import_module
from typing import Any


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
            words += [str(choice) for choice in action.choices or ()]
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
