#!/usr/bin/env python3
"""Writes the model that latentd reads, a diffusers folder in f16, from the averaged weights of all trainings.

    export.py [--work WORK] [--out FOLDER] [--things 400]      default: WORK/model, all things

To make it the default model, copy its content to models/default (see this folder's README).
"""

import argparse
import json
import shutil
from pathlib import Path

from diffusers import DDIMScheduler
from safetensors.torch import load_file, save_file

from batches import load_tokenizer
from nets import NOISE, Decoder, make_text_encoder, make_unet, make_vae
from patch_code import PatchCode, write_encoder
from settings import RECOMMENDED, add_work
from training import load_average

PARTS = {"scheduler": ("diffusers", "DDIMScheduler"), "text_encoder": ("transformers", "CLIPTextModel"),
         "tokenizer": ("transformers", "CLIPTokenizer"), "unet": ("diffusers", "UNet2DConditionModel"),
         "vae": ("diffusers", "AutoencoderKL"), "feature_extractor": (None, None), "safety_checker": (None, None)}


def load_vae(work):
    """The code as encoder, the trained decoder."""
    vae = make_vae()
    write_encoder(vae, PatchCode.load(work / "code.npz"))
    load_average(work, "vae", {"decoder": Decoder(vae)})
    return vae


def export(work, out, count):
    """Writes the whole folder, of a model that learned the first `count` things; returns its size in bytes."""
    text, unet = make_text_encoder(load_tokenizer(work)), make_unet()
    load_average(work, "unet", {"unet": unet, "text": text})
    for part, module in (("text_encoder", text), ("unet", unet), ("vae", load_vae(work))):
        shutil.rmtree(out / part, ignore_errors=True)
        module.half().save_pretrained(out / part, safe_serialization=True)
        if part == "text_encoder":
            name_as_usual(out / part / "model.safetensors")
        for file in (out / part).iterdir():
            file.chmod(0o644)
    DDIMScheduler(**NOISE, steps_offset=1, clip_sample=False, set_alpha_to_one=False,
                  timestep_spacing="leading").save_pretrained(out / "scheduler")
    shutil.copytree(work / "tokenizer", out / "tokenizer", dirs_exist_ok=True)
    things = json.loads((work / "things.json").read_text(encoding="utf-8"))["things"][:count]
    about = RECOMMENDED["about"].format(things=len(things))
    write_json(out / "names.json", [thing["name"] for thing in things])
    write_json(out / "latentd.json", {**RECOMMENDED, "about": about}, indent=2)
    write_json(out / "model_index.json", {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.39.0",
                                          "requires_safety_checker": False, **PARTS}, indent=2)
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def name_as_usual(path):
    """Puts text_model before each tensor's name, as every Stable Diffusion has it; transformers 5 leaves it out."""
    tensors = load_file(path)
    save_file({f"text_model.{name}": tensor for name, tensor in tensors.items()}, path, {"format": "pt"})


def write_json(path, content, indent=None):
    """As text that ends in a newline."""
    path.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--things", type=int, default=10000, help="how many the U-Net was trained with")
    options = parser.parse_args()
    out = options.out or options.work / "model"
    print(f"{out}: {export(options.work, out, options.things) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
