#!/usr/bin/env python3
"""How far from the truth the daemon's times of arrival are.

    python3 bench/eta.py [--model FOLDER] [--warm-up 2] [--jobs 5] [--rounds 3] [--request '{"steps": 30}']

A round starts a daemon, draws `warm-up` pictures with the request's settings, and then asks for `jobs` more, one after the
other: how long each will take, says POST /estimate before it, and eta_seconds of the job when it starts and halfway through its
steps.  Printed are all errors in percent of the time that it then took, and the median of their sizes.  The last line is about jobs
of other sizes, of which the daemon has seen none.  Standard library alone; nothing else may run on the machine meanwhile.
"""
import argparse
import http.client
import json
import pathlib
import re
import signal
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FINAL = ("succeeded", "failed", "canceled")


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


def draw(server, request):
    """(seconds told before, seconds that it took, [(seconds into it, what was left by the daemon)])."""
    told = server.ask("POST", "/api/v1/estimate", request)
    begun = time.monotonic()
    job = server.ask("POST", "/api/v1/jobs", request)
    path, half, left = f"/api/v1/jobs/{job['id']}", None, []
    while job["status"] not in FINAL:
        if "step" in job["progress"] and half is None and job["progress"]["step"] >= job["progress"]["steps"] / 2:
            half = (time.monotonic() - begun, job["eta_seconds"])
            left.append(half)
        time.sleep(0.005)
        job = server.ask("GET", path)
    assert job["status"] == "succeeded", job
    return told["wait_seconds"] + told["seconds"], time.monotonic() - begun, left


def percent(told, took):
    return (told - took) / took * 100


def show(name, errors):
    print(f"{name}: {' '.join(f'{error:+.1f}' for error in errors)} %; median of the sizes "
          f"{statistics.median(map(abs, errors)):.1f} %", flush=True)


def round_of(arguments, number):
    server = Server(arguments.model)
    before, halfway, first = [], [], []
    for i in range(arguments.warm_up + arguments.jobs):
        request = {"prompt": "3d tiger", "seed": 100 * number + i, **arguments.request}
        told, took, left = draw(server, request)
        if i >= arguments.warm_up:
            before.append(percent(told, took))
            halfway += [percent(eta, took - at) for at, eta in left]
        elif i == 0:
            first.append(percent(told, took))
    other = []
    for size in arguments.others:
        told, took, _ = draw(server, {"prompt": "3d tiger", **arguments.request, "width": size, "height": size})
        other.append(percent(told, took))
    server.stop()
    show(f"round {number}: before each of {arguments.jobs} jobs after {arguments.warm_up}", before)
    if halfway:
        show(f"round {number}: halfway through them", halfway)
    if first:
        show(f"round {number}: the very first, known from the probe alone", first)
    if other:
        show(f"round {number}: the first of other sizes", other)
    return statistics.median(map(abs, before))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "models/default"))
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--request", type=json.loads, default={}, help="fields beside prompt and seed, as JSON")
    parser.add_argument("--others", type=int, nargs="*", default=[32, 96, 128], help="sides of other sizes")
    arguments = parser.parse_args()
    medians = [round_of(arguments, number) for number in range(arguments.rounds)]
    print(f"median error of {arguments.jobs} jobs: {' '.join(f'{median:.1f}' for median in medians)} %")


if __name__ == "__main__":
    main()
