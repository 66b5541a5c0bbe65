"""The base class of distributions, and KL divergences between them.

`torch.distributions` is not enough: it draws from the global generator only, rejects
grey values under a Bernoulli and has no divergence between a normal and a mixture. The
tests compare the two wherever both are defined.
"""

import torch


class Distribution:
    """One distribution over vectors for each row of a batch.

    Parameters of shape (..., B, D) give values of shape (..., B, D) and
    log-probabilities of shape (..., B): the event is always the last axis.
    """

    @property
    def mean(self):
        """The expected value, (..., B, D)."""
        raise NotImplementedError

    def log_prob(self, value):
        """Log-density or log-probability in nats, summed over the event: (..., B)."""
        raise NotImplementedError

    def marginal_log_prob(self, value):
        """Log-density of each latent separately, not summed: (..., B, K)."""
        raise NotImplementedError

    def cell_log_prob(self, value):
        """One term of ln p per column, (..., B, D), whose sum is `log_prob`.

        Columns are independent, except that several may hold one one-hot variable, the
        sum of whose terms is its log-probability. p(x | z) needs this if cells of x may
        be missing.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no density per cell ('cell_log_prob'), which "
            "missing cells need."
        )

    def observed_log_prob(self, value, seen=None):
        """Log-density of the observed cells, (..., B).

        Parameters
        ----------
        value : Tensor of shape (..., B, D)
            Values; those that are not observed must still be within the support.
        seen : Tensor of bool of shape (B, D), optional
            Which cells are observed; all by default. The columns of a one-hot variable
            are observed together or not at all.
        """
        if seen is None:
            return self.log_prob(value)
        return torch.where(seen, self.cell_log_prob(value), 0).sum(-1)

    def sample(self, noise, n_samples=None):
        """Draw values, (..., B, D), or (n_samples, ..., B, D) if `n_samples` is given.

        Parameters
        ----------
        noise : Noise
            Source of the random numbers.
        n_samples : int, optional
            Size of a new leading axis.
        """
        raise NotImplementedError

    def support(self, n_most):
        """Return all possible values, (N, K), if there are at most `n_most`; or None.

        Only distributions that are the same for every row have one.
        """
        return None

    @property
    def statistic(self):
        """Values, (..., B, E), whose mean over draws of z `typical` can read."""
        return self.mean

    def typical(self, statistic):
        """Return the mean, (..., B, D), of a mixture with this mean `statistic`.

        Discrete variables have their most probable value instead.
        """
        return statistic

    def as_normal(self):
        """Return the Normal with the same means and variances, or None."""
        return None

    def divergence_from(self, q, z):
        """Estimate KL(q || self) at draws z ~ q, if no closed form is registered."""
        return q.detached().log_prob(z) - self.log_prob(z)

    def detached(self):
        """Return the same distribution with parameters detached from the graph."""
        return self

    def rsample(self, noise, n_samples=None):
        """Draw as `sample` does, but reparameterised, so that gradients flow."""
        raise NotImplementedError(f"{type(self).__name__} has no reparameterised draw.")


_CLOSED_FORMS = {}


def register_kl(type_q, type_p):
    """Register the closed form of KL(q || p) for two families of independent latents.

    The function returns one value per row and latent, (..., B, K).
    """

    def register(function):
        _CLOSED_FORMS[type_q, type_p] = function
        return function

    return register


def kl(q, p, z=None):
    """KL(q || p) in nats, one value per row.

    Exact if a closed form is registered. Otherwise the one-sample estimate
    ``ln q(z) - ln p(z)`` at the given reparameterised draws z ~ q. Its gradient omits
    the derivative of ln q with respect to its own parameters at fixed z, which is zero
    on average and only adds noise (Roeder et al. 2017, eq. 8). A posterior equal to the
    prior then gets a gradient of exactly zero, not a random one that drowns out the
    gradient from the data.

    Parameters
    ----------
    q, p : Distribution
        With parameters of shape (..., B, K).
    z : Tensor of shape (..., B, K), optional
        Draws from `q`, required if there is no closed form.

    Returns
    -------
    Tensor of shape (..., B)
    """
    closed_form = _CLOSED_FORMS.get((type(q), type(p)))
    if closed_form is not None:
        return closed_form(q, p).sum(-1)
    _check_draws(q, p, z)
    return p.divergence_from(q, z)


def marginal_kl(q, p, z=None):
    """KL(q(z_k) || p(z_k)) of each latent k separately, in nats.

    Exact if a closed form is registered, otherwise estimated at the draws z ~ q. Under
    a prior with independent latents, the values add up to `kl`.

    Parameters
    ----------
    q, p : Distribution
        With parameters of shape (..., B, K).
    z : Tensor of shape (..., B, K), optional
        Draws from `q`, required if there is no closed form.

    Returns
    -------
    Tensor of shape (..., B, K)
    """
    closed_form = _CLOSED_FORMS.get((type(q), type(p)))
    if closed_form is not None:
        return closed_form(q, p)
    _check_draws(q, p, z)
    return q.marginal_log_prob(z) - p.marginal_log_prob(z)


def _check_draws(q, p, z):
    if z is None:
        raise ValueError(
            f"KL({type(q).__name__} || {type(p).__name__}) has no closed form: "
            "samples z ~ q are required."
        )
