"""Selecting the columns of each modality, and parameters that do not match them."""

import numpy as np
import pandas as pd
import pytest
from saved import assert_same_answers, through_file
from sklearn.compose import make_column_selector
from torch import nn

from multimodal.modality_models import (
    BLOCKS,
    LABELS,
    LIKELIHOOD,
    N_LABELS,
    N_PIXELS,
    PIXELS,
    assert_same_weights,
    each_model,
    fitted,
    make,
)

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
def test_columns_can_be_chosen_in_every_way(way, frame, tmp_path):
    blocks = dict(zip(("image", "label"), WAYS[way], strict=True))
    estimator = make("experts", modalities=blocks).fit(frame)
    assert estimator.modalities_["image"].tolist() == [*range(16)]
    assert estimator.modalities_["label"].tolist() == [*range(16, 26)]
    assert_same_weights(estimator, fitted("experts"))
    other = through_file(estimator, tmp_path / "model", training_state=True)
    np.testing.assert_array_equal(estimator.impute(frame), other.impute(frame))
    for one in (estimator, other):  # the parameter still selects the same columns
        one.partial_fit(frame)
    assert_same_weights(estimator, other)


@each_model
def test_the_order_of_columns_does_not_matter(model, holed):
    order = np.random.default_rng(0).permutation(holed.shape[1])
    place = order.argsort()  # the new position of each column
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
def test_modalities_may_be_listed_in_any_order(model, holed, tmp_path):
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
def test_a_single_column_may_be_a_modality(model, one, holed):
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
def test_invalid_modalities_are_named_and_change_nothing(case, whole):
    blocks, message = HOSTILE_BLOCKS[case]
    estimator = make("experts", likelihood="gaussian-shared").fit(whole)
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
        ({"likelihood": [("gaussian", slice(None))]}, "must be a dict if there are"),
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
def test_a_parameter_must_match_the_modalities(params, message, whole):
    with pytest.raises(ValueError, match=message):
        make("experts", **params).fit(whole)


@pytest.mark.parametrize("kind", ["range", "index", "series"])
def test_any_selection_of_columns_can_be_saved(kind, frame, tmp_path):
    first, second = {
        "range": (range(16), range(16, 26)),
        "index": (frame.columns[:16], frame.columns[16:]),
        "series": (pd.Series(FIRST), pd.Series(~FIRST)),
    }[kind]
    estimator = make("experts", modalities={"image": first, "label": second}).fit(frame)
    other = through_file(estimator, tmp_path / "m")
    np.testing.assert_array_equal(other.transform(frame), estimator.transform(frame))
