"""Answers of every estimator under fixed seeds, to compare two states of the code.

``python tests/before/record.py record`` writes the digests of what this checkout gives;
``... compare`` says which of them differ now. Digests are of bits, so both belong to one
machine. The folder goes when the work that it guards is done.
"""

import hashlib
import json
import os
import sys
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from instances import OF_DIGITS, VARIANTS, having, small, variants
from sklearn.base import clone
from sklearn.datasets import load_digits

torch.set_num_threads(1)
warnings.simplefilter("ignore")
FILE = Path(__file__).parent / "digests.json"


def digest(values):
    values = np.asarray(values)
    if values.dtype == object:
        values = np.array([repr(v) for v in values.ravel()])
    total = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    total.update(np.ascontiguousarray(values).tobytes())
    return total.hexdigest()[:16]


def history(estimator):
    names = sorted(
        {k for row in estimator.history_ for k in row} - {"seconds", "batches"}
    )
    rows = [[row.get(name, np.nan) for name in names] for row in estimator.history_]
    return names, np.array(rows, dtype=float)


def answers(estimator, X, conditions=None):
    given = {} if conditions is None else {"condition": conditions}
    names, numbers = history(estimator)
    found = {
        "history_names": np.array(names),
        "history": numbers,
        "weights": np.concatenate(
            [
                p.detach().numpy().ravel()
                for p in estimator.module_.state_dict().values()
            ]
        ),
        "transform": estimator.transform(X, **given),
        "reconstruct": estimator.reconstruct(X, **given),
        "score": estimator.score(X, **given),
        "names": estimator.get_feature_names_out(),
    }
    if hasattr(estimator, "sample"):
        found["sample"] = estimator.sample(5, random_state=3)
        found["score_samples"] = estimator.score_samples(X, **given)
        elbo = estimator.log_likelihood(
            X, method="elbo", return_diagnostics=True, **given
        )
        found |= {f"elbo_{name}": v for name, v in elbo._asdict().items()}
    if hasattr(estimator, "impute"):
        found["impute"] = estimator.impute(X, n_samples=3)
        if estimator.modalities is not None:
            name = list(estimator.modalities)[0]
            found["generate"] = estimator.generate(X, name, n_samples=2, random_state=1)
            holed = X.copy()
            holed[::3, estimator.modalities_[name]] = np.nan
            found["impute_holed"] = estimator.impute(holed, n_samples=3)
            found["score_holed"] = estimator.score_samples(holed)
    if hasattr(estimator, "translate") and conditions is not None:
        found["translate"] = estimator.translate(X, conditions[0], own=conditions)
    return {name: digest(value) for name, value in found.items()}


def cases():
    import pandas as pd

    digits = load_digits()
    X, y = digits.data[:200] / 16, digits.target[:200]
    for label, estimator in variants(VARIANTS | OF_DIGITS):
        yield label, lambda e=estimator: answers(clone(e).fit(X), X)
    for cls in having("condition_columns"):
        name = cls.__name__
        words = np.array(["no", "yes", "other"])[y % 3]
        yield (
            f"{name} beside",
            lambda c=cls: answers(small(c).fit(X, condition=words), X, words),
        )
        frame = pd.DataFrame(X[:, 20:30], columns=[f"c{i}" for i in range(10)])
        frame["task"] = words
        parts = [("gaussian", ["c0", "c1", "c2"]), ("bernoulli", slice("c3", "c9"))]
        yield (
            f"{name} frame",
            lambda c=cls, f=frame, p=parts: answers(
                small(c, condition_columns=["task"], likelihood=p).fit(f), f
            ),
        )
    blocks = {"image": slice(0, 64), "label": [64]}
    table = np.column_stack([X, y])
    holed = table.copy()
    holed[::4, 64], holed[1::4, :64] = np.nan, np.nan
    kinds = {"image": "gaussian-shared", "label": "codes"}
    for cls in having("modalities"):
        for how, rows in (("whole", table), ("holed", holed)):
            estimator = small(
                cls,
                modalities=blocks,
                likelihood=kinds,
                n_iterations=3,
                empty_rows="prior",
            )
            yield (
                f"{cls.__name__} {how}",
                lambda e=estimator, r=rows: answers(e.fit(r), r),
            )
    for cls in having("max_epochs"):
        yield f"{cls.__name__} goes on", lambda c=cls: goes_on(small(c), X)
    mixed = [
        ("poisson", slice(0, 5)),
        ("codes", [5, 6]),
        ("gaussian-shared", slice(7, 64)),
    ]
    for cls in (
        c for c in having("likelihood") if "modalities" not in c().get_params()
    ):
        yield (
            f"{cls.__name__} mixed",
            lambda c=cls: answers(
                small(c, likelihood=mixed).fit(np.round(X * 16)), np.round(X * 16)
            ),
        )


def goes_on(estimator, X):
    estimator.fit(X).set_params(warm_start=True, lr=3e-3).fit(X[:150])
    return answers(estimator.partial_fit(X[50:]), X)


def main():
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {}
    found, wrong = {}, 0
    for label, compute in cases():
        found[label] = compute()
        if sys.argv[1] == "compare":
            then = recorded[label]
            differ = [
                k
                for k in then.keys() | found[label].keys()
                if then.get(k) != found[label].get(k)
            ]
            if differ:
                wrong += 1
                print(label, sorted(differ), flush=True)
    if sys.argv[1] == "record":
        FILE.write_text(json.dumps(found, indent=0))
    n = sum(map(len, found.values()))
    print(f"{len(found)} cases, {n} answers, {wrong} cases differ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
