"""Sampling functions that diffusers has no class for: k-diffusion's, and Restart.

Each is a function(model, x, sigmas, noise): model(x, sigma) is what the clean sample is thought to be,
noise(sigma, sigma_next) what is added on the way.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path


def load():
    """The module k_diffusion.sampling, without the rest of the package, which wants much that is not needed here."""
    folder = Path(importlib.util.find_spec("k_diffusion").origin).parent
    package = types.ModuleType("k_diffusion")
    package.__path__ = [str(folder)]
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
    package.utils = utils
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": utils}
    return importlib.import_module("k_diffusion.sampling")


sampling = load()


def stochastic(name, **settings):
    """A function of k-diffusion that takes its noise from the caller."""
    function = getattr(sampling, f"sample_{name}")

    def run(model, x, sigmas, noise):
        return function(model, x, sigmas, disable=True, noise_sampler=noise, **settings)

    return run


def dpm_fast(model, x, sigmas, noise):
    """As many evaluations as there are steps, from the first level to the last above the end."""
    ends = {"sigma_min": float(sigmas[-2]), "sigma_max": float(sigmas[0])}
    return sampling.sample_dpm_fast(model, x, n=len(sigmas) - 1, eta=1.0, disable=True, noise_sampler=noise, **ends)


def nearest(sigmas, sigma):
    """The place of the nearest level."""
    return int((sigmas - sigma).abs().argmin())


def restart_legs(sigmas):
    """The steps of Restart (arXiv 2306.14878) as (from, to), where AUTOMATIC1111 makes them."""
    steps = len(sigmas) - 1
    if steps < 20:
        return list(zip(sigmas[:-1], sigmas[1:]))
    times = 2 if steps >= 36 else 1
    again = steps // 4 if steps >= 36 else 9
    base = sampling.get_sigmas_karras(steps - again * times, float(sigmas[-2]), float(sigmas[0]))
    low, high = nearest(base, 0.1), nearest(base, 2)
    legs = list(zip(base[:-1], base[1:]))
    if high >= low:
        return legs
    extra = sampling.get_sigmas_karras(again + 1, float(base[low]), float(base[high]))[:-1]
    return legs[:low] + list(zip(extra[:-1], extra[1:])) * times + legs[low:]


def restart(model, x, sigmas, noise):
    """Heun's method along the legs; where one begins above the end of the one before, noise is added."""
    before = None
    ones = x.new_ones([x.shape[0]])
    for start, end in restart_legs(sigmas):
        if before is not None and before < start:
            x = x + noise(before, start) * (start**2 - before**2) ** 0.5
        slope = (x - model(x, start * ones)) / start
        ahead = x + slope * (end - start)
        if end > 0:
            slope = (slope + (ahead - model(ahead, end * ones)) / end) / 2
            ahead = x + slope * (end - start)
        x, before = ahead, end
    return x


FUNCTIONS = {"dpmpp_2s_a": stochastic("dpmpp_2s_ancestral"), "dpm_fast": dpm_fast, "restart": restart}
