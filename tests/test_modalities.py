"""Tables of several modalities: columns, missing blocks, what is filled and refused."""

import copy
import functools
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from instances import batch_of, small
from saved import assert_same_answers, through_file, through_pickle
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags
from torch import nn

from skvae import (
    HierarchicalJMVAETransformer,
    JMVAEGANTransformer,
    JMVAETransformer,
)
from skvae.distributions import Bernoulli, Gaussian, Noise
from skvae.multimodal._base import Repeated
from skvae.nets import Dense
from skvae.training import Table

N_PIXELS, N_LABELS = 16, 10
PIXELS = [f"p{j}" for j in range(N_PIXELS)]
LABELS = [f"y{j}" for j in range(N_LABELS)]
BLOCKS = {"image": slice(0, N_PIXELS), "label": slice(N_PIXELS, None)}
LIKELIHOOD = {"image": "bernoulli", "label": "categorical"}
OF_LABELS = {"modalities": BLOCKS, "likelihood": LIKELIHOOD, "n_components": 3}
TO_A_TWO = dict.fromkeys(range(16, 26), 0.0) | {18: 1.0}

MODELS = {
    "experts": (JMVAETransformer, {}),
    "iterated": (JMVAETransformer, {"alpha": 0.0, "n_iterations": 4}),
    "hierarchy": (
        HierarchicalJMVAETransformer,
        {
            "n_components": (4, 3),
            "upper_hidden_layer_sizes": (8,),
            "n_iterations": 4,
        },
    ),
    "gan": (JMVAEGANTransformer, {}),
}
each_model = pytest.mark.parametrize("model", MODELS)

# Three modalities whose columns lie between one another's, in another order.
OF_THREE = {
    "modalities": {"visits": [5, 2], "body": [6, 0, 3], "kind": [1, 4]},
    "likelihood": {"visits": "poisson", "body": "gaussian", "kind": "codes"},
    "n_components": 3,
}
# Draws of counts are not shared by rows, so a chain over them is asked apart.
OF_THREE_CHAINED = OF_THREE | {
    "likelihood": OF_THREE["likelihood"] | {"visits": "codes"}
}


def make(model, **params):
    cls, own = MODELS[model]
    return small(cls, **(OF_LABELS | own | params))


def of_three(model, **params):
    chained = model in ("iterated", "hierarchy")
    settings = OF_THREE_CHAINED if chained else OF_THREE
    return make(model, **(settings | MODELS[model][1] | params))


def digits_and_labels():
    """120 digits, 16 pixels and the label one-hot."""
    X, y = load_digits(return_X_y=True)
    return np.column_stack([X[:120, 16:32] / 16, np.eye(10)[y[:120]]])


def with_holes(table):
    """Take the label from every fourth row, and the image from every fourth."""
    table = table.copy()
    table[1::4, BLOCKS["label"]] = np.nan
    table[2::4, BLOCKS["image"]] = np.nan
    return table


def counts_reals_and_codes():
    """90 rows whose three modalities hang together."""
    random = np.random.default_rng(0)
    z = random.normal(size=(90, 2))
    body = z @ random.normal(size=(2, 3)) + 0.3 * random.normal(size=(90, 3))
    kind = np.column_stack([7 + (z[:, 0] > 0), 3 * np.digitize(z[:, 1], [-0.5, 0.5])])
    visits = random.poisson(np.exp(0.5 * z))
    table = np.empty((90, 7))
    for name, block in (("body", body), ("kind", kind), ("visits", visits)):
        table[:, OF_THREE["modalities"][name]] = block
    return table


PATTERNS = [
    *((), ("visits",), ("body",), ("kind",)),
    *(("visits", "body"), ("visits", "kind"), ("body", "kind")),
]


def with_every_pattern(table):
    """Take blocks from the rows 1, 2, ... of every seven, by `PATTERNS`."""
    table = table.copy()
    for row, missing in enumerate(PATTERNS):
        for name in missing:
            table[row::7, OF_THREE["modalities"][name]] = np.nan
    return table


WHOLE, WHOLE_THREE = digits_and_labels(), counts_reals_and_codes()
HOLED, THREE = with_holes(WHOLE), with_every_pattern(WHOLE_THREE)


@functools.cache
def fitted(model):
    """Fit to rows with missing blocks, once for all tests that only ask."""
    return make(model).fit(HOLED)


@functools.cache
def fitted_to_three(model):
    return of_three(model, max_epochs=5).fit(THREE)


@functools.cache
def trained(model):
    """Fit until a label says something of its image."""
    settings = {"max_epochs": 40, "batch_size": 20, "lr": 1e-2, "beta": 0.1}
    return make(model, **settings).fit(WHOLE)


@pytest.fixture
def whole():
    return WHOLE.copy()


@pytest.fixture
def holed():
    return HOLED.copy()


@pytest.fixture
def frame():
    return pd.DataFrame(HOLED.copy(), columns=PIXELS + LABELS)


@pytest.fixture
def whole_three():
    return WHOLE_THREE.copy()


@pytest.fixture
def three():
    return THREE.copy()


def missing_in(table, model):
    """Which of the image and the label are not there, (n, 2)."""
    blocks = model.modalities_.values()
    return np.column_stack([np.isnan(table[:, at[0]]) for at in blocks])


def weights(estimator):
    return estimator.module_.state_dict()


def assert_same_weights(one, other):
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        np.testing.assert_array_equal(tensor, theirs[name])


# -- which columns ---------------------------------------------------------------------

FIRST = np.arange(N_PIXELS + N_LABELS) < N_PIXELS
WAYS = {
    "slices from the end": (slice(None, -N_LABELS), slice(-N_LABELS, None)),
    "positions": ([*range(16)], [*range(16, 26)]),
    "from the end": (tuple(range(-26, -10)), tuple(range(-10, 0))),
    "arrays": (np.arange(16), np.arange(16, 26)),
    "masks": (FIRST, ~FIRST),
    "lists of bools": (FIRST.tolist(), (~FIRST).tolist()),
    "names": (PIXELS, LABELS),
    "slices of names": (slice("p0", "p15"), slice("y0", "y9")),
    "selectors": (make_column_selector("^p"), make_column_selector("^y")),
    "functions": (
        lambda frame: [name for name in frame.columns if name in PIXELS],
        lambda frame: [name for name in frame.columns if name in LABELS],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_columns_are_chosen_in_every_way(way, frame, tmp_path):
    blocks = dict(zip(("image", "label"), WAYS[way], strict=True))
    estimator = make("experts", modalities=blocks).fit(frame)
    assert estimator.modalities_["image"].tolist() == [*range(16)]
    assert estimator.modalities_["label"].tolist() == [*range(16, 26)]
    assert_same_weights(estimator, fitted("experts"))
    other = through_file(estimator, tmp_path / "model", training_state=True)
    np.testing.assert_array_equal(estimator.impute(frame), other.impute(frame))
    for one in (estimator, other):  # the parameter still says what it said in fit
        one.partial_fit(frame)
    assert_same_weights(estimator, other)


@each_model
def test_where_the_columns_stand_does_not_matter(model, holed):
    order = np.random.default_rng(0).permutation(holed.shape[1])
    place = order.argsort()  # where each column went
    blocks = {name: place[at].tolist() for name, at in BLOCKS.items()}
    plain = make(model).fit(holed)
    shuffled = make(model, modalities=blocks).fit(holed[:, order])
    Z = plain.transform(holed)
    np.testing.assert_array_equal(shuffled.transform(holed[:, order]), Z)
    for method in ("impute", "reconstruct"):
        expected = getattr(plain, method)(holed)[:, order]
        found = getattr(shuffled, method)(holed[:, order])
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        plain.generate(holed[3::4], "label", random_state=0),
        shuffled.generate(holed[3::4][:, order], "label", random_state=0),
    )


@each_model
def test_modalities_may_be_named_in_any_order(model, holed, tmp_path):
    blocks = {name: BLOCKS[name] for name in ("label", "image")}
    estimator = make(model, modalities=blocks, hidden_layer_sizes={
        "image": (12, 8), "label": ()}).fit(holed)  # fmt: skip
    assert [*estimator.modalities_] == ["label", "image"]
    filled = estimator.impute(holed)
    np.testing.assert_allclose(filled[1::4, 16:].sum(1), 1.0, rtol=1e-5)
    assert estimator.generate(holed[::4], "label").shape == (1, 30, N_LABELS)
    other = through_file(estimator, tmp_path / "model")
    assert [*other.modalities_] == ["label", "image"]
    assert_same_answers(estimator, other, holed)


@pytest.mark.parametrize("one", [16, -1, [16], slice(16, None), [False] * 16 + [True]])
@pytest.mark.parametrize("model", ["experts", "iterated"])
def test_one_column_may_be_a_modality(model, one, holed):
    table = holed[:, :17]
    estimator = make(
        model, modalities={"image": slice(0, 16), "zero": one}, likelihood="bernoulli"
    ).fit(table)
    filled = estimator.impute(table)
    assert estimator.modalities_["zero"].tolist() == [16]
    assert np.isfinite(filled).all()
    assert estimator.generate(table[::4], "zero").shape == (1, 30, 1)
    assert set(estimator.generate(table[::4], "zero").ravel()) <= {0, 1}


HOSTILE_BLOCKS = {
    "empty": ({}, "'modalities' parameter of JMVAETransformer must be a dict"),
    "list": ([("a", slice(None))], "'modalities' parameter of JMVAETransformer"),
    "string": ("image", "'modalities' parameter of JMVAETransformer"),
    "names": ({0: slice(0, 16), 1: slice(16, None)}, "must be a dict from names"),
    "nothing": ({"a": [], "b": slice(None)}, "modality 'a' selects no column"),
    "past the end": ({"a": slice(None), "b": slice(99, None)}, "'b' selects no column"),
    "twice": (
        {"a": slice(0, 18), "b": slice(16, None)},
        "'modalities' parameter has x16, x17 in more than one",
    ),
    "twice in one": (
        {"a": [0, *range(16)], "b": slice(16, None)},
        "'modalities' parameter has x0 in more than one",
    ),
    "not at all": (
        {"a": slice(0, 14), "b": slice(16, None)},
        "'modalities' parameter has x14, x15 in no modality",
    ),
    "many not at all": ({"a": [0]}, "x1, .*x10 and 15 more in no modality"),
    "unknown": ({"a": ["p0"], "b": slice(None)}, "No column is named 'p0'"),
    "too far": ({"a": [26], "b": slice(None)}, "Column 26 is out of range"),
    "too far back": ({"a": [-27], "b": slice(None)}, "Column -27 is out of range"),
    "half": ({"a": [1.5], "b": slice(None)}, "1.5 is neither the name nor the"),
    "none": ({"a": None, "b": slice(None)}, "None does not select columns"),
    "short mask": ({"a": [True, False], "b": slice(None)}, "mask has 2 entries"),
}


@pytest.mark.parametrize("case", HOSTILE_BLOCKS)
def test_wrong_modalities_are_named_and_change_nothing(case, whole):
    blocks, message = HOSTILE_BLOCKS[case]
    estimator = make("experts", likelihood="gaussian").fit(whole)
    before = dict(vars(estimator))
    with pytest.raises(ValueError, match=message):
        estimator.set_params(modalities=blocks).fit(whole)
    assert vars(estimator.set_params(modalities=BLOCKS)) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"likelihood": {"image": "bernoulli"}}, r"Got \['image'\] instead"),
        ({"likelihood": LIKELIHOOD | {"sound": "gaussian"}}, r"'label', 'sound'\]"),
        ({"likelihood": {"image": "pixels", "label": "codes"}}, "must be a str among"),
        ({"likelihood": [("gaussian", slice(None))]}, "must be a dict where there are"),
        ({"likelihood": {}}, "'likelihood' parameter of JMVAETransformer"),
        ({"hidden_layer_sizes": {"image": (4,)}}, r"Got \['image'\] instead"),
        ({"hidden_layer_sizes": {"image": 4, "label": ()}}, "'hidden_layer_sizes'"),
        ({"joint_hidden_layer_sizes": 4}, "'joint_hidden_layer_sizes' parameter"),
        ({"encoder": nn.Linear(16, 3)}, "'encoder' .* must be a dict, a network for"),
        ({"encoder": {"sound": nn.Linear(16, 3)}}, r"Got \['sound'\] instead"),
        ({"encoder": {"image": nn.Linear(15, 3)}}, r"'encoder' .* map \(n, 16\)"),
        ({"decoder": {"label": 3}}, "'decoder' parameter of JMVAETransformer"),
        ({"modality_weights": {"sound": 2.0}}, r"Got \['sound'\] instead"),
        ({"modality_weights": {"label": 0.0}}, "must be a dict from modalities to pos"),
        ({"modality_weights": 2.0}, "'modality_weights' parameter of JMVAE"),
        ({"alpha": -1.0}, "'alpha' parameter of JMVAETransformer"),
        ({"alpha": np.nan}, "'alpha' parameter of JMVAETransformer"),
        ({"n_iterations": 0}, "'n_iterations' parameter of JMVAETransformer"),
        ({"empty_rows": "drop"}, "'empty_rows' parameter of JMVAETransformer"),
    ],
    ids=str,
)
def test_a_parameter_that_does_not_fit_the_modalities_is_named(params, message, whole):
    with pytest.raises(ValueError, match=message):
        make("experts", **params).fit(whole)


# -- kinds of tables -------------------------------------------------------------------


@each_model
def test_every_kind_of_table_gives_the_same(model, holed, frame):
    estimator = fitted(model)
    expected = estimator.transform(holed)
    tables = {
        "array": holed,
        "Fortran": np.asfortranarray(holed),
        "backwards": holed[::-1][::-1],
        "lists with None": np.where(np.isnan(holed), None, holed).tolist(),
        "tensor": torch.tensor(holed),
        "pandas NA": frame.convert_dtypes(),
        "polars NaN": pl.from_pandas(frame, nan_to_null=False),
        "polars null": pl.from_pandas(frame, nan_to_null=True),
    }
    read_only = tables["read only"] = holed.copy()
    read_only.flags.writeable = False
    for label, table in tables.items():
        other = clone(estimator).fit(table)
        assert_same_weights(estimator, other)
        found = other.transform(table)
        np.testing.assert_array_equal(found, expected, err_msg=label)
    np.testing.assert_array_equal(other.impute(table), estimator.impute(holed))


@each_model
def test_precision_and_input_are_kept(model, holed):
    before = holed.copy()
    estimator = make(model, dtype="float64").fit(holed)
    for dtype in (np.float32, np.float64):
        X = holed.astype(dtype)
        assert estimator.transform(X).dtype == dtype
        assert estimator.impute(X).dtype == dtype
        assert estimator.generate(X[::4], "image").dtype == dtype
        assert estimator.edit(X[::4], TO_A_TWO, "image").dtype == dtype
    np.testing.assert_array_equal(holed, before)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_latents_come_in_the_frame_asked_for(kind, frame):
    table = frame if kind == "pandas" else pl.from_pandas(frame)
    estimator = make("experts", modalities={"image": PIXELS, "label": LABELS})
    Z = estimator.set_output(transform=kind).fit_transform(table)
    assert list(Z.columns) == [f"jmvaetransformer{k}" for k in range(3)]
    np.testing.assert_array_equal(
        Z.to_numpy(), make("experts").fit(frame).transform(frame)
    )
    to_a_two = dict.fromkeys(LABELS, 0.0) | {"y2": 1.0}
    from_the_end = {column - 26: value for column, value in TO_A_TWO.items()}
    edited = estimator.edit(table[::4], to_a_two, "image")
    by_place = estimator.edit(table[::4], from_the_end, "image")
    np.testing.assert_array_equal(edited, by_place)


def test_only_modalities_allow_nan(holed):
    assert get_tags(make("experts")).input_tags.allow_nan
    without = make("experts", modalities=None, likelihood="gaussian")
    assert not get_tags(without).input_tags.allow_nan
    with pytest.raises(ValueError, match="contains NaN"):
        without.fit(holed)


# -- what may be missing ---------------------------------------------------------------


@functools.cache
def fitted_with_names():
    return make("experts").fit(pd.DataFrame(HOLED, columns=PIXELS + LABELS))


METHODS = ["transform", "impute", "reconstruct", "score_samples", "fit", "partial_fit"]


@pytest.mark.parametrize(
    ("row", "column", "value", "said"),
    [
        (3, 5, np.nan, "'image' is partly NaN in row 3: column p5 is,"),
        (3, 15, np.nan, "'image' is partly NaN in row 3: column p15 is,"),
        (3, 0, np.nan, "'image' is partly NaN in row 3: column p0 is"),
        (7, 25, np.nan, "'label' is partly NaN in row 7: column y9 is,"),
        (7, 16, np.nan, "'label' is partly NaN in row 7: column y0 is"),
        (6, 4, 0.5, "'image' is partly NaN in row 6: column .* and column p4 is not"),
        (6, 0, 0.5, "'image' is partly NaN in row 6: column .* and column p0 is not"),
        (9, 20, 1.0, "'label' is partly NaN in row 9: column .* and column y4 is not"),
    ],
)
@pytest.mark.parametrize("among", ["whole", "holed"])
def test_a_block_is_missing_as_a_whole(row, column, value, said, among, request):
    rows = request.getfixturevalue(among)
    if among == "whole" and not np.isnan(value):
        return  # a value where none is missing is no fault
    table = pd.DataFrame(rows, columns=PIXELS + LABELS)
    estimator = fitted_with_names()
    table.iloc[row, column] = value
    for method in METHODS:
        with pytest.raises(ValueError, match=said):
            getattr(estimator, method)(table)


@each_model
def test_a_row_without_anything_is_refused_by_its_number(model, holed):
    estimator = fitted(model)
    before = dict(vars(estimator))
    empty = holed.copy()
    empty[5], empty[41] = np.nan, np.nan
    for method in METHODS:
        with pytest.raises(ValueError, match=r"Row 5 has no modality .*'prior'"):
            getattr(estimator, method)(empty)
    assert vars(estimator) == before
    with pytest.raises(ValueError, match=r"Row 1 has nothing but 'image', .*'prior'"):
        estimator.generate(holed[[0, 1]], "image")
    with pytest.raises(ValueError, match="Row 1 has no modality at all"):
        estimator.generate(empty[[0, 5]], "image")


@each_model
def test_a_row_without_anything_is_what_the_prior_says(model, holed):
    empty = holed.copy()
    empty[5] = np.nan
    estimator = make(model, empty_rows="prior", max_epochs=15).fit(empty)
    np.testing.assert_array_equal(estimator.transform(empty)[5], np.zeros(3))
    assert np.isfinite(estimator.score_samples(empty)).all()
    if model != "hierarchy":  # there the probability of nothing is an estimate
        assert estimator.score_samples(empty)[5] == 0
        assert estimator.log_likelihood(empty, method="elbo")[5] == 0
    drawn = estimator.generate(
        empty[[5]], "image", n_samples=4000, mean=True, random_state=0
    )[:, 0]
    sampled = estimator.sample(4000, mean=True, random_state=1)[:, :16]
    error = np.sqrt((drawn.var(0) + sampled.var(0)) / 4000)
    assert np.all(np.abs(drawn.mean(0) - sampled.mean(0)) < 5 * error)
    assert drawn.std(0).max() > 1e-3  # the means do vary
    together = estimator.transform(empty)
    rest = np.delete(np.arange(len(empty)), 5)
    np.testing.assert_allclose(
        estimator.transform(empty[rest]), together[rest], rtol=1e-5, atol=1e-6
    )


@each_model
def test_no_modality_is_missing_everywhere_in_the_first_fit(model, holed):
    for way in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="'label' is missing in every row"):
            getattr(make(model), way)(holed[1::4])
    estimator = make(model).partial_fit(holed)
    for rows in (holed[1::4], holed[2::4], holed[:1], holed[1:2]):
        estimator.partial_fit(rows)
    assert np.isfinite(estimator.transform(holed)).all()
    assert np.isfinite(make(model, batch_size=1).fit(holed[:12]).score(holed))


# -- fitting with missing blocks -------------------------------------------------------


def test_likelihoods_learn_from_the_rows_that_are_there(three, tmp_path):
    estimator = fitted_to_three("experts")
    visits, body, kind = estimator.likelihood_.parts_
    blocks = OF_THREE["modalities"]
    np.testing.assert_allclose(visits.mean_, np.nanmean(three[:, blocks["visits"]], 0))
    np.testing.assert_allclose(body.mean_, np.nanmean(three[:, blocks["body"]], 0))
    np.testing.assert_allclose(body.std_, np.nanstd(three[:, blocks["body"]], 0))
    np.testing.assert_array_equal(body.low_, np.nanmin(three[:, blocks["body"]], 0))
    for j, column in enumerate(blocks["kind"]):
        seen = three[~np.isnan(three[:, column]), column]
        levels, counts = np.unique(seen, return_counts=True)
        np.testing.assert_array_equal(kind.levels_[j], levels)
        np.testing.assert_allclose(kind.frequencies_[j], counts / len(seen))
    other = through_file(estimator, tmp_path / "model")
    assert_same_answers(estimator, other, three)


@each_model
def test_every_likelihood_trains_with_missing_rows(model, three):
    estimator = of_three(model, max_epochs=15).fit(three)
    losses = estimator.history_[:, "train_loss"]
    assert losses[-1] < losses[0]
    module = estimator.module_.train()
    for n_draws in (1, 3):
        module.zero_grad()
        module.n_importance_samples = n_draws
        bound = module.bound(batch_of(estimator, three), Noise.from_seed(0))
        assert torch.isfinite(bound).all()
        bound.sum().backward()
        for name, p in module.named_parameters():
            assert p.grad is None or torch.isfinite(p.grad).all(), name
    filled = estimator.impute(three)
    kinds = filled[:, OF_THREE["modalities"]["kind"]]
    assert set(kinds[:, 0]) <= {7, 8}
    assert set(kinds[:, 1]) <= {0, 3, 6}


@each_model
def test_terms_of_missing_blocks_are_nothing(model, holed):
    estimator = fitted(model)
    module, batch = estimator.module_, batch_of(estimator, holed)
    terms = module.terms(*module.inferred(batch), batch, Noise.from_seed(0))[1]
    missing = missing_in(holed, estimator)
    for m, name in enumerate(estimator.modalities_):
        part = terms[f"reconstruction_{name}"].detach().numpy()
        np.testing.assert_array_equal(part == 0, missing[:, m])
    total = terms["reconstruction_image"] + terms["reconstruction_label"]
    assert torch.equal(terms["reconstruction"], total)
    if "kl_experts" in terms:
        among = terms["kl_experts"].detach().numpy()
        np.testing.assert_array_equal(among == 0, missing.any(axis=1))


@pytest.mark.parametrize("n_draws", [1, 3])
@each_model
def test_weights_of_modalities_weigh_the_bound_alone(model, n_draws, holed):
    estimator = make(model, n_importance_samples=n_draws, dtype="float64").fit(holed)
    module, batch = estimator.module_, batch_of(estimator, holed)
    with torch.no_grad():
        q, experts = module.inferred(batch)
        plain, terms = module.terms(q, experts, batch, Noise.from_seed(0))
        score = estimator.log_likelihood(holed, 5)
        module.modality_weights = {"label": 4.0}
        bound, same = module.terms(q, experts, batch, Noise.from_seed(0))
        z = q.rsample(Noise.from_seed(0), n_draws)  # (S, B, K)
        image, label = module.likelihood(z, batch).block_log_probs(batch.x)
        prior = module.prior(batch).log_prob(z) - q.log_prob(z)
    assert terms.keys() == same.keys()
    assert all(torch.equal(terms[name], same[name]) for name in terms)
    np.testing.assert_array_equal(estimator.log_likelihood(holed, 5), score)
    if n_draws == 1:
        expected = plain + 3 * terms["reconstruction_label"]
    else:
        expected = torch.logsumexp(image + 4 * label + prior, 0) - np.log(n_draws)
        if experts:
            expected -= terms["kl_experts"]
    torch.testing.assert_close(bound, expected)


@each_model
def test_a_weight_is_of_its_own_modality(model, holed):
    same = None, {}, {"image": 1.0}
    fits = [make(model, modality_weights=w).fit(holed) for w in same]
    assert_same_weights(*fits[:2])
    assert_same_weights(*fits[1:])
    heavy = make(model, modality_weights={"label": 50.0}).fit(holed)
    part = "reconstruction_label"
    assert heavy.history_[-1][part] > fits[0].history_[-1][part]


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_a_wrong_weight_is_named_when_a_fit_goes_on(way, holed, tmp_path):
    model = make("experts", warm_start=True).fit(holed)
    before = copy.deepcopy(weights(model))
    model.set_params(modality_weights={"lable": 5.0})
    with pytest.raises(
        ValueError, match=r"'modality_weights'.*Got \['lable'\] instead"
    ):
        getattr(model, way)(holed)
    assert model.module_.modality_weights is None
    assert all(torch.equal(value, before[k]) for k, value in weights(model).items())
    assert_same_answers(through_file(model, tmp_path / "m.safetensors"), model, holed)


def test_the_decoder_of_the_image_has_a_weight_of_its_own(holed):
    """γ is in the generator's loss, the weights in that of the other networks."""
    estimator = make("gan", dtype="float64").fit(holed)
    module, batch = estimator.module_, batch_of(estimator, holed)
    plain = [loss.value for loss in module.losses(batch, "model", Noise.from_seed(0))]
    module.modality_weights = {"image": 10.0}
    heavy = [loss.value for loss in module.losses(batch, "model", Noise.from_seed(0))]
    assert heavy[0] > plain[0]
    assert heavy[1:] == plain[1:]


@each_model
def test_the_history_has_means_over_rows_that_have_a_block(model, holed):
    estimator = make(model, batch_size=7).fit(holed)  # a batch may lack a block
    there = ~missing_in(holed, estimator)
    for row in estimator.history_:
        parts = [row[f"reconstruction_{name}"] for name in estimator.modalities_]
        total = parts @ there.mean(axis=0)
        np.testing.assert_allclose(row["reconstruction"], total, rtol=1e-5)
    if model in ("experts", "gan"):  # beta = alpha = 1
        row = estimator.history_[-1]
        among = there.all(axis=1).mean() * row["kl_experts"]
        bound = row["reconstruction"] - row["kl"] - among
        np.testing.assert_allclose(row["train_loss"], -bound, rtol=1e-5)


def test_a_block_that_no_row_has_is_nan_in_the_history(holed):
    estimator = make("experts").fit(holed).partial_fit(holed[1::4])
    last = estimator.history_[-1]
    assert np.isnan([last["reconstruction_label"], last["kl_experts"]]).all()
    assert last["reconstruction_image"] == pytest.approx(last["reconstruction"])


@each_model
def test_a_block_that_a_batch_lacks_moves_nothing_of_its_own(model, holed):
    estimator = make(model, optimizer="sgd").partial_fit(holed)
    modality = estimator.module_.modalities[1]
    parts = [modality.decoder, modality.head, *estimator.module_.experts[1:]]
    if model in ("experts", "gan"):  # what joins the encoders is not asked either
        parts += [modality.encoder, estimator.module_.joint]
    before = copy.deepcopy([part.state_dict() for part in parts])
    image = copy.deepcopy(estimator.module_.modalities[0].decoder.state_dict())
    estimator.partial_fit(holed[1::4])  # images only
    for part, values in zip(parts, before, strict=True):
        for name, tensor in part.state_dict().items():
            assert torch.equal(tensor, values[name]), name
    moved = estimator.module_.modalities[0].decoder.state_dict()
    assert not all(torch.equal(moved[name], image[name]) for name in image)


@each_model
def test_four_epochs_by_any_way_are_bit_equal(model, holed):
    at_once = make(model, max_epochs=4).fit(holed)
    in_two = make(model, max_epochs=2, warm_start=True).fit(holed).fit(holed)
    in_steps = make(model)
    for _ in range(4):
        in_steps.partial_fit(holed)
    assert_same_weights(at_once, in_two)
    assert_same_weights(at_once, in_steps)


@each_model
def test_drawing_rows_that_are_0_or_1_changes_nothing(model, holed):
    binary = np.where(np.isnan(holed), np.nan, holed > 0.5)
    plain = make(model).fit(binary)
    assert_same_weights(plain, make(model, binarize="fixed").fit(binary))
    for binarize in ("fixed", "dynamic"):  # labels stay one-hot, what is missing, so
        grey = make(model, binarize=binarize, early_stopping=True).fit(holed)
        assert np.isfinite(grey.score(holed))
        assert grey.score(holed) != plain.score(holed)


@each_model
def test_early_stopping_holds_out_rows_with_missing_blocks(model, holed):
    settings = {"max_epochs": 30, "n_iter_no_change": 2, "tol": 0.5}
    estimator = make(model, early_stopping=True, **settings).fit(holed)
    found = estimator.history_[:, "valid_loss"]
    assert np.isfinite(found).all()
    assert estimator.n_iter_ < 30
    assert min(found) < found[0]


# -- a row beside others ---------------------------------------------------------------


def answers(estimator, X):
    methods = ("transform", "impute", "score_samples")
    return [getattr(estimator, method)(X) for method in methods]


@pytest.mark.parametrize("of", ["digits", "three"])
@each_model
def test_a_row_does_not_depend_on_those_beside_it(model, of):
    X, fit = (HOLED, fitted) if of == "digits" else (THREE, fitted_to_three)
    estimator = fit(model)
    together = answers(estimator, X)
    order = np.random.default_rng(0).permutation(len(X))
    alone = [[row] for row in range(1, 7) if np.isnan(X[row]).any()]
    for rows in (order, [0, 1], np.repeat(order, 3), *alone[:3]):
        for found, expected in zip(answers(estimator, X[rows]), together, strict=True):
            np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-6)
    for again, expected in zip(answers(estimator, X), together, strict=True):
        np.testing.assert_array_equal(again, expected)


@each_model
def test_a_whole_row_is_encoded_alone_as_among_others(model):
    estimator = fitted(model)
    together = estimator.transform(HOLED), estimator.reconstruct(HOLED)
    rows = [0, 3, 4, 119]
    for found, expected in zip(
        (estimator.transform(HOLED[rows]), estimator.reconstruct(HOLED[rows])),
        together,
        strict=True,
    ):
        np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "n_times"),
    [("transform", 36), ("impute", 3)],  # above slices of 4096 and of 256 rows
)
@each_model
def test_many_rows_are_answered_in_slices(model, method, n_times):
    ask = getattr(fitted(model), method)
    found, expected = ask(np.tile(HOLED, (n_times, 1))), ask(HOLED)
    expected = np.tile(expected, (n_times, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# -- experts ---------------------------------------------------------------------------


def gaussians(estimator, X):
    """Each expert's mean and precision in numpy, from its network alone."""
    module = estimator.module_
    x = torch.tensor(np.nan_to_num(X), dtype=module.dtype)
    with torch.no_grad():
        found = [
            expert(modality.features(x))
            for modality, expert in zip(module.modalities, module.experts, strict=True)
        ]
    return [(q.loc.numpy(), q.scale.numpy() ** -2.0) for q in found]


def test_two_experts_of_three_are_multiplied(three):
    estimator = of_three("experts", max_epochs=20).fit(three)
    visits, body, kind = gaussians(estimator, three)
    Z = estimator.transform(three)
    for row, experts in (
        (1, (body, kind)),
        (2, (visits, kind)),
        (3, (visits, body)),
        (4, (kind,)),
        (5, (body,)),
        (6, (visits,)),
    ):
        precision = sum(p[row::7] for _, p in experts)
        mean = sum(p[row::7] * m[row::7] for m, p in experts) / precision
        np.testing.assert_allclose(Z[row::7], mean, rtol=1e-4, atol=1e-5)


def test_a_whole_row_is_asked_of_all_encoders_together(whole_three, three):
    estimator = fitted_to_three("experts")
    together = estimator.transform(three)[::7]
    np.testing.assert_allclose(
        together, estimator.transform(whole_three)[::7], rtol=1e-5, atol=1e-6
    )
    experts = gaussians(estimator, whole_three)
    product = sum(p * m for m, p in experts) / sum(p for _, p in experts)
    assert np.abs(together - product[::7]).max() > 0.01


@pytest.mark.parametrize("model", ["experts", "iterated"])
def test_latents_of_one_pattern_are_comparable_with_anothers(model, whole):
    # A label alone lands nearest to the middle of the rows that have it.
    label = whole.copy()
    label[:, BLOCKS["image"]] = np.nan
    classes = whole[:, 16:].argmax(1)
    Z, Z_label = (trained(model).transform(rows) for rows in (whole, label))
    centres = np.stack([Z[classes == k].mean(0) for k in range(10)])
    guess = ((Z_label[:, None] - centres) ** 2).sum(-1).argmin(1)
    assert np.mean(guess == classes) > 0.3  # one in ten by chance


# -- impute, generate, edit ------------------------------------------------------------


@each_model
def test_imputing_leaves_what_is_there(model, holed, whole):
    estimator = fitted(model)
    filled = estimator.impute(holed)
    there = ~np.isnan(holed)
    np.testing.assert_array_equal(filled[there], holed[there])
    assert np.isfinite(filled).all()
    assert (filled[2::4, :16] > 0).all()
    assert (filled[2::4, :16] < 1).all()
    np.testing.assert_allclose(filled[1::4, 16:].sum(1), 1.0, rtol=1e-5)
    nothing_to_do = estimator.impute(whole)
    np.testing.assert_array_equal(nothing_to_do, whole)
    assert nothing_to_do is not whole
    np.testing.assert_array_equal(estimator.impute(holed), filled)
    assert not np.array_equal(estimator.impute(holed, n_samples=3), filled)


@each_model
def test_what_a_row_holds_of_the_target_is_not_looked_at(model, holed, whole):
    estimator = fitted(model)
    hidden = whole.copy()
    hidden[:, BLOCKS["image"]] = np.nan
    np.testing.assert_array_equal(
        estimator.generate(whole, "image", n_samples=2, random_state=0),
        estimator.generate(hidden, "image", n_samples=2, random_state=0),
    )


def differ(one, other):
    """How many standard errors the means of some draws are apart, (D,)."""
    error = np.sqrt(one.var(0) / len(one) + other.var(0) / len(other))
    return np.abs(one.mean(0) - other.mean(0)) / (error + 1 / len(one))


@pytest.mark.parametrize("model", ["experts", "iterated"])
def test_draws_go_with_their_rows(model, whole):
    estimator, given = trained(model), whole[[3, 8]]

    def draw(rows, seed, **how):
        return estimator.generate(
            rows, "image", n_samples=1500, random_state=seed, **how
        )

    means, drawn = draw(given, 0, mean=True), draw(given, 1)
    assert drawn.shape == (1500, 2, N_PIXELS)
    assert set(np.unique(drawn)) == {0, 1}
    for row in range(2):
        assert differ(drawn[:, row], means[:, row]).max() < 5
        assert differ(draw(given[[row]], 2, mean=True)[:, 0], means[:, row]).max() < 5
    assert differ(means[:, 0], means[:, 1]).max() > 10
    np.testing.assert_array_equal(drawn, draw(given, 1))


def test_imputed_is_the_mean_of_what_is_generated(whole):
    estimator, given = trained("experts"), whole[:4]
    drawn = estimator.generate(
        given, "label", n_samples=4000, random_state=0, mean=True
    )
    given[:, BLOCKS["label"]] = np.nan
    filled = estimator.impute(given, n_samples=4000)[:, 16:]
    error = np.sqrt(drawn.var(0) / 2000)  # both are estimates
    assert np.all(np.abs(filled - drawn.mean(0)) < 5 * error + 1e-6)


@each_model
def test_other_missing_blocks_stay_missing_while_one_is_drawn(model, three):
    estimator = fitted_to_three(model)
    without_kind = three[[0, 1, 2]]  # whole, without visits, without body
    drawn = estimator.generate(without_kind, "kind", n_samples=2, random_state=0)
    assert drawn.shape == (2, 3, 2)
    assert set(drawn[..., 0].ravel()) <= {7, 8}
    with pytest.raises(ValueError, match="Row 6 has nothing but 'visits'"):
        estimator.generate(three[:7], "visits")
    with pytest.raises(ValueError, match="Row 3 has nothing but 'body', 'visits', wh"):
        estimator._hide(three, "body", "visits")


@each_model
def test_an_edit_adds_the_difference_of_two_means(model, whole):
    estimator = fitted(model)
    rows = whole[:6]
    edited = estimator.edit(rows, TO_A_TWO, "image")
    changed = rows.copy()
    changed[:, 16:] = np.arange(10) == 2

    def mean_image(X):
        X = X.copy()
        X[:, BLOCKS["image"]] = np.nan
        return estimator.reconstruct(X)[:, :16]

    moved = mean_image(changed) - mean_image(rows)
    np.testing.assert_allclose(edited[:, :16], rows[:, :16] + moved, atol=1e-6)
    assert moved.any()
    np.testing.assert_array_equal(edited[:, 16:], changed[:, 16:])
    same = estimator.edit(rows[[2]], {18: 1.0}, "image")  # a 2 that becomes a 2
    np.testing.assert_array_equal(same, rows[[2]])
    np.testing.assert_array_equal(estimator.edit(rows, {}, "image"), rows)


@each_model
def test_an_edit_fills_other_blocks_first(model, three):
    estimator = fitted_to_three(model)
    rows = three[[0, 1, 5]]  # the third has neither visits nor kind
    filled = estimator.impute(rows)
    edited = estimator.edit(rows, {1: 8.0}, "body")
    np.testing.assert_array_equal(edited, estimator.edit(filled, {1: 8.0}, "body"))
    others = [2, 4, 5]
    np.testing.assert_array_equal(edited[:, others], filled[:, others])
    np.testing.assert_array_equal(edited[:, 1], 8.0)


@pytest.mark.parametrize(
    ("changes", "modality", "message"),
    [
        ({18: 1.0}, "sound", "'modality' parameter .* among {'image', 'label'}"),
        ({18: 1.0}, 0, "'modality' parameter of JMVAETransformer"),
        ({3: 1.0}, "image", "changes has a column of the modality 'image'"),
        ({18: 1.0, -26: 0}, "image", "changes has a column of the modality 'image'"),
        ({26: 1.0}, "image", "Column 26 is out of range"),
        ({"y2": 1.0}, "image", "No column is named 'y2': X has no column names"),
        ({1.5: 1.0}, "image", "1.5 is neither the name nor the number"),
        ({18: np.nan}, "image", "'changes' parameter .*edit must be .* finite"),
        ({18: "a"}, "image", "'changes' parameter .* finite numbers. Got {18: 'a'}"),
        ({18: np.zeros(2)}, "image", "'changes' parameter of JMVAETransformer.edit"),
        ({18: [1.0]}, "image", "'changes' parameter .* from columns to finite numbers"),
        ({18: 1.0}, "image", "Row 0 is not one-hot .* Set the others to 0 in changes"),
        ({18: 1.0}, "label", "changes has a column of the modality 'label'"),
    ],
    ids=str,
)
def test_a_wrong_edit_is_named(changes, modality, message, whole):
    with pytest.raises(ValueError, match=message):
        fitted("experts").edit(whole[:3], changes, modality)


def test_only_a_label_that_is_changed_has_to_be_one(holed):
    blocks = {"left": slice(0, 8), "right": slice(8, 16), "label": slice(16, None)}
    parts = [("bernoulli", [0]), ("categorical", slice(1, None))]
    likelihood = {"left": "bernoulli", "right": "gaussian", "label": parts}
    table = np.delete(holed, 16, axis=1)
    table = np.insert(table, 16, 1.0 * (np.arange(len(table)) % 2 == 0), axis=1)
    table = np.insert(table, 17, holed[:, 16], axis=1)
    table[1::4, 16] = np.nan  # with the rest of its block
    estimator = make("experts", modalities=blocks, likelihood=likelihood).fit(table)
    rows = table[:2]  # the second has no label, and gets probabilities
    one_hot = dict.fromkeys(range(17, 27), 0.0) | {19: 1.0}
    for changes in ({8: 2.0}, {16: 2.0}, one_hot, {16: 0.0} | one_hot):
        assert np.isfinite(estimator.edit(rows, changes, "left")).all()
    for changes, row in (({19: 1.0}, 0), (one_hot | {19: 0.5}, 0), ({17: 1.0}, 1)):
        with pytest.raises(ValueError, match=f"Row {row} is not one-hot .*x17 to x26"):
            estimator.edit(rows, changes, "left")


def test_what_is_missing_cannot_be_edited(holed):
    with pytest.raises(ValueError, match="'image' is missing in row 2: there is"):
        fitted("experts").edit(holed, {18: 1.0}, "image")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m, X: m.generate(X, "sound"), "among {'image', 'label'}. Got 'sound'"),
        (lambda m, X: m.generate(X, 0), "'modality' parameter of JMVAETransformer"),
        (lambda m, X: m.generate(X, "image", n_samples=0), "'n_samples' parameter"),
        (lambda m, X: m.generate(X, "image", n_samples=1.5), "'n_samples' parameter"),
        (lambda m, X: m.impute(X, n_samples=0), "'n_samples' parameter .*impute"),
        (lambda m, X: m.impute(X[:, 1:]), "25 features"),
    ],
)
def test_wrong_arguments_are_named(ask, message, whole):
    with pytest.raises(ValueError, match=message):
        ask(fitted("experts"), whole)


def test_a_code_that_fit_has_not_seen_is_named(whole_three, three):
    estimator = fitted_to_three("experts")
    table = three.copy()
    table[7, 4] = 99
    with pytest.raises(ValueError, match="Column x4 holds the code 99"):
        estimator.transform(table)
    with pytest.raises(ValueError, match="fitted without modalities"):
        small(JMVAETransformer).fit(whole_three).generate(whole_three, "kind")


# -- inside scikit-learn ---------------------------------------------------------------


def test_a_search_over_alpha_and_latents_in_a_pipeline(frame, whole):
    classes = whole[:, 16:].argmax(1) % 2
    scale = make_column_transformer(
        (MinMaxScaler(clip=True), PIXELS),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    latents = make("experts", modalities={"image": PIXELS, "label": LABELS})
    pipeline = make_pipeline(scale, latents, LogisticRegression())
    grid = {
        "jmvaetransformer__alpha": [0.0, 1.0],
        "jmvaetransformer__n_components": [2, 3],
        "jmvaetransformer__n_iterations": [3],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(frame, classes)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(search.best_estimator_).fit(frame, classes)  # in this process
    np.testing.assert_array_equal(
        search.predict_proba(frame), again.predict_proba(frame)
    )


@each_model
def test_a_model_of_several_modalities_is_its_own_scorer(model, holed):
    grid = {"n_components": [(2, 2), (3, 2)] if model == "hierarchy" else [2, 3]}
    search = GridSearchCV(make(model), grid, cv=2).fit(holed)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.impute(holed).shape == holed.shape


def test_a_part_of_a_table_is_encoded(frame):
    latents = make(
        "experts",
        modalities={"few": ["p3", "p4"], "label": LABELS},
        likelihood={"few": "gaussian", "label": "categorical"},
        empty_rows="prior",
    )
    part = frame[["p4", *LABELS, "p3"]]
    columns = make_column_transformer((latents, list(part)), (StandardScaler(), ["p5"]))
    expected = clone(latents).fit(part).transform(part)
    np.testing.assert_array_equal(columns.fit_transform(frame)[:, :3], expected)


def test_a_fold_without_a_modality_is_said(holed):
    ordered = np.concatenate([holed[1::4], holed[::4]])  # labels in the second half
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cross_val_score(make("experts"), ordered, cv=KFold(2))
    assert np.isnan(found).tolist() == [False, True]
    assert "'label' is missing in every row" in str(caught[0].message)


@each_model
def test_a_fitted_model_is_copied_with_all_it_says(model, frame):
    estimator = make(
        model, modalities={"image": make_column_selector("^p"), "label": LABELS}
    ).fit(frame)
    assert_same_answers(estimator, through_pickle(estimator), frame)
    copied = clone(estimator)
    assert not hasattr(copied, "modalities_")
    assert_same_weights(copied.fit(frame), estimator)


# -- parts of a modality, own networks, files ------------------------------------------

HALVES = [(Bernoulli(), slice(0, 8)), (Gaussian(mean="sigmoid"), slice(8, 16))]
PARTS = {
    "positions": HALVES,
    "names": [("bernoulli", PIXELS[:8]), ("gaussian", PIXELS[8:])],
    "one": [("bernoulli", slice(None))],
}


@pytest.mark.parametrize(
    ("model", "parts"),
    [("experts", "names"), ("experts", "one"), *((m, "positions") for m in MODELS)],
)
def test_a_modality_may_be_of_mixed_type(model, parts, frame, tmp_path):
    likelihood = {"image": PARTS[parts], "label": [("categorical", slice(0, 10))]}
    estimator = make(model, likelihood=likelihood).fit(frame)
    other = through_file(estimator, tmp_path / "model")
    assert_same_answers(estimator, other, frame)
    np.testing.assert_array_equal(estimator.impute(frame), other.impute(frame))


def own(n_in):
    return nn.Sequential(nn.Linear(n_in, 6), nn.Tanh())


@each_model
def test_own_networks_of_some_modalities(model, holed, tmp_path):
    given = nn.Linear(N_PIXELS, 5)
    encoder, decoder = {"image": given, "label": None}, {"label": own}
    estimator = make(model, encoder=encoder, decoder=decoder).fit(holed)
    image, label = estimator.module_.modalities
    assert isinstance(image.encoder, nn.Linear)
    assert image.encoder is not given
    assert label.decoder[0].out_features == 6
    for expert in estimator.module_.experts[:1]:  # of the same layers, but its own
        assert isinstance(expert[0], nn.Linear)
        assert expert[0] is not image.encoder
    path = tmp_path / "model"
    estimator.save(path)
    with pytest.raises(ValueError, match="without the parameters decoder, encoder"):
        through_file(estimator, path)
    other = through_file(estimator, path, encoder=encoder, decoder=decoder)
    assert_same_answers(estimator, other, holed)


# -- the hierarchy ---------------------------------------------------------------------


@pytest.mark.parametrize("widths", [(4, 3), (5, 3, 2), (3,)])
def test_latents_of_the_top_are_the_last_of_all(widths, holed):
    top, every = (
        make("hierarchy", n_components=widths, layers=layers).fit(holed)
        for layers in ("top", "all")
    )
    assert_same_weights(top, every)
    Z, Z_all = top.transform(holed), every.transform(holed)
    assert Z.shape == (len(holed), widths[-1])
    assert Z_all.shape == (len(holed), sum(widths))
    np.testing.assert_array_equal(Z, Z_all[:, -widths[-1] :])
    for estimator, latents in ((top, Z), (every, Z_all)):
        X_mean = estimator.inverse_transform(latents)
        np.testing.assert_allclose(X_mean, estimator.reconstruct(holed), rtol=1e-5)
    np.testing.assert_array_equal(top.impute(holed), every.impute(holed))
    np.testing.assert_array_equal(top.score_samples(holed), every.score_samples(holed))
    names = every.get_feature_names_out()
    last = len(widths) - 1
    assert names[-1] == f"hierarchicaljmvaetransformer_layer{last}_{widths[-1] - 1}"
    assert list(top.get_feature_names_out()) == list(names[-widths[-1] :])
    assert list(top.latent_names()) == list(every.latent_names()) == list(names)


def test_one_int_is_two_layers_of_as_many(holed):
    one = make("hierarchy", n_components=3).fit(holed)
    assert_same_weights(one, make("hierarchy", n_components=(3, 3)).fit(holed))


@pytest.mark.parametrize("value", [(), 0, (3, 0), (2.5,), "2", None])
def test_wrong_layers_are_named(value, holed):
    with pytest.raises(ValueError, match="'n_components' parameter of Hierarchical"):
        make("hierarchy", n_components=value).fit(holed)


# -- the generator and the discriminator -----------------------------------------------

GROUPS = ("generator", "discriminator")


def test_the_history_shows_every_loss(holed):
    rows = fitted("gan").history_
    for name in (
        *("train_loss", "reconstruction", "kl", "kl_experts", "beta"),
        *("reconstruction_image", "reconstruction_label"),
        *("generator_loss", "not_fooled"),
        *("discriminator_loss", "missed_real", "missed_fake"),
    ):
        assert np.isfinite(rows[:, name]).all(), name
    last, there = rows[-1], ~np.isnan(holed[:, 0])
    parts = there.mean() * last["missed_real"] + last["missed_fake"]
    np.testing.assert_allclose(last["discriminator_loss"], parts, rtol=1e-5)


@pytest.mark.parametrize("still", GROUPS)
def test_a_group_moves_by_its_own_loss_alone(still, holed):
    held = {f"optimizer_{still}__lr": 0.0}
    estimator = make("gan", net_params=held).partial_fit(holed)
    before = copy.deepcopy(weights(estimator))
    groups = estimator.module_.parameter_groups()
    names = {id(p): name for name, p in estimator.module_.named_parameters()}
    estimator.partial_fit(holed)
    for group, parameters in groups.items():
        for p in parameters:
            name = names[id(p)]
            assert torch.equal(p, before[name]) == (group == still), name


def test_rows_without_an_image_do_not_ask_for_one(holed):
    estimator = make("gan").fit(holed)
    module, found = estimator.module_, []
    for gamma in (0.0, 50.0):
        module.gamma = gamma
        losses = module.losses(
            batch_of(estimator, holed[2::4]), None, Noise.from_seed(0)
        )
        found.append({loss.group: loss for loss in losses})
    without, with_weight = found
    assert torch.equal(without["generator"].value, with_weight["generator"].value)
    assert not without["discriminator"].terms["missed_real"].any()
    assert without["discriminator"].terms["missed_fake"].all()


@pytest.mark.parametrize("image", ["body", "kind", "visits"])
def test_any_modality_may_be_the_image(image, three, tmp_path):
    estimator = of_three("gan", image=image).fit(three)
    first = list(OF_THREE["modalities"]).index(image)
    generator = estimator.module_.parameter_groups()["generator"]
    decoder = estimator.module_.modalities[first].decoder
    assert {id(p) for p in decoder.parameters()} <= {id(p) for p in generator}
    assert_same_answers(estimator, through_file(estimator, tmp_path / "model"), three)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image": "sound"}, r"'image' .* modalities \['image', 'label'\]"),
        ({"image": 0}, "'image' parameter of JMVAEGANTransformer"),
        ({"gamma": -1.0}, "'gamma' parameter of JMVAEGANTransformer"),
        ({"discriminator": nn.Linear(3, 3)}, r"'discriminator' .* map \(n, 16\)"),
        ({"discriminator": "deep"}, "'discriminator' parameter of JMVAEGAN"),
    ],
    ids=str,
)
def test_a_wrong_parameter_of_the_generator_is_named(params, message, whole):
    with pytest.raises(ValueError, match=message):
        make("gan", **params).fit(whole)


@pytest.mark.parametrize("model", ["iterated", "hierarchy"])
def test_counts_are_drawn_for_a_row_as_if_alone(model, three):
    estimator = make(model, **(OF_THREE | MODELS[model][1])).fit(three)
    Z = estimator.transform(three)
    np.testing.assert_allclose(estimator.transform(three[::-1])[::-1], Z, atol=1e-6)
    np.testing.assert_allclose(estimator.transform(three[1:2]), Z[1:2], atol=1e-6)


@pytest.mark.parametrize("model", ["iterated", "hierarchy"])
def test_a_whole_rows_probability_is_the_same_among_incomplete_ones(model):
    estimator = fitted(model)
    np.testing.assert_allclose(
        estimator.score_samples(HOLED[:1]),
        estimator.score_samples(HOLED)[:1],
        rtol=1e-5,
    )


def test_a_row_that_is_not_one_hot_is_named_by_its_number_in_the_table(holed):
    holed[7, 16:18] = 1.0
    with pytest.raises(ValueError, match="Row 7 is not one-hot"):
        fitted("experts").score(holed)
    with pytest.raises(ValueError, match="Row 7 is not one-hot"):
        make("experts").fit(holed)


@pytest.mark.parametrize("model", ["experts", "gan"])
def test_missing_blocks_do_not_count_in_batch_statistics(model, whole):
    table = whole.copy()
    table[::2, :16] = np.nan
    net = Dense((4,), batch_norm=True)
    start = make(model, encoder={"image": net}, max_epochs=1, batch_size=120, lr=1e-12)
    linear, norm, _ = start.fit(table).module_.experts[0][0]
    with torch.no_grad():
        seen = linear(torch.tensor(whole[1::2, :16], dtype=torch.float32)).mean(0)
    share = norm.running_mean / seen  # the momentum, if these rows alone count
    assert share.max() < 1.2 * share.min()


def test_a_file_keeps_the_number_of_iterations_that_answers(holed, tmp_path):
    estimator = make("iterated").fit(holed).set_params(n_iterations=40)
    Z = estimator.transform(holed)
    other = through_file(estimator, tmp_path / "m")
    np.testing.assert_array_equal(other.transform(holed), Z)


@pytest.mark.parametrize(("changes"), [{1: 99.0}, {2: np.inf}, {2: -1.0}], ids=str)
def test_an_edit_to_what_cannot_be_is_refused(changes, whole_three):
    with pytest.raises(ValueError, match=r"not seen|finite|Negative"):
        fitted_to_three("experts").edit(whole_three[:2], changes, "body")


@pytest.mark.parametrize("changes", [None, [18]])
def test_changes_are_a_dict(changes, whole):
    with pytest.raises((ValueError), match="changes"):
        fitted("experts").edit(whole[:2], changes, "image")


@pytest.mark.parametrize("value", [np.nan, -3.0])
def test_generate_looks_away_from_the_target(value, whole):
    table = whole.copy()
    table[2, 5] = value
    np.testing.assert_array_equal(
        fitted("experts").generate(table, "image", random_state=0),
        fitted("experts").generate(whole, "image", random_state=0),
    )


def test_parts_of_a_modality_may_be_selected(frame):
    parts = [
        ("bernoulli", make_column_selector("^p[0-7]$")),
        ("gaussian", make_column_selector("^p(?:[89]|1.)$")),
    ]
    make("experts", likelihood={"image": parts, "label": "categorical"}).fit(frame)


def test_a_row_is_named_where_no_row_has_the_block_before(holed):
    holed[:, BLOCKS["image"]] = np.nan
    rows = holed[::2]
    rows[3, BLOCKS["label"]] = 0.5
    with pytest.raises(ValueError, match="Row 3 is not one-hot"):
        fitted("experts").score_samples(rows)


def test_repeated_rows_are_copied_slice_by_slice(holed):
    table = Table(holed[:7], observed=~np.isnan(holed[:7, [0, 16]]))
    found, expected = (
        Repeated(table.x, observed=table.observed, n_times=5)[3:29],
        table[np.tile(np.arange(7), 5)[3:29]],
    )
    np.testing.assert_array_equal(found.x, expected.x)
    np.testing.assert_array_equal(found.observed, expected.observed)
    tracemalloc.start()
    fitted("experts").generate(holed[:4:3], "label", n_samples=20_000, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000 * holed[0].nbytes


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("iterated", {"n_iterations": 0}),
        ("hierarchy", {"n_iterations": "x"}),
        ("experts", {"empty_rows": "skip"}),
        ("hierarchy", {"layers": "all"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["transform", "generate"])
def test_what_may_change_after_fit_is_checked_there(model, params, method, holed):
    estimator = copy.copy(fitted(model)).set_params(**params)
    arguments = ("image",) if method == "generate" else ()
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of .* must"):
        getattr(estimator, method)(holed[2::4], *arguments)


@pytest.mark.parametrize("kind", ["range", "index", "series"])
def test_any_selection_of_columns_is_written(kind, frame, tmp_path):
    first, second = {
        "range": (range(16), range(16, 26)),
        "index": (frame.columns[:16], frame.columns[16:]),
        "series": (pd.Series(FIRST), pd.Series(~FIRST)),
    }[kind]
    estimator = make("experts", modalities={"image": first, "label": second}).fit(frame)
    other = through_file(estimator, tmp_path / "m")
    np.testing.assert_array_equal(other.transform(frame), estimator.transform(frame))


def test_nothing_has_probability_one_in_a_hierarchy_too(holed):
    empty = holed.copy()
    empty[5] = np.nan
    estimator = make("hierarchy", empty_rows="prior", max_epochs=15).fit(empty)
    np.testing.assert_allclose(estimator.score_samples(empty)[5], 0, atol=1e-6)


def test_a_code_is_not_moved(whole_three):
    with pytest.raises(ValueError, match="'kind' holds codes"):
        fitted_to_three("experts").edit(whole_three, {0: 2.0}, "kind")
