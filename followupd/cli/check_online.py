"""check --online: connect to every server, and describe what it supports and what to do about the rest."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from followupd.errors import Problem, SetupError, UnavailableError

if TYPE_CHECKING:
    from followupd.adapters.imap.folders import Survey
    from followupd.adapters.settings import MailboxSettings, Settings

#: a difference of the clocks from which on times in letters and logs are hard to compare
_CLOCK_TOLERANCE = timedelta(minutes=2)

_LOGIN_HINT = (
    "Correct username, or the secret at `password`; some providers require an app password or OAuth."
)
_HOST_HINT = "Correct host or port, or start the server; a firewall may block the connection."
_TLS_HINT = 'Correct security and port: "tls" usually has 993 or 465, "starttls" 143 or 587.'
_OTHER_HINT = "Correct host, port, security or username."
#: part of an error message -> hint
_HINTS = {
    "was refused": _LOGIN_HINT,
    "refused the login": _LOGIN_HINT,
    "not trusted": "Set `ca_file` to the server's own CA, or give the server a certificate for this name.",
    "CA file": "Correct `ca_file`.",
    "nothing listens": _HOST_HINT,
    "is not known": "Correct host, or this machine's DNS.",
    "TLS with": _TLS_HINT,
    "did not answer": _HOST_HINT,
    "STARTTLS": _TLS_HINT,
}


def check_servers(settings: "Settings", print_line: Callable[[str], None]) -> list[Problem]:
    """Connect to every mailbox and to the SMTP server.

    Prints what each server supports with `print_line`, and returns the problems of those that cannot be used.
    """
    problems: list[Problem] = []
    for number, mailbox in enumerate(settings.mailboxes):
        sentences = mailbox_sentences(settings, mailbox)
        _add(problems, _check_server(f"mailbox[{number}]", mailbox.name, sentences, print_line))

    _add(problems, _check_server("smtp", "smtp", smtp_sentences(settings), print_line))

    return problems


def _check_server(
    key: str, name: str, sentences: Iterable[str], print_line: Callable[[str], None]
) -> list[Problem]:
    """Print the sentences about one server; return the problems that interrupt them."""
    try:
        for sentence in sentences:
            print_line(f"{name}: {sentence}")
    except SetupError as error:
        return list(error.problems)
    except UnavailableError as error:
        return [unavailable_problem(key, str(error))]

    return []


def _add(problems: list[Problem], found: list[Problem]) -> None:
    """Add the problems that are not in the list: several servers may use the same missing secret."""
    problems += [problem for problem in found if problem not in problems]


def unavailable_problem(key: str, reason: str) -> Problem:
    """Return the problem for a server that cannot be used, with the hint that most likely helps."""
    hint = _OTHER_HINT
    for part, known_hint in _HINTS.items():
        if part in reason:
            hint = known_hint
            break

    return Problem("followupd.toml", None, key, "O01", reason, hint)


def mailbox_sentences(settings: "Settings", mailbox: "MailboxSettings") -> Iterator[str]:
    """Connect to one mailbox and describe it.

    Raises:
        UnavailableError: it cannot be used.
    """
    from followupd import clock
    from followupd.adapters.accounts import mailbox_of

    with mailbox_of(mailbox) as connection:
        command_folders = connection.existing(settings.folders)
        yield from survey_sentences(connection.survey(clock.now()), command_folders)
        for folder, line in settings.folders.items():
            if folder in command_folders:
                yield f"{folder} exists: moving a mail there means {line!r}"
            else:
                yield f"{folder} does not exist; create it, and moving a mail there means {line!r}"


def smtp_sentences(settings: "Settings") -> Iterator[str]:
    """Connect to the SMTP server and describe it.

    Raises:
        UnavailableError: it cannot be used.
    """
    from followupd.adapters.accounts import transport_of

    yield from transport_of(settings.smtp).survey()


def survey_sentences(survey: "Survey", command_folders: Collection[str] = ()) -> Iterator[str]:
    """Describe what a server supports; `command_folders` are the existing folders of `[folders]`."""
    if survey.tls:
        yield f"connected with {survey.tls}; the login works"
    else:
        yield "connected without encryption, on this machine only; the login works"

    sent = survey.sent or "not found: set `sent` to the folder of sent mail"
    yield f"inbox is {survey.inbox}; sent mail is {sent}"

    if survey.idle:
        yield "IDLE: new mail is noticed at once"
    else:
        yield "no IDLE: new mail is noticed when the mailbox is polled"

    if survey.condstore:
        yield "CONDSTORE: changed tags are fetched in one short exchange"
    else:
        yield "no CONDSTORE: tags are searched on the mails of open cases and by name"

    yield from _tag_sentences(survey, command_folders)
    yield _clock_sentence(survey.clock_ahead)


def _tag_sentences(survey: "Survey", command_folders: Collection[str]) -> Iterator[str]:
    """Say for each folder whether agents can tag mails in it, or how else they give commands."""
    if survey.gmail:
        yield "Gmail: labels are read as tags, and the fu- tags become labels"
        return

    alternatives = "answers to desk mails, `followupd tell`"
    if command_folders:
        alternatives = f"moving mails to {' or '.join(command_folders)}, {alternatives}"

    for folder, accepts_keywords in survey.keywords.items():
        if accepts_keywords:
            yield f"{folder} accepts keywords: agents can tag (`followupd tags thunderbird`)"
        else:
            yield f"{folder} accepts no keywords; agents can use: {alternatives}"


def _clock_sentence(ahead: timedelta | None) -> str:
    """Compare the server's clock with ours; `ahead` is the server's time minus ours."""
    if ahead is None:
        return "the server's clock cannot be read (this needs a Drafts folder and UIDPLUS)"
    if abs(ahead) <= _CLOCK_TOLERANCE:
        return "the server's clock agrees with ours"
    direction = "ahead of" if ahead > timedelta() else "behind"

    return f"the server's clock is {round(abs(ahead).total_seconds())} seconds {direction} ours"
