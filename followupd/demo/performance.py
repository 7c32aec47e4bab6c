"""Run the demo: start the servers, play the story, check the result, and write the letters and the page."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from followupd.adapters.settings import Settings
from followupd.clock import utc_iso
from followupd.demo.company import (
    CONFIG,
    LETTERS,
    LOG,
    PAGE,
    SimulatedApp,
    first_day,
    new_password,
    prepare_directory,
    write_configuration,
    write_mails,
)
from followupd.demo.page import page
from followupd.demo.people import KIM, MailClient, kind_of
from followupd.demo.servers import HOST, Servers
from followupd.demo.story import DemoRun, RecountResult, StoryError, play, recount
from followupd.demo.terminal import Narrator, ShownMail
from followupd.errors import FollowupdError


def perform(out: Path | None, now: datetime, *, fast: bool, quiet: bool) -> dict[str, Any]:
    """Run the demo and return its summary as JSON.

    Raises:
        FollowupdError: the directory or the servers cannot be used.
    """
    directory, code = prepare_directory(out), _new_code()
    settings = write_configuration(directory / CONFIG, new_password())
    narrator = Narrator(ZoneInfo(settings.company.timezone), code, fast, quiet)
    with _log_to(directory / LOG):
        results, refs = _play(directory / CONFIG, settings, narrator, first_day(settings.calendar, now))

    write_mails(directory, narrator.shown())
    (directory / PAGE).write_text(page(narrator, results), encoding="utf-8")
    _print_end(narrator, directory, results, refs)

    return _summary(directory, narrator.shown(), results)


def _new_code() -> str:
    """Return a random gift card's code."""
    return f"GIFT-{secrets.token_hex(3).upper()}-{secrets.token_hex(3).upper()}"


def _play(
    directory: Path, settings: Settings, narrator: Narrator, start: datetime
) -> tuple[list[RecountResult], list[str]]:
    """Play the story; return the results of the checks and the references of the cases."""
    agent = settings.team.agents[0]
    [mailbox] = settings.mailboxes
    passwords = {KIM: new_password(), mailbox.username: mailbox.password.reveal()}
    passwords |= {member.email: new_password() for member in settings.team.agents}

    with ExitStack() as stack:
        servers = stack.enter_context(Servers(passwords, lambda: company.now))
        company = SimulatedApp(directory, servers, start)
        stack.callback(company.close)
        kim, ana, shared = (
            stack.enter_context(MailClient(servers, address, passwords[address]))
            for address in (KIM, agent.email, mailbox.username)
        )
        run = DemoRun(company, servers, narrator, kim, ana, shared, agent)
        _print_beginning(narrator, servers)
        results = []
        try:
            play(run, narrator.secret)
        except (StoryError, FollowupdError) as error:
            results.append(RecountResult(False, f"The story was interrupted: {error}."))
        results += recount(run, narrator.secret)
        return results, [case.ref for case in company.cases()]


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Write the log to a file, since the terminal shows the story."""
    log = logging.getLogger("followupd")
    handler = logging.FileHandler(path, encoding="utf-8")
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    log.handlers[:], log.propagate = [handler], False
    log.setLevel(logging.INFO)

    try:
        yield
    finally:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)
        handler.close()


def _print_beginning(narrator: Narrator, servers: Servers) -> None:
    """Print what is about to happen."""
    narrator.plain(
        "followupd demo: one complaint's whole life, over real mail",
        "",
        f"Servers on {HOST}: IMAP port {servers.imap_port}, SMTP port {servers.smtp_port}.",
        "Nothing leaves this machine. Only the clock is simulated.",
    )


def _print_end(narrator: Narrator, directory: Path, results: list[RecountResult], refs: list[str]) -> None:
    """Print the results, and where to look further."""
    narrator.title("Counted again, over IMAP and in the ledger")
    for result in results:
        narrator.result(result.good, result.text)
    verdict = "Never twice, never forgotten, and in doubt we ask."
    if not _all_good(results):
        verdict = "This is not what should have happened."
    narrator.plain("", verdict, "")
    narrator.plain("Look at it:", f"  {directory / PAGE}", f"  {directory / LETTERS}/*.eml")
    narrator.plain(*(f"  followupd case {ref} --config {directory / CONFIG}" for ref in refs))
    narrator.plain("", "Look back on your own mail; nothing is sent or changed:")
    narrator.plain("  followupd lookback --mailbox ADDRESS")
    narrator.plain("", "Set up your own:", "  followupd init DIR")


def _all_good(results: list[RecountResult]) -> bool:
    """Return whether all checks succeeded."""
    return all(result.good for result in results)


def _summary(directory: Path, shown: list[ShownMail], results: list[RecountResult]) -> dict[str, Any]:
    """Return the summary as JSON."""
    return {
        "ok": _all_good(results),
        "directory": str(directory),
        "page": str(directory / PAGE),
        "config": str(directory / CONFIG),
        "letters": [_letter_view(directory, mail) for mail in shown if mail.key],
        "findings": [{"ok": result.good, "text": result.text} for result in results],
    }


def _letter_view(directory: Path, shown: ShownMail) -> dict[str, Any]:
    """Return a letter of the story as JSON."""
    return {
        "key": shown.key,
        "kind": kind_of(shown.mail),
        "to": shown.mail["To"].addresses[0].addr_spec,
        "subject": str(shown.mail["Subject"]),
        "arrived_at": utc_iso(shown.at),
        "file": str(directory / LETTERS / f"{shown.name}.eml"),
    }
