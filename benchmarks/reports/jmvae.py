"""Page of the benchmark of several modalities."""

from benchmarks.jmvae import summary
from benchmarks.reports import Dots, Report, pick

NAMES = {"mnist": "MNIST", "celeba": "Faces (CelebA)"}
ACROSS = {
    "model": "model",
    "seed": "seed",
    "ln p(x|w)": "ln p(x | w)",
    "ln p(x|w), published": "published",
    "ln p(w|x)": "ln p(w | x)",
    "ln p(w|x), published": "published ",
    "generated": "pictures right",
}
BOTH = {
    "model": "model",
    "seed": "seed",
    "ln p(x|x,w)": "ln p(x | x, w)",
    "ln p(x|x,w), published": "published",
    "ln p(w|x,w)": "ln p(w | x, w)",
    "ln p(w|x,w), published": "published ",
    "label": "labels right",
}
IMPORTANCE = {
    "model": "model",
    "seed": "seed",
    "ln p(x|w), importance": "ln p(x | w)",
    "ln p(x|w), ESS": "ESS",
    "ln p(w|x), importance": "ln p(w | x)",
    "ln p(w|x), ESS": "ESS ",
}
MAIN = {"alpha": 1.0, "n_components": None}


def tables(record):
    rows = summary(record["rows"])
    name = NAMES.get(record["settings"]["set"], record["settings"]["set"])
    return {
        f"{name}: one part given the other": pick(rows, ACROSS),
        f"{name}: both parts given": pick(rows, BOTH),
        f"{name}: by importance sampling": pick(rows, IMPORTANCE),
    }


def folded(settings):
    """Return whether a record varies the settings of the main ones."""
    longer = settings["set"] == "mnist" and settings["epochs"] != 30
    return longer or any(settings.get(k) != v for k, v in MAIN.items())


REPORT = Report(
    title="Pictures and labels together",
    paper="Suzuki and Matsuo (2018)",
    asked="""\
How well does each model predict a picture x from its label or attributes w, and the
other way round? The densities are the paper's, from 10 draws of z, of test rows in
nats per row (those of the hierarchical model are too low to compare). The tables "by
importance sampling" hold the densities themselves, from 100 draws, with the median
effective sample size of the rows (ESS) where it was recorded. "pictures
right" is the share of pictures, generated for a label, that a classifier of real
pictures assigns to it; "labels right" is the accuracy of labels imputed from
pictures. "JMVAE-kl weighted" multiplies ln p(w | z) by 50 in training and is not
published.""",
    tables=tables,
    dots=Dots(
        "model",
        {"ln p(x | w)": "here", "published": "published"},
        "ln p(x | w), nats per row",
        only=("MNIST: one part given the other",),
    ),
    pictures={
        "jmvae_mnist_labels.png": "Digits generated for each label, one row per model",
        "jmvae_mnist_latents.png": "Latents of digits, coloured by label, per model",
        "jmvae_mnist_steps.png": "ln p(x | w) against the number of iterations, MNIST",
        "jmvae_celeba_attributes.png": "Faces that JMVAE-kl generates for attributes",
        "jmvae_celeba_attributes_weighted.png": "The same with a weight of 50",
        "jmvae_celeba_attributes_gan.png": "The same with an adversarial loss",
        "jmvae_celeba_edits.png": "Faces whose attributes JMVAE-kl has changed",
        "jmvae_celeba_edits_weighted.png": "The same with a weight of 50",
        "jmvae_celeba_edits_gan.png": "The same with an adversarial loss",
        "jmvae_celeba_steps.png": "ln p(x | w) against the number of iterations, faces",
    },
    folded=folded,
)
