"""Find every problem of a configuration directory: settings, playbooks, languages, letters, wording."""

from datetime import datetime
from functools import partial
from pathlib import Path

from followupd.adapters.accounts import missing_extras
from followupd.adapters.overlay import changed_originals, closed_files, template_files, unreadable_files
from followupd.adapters.settings import WARNINGS, Settings, examine, missing_secrets, starter_values
from followupd.adapters.settings.language_files import language_problems
from followupd.adapters.templates.sources import TemplateFiles, letter_of_file
from followupd.app.container import ledger_key_problem, ledger_problem
from followupd.domain.calendar import Calendar
from followupd.domain.playbook import Agent, Company, Playbook, Playbooks, Team
from followupd.errors import Problem
from followupd.languages import catalogue, read_catalogue
from followupd.services.wording_guard import wording_context
from followupd.text.wording import WordingRules


def configuration_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return every problem in configuration and letters, warnings included."""
    from followupd.adapters.templates.check import problems as letter_problems
    from followupd.adapters.templates.wording_check import wording_problems

    if unreadable := unreadable_files(directory):
        return _with_settings(directory, unreadable)

    found, playbooks, rules = _configuration(directory)
    files = template_files(directory)
    found += [
        *letter_problems(files, playbooks.default, now, rules.languages),
        *_of_no_playbook(files, playbooks),
        *closed_files(directory),
    ]
    context_of = partial(wording_context, languages=rules.languages)
    found += wording_problems(files, playbooks, rules, context_of, now)
    return found + changed_originals(directory)


def blocking_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return the problems that keep the daemon from starting.

    The wording of letters is checked when they are written.
    """
    from followupd.adapters.templates.check import problems as letter_problems

    if unreadable := unreadable_files(directory):
        return without_warnings(_with_settings(directory, unreadable))

    found, playbooks, rules = _configuration(directory)
    files = template_files(directory)
    found += [
        *letter_problems(files, playbooks.default, now, rules.languages),
        *_of_no_playbook(files, playbooks),
    ]
    return without_warnings(found)


def _of_no_playbook(files: TemplateFiles, playbooks: Playbooks) -> list[Problem]:
    """Return a problem for each letter of a playbook that does not exist, which would never be sent.

    Args:
        files: the templates.
        playbooks: those of the configuration.
    """
    names = [name for language in files.languages() for name in files.changed(language)]
    letters = {name: found[1] for name in names if (found := letter_of_file(name))}
    return [
        Problem(
            file=files.label(name),
            line=None,
            key=None,
            rule="L09",
            problem=f"there is no playbook {playbook!r}",
            hint=f"the playbooks are: {', '.join(sorted(playbooks.names))}.",
        )
        for name, playbook in letters.items()
        if playbook and playbook not in playbooks.names
    ]


def _with_settings(directory: Path, unreadable: list[Problem]) -> list[Problem]:
    """Return the problems of unreadable files and of the settings; letters are checked once all can be read."""
    _, found = examine(directory)
    return list(dict.fromkeys([*unreadable, *found]))


def without_warnings(problems: list[Problem]) -> list[Problem]:
    """Return the problems that make a configuration unusable."""
    return [problem for problem in problems if problem.rule not in WARNINGS]


def _configuration(directory: Path) -> tuple[list[Problem], Playbooks, WordingRules]:
    """Return the problems of the settings, and the playbooks and wording rules for the check of letters.

    While the settings are invalid, letters are checked with a sample playbook and the shipped rules.
    """
    settings, found = examine(directory)
    broken = language_problems(directory)
    languages = catalogue() if broken else read_catalogue(directory)
    found = [*found, *broken]
    if settings is None:
        return found, Playbooks({"default": _sample_playbook()}), WordingRules(languages=languages)

    found = [*found, *_to_run(settings)]
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
