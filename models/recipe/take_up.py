#!/usr/bin/env python3
"""Takes a finished model up again, where no checkpoint is left: from a model folder back to the files in WORK that the
trainings go on from (tokenizer/, code.npz, text-, vae- and unet-average.pt).

    take_up.py [--work WORK] [--model models/default]

Then make_latents, with as many things as are to be learned, and train_unet: its counters begin at zero.
"""

import argparse
import shutil
from pathlib import Path

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from nets import Decoder
from patch_code import read_encoder
from settings import ROOT, add_work
from training import write

NEW = {"seconds": 0.0, "steps": 0, "samples": 0}


def take_up(model, work):
    """Writes all files."""
    work.mkdir(parents=True, exist_ok=True)
    text, unet, vae = (kind.from_pretrained(model / part) for kind, part in (
        (CLIPTextModel, "text_encoder"), (UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")))
    shutil.copytree(model / "tokenizer", work / "tokenizer", dirs_exist_ok=True)
    read_encoder(vae).save(work / "code.npz")
    for name, modules in (("text", {"text": text}), ("vae", {"decoder": Decoder(vae)}),
                          ("unet", {"unet": unet, "text": text})):
        weights = {key: module.half().state_dict() for key, module in modules.items()}
        write(work / f"{name}-average.pt", {"counters": NEW, **weights})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    parser.add_argument("--model", type=Path, default=ROOT / "models/default")
    options = parser.parse_args()
    take_up(options.model, options.work)


if __name__ == "__main__":
    main()
