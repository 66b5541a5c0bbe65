"""The programs on the page about saving, serving and tracking, and types for skops."""

import re
from pathlib import Path

import numpy as np
import pytest
from instances import fit, small
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skvae
from skvae import VAEImputer, VAETransformer
from skvae.discovery import all_estimators

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "serving.md"


def programs():
    """Return the programs of the page that no doctest runs, by their section."""
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
        found[section.partition("\n")[0]] = [b for b in blocks if ">>>" not in b]
    return {name: blocks[0] for name, blocks in found.items() if blocks}


@pytest.fixture
def pages(monkeypatch, tmp_path):
    """Return what the page calls X and model, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("RAY_CHDIR_TO_TRIAL_DIR", "0")
    X = load_digits().data[:100]
    vae = VAETransformer(
        2, hidden_layer_sizes=(8,), likelihood="bernoulli", max_epochs=2, random_state=0
    )
    return {"X": X, "model": make_pipeline(MinMaxScaler(clip=True), vae).fit(X)}


# Warnings of these libraries about themselves and about each other.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("section", programs())
def test_the_programs_of_the_page_run(section, pages):
    program = programs()[section]
    for name in re.findall(r"^(?:import|from) (\w+)", program, flags=re.MULTILINE):
        pytest.importorskip(name)
    if "to_onnx" in program:
        pytest.importorskip("skl2onnx")
    exec(compile(program, section, "exec"), pages)
    expected = pages["model"].transform(pages["X"])
    if "Z" in pages:
        np.testing.assert_allclose(pages["Z"], expected, atol=1e-5)
    if "loaded" in pages:
        assert (pages["loaded"].transform(pages["X"]) == expected).all()
    if "study" in pages:
        assert len(pages["study"].trials) == 5


def test_optuna_prunes_a_trial_that_falls_behind(digits):
    optuna = pytest.importorskip("optuna")
    names = {"X": digits}
    definitions = programs()["Optuna"].partition("\ndef objective")[0]
    exec(definitions, names)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        pruner=optuna.pruners.PercentilePruner(50, n_startup_trials=1)
    )

    def objective(trial):
        lr = [1e-2, 1e-9][trial.number]
        callbacks = [names["Pruning"](trial)]
        params = {"lr": lr, "max_epochs": 4, "init": "random", "early_stopping": True}
        model = small(VAETransformer, callbacks=callbacks, **params)
        return model.fit(digits).history_[-1, "valid_loss"]

    study.optimize(objective, n_trials=2)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED"]
    assert len(study.trials[1].intermediate_values) < 4


# -- types for skops -------------------------------------------------------------------


@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
def test_skops_needs_no_other_types(cls, digits):
    io = pytest.importorskip("skops.io")
    model = fit(small(cls, max_epochs=1), digits[:40])
    loaded = io.loads(io.dumps(model), trusted=skvae.trusted_types())
    assert (loaded.transform(digits[:9]) == model.transform(digits[:9])).all()


def test_skops_needs_no_other_types_for_words():
    io, pandas = pytest.importorskip("skops.io"), pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [*"xyzx"] * 10, "b": np.arange(40.0)})
    table.loc[::7, "b"] = np.nan
    model = VAEImputer(small(VAETransformer, likelihood="auto")).fit(table)
    loaded = io.loads(io.dumps(model), trusted=skvae.trusted_types())
    assert loaded.transform(table).equals(model.transform(table))


def test_skops_is_refused_types_of_other_packages():
    names = skvae.trusted_types()
    assert len(names) == len(set(names))
    of_others = {name for name in names if not name.startswith(("skvae.", "torch."))}
    packages = {name.partition(".")[0] for name in of_others}
    assert packages == {"functools", "numpy", "pandas", "skorch"}
