"""Build and train the net of an estimator."""

import copy

import numpy as np
import torch
from sklearn.utils import check_random_state

from skvae._kinds import cut
from skvae._validation import check_parameters
from skvae.base._collapse import warn_of_collapse
from skvae.base._networks import NetworksMixin
from skvae.base._ready import take_ready
from skvae.base._settings import (
    check_net_params,
    check_range_of_numbers,
    check_shareable,
    find_device,
    naming_net_params,
    within_torch,
)
from skvae.base._streaming import joined_if_small, prepared_rows
from skvae.inputs import NOTHING, check_some_value, rows_that_count
from skvae.nets import trainable
from skvae.persistence import Checkpoint, architecture, check_same_architecture
from skvae.training import (
    NOT_KEPT,
    OPTIMIZERS,
    DataParallelNet,
    EarlyStopping,
    HoldOut,
    RecordEpoch,
    Rows,
    VariationalNet,
    agreed_seed,
    copied,
    derive_seed,
    optimizer_name,
    seeded_weights,
    undone_without_an_epoch,
    watching,
)

PREFIX = "skvae_"  # of the names of skvae's own callbacks


class FittingMixin(NetworksMixin):
    """Validates, builds the net and trains."""

    _n_warmup_epochs = 0  # epochs before early stopping counts
    _first_weights = None  # those of a closed form, which may be the best
    _may_collapse = True  # whether q(z | x) of real latents may become the prior

    def _fit(self, X, y=None, given=NOTHING):
        """Fit to rows and what is passed beside them, a `Given`."""
        before = dict(vars(self))
        X = joined_if_small(X, given)
        rows = take_ready(self, X) if given.is_nothing else None
        if rows is None:
            X, y, given = rows_that_count(X, y, given)
            rows = self._train(X, y, given)
        if self._may_collapse:
            try:
                warn_of_collapse(self, rows)
            except FloatingPointError:  # its answers are not finite
                vars(self).clear()
                vars(self).update(before)
                raise
        return self

    def _train(self, X, y, given):
        """Prepare and train; return the rows."""
        resumes = self.warm_start is not False  # its value is checked inside
        with trainable(), undone_without_an_epoch(self, resumes):
            kept = NOT_KEPT if self.checkpoint is None else Checkpoint(self)
            rows, parts = prepared_rows(self, X, given, self.warm_start, (y,), kept)
            n_epochs = kept.n_epochs(parts, self.net_.max_epochs)
            with watching(self, n_epochs, X, y) as watchers:
                how = {"epochs": n_epochs, "watchers": watchers, "parts": parts}
                self.net_.partial_fit(rows, checkpoint=kept, **how)
        return rows

    def _partial_fit(self, X, given=NOTHING):
        X, _, given = rows_that_count(joined_if_small(X, given), None, given)
        with trainable(), undone_without_an_epoch(self, resumes=True):
            rows, parts = prepared_rows(self, X, given, resumes=True)
            self.net_.partial_fit(rows, epochs=1, parts=parts)
        return self

    def _prepare(self, X, given, resumes, kept=NOT_KEPT, moments=None):
        """Check everything, build a net unless one resumes, and return the rows.

        `moments` are those of all rows of a source, of which X is a sample.
        """
        check_parameters(self)
        self._check_net_params()
        device = self._find_device()
        if resumes and hasattr(self, "net_"):
            check_same_architecture(self)
            table = self._columns.table(self, X, given)
            self.likelihood_.check(table.x, self._columns.names)
            device = next(self.net_.module_.parameters()).device  # it is not moved
            kept.find(table, self.n_iter_)
        else:
            table = self._learn_columns(X, given, moments)
            random = check_random_state(self.random_state)
            seed = int(random.randint(np.iinfo(np.int32).max))
            self._seed = agreed_seed(seed, (self.net_params or {}).get("accelerator"))
            kept.find(table, 0)  # may have another seed
            self._build_net(table, device)
        self._check_live_settings()
        check_range_of_numbers(self, self.net_.module_.dtype)
        units = self._units() | {"odds": self._odds(table)}
        rows = Rows(table, device, self.net_.module_.dtype, **units)
        self._configure_net()
        return rows

    def _units(self):
        """Return the units of rows that a module reads, arguments of `Rows`."""
        return {"origin": self.likelihood_.origin, "fill": self.likelihood_.fill}

    def _odds(self, table):
        """Return how often each row is drawn in training, (n,), or None if equally."""
        return None

    def _learn_columns(self, X, given, moments=None):
        """Learn the roles and the contents of the columns; return a `Table`."""
        self._columns = self._columns_type()
        table = self._columns.fit(self, X, given)
        check_some_value(table, self._columns.names)
        self.likelihood_ = self._columns.likelihood(self, X)
        names, kinds = self._columns.names, self._columns.kinds
        self.likelihood_.fit(table.x, names, X, kinds, table.sample_weight)
        if moments is not None:
            self.likelihood_.correct(*moments.of(self._columns.data_positions))
        return table

    def _check_live_settings(self):
        """Check against the data the parameters that may change between fits."""
        if self.binarize is not None and not self.likelihood_.binary:
            raise ValueError(
                f"The 'binarize' parameter of {type(self).__name__} must be None "
                "unless every column is Bernoulli or one-hot. Got "
                f"{cut(self.binarize)} instead."
            )

    def _check_net_params(self):
        check_net_params(self)

    def __sklearn_clone__(self):
        bare = copy.copy(self)
        bare.callbacks = None
        clone = super(FittingMixin, bare).__sklearn_clone__()
        clone.callbacks = self.callbacks
        if isinstance(self.callbacks, list | tuple):
            clone.callbacks = type(self.callbacks)(copied(self.callbacks))
        return clone

    def _find_device(self):
        """Return the torch device that the parameter ``device`` stands for."""
        return find_device(self)

    # -- the net --------------------------------------------------------------------

    def _build_net(self, table, device):
        with torch.device("cpu"), seeded_weights(self._seed):
            module = self._built_module(table)
            self._choose_start(module, table)
        dtype = table.dtype.name if self.dtype == "auto" else self.dtype
        module.dtype = getattr(torch, dtype)
        self.net_ = self._new_net(module.to(module.dtype), device)
        self._fitted_architecture = architecture(self)

    def _built_module(self, table):
        try:
            return self._build_module(table)
        except (RuntimeError, TypeError, MemoryError, OverflowError) as error:
            reason = str(error).partition("\n")[0]  # torch adds its stack
            raise ValueError(
                f"The network of {type(self).__name__} cannot be built with these "
                f"widths: {reason}"
            ) from error

    def _new_net(self, module, device):
        """Build and initialise a net around an untrained module."""
        settings = {
            "optimizer": OPTIMIZERS.get(self.optimizer, self.optimizer),
            "lr": self.lr,
            "max_epochs": self.max_epochs,
            "batch_size": self.batch_size,
            "binarize": self.binarize,
            "callbacks": list(self.callbacks or []),
            "device": device,
        }
        if self.weight_decay:  # not every optimizer has one
            settings["optimizer__weight_decay"] = float(self.weight_decay)
        settings |= self.net_params or {}
        settings["lr"] = float(settings["lr"])  # torch takes no fractions
        for group, rate in module.learning_rates().items():
            settings.setdefault(f"{optimizer_name(group)}__lr", rate)
        kind = VariationalNet
        if "accelerator" in settings:
            check_shareable(self, module)
            kind = DataParallelNet
        with naming_net_params(self):
            return kind(module, seed=self._seed, **settings).initialize()

    def _configure_net(self):
        """Update the net with the parameters that may change between fits."""
        net, given = self.net_, self.net_params or {}
        for name in self._module_settings:
            setattr(net.module_, name, within_torch(getattr(self, name)))
        self._put_callbacks()
        for name in ("lr", "batch_size", "max_epochs", "binarize"):
            value = given.get(name, getattr(self, name))
            value = float(value) if name == "lr" else value
            if getattr(net, name) != value:
                net.set_params(**{name: value})
        decay = getattr(net, "optimizer__weight_decay", 0.0)
        if "optimizer__weight_decay" not in given and self.weight_decay != decay:
            net.set_params(optimizer__weight_decay=float(self.weight_decay))
        split = None
        if self.early_stopping:
            split = self._hold_out()
        net.train_split = given.get("train_split", split)

    def _put_callbacks(self):
        """Add the callbacks that implement parameters around those of the user."""
        net = self.net_
        wanted = (self.net_params or {}).get("callbacks", self.callbacks or [])
        if _objects(wanted) != _objects(net.callbacks):
            net.callbacks = [] if wanted == "disable" else list(wanted or [])
            net.initialize_callbacks()
        users = [p for p in net.callbacks_ if not p[0].startswith(PREFIX)]
        first = [(PREFIX + s.name, s) for s in self._schedules()]
        record = RecordEpoch(self._n_warmup_epochs, best=bool(users))
        first.append((PREFIX + "record_epoch", record))
        last = []
        if self.early_stopping:
            waits = self.n_iter_no_change, self.tol, self._n_warmup_epochs
            stopping = EarlyStopping(*waits, self._first_weights)
            last = [(PREFIX + "early_stopping", stopping)]
        net.callbacks_ = first + users + last
        self.__dict__.pop("_first_weights", None)

    def _hold_out(self):
        """Return the split of early stopping."""
        return HoldOut(self.validation_fraction, derive_seed(self._seed, "split"))

    def _schedules(self):
        """Return named callbacks that change the module from epoch to epoch."""
        return []


def _objects(callbacks):
    """Return the identities of callbacks, which may be pairs with a name."""
    if isinstance(callbacks, str):  # "disable"
        return callbacks
    return [id(c[1] if isinstance(c, tuple) else c) for c in callbacks or ()]
