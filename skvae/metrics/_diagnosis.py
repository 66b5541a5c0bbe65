"""Diagnosis of a fitted model's latents, as a table and in words."""

import numpy as np
from sklearn.utils import check_random_state

from skvae._validation import NATURAL, NON_NEGATIVE, check_parameter
from skvae.base import find_model
from skvae.inference import MIN_EFFECTIVE
from skvae.metrics._densities import decided_by_few, densities, summarise, worst
from skvae.metrics._mutual_information import information
from skvae.metrics._optional import import_frames
from skvae.metrics._posteriors import SEVERAL, subsample

LISTED = 6  # latents or rows named in a sentence


def diagnose(
    estimator,
    X,
    *,
    threshold=0.01,
    condition=None,
    n_rows=2000,
    n_samples=64,
    random_state=0,
):
    """Describe a fitted model's latents and ln p(x), in a table and in words.

    A latent that does not vary with the data has collapsed: its posterior equals the
    prior for every row. E[KL(q(z | x) || p(z))] = I(X; Z) + KL(q(z) || p(z)) splits the
    divergence into the information that the latents hold about the data and the
    distance of the aggregated posterior from the prior (Hoffman & Johnson 2016).

    The mean of ln p(x) over the rows may be that of a few absurd rows, and its estimate
    may rest on a single draw per row. The summary says so, and names the rows.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior and a prior, or a pipeline or search that
        contains one.
    X : array-like of shape (n_samples, n_features)
        Input data, preferably held out.
    threshold : float, default=0.01
        Variance of the posterior mean above which a latent is active (Burda et al.
        2016, section 5.2).
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Condition of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        Number of rows to use; a larger `X` is subsampled. Run time is quadratic in it.
    n_samples : int, default=64
        Importance samples per row for ln p(x). With 0, it is left out, and `X` may have
        values outside the likelihood's support.
    random_state : int, RandomState or None, default=0
        Seed of the subsample and the draws.

    Returns
    -------
    DataFrame
        One row per latent, named as in ``latent_names``, with the columns

        - ``variance``: variance of the posterior mean over the rows (for a categorical
          variable, summed over its probabilities),
        - ``active``: whether the variance is above `threshold`,
        - ``kl``: E[KL(q(z_k | x) || p(z_k))],
        - ``mutual_information``: I(X; Z_k), a lower bound that is at most ln `n_rows`,
        - ``gap``: KL(q(z_k) || p(z_k)), the difference of the two; NaN if each
          condition has its own prior.

        The last three are in nats, for each latent alone. The table is displayed with a
        summary in words above it. Joint values are in ``attrs``: ``n_active``, ``kl``,
        and ``mutual_information`` and ``gap``, each as a pair of a lower and an upper
        bound. Unless `n_samples` is 0, these are there too:

        - ``log_likelihood``, ``median_log_likelihood``: mean and median of ln p(x) over
          the rows, in nats,
        - ``worst_rows``: what the worst 1 % of the rows (at least one) add to the mean:
          the mean minus that of the other rows, in nats, at most 0,
        - ``worst_row_indices``: their positions in `X`, worst first,
        - ``effective_sample_size``: the median over the rows of the effective number of
          draws.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If the model does not have a posterior distribution.
    ValueError
        If an argument is invalid, `X` does not have the same columns as in fit, or has
        values outside the likelihood's support.

    See Also
    --------
    WarnOfCollapse : Monitor the active latents during training.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.metrics import diagnose
    >>> X = load_digits().data / 16
    >>> vae = VAETransformer(3, max_epochs=2, random_state=0).fit(X)
    >>> table = diagnose(vae, X, n_rows=500)
    >>> list(table.columns)
    ['variance', 'active', 'kl', 'mutual_information', 'gap']
    >>> list(table.index)
    ['vaetransformer0', 'vaetransformer1', 'vaetransformer2']
    """
    owner = "diagnose"
    frames = import_frames(owner)
    check_parameter("threshold", threshold, (NON_NEGATIVE,), owner)
    check_parameter("n_rows", n_rows, SEVERAL, owner)
    check_parameter("n_samples", n_samples, (NATURAL,), owner)
    random = check_random_state(random_state)
    X, index, condition = _rows(X, condition, n_rows, random)
    found = information(estimator, X, condition, n_rows, random, owner)
    table = _latents(frames, estimator, found, threshold)
    _, model = find_model(estimator, owner)
    known = model.get_params(deep=False)
    words = [*_sentences(table, found, known)]
    if n_samples:
        rows = densities(estimator, X, condition, n_samples)
        summary = summarise(rows)
        table.attrs.update(_density_attrs(rows.values, summary, index))
        words += _density_sentences(rows.values, summary, index, n_samples)
    table.words = "\n".join(words)
    return table


def _rows(X, condition, n_rows, random):
    """Return at most `n_rows` rows, their positions in X, and their condition."""
    index = np.arange(len(X))
    if condition is None:
        return *subsample(n_rows, random, X, index), None
    return subsample(n_rows, random, X, index, condition)


def _latents(frames, estimator, found, threshold):
    """Return the table of latents, with the joint values in its ``attrs``."""
    mask = 0.0 if found.one_prior else np.nan  # a gap needs one prior
    gap = found.marginal_kl - found.marginal_information + mask
    _, model = find_model(estimator, "diagnose")
    table = frames.Diagnosis(
        {
            "variance": found.variance,
            "active": found.variance > threshold,
            "kl": found.marginal_kl,
            "mutual_information": found.marginal_information,
            "gap": gap,
        },
        index=model.latent_names(),
    )
    table.attrs.update(
        n_active=int(table["active"].sum()),
        kl=found.kl,
        mutual_information=(found.lower, found.upper),
        gap=(found.kl - found.upper + mask, found.kl - found.lower + mask),
    )
    return table


def _density_attrs(values, found, index):
    """Return the entries of ``attrs`` on the log-likelihoods of the rows."""
    return {
        "log_likelihood": found.log_likelihood,
        "median_log_likelihood": found.median_log_likelihood,
        "worst_rows": found.worst_rows,
        "worst_row_indices": index[worst(values)].tolist(),
        "effective_sample_size": found.effective_sample_size,
    }


def _density_sentences(values, found, index, n_samples):
    """Yield sentences on the log-likelihoods of the rows."""
    yield (
        f"The mean of ln p(x) is {found.log_likelihood:.2f} nats per row, the median "
        f"{found.median_log_likelihood:.2f}. The median effective sample size is "
        f"{found.effective_sample_size:.1f} of {n_samples} draws."
    )
    if found.effective_sample_size < MIN_EFFECTIVE:
        yield (
            "For most rows a single draw decides the estimate, which is too low: do "
            "not rely on it. Raise 'refine' or 'n_samples' of log_likelihood."
        )
    if decided_by_few(found):
        yield _worst(values, index, -found.worst_rows)


def _worst(values, index, nats):
    """Return the sentence on the worst rows and what they take from the mean."""
    found = worst(values)
    shown = ", ".join(f"{index[i]} ({values[i]:.2f})" for i in found[:LISTED])
    if len(found) == 1:
        return (
            f"The worst row takes {nats:.2f} nats from the mean: look at row {shown}."
        )
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return (
        f"The worst 1 % of the rows ({len(found)} rows) take {nats:.2f} nats from the "
        f"mean: look at rows {shown}{more}."
    )


def _sentences(table, found, known):
    yield _activity(table, known)
    yield (
        f"The latents hold {_between(found.lower, found.upper)} nats of information "
        f"about a row (the divergence from the prior is {found.kl:.2f})."
    )
    if found.lower > np.log(found.n_rows) - 1:
        yield (
            f"The lower bound cannot exceed ln {found.n_rows} = "
            f"{np.log(found.n_rows):.2f}: a larger n_rows may raise it."
        )
    gap = found.kl - found.upper
    if found.one_prior and gap > 1:
        yield (
            f"Jointly, they are at least {gap:.2f} nats from the prior: samples fall "
            "where no row is encoded."
            + _advice(
                known, {"beta": "a larger beta", "prior": 'prior="vamp"'}, "helps"
            )
        )


def _advice(known, words, verb):
    """Suggest remedies, if the model has their parameters."""
    found = [said for name, said in words.items() if name in known]
    if not found:
        return ""
    text = f"{', '.join(found[:-1])} or {found[-1]}" if found[1:] else found[0]
    return f" {text[0].upper()}{text[1:]} {verb}."


def _activity(table, known):
    n_active, n = int(table["active"].sum()), len(table)
    if n_active == n:
        return f"All {n} latents are active." if n > 1 else "The latent is active."
    if n_active == 0:
        words = {
            "beta": "a smaller beta",
            "kl_warmup": "kl_warmup",
            "likelihood": "another likelihood",
            "prior": 'prior="vamp"',
        }
        return (
            "Collapsed: no latent is active; transform returns nearly the same "
            f"values for every row.{_advice(known, words, 'may help')}"
        )
    idle = [str(name) for name in table.index[~table["active"]]]
    more = f" and {len(idle) - LISTED} more" if len(idle) > LISTED else ""
    verb = "has" if len(idle) == 1 else "have"
    return (
        f"{n_active} of {n} latents are active; "
        f"{', '.join(idle[:LISTED])}{more} {verb} collapsed."
    )


def _between(low, high):
    low, high = max(0.0, low), max(0.0, high)
    if round(low, 1) == round(high, 1):
        return f"{low:.2f}"
    return f"between {low:.2f} and {high:.2f}"
