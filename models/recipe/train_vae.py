#!/usr/bin/env python3
"""Makes the latent code and trains the decoder for it: WORK/code.npz, WORK/vae.pt, WORK/vae-average.pt.

Resumable: start it again, and it goes on, up to --minutes in all.
"""

import argparse
import random

import numpy as np
import torch

from hues import kept_hues
from nets import Decoder, make_vae
from patch_code import PatchCode, patches, write_encoder
from pictures import WHITE, Art, blank, over, paste, resized, turn_hue
from settings import SIDE, add_work
from training import WORKING, Halves, Hands, Optimisers, Run, add_training, start

CROP = 64
CODE_PICTURES = 1500
# The U-Net's latents are never exact: the decoder learns to live with this much noise.
LATENT_NOISE = 0.06


def to_tensor(pictures):
    """Pictures of 0..1, channels last, to a batch of -1..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous() * 2 - 1


def canvas(art, pairs, rng):
    """One picture to learn from: a thing on white, or on a colour, or smaller, or two; often in other hues."""
    kind = rng.random()
    colour = WHITE if rng.random() < 0.6 else tuple(rng.random() for _ in range(3))
    if kind < 0.6:
        picture = over(art.rgba(rng.choice(pairs)), colour)
    else:
        picture = blank(colour)
        for _ in range(1 if kind < 0.75 else 2):
            side = rng.randrange(48, 176)
            top, left = (rng.randrange(min(0, SIDE - side), max(0, SIDE - side) + 1) for _ in range(2))
            paste(picture, resized(art.rgba(rng.choice(pairs)), side), top, left)
    if rng.random() < 0.4:
        picture = turn_hue(picture, rng.random())
    return picture.astype(np.float32)


def crop(picture, rng):
    """Of four crops at random the one that holds most."""
    best = None
    for _ in range(4):
        top, left = (rng.randrange(SIDE - CROP + 1) for _ in range(2))
        part = picture[top:top + CROP, left:left + CROP]
        if best is None or part.std() > best.std():
            best = part
    return best


def loss_of(decoded, pictures, gradient):
    """Absolute and squared error, colour counting double, and from some time on that of the edges."""
    error = (decoded - pictures) / 2
    grey = error.mean(1, keepdim=True)
    loss = error.abs().mean() + (error - grey).abs().mean() + 4 * error.square().mean()
    if gradient:
        loss = loss + 0.5 * (error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean())
    return loss


@torch.no_grad()
def measure(vae, code, art, device):
    """PSNR on art that no training sees, and which part of the saturated pixels keeps its hue."""
    originals, decodings = [], []
    pairs = art.pairs(held_out=True)
    for first in range(0, len(pairs), 20):
        batch = to_tensor([art.on_white(pair) for pair in pairs[first:first + 20]])
        decoded = vae.decode(code.encode(batch).to(device)).sample.float().cpu().clamp(-1, 1)
        originals.append(batch)
        decodings.append(decoded)
    original, decoded = ((torch.cat(parts) + 1) / 2 for parts in (originals, decodings))
    psnr = -10 * torch.log10((original - decoded).square().mean()).item()
    kept = kept_hues(original.permute(0, 2, 3, 1).numpy(), decoded.permute(0, 2, 3, 1).numpy())
    return psnr, kept


def make_code(art, path):
    """Fits the latent code to pictures as they are learned, or loads it."""
    if not path.exists():
        rng = random.Random("latent code")
        pictures = to_tensor([canvas(art, art.pairs(), rng) for _ in range(CODE_PICTURES)])
        PatchCode.fit(patches(pictures).flatten(0, 2)).save(path)
    return PatchCode.load(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    add_training(parser, minutes=40)
    parser.add_argument("--batch", type=int, default=12)
    options = parser.parse_args()
    device = start()
    art = Art(options.work)
    code = make_code(art, options.work / "code.npz")
    vae = make_vae()
    write_encoder(vae, code)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    vae.to(device)
    decoder = Decoder(vae)
    hands = Hands(1 if device.type == "cuda" else options.threads)
    run = Run(options.work, "vae", {"decoder": decoder}, Optimisers([decoder], options.rate, hands), options.minutes)
    halves = Halves([decoder])
    pairs = art.pairs()

    while run.going():
        rng = random.Random(f"vae {run.steps}")
        whole = run.fraction > 0.9
        count = options.batch // 4 if whole else options.batch
        pictures = [canvas(art, pairs, rng) for _ in range(count)]
        batch = to_tensor([picture if whole else crop(picture, rng) for picture in pictures])
        latents = code.encode(batch)
        latents = latents + torch.randn_like(latents) * abs(rng.gauss(0, LATENT_NOISE))
        halves.refresh()

        def learn(part):
            decoded = halves.modules[0](latents[part].to(device, WORKING)).float()
            loss = loss_of(decoded, batch[part].to(device), run.fraction > 0.1) * len(decoded) / count
            loss.backward()
            return loss.detach()

        loss = sum(hands.each(learn, hands.share(count)))
        halves.collect()
        run.step(count, loss=loss)
        if run.steps % 100 == 0:
            report(run, vae, code, art, device, run.steps % 500 == 0)
    report(run, vae, code, art, device, True)
    run.save()


def report(run, vae, code, art, device, thorough):
    """A line of the log; if thorough, with what the averaged weights are worth."""
    more = {}
    if thorough:
        run.average.swap()
        psnr, kept = measure(vae, code, art, device)
        run.average.swap()
        more = {"psnr": f"{psnr:.2f}", **{name: f"{part:.3f}" for name, (_, part) in kept.items()}}
    run.tell(**more)


if __name__ == "__main__":
    main()
