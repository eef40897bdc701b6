"""Jobs: life cycle, order, cancelling, limits.  A stand-in engine gives jobs of a chosen length."""

import base64
import struct
import threading
import time
import zlib

from daemon import Daemon, equal, main, read_png, true, within


def test_life_cycle_of_a_job():
    with Daemon(fake_step_ms=20) as d:
        reply = d.post("/api/v1/jobs", {"prompt": "x", "steps": 10, "count": 2, "seed": 5})
        equal(reply.status, 202)
        job = reply.json()
        equal(reply.headers["Location"], job["urls"]["self"])
        true(job["status"] in ("queued", "running"), job["status"])
        d.wait(job["id"], "running")
        done = d.wait(job["id"])
        equal(done["status"], "succeeded")
        equal(done["progress"], {"fraction": 1})
        equal([image["seed"] for image in done["images"]], [5, 6])
        true("b64_png" not in done["images"][0], "pictures that nobody asked for")
        with_images = d.job(job["id"], "?include=b64_png")
        for image in with_images["images"]:
            data = d.get(image["url"])
            equal(data.headers["Content-Type"], "image/png")
            true("attachment" in data.headers["Content-Disposition"] or
                 "inline" in data.headers["Content-Disposition"], "no disposition")
            equal(data.body, base64.b64decode(image["b64_png"]))
            equal(read_png(data.body)[:2], (64, 64))
        true(done["timings"]["total_s"] >= 0.4, done["timings"])
        equal(d.get(f"/api/v1/jobs/{job['id']}/images/2").status, 404)
        equal(d.get(f"/api/v1/jobs/{job['id']}?include=everything").status, 400)


def test_query_parameters_that_nobody_knows_are_refused():
    with Daemon(fake_step_ms=0) as d:
        id = d.submit()
        d.wait(id)
        job = f"/api/v1/jobs/{id}"
        for method, path in (("POST", "/api/v1/generate"), ("POST", "/api/v1/jobs"), ("POST", f"{job}/cancel"),
                             ("GET", f"{job}/images/0"), ("GET", "/api/v1/models"), ("GET", job)):
            reply = d.request(method, f"{path}?includ=b64_png&x", {"prompt": ""} if method == "POST" else None)
            equal((reply.status, reply.code()), (400, "bad_query"), path)
            true('"includ"' in reply.json()["detail"], reply.body)
        equal(d.get(f"{job}?include").status, 400)
        equal(d.get(f"{job}?include=b64_png&y=").status, 400)
        equal(d.get(f"{job}?include=b64_png").status, 200)
        equal(d.get("/healthz?probe=1").status, 200)


def test_progress_only_grows():
    with Daemon(fake_step_ms=10) as d:
        id = d.submit(steps=10, count=3)
        seen = []
        equal(d.get(f"/api/v1/jobs/{id}/images/0").code(), "no_picture")
        while True:
            job = d.job(id)
            seen.append(job["progress"]["fraction"])
            if job["status"] == "running":
                equal(job["progress"]["steps"], 10)
                true(job["progress"]["phase"] in ("text", "encode", "sample", "decode"), job["progress"])
            if job["status"] == "succeeded":
                break
        equal(seen, sorted(seen))
        true(len(set(seen)) > 5, seen)


def test_jobs_run_in_the_order_they_came_and_know_their_position():
    with Daemon(fake_step_ms=10) as d:
        running = d.submit(steps=30)
        d.wait(running, "running")
        ids = [d.submit(steps=2) for _ in range(4)]
        equal([d.job(id)["position"] for id in ids], [1, 2, 3, 4])
        ends = [d.wait(id)["ended_at"] for id in [running] + ids]
        equal(ends, sorted(ends))


def test_a_full_queue_answers_429_at_once():
    with Daemon("--queue-limit", "2", fake_step_ms=50) as d:
        first = d.submit(steps=100)
        d.wait(first, "running")
        d.submit(), d.submit()
        slowest = 0
        for path in ["/api/v1/jobs", "/api/v1/generate"] * 10:
            start = time.monotonic()
            reply = d.post(path, {"prompt": "x"})
            slowest = max(slowest, time.monotonic() - start)
            equal((reply.status, reply.code()), (429, "queue_full"))
            true(int(reply.headers["Retry-After"]) >= 1, "no Retry-After")
        true(slowest < within(0.1), f"refusing took {slowest} s")
        d.post(f"/api/v1/jobs/{first}/cancel")


def test_a_running_job_is_canceled_within_half_a_second():
    with Daemon(fake_step_ms=1000) as d:
        id = d.submit(steps=100)
        d.wait(id, "running")
        start = time.monotonic()
        equal(d.post(f"/api/v1/jobs/{id}/cancel").status, 200)
        job = d.wait(id)
        true(time.monotonic() - start < within(0.5), "it took too long")
        equal((job["status"], job["error"]["code"], job["images"]), ("canceled", "canceled", []))
        equal(d.post(f"/api/v1/jobs/{id}/cancel").json()["status"], "canceled")


def test_a_waiting_job_is_canceled_at_once():
    with Daemon(fake_step_ms=20) as d:
        running = d.submit(steps=50)
        d.wait(running, "running")
        first, second = d.submit(), d.submit()
        equal(d.post(f"/api/v1/jobs/{first}/cancel", {}).json()["status"], "canceled")
        equal(d.job(second)["position"], 1)
        d.post(f"/api/v1/jobs/{running}/cancel")
        equal(d.wait(second)["status"], "succeeded")
        done = d.post(f"/api/v1/jobs/{second}/cancel")
        equal((done.status, done.json()["status"]), (200, "succeeded"))


def test_a_client_that_leaves_cancels_its_job():
    with Daemon(fake_step_ms=1000) as d:
        body = b'{"prompt": "x", "steps": 100}'
        head = (b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        running, waiting = d.connect(), d.connect()
        running.sendall(head + body)
        other = d.submit()
        waiting.sendall(head + body)
        d.wait(other, "queued")
        time.sleep(0.2)
        start = time.monotonic()
        waiting.close()
        running.close()
        d.wait(other, "running", "succeeded", timeout=within(1))
        true(time.monotonic() - start < within(1), "it took too long")
        d.post(f"/api/v1/jobs/{other}/cancel")
        d.wait(other)
        equal(d.get("/readyz").status, 200)
    true(sum("status=canceled" in line for line in d.log) == 2, "the waiting one ran: " + "".join(d.log))


def test_a_client_that_leaves_while_its_long_body_is_read_cancels_its_job():
    with Daemon(fake_step_ms=1000) as d:
        body = b'{"prompt": "x", "steps": 100}' + b" " * (16 << 20)
        s = d.connect()
        s.sendall(b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        s.close()
        other = d.submit()
        d.wait(other, "running", timeout=within(3))
        d.post(f"/api/v1/jobs/{other}/cancel")
        d.wait(other)


def test_finished_jobs_expire():
    with Daemon("--job-ttl", "1", fake_step_ms=0) as d:
        id = d.submit()
        d.wait(id)
        equal(d.get(f"/api/v1/jobs/{id}").status, 200)
        time.sleep(1.2)
        for path in (f"/api/v1/jobs/{id}", f"/api/v1/jobs/{id}/images/0"):
            reply = d.get(path)
            equal((reply.status, reply.code()), (410, "expired"))
        equal(d.post(f"/api/v1/jobs/{id}/cancel").status, 410)


def test_ids_that_never_were_are_404():
    with Daemon(fake_step_ms=0) as d:
        bodies = set()
        for id in ("0" * 32, "f" * 32, "0", "A" * 32, "0" * 33, "g" * 32, "x" * 5000):
            for method, tail in (("GET", ""), ("POST", "/cancel"), ("GET", "/images/0")):
                reply = d.request(method, f"/api/v1/jobs/{id}{tail}")
                equal(reply.status, 404, id[:40] + tail)
                bodies.add(reply.json()["detail"])
        equal(len(bodies), 1)


def test_a_failed_job_says_why():
    with Daemon(fake_step_ms=0) as d:
        reply = d.generate({"prompt": "non_finite"})
        equal((reply.status, reply.code()), (500, "non_finite"))
        job = d.wait(d.submit(prompt="non_finite"))
        equal((job["status"], job["error"]["code"], job["images"]), ("failed", "non_finite", []))


def test_a_picture_tells_as_many_warnings_as_fit_and_how_many_there_are_more():
    with Daemon(fake_step_ms=0) as d:
        equal(len(d.generate({"prompt": "many_warnings"}).json()["warnings"]), 12)
        body = dict({"prompt": "many_warnings"}, **{f"x{i}": 0 for i in range(20)})
        reply = d.generate(body, headers={"Accept": "image/png", "Prefer": "handling=lenient"})
        told = reply.headers.get_all("X-Latentd-Warning")
        true(len(told) > 9 and told[8] == "12 more members are not fields, and were left out", told)
        true(all(text.startswith("prompt: ") and text.endswith("dot.") for text in told[9:-1]), told)
        true(told[-1].startswith(f"and {22 - len(told)} more"), told)
        true("sandbox" in reply.headers["Content-Security-Policy"], "no sandbox")


def test_polling_does_not_disturb():
    with Daemon(fake_step_ms=2) as d:
        id = d.submit(steps=150)
        times = []
        while True:
            start = time.monotonic()
            status = d.job(id)["status"]
            times.append(time.monotonic() - start)
            if status == "succeeded":
                break
        true(sorted(times)[len(times) // 2] < within(0.02), "polls are slow")


def flat_png(side):
    """A black PNG: a few bytes, and many pixels."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes((3 * side + 1) * side), 9)) + chunk(b"IEND", b""))


def test_long_bodies_and_answers_hold_nobody_up():
    with Daemon("--max-pixels", "16777216", fake_step_ms=0) as d:
        id = d.submit(width=1024, height=1024, count=8)
        d.wait(id)
        noise = base64.b64encode(d.get(f"/api/v1/jobs/{id}/images/0").body).decode()
        flat = base64.b64encode(flat_png(3600)).decode()
        true(len(flat) < 60000, "this is to be a small body")
        slow = {"sent": lambda: d.generate(image=noise, width=512, height=512, steps=1),
                "told": lambda: d.get(f"/api/v1/jobs/{id}?include=b64_png"),
                "both": lambda: d.generate(image=noise, steps=1, count=2),
                "flat": lambda: d.generate(image=flat, width=64, height=64, steps=1),
                "blank": lambda: d.generate(b" " * (40 << 20) + b'{"prompt": ""}')}
        for name, request in slow.items():
            answers, times = [], []
            thread = threading.Thread(target=lambda: answers.append(request()))
            thread.start()
            while thread.is_alive():
                start = time.monotonic()
                equal(d.get("/healthz").status, 200)
                times.append(time.monotonic() - start)
            equal(answers[0].status, 200, name)
            true(max(times) < within(0.2), f"{name}: a small request took {max(times)} s")


if __name__ == "__main__":
    main(globals())
