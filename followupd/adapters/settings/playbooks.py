"""playbooks/*.toml: every table and key, and what must be true of a playbook beyond its single values."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from followupd.adapters.settings.rules import InvalidValueError, SettingsRule, did_you_mean, require
from followupd.adapters.settings.scalars import (
    AnyDuration,
    Flag,
    Line,
    OptionalDuration,
    RequiredLine,
    TagNames,
    tag_name,
)
from followupd.adapters.settings.standards import (
    CueGroups,
    LanguageTag,
    Patterns,
    amount,
    home_currency,
    money,
)
from followupd.adapters.settings.toml_file import Table, TomlFile, open_toml, read, setting
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.compensation import Money
from followupd.domain.mail import Person
from followupd.domain.playbook import (
    FOLLOW_UP_AFTER,
    Agent,
    Company,
    NextStep,
    Playbook,
    Playbooks,
    SeverityOverride,
    Team,
)
from followupd.domain.promise import PromiseKind
from followupd.errors import LetterError, Problem
from followupd.text.names import PersonName

# --- the sentence of a next step ----------------------------------------------------------------------------

_OWNER = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
_OWNERS_FIRST_NAME = "Ana"
#: a customer who gives a name, and one of whom only the address is known, and how each is addressed
_CUSTOMERS = (
    (Person("kim@example.org", "Kim Doe"), PersonName("Kim Doe", "Kim")),
    (Person("kim@example.org"), PersonName()),
)
_COMPANY = Company(name="Example Ltd", timezone="Europe/London")
#: what errors of the template call the sentence
_SENTENCE = "the text"
_STEP_HINT = (
    "use {{ owner.name }}, {{ owner.first_name }}, {{ owner.phone }}, {{ owner.email }} "
    "or {{ company.name }}."
)
_NAMELESS_HINT = "not every customer's name is known: write {% if customer.name %}...{% endif %} around it."


def _step_text(source: str) -> str:
    """Render the sentence for sample people, so that no case is put on hold for a mistake in it.

    Raises:
        InvalidValueError: it is not a template, uses an unknown name, or is empty.
    """
    try:
        rendered = _rendered(source)
    except LetterError as error:
        problem = str(error).removeprefix(_SENTENCE).removeprefix(":1").removeprefix(": ")
        is_nameless = "customer." in problem and "missing" in problem
        hint = _NAMELESS_HINT if is_nameless else _STEP_HINT
        problem = f"the text cannot be rendered: {problem}"
        raise InvalidValueError(SettingsRule.STEP_TEXT, problem, hint) from None

    is_filled = all(map(str.strip, rendered))
    hint = "write what we do, as the customer reads it."
    require(is_filled, SettingsRule.STEP_TEXT, "the text is empty when it is rendered", hint)
    return source


def _rendered(source: str) -> list[str]:
    """Return the sentence for each sample customer.

    Raises:
        LetterError: it is not a template, or a value is missing.
        InvalidValueError: it uses an unknown name.
    """
    from jinja2.meta import find_undeclared_variables

    from followupd.adapters.templates import context, markdown
    from followupd.adapters.templates.sources import naming, sandbox

    environment = sandbox(None, markdown.one_line, markup=False)
    owner = context.agent_named(_OWNER, _OWNERS_FIRST_NAME)
    people = {"owner": owner, "company": context.company_values(_COMPANY)}
    known = {*people, "customer", *environment.globals}
    with naming(_SENTENCE):
        unknown = sorted(find_undeclared_variables(environment.parse(source)) - known)
    problem = f"the text uses {', '.join(unknown)}, which does not exist"
    require(not unknown, SettingsRule.STEP_TEXT, problem, _STEP_HINT)
    with naming(_SENTENCE):
        template = environment.from_string(source)
        customers = [context.customer_named(who, name) for who, name in _CUSTOMERS]
        return [template.render(people | {"customer": customer}) for customer in customers]


StepText = Annotated[RequiredLine, AfterValidator(_step_text)]
StepTexts = Annotated[Mapping[LanguageTag, StepText], AfterValidator(MappingProxyType)]


# --- the tables ---------------------------------------------------------------------------------------------


def _gift_amount(value: object, info: ValidationInfo) -> Money | None:
    """Return the amount in "20 EUR"; None for "".

    Raises:
        InvalidValueError: it is not an amount, is zero, or has no currency.
    """
    number, code = amount(value)
    if not number:
        return None
    home = home_currency(info)
    shown = code or home
    found = money(number, shown, f'write it as "20.00 {shown}".')

    hint = f'write "{found.amount} {home}".'
    require(code, SettingsRule.AMOUNT, "a gift card's amount needs a currency", hint)
    hint = 'write "" for no gift card.'
    require(found.minor, SettingsRule.AMOUNT, "a gift card without value", hint)
    return found


GiftAmount = Annotated[Money | None, PlainValidator(_gift_amount)]
ReviewKey = Annotated[
    bool,
    Field(strict=True, description="`true`: the letter waits for an agent's `approve`.", examples=[True]),
]
ShowKey = Annotated[
    bool,
    Field(
        strict=True,
        description="`false`: a letter with agents' words is not shown to its owner before it leaves.",
        examples=[False],
    ),
]


class NextStepTable(Table):
    """A standing promise, made when a case opens. Write the table once for each promise.

    Without any, the first letter waits for an agent's promise.
    """

    text: StepText = setting(
        description="What we do, as the customer reads it; a Jinja2 sentence with `owner`, `company` and "
        "`customer`.",
        example="{{ owner.name }} calls the carrier and writes to you with an answer",
    )
    within: AnyDuration = setting(description="By when.", example="2 business days")
    kind: PromiseKind = setting(
        "next-update",
        description="`firm`: it happens; `estimate`: we expect it; "
        "`next-update`: the customer hears from us, whatever the answer is.",
        example="firm",
    )
    margin: OptionalDuration = setting(
        "4 business hours",
        description="Our internal deadline is this much earlier than the promised date; "
        "the same if the time is too short for it.",
        example="1 business day",
    )
    texts: StepTexts = setting(
        {},
        description="`text` in other languages; letters in a language that is missing here use `text`.",
        example={"de": "{{ owner.name }} fragt beim Paketdienst nach und schreibt Ihnen"},
    )
    danger: bool = setting(
        False,
        description="Promised only, and before the others, where somebody's health or safety is at stake.",
        example=True,
    )


class ConfirmationTable(Table):
    """The first letter: sorry for the trouble, and what happens next."""

    after: AnyDuration = setting(
        "10 minutes",
        description="The quiet window: several mails in it get one answer.",
        example="1 hour",
    )
    answer: AnyDuration = setting(
        "4 business hours",
        description="How long it waits for an agent who is asked about an unclear sentence of a reply.",
        example="1 business day",
    )
    review: ReviewKey = False
    show: ShowKey = True


class FollowUpTable(Table):
    """The letter after the fix: what went wrong, what was done, why it won't happen again."""

    after: AnyDuration = setting(FOLLOW_UP_AFTER, description="From the fix.", example="1 week")
    review: ReviewKey = False
    show: ShowKey = True
    call: Flag = setting(
        True,
        description="On the same day, the owner is asked to call the customer.",
        example=False,
    )


class GestureTable(Table):
    """What is usually given for the trouble, by severity: agents are told, and say why where nothing is given."""

    low: GiftAmount = setting("", description="For a case of low severity; empty: nothing.", example="5 EUR")
    normal: GiftAmount = setting("", description="For one of normal severity.", example="10 EUR")
    high: GiftAmount = setting("", description="For one of high severity.", example="20 EUR")
    again: GiftAmount = setting(
        "", description="For a second complaint of the same customer within 180 days.", example="30 EUR"
    )


class GestureByLossTable(Table):
    """What is usual at least, whatever the severity, from a loss of this much on. Write the table once for each step.

    The loss is the largest amount that the customer's mail names, or what an agent says: `loss: 120 EUR`.
    """

    loss: GiftAmount = setting(description="From a loss of this much on.", example="100 EUR")
    usual: GiftAmount = setting(description="What is usual then.", example="20 EUR")


class GiftCardTable(Table):
    """A gift card, in a separate message and thread."""

    after: AnyDuration = setting(
        "1 business day", description="From the follow-up.", example="2 business days"
    )
    amount: GiftAmount = setting(
        "", description="Offered in every case; empty: only when an agent grants one.", example="20 EUR"
    )


class ClosingTable(Table):
    """The end of a case."""

    after: AnyDuration = setting(
        "10 business days",
        description="From the last letter, if nothing is open.",
        example="2 weeks",
    )


class OutcomeTable(Table):
    """When it is looked at what became of the customer."""

    after: tuple[AnyDuration, ...] = setting(
        ["30 days", "90 days"],
        description="So long after the case was closed; empty: never.",
        example=["14 days", "90 days"],
    )


class SilenceTable(Table):
    """What happens when the customer has heard nothing from us."""

    after: AnyDuration = setting(
        "2 business days",
        description="After this long the owner is reminded, then a holding letter is sent.",
        example="1 business day",
    )


class EscalationTable(Table):
    """Who is told of an overdue promise, and when."""

    lead: AnyDuration = setting(
        "1 business day",
        description="When the lead is told, counted from the deadline.",
        example="4 business hours",
    )
    manager: AnyDuration = setting(
        "2 business days", description="When the manager is told.", example="1 business day"
    )


Informed = Literal["", "lead", "manager"]
_INFORMED = "Who is told of the case at once, besides its owner."


class _SeverityTable(Table):
    tell: Informed = setting("", description=_INFORMED, example="lead")
    follow_up: OptionalDuration = setting(
        "", description="Instead of `follow_up.after`.", example="1 business day"
    )
    silence: OptionalDuration = setting(
        "", description="Instead of `silence.after`.", example="1 business day"
    )
    lead: OptionalDuration = setting(
        "", description="Instead of `escalation.lead`.", example="4 business hours"
    )
    manager: OptionalDuration = setting(
        "", description="Instead of `escalation.manager`.", example="1 business day"
    )


class HighSeverityTable(_SeverityTable):
    """What is different for a severe case. Empty: as the playbook says."""

    tell: Informed = setting("lead", description=_INFORMED, example="manager")


class LowSeverityTable(_SeverityTable):
    """What is different for a mild case. Empty: as the playbook says."""


class SeverityTables(Table):
    """What is different for severe and for mild cases."""

    high: HighSeverityTable
    low: LowSeverityTable


class PlaybookFile(Table):
    """What we do for one kind of complaint. These keys come before the first table."""

    name: Line = setting("", description="The file's name without `.toml`.", example="delivery")
    owner: Line = setting(
        "", description="The agent who owns its cases; the first agent when empty.", example="ana"
    )
    words: Patterns = setting([], description="Phrases that choose this playbook.", example=["lost parcel"])
    cues: CueGroups = setting(
        [],
        description="Groups of the classifier's cues that choose it when no playbook's words do.",
        example=["safety", "legal"],
    )
    causes: TagNames = setting(
        ["carrier", "picking", "billing", "product", "other"],
        description="The cause codes that agents choose from (`cause-carrier`).",
        example=["carrier", "warehouse"],
    )
    language: LanguageTag = setting(
        "", description="The language of its letters; the customer's own when empty.", example="de"
    )
    next_step: tuple[NextStepTable, ...] = ()
    confirmation: ConfirmationTable
    follow_up: FollowUpTable
    gift_card: GiftCardTable
    gesture: GestureTable
    gesture_by_loss: tuple[GestureByLossTable, ...] = ()
    closing: ClosingTable
    outcome: OutcomeTable
    silence: SilenceTable
    escalation: EscalationTable
    severity: SeverityTables


# --- from files to playbooks --------------------------------------------------------------------------------


def read_playbooks(
    directory: Path,
    company: Company,
    calendar: Calendar,
    team: Team,
    shared: Mapping[str, Playbook] = MappingProxyType({}),
) -> tuple[Playbooks, list[Problem]]:
    """Read every playbook of a company; `default` must be among them.

    Args:
        directory: the configuration directory.
        company: whose playbooks are read: those of a second brand are in companies/NAME/playbooks.
        calendar: of all companies.
        team: of all companies.
        shared: the playbooks of [company], which a second brand has as well; its own take their places.

    Returns:
        The playbooks by the names of their files, also those with problems, and all problems.
    """
    playbooks = {name: replace(playbook, company=company) for name, playbook in shared.items()}
    problems: list[Problem] = []
    context = {"directory": directory, "currency": company.currency}
    folder = folder_of(company, "playbooks")
    for path in sorted((directory / folder).glob("*.toml")):
        if path.name.startswith("."):  # left by an editor
            continue
        file = open_toml(directory, f"{folder}/{path.name}", missing="put it back.")
        playbooks[path.stem] = _playbook(file, path.stem, company, calendar, team, context)
        problems += file.problems
    if "default" not in playbooks and not company.id:
        hint = "write one; `followupd init` into an empty directory shows how it looks."
        problem = "there is no such file"
        problems.append(Problem("playbooks/default.toml", None, None, SettingsRule.NO_DEFAULT, problem, hint))
    return Playbooks(playbooks), problems


def folder_of(company: Company, name: str) -> str:
    """Return where a company has its own files below the configuration directory.

    Args:
        company: [company], or a brand.
        name: the name of the folder, such as "playbooks"; "" for what all of the company's names begin with.
    """
    return f"companies/{company.id}/{name}" if company.id else name


def _playbook(
    file: TomlFile,
    stem: str,
    company: Company,
    calendar: Calendar,
    team: Team,
    context: Mapping[str, Any],
) -> Playbook:
    """Return the playbook of a file, and report what is wrong in it to the file.

    Args:
        file: the opened file.
        stem: the file's name without its ending.
        company: whose it is.
        calendar: the calendar of the company.
        team: the agents.
        context: what validators may ask for: the directory and the company's currency.
    """
    tables = read(file, PlaybookFile, context)
    _check_name(file, stem, tables.name)
    return Playbook(
        name=stem,
        owner=_owner(file, tables.owner, team),
        calendar=calendar,
        team=team,
        company=company,
        file=file.file,
        words=tables.words,
        cues=frozenset(tables.cues),
        causes=tables.causes,
        language=tables.language,
        steps=tuple(_steps(file, tables.next_step, calendar)),
        confirm_after=tables.confirmation.after,
        confirm_answer=tables.confirmation.answer,
        confirm_review=tables.confirmation.review,
        confirm_show=tables.confirmation.show and not tables.confirmation.review,
        follow_up_after=tables.follow_up.after,
        follow_up_review=tables.follow_up.review,
        follow_up_show=tables.follow_up.show and not tables.follow_up.review,
        follow_up_call=tables.follow_up.call,
        close_after=tables.closing.after,
        gift_card_after=tables.gift_card.after,
        gestures=tuple((name, amount) for name, amount in tables.gesture if amount),
        gestures_by_loss=tuple(
            (step.loss, step.usual) for step in tables.gesture_by_loss if step.loss and step.usual
        ),
        gift_card_amount=tables.gift_card.amount,
        outcome_after=tuple(tables.outcome.after),
        silence_after=tables.silence.after,
        escalate_lead=tables.escalation.lead,
        escalate_manager=tables.escalation.manager,
        severity_overrides=(
            SeverityOverride(severity="high", **dict(tables.severity.high)),
            SeverityOverride(severity="low", **dict(tables.severity.low)),
        ),
    )


def _check_name(file: TomlFile, stem: str, name: str) -> None:
    """Report a name that differs from the file's, and a file that no tag `playbook-...` can name."""
    is_same = name in {"", stem}
    hint = f'write name = "{stem}", or rename the file to {name}.toml.'
    problem = f"{name!r} differs from the name of the file"
    file.require(is_same, ("name",), SettingsRule.PLAYBOOK_NAME, problem, hint)
    try:
        tag_name(stem)
    except InvalidValueError as error:
        file.add_problem(("name",), SettingsRule.NAME, error.problem, "rename the file.")


def _owner(file: TomlFile, owner: str, team: Team) -> str:
    """Return the id of the owner, the first agent's if the playbook names none."""
    if not team.agents:  # which is reported separately
        return owner
    ids = [agent.id for agent in team.agents]
    found = owner or ids[0]
    hint = did_you_mean(found, ids, f"the agents in followupd.toml are: {', '.join(ids)}.")
    file.require(found in ids, ("owner",), SettingsRule.NOBODY, f"{owner!r} is not an agent", hint)
    return found


def _steps(file: TomlFile, steps: tuple[NextStepTable, ...], calendar: Calendar) -> Iterator[NextStep]:
    """Yield the next steps of a playbook.

    A margin that is longer than the time of its step is reported and left out.
    """
    for n, step in enumerate(steps):
        margin = step.margin
        if margin and not _fits(calendar, step.within, margin):
            _report_margin(file, n, step)
            margin = None
        yield NextStep(
            text=step.text,
            within=step.within,
            kind=step.kind,
            margin=margin,
            texts=tuple(step.texts.items()),
            danger=step.danger,
        )


def _report_margin(file: TomlFile, n: int, step: NextStepTable) -> None:
    """Report a margin that the admin wrote; the default one is silently left out where it is too long."""
    path = ("next_step", n, "margin")
    if "margin" in step.model_fields_set and not file.has_problem(path):
        problem = f"{step.margin} is not shorter than {step.within}"
        file.add_problem(path, SettingsRule.DURATION, problem, 'write a shorter one, or "" for none.')


def _fits(calendar: Calendar, within: Duration, margin: Duration) -> bool:
    """Return whether time is left of `within` less `margin`, for a case opened on a Monday morning.

    Holidays are left out: they make both times longer, and their library is slow to import.
    """
    calendar = replace(calendar, holidays="")
    monday = datetime(2026, 3, 2, tzinfo=ZoneInfo(calendar.timezone))
    start = calendar.next_open(monday)
    return calendar.before(calendar.after(start, within), margin) > start
