"""
Latents from two depths of one encoder
======================================

*Do latents from two depths of the encoder divide the work?*

The deep layers of an encoder discard information that later layers do not need. The
multi-path VAE, :class:`~skvae.MPVAETransformer`, therefore reads latents from several
depths. We train it on small pictures with known shape, size and position. Which factors
do the latents of each depth encode, and do they encode more than a VAE with as many
latents?
"""

# %%
# Pictures of four factors
# ------------------------
# The pictures show squares, discs and crosses of three sizes at 6 x 6 positions, on
# 16 x 16 pixels with noise. The factors of each picture are drawn at random.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.svm import SVC

from skvae import MPVAETransformer, VAETransformer
from skvae.nets import ConvEncoder, JoinedConvDecoder
from skvae.plotting import ReconstructionDisplay, TraversalDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

N_VALUES = {"shape": 3, "size": 3, "x": 6, "y": 6}


def draw(n, random):
    """Draw n pictures, (n, 256), and their factors."""
    factors = {name: random.integers(k, size=n) for name, k in N_VALUES.items()}
    shape, size, x, y = (codes[:, None, None] for codes in factors.values())
    row, column = np.indices((16, 16))
    across, up, radius = abs(column - x - 5), abs(row - y - 5), 2 + 1.5 * size
    square = np.maximum(across, up) <= radius
    disc = across**2 + up**2 <= radius**2
    cross = square & (np.minimum(across, up) <= size / 2)
    pictures = np.choose(shape, [square, disc, cross])
    pictures = pictures + 0.1 * random.standard_normal(pictures.shape)
    return pictures.reshape(n, 256), pd.DataFrame(factors)


random = np.random.default_rng(0)
X_train, train = draw(800, random)
X_test, test = draw(1000, random)

# %%
# The networks
# ------------
# Path 0 branches off after two convolutions, where a picture has 16 channels of 4 x 4.
# One more convolution leads to path 1. :class:`~skvae.nets.JoinedConvDecoder` upsamples
# both paths to 4 x 4 pixels, joins them and decodes the result. The VAE has the same
# three convolutions in sequence, and only the deep path of the decoder. Both models
# have four latents, as many as there are factors. The published network, for 64 x 64
# pixels, has its paths after four and five convolutions; it is available as
# :func:`~skvae.autoencoders.ishikawa_mpvae`.

settings = dict(
    likelihood="gaussian-shared", kl_warmup=5, batch_size=64, lr=4e-3, max_epochs=15
)
mpvae = MPVAETransformer(
    (2, 2),
    encoder=[
        ConvEncoder((1, 16, 16), channels=(8, 16), batch_norm=False),  # to 16 x 4 x 4
        ConvEncoder((16, 4, 4), channels=(16,), batch_norm=False),  # to 16 x 2 x 2
    ],
    decoder=JoinedConvDecoder((1, 16, 16), channels=(16, 8)),
    **settings,
).set_output(transform="pandas")
vae = VAETransformer(
    4,
    encoder=ConvEncoder((1, 16, 16), channels=(8, 16, 16), batch_norm=False),
    decoder=JoinedConvDecoder((1, 16, 16), channels=(16, 8), depths=(1,)),
    **settings,
)
seeds = range(3)
of_paths = [clone(mpvae).set_params(random_state=s).fit(X_train) for s in seeds]
of_vae = [clone(vae).set_params(random_state=s).fit(X_train) for s in seeds]

pictures = {"image_shape": (16, 16), "cmap": "gray_r"}
ReconstructionDisplay.from_estimator(of_paths[0], X_test[:10], **pictures)
plt.show()

# %%
# Position and size are reconstructed, the shape only in part: many pictures are blobs.
# The names of the latents contain their path. With ``paths=(1,)``, the same model is
# fitted, but ``transform`` returns only the latents of path 1; one epoch is enough to
# show this.

print(of_paths[0].transform(X_test[:3]).round(2).T)
deep = clone(mpvae).set_params(paths=(1,), max_epochs=1).fit(X_train)
print("paths=(1,):", *deep.get_feature_names_out())

# %%
# What each path encodes
# ----------------------
# We train a support vector classifier to predict each factor from the latents of path
# 0, of path 1, of both paths, and of the VAE. Bars are means over three seeds; small
# markers are single seeds. Dashed lines show the same classifier on all 256 pixels,
# dotted lines the chance level. With 1000 test pictures, the standard error of a marker
# is below 0.02.


def accuracies(Z_train, Z_test):
    """Return the accuracy on test pictures for each factor."""
    reader = SVC(C=10)
    return [reader.fit(Z_train, train[f]).score(Z_test, test[f]) for f in N_VALUES]


found = {"path 0": [], "path 1": [], "both paths": [], "VAE": []}
for model, other in zip(of_paths, of_vae, strict=True):
    tables = model.transform(X_train), model.transform(X_test)
    for name, part in (
        ("path 0", "path0"),
        ("path 1", "path1"),
        ("both paths", "path"),
    ):
        found[name].append(accuracies(*(table.filter(like=part) for table in tables)))
    found["VAE"].append(accuracies(other.transform(X_train), other.transform(X_test)))

colours = ["#3f90da", "#ffa90e", "#832db6", "#94a4a2"]
# sphinx_gallery_thumbnail_number = 2
figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
for i, ((name, values), colour) in enumerate(zip(found.items(), colours, strict=True)):
    places = np.arange(4) + 0.2 * (i - 1.5)
    ax.bar(places, np.mean(values, axis=0), 0.18, color=colour, label=name)
    for of_seed, marker in zip(values, "os^", strict=True):
        ax.plot(places, of_seed, marker, color="0.15", ms=4)
edges = np.arange(4) - 0.45, np.arange(4) + 0.45
pixels = accuracies(X_train, X_test)
chance = [1 / k for k in N_VALUES.values()]
ax.hlines(pixels, *edges, colors="0.15", ls="--", lw=1, label="pixels")
ax.hlines(chance, *edges, colors="0.15", ls=":", lw=1.5, label="chance")
ax.set_xticks(range(4), N_VALUES)
ax.set(ylabel="accuracy", ylim=(0, 1.05))
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

means = {name: np.mean(values, axis=1) for name, values in found.items()}
print("Mean accuracy over the factors, three seeds and their mean")
for name, mean in means.items():
    print(f"  {name:<11}", *[f"{m:.3f}" for m in mean], f"  {mean.mean():.3f}")
gain = means["both paths"] - means["VAE"]
error = gain.std(ddof=1) / np.sqrt(len(gain))
print(f"Both paths minus VAE: {gain.mean():.3f} +- {error:.3f}")

# %%
# Neither path encodes every factor, but together they encode the position. Which path
# encodes which factor differs between seeds, as the markers show. If x seems to go to
# one depth and y to the other, this is chance: pictures and networks treat both alike.
# Both paths together encode as much as the VAE's four latents, and not clearly more.
#
# The next table shows the KL divergence of each path and ln p(x) of 200 test pictures,
# in nats. Which of the two models has the higher density also depends on the seed.

nats = {
    seed: {
        "path 0": model.history_[-1]["kl_path0"],
        "path 1": model.history_[-1]["kl_path1"],
        "ln p(x)": model.score(X_test[:200]),
        "ln p(x), VAE": of_vae[seed].score(X_test[:200]),
    }
    for seed, model in enumerate(of_paths)
}
print(pd.DataFrame(nats).T.rename_axis("seed").round(1).to_string())

# %%
# What each latent does
# ---------------------
# The traversals start from the same test picture and vary one latent at a time. A line
# without changes belongs to an unused latent.

figure, axes = plt.subplots(1, 2, figsize=(11, 3.9), layout="compressed")
for ax, seed in zip(axes, (0, 1), strict=True):
    TraversalDisplay.from_estimator(
        of_paths[seed],
        X_test[:1],
        latents=range(4),
        values=7,
        ax=ax,
        **pictures,
    )
    ax.set_title(f"seed {seed}")
plt.show()

# %%
# The latents of both paths change several factors at once, such as size and position or
# shape and size. The paths do not separate the factors any better than the latents
# within a path do, and the bound does not encourage them to.
#
# Several depths are worth trying if pictures have both fine and coarse structure and
# the encoder is deep. These pictures are small, and three convolutions lose little
# information. Before you decide for several paths, compare the latents of each, their
# divergences ``kl_path0`` and ``kl_path1``, and a plain VAE.
