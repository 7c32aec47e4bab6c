"""The severity of a case, by rules that an agent can follow; it determines times and who is told."""

from typing import Self

from followupd.domain.compensation import Money
from followupd.domain.mail import Verdict

LOW, NORMAL, HIGH = "low", "normal", "high"
#: Points by cue group, each with its reason.
_POINTS = {
    "safety": (3, "somebody's health or safety"),
    "legal": (3, "the law is named"),
    "public": (2, "the customer may go public"),
    "escalate": (2, "somebody in charge is asked for"),
    "leaving": (2, "the customer may leave"),
    "dishonest": (1, "dishonesty is alleged"),
    "money": (1, "money is at stake"),
    "repeat": (1, "it happened before, or goes on"),
    "insult": (1, "strong words"),
    "anger": (1, "the customer is angry"),
    "explicit": (1, "it says that it is a complaint"),
    "urgency": (1, "it is urgent"),
    "unmet": (1, "something promised was not done"),
}
_HIGH, _NORMAL = 4, 1


class Severity(str):
    """low, normal or high; `reasons` say why, in the order in which they weigh."""

    __slots__ = ("reasons",)
    reasons: tuple[str, ...]

    def __new__(cls, level: str, reasons: tuple[str, ...] = ()) -> Self:
        made = super().__new__(cls, level)
        made.reasons = reasons
        return made


def severity(
    verdict: Verdict,
    text: str,
    *,
    vip: bool = False,
    open_case: bool = False,
    amount: Money | None = None,
    large: Money | None = None,
) -> Severity:
    """Return the severity with its reasons.

    `vip` and `open_case` are facts about the customer. `amount` is the money at stake, which counts from `large`
    on if both are in one currency. A text mostly in capitals counts one point.
    """
    points = [_POINTS[group] for group in sorted(verdict.cues) if group in _POINTS]
    points += [(2, "a customer marked as important")] if vip else []
    points += [(1, "there is an open case of this customer")] if open_case else []
    points += [(3, "much money is at stake")] if _is_large(amount, large) else []
    points += [(1, "it is shouted")] if _is_shouted(text) else []
    total = sum(weight for weight, _ in points)
    reasons = tuple(reason for _, reason in sorted(points, key=lambda point: -point[0]))
    return Severity(HIGH if total >= _HIGH else NORMAL if total >= _NORMAL else LOW, reasons)


def _is_large(amount: Money | None, large: Money | None) -> bool:
    return (
        amount is not None
        and large is not None
        and amount.currency == large.currency
        and amount.minor >= large.minor
    )


def _is_shouted(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) > 20 and sum(letter.isupper() for letter in letters) > 0.6 * len(letters)
