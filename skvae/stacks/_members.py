"""The members of a stack, and which nets can be one."""

import torch

from skvae.training import (
    EarlyStopping,
    HoldOut,
    KLWarmup,
    RecordEpoch,
    TensorBatches,
    derive_generator,
    is_known,
)

OURS = {EarlyStopping, KLWarmup, RecordEpoch}
OWN = {"beta", "kl_weight", "training"}  # what members may differ in


def can_be_stacked(net, rows):
    """Return whether a net is one that the hand-written step knows, and is new."""
    return (
        net.fast_path
        and not net.shared_noise
        and not len(net.history)
        and net.binarize is None
        and rows.odds is None
        and rows.table.sample_weight is None
        and (net.train_split is None or isinstance(net.train_split, HoldOut))
        and net.batch_size > 0
        and not net.get_params_for("iterator_train")
        and {type(callback) for _, callback in net.callbacks_} <= OURS
        and is_known(net, rows)
        and net.module_.written() is not None
    )


class Member:
    """A net, its rows, and its place in the stack.

    Parameters
    ----------
    net : VariationalNet
        The net.
    rows : Rows
        Its training rows, of which some may be held out.
    """

    def __init__(self, net, rows):
        self.net, self.rows, self.failed = net, rows, False
        self.train, self.valid = net.get_split_datasets(rows)
        self.batches, self.valid_batches = (
            [] if part is None else TensorBatches(part, net.batch_size).sizes()
            for part in (self.train, self.valid)
        )

    @property
    def group(self):
        """Settings of its optimizer."""
        return self.net.optimizer_.param_groups[0]

    @property
    def beta(self):
        """Current weight of the divergence."""
        module = self.net.module_
        return float(getattr(module, "beta", 1.0) * module.kl_weight)

    def signature(self):
        """Return what members of one stack have in common."""
        net, table = self.net, self.rows.table
        of_batches = net.batch_size, len(self.batches), len(self.valid_batches)
        widths = table.x.shape[1], *sorted(table.beside())
        device = str(self.rows.device)
        return repr((architecture(net.module_), of_batches, widths, device))

    def positions(self, n_before, epoch=None):
        """Return the places of its rows in the joint table, shuffled in an epoch."""
        part = self.valid if epoch is None else self.train
        order = torch.from_numpy(part.index)
        if epoch is not None:
            generator = derive_generator(self.net.seed, "shuffle", epoch)
            order = order[torch.randperm(len(order), generator=generator)]
        return order + n_before


def architecture(module):
    """Return what modules must have in common to be members of one stack."""
    parts = [
        (path, type(part), _settings(part)) for path, part in module.named_modules()
    ]
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return parts, [(name, value.shape, value.dtype) for name, value in tensors]


def _settings(part):
    public = {name for name in vars(part) if not name.startswith("_")} - OWN
    return [(name, repr(getattr(part, name))) for name in sorted(public)]
