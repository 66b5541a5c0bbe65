"""Page of the benchmark of latents from two depths."""

from benchmarks.mpvae import summary
from benchmarks.reports import Dots, Report

NAMES = {"dsprites": "dSprites", "celeba": "Faces (CelebA)"}
LABELS = ("shape", "scale", "orientation", "posX", "posY", "mean")


def tables(record):
    name = NAMES.get(record["settings"]["set"], record["settings"]["set"])
    rows = summary(record["rows"])
    if "shape" not in rows[0]:
        columns = ("latents", "seeds", "mean", "published", "bound", "fit, s")
        return {name: [{c: row[c] for c in columns} for row in rows]}
    return {
        f"{name}: accuracy in percent": [
            {c: row[c] for c in ("latents", *LABELS)} for row in rows
        ],
        f"{name}: published": [published(row) for row in rows if row["published"]],
        f"{name}: both": [
            {"latents": row["latents"], "mean": row["mean"]}
            | {"published": published(row).get("mean")}
            for row in rows
        ],
    }


def published(row):
    """Return the published accuracies, which `summary` joins by " / "."""
    values = row["published"].split(" / ")
    if len(values) < len(LABELS):
        return {}
    return {"latents": row["latents"], **dict(zip(LABELS, values, strict=True))}


REPORT = Report(
    title="Latents of two depths",
    paper="Ishikawa et al., tables 1 and 2",
    asked="""\
Do latents from two depths of one encoder keep more than those of a VAE? A classifier
per label is fitted to the latents: of the VAE, of the shallow path z1, of the deep
path z2, and of both. "majority" always predicts the most frequent class. The values
are accuracies on other rows in percent, as means over seeds with standard errors.""",
    tables=tables,
    dots=Dots(
        "latents",
        {"mean": "here", "published": "published"},
        "mean accuracy, percent",
        only=("dSprites: both", "Faces (CelebA)"),
    ),
)
