"""Find the compensation that a clause grants: its kind, its amount, and what a letter calls it.

"I will send you a new lamp" grants "a new lamp", and "I am refunding you in full" grants "the full amount": a
letter lists things, not half sentences. Where the clause names no thing, the kind of gift is enough.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise, product

from babel.numbers import get_currency_precision

from followupd.domain.compensation import Gift
from followupd.domain.promise import FoundCompensation
from followupd.languages import Catalogue, Language
from followupd.text.promises.dates import EDGES, Clause
from followupd.text.promises.patterns import NamePatterns, PromisePatterns, promise_patterns

#: characters of a text that is one amount
MAX_AMOUNT = 200
#: a number with separators of thousands, or a plain one
_NUMBER = r"\d{1,3}(?:[., ']\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?"
#: the dash of "25,-" and "25.–"
_NO_CENTS = "(?:[.,][-–])?"
_BARE_NUMBER = re.compile(f"(?:{_NUMBER}){_NO_CENTS}")
#: what ends the name of a gift
_FRAGMENT_END = re.compile("[,;]| [–—] ")
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in a text: decimal text with the currency's places, and its ISO 4217 code."""

    amount: str
    currency: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _CurrencyNames:
    """How all languages name currencies: a code for each name, or a family of codes ("dollar")."""

    codes: Mapping[str, str]
    families: Mapping[str, tuple[str, ...]]
    amount: re.Pattern[str]
    letters: frozenset[str]
    marks: frozenset[str]

    def may_be_in(self, text: str) -> bool:
        """Whether a text has a word or a sign of any name; most numbers are dates, and stand without.

        Args:
            text: with a digit.

        Returns:
            False where it is not worth looking for an amount, which takes longer.
        """
        return not (self.marks.isdisjoint(text) and self.letters.isdisjoint(_LETTERS.findall(text.lower())))

    def code(self, name: str, currency: str) -> str:
        """Return the ISO 4217 code of a name.

        Args:
            name: a sign, a code or a word.
            currency: the company's code, which is meant by a name of several currencies if it is one of them.
        """
        found = self.codes.get(name.lower(), name.upper())
        family = self.families.get(found)
        if family is None:
            return found
        if currency.upper() in family:
            return currency.upper()
        return family[0]


def read_money(text: str, currency: str, languages: Catalogue) -> tuple[str, str] | None:
    """Read one amount.

    Args:
        text: such as "25.00 EUR", "€25", "25,00 Euro" or "25".
        currency: the company's ISO 4217 code: that of a bare number, and the dollar that is meant.
        languages: the languages in which currencies may be named.

    Returns:
        Amount and code as `Money.of` takes them: ("25.00", "EUR"); None if the text is no amount.
    """
    plain = text[:MAX_AMOUNT].translate(_PLAIN).strip()
    found = next(find_money(plain, currency, languages), None)
    if found:
        return found.amount, found.currency
    if not currency or not _BARE_NUMBER.fullmatch(plain):
        return None
    amount = _bare_decimal(plain, currency)
    return (amount, currency.upper()) if amount else None


def amount_at_start(text: str, languages: Catalogue) -> int:
    """Return where the amount ends that a text begins with, 0 where it begins with none.

    Args:
        text: such as "25 EUR, thanks" or "25".
        languages: the languages in which currencies may be named.
    """
    plain = text[:MAX_AMOUNT].translate(_PLAIN)
    named = _currency_names(languages).amount.match(plain)
    if named:
        return named.end()
    bare = _BARE_NUMBER.match(plain)
    is_whole = bare is not None and not re.match(r"[\w%]|[.,]\d", plain[bare.end() :])
    return bare.end() if bare and is_whole else 0


def find_money(text: str, currency: str, languages: Catalogue) -> Iterator[Amount]:
    """Yield the numbers with a currency before or after them; a mail's clauses are looked at several times.

    Args:
        text: the text.
        currency: the company's ISO 4217 code: the dollar that is meant.
        languages: the languages in which currencies may be named.
    """
    if _DIGIT.search(text):
        yield from _amounts_in(text, currency, languages)


@lru_cache(maxsize=64)
def _amounts_in(text: str, currency: str, languages: Catalogue) -> tuple[Amount, ...]:
    """Return what `find_money` yields for a text with a digit."""
    names = _currency_names(languages)
    return tuple(_found_amounts(text, currency, names)) if names.may_be_in(text) else ()


def _found_amounts(text: str, currency: str, names: _CurrencyNames) -> Iterator[Amount]:
    """Yield the amounts of a text whose currencies have these names."""
    for match in names.amount.finditer(text.translate(_PLAIN)):
        code = names.code(match["before"] or match["after"], currency)
        cents = f",{match['cents']}" if match["cents"] else ""
        amount = _decimal((match["amount"] or match["amount2"]) + cents, code)
        if amount:
            yield Amount(amount, code, match.start(), match.end())


@lru_cache(maxsize=16)
def _currency_names(languages: Catalogue) -> _CurrencyNames:
    """Compile how all languages name currencies; the longest sign counts, so that "C$" is no "$"."""
    shared = languages.currencies
    words: dict[str, str] = {}
    for language in languages.all():
        words.update(language.info.currencies)

    signs = [_sign(sign) for sign in sorted(shared.signs, key=len, reverse=True)]
    named = [rf"\b{re.escape(word)}\b" for word in (*words, *shared.codes)]
    # "EUR25" has no boundary between the letters and the number
    named += [rf"\b{re.escape(code)}(?=\d)|(?<=\d){re.escape(code)}\b" for code in shared.codes]
    name = "|".join(signs + named)
    amount = re.compile(
        rf"(?P<before>{name})\s?(?P<amount>{_NUMBER})(?![\d%])"
        rf"|(?<![\d.,])(?P<amount2>{_NUMBER}){_NO_CENTS}[\s-]?(?P<after>{name})(?P<cents>(?<=€)\d\d\b)?",
        re.IGNORECASE,
    )
    every = "".join((*words, *shared.signs)).lower()
    letters = frozenset(_LETTERS.findall(" ".join((*words, *shared.codes, *shared.signs)).lower()))
    marks = frozenset(character for character in every if not character.isalpha())
    return _CurrencyNames({**words, **shared.signs}, shared.families, amount, letters, marks)


def _sign(sign: str) -> str:
    """Return the pattern of a currency's sign; one of letters is no part of a word: "Rs 15", not "vers 15"."""
    before = r"(?<![^\W\d_])" if sign[0].isalpha() else ""
    after = r"(?![^\W\d_])" if sign[-1].isalpha() else ""
    return before + re.escape(sign) + after


def _decimal(written: str, currency: str) -> str:
    """Return a number as decimal text with the currency's places, "" if it has more places.

    The last of two kinds of separator is the decimal one; a single one before three digits separates
    thousands, unless the currency itself has three places.

    Args:
        written: digits with separators: "1.234,50", "1 234".
        currency: its ISO 4217 code, which says how many decimal places there may be.
    """
    places = get_currency_precision(currency)
    digits = written.replace(" ", "").replace("'", "")
    last = max(digits.rfind("."), digits.rfind(","))
    whole, fraction = digits, ""
    if last >= 0:
        whole, fraction = digits[:last], digits[last + 1 :]
    if len(fraction) == 3 and places != 3:
        whole, fraction = whole + fraction, ""
    if len(fraction) > places:
        return ""

    whole = whole.replace(".", "").replace(",", "")
    return f"{Decimal(f'{whole}.{fraction or 0}'):.{places}f}"


def _bare_decimal(written: str, currency: str) -> str:
    """Return a number that may end with "-" for no cents as `_decimal` does: "25.-" is "25.00"."""
    return _decimal(written.rstrip("-–").rstrip(".,"), currency)


#: gifts that only say how another gift is given: "credited the refund", "a replacement free of charge"
_WEAK = (Gift.CREDIT, Gift.GESTURE)
#: gifts that are things; a promise does not say what they are worth
_GOODS = (Gift.REPLACEMENT, Gift.FREE_SHIPPING)
#: gifts that are an amount of money, of which two may be said at once
_MONEY = (Gift.REFUND, Gift.CREDIT)
_A_PAIR = 2
#: characters between an "and" and the second amount at most: "and the £20"
_JOINT_GAP = 6
#: gifts that are worth an amount without being money
VOUCHERS = (Gift.COUPON, Gift.GIFT_CARD)
#: a name has a second word of three letters or more; "the £25" alone is in the letter already
_NAMES_A_THING = re.compile(r"\s[^\W\d]{3,}")
#: the last day of a voucher, or its code, in a few words behind its name: ", good until 31 March"
_LAST_DAY = re.compile(r"[,;](?=\D{0,60}\d)(?:\s{1,3}\S{1,30}){1,7}\s?$")
#: characters between a gift and its own amount at most
_GAP = 4
#: characters beside an amount in which words are looked for that leave it open
_BESIDE = 26
#: an amount without its currency, which is the company's where something is given: "49,90 is back on your card"
_BARE_AMOUNT = re.compile(
    r"(?<![\w.,/:-])\d{1,5}(?:[.,]\d{2}|[.,][-–])(?!\d|[.,]\d|[/%:]|\s?(?:%|[^\W\d_]\.|h\b))"
)


@dataclass(frozen=True, slots=True)
class _Mention:
    """A kind of gift, and where the clause names it."""

    kind: str
    start: int
    end: int

    def overlaps(self, other: "_Mention") -> bool:
        """Whether both are named by some of the same characters."""
        return self.start < other.end and other.start < self.end


def gifts_in(
    clause: Clause,
    patterns: PromisePatterns,
    currency: str,
    languages: Catalogue,
    *,
    granted: bool,
    sure: bool,
    past: bool,
    before: Amount | None = None,
) -> list[FoundCompensation] | None:
    """Return what a clause grants; None if it may give something, but not how much is plain.

    Args:
        clause: the clause.
        patterns: of its language.
        currency: the company's ISO 4217 code, which decides which dollar is meant.
        languages: the languages in which currencies may be named.
        granted: the clause is known to give something; otherwise only goods count.
        sure: that is so certain that the clause need not name a kind: "July is on us", "you have the £20 back".
        past: it was given already.
        before: the only amount of the sentence before, which "the full amount" means.
    """
    clause = replace(clause, low=patterns.courtesy.sub(lambda words: "…" * len(words[0]), clause.low))
    amounts = _amounts(clause, currency, languages, patterns) if granted else []
    named = _mentions(clause.low, patterns)
    mentions = _counting(named, amounts, clause.low, patterns, granted=granted)
    if _is_courtesy(clause.low, mentions, amounts, patterns):
        return []
    treat = patterns.treat.search(clause.low) or patterns.treating.search(clause.low)
    if sure and not named and (amounts or treat is None):
        mentions = [_unnamed(clause, amounts, patterns)]
    treats = _treats(clause.low, mentions, patterns) if granted else []
    if _is_left_open(clause.low, amounts, [*mentions, *treats], patterns, languages, granted=granted):
        return None

    amounts, mentions = _matched(clause.low, amounts, mentions or treats[:1], patterns)
    if _share_without_amount(clause, mentions, patterns, amounts):
        return None
    amounts = _shares(clause.low, amounts, patterns) or _told_before(before, mentions)
    if len(amounts) > len(mentions):
        return None

    beside = [treat for treat in treats if treat not in mentions]
    assigned = [*_assigned(amounts, mentions), *([None] * len(beside))]
    mentions = [*mentions, *beside]
    return [
        _gift(clause, mention, amount, mentions, patterns, past=past)
        for mention, amount in zip(mentions, assigned, strict=True)
    ]


def _is_left_open(
    low: str,
    amounts: Sequence[Amount],
    mentions: Sequence[_Mention],
    patterns: PromisePatterns,
    languages: Catalogue,
    *,
    granted: bool,
) -> bool:
    """Whether it is not plain what a clause gives, or how much.

    Args:
        low: the clause in lower case.
        amounts: of the clause.
        mentions: what it gives.
        patterns: of its language.
        languages: the languages in which currencies may be named.
        granted: the clause is known to give something.
    """
    if not mentions or patterns.alternative.search(low):
        return granted or bool(mentions)
    is_unread = granted and not amounts and _names_unread_sum(low, languages)
    return is_unread or any(_is_open(low, amount, patterns) for amount in amounts)


def _treats(low: str, mentions: Sequence[_Mention], patterns: PromisePatterns) -> list[_Mention]:
    """Return a thing that a clause gives beside its other gifts.

    "I refund £20, and left a bottle of wine in your room" gives both.

    Args:
        low: the clause in lower case.
        mentions: where it names a kind of gift; what stands with one between the same two joints says how it is given.
        patterns: of its language.

    Returns:
        One thing, or none: after a comma it has to be named ("with a box of chocolates"), and behind a joint it is
        enough to say that something is given ("and the pudding was on the house").
    """
    is_free = any(mention.kind == Gift.GESTURE for mention in mentions)
    cuts = [cut.end() for cut in (patterns.joint if is_free else patterns.weak_cut).finditer(low)]
    for begin, end in pairwise([0, *cuts, len(low)]):
        thing = patterns.treat.search(low, begin, end)
        is_joined = low[:begin].rstrip()[-1:].isalpha()
        words = thing or (patterns.treating.search(low, begin, end) if is_joined else None)
        if words and not any(one.start < end and begin < one.end for one in mentions):
            return [_Mention(Gift.GESTURE, thing.start() if thing else begin, words.end())]
    return []


def _is_courtesy(
    low: str, mentions: Sequence[_Mention], amounts: Sequence[Amount], patterns: PromisePatterns
) -> bool:
    """Whether a clause only gives apologies, help or attention.

    Args:
        low: the clause in lower case, with "…" in place of words of courtesy.
        mentions: where it names a kind of gift.
        amounts: of the clause.
        patterns: of its language.
    """
    is_only_verb = {mention.kind for mention in mentions} <= {Gift.GESTURE} and not patterns.joint.search(low)
    return "……" in low and not amounts and is_only_verb


def gift_named(text: str, language: Language) -> str:
    """Return the first kind of gift that a text names in any way, "" for none."""
    mentions = _mentions(text.casefold(), promise_patterns(language))
    return min(mentions, key=lambda mention: mention.start).kind if mentions else ""


def _names_unread_sum(low: str, languages: Catalogue) -> bool:
    """Whether a clause of which no amount was read names a currency: "forty dollars".

    Args:
        low: the clause in lower case.
        languages: the languages in which currencies may be named.
    """
    return not _currency_words(languages).isdisjoint(re.findall(r"[^\W\d_]+", low))


@lru_cache(maxsize=16)
def _currency_words(languages: Catalogue) -> frozenset[str]:
    """Return by which words all languages name currencies."""
    return frozenset(word for language in languages.all() for word in language.info.currencies)


def _matched(
    low: str, amounts: list[Amount], mentions: list[_Mention], patterns: PromisePatterns
) -> tuple[list[Amount], list[_Mention]]:
    """Return the amounts that are given, and a mention for each: "we refund £75 for the fare and £20 for the seat".

    Args:
        low: the clause in lower case.
        amounts: of the clause, in order.
        mentions: of the clause.
        patterns: of its language.
    """
    if len(amounts) == _A_PAIR and [mention.kind in _MONEY for mention in mentions] == [True]:
        first, second = amounts
        joint = patterns.joint.search(low, first.end, second.start)
        if joint and mentions[0].start <= first.start and second.start - joint.end() <= _JOINT_GAP:
            return amounts, [mentions[0], _Mention(mentions[0].kind, second.start, second.end)]
    return _beside(amounts, mentions), mentions


def _beside(amounts: list[Amount], mentions: Sequence[_Mention]) -> list[Amount]:
    """Return the amounts that stand in or right beside a mention, of several: "£150 off, so it's £1,340 left to pay".

    Args:
        amounts: of the clause, in order.
        mentions: of the clause.

    Returns:
        All amounts if there are not more of them than mentions, or if it is not plain which of them are meant.
    """
    near = [
        amount
        for amount in amounts
        if any(amount.start - one.end <= _GAP and one.start - amount.end <= _GAP for one in mentions)
    ]
    return near if len(near) == len(mentions) < len(amounts) else amounts


def _counting(
    mentions: list[_Mention], amounts: Sequence[Amount], low: str, patterns: PromisePatterns, *, granted: bool
) -> list[_Mention]:
    """Return the mentions that are gifts.

    Args:
        mentions: where the clause names a kind of gift.
        amounts: of the clause; a fee without its amount is waived rather than credited.
        low: the clause in lower case.
        patterns: of its language.
        granted: the clause is known to give something; otherwise only goods count.
    """
    if not granted:
        return _of_kinds(mentions, {Gift.REPLACEMENT})
    if amounts and mentions and _are_goods(mentions):
        return _beside_goods(mentions, amounts, low, patterns)
    if amounts and patterns.later.search(low) is None:  # "10 % off the bill, that is £46.20"
        mentions = list(map(_as_credit, mentions))
    strong = _without(mentions, _WEAK)
    return strong or mentions[:1] if amounts else strong or mentions[-1:]


def _of_kinds(mentions: Iterable[_Mention], kinds: Collection[str]) -> list[_Mention]:
    """Return the mentions of these kinds of gifts."""
    return [mention for mention in mentions if mention.kind in kinds]


def _without(mentions: Iterable[_Mention], kinds: Collection[str]) -> list[_Mention]:
    """Return the mentions of all other kinds of gifts."""
    return [mention for mention in mentions if mention.kind not in kinds]


def _are_goods(mentions: Sequence[_Mention]) -> bool:
    """Whether nothing but things is named."""
    return {mention.kind for mention in mentions} <= set(_GOODS)


def _as_credit(mention: _Mention) -> _Mention:
    """Return a mention, as a credit if it is one of a coupon."""
    return replace(mention, kind=Gift.CREDIT) if mention.kind == Gift.COUPON else mention


def _beside_goods(
    goods: Sequence[_Mention], amounts: Sequence[Amount], low: str, patterns: PromisePatterns
) -> list[_Mention]:
    """Return what is given where money stands beside goods alone: what is paid, or the price of a delivery.

    Args:
        goods: where the clause names them.
        amounts: of the clause.
        low: the clause in lower case.
        patterns: of its language.

    Returns:
        No mention where the money may be the price of the goods: it is asked about.
    """
    if patterns.paid.search(low):
        return [_Mention(Gift.REFUND, amounts[0].start, amounts[0].end)]
    is_of_delivery = {one.kind for one in goods} == {Gift.FREE_SHIPPING}
    return [_Mention(Gift.GESTURE, 0, len(low))] if is_of_delivery else []


def _unnamed(clause: Clause, amounts: Sequence[Amount], patterns: PromisePatterns) -> _Mention:
    """Return what is given where no word of the language names it: money, or what the clause says as a whole.

    Args:
        clause: one that gives something.
        amounts: of the clause; one of which the clause does not say that it is paid is waived.
        patterns: of its language.
    """
    if amounts and patterns.paid.search(clause.low) and not patterns.hedged.search(clause.low):
        return _Mention(Gift.REFUND, amounts[0].start, amounts[0].end)
    return _Mention(Gift.GESTURE, 0, len(clause.text))


def _gift(
    clause: Clause,
    mention: _Mention,
    amount: Amount | None,
    mentions: Sequence[_Mention],
    patterns: PromisePatterns,
    *,
    past: bool,
) -> FoundCompensation:
    """Return one gift, with the name that a letter uses.

    Args:
        clause: the clause.
        mention: where the gift is named.
        amount: its amount, of this clause or of the sentence before.
        mentions: where all gifts of the clause are named.
        patterns: of its language.
        past: it was given already.
    """
    own_text = _own_text(clause, mention, mentions, patterns)
    inside = amount if amount and amount.end <= len(clause.text) else None
    found = FoundCompensation(
        kind=mention.kind,
        text=_gesture(clause, mention, mentions, patterns)
        if mention.kind == Gift.GESTURE
        else _name(mention, inside, own_text, clause, patterns.names),
        words=(clause.text.strip(), clause.text[mention.start : mention.end]),
        past=past,
    )
    return replace(found, amount=amount.amount, currency=amount.currency) if amount else found


def _gesture(
    clause: Clause, mention: _Mention, mentions: Sequence[_Mention], patterns: PromisePatterns
) -> str:
    """Return what a letter says of a gesture: the clause, and where it gives several things the part about this one.

    Args:
        clause: the clause.
        mention: where the gesture is named.
        mentions: where all gifts of the clause are named.
        patterns: of its language.
    """
    if len(mentions) == 1:
        return clause.text.strip(EDGES)
    joints = [joint.span() for joint in patterns.joint.finditer(clause.low)]
    begin = max((end for _, end in joints if end <= mention.start), default=0)
    end = min((start for start, _ in joints if start >= mention.end), default=len(clause.text))
    if patterns.treat.match(clause.low, mention.start):
        return patterns.names.verbs.sub(
            "", _fragment(clause.text[:end], mention.start, mention.end, clause, patterns.names)
        )
    return clause.text[begin:end].strip(EDGES)


def _only_total(low: str, amounts: list[Amount], patterns: PromisePatterns) -> list[Amount]:
    """Return the amounts that are given: the sum in "2 x 34, that is 68", the part in "of the 900 we waive 60".

    So it is where the whole is named last: "£66 of the £264 that you paid".

    Args:
        low: the clause in lower case.
        amounts: of the clause, in order.
        patterns: of its language.

    Returns:
        The amounts that are given.
    """
    if len(amounts) < 2:
        return amounts
    if patterns.whole.search(low[amounts[-2].end : amounts[-1].start]):
        return amounts[:-1]
    is_sum = patterns.total.search(low, amounts[-2].end, amounts[-1].start)
    return amounts[-1:] if is_sum or patterns.whole.search(low[: amounts[-2].start]) else amounts


def _amounts(clause: Clause, currency: str, languages: Catalogue, patterns: PromisePatterns) -> list[Amount]:
    """Return the amounts of a clause that gives something; a bare one is in the company's currency.

    Args:
        clause: one that gives something.
        patterns: of its language.
        currency: the company's ISO 4217 code; "" where a bare number is not taken as money.
        languages: the languages in which currencies may be named.

    Returns:
        The amounts in their order. Bare ones only where no currency is named, and none that is part of a
        date.
    """
    found = [sum_ for sum_ in find_money(clause.text, currency, languages) if Decimal(sum_.amount)]
    if found or not currency or patterns.paid.search(clause.low) is None:
        return _only_total(clause.low, found, patterns)
    dated = [(when.start, when.end) for when in clause.dates]
    for match in _BARE_AMOUNT.finditer(clause.text):
        if any(start <= match.start() < end for start, end in dated):
            continue
        amount = _bare_decimal(match[0], currency)
        if amount:
            found.append(Amount(amount, currency.upper(), match.start(), match.end()))
    return found


def _is_open(low: str, amount: Amount, patterns: PromisePatterns) -> bool:
    """Whether words beside an amount leave open how much is given: "up to £30", "£25 plus postage"."""
    before, after = low[max(0, amount.start - _BESIDE) : amount.start], low[amount.end : amount.end + _BESIDE]
    return bool(patterns.open_amount.search(before) or patterns.open_amount.search(after))


def _shared(low: str, amount: Amount, patterns: PromisePatterns) -> Amount:
    """Return half of an amount, or so many percent of it, where the words before it say so."""
    share = patterns.share.search(low[: amount.start])
    if share is None:
        return amount
    percent = int(share["percent"]) if share["percent"] else _HALF
    places = get_currency_precision(amount.currency)
    part = Decimal(amount.amount) * percent / 100
    return Amount(f"{part:.{places}f}", amount.currency, amount.start, amount.end)


_HALF = 50
_PERCENT = re.compile(r"\d ?%")


def _share_without_amount(
    clause: Clause, mentions: Sequence[_Mention], patterns: PromisePatterns, amounts: Sequence[Amount]
) -> bool:
    """Whether a share is given of what has no amount in the clause: "10 % of the price"; a discount is no share.

    Nor is it read where the share stands behind the amount: "of the £138 we have paid back half".
    """
    if amounts:
        return patterns.part.search(clause.low, amounts[-1].end) is not None
    if Gift.COUPON in {mention.kind for mention in mentions}:
        return False
    names_part = patterns.part.search(clause.low) is not None and not _are_goods(mentions)
    return names_part or _PERCENT.search(clause.low) is not None


def _told_before(before: Amount | None, mentions: Iterable[_Mention]) -> list[Amount]:
    """Return the amount of the sentence before where money is given without saying how much.

    Args:
        before: the only amount of that sentence.
        mentions: what the clause gives.
    """
    return [before] if before and _of_kinds(mentions, _MONEY) else []


def _shares(low: str, amounts: Iterable[Amount], patterns: PromisePatterns) -> list[Amount]:
    """Return the amounts, or the shares of them that are given.

    Args:
        low: the clause in lower case.
        amounts: of the clause.
        patterns: of its language.
    """
    return [_shared(low, amount, patterns) for amount in amounts]


def _mentions(low: str, patterns: PromisePatterns) -> list[_Mention]:
    """Return the gifts that a clause names; those of _WEAK only if there is no other.

    Args:
        low: the clause in lower case.
        patterns: of its language; of kinds that overlap, the first one counts.
    """
    found = _named_kinds(low, patterns)
    if _of_kinds(found, {Gift.REPLACEMENT}):  # "a new lamp is sent to you free of charge"
        found = _without(found, {Gift.FREE_SHIPPING})
    strong = _without(found, _WEAK)
    vouchers = _of_kinds(strong, VOUCHERS)
    if vouchers and patterns.joint.search(low) is None:
        return vouchers  # "a voucher over €54 was put on your account" pays nothing back
    return strong or found


def _named_kinds(low: str, patterns: PromisePatterns) -> list[_Mention]:
    """Return where a clause names each kind of gift, without kinds that overlap an earlier one.

    Args:
        low: the clause in lower case.
        patterns: of its language.
    """
    found: list[_Mention] = []
    matches = ((kind, pattern.search(low)) for kind, pattern in patterns.gifts)
    for mention in (_Mention(kind, *match.span()) for kind, match in matches if match):
        if not any(map(mention.overlaps, found)):
            found.append(mention)
    return found


def _assigned(amounts: Sequence[Amount], mentions: Sequence[_Mention]) -> list[Amount | None]:
    """Return the amount of each mention, in their order: the nearest one, and each amount at most once.

    Goods have none unless nothing else is named: the amount in "a refund of £20 and a replacement" is the
    refund's.

    Args:
        amounts: of the clause, in order.
        mentions: of the clause.
    """
    in_money = _without(mentions, _GOODS)
    pairs = list(product(in_money or mentions, amounts))
    pairs.sort(
        key=lambda pair: abs(pair[1].start - pair[0].start)
    )  # a stable sort: of equals, the first counts

    assigned: dict[_Mention, Amount] = {}
    for mention, amount in pairs:
        if mention not in assigned and amount not in assigned.values():
            assigned[mention] = amount
    return [assigned.get(mention) for mention in mentions]


def _own_text(
    clause: Clause, mention: _Mention, mentions: Sequence[_Mention], patterns: PromisePatterns
) -> str:
    """Return the part of a clause that is about this gift: up to the "and" before the next one.

    Args:
        clause: the clause.
        mention: where the gift is named.
        mentions: where all gifts of the clause are named.
        patterns: of its language.
    """
    following = [other.start for other in mentions if other.start >= mention.end]
    if not following:
        return clause.text
    joint = patterns.joint.search(clause.low, mention.end, min(following))
    if joint is None:
        return clause.text
    return clause.text[: joint.start()]


def _fragment(text: str, start: int, end: int, clause: Clause, names: NamePatterns) -> str:
    """Return what is given, as written: "10 % off your next order", up to the next comma, dash or date.

    A date stays without which the words before it do not end: "10 % off any time up to 31 August".

    Args:
        text: the part of the clause that is about the gift.
        start: where the name of the gift begins.
        end: where it ends at the earliest.
        clause: the clause.
        names: patterns of the clause's language.
    """
    mark = _FRAGMENT_END.search(text, end)
    stop = mark.start() if mark else len(text)
    date = next((when for when in clause.dates if end <= when.start < stop), None)
    if date:
        is_open = names.dangling.search(text[start : date.start].rstrip())
        stop = min(stop, date.end) if is_open else date.start
    return names.dangling.sub("", text[start:stop].strip(EDGES))


def _lasting(text: str, stop: int) -> str:
    """Return what stands between the name of a voucher and its last day: ", good until 31 March"; "" for nothing.

    Args:
        text: the part of the clause that is about the voucher.
        stop: where its name ends.
    """
    rest = _LAST_DAY.match(text, stop)
    return rest[0].rstrip(EDGES) if rest else ""


def _name(
    mention: _Mention, amount: Amount | None, own_text: str, clause: Clause, names: NamePatterns
) -> str:
    """Return what a letter calls the gift, "" if its kind is enough.

    Args:
        mention: where the gift is named.
        amount: its amount.
        own_text: the part of the clause that is about it.
        clause: the clause.
        names: patterns of the clause's language.
    """
    start, end = mention.start, mention.end
    if amount:
        start = min(start, amount.start)
        end = max(end, amount.end)
    words = _fragment(own_text, start, end, clause, names)
    if mention.kind in VOUCHERS:
        words += _lasting(own_text, start + len(words))

    match mention.kind:
        case Gift.REPLACEMENT:
            return _replacement(words, names)
        case Gift.REFUND | Gift.CREDIT:
            return _sum(words, names, is_told=amount is not None)
        case Gift.FREE_SHIPPING:
            purpose = names.purpose.search(words)
            return purpose[0] if purpose else ""
        case _:
            return names.dangling.sub("", names.reports.sub("", words))


def _replacement(words: str, names: NamePatterns) -> str:
    """Return the name of a replacement: "a new lamp" for "a new lamp is on its way free of charge".

    Its kind is enough where the words do not begin as the name of a thing does, and where they would be cut from
    inside: "a month free on your plan".
    """
    subject = names.verbs.sub("", words)
    free = names.free_of_charge.search(subject)
    if free and subject[: free.start()].count(" ") and subject[free.end() :]:
        return ""
    plain = names.handing_over.sub("", names.free_of_charge.sub(" ", words).strip(" ,"))
    replaced = names.replacing.match(plain)
    if replaced:
        return names.replaced.format(thing=replaced["thing"])

    thing = names.verbs.sub("", plain)
    if names.replacement.search(thing):
        return ""
    named = names.another.sub(names.another_becomes, thing)
    if not named[:1].isdigit() and not names.articles.match(named[:1].upper() + named[1:]):
        return ""
    return names.articles.sub(lambda article: article[0].lower(), named)


def _sum(words: str, names: NamePatterns, *, is_told: bool) -> str:
    """Return the name of a refund or a credit: "the full amount", or what was paid for.

    Args:
        words: the part of the clause that is about it.
        names: patterns of the clause's language.
        is_told: its amount is known, so that "in full" is that of a part: "the first night in full (£129)".
    """
    if names.in_full.search(words) and not is_told:
        return names.full_amount
    paid = names.paying.match(words)
    if paid is None:
        return ""
    thing = paid["thing"].strip()
    if not _NAMES_A_THING.search(thing):
        return ""
    return thing
