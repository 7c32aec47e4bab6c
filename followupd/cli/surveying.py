"""What a mail server can do, in plain words for `check --online`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from followupd.edges.survey import Survey

#: a clock that is further off than this makes dates in letters and logs hard to compare
_MUCH = timedelta(minutes=2)


def survey_sentences(found: "Survey") -> Iterator[str]:
    """Say what was found, and for what is missing which way remains."""
    yield "reachable, the connection is protected as configured, and the login works"
    yield f"inbox is {found.inbox}; sent mail is {found.sent or 'in no folder I can find: name it as `sent`'}"
    yield (
        "IDLE: new mail is noticed at once" if found.idle else "no IDLE: new mail is noticed when the mailbox is polled"
    )
    if found.condstore:
        yield "CONDSTORE: changed tags cost one small exchange"
    else:
        yield "no CONDSTORE: tags are looked for on the mails of open cases and by name"
    for folder, takes in found.keywords.items():
        if takes:
            yield f"{folder} takes keywords: agents can tag, and see the fu- tags"
        else:
            yield f"{folder} takes no keywords: agents use the command folders, notes by mail, or `followupd tell`"
    if found.gmail:
        yield "Gmail: labels are read as tags"
    if found.clock_ahead is not None and abs(found.clock_ahead) > _MUCH:
        yield f"the server's clock differs from ours by {round(found.clock_ahead.total_seconds())} seconds"
