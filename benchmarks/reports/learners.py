"""Page of the benchmark of three ways to train a decoder."""

from benchmarks.reports import Report, split

COLUMNS = {
    name: name
    for name in (
        "learner",
        "passes",
        "fit, s",
        "ln p(x), train",
        "ln p(x), test",
        "estimate, test",
    )
} | {"median ESS": "ESS"}


def tables(record):
    found = split(record["rows"], "rows", COLUMNS)
    return {f"{n} training rows": rows for n, rows in found.items()}


REPORT = Report(
    title="Three ways to train a decoder",
    paper="Kingma and Welling (2014), figure 3",
    asked="""\
A decoder with 3 latents is trained as a variational autoencoder (AEVB), by wake-
sleep, and by Monte Carlo EM, which has no encoder. Which is the better density of
MNIST's binary pixels, after how many passes and seconds? ln p(x) is a sum over a grid
of latents, in nats per row; "estimate" is what `score` returns with 200 draws, of which
ESS is the median effective number. The paper has only curves, from another estimator,
so only their order and shape can be compared.""",
    tables=tables,
    pictures={
        "learners_curves.png": "Curves of ln p(x) of training and test rows against "
        "rows seen, for AEVB, wake-sleep and Monte Carlo EM, on 1 000 and 50 000 rows",
    },
)
