#!/usr/bin/env python3
"""Makes, or checks, tests/parity/fixtures from small generated models and the reference libraries.

    make_fixtures.py [NAME...]                make these fixtures (all when none is named)
    make_fixtures.py --check [NAME...]        recompute each result from the files and compare
    make_fixtures.py --sensitivity [NAME...]  measure how much 5 % noise on one tensor changes the results
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import diffusers
import safetensors.torch
import torch
import transformers

from cases import plan_cases
from default_cases import plan_default
from reference import Reference, make_deterministic
from refused import REFUSED, check_refused
from sensitivity import measure_model
from tiny_models import SPECS, write_model

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures"
DEFAULT = "default"
DEFAULT_MODEL = "../../../../models/default"

# A result that two ways of computing it in f32 do not agree on to this (relative) would be no fair test.
CONDITIONING_LIMIT = 2e-5
SENSITIVITY_LIMIT = 2e-4


def versions():
    """The versions of the reference libraries that are installed."""
    modules = {"torch": torch, "diffusers": diffusers, "transformers": transformers}
    return {name: module.__version__.partition("+")[0] for name, module in modules.items()}


def check_versions():
    """Ends the program when the installed libraries are not the pinned ones."""
    pinned = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split())
    if versions() != pinned:
        sys.exit(f"need {pinned}, found {versions()}; --any-version goes on all the same")


def relative_error(value, expected):
    """Root mean square of the difference over root mean square of what is expected."""
    return float((value - expected).norm() / expected.norm().clamp_min(1e-30))


def write_fixture(folder, reference, plan, extra):
    """Computes every case of plan and writes cases.json and tensors.safetensors."""
    tensors = dict(plan.tensors)
    for case in plan.cases:
        tensors[case["out"]] = reference.run(case, tensors)
        if not tensors[case["out"]].isfinite().all():
            sys.exit(f"{folder.name}/{case['name']}: not finite")
    tensors = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
    safetensors.torch.save_file(tensors, folder / "tensors.safetensors")
    listing = {"versions": versions(), **extra, "cases": plan.cases}
    (folder / "cases.json").write_text(json.dumps(listing, indent=1) + "\n")


def make_fixture(spec, folder):
    """Writes one small model and its cases into folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    write_model(spec, folder / "model")
    reference = Reference(folder / "model")
    extra = {"refused": REFUSED} if spec.name == "sd15" else {}
    write_fixture(folder, reference, plan_cases(spec, reference.pipe.tokenizer), extra)


def make_default(folder):
    """Writes the cases of the default model; the model itself stays where it is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reference = Reference(folder / DEFAULT_MODEL)
    write_fixture(folder, reference, plan_default(), {"model": DEFAULT_MODEL})


def load_fixture(folder):
    """(listing, tensors, Reference) of a fixture on disk."""
    listing = json.loads((folder / "cases.json").read_text())
    tensors = safetensors.torch.load_file(folder / "tensors.safetensors")
    return listing, tensors, Reference(folder / listing.get("model", "model"))


def check_fixture(folder):
    """Recomputes a fixture as it was made, and again on torch's other f32 path; returns the number of failures."""
    listing, tensors, reference = load_fixture(folder)
    failures = 0
    for path, limit in (("same path", 0.0), ("other path", CONDITIONING_LIMIT)):
        reference.generated.clear()
        with torch.backends.mkldnn.flags(enabled=path == "same path"):
            for case in listing["cases"]:
                error = relative_error(reference.run(case, tensors), tensors[case["out"]])
                allowed = 1.0 if path != "same path" and case["kind"] == "picture" else limit
                if error > allowed:
                    print(f"{folder.name}/{case['name']}: {path}: relative error {error:.2e}")
                    failures += 1
    if failures == 0:
        print(f"{folder.name}: {len(listing['cases'])} cases agree")
    return failures


def check_sensitivity(folder):
    """Prints the least sensitive tensor of each part; returns the number of tensors below the limit."""
    listing, tensors, reference = load_fixture(folder)
    failures = 0
    for part, changes in measure_model(reference, listing["cases"], tensors, relative_error).items():
        name, least = min(changes.items(), key=lambda item: item[1])
        low = [tensor for tensor, change in changes.items() if change < SENSITIVITY_LIMIT]
        failures += len(low)
        print(f"{folder.name}: {part}: {len(changes)} tensors, least {least:.1e} ({name}), below limit: {low or 'none'}")
    return failures


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="fixtures; all when none is named")
    parser.add_argument("--check", action="store_true", help="recompute and compare instead of writing")
    parser.add_argument("--sensitivity", action="store_true", help="measure instead of writing")
    parser.add_argument("--any-version", action="store_true", help="go on with other library versions")
    return parser.parse_args()


def main():
    """Does what the command line says; exit status 1 when a check failed."""
    arguments = parse_arguments()
    if not arguments.any_version:
        check_versions()
    make_deterministic()
    specs = {spec.name: spec for spec in SPECS}
    known = [*specs, DEFAULT]
    names = arguments.names or known
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such fixture: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    if arguments.check:
        sys.exit(1 if sum(check_fixture(FIXTURES / name) for name in names) else 0)
    if arguments.sensitivity:
        small = [name for name in names if name != DEFAULT]
        sys.exit(1 if sum(check_sensitivity(FIXTURES / name) for name in small) else 0)
    check_refused(specs["sd15"])
    for name in names:
        make_default(FIXTURES / name) if name == DEFAULT else make_fixture(specs[name], FIXTURES / name)
        print(f"{name}: made", flush=True)


if __name__ == "__main__":
    main()
