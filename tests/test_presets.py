"""The published networks: layers as the paper lists them, and that they train."""

import numpy as np
import pytest
from torch import nn

from skvae import (
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
)
from skvae.multimodal import suzuki2018

MNIST = {"image": slice(0, 784), "label": slice(784, 794)}
CELEBA = {"image": slice(0, 3072), "label": slice(3072, 3112)}


def layers(module):
    """Letters and widths, as the paper writes them."""
    names = {nn.ReLU: "R", nn.BatchNorm1d: "B", nn.BatchNorm2d: "B", nn.Flatten: "F"}
    out = []
    for part in module.modules():
        if isinstance(part, nn.Linear):
            out.append(f"-D{part.out_features}")
        elif isinstance(part, nn.Conv2d):
            assert (part.kernel_size, part.stride) == ((4, 4), (2, 2))
            out.append(f"-C{part.out_channels}")
        elif isinstance(part, nn.ConvTranspose2d):
            assert (part.kernel_size, part.stride) == ((4, 4), (2, 2))
            out.append(f"-DC{part.out_channels}")
        elif type(part) in names:
            letter = names[type(part)]
            out.append("-F" if letter == "F" else letter)
    return "".join(out).lstrip("-")


def test_the_networks_of_celeba_are_the_published_ones():
    settings = suzuki2018("celeba", adversarial=True)
    encoder, decoder = settings["encoder"], settings["decoder"]
    assert layers(encoder["image"](3072)) == "C64R-C128BR-C256BR-C256BR-F"
    assert layers(encoder["label"](40)) == "D512R-D512BR"
    # The last F is of rows as this package has them.
    assert layers(decoder["image"](128)) == "D4096R-DC256BR-DC128BR-DC64BR-DC3-F"
    assert layers(decoder["label"](128)) == "D4096R-D512BR"
    assert settings["joint_hidden_layer_sizes"] == (1024,)
    discriminator = settings["discriminator"](3072)
    assert layers(discriminator) == "C64R-C128BR-C256BR-C256BR-F-D1024R"


def test_the_networks_of_mnist_are_the_published_ones():
    X = np.zeros((20, 794))
    X[np.arange(20), 784 + np.arange(20) % 10] = 1
    settings = suzuki2018("mnist") | {"max_epochs": 1}
    module = JMVAETransformer(modalities=MNIST, **settings).fit(X).module_
    for modality, width in zip(module.modalities, (784, 10), strict=True):
        assert layers(modality.encoder) == "D512R-D512R"
        assert layers(modality.decoder) == "D512R-D512R"
        assert layers(modality.head) == f"D{width}"
    assert layers(module.joint) == "D128"  # two of D64
    assert [layers(expert) for expert in module.experts] == ["D512R-D512R-D128"] * 2


@pytest.mark.parametrize(
    ("cls", "how"),
    [
        (JMVAETransformer, {}),
        (HierarchicalJMVAETransformer, {"layers": 2}),
        (JMVAEGANTransformer, {"adversarial": True}),
    ],
)
def test_small_ones_train_on_faces(cls, how):
    X = np.random.default_rng(0).normal(size=(12, 3112))
    X[:, 3072:] = np.sign(X[:, 3072:])
    settings = suzuki2018("celeba", shrink=32, **how)
    settings |= {"max_epochs": 2, "n_iterations": 2, "batch_size": 6}
    model = cls(modalities=CELEBA, random_state=0, **settings).fit(X)
    X[:, :3072] = np.nan
    pictures = model.generate(X[:3], "image", random_state=0, mean=True)
    assert pictures.shape == (1, 3, 3072)
    assert (np.abs(pictures) <= 1).all()  # a tanh


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"data": "cifar"}, "'data'"),
        ({"data": "mnist", "layers": 3}, "'layers'"),
        ({"data": "mnist", "shrink": 0}, "'shrink'"),
        ({"data": "mnist", "adversarial": True}, "'adversarial'"),
    ],
)
def test_what_is_not_published_is_refused(args, message):
    with pytest.raises(ValueError, match=message):
        suzuki2018(**args)
