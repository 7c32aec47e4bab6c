"""Find every problem of a configuration directory: settings, playbooks, languages, letters, wording."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from followupd.adapters.accounts import ledger_key_problem, ledger_problem, missing_extras
from followupd.adapters.overlay import (
    changed_originals,
    closed_files,
    template_files,
    unread_files,
    unreadable_files,
    untranslated_files,
)
from followupd.adapters.settings import (
    WARNINGS,
    Settings,
    SettingsRule,
    examine,
    line_of,
    missing_secrets,
    starter_values,
)
from followupd.adapters.settings.language_files import language_problems
from followupd.adapters.templates.sources import TemplateFiles, letter_of_file
from followupd.domain.calendar import Calendar
from followupd.domain.playbook import Agent, Company, Playbook, Playbooks, Team
from followupd.errors import Problem
from followupd.languages import catalogue, read_catalogue
from followupd.services.wording_guard import wording_context
from followupd.text.wording import WordingRules

#: the language of a file that a letter includes
_INCLUDE = re.compile(r"""\{%-? *include *["']([a-z]{2,3})/""")
_TRANSLATE = "translate them: `followupd init DIR --language {}` writes what there is to translate."


def configuration_problems(directory: Path, now: datetime, *, with_secrets: bool = True) -> list[Problem]:
    """Return every problem in configuration and letters, warnings included.

    Args:
        directory: the configuration's.
        now: the time for which letters are tried.
        with_secrets: whether secrets, and the ledger that they open, are looked at as well.
    """
    from followupd.adapters.templates.check import problems as letter_problems
    from followupd.adapters.templates.check import wording_problems

    if unreadable := unreadable_files(directory):
        return _with_settings(directory, unreadable)

    found, playbooks, rules = _configuration(directory, with_secrets=with_secrets)
    found += [*closed_files(directory), *unread_files(directory), *untranslated_files(directory)]
    context_of = partial(wording_context, languages=rules.languages)
    for files, own in _letters_of_companies(directory, playbooks):
        found += [
            *letter_problems(files, own.default, now, rules.languages),
            *_of_no_playbook(files, own),
            *_untranslated(files, own, playbooks.default.company),
            *wording_problems(files, own, rules, context_of, now),
        ]
    found += [*_of_no_company(directory, playbooks), *changed_originals(directory)]
    return _each_once(directory, found)


def _each_once(directory: Path, found: list[Problem]) -> list[Problem]:
    """Return problems without those that two companies share, each with the line of its key."""
    return list(dict.fromkeys(_on_line(directory, problem) for problem in found))


def _on_line(directory: Path, problem: Problem) -> Problem:
    """Return a problem with the line of its key, where it has a key and no line."""
    if problem.line or not problem.key:
        return problem
    return replace(problem, line=line_of(directory, problem.key, problem.file))


def blocking_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return the problems that keep the daemon from starting.

    The wording of letters is checked when they are written.
    """
    from followupd.adapters.templates.check import problems as letter_problems

    if unreadable := unreadable_files(directory):
        return without_warnings(_with_settings(directory, unreadable))

    found, playbooks, rules = _configuration(directory)
    for files, own in _letters_of_companies(directory, playbooks):
        found += [
            *letter_problems(files, own.default, now, rules.languages),
            *_of_no_playbook(files, own),
        ]
    return without_warnings(_each_once(directory, found))


def _letters_of_companies(directory: Path, playbooks: Playbooks) -> Iterator[tuple[TemplateFiles, Playbooks]]:
    """Yield the templates and playbooks of each company.

    Args:
        directory: the configuration directory.
        playbooks: those of the configuration.
    """
    for own in playbooks.companies.values():
        yield template_files(directory, own.default.company), own


def _of_no_company(directory: Path, playbooks: Playbooks) -> list[Problem]:
    """Return a warning for each directory of a company that does not exist, which nobody reads.

    Args:
        directory: the configuration directory.
        playbooks: those of the configuration.
    """
    known = {own.default.company.id for own in playbooks.companies.values()}
    folders = sorted(path.name for path in (directory / "companies").glob("*"))
    hint = f"the companies are: {', '.join(sorted(known - {''})) or 'none'}."
    return [
        Problem(f"companies/{name}", None, None, SettingsRule.UNREAD, f"there is no [company.{name}]", hint)
        for name in folders
        if name not in known and not name.startswith(".")
    ]


def _of_no_playbook(files: TemplateFiles, playbooks: Playbooks) -> list[Problem]:
    """Return a problem for each letter of a playbook that does not exist, which would never be sent.

    Args:
        files: the templates.
        playbooks: those of a company; those of its brands have its letters too.
    """
    known = {name for own in playbooks.companies.values() for name in own.names}
    names = [name for language in files.languages() for name in files.changed(language)]
    letters = {name: found[1] for name in names if (found := letter_of_file(name))}
    return [
        Problem(
            file=files.label(name),
            line=None,
            key=None,
            rule="L09",
            problem=f"there is no playbook {playbook!r}",
            hint=f"the playbooks are: {', '.join(sorted(known))}.",
        )
        for name, playbook in letters.items()
        if playbook and playbook not in known
    ]


def _untranslated(files: TemplateFiles, playbooks: Playbooks, home: Company) -> list[Problem]:
    """Return a warning for each text in another language than its letter's, and for languages without letters.

    Args:
        files: the templates.
        playbooks: those of a company, whose languages and whose company's must have letters.
        home: [company], whose language a brand has that names none.
    """
    languages = files.languages()
    found = []
    for language in languages:
        for name in files.changed(language):
            found += _foreign_texts(files, name, languages)
    for (file, key), language in _languages_named(playbooks, home).items():
        if language not in languages:
            problem = f"there are no letters in {language!r}, and customers get those of another language"
            hint = _TRANSLATE.format(language)
            found.append(Problem(file, None, key, SettingsRule.LANGUAGE, problem, hint))
    return found


def _languages_named(playbooks: Playbooks, home: Company) -> dict[tuple[str, str], str]:
    """Return each language that a configuration names, by its file and key.

    Args:
        playbooks: those of a company.
        home: [company]; a brand with the same locale names no other language.
    """
    named = {(each.file, "language"): each.language for each in playbooks.values() if each.language}
    company = playbooks.default.company
    if company.id and company.locale == home.locale:
        return named
    table = f"company.{company.id}" if company.id else "company"
    return {("followupd.toml", f"{table}.locale"): company.locale.partition("_")[0], **named}


def _foreign_texts(files: TemplateFiles, name: str, languages: list[str]) -> list[Problem]:
    """Return the warnings about one letter or part: what it includes of another language, and a mere copy.

    Args:
        files: the templates.
        name: the name of its file, which begins with its language, such as "de/follow-up.md".
        languages: those that have templates.
    """
    return [*_foreign_includes(files, name, languages), *_copied_text(files, name, languages)]


def _foreign_includes(files: TemplateFiles, name: str, languages: list[str]) -> list[Problem]:
    """Return a warning, with its line, for each text of another language that a letter or part includes."""
    language = name.partition("/")[0]
    text = files.text(name)
    found = []

    for include in _INCLUDE.finditer(text):
        if include[1] != language and include[1] in languages:
            line = text.count("\n", 0, include.start()) + 1
            problem = f"it includes the text of another language, {include[1]!r}"
            hint = f'write "{language}/..." instead of "{include[1]}/...".'
            found.append(Problem(files.label(name), line, None, SettingsRule.LANGUAGE, problem, hint))
    return found


def _copied_text(files: TemplateFiles, name: str, languages: list[str]) -> list[Problem]:
    """Return a warning if a letter or part has the words of another language's; an empty one has none.

    Args:
        files: the shipped templates with the administrator's over them.
        name: the name of a file below the templates: "de/follow-up.md".
        languages: the tags of all languages, that of the file included.
    """
    language, _, rest = name.partition("/")
    text = files.text(name)
    twins = [f"{other}/{rest}" for other in languages if other != language]
    same = next((twin for twin in twins if files.exists(twin) and files.text(twin) == text), "")
    if not same or not text.strip():
        return []

    problem = f"it is {same} word for word"
    hint = "translate it, or delete the copy: the shipped language is then used for this letter."
    return [Problem(files.label(name), None, None, SettingsRule.LANGUAGE, problem, hint)]


def _with_settings(directory: Path, unreadable: list[Problem]) -> list[Problem]:
    """Return the problems of unreadable files and of the settings; letters are checked once all can be read."""
    _, found = examine(directory)
    return list(dict.fromkeys([*unreadable, *found]))


def without_warnings(problems: list[Problem]) -> list[Problem]:
    """Return the problems that make a configuration unusable."""
    return [problem for problem in problems if problem.rule not in WARNINGS]


def _configuration(
    directory: Path, *, with_secrets: bool = True
) -> tuple[list[Problem], Playbooks, WordingRules]:
    """Return the problems of the settings, and the playbooks and wording rules for the check of letters.

    While the settings are invalid, letters are checked with a sample playbook and the shipped rules.
    """
    settings, found = examine(directory)
    broken = language_problems(directory)
    languages = catalogue() if without_warnings(broken) else read_catalogue(directory)
    found = [*found, *broken]
    if settings is None:
        return found, Playbooks({"default": _sample_playbook()}), WordingRules(languages=languages)

    found += _to_run(settings) if with_secrets else starter_values(directory)
    rules = WordingRules(settings.wording.off, settings.wording.phrases, languages)
    return [*found, *missing_extras(settings)], settings.playbooks, rules


def _to_run(settings: Settings) -> list[Problem]:
    """Return what keeps the daemon from starting although the files are valid: values, secrets, ledger.

    A ledger in PostgreSQL is only asked by `check --online`.
    """
    found = starter_values(settings.directory)
    if missing := missing_secrets(settings):
        return [*found, *missing]
    if weak := ledger_key_problem(settings):
        return [*found, weak]
    is_file = settings.ledger.url.startswith("sqlite")
    trouble = ledger_problem(settings) if is_file else None
    return [*found, trouble] if trouble else found


def _sample_playbook() -> Playbook:
    """Return a playbook with which letters are checked while the admin's own is invalid."""
    ana = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
    company = Company(name="Example Ltd", timezone="Europe/London")
    calendar = Calendar(timezone=company.timezone)
    return Playbook(name="default", owner="ana", calendar=calendar, team=Team((ana,)), company=company)
