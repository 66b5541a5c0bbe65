"""What every estimator with a prior adds: sampling and likelihoods."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvae._validation import POSITIVE_INT, Options, check_parameter
from skvae.base._autoencoder import BaseAutoencoderTransformer
from skvae.base._parameters import VAE_PARAMETERS
from skvae.inference import LogLikelihood
from skvae.training import derive_seed


class BaseVAETransformer(BaseAutoencoderTransformer):
    """What every model with a prior adds: sampling and likelihoods."""

    _allowed = VAE_PARAMETERS
    _architecture = (*BaseAutoencoderTransformer._architecture, "prior")
    _module_settings = ("beta", "n_importance_samples")

    def sample(self, n_samples=1, random_state=None, mean=False):
        """Draw rows from the model, z ~ p(z) and x ~ p(x | z).

        Parameters
        ----------
        n_samples : int, default=1
            How many rows.
        random_state : int, RandomState or None, default=None
            Of the draws.
        mean : bool, default=False
            Give the mean of p(x | z) instead of a draw: smoother pictures.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            In the precision of the computation (``dtype``), without column names.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive int.
        """
        seed = self._check_draw(n_samples, random_state)
        evaluator = self._evaluator()
        return evaluator.sample(n_samples, self.n_features_in_, seed, mean)

    def _check_draw(self, n_samples, random_state, method="sample"):
        """Give a seed, or say what is wrong."""
        check_is_fitted(self)
        owner = f"{type(self).__name__}.{method}"
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), owner)
        random = check_random_state(random_state)
        return int(random.randint(np.iinfo(np.int32).max))

    def score_samples(self, X):
        """Estimate ln p(x) of each row by importance sampling (64 samples), in nats.

        The noise is seeded in fit and shared by all rows, so that a row's value is the
        same alone and among others. Always at β = 1, whatever was trained.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Log-density, or log-probability under discrete likelihoods; too low by the
            estimate's bias in expectation, less so with more samples.

        Raises
        ------
        ValueError
            If `X` has other columns than in fit, or values outside the likelihood's
            support.
        """
        return self.log_likelihood(X)

    def score(self, X, y=None):
        """Mean of `score_samples`, in nats a row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        float
            Nats a row.
        """
        return float(np.mean(self.score_samples(X)))

    def log_likelihood(
        self,
        X,
        n_samples=64,
        method="importance",
        return_std_error=False,
        return_diagnostics=False,
    ):
        """Estimate ln p(x) of each row, in nats, with control over the estimate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        n_samples : int, default=64
            Draws a row.
        method : {"importance", "elbo"}, default="importance"
            "importance": ln 1/S Σ_s p(x | z_s) p(z_s) / q(z_s | x), z_s ~ q(z | x)
            (Burda et al. 2016, eq. 8); "elbo": the lower bound at β = 1.
        return_std_error : bool, default=False
            Also give the Monte-Carlo error.
        return_diagnostics : bool, default=False
            Also give what tells how far to trust the estimate.

        Returns
        -------
        ndarray of shape (n_samples,), LogLikelihood or Diagnostics
            The values, or with ``return_std_error`` a named tuple ``(values, std_error,
            mean_std_error)``: of each row by the delta method, and of the mean over
            rows, which share their draws. With ``return_diagnostics`` there follow
            ``(effective_sample_size, log_normaliser, log_normaliser_error)``: of each
            row's weights, and what was subtracted where the prior is normalised only
            by an estimate.

        Raises
        ------
        ValueError
            As `score_samples`, and if an argument is not allowed.
        """
        table = self._check_scorable(X)
        result = self._log_likelihood(table, n_samples, method)
        return as_asked(result, return_std_error, return_diagnostics)

    def _log_likelihood(self, table, n_samples=64, method="importance"):
        owner = f"{type(self).__name__}.log_likelihood"
        check_parameter("n_samples", n_samples, (POSITIVE_INT,), owner)
        check_parameter("method", method, (Options(("importance", "elbo")),), owner)
        seed = derive_seed(self._seed, "evaluation")
        return self._evaluator().log_likelihood(table, n_samples, seed, method)

    def _distributions(self, X, condition=None):
        """Give q(z | x) and p(z) for all rows at once; for the metrics."""
        table = self._check_encodable(X, condition)
        return self._evaluator().distributions(table)


def as_asked(result, return_std_error, return_diagnostics):
    """Give as much of the `Diagnostics` as was asked for."""
    if return_diagnostics:
        return result
    return LogLikelihood(*result[:3]) if return_std_error else result.values
