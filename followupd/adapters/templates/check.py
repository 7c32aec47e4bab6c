"""Every problem of the templates at once, for `followupd check` and before a reload takes new letters.

Each rule has a stable id. Templates are parsed, then rendered for the sample cases in every language.

The rules of wording read the source of a letter line by line, with everything between braces blanked out, and
then the letter as a customer would read it. What both find is reported once, with file and line. So are the
playbooks' steps.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache

from jinja2 import Environment, TemplateNotFound, nodes
from jinja2.meta import find_undeclared_variables

from followupd.adapters.overlay import shipped_directory
from followupd.adapters.settings.playbooks import folder_of
from followupd.adapters.settings.rules import SettingsRule, did_you_mean
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
from followupd.domain.decision import LetterContent
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.errors import LetterError, Problem
from followupd.languages import Catalogue, catalogue
from followupd.text.wording import FACT, PART, RULES, Context, Finding, WordingRules, findings, unknown_rules
from followupd.text.wording.checker import tongue

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
_BRACES = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
#: the samples that read like real cases; the hostile one breaks rules that no letter would break
_READABLE = ("short", "long")
_SAMPLE_NAMES = ("Example Ltd",)
#: a step is printed as people's words are: no Markdown in it is understood
_MARKUP_ALONE = WordingRules(off=frozenset(rule.id for rule in RULES if rule.name != "markup"))
#: rules that need the rendered letter: how it begins and ends, its length, what it promises
_NEED_LETTER = frozenset({"W01", "W02", "W12", "W14", "W16", "W19"})
#: returns what is known of dates and promises for a playbook, a language and a moment
WordingContextSource = Callable[[Playbook, str, datetime], Context]


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


# --- the rules of wording -----------------------------------------------------------------------------------


def wording_problems(
    files: TemplateFiles,
    playbooks: Mapping[str, Playbook],
    rules: WordingRules,
    context_of: WordingContextSource,
    now: datetime,
) -> list[Problem]:
    """Return what the rules of wording find in the letters and in the steps of the playbooks of a company.

    Shipped letters are proven by our own tests; they are checked where the administrator's changes affect
    them.

    Args:
        files: the templates.
        playbooks: the company's playbooks by name; steps of shared ones are looked at for [company] alone.
        rules: the rules, with the administrator's own phrases.
        context_of: what is known of dates and promises.
        now: the present moment, for the sample cases.
    """
    found = [*_unknown_rules(rules), *_step_problems(playbooks, rules)]
    for language in files.languages():
        in_source = list(_source_findings(files, language, rules))
        known = [finding for _, finding in in_source]
        in_letters = _letter_findings(files, language, playbooks["default"], rules, context_of, now)
        new = [located(files, name, finding) for name, finding in in_letters if not _is_known(finding, known)]
        found += [_finding_problem(file, finding) for file, finding in (*in_source, *new)]
    return sorted(
        set(found), key=lambda problem: (problem.file, problem.line or 0, problem.rule, problem.problem)
    )


def _is_known(finding: Finding, known: list[Finding]) -> bool:
    """Return whether what is found in a rendered letter was found in its files, alone or as a part of markup.

    Args:
        finding: in the rendered letter; one without words was not found before.
        known: in the files of the letter; the same rule has to have found them, except for markup.
    """
    words = finding.words.casefold()
    if not words:
        return False
    same = [each.words.casefold() for each in known if each.rule == finding.rule and each.words]
    markup = [each.words.casefold() for each in known if each.rule.name == "markup"]
    return any(each in words for each in same) or any(words in each for each in markup)


def located(files: TemplateFiles, name: str, finding: Finding) -> tuple[str, Finding]:
    """Return what was found in a rendered letter with the file and the line in which its words are written.

    Args:
        files: the templates.
        name: the name of the letter's file.
        finding: words that are in the letter or in a part that it includes; words that only come together in the
            rendered letter, and what is said of the whole letter, have no line.

    Returns:
        The label of the file, and the finding.
    """
    words = r"\s+".join(map(re.escape, finding.words.split()))
    language = name.partition("/")[0]
    parts = [part for part in files.of_language(language) if part.startswith(f"{language}/_")]
    for file in (name, *parts) if words else ():
        source = _without_braces(files.text(file))
        if match := re.search(words, source, re.IGNORECASE):
            return files.label(file), replace(finding, line=source.count("\n", 0, match.start()) + 1)
    return files.label(name), finding


def findings_in_letter(
    letter: Letter,
    case: Case,
    content: LetterContent,
    playbook: Playbook,
    rules: WordingRules,
    known: Context,
) -> tuple[Finding, ...]:
    """Return what the rules find in a letter of a sample case, apart from the words that people stated.

    Args:
        letter: the rendered letter.
        case: the sample case.
        content: what the letter is about.
        playbook: the playbook of the case.
        rules: the rules of wording.
        known: what is known of dates and promises.
    """
    stated = [*case.stated_words, *(promise.because for promise in content.promises if promise.because)]
    owner = playbook.owner_of(case.owner).name
    context = replace(
        known,
        owner=owner,
        names=(*_SAMPLE_NAMES, playbook.company.name, case.customer.name, owner),
        values=tuple(stated),
        insisted=() if letter.kind == LetterKind.GIFT_CARD else tuple(stated),
        promised=_promised_days(case, content, playbook),
    )
    found = findings(letter.text, kind=letter.kind, language=letter.language, manner=rules, context=context)
    return tuple(replace(finding, line=0) for finding in found)


def _promised_days(case: Case, content: LetterContent, playbook: Playbook) -> set[date]:
    """Return the days that promises of the case and of the letter name.

    Args:
        case: whose promises count, done ones too.
        content: with promises that the case may not have yet.
        playbook: whose calendar says on which day a moment falls.
    """
    days = set()
    for promise in (*case.promises, *content.promises):
        for moment in (promise.promised_by, promise.internal_deadline):
            if moment:
                days.add(playbook.calendar.local(moment).date())
    return days


def _finding_problem(file: str, finding: Finding, key: str | None = None) -> Problem:
    problem = f"{finding.quoted}{finding.rule.reason}"
    hint = f"Better: {finding.rule.better}"
    return Problem(file, finding.line or None, key, finding.rule.id, problem, hint)


def _unknown_rules(rules: WordingRules) -> Iterator[Problem]:
    """Yield the rules and lists of phrases in wording.toml that do not exist."""
    for key, known in unknown_rules(rules).items():
        name = key.rpartition(".")[2]
        hint = did_you_mean(name, known, "docs/wording.md lists rules and lists of phrases.")
        problem = f"there is no {name!r}"
        yield Problem("wording.toml", None, key, SettingsRule.UNKNOWN, problem, hint)


def _step_problems(playbooks: Mapping[str, Playbook], rules: WordingRules) -> Iterator[Problem]:
    """Yield what the rules find in the playbooks' next steps, in each of their languages.

    Shipped sentences are proven by our own tests, and only checked against the administrator's own phrases.

    Args:
        playbooks: by name; one that a brand shares is checked once, as the company's.
        rules: with the administrator's own phrases.
    """
    is_own = rules.phrases or rules.languages is not catalogue()
    proven = frozenset() if is_own else shipped_steps()
    for playbook in filter(_is_own, playbooks.values()):
        home = playbook.language or playbook.company.locale
        for number, step in enumerate(playbook.steps):
            texts = [("text", home, step.text)]
            texts += [(f"texts.{language}", language, text) for language, text in step.texts]
            for key, language, text in texts:
                if (tongue(language), text) in proven:
                    continue
                plain = _without_braces(text)
                found = [
                    *findings(plain, kind=PART, language=language, manner=rules),
                    *findings(plain, kind=FACT, language=language, manner=_MARKUP_ALONE),
                ]
                for finding in dict.fromkeys(found):
                    place = f"next_step[{number}].{key}"
                    yield _finding_problem(playbook.file, replace(finding, line=0), place)


def _is_own(playbook: Playbook) -> bool:
    """Return whether a playbook is its company's own; a brand has the shared ones too, which are [company]'s."""
    return playbook.file.startswith(folder_of(playbook.company, ""))


@cache
def shipped_steps() -> frozenset[tuple[str, str]]:
    """Return language and sentence of each step in the shipped playbooks and in the examples of others."""
    found = set()
    for file in (shipped_directory() / "config/playbooks").glob("*.toml*"):
        for step in tomllib.loads(file.read_text(encoding="utf-8")).get("next_step", ()):
            found |= {("en", step["text"]), *step.get("texts", {}).items()}
    return frozenset(found)


def _source_findings(
    files: TemplateFiles, language: str, rules: WordingRules
) -> Iterator[tuple[str, Finding]]:
    """Yield file and finding for the text of the files themselves: letters to customers and their parts."""
    source_rules = replace(rules, off=rules.off | _NEED_LETTER)
    for name in files.changed(language):
        file = files.label(name)
        stem = name.partition("/")[2].removesuffix(".md")
        if "/" in stem:  # a mail to agents
            continue
        kind = stem if stem in CUSTOMER_LETTERS else PART
        try:
            text = files.text(name)
            if kind != PART:
                text = _on_own_lines(text, file)
        except FrontMatterError:
            continue  # reported by the check of the templates
        for finding in findings(_without_braces(text), kind=kind, language=language, manner=source_rules):
            yield file, finding


def _on_own_lines(text: str, file: str) -> str:
    """Return the values of the front matter and the body, each on the line that it has in the file."""
    letter = LetterTemplate.read(text, file, "")
    rows = letter.body.splitlines(keepends=True)
    for value, line in letter.front.values():
        rows[line - 1] = f"{value}\n"
    return "".join(rows)


def _without_braces(text: str) -> str:
    """Replace everything between braces by underscores, so that columns and lines stay."""
    return _BRACES.sub(lambda match: re.sub(r"\S", "_", match[0]), text)


def _letter_findings(
    files: TemplateFiles,
    language: str,
    playbook: Playbook,
    rules: WordingRules,
    context_of: WordingContextSource,
    now: datetime,
) -> Iterator[tuple[str, Finding]]:
    """Yield the name of the file and the finding for the letters of a language, rendered for the sample cases."""
    renderer = sample_renderer(files, rules.languages)
    known = context_of(playbook, language, now)
    for file in _letters_to_read(files, language, rules):
        for name in _READABLE:
            kind, case = case_for(file, sample_case(playbook, now, name, language, rules.languages))
            content = sample_content(kind, case, playbook, now, rules.languages)
            try:
                letter = render_sample(renderer, kind, case, playbook, now)
            except LetterError:
                continue  # reported by the check of the templates
            for finding in findings_in_letter(letter, case, content, playbook, rules, known):
                yield file, finding


def _letters_to_read(files: TemplateFiles, language: str, rules: WordingRules) -> list[str]:
    """Return the letters to customers that the administrator's changes or own phrases affect.

    Args:
        files: the shipped templates with the administrator's over them.
        language: as a tag: "de-at".
        rules: with the administrator's own phrases; one for this language affects all of its letters.
    """
    names = affected_letters(files, language)
    if rules.phrases.get(language):
        names = files.of_language(language)
    letters = {name: letter_of_file(name) for name in names}
    return [name for name, letter in letters.items() if letter and letter[0].to_customer]
