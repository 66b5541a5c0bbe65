"""Log-likelihood of one part of a row given another."""

import numpy as np
import torch

from skvae._kinds import cut
from skvae._validation import NATURAL, NONE, POSITIVE_INT, Options, check_parameter
from skvae.base import find_model
from skvae.conditional import BaseConditionalTransformer
from skvae.distributions import Defensive
from skvae.estimates import proposal, row_noise, std_error, weighted
from skvae.inference import Diagnostics, error_of_mean
from skvae.inputs import Given
from skvae.multimodal import BaseMultimodalTransformer
from skvae.training import derive_seed

OWNER = "conditional_log_likelihood"
ROWS = 512  # per slice
N_SAMPLES = {"predictive": 10, "importance": 1000}
CHUNK_ELEMENTS = 2**24  # per chunk: draws times data values
DATA, CONDITION = "data", "condition"  # the two parts of a conditional model


def conditional_log_likelihood(
    estimator,
    X,
    *,
    target=None,
    given=None,
    condition=None,
    method="predictive",
    n_samples=None,
    refine=None,
    return_diagnostics=False,
):
    """Estimate ln p(target | given) of each row, in nats.

    There are two methods. "predictive" is what papers on multimodal models report
    (Suzuki et al. 2018, eq. 11),

        1/S Σ_s ln p(x_t | z_s),  z_s ~ q(z | given),

    a lower bound on ln ∫ q(z | given) p(x_t | z) dz. It approximates ln p(x_t | given)
    only as far as q(z | given) approximates p(z | given). If the target is among
    `given`, it measures how well the target is reconstructed. "importance" estimates
    ln p(x_t | given) itself by importance sampling, with half of the draws from
    q(z | target, given) and half from q(z | given), both refined for each row. It needs
    many more draws. The two
    methods estimate different quantities.

    Parameters
    ----------
    estimator : estimator
        A fitted multimodal or conditional model, or a Pipeline or search that ends with
        one.
    X : array-like of shape (n_samples, n_features)
        Input data, without missing values in the target and the given parts.
    target : str or None, default=None
        A modality. For a conditional model "data", which is its default.
    given : list of str or None, default=None
        Modalities. For a conditional model, "condition", or "data" and "condition".
        None means everything but the target.
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Condition of each row, for a model that takes it as an argument.
    method : {"predictive", "importance"}, default="predictive"
        See above.
    n_samples : int or None, default=None
        S, draws of z per row. None means 10, or 1000 for "importance".
    refine : int or None, default=None
        For "importance", the steps by which the posteriors of each row are refined, as
        in :meth:`skvae.VAETransformer.log_likelihood`.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    TypeError
        If the model is neither multimodal nor conditional.
    ValueError
        If a name is unknown, a row lacks the target or a given part, or the target is
        among `given` with "importance".

    Notes
    -----
    With "predictive", z is drawn from

    - joint models: q(z | given), obtained as in `transform`, from experts or by
      iteration;
    - hierarchical models: q(z_L | given), with S draws down to z_1 for each draw of z_L
      (A.2), which lowers the values in comparison to other models;
    - a CVAE: its encoder with zeros in place of the target, as in the paper (section
      A.1). To integrate over the prior p(z), which does not depend on the target
      either, use "importance";
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
    check_parameter("n_samples", n_samples, (POSITIVE_INT, NONE), OWNER)
    check_parameter("method", method, (Options(tuple(N_SAMPLES)),), OWNER)
    check_parameter("refine", refine, (NATURAL, NONE), OWNER)
    if method != "importance" and (refine or return_diagnostics):
        name = "refine" if refine else "return_diagnostics"
        raise ValueError(f"{name} goes with method='importance' only.")
    n_samples = N_SAMPLES[method] if n_samples is None else n_samples
    before, model = find_model(estimator, OWNER)
    X = X if before is None else before.transform(X)
    if isinstance(model, BaseMultimodalTransformer):
        kind, names = _Joint(model, X), list(model.modalities_)
    elif isinstance(model, BaseConditionalTransformer):
        kind, names = _Conditional(model, X, condition), [DATA, CONDITION]
        target = DATA if target is None else target
        check_parameter("target", target, (Options((DATA,)),), OWNER)
    else:
        raise TypeError(
            f"{OWNER} needs a multimodal or conditional model. Got "
            f"{type(model).__name__}."
        )
    given = _check_parts(target, given, names, method)
    if isinstance(kind, _Conditional) and CONDITION not in given:
        raise ValueError(
            f"The 'given' parameter of {OWNER} must have 'condition' for "
            f"{type(model).__name__}, which always needs it. Got {cut(given)} instead."
        )
    if method == "importance":
        found = kind.importance(target, given, n_samples, refine)
        return found if return_diagnostics else found.values
    return kind.predictive(target, given, n_samples)


def _check_parts(target, given, names, method):
    check_parameter("target", target, (Options(tuple(names)),), OWNER)
    if given is None:
        return [name for name in names if name != target]
    known = isinstance(given, list | tuple) and set(given) <= set(names)
    if not known or not given:
        raise ValueError(
            f"The 'given' parameter of {OWNER} must be a non-empty list of names from "
            f"{names}. Got {cut(given)} instead."
        )
    if method == "importance" and target in given:
        raise ValueError(
            f"ln p({target} | {', '.join(given)}) is 0 or infinite: leave the target "
            "out of 'given', or use method='predictive'."
        )
    return list(given)


class _Joint:
    """Conditional log-likelihoods of a multimodal model."""

    def __init__(self, model, X):
        self.model = model
        self.table = model._check_scorable(X)

    def predictive(self, target, given, n_samples):
        model = self.model
        at = list(model.modalities_).index(target)
        self._check_present([target, *given])
        table = self._only(given)
        evaluator, seed = model._evaluator(), _seed(model)
        module, columns = evaluator.module, model.modalities_[target]
        values = evaluator.rows(self.table)

        def mean(batch):
            whole = values.take(batch.index)
            x = whole.x[:, columns]  # (B, D_m)
            seen = None if whole.seen is None else whole.seen[:, columns]
            return _mean_of(
                module.likelihood_of(at, z).observed_log_prob(x, seen)
                for z in module.predictive_draws(
                    batch, row_noise(batch, seed), n_samples
                )
            )

        return evaluator.in_slices(table, mean, ROWS).astype(np.float64)

    def importance(self, target, given, n_samples, refine):
        """Return ln p(target, given) − ln p(given), both from the same draws.

        Half of the draws come from the posterior given the target as well, half from
        the one without it. Every draw that counts in p(target, given) also counts in
        p(given), so a discrete target never has a probability above 1.
        """
        self._check_present([target, *given])
        evaluator, seed = self.model._evaluator(), _seed(self.model)
        known = self._only([target, *given])
        hidden = evaluator.rows(self._only(given))
        module, at = evaluator.module, list(self.model.modalities_).index(target)

        def difference(batch):
            seen, blind = (
                proposal(module, part, row_noise(part, seed).fork(), refine)[0]
                for part in (batch, hidden.take(batch.index))
            )
            q = Defensive(seen, blind, 0.5)
            noise = row_noise(batch, seed)
            return _difference(module, batch, q, at, noise, n_samples)

        found = evaluator.in_slices(known, difference, ROWS)  # (n, 3)
        keys = evaluator.in_slices(known, lambda batch: row_noise(batch, seed).keys)
        values, errors, sizes = found.T
        return Diagnostics(values, errors, error_of_mean(errors, keys), sizes, 0.0, 0.0)

    def _only(self, kept):
        rest = [name for name in self.model.modalities_ if name not in kept]
        return self.model._hide(self.table.x, *rest)

    def _check_present(self, names):
        for name in names:
            columns = self.model.modalities_[name]
            missing = np.isnan(self.table.x[:, columns]).all(axis=1)
            if missing.any():
                raise ValueError(f"{name!r} is missing in row {np.argmax(missing)}.")


class _Conditional:
    """Conditional log-likelihoods of a model with conditions."""

    def __init__(self, model, X, condition):
        self.model, self.X, self.condition = model, X, condition
        self.table = model._check_scorable(X, Given(condition))

    def predictive(self, target, given, n_samples):
        evaluator, seed = self.model._evaluator(), _seed(self.model)
        module = evaluator.module
        seen = DATA in given

        def mean(batch):
            q = module.posterior(batch) if seen else module.blind_posterior(batch)
            draws = q.sample(row_noise(batch, seed), n_samples)  # (S, B, K)
            return module.log_likelihood(draws, batch).mean(0)

        return evaluator.in_slices(self.table, mean, ROWS).astype(np.float64)

    def importance(self, target, given, n_samples, refine):
        return self.model._log_likelihood(self.table, n_samples, refine=refine)


def _difference(module, batch, q, target, noise, n_samples):
    """Return ln p(target, given) − ln p(given), its error and its ESS, (B, 3).

    Both are estimated from the same draws z ~ q.
    """
    p = module.prior(batch)
    size, parts = max(1, CHUNK_ELEMENTS // batch.x.numel()), []
    for start in range(0, n_samples, size):
        z = q.sample(noise, min(size, n_samples - start))  # (S, B, K)
        blocks = module.likelihood(z, batch).block_log_probs(batch.x)
        joint = p.log_prob(z) - q.log_prob(z) + sum(blocks)  # (S, B)
        parts.append(torch.stack([joint, joint - blocks[target]]).double())
    with_target, without = torch.cat(parts, 1)  # (S, B) each
    seen, blind = weighted(with_target), weighted(without)
    error = std_error(seen.influence - blind.influence)
    sizes = torch.minimum(seen.effective_sample_size, blind.effective_sample_size)
    return torch.stack([seen.value - blind.value, error, sizes], 1)


def _seed(model):
    return derive_seed(model._seed, "evaluation")


def _mean_of(values):
    """Return the mean of an iterator of tensors without storing them."""
    total, n = 0, 0
    for value in values:
        total, n = total + value, n + 1
    return total / n
