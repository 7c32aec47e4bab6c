"""Run the demo: start the servers, play the story of a customer and an agent, and count the mails again at its end."""

import logging
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from email.message import EmailMessage
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
from followupd.demo.mail import (
    HOST,
    MailClient,
    Servers,
    compose_mail,
    html_of,
    key_of,
    kind_of,
    text_of,
)
from followupd.demo.narration import (
    Narrator,
    RecountResult,
    ShownMail,
    letter_name,
    page,
    sentences,
    short_time,
)
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import GrantState, Money
from followupd.domain.letter import LetterKind, LetterStatus
from followupd.domain.playbook import Agent
from followupd.errors import FollowupdError

KIM = "kim@customers.example"
KIM_NAME = "Kim Doe"
#: the value of the gift card in stock, in the company's currency
CARD = "20.00"

OLD_COMPLAINT = """\
Good afternoon,

my order 4471 never came, and nobody answers me. I want my money back.

Lou Finch
"""

COMPLAINT = """\
Hello,

three weeks ago I ordered a reading lamp, and my parcel has still not arrived.
I have written twice and nobody answers. It was meant as a present for my
mother, and her birthday was yesterday. I am very disappointed.

Please send it at last, or give me my money back.

Kim Doe
+44 20 7946 0958
"""

REPLY = """\
Dear Kim,

I have found out what happened, and I am sorry: your parcel never left our
warehouse. I will ship a replacement by Friday, and we will refund you 12.50 GBP
for the delivery.

Ana
"""

#: Ana's answer to the desk mail that asks for missing facts: a note (docs/commands.md)
NOTE = """\
{lines}
gift-card: {card} {currency}
fault: ours
impact: Your mother's birthday came without her present.
cause: The label came off your parcel in our warehouse, and it stood there for two weeks.
resolution: A new lamp left on Thursday by express, and the money for the delivery is on its way to you.
prevention: Every evening we now look for parcels without a label, and send them the same day.
"""

#: cycles that must not send anything, after the letter in doubt and after the end
QUIET_CYCLES = 10
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_QUIET_WINDOW = 11 * _MINUTE
_READER = "Customer service"


# --- the performance ---


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


# --- the story ---


class StoryError(Exception):
    """The story cannot continue, because something that it needs did not happen."""


@dataclass
class DemoRun:
    """One run of the demo: the application, the servers, the people and the narrator.

    `kim` is the customer's mail client, `ana` the agent's. `shared` is the company's mailbox, which Ana has
    open too.
    """

    company: SimulatedApp
    servers: Servers
    narrator: Narrator
    kim: MailClient
    ana: MailClient
    shared: MailClient
    agent: Agent
    #: case -> how many of its events were told
    _told: dict[str, int] = field(default_factory=dict)
    #: keys of the letters that were told to wait
    _waiting: set[str] = field(default_factory=set)

    def tell(self, text: str, who: str = "", at: datetime | None = None) -> None:
        """Tell one sentence, as of now or `at`."""
        self.narrator.tell(at or self.company.now, text, who)

    def advance_to(self, at: datetime) -> int:
        """Advance the clock and tell what happens on the way; return how many mails arrived."""
        return sum(self._tell_news() for _ in self.company.advance(at))

    def run_now(self) -> int:
        """Do what is due at this time and tell it; return how many mails arrived."""
        return self.advance_to(self.company.now)

    def advance(self, span: timedelta) -> int:
        """Advance the clock by a span and tell what happens; return how many mails arrived."""
        return self.advance_to(self.company.now + span)

    def case(self) -> Case:
        """Return the one case of the story.

        Raises:
            StoryError: there is none, or more than one.
        """
        cases = self.company.cases()
        if len(cases) != 1:
            raise StoryError(f"there should be one case, but there are {len(cases)}")
        return cases[0]

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """Tell one part of the story."""
        self.narrator.title(title)
        yield
        self.narrator.pause(0.3)

    def _tell_news(self) -> int:
        """Tell the new events and mails; return how many mails arrived."""
        for case in self.company.cases():
            history = self.company.history(case.ref)
            events = history[self._told.get(case.ref, 0) :]
            for at, sentence in sentences(events, self.narrator.zone, self.company.app.settings.team):
                self.tell(sentence, at=at)
            self._told[case.ref] = len(history)

        self._tell_waiting_letters()
        return self._tell_mails(self.kim, KIM_NAME) + self._tell_mails(self.ana, self.agent.name)

    def _tell_waiting_letters(self) -> None:
        """Tell of each letter that waits for its time, once."""
        for entry in self.company.letters(LetterStatus.QUEUED):
            letter = entry.letter
            later = entry.not_before is not None and entry.not_before > self.company.now
            if entry.not_before and later and letter.key not in self._waiting:
                self._waiting.add(letter.key)
                until = short_time(entry.not_before, self.narrator.zone)
                self.tell(
                    f"The {letter_name(letter.kind)} is written, and waits until {until}: {entry.reply}."
                )

    def _tell_mails(self, client: MailClient, name: str) -> int:
        """Tell and show the new mails of one person; return how many there are."""
        mails = client.new_mail()
        for mail in mails:
            key = f" ({key_of(mail)})" if key_of(mail) else ""
            files = " ".join(str(part.get_filename()) for part in mail.iter_attachments())
            attached = f", with {files} attached" if files else ""
            self.tell(f"receives{key}{attached}:", name)
            self.narrator.show(self.company.now, mail, name)

        return len(mails)


def play(run: DemoRun, code: str) -> None:
    """Play the whole life of one complaint; `code` is the code of the gift card in stock.

    Raises:
        StoryError: something that the next act needs did not happen.
    """
    with run.act("followupd opens a mailbox"):
        _open(run, code)
    with run.act("A complaint arrives"):
        complaint = _complain(run)
    with run.act("What is promised is put in writing"):
        _promise(run, complaint)
    with run.act("It is fixed, and missing facts are asked for"):
        _fix(run, complaint)
    with run.act("The follow-up, and a dropped connection"):
        _follow_up(run)
    with run.act("A call, and a gift card in a thread of its own"):
        _gift_card(run, complaint)
    with run.act("Never twice"):
        _nothing_more(run)


def _open(run: DemoRun, code: str) -> None:
    """Open a mailbox in which an old complaint lies, and import a gift card."""
    company, address = run.company, run.shared.address
    old = compose_mail(
        f"Lou Finch <{KIM}>",
        address,
        "Order 4471",
        OLD_COMPLAINT,
        company.now - 20 * _DAY,
        "<old@customers.example>",
    )
    run.kim.send(old)
    company.run_cycles()

    with company.app.ledger.transaction() as tx:
        tx.cards.add(code, Money.of(CARD, company.app.settings.company.currency), None, company.now)
        stock = tx.cards.all()

    run.tell(
        f"followupd reads {address} over IMAP. Older mails in it: {company.skipped_mails()}; they are "
        f"skipped. Cases opened for them: {len(company.cases())}."
    )
    run.tell(f"Gift cards put in stock, encrypted with the ledger's key: {len(stock)}.")


def _complain(run: DemoRun) -> EmailMessage:
    """Let Kim complain and Ana tag the mail; return the complaint."""
    run.shared.new_mail()
    mail = compose_mail(
        f"{KIM_NAME} <{KIM}>",
        run.shared.address,
        "Where is my parcel?",
        COMPLAINT,
        run.company.now,
        "<lamp@customers.example>",
    )
    run.kim.send(mail)
    [complaint] = run.shared.new_mail()
    run.tell(f"writes to {run.shared.address}:", KIM_NAME)
    run.narrator.show(run.company.now, complaint, _READER)
    run.run_now()
    _tell_tags(run, complaint)

    run.advance(3 * _MINUTE)
    run.tell("tags the mail `complaint` in her mail client: a person agrees.", run.agent.name)
    run.shared.add_tags(str(complaint["Message-ID"]), "complaint")
    run.run_now()

    run.advance(_QUIET_WINDOW)
    _tell_tags(run, complaint)

    return complaint


def _tell_tags(run: DemoRun, complaint: EmailMessage) -> None:
    """Tell which tags the mail has."""
    tags = run.shared.tags(str(complaint["Message-ID"]))
    run.tell(f"Tags of the mail, visible to everybody: {', '.join(tags) or 'none'}.")


def _promise(run: DemoRun, complaint: EmailMessage) -> None:
    """Ana replies late in the evening, so that the second confirmation falls into the quiet hours."""
    calendar = run.company.app.settings.calendar
    today = calendar.local(run.company.now).date()
    run.advance_to(calendar.moment(today, time(19, 52)))
    reply = compose_mail(
        f"{run.agent.name} <{run.shared.address}>",
        KIM,
        "Re: Where is my parcel?",
        REPLY,
        run.company.now,
        "<reply@example.com>",
        complaint,
    )
    run.tell("answers from her own mail client, and tags her reply `promised` in Sent.", run.agent.name)
    run.shared.send(reply)
    run.shared.file_in_sent(reply, run.company.now, "promised")
    run.run_now()
    run.advance_to(calendar.moment(today + _DAY, time(9)))


def _fix(run: DemoRun, complaint: EmailMessage) -> None:
    """Let Ana tag the mail `fixed`, and answer the desk mail that asks for missing facts."""
    calendar = run.company.app.settings.calendar
    friday = calendar.local(run.company.now).date() + 2 * _DAY
    run.advance_to(calendar.moment(friday, time(11)))
    run.tell("tags Kim's mail `fixed`.", run.agent.name)
    run.shared.add_tags(str(complaint["Message-ID"]), "fixed")
    run.run_now()

    questions = [mail for mail in run.ana.inbox() if kind_of(mail) == LetterKind.FACTS]
    if not questions:
        raise StoryError("the desk mail that asks for missing facts did not arrive")
    run.advance(15 * _MINUTE)
    note = _note(run, questions[-1])
    run.tell("answers that mail with the lines it asks for:", run.agent.name)
    run.narrator.show(run.company.now, note, _READER)
    run.ana.send(note)
    run.run_now()


def _note(run: DemoRun, question: EmailMessage) -> EmailMessage:
    """Return Ana's answer: promises kept, compensation issued, facts stated."""
    case, agent = run.case(), run.agent
    kept = [f"kept: {promise.n}" for promise in case.owed]
    issued = [f"issued: {grant.n}" for grant in case.grants_in(GrantState.GRANTED)]
    currency = run.company.app.settings.company.currency

    return compose_mail(
        f"{agent.name} <{agent.email}>",
        run.shared.address,
        f"Re: {question['Subject']}",
        NOTE.format(lines="\n".join(kept + issued), card=CARD, currency=currency),
        run.company.now,
        "<note@example.com>",
        question,
    )


def _follow_up(run: DemoRun) -> None:
    """Let the connection drop when the follow-up is sent, and deliver its copy later."""
    case = run.case()
    playbook = run.company.app.settings.playbooks.for_case(case)
    if case.fixed_at is None:
        raise StoryError(f"{case.ref} is {case.stage}, and should be fixed")
    due = playbook.follow_up_due(case.fixed_at, case.away_until)
    run.advance_to(due - _MINUTE)
    run.tell(
        f"{playbook.follow_up_after} after the fix. The mail server is made to accept Kim's next letter and "
        "to drop the connection before it replies; the copy for the shared mailbox is delayed."
    )
    run.servers.drop_next_connection(to=KIM, delay_for=run.shared.address)
    run.advance_to(due)

    sent = sum(run.advance(_MINUTE / 2) for _ in range(QUIET_CYCLES))
    run.tell(f"{QUIET_CYCLES} more cycles within five minutes. Letters sent meanwhile: {sent}.")
    run.advance(6 * _MINUTE)
    run.tell("The mail server delivers the delayed copy.")
    run.servers.deliver_delayed()
    run.advance(3 * _MINUTE)


def _gift_card(run: DemoRun, complaint: EmailMessage) -> None:
    """Let Ana tag the mail `reached` after the call, and wait for the gift card."""
    run.advance(2 * _HOUR)
    run.tell("has phoned Kim, and tags Kim's mail `reached`.", run.agent.name)
    run.shared.add_tags(str(complaint["Message-ID"]), "reached")
    run.run_now()
    run.advance(_DAY)
    _tell_tags(run, complaint)


def _nothing_more(run: DemoRun) -> None:
    """Restart followupd, and wait for mails that must not come."""
    run.company.restart()
    run.tell("followupd is stopped, and started again from its ledger.")
    arrived = sum(run.advance(_DAY) for _ in range(QUIET_CYCLES))
    run.tell(f"{QUIET_CYCLES} more days. Mails that arrived at Kim's or {run.agent.name}'s: {arrived}.")


# --- the result, counted again ---


def recount(run: DemoRun, code: str) -> list[RecountResult]:
    """Count what arrived, over IMAP, and compare it with the ledger; `code` is the gift card's code."""
    letters = list(filter(key_of, run.kim.inbox()))
    return [
        *_recounted_letters(run, letters),
        *_recounted_gift_card(run, letters, code),
        _recounted_call(run),
        _recounted_end(run),
    ]


def _recounted_letters(run: DemoRun, letters: Sequence[EmailMessage]) -> list[RecountResult]:
    """Check which letters the customer has."""
    kinds = Counter(map(kind_of, letters))
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    complete = {LetterKind.CONFIRMATION, LetterKind.FOLLOW_UP, LetterKind.GIFT_CARD} == set(kinds)
    single = kinds[LetterKind.FOLLOW_UP] == kinds[LetterKind.GIFT_CARD] == 1

    return [
        RecountResult(complete & single, f"{KIM_NAME}'s inbox has {len(letters)} letters: {counts}."),
        *_in_ledger(run, letters),
    ]


def _in_ledger(run: DemoRun, letters: Sequence[EmailMessage]) -> list[RecountResult]:
    """Check that no letter came twice, and that the ledger has each one as sent and proved."""
    keys = Counter(map(key_of, letters))
    twice = sorted(key for key, count in keys.items() if count > 1)

    entries = [entry for entry in run.company.letters() if entry.letter.to_customer]
    sent = sum(entry.status is LetterStatus.SENT and entry.letter.to.address == KIM for entry in entries)
    proved = sum(entry.witnessed_at is not None for entry in entries)

    return [
        RecountResult(not twice, f"Letters that came twice: {', '.join(twice) or 'none'}."),
        RecountResult(
            sent == len(entries) == len(letters),
            f"Letters to customers in the ledger: {len(entries)}, sent to Kim: {sent}.",
        ),
        RecountResult(proved == len(entries), f"Proved by a copy in our own mailbox: {proved}."),
    ]


def _recounted_gift_card(run: DemoRun, letters: Sequence[EmailMessage], code: str) -> list[RecountResult]:
    """Check that the card's code is in its own letter only, and nowhere unencrypted."""
    with_code = [mail for mail in [*letters, *run.ana.inbox()] if code in text_of(mail) + html_of(mail)]
    separate = [
        mail for mail in with_code if kind_of(mail) == LetterKind.GIFT_CARD and not mail["In-Reply-To"]
    ]
    files = sorted(run.company.directory.glob("ledger.db*"))
    unencrypted = [path.name for path in files if code.encode() in path.read_bytes()]

    return [
        RecountResult(
            len(with_code) == len(separate) == 1,
            f"Mails with the gift card's code: {len(with_code)}, in a thread of its own: {len(separate)}.",
        ),
        RecountResult(
            not unencrypted,
            f"Files of the ledger with the unencrypted code: {', '.join(unencrypted) or 'none'}.",
        ),
    ]


def _recounted_call(run: DemoRun) -> RecountResult:
    """Check that the agent got one call task, with a calendar entry."""
    attachments = [part for mail in run.ana.inbox() for part in mail.iter_attachments()]
    invitations = sum(part.get_content_type() == "text/calendar" for part in attachments)
    return RecountResult(invitations == 1, f"Calls for {run.agent.name} with an .ics: {invitations}.")


def _recounted_end(run: DemoRun) -> RecountResult:
    """Check that the case is closed."""
    cases = run.company.cases()
    stages = ", ".join(f"{case.ref} is {case.stage}" for case in cases) or "there is no case"
    return RecountResult([case.stage for case in cases] == [Stage.CLOSED], f"In the end {stages}.")
