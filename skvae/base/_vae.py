"""Sampling and log-likelihoods, for estimators with a prior."""

import weakref

import numpy as np
from sklearn.utils import check_random_state

from skvae._validation import (
    BOOLEAN,
    COUNT,
    NATURAL,
    NONE,
    RANDOM_STATE,
    Options,
    check_parameter,
)
from skvae.annealing import N_TEMPERATURES
from skvae.base._arrays import in_kind
from skvae.base._autoencoder import BaseAutoencoderTransformer
from skvae.base._imputing import ImputingMixin
from skvae.base._shared_answers import shared_answer
from skvae.distributions import Noise
from skvae.exceptions import SkvaeEstimateWarning, warn_outside
from skvae.inference import LogLikelihood, is_too_low
from skvae.inputs import NOTHING, as_numpy, read_weights
from skvae.sources import by_blocks
from skvae.training import derive_seed

TOO_LOW = (
    "The estimate of ln p(x) is too low: in more than a tenth of the rows, one draw "
    "has most of the weight (an effective sample size below 2). Raise 'refine' or "
    "'n_samples' of log_likelihood, or use its method='ais'."
)
METHODS = ("importance", "elbo", "ais")
_WARNED = weakref.WeakSet()  # nets whose user has been told


class DensityMixin(ImputingMixin):
    """Adds `sample`, `sample_latents`, `score` and others, and `impute`."""

    def sample(self, n_samples=1, random_state=None, mean=False) -> np.ndarray:
        """Draw rows from the model, z ~ p(z) and x ~ p(x | z).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        mean : bool, default=False
            Whether to return the mean of p(x | z) instead of a draw; images are then
            smoother.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or data frame
            Rows in the precision of the computation (``dtype``), or float64 if a
            Gaussian column is far from zero.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive int.
        """
        seed = self._check_draw(n_samples, random_state, mean)
        width = self._columns.n_data
        x = self._evaluator().sample(n_samples, width, seed, mean)
        return self._restored(x)

    @in_kind
    def sample_latents(self, X, n_samples=1, random_state=None) -> np.ndarray:
        """Draw latents of rows from their posteriors, z ~ q(z | x).

        `transform` returns the means of these, which have no noise: a predictor can
        find more in them than a draw of z says about x.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=1
            Draws per row.
        random_state : int, RandomState or None, default=None
            Seed of the draws.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_rows, n_latents)
            Independent draws of all latents, in the precision of `X`. Categories are
            one-hot.

        Raises
        ------
        ValueError
            As `transform`, and if `n_samples` is not a positive int.
        """
        return self._sample_latents(X, n_samples, random_state)

    def _sample_latents(self, X, n_samples, random_state, given=NOTHING):
        seed = self._check_draw(n_samples, random_state, False, "sample_latents")
        table, evaluator = self._check_encodable(X, given), self._evaluator()
        module, noise = evaluator.module, Noise.from_seed(seed, evaluator.device)

        def drawn(batch):
            Z = module.posterior(batch).sample(noise, int(n_samples))  # (S, B, K)
            return Z.movedim(0, 1)

        Z = evaluator.in_slices(table, drawn)  # (n_rows, S, K)
        return np.moveaxis(Z, 1, 0).astype(table.dtype, copy=False)

    def _check_draw(self, n_samples, random_state, mean, method="sample"):
        """Check the arguments of a draw, and return its seed."""
        self._check_ready()
        owner = f"{type(self).__name__}.{method}"
        check_parameter("n_samples", n_samples, (COUNT,), owner)
        check_parameter("random_state", random_state, RANDOM_STATE, owner)
        check_parameter("mean", mean, (BOOLEAN,), owner)
        random = check_random_state(random_state)
        return int(random.randint(np.iinfo(np.int32).max))

    @by_blocks
    @in_kind
    def score_samples(self, X) -> np.ndarray:
        """Estimate ln p(x) of each row by importance sampling (64 samples), in nats.

        The samples come from posteriors that are refined for each row, see
        `log_likelihood`. Their seed is set in fit, and each row has its own, so that
        its value does not depend on the others. It is always computed at β = 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Log-density, or log-probability for discrete likelihoods. The estimate is
            a lower bound on average, and tighter with more samples.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or values outside the likelihood's
            support.
        """
        return self.log_likelihood(X)

    def score(self, X, y=None, sample_weight=None) -> float:
        """Return the mean of `score_samples`, in nats per row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the mean; equal by default.

        Returns
        -------
        float
            Nats per row.
        """
        return mean_score(self.score_samples(X), sample_weight)

    @in_kind
    def log_likelihood(
        self,
        X,
        n_samples=64,
        method="importance",
        return_std_error=False,
        return_diagnostics=False,
        refine=None,
        n_temperatures=N_TEMPERATURES,
    ):
        """Estimate ln p(x) of each row, in nats, with more options.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=64
            Draws per row.
        method : {"importance", "elbo", "ais"}, default="importance"
            "importance": ln 1/S Σ_s p(x | z_s) p(z_s) / q(z_s | x), z_s ~ q(z | x)
            (Burda et al. 2016, eq. 8); "elbo": the lower bound at β = 1; "ais":
            annealed importance sampling (Neal 2001), with `n_samples` chains per row
            from the prior to p(z | x), see `skvae.annealing`. It does not depend on the
            encoder, but is slow: use it to check the other two on some rows.
        return_std_error : bool, default=False
            Whether to return the Monte-Carlo errors too.
        return_diagnostics : bool, default=False
            Whether to return diagnostics of the estimate too.
        refine : int or None, default=None
            Steps by which the posterior of each row is refined before importance
            sampling, see `skvae.refinement`. Without, an encoder that has overfitted
            can make the estimate nats too low. Each step decodes every row once and
            differentiates. None means 20, and then 60 for rows whose bound is still
            rising or whose effective sample size is below 2, and 40 from the best of
            six starts for rows whose bound has risen by more than 120 nats; or 0 for
            Monte Carlo EM and for categorical latents. If the latter have at most 256
            values, ln p(x) is the sum over them.
        n_temperatures : int, default=250
            Number of temperatures of "ais", K. More raise the estimate towards ln p(x),
            and take proportionally longer.

        Returns
        -------
        ndarray of shape (n_samples,), LogLikelihood or Diagnostics
            The values. With ``return_std_error``, a named tuple ``(values, std_error,
            mean_std_error)``: the standard error of each row, by the delta method, and
            that of the mean over rows. They are due to the draws, and exclude how far
            the estimate lies below ln p(x) on average.
            With ``return_diagnostics``, also ``(effective_sample_size, log_normaliser,
            log_normaliser_error)``: the effective sample size of each row's weights
            and, if the prior's normaliser is estimated, ln of it, which was subtracted,
            with its error.

        Raises
        ------
        ValueError
            As `score_samples`, and if an argument is not valid.
        """
        table = self._check_scorable(X)
        result = self._log_likelihood(table, n_samples, method, refine, n_temperatures)
        return selected(result, return_std_error, return_diagnostics)

    def _log_likelihood(
        self,
        table,
        n_samples=64,
        method="importance",
        refine=None,
        n_temperatures=N_TEMPERATURES,
    ):
        owner = f"{type(self).__name__}.log_likelihood"
        check_parameter("n_samples", n_samples, (COUNT,), owner)
        check_parameter("method", method, (Options(METHODS),), owner)
        check_parameter("n_temperatures", n_temperatures, (COUNT,), owner)
        check_parameter("refine", refine, (NATURAL, NONE), owner)
        if refine and method != "importance":
            raise ValueError("refine goes with method='importance' only.")
        seed, evaluator = derive_seed(self._seed, "evaluation"), self._evaluator()
        refine = refine if refine is None else int(refine)
        counts = int(n_samples), int(n_temperatures)  # small ints of numpy overflow
        found = None
        if method == "importance":
            found = shared_answer(self.net_, table, counts[0], refine)
        if found is None:
            found = evaluator.log_likelihood(
                table, counts[0], seed, method, refine, counts[1]
            )
        if is_too_low(found, n_samples) and self.net_ not in _WARNED:
            _WARNED.add(self.net_)
            warn_outside(TOO_LOW, SkvaeEstimateWarning)
        return found

    def _distributions(self, X, given=NOTHING):
        """Return q(z | x) and p(z) of all rows; used by the metrics."""
        table = self._check_encodable(X, given)
        return self._evaluator().distributions(table)


class BaseVAETransformer(DensityMixin, BaseAutoencoderTransformer):
    """Base of models with a prior, for plain tables."""


def selected(result, return_std_error, return_diagnostics):
    """Return the part of `Diagnostics` that was asked for."""
    for name, value in (
        ("return_std_error", return_std_error),
        ("return_diagnostics", return_diagnostics),
    ):
        check_parameter(name, value, (BOOLEAN,), "log_likelihood")
    if return_diagnostics:
        return result
    return LogLikelihood(*result[:3]) if return_std_error else result.values


def mean_score(values, sample_weight):
    """Return the mean of values, (n,), with the argument ``sample_weight``."""
    values = as_numpy(values)
    weights = read_weights(sample_weight, len(values))
    return float(np.average(values, weights=weights))
