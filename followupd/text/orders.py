"""Read one line of an agent: an order, a yes or no, a courtesy, a remark, or something unclear.

The verbs and the words around them are in `answers.toml` of each language, and those of all languages count
together: a German writes "erledigt: 1" in an English office. An order is only taken where nothing of the line
is left over. A text after the verb is never changed.
"""

import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Protocol, TypeVar

from followupd.domain.command import (
    FACT_VERBS,
    LIST_MARK,
    LOOK_UPS,
    VALUE_VERBS,
    VERBS,
    Form,
    form_of,
    form_shown,
    line_for,
    needs_text,
    quoted,
)
from followupd.domain.translatable import msg, msgid
from followupd.languages import Catalogue, catalogue
from followupd.languages.schema import Answers
from followupd.text import without_accents
from followupd.text.promises.money import amount_at_start

#: verbs of deeds that are said together with a no: "no, hold it"
_BESIDE_NO = frozenset({"withdraw", "hold", "undo", "dismiss", "release", "close", "owner"})
#: verbs of what is promised by a day
_PROMISES = frozenset({"promise", "firm", "estimate", "update"})
#: what separates a verb from its text; a hyphen needs a blank on one side, or it is a part of a word
_SEPARATOR = re.compile(r"\s*[:：﹕]\s*|\s*=\s*|\s+[-–—]+\s+|[-–—]\s+|\s*[–—]\s*|\s*-(?=\d)")
#: a word with its inner hyphens and apostrophes, or a sign such as 👍
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['’‐‑-][^\W\d_]+)*['’]?|[^\w\s.,;:!?¡¿…'’\"“”„«»()\[\]{}#*<>=/|`~^+&%$€£–—-]+"
)
#: how an emoji is drawn, and the colour of its skin
_SHADES = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_BETWEEN = re.compile(r"[\s_‐‑-]*")
_END = re.compile(r"[\s.!…,;:]*")
_PAUSE = re.compile(r"\s*[.!…,;:–—-]+\s*|\s+")
_SENTENCE_END = re.compile(r"\s*[.!;…]+\s+")
#: behind a sentence, which may ask for something
_SENTENCE_ENDS = re.compile(r"[.!?;…]\s")
_NUMBER = re.compile(r"#?\s?(\d{1,4})(?![\d.,]*\d)")
#: what is between the numbers of a list, and what begins its next one
_GAP = re.compile(r"[\s,&+/]+|n\W?\s*")
_COUNTS_ON = re.compile(r"[\s,&+/]{0,9}(?:#|\d|[^\W\d_]+\s{0,9}#?\d)")
_BOLD = re.compile(r"[*_]{1,3}(?=\S)")
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "'": "'", "‘": "’", "`": "`"}
#: what is around a line and no part of it: blanks, marks of byte order, joiners and directions
_OUTER = " \t\r\n\u00a0\u202f\u2009\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
#: what stands between words and before the end of what was dictated
_JOINTS = f"{_OUTER},;"
_LABELLED = re.compile(r"([^\W\d_][\w'’ \u00a0-]{1,30}?)\s*[:：](?!//)\s*(.*)", re.DOTALL)
_WORD_BEGINS = re.compile(r"(?<=\s)(?=[^\W\d_])")
_ITEM_NUMBER = re.compile(r"\s*(\d{1,2})[.)]\s")
_REVERSED = re.compile(r"(#?\s?)(\d{1,4})(?:\s*:)?\s*(?=\S)")
#: words before a number that is told first: "promise 1 kept"
_MAX_WORDS = 6
_NOT_SO = msgid("{line} says what is not so, and I know no order for that")
#: a line with more words is a sentence, in which a word may resemble a verb
_MAX_WORDS_OF_ORDER = 3
#: a verb whose words begin many remarks ("customer called"): only an address makes a line without a colon like it
_WITH_ADDRESS = "customer"
_SIMILAR = 0.8
#: words of a number that is spelt out, with its article
_WORDS_OF_NUMBER = 2
#: verbs whose name at the beginning of a line is hardly ever the beginning of a mere sentence
_DISTINCT = frozenset(
    {
        *("promise", "firm", "estimate", "update", "late", "withdraw", "kept", "fixed", "reached", "approve"),
        *("refund", "credit", "gift-card", "replacement", "cause", "resolution", "prevention", "impact"),
        *("fault", "cause-code", "severity", "owner", "refuse", "dismiss", "undo", "settle", "resolved"),
    }
)


#: verbs that begin many sentences, and are dictated behind another order
_DICTATED = frozenset({"note"})


class Speaker(Protocol):
    """Somebody whom lines name, and who signs notes."""

    @property
    def id(self) -> str:
        """The short name in the configuration."""

    @property
    def name(self) -> str:
        """First name and surname."""

    @property
    def email(self) -> str:
        """The address."""

    @property
    def phone(self) -> str:
        """The number in signatures."""


@dataclass(frozen=True, slots=True)
class Order:
    """A verb with its text, as it was written after the verb, and the line that it is in."""

    verb: str
    text: str
    line: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that looks like an order and is none, and why.

    `draft` is a better line, None where none is known. `denies` is the verb that it says is not so, "" for none.
    """

    line: str
    problem: str
    draft: str | None = None
    denies: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Free words: no order, and nothing that looks like one."""

    text: str


@dataclass(frozen=True, slots=True)
class Courtesy:
    """A greeting or thanks."""


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """Yes, consent or no ("yes", "agreed", "no") to a question; `rest` is what is said besides."""

    kind: str
    line: str
    rest: str = ""


Piece = Order | Unclear | Remark | Courtesy | YesOrNo
_Kind = TypeVar("_Kind", bound=Piece)


def of_kind(pieces: Iterable[Piece], kind: type[_Kind]) -> list[_Kind]:
    """Return the pieces of one kind, in the order of the line."""
    return [piece for piece in pieces if isinstance(piece, kind)]


def _consist_of(pieces: Sequence[Piece], *kinds: type[Piece]) -> bool:
    """Return whether there are pieces, and all of them are of these kinds."""
    return bool(pieces) and all(isinstance(piece, kinds) for piece in pieces)


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return words without differences of case, accents, hyphens, blanks and apostrophes.

    Args:
        text: the rest of the line.
    """
    plain = without_accents(text.casefold().replace("’", "'"))
    letters = _SHADES.sub("", plain)
    return " ".join(re.sub(r"[\s_‐‑-]+", " ", letters).split())


@dataclass(frozen=True, eq=False)
class Grammar:
    """How agents speak: the words of all languages, the configured tags, and the people whom lines name.

    `people` are the names of agents, in any case, with their ids.
    """

    languages: Catalogue = field(default_factory=catalogue)
    tags: Mapping[str, str] = field(default_factory=dict)
    agents: tuple[Speaker, ...] = ()
    companies: tuple[str, ...] = ()
    #: the ids of the departments that may be asked
    helpers: frozenset[str] = frozenset()

    # --- vocabulary ---

    @cached_property
    def verbs(self) -> Mapping[str, str]:
        """Every phrase that means a verb, folded."""
        found = {folded(verb): verb for verb in VERBS}
        for verb, phrase in self._phrases("verbs"):
            found.setdefault(phrase, verb)
        return found

    @cached_property
    def _counted(self) -> Mapping[str, str]:
        """Phrases that mean a verb only with a number."""
        return {phrase: verb for verb, phrase in self._phrases("counted")}

    @cached_property
    def _verbs_and_counted(self) -> Mapping[str, str]:
        """Every phrase that means a verb, with those that need a number."""
        return {**self._counted, **self.verbs}

    @cached_property
    def _in_other_words(self) -> Mapping[str, str]:
        """Every phrase by which a sentence asks for an order in other words; a "*" stands for any words."""
        return {phrase: verb for verb, phrase in self._phrases("prose")}

    @cached_property
    def _first_words(self) -> frozenset[str]:
        """The phrase by which each language calls each verb."""
        firsts = (phrases[0] for lang in self._answers for phrases in lang.verbs.values() if phrases)
        return frozenset(map(folded, (*firsts, *VERBS)))

    @cached_property
    def _values(self) -> Mapping[str, frozenset[str]]:
        """Each word for a value, with the values that it may mean."""
        found: dict[str, frozenset[str]] = {}
        for value, phrase in self._phrases("values"):
            found[phrase] = found.get(phrase, frozenset()) | {value}
        return found

    @cached_property
    def people(self) -> Mapping[str, str]:
        """Each name of an agent, with the id; a first name that two share names nobody."""
        firsts = [(folded(agent.name.split()[0]), agent.id) for agent in self.agents if agent.name.split()]
        number = Counter(name for name, _ in firsts)
        found = {name: agent_id for name, agent_id in firsts if number[name] == 1}
        for agent in self.agents:
            found |= dict.fromkeys(map(folded, (agent.name, agent.email, agent.id)), agent.id)
        return found

    @cached_property
    def _answers(self) -> tuple[Answers, ...]:
        """What agents and customers say, of each language."""
        return tuple(language.answers for language in self.languages.all())

    def _phrases(self, table: str) -> Iterator[tuple[str, str]]:
        """Yield the entries of a table of all languages: what is meant, and a folded phrase for it.

        Args:
            table: its name.
        """
        for answers in self._answers:
            for meant, phrases in getattr(answers, table).items():
                for phrase in phrases:
                    yield meant, folded(phrase)
                    yield meant, folded(_spelt_out(phrase, answers.notes.spelt_out))

    @lru_cache(maxsize=16)  # noqa: B019  a grammar lives as long as the configuration
    def words(self, *names: str) -> frozenset[str]:
        """Return lists of words in [notes] of all languages, folded.

        Args:
            names: names of lists in the table [notes].
        """
        return frozenset(
            folded(word)
            for answers in self._answers
            for name in names
            for word in getattr(answers.notes, name)
        )

    # --- one line ---

    def read(self, line: str) -> list[Piece]:
        """Return what a line says.

        Several pieces where it has several orders, or a sentence after an order.

        Args:
            line: a line of a note.
        """
        bare = bare_line(line)
        if not bare:
            return []
        if bare == "?":
            return [Order("help", "", bare)]
        if number := _ITEM_NUMBER.match(line):
            return self._numbered_item(number[1], bare)
        return self._line(bare)

    def _numbered_item(self, number: str, bare: str) -> list[Piece]:
        """Return the pieces of "1. fixed"; in "1. kept" the number may be the promise's, which is asked.

        Args:
            number: the number before the line.
            bare: the line without what is around it.
        """
        pieces = self._line(bare)
        match pieces:
            case [Order(verb=verb, text="")] if form_of(verb) is Form.NUMBER:
                problem = msg("{line} may mean number {n}, or all of them", line=quoted(bare), n=number)
                return [Unclear(bare, problem, f"{verb}: {number}")]
        return pieces

    def _line(self, bare: str) -> list[Piece]:
        """Return the pieces of a line that begins with no number.

        Args:
            bare: the line without what is around it.
        """
        return (
            self._tag(bare)
            or self._denied(bare)
            or self._order(bare)
            or self._no_complaint(bare)
            or self._reply(bare)
            or [self.free(bare)]
        )

    def is_no(self, text: str) -> bool:
        """Return whether a text is nothing but a no."""
        return self._replies.get(folded(text.strip(" .!"))) == "no"

    def is_order(self, line: str) -> bool:
        """Return whether a line is one order or several, and nothing else.

        Args:
            line: a line of a note.
        """
        return _consist_of(self.read(line), Order)

    def is_bare_choice(self, line: str) -> bool:
        """Return whether a line is an order without words of its own, as desk mails offer it: "kept: 1".

        Args:
            line: a line of a note.
        """
        wordy = {Form.TEXT, Form.AMOUNT, Form.NUMBER_AND_TEXT}
        orders = of_kind(self.read(line), Order)
        return all(not order.text or form_of(order.verb) not in wordy for order in orders)

    def is_courtesy(self, line: str) -> bool:
        """Return whether a line is a greeting or thanks, with a name at most.

        Args:
            line: a line of a note.
        """
        if ":" in line.rstrip(" :"):
            return False
        words = [match.group() for match in _TOKEN.finditer(line)]
        first = words and folded(words[0]) in self.words("courtesies")
        return bool(first or self._is_polite(line)) and len(words) <= _MAX_WORDS_OF_ORDER + 1

    def begins_order(self, line: str) -> bool:
        """Return whether a line begins with a verb or a label and a separator.

        A line that is an order as it stands counts too.

        Args:
            line: a line of a note.
        """
        bare = bare_line(line)
        if LIST_MARK.match(line) or _LABELLED.fullmatch(bare):
            return True
        found = self._verb(bare)
        return bool(found and _SEPARATOR.match(bare[found[1] :])) or self.is_order(line)

    def tells_of_promise(self, text: str) -> bool:
        """Return whether a sentence has a word that names a promise: "I promised her".

        Args:
            text: the rest of the line.
        """
        named = {phrase for phrase, verb in self.verbs.items() if verb in {"promise", "promised"}}
        return any(folded(match.group()) in named for match in _TOKEN.finditer(text))

    def verb_of(self, label: str) -> str | None:
        """Return the verb that a label before a colon names, None where it names none.

        Args:
            label: the words before a colon.
        """
        return self.verbs.get(folded(label.strip("*_ ")))

    def is_boilerplate(self, line: str) -> bool:
        """Return whether a line stands in signatures though it begins like an order: a phone, a note, a slogan.

        "Our promise: every chair sits right" names no day until which anything is promised.

        Args:
            line: in a signature or below a name.
        """
        found = self._verb(bare_line(line))
        verb = found[0] if found else ""
        has_day = any(f" {word} " in _spaced(line) for word in self.words("until"))
        return verb in {"phone", "note"} or (verb in _PROMISES and not has_day)

    def left_empty(self, line: str, verbs: Iterable[str]) -> bool:
        """Return whether a line has one of these verbs and a colon, as it was offered.

        Nothing follows it.

        Args:
            line: a line of a note.
            verbs: the verbs that may be left empty.
        """
        bare = bare_line(line)
        found = self._verb(bare)
        return bool(found and found[0] in verbs and re.fullmatch(r"\s*[:：][\s.…_]*", bare[found[1] :]))

    # --- tags ---

    def _tag(self, bare: str) -> list[Piece]:
        """Return the order of a line that is the name of a tag.

        Args:
            bare: the line without what is around it.
        """
        name = bare.rstrip(".!…").strip()
        for pattern, line in self.tags.items():
            told = line_for(pattern, line, name) if " " not in name or not pattern.endswith("*") else None
            if told and folded(name) not in self.verbs:
                verb, _, text = told.partition(":")
                return self._by_form(verb.strip(), text.strip(), bare) if verb.strip() in VERBS else []
        return []

    # --- orders ---

    def _order(self, bare: str) -> list[Piece]:
        """Return the pieces of a line that begins with a verb, or with a number and a verb.

        Args:
            bare: the line without what is around it.
        """
        bare_of_courtesy = self._after_courtesy(bare)
        for text in dict.fromkeys((bare, bare_of_courtesy)):
            found = self._number_first(text) or self._verb_first(text, bare)
            if found:
                return found
        return []

    def _after_courtesy(self, bare: str) -> str:
        """Return a line without the courtesies, and the yes, before an order in it: "Hi Lee, fixed".

        Args:
            bare: the line without what is around it.
        """
        rest = bare
        known = self.words("polite", "courtesies", "yes", "agreed") | set(self.people)
        while head := self._head(rest, known):
            pause = _PAUSE.match(rest[head[1] :])
            if pause is None:
                break
            rest = rest[head[1] + pause.end() :]
        is_order = rest != bare and self._verb(rest) is not None
        return rest if is_order and self.is_order(rest) else bare

    def _number_first(self, bare: str) -> list[Piece]:
        """Return the order of "1 kept", "#1: kept" or "promise 1 kept".

        Args:
            bare: the line without what is around it.
        """
        head = self._head(bare, self.words("numbers"))
        after = bare[head[1] :].lstrip() if head else bare
        number = _REVERSED.match(after)
        if number is None:
            return []
        rest = after[number.end() :]
        found = self._verb(rest, counted=True)
        if found is None or form_of(found[0]) not in {Form.NUMBER, Form.NUMBER_AND_TEXT}:
            return []
        tail = rest[found[1] :].strip()
        return self._by_form(found[0], f"{number[2]} {tail}".strip(), bare)

    def _verb_first(self, text: str, bare: str) -> list[Piece]:
        """Return the pieces of a line that begins with a verb.

        Args:
            text: the rest of the line.
            bare: the line without what is around it.
        """
        found = self._verb(text, counted=True)
        if found is None:
            return []

        verb, end = found
        rest = text[end:].rstrip(" ?") if verb in LOOK_UPS else text[end:]
        is_counted = folded(text[:end]) not in self.verbs
        if is_counted and not re.match(r"\s{0,9}[:：=–—-]?\s{0,9}#?\d", rest):
            is_alone = _END.fullmatch(rest) or self._is_polite(rest)
            return [self._lacks(verb, bare)] if is_alone else []

        separator = _SEPARATOR.match(rest)
        if separator:
            return self._by_form(verb, rest[separator.end() :], bare)
        if _END.fullmatch(rest):
            return self._by_form(verb, "", bare)
        return self._without_separator(verb, rest, bare, distinct=self._is_distinct(verb, text[:end]))

    def _is_distinct(self, verb: str, phrase: str) -> bool:
        """Return whether a phrase is the very name of a verb that hardly begins a mere sentence.

        Args:
            verb: the verb of the order.
            phrase: some words.
        """
        return verb in _DISTINCT and folded(phrase) in self._first_words

    def _without_separator(self, verb: str, rest: str, bare: str, *, distinct: bool) -> list[Piece]:
        """Return the pieces of a line with a verb and something after it, with no colon between them.

        Args:
            verb: the verb of the order.
            rest: what follows the verb.
            bare: the line without what is around it.
            distinct: the line can hardly be a mere sentence.
        """
        form = form_of(verb)
        text = rest.lstrip(" \u00a0")
        pause = re.match(r"\s*[,.!;…]+\s*", rest)
        if pause and form is Form.OPTIONAL_TEXT and "," in pause[0]:
            return self._by_form(verb, rest[pause.end() :], bare)
        if pause and needs_text(verb):
            return [self._lacks(verb, bare)]
        if pause:
            return self._with_tail([Order(verb, "", bare)], rest, bare)

        if form is Form.NONE and self._is_polite(text):
            return [Order(verb, "", bare)]
        if self._needs_no_separator(verb, form, text):
            return self._by_form(verb, text, bare)
        spelt = self._spelt_number(text.partition(" ")[0])
        if form is Form.NUMBER_AND_TEXT and spelt:  # as somebody dictates it
            problem = msg("{line} may be an order; expected {form}", line=quoted(bare), form=form_shown(verb))
            return [Unclear(bare, problem, f"{verb}: {spelt} {text.partition(' ')[2]}")]
        if not distinct and len(_TOKEN.findall(bare)) > 1:
            return []
        return [self._unclear_text(verb, text, bare)]

    def _needs_no_separator(self, verb: str, form: Form, text: str) -> bool:
        """Return whether a text can only be what the verb takes: a number, an amount, a value, a date.

        Args:
            verb: the verb of the order.
            form: what the verb takes.
            text: the rest of the line.
        """
        if form in {Form.NUMBER, Form.NUMBER_AND_TEXT}:
            return _NUMBER.match(self._after_number_word(text)) is not None
        if form is Form.AMOUNT:
            return self._amount(text) is not None
        if form is Form.VALUE:
            return self._value(verb, text) is not None
        if verb in {"hold", "away"}:
            return self._head(text, self.words("until")) is not None or text[:1].isdigit()
        if verb == "ask":
            return self._names_department(self._from_department(text))
        names_case = re.search(r"\bFU-\w{5,12}\b|\S@\S", text, re.IGNORECASE)
        return verb == "show" and (names_case is not None or self.verb_of(text.rstrip(" .!")) == "today")

    def _names_department(self, text: str) -> bool:
        """Return whether a text begins with the id of a department, and says more.

        Args:
            text: the rest of the line.
        """
        named, _, question = text.partition(" ")
        return folded(named.rstrip(",:")) in set(map(folded, self.helpers)) and question.strip() != ""

    def _from_department(self, text: str) -> str:
        """Return what a department is asked, without an article before the department.

        Args:
            text: the rest of the line.
        """
        head = self._head(text, self.words("articles"))
        rest = text[head[1] :].lstrip() if head else text
        return rest if self._names_department(rest) else text

    def _unclear_text(self, verb: str, text: str, bare: str) -> Unclear:
        """Return that a line has a verb and more than the verb takes, or no colon before its text.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        if text.endswith("?"):
            return Unclear(bare, msg("{line} asks rather than says; I did nothing", line=quoted(bare)))
        if form_of(verb) is Form.NONE:
            problem = msg("{line} says more than {verb} can take", line=quoted(bare), verb=quoted(verb))
            return Unclear(bare, problem, f"{verb}\nnote: {text}" if self._is_plain(text) else None)
        if denial := self._denial(verb, text, bare):
            return denial
        text = self._undictated(text)
        problem = msg("{line} may be an order; expected {form}", line=quoted(bare), form=form_shown(verb))
        draft = self._told_of_number(text) or self._filled(verb, text) or self._dictated(verb, text)
        is_better = draft.casefold() != bare.casefold() and all(map(self.is_order, draft.splitlines()))
        return Unclear(bare, problem, draft if is_better else None)

    def _dictated(self, verb: str, text: str) -> str:
        """Return the lines of somebody who dictates several orders in one breath: "cause lost resolution sent again".

        Args:
            verb: the verb of the first order.
            text: what follows it.
        """
        places = [(word.end(), self._verb(text[word.end() :])) for word in _WORD_BEGINS.finditer(text)]
        named = [(begin, begin + found[1], found[0]) for begin, found in places if found]
        lines: list[str] = []
        stop = len(text)
        for begin, end, behind in reversed(named):
            said = self._without_stops(self._undictated(text[end:stop]))
            if self._is_dictated(behind, text[begin:end], said):
                lines.append(f"{behind}: {said}")
                stop = begin
        lines.append(f"{verb}: {self._without_stops(text[:stop])}")
        return "\n".join(reversed(lines))

    def _is_dictated(self, verb: str, name: str, text: str) -> bool:
        """Return whether words in a sentence are the very name of a verb, with what it takes behind them.

        Args:
            verb: the verb.
            name: the words that may name it.
            text: what follows them.
        """
        form = form_of(verb)
        is_named = verb in _DICTATED or form is Form.VALUE or self._is_distinct(verb, name)
        takes = form is Form.TEXT and " " in text
        return is_named and (takes or self._needs_no_separator(verb, form, text))

    def _undictated(self, text: str) -> str:
        """Return what follows a dictated verb, without the colon in words.

        Args:
            text: what follows the verb.
        """
        bare = text.strip()
        colon = self._head(bare, self.words("colons"))
        return bare[colon[1] :].strip() if colon else bare

    def _without_stops(self, text: str) -> str:
        """Return a text without the words at its end with which a stop is dictated, or a list is joined.

        Args:
            text: the words of one order.
        """
        rest, stops = text.strip().rstrip(_JOINTS), tuple(self.words("stops"))
        while stop := next((stop for stop in stops if _ends_with_word(rest, stop)), ""):
            rest = rest[: -len(stop)].rstrip(_JOINTS)
        return rest

    def _denial(self, verb: str, text: str, bare: str) -> Unclear | None:
        """Return that a sentence denies something of what it names: "promise 1 is not kept", else None.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        first, *words = [folded(word.strip(".,!")) for word in text.split()[:_MAX_WORDS]] or [""]
        number = re.fullmatch(r"#?(\d{1,4})", first)
        negations = self.words("negations")
        if first not in negations and not (number and negations & {*words}):
            return None
        if number is None or verb != "promise":
            return Unclear(bare, msg(_NOT_SO, line=quoted(bare)), denies=verb)
        problem = msg(
            "{line} says what is not so, and nothing was done; which of these is it?", line=quoted(bare)
        )
        late = "late: {0} until ... because ...\nwithdraw: {0} because ..."
        return Unclear(bare, problem, late.format(number[1]), "kept")

    def _told_of_number(self, text: str) -> str:
        """Return the order that a sentence about a number means, "" for none: "kept: 1" for "1 is kept".

        Args:
            text: the rest of the line.
        """
        number, *words = map(folded, text.rstrip(" .!").split() or [""])
        is_short = 0 < len(words) < _MAX_WORDS
        if not is_short or not re.fullmatch(r"#?\d{1,4}", number):
            return ""
        if self.words("negations").intersection(words):
            return ""

        found = self._verb(words[-1], counted=True)
        is_told = found is not None and form_of(found[0]) is Form.NUMBER
        return f"{found[0]}: {number.lstrip('#')}" if found and is_told else ""

    def _by_form(self, verb: str, text: str, bare: str) -> list[Piece]:
        """Return the pieces of a verb and the text after its separator.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        text = text.strip()
        match form_of(verb):
            case Form.NONE:
                return self._plain_order(verb, text, bare)
            case Form.NUMBER:
                return self._numbered(verb, text, bare)
            case Form.NUMBER_AND_TEXT:
                return [self._prose(verb, self._number_bare(text), bare)]
            case Form.AMOUNT:
                return self._money(verb, text, bare)
            case Form.VALUE:
                return self._valued(verb, text, bare)
            case _:
                return [self._prose(verb, text, bare)]

    def _plain_order(self, verb: str, text: str, bare: str) -> list[Piece]:
        """Return the order of a verb that takes nothing.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        if not text or _END.fullmatch(text) or self._is_polite(text):
            return [Order(verb, "", bare)]
        return [self._unclear_text(verb, text, bare)]

    def _numbered(self, verb: str, text: str, bare: str) -> list[Piece]:
        """Return the order of a verb that takes numbers: "kept: #1 and 2.".

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        numbers, rest = self._numbers(text)
        if numbers:
            return self._with_tail([Order(verb, ", ".join(numbers), bare)], rest, bare)
        if _END.fullmatch(text):
            return self._bare_number_verb(verb, bare)
        spelt = self._spelt_number(text)
        return [Order(verb, spelt, bare) if spelt else self._unclear_text(verb, text, bare)]

    def _spelt_number(self, text: str) -> str:
        """Return the number that a word means, with an article at most before it ("one", "the first"); "" for none.

        Args:
            text: the rest of the line.
        """
        words = folded(text.strip(_OUTER).strip(".!*_ ")).split()
        numbers = self._number_words.get(words[-1], set()) if 0 < len(words) <= _WORDS_OF_NUMBER else set()
        return str(min(numbers)) if len(numbers) == 1 else ""

    @cached_property
    def _number_words(self) -> Mapping[str, set[int]]:
        """Each word for a number, with the numbers that it means in some language.

        A word that means two different numbers means none.
        """
        found: dict[str, set[int]] = {}
        for answers in self._answers:
            for number, words in enumerate(answers.choice.numbers, 1):
                for word in words:
                    found.setdefault(folded(word), set()).add(number)
        return found

    def _bare_number_verb(self, verb: str, bare: str) -> list[Piece]:
        """Return the order of a verb that takes numbers and has none, which means all of them.

        Args:
            verb: the verb of the order.
            bare: the line without what is around it.
        """
        if needs_text(verb):
            return [self._lacks(verb, bare)]
        return [Order(verb, "", bare)]

    def _lacks(self, verb: str, bare: str) -> Unclear:
        """Return that a line lacks its text.

        Args:
            verb: the verb of the order.
            bare: the line without what is around it.
        """
        problem = msg("{line} lacks something; expected {form}", line=quoted(bare), form=form_shown(verb))
        return Unclear(bare, problem)

    def _numbers(self, text: str) -> tuple[list[str], str]:
        """Split "#1 and 2, thanks" into the numbers and the rest.

        Args:
            text: the rest of the line.
        """
        found: list[str] = []
        place = 0
        while place < len(text):
            number = _NUMBER.match(text, place)
            head = self._head(text[place:], self.words("numbers"))
            gap = _GAP.match(text, place)
            if number:
                found.append(number[1])
                place = number.end()
            elif head:
                place = len(text) - len(self._after_number_word(text[place:]))
            elif gap and _COUNTS_ON.match(text, place):
                place = gap.end()
            else:
                break
        return found, text[place:]

    def _after_number_word(self, text: str) -> str:
        """Return what follows "no." or "promise" before a number.

        Args:
            text: the rest of the line.
        """
        head = self._head(text, self.words("numbers"))
        return text[head[1] :].lstrip(" \u00a0.") if head else text

    def _number_bare(self, text: str) -> str:
        """Return "1 until ..." for "#1 until ..." or "promise 1 until ...".

        The rest stays as it was written.

        Args:
            text: the rest of the line.
        """
        rest = self._after_number_word(text)
        return re.sub(r"^#\s?(?=\d)", "", rest) if re.match(r"#?\s?\d", rest) else text

    def _money(self, verb: str, text: str, bare: str) -> list[Piece]:
        """Return the order of a verb that takes an amount.

        What follows the amount must be understood too.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        found = self._amount(text)
        if found is not None:
            amount, tail = text[found[0] : found[1]], text[found[1] :]
            if amount.isdigit() and self._told_of_number(text):  # "refund 1 issued": a number, or an amount
                return [self._unclear_text(verb, text, bare)]
            filler = _PAUSE.match(tail)
            if filler and self._is_filler(tail[filler.end() :]) and not amount[-1:].isdigit():
                return [Order(verb, text[found[0] :].rstrip(" .!"), bare)]
            return self._with_tail([Order(verb, amount, bare)], tail, bare)
        if not any(map(str.isalnum, text)):
            return [self._lacks(verb, bare)]

        problem = msg(
            "{line} names no amount I can read; expected {form}",
            line=quoted(bare),
            form=form_shown(verb),
        )
        return [Unclear(bare, problem)]

    def _is_filler(self, text: str) -> bool:
        """Return whether words after an amount change nothing about it: "as agreed".

        Args:
            text: the rest of the line.
        """
        return folded(text.rstrip(" .!")) in self.words("fillers")

    def _amount(self, text: str) -> tuple[int, int] | None:
        """Return where the amount at the beginning of a text is; "of" may precede it.

        Args:
            text: the rest of the line.
        """
        head = self._head(text, self.words("of"))
        skipped = head[1] if head else 0
        skipped += len(text[skipped:]) - len(text[skipped:].lstrip())
        end = amount_at_start(text[skipped:], self.languages)
        return (skipped, skipped + end) if end else None

    def _valued(self, verb: str, text: str, bare: str) -> list[Piece]:
        """Return the order of a verb that takes a known value, or a name.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        whole = self._value(verb, text)
        if whole is not None:
            return [Order(verb, whole, bare)]
        first = re.match(r"([^,;.!]+)[,;.!]+\s+(?=\S)", text)
        value = self._value(verb, first[1]) if first else None
        if first and value is not None:
            return self._with_tail([Order(verb, value, bare)], text[first.end(1) :], bare)
        bare_text = text.rstrip(" .!…").strip("*_ ")
        return [Order(verb, bare_text, bare)] if bare_text else [self._lacks(verb, bare)]

    def _value(self, verb: str, text: str) -> str | None:
        """Return the value that a text means, None where it is no known one.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
        """
        said = folded(text.strip(_OUTER).rstrip(".!…;,").strip("*_ "))
        if verb == "owner":
            return self.people.get(said)
        named, _, last = said.rpartition(" ")
        if verb == "settle" and named and not self._choice(verb, said):  # a letter's key precedes the value
            value = self._choice(verb, last)
            return f"{text.split(maxsplit=1)[0]} {value}" if value and " " not in named else None
        return self._choice(verb, said)

    def _choice(self, verb: str, said: str) -> str | None:
        """Return the value among those of the verb that a word means, None where it means none.

        Args:
            verb: the verb of the order.
            said: the folded words.
        """
        choices = VERBS[verb].split(" | ")
        if len(choices) == 1:
            return None

        meant = {value for value in choices if said == folded(value)} | self._values.get(said, frozenset())
        return next(filter(meant.__contains__, choices), None)

    def _prose(self, verb: str, text: str, bare: str) -> Piece:
        """Return the order of a verb with free words, unless a second order hides in them.

        Args:
            verb: the verb of the order.
            text: the rest of the line.
            bare: the line without what is around it.
        """
        if verb == "show" and self.verb_of(text.rstrip(" .!")) == "today":
            return Order(verb, "today", bare)
        if not any(map(str.isalnum, text)):  # nothing, or the dots that stood there
            return self._lacks(verb, bare) if needs_text(verb) else Order(verb, "", bare)
        if verb == "ask":
            return Order(verb, self._from_department(text), bare)
        if draft := self._apart(bare):
            problem = msg("{line} has two orders; write each on a line of its own", line=quoted(bare))
            return Unclear(bare, problem, draft)
        return Order(verb, text, bare)

    def _apart(self, bare: str) -> str:
        """Return the orders of a line on separate lines, "" where there is only one with a colon.

        Args:
            bare: the line without what is around it.
        """
        cuts, begin = [], 0
        for pause in re.finditer(r"(?<=[.,;!])\s+(?=[^\W\d_])", bare):
            found = self._verb(bare[pause.end() :])
            rest = bare[pause.end() + found[1] :] if found else ""
            if found and (
                re.match(r"\s*[:：]\s", f"{rest} ") or self._ends_in_order(found[0], rest, bare[begin:])
            ):
                cuts.append(pause.span())
                begin = pause.end()
        if not cuts:
            return ""

        starts = [0, *(end for _, end in cuts)]
        stops = [*(start for start, _ in cuts), len(bare)]
        return "\n".join(bare[a:b].rstrip(" ,;") for a, b in zip(starts, stops, strict=True))

    def _ends_in_order(self, verb: str, rest: str, bare: str) -> bool:
        """Return whether a fact ends in an order that is one word: "cause: wrong box, fixed".

        Args:
            verb: the verb of the last words.
            rest: what follows it.
            bare: the line, or its last order that has a colon.
        """
        states_fact = (self._verb(bare) or ("",))[0] in FACT_VERBS
        return states_fact and form_of(verb) is Form.NONE and not any(map(str.isalnum, rest))

    def _with_tail(self, orders: list[Piece], tail: str, bare: str) -> list[Piece]:
        """Return orders with what follows them.

        Nothing more, courtesies, further orders, or a sentence.

        Args:
            orders: the orders that were read so far.
            tail: what follows the order.
            bare: the line without what is around it.
        """
        if _END.fullmatch(tail) or self._is_polite(tail):
            return orders

        pause = _PAUSE.match(tail)
        rest = tail[pause.end() :] if pause else tail
        pieces = self.read(rest) if pause else []
        if _consist_of(pieces, Order, Courtesy):
            return [*orders, *of_kind(pieces, Order)]

        explains = getattr(orders[0], "verb", "") in {"dismiss", "undo"} or _SENTENCE_END.match(tail)
        is_sentence = explains and not self.is_condition(rest)
        if is_sentence and _consist_of(pieces, Remark, Courtesy):
            return [*orders, Remark(rest)]

        problem = msg("{line} says more than I can read for certain", line=quoted(bare))
        draft = self._apart(bare)
        match orders:
            case [Order(verb=verb, text="")] if not draft and self._is_plain(rest):
                draft = f"{verb}\nnote: {rest}"
        return [Unclear(bare, problem, draft or None)]

    # --- no orders ---

    def _denied(self, bare: str) -> list[Piece]:
        """Return that a line says what is not so: "not kept yet"; never its opposite.

        Args:
            bare: the line without what is around it.
        """
        if self._verb(bare) or self._head(bare, self.words("polite")):
            return []
        head = self._head(bare, self.words("negations"))
        rest = bare[head[1] :] if head else ""
        denied = self._verb(rest.lstrip()) if rest.startswith((" ", "\u00a0")) else None
        return [Unclear(bare, msg(_NOT_SO, line=quoted(bare)), denies=denied[0])] if denied else []

    def _reply(self, bare: str) -> list[Piece]:
        """Return yes, consent or no at the beginning of a line, with what is said besides.

        Args:
            bare: the line without what is around it.
        """
        kind, rest = "", bare
        while head := self._head(rest, self._replies.keys() | self.words("polite")):
            meant = self._replies.get(folded(rest[: head[1]]), "")
            if kind and meant and (kind == "no") != (meant == "no"):
                break
            kind = kind or meant
            pause = re.match(r"[\s.!…,;:–—-]*", rest[head[1] :])
            rest = rest[head[1] + (pause.end() if pause else 0) :]

        if not kind:
            return []
        if kind == "no" and rest and self._hides_order(rest):
            problem = msg("{line} has two orders; write each on a line of its own", line=quoted(bare))
            return [Unclear(bare, problem)]
        return [YesOrNo(kind, bare, rest)]

    def _no_complaint(self, bare: str) -> list[Piece]:
        """Return the order of "no, it is no complaint", which is a no to every question.

        Args:
            bare: the line without what is around it.
        """
        head = self._head(bare, self.words("no"))
        pause = re.match(r"\s*[.!,;:–—-]\s*", bare[head[1] :]) if head else None
        pieces = self.read(bare[head[1] + pause.end() :]) if head and pause else []
        return pieces if len(pieces) == 1 and _means_dismiss(pieces[0]) else []

    def _hides_order(self, text: str) -> bool:
        """Return whether the reason of a no begins with an order, which would be lost as a reason.

        Args:
            text: what follows the no.
        """
        clause = re.split(r"[,;.!]", text, maxsplit=1)[0]
        found, meant = self._verb(clause), self.free(clause)
        draft = (meant.draft or "") if isinstance(meant, Unclear) else ""
        return bool(found and found[0] in _BESIDE_NO) or draft.partition(":")[0] in _BESIDE_NO

    @cached_property
    def _replies(self) -> Mapping[str, str]:
        """Each phrase that is a reply, with its kind."""
        return {word: kind for kind in ("no", "agreed", "yes") for word in self.words(kind)}

    def free(self, bare: str) -> Piece:
        """Return a line without an order: a courtesy, a remark, or what looks like an order.

        Args:
            bare: the line without what is around it.
        """
        if self.is_courtesy(bare):
            return Courtesy()

        label = _LABELLED.fullmatch(bare)
        if label and not self._is_label_of_remark(label[1]):
            return self._unknown(bare, label[1], label[2])

        words = bare.split()
        few = len(words) <= _MAX_WORDS_OF_ORDER or words[1][:1].isdigit()
        similar = self._similar(" ".join(words[:2])) + self._similar(words[0]) if few else []
        if any("@" in bare or self.verbs[phrase] != _WITH_ADDRESS for phrase in similar):
            return self._unknown(bare, *_halves(bare))
        if draft := self._apart(bare):
            problem = msg(
                "{line} has an order in a sentence; write it on a line of its own", line=quoted(bare)
            )
            return Unclear(bare, problem, draft)
        return Remark(bare)

    def _is_label_of_remark(self, label: str) -> bool:
        """Return whether words before a colon begin an aside, or are too many for a verb.

        Args:
            label: the words before a colon.
        """
        words = list(map(folded, label.split()))
        return words[0] in self.words("asides") or len(words) > _MAX_WORDS_OF_ORDER

    def _unknown(self, bare: str, label: str, text: str) -> Unclear:
        """Return that a line looks like an order that nobody knows.

        The verb that may have been meant is suggested.

        Args:
            bare: the line without what is around it.
            label: the words before a colon.
            text: the rest of the line.
        """
        problem = msg("{line} is not a line I know", line=quoted(bare))
        meant = self._similar(label) or self._similar(label.split(maxsplit=1)[0])
        negated = any(folded(word) in self.words("negations") for word in label.split())
        if not meant or negated:
            return Unclear(bare, problem)

        verb = self.verbs[meant[0]]
        if denial := self._denial(verb, text, bare):
            return denial
        hint = msg("Did you mean {form}?", form=form_shown(verb))
        draft = f"{verb}: {text}" if text else verb
        amount = self._filled(verb, text) if form_of(verb) is Form.AMOUNT else ""
        draft = draft if self.is_order(draft) else amount
        return Unclear(bare, msg("{problem}. {hint}", problem=problem, hint=hint), draft or None)

    def _similar(self, phrase: str) -> list[str]:
        """Return the verb's phrase that resembles a phrase, if there is one.

        Args:
            phrase: some words.
        """
        said = folded(phrase.strip(" .,!:"))
        return self._verb_phrases.nearest(said) if len(said) > _MAX_WORDS_OF_ORDER else []

    @cached_property
    def _verb_phrases(self) -> "Phrases":
        return Phrases(self.verbs)

    def is_condition(self, text: str) -> bool:
        """Return whether words make what was said before them depend on something.

        Args:
            text: the rest of the line.
        """
        return self._head(text.lstrip(), self.words("conditions")) is not None

    def takes_back(self, text: str) -> bool:
        """Return whether words below an order make it depend on something, or take it back: "no wait, Monday".

        Args:
            text: the line below the order.
        """
        bare = text.lstrip()
        denial = self._head(bare, self.words("no"))
        if denial and re.match(r"\s*[,;:!–—-]", bare[denial[1] :]):
            return True
        return self.is_condition(text) or self._head(bare, self.words("corrections")) is not None

    def names_other_value(self, orders: Iterable[Order], text: str) -> bool:
        """Return whether words below an order say another value of it: "fault: ours", and "the carrier's fault".

        Args:
            orders: of the line above.
            text: the line below the orders; one that calls their verb by its name counts as well.
        """
        said = _spaced(text)
        return any(f" {phrase} " in said for order in orders for phrase in self._other_values(order))

    def _other_values(self, order: Order) -> Iterator[str]:
        """Yield the phrases that say another value than an order does, or name what it is about.

        Args:
            order: an order, of which only those with one of a few values have any.
        """
        if order.verb not in VALUE_VERBS:
            return
        choices = {*VERBS[order.verb].split(" | ")} - {order.text}
        yield from (phrase for phrase, values in self._values.items() if " " in phrase and values <= choices)
        yield from (phrase for phrase, verb in self.verbs.items() if verb == order.verb)

    # --- sentences that ask for an order in other words ---

    def meant_by(self, text: str, speaker: str = "") -> str:
        """Return the lines that a sentence asks for in other words, "" for none: they are offered, and not done.

        "please put this one on hold until Friday" asks for "hold: until Friday". What depends on something, or is
        denied, asks for nothing.

        Args:
            text: free words of a note.
            speaker: the name of who says it, who may take a case over.
        """
        said, me = _spaced(text), self.people.get(folded(speaker))
        takes_over = me and any(_place_of(phrase, said) for phrase in self.words("takes_over"))
        meant = [f"owner: {me}"] if takes_over else []
        meant += [
            line
            for sentence in _SENTENCE_ENDS.split(f"{text} ")
            for part in sentence.split(", ")
            for line in self._asked_for(
                part, self.words("conditions").intersection(_spaced(sentence).split())
            )
        ]
        return "\n".join(dict.fromkeys(filter(None, meant)))

    def _asked_for(self, clause: str, conditions: frozenset[str]) -> Iterator[str]:
        """Yield the lines for which a part of a sentence asks in other words, in its order.

        Args:
            clause: the part.
            conditions: the words of the sentence that make it depend on something, unless the phrase has them itself.
        """
        said, bare = _spaced(clause), clause.rstrip(" .!?")
        places = {phrase: _place_of(phrase, said) for phrase in self._in_other_words}
        asked = [
            phrase
            for phrase, place in places.items()
            if place and conditions <= {*phrase.split()} and not self._is_denied(phrase, said, place)
        ]
        for phrase in sorted(asked, key=lambda phrase: places[phrase]):
            ending = phrase.rpartition(" * ")[2]  # "stell ihn bis Freitag zurück"
            is_last = "*" in phrase and said.endswith(f" {ending} ")
            rest = bare[: len(bare) - len(ending) * is_last].strip()
            yield self._filled(self._in_other_words[phrase], rest)

    def _is_denied(self, phrase: str, said: str, place: int) -> bool:
        """Return whether a sentence denies a phrase: "don't close it", "schließ das nicht".

        Args:
            phrase: what asks for an order; a denial that is part of it denies nothing.
            said: the folded words of the sentence, with a blank around each.
            place: where the phrase ends. Behind it a denial is the next word but one at most.
        """
        near = [*said[:place].split(), *said[place:].split()[:1]]
        return not self.words("negations").intersection(near) <= set(phrase.split())

    def _filled(self, verb: str, text: str) -> str:
        """Return the line of a verb with what a sentence says for it; "" where the sentence lacks that.

        Args:
            verb: the verb of the order.
            text: a sentence with an amount, the name of an agent, or a day to wait for.
        """
        rests = [text[word.start() :] for word in re.finditer(r"\S+", text)]
        match form_of(verb):
            case Form.NONE:
                return verb
            case Form.AMOUNT:
                amounts = (rest[: amount_at_start(rest, self.languages)] for rest in rests)
                return next((f"{verb}: {amount}" for amount in amounts if amount), "")
            case Form.VALUE if verb == "owner":
                heads = filter(None, (self._head(rest, self.people) for rest in rests))
                return next((f"owner: {self.people[name]}" for name, _ in heads), "")
        if verb != "hold":
            return "" if needs_text(verb) else verb
        untils = (rest for rest in rests if self._head(rest, self.words("until")))
        return next((f"hold: {until.rstrip(' .!')}" for until in untils), "hold")

    def _is_plain(self, text: str) -> bool:
        """Return whether words are no condition and no question.

        Args:
            text: the rest of the line.
        """
        return not self.is_condition(text) and "?" not in text

    def _is_polite(self, text: str) -> bool:
        """Return whether a text consists of courtesies and names of agents.

        Args:
            text: the rest of the line.
        """
        known = self.words("polite", "courtesies") | set(self.people)
        rest = text.strip(_OUTER)
        while rest:
            head = self._head(rest, known)
            if head is None:
                return _END.fullmatch(rest) is not None
            rest = rest[head[1] :].lstrip(" \u00a0.,!;…:-–—")
        return True

    # --- words ---

    def _verb(self, text: str, *, counted: bool = False) -> tuple[str, int] | None:
        """Return the verb that a text begins with, and where its phrase ends; the longest phrase counts.

        Args:
            text: the rest of the line.
            counted: count phrases that are a verb only with a number, too.
        """
        known = self._verbs_and_counted if counted else self.verbs
        head = self._head(text, known)
        return (known[head[0]], head[1]) if head else None

    def _head(self, text: str, known: Container[str]) -> tuple[str, int] | None:
        """Return the longest known phrase at the beginning of a text, and where it ends.

        Args:
            text: the rest of the line.
            known: the folded phrases to look for.
        """
        found = None
        place = 0
        for _ in range(_MAX_WORDS):
            token = _TOKEN.match(text, place)
            if token is None:
                break
            phrase = folded(text[: token.end()])
            if phrase in known:
                found = (phrase, token.end())
            between = _BETWEEN.match(text, token.end())
            place = between.end() if between else token.end()
        return found


class Phrases:
    """Phrases among which the one that resembles words is looked for."""

    def __init__(self, phrases: Collection[str]) -> None:
        letters = {letter for phrase in phrases for letter in _letters(phrase)}
        self._bits = {letter: 1 << place for place, letter in enumerate(sorted(letters))}
        self._masks = {phrase: self._mask(phrase) for phrase in phrases}

    def _mask(self, text: str) -> int:
        """Return a number with a bit for each letter of a text that some phrase has."""
        return sum(self._bits.get(letter, 0) for letter in _letters(text))

    def nearest(self, said: str) -> list[str]:
        """Return the phrase that resembles some words most, if one does.

        Most have too few letters in common with them, which is found out much faster than how alike they are.

        Args:
            said: the words, folded.
        """
        letters = self._mask(said)
        alike = [
            phrase
            for phrase, mask in self._masks.items()
            if 2 * (mask & letters).bit_count() / (len(phrase) + len(said)) >= _SIMILAR
        ]
        return get_close_matches(said, alike, 1, _SIMILAR)


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Yield the letters of a text, each with a number, as its second "e" is another one than its first."""
    return ((letter, number) for letter, count in Counter(text).items() for number in range(count))


def _spaced(text: str) -> str:
    """Return the folded words of a text with a blank around each, so that phrases can be looked for."""
    return f" {' '.join(folded(token.group()) for token in _TOKEN.finditer(text))} "


def _place_of(phrase: str, said: str) -> int:
    """Return where a phrase ends whose parts stand in a sentence one behind the other, 0 where they do not.

    Args:
        phrase: with "*" between its parts, where any words may stand.
        said: the folded words of the sentence, with a blank around each.
    """
    place = 0
    for part in phrase.split(" * "):
        found = said.find(f" {part} ", place)
        if found < 0:
            return 0
        place = found + len(part) + 1
    return place


def _means_dismiss(piece: Piece) -> bool:
    """Return whether a piece of a line says that it is no complaint, and nothing else."""
    return isinstance(piece, Order) and (piece.verb, piece.text) == ("dismiss", "")


def bare_line(line: str) -> str:
    """Return a line without what is around it.

    Blanks, a list mark, and quotes or bold type around all of it.

    Args:
        line: a line of a note.
    """
    bare = line.strip().lstrip(_OUTER)
    mark = LIST_MARK.match(bare)
    bare = bare[mark.end() if mark else 0 :].lstrip("¡¿")
    return _not_bold(_not_quoted(bare)).strip()


def _not_quoted(bare: str) -> str:
    """Return a line without the quotation marks around all of it."""
    closing = _QUOTES.get(bare[:1])
    if not closing or len(bare) < len("''") or not bare.endswith(closing):
        return bare
    return bare[1:-1] if _is_balanced(bare[1:-1], bare[0], closing) else bare


def _is_balanced(text: str, opening: str, closing: str) -> bool:
    """Return whether quotations that begin in a text end in it, so that marks around it belong together.

    Args:
        text: what is between the marks.
        opening: the mark that begins a quotation.
        closing: the one that ends it; where both are the same sign, there is none in the text.
    """
    depth = 0
    for sign in text:
        depth += (sign == opening) - (sign == closing) if opening != closing else -(sign == closing)
        if depth < 0:
            return False
    return depth == 0


def _ends_with_word(text: str, word: str) -> bool:
    """Return whether a word is the last of a text, behind a blank or a comma.

    Args:
        text: without blanks at its end.
        word: in any case.
    """
    before = text[: -len(word)]
    return text[len(before) :].casefold() == word.casefold() and before[-1:] in set(_JOINTS)


def _not_bold(bare: str) -> str:
    """Return a line whose whole, or whose label, is set in bold type as it is without that: "**kept:** 1"."""
    bold = _BOLD.match(bare)
    if bold is None:
        return bare

    inner = bare[bold.end() : -bold.end()]
    if bare.endswith(bold[0]) and bold[0] not in inner:
        return inner

    label, is_closed, rest = bare[bold.end() :].partition(bold[0])
    is_label = re.search(r"[:：]\s*$", label) or re.match(r"\s*[:：]", rest)
    begins_with_word = _TOKEN.match(bare, bold.end())
    return f"{label}{rest}" if is_closed and is_label and begins_with_word else bare


def _halves(bare: str) -> tuple[str, str]:
    """Return the first word of a line and the rest.

    Args:
        bare: the line without what is around it.
    """
    first, _, rest = bare.partition(" ")
    return first, rest.strip()


@lru_cache(maxsize=8)
def _reasons(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of the words before a reason, of all languages.

    Args:
        languages: the languages of the words.
    """
    phrases = {phrase for language in languages.all() for phrase in language.answers.notes.because}
    longest_first = sorted(phrases, key=len, reverse=True)
    words = "|".join(
        rf"{re.escape(phrase)}(?!\w)" if phrase[-1].isalnum() else re.escape(phrase)
        for phrase in longest_first
    )
    return re.compile(rf"(?<!\w)(?:{words})\s*", re.IGNORECASE)


def split_reason(text: str, languages: Catalogue) -> tuple[str, str]:
    """Split a text at the first word for "because"; the reason stays as it was written.

    Args:
        text: "Friday because of the snow".
        languages: the languages of the word.

    Returns:
        What precedes the word, and the reason, "" where there is none.
    """
    found = _reasons(languages).search(text)
    if found is None:
        return text.strip(), ""
    return text[: found.start()].rstrip(" ,;:–—-"), text[found.end() :].strip()


def _spelt_out(phrase: str, letters: Mapping[str, str]) -> str:
    """Return a phrase as it is written on a keyboard without some letters.

    Args:
        phrase: some words.
        letters: each letter, and how it is written without it.
    """
    for letter, spelt in letters.items():
        phrase = phrase.casefold().replace(letter, spelt)
    return phrase
