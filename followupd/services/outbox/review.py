"""Letters in review: what an agent sent from the mail client counts as the letter; a draft that changed is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from functools import partial

from followupd.domain.decision import Brief, Writer
from followupd.domain.events import DraftAsked
from followupd.domain.letter import APPROVAL, Condition, Draft, Outgoing
from followupd.domain.mail import Kind
from followupd.domain.playbook import Playbook
from followupd.domain.records import Kept, LetterState
from followupd.domain.translatable import said
from followupd.errors import CaseMovedError
from followupd.services.outbox import outcomes
from followupd.services.ports import Ledger, Work
from followupd.text.wording import body

#: a mail in the thread with so much of the letter's words, in their order, is the letter; one about it has far less
_THE_LETTER = 0.5
_WAITING = (Condition.REVIEW, Condition.READY, Condition.DEFERRED)
_WHY = {
    Draft.CHANGED: partial(
        said,
        "you approved {key}, and its draft is not as it was written. If you changed it, send it from your mail client: "
        "it then counts as the letter. `approve` once more sends the words below",
    ),
    Draft.MISSING: partial(
        said,
        "you approved {key}, and its draft is gone. If you sent it from your mail client, its copy in Sent will count as "
        "the letter, and nothing more is to be done. `approve` once more sends the words below",
    ),
}


@dataclass(frozen=True, slots=True)
class Review:
    """Recognises letters that agents sent themselves."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: Writer

    def round(self, now: datetime) -> int:
        """Return how many letters were recognised in Sent, and how many drafts were asked about."""
        return self._recognise(now) + self._ask(now)

    def _recognise(self, now: datetime) -> int:
        with self.ledger.work() as work:
            if not work.outbox.any_draft():
                return 0
            sent = [kept for kept in work.mail.unheard() if kept.in_sent and kept.message.kind is Kind.AGENT]
        return sum(self._recognised(kept, now) for kept in sent)

    def _recognised(self, kept: Kept, now: datetime) -> bool:
        try:
            with self.ledger.work() as work:
                state = self._letter_of(work, kept)
                if state is None:
                    return False
                letter, why = state.letter, "an agent sent it from the mail client, perhaps in other words"
                work.mail.put_down(kept.id, case_ref=letter.case)
                outcomes.proved(work, letter, why, now)
        except CaseMovedError:
            return False
        return True

    def _letter_of(self, work: Work, kept: Kept) -> LetterState | None:
        """Return the letter that waits in this mail's case, goes to the same person, and reads like it."""
        ref = work.cases.naming(kept.message.thread)
        people = {person.address.casefold() for person in kept.message.to}
        for state in work.outbox.all(*_WAITING, case=ref) if ref else ():
            letter = state.letter
            if state.draft is Draft.NONE or letter.to.address.casefold() not in people:
                continue
            if kept.message.key_header == letter.key or _alike(kept.message.text, letter):
                return state
        return None

    def _ask(self, now: datetime) -> int:
        with self.ledger.work() as work:
            odd = work.outbox.odd_drafts()
        return sum(self._asked(state, now) for state in odd)

    def _asked(self, state: LetterState, now: datetime) -> bool:
        letter = state.letter
        try:
            with self.ledger.work() as work:
                case = work.cases.get(letter.case)
                playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
                why = _WHY[state.draft](key=letter.key)
                asked = DraftAsked(at=now, why=why, key=letter.key, kind=letter.kind)
                brief = Brief(because=why, asks=("approve", "refuse: "), quote=letter.text, about=letter.key)
                owner = playbook.owner_of(case.owner)
                mail = self.write.desk(APPROVAL, case.after(asked), playbook, now, brief, owner)
                work.cases.record(case, [asked, mail], lambda _: now, now)
                work.outbox.drafted(letter.key, state.draft, Draft.ASKED)
        except CaseMovedError:
            return False
        return True


def _alike(said: str, letter: Outgoing) -> bool:
    mine = " ".join(body(letter.text, "")).casefold().split()
    theirs = said.casefold().split()
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio() >= _THE_LETTER
