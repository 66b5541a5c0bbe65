"""Tables that are read in blocks of rows."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.base._streaming import RowsOfSource
from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.inputs import Survey
from skvae.priors import DensityRatio
from skvae.sources import as_source, map_blocks, source_of
from skvae.training import Rows, Stream, Table, TensorBatches, is_known
from tests.instances import small

RICH = {  # settings of each estimator that has them
    "early_stopping": True,
    "init": "auto",
    "condition_columns": [3],
    "invariance": 1.0,
    "modalities": {"left": [0, 1], "right": [2, 3]},
    "max_epochs": 1,
}

N, D = 60, 4
X = np.random.default_rng(0).poisson(1.5, size=(N, D)).astype(np.float32)
FRAME = pd.DataFrame(X, columns=list("abcd"))


class Items(Dataset):
    """A map-style dataset of pairs of an image and a label."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        return torch.from_numpy(X[i].reshape(2, 2)), i


class Iterated(IterableDataset):
    def __iter__(self):
        return iter(torch.from_numpy(X))


class Own:
    """The two members of a `RowSource`."""

    sizes = [25, 0, 35]

    def read(self, block):
        return X[:25] if block == 0 else X[25:]


def parquet(folder, size=20):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    for k in range(2):
        part = pa.Table.from_pandas(FRAME[30 * k : 30 * (k + 1)], preserve_index=False)
        pq.write_table(part, folder / f"{k}.parquet", row_group_size=size)
    return folder


def dataset(folder):
    pytest.importorskip("pyarrow")
    import pyarrow.dataset

    return pyarrow.dataset.dataset(parquet(folder))


def lazy(folder):
    return pytest.importorskip("polars").from_pandas(FRAME).lazy()


def dask_array(folder):
    return pytest.importorskip("dask.array").from_array(X, chunks=(25, 2))


def dask_frame(folder):
    return pytest.importorskip("dask.dataframe").from_pandas(FRAME, npartitions=3)


def zarr_array(folder):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        str(folder / "x.zarr"), shape=X.shape, chunks=(20, D), dtype="f4"
    )
    array[:] = X
    return array


def hdf5(folder):
    file = pytest.importorskip("h5py").File(folder / "x.h5", "w")
    return file.create_dataset("x", data=X, chunks=(20, D))


def backed(folder):
    io = pytest.importorskip("anndata.io")
    file = pytest.importorskip("h5py").File(folder / "x.h5ad", "w")
    io.write_elem(file, "X", sparse.csr_matrix(X))
    made = io.sparse_dataset(file["X"])
    try:
        made[:2]
    except AttributeError:
        pytest.skip("this anndata cannot slice with this scipy")
    return made


def memmap(folder):
    X.tofile(folder / "x.bin")
    return np.memmap(folder / "x.bin", dtype="f4", shape=X.shape, mode="r")


KINDS = {
    "parquet": parquet,
    "parquet file": lambda folder: parquet(folder).joinpath("0.parquet"),
    "dataset": dataset,
    "lazy": lazy,
    "dask array": dask_array,
    "dask frame": dask_frame,
    "zarr": zarr_array,
    "hdf5": hdf5,
    "anndata": backed,
    "csr": lambda _: sparse.csr_array(X),
    "csc": lambda _: sparse.csc_matrix(X),
    "items": lambda _: Items(),
    "tensors": lambda _: TensorDataset(torch.from_numpy(X)),
    "loader": lambda _: DataLoader(Items(), batch_size=7),
    "iterable": lambda _: Iterated(),
    "own": lambda _: Own(),
}


@pytest.fixture(scope="module")
def fitted():
    """A model of the array, which sources that fit into memory must equal."""
    return small(VAETransformer).fit(X)


@pytest.mark.filterwarnings("ignore:.*Unclosed|.*feature names:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_has_the_rows_and_the_fit_of_the_array(
    kind, tmp_path, fitted
):
    made = KINDS[kind](tmp_path)
    source = source_of(made)
    rows = X[: len(source)]
    assert len(source) == (30 if kind == "parquet file" else N)
    found = np.concatenate([np.asarray(block) for _, block in source.blocks()])
    np.testing.assert_array_equal(found, rows)
    again = source.read(int(np.flatnonzero(source.sizes)[-1]))
    np.testing.assert_array_equal(np.asarray(again), rows[-len(again) :])
    if len(source) == N:
        model = small(VAETransformer).fit(made)
        np.testing.assert_array_equal(model.transform(X), fitted.transform(X))
        np.testing.assert_array_equal(model.transform(made), fitted.transform(X))


@pytest.mark.parametrize("kind", ["hdf5", "dask array", "csr", "items", "loader"])
def test_blocks_have_the_size_asked_for_or_whole_chunks(kind, tmp_path):
    source = as_source(KINDS[kind](tmp_path), block_size=14)
    assert source.sizes.tolist() == [14, 14, 14, 14, 4]


def test_a_memory_map_is_read_in_blocks_from_a_gibibyte_on(tmp_path, monkeypatch):
    mapped = memmap(tmp_path)
    assert source_of(mapped) is None
    monkeypatch.setattr("skvae.sources._known.MAPPED_BYTES", 100)
    assert len(source_of(mapped)) == N
    assert source_of(X) is None
    assert source_of(X.tolist()) is None
    assert source_of(FRAME) is None


REFUSED = {
    "a list": (X.tolist(), TypeError, "list cannot be read in blocks"),
    "no file": (Path("none.parquet"), FileNotFoundError, "not a file or a folder"),
    "a cube": (np.zeros((2, 2, 2)), ValueError, "two dimensions"),
    "a sparse cube": (sparse.coo_array(np.ones((2, 2, 2))), ValueError, "dimensions"),
    "no rows": (sparse.csr_array((0, 3)), ValueError, "no rows"),
    "shuffled": (DataLoader(Items(), shuffle=True), ValueError, "shuffle=False"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(name):
    made, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        as_source(made)
    with pytest.raises(ValueError, match=r"buffer_size.*as_source"):
        as_source(X, buffer_size=0)


def test_without_pyarrow_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.dataset", None)
    with pytest.raises(ImportError, match=r"skvae\[parquet\]"):
        as_source(tmp_path)


def test_a_source_that_changes_its_length_is_found_out():
    class Changing(Own):
        sizes = [20, 0, 35]

    with pytest.raises(ValueError, match="Block 0 of the source has 25 rows, but 20"):
        small(VAETransformer).fit(Changing())


# -- results block by block ------------------------------------------------------------


def test_the_answers_of_blocks_are_those_of_the_table(fitted):
    source = as_source(X, block_size=23)
    holed = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
    for method in (fitted.transform, fitted.reconstruct, fitted.score_samples):
        # Sums over draws round by one unit, depending on a row's place in its block.
        same = {"rtol": 1e-14 if method == fitted.score_samples else 0}
        np.testing.assert_allclose(method(source), method(X), **same)
        found = np.concatenate(list(map_blocks(method, source)))
        np.testing.assert_allclose(found, method(X), **same)
    assert fitted.score(source) == pytest.approx(fitted.score(X), rel=1e-14)
    with_holes = as_source(holed, block_size=23)
    np.testing.assert_array_equal(fitted.impute(with_holes), fitted.impute(holed))
    with pytest.raises(ValueError, match="n_imputations must be None"):
        fitted.impute(with_holes, n_imputations=2)


def test_results_are_written_where_the_user_says(fitted):
    source = as_source(X, block_size=23)
    out = np.zeros((N, fitted.module_.n_outputs), dtype=np.float32)
    assert map_blocks(fitted.transform, source, out) is out
    np.testing.assert_array_equal(out, fitted.transform(X))
    with pytest.raises(ValueError, match="out has 59 rows, but the source has 60"):
        map_blocks(fitted.transform, source, out[1:])


def test_a_pipeline_is_mapped_as_a_model_is():
    pipe = make_pipeline(StandardScaler(), small(VAETransformer)).fit(X)
    found = np.concatenate(list(map_blocks(pipe.transform, as_source(X, None, 40))))
    np.testing.assert_array_equal(found, pipe.transform(X))


def test_frames_and_conditions_are_answered_in_blocks():
    frame = FRAME.assign(kind=np.where(X[:, 0] > 1, "u", "v"))
    model = small(CVAETransformer, condition_columns=["kind"]).fit(frame)
    pl = pytest.importorskip("polars")
    source = as_source(pl.from_pandas(frame).lazy(), block_size=31)
    expected = model.reconstruct(frame)
    np.testing.assert_array_equal(model.reconstruct(source), expected)
    beside = small(CVAETransformer).fit(X, condition=frame["kind"])
    source = as_source(X, block_size=31)
    for method in (beside.transform, beside.score_samples):
        found = method(source, condition=frame["kind"])
        expected = method(X, condition=frame["kind"])
        np.testing.assert_allclose(found, expected, rtol=1e-13)


# -- fits that stream ------------------------------------------------------------------

streamed = partial(as_source, buffer_size=20, block_size=8)


def test_a_stream_draws_every_row_once_an_epoch_in_an_order_of_its_own():
    rows = Rows(X, "cpu", torch.float32)

    def read(block):
        index = np.arange(block * 8, min(N, (block + 1) * 8))
        return Table(X[index]), index

    sizes = np.array([8] * 7 + [4])
    stream = Stream(read, sizes, 24, rows)
    epochs = []
    for epoch in range(2):
        batches = list(TensorBatches(stream, 7, torch.Generator().manual_seed(epoch)))
        assert [len(batch.x) for batch in batches] == [7] * 8 + [4]
        for batch in batches:
            np.testing.assert_array_equal(batch.x, X[batch.index])
        epochs.append(torch.cat([batch.index for batch in batches]))
    again = TensorBatches(stream, 7, torch.Generator().manual_seed(1))
    assert torch.equal(epochs[1], torch.cat([batch.index for batch in again]))
    assert not torch.equal(*epochs)
    for order in epochs:
        assert torch.equal(order.sort()[0], torch.arange(N))
    # Blocks that are far from each other meet in one window.
    assert (
        max((order[:21] // 8).max() - (order[:21] // 8).min() for order in epochs) > 3
    )


def test_a_buffer_for_all_rows_gives_the_order_of_an_array():
    rows = Rows(X, "cpu", torch.float32)
    stream = Stream(
        lambda k: (Table(X[k * 8 :][:8]), np.arange(N)[k * 8 :][:8]),
        np.array([8] * 7 + [4]),
        N,
        rows,
    )
    found, expected = (
        [b.index for b in TensorBatches(part, 59, torch.Generator().manual_seed(3))]
        for part in (stream, rows)
    )
    assert [len(index) for index in found] == [60]  # a single row joins the others
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("cls", [VAETransformer, CVAETransformer])
def test_the_same_order_gives_the_same_bits(cls, monkeypatch):
    # Sums of so many whole numbers, and their means, are exact in any order.
    table = np.random.default_rng(0).integers(0, 4, size=(64, 5)).astype(np.float32)
    drawn = []
    batches = Stream.batches

    def recording(self, *args):
        for batch in batches(self, *args):
            drawn.append(batch.index)
            yield batch

    monkeypatch.setattr(Stream, "batches", recording)
    source = as_source(table, buffer_size=32, block_size=8)
    settings = {"batch_size": 16, "likelihood": "gaussian-unit"}
    expected = small(cls, **settings).fit(source)
    replayed = iter(drawn)

    class Replayed(TensorBatches):
        def __iter__(self):
            return (self.rows.take(next(replayed)) for _ in self.sizes())

    iterator = {"iterator_train": Replayed, "fast_path": False}
    found = small(cls, **settings, net_params=iterator).fit(table)
    expected = small(cls, **settings, net_params={"fast_path": False}).fit(source)
    for name, value in found.module_.state_dict().items():
        assert torch.equal(value, expected.module_.state_dict()[name]), name


LIKELIHOODS = {
    "gaussian": "gaussian",
    "gaussian-relative": "gaussian-relative",
    "poisson": "poisson",
    "negative-binomial": "negative-binomial",
    "codes": "codes",
    "auto": "auto",
    "parts": [("codes", [0]), ("gaussian", [1, 2]), ("poisson", [3])],
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_stream_learns_of_the_columns_what_an_array_does(name):
    likelihood = LIKELIHOODS[name]
    table = X + np.array([0, 0, 1e6 if "gaussian" in name else 0, 0])
    if name == "parts":
        table[:, 1] *= 0.37
    table[41, 0] = 9  # a level that only one row has
    array = small(VAETransformer, likelihood=likelihood).fit(table).likelihood_
    source = small(VAETransformer, likelihood=likelihood).fit(streamed(table))
    source = source.likelihood_
    pairs = [(array, source)]
    if hasattr(array, "parts_"):
        pairs = list(zip(array.parts_, source.parts_, strict=True))
    for one, other in pairs:
        assert type(one) is type(other)
        for learned in ("mean_", "std_", "low_", "high_", "origin_"):
            if hasattr(one, learned):
                expected, found = getattr(one, learned), getattr(other, learned)
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        if hasattr(one, "levels_"):
            for expected, found in zip(one.levels_, other.levels_, strict=True):
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("transform", ["yeo-johnson", "quantile"])
def test_transformations_belong_to_the_sample_and_the_range_to_all_rows(transform):
    table = X.copy()
    table[41, 0] = 90
    likelihood = Gaussian(transform=transform)
    model = small(VAETransformer, likelihood=likelihood).fit(streamed(table))
    assert np.isfinite(model.score_samples(table)).all()
    learned = model.likelihood_
    np.testing.assert_allclose(learned.origin_ + learned.high_, table.max(axis=0))


def test_rare_words_and_missing_cells_are_learned_from_the_pass():
    frame = FRAME.assign(word=np.where(np.arange(N) == 37, "rare", "often"))
    frame.loc[44, "b"] = np.nan
    pl = pytest.importorskip("polars")
    source = streamed(pl.from_pandas(frame).lazy())
    model = small(VAETransformer, likelihood="auto").fit(source)
    assert model.likelihood_.has_holes
    assert model.transform(frame).shape == (N, model.module_.n_outputs)
    drawn = model.sample(3, random_state=0)
    assert list(drawn.columns) == list(frame.columns)


def test_a_level_that_only_a_held_out_row_has_is_in_the_sample():
    survey = partial(Survey, n_sample=20, n_held_out=10, seed=0)
    row = survey(streamed(X)).held_out_rows[3]
    table = X.copy()
    table[row, 2] = 30
    found = survey(streamed(table), leveled=lambda block: [2])
    assert 30 in found.sample[:, 2]
    assert row in found.rows
    np.testing.assert_array_equal(found.sample, table[found.rows])
    np.testing.assert_array_equal(found.held_out, table[found.held_out_rows])


def test_the_hand_written_step_trains_rows_of_both_kinds(fitted):
    rows = Rows(X, "cpu", torch.float32)
    stream = Stream(None, np.array([N]), N, rows)
    assert is_known(fitted.net_, rows)
    assert is_known(fitted.net_, stream)


def test_held_out_rows_are_not_trained_on(monkeypatch):
    drawn, held = [], []
    batches = Stream.batches

    def recording(self, *args):
        for batch in batches(self, *args):
            drawn.append(batch.index)
            yield batch

    monkeypatch.setattr(Stream, "batches", recording)
    keep = RowsOfSource.held_out

    def held_out(self, survey, sample):
        held.extend(survey.held_out_rows)
        return keep(self, survey, sample)

    monkeypatch.setattr(RowsOfSource, "held_out", held_out)
    model = small(VAETransformer, early_stopping=True, validation_fraction=0.05)
    model.fit(streamed(X))
    assert len(held) == 3
    trained = torch.cat(drawn).tolist()
    assert sorted(trained) == sorted(2 * [*{*range(N)} - {*held}])
    assert "valid_loss" in model.history_[-1]
    again = clone(model).fit(streamed(X))
    assert again.history_[-1]["valid_loss"] == model.history_[-1]["valid_loss"]


def rich(cls):
    """Return an instance that needs all that fit computes of its rows."""
    known = cls().get_params()
    return small(cls, **{name: value for name, value in RICH.items() if name in known})


@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])
def test_every_estimator_fits_sparse_rows_as_dense_ones(cls):
    whole, csr = X[:40], sparse.csr_matrix(X[:40])
    for dense, rows in ((streamed(whole), streamed(csr)), (whole, csr)):
        one, other = rich(cls).fit(dense), rich(cls).fit(rows)
        np.testing.assert_array_equal(one.transform(whole), other.transform(rows))
        assert np.isfinite(one.transform(whole)).all()


def test_priors_that_need_all_posteriors_are_fitted_to_a_stream():
    model = small(VAETransformer, prior=DensityRatio((8,), n_passes=2, n_kept=20))
    model.fit(streamed(X))
    assert np.isfinite(model.score(X))
    assert len(model.history_) == 2


def test_an_error_in_a_late_block_names_its_rows_and_undoes_the_fit():
    table = X.copy()
    model = small(VAETransformer, likelihood="poisson").fit(table)
    before = model.transform(X)
    table[50, 1] = 0.5
    with pytest.raises(ValueError, match=r"Rows 48 to 55 of the source: .* x1 holds"):
        model.fit(streamed(table))
    np.testing.assert_array_equal(model.transform(X), before)


def test_what_needs_all_rows_in_memory_says_so():
    model = small(CVAETransformer, condition_columns=[0], condition_weights="balanced")
    with pytest.raises(ValueError, match=r"condition_weights.*must be 'frequency'"):
        model.fit(streamed(X))
    split = {"train_split": lambda rows, y=None: (rows, None)}
    model = small(VAETransformer, early_stopping=True, net_params=split)
    with pytest.raises(ValueError, match="train_split"):
        model.fit(streamed(X))
    with pytest.raises(ValueError, match=r"'checkpoint'.*must be None"):
        small(VAETransformer, checkpoint="kept").fit(streamed(X))
    shared = small(VAETransformer, net_params={"accelerator": None})
    with pytest.raises(ValueError, match="must not set accelerator"):
        shared.fit(streamed(X))


def test_partial_fit_and_warm_start_go_on_with_a_stream():
    model = small(VAETransformer, warm_start=True).fit(streamed(X))
    model.fit(streamed(X)).partial_fit(streamed(X)).partial_fit(sparse.csr_array(X))
    assert len(model.history_) == 6


def test_grey_values_are_drawn_once_or_in_every_epoch():
    grey = np.random.default_rng(0).random((N, D)).astype(np.float32)
    for how in ("fixed", "dynamic"):
        model = small(VAETransformer, likelihood="bernoulli", binarize=how)
        assert np.isfinite(model.fit(streamed(grey)).history_[-1]["train_loss"])


def test_models_of_other_kinds_score_a_source():
    ae = small(AETransformer).fit(X)
    assert ae.score(streamed(X)) == ae.score(X)
    joint = small(JMVAETransformer, modalities={"l": [0, 1], "r": [2, 3]}).fit(X)
    assert joint.score(streamed(X)) == pytest.approx(joint.score(X), rel=1e-13)
