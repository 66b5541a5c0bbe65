"""General-purpose networks: bodies, heads, dropout and recipes for them."""

from skvae.nets._bodies import build_body
from skvae.nets._critic import Critic
from skvae.nets._deterministic import deterministic_convolutions
from skvae.nets._joined_decoder import JoinedConvDecoder
from skvae.nets._mlp import (
    ACTIVATIONS,
    Beside,
    LocalDropout,
    Skip,
    mlp,
    over_rows,
    set_dropout_generator,
)
from skvae.nets._modes import own_precision, trainable
from skvae.nets._posterior import EPSILON, LocScale, enter_linearly
from skvae.nets._recipes import ConvDecoder, ConvEncoder, Dense, Recipe

__all__ = [
    "ACTIVATIONS",
    "EPSILON",
    "Beside",
    "ConvDecoder",
    "ConvEncoder",
    "Critic",
    "Dense",
    "JoinedConvDecoder",
    "LocScale",
    "LocalDropout",
    "Recipe",
    "Skip",
    "build_body",
    "deterministic_convolutions",
    "enter_linearly",
    "mlp",
    "over_rows",
    "own_precision",
    "set_dropout_generator",
    "trainable",
]
