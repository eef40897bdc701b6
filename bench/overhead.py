#!/usr/bin/env python3
"""What of a job is not drawing: HTTP, JSON, the PNG with its text, base64.

    python3 bench/overhead.py [--model FOLDER] [--size 512] [--times 20] [--steps 1]

A client's time from the request to the last byte, less what the reply says that text encoder, U-Net and VAE took.
Standard library alone.
"""
import argparse
import json
import pathlib
import signal
import statistics
import time
import urllib.request

from first_picture import ROOT, start


def draw(address, request):
    """Milliseconds that were not drawing, and the reply."""
    body = json.dumps(request).encode()
    begun = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(
            f"{address}/api/v1/generate", body, {"Content-Type": "application/json"})) as answer:
        text = answer.read()
    took = time.monotonic() - begun
    reply = json.loads(text)
    drawing = sum(seconds for name, seconds in reply["timings"].items() if name in ("text_s", "encode_s", "sample_s", "decode_s"))
    return 1000 * (took - drawing), reply


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/default")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1)
    arguments = parser.parse_args()
    process, address, _ = start(arguments.model)
    request = {"prompt": "3d tiger", "width": arguments.size, "height": arguments.size, "steps": arguments.steps}
    took = [draw(address, {**request, "seed": seed})[0] for seed in range(arguments.times)]
    reply = draw(address, request)[1]
    process.send_signal(signal.SIGTERM)
    process.wait()
    print(f"timings of a reply: {json.dumps(reply['timings'])}; base64 of {len(reply['images'][0]['b64_png']) / 1e3:.0f} kB")
    print(f"not drawing: median {statistics.median(took):.1f} ms, at most {max(took):.1f} ms")


if __name__ == "__main__":
    main()
