"""Scorers for cross-validation, made from metrics of latents."""

from inspect import signature

import numpy as np

from skvae._kinds import cut
from skvae.base import as_transformer
from skvae.inputs import as_numpy
from skvae.metrics._dci_sap import dci_scores


def representation_scorer(metric, *, part=None, **settings):
    """Make a scorer for cross-validation and searches from a metric of latents.

    Parameters
    ----------
    metric : callable
        ``(Z, y, **settings) -> float``, such as the disentanglement scores of this
        module.
    part : str or None, default=None
        Field to use if `metric` returns a named tuple, as :func:`dci_scores` does.
    **settings : dict
        Keyword arguments of `metric`. Pass an int as ``random_state``, so that all
        candidates are scored alike.

    Returns
    -------
    RepresentationScorer
        ``(estimator, X, y) -> float``. `X` is transformed by the estimator, or by the
        best estimator of a fitted search. If a Pipeline ends with a step that cannot
        transform, such as a classifier, the steps before it are used. Raises TypeError
        if none of these can transform, and ValueError without y.

    Raises
    ------
    TypeError
        If `metric` is not callable, or does not accept the settings.
    ValueError
        If `metric` is `dci_scores` and `part` is not one of its scalar fields. For any
        other metric with several fields, the scorer raises it when called.

    Notes
    -----
    The factors are passed as the ``y`` of the cross-validation. If rows are sorted by
    them, as grids of factors are, shuffle the folds: a fold with only one value of a
    factor cannot be scored.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import KFold, cross_validate
    >>> from skvae.metrics import mutual_information_gap, representation_scorer
    >>> factors = np.indices((4, 5, 6)).reshape(3, -1).T
    >>> X = factors @ np.random.RandomState(0).normal(size=(3, 8))
    >>> scoring = {"mig": representation_scorer(mutual_information_gap, n_bins=10)}
    >>> cv = KFold(3, shuffle=True, random_state=0)
    >>> result = cross_validate(PCA(3), X, y=factors, cv=cv, scoring=scoring)
    >>> result["test_mig"].shape
    (3,)
    >>> scoring["mig"]
    representation_scorer(mutual_information_gap, n_bins=10)
    """
    return RepresentationScorer(metric, part, settings)


DCI_PARTS = ("disentanglement", "completeness", "informativeness")


class RepresentationScorer:
    """Result of :func:`representation_scorer`.

    Parameters
    ----------
    metric : callable
        ``(Z, y, **settings)``.
    part : str or None
        Field of the metric's named tuple.
    settings : dict
        Keyword arguments of the metric.
    """

    def __init__(self, metric, part, settings):
        if not callable(metric):
            raise TypeError(
                "The 'metric' parameter of representation_scorer must be a callable "
                f"(Z, y, **settings) -> float. Got {cut(metric)} instead."
            )
        signature(metric).bind(None, None, **settings)
        if metric is dci_scores and part not in DCI_PARTS:  # fail before the slow fit
            _refuse_part(metric, part, list(DCI_PARTS))
        self.metric, self.part, self.settings = metric, part, settings

    def __call__(self, estimator, X, y=None):
        """Score the latents of `X`.

        Parameters
        ----------
        estimator : fitted transformer, Pipeline or search
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, n_factors) or (n,)
            Factors.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If y is missing, or the metric raises it.
        TypeError
            If the estimator cannot transform.
        """
        if y is None:
            raise ValueError(f"{self!r} needs y, the factors of the rows. Got None.")
        Z = as_transformer(estimator, "representation_scorer").transform(X)
        return self._number(self.metric(as_numpy(Z), y, **self.settings))

    def _number(self, result):
        fields = getattr(result, "_fields", ())
        numbers = [name for name in fields if np.ndim(getattr(result, name)) == 0]
        allowed = numbers or [None]
        if self.part not in allowed:
            _refuse_part(self.metric, self.part, allowed)
        return float(getattr(result, self.part) if numbers else result)

    def __repr__(self):
        part = {} if self.part is None else {"part": self.part}
        given = [f"{k}={v!r}" for k, v in (part | self.settings).items()]
        return f"representation_scorer({', '.join([_name(self.metric), *given])})"


def _refuse_part(metric, part, allowed):
    raise ValueError(
        "The 'part' parameter of representation_scorer must be one of "
        f"{allowed} for {_name(metric)}. Got {cut(part)} instead."
    )


def _name(metric):
    return getattr(metric, "__name__", repr(metric))
