"""Coach agents in stating facts: name what a customer could not read, and draft a better sentence."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import compress
from operator import itemgetter
from types import MappingProxyType

from babel import Locale

from followupd.domain.translatable import Translatable, msg, msgid
from followupd.languages import Catalogue, Language, day_in_words, fact_weights, home_of
from followupd.languages.patterns import any_of, expand, whole_words
from followupd.languages.schema import FactDraft, FactMoment, FactWords
from followupd.text.names import SHIPPED, common_first_names
from followupd.text.ngrams import Classes, ngrams, places, tokens
from followupd.text.wording.checker import MAX_READ, flat, pattern, plain, sentences

#: what the agent is told of each flaw; `{words}` is the fact
_FLAWS = {
    "stub": msgid("“{words}” tells the customer nothing, so the {fact} is still missing."),
    "language": msgid("“{words}” is not in the language of the letter."),
    "known": msgid("“{words}” is what the customer told us; say how it came about, or what we did about it."),
    "excuse": msgid("“{words}” sounds like an excuse; say what went wrong on our side, or what we changed."),
    "repetition": msgid("“{words}” says again what the {other} says."),
    "third-person": msgid("“{words}” speaks about the customer, and the letter speaks to the customer."),
    "blame": msgid("“{words}” puts the blame on somebody, and the letter speaks for all of us."),
    "not-done": msgid("“{words}” is still to come, and the letter tells what has changed already."),
    "empty": msgid("“{words}” could stand in any letter; say what is different in this matter."),
    "shouting": msgid("“{words}” sounds loud to somebody who is upset."),
    "internal": msgid("“{words}” is said among us, and not to a customer."),
    "fragment": msgid("“{words}” is no whole sentence, and would stand in the letter as it is."),
    "unfit": msgid(
        "“{words}” would not read well in the letter; tell the customer plainly what went wrong, "
        "what was done, or what is different now."
    ),
}
#: flaws that words alone show, whatever else the fact says
_PLAIN_FLAWS = frozenset({"stub", "language", "shouting", "repetition"})
#: facts that letters repeat, so that they must be fit for it
COACHED_FACTS = ("issue", "impact", "cause", "resolution", "prevention")
#: facts of which strangers wrote good and poor ones, from which the weights of both were learned
_WEIGHED = frozenset({"cause", "resolution", "prevention"})
#: facts that say what went wrong
_CAUSES = frozenset({"cause", "issue", "impact"})
#: words of a fact; a shorter one is no sentence
_MIN_WORDS = 3
#: so many more stop words of another language than of the letter's show that it is written in the other
_MORE_FOREIGN = 2
#: share of words that two facts have in common when one repeats the other
_SAME = 0.8
#: the same of the longer one, where only the stems of the content are compared
_SAME_OF_LONGER = 0.6
#: characters by which two words are known as forms of one
_STEM = 4
#: log-odds below which a text is no whole sentence, and by which one language is likelier than the letter's
_NO_CLAUSE, _LIKELIER = -1.0, 4.0
#: log-odds of being poor by which a fact goes back although no list has its words, and below which one stands
#: although a list has
_POOR, _GOOD = 1.6, -1.0
#: characters of a fact that is weighed: it was learned from single sentences
_MAX_WEIGHED = 240
#: n-grams whose meaning depends on which fact it is
_OF_ONE_FACT = ("w", "b")
#: what the lists say of a text: see `clause_signs`
CLAUSE_SIGNS = ("subject", "verb", "clause", "perhaps", "short")
_MARKS = " \t.,;:!?…\"'“”„«»()-"
_CARD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
#: share of capitals in a text of so many letters that is shouted
_LOUD, _LOUD_LETTERS = 0.6, 10
_MARKS_IN_A_ROW = re.compile(r"[!?]{2}")
_NAME_PLACE = "{NAME}"
_NEVER = "(?!)"
#: stands for a day that only the agent knows
_UNKNOWN_DAY = "\0"
#: a comma after a date that another mark, or nothing, follows
_COMMAS = re.compile(r",(\s*(?:[.,;:!?)]|$))")
_NOTHING = re.compile(_NEVER)
#: flaws of a sentence that is about somebody
_ABOUT_PEOPLE = frozenset({"third-person", "blame"})


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong with a fact, in a sentence for the agent, and a better one ("" when there is none)."""

    flaw: str
    problem: Translatable
    draft: str = ""


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The compiled lists of [facts] of one language."""

    subject: re.Pattern[str]
    verb: re.Pattern[str]
    perhaps_verb: re.Pattern[str]
    headless: re.Pattern[str]
    third_person: re.Pattern[str]
    pronoun: re.Pattern[str]
    antecedent: re.Pattern[str]
    blame: re.Pattern[str]
    brand: re.Pattern[str]
    colleague: re.Pattern[str]
    same_name: re.Pattern[str]
    reproach: re.Pattern[str]
    accused: re.Pattern[str]
    doer: re.Pattern[str]
    told: re.Pattern[str]
    empty: re.Pattern[str]
    symptom: re.Pattern[str]
    trouble: re.Pattern[str]
    harm: re.Pattern[str]
    mended: re.Pattern[str]
    foreign: re.Pattern[str]
    excuse: re.Pattern[str]
    vague: re.Pattern[str]
    internal: re.Pattern[str]
    not_done: re.Pattern[str]
    not_done_unless: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Fact:
    """One fact that is examined, with what is known around it."""

    name: str
    text: str
    language: Language
    names: frozenset[str]
    others: Mapping[str, str]

    @property
    def words(self) -> FactWords:
        """What the letter's language says about facts."""
        return self.language.wording.facts

    @property
    def patterns(self) -> _Patterns:
        """The compiled lists of the letter's language."""
        return _patterns(self.language)

    def saying(self, text: str) -> "_Fact":
        """Return the fact in other words, which repeat nothing.

        Args:
            text: the other words.
        """
        return replace(self, text=text, others={})


def advice(
    name: str,
    text: str,
    *,
    language: str,
    others: Mapping[str, str] = MappingProxyType({}),
    names: Collection[str] = (),
    languages: Catalogue = SHIPPED,
) -> Advice | None:
    """Return what an agent should change in a fact before it is used in a letter; None when it may.

    Args:
        name: of the fact: issue, impact, cause, resolution or prevention.
        text: what the agent stated, of which the first MAX_READ characters are read.
        language: the language of the customer's letters; of one without such lists, only stubs are told.
        others: the other facts of the case, by name.
        names: first names of the agents, who are not named in letters.
        languages: the languages to use.
    """
    fact = _Fact(
        name=name,
        text=flat(plain(text))[:MAX_READ],
        language=languages.language(language),
        names=common_first_names(languages).union(names),
        others=others,
    )
    flaw, found = _first_flaw(fact)
    if not flaw:
        return None

    other = msg(found) if flaw == "repetition" else ""
    problem = msg(_FLAWS[flaw], words=flat(text), fact=msg(name), other=other)
    return Advice(flaw, problem, _draft(flaw, fact))


def of_another_day(
    name: str, text: str, *, day: date, language: str, languages: Catalogue = SHIPPED
) -> str | None:
    """Return a fact as a letter of a later day may say it: with a date for "this morning"; None without such words.

    It is "" where only the agent knows the date.

    Args:
        name: of the fact.
        text: what the agent stated.
        day: on which it was stated.
        language: the language of the customer's letters.
        languages: the languages to use.
    """
    own = languages.language(language)
    said = draft = flat(plain(text))[:MAX_READ]
    for words, moment in _moments(own):
        if name in (moment.facts or COACHED_FACTS):
            draft = words.sub(_on(day + timedelta(days=moment.day), moment.write, own), draft)

    if draft == said:
        return None
    return "" if _UNKNOWN_DAY in draft else _as_sentence(_COMMAS.sub(r"\1", draft).rstrip(" ."))


def _on(day: date, write: str, language: Language) -> str:
    """Return how a letter of a later day says when it was, a mark where only the agent knows that.

    Args:
        day: the day that is meant.
        write: words around the {date}.
        language: of the letter.
    """
    locale = home_of(Locale.parse(language.info.locale))
    spoken = day_in_words(day, locale, language.info.letters, with_year=False)
    return write.replace("{date}", spoken) or _UNKNOWN_DAY


def is_stub(text: str, languages: Catalogue = SHIPPED) -> bool:
    """Whether a fact says nothing ("n/a", "done", "dunno"), in whichever language: it counts as missing.

    Args:
        text: what the agent stated.
        languages: the languages to use.
    """
    bare = flat(plain(text))[:MAX_READ].strip(_MARKS)
    return _stubs(languages).fullmatch(bare) is not None


# --- flaws ---


def _first_flaw(fact: _Fact) -> tuple[str, str]:
    """Return the first flaw of a fact, and the words that show it; "" where it has none.

    Args:
        fact: the one that is examined.
    """
    flaw, words = _listed_flaw(fact)
    return (flaw, words) if flaw in _PLAIN_FLAWS else _weighed(flaw, words, fact)


def _listed_flaw(fact: _Fact) -> tuple[str, str]:
    """Return the first flaw that a list shows, and the words that show it; "" where none does.

    Args:
        fact: the one that is examined.
    """
    checks = _CHECKS if fact.words.verb else _CHECKS[:1]
    found = ((flaw, is_found(fact)) for flaw, facts, is_found in checks if fact.name in facts)
    return next(filter(itemgetter(1), found), ("", ""))


def _weighed(flaw: str, words: str, fact: _Fact) -> tuple[str, str]:
    """Return a flaw that lists have found, or none where all the words together say otherwise.

    Args:
        flaw: of the fact; "" where the lists found none.
        words: that show it.
        fact: the one that is examined.
    """
    is_known = fact.language.tag in fact_weights()["language"]["classes"]
    if not is_known or fact.name not in _WEIGHED or len(fact.text) > _MAX_WEIGHED:
        return flaw, words
    models = _trained("fit")
    poor = models.scores_at(places(fact_grams(fact.name, fact.text, fact.language.tag), models.bits))["poor"]
    if poor >= _POOR and not flaw:
        return "unfit", fact.text
    is_good = poor < _GOOD and not fact.patterns.headless.search(fact.text)
    return ("", "") if is_good else (flaw, words)


def _stub(fact: _Fact) -> str:
    """Return the words of a fact that says nothing.

    Args:
        fact: the one that is examined.
    """
    return (fact.text or "-") if is_stub(fact.text, fact.language.catalogue) else ""


def _other_language(fact: _Fact) -> str:
    """Return the name of another language in which the fact is written.

    Args:
        fact: the one that is examined.
    """
    scores = _trained("language").scores(bare(fact.text), "")
    likeliest = max(scores, key=lambda tag: scores[tag])
    own = scores.get(fact.language.tag)
    if own is not None and scores[likeliest] - own >= _LIKELIER:
        return likeliest
    if len(set(map(str.lower, fact.patterns.foreign.findall(fact.text)))) >= _MORE_FOREIGN:
        return "another"
    if _is_clause(fact.text, fact.language):
        return ""
    others = (each for each in fact.language.catalogue.all() if each.info.stop_words)
    return next((other.tag for other in others if _is_rather(other, fact)), "")


def _is_rather(other: Language, fact: _Fact) -> bool:
    """Return whether a fact is written in this language rather than in that of the letter.

    Args:
        other: a language that has its lists.
        fact: the one that is examined.
    """
    words = list(map(str.casefold, _CARD.findall(fact.text)))
    own, more = (sum(map(each.info.stop_words.__contains__, words)) for each in (fact.language, other))
    return more - own >= _MORE_FOREIGN


def _repeated(fact: _Fact) -> str:
    """Return the name of the other fact that this one repeats.

    Args:
        fact: the one that is examined.
    """
    others = dict(fact.others) | {fact.name: ""}
    return next((name for name, text in others.items() if text and _says_the_same(fact, text)), "")


def _says_the_same(fact: _Fact, other: str) -> bool:
    """Return whether another fact has nearly the same words, or the same content in another voice.

    "The battery was changed" and "We have changed the battery" have the same stems apart from their stop words.

    Args:
        fact: the one that is examined.
        other: the text of another fact.
    """
    words, more = _word_set(fact.text), _word_set(other)
    if len(words & more) >= _SAME * len(words | more):
        return True

    stems, others = (_stems(each, fact) for each in (words, more))
    fewer, most = sorted((len(stems), len(others)))
    common = len(stems & others)
    return common >= max(1, _SAME * fewer) and common >= _SAME_OF_LONGER * most


def _stems(words: Collection[str], fact: _Fact) -> frozenset[str]:
    """Return the beginnings of the words that carry the content.

    Args:
        words: of a fact, in lower case.
        fact: the one that is examined, in whose language they are.
    """
    vague, stop_words = fact.patterns.vague, fact.language.info.stop_words
    content = (word for word in words if word not in stop_words and not vague.fullmatch(word))
    return frozenset(word[:_STEM] for word in content if len(word) >= _STEM - 1)


def _pronoun(fact: _Fact) -> str:
    """Return the pronoun that speaks about the customer; "he" may mean somebody named before it.

    Args:
        fact: the one that is examined.
    """
    patterns = fact.patterns
    pronouns = (
        match[0]
        for sentence in sentences(fact.text)
        for match in patterns.pronoun.finditer(sentence)
        if not patterns.antecedent.search(sentence[: match.start()])
    )
    return next(pronouns, "")


def _phrase(name: str) -> Callable[[_Fact], str]:
    """Return what finds a phrase in a fact that may be in no letter.

    Args:
        name: of the list of phrases, as [phrases] has it.
    """

    def found(fact: _Fact) -> str:
        listed = pattern(fact.language.catalogue, fact.language.tag, name)
        return _found(listed or _NOTHING, fact)

    return found


def _listed(name: str) -> Callable[[_Fact], str]:
    """Return what finds the words of one list of the letter's language in a fact.

    Args:
        name: of the list, as [facts] has it.
    """
    return lambda fact: _found(getattr(fact.patterns, name), fact)


def _shouted(fact: _Fact) -> str:
    """Return words in capitals, or with a row of marks after them.

    Args:
        fact: the one that is examined.
    """
    letters = list(filter(str.isalpha, fact.text))
    capitals = sum(map(str.isupper, letters))
    is_loud = len(letters) >= _LOUD_LETTERS and capitals >= _LOUD * len(letters)
    return fact.text if is_loud or _MARKS_IN_A_ROW.search(fact.text) else ""


def _without_substance(fact: _Fact) -> str:
    """Return the words of a fact that has no word about its matter.

    Args:
        fact: the one that is examined.
    """
    words = _CARD.findall(fact.text)
    says = any(map(str.isdigit, fact.text)) or not all(map(fact.patterns.vague.fullmatch, words))
    return "" if says else fact.text


def _known(fact: _Fact) -> str:
    """Return a fact that says no more than what the customer complained about.

    Args:
        fact: the one that is examined.
    """
    patterns, text = fact.patterns, bare(fact.text)
    is_known = patterns.symptom.fullmatch(text) or (fact.name != "cause" and patterns.trouble.fullmatch(text))
    return fact.text if is_known else ""


def _unmended(fact: _Fact) -> str:
    """Return a fact that says what was wrong, and has no word of a repair or a change.

    Args:
        fact: the one that is examined.
    """
    is_known = fact.patterns.harm.search(fact.text) and not fact.patterns.mended.search(fact.text)
    return fact.text if is_known else ""


def _colleague(fact: _Fact) -> str:
    """Return the name of a colleague: a known first name, or a first word that forgot something.

    Args:
        fact: the one that is examined.
    """
    named = filter(fact.names.__contains__, _CARD.findall(fact.patterns.same_name.sub("", fact.text)))
    known = (word for word in named if _may_not_be_named(word, fact))
    return next(known, "") or _first_word(fact)


def _may_not_be_named(name: str, fact: _Fact) -> bool:
    """Return whether a fact may not name a colleague: who put it right may be named, where it is no reproach.

    Args:
        name: of the colleague.
        fact: the one that is examined.
    """
    after, patterns = fact.text.partition(name)[2].lstrip(), fact.patterns
    is_reproach = patterns.colleague.match(after) or patterns.reproach.match(after)
    return fact.name in _CAUSES or is_reproach is not None


def _first_word(fact: _Fact) -> str:
    """Return the first word of a fact where it is the name of somebody who did something wrong.

    Args:
        fact: the one that is examined.
    """
    first, _, rest = fact.text.partition(" ")
    may_be_name = fact.name in _CAUSES and first[:1].isupper() and fact.patterns.colleague.match(rest)
    is_other = fact.patterns.subject.fullmatch(first.lower()) or fact.patterns.brand.match(first)
    return first if may_be_name and not is_other else ""


def _not_done(fact: _Fact) -> str:
    """Return the words that only plan a change; what the change leads to may lie ahead.

    Args:
        fact: the one that is examined.
    """
    found = _found(fact.patterns.not_done, fact)
    until = fact.text[: fact.text.find(found) + len(found)]
    return "" if fact.patterns.not_done_unless.search(until) else found


def _fragment(fact: _Fact) -> str:
    """Return words that are no sentence.

    Args:
        fact: the one that is examined.
    """
    has_words = len(fact.text.split()) >= _MIN_WORDS
    is_sentence = has_words and not fact.patterns.headless.search(fact.text)
    return "" if is_sentence and _is_clause(fact.text, fact.language) else fact.text


def _is_clause(text: str, language: Language) -> bool:
    """Return whether a text is a whole sentence: it names somebody or something, and says what it does.

    Args:
        text: a fact.
        language: of the letter; of one that was not trained, its lists say it.
    """
    signs = clause_signs(text, language)
    if language.tag not in fact_weights()["language"]["classes"]:
        return "clause" in signs
    return _trained("clause").scores(bare(text), language.tag, signs)["clause"] >= _NO_CLAUSE


@cache
def _trained(name: str) -> Classes:
    """Return the trained classes of one table.

    Args:
        name: "clause" or "language".
    """
    return Classes.of(fact_weights()[name])


def fact_grams(name: str, text: str, tag: str) -> list[str]:
    """Return the n-grams by which a fact is known as poor: those of its language, and words and pairs of this fact.

    Args:
        name: of the fact.
        text: of the fact.
        tag: of the letter's language.
    """
    grams = ngrams(tokens(bare(text)))
    own = (f"{tag}{name}|{gram}" for gram in grams if gram.startswith(_OF_ONE_FACT))
    return [*map(tag.__add__, grams), *own]


def bare(text: str) -> str:
    """Return a fact without the marks at its ends, which say nothing about it.

    Args:
        text: of a fact.
    """
    return text.strip(_MARKS)


def clause_signs(text: str, language: Language) -> list[str]:
    """Return what the lists of a language say about whether a text is a whole sentence, by the names of signs.

    Args:
        text: of a fact.
        language: one that has its lists.
    """
    patterns = _patterns(language)
    tried = (patterns.subject, patterns.verb, patterns.perhaps_verb)
    has_subject, has_verb, perhaps = (bool(each.search(text)) for each in tried)
    is_short = len(text.split()) <= _MIN_WORDS
    seen = (has_subject, has_verb, has_subject and has_verb, perhaps and not has_verb, is_short)
    return list(compress(CLAUSE_SIGNS, seen))


def _found(words: re.Pattern[str], fact: _Fact) -> str:
    """Return what a pattern finds in a fact, "" for nothing.

    Args:
        words: the pattern.
        fact: the one that is examined.
    """
    match = words.search(fact.text.rstrip(_MARKS))
    return match[0] if match else ""


#: the flaws, in the order in which an agent hears of them, the facts that may have each, and what finds it.
#: A prevention may speak of all customers, and only of what went wrong is somebody blamed who brings the parcel.
_CHECKS: tuple[tuple[str, Collection[str], Callable[[_Fact], str]], ...] = (
    ("stub", COACHED_FACTS, _stub),
    ("language", COACHED_FACTS, _other_language),
    ("shouting", COACHED_FACTS, _shouted),
    ("internal", COACHED_FACTS, _listed("internal")),
    ("blame", COACHED_FACTS, _listed("accused")),
    ("blame", _CAUSES, _listed("blame")),
    ("blame", _CAUSES, _phrase("blame")),
    ("blame", {"cause"}, _listed("brand")),
    ("blame", {"cause"}, _listed("doer")),
    ("blame", COACHED_FACTS, _colleague),
    ("third-person", {*COACHED_FACTS} - {"prevention"}, _listed("third_person")),
    ("third-person", {"prevention"}, _listed("told")),
    ("third-person", COACHED_FACTS, _pronoun),
    ("empty", {"cause", "resolution", "prevention"}, _listed("empty")),
    ("empty", {"cause", "resolution", "prevention"}, _without_substance),
    ("excuse", {"cause", "resolution", "prevention"}, _listed("excuse")),
    ("known", {"cause", "resolution", "prevention"}, _known),
    ("not-done", {"resolution", "prevention"}, _not_done),
    ("repetition", COACHED_FACTS, _repeated),
    ("fragment", COACHED_FACTS, _fragment),
    ("known", {"resolution", "prevention"}, _unmended),
)


# --- drafts ---


def _draft(flaw: str, fact: _Fact) -> str:
    """Return a better sentence, "" when none is known in which no list finds a flaw.

    It has most words of the poor one, so that it is not weighed; the agent decides.

    Args:
        flaw: what is wrong with the fact.
        fact: the one that is examined.
    """
    text = fact.text.strip().rstrip(" .!;,")
    candidates = [_rewritten(flaw, text, fact)]
    if flaw in _ABOUT_PEOPLE:
        candidates.insert(0, _to_the_customer(text, fact.words))
    drafts = filter(None, map(_as_sentence, candidates))
    return next((draft for draft in drafts if not any(_listed_flaw(fact.saying(draft)))), "")


def _rewritten(flaw: str, text: str, fact: _Fact) -> str:
    """Return the text as the first draft that fits makes of it.

    Args:
        flaw: what is wrong with the fact.
        text: of the fact, without its full stop.
        fact: the one that is examined.
    """
    drafts = (
        each for each in fact.words.drafts if each.flaw == flaw and fact.name in (each.facts or COACHED_FACTS)
    )
    inside = _as_inside(text, fact)
    made = ((draft, _finder(draft, fact).fullmatch(inside)) for draft in drafts)
    return next((found.expand(draft.write) for draft, found in made if found), "")


def _as_inside(text: str, fact: _Fact) -> str:
    """Return a text with a small letter at its beginning, where that is no noun and no name.

    Args:
        text: of the fact.
        fact: the one that is examined.
    """
    first = text.partition(" ")[0].casefold()
    is_small = first in fact.language.info.stop_words or fact.patterns.vague.fullmatch(first)
    if len(first) > 1 and (is_small or fact.patterns.headless.search(text)):
        return text[:1].lower() + text[1:]
    return text


def _finder(draft: FactDraft, fact: _Fact) -> re.Pattern[str]:
    """Return the pattern of a draft, with the names of colleagues in it.

    Args:
        draft: of the language.
        fact: the one that is examined.
    """
    name = re.escape(_colleague(fact)) or _NEVER
    find = expand(draft.find.replace(_NAME_PLACE, name), fact.language.wording.parts)
    return re.compile(find, re.IGNORECASE)


def _to_the_customer(text: str, words: FactWords) -> str:
    """Return a text about the customer as one to the customer.

    Args:
        text: of the fact, without its full stop.
        words: of the letter's language.
    """
    for find, write in words.second_person:
        text = re.sub(expand(find, {}), write, text, flags=re.IGNORECASE)
    return text


def _as_sentence(text: str) -> str:
    """Return the text with a capital letter and a full stop.

    Args:
        text: of a fact, without its full stop.
    """
    one_line = flat(text)
    return f"{one_line[:1].upper()}{one_line[1:]}." if one_line else ""


# --- words ---


@lru_cache(maxsize=16)
def _patterns(language: Language) -> _Patterns:
    """Return the compiled lists of a language.

    Args:
        language: one that has its lists.
    """
    words, parts = language.wording.facts, language.wording.parts

    def of(patterns: Iterable[str]) -> re.Pattern[str]:
        return whole_words(patterns, parts, re.IGNORECASE)

    return _Patterns(
        subject=of(words.subject),
        verb=of(words.verb),
        perhaps_verb=of(words.perhaps_verb),
        headless=of(words.headless),
        third_person=of(words.third_person),
        pronoun=of(words.pronoun),
        antecedent=of(words.antecedent),
        blame=of(words.blame),
        brand=re.compile(rf"\b(?:{'|'.join(map(re.escape, words.brands)) or _NEVER})\b"),
        colleague=of(words.colleague),
        same_name=of(words.same_name),
        reproach=of(words.reproach),
        accused=of(words.accused),
        doer=of(words.doer),
        told=of(words.told),
        empty=of(words.empty),
        symptom=of(words.symptom),
        trouble=of(words.trouble),
        harm=of(words.harm),
        mended=of(words.mended),
        foreign=of(words.foreign),
        excuse=of(words.excuse),
        vague=of(words.vague),
        internal=of(words.internal),
        not_done=of(words.not_done),
        not_done_unless=of(words.not_done_unless),
    )


@lru_cache(maxsize=16)
def _moments(language: Language) -> list[tuple[re.Pattern[str], FactMoment]]:
    """Return what is true on one day only, with its compiled pattern.

    Args:
        language: one that has its lists.
    """
    words = language.wording
    return [(whole_words([each.find], words.parts, re.IGNORECASE), each) for each in words.facts.moments]


@lru_cache(maxsize=4)
def _stubs(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of answers that say nothing, in all languages: agents mix them.

    Args:
        languages: the languages to use.
    """
    each = [any_of(language.wording.facts.stub, language.wording.parts) for language in languages.all()]
    return re.compile(f"(?:{'|'.join(each)})?", re.IGNORECASE)


def _word_set(text: str) -> frozenset[str]:
    """Return the words of a text in lower case.

    Args:
        text: of a fact.
    """
    return frozenset(map(str.casefold, _CARD.findall(plain(text))))
