"""Page of the benchmark on MNIST."""

from benchmarks.reports import Dots, Report, pick

COLUMNS = {
    "n_components": "latents",
    "test ln p(x), nats": "test ln p(x)",
    "Monte-Carlo error": "±",
    "median ESS": "ESS",
    "accuracy": "accuracy",
    "accuracy, PCA": "accuracy, PCA",
    "active units": "active latents",
}


def tables(record):
    rows = sorted(record["rows"], key=lambda row: row["n_components"])
    return {"": pick(rows, COLUMNS)}


REPORT = Report(
    title="MNIST",
    asked="""\
How good are the density and the latents of a VAE on MNIST? Test ln p(x) in nats per
row, with the error of the draws and the median effective sample size (ESS, of 500
draws), and test accuracy of logistic regression on the latents and on as many principal
components. A latent is active if its posterior mean has a variance above 0.01.""",
    tables=tables,
    dots=Dots("latents", {"accuracy": "VAE", "accuracy, PCA": "PCA"}, "test accuracy"),
)
