"""What agents decided teaches the recogniser: collected from the ledger, learnt once a week, kept sealed, told."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from followupd import log
from followupd.adapters.crypto import Vault
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Kind, StoredMail
from followupd.domain.state import StateKey
from followupd.recovery import open
from followupd.text import complaints
from followupd.text.complaints import Learned, Recogniser, Tagged
from followupd.text.complaints.learning import FEWEST

#: the ledger's row: when it was last learnt, from how many decisions, and what
_EVERY = timedelta(days=7)
#: how soon a daemon takes over what `followupd learn` learnt
_LOOK = timedelta(minutes=1)
#: the newest decisions count; older ones speak of another shop, and a beat must not take minutes
_MOST = 1_000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Training:
    """What was learnt, as it lies in the ledger: the delta, and what the digest says of it."""

    delta: Mapping[str, float] = field(default_factory=dict)
    told: str = ""


@dataclass(slots=True)
class TrainingService:
    """Learns, and hands what was learnt to the judge of a running daemon."""

    ledger: Ledger
    vault: Vault
    recogniser: Recogniser
    ask: float
    calendar: Calendar
    _lesson: _Training = field(default_factory=_Training, init=False)
    _at: datetime | None = field(default=None, init=False)
    _looked: datetime | None = field(default=None, init=False)

    def delta(self) -> Mapping[str, float]:
        """Return what was learnt, as of the last `refresh`; asks no ledger, since judging goes on inside a transaction."""
        return self._lesson.delta

    def news_since(self, since: datetime | None) -> str:
        """Return what the last lesson changed, for the digest, when it was after that moment."""
        return self._lesson.told if self._at and (since is None or self._at > since) else ""

    def run(self, now: datetime) -> int:
        """Take over what was learnt elsewhere (`followupd learn`), and learn when a week is over and the house is open."""
        if self._looked and self._looked <= now < self._looked + _LOOK:
            return 0
        self.refresh()
        self._looked = now
        due = self._at is None or now - self._at >= _EVERY
        if not due or not self.calendar.is_open(now):
            return 0
        self.learn(now)
        return 1

    def refresh(self) -> None:
        with self.ledger.transaction() as tx:
            found = tx.state.get(StateKey.TRAINING)
        if found and found[1] != self._at:
            self._lesson, self._at = self._opened(found[0]), found[1]

    def learn(self, now: datetime, *, keep: bool = True) -> tuple[Learned, list[Tagged]]:
        """Learn from all decisions, and keep it; too few of them leave everything as it was."""
        with self.ledger.transaction() as tx:
            tagged = self.decisions(tx)
        learned = complaints.learn(tagged, self.recogniser, ask=self.ask)
        if keep:
            self._keep(learned, now)
        return learned, tagged

    def decisions(self, tx: Transaction) -> list[Tagged]:
        """Return the mails of which an agent said whether they are complaints, oldest word first, each once."""
        return [tagged for _, tagged in sorted(self._decided(tx), key=lambda each: each[0])[-_MOST:]]

    def _decided(self, tx: Transaction) -> Iterator[tuple[datetime, Tagged]]:
        for ref, at, complaint in tx.cases.decisions():
            first = next((kept for kept in tx.mail.of_case(ref) if _speaks(kept)), None)
            case = tx.cases.get(ref)
            text = open.words_of(first.message) if first else case.story
            if text:
                yield at, Tagged(first.message.subject if first else case.subject, text, complaint)
        for kept in tx.mail.no_complaints():
            yield kept.received_at, Tagged(kept.message.subject, open.words_of(kept.message), complaint=False)

    def _keep(self, learned: Learned, now: datetime) -> None:
        enough = learned.tags >= FEWEST and learned.held_back > 0
        with self.ledger.transaction() as tx:
            found = tx.state.get(StateKey.TRAINING)
            before = self._opened(found[0]).delta if found else {}
            delta = dict(learned.delta) if enough else before
            lesson = _Training(delta, _sentence(learned) if delta != before else "")
            sealed = self.vault.encrypt(json.dumps({"delta": delta, "told": lesson.told}).encode())
            tx.state.put(
                StateKey.TRAINING, {"tags": learned.tags, "sealed": base64.b64encode(sealed).decode()}, now
            )
        if lesson.told:
            log.classifier_retrained(learned.tags, len(delta))
        self._lesson, self._at = lesson, now

    def _opened(self, row: Mapping[str, str]) -> _Training:
        return _Training(**json.loads(self.vault.decrypt(base64.b64decode(row["sealed"]))))


def _speaks(kept: StoredMail) -> bool:
    message = kept.message
    return message.kind is Kind.CUSTOMER or (
        message.kind is Kind.AGENT and message.forwarded_from is not None
    )


def _sentence(learned: Learned) -> str:
    up, down = (", ".join(words for words, _ in side[:_SHOWN]) for side in (learned.up, learned.down))
    parts = [f"the recogniser learnt from {learned.tags} decisions"]
    parts += [f"more of a complaint now: {up}"] if up else []
    parts += [f"less of one: {down}"] if down else []
    if learned.precision is not None:
        parts.append(
            f"of the mails that it suspects, {learned.precision:.0%} are complaints ({learned.held_back} held back)"
        )
    return "; ".join(parts)
