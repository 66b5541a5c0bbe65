"""`save` writes only what `load` accepts, and never loses or exposes a file."""

import os
import stat

import numpy as np
import pytest
import safetensors.torch
import sklearn
import torch
from instances import small
from saved import assert_same_answers, through_file
from skorch.callbacks import Callback

from skvae import CVAETransformer, VAETransformer, load
from skvae.persistence import read, write

CHANGED = (
    {"lr": -1.0},
    {"beta": None},
    {"batch_size": 0},
    {"max_epochs": 0},
    {"random_state": "x"},
    {"verbose": -3},
    {"tol": -1.0},
    {"validation_fraction": 2.0},
    {"device": "nonsense"},
    {"callbacks": 3},
    {"net_params": {"nope": 1}},
    {"net_params": {"optimizer__nope": 1}},
    {"net_params": 3},
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(digits):
    return small(VAETransformer, n_components=3).fit(digits)


@pytest.mark.parametrize("changed", CHANGED, ids=str)
def test_what_load_would_refuse_is_not_written(changed, model, path):
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"VAETransformer cannot be saved, because"):
        model.set_params(**changed).save(path)
    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


def test_a_path_may_be_bytes(model, path, digits):
    model.save(os.fsencode(path))
    np.testing.assert_array_equal(
        load(os.fsencode(path)).transform(digits), model.transform(digits)
    )


def test_what_is_not_a_path_is_refused(model):
    for wrong in (None, 3, 1.5, object(), [], True):
        for ask in (model.save, load):
            with pytest.raises(TypeError, match="PathLike"):
                ask(wrong)


def test_weights_that_load_would_refuse_are_not_written(model, path):
    with torch.no_grad():
        model.module_.head.linear.bias[0] = torch.nan
    with pytest.raises(ValueError, match=r"head\.linear\.bias is not finite"):
        model.save(path)
    assert not path.exists()


def test_saving_does_not_initialise_callbacks_of_the_user(digits, path):
    class Counter(Callback):
        n_initialised = 0

        def initialize(self):
            Counter.n_initialised += 1
            return self

    given = [Counter()], {"callbacks": [Counter()]}
    for callbacks, net_params in ((given[0], None), (None, given[1])):
        one = small(VAETransformer, callbacks=callbacks, net_params=net_params)
        one.fit(digits)
        before = Counter.n_initialised
        one.save(path)
        assert Counter.n_initialised == before > 0


def test_metadata_requests_are_kept(digits, path):
    with sklearn.config_context(enable_metadata_routing=True):
        one = small(CVAETransformer).set_transform_request(condition=True)
        one.set_fit_request(condition="task").fit(digits, condition=["a", "b"] * 100)
        other = through_file(one, path)
        for method in ("fit", "transform", "score"):
            expected = getattr(one.get_metadata_routing(), method).requests
            assert getattr(other.get_metadata_routing(), method).requests == expected
    assert vars(other).keys() == vars(one).keys()


def test_a_compiled_network_is_saved_under_its_usual_names(digits, path, monkeypatch):
    compiled = []

    def compile_in_place(module, **how):
        compiled.append((type(module).__name__, how))

    monkeypatch.setattr(torch.nn.Module, "compile", compile_in_place)
    net_params = {"compile": True, "compile__backend": "eager"}
    one = small(VAETransformer, early_stopping=True, net_params=net_params).fit(digits)
    assert ("LocScale", {"backend": "eager"}) in compiled
    plain = small(VAETransformer, early_stopping=True).fit(digits)
    assert one.module_.state_dict().keys() == plain.module_.state_dict().keys()
    assert_same_answers(plain, through_file(one, path, net_params=None), digits)
    assert_same_answers(plain, through_file(one, path, net_params=net_params), digits)


# -- the file --------------------------------------------------------------------------


def test_the_bytes_are_those_of_the_safetensors_library(tmp_path):
    dtypes = (torch.bool, torch.uint8, torch.int16, torch.float16, torch.bfloat16)
    dtypes += (torch.int32, torch.float32, torch.float64, torch.int64)
    tensors = {f"{i}.é\n{dtype}": torch.ones(i, 2, dtype=dtype)
        for i, dtype in enumerate(dtypes)}  # fmt: skip
    tensors["0"] = torch.tensor(3.0)
    write(tmp_path / "file", {"a": 'é"\x1b\u2028/'}, tensors)
    data = (tmp_path / "file").read_bytes()
    text = safetensors.safe_open(tmp_path / "file", "pt").metadata()["skvae"]
    assert safetensors.torch.save(tensors, {"skvae": text}) == data
    found = read(tmp_path / "file")[1]
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444])
def test_a_temporary_file_has_the_permissions_of_its_target(
    mode, model, path, monkeypatch
):
    seen, sync = [], os.fsync

    def spy(handle):
        found = os.fstat(handle).st_mode
        seen.append((stat.S_ISREG(found), found & 0o777))
        sync(handle)

    model.save(path)
    path.chmod(mode)
    monkeypatch.setattr(os, "fsync", spy)
    model.save(path)
    assert seen[0] == (True, mode)
    assert path.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_usual_permissions(model, path, tmp_path):
    (tmp_path / "usual").touch()
    model.save(path)
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_folder_is_synchronised_after_the_file_is_in_its_place(
    model, path, monkeypatch
):
    seen, sync, replace = [], os.fsync, os.replace

    def spy(handle):
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    monkeypatch.setattr(os, "replace", lambda *a: (seen.append("name"), replace(*a)))
    model.save(path)
    assert seen == ["file", "name", "folder"]


def test_a_folder_that_cannot_be_synchronised_is_no_error(model, path, monkeypatch):
    def fail(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError("not supported")

    monkeypatch.setattr(os, "fsync", fail)
    model.save(path)
    load(path)


def test_a_killed_save_leaves_nothing_for_long(model, path):
    """The child dies while it writes: its temporary file stays, without a lock."""
    model.save(path)
    child = os.fork()
    if child == 0:
        os.fsync = lambda handle: os._exit(9)
        model.save(path)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len([*path.parent.iterdir()]) == 2
    model.set_params(lr=0.5).save(path)
    assert [*path.parent.iterdir()] == [path]
    assert load(path).lr == 0.5


def test_a_file_that_another_save_is_writing_is_left_alone(model, path, monkeypatch):
    sync, other = os.fsync, path.with_name("other")

    def save_another(handle):
        monkeypatch.setattr(os, "fsync", sync)
        model.save(other)
        sync(handle)

    monkeypatch.setattr(os, "fsync", save_another)
    model.save(path)
    assert_same_answers(load(path), load(other), np.zeros((3, 64)))
