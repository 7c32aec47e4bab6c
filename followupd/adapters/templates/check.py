"""Every problem of the templates at once, for `followupd check` and before a reload takes new letters.

Each rule has a stable id. Templates are parsed, then rendered for the sample cases in every language.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from jinja2 import Environment, TemplateNotFound, nodes
from jinja2.meta import find_undeclared_variables

from followupd.adapters.templates import context, markdown
from followupd.adapters.templates.formatter import Named, formatter_for
from followupd.adapters.templates.renderer import DEFAULT, LAYOUT, TemplateRenderer
from followupd.adapters.templates.samples import (
    SAMPLES,
    sample_agenda,
    sample_card,
    sample_case,
    sample_content,
)
from followupd.adapters.templates.sources import (
    AGAIN,
    SAFETY,
    STAND_INS,
    ContentError,
    FrontMatterError,
    InvalidTemplateError,
    LetterFileError,
    LetterTemplate,
    TemplateFileError,
    TemplateFiles,
    files_of,
    letter_of_file,
    naming,
    sandbox,
)
from followupd.domain.case import HIGH, Case
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.errors import LetterError, Problem
from followupd.languages import Catalogue, catalogue

KINDS = (*CUSTOMER_LETTERS, *DESK_MAILS)


class TemplateRule(StrEnum):
    """What a problem is about. Scripts and docs/letters.md use the ids, so none is ever reused."""

    MISSING = "L01"
    HEAD = "L02"
    GRAMMAR = "L03"
    UNKNOWN = "L04"
    RENDERING = "L05"
    SLOT = "L06"
    LAYOUT = "L07"
    REMOTE = "L08"
    NO_KIND = "L09"
    FILES = "L10"


_HINT = {
    TemplateRule.MISSING: "Install followupd again: its own templates are incomplete.",
    TemplateRule.HEAD: "Begin the file with a line `---`, a line `subject: ...`, and a line `---`.",
    TemplateRule.GRAMMAR: "Every {% if %} needs its {% endif %}; docs/letters.md says what a letter may contain.",
    TemplateRule.UNKNOWN: "docs/letters.md lists the names of each letter.",
    TemplateRule.RENDERING: "Write {% if ... %} around what may be missing; docs/letters.md lists the names.",
    TemplateRule.SLOT: "Say it in the letter; docs/letters.md lists what each letter must say.",
    TemplateRule.LAYOUT: "Put {{ body }} where the letter belongs, or delete layout.html to use the shipped one.",
    TemplateRule.REMOTE: "Leave it out: mail programs block it, and it tells others when the letter is read.",
    TemplateRule.NO_KIND: "Rename it to a kind in docs/letters.md, or begin its name with _ if it is a part.",
    TemplateRule.FILES: "Put it below templates/ (pdf png jpg gif txt; 1 MB in all, a logo 50 kB), or leave it out.",
}
_REMOTE = re.compile(
    r"""(?:src|background)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//|@import|<link\b"""
    # a picture that no mail has: only one in the page itself, and the letter's logo
    r"""|<img\b[^>]{0,500}\bsrc\s*=\s*["']?(?!\s|["']|data:|\{\{-?\s*logo\b)""",
    re.IGNORECASE,
)


def problems(
    files: TemplateFiles, playbook: Playbook, now: datetime, languages: Catalogue | None = None
) -> list[Problem]:
    """Return every problem of the changed templates, sorted by file and line.

    Shipped templates are proven by our own tests, and only checked where a changed part or layout affects
    them.

    Args:
        files: the templates.
        playbook: provides the company and its people.
        now: the present moment, for the sample cases.
        languages: the languages to write in, the shipped ones by default.
    """
    renderer = sample_renderer(files, languages or catalogue())
    found = {*_missing_templates(renderer, playbook), *_layout_problems(files)}
    for language in files.languages():
        in_files = {*_file_problems(files, language, playbook, now)}
        broken = {problem.file for problem in in_files}
        rendered = _rendering_problems(renderer, language, playbook, now)
        found |= in_files | {problem for problem in rendered if problem.file not in broken}
    return sorted(found, key=lambda problem: (problem.file, problem.line or 0, problem.rule, problem.problem))


def sample_renderer(files: TemplateFiles, languages: Catalogue) -> TemplateRenderer:
    """Return a renderer whose letters are never sent."""
    return TemplateRenderer(
        files,
        sender_of=lambda _: Person("support@example.com"),
        message_id=lambda key, domain: f"<{key.replace('/', '.')}@{domain}>",
        languages=languages,
    )


def affected_letters(files: TemplateFiles, language: str) -> list[str]:
    """Return the files of the letters that the administrator's changes affect.

    A changed letter affects itself; a changed part, layout or language file affects all letters of the language.

    Args:
        files: the templates.
        language: the language of the letters.
    """
    changed = files.changed(language)
    has_changed_part = any(name.rpartition("/")[2].startswith("_") for name in changed)
    has_language_files = (files.own.parent / "languages" / language).is_dir()
    if has_changed_part or has_language_files or files.is_changed(LAYOUT):
        return list(filter(letter_of_file, files.of_language(language)))
    return list(filter(letter_of_file, changed))


def case_for(name: str, case: Case) -> tuple[LetterKind, Case]:
    """Return the kind of the letter in a file, and the sample case as one in which that file is the letter.

    Args:
        name: the name of the file below the templates.
        case: a sample case.

    Raises:
        LetterError: there is no letter in the file.
    """
    found = letter_of_file(name)
    if found is None:
        raise LetterError(f"{name} is no letter")
    kind, playbook = found
    stand_in = name.partition("/")[2].partition(".")[0]
    return kind, as_first(replace(case, playbook=playbook or case.playbook), stand_in)


def as_first(case: Case, stand_in: str) -> Case:
    """Return a sample case as one whose first letter is this one.

    Args:
        case: a sample case.
        stand_in: what stands in for the confirmation, such as "safety"; any other name for nothing.
    """
    if stand_in not in STAND_INS:
        return replace(case, danger=False)
    before = (case.ref,) if stand_in == AGAIN else ()
    return replace(case, danger=stand_in == SAFETY, complaints_before=before, severity=HIGH)


def render_sample(
    renderer: TemplateRenderer,
    kind: LetterKind,
    case: Case,
    playbook: Playbook,
    now: datetime,
    *,
    review: bool = False,
) -> Letter:
    """Render a letter of any kind for a sample case.

    Args:
        renderer: writes it.
        kind: the kind of the letter.
        case: the sample case.
        playbook: the playbook of the case.
        now: the time of the letter.
        review: as a letter that an agent approves.

    Raises:
        LetterError: as for a real case.
    """
    owner = playbook.owner_of(case.owner)
    if kind == LetterKind.DIGEST:
        agenda = sample_agenda(case, playbook, now, renderer.languages)
        return renderer.digest(agenda, playbook, now, case.mailbox, owner)
    if kind == LetterKind.GIFT_CARD:
        return renderer.gift_card(case, playbook, now, sample_card(case, playbook))

    content = sample_content(kind, case, playbook, now, renderer.languages)
    if kind in DESK_MAILS:
        return renderer.desk(kind, case, playbook, now, content, owner)
    return renderer.letter(kind, case, playbook, now, replace(content, review=review))


def _problem(file: str, line: int | None, rule: TemplateRule, problem: str) -> Problem:
    return Problem(file=file, line=line, key=None, rule=rule, problem=problem, hint=_HINT[rule])


def _missing_templates(renderer: TemplateRenderer, playbook: Playbook) -> Iterator[Problem]:
    """Yield the kinds of letters for which there is no template in any language."""
    for kind in KINDS:
        try:
            renderer.find(kind, playbook.company.locale)
        except FrontMatterError:
            continue  # the file exists, and is reported separately
        except LetterError:
            file = renderer.files.label(f"{DEFAULT}/{kind}.md")
            yield _problem(file, None, TemplateRule.MISSING, "the letter is missing")


def _layout_problems(files: TemplateFiles) -> Iterator[Problem]:
    """Yield the problems of the HTML part's frame."""
    file = files.label(LAYOUT)
    try:
        text = files.text(LAYOUT)
    except TemplateNotFound:
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame of the HTML part is missing")
        return
    except FrontMatterError as error:
        yield _problem(file, None, TemplateRule.LAYOUT, error.reason)
        return

    if not re.search(r"\{\{-?\s*body\s*-?\}\}", text):
        yield _problem(file, None, TemplateRule.LAYOUT, "the frame has no place for the letter")
    for number, line in enumerate(text.splitlines(), 1):
        if _REMOTE.search(line):
            yield _problem(file, number, TemplateRule.REMOTE, "the frame would load something from elsewhere")


def _file_problems(
    files: TemplateFiles, language: str, playbook: Playbook, now: datetime
) -> Iterator[Problem]:
    """Yield the problems that the changed files of a language have in themselves.

    Args:
        files: the templates.
        language: whose words are read.
        playbook: the playbook of the case.
        now: the present moment, in UTC.
    """
    environment = sandbox(files, markdown.escaped, markup=True)
    for name in files.changed(language):
        file = files.label(name)
        try:
            yield from _template_problems(environment, files, name, playbook, now)
        except FrontMatterError as error:
            yield _problem(file, error.line, TemplateRule.HEAD, error.reason)
        except InvalidTemplateError as error:
            yield _problem(error.file, error.line, TemplateRule.GRAMMAR, error.reason)


def _template_problems(
    environment: Environment, files: TemplateFiles, name: str, playbook: Playbook, now: datetime
) -> Iterator[Problem]:
    """Yield the names and filters of one file that do not exist.

    Args:
        environment: Jinja2's.
        files: the templates.
        name: the name of the file.
        playbook: provides the company and its people.
        now: the present moment, in UTC.

    Raises:
        TemplateFileError: it cannot be parsed.
    """
    file = files.label(name)
    with naming(file):
        environment.get_template(name)

    letter_of = letter_of_file(name)
    if name.rpartition("/")[2].startswith(
        "_"
    ):  # which names a part may use depends on the letter that includes it
        unknown = list(_unknown_filters(environment.parse(files.text(name)), environment))
    elif letter_of is None:
        yield _problem(file, None, TemplateRule.NO_KIND, "no letter of this name is ever sent")
        return
    else:
        scope = sample_scope(letter_of[0], playbook, now)
        letter = LetterTemplate.read(files.text(name), file, "")
        unknown = list(_unknown_in_letter(letter, scope, environment))
        yield from _unfit_files(files, letter, letter_of[0])

    for line, problem in unknown:
        yield _problem(file, line, TemplateRule.UNKNOWN, problem)


def _unfit_files(files: TemplateFiles, letter: LetterTemplate, kind: LetterKind) -> Iterator[Problem]:
    """Yield the problem of a file that a letter's front matter names; mails to agents have none.

    Args:
        files: where the files are looked for.
        letter: whose front matter names files in "attach" and "logo".
        kind: the kind of the letter; one to agents must name none.
    """
    if not kind.to_customer:
        lines = [line for name, (_, line) in letter.front.items() if name in {"attach", "logo"}]
        if lines:
            yield _problem(letter.file, lines[0], TemplateRule.FILES, "only letters to customers have files")
        return
    try:
        files_of(files, letter, "example.com")
    except LetterFileError as error:
        yield _problem(error.file, error.line, TemplateRule.FILES, error.reason)


def _unknown_in_letter(
    letter: LetterTemplate, scope: dict[str, object], environment: Environment
) -> Iterator[tuple[int, str]]:
    """Yield line and problem of every unknown name in a letter's front matter and body."""
    for text, line in letter.front.values():
        with naming(letter.file, line):
            tree = environment.parse(text)
        for _, problem in _unknown_names(tree, scope, environment):
            yield line, problem
    yield from _unknown_names(environment.parse(letter.body), scope, environment)


def _unknown_names(
    tree: nodes.Template, scope: dict[str, object], environment: Environment
) -> Iterator[tuple[int, str]]:
    """Yield line and problem of the names in a template that its letter does not have."""
    unknown = find_undeclared_variables(tree) - {*scope, *environment.globals}
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            yield name.lineno, f"there is no `{name.name}` in this letter"

    for attribute in tree.find_all(nodes.Getattr):
        base = attribute.node.name if isinstance(attribute.node, nodes.Name) else ""
        value = scope.get(base)
        if isinstance(value, Named) and not hasattr(value, attribute.attr):
            yield attribute.lineno, f"there is no `{base}.{attribute.attr}` in this letter"

    yield from _unknown_filters(tree, environment)


def _unknown_filters(tree: nodes.Template, environment: Environment) -> Iterator[tuple[int, str]]:
    """Yield line and problem of filters that letters do not have.

    Jinja2 itself reports one only when it is reached.
    """
    for node in tree.find_all(nodes.Filter):
        if node.name not in environment.filters:
            yield node.lineno, f"there is no filter `{node.name}`"


def sample_scope(kind: LetterKind, playbook: Playbook, now: datetime) -> dict[str, object]:
    """Return everything that a letter of this kind may name, with values of the long sample case.

    Returns:
        The variables of the template by name, as the renderer would give them.
    """
    case = sample_case(playbook, now, "long")
    owner = playbook.owner_of(case.owner)
    fmt = formatter_for(DEFAULT, playbook, now)
    if kind == LetterKind.GIFT_CARD:
        return context.gift_card_context(case, playbook, sample_card(case, playbook), fmt)
    if kind == LetterKind.DIGEST:
        return context.digest_context(sample_agenda(case, playbook, now), playbook, owner, fmt)

    content = sample_content(kind, case, playbook, now)
    if kind in DESK_MAILS:
        return context.agent_context(case, playbook, content, owner, fmt)
    return context.customer_context(kind, case, playbook, content, fmt)


def _rendering_problems(
    renderer: TemplateRenderer, language: str, playbook: Playbook, now: datetime
) -> Iterator[Problem]:
    """Render the affected letters of a language for the samples; yield each letter's first problem."""
    at_home = replace(playbook, company=replace(playbook.company, locale=language))
    for file in affected_letters(renderer.files, language):
        for name in SAMPLES:
            kind, case = case_for(file, sample_case(playbook, now, name, language, renderer.languages))
            try:
                render_sample(renderer, kind, case, at_home if kind in DESK_MAILS else playbook, now)
            except TemplateFileError as error:
                rule = TemplateRule.SLOT if isinstance(error, ContentError) else TemplateRule.RENDERING
                yield _problem(error.file, error.line, rule, f"for the {name} sample case: {error.reason}")
                break
