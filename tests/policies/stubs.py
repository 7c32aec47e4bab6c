"""Stand-ins for what a policy is given.

A renderer that keeps what it is asked for, and a reader of plain lines.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.command import Command, read_line
from followupd.domain.compensation import Money
from followupd.domain.decision import Agenda, Decision, LetterContent, PrintedGiftCard
from followupd.domain.events import Event
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Agent, Playbook
from followupd.domain.promise import DatedText
from followupd.recovery.commands import CommandContext, handle
from tests.builders import NOW, PLAYBOOK


@dataclass
class StubRenderer:
    """Renders letters without text; `contents` has what each letter was to contain."""

    contents: list[LetterContent] = field(default_factory=list)

    def letter(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent
    ) -> Letter:
        return self._made(kind, case, brief, case.customer)

    def desk(
        self, kind: LetterKind, case: Case, playbook: Playbook, now: datetime, brief: LetterContent, to: Agent
    ) -> Letter:
        return self._made(kind, case, brief, to.person)

    def digest(self, agenda: Agenda, playbook: Playbook, now: datetime, mailbox: str, to: Agent) -> Letter:
        raise NotImplementedError

    def gift_card(self, case: Case, playbook: Playbook, now: datetime, card: PrintedGiftCard) -> Letter:
        raise NotImplementedError

    def phrase(self, text: str, case: Case, playbook: Playbook) -> str:
        return text

    def _made(self, kind: LetterKind, case: Case, content: LetterContent, to: Person) -> Letter:
        self.contents.append(content)
        key = case.next_key(kind)
        return Letter(
            key=key,
            case=case.ref,
            kind=kind,
            mailbox=case.mailbox,
            sender=Person("support@example.com"),
            to=to,
            subject="",
            text="",
            message_id=f"<{key}>",
            review=content.review,
        )


class StubReader:
    """Reads "what by 2026-12-04", and amounts such as "25", "25.50 EUR" and "25 USD".

    Without a currency it is EUR.
    """

    def split_when(self, text: str, now: datetime) -> DatedText:
        found = re.fullmatch(r"(.*?)\s*(?:by|until)\s+(\d{4}-\d\d-\d\d)", text)
        if not found:
            return DatedText(text)
        return DatedText(found[1], datetime.fromisoformat(found[2]).replace(hour=17, tzinfo=now.tzinfo))

    def split_until(self, text: str, now: datetime) -> DatedText:
        found = self.split_when(f"until {text}", now)
        return found._replace(text=found.text.removeprefix("until").strip())

    def money(self, text: str) -> Money | None:
        found = re.search(r"(\d[\d.]*)(?: ([A-Z]{3})\b)?", text)
        return Money.of(found[1], found[2] or "EUR") if found else None

    def split_reason(self, text: str) -> tuple[str, str]:
        before, _, reason = text.partition("because ")
        return before.strip(), reason

    def reached_nobody(self, text: str) -> bool:
        return "voice mail" in text


def names(decisions: Iterable[Decision]) -> list[str]:
    """Return what was decided: the names of events, the kinds of letters."""
    return [d.kind.value if isinstance(d, Letter) else type(d).__name__ for d in decisions]


def run(
    case: Case,
    line: str,
    *,
    agent: str = "ana",
    source: str = "note",
    playbook: Playbook = PLAYBOOK,
    now: datetime = NOW,
    **more: Any,
) -> list[Event]:
    """Return the events that follow from a line of an agent; `agent` is "" for a tag."""
    verb, text = read_line(line)
    known = playbook.team.by_id(agent)
    actor = known.name if known else "someone with access to the mailbox"
    context = CommandContext(case, playbook, frozenset({"default"}), StubReader(), now, **more)
    return handle(Command(verb, text, actor, source, agent), context)


def after(case: Case, *lines: str, **more: Any) -> Case:
    """Return the case after these lines."""
    for line in lines:
        for event in run(case, line, **more):
            case = lifecycle.after(case, event)
    return case
