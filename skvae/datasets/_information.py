"""Exact information about data and tasks in linear Gaussian posteriors."""

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import Bunch

# Integrals against N(0, I) are sums over a grid: the error decreases exponentially in
# 1 / STEP, and the density beyond REACH is below 1e-17.
STEP, REACH = 0.05, 9.0
MAX_RANK = 2


def linear_posterior_information(truth, weights, intercepts, covariance):
    """Compute the information about data and task in a linear Gaussian posterior.

    Rows x of a task s are distributed as N(o_s, C), with the offsets o_s and
    C = W Wᵀ + σ² I of `truth`. A posterior q(z | x, s) = N(A x + b_s, Σ) then has the
    aggregated posterior q(z | s) = N(m_s, V) for each task, with m_s = A o_s + b_s and
    V = A C Aᵀ + Σ. With p(z) = N(0, I) and expectations over rows and tasks,

        I(X; Z | S) = ½ (ln det V − ln det Σ)
        I(S; Z) = −E_s E_N(z; m_s, V)[ln Σ_r p(r) N(z; m_r, V) / N(z; m_s, V)]
        E KL(q(z | x, s) || p(z)) = ½ (tr V + E|m_s|² − K − ln det Σ)
        KL(q(z) || p(z)) = ½ (tr V + E|m_s|² − K − ln det V) − I(S; Z),

    and the third is the sum of the others (Hoffman & Johnson 2016, with the information
    divided into that about the task and the rest). The ratio in I(S; Z) depends on z
    only within the space spanned by the means m_s, whitened by V. The expectation is a
    sum over a grid in this space, a line or a plane, with an error of about 1e-12.

    Parameters
    ----------
    truth : Bunch
        Result of `make_task_gaussians`.
    weights : array-like of shape (K, D)
        A; K may differ from that of `truth`.
    intercepts : array-like of shape (n_tasks, K), or broadcastable to it
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
        If shapes do not match, Σ is not positive definite, or the means of the tasks
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
    0.1532
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


def _row_covariance(truth):
    """Return W Wᵀ + σ² I, the covariance of the rows of one task, (D, D)."""
    n_features = len(truth.loadings)
    return truth.loadings @ truth.loadings.T + truth.noise**2 * np.eye(n_features)


def _checked(truth, weights, intercepts, covariance):
    """Check the arguments; return arrays of shapes (K, D), (n_tasks, K) and (K, K)."""
    weights = np.asarray(weights, dtype=float)
    n_features = len(truth.loadings)
    if weights.ndim != 2 or weights.shape[1] != n_features:
        raise ValueError(
            f"weights must have the shape (K, {n_features}). Got {weights.shape}."
        )
    shape = (len(truth.shares), len(weights))
    try:
        intercepts = np.broadcast_to(np.asarray(intercepts, dtype=float), shape)
    except ValueError as error:
        raise ValueError(
            f"intercepts must broadcast to {shape}. Got {np.shape(intercepts)}."
        ) from error
    covariance = np.asarray(covariance, dtype=float)
    if covariance.ndim == 1:
        covariance = np.diag(covariance)
    if covariance.shape != shape[1:] * 2:
        raise ValueError(
            f"covariance must have the shape {shape[1:] * 2} or {shape[1:]}. "
            f"Got {covariance.shape}."
        )
    symmetric = np.allclose(covariance, covariance.T)
    if not symmetric or np.linalg.eigvalsh(covariance)[0] <= 0:
        raise ValueError("covariance must be symmetric and positive definite.")
    return weights, intercepts, covariance


def _task_information(means, spread, shares):
    """Compute I(S; Z) for a mixture of N(m_s, V) with weights p(s)."""
    white = np.linalg.solve(np.linalg.cholesky(spread), means.T).T
    centres = _coordinates(white - white.mean(0))  # (n_tasks, r)
    grid = np.arange(-REACH, REACH + STEP / 2, STEP)
    axes = np.meshgrid(*[grid] * centres.shape[1], indexing="ij")
    t = np.stack([axis.ravel() for axis in axes], 1)  # (m, r), relative to a mean
    density = np.exp(-0.5 * np.square(t).sum(1))
    density /= density.sum()
    information = 0.0
    for share, centre in zip(shares, centres, strict=True):
        offset = centres - centre
        log_ratio = -0.5 * np.square(offset).sum(1) + t @ offset.T  # (m, n_tasks)
        log_ratio = logsumexp(log_ratio, axis=1, b=shares)
        information -= share * (density @ log_ratio)
    return max(0.0, float(information))


def _coordinates(points):
    """Return centred points in a basis of their span, of dimension 1 or more."""
    u, size, _ = np.linalg.svd(points, full_matrices=False)
    rank = int((size > 1e-10 * max(1.0, size[0])).sum())
    if rank > MAX_RANK:
        raise ValueError(
            "The means of the tasks, whitened, must lie on a line or in a plane. They "
            f"span {rank} dimensions."
        )
    rank = max(rank, 1)
    return u[:, :rank] * size[:rank]
