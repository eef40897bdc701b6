"""PyTorch with diffusers: f32, in the memory format that is faster here."""
import io

import diffusers
import torch
from PIL import Image

from peer import GUIDANCE, PROMPT, SEED, timed

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Peer:
    """One network, which its subclass runs once a turn on self.x."""

    def __init__(self, item, job, network, x):
        self.item, self.network, self.x = item, network.eval().requires_grad_(False), x
        self.about = {"version": torch.__version__, "format": self.choose(job.choices.get("format"))}

    def choose(self, chosen):
        """The format's name; left set."""
        took = {}
        for name in [chosen] if chosen else FORMATS:
            self.set_format(name)
            self.turn()
            if not chosen:
                took[name] = self.turn()[self.item]
        if not chosen:
            chosen = min(took, key=took.get)
            self.set_format(chosen)
        return chosen

    def set_format(self, name):
        self.network = self.network.to(memory_format=FORMATS[name])
        self.x = self.x.contiguous(memory_format=FORMATS[name])

    def turn(self):
        with torch.inference_mode():
            return {self.item: timed(self.run)}


class Step(Peer):
    def __init__(self, item, job):
        unet = diffusers.UNet2DConditionModel.from_pretrained(job.path("f32"), subfolder="unet")
        self.context = torch.randn(2 * job.batch, 77, unet.config.cross_attention_dim)
        super().__init__(item, job, unet, torch.randn(2 * job.batch, unet.config.in_channels, job.height // 8, job.width // 8))

    def run(self):
        self.network(self.x, 500, self.context)


class Decode(Peer):
    def __init__(self, item, job):
        vae = diffusers.AutoencoderKL.from_pretrained(job.path("f32"), subfolder="vae")
        super().__init__(item, job, vae, torch.randn(1, vae.config.latent_channels, job.height // 8, job.width // 8))

    def run(self):
        self.network.decode(self.x)


class Encode(Peer):
    def __init__(self, item, job):
        vae = diffusers.AutoencoderKL.from_pretrained(job.path("f32"), subfolder="vae")
        super().__init__(item, job, vae, torch.rand(1, 3, job.height, job.width) * 2 - 1)

    def run(self):
        self.network.encode(self.x)


class Picture:
    """The pipeline as its users call it; nothing is warmed up, as nothing is in a program that has just been started."""

    def __init__(self, job):
        self.job = job
        self.pipeline = diffusers.StableDiffusionPipeline.from_pretrained(job.path("f32"), safety_checker=None)
        self.pipeline.scheduler = diffusers.EulerDiscreteScheduler.from_config(self.pipeline.scheduler.config)
        self.pipeline.set_progress_bar_config(disable=True)
        name = job.choices.get("format", "contiguous")
        for network in (self.pipeline.unet, self.pipeline.vae):
            network.to(memory_format=FORMATS[name])
        self.about = {"version": torch.__version__, "format": name}

    def turn(self):
        return {"image": timed(self.run)}

    def run(self):
        picture = self.pipeline(PROMPT, num_inference_steps=self.job.steps, guidance_scale=GUIDANCE, width=self.job.width,
                                height=self.job.height, generator=torch.Generator().manual_seed(SEED)).images[0]
        assert isinstance(picture, Image.Image)
        picture.save(io.BytesIO(), "PNG")


def load(item, job):
    torch.set_num_threads(job.threads)
    if item == "image":
        return Picture(job)
    return {"step": Step, "decode": Decode, "encode": Encode}[item](item, job)
