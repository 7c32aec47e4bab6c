"""Find the compensation that a clause grants: its kind, its amount, and what a letter calls it.

"I will send you a new lamp" grants "a new lamp", and "I am refunding you in full" grants "the full amount":
what stands in a letter's list is a thing, not half a sentence. Where the clause names no thing, the kind of
gift is enough.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from followupd.domain.compensation import Gift
from followupd.domain.promise import FoundCompensation
from followupd.languages import Catalogue
from followupd.text.promises.clauses import Clause
from followupd.text.promises.grammar import Grammar, NamePatterns
from followupd.text.promises.money import Amount, find_money
from followupd.text.promises.wording import fragment, without

#: gifts that only say how another gift is given: "credited the refund", "a replacement free of charge"
_WEAK = (Gift.CREDIT, Gift.GESTURE)
#: gifts that are things; what they are worth is not said in a promise
_GOODS = (Gift.REPLACEMENT, Gift.FREE_SHIPPING)


@dataclass(frozen=True, slots=True)
class _Mention:
    """A kind of gift, and where the clause names it."""

    kind: str
    start: int
    end: int

    def overlaps(self, other: "_Mention") -> bool:
        return self.start < other.end and other.start < self.end


def gifts_in(
    clause: Clause, grammar: Grammar, currency: str, languages: Catalogue
) -> list[FoundCompensation]:
    """Return what a clause grants; what depends on an event grants nothing yet."""
    if clause.trigger is not None:
        return []
    given = grammar.given.search(clause.low)
    frame = given or grammar.giving.search(clause.low)
    if not frame:
        return []
    mentions = _mentions(clause.low, grammar)
    amounts = _assigned(list(find_money(clause.text, currency, languages)), mentions)
    words = [_own_words(clause, mention, mentions, grammar) for mention in mentions]
    return [
        _found(clause, grammar, mention, amount, own, evidence=frame[0].strip(), past=bool(given))
        for mention, amount, own in zip(mentions, amounts, words, strict=True)
    ]


def _mentions(low: str, grammar: Grammar) -> list[_Mention]:
    """Return the gifts that a clause names; one that only says how another is given counts alone."""
    found: list[_Mention] = []
    for kind, pattern in grammar.gifts:
        match = pattern.search(low)
        mention = _Mention(kind, match.start(), match.end()) if match else None
        if mention and not any(mention.overlaps(other) for other in found):
            found.append(mention)
    strong = [mention for mention in found if mention.kind not in _WEAK]
    return strong or found[:1]


def _assigned(money: Sequence[Amount], mentions: Sequence[_Mention]) -> list[Amount | None]:
    """Give each amount to the nearest gift that is counted in money, at most one to each.

    The amount in "a refund of £20 and a replacement" is the refund's.
    """
    counted = [n for n, mention in enumerate(mentions) if mention.kind not in _GOODS] or range(len(mentions))
    found: list[Amount | None] = [None] * len(mentions)
    pairs = ((abs(amount.start - mentions[n].start), n, amount) for n in counted for amount in money)
    for _, n, amount in sorted(pairs, key=lambda pair: pair[:2]):
        if found[n] is None and amount not in found:
            found[n] = amount
    return found


def _own_words(clause: Clause, mention: _Mention, mentions: Sequence[_Mention], grammar: Grammar) -> str:
    """Return the clause as far as it speaks of this gift: up to the "and" before the next one."""
    following = min((other.start for other in mentions if other.start >= mention.end), default=None)
    if following is None:
        return clause.text
    joint = grammar.joint.search(clause.low, mention.end, following)
    return clause.text[: joint.start()] if joint else clause.text


def _found(
    clause: Clause,
    grammar: Grammar,
    mention: _Mention,
    amount: Amount | None,
    own: str,
    *,
    evidence: str,
    past: bool,
) -> FoundCompensation:
    start, end, said = mention.start, mention.end, ""
    if amount:
        start, end = min(start, amount.start), max(end, amount.end)
        said = clause.text[amount.start : amount.end]
    words = (evidence, clause.text[mention.start : mention.end], said)
    return FoundCompensation(
        kind=mention.kind,
        amount=amount.amount if amount else "",
        currency=amount.currency if amount else "",
        text=_name(mention.kind, fragment(own, start, end, clause.when), clause, grammar.names),
        words=tuple(word for word in words if word),
        past=past,
    )


def _name(kind: str, words: str, clause: Clause, names: NamePatterns) -> str:
    """Return what the gift is called, "" where its kind is enough."""
    match kind:
        case Gift.REPLACEMENT:
            return _replacement(words, names)
        case Gift.REFUND | Gift.CREDIT:
            return _sum(words, names)
        case Gift.FREE_SHIPPING:
            found = names.purpose.search(words)
            return found[0] if found else ""
        case Gift.GESTURE:
            return without(clause.text, clause.when)
        case _:
            return words


def _replacement(words: str, names: NamePatterns) -> str:
    plain = names.handing_over.sub("", names.free_of_charge.sub(" ", words).strip(" ,"))
    if replaced := names.replacing.match(plain):
        return names.replaced.format(thing=replaced["thing"])
    thing = names.verbs.sub("", plain)
    if names.replacement.search(thing):
        return ""
    named = names.another.sub(names.another_becomes, thing)
    return names.articles.sub(lambda article: article[0].lower(), named)


def _sum(words: str, names: NamePatterns) -> str:
    if names.in_full.search(words):
        return names.full_amount
    paid = names.paying.match(words)
    thing = paid["thing"].strip() if paid else ""
    return thing if re.search(r"\s[^\W\d]{3,}", thing) else ""  # "the £25" stands there already
