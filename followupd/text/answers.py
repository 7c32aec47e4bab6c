"""Read customers' short answers: has it arrived, and which option suits better.

And whether a call reached nobody.

An answer counts only if every word in it is known (languages/*/answers.toml). A hedge, a question, a
condition, another amount or another thing contains an unknown word; then the answer is unclear, and a person
is asked. The words of all languages are used together, because one word does not tell its language.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from followupd.domain.compensation import Compensation, Gift
from followupd.domain.promise import Option
from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import verbatim
from followupd.languages.schema import Answers, ChoiceTable, LanguageTable, Receipt
from followupd.text import without_accents

#: characters of an answer about a receipt that are read
_MAX_RECEIPT = 2000
#: characters of a choice; a longer mail is read by a person
_MAX_CHOICE = 400

#: signs and codes of currencies; what currencies are called is in the language files
_SIGNS, _CODES = "€$£¥", ("eur", "usd", "gbp", "chf")
_NEVER = re.compile("(?!)")
_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*(?:\s|$)|[^.!?;\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*'?|\d(?:[.,]*\d)*|\S")
_MARKS = re.compile(r"[,:;.!?¡¿\"'()\[\]{}…–—-]+")
_CHOICE_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?'?|[%€$£]")


def folded(text: str) -> str:
    """Return the text in lower case, without accents, with straight apostrophes.

    Args:
        text: of any language.
    """
    return without_accents(text.casefold().replace("’", "'"))


# --- the words of all languages ---


@dataclass(frozen=True, slots=True, eq=False)
class ReceiptWords:
    """Words of answers to "has it arrived?"; `languages/en/answers.toml` says what each set is for.

    `content` are the words that count as an answer, `known` all known words.
    """

    yes: frozenset[str]
    no: frozenset[str]
    denials: frozenset[str]
    nothing: frozenset[str]
    waiting: frozenset[str]
    arrived: frozenset[str]
    all: frozenset[str]
    breaks: frozenset[str]
    contrasts: frozenset[str]
    other_things: frozenset[str]
    kinds: Mapping[Gift, frozenset[str]]
    kind_words: frozenset[str]
    content: frozenset[str]
    known: frozenset[str]
    currencies: re.Pattern[str]
    negation_endings: tuple[tuple[re.Pattern[str], str], ...]
    elided: re.Pattern[str]


@lru_cache(maxsize=8)
def receipt_words(languages: Catalogue) -> ReceiptWords:
    """Return the words of answers about a receipt, of all languages.

    Args:
        languages: the shipped ones and those of the admin.
    """
    answers = [language.answers for language in languages.all()]
    tables = [answer.receipt for answer in answers]
    kind_tables = [table.kinds for table in tables]
    kinds = {gift: _union(kind_tables, gift.value) for gift in (Gift.REFUND, Gift.CREDIT, Gift.COUPON)}
    kind_words = frozenset[str]().union(*kinds.values())
    content = kind_words | _union(tables, "yes", "no", "denials", "nothing", "waiting", "arrived")
    currencies = sorted({*_CODES, *_union(tables, "currencies")})
    return ReceiptWords(
        yes=_union(tables, "yes"),
        no=_union(tables, "no"),
        denials=_union(tables, "denials"),
        nothing=_union(tables, "nothing"),
        waiting=_union(tables, "waiting"),
        arrived=_union(tables, "arrived"),
        all=_union(tables, "all"),
        breaks=_union(tables, "breaks"),
        contrasts=_union(tables, "contrasts"),
        other_things=_union(tables, "other_things"),
        kinds=MappingProxyType(kinds),
        kind_words=kind_words,
        content=content,
        known=content | _union(tables, "all", "plain", "courtesy"),
        currencies=re.compile(rf"[{_SIGNS}]|\b(?:{'|'.join(map(re.escape, currencies))})\b"),
        negation_endings=_negation_endings(tables),
        elided=_elided(answers),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceWords:
    """Words of answers to "which option do you choose?"."""

    numbers: Mapping[str, int]
    last: frozenset[str]
    only_of_two: frozenset[str]
    weak_numbers: frozenset[str]
    courtesy: frozenset[str]
    not_numbers: re.Pattern[str]
    elided: re.Pattern[str]


@lru_cache(maxsize=8)
def choice_words(languages: Catalogue) -> ChoiceWords:
    """Return the words of answers about options, of all languages.

    Args:
        languages: the shipped ones and those of the admin.
    """
    answers = [language.answers for language in languages.all()]
    tables = [answer.choice for answer in answers]
    phrases = "|".join(re.escape(phrase) for table in tables for phrase in table.not_numbers)
    not_numbers = re.compile(rf"\b(?:{phrases})\b") if phrases else _NEVER
    return ChoiceWords(
        numbers=_numbers_by_word(tables),
        last=_union(tables, "last"),
        only_of_two=_union(tables, "only_of_two"),
        weak_numbers=_union(tables, "weak_numbers"),
        courtesy=_union(tables, "courtesy"),
        not_numbers=not_numbers,
        elided=_elided(answers),
    )


def _union(tables: Iterable[LanguageTable], *names: str) -> frozenset[str]:
    """Return the words of some sets in all languages.

    Args:
        tables: the same table of each language.
        names: keys of the table.
    """
    union: frozenset[str] = frozenset()
    for table in tables:
        for name in names:
            union |= getattr(table, name)

    return union


def _negation_endings(tables: Iterable[Receipt]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of words with an ending such as "n't", with the two words that they are.

    Args:
        tables: the table [receipt] of each language.
    """
    found = []
    for table in tables:
        for ending, word in table.negation_endings.items():
            pattern = re.compile(rf"\b(\w+?){re.escape(ending)}\b")
            found.append((pattern, rf"\1 {word}"))

    return tuple(found)


def _numbers_by_word(tables: Sequence[ChoiceTable]) -> dict[str, int]:
    """Return the numbers of options by their words and digits.

    Args:
        tables: the table [choice] of each language. There are digits up to the highest number that has a
            word.
    """
    numbers: dict[str, int] = {}
    highest = 0
    for table in tables:
        highest = max(highest, len(table.numbers))
        for number, words in enumerate(table.numbers, 1):
            numbers |= dict.fromkeys(words, number)

    digits = {str(number): number for number in range(1, highest + 1)}
    return numbers | digits


def _elided(answers: Iterable[Answers]) -> re.Pattern[str]:
    """Return the pattern of elided words such as "l'" in "l'option".

    Args:
        answers: answers.toml of each language.
    """
    elisions: dict[str, None] = {}
    for answer in answers:
        elisions |= dict.fromkeys(map(re.escape, answer.elisions))
    if not elisions:
        return _NEVER
    return re.compile(rf"\b({'|'.join(elisions)})'(?=\w)")


# --- nothing but thanks ---

#: characters of plain thanks
_MAX_THANKS = 300


@lru_cache(maxsize=8)
def _thanks_words(languages: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of thanks in all languages, and those that may be around them."""
    tables = [language.answers.thanks for language in languages.all()]
    return _union(tables, "thanks"), _union(tables, "thanks", "around")


def is_thanks(text: str, names: Collection[str] = (), languages: Catalogue | None = None) -> bool:
    """Return whether a mail says thanks and nothing else, so that it wants no answer.

    Args:
        text: the new text of the mail. One unknown word, a question or a number makes it more than thanks.
        names: names of people, which are no unknown words.
        languages: the languages to use, the shipped ones by default.
    """
    if len(text) > _MAX_THANKS or "?" in text:
        return False

    thanks, known = _thanks_words(languages or catalogue())
    signs = {sign for sign in text if unicodedata.category(sign) == "So"}
    words = {word for word in _WORD.findall(folded(text)) if word[0].isalnum()}
    people = folded(" ".join(names)).split()
    is_known = words <= known.union(people) and signs <= thanks
    return is_known and not thanks.isdisjoint(words | signs)


# --- is it right now? ---


class Right(StrEnum):
    """What a customer answers to "is it right for you now?"."""

    RIGHT = "right"
    WRONG = "wrong"
    UNCLEAR = "unclear"


#: characters of an answer to "is it right now?"
MAX_RIGHT = 700
#: what makes words doubtful: a question, three dots, quotation marks, a sad face
_DOUBTED = re.compile(r"[?…“”„«»\"]|\.\.|[:;=]['’]?-?[(\[/|]")
_CLAUSE = re.compile(r"[^,;:.!¡()–—\n]+")
#: in place of phrases: what says that it is right, and that it is wrong
_GOOD, _BAD = "✓", "✗"
#: letters that are stretched ("ouiii")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")


@dataclass(frozen=True, slots=True, eq=False)
class _RightWords:
    """The words of the tables [right] and [thanks] of all languages.

    `groups` says by its name what a word says: yes, weak, no, wrong, denials, waiting, whole, thanks, arrived.
    """

    groups: Mapping[str, frozenset[str]]
    misspelt: Mapping[str, str]
    greetings: frozenset[str]
    unsettled: frozenset[str]
    still: frozenset[str]
    alone: frozenset[str]
    known: frozenset[str]
    articles: frozenset[str]
    doubts: frozenset[str]
    joins: re.Pattern[str]
    persists: re.Pattern[str]
    right_phrases: re.Pattern[str]
    wrong_phrases: re.Pattern[str]
    leaving: re.Pattern[str]
    footers: re.Pattern[str]
    requests: re.Pattern[str]
    faults: re.Pattern[str]
    gone: re.Pattern[str]


@lru_cache(maxsize=8)
def _right_words(languages: Catalogue) -> _RightWords:
    """Return the words of answers to "is it right now?", of all languages."""
    tables = [language.answers.right for language in languages.all()]
    thanks, around = _thanks_words(languages)
    names = ("no", "wrong", "denials", "waiting", "weak", "whole", "arrived", "again")
    groups = {name: _union(tables, name) for name in names}
    groups["yes"] = _union(tables, "yes", "right") - groups["weak"] | {_GOOD}
    groups["thanks"] = thanks
    return _RightWords(
        groups=MappingProxyType(groups),
        misspelt=_misspelt(groups["yes"] | thanks),
        greetings=_union(tables, "greetings"),
        unsettled=_union(tables, "unsettled") | groups["wrong"],
        still=groups["again"] | groups["waiting"] | groups["no"] | {_BAD},
        alone=_union(tables, "alone"),
        known=frozenset().union(around, _union(tables, "around", "articles"), {_BAD}, *groups.values()),
        articles=_union(tables, "articles"),
        doubts=_union(tables, "doubts"),
        joins=_any_phrase(tables, "joins"),
        persists=_any_phrase(tables, "persists"),
        right_phrases=_any_phrase(tables, "right_phrases"),
        wrong_phrases=_any_phrase(tables, "wrong_phrases"),
        leaving=_any_phrase(tables, "leaving"),
        footers=_any_pattern(languages, "footers"),
        requests=_any_phrase(tables, "requests"),
        faults=_any_pattern(languages, "faults"),
        gone=_any_pattern(languages, "gone"),
    )


def _any_pattern(languages: Catalogue, name: str) -> re.Pattern[str]:
    """Return the pattern of any of these patterns of the tables [right], for a folded text."""
    answers = [language.answers for language in languages.all()]
    given = [(getattr(answer.right, name), answer.parts) for answer in answers]
    return re.compile("|".join(verbatim(patterns, parts) for patterns, parts in given))


def _misspelt(known: Iterable[str]) -> Mapping[str, str]:
    """Return long words by how they are typed with a letter left out, or with two in the wrong order."""
    spelt = {}
    for word in known:
        for n in range(1, len(word) - 1 if len(word) > 5 else 0):
            spelt[word[:n] + word[n + 1 :]] = word
            spelt[word[:n] + word[n + 1] + word[n] + word[n + 2 :]] = word

    return MappingProxyType(spelt)


def _any_phrase(tables: Iterable[LanguageTable], name: str) -> re.Pattern[str]:
    """Return the pattern of any of these phrases of all languages in a folded text, the longest first."""
    phrases = sorted(chain.from_iterable(getattr(table, name) for table in tables), key=len, reverse=True)
    joined = "|".join(re.escape(folded(phrase)) for phrase in phrases)
    return re.compile(rf"\b(?:{joined})\b") if joined else _NEVER


def read_right(text: str, names: Collection[str] = (), languages: Catalogue | None = None) -> Right:
    """Read the answer to "is it right for you now?"; one unknown word, a number or a question makes it unclear.

    Two things may be said in any words: what has come or works ("the new lamp"), and what is wrong after a plain no.

    Args:
        text: the new text of the mail.
        names: names of people, which are no unknown words.
        languages: the languages to use, the shipped ones by default.
    """
    words = _right_words(languages or catalogue())
    answer, request = _parted(text, words)
    if len(text) > MAX_RIGHT or _DOUBTED.search(answer):
        return Right.UNCLEAR
    low = words.gone.sub(f" {_GOOD} ", words.right_phrases.sub(_GOOD, answer))
    persists = words.persists.search(low) is not None
    low, fails = words.wrong_phrases.subn(f",{_BAD},", low)
    clauses = [_words_of(clause, words) for clause in _CLAUSE.findall(words.joins.sub(",", low))]
    people = {*folded(" ".join(names)).split(), *_signed(text, clauses, words)}
    told = [set(clause) - people for clause in clauses if clause]
    said = set().union(*told)
    named = set().union(*(_things(clause, words) for clause in clauses))
    faulty = words.faults.search(low) is not None
    is_known = said <= words.known | named and not faulty
    if not is_known or any(_is_ambiguous(clause, words) for clause in told):
        persists |= faulty and not said.isdisjoint(words.still)
        is_wrong = _is_told_wrong(told, words, persists=persists, fails=fails > 0)
        return Right.WRONG if is_wrong else Right.UNCLEAR
    found = {name for name, group in words.groups.items() if said & group}
    right = _right_or_wrong(found | {_FAILS} if fails else found)
    return Right.UNCLEAR if right is Right.RIGHT and _is_unsettled(request, words) else right


def asks_more(text: str, languages: Catalogue | None = None) -> bool:
    """Return whether a mail asks for something after its answer: "Yes. Do you have it in red?"."""
    return bool(_parted(text, _right_words(languages or catalogue()))[1])


def _parted(text: str, words: _RightWords) -> tuple[str, str]:
    """Return the part of a mail that answers, and from its first question or request on the other one, folded."""
    plain = words.footers.sub("", _STRETCHED.sub(r"\1", folded(text[:MAX_RIGHT])))
    sentences = _SENTENCE.findall(words.requests.sub(r"\n\g<0>", plain))
    asks = (n for n, sentence in enumerate(sentences) if "?" in sentence or words.requests.match(sentence))
    first = next(filter(None, asks), len(sentences))
    return "\n".join(sentences[:first]), "\n".join(sentences[first:])


def _is_unsettled(request: str, words: _RightWords) -> bool:
    """Return whether a request may be about what went wrong: "When will the other one come?", "And the money?"."""
    fails = words.faults, words.persists, words.wrong_phrases
    is_about_it = any(each.search(request) for each in fails) or words.joins.match(request.lstrip(" \n¿"))
    return bool(is_about_it) or not words.unsettled.isdisjoint(_words_of(request, words))


def _signed(text: str, clauses: Sequence[Sequence[str]], words: _RightWords) -> set[str]:
    """Return the names below a mail, and the one or two unknown words in or after a greeting."""
    *above, last = text.strip().split("\n")
    is_name = bool(above) and len(last.split()) < 5 and all(word[0].isupper() for word in last.split())
    names = set(_words_of(folded(last), words)) if is_name else set()
    for before, clause in zip([[], *clauses], clauses, strict=False):
        unknown = set(clause) - words.known - words.doubts
        if words.greetings & {*before[-1:], *clause[:2]} and len(unknown) < 3:
            names |= unknown

    return names - words.known - words.doubts


def _things(clause: Sequence[str], words: _RightWords) -> set[str]:
    """Return the unknown words that name what has come, or what works: within two words after an article.

    Args:
        clause: its words, in order.
        words: which of them say what.
    """
    groups = words.groups
    if not groups["yes"].union(groups["arrived"], groups["weak"], groups["thanks"]) & set(clause):
        return set()
    named = {
        word
        for two_before, before, word in zip(["", "", *clause], ["", *clause], clause, strict=False)
        if not words.articles.isdisjoint((two_before, before))
    }
    return named - words.known - words.doubts


def _is_told_wrong(clauses: Sequence[set[str]], words: _RightWords, *, persists: bool, fails: bool) -> bool:
    """Return whether somebody says in words that are not all known what is wrong: "No, the lid still leaks".

    Args:
        clauses: the words of each.
        words: which of them say what.
        persists: a phrase says that something is as bad as before.
        fails: a phrase says that it is not right, which is as good as a no.
    """
    groups = words.groups
    against = groups["denials"] | groups["wrong"] | groups["waiting"]
    praise = groups["yes"] | groups["weak"]
    if any(clause & words.doubts or (clause & praise and not clause & against) for clause in clauses):
        return False
    is_no = clauses[0] <= words.known and clauses[0] & groups["no"]
    rest = clauses[1:] if is_no else clauses
    return persists or bool((is_no or fails) and any(clause & against for clause in rest))


def _words_of(clause: str, words: _RightWords) -> list[str]:
    """Return the words and signs of a folded clause in order and spelt rightly, without marks."""
    spelt = [
        word if word in words.known else words.misspelt.get(word, word) for word in _WORD.findall(clause)
    ]
    return [word for word in spelt if word[0].isalnum() or unicodedata.category(word[0]) == "So"]


def _is_ambiguous(clause: set[str], words: _RightWords) -> bool:
    """Return whether a clause may say the opposite: "si tout va bien" (if), "no está mal" (not bad).

    Args:
        clause: its words.
        words: which of them say what.
    """
    no, wrong = clause & words.groups["no"], clause & words.groups["wrong"]
    is_condition = clause & words.alone and clause - words.alone - words.groups["thanks"]
    return bool(is_condition or (no and wrong))


class _Saying(NamedTuple):
    """What known words say together: a group that is seen, groups of which one must be, and of which none may be."""

    said: str
    beside: frozenset[str]
    without: frozenset[str]

    def fits(self, found: set[str]) -> bool:
        """Return whether the groups that were seen say this."""
        is_beside = not self.beside or not found.isdisjoint(self.beside)
        return self.said in found and is_beside and found.isdisjoint(self.without)


#: the group of the phrases which say that it is not right
_FAILS = "fails"
_ANY: frozenset[str] = frozenset()
_AGAINST = frozenset({"no", "wrong", "denials", _FAILS})
_PRAISE = frozenset({"yes", "weak", "thanks", "denials"})
_SAY_RIGHT = (
    _Saying("yes", _ANY, _AGAINST),
    _Saying("whole", frozenset({"weak", "arrived"}), _AGAINST),
)
_SAY_WRONG = (
    _Saying("denials", frozenset({"yes", "weak", "no", "waiting"}), frozenset({"wrong"})),
    _Saying("no", _ANY, _PRAISE),
    _Saying("wrong", _ANY, _PRAISE),
    _Saying(_FAILS, _ANY, frozenset({"yes", "weak", "wrong"})),
)


def _right_or_wrong(found: set[str]) -> Right:
    """Return what known words say together; whatever speaks for both is unclear.

    Args:
        found: the groups of words that were seen.
    """
    if any(saying.fits(found) for saying in _SAY_RIGHT):
        return Right.RIGHT
    return Right.WRONG if any(saying.fits(found) for saying in _SAY_WRONG) else Right.UNCLEAR


def says_farewell(text: str, languages: Catalogue | None = None) -> bool:
    """Return whether a customer writes that they leave for good, in one of the known turns of phrase."""
    found = _right_words(languages or catalogue()).leaving.search(folded(text[:_MAX_RECEIPT]))
    return found is not None


# --- has it arrived? ---


class Answer(StrEnum):
    """What a customer says about one grant."""

    ARRIVED = "arrived"
    MISSING = "missing"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """The answer for each grant by its number; `settled` if nothing else needs an answer."""

    answers: dict[int, Answer]
    settled: bool

    def those(self, answer: Answer) -> tuple[int, ...]:
        """Return the numbers of the grants with this answer.

        Args:
            answer: the wanted one.
        """
        return tuple(n for n, found in self.answers.items() if found is answer)


def read_receipt(
    text: str,
    asked: Sequence[Compensation],
    names: Collection[str] = (),
    languages: Catalogue | None = None,
) -> ReceiptReading:
    """Read the answer of a customer who was asked whether these grants arrived.

    Only a plain "the refund has not arrived" may be among unknown words: it only makes a person look.

    Args:
        text: the new text of the mail.
        asked: the grants.
        names: names of people, which do not make an answer unclear.
        languages: the languages to use, the shipped ones by default.
    """
    words = receipt_words(languages or catalogue())
    people = {word for name in names for word in folded(name.replace("`", "'")).split()}
    return _ReceiptReader(words, asked, words.known | people | _amounts(asked)).read(text)


def _amounts(asked: Sequence[Compensation]) -> set[str]:
    """Return the ways to write the amounts of the grants: "25.00", "25,00" and "25".

    Args:
        asked: the grants; goods have no amount.
    """
    ways: set[str] = set()
    for grant in asked:
        if grant.money is None:
            continue
        amount = grant.money.amount
        whole, _, _ = amount.partition(".")
        ways |= {amount, amount.replace(".", ","), whole}

    return ways


def _only(answers: Collection[Answer]) -> Answer:
    """Return the answer if there is exactly one.

    Args:
        answers: what the clauses say about one grant.
    """
    if len(answers) != 1:
        return Answer.UNCLEAR
    return next(iter(answers))


@dataclass(frozen=True, slots=True)
class _AnswerClause:
    """A part of a sentence. `contrast` says that it begins with "but" or the like."""

    words: tuple[str, ...]
    contrast: bool = False
    question: bool = False

    def has(self, words: Collection[str]) -> bool:
        """Whether the clause contains one of the words.

        Args:
            words: the words.
        """
        return any(word in words for word in self.words)


@dataclass(frozen=True, slots=True)
class _ReceiptReader:
    """Reads the answer about some grants; `known` are all known words."""

    words: ReceiptWords
    asked: Sequence[Compensation]
    known: frozenset[str] = field(repr=False)

    def read(self, text: str) -> ReceiptReading:
        """Return the answer for each grant.

        Args:
            text: the new text of the mail. The answer is unclear for a grant that no clause is about, or
                about which clauses contradict each other.
        """
        clauses: list[_AnswerClause] = []
        for sentence in self._sentences(text):
            clauses += self._joined_clauses(sentence)

        settled = all(map(self._is_understood, clauses))

        found: dict[int, set[Answer]] = {grant.n: set() for grant in self.asked}
        for clause in clauses:
            answers = self._answers_in(clause)
            if not settled and self._is_bare(clause):
                answers = dict.fromkeys(answers, Answer.UNCLEAR)
            for n, answer in answers.items():
                found[n].add(answer)

        result = {n: _only(different) for n, different in found.items()}
        is_clear = Answer.UNCLEAR not in result.values()
        return ReceiptReading(result, settled and is_clear)

    def _is_understood(self, clause: _AnswerClause) -> bool:
        """Whether all words of a clause are known, and it asks nothing.

        Args:
            clause: a clause of an agent's sentence.
        """
        return not clause.question and self.known.issuperset(clause.words)

    def _is_bare(self, clause: _AnswerClause) -> bool:
        """Whether a clause is a bare yes or no.

        If there is more in the mail, it may be the answer to something else: "Yes" in "Yes, please transfer it".

        Args:
            clause: a clause of an agent's sentence.
        """
        words = self.words
        more = words.arrived | words.denials | words.nothing | words.waiting
        is_yes_or_no = clause.has(words.yes | words.no)
        return is_yes_or_no and not clause.has(more)

    def _answers_in(self, clause: _AnswerClause) -> dict[int, Answer]:
        """Return what one clause says about which grants, by their numbers.

        A greeting says nothing, and neither does a clause of unknown words that is about something else.

        Args:
            clause: a clause of an agent's sentence.
        """
        names_any = clause.has(self.words.kind_words)
        other_kind = names_any and not self._named(clause)
        if other_kind or not self._is_understood(clause):
            return self._doubtful_answers(clause, other_kind=other_kind)
        if not clause.has(self.words.content):
            return {}

        return self._plain_answers(clause)

    def _doubtful_answers(self, clause: _AnswerClause, *, other_kind: bool) -> dict[int, Answer]:
        """Return what a clause says that is not understood in full: missing, unclear, or nothing.

        A clause that takes something back ("but ...") makes the answer unclear, whatever its words are.

        Args:
            clause: the clause, with a question, an unknown word or another kind of compensation.
            other_kind: it names another kind.
        """
        is_question = clause.question
        if not is_question and not other_kind and self._is_plainly_missing(clause):
            return dict.fromkeys(self._meant(clause), Answer.MISSING)

        says_something = clause.has(self.words.content)
        if says_something or clause.contrast:
            return self._all_unclear()

        return {}

    def _plain_answers(self, clause: _AnswerClause) -> dict[int, Answer]:
        """Return what a clause of known words says.

        Args:
            clause: the clause. If several grants are meant, "yes" and "nothing" are about all of them, while
                "it has arrived" and "not yet" do not tell about which one.
        """
        words = self.words
        negative = words.no | words.denials | words.waiting | words.nothing
        if clause.has(words.all) and clause.has(words.denials | words.no):
            return self._all_unclear()  # "not all of it" and "all not" are one

        is_certain = len(self.asked) == 1 or len(self._named(clause)) > 0
        if clause.has(negative):
            answer = Answer.MISSING
            is_certain |= clause.has(words.nothing)
        elif clause.has(words.yes | words.arrived):
            answer = Answer.ARRIVED
            is_certain |= clause.has(words.all) or not clause.has(words.arrived)
        else:
            return {}

        if not is_certain:
            answer = Answer.UNCLEAR
        return dict.fromkeys(self._meant(clause), answer)

    def _all_unclear(self) -> dict[int, Answer]:
        """Return that the answer is unclear for each grant."""
        numbers = (grant.n for grant in self.asked)
        return dict.fromkeys(numbers, Answer.UNCLEAR)

    def _is_plainly_missing(self, clause: _AnswerClause) -> bool:
        """Whether the clause says explicitly that a grant has not arrived, whatever else it says.

        It names the kind of grant, and denies that it has arrived or says that the customer still waits for
        it.

        Args:
            clause: the clause, such as "the refund which you promised has not arrived".
        """
        words = self.words
        if clause.has(words.other_things | words.yes):
            return False
        if not clause.has(words.kind_words):
            return False

        denials = words.denials | words.nothing | words.no
        is_denied = clause.has(words.arrived) and clause.has(denials)
        return is_denied or clause.has(words.waiting)

    def _meant(self, clause: _AnswerClause) -> Sequence[int]:
        """Return the grants that a clause is about: those it names, or all.

        Args:
            clause: a clause of an agent's sentence.
        """
        named = self._named(clause)
        if named:
            return named
        return [grant.n for grant in self.asked]

    def _named(self, clause: _AnswerClause) -> list[int]:
        """Return the grants whose kind the clause names, by their numbers.

        Args:
            clause: the clause. The name of another kind than those of the grants names none.
        """
        kinds = {kind for kind, words in self.words.kinds.items() if clause.has(words)}
        return [grant.n for grant in self.asked if grant.kind in kinds]

    def _sentences(self, text: str) -> Iterator[str]:
        """Yield the sentences, with negations that are written in one word ("hasn't") split.

        Args:
            text: of which the first _MAX_RECEIPT characters are read.
        """
        plain = folded(text[:_MAX_RECEIPT].replace("`", "'"))
        for ending, apart in self.words.negation_endings:
            plain = ending.sub(apart, plain)
        for line in plain.splitlines():
            yield from _SENTENCE.findall(line)

    def _clauses(self, sentence: str) -> Iterator[_AnswerClause]:
        """Split a sentence at commas and at words that begin another clause.

        Args:
            sentence: folded. If it is a question, all of its clauses are.
        """
        question = sentence.rstrip().endswith("?") or "¿" in sentence
        for part in re.split(r",(?!\d)", sentence):
            words: list[str] = []
            contrast = False
            for word in self._words_of(part):
                if word not in self.words.breaks:
                    words.append(word)
                    continue
                yield _AnswerClause(tuple(words), contrast, question)
                words = []
                contrast = word in self.words.contrasts
            yield _AnswerClause(tuple(words), contrast, question)

    def _joined_clauses(self, sentence: str) -> Iterator[_AnswerClause]:
        """Join a clause that only names kinds to the next one: "the refund and the coupon have arrived".

        At the end of a sentence it stays a clause.

        Args:
            sentence: folded. Its clauses without words are left out.
        """
        kind_words = self.words.kind_words
        answer_words = self.words.content - kind_words
        waiting: tuple[str, ...] = ()
        for clause in self._clauses(sentence):
            words = (*waiting, *clause.words)
            whole = _AnswerClause(words, clause.contrast, clause.question)
            only_names_kinds = whole.has(kind_words) and not whole.has(answer_words)
            waiting = words if only_names_kinds else ()
            if words and not only_names_kinds:
                yield whole

        if waiting:
            yield _AnswerClause(waiting)

    def _words_of(self, part: str) -> list[str]:
        """Return the words of a part, without marks and currencies, elided words split.

        Args:
            part: the part of a sentence, folded.
        """
        spelled = self.words.elided.sub(r"\1' ", self.words.currencies.sub(" ", part))
        return [word for word in _WORD.findall(spelled) if not _MARKS.fullmatch(word)]


# --- which option? ---


def chosen(
    text: str, options: Collection[Option], names: Collection[str] = (), languages: Catalogue | None = None
) -> int | None:
    """Return the number of the option that a text chooses, None if it is not clear.

    It must name exactly one number on offer, and every other word must be known to go with a choice. A
    condition, a second number, a "not" or a question is for the owner.

    Args:
        text: the new text of the mail.
        options: the options on offer.
        names: names of people, which do not make an answer unclear.
        languages: the languages to use, the shipped ones by default.
    """
    plain = folded(text).strip()
    if not 0 < len(plain) <= _MAX_CHOICE or "?" in plain:
        return None

    known = choice_words(languages or catalogue())
    words = _CHOICE_WORD.findall(_without_other_ones(plain, known))
    numbers = _numbers(words, options, known)
    people = folded(" ".join(names)).split()
    unknown = set(words) - numbers.keys() - known.courtesy - set(people)
    if unknown:
        return None

    certain = {number for word, number in numbers.items() if word not in known.weak_numbers}
    candidates = certain or set(numbers.values())
    on_offer = {option.n for option in options}
    is_clear = len(candidates) == 1 and candidates <= on_offer
    return candidates.pop() if is_clear else None


def _numbers(words: Iterable[str], options: Collection[Option], known: ChoiceWords) -> dict[str, int]:
    """Return the words that name a number, with their numbers.

    "Last" is the highest number on offer. "Former" and "latter" name one only where there are two.

    Args:
        words: the words of the answer.
        options: those on offer.
        known: the words of answers.
    """
    found = {}
    is_pair = len(options) == 2
    for word in words:
        if word in known.only_of_two and not is_pair:
            continue
        if word in known.last:
            found[word] = max(option.n for option in options)
        elif word in known.numbers:
            found[word] = known.numbers[word]

    return found


def _without_other_ones(text: str, known: ChoiceWords) -> str:
    """Split elided words such as "l'option", and remove "one" where it is not a number.

    Args:
        text: folded.
        known: the words of answers.
    """
    return known.not_numbers.sub(" ", known.elided.sub(r"\1' ", text))


# --- was anybody reached? ---


def reached_nobody(text: str, languages: Catalogue) -> bool:
    """Whether an agent's line about a call says that nobody, or only a voice mail, was reached.

    Args:
        text: the text of the line.
        languages: all of them, since the language of the line is not known.
    """
    return _nobody_reached(languages).search(text) is not None


@lru_cache(maxsize=8)
def _nobody_reached(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of what agents write of a call in which they reached nobody.

    Args:
        languages: all of them, since the language of a line is not known.
    """
    patterns = []
    for language in languages.all():
        calls = language.answers.calls
        if calls.nobody:
            patterns.append(verbatim(calls.nobody, language.answers.parts))
    return re.compile("|".join(patterns), re.IGNORECASE)
