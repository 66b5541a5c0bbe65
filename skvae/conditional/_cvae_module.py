"""The model of the conditional variational autoencoder."""

import torch

from skvae.autoencoders import VAE
from skvae.conditional._task_classifier import LEARNING_RATE, N_STEPS
from skvae.handwritten import WrittenCVAE
from skvae.training import Loss

CLASSIFIER = "classifier"


class CVAE(VAE):
    """p(x, z | s) = p(z) p(x | z, s), with q(z | x, s) = N(μ(x, s), diag σ²(x, s)).

    The encoder and the decoder see the condition s, the prior does not. Trained on

        L(x, s) = E_q[ln p(x | z, s)] − β KL(q(z | x, s) || p(z))

    (Kingma et al. 2014; Sohn et al. 2015, eq. 4 with a fixed prior), or with several
    draws on the importance-weighted bound, as :class:`~skvae.autoencoders.VAE`.

    With a classifier c(s | z), training subtracts λ E[ln c(s | z) − ln π(s)], an
    estimate of λ I(S; Z), and the gradient flows through z into the encoder. After each
    step of the model, the classifier is trained, with dropout, on new draws of the same
    rows. `bound` does not contain this term.

    Parameters
    ----------
    *parts
        Those of the VAE.

    Attributes
    ----------
    invariance : float
        λ. Like β, it is multiplied by the KL warm-up's weight.
    task_classifier : TaskClassifier or None
        c(s | z), if there is one.
    """

    invariance = 0.0
    is_written = True

    def __init__(self, *parts):
        super().__init__(*parts)
        self.task_classifier = None

    def written(self):
        plain = super().written() is not None and self.task_classifier is None
        return WrittenCVAE if plain else None

    def posterior(self, batch):
        q = self.posterior_of(beside(self.inputs(batch), batch.condition))
        return self.unless_empty(q, batch)

    def blind_posterior(self, batch):
        """q(z | 0, s), the posterior of zeros under the condition."""
        zeros = torch.zeros_like(self.inputs(batch))
        return self.posterior_of(beside(zeros, batch.condition))

    def likelihood(self, z, batch):
        return super().likelihood(beside(z, batch.condition))

    def begin(self, rows):
        super().begin(rows)
        if self.task_classifier is not None:
            self.task_classifier.begin(rows)

    def parameter_groups(self):
        groups = self.prior_module.groups()
        if self.task_classifier is not None:
            groups = groups | {CLASSIFIER: list(self.task_classifier.parameters())}
        return self.with_the_rest(groups)

    def learning_rates(self):
        rates = super().learning_rates()
        if self.task_classifier is not None:
            rates = rates | {CLASSIFIER: LEARNING_RATE}
        return rates

    def losses(self, batch, phase, noise):
        yield from super().losses(batch, phase, noise)
        if phase != "model" or self.task_classifier is None:
            return
        with torch.no_grad():  # of the model after its step
            z = self.posterior(batch).sample(noise, N_STEPS)  # (N_STEPS, B, K)
        for value in self.task_classifier.losses(z, batch.condition):
            yield Loss(CLASSIFIER, value, {})

    def _terms_at(self, z, q, p, batch):
        bound, terms = super()._terms_at(z, q, p, batch)
        if self.task_classifier is None or not self.training:
            return bound, terms
        classifier = self.task_classifier.eval()
        information = classifier(z, batch.condition)  # (B,) or (S, B)
        information = information.reshape(-1, len(batch.x)).mean(0)  # (B,)
        terms = terms | {"task_information": information}
        return bound - self.invariance * self.kl_weight * information, terms


def beside(values, condition):
    """Append conditions (B, C) to values of shape (..., B, h): (..., B, h + C)."""
    if condition.shape[-1] == 0:
        return values
    return torch.cat([values, condition.expand(*values.shape[:-1], -1)], -1)
