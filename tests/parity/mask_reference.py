"""Draws a part of a picture anew: with diffusers' pipeline, and with AUTOMATIC1111's documented arithmetic.

The arithmetic is that of modules/processing.py (StableDiffusionProcessingImg2Img.init, .sample, apply_overlay),
modules/masking.py and modules/sd_samplers_cfg_denoiser.py, with PIL, and OpenCV's GaussianBlur of 8-bit pictures
written out.
"""

import math

import numpy
import torch
from PIL import Image, ImageFilter, ImageOps

from shown_reference import shown_picture, to_pixels
from variation_reference import start_noise
from webui_samplers import webui_scheduler

SHOWN_CLEAN = ("ddim", "pndm", "unipc")  # AUTOMATIC1111 blends before these samplers' network rather than after
FILL = [(256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1)]  # radius, times laid over


def to_picture(tensor):
    """A picture [h, w, 3] of 8-bit values, for PIL."""
    return Image.fromarray(tensor.numpy().astype(numpy.uint8))


def kernel_of(sigma):
    """OpenCV's kernel in 256ths, of the size that AUTOMATIC1111 asks for: rounded outside in, with the errors passed
    on, and what is left in the middle."""
    reach = int(2.5 * sigma + 0.5)
    exact = numpy.exp(-0.5 * (numpy.arange(-reach, reach + 1) / sigma) ** 2)
    exact /= exact.sum()
    half, error = [], 0.0
    for weight in exact[:reach]:
        wanted = weight * 256 + error
        half.append(round(wanted))
        error = wanted - half[-1]
    return numpy.array([*half, 256 - 2 * sum(half), *reversed(half)])


def blur_rows(values, kernel):
    """Each row of 8-bit values, mirrored at the ends."""
    reach = len(kernel) // 2
    padded = numpy.pad(values.astype(numpy.int64), ((0, 0), (reach, reach)), mode="reflect")
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=1)
    return (windows @ kernel + 128) >> 8


def prepare_mask(mask, request):
    """A grey mask, inverted and blurred as the request says."""
    grey = mask.convert("L")
    if request.get("mask_invert"):
        grey = ImageOps.invert(grey)
    sigma = request.get("mask_blur", 0)
    if sigma == 0:
        return grey
    kernel = kernel_of(sigma)
    values = blur_rows(blur_rows(numpy.array(grey), kernel).T, kernel).T
    return Image.fromarray(values.astype(numpy.uint8))


def kept_part(image, mask):
    """The picture where the mask is black, with alpha multiplied in."""
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    return kept


def fill(image, mask):
    """What the mask covers becomes what lies around it."""
    filled = Image.new("RGBA", image.size)
    kept = kept_part(image, mask)
    for radius, times in FILL:
        layer = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            filled.alpha_composite(layer)
    return filled.convert("RGB")


def paste_back(drawn, image, mask):
    """What was drawn under what the mask has kept."""
    result = drawn.convert("RGBA")
    result.alpha_composite(kept_part(image, mask).convert("RGBA"))
    return result.convert("RGB")


def twice(mask):
    """A mask that is white from half grey on."""
    return Image.fromarray(numpy.clip(numpy.array(mask).astype(numpy.float32) * 2, 0, 255).astype(numpy.uint8))


class MaskReference:
    """Draws with the parts of an opened diffusers pipeline, and encodes prompts as PromptReference does."""

    def __init__(self, pipe, prompts):
        self.pipe = pipe
        self.prompts = prompts

    def encode(self, image, generator):
        """A sample [1, c, h, w] of the picture's latent; of a tiny autoencoder, which draws nothing, the latent."""
        encoded = self.pipe.vae.encode(to_pixels(image))
        latent = encoded.latent_dist.sample(generator) if hasattr(encoded, "latent_dist") else encoded.latents
        return latent * self.pipe.vae.config.scaling_factor

    @torch.no_grad()
    def draw(self, request, reads, image, mask):
        """(last latent, picture [H, W, 3]) as AUTOMATIC1111 does it; without a mask, all is drawn.  image may be a latent, too."""
        pipe, content = self.pipe, request.get("masked_content", "original")
        latent = image if isinstance(image, torch.Tensor) else None
        if latent is not None:
            image = Image.new("RGB", (request["width"], request["height"]))
        masked = mask is not None
        mask = prepare_mask(mask, request) if masked else Image.new("L", image.size, 255)
        original, area = image, None
        paste = twice(mask)
        if request.get("inpaint_full_res"):
            # diffusers has taken its region and its resizing over from there.
            size, processor = (request["width"], request["height"]), pipe.image_processor
            area = processor.get_crop_region(mask, *size, pad=request.get("inpaint_full_res_padding", 0))
            paste = mask
            image = processor.resize(image.crop(area), *reversed(size), resize_mode="fill")
            mask = processor.resize(mask.crop(area), *reversed(size), resize_mode="fill").convert("L")
        small = mask.convert("RGB").resize([side // pipe.vae_scale_factor for side in mask.size])
        anew = torch.from_numpy(numpy.around(numpy.array(small, dtype=numpy.float32)[:, :, 0] / 255))
        generator = torch.Generator("cpu").manual_seed(request["seed"])
        shape = (1, pipe.vae.config.latent_channels, *anew.shape)
        noise = start_noise(request, shape, generator, pipe.vae_scale_factor)
        clean, aside = latent, generator.clone_state()
        if content != "original":
            image = fill(image, mask)
        if latent is None:
            clean = self.encode(image, aside)
        self.prompts.shown = shown_picture(pipe, image.size, image, mask if masked else None, aside)
        if content in ("noise", "nothing"):
            clean = clean * (1 - anew) + (noise * anew if content == "noise" else 0)
        x = self.sample(request, reads, clean, noise, anew, generator)
        drawn = pipe.vae.decode(x / pipe.vae.config.scaling_factor).sample[0]
        drawn = to_picture((255 * ((drawn + 1) / 2).clamp(0, 1)).floor().permute(1, 2, 0))
        if area is not None:
            base = Image.new("RGB", original.size)
            width, height = area[2] - area[0], area[3] - area[1]
            base.paste(pipe.image_processor.resize(drawn, height, width, resize_mode="crop"), area[:2])
            drawn = base
        return x, torch.from_numpy(numpy.array(paste_back(drawn, original, paste))).float()

    def sample(self, request, reads, clean, noise, anew, generator):
        """The last latent."""
        scheduler = webui_scheduler(self.prompts.scheduler_config, request)
        first = (request["steps"] - int(request["steps"] * request["strength"])) * scheduler.order
        if hasattr(scheduler, "start_at"):
            scheduler.start_at(first)
        scheduler.set_timesteps(request["steps"])
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        timesteps = scheduler.timesteps[first:]
        encoded = self.prompts.encode_request(reads, request.get("clip_skip", 0))
        x = scheduler.add_noise(clean, noise, timesteps[:1])
        for evaluation, timestep in enumerate(timesteps):
            sample = scheduler.scale_model_input(x, timestep)
            if request["sampler"] in SHOWN_CLEAN:
                sample = sample * anew + clean * (1 - anew)
            out = self.prompts.guided(request, reads, encoded, sample, timestep, evaluation)
            if request["sampler"] not in SHOWN_CLEAN:
                sigma = scheduler.sigmas[first if scheduler.step_index is None else scheduler.step_index]
                alpha = 1 / math.sqrt(sigma**2 + 1)
                out = out * anew + (sample - alpha * clean) / (sigma * alpha) * (1 - anew)
            extra = {} if request["sampler"] in ("pndm", "unipc", "heun") else {"generator": generator}
            x = scheduler.step(out, timestep, x, **extra).prev_sample
        return x * anew + clean * (1 - anew)
