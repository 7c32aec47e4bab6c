"""The tags we set on a customer's mail, so that agents see in their own client where its case stands."""

from followupd.domain.case import Case, Stage
from followupd.domain.letter import LetterRecordState

_STAGES = {
    Stage.SUSPECTED: "fu-suspected",
    Stage.HEARD: "fu-heard",
    Stage.PROMISED: "fu-promised",
    Stage.CONFIRMED: "fu-confirmed",
    Stage.FIXED: "fu-fixed",
    Stage.FOLLOWED_UP: "fu-followed-up",
    Stage.CLOSED: "fu-closed",
}


#: every mark of ours, in the order of a case's life; a mail in quarantine belongs to no case
MARKS = (*_STAGES.values(), "fu-held", "fu-doubt", "fu-quarantine")


def marks(case: Case) -> frozenset[str]:
    """Return the marks that the mails of this case should carry now."""
    found = {_STAGES[case.stage]} if case.stage in _STAGES else set()
    if case.held:
        found.add("fu-held")
    if any(mark.state is LetterRecordState.DOUBT for mark in case.letters):
        found.add("fu-doubt")
    return frozenset(found)
