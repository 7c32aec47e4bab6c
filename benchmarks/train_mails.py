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
from pathlib import Path
from typing import Any

from benchmarks import train_recogniser
from followupd.text.complaints.cues import shipped_lexicon
from followupd.text.complaints.features import Features, second_signs, second_words, weigh
from followupd.text.complaints.recogniser import Recogniser
from followupd.text.ngrams import BITS, ngrams, places

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression
roc_auc_score: Any = import_module("sklearn.metrics").roc_auc_score
f1_score: Any = import_module("sklearn.metrics").f1_score

TOP = Path(__file__).resolve().parents[1]
MAILS = TOP / "benchmarks" / "texts" / "mails"
WEIGHTS = TOP / "followupd" / "languages" / "mail_weights.json"
#: rounds that measure
KEPT = ("06",)
LANGUAGES = ("en", "de", "fr", "es")
STRENGTH = 20.0
SIGN_WEIGHT = 0.3
#: what the English texts of other sources weigh together, as a share of the mails
ENGLISH_SHARE = 0.5
#: what a neutral report of a fault is worth as a complaint
REPORT = train_recogniser.TARGET["~"]
#: precision from which the machine may write by itself, and the thresholds of the settings for it and for asking
PRECISION, AUTO, ASK = 0.98, 0.90, 0.30
#: log-odds that all scores are lowered by: half of the mails of the rounds are traps, and a mailbox has fewer of them
PLAINER = 0.3


@dataclass(frozen=True)
class Mail:
    """A labelled text: its round ("" for other sources), its weight, and how much of a complaint it is."""

    language: str
    round: str
    subject: str
    body: str
    weight: float
    complaint: float


def own_mails() -> list[Mail]:
    """Return the mails that were written for this, by language and round."""
    found = []
    for path in sorted(MAILS.glob("*/round-*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            number = path.stem.removeprefix("round-")
            complaint = float(row["label"] == "complaint")
            found.append(Mail(path.parent.name, number, row["subject"], row["body"], 1.0, complaint))
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
    """Turns mails into rows of a matrix; the columns of signs grow while it learns."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}
        self._recogniser = Recogniser.shipped()

    def signs(self, seen: Features, language: str) -> Mapping[str, float]:
        """Return what the first stage sees."""
        reading = weigh(seen, self._recogniser.weights_for(language), {})
        return second_signs(seen, reading.log_odds, language)

    def matrix(self, mails: Sequence[Mail]) -> Any:
        """Return one row for each mail."""
        columns, starts, values = [], [0], []
        for mail in mails:
            seen = self._recogniser.see(mail.subject, mail.body, mail.language)
            at = places(ngrams(second_words(seen)))
            columns += at
            values += [max(1, len(at)) ** -0.5] * len(at)
            for name, value in self.signs(seen, mail.language).items():
                columns.append(self.columns.setdefault(name, (1 << BITS) + len(self.columns)))
                values.append(value * SIGN_WEIGHT)
            starts.append(len(columns))
        found = sparse.csr_matrix((values, columns, starts), shape=(len(mails), (1 << BITS) + 200))
        found.sum_duplicates()
        return found


def fitted(matrix: Any, mails: Sequence[Mail], rows: Sequence[int]) -> Any:
    """Fit the weights on some rows; a text that is half a complaint counts as both kinds.

    The texts of other sources weigh ENGLISH_SHARE of the mails together.
    """
    own = sum(mails[row].weight for row in rows if mails[row].round)
    others = sum(mails[row].weight for row in rows if not mails[row].round)
    factor = ENGLISH_SHARE * own / others
    parts = []
    for row in rows:
        mail = mails[row]
        weight = mail.weight if mail.round else mail.weight * factor
        parts += [(row, weight * mail.complaint, True), (row, weight * (1 - mail.complaint), False)]
    used, weights, wanted = zip(*(part for part in parts if part[1]), strict=True)
    model = LogisticRegression(C=STRENGTH, max_iter=3000, solver="liblinear", random_state=0)
    return model.fit(matrix[list(used)], np.array(wanted), sample_weight=np.array(weights))


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


def certain_from(wanted: Any, scores: Any) -> float:
    """Return the threshold above which PRECISION of the texts are complaints."""
    order = np.argsort(-scores)
    precision = np.cumsum(wanted[order]) / np.arange(1, len(order) + 1)
    fit = np.where(precision >= PRECISION)[0]
    return float(scores[order[fit.max()]]) if len(fit) else float(scores.max())


def out_of_fold(matrix: Any, mails: Sequence[Mail]) -> Any:
    """Return the scores of models that have not seen the round of a mail; kept rounds are in none of them."""
    rounds = sorted({mail.round for mail in mails if mail.round} - {*KEPT})
    fold = [rounds[at % len(rounds)] if not mail.round else mail.round for at, mail in enumerate(mails)]
    scores = np.zeros(len(mails))
    for held in rounds:
        train = [row for row, of in enumerate(fold) if of != held and of not in KEPT]
        test = [row for row, of in enumerate(fold) if of == held]
        scores[test] = fitted(matrix, mails, train).decision_function(matrix[test])
    return scores


def calibration(mails: Sequence[Mail], scores: Any) -> tuple[float, float]:
    """Return stretch and shift: the best macro-F1 is at ASK, and PRECISION at AUTO, both as log-odds."""
    own = [number for number, mail in enumerate(mails) if mail.round and mail.complaint in {0.0, 1.0}]
    wanted = np.array([mails[number].complaint == 1.0 for number in own])
    ask = best_f1(wanted, scores[own])[1]
    auto = max(certain_from(wanted, scores[own]), ask + 1.0)
    low, high = math.log(ASK / (1 - ASK)), math.log(AUTO / (1 - AUTO))
    stretch = (high - low) / (auto - ask)
    return stretch, low - stretch * ask - PLAINER


def packed(model: Any, reader: Reader, stretch: float, shift: float) -> dict[str, Any]:
    """Return the weights as the file has them, in 127 steps each way."""
    weights = model.coef_[0] * stretch
    grams = weights[: 1 << BITS]
    step = float(np.abs(grams).max()) / 127
    whole = np.rint(grams / step).astype("int8")
    return {
        "bias": round(float(model.intercept_[0]) * stretch + shift, 4),
        "step": round(step, 6),
        "signs": {name: round(float(weights[at]) * SIGN_WEIGHT, 3) for name, at in reader.columns.items()},
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
    scores = out_of_fold(matrix, mails)
    stretch, shift = calibration([mails[row] for row in own], scores[own])
    report("by round", [mails[row] for row in own], scores[own])
    report("English", [mails[row] for row in english], scores[english])

    model = fitted(matrix, mails, train)
    if kept:
        report("kept", [mails[row] for row in kept], model.decision_function(matrix[kept]))
    if options.write:
        classes = {"complaint": packed(model, reader, stretch, shift)}
        WEIGHTS.write_text(json.dumps({"bits": BITS, "classes": classes}, indent=1) + "\n", "utf-8")
        print(
            f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB; stretch {stretch:.2f}, shift {shift:.2f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
