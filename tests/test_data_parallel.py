"""Two processes that train together end with the model that one process ends with."""

import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skvae import VAETransformer

pytest.importorskip("accelerate")
import data_parallel
from accelerate import Accelerator

CASES = data_parallel.cases()
REFUSED = {"MCEMTransformer-small", "TaskInvariantVAETransformer-small"}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What both processes have found, by estimator."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    places["PYTHONPATH"] = str(Path(__file__).parents[1])
    command = [sys.executable, data_parallel.__file__, str(folder)]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ | places | {"RANK": str(i), "LOCAL_RANK": str(i)},
        )
        for i in range(2)
    ]
    assert [process.wait(timeout=500) for process in processes] == [0, 0]
    return [pickle.loads((folder / f"{i}.pickle").read_bytes()) for i in range(2)]


@pytest.mark.parametrize("name", sorted(CASES.keys() - REFUSED))
def test_all_processes_end_with_the_model_of_one(found, name):
    (first, alone), (second,) = found[0][name], found[1][name]
    np.testing.assert_array_equal(first[0], second[0])
    if name in data_parallel.OWN_DROPOUT:
        return
    np.testing.assert_allclose(first[0], alone[0], rtol=1e-6, atol=1e-8)
    for row, other, reference in zip(first[1], second[1], alone[1], strict=True):
        for key in reference.keys() - {"seconds"}:
            assert row[key] == other[key]
            assert row[key] == pytest.approx(reference[key], rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_state_per_row_is_refused(found, name):
    for process in found:
        assert "keeps state of each row" in process[name][0]


def test_only_an_accelerator_without_other_tasks_is_allowed(digits):
    with pytest.raises(ValueError, match=r"must be an accelerate\.Accelerator\. Got 3"):
        VAETransformer(net_params={"accelerator": 3}).fit(digits)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match="gradient_accumulation_steps=1"):
        VAETransformer(net_params={"accelerator": accelerator}).fit(digits)


def test_one_process_is_the_model_without_an_accelerator(digits):
    settings = {"max_epochs": 1, "random_state": 0, "hidden_layer_sizes": (8,)}
    model = VAETransformer(1, net_params={"accelerator": Accelerator(cpu=True)})
    Z = pickle.loads(pickle.dumps(model.set_params(**settings).fit(digits)))
    alone = VAETransformer(1, net_params={"fast_path": False}, **settings).fit(digits)
    np.testing.assert_array_equal(Z.transform(digits), alone.transform(digits))
