"""The engine's sampler and schedule names, read from its own tables, and what they are in diffusers."""

import re
from pathlib import Path

import diffusers
import torch

from sigma_lists import LISTS, EulerAncestralOnSigmas, on_list
from written_samplers import PROGRAMS, WITH_ETA, written

TABLES = Path(__file__).resolve().parents[2] / "include" / "latentd"
# The config fields that ask a diffusers class for a sigma schedule; two of them have no wire name.
SIGMA_FIELDS = {
    "karras": "use_karras_sigmas",
    "exponential": "use_exponential_sigmas",
    "beta": "use_beta_sigmas",
    "lu": "use_lu_lambdas",
    "flow": "use_flow_sigmas",
}
SPACINGS = ("leading", "linspace", "trailing")
MODEL_SCHEDULE = "model"
# Samplers of one class that its fields tell apart: their order.
STOCHASTIC = {"dpmpp_2m_sde": 2, "dpmpp_3m_sde": 3}


def rows(table, word):
    """The arguments of each WORD(...) line of a .def table."""
    found = re.findall(rf"^{word}\((.*)\)", (TABLES / table).read_text(), re.MULTILINE)
    return [[argument.strip(' "') for argument in arguments.split(",")] for arguments in found]


# wire name -> (diffusers class, which schedules it takes)
SAMPLERS = {name: (cls, takes) for _, name, _, cls, _, takes, *_ in rows("samplers.def", "SAMPLER")}
SCHEDULES = [name for _, name, *_ in rows("schedulers.def", "SCHEDULER")]


def schedules_of(sampler):
    """The schedules that the sampler takes."""
    takes = SAMPLERS[sampler][1]
    known = {"OWN": [MODEL_SCHEDULE], "SPACINGS": [MODEL_SCHEDULE, *SPACINGS]}.get(takes, SCHEDULES)
    return [name for name in SCHEDULES if name in known]


def schedule_fields(schedule):
    """The config fields that ask a diffusers scheduler for a schedule; Karras' for the lists that take its place."""
    if schedule == MODEL_SCHEDULE:
        return {}
    asked = "karras" if schedule in LISTS else schedule
    fields = {field: name == asked for name, field in SIGMA_FIELDS.items()}
    return {**fields, "timestep_spacing": schedule} if schedule in SPACINGS else fields


class GeneratorNoise(diffusers.DPMSolverSDEScheduler):
    """With the generator's noise in place of a Brownian tree with a seed of its own."""

    def step(self, out, timestep, x, generator=None, return_dict=True):
        """As there."""
        self.noise_sampler = lambda *_: torch.randn(x.shape, generator=generator)
        return super().step(out, timestep, x, return_dict)


def make_levels(cls, config, schedule):
    """A scheduler of that class on that schedule."""
    cls = on_list(cls, schedule) if schedule in LISTS else cls
    return cls.from_config(config, **schedule_fields(schedule))


def noise_fields(request):
    """What a request says of the noise on the way."""
    return {name: request[name] for name in ("s_churn", "s_tmin", "s_tmax", "s_noise") if name in request}


def make_scheduler(config, sampler=None, schedule=MODEL_SCHEDULE, eta=None, **noise):
    """A fresh scheduler from a config, as a request names it, with its noise_fields; without a sampler, of the config's
    class.  An eta that the class takes in each step is not its own."""
    if noise or (eta is not None and sampler in WITH_ETA):
        return make_levels(written(sampler, 1.0 if eta is None else eta, **noise), config, schedule)
    name = SAMPLERS[sampler][0] if sampler else config["_class_name"]
    if sampler == "euler_a" and schedule not in (MODEL_SCHEDULE, *SPACINGS):
        levels = make_levels(diffusers.EulerDiscreteScheduler, config, schedule)
        return EulerAncestralOnSigmas.from_config(config, **schedule_fields(schedule)).on(levels)
    if sampler in PROGRAMS:
        return make_levels(written(sampler), config, schedule)
    if sampler in STOCHASTIC:
        config = {**config, "algorithm_type": "sde-dpmsolver++", "solver_order": STOCHASTIC[sampler]}
    return make_levels(GeneratorNoise if name == "DPMSolverSDEScheduler" else getattr(diffusers, name), config, schedule)
