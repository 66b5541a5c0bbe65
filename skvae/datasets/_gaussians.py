"""Gaussian rows of several tasks, whose information can be computed."""

from numbers import Integral

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
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

# The trapezoidal rule for N(0, 1). Its error falls exponentially in 1 / STEP, and
# beyond REACH the density is below 1e-17.
STEP, REACH = 0.05, 9.0
MAX_RANK = 2


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
    """Make Gaussian rows of several tasks, with their exact posterior and information.

    A task s only moves the rows, along one direction of the latents:

        z ~ N(0, I),  x = W (z + c_s v) + σ ε,  ε ~ N(0, I),  c_s = δ (s − E[s]),

    with orthonormal columns of W and v = (1, ..., 1) / √K. As WᵀW = I, the posterior is

        p(z | x, s) = N(a Wᵀx − a c_s v, a σ² I),  a = 1 / (1 + σ²).

    It removes the task: the aggregated posterior q(z) is N(0, I), so I(S; Z) and
    KL(q(z) || p(z)) are 0, and I(X; Z | S) = (K / 2) ln(1 + 1 / σ²).

    A posterior that does not see the task, N(a Wᵀx, a σ² I), knows as much of the rows,
    but q(z | s) is N(a c_s v, I). Then I(S; Z) is what one N(a c_s, 1) variable tells
    of s, and KL(q(z) || p(z)) = a² E[c_s²] / 2 − I(S; Z).
    `linear_posterior_information` gives these numbers for any linear posterior.

    Parameters
    ----------
    n_samples : int or sequence of int, default=1000
        Number of rows, divided as evenly as possible, or the number of each task.
    n_tasks : int, default=2
        Number of tasks.
    n_components : int, default=2
        K, the number of latents.
    n_features : int, default=8
        D, the number of columns, at least K.
    separation : float, default=2.0
        δ, the distance of neighbouring tasks, in standard deviations of a latent.
    noise : float, default=0.5
        σ, the standard deviation of the noise.
    random_state : int, RandomState or None, default=None
        Of W, the latents, the noise and the order of rows.

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
          (n_tasks, K) and ``covariance`` (K, K), and what
          `linear_posterior_information` says of it.
        - ``blind_posterior`` : Bunch, the same of the posterior without the task.

    Raises
    ------
    ValueError
        If a parameter is not allowed.

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
    0.4154
    """
    sizes = _sizes(n_samples, n_tasks)
    owner = "make_task_gaussians"
    check_parameter("n_components", n_components, (POSITIVE_INT,), owner)
    wide = (Interval(Integral, n_components),)
    check_parameter("n_features", n_features, wide, owner)
    check_parameter("separation", separation, (NON_NEGATIVE,), owner)
    check_parameter("noise", noise, (POSITIVE,), owner)
    check_parameter("random_state", random_state, RANDOM_STATE, owner)
    random = check_random_state(random_state)
    task = random.permutation(np.repeat(np.arange(n_tasks), sizes))
    loadings = np.linalg.qr(random.standard_normal((n_features, n_components)))[0]
    moved = separation * (np.arange(n_tasks) - task.mean())
    moved = np.outer(moved, np.full(n_components, n_components**-0.5))  # c_s v
    offsets = moved @ loadings.T
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
    rows = multivariate_normal(cov=_row_covariance(truth))
    truth.log_likelihood = np.atleast_1d(rows.logpdf(x - offsets[task]))
    shrink = 1 / (1 + noise**2)
    truth.posterior = _posterior(truth, shrink, -shrink * moved)
    truth.blind_posterior = _posterior(truth, shrink, np.zeros_like(moved))
    return truth


def _sizes(n_samples, n_tasks):
    """Give the number of rows of each task, (n_tasks,)."""
    owner = "make_task_gaussians"
    check_parameter("n_tasks", n_tasks, (POSITIVE_INT,), owner)
    words = "a sequence of positive ints, one a task"
    allowed = (Interval(Integral, n_tasks), Sequence(POSITIVE_INT, words, empty=False))
    if isinstance(n_samples, np.ndarray):
        n_samples = n_samples.tolist()
    check_parameter("n_samples", n_samples, allowed, owner)
    if isinstance(n_samples, Integral):
        return np.bincount(np.arange(n_samples) % n_tasks)
    if len(n_samples) != n_tasks:
        raise ValueError(
            f"The 'n_samples' parameter of {owner} has {len(n_samples)} values, and "
            f"'n_tasks' is {n_tasks}."
        )
    return np.array(n_samples)


def _posterior(truth, shrink, intercepts):
    """Give N(a Wᵀx + b_s, a σ² I) with its information."""
    found = Bunch(
        weights=shrink * truth.loadings.T,
        intercepts=intercepts,
        covariance=shrink * truth.noise**2 * np.eye(truth.loadings.shape[1]),
    )
    return Bunch(**found, **linear_posterior_information(truth, **found))


def linear_posterior_information(truth, weights, intercepts, covariance):
    """Compute what the latents of a linear Gaussian posterior know, and of what.

    Rows x of a task s are N(o_s, C), with o_s the offsets and C = W Wᵀ + σ² I of
    `truth`. A posterior q(z | x, s) = N(A x + b_s, Σ) then gives every task the
    aggregated posterior q(z | s) = N(m_s, V), with m_s = A o_s + b_s and
    V = A C Aᵀ + Σ. With p(z) = N(0, I) and expectations over rows and tasks

        I(X; Z | S) = ½ (ln det V − ln det Σ)
        I(S; Z) = −E_s E_N(z; m_s, V)[ln Σ_r p(r) N(z; m_r, V) / N(z; m_s, V)]
        E KL(q(z | x, s) || p(z)) = ½ (tr V + E|m_s|² − K − ln det Σ)
        KL(q(z) || p(z)) = ½ (tr V + E|m_s|² − K − ln det V) − I(S; Z),

    so that the third is the sum of the others (Hoffman & Johnson 2016, with the
    information divided into that of the task and the rest). In I(S; Z) the ratio
    depends on z only in the space of the means m_s, whitened by V. The expectation is a
    sum over a grid there, on a line or in a plane, and exact to about 1e-12.

    Parameters
    ----------
    truth : Bunch
        Of `make_task_gaussians`.
    weights : array-like of shape (K, D)
        A; K need not be that of `truth`.
    intercepts : array-like of shape (n_tasks, K), or what broadcasts to it
        b_s.
    covariance : array-like of shape (K, K) or (K,)
        Σ, or its diagonal.

    Returns
    -------
    Bunch
        In nats: ``mutual_information_task``, I(S; Z); ``mutual_information_rows``,
        I(X; Z | S); ``prior_gap``, KL(q(z) || p(z)); ``kl``, their sum.

    Raises
    ------
    ValueError
        If shapes do not fit, Σ is not positive definite, or the means of the tasks
        span more than a plane.

    References
    ----------
    Hoffman, M. D. and Johnson, M. J. (2016). ELBO surgery: yet another way to carve up
    the variational evidence lower bound. NeurIPS workshop on Advances in Approximate
    Bayesian Inference.

    Takahashi, H. et al. (2022). Learning Optimal Priors for Task-Invariant
    Representations in Variational Autoencoders. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.datasets import linear_posterior_information, make_task_gaussians
    >>> truth = make_task_gaussians(separation=3.0, random_state=0)
    >>> q = truth.posterior
    >>> half = linear_posterior_information(
    ...     truth, q.weights, 0.5 * q.intercepts, q.covariance
    ... )
    >>> round(half.mutual_information_task, 4)
    0.1544
    """
    weights, intercepts, covariance = _checked(truth, weights, intercepts, covariance)
    means = truth.offsets @ weights.T + intercepts  # (n_tasks, K)
    spread = weights @ _row_covariance(truth) @ weights.T + covariance  # V
    log_det_spread, log_det = (
        float(np.linalg.slogdet(matrix)[1]) for matrix in (spread, covariance)
    )
    power = float(np.trace(spread) + truth.shares @ np.square(means).sum(1))
    task = _task_information(means, spread, truth.shares)
    return Bunch(
        mutual_information_task=task,
        mutual_information_rows=0.5 * (log_det_spread - log_det),
        prior_gap=0.5 * (power - len(weights) - log_det_spread) - task,
        kl=0.5 * (power - len(weights) - log_det),
    )


def _checked(truth, weights, intercepts, covariance):
    weights = np.asarray(weights, dtype=float)
    n_features = len(truth.loadings)
    if weights.ndim != 2 or weights.shape[1] != n_features:
        raise ValueError(
            f"weights must have the shape (K, {n_features}). Got {weights.shape}."
        )
    covariance = np.asarray(covariance, dtype=float)
    if covariance.ndim == 1:
        covariance = np.diag(covariance)
    shapes = {
        "intercepts": (np.shape(intercepts), (len(truth.shares), len(weights))),
        "covariance": (covariance.shape, (len(weights), len(weights))),
    }
    intercepts = _broadcast(intercepts, *shapes["intercepts"])
    if covariance.shape != shapes["covariance"][1]:
        raise ValueError(
            f"covariance must have the shape {shapes['covariance'][1]}. "
            f"Got {covariance.shape}."
        )
    if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[
        0
    ] <= 0:
        raise ValueError("covariance must be symmetric and positive definite.")
    return weights, intercepts, covariance
