"""
Modalities: pictures and labels, both ways
==========================================

A digit and its label are two modalities of one thing. A joint model has one latent
vector for both, so it can be asked either way: which label has this picture, and what
does a picture of this label look like? Here the two ways of answering are compared,
:class:`~skvae.JMVAETransformer` with and without encoders for one modality, and labels
that it fills in are compared with those of a classifier.
"""

# %%
# One table, two blocks
# ---------------------
# The table holds 64 pixels and ten columns for the label, one of them 1.
# ``modalities`` says which columns belong together. A block that is missing in a row is
# all NaN there.

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
# Pictures by label
# -----------------
# Ten rows with a label and no picture, drawn ten times: a column of each grid is a
# label, from 0 to 9. With ``alpha=0`` there is one encoder, and it needs a picture: it
# begins with an empty one, and what the decoder makes of it is fed back again and
# again. With ``alpha=1``, the default, an encoder that sees the label alone was trained
# beside. The first two models are the same but for the number of iterations.

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
# How many are read as the label that was asked for, by a classifier trained on real
# digits? A hundred draws of each label; the standard error is below 0.02.

reader = SVC().fit(train[pixels].to_numpy(), y_train)


def read_as_asked(model):
    """Share of the pictures drawn that show their label."""
    drawn = model.generate(asked, "image", n_samples=100, mean=True, random_state=0)
    read = reader.predict(drawn.reshape(-1, 64)).reshape(100, 10)
    return np.mean(read == np.arange(10))


print("Read as asked:")
for name, model in models.items():
    print(f"  {name:<22}{read_as_asked(model):.3f}")
real = reader.score(test[pixels].to_numpy(), y_test)
print(f"  {'real test digits':<22}{real:.3f}")

# %%
# Without an encoder for the label, what is drawn has little to do with it. After one
# iteration it is a mean of all digits: 64 empty pixels say more to the joint encoder
# than ten columns of a label, and no training row was like that. A hundred iterations
# make it sharper and not righter. Each feeds on what the last one made, and some leave
# the range of the data. Bernoulli pixels cannot leave it, and there iterations help:

bounded = {"image": "bernoulli", "label": "categorical"}
model = clone(models["JMVAE, 100 iterations"]).set_params(likelihood=bounded).fit(train)
print("Read as asked, Bernoulli pixels:")
for n, name in ((1, "JMVAE, 1 iteration"), (100, "JMVAE, 100 iterations")):
    print(f"  {name:<22}{read_as_asked(model.set_params(n_iterations=n)):.3f}")

# %%
# Labels by picture
# -----------------
# The other way round it is the label that is missing. ``impute`` fills in the
# probability of each class, so the model is a classifier.

print("Accuracy on test digits:")
unlabelled = test.assign(**dict.fromkeys(labels, np.nan))
for name in ("JMVAE, 100 iterations", "JMVAE-kl"):
    filled = models[name].impute(unlabelled)[:, 64:]
    print(f"  {name:<22}{np.mean(filled.argmax(1) == y_test):.3f}")
straight = LogisticRegression(max_iter=2000)
on_pixels = clone(straight).fit(train[pixels], y_train).score(test[pixels], y_test)
print(f"  {'logistic regression':<22}{on_pixels:.3f}")

# %%
# What is missing is small here and what is there is large, so both do well, and a
# logistic regression on the pixels does so, too.
#
# A label is worth at most ln 10 = 2.3 nats of the bound and a picture dozens, so the
# label is learned late; with Bernoulli pixels, later still. ``modality_weights`` counts
# it ten times in training. Pictures and labels get better, and what the model says of
# whole test rows in nats changes by less than one.

print("Bernoulli pixels:   drawn and read   label   nats a row")
for weights in (None, {"label": 10.0}):
    model = clone(models["JMVAE-kl"]).set_params(
        likelihood=bounded, modality_weights=weights
    )
    model.fit(train)
    filled = model.impute(unlabelled)[:, 64:].argmax(1)
    print(
        f"  {weights!s:<18}{read_as_asked(model):14.3f}"
        f"{np.mean(filled == y_test):8.3f}{model.score(test):13.2f}"
    )

# %%
# A joint model can also learn from rows without a label. All training pictures are
# kept, and all but a few labels are removed, three times each. The classifier has the
# rows with a label only.

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
        right = model.impute(unlabelled)[:, 64:].argmax(1) == y_test
        straight.fit(few[pixels], y_train[few.index])
        found.append((right.mean(), straight.score(test[pixels], y_test)))
    mean = np.mean(found, axis=0)
    error = np.std(found, axis=0, ddof=1) / np.sqrt(3)
    print(f"  {n_labels:>3} labels", end="")
    for name, m, e in zip(
        ("JMVAE-kl", "logistic regression"), mean, error, strict=True
    ):
        print(f"   {name} {m:.3f} +- {e:.3f}", end="")
    print()

# %%
# It works with most of the labels gone, and is no better than the logistic regression
# that never saw the other pictures. Who wants labels and nothing else fits a
# classifier. What the joint model has beside them is the picture of a label, above, and
# the latents, below.
#
# Shared latents
# --------------
# Two latents can be drawn as they are. Dots are test digits by picture and label,
# q(z | x, w); a large figure stands where a row with that label and no picture goes.

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
# Where the label has an encoder of its own, it goes to the middle of its digits, and
# the digits are further apart. Without one it goes where something else lies.
#
# The labels have shaped the latents, so these serve better even where the label is not
# known. Below, a logistic regression reads the class from two latents of the picture
# alone. The VAE never saw a label; the joint models did in ``fit``. The standard error
# is 0.02.


def from_pictures(model, rows):
    """Latents of rows whose label is hidden."""
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
