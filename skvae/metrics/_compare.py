"""Comparison of several estimators on the same folds."""

import time
from contextlib import nullcontext

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.multiclass import type_of_target

from skvae._kinds import cut
from skvae._validation import (
    NATURAL,
    NONE,
    POSITIVE_INT,
    Instance,
    Sequence,
    check_parameter,
)
from skvae.base import models_of_folds, ready_fits, seconds_before, split_model
from skvae.exceptions import SkvaeOutlierWarning, warn_outside
from skvae.metrics._densities import UNSEEN, densities, summarise
from skvae.metrics._notes import notes
from skvae.metrics._optional import import_frames
from skvae.metrics._reconstruction import reconstruction_error

# Columns without a standard error over folds.
OF_THE_ESTIMATE = ("monte_carlo_error", "effective_sample_size")


def compare(
    estimators,
    X,
    y=None,
    *,
    groups=None,
    cv=None,
    downstream=None,
    scoring=None,
    random_states=(0,),
    n_samples=64,
    n_jobs=None,
):
    """Compare transformers, including those of scikit-learn, on the same folds.

    Each transformer is fitted on the training rows of each fold, once per seed, and
    evaluated on the held-out rows. The folds are drawn once and used for all of them.
    Log-likelihoods are comparable only between models of the same columns in the same
    units, so use the same preprocessing for each.

    Parameters
    ----------
    estimators : dict of str to transformer
        Unfitted transformers or pipelines by name; "passthrough" stands for the columns
        themselves.
    X : array-like of shape (n_samples, n_features)
        Input data.
    y : array-like of shape (n_samples,), default=None
        Target to predict from the latents: classes or numbers.
    groups : array-like of shape (n_samples,), default=None
        Groups, passed to the splitter.
    cv : int, splitter, iterable or None, default=None
        As in :func:`~sklearn.model_selection.cross_validate`.
    downstream : estimator or None, default=None
        Predictor fitted on the latents of the training rows. By default a logistic
        regression (``max_iter=1000``) on standardised latents, or a ridge regression if
        `y` is continuous.
    scoring : dict of str to scorer, default=None
        Additional columns: functions ``(estimator, X, y) -> float`` of the fitted
        transformer, such as the scorers of this module.
    random_states : sequence of int, default=(0,)
        Seeds. Each is set as every ``random_state`` of the transformers and their
        parts.
    n_samples : int, default=64
        Importance samples per row for each log-likelihood. With more samples, the
        estimate rises towards ln p(x), most for models that were trained with several.
    n_jobs : int or None, default=None
        Number of folds to run in parallel. Parallel runs slow each other down, so
        compare ``seconds`` only between runs with 1. With more, all models are fitted
        one by one.

    Returns
    -------
    DataFrame
        One row per estimator, with the means over folds and seeds and, as
        ``<name>_se``, their standard errors over folds, after averaging over the seeds
        of each fold (over seeds if there is only one fold):

        - ``log_likelihood``: held-out, in nats per row, if the model has one: at β = 1
          from `n_samples` importance samples, or the mean of ``score_samples``,
        - ``median_log_likelihood``: the median over the rows instead of the mean,
        - ``worst_rows``: what the worst 1 % of the rows (at least one) add to the mean:
          the mean minus that of the other rows, in nats, at most 0,
        - ``monte_carlo_error``: the standard error of the mean, if it was sampled,
        - ``effective_sample_size``: the median over the rows of the effective number of
          draws, if ``log_likelihood`` was sampled,
        - ``reconstruction_error``: as in `reconstruction_error`, if the transformer can
          be inverted,
        - ``accuracy`` or ``r2``: of `downstream`, if `y` is given,
        - ``seconds``: time to fit the transformer, or an equal share of the time if
          models of one shape were trained side by side, as in
          :class:`~skvae.model_selection.StackedGridSearchCV`,

        and the columns of `scoring`. Entries that do not apply are NaN.
        ``attrs["runs"]`` lists the values of every fold and seed, with ``others``, the
        mean log-likelihood without the worst rows, and the ``interquartile_range`` of
        the rows' log-likelihoods. ``attrs["notes"]`` lists sentences, displayed below
        the table, about estimators whose worst rows move the mean by more than a
        quarter of the interquartile range (and 0.1 nats), and about those whose
        effective sample size is below 2. Folds share training rows, so the standard
        errors are somewhat too small.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If an estimator cannot transform.
    ValueError
        If a parameter is invalid, or a fit fails.

    Warns
    -----
    SkvaeOutlierWarning
        If an estimator has a higher mean log-likelihood than another only because of
        the worst 1 % of the rows: without them, and in the median, the other is better,
        by more than two standard errors of the difference.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import compare
    >>> X, y = load_wine(return_X_y=True)
    >>> vae = VAETransformer(2, max_epochs=5)
    >>> table = compare(
    ...     {
    ...         "pca": make_pipeline(StandardScaler(), PCA(2)),
    ...         "vae": make_pipeline(StandardScaler(), vae),
    ...     },
    ...     X,
    ...     y,
    ...     cv=3,
    ... )
    >>> round(float(table.loc["pca", "accuracy"]), 2)
    0.94
    """
    frames = import_frames("compare")
    check_estimators(estimators, random_states, "compare")
    scorings = (Instance((dict,), "a dict of names and scorers"), NONE)
    check_parameter("scoring", scoring, scorings, "compare")
    check_parameter("n_samples", n_samples, (POSITIVE_INT,), "compare")
    if downstream is None and y is not None:
        downstream = _default_downstream(y)
    discrete = y is not None and is_classifier(downstream)
    # Drawn once: a splitter may return different folds on every call.
    folds = list(check_cv(cv, y, classifier=discrete).split(X, y, groups))
    scores = _Scores(scoring or {}, n_samples)
    settings = {"cv": folds, "scoring": scores, "n_jobs": n_jobs}
    seeded = {
        (name, seed): _seeded(estimator, seed)
        for name, estimator in estimators.items()
        for seed in random_states
    }
    runs = []
    with _side_by_side(list(seeded.values()), X, y, folds, n_jobs):
        for (name, seed), estimator in seeded.items():
            candidate = _Candidate(estimator, downstream)
            found = cross_validate(candidate, X, y, error_score="raise", **settings)
            runs += _runs(name, seed, found)
    return tabulate(frames, list(estimators), runs)


def _side_by_side(estimators, X, y, folds, n_jobs):
    """Return a context in which models of one shape were trained side by side.

    Other processes would not see these, and one model alone gains nothing.
    """
    if effective_n_jobs(n_jobs) > 1:
        return nullcontext()
    models, tables, _ = models_of_folds(estimators, X, y, folds)
    return ready_fits(models, tables)


def check_estimators(estimators, random_states, owner):
    """Raise an error unless all estimators can be compared."""
    if not isinstance(estimators, dict) or not estimators:
        raise ValueError(
            f"The 'estimators' parameter of {owner} must be a dict of names and "
            f"transformers. Got {cut(estimators)} instead."
        )
    seeds = (Sequence(NATURAL, "a non-empty tuple of ints", empty=False),)
    check_parameter("random_states", random_states, seeds, owner)
    for name, estimator in estimators.items():
        if isinstance(estimator, type):
            raise TypeError(
                f"{owner} needs instances. {name!r} is the class {estimator.__name__}."
            )
        if estimator != "passthrough" and not hasattr(estimator, "transform"):
            raise TypeError(
                f"{owner} needs transformers. {name!r} has no transform: {estimator!r}."
            )


def _default_downstream(y):
    continuous = type_of_target(y).startswith("continuous")
    model = Ridge() if continuous else LogisticRegression(max_iter=1000)
    return make_pipeline(StandardScaler(), model)


def _seeded(estimator, seed):
    """Return a copy with every random_state set."""
    if isinstance(estimator, str):
        return FunctionTransformer()
    names = estimator.get_params()
    seeds = [n for n in names if n == "random_state" or n.endswith("__random_state")]
    return clone(estimator).set_params(**dict.fromkeys(seeds, seed))


class _Candidate(BaseEstimator):
    """A transformer, timed in fit, and a predictor fitted on its latents."""

    def __init__(self, estimator, downstream):
        self.estimator = estimator
        self.downstream = downstream

    def fit(self, X, y=None):
        start = time.perf_counter()
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.seconds_ = time.perf_counter() - start
        self.seconds_ += seconds_before(split_model(self.estimator_)[1])
        if y is not None:
            self.downstream_ = clone(self.downstream)
            self.downstream_.fit(self.estimator_.transform(X), y)
        return self


class _Scores:
    """Scorer of a fitted candidate on held-out rows; returns several values.

    Parameters
    ----------
    scoring : dict of str to scorer
        Additional scorers.
    n_samples : int
        Importance samples per row.
    """

    def __init__(self, scoring, n_samples):
        self.scoring, self.n_samples = scoring, n_samples

    def __call__(self, candidate, X, y=None):
        model = candidate.estimator_
        found = summarise(densities(model, X, n_samples=self.n_samples))
        scores = found._asdict()
        scores["reconstruction_error"] = _reconstruction_error(model, X)
        if y is not None:
            name = "accuracy" if is_classifier(candidate.downstream_) else "r2"
            scores[name] = candidate.downstream_.score(model.transform(X), y)
        for name, scorer in self.scoring.items():
            scores[name] = _score(get_scorer(scorer), model, X, y)
        return scores | {"seconds": candidate.seconds_}


def _score(scorer, model, X, y):
    try:
        return scorer(model, X, y)
    except TypeError:  # the scorer does not apply to this model
        return np.nan


def _reconstruction_error(estimator, X):
    try:
        return reconstruction_error(estimator, X)
    except (TypeError, ValueError):  # no inverse, or string columns
        return np.nan


def _runs(name, seed, found):
    """Yield one dict per fold."""
    scores = {k.removeprefix("test_"): v for k, v in found.items() if "test_" in k}
    for fold, values in enumerate(zip(*scores.values(), strict=True)):
        numbers = dict(zip(scores, map(float, values), strict=True))
        yield {"estimator": name, "random_state": seed, "fold": fold, **numbers}


def tabulate(frames, names, runs):
    """Return means and standard errors, one row per estimator in the given order."""
    long = frames.pd.DataFrame(runs)
    # Seeds on the same fold share its rows, so they count as one observation.
    unit = "fold" if long["fold"].nunique() > 1 else "random_state"
    each = long.groupby(["estimator", unit], sort=False).mean()
    each = each.drop(columns=["fold", "random_state"], errors="ignore")
    groups = each.groupby("estimator", sort=False)
    mean, error = groups.mean(), groups.sem()
    columns = {}
    for name in mean.columns.drop(list(UNSEEN)):
        columns[name] = mean[name]
        if name not in OF_THE_ESTIMATE:
            columns[f"{name}_se"] = error[name]
    table = frames.Comparison(columns, index=frames.pd.Index(names))
    said, order = notes(each)
    table.attrs.update(runs=runs, notes=said)
    if order:
        warn_outside(order, SkvaeOutlierWarning)
    return table
