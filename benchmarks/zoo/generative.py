"""Autoencoders, generative networks, critics and flows."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case
from zoo.perceptrons import mlp

FAMILY = "generative"


def autoencoder(bottleneck=2, width=64):
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, bottleneck), nn.Linear(bottleneck, width), nn.ReLU(),
        nn.Linear(width, 64),
    )  # fmt: skip


def conv_autoencoder():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 2, 2), nn.ReLU(), nn.ConvTranspose2d(16, 1, 2, 2),
    )  # fmt: skip


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(64, latent), nn.Linear(64, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        noise = torch.randn_like(mean)
        return self.decoder(mean + noise * torch.exp(log_variance / 2)), mean, log_variance


def elbo(output, targets):
    logits, mean, log_variance = output
    penalty = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
    return functional.binary_cross_entropy_with_logits(logits, targets) + penalty / 640


class VQ(nn.Module):
    """A codebook with the straight-through gradient."""

    def __init__(self, width=16, codes=32):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, width))
        self.codebook = nn.Parameter(torch.randn(codes, width) * 0.3)
        self.decoder = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        encoded = self.encoder(x)
        code = self.codebook[torch.cdist(encoded, self.codebook).argmin(-1)]
        return self.decoder(encoded + (code - encoded).detach()), encoded, code


def vq_loss(output, targets):
    decoded, encoded, code = output
    return (
        functional.mse_loss(decoded, targets)
        + functional.mse_loss(code, encoded.detach())
        + 0.25 * functional.mse_loss(encoded, code.detach())
    )


class Coupling(nn.Module):
    def __init__(self, flip, width=48):
        super().__init__()
        self.flip, self.net = flip, mlp(3, nn.ReLU, width, 1, 2)
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        kept, changed = x.chunk(2, 1)[:: -1 if self.flip else 1]
        log_scale, shift = self.net(kept).chunk(2, 1)
        log_scale = torch.tanh(log_scale)
        changed = changed * torch.exp(log_scale) + shift
        return torch.cat([changed, kept] if self.flip else [kept, changed], 1), log_scale.sum(1)


class RealNVP(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(bool(k % 2)) for k in range(depth))

    def forward(self, x):
        log_volume = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, change = coupling(x)
            log_volume = log_volume + change
        return x, log_volume


def flow_loss(output, targets):
    del targets
    latent, log_volume = output
    return (0.5 * (latent**2).sum(1) + math.log(2 * math.pi) - log_volume).mean()


def dcgan(norm=True):
    maybe = (lambda width: [nn.BatchNorm2d(width)]) if norm else (lambda _: [])
    return nn.Sequential(
        nn.Unflatten(1, (16, 1, 1)), nn.ConvTranspose2d(16, 32, 2), *maybe(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), *maybe(16), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def mmd(output, targets):
    """Maximum mean discrepancy between made and real pictures, a sum of Gaussian kernels."""
    made, real = output.flatten(1), targets.flatten(1)

    def kernel(a, b):
        distance = torch.cdist(a, b).square()
        return sum(torch.exp(-distance / (2 * scale)) for scale in (8.0, 32.0, 128.0)).mean()

    return kernel(made, made) + kernel(real, real) - 2 * kernel(made, real)


def discriminator(spectral=False):
    wrap = nn.utils.parametrizations.spectral_norm if spectral else (lambda layer: layer)
    return nn.Sequential(
        wrap(nn.Conv2d(1, 16, 4, 2, 1)), nn.LeakyReLU(0.2), wrap(nn.Conv2d(16, 32, 4, 2, 1)), nn.LeakyReLU(0.2),
        nn.Flatten(), wrap(nn.Linear(128, 1)),
    )  # fmt: skip


def critic_loss(output, targets):
    """Wasserstein distance with a penalty that keeps the critic small."""
    real, made = output[targets == 1], output[targets == 0]
    return made.mean() - real.mean() + 0.1 * (output**2).mean()


class Denoiser(nn.Module):
    """Diffusion: a small convolutional network told the time by a shift; its last layer starts at zero."""

    def __init__(self, width=24):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width))
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)) for _ in range(3)
        )
        self.last = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x, time):
        hidden = self.first(x) + self.time(time[:, None])[:, :, None, None]
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.last(torch.relu(hidden))


def case(name, build, batch, loss_fn, uninformed=None, **more):
    return Case(name, FAMILY, build, batch, loss_fn, uninformed, **more)


BCE = functional.binary_cross_entropy_with_logits
CASES = (
    case("autoencoder_bottleneck2", autoencoder, _data.same(_data.rows), functional.mse_loss, 0.53, steps=150),
    case("autoencoder_wide", lambda: autoencoder(24), _data.same(_data.rows), functional.mse_loss, 0.53),
    case("conv_autoencoder", conv_autoencoder, _data.same(_data.images), functional.mse_loss, 0.53),
    case("vae", VAE, _data.same(_data.pixels), elbo, steps=150),
    case("vq_vae", VQ, _data.same(_data.rows), vq_loss, steps=150),
    case("realnvp", RealNVP, _data.moons, flow_loss, steps=150, recipes=(("adam", 1e-2), ("adam", 3e-3))),
    case("gan_generator", dcgan, _data.latents, mmd),
    case("gan_generator_plain", lambda: dcgan(norm=False), _data.latents, mmd),
    case("gan_discriminator", discriminator, _data.real_and_noise, BCE, math.log(2)),
    case("gan_discriminator_spectral", lambda: discriminator(spectral=True), _data.real_and_noise, BCE, math.log(2),
         steps=150, recipes=(("adam", 1e-2), ("adam", 3e-3))),
    case("wgan_critic", discriminator, _data.real_and_noise, critic_loss),
    case("diffusion_denoiser", Denoiser, _data.noised, functional.mse_loss, 1.0),
)  # fmt: skip
