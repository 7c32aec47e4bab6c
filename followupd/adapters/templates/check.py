"""Everything that is wrong with the letters, all at once, for `followupd check` and before new letters are taken.

Each rule has a stable id. Letters are read, then tried on the sample cases in every language that there is.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from jinja2 import Environment, TemplateNotFound, nodes
from jinja2.meta import find_undeclared_variables

from followupd.adapters.templates import context as scopes
from followupd.adapters.templates import markdown
from followupd.adapters.templates.context import of_digest
from followupd.adapters.templates.formatter import Named, formatter_for
from followupd.adapters.templates.renderer import DEFAULT, LAYOUT, TemplateRenderer
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
    TemplateFiles,
    naming,
    sandbox,
)
from followupd.domain.case import Case
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.errors import LetterError, Problem
from followupd.languages import Catalogue, catalogue

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
    TemplateRule.MISSING: "Install followupd again: its own templates are incomplete.",
    TemplateRule.HEAD: "Begin the file with a line `---`, a line `subject: ...`, and a line `---`.",
    TemplateRule.GRAMMAR: "See docs/letters.md for what a letter may hold; every {% if %} needs its {% endif %}.",
    TemplateRule.UNKNOWN: "docs/letters.md lists what each letter may speak of.",
    TemplateRule.RENDERING: "Write {% if ... %} around what may be missing, or see docs/letters.md for the right name.",
    TemplateRule.SLOT: "Say it in the letter; docs/letters.md lists what each letter must say.",
    TemplateRule.LAYOUT: "Put {{ body }} where the letter's text belongs, or delete your layout.html to use the shipped one.",
    TemplateRule.REMOTE: "Leave it out: mail programs block it, and it tells others when the letter is read.",
    TemplateRule.NO_KIND: "Rename it to one of the kinds in docs/letters.md, or begin its name with _ if it is a part.",
}
_REMOTE = re.compile(
    r"""(?:src|background)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//|@import|<link\b""",
    re.IGNORECASE,
)


def problems(
    files: TemplateFiles, playbook: Playbook, now: datetime, words: Catalogue | None = None
) -> list[Problem]:
    """Return every problem of the changed templates, sorted by file and line.

    Shipped templates are proven by our own tests, and only checked where a changed part or layout affects them.
    `playbook` provides the company and its people, `words` the languages to write in (the shipped ones by default).
    """
    letters = TemplateRenderer(
        files,
        sender_of=lambda _: Person("support@example.com"),
        message_id=_sample_id,
        languages=words or catalogue(),
    )
    found = {*_missing(letters, playbook), *_layout(files)}
    for language in files.languages():
        in_files = {*_files(files, language, playbook, now)}
        broken = {problem.file for problem in in_files}
        rendered = _tried(letters, language, playbook, now)
        found |= in_files | {problem for problem in rendered if problem.file not in broken}
    return sorted(found, key=lambda one: (one.file, one.line or 0, one.rule, one.problem))


def affected_kinds(files: TemplateFiles, language: str) -> list[LetterKind]:
    """Return the kinds of letters that the admin's changes affect.

    A changed letter affects its kind; a changed part, layout or language file affects all letters of the language.
    """
    changed = files.changed(language)
    kinds = [kind for kind in KINDS if files.exists(f"{language}/{kind}.md")]
    has_changed_part = any(name.rpartition("/")[2].startswith("_") for name in changed)
    has_language_files = (files.own.parent / "languages" / language).is_dir()
    if has_changed_part or has_language_files or files.is_changed(LAYOUT):
        return kinds
    return [kind for kind in kinds if f"{language}/{kind}.md" in changed]


def try_out(
    letters: TemplateRenderer, kind: LetterKind, case: Case, playbook: Playbook, now: datetime
) -> Letter:
    """Write a letter of any kind for a sample case; raises LetterError as the real writing would."""
    brief = sample_brief(kind, case, playbook, now, letters.languages)
    if kind == LetterKind.DIGEST:
        agenda = sample_agenda(case, playbook, now, letters.languages)
        return letters.digest(agenda, playbook, now, case.mailbox, playbook.owner_of(case.owner))
    if kind == LetterKind.GIFT_CARD:
        return letters.gift_card(case, playbook, now, sample_card(case, playbook))
    if kind in DESK_MAILS:
        return letters.desk(kind, case, playbook, now, brief, playbook.owner_of(case.owner))
    return letters.letter(kind, case, playbook, now, brief)


def _problem(file: str, line: int | None, rule: TemplateRule, problem: str) -> Problem:
    return Problem(file=file, line=line, key=None, rule=rule, problem=problem, hint=_HINT[rule])


def _missing(letters: TemplateRenderer, playbook: Playbook) -> Iterator[Problem]:
    for kind in KINDS:
        try:
            letters.find(kind, playbook.company.locale)
        except HeadError:
            continue
        except LetterError:
            file = letters.files.label(f"{DEFAULT}/{kind}.md")
            yield _problem(file, None, TemplateRule.MISSING, "the letter is missing")


def _layout(files: TemplateFiles) -> Iterator[Problem]:
    file = files.label(LAYOUT)
    try:
        text = files.text(LAYOUT)
    except TemplateNotFound:
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame of the HTML part is missing")
        return
    except UnicodeDecodeError:
        yield _problem(file, None, TemplateRule.LAYOUT, "the file is not written in UTF-8")
        return
    if not re.search(r"\{\{-?\s*body\s*-?\}\}", text):
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame has no place for the letter")
    for number, line in enumerate(text.splitlines(), 1):
        if _REMOTE.search(line):
            yield _problem(file, number, TemplateRule.REMOTE, "the frame would load something from outside")


def _files(files: TemplateFiles, language: str, playbook: Playbook, now: datetime) -> Iterator[Problem]:
    environment = sandbox(files, markdown.escaped, markup=True)
    for name in files.changed(language):
        file = files.label(name)
        try:
            yield from _file(environment, files, name, playbook, now)
        except HeadError as error:
            yield _problem(file, error.line, TemplateRule.HEAD, error.reason)
        except GrammarError as error:
            yield _problem(error.file, error.line, TemplateRule.GRAMMAR, error.reason)
        except UnicodeDecodeError:
            yield _problem(file, None, TemplateRule.GRAMMAR, "the file is not written in UTF-8")


def _file(
    environment: Environment, files: TemplateFiles, name: str, playbook: Playbook, now: datetime
) -> Iterator[Problem]:
    file = files.label(name)
    kind = name.partition("/")[2].removesuffix(".md")
    with naming(file):
        environment.get_template(name)
    if name.rpartition("/")[2].startswith("_"):  # what it may use depends on the letter that includes it
        tree = environment.parse(files.text(name))
        yield from (
            _problem(file, line, TemplateRule.UNKNOWN, told) for line, told in _filters(tree, environment)
        )
        return
    if kind not in KINDS:
        yield _problem(file, None, TemplateRule.NO_KIND, "no letter of this name is ever sent")
        return
    scope = sample_scope(LetterKind(kind), playbook, now)
    letter = LetterTemplate.read(files.text(name), file, "")
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


def sample_scope(kind: LetterKind, playbook: Playbook, now: datetime) -> dict[str, object]:
    """Return all that a letter of this kind may speak of, filled in from the long sample case."""
    case = sample_case(playbook, now, "long")
    brief, pen = sample_brief(kind, case, playbook, now), formatter_for(DEFAULT, playbook, now)
    if kind == LetterKind.GIFT_CARD:
        return scopes.of_gift_card(case, playbook, sample_card(case, playbook), pen)
    if kind == LetterKind.DIGEST:
        return of_digest(sample_agenda(case, playbook, now), playbook, playbook.owner_of(case.owner), pen)
    if kind in DESK_MAILS:
        return scopes.to_agent(case, playbook, brief, playbook.owner_of(case.owner), pen)
    return scopes.to_customer(kind, case, playbook, brief, pen)


def _tried(letters: TemplateRenderer, language: str, playbook: Playbook, now: datetime) -> Iterator[Problem]:
    """Write every letter of one language for every sample case."""
    abroad = replace(playbook, company=replace(playbook.company, locale=language))
    for kind in affected_kinds(letters.files, language):
        for name in SAMPLES:
            case = sample_case(playbook, now, name, language, letters.languages)
            try:
                try_out(letters, kind, case, abroad if kind in DESK_MAILS else playbook, now)
            except BrokenLetterError as error:
                rule = TemplateRule.SLOT if isinstance(error, SlotError) else TemplateRule.RENDERING
                yield _problem(error.file, error.line, rule, f"for the {name} sample case: {error.reason}")
                break


def _sample_id(key: str, domain: str) -> str:
    return f"<{key.replace('/', '.')}@{domain}>"
