"""From a table with missing modalities to what a model reads, and its networks."""

import numpy as np
from sklearn.utils.validation import validate_data

from skvae._columns import resolve_columns
from skvae._validation import (
    NONE,
    POSITIVE,
    POSITIVE_INT,
    Instance,
    Mapping,
    Options,
    Sequence,
    check_parameter,
)
from skvae.base import BODY, VAE_PARAMETERS, BaseVAETransformer, plain_columns, resolved
from skvae.distributions import Mixed, as_likelihood
from skvae.inputs import observed_modalities, resolve_modalities
from skvae.multimodal._modality import Modalities, Modality
from skvae.nets import build_body
from skvae.training import Table

SIZES = VAE_PARAMETERS["hidden_layer_sizes"][0]
MULTIMODAL_PARAMETERS = {
    name: allowed for name, allowed in VAE_PARAMETERS.items() if name != "prior"
} | {
    "modalities": (
        Mapping((Instance((object,), ""),), "a dict from names to columns of X"),
        NONE,
    ),
    "hidden_layer_sizes": (
        SIZES,
        Mapping((SIZES,), "a dict from modalities to such tuples"),
    ),
    "joint_hidden_layer_sizes": (Sequence(POSITIVE_INT, "a tuple of positive ints"),),
    "likelihood": (
        *VAE_PARAMETERS["likelihood"],
        Mapping(VAE_PARAMETERS["likelihood"], "a dict from modalities to these"),
    ),
    "empty_rows": (Options(("error", "prior")),),
    "modality_weights": (
        Mapping((POSITIVE,), "a dict from modalities to positive floats", empty=True),
        NONE,
    ),
    **{
        name: (*BODY, Mapping(BODY, "a dict from modalities to these"))
        for name in ("encoder", "decoder")
    },
}


class TableOfModalities(BaseVAETransformer):
    """From a table whose blocks are modalities to a `Table`, networks, and back.

    ``modalities_`` holds the columns of each, by name.
    """

    _allowed = MULTIMODAL_PARAMETERS
    _architecture = (
        *(name for name in BaseVAETransformer._architecture if name != "prior"),
        "modalities",
        "joint_hidden_layer_sizes",
    )
    _module_settings = (*BaseVAETransformer._module_settings, "modality_weights")
    _saved = BaseVAETransformer._saved | {
        "modalities_": Instance((dict,), "a dict from names to columns"),
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.modalities is not None
        return tags

    # -- columns --------------------------------------------------------------------

    def _validated(self, X, reset=False):
        """Check the rows but for what is missing, and give them as an array."""
        return validate_data(
            self,
            self._check_dimensions(X),
            dtype=[np.float64, np.float32],
            reset=reset,
            ensure_all_finite=True if self.modalities is None else "allow-nan",
        )

    def _prepare_rows(self, X, condition, resume, reason):
        if resume:  # afresh, the modalities are not known yet
            self._now("modality_weights")
            self._check_named("modality_weights")
        return super()._prepare_rows(X, condition, resume, reason)

    def _check_input(self, X, condition=None, reset=False):
        frame = self._check_dimensions(X)
        x = self._validated(frame, reset)
        if reset:
            self.modalities_ = resolve_modalities(
                self.modalities, x.shape[1], self._names(), frame
            )
            self._check_names()
            self._check_named("modality_weights")
        table = self._as_table(x)
        if reset and table.observed is not None:
            self._check_all_seen(table.observed)
        return table

    def _as_table(self, x):
        if self.modalities is None:
            return Table(x)
        empty_rows, names = self._now("empty_rows"), self._names()
        seen = observed_modalities(x, self.modalities_, empty_rows, names)
        return Table(x, observed=seen)

    def _now(self, name):
        """Give a parameter that may change after fit, checked."""
        owner, allowed = type(self).__name__, self._allowed[name]
        return check_parameter(name, getattr(self, name), allowed, owner)

    def _check_names(self):
        """Refuse networks and likelihoods of others than the modalities."""
        for parameter in ("hidden_layer_sizes", "likelihood"):
            self._check_named(parameter, whole=True)
        for parameter in ("encoder", "decoder"):
            self._check_named(parameter)
            value, known = getattr(self, parameter), sorted(self.modalities_)
            if not isinstance(value, dict | None) and len(known) > 1:
                raise ValueError(
                    f"The {parameter!r} parameter of {type(self).__name__} must be a "
                    f"dict, a network for each of {known}. Got {value!r} instead."
                )

    def _check_named(self, parameter, whole=False):
        """Refuse a dict whose names are not those of the modalities."""
        value, known = getattr(self, parameter), set(self.modalities_)
        if not isinstance(value, dict):
            return
        wrong = known ^ set(value) if whole else set(value) - known
        if wrong:
            raise ValueError(
                f"The {parameter!r} parameter of {type(self).__name__} must name the "
                f"modalities {sorted(known)}. Got {sorted(value)} instead."
            )

    def _check_all_seen(self, observed):
        for name, seen in zip(self.modalities_, observed.any(axis=0), strict=True):
            if not seen:
                raise ValueError(f"The modality {name!r} is missing in every row.")

    # -- likelihoods ----------------------------------------------------------------

    def _new_likelihood(self, frame):
        return self._saved_likelihood()

    def _saved_likelihood(self):
        owner = type(self).__name__
        parts = [
            (as_likelihood(self._of(name, "likelihood"), owner), positions)
            for name, positions in self.modalities_.items()
        ]
        if len(parts) > 1 and isinstance(self.likelihood, list | Mixed):
            raise ValueError(
                f"The 'likelihood' parameter of {owner} must be a dict where there are "
                f"several modalities. Got {self.likelihood!r} instead."
            )
        return Mixed(parts)

    def _of(self, name, parameter):
        """What a parameter says of one modality."""
        value = getattr(self, parameter)
        return value.get(name) if isinstance(value, dict) else value

    def _resolved_likelihood(self):
        if not isinstance(self.likelihood, dict):
            return resolved(self.likelihood, self.likelihood_.parts_[0], np.asarray)
        parts = dict(zip(self.modalities_, self.likelihood_.parts_, strict=True))
        return {
            name: resolved(value, parts[name], np.asarray)
            for name, value in self.likelihood.items()
        }

    # -- networks -------------------------------------------------------------------

    def _build_modalities(self, n_components):
        """Build all networks but what joins them; give the encoders' widths too."""
        modalities, widths = Modalities(), []
        parts = zip(
            self.modalities_.items(),
            self.likelihood_.parts_,
            strict=True,
        )
        for (name, positions), likelihood in parts:
            decoder, n_out = self._build_part("decoder", name, n_components)
            head = self._build_head(decoder, n_out, likelihood)
            encoder, n_hidden = self._build_part("encoder", name, head.n_features)
            modalities.append(Modality(name, encoder, decoder, head, positions))
            widths.append(n_hidden)
        return modalities, widths

    def _build_part(self, role, name, n_in):
        """Build the encoder or decoder of a modality; give its width too."""
        own = self._of(name, role)
        if own is not None:
            return build_body(own, n_in, role)
        sizes = tuple(self._of(name, "hidden_layer_sizes"))
        return self._build_layers(n_in, sizes if role == "encoder" else sizes[::-1])

    def _build_top(self, n_hidden):
        """Build the layers behind the encoders; give their width too."""
        return self._build_layers(n_hidden, self.joint_hidden_layer_sizes)

    # -- names of columns -----------------------------------------------------------

    def _positions_of(self, columns):
        names = getattr(self, "feature_names_in_", None)
        return resolve_columns(columns, self.n_features_in_, names)

    # -- files ----------------------------------------------------------------------

    def _put_back(self, values):
        _check_blocks(self.modalities_, self.modalities, self.n_features_in_)
        self._check_names()
        super()._put_back(values)

    def _plain_parameters(self):
        values = super()._plain_parameters()
        if self.modalities is not None:
            values["modalities"] = {
                name: plain_columns(self.modalities[name], positions)
                for name, positions in self.modalities_.items()
            }
        return values


def _check_blocks(blocks, parameter, n_columns):
    """Refuse what `resolve_modalities` does not give."""
    whole = all(isinstance(at, np.ndarray) and at.ndim == 1 for at in blocks.values())
    if not blocks or not whole:
        raise ValueError("its modalities are no columns.")
    columns = np.concatenate([*blocks.values()])
    if columns.dtype.kind != "i" or not np.array_equal(
        np.sort(columns), np.arange(n_columns)
    ):
        raise ValueError("its modalities are not all columns, each once.")
    if parameter is not None and list(parameter) != list(blocks):
        raise ValueError("its modalities have other names than the parameter.")
    if parameter is None and len(blocks) > 1:
        raise ValueError("it has several modalities without their names.")
