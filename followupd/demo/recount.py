"""Check the result of the demo: count the mails in the inboxes again, and compare them with the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from followupd.demo.people import KIM, KIM_NAME, html_of, key_of, kind_of, text_of
from followupd.demo.story import DemoRun
from followupd.domain.case import Stage
from followupd.domain.letter import LetterKind, LetterStatus


@dataclass(frozen=True, slots=True)
class RecountResult:
    """The result of one check; `text` states what was counted, whether that is good or not."""

    good: bool
    text: str


def recount(run: DemoRun, code: str) -> list[RecountResult]:
    """Count what arrived, over IMAP, and compare it with the ledger; `code` is the gift card's code."""
    letters = [mail for mail in run.kim.inbox() if key_of(mail)]
    return [
        *_letters(run, letters),
        *_gift_card(run, letters, code),
        _call(run),
        _end(run),
    ]


def _letters(run: DemoRun, letters: Sequence[EmailMessage]) -> list[RecountResult]:
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


def _gift_card(run: DemoRun, letters: Sequence[EmailMessage], code: str) -> list[RecountResult]:
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


def _call(run: DemoRun) -> RecountResult:
    """Check that the agent got one call task, with a calendar entry."""
    calls = [mail for mail in run.ana.inbox() if kind_of(mail) == LetterKind.CALL]
    attachments = [part for mail in calls for part in mail.iter_attachments()]
    invitations = sum(part.get_content_type() == "text/calendar" for part in attachments)

    return RecountResult(
        len(calls) == invitations == 1,
        f"Call tasks for {run.agent.name}: {len(calls)}, with an .ics: {invitations}.",
    )


def _end(run: DemoRun) -> RecountResult:
    """Check that the case is closed."""
    cases = run.company.cases()
    stages = ", ".join(f"{case.ref} is {case.stage}" for case in cases) or "there is no case"
    return RecountResult([case.stage for case in cases] == [Stage.CLOSED], f"In the end {stages}.")
