"""Loading takes little more memory and time than the file, whatever the file claims."""

import copy
import json
import os
import traceback

import pytest
import torch
from damage import CHANGES, relaid
from instances import small
from saved import changed_header

import skvae
from skvae import JMVAETransformer, MPVAETransformer, VAETransformer, load
from skvae.exceptions import SkvaeLoadWarning
from skvae.persistence import _optimizer_state, read, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(digits):
    return small(VAETransformer, n_components=3).fit(digits)


# -- the table of the tensors ----------------------------------------------------------


@pytest.mark.parametrize("change", CHANGES)
def test_only_one_table_is_accepted_for_the_same_contents(change, model, path):
    model.save(path)
    data = path.read_bytes()
    assert relaid(data, lambda table: None) == data
    changed = relaid(data, change)
    assert changed != data
    path.write_bytes(changed)
    with pytest.raises(ValueError, match=r"it is (damaged|incomplete|not)"):
        load(path)


def test_a_sparse_file_is_not_read(model, path, monkeypatch):
    model.save(path)
    os.truncate(path, 2**40)  # one TiB, of which a few kilobytes are on the disk
    with pytest.raises(ValueError, match="tensors do not end where it does"):
        load(path)


def test_a_flag_is_true_or_false(tmp_path):
    write(tmp_path / "file", {}, {"flag": torch.ones(8, dtype=torch.bool)})
    data = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(data[:-1] + b"\x02")
    with pytest.raises(ValueError, match="neither true nor false"):
        read(tmp_path / "file")


@pytest.mark.parametrize(
    ("item", "n"),
    [([], 60_000), ({"": 0}, 60_000), ({"@tuple": []}, 60_000), (257, 700_000)],
)
def test_a_text_of_many_small_objects_is_refused_before_it_is_parsed(
    item, n, model, path, monkeypatch
):
    model.save(path)
    header, tensors = read(path)
    changed = header | {"history": [item] * n}
    with pytest.raises(ValueError, match="everything but the tensors is too long"):
        write(path, changed, tensors)
    monkeypatch.setattr(skvae.persistence._layout, "check_table", lambda *args: None)
    write(path, changed, tensors)
    monkeypatch.undo()
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(ValueError, match="everything but the tensors is too long"):
        load(path)


def test_a_history_of_ten_thousand_epochs_can_be_saved(model, path):
    row = model.history_[-1]
    del model.history_[1:]
    model.history_.extend(copy.deepcopy(row) for _ in range(10_000))
    model.save(path)
    assert load(path).n_iter_ == 10_001


# -- what the header describes ---------------------------------------------------------


def recipe(*sizes):
    described = {"sizes": {"@tuple": sizes}, "batch_norm": False, "activation": "relu"}
    return {"encoder": {"@object": ["Dense", described]}}


LAYERS, PATHS = {"@tuple": [1] * 3000}, {"@tuple": [1] * 55}
BLOCKS = {"modalities": {"a": slice(0, 32), "b": slice(32, 64)}}
PATHWISE = ("n_components", "path_hidden_layer_sizes", "hidden_layer_sizes")
DESCRIBED = {
    "layers": (VAETransformer, {}, {"hidden_layer_sizes": LAYERS}),
    "of blocks": (
        JMVAETransformer,
        BLOCKS,
        {"hidden_layer_sizes": {"a": LAYERS, "b": LAYERS}},
    ),
    "of paths": (MPVAETransformer, {}, dict.fromkeys(PATHWISE, PATHS)),
    "of a recipe": (VAETransformer, {}, recipe(*[1] * 3000)),
    "wide": (VAETransformer, {}, recipe(20_000, 20_000)),
}


@pytest.mark.parametrize("described", DESCRIBED)
def test_no_more_is_built_than_the_file_has_weights_for(
    described, digits, path, monkeypatch
):
    cls, params, claimed = DESCRIBED[described]
    small(cls, **params).fit(digits).save(path)
    with changed_header(path) as header:
        header["parameters"] |= claimed
    built, reset = [], torch.nn.Linear.reset_parameters

    def spy(layer):
        built.append(0 if layer.weight.is_meta else layer.weight.numel())
        reset(layer)

    monkeypatch.setattr(torch.nn.Linear, "reset_parameters", spy)
    with pytest.raises(ValueError, match="its weights do not fit the network"):
        load(path)
    assert len(built) < 300
    assert sum(built) == 0  # all on the meta device, where tensors have no memory


def test_many_keys_of_one_hash_are_refused(model, path):
    model.save(path)
    keys = [[{"@tuple": [-1 - (i >> j & 1) for j in range(9)]}, 1] for i in range(512)]
    with changed_header(path) as header:
        header["parameters"]["net_params"] = {"@dict": keys}
    with pytest.raises(ValueError, match="keys that are not numbers or strings"):
        load(path)


def test_one_long_string_does_not_widen_an_array_of_many(model, path):
    model.save(path)
    strings = ["x" * 5000] + [""] * 5000  # 100 MB as an array
    with changed_header(path) as header:
        header["attributes"]["feature_names_in_"] = {"@strings": ["U", strings]}
    with pytest.raises(ValueError, match="array of strings that is too wide"):
        load(path)


@pytest.mark.parametrize(
    "net_params",
    [
        {"compile": True, "compile__options": {"cpp.cxx": {"@tuple": ["/bin/true"]}}},
        {"torch_load_kwargs": {"weights_only": False}},
        {"iterator_train": {"@class": "SGD"}},
        {"callbacks": "disable"},
    ],
    ids=str,
)
def test_a_file_cannot_set_what_may_run_programs(net_params, model, path):
    model.save(path)
    with changed_header(path) as header:
        header["parameters"]["net_params"] = net_params
    with pytest.raises(ValueError, match="net_params must not come from a file"):
        load(path)


def test_metadata_requests_of_a_file_are_checked(model, path):
    model.save(path)
    for requests in ({"nope": {}}, {"transform": {"nope": True}}, {"score": {"y": 1}}):
        with changed_header(path) as header:
            header["attributes"]["metadata_requests"] = requests
        with pytest.raises(ValueError, match="cannot be loaded"):
            load(path)


# -- messages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "key"),
    [("", "class"), ("versions", "skvae"), ("module", "dtype"), ("parameters", "lr")],
)
@pytest.mark.parametrize(
    "value",
    ["9\x1b[2J\nERROR forged line", "\u202eabc", "y" * 10**5],
    ids=["escape", "direction", "length"],
)
def test_values_in_messages_are_cut_and_escaped(part, key, value, model, path):
    model.save(path)
    with changed_header(path) as header:
        (header[part] if part else header)[key] = value
    with pytest.raises(ValueError, match="cannot be loaded") as found:
        load(path)
    shown = "".join(traceback.format_exception(found.value))
    assert str(found.value).isprintable()
    assert len(str(found.value)) < 600
    assert value not in shown


def test_a_version_is_reported_only_once_the_file_is_checked(model, path):
    model.save(path)
    with changed_header(path) as header:
        header["versions"]["skvae"] = "0.0.7"
        header["parameters"]["lr"] = -1.0
    with pytest.raises(ValueError, match="'lr'"):
        load(path)
    with changed_header(path) as header:
        header["parameters"]["lr"] = 0.25
    with pytest.warns(SkvaeLoadWarning, match=r"0\.0\.7"):
        assert load(path).lr == 0.25


def test_training_states_are_compared_one_parameter_at_a_time(model, path, monkeypatch):
    """A copy of all parameters, gradients and moments takes four times their memory."""
    model.save(path, training_state=True)
    state_of, sizes = _optimizer_state.state_after_a_step, []

    def spy(optimizer, parameter):
        state = state_of(optimizer, parameter)
        sizes.append(sum(value.numel() for value in state.values()))
        return state

    monkeypatch.setattr(_optimizer_state, "state_after_a_step", spy)
    other = load(path)
    assert sizes == [2 * p.numel() + 1 for p in other.module_.parameters()]
