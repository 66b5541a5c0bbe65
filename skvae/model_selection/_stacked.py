"""Grid and randomised searches that train all candidates side by side."""

from contextlib import ExitStack

import joblib
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv

from skvae.base import models_of_folds, ready_fits


class StackedFits:
    """Trains the models of all candidates and folds before scikit-learn's search runs.

    The search then calls `fit` as ever, which takes the trained model if parameters and
    rows are the same to the bit, and trains as usual if not.
    """

    def fit(self, X, y=None, **params):
        """Run the search.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or None, default=None
            Targets of the other steps of a pipeline, and of the scores.
        **params : dict
            As in scikit-learn. With anything but ``groups``, no fits are stacked.

        Returns
        -------
        self
        """
        cv, backend = self.cv, self._backend()
        self.n_stacked_, self._seconds = 0, []
        try:
            if not params.keys() - {"groups"}:
                splitter = check_cv(cv, y, classifier=is_classifier(self.estimator))
                self.cv = list(splitter.split(X, y, **params))  # the same ones twice
                self._rows = X, y, self.cv
            with backend:
                super().fit(X, y, **params)
        finally:
            self.cv = cv
            vars(self).pop("_rows", None)
        seconds = np.array(vars(self).pop("_seconds"))
        if len(seconds):
            self.cv_results_["mean_fit_time"] = (
                self.cv_results_["mean_fit_time"] + seconds
            )
        return self

    def _backend(self):
        """Return a context in which jobs are threads, which see the trained models."""
        if self.n_jobs in (None, 1):
            return ExitStack()
        return joblib.parallel_config(backend="threading")

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        def evaluate(candidates, *args, **kwargs):
            candidates = list(candidates)
            if not hasattr(self, "_rows"):
                return evaluate_candidates(candidates, *args, **kwargs)
            X, y, splits = self._rows
            models, tables, owners = self._fits(candidates, X, y, splits)
            with ready_fits(models, tables, self.n_jobs) as done:
                self._count(done, models, owners, len(candidates), len(splits))
                del models, tables
                return evaluate_candidates(candidates, *args, **kwargs)

        # scikit-learn before 1.9 has no context.
        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        super()._run_search(evaluate, **context)

    def _count(self, done, models, owners, n_candidates, n_splits):
        """Remember how many fits were stacked, and how long they took."""
        self.n_stacked_ += len(done)
        owner = dict(zip(map(id, models), owners, strict=True))
        seconds = np.zeros(n_candidates)
        for ready in done:
            seconds[owner[id(ready.estimator)]] += ready.seconds / n_splits
        self._seconds.extend(seconds)

    def _fits(self, candidates, X, y, splits):
        """Return the models of all candidates and folds, and their training rows.

        The third list holds the number of each model's candidate.
        """
        estimators = [
            clone(self.estimator).set_params(**clone(candidate, safe=False))
            for candidate in candidates
        ]
        return models_of_folds(estimators, X, y, splits)


class StackedGridSearchCV(StackedFits, GridSearchCV):
    """Grid search that trains all candidates and folds side by side.

    Parameters, attributes and results are those of
    :class:`~sklearn.model_selection.GridSearchCV`. Candidates and folds whose networks
    have one shape are trained at once, by products of stacked matrices, each with its
    own step size, β, weight decay, warm-up, rows and early stopping. The estimator is a
    model of this package, or a pipeline in which it is a step.

    Fits of :class:`~skvae.VAETransformer`, :class:`~skvae.AETransformer` and others
    that train by hand-written gradients are stacked. All other fits, and those with
    callbacks, own networks, dropout or a RandomState, are done one by one, as ever.
    Results agree with scikit-learn's search up to rounding, which grows with the number
    of steps: use ``dtype="float64"`` to compare the two. With ``random_state=None``,
    every fit has its own seed.

    Candidates that were trained together also estimate ln p(x) together. Jobs
    (``n_jobs``) are threads.

    Parameters
    ----------
    estimator : estimator
        A model, or a pipeline that contains one.
    param_grid : dict or list of dict
        Values to try.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in scikit-learn.

    Attributes
    ----------
    n_stacked_ : int
        Number of fits that were trained side by side. ``mean_fit_time`` contains their
        equal shares of the time.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.model_selection import StackedGridSearchCV
    >>> X = load_digits().data[:200] / 16
    >>> vae = VAETransformer(
    ...     n_components=2, hidden_layer_sizes=(16,), max_epochs=3, random_state=0
    ... )
    >>> grid = {"lr": [1e-3, 1e-2], "beta": [0.5, 1.0]}
    >>> search = StackedGridSearchCV(vae, grid, cv=2).fit(X)
    >>> search.n_stacked_
    8
    """


class StackedRandomizedSearchCV(StackedFits, RandomizedSearchCV):
    """Randomised search that trains all candidates and folds side by side.

    As :class:`StackedGridSearchCV`, for the candidates of
    :class:`~sklearn.model_selection.RandomizedSearchCV`.

    Parameters
    ----------
    estimator : estimator
        A model, or a pipeline that contains one.
    param_distributions : dict or list of dict
        Distributions to draw from.
    n_iter, scoring, n_jobs, refit, cv, verbose, pre_dispatch, random_state, \
error_score, return_train_score
        As in scikit-learn.

    Attributes
    ----------
    n_stacked_ : int
        Number of fits that were trained side by side. ``mean_fit_time`` contains their
        equal shares of the time.
    """
