"""The commands by group, and the module of each one, which is imported when the command is used."""

import argparse
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
            "data", "encrypt the ledger anew with the first key of its file", "followupd rekey"
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
        lines += [f"    {name:<12}{command.summary}" for name, command in group.items()]
        lines += [f"  example: {_group_example(title)}", ""]

    return "\n".join(lines)


def _group_example(title: str) -> str:
    """Return the example of the command that is typical of the group."""
    chosen = {"Setup": "check", "Daemon": "status", "Cases": "tell", "Letters": "preview", "Data": "backup"}
    return GROUPS[title][chosen[title]].example
