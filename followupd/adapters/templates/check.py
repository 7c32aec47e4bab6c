"""Everything that is wrong with the letters, all at once, for `followupd check` and before new letters are taken.

Each rule has a stable id. Letters are read, then tried on the sample cases in every language that there is.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, nodes
from jinja2.meta import find_undeclared_variables

from followupd.adapters.templates import context as scopes
from followupd.adapters.templates import markdown
from followupd.adapters.templates.context import of_digest
from followupd.adapters.templates.formatter import Named, formatter_for
from followupd.adapters.templates.messages import SENTENCES, read_if_there, sentences_of
from followupd.adapters.templates.renderer import DEFAULT, LAYOUT, TemplateRenderer, is_language
from followupd.adapters.templates.samples import (
    SAMPLES,
    sample_agenda,
    sample_brief,
    sample_card,
    sample_case,
)
from followupd.adapters.templates.sources import (
    BrokenLetterError,
    GrammarError,
    HeadError,
    LetterTemplate,
    SlotError,
    contents,
    naming,
    sandbox,
)
from followupd.domain.case import Case
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, DIGEST, GIFT_CARD, Letter
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import places
from followupd.errors import LetterError, Problem

KINDS = (*CUSTOMER_LETTERS, *DESK_MAILS)


class TemplateRule(StrEnum):
    """What a problem is about; the ids stand in scripts and in docs/letters.md, so none is ever reused."""

    MISSING = "L01"
    HEAD = "L02"
    GRAMMAR = "L03"
    UNKNOWN = "L04"
    RENDERING = "L05"
    SLOT = "L06"
    LAYOUT = "L07"
    REMOTE = "L08"
    NO_KIND = "L09"


_HINT = {
    TemplateRule.MISSING: "Copy it from the starter letters (`followupd init DIR` writes them out).",
    TemplateRule.HEAD: "Begin the file with a line `---`, a line `subject: ...`, and a line `---`.",
    TemplateRule.GRAMMAR: "See docs/letters.md for what a letter may hold; every {% if %} needs its {% endif %}.",
    TemplateRule.UNKNOWN: "docs/letters.md lists what each letter may speak of.",
    TemplateRule.RENDERING: "Write {% if ... %} around what may be missing, or see docs/letters.md for the right name.",
    TemplateRule.SLOT: "Say it in the letter; docs/letters.md lists what each letter must say.",
    TemplateRule.LAYOUT: "Put {{ body }} where the letter's text belongs, or copy the starter's layout.html.",
    TemplateRule.REMOTE: "Leave it out: mail programs block it, and it tells others when the letter is read.",
    TemplateRule.NO_KIND: "Rename it to one of the kinds in docs/letters.md, or begin its name with _ if it is a part.",
}
_REMOTE = re.compile(
    r"""(?:src|background)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//|@import|<link\b""",
    re.IGNORECASE,
)


def problems(directory: Path, playbook: Playbook, now: datetime, known: Path | None = None) -> list[Problem]:
    """Return every problem of the letters in a directory, sorted by file and line; `playbook` lends house and people.

    A language whose files are the same as in `known`, where they were found well, is not tried again.
    """
    letters = TemplateRenderer(
        directory, sender_of=lambda _: Person("support@example.com"), message_id=_sample_id
    )
    found = {*_missing(letters, playbook), *_layout(directory)}
    for language in languages(directory):
        if known and contents(directory, language) == contents(known, language):
            continue
        files = {*_files(directory, language, playbook, now)}
        broken = {problem.file for problem in files}
        found |= files | {one for one in _tried(letters, language, playbook, now) if one.file not in broken}
    return sorted(found, key=lambda one: (one.file, one.line or 0, one.rule, one.problem))


def try_out(letters: TemplateRenderer, kind: str, case: Case, playbook: Playbook, now: datetime) -> Letter:
    """Write a letter of any kind for a sample case; raises LetterError as the real writing would."""
    brief = sample_brief(kind, case, playbook, now)
    if kind == DIGEST:
        agenda = sample_agenda(case, playbook, now)
        return letters.digest(agenda, playbook, now, case.mailbox, playbook.owner_of(case.owner))
    if kind == GIFT_CARD:
        return letters.gift_card(case, playbook, now, sample_card(case, playbook))
    if kind in DESK_MAILS:
        return letters.desk(kind, case, playbook, now, brief, playbook.owner_of(case.owner))
    return letters.letter(kind, case, playbook, now, brief)


def _problem(file: str, line: int | None, rule: TemplateRule, problem: str) -> Problem:
    return Problem(file=file, line=line, key=None, rule=rule, problem=problem, hint=_HINT[rule])


def languages(directory: Path) -> list[str]:
    """Return the languages that the directory holds letters in."""
    found = directory.iterdir() if directory.is_dir() else iter(())
    return sorted(path.name for path in found if path.is_dir() and is_language(path.name))


def _missing(letters: TemplateRenderer, playbook: Playbook) -> Iterator[Problem]:
    for kind in KINDS:
        try:
            letters.find(kind, playbook.company.locale)
        except HeadError:
            continue
        except LetterError:
            file = f"{letters.directory.name}/{DEFAULT}/{kind}.md"
            yield _problem(file, None, TemplateRule.MISSING, "the letter is missing")


def _layout(directory: Path) -> Iterator[Problem]:
    file, path = f"{directory.name}/{LAYOUT}", directory / LAYOUT
    if not path.is_file():
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame of the HTML part is missing")
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    if not re.search(r"\{\{-?\s*body\s*-?\}\}", text):
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame has no place for the letter")
    for number, line in enumerate(text.splitlines(), 1):
        if _REMOTE.search(line):
            yield _problem(file, number, TemplateRule.REMOTE, "the frame would load something from outside")


def _files(directory: Path, language: str, playbook: Playbook, now: datetime) -> Iterator[Problem]:
    environment = sandbox(directory, markdown.escaped, markup=True)
    yield from _sentences(directory, language)
    for path in sorted((directory / language).rglob("*.md")):
        name = path.relative_to(directory).as_posix()
        file, kind = f"{directory.name}/{name}", name.removeprefix(f"{language}/").removesuffix(".md")
        try:
            yield from _file(environment, path, file, kind, playbook, now)
        except HeadError as error:
            yield _problem(file, error.line, TemplateRule.HEAD, error.reason)
        except GrammarError as error:
            yield _problem(error.file, error.line, TemplateRule.GRAMMAR, error.reason)
        except UnicodeDecodeError:
            yield _problem(file, None, TemplateRule.GRAMMAR, "the file is not written in UTF-8")


def _sentences(directory: Path, language: str) -> Iterator[Problem]:
    file, path = f"{directory.name}/{language}/{SENTENCES}", directory / language / SENTENCES
    try:
        known = sentences_of(read_if_there(path), file)
    except GrammarError as error:
        yield _problem(file, error.line, TemplateRule.GRAMMAR, error.reason)
        return
    for english, said in known.items():
        for name in sorted(places(said) - places(english)):
            yield _problem(
                file, None, TemplateRule.UNKNOWN, f"there is no `{{{name}}}` in the sentence {english!r}"
            )


def _file(
    environment: Environment, path: Path, file: str, kind: str, playbook: Playbook, now: datetime
) -> Iterator[Problem]:
    with naming(file):
        environment.get_template(file.partition("/")[2])
    if path.name.startswith("_"):  # what it may speak of depends on the letter that includes it
        tree = environment.parse(path.read_text(encoding="utf-8"))
        yield from (
            _problem(file, line, TemplateRule.UNKNOWN, told) for line, told in _filters(tree, environment)
        )
        return
    if kind not in KINDS:
        yield _problem(file, None, TemplateRule.NO_KIND, "no letter of this name is ever sent")
        return
    scope = sample_scope(kind, playbook, now)
    letter = LetterTemplate.read(path.read_text(encoding="utf-8"), file, "")
    for text, line in letter.front.values():
        with naming(file, line):
            tree = environment.parse(text)
        yield from (
            _problem(file, line, TemplateRule.UNKNOWN, told) for _, told in _unknown(tree, scope, environment)
        )
    tree = environment.parse(letter.body)
    yield from (
        _problem(file, line, TemplateRule.UNKNOWN, told) for line, told in _unknown(tree, scope, environment)
    )


def _unknown(
    tree: nodes.Template, scope: dict[str, object], environment: Environment
) -> Iterator[tuple[int, str]]:
    """Give the names in a template that its letter does not know, each with its line."""
    unknown = find_undeclared_variables(tree) - {*scope, *environment.globals}
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            yield name.lineno, f"there is no `{name.name}` in this letter"
    for part in tree.find_all(nodes.Getattr):
        base = part.node.name if isinstance(part.node, nodes.Name) else ""
        value = scope.get(base)
        if isinstance(value, Named) and not hasattr(value, part.attr):
            yield part.lineno, f"there is no `{base}.{part.attr}` in this letter"
    yield from _filters(tree, environment)


def _filters(tree: nodes.Template, environment: Environment) -> Iterator[tuple[int, str]]:
    """Give the filters that letters do not have; inside an `if`, Jinja2 itself would say so only when it gets there."""
    for one in tree.find_all(nodes.Filter):
        if one.name not in environment.filters:
            yield one.lineno, f"there is no filter `{one.name}`"


def sample_scope(kind: str, playbook: Playbook, now: datetime) -> dict[str, object]:
    """Return all that a letter of this kind may speak of, filled in from the long sample case."""
    case = sample_case(playbook, now, "long")
    brief, pen = sample_brief(kind, case, playbook, now), formatter_for(DEFAULT, playbook, now)
    if kind == GIFT_CARD:
        return scopes.of_gift_card(case, playbook, sample_card(case, playbook), pen)
    if kind == DIGEST:
        return of_digest(sample_agenda(case, playbook, now), playbook, playbook.owner_of(case.owner), pen)
    if kind in DESK_MAILS:
        return scopes.to_agent(case, playbook, brief, playbook.owner_of(case.owner), pen)
    return scopes.to_customer(kind, case, playbook, brief, pen)


def _tried(letters: TemplateRenderer, language: str, playbook: Playbook, now: datetime) -> Iterator[Problem]:
    """Write every letter of one language for every sample case."""
    abroad = replace(playbook, company=replace(playbook.company, locale=language))
    for kind in KINDS:
        if not (letters.directory / language / f"{kind}.md").is_file():
            continue
        for name in SAMPLES:
            case = sample_case(playbook, now, name, language)
            try:
                try_out(letters, kind, case, abroad if kind in DESK_MAILS else playbook, now)
            except BrokenLetterError as error:
                rule = TemplateRule.SLOT if isinstance(error, SlotError) else TemplateRule.RENDERING
                yield _problem(error.file, error.line, rule, f"for the {name} sample case: {error.reason}")
                break


def _sample_id(key: str, domain: str) -> str:
    return f"<{key.replace('/', '.')}@{domain}>"
