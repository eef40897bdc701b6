"""What models that inpaint or edit are shown beside the latent, as AUTOMATIC1111 makes it (modules/processing.py:
txt2img_image_conditioning, inpainting_image_conditioning, with a mask weight of 1, edit_image_conditioning)."""

import numpy
import torch


def to_pixels(image):
    """A picture as [1, 3, h, w] of -1 to 1."""
    return torch.from_numpy(numpy.array(image)).float().permute(2, 0, 1).unsqueeze(0) / 255 * 2 - 1


def shown_picture(pipe, size, image, mask, generator):
    """[1, 1 + c, h, w]: a mask, and the latent of what it leaves of a picture; without a mask it leaves grey.
    [1, c, h, w], the picture's latent, for a model that edits.  None for one that takes the latent alone.  size is that
    of the picture, (width, height)."""
    more = pipe.unet.config.in_channels - pipe.vae.config.latent_channels
    if more == 0:
        return None
    if more == pipe.vae.config.latent_channels:
        return pipe.vae.encode(to_pixels(image)).latent_dist.mode()
    hidden = torch.ones(1, 1, *reversed(size))
    pixels = torch.zeros(1, 3, *reversed(size))
    if mask is not None:
        hidden = torch.from_numpy(numpy.array(mask.convert("L"))).float().div(255).round().reshape(hidden.shape)
        pixels = to_pixels(image)
    left = pipe.vae.encode(pixels * (1 - hidden)).latent_dist.sample(generator) * pipe.vae.config.scaling_factor
    return torch.cat([torch.nn.functional.interpolate(hidden, size=left.shape[-2:]), left], dim=1)
