"""Holds the admin's letters, and the standing steps of playbooks, to the rules of wording, for `followupd check`.

The source is read line by line, with everything between braces blanked out; then each letter is written for the sample
cases and read as a customer would. What both find is said once, with the file and the line.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.templates.check import affected_kinds, try_out
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.samples import sample_brief, sample_case
from followupd.adapters.templates.sources import HeadError, LetterTemplate, TemplateFiles
from followupd.domain.case import Case
from followupd.domain.decision import LetterContent
from followupd.domain.letter import CUSTOMER_LETTERS, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.errors import LetterError, Problem
from followupd.text.wording import PART, Context, Finding, WordingRules, findings, unknown_rules

_BRACES = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
#: the hostile sample is made of slips that no letter would make; these two read like real cases
_READ = ("short", "long")
_NAMES = ("Example Ltd",)
#: says what is known of dates and promises: `around(playbook, language, now)`
WordingContextSource = Callable[[Playbook, str, datetime], Context]


def wording_problems(
    files: TemplateFiles,
    playbooks: Mapping[str, Playbook],
    manner: WordingRules,
    around: WordingContextSource,
    now: datetime,
) -> list[Problem]:
    """Return what the rules of wording find in the admin's letters and in the playbooks' steps.

    Shipped letters are proven by our own tests; they are checked where the admin's changes affect them.
    """
    found = [*_switches(manner), *_steps(playbooks, manner)]
    for language in files.languages():
        source = list(_source(files, language, manner))
        said = {(finding.rule.id, finding.words.casefold()) for _, finding in source}
        written = _written(files, language, playbooks["default"], manner, around, now)
        rest = {(f, x) for f, x in written if x.words == "" or (x.rule.id, x.words.casefold()) not in said}
        found += [_problem(file, finding) for file, finding in (*source, *rest)]
    return sorted(set(found), key=lambda one: (one.file, one.line or 0, one.rule, one.problem))


def as_read(
    letter: Letter, case: Case, brief: LetterContent, playbook: Playbook, manner: WordingRules, about: Context
) -> tuple[Finding, ...]:
    """Return what the rules find in a letter of a sample case, apart from the words that people said."""
    values = (*case.stated_words, *(each.because for each in brief.promises if each.because))
    days = {
        playbook.calendar.local(day).date()
        for p in (*case.promises, *brief.promises)
        for day in (p.promised_by, p.internal_deadline)
        if day
    }
    owner = playbook.owner_of(case.owner).name
    context = replace(
        about,
        owner=owner,
        names=(*_NAMES, playbook.company.name, case.customer.name, owner),
        values=values,
        insisted=values if letter.kind != LetterKind.GIFT_CARD else (),
        promised=days,
    )
    found = findings(letter.text, kind=letter.kind, language=letter.language, manner=manner, context=context)
    return tuple(replace(finding, line=0) for finding in found)


def _problem(file: str, finding: Finding, key: str | None = None) -> Problem:
    problem = f"{finding.quoted}{finding.rule.reason}"
    return Problem(
        file, finding.line or None, key, finding.rule.id, problem, f"Better: {finding.rule.better}"
    )


def _switches(manner: WordingRules) -> Iterator[Problem]:
    for name in unknown_rules(manner):
        key = "rules" if re.fullmatch(r"W\d+", name) else "phrases"
        yield Problem(
            "wording.toml",
            None,
            key,
            SettingsRule.UNKNOWN,
            f"there is no {name!r}",
            "docs/wording.md lists rules and lists of phrases.",
        )


def _steps(playbooks: Mapping[str, Playbook], manner: WordingRules) -> Iterator[Problem]:
    for name, playbook in playbooks.items():
        for n, step in enumerate(playbook.steps):
            own = ("text", playbook.language or playbook.company.locale, step.text)
            for key, language, text in (own, *((f"texts.{tag}", tag, said) for tag, said in step.texts)):
                for finding in findings(_blanked(text), kind=PART, language=language, manner=manner):
                    yield _problem(
                        f"playbooks/{name}.toml", replace(finding, line=0), f"next_step[{n}].{key}"
                    )


def _source(files: TemplateFiles, language: str, manner: WordingRules) -> Iterator[tuple[str, Finding]]:
    """Give what the files themselves contain; only letters to customers and their parts are held to these rules."""
    for name in files.changed(language):
        file = files.label(name)
        stem = name.partition("/")[2].removesuffix(".md")
        if "/" in stem:  # a mail to agents
            continue
        kind = stem if stem in CUSTOMER_LETTERS else PART
        try:
            text = files.text(name)
            words = text if kind == PART else _on_their_lines(text, file)
        except (HeadError, UnicodeDecodeError):
            continue  # the check of the letters reports it
        for finding in findings(_blanked(words), kind=kind, language=language, manner=_in_source(manner)):
            yield file, finding


def _on_their_lines(text: str, file: str) -> str:
    """Return the values of the front matter and the body, each on the line that it has in the file."""
    letter = LetterTemplate.read(text, file, "")
    rows = letter.body.splitlines(keepends=True)
    for words, line in letter.front.values():
        rows[line - 1] = f"{words}\n"
    return "".join(rows)


def _in_source(manner: WordingRules) -> WordingRules:
    """Leave out what only a written letter shows: how it begins and ends, its length, what it promises."""
    return replace(manner, off=manner.off | {"W01", "W02", "W12", "W14", "W16", "W19"})


def _blanked(text: str) -> str:
    return _BRACES.sub(lambda match: re.sub(r"\S", "_", match[0]), text)


def _written(
    files: TemplateFiles,
    language: str,
    playbook: Playbook,
    manner: WordingRules,
    around: WordingContextSource,
    now: datetime,
) -> Iterator[tuple[str, Finding]]:
    letters = TemplateRenderer(
        files,
        sender_of=lambda _: Person("support@example.com"),
        message_id=lambda key, _: f"<{key}@x.example>",
        languages=manner.languages,
    )
    about = around(playbook, language, now)
    for kind in _kinds_to_read(files, language, manner):
        for name in _READ:
            case = sample_case(playbook, now, name, language, manner.languages)
            try:
                letter = try_out(letters, kind, case, playbook, now)
            except LetterError:
                continue  # the check of the letters reports it
            brief = sample_brief(kind, case, playbook, now, manner.languages)
            for finding in as_read(letter, case, brief, playbook, manner, about):
                yield files.label(f"{language}/{kind}.md"), finding


def _kinds_to_read(files: TemplateFiles, language: str, manner: WordingRules) -> list[LetterKind]:
    """Return the letters to customers that the admin's changes or own phrases affect."""
    if manner.phrases.get(language):
        return [kind for kind in CUSTOMER_LETTERS if files.exists(f"{language}/{kind}.md")]
    return [kind for kind in affected_kinds(files, language) if kind in CUSTOMER_LETTERS]
