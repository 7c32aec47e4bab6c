"""Check a text against the rules of wording: a template, a letter before it is sent, or an agent's line.

The first part reads the text: its paragraphs, its sentences, and the patterns of phrases.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from followupd.domain.letter import LetterKind
from followupd.domain.translatable import Translatable, msg
from followupd.languages import Catalogue, catalogue
from followupd.languages.patterns import expand
from followupd.text.wording.rules import (
    BY_ID,
    FACT,
    HOLDING_SENTENCES,
    LONGEST,
    PHRASED,
    PREVENTION,
    RULES,
    WordingRule,
)

#: characters; a shorter paragraph that does not end like a sentence is a greeting or a closing
_MAX_COURTESY = 60
#: characters that the patterns of phrases read at once, and those that two pieces of a long paragraph share
MAX_READ, _OVERLAP = 2_000, 200
_SENTENCE_END = (".", "?", "…")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+")
#: characters with several forms; each is replaced by one, so that positions stay the same
_ONE_FORM = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "‑": "-", "–": "-"})


def tongue(language: str) -> str:
    """Return the two letters that phrases are stored under: "de" for "de_AT"."""
    return language[:2].lower()


def plain(text: str) -> str:
    """Return the text with one kind of apostrophe, space and hyphen; every position stays the same."""
    return text.translate(_ONE_FORM)


def flat(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each on one line."""
    return list(filter(None, _SENTENCE.split(flat(text))))


def body(text: str, owner: str) -> list[str]:
    """Return the paragraphs between the greeting and the closing, each on one line.

    Args:
        text: a letter as plain text.
        owner: the name of the person who signs it; the last line with just this name begins the closing.
    """
    blocks = text.split("\n\n")
    paragraphs = [flat(block) for block in blocks if block.strip()]
    signed = [number for number, block in enumerate(blocks) if owner in map(str.strip, block.splitlines())]
    if signed:
        paragraphs = paragraphs[: signed[-1]]

    while paragraphs and _is_courtesy(paragraphs[0]):
        paragraphs = paragraphs[1:]
    while paragraphs and _is_courtesy(paragraphs[-1]):
        paragraphs = paragraphs[:-1]
    return paragraphs


def _is_courtesy(paragraph: str) -> bool:
    """Whether a paragraph is a greeting or a closing."""
    return len(paragraph) <= _MAX_COURTESY and not paragraph.endswith(_SENTENCE_END)


@lru_cache(maxsize=512)
def pattern(
    languages: Catalogue, language: str, name: str, own: tuple[str, ...] = ()
) -> re.Pattern[str] | None:
    """Return the pattern of a list of phrases; None when it is empty.

    Args:
        languages: the languages to use.
        language: the language of the text.
        name: the name of the list in `wording.toml`.
        own: the administrator's phrases, which are no patterns.
    """
    known = languages.find(language)
    phrases: list[str] = []
    if known is not None:
        wording = known.wording
        phrases += [expand(phrase, wording.parts) for phrase in wording.phrases.get(name, ())]
    phrases += [re.escape(plain(phrase)).replace(r"\ ", r"\s+") for phrase in own]
    if not phrases:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE)


def has(language: str, name: str, text: str, languages: Catalogue | None = None) -> bool:
    """Whether the text contains one of these phrases; True if the language has no such list.

    Args:
        language: the language of the text.
        name: the name of the list in `wording.toml`.
        text: the text.
        languages: the languages to use, the shipped ones by default.
    """
    found = pattern(languages or catalogue(), language, name)
    return found is None or next(matches(found, plain(text)), None) is not None


def matches(found: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern, of which none reaches from one paragraph into the next.

    What a list of phrases makes of a text may cost more than in proportion to its length, so no more than MAX_READ
    characters are read at once. A longer paragraph is read in pieces that overlap.

    Args:
        found: the pattern.
        text: of any length.
    """
    start = 0
    while start < len(text):
        gap = text.find("\n\n", start, start + MAX_READ)
        end = min(start + MAX_READ, len(text)) if gap < 0 else gap + 2
        yield from found.finditer(text, start, end)
        start = end - _OVERLAP if gap < 0 and end < len(text) else end


@lru_cache(maxsize=8)
def dated(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of dates with a year; without one it is not certain that a date has passed."""
    joints = dict.fromkeys(
        re.escape(joint) for language in languages.all() for joint in language.wording.date_joints
    )
    joint = rf"(?:\s+(?:{'|'.join(joints)}))?" if joints else ""
    return re.compile(
        r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
        rf"|\b\d{{1,2}}\.?{joint}\s+[^\W\d]{{3,12}}\.?,?{joint}\s+\d{{4}}\b"
        r"|\b[^\W\d]{3,12}\.?\s+\d{1,2},?\s+\d{4}\b"
    )


def without(text: str, parts: Iterable[str]) -> str:
    """Replace these parts by underscores, keeping line breaks, so that every position stays the same."""
    distinct = {flat(part) for part in parts if part.strip()}
    for part in sorted(distinct, key=len, reverse=True):
        words = plain(part).rstrip(" .,;:!?…-").split()
        if words:
            expression = r"\s+".join(map(re.escape, words))
            text = re.sub(expression, _underscores, text, flags=re.IGNORECASE)
    return text


def _underscores(match: re.Match[str]) -> str:
    """Return the match with every character but white space replaced by an underscore."""
    return re.sub(r"\S", "_", match[0])


_WORD = re.compile(r"[^\W\d_]{2,}")
#: an exclamation mark that opens a picture or a comment is markup
_EXCLAMATION = re.compile(r"!\s*[!?]+|\?\s*!+|(?<!<)!(?!\[)")
#: characters of the text that a finding shows
_MAX_SHOWN = 80
#: letters; words in capitals with more are shouting, as acronyms are shorter
_MAX_ACRONYM = 5
#: two customers may have "missed the train"; as many words as this in the same order are copied
_MIN_COPIED = 5
#: characters after a phrase in which its exception is looked for
_AFTER_PHRASE = 40
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
        return msg(
            "{words}{reason} Better: {better} [{id}]",
            words=self.quoted,
            reason=msg(self.rule.reason),
            better=msg(self.rule.better),
            id=self.rule.id,
        )

    @property
    def quoted(self) -> str:
        """The words in quotation marks, as a sentence begins with them; "" for the whole text."""
        return f"“{self.words}”: " if self.words else ""

    @property
    def hard(self) -> bool:
        """Whether the rule stops a letter."""
        return self.rule.hard


@dataclass(frozen=True, slots=True)
class WordingRules:
    """The administrator's wording.toml, and the languages.

    `off` are rules that are switched off, `phrases` the administrator's own by language and list.
    """

    off: frozenset[str] = frozenset()
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: _NO_LISTS)
    languages: Catalogue = field(default_factory=catalogue)

    def own(self, language: str, name: str) -> tuple[str, ...]:
        """Return the administrator's phrases of a list."""
        lists = self.phrases.get(language.lower()) or self.phrases.get(tongue(language)) or {}
        return tuple(lists.get(name, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the rules need besides the text.

    `owner` signs it. `names` may be in capitals. `values` are people's words, which were checked when they
    were given; `insisted` are words that an agent confirmed. `promised` are the dates in the ledger. `over`
    says whether a date has passed, `hears` gives the commitments in a text with their dates. `earlier` are
    the texts of earlier letters to this address. `impact` is what the problem meant for this customer,
    `others` the impacts of other cases.
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
    rules: WordingRules
    context: Context

    def has(self, name: str, text: str) -> bool:
        """Whether a part of the text contains one of these phrases."""
        return has(self.language, name, text, self.rules.languages)

    def pattern(self, name: str, own: tuple[str, ...] = ()) -> re.Pattern[str] | None:
        """Return the pattern of a list of phrases in the language of the text."""
        return pattern(self.rules.languages, self.language, name, own)

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs between greeting and closing."""
        return body(self.text, self.context.owner)

    @property
    def without_values(self) -> str:
        """The text without the words of people, which were checked when they were given."""
        return without(self.text, self.context.values)


def findings(
    text: str,
    *,
    kind: str,
    language: str,
    manner: WordingRules = WordingRules(),
    context: Context = Context(),
) -> tuple[Finding, ...]:
    """Return what the rules find in a text, in the order of its lines.

    Args:
        text: a template's source, a letter as plain text, or an agent's line.
        kind: a kind of letter, or PART, FACT or PREVENTION.
        language: the language of the text.
        manner: the administrator's rules.
        context: what the rules need besides the text.
    """
    checked = without(plain(text), context.insisted)
    reading = _Reading(checked, kind, language, manner, context)
    found: set[Finding] = set()
    for rule in RULES:
        if kind in rule.kinds and rule.id not in manner.off:
            check = _CHECKS.get(rule.id, _check_phrases)
            found.update(check(rule, reading))
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.rule.id, finding.words)))


def _at(rule: WordingRule, text: str, start: int, end: int) -> Finding:
    """Return the finding for a range of the text."""
    line = text.count("\n", 0, start) + 1
    return Finding(rule, line, _shortened(flat(text[start:end])))


def _shortened(words: str) -> str:
    """Return the words of a finding, cut after MAX_SHOWN characters."""
    return words if len(words) <= _MAX_SHOWN else words[:_MAX_SHOWN] + "…"


def _check_phrases(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find the phrases of a rule.

    A phrase near one of its list of exceptions ("RULE-unless"), in the same sentence or just after it, is
    none.
    """
    pattern = it.pattern(rule.name, it.rules.own(it.language, rule.name))
    if pattern is None:
        return
    exception = it.pattern(f"{rule.name}-unless")
    for match in matches(pattern, it.text):
        sentence_start = max(0, it.text.rfind(".", 0, match.start()))
        around = it.text[sentence_start : match.end() + _AFTER_PHRASE][-MAX_READ:]
        if not exception or not exception.search(around):
            yield _at(rule, it.text, match.start(), match.end())


def _check_first_apology(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Demand an apology in the first two sentences."""
    beginning = sentences(" ".join(it.paragraphs[:2]))
    if not it.has("apology", " ".join(beginning[:2])):
        yield Finding(rule, 0, "")


def _check_last_apology(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Demand an apology in the last paragraph, and an invitation in its last sentence."""
    closing = (it.paragraphs or [""])[-1]
    last_sentence = (sentences(closing) or [""])[-1]
    if not it.has("apology", closing) or not it.has("invitation", last_sentence):
        yield Finding(rule, 0, "")


def _check_shouting(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find the first exclamation mark, and the first words in capitals that are no acronym and no name.

    Two short words in capitals beside each other count together: "NOT NOW" is shouting, "the VAT" is not.
    """
    exclamation = _EXCLAMATION.search(without(it.text, it.context.names))
    if exclamation:
        yield _at(rule, it.text, exclamation.start(), exclamation.end())

    names = {word.casefold() for name in it.context.names for word in _WORD.findall(name)}
    loud = [word for word in _WORD.finditer(it.text) if _is_loud(it.text, word, names)]
    for before, word in zip([None, *loud], loud, strict=False):
        is_beside = before and it.text[before.end() : word.start()].isspace()
        start = before.start() if before and is_beside else word.start()
        letters = "".join(it.text[start : word.end()].split())
        if len(letters) > _MAX_ACRONYM:
            yield _at(rule, it.text, start, word.end())
            return


def _is_loud(text: str, match: re.Match[str], names: Collection[str]) -> bool:
    """Whether a word is in capitals, and neither a name nor part of a number such as an order's.

    Args:
        text: all of it: the characters beside the word decide whether it is part of a number.
        match: the word in the text.
        names: in lower case.
    """
    if not match[0].isupper() or match[0].casefold() in names:
        return False
    neighbours = text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
    return not any(character.isdigit() or character in "-_/" for character in neighbours)


def _check_length(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Limit the words of a letter, and the sentences of a holding letter.

    The sentence of a holding letter that says how to reach us tells nothing new, so it is not counted.
    """
    inside = " ".join(it.paragraphs) if it.context.owner else it.text
    words = len(inside.split())
    sentence_count = len(sentences(inside))
    most = LONGEST.get(it.kind, words)
    if words > most:
        yield Finding(rule, 0, f"{words} words, of {most} at most")
    elif it.kind == LetterKind.HOLDING and sentence_count > HOLDING_SENTENCES + 1:
        yield Finding(rule, 0, f"{sentence_count} sentences")


def _check_past_dates(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find dates that have passed."""
    is_over = it.context.over
    if is_over is None:
        return
    for match in matches(dated(it.rules.languages), it.without_values):
        if is_over(flat(match[0])):
            yield _at(rule, it.text, match.start(), match.end())


def _check_unlogged_promises(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find commitments with a date that the ledger does not have."""
    commitments_in = it.context.hears
    if commitments_in is None:
        return
    for words, day in commitments_in(flat(it.without_values)):
        if day not in it.context.promised:
            yield Finding(rule, 0, words)


def _check_repetition(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find a letter with the text of an earlier one to the same address."""
    text = _comparable(it.text)
    if text and any(_comparable(earlier) == text for earlier in it.context.earlier):
        yield Finding(rule, 0, "")


def _check_copied_impact(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find the impact of another case.

    A few words may be the same by chance, and insisted words are blank.
    """
    impact = it.context.impact
    if len(impact.split()) < _MIN_COPIED:
        return
    comparable = _comparable(impact)
    if comparable in _comparable(it.text) and comparable in map(_comparable, it.context.others):
        yield Finding(rule, 0, _shortened(impact))


#: what is typed in a letter's file and not understood there: HTML, a picture, a table, a link that is no link
_UNREAD_MARKUP = re.compile(
    r"</?[a-z][a-z0-9]{0,12}(?:\s[^<>\n]{0,200})?/?>|!\[[^\]\n]{0,100}\]\([^)\n]{0,200}\)"
    r"|\]\((?!https?:|mailto:|tel:)[a-z]{2,12}:[^)\n]{0,200}\)|^\s{0,3}\|[^\n]{1,200}\|\s*$"
    # comments, and what other dialects know: struck out, footnotes, boxes to tick, codes of forums
    r"|<!--|~~[^~\n]{1,200}~~|\[\^\w{1,9}\]|^\s{0,9}[-*]\s\[[ x]\]|\[/?[biu]\]",
    re.IGNORECASE | re.MULTILINE,
)
#: what letters print as it is in an agent's words, and in a playbook's: Markdown and braces too
_TYPED_MARKUP = re.compile(
    _UNREAD_MARKUP.pattern
    + r"|\*\*[^*\n]{1,200}\*\*|__(?=[^_\s])[^_\n]{1,200}(?<=\S)__|`[^`\n]{1,200}`|\{\{|\}\}|\{%|%\}"
    r"|\[[^\]\n]{1,200}\]\([^)\n]{1,200}\)",
    re.IGNORECASE | re.MULTILINE,
)


def _check_markup(rule: WordingRule, it: _Reading) -> Iterator[Finding]:
    """Find markup that the customer would read; letters know Markdown, what people state does not."""
    is_line = it.kind in {FACT, PREVENTION}
    text = it.text if is_line else it.without_values
    for match in (_TYPED_MARKUP if is_line else _UNREAD_MARKUP).finditer(text):
        yield _at(rule, text, match.start(), match.end())


def _comparable(text: str) -> str:
    """Return a text without the differences that do not matter: line breaks, capitals, a last full stop."""
    return flat(plain(text)).casefold().rstrip(" .!")


_Check = Callable[[WordingRule, _Reading], Iterator[Finding]]
#: the checks of rules that are not only a list of phrases
_CHECKS: dict[str, _Check] = {
    "W01": _check_first_apology,
    "W02": _check_last_apology,
    "W11": _check_shouting,
    "W12": _check_length,
    "W13": _check_past_dates,
    "W14": _check_unlogged_promises,
    "W16": _check_repetition,
    "W19": _check_copied_impact,
    "W20": _check_markup,
}


def unknown_rules(manner: WordingRules) -> dict[str, list[str]]:
    """Return the keys in wording.toml whose rule or list of phrases does not exist, each with those that do."""
    rules = {f"rules.{name}": [*BY_ID] for name in sorted(manner.off - BY_ID.keys())}
    lists = {
        f"phrases.{language}.{name}": [*PHRASED]
        for language, kinds in manner.phrases.items()
        for name in sorted(kinds.keys() - {*PHRASED})
    }
    return rules | lists
