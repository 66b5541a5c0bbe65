"""
One network, three learners
===========================

A decoder can be trained by the bound of the variational autoencoder, by wake-sleep or
by Monte Carlo EM: :class:`~skvae.VAETransformer`, :class:`~skvae.WakeSleepTransformer`
and :class:`~skvae.MCEMTransformer`. The model is the same and the settings are equal,
so what differs is the algorithm. With two latents ln p(x) can be found exactly, and
none of the three is judged by an estimate of its own.
"""

# %%
# Equal settings
# --------------
# Digits in black and white: 500 to learn from and 500 held out. All three have a
# decoder of 64 tanh units, of which Monte Carlo EM takes five steps a batch and the
# others one; Monte Carlo EM has no encoder.

import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skvae import MCEMTransformer, VAETransformer, WakeSleepTransformer
from skvae.plotting import ManifoldDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True)
train, test = train_test_split(
    (X > 7.5).astype(float), train_size=500, test_size=500, stratify=y, random_state=0
)
settings = dict(
    n_components=2,
    likelihood="bernoulli",
    hidden_layer_sizes=(64,),
    activation="tanh",
    batch_size=100,
    lr=3e-3,
    random_state=0,
)
models = {
    "VAE": VAETransformer(**settings),
    "wake-sleep": WakeSleepTransformer(**settings),
    "Monte Carlo EM": MCEMTransformer(**settings),
}
passes = {name: [1, 2, 5, 10, 20, 50, 100, 300] for name in models}
passes["Monte Carlo EM"] = [1, 2, 5, 10, 20, 60]
updates = {"VAE": 1, "wake-sleep": 1, "Monte Carlo EM": 5}  # of the decoder, a batch

# %%
# ln p(x) without an estimate
# ---------------------------
# p(x) is the integral of p(x | z) p(z). Over two latents it is a sum on a grid, which
# needs nothing but the decoder.

side = np.linspace(-5, 5, 61)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
log_prior = norm.logpdf(grid).sum(axis=1) + 2 * np.log(side[1] - side[0])


def log_joint(model, rows):
    """ln p(x, z) of each row at each point of the grid, (n_rows, n_points)."""
    p = model.inverse_transform(grid).astype(float).clip(1e-9, 1 - 1e-9)
    return rows @ np.log(p).T + (1 - rows) @ np.log1p(-p).T + log_prior


def exact(model, rows):
    """ln p(x) of each row, in nats."""
    return logsumexp(log_joint(model, rows), axis=1)


# %%
# While they learn
# ----------------
# ``partial_fit`` is one pass. On the left a pass counts the same for all, on the right
# a step of the decoder does. Held-out rows are solid, rows of training dashed.

curves, seconds = {}, {}
for name, model in models.items():
    done, curves[name], seconds[name] = 0, [], 0
    for n_passes in passes[name]:
        start = time.process_time()
        for _ in range(n_passes - done):
            model.partial_fit(train)
        seconds[name] += time.process_time() - start
        done = n_passes
        curves[name].append([exact(model, rows).mean() for rows in (test, train)])

colours = {"VAE": "#3f90da", "wake-sleep": "#e08a00", "Monte Carlo EM": "#bd1f01"}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True, layout="constrained")
for name, curve in curves.items():
    of_test, of_train = np.transpose(curve)
    style = {"color": colours[name], "marker": "."}
    for ax, a_pass in zip(axes, (1, updates[name] * 5), strict=True):  # 5 batches
        across = a_pass * np.array(passes[name])
        ax.plot(across, of_test, label=name, **style)
        ax.plot(across, of_train, linestyle="--", alpha=0.5, **style)
axes[0].set(xlabel="passes", ylabel="ln p(x), nats a row")
axes[1].set(xlabel="steps of the decoder")
for ax in axes:
    ax.set_xscale("log")
    ax.grid(alpha=0.3)
axes[0].legend(frameon=False)
plt.show()

print("Nats a row held out      passes    steps   ln p(x)     CPU s")
for name, curve in curves.items():
    n = passes[name][-1]
    print(
        f"  {name:<22}{n:>7}{5 * n * updates[name]:>9}{curve[-1][0]:>10.2f}"
        f"{seconds[name]:>10.1f}"
    )

# %%
# Monte Carlo EM is far ahead by passes, mostly because a pass is five times as many
# steps of its decoder. By steps it is a little ahead of the VAE in the end. Wake-sleep
# comes last: its encoder learns from what the decoder dreams, and there is little to
# learn from a decoder that has learned little. All of them know their own rows better
# than new ones by then, and none has begun to fall on new ones.
#
# What an estimate makes of it
# ----------------------------
# With more latents there is no grid, and ``score`` estimates ln p(x) by draws from
# q(z | x): the encoder's, or under Monte Carlo EM a normal fitted to a short chain, and
# as many from the prior. The bound rests on q alone. Here both can be held against the
# exact value, the mean over 200 rows held out.

few = test[:200]
right = {name: exact(model, few) for name, model in models.items()}
estimates = {name: model.score_samples(few) for name, model in models.items()}
bounds = {
    name: model.log_likelihood(few, method="elbo") for name, model in models.items()
}
print("Nats a row             exact    score    bound   rows with score 1 nat too low")
for name in models:
    values = [found[name].mean() for found in (right, estimates, bounds)]
    missed = np.sum(right[name] - estimates[name] > 1)
    print(
        f"  {name:<17}", *[f"{value:9.2f}" for value in values], f"{missed:12}", sep=""
    )

# %%
# The estimates are near enough to show the order. They are too low for a few rows under
# the VAE, whose encoder knows its own rows best; the encoder of wake-sleep learns to
# cover all z that may have made a row. The bound is lower everywhere. The row whose
# bound is furthest from its ln p(x) under Monte Carlo EM shows what can be amiss with a
# chain. Below is p(z | x) of that row on the grid, and a cross where ``transform`` puts
# it.

worst = np.argmax(right["Monte Carlo EM"] - bounds["Monte Carlo EM"])
row = few[[worst]]
figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
axes[0].imshow(row.reshape(8, 8), cmap="gray_r")
axes[0].set(title="the row", xticks=[], yticks=[])
for ax, (name, model) in zip(axes[1:], models.items(), strict=True):
    posterior = np.exp(log_joint(model, row)[0] - right[name][worst])
    ax.pcolormesh(side, side, posterior.reshape(61, 61), cmap="Blues")
    ax.plot(*model.transform(row)[0], "x", color="#bd1f01", markersize=9)
    ax.set(title=name, xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal")
    ax.set(xlabel="latent 0", ylabel="latent 1" if ax is axes[1] else None)
plt.show()

# %%
# The chain of a new row begins at one of 200 draws of the prior, chosen by how well the
# row fits there. Of this row it chose a lesser place, and a chain does not get from one
# place to another. What it does not reach does not count in ``transform``; ``score``
# finds it by the draws from the prior.
#
# What the decoders make
# ----------------------
# Each cell of a grid stands for an equal share of the prior.

figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    ManifoldDisplay.from_estimator(
        model, n_values=13, image_shape=(8, 8), cmap="gray_r", ax=ax
    )
    ax.set_title(name)
plt.show()

# %%
# All three lay the digits out on the plane, each in its own way, as nothing says which
# latent means what. Those of wake-sleep are the greyest, which is what its lower
# ln p(x) looks like.
