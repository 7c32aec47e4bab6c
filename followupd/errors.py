"""Errors, sorted by who must act on them."""

from dataclasses import dataclass


class FollowupdError(Exception):
    """Something in followupd went wrong."""

    #: the exit code of a command that ends with this error
    exit_code = 1

    def __init__(self, message: str = "") -> None:
        """Without a message, the error says what its class says."""
        super().__init__(message or type(self).__doc__ or "")

    @property
    def message(self) -> str:
        """The message as it was given.

        `str(error)` would lose the parts of a translatable message (domain/translatable.py).
        """
        text: str = self.args[0]
        return text


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem in the configuration: where it is, what is wrong, and how to fix it.

    `line` counts from 1, None where no line is known. `key` is the path of a TOML key ("mailbox[0].port"),
    `rule` a stable id ("C03", "W04").
    """

    file: str
    line: int | None
    key: str | None
    rule: str
    problem: str
    hint: str

    def __str__(self) -> str:
        """Return "file:line (key): problem [rule] hint", without the parts that are missing."""
        place = self.file
        if self.line:
            place += f":{self.line}"
        if self.key:
            place += f" ({self.key})"

        return f"{place}: {self.problem} [{self.rule}] {self.hint}".rstrip()


class SetupError(FollowupdError):
    """The configuration is invalid, with every problem in it.

    The admin must act (exit code 78, EX_CONFIG).
    """

    exit_code = 78

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = list(map(str, problems))
        super().__init__("\n".join(lines))


class UnavailableError(FollowupdError):
    """A server, a disk or the database does not answer; it is tried again, with growing waits."""


class LoginRefusedError(UnavailableError):
    """A server refused the password; it is tried again seldom, before it locks the account."""


class InvalidTransitionError(FollowupdError):
    """The event is not allowed in the case's stage (a bug). The case is put on hold for a person."""


class NotUnderstoodError(FollowupdError):
    """A line of an agent is not understood; it goes back to the agent with what was expected.

    `draft` is a better line, None where none is known.
    """

    def __init__(self, problem: str, draft: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.draft = draft


class FactReturnedError(NotUnderstoodError):
    """A fact goes back to the agent, because a customer could not read it.

    `fact` is its name, `text` what was said, and `better` a sentence that `ok` accepts, "" without one.
    """

    def __init__(self, problem: str, fact: str, text: str, better: str) -> None:
        super().__init__(problem, f"{fact}: {better}" if better else None)
        self.fact, self.text, self.better = fact, text, better


class LetterError(FollowupdError):
    """A letter cannot be written: a value is missing, or a wording rule forbids it.

    The customer never sees it.
    """


class UnreadableError(FollowupdError):
    """A mail cannot be parsed; it is quarantined with this reason."""


class UnknownCaseError(FollowupdError):
    """There is no such case."""


class NotInDoubtError(FollowupdError):
    """This letter is not in doubt, and there is nothing to resolve."""


class ConflictError(FollowupdError):
    """The case was changed since it was read; read it again and decide again."""
