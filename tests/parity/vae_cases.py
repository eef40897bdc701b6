"""Pictures, and both ways between pixels and latents, by a VAE that stands in place of the model's own."""

from dataclasses import replace

from cases import Plan, add_request, add_vae_cases
from mask_cases import MaskPlan
from prompt_cases import FOX, plain, read
from specs import SD15
from vae_files import KL, TINY

A1111 = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace"}


def begin_plan(name, vae):
    """The tensor cases; a picture from noise, and one from a picture."""
    plan = Plan(replace(SD15, name=name, vae=vae))
    add_vae_cases(plan)
    add_request(plan, "own", steps=5)
    add_request(plan, "own-from-image", image=True, strength=0.6, steps=8)
    return plan


def add_masked(plan):
    """Parts of pictures, in both profiles, whose noise depends on what the encoder draws."""
    masks = MaskPlan()
    masks.add("mask", "picture", {"sampler": "ddim"})
    masks.add("mask-all-noise", "picture", {"strength": 1.0, "sampler": "euler_a"})
    masks.add("a1111-image", "picture", {**A1111, "masked": False}, reads=read(plain(FOX)))
    masks.add("a1111-mask", "picture", {**A1111, "sampler": "euler_a"}, reads=read(plain(FOX)))
    plan.cases += masks.cases
    plan.tensors |= masks.tensors
    return plan


def levels_of(tiny):
    """The fields that a plan asks a VAE for."""
    return {"block_out_channels": tiny["decoder_block_out_channels"], "mid_block_add_attention": False}


def plan_vae():
    """Of an AutoencoderKL."""
    return begin_plan("vae", KL)


def plan_taesd():
    """Of an AutoencoderTiny."""
    return add_masked(begin_plan("taesd", levels_of(TINY)))


def plan_taesd_xl():
    """Of one as it was first published, for Stable Diffusion XL."""
    return begin_plan("taesd-xl", levels_of(TINY))
