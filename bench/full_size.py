#!/usr/bin/env python3
"""Full-size models, with generated weights, end to end beside diffusers: the last latent and the picture.

    .venv/reference/bin/python bench/full_size.py [sd15|sd21|sdxl]... [--steps 2] [--folder build/full]

Writes each model and what diffusers draws with it (f32) to a folder, in the form of the parity fixtures, and runs
build/tests/parity/test_parity_cases on that: every one in strict and in default numerics.  Then `latentd generate` draws the same
in f16, for its peak memory.  Needs the packages of tests/parity/requirements.txt, 20 GB
of memory and 7 GB of disk for sdxl, and half an hour; too much for the tests.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/parity"))
from fixture import start_empty, write_cases  # noqa: E402
from make_model import ARCHITECTURES, write_model  # noqa: E402
from reference import Reference  # noqa: E402

SIDES = {"sd15": 512, "sd21": 768, "sdxl": 1024}
PROMPT, NEGATIVE = "a painting of a red fox in the snow", "ugly, blurry, low quality"
RELATIVE, DECIBELS = 1e-3, 45


class Plan:
    def __init__(self, side, steps):
        request = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "seed": 7, "steps": steps, "cfg_scale": 7.5, "width": side,
                   "height": side}
        self.tensors = {}
        self.cases = [{"name": kind, "kind": kind, "request": request, "out": f"{kind}.out"} for kind in ("latent", "picture")]


def write_reference(folder, side, steps):
    """In a process of its own, whose memory is free afterwards."""
    plan = Plan(side, steps)
    torch.set_grad_enabled(False)
    reference = Reference(folder / "model")
    tensors = {case["out"]: reference.run(case, {}) for case in plan.cases}
    write_cases(folder, plan, tensors, model="model")


def prepare(name, folder, steps):
    """The model stays where it is from one run to the next."""
    if not (folder / "model").exists():
        start_empty(folder)
        print(f"{name}: making the model", file=sys.stderr, flush=True)
        write_model(folder / "partial", name, torch.float16)
        (folder / "partial").rename(folder / "model")
    print(f"{name}: diffusers draws", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, __file__, "--reference", folder, str(SIDES[name]), str(steps)], check=True)


def compare(name, folder):
    """Prints what the parity test says; whether it is within the limits."""
    done = subprocess.run([ROOT / "build/tests/parity/test_parity_cases", folder], capture_output=True, text=True)
    print(f"{name}: {done.stdout.strip()}", flush=True)
    errors = [float(number) for number in re.findall(r"relative error ([0-9.e+-]+)", done.stdout)]
    decibels = [float(number) for number in re.findall(r"(\S+) dB", done.stdout)]
    return bool(errors and decibels) and max(errors) <= RELATIVE and min(decibels) >= DECIBELS


def draw(name, folder, steps):
    """Peak memory of a picture by the program."""
    command = [ROOT / "build/server/latentd", "generate", "--model", folder / "model", "--prompt", PROMPT, "--negative-prompt", NEGATIVE,
               "--steps", str(steps), "--seed", "7", "--cfg-scale", "7.5", "--output", folder / "picture.png"]
    # A child is counted with what its parent had when it was forked, so that the parent must be a small one.
    between = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True)\n" \
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", between, *command], stdout=subprocess.PIPE, text=True)
    if done.returncode == 0:
        print(f"{name}: latentd generate, {SIDES[name]}x{SIDES[name]}: peak memory {int(done.stdout) * 1024 / 1e9:.2f} GB", flush=True)
    return done.returncode == 0


def main():
    if sys.argv[1:2] == ["--reference"]:
        write_reference(pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(ARCHITECTURES), metavar="|".join(ARCHITECTURES))
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/full")
    parser.add_argument("--keep", action="store_true", help="the models, for the next run")
    arguments = parser.parse_args()
    good = True
    for name in arguments.names:
        folder = arguments.folder / name
        prepare(name, folder, arguments.steps)
        good &= compare(name, folder)
        good &= draw(name, folder, arguments.steps)
        if not arguments.keep:
            shutil.rmtree(folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
