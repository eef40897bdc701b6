#!/usr/bin/env python3
"""What the approximations of a request give and take: time, and likeness to the exact picture, as a Markdown table.

    python3 bench/approximations.py [--model models/default] [--request '{"steps": 25}'] [--seeds 3] [--prompt TEXT]...

Draws through the daemon of build/ (LATENTD_BUILD_DIR): for each prompt and seed the exact picture, then the same with each
setting of the table, in turns, so that a slow minute meets all of them.  Times are medians, PSNR and SSIM means over all pictures,
with the worst in brackets.  PSNR is over all values, SSIM over the brightness, with Gaussian windows of 11 x 11 (Wang et al. 2004).
Standard library alone; nothing else may run on the machine meanwhile.
"""
import argparse
import base64
import json
import math
import os
import pathlib
import re
import signal
import statistics
import struct
import subprocess
import sys
import urllib.error
import urllib.request
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("LATENTD_BUILD_DIR", ROOT / "build"))
PROMPTS = ["3d tiger", "a red apple", "flat rocket"]

SETTINGS = [
    {},
    {"guidance_end": 0.8},
    {"guidance_end": 0.6},
    {"guidance_end": 0.4},
    {"guidance_start": 0.1, "guidance_end": 0.8},
    {"guidance_start": 0.2, "guidance_end": 0.8},
    {"deepcache_interval": 2},
    {"deepcache_interval": 3},
    {"deepcache_interval": 5},
    {"guidance_end": 0.8, "deepcache_interval": 2},
    {"guidance_end": 0.6, "deepcache_interval": 3},
    {"precision": "bf16"},
    {"precision": "bf16", "guidance_end": 0.8, "deepcache_interval": 2},
]

WINDOW = [math.exp(-(i - 5) ** 2 / (2 * 1.5 ** 2)) for i in range(11)]
WINDOW = [weight / sum(WINDOW) for weight in WINDOW]


class Server:
    def __init__(self, model):
        self.process = subprocess.Popen([BUILD / "server/latentd", "serve", "--listen", "127.0.0.1:0", "--model", model],
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"event=ready address=(\S+)", line)
            if found:
                break
        else:
            raise SystemExit("the daemon did not start")
        self.address = found.group(1)
        self.log = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def draw(self, request):
        """The job, and the PNG."""
        asked = urllib.request.Request(f"{self.address}/api/v1/generate", json.dumps(request).encode(),
                                       {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked) as answer:
                job = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise SystemExit(f"{request}: {refused.read().decode()}") from refused
        return job, base64.b64decode(job["images"][0]["b64_png"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.wait()


def pixels(png):
    """(width, the values of all rows) of an 8-bit RGB picture as latentd writes it."""
    at, data, width = 8, b"", 0
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        width = struct.unpack(">I", body[:4])[0] if kind == b"IHDR" else width
        data += body if kind == b"IDAT" else b""
        at += 12 + size
    packed, stride, values, above = zlib.decompress(data), 3 * width, [], [0] * (3 * width)
    for start in range(0, len(packed), stride + 1):
        above = unfilter(packed[start], packed[start + 1:start + 1 + stride], above)
        values += above
    return width, values


def unfilter(method, packed, above):
    """A row of a PNG from what stands in the file and the row above it."""
    row = []
    for i, value in enumerate(packed):
        left, up = row[i - 3] if i >= 3 else 0, above[i]
        corner = above[i - 3] if i >= 3 else 0
        guess = (0, left, up, (left + up) // 2, paeth(left, up, corner))[method]
        row.append(value + guess & 255)
    return row


def paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def psnr(a, b):
    square = sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)
    return 10 * math.log10(255 ** 2 / square) if square else math.inf


def brightness(values):
    return [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in zip(values[::3], values[1::3], values[2::3])]


def smooth(values, width):
    """The weighted mean around each place whose window lies inside, row by row; and how wide that is."""
    rows = [values[i:i + width] for i in range(0, len(values), width)]
    across = [[sum(weight * value for weight, value in zip(WINDOW, row[i:])) for i in range(width - 10)] for row in rows]
    return [sum(weight * value for weight, value in zip(WINDOW, column))
            for top in range(len(rows) - 10) for column in zip(*across[top:top + 11])]


def ssim(a, b, width):
    x, y = brightness(a), brightness(b)
    mean_x, mean_y = smooth(x, width), smooth(y, width)
    square_x, square_y, product = (smooth([p * q for p, q in zip(*pair)], width) for pair in ((x, x), (y, y), (x, y)))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return statistics.fmean(
        (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
        / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))
        for mx, my, xx, yy, xy in zip(mean_x, mean_y, square_x, square_y, product))


def measure(server, requests):
    """Of each setting, all pictures' times and likenesses."""
    found = [{"sample": [], "whole": [], "psnr": [], "ssim": []} for _ in SETTINGS]
    server.draw(requests[0])
    for asked in requests:
        exact = width = None
        for setting, told in zip(SETTINGS, found):
            job, png = server.draw({**asked, **setting})
            timings = job["timings"]
            told["sample"].append(timings["sample_s"])
            told["whole"].append(sum(seconds for name, seconds in timings.items() if name.endswith("_s")))
            width, values = pixels(png)
            if not setting:
                exact = values
            else:
                told["psnr"].append(psnr(values, exact))
                told["ssim"].append(ssim(values, exact, width))
            print(f"{asked['prompt']}, seed {asked['seed']}: {setting or 'exact'}", file=sys.stderr, flush=True)
    return found


def likeness(values, form):
    return f"{statistics.fmean(values):{form}} ({min(values):{form}})" if values else ""


def table(found):
    exact = {name: statistics.median(found[0][name]) for name in ("sample", "whole")}
    yield "| setting | steps, s | times faster | picture, s | times faster | PSNR, dB | SSIM |"
    yield "|---|---|---|---|---|---|---|"
    for setting, told in zip(SETTINGS, found):
        name = ", ".join(f"`{key}` {value}" for key, value in setting.items()) or "exact"
        sample, whole = statistics.median(told["sample"]), statistics.median(told["whole"])
        yield (f"| {name} | {sample:.2f} | {exact['sample'] / sample:.2f} | {whole:.2f} | {exact['whole'] / whole:.2f} "
               f"| {likeness(told['psnr'], '.1f')} | {likeness(told['ssim'], '.3f')} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "models/default"))
    parser.add_argument("--prompt", action="append", help="instead of: " + ", ".join(PROMPTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--request", type=json.loads, default={}, help="more fields of all requests, as JSON")
    arguments = parser.parse_args()
    requests = [{"prompt": prompt, "seed": seed, **arguments.request}
                for prompt in arguments.prompt or PROMPTS for seed in range(arguments.seeds)]
    server = Server(arguments.model)
    try:
        found = measure(server, requests)
    finally:
        server.stop()
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
