"""Train what customers want, for four languages: `python -m benchmarks.train_wishes [--write]`.

Deterministic. Needs numpy and scipy (nothing of them is needed at run time). The complaints are those of
`benchmarks/texts/mails`. In the rounds of LABELLED each wish has its sentence; of all others it is known only that
one of the sentences has it, and the fit finds out which. `benchmarks/texts/wishes` has the textbook's wishes
(`plain.tsv`) and those in the verbs of a trade (`said.tsv`): a language, wishes ("-" for none), a sentence. The limit is
found by models that did not see a mail. The rounds in KEPT teach nothing. Without `--write` it only prints.
"""

import argparse
import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.train_mails import MAILS, TOP
from followupd.languages.schema import AskedFor
from followupd.text.complaints.assessment import Line, line_groups, mail_groups, wish_lines
from followupd.text.complaints.cues import shipped_lexicon

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
minimize: Any = import_module("scipy.optimize").minimize

SENTENCES = TOP / "benchmarks" / "texts" / "wishes"
WEIGHTS = TOP / "followupd" / "languages" / "wish_weights.json"
WISHES = tuple(AskedFor.model_fields)
#: rounds that measure
KEPT = ("10", "16", "18", "24", "31", "32", "35")
#: rounds in which each wish has its sentence; and others by strangers, on which the limit is found, too
LABELLED, STRANGERS = ("25", "33"), ("26", "27", "28", "29", "30")
#: the round of single wishes, and what a mail tells before one
TEXTBOOK = "plain"
BEFORE = {
    "en": "The lamp is broken.",
    "de": "Die Lampe ist kaputt.",
    "fr": "La lampe est cassée.",
    "es": "La lámpara está rota.",
}
#: n-grams and signs fall into 2 ** BITS places
BITS = 16
#: how far the weights of all wishes together, and those of one beside them, may go
SHARED, OWN = 24.0, 4.0
#: what a mail counts whose wishes have no sentences, and a single wish; wishes that are in no sentence
UNPLACED, SIMPLE, UNSAID = 0.6, 0.5, 0.05
#: steps of a fit, steps each way in which a weight is written, and parts of those rounds that are held out
STEPS, LEVELS, FOLDS = 40, 31, 4
#: the precision at the limit, and others of which the recall is printed
PRECISION = 0.92
PRECISIONS = (PRECISION, 0.88, 0.85, 0.8, 0.75, 0.7)


@dataclass(frozen=True)
class Complaint:
    """A complaint, its sentences, and the wishes of the mail and of each sentence."""

    language: str
    round: str
    subject: str
    lines: Sequence[Line]
    wants: frozenset[str]
    wishes: Sequence[frozenset[str]]


def complaints() -> list[Complaint]:
    """Return all complaints, by language and round."""
    found = []
    for path in sorted(MAILS.glob("*/round-*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found += [_complaint(path, row) for row in rows if row["label"] == "complaint"]
    return [*found, *_textbook()]


def _textbook() -> list[Complaint]:
    """Return single wishes, each alone and behind what went wrong."""
    found = []
    for row in "".join(path.read_text("utf-8") for path in sorted(SENTENCES.glob("*.tsv"))).splitlines():
        language, wanted, sentence = row.split("\t")
        wants = frozenset(wanted.split("+")) - {"-"}
        for body in (sentence, f"{BEFORE[language]} {sentence}"):
            lines = wish_lines(body, language, shipped_lexicon())
            wishes = [wants if line.sentence in sentence else frozenset() for line in lines]
            found.append(Complaint(language, TEXTBOOK, "", lines, wants, wishes))
    return found


def _complaint(path: Path, row: dict[str, Any]) -> Complaint:
    """Return one complaint of a file."""
    language, number = path.parent.name, path.stem.removeprefix("round-")
    lines = wish_lines(row["body"], language, shipped_lexicon())
    said = [(one["wish"], " ".join(one["text"].split())) for one in row.get("wishes", ())]
    wishes = [
        frozenset(wish for wish, text in said if line.sentence in text or text in line.sentence)
        for line in lines
    ]
    return Complaint(language, number, row["subject"], lines, frozenset(row["wants"]), wishes)


@dataclass(frozen=True)
class Table:
    """The sentences of complaints as a matrix, and what is known of them.

    `mail` has the complaint of each sentence; `told` says of each complaint whether its wishes are known by sentence,
    `weight` what it counts.
    """

    matrix: Any
    mail: Any
    wishes: Any
    wants: Any
    told: Any
    weight: Any

    @classmethod
    def of(cls, mails: Sequence[Complaint]) -> "Table":
        """Read complaints."""
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for mail in mails:
            whole = mail_groups(mail.lines, mail.subject, BITS)
            for at in range(len(mail.lines)):
                for counts, group in [*whole, *line_groups(mail.lines, at, BITS)]:
                    columns += group
                    values += [counts] * len(group)
                starts.append(len(columns))
        matrix = sparse.csr_matrix(
            (np.array(values, "float32"), columns, starts), shape=(len(starts) - 1, 1 << BITS)
        )
        matrix.sum_duplicates()
        return cls(
            matrix,
            np.array([number for number, mail in enumerate(mails) for _ in mail.lines]),
            _flags([wishes for mail in mails for wishes in mail.wishes]),
            _flags([mail.wants for mail in mails]),
            np.array([mail.round in {*LABELLED, TEXTBOOK} for mail in mails]),
            np.array([_weight(mail) for mail in mails]),
        )

    def part(self, mails: Any) -> "Table":
        """Return the table of some complaints, whose numbers rise."""
        rows = np.isin(self.mail, mails)
        own = np.searchsorted(mails, self.mail[rows])
        return Table(
            self.matrix[rows],
            own,
            self.wishes[rows],
            self.wants[mails],
            self.told[mails],
            self.weight[mails],
        )

    def best(self, scores: Any) -> Any:
        """Return the highest score of each wish in each complaint."""
        found = np.full(self.wants.shape, -30.0)
        np.maximum.at(found, self.mail, scores)
        return found


def _weight(mail: Complaint) -> float:
    """Return what a complaint counts."""
    if mail.round == TEXTBOOK:
        return SIMPLE
    return 1.0 if mail.round in LABELLED else UNPLACED


def _flags(rows: Sequence[frozenset[str]]) -> Any:
    """Return a matrix that says of each row which wishes it has."""
    return np.array([[wish in row for wish in WISHES] for row in rows], float)


def fitted(table: Table, steps: int = STEPS) -> tuple[Any, Any]:
    """Fit all wishes: logistic regressions of sentences whose weights share a part.

    A sentence of a labelled mail has its wishes and no others. Of another mail at least one sentence has each wish,
    but for a share that is not said in words (UNSAID), and none has what it does not want.

    Returns:
        The weights by place and wish, and where each wish begins.
    """
    wide, classes = table.matrix.shape[1], len(WISHES)
    by_mail = sparse.csr_matrix((np.ones(len(table.mail)), (table.mail, np.arange(len(table.mail)))))
    turned = table.matrix.T.tocsr()
    told = table.told[table.mail][:, None]
    wanted = table.wants > 0
    weight = table.weight[:, None]

    def loss(point: Any) -> tuple[float, Any]:
        parts = point.reshape(wide + 1, classes + 1)
        shared, own, start = parts[:-1, :1], parts[:-1, 1:], parts[-1, 1:]
        scores = (table.matrix @ (shared + own).astype("float32")).astype(float) + start
        chance, none = 1 / (1 + np.exp(-scores)), np.logaddexp(0, scores)
        lost = (told * weight[table.mail] * (none - table.wishes * scores)).sum()

        without = -(by_mail @ none)
        unsaid = (1 - UNSAID) * np.exp(np.minimum(without, -1e-9))
        of_mails = weight * np.where(wanted, -np.log1p(-unsaid), -without) * ~table.told[:, None]
        lost += of_mails.sum() + (own**2).sum() / (2 * OWN) + (shared**2).sum() / (2 * SHARED)

        pull = np.where(wanted, -unsaid / (1 - unsaid), 1.0)
        error = weight[table.mail] * np.where(told, chance - table.wishes, pull[table.mail] * chance)
        slope = (turned @ error.astype("float32")).astype(float)
        found = np.zeros_like(parts)
        found[:-1, 1:] = slope + own / OWN
        found[:-1, :1] = slope.sum(axis=1, keepdims=True) + shared / SHARED
        found[-1, 1:] = error.sum(axis=0)
        return lost, found.ravel()

    start = np.zeros((wide + 1, classes + 1))
    start[-1, 1:] = -3.0
    options = {"maxiter": steps, "maxcor": 6}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x
    parts = found.reshape(wide + 1, classes + 1)
    return parts[:-1, :1] + parts[:-1, 1:], parts[-1, 1:]


def report(name: str, scores: Any, wants: Any) -> None:
    """Print the recall at several precisions, each with the limit that gives it."""
    order = np.argsort(-scores.ravel())
    right = np.cumsum(wants.ravel()[order])
    precision = right / np.arange(1, len(order) + 1)
    line = f"{name:8} {int(wants.sum()):5}"
    for least in PRECISIONS:
        fit = np.where(precision >= least)[0]
        at = fit.max() if len(fit) else 0
        line += f"  {least}: {right[at] / wants.sum():.2f} ({scores.ravel()[order[at]]:.2f})"
    print(line, flush=True)


def held_out(mails: Sequence[Complaint], table: Table) -> tuple[Any, Any]:
    """Return the rounds by strangers, and the scores of models that did not see a part of them."""
    rounds = np.array([mail.round for mail in mails])
    known = np.where(np.isin(rounds, (*LABELLED, *STRANGERS)))[0]
    teach = np.where(~np.isin(rounds, KEPT))[0]
    folds = np.random.RandomState(0).permutation(len(known)) % FOLDS
    scores = np.zeros((len(known), len(WISHES)))
    for fold in range(FOLDS):
        held = known[folds == fold]
        weights, start = fitted(table.part(np.setdiff1d(teach, held)))
        part = table.part(held)
        scores[folds == fold] = part.best(part.matrix @ weights + start)
    return known, scores


def limit(scores: Any, wants: Any) -> float:
    """Return the score from which wishes are suggested: all above it together are right at PRECISION.

    Limits of each wish, by regressions over scores, find no more.
    """
    order = np.argsort(-scores.ravel())
    right = np.cumsum(wants.ravel()[order]) / np.arange(1, len(order) + 1)
    return float(scores.ravel()[order[np.where(right >= PRECISION)[0].max()]])


def measure(mails: Sequence[Complaint], known: Any, scores: Any, wants: Any) -> None:
    """Print how well wishes are found, by scores above the limit."""
    report("held out", scores, wants)
    rounds = np.array([mails[number].round for number in known])
    for name in sorted(set(rounds)):
        own = rounds == name
        found = scores[own] > 0
        both = (found * wants[own]).sum()
        print(f"round {name}: right {both / found.sum():.2f}, found {both / wants[own].sum():.2f}")
    for number, wish in enumerate(WISHES):
        report(wish[:8], scores[:, [number]], wants[:, [number]])


def packed(weights: Any, start: float) -> dict[str, Any]:
    """Return the weights of one wish as the file has them, in LEVELS steps each way."""
    step = float(np.abs(weights).max()) / LEVELS
    whole = np.rint(weights / step).astype("int8")
    return {
        "bias": round(float(start), 4),
        "step": round(step, 6),
        "signs": {},
        "weights": base64.b85encode(zlib.compress(whole.tobytes(), 9)).decode(),
    }


def main() -> int:
    """Find the limit, print what it brings, and write the weights of all rounds but the kept ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    mails = complaints()
    table = Table.of(mails)
    known, scores = held_out(mails, table)
    least = limit(scores, table.wants[known])
    measure(mails, known, scores - least, table.wants[known])
    if options.write:
        weights, starts = fitted(table.part(np.where([mail.round not in KEPT for mail in mails])[0]))
        starts = starts - least
        classes = {wish: packed(weights[:, at], starts[at]) for at, wish in enumerate(WISHES)}
        WEIGHTS.write_text(json.dumps({"bits": BITS, "classes": classes}, indent=1) + "\n", "utf-8")
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
