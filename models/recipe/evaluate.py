#!/usr/bin/env python3
"""Measures an exported model by the pictures that latentd itself makes with it, and draws the contact sheet.

    evaluate.py --bin build/server/latentd [--model WORK/model] [--things 1325] [--per-row 200] [--seeds 2]

Writes figures.md and sheet.png beside the pictures, in WORK/evaluation.
"""

import argparse
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

import judge
from captions import COLOURS, STYLE_PHRASES, article
from pictures import Art
from settings import ROOT, SIDE, add_work
from things import STYLES

# All of the first things by rank, which every model knows.
SHOWN = ("dog", "cat", "hamburger", "red apple", "rocket", "house", "pig", "grinning face")
SHEET = (
    *([f"{style} {name}" for name in SHOWN] for style in STYLES),
    ["3d kitty", "flat burger", "cartoon car", "3d pumpkin", "masterpiece, best quality, a photo of a rabbit, 4k",
     "flat sailboat", "3d evergreen tree", "cartoon teddy bear"],
    ["a purple dog", "3d green car", "a blue hamburger", "a pink house", "a cat on a yellow background",
     "a rocket on a blue background", "flat banana on a purple background", "a purple dog on a yellow background"],
    ["a cat and a hamburger", "a dog next to a house", "3d rocket and crescent moon", "two cats", "three red apples",
     "four rockets", "flat horse and pig", ""],
)
TINTS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")


class Row:
    """One row of the table: prompts, what is right for each, and what came out."""

    def __init__(self, name):
        self.name, self.prompts, self.right = name, [], []

    def add(self, prompt, **right):
        self.prompts.append(prompt)
        self.right.append(right)


def make_rows(art, count, most):
    """The prompts of all rows, the same for every model of as many things.  What is held out has its own row."""
    rng = random.Random("evaluation")
    numbers = range(count)
    pairs = [pair for pair in art.pairs() if pair[0] < count]
    rows = [Row(name) for name in ("plain", "keyword", "filler", "colour", "held-out")]
    plain, keyword, filler, colour, unseen = rows
    for number, style in rng.sample(pairs, min(most, len(pairs))):
        plain.add(STYLE_PHRASES[style][0].format(art.things[number]["name"]), thing=number, style=style)
    known = [number for number in numbers if art.things[number]["synonyms"]]
    for number in rng.sample(known, min(most, len(known))):
        style = rng.choice([style for other, style in pairs if other == number])
        words = rng.choice(art.things[number]["synonyms"])
        keyword.add(STYLE_PHRASES[style][0].format(words), thing=number, style=style)
    for number in rng.sample(numbers, min(most, count)):
        filler.add(f"masterpiece, best quality, a photo of {art.things[number]['name']}, 4k", thing=number, style=None)
    for place, number in enumerate(rng.sample(numbers, min(most, count))):
        name = art.things[number]["name"]
        if place % 2:
            tint = rng.choice(COLOURS)
            colour.add(f"{article(name)} on a {tint} background", background=tint)
        else:
            tint = rng.choice(TINTS)
            colour.add(article(f"{tint} {name}"), tint=tint)
    for number, style in [pair for pair in art.pairs(held_out=True) if pair[0] < count][:most]:
        unseen.add(STYLE_PHRASES[style][0].format(art.things[number]["name"]), thing=number, style=style)
    return rows


class Painter:
    """latentd, one process a picture; what was drawn once is kept."""

    def __init__(self, binary, model, folder):
        self.binary, self.model, self.folder = binary, model, folder
        folder.mkdir(parents=True, exist_ok=True)

    def draw(self, prompt, seed, name, threads=1):
        """A picture of 0..1, at the recommended settings."""
        path = self.folder / f"{name}.png"
        if not path.exists():
            subprocess.run([self.binary, "generate", "--model", self.model, "--prompt", prompt, "--seed", str(seed),
                            "--threads", str(threads), "--output", path], check=True, capture_output=True)
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"), np.float32) / 255

    def draw_all(self, jobs):
        """(prompt, seed, name) each, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda job: self.draw(*job), jobs))


def interval(hits):
    """Part of hits in percent, with the borders of its 95 % bootstrap interval over the prompts [prompts, seeds]."""
    hits = np.asarray(hits, float)
    means = hits.mean(1)
    drawn = np.random.default_rng(0).choice(means, (2000, len(means))).mean(1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{100 * means.mean():.0f} % ({100 * low:.0f}-{100 * high:.0f})"


def judge_things(row, pictures, pixels, classifier, count):
    """Ranks by both judges [prompts, seeds] and whether the style is right."""
    by_pixels, by_classifier, style_right = [], [], []
    for right, drawn in zip(row.right, pictures):
        thing, style = right["thing"], right["style"]
        found = [judge.classify(classifier, picture, count) for picture in drawn]
        by_pixels.append([pixels.rank(picture, style, thing) for picture in drawn])
        by_classifier.append([int((scores > scores[thing]).sum()) for scores, _ in found])
        style_right.append([kind == style for _, kind in found])
    return np.array(by_pixels), np.array(by_classifier), np.array(style_right)


def judge_colours(row, pictures):
    """Whether the asked colour is the measured one [prompts, seeds]."""
    return np.array([[judge.background_of(picture) == right["background"] if "background" in right
                      else judge.has_colour(picture, right["tint"]) for picture in drawn]
                     for right, drawn in zip(row.right, pictures)])


def draw_sheet(painter, path, seed=1, side=96):
    """All pictures of the sheet, 256 colours."""
    prompts = [prompt for row in SHEET for prompt in row]
    pictures = painter.draw_all([(prompt, seed, f"sheet-{place}") for place, prompt in enumerate(prompts)])
    sheet = Image.new("RGB", (side * len(SHEET[0]), side * len(SHEET)))
    for place, picture in enumerate(pictures):
        tile = Image.fromarray(np.round(picture * 255).astype(np.uint8)).resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (place % len(SHEET[0]) * side, place // len(SHEET[0]) * side))
    sheet.quantize(256).save(path, optimize=True)


def figures(rows, painter, art, options):
    """The lines of the table."""
    pixels = judge.Pixels(art, options.things)
    classifier = judge.train_classifier(art, options.work, options.judge_minutes)
    real = judge.real_art(classifier, art, options.things)
    lines = ["| | pixels top-1 / top-5 | classifier top-1 / top-5 |", "|---|---|---|"]
    last = []
    for row in rows:
        jobs = [(prompt, seed, f"{row.name}-{place}-{seed}") for place, prompt in enumerate(row.prompts)
                for seed in range(options.seeds)]
        drawn = painter.draw_all(jobs)
        pictures = [drawn[first:first + options.seeds] for first in range(0, len(drawn), options.seeds)]
        if row.name == "colour":
            measured = interval(judge_colours(row, pictures))
            last.append(f"| asked colour or background is the measured one | {measured} | |")
            continue
        by_pixels, by_classifier, style_right = judge_things(row, pictures, pixels, classifier, options.things)
        cells = [f"{interval(ranks < 1)} / {interval(ranks < 5)}" for ranks in (by_pixels, by_classifier)]
        lines.append(f"| {row.name}: {len(row.prompts)} prompts, {options.seeds} seeds | {cells[0]} | {cells[1]} |")
        if row.name == "plain":
            last.append(f"| right style of three | | {interval(style_right)} |")
        print(lines[-1], flush=True)
    last.append("| the classifier on the real art itself: right thing; right style | | {:.0f} %; {:.0f} % |".format(*real))
    return lines + last


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/server/latentd", help="the program")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--things", type=int, default=10000, help="among how many things, in order of rank")
    parser.add_argument("--per-row", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--judge-minutes", type=float, default=8, help="to train the classifier, once")
    parser.add_argument("--sheet-only", action="store_true")
    options = parser.parse_args()
    art = Art(options.work)
    options.things = min(options.things, len(art.things))
    model = options.model or options.work / "model"
    painter = Painter(options.bin, model, options.work / "evaluation")
    draw_sheet(painter, painter.folder / "sheet.png")
    if options.sheet_only:
        return
    lines = figures(make_rows(art, options.things, options.per_row), painter, art, options)
    started = time.monotonic()
    for number in range(5):
        painter.draw("3d dog", 100 + number, f"time-{number}-{started}", threads=2)
    lines.append(f"| prompt to PNG, a process of its own, {SIDE}x{SIDE} | {(time.monotonic() - started) / 5:.1f} s | |")
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    lines.append(f"| size on disk, all files | {size / 1e6:.1f} MB | |")
    (painter.folder / "figures.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
