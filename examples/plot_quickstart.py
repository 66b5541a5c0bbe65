"""
Quickstart: handwritten digits in a few numbers
===============================================

*Does a VAE help a classifier, and is it a better density than PCA?*

This example uses a variational autoencoder as a step of a scikit-learn pipeline. We
search its settings together with a classifier, compare its latents with principal
components and its density with that of probabilistic PCA. It takes about a minute on
two cores and writes ``quickstart.png``.
"""

# %%
# The data are 1797 pictures of digits, with 8 x 8 pixels of values from 0 to 16.

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skvae import VAETransformer
from skvae.plotting import LatentMapDisplay, ReconstructionDisplay, SampleDisplay

mpl.use("agg")  # the figure is saved to a file, so no screen is needed
torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# Search
# ------
# ``n_components`` is the number of latents. ``beta`` is the weight of the KL divergence
# from the prior: 1 gives the evidence lower bound; a smaller value lets the latents
# carry more information about a picture. ``clip=True`` keeps unseen pictures in [0, 1]
# as well.

vae = VAETransformer(likelihood="gaussian-shared", max_epochs=60, random_state=0)
pipeline = Pipeline(
    [
        ("scale", MinMaxScaler(clip=True)),
        ("vae", vae),
        ("clf", LogisticRegression(max_iter=1000)),
    ]
)
grid = {"vae__n_components": [4, 8, 16], "vae__beta": [0.3, 1.0]}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2)
try:  # a progress bar needs scikit-learn 1.9 or newer and rich
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=0))
except ImportError:
    search.set_params(verbose=3)

print("Searching: 18 fits, then one with the best setting on all training rows.")
search.fit(X_train, y_train)
best = search.best_estimator_
k = best["vae"].n_components
print(f"Best: n_components={k}, beta={best['vae'].beta}")

# %%
# Latents for a classifier
# ------------------------
# We train the same classifier on all pixels, on principal components and on latents.
# The nonlinear encoder gains most with few latents; many principal components are hard
# to beat.


def fit_with(reducer):
    """Fit the classifier on another reduction of the pixels."""
    return clone(pipeline).set_params(vae=reducer).fit(X_train, y_train)


plane = VAETransformer(2, likelihood="bernoulli", beta=0.5, random_state=0)
models = {
    f"{X.shape[1]} pixels": fit_with("passthrough"),
    f"PCA({k})": fit_with(PCA(k)),
    f"VAE, {k} latents": best,
    "PCA(2)": fit_with(PCA(2)),
    "VAE, 2 latents": fit_with(plane),
}
print("\nTest accuracy of a logistic regression (standard error 0.01 to 0.02)")
for name, model in models.items():
    print(f"  {name:<18}{model.score(X_test, y_test):8.3f}")

# %%
# Density
# -------
# ``score`` is the mean of ln p(x) over rows, in nats, like that of ``PCA``. Two scores
# are comparable only if both are densities of the same columns in the same units. A
# Bernoulli likelihood gives probabilities of 0/1 pixels instead, and merely dividing 64
# pixels by 16 would add 64 ln 16 = 177 nats to a density. Both models here are
# therefore Gaussian and see the same standardised pixels. We drop pixels that are
# (almost) always blank: a rare stroke there is dozens of standard deviations away and
# would dominate the mean.

standardise = make_pipeline(VarianceThreshold(0.25), StandardScaler()).fit(X_train)
Z_train, Z_test = standardise.transform(X_train), standardise.transform(X_test)

density = VAETransformer(
    k,
    likelihood="gaussian-shared",
    early_stopping=True,
    random_state=0,
    verbose=1,
).fit(Z_train)

print(f"\nMean ln p(x) of test rows, nats per row ({Z_test.shape[1]} pixels)")
for n in sorted({k, 32}):
    print(f"  {f'PCA({n})':<18}{PCA(n).fit(Z_train).score(Z_test):8.1f}")
print(f"  {f'VAE, {k} latents':<18}{density.score(Z_test):8.1f}")

# %%
# Figure
# ------
# For good samples, the latents must match the prior, which a ``beta`` below 1 does not
# enforce. We therefore sample from a model with ``beta=1`` and a learned prior.

sampler = clone(best[:-1]).set_params(vae__beta=1.0, vae__prior="vamp").fit(X_train)
shown = X_test[[np.flatnonzero(y_test == digit)[0] for digit in range(10)]]
digits = {"image_shape": (8, 8), "cmap": "gray_r"}

figure, axes = plt.subplot_mosaic(
    [["digits", "digits"], ["samples", "map"]],
    figsize=(9, 7),
    height_ratios=[1, 2],
    layout="constrained",
)
ReconstructionDisplay.from_estimator(best, shown, ax=axes["digits"], **digits)
axes["digits"].set_title(f"Test digits, reconstructed from {k} latents", loc="left")
SampleDisplay.from_estimator(
    sampler, X_train, random_state=0, ax=axes["samples"], **digits
)
axes["samples"].set_title("Samples", loc="left")
LatentMapDisplay.from_estimator(
    models["VAE, 2 latents"], X_test, y_test, class_labels="median", ax=axes["map"]
)
axes["map"].set_title("Test digits in two latents", loc="left")

path = Path("quickstart.png")
figure.savefig(path, dpi=120)
print(f"\nFigure saved as {path}")
