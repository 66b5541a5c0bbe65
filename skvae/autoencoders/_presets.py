"""The published network of several paths, ready to be passed on."""

from numbers import Integral

from skvae._validation import Interval, Options, check_parameter
from skvae.distributions import Bernoulli, Gaussian
from skvae.nets import ConvEncoder, JoinedConvDecoder

CHANNELS = (32, 32, 64, 64)


def ishikawa_mpvae(data, *, shrink=1):
    """Give the networks and widths of Ishikawa et al. as parameters.

    Four convolutions lead to path 0, a fifth to path 1; see
    :class:`~skvae.nets.JoinedConvDecoder` for the way back.

    Parameters
    ----------
    data : {"dsprites", "celeba"}
        "dsprites": 1 x 64 x 64 pixels of 0 and 1; 3 and 9 latents. "celeba": 3 x 64 x
        64 values in [0, 1], channels first; 8 and 24 latents.
    shrink : int, default=1
        Divides the number of channels, for machines without a GPU.

    Returns
    -------
    dict
        Parameters of :class:`~skvae.MPVAETransformer`. The number of channels is not
        published, nor are the likelihood, β and the optimiser: channels are 32, 32, 64
        and 64 here, the likelihood Bernoulli or a Gaussian of one scale.

    Raises
    ------
    ValueError
        If a parameter is not allowed.

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
    }
