"""How the cost of a U-Net step grows with the picture's side, with the batch and with threads, beside the peers; started by
`bench/run growth`, which installs what this needs.

A step has two rows a picture (guidance).  latentd draws the pictures of a batch one after another, so its batch takes a step for
each, and no more memory.  Prints tables for docs/speed.md, and writes the JSON and docs/growth.svg.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import time

from side_by_side import BENCH, NAMES, ROOT, Failed, Run, commit, machine, say, words

PEERS = ("openvino", "torch")
SIDES, BATCHES, ACROSS = (256, 384, 512, 768, 1024), (1, 2, 3, 4), 512
COLOURS = {"latentd": "#0b7a5b", "openvino": "#b3541e", "torch": "#5b4bb3"}


class Growth(Run):
    """A Run whose job is one point of the growth."""

    side, batch, threads = ACROSS, 1, 1

    def job(self, item):
        return {**super().job(item), "width": self.side, "height": self.side, "threads": self.threads, "batch": self.batch}

    def point(self, name):
        """Median seconds of a step, and peak memory; None where it failed."""
        pictures = self.batch if name == "latentd" else 1
        try:
            program = self.start(name, "step")
            turns = [program.turn()["step"] * pictures for _ in range(self.arguments.rounds)]
            return {"step_s": statistics.median(turns), "turns_s": turns, "peak_rss_bytes": program.end()}
        except Failed as failed:
            say(f"  {NAMES[name]}: {failed}")
            return None

    def points(self):
        """Every setting once, each program in turn."""
        most = self.arguments.threads
        settings = [(side, 1, most) for side in SIDES]
        settings += [(ACROSS, batch, most) for batch in BATCHES if batch > 1]
        settings += [(side, 1, 1) for side in (256, ACROSS) if most > 1]
        for self.side, self.batch, self.threads in settings:
            say(f"{self.side}x{self.side}, batch {self.batch}, threads {self.threads}")
            yield {"side": self.side, "batch": self.batch, "threads": self.threads,
                   "programs": {name: self.point(name) for name in ("latentd", *self.arguments.peers)}}


def cell(found):
    return f"{found['step_s']:.2f} s, {found['peak_rss_bytes'] / 1e9:.2f} GB" if found else "failed"


def table(points, names):
    """Markdown: a row a point."""
    yield "| side | batch | threads | " + " | ".join(NAMES[name] for name in names) + " |"
    yield "|---" * (3 + len(names)) + "|"
    for point in points:
        cells = [str(point[key]) for key in ("side", "batch", "threads")]
        yield "| " + " | ".join(cells + [cell(point["programs"][name]) for name in names]) + " |"


WIDTH, HEIGHT = 440, 260


def seconds(found):
    return found["step_s"]


def gigabytes(found):
    return found["peak_rss_bytes"] / 1e9


def panel(points, names, key, value, unit, title):
    """SVG of WIDTH x HEIGHT: a value over the points' key, both logarithmic."""
    values = [value(found) for point in points for found in point["programs"].values() if found]
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    marks = sorted({point[key] for point in points})
    first, last = math.log2(marks[0]), math.log2(marks[-1])

    def x(mark):
        return 60 + 270 * (math.log2(mark) - first) / (last - first)

    def y(amount):
        return 205 - 185 * (math.log2(amount) - low) / (high - low)

    for power in range(low, high + 1):
        yield (f'<path d="M60 {y(2 ** power):.1f}H330" stroke="#ddd"/>'
               f'<text x="52" y="{y(2 ** power) + 4:.1f}" text-anchor="end">{2 ** power:g} {unit}</text>')
    for mark in marks:
        yield f'<text x="{x(mark):.1f}" y="224" text-anchor="middle">{mark}</text>'
    yield f'<text x="195" y="244" text-anchor="middle">{title}</text>'
    labels = -99
    lines = {name: sorted((x(point[key]), y(value(point["programs"][name]))) for point in points if point["programs"][name])
             for name in names}
    for name, line in sorted(((name, line) for name, line in lines.items() if line), key=lambda item: item[1][-1][1]):
        spots = " ".join(f"{across:.1f},{down:.1f}" for across, down in line)
        yield f'<polyline points="{spots}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
        labels = max(line[-1][1] + 4, labels + 14)
        yield f'<text x="{line[-1][0] + 6:.1f}" y="{labels:.1f}" fill="{COLOURS[name]}">{NAMES[name]}</text>'


def plot(points, names, most):
    """SVG: time and memory of a step over the side, its time over the batch and over threads."""
    by_side = [point for point in points if point["batch"] == 1 and point["threads"] == most]
    by_batch = [point for point in points if point["side"] == ACROSS and point["threads"] == most]
    by_threads = [point for point in points if point["side"] == ACROSS and point["batch"] == 1]
    panels = [(by_side, "side", seconds, "s", "step: pixels a side"), (by_side, "side", gigabytes, "GB", "peak memory: pixels a side"),
              (by_batch, "batch", seconds, "s", f"step, {ACROSS}x{ACROSS}: pictures of a batch"),
              (by_threads, "threads", seconds, "s", f"step, {ACROSS}x{ACROSS}: threads")]
    panels = [one for one in panels if len({point[one[1]] for point in one[0]}) > 1]

    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT}" font-family="sans-serif" font-size="13">'
           f'<rect width="{2 * WIDTH}" height="{2 * HEIGHT}" fill="#fff"/>')
    for place, (chosen, *how) in enumerate(panels):
        yield f'<g transform="translate({place % 2 * WIDTH} {place // 2 * HEIGHT})">'
        yield from panel(chosen, names, *how)
        yield "</g>"
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(prog="bench/run growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=words(PEERS), default=list(PEERS), metavar="PEER,...")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--results", type=pathlib.Path, default=BENCH / "results", metavar="FOLDER")
    parser.add_argument("--svg", type=pathlib.Path, default=ROOT / "docs/growth.svg")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help=argparse.SUPPRESS)
    parser.set_defaults(isa="native", dtype="f16", precision="f32", size=ACROSS, quick=False, threads=len(os.sched_getaffinity(0)))
    run = Growth(parser.parse_args())
    run.prepared.prepare(run.arguments.peers)
    if "torch" in run.arguments.peers:
        run.threads = run.arguments.threads
        run.try_torch()
    names = ["latentd", *run.arguments.peers]
    points = list(run.points())
    print("\n".join(table(points, names)))
    run.arguments.svg.write_text("\n".join(plot(points, names, run.arguments.threads)) + "\n")
    run.arguments.results.mkdir(parents=True, exist_ok=True)
    path = run.arguments.results / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-growth.json"
    path.write_text(json.dumps({"machine": machine(), "commit": commit(), "points": points}, indent=1) + "\n")
    say(f"written: {path}")


if __name__ == "__main__":
    main()
