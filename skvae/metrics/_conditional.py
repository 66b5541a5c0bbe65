"""How probable one part of a row is given another."""

import numpy as np

from skvae._validation import POSITIVE_INT, Options, check_parameter
from skvae.base import find_model
from skvae.conditional import ConditionedTable
from skvae.distributions import SharedNoise
from skvae.multimodal import BaseMultimodalTransformer
from skvae.training import derive_seed

OWNER = "conditional_log_likelihood"
ROWS = 512  # a slice
DATA, CONDITION = "data", "condition"  # the two parts of a conditional model


def conditional_log_likelihood(
    estimator,
    X,
    *,
    target=None,
    given=None,
    condition=None,
    method="predictive",
    n_samples=10,
):
    """Estimate ln p(target | given) of each row, in nats, in one of two ways.

    "predictive" is what papers of several modalities report (Suzuki et al. 2018,
    eq. 11),

        1/S Σ_s ln p(x_t | z_s),  z_s ~ q(z | given),

    a lower bound of ln ∫ q(z | given) p(x_t | z) dz, which stands for ln p(x_t | given)
    only as far as q(z | given) is p(z | given). With the target among `given` it is how
    well the target is reconstructed. "importance" estimates ln p(x_t | given) itself,
    by importance samples from q(z | target, given). The two are different numbers.

    Parameters
    ----------
    estimator : estimator
        A fitted model of several modalities, or one with conditions; or a Pipeline or
        search that ends with it.
    X : array-like of shape (n_samples, n_features)
        Rows; what is needed of them must not be missing.
    target : str or None, default=None
        A modality; "data" of a model with conditions, its default.
    given : sequence of str or None, default=None
        Modalities; "condition", or "data" and "condition", of a model with conditions.
        None is all but the target.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Of each row, where the model takes it beside `X`.
    method : {"predictive", "importance"}, default="predictive"
        As above.
    n_samples : int, default=10
        S, draws of z a row, shared by all rows.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    TypeError
        If the model has neither modalities nor conditions.
    ValueError
        If a name is unknown, a row lacks the target, or the target is given under
        "importance".

    Notes
    -----
    Under "predictive", z comes from

    - joint models: q(z | given), as `transform` finds it, by experts or iterations;
    - the hierarchy: q(z_L | given), and S draws down to z_1 of each (A.2), which makes
      its values lower than others';
    - a CVAE: its encoder with zeros for the target, as in the paper (section A.1); for
      draws from p(z), which does not look at the target either, see "importance";
    - a CMMA: p(z | condition).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import JMVAETransformer
    >>> from skvae.metrics import conditional_log_likelihood
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, np.eye(10)[y]])
    >>> jmvae = JMVAETransformer(
    ...     4,
    ...     modalities={"image": slice(0, 64), "label": slice(64, 74)},
    ...     likelihood={"image": "bernoulli", "label": "categorical"},
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(table)
    >>> conditional_log_likelihood(jmvae, table[:3], target="label").shape
    (3,)
    """
    check_parameter("n_samples", n_samples, (POSITIVE_INT,), OWNER)
    check_parameter("method", method, (Options(("predictive", "importance")),), OWNER)
    before, model = find_model(estimator, OWNER)
    X = X if before is None else before.transform(X)
    if isinstance(model, BaseMultimodalTransformer):
        kind, names = _Joint(model, X), list(model.modalities_)
    elif isinstance(model, ConditionedTable):
        kind, names = _Conditional(model, X, condition), [DATA, CONDITION]
        target = DATA if target is None else target
        check_parameter("target", target, (Options((DATA,)),), OWNER)
    else:
        raise TypeError(
            f"{OWNER} needs a model of several modalities or with conditions. Got "
            f"{type(model).__name__}."
        )
    given = _check_parts(target, given, names, method)
    return getattr(kind, method)(target, given, n_samples)


def _check_parts(target, given, names, method):
    check_parameter("target", target, (Options(tuple(names)),), OWNER)
    if given is None:
        return [name for name in names if name != target]
    unknown = [name for name in given if name not in names]
    if isinstance(given, str) or unknown or not len(given):
        raise ValueError(
            f"The 'given' parameter of {OWNER} must be a list of some of {names}. Got "
            f"{given!r} instead."
        )
    if method == "importance" and target in given:
        raise ValueError(
            f"ln p({target} | {', '.join(given)}) is 0 or infinite: leave the target "
            "out of 'given', or use method='predictive'."
        )
    return list(given)


class _Joint:
    """The question to a model of several modalities."""

    def __init__(self, model, X):
        self.model = model
        self.table = model._check_scorable(X)

    def predictive(self, target, given, n_samples):
        model, x = self.model, self.table.x
        at = list(model.modalities_).index(target)
        self._check_present(target)
        rest = [name for name in model.modalities_ if name not in given]
        table = model._hide(x, *rest)
        evaluator = model._evaluator()
        noise = _noise(model, evaluator)
        module, columns = evaluator.module, model.modalities_[target]
        values = evaluator._tensor(x)  # (n, D)

        def mean(batch):
            return _mean_of(
                module.likelihood_of(at, z).log_prob(values[batch.index][:, columns])
                for z in module.predictive_draws(batch, noise(), n_samples)
            )

        return evaluator.in_slices(table, mean, ROWS).astype(np.float64)

    def importance(self, target, given, n_samples):
        """ln p(target, given) − ln p(given)."""
        self._check_present(target)
        model, x = self.model, self.table.x
        parts = []
        for kept in ([target, *given], given):
            rest = [name for name in model.modalities_ if name not in kept]
            table = model._hide(x, *rest)
            parts.append(model._log_likelihood(table, n_samples).values)
        return parts[0] - parts[1]

    def _check_present(self, target):
        first = self.model.modalities_[target][0]
        missing = np.isnan(self.table.x[:, first])
        if missing.any():
            raise ValueError(
                f"The target {target!r} is missing in row {int(np.argmax(missing))}."
            )


class _Conditional:
    """The question to a model with conditions."""

    def __init__(self, model, X, condition):
        self.model, self.X, self.condition = model, X, condition
        self.table = model._check_scorable(X, condition)

    def predictive(self, target, given, n_samples):
        evaluator = self.model._evaluator()
        noise, module = _noise(self.model, evaluator), evaluator.module
        seen = DATA in given

        def mean(batch):
            q = module.posterior(batch) if seen else module.blind_posterior(batch)
            draws = q.sample(noise(), n_samples)  # (S, B, K)
            return module.likelihood(draws, batch).log_prob(batch.x).mean(0)

        return evaluator.in_slices(self.table, mean, ROWS).astype(np.float64)

    def importance(self, target, given, n_samples):
        return self.model._log_likelihood(self.table, n_samples).values


def _noise(model, evaluator):
    """Give a function that begins the same noise anew, for every slice."""
    seed = derive_seed(model._seed, "evaluation")
    return lambda: SharedNoise.from_seed(seed, evaluator.device)


def _mean_of(values):
    """Mean of an iterator of tensors, without keeping them."""
    total, n = 0, 0
    for value in values:
        total, n = total + value, n + 1
    return total / n
