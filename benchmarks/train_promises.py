"""Train the classes of agents' sentences and cross-validate by round: `python -m benchmarks.train_promises [--write]`.

Deterministic. Needs numpy, scipy and scikit-learn (nothing of them is needed at run time). The sentences are in
`benchmarks/texts/promises/<language>/round-NN.tsv`: labels joined by "+", a tab, the sentence, and in `replies-X.jsonl`,
whole replies, of which those named in TEACH teach and the others measure. Two steps: n-grams give the log-odds of six
classes, what words of all languages mean those of two, and trees weigh these with what patterns saw in the sentence.
The trees learn from log-odds of models that did not see the sentence. Without `--write` it only prints.
"""

import argparse
import base64
import json
import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from followupd.languages import catalogue
from followupd.text.ngrams import places_in
from followupd.text.promises.clauses import places_meant, signs_of
from followupd.text.promises.patterns import promise_patterns
from followupd.text.promises.sentences import sentences

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression
Boosted: Any = import_module("sklearn.ensemble").GradientBoostingClassifier
roc_auc_score: Any = import_module("sklearn.metrics").roc_auc_score

TOP = Path(__file__).resolve().parents[1]
SENTENCES = TOP / "benchmarks" / "texts" / "promises"
EARLIER = TOP / "tests" / "story" / "promises"
WEIGHTS = TOP / "followupd" / "languages" / "promise_weights.json"
CLASSES = ("commits", "grants", "done", "conditional", "attends", "none")
#: what trees decide
WEIGHED = ("commits", "grants")
#: log-odds that trees weigh
SCORED = (*CLASSES, *(f"meant-{name}" for name in WEIGHED))
#: whole replies that teach
TEACH = "ABCDEFGHIJKLMNOPQRSTUVWX"
#: sets in which goods sent again were not labelled as given
GOODS_LEFT_OUT = "ABCDEF"
#: characters before a sentence that may be a salutation
LONGEST_SALUTATION = 60
BITS = 18
#: of n-grams, and of meanings
STRENGTH, MEANT_STRENGTH = 40.0, 3.0
FOLDS = 5
#: how much a sentence of a whole reply counts: among them, most promise nothing, as in life
REPLY = 4.0
#: how much one of the earlier sentences counts: they are the textbook's, which has to be understood
EARLIER_COUNTS = 6.0


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
                found.append(_without_goods(path.parent.name, number, frozenset(labels.split("+")), text))
    return found


def _without_goods(language: str, number: str, labels: frozenset[str], text: str) -> Labelled:
    """Return a sentence of a round; of one that promises goods it is not known whether it gives them."""
    goods = dict(promise_patterns(catalogue().language(language)).gifts)["replacement"]
    is_doubted = "commits" in labels and "grants" not in labels and goods.search(text.lower())
    return Labelled(
        language, number, labels, text, frozenset(CLASSES) - ({"grants"} if is_doubted else set())
    )


def read_replies(sets: str = TEACH) -> list[Labelled]:
    """Return the sentences of the whole replies of these sets, by what was labelled in the reply."""
    found = []
    for path in sorted(SENTENCES.glob(f"*/replies-[{sets}].jsonl")):
        for line in path.read_text("utf-8").splitlines():
            found += _sentences_of(json.loads(line), path.stem)
    return found


def _sentences_of(reply: dict[str, Any], name: str) -> list[Labelled]:
    """Return the sentences of one reply, without those that its writer calls unsure.

    Which of them give something is known where the reply gives nothing, or says so by how they begin ("giving").
    Which of them promise is not known of those that the same words fit.
    """
    own = list(sentences(reply["text"], catalogue()))
    fits = [
        [text for text in own if re.search(one["word"], text, re.IGNORECASE)] for one in reply["promises"]
    ]
    sure = {text for fit in fits if len(fit) == 1 for text in fit}
    doubted = {text for fit in fits if len(fit) > 1 for text in fit} - sure
    doubted |= {
        text for text in own if any(re.search(word, text, re.IGNORECASE) for word in reply.get("opt", ()))
    } - sure
    giving = {_said_at(reply["text"], own, begin) for begin in reply.get("giving", ())}
    goods_left_out = name[-1] in GOODS_LEFT_OUT and any(
        one["kind"] == "replacement" for one in reply["compensation"]
    )
    rows = []
    for text in own:
        if any(text[:20] in unsure or unsure[:20] in text for unsure in reply["unsure"]):
            continue
        known = {"commits"} if text not in doubted else set()
        if text in giving or not reply["compensation"] or (giving and not goods_left_out):
            known.add("grants")
        said = {"commits": text in sure, "grants": text in giving}
        labels = frozenset(label for label, meant in said.items() if meant)
        rows.append(Labelled(reply["lang"], f"{name} {reply['id']}", labels, text, frozenset(known)))
    return rows


def _said_at(text: str, own: Sequence[str], begin: str) -> str:
    """Return the sentence of a reply that begins so, perhaps behind a salutation."""
    at = text.find(begin)
    behind = (one for one in own if one in text and at <= text.find(one) <= at + LONGEST_SALUTATION)
    return next((one for one in own if one.startswith(begin)), next(behind, ""))


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


def table(rows: Iterable[Collection[int]]) -> Any:
    """Return where the weights of sentences are as a sparse matrix."""
    columns: list[int] = []
    starts, values = [0], []
    for at in rows:
        columns += sorted(at)
        values += [len(at) ** -0.5] * len(at)
        starts.append(len(columns))
    return sparse.csr_matrix((values, columns, starts), shape=(len(starts) - 1, 1 << BITS))


def seen_in(rows: Sequence[Labelled]) -> list[dict[str, float]]:
    """Return what the patterns of its language see in each sentence."""
    return [signs_of(row.text, catalogue().language(row.language)) for row in rows]


def fold_of(row: Labelled) -> int:
    """Return the part of the sentences to which one belongs: rounds and replies are whole in one of them."""
    return (
        zlib.crc32(f"{row.round} {row.language if row.round.startswith('replies') else ''}".encode()) % FOLDS
    )


def asked(rows: Sequence[Labelled], name: str) -> tuple[Any, Any]:
    """Return of which sentences it is known whether they belong to a class, and which do."""
    return np.array([name in row.known for row in rows]), np.array([name in row.labels for row in rows])


def fitted(grams: Any, rows: Sequence[Labelled], name: str, teach: Any, strength: float = STRENGTH) -> Any:
    """Fit the n-grams, or the meanings, of one class to those of the sentences that teach.

    What tells more may weigh more: each column counts by how much oftener it is in sentences of the class than in
    others, as the root of the log of a naive Bayes ratio (Wang and Manning 2012).
    """
    known, wanted = asked(rows, name)
    some = known & teach
    seen, wanted = grams[some], wanted[some]
    often, seldom = seen.sign().T @ wanted + 1.0, seen.sign().T @ ~wanted + 1.0
    tells = np.sqrt(np.abs(np.log(often / often.sum() * seldom.sum() / seldom)))
    tells /= np.sqrt((tells**2).mean())
    model = LogisticRegression(
        C=strength, max_iter=1000, solver="liblinear", dual=True, random_state=0, tol=0.01
    )
    model.fit((seen @ sparse.diags(tells)).tocsr(), wanted)
    model.coef_ *= tells
    return model


def models_of(data: "Corpus", teach: Any) -> dict[str, dict[str, Any]]:
    """Fit all linear models to the sentences that teach, by the groups of the file."""
    return {
        "classes": {name: fitted(data.grams, data.rows, name, teach) for name in CLASSES},
        "meant": {
            f"meant-{name}": fitted(data.meant, data.rows, name, teach, MEANT_STRENGTH) for name in WEIGHED
        },
    }


def unseen_scores(data: "Corpus", teach: Any) -> Any:
    """Return the log-odds of each class for each sentence, by models that were taught the other folds."""
    folds = np.array([fold_of(row) for row in data.rows])
    scores = np.zeros((len(data.rows), len(SCORED)))
    for fold in sorted(set(folds[teach])):
        held = folds == fold
        groups = models_of(data, teach & ~held)
        scores[held] = np.column_stack(
            [model.decision_function(data.grams[held]) for model in groups["classes"].values()]
            + [model.decision_function(data.meant[held]) for model in groups["meant"].values()]
        )
    return scores


def _weight(row: Labelled) -> float:
    """Return how much a sentence counts for the trees."""
    if row.round == "earlier":
        return EARLIER_COUNTS
    return REPLY if row.round.startswith("replies") else 1.0


def boosted(numbers: Any, rows: Sequence[Labelled], name: str, teach: Any) -> Any:
    """Fit the trees of one class."""
    known, wanted = asked(rows, name)
    some = known & teach
    weights = np.array([_weight(row) for row in rows])
    model = Boosted(
        n_estimators=110,
        max_depth=4,
        learning_rate=0.06,
        min_samples_leaf=25,
        subsample=0.7,
        max_features=0.5,
        random_state=0,
    )
    return model.fit(numbers[some], wanted[some], sample_weight=weights[some])


def numbers_of(scores: Any, seen: Sequence[dict[str, float]], signs: Sequence[str]) -> Any:
    """Return what trees weigh as a matrix: the log-odds of the classes, and signs."""
    return np.hstack([scores, np.array([[one.get(sign, 0.0) for sign in signs] for one in seen])])


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


def packed(model: Any) -> dict[str, Any]:
    """Return one class as the file has it: weights in 127 steps each way."""
    grams = model.coef_[0]
    step = float(np.abs(grams).max()) / 127
    whole = np.rint(grams / step).astype("int8")
    return {
        "bias": round(float(model.intercept_[0]), 4),
        "step": round(step, 6),
        "signs": {},
        "weights": base64.b85encode(zlib.compress(whole.tobytes(), 9)).decode(),
    }


def planted(model: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return trees as the file has them: each asks (name, most, below, above), and ends with a number."""

    def node(tree: Any, at: int) -> Any:
        if tree.children_left[at] < 0:
            return round(model.learning_rate * float(tree.value[at][0][0]), 3)
        sides = (node(tree, tree.children_left[at]), node(tree, tree.children_right[at]))
        return [names[tree.feature[at]], round(float(tree.threshold[at]), 3), *sides]

    first = float(model.init_.class_prior_[1])
    trees = [node(one[0].tree_, 0) for one in model.estimators_]
    return {"bias": round(float(np.log(first / (1 - first))), 4), "trees": trees}


@dataclass(frozen=True)
class Corpus:
    """Sentences, their n-grams, what their words mean, and what patterns see in them."""

    rows: Sequence[Labelled]
    grams: Any
    meant: Any
    seen: Sequence[dict[str, float]]
    signs: Sequence[str]


def corpus() -> Corpus:
    """Return all sentences that may teach."""
    rows = [*read_all(), *read_replies(), *read_earlier()]
    seen = seen_in(rows)
    languages = [catalogue().language(row.language) for row in rows]
    grams = table(places_in(row.text, BITS, row.language) for row in rows)
    meant = table(
        places_meant(row.text, signs, language, BITS)
        for row, signs, language in zip(rows, seen, languages, strict=True)
    )
    return Corpus(rows, grams, meant, seen, sorted({sign for one in seen for sign in one}))


def weights_of(data: Corpus, teach: Any) -> dict[str, Any]:
    """Train on some of the sentences.

    Args:
        data: all of them.
        teach: which of them teach.

    Returns:
        The weights as the file has them.
    """
    numbers = numbers_of(unseen_scores(data, teach), data.seen, data.signs)
    names = [*SCORED, *data.signs]
    linear = {
        group: {name: packed(model) for name, model in models.items()}
        for group, models in models_of(data, teach).items()
    }
    return {
        "bits": BITS,
        "languages": sorted({row.language for row in data.rows}),
        **linear,
        "trees": {name: planted(boosted(numbers, data.rows, name, teach), names) for name in WEIGHED},
    }


def measure(data: Corpus) -> None:
    """Print how well sentences are ordered by models that did not see them."""
    everything = np.ones(len(data.rows), dtype=bool)
    folds = np.array([fold_of(row) for row in data.rows])
    scores = unseen_scores(data, everything)
    numbers = numbers_of(scores, data.seen, data.signs)
    replies = np.array([row.round.startswith("replies") for row in data.rows])
    for n, name in enumerate(CLASSES):
        known, wanted = asked(data.rows, name)
        by = {"n-grams": scores[:, n]}
        if name in WEIGHED:
            by["trees"] = np.zeros(len(data.rows))
            for fold in range(FOLDS):
                model = boosted(numbers, data.rows, name, folds != fold)
                by["trees"][folds == fold] = model.decision_function(numbers[folds == fold])
        for kind, some in (("rounds", known & ~replies), ("replies", known & replies)):
            for step, figures in by.items():
                if wanted[some].any():
                    print(f"{kind:8} {step:8}" + report(name, wanted[some], figures[some]))


def main() -> int:
    """Cross-validate, and write the weights of all sentences that may teach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    data = corpus()
    measure(data)
    if options.write:
        weights = weights_of(data, np.ones(len(data.rows), dtype=bool))
        WEIGHTS.write_text(json.dumps(weights) + "\n", "utf-8")
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB of {len(data.rows)} sentences")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
