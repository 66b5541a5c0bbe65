"""Tensors in, tensors out; and scikit-learn's dispatch on arrays."""

import numpy as np
import pytest
import torch
from instances import HALVES, decode, fit, small
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from skvae import AETransformer, CVAETransformer, JMVAETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.metrics import diagnose, n_active_units

each_estimator = pytest.mark.parametrize(("name", "cls"), all_estimators())


@pytest.fixture(scope="module")
def vae(digits):
    return small(VAETransformer).fit(digits)


def dispatching():
    return config_context(array_api_dispatch=True)


# -- tensors ---------------------------------------------------------------------------


@each_estimator
def test_tensors_give_tensors_with_the_same_numbers(name, cls, digits):
    model, X = fit(small(cls), digits[:60]), torch.from_numpy(digits[:40]).float()
    Z = model.transform(X.numpy())
    pairs = [
        (model.transform(X), Z),
        (model.reconstruct(X), model.reconstruct(X.numpy())),
        (decode(model, torch.from_numpy(Z), X.numpy()), decode(model, Z, X.numpy())),
    ]
    if hasattr(model, "score_samples"):
        few = X[:4]
        pairs.append((model.score_samples(few), model.score_samples(few.numpy())))
    for found, expected in pairs:
        assert isinstance(found, torch.Tensor)
        assert found.device == X.device
        assert found.numpy().dtype == expected.dtype
        assert (found.numpy() == expected).all()


def test_every_other_answer_is_a_tensor(vae, digits):
    holed = digits.copy()
    holed[:5, 3] = np.nan
    X = torch.from_numpy(holed)
    pairs = [
        (vae.impute(X), vae.impute(holed)),
        *zip(
            vae.impute(X, n_imputations=2, random_state=0),
            vae.impute(holed, n_imputations=2, random_state=0),
            strict=True,
        ),
    ]
    whole = torch.from_numpy(digits[:5])
    found = vae.log_likelihood(whole, 4, return_std_error=True)
    expected = vae.log_likelihood(digits[:5], 4, return_std_error=True)
    pairs += list(zip(found[:2], expected[:2], strict=True))
    assert found.mean_std_error == expected.mean_std_error
    ae = small(AETransformer).fit(holed)
    pairs.append((ae.impute(X), ae.impute(holed)))
    task = np.arange(len(digits)) % 2
    cvae = small(CVAETransformer).fit(digits, condition=task)
    pairs.append(
        (cvae.translate(whole, 1, own=0), cvae.translate(digits[:5], 1, own=0))
    )
    given = "right", 2, 0
    jmvae = small(JMVAETransformer, modalities=HALVES).fit(digits)
    pairs.append((jmvae.generate(whole, *given), jmvae.generate(digits[:5], *given)))
    for tensor, array in pairs:
        assert isinstance(tensor, torch.Tensor)
        assert (tensor.numpy() == array).all()


def test_metrics_of_tensors_are_those_of_arrays(vae, digits):
    X = torch.from_numpy(digits)
    assert n_active_units(vae, X) == n_active_units(vae, digits)
    assert repr(diagnose(vae, X)) == repr(diagnose(vae, digits))
    assert vae.score(X[:9]) == vae.score(digits[:9])


def test_a_chosen_output_comes_first(vae, digits):
    pytest.importorskip("pandas")
    model = clone(vae).fit(digits).set_output(transform="pandas")
    found = model.transform(torch.from_numpy(digits))
    assert list(found.columns) == list(model.get_feature_names_out())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_tensors_stay_on_the_gpu(digits):
    X = torch.from_numpy(digits).cuda()
    model = small(VAETransformer).fit(X)
    for found in (model.transform(X), model.reconstruct(X), model.score_samples(X[:8])):
        assert found.device == X.device


# -- dispatch --------------------------------------------------------------------------

NAMESPACES = [("numpy", None), ("array_api_strict", "device1"), ("torch", "cpu")]


@pytest.mark.parametrize(("namespace", "device"), NAMESPACES)
@pytest.mark.parametrize("cls", [VAETransformer, AETransformer, CVAETransformer])
def test_arrays_of_any_library_give_the_same_numbers(cls, namespace, device):
    check = estimator_checks.check_array_api_input
    settings = {"device_name": device, "dtype_name": "float32", "check_values": True}
    check(cls.__name__, small(cls), namespace, **settings)


def test_a_pipeline_keeps_tensors(digits):
    X = torch.from_numpy(digits)
    pipeline = make_pipeline(StandardScaler(), small(VAETransformer))
    with dispatching():
        Z = clone(pipeline).fit_transform(X)
        assert isinstance(Z, torch.Tensor)
    expected = pipeline.fit_transform(digits)
    np.testing.assert_allclose(Z, expected, atol=1e-5)


def test_another_library_than_in_fit_is_refused_while_dispatching(vae, digits):
    X = torch.from_numpy(digits)
    with dispatching():
        model = clone(vae).fit(X)
        with pytest.raises(ValueError, match=r"numpy on cpu, and torch on cpu in fit"):
            model.score_samples(digits)
    assert (model.transform(digits) == model.transform(X).numpy()).all()


def test_a_loaded_model_takes_any_library(vae, digits, tmp_path):
    import skvae

    with dispatching():
        clone(vae).fit(torch.from_numpy(digits)).save(tmp_path / "model")
        loaded = skvae.load(tmp_path / "model")
        assert (loaded.transform(digits) == vae.transform(digits)).all()
