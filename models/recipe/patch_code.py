"""The latent code: a linear one, the principal components of 8x8 patches, written into the VAE's encoder.

A trained encoder costs hours on a CPU and lost whole hues on the way; the principal components are known in a second,
keep each patch's mean colour exactly, and stay what they are while the decoder learns.  So the U-Net can be trained
from the first minute, and a better decoder can replace this one at any time.

Latent channel i is scale_i * (component_i . (patch - mean)), patches being 8x8x3 values of -1..1.
"""

import numpy as np
import torch

from settings import FACTOR, LATENT_CHANNELS

# Scaled to a standard deviation of (variance / largest variance) to this power: 0 would make all channels equal, so
# that the noise drowns the outlines no sooner than the finest detail; 0.5 would leave details to the last steps.
SPREAD_POWER = 0.2
# The encoder's last norm must not see how strong the signal is: next to constants of this size it does not.
ANCHOR = 256.0
# Log variance of what the encoder promises: it is exact up to rounding.
LOG_VARIANCE = -9.0


def patches(pictures):
    """Pictures [N, 3, H, W] as patches [N, H/8, W/8, 192] (row, column, colour)."""
    count, _, height, width = pictures.shape
    cut = pictures.reshape(count, 3, height // FACTOR, FACTOR, width // FACTOR, FACTOR)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(count, height // FACTOR, width // FACTOR, -1)


class PatchCode:
    """mean [192], components [16, 192] (orthonormal rows), scale [16]."""

    def __init__(self, mean, components, scale):
        self.mean, self.components, self.scale = mean, components, scale

    @classmethod
    def fit(cls, flat):
        """From patches [N, 192]."""
        mean = flat.mean(0)
        covariance = torch.cov(flat.T.double())
        variance, vectors = torch.linalg.eigh(covariance)
        variance = variance.flip(0)[:LATENT_CHANNELS].float()
        components = vectors.flip(1)[:, :LATENT_CHANNELS].T.float()
        components = components * torch.where(components.sum(1, keepdim=True) < 0, -1.0, 1.0)
        return cls(mean, components.contiguous(), (variance / variance[0]) ** SPREAD_POWER / variance.sqrt())

    @classmethod
    def load(cls, path):
        """As written by save()."""
        with np.load(path) as file:
            return cls(*(torch.from_numpy(file[name]) for name in ("mean", "components", "scale")))

    def save(self, path):
        """As NumPy's npz."""
        np.savez(path, mean=self.mean.numpy(), components=self.components.numpy(), scale=self.scale.numpy())

    def encode(self, pictures):
        """Pictures [N, 3, H, W] of -1..1 to latents [N, 16, H/8, W/8]."""
        centred = patches(pictures) - self.mean
        return (centred @ (self.components * self.scale[:, None]).T).permute(0, 3, 1, 2).contiguous()

    def decode(self, latents):
        """The best linear decoding: what a trained decoder must beat."""
        flat = latents.permute(0, 2, 3, 1) / self.scale @ self.components + self.mean
        count, rows, columns, _ = flat.shape
        cut = flat.reshape(count, rows, columns, FACTOR, FACTOR, 3).permute(0, 5, 1, 3, 2, 4)
        return cut.reshape(count, 3, rows * FACTOR, columns * FACTOR)


def read_encoder(vae):
    """The code that write_encoder wrote.  Of the mean only what the components see of it is known; no latent tells more."""
    convolution = vae.encoder.down_blocks[2].downsamplers[0].conv
    rows = slice(0, 2 * LATENT_CHANNELS, 2)
    with torch.no_grad():
        weight = convolution.weight[rows, :48, :2, :2].float()
        cut = weight.reshape(LATENT_CHANNELS, 2, 2, 2, 2, 3, 2, 2)  # y2, x2, y1, x1, the colour; then y and x 4 apart
        flat = cut.permute(0, 6, 1, 3, 7, 2, 4, 5).reshape(LATENT_CHANNELS, -1)
        scale = flat.norm(dim=1)
        components = flat / scale[:, None]
        return PatchCode(components.T @ (-convolution.bias[rows].float() / scale), components, scale)


def write_encoder(vae, code):
    """Makes the encoder and quant_conv of an AutoencoderKL compute the code.

    All residual branches are silenced, which leaves the shortcuts; strided convolutions gather the four neighbours
    into channels, 3, 12, 48; the last takes the components.  silu(x) - silu(-x) = x undoes the last activation.
    """
    encoder = vae.encoder
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "norm" not in name:
                parameter.zero_()
        pass_on(encoder.conv_in.weight, 3)
        width = 3
        for block in encoder.down_blocks:
            for resnet in block.resnets:
                if resnet.conv_shortcut is not None:
                    pass_on(resnet.conv_shortcut.weight, width)
            if block.downsamplers:
                convolution = block.downsamplers[0].conv
                if width < 48:
                    gather(convolution.weight, width)
                    width *= 4
                else:
                    project(convolution, code)
                    width = 2 * LATENT_CHANNELS
        spread(encoder, vae.quant_conv)


def pass_on(weight, width):
    """The first channels stay what they are."""
    middle = weight.shape[-1] // 2
    for channel in range(width):
        weight[channel, channel, middle, middle] = 1


def gather(weight, width):
    """Channel (2 y + x) * width + c is channel c of the neighbour at (y, x)."""
    for place in range(4):
        for channel in range(width):
            weight[place * width + channel, channel, place // 2, place % 2] = 1


def project(convolution, code):
    """The components of the patch whose 48 channels the four neighbours hold, each beside its negative."""
    flat = code.components * code.scale[:, None]
    offset = -(flat @ code.mean)
    cut = flat.reshape(LATENT_CHANNELS, 2, 2, 2, 2, 2, 2, 3)  # by y and x: 4, 2 and 1 pixels apart, then the colour
    for sign in (0, 1):
        for y in range(2):
            for x in range(2):
                part = cut[:, y, :, :, x].permute(0, 1, 3, 2, 4, 5)  # [16, y2, x2, y1, x1, c]
                part = part.reshape(LATENT_CHANNELS, 48) * (1 - 2 * sign)
                convolution.weight[sign:2 * LATENT_CHANNELS:2, :48, y, x] = part
        convolution.bias[sign:2 * LATENT_CHANNELS:2] = offset * (1 - 2 * sign)


def spread(encoder, quant_conv):
    """Past the last norm: two anchors in each of its groups, the channels of the code in the other seats."""
    norm, last = encoder.conv_norm_out, encoder.mid_block.resnets[-1]
    size = norm.num_channels // norm.num_groups
    seats = [seat for seat in range(norm.num_channels) if seat % size < size - 2][:2 * LATENT_CHANNELS]
    shortcut = encoder.down_blocks[-1].resnets[-1].conv_shortcut
    shortcut.weight.zero_()
    for channel, seat in enumerate(seats):
        shortcut.weight[seat, channel] = 1
    for group in range(norm.num_groups):
        last.conv2.bias[group * size + size - 2] = ANCHOR
        last.conv2.bias[group * size + size - 1] = -ANCHOR
    norm.bias.zero_()
    norm.weight.fill_(ANCHOR * (2 / size) ** 0.5)
    middle = encoder.conv_out.weight.shape[-1] // 2
    for channel in range(LATENT_CHANNELS):
        encoder.conv_out.weight[channel, seats[2 * channel], middle, middle] = 1
        encoder.conv_out.weight[channel, seats[2 * channel + 1], middle, middle] = -1
    quant_conv.weight.zero_()
    quant_conv.bias.zero_()
    pass_on(quant_conv.weight, LATENT_CHANNELS)
    quant_conv.bias[LATENT_CHANNELS:] = LOG_VARIANCE
