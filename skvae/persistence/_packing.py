"""Convert Python values to JSON and tensors, and back.

Values that JSON has are written unchanged. Any other becomes an object with one key,
which is "@" and its kind: ``(1, None)`` becomes ``{"@tuple": [1, null]}``.
"""

import math

import numpy as np
import torch

from skvae._kinds import cut

SCALARS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "str"),
)
# Arrays are stored as tensors; not all versions of torch and safetensors have unsigned
# ones.
ARRAYS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8"),
    *("float16", "float32", "float64"),
)
INT_LIMIT = 2**64
KEYS = (str, int, float, type(None))  # many tuples can have one hash
WIDE = 4_000_000  # characters that padding may add to an array of str


class NotPlainError(ValueError):
    """A value is not plain data and cannot be saved."""


class Packer:
    """Convert plain values to JSON and tensors.

    Plain values are None, bools, numbers, strings, lists, tuples, dicts, slices, arrays
    of numbers or strings, tensors, torch devices, RandomStates, and the given classes
    and their instances: objects with ``get_params``, of which only the parameters are
    kept. Instances of subclasses are not plain, as their class would be lost.

    Parameters
    ----------
    classes : dict of str to type, optional
        Allowed classes.

    Attributes
    ----------
    tensors : dict of str to Tensor
        The tensors found so far, named by their path.
    """

    def __init__(self, classes=None):
        self.classes = classes or {}
        self.tensors = {}

    def pack(self, value, path):
        """Convert a value to JSON.

        Parameters
        ----------
        value : object
            The value.
        path : str
            Its path, for the names of tensors and for messages.

        Raises
        ------
        NotPlainError
            If it is not plain.
        """
        if value is None or type(value) in (bool, str):
            return value
        if type(value) in _PACK:
            return _PACK[type(value)](self, value, path)
        if isinstance(value, np.generic) and _scalar_name(value) in SCALARS:
            return {"@numpy": [_scalar_name(value), self.pack(value.item(), path)]}
        if self._knows(value):
            return {"@class": value.__name__}
        if self._knows(type(value)):
            return self._object(value, path)
        raise NotPlainError(
            f"{path} cannot be saved, as it is not plain data: {cut(value)}"
        )

    def _knows(self, cls):
        return isinstance(cls, type) and self.classes.get(cls.__name__) is cls

    def _int(self, value, path):
        if abs(value) >= INT_LIMIT:
            raise NotPlainError(f"{path} is too large: {cut(value)}")
        return value

    def _float(self, value, path):
        return value if math.isfinite(value) else {"@float": repr(value)}

    def _list(self, values, path):
        return [self.pack(value, f"{path}.{i}") for i, value in enumerate(values)]

    def _tuple(self, values, path):
        return {"@tuple": self._list(values, path)}

    def _dict(self, values, path):
        if all(type(key) is str and not key.startswith("@") for key in values):
            return {key: self.pack(v, f"{path}.{key}") for key, v in values.items()}
        if not all(isinstance(key, KEYS) for key in values):
            raise NotPlainError(f"{path} has keys that are not numbers or strings")
        return {"@dict": self._list(map(list, values.items()), path)}

    def _slice(self, value, path):
        return {"@slice": self._list((value.start, value.stop, value.step), path)}

    def _device(self, value, path):
        return {"@device": str(value)}

    def _array(self, value, path):
        if value.dtype.kind in "OU":
            return {"@strings": self._strings(value, path)}
        if value.dtype.name not in ARRAYS:
            raise NotPlainError(f"{path} is an array of {value.dtype}")
        native = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
        return {"@array": self._keep(torch.from_numpy(native), path)}

    def _strings(self, value, path):
        strings = value.tolist()
        if value.ndim != 1 or not all(isinstance(s, str) for s in strings):
            raise NotPlainError(f"{path} is an array of objects, not of strings only")
        return [value.dtype.kind, strings]

    def _tensor(self, value, path):
        return {"@tensor": self._keep(value, path)}

    def _keep(self, tensor, path):
        while path in self.tensors:  # {"a.b": t, "a": {"b": t}}
            path += "_"
        self.tensors[path] = tensor
        return path

    def _random_state(self, value, path):
        state = value.get_state(legacy=False)
        if state["bit_generator"] != "MT19937":
            raise NotPlainError(f"{path} has the generator {state['bit_generator']}")
        words, position = state["state"]["key"].tolist(), int(state["state"]["pos"])
        return {"@RandomState": [words, position, state["has_gauss"], state["gauss"]]}

    def _object(self, value, path):
        parameters = self._dict(value.get_params(deep=False), path)
        return {"@object": [type(value).__name__, parameters]}


_PACK = {
    int: Packer._int,
    float: Packer._float,
    list: Packer._list,
    tuple: Packer._tuple,
    dict: Packer._dict,
    slice: Packer._slice,
    np.ndarray: Packer._array,
    np.random.RandomState: Packer._random_state,
    torch.Tensor: Packer._tensor,
    torch.device: Packer._device,
}


def _scalar_name(value):
    return "str" if isinstance(value, np.str_) else value.dtype.name


def is_plain(value, classes=None):
    """Return whether `Packer` can pack a value."""
    try:
        Packer(classes).pack(value, "value")
    except NotPlainError:
        return False
    return True


class Unpacker:
    """Convert JSON and tensors back to values; each tensor is used once.

    As the JSON can contain anything, errors can be of any type; see `refusing`.

    Parameters
    ----------
    classes : dict of str to type
        Allowed classes.
    tensors : dict of str to Tensor
        The tensors that `Packer` found.

    Attributes
    ----------
    tensors : dict of str to Tensor
        The tensors that have not been used yet.
    """

    def __init__(self, classes, tensors):
        self.classes, self.tensors = classes, dict(tensors)

    def unpack(self, packed):
        """Convert JSON to a value."""
        if isinstance(packed, list):
            return [self.unpack(item) for item in packed]
        if isinstance(packed, int) and abs(packed) >= INT_LIMIT:
            raise ValueError("it contains a number that is too large.")
        if not isinstance(packed, dict):
            return packed
        tags = [key for key in packed if key.startswith("@")]
        if not tags:
            return {key: self.unpack(value) for key, value in packed.items()}
        if len(packed) > 1 or tags[0] not in _UNPACK:
            raise ValueError(f"it contains a value of an unknown kind, {tags[0]}.")
        return _UNPACK[tags[0]](self, packed[tags[0]])

    def take(self, name):
        """Return a tensor and remove it from `tensors`."""
        if name not in self.tensors:
            raise ValueError(f"it lacks the tensor {name!r}, or uses it twice.")
        return self.tensors.pop(name)

    def _tuple(self, packed):
        return tuple(self.unpack(packed))

    def _dict(self, packed):
        pairs = self.unpack(packed)
        if not all(isinstance(key, KEYS) for key, _ in pairs):
            raise ValueError("it contains keys that are not numbers or strings.")
        return dict(pairs)

    def _slice(self, packed):
        start, stop, step = self.unpack(packed)
        return slice(start, stop, step)

    def _float(self, packed):
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[packed]

    def _device(self, packed):
        return torch.device(packed)

    def _scalar(self, packed):
        name, value = self.unpack(packed)
        if name not in SCALARS or not isinstance(value, bool | int | float | str):
            raise ValueError(f"it contains a numpy scalar of an unknown kind, {name}.")
        return np.dtype(name).type(value)

    def _array(self, packed):
        return self.take(packed).numpy().copy()

    def _strings(self, packed):
        kind, strings = packed
        if kind not in ("O", "U") or not all(isinstance(s, str) for s in strings):
            raise ValueError(
                "it contains an array of strings that are not all strings."
            )
        lengths = [len(s) for s in strings]
        if kind == "U" and max([0, *lengths]) * len(lengths) > WIDE + 8 * sum(lengths):
            raise ValueError("it contains an array of strings that is too wide.")
        return np.array(strings, dtype=kind)

    def _random_state(self, packed):
        key, position, has_gauss, cached = self.unpack(packed)
        words = np.array(key, dtype=np.uint32)
        # At a wrong position numpy would read beyond the words.
        if words.shape != (624,) or not 0 <= position <= 624 or has_gauss not in (0, 1):
            raise ValueError("it contains an invalid RandomState.")
        random = np.random.RandomState()
        random.set_state(("MT19937", words, int(position), has_gauss, float(cached)))
        return random

    def _class(self, packed):
        return self.classes[packed]

    def _object(self, packed):
        name, parameters = packed
        return self.classes[name](**self.unpack(parameters))


_UNPACK = {
    "@array": Unpacker._array,
    "@class": Unpacker._class,
    "@device": Unpacker._device,
    "@dict": Unpacker._dict,
    "@float": Unpacker._float,
    "@numpy": Unpacker._scalar,
    "@object": Unpacker._object,
    "@RandomState": Unpacker._random_state,
    "@slice": Unpacker._slice,
    "@strings": Unpacker._strings,
    "@tensor": Unpacker.take,
    "@tuple": Unpacker._tuple,
}
