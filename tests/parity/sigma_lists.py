"""The schedules of noise levels that diffusers lacks, as AUTOMATIC1111 and ComfyUI make them, and its own classes made
to run on them: in the place of Karras' sigmas."""

import diffusers
import numpy
import torch
from diffusers.schedulers.scheduling_utils import AysSchedules
from scipy import stats


class Table:
    """A model's own sigmas, from clean to noise."""

    is_xl = False  # of Stable Diffusion XL, which others were found best for; set for all of a model

    def __init__(self, alphas_cumprod):
        self.sigmas = (((1 - alphas_cumprod) / alphas_cumprod) ** 0.5).double().numpy()
        self.logs = numpy.log(self.sigmas)

    def at(self, t):
        """sigma at fractional timesteps, linear in its logarithm."""
        return numpy.exp(numpy.interp(t, numpy.arange(len(self.logs)), self.logs))


def even_timesteps(table, points):
    """From the last timestep to the first."""
    return table.at(numpy.linspace(len(table.sigmas) - 1, 0, points))


def simple(table, n):
    """Even places in the model's list."""
    stride = len(table.sigmas) / n
    return [table.sigmas[-(1 + int(i * stride))] for i in range(n)]


def ddim_uniform(table, n):
    """Whole strides in the model's list."""
    return table.sigmas[1 :: max(len(table.sigmas) // n, 1)][::-1]


def kl_optimal(table, n):
    """Even arc tangents."""
    return numpy.tan(numpy.linspace(numpy.arctan(table.sigmas[-1]), numpy.arctan(table.sigmas[0]), n))


def align_your_steps(table, n):
    """NVIDIA's ten steps, for other numbers between them; the last of the n + 1 is the run's end."""
    known = numpy.log([*AysSchedules["StableDiffusionXLSigmas" if table.is_xl else "StableDiffusionSigmas"][:-1], 0.029])
    return numpy.exp(numpy.interp(numpy.linspace(0, len(known) - 1, n + 1), numpy.arange(len(known)), known))[:-1]


def beta(table, n):
    """Quantiles, over all of the model's sigmas."""
    low, high = table.sigmas[0], table.sigmas[-1]
    return low + stats.beta.ppf(1 - numpy.linspace(0, 1, n), 0.6, 0.6) * (high - low)


LISTS = {
    "polyexponential": lambda table, n: numpy.exp(numpy.linspace(table.logs[-1], table.logs[0], n)),
    "normal": even_timesteps,
    "sgm_uniform": lambda table, n: even_timesteps(table, n + 1)[:-1],
    "simple": simple,
    "ddim_uniform": ddim_uniform,
    "align_your_steps": align_your_steps,
    "kl_optimal": kl_optimal,
}


def on_list(cls, schedule):
    """The class with one of the lists for Karras' sigmas."""

    class OnList(cls):
        """To be made with use_karras_sigmas."""

        def _convert_to_karras(self, in_sigmas, num_inference_steps=None):
            steps = num_inference_steps or self.num_inference_steps
            return numpy.array(LISTS[schedule](Table(self.alphas_cumprod), steps))

    return OnList


class EulerAncestralOnSigmas(diffusers.EulerAncestralDiscreteScheduler):
    """The one class of its kind that has no sigma schedules takes those of EulerDiscreteScheduler."""

    def on(self, levels):
        """From now on."""
        self.levels = levels
        return self

    def set_timesteps(self, num_inference_steps, device=None):
        """As there."""
        super().set_timesteps(num_inference_steps, device)
        self.levels.set_timesteps(num_inference_steps, device)
        self.sigmas = self.levels.sigmas
        self.timesteps = self.levels.timesteps.to(torch.float32)
