"""Test the splits, the log and the summary of benchmarks/usefulness.py."""

import json

import numpy as np
import pytest

from benchmarks import _useful_anomalies as anomalies
from benchmarks import _useful_cells as cells
from benchmarks import _useful_data as data
from benchmarks import _useful_density as density
from benchmarks import usefulness

PLAN = cells.Plan(
    None, 1000, {"es": {"early_stopping": False}, "none": {}}, {"max_epochs": 2}
)
CELL = cells.Cell("features", "wine", "VAE", 2, 0)
ONE_CELL = ["--quick", "--work", "density", "--sets", "wine", "--methods", "PCA"]


def random():
    return np.random.default_rng(0)


def mixed():
    """Return 60 rows of a number, a category of 3 levels and another number."""
    X = np.column_stack([random().normal(size=60), np.arange(60) % 3, np.arange(60)])
    return data.Table(X, np.arange(60) % 2, True, categories=(1,))


# --- tables and splits ----------------------------------------------------------------


def test_targets_and_categories_of_a_file(tmp_path):
    (tmp_path / "imputation").mkdir()
    X = np.arange(8.0).reshape(2, 4)
    np.savez(tmp_path / "imputation" / "table.npz", X=X)
    source = data.uci("table", 1, is_classes=False, categories=(3,), drop=(0,))
    table = source.read(tmp_path)
    assert table.X.tolist() == [[2, 3], [6, 7]]
    assert table.y.tolist() == [1, 5]
    assert table.categories == (1,)
    above = data.uci("table", 1, above=2).read(tmp_path)
    assert above.y.tolist() == [0, 1]


def test_a_split_scales_with_the_training_rows():
    split = data.split(mixed(), 0, max_rows=20)
    assert [len(part) for part in split.X] == [20, 40]
    assert set(split.raw[0][:, 2]).isdisjoint(split.raw[1][:, 2])
    np.testing.assert_allclose(split.X[0][:, :2].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(split.X[0][:, :2].std(axis=0), 1)
    assert (split.n_numbers, split.blocks) == (2, (3,))
    assert np.array_equal(split.X[1][:, 2:].argmax(axis=1), split.raw[1][:, 1])


def test_the_likelihood_by_type():
    split = data.split(mixed(), 0, max_rows=20)
    expected = [("gaussian", slice(0, 2)), ("categorical", slice(2, 5))]
    assert cells.by_type(split) == expected
    pictures = mixed()._replace(form="pictures", categories=())
    assert cells.by_type(data.split(pictures, 0, 20)) == "bernoulli"


def test_every_table_is_in_one_half():
    names = {*data.FEATURES, *data.ANOMALIES}
    assert set(data.CHOOSE.split()) < names
    for name in names:
        assert data.in_half(name, "choose") != data.in_half(name, "confirm")
        assert data.in_half(name, None)


def test_few_rows_have_every_class():
    y = np.repeat([0, 1, 2], [500, 10, 490])
    rows = data.few_rows(y, True)
    assert len(set(rows)) == 100
    assert set(y[rows]) == {0, 1, 2}


def test_protocols_of_anomaly_detection():
    y = (np.arange(2600) % 13 == 0).astype(int)
    table = data.Table(np.arange(2600.0)[:, None], y, True)
    normal = np.flatnonzero(y == 0)
    semi = anomalies.split_of(table, "semi", 0, 1000)
    assert len(semi.raw[0]) == 1000
    assert set(semi.raw[0][:, 0]) <= set(normal[:1200])
    tested = semi.raw[1][semi.y[1] == 0, 0]
    assert len(tested) == 1000
    assert set(tested) <= set(normal[1200:])
    assert semi.y[1].sum() == y.sum()
    unsup = anomalies.split_of(table, "unsup", 0, 10_000)
    assert len(unsup.raw[0]) == 2600  # a bootstrap has about 1 - 1/e different rows
    assert len(set(unsup.raw[0][:, 0])) / 2600 == pytest.approx(1 - np.exp(-1), 0.05)


def test_small_tables_are_repeated_and_large_ones_cut():
    assert len(anomalies.resized(30, random())) == 1000
    assert anomalies.resized(2000, random()).tolist() == list(range(2000))
    assert len(set(anomalies.resized(60_000, random()))) == 50_000


def test_the_mixture_has_as_many_components_as_there_are_clusters():
    centres = np.repeat([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]], 100, axis=0)
    X = centres + random().normal(size=centres.shape)
    assert density.mixture(X, 0).n_components == 3


def test_columns_with_a_frequent_value():
    assert density.is_repeated(np.array([0.0] * 11 + list(range(1, 90))))
    assert not density.is_repeated(np.array([0.0] * 10 + list(range(1, 91))))


# --- cells and their log --------------------------------------------------------------


def test_the_key_of_a_cell_changes_with_the_parameters():
    named = [CELL._replace(method=f"VAE {name}") for name in ("es", "none")]
    checksums = [cells.key(cell, PLAN)["checksum"] for cell in (CELL, *named)]
    assert checksums[0] == checksums[2] != checksums[1]
    other = PLAN._replace(common={"max_epochs": 3})
    assert cells.key(CELL, other)["checksum"] != checksums[0]
    pca = CELL._replace(method="PCA")
    assert cells.key(pca, PLAN) == cells.key(pca, other)


def test_a_log_without_its_end(tmp_path):
    path = tmp_path / "log.jsonl"
    cells.append(path, {"a": 1}, {"mean": 1.5})
    cells.append(path, {"a": 2}, {"failed": "ValueError: no"})
    with path.open("a") as file:
        file.write('{"key": {"a": 3}, "val')
    cells.append(path, {"a": 4}, {"mean": 2.5})
    read = cells.read_log(path)
    assert read == {'{"a": 1}': {"mean": 1.5}, '{"a": 4}': {"mean": 2.5}}


def test_a_rerun_measures_only_what_is_missing(tmp_path, capsys):
    log, result = tmp_path / "log.jsonl", tmp_path / "result.json"
    for known in (0, 1):
        usefulness.main([*ONE_CELL, "--log", str(log), "--write", str(result)])
        assert f"{known} of 1 cells are known" in capsys.readouterr().out
        assert len(log.read_text().splitlines()) == 1
    ((row,),) = (record["rows"] for record in json.loads(result.read_text()))
    assert row["columns"] == 13
    usefulness.main([*ONE_CELL, "--log", str(log), "--seeds", "0,1"])
    assert "1 of 2 cells are known" in capsys.readouterr().out


def test_a_failed_fit_is_told(capsys):
    params = json.dumps({"wild": {"lr": 1e30}})
    arguments = [*ONE_CELL[:-1], "VAE wild", "--params", params]
    usefulness.main(arguments)
    assert "failed for 1 seeds: density: wine, VAE wild" in capsys.readouterr().err


def test_missing_files_are_told(tmp_path, capsys):
    arguments = ["--data", str(tmp_path), "--sets", "adult", "--work", "features"]
    assert usefulness.main([*arguments, "--log", str(tmp_path / "log")]) == 2
    assert "features: adult is left out: no adult.npz" in capsys.readouterr().err


def test_unknown_names_are_told(capsys):
    with pytest.raises(SystemExit):
        usefulness.main(["--quick", "--methods", "VAE es"])
    assert "no 'VAE es'; choose from VAE, raw" in capsys.readouterr().err


# --- the summary ----------------------------------------------------------------------


def row(work, name, method, k, **values):
    return {"work": work, "set": name, "method": method, "k": k, **values}


def line_of(rows, method, against):
    (found,) = (
        line
        for line in usefulness.summary(rows)
        if line["method"] == method and line["against"] == against
    )
    return found


def test_summary_of_features():
    rows = [
        row("features", "a", "VAE", 2, **{"10-NN": 0.9}),
        row("features", "b", "VAE", 2, **{"10-NN": -3.0}),  # counts as 0
        row("features", "c", "VAE", 2, **{"10-NN": 0.3}),  # PCA has failed
        row("features", "a", "PCA", 2, **{"10-NN": 0.8}),
        row("features", "b", "PCA", 2, **{"10-NN": 0.5}),
        row("features", "c", "PCA", 8, **{"10-NN": 0.5}),
    ]
    found = line_of(rows, "VAE", "PCA")
    assert (found["sets"], found["mean"]) == (3, 0.4)
    assert found["mean difference"] == found["median difference"] == -0.2
    assert (found["above"], found["lost"]) == (1, 1)


def test_summary_of_densities():
    rows = [
        row("density", "a", "VAE", 8, mean=-3.0, repeated=0),
        row("density", "b", "VAE", 8, mean=-9.0, repeated=2),
        row("density", "a", "GaussianMixture", None, mean=-5.0, repeated=0),
        row("density", "b", "GaussianMixture", None, mean=-2.0, repeated=2),
    ]
    both, continuous = usefulness.summary(rows)
    assert (both["work"], continuous["work"]) == ("density", "density, continuous")
    assert (both["sets"], both["median difference"], both["lost"]) == (2, -2.5, 1)
    found = continuous["sets"], continuous["median difference"], continuous["lost"]
    assert found == (1, 2.0, 0)


def test_summary_of_anomalies():
    rows = [
        row("anomalies", "a", "VAE es", 8, **{"semi, refine=0": 0.9}),
        row("anomalies", "a", "VAE", 8, **{"semi, refine=0": 0.7}),
        row("anomalies", "a", "IsolationForest", None, **{"semi, ln p(x)": 0.8}),
    ]
    assert line_of(rows, "VAE es", "IsolationForest")["mean difference"] == 0.1
    assert line_of(rows, "VAE es", "VAE")["mean difference"] == 0.2
    assert line_of(rows, "VAE", "IsolationForest")["mean difference"] == -0.1
