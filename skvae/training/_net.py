"""The training loop of every model, inside skorch's extension points.

A module states what one epoch is (`phases`), yields its losses (`losses`) and names the
parameters that each loss moves (`parameter_groups`). The loop does the rest: a plain
VAE, an adversary and expectation-maximisation differ only in the losses they yield.
"""

import torch
from skorch import NeuralNet

from skvae.distributions import Noise, SharedNoise
from skvae.nets import deterministic_convolutions, set_dropout_generator
from skvae.training._answering import Answering
from skvae.training._epoch import EpochLog, binarized
from skvae.training._fast import fast_training
from skvae.training._hooks import (
    BatchHooks,
    check_callbacks,
    check_iterators,
    naming_callbacks,
    raised_on_purpose,
)
from skvae.training._iterating import TensorBatches
from skvae.training._keeping import NOT_KEPT
from skvae.training._optimizers import build_optimizer, optimizer_name
from skvae.training._seeds import derive_generator
from skvae.training._snapshot import Snapshot


class VariationalNet(Answering, NeuralNet):
    """A skorch net whose module brings its own losses.

    Parameters
    ----------
    module : torch.nn.Module
        A built `LatentModel`.
    seed : int
        Seed of all random numbers in training.
    binarize : {None, "fixed", "dynamic"}
        Whether to draw training rows in [0, 1] as 0/1 values, once or in every epoch.
    fast_path : bool, default=True
        Whether to train without autograd where `skvae.handwritten` knows the module.
        The results agree up to rounding.
    shared_noise : bool, default=False
        Whether all rows of a batch get the same noise in training. A fit in one batch
        then does not depend on the order of the rows, and a row of weight 2 counts
        exactly as two equal rows.
    **kwargs
        Any argument of :class:`skorch.NeuralNet`; ``optimizer_<group>`` and
        ``optimizer_<group>__lr`` set the optimizer of one group of parameters.

    Attributes
    ----------
    history_ : skorch.history.History
        One row per epoch: ``train_loss`` (group "model"), ``<group>_loss`` of the other
        groups, every recorded term, scheduled values, ``valid_loss``.
    """

    _fast = None  # the `FastTraining` of a fit that is running
    is_main = True  # whether it reports and writes; of several processes, one does

    def __init__(
        self,
        module,
        *,
        seed=0,
        binarize=None,
        fast_path=True,
        shared_noise=False,
        criterion=None,
        **kwargs,
    ):
        self.seed = seed
        self.binarize = binarize
        self.fast_path = fast_path
        self.shared_noise = shared_noise
        kwargs = {
            "iterator_train": TensorBatches,
            "iterator_valid": TensorBatches,
            "train_split": None,
            **kwargs,
        }
        super().__init__(module, criterion, **kwargs)

    def __getstate__(self):
        # `module` and `module_` are one object, so it is stored once, as `module_`,
        # which skorch makes readable on a machine without a GPU.
        state = super().__getstate__()
        state.pop("module")
        state.pop("_fast", None)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        vars(self)["module"] = self.module_

    # -- what skorch builds ---------------------------------------------------------

    @property
    def _default_callbacks(self):
        return []

    def initialize_callbacks(self):
        """Build the callbacks; raise ValueError if one cannot be built."""
        try:
            return super().initialize_callbacks()
        except Exception as error:
            raise ValueError(f"The callbacks cannot be used: {error}") from error

    def notify(self, method_name, **kwargs):
        """Call a hook of the net and its callbacks; errors name the callback."""
        with naming_callbacks():
            super().notify(method_name, **kwargs)

    def initialize_criterion(self):
        """Build an empty module: the model computes its losses.

        Callbacks that save checkpoints save a criterion too.
        """
        self.criterion_ = torch.nn.Identity()
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Build one optimizer for each group of parameters."""
        names = {id(p): name for name, p in self.module_.named_parameters()}
        for group, parameters in self.module_.parameter_groups().items():
            prefix = optimizer_name(group)
            named = [(names[id(p)], p) for p in parameters]
            args, kwargs = self.get_params_for_optimizer(prefix, named)
            kind = getattr(self, prefix, self.optimizer)
            setattr(self, prefix + "_", build_optimizer(kind, args, kwargs))
        return self

    def optimizers(self):
        """Return the optimizers by their names in skorch."""
        return {name: getattr(self, name + "_") for name in self._optimizers}

    # -- fitting --------------------------------------------------------------------

    @deterministic_convolutions()
    def partial_fit(
        self, X, y=None, classes=None, *, parts=None, checkpoint=NOT_KEPT, **fit_params
    ):
        """Continue training; unlike in skorch, KeyboardInterrupt is not caught.

        Parameters
        ----------
        X : Rows
            All rows.
        y, classes : None
            Not used.
        parts : (Rows, Rows or None), optional
            Rows to train on and rows to hold out; by default all and none.
        checkpoint : NotKept
            Keeps the state, and maybe restores that of an interrupted fit.
        **fit_params
            See `fit_loop`.
        """
        if not self.initialized_:
            self.initialize()
        train, valid = (X, None) if parts is None else parts
        check_callbacks(self, train, valid)
        check_iterators(self, train)
        self.notify("on_train_begin", X=X, y=y)
        self.n_before_ = n_epochs = len(self.history)  # maybe loaded by a callback
        self.module_.begin(X)
        try:
            with checkpoint.running(self):
                self.fit_loop(train, valid, checkpoint=checkpoint, **fit_params)
        finally:
            self.notify("on_train_end", X=X, y=y)  # may restore other weights
            if len(self.history) > n_epochs:  # otherwise all is undone
                noise = derive_generator(self.seed, "settle", device=self.device)
                with torch.no_grad():
                    self.module_.settle(X, Noise(noise))
        return self

    def fit_loop(
        self, train, valid=None, epochs=None, *, watchers=(), checkpoint=NOT_KEPT, **_
    ):
        """Train for some epochs.

        Parameters
        ----------
        train : Rows
            Training rows.
        valid : Rows, optional
            Rows to hold out, whose bound is recorded.
        epochs : int, optional
            Number of epochs; ``max_epochs`` by default.
        watchers : sequence of objects, default=()
            Their ``begin_epoch()`` and ``end_epoch(net)`` are called; training stops
            if the latter returns True.
        checkpoint : NotKept
            Keeps the state.

        Raises
        ------
        FloatingPointError
            If a loss becomes non-finite. The epoch is undone.
        """
        if self.binarize == "fixed":
            train, valid = binarized(train, valid, self.seed)
        snapshot = Snapshot(self)
        if type(self) is VariationalNet:  # others may change what a step is
            self._fast = fast_training(self, train)
        try:
            for _ in range(self.max_epochs if epochs is None else epochs):
                snapshot.take()
                n_epochs = len(self.history)
                try:
                    with checkpoint.interruptible():
                        self._one_epoch(train, valid, watchers)
                except BaseException:  # Ctrl-C too: as if the epoch had not begun
                    snapshot.restore()
                    del self.history[n_epochs:]
                    raise
                stop = self._ask_callbacks(train, valid)
                for watcher in watchers:
                    stop |= watcher.end_epoch(self)
                checkpoint.end_epoch(self)
                if stop:
                    break
        finally:
            vars(self).pop("_fast", None)
            set_dropout_generator(self.module_, None)
            self.module_.eval()
        return self

    def _one_epoch(self, train, valid, watchers):
        for watcher in watchers:
            watcher.begin_epoch()
        self.notify("on_epoch_begin", dataset_train=train, dataset_valid=valid)
        self.run_single_epoch(train, True, "train", self.train_step)
        if valid is not None:
            self.run_single_epoch(valid, False, "valid", self.validation_step)

    def _ask_callbacks(self, train, valid):
        """Call the callbacks after an epoch; return whether one asks to stop."""
        try:
            self.notify("on_epoch_end", dataset_train=train, dataset_valid=valid)
        except KeyboardInterrupt as interrupt:
            if not raised_on_purpose(interrupt):
                raise
            return True
        return False

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch of training, with every phase, or of validation."""
        if training:
            self._train_epoch(iterator, step_fn)
            return
        loss = self.held_out_loss(iterator, step_fn, BatchHooks(self, training=False))
        if loss - loss != 0:
            raise FloatingPointError(
                f"The bound of the held-out rows became non-finite in epoch "
                f"{len(self.history)}, which is undone."
            )
        self.history.record(f"{prefix}_loss", loss)

    def _train_epoch(self, rows, step_fn):
        module, epoch = self.module_, len(self.history)
        batches = self.get_iterator(rows, training=True)
        noise, of_dropout = self._noise(epoch, batches)
        set_dropout_generator(module, of_dropout)
        module.train()
        batches.generator = derive_generator(self.seed, "shuffle", epoch)
        log, hooks = self._log(epoch, rows, batches), BatchHooks(self)
        if self._fast is not None and self._fast.applies():
            self._fast.epoch(self._binarized(batches, noise), noise, log)
            log.write(self.history, module)
            hooks.finish(log.losses)
            return
        self._fast = None
        groups = self._groups()
        with torch.enable_grad():  # the caller, or a Ctrl-C, may have left it disabled
            for phase in module.phases:
                for batch in self._binarized(batches, noise):
                    hooks.begin(batch)
                    for by_row in module.losses(batch, phase, noise):
                        loss = by_row.averaged(batch.sample_weight)
                        step_fn(batch, loss=loss, hooks=hooks, move=groups[loss.group])
                        log.add(loss, len(batch.x), batch.sample_weight)
                    hooks.end(batch, log.last_loss, phase == module.phases[0])
        log.write(self.history, module)
        hooks.finish(log.losses)

    def _noise(self, epoch, batches):
        """Return the noise of an epoch, and the generator for dropout."""
        kind = SharedNoise if self.shared_noise else Noise
        noise = kind(derive_generator(self.seed, "noise", epoch, self.device))
        return noise, noise.generator

    def _log(self, epoch, rows, batches):
        """Return the log of an epoch."""
        return EpochLog(epoch, len(rows))

    def _groups(self):
        """Return the optimizer and the trainable parameters of each group, by name.

        A single group has None for its parameters, as naming them only costs time.
        """
        groups = {}
        for group in self.module_.parameter_groups():
            optimizer = getattr(self, optimizer_name(group) + "_")
            moved = [p for part in optimizer.param_groups for p in part["params"]]
            groups[group] = optimizer, [p for p in moved if p.requires_grad]
        if len(groups) == 1:
            groups[group] = optimizer, None
        return groups

    def train_step(self, batch, loss, hooks, move, **fit_params):
        """Take one step; a loss moves only the parameters of its group."""
        optimizer, parameters = move
        if not loss.value.requires_grad or parameters == []:
            return  # a callback has frozen the whole group
        optimizer.zero_grad()
        self._backward(loss, batch, optimizer, parameters)
        if hooks.gradientwise:
            hooks.gradient(batch, parameters)
        optimizer.step()

    def _backward(self, loss, batch, optimizer, parameters):
        """Compute the gradients of a loss."""
        loss.value.backward(inputs=parameters)
