"""What came of it, counted afresh in the inboxes and in the ledger: the demo's word is held against its mail."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from followupd.demo.people import KIM, KIM_NAME, html_of, key_of, text_of
from followupd.demo.story import DemoRun
from followupd.domain.case import Stage
from followupd.domain.letter import CALL, CONFIRMATION, FOLLOW_UP, GIFT_CARD, LetterStatus


@dataclass(frozen=True, slots=True)
class RecountResult:
    """One thing that was counted, in a sentence that is true either way."""

    good: bool
    text: str


def findings(stage: DemoRun, code: str) -> list[RecountResult]:
    """Count what arrived, over IMAP, and hold it against the ledger."""
    kim = [mail for mail in stage.kim.inbox() if key_of(mail)]
    return [*_each_once(stage, kim), *_the_card(stage, kim, code), *_the_call(stage), *_the_end(stage)]


def _each_once(stage: DemoRun, kim: Sequence[EmailMessage]) -> list[RecountResult]:
    keys, kinds = Counter(map(key_of, kim)), Counter(key_of(mail).split(".")[1] for mail in kim)
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    twice = sorted(key for key, count in keys.items() if count > 1)
    whole = kinds[CONFIRMATION] > 0 and kinds[FOLLOW_UP] == kinds[GIFT_CARD] == 1
    mine = [state for state in stage.days.letters() if state.letter.to_customer]
    sent = sum(state.condition is LetterStatus.SENT and state.letter.to.address == KIM for state in mine)
    proved = sum(state.witnessed_at is not None for state in mine)
    return [
        RecountResult(whole, f"{KIM_NAME}'s inbox holds {len(kim)} letters: {said}."),
        RecountResult(not twice, f"Letters that came twice: {', '.join(twice) or 'none'}."),
        RecountResult(
            sent == len(mine) == len(kim),
            f"Letters to customers in the ledger: {len(mine)}, sent to Kim: {sent}.",
        ),
        RecountResult(proved == len(mine), f"Of these, proved by a copy in our own mailbox: {proved}."),
    ]


def _the_card(stage: DemoRun, kim: Sequence[EmailMessage], code: str) -> list[RecountResult]:
    holds = [mail for mail in [*kim, *stage.ana.inbox()] if code in text_of(mail) + html_of(mail)]
    own = [mail for mail in holds if f".{GIFT_CARD}." in key_of(mail) and not mail["In-Reply-To"]]
    plain = [path.name for path in _ledger(stage.days.directory) if code.encode() in path.read_bytes()]
    return [
        RecountResult(
            len(holds) == len(own) == 1,
            f"Mails with the gift card's code: {len(holds)}, in a thread of its own: {len(own)}.",
        ),
        RecountResult(not plain, f"Ledger files that hold the code in plain: {', '.join(plain) or 'none'}."),
    ]


def _ledger(directory: Path) -> list[Path]:
    return sorted(directory.glob("ledger.db*"))


def _the_call(stage: DemoRun) -> list[RecountResult]:
    calls = [mail for mail in stage.ana.inbox() if f".{CALL}." in key_of(mail)]
    invites = sum(
        part.get_content_type() == "text/calendar" for mail in calls for part in mail.iter_attachments()
    )
    return [
        RecountResult(
            len(calls) == invites == 1,
            f"Call tasks for {stage.agent.name}: {len(calls)}, with an .ics: {invites}.",
        )
    ]


def _the_end(stage: DemoRun) -> list[RecountResult]:
    cases = stage.days.cases()
    ends = ", ".join(f"{case.ref} is {case.stage}" for case in cases) or "there is no case"
    return [RecountResult([case.stage for case in cases] == [Stage.CLOSED], f"In the end {ends}.")]
