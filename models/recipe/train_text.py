#!/usr/bin/env python3
"""Teaches the text encoder what captions look like, before any picture is drawn: WORK/text.pt, WORK/text-average.pt.

From the encoder's outputs a small head must tell a rough picture (the main components of the latents) and the things
shown.  It costs minutes, and the U-Net then starts with words that already mean something.  Resumable.
"""

import argparse
import json
import random

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from batches import Batches, Encoder, load_tokenizer
from captions import STYLE_PHRASES
from nets import make_text_encoder
from settings import LATENT_CHANNELS, LATENT_SIDE, TEXT_WIDTH, add_work
from training import PLAIN, Hands, Optimisers, Run, add_training, start

COMPONENTS = 160
QUERIES = 8
# Nearly all captions are shorter, and what comes after is padding, which the U-Net's training gets to know.
FIRST_TOKENS = 18


class Head(nn.Module):
    """Reads the encoder's outputs as the U-Net will: by attention, from all positions."""

    def __init__(self, things):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(QUERIES, TEXT_WIDTH))
        self.attention = nn.MultiheadAttention(TEXT_WIDTH, 8, batch_first=True)
        wide = QUERIES * TEXT_WIDTH
        self.picture = nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, 512), nn.SiLU(), nn.Linear(512, COMPONENTS))
        self.shown = nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, things))
        nn.init.constant_(self.shown[1].bias, -6.0)  # few of all things are shown

    def forward(self, context):
        queries = self.queries.expand(len(context), -1, -1)
        read = self.attention(queries, context, context, need_weights=False)[0].flatten(1)
        return self.picture(read), self.shown(read)


def components_of(latents):
    """Mean and main directions of latents laid flat, the directions scaled so that projections are about 1."""
    flat = latents[torch.randperm(len(latents), generator=torch.Generator().manual_seed(0))[:3000]].float().flatten(1)
    mean = flat.mean(0)
    _, values, directions = torch.linalg.svd(flat - mean, full_matrices=False)
    spread = values[:COMPONENTS] / len(flat) ** 0.5
    return mean, directions[:COMPONENTS] / (spread * spread[0])[:, None].sqrt()


@torch.no_grad()
def retrieval(text, head, things, count, encode, device):
    """How often the head names the thing, asked by name and by synonym."""
    text.eval()
    scores = {}
    for kind in ("name", "synonym"):
        asked = [(number, thing["name"] if kind == "name" else thing["synonyms"][0])
                 for number, thing in enumerate(things[:count]) if kind == "name" or thing["synonyms"]]
        right = 0
        for first in range(0, len(asked), 100):
            part = asked[first:first + 100]
            style = random.Random(first).choice(list(STYLE_PHRASES))
            ids = encode([STYLE_PHRASES[style][0].format(words) for _, words in part]).to(device)
            best = head(text(ids).last_hidden_state)[1].argmax(1).tolist()
            right += sum(found == number for found, (number, _) in zip(best, part))
        scores[kind] = f"{right / len(asked):.3f}"
    text.train()
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    add_training(parser, minutes=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--things", type=int, default=10000, help="only the first this many things")
    options = parser.parse_args()
    device = start()
    batches = Batches(options.work, options.things, scenes=0.3, seed="text")
    things = json.loads((options.work / "things.json").read_text(encoding="utf-8"))["things"]
    encode = Encoder(load_tokenizer(options.work))
    text = make_text_encoder(encode.tokenizer).to(device)
    head = Head(len(things)).to(device)
    mean, directions = components_of(batches.latents)
    hands = Hands(1 if device.type == "cuda" else options.threads)
    optimisers = Optimisers([text, head], options.rate, hands, plain=(*PLAIN, "shown", "picture"))
    run = Run(options.work, "text", {"text": text, "head": head}, optimisers, options.minutes, longest=0.99)
    assert mean.numel() == LATENT_CHANNELS * LATENT_SIDE * LATENT_SIDE

    while run.going():
        ids, latents, items = batches.batch(run.steps, options.batch, empty=0.02)
        target = (latents.flatten(1) - mean) @ directions.T
        shown = torch.zeros(len(items), len(things))
        for row, item in enumerate(items):
            for part in item.get("parts", [item]):
                shown[row, part["thing"]] = 1

        def learn(part):
            picture, names = head(text(ids[part, :FIRST_TOKENS].to(device)).last_hidden_state)
            rough = (picture - target[part].to(device)).square().mean(1).sum() / len(items)
            named = binary_cross_entropy_with_logits(names, shown[part].to(device), reduction="sum") / len(items)
            (rough + 0.2 * named).backward()
            return rough.detach(), named.detach()

        rough, named = (sum(parts) for parts in zip(*hands.each(learn, hands.share(len(items)))))
        run.step(len(items), rough=rough, named=named)
        if run.steps % 200 == 0:
            run.tell(**retrieval(text, head, things, min(options.things, len(things)), encode, device))
    run.tell(**retrieval(text, head, things, min(options.things, len(things)), encode, device))
    run.save()


if __name__ == "__main__":
    main()
