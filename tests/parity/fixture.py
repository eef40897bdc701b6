"""A fixture folder: writing it, reading it, and the versions it was made with."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import diffusers
import peft
import safetensors.torch
import scipy
import torch
import torchsde
import transformers

from reference import Reference
from tiny_models import write_model
from vae_files import read_vae

SINGLE_FILE = Path(__file__).resolve().parents[2] / "bench" / "single_file.py"
GGUF_FILE = Path(__file__).resolve().parent / "gguf_file.py"
REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"

# Two ways of computing a case in f32 must agree to this (relative), or it would be no fair test.
CONDITIONING_LIMIT = 2e-5
PICTURE_LIMIT = 1e-3  # a few values may round to the neighbouring level


def versions():
    """The versions of the reference libraries that are installed."""
    modules = {"torch": torch, "diffusers": diffusers, "transformers": transformers, "scipy": scipy,
               "peft": peft, "torchsde": torchsde}
    return {name: module.__version__.partition("+")[0] for name, module in modules.items()}


def check_versions():
    """Ends the program when the installed libraries are not the pinned ones."""
    pinned = dict(line.split("==") for line in REQUIREMENTS.read_text().split())
    if versions() != pinned:
        sys.exit(f"need {pinned}, found {versions()}; --any-version goes on all the same")


def relative_error(value, expected):
    """Root mean square of the difference over root mean square of what is expected."""
    return float((value - expected).norm() / expected.norm().clamp_min(1e-30))


def start_empty(folder):
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def write_cases(folder, plan, tensors, **extra):
    """Writes cases.json and tensors.safetensors."""
    safetensors.torch.save_file(tensors, folder / "tensors.safetensors")
    listing = {"versions": versions(), **extra, "cases": plan.cases}
    (folder / "cases.json").write_text(json.dumps(listing, indent=1) + "\n")


def write_embeddings(folder, named):
    """Writes {name: {tensor name: vectors}} as a folder of textual inversion embeddings."""
    for name, tensors in named.items():
        (folder / "embeddings").mkdir(exist_ok=True)
        safetensors.torch.save_file(tensors, folder / "embeddings" / f"{name}.safetensors")


def read_embeddings(folder):
    """{name: vectors for each text encoder} of a fixture's embeddings."""
    found = {}
    for file in sorted((folder / "embeddings").glob("*.safetensors")):
        tensors = safetensors.torch.load_file(file)
        found[file.stem] = [tensors[name].float() for name in (("clip_l", "clip_g") if "clip_g" in tensors else tensors)]
    return found


def write_named_loras(folder, named):
    """Writes {name: (tensors, PEFT's configuration or None)} as a folder of adapters."""
    (folder / "loras").mkdir()
    for name, (tensors, configuration) in named.items():
        metadata = {"lora_adapter_metadata": json.dumps(configuration)} if configuration else None
        safetensors.torch.save_file(tensors, folder / "loras" / f"{name}.safetensors", metadata)


def compute(reference, plan):
    """All tensors of a plan: what goes in, and each case's result."""
    tensors = {name: tensor.float().contiguous() for name, tensor in plan.tensors.items()}
    for case in plan.cases:
        tensors[case["out"]] = reference.run(case, tensors)
        if not tensors[case["out"]].isfinite().all():
            sys.exit(f"{case['name']}: the reference's result is not finite")
    return tensors


def make_fixture(spec, folder, make_plan, **extra):
    """Writes a small model and its cases into folder, which is emptied first; returns (Reference, plan, tensors)."""
    start_empty(folder)
    write_model(spec, folder / "model")
    if spec.gguf:
        file = folder / "model" / "single.gguf"
        subprocess.run([sys.executable, GGUF_FILE, folder / "model", file], check=True)
        extra["file"] = "model/single.gguf"
    reference = Reference(folder / "model")
    plan = make_plan(spec, reference.pipe.tokenizer or reference.pipe.tokenizer_2)
    tensors = compute(reference, plan)
    if spec.single_file:
        file = folder / "model" / "single.safetensors"
        subprocess.run([sys.executable, SINGLE_FILE, folder / "model", file], check=True)
        extra["file"] = "model/single.safetensors"
    write_cases(folder, plan, tensors, **extra)
    return reference, plan, tensors


def load_fixture(folder):
    """(cases, tensors, Reference) of a fixture on disk."""
    listing = json.loads((folder / "cases.json").read_text())
    tensors = safetensors.torch.load_file(folder / "tensors.safetensors")
    vae = read_vae(folder / "vae") if "vae" in listing else None
    reference = Reference(folder / listing.get("model", "model"), read_embeddings(folder), vae)
    reference.open_loras(folder / "loras")
    reference.controls.open(folder / "controlnets")
    return listing["cases"], tensors, reference


def disagreements(reference, cases, tensors, onednn):
    """(case, relative error) where computing again, with or without oneDNN, does not give the stored result."""
    found = []
    reference.generated.clear()
    with torch.backends.mkldnn.flags(enabled=onednn):
        for case in cases:
            error = relative_error(reference.run(case, tensors), tensors[case["out"]])
            if error > (PICTURE_LIMIT if case["kind"] == "picture" else CONDITIONING_LIMIT):
                found.append((case, error))
    return found
