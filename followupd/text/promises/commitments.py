"""Find what an agent's reply commits the company to: promises with their dates, gifts, and what is to be asked.

Two steps. Weights say how likely a sentence commits, grants, reports, depends or says nothing
(`benchmarks/train_promises.py`): what is likely is taken, what may be is asked about, the rest is left alone.
Then rules read the date, the amount and the kind inside what was taken, and they read all of it or nothing: a clause
with a second date, a share of an amount or the rest of a date is asked about, as `unsure`.

- A promise's text is the agent's own clause, whole; only a date at its very end is left to the letter.
- What depends on an event ("as soon as I hear", "once we receive") is an estimate without a date.
- What is done already is `past`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from followupd.domain.calendar import Calendar
from followupd.domain.compensation import Gift
from followupd.domain.promise import Found, FoundCompensation, FoundPromise, PromiseKind, Relation
from followupd.languages import Language
from followupd.text.ngrams import shifted
from followupd.text.promises.clauses import Clause, clause_of, clauses, is_question
from followupd.text.promises.dates import EDGES, DateReader, FoundDate, date_reader
from followupd.text.promises.money import Amount, find_money, gifts_in
from followupd.text.promises.patterns import PromisePatterns, date_patterns, promise_patterns
from followupd.text.promises.sentences import lowered, sentences
from followupd.text.promises.signs import classified

#: from which probability a clause is taken, and from which it is asked about; see docs/promises.md
TAKEN, ASKED = 0.62, 0.20
GRANT_TAKEN, GRANT_ASKED = 0.60, 0.30
#: a clause without a date says nothing below this
UNDATED_ASKED = 0.45
_FEWEST_WORDS_UNDATED = 4
#: by how much a known turn of phrase makes a class likelier, in log-odds
_KNOWN_PHRASE, _KNOWN_GOODS = 0.7, 2.5
#: how likely a condition or a policy may be in what is taken as given
_DOUBT = 0.35
#: a report is one from this probability on
REPORTED = 0.5
#: a date without a year that is so far ahead is likely one that is over
_FAR = timedelta(days=290)
#: characters beside a date in which the rest of a date is looked for
_REACH = 14


#: gifts that are told apart by their words
_TOLD_APART = frozenset({Gift.COUPON, Gift.GESTURE, Gift.REPLACEMENT})


@dataclass(slots=True)
class _Result:
    """What was found so far, and the only amount of the sentence before."""

    promises: list[FoundPromise] = field(default_factory=list)
    gifts: list[FoundCompensation] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    amount: Amount | None = None

    def add_gift(self, gift: FoundCompensation) -> None:
        """Add a gift unless it was mentioned before; the mention with the amount counts."""
        for n, other in enumerate(self.gifts):
            if other.kind != gift.kind or (other.amount and gift.amount and other.amount != gift.amount):
                continue
            if other.kind in _TOLD_APART and not gift.amount and other.text != gift.text:
                continue
            if gift.amount and not other.amount:
                self.gifts[n] = replace(gift, past=other.past or gift.past)
            return
        self.gifts.append(gift)

    def ask(self, sentence: str) -> None:
        """Add a sentence to those that the agent is asked about."""
        if sentence not in self.unsure:
            self.unsure.append(sentence)


@dataclass(frozen=True, slots=True)
class _SentenceReader:
    """Reads the sentences of one mail."""

    language: Language
    patterns: PromisePatterns
    dates: DateReader
    currency: str
    known: dict[str, Mapping[str, float]] = field(default_factory=dict)

    def read(self, sentence: str, found: _Result) -> None:
        """Add what a sentence promises and gives, or ask about it."""
        if is_question(sentence):
            return
        whole = self._likely(sentence)
        if max(whole["commits"], whole["grants"]) < min(ASKED, GRANT_ASKED):
            self._report(sentence, whole, found)
            return
        parts = clauses(sentence, self.patterns, self.dates, lambda text: self._likely(text)["commits"])
        likely = [whole if len(parts) == 1 else self._likely(part.text) for part in parts]
        for unit, chances in self._units(sentence, parts, likely):
            self._unit(unit, chances, sentence, found)

    def _likely(self, text: str) -> Mapping[str, float]:
        """Return how likely a text belongs to each class; a mail's clauses are asked for several times."""
        if text not in self.known:
            self.known[text] = self._judged(text)
        return self.known[text]

    def _judged(self, text: str) -> Mapping[str, float]:
        """Return how likely a text belongs to each class; a known turn of phrase makes it likelier."""
        chances = dict(classified(text, self.language))
        low = lowered(text)
        patterns = self.patterns
        if patterns.hedged.search(low) or patterns.unreal.search(low):
            return chances
        if patterns.firm.search(low) or patterns.update.search(low):
            chances["commits"] = shifted(chances["commits"], _KNOWN_PHRASE)
        if patterns.given.search(low) or patterns.giving.search(low):
            kinds = {kind for kind, pattern in patterns.gifts if pattern.search(low)}
            if kinds:
                # goods sent again were labelled as what is done, not as what is given
                goods = kinds & {Gift.REPLACEMENT, Gift.FREE_SHIPPING}
                chances["grants"] = shifted(chances["grants"], _KNOWN_GOODS if goods else _KNOWN_PHRASE)
        return chances

    def _units(
        self, sentence: str, parts: tuple[Clause, ...], likely: list[Mapping[str, float]]
    ) -> list[tuple[Clause, Mapping[str, float]]]:
        """Put clauses together that make one promise: one of them has the date, and the others have none."""
        units: list[tuple[Clause, Mapping[str, float]]] = []
        for part, chances in zip(parts, likely, strict=True):
            if max(chances["commits"], chances["grants"]) < min(ASKED, GRANT_ASKED):
                continue
            joined = self._joined(sentence, units[-1], (part, chances)) if units else None
            if joined:
                units[-1] = joined
            else:
                units.append((part, chances))
        return units

    def _joined(
        self,
        sentence: str,
        first: tuple[Clause, Mapping[str, float]],
        second: tuple[Clause, Mapping[str, float]],
    ) -> tuple[Clause, Mapping[str, float]] | None:
        """Return two neighbouring clauses as one, None if each promises or gives something of its own."""
        if first[0].dates and second[0].dates:
            return None
        if (first[1]["grants"] >= GRANT_ASKED) != (second[1]["grants"] >= GRANT_ASKED):
            return None
        begin, end = sentence.find(first[0].text), sentence.find(second[0].text)
        if begin < 0 or end < begin or end - begin - len(first[0].text) > _REACH:
            return None
        text = sentence[begin : end + len(second[0].text)]
        chances = {name: max(chance, second[1][name]) for name, chance in first[1].items()}
        return clause_of(text, self.patterns, self.dates), chances

    def _report(self, text: str, chances: Mapping[str, float], found: _Result) -> None:
        """Note what is done already, and an amount that the next sentence may mean."""
        found.amount = self._only_amount(text) or found.amount
        if chances["done"] >= REPORTED and self.patterns.done.search(text.lower()):
            found.promises.append(
                FoundPromise(text=line_of(text, None), kind=PromiseKind.FIRM, due=None, past=True)
            )

    def _only_amount(self, text: str) -> Amount | None:
        amounts = list(find_money(text, self.currency, self.language.catalogue))
        return amounts[0] if len(amounts) == 1 else None

    def _unit(self, clause: Clause, chances: Mapping[str, float], sentence: str, found: _Result) -> None:
        """Add what one clause promises and gives, or ask about its sentence."""
        commits, grants = chances["commits"], chances["grants"]
        gifts = self._gifts(clause, chances, found)
        promises = self._promises(clause, chances)
        found.amount = self._only_amount(clause.text) or found.amount
        if gifts is None or promises is None:
            # all or nothing: what is asked about neither promises nor gives anything yet
            found.ask(sentence)
            return
        for gift in gifts or ():
            found.add_gift(gift)
        for promise in promises or ():
            known = {(other.text.casefold(), other.due) for other in found.promises}
            if (promise.text.casefold(), promise.due) not in known:
                found.promises.append(promise)
        if max(commits, grants) < ASKED:
            self._report(clause.text, chances, found)

    def _gifts(
        self, clause: Clause, chances: Mapping[str, float], found: _Result
    ) -> list[FoundCompensation] | None:
        """Return what a clause gives; None if that must be asked."""
        grants = chances["grants"]
        if clause.depends_on_event or self._is_unreal(clause):
            return []
        if max(grants, chances["commits"]) < GRANT_ASKED:
            return []
        past = self._is_past(clause.low, chances)
        gifts = gifts_in(
            clause,
            self.patterns,
            self.currency,
            self.language.catalogue,
            granted=grants >= GRANT_TAKEN,
            past=past,
            before=found.amount,
        )
        if grants >= GRANT_TAKEN:
            doubtful = chances["conditional"] >= _DOUBT or chances["none"] >= _DOUBT
            return None if gifts and (doubtful or self._is_hedged(clause, gifts)) else gifts
        if chances["commits"] >= TAKEN and gifts:
            return gifts
        return None if grants >= GRANT_ASKED and (gifts is None or gifts) else []

    def _is_past(self, low: str, chances: Mapping[str, float]) -> bool:
        """Whether something was given already: a report says so, and no offer ("please find enclosed")."""
        if self.patterns.given.search(low):
            return chances["commits"] < TAKEN or chances["done"] >= REPORTED
        reported = chances["done"] >= REPORTED
        return reported and self.patterns.giving.search(low) is None

    def _is_unreal(self, clause: Clause) -> bool:
        """Whether a clause has a condition, or tells what others said."""
        return self.patterns.unreal.search(self.patterns.complement.sub(" … ", clause.low)) is not None

    def _is_hedged(self, clause: Clause, gifts: list[FoundCompensation]) -> bool:
        """Whether a clause says "not", "may" or "could" of a gift; "we will not charge" is a gift."""
        kinds = {gift.kind for gift in gifts}
        return kinds != {Gift.GESTURE} and self.patterns.hedged.search(clause.low) is not None

    def _promises(self, clause: Clause, chances: Mapping[str, float]) -> list[FoundPromise] | None:
        """Return the promise of a clause; None if it must be asked about."""
        commits = chances["commits"]
        if commits < ASKED or (chances["done"] >= REPORTED and chances["done"] > commits):
            return []
        if not clause.dates and not self._may_be_undated(clause, commits):
            return []
        dated_grant = chances["grants"] >= GRANT_TAKEN and clause.dates and not chances["done"] >= REPORTED
        if (
            (commits < TAKEN and not dated_grant)
            or chances["none"] >= REPORTED
            or chances["conditional"] >= REPORTED
        ):
            return None if clause.dates or chances["grants"] < GRANT_TAKEN else []
        if self._is_unreal(clause):
            return None
        when = self._date(clause)
        if when is False:
            return None
        return [self._promise(clause, when)]

    def _may_be_undated(self, clause: Clause, commits: float) -> bool:
        """Whether a clause without a date may promise something: it has the words of a sentence, not of a signature."""
        return commits >= UNDATED_ASKED and len(clause.text.split()) >= _FEWEST_WORDS_UNDATED

    def _date(self, clause: Clause) -> FoundDate | bool | None:
        """Return the one date of a clause, None if it has none, and False if it was not understood whole."""
        if clause.depends_on_event:
            return None
        if not clause.dates:
            return False if self._left_over(clause.low) else None
        first = clause.dates[0]
        same = all(self._same_day(first, when) for when in clause.dates[1:])
        if not same or first.moment - self.dates.now > _FAR:
            return False
        best = next((when for when in clause.dates if when.firm), first)
        for when in clause.dates:
            before = clause.low[max(0, when.start - _REACH) : when.start]
            if self._rest_before(before) or self._rest_after(clause.low[when.end : when.end + _REACH]):
                return False
        return best

    def _same_day(self, first: FoundDate, second: FoundDate) -> bool:
        local = self.dates.calendar.local
        return local(first.moment).date() == local(second.moment).date()

    def _left_over(self, low: str) -> bool:
        """Whether a clause without a date that was read names a weekday."""
        weekdays = self.language.weekdays
        return any(word in weekdays and len(word) > 3 for word in re.findall(r"[^\W\d_]+", low))

    def _rest_before(self, before: str) -> bool:
        """Whether the rest of a date stands before it; a number alone is none: "the 12 chairs by Friday"."""
        left_over = date_patterns(self.language).left_over
        end = len(before.rstrip())
        return any(match.end() >= end and not match[0].isdigit() for match in left_over.finditer(before))

    def _rest_after(self, after: str) -> bool:
        rest = after.lstrip(" ,(")
        return date_patterns(self.language).left_over.match(rest) is not None

    def _promise(self, clause: Clause, when: FoundDate | bool | None) -> FoundPromise:
        """Return the promise that a clause makes."""
        date = when if isinstance(when, FoundDate) else None
        text = line_of(clause.text, date)
        words = [clause.text.strip()]
        if date:
            words.append(clause.text[date.start : date.end].strip())
        return FoundPromise(
            text=text,
            kind=self._kind(clause, date),
            due=date.moment if date else None,
            relation=date.relation if date else Relation.BY,
            since=date.since if date else None,
            dated=date is not None and len(text) >= len(clause.text.strip(EDGES)),
            words=tuple(words),
        )

    def _kind(self, clause: Clause, date: FoundDate | None) -> PromiseKind:
        patterns = self.patterns
        if clause.depends_on_event or patterns.estimate.search(clause.low):
            return PromiseKind.ESTIMATE
        if date and patterns.topics.doubt.search(clause.low):
            return PromiseKind.ESTIMATE
        if patterns.update.search(clause.low) or patterns.topics.update.search(clause.low):
            return PromiseKind.NEXT_UPDATE
        return PromiseKind.FIRM


def find_commitments(
    text: str,
    *,
    sent_at: datetime,
    calendar: Calendar,
    language: Language,
    doubtful: Collection[str] = (),
    currency: str = "",
) -> Found:
    """Return the promises and the gifts in an agent's reply, in the order of the text, and what must be asked.

    Args:
        text: the new text of the reply.
        sent_at: when the mail was sent: "by Friday" counts from it.
        calendar: the company's; "by Friday" means its close of business in its time zone.
        language: of the reply.
        doubtful: lines that may be quoted and are skipped.
        currency: the company's ISO 4217 code, which decides which dollar is meant.
    """
    reader = _SentenceReader(
        language=language,
        patterns=promise_patterns(language),
        dates=date_reader(language, now=sent_at, calendar=calendar),
        currency=currency,
    )
    found = _Result()
    for sentence in sentences(text, language.catalogue, doubtful):
        reader.read(sentence, found)
    return Found(tuple(found.promises), tuple(found.gifts), tuple(found.unsure))


def line_of(clause: str, when: FoundDate | None) -> str:
    """Return a clause as a line of a letter: whole, but for a date at its very end, which the letter writes itself."""
    text = clause.strip().rstrip(" ,;:–—-")
    if when is not None and when.end >= len(clause.rstrip(" ,;:.!–—-")):
        opening = clause[: when.start].strip().rstrip(" ,;:–—-")
        if len(opening.split()) >= _FEWEST_WORDS_LEFT:
            text = opening
    return text[:1].upper() + text[1:].rstrip(" .")


#: words that must be left where a date is taken from the end of a clause
_FEWEST_WORDS_LEFT = 3
