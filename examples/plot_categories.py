"""
Categorical latents
===================

*What do categorical latents learn, and are they useful features?*

:class:`~skvae.CategoricalVAETransformer` describes each row by a few categorical
variables. This example shows what categories it learns from handwritten digits, how
useful they are to a classifier, and how the temperature used in training trades bias of
the gradient against variance.
"""

# %%
# Six variables of eight categories
# ---------------------------------
# The encoder returns π, the probability of each category of each variable;
# ``transform`` lists these probabilities variable by variable.
# :func:`~skvae.metrics.diagnose` reports one line per variable. A variable with eight
# categories can carry at most ln 8 = 2.08 nats.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skvae import CategoricalVAETransformer, VAETransformer
from skvae.metrics import diagnose, gradient_check
from skvae.plotting import ManifoldDisplay, TraversalDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
settings = dict(
    likelihood="gaussian-shared",
    hidden_layer_sizes=(128,),
    lr=3e-3,
    max_epochs=20,
    random_state=0,
)
vae = CategoricalVAETransformer(6, 8, **settings).fit(X_train)
print(diagnose(vae, X_test))

# %%
# The probabilities of a row
# --------------------------
# Below are three test digits, the π of each, and two reconstructions: one from π itself
# and one from the most probable category of each variable. Darker cells are more
# probable.

rows = X_test[[np.flatnonzero(y_test == digit)[0] for digit in (0, 3, 4)]]
P = vae.transform(rows).reshape(-1, 6, 8)  # rows, variables, categories
codes = P.argmax(axis=-1)


def decode(codes):
    """Decode categories, given as rows of six integers."""
    return vae.inverse_transform(np.eye(8)[codes].reshape(-1, 48))


pictures = rows, vae.inverse_transform(P.reshape(-1, 48)), decode(codes)
figure, axes = plt.subplots(
    3, 4, figsize=(8, 6), width_ratios=(1, 1.4, 1, 1), layout="constrained"
)
for i, line in enumerate(axes):
    for ax, picture in zip(line[[0, 2, 3]], pictures, strict=True):
        ax.imshow(picture[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    heat = line[1].imshow(P[i], cmap="Blues", vmin=0, vmax=1)
    line[1].set(xticks=range(8), yticks=range(6), ylabel="variable")
line[1].set_xlabel("category")
for ax, title in zip(axes[0], ("row", "π", "from π", "from categories"), strict=True):
    ax.set_title(title)
figure.colorbar(heat, ax=axes, label="probability", shrink=0.6)
plt.show()

P_test = vae.transform(X_test).reshape(-1, 6, 8)
from_codes = decode(P_test.argmax(axis=-1))
print(f"Mean of the largest probability per variable: {P_test.max(axis=-1).mean():.2f}")
print("Explained share of the variance of test digits:")
for name, made in (("π", vae.reconstruct(X_test)), ("categories", from_codes)):
    share = r2_score(X_test, made, multioutput="variance_weighted")
    print(f"  from {name:<12}{share:.2f}")

# %%
# Most variables are certain of their category; some are split between two or three.
# Given π, the decoder blends these categories; using only the most probable one loses a
# little accuracy.
#
# What each category draws
# ------------------------
# On the left, each line steps one variable through its categories, starting from the 0
# above; the variable with the largest effect comes first. On the right, the first two
# variables are varied together from the same starting point.

# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="compressed")
figure.get_layout_engine().set(wspace=0.06)
lines = TraversalDisplay.from_estimator(
    vae, rows, image_shape=(8, 8), cmap="gray_r", ax=axes[0]
)
names = list(vae.latent_names())
top = [names.index(name) for name in lines.latent_names[:2]]
ManifoldDisplay.from_estimator(
    vae, latents=top, at=codes[0], image_shape=(8, 8), cmap="gray_r", ax=axes[1]
)
plt.show()

# %%
# A category does not correspond to a class of digits. It is a feature of the drawing,
# such as where a stroke lies or whether a loop is closed, and several features together
# make a digit. The order of the category numbers has no meaning.
#
# Codes as features
# -----------------
# A linear classifier therefore needs a :class:`~sklearn.preprocessing.OneHotEncoder`
# for category codes. Probabilities need no encoder, and keep information that codes
# lose. For comparison, we add a VAE with as many latents as there are variables. The
# table gives means over three folds with their standard errors.

coder = clone(vae).set_params(output="codes")
last = LogisticRegression(max_iter=2000)
readers = {
    "codes as numbers": make_pipeline(coder, last),
    "codes, one-hot": make_pipeline(
        coder, OneHotEncoder(handle_unknown="ignore"), last
    ),
    "probabilities": make_pipeline(vae, last),
    "VAETransformer(6)": make_pipeline(VAETransformer(6, **settings), last),
}
print("Accuracy")
for name, reader in readers.items():
    scores = cross_val_score(
        reader, X, y, cv=StratifiedKFold(3, shuffle=True, random_state=0)
    )
    error = scores.std(ddof=1) / np.sqrt(len(scores))
    print(f"  {name:<20}{scores.mean():.3f} +- {error:.3f}")

# %%
# One-hot codes of six variables do no worse than six real-valued latents, and
# probabilities do better. Codes used as plain numbers are of little use to a linear
# classifier.
#
# The temperature: the gradient
# -----------------------------
# Sampling a category is not differentiable. "gumbel" uses samples that are relaxed by a
# temperature. "straight-through" uses hard samples with the gradient of relaxed ones.
# Target propagation computes a target for π instead.
# :func:`~skvae.metrics.gradient_check` compares each estimate with the exact gradient,
# a sum over all combinations of categories: 64 for three variables of four categories.
# Bias and standard deviation are relative to the norm of the exact gradient. The dotted
# lines mark the bias expected by chance with 200 draws. Target propagation has no
# temperature and a scale of its own, so only its direction is shown.

temperatures = np.array([0.1, 0.2, 0.5, 1, 2])
small = clone(vae).set_params(
    n_variables=3, n_categories=4, dtype="float64", device="cpu"
)
checks = {}
for n_epochs in (1, 5, 20):
    small.set_params(max_epochs=n_epochs).fit(X_train)
    asked = temperatures if n_epochs == 5 else [0.5]
    checks[n_epochs] = gradient_check(
        small, X_test[:50], temperatures=asked, n_draws=200, random_state=0
    )
colours = {"gumbel": "#3f90da", "straight-through": "#bd1f01"}


def against_temperature(ax, title):
    """Set up axes with the temperature on the x-axis."""
    ax.set(xscale="log", xlabel="temperature", title=title)
    ax.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    ax.minorticks_off()
    ax.grid(alpha=0.3)


figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for name, colour in colours.items():
    found = [checks[5][f"{name}, {temperature:g}"] for temperature in temperatures]
    for ax, what in zip(axes, ("bias", "std", "cosine"), strict=True):
        values = [getattr(check, what) for check in found]
        ax.plot(temperatures, values, ".-", color=colour, label=name)
    axes[0].plot(temperatures, [check.bias_error for check in found], ":", color=colour)
axes[2].axhline(
    checks[5]["target-propagation"].cosine,
    color="0.4",
    linestyle="--",
    label="target-propagation",
)
axes[1].set_yscale("log")
axes[1].set_yticks([1, 2, 5], ["1", "2", "5"])
titles = "bias", "standard deviation per draw", "cosine of the mean"
for ax, title in zip(axes, titles, strict=True):
    against_temperature(ax, title)
figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# Low temperatures give noisy gradients, high ones biased gradients. At 0.1, the bias of
# "gumbel" is hardly above chance level, but the error of a single draw is several times
# the norm of the gradient. "straight-through" is worse on both counts here, because it
# uses the gradient at a different point from the one it samples.
#
# The plots show the state after five epochs of "gumbel". The cosines change during
# training.

print("Cosine of the mean       1 epoch  5 epochs 20 epochs")
for name in ("gumbel, 0.5", "straight-through, 0.5", "target-propagation"):
    cosines = [check[name].cosine for check in checks.values()]
    print(f"  {name:<22}", *[f"{cosine:9.2f}" for cosine in cosines], sep="")

# %%
# All of them fall: the remaining gradient becomes small relative to the errors of the
# estimates. "gumbel" stays closest to the exact gradient. Target propagation is judged
# here on networks that it did not train, and its targets assume that the encoder is
# approximately the inverse of the decoder.
#
# The temperature: the fit
# ------------------------
# To see the effect on the model, we train the six variables at a fixed temperature.
# Solid lines are the bound on test digits, computed with hard samples; dashed lines are
# the training bound, computed with the samples used in training.

figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
for name, colour in colours.items():
    held_out, training = [], []
    for temperature in temperatures:
        model = clone(vae).set_params(
            gradient=name, temperature=temperature, min_temperature=temperature
        )
        model.fit(X_train)
        held_out.append(model.log_likelihood(X_test, method="elbo").mean())
        training.append(-model.history_[-1]["train_loss"])
    ax.plot(temperatures, held_out, ".-", color=colour, label=name)
    ax.plot(temperatures, training, ".--", color=colour, alpha=0.5)
against_temperature(ax, None)
ax.set_ylabel("bound, nats per row")
ax.legend(frameon=False)
plt.show()

default = vae.log_likelihood(X_test, method="elbo").mean()
first, last = (vae.history_[epoch]["temperature"] for epoch in (0, -1))
print(f"Annealed from {first:.2f} to {last:.2f} (default): {default:.2f} nats per row")

# %%
# The best temperatures are in between, where neither noise nor bias is large, which is
# why the default is annealed from 1 to 0.5. At 2, "gumbel" learns to encode information
# in soft samples that hard ones cannot carry, and the training loss does not reveal it.
# Compare temperatures by ``score`` or by the bound on held-out rows, never by
# ``train_loss``.
