"""Holds the admin's letters, and the standing steps of playbooks, to the rules of wording, for `followupd check`.

The source is read line by line, with everything between braces blanked out; then each letter is written for the sample
cases and read as a customer would. What both find is said once, with the file and the line.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.templates.check import languages, try_out
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.samples import sample_brief, sample_case
from followupd.adapters.templates.sources import HeadError, LetterTemplate
from followupd.domain.case import Case
from followupd.domain.decision import LetterContent
from followupd.domain.letter import CUSTOMER_LETTERS, GIFT_CARD, Letter
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
    directory: Path,
    playbooks: Mapping[str, Playbook],
    manner: WordingRules,
    around: WordingContextSource,
    now: datetime,
) -> list[Problem]:
    """Return what the rules of wording find in the letters of a directory and in the playbooks' steps."""
    found = [*_switches(manner), *_steps(playbooks, manner)]
    for language in languages(directory):
        source = list(_source(directory, language, manner))
        said = {(finding.rule.id, finding.words.casefold()) for _, finding in source}
        written = _written(directory, language, playbooks["default"], manner, around, now)
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
        for day in (p.told, p.due)
        if day
    }
    owner = playbook.owner_of(case.owner).name
    context = replace(
        about,
        owner=owner,
        names=(*_NAMES, playbook.company.name, case.customer.name, owner),
        values=values,
        insisted=values if letter.kind != GIFT_CARD else (),
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


def _source(directory: Path, language: str, manner: WordingRules) -> Iterator[tuple[str, Finding]]:
    """Give what stands in the files themselves; only letters to customers and their parts are held to these rules."""
    for path in sorted((directory / language).glob("*.md")):
        kind = path.stem if path.stem in CUSTOMER_LETTERS else PART
        file = f"{directory.name}/{language}/{path.name}"
        try:
            text = path.read_text(encoding="utf-8")
            words = text if kind == PART else _on_their_lines(text, file)
        except (HeadError, UnicodeDecodeError):
            continue  # `letter_check` says so
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
    directory: Path,
    language: str,
    playbook: Playbook,
    manner: WordingRules,
    around: WordingContextSource,
    now: datetime,
) -> Iterator[tuple[str, Finding]]:
    letters = TemplateRenderer(
        directory,
        sender_of=lambda _: Person("support@example.com"),
        message_id=lambda key, _: f"<{key}@x.example>",
    )
    about = around(playbook, language, now)
    for kind in CUSTOMER_LETTERS:
        if not (directory / language / f"{kind}.md").is_file():
            continue
        for name in _READ:
            case = sample_case(playbook, now, name, language)
            try:
                letter = try_out(letters, kind, case, playbook, now)
            except LetterError:
                continue  # `letter_check` says so
            for finding in as_read(
                letter, case, sample_brief(kind, case, playbook, now), playbook, manner, about
            ):
                yield f"{directory.name}/{language}/{kind}.md", finding
