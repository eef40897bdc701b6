"""The engine's sampler and schedule names, read from its own tables, and what they are in diffusers."""

import re
from pathlib import Path

import diffusers

TABLES = Path(__file__).resolve().parents[2] / "include" / "latentd"
SIGMA_FIELDS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas"}
MODEL_SCHEDULE = "model"


def rows(table, word):
    """The arguments of each WORD(...) line of a .def table."""
    found = re.findall(rf"^{word}\((.*)\)", (TABLES / table).read_text(), re.MULTILINE)
    return [[argument.strip(' "') for argument in arguments.split(",")] for arguments in found]


# wire name -> (diffusers class, whether it takes a sigma schedule)
SAMPLERS = {name: (cls, sigmas == "true") for _, name, _, cls, _, sigmas in rows("samplers.def", "SAMPLER")}
SCHEDULES = [name for _, name, *_ in rows("schedulers.def", "SCHEDULER")]


def schedules_of(sampler):
    """The schedules that the sampler's class in diffusers takes."""
    takes_sigmas = SAMPLERS[sampler][1]
    return [name for name in SCHEDULES if takes_sigmas or name not in SIGMA_FIELDS]


def schedule_fields(schedule):
    """The config fields that ask a diffusers scheduler for a schedule."""
    if schedule == MODEL_SCHEDULE:
        return {}
    if schedule in SIGMA_FIELDS:
        return {field: name == schedule for name, field in SIGMA_FIELDS.items()}
    return {**{field: False for field in SIGMA_FIELDS.values()}, "timestep_spacing": schedule}


def make_scheduler(own, sampler=None, schedule=MODEL_SCHEDULE):
    """A fresh diffusers scheduler from the model's own one, as a request names it."""
    cls = getattr(diffusers, SAMPLERS[sampler][0]) if sampler else type(own)
    return cls.from_config(own.config, **schedule_fields(schedule))
