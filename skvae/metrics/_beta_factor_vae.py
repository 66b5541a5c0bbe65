"""Disentanglement scores that predict which factor was held fixed."""

from numbers import Integral

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state, gen_batches

from skvae._validation import NON_NEGATIVE, POSITIVE_INT, Interval, check_parameter
from skvae.metrics._factors import check_labelled, check_varying, draw_rows

CHUNK_ELEMENTS = 2**22  # latents gathered per chunk
AT_LEAST_TWO = Interval(Integral, 2)


def beta_vae_score(
    Z, factors, *, batch_size=64, n_train=10_000, n_test=5_000, random_state=None
):
    """β-VAE score: how well a linear classifier tells which factor was fixed.

    A vote consists of a random factor k and `batch_size` pairs of rows that agree in
    factor k and are otherwise random. Its features are the mean of ``|z − z'|`` over
    the pairs, one value per latent. The score is the accuracy with which logistic
    regression predicts k on new votes (Higgins et al. 2017, section 3); chance is
    1 / n_factors.

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    64 pairs per vote, 10 000 training and 5 000 test votes, and scikit-learn's default
    logistic regression. There are two deviations. The regression is multinomial, with
    ``solver="newton-cholesky"``; the library used the default of its time, one-vs-rest.
    And pairs are drawn from the given rows, not from the ground-truth generator: the
    first is any row, the second any row with the same value of factor k. On a full grid
    of factors both are equivalent; otherwise, each value of each factor should have
    many rows.

    The penalty of the regression suits latents with a variance near 1; smaller latents
    score too low. If a transformer has a different scale, put a ``StandardScaler``
    after it.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    batch_size : int, default=64
        Pairs of rows per vote.
    n_train, n_test : int, default=10_000, 5_000
        Number of training and test votes.
    random_state : int, RandomState or None, default=None
        Seed of the votes.

    Returns
    -------
    float
        Score in [0, 1].

    Raises
    ------
    ValueError
        As for :func:`modularity_score`, and if all training votes happen to have the
        same factor.

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
    """FactorVAE score: how well the least varying latent tells which factor was fixed.

    A vote consists of a random factor k and `batch_size` rows that share one value of
    it. The latent with the least variance in these rows, relative to its variance in
    all rows, votes for factor k. Each latent predicts the factor that it voted for most
    often, and the score is the accuracy of this prediction on new votes (Kim and Mnih
    2018, section 4); chance is 1 / n_factors.

    The settings are those of Locatello et al. (2019) in their ``disentanglement_lib``:
    64 rows per vote, 10 000 training and 5 000 test votes, overall variances from
    10 000 points, and no votes from latents with a standard deviation (not variance)
    below 0.05, as in its ``prune_dims``. If no latent can vote, the score is 0, as in
    the library. Votes are drawn from the given rows, not from the ground-truth
    generator: the value of factor k is that of any row, and the rows of the vote are
    drawn with replacement from those with this value. On a full grid of factors both
    are equivalent; otherwise, each value of each factor should have many rows.

    Parameters
    ----------
    Z : array-like of shape (n, n_components)
        Latents of labelled rows.
    factors : array-like of shape (n, n_factors)
        Integer codes of the factors, at least two columns.
    batch_size : int, default=64
        Rows per vote, at least 2.
    n_train, n_test : int, default=10_000, 5_000
        Number of training and test votes.
    n_variance : int, default=10_000
        Number of rows for the overall variance, at least 2; all rows if there are
        fewer.
    min_std : float, default=0.05
        Latents with a smaller standard deviation do not vote. In units of the latents;
        the default suits a prior with variance 1.
    random_state : int, RandomState or None, default=None
        Seed of the votes.

    Returns
    -------
    float
        Score in [0, 1].

    Raises
    ------
    ValueError
        As for :func:`modularity_score`.

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
    predicted = counts.argmax(axis=0)
    counts = votes.least_varying(n_test, voting, variances)
    right = counts[predicted, np.arange(len(predicted))]
    return float(right.sum() / n_test)


class _Votes:
    """Draws votes: rows that agree in one factor and are otherwise random.

    Rows are sorted once by each factor. The rows that share a value with a given row
    are then a slice, stored as its start and size.
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
        """Return mean ``|z − z'|``, (n_votes, n_components), and factor per vote."""
        fixed = self._factors(n_votes)
        first = self.random.randint(self.n, size=(n_votes, self.batch_size))
        second = self._sharing(fixed, first)
        features = [
            np.abs(self.Z[first[part]] - self.Z[second[part]]).mean(axis=1)
            for part in self._parts(n_votes)
        ]
        return np.concatenate(features), fixed

    def least_varying(self, n_votes, voting, variances):
        """Count how often each latent votes for each factor, (n_factors, voting)."""
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
        """Return the variance of each latent in `size` rows."""
        rows = draw_rows(self.n, size, self.random)
        return self.Z[rows].var(axis=0, ddof=1)

    def _factors(self, n_votes):
        return self.random.randint(self.n_factors, size=n_votes)

    def _sharing(self, fixed, rows):
        """Draw a row with the same value for each of `rows`, (n_votes, batch_size)."""
        fixed = fixed[:, None]
        within = self.random.randint(self.size[rows, fixed])
        return self.order[self.start[rows, fixed] + within, fixed]

    def _parts(self, n_votes):
        """Yield slices of votes whose latents fit into memory."""
        per_vote = self.batch_size * self.Z.shape[1]
        return gen_batches(n_votes, max(CHUNK_ELEMENTS // per_vote, 1))
