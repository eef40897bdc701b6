#!/usr/bin/env python3
"""Encodes all pictures and synthetic scenes for the U-Net: WORK/latents.npz (f16) and WORK/items.json.

Held-out pictures are in neither.
"""

import argparse
import json
import random

import numpy as np

from patch_code import PatchCode
from pictures import Art
from scenes import make_scene
from settings import add_work
from train_vae import make_code, to_tensor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    parser.add_argument("--things", type=int, default=10000, help="scenes show only the first this many things")
    parser.add_argument("--scenes", type=int, default=16000)
    options = parser.parse_args()
    art = Art(options.work)
    code = make_code(art, options.work / "code.npz")
    items = [{"thing": number, "style": style} for number, style in art.pairs()]
    latents = encode(code, (art.on_white((item["thing"], item["style"])) for item in items))

    styles_of = {}
    for number, style in art.pairs():
        if number < options.things:
            styles_of.setdefault(number, []).append(style)
    numbers = sorted(styles_of)
    rng = random.Random("scenes")
    described = []

    def scenes():
        for _ in range(options.scenes):
            picture, scene = make_scene(art, numbers, styles_of, rng)
            described.append(scene)
            yield picture

    latents = np.concatenate([latents, encode(code, scenes())])
    np.savez(options.work / "latents.npz", latents=latents)
    with open(options.work / "items.json", "w", encoding="utf-8") as file:
        json.dump({"things": art.things, "items": items + described}, file)
    print(f"{len(items)} pictures, {len(described)} scenes, {latents.nbytes / 1e6:.0f} MB")


def encode(code: PatchCode, pictures):
    """Latents [N, 16, 16, 16] in f16."""
    parts, batch = [], []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == 50:
            parts.append(code.encode(to_tensor(batch)).half().numpy())
            batch = []
    if batch:
        parts.append(code.encode(to_tensor(batch)).half().numpy())
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
