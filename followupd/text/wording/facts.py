"""Coach agents in stating facts: name what a customer could not read, and draft a better sentence."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from followupd.domain.translatable import Translatable, msg, msgid
from followupd.languages import Catalogue, Language, catalogue
from followupd.languages.patterns import any_of, expand, whole_words
from followupd.languages.schema import FactDraft, FactWords
from followupd.text.wording.checker import flat, pattern, plain, sentences

#: what the agent is told of each flaw; `{words}` is the fact
_FLAWS = {
    "stub": msgid("“{words}” tells the customer nothing, so the {fact} is still missing."),
    "language": msgid("“{words}” is not in the language of the letter."),
    "repetition": msgid("“{words}” says again what the {other} says."),
    "third-person": msgid("“{words}” speaks about the customer, and the letter speaks to the customer."),
    "blame": msgid("“{words}” puts the blame on somebody, and the letter speaks for all of us."),
    "not-done": msgid("“{words}” is still to come, and the letter tells what has changed already."),
    "fragment": msgid("“{words}” is no whole sentence, and would stand in the letter as it is."),
}
#: facts that letters repeat, so that they must be fit for it
COACHED_FACTS = ("issue", "impact", "cause", "resolution", "prevention")
#: facts that say what was done; only of what went wrong is somebody blamed who brings the parcel
_CAUSES = frozenset({"cause", "issue", "impact"})
#: words of a fact; a shorter one is no sentence
_MIN_WORDS = 3
#: so many more stop words of another language than of the letter's show that it is written in the other
_MORE_FOREIGN = 2
#: share of words that two facts have in common when one repeats the other
_SAME = 0.8
_MARKS = " \t.,;:!?…\"'“”„«»()-"
_CARD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_NAME_PLACE = "{NAME}"
_NEVER = "(?!)"


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
    third_person: re.Pattern[str]
    pronoun: re.Pattern[str]
    antecedent: re.Pattern[str]
    blame: re.Pattern[str]
    brand: re.Pattern[str]
    colleague: re.Pattern[str]
    not_done: re.Pattern[str]
    not_done_unless: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Fact:
    """One fact that is examined, with what is known around it."""

    name: str
    text: str
    words: FactWords
    patterns: _Patterns
    language: Language
    names: frozenset[str]
    others: Mapping[str, str] = field(default_factory=dict)


def advice(
    name: str,
    text: str,
    *,
    language: str,
    others: Mapping[str, str] | None = None,
    names: Collection[str] = (),
    languages: Catalogue | None = None,
) -> Advice | None:
    """Return what an agent should change in a fact before it stands in a letter; None when it may.

    Args:
        name: of the fact: issue, impact, cause, resolution or prevention.
        text: what the agent stated.
        language: the language of the customer's letters.
        others: the other facts of the case, by name.
        names: first names of the agents, who are not named in letters.
        languages: the languages to use, the shipped ones by default.
    """
    known = languages or catalogue()
    one_line = flat(plain(text))
    if is_stub(text, known):
        return Advice("stub", msg(_FLAWS["stub"], words=flat(text), fact=msg(name)))

    spoken = known.language(language)
    if not spoken.wording.facts.verb:
        return None  # a language without lists of its own
    fact = _Fact(
        name, one_line, spoken.wording.facts, _patterns(spoken), spoken, _names(known, names), others or {}
    )
    for flaw, is_found in _CHECKS:
        found = is_found(fact)
        if found:
            problem = msg(_FLAWS[flaw], words=flat(text), other=msg(found) if flaw == "repetition" else "")
            return Advice(flaw, problem, _draft(flaw, fact))
    return None


def is_stub(text: str, languages: Catalogue | None = None) -> bool:
    """Whether a fact says nothing ("n/a", "done", "dunno"), in whichever language: it counts as missing."""
    bare = flat(plain(text)).strip(_MARKS)
    return _stubs(languages or catalogue()).fullmatch(bare) is not None


# --- flaws ---


def _other_language(fact: _Fact) -> str:
    """Return "language" for a fact that is written in another language than the letter."""
    if _has_clause(fact.text, fact.patterns):
        return ""
    words = [word.casefold() for word in _CARD.findall(fact.text)]
    own = sum(map(fact.language.info.stop_words.__contains__, words))
    for other in fact.language.catalogue.all():
        if other.tag == fact.language.tag or not other.wording.facts.verb:
            continue
        more = sum(map(other.info.stop_words.__contains__, words)) - own
        if more >= _MORE_FOREIGN or (more > 0 and _has_clause(fact.text, _patterns(other))):
            return "language"
    return ""


def _repeated(fact: _Fact) -> str:
    """Return the name of the other fact that this one repeats, else ""."""
    words = _word_set(fact.text)
    for name, text in fact.others.items():
        other = _word_set(text)
        if name != fact.name and len(words & other) >= _SAME * len(words | other):
            return name
    return ""


def _third_person(fact: _Fact) -> str:
    """Return the words that speak about the customer; "he" may mean somebody named before it.

    A prevention may speak of all customers.
    """
    if fact.name == "prevention":
        return ""
    if found := fact.patterns.third_person.search(fact.text):
        return found[0]
    for sentence in sentences(fact.text):
        for match in fact.patterns.pronoun.finditer(sentence):
            if not fact.patterns.antecedent.search(sentence[: match.start()]):
                return match[0]
    return ""


def _blame(fact: _Fact) -> str:
    """Return the words that blame the customer, a carrier, or a colleague by name."""
    listed = pattern(fact.language.catalogue, fact.language.tag, "blame") or fact.patterns.blame
    for blaming in (fact.patterns.blame, listed):
        if fact.name in _CAUSES and (found := blaming.search(fact.text)):
            return found[0]
    if fact.name == "cause" and (found := fact.patterns.brand.search(fact.text)):
        return found[0]
    return _colleague(fact)


def _colleague(fact: _Fact) -> str:
    """Return the name of a colleague: a known first name, or a first word that forgot something."""
    for word in _CARD.findall(fact.text):
        if word in fact.names:
            return str(word)
    first, _, rest = fact.text.partition(" ")
    may_be_name = fact.name in _CAUSES and first[:1].isupper() and fact.patterns.colleague.match(rest)
    is_other = fact.patterns.subject.fullmatch(first.lower()) or fact.patterns.brand.match(first)
    return first if may_be_name and not is_other else ""


def _not_done(fact: _Fact) -> str:
    """Return the words that only plan a change; what the change leads to may lie ahead."""
    if fact.name != "prevention":
        return ""
    found = fact.patterns.not_done.search(fact.text)
    is_result = found and fact.patterns.not_done_unless.search(fact.text[: found.end()])
    return found[0] if found and not is_result else ""


def _fragment(fact: _Fact) -> str:
    """Return "fragment" for words that are no sentence."""
    if len(fact.text.split()) >= _MIN_WORDS and _has_clause(fact.text, fact.patterns):
        return ""
    return "fragment"


def _has_clause(text: str, patterns: _Patterns) -> bool:
    """Whether the text names somebody or something and says what it does."""
    return bool(patterns.subject.search(text) and patterns.verb.search(text))


#: the flaws, in the order in which an agent hears of them, and what finds each
_CHECKS: tuple[tuple[str, Callable[[_Fact], str]], ...] = (
    ("language", _other_language),
    ("blame", _blame),
    ("third-person", _third_person),
    ("not-done", _not_done),
    ("repetition", _repeated),
    ("fragment", _fragment),
)


# --- drafts ---


def _draft(flaw: str, fact: _Fact) -> str:
    """Return a better sentence, "" when none is known that has no flaw itself."""
    text = fact.text.strip().rstrip(" .!;,")
    candidates = [_rewritten(flaw, text, fact)]
    if flaw in {"third-person", "blame"}:
        candidates = [_to_the_customer(text, fact.words), _rewritten("blame", text, fact)]
    for candidate in map(_as_sentence, candidates):
        if candidate and not _flawed(candidate, fact):
            return candidate
    return ""


def _rewritten(flaw: str, text: str, fact: _Fact) -> str:
    """Return the text as the first draft that fits makes of it."""
    for draft in fact.words.drafts:
        if draft.flaw != flaw or (draft.facts and fact.name not in draft.facts):
            continue
        found = _finder(draft, fact).fullmatch(text)
        if found:
            return found.expand(draft.write)
    return ""


def _finder(draft: FactDraft, fact: _Fact) -> re.Pattern[str]:
    """Return the pattern of a draft, with the names of colleagues in it."""
    colleague = _colleague(fact) if _NAME_PLACE in draft.find else ""
    name = re.escape(colleague) if colleague else _NEVER
    return re.compile(expand(draft.find.replace(_NAME_PLACE, name), {}), re.IGNORECASE)


def _to_the_customer(text: str, words: FactWords) -> str:
    """Return a text about the customer as one to the customer."""
    for find, write in words.second_person:
        text = re.sub(expand(find, {}), write, text, flags=re.IGNORECASE)
    return text


def _as_sentence(text: str) -> str:
    """Return the text with a capital letter and a full stop."""
    one_line = flat(text)
    return f"{one_line[:1].upper()}{one_line[1:]}." if one_line else ""


def _flawed(text: str, fact: _Fact) -> bool:
    """Whether a draft would come back as well."""
    again = _Fact(fact.name, text, fact.words, fact.patterns, fact.language, fact.names)
    return any(is_found(again) for _, is_found in _CHECKS)


# --- words ---


@lru_cache(maxsize=16)
def _patterns(language: Language) -> _Patterns:
    """Return the compiled lists of a language."""
    words, parts = language.wording.facts, language.wording.parts

    def of(patterns: Iterable[str]) -> re.Pattern[str]:
        return whole_words(patterns, parts, re.IGNORECASE)

    return _Patterns(
        of(words.subject),
        of(words.verb),
        of(words.third_person),
        of(words.pronoun),
        of(words.antecedent),
        of(words.blame),
        re.compile(rf"\b(?:{'|'.join(map(re.escape, words.brands)) or _NEVER})\b"),
        of(words.colleague),
        of(words.not_done),
        of(words.not_done_unless),
    )


@lru_cache(maxsize=4)
def _stubs(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of answers that say nothing, in all languages: agents mix them."""
    each = [any_of(language.wording.facts.stub, language.wording.parts) for language in languages.all()]
    return re.compile(f"(?:{'|'.join(each)})?", re.IGNORECASE)


def _names(languages: Catalogue, own: Collection[str]) -> frozenset[str]:
    """Return the first names of colleagues: the agents' own, and common ones of every language."""
    return _common_names(languages) | frozenset(own)


@lru_cache(maxsize=4)
def _common_names(languages: Catalogue) -> frozenset[str]:
    """Return the common first names of every language."""
    return frozenset[str]().union(*(language.wording.facts.first_names for language in languages.all()))


def _word_set(text: str) -> frozenset[str]:
    """Return the words of a text in lower case."""
    return frozenset(word.casefold() for word in _CARD.findall(plain(text)))
