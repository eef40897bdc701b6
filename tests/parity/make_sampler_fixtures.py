#!/usr/bin/env python3
"""Writes fixtures/samplers/*.json: what the diffusers schedulers, torch.randn and torchsde give.

    make_sampler_fixtures.py [randn] [brownian] [samplers] [grid] [webui]    these files; all when none is named
    make_sampler_fixtures.py grid NAME...                 of the grid these samplers alone, for a look

Run where the libraries of requirements.txt are installed; any other version may round differently.

samplers.json (five samplers, every key of their configs), grid.json (all samplers, every schedule) and webui.json (those
that are AUTOMATIC1111's in its profile) hold `noise` and
`latent` (the run's start), `seed` (of the generator that samplers draw from) and `groups`: a scheduler_config.json, a
sampler and a scheduler by their wire names, the timesteps of a run of `timestep_steps` steps (absent when that run
fails), and rows as sampler_runs.row makes them: the final x of a run against a stand-in for the network.

Torch built with MKL takes square roots that are off by one in the last place now and then (0.7 % of the values), and
so do the levels that it rescales to zero terminal SNR.  The ancestral step from there cancels to that last place: the
rows of euler_a that it moves by more than TOLERANCE come from a run with correctly rounded roots, and all of grid.json and webui.json.
"""

import contextlib
import copy
import json
import math
import pathlib
import sys
import warnings

import diffusers
import numpy
import torch
import torchsde

from samplers import SAMPLERS, make_scheduler, noise_fields, schedules_of
from sampler_runs import REFUSALS, Start, row, run
from webui_samplers import PROGRAMS, webui_scheduler
from written_samplers import CHURNED, WITH_ETA

assert torch.__version__.split("+")[0] == "2.15.0" and diffusers.__version__ == "0.39.0"
torch.set_num_threads(1)
warnings.filterwarnings("ignore")
diffusers.utils.logging.set_verbosity_error()

HERE = pathlib.Path(__file__).parent / "fixtures" / "samplers"
START = {"noise": [1.25, -0.5, 0.1875, -1.75, 0.84375], "latent": [0.5, -0.25, 1.5, 0.0625, -0.9375], "seed": 7}
GRID_START = {"noise": [1.25, -0.5, 0.1875], "latent": [0.5, -0.25, 1.5], "seed": 7}
TIMESTEP_STEPS = 7
TOLERANCE = 1e-5  # of test_samplers.c

CLASSES = {name: SAMPLERS[name][0] for name in ("ddim", "pndm", "euler", "euler_a", "dpmpp_2m")}
SIGMA_SAMPLERS = ("euler", "dpmpp_2m")
STABLE_DIFFUSION = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
ALL_STEPS = (1, 2, 3, 4, 5, 10, 20, 25, 30, 50, 999)
FEW_STEPS = (1, 4, 10, 14, 15, 25)
MORE_RUNS = {"restart": [(24, 1.0, False), (40, 0.6, True)]}  # of the grid


@contextlib.contextmanager
def correctly_rounded_roots():
    torch_pow, torch_sqrt = torch.Tensor.__pow__, torch.Tensor.sqrt

    def root(x):
        return torch.tensor(numpy.sqrt(x.numpy()))

    def power(base, exponent):
        return root(base) if exponent == 0.5 else torch_pow(base, exponent)

    torch.Tensor.__pow__, torch.Tensor.sqrt = power, root
    try:
        yield
    finally:
        torch.Tensor.__pow__, torch.Tensor.sqrt = torch_pow, torch_sqrt


def distance(x, y):
    return math.dist(x, y) / math.hypot(*y)


def varied_row(config, sampler, scheduler, steps, strength, from_latent):
    arguments = lambda: make_scheduler(config, sampler, scheduler), Start(**START), steps, strength, from_latent
    result = row(*arguments)
    if sampler != "euler_a" or result[3] < 0:
        return result
    with correctly_rounded_roots():
        rounded = row(*arguments)
    if distance(result[4:], rounded[4:]) <= TOLERANCE:
        return result
    print(f"correctly rounded roots: {scheduler}, {steps} steps, {config['prediction_type']}")
    assert config.get("rescale_betas_zero_snr"), (config, steps)
    return rounded


def group(config, sampler, scheduler, rows, start):
    g = {"config": config, "sampler": sampler, "scheduler": scheduler, "rows": rows}
    try:
        g["timesteps"] = run(make_scheduler(config, sampler, scheduler), start, TIMESTEP_STEPS, 1.0, False)[0]
    except REFUSALS:
        pass
    return g


def varied_group(config, sampler, scheduler, all_steps=FEW_STEPS, latent_steps=(5, 20)):
    rows = [varied_row(config, sampler, scheduler, n, 1.0, False) for n in all_steps]
    rows += [varied_row(config, sampler, scheduler, n, s, True) for n in latent_steps for s in (0.3, 0.75, 1.0)]
    return group(config, sampler, scheduler, rows, Start(**START))


def varied_schedules(sampler):
    sigmas = ["karras", "exponential"] if sampler in SIGMA_SAMPLERS else []
    return sigmas + ["leading", "linspace", "trailing"]


def main_grid():
    for sampler, cls in CLASSES.items():
        for prediction in ("epsilon", "v_prediction", "sample"):
            for offset in (0, 1):
                for zero_snr in (False, True):
                    config = dict(STABLE_DIFFUSION, _class_name=cls, prediction_type=prediction,
                                  steps_offset=offset, rescale_betas_zero_snr=zero_snr, clip_sample=False)
                    if sampler == "pndm":
                        config["skip_prk_steps"] = zero_snr
                    for scheduler in varied_schedules(sampler):
                        yield varied_group(config, sampler, scheduler, ALL_STEPS, (5, 30))


def varied():
    """Every key that a class takes, and configs made for another class."""
    sd = STABLE_DIFFUSION
    for sampler, cls in CLASSES.items():
        yield varied_group({"_class_name": cls}, sampler, "model")
        yield varied_group({"_class_name": cls, "clip_sample": False, "beta_schedule": "squaredcos_cap_v2"}, sampler, "model")
        yield varied_group({"_class_name": cls, "clip_sample": False, "beta_schedule": "squaredcos_cap_v2",
                     "prediction_type": "v_prediction", "num_train_timesteps": 4000}, sampler, "trailing")
        yield varied_group({"_class_name": cls, "clip_sample": False, "num_train_timesteps": 100, "beta_end": 0.1,
                     "beta_start": 0.001}, sampler, "linspace")
        betas = [0.001 + 0.0004 * i for i in range(50)]
        yield varied_group({"_class_name": cls, "clip_sample": False, "num_train_timesteps": 50, "trained_betas": betas},
                    sampler, "model")
        for other in CLASSES.values():
            yield varied_group(dict(sd, _class_name=other, clip_sample=True, clip_sample_range=0.8, set_alpha_to_one=True,
                             skip_prk_steps=True, use_karras_sigmas=True, final_sigmas_type="sigma_min",
                             interpolation_type="log_linear", solver_type="heun", solver_order=3,
                             steps_offset=1), sampler, "model", (3, 10, 20), (10,))
        if sampler in SIGMA_SAMPLERS:
            for final in ("zero", "sigma_min"):
                for schedule in ("leading", "karras", "exponential"):
                    yield varied_group(dict(sd, final_sigmas_type=final), sampler, schedule)
                    yield varied_group(dict(sd, final_sigmas_type=final, sigma_min=0.05, sigma_max=10.0), sampler, schedule)
            yield varied_group(dict(sd, use_karras_sigmas=True, use_exponential_sigmas=True), sampler, "model")
            yield varied_group(dict(sd, use_karras_sigmas=True, use_exponential_sigmas=True), sampler, "karras")
            yield varied_group(dict(sd, use_exponential_sigmas=True, timestep_spacing="trailing"), sampler, "model")
            yield varied_group(dict(sd, beta_schedule="squaredcos_cap_v2"), sampler, "karras")
            yield varied_group(dict(sd, beta_schedule="squaredcos_cap_v2"), sampler, "exponential")
    for to_one in (False, True):
        for name in ("ddim", "pndm"):
            yield varied_group(dict(sd, clip_sample=False, set_alpha_to_one=to_one, skip_prk_steps=True), name, "model")
    yield varied_group(dict(sd, clip_sample=True, clip_sample_range=0.3), "ddim", "model")
    for prediction in ("epsilon", "v_prediction", "sample"):
        for kind in ("continuous", "discrete"):
            for schedule in ("leading", "karras", "trailing"):
                yield varied_group(dict(sd, prediction_type=prediction, timestep_type=kind, interpolation_type="log_linear"),
                            "euler", schedule)
        for order in (1, 2, 3):
            for solver in ("midpoint", "heun"):
                for lower, at_final in ((True, False), (False, True), (False, False)):
                    config = dict(sd, prediction_type=prediction, solver_order=order, solver_type=solver,
                                  lower_order_final=lower, euler_at_final=at_final)
                    yield varied_group(config, "dpmpp_2m", "karras", (1, 2, 3, 4, 14, 15, 30))
                    yield varied_group(dict(config, final_sigmas_type="sigma_min"), "dpmpp_2m", "leading",
                                (1, 2, 3, 4, 14, 15, 30))
    yield varied_group(dict(sd, timestep_type="continuous", prediction_type="v_prediction"), "euler", "model")
    yield varied_group(dict(sd, use_lu_lambdas=True), "dpmpp_2m", "model", ALL_STEPS)
    yield varied_group(dict(sd, use_lu_lambdas=True, beta_schedule="squaredcos_cap_v2"), "dpmpp_2m", "model")
    for final in ("zero", "sigma_min"):
        yield varied_group(dict(sd, algorithm_type="deis", solver_type="logrho", final_sigmas_type=final), "dpmpp_2m", "model")
    for schedule in ("leading", "linspace", "trailing", "karras"):
        yield varied_group({"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1}, "dpmpp_2m", schedule)


def grid_group(config, sampler, scheduler):
    start = Start(**GRID_START)
    made = make_scheduler(config, sampler, scheduler)
    runs = [(steps, 1.0, False) for steps in (1, 4, 13, 40)] + [(10, 0.6, True)] + MORE_RUNS.get(sampler, [])
    rows = [row(lambda: copy.deepcopy(made), start, *one, digits=8) for one in runs]
    return group(config, sampler, scheduler, rows, start)


def grid(wanted):
    """Every sampler with every schedule that it takes."""
    named = [name for name in SAMPLERS if name in wanted]
    for prediction in ("epsilon", "v_prediction"):
        config = dict(STABLE_DIFFUSION, prediction_type=prediction, steps_offset=1, clip_sample=False)
        for sampler in named or SAMPLERS:
            for scheduler in schedules_of(sampler):
                yield grid_group(config, sampler, scheduler)


def webui():
    """The samplers that are AUTOMATIC1111's in its profile, on every schedule, with other etas and scaled noise; and what
    k-diffusion's others do with noise in both profiles."""
    start = Start(**GRID_START)
    for prediction in ("epsilon", "v_prediction"):
        config = dict(STABLE_DIFFUSION, prediction_type=prediction, steps_offset=1)
        for request in webui_requests(prediction == "epsilon"):
            yield webui_group(config, request, start)


def webui_requests(everything):
    """Those that are in a1111 alone, and, of everything, noise before the steps and noise that is scaled."""
    for sampler in PROGRAMS:
        every = schedules_of(sampler) if sampler == "dpmpp_2m_sde" else ("karras", "exponential", "normal")
        for scheduler in every if everything else ("karras",):
            yield {"sampler": sampler, "scheduler": scheduler, "profile": "a1111"}
        for noise in ({"eta": 0.0}, {"eta": 0.6}, {"s_noise": 0.7}):
            yield {"sampler": sampler, "scheduler": "karras", "profile": "a1111", **noise}
    for sampler in CHURNED if everything else ():
        yield {"sampler": sampler, "scheduler": "model", "s_churn": 3.0}
        yield {"sampler": sampler, "scheduler": "model", "s_churn": 40.0, "s_tmin": 0.5, "s_tmax": 5.0, "s_noise": 1.1}
    for sampler in (*WITH_ETA, "restart") if everything else ():
        yield {"sampler": sampler, "scheduler": "model", "s_noise": 0.7}


def webui_group(config, request, start):
    """Rows of one request."""
    def made():
        if request.get("profile") == "a1111":
            return webui_scheduler(config, {**request, "seed": start.seed})
        return make_scheduler(config, request["sampler"], request["scheduler"], **noise_fields(request))

    runs = [(steps, 1.0, False) for steps in (1, 3, 13)] + [(10, 0.6, True)]
    runs += MORE_RUNS.get(request["sampler"], [])
    return {"config": config, **request, "rows": [row(made, start, *one, digits=8) for one in runs]}


def randn_cases():
    draws = [[1], [15], [16], [17], [100], [3, 16, 5, 17, 1, 1], [31, 2, 1, 64]]
    seeds = (0, 1, 42, 2**32 + 5, 2**64 - 1)
    for seed in seeds:
        for counts in draws:
            generator = torch.Generator().manual_seed(seed if seed < 2**63 else seed - 2**64)
            values = torch.cat([torch.randn(n, generator=generator) for n in counts]).tolist()
            yield {"seed": seed, "draws": counts, "values": [float(f"{v:.9g}") for v in values]}
        # A large one by every 97th value.
        generator = torch.Generator().manual_seed(seed if seed < 2**63 else seed - 2**64)
        values = torch.randn(16384, generator=generator)[::97].tolist()
        yield {"seed": seed, "draws": [16384], "stride": 97, "values": [float(f"{v:.9g}") for v in values]}


def brownian_cases():
    """Paths over the sigmas of a model and others, looked at in an order that is not theirs."""
    ranges = ((0.0291675, 14.614642), (0.1, 10.0), (0.02, 4096.0), (1.0, 1.0001))
    for seed in (0, 7, 2**32 + 5, 2**64 - 1):
        for low, high in ranges:
            for n in (3, 18):
                yield brownian_case(seed, torch.tensor(low), torch.tensor(high), n)


def brownian_case(seed, low, high, n):
    """One path: what k-diffusion's BrownianTreeNoiseSampler makes of it."""
    tree = torchsde.BrownianTree(low, torch.zeros(n), high, entropy=seed)
    levels = low + (high - low) * torch.tensor([1, 0.77, 0.5, 0.31, 0.3, 0.05, 0])
    ways = [(levels[i], levels[i + 1]) for i in (3, 0, 5, 2, 1, 4)] + [(levels[0], levels[6]), (levels[4], levels[1])]
    values = [tree(min(way), max(way)) * (1 if way[0] < way[1] else -1) / (way[1] - way[0]).abs().sqrt() for way in ways]
    return {"seed": seed, "low": float(low), "high": float(high), "ways": [[float(end) for end in way] for way in ways],
            "values": [[float(f"{v:.9g}") for v in way] for way in values]}


def write(name, head, rows_key, rows):
    with open(HERE / name, "w", encoding="utf-8") as file:
        file.write("{" + "".join(f"{json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items()))
        file.write(f"{json.dumps(rows_key)}: [\n")
        file.write(",\n".join(json.dumps(r, separators=(",", ":")) for r in rows))
        file.write("\n]}\n")


def main():
    wanted = sys.argv[1:] or ["randn", "brownian", "samplers", "grid", "webui"]
    HERE.mkdir(parents=True, exist_ok=True)
    head = {"torch": "2.15.0", "diffusers": "0.39.0"}
    if "randn" in wanted:
        write("randn.json", head, "cases", randn_cases())
    if "brownian" in wanted:
        write("brownian.json", {**head, "torchsde": torchsde.__version__}, "cases", brownian_cases())
    head["timestep_steps"] = TIMESTEP_STEPS
    if "samplers" in wanted:
        write("samplers.json", {**head, **START}, "groups", [*main_grid(), *varied()])
    if "grid" in wanted:
        with correctly_rounded_roots():
            write("grid.json", {**head, **GRID_START}, "groups", grid(wanted))
    if "webui" in wanted:
        with correctly_rounded_roots():
            write("webui.json", {**head, **GRID_START}, "groups", webui())


if __name__ == "__main__":
    main()
