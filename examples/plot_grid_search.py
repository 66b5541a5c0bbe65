"""
Searching settings, and the cost of it
======================================

Every parameter of a VAE can be searched, those of its likelihood and of the steps
around it too. Successive halving gives all settings a few epochs, and only the better
ones more.
"""

# %%
# The grid
# --------
# The latents shall serve a classifier, so the whole pipeline is scored by its accuracy.
# ``likelihood=Gaussian()`` is given as an object: its own parameters then have names
# like any other. ``"column"`` learns the noise of every pixel, ``"shared"`` one noise
# for all.

import matplotlib.pyplot as plt
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import HalvingGridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skvae import VAETransformer
from skvae.distributions import Gaussian

torch.set_num_threads(1)  # networks this small do not gain from more

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
pipeline = Pipeline(
    [
        ("scale", MinMaxScaler(clip=True)),
        ("vae", VAETransformer(likelihood=Gaussian(), random_state=0)),
        ("standardise", StandardScaler()),
        ("clf", LogisticRegression(max_iter=1000)),
    ]
)
grid = {
    "vae__n_components": [4, 8, 16],
    "vae__beta": [0.3, 1.0],
    "vae__likelihood__scale": ["column", "shared"],
}

# %%
# The search
# ----------
# The resource is ``vae__max_epochs``. With ``factor=3`` all 12 settings train for 5
# epochs, the better 4 of them for 15, the better 2 for 45: 210 epochs a fold, where
# every setting in full would take 540.

search = HalvingGridSearchCV(
    pipeline,
    grid,
    resource="vae__max_epochs",
    min_resources=5,
    max_resources=45,
    factor=3,
    cv=3,
    random_state=0,
).fit(X_train, y_train)

results = pd.DataFrame(search.cv_results_).rename(
    columns={
        "param_vae__n_components": "n_components",
        "param_vae__beta": "beta",
        "param_vae__likelihood__scale": "scale",
        "param_vae__max_epochs": "epochs",
    }
)
settings = ["n_components", "beta", "scale"]
results["accuracy"] = results["mean_test_score"].round(3)
results["error"] = (results["std_test_score"] / 2**0.5).round(3)

first = results.query("epochs == 5")
print("Accuracy after 5 epochs, mean of 3 folds")
print(first.pivot(index=["scale", "beta"], columns="n_components", values="accuracy"))
print("\nThe settings that went on, with their standard error over folds")
further = results.query("epochs > 5")
print(further[["epochs", *settings, "accuracy", "error"]].to_string(index=False))

# %%
# The picture shows who went on. The number of latents decides most, then the scale.
# ``beta`` makes no difference after 5 epochs, and some after 15: a setting that needs
# long to show its worth can be lost on the way, which is what halving risks.

colours = {4: "#3f90da", 8: "#ffa90e", 16: "#bd1f01"}
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (k, beta, scale), rounds in results.groupby(settings):
    ax.errorbar(
        rounds["epochs"],
        rounds["accuracy"],
        rounds["error"],
        color=colours[k],
        marker="o" if scale == "shared" else "s",
        mfc=colours[k] if scale == "shared" else "white",
        ls="-" if beta < 1 else "--",
        capsize=2,
    )
for k, colour in colours.items():
    ax.plot([], [], "-", color=colour, label=f"{k} latents")
ax.plot([], [], "ko", label="scale shared")
ax.plot([], [], "ks", mfc="white", label="scale by column")
ax.plot([], [], "k-", label="beta 0.3")
ax.plot([], [], "k--", label="beta 1")
ax.set(xscale="log", xlabel="epochs", ylabel="accuracy, mean of 3 folds")
ax.set_xticks([5, 15, 45], ["5", "15", "45"])
ax.minorticks_off()
ax.legend(loc="lower right", frameon=False)
plt.show()

# %%
# The winner
# ----------
# ``best_estimator_`` was fitted on all training rows with the winner's settings. It is
# held against principal components in the same pipeline, and so are fewer latents with
# the same settings otherwise.

print(f"\nBest: {search.best_params_}")
print("\nAccuracy on the other half of the digits (standard error about 0.01)")
print("  latents     VAE     PCA")
for k in [4, 8, 16]:
    vae = clone(search.best_estimator_).set_params(vae__n_components=k)
    pca = clone(pipeline).set_params(vae=PCA(k))
    scores = [model.fit(X_train, y_train).score(X_test, y_test) for model in (vae, pca)]
    print(f"  {k:>7}{scores[0]:8.3f}{scores[1]:8.3f}")

# %%
# With four latents the VAE is well ahead, with eight a little. Sixteen principal
# components are as good as sixteen latents and take no time: where that many numbers
# may be kept, this classifier needs no VAE.
