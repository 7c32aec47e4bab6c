"""One performance: servers up, the story played, the count made, the letters and the page left behind."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from followupd.adapters.settings import Settings
from followupd.adapters.terminal import moment
from followupd.demo.company import Days, first_day, furnish, leave_mails, make_room, new_password
from followupd.demo.page import page
from followupd.demo.people import KIM, Mailer
from followupd.demo.recount import RecountResult, findings
from followupd.demo.servers import HOST, Servers
from followupd.demo.story import DemoRun, StoryError, play
from followupd.demo.terminal import Narrator, ShownMail
from followupd.errors import FollowupdError


def perform(out: Path | None, now: datetime, *, fast: bool, quiet: bool) -> dict[str, Any]:
    """Play the story and leave its letters; return what a program wants to know of it."""
    directory, code = make_room(out), _new_code()
    settings = furnish(directory / "house", new_password())
    tell = Narrator(ZoneInfo(settings.company.timezone), code, fast, quiet)
    with _journal_in(directory / "journal.log"):
        stage, found = _played(directory, settings, tell, first_day(settings.calendar, now), code)
    leave_mails(directory, tell.shown())
    (directory / "index.html").write_text(page(tell, found), encoding="utf-8")
    _tell_end(tell, directory, found, stage)
    return _summary(directory, tell.shown(), found)


def _played(
    directory: Path, settings: Settings, tell: Narrator, start: datetime, code: str
) -> tuple[DemoRun, list[RecountResult]]:
    passwords = {KIM: new_password(), **{agent.email: new_password() for agent in settings.team.agents}}
    passwords |= {each.username: each.password.reveal() for each in settings.mailboxes}
    agent, shared = settings.team.agents[0], settings.mailboxes[0].username
    with ExitStack() as stack:
        servers = stack.enter_context(Servers(passwords, lambda: days.now))
        days = Days(directory / "house", servers, start)
        stack.callback(days.close)
        kim, ana, ours = (
            stack.enter_context(Mailer(servers, who, passwords[who])) for who in (KIM, agent.email, shared)
        )
        stage = DemoRun(days, servers, tell, kim, ana, ours, agent)
        _tell_beginning(tell, servers)
        try:
            play(stage, code)
        except (StoryError, FollowupdError) as error:
            return stage, [RecountResult(False, f"The story broke off: {error}."), *findings(stage, code)]
        return stage, findings(stage, code)


def _new_code() -> str:
    return f"GIFT-{secrets.token_hex(3).upper()}-{secrets.token_hex(3).upper()}"


@contextmanager
def _journal_in(path: Path) -> Iterator[None]:
    """Let the house's log speak into a file, as journald would keep it; the terminal belongs to the story."""
    log = logging.getLogger("followupd")
    handler = logging.FileHandler(path, encoding="utf-8")
    before = log.handlers[:], log.level, log.propagate
    log.handlers[:], log.propagate = [handler], False
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.handlers[:], log.propagate = before[0], before[2]
        log.setLevel(before[1])
        handler.close()


def _tell_beginning(tell: Narrator, servers: Servers) -> None:
    tell.plain(
        "followupd demo: one complaint's whole life, over real mail",
        "",
        f"Servers on {HOST}: IMAP at {servers.imap_port}, SMTP at {servers.smtp_port}. Nothing leaves this machine.",
        "The days pass by handing later moments to the house; all else is as it is.",
    )


def _tell_end(tell: Narrator, directory: Path, found: list[RecountResult], stage: DemoRun) -> None:
    tell.title("Counted afresh, over IMAP and in the ledger")
    for finding in found:
        tell.finds(finding.good, finding.text)
    tell.plain(
        "",
        "Never twice, never forgotten, and in doubt we ask."
        if _good(found)
        else "This is not what should have happened.",
    )
    refs = [case.ref for case in stage.days.cases()]
    tell.plain("", "Look at it:", f"  {directory / 'index.html'}", f"  {directory / 'letters'}/*.eml")
    tell.plain(*(f"  followupd case {ref} --config {directory / 'house'}" for ref in refs))
    tell.plain("", "Set up your own:", "  followupd init DIR")


def _good(found: list[RecountResult]) -> bool:
    return all(finding.good for finding in found)


def _summary(directory: Path, shown: list[ShownMail], found: list[RecountResult]) -> dict[str, Any]:
    return {
        "ok": _good(found),
        "directory": str(directory),
        "page": str(directory / "index.html"),
        "config": str(directory / "house"),
        "letters": [_letter(directory, each) for each in shown if each.key],
        "findings": [{"ok": finding.good, "text": finding.text} for finding in found],
    }


def _letter(directory: Path, shown: ShownMail) -> dict[str, Any]:
    mail = shown.mail
    return {
        "key": shown.key,
        "kind": shown.key.split(".")[1],
        "to": mail["To"].addresses[0].addr_spec,
        "subject": str(mail["Subject"]),
        "arrived_at": moment(shown.at),
        "file": str(directory / "letters" / f"{shown.name}.eml"),
    }
