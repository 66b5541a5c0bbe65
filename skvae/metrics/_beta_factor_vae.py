"""Scores of latents that guess which factor was held fixed."""

from numbers import Integral

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state, gen_batches

from skvae._validation import NON_NEGATIVE, POSITIVE_INT, Interval, check_parameter
from skvae.metrics._factors import check_labelled, check_varying, draw_rows

CHUNK_ELEMENTS = 2**22  # latents gathered at a time
AT_LEAST_TWO = Interval(Integral, 2)


def beta_vae_score(
    Z, factors, *, batch_size=64, n_train=10_000, n_test=5_000, random_state=None
):
    """Score of the β-VAE paper: a linear classifier tells which factor was equal.

    A vote is a random factor k and `batch_size` pairs of rows that agree in factor k
    and are random otherwise; its features are the mean of ``|z − z'|`` over the pairs,
    a number a latent. The score is the accuracy with which logistic regression tells k
    on new votes (Higgins et al. 2017, section 3); 1 / n_factors is chance.

    Settings are those of Locatello et al. (2019) in their ``disentanglement_lib``: 64
    pairs a vote, 10 000 votes to train and 5 000 to test, scikit-learn's logistic
    regression as it comes. Deviations: the optimum is that of the multinomial model,
    found with ``solver="newton-cholesky"`` (the library got the default of its time,
    one classifier a factor against the rest); and rows stand in for the generator of
    the data. The first row of a pair is any row, the second any of those with the same
    value of factor k. On a full grid of factors both are the same; else each value of
    each factor should have many rows.

    The penalty of the regression suits latents of a variance near 1; smaller ones score
    too low. Put a ``StandardScaler`` behind a transformer of another scale.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    batch_size : int, default=64
        Pairs of rows a vote.
    n_train, n_test : int, default=10_000, 5_000
        Votes to fit and to score on.
    random_state : int, RandomState or None, default=None
        Of the votes.

    Returns
    -------
    float
        In [0, 1], no unit.

    Raises
    ------
    ValueError
        As :func:`modularity_score`, and if the few votes asked for are of one factor.

    References
    ----------
    Higgins, I. et al. (2017). β-VAE: Learning Basic Visual Concepts with a Constrained
    Variational Framework. ICLR.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.metrics import beta_vae_score
    >>> factors = np.indices((4, 5)).reshape(2, -1).T
    >>> beta_vae_score(factors, factors, n_train=200, n_test=100, random_state=0)
    1.0
    """
    owner = "beta_vae_score"
    check_parameter("batch_size", batch_size, (POSITIVE_INT,), owner)
    votes = _Votes(Z, factors, batch_size, n_train, n_test, random_state, owner)
    features, fixed = votes.differences(n_train)
    model = LogisticRegression(solver="newton-cholesky").fit(features, fixed)
    return float(model.score(*votes.differences(n_test)))


def factor_vae_score(
    Z,
    factors,
    *,
    batch_size=64,
    n_train=10_000,
    n_test=5_000,
    n_variance=10_000,
    min_std=0.05,
    random_state=None,
):
    """Score of the FactorVAE paper: the latent that varies least tells what was fixed.

    A vote is a random factor k and `batch_size` rows that share one value of it; it
    goes from the latent whose variance in these rows, over its variance in all, is
    least, to factor k. Each latent stands for the factor that it got most votes for,
    and the score is the accuracy of that rule on new votes (Kim and Mnih 2018,
    section 4); 1 / n_factors is chance.

    Settings are those of Locatello et al. (2019) in their ``disentanglement_lib``: 64
    rows a vote, 10 000 votes to train and 5 000 to test, variances from 10 000 points,
    and no votes from latents whose standard deviation (not variance) is below 0.05, as
    its ``prune_dims`` has it. Where no latent may vote the score is 0, as there. Rows
    stand in for the generator of the data: the value of factor k is that of any row,
    and rows are drawn with replacement among those that have it. On a full grid of
    factors both are the same; else each value of each factor should have many rows.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    batch_size : int, default=64
        Rows a vote, at least 2.
    n_train, n_test : int, default=10_000, 5_000
        Votes to fit and to score on.
    n_variance : int, default=10_000
        Rows for the variance in all, at least 2; all where there are fewer.
    min_std : float, default=0.05
        Latents of a smaller standard deviation have no vote; in units of the latents,
        and made for a prior of variance 1.
    random_state : int, RandomState or None, default=None
        Of the votes.

    Returns
    -------
    float
        In [0, 1], no unit.

    Raises
    ------
    ValueError
        As :func:`modularity_score`.

    References
    ----------
    Kim, H. and Mnih, A. (2018). Disentangling by Factorising. ICML.
    Locatello, F. et al. (2019). Challenging Common Assumptions in the Unsupervised
    Learning of Disentangled Representations. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae.metrics import factor_vae_score
    >>> factors = np.indices((4, 5)).reshape(2, -1).T
    >>> factor_vae_score(factors, factors, n_train=200, n_test=100, random_state=0)
    1.0
    """
    owner = "factor_vae_score"
    check_parameter("batch_size", batch_size, (AT_LEAST_TWO,), owner)
    check_parameter("n_variance", n_variance, (AT_LEAST_TWO,), owner)
    check_parameter("min_std", min_std, (NON_NEGATIVE,), owner)
    votes = _Votes(Z, factors, batch_size, n_train, n_test, random_state, owner)
    variances = votes.variances(n_variance)
    voting = (variances > 0) & (np.sqrt(variances) >= min_std)
    if not voting.any():
        return 0.0
    counts = votes.least_varying(n_train, voting, variances)  # (n_factors, voting)
    stands_for = counts.argmax(axis=0)
    counts = votes.least_varying(n_test, voting, variances)
    right = counts[stands_for, np.arange(len(stands_for))]
    return float(right.sum() / n_test)


class _Votes:
    """Draws votes: rows that agree in one factor and are random otherwise.

    Rows are sorted by each factor once; those that share a value with a row are then a
    slice, given by its start and length.
    """

    def __init__(self, Z, factors, batch_size, n_train, n_test, random_state, owner):
        check_parameter("n_train", n_train, (POSITIVE_INT,), owner)
        check_parameter("n_test", n_test, (POSITIVE_INT,), owner)
        self.Z, codes = check_labelled(Z, factors, owner, min_factors=2)
        check_varying(codes, owner)
        self.batch_size = batch_size
        self.random = check_random_state(random_state)
        self.n, self.n_factors = codes.shape
        self.order = np.argsort(codes, axis=0, kind="stable")
        self.start, self.size = np.empty_like(codes), np.empty_like(codes)
        for j, column in enumerate(codes.T):
            sizes = np.bincount(column)
            self.start[:, j] = (np.cumsum(sizes) - sizes)[column]
            self.size[:, j] = sizes[column]

    def differences(self, n_votes):
        """Mean ``|z − z'|`` of each vote, (n_votes, n_components), and its factor."""
        fixed = self._factors(n_votes)
        first = self.random.randint(self.n, size=(n_votes, self.batch_size))
        second = self._sharing(fixed, first)
        features = [
            np.abs(self.Z[first[part]] - self.Z[second[part]]).mean(axis=1)
            for part in self._parts(n_votes)
        ]
        return np.concatenate(features), fixed

    def least_varying(self, n_votes, voting, variances):
        """How often each latent varies least at each factor, (n_factors, voting)."""
        fixed = self._factors(n_votes)
        one = self.random.randint(self.n, size=(n_votes, 1))
        rows = self._sharing(fixed, np.repeat(one, self.batch_size, axis=1))
        Z, variances = self.Z[:, voting], variances[voting]
        least = [
            (Z[rows[part]].var(axis=1, ddof=1) / variances).argmin(axis=1)
            for part in self._parts(n_votes)
        ]
        counts = np.zeros((self.n_factors, Z.shape[1]), dtype=int)
        np.add.at(counts, (fixed, np.concatenate(least)), 1)
        return counts

    def variances(self, size):
        """Variance of each latent in `size` rows."""
        rows = draw_rows(self.n, size, self.random)
        return self.Z[rows].var(axis=0, ddof=1)

    def _factors(self, n_votes):
        return self.random.randint(self.n_factors, size=n_votes)

    def _sharing(self, fixed, rows):
        """For each of `rows`, (n_votes, batch_size), draw one that agrees with it."""
        fixed = fixed[:, None]
        within = self.random.randint(self.size[rows, fixed])
        return self.order[self.start[rows, fixed] + within, fixed]

    def _parts(self, n_votes):
        """Slices of votes whose latents fit into memory together."""
        per_vote = self.batch_size * self.Z.shape[1]
        return gen_batches(n_votes, max(CHUNK_ELEMENTS // per_vote, 1))
