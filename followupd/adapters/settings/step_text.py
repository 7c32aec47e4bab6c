"""Tries a playbook's next step as the first letter will write it, so that no case is parked for a slip in a sentence."""

from pathlib import Path

from jinja2.meta import find_undeclared_variables

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError
from followupd.adapters.templates import context as letter_scope
from followupd.adapters.templates import markdown
from followupd.adapters.templates.sources import naming, sandbox
from followupd.domain.mail import Person
from followupd.domain.team import Agent, Company
from followupd.errors import LetterError

_OWNER = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
#: one who gives a name, and one of whom only the address is known
_CUSTOMERS = (Person("kim@example.org", "Kim Doe"), Person("kim@example.org"))
_HERE = "the text"
_HINT = "use {{ owner.name }}, {{ owner.first_name }}, {{ owner.phone }}, {{ owner.email }} or {{ company.name }}."
_MEND_NAMELESS = "not every customer's name is known: write {% if customer.name %}...{% endif %} around it."


def check_step_text(source: str, company: Company, directory: Path) -> None:
    """Write the sentence for sample people; raises MisfitError for what would stop a letter later."""
    scopes = [
        {
            "owner": letter_scope.agent(_OWNER),
            "company": letter_scope.company(company),
            "customer": letter_scope.customer(customer),
        }
        for customer in _CUSTOMERS
    ]
    environment = sandbox(directory / "templates", markdown.one_line, markup=False)
    try:
        with naming(_HERE):
            names = find_undeclared_variables(environment.parse(source)) - {*scopes[0], *environment.globals}
            said = [environment.from_string(source).render(scope) for scope in scopes if not names]
    except LetterError as error:
        problem = str(error).removeprefix(_HERE).removeprefix(":1").removeprefix(": ")
        hint = _MEND_NAMELESS if "customer." in problem and "missing" in problem else _HINT
        raise InvalidValueError(
            SettingsRule.STEP_TEXT, f"the text cannot be written: {problem}", hint
        ) from None
    if names:
        raise InvalidValueError(
            SettingsRule.STEP_TEXT, f"the text names {min(names)!r}, which it does not know", _HINT
        )
    if not all(text.strip() for text in said):
        raise InvalidValueError(
            SettingsRule.STEP_TEXT, "the text says nothing", "write what we do, as the customer reads it."
        )
