"""Many clients that follow jobs, and their server's end."""

import json
import os
import random
import re
import selectors
import signal
import socket
import threading
import time

from daemon import SLOWER, Daemon, equal, grew_less, main, read_all, true, within


def follow(d, job, version=b"1.1"):
    """A connection on which the events of a job come."""
    s = d.connect()
    s.sendall(b"GET /api/v1/jobs/" + job.encode() + b"/events HTTP/" + version + b"\r\nHost: localhost\r\n\r\n")
    return s


def read_until(s, end):
    got = b""
    while end not in got:
        piece = s.recv(65536)
        true(piece, f"the connection ended before {end!r}: {got[-300:]!r}")
        got += piece
    return got


def events(got):
    """(name, data) of every event in a chunked reply that must be whole."""
    head, _, rest = got.partition(b"\r\n\r\n")
    true(b"text/event-stream" in head, head)
    text = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            equal(rest, b"\r\n")
            break
        text += rest[:size]
        equal(rest[size:size + 2], b"\r\n")
        rest = rest[size + 2:]
    found = [dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":"))
             for event in text.decode().split("\n\n") if event]
    return [(event["event"], json.loads(event["data"])) for event in found if event]


def test_streams_of_running_jobs_end_with_them_while_the_server_drains():
    with Daemon(fake_step_ms=20) as d:
        job = d.submit(steps=50)
        streams = [follow(d, job) for _ in range(50)]
        heads = [read_until(s, b"event: ") for s in streams]
        d.process.send_signal(signal.SIGTERM)
        for s, head in zip(streams, heads):
            told = events(head + read_all(s))
            equal(told[-1][1]["status"], "succeeded", told[-1])
            s.close()
        equal(d.process.wait(10), 0)


def test_who_is_told_of_the_end_of_the_last_job_can_still_ask_for_its_picture():
    with Daemon(fake_step_ms=50) as d:
        job = d.submit(prompt="tiger", steps=10)
        s = follow(d, job)
        read_until(s, b"event: progress")
        d.process.send_signal(signal.SIGTERM)
        read_until(s, b"event: succeeded")
        time.sleep(0.3)
        equal(d.get(f"/api/v1/jobs/{job}/images/0").status, 200)
        equal(d.process.wait(within(20)), 0)


def test_streams_past_the_drain_time_end_whole():
    with Daemon("--drain-seconds", "0", fake_step_ms=50) as d:
        job = d.submit(steps=200)
        streams = [follow(d, job) for _ in range(50)]
        heads = [read_until(s, b"event: ") for s in streams]
        start = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        for s, head in zip(streams, heads):
            told = events(head + read_all(s))
            true(told[-1][1]["status"] in ("failed", "canceled"), told[-1])
            s.close()
        equal(d.process.wait(10), 0)
        true(time.monotonic() - start < within(2), "it took too long")


def test_clients_may_come_and_go_while_the_server_ends():
    for delay in (0.05, 0.15, 0.3):
        with Daemon("--drain-seconds", "0", "--workers", "2", fake_step_ms=5) as d:
            jobs, stop = [d.submit(steps=200) for _ in range(4)], threading.Event()

            def visit(seed):
                chance = random.Random(seed)
                while not stop.is_set():
                    try:
                        s = follow(d, chance.choice(jobs), chance.choice((b"1.0", b"1.1")))
                        s.settimeout(chance.random() / 20)
                        s.recv(100)
                        s.close()
                    except OSError:
                        pass

            threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(delay)
            d.process.send_signal(signal.SIGTERM)
            code = d.process.wait(20)
            stop.set()
            for thread in threads:
                thread.join(10)
            equal(code, 0)


def test_five_hundred_clients_wait_without_a_thread_of_their_own():
    with Daemon(fake_step_ms=200) as d:
        job = d.submit(steps=20)
        d.wait(job, "running")
        before, threads = d.resident_kib(), len(os.listdir(f"/proc/{d.process.pid}/task"))
        selector = selectors.DefaultSelector()
        for i in range(500):
            if i % 2:
                s = follow(d, job)
            else:
                s = d.connect()
                s.sendall(f"GET /api/v1/jobs/{job}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            selector.register(s, selectors.EVENT_READ, [i, b""])
        # Fewer once the models' digests are known.
        true(len(os.listdir(f"/proc/{d.process.pid}/task")) <= threads, "a client has a thread")
        answered, end = 0, time.monotonic() + within(30)
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(1):
                piece = key.fileobj.recv(65536)
                key.data[1] += piece
                whole = key.data[1].endswith(b"0\r\n\r\n") if key.data[0] % 2 else is_whole(key.data[1])
                true(piece, "a connection ended: " + repr(key.data[1][:100]))
                if whole:
                    answered += b" 200 OK" in key.data[1][:20]
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        equal(answered, 500)
        grew_less(d, before, 50 * 1024)


def is_whole(got):
    head, end, body = got.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= int(re.search(rb"Content-Length: (\d+)", head).group(1))


def test_a_stream_does_not_end_its_connection():
    with Daemon(fake_step_ms=0) as d:
        job = d.submit()
        d.wait(job)
        s = follow(d, job)
        equal(events(read_until(s, b"\r\n0\r\n\r\n"))[-1][1]["status"], "succeeded")
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        true(read_until(s, b'"ok"}').startswith(b"HTTP/1.1 200 OK"), "no second answer")
        s.close()


def test_a_client_that_shuts_its_side_or_vanishes_leaves_nothing_behind():
    with Daemon("--log-format", "json", fake_step_ms=50) as d:
        job = d.submit(steps=200)
        d.wait(job, "running")
        before = d.descriptors()
        for way in (socket.SHUT_WR, socket.SHUT_RDWR, None):
            streams = [follow(d, job) for _ in range(20)]
            for s in streams:
                read_until(s, b"event: ")
                if way is not None:
                    s.shutdown(way)
                else:
                    s.close()
            for _ in range(40):
                if d.descriptors() <= before:
                    break
                time.sleep(0.05 * SLOWER)
            true(d.descriptors() <= before, f"{d.descriptors()} descriptors, {before} before")
        equal(d.job(job)["status"], "running")  # nobody of them had asked for it
        d.post(f"/api/v1/jobs/{job}/cancel")
    cut = [json.loads(line) for line in d.log if '"cut":true' in line]
    equal(len(cut), 60)


main(globals())
