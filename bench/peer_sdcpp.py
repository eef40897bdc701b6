"""stable-diffusion.cpp, built with ggml's fast matrix products, with the settings that were the fastest in trials.

It draws whole pictures only: its parts are told from when it reports that one begins or ends.
"""
import ctypes
import io
import json
import os
import statistics
import time

import stable_diffusion_cpp as library
from PIL import Image

from peer import GUIDANCE, PROMPT, SEED

STEPS = 3  # of a picture of which a step is timed; the first does not count


class Watch:
    """When each thing was reported."""

    def __init__(self):
        self.logged, self.steps = [], []
        self.log = library.sd_log_callback(self.on_log)
        self.progress = library.sd_progress_callback(self.on_step)
        library.sd_set_log_callback(self.log, ctypes.c_void_p(0))

    def on_log(self, level, text, data):
        self.logged.append((time.monotonic(), text.decode(errors="replace").strip()))

    def on_step(self, step, steps, seconds, data):
        if step > 0:
            self.steps.append(time.monotonic())

    def begin(self):
        self.logged, self.steps = [], []
        library.sd_set_progress_callback(self.progress, ctypes.c_void_p(0))

    def when(self, *words):
        """The last report that holds all of them."""
        return [at for at, text in self.logged if all(word in text for word in words)][-1]


class Peer:
    def __init__(self, item, job):
        self.item, self.job = item, job
        self.watch = Watch()
        settings = job.choices["sdcpp"]
        self.model = library.StableDiffusion(
            model_path=job.path("single-f16.safetensors"), wtype=settings["weights"], n_threads=job.threads,
            diffusion_flash_attn=settings["flash"], flash_attn=settings["flash"], vae_decode_only=item != "encode", verbose=False)
        library.sd_set_log_callback(self.watch.log, ctypes.c_void_p(0))
        self.about = {"version": job.choices["version"], "settings": settings}

    def draw(self, **more):
        self.watch.begin()
        return self.model.generate_image(
            prompt=PROMPT, width=self.job.width, height=self.job.height, seed=SEED, sample_method="euler", **more)[0]

    def turn(self):
        return getattr(self, self.item)()

    def step(self):
        self.draw(cfg_scale=GUIDANCE, sample_steps=STEPS)
        between = [later - earlier for earlier, later in zip(self.watch.steps, self.watch.steps[1:])]
        return {"step": statistics.median(between), "decode": self.decoded()}

    def decoded(self):
        return self.watch.when("decode_first_stage completed") - self.watch.when("decoding", "latent")

    def decode(self):
        self.draw(cfg_scale=1, sample_steps=1)
        return {"decode": self.decoded()}

    def trial(self):
        """A step without guidance; the picture is given up with the process, since nothing else ends it."""
        def on_step(step, steps, seconds, data):
            self.watch.on_step(step, steps, seconds, data)
            if len(self.watch.steps) == 2:
                print(json.dumps({"trial": self.watch.steps[1] - self.watch.steps[0]}), file=self.job.answers, flush=True)
                os._exit(0)

        self.watch.progress = library.sd_progress_callback(on_step)
        self.draw(cfg_scale=1, sample_steps=3)

    def encode(self):
        begun = time.monotonic()
        source = Image.effect_noise((self.job.width, self.job.height), 64).convert("RGB")
        self.draw(cfg_scale=1, sample_steps=1, strength=1, init_image=source)
        return {"encode": self.watch.when("encode_first_stage completed") - begun}

    def image(self):
        begun = time.monotonic()
        self.draw(cfg_scale=GUIDANCE, sample_steps=self.job.steps).save(io.BytesIO(), "PNG")
        return {"image": time.monotonic() - begun}


def load(item, job):
    return Peer(item, job)
