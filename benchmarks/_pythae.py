"""The VAE of `benchmarks._nets`, trained by pythae's trainer.

pythae's Gaussian has a fixed scale of 1, so it computes slightly less than the others.
"""

import contextlib
import io
import logging
import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig

from benchmarks._nets import LR, decoder, encoder


class Encoder(BaseEncoder):
    def __init__(self, task):
        super().__init__()
        self.layers = encoder(task)

    def forward(self, x):
        mean, log_var = self.layers(x).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_var)


class Decoder(BaseDecoder):
    def __init__(self, task):
        super().__init__()
        self.layers = decoder(task)
        self.out = torch.sigmoid if task.likelihood == "bernoulli" else lambda x: x

    def forward(self, z):
        return ModelOutput(reconstruction=self.out(self.layers(z)))


def train(X, task, epochs):
    """Build, train and return the model, without pythae's log and progress bars."""
    data = BaseDataset(torch.from_numpy(X), torch.zeros(len(X)))
    with tempfile.TemporaryDirectory() as folder, _silence():
        config = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=task.batch_size,
            num_epochs=epochs,
            learning_rate=LR,
            no_cuda=True,
        )
        trainer = BaseTrainer(_model(task), data, training_config=config)
        trainer.train()
    return trainer.model


def _model(task):
    config = VAEConfig(
        input_dim=(task.n_features,),
        latent_dim=task.n_components,
        reconstruction_loss="bce" if task.likelihood == "bernoulli" else "mse",
    )
    return VAE(config, encoder=Encoder(task), decoder=Decoder(task))


@contextlib.contextmanager
def _silence():
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
