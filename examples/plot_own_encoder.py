"""
Custom networks: convolutions
=============================

*How do I use an encoder of my own?*

``encoder`` and ``decoder`` accept any torch module. Here we replace the default layers
by a small convolutional encoder and decoder, and compare both on the same folds.
"""

# %%
# The networks
# ------------
# Each network is given as a function from the number of inputs to a module. Inputs and
# outputs are flat rows, so the modules reshape pictures themselves. The estimator adds
# the last layers, for the latents and the pixels, so the networks do not depend on the
# number of latents or the likelihood.

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from skvae import VAETransformer
from skvae.metrics import compare
from skvae.plotting import LatentMapDisplay, ManifoldDisplay, ReconstructionDisplay

torch.set_num_threads(1)  # networks this small do not gain from more


def encoder(n_in):
    """Map (n, 64) to (n, 128)."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, stride=2, padding=1),  # (n, 16, 4, 4)
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),  # (n, 32, 2, 2)
        nn.ReLU(),
        nn.Flatten(),
    )


def decoder(n_in):
    """Map (n, n_components) to (n, 256)."""
    return nn.Sequential(
        nn.Linear(n_in, 128),
        nn.ReLU(),
        nn.Unflatten(1, (32, 2, 2)),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),  # (n, 16, 4, 4)
        nn.ReLU(),
        nn.Flatten(),
    )


# %%
# Comparison
# ----------
# All other settings are the same. Both models see the same pixels in the same units, so
# their densities are comparable.

X, y = load_digits(return_X_y=True)
settings = dict(likelihood="gaussian-shared", lr=3e-3, max_epochs=40, random_state=0)
models = {
    "default layers": VAETransformer(8, **settings),
    "convolutions": VAETransformer(8, encoder=encoder, decoder=decoder, **settings),
}
print("Digits, eight latents: means over 3 folds ± their standard errors")
print(compare(models, X, y, cv=3))

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)
print("\nWeights")
for name, model in models.items():
    weights = model.fit(X_train).module_.parameters()
    print(f"  {name:<16}{sum(weight.numel() for weight in weights):8}")

# %%
# The convolutions reach the same density and nearly the same reconstruction error with
# a fifth of the weights. There is no more to gain on pictures of 8 x 8 pixels; the
# savings increase with the size of the pictures.
#
# Reconstructions
# ---------------

figure, axes = plt.subplots(2, 1, figsize=(8, 3.6), layout="compressed")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    ReconstructionDisplay.from_estimator(
        model, X_test, image_shape=(8, 8), cmap="gray_r", ax=ax
    )
    ax.set_title(name, loc="left")
plt.show()

# %%
# Two latents
# -----------
# With two latents, the whole latent space fits into one plot: on the left the pictures
# decoded over the plane, on the right the test digits in the same plane. Similar digits
# lie next to each other, with blends between them.

# sphinx_gallery_thumbnail_number = 2
plane = VAETransformer(2, encoder=encoder, decoder=decoder, **settings).fit(X_train)
figure, axes = plt.subplots(1, 2, figsize=(11, 5.2), layout="compressed")
ManifoldDisplay.from_estimator(
    plane, image_shape=(8, 8), n_values=11, cmap="gray_r", ax=axes[0]
)
LatentMapDisplay.from_estimator(
    plane, X_test, y_test, class_labels="median", ax=axes[1]
)
plt.show()
