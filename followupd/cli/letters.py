"""letters, settle, send, preview, try, diff: show the outbox and letters as they would be sent."""

import argparse
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from email.message import EmailMessage
from email.utils import make_msgid
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from followupd.cli.main import DONE, PROBLEMS, USAGE, CommandParsers, company_zone, shell_user, with_app
from followupd.cli.output import (
    STATUS_SENTENCES,
    add_range,
    in_range,
    letter_view,
    print_error,
    print_json,
    print_list,
    print_result,
    read_text,
    write_file,
)
from followupd.clock import local_time
from followupd.domain.letter import DeliveryOutcome, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.mail import IncomingMail, MailLocation
from followupd.log import printable, printable_lines

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.app.container import App

_LETTERS_HELP = (
    "confirmation, delay, holding, follow-up, gift-card, safety, or a mail to agents such as opened"
)
#: the complaint of `followupd try`
_COMPLAINT = "My order has still not arrived\n\nI have waited for three weeks. This is unacceptable."


def add(commands: CommandParsers) -> None:
    """Add the parsers of letters, settle, send, preview, try and diff."""
    letters = commands.add("letters")
    letters.add_argument("--status", choices=[status.value for status in LetterStatus], default="")
    letters.add_argument("--kind", choices=[kind.value for kind in LetterKind], default="")
    letters.add_argument("--case", metavar="REF", default="", help="the letters of one case")
    add_range(letters, "letters that were written")
    letters.set_defaults(do=_letters)

    send = commands.add("send")
    send.add_argument("key", metavar="KEY", help="the letter's key, as in `followupd letters`")
    send.set_defaults(do=_send)

    settle = commands.add("settle")
    settle.add_argument("key", metavar="KEY", help="the letter's key, as in `followupd letters`")
    settle.add_argument("how", choices=["sent", "resend", "drop"])
    settle.set_defaults(do=_settle)

    _add_preview(commands.add("preview"))

    trial = commands.add("try")
    trial.add_argument(
        "address", metavar="ADDRESS", help="your own address, which gets the letter; not an agent's"
    )
    trial.add_argument("--text", metavar="FILE", type=Path, help="a complaint of your own, as plain text")
    trial.add_argument("--dry-run", action="store_true", help="show the letter without sending it")
    trial.set_defaults(do=_try)

    diff = commands.add("diff")
    diff.add_argument("old", metavar="OLD_DIR", type=Path, help="an earlier configuration directory")
    diff.set_defaults(do=_diff)


def _add_preview(preview: argparse.ArgumentParser) -> None:
    """Add the arguments of preview."""
    preview.add_argument("letter", metavar="LETTER", nargs="?", default="", help=_LETTERS_HELP)
    preview.add_argument("--case", metavar="REF", default="", help="a real case instead of a sample")
    preview.add_argument("--sample", choices=["short", "long", "hostile"], default="short")
    preview.add_argument(
        "--language", metavar="LANGUAGE", default="", help="the language of the sample letter: en, de"
    )
    preview.add_argument("--playbook", metavar="NAME", default="", help="as in a case of this playbook")
    preview.add_argument(
        "--severity", choices=["low", "normal", "high"], default="", help="the severity of the case"
    )
    preview.add_argument(
        "--fault", choices=["ours", "shared", "not-ours", "unknown"], default="", help="whose fault it was"
    )
    preview.add_argument("--options", action="store_true", help="the customer is asked to choose")
    preview.add_argument("--review", action="store_true", help="as it is filed for an agent's approval")
    preview.add_argument("--send", metavar="ADDRESS", default="", help="send it to this address of yours")
    preview.add_argument("--html", metavar="FILE", type=Path, help="write the HTML part")
    preview.add_argument("--text", metavar="FILE", type=Path, help="write the text part")
    preview.add_argument("--eml", metavar="FILE", type=Path, help="write the whole message")
    preview.add_argument("--serve", action="store_true", help="show all letters on a local web page")
    preview.add_argument(
        "--port", metavar="N", type=int, default=0, help="the port of the web page (any free one)"
    )
    preview.set_defaults(do=_preview)


# --- letters, settle ---


@with_app
def _letters(options: argparse.Namespace, app: "App") -> int:
    """List the letters of the outbox, those that the options ask for."""
    statuses = [LetterStatus(options.status)] if options.status else []
    with app.ledger.snapshot() as tx:
        entries = tx.outbox.all(*statuses, case=options.case.upper())

    if options.kind:
        entries = [entry for entry in entries if entry.letter.kind.value == options.kind]
    entries = in_range(options, app.settings.calendar, app.now(), entries, lambda entry: entry.written_at)

    zone = company_zone(app.settings)
    print_list(
        options,
        map(letter_view, entries),
        [_letter_row(entry, zone) for entry in entries],
        head=("key", "status", "to", "sent", "not before", "server's reply"),
        none="No letters.",
    )

    return DONE


def _letter_row(entry: OutboxEntry, zone: tzinfo) -> tuple[str, ...]:
    """Return the row of a letter; it shows when the letter may be sent only as long as it was not."""
    not_before = None if entry.sent_at else entry.not_before
    return (
        entry.letter.key,
        entry.status.value,
        entry.letter.to.address,
        local_time(entry.sent_at, zone),
        local_time(not_before, zone, none=""),
        entry.reply,
    )


@with_app
def _send(options: argparse.Namespace, app: "App") -> int:
    """Let a letter leave that waits for the end of quiet hours or for a quota."""
    from followupd.services.outbox.policy import send_at_once

    with app.ledger.transaction() as tx:
        why = send_at_once(tx, options.key, app.now())
    if why:
        print_error(f"followupd send: {why}")
        return PROBLEMS

    view = {"key": options.key, "leaves": "at once"}
    print_result(options, view, f"{options.key} leaves in the next cycle, unless its case is on hold.")

    return DONE


@with_app
def _settle(options: argparse.Namespace, app: "App") -> int:
    """Record what became of a letter in doubt."""
    app.sender.resolve(options.key, options.how, shell_user(), app.now())
    with app.ledger.snapshot() as tx:
        entry = tx.outbox.get(options.key)

    sentence = f"{options.key} {STATUS_SENTENCES[entry.status]}."
    print_result(options, letter_view(entry), sentence)

    return DONE


# --- preview ---


def _preview(options: argparse.Namespace) -> int:
    """Render a letter, and print it or write its parts to files."""
    from followupd import clock
    from followupd.cli.preview import Circumstances, preview_letter, sent_to

    if options.serve:
        return _serve(options)

    if not options.letter:
        print_error("followupd preview: LETTER is missing, such as follow-up (or use --serve)")
        return USAGE

    now = clock.now()
    letter = preview_letter(
        options.config,
        options.letter,
        options.case.upper(),
        options.sample,
        now,
        options.language,
        Circumstances(
            options.playbook,
            options.severity,
            options.fault,
            options=options.options,
            review=options.review,
        ),
    )
    _write_parts(options, letter, now)
    if options.send:
        result = sent_to(options.config, letter, options.send, now)
        print_error(f"The letter to {options.send} was {result.outcome}. {result.reply}")
        return DONE if result.outcome is DeliveryOutcome.ACCEPTED else PROBLEMS

    if options.json:
        print_json(_preview_view(letter))
    elif not (options.html or options.text or options.eml):
        _print_letter(letter)

    return DONE


def _write_parts(options: argparse.Namespace, letter: Letter, now: datetime) -> None:
    """Write the parts that --html, --text and --eml ask for."""
    from followupd.adapters.smtp.compose import compose
    from followupd.cli.preview import with_pictures

    if options.eml:
        write_file(options.eml, compose(letter, now=now))
    for path, part in ((options.html, with_pictures(letter)), (options.text, letter.text)):
        if path:
            write_file(path, part.encode())


def _preview_view(letter: Letter) -> dict[str, Any]:
    """Return a letter as JSON."""
    return {
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


def _print_letter(letter: Letter) -> None:
    """Print the headers and the text of a letter."""
    headers = (
        f"From: {letter.sender.mailbox}",
        f"To: {letter.to.mailbox}",
        f"Subject: {letter.subject}",
    )
    for header in headers:
        print(printable(header))
    print()
    print(printable_lines(letter.text))


def _serve(options: argparse.Namespace) -> int:
    """Serve the preview page until Ctrl-C."""
    from followupd import clock
    from followupd.adapters.settings import load
    from followupd.cli.preview import LetterSource, PreviewServer

    load(options.config)  # report an invalid configuration here and not only on the page
    source = LetterSource(options.config, options.case.upper(), clock.now)
    server = PreviewServer(source, options.port)
    print(f"Letters: {server.url} (only on this machine; Ctrl-C stops the server)", flush=True)

    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return DONE
    finally:
        source.stopping.set()
        server.server_close()

    return DONE


# --- diff ---


def _diff(options: argparse.Namespace) -> int:
    """Print the letters that differ as unified diffs."""
    from followupd import clock
    from followupd.cli.preview import differences

    old = options.old.parent if options.old.name == "followupd.toml" else options.old
    found = differences(options.config, old, clock.now())

    if options.json:
        print_json([{"case": diff.ref, "kind": diff.kind, "diff": list(diff.lines)} for diff in found])
        return DONE

    for diff in found:
        print("\n".join(map(printable, diff.lines)) + "\n")
    cases = len({diff.ref for diff in found})

    if found:
        print_error(f"{len(found)} letter(s) of {cases} open case(s) differ.")
    else:
        print_error("No letter differs.")

    return DONE


# --- try ---


def _try(options: argparse.Namespace) -> int:
    """Let a complaint arrive from an address, show what the agent gets, and send the first letter at once.

    It is heard, written and sent as every other, but by a ledger and a key of its own that are deleted after it:
    neither the real ledger nor its daemon knows of it, and no agent gets a mail.
    """
    from tempfile import TemporaryDirectory

    from followupd import clock
    from followupd.adapters.settings import load
    from followupd.adapters.settings.scalars import mistake
    from followupd.adapters.settings.standards import Address
    from followupd.app.container import build_to_run

    if wrong := mistake(Address, options.address):
        print_error(f"followupd try: {wrong}")
        return USAGE
    settings = load(options.config)
    complaint = read_text(options.text) if options.text else _COMPLAINT
    with TemporaryDirectory() as place:
        app = build_to_run(_trial_settings(settings, Path(place)))
        app.ledger.upgrade()
        try:
            shown, sent = _first_letters(
                app, options.address, complaint, clock.now(), send=not options.dry_run
            )
        finally:
            app.ledger.close()

    if options.json:
        print_json([{**letter_view(entry), "text": entry.letter.text} for entry in shown])
    else:
        for entry in shown:
            print(f"--- to {entry.letter.to.address} ---")
            _print_letter(entry.letter)
    if sent is None:
        because = (
            "the playbook has no next step, so that the first letter waits for a promise of the agent"
            if shown
            else "the mail was not taken for a customer's complaint (`followupd read`)"
        )
        print_error(f"No letter was written: {because}.")
        return PROBLEMS
    if not options.dry_run:
        print_error(f"The letter to {options.address} {STATUS_SENTENCES[sent.status]}. {sent.reply}")
    return DONE if options.dry_run or sent.status is LetterStatus.SENT else PROBLEMS


def _trial_settings(settings: "Settings", place: Path) -> "Settings":
    """Return settings with a ledger and a key of their own, and no copy of a letter to the mailbox."""
    from secrets import token_bytes

    from followupd.adapters.settings import Secret

    key = place / "key"
    key.write_text(b64encode(token_bytes(32)).decode(), encoding="ascii")
    ledger = {"url": f"sqlite:///{place}/ledger.db", "key": Secret(f"file:{key}"), "password": Secret()}
    return replace(
        settings,
        ledger=settings.ledger.model_copy(update=ledger),
        smtp=settings.smtp.model_copy(update={"witness": "none"}),
    )


def _first_letters(
    app: "App", address: str, complaint: str, now: datetime, *, send: bool
) -> tuple[list[OutboxEntry], OutboxEntry | None]:
    """Let a complaint arrive, and send the letter that answers it.

    Args:
        app: the services, with a ledger that is empty.
        address: whose complaint it is, and where the letter goes.
        complaint: its words.
        now: when the letter leaves; the complaint came as long before as the playbook waits.
        send: whether it leaves.

    Returns:
        All letters that were written, and the one to the customer; None if there is none.
    """
    from followupd.services.outbox.policy import send_at_once

    wait = app.settings.playbooks.default.confirm_after
    came = now - (app.settings.calendar.after(now, wait) - now) - timedelta(minutes=1)
    mailbox = app.settings.mailboxes[0]
    with app.ledger.transaction() as tx:
        [stored] = tx.mail.store([_arrived(app, address, complaint, came)], came)
        tx.mail.add_command(stored.mail_id, "complaint", "tag", came)
    for at in (came, now):
        app.commands.run(at)
        app.router.run(at)
        app.cases.run(at)
    for is_sent in (True, False):
        app.inbox.mark_synced(mailbox.name, now, sent=is_sent)

    with app.ledger.transaction() as tx:
        shown = tx.outbox.all()
        for entry in shown:
            if entry.letter.to_customer and send:
                send_at_once(tx, entry.letter.key, now)
            else:
                tx.outbox.drop(entry.letter.key)
    app.sender.run(now)
    keys = [entry.letter.key for entry in shown if entry.letter.to_customer]
    with app.ledger.snapshot() as tx:
        return shown, tx.outbox.get(keys[0]) if keys else None


def _arrived(app: "App", address: str, complaint: str, at: datetime) -> IncomingMail:
    """Return a customer's complaint as the mailbox would have it."""
    from followupd.app.container import identity_of
    from followupd.text.mail.read import read

    settings = app.settings
    message = EmailMessage()
    message["From"], message["To"] = address, settings.mailboxes[0].address
    message["Subject"], message["Date"] = complaint.strip().splitlines()[0][:60], at
    message["Message-ID"] = make_msgid(domain="followupd.invalid")
    message.set_content(complaint)
    raw = message.as_bytes()
    return IncomingMail(
        place=MailLocation(settings.mailboxes[0].name, settings.mailboxes[0].inbox, 1, 1),
        fingerprint=sha256(raw).hexdigest(),
        received_at=at,
        tags=frozenset(),
        in_sent=False,
        message=read(raw, identity_of(settings), in_sent=False, received_at=at),
        reason="",
    )
