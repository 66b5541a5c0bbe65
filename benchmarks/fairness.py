"""Features of adult without the sex of the person.

    python -m benchmarks.fairness --data FOLDER --write   # FOLDER contains adult.npz
    python -m benchmarks.fairness --quick                 # a made table, no data

How well do two predictors find the sex in features, and how well do they predict the
income? A logistic regression and gradient boosting are fitted to the training rows.
"columns" are all columns but the sex, categories one-hot; "linear" are these less their
linear prediction from the sex, as by fairlearn's CorrelationRemover; "CVAE" are latents
of a model that is given the sex, with several weights of I(S; Z): the posterior means
of `transform`, and draws from the posteriors, to which the weight refers. Accuracies
of the sex compare with "majority", the share of the larger group; AUC with 0.5.
"""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks import _common as common
from skvae import CVAETransformer

QUICK = {"rows": 600, "test_rows": 400, "epochs": 3, "weights": (0, 10)}


class Part(NamedTuple):
    """Rows: numbers, standardised, and codes of categories; sex; income."""

    numbers: np.ndarray
    codes: np.ndarray
    sex: np.ndarray
    income: np.ndarray

    def take(self, rows):
        """Some rows."""
        return Part(*(values[rows] for values in self))


# --- data -----------------------------------------------------------------------------


def adult(folder, chosen, seed):
    """Training and test rows of the published parts, numbers on a logarithmic scale."""
    with np.load(common.data_file("adult.npz", folder), allow_pickle=False) as file:
        names = list(file["categorical_names"])
        found = [
            Part(
                symmetric_log(file[f"X_numeric_{part}"].astype(float)),
                np.delete(file[f"X_categorical_{part}"], names.index("sex"), 1) + 1,
                file[f"X_categorical_{part}"][:, names.index("sex")],
                file[f"y_{part}"],
            )
            for part in ("train", "test")
        ]
    return prepared(*found, chosen, seed)


def symmetric_log(values):
    """Logarithm of 1 + |value|, with the sign of the value."""
    return np.sign(values) * np.log1p(np.abs(values))


def made(chosen, seed):
    """A made table: a job that depends on the sex, hours, and an income."""
    random = np.random.default_rng(seed)
    n = chosen.rows + chosen.test_rows
    sex, skill = random.integers(2, size=n), random.normal(size=n)
    jobs = (random.random((n, 2)) < 0.2 + 0.6 * sex[:, None]).astype(int)
    hours = skill[:, None] + random.normal(size=(n, 2)) + sex[:, None]
    whole = Part(hours, jobs, sex, (skill + random.normal(size=n) > 0).astype(int))
    halves = np.split(np.arange(n), [chosen.rows])
    return prepared(*(whole.take(rows) for rows in halves), chosen, seed)


def prepared(train, test, chosen, seed):
    """Subsamples, with standardised numbers and without levels unknown in training."""
    random = np.random.default_rng(seed)
    train = train.take(random.permutation(len(train.sex))[: chosen.rows])
    test = test.take(random.permutation(len(test.sex))[: chosen.test_rows])
    known = [np.isin(b, a) for a, b in zip(train.codes.T, test.codes.T, strict=True)]
    test = test.take(np.all(known, axis=0))
    scale = StandardScaler().fit(train.numbers)
    return [p._replace(numbers=scale.transform(p.numbers)) for p in (train, test)]


# --- features -------------------------------------------------------------------------


def features(parts, chosen, seed):
    """Yield the name and the features of training and test rows."""
    encode = OneHotEncoder(sparse_output=False).fit(parts[0].codes)
    columns = [np.hstack([p.numbers, encode.transform(p.codes)]) for p in parts]
    yield "columns", columns
    sex = [p.sex[:, None] for p in parts]
    by_sex = LinearRegression().fit(sex[0], columns[0])
    yield "linear", [x - by_sex.predict(s) for x, s in zip(columns, sex, strict=True)]
    for weight in chosen.weights:
        model = fitted(parts[0], weight, chosen, seed)
        yield f"CVAE, weight {weight}, means", [means(model, p) for p in parts]
        yield f"CVAE, weight {weight}, draws", [draws(model, p, seed) for p in parts]


def fitted(train, weight, chosen, seed):
    """Latents of all columns given the sex."""
    n, m = train.numbers.shape[1], train.codes.shape[1]
    parts = [("gaussian", list(range(n))), ("codes", list(range(n, n + m)))]
    return CVAETransformer(
        16,
        likelihood=parts,
        beta=0.3,
        kl_warmup=5,
        invariance=float(weight),
        condition_weights="balanced",
        hidden_layer_sizes=(128, 128),
        batch_size=200,
        max_epochs=chosen.epochs,
        device=chosen.device,
        random_state=seed,
    ).fit(rows_of(train), condition=train.sex)


def rows_of(part):
    """All columns but the sex, categories as codes."""
    return np.hstack([part.numbers, part.codes])


def means(model, part):
    """Posterior means."""
    return model.transform(rows_of(part), condition=part.sex)


def draws(model, part, seed):
    """One draw from the posterior of each row."""
    given = {"condition": part.sex, "random_state": seed}
    return model.sample_latents(rows_of(part), **given)[0]


# --- measurements ---------------------------------------------------------------------


def measure(name, found, parts, seed):
    """Accuracy and AUC of both predictors for sex and income."""
    train, test = parts
    row = {"what": f"{name}, seed {seed}", "features": name}
    row["majority"] = round(max(test.sex.mean(), 1 - test.sex.mean()), 4)
    for target in ("sex", "income"):
        for short, kind in (
            ("linear", LogisticRegression(max_iter=1000)),
            ("boosting", HistGradientBoostingClassifier(random_state=0)),
        ):
            kind.fit(found[0], getattr(train, target))
            score = kind.predict_proba(found[1])[:, 1]
            truth = getattr(test, target)
            row[f"{target} accuracy, {short}"] = round(
                float(np.mean((score > 0.5) == truth)), 4
            )
            row[f"{target} AUC, {short}"] = round(roc_auc_score(truth, score), 4)
    return row


def options(argv=None):
    """The command line."""
    parser = common.parser("fairness", __doc__)
    add = parser.add_argument
    add("--rows", type=int, default=10_000, help="training rows")
    add("--test-rows", type=int, default=8_000)
    add("--epochs", type=int, default=25)
    add("--weights", type=common.numbers, default=(0, 10, 30), help="of I(S; Z)")
    if parser.parse_known_args(argv)[0].quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def main(argv=None):
    """Measure all features, seed by seed."""
    chosen = options(argv)
    left_out = {"data", "quick", "write", "seeds"}
    settings = {k: v for k, v in vars(chosen).items() if k not in left_out}
    settings["weights"] = list(chosen.weights)
    for seed in chosen.seeds:
        parts = made(chosen, seed) if chosen.quick else adult(chosen.data, chosen, seed)
        for name, found in features(parts, chosen, seed):
            row = measure(name, found, parts, seed)
            common.print_table([row])
            common.keep(chosen.write, settings, row)


if __name__ == "__main__":
    main()
