"""What each kind of letter must say, whatever its template says; checked on the words that would leave.

The practices behind the slots are 1, 5, 9, 10, 46, 48, 49, 65, 66 and 73. Languages without a row in the tables of
phrases are held to the values only.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from followupd.edges.letter_scope import Missing
from followupd.model.letter import CONFIRMATION, DELAY, FOLLOW_UP, GIFT_CARD, HOLDING

#: what an apology sounds like, by language
APOLOGY = {
    "en": r"\b(sorry|apologi[sz]e|apolog(y|ies))\b",
    "de": r"\b(entschuldig\w*|(tut|täte) (mir|uns) (\w+ ){0,2}leid|um verzeihung|verzeihen sie)\b",
    "fr": r"\b(désolée?s?|excuses?|pardon|excuser)\b",
    "es": r"\b(lo siento|sentimos|lamento|lamentamos|disculpas?|perdón|disculpe)\b",
}
#: what thanks sound like, by language
THANKS = {
    "en": r"\b(thanks?|thank you|grateful)\b",
    "de": r"\b(dank\w*|danke)\b",
    "fr": r"\b(mercis?|remerci\w+)\b",
    "es": r"\b(gracias|agradec\w+|agradezco)\b",
}

_APOLOGETIC = frozenset({CONFIRMATION, DELAY, FOLLOW_UP})
#: what may be taken off the end of a value where a sentence is made of it
_ENDS = " .,;:!?…-"
#: paragraphs this short that do not end like a sentence are greetings and closings
_COURTESY = 60


def lacking(kind: str, language: str, text: str, scope: Mapping[str, Any]) -> list[str]:
    """Return the slots that the letter's text leaves empty, each said in words."""
    return [*_people(text, scope), *_tone(kind, language, text, scope), *_values(kind, text, scope)]


def body(text: str, owner: str) -> list[str]:
    """Return the paragraphs between the greeting and the closing."""
    paragraphs = [_flat(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]
    signed = [n for n, paragraph in enumerate(text.split("\n\n")) if owner in map(str.strip, paragraph.splitlines())]
    inside = paragraphs[: signed[-1]] if signed else paragraphs
    while inside and _is_courtesy(inside[0]):
        inside = inside[1:]
    while inside and _is_courtesy(inside[-1]):
        inside = inside[:-1]
    return inside


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
    paragraphs = body(text, scope["owner"].name)
    tongue = language[:2].lower()
    if tongue not in APOLOGY or kind not in _APOLOGETIC:
        return
    if not paragraphs or not re.search(APOLOGY[tongue], paragraphs[0], re.IGNORECASE):
        yield "an apology in the first paragraph"
    if kind == FOLLOW_UP and (not paragraphs or not re.search(APOLOGY[tongue], paragraphs[-1], re.IGNORECASE)):
        yield "an apology in the last paragraph"
    if kind in {FOLLOW_UP, CONFIRMATION} and not re.search(THANKS[tongue], _flat(text), re.IGNORECASE):
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


_SLOTS = {CONFIRMATION: _of_confirmation, DELAY: _of_delay, FOLLOW_UP: _of_follow_up, GIFT_CARD: _of_gift_card}
#: every kind that has slots of its own, for the documentation and its test
KINDS = (*_SLOTS, HOLDING)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _is_courtesy(paragraph: str) -> bool:
    return len(paragraph) <= _COURTESY and not paragraph.endswith((".", "?", "…"))
