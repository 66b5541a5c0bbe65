"""
β-VAE, VampPrior and IWAE: three parameters
===========================================

*What do β, the VampPrior and importance weighting change?*

Three well-known variants of the VAE are parameters of :class:`~skvae.VAETransformer`
rather than classes: ``beta`` (β-VAE: Higgins et al. 2017), ``prior`` (VampPrior:
Tomczak and Welling 2018) and ``n_importance_samples`` (IWAE: Burda et al. 2016). We
train the same network with each of them, compare the results, and then look at what
each variant changes.
"""

# %%
# One network, four objectives
# ----------------------------
# Everything else is equal, including the number of epochs.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.metrics import compare, diagnose, n_active_units
from skvae.plotting import LatentMapDisplay, SampleDisplay
from skvae.training import Batch

torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True)
X = X / 16
vae = VAETransformer(
    16,
    likelihood="gaussian-shared",
    hidden_layer_sizes=(128,),
    lr=5e-3,
    max_epochs=20,
    random_state=0,
)
changes = {
    "VAE": {},
    "β-VAE": {"beta": 4},
    "VampPrior": {"prior": "vamp"},
    "IWAE": {"n_importance_samples": 10},
}
models = {name: clone(vae).set_params(**change) for name, change in changes.items()}
colours = dict(zip(models, ["#3f90da", "#ffa90e", "#bd1f01", "#832db6"], strict=True))

# %%
# In numbers
# ----------
# :func:`~skvae.metrics.compare` fits every model on the same three folds and evaluates
# it on held-out rows: ln p(x) by importance sampling (mean, median, what the worst rows
# add to the mean, and the Monte Carlo error of the mean, all in nats) with the
# effective sample size, the reconstruction error, and the accuracy of a downstream
# classifier, here a pipeline of ``StandardScaler`` and ``LogisticRegression``. We add
# two columns: the evidence lower bound, with ``beta=1`` whatever the training
# objective, and the number of active latents.


def bound(model, X, y=None):
    return model.log_likelihood(X, method="elbo").mean()


classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
table = compare(
    models,
    X,
    y,
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
    downstream=classifier,
    scoring={"bound": bound, "active": n_active_units},
)
print("Digits: means over 3 folds ± their standard errors")
print(table.rename(columns={"monte_carlo_error": "mc_error"}))

runs = pd.DataFrame(table.attrs["runs"])
values = runs.pivot(index="estimator", columns="fold", values="log_likelihood")
print("\nln p(x) minus that of the VAE on the same fold")
print((values - values.loc["VAE"]).drop("VAE").round(2).to_string())

# %%
# The learned prior and the ten samples both increase ln p(x) over the VAE, on every
# fold. ``beta=4`` loses far more than the others gain, as expected: it optimises a
# different objective. The accuracies of the classifier differ much less. The bound
# ranks the models differently from ln p(x): the IWAE is below the VAE. The last section
# explains why.
#
# β: the weight of the divergence
# -------------------------------
# The following sections use a single split. The KL divergence of a latent limits the
# information that it can carry about a row. With ``beta=4``, the divergence has four
# times the weight.

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
divergences = {
    name: np.sort(diagnose(model.fit(X_train), X_test)["kl"])[::-1]
    for name, model in models.items()
}
figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, kl in divergences.items():
    label = f"{name}, {kl.sum():.1f} nats in total"
    ax.plot(range(1, 17), kl, "o-", ms=4, color=colours[name], label=label)
ax.set(xlabel="latents, largest first", ylabel="divergence (nats)", ylim=(0, 2.9))
ax.legend(frameon=False, ncols=2)
plt.show()

n_low = np.sum(divergences["β-VAE"] < 0.05)
print(f"Latents of the β-VAE below 0.05 nats: {n_low} of 16")

# %%
# The β-VAE keeps a few latents and nearly switches off the others. By the usual
# criterion, a variance of the posterior mean above 0.01, nearly all of them still count
# as active, as the table shows: active is not the same as informative. A large ``beta``
# is meant for compact codes and for latents to be interpreted one by one. If the true
# factors are known, the disentanglement scores in :mod:`skvae.metrics` show whether it
# helps. It does not help density estimation.
#
# VampPrior: samples
# ------------------
# We sample the 16 latents from each model's prior and decode them without noise.

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="compressed")
figure.get_layout_engine().set(wspace=0.06)
digits = {"image_shape": (8, 8), "n_samples": 49, "cmap": "gray_r"}
for ax, (name, model) in zip(axes, models.items(), strict=True):
    SampleDisplay.from_estimator(model, X_train, random_state=0, ax=ax, **digits)
    ax.set_title(name)
plt.show()

# %%
# Samples from the VampPrior look most like digits. To measure this, we count how many
# of 1000 samples have ten nearest training digits that all belong to one class.

neighbours = KNeighborsClassifier(10).fit(X_train, y_train)


def agreement(rows):
    """Return the share of rows whose neighbours all have the same label."""
    return np.mean(neighbours.predict_proba(rows).max(axis=1) == 1)


print("Share with all ten neighbours of one class:")
for name, model in models.items():
    drawn = model.sample(1000, random_state=0, mean=True)
    print(f"  {name:<12}{agreement(drawn):.2f}")
print(f"  {'test digits':<12}{agreement(X_test):.2f}")

# %%
# The β-VAE, whose latents are closer to the prior, is ahead of the VAE; the IWAE is
# not. The measure says whether samples resemble digits, not whether they are as diverse
# as digits.
#
# Models with two latents show the role of the prior. Dots are test digits; the contours
# enclose 50, 90 and 99 % of the prior.


def enclosing(density, shares):
    """Return the density levels that enclose these shares, in ascending order."""
    ordered = np.sort(density, axis=None)[::-1]
    inside = ordered.cumsum() / ordered.sum()
    return sorted(ordered[np.searchsorted(inside, shares)])


def draw_prior(model, ax):
    """Draw contours of p(z)."""
    side = np.linspace(-5.5, 5.5, 300)
    grid = np.stack(np.meshgrid(side, side), axis=-1)  # (300, 300, 2)
    z = torch.as_tensor(grid.reshape(-1, 2), dtype=torch.float32)
    with torch.inference_mode():
        prior = model.module_.prior(Batch(torch.zeros(len(z), X.shape[1])))
        density = prior.log_prob(z).exp().numpy().reshape(300, 300)
    levels = enclosing(density, [0.5, 0.9, 0.99])
    ax.contour(side, side, density, levels, colors="0.2", linewidths=[0.5, 1, 1.8])


# sphinx_gallery_thumbnail_number = 3
figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
print("Two latents")
for ax, name in zip(axes, ("VAE", "VampPrior"), strict=True):
    flat = clone(models[name]).set_params(n_components=2).fit(X_train)
    LatentMapDisplay.from_estimator(flat, X_test, y_test, class_labels="median", ax=ax)
    draw_prior(flat, ax)
    ax.set_title(name)
    low, high = diagnose(flat, X_test).attrs["gap"]
    print(
        f"  {name:<10}ln p(x) {flat.score(X_test):.1f}, "
        f"KL(q(z) || p(z)) {low:.2f} to {high:.2f} nats"
    )
plt.show()

# %%
# The standard normal does not adapt to the digits, so it covers empty regions whose
# samples do not look like digits. The VampPrior is a mixture of posteriors at 128
# learned pseudo-inputs, so it covers the region of the digits and little else. Use it
# for samples and for ln p(x). Training takes longer, with 128 additional pictures to
# learn.
#
# IWAE: the gap of the bound
# --------------------------
# With S draws of z per row, the bound is
# :math:`\mathcal{L}_S = \mathbb{E} \ln \frac1S \sum_s p(x, z_s) / q(z_s \mid x)`.
# :math:`\mathcal{L}_1` is the bound of the VAE; the bound increases with S towards
# ln p(x). ``log_likelihood`` computes it for any S and any model. Large dots mark each
# model's training objective; error bars are two standard errors.

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
sizes = [1, 10, 30, 100, 300, 1000]
gaps = {}
for name in ("VAE", "IWAE"):
    model = models[name]
    found = [model.log_likelihood(X_test, 300, "elbo", return_diagnostics=True)]
    for size in sizes[1:]:
        found.append(model.log_likelihood(X_test, size, return_diagnostics=True))
    means = pd.Series([each.values.mean() for each in found], index=sizes)
    bars = [2 * each.mean_std_error for each in found]
    ax.errorbar(sizes, means, bars, fmt="o-", ms=4, color=colours[name], label=name)
    trained = model.n_importance_samples
    ax.plot(trained, means[trained], "o", ms=10, color=colours[name])
    gaps[name] = {
        "ln p(x)": means[1000],
        "error": found[-1].mean_std_error,
        "median ESS": np.median(found[-1].effective_sample_size),
        "gap at S=1": means[1000] - means[1],
        "gap at S=10": means[1000] - means[10],
    }
ax.set(xscale="log", xlabel="draws of z per row, S", ylabel="bound on ln p(x) (nats)")
ax.legend(frameon=False)
plt.show()
print(pd.DataFrame(gaps).T.round(2).to_string())

# %%
# Each model does best at its own objective. The IWAE is above the VAE from ten draws on
# and below it at one: its encoder only needs some of ten draws to explain the row, not
# every one. A single draw from its posterior is therefore worse, and ``method="elbo"``
# underrates the model. Its curve still rises at 1000 draws, of which only about four
# count for a typical row (the median effective sample size), so the 64 draws of
# ``score_samples`` underrate it too; use ``log_likelihood`` with more. The IWAE is for
# ln p(x), at ten times the cost of decoding.
#
# As parameters, the three variants can be combined and searched like any others:
# ``{"prior": ["standard-normal", "vamp"], "n_importance_samples": [1, 10]}``.
