"""Information in the latents about the task."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils import check_random_state

from skvae.metrics._mutual_information import (
    _information,
    control_variate,
    controlled_mean,
    mask_own_row,
    pairwise_log_q,
)
from skvae.metrics._posteriors import draws, numbered, same_for_all, task_labels
from skvae.metrics._task_classifier import classifier_log_share

POWERS = tuple(4.0**-k for k in range(11))  # applied to the posteriors in q(s | z)


class TaskInformation(NamedTuple):
    """Two lower bounds on I(S; Z), and the estimate from them, in nats per row.

    Attributes
    ----------
    value : float
        The larger bound, or 0 or H(S) if it is outside.
    bound : {"posteriors", "classifier"}
        Which one is larger.
    posteriors, classifier : float
        The bounds as computed, which may be slightly below 0 or above H(S).
    """

    value: float
    bound: str
    posteriors: float
    classifier: float


class TaskDecomposition(NamedTuple):
    """The divergence from the prior and its three parts, in nats per row.

    Attributes
    ----------
    kl : float
        R(φ) = E[KL(q(z | x, s) || p(z))], the sum of the others.
    mutual_information_task : float
        I(S; Z).
    mutual_information_rows : float
        I(X; Z | S).
    prior_gap : float
        KL(q(z) || p(z)).
    """

    kl: float
    mutual_information_task: float
    mutual_information_rows: float
    prior_gap: float


def task_information(
    estimator,
    X,
    y=None,
    *,
    task=None,
    n_rows=2000,
    random_state=0,
    return_bounds=False,
):
    """Estimate I(S; Z), the information in the latents about the task, in nats.

    With the aggregated posteriors q(z | s) = E[q(z | x, s) | s] and q(z) of all tasks,

        I(S; Z) = E[ln q(z | s) − ln q(z)] = H(S) + E[ln q(s | z)].

    Any other c(s | z) in place of q(s | z) gives a lower bound (Barber & Agakov 2003).
    Two are estimated from one draw z per row, and the larger one is returned:

    - "posteriors": q(s | z) from averages over the posteriors of all rows but the
      draw's own. If few posteriors overlap, they are poor estimates. They are therefore
      widened to 1, 2, 4, ..., 2¹⁰ times their scale, and the largest bound is used.
    - "classifier": logistic regression, quadratic discriminant analysis and boosted
      trees, weighted, calibrated and evaluated by cross-validation.

    The value is between 0 and H(S), which is ln 2 for two tasks of equal size. For
    latents that tasks should share, smaller is better.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior, or a pipeline or search that contains one.
    X : array-like of shape (n_samples, n_features)
        Rows of all tasks, whose numbers determine p(s): if a task has one row in a
        hundred, I(S; Z) cannot exceed 0.06.
    y : None
        Ignored.
    task : str, int, array-like of shape (n_samples,) or None, default=None
        Task of each row: the name or position of a column of `X`, or one value per row,
        which is passed as ``condition`` to a model without ``condition_columns``. None
        means the only column in the model's ``condition_columns``.
    n_rows : int, default=2000
        Number of rows to use; a larger `X` is subsampled. Run time is quadratic in it.
    random_state : int, RandomState or None, default=0
        Seed of the subsample, the draws and the folds.
    return_bounds : bool, default=False
        Whether to return both bounds, and which is larger, as well.

    Returns
    -------
    float or TaskInformation
        Nats per row. With ``return_bounds``, a named tuple ``(value, bound, posteriors,
        classifier)``; ``bound`` says which one is larger.

    Raises
    ------
    TypeError
        If the model does not have a posterior distribution.
    ValueError
        If the tasks are not given, a task has only one row among those used, an
        argument is invalid, or `X` does not have the same columns as in fit.

    See Also
    --------
    task_accuracy : For any transformer.

    Notes
    -----
    For a model with ``condition_columns`` it can be used as a scorer directly.
    Otherwise, name the column: ``functools.partial(task_information, task="task")``.

    The estimate is too low if posteriors are narrow and the classifier would need more
    rows. For 2000 rows of two tasks whose means differ by 2 in the first of 32 latents,
    each with variance 1, and posteriors of scale 0.05, the posteriors give 0.20 and the
    classifier 0.32; the true value is 0.34.

    The classifier is evaluated on rows that it was not fitted to. If the latents are
    independent of the task, its bound is therefore not above 0 on average. The value
    then exceeds 0 only by chance, on average by less than 0.001 for 2000 rows.

    With 2000 rows, 32 latents and two tasks, the posteriors take about 1.5 s on one
    core and the classifier 0.4 s; with ten tasks, each takes about 2 s. With more than
    ten tasks, the trees are left out, as they would take most of the time.

    References
    ----------
    Barber, D. and Agakov, F. (2003). The IM Algorithm: A Variational Approach to
    Information Maximization. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CVAETransformer, VAETransformer
    >>> from skvae.metrics import task_information
    >>> X = load_digits().data[:400] / 16
    >>> task = np.arange(400) % 2  # every other picture is inverted
    >>> X = np.where(task[:, None], 1 - X, X)
    >>> table = np.column_stack([X, task])
    >>> cvae = CVAETransformer(2, condition_columns=[-1], max_epochs=9, random_state=0)
    >>> vae = VAETransformer(2, max_epochs=9, random_state=0).fit(X)
    >>> of_cvae = task_information(cvae.fit(table), table)
    >>> of_vae = task_information(vae, X, task=task, return_bounds=True)
    >>> 0 <= of_cvae < of_vae.value <= 0.6932
    True
    >>> of_vae.value == max(of_vae.posteriors, of_vae.classifier)
    True
    """
    random = check_random_state(random_state)
    q, p, z, ids = _task_draws(estimator, X, task, n_rows, random, "task_information")
    with torch.inference_mode():
        found = _task_information(q, p, z, ids, random)
    return found if return_bounds else found.value


def task_decomposition(estimator, X, y=None, *, task=None, n_rows=2000, random_state=0):
    """Split E[KL(q(z | x, s) || p(z))] into information and a gap to the prior.

    The divergence is the upper bound R(φ) on I(S; Z) in theorem 1 of Takahashi et al.
    (2022), which is loose by two terms:

        R(φ) = I(S; Z) + I(X; Z | S) + KL(q(z) || p(z)).

    Their optimal prior removes the last one. The identity is that of Hoffman & Johnson
    (2016), with the information divided into that about the task and the rest.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior and a prior, or a pipeline or search that
        contains one.
    X : array-like of shape (n_samples, n_features)
        Rows of all tasks.
    y : None
        Ignored.
    task : str, int, array-like of shape (n_samples,) or None, default=None
        As in `task_information`.
    n_rows : int, default=2000
        As in `task_information`.
    random_state : int, RandomState or None, default=0
        Seed of the subsample and the draws.

    Returns
    -------
    TaskDecomposition
        A named tuple ``(kl, mutual_information_task, mutual_information_rows,
        prior_gap)`` in nats per row; the first is the sum of the others. I(S; Z) is
        that of `task_information`, and the gap the lower bound of `prior_gap`.
        I(X; Z | S) is the rest, so it is too large if the others are too small.

    Raises
    ------
    TypeError
        If the model does not have a posterior, or has a prior per condition.
    ValueError
        As for `task_information`.

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
    >>> from sklearn.datasets import load_digits
    >>> from skvae import CVAETransformer
    >>> from skvae.metrics import task_decomposition
    >>> X, y = load_digits(return_X_y=True)
    >>> table = np.column_stack([X / 16, y % 2])
    >>> cvae = CVAETransformer(2, condition_columns=[-1], max_epochs=5, random_state=0)
    >>> kl, *parts = task_decomposition(cvae.fit(table), table, n_rows=500)
    >>> bool(np.isclose(kl, sum(parts)))
    True
    """
    random = check_random_state(random_state)
    q, p, z, ids = _task_draws(estimator, X, task, n_rows, random, "task_decomposition")
    if not same_for_all(p):
        raise TypeError(
            "task_decomposition needs one prior p(z) for all rows. This model has one "
            "prior per condition."
        )
    with torch.inference_mode():
        return _decomposition(q, p, z, ids, random)


def _task_draws(estimator, X, task, n_rows, random, owner):
    """Return q, p, z and the task numbers, a tensor (N,), of some rows."""
    tasks = task_labels(estimator, X, task, owner)
    q, p, z, tasks = draws(estimator, X, n_rows, random, owner, tasks)
    return q, p, z, torch.from_numpy(numbered(tasks, 2, owner)).to(z.device)


def _task_information(q, p, z, task, random):
    """Compute `TaskInformation` from q and p of N rows and one draw z of each."""
    share = torch.bincount(task).double() / len(task)
    entropy = -(share * share.log()).sum().item()
    if len(share) == 1:
        return TaskInformation(0.0, "posteriors", 0.0, 0.0)
    control = control_variate(q, p, z)
    logs = _posterior_log_share(q, z, task)
    posteriors = entropy + controlled_mean(logs, control[:, None]).max().item()
    latents = z.double().cpu().numpy()  # (N, K)
    logs = classifier_log_share(latents, task.cpu().numpy(), random)
    logs = torch.from_numpy(logs).to(control.device)
    classifier = entropy + controlled_mean(logs, control).item()
    return TaskInformation(
        value=float(np.clip(max(posteriors, classifier), 0.0, entropy)),
        bound="posteriors" if posteriors >= classifier else "classifier",
        posteriors=posteriors,
        classifier=classifier,
    )


def _posterior_log_share(q, z, task):
    """Return ln q(s | z) at each draw's own task for every power: (N, n_powers)."""
    found = []
    for rows, joint in pairwise_log_q(q, z):
        mask_own_row(joint, rows)
        other = task[rows, None] != task  # (b, N)
        each = [_log_share(power * joint, other) for power in POWERS]
        found.append(torch.stack(each, dim=1))
    return torch.cat(found)


def _log_share(joint, other):
    """Return ln of the share of each draw's density from rows of its own task: (b,)."""
    within = joint.masked_fill(other, -torch.inf)
    return within.logsumexp(1) - joint.logsumexp(1)


def _decomposition(q, p, z, task, random):
    """Return the divergence and its parts, from N rows and one draw of each."""
    found = _information(q, p, z)
    of_task = _task_information(q, p, z, task, random).value
    return TaskDecomposition(
        kl=found.kl,
        mutual_information_task=of_task,
        mutual_information_rows=found.upper - of_task,
        prior_gap=found.kl - found.upper,
    )
