"""A warning after `fit` if the latents do not vary with the data."""

import numpy as np

from skvae.exceptions import SkvaeCollapseWarning, warn_outside
from skvae.inference import Evaluator

N_ROWS = 1000
ACTIVE_VARIANCE = 0.01  # of the posterior means of a latent in use (Burda et al. 2016)
MIN_SHARE = 8  # more than one latent in so many should be in use
MIN_STEPS = 100  # of training; before, latents are hardly in use yet


def warn_of_collapse(estimator, rows):
    """Warn if at most one latent in eight varies over the training rows.

    A fit that was asked for less than a hundred steps is not judged. Rows with missing
    modalities are left out, as their posteriors may take a Markov chain each.

    Parameters
    ----------
    estimator : BaseAutoencoderTransformer
        A fitted estimator.
    rows : Rows
        Its training rows.
    """
    some = rows.evenly_spaced(N_ROWS, complete=True)
    if len(some) < 2 or _n_steps(estimator.net_, len(rows)) < MIN_STEPS:
        return
    module = estimator.module_
    means = Evaluator(module).in_slices(
        some, lambda batch: module.posterior(batch).mean
    )
    active = np.var(means, axis=0, dtype=np.float64) > ACTIVE_VARIANCE
    if active.sum() <= len(active) // MIN_SHARE:
        warn_outside(_message(estimator, active), SkvaeCollapseWarning)


def _n_steps(net, n_rows):
    """Return the number of steps of all epochs, those that early stopping saved too."""
    n_epochs = max(net.max_epochs, len(net.history))
    return n_epochs * max(1, n_rows // net.batch_size)


def _message(estimator, active):
    n_active, n_latents = int(active.sum()), len(active)
    if n_active:
        unused = (
            f"Only {n_active} of {n_latents} latents are in use: the posterior means "
            "of the others hardly vary"
        )
    else:
        unused = (
            f"None of the {n_latents} latents is in use: their posterior means hardly "
            "vary"
        )
    return (
        f"{unused} over the training rows. Try {remedies(estimator)}. If the columns "
        "are independent, or so few latents are enough, nothing is wrong. "
        "skvae.metrics.diagnose describes each latent."
    )


def remedies(estimator):
    """Return in words what helps against collapse, among an estimator's parameters."""
    params = estimator.get_params(deep=False)
    beta = np.max(params.get("beta", 0.0))
    if beta > 1:  # nothing else helps against a heavy divergence
        return f"beta=1 or less (it is {params['beta']})"
    found = ["beta=0.1"] if beta > 0.1 else []
    if params.get("kl_warmup") == 0:
        found.append("kl_warmup=20")
    if params.get("init") == "random":
        found.append("init='auto'")
    return " or ".join(found or ["more epochs"])
