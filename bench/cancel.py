#!/usr/bin/env python3
"""How long a running job goes on after it was canceled: at random moments of every phase, through the daemon.

    python3 bench/make_model.py build/sd15
    python3 bench/cancel.py [--model build/sd15] [--size 512] [--times 8] [--within 6] [--seed 1]

Each time one job is started, followed until the phase begins, left alone for a random part of `within` seconds, and
canceled; what is printed are the milliseconds from the cancel request to the first answer that says "canceled".
Standard library alone.
"""
import argparse
import base64
import http.client
import json
import pathlib
import random
import re
import signal
import statistics
import struct
import subprocess
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHASES = ("text", "encode", "sample", "decode")
FINAL = ("succeeded", "failed", "canceled")


def png(size):
    """A gradient."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes(value for x in range(size) for value in (x * 255 // size, y * 255 // size, 128))
                    for y in range(size))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Server:
    def __init__(self, model):
        self.process = subprocess.Popen(
            [ROOT / "build/server/latentd", "serve", "--listen", "127.0.0.1:0", "--model", model],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"event=ready address=http://(\S+)", line)
            if found:
                break
        else:
            raise SystemExit("the daemon did not start")
        self.connection = http.client.HTTPConnection(found.group(1))

    def ask(self, method, path, document=None):
        body = None if document is None else json.dumps(document)
        self.connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text
        return json.loads(text)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def cancel_once(server, request, phase, delay):
    """Seconds until the job was canceled; None when it had left the phase before."""
    job = server.ask("POST", "/api/v1/jobs", request)
    path = f"/api/v1/jobs/{job['id']}"
    reached = PHASES.index(phase)
    while job["status"] == "queued" or (job["status"] == "running"
                                        and PHASES.index(job["progress"]["phase"]) < reached):
        time.sleep(0.002)
        job = server.ask("GET", path)
    time.sleep(delay)
    begun = time.monotonic()
    job = server.ask("POST", f"{path}/cancel")
    was = job["status"] if job["status"] != "running" else job["progress"]["phase"]
    while job["status"] not in FINAL:
        time.sleep(0.001)
        job = server.ask("GET", path)
    took = time.monotonic() - begun
    return took if job["status"] == "canceled" and was in (phase, "canceled") else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "build/sd15"))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--times", type=int, default=8, help="of each phase")
    parser.add_argument("--within", type=float, default=6, help="seconds of a phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", nargs="+", default=PHASES, choices=PHASES)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    server = Server(arguments.model)
    plain = {"prompt": "a cat", "width": arguments.size, "height": arguments.size, "steps": 1, "cfg_scale": 1}
    image = base64.b64encode(png(arguments.size)).decode()
    every = []
    for phase in arguments.phases:
        request = {**plain, "image": image, "strength": 1} if phase == "encode" else plain
        within, took, missed = arguments.within, [], 0
        while len(took) < arguments.times and missed < 20:
            delay = chance.uniform(0, within)
            seconds = cancel_once(server, request, phase, delay)
            if seconds is None:  # the phase is shorter than that
                within, missed = delay, missed + 1
            else:
                took.append(seconds)
        every += took
        if took:
            print(f"{phase}: {len(took)} times within {within:.2f} s: median {statistics.median(took) * 1e3:.0f} ms, "
                  f"at most {max(took) * 1e3:.0f} ms", flush=True)
        else:
            print(f"{phase}: never met", flush=True)
    server.stop()
    print(f"all: {len(every)} times: median {statistics.median(every) * 1e3:.0f} ms, at most {max(every) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
