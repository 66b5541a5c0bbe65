"""
Counts: Poisson or Gaussian?
============================

*Should counts be modelled as counts, or as numbers after a log transform?*

Counts can be modelled directly, with ``likelihood="poisson"``, or as real numbers after
a log transform. We compare both on word counts with known rates, along with NMF and
latent Dirichlet allocation.
"""

# %%
# Word counts
# -----------
# We generate 2000 documents of different lengths from five topics; most documents mix
# only a few topics. Each topic has its own distribution over 100 words. The rate of a
# word in a document is its expected count; the data contain a Poisson draw from it.

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.special import kl_div
from scipy.stats import sem
from sklearn.decomposition import NMF, PCA, LatentDirichletAllocation

from skvae import VAETransformer
from skvae.plotting import LatentMapDisplay

torch.set_num_threads(1)  # networks this small do not gain from more

rng = np.random.default_rng(0)
topics = rng.dirichlet(np.full(100, 0.1), size=5)
shares = rng.dirichlet(np.full(5, 0.2), size=2000)
length = rng.gamma(4, 15, size=2000)
rates = length[:, None] * (shares @ topics) + 1e-3
X = rng.poisson(rates)
X_train, X_test, rates_test = X[:1500], X[1500:], rates[1500:]
print(f"{X.sum(1).mean():.0f} words per document; {(X == 0).mean():.0%} zero counts")

# %%
# Which model recovers the rates?
# -------------------------------
# Given a held-out document, each model predicts its expected counts μ. We compare them
# with the true rates λ by the KL divergence between Poisson distributions, the sum of
# λ ln(λ / μ) − λ + μ over the words, in nats per document. This measure is comparable
# across models. ln p(x) is not: a density of logarithms and a probability of counts
# have different units.

lda = LatentDirichletAllocation(5, max_iter=20, random_state=0).fit(X_train)
words_of_topics = lda.components_ / lda.components_.sum(axis=1, keepdims=True)
nmf = NMF(5, beta_loss="kullback-leibler", solver="mu", max_iter=500, random_state=0)
nmf.fit(X_train)
pca = PCA(5).fit(np.log1p(X_train))

settings = dict(hidden_layer_sizes=(128,), max_epochs=60, random_state=0)
poisson = VAETransformer(5, likelihood="poisson", **settings).fit(X_train)
gaussian = VAETransformer(5, **settings).fit(np.log1p(X_train))

logs = np.log1p(X_test)
expected = {
    "mean of the training rows": np.tile(X_train.mean(0), (len(X_test), 1)),
    "PCA of log(1 + x)": np.expm1(pca.inverse_transform(pca.transform(logs))),
    "VAE, Gaussian on log(1 + x)": np.expm1(gaussian.reconstruct(logs)),
    "VAE, Poisson": poisson.reconstruct(X_test),
    "NMF": nmf.inverse_transform(nmf.transform(X_test)),
    "LDA": lda.transform(X_test) @ words_of_topics * X_test.sum(axis=1, keepdims=True),
}
print("\nDivergence from the true rates, nats per document ± standard error")
for name, counts in expected.items():
    divergence = kl_div(rates_test, np.maximum(counts, 1e-3)).sum(axis=1)
    print(f"  {name:<28}{divergence.mean():6.2f} ± {sem(divergence):.2f}")

# %%
# The Gaussian model of logarithms assumes the same noise for a word whatever its rate,
# and the mean of logarithms is not the logarithm of the mean. The Poisson model has
# neither problem, and its divergence is little more than half as large. LDA is the
# model that generated these documents, so nothing should beat it. NMF with this loss is
# a Poisson model whose rates are sums of topics, as they are here. The VAE has to learn
# this structure with its networks, and does as well as NMF. If your counts are mixtures
# of topics, use LDA or NMF; a VAE is for counts whose causes do not simply add up.
#
# Latents and samples
# -------------------
# The left panel shows the five latents of the test documents, reduced to two dimensions
# and coloured by the main topic. The right panel shows how often each count occurs over
# all words, in the data and in as many samples. Samples of the Gaussian model are not
# whole numbers, so we round them; some are negative, and too many are 1.

names = np.array(["A", "B", "C", "D", "E"])
main_topic = names[shares[1500:].argmax(axis=1)]
samples = {
    "data": X_train,
    "VAE, Poisson": poisson.sample(1500, random_state=0),
    "VAE, Gaussian": np.expm1(gaussian.sample(1500, random_state=0)).round(),
}

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
LatentMapDisplay.from_estimator(
    poisson, X_test, main_topic, reduction="tsne", random_state=0, ax=left
)
values = np.arange(-1, 7)
for i, (name, rows) in enumerate(samples.items()):
    seen = [(rows == value).mean() for value in values]
    colour = ["0.7", "#3f90da", "#ffa90e"][i]
    right.bar(values + 0.27 * (i - 1), seen, 0.27, label=name, color=colour)
right.set(yscale="log", xticks=values, xlabel="count", ylabel="share of all counts")
right.set_ylim(2e-3, 1)
right.legend(frameon=False)
plt.show()
