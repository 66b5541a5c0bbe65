"""Gaussian data of several tasks, whose information is known exactly."""

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skvae._validation import (
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    RANDOM_STATE,
    Interval,
    Sequence,
    check_parameter,
)
from skvae.datasets._information import linear_posterior_information

OWNER = "make_task_gaussians"


def make_task_gaussians(
    n_samples=1000,
    n_tasks=2,
    *,
    n_components=2,
    n_features=8,
    separation=2.0,
    noise=0.5,
    random_state=None,
):
    """Make Gaussian data of several tasks, with exact posterior and information.

    A task s only shifts the data, along one direction of the latents:

        z ~ N(0, I),  x = W (z + c_s v) + σ ε,  ε ~ N(0, I),  c_s = δ (s − E[s]),

    where W has orthonormal columns and v = (1, ..., 1) / √K. As WᵀW = I, the posterior
    is

        p(z | x, s) = N(a Wᵀx − a c_s v, a σ² I),  a = 1 / (1 + σ²).

    It removes the task: the aggregated posterior q(z) is N(0, I), so I(S; Z) and
    KL(q(z) || p(z)) are 0, and I(X; Z | S) = (K / 2) ln(1 + 1 / σ²).

    A posterior that ignores the task, N(a Wᵀx, a σ² I), has the same information about
    the data, but q(z | s) is N(a c_s v, I). Then I(S; Z) is the information about s in
    one variable distributed as N(a c_s, 1), and
    KL(q(z) || p(z)) = a² E[c_s²] / 2 − I(S; Z). `linear_posterior_information` computes
    these values for any linear posterior.

    Parameters
    ----------
    n_samples : int or sequence of int, default=1000
        Number of rows, divided as evenly as possible, or the number for each task.
    n_tasks : int, default=2
        Number of tasks.
    n_components : int, default=2
        K, the number of latents.
    n_features : int, default=8
        D, the number of columns, at least K.
    separation : float, default=2.0
        δ, the distance between neighbouring tasks, in standard deviations of a latent.
    noise : float, default=0.5
        σ, the standard deviation of the noise.
    random_state : int, RandomState or None, default=None
        Seed of W, the latents, the noise and the order of rows.

    Returns
    -------
    Bunch
        - ``data`` : ndarray of shape (n, D), the rows.
        - ``task`` : ndarray of int of shape (n,), 0 to `n_tasks` − 1, in random order.
        - ``latents`` : ndarray of shape (n, K), z.
        - ``log_likelihood`` : ndarray of shape (n,), ln p(x | s) in nats.
        - ``loadings`` : ndarray of shape (D, K), W.
        - ``offsets`` : ndarray of shape (n_tasks, D), c_s W v.
        - ``noise`` : float, σ.
        - ``shares`` : ndarray of shape (n_tasks,), p(s), the share of rows.
        - ``posterior`` : Bunch, p(z | x, s) as ``weights`` (K, D), ``intercepts``
          (n_tasks, K) and ``covariance`` (K, K), with the entries of
          `linear_posterior_information`.
        - ``blind_posterior`` : Bunch, the same for the posterior that ignores the task.

    Raises
    ------
    ValueError
        If a parameter is invalid.

    See Also
    --------
    linear_posterior_information : The information of any linear posterior.

    Examples
    --------
    >>> from skvae.datasets import make_task_gaussians
    >>> truth = make_task_gaussians(500, separation=3.0, random_state=0)
    >>> truth.data.shape
    (500, 8)
    >>> round(truth.posterior.mutual_information_task, 4)
    0.0
    >>> round(truth.blind_posterior.mutual_information_task, 4)
    0.4221
    """
    _check(n_tasks, n_components, n_features, separation, noise, random_state)
    sizes = _sizes(n_samples, n_tasks)
    random = check_random_state(random_state)
    task = random.permutation(np.repeat(np.arange(n_tasks), sizes))
    loadings = np.linalg.qr(random.standard_normal((n_features, n_components)))[0]
    shifts = separation * (np.arange(n_tasks) - task.mean())
    shifts = np.outer(shifts, np.full(n_components, n_components**-0.5))  # c_s v
    offsets = shifts @ loadings.T
    z = random.standard_normal((len(task), n_components))
    x = z @ loadings.T + offsets[task]
    x += noise * random.standard_normal(x.shape)
    truth = Bunch(
        data=x,
        task=task,
        latents=z,
        loadings=loadings,
        offsets=offsets,
        noise=noise,
        shares=sizes / len(task),
    )
    truth.log_likelihood = _log_likelihood(truth)
    shrink = 1 / (1 + noise**2)
    truth.posterior = _posterior(truth, shrink, -shrink * shifts)
    truth.blind_posterior = _posterior(truth, shrink, np.zeros_like(shifts))
    return truth


def _check(n_tasks, n_components, n_features, separation, noise, random_state):
    check_parameter("n_tasks", n_tasks, (POSITIVE_INT,), OWNER)
    check_parameter("n_components", n_components, (POSITIVE_INT,), OWNER)
    wide = (Interval(Integral, n_components),)
    check_parameter("n_features", n_features, wide, OWNER)
    check_parameter("separation", separation, (NON_NEGATIVE,), OWNER)
    check_parameter("noise", noise, (POSITIVE,), OWNER)
    check_parameter("random_state", random_state, RANDOM_STATE, OWNER)


def _sizes(n_samples, n_tasks):
    """Return the number of rows of each task, (n_tasks,)."""
    words = "a sequence of positive ints, one per task"
    allowed = (Interval(Integral, n_tasks), Sequence(POSITIVE_INT, words, empty=False))
    if isinstance(n_samples, np.ndarray):
        n_samples = n_samples.tolist()
    check_parameter("n_samples", n_samples, allowed, OWNER)
    if isinstance(n_samples, Integral):
        return np.bincount(np.arange(n_samples) % n_tasks)
    if len(n_samples) != n_tasks:
        raise ValueError(
            f"The 'n_samples' parameter of {OWNER} has {len(n_samples)} values, but "
            f"'n_tasks' is {n_tasks}."
        )
    return np.array(n_samples)


def _log_likelihood(truth):
    """Return ln p(x | s): variance 1 + σ² in the span of W, σ² orthogonal to it."""
    rest = truth.data - truth.offsets[truth.task]
    inside = rest @ truth.loadings  # (n, K)
    outside = rest - inside @ truth.loadings.T  # (n, D)
    variance, n_outside = truth.noise**2, rest.shape[1] - inside.shape[1]
    squares = np.square(inside).sum(1) / (1 + variance)
    squares += np.square(outside).sum(1) / variance
    log_det = inside.shape[1] * np.log1p(variance) + n_outside * np.log(variance)
    return -0.5 * (squares + log_det + rest.shape[1] * np.log(2 * np.pi))


def _posterior(truth, shrink, intercepts):
    """Return N(a Wᵀx + b_s, a σ² I) and its information."""
    found = Bunch(
        weights=shrink * truth.loadings.T,
        intercepts=intercepts,
        covariance=shrink * truth.noise**2 * np.eye(truth.loadings.shape[1]),
    )
    return Bunch(**found, **linear_posterior_information(truth, **found))
