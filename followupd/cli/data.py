"""backup, ledger, rekey, upgrade, export, erase: the ledger, and the data of one customer."""

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from followupd.cli.main import DONE, PROBLEMS, CommandParsers, shell_user, with_app
from followupd.cli.output import print_error, print_json, print_result, progress_of_steps
from followupd.domain.keys import StateKey
from followupd.log import printable

if TYPE_CHECKING:
    from followupd.app.container import App


def add(commands: CommandParsers) -> None:
    """Add the parsers of backup, ledger, rekey, upgrade, export and erase."""
    backup = commands.add("backup")
    backup.add_argument("file", metavar="FILE", type=Path)
    backup.add_argument("--even-empty", action="store_true", help="copy a ledger that has no case, too")
    backup.set_defaults(do=_backup)

    actions = commands.add("ledger").add_subparsers(metavar="ACTION", required=True)
    copy = commands.add_action(actions, "copy", "copy the ledger to another database, and compare it")
    copy.add_argument(
        "--to", metavar="URL", required=True, help="postgresql://USER@HOST/DATABASE or sqlite:///FILE"
    )
    copy.set_defaults(do=_copy)

    commands.add("rekey").set_defaults(do=_rekey)

    commands.add("upgrade").set_defaults(do=_upgrade)

    export = commands.add("export")
    export.add_argument("address", metavar="ADDRESS")
    export.set_defaults(do=_export)

    erase = commands.add("erase")
    erase.add_argument("address", metavar="ADDRESS")
    erase.add_argument("--even-open", action="store_true", help="close the customer's open cases first")
    erase.set_defaults(do=_erase)


@with_app
def _backup(options: argparse.Namespace, app: "App") -> int:
    """Copy the ledger to a file."""
    with app.ledger.snapshot() as tx:
        cases = sum(tx.cases.count_by_stage().values())
    if not cases and not options.even_empty:
        print_error(
            f"followupd backup: the ledger {app.ledger.place} has no case, and nothing was copied; "
            "is it the right one? --even-empty copies it all the same."
        )
        return PROBLEMS

    app.ledger.backup(options.file, progress_of_steps("Copying"))
    with app.ledger.transaction() as tx:
        tx.state.put(StateKey.BACKED_UP, cases, app.now())
    size = options.file.stat().st_size
    print_result(
        options,
        {"file": str(options.file), "bytes": size, "cases": cases},
        f"Wrote {options.file} ({size:,} bytes, {cases} case(s)) and verified it.",
        "It can only be read with the ledger's key: back up the key as well, in another place.",
    )

    return DONE


@contextmanager
def _stopped(app: "App") -> Iterator[None]:
    """Keep every daemon off the ledger during a block; raises AlreadyRunningError while one runs."""
    from followupd.adapters.storage.lease import AlreadyRunningError

    names = [mailbox.name for mailbox in app.settings.mailboxes]
    with app.ledger.lease() as lease:
        if lease.acquire(names, at_once=True) != frozenset(names):
            raise AlreadyRunningError
        yield


@with_app
def _copy(options: argparse.Namespace, app: "App") -> int:
    """Copy the ledger to another database."""
    from followupd.adapters.settings import ledger_address

    with _stopped(app):
        rows = app.ledger.copy_to(ledger_address(options.to, options.config), progress_of_steps("Copying"))
    print_result(
        options,
        {"to": options.to, "rows": rows},
        f"Copied {sum(rows.values()):,} rows, {rows['case_file']} case(s) among them; both ledgers are the same.",
        f'Next: write url = "{options.to}" into [ledger], start the daemon, look, and type `followupd resume`: '
        "a copy sends nothing before.",
    )

    return DONE


@with_app
def _rekey(options: argparse.Namespace, app: "App") -> int:
    """Encrypt the ledger with the first key of its file."""
    with _stopped(app):
        app.training.encrypt_anew()
        count = app.ledger.encrypt_anew()
    app.ledger.purge_deleted()
    print_result(
        options,
        {"encrypted": count},
        f"Encrypted {count:,} values with the first key.",
        "The old key only proves Message-IDs of earlier mails now. Take it out of the file once nobody "
        "answers those any more, after some weeks; keep it as long as backups that need it.",
    )

    return DONE


def _upgrade(options: argparse.Namespace) -> int:
    """Run the migrations that the ledger needs."""
    from followupd.adapters.settings import load
    from followupd.app.container import build

    with closing(build(load(options.config)).ledger) as ledger:
        done = ledger.open_existing(on_request=True)
    sentence = f"The ledger was {done}." if done else "The ledger is up to date."
    print_result(options, {"done": done or None}, sentence)

    return DONE


@with_app
def _export(options: argparse.Namespace, app: "App") -> int:
    """Print all data of a customer."""
    with app.ledger.snapshot() as tx:
        found = tx.erasure.export(options.address)
    print_json(found)
    if not any(value for name, value in found.items() if name != "address"):
        print_error(f"There is no data of {printable(options.address)}.")

    return DONE


@with_app
def _erase(options: argparse.Namespace, app: "App") -> int:
    """Erase all data of a customer, and overwrite it on the disk."""
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
    if not (erased.cases or erased.mails or erased.letters or erased.gift_cards):
        print_error(f"There is no data of {printable(options.address)!r}: is it the right address?")
    print("Not erased: mails in the mailbox, agents' copies of desk mails, backups and exports.")

    if not overwritten:
        print_error(
            "Another process is reading the ledger, so its log file may still contain old data; "
            "run the command again."
        )

    return exit_code
