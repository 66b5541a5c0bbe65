"""
How far to trust ln p(x)
========================

*When can an estimate of ln p(x) be trusted?*

A VAE has no closed form of ln p(x), so every number is an estimate, and most are too
low. Here one model, trained for too long on few pictures, is asked for the mean ln p(x)
of other pictures in three ways:

- importance sampling from the posterior of the encoder,
- importance sampling from a posterior refined for each row, as `score` does,
- annealed importance sampling, which needs no posterior and takes longest.

The encoder has overfitted: its posteriors of new pictures are wrong and too narrow. Its
estimate is nats too low, and more draws hardly help. The other two agree.
"""

# %%
# A model whose encoder has overfitted
# ------------------------------------
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from skvae import VAETransformer
from skvae.exceptions import SkvaeEstimateWarning

torch.set_num_threads(1)  # networks this small do not gain from more

X = load_digits().data / 16
train, test = X[:500], X[1000:1040]
vae = VAETransformer(
    hidden_layer_sizes=(128, 128),
    likelihood="gaussian-shared",
    max_epochs=300,
    random_state=0,
).fit(train)

# %%
# Three estimates
# ---------------
# The package warns that the estimate without refinement means little. Here we know.
numbers = 4 ** np.arange(6)  # draws per row: 1, 4, ..., 1024
estimates = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", SkvaeEstimateWarning)
    for label, refine in (("encoder", 0), ("refined, 20 steps", 20)):
        estimates[label] = [
            vae.log_likelihood(test, int(n), refine=refine, return_diagnostics=True)
            for n in numbers
        ]
annealed = vae.log_likelihood(
    test, 16, method="ais", n_temperatures=500, return_diagnostics=True
)
for label, found in estimates.items():
    at_64 = found[list(numbers).index(64)]
    print(
        f"{label}: {at_64.values.mean():.1f} nats per row with 64 draws, "
        f"median effective sample size {np.median(at_64.effective_sample_size):.1f}"
    )
print(f"annealed: {annealed.values.mean():.1f} nats per row with 16 chains")

# %%
# The figure
# ----------
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
for label, found in estimates.items():
    axes.plot(numbers, [each.values.mean() for each in found], marker="o", label=label)
level, error = annealed.values.mean(), 2 * annealed.mean_std_error
axes.axhline(level, color="black", linewidth=1, label="annealed")
axes.axhspan(level - error, level + error, color="black", alpha=0.15, linewidth=0)
axes.set(
    xscale="log",
    xlabel="draws per row",
    ylabel="mean ln p(x) of new rows, nats",
    title="The encoder's estimate stays too low",
)
axes.set_xticks(numbers, [str(n) for n in numbers])
axes.minorticks_off()
axes.legend(loc="lower right")
plt.show()
