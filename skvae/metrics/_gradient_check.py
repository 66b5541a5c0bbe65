"""Gradient estimators of categorical latents, compared with the exact gradient."""

import copy
import itertools
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state

from skvae._validation import POSITIVE, Interval, check_parameter
from skvae.autoencoders import GRADIENTS, CategoricalVAETransformer
from skvae.base import find_model
from skvae.distributions import Noise, kl

OWNER = "gradient_check"
MAX_CONFIGURATIONS = 4096  # of the latents


@dataclass(frozen=True)
class GradientCheck:
    """Bias, spread and direction of a gradient estimator.

    Attributes
    ----------
    bias : float
        ‖mean − exact‖ / ‖exact‖, with the mean over all draws.
    bias_error : float
        Monte Carlo error of the bias: the value to expect from an unbiased estimator.
    std : float
        Square root of the summed variances of one draw, divided by ‖exact‖.
    cosine : float
        Cosine similarity of the mean of all draws and the exact gradient.
    draw_cosine : float
        Mean cosine similarity of single draws and the exact gradient.
    """

    bias: float
    bias_error: float
    std: float
    cosine: float
    draw_cosine: float


def gradient_check(
    estimator, X, *, temperatures=(1.0, 0.5, 0.1), n_draws=200, random_state=None
):
    """Compare gradient estimators for the encoder with the exact gradient.

    The exact gradient is that of the mean ELBO of the rows of `X`,

        Σ_y q(y | x) ln p(x | y) − β KL(q(y | x) || p(y)),

    with respect to the encoder's parameters. It is summed over all
    ``n_categories ** n_variables`` configurations, so the latents have to be few.
    Target propagation yields a step of a different scale, of which only the direction
    is meaningful: look at its cosines. It also trains the encoder as the inverse of the
    decoder, which is left out here.

    Parameters
    ----------
    estimator : CategoricalVAETransformer
        Fitted, with any ``gradient``; or a Pipeline that ends with one.
    X : array-like of shape (n_samples, n_features)
        Input data.
    temperatures : sequence of float, default=(1.0, 0.5, 0.1)
        Temperatures of the estimators that have one.
    n_draws : int, default=200
        Number of draws of each gradient.
    random_state : int, RandomState or None, default=None
        Seed of the draws.

    Returns
    -------
    dict of str to GradientCheck
        With keys like "gumbel, 0.5", and "target-propagation".

    Raises
    ------
    TypeError
        If the estimator does not have categorical latents.
    ValueError
        If a parameter is invalid, or there are more than 4096 configurations.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CategoricalVAETransformer
    >>> from skvae.metrics import gradient_check
    >>> X = load_digits().data[:50] / 16
    >>> vae = CategoricalVAETransformer(
    ...     2, 3, likelihood="bernoulli", max_epochs=2, random_state=0
    ... ).fit(X)
    >>> found = gradient_check(vae, X, temperatures=[0.5], n_draws=20, random_state=0)
    >>> list(found)
    ['gumbel, 0.5', 'straight-through, 0.5', 'target-propagation']
    """
    before, model = find_model(estimator, OWNER)
    if not isinstance(model, CategoricalVAETransformer):
        raise TypeError(
            f"{OWNER} needs a CategoricalVAETransformer. Got {type(model).__name__}."
        )
    _check(model, temperatures, n_draws)
    X = X if before is None else before.transform(X)
    evaluator = model._evaluator()
    batch = evaluator.batch(model._check_scorable(X))
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    noise = Noise.from_seed(seed, evaluator.device)
    module = copy.deepcopy(model.module_)  # a copy, as its temperature is changed
    parameters = GRADIENTS["target-propagation"].groups(module)["encoder"]
    exact = _flat(-exact_bound(module, batch).mean(), parameters)
    found = {}
    for name, gradient, temperature in _settings(temperatures):
        module.temperature = temperature
        draws = [
            _draw(gradient, module, batch, noise, parameters) for _ in range(n_draws)
        ]
        found[name] = _compared(torch.stack(draws), exact)
    return found


def _check(model, temperatures, n_draws):
    check_parameter("n_draws", n_draws, (Interval(Integral, 2),), OWNER)
    for temperature in temperatures:
        check_parameter("temperatures", temperature, (POSITIVE,), OWNER)
    n = model.n_categories**model.n_variables
    if n > MAX_CONFIGURATIONS:
        raise ValueError(
            f"{OWNER} sums over all configurations of the latents, at most "
            f"{MAX_CONFIGURATIONS}. The model has "
            f"{model.n_categories} ** {model.n_variables} = {n}."
        )


def exact_bound(module, batch):
    """Return the ELBO of each row, summed over all configurations, (B,).

    Parameters
    ----------
    module : CategoricalVAE
        With few latents.
    batch : Batch
        Input rows.
    """
    q, y = module.posterior(batch), configurations(module).to(batch.x)  # (C, V K)
    y = y.unsqueeze(1)  # (C, 1, V K)
    log_likelihood = module.log_likelihood(y, batch)  # (C, B)
    expected = (q.log_prob(y).exp() * log_likelihood).sum(0)
    beta = module.beta * module.kl_weight
    return expected - beta * kl(q, module.prior(batch))


def configurations(module):
    """Return all values of the latents, one-hot: (K ** V, V K)."""
    eye = np.eye(module.n_categories)
    rows = itertools.product(eye, repeat=module.n_variables)
    return torch.as_tensor(np.array([np.concatenate(row) for row in rows]))


def _settings(temperatures):
    """Yield the name of each gradient with its estimator and temperature."""
    for name in ("gumbel", "straight-through"):
        for temperature in temperatures:
            yield f"{name}, {temperature:g}", GRADIENTS[name], temperature
    yield "target-propagation", GRADIENTS["target-propagation"], 1.0


def _draw(gradient, module, batch, noise, parameters):
    """Return one draw of the gradient for the encoder, (P,)."""
    loss, _ = gradient.surrogate(module, batch, noise)
    return _flat(loss.mean(), parameters)


def _flat(value, parameters):
    gradients = torch.autograd.grad(value, parameters)
    return torch.cat([gradient.flatten() for gradient in gradients]).double()


def _compared(draws, exact):
    """Compare draws, (S, P), with the exact gradient, (P,)."""
    mean, size = draws.mean(0), exact.norm()
    variance = draws.var(0).sum()
    return GradientCheck(
        bias=float((mean - exact).norm() / size),
        bias_error=float((variance / len(draws)).sqrt() / size),
        std=float(variance.sqrt() / size),
        cosine=float(torch.cosine_similarity(mean, exact, 0)),
        draw_cosine=float(torch.cosine_similarity(draws, exact[None], 1).mean()),
    )
