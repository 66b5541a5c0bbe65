"""
β-VAE, VampPrior, IWAE: values of three parameters
==================================================

Three well-known variants of the VAE are no classes of their own here.
:class:`~skvae.VAETransformer` has ``beta`` (Higgins et al. 2017), ``prior`` (VampPrior:
Tomczak and Welling 2018) and ``n_importance_samples`` (IWAE: Burda et al. 2016). The
same network is trained with each of them. What comes out is compared in numbers first,
and then each variant is looked at where it differs.
"""

# %%
# One network, four objectives
# ----------------------------
# All else is equal, the number of epochs too.

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
# :func:`~skvae.metrics.compare` fits every model on the same three folds and asks it
# about the rows held out: ln p(x) by importance sampling and the Monte-Carlo error of
# it, both in nats; the error of reconstructions; the accuracy of a classifier, behind a
# pipeline of ``StandardScaler`` and ``LogisticRegression``. Two columns are added here:
# the evidence lower bound, at ``beta=1`` whatever was trained, and the active latents.


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
print("\nln p(x) less that of the VAE on the same fold")
print((values - values.loc["VAE"]).drop("VAE").round(2).to_string())

# %%
# The learned prior and the ten samples each bring a higher ln p(x) than the VAE, on
# every fold. ``beta=4`` costs far more than the others gain, which is no surprise, as
# it is trained for something else. What a classifier makes of the latents differs much
# less. The bound tells another story than ln p(x): that of the IWAE is below that of
# the VAE. More on this in the last section.
#
# β: what latents may cost
# ------------------------
# The rest is about one split. The divergence of a latent is its price, and the latent
# can tell no more than that about a row. ``beta=4`` asks four times the price.

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
prices = {
    name: np.sort(diagnose(model.fit(X_train), X_test)["kl"])[::-1]
    for name, model in models.items()
}
figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, price in prices.items():
    label = f"{name}, {price.sum():.1f} nats in all"
    ax.plot(range(1, 17), price, "o-", ms=4, color=colours[name], label=label)
ax.set(xlabel="latents, the dearest first", ylabel="divergence (nats)", ylim=(0, 2.9))
ax.legend(frameon=False, ncols=2)
plt.show()

cheap = np.sum(prices["β-VAE"] < 0.05)
print(f"Latents of the β-VAE below 0.05 nats: {cheap} of 16")

# %%
# The β-VAE keeps a few latents and all but switches off the others. By the usual rule,
# a variance of the posterior mean above 0.01, nearly all of them still count as active,
# as the table shows: active is not the same as informative. A large ``beta`` is for
# short codes, and for latents that shall be read one by one; whether it helps there,
# the scores of disentanglement in :mod:`skvae.metrics` can tell where the factors are
# known. For densities it is no help.
#
# VampPrior: samples
# ------------------
# The same 16 latents, drawn from each model's prior and decoded without noise.

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="compressed")
figure.get_layout_engine().set(wspace=0.06)
digits = {"image_shape": (8, 8), "n_samples": 49, "cmap": "gray_r"}
for ax, (name, model) in zip(axes, models.items(), strict=True):
    SampleDisplay.from_estimator(model, X_train, random_state=0, ax=ax, **digits)
    ax.set_title(name)
plt.show()

# %%
# Those of the VampPrior look most like digits. In a number: how many of 1000 samples
# have ten nearest neighbours among the training digits that are all of one class?

neighbours = KNeighborsClassifier(10).fit(X_train, y_train)


def agreement(rows):
    """Share of rows whose neighbours all have one label."""
    return np.mean(neighbours.predict_proba(rows).max(axis=1) == 1)


print("All ten neighbours of one class:")
for name, model in models.items():
    drawn = model.sample(1000, random_state=0, mean=True)
    print(f"  {name:<12}{agreement(drawn):.2f}")
print(f"  {'test digits':<12}{agreement(X_test):.2f}")

# %%
# The β-VAE, whose latents are closer to their prior, is ahead of the VAE; the IWAE is
# not. The number says whether a sample is like some digit, not whether samples are as
# various as digits are.
#
# What the prior has to do with it can be seen where there are two latents. Dots are
# test digits; the lines enclose 50, 90 and 99 % of the prior.


def enclosing(density, shares):
    """Levels above which these shares of a density on a grid lie, the lowest first."""
    ordered = np.sort(density, axis=None)[::-1]
    inside = ordered.cumsum() / ordered.sum()
    return sorted(ordered[np.searchsorted(inside, shares)])


def draw_prior(model, ax):
    """Draw p(z) as lines."""
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
        f"from the digits to the prior {low:.2f} to {high:.2f} nats"
    )
plt.show()

# %%
# The standard normal is one round hill, whatever the digits do, and parts of it are
# empty: a sample from there is no digit. The VampPrior is a mixture of posteriors at
# 128 learned pseudo-inputs, so it lies where digits lie and hardly anywhere else. It is
# for samples and for ln p(x). The fit takes longer, and there are 128 pictures more to
# learn.
#
# IWAE: the gap of the bound
# --------------------------
# With S draws of z a row the bound is
# :math:`\mathcal{L}_S = \mathbb{E} \ln \frac1S \sum_s p(x, z_s) / q(z_s \mid x)`.
# :math:`\mathcal{L}_1` is that of the VAE; it rises with S, and its limit is ln p(x).
# ``log_likelihood`` gives it for any S and any model. Large dots are what each model
# was trained on, bars two standard errors.

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
sizes = [1, 10, 30, 100, 300, 1000]
gaps = {}
for name in ("VAE", "IWAE"):
    model = models[name]
    found = [model.log_likelihood(X_test, 300, "elbo", return_std_error=True)]
    for size in sizes[1:]:
        found.append(model.log_likelihood(X_test, size, return_std_error=True))
    means = pd.Series([each.values.mean() for each in found], index=sizes)
    bars = [2 * each.mean_std_error for each in found]
    ax.errorbar(sizes, means, bars, fmt="o-", ms=4, color=colours[name], label=name)
    trained = model.n_importance_samples
    ax.plot(trained, means[trained], "o", ms=10, color=colours[name])
    gaps[name] = {
        "ln p(x)": means[1000],
        "error": found[-1].mean_std_error,
        "gap at S=1": means[1000] - means[1],
        "gap at S=10": means[1000] - means[10],
    }
ax.set(xscale="log", xlabel="draws of z a row, S", ylabel="bound on ln p(x) (nats)")
ax.legend(frameon=False)
plt.show()
print(pd.DataFrame(gaps).T.round(2).to_string())

# %%
# Each model is trained to be good at its own dot. The IWAE is above the VAE from ten
# draws on and below it at one: its encoder has to put some draws of ten where the row
# is likely, not each of them. So its posterior by itself is worse, and
# ``method="elbo"`` is the wrong judge of it. Its curve still rises at 1000 draws, so
# the 64 of ``score_samples`` do it less than justice: ask ``log_likelihood`` for more.
# It is for ln p(x), at the price of ten times the decoding.
#
# The three are parameters, so they can be combined and searched like any other:
# ``{"prior": ["standard-normal", "vamp"], "n_importance_samples": [1, 10]}``.
