"""Find what an agent's reply commits the company to: promises with their dates, gifts, and what is to be asked.

Two steps. Weights say how likely a sentence commits, grants, reports, depends or says nothing
(`benchmarks/train_promises.py`): what is likely is taken, what may be is asked about, the rest is left alone.
Then rules read the date, the amount and the kind inside what was taken, and they read all of it or nothing: a clause
with a second date, a share of an amount or the rest of a date is asked about, as `unsure`.

- A promise's text is the agent's own clause, whole; only a date at its very end is left to the letter, which
  says no "morning" and no time that is the close of business.
- What depends on an event ("as soon as I hear", "once we receive") is an estimate without a date.
- What is done already is `past`.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain

from followupd.domain.calendar import Calendar
from followupd.domain.compensation import Gift
from followupd.domain.promise import Found, FoundCompensation, FoundPromise, PromiseKind, Relation
from followupd.languages import Language
from followupd.text.ngrams import shifted
from followupd.text.promises.clauses import (
    ASKED,
    ATTENDING,
    GRANT_ASKED,
    GRANT_SURE,
    HOPELESS,
    REPORTED,
    Chances,
    classified,
    clauses,
    is_question,
    sure_clauses,
)
from followupd.text.promises.dates import (
    EDGES,
    Clause,
    DateReader,
    FoundDate,
    clause_of,
    date_reader,
    with_day,
)
from followupd.text.promises.money import VOUCHERS, Amount, find_money, gifts_in
from followupd.text.promises.patterns import PromisePatterns, date_patterns, promise_patterns
from followupd.text.promises.sentences import lowered, sentences

#: a clause without a date says nothing below this
UNDATED_ASKED = 0.14
#: from which probability a clause with the words of a condition only tells it: "If it breaks, we mend it"
CONDITIONAL = 0.35
#: from which probability a known turn of phrase says nothing all the same
NO_WORD = 0.5
#: from which probability three words are a promise
SURELY = 0.85
_FEWEST_WORDS_UNDATED = 4
_FEWEST_WORDS = 2
#: from which probability the words of a condition, or of somebody else, do not matter: "Friday, the carrier says"
PLAINLY_PROMISED, _UNCONDITIONAL = 0.88, 0.12
#: words of a clause at most that says little without the one before it
_LEANS = 6
#: words of a clause at most that only says that something costs nothing
_SHORT = 9
#: by how much a known turn of phrase makes a class likelier, in log-odds
_KNOWN_PHRASE, _KNOWN_GOODS, _WITH_DEADLINE = 0.7, 2.5, 2.0
#: how much a day that is over speaks against a promise, and one that is so far ahead at most for it, in log-odds
_ONLY_OVER = -3.0
_AHEAD = (
    (timedelta(5), 1.5),
    (timedelta(12), 0.6),
    (timedelta(20), 0.0),
    (timedelta(31), -1.0),
    (timedelta.max, -2.0),
)
#: how likely a condition or a policy may be in what is taken as given
_DOUBT = 0.5
#: a date without a year that is so far ahead is likely one that is over
_FAR = timedelta(days=290)
#: words that must be left where a date is taken from the end of a clause
_FEWEST_WORDS_LEFT = 3
#: characters beside a date in which the rest of a date is looked for
_REACH = 14


#: weekdays of so many letters are shortened ones, which are words elsewhere
_LONGEST_SHORT_DAY = 3
_WORD = re.compile(r"[^\W\d_]+")
#: goods sent again were labelled as what is done, not as what is given
_GOODS = frozenset({Gift.REPLACEMENT, Gift.FREE_SHIPPING})
#: gifts that are told apart by their words
_TOLD_APART = frozenset({Gift.COUPON, Gift.GESTURE, Gift.REPLACEMENT})
#: "you will not be charged" gives something
_NO_CHARGE = frozenset({Gift.GESTURE, Gift.FREE_SHIPPING})
#: from which probability a "not" does not matter: "a gift card of 50 EUR that does not expire"
SURELY_GIVEN = 0.9
#: words of a sentence that is told before one that leans on it
_LONGEST_BEFORE = 30
#: a clause, and how likely it belongs to each class
_Unit = tuple[Clause, Chances]


class _UnsureError(Exception):
    """A clause may promise or give something and was not understood whole: the agent is asked."""


@dataclass(slots=True)
class _Result:
    """What was found so far, the only amount of the sentence before, and the sentences that were read."""

    promises: list[FoundPromise] = field(default_factory=list)
    gifts: list[FoundCompensation] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    amount: Amount | None = None
    read: list[str] = field(default_factory=list)

    def add_gift(self, gift: FoundCompensation) -> None:
        """Add a gift unless it was mentioned before; the mention with the amount counts."""
        same = next((other for other in self.gifts if _is_same(other, gift)), None)
        if same is None:
            self.gifts.append(gift)
        elif gift.amount and not same.amount:
            self.gifts[self.gifts.index(same)] = replace(gift, past=same.past or gift.past)

    def add_promise(self, promise: FoundPromise) -> None:
        """Add a promise unless the same was said before, perhaps with what its line tells before it."""
        text, due = promise.text.casefold(), promise.due
        known = [one.text.casefold() for one in self.promises if one.due == due]
        if not any(one.endswith(text) or text.endswith(one) for one in known):
            self.promises.append(promise)

    def has_told(self, sentence: str) -> bool:
        """Whether a letter will promise a part of a sentence, or the agent is asked about it."""
        coming = [one for one in self.promises if not one.past]
        told = any(words in sentence for one in coming for words in one.words)
        return told or sentence in self.unsure or any(sentence in one.text for one in coming)

    def ask(self, sentence: str) -> None:
        """Add a sentence to those that the agent is asked about."""
        if sentence not in self.unsure:
            self.unsure.append(sentence)


def _is_same(known: FoundCompensation, gift: FoundCompensation) -> bool:
    """Whether a gift was mentioned before, perhaps without its amount.

    Args:
        known: the earlier mention.
        gift: the later one.
    """
    told_apart = known.kind in _TOLD_APART and not gift.amount and known.text != gift.text
    one_amount = len({known.amount, gift.amount} - {""}) <= 1
    return known.kind == gift.kind and one_amount and not told_apart


@dataclass(frozen=True, slots=True)
class _SentenceReader:
    """Reads the sentences of one mail."""

    language: Language
    patterns: PromisePatterns
    dates: DateReader
    currency: str
    dated_only: bool = False
    known: dict[str, Chances] = field(default_factory=dict)

    def read(self, sentence: str, found: _Result) -> None:
        """Add what a sentence promises and gives, or ask about it.

        Args:
            sentence: of the mail.
            found: what the sentences before it said.
        """
        found.read.append(sentence)
        if self._is_passed_over(sentence):
            return
        if self.patterns.asked.search(lowered(sentence)):
            found.ask(sentence)
            return
        whole = self._likely(sentence)
        if not whole.says_something:
            self._report(sentence, whole, found)
        elif self.patterns.general.search(lowered(sentence)) is None:
            self._read_clauses(sentence, whole, found)

    def _is_passed_over(self, sentence: str) -> bool:
        """Whether a sentence is a question, what is left of a salutation ("18,"), or without a needed date."""
        says_little = len(_WORD.findall(sentence)) < _FEWEST_WORDS or is_question(sentence)
        return says_little or (self.dated_only and not self.dates.find(sentence))

    def _read_clauses(self, sentence: str, whole: Chances, found: _Result) -> None:
        """Add what the clauses of a sentence promise and give, or ask about it.

        Args:
            sentence: of the mail.
            whole: how likely it belongs to each class.
            found: what the sentences before it said.
        """
        parts = clauses(sentence, self.patterns, self.dates, lambda text: self._likely(text).commits)
        likely = [whole] if len(parts) == 1 else [whole.with_part(self._likely(part.text)) for part in parts]
        units = self._units(sentence, zip(parts, likely, strict=True))
        for unit, chances in units:
            # a short clause leans on what was not understood before it: "and it will be with you on Friday"
            if sentence not in found.unsure or len(unit.text.split()) > _LEANS:
                self._unit(unit, chances, sentence, found)
        if not units and (whole.is_promised or whole.is_given) and not whole.is_report:
            found.ask(sentence)

    def _likely(self, text: str) -> Chances:
        """Return how likely a text belongs to each class; a mail's clauses are asked for several times."""
        if text not in self.known:
            self.known[text] = self._judged(text)
        return self.known[text]

    def _judged(self, text: str) -> Chances:
        """Return how likely a text belongs to each class; a known turn of phrase is asked about at least."""
        chances = classified(text, self.language)
        if max(chances.commits, chances.grants) < HOPELESS:
            return chances
        low = lowered(text)
        own = self.patterns.complement.sub(" … ", low)
        if self._says(("hedged", "unreal"), own):
            low = " … ".join(sure_clauses(own, self.patterns))

        chances = chances._replace(commits=shifted(chances.commits, self._for_days(text)))
        # no report, no policy, and no "I am looking into it"
        is_open = chances.attends < ATTENDING and chances.done < REPORTED and chances.none < NO_WORD
        if self._says(("firm", "update", "estimate"), low):
            is_dated = any(when.firm for when in self.dates.to_come(text))
            likely = shifted(chances.commits, _KNOWN_PHRASE + _WITH_DEADLINE * is_dated)
            chances = chances._replace(commits=max(likely, UNDATED_ASKED * is_open))
        return chances._replace(grants=self._grants(low, chances.grants, is_open=is_open))

    def _grants(self, low: str, likely: float, *, is_open: bool) -> float:
        """Return how likely a text gives something, where a phrase that gives stands with the name of a gift.

        Args:
            low: the text in lower case.
            likely: how likely it gives something by its words.
            is_open: it is no report and no policy, so that it is asked about at least.
        """
        kinds = {kind for kind, pattern in self.patterns.gifts if pattern.search(low)}
        if not kinds or not self._says(("given", "giving"), low):
            return likely
        is_money = kinds.isdisjoint(_GOODS)
        known = shifted(likely, _KNOWN_PHRASE if is_money else _KNOWN_GOODS)
        return max(known, GRANT_ASKED * (is_open and is_money))

    def _for_days(self, text: str) -> float:
        """Return how much the days of a text speak for a promise, in log-odds: those of reports are mostly just over.

        Args:
            text: a sentence or a clause; weekdays alone tell nothing, nor does a text without a date.
        """
        to_come = self.dates.to_come(text)
        if any(map(self.dates.is_over, self.dates.find(text))):
            return 0.0 if to_come else _ONLY_OVER
        ahead = [when.moment - self.dates.now for when in to_come if when.guessed in {"year", "month"}]
        return next((weight for most, weight in _AHEAD if ahead and min(ahead) <= most), 0.0)

    def _says(self, names: Iterable[str], low: str) -> bool:
        """Whether a text has a phrase of the language.

        Args:
            names: of groups of phrases, as `PromisePatterns` has them.
            low: the text in lower case.
        """
        return any(getattr(self.patterns, name).search(low) for name in names)

    def _units(self, sentence: str, parts: Iterable[_Unit]) -> list[_Unit]:
        """Put clauses together that make one promise: one of them has the date, and the others have none.

        Args:
            sentence: with all of the clauses.
            parts: its clauses, each with how likely it belongs to each class.
        """
        units: list[_Unit] = []
        for part in parts:
            if not part[1].says_something:
                continue
            joined = self._joined(sentence, units[-1], part) if units else None
            if joined:
                units.pop()
            units.append(joined or part)
        return units

    def _joined(self, sentence: str, first: _Unit, second: _Unit) -> _Unit | None:
        """Return two neighbouring clauses as one, None if each promises or gives something separately.

        Args:
            sentence: in which both are.
            first: a clause, and how likely it belongs to each class.
            second: the next one.
        """
        if second[1].is_promised and self._has_own_time(second[0]):
            return None
        # "on 2 January, and he will be there from 18:30": the day of the first clause is meant
        both_dated = with_day(first[0].dates) and with_day(second[0].dates)
        # "we send a new lamp by Friday, and I have refunded 20 EUR": one is to come, and one is done
        given = [self.patterns.given.search(clause.low) is not None for clause, _ in (first, second)]
        if both_dated or given[0] != given[1] or first[1].may_be_given != second[1].may_be_given:
            return None

        begin, end = sentence.find(first[0].text), sentence.find(second[0].text)
        between = end - begin - len(first[0].text)
        if begin < 0 or end < begin or between > _REACH:
            return None

        text = sentence[begin : end + len(second[0].text)]
        both = Chances(*map(max, first[1], second[1]))
        dated = next((chances for clause, chances in (first, second) if clause.dates), both)
        return clause_of(text, self.patterns, self.dates), both._replace(done=dated.done)

    def _has_own_time(self, clause: Clause) -> bool:
        """Whether a clause says of itself when: as soon as something happened, or on the day that was named."""
        days_after = date_patterns(self.language).days_after
        return clause.depends_on_event or any(pattern.search(clause.low) for _, pattern in days_after)

    def _report(self, text: str, chances: Chances, found: _Result) -> None:
        """Note what is done already, and an amount that the next sentence may mean.

        Args:
            text: a sentence or a clause.
            chances: how likely it belongs to each class.
            found: what was found so far.
        """
        found.amount = self._only_amount(text) or found.amount
        if chances.is_report and self.patterns.done.search(text.lower()):
            done = FoundPromise(text=line_of(text, None), kind=PromiseKind.FIRM, due=None, past=True)
            found.promises.append(done)

    def _only_amount(self, text: str) -> Amount | None:
        """Return the amount of a text that names one and no other."""
        amounts = list(find_money(text, self.currency, self.language.catalogue))
        return amounts[0] if len(amounts) == 1 else None

    def _unit(self, clause: Clause, chances: Chances, sentence: str, found: _Result) -> None:
        """Add what one clause promises and gives, or ask about its sentence.

        All or nothing: what is asked about neither promises nor gives anything yet.

        Args:
            clause: of the sentence.
            chances: how likely the clause belongs to each class.
            sentence: as the agent is asked about it.
            found: what was found so far.
        """
        before = found.amount
        found.amount = self._only_amount(clause.text) or before
        try:
            gifts = self._gifts(clause, chances, None if self._is_of_voucher(before, found) else before)
            is_dated = bool(clause.dates) or self._has_own_time(clause)
            only_gives = bool(gifts) and not is_dated  # compensation without a date is that only
            promises = [] if only_gives else self._promises(clause, chances, found.read)
        except _UnsureError:
            found.ask(sentence)
            return

        for gift in gifts:
            if not self._is_told_again(clause, gift, found.gifts):
                found.add_gift(gift)
        for promise in promises:
            told = self._told_before(clause, sentence, found)
            text = f"{told}{clause.text.strip()[:1]}{promise.text[1:]}" if told else promise.text
            found.add_promise(replace(promise, text=text))
        if not gifts and not promises:
            self._report(clause.text, chances, found)

    def _told_before(self, clause: Clause, sentence: str, found: _Result) -> str:
        """Return the agent's words that say who or what a clause speaks of: "The report is here." before "It goes".

        Args:
            clause: that promises something.
            sentence: in which it is.
            found: what was found so far.

        Returns:
            The sentence before, with a blank; "" where the clause names what it speaks of, where a letter has just told
            it, and where the sentence before names nothing, is long, a question, or not understood itself.
        """
        pronoun = self.patterns.refers.search(clause.text)
        if pronoun is None or self.patterns.named.search(clause.text, 0, pronoun.start()):
            return ""
        start = sentence.find(clause.text)
        before = found.read[-2] if start <= 0 and len(found.read) > 1 else sentence[: max(start, 0)]
        names_it = self.patterns.named.search(before) and len(before.split()) <= _LONGEST_BEFORE
        if not names_it or is_question(before) or found.has_told(before):
            return ""
        return f"{before.strip()} "

    @staticmethod
    def _is_of_voucher(amount: Amount | None, found: _Result) -> bool:
        """Whether an amount is what a voucher is worth that was given before, and no sum that is paid back."""
        worths = {gift.amount for gift in found.gifts if gift.kind in VOUCHERS}
        return amount is not None and amount.amount in worths

    def _gifts(self, clause: Clause, chances: Chances, before: Amount | None) -> list[FoundCompensation]:
        """Return what a clause gives.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
            before: the only amount of the sentence before.

        Raises:
            _UnsureError: it may give something.
        """
        may_give = max(chances.grants, chances.commits) >= GRANT_ASKED
        depends = clause.depends_on_event or self._is_unreal(clause)
        if not may_give or (depends and not self._is_plain(chances.grants, chances)):
            return []
        gifts = gifts_in(
            clause,
            self.patterns,
            self.currency,
            self.language.catalogue,
            granted=chances.is_given,
            sure=chances.grants >= GRANT_SURE,
            past=self._is_past(clause, chances),
            before=before,
        )
        if (
            gifts is None
            and chances.commits > max(chances.grants, GRANT_SURE)
            and not self._names_gift(clause)
        ):
            return []  # "you will be given a report on Monday" is promised
        is_plain = (
            not self._is_doubtful(clause, chances, gifts or ()) if chances.is_given else chances.is_promised
        )
        if gifts and is_plain:
            return gifts
        gives_nothing = gifts == [] and (chances.is_given or chances.is_promised)
        if chances.may_be_given and not gives_nothing:
            raise _UnsureError
        return []

    def _names_gift(self, clause: Clause) -> bool:
        """Whether a clause has the name of a kind of gift, or an amount."""
        has_amount = next(find_money(clause.text, self.currency, self.language.catalogue), None) is not None
        return has_amount or any(pattern.search(clause.low) for _, pattern in self.patterns.gifts)

    def _is_told_again(
        self, clause: Clause, gift: FoundCompensation, known: Collection[FoundCompensation]
    ) -> bool:
        """Whether a clause only says more of what was given before: "I refund £20. The money is on your card".

        So it does of what is named where the clause before it is said with it.

        Args:
            clause: the clause.
            gift: what it gives.
            known: what was given before.
        """
        if known and clause.low.find(gift.words[1].lower()) < clause.begin:
            return True
        own = {amount.amount for amount in find_money(clause.text, self.currency, self.language.catalogue)}
        told = {(other.amount, other.currency) for other in known if other.amount not in own}
        if gift.amount:
            return (gift.amount, gift.currency) in told
        return gift.kind == Gift.GESTURE and bool(known) and self._says_it_is_free(clause)

    def _says_it_is_free(self, clause: Clause) -> bool:
        """Whether a short clause only says of what was given before that it costs nothing: "You pay nothing for it".

        Args:
            clause: one that gives something without an amount.

        Returns:
            False for a longer one, which mostly names what is given: "we have extended your plan at no cost".
        """
        is_free = self._says(("hedged",), clause.low) or self.patterns.names.free_of_charge.search(clause.low)
        return len(clause.text.split()) <= _SHORT and bool(is_free)

    def _is_past(self, clause: Clause, chances: Chances) -> bool:
        """Whether something was given already: a report says so, and no offer ("please find enclosed")."""
        if self.patterns.given.search(clause.low):
            return chances.is_report or not chances.is_promised or self._is_of_today(clause)
        return chances.is_report and self.patterns.giving.search(clause.low) is None

    def _is_unreal(self, clause: Clause) -> bool:
        """Whether a clause has a condition, or tells what others said."""
        return self.patterns.unreal.search(self.patterns.complement.sub(" … ", clause.low)) is not None

    def _is_doubtful(self, clause: Clause, chances: Chances, gifts: Iterable[FoundCompensation]) -> bool:
        """Whether a clause has a condition, or says "not", "may" or "could" of a gift.

        "We will not charge" is a gift.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
            gifts: what it seems to give.
        """
        no_charge = {gift.kind for gift in gifts} <= _NO_CHARGE or chances.grants >= SURELY_GIVEN
        named = [gift.words[1].lower() for gift in gifts]
        parts = [part for part in self.patterns.cut.split(clause.low) if any(name in part for name in named)]
        is_hedged = any(self._says(("hedged",), part) for part in parts or [clause.low])
        return chances.doubt(chances.grants) >= _DOUBT or (not no_charge and is_hedged)

    def _promises(self, clause: Clause, chances: Chances, read: Sequence[str]) -> list[FoundPromise]:
        """Return the promise of a clause.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
            read: the sentences up to this one.

        Raises:
            _UnsureError: it may promise something.
        """
        is_gone = chances.is_report or self._says(("given", "done"), clause.low)
        if self._promises_nothing(clause, chances) or (is_gone and self._is_over(clause, chances)):
            return []
        dated_gift = chances.is_given and bool(clause.dates) and not is_gone
        if not (chances.is_promised or dated_gift) or self._is_unclear(clause, chances):
            raise _UnsureError
        return [replace(self._promise(clause, self._date(clause, read)), likely=chances.commits)]

    def _is_unclear(self, clause: Clause, chances: Chances) -> bool:
        """Whether a clause that promises something may only tell a condition, a policy, or what others said.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
        """
        will_write = clause.depends_on_event and self._is_update(clause.low)
        is_doubted = not will_write and chances.doubt(chances.commits) >= REPORTED
        is_condition = self._is_unreal(clause) and not self._is_plain(chances.commits, chances)
        return is_doubted or is_condition or self._says(("reported",), clause.low)

    @staticmethod
    def _is_plain(likely: float, chances: Chances) -> bool:
        """Whether something is so likely promised or given, and no condition, that the words of one do not matter.

        "The 60 EUR will be on your card in five days, as your bank allows" gives them.

        Args:
            likely: how likely the clause promises or gives something.
            chances: how likely it belongs to each class, of which the condition's counts.
        """
        return likely >= PLAINLY_PROMISED and chances.conditional < _UNCONDITIONAL

    def _promises_nothing(self, clause: Clause, chances: Chances) -> bool:
        """Whether a clause is not even to be asked about.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.

        Returns:
            True where nothing is promised, only a condition is told, or a list begins ("as we have agreed today:").
        """
        only_reports = chances.is_report and chances.done > chances.commits
        if chances.commits < ASKED or only_reports or self._says(("over",), clause.low):
            return True
        begins_list = clause.text.rstrip().endswith(":") and self._days(clause.dates) <= {self.dates.today}
        return begins_list or self._only_depends(clause, chances) or not self._has_words(clause, chances)

    def _only_depends(self, clause: Clause, chances: Chances) -> bool:
        """Whether a clause only tells what is done if or when something happens: "If it breaks, we mend it".

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
        """
        is_condition = chances.conditional >= CONDITIONAL and chances.commits < SURELY
        return is_condition and (self._is_unreal(clause) or clause.depends_on_event)

    def _is_over(self, clause: Clause, chances: Chances) -> bool:
        """Whether nothing is to come of what a clause reports.

        Args:
            clause: the clause, which says that something was done.
            chances: how likely it belongs to each class.

        Returns:
            True where it was done today, or was a gift beside which nothing is promised.
        """
        return self._is_of_today(clause) or (chances.is_given and not chances.is_promised)

    def _is_of_today(self, clause: Clause) -> bool:
        """Whether all dates of a clause are on the day of the mail: what was done "this morning" is not to come."""
        return self._days(clause.dates) == {self.dates.today}

    def _days(self, dates: Iterable[FoundDate]) -> set[date]:
        """Return the days of dates, by the company's clock."""
        return {self.dates.calendar.local(when.moment).date() for when in dates}

    def _is_update(self, low: str) -> bool:
        """Whether a clause, in lower case, says that somebody will write, call or report."""
        return self._says(("update",), low) or self.patterns.topics.update.search(low) is not None

    def _has_words(self, clause: Clause, chances: Chances) -> bool:
        """Whether a clause has a date, or the words of a sentence and not those of a signature.

        Args:
            clause: the clause.
            chances: how likely it belongs to each class.
        """
        fewest = _FEWEST_WORDS_UNDATED - (chances.commits >= SURELY)
        enough = len(clause.text.split()) >= fewest
        return bool(clause.dates) or (enough and chances.commits >= UNDATED_ASKED)

    def _date(self, clause: Clause, read: Sequence[str]) -> FoundDate | None:
        """Return the one date of a clause, None if it has none.

        Args:
            clause: the clause.
            read: the sentences up to this one.

        Raises:
            _UnsureError: its date was not understood whole.
        """
        if clause.depends_on_event:
            return None
        named = self._days_after(clause, read)
        if named:
            return named
        self._check_counted_here(clause)
        if not clause.dates:
            return None

        first = clause.dates[0]
        rests = self._is_of_another_day(clause, first, read) or self._follows_short_day(clause.low, first)
        rests |= any(self._has_rest(clause, when) for when in clause.dates)
        if rests or len(self._days(clause.dates)) > 1 or first.moment - self.dates.now > _FAR:
            raise _UnsureError
        return next((when for when in clause.dates if when.firm), first)

    def _check_counted_here(self, clause: Clause) -> None:
        """Check that what a date counts from is the day of writing: not so in "by then", "3 days after the visit".

        Args:
            clause: the clause.

        Raises:
            _UnsureError: the date is that of something else.
        """
        patterns = date_patterns(self.language)
        is_counted = any(when.counted for when in clause.dates)
        if is_counted and patterns.counted_from.search(clause.low):
            raise _UnsureError
        elsewhere = patterns.that_time.search(clause.low)
        is_weekday = all(when.guessed == "week" for when in clause.dates)
        if elsewhere and is_weekday and (not clause.dates or patterns.week.search(elsewhere[0])):
            raise _UnsureError

    def _is_of_another_day(self, clause: Clause, when: FoundDate, read: Sequence[str]) -> bool:
        """Whether a time without a day may be that of a day that was named before, or a weekday of a later week.

        "I come on Friday. I will ring at 9:00." "He begins on Monday the 9th and is done on Wednesday."

        Args:
            clause: the clause.
            when: its date.
            read: the sentences up to this one.
        """
        day = self._days([when])
        if when.guessed == "day":
            return not self._days(chain.from_iterable(map(self._with_day, read))) <= day
        before = self.dates.to_come(read[-1].partition(clause.text[when.start : when.end])[0])
        named = self._days(other for other in before if other.relation is not Relation.BY)
        return when.guessed == "week" and not when.firm and max(named | day) > max(day)

    def _with_day(self, sentence: str) -> list[FoundDate]:
        """Return the dates of a sentence that say their day."""
        return with_day(self.dates.find(sentence))

    def _days_after(self, clause: Clause, read: Sequence[str]) -> FoundDate | None:
        """Return the date of "the same day" and "the day after", which counts from the last day that was named.

        Args:
            clause: the clause.
            read: the sentences up to this one.

        Returns:
            None if the clause says nothing of that kind.

        Raises:
            _UnsureError: it does, and no single day was named: "the day before" of "between Monday and Wednesday".
        """
        found = (
            (days, pattern.search(clause.low)) for days, pattern in date_patterns(self.language).days_after
        )
        days, match = next(((days, match) for days, match in found if match), (0, None))
        if match is None:
            if not clause.dates:
                self._check_nothing_left(clause.low)
            return None
        # "the day after" is a part of "the day after tomorrow", which has its day
        if with_day(when for when in clause.dates if when.end > match.end() or when.end <= match.start()):
            return None
        before = (*read[:-1], read[-1].partition(clause.text)[0])
        if any(map(self.dates.at_odds, before)):
            raise _UnsureError
        named = [when for text in before for when in with_day(self.dates.to_come(text))]
        if (
            not named
            or named[-1].relation is Relation.BETWEEN
            or (days and named[-1].relation is not Relation.ON)
        ):
            raise _UnsureError
        calendar = self.dates.calendar
        day = calendar.local(named[-1].moment).date() + timedelta(days=days)
        for when in clause.dates:  # "and ring you that same afternoon by four"
            at = calendar.local(when.moment).time()
            return replace(
                when, moment=calendar.moment(day, at), start=match.start(), dayless=False, guessed=""
            )
        return FoundDate(calendar.close_of(day), match.start(), match.end(), firm=False, relation=Relation.ON)

    def _check_nothing_left(self, low: str) -> None:
        """Check that a clause without a date that was read names no weekday and no time: "I will come at 11".

        Raises:
            _UnsureError: it names one.
        """
        weekdays = {name for name in self.language.weekdays if len(name) > _LONGEST_SHORT_DAY}
        at = any(part.at and part.loose for part in self.dates.parts.find(low))
        if at or not weekdays.isdisjoint(_WORD.findall(low)):
            raise _UnsureError

    def _follows_short_day(self, low: str, when: FoundDate) -> bool:
        """Whether a time of today or tomorrow stands behind a word that may be a short weekday: "Sat 9am".

        Args:
            low: the clause in lower case.
            when: its date; short weekdays that are other words too are not read.
        """
        local = self.dates.calendar.local(when.moment).date()
        is_near = local <= self.dates.today + timedelta(days=1)
        return is_near & self._ends_with_short_day(low[: when.start])

    def _ends_with_short_day(self, low: str) -> bool:
        """Whether a text ends with a word that may be a short weekday, which is not read.

        Args:
            low: the text in lower case.
        """
        return not set(self.language.dates.not_names).isdisjoint(_WORD.findall(low)[-1:])

    def _has_rest(self, clause: Clause, when: FoundDate) -> bool:
        """Whether the rest of a date stands beside the one that was read.

        A number alone before it is none: "the 12 chairs by Friday".

        Args:
            clause: the clause; another date of it is no rest: "Friday week (4 Sept)".
            when: its date.
        """
        low, left_over = clause.low, date_patterns(self.language).left_over
        if any(when.end <= other.start <= when.end + len(" (") for other in clause.dates):
            return False
        before, after = low[max(0, when.start - _REACH) : when.start], low[when.end : when.end + _REACH]
        end = len(before.rstrip())
        rests = (match for match in left_over.finditer(before) if match.end() >= end)
        follows = left_over.match(after.lstrip(" ,(")) is not None
        return follows or not all(match[0].isdigit() for match in rests)

    def _stays(self, when: FoundDate) -> bool:
        """Whether a date stays in its line: a letter says no "morning", and no time that is the close of business."""
        calendar = self.dates.calendar
        is_close = when.moment == calendar.close_of(calendar.local(when.moment).date())
        return when.vague or (when.clock and is_close)

    def _promise(self, clause: Clause, date: FoundDate | None) -> FoundPromise:
        """Return the promise that a clause makes.

        Args:
            clause: the clause.
            date: its date.

        Raises:
            _UnsureError: it was cut within a window of dates.
        """
        text, words = line_of(clause.text, None if date and self._stays(date) else date), clause.text.strip()
        low = lowered(text)
        lasts = date is not None and self.patterns.lasting.match(clause.low[date.start : date.end])
        if lasts or self.patterns.dangling.search(low) or self._ends_with_short_day(low):
            text = line_of(clause.text, None)
        if date_patterns(self.language).between.search(lowered(text)):
            raise _UnsureError
        kind = self._kind(clause, date)
        if date is None:
            return FoundPromise(text=text, kind=kind, due=None, words=(words,))

        said = clause.low[date.start : date.end].strip(EDGES)
        return FoundPromise(
            text=text,
            kind=kind,
            due=date.moment,
            relation=date.relation,
            since=date.since,
            dated=said in lowered(text),
            words=(words, clause.text[date.start : date.end].strip()),
        )

    def _kind(self, clause: Clause, date: FoundDate | None) -> PromiseKind:
        """Return what kind of promise a clause makes.

        Args:
            clause: the clause.
            date: its date.
        """
        doubted = date and self.patterns.topics.doubt.search(clause.low)
        if doubted or self._says(("estimate", "hoped"), clause.low):
            return PromiseKind.ESTIMATE
        if self._is_update(clause.low):
            return PromiseKind.NEXT_UPDATE
        return PromiseKind.ESTIMATE if clause.depends_on_event else PromiseKind.FIRM


def find_commitments(
    text: str,
    *,
    sent_at: datetime,
    calendar: Calendar,
    language: Language,
    doubtful: Collection[str] = (),
    currency: str = "",
    dated_only: bool = False,
) -> Found:
    """Return the promises and the gifts in an agent's reply, in the order of the text, and what must be asked.

    Args:
        text: the new text of the reply.
        sent_at: when the mail was sent: "by Friday" counts from it.
        calendar: the company's; "by Friday" means its close of business in its time zone.
        language: of the reply.
        doubtful: lines that may be quoted and are skipped.
        currency: the company's ISO 4217 code, which decides which dollar is meant.
        dated_only: leave out sentences without a date, which takes half of the time.
    """
    reader = _SentenceReader(
        language=language,
        patterns=promise_patterns(language),
        dates=date_reader(language, now=sent_at, calendar=calendar),
        currency=currency,
        dated_only=dated_only,
    )
    found = _Result()
    for sentence in sentences(text, language.catalogue, doubtful):
        reader.read(sentence, found)
    return Found(tuple(found.promises), tuple(found.gifts), tuple(found.unsure))


def line_of(clause: str, when: FoundDate | None) -> str:
    """Return a clause as a line of a letter: whole, but for a date at its very end, which the letter writes itself.

    Args:
        clause: as the agent wrote it.
        when: its date, None for none.

    Returns:
        A line with a capital at its beginning and without a full stop. A clause of which hardly anything
        would be left keeps its date.
    """
    text = clause.strip().rstrip(" ,;:–—-")
    if when is not None and when.end >= len(clause.rstrip(" ,;:.!–—-")):
        opening = clause[: when.start].strip().rstrip(" ,;:–—-")
        if len(opening.split()) >= _FEWEST_WORDS_LEFT:
            text = opening
    return text[:1].upper() + text[1:].rstrip(" .")
