"""Published networks and settings, as parameters."""

from numbers import Integral

from skvae._validation import BOOLEAN, Interval, Options, check_parameter
from skvae.distributions import Bernoulli, Categorical, Gaussian
from skvae.nets import ConvDecoder, ConvEncoder, Dense

IMAGE_SHAPE = (3, 32, 32)


def suzuki2018(
    data,
    *,
    image="image",
    attributes="label",
    layers=1,
    adversarial=False,
    shrink=1,
):
    """Return the networks and settings of Suzuki and Matsuo (2018) as parameters.

    Parameters
    ----------
    data : {"mnist", "celeba"}
        "mnist": 28 x 28 pixels in [0, 1] and a one-hot label. "celeba": 3 x 32 x 32
        standardised values, channels first, and attributes of −1 and 1.
    image, attributes : str, default="image" and "label"
        Names of the two modalities.
    layers : {1, 2}, default=1
        Layers of latents: 1 for JMVAE, with experts or without; 2 for the hierarchical
        model.
    adversarial : bool, default=False
        Whether to include the discriminator of JMVAE-kl with GAN, which is published
        only for "celeba" with one layer.
    shrink : int, default=1
        Divisor of the width of every hidden layer, for machines without a GPU.

    Returns
    -------
    dict
        Parameters of :class:`~skvae.JMVAETransformer`,
        :class:`~skvae.HierarchicalJMVAETransformer` or
        :class:`~skvae.JMVAEGANTransformer`, without ``modalities``. The paper states
        neither the batch size nor the weight of the adversarial loss.

    Raises
    ------
    ValueError
        If an argument is not valid.

    Examples
    --------
    >>> from skvae import JMVAETransformer
    >>> from skvae.multimodal import suzuki2018
    >>> model = JMVAETransformer(
    ...     modalities={"image": slice(0, 784), "label": slice(784, 794)},
    ...     **suzuki2018("mnist"),
    ... )
    >>> model.n_components, model.hidden_layer_sizes, model.kl_warmup
    (64, (512, 512), 200)
    """
    owner = "suzuki2018"
    check_parameter("data", data, (Options(("mnist", "celeba")),), owner)
    check_parameter("layers", layers, (Interval(Integral, 1, 2, "both"),), owner)
    check_parameter("adversarial", adversarial, (BOOLEAN,), owner)
    check_parameter("shrink", shrink, (Interval(Integral, 1, 64, "both"),), owner)

    def width(*sizes):
        return tuple(size // shrink for size in sizes)

    found = {"mnist": _mnist, "celeba": _celeba}[data](width, image, attributes)
    found |= {"init": "random", "early_stopping": False}
    if adversarial:
        found |= _adversary(width, data, image, layers)
    if layers == 2:
        found["n_components"] = (found["n_components"], 64)
        found["upper_hidden_layer_sizes"] = width(512, 512)
    return found


def _mnist(width, image, attributes):
    return {
        "n_components": 64,
        "hidden_layer_sizes": width(512, 512),
        "likelihood": {image: Bernoulli(), attributes: Categorical()},
        "binarize": "dynamic",
        "n_iterations": 100,
        "kl_warmup": 200,
        "max_epochs": 2000,
        "lr": 1e-3,
    }


def _celeba(width, image, attributes):
    convolutions, back = width(64, 128, 256, 256), width(1024, 256, 128, 64)
    dense = width(512, 512)
    likelihood = Gaussian(scale=1.0, mean="tanh")
    return {
        "n_components": 128,
        "joint_hidden_layer_sizes": width(1024),
        "encoder": {
            image: ConvEncoder(IMAGE_SHAPE, convolutions),
            attributes: Dense(dense, batch_norm=(False, True)),
        },
        "decoder": {
            image: ConvDecoder(IMAGE_SHAPE, back),
            attributes: Dense(width(4096, 512), batch_norm=(False, True)),
        },
        "likelihood": {image: likelihood, attributes: likelihood},
        "n_iterations": 40,
        "kl_warmup": 20,
        "max_epochs": 50,
        "lr": 1e-4,
    }


def _adversary(width, data, image, layers):
    if data != "celeba" or layers != 1:
        raise ValueError(
            "The 'adversarial' parameter of suzuki2018 must be False, except for "
            "'celeba' with one layer: nothing else is published."
        )
    groups = ("optimizer", "optimizer_generator", "optimizer_discriminator")
    return {
        "image": image,
        "discriminator": ConvEncoder(
            IMAGE_SHAPE, width(64, 128, 256, 256), sizes=width(1024)
        ),
        "net_params": {f"{group}__betas": (0.5, 0.999) for group in groups},
    }
