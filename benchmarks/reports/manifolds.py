"""Page of the benchmark with two latents."""

from benchmarks.reports import Report, pick

COLUMNS = {
    "what": "data",
    "rows": "training rows",
    "epochs": "epochs",
    "bound": "bound",
    "ln p(x)": "ln p(x)",
    "neighbours": "accuracy, neighbours",
    "fit, s": "fit, s",
}

REPORT = Report(
    title="Manifolds of two latents",
    paper="Kingma and Welling (2014), figures 4 and 5",
    asked="""\
What do two latents learn from MNIST and from Frey's faces? The pictures show the
decoder's means over quantiles of the prior. Bound and ln p(x) are of held-out rows,
in nats per row; the accuracy is that of nearest neighbours that predict the digit
from the latents. The paper has only pictures.""",
    tables=lambda record: {"": pick(record["rows"], COLUMNS)},
    pictures={
        "manifolds_mnist.png": "Decoded digits over a grid of two latents",
        "manifolds_mnist_latents.png": "Latents of test digits, coloured by class",
        "manifolds_frey.png": "Decoded faces over a grid of two latents",
    },
)
