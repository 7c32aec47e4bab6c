"""Writes what is understood of a sentence as text: the second column of each language's examples.tsv."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from followupd.domain.calendar import Calendar
from followupd.domain.promise import FoundCompensation, FoundPromise
from followupd.languages import Language
from followupd.text import promises

SAID_AT = datetime(2026, 12, 1, 10, tzinfo=UTC)  # a Tuesday
LONDON = Calendar(timezone="Europe/London", holidays="GB-ENG")


def commitments(sentence: str, language: Language) -> str:
    """Return the promises and gifts in a sentence that an agent writes at SAID_AT, in London."""
    made, given = promises.hear(sentence, said_at=SAID_AT, calendar=LONDON, language=language, currency="GBP")
    return "; ".join([*map(_promise, made), *map(_gift, given)]) or "nothing"


def _promise(promise: FoundPromise) -> str:
    due = f" by {LONDON.local(promise.due):%Y-%m-%d %H:%M}" if promise.due else ""
    return "done" if promise.past else promise.kind + due


def _gift(gift: FoundCompensation) -> str:
    return " ".join(
        word for word in ("gave" if gift.past else "gives", gift.kind, gift.amount, gift.currency) if word
    )


#: the word before the colon -> what reads the sentence
READERS: Mapping[str, Callable[[str, Language], str]] = {
    "agent": commitments,
}


def examples(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Give line, sentence, reader and what is understood of each example in a file."""
    for line, row in enumerate(text.splitlines(), 1):
        if row and not row.startswith("#"):
            sentence, understood = row.split("\t")
            reader, _, expected = understood.partition(":")
            yield line, sentence, reader, expected.strip()
