"""How far the estimates of ln p(x) lie below ln p(x), and what they cost.

    python -m benchmarks.likelihood --data FOLDER --write
    python -m benchmarks.likelihood --quick             # wine and digits, few epochs

Each row is one model of one data set, with the mean of 100 held-out rows. The reference
is importance sampling in double precision from Gaussians fitted to each row: 200 steps
of Adam from 25 starts (the encoder's posterior, those of other rows, draws of the
prior), then 3 000 draws from a mixture of the six best in two widths. So many starts
are needed where the posterior of a row has several modes. Beside it are how far two
estimates of 64 draws lie from it: from the posterior of the encoder (``refine=0``), and
from refined posteriors (the default of `score`), with the error that is reported for
it, the median effective sample size, the share of rows below 2, and CPU time as a
multiple of that of ``refine=0``: the median of seven pairs, on all held-out rows up to
1 000.

A last row for each data set names the setting with the largest mean: what
`GridSearchCV` by `score`, or `compare`, chooses with this split.

``--sets`` measures some data sets and keeps the others in the file. FOLDER contains
adult.npz, mnist.npz and usps.npz; without --data it is the variable SKVAE_DATA.
"""

import copy
import math
import sys
import warnings

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from benchmarks import _common as common
from benchmarks import defaults
from skvae import VAETransformer
from skvae.distributions import Normal
from skvae.exceptions import SkvaeEstimateWarning
from skvae.inference import MIN_EFFECTIVE
from skvae.training import Batch

SETTINGS = {
    "default": {},
    "max_epochs=300": {"max_epochs": 300},
    "beta=0.5": {"beta": 0.5},
    "hidden (64,)": {"hidden_layer_sizes": (64,)},
    "hidden (512, 512)": {"hidden_layer_sizes": (512, 512)},
    "dropout=0.1": {"dropout": 0.1},
}
N_ROWS, N_TIMED = 100, 1000
REFERENCE = "reference, nats"
N_STARTS, N_STEPS, RATE = 24, 200, 0.1  # of the reference, beside the encoder's
N_KEPT, WIDTHS, N_DRAWS, N_BLOCKS = 6, (1.0, 1.5), 3000, 10


# --- data -----------------------------------------------------------------------------


def breast_cancer(_):
    """426 training rows of 30 measurements."""
    X, y = load_breast_cancer(return_X_y=True)
    return defaults.split(X, y, StandardScaler(), "gaussian")


def mnist(folder):
    """1 000 training images of 784 grey values."""
    parts = (common.mnist(subset, folder) for subset in ("train", "test"))
    chosen = [some(*part, 1000) for part in parts]
    return pictures(chosen, "bernoulli")


def usps(folder):
    """2 000 training images of 256 grey values."""
    with np.load(common.data_file("usps.npz", folder), allow_pickle=False) as file:
        parts = [
            some(file[f"X_{part}"].reshape(-1, 256), file[f"y_{part}"], 2000)
            for part in ("train", "test")
        ]
    return pictures(parts, "gaussian-shared")


def some(X, y, n):
    """At most `n` rows in random order, as float64."""
    chosen = np.random.default_rng(0).permutation(len(X))[:n]
    return X[chosen].astype(float), y[chosen]


def pictures(parts, likelihood):
    """A table of training and test rows, not scaled."""
    X, y = zip(*parts, strict=True)
    return defaults.Table(X, y, likelihood, X)


TABLES = {
    "digits": defaults.digits,
    "breast cancer": breast_cancer,
    "wine": defaults.wine,
    "adult": defaults.adult,
    "MNIST": mnist,
    "USPS": usps,
}
QUICK, QUICK_SETTINGS = ("wine", "digits"), ("default", "beta=0.5")


# --- the reference --------------------------------------------------------------------


def reference(model, X, seed=1):
    """ln p(x) of each row, and its effective sample size, from fitted Gaussians."""
    module = copy.deepcopy(model.module_)
    batch = Batch(x=torch.from_numpy(np.array(X, dtype=np.float64)))
    random = torch.Generator().manual_seed(seed)
    parts = fitted(module.float(), Batch(x=batch.x.float()), random)
    module = module.double()
    with torch.no_grad():
        log_w = torch.cat(
            [log_weights(module, batch, parts, random) for _ in range(N_BLOCKS)]
        )
    value = log_w.logsumexp(0) - math.log(len(log_w))
    size = 1 / (log_w - log_w.logsumexp(0)).exp().square().sum(0)
    return value.numpy(), size.numpy()


def fitted(module, batch, random):
    """The Gaussians of each row with the largest bounds, of several widths.

    The posterior of a row may have several modes, so that many starts are tried.
    """
    with torch.no_grad():
        prior = module.prior(batch)
        parameters = list(starts(module.posterior(batch), random))  # (S, B, K) each
    for part in parameters:
        part.requires_grad_()
    optimizer = torch.optim.Adam(parameters, lr=RATE)
    for step in range(N_STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - 0.95 * step / N_STEPS)
        heights = bounds(module, batch, prior, *parameters, random)
        optimizer.zero_grad()
        (-heights.sum()).backward(inputs=parameters)
        optimizer.step()
    with torch.no_grad():
        heights = sum(
            bounds(module, batch, prior, *parameters, random) for _ in range(8)
        )
        best = heights.argsort(0, descending=True)[:N_KEPT, :, None]
        loc, log_scale = (part.take_along_dim(best, 0).double() for part in parameters)
    scales = log_scale.exp()
    return [Normal(m, w * s) for m, s in zip(loc, scales, strict=True) for w in WIDTHS]


def starts(q, random):
    """The encoder's posterior, those of other rows, and draws of the prior."""
    n_rows, half = len(q.loc), N_STARTS // 2
    others = torch.stack(
        [torch.randperm(n_rows, generator=random) for _ in range(half)]
    )
    drawn = torch.randn((half, *q.loc.shape), generator=random)
    loc = torch.cat([q.loc[None], q.loc[others], drawn])  # (S, B, K)
    log_scale = torch.full_like(loc, math.log(0.3))
    log_scale[0] = q.scale.log()
    return loc, log_scale


def bounds(module, batch, prior, loc, log_scale, random):
    """One draw's estimate of the bound of each Gaussian, up to a constant, (S, B)."""
    z = loc + log_scale.exp() * torch.randn(loc.shape, generator=random)
    log_joint = module.likelihood(z, batch).log_prob(batch.x) + prior.log_prob(z)
    return log_joint + log_scale.sum(-1)


def log_weights(module, batch, parts, random):
    """ln w of a block of draws from an equal mixture of Gaussians, (S, B)."""
    shape = (N_DRAWS // N_BLOCKS // len(parts), *parts[0].loc.shape)
    drawn = (torch.randn(shape, generator=random, dtype=torch.double) for _ in parts)
    z = torch.cat([p.loc + p.scale * e for p, e in zip(parts, drawn, strict=True)])
    log_q = torch.stack([p.log_prob(z) for p in parts]).logsumexp(0)
    log_joint = module.likelihood(z, batch).log_prob(batch.x)
    log_joint = log_joint + module.prior(batch).log_prob(z)
    return log_joint - log_q + math.log(len(parts))


# --- rows -----------------------------------------------------------------------------


def measure(model, table, rounds):
    """Estimates of the mean of ln p(x), and what is in the table."""
    X, more = table[:N_ROWS], table[:N_TIMED]
    exact, size = reference(model, X)
    plain, refined = (
        model.log_likelihood(X, refine=refine, return_diagnostics=True)
        for refine in (0, None)
    )
    timers = {
        name: lambda refine=refine: common.seconds(
            lambda: model.log_likelihood(more, refine=refine)
        )
        for name, refine in (("plain", 0), ("refined", None))
    }
    taken = common.interleaved(timers, rounds)
    sizes = [each.effective_sample_size for each in (plain, refined)]
    return {
        REFERENCE: exact.mean(),
        "its median ESS": np.median(size),
        "encoder": plain.values.mean() - exact.mean(),
        "refined": refined.values.mean() - exact.mean(),
        "its error": refined.mean_std_error,
        "ESS, encoder": np.median(sizes[0]),
        "ESS, refined": np.median(sizes[1]),
        "below 2, encoder": (sizes[0] < MIN_EFFECTIVE).mean(),
        "below 2, refined": (sizes[1] < MIN_EFFECTIVE).mean(),
        "cost": np.median(taken["refined"] / taken["plain"]),
    }


def rows(name, table, chosen):
    """Yield one row for each setting, and one for what is chosen."""
    found = {}
    for setting in chosen.settings:
        params = SETTINGS[setting] | chosen.params
        model = VAETransformer(likelihood=table.likelihood, random_state=0)
        model.set_params(**common.BASE)
        model.set_params(**params).fit(table.X[0])
        values = measure(model, table.X[1], chosen.rounds)
        found[setting] = values
        rounded = {key: round(float(value), 3) for key, value in values.items()}
        yield {"data": name, "setting": setting} | rounded
    yield {"data": name, "setting": "chosen"} | {
        column: max(found, key=lambda setting: mean_by(column, found[setting]))
        for column in (REFERENCE, "encoder", "refined")
    }


def mean_by(column, values):
    """Mean of ln p(x) by the reference, or by one of the estimates."""
    exact = values[REFERENCE]
    return exact if column == REFERENCE else exact + values[column]


def options(argv):
    """The command line."""
    parser = common.parser("likelihood", __doc__)
    parser.add_argument("--sets", type=common.words, default=tuple(TABLES))
    chosen = parser.parse_args(argv)
    chosen.sets = QUICK if chosen.quick else chosen.sets
    chosen.settings = QUICK_SETTINGS if chosen.quick else tuple(SETTINGS)
    chosen.params = {"max_epochs": 5} if chosen.quick else {}
    chosen.rounds = 1 if chosen.quick else 7
    return chosen


def kept(chosen):
    """Rows of the file that belong to other data sets than those to be measured."""
    found = [r["rows"] for r in common.read_records(chosen.write)]
    return [row for part in found for row in part if row["data"] not in chosen.sets]


def main(argv=None):
    """Print each row as soon as it is measured, and write it with --write."""
    chosen = options(argv)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SkvaeEstimateWarning)  # expected without steps
    settings = {"rows": N_ROWS, "draws": 64, "seed": 0, "threads": 1}
    folder = common.data_folder(chosen.data)
    done = kept(chosen) if chosen.write else []
    for name in chosen.sets:
        for row in rows(name, TABLES[name](folder), chosen):
            done.append(row)
            print("  ".join(f"{k}: {v}" for k, v in row.items()), flush=True)
            if chosen.write:
                records = [common.record(settings, done)]
                common.write_records(chosen.write, records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
