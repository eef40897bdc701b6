#!/usr/bin/env python3
"""Times a fresh daemon: from exec to ready, from prompt to PNG, and how much memory it took at most.

    python3 bench/first_picture.py [--model FOLDER] [--rounds 3] [--pictures 3] [--request '{"steps": 1}']

Without a model: models/default, with its recommended settings.  For the peak of a 512x512 picture of the full Stable Diffusion
1.5 size: python3 bench/make_model.py build/sd15, then --model build/sd15 --rounds 1 --pictures 1 --request '{"steps": 1}'.
Standard library alone.
"""
import argparse
import json
import pathlib
import re
import signal
import statistics
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def start(model):
    """The daemon's process, its address, and the seconds until it said that it is ready."""
    begun = time.monotonic()
    process = subprocess.Popen([ROOT / "build/server/latentd", "serve", "--listen", "127.0.0.1:0", "--model", model],
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        found = re.search(r"event=ready address=(\S+)", line)
        if found:
            return process, found.group(1), time.monotonic() - begun
    raise SystemExit("the daemon did not start")


def draw(address, request):
    """Seconds from the request to the last byte of the PNG."""
    body = json.dumps(request).encode()
    headers = {"Content-Type": "application/json", "Accept": "image/png"}
    begun = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1/generate", body, headers)) as answer:
        assert answer.read().startswith(b"\x89PNG")
    return time.monotonic() - begun


def peak_mib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "models/default"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--request", type=json.loads, default={}, help="fields beside the prompt, as JSON")
    arguments = parser.parse_args()
    ready, pictures, peaks = [], [], []
    for _ in range(arguments.rounds):
        process, address, seconds = start(arguments.model)
        ready.append(seconds)
        for seed in range(arguments.pictures):
            pictures.append(draw(address, {"prompt": "3d tiger", "seed": seed, **arguments.request}))
        peaks.append(peak_mib(process))
        process.send_signal(signal.SIGTERM)
        process.wait()
    print(f"start to ready: median {statistics.median(ready):.3f} s, at most {max(ready):.3f} s")
    print(f"prompt to PNG: median {statistics.median(pictures):.3f} s, at most {max(pictures):.3f} s")
    print(f"peak resident memory: {max(peaks):.0f} MiB")


if __name__ == "__main__":
    main()
