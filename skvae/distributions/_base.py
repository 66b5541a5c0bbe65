"""Distributions: the formulas and nothing else.

`torch.distributions` cannot serve here: it draws from the global generator only,
refuses grey values under a Bernoulli, and knows no divergence between a normal and a
mixture. The tests compare ours with it wherever both are defined.
"""


class Distribution:
    """A distribution over vectors, one for every row of a batch.

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
        """Log-density of each latent by itself, not summed: (..., B, K)."""
        raise NotImplementedError

    def sample(self, noise, n_samples=None):
        """Draw values, (..., B, D), or (n_samples, ..., B, D) where a number is given.

        Parameters
        ----------
        noise : Noise
            Where the random numbers come from.
        n_samples : int, optional
            Size of a new first axis.
        """
        raise NotImplementedError

    @property
    def mixture_mean(self):
        """The mean of the mixture of the first axis' distributions, (B, D)."""
        return self.mean.mean(0)

    def divergence_from(self, q, z):
        """Estimate KL(q || self) at draws z ~ q, where no closed form is registered."""
        return q.detached().log_prob(z) - self.log_prob(z)

    def detached(self):
        """Give the same distribution with parameters that no gradient reaches."""
        return self

    def rsample(self, noise, n_samples=None):
        """Draw values through which gradients flow; the shapes are `sample`'s."""
        raise NotImplementedError(f"{type(self).__name__} has no reparameterised draw.")


_CLOSED_FORMS = {}


def register_kl(type_q, type_p):
    """Register the closed form of KL(q || p) for two families of independent latents.

    The function gives one number a row and latent, (..., B, K).
    """

    def register(function):
        _CLOSED_FORMS[type_q, type_p] = function
        return function

    return register


def kl(q, p, z=None):
    """KL(q || p) in nats, one number a row.

    Exact where a closed form is registered; else the one-sample estimate
    ``ln q(z) - ln p(z)`` at the given draws z ~ q, reparameterised. Its gradient leaves
    out the derivative of ln q by its own parameters at fixed z, which is zero on
    average and all noise (Roeder et al. 2017, eq. 8): a posterior equal to the prior
    then gets no push at all, and not a random one that hides the data's.

    Parameters
    ----------
    q, p : Distribution
        With parameters of shape (..., B, K).
    z : Tensor of shape (..., B, K), optional
        Draws from `q`, needed only without a closed form.

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
    """KL(q(z_k) || p(z_k)) of each latent k by itself, in nats.

    Exact where a closed form is registered; else estimated at the draws z ~ q. Under a
    prior of independent latents they add up to `kl`.

    Parameters
    ----------
    q, p : Distribution
        With parameters of shape (..., B, K).
    z : Tensor of shape (..., B, K), optional
        Draws from `q`, needed only without a closed form.

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
            "it needs samples z ~ q."
        )
