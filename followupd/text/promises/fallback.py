"""Find a commitment without a known turn of phrase: a topic of service and a day to come.

"Collection is booked for Thursday", "new one Friday": agents in a hurry leave out the verb that a grammar
looks for. A clause with a day to come then counts as a promise if its topic is the service's own, and if it
speaks neither of the past, nor of what the customer may or must do, nor of opening hours, prices and rules.
"""

import re
from dataclasses import dataclass

from followupd.domain.promise import PromiseKind

#: a longer clause has a verb, and says more than a promise
_LONGEST = 140


@dataclass(frozen=True, slots=True)
class Fallback:
    """The words of one language: `idle` makes a clause no commitment, the others say what kind it would be.

    `arranged` is done already and promises the day for which it was done: "I have booked the driver for
    Thursday".
    """

    idle: re.Pattern[str]
    doubt: re.Pattern[str]
    update: re.Pattern[str]
    topic: re.Pattern[str]
    arranged: re.Pattern[str]

    def found(self, low: str) -> tuple[PromiseKind | None, re.Match[str] | None]:
        """Return what a lower-case clause with a day to come commits to, and the words that do."""
        if len(low) > _LONGEST or self.idle.search(low):
            return None, None
        topic = self.topic.search(low)
        update = self.update.search(low)
        if doubt := self.doubt.search(low):
            return (PromiseKind.ESTIMATE, doubt) if topic or update else (None, None)
        if update:
            return PromiseKind.NEXT_UPDATE, update
        return (PromiseKind.FIRM, topic) if topic else (None, None)
