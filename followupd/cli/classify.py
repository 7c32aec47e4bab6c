"""read, learn: show how a mail is classified, and train the classifier on agents' decisions."""

import argparse
import json
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from followupd import clock
from followupd.cli.main import DONE, PROBLEMS, CommandParsers, with_app
from followupd.cli.output import print_error, print_json, print_table, with_progress
from followupd.clock import utc_iso
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity, Kind, Message, Verdict
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Found, FoundCompensation, FoundPromise
from followupd.errors import SetupError
from followupd.languages import read_catalogue
from followupd.log import printable
from followupd.services.classifier import ComplaintClassifier
from followupd.text import complaints, promises
from followupd.text.mail.read import read, read_plain

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings
    from followupd.app.container import App
    from followupd.text.complaints import Learned, Tagged

#: a mail that was not written by a customer is not scored (docs/recognising.md, rule 1)
_NOT_SCORED = Verdict("no", 0.0)
#: thresholds of the classifier where there is no configuration
_AUTO, _ASK = 0.90, 0.30
_SHOWN_LINES = 40
#: names of the classifier's features -> how they are printed
_FEATURES = {
    "!": "exclamation marks",
    "?": "question mark",
    "CAPITALS": "words in capitals",
    "it speaks to us": "addresses the company",
    "tone": "tone of the text",
}


def add(commands: CommandParsers) -> None:
    """Add the parsers of read and learn."""
    read = commands.add("read")
    read.add_argument(
        "files", metavar="FILE", nargs="+", help="a mail; - reads JSON lines or one mail from standard input"
    )
    read.set_defaults(do=_read, many="files")

    learn = commands.add("learn")
    learn.add_argument("--dry-run", action="store_true", help="only print what would change")
    learn.set_defaults(do=_learn)


# --- read ---


class MailClassifier:
    """Parse and classify mails as the daemon does.

    Without a configuration, the shipped classifier and an empty identity are used, so that `followupd read`
    works anywhere.
    """

    def __init__(self, directory: Path) -> None:
        self.identity = Identity()
        self._playbooks: Mapping[str, Playbook] = {}
        self._calendar = Calendar(timezone="UTC")
        self._currency = ""
        self._languages = read_catalogue(directory)
        self._classifier = ComplaintClassifier(complaints.Recogniser.shipped(), _AUTO, _ASK, "en", "")
        if settings := settings_if_any(directory):
            self._use(settings)

    def _use(self, settings: "Settings") -> None:
        """Take identity, playbooks, calendar and the trained classifier from a configuration."""
        from followupd.app.container import identity_of, trained_classifier_of

        self.identity = identity_of(settings)
        self._playbooks = dict(settings.playbooks)
        self._calendar = settings.calendar
        self._currency = settings.company.currency
        self._classifier = trained_classifier_of(settings)

    def view(self, name: object, parsed: Message | str) -> dict[str, Any]:
        """Return the JSON of one mail.

        Args:
            name: the path or id that the mail came with.
            parsed: the mail, or the reason why it could not be parsed.
        """
        if isinstance(parsed, str):
            error, message = parsed, Message(kind=Kind.CUSTOMER, because="cannot be read")
        else:
            error, message = "", self._classifier.heard(parsed)

        scored = message.kind is Kind.CUSTOMER and not error
        verdict = self._classifier.verdict(message) if scored else _NOT_SCORED
        found = self._commitments(message)

        return {
            "id": name,
            "kind": message.kind.value,
            "because": message.because,
            "from": message.sender.address,
            "subject": message.subject,
            "text": message.text,
            "complaint": {
                "verdict": verdict.verdict,
                "score": round(verdict.score, 4),
                "evidence": [[words, round(weight, 2)] for words, weight in verdict.evidence],
                "because": verdict.because,
            },
            **self._assessed(message, verdict),
            "playbook": self._playbook(message, verdict),
            "promises": list(map(_promise_view, found.promises)),
            "compensation": list(map(self._grant_view, found.compensation)),
            "unsure": list(found.unsure),
            "no_answer": message.no_answer or None,
            "doubtful": list(message.doubtful),
            "by_hand": message.by_hand or None,
            "error": error or None,
        }

    def _assessed(self, message: Message, verdict: Verdict) -> dict[str, Any]:
        """Return how severe a complaint is, and its wishes with their sentences, as JSON."""
        if verdict.verdict == "no":
            return {"severity": None, "wants": []}
        wants = self._classifier.wants(message)
        return {
            "severity": self._classifier.severity(message, verdict, open_case=False),
            "wants": [{"wish": want.wish, "sentence": want.sentence} for want in wants],
        }

    def _playbook(self, message: Message, verdict: Verdict) -> str:
        """Return the name of the playbook that a case of this mail would get."""
        if not self._playbooks:
            return "default"
        return self._classifier.playbook(message, verdict, self._playbooks).name

    def _commitments(self, message: Message) -> Found:
        """Return what the mail would promise and give if an agent had written it."""
        if message.kind not in {Kind.AGENT, Kind.CUSTOMER}:
            return Found()
        language = self._classifier.language(message) or self._classifier.default_language
        return promises.find_commitments(
            message.text,
            sent_at=message.sent_at or clock.now(),
            calendar=self._calendar,
            language=self._languages.language(language),
            doubtful=message.doubtful,
            currency=self._currency,
        )

    def _grant_view(self, grant: FoundCompensation) -> dict[str, Any]:
        """Return a compensation that was found in the text as JSON."""
        currency = grant.currency or self._currency or None
        return {
            "kind": grant.kind,
            "amount": grant.amount or None,
            "currency": currency if grant.amount else None,
            "text": grant.text,
            "past": grant.past,
            "words": list(grant.words),
        }


def settings_if_any(directory: Path) -> "Settings | None":
    """Load the configuration; None if there is none.

    Raises:
        SetupError: there is one, and it has problems.
    """
    from followupd.adapters.settings import load

    try:
        return load(directory)
    except SetupError:
        if (directory / "followupd.toml").exists():
            raise
        return None


def _promise_view(promise: FoundPromise) -> dict[str, Any]:
    """Return a promise that was found in the text as JSON."""
    return {
        "text": promise.text,
        "due": utc_iso(promise.due),
        "kind": promise.kind.value,
        "relation": promise.relation.value,
        "since": utc_iso(promise.since),
        "past": promise.past,
        "words": list(promise.words),
    }


def _read(options: argparse.Namespace) -> int:
    """Classify mails and print each result."""
    classifier = MailClassifier(options.config)
    exit_code = DONE
    for name, parsed in _mails(options.files, classifier.identity):
        view = classifier.view(name, parsed)
        if view["error"]:
            exit_code = PROBLEMS
        if options.json:
            print_json(view, indent=None)
        else:
            _print_mail(view)

    return exit_code


def _mails(names: list[str], identity: Identity) -> Iterator[tuple[Any, Message | str]]:
    """Read and parse mails, in their order.

    Yields:
        The name of each mail, and the mail or the reason why it cannot be read.
    """
    for name in names:
        if name == "-":
            yield from _standard_input(identity)
            continue
        try:
            yield name, _parse(Path(name).read_bytes(), identity)
        except OSError as error:
            yield name, f"cannot be opened: {error.strerror}"


def _standard_input(identity: Identity) -> Iterator[tuple[Any, Message | str]]:
    """Yield what standard input has: JSON lines, or one mail."""
    raw = sys.stdin.buffer.read().removeprefix(BOM_UTF8)
    if not raw.strip():
        yield "-", "nothing was given"
        return
    if not raw.lstrip().startswith(b"{"):
        yield "-", _parse(raw, identity)
        return

    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            yield _parse_json(line, number, identity)


def _parse_json(line: bytes, number: int, identity: Identity) -> tuple[Any, Message | str]:
    """Parse one JSON line; return its id and the mail, or the reason why it has none.

    Args:
        line: a JSON object with `subject`, `body` and `headers`, each of which may be missing, and an `id`.
        number: the number of the line, from 1 on; it is the id where there is none.
        identity: whose mailbox it would have come to.
    """
    try:
        row = json.loads(line)
        name = row.get("id", f"line {number}")
    except (ValueError, AttributeError) as error:
        return f"line {number}", f"is no JSON object: {error}"

    subject, body = str(row.get("subject") or ""), str(row.get("body") or "")
    try:
        headers = {str(key): str(value) for key, value in (row.get("headers") or {}).items()}
        return name, read_plain(subject, body, headers, identity)
    except Exception as error:  # noqa: BLE001  one bad line does not stop the others
        return name, f"{type(error).__name__}: {error}"


def _parse(raw: bytes, identity: Identity) -> Message | str:
    """Parse the raw bytes of a mail; return the reason if that fails."""
    try:
        return read(raw, identity, received_at=clock.now())
    except Exception as error:  # noqa: BLE001  the daemon would quarantine the mail for this reason
        return str(error)


def _print_mail(view: dict[str, Any]) -> None:
    """Print the classification of one mail for people."""
    print(printable(str(view["id"])))
    if view["error"]:
        print_error(f"  cannot be read: {view['error']}")
        return

    reason = view["because"].removeprefix(f"{view['kind']}: ")
    print(f"  {view['kind']}: {printable(reason)}")
    print(f"  from {printable(view['from'])}, subject {printable(view['subject'])!r}")
    if view["kind"] == Kind.CUSTOMER:
        _print_verdict(view["complaint"], view["playbook"])

    for promise in view["promises"]:
        due = f"{promise['relation']} {promise['due']}" if promise["due"] else "no date"
        print(f"  promises: {printable(promise['text'])}, {promise['kind']}, {due}{_reason(promise)}")

    for grant in view["compensation"]:
        parts = (grant["kind"], grant["amount"], grant["currency"])
        print(f"  gives: {' '.join(filter(None, parts))}{_reason(grant)}")

    for sentence in view["unsure"]:
        print(f"  to be asked: {printable(sentence)}")

    if view["no_answer"]:
        print(f"  not answered automatically: {printable(view['no_answer'])}")
    for line in view["text"].splitlines()[:_SHOWN_LINES]:
        print(f"    | {printable(line)}")


def _print_verdict(complaint: dict[str, Any], playbook: str) -> None:
    """Print whether it is a complaint, and the features that count, the strongest first."""
    print(f"  {complaint['verdict']} (score {complaint['score']:.2f}), playbook {playbook}")
    rows = [(f"{weight:+.1f}", feature_text(name)) for name, weight in complaint["evidence"]]
    print_table(rows, indent="    ")


def feature_text(name: str) -> str:
    """Return what an agent is shown for a feature of the classifier.

    A feature is a phrase of the mail, in which "?" stands for a question mark, or has a name of its own.
    """
    if name in _FEATURES:
        return _FEATURES[name]
    if name.startswith("tone: "):
        return f"negative words: {name.removeprefix('tone: ')}"
    return re.sub(r"(^| )\?($| )", r"\1(question mark)\2", name)


def _reason(found: dict[str, Any]) -> str:
    """Return the words that led to a promise or compensation."""
    words = printable(" ... ".join(found["words"]))
    return f" (because of: {words})" if words else ""


# --- learn ---


@with_app
def _learn(options: argparse.Namespace, app: "App") -> int:
    """Train the classifier and print the changes."""
    learned, tagged = app.training.learn(
        clock.now(), keep=not options.dry_run, counted=partial(with_progress, doing="Learning")
    )
    view = _learned_view(learned, tagged, dry_run=options.dry_run)

    if options.json:
        print_json(view)
    else:
        _print_learned(view)

    return DONE


def _learned_view(learned: "Learned", tagged: "list[Tagged]", *, dry_run: bool) -> dict[str, Any]:
    """Return the result of a training as JSON."""
    from followupd.text.complaints.learning import FEWEST, FEWEST_OF_A_KIND

    complaint_count = sum(tag.complaint for tag in tagged)
    other_count = len(tagged) - complaint_count
    missing = (FEWEST - len(tagged), FEWEST_OF_A_KIND - complaint_count, FEWEST_OF_A_KIND - other_count)

    return {
        "decisions": len(tagged),
        "complaints": complaint_count,
        "others": other_count,
        "missing": max(0, *missing),
        "learned": bool(learned.delta) and not dry_run,
        "up": list(map(list, learned.up)),
        "down": list(map(list, learned.down)),
        "held_back": learned.held_back,
        "precision": learned.precision,
        "recall": learned.recall,
        "because": learned.because,
    }


def _print_learned(view: dict[str, Any]) -> None:
    """Print the result of a training for people."""
    print(
        f"{view['decisions']} decisions of agents: {view['complaints']} complaints, {view['others']} others."
    )
    if view["missing"]:
        print(f"Not trained: {view['because']}. At least {view['missing']} more are needed.")
        return

    for side, direction in (("up", "more"), ("down", "less")):
        if view[side]:
            weights = ", ".join(
                f"{printable(feature_text(name))} {weight:+.2f}" for name, weight in view[side]
            )
            print(f"  {direction} likely a complaint: {weights}")

    shares = [f"{name} {view[name]:.0%}" for name in ("precision", "recall") if view[name] is not None]
    if shares:
        print(f"  {', '.join(shares)} of suspected complaints, on {view['held_back']} decisions held back")
    print("Trained." if view["learned"] else f"Nothing changed: {view['because']}.")
