"""One head for all parts of a mixed table that are of one family.

A head per part costs as many small operations as there are parts. Columns that are
independent given z do not need one, so parts of equal families are joined.
"""

import numpy as np
import torch
from sklearn.base import clone
from torch.nn import functional

from skvae.distributions._discrete import OneHot
from skvae.distributions._heads import Head


def groups_of(parts):
    """Return which parts share a head, as lists of their numbers, in order."""
    groups = {}
    for i, part in enumerate(parts):
        own = type(part).__module__.partition(".")[0] == "skvae"
        key = (type(part), repr(clone(part))) if own and part.joinable else i
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def head_of(parts, n_hidden):
    """Return one head for parts of the same family."""
    if len(parts) == 1:
        return parts[0].head(n_hidden)
    if parts[0].one_variable:
        return OneHotsHead(n_hidden, [part.mean_ for part in parts])
    return joined(parts).head(n_hidden)


def joined(parts):
    """Return a likelihood that has learned what the parts have, side by side."""
    whole = clone(parts[0])
    for name in dict.fromkeys(n for part in parts for n in vars(part)):
        if name.endswith("_"):
            setattr(whole, name, _joined([vars(p).get(name) for p in parts], parts))
    return whole


def _joined(values, parts):
    if any(isinstance(value, bool) for value in values):
        return any(values)
    if any(value is None for value in values):  # flags of columns, if there are any
        none = [np.zeros(part.n_columns_, dtype=bool) for part in parts]
        pairs = zip(values, none, strict=True)
        values = [other if value is None else value for value, other in pairs]
    if isinstance(values[0], int):
        return sum(values)
    if isinstance(values[0], list):
        return [item for value in values for item in value]
    return np.concatenate(values)


def join_weights(weights, groups, prefix, names):
    """Return weights of older files, which had one head per part, for joined heads.

    Parameters
    ----------
    weights : dict of str to Tensor
        All weights of a file.
    groups : list of list of int
        Which parts share a head.
    prefix : str
        Path of the heads, such as "module.head.heads.".
    names : list of set of str
        Names of the tensors of each head.

    Returns
    -------
    dict of str to Tensor
    """
    n_parts = sum(map(len, groups))
    is_old = any(key.startswith(f"{prefix}{n_parts - 1}.") for key in weights)
    if n_parts == len(groups) or not is_old:
        return weights
    rest = {k: v for k, v in weights.items() if not k.startswith(prefix)}
    for g, (parts, its) in enumerate(zip(groups, names, strict=True)):
        for name in its:
            pieces = [weights[f"{prefix}{i}.{name}"] for i in parts]
            rest[f"{prefix}{g}.{name}"] = _stacked(pieces)
    return rest


def _stacked(pieces):
    """Concatenate tensors along their rows; tables of levels are padded by NaN."""
    if pieces[0].ndim == 2 and len({piece.shape[1] for piece in pieces}) > 1:
        width = max(piece.shape[1] for piece in pieces)
        pieces = [
            functional.pad(piece, (0, width - piece.shape[1]), value=torch.nan)
            for piece in pieces
        ]
    return torch.cat(pieces)


class OneHotsHead(Head):
    """h -> logits of several one-hot variables, starting at their frequencies."""

    def __init__(self, n_hidden, frequencies):
        sizes = [len(frequency) for frequency in frequencies]
        super().__init__(n_hidden, sum(sizes), sum(sizes))
        share = np.concatenate(frequencies)
        self.start_at(np.log(np.maximum(share, 1e-4)))
        # Where each category is among the logits, (V, L); one past the last if a
        # variable has fewer. And where each logit is there, flat.
        place = np.full((len(sizes), max(sizes)), sum(sizes))
        for v, size in enumerate(sizes):
            place[v, :size] = np.arange(size) + sum(sizes[:v])
        inside = np.flatnonzero(place < sum(sizes))
        self.register_buffer("place", torch.as_tensor(place), persistent=False)
        self.register_buffer("inside", torch.as_tensor(inside), persistent=False)

    def forward(self, h):
        return OneHots(self.linear(h), self.place, self.inside)


class OneHots(OneHot):
    """Several variables side by side, each one-hot.

    Parameters
    ----------
    logits : Tensor of shape (..., B, D)
        Log-probabilities, up to an additive constant per row and variable.
    place : Tensor of int of shape (V, L)
        Columns of each variable; D where a variable has fewer than L.
    inside : Tensor of int of shape (D,)
        Where each column is in the flattened `place`.
    """

    def __init__(self, logits, place, inside):
        self._place, self._inside = place, inside
        by_variable = self._by_variable(logits)
        self.log_probabilities = self._flat(by_variable.log_softmax(-1))  # (..., B, D)

    def _by_variable(self, values):
        """(..., B, D) -> (..., B, V, L), −∞ where a variable has fewer."""
        return functional.pad(values, (0, 1), value=-torch.inf)[..., self._place]

    def _flat(self, values):
        return values.flatten(-2)[..., self._inside]

    def typical(self, statistic):
        by_variable = self._by_variable(statistic)
        best = by_variable.argmax(-1)
        one_hot = functional.one_hot(best, by_variable.shape[-1])
        return self._flat(one_hot).to(statistic.dtype)
