"""Lower and upper bounds on ln p(x) of simulated rows."""

import copy
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils import check_random_state

from skvae._validation import POSITIVE_INT, Interval, check_parameter
from skvae.annealing import N_TEMPERATURES, Annealing
from skvae.base import DensityMixin, find_model
from skvae.chunks import LIKELIHOOD_ROWS
from skvae.distributions import Noise, Tilted
from skvae.estimates import row_noise
from skvae.inference import Evaluator
from skvae.training import Table

OWNER = "log_likelihood_bounds"


class LogLikelihoodBounds(NamedTuple):
    """Bounds on ln p(x) of simulated rows, in nats per row.

    Attributes
    ----------
    lower, upper : float
        Means of the bounds over rows.
    gap : float
        ``upper - lower``.
    lower_error, upper_error, gap_error : float
        Standard errors of these three means over rows. Both bounds are of the same
        rows, so that the gap has a much smaller error than either bound.
    lower_values, upper_values : ndarray of shape (n_rows,)
        Bounds of each row. They hold on average, not for every row.
    """

    lower: float
    upper: float
    gap: float
    lower_error: float
    upper_error: float
    gap_error: float
    lower_values: np.ndarray
    upper_values: np.ndarray


def log_likelihood_bounds(
    estimator,
    *,
    n_rows=100,
    n_chains=16,
    n_temperatures=N_TEMPERATURES,
    random_state=0,
) -> LogLikelihoodBounds:
    """Bound the mean ln p(x) of simulated rows from both sides, in nats per row.

    Bidirectional Monte Carlo (Grosse et al. 2015; Wu et al. 2017). Rows are drawn from
    the model, z ~ p(z) and x ~ p(x | z), so that z is an exact draw of p(z | x). With S
    annealed chains per row that start at the prior, and S that start at z and run
    backwards, and w the product of the ratios of successive densities along a chain,

        E[ln 1/S Σ_s w_s] ≤ ln p(x) ≤ E[−ln 1/S Σ_s 1 / w'_s].

    The gap bounds the error of ``log_likelihood(method="ais")`` with as many chains and
    temperatures, on rows like those that the model generates. A gap of tenths of a nat
    says that the sampler works for this model. If it is larger, raise
    `n_temperatures`.

    Parameters
    ----------
    estimator : estimator
        A fitted model with a density, or a Pipeline or search that contains one. The
        rows are those that the model itself sees, after the steps before it.
    n_rows : int, default=100
        Number of rows to simulate, at least 2. A conditional model draws their
        conditions with the frequencies in fit, as its ``sample`` does.
    n_chains : int, default=16
        S, chains per row and direction.
    n_temperatures : int, default=250
        Number of temperatures, as in :meth:`skvae.VAETransformer.log_likelihood`.
    random_state : int, RandomState or None, default=0
        Seed of the rows and chains.

    Returns
    -------
    LogLikelihoodBounds
        A named tuple of the means ``lower``, ``upper`` and ``gap``, their standard
        errors, and the values per row.

    Raises
    ------
    TypeError
        If the estimator does not have a density.
    ValueError
        If a parameter is not valid, the latents are categories, or the prior cannot be
        drawn from exactly, such as :class:`~skvae.priors.DensityRatio`.

    References
    ----------
    Grosse, R. B., Ghahramani, Z. and Adams, R. P. (2015). Sandwiching the marginal
    likelihood using bidirectional Monte Carlo. arXiv:1511.02543.

    Wu, Y., Burda, Y., Salakhutdinov, R. and Grosse, R. (2017). On the Quantitative
    Analysis of Decoder-Based Generative Models. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import log_likelihood_bounds
    >>> vae = VAETransformer(2, max_epochs=20, random_state=0).fit(load_iris().data)
    >>> found = log_likelihood_bounds(vae, n_rows=20, n_chains=4, n_temperatures=100)
    >>> bool(-3 * found.gap_error < found.gap < 0.5)
    True
    """
    check_parameter("n_rows", n_rows, (Interval(Integral, 2),), OWNER)
    check_parameter("n_chains", n_chains, (POSITIVE_INT,), OWNER)
    check_parameter("n_temperatures", n_temperatures, (POSITIVE_INT,), OWNER)
    model = _density_model(estimator)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    table = Table(np.empty((n_rows, 0)), _conditions(model, n_rows, seed))
    # In double precision, so that rows and chains have exactly the same density.
    evaluator = Evaluator(copy.deepcopy(model.module_).double())
    rows, width = evaluator.rows(table), model._columns.n_data
    noise, parts = Noise.from_seed(seed, evaluator.device), []
    for index in torch.arange(n_rows).split(LIKELIHOOD_ROWS):
        z, batch = _simulated(evaluator.module, rows.take(index), width, noise)
        noise_of_rows = row_noise(batch, seed)
        chains = Annealing(evaluator.module, batch, noise_of_rows, n_temperatures)
        parts.append(_bounds(chains, z, n_chains))
    return _summary(*np.concatenate(parts, 1))


def _density_model(estimator):
    _, model = find_model(estimator, OWNER)
    if not isinstance(model, DensityMixin):
        raise TypeError(
            f"{OWNER} needs a model with a density. Got {type(model).__name__}."
        )
    model._check_ready()
    return model


def _conditions(model, n_rows, seed):
    """Return conditions of the rows, (n_rows, C), or None if the model has none."""
    conditions = getattr(model, "conditions_", None)
    if conditions is None:
        return None
    return conditions.encode(conditions.draw(n_rows, seed))


@torch.no_grad()
def _simulated(module, batch, width, noise):
    """Draw latents, (B, K), and rows; return them with the batch of the rows."""
    batch = batch._replace(x=batch.x.new_empty((len(batch.x), width)))
    prior = module.prior(batch)
    if isinstance(prior, Tilted):
        raise ValueError(
            f"{OWNER} needs a prior that can be drawn from exactly. A density-ratio "
            "prior cannot."
        )
    z = prior.sample(noise)
    return z, batch._replace(x=module.likelihood(z, batch).sample(noise))


@torch.no_grad()
def _bounds(chains, z, n_chains):
    """Return the lower and the upper bound of each row, (2, B)."""
    forward = chains.log_weights(n_chains).logsumexp(0)
    backward = (-chains.reverse_log_weights(z, n_chains)).logsumexp(0)
    log_n = np.log(n_chains)
    return torch.stack([forward - log_n, log_n - backward]).cpu().numpy()


def _summary(lower, upper):
    """Return means over rows, their standard errors, and the values, each (n_rows,)."""
    values = np.stack([lower, upper, upper - lower])
    errors = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    return LogLikelihoodBounds(
        *map(float, values.mean(axis=1)), *map(float, errors), lower, upper
    )
