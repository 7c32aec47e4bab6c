"""backup, upgrade, export, erase: the ledger itself, and what it knows of one customer."""

import argparse
from pathlib import Path
from typing import Any

from followupd.adapters.terminal import safe
from followupd.cli.app import open_house, who_types
from followupd.cli.main import DONE, PROBLEMS
from followupd.cli.output import as_json, complain


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    backup = commands.add_parser(
        "backup", parents=[common], help="copy the ledger while it is in use (SQLite)"
    )
    backup.add_argument("file", metavar="FILE", type=Path)
    backup.set_defaults(do=_backup)
    upgrade = commands.add_parser("upgrade", parents=[common], help="bring the ledger's tables up to date")
    upgrade.set_defaults(do=_upgrade)
    export = commands.add_parser("export", parents=[common], help="everything known of a customer, as JSON")
    export.add_argument("address", metavar="ADDRESS")
    export.set_defaults(do=_export)
    erase = commands.add_parser(
        "erase", parents=[common], help="forget a customer; what was given stays without a name"
    )
    erase.add_argument("address", metavar="ADDRESS")
    erase.add_argument(
        "--even-open", action="store_true", help="close the customer's open cases, then forget them"
    )
    erase.set_defaults(do=_erase)


def _backup(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    app.ledger.copy(options.file)
    size = options.file.stat().st_size
    if options.json:
        as_json({"file": str(options.file), "bytes": size})
    else:
        print(f"Wrote {options.file} ({size:,} bytes) and read it back.")
        print("It opens only with the ledger's key: keep a copy of that, too, and in another place.")
    return DONE


def _upgrade(options: argparse.Namespace) -> int:
    from followupd.adapters.settings import load
    from followupd.app.container import build

    done = build(load(options.config)).ledger.upgrade(by_hand=True)
    if options.json:
        as_json({"done": done or None})
    else:
        print(f"The ledger was {done}." if done else "The ledger is up to date.")
    return DONE


def _export(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    with app.ledger.transaction() as tx:
        found = tx.erasure.export(options.address)
    as_json(found)
    if not any(value for name, value in found.items() if name != "address"):
        complain(f"Nothing is known of {safe(options.address)}.")
    return DONE


def _erase(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    now = app.now()
    with app.ledger.transaction() as tx:
        done = tx.erasure.forget(options.address, who_types(), now, even_open=options.even_open)
    traceless = app.ledger.leave_no_trace()
    if options.json:
        as_json({**done.view(), "traceless": traceless})
        return DONE if traceless else PROBLEMS
    print(
        f"Forgot {len(done.cases)} case(s), {done.mails} mail(s), {done.letters} letter(s), {done.gift_cards} gift code(s)."
    )
    if done.cases:
        print(f"What was given and when stays, without a name: {', '.join(done.cases)}.")
    if done.elsewhere:
        print(f"Cases of other customers name the address too; look at them: {', '.join(done.elsewhere)}.")
    print(
        "Not reached from here: the mails in the mailbox, the desk mails that agents have, backups and exports."
    )
    if not traceless:
        complain(
            "The ledger was being read, so old bytes may lie in its log file; run the command again in a moment."
        )
    return DONE if traceless else PROBLEMS
