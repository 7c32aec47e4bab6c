"""What a mail server can do, in plain words for `check --online`; for what is missing, which way remains."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from followupd.errors import Problem

if TYPE_CHECKING:
    from followupd.adapters.imap.survey import Survey
    from followupd.adapters.settings import MailboxSettings, Settings

#: a clock that is further off than this makes dates in letters and logs hard to compare
_MUCH = timedelta(minutes=2)

#: words of an outage, and what mends it
_HINTS = (
    (
        "was refused",
        "Correct username, or the secret at `password`; some providers want an app password or OAuth (`auth`).",
    ),
    (
        "refused the login",
        "Correct username, or the secret at `password`; some providers want an app password or OAuth.",
    ),
    (
        "not trusted",
        "Name the server's own CA as `ca_file`, or let the server have a certificate for this name.",
    ),
    ("CA file", "Correct `ca_file`."),
    ("nobody listens", "Correct host or port, or start the server; a firewall may stand between."),
    ("is not known", "Correct host, or this machine's DNS."),
    ("TLS with", 'Correct security and port: "tls" mostly has 993 or 465, "starttls" 143 or 587.'),
    ("did not answer", "Correct host or port; a firewall may stand between."),
    ("STARTTLS", 'Correct security and port: "tls" mostly has 993 or 465, "starttls" 143 or 587.'),
)


def survey_sentences(found: "Survey", command_folders: Collection[str] = ()) -> Iterator[str]:
    """Say what was found; `command_folders` are the folders there are whose mails say something by lying in them."""
    sealed = f"sealed with {found.tls}" if found.tls else "not sealed; it stays on this machine"
    yield f"reachable; the line is {sealed}; the login works"
    yield f"inbox is {found.inbox}; sent mail is {found.sent or 'in no folder I can find: name it as `sent`'}"
    yield (
        "IDLE: new mail is noticed at once"
        if found.idle
        else "no IDLE: new mail is noticed when the mailbox is polled"
    )
    if found.condstore:
        yield "CONDSTORE: changed tags cost one small exchange"
    else:
        yield "no CONDSTORE: tags are looked for on the mails of open cases and by name"
    yield from _tagging(found, command_folders)
    yield _clock(found.clock_ahead)


def _tagging(found: "Survey", command_folders: Collection[str]) -> Iterator[str]:
    if found.gmail:
        yield "Gmail: labels are read as tags, and the fu- tags become labels"
        return
    folders = f"moving mails to {' or '.join(command_folders)}, " if command_folders else ""
    for folder, takes in found.keywords.items():
        if takes:
            yield f"{folder} takes keywords: agents can tag, and see the fu- tags (`followupd tags thunderbird`)"
        else:
            yield f"{folder} takes no keywords; what remains: {folders}answers to desk mails, `followupd tell`"


def _clock(ahead: timedelta | None) -> str:
    if ahead is None:
        return "the server's clock cannot be seen (that takes a folder for drafts, and UIDPLUS)"
    if abs(ahead) <= _MUCH:
        return "the server's clock agrees with ours"
    way = "ahead of" if ahead > timedelta() else "behind"
    return f"the server's clock is {round(abs(ahead).total_seconds())} seconds {way} ours"


def look_at(settings: "Settings", mailbox: "MailboxSettings") -> Iterator[str]:
    """Connect to one mailbox and say what is there.

    Raises:
        OutageError: it cannot be used, and why.
    """
    from followupd import clock
    from followupd.adapters.accounts import mailbox_of

    with mailbox_of(mailbox) as door:
        there = door.existing(settings.folders)
        yield from survey_sentences(door.survey(clock.now()), there)
        for folder, line in settings.folders.items():
            if folder in there:
                yield f"{folder} is there: moving a mail there says {line!r}"
            else:
                yield f"{folder} is missing; create it to say {line!r} by moving a mail there"


def unreachable(key: str, why: str) -> Problem:
    """Make a problem of an outage, with what most likely mends it."""
    hint = next((hint for words, hint in _HINTS if words in why), "Correct host, port, security or username.")
    return Problem("followupd.toml", None, key, "O01", why, hint)
