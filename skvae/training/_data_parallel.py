"""Training in several processes, each of which computes a part of every batch.

All processes draw the same batches and the same noise, and each takes its rows of them.
Gradients are averaged over the processes before every step, so that all of them take
the steps that one process would take, up to rounding. `accelerate` starts the processes
and exchanges tensors.
"""

from collections import Counter

import torch

from skvae.distributions import Noise, SharedNoise
from skvae.training._epoch import EpochLog
from skvae.training._iterating import TensorBatches
from skvae.training._net import VariationalNet
from skvae.training._optimizers import parameters_of
from skvae.training._seeds import derive_generator


class PartBatches(TensorBatches):
    """The rows of each batch that one of several processes computes.

    A process that would have no row gets one that counts nothing.

    Parameters
    ----------
    rows, batch_size
        As for `TensorBatches`; batches are those of all processes together.
    place : int
        The number of the process.
    n_processes : int
        The number of processes.

    Attributes
    ----------
    n_joint : int
        Number of rows of the current batch in all processes.
    where : slice
        Those of this process among them.
    """

    def __init__(self, rows, batch_size, place, n_processes):
        super().__init__(rows, batch_size)
        self.place, self.n_processes = place, n_processes

    def __iter__(self):
        for batch in super().__iter__():
            if self._is_empty:
                nothing = batch.x.new_zeros(len(batch.x))
                yield batch._replace(sample_weight=nothing)
            else:
                yield batch

    def _part(self, chunk):
        self.n_joint = n = len(chunk)
        start, stop = (n * (self.place + i) // self.n_processes for i in (0, 1))
        self._is_empty = start == stop
        self.where = slice(0, 1) if self._is_empty else slice(start, stop)
        return chunk[self.where]


class PartNoise(Noise):
    """The numbers that the rows of a part have in the noise of the whole batch.

    Parameters
    ----------
    generator : torch.Generator
        In the same state in all processes.
    own : torch.Generator
        Another one in each process, for what draws a varying number of times.
    batches : PartBatches
        The batches of this process.
    """

    def __init__(self, generator, own, batches):
        super().__init__(generator)
        self.own, self.batches = own, batches

    def normal(self, like, n_samples=None):
        return self._of_part(super().normal, like, n_samples)

    def uniform(self, like, n_samples=None):
        return self._of_part(super().uniform, like, n_samples)

    def poisson(self, rate, n_samples=None):
        return Noise(self.own).poisson(rate, n_samples)

    def fork(self):
        generator = super().fork().generator
        return PartNoise(generator, self.own, self.batches)

    @classmethod
    def from_seed(cls, seed, device="cpu"):
        return Noise.from_seed(seed, device)

    def _of_part(self, draw, like, n_samples):
        where = self.batches.where
        if like.shape[-2] != where.stop - where.start:  # not of the rows of the batch
            return draw(like, n_samples)
        shape = (*like.shape[:-2], self.batches.n_joint, like.shape[-1])
        return draw(like.new_empty(()).expand(shape), n_samples)[..., where, :]


class JointLog(EpochLog):
    """The losses of an epoch over the rows of all processes.

    Parameters
    ----------
    epoch, n_rows
        As for `EpochLog`.
    batches : PartBatches
        The batches of this process.
    total : callable
        Returns the sum of a tensor over all processes.
    """

    def __init__(self, epoch, n_rows, batches, total):
        super().__init__(epoch, n_rows)
        self.batches, self.total = batches, total
        self._n_joint = Counter()

    def add(self, loss, n_rows, weight=None):
        super().add(loss, n_rows, weight)
        self._n_joint[loss.group] += self.batches.n_joint

    def _means(self):
        return [
            self.total(ledger.means() * ledger.ends[-1]) / self._n_joint[group]
            for group, ledger in self._ledgers.items()
        ]


class DataParallelNet(VariationalNet):
    """A `VariationalNet` that is trained by several processes together.

    Parameters
    ----------
    module : torch.nn.Module
        A built `LatentModel`.
    accelerator : accelerate.Accelerator
        Knows the processes.
    **kwargs
        As for `VariationalNet`.
    """

    def __init__(self, module, *, accelerator, **kwargs):
        self.accelerator = accelerator
        # The hand-written step does not exchange gradients.
        super().__init__(module, **kwargs | {"fast_path": False})

    @property
    def is_main(self):
        """Whether this process reports and writes."""
        return self.accelerator.is_main_process

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Check that all processes have as many rows, and begin with one's weights."""
        super().on_train_begin(net, X=X, y=y, **kwargs)
        n_rows = torch.tensor(float(len(X)), device=self.device)
        if self._total(n_rows) != len(X) * self.accelerator.num_processes:
            raise ValueError(
                f"All processes must fit the same rows. Process "
                f"{self.accelerator.process_index} has {len(X)} rows, others have not."
            )
        tensors = [*self.module_.parameters(), *self.module_.buffers()]
        for tensor in tensors:
            tensor.data.copy_(from_main(self.accelerator, tensor.detach()))

    def fit_loop(self, *args, **kwargs):
        """Train for some epochs; see :meth:`VariationalNet.fit_loop`."""
        try:
            return super().fit_loop(*args, **kwargs)
        finally:
            vars(self).pop("_part", None)

    def get_iterator(self, dataset, training=False):
        """Return the batches; in training, the part that this process computes."""
        batches = super().get_iterator(dataset, training)
        if not training:
            return batches
        if type(batches) is not TensorBatches:
            raise ValueError(
                "The iterator_train of net_params cannot be set with an accelerator."
            )
        place, n = self.accelerator.process_index, self.accelerator.num_processes
        self._part = PartBatches(dataset, batches.batch_size, place, n)
        return self._part

    def held_out_loss(self, rows, *args, **kwargs):
        """Return minus the mean bound of some rows, as the main process computes it."""
        loss = super().held_out_loss(rows, *args, **kwargs)
        loss = torch.tensor(loss, dtype=torch.float64, device=self.device)
        return from_main(self.accelerator, loss).item()

    def _noise(self, epoch, batches):
        generator = derive_generator(self.seed, "noise", epoch, self.device)
        place, n = self.accelerator.process_index, self.accelerator.num_processes
        own = derive_generator(self.seed, "part", epoch * n + place, self.device)
        if self.shared_noise:
            return SharedNoise(generator), own
        return PartNoise(generator, own, batches), own

    def _log(self, epoch, rows, batches):
        return JointLog(epoch, len(rows), batches, self._total)

    def _total(self, tensor):
        return self.accelerator.reduce(tensor, reduction="sum")

    def _backward(self, loss, batch, optimizer, parameters):
        """Compute the gradients of the mean over the rows of all processes."""
        # The value is a mean over the rows of this part.
        share = len(batch.x) / self._part.n_joint
        (loss.value * share).backward(inputs=parameters)
        moved = [p for p in parameters_of(optimizer) if p.requires_grad]
        # A network that no row of any process needs has no gradient, rather than zero.
        used = torch.tensor([p.grad is not None for p in moved], device=self.device)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in moved]
        flat = torch.cat([*(g.flatten() for g in grads), used.to(grads[0].dtype)])
        *flat, used = self._total(flat).split([*(g.numel() for g in grads), len(grads)])
        for parameter, gradient, n_used in zip(moved, flat, used.tolist(), strict=True):
            parameter.grad = gradient.view_as(parameter) if n_used else None


def from_main(accelerator, tensor):
    """Return the tensor of the main process."""
    from accelerate.utils import broadcast

    return broadcast(tensor.clone(), from_process=0)


def agreed_seed(seed, accelerator):
    """Return the seed of the main process, if there is an accelerator."""
    if accelerator is None:
        return seed
    # Every backend has the device of the accelerator; float64 holds 32 bits exactly.
    value = torch.tensor(float(seed), dtype=torch.float64, device=accelerator.device)
    return int(from_main(accelerator, value))
