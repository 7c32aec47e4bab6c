"""letters, settle, preview, gift-cards: what leaves."""

import argparse
import csv
import getpass
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from followupd.cli import DONE, PROBLEMS, USAGE
from followupd.cli.house import open_house
from followupd.cli.printing import as_json, complain, condition_words, letter_view, moment, safe, safe_lines, table
from followupd.model.compensation import Money


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    letters = commands.add_parser("letters", parents=[common], help="the outbox")
    letters.set_defaults(do=_letters)
    settle = commands.add_parser("settle", parents=[common], help="say what became of a letter in doubt")
    settle.add_argument("key", metavar="KEY")
    settle.add_argument("how", choices=["sent", "resend", "drop"])
    settle.set_defaults(do=_settle)
    preview = commands.add_parser("preview", parents=[common], help="a letter for a case, or for the sample case")
    preview.add_argument("letter", metavar="LETTER", nargs="?", default="")
    preview.add_argument("--case", metavar="REF", default="")
    preview.add_argument("--sample", choices=["short", "long", "hostile"], default="short")
    preview.add_argument("--language", metavar="LANGUAGE", default="", help="of a sample's letter: en, de ...")
    preview.add_argument("--html", metavar="FILE", type=Path, help="write the HTML part")
    preview.add_argument("--text", metavar="FILE", type=Path, help="write the text part")
    preview.add_argument("--eml", metavar="FILE", type=Path, help="write the whole mail, as it would leave")
    preview.add_argument("--serve", action="store_true", help="show all letters on a page that follows the files")
    preview.add_argument("--port", metavar="N", type=int, default=0, help="of the page; any free one if not given")
    preview.set_defaults(do=_preview)
    diff = commands.add_parser(
        "diff", parents=[common], help="letters of open cases that read differently than with OLD_DIR"
    )
    diff.add_argument("old", metavar="OLD_DIR", type=Path)
    diff.set_defaults(do=_diff)
    cards = commands.add_parser("gift-cards", help="the stock of gift cards")
    actions = cards.add_subparsers(metavar="ACTION", required=True)
    imported = actions.add_parser("import", parents=[common], help="codes from a CSV: code,amount,currency,expires")
    imported.add_argument("file", metavar="FILE", type=Path)
    imported.set_defaults(do=_import)
    listed = actions.add_parser("list", parents=[common], help="the stock, without the codes")
    listed.set_defaults(do=_list)


def _letters(options: argparse.Namespace) -> int:
    house = open_house(options.config)
    with house.ledger.work() as work:
        found = work.outbox.all()
    if options.json:
        as_json([letter_view(state) for state in found])
        return DONE
    if not found:
        complain("No letters.")
    table(
        (s.letter.key, s.condition.value, s.letter.to.address, moment(s.sent_at or s.not_before) or "", s.reply)
        for s in found
    )
    return DONE


def _settle(options: argparse.Namespace) -> int:
    from followupd import clock

    house = open_house(options.config)
    by = f"{getpass.getuser()} at the command line"
    house.dispatch.settle_by_hand(options.key, options.how, by, clock.now())
    with house.ledger.work() as work:
        state = work.outbox.get(options.key)
    if options.json:
        as_json(letter_view(state))
    else:
        print(f"{options.key} {condition_words(state.condition)}.")
    return DONE


def _preview(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.cli.previewing import previewed
    from followupd.edges.smtp.compose import compose

    if options.serve:
        return _serve(options)
    if not options.letter:
        complain("followupd preview: name a LETTER, such as follow-up, or say --serve")
        return USAGE
    now = clock.now()
    letter = previewed(options.config, options.letter, options.case.upper(), options.sample, now, options.language)
    if options.eml:
        options.eml.write_bytes(compose(letter, now=now))
    for path, part in ((options.html, letter.html), (options.text, letter.text)):
        if path:
            path.write_text(part, encoding="utf-8")
    if options.json:
        as_json({
            "kind": letter.kind, "from": letter.sender.address, "from_name": letter.sender.name,
            "to": letter.to.address, "subject": letter.subject, "message_id": letter.message_id,
            "in_reply_to": letter.in_reply_to or None, "references": list(letter.references),
            "auto_submitted": letter.auto_submitted or None, "text": letter.text, "html": letter.html,
        })  # fmt: skip
    elif not (options.html or options.text or options.eml):
        people = (("From", letter.sender), ("To", letter.to))
        head = [*(f"{what}: {who.name} <{who.address}>" for what, who in people), f"Subject: {letter.subject}"]
        print("\n".join(safe(line) for line in head), safe_lines(letter.text), sep="\n\n")
    return DONE


def _serve(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.cli.serving import Preview, Server
    from followupd.edges.settings import load

    load(options.config)  # a directory that is none is said here, and not on the page
    server = Server(Preview(options.config, options.case.upper(), clock.now), options.port)
    print(f"The letters are at {server.url} - on this machine only; Ctrl-C ends it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return DONE
    finally:
        server.preview.stopping.set()
        server.server_close()
    return DONE


def _diff(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.cli.differing import differences

    old = options.old.parent if options.old.name == "followupd.toml" else options.old
    found = differences(options.config, old, clock.now())
    if options.json:
        as_json([{"case": each.ref, "kind": each.kind, "diff": list(each.lines)} for each in found])
        return DONE
    for each in found:
        print("\n".join(safe(line) for line in each.lines) + "\n")
    cases = len({each.ref for each in found})
    complain(
        f"{len(found)} letter(s) of {cases} open case(s) would read differently."
        if found
        else "No letter would read differently."
    )
    return DONE


def _import(options: argparse.Namespace) -> int:
    from followupd import clock

    house = open_house(options.config)
    now, taken, problems = clock.now(), 0, []
    rows, again = _rows(options.file, house.settings.company.currency), 0
    with house.ledger.work() as work:
        for line, code, money, expires in rows:
            if isinstance(money, str):
                problems.append(f"{options.file}:{line}: {money}")
            elif work.cards.add(code, money, expires, now):
                taken += 1
            else:
                again += 1
    if options.json:
        as_json({"imported": taken, "known": again, "problems": problems})
    else:
        print(f"{taken} gift card(s) imported, {again} known before.")
    for problem in problems:
        complain(problem)
    return PROBLEMS if problems else DONE


def _rows(path: Path, currency: str) -> list[tuple[int, str, Money | str, datetime | None]]:
    """Read the CSV; a row that cannot be read carries its problem in place of the money, and never its code."""
    found: list[tuple[int, str, Money | str, datetime | None]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        print(f"followupd gift-cards: {path} cannot be read: {error}", file=sys.stderr)
        raise SystemExit(PROBLEMS) from None
    reader = csv.reader(text.splitlines())
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].casefold() == "code":
            continue
        found.append(_row(reader.line_num, [*cells, "", "", ""], currency))
    return found


def _row(line: int, cells: list[str], currency: str) -> tuple[int, str, Money | str, datetime | None]:
    code, amount, its_currency, expires = cells[:4]
    if not code:
        return line, "", "there is no code in the first column", None
    try:
        money = Money.of(amount, its_currency or currency)
    except (ValueError, KeyError):
        return line, "", "the amount is not a number such as 20.00; columns are code,amount,currency,expires", None
    if money.minor == 0:
        return line, "", "the amount is nothing; columns are code,amount,currency,expires", None
    try:
        # A card that expires on a day is good until the end of that day.
        end = datetime.fromisoformat(expires).replace(tzinfo=UTC) + timedelta(days=1) if expires else None
    except ValueError:
        return line, "", "the date of expiry is not like 2027-12-31", None
    return line, code, money, end


def _list(options: argparse.Namespace) -> int:
    house = open_house(options.config)
    with house.ledger.work() as work:
        cards = work.cards.all()
    if options.json:
        as_json([
            {
                "number": card.number, "amount": card.money.amount, "currency": card.money.currency,
                "expires": moment(card.expires), "imported_at": moment(card.imported_at), "case": card.case_ref,
                "given_at": moment(card.taken_at),
            }
            for card in cards
        ])  # fmt: skip
        return DONE
    if not cards:
        complain("No gift cards.")
    table(
        (
            str(card.number), f"{card.money.amount} {card.money.currency}", f"expires {card.expires:%Y-%m-%d}" if card.expires else "",
            f"given to {card.case_ref} {moment(card.taken_at)}" if card.case_ref else "in stock",
        )
        for card in cards
    )  # fmt: skip
    return DONE
