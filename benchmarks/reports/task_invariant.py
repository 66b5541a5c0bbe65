"""Page of the benchmark of task-invariant representations."""

from benchmarks.reports import Dots, Report, split
from benchmarks.task_invariant import summary

COLUMNS = {
    "model": "model",
    "test ln p(x)": "test ln p(x)",
    "published ln p(x)": "published",
    "accuracy, linear": "accuracy, linear",
    "published accuracy": "published ",
    "accuracy, MLP": "accuracy, MLP",
    "I(S; Z)": "I(S; Z)",
}
MAIN = {"usps": "padded", "n_components": 40, "epochs": 100}
NAMES = {
    "usps-mnist": "USPS to MNIST",
    "mnist-usps": "MNIST to USPS",
    "faces": "Faces",
}


def tables(record):
    found = split(summary(record["rows"]), "table", COLUMNS)
    return {NAMES.get(name, name): rows for name, rows in found.items()}


REPORT = Report(
    title="Task-invariant representations",
    paper="Takahashi et al. (2022)",
    asked="""\
What removes the task from the latents, and does that help on a task with few rows? One
model is trained on all rows of the source and 100 of the target.
ln p(x | s) is of the target's test rows, in nats per row. Classifiers of the latents
are fitted to both tasks. I(S; Z) is in nats. Means over seeds with standard errors.""",
    tables=tables,
    dots=Dots(
        "model",
        {"test ln p(x)": "here", "published": "published"},
        "test ln p(x | s), nats per row",
    ),
    pictures={
        "task_invariant_latents.png": "Latents of USPS and MNIST in two dimensions, "
        "for the CVAE, and with shares and a weight of I(S; Z) after 30 epochs",
    },
    folded=lambda settings: any(settings.get(k) != v for k, v in MAIN.items()),
)
