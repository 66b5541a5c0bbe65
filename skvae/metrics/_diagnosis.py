"""Diagnosis of a fitted model's latents, as a table and in words."""

import numpy as np

from skvae._validation import NON_NEGATIVE, check_parameter
from skvae.base import find_model
from skvae.metrics._mutual_information import information
from skvae.metrics._optional import import_frames

LISTED = 6  # latents named in a sentence


def diagnose(
    estimator, X, *, threshold=0.01, condition=None, n_rows=2000, random_state=0
):
    """Show what each latent does, and whether the latents have collapsed.

    A latent that does not vary with the data has collapsed: its posterior equals the
    prior for every row. E[KL(q(z | x) || p(z))] = I(X; Z) + KL(q(z) || p(z)) splits the
    divergence into the information that the latents hold about the data and the
    distance of the aggregated posterior from the prior (Hoffman & Johnson 2016).

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
        bound.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If the model does not have a posterior distribution.
    ValueError
        If an argument is invalid, or `X` does not have the same columns as in fit.

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
    frames = import_frames("diagnose")
    check_parameter("threshold", threshold, (NON_NEGATIVE,), "diagnose")
    found = information(estimator, X, condition, n_rows, random_state, "diagnose")
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
    known = model.get_params(deep=False)
    table.words = "\n".join(_sentences(table, found, found.n_rows, known))
    return table


def _sentences(table, found, n_rows, known):
    yield _activity(table, known)
    yield (
        f"The latents hold {_between(found.lower, found.upper)} nats of information "
        f"about a row (the divergence from the prior is {found.kl:.2f})."
    )
    if found.lower > np.log(n_rows) - 1:
        yield (
            f"The lower bound cannot exceed ln {n_rows} = {np.log(n_rows):.2f}: "
            "a larger n_rows may raise it."
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
