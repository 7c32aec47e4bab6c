"""What a mail would be taken for, as the contract's JSON; works without a configuration, and better with one."""

from pathlib import Path
from typing import Any

from followupd import clock
from followupd.cli.printing import moment
from followupd.errors import SetupError
from followupd.model.calendar import Calendar
from followupd.model.message import Kind, Message, Ours, Verdict
from followupd.recovery import promise, recognise
from followupd.rounds.judge import HouseJudge

#: a mail that no human customer wrote is never scored (RECOGNISE.md, "The design", 1)
_UNSCORED = Verdict("no", 0.0)


class Reader:
    """Reads, judges and explains mails."""

    def __init__(self, directory: Path) -> None:
        from followupd.edges.settings import load

        self.ours, self._playbooks, self._calendar, self._currency = Ours(), {}, Calendar(timezone="UTC"), ""
        self._judge = HouseJudge(recognise.Recogniser.shipped(), 0.90, 0.30, "en", "")
        try:
            settings = load(directory)
        except SetupError:
            if (directory / "followupd.toml").exists():
                raise
            return
        from followupd.wiring import taught_judge_of

        self.ours = Ours(
            addresses=settings.addresses, agents=frozenset(agent.email.lower() for agent in settings.team.agents),
            groups=frozenset(group for mailbox in settings.mailboxes for group in mailbox.groups),
            authserv=frozenset(name for mailbox in settings.mailboxes for name in mailbox.trusted),
        )  # fmt: skip
        self._playbooks, self._calendar = dict(settings.playbooks), settings.calendar
        self._currency, self._judge = settings.company.currency, taught_judge_of(settings)

    def view(self, name: object, found: Message | str) -> dict[str, Any]:
        """Return one line of `read --json`, under the name it came with; one that cannot be read carries the reason as error."""
        error = found if isinstance(found, str) else ""
        if isinstance(found, str):
            found = Message(kind=Kind.CUSTOMER, because="cannot be read")
        verdict = self._judge.verdict(found) if found.kind is Kind.CUSTOMER and not error else _UNSCORED
        promises, grants = self._heard(found)
        return {
            "id": name, "kind": found.kind.value, "because": found.because, "from": found.sender.address,
            "subject": found.subject, "text": found.text,
            "complaint": {
                "verdict": verdict.verdict, "score": round(verdict.score, 4),
                "evidence": [[words, round(weight, 2)] for words, weight in verdict.evidence],
                "because": verdict.because,
            },
            "playbook": self._judge.playbook(found, verdict, self._playbooks).name if self._playbooks else "default",
            "promises": promises, "compensation": grants, "no_answer": found.no_answer or None,
            "doubtful": list(found.doubtful), "by_hand": found.by_hand or None, "error": error or None,
        }  # fmt: skip

    def _heard(self, message: Message) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Read what the mail would promise if an agent had written it."""
        if message.kind not in {Kind.AGENT, Kind.CUSTOMER}:
            return [], []
        promises, grants = promise.hear(
            message.text, said_at=message.sent_at or clock.now(), calendar=self._calendar,
            language=self._judge.language(message) or self._judge.default_language, doubtful=message.doubtful,
            currency=self._currency,
        )  # fmt: skip
        return [
            {"text": p.text, "due": moment(p.due), "kind": p.kind.value, "past": p.past, "words": list(p.words)}
            for p in promises
        ], [
            {
                "kind": g.kind, "amount": g.amount or None, "currency": (g.currency or self._currency or None) if g.amount else None,
                "text": g.text, "past": g.past, "words": list(g.words),
            }
            for g in grants
        ]  # fmt: skip
