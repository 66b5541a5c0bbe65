"""A linear Gaussian model of two modalities, and estimators with its weights.

x_m = W_m z + μ_m + σ_m ε, where every W_m has orthogonal columns. The posterior given
all modalities, or any one of them, is then a Gaussian with independent components,
which the encoders can represent. With their weights set to it, everything has a closed
form.
"""

import numpy as np
import torch
from scipy.stats import multivariate_normal

from skvae import JMVAETransformer
from skvae.distributions import Gaussian

K = 2
BLOCKS = {"wide": np.array([0, 2, 3, 5, 6]), "narrow": np.array([1, 4, 7])}
SCALES = {"wide": 0.7, "narrow": 1.2}


class Truth:
    """The model, with its exact densities, conditional means and posteriors."""

    def __init__(self):
        random = np.random.default_rng(0)
        self.W, self.mean = np.empty((8, K)), random.normal(size=8)
        self.var = np.empty(8)
        for name, at in BLOCKS.items():
            q, _ = np.linalg.qr(random.normal(size=(len(at), K)))
            self.W[at] = q * random.uniform(0.8, 1.6, K)
            self.var[at] = SCALES[name] ** 2

    def sample(self, n, seed):
        random = np.random.default_rng(seed)
        z = random.normal(size=(n, K))
        return self.mean + z @ self.W.T + random.normal(size=(n, 8)) * self.var**0.5

    def covariance(self, a, b):
        return self.W[a] @ self.W[b].T + np.diag(self.var)[np.ix_(a, b)]

    def log_prob(self, X, at):
        return multivariate_normal(self.mean[at], self.covariance(at, at)).logpdf(
            X[:, at]
        )

    def conditional_mean(self, X, target, given):
        gain = self.covariance(target, given) @ np.linalg.inv(
            self.covariance(given, given)
        )
        return self.mean[target] + (X[:, given] - self.mean[given]) @ gain.T

    def posterior(self, at):
        """Return G in E(z | x) = G (x − μ), and the variances, given some columns."""
        scaled = self.W[at] / self.var[at, None]
        precision = np.eye(K) + self.W[at].T @ scaled
        np.testing.assert_allclose(precision, np.diag(np.diag(precision)), atol=1e-9)
        return np.linalg.inv(precision) @ scaled.T, 1 / np.diag(precision)


TRUTH = Truth()
EVERY = np.arange(8)


def without(X, name):
    X = X.copy()
    X[:, BLOCKS[name]] = np.nan
    return X


def set_to(loc_scale, modalities, at):
    """Set an encoder to the true posterior given the columns `at`."""
    gain, variance = TRUTH.posterior(at)
    center = np.concatenate([m.head.center.numpy() for m in modalities])
    spread = np.concatenate([m.head.spread.numpy() for m in modalities])
    linear = loc_scale.linear
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[:K] = torch.as_tensor(gain * spread)
        linear.bias[:K] = torch.as_tensor(gain @ (center - TRUTH.mean[at]))
        raw = np.log(np.expm1(np.sqrt(variance) - 1e-4))
        linear.bias[K:] = torch.as_tensor(raw)


def at_the_truth(X, **params):
    """Fit for an epoch, then set all weights to the truth."""
    model = JMVAETransformer(
        K,
        modalities=BLOCKS,
        likelihood={name: Gaussian(scale=scale) for name, scale in SCALES.items()},
        hidden_layer_sizes=(),
        max_epochs=1,
        dtype="float64",
        random_state=0,
        **params,
    ).fit(X)
    module = model.module_
    for modality, at in zip(module.modalities, BLOCKS.values(), strict=True):
        head = modality.head
        with torch.no_grad():
            W = torch.as_tensor(TRUTH.W[at])
            head.linear.weight.copy_(W / head.spread[:, None])
            mean = torch.as_tensor(TRUTH.mean[at])
            head.linear.bias.copy_((mean - head.center) / head.spread)
    both = np.concatenate([*BLOCKS.values()])
    set_to(module.joint[-1], module.modalities, both)
    for expert, modality, at in zip(
        module.experts, module.modalities, BLOCKS.values(), strict=False
    ):
        set_to(expert[-1][-1], [modality], at)
    return model


def replicates(model, function, n=20):
    """Return `function(model)` under several seeds, (n, ...)."""
    seed, module_seed = model._seed, model.module_.seed
    values = []
    for i in range(n):
        model._seed = model.module_.seed = 1000 + i
        values.append(function(model))
    model._seed, model.module_.seed = seed, module_seed
    return np.array(values)
