"""Anomaly detection, in the usefulness benchmark: two protocols of Livernoche et al.

Tables of fewer than 1 000 rows are drawn with replacement up to this number, so that
test rows may be copies of training rows, and larger ones than 50 000 rows are cut to
this number at random. Then "semi" trains on the first half of the normal rows and tests
on all others, and "unsup" trains on a bootstrap of all rows and tests on all. Numbers
are standardised with the training rows.

Here at most `max_rows` rows train, and at most 1 000 of each class test; the latter
leaves the expected AUC unchanged. The published numbers are means over five seeds
without these limits (Livernoche et al., On Diffusion Modeling for Anomaly Detection,
ICLR 2024).
"""

import json
import time

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from benchmarks import _useful_data as data
from benchmarks._useful_cells import build
from benchmarks._useful_density import baseline

BASELINES = ("IsolationForest", "PCA", "FactorAnalysis", "GaussianMixture")
PROTOCOLS = ("semi", "unsup")
OURS = ("ln p(x)", "refine=0", "reconstruction")
MEASURES = tuple(f"{p}, {score}" for p in PROTOCOLS for score in OURS)
FEWEST, MOST = 1000, 50_000
PUBLISHED = "adbench/published_auc.json"


def measure(cell, plan):
    """Return the AUC of each protocol and score.

    Scores are -ln p(x) with the default estimate and with draws of the encoder
    (``refine=0``), and the squared error of the reconstruction. A baseline has one
    score, which is under "ln p(x)".
    """
    table = data.load(cell.work, cell.set, plan.folder)
    found = {}
    for protocol in PROTOCOLS:
        split = split_of(table, protocol, cell.seed, plan.max_rows)
        start = time.perf_counter()
        scores = scores_of(cell, plan, split)
        found[f"{protocol}, s"] = time.perf_counter() - start
        for name, values in scores.items():
            found[f"{protocol}, {name}"] = roc_auc_score(split.y[1], values)
    return found


def split_of(table, protocol, seed, max_rows):
    """Return the split of a protocol, standardised."""
    random = np.random.default_rng(seed)
    every = resized(len(table.y), random)
    is_normal = table.y[every] == 0
    normal, anomalous = every[is_normal], every[~is_normal]
    if protocol == "semi":
        half = len(normal) // 2
        train, normal = random.permutation(normal[:half]), normal[half:]
    else:
        train = random.choice(every, len(every))
    tests = (random.permutation(part) for part in (normal, anomalous))
    test = np.concatenate([part[: data.TEST_ROWS // 2] for part in tests])
    rows = train[:max_rows], test
    scaler = StandardScaler().fit(table.X[rows[0]])
    raw = tuple(table.X[part] for part in rows)
    return data.Split(
        X=tuple(scaler.transform(part) for part in raw),
        y=tuple(table.y[part] for part in rows),
        table=table,
        n_numbers=table.X.shape[1],
        blocks=(),
        raw=raw,
        encode=scaler.transform,
    )


def resized(n_rows, random):
    """Return the rows of a table that take part, small tables with repetitions."""
    if n_rows < FEWEST:
        return random.choice(n_rows, FEWEST)
    if n_rows > MOST:
        return random.choice(n_rows, MOST, replace=False)
    return np.arange(n_rows)


def scores_of(cell, plan, split):
    """Return the scores of the test rows by name; larger is more anomalous."""
    X, test = split.X
    if cell.method == "IsolationForest":
        model = IsolationForest(random_state=cell.seed).fit(X)
        return {OURS[0]: -model.score_samples(test)}
    if cell.estimator is None:
        model = baseline(cell.method, cell.k, X, cell.seed)
        return {OURS[0]: -model.score_samples(test)}
    model = build(cell, plan, split).fit(X)
    back = model.inverse_transform(model.transform(test))
    return {
        "ln p(x)": -model.score_samples(test),
        "refine=0": -model.log_likelihood(test, refine=0),
        "reconstruction": np.square(test - back).sum(axis=1),
    }


def published(plan, names):
    """Return one row for each table and published detector, in the form of results."""
    path = plan.folder / PUBLISHED if plan.folder else None
    if path is None or not path.is_file():
        return []
    tables = json.loads(path.read_text())
    rows = []
    for name in (name for name in names if name in tables):
        for detector in tables[name][PROTOCOLS[0]]:
            values = {
                f"{protocol}, {OURS[0]}": tables[name][protocol][detector] / 100
                for protocol in PROTOCOLS
            }
            rows.append((name, f"published {detector}", values))
    return rows
