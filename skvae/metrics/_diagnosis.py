"""What a fitted model does with its latents, as a table and in words."""

import numpy as np

from skvae._validation import NON_NEGATIVE, check_parameter
from skvae.base import find_model
from skvae.metrics._mutual_information import information
from skvae.metrics._optional import import_frames

LISTED = 6  # latents named in a sentence


def diagnose(
    estimator, X, *, threshold=0.01, condition=None, n_rows=2000, random_state=0
):
    """Show what every latent does, and say whether the latents have collapsed.

    A latent that does not vary with the data has collapsed: its posterior is the prior
    for every row. E[KL(q(z | x) || p(z))] = I(X; Z) + KL(q(z) || p(z)) splits the
    divergence into what the latents know and how far they are, together, from the prior
    (Hoffman & Johnson 2016).

    Parameters
    ----------
    estimator : estimator
        A fitted estimator with a posterior and a prior, or a pipeline or search with
        one.
    X : array-like of shape (n_samples, n_features)
        Rows, preferably held out.
    threshold : float, default=0.01
        Variance of the posterior mean above which a latent is active (Burda et al.
        2016, section 5.2).
    condition : array-like of shape (n_samples,) or (n_samples, n), default=None
        Of each row, for a model that takes it as an argument.
    n_rows : int, default=2000
        A subset is drawn where `X` has more. Time grows with its square.
    random_state : int, RandomState or None, default=0
        Of the subset and of the draws.

    Returns
    -------
    DataFrame
        A row a latent, named as by ``latent_names``, and the columns

        - ``variance``: of the posterior mean over the rows (of a categorical variable
          that of its probabilities, added),
        - ``active``: whether that is above `threshold`,
        - ``kl``: E[KL(q(z_k | x) || p(z_k))],
        - ``mutual_information``: I(X; Z_k), a lower bound and at most ln `n_rows`,
        - ``gap``: KL(q(z_k) || p(z_k)), the difference of the two; NaN where every
          condition has a prior of its own,

        in nats, each latent by itself. Shown, it begins with what this means. The joint
        numbers are in ``attrs``: ``n_active``, ``kl``, and bounds from below and above
        ``mutual_information`` and ``gap``, as pairs.

    Raises
    ------
    ImportError
        If pandas is missing.
    TypeError
        If there is no posterior.
    ValueError
        If an argument is not allowed or `X` has other columns than in fit.

    See Also
    --------
    WarnOfCollapse : Watches the active latents during training.

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
    nothing = 0.0 if found.one_prior else np.nan  # to add to a gap
    gap = found.marginal_kl - found.marginal_information + nothing
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
        gap=(found.kl - found.upper + nothing, found.kl - found.lower + nothing),
    )
    known = model.get_params(deep=False)
    table.words = "\n".join(_sentences(table, found, found.n_rows, known))
    return table


def _sentences(table, found, n_rows, known):
    yield _activity(table, known)
    yield (
        f"The latents know {_between(found.lower, found.upper)} nats of a row "
        f"(the divergence from the prior is {found.kl:.2f})."
    )
    if found.lower > np.log(n_rows) - 1:
        yield (
            f"The lower number cannot exceed ln {n_rows} = {np.log(n_rows):.2f}: "
            "more rows would tell more."
        )
    gap = found.kl - found.upper
    if found.one_prior and gap > 1:
        yield (
            f"Together they are at least {gap:.2f} nats from the prior: samples fall "
            "where no row is encoded."
            + _advice(
                known, {"beta": "a larger beta", "prior": 'prior="vamp"'}, "helps"
            )
        )


def _advice(known, words, verb):
    """Name what may help, of the parameters that the model has."""
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
            "Collapsed: no latent is active, so transform gives about the same numbers "
            f"for every row.{_advice(known, words, 'may help')}"
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
