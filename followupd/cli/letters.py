"""letters, settle, preview, diff: what leaves."""

import argparse
from pathlib import Path
from typing import Any

from followupd.adapters.terminal import moment, safe, safe_lines, write
from followupd.cli.app import open_house, who_types
from followupd.cli.main import DONE, USAGE
from followupd.cli.output import as_json, complain, condition_words, letter_view, table
from followupd.domain.mail import Person


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    letters = commands.add_parser("letters", parents=[common], help="the outbox")
    letters.set_defaults(do=_letters)
    settle = commands.add_parser("settle", parents=[common], help="say what became of a letter in doubt")
    settle.add_argument("key", metavar="KEY")
    settle.add_argument("how", choices=["sent", "resend", "drop"])
    settle.set_defaults(do=_settle)
    preview = commands.add_parser(
        "preview", parents=[common], help="a letter for a case, or for the sample case"
    )
    preview.add_argument("letter", metavar="LETTER", nargs="?", default="")
    preview.add_argument("--case", metavar="REF", default="")
    preview.add_argument("--sample", choices=["short", "long", "hostile"], default="short")
    preview.add_argument(
        "--language", metavar="LANGUAGE", default="", help="of a sample's letter: en, de ..."
    )
    preview.add_argument("--html", metavar="FILE", type=Path, help="write the HTML part")
    preview.add_argument("--text", metavar="FILE", type=Path, help="write the text part")
    preview.add_argument("--eml", metavar="FILE", type=Path, help="write the whole mail, as it would leave")
    preview.add_argument(
        "--serve", action="store_true", help="show all letters on a page that follows the files"
    )
    preview.add_argument(
        "--port", metavar="N", type=int, default=0, help="of the page; any free one if not given"
    )
    preview.set_defaults(do=_preview)
    diff = commands.add_parser(
        "diff", parents=[common], help="letters of open cases that read differently than with OLD_DIR"
    )
    diff.add_argument("old", metavar="OLD_DIR", type=Path)
    diff.set_defaults(do=_diff)


def _letters(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    with app.ledger.transaction() as tx:
        found = tx.outbox.all()
    if options.json:
        as_json([letter_view(state) for state in found])
        return DONE
    if not found:
        complain("No letters.")
    table(
        (
            s.letter.key,
            s.condition.value,
            s.letter.to.address,
            moment(s.sent_at or s.not_before) or "",
            s.reply,
        )
        for s in found
    )
    return DONE


def _settle(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    app.dispatch.settle_by_hand(options.key, options.how, who_types(), app.now())
    with app.ledger.transaction() as tx:
        state = tx.outbox.get(options.key)
    if options.json:
        as_json(letter_view(state))
    else:
        print(f"{options.key} {condition_words(state.condition)}.")
    return DONE


def _preview(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.adapters.smtp.compose import compose
    from followupd.cli.preview.letter import previewed

    if options.serve:
        return _serve(options)
    if not options.letter:
        complain("followupd preview: name a LETTER, such as follow-up, or say --serve")
        return USAGE
    now = clock.now()
    letter = previewed(
        options.config, options.letter, options.case.upper(), options.sample, now, options.language
    )
    if options.eml:
        write(options.eml, compose(letter, now=now))
    for path, part in ((options.html, letter.html), (options.text, letter.text)):
        if path:
            write(path, part.encode())
    if options.json:
        as_json(
            {
                "kind": letter.kind,
                "from": letter.sender.address,
                "from_name": letter.sender.name,
                "to": letter.to.address,
                "subject": letter.subject,
                "message_id": letter.message_id,
                "in_reply_to": letter.in_reply_to or None,
                "references": list(letter.references),
                "auto_submitted": letter.auto_submitted or None,
                "text": letter.text,
                "html": letter.html,
            }
        )
    elif not (options.html or options.text or options.eml):
        head = [f"From: {_shown(letter.sender)}", f"To: {_shown(letter.to)}", f"Subject: {letter.subject}"]
        print("\n".join(safe(line) for line in head), safe_lines(letter.text), sep="\n\n")
    return DONE


def _shown(who: Person) -> str:
    return f"{who.name} <{who.address}>" if who.name else who.address


def _serve(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.adapters.settings import load
    from followupd.cli.preview.server import Preview, Server

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
    from followupd.cli.preview.diff import differences

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
