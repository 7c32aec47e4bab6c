"""Train the classes of agents' sentences and cross-validate by round: `python -m benchmarks.train_promises [--write]`.

Deterministic. Needs numpy, scipy and scikit-learn (nothing of them is needed at run time). The sentences are in
`benchmarks/texts/promises/<language>/round-NN.tsv`: labels joined by "+", a tab, the sentence. They were written blind, in
rounds; the rounds in KEPT are never trained on and measure. Without `--write` it only prints.
"""

import argparse
import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from followupd.languages import catalogue
from followupd.text.ngrams import BITS, ngrams, places, tokens
from followupd.text.promises.sentences import sentences
from followupd.text.promises.signs import signs_of

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression
roc_auc_score: Any = import_module("sklearn.metrics").roc_auc_score

TOP = Path(__file__).resolve().parents[1]
SENTENCES = TOP / "benchmarks" / "texts" / "promises"
EARLIER = TOP / "tests" / "story" / "promises"
WEIGHTS = TOP / "followupd" / "languages" / "promise_weights.json"
CLASSES = ("commits", "grants", "done", "conditional", "attends", "none")
#: rounds that measure
KEPT = ("09", "10")
STRENGTH = 60.0
SIGN_WEIGHT = 0.2


@dataclass(frozen=True)
class Labelled:
    """One sentence of a round, with its labels."""

    language: str
    round: str
    labels: frozenset[str]
    text: str
    #: the classes of which it is known whether the sentence belongs to them
    known: frozenset[str] = frozenset(CLASSES)


def read_all() -> list[Labelled]:
    """Return all sentences, by language and round."""
    found = []
    for path in sorted(SENTENCES.glob("*/round-*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            labels, tab, text = line.partition("\t")
            if tab:
                number = path.stem.removeprefix("round-")
                found.append(Labelled(path.parent.name, number, frozenset(labels.split("+")), text))
    return found


def read_replies() -> list[Labelled]:
    """Return the sentences of the whole replies that may be learnt from, by what was labelled in the reply.

    It is known which of them promise; what gives something is known only where a reply gives nothing.
    """
    found = []
    for path in sorted(SENTENCES.glob("*/replies-A.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            found += _sentences_of(json.loads(line))
    return found


def _sentences_of(reply: dict[str, Any]) -> list[Labelled]:
    """Return the sentences of one reply, without those that its writer calls unsure."""
    known = {"commits"} if reply["compensation"] else {"commits", "grants"}
    rows = []
    for text in sentences(reply["text"], catalogue()):
        if any(text[:20] in unsure or unsure[:20] in text for unsure in reply["unsure"]):
            continue
        promises = any(re.search(one["word"], text, re.IGNORECASE) for one in reply["promises"])
        labels = frozenset({"commits"} if promises else ())
        rows.append(Labelled(reply["lang"], f"reply {reply['id']}", labels, text, frozenset(known)))
    return rows


def read_earlier() -> list[Labelled]:
    """Return the sentences by which the patterns were once written; undated firm ones were labelled otherwise."""
    found = []
    for path in sorted(EARLIER.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            coming = [one for one in row["promises"] if not one["past"]]
            if any(not one["due"] and one["kind"] == "firm" for one in coming):
                continue
            labels = {"commits"} if coming else set()
            if row["grants"]:
                labels.add("grants")
            known = {"commits"} if not labels or coming else set()
            if all(one["kind"] not in {"replacement", "free-shipping"} for one in row["grants"]):
                known.add("grants")
            found.append(
                Labelled(row["language"], "earlier", frozenset(labels), row["text"], frozenset(known))
            )
    return found


class Table:
    """The features of sentences as a sparse matrix."""

    def __init__(self, rows: Sequence[Labelled], names: Sequence[str]) -> None:
        columns, starts, values = [], [0], []
        number = {name: (1 << BITS) + n for n, name in enumerate(names)}
        for row in rows:
            at = places(ngrams(tokens(row.text)))
            seen = [
                number[sign]
                for sign in signs_of(row.text, catalogue().language(row.language))
                if sign in number
            ]
            columns += at + seen
            values += [len(at) ** -0.5] * len(at) + [SIGN_WEIGHT] * len(seen)
            starts.append(len(columns))
        self.matrix = sparse.csr_matrix(
            (values, columns, starts), shape=(len(rows), (1 << BITS) + len(names))
        )
        self.matrix.sum_duplicates()


def sign_names(rows: Sequence[Labelled]) -> list[str]:
    """Return the names of all signs that occur."""
    return sorted({sign for row in rows for sign in signs_of(row.text, catalogue().language(row.language))})


def fitted(table: Any, rows: Sequence[Labelled], name: str) -> Any:
    """Fit one class by the sentences of which it is known whether they belong to it."""
    known = np.array([name in row.known for row in rows])
    wanted = np.array([name in row.labels for row in rows])
    model = LogisticRegression(C=STRENGTH, max_iter=1000, solver="liblinear", random_state=0)
    return model.fit(table[known], wanted[known])


def report(name: str, wanted: Any, scores: Any) -> str:
    """Describe how well scores order the sentences of one class."""
    order = np.argsort(-scores)
    right = np.cumsum(wanted[order])
    precision, recall = right / np.arange(1, len(order) + 1), right / wanted.sum()

    def recall_at(least: float) -> float:
        fit = np.where(precision >= least)[0]
        return float(recall[fit.max()]) if len(fit) else 0.0

    auc = roc_auc_score(wanted, scores)
    at97 = precision[np.where(recall >= 0.97)[0][0]]
    return f"{name:12} n={wanted.sum():5} AUC {auc:.3f}  R at P .95 {recall_at(0.95):.2f}, .9 {recall_at(0.9):.2f}  P at R .97 {at97:.2f}"


def measure(rows: Sequence[Labelled], names: Sequence[str], held: Sequence[str]) -> None:
    """Train without these rounds, and print how well they are read."""
    train = [row for row in rows if row.round not in held and row.round not in KEPT]
    train += read_replies() + read_earlier()
    test = [row for row in rows if row.round in held]
    before, after = Table(train, names).matrix, Table(test, names).matrix
    print(f"rounds {', '.join(held)}: {len(train)} sentences teach, {len(test)} measure")
    for name in CLASSES:
        scores = fitted(before, train, name).decision_function(after)
        print("  " + report(name, np.array([name in row.labels for row in test]), scores))


def packed(model: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return one class as the file has it: weights in 127 steps each way."""
    weights = model.coef_[0]
    grams, signs = weights[: 1 << BITS], weights[1 << BITS :]
    step = float(np.abs(grams).max()) / 127
    whole = np.rint(grams / step).astype("int8")
    return {
        "bias": round(float(model.intercept_[0]), 4),
        "step": round(step, 6),
        "signs": {
            name: round(float(weight) * SIGN_WEIGHT, 3) for name, weight in zip(names, signs, strict=True)
        },
        "weights": base64.b85encode(zlib.compress(whole.tobytes(), 9)).decode(),
    }


def write(rows: Sequence[Labelled], names: Sequence[str]) -> None:
    """Train on all rounds but the kept ones, and write the weights."""
    train = [row for row in rows if row.round not in KEPT] + read_replies() + read_earlier()
    table = Table(train, names).matrix
    classes = {name: packed(fitted(table, train, name), names) for name in CLASSES}
    languages = sorted({row.language for row in train})
    WEIGHTS.write_text(
        json.dumps({"bits": BITS, "languages": languages, "classes": classes}, indent=1) + "\n", "utf-8"
    )
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB of {len(train)} sentences")


def main() -> int:
    """Cross-validate by round, then measure the kept rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--rounds", default="02,05", help="rounds that measure one after the other")
    options = parser.parse_args()
    rows = read_all()
    names = sign_names(rows)
    for held in options.rounds.split(","):
        measure(rows, names, [held])
    if any(row.round in KEPT for row in rows):
        measure(rows, names, KEPT)
    if options.write:
        write(rows, names)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
