"""The samplers that AUTOMATIC1111 takes from k-diffusion, written anew from the papers' formulas and the documentation of
both, on its levels and with its noise; made diffusers schedulers as written_samplers.py does.

The noise on the way is that of torchsde's BrownianTree over all levels of a run, with the picture's seed
(modules/sd_samplers_common.py, create_noise_sampler; randn_source CPU).

Where a place in it is worked out, powers, logarithms and exponentials are rounded correctly: torch's are off by one in the
last place now and then, otherwise on every machine, and a millionth in sigma is a thousandth in the noise."""

import math

import numpy
import torch
import torchsde
from diffusers.schedulers.scheduling_utils import SchedulerOutput

from samplers import MODEL_SCHEDULE, SPACINGS, make_scheduler, noise_fields, schedule_fields
from sigma_lists import LISTS, Table, beta
from written_samplers import Written, ancestral, exponential_step


def log(x):
    """In f32, rounded correctly."""
    return x.double().log().float()


def exp(x):
    """The same."""
    return x.double().exp().float()


def dpmpp_sde(x, levels, noise, eta):
    """DPM-Solver++ (stochastic) with r 1/2; by -log sigma and back, as there: the noise is looked up with that."""
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        start, end = -log(sigma), -log(after)
        middle = exp(-(start + (end - start) * 0.5))
        sigma, after = exp(-start), exp(-end)
        down, up = ancestral(sigma, middle, eta)
        clean = yield exponential_step(x, clean, sigma, down) + noise(sigma, middle) * up, (middle, None)
        down, up = ancestral(sigma, after, eta)
        x = exponential_step(x, clean, sigma, down) + noise(sigma, after) * up
    return x


def multistep(x, levels, noise, eta, order):
    """DPM-Solver++ multistep, stochastic: of order 2 by the midpoint, of order 3 by exponential integrals."""
    past = []  # (clean sample, length of the step in -log sigma), the last first
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        h = sigma.log() - after.log()
        whole = h * (1 + eta)
        x = after / sigma * (-eta * h).exp() * x - torch.expm1(-whole) * clean
        x = x + correction(clean, past[: order - 1], h, whole, order)
        x = x + noise(sigma, after) * after * (-torch.expm1(-2 * eta * h)).sqrt()
        past = [(clean, h), *past]
    return x


def correction(clean, past, h, whole, order):
    """What the clean samples before have a part in."""
    if not past:
        return torch.zeros_like(clean)
    slope = (clean - past[0][0]) / (past[0][1] / h)
    if order == 2:
        return -0.5 * torch.expm1(-whole) * slope
    phi = torch.expm1(-whole) / whole + 1
    if len(past) == 1:
        return phi * slope
    first, second = past[0][1] / h, past[1][1] / h
    bend = (slope - (past[0][0] - past[1][0]) / second) / (first + second)
    return phi * (slope + bend * first) - (phi / whole - 0.5) * bend


PROGRAMS = {
    "dpmpp_sde": dpmpp_sde,
    "dpmpp_2m_sde": lambda *run: multistep(*run, order=2),
    "dpmpp_3m_sde": lambda *run: multistep(*run, order=3),
}


def karras(table, n):
    """k-diffusion's get_sigmas_karras."""
    low, high = (float(sigma) ** (1 / 7) for sigma in (table.sigmas[0], table.sigmas[-1]))
    return (high + torch.linspace(0, 1, n) * (low - high)).double() ** 7


def exponential(table, n):
    """get_sigmas_exponential."""
    return exp(torch.linspace(math.log(table.sigmas[-1]), math.log(table.sigmas[0]), n))


def polyexponential(table, n):
    """get_sigmas_polyexponential with rho 1."""
    low, high = (math.log(sigma) for sigma in (table.sigmas[0], table.sigmas[-1]))
    return exp(torch.linspace(1, 0, n) * (high - low) + low)


def even(table, points):
    """DiscreteSchedule.t_to_sigma at even timesteps."""
    t = torch.linspace(len(table.sigmas) - 1, 0, points)
    logs = log(torch.tensor(table.sigmas))
    return exp((1 - t.frac()) * logs[t.floor().long()] + t.frac() * logs[t.ceil().long()])


SINGLE = {
    "karras": karras,
    "exponential": exponential,
    "polyexponential": polyexponential,
    "normal": even,
    "sgm_uniform": lambda table, n: even(table, n + 1)[:-1],
}
DOUBLE = {**LISTS, "beta": beta}
NO_LISTS = (MODEL_SCHEDULE, *SPACINGS)


class Webui(Written):
    """A program on AUTOMATIC1111's levels; the spacings, which it has not, are those of the class."""

    schedule = MODEL_SCHEDULE
    seed = 0

    def set_timesteps(self, num_inference_steps, device=None, num_train_timesteps=None):
        """As there; afterwards `sigmas` are those of the evaluations."""
        super().set_timesteps(num_inference_steps, device, num_train_timesteps)
        if not num_train_timesteps:
            self.sigmas, self._step_index = [sigma for sigma, _ in self.asked], 0

    def step(self, *arguments, return_dict=True, **named):
        """As there."""
        after = super().step(*arguments, **named)
        self._step_index = self.place
        return SchedulerOutput(prev_sample=after[0]) if return_dict else after

    def whole_levels(self, steps):
        """As there; from and to all of the model's levels."""
        if self.schedule in NO_LISTS:
            return super().whole_levels(steps)
        table = Table(self.alphas_cumprod)
        sigmas = {**DOUBLE, **SINGLE}[self.schedule](table, steps)
        return [(sigma, None) for sigma in [*torch.tensor(numpy.array(sigmas)).float(), torch.tensor(0.0)]]

    def program_of(self):
        """One of this file's."""
        return PROGRAMS[self.program]

    @property
    def init_noise_sigma(self):
        """The first level."""
        return self.whole[0][0]

    def noise_for(self, x, generator):
        """k-diffusion's BrownianTreeNoiseSampler."""
        above = torch.stack([sigma for sigma, _ in self.whole if sigma > 0])
        tree = torchsde.BrownianTree(above.min(), torch.zeros_like(x), above.max(), entropy=self.seed)

        def noise(start, end):
            sign = 1 if start < end else -1
            return tree(min(start, end), max(start, end)) * sign / (end - start).abs().sqrt()

        return noise


def webui_scheduler(config, request):
    """A fresh scheduler as a request in the profile a1111 asks for it."""
    sampler, schedule = request["sampler"], request["scheduler"]
    if sampler not in PROGRAMS:
        return make_scheduler(config, sampler, schedule, request.get("eta"), **noise_fields(request))
    fields = {"program": sampler, "schedule": schedule, "seed": request["seed"], "eta": request.get("eta", 1.0)}
    fields |= noise_fields(request)
    own = schedule if schedule in NO_LISTS else MODEL_SCHEDULE
    return type(sampler, (Webui,), fields).from_config(config, **schedule_fields(own))
