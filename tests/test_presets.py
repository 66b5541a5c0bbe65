"""Published networks: their layers are those of the papers, and they train."""

import numpy as np
import pytest
from torch import nn

from skvae import (
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
    MPVAETransformer,
)
from skvae.autoencoders import ishikawa_mpvae
from skvae.multimodal import suzuki2018

MNIST = {"image": slice(0, 784), "label": slice(784, 794)}
CELEBA = {"image": slice(0, 3072), "label": slice(3072, 3112)}


def layers(module):
    """Return letters and widths in the notation of the paper."""
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


def test_the_celeba_networks_are_as_published():
    settings = suzuki2018("celeba", adversarial=True)
    encoder, decoder = settings["encoder"], settings["decoder"]
    assert layers(encoder["image"](3072)) == "C64R-C128BR-C256BR-C256BR-F"
    assert layers(encoder["label"](40)) == "D512R-D512BR"
    # The last F flattens images to rows, as this package represents them.
    assert layers(decoder["image"](128)) == "D4096R-DC256BR-DC128BR-DC64BR-DC3-F"
    assert layers(decoder["label"](128)) == "D4096R-D512BR"
    assert settings["joint_hidden_layer_sizes"] == (1024,)
    discriminator = settings["discriminator"](3072)
    assert layers(discriminator) == "C64R-C128BR-C256BR-C256BR-F-D1024R"


def test_the_mnist_networks_are_as_published():
    X = np.zeros((20, 794))
    X[np.arange(20), 784 + np.arange(20) % 10] = 1
    settings = suzuki2018("mnist") | {"max_epochs": 1}
    module = JMVAETransformer(modalities=MNIST, **settings).fit(X).module_
    for modality, width in zip(module.modalities, (784, 10), strict=True):
        assert layers(modality.encoder) == "D512R-D512R"
        assert layers(modality.decoder) == "D512R-D512R"
        assert layers(modality.head) == f"D{width}"
    assert layers(module.joint) == "D128"  # D64 for the mean and for the scale
    assert [layers(expert) for expert in module.experts] == ["D512R-D512R-D128"] * 2


@pytest.mark.parametrize(
    ("cls", "how"),
    [
        (JMVAETransformer, {}),
        (HierarchicalJMVAETransformer, {"layers": 2}),
        (JMVAEGANTransformer, {"adversarial": True}),
    ],
)
def test_shrunk_networks_train_on_faces(cls, how):
    X = np.random.default_rng(0).normal(size=(12, 3112))
    X[:, 3072:] = np.sign(X[:, 3072:])
    settings = suzuki2018("celeba", shrink=32, **how)
    settings |= {"max_epochs": 2, "n_iterations": 2, "batch_size": 6}
    model = cls(modalities=CELEBA, random_state=0, **settings).fit(X)
    X[:, :3072] = np.nan
    pictures = model.generate(X[:3], "image", random_state=0, mean=True)
    assert pictures.shape == (1, 3, 3072)
    assert (np.abs(pictures) <= 1).all()  # the output is a tanh


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"data": "cifar"}, "'data'"),
        ({"data": "mnist", "layers": 3}, "'layers'"),
        ({"data": "mnist", "shrink": 0}, "'shrink'"),
        ({"data": "mnist", "adversarial": True}, "'adversarial'"),
    ],
)
def test_an_unpublished_setting_is_refused(args, message):
    with pytest.raises(ValueError, match=message):
        suzuki2018(**args)


def test_the_two_path_network_is_as_published():
    settings = ishikawa_mpvae("dsprites")
    shallow, deep = settings["encoder"]
    assert layers(shallow(4096)) == "C32R-C32R-C64R-C64R-F"
    assert layers(deep(64 * 4 * 4)) == "C64R-F"
    decoder = settings["decoder"].set_params(widths=(3, 9))(12)
    (path0, path1), behind = decoder[0].parts, decoder[1:]
    assert layers(path0) == "D1024R"  # 64 of 4 x 4
    assert layers(path1) == "D256R-DC64R"  # 64 of 2 x 2
    assert [type(m).__name__ for m in behind[:4]] == ["Conv2d", "ReLU"] * 2
    assert [m.kernel_size for m in behind[:4:2]] == [(3, 3)] * 2
    assert behind[0].in_channels == 128  # concatenated along the channels
    assert layers(behind[4:]) == "DC64R-DC32R-DC32R-DC1-F"


@pytest.mark.parametrize(("data", "n_colours"), [("dsprites", 1), ("celeba", 3)])
def test_the_two_path_network_trains(data, n_colours):
    X = np.random.default_rng(0).random((20, n_colours * 64 * 64)) < 0.1
    params = ishikawa_mpvae(data, shrink=8)
    model = MPVAETransformer(**params, max_epochs=2, random_state=0).fit(X * 1.0)
    assert model.transform(X).shape == (20, sum(params["n_components"]))
    assert model.sample(3).shape == (3, X.shape[1])
    losses = model.history_[:, "train_loss"]
    assert losses[1] < losses[0]


@pytest.mark.parametrize("params", [{"data": "faces"}, {"data": "celeba", "shrink": 0}])
def test_an_unknown_two_path_network_is_refused(params):
    with pytest.raises(ValueError, match=f"'{list(params)[-1]}' parameter"):
        ishikawa_mpvae(**params)
