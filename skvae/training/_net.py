"""The training loop of every model, inside skorch's extension points.

A module says what one epoch is (`phases`), yields its losses (`losses`) and names the
parameters that each moves (`parameter_groups`). The loop does the rest: a plain VAE, an
adversary or an expectation-maximisation differ in what they yield and in nothing else.
"""

from typing import NamedTuple

import torch
from skorch import NeuralNet

from skvae.distributions import Noise
from skvae.nets import set_dropout_generator
from skvae.training._batches import TensorBatches
from skvae.training._epoch import EpochLog, Snapshot
from skvae.training._hooks import BatchHooks, raised_on_purpose
from skvae.training._seeds import derive_generator


class Loss(NamedTuple):
    """What a module yields: one loss for one group of parameters.

    Attributes
    ----------
    group : str
        Whose parameters the loss moves.
    value : Tensor of shape ()
        What is minimised.
    terms : dict of str to Tensor of shape (B,)
        Values per row to record under their names; they are not differentiated.
    rows : dict of str to Tensor of bool of shape (B,), or None, default=None
        Of terms that not every row has: which rows do. The mean is over these. The
        names are the same in every batch of a fit.
    """

    group: str
    value: torch.Tensor
    terms: dict
    rows: dict | None = None


class VariationalNet(NeuralNet):
    """A skorch net whose module brings its own losses.

    Parameters
    ----------
    module : torch.nn.Module
        A model, already built (see the contract of a model in the documentation).
    seed : int
        All random numbers of the training derive from it.
    binarize : {None, "fixed", "dynamic"}
        Whether training rows in [0, 1] are drawn as 0/1 values, once or in every epoch.
    **kwargs
        Any argument of :class:`skorch.NeuralNet`; ``optimizer_<group>`` and
        ``optimizer_<group>__lr`` set the optimizer of one group of parameters.

    Attributes
    ----------
    history_ : skorch.history.History
        One row an epoch: ``train_loss`` (the group "model"), ``<group>_loss`` for other
        groups, every recorded term, scheduled values, ``valid_loss``.
    """

    def __init__(self, module, *, seed=0, binarize=None, criterion=None, **kwargs):
        self.seed = seed
        self.binarize = binarize
        kwargs = {
            "iterator_train": TensorBatches,
            "iterator_valid": TensorBatches,
            "train_split": None,
            "verbose": 0,
            **kwargs,
        }
        super().__init__(module, criterion, **kwargs)

    def __getstate__(self):
        # `module` and `module_` are one object, which is to be kept once; skorch sees
        # to it that the latter, fitted on a GPU, can be read without one.
        state = super().__getstate__()
        state.pop("module")
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        vars(self)["module"] = self.module_

    # -- what skorch builds ---------------------------------------------------------

    @property
    def _default_callbacks(self):
        return []

    def initialize_criterion(self):
        """Nothing to build: the module brings its losses."""
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Build one optimizer for each group of parameters."""
        names = {id(p): name for name, p in self.module_.named_parameters()}
        for group, parameters in self.module_.parameter_groups().items():
            prefix = optimizer_name(group)
            named = [(names[id(p)], p) for p in parameters]
            args, kwargs = self.get_params_for_optimizer(prefix, named)
            optimizer = getattr(self, prefix, self.optimizer)
            setattr(self, prefix + "_", optimizer(*args, **kwargs))
        return self

    def get_dataset(self, X, y=None):
        """`X` is a `Rows` already."""
        return X

    # -- fitting --------------------------------------------------------------------

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train on; unlike skorch's, this lets KeyboardInterrupt through."""
        if not self.initialized_:
            self.initialize()
        self.notify("on_train_begin", X=X, y=y)
        self.module_.begin(X)
        try:
            self.fit_loop(X, y, **fit_params)
        finally:
            self.notify("on_train_end", X=X, y=y)  # may bring other weights back
            noise = derive_generator(self.seed, "settle", device=self.device)
            with torch.no_grad():
                self.module_.settle(X, Noise(noise))
        return self

    def fit_loop(self, X, y=None, epochs=None, *, validate=True, watchers=(), **_):
        """Train for some epochs.

        Parameters
        ----------
        X : Rows
            The table.
        y : None
            Not used.
        epochs : int, optional
            How many; ``max_epochs`` by default.
        validate : bool, default=True
            Whether to hold rows out, where ``train_split`` is set.
        watchers : sequence of objects, default=()
            Their ``begin_epoch()`` and ``end_epoch(net)`` are called; training stops
            when the latter returns True.

        Raises
        ------
        FloatingPointError
            If a loss turns non-finite. The weights are those before the epoch.
        """
        X = X.binarized(self.seed) if self.binarize == "fixed" else X
        train, valid = self.get_split_datasets(X) if validate else (X, None)
        snapshot = Snapshot(self)
        try:
            for _ in range(self.max_epochs if epochs is None else epochs):
                snapshot.take()
                n_epochs = len(self.history)
                try:
                    self._one_epoch(train, valid, watchers)
                except BaseException:  # Ctrl-C too: as if the epoch had not begun
                    snapshot.restore()
                    del self.history[n_epochs:]
                    raise
                stop = self._ask_callbacks(train, valid)
                asked = [watcher.end_epoch(self) for watcher in watchers]
                if stop or any(asked):
                    break
        finally:
            self._rest()
        return self

    def _one_epoch(self, train, valid, watchers):
        for watcher in watchers:
            watcher.begin_epoch()
        self.notify("on_epoch_begin", dataset_train=train, dataset_valid=valid)
        self.run_single_epoch(train, True, "train", self.train_step)
        if valid is not None:
            self.run_single_epoch(valid, False, "valid", self.validation_step)

    def _ask_callbacks(self, train, valid):
        """Run the hooks after an epoch; give whether one asks to stop."""
        try:
            self.notify("on_epoch_end", dataset_train=train, dataset_valid=valid)
        except KeyboardInterrupt as interrupt:
            if not raised_on_purpose(interrupt):
                raise
            return True
        return False

    def _rest(self):
        set_dropout_generator(self.module_, None)
        self.module_.eval()

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch of training, every phase, or of validation."""
        if training:
            self._train_epoch(iterator, step_fn)
            return
        loss = self.held_out_loss(iterator, step_fn)
        if loss - loss != 0:
            raise FloatingPointError(
                f"The bound of the held-out rows became non-finite in epoch "
                f"{len(self.history)}. The weights are those before this epoch."
            )
        self.history.record(f"{prefix}_loss", loss)

    def _train_epoch(self, rows, step_fn):
        epoch = len(self.history)
        noise = Noise(derive_generator(self.seed, "noise", epoch, self.device))
        set_dropout_generator(self.module_, noise.generator)
        self.module_.train()
        batches = self.get_iterator(rows, training=True)
        batches.generator = derive_generator(self.seed, "shuffle", epoch)
        log = EpochLog(epoch, len(rows))
        hooks, groups = BatchHooks(self), self._groups()
        with torch.enable_grad():  # whatever the caller, or a Ctrl-C in torch, left
            for phase in self.module_.phases:
                for batch in self._binarized(batches, noise):
                    hooks.begin(batch)
                    for loss in self.module_.losses(batch, phase, noise):
                        step_fn(batch, loss=loss, hooks=hooks, move=groups[loss.group])
                        log.add(loss, len(batch.x))
                    hooks.end(batch, log)
        log.write(self.history, self.module_)

    def _groups(self):
        """Give the optimizer and the parameters of each group."""
        groups = {}
        for group in self.module_.parameter_groups():
            optimizer = getattr(self, optimizer_name(group) + "_")
            moved = [p for part in optimizer.param_groups for p in part["params"]]
            groups[group] = optimizer, [p for p in moved if p.requires_grad]
        if len(groups) == 1:  # all there is; to name it would only take time
            groups[group] = optimizer, None
        return groups

    def _binarized(self, batches, noise):
        """Draw grey rows as 0/1 values, anew wherever they are asked for."""
        for batch in batches:
            if self.binarize == "dynamic":
                drawn = noise.uniform(batch.x) < batch.x
                yield batch._replace(x=drawn.to(batch.x.dtype))
            else:
                yield batch

    def train_step(self, batch, loss, hooks, move, **fit_params):
        """Take one step: a loss moves its own group of parameters and no other."""
        optimizer, parameters = move
        optimizer.zero_grad()
        loss.value.backward(inputs=parameters)
        hooks.gradient(batch, parameters)
        optimizer.step()

    def held_out_loss(self, rows, step_fn=None):
        """Give minus the mean bound of some rows, with the same noise each time."""
        step_fn = step_fn or self.validation_step
        self.module_.eval()
        noise = Noise(derive_generator(self.seed, "evaluation", device=self.device))
        batches = self._binarized(self.get_iterator(rows, training=False), noise)
        bounds = [step_fn(batch, noise=noise) for batch in batches]
        return -torch.cat(bounds).mean(dtype=torch.float64).item()

    def validation_step(self, batch, noise, **fit_params):
        """Give the bound of each row of a batch, (B,)."""
        with torch.no_grad():
            return self.module_.bound(batch, noise)


def optimizer_name(group):
    """Give skorch's name of a group's optimizer: "optimizer" for the model's."""
    return "optimizer" if group == "model" else f"optimizer_{group}"
