"""Latents of incomplete rows, by products of experts or by iteration."""

import copy

import numpy as np
import pytest
import torch
from saved import through_file

from multimodal.modality_models import (
    BLOCKS,
    fitted,
    fitted_to_three,
    make,
    of_three,
    trained,
)


def gaussians(estimator, X):
    """Return the mean and precision of each expert, from its network alone."""
    module = estimator.module_
    x = torch.tensor(np.nan_to_num(X), dtype=module.dtype)
    with torch.no_grad():
        found = [
            expert(modality.inputs(x))
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


def test_a_complete_row_uses_the_joint_encoder(whole_three, three):
    estimator = fitted_to_three("experts")
    together = estimator.transform(three)[::7]
    np.testing.assert_allclose(
        together, estimator.transform(whole_three)[::7], rtol=1e-5, atol=1e-6
    )
    experts = gaussians(estimator, whole_three)
    product = sum(p * m for m, p in experts) / sum(p for _, p in experts)
    assert np.abs(together - product[::7]).max() > 0.01


@pytest.mark.parametrize("model", ["experts", "iterated"])
def test_latents_are_comparable_between_missing_patterns(model, whole):
    # The latents of a label alone lie near the mean latents of the rows that have it.
    label = whole.copy()
    label[:, BLOCKS["image"]] = np.nan
    classes = whole[:, 16:].argmax(1)
    Z, Z_label = (trained(model).transform(rows) for rows in (whole, label))
    centres = np.stack([Z[classes == k].mean(0) for k in range(10)])
    guess = ((Z_label[:, None] - centres) ** 2).sum(-1).argmin(1)
    assert np.mean(guess == classes) > 0.3  # one in ten by chance


def test_a_file_keeps_a_changed_number_of_iterations(holed, tmp_path):
    estimator = make("iterated").fit(holed).set_params(n_iterations=40)
    Z = estimator.transform(holed)
    other = through_file(estimator, tmp_path / "m")
    np.testing.assert_array_equal(other.transform(holed), Z)


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
def test_parameters_changed_after_fit_are_checked(model, params, method, holed):
    estimator = copy.copy(fitted(model)).set_params(**params)
    arguments = ("image",) if method == "generate" else ()
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of .* must"):
        getattr(estimator, method)(holed[2::4], *arguments)
