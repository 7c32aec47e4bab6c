"""Train what tells poor facts, fragments and languages from each other: `python -m benchmarks.train_facts [--write]`.

Deterministic. Needs numpy, scipy and scikit-learn (nothing of them is needed at run time). `benchmarks/texts/facts`
has, for each language, `clauses.tsv`: sentences of the other texts in `benchmarks/texts`, and pieces of them without a
finite verb, told apart by a tagger; `round-NN.tsv`, of strangers, and `maintainers.tsv`: a kind ("good", "fragment", or
another flaw), the fact, its text. Facts are cross-validated by models that did not see them, poor ones by models that
did not see their round. Without `--write` it only prints.
"""

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.train_promises import packed
from followupd.languages import catalogue
from followupd.text.ngrams import ngrams, places, tokens
from followupd.text.wording.facts import CLAUSE_SIGNS, bare, clause_signs, fact_grams

# Any: these have no types of their own, and are needed for training only.
np: Any = import_module("numpy")
sparse: Any = import_module("scipy.sparse")
LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression

TOP = Path(__file__).resolve().parents[1]
FACTS = TOP / "benchmarks" / "texts" / "facts"
STORY = TOP / "tests" / "story" / "letters" / "facts.tsv"
#: the round of the facts of STORY
_IN_STORY = "story"
WEIGHTS = TOP / "followupd" / "languages" / "fact_weights.json"
LANGUAGES = ("de", "en", "es", "fr")
CLAUSE_BITS, LANGUAGE_BITS, FIT_BITS = 17, 14, 16
STRENGTH, FIT_STRENGTH, FOLDS = 10.0, 30.0, 5
#: how much a fact counts beside a piece of a mail
FACT = 4.0
#: what a sign counts while it is learned, so that it is not bound as tightly as an n-gram
SIGN = 0.5


@dataclass(frozen=True)
class Text:
    """A text, and whether it is a whole sentence; the weight is that of a fact, or of a piece of a mail."""

    language: str
    is_clause: bool
    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Stated:
    """A fact of a round, and whether it is poor."""

    language: str
    round: str
    is_poor: bool
    name: str
    text: str


def read_pieces() -> list[Text]:
    """Return the sentences and the pieces of sentences."""
    found = []
    for language in LANGUAGES:
        for line in (FACTS / language / "clauses.tsv").read_text("utf-8").splitlines():
            kind, _, text = line.partition("\t")
            found.append(Text(language, kind == "clause", text))
    return found


def read_rows() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the language, round, kind, name and text of each fact."""
    for language in LANGUAGES:
        for path in sorted((FACTS / language).glob("*.tsv")):
            if path.stem == "clauses":
                continue
            for line in path.read_text("utf-8").splitlines():
                kind, name, text, *_ = line.split("\t")
                yield language, path.stem, kind, name, text
    for line in STORY.read_text("utf-8").splitlines()[1:]:
        language, kind, name, text = line.split("\t")
        yield language, _IN_STORY, kind, name, text


def read_stated() -> list[Stated]:
    """Return all facts, good and poor."""
    return [
        Stated(language, round_, kind != "good", name, text)
        for language, round_, kind, name, text in read_rows()
    ]


def read_facts() -> list[Text]:
    """Return the facts that are good or fragments; of those of the tests only good ones."""
    return [
        Text(language, kind == "good", text, FACT)
        for language, round_, kind, _, text in read_rows()
        if kind == "good" or (kind == "fragment" and round_ != _IN_STORY)
    ]


def table(rows: Sequence[Text]) -> Any:
    """Return n-grams and signs of texts as a sparse matrix."""
    columns, starts, values = [], [0], []
    for row in rows:
        at = places((row.language + gram for gram in ngrams(tokens(bare(row.text)))), CLAUSE_BITS)
        seen = clause_signs(row.text, catalogue().language(row.language))
        signs = [(1 << CLAUSE_BITS) + CLAUSE_SIGNS.index(sign) for sign in seen]
        columns += [*at, *signs]
        values += [len(at) ** -0.5 if at else 0.0] * len(at) + [SIGN] * len(signs)
        starts.append(len(columns))
    width = (1 << CLAUSE_BITS) + len(CLAUSE_SIGNS)
    matrix = sparse.csr_matrix((values, columns, starts), shape=(len(rows), width))
    matrix.sum_duplicates()
    return matrix


def language_table(rows: Sequence[Text]) -> Any:
    """Return the n-grams of texts, which are the same in all languages, as a sparse matrix."""
    columns, starts, values = [], [0], []
    for row in rows:
        at = places(ngrams(tokens(bare(row.text))), LANGUAGE_BITS)
        columns += at
        values += [len(at) ** -0.5 if at else 0.0] * len(at)
        starts.append(len(columns))
    matrix = sparse.csr_matrix((values, columns, starts), shape=(len(rows), 1 << LANGUAGE_BITS))
    matrix.sum_duplicates()
    return matrix


def fit_table(rows: Sequence[Stated]) -> Any:
    """Return the n-grams by which a fact is known as poor, as a sparse matrix."""
    columns, starts, values = [], [0], []
    for row in rows:
        at = places(fact_grams(row.name, row.text, row.language), FIT_BITS)
        columns += at
        values += [len(at) ** -0.5] * len(at)
        starts.append(len(columns))
    matrix = sparse.csr_matrix((values, columns, starts), shape=(len(rows), 1 << FIT_BITS))
    matrix.sum_duplicates()
    return matrix


def fitted(grams: Any, wanted: Any, weights: Any, strength: float = STRENGTH) -> Any:
    """Fit one class."""
    model = LogisticRegression(C=strength, max_iter=3000, solver="liblinear", dual=True, random_state=0)
    return model.fit(grams, wanted, sample_weight=weights)


def fit_of(rows: Sequence[Stated]) -> Any:
    """Fit the class of poor facts."""
    poor = np.array([row.is_poor for row in rows])
    return fitted(fit_table(rows), poor, np.ones(len(rows)), FIT_STRENGTH)


def measure_fit(stated: Sequence[Stated]) -> None:
    """Print how well each round's poor facts are told by a class that did not see the round, without any list."""
    for held in sorted({row.round for row in stated}):
        model = fit_of([row for row in stated if row.round != held])
        for language in LANGUAGES:
            rows = [row for row in stated if (row.round, row.language) == (held, language)]
            poor, scores = np.array([row.is_poor for row in rows]), model.decision_function(fit_table(rows))
            by_least = (
                f"from {least}: {(scores[poor] >= least).mean():.2f} {(scores[~poor] >= least).mean():.3f}"
                for least in (1.0, 1.6, 2.0)
            )
            print(f"{held} {language} told, blamed", "; ".join(by_least))


def measure(pieces: Sequence[Text], facts: Sequence[Text]) -> None:
    """Print how well facts are told by models that did not see them."""
    everything = [*pieces, *facts]
    grams, wanted = table(everything), np.array([row.is_clause for row in everything])
    weights = np.array([row.weight for row in everything])
    folds = np.array([-1] * len(pieces) + [zlib.crc32(row.text.encode()) % FOLDS for row in facts])
    scores = np.zeros(len(everything))
    for fold in range(FOLDS):
        teach, held = folds != fold, folds == fold
        scores[held] = fitted(grams[teach], wanted[teach], weights[teach]).decision_function(grams[held])
    languages = np.array([row.language for row in everything])
    for language in LANGUAGES:
        mine = (folds >= 0) & (languages == language)
        good, poor = scores[mine & wanted], scores[mine & ~wanted]
        by_least = (
            f"below {least}: {(good < least).mean():.3f} {(poor < least).mean():.2f}" for least in (0, -1, -2)
        )
        print(f"{language} {len(good)} good, {len(poor)} fragments; blamed, told", "; ".join(by_least))
        for at in np.argsort(scores):
            if mine[at] and wanted[at] == (scores[at] < -1):
                print(f"    {scores[at]:.2f} {everything[at].is_clause} {everything[at].text}")


def small(model: Any, width: int) -> dict[str, Any]:
    """Return one class as the file has it, with its signs beside the n-grams."""
    signs = model.coef_[0][width:] * SIGN
    model.coef_ = model.coef_[:, :width]
    named = {name: round(float(sign), 3) for name, sign in zip(CLAUSE_SIGNS, signs, strict=False)}
    return packed(model) | {"signs": named}


def main() -> int:
    """Cross-validate, and write the weights of all texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    pieces, facts, stated = read_pieces(), read_facts(), read_stated()
    measure(pieces, facts)
    measure_fit(stated)
    if options.write:
        rows = [*pieces, *facts]
        weights = np.array([row.weight for row in rows])
        clause = fitted(table(rows), np.array([row.is_clause for row in rows]), weights)
        grams = language_table(rows)
        languages = {
            tag: packed(fitted(grams, np.array([row.language == tag for row in rows]), weights))
            for tag in LANGUAGES
        }
        data = {
            "clause": {"bits": CLAUSE_BITS, "classes": {"clause": small(clause, 1 << CLAUSE_BITS)}},
            "language": {"bits": LANGUAGE_BITS, "classes": languages},
            "fit": {"bits": FIT_BITS, "classes": {"poor": packed(fit_of(stated))}},
        }
        WEIGHTS.write_text(json.dumps(data) + "\n", "utf-8")
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB of {len(rows)} texts")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
