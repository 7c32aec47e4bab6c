"""Reads what is about to be said to a customer: an agent's line when it is said, a letter before it is queued.

Findings of a line go back to the agent, who may insist. A letter with a finding of a hard rule does not leave by itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from followupd.domain.case import Case
from followupd.domain.command import Command, read_line
from followupd.domain.letter import GIFT_CARD, Letter
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg, sentence_list
from followupd.errors import LetterError, NotUnderstoodError
from followupd.languages import Catalogue, catalogue
from followupd.services.ports import Transaction
from followupd.text import promises
from followupd.text.wording import FACT, PREVENTION, Context, Finding, WordingRules, findings

#: lines whose words stand in letters, and what they are to the rules
_JUDGED: dict[str, str] = {
    **dict.fromkeys(("issue", "impact", "cause", "resolution", "gesture", "late", "option"), FACT),
    **dict.fromkeys(("promise", "firm", "estimate", "update"), FACT),
    "prevention": PREVENTION,
}
#: promises go into the ledger with their line, so their dates are no findings
_PROMISING = frozenset({"promise", "firm", "estimate", "update", "late", "option"})


@dataclass(frozen=True, slots=True)
class WordingGuard:
    """Holds words to the admin's rules. `default_language` is the language of letters to customers of unknown language."""

    manner: WordingRules = field(default_factory=WordingRules)
    default_language: str = "en"
    languages: Catalogue = field(default_factory=catalogue)

    def lines(
        self, lines: Sequence[str], case: Case, playbook: Playbook, now: datetime
    ) -> tuple[Finding, ...]:
        """Return what the rules find in an agent's lines; lines that are none find nothing."""
        return tuple(one for command in _commands(lines) for one in self._line(command, case, playbook, now))

    def _line(self, command: Command, case: Case, playbook: Playbook, now: datetime) -> tuple[Finding, ...]:
        kind = _JUDGED.get(command.verb)
        if kind is None:
            return ()
        language = self._language(case, playbook)
        about = wording_context(playbook, language, now, self.languages)
        context = Context(
            names=_names(case, playbook),
            insisted=case.insisted,
            promised=_days(case, playbook),
            hears=None if command.verb in _PROMISING else about.hears,
        )
        return findings(command.text, kind=kind, language=language, manner=self.manner, context=context)

    def letter(
        self, tx: Transaction, letter: Letter, case: Case, playbook: Playbook, now: datetime, secret: str = ""
    ) -> tuple[Finding, ...]:
        """Return what the rules find in a letter to a customer; `secret`, a gift card's code, is not read and not told."""
        if not letter.to_customer:
            return ()
        about = wording_context(playbook, letter.language, now, self.languages)
        context = Context(
            owner=playbook.owner_of(case.owner).name,
            names=_names(case, playbook),
            insisted=(*case.insisted, secret),
            values=case.stated_words,
            promised=_days(case, playbook),
            over=about.over,
            hears=about.hears,
            earlier=tx.outbox.texts_sent_to(letter.to.address) if letter.kind != GIFT_CARD else (),
            impact=case.facts.impact or "",
            others=tx.cases.impacts(case.ref) if case.facts.impact else (),
        )
        return findings(
            letter.text, kind=letter.kind, language=letter.language, manner=self.manner, context=context
        )

    def stop(
        self, tx: Transaction, letter: Letter, case: Case, playbook: Playbook, now: datetime, secret: str = ""
    ) -> None:
        """Raise LetterError when a hard rule is broken; a letter in review goes to an agent with its findings instead."""
        if letter.review:
            return
        hard = [finding for finding in self.letter(tx, letter, case, playbook, now, secret) if finding.hard]
        if hard:
            told = sentence_list(finding.told for finding in hard)
            raise LetterError(msg(STOPPED, letter=msg(letter.kind), findings=told))

    def _language(self, case: Case, playbook: Playbook) -> str:
        return case.language or playbook.language or self.default_language


#: what an agent is told of a letter that does not leave, and of a line that is taken all the same
STOPPED = (
    "the {letter} does not leave with these words: {findings} Say the line anew in better words, or send it again with ` !` "
    "at its end if it must stay."
)
HARD = (
    "{finding} Say the line anew in better words, or send it again with ` !` at its end if it must stay. No letter leaves with "
    "these words until then."
)
SOFT = "{finding} The letter leaves with these words, unless you say the line anew."


def wording_context(
    playbook: Playbook, language: str, now: datetime, languages: Catalogue | None = None
) -> Context:
    """Return what the rules need of the calendar and of the promise reader: which dates are over, what commits us.

    Words are read as in `languages`, without them as in the shipped ones.
    """
    calendar = playbook.calendar
    today = calendar.local(now).date()
    spoken = (languages or catalogue()).language(language)

    def over(words: str) -> bool:
        read = promises.read_when(words, now=now, calendar=calendar, language=spoken)
        return read is not None and calendar.local(read).date() < today

    def hears(text: str) -> Iterator[tuple[str, date]]:
        heard, _ = promises.hear(
            text, said_at=now, calendar=calendar, language=spoken, currency=playbook.company.currency
        )
        for one in heard:
            if one.due:
                yield " ... ".join(one.words) or one.text, calendar.local(one.due).date()

    return Context(over=over, hears=hears)


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    for line in lines:
        with suppress(NotUnderstoodError):
            yield Command(*read_line(line), "", "")


def _names(case: Case, playbook: Playbook) -> tuple[str, ...]:
    agents = (agent.name for agent in playbook.team.agents)
    return (playbook.company.name, case.customer.name, case.customer.address, case.ref, *agents)


def _days(case: Case, playbook: Playbook) -> frozenset[date]:
    local = playbook.calendar.local
    return frozenset(local(day).date() for each in case.promises for day in (each.told, each.due) if day)
