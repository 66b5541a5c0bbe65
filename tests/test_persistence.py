"""`load` restores what `save` wrote, bit for bit, and training can resume."""

import copy

import hostile_files
import numpy as np
import pytest
import torch
from hostile_files import table
from instances import OF_DIGITS, fit, fitted, partial_fit, small, variants
from instances import VARIANTS as EVERYWHERE
from saved import (
    assert_same_answers,
    changed_header,
    described,
    through_file,
    through_joblib,
    through_pickle,
)

from skvae import AETransformer, VAETransformer, load
from skvae.exceptions import SkvaeLoadWarning
from skvae.training import OPTIMIZERS

VARIANTS = dict(variants(EVERYWHERE | OF_DIGITS))
each_variant = pytest.mark.parametrize("label", VARIANTS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(digits):
    return small(VAETransformer, n_components=3).fit(digits)


@each_variant
def test_a_loaded_estimator_gives_the_same_results(label, digits, path):
    one = fitted(VARIANTS[label], digits)
    other = through_file(one, path)
    assert type(other) is type(one)
    assert described(other.get_params()) == described(one.get_params())
    assert described(list(other.history_)) == described(list(one.history_))
    assert other.n_iter_ == one.n_iter_
    assert not other.net_.module_.training
    assert other.module_.kl_weight == one.module_.kl_weight
    assert [name for name, _ in other.net_.callbacks_] == [
        name for name, _ in one.net_.callbacks_
    ]
    assert_same_answers(one, other, digits)


@each_variant
def test_saving_again_gives_the_same_bytes(label, digits, path, tmp_path):
    other = through_file(fitted(VARIANTS[label], digits), path, training_state=True)
    other.save(tmp_path / "again", training_state=True)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@each_variant
def test_a_clone_of_a_loaded_estimator_fits_like_the_original(label, digits, path):
    one = fitted(VARIANTS[label], digits)
    again = fitted(through_file(one, path), digits)
    assert_same_answers(one, again, digits)


@each_variant
def test_every_fitted_attribute_is_restored(label, digits, path):
    one = fitted(VARIANTS[label], digits)
    assert vars(through_file(one, path)).keys() == vars(one).keys()


@pytest.mark.parametrize("i", [0, 1, 2])
def test_a_model_of_a_mixed_table_is_restored(i, path):
    one = hostile_files.models()[i]
    rows = hostile_files.table_of(one)
    other = through_file(one, path, training_state=True)
    assert described(other.get_params()) == described(one.get_params())
    assert described(vars(other.likelihood_)) == described(vars(one.likelihood_))
    assert not any("columns" in name for name in one.module_.state_dict())
    np.testing.assert_array_equal(
        other.feature_names_in_, one.feature_names_in_, strict=True
    )
    assert_same_answers(one, other, rows)
    assert_same_answers(one.partial_fit(rows), other.partial_fit(rows), rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_chosen_by_auto_is_kept(dtype, digits, path):
    one = small(VAETransformer, dtype="auto").fit(digits.astype(dtype))
    other = through_file(one, path)
    assert other.module_.dtype == getattr(torch, dtype)
    assert_same_answers(one, other, digits)


def test_a_random_state_continues_where_it_was(path, digits):
    one = small(VAETransformer, random_state=np.random.RandomState(5)).fit(digits)
    other = through_file(one, path)
    assert other.random_state.randint(10**9) == one.random_state.randint(10**9)


def test_set_output_is_kept(path):
    one = small(AETransformer).fit(table()).set_output(transform="pandas")
    frame = through_file(one, path).transform(table())
    assert list(frame.columns) == list(one.get_feature_names_out())


def test_a_model_trained_by_partial_fit_alone_can_be_saved(digits, path):
    one = small(VAETransformer).partial_fit(digits)
    assert_same_answers(one, through_file(one, path), digits)


def test_loading_leaves_the_global_generators_untouched(model, path):
    model.save(path)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    load(path)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_the_path_may_be_a_str(model, path, digits):
    model.save(str(path))
    assert_same_answers(model, load(str(path)), digits)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, through_pickle, through_joblib],
)
def test_other_kinds_of_copies_give_the_same_results(copied, path):
    one = hostile_files.models()[0]
    other = copied(one)
    assert_same_answers(one, other, table())
    assert_same_answers(one, through_file(other, path), table())
    assert_same_answers(one.partial_fit(table()), other.partial_fit(table()), table())


# -- resumed training ------------------------------------------------------------------


@each_variant
def test_training_resumes_as_if_never_interrupted(label, digits, path):
    one = fitted(VARIANTS[label], digits)
    other = through_file(one, path, training_state=True)
    for estimator in (one, other):
        partial_fit(estimator, digits)
        fit(estimator.set_params(warm_start=True), digits)
    assert other.n_iter_ == one.n_iter_
    assert_same_answers(one, other, digits)


@pytest.mark.parametrize("binarize", ["fixed", "dynamic"])
def test_binarized_training_resumes(binarize, digits, path):
    one = small(VAETransformer, likelihood="bernoulli", binarize=binarize).fit(digits)
    other = through_file(one, path, training_state=True)
    assert_same_answers(one.partial_fit(digits), other.partial_fit(digits), digits)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, torch.optim.RAdam, "momentum"])
def test_every_optimizer_resumes(optimizer, digits, path):
    params = {"optimizer": optimizer}
    if optimizer == "momentum":
        params = {"optimizer": "sgd", "net_params": {"optimizer__momentum": 0.9}}
    one = small(VAETransformer, lr=1e-4, **params).fit(digits)
    other = through_file(one, path, training_state=True)
    assert_same_answers(one.partial_fit(digits), other.partial_fit(digits), digits)


def test_the_optimizer_starts_fresh_without_training_state(model, digits, path):
    other = through_file(model, path)
    assert not other.net_.optimizer_.state
    before = other.score(digits)
    other.partial_fit(digits)
    assert other.n_iter_ == model.n_iter_ + 1
    assert other.score(digits) != before
    assert not np.array_equal(
        other.transform(digits), model.partial_fit(digits).transform(digits)
    )


def test_a_changed_architecture_is_also_an_error_after_loading(model, digits, path):
    other = through_file(model, path).set_params(n_components=5)
    with pytest.raises(ValueError, match=r"'n_components'.* must stay.* Got 5"):
        other.partial_fit(digits)


def test_the_training_state_of_another_optimizer_is_refused(model, path):
    model.save(path, training_state=True)
    with changed_header(path) as header:
        header["parameters"]["optimizer"] = "sgd"
    with pytest.raises(ValueError, match="training state belongs to another optimizer"):
        load(path)


# -- devices ---------------------------------------------------------------------------

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is available")
with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU available")


@without_gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:1", {"@device": "cuda:0"}])
def test_a_gpu_model_is_moved_to_the_cpu(device, model, path, digits):
    model.save(path, training_state=True)
    with changed_header(path) as header:
        header["parameters"]["device"] = device
    with pytest.warns(SkvaeLoadWarning, match=r"'cuda.*is 'cpu' now") as found:
        other = load(path)
    assert found[0].filename == __file__
    assert other.device == "cpu"
    assert_same_answers(model, other, digits)
    assert load(path, device="auto").device == "auto"
    other = load(path, device="cpu")
    assert_same_answers(model.partial_fit(digits), other.partial_fit(digits), digits)


@pytest.mark.parametrize("device", ["nonsense", "meta", 3.5])
def test_a_device_that_cannot_be_used_is_refused(device, model, path):
    model.save(path)
    with pytest.raises(ValueError, match="device"):
        load(path, device=device)


@with_gpu
def test_a_model_can_be_loaded_on_gpu_or_cpu(digits, path):
    one = small(VAETransformer, device="cuda").fit(digits)
    on_gpu = through_file(one, path, training_state=True)
    assert all(p.is_cuda for p in on_gpu.module_.parameters())
    assert_same_answers(one, on_gpu, digits)
    assert_same_answers(one.partial_fit(digits), on_gpu.partial_fit(digits), digits)
    on_cpu = load(path, device="cpu").partial_fit(digits)
    np.testing.assert_allclose(
        on_cpu.transform(digits), one.transform(digits), atol=1e-4
    )
    assert not any(p.is_cuda for p in on_cpu.module_.parameters())
