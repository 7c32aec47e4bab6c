"""What each kind of letter must contain, whatever its template says; checked on the text that would be sent.

The requirements come from practices 1, 5, 9, 10, 46, 48, 49, 65, 66 and 73. A language without phrases of its
own is checked for the values only.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from followupd.adapters.templates.formatter import Missing
from followupd.domain.letter import LetterKind
from followupd.languages import Catalogue
from followupd.text.wording import body, has

_WITH_APOLOGY = frozenset({LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.FOLLOW_UP})
_WITH_THANKS = frozenset({LetterKind.CONFIRMATION, LetterKind.FOLLOW_UP})
#: what may be missing at the end of a value where a sentence is made of it
_ENDS = " .,;:!?…-"
_OWNER = {"name": "name", "phone": "direct phone", "email": "email"}
#: what the letter must contain, and the value of it
Requirement: TypeAlias = tuple[str, Any]


def missing_content(
    kind: LetterKind, language: str, text: str, scope: Mapping[str, Any], languages: Catalogue | None = None
) -> list[str]:
    """Return what the letter must contain and does not.

    Args:
        kind: the kind of the letter.
        language: the language it is written in.
        text: its plain text.
        scope: the values that its template was rendered with.
        languages: the languages to use, the shipped ones by default.

    Returns:
        Each missing piece in words for the administrator, such as "the cause ({{ facts.cause }})".
    """
    return [
        *_missing_people(text, scope),
        *_missing_tone(kind, language, text, scope, languages),
        *_missing_values(kind, text, scope),
    ]


def contains(text: str, value: str) -> bool:
    """Whether the text contains the value, apart from line breaks, capitals and its last mark."""
    return _flat(value).rstrip(_ENDS).casefold() in _flat(text).casefold()


def _missing_people(text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is missing of the person who signs and of the company."""
    for name, description in _OWNER.items():
        if not contains(text, getattr(scope["owner"], name)):
            yield f"the owner's {description} ({{{{ owner.{name} }}}})"
    if not contains(text, scope["company"].name):
        yield "the company that the letter is signed for ({{ company.name }})"


def _missing_tone(
    kind: LetterKind, language: str, text: str, scope: Mapping[str, Any], languages: Catalogue | None
) -> Iterator[str]:
    """Yield what is missing of apologies and thanks.

    Args:
        kind: the kind of the letter; a follow-up apologises in its first paragraph and in its last one.
        language: in whose phrases it apologises and thanks.
        text: its plain text.
        scope: whose owner's name ends the body.
        languages: the languages to use, the shipped ones by default.
    """
    if kind not in _WITH_APOLOGY:
        return

    paragraphs = body(text, scope["owner"].name) or [""]
    if not has(language, "apology", paragraphs[0], languages):
        yield "an apology in the first paragraph"
    if kind == LetterKind.FOLLOW_UP and not has(language, "apology", paragraphs[-1], languages):
        yield "an apology in the last paragraph"
    if kind in _WITH_THANKS and not has(language, "thanks", _flat(text), languages):
        yield "thanks"


def _missing_values(kind: LetterKind, text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of this kind of letter that the text does not contain.

    Args:
        kind: the kind of the letter; most kinds must contain no value.
        text: its plain text.
        scope: the values that its template was rendered with. Of one that may be said in several ways, one
            way is enough.
    """
    requirements = _REQUIREMENTS.get(kind)
    if requirements is None:
        return

    for description, value in requirements(scope):
        if isinstance(value, Missing):
            yield f"{description} (not stated yet)"
        elif not any(contains(text, way) for way in ([value] if isinstance(value, str) else value)):
            yield description


def _of_follow_up(scope: Mapping[str, Any]) -> Iterator[Requirement]:
    for fact in ("cause", "resolution", "prevention"):
        yield f"the {fact} ({{{{ facts.{fact} }}}})", getattr(scope["facts"], fact)
    yield from _of_compensation(scope)


def _of_confirmation(scope: Mapping[str, Any]) -> Iterator[Requirement]:
    for name, items in (("promise", scope["promises"]), ("option", scope["options"])):
        for item in items:
            yield f"{name} {item.n} ({{{{ {name}.text }}}})", _ways_of_saying(item)
            if item.by:
                yield f"the date of {name} {item.n} ({{{{ {name}.by }}}})", item.by
    yield from _of_compensation(scope)


def _ways_of_saying(item: Any) -> tuple[str, ...]:
    """Return how a letter may say a promise or an option: as it is, or around its date."""
    return (item.text, getattr(item, "said", item.text))


def _of_compensation(scope: Mapping[str, Any]) -> Iterator[Requirement]:
    for grant in scope["compensation"]:
        value = grant.amount or grant.text
        if value:
            yield f"the {grant.kind} that was given ({value})", value


def _of_delay(scope: Mapping[str, Any]) -> Iterator[Requirement]:
    for promise in scope["promises"]:
        if promise.withdrawn:
            yield f"promise {promise.n}, which was withdrawn ({{{{ promise.text }}}})", promise.text
        else:
            yield f"the new date of promise {promise.n} ({{{{ promise.by }}}})", promise.by


def _of_gift_card(scope: Mapping[str, Any]) -> Iterator[Requirement]:
    yield "the code ({{ card.code }})", scope["card"].code
    yield "the amount ({{ card.amount }})", scope["card"].amount


_REQUIREMENTS = {
    LetterKind.CONFIRMATION: _of_confirmation,
    LetterKind.DELAY: _of_delay,
    LetterKind.FOLLOW_UP: _of_follow_up,
    LetterKind.GIFT_CARD: _of_gift_card,
}
#: every kind that must contain something of its own, for the documentation and its test
KINDS = (*_REQUIREMENTS, LetterKind.HOLDING)


def _flat(text: str) -> str:
    return " ".join(text.split())
