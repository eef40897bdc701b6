#!/usr/bin/env python3
"""Many clients at once: how soon a busy daemon answers, what waiting clients cost, how many jobs a second it takes.

    python3 bench/load.py [polling] [waiting] [creating] [--json] [--seconds 10] [--clients 1000] [--rate 1000]

polling    /healthz and GET of a running job, 100 times a second, while the default model computes on every core.
waiting    clients that wait for one job, half by long-poll, half by server-sent events: memory, threads, answers.
creating   jobs a second over 32 connections, with a stand-in engine whose jobs take no time.

The daemons are those of build/ (LATENTD_BUILD_DIR).  Standard library alone; everything runs on one machine, so the client's own
time is in every figure.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("LATENTD_BUILD_DIR", ROOT / "build"))
REAL, FAKE = BUILD / "server/latentd", BUILD / "tests/latentd_fake"


class Daemon:
    def __init__(self, binary, *flags, step_ms=0):
        environment = {name: text for name, text in os.environ.items() if not name.startswith("LATENTD_")}
        environment["FAKE_ENGINE_STEP_MS"] = str(step_ms)
        command = [binary, "--listen", "127.0.0.1:0", "--model", ROOT / "models/default", *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stderr:
            found = re.search(r"event=ready address=http://127.0.0.1:(\d+)", line)
            if found:
                break
        else:
            raise SystemExit("the daemon does not start")
        self.port = int(found.group(1))
        self.log = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.wait(10)

    def cpu_s(self):
        """Processor time that it has had so far."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return round((int(user) + int(system)) / os.sysconf("SC_CLK_TCK"), 2)

    def status(self, field):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1))


class Client:
    """One connection that asks one thing after another; replies of a declared length, or chunks."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def fileno(self):
        return self.socket.fileno()

    def send(self, method, path, body=b"", headers=""):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.got = b""
        self.socket.sendall(head.encode() + b"\r\n" + body)

    def receive(self):
        """Reads what is there; (status, body) once the reply is whole, else None."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed: " + repr(self.got[:200]))
        self.got += piece
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return None
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        whole = len(body) >= int(length.group(1)) if length else body.endswith(b"0\r\n\r\n") or b" 204 " in head[:14]
        return (int(head[9:12]), body) if whole else None

    def ask(self, method, path, body=b""):
        self.send(method, path, body)
        while (reply := self.receive()) is None:
            pass
        return reply

    def submit(self, **fields):
        status, body = self.ask("POST", "/api/v1/jobs", json.dumps({"prompt": "a picture", **fields}).encode())
        if status != 202:
            raise SystemExit(f"no job: {status} {body[:300]!r}")
        return json.loads(body)["id"]


def spread(times):
    """Milliseconds: median, 99th percentile, most."""
    times = sorted(times)
    return {"count": len(times), "p50_ms": round(statistics.median(times) * 1e3, 2),
            "p99_ms": round(times[min(len(times) - 1, int(len(times) * 0.99))] * 1e3, 2),
            "max_ms": round(times[-1] * 1e3, 2)}


def polling(arguments):
    with Daemon(REAL) as daemon:
        client = Client(daemon.port)
        paths = {"idle /healthz": "/healthz"}
        result = {name: spread(poll(client, path, 2)) for name, path in paths.items()}
        jobs = [client.submit(steps=200, count=8) for _ in range(12)]
        time.sleep(0.5)
        for name, path in (("/healthz", "/healthz"), ("job", f"/api/v1/jobs/{jobs[-1]}"), ("/metrics", "/metrics")):
            result[name] = spread(poll(client, path, arguments.seconds))
        running = json.loads(client.ask("GET", "/api/v1/queue")[1])
        if not running.get("running"):
            raise SystemExit(f"nothing was computed meanwhile: {running}")
        for id in jobs:
            client.ask("POST", f"/api/v1/jobs/{id}/cancel", b"")
    return result


def poll(client, path, seconds):
    """Times of a request a hundredth of a second."""
    times, end = [], time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        status, _ = client.ask("GET", path)
        times.append(time.monotonic() - begun)
        if status != 200:
            raise SystemExit(f"{path}: {status}")
        time.sleep(max(0.0, 0.01 - times[-1]))
    return times


def waiting(arguments):
    steps = 15
    with Daemon(FAKE, step_ms=1000) as daemon:
        first = Client(daemon.port)
        job = first.submit(steps=steps)
        while json.loads(first.ask("GET", f"/api/v1/jobs/{job}")[1])["status"] != "running":
            time.sleep(0.01)
        before, threads = daemon.status("VmRSS"), daemon.status("Threads")
        selector, begun, polls = selectors.DefaultSelector(), time.monotonic(), 0
        for i in range(arguments.clients):
            client = Client(daemon.port)
            client.follows = i % 2 == 0
            ask(client, job)
            selector.register(client, selectors.EVENT_READ)
        opened, most, answered = time.monotonic() - begun, 0, 0
        while selector.get_map():
            most = max(most, daemon.status("VmRSS"))
            ready = selector.select(30)
            if not ready:
                raise SystemExit(f"only {answered} clients have their answer")
            for key, _ in ready:
                reply = key.fileobj.receive()
                if reply is None:
                    continue
                if key.fileobj.follows or json.loads(reply[1])["status"] == "succeeded":
                    answered += reply[0] == 200
                    selector.unregister(key.fileobj)
                    key.fileobj.socket.close()
                else:
                    polls += 1
                    ask(key.fileobj, job, re.search(rb'ETag: (\S+)', key.fileobj.got).group(1).decode())
        return {"clients": arguments.clients, "answered": answered, "opened_s": round(opened, 2), "long_polls": polls,
                "growth_mib": round((most - before) / 1024, 1), "more_threads": daemon.status("Threads") - threads,
                "all_answered_s": round(time.monotonic() - begun, 2), "daemon_cpu_s": daemon.cpu_s()}


def ask(client, job, etag=None):
    if client.follows:
        client.send("GET", f"/api/v1/jobs/{job}/events", headers="Accept: text/event-stream\r\n")
    else:
        client.send("GET", f"/api/v1/jobs/{job}?wait=60", headers=f"If-None-Match: {etag}\r\n" if etag else "")


def creating(arguments):
    connections, body = 32, json.dumps({"prompt": "a picture", "width": 8, "height": 8, "steps": 1}).encode()
    with Daemon(FAKE, "--queue-limit", "4096", "--workers", "2") as daemon:
        selector, free, latencies, wrong = selectors.DefaultSelector(), [], [], {}
        for _ in range(connections):
            client = Client(daemon.port)
            selector.register(client, selectors.EVENT_READ)
            free.append(client)
        total, sent, begun = int(arguments.rate * arguments.seconds), 0, time.monotonic()
        while len(latencies) < total:
            due = min(total, int((time.monotonic() - begun) * arguments.rate) + 1)
            while sent < due and free:
                client = free.pop()
                client.begun = begun + sent / arguments.rate  # when it should have been sent
                client.send("POST", "/api/v1/jobs", body)
                sent += 1
            for key, _ in selector.select(0.001):
                reply = key.fileobj.receive()
                if reply is None:
                    continue
                latencies.append(time.monotonic() - key.fileobj.begun)
                if reply[0] != 202:
                    wrong[reply[0]] = wrong.get(reply[0], 0) + 1
                free.append(key.fileobj)
        seconds = time.monotonic() - begun
        result = {"connections": connections, "jobs_a_second": round(total / seconds), "errors": wrong, **spread(latencies),
                  "client_cpu_s": round(time.process_time(), 2)}
        client = Client(daemon.port)
        while b'latentd_jobs_queued 0' not in (text := client.ask("GET", "/metrics")[1]):
            time.sleep(0.1)
        done = re.search(rb'latentd_jobs_total\{kind="txt2img",status="succeeded"\} (\d+)', text)
        return {**result, "drawn": int(done.group(1)), "all_drawn_s": round(time.monotonic() - begun, 2),
                "daemon_cpu_s": daemon.cpu_s()}


SCENARIOS = {"polling": polling, "waiting": waiting, "creating": creating}


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    return {"processor": model.group(1) if model else "unknown", "cores": len(os.sched_getaffinity(0))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="|".join(SCENARIOS))
    parser.add_argument("--json", action="store_true", help="print the results as JSON, with the machine named")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=1000, help="jobs a second")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(unknown)}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = {name: SCENARIOS[name](arguments) for name in arguments.scenarios or SCENARIOS}
    if arguments.json:
        json.dump({"machine": machine(), **results}, sys.stdout, indent=2)
        print()
    else:
        for name, result in results.items():
            print(name, *(f"  {key}: {value}" for key, value in result.items()), sep="\n")


if __name__ == "__main__":
    main()
