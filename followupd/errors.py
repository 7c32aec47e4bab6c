"""What can go wrong, sorted by who must act."""

from dataclasses import dataclass


class FollowupdError(Exception):
    """Something in followupd went wrong."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or "")

    @property
    def message(self) -> str:
        """What it says as it was handed over: `str` would lose what a sentence for agents was made of (model.said)."""
        said: str = self.args[0]
        return said


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing the admin must hint: where it stands, what is wrong, and how to fix it.

    `line` counts from 1; `key` is the path of a TOML key ("mailbox[0].port"); `rule` is a stable id ("C03", "W04").
    """

    file: str
    line: int | None
    key: str | None
    rule: str
    problem: str
    hint: str

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "") + (f" ({self.key})" if self.key else "")
        return f"{place}: {self.problem} [{self.rule}] {self.hint}".rstrip()


class SetupError(FollowupdError):
    """The configuration cannot be used; the admin must act. Carries every problem at once (exit 78, EX_CONFIG)."""

    exit_code = 78

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UnavailableError(FollowupdError):
    """A server or a disk does not answer; it is said once, tried again with back-off, and said again when it ends."""


class InvalidTransitionError(FollowupdError):
    """An event does not fit the case's stage: our mistake. The case is parked for a person and the daemon goes on."""


class NotUnderstoodError(FollowupdError):
    """An agent's line cannot be read; it goes back to the agent with what was expected."""


class LetterError(FollowupdError):
    """A letter cannot be written: a value is missing or a rule of wording forbids it. It never reaches the customer."""


class UnknownCaseError(FollowupdError):
    """There is no such case."""


class NotInDoubtError(FollowupdError):
    """There is nothing to settle about this letter."""


class ConflictError(FollowupdError):
    """Somebody else changed the case since it was read; read it again and decide afresh."""
