"""A mixture of Gaussians over latents, fitted to where the encoder puts real data: what samples start from.   Ghosh et al. 2020, s. 4.3"""

from __future__ import annotations

import warnings

import torch
from torch import Generator, Tensor, nn

from aigc.nets.finite import check_finite
from aigc.nets.kinds import COMPONENTS

ENOUGH = 4  # examples for each component and dimension: a covariance wants a few times as many


class LatentMixture(nn.Module):
    """weights (K,), means (K, Z) and the Cholesky factors (K, Z, Z) of full covariances; N(0, I) until it is fitted.

    Components that the examples are too few for have weight 0.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, size: int, components: int = COMPONENTS):
        super().__init__()
        self.register_buffer("weights", torch.eye(components)[0].clone())
        self.register_buffer("means", torch.zeros(components, size))
        self.register_buffer("factors", torch.eye(size).repeat(components, 1, 1))

    def fit(self, z: Tensor, seed: int) -> None:
        """A few rounds of expectation-maximisation on latents (N, Z).  Raises FloatingPointError where they are not finite."""
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits

        check_finite(z)
        z = z if len(z) > 1 else z.repeat(2, 1)  # a single example is a cluster too
        count = max(1, min(len(self.weights), len(z) // (ENOUGH * z.shape[1])))
        spread = float(z.var(0, correction=0).mean())
        mixture = GaussianMixture(count, max_iter=20, reg_covar=1e-3 * spread + 1e-6, random_state=seed)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):  # on matrices this small, threads only wait for each other
            warnings.simplefilter("ignore")  # stopping early is meant
            mixture.fit(z.cpu().double().numpy())
        self.weights.zero_()[:count] = torch.as_tensor(mixture.weights_).to(z)
        self.means[:count] = torch.as_tensor(mixture.means_).to(z)
        self.factors[:count] = torch.linalg.cholesky(torch.as_tensor(mixture.covariances_)).to(z)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """-> (n, Z)"""
        which = torch.multinomial(self.weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, self.means.shape[1], 1, generator=rng, device=self.means.device)
        return self.means[which] + (self.factors[which] @ noise).squeeze(-1)

    def tempered(self, z: Tensor, temperature: float) -> Tensor:
        """Each latent nearer to the mean of its component, or farther away.  (N, Z) -> (N, Z)"""
        return z if temperature == 1 else torch.lerp(self.nearest_mean(z), z, temperature)

    def nearest_mean(self, z: Tensor) -> Tensor:
        """The mean of the component that most likely made each latent.  (N, Z) -> (N, Z)"""
        away = (z[:, None] - self.means).transpose(0, 1)  # (K, N, Z)
        whitened = torch.linalg.solve_triangular(self.factors, away.transpose(1, 2), upper=False)
        log_p = self.weights.log() - self.factors.diagonal(dim1=1, dim2=2).log().sum(1) - 0.5 * whitened.square().sum(1).T
        return self.means[log_p.argmax(1)]
