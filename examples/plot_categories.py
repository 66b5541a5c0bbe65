"""
Latents that are categories
===========================

:class:`~skvae.CategoricalVAETransformer` describes a row by a few variables, each of
which takes one of a few categories. Here it is seen what the categories of digits are,
what a classifier makes of them, and how the temperature, at which they are learned,
trades a wrong gradient for a noisy one.
"""

# %%
# Six variables of eight categories
# ---------------------------------
# The encoder gives a row π, the probability of each category of each variable;
# ``transform`` gives them variable by variable. :func:`~skvae.metrics.diagnose` has a
# line for each variable. None can tell more than ln 8 = 2.08 nats.

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
# Three test digits, π of each, and two reconstructions: from π as it is, and from the
# most probable category of each variable alone. The darker a cell, the more probable.

rows = X_test[[np.flatnonzero(y_test == digit)[0] for digit in (0, 3, 4)]]
P = vae.transform(rows).reshape(-1, 6, 8)  # rows, variables, categories
codes = P.argmax(axis=-1)


def decode(codes):
    """What the decoder makes of categories, one row of six numbers each."""
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
print(f"The largest probability of a variable, mean: {P_test.max(axis=-1).mean():.2f}")
print("Share of the variance of test digits that is reconstructed:")
for name, made in (("π", vae.reconstruct(X_test)), ("categories", from_codes)):
    share = r2_score(X_test, made, multioutput="variance_weighted")
    print(f"  from {name:<12}{share:.2f}")

# %%
# Most variables are sure, some waver between two or three categories. From π the
# decoder mixes these; the most probable one alone loses a little.
#
# What each category draws
# ------------------------
# On the left each line varies one variable through its categories, the most effective
# variable first, and the others stay as they are in the 0 above. On the right the first
# two are varied together from the same start.

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
# A category is no class of digits. It is a feature of the drawing, such as where a
# stroke lies or whether a loop is closed, and the digit comes of them together. The
# numbers have no order.
#
# Codes as features
# -----------------
# So codes go through a :class:`~sklearn.preprocessing.OneHotEncoder` before a linear
# classifier. Probabilities need none, and keep what a code drops. Beside them is a VAE
# with as many latents as there are variables. Three folds; the standard error is of
# their mean.

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
# One-hot codes of six variables do no worse than six real numbers, and probabilities do
# better. As numbers codes are of little use to a linear classifier.
#
# The temperature: the gradient
# -----------------------------
# A draw of a category has no gradient. "gumbel" learns from draws that are softened by
# a temperature; "straight-through" takes hard draws and borrows the gradient of soft
# ones; target propagation makes a target for π instead.
# :func:`~skvae.metrics.gradient_check` compares draws of each with the exact gradient,
# a sum over all categories: of three variables of four there are 64. Bias and standard
# deviation are in units of its length. Dotted is the bias that 200 draws show by
# chance. Target propagation has no temperature and a scale of its own, so only its
# direction is shown.

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
    """Prepare axes whose horizontal one is the temperature."""
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
titles = "bias", "standard deviation of a draw", "cosine of the mean"
for ax, title in zip(axes, titles, strict=True):
    against_temperature(ax, title)
figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# Low temperatures are noisy and high ones are wrong. At 0.1 the bias of "gumbel" is
# hardly more than chance, but a single draw is several times as far off as the gradient
# is long. "straight-through" is worse in both regards here: it uses at one point the
# gradient of another.
#
# This was after five epochs of "gumbel". The cosines change while it learns.

print("Cosine of the mean       1 epoch  5 epochs 20 epochs")
for name in ("gumbel, 0.5", "straight-through, 0.5", "target-propagation"):
    cosines = [check[name].cosine for check in checks.values()]
    print(f"  {name:<22}", *[f"{cosine:9.2f}" for cosine in cosines], sep="")

# %%
# All of them fall: what is left to learn gets small against what a gradient has wrong.
# "gumbel" stays the nearest. Target propagation is judged here on networks that it has
# not trained, and its targets suppose an encoder that is about the decoder's inverse.
#
# The temperature: the fit
# ------------------------
# What this comes to: the six variables, trained at each temperature throughout. Solid
# is the bound of test digits, with hard draws, dashed what training believes.

figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
for name, colour in colours.items():
    held_out, believed = [], []
    for temperature in temperatures:
        model = clone(vae).set_params(
            gradient=name, temperature=temperature, min_temperature=temperature
        )
        model.fit(X_train)
        held_out.append(model.log_likelihood(X_test, method="elbo").mean())
        believed.append(-model.history_[-1]["train_loss"])
    ax.plot(temperatures, held_out, ".-", color=colour, label=name)
    ax.plot(temperatures, believed, ".--", color=colour, alpha=0.5)
against_temperature(ax, None)
ax.set_ylabel("bound, nats a row")
ax.legend(frameon=False)
plt.show()

default = vae.log_likelihood(X_test, method="elbo").mean()
first, last = (vae.history_[epoch]["temperature"] for epoch in (0, -1))
print(f"From {first:.2f} to {last:.2f}, as in the fit above: {default:.2f} nats a row")

# %%
# The best is in between, where neither noise nor bias is large. So the default begins
# at 1 and goes down to 0.5. At 2 "gumbel" learns to say with soft draws what hard ones
# cannot hold, and its training loss does not show it: compare temperatures by ``score``
# or by the bound of held-out rows, never by ``train_loss``.
