"""Check a text against the rules of wording: a template, a letter before it is sent, or an agent's line."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from followupd.domain.letter import LetterKind
from followupd.domain.translatable import Translatable, msg
from followupd.languages import Catalogue, catalogue
from followupd.text.wording import text as words_of
from followupd.text.wording.rules import BY_ID, HOLDING_SENTENCES, LONGEST, PHRASED, RULES, WordingRule

_WORD = re.compile(r"[^\W\d_]{2,}")
_LOUD = re.compile(r"!\s*[!?]+|\?\s*!+|!")
_SHOWN = 80
#: two customers may have "missed the train"; so many words in the same order are copied
_BY_CHANCE = 5
_NO_LISTS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken: the line (0 for the whole text) and the words."""

    rule: WordingRule
    line: int
    words: str

    def __str__(self) -> str:
        return str(self.told)

    @property
    def told(self) -> Translatable:
        """The sentence for the agent: the words, the reason, and better words."""
        reason, better = msg(self.rule.reason), msg(self.rule.better)
        return msg(
            "{words}{reason} Better: {better} [{id}]",
            words=self.quoted,
            reason=reason,
            better=better,
            id=self.rule.id,
        )

    @property
    def quoted(self) -> str:
        return f"“{self.words}”: " if self.words else ""

    @property
    def hard(self) -> bool:
        return self.rule.hard


@dataclass(frozen=True, slots=True)
class WordingRules:
    """The admin's wording.toml (rules switched off, own phrases by language and list), and the languages."""

    off: frozenset[str] = frozenset()
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: _NO_LISTS)
    languages: Catalogue = field(default_factory=catalogue)

    def own(self, language: str, name: str) -> tuple[str, ...]:
        lists = self.phrases.get(language.lower()) or self.phrases.get(words_of.tongue(language)) or {}
        return tuple(lists.get(name, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the rules need besides the text.

    `owner` signs it. `names` may be in capitals. `values` are people's words, which were checked when they
    were given; `insisted` are words that an agent confirmed. `promised` are the dates in the ledger. `over`
    says whether a date has passed, `hears` gives the commitments in a text with their dates. `earlier` are the
    texts of earlier letters to this address. `impact` is what the problem meant for this customer, `others` the
    impacts of other cases.
    """

    owner: str = ""
    names: Collection[str] = ()
    values: Sequence[str] = ()
    insisted: Sequence[str] = ()
    promised: Collection[date] = ()
    earlier: Sequence[str] = ()
    impact: str = ""
    others: Sequence[str] = ()
    over: Callable[[str], bool] | None = None
    hears: Callable[[str], Iterable[tuple[str, date]]] | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One text and its context."""

    text: str
    kind: str
    language: str
    manner: WordingRules
    context: Context

    def has(self, name: str, text: str) -> bool:
        """Return whether a part of the text contains one of these phrases."""
        return words_of.has(self.language, name, text, self.manner.languages)


def findings(
    text: str,
    *,
    kind: str,
    language: str,
    manner: WordingRules = WordingRules(),
    context: Context = Context(),
) -> tuple[Finding, ...]:
    """Return what the rules find in a text, in the order of its lines."""
    reading = _Reading(
        words_of.without(words_of.plain(text), context.insisted), kind, language, manner, context
    )
    found = [
        finding
        for rule in RULES
        if kind in rule.kinds and rule.id not in manner.off
        for finding in _LOOKS.get(rule.id, _phrases)(rule, reading)
    ]
    return tuple(sorted(set(found), key=lambda one: (one.line, one.rule.id, one.words)))


def _at(rule: WordingRule, text: str, start: int, end: int) -> Finding:
    words = words_of.flat(text[start:end])
    return Finding(
        rule, text.count("\n", 0, start) + 1, words if len(words) <= _SHOWN else words[:_SHOWN] + "…"
    )


def _phrases(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    languages = it.manner.languages
    pattern = words_of.pattern(languages, it.language, rule.name, it.manner.own(it.language, rule.name))
    unless = words_of.pattern(languages, it.language, f"{rule.name}-unless")
    for match in pattern.finditer(it.text) if pattern else ():
        around = it.text[max(0, it.text.rfind(".", 0, match.start())) : match.end() + 40]
        if not (unless and unless.search(around)):
            yield _at(rule, it.text, match.start(), match.end())


def _apology_first(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    opening = " ".join(words_of.sentences(" ".join(words_of.body(it.text, it.context.owner)[:2]))[:2])
    if not it.has("apology", opening):
        yield Finding(rule, 0, "")


def _apology_last(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    closing = (words_of.body(it.text, it.context.owner) or [""])[-1]
    ends = (words_of.sentences(closing) or [""])[-1]
    if not it.has("apology", closing) or not it.has("invitation", ends):
        yield Finding(rule, 0, "")


def _shouting(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    for match in _LOUD.finditer(words_of.without(it.text, it.context.names)):
        yield _at(rule, it.text, match.start(), match.end())
        break
    known = {word.casefold() for name in it.context.names for word in _WORD.findall(name)}
    before: re.Match[str] | None = None
    for match in _WORD.finditer(it.text):
        loud = (
            match[0].isupper() and match[0].casefold() not in known and not _part_of_a_number(it.text, match)
        )
        beside = before is not None and it.text[before.end() : match.start()].isspace()
        if loud and (len(match[0]) > 5 or (beside and before is not None and len(before[0] + match[0]) > 5)):
            start = before.start() if before is not None and beside else match.start()
            yield _at(rule, it.text, start, match.end())
            return
        before = match if loud else None


def _part_of_a_number(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
    return any(character.isdigit() or character in "-_/" for character in around)


def _length(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    inside = " ".join(words_of.body(it.text, it.context.owner)) if it.context.owner else it.text
    count = len(inside.split())
    if count > LONGEST.get(it.kind, count):
        yield Finding(rule, 0, f"{count} words, of {LONGEST[it.kind]} at most")
    # The way to reach us is no news, so that sentence is not counted.
    elif it.kind == LetterKind.HOLDING and len(words_of.sentences(inside)) > HOLDING_SENTENCES + 1:
        yield Finding(rule, 0, f"{len(words_of.sentences(inside))} sentences")


def _past_date(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    given = words_of.without(it.text, it.context.values)
    for match in words_of.dated(it.manner.languages).finditer(given) if it.context.over else ():
        if it.context.over and it.context.over(words_of.flat(match[0])):
            yield _at(rule, it.text, match.start(), match.end())


def _unlogged(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    given = words_of.without(it.text, it.context.values)
    for words, day in it.context.hears(words_of.flat(given)) if it.context.hears else ():
        if day not in it.context.promised:
            yield Finding(rule, 0, words)


def _same_text(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    mine = _gist(it.text)
    if mine and any(_gist(one) == mine for one in it.context.earlier):
        yield Finding(rule, 0, "")


def _borrowed(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find the impact of another case; a few words may be equal by chance, and insisted words are blank."""
    mine = it.context.impact
    here = mine and _gist(mine) in _gist(it.text)
    if here and len(mine.split()) >= _BY_CHANCE and _gist(mine) in {_gist(one) for one in it.context.others}:
        yield Finding(rule, 0, mine if len(mine) <= _SHOWN else mine[:_SHOWN] + "…")


def _gist(text: str) -> str:
    return words_of.flat(words_of.plain(text)).casefold().rstrip(" .!")


_Look = Callable[[WordingRule, _Reading], Iterator[Finding]]
#: rules that look at more than phrases
_LOOKS: dict[str, _Look] = {
    "W01": _apology_first,
    "W02": _apology_last,
    "W11": _shouting,
    "W12": _length,
    "W13": _past_date,
    "W14": _unlogged,
    "W16": _same_text,
    "W19": _borrowed,
}


def unknown_rules(manner: WordingRules) -> list[str]:
    """Return the rules in wording.toml that do not exist, then the lists that no rule has."""
    lists = {name for kinds in manner.phrases.values() for name in kinds}
    return [*sorted(manner.off - BY_ID.keys()), *sorted(lists - {*PHRASED})]
