"""
Features that do not tell the group
===================================

*How can features of a table say little about a sensitive column?*

Here applicants belong to one of two groups. The columns depend on their skill, which
decides whether they repay, and on the group: some columns are shifted, and one varies
more in one group. To leave out the group itself is not enough, because the columns tell
it. Gradient boosting, fitted to half of the applicants, shows what is left in

- the columns, and the latents of a VAE, which has to describe the group too;
- the columns less their linear prediction from the group, as by fairlearn's
  ``CorrelationRemover``;
- the latents of a CVAE, which is given the group and need not describe it;
- the same with ``invariance``, the weight of the information about the group that a
  classifier, trained beside the model, finds in the latents.

Latents are posterior means, from `transform`, or draws, from `sample_latents`. With a
low ``beta``, they keep more of the columns.
"""

# %%
# Applicants
# ----------
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from skvae import CVAETransformer, VAETransformer

torch.set_num_threads(1)  # networks this small do not gain from more

random = np.random.default_rng(0)
n, n_train = 3000, 1500
group = random.integers(2, size=n)
skill = random.normal(size=(n, 2))
X = skill @ random.normal(size=(2, 6)) + 0.4 * random.normal(size=(n, 6))
X[:, :3] += 0.8 * group[:, None]  # shifted
X[:, 5] *= 1 + group  # more spread out, which a linear prediction does not see
repays = skill.sum(1) + random.normal(size=n) > 0

# %%
# Features
# --------
# ``condition_weights="balanced"`` draws both groups equally often in training, so that
# the classifier takes neither for granted.
settings = {"max_epochs": 30, "batch_size": 100, "random_state": 0}
train, given = X[:n_train], {"condition": group[:n_train]}
models = {
    "CVAE, beta 0.2": CVAETransformer(4, beta=0.2, kl_warmup=5, **settings),
    "with the weight": CVAETransformer(
        4,
        beta=0.2,
        kl_warmup=5,
        invariance=10.0,
        condition_weights="balanced",
        **settings,
    ),
    "CVAE, beta 1": CVAETransformer(4, **settings),
}
linear = LinearRegression().fit(group[:n_train, None], train)
features = {
    "columns": X,
    "columns, linear removal": X - linear.predict(group[:, None]),
    "VAE, means": VAETransformer(4, **settings).fit(train).transform(X),
}
for name, model in models.items():
    model.fit(train, **given)
    features[f"{name}, means"] = model.transform(X, condition=group)
    drawn = model.sample_latents(X, condition=group, random_state=0)
    features[f"{name}, draws"] = drawn[0]

# %%
# What a predictor finds in them
# ------------------------------
# An AUC of 0.5 is chance.


def auc(Z, y):
    """Return the AUC of gradient boosting on the second half of the applicants."""
    model = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    model.fit(Z[:n_train], y[:n_train])
    return roc_auc_score(y[n_train:], model.predict_proba(Z[n_train:])[:, 1])


found = {name: (auc(Z, repays), auc(Z, group)) for name, Z in features.items()}
for name, (target, sensitive) in found.items():
    print(f"{name:24} repays {target:.2f}, group {sensitive:.2f}")

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for place, (target, sensitive) in enumerate(found.values()):
    ax.plot([sensitive, target], [place, place], color="lightgrey", zorder=0)
sensitive, target = [[pair[i] for pair in found.values()] for i in (1, 0)]
ax.scatter(target, range(len(found)), label="repays")
ax.scatter(sensitive, range(len(found)), marker="D", label="group")
ax.axvline(0.5, color="black", linewidth=0.8)
ax.set(yticks=range(len(found)), yticklabels=found, xlabel="AUC")
ax.invert_yaxis()
ax.legend()

# %%
# All features predict the repayment equally well. Linear removal leaves what is not
# linear, and a CVAE with a low ``beta`` need not leave out all of the group; the
# weight removes most of it. With ``beta=1``, the divergence from the prior does that by
# itself in draws, but not in the means, which have no noise: a strong predictor finds
# more in them. Whoever must not tell the group should use draws, and test them with the
# strongest predictor there is, as here. The weight is no guarantee.
