"""Train the second stage of the recogniser, for four languages: `python -m benchmarks.train_mails [--write]`.

Deterministic. Needs numpy, scipy and scikit-learn (nothing of them is needed at run time). The mails are in
`benchmarks/texts/mails/<language>/round-NN.jsonl`, written blind, in rounds; the rounds in KEPT are never trained on and
measure. The English texts of `train_recogniser` are learned beside them. Without `--write` it only prints.
"""

import argparse
import base64
import json
import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import train_recogniser
from followupd.text.complaints.cues import AGAINST, FOR, shipped_lexicon
from followupd.text.complaints.features import (
    MEANT,
    Features,
    second_places,
    second_signs,
    second_words,
    strong_phrases,
    strong_words,
    weigh,
)
from followupd.text.complaints.recogniser import Recogniser, limit
from followupd.text.ngrams import places, tokens

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
minimize: Any = import_module("scipy.optimize").minimize
roc_auc_score: Any = import_module("sklearn.metrics").roc_auc_score
f1_score: Any = import_module("sklearn.metrics").f1_score

TOP = Path(__file__).resolve().parents[1]
MAILS = TOP / "benchmarks" / "texts" / "mails"
WEIGHTS = TOP / "followupd" / "languages" / "mail_weights.json"
#: rounds that measure, and four that teach wishes only
KEPT = ("10", "16", "18", "24", "29", "30", "31", "32", "33", "34", "35")
#: rounds in the mix of a mailbox; the others are half traps
NATURAL = ("07", "08", "11", "12", "14", "15")
Bounds = Sequence[tuple[float | None, float | None]]
LANGUAGES = ("en", "de", "fr", "es")
#: n-grams fall into 2 ** BITS places
BITS = 17
#: the same for what is told of a mail beside its score
CIRCUMSTANCE_BITS = 15
#: how many signs there may be, and how many of these are no meanings; places and signs together
SIGNS, PLAIN_SIGNS = 4_000, 100
WIDTH = (1 << BITS) + SIGNS
#: how many mails of each kind an n-gram is taken to have been in, and how much those that tell more count for more
UNSEEN, TELLING = 1.0, 0.5
#: weights of signs that make no difference
LEAST_WEIGHT = 0.01
STRENGTH = 24.0
SIGN_WEIGHT = 0.3
#: rounds that are held out together, and steps of a fit without them and of the last one
TOGETHER, HELD_STEPS, STEPS = 4, 60, 120
#: what the English texts of other sources weigh together, as a share of the mails
ENGLISH_SHARE = 0.1
#: what a neutral report of a fault is worth as a complaint
REPORT = train_recogniser.TARGET["~"]
#: precision from which the machine may write by itself, and the thresholds of the settings for it and for asking
PRECISION, AUTO, ASK = 0.975, 0.90, 0.30
#: the same precision among mails of which half are traps
AMONG_TRAPS = 0.96


@dataclass(frozen=True)
class Mail:
    """A labelled text: its round ("" for other sources), its weight, and how much of a complaint it is.

    `severity` has the levels that careful people may choose, of a complaint; `danger` says whether somebody could be
    hurt, `threat` whether the law or the public is threatened with.
    """

    language: str
    round: str
    subject: str
    body: str
    weight: float
    complaint: float
    severity: Sequence[str] = ()
    danger: bool = False
    threat: bool = False


def own_mails() -> list[Mail]:
    """Return the mails that were written for this, by language and round."""
    found = []
    for path in sorted(MAILS.glob("*/round-*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            number = path.stem.removeprefix("round-")
            complaint = row["label"] == "complaint"
            levels = row["severity"].split("|") if complaint else []
            texts = (row["subject"], row["body"])
            found.append(Mail(path.parent.name, number, *texts, 1.0, float(complaint), levels, row["danger"]))
    return found


def english_texts() -> list[Mail]:
    """Return the texts of other sources, each source with its share."""
    cues = shipped_lexicon().cues("en")
    assert cues is not None
    rows = [row for row in train_recogniser.texts(cues) if row[0] not in train_recogniser.MEASURED_ONLY]
    count = Counter(source + mark for source, mark, _ in rows)
    found = []
    for source, mark, text in rows:
        share = train_recogniser.SHARE.get(source + mark)
        if share:
            complaint = REPORT if mark == "~" else float(mark == "+")
            found.append(Mail("en", "", "", text, share / count[source + mark], complaint))
    return found


class Reader:
    """Turns mails into rows of a matrix; the columns of signs grow while it learns.

    `limited` says of each row whether a limit keeps it from being a complaint, `strong` are the places of words and
    pairs of words in strong cues for a complaint.
    """

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}
        self.limited: list[bool] = []
        self.strong: set[int] = set()
        self._recogniser = Recogniser.shipped()

    def row(self, mail: Mail) -> tuple[list[int], Mapping[str, float]]:
        """Return the places of a mail's n-grams, and what the second stage is told beside them."""
        seen = self._recogniser.see(mail.subject, mail.body, mail.language)
        self.limited.append(limit(seen, has_cues=True, certain=True)[0] < 1)
        self.strong.update(places(_strong_grams(seen), BITS))
        reading = weigh(seen, self._recogniser.weights_for(mail.language), {})
        at = second_places(seen, second_words(seen), strong_words(seen), BITS)
        return sorted(at), second_signs(seen, reading.log_odds, mail.language)

    def bounds(self) -> list[tuple[float | None, float | None]]:
        """Return the bounds of each weight and of the start: no cue for a complaint speaks against one, or the other way round."""
        found: list[tuple[float | None, float | None]] = [(None, None)] * (WIDTH + 1)
        for at in self.strong:
            found[at] = (0.0, None)
        for name, at in self.columns.items():
            kind, _, group = name.partition(":")
            if name == "stage:first" or (kind == "cue" and group in FOR):
                found[at] = (0.0, None)
            elif kind == "cue" and group in AGAINST:
                found[at] = (None, 0.0)
        return found

    def matrix(self, mails: Sequence[Mail]) -> Any:
        """Return one row for each mail."""
        columns, starts, values = [], [0], []
        for mail in mails:
            at, signs = self.row(mail)
            columns += at
            values += [max(1, len(at)) ** -0.5] * len(at)
            for name, value in signs.items():
                columns.append(self._column(name))
                values.append(value * SIGN_WEIGHT)
            starts.append(len(columns))
        found = sparse.csr_matrix((np.array(values, "float32"), columns, starts), shape=(len(mails), WIDTH))
        found.sum_duplicates()
        return found

    def _column(self, name: str) -> int:
        """Return the column of a sign; those of meanings are behind the others."""
        if name not in self.columns:
            is_meaning = name.partition(":")[0] in MEANT
            known = sum((at >= (1 << BITS) + PLAIN_SIGNS) == is_meaning for at in self.columns.values())
            self.columns[name] = (1 << BITS) + known + PLAIN_SIGNS * is_meaning
        return self.columns[name]


def _strong_grams(seen: Features) -> list[str]:
    """Return the n-grams of the strong cues in a text: long words, and pairs."""
    pairs = [pair for phrase in strong_phrases(seen) for pair in pairwise(tokens(phrase))]
    return [*(f"w{word}" for word in strong_words(seen)), *(f"b{first} {second}" for first, second in pairs)]


@dataclass(frozen=True)
class Model:
    """Weights of the columns, and the score of a mail that has none of them."""

    weights: Any
    start: float

    def scores(self, matrix: Any) -> Any:
        """Return the log-odds of each row."""
        return matrix @ self.weights + self.start


def fitted(
    matrix: Any, mails: Sequence[Mail], rows: Sequence[int], bounds: Bounds, steps: int = STEPS
) -> Model:
    """Fit a logistic regression on some rows, within bounds.

    A text that is half a complaint counts as half of one. The texts of other sources weigh ENGLISH_SHARE of the
    mails together.
    """
    own = sum(mails[row].weight for row in rows if mails[row].round)
    others = sum(mails[row].weight for row in rows if not mails[row].round)
    factor = ENGLISH_SHARE * own / others
    weights = np.array([mails[row].weight * (1 if mails[row].round else factor) for row in rows])
    wanted = np.array([mails[row].complaint for row in rows])
    return regression(matrix[list(rows)], wanted, weights, bounds, steps)


def telling(matrix: Any, wanted: Any, weights: Any) -> Any:
    """Return how much each column counts: by how much oftener it is in mails of one kind.

    So says the log of a naive Bayes ratio (Wang and Manning 2012). Signs that are no meanings count as they are.

    Args:
        matrix: the mails to learn.
        wanted: how much of the kind each of them is.
        weights: of each of them.
    """
    found = np.ones(matrix.shape[1], "float32")
    grams = matrix.shape[1] - SIGNS
    for part in (slice(0, grams), slice(grams + PLAIN_SIGNS, None)):
        seen = matrix[:, part].sign()
        often, seldom = seen.T @ (weights * wanted) + UNSEEN, seen.T @ (weights * (1 - wanted)) + UNSEEN
        told = np.abs(np.log(often / often.sum() * seldom.sum() / seldom)) ** TELLING
        found[part] = told / np.sqrt((told**2).mean())
    return found


def regression(
    matrix: Any, wanted: Any, weights: Any, bounds: Bounds | None = None, steps: int = 60
) -> Model:
    """Fit a logistic regression of weighted rows, within bounds; what tells more may weigh more."""
    scale = telling(matrix, wanted, weights)
    matrix = (matrix @ sparse.diags(scale)).tocsr()
    turned = matrix.T.tocsr()

    def loss(point: Any) -> tuple[float, Any]:
        scores = matrix @ point[:-1].astype("float32") + point[-1]
        chance = 1 / (1 + np.exp(-scores))
        lost = weights @ (np.logaddexp(0, scores) - wanted * scores) + point[:-1] @ point[:-1] / (
            2 * STRENGTH
        )
        error = weights * (chance - wanted)
        slope = turned @ error.astype("float32") + point[:-1] / STRENGTH
        return lost, np.append(slope, error.sum())

    start = np.zeros(matrix.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps}).x
    return Model(found[:-1] * scale, float(found[-1]))


def circumstances(matrix: Any, mails: Sequence[Mail], rows: Sequence[int]) -> dict[str, Model]:
    """Fit danger and threats on mails, and how grave and how mild a complaint is on complaints.

    Args:
        matrix: of all mails.
        mails: as they are in the matrix.
        rows: of the mails to learn.
    """
    near = folded(matrix)
    found = {}
    for name in ("danger", "threat"):
        told = np.array([float(getattr(mails[row], name)) for row in rows])
        found[name] = regression(near[list(rows)], told, np.ones(len(rows)))
    own = [row for row in rows if mails[row].severity]
    for name, level in (("grave", "high"), ("mild", "low")):
        wanted = [float(level in mails[row].severity) / len(mails[row].severity) for row in own]
        found[name] = regression(near[own], np.array(wanted), np.ones(len(own)))
    return found


def folded(matrix: Any) -> Any:
    """Return the matrix with its places in a table of CIRCUMSTANCE_BITS, and the signs behind it as they are."""
    rows = matrix.tocoo()
    size, least = 1 << BITS, 1 << CIRCUMSTANCE_BITS
    columns = np.where(rows.col < size, rows.col % least, rows.col - size + least)
    found = sparse.csr_matrix((rows.data, (rows.row, columns)), shape=(matrix.shape[0], WIDTH - size + least))
    found.sum_duplicates()
    return found


def report(name: str, mails: Sequence[Mail], scores: Any) -> None:
    """Print how well the scores tell complaints."""
    clear = [number for number, mail in enumerate(mails) if mail.complaint in {0.0, 1.0}]
    wanted = np.array([mails[number].complaint == 1.0 for number in clear])
    scores = scores[clear]
    line = f"{name:10} n={len(clear):5} AUC {roc_auc_score(wanted, scores):.3f}  macro-F1 {best_f1(wanted, scores)[0]:.3f}"
    for language in LANGUAGES:
        own = np.array([mails[number].language == language for number in clear])
        if len(set(wanted[own])) > 1:
            line += f"  {language} {roc_auc_score(wanted[own], scores[own]):.3f}"
    print(line)


def best_f1(wanted: Any, scores: Any) -> tuple[float, float]:
    """Return the best macro-F1 and its threshold."""
    candidates = np.quantile(scores, np.linspace(0.05, 0.95, 91))
    return max((float(f1_score(wanted, scores > at, average="macro")), float(at)) for at in candidates)


def certain_from(wanted: Any, scores: Any, least: float) -> float:
    """Return the threshold above which at least this share of the texts are complaints."""
    order = np.argsort(-scores)
    precision = np.cumsum(wanted[order]) / np.arange(1, len(order) + 1)
    fit = np.where(precision >= least)[0]
    return float(scores[order[fit.max()]]) if len(fit) else float(scores.max())


def out_of_fold(matrix: Any, mails: Sequence[Mail], bounds: Bounds) -> Any:
    """Return the scores of models that have not seen the round of a mail, TOGETHER rounds at a time.

    Kept rounds are in none of them.
    """
    folds = sorted({mail.round for mail in mails if mail.round} - {*KEPT})
    folds = [" ".join(folds[at : at + TOGETHER]) for at in range(0, len(folds), TOGETHER)]
    fold = {name: held for held in folds for name in held.split()}
    of = [fold.get(mail.round, "") if mail.round else folds[at % len(folds)] for at, mail in enumerate(mails)]
    scores = np.zeros(len(mails))
    for held in folds:
        train = [row for row, name in enumerate(of) if name not in {held, ""}]
        test = [row for row, name in enumerate(of) if name == held]
        scores[test] = fitted(matrix, mails, train, bounds, HELD_STEPS).scores(matrix[test])
    return scores


def calibration(mails: Sequence[Mail], scores: Any, limited: Any) -> tuple[float, float]:
    """Return stretch and shift: the best macro-F1 is at ASK, and PRECISION at AUTO, both as log-odds.

    PRECISION is found on the rounds in the mix of a mailbox, among the mails without a limit, where it must
    be AMONG_TRAPS in all rounds, too.
    """
    every = np.array([mail.complaint == 1.0 for mail in mails])
    hard = certain_from(every[~limited], scores[~limited], AMONG_TRAPS)
    own = [number for number, mail in enumerate(mails) if mail.round in NATURAL]
    wanted = np.array([mails[number].complaint == 1.0 for number in own])
    ask = best_f1(every, scores)[1]
    free = ~limited[own]
    auto = max(certain_from(wanted[free], scores[own][free], PRECISION), hard, ask + 1.0)
    low, high = math.log(ASK / (1 - ASK)), math.log(AUTO / (1 - AUTO))
    stretch = (high - low) / (auto - ask)
    return stretch, low - stretch * ask


def packed(
    model: Model, reader: Reader, stretch: float = 1.0, shift: float = 0.0, bits: int = BITS
) -> dict[str, Any]:
    """Return the weights as the file has them, in 127 steps each way."""
    weights = model.weights * stretch
    grams = weights[: 1 << bits]
    step = float(np.abs(grams).max()) / 127
    whole = np.rint(grams / step).astype("int8")
    moved = (1 << bits) - (1 << BITS)
    signs = {name: float(weights[at + moved]) * SIGN_WEIGHT for name, at in reader.columns.items()}
    return {
        "bias": round(model.start * stretch + shift, 4),
        "step": round(step, 6),
        "signs": {name: round(weight, 3) for name, weight in signs.items() if abs(weight) >= LEAST_WEIGHT},
        "weights": base64.b85encode(zlib.compress(whole.tobytes(), 9)).decode(),
    }


def main() -> int:
    """Cross-validate by round, then measure the kept rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    mails = [*own_mails(), *english_texts()]
    train = [row for row, mail in enumerate(mails) if mail.round not in KEPT]
    kept = [row for row, mail in enumerate(mails) if mail.round in KEPT]
    own = [row for row in train if mails[row].round]
    english = [row for row in train if not mails[row].round]

    reader = Reader()
    matrix = reader.matrix(mails)
    bounds = reader.bounds()
    scores = out_of_fold(matrix, mails, bounds)
    stretch, shift = calibration([mails[row] for row in own], scores[own], np.array(reader.limited)[own])
    natural = [row for row in own if mails[row].round in NATURAL]
    traps = [row for row in own if mails[row].round not in NATURAL]
    report("mailbox", [mails[row] for row in natural], scores[natural])
    report("traps", [mails[row] for row in traps], scores[traps])
    report("English", [mails[row] for row in english], scores[english])

    model = fitted(matrix, mails, train, bounds)
    if kept:
        report("kept", [mails[row] for row in kept], model.scores(matrix[kept]))
    if options.write:
        beside = circumstances(matrix, mails, own)
        written = {
            "bits": BITS,
            "classes": {"complaint": packed(model, reader, stretch, shift)},
            "circumstances": {
                "bits": CIRCUMSTANCE_BITS,
                "classes": {
                    name: packed(fit, reader, bits=CIRCUMSTANCE_BITS) for name, fit in beside.items()
                },
            },
        }
        WEIGHTS.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
        print(
            f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB; stretch {stretch:.2f}, shift {shift:.2f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
