"""Writes what is understood of a sentence as text: the second column of each language's examples.tsv."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from followupd.domain.calendar import Calendar
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.promise import FoundCompensation, FoundPromise, Option
from followupd.languages import Language
from followupd.text import promises
from followupd.text.answers import chosen, read_receipt
from followupd.text.complaints import Recogniser, wants
from followupd.text.mail.absence import back_on
from followupd.text.wording import PART, WordingRules, findings

SENT_AT = datetime(2026, 12, 1, 10, tzinfo=UTC)  # a Tuesday
LONDON = Calendar(timezone="Europe/London", holidays="GB-ENG")


def commitments(sentence: str, language: Language) -> str:
    """Return the promises and gifts in a sentence that an agent writes at SENT_AT, in London."""
    made, given, unsure = promises.find_commitments(
        sentence, sent_at=SENT_AT, calendar=LONDON, language=language, currency="GBP"
    )
    asked = ["asked"] * bool(unsure)
    return "; ".join([*map(_promise, made), *map(_gift, given), *asked]) or "nothing"


def _promise(promise: FoundPromise) -> str:
    due = f" {promise.relation} {LONDON.local(promise.due):%Y-%m-%d %H:%M}" if promise.due else ""
    return "done" if promise.past else promise.kind + due


def _gift(gift: FoundCompensation) -> str:
    return " ".join(
        word for word in ("gave" if gift.past else "gives", gift.kind, gift.amount, gift.currency) if word
    )


def complaint(sentence: str, language: Language) -> str:
    """Return the verdict on a customer's sentence, and what the customer wants."""
    recogniser = Recogniser.of(language.catalogue)
    verdict = recogniser.judge("", sentence, language=language.tag).verdict
    wishes = [want.wish for want in wants(sentence, recogniser.lexicon)]
    return ", wants ".join([verdict, *wishes])


def receipt(sentence: str, language: Language) -> str:
    """Return what a customer answers who was asked whether a refund of 25 GBP has arrived."""
    refund = Compensation(n=1, kind=Gift.REFUND, state=GrantState.ISSUED, money=Money.of("25", "GBP"))
    return read_receipt(sentence, [refund], ("Kim Doe",), language.catalogue).answers[1]


def option(sentence: str, language: Language) -> str:
    """Return which of two options a customer chooses."""
    options = [Option(n=n, text="", promised_by=None) for n in (1, 2)]
    return str(chosen(sentence, options, ("Kim Doe",), language.catalogue) or "unclear")


def back(sentence: str, language: Language) -> str:
    """Return the day of return in an absence note of Tuesday, 1 December 2026."""
    day = back_on(sentence, "", SENT_AT, language.catalogue)
    return f"{day:%Y-%m-%d}" if day else "nothing"


def wording(sentence: str, language: Language) -> str:
    """Return the rules of wording that an agent's sentence breaks."""
    rules = WordingRules(languages=language.catalogue)
    found = findings(sentence, kind=PART, language=language.tag, manner=rules)
    return " ".join(sorted({finding.rule.name for finding in found})) or "nothing"


#: the word before the colon -> what reads the sentence
READERS: Mapping[str, Callable[[str, Language], str]] = {
    "agent": commitments,
    "customer": complaint,
    "arrived?": receipt,
    "which?": option,
    "absence": back,
    "wording": wording,
}


def examples(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Give line, sentence, reader and what is understood of each example in a file."""
    for line, row in enumerate(text.splitlines(), 1):
        if row and not row.startswith("#"):
            sentence, understood = row.split("\t")
            reader, _, expected = understood.partition(":")
            yield line, sentence, reader, expected.strip()
