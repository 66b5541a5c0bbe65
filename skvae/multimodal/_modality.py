"""Networks of one modality, and networks that join several."""

import torch
from torch import nn

from skvae.distributions import Normal, Product, inputs
from skvae.nets import LocScale, over_rows


class Modality(nn.Module):
    """Encoder, decoder and likelihood of one block of columns.

    Parameters
    ----------
    name : str
        Its name.
    encoder : torch.nn.Module
        (B, n_features) -> (B, h).
    n_hidden : int
        h.
    decoder : torch.nn.Module
        (B, K) -> (B, h').
    head : torch.nn.Module
        h' -> p(x_m | z), the head of a `Likelihood`.
    columns : ndarray of int
        Positions in the table.
    """

    def __init__(self, name, encoder, n_hidden, decoder, head, columns):
        super().__init__()
        self.name, self.n_hidden = name, n_hidden
        self.encoder, self.decoder, self.head = encoder, decoder, head
        # Not persistent, as the weights in a file must not set the columns.
        self.register_buffer("columns", torch.as_tensor(columns), persistent=False)

    def inputs(self, x, seen=None):
        """Return the encoder's input for the block, (B, D) -> (B, n_inputs)."""
        cells = None if seen is None else seen[..., self.columns]
        return inputs(self.head, x[..., self.columns], cells)

    def likelihood(self, z):
        """p(x_m | z)."""
        return self.head(over_rows(self.decoder, z))


class Modalities(nn.ModuleList):
    """All modalities of a table: p(x | z) = Π_m p(x_m | z), and features for q."""

    @property
    def names(self):
        """Names of the modalities, in order."""
        return [modality.name for modality in self]

    @property
    def n_hidden(self):
        """Width of what `encode` returns, Σ h."""
        return sum(modality.n_hidden for modality in self)

    def likelihood(self, z, observed=None):
        """p(x | z) over all columns; only observed blocks count."""
        blocks = [(modality.likelihood(z), modality.columns) for modality in self]
        return Product(blocks, observed)

    def inputs(self, x, observed=None, seen=None):
        """Return the encoders' input for each block, zeros if it is not observed."""
        features = [modality.inputs(x, seen) for modality in self]
        if observed is None:
            return features
        blocks = observed.unsqueeze(-1).unbind(-2)  # M of (B, 1)
        return [torch.where(b, f, 0) for b, f in zip(blocks, features, strict=True)]

    def encode(self, x, observed=None, seen=None):
        """Return the outputs of all encoders side by side, (B, Σ h)."""
        features = self.inputs(x, observed, seen)
        pairs = zip(self, features, strict=True)
        return torch.cat([modality.encoder(f) for modality, f in pairs], -1)

    def columns_of(self, flags):
        """Convert one flag per modality, (B, M), to one flag per column, (B, D)."""
        n_columns = sum(len(modality.columns) for modality in self)
        out = flags.new_empty((len(flags), n_columns))
        for modality, flag in zip(self, flags.unbind(-1), strict=True):
            out[:, modality.columns] = flag[:, None]
        return out


class ToNormal(nn.Sequential):
    """h -> body -> N(μ, diag σ²).

    Parameters
    ----------
    body : torch.nn.Module
        (B, h) -> (B, h').
    n_hidden : int
        h'.
    n_components : int
        Number of latents.
    """

    def __init__(self, body, n_hidden, n_components):
        super().__init__(body, LocScale(n_hidden, n_components))

    @property
    def loc_scale(self):
        """The last layer."""
        return self[-1]

    def forward(self, h):
        return Normal(*super().forward(h))


class Ladder(nn.Module):
    """q(z_1, ..., z_L | x) = Π_l q(z_l | x), each layer from a chain h_1, ..., h_L.

    Parameters
    ----------
    bodies : list of torch.nn.Module
        h_{l−1} -> h_l, the first from the outputs of the modalities' encoders.
    sizes : list of int
        Widths of h_1, ..., h_L.
    widths : sequence of int
        K_1, ..., K_L.
    """

    def __init__(self, bodies, sizes, widths):
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.heads = nn.ModuleList(
            ToNormal(nn.Identity(), size, width)
            for size, width in zip(sizes, widths, strict=True)
        )

    def forward(self, h):
        layers = []
        for body, head in zip(self.bodies, self.heads, strict=True):
            h = body(h)
            layers.append(head(h))
        loc = torch.cat([q.loc for q in layers], -1)  # (B, K_1 + ... + K_L)
        return Normal(loc, torch.cat([q.scale for q in layers], -1))


def product_of_experts(experts, observed):
    """Multiply the q(z | x_m) of observed modalities; N(0, I) if there are none.

    Parameters
    ----------
    experts : list of Normal
        q(z | x_m) of each modality.
    observed : Tensor of bool of shape (B, M)
        Which modalities are observed.

    Returns
    -------
    Normal
    """
    loc = torch.stack([q.loc for q in experts], -1)  # (B, K, M)
    precision = torch.stack([q.scale for q in experts], -1).square().reciprocal()
    precision = precision * observed.unsqueeze(-2)
    total = precision.sum(-1)  # (B, K)
    empty = ~observed.any(-1, keepdim=True)  # (B, 1)
    total = torch.where(empty, 1, total)
    return Normal((precision * loc).sum(-1) / total, total.rsqrt())


def parameters_of(q):
    """Return loc and scale of a Normal."""
    return q.loc, q.scale


def on_rows(function, values, rows):
    """Apply a function to some rows only; zeros elsewhere, None if there are none.

    While torch traces, it is applied to all rows, as sizes must not depend on values.

    Parameters
    ----------
    function : callable
        Maps the values of b rows to (b, ...).
    values : Tensor of shape (B, ...) or Batch
        Values of all rows.
    rows : Tensor of bool of shape (B,)
        Which rows to use.
    """
    if torch.compiler.is_compiling():
        return function(values)
    index = rows.nonzero()[:, 0]
    if len(index) == 0:
        return None
    # Batch normalisation needs two rows in training.
    used = index.repeat(2) if len(index) == 1 else index
    found = function(_taken(values, used))[: len(index)]
    out = found.new_zeros((len(rows), *found.shape[1:]))
    return out.index_copy(0, index, found)


def _taken(values, index):
    if isinstance(values, torch.Tensor):
        return values[index]
    seen = None if values.seen is None else values.seen[index]
    observed = values.observed[index]
    return values._replace(x=values.x[index], observed=observed, seen=seen)


def where(rows, yes, no):
    """Choose between two Normals row by row; `rows` is (B,)."""
    rows = rows.unsqueeze(-1)
    return Normal(
        torch.where(rows, yes.loc, no.loc), torch.where(rows, yes.scale, no.scale)
    )
