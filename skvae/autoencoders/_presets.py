"""Published networks of multi-path models, as parameters."""

from numbers import Integral

from skvae._validation import Interval, Options, check_parameter
from skvae.distributions import Bernoulli, Gaussian
from skvae.nets import ConvEncoder, JoinedConvDecoder

CHANNELS = (32, 32, 64, 64)


def ishikawa_mpvae(data, *, shrink=1):
    """Return the networks and latents of Ishikawa et al. as parameters.

    Path 0 starts after four convolutions, path 1 after a fifth. For the decoder see
    :class:`~skvae.nets.JoinedConvDecoder`.

    Parameters
    ----------
    data : {"dsprites", "celeba"}
        "dsprites": 1 x 64 x 64 pixels of 0 and 1; 3 and 9 latents. "celeba": 3 x 64 x
        64 values in [0, 1], channels first; 8 and 24 latents.
    shrink : int, default=1
        Divisor of the numbers of channels, for machines without a GPU.

    Returns
    -------
    dict
        Parameters of :class:`~skvae.MPVAETransformer`. The paper does not state the
        numbers of channels, the likelihood, β or the optimizer. Here the channels are
        32, 32, 64 and 64, and the likelihood is Bernoulli for "dsprites" and a Gaussian
        with one scale for "celeba".

    Raises
    ------
    ValueError
        If an argument is not valid.

    Examples
    --------
    >>> from skvae import MPVAETransformer
    >>> from skvae.autoencoders import ishikawa_mpvae
    >>> model = MPVAETransformer(**ishikawa_mpvae("dsprites"), beta=4)
    >>> model.n_components
    (3, 9)
    """
    owner = "ishikawa_mpvae"
    check_parameter("data", data, (Options(("dsprites", "celeba")),), owner)
    check_parameter("shrink", shrink, (Interval(Integral, 1, 32, "both"),), owner)
    channels = tuple(size // shrink for size in CHANNELS)
    colours = {"dsprites": 1, "celeba": 3}[data]
    shape, deepest = (colours, 64, 64), channels[-1]
    return {
        "n_components": {"dsprites": (3, 9), "celeba": (8, 24)}[data],
        "encoder": [
            ConvEncoder(shape, channels, batch_norm=False),
            ConvEncoder((deepest, 4, 4), (deepest,), batch_norm=False),
        ],
        "decoder": JoinedConvDecoder(shape, channels[::-1]),
        "likelihood": Bernoulli() if data == "dsprites" else Gaussian("shared"),
        "early_stopping": False,
    }
