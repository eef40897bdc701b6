"""Who judges the pictures: pixels, a small classifier of real art, and rules for colours."""

import random

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from hues import in_hue, saturated
from pictures import rgb_to_hsv
from things import STYLES
from training import Hands, Optimisers, Run

SIDE = 64
BORDER = 5  # pixels of a 128-pixel picture's edge that show its background


def small(picture):
    """A picture of 0..1 as 64x64."""
    scaled = Image.fromarray(np.round(picture * 255).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(scaled, np.float32) / 255


class Pixels:
    """Nearest neighbours among the real art."""

    def __init__(self, art, count):
        self.art = {}
        for style in STYLES:
            numbers = [number for number in range(count) if (number, style) in art.pictures]
            self.art[style] = numbers, np.stack([small(art.on_white((number, style))) for number in numbers])
        self.count = count

    def rank(self, picture, style, thing):
        """How many things look more like the picture than the right one does: 0 is a hit.  Each thing by its art of the
        style, or, if none was asked for, by that of its styles which is nearest."""
        nearest = np.full(self.count, np.inf)
        for kind in [style] if style else STYLES:
            numbers, candidates = self.art[kind]
            distance = np.square(candidates - small(picture)).sum((1, 2, 3))
            nearest[numbers] = np.minimum(nearest[numbers], distance)
        return int((nearest < nearest[thing]).sum())


class Classifier(nn.Module):
    """64x64 pictures to scores of things and of styles."""

    def __init__(self, things, width=48):
        super().__init__()
        layers, wide = [], 3
        for step in range(4):
            wider = width << min(step, 2)
            layers += [nn.Conv2d(wide, wider, 3, 2, 1), nn.BatchNorm2d(wider), nn.SiLU()]
            wide = wider
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(wide * 16, 256), nn.SiLU())
        self.thing, self.style = nn.Linear(256, things), nn.Linear(256, len(STYLES))

    def forward(self, pictures):
        found = self.trunk(pictures)
        return self.thing(found), self.style(found)


def disturbed(batch, rng):
    """Moved, turned, scaled, blurred, noisy, a little recoloured: what a generator does to a picture."""
    count = len(batch)
    angle, scale = 0.15 * torch.randn(count), 1 + 0.12 * torch.randn(count)
    turn = torch.stack([torch.stack([scale * angle.cos(), -scale * angle.sin(), 0.1 * torch.randn(count)], 1),
                        torch.stack([scale * angle.sin(), scale * angle.cos(), 0.1 * torch.randn(count)], 1)], 1)
    batch = 1 - grid_sample(1 - batch, affine_grid(turn, list(batch.shape), align_corners=False), align_corners=False)
    if rng.random() < 0.5:
        batch = nn.functional.avg_pool2d(batch, 3, 1, 1)
    colours = 1 + 0.12 * torch.randn(count, 3, 1, 1)
    batch = (batch - 0.5) * (1 + 0.15 * torch.randn(count, 1, 1, 1)) + 0.5
    return batch * colours + 0.06 * torch.rand(1) * torch.randn_like(batch)


def train_classifier(art, work, minutes):
    """The classifier, trained on all real art (held-out pictures too: it judges, it does not draw); resumed from its
    file."""
    classifier = Classifier(len(art.things))
    optimisers = Optimisers([classifier], 2e-3, Hands(2), plain=("trunk.0.", "thing", "style"))
    run = Run(work, "judge", {"classifier": classifier}, optimisers, minutes)
    pairs = list(art.pictures)
    pictures = torch.from_numpy(np.stack([small(art.on_white(pair)) for pair in pairs])).permute(0, 3, 1, 2)
    while run.going():
        rng = random.Random(f"judge {run.steps}")
        chosen = rng.choices(range(len(pairs)), k=96)
        thing, style = classifier(disturbed(pictures[chosen], rng))
        wanted = torch.tensor([pairs[number][0] for number in chosen])
        loss = cross_entropy(thing, wanted, label_smoothing=0.05)
        kinds = torch.tensor([STYLES.index(pairs[number][1]) for number in chosen])
        (loss + cross_entropy(style, kinds)).backward()
        run.step(96, loss=loss.detach(), right=(thing.argmax(1) == wanted).float().mean())
        if run.steps % 200 == 0:
            run.tell()
    run.save()
    return classifier.eval()


@torch.no_grad()
def classify(classifier, picture, count):
    """Scores of the first `count` things, and the style."""
    batch = torch.from_numpy(small(picture)).permute(2, 0, 1)[None]
    thing, style = classifier(batch)
    return thing[0, :count].numpy(), STYLES[int(style.argmax())]


def real_art(classifier, art, count):
    """How often the classifier is right about the art itself, in percent: the thing, among the first `count`, and the style.
    What a drawn picture is judged by cannot be better than this."""
    right = [(int(scores.argmax()) == number, style == found)
             for (number, style), (scores, found) in
             ((pair, classify(classifier, art.on_white(pair), count)) for pair in art.pictures if pair[0] < count)]
    return 100 * np.mean(right, 0)


def colour_of(rgb):
    """What one would call a colour [3] of 0..1."""
    hue, saturation, value = (float(part) for part in rgb_to_hsv(np.asarray(rgb, np.float32)))
    if value < 0.22:
        return "black"
    if saturation < 0.18:
        return "white" if value > 0.88 else "grey"
    name = next(name for name in ("red", "orange", "yellow", "green", "blue", "purple", "pink")
                if in_hue(np.float32(hue * 360), name))
    return "brown" if name in ("red", "orange", "yellow") and value < 0.62 and saturation > 0.35 else name


def background_of(picture):
    """The colour of a picture's edge."""
    edge = np.concatenate([picture[:BORDER].reshape(-1, 3), picture[-BORDER:].reshape(-1, 3),
                           picture[:, :BORDER].reshape(-1, 3), picture[:, -BORDER:].reshape(-1, 3)])
    return colour_of(np.median(edge, 0))


def has_colour(picture, name):
    """Whether the thing on a picture has mostly this colour: that of more of its pixels than any other hue has."""
    edge = np.median(np.concatenate([picture[:BORDER].reshape(-1, 3), picture[-BORDER:].reshape(-1, 3)]), 0)
    thing = picture[np.abs(picture - edge).max(-1) > 0.12]
    if len(thing) < 100:
        return False
    if name in ("black", "grey", "brown"):
        return colour_of(np.median(thing, 0)) == name
    strong, degrees = saturated(thing)
    counts = {hue: int((strong & in_hue(degrees, hue)).sum())
              for hue in ("red", "orange", "yellow", "green", "blue", "purple", "pink")}
    return counts[name] > 0 and counts[name] == max(counts.values())
