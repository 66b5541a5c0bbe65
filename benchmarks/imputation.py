"""Missing cells filled by a VAE and by scikit-learn's imputers.

    python -m benchmarks.imputation --data FOLDER --write           # resumes
    python -m benchmarks.imputation --data FOLDER --half 1 --seeds 0,1,2 --write
    python -m benchmarks.imputation --quick                         # no data

Of each table, 30 % of the cells are hidden: completely at random ("mcar"), at random
("mar": a third of the columns stay complete, and the odds of a hole in the others are
linear in these), or not at random ("mnar": the odds are linear in the cell's own
value). scikit-learn's imputers get standardised columns, the VAE gets them as they are;
errors are in standard deviations. Each row holds, for one table, mechanism, seed and
method, the root mean squared error of the hidden cells of columns of numbers, the share
of hidden cells of discrete columns that are filled with their level, the share of
hidden numbers in the central 90 % of 40 draws (for methods that draw), the seconds of
the fit and of filling, and, for "mcar" and the first seed, the accuracy or R² of a
linear model that predicts the last column from the others, imputed without it
(three-fold cross-validation).

--methods missforest,hyperimpute measures those of the package hyperimpute, which has to
be installed and takes minutes for a small table.

At the end, methods are ranked in each table by both errors; 1 is the best.

FOLDER contains imputation/*.npz, adult.npz and credit_default.npz; without --data it is
the variable SKVAE_DATA. The settings of the VAE were chosen on the tables of half 0 and
the first seed.
"""

import sys
import time
import warnings
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from benchmarks._holes import SHARE, holes
from benchmarks._imputers import METHODS, SLOW, draws_of

MECHANISMS = ("mcar", "mar", "mnar")
N_DRAWS = 40
LEVELS = 20  # whole numbers up to which a column is discrete
QUICK = {"rows": 100, "mechanisms": ("mcar", "mar"), "draws": 5}


# --- tables ---------------------------------------------------------------------------


def names_of(folder):
    """Names of the tables in a folder, in order; halves alternate."""
    found = sorted(path.stem for path in (folder / "imputation").glob("*.npz"))
    return [*found, "adult", "credit_default"]


def read(name, folder):
    """Read the columns of a table."""
    if folder is None:
        return {"iris": load_iris, "diabetes": load_diabetes}[name]().data
    if name == "adult":
        with np.load(folder / "adult.npz", allow_pickle=False) as found:
            parts = [found[f"X_{kind}_train"] for kind in ("numeric", "categorical")]
            X = np.column_stack([*parts, found["y_train"]]).astype(float)
            return X[(X >= 0).all(1)]
    if name == "credit_default":
        with np.load(folder / "credit_default.npz", allow_pickle=False) as found:
            return np.column_stack([found["X"], found["y"]]).astype(float)
    with np.load(folder / "imputation" / f"{name}.npz", allow_pickle=False) as found:
        return found["X"]


def table(name, chosen, seed):
    """Return some rows, and which columns are discrete."""
    folder = None if chosen.quick else common.data_folder(chosen.data)
    X = read(name, folder)
    X = X[np.random.default_rng(seed).permutation(len(X))[: chosen.rows]]
    X = X[:, X.std(0) > 0]
    whole = (np.round(X) == X).all(0)
    few = np.array([len(np.unique(column)) <= LEVELS for column in X.T])
    return X, whole & few


# --- measures -------------------------------------------------------------------------


def measure(name, mechanism, seed, method, chosen):
    """Return the row of one table, mechanism, seed and method."""
    raw, discrete = table(name, chosen, seed)
    units = StandardScaler().fit(raw)
    X = units.transform(raw)
    hidden = holes(X, mechanism, np.random.default_rng(1000 + seed))
    as_is = method == "vae"  # needs no units
    holed = np.where(hidden, np.nan, raw if as_is else X)
    start = time.process_time()
    imputer = (METHODS | SLOW)[method](discrete, seed)
    filled = np.asarray(imputer.fit_transform(holed))
    seconds = time.process_time() - start
    filled = units.transform(filled) if as_is else filled
    rounded = to_levels(filled, X, discrete)
    numbers, labels = hidden & ~discrete, hidden & discrete
    found = {
        "what": what(name, mechanism, seed, method),
        "table": name,
        "mechanism": mechanism,
        "seed": seed,
        "method": method,
        "rmse": _mean(np.square(filled - X)[numbers]) ** 0.5,
        "accuracy": _mean(np.abs(rounded - X)[labels] < 1e-9),
        "seconds": round(seconds, 2),
    }
    drawn = draws_of(method, imputer, holed, chosen.draws, seed)
    found["coverage"] = _coverage(drawn, raw if as_is else X, numbers)
    found["predictor"] = float("nan")
    if mechanism == "mcar" and seed == chosen.seeds[0] and method in METHODS:
        filled = METHODS[method](discrete[:-1], seed).fit_transform(holed[:, :-1])
        found["predictor"] = predicted(filled, X[:, -1], discrete[-1])
    return {key: _plain(value) for key, value in found.items()}


def what(*parts):
    """Return the name of a row."""
    return " ".join(map(str, parts))


def _mean(values):
    return float(np.mean(values)) if len(values) else float("nan")


def _plain(value):
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 4)
    return value


def _coverage(drawn, X, numbers):
    """Return the share of hidden numbers in the central 90 % of the draws."""
    if drawn is None or not numbers.any():
        return float("nan")
    low, high = np.quantile(drawn[:, numbers], [0.05, 0.95], axis=0)
    return _mean((low <= X[numbers]) & (X[numbers] <= high))


def to_levels(filled, X, discrete):
    """Move the cells of discrete columns to their nearest level."""
    out = filled.copy()
    for j in np.flatnonzero(discrete):
        levels = np.unique(X[:, j])
        out[:, j] = levels[np.abs(out[:, [j]] - levels).argmin(1)]
    return out


def predicted(filled, y, is_classes):
    """Return accuracy or R² of a column given imputed ones."""
    filled = StandardScaler().fit_transform(filled)
    if not is_classes:
        return cross_val_score(Ridge(), filled, y, cv=3).mean()
    y = np.unique(y, return_inverse=True)[1]
    if np.bincount(y).min() < 3:
        return float("nan")
    return cross_val_score(LogisticRegression(max_iter=300), filled, y, cv=3).mean()


# --- summary --------------------------------------------------------------------------


def summary(rows):
    """Return a row of means per mechanism and method, with the mean rank.

    Methods are ranked in cells that have all methods of the rows.
    """
    rows = complete(rows)
    ranks = defaultdict(list)
    for cell in _cells(rows).values():
        for error in ("rmse", "accuracy"):
            values = [cell[method][error] for method in cell]
            if None not in values and len(values) > 1:
                sign = -1 if error == "accuracy" else 1
                order = rankdata(np.multiply(sign, values))
                for method, rank in zip(cell, order, strict=True):
                    ranks[cell[method]["mechanism"], method].append(rank)
    out = []
    for (mechanism, method), found in sorted(ranks.items()):
        chosen = [
            r for r in rows if (r["mechanism"], r["method"]) == (mechanism, method)
        ]
        line = {"mechanism": mechanism, "method": method, "rank": float(np.mean(found))}
        for key in ("rmse", "accuracy", "coverage", "predictor", "seconds"):
            values = [r[key] for r in chosen if r[key] is not None]
            line[key] = float(np.mean(values)) if values else None
        out.append(line)
    return out


def complete(rows):
    """Return the rows of cells in which every method was measured."""
    methods = {r["method"] for r in rows}
    cells = [cell for cell in _cells(rows).values() if cell.keys() == methods]
    return [row for cell in cells for row in cell.values()]


def _cells(rows):
    cells = defaultdict(dict)
    for r in rows:
        cells[r["table"], r["mechanism"], r["seed"]][r["method"]] = r
    return cells


def options(argv):
    """Return the parsed command line."""
    parser = common.parser("imputation", __doc__)
    add = parser.add_argument
    add("--tables", type=common.words, help="default: all of the folder")
    add("--half", type=int, choices=(0, 1), help="every other table")
    add("--methods", type=common.words, default=tuple(METHODS))
    add("--mechanisms", type=common.words, default=MECHANISMS)
    add("--rows", type=int, default=2000, help="of each table, at most")
    add("--draws", type=int, default=N_DRAWS)
    chosen = parser.parse_args(argv)
    if chosen.quick:
        vars(chosen).update(QUICK)
        chosen.tables = chosen.tables or ("iris", "diabetes")
    elif chosen.tables is None:
        folder = common.data_folder(chosen.data)
        if folder is None:
            parser.error("--data is required")
        chosen.tables = names_of(Path(folder))
        if chosen.half is not None:
            chosen.tables = chosen.tables[chosen.half :: 2]
    return chosen


def main(argv=None):
    """Measure what the result file lacks, and print the summary."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    chosen = options(argv)
    settings = {"rows": chosen.rows, "draws": chosen.draws, "share": SHARE}
    known = {}
    for record in common.read_records(chosen.write) if chosen.write else []:
        if record["settings"] == settings:
            known |= {row["what"]: row for row in record["rows"]}
    rows = []
    for parts in product(
        chosen.tables, chosen.mechanisms, chosen.seeds, chosen.methods
    ):
        key = what(*parts)
        row = known.get(key) or measure(*parts, chosen)
        if key not in known:
            common.keep(chosen.write, settings, row)
            print(key, row["rmse"], row["seconds"], flush=True)
        rows.append(row)
    common.print_table(summary(rows))
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
