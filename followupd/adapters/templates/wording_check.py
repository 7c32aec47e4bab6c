"""Check the administrator's letters and the playbooks' steps against the rules of wording.

The source is read line by line, with everything between braces blanked out. Then each letter is rendered for
the sample cases and read as a customer would read it. What both find is reported once, with file and line.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache

from followupd.adapters.overlay import shipped_directory
from followupd.adapters.settings.playbooks import folder_of
from followupd.adapters.settings.rules import SettingsRule, did_you_mean
from followupd.adapters.templates.check import affected_letters, case_for, render_sample, sample_renderer
from followupd.adapters.templates.samples import sample_case, sample_content
from followupd.adapters.templates.sources import (
    FrontMatterError,
    LetterTemplate,
    TemplateFiles,
    letter_of_file,
)
from followupd.domain.case import Case
from followupd.domain.decision import LetterContent
from followupd.domain.letter import CUSTOMER_LETTERS, Letter, LetterKind
from followupd.domain.playbook import Playbook
from followupd.errors import LetterError, Problem
from followupd.languages import catalogue
from followupd.text.wording import FACT, PART, RULES, Context, Finding, WordingRules, findings, unknown_rules
from followupd.text.wording.checker import tongue

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
        found += [_problem(file, finding) for file, finding in (*in_source, *new)]
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


def _problem(file: str, finding: Finding, key: str | None = None) -> Problem:
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
                    yield _problem(playbook.file, replace(finding, line=0), place)


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
