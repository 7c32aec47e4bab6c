"""Check what is about to be sent to a customer against the wording rules: agents' lines, and letters.

Findings of a line go back to the agent, who may insist on it. A letter is checked before it is queued, and
one that breaks a hard rule is not written.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from followupd.domain.case import Case
from followupd.domain.command import Command, read_line
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.errors import LetterError, NotUnderstoodError
from followupd.languages import Catalogue, catalogue
from followupd.text import promises
from followupd.text.wording import FACT, PREVENTION, Context, Finding, WordingRules, findings

if TYPE_CHECKING:
    from followupd.adapters.storage.ledger import Transaction  # `check` needs the rules and not the database

#: verbs whose text is used in letters, and what their text is to the rules
_CHECKED_VERBS: dict[str, str] = {
    **dict.fromkeys(("issue", "impact", "cause", "resolution", "gesture", "late", "option"), FACT),
    **dict.fromkeys(("promise", "firm", "estimate", "update"), FACT),
    "prevention": PREVENTION,
}
#: verbs whose dates are recorded as promises, so that a date in their text is no finding
_PROMISE_VERBS = frozenset({"promise", "firm", "estimate", "update", "late", "option"})

#: the reason of a letter that is not written, and the answers about a line that was executed
STOPPED = msgid(
    "the {letter} does not leave with these words: {findings} "
    "Write the line again in better words, or send it again with ` !` at its end if it must stay."
)
HARD = msgid(
    "{finding} Write the line again in better words, or send it again with ` !` at its end if it must stay. "
    "No letter leaves with these words until then."
)
SOFT = msgid("{finding} The letter leaves with these words, unless you write the line again.")


@dataclass(frozen=True, slots=True)
class WordingGuard:
    """Checks text by the admin's rules.

    `default_language` is that of letters to customers whose language is not known.
    """

    manner: WordingRules = field(default_factory=WordingRules)
    default_language: str = "en"
    languages: Catalogue = field(default_factory=catalogue)

    def lines(
        self, lines: Sequence[str], case: Case, playbook: Playbook, now: datetime
    ) -> tuple[Finding, ...]:
        """Return the findings in an agent's lines.

        A line that is no command has none, and neither has one whose text is used in no letter.

        Args:
            lines: what was said.
            case: the case.
            playbook: the playbook of the case.
            now: the time of the cycle, in UTC.
        """
        found: list[Finding] = []
        for command in _commands(lines):
            found += self._line(command, case, playbook, now)

        return tuple(found)

    def _line(self, command: Command, case: Case, playbook: Playbook, now: datetime) -> Sequence[Finding]:
        """Return the findings in one command; only text that is used in letters is checked.

        Args:
            command: the agent's order.
            case: the case.
            playbook: the playbook of the case.
            now: the time of the cycle, in UTC.
        """
        kind = _CHECKED_VERBS.get(command.verb)
        if kind is None:
            return ()

        language = case.language or playbook.language or self.default_language
        readers = wording_context(playbook, language, now, self.languages)
        context = Context(
            names=_names(case, playbook),
            insisted=case.insisted,
            promised=_promised_days(case, playbook),
            hears=None if command.verb in _PROMISE_VERBS else readers.hears,
        )
        return findings(command.text, kind=kind, language=language, manner=self.manner, context=context)

    def letter(
        self,
        tx: "Transaction",
        letter: Letter,
        case: Case,
        playbook: Playbook,
        now: datetime,
        secret: str = "",
    ) -> tuple[Finding, ...]:
        """Return the findings in a letter to a customer; a desk mail has none.

        Args:
            tx: the transaction, in which earlier letters to the customer are read.
            letter: the letter.
            case: its case.
            playbook: the playbook of the case.
            now: the time of the cycle, in UTC.
            secret: a gift card's code, which is not checked and not quoted in a finding.
        """
        if not letter.to_customer:
            return ()

        readers = wording_context(playbook, letter.language, now, self.languages)
        is_gift_card = letter.kind == LetterKind.GIFT_CARD
        impact = case.facts.text("impact")
        context = Context(
            owner=playbook.owner_of(case.owner).name,
            names=_names(case, playbook),
            insisted=(*case.insisted, secret),
            values=case.stated_words,
            promised=_promised_days(case, playbook),
            over=readers.over,
            hears=readers.hears,
            earlier=() if is_gift_card else tx.outbox.texts_sent_to(letter.to.address),
            impact=impact,
            others=tx.cases.recent_impacts(case.ref) if impact else (),
        )
        return findings(
            letter.text, kind=letter.kind, language=letter.language, manner=self.manner, context=context
        )

    def stop(
        self,
        tx: "Transaction",
        letter: Letter,
        case: Case,
        playbook: Playbook,
        now: datetime,
        secret: str = "",
    ) -> None:
        """Reject a letter that breaks a hard rule; one in review goes to an agent with its findings instead.

        Args:
            tx: the transaction.
            letter: the letter.
            case: the case.
            playbook: the playbook of the case.
            now: the time of the cycle, in UTC.
            secret: what no finding may show.

        Raises:
            LetterError: with the findings, for the owner.
        """
        if letter.review:
            return

        found = self.letter(tx, letter, case, playbook, now, secret)
        hard = [finding.told for finding in found if finding.hard]
        if hard:
            raise LetterError(msg(STOPPED, letter=msg(letter.kind), findings=sentence_list(hard)))


def wording_context(
    playbook: Playbook, language: str, now: datetime, languages: Catalogue | None = None
) -> Context:
    """Return how the rules read dates and promises: by the playbook's calendar, in the language of the text.

    Args:
        playbook: the playbook of the case.
        language: whose words are read.
        now: the time of the cycle, in UTC.
        languages: the words of all languages.
    """
    calendar = playbook.calendar
    today = calendar.local(now).date()
    spoken = (languages or catalogue()).language(language)

    def is_past(text: str) -> bool:
        """Return whether a text names a day before today."""
        date_read = promises.read_when(text, now=now, calendar=calendar, language=spoken)
        return date_read is not None and calendar.local(date_read).date() < today

    def dated_promises(text: str) -> Iterator[tuple[str, date]]:
        """Yield each promise in a text that has a date, with that day."""
        found = promises.find_commitments(
            text, sent_at=now, calendar=calendar, language=spoken, currency=playbook.company.currency
        )
        for promise in found.promises:
            if promise.due:
                yield " ... ".join(promise.words) or promise.text, calendar.local(promise.due).date()

    return Context(over=is_past, hears=dated_promises)


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    """Yield the commands in an agent's lines."""
    for line in lines:
        with suppress(NotUnderstoodError):
            yield Command(*read_line(line), "", "")


def _names(case: Case, playbook: Playbook) -> tuple[str, ...]:
    """Return the names that a letter may contain whatever the rules say."""
    agents = (agent.name for agent in playbook.team.agents)
    return (playbook.company.name, case.customer.name, case.customer.address, case.ref, *agents)


def _promised_days(case: Case, playbook: Playbook) -> frozenset[date]:
    """Return the days of all promises: the promised one, and our own earlier one."""
    times: set[datetime | None] = set()
    for promise in case.promises:
        times |= {promise.promised_by, promise.internal_deadline}

    return frozenset(playbook.calendar.local(time).date() for time in times if time)
