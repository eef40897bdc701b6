"""Pictures and residuals by ControlNets, on the models of other fixtures."""

import torch

from cases import init_image
from control_files import lines
from prompt_cases import FOX, PromptPlan
from tiny_models import generator_for


def entry(model, size=(24, 24), **fields):
    """One control of a request; its picture's size is (width, height)."""
    return {"model": model, "image": f"lines-{size[0]}x{size[1]}", "weight": 1.0, "start": 0.0, "end": 1.0, **fields}


# (name, controls, other fields of the request)
CASES = [
    ("folder", [entry("folder")], {}),
    ("file", [entry("file")], {}),
    ("no-attention", [entry("plain")], {}),
    ("weak", [entry("folder", weight=0.35)], {}),
    ("start", [entry("folder", start=0.25)], {}),
    ("end", [entry("folder", end=0.55)], {}),
    ("between", [entry("folder", start=0.2, end=0.7)], {"sampler": "dpmpp_2m", "scheduler": "model"}),
    ("two", [entry("folder", weight=0.6), entry("file", weight=0.8, size=(40, 24))], {}),
    ("two-by-turns", [entry("folder", end=0.5), entry("file", start=0.5)], {}),
    ("same-twice", [entry("folder", weight=0.5), entry("folder", weight=0.4, size=(40, 24), start=0.3)], {}),
    ("no-guidance", [entry("folder")], {"cfg_scale": 1}),
    ("wide", [entry("folder", size=(40, 24))], {"width": 40, "sampler": "ddim", "scheduler": "model"}),
    ("resized", [entry("folder", size=(61, 33))], {}),
    ("cropped", [entry("folder", size=(61, 33), resize="crop")], {"width": 40}),
    ("cropped-high", [entry("folder", size=(33, 61), resize="crop")], {}),
    ("filled", [entry("folder", size=(61, 33), resize="fill")], {}),
    ("filled-beside", [entry("folder", size=(20, 37), resize="fill"), entry("file", resize="fill")], {"width": 40}),
    ("from-image", [entry("folder", end=0.6)], {"strength": 0.6}),
]
CASES_SD21 = [
    ("file", [entry("file")], {}),
    ("ddim", [entry("file", weight=0.6, start=0.2, size=(40, 24))], {"sampler": "ddim", "scheduler": "model"}),
    ("from-image", [entry("file", end=0.7)], {"strength": 0.7}),
]
CASES_XL = [
    ("original", [entry("original")], {}),
    ("mid", [entry("mid")], {}),
    ("small", [entry("small")], {}),
    ("two", [entry("original", weight=0.6, end=0.6), entry("mid", weight=0.8, size=(40, 24))], {}),
    ("no-guidance", [entry("original")], {"cfg_scale": 1}),
    ("empty-negative", [entry("original")], {"negative_prompt": ""}),
    ("from-image", [entry("original", end=0.7)], {"strength": 0.7}),
]


def add_pictures(plan, fixture, cases):
    """What the requests draw."""
    for name, controls, fields in cases:
        plan.add(name, FOX, {"controls": controls, **fields})
        for control in controls:
            width, height = map(int, control["image"].partition("-")[2].split("x"))
            plan.tensors[control["image"]] = lines(height, width)
        if "strength" in fields:
            plan.cases[-1]["init_image"] = "init"
            plan.tensors["init"] = init_image(fixture, 24, 24)


def add_residuals(plan, fixture, models, count, shapes):
    """Each residual of each network by itself; shapes: of what they are made from."""
    for label, shape in shapes.items():
        plan.tensors[f"control.{label}"] = torch.randn(shape, generator=generator_for(fixture, label))
    given = {label: f"control.{label}" for label in shapes}
    for model in models:
        for residual in range(count):
            plan.cases.append({"name": f"residual-{model}-{residual}", "kind": "control", "model": model, **given,
                               "timestep": 437.25, "residual": residual, "out": f"residual-{model}-{residual}.out"})


def plan_controls():
    """On the model of sd15."""
    plan = PromptPlan()
    add_pictures(plan, "controls", CASES)
    # Of four levels with two layers: conv_in's, two and a smaller one each but for the last, and the middle's.
    add_residuals(plan, "controls", ("folder", "file", "plain"), 13,
                  {"sample": (2, 4, 5, 7), "context": (2, 77, 16), "picture": (1, 3, 40, 56)})
    return plan


def plan_controls_sd21():
    """On the model of sd21, of four levels with one layer."""
    plan = PromptPlan()
    add_pictures(plan, "controls-sd21", CASES_SD21)
    add_residuals(plan, "controls-sd21", ("file",), 9,
                  {"sample": (2, 4, 5, 7), "context": (2, 20, 24), "picture": (1, 3, 10, 14)})
    return plan


def plan_controls_xl():
    """On the model of sdxl, of three levels with two layers."""
    plan = PromptPlan()
    add_pictures(plan, "controls-xl", CASES_XL)
    add_residuals(plan, "controls-xl", ("original", "mid", "small"), 10,
                  {"sample": (2, 4, 5, 7), "context": (2, 77, 36), "picture": (1, 3, 40, 56), "pooled": (2, 12), "sizes": (2, 6)})
    return plan
