"""Parameters and networks shared by all models of several modalities."""

from collections.abc import Callable

from torch import nn

from skvae._kinds import cut
from skvae._parameters import Declared, parameter
from skvae._validation import NONE, POSITIVE, Instance, Mapping, Options
from skvae.base import BODY, SIZES, BaseAutoencoderTransformer, reading_flags
from skvae.distributions import Likelihood, n_inputs
from skvae.multimodal._modality import Modalities, Modality
from skvae.nets import build_body

LIKELIHOODS = BaseAutoencoderTransformer._allowed["likelihood"]
BODIES = (*BODY, Mapping(BODY, "a dict from modalities to these"))


class MultimodalNetworks(Declared):
    """Builds encoder, decoder and head of each modality."""

    modalities: dict | None = parameter(
        Mapping((Instance((object,), ""),), "a dict from names to columns of X"),
        NONE,
        default=None,
        shapes_network=True,
    )
    hidden_layer_sizes: tuple[int, ...] | dict = parameter(
        SIZES,
        Mapping((SIZES,), "a dict from modalities to such tuples"),
        default=(256, 256),
        shapes_network=True,
    )
    joint_hidden_layer_sizes: tuple[int, ...] = parameter(
        SIZES, default=(), shapes_network=True
    )
    likelihood: str | Likelihood | list | dict = parameter(
        *LIKELIHOODS,
        Mapping(LIKELIHOODS, "a dict from modalities to these"),
        default="gaussian-shared",
        shapes_network=True,
    )
    empty_rows: str = parameter(
        Options(("error", "prior")), default="error", after_fit=True
    )
    modality_weights: dict | None = parameter(
        Mapping((POSITIVE,), "a dict from modalities to positive floats", empty=True),
        NONE,
        default=None,
        module=True,
    )
    encoder: nn.Module | Callable | dict | None = parameter(
        *BODIES, default=None, shapes_network=True
    )
    decoder: nn.Module | Callable | dict | None = parameter(
        *BODIES, default=None, shapes_network=True
    )

    @property
    def modalities_(self) -> dict:
        """Columns of each modality, by name."""
        return self._columns.blocks

    def _check_modalities(self, columns):
        """Raise ValueError if a parameter does not fit the modalities."""
        for parameter_name in ("hidden_layer_sizes", "likelihood"):
            columns.check_names(self, parameter_name, whole=True)
        for parameter_name in ("encoder", "decoder"):
            columns.check_names(self, parameter_name)
            value, known = getattr(self, parameter_name), sorted(columns.blocks)
            if not isinstance(value, dict | None) and len(known) > 1:
                raise ValueError(
                    f"The {parameter_name!r} parameter of {type(self).__name__} must "
                    f"be a dict, a network for each of {known}. Got {cut(value)} "
                    "instead."
                )

    def _check_live_settings(self):
        super()._check_live_settings()
        self._columns.check_names(self, "modality_weights")

    def _build_modalities(self, n_latents):
        """Build the networks of all modalities."""
        modalities = Modalities()
        blocks, likelihoods = self.modalities_.items(), self.likelihood_.parts_
        for (name, columns), likelihood in zip(blocks, likelihoods, strict=True):
            decoder, n_out = self._build_part("decoder", name, n_latents)
            decoder, n_out = self._with_linear_path(decoder, n_latents, n_out)
            head = self._build_head(decoder, n_out, likelihood)
            encoder, n_hidden = self._build_encoder_of(name, head)
            networks = encoder, n_hidden, decoder, head
            modalities.append(Modality(name, *networks, columns))
        return modalities

    def _build_encoder_of(self, name, head):
        """Build an encoder of one modality; return its width too."""
        n_in = n_inputs(head)
        if self._columns.of(self, name, "encoder") is None:
            body, n_hidden = self._build_part("encoder", name, n_in)
        else:
            body, n_hidden = self._build_part("encoder", name, head.n_features)
            body, n_hidden = reading_flags(body, n_hidden, head)
        return self._with_linear_path(body, n_in, n_hidden)

    def _build_part(self, role, name, n_in):
        """Build the encoder or decoder of a modality; return its width too."""
        custom = self._columns.of(self, name, role)
        if custom is not None:
            return build_body(custom, n_in, role)
        sizes = tuple(self._columns.of(self, name, "hidden_layer_sizes"))
        return self._build_layers(n_in, sizes if role == "encoder" else sizes[::-1])

    def _build_linked(self, n_in, sizes):
        """Build layers, and their linear path if there is one; return the width too."""
        body, n_out = self._build_layers(n_in, sizes)
        return self._with_linear_path(body, n_in, n_out)
