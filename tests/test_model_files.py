"""Model files are written completely or not at all, and refused if incomplete."""

import errno
import os
import resource
import sys

import hostile_files
import numpy as np
import pytest
import safetensors.torch
import torch
from damage import table_of_contents
from instances import small
from saved import assert_same_answers, changed_header

import skvae
from skvae import VAETransformer, load
from skvae.exceptions import SkvaeLoadWarning
from skvae.persistence import read, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(digits):
    return small(VAETransformer, n_components=3).fit(digits)


def files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file(step, error, model, path, monkeypatch):
    def fail(*args):
        raise error

    model.save(path)
    before = files(path.parent)
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        model.set_params(lr=0.5).save(path)
    assert files(path.parent) == before


def test_a_full_disk_leaves_the_old_file(model, path):
    model.save(path)
    before = files(path.parent)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            model.set_params(lr=0.5).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(path.parent) == before


def test_a_link_and_the_permissions_of_the_old_file_are_kept(model, path, tmp_path):
    model.save(path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    model.set_params(lr=0.5).save(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path).lr == 0.5


def test_a_missing_folder_is_named(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.save(tmp_path / "nowhere" / "model")


def test_a_folder_is_not_replaced(model, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        model.save(tmp_path / "folder")
    assert files(tmp_path / "folder") == {}
    assert len(list(tmp_path.iterdir())) == 1


def test_too_long_a_history_cannot_be_saved(model, path, monkeypatch):
    monkeypatch.setattr(skvae.persistence._layout, "LIMIT", 1000)
    with pytest.raises(ValueError, match="shorten the history"):
        model.save(path)
    assert not path.exists()


def test_a_path_that_is_not_a_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")
    with pytest.raises((IsADirectoryError, PermissionError)):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="it is not a file"):
        load(tmp_path / "pipe")
    with pytest.raises(ValueError, match="it is not a file"):
        load("/dev/zero")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_refused(model, path):
    model.save(path)
    path.chmod(0)
    with pytest.raises(PermissionError):
        load(path)


def test_another_version_warns_and_names_both(model, path, digits):
    model.save(path)
    with changed_header(path) as header:
        header["versions"]["skvae"] = "0.0.7"
    with pytest.warns(SkvaeLoadWarning, match=f"0.0.7 .*{skvae.__version__}") as found:
        other = load(path)
    assert found[0].filename == __file__
    assert_same_answers(model, other, digits)


def test_an_older_format_warns_and_a_newer_one_is_refused(model, path, monkeypatch):
    model.save(path)
    for module in (skvae.persistence._file, skvae._loading):
        monkeypatch.setattr(module, "FORMAT", 2)
    with pytest.warns(SkvaeLoadWarning, match=r"format 1\).*format 2\)"):
        load(path)
    model.save(path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"format is 2, but .* reads at most 1"):
        load(path)


# -- hostile files ---------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_a_hostile_file_is_refused_or_loads_a_working_model(path):
    """benchmarks/fuzz_persistence.py tries ten thousand of these files."""
    seen = set()
    for number, (label, must_refuse, make) in enumerate(hostile_files.cases(200)):
        make(path)
        try:
            seen.add((label, hostile_files.verdict(load, path, must_refuse)))
        except Exception as error:
            pytest.fail(f"case {number}, {label}: {type(error).__name__}: {error}")
    assert {verdict for _, verdict in seen} == {"refused", "works"}


def test_the_undamaged_files_load(path):
    for data, _, _ in hostile_files.originals():
        path.write_bytes(data)
        load(path)


def test_every_flipped_bit_of_the_header_is_detected(model, path):
    model.save(path)
    data = path.read_bytes()
    length = 8 + int.from_bytes(data[:8], "little")
    random = np.random.default_rng(0)
    for place in random.choice(length, 300, replace=False):
        changed = bytearray(data)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="cannot be loaded"):
            load(path)


def test_even_a_harmless_change_of_the_header_is_detected(model, path):
    model.save(path)
    data = path.read_bytes()
    text = table_of_contents(data)["__metadata__"]["skvae"]
    tensors = safetensors.torch.load(data)
    path.write_bytes(safetensors.torch.save(tensors, {"skvae": text}))
    load(path)
    text = text.replace(",", ", ")
    path.write_bytes(safetensors.torch.save(tensors, {"skvae": text}))
    with pytest.raises(ValueError, match="header is not as skvae writes it"):
        load(path)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("parameters", {"lr": -1.0}, "The 'lr' parameter .* must be a float"),
        ("parameters", {"more": 1}, "its parameters are not those of"),
        ("parameters", {"optimizer": {"@class": "Popen"}}, "Popen"),
        ("attributes", {"_seed": -1}, "its _seed must be an int in the range"),
        ("attributes", {"fit": 1}, "its attributes are not those of"),
        ("attributes", {"n_iter_": 3}, "its history does not have 3 epochs"),
        ("attributes", {"n_features_in_": 63}, "learned 64 columns, not 63"),
        (
            "attributes",
            {"feature_names_in_": {"@strings": ["O", ["a"]]}},
            "one per col",
        ),
        ("attributes", {"_sklearn_output_config": {"transform": 1}}, "cannot be set"),
        ("module", {"kl_weight": 2}, "its kl_weight is 2"),
        ("module", {"dtype": "int64"}, "its dtype is 'int64'"),
    ],
    ids=str,
)
def test_invalid_values_are_named(part, values, message, model, path):
    model.save(path)
    with changed_header(path) as header:
        header[part] |= values
    with pytest.raises(ValueError, match=message):
        load(path)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_components": 10**6, "hidden_layer_sizes": {"@tuple": [10**6, 10**6]}},
        {"n_components": 2**40},
        {"hidden_layer_sizes": {"@tuple": [2**20] * 3}},
        {"prior": {"@object": ["VampPrior", {"n_pseudo_inputs": 10**11}]}},
    ],
    ids=str,
)
def test_huge_shapes_are_refused_before_memory_is_allocated(parameters, model, path):
    model.save(path)
    with changed_header(path) as header:
        header["parameters"] |= parameters
    with pytest.raises(ValueError, match="its weights do not fit the network"):
        load(path)


def test_too_many_layers_are_refused_before_any_is_built(model, path):
    model.save(path)
    with changed_header(path) as header:
        header["parameters"]["hidden_layer_sizes"] = {"@tuple": [1] * 10**5}
    with pytest.raises(ValueError, match="15 weights are too few"):
        load(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"module.encoder.0.bias": torch.full((16,), torch.nan)}, "is not finite"),
        ({"module.encoder.0.bias": torch.zeros(17)}, "encoder.0.bias differ"),
        ({"module.encoder.0.bias": torch.zeros(16).double()}, "encoder.0.bias differ"),
        ({"module.more": torch.zeros(1)}, "more differ"),
        ({"more": torch.zeros(1)}, "superfluous tensors: .'more'"),
    ],
)
def test_tensors_must_match_the_network(tensors, message, model, path):
    model.save(path)
    header, saved = read(path)
    del header["format"]
    write(path, header, saved | tensors)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_loading_executes_nothing(path):
    events = []
    sys.addaudithook(lambda name, _: watching and events.append(name))
    watching = False
    hostile_files.models()[0].save(path, training_state=True)
    load(path)  # triggers what torch and others import on first use
    watching = True
    load(path)
    watching = False
    assert "open" in events
    # ("compile" is expected: inspect.signature parses signatures of built-in types.)
    assert not {"exec", "import", "pickle.find_class", "os.system"} & set(events)
