"""A tag or a folder that could not be understood goes back to a person, who set it or who may know who did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from followupd import journal
from followupd.model.agenda import Agenda
from followupd.model.kept import Kept, Remark
from followupd.model.letter import ANSWER, DIGEST, Brief, Writer
from followupd.model.playbook import Playbook
from followupd.model.said import said
from followupd.rounds.doors import Work


@dataclass(frozen=True, slots=True)
class Returned:
    """Gives words back; IMAP never says who set a tag, so the owner of the case hears of it."""

    playbooks: Mapping[str, Playbook]
    write: Writer

    def tag(self, work: Work, kept: Kept, remark: Remark, problem: str, now: datetime) -> None:
        """Tell the owner of the case, or for a mail without a case the owner of the default playbook."""
        ref = kept.case_ref or work.cases.naming(kept.message.thread)
        journal.not_understood(remark.source, ref or "")
        if not ref:
            self._without_case(work, kept, remark, problem, now)
            return
        case = work.cases.get(ref)
        playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
        because = said("a {source} was not understood", source=said(remark.source))
        brief = Brief(problems=(problem,), because=because, quote=kept.message.subject)
        mail = self.write.desk(ANSWER, case, playbook, now, brief, playbook.owner_of(case.owner))
        work.cases.record(case, [mail], lambda _: now, now)

    def _without_case(self, work: Work, kept: Kept, remark: Remark, problem: str, now: datetime) -> None:
        default = self.playbooks["default"]
        day = default.calendar.local(now).date()
        about = kept.message.subject or kept.message.sender.address
        agenda = Agenda(
            key=f"{DIGEST}.{day.isoformat()}.{remark.source}-{remark.id}", day=day,
            house=(said("a {source} was not understood", source=said(remark.source)), f"“{about}”: {problem}" if about else problem),
        )  # fmt: skip
        if not work.outbox.known(agenda.key):
            work.outbox.queue(self.write.digest(agenda, default, now, kept.mailbox, default.owner_of("")), now)
            journal.letter_written(agenda.key)
