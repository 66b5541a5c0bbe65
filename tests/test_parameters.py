"""Parameters are declared once; constructors, tables and docs agree with that."""

import inspect
import pickle
import pydoc
from collections import defaultdict

import numpy as np
import pytest
from instances import small
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone

from skvae import AETransformer, CVAETransformer, VAETransformer
from skvae._parameters import Declared, parameter
from skvae._validation import NATURAL, NONE, POSITIVE, POSITIVE_INT
from skvae.base import BaseAutoencoderTransformer, BaseVAETransformer
from skvae.discovery import all_estimators
from skvae.inputs import Given, PlainColumns

ESTIMATORS = [cls for _, cls in all_estimators()]
each_estimator = pytest.mark.parametrize("cls", ESTIMATORS)
TRAINING = [
    *("binarize", "max_epochs", "batch_size", "lr", "optimizer", "weight_decay"),
    *("early_stopping", "validation_fraction", "n_iter_no_change", "tol", "dtype"),
    *("device", "warm_start", "random_state", "verbose", "callbacks", "net_params"),
    *("checkpoint", "checkpoint_every", "resume"),
]


class Latents(Declared):
    n: int = parameter(POSITIVE_INT, default=8, kw_only=False, shapes_network=True)


class Step(Declared):
    lr: float = parameter(POSITIVE, default=0.1, module=True)


class Model(Latents, Step):
    depth: int | None = parameter(NATURAL, NONE, default=None, after_fit=True)


def test_own_parameters_come_first_and_positional_ones_before_them():
    assert str(inspect.signature(Model)) == "(n=8, *, depth=None, lr=0.1)"


def test_the_tables_follow_from_the_declarations():
    assert Model._allowed == {
        "depth": (NATURAL, NONE),
        "n": (POSITIVE_INT,),
        "lr": (POSITIVE,),
    }
    assert Model._architecture == ("n",)
    assert Model._module_settings == ("lr",)
    assert Model._after_fit == ("depth",)


def test_the_constructor_is_an_ordinary_one():
    model = Model(3, lr=0.2)
    assert repr(model) == "Model(lr=0.2, n=3)"
    assert vars(clone(model)) == vars(pickle.loads(pickle.dumps(model))) == vars(model)
    with pytest.raises(TypeError, match=r"Model.__init__.*unexpected.*'width'"):
        Model(width=3)
    with pytest.raises(TypeError, match="positional"):
        Model(3, 4)


def test_a_declaration_overrides_that_of_a_base():
    class Deeper(Model):
        lr: float = parameter(NONE, default=None)

    assert Deeper().lr is None
    assert Deeper._allowed["lr"] == (NONE,)
    assert Deeper._module_settings == ()
    assert Model().lr == 0.1


def test_a_subclass_may_write_its_constructor_and_its_tables():
    class Written(Model):
        _architecture = ("n", "depth")

        def __init__(self, n=2):
            self.n = n

    class Below(Written):
        pass

    assert Below(5).get_params() == {"n": 5}
    assert Below().lr == 0.1  # the default of what it does not take
    assert Written._architecture == Below._architecture == ("n", "depth")


def test_an_estimator_with_its_own_constructor_fits(digits):
    class Fixed(VAETransformer):
        def __init__(self, n_components=2, random_state=None):
            super().__init__(n_components, max_epochs=1, random_state=random_state)

    Z = clone(Fixed(3, random_state=0)).fit_transform(digits)
    reference = VAETransformer(3, max_epochs=1, random_state=0)
    np.testing.assert_array_equal(Z, reference.fit_transform(digits))


@each_estimator
def test_training_parameters_come_last(cls):
    names = list(inspect.signature(cls).parameters)
    assert names[-len(TRAINING) :] == TRAINING


@each_estimator
def test_only_the_numbers_of_latents_are_positional(cls):
    by_position = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert by_position in (["n_components"], ["n_variables", "n_categories"])


@each_estimator
def test_help_shows_the_constructor(cls):
    page = pydoc.plain(pydoc.render_doc(cls))
    assert f"{cls.__name__}{inspect.signature(cls)}"[:500] in page
    signature = inspect.signature(cls.__init__)
    assert list(signature.parameters) == ["self", *inspect.signature(cls).parameters]
    assert cls.__init__.__qualname__ == f"{cls.__name__}.__init__"


@each_estimator
def test_an_estimator_is_at_most_three_levels_deep(cls):
    levels = [c for c in cls.__mro__ if issubclass(c, BaseAutoencoderTransformer)]
    assert len(levels) <= 3


@each_estimator
def test_public_methods_say_what_they_return(cls):
    undeclared = {"log_likelihood"}  # one of three types, by its arguments
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        ours = inspect.unwrap(method).__module__.startswith("skvae")
        if ours and not name.startswith("_") and name not in undeclared:
            assert "return" in inspect.unwrap(method).__annotations__, name


def documented():
    """Return (declaration, class, type, text) of every parameter of every estimator."""
    for cls in ESTIMATORS:
        for entry in ClassDoc(cls)["Parameters"]:
            for name in entry.name.split(","):
                declaration = cls._declared[name.strip()]
                yield declaration, cls, name.strip(), entry.type, entry.desc


def test_a_shared_parameter_is_documented_in_the_same_words():
    texts = defaultdict(dict)
    for declaration, cls, name, kind, text in documented():
        texts[name, id(declaration)][cls.__name__] = kind, text
    differing = {
        name: found
        for (name, _), found in texts.items()
        if len({repr(one) for one in found.values()}) > 1
    }
    assert not differing


@each_estimator
def test_the_docstring_lists_parameters_in_the_order_of_the_constructor(cls):
    entries = [entry.name for entry in ClassDoc(cls)["Parameters"]]
    names = [name.strip() for entry in entries for name in entry.split(",")]
    assert names == list(inspect.signature(cls).parameters)


def test_attributes_shared_by_all_are_documented_in_the_same_words():
    shared = ("net_", "n_iter_", "n_features_in_", "feature_names_in_")
    for name in shared:
        texts = {
            repr((entry.type, entry.desc))
            for cls in ESTIMATORS
            for entry in ClassDoc(cls)["Attributes"]
            if entry.name == name
        }
        assert len(texts) == 1, name


def test_estimators_share_declarations_and_do_not_repeat_them():
    assert VAETransformer._declared["beta"] is CVAETransformer._declared["beta"]
    assert AETransformer._declared["lr"] is CVAETransformer._declared["lr"]
    assert "prior" not in BaseVAETransformer._declared


def test_what_comes_beside_x_reaches_the_batch(digits):
    """A supervised and weighted model needs no way of its own."""
    seen = []

    class Supervised(VAETransformer):
        def fit(self, X, y=None, sample_weight=None):
            return self._fit(X, y, Given(y=y, sample_weight=sample_weight))

        def _build_module(self, table):
            module = super()._build_module(table)
            losses = module.losses

            def looking(batch, phase, noise):
                seen.append((batch.index, batch.y, batch.sample_weight))
                return losses(batch, phase, noise)

            module.losses = looking
            return module

    y, weight = np.arange(200.0), np.linspace(1, 3, 200)
    small(Supervised, max_epochs=1).fit(digits, y, weight)
    index, targets, weights = (np.concatenate(part) for part in zip(*seen, strict=True))
    np.testing.assert_array_equal(targets, index)
    np.testing.assert_allclose(weights, weight[index] / weight.mean(), rtol=1e-6)
    with pytest.raises(ValueError, match="sample_weight has 3 rows, but X has 200"):
        small(Supervised).fit(digits, y, [1, 2, 3])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        small(Supervised).fit(digits, y * np.nan)


class Labels(PlainColumns):
    """Rows with labels beside them, which the first fit learns."""

    def _table(self, estimator, X, given, reset):
        if reset:
            estimator.classes_ = np.unique(given.y)
        codes = np.searchsorted(estimator.classes_, given.y).astype(float)
        return super()._table(estimator, X, Given(y=codes), reset)


class Labelled(VAETransformer):
    _columns_type = Labels

    def fit(self, X, y):
        return self._fit(X, y, Given(y=y))


def test_labels_keep_their_codes_when_a_fit_resumes(digits):
    labels = np.array(["a", "b", "c"])[np.arange(200) % 3]
    model = small(Labelled, warm_start=True).fit(digits, labels)
    assert list(model.classes_) == ["a", "b", "c"]
    rows = model._prepare(digits[:5], Given(y=["c"] * 5), "warm_start=True")
    np.testing.assert_array_equal(rows.table.y, [2.0] * 5)
    assert list(model.fit(digits[:5], ["c"] * 5).classes_) == ["a", "b", "c"]


def test_a_failed_fit_leaves_no_labels(digits):
    model, labels = small(Labelled), np.arange(200) % 3
    before = vars(model).copy()
    with pytest.raises(ValueError, match="infinity"):
        model.fit(digits + np.inf, labels)
    assert vars(model) == before
    model.fit(digits, labels)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(digits + np.inf, labels > 0)
    assert list(model.classes_) == [0, 1, 2]
