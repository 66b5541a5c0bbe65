"""
Missing cells, with intervals
=============================

*How well does a model fill holes, and how sure is it?*

A third of the cells of the iris table are hidden. A VAE is fitted to what is left, and
fills the rest: with conditional means, and with draws, whose spread says how certain
each cell is. If a cell follows from the others of its row, as the width of a petal
follows from its length, its interval is short.
"""

# %%
# Rows with holes
# ---------------
# :class:`~skvae.VAEImputer` fits its model to rows with holes and fills them. Any model
# with ``impute`` will do; without one, it chooses a model for the table.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_iris

from skvae import VAEImputer, VAETransformer

torch.set_num_threads(1)  # networks this small do not gain from more

data = load_iris()
X = data.data
hidden = np.random.default_rng(0).random(X.shape) < 0.33
holed = np.where(hidden, np.nan, X)
print(f"{hidden.sum()} of {X.size} cells are missing")

model = VAETransformer(
    4,
    likelihood="gaussian",
    hidden_layer_sizes=(128, 128),
    dropout=0.1,
    early_stopping=False,
    random_state=0,
)
imputer = VAEImputer(model).fit(holed)
filled = imputer.transform(holed)
draws = imputer.estimator_.impute(holed, n_imputations=100, random_state=0)

# %%
# Means
# -----
# Errors in standard deviations of the columns, against those of column means.

unit, mean = X.std(0), np.nanmean(holed, 0)
for name, j in zip(data.feature_names, range(4), strict=True):
    at = hidden[:, j]
    of_model, of_mean = (
        np.sqrt(np.mean(np.square(values - X[at, j]))) / unit[j]
        for values in (filled[at, j], mean[j])
    )
    print(f"{name:18} {of_model:.2f}, with means {of_mean:.2f}")

# %%
# Draws
# -----
# The central 90 % of the draws, for the cells of two columns. About nine in ten true
# values should lie inside.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for axis, j in zip(axes, (1, 3), strict=True):
    at = np.flatnonzero(hidden[:, j])
    low, high = np.quantile(draws[:, at, j], [0.05, 0.95], axis=0)
    inside = (low <= X[at, j]) & (X[at, j] <= high)
    errors = np.abs([filled[at, j] - low, high - filled[at, j]])
    axis.errorbar(X[at, j], filled[at, j], errors, fmt="o", ms=3, lw=0.8)
    axis.axline((X[:, j].mean(), X[:, j].mean()), slope=1, color="0.6", zorder=0)
    axis.set(
        title=f"{data.feature_names[j]}: {inside.mean():.0%} inside",
        xlabel="true value",
        ylabel="imputed",
    )
plt.show()
