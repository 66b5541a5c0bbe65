"""Files forged by someone who knows the format: each function edits one in place."""

import copy
import math

import torch


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


VALUES = (
    *(None, True, False, -1, 0, 1, 2, 7, 2**31, 2**53, 2**63, 2**64, 10**40, -(2**63)),
    *(0.5, -0.5, 1e300, 1e-300, "", "a", "1", "é", "\ud800", "x" * 5000),
    *("cuda", "cuda:7", "meta", "mps", "xla", "lazy", "mkldnn", "privateuseone", "gpu"),
    *("float16", "__import__('os').abort()", "os.abort", "bernoulli", "codes", "vamp"),
    *("VAETransformer", "AETransformer", "BaseVAETransformer", "Pipeline"),
    *(
        [],
        [[]],
        [0],
        [2**62],
        ["a"],
        [None],
        list(range(50)),
        [10**9] * 3,
        {},
        {"a": 1},
    ),
    *([["gaussian", []]] * 1000, nested(50), {"": {}}, {"@": 1}, {"@tuple": 3}),
    {"@tuple": [10**9, 10**9]},
    {"@tuple": [100_000] * 3},
    {"@tuple": [3] * 100_000},
    {"@float": "nan"},
    {"@float": "inf"},
    {"@float": 3},
    {"@dict": [[[], 1]]},
    {"@dict": [[1, 2], [None, 3]]},
    {"@slice": [0, 5, None]},
    {"@slice": [0]},
    {"@device": "meta"},
    {"@device": "cuda"},
    {"@device": "no such device"},
    {"@numpy": ["int8", 1000]},
    {"@numpy": ["float64", 0.1]},
    {"@numpy": ["object", 0]},
    {"@numpy": ["str", "relu"]},
    {"@strings": ["O", ["a"]]},
    {"@strings": ["U", [1]]},
    {"@strings": ["V", ["a"]]},
    {"@RandomState": [[0] * 624, 625, 0, 0.0]},
    {"@RandomState": [[0] * 624, -1, 0, 0.0]},
    {"@RandomState": [[2**40] * 624, 0, 0, 0.0]},
    {"@RandomState": [[1], 0, 0, 0.0]},
    {"@RandomState": [[1] * 624, 0, 0, {"@float": "nan"}]},
    {"@class": "SGD"},
    {"@class": "Gaussian"},
    {"@class": "os.system"},
    {"@object": ["Gaussian", {}]},
    {"@object": ["Gaussian", {"scale": -1.0}]},
    {"@object": ["Gaussian", {"fit": 1}]},
    {"@object": ["Gaussian", {"__class__": 1}]},
    {"@object": ["Mixed", {"parts": []}]},
    {"@object": ["Mixed", {"parts": [1, "ab", ["gaussian", 3]]}]},
    {"@object": ["VampPrior", {"n_pseudo_inputs": 10**12}]},
    {"@object": ["VampPrior", {"n_pseudo_inputs": 10**6}]},
    {"@object": ["VampPrior", {"n_pseudo_inputs": "a"}]},
    {"@object": ["SGD", {"params": [], "lr": 1}]},
    {"@object": ["Popen", {"args": "true"}]},
    {"@array": "no such tensor"},
    {"@array": "module.head.heads.0.linear.weight"},
    {"@array": "attributes.likelihood_.columns_.0"},
    {"@array": []},
    {"@tensor": "attributes.likelihood_.columns_.1"},
    {"@pickle": "gASVAA=="},
)
SHAPES = ((0,), (1,), (2,), (3, 0), (8, 8), (1, 1, 1), (1000,), (4, 4))
TYPES = (torch.float32, torch.float64, torch.int64, torch.bool, torch.float16)


def places(node):
    """List every (container, key) of a JSON tree."""
    keys = node if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from places(node[key])


def choose_place(random, header, wanted=lambda node, key: True):
    """Choose a place; each top-level entry is equally likely, however deep it is."""
    found = []
    while not found:
        top = list(header)[random.integers(len(header))]
        found = [(header, top)]
        if isinstance(header[top], dict | list):
            found += places(header[top])
        found = [place for place in found if wanted(*place)]
    return found[random.integers(len(found))]


def replaced(random, header, tensors):
    node, key = choose_place(random, header)
    node[key] = copy.deepcopy(VALUES[random.integers(len(VALUES))])


def deleted(random, header, tensors):
    node, key = choose_place(random, header)
    del node[key]


def renamed(random, header, tensors):
    node, key = choose_place(random, header, lambda node, key: isinstance(node, dict))
    names = ("fit", "", "@", "__class__", "net_", key + "_")
    node[names[random.integers(len(names))]] = node.pop(key)


def exchanged(random, header, tensors):
    (one, i), (two, j) = choose_place(random, header), choose_place(random, header)
    one[i], two[j] = copy.deepcopy(two[j]), copy.deepcopy(one[i])


def repeated(random, header, tensors):
    node, key = choose_place(random, header, lambda node, key: type(node[key]) is list)
    node[key] = (node[key] or [0]) * int(random.integers(2, 200))


def other_tensor(random, header, tensors):
    name = list(tensors)[random.integers(len(tensors))]
    shape = SHAPES[random.integers(len(SHAPES))]
    value = (math.nan, math.inf, -1.0, 0.0, 1.0, 2.0**62)[random.integers(6)]
    dtype = TYPES[random.integers(len(TYPES))]
    tensors[name] = torch.full(shape, value, dtype=torch.float64).to(dtype)


def other_values(random, header, tensors):
    name = list(tensors)[random.integers(len(tensors))]
    value = (math.nan, math.inf, -1.0, 0.0, 1e30)[random.integers(5)]
    tensors[name] = torch.full_like(tensors[name].double(), value).to(
        tensors[name].dtype
    )


def lost_tensor(random, header, tensors):
    del tensors[list(tensors)[random.integers(len(tensors))]]


def added_tensor(random, header, tensors):
    name = ("more", "module.more", "module.", "attributes.likelihood_.mean_", "")
    tensors[name[random.integers(5)]] = torch.ones(2)


def renamed_tensor(random, header, tensors):
    one, two = random.choice(list(tensors), 2, replace=False)
    tensors[one], tensors[two] = tensors[two], tensors[one]


def of_huge_shape(random, header, tensors):
    size = int(10 ** random.integers(4, 19))
    parameters = header["parameters"]
    choice = random.integers(5)
    if choice == 0:
        parameters["n_components"] = size
    elif choice == 1:
        parameters["hidden_layer_sizes"] = {
            "@tuple": [size] * int(random.choice([2, 9]))
        }
    elif choice == 2:
        header["attributes"]["n_features_in_"] = size
    elif choice == 3:
        header["attributes"]["likelihood_"]["n_columns_"] = size
    else:
        parameters["prior"] = {"@object": ["VampPrior", {"n_pseudo_inputs": size}]}


def bomb(random, header, tensors):
    """Ask for much more than the file holds: layers, widths, objects, programs."""
    n, parameters = int(10 ** random.uniform(1, 4)), header["parameters"]
    layers = {"@tuple": [1] * n}
    choice = random.integers(9)
    if choice == 0:
        parameters["hidden_layer_sizes"] = layers
    elif choice == 1:
        parameters["encoder"] = _recipe("sizes", [1] * n)
    elif choice == 2:
        parameters["encoder"] = _recipe("sizes", [10 * n, 10 * n])
    elif choice == 3:
        parameters["likelihood"] = [{"@tuple": ["gaussian-unit", []]}] * min(n, 2000)
    elif choice == 4:
        strings = ["x" * n] + [""] * n
        header["attributes"]["feature_names_in_"] = {"@strings": ["U", strings]}
    elif choice == 5:
        keys = [{"@tuple": [-1 - (i >> j & 1) for j in range(12)]} for i in range(500)]
        parameters["net_params"] = {"@dict": [[key, 1] for key in keys]}
    elif choice == 6:
        parameters["net_params"] = {"compile": True, "compile__backend": "eager"}
    elif choice == 7:
        header["history"] = [VALUES[random.integers(len(VALUES))]] * min(n, 1000)
    else:
        header[list(header)[random.integers(len(header))]] = "\x1b[2J" + "y" * 10 * n


def _recipe(name, sizes):
    settings = {name: {"@tuple": sizes}, "batch_norm": False, "activation": "relu"}
    return {"@object": ["Dense", settings]}


FORGERIES = (
    *(replaced, replaced, replaced, deleted, renamed, exchanged, repeated),
    *(other_tensor, other_values, lost_tensor, added_tensor, renamed_tensor),
    *(of_huge_shape, bomb),
)
