"""The engine's sampler and schedule names, read from its own tables, and what they are in diffusers."""

import re
from pathlib import Path

import diffusers

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


def rows(table, word):
    """The arguments of each WORD(...) line of a .def table."""
    found = re.findall(rf"^{word}\((.*)\)", (TABLES / table).read_text(), re.MULTILINE)
    return [[argument.strip(' "') for argument in arguments.split(",")] for arguments in found]


# wire name -> (diffusers class, whether it takes a sigma schedule)
SAMPLERS = {name: (cls, sigmas == "true") for _, name, _, cls, _, sigmas in rows("samplers.def", "SAMPLER")}
SCHEDULES = [name for _, name, *_ in rows("schedulers.def", "SCHEDULER")]


def schedules_of(sampler):
    """The schedules that the sampler takes."""
    takes_sigmas = SAMPLERS[sampler][1]
    return [name for name in SCHEDULES if takes_sigmas or name == MODEL_SCHEDULE or name in SPACINGS]


def schedule_fields(schedule):
    """The config fields that ask a diffusers scheduler for a schedule."""
    if schedule == MODEL_SCHEDULE:
        return {}
    fields = {field: name == schedule for name, field in SIGMA_FIELDS.items()}
    return {**fields, "timestep_spacing": schedule} if schedule in SPACINGS else fields


def make_scheduler(config, sampler=None, schedule=MODEL_SCHEDULE):
    """A fresh diffusers scheduler from a config, as a request names it; without a sampler, of the config's class."""
    cls = getattr(diffusers, SAMPLERS[sampler][0] if sampler else config["_class_name"])
    return cls.from_config(config, **schedule_fields(schedule))
