"""JMVAE-kl whose image decoder is also the generator of a GAN."""

import torch
from torch.nn import functional

from skvae.multimodal._jmvae_module import JMVAE
from skvae.multimodal._modality import on_rows
from skvae.training import Loss

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class JMVAEGAN(JMVAE):
    """The model of JMVAE, with one decoder also trained as a generator.

    Each batch takes three steps, as in the author's code. Let x be the image, D the
    discriminator, x̂ the mean of p(x | z) at z ~ q(z | x, w) and x̃ at z ~ N(0, I):

    - the encoders and other decoders maximise the bound of :class:`JMVAE`;
    - the image's decoder minimises −γ ln p(x | z) − ln D(x̂) − ln D(x̃);
    - the discriminator minimises −ln D(x) − ½ ln(1 − D(x̂)) − ½ ln(1 − D(x̃)).

    The last two use latents drawn before the first (Suzuki et al. 2018, section 4.6.3,
    which gives no weights; Larsen et al. 2016). As an adversarial loss is not a bound,
    the bound of JMVAE is recorded and validated.

    Parameters
    ----------
    modalities, joint, experts, n_components, seed
        As in :class:`JMVAE`.
    image : int
        Number of the modality to generate.
    discriminator : torch.nn.Module
        Features of that modality -> logits of D, (B, n_m) -> (B,).
    """

    gamma = 1.0

    def __init__(
        self, modalities, joint, experts, n_components, seed, image, discriminator
    ):
        super().__init__(modalities, joint, experts, n_components, seed)
        self.image, self.discriminator = image, discriminator

    def parameter_groups(self):
        modality = self.modalities[self.image]
        groups = {
            GENERATOR: [*modality.decoder.parameters(), *modality.head.parameters()],
            DISCRIMINATOR: list(self.discriminator.parameters()),
        }
        return self.with_the_rest(groups)

    def losses(self, batch, phase, noise):
        q, experts = self.inferred(batch)
        bound, terms = self.terms(q, experts, batch, noise)
        yield Loss("model", -bound, terms, self.rows_of(terms, batch))
        z = q.sample(noise)  # (B, K)
        z = torch.stack([z, self.prior(batch).sample(noise).expand_as(z)])  # (2, B, K)
        modality = self.modalities[self.image]
        yield Loss(GENERATOR, *self._generator_loss(modality, z, batch))
        with torch.no_grad():
            fake = modality.head.features(modality.likelihood(z).mean)  # (2, B, n_m)
        real = modality.head.features(batch.x[..., modality.columns])  # (B, n_m)
        yield Loss(DISCRIMINATOR, *self._discriminator_loss(real, fake, batch))

    def _generator_loss(self, modality, z, batch):
        p = modality.likelihood(z)  # of 2 x B rows
        log_likelihood = self._seen(self._log_likelihood(p, modality, batch)[0], batch)
        logits = self._logits(modality.head.features(p.mean))  # (2, B)
        fooled = functional.softplus(-logits).sum(0)
        return fooled - self.gamma * log_likelihood, {"not_fooled": fooled}

    def _log_likelihood(self, p, modality, batch):
        """Return ln p of the observed cells of one modality, (..., B)."""
        at = modality.columns
        cells = None if batch.seen is None else batch.seen[..., at]
        return p.observed_log_prob(batch.x[..., at], cells)

    def _discriminator_loss(self, real, fake, batch):
        logits = self._logits(fake)  # (2, B)
        right = functional.softplus(-self._real_logits(real, batch))
        right = self._seen(right, batch)
        wrong = functional.softplus(logits).mean(0)
        terms = {"missed_real": right, "missed_fake": wrong}
        if batch.observed is None:
            return right + wrong, terms
        rows = {"missed_real": batch.observed[:, self.image]}
        return right + wrong, terms, rows

    def _logits(self, features):
        """Return the logits of D, (..., B, n_m) -> (..., B)."""
        rows = features.flatten(0, -2)
        return self.discriminator(rows).unflatten(0, features.shape[:-1])

    def _real_logits(self, features, batch):
        """Return the logits of D for rows with an image, zeros for others, (B,)."""
        if batch.observed is None:
            return self._logits(features)
        found = on_rows(self._logits, features, batch.observed[:, self.image])
        return features.new_zeros(len(features)) if found is None else found

    def _seen(self, values, batch):
        """Set the values of rows without an image to zero."""
        if batch.observed is None:
            return values
        return torch.where(batch.observed[:, self.image], values, 0)
