"""Page of the benchmark of disentanglement."""

from benchmarks.reports import Dots, Report, pick

COLUMNS = {
    "model": "model",
    "MIG": "MIG",
    "modularity": "modularity",
    "SAP": "SAP",
    "beta-VAE score": "β-VAE score",
    "FactorVAE score": "FactorVAE score",
    "DCI disentanglement": "DCI",
}

REPORT = Report(
    title="Disentanglement",
    paper="the scores of Locatello et al. (2019)",
    asked="""\
Does each latent follow one factor of dSprites? All scores are best at 1. DCI is its
disentanglement; the other parts are in the result file.""",
    tables=lambda record: {"": pick(record["rows"], COLUMNS)},
    dots=Dots(
        "model",
        {"MIG": "MIG", "SAP": "SAP", "DCI": "DCI", "FactorVAE score": "FactorVAE"},
        "score",
    ),
)
