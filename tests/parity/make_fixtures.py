#!/usr/bin/env python3
"""Makes, or checks, tests/parity/fixtures from small generated models and the reference libraries.

    make_fixtures.py [NAME...]                make these fixtures (all when none is named)
    make_fixtures.py --check [NAME...]        recompute each result from the files, on two f32 paths, and compare
    make_fixtures.py --sensitivity [NAME...]  measure how much 5 % noise on one tensor changes the results
"""

import argparse
import sys
from pathlib import Path

from approximation_cases import plan_approximations
from cases import plan_cases
from control_cases import plan_controls, plan_controls_sd21, plan_controls_xl
from control_files import write_controls
from default_cases import plan_default
from eta_cases import plan_eta
from fixture import (
    check_versions,
    compute,
    disagreements,
    load_fixture,
    make_fixture,
    read_embeddings,
    relative_error,
    start_empty,
    write_cases,
    write_embeddings,
    write_named_loras,
)
from hires_cases import plan_hires
from lora_cases import plan_loras, plan_loras_xl
from lora_files import write_loras
from mask_cases import plan_edit, plan_inpaint, plan_inpaint_xl, plan_masks
from noise_cases import plan_noise
from prompt_cases import embeddings, embeddings_xl, plan_prompts, plan_prompts_xl, plan_rescale
from reference import Reference, prepare_libraries
from refused import REFUSED, check_refused
from sensitivity import measure_model
from specs import SD15, SPECS
from tiling_cases import plan_tiling
from vae_cases import plan_taesd, plan_taesd_xl, plan_vae
from vae_files import read_vae, write_vae
from variation_cases import plan_variations

FIXTURES = Path(__file__).resolve().parent / "fixtures"
# Cases of a model that stands elsewhere: how they are planned, where it is, and the embeddings that they name.
BORROWED = {
    "default": (plan_default, "../../../../models/default", {}),
    "approximations": (plan_approximations, "../sd15/model", {}),
    "eta": (plan_eta, "../sd15/model", {}),
    "controls": (plan_controls, "../sd15/model", {}),
    "controls-sd21": (plan_controls_sd21, "../sd21/model", {}),
    "controls-xl": (plan_controls_xl, "../sdxl/model", {}),
    "hires": (plan_hires, "../sd15/model", {}),
    "loras": (plan_loras, "../sd15/model", {}),
    "loras-xl": (plan_loras_xl, "../sdxl/model", {}),
    "masks": (plan_masks, "../sd15/model", {}),
    "masks-edit": (plan_edit, "../edit/model", {}),
    "masks-inpaint": (plan_inpaint, "../inpaint/model", {}),
    "masks-inpaint-xl": (plan_inpaint_xl, "../inpaint-xl/model", {}),
    "prompts": (plan_prompts, "../sd15/model", embeddings()),
    "tiling": (plan_tiling, "../sd15/model", {}),
    "taesd": (plan_taesd, "../sd15/model", {}),
    "taesd-xl": (plan_taesd_xl, "../sdxl/model", {}),
    "vae": (plan_vae, "../sd15/model", {}),
    "variations": (plan_variations, "../sd15/model", {}),
    "prompts-xl": (plan_prompts_xl, "../sdxl/model", embeddings_xl()),
    "noise": (plan_noise, "../sd15/model", {}),
    "rescale": (plan_rescale, "../sd21/model", {}),
}
# What makes the adapters that the cases name.
LORAS = {"loras": write_loras, "loras-xl": write_loras}
# The same of ControlNets.
CONTROLS = {"controls": write_controls, "controls-sd21": write_controls, "controls-xl": write_controls}
# What has a VAE in place of the model's own: what of its folder the engine opens.
VAES = {"taesd": "vae", "taesd-xl": "vae/tiny_decoder.safetensors", "vae": "vae"}
SENSITIVITY_LIMIT = 2e-4


def make_borrowed(name, make_plan, model, named):
    """Writes the cases of a model that stays where it is, and the embeddings and adapters that they name."""
    folder = FIXTURES / name
    start_empty(folder)
    write_embeddings(folder, named)
    plan = make_plan()
    extra, vae = {}, None
    if name in VAES:
        write_vae(name, folder / "vae")
        extra, vae = {"vae": VAES[name]}, read_vae(folder / "vae")
    reference = Reference(folder / model, read_embeddings(folder), vae)
    if name in LORAS:
        write_named_loras(folder, LORAS[name](reference.pipe))
        reference.open_loras(folder / "loras")
    if name in CONTROLS:
        CONTROLS[name](reference.pipe, folder / "controlnets")
        reference.controls.open(folder / "controlnets")
    write_cases(folder, plan, compute(reference, plan), model=model, **extra)


def make(name):
    """Writes one fixture."""
    spec = next((spec for spec in SPECS if spec.name == name), None)
    if spec is None:
        make_borrowed(name, *BORROWED[name])
    elif spec is SD15:
        check_refused(spec)
        make_fixture(spec, FIXTURES / name, plan_cases, refused=REFUSED)
    else:
        make_fixture(spec, FIXTURES / name, plan_cases)
    print(f"{name}: made", flush=True)


def check(name):
    """Recomputes a fixture; returns the number of results that differ."""
    cases, tensors, reference = load_fixture(FIXTURES / name)
    failures = 0
    for onednn in (True, False):
        for case, error in disagreements(reference, cases, tensors, onednn):
            print(f"{name}/{case['name']}: oneDNN {onednn}: relative error {error:.2e}")
            failures += 1
    print(f"{name}: {len(cases)} cases, {failures} differ", flush=True)
    return failures


def check_sensitivity(name):
    """Prints the least sensitive tensor of each part; returns the number of tensors below the limit."""
    cases, tensors, reference = load_fixture(FIXTURES / name)
    failures = 0
    for part, changes in measure_model(reference, cases, tensors, relative_error).items():
        least = min(changes, key=changes.get)
        low = [f"{tensor} {change:.1e}" for tensor, change in changes.items() if change < SENSITIVITY_LIMIT]
        failures += len(low)
        print(f"{name}: {part}: {len(changes)} tensors, least {changes[least]:.1e} ({least}); below the limit: {low}")
    sys.stdout.flush()
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
    prepare_libraries()
    small = [spec.name for spec in SPECS]
    known = small if arguments.sensitivity else [*small, *BORROWED]
    unknown = set(arguments.names) - set(known)
    if unknown:
        sys.exit(f"no such fixture: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    action = check if arguments.check else check_sensitivity if arguments.sensitivity else make
    results = [action(name) for name in arguments.names or known]
    sys.exit(1 if any(results) else 0)


if __name__ == "__main__":
    main()
