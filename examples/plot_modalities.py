"""
Modalities: from pictures to labels and back
============================================

*How do I predict labels from pictures and draw pictures from labels?*

A picture of a digit and its label are two modalities of the same thing. A joint model
has one latent vector for both, so it works in both directions: it can predict the label
of a picture and generate pictures for a label. We compare
:class:`~skvae.JMVAETransformer` with and without encoders for single modalities, and
the labels that it fills in with those of a classifier.
"""

# %%
# One table, two blocks
# ---------------------
# The table has 64 pixels and ten columns for the one-hot label. ``modalities`` assigns
# the columns to blocks. If a modality is missing in a row, its block is NaN.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from skvae import JMVAETransformer, VAETransformer
from skvae.plotting import LatentMapDisplay, SampleDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True, as_frame=True)
pixels = list(X.columns)
table = (X / 16).join(pd.get_dummies(y, prefix="is", dtype=float))
labels = list(table.columns[64:])
train, test = train_test_split(table, test_size=0.3, stratify=y, random_state=0)
y_train, y_test = y[train.index], y[test.index]

settings = dict(
    modalities={"image": pixels, "label": labels},
    likelihood={"image": "gaussian-shared", "label": "categorical"},
    hidden_layer_sizes=(128, 128),
    lr=2e-3,
    max_epochs=50,
    random_state=0,
)
models = {
    "JMVAE, 1 iteration": JMVAETransformer(8, alpha=0, n_iterations=1, **settings),
    "JMVAE, 100 iterations": JMVAETransformer(8, alpha=0, n_iterations=100, **settings),
    "JMVAE-kl": JMVAETransformer(8, **settings),
}
for model in models.values():
    model.fit(train)

# %%
# Pictures from labels
# --------------------
# We generate ten pictures for each of ten rows with a label and no picture. Each column
# of a grid is one label, from 0 to 9. With ``alpha=0``, the only encoder is the joint
# one, which needs a picture: it starts with an empty one, and the decoded picture is
# fed back repeatedly. With ``alpha=1``, the default, an encoder that sees only the
# label is trained as well. The first two models differ only in the number of
# iterations.

asked = pd.DataFrame(np.eye(10), columns=labels).reindex(columns=table.columns)
figure, axes = plt.subplots(1, 3, figsize=(12, 4.3), layout="compressed")
figure.get_layout_engine().set(wspace=0.06)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    drawn = model.generate(asked, "image", n_samples=10, mean=True, random_state=0)
    pictures = SampleDisplay(drawn.reshape(-1, 64), image_shape=(8, 8))
    pictures.plot(ax, cmap="gray_r", im_kw={"vmin": 0, "vmax": 1})
    ax.set_title(name)
plt.show()

# %%
# How many of these pictures does a classifier trained on real digits recognise as the
# requested label? We generate a hundred for each label; the standard error is below
# 0.02.

reader = SVC().fit(train[pixels].to_numpy(), y_train)


def share_recognised(model):
    """Return the share of generated pictures recognised as their label."""
    drawn = model.generate(asked, "image", n_samples=100, mean=True, random_state=0)
    read = reader.predict(drawn.reshape(-1, 64)).reshape(100, 10)
    return np.mean(read == np.arange(10))


print("Share recognised as the requested label:")
for name, model in models.items():
    print(f"  {name:<22}{share_recognised(model):.3f}")
real = reader.score(test[pixels].to_numpy(), y_test)
print(f"  {'real test digits':<22}{real:.3f}")

# %%
# Without an encoder for the label, the pictures have little to do with it. After one
# iteration, they are a mean of all digits: 64 empty pixels affect the joint encoder
# more than ten label columns, and no training row looked like that. A hundred
# iterations make the pictures sharper but no more accurate. Errors accumulate from one
# iteration to the next, and some pictures leave the range of the data. Bernoulli pixels
# cannot leave it, and there iterations help:

bounded = {"image": "bernoulli", "label": "categorical"}
model = clone(models["JMVAE, 100 iterations"]).set_params(likelihood=bounded).fit(train)
print("Share recognised, Bernoulli pixels:")
for n, name in ((1, "JMVAE, 1 iteration"), (100, "JMVAE, 100 iterations")):
    print(f"  {name:<22}{share_recognised(model.set_params(n_iterations=n)):.3f}")

# %%
# Labels from pictures
# --------------------
# In the other direction, the label is missing. ``impute`` fills in the probability of
# each class, so the model acts as a classifier.

print("Accuracy on test digits:")
unlabelled = test.assign(**dict.fromkeys(labels, np.nan))
for name in ("JMVAE, 100 iterations", "JMVAE-kl"):
    filled = models[name].impute(unlabelled)[:, 64:]
    print(f"  {name:<22}{np.mean(filled.argmax(1) == y_test):.3f}")
straight = LogisticRegression(max_iter=2000)
on_pixels = clone(straight).fit(train[pixels], y_train).score(test[pixels], y_test)
print(f"  {'logistic regression':<22}{on_pixels:.3f}")

# %%
# Here the missing block is small and the observed one is large, so both models do well,
# and so does a logistic regression on the pixels.
#
# A label contributes at most ln 10 = 2.3 nats to the bound, a picture dozens. The label
# is therefore learned late, and even later with Bernoulli pixels. ``modality_weights``
# lets it count ten times in training. Pictures and labels improve, while the ln p of
# complete test rows changes by less than one nat.

print("Bernoulli pixels:   recognised   accuracy   nats per row")
for weights in (None, {"label": 10.0}):
    model = clone(models["JMVAE-kl"]).set_params(
        likelihood=bounded, modality_weights=weights
    )
    model.fit(train)
    filled = model.impute(unlabelled)[:, 64:].argmax(1)
    print(
        f"  {weights!s:<18}{share_recognised(model):10.3f}"
        f"{np.mean(filled == y_test):11.3f}{model.score(test):15.2f}"
    )

# %%
# A joint model can also learn from rows without a label. We keep all training pictures
# but remove all labels except a few, and repeat this three times. The classifier is
# trained only on the rows with a label.

print("Accuracy with few labels:")
for n_labels in (20, 100):
    found = []
    for seed in range(3):
        few, rest = train_test_split(
            train, train_size=n_labels, stratify=y_train, random_state=seed
        )
        partly = train.copy()
        partly.loc[rest.index, labels] = np.nan
        model = clone(models["JMVAE-kl"]).set_params(random_state=seed).fit(partly)
        correct = model.impute(unlabelled)[:, 64:].argmax(1) == y_test
        straight.fit(few[pixels], y_train[few.index])
        found.append((correct.mean(), straight.score(test[pixels], y_test)))
    mean = np.mean(found, axis=0)
    error = np.std(found, axis=0, ddof=1) / np.sqrt(3)
    print(f"  {n_labels:>3} labels", end="")
    for name, m, e in zip(
        ("JMVAE-kl", "logistic regression"), mean, error, strict=True
    ):
        print(f"   {name} {m:.3f} +- {e:.3f}", end="")
    print()

# %%
# The joint model works with few labels, but it is no better than the logistic
# regression, which never saw the unlabelled pictures. If you only need labels, use a
# classifier. The joint model also generates pictures from labels, as above, and gives
# latents shared by both modalities.
#
# Shared latents
# --------------
# Two latents can be plotted directly. Dots are test digits encoded from picture and
# label, q(z | x, w). Each large numeral marks where a row with that label and no
# picture is encoded.

flat = {
    "JMVAE, 100 iterations": JMVAETransformer(2, alpha=0, **settings),
    "JMVAE-kl": JMVAETransformer(2, **settings),
}
# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
for ax, (name, model) in zip(axes, flat.items(), strict=True):
    model.fit(train)
    LatentMapDisplay.from_estimator(model, test, y_test, class_labels=None, ax=ax)
    for label, (across, up) in enumerate(model.transform(asked)):
        ax.text(across, up, label, size=17, weight="bold", ha="center", va="center")
    ax.set_title(name)
plt.show()

# %%
# With an encoder for labels, each label lies in the middle of its digits, and the
# digits are further apart. Without one, labels lie among other digits.
#
# The labels have shaped the latents, so the latents are more useful even when the label
# is unknown. Below, a logistic regression predicts the class from two latents encoded
# from the picture alone. The VAE never saw a label; the joint models did in ``fit``.
# The standard error is 0.02.


def from_pictures(model, rows):
    """Encode rows without their label."""
    if isinstance(model, VAETransformer):
        return model.transform(rows[pixels].to_numpy())
    return model.transform(rows.assign(**dict.fromkeys(labels, np.nan)))


shared = {"modalities", "likelihood"}
plain = {key: value for key, value in settings.items() if key not in shared}
flat["VAE"] = VAETransformer(2, likelihood="gaussian-shared", **plain)
flat["VAE"].fit(train[pixels].to_numpy())
print("Accuracy from two latents of the picture:")
for name, model in flat.items():
    straight.fit(from_pictures(model, train), y_train)
    score = straight.score(from_pictures(model, test), y_test)
    print(f"  {name:<22}{score:.3f}")
