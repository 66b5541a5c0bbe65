"""
A table of numbers, counts and categories
=========================================

*How do I model a table of numbers, counts and categories, and find odd rows?*

A mixed table needs a different likelihood for each kind of column. Here we simulate a
table with two known causes: how far people are in their working life, and whether they
live in a town. We compare the latents with these causes, sample new rows, and use
ln p(x) to detect rows with inconsistent values.
"""

# %%
# A table
# -------
# The table does not contain the two causes. Some columns increase over the working
# life; children and mortgages are most common in the middle of it.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.stats import sem
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from skvae import VAETransformer
from skvae.metrics import diagnose
from skvae.plotting import LatentMapDisplay, SampleDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

rng = np.random.default_rng(0)
n = 3000
career = rng.uniform(size=n)  # 0: just begun, 1: about to retire
town = rng.uniform(size=n) < 0.5
middle = np.exp(-(((career - 0.45) / 0.2) ** 2))


def draw(words, scores):
    """Draw one word per row, with probabilities proportional to exp(scores)."""
    noise = rng.gumbel(size=(len(words), n))
    return np.array(words)[np.argmax(np.broadcast_arrays(*scores) + noise, axis=0)]


table = pd.DataFrame(
    {
        "age": rng.normal(22 + 43 * career, 2.5).clip(17).round(),
        "income": rng.normal(1.8 + 3.5 * career**0.7, 0.5).clip(0.4).round(2),
        "minutes_to_work": rng.normal(np.where(town, 16, 36), 7).clip(1).round(),
        "children": rng.poisson(0.1 + 2.2 * middle),
        "sick_days": rng.poisson(2 + 9 * career**2),
        "home": draw(
            ["rent", "mortgage", "owned"],
            [2 + 2 * town - 6 * career, 3.5 * middle - town, -4 + 7 * career - town],
        ),
        "travels_by": draw(
            ["car", "train", "bicycle"],
            [1.5 - 3 * town + career, 0, 3 * town - 2.5 * career],
        ),
        "job": draw(
            ["trainee", "worker", "manager"], [4 - 20 * career, 0, 5 * career - 4.5]
        ),
    }
)
train, test = table[:2000], table[2000:]
print(test.head(8).to_string(index=False))

# %%
# The model
# ---------
# ``OrdinalEncoder`` converts words to codes, whose likelihood is ``"codes"``. Every
# column belongs to exactly one part of the likelihood. We give the model four latents,
# although there are only two causes.

words = ["home", "travels_by", "job"]
encoder = OrdinalEncoder().fit(train[words])


def encoded(people):
    """Replace words by codes."""
    codes = pd.DataFrame(encoder.transform(people[words]), people.index, words)
    return people.assign(**codes)


vae = VAETransformer(
    4,
    likelihood=[
        ("gaussian", ["age", "income", "minutes_to_work"]),
        ("poisson", ["children", "sick_days"]),
        ("codes", words),
    ],
    hidden_layer_sizes=(64, 64),
    max_epochs=60,
    random_state=0,
).fit(encoded(train))
found = diagnose(vae, encoded(test))
print(found)

# %%
# The causes
# ----------
# Two latents are active, and they match the two causes. Their order and sign are
# arbitrary.

used = np.flatnonzero(found["active"])
place = np.where(town[2000:], "town", "country")
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, cause in zip(axes, [career[2000:], place], strict=True):
    LatentMapDisplay.from_estimator(vae, encoded(test), cause, latents=used, ax=ax)
axes[0].set_title("Working life: 0 start, 1 end")
axes[1].set_title("Residence")
plt.show()

# %%
# How well can the causes be predicted from two numbers? We fit nearest-neighbour models
# on the two latents and on two principal components of the one-hot encoded table.

one_hot = make_column_transformer((OneHotEncoder(), words), remainder=StandardScaler())
pca = make_pipeline(one_hot, PCA(2)).fit(train)
planes = {
    "VAE": vae.transform(encoded(test))[:, used],
    "PCA": pca.transform(test),
}
print("\nMean of 5 folds    R² of working life   accuracy of town or country")
for name, plane in planes.items():
    life = cross_val_score(KNeighborsRegressor(20), plane, career[2000:])
    where = cross_val_score(KNeighborsClassifier(20), plane, place)
    print(
        f"  {name:<16}{life.mean():.3f} ± {sem(life):.3f}"
        f"        {where.mean():.3f} ± {sem(where):.3f}"
    )

# %%
# New people
# ----------
# Samples look like rows of the table: counts are whole numbers, and codes are converted
# back to words.


def readable(rows):
    """Convert model output to a readable table of people."""
    people = pd.DataFrame(rows.astype(np.float64), columns=table.columns)
    people[words] = encoder.inverse_transform(people[words])
    people = people.round({"age": 0, "income": 2, "minutes_to_work": 0})
    return people.astype({"children": int, "sick_days": int})


print("\nSamples")
print(readable(vae.sample(8, random_state=0)).to_string(index=False))

samples = readable(vae.sample(2000, random_state=1))
SampleDisplay(samples, X=train, feature_names=table.columns).plot()
plt.show()

# %%
# Counts and words match the data. Continuous columns have normal noise, so a few of the
# sampled ``minutes_to_work`` are negative, and the two modes of the column are blurred.
#
# Inconsistent rows
# -----------------
# In 50 of the 1000 test rows, we replace three cells by those of other people. Every
# single value is plausible, but their combination is not, so the row's ln p(x) should
# be low. We repeat this twenty times with different rows and cells.


def mixed_up(people):
    """Mix up some rows; return the new table and a mask of these rows."""
    people, wrong = people.reset_index(drop=True), np.zeros(len(people), dtype=bool)
    for row in rng.choice(len(people), 50, replace=False):
        for column in rng.choice(people.columns, 3, replace=False):
            people.loc[row, column] = people[column].iloc[rng.integers(len(people))]
        wrong[row] = True
    return people, wrong


detectors = {
    "VAE": make_pipeline(FunctionTransformer(encoded), vae),
    "PCA(2)": pca,
    "PCA(8)": make_pipeline(one_hot, PCA(8)).fit(train),
    "IsolationForest": make_pipeline(one_hot, IsolationForest(random_state=0)),
}
detectors["IsolationForest"].fit(train)
areas = {name: [] for name in detectors}
for _ in range(20):
    people, wrong = mixed_up(test)
    for name, detector in detectors.items():
        areas[name].append(roc_auc_score(~wrong, detector.score_samples(people)))

print("\nArea under the ROC curve, mean of 20 draws and its standard error")
for name, values in areas.items():
    print(f"  {name:<16}{np.mean(values):.3f} ± {sem(values):.3f}")

# %%
# An isolation forest, whose trees split at random, captures less of the dependence
# between columns. The density of PCA on the one-hot table comes close to the VAE's, but
# only with eight of its fourteen components.
