"""Synthetic rows, in the usefulness benchmark: trained on these, tested on real rows.

As many rows as there are training rows are drawn, with the same classes. TVAE of the
package ctgan is an optional baseline.
"""

import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks import _useful_data as data
from benchmarks._useful_cells import build, tables_of
from benchmarks._useful_density import mixture

try:
    from ctgan import TVAE
except ImportError:
    TVAE = None

BASELINES = ("real", "GaussianMixture", *(("TVAE",) if TVAE else ()))
MEASURES = ("AUC",)


def measure(cell, plan):
    """Return the test AUC of logistic regression, trained on synthetic rows."""
    table = data.load(cell.work, cell.set, plan.folder)
    split = data.split(table, cell.seed, plan.max_rows)
    start = time.perf_counter()
    X, y = rows_of(cell, plan, split)
    taken = time.perf_counter() - start
    model = LogisticRegression(max_iter=1000).fit(X, y)
    auc = roc_auc_score(split.y[1], model.predict_proba(split.X[1])[:, 1])
    return {"AUC": auc} if cell.method == "real" else {"AUC": auc, "fit, s": taken}


def rows_of(cell, plan, split):
    """Return the rows and classes on which the classifier is trained."""
    X, y = split.X[0], split.y[0]
    if cell.method == "real":
        return X, y
    if cell.method == "GaussianMixture":
        return mixtures(X, y, cell.seed)
    if cell.method == "TVAE":
        return tvae(split, cell.seed)
    model = build(cell, plan, split)
    table = tables_of(model, split)[0]
    model.fit(table, condition=y)
    drawn = model.sample(len(y), condition=y, random_state=cell.seed)
    if table is not X:  # raw, as a frame
        drawn = split.encode(np.asarray(drawn, dtype=float))
    return drawn, y


def mixtures(X, y, seed):
    """Draw rows from one mixture per class."""
    classes, counts = np.unique(y, return_counts=True)
    drawn = [
        mixture(X[y == label], seed).sample(count)[0]
        for label, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(drawn), np.repeat(classes, counts)


def tvae(split, seed):
    """Draw rows from TVAE, with the class as one more category."""
    import pandas as pd

    frame = pd.DataFrame(np.column_stack([split.raw[0], split.y[0]]))
    frame.columns = [str(column) for column in frame.columns]
    discrete = [str(column) for column in split.table.categories]
    model = TVAE()
    model.set_random_state(seed)
    model.fit(frame, [*discrete, frame.columns[-1]])
    drawn = model.sample(len(frame)).to_numpy(dtype=float)
    return split.encode(drawn[:, :-1]), drawn[:, -1].astype(int)
