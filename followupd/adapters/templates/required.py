"""What each kind of letter must say, whatever its template says; checked on the words that would leave.

The practices behind the slots are 1, 5, 9, 10, 46, 48, 49, 65, 66 and 73. Languages without phrases of their own
are held to the values only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from followupd.adapters.templates.formatter import Missing
from followupd.domain.letter import CONFIRMATION, DELAY, FOLLOW_UP, GIFT_CARD, HOLDING
from followupd.text.wording import body, has

_APOLOGETIC = frozenset({CONFIRMATION, DELAY, FOLLOW_UP})
#: what may be taken off the end of a value where a sentence is made of it
_ENDS = " .,;:!?…-"


def lacking(kind: str, language: str, text: str, scope: Mapping[str, Any]) -> list[str]:
    """Return the slots that the letter's text leaves empty, each said in words."""
    return [*_people(text, scope), *_tone(kind, language, text, scope), *_values(kind, text, scope)]


def says(text: str, value: str) -> bool:
    """Say whether the text holds the value, whatever its line breaks, first capital and last full stop."""
    return _flat(value).rstrip(_ENDS).casefold() in _flat(text).casefold()


def _people(text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    owner = scope["owner"]
    for slot in ("name", "phone", "email"):
        if not says(text, getattr(owner, slot)):
            yield f"the owner's {'direct phone' if slot == 'phone' else slot} ({{{{ owner.{slot} }}}})"
    if not says(text, scope["company"].name):
        yield "the company that the letter is signed for ({{ company.name }})"


def _tone(kind: str, language: str, text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    paragraphs = body(text, scope["owner"].name) or [""]
    if kind not in _APOLOGETIC:
        return
    if not has(language, "apology", paragraphs[0]):
        yield "an apology in the first paragraph"
    if kind == FOLLOW_UP and not has(language, "apology", paragraphs[-1]):
        yield "an apology in the last paragraph"
    if kind in {FOLLOW_UP, CONFIRMATION} and not has(language, "thanks", _flat(text)):
        yield "thanks"


def _values(kind: str, text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    for slot, value in _SLOTS.get(kind, lambda _: iter(()))(scope):
        if isinstance(value, Missing):
            yield f"{slot} (nobody has said it yet)"
        elif not says(text, value):
            yield slot


def _of_follow_up(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for fact in ("cause", "resolution", "prevention"):
        yield f"the {fact} ({{{{ facts.{fact} }}}})", getattr(scope["facts"], fact)
    yield from _grants(scope)


def _of_confirmation(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for promise in scope["promises"]:
        yield f"promise {promise.n} ({{{{ promise.text }}}})", promise.text
        if promise.by:
            yield f"the date of promise {promise.n} ({{{{ promise.by }}}})", promise.by
    for option in scope["options"]:
        yield f"option {option.n} ({{{{ option.text }}}})", option.text
        if option.by:
            yield f"the date of option {option.n} ({{{{ option.by }}}})", option.by
    yield from _grants(scope)


def _grants(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for grant in scope["compensation"]:
        value = grant.amount or grant.text
        if value:
            yield f"the {grant.kind} that was given ({value})", value


def _of_delay(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for promise in scope["promises"]:
        yield f"the new date of promise {promise.n} ({{{{ promise.by }}}})", promise.by


def _of_gift_card(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "the code ({{ card.code }})", scope["card"].code
    yield "the amount ({{ card.amount }})", scope["card"].amount


_SLOTS = {
    CONFIRMATION: _of_confirmation,
    DELAY: _of_delay,
    FOLLOW_UP: _of_follow_up,
    GIFT_CARD: _of_gift_card,
}
#: every kind that has slots of its own, for the documentation and its test
KINDS = (*_SLOTS, HOLDING)


def _flat(text: str) -> str:
    return " ".join(text.split())
