"""What the text encoder and the U-Net learn from: captions as tokens, latents, in batches."""

import json
import random

import numpy as np
import torch
from transformers import CLIPTokenizer

from captions import caption
from settings import TOKENS


def load_tokenizer(work):
    """The tokenizer of the recipe."""
    return CLIPTokenizer.from_pretrained(work / "tokenizer")


class Encoder:
    """Texts to token ids [N, 32], padded and cut as latentd does it."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, texts):
        found = self.tokenizer(texts, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")
        return found.input_ids


class Batches:
    """Pictures and scenes with captions: each batch a function of its number alone."""

    def __init__(self, work, things, scenes, seed):
        """things: how many of them, in order of rank; scenes: their part of a batch."""
        with open(work / "items.json", encoding="utf-8") as file:
            content = json.load(file)
        self.things, self.items = content["things"], content["items"]
        with np.load(work / "latents.npz") as file:
            self.latents = torch.from_numpy(file["latents"])
        known = [number for number, item in enumerate(self.items)
                 if all(part["thing"] < things for part in item.get("parts", [item]))]
        self.pictures = [number for number in known if "parts" not in self.items[number]]
        self.scenes = [number for number in known if "parts" in self.items[number]]
        self.part, self.seed = scenes if self.scenes else 0.0, seed
        self.turn, self.shuffled = None, []
        self.encode = Encoder(load_tokenizer(work))

    def numbers(self, step, count):
        """Which items: pictures in a shuffled order, all of them before any comes again; scenes at random."""
        rng = random.Random(f"{self.seed} {step}")
        some = sum(rng.random() < self.part for _ in range(count))
        chosen = [rng.choice(self.scenes) for _ in range(some)]
        for place in range(step * count, step * count + count - some):
            turn, place = divmod(place, len(self.pictures))
            chosen.append(self.order(turn)[place])
        return chosen, rng

    def order(self, turn):
        """The shuffled pictures of one round."""
        if self.turn != turn:
            rng = random.Random(f"{self.seed} round {turn}")
            self.turn, self.shuffled = turn, rng.sample(self.pictures, len(self.pictures))
        return self.shuffled

    def batch(self, step, count, empty=0.1):
        """Token ids [N, 32] and latents [N, 16, 16, 16]; a part of the captions is empty."""
        chosen, rng = self.numbers(step, count)
        texts = ["" if rng.random() < empty else caption(self.items[number], self.things, rng) for number in chosen]
        return self.encode(texts), self.latents[chosen].float(), [self.items[number] for number in chosen]
