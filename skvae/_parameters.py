"""Constructor parameters, each declared once, as a field of its class.

    class Model(Declared):
        beta: float = parameter(NON_NEGATIVE, default=1.0, module=True)

The constructor, the allowed values, and the lists of parameters that shape the network
or that its module reads are derived from these fields.
"""

from dataclasses import dataclass, field, make_dataclass
from typing import Any, Self, dataclass_transform

from sklearn.base import BaseEstimator

from skvae._kinds import cut


@dataclass(frozen=True)
class Parameter:
    """A declared constructor parameter; see `parameter`."""

    allowed: tuple
    default: Any
    kw_only: bool
    shapes_network: bool
    module: bool
    after_fit: bool


def parameter(
    *allowed,
    default,
    kw_only=True,
    shapes_network=False,
    module=False,
    after_fit=False,
) -> Any:
    """Declare a constructor parameter.

    Parameters
    ----------
    *allowed : constraints
        Allowed values; see `skvae._validation`.
    default : object
        Default value; immutable.
    kw_only : bool, default=True
        Whether it must be passed by name.
    shapes_network : bool, default=False
        Whether another value needs another network, so that training cannot resume.
    module : bool, default=False
        Whether the torch module has an attribute of this name, set in every fit.
    after_fit : bool, default=False
        Whether a change after fit takes effect. Before every answer, the value is then
        checked and, with `module`, set on the module.
    """
    return Parameter(allowed, default, kw_only, shapes_network, module, after_fit)


@dataclass_transform(
    eq_default=False, kw_only_default=True, field_specifiers=(parameter,)
)
class Declared(BaseEstimator):
    """An object whose constructor is derived from its declared parameters.

    Parameters of the class itself come first, then those of its bases in method
    resolution order. A class may also define its own ``__init__`` or its own tables.

    Attributes
    ----------
    _declared : dict of str to Parameter
        All parameters of the class.
    _allowed : dict of str to tuple of constraints
        Allowed values of each.
    _architecture, _module_settings, _after_fit : tuple of str
        Parameters that shape the network, that the module reads, and whose changes
        after fit take effect.
    """

    _declared = _own_parameters = _allowed = {}
    _architecture = _module_settings = _after_fit = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        inherited = cls._declared
        cls._own_parameters = _take_own_parameters(cls)
        cls._declared = _collect(cls)
        if cls._declared == inherited:  # nothing new, so tables are inherited too
            return
        tables = {
            "_allowed": {name: p.allowed for name, p in cls._declared.items()},
            "_architecture": _names(cls, "shapes_network"),
            "_module_settings": _names(cls, "module"),
            "_after_fit": _names(cls, "after_fit"),
        }
        for name, table in tables.items():
            if name not in vars(cls):
                setattr(cls, name, table)
        if _needs_constructor(cls):
            cls.__init__ = _constructor(cls)

    def set_params(self, **params) -> Self:
        """Set parameters, also those of objects that are parameters.

        Parameters
        ----------
        **params : object
            Values by name, ``<parameter>__<name>`` for a parameter of a parameter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        for name in params:
            outer, nested, inner = name.partition("__")
            value = params.get(outer, getattr(self, outer, None))
            if nested and outer in self._declared and not hasattr(value, "set_params"):
                words = map(str, self._allowed[outer])
                objects = [text for text in words if text.startswith("an instance")]
                raise ValueError(
                    f"The {outer!r} parameter of {type(self).__name__} is "
                    f"{cut(value)}, which has no parameter {inner!r}. To set that, "
                    f"make it {' or '.join(objects) or 'an object with parameters'} "
                    "first."
                )
        return super().set_params(**params)


def _take_own_parameters(cls):
    """Return the declarations in a class body, and replace them by the defaults."""
    own = {name: p for name, p in vars(cls).items() if isinstance(p, Parameter)}
    for name, declared in own.items():
        setattr(cls, name, declared.default)
    return own


def _collect(cls):
    """Return the parameters of a class and its bases; the first declaration counts."""
    declared = {}
    for base in cls.__mro__:
        for name, found in vars(base).get("_own_parameters", {}).items():
            declared.setdefault(name, found)
    return declared


def _names(cls, flag):
    return tuple(name for name, p in cls._declared.items() if getattr(p, flag))


def _needs_constructor(cls):
    if "__init__" in vars(cls):
        return False
    inherited = cls.__init__
    is_written = inherited is not object.__init__ and not hasattr(inherited, "declared")
    if is_written and not cls._own_parameters:
        return False
    return getattr(inherited, "declared", {}) != cls._declared


def _constructor(cls):
    """Build ``__init__``, which stores every parameter under its name.

    Type checkers read the annotated fields, so the signature has no annotations, as in
    scikit-learn.
    """
    fields = [
        (name, Any, field(default=p.default, kw_only=p.kw_only))
        for name, p in cls._declared.items()
    ]
    init = make_dataclass(cls.__name__, fields).__init__
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {}
    init.declared = dict(cls._declared)
    return init
