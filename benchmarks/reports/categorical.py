"""Page of the benchmark of categorical latents."""

from benchmarks.categorical import summary
from benchmarks.reports import Dots, Report, pick

COLUMNS = {
    "gradient": "gradient",
    "valid, hard": "ln p(x | y), hard",
    "valid, relaxed": "ln p(x | y), relaxed",
    "valid, published": "published",
    "bound, valid": "bound",
    "ln p(x), valid": "ln p(x)",
    "fit, s": "fit, s",
}


def tables(record):
    beta = f"β = {record['settings']['beta']:g}"
    return {beta: pick(summary(record["rows"]), COLUMNS)}


REPORT = Report(
    title="Categorical latents",
    paper="Nitta (2017), table 5.1",
    asked="""\
Which estimate of the gradient trains categorical latents best? 30 variables of 10
categories encode binary MNIST. All values are of the 10 000 validation rows, in nats
per row: the reconstruction with one-hot ("hard") and relaxed draws beside the
published one, the bound, and the importance-weighted ln p(x).""",
    tables=tables,
    dots=Dots(
        "gradient",
        {
            "ln p(x | y), hard": "hard draws",
            "ln p(x | y), relaxed": "relaxed draws",
            "published": "published",
        },
        "ln p(x | y) of validation rows, nats per row",
    ),
    pictures={
        "categorical_pi.png": "Probabilities of the categories for one digit, and "
        "reconstructions of digits, for each way to estimate the gradient",
    },
)
