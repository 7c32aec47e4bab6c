"""The story: what Kim and Ana do, and when. What the house does about it is read from its ledger and from their mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from email.message import EmailMessage

from followupd.demo.company import Days
from followupd.demo.people import (
    CARD,
    COMPLAINT,
    KIM,
    KIM_NAME,
    NOTE,
    OLD_COMPLAINT,
    REPLY,
    Mailer,
    key_of,
    written,
)
from followupd.demo.servers import Servers
from followupd.demo.terminal import Narrator, called, moment, sentences
from followupd.domain.case import Case
from followupd.domain.compensation import GrantState, Money
from followupd.domain.letter import FACTS, LetterStatus
from followupd.domain.team import Agent

#: beats after the end that must send nothing more, one a day
BEATS = 10
_THREE_MINUTES, _ELEVEN_MINUTES, _DAY = timedelta(minutes=3), timedelta(minutes=11), timedelta(days=1)


class StoryError(Exception):
    """The story cannot go on: something that it stands on did not happen."""


@dataclass
class DemoRun:
    """The house and its days, the people at their mail programs, and the one who tells it.

    `shared` is the company's mailbox, which Ana has open beside her own.
    """

    days: Days
    servers: Servers
    tell: Narrator
    kim: Mailer
    ana: Mailer
    shared: Mailer
    agent: Agent
    _told: dict[str, int] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)

    def says(self, text: str, who: str = "", at: datetime | None = None) -> None:
        self.tell.says(at or self.days.now, text, who)

    def until(self, at: datetime) -> int:
        """Let the time come, telling all that happens on the way; return how many mails arrived."""
        return sum(self.news() for _ in self.days.moments(at))

    def now(self) -> int:
        """Let the house do what there is to do at this moment, and tell it."""
        return self.until(self.days.now)

    def passes(self, span: timedelta) -> int:
        return self.until(self.days.now + span)

    def news(self) -> int:
        """Tell what the ledger and the inboxes have to tell since the last look; return how many mails arrived."""
        for case in self.days.cases():
            events = self.days.history(case.ref)
            fresh = events[self._told.get(case.ref, 0) :]
            for at, said in sentences(fresh, self.tell.zone, self.days.app.settings.team):
                self.says(said, at=at)
            self._told[case.ref] = len(events)
        self._tell_waiting()
        return self._receives(self.kim, KIM_NAME) + self._receives(self.ana, self.agent.name)

    def _tell_waiting(self) -> None:
        for state in self.days.letters(LetterStatus.READY):
            if (
                state.not_before
                and state.not_before > self.days.now
                and state.letter.key not in self._waiting
            ):
                self._waiting.add(state.letter.key)
                until = moment(state.not_before, self.tell.zone)
                self.says(
                    f"The {called(state.letter.kind)} is written, and waits until {until}: {state.reply}."
                )

    def _receives(self, mailer: Mailer, name: str) -> int:
        fresh = mailer.fresh()
        for mail in fresh:
            attached = " ".join(str(part.get_filename()) for part in mail.iter_attachments())
            key = f" ({key_of(mail)})" if key_of(mail) else ""
            self.says(f"receives{key}{f', with {attached} attached' if attached else ''}:", name)
            self.tell.shows(self.days.now, mail, name)
        return len(fresh)

    def case(self) -> Case:
        """Return the one case that there should be."""
        cases = self.days.cases()
        if len(cases) != 1:
            raise StoryError(f"there should be one case, and there are {len(cases)}")
        return cases[0]

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        self.tell.title(title)
        yield
        self.tell.pause(0.3)


def play(stage: DemoRun, code: str) -> None:
    """Play the whole life of one complaint.

    Raises:
        StoryError: something that the next act stands on did not happen.
    """
    with stage.act("The house opens a mailbox"):
        _opening(stage, code)
    with stage.act("A complaint is heard"):
        complaint = _complaint(stage)
    with stage.act("What is promised is put in writing"):
        _promise(stage, complaint)
    with stage.act("It is put right, and what the last letter needs is asked"):
        _fix(stage, complaint)
    with stage.act("The follow-up, and the plug is pulled"):
        _follow_up(stage)
    with stage.act("A call, and a gift card in a thread of its own"):
        _gift(stage, complaint)
    with stage.act("Never twice"):
        _nothing_more(stage)


def _opening(stage: DemoRun, code: str) -> None:
    address, days = stage.shared.address, stage.days
    old = written(
        f"Lou Finch <{KIM}>",
        address,
        "Order 4471",
        OLD_COMPLAINT,
        days.now - 20 * _DAY,
        "<old@customers.example>",
    )
    stage.kim.send(old)
    days.settle()
    with days.app.ledger.transaction() as tx:
        tx.cards.add(code, Money.of(CARD, days.app.settings.company.currency), None, days.now)
        stock = tx.cards.all()
    stage.says(
        f"followupd reads {address} over IMAP. Older mails that lie there: {days.passed_over()}; they are passed over, "
        f"and cases opened for them: {len(days.cases())}."
    )
    stage.says(f"Gift cards put in stock, sealed with the ledger's key: {len(stock)}.")


def _complaint(stage: DemoRun) -> EmailMessage:
    days, shared = stage.days, stage.shared
    shared.fresh()
    mail = written(
        f"{KIM_NAME} <{KIM}>",
        shared.address,
        "Where is my parcel?",
        COMPLAINT,
        days.now,
        "<lamp@customers.example>",
    )
    stage.kim.send(mail)
    [complaint] = shared.fresh()
    stage.says(f"writes to {shared.address}:", KIM_NAME)
    stage.tell.shows(days.now, complaint, "Customer service")
    stage.now()
    _tell_tags(stage, complaint)
    stage.passes(_THREE_MINUTES)
    stage.says("tags the mail `complaint` in her mail program: a person agrees.", stage.agent.name)
    shared.tag(str(complaint["Message-ID"]), "complaint")
    stage.now()
    stage.passes(_ELEVEN_MINUTES)
    _tell_tags(stage, complaint)
    return complaint


def _tell_tags(stage: DemoRun, complaint: EmailMessage) -> None:
    tags = ", ".join(stage.shared.tags(str(complaint["Message-ID"]))) or "none"
    stage.says(f"Tags that the mail now carries for everybody to see: {tags}.")


def _promise(stage: DemoRun, complaint: EmailMessage) -> None:
    """Ana answers late in the evening, so that the second confirmation meets the quiet hours."""
    days, calendar = stage.days, stage.days.app.settings.calendar
    today = calendar.local(days.now).date()
    stage.until(calendar.moment(today, time(19, 52)))
    reply = written(
        f"{stage.agent.name} <{stage.shared.address}>",
        KIM,
        "Re: Where is my parcel?",
        REPLY,
        days.now,
        "<reply@example.com>",
        complaint,
    )
    stage.says("answers from her own mail program, and tags her reply `promised` in Sent.", stage.agent.name)
    stage.shared.send(reply)
    stage.shared.file(reply, days.now, "promised")
    stage.now()
    stage.until(calendar.moment(today + _DAY, time(9)))


def _fix(stage: DemoRun, complaint: EmailMessage) -> None:
    days, calendar = stage.days, stage.days.app.settings.calendar
    friday = calendar.local(days.now).date() + 2 * _DAY
    stage.until(calendar.moment(friday, time(11)))
    stage.says("tags Kim's mail `fixed`.", stage.agent.name)
    stage.shared.tag(str(complaint["Message-ID"]), "fixed")
    stage.now()
    asked = next((mail for mail in reversed(stage.ana.inbox()) if f".{FACTS}." in key_of(mail)), None)
    if asked is None:
        raise StoryError("the desk mail that asks what is missing did not arrive")
    stage.passes(5 * _THREE_MINUTES)
    note = _note(stage, asked)
    stage.says("answers that mail with the lines it asks for:", stage.agent.name)
    stage.tell.shows(days.now, note, "Customer service")
    stage.ana.send(note)
    stage.now()


def _note(stage: DemoRun, asked: EmailMessage) -> EmailMessage:
    case = stage.case()
    kept = [f"kept: {promise.n}" for promise in case.owed]
    issued = [f"issued: {grant.n}" for grant in case.compensation if grant.state is GrantState.GRANTED]
    currency = stage.days.app.settings.company.currency
    text = NOTE.format(lines="\n".join(kept + issued), card=CARD, currency=currency)
    agent, subject = stage.agent, f"Re: {asked['Subject']}"
    sender = f"{agent.name} <{agent.email}>"
    return written(sender, stage.shared.address, subject, text, stage.days.now, "<note@example.com>", asked)


def _follow_up(stage: DemoRun) -> None:
    days, case = stage.days, stage.case()
    playbook = days.app.settings.playbooks[case.playbook]
    if case.fixed_at is None:
        raise StoryError(f"{case.ref} is {case.stage}, and should be fixed")
    due = playbook.calendar.after(case.fixed_at, playbook.follow_up_after)
    stage.until(due - timedelta(minutes=1))
    stage.says(
        f"{playbook.follow_up_after} after the fix. We make the mail server take Kim's next letter and drop the line "
        "before it answers; its copy for the shared mailbox comes late."
    )
    stage.servers.break_next_line(to=KIM, late_for=stage.shared.address)
    stage.until(due)
    sent = sum(stage.passes(timedelta(seconds=30)) for _ in range(BEATS))
    stage.says(f"{BEATS} more beats within five minutes. Letters sent meanwhile: {sent}.")
    stage.passes(2 * _THREE_MINUTES)
    stage.says("The late copy comes out of the mail server's queue.")
    stage.servers.let_through()
    stage.passes(_THREE_MINUTES)


def _gift(stage: DemoRun, complaint: EmailMessage) -> None:
    stage.passes(timedelta(hours=2))
    stage.says("has phoned Kim, and tags Kim's mail `reached`.", stage.agent.name)
    stage.shared.tag(str(complaint["Message-ID"]), "reached")
    stage.now()
    stage.passes(_DAY)
    _tell_tags(stage, complaint)


def _nothing_more(stage: DemoRun) -> None:
    stage.days.start_again()
    stage.says("followupd is stopped, and started again from its ledger.")
    arrived = sum(stage.passes(_DAY) for _ in range(BEATS))
    stage.says(f"{BEATS} more days. Mails that arrived at Kim's or {stage.agent.name}'s: {arrived}.")
