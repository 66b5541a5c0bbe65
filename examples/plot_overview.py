"""
What does skvae do?
===================

*What are latents, new rows and filled-in parts?*

One picture of three tasks on handwritten digits: a map of the rows in two latents, new
rows, and parts of rows that are missing and filled in. It takes about
20 seconds on one core.
"""

# %%

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from skvae import JMVAETransformer, VAETransformer
from skvae.plotting import LatentMapDisplay, SampleDisplay

torch.set_num_threads(1)  # networks this small do not gain from more
X, y = load_digits(return_X_y=True)
X = X / 16
train, test, y_test = X[:1500], X[1500:], y[1500:]

# %%
# Two latents are enough for a map. More of them draw better pictures; ``prior="vamp"``
# lets the prior follow the latents.

plane = VAETransformer(2, max_epochs=40, random_state=0).fit(train)
sampler = VAETransformer(16, prior="vamp", max_epochs=40, random_state=0).fit(train)

# %%
# The upper and the lower half of a picture are two modalities of a row. The lower half
# of each test digit is missing, and is filled in given the upper half.

halves = {"upper": slice(0, 32), "lower": slice(32, 64)}
both = JMVAETransformer(16, modalities=halves, max_epochs=40, random_state=0).fit(train)
shown = test[[np.flatnonzero(y_test == digit)[0] for digit in range(10)]]
cut = shown.copy()
cut[:, 32:] = np.nan
filled = both.impute(cut)

# %%

figure, axes = plt.subplot_mosaic(
    [["map", "samples"], ["map", "cut"]], figsize=(9, 4.4), layout="constrained"
)
LatentMapDisplay.from_estimator(
    plane, test, y_test, ax=axes["map"], class_labels="median"
)
SampleDisplay.from_estimator(
    sampler,
    ax=axes["samples"],
    image_shape=(8, 8),
    n_samples=30,
    mean=True,
    cmap="gray_r",
    random_state=0,
)
lines = [np.hstack(rows.reshape(10, 8, 8)) for rows in (cut, filled, shown)]
axes["cut"].imshow(np.vstack(lines), cmap="gray_r")
axes["cut"].set_axis_off()
axes["map"].set_title("Latents", loc="left")
axes["samples"].set_title("New rows", loc="left")
axes["cut"].set_title("Missing, filled in, true", loc="left")
plt.show()
