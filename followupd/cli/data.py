"""backup, upgrade, export, erase: the ledger, and the data of one customer."""

import argparse
from pathlib import Path

from followupd.cli.commands import CommandParsers
from followupd.cli.main import DONE, PROBLEMS, open_app, shell_user
from followupd.cli.output import print_error, print_json, print_result
from followupd.log import printable


def add(commands: CommandParsers) -> None:
    """Add the parsers of backup, upgrade, export and erase."""
    backup = commands.add("backup")
    backup.add_argument("file", metavar="FILE", type=Path)
    backup.set_defaults(do=_backup)

    commands.add("upgrade").set_defaults(do=_upgrade)

    export = commands.add("export")
    export.add_argument("address", metavar="ADDRESS")
    export.set_defaults(do=_export)

    erase = commands.add("erase")
    erase.add_argument("address", metavar="ADDRESS")
    erase.add_argument("--even-open", action="store_true", help="close the customer's open cases first")
    erase.set_defaults(do=_erase)


def _backup(options: argparse.Namespace) -> int:
    """Copy the ledger to a file."""
    app = open_app(options.config)
    app.ledger.backup(options.file)
    size = options.file.stat().st_size
    print_result(
        options,
        {"file": str(options.file), "bytes": size},
        f"Wrote {options.file} ({size:,} bytes) and verified it.",
        "It can only be read with the ledger's key: back up the key as well, in another place.",
    )

    return DONE


def _upgrade(options: argparse.Namespace) -> int:
    """Run the migrations that the ledger needs."""
    from followupd.adapters.settings import load
    from followupd.app.container import build

    done = build(load(options.config)).ledger.upgrade(on_request=True)
    sentence = f"The ledger was {done}." if done else "The ledger is up to date."
    print_result(options, {"done": done or None}, sentence)

    return DONE


def _export(options: argparse.Namespace) -> int:
    """Print all data of a customer."""
    app = open_app(options.config)
    with app.ledger.transaction() as tx:
        found = tx.erasure.export(options.address)
    print_json(found)
    if not any(value for name, value in found.items() if name != "address"):
        print_error(f"There is no data of {printable(options.address)}.")

    return DONE


def _erase(options: argparse.Namespace) -> int:
    """Erase all data of a customer, and overwrite it on the disk."""
    app = open_app(options.config)
    now = app.now()
    with app.ledger.transaction() as tx:
        erased = tx.erasure.erase(options.address, shell_user(), now, even_open=options.even_open)
    overwritten = app.ledger.purge_deleted()
    exit_code = DONE if overwritten else PROBLEMS

    if options.json:
        print_json({**erased.view(), "traceless": overwritten})
        return exit_code

    print(
        f"Erased: {len(erased.cases)} case(s), {erased.mails} mail(s), {erased.letters} letter(s), "
        f"{erased.gift_cards} gift code(s)."
    )
    if erased.cases:
        print(f"Amounts and dates are kept without a name: {', '.join(erased.cases)}.")
    if erased.elsewhere:
        print(f"Cases of other customers mention the address; check them: {', '.join(erased.elsewhere)}.")
    print("Not erased: mails in the mailbox, agents' copies of desk mails, backups and exports.")

    if not overwritten:
        print_error(
            "Another process is reading the ledger, so its log file may still contain old data; "
            "run the command again."
        )

    return exit_code
