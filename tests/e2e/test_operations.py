"""What operating the server takes: metrics, health, logs, pages of other origins."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import daemon
from daemon import Daemon, equal, main, raw, true

sys.path.insert(0, os.path.join(daemon.ROOT, "tests/support"))
import prometheus  # noqa: E402
from prometheus import Bad, value  # noqa: E402


def scrape(d):
    reply = d.get("/metrics")
    equal((reply.status, reply.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
    return reply.body.decode()


def metrics(d):
    return prometheus.parse(scrape(d))


def test_metrics_keep_the_rules_of_their_format():
    with Daemon(fake_step_ms=1) as d:
        d.generate()
        d.generate({"prompt": "non_finite"})
        d.generate({"steps": -1})
        d.get("/nothing")
        text = scrape(d)
        families = prometheus.parse(text)
        with open(os.path.join(daemon.ROOT, "server/handlers/metrics.def")) as table:
            rows = re.findall(r'^METRIC\(\w+, +"(\w+)", +"(\w+)", +"([\w ]*)"', table.read(), re.MULTILINE)
        equal([(each.type, name) for name, each in families.items()], [(kind, name) for kind, name, _ in rows])
        for _, name, labels in rows:
            for _, own in families[name].samples:
                equal([label for label, _ in own if label != "le"], labels.split(), name)


def test_promtool_agrees():
    if not shutil.which("promtool") and not os.environ.get("CI"):
        raise daemon.Skip("promtool is not there")
    with Daemon(fake_step_ms=1) as d:
        d.generate()
        done = subprocess.run(["promtool", "check", "metrics"], input=scrape(d), capture_output=True, text=True)
        equal((done.returncode, done.stdout + done.stderr), (0, ""))


def test_the_checker_refuses_what_is_wrong():
    good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\"} 1\n"
    bucket = "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
    prometheus.parse(good + bucket)
    for old, new in (("a_total{b=\"c\"} 1\n", "a_total{b=\"c\"} 1"), ("counter", "gauge"), ("# HELP a_total x\n", ""),
                     ("b=\"c\"", "b=\"c\",b=\"d\""), ("b=\"c\"", "b=c"), ("} 1\n", "} x\n"), ("} 1\n", "} -1\n"),
                     ("} 1\n", "} 1\na_total{b=\"c\"} 2\n"), (" x\n", "  \n"), ("{b=\"c\"}", "{b=\"c\",}")):
        refused(good.replace(old, new))
    for old, new in (("h_count 2", "h_count 3"), ("+Inf", "2"), ("le=\"1\"} 1", "le=\"1\"} 3"), ("h_sum 3\n", ""),
                     ("h_sum 3", "h_sum{le=\"1\"} 3"), ("le=\"1\"", "le=\"+Inf\"")):
        refused(bucket.replace(old, new))


def refused(text):
    try:
        prometheus.parse(text)
    except (Bad, ValueError):
        return
    raise AssertionError("taken for good: " + text)


def test_metrics_count_what_happened():
    with Daemon("--queue-limit", "1", "--max-steps", "10000", fake_step_ms=2) as d:
        for _ in range(3):
            equal(d.generate(steps=5).status, 200)
        equal(d.generate({"prompt": "non_finite", "steps": 1}).status, 500)
        running = d.submit(steps=10000)
        d.wait(running, "running")
        waiting = d.submit()
        equal(d.generate().status, 429)
        now = metrics(d)
        equal((value(now, "latentd_jobs_running"), value(now, "latentd_jobs_queued")), (1, 1))
        equal((value(now, "latentd_queue_limit"), value(now, "latentd_workers")), (1, 1))
        for id in (waiting, running):
            d.post(f"/api/v1/jobs/{id}/cancel")
        d.wait(running)
        now = metrics(d)
        for status, count in (("succeeded", 3), ("failed", 1), ("canceled", 2)):
            equal(value(now, "latentd_jobs_total", kind="txt2img", status=status), count, status)
        equal(value(now, "latentd_jobs_created_total", api="native"), 6)
        equal(value(now, "latentd_images_total", format="png"), 3)
        equal(value(now, "latentd_job_duration_seconds_count"), 3)
        equal(value(now, "latentd_job_queue_wait_seconds_count"), 5)
        equal(value(now, "latentd_rejected_total", reason="queue_full"), 1)
        steps = value(now, "latentd_unet_steps_total")
        true(steps >= 15, steps)
        equal(value(now, "latentd_phase_duration_seconds_count", phase="unet_step"), steps)
        true(value(now, "latentd_phase_duration_seconds_sum", phase="unet_step") >= steps * 0.002, "steps took too little")
        route = {"route": "/api/v1/generate", "method": "POST"}
        equal(value(now, "latentd_http_requests_total", code="200", **route), 3)
        equal(value(now, "latentd_http_requests_total", code="429", **route), 1)
        equal(value(now, "latentd_http_request_duration_seconds_count", **route), 5)
        true(value(now, "latentd_http_sent_bytes_total", **route) > 1000, "nothing was sent")


def test_no_client_makes_series_of_its_own():
    with Daemon(fake_step_ms=0) as d:
        def ask(i):
            d.request(f"X{i}", f"/nothing/{i}")
            d.request(f"X{i}", "/healthz")
            d.get(f"/api/v1/jobs/{i:032x}")
            d.get(f"/healthz?{i}", headers={"User-Agent": str(i)})

        ask(0)
        metrics(d)
        before = scrape(d)
        for i in range(1, 20):
            ask(i)
        after = scrape(d)
        equal(len(after.splitlines()), len(before.splitlines()))
        now = prometheus.parse(after)
        equal(value(now, "latentd_http_requests_total", route="none", method="other", code="404"), 20)
        equal(value(now, "latentd_http_requests_total", route="/api/v1/jobs/{id}", code="404"), 20)


def test_the_process_tells_of_itself():
    with Daemon(fake_step_ms=0) as d:
        now = metrics(d)
        true(abs(value(now, "process_start_time_seconds") - time.time()) < 120, "began at another time")
        true(abs(value(now, "process_resident_memory_bytes") / 1024 - d.resident_kib()) < 4096, "other memory")
        true(0 < value(now, "process_open_fds") <= d.descriptors() + 2, "other descriptors")
        # The one that reads the weights for their digest may have ended in between.
        true(value(now, "process_threads") - len(os.listdir(f"/proc/{d.process.pid}/task")) in (0, 1), "other threads")
        held = [d.connect() for _ in range(5)]
        time.sleep(0.1)
        equal(value(metrics(d), "latentd_http_connections"), 6)
        for s in held:
            s.close()


def test_readiness_lists_its_checks_and_health_is_something_else():
    with Daemon("--queue-limit", "1", fake_step_ms=50) as d:
        equal(d.get("/readyz").json(), {"status": "ready",
                                        "checks": {"models": "ok", "queue": "ok", "accepting": "ok"}})
        running = d.submit(steps=100)
        d.wait(running, "running")
        d.submit()
        ready = d.get("/readyz")
        equal((ready.status, ready.json()["checks"]["queue"]), (200, "full"))
        equal(value(metrics(d), "latentd_ready"), 1)
        d.process.terminate()
        time.sleep(0.2)
        ready = d.get("/readyz")
        equal((ready.status, ready.code(), ready.json()["checks"]["accepting"]), (503, "closed", "draining"))
        equal(ready.headers["Content-Type"], "application/problem+json")
        equal(d.get("/healthz").json(), {"status": "ok"})
        equal(value(metrics(d), "latentd_ready"), 0)
        d.post(f"/api/v1/jobs/{running}/cancel")
        equal(d.process.wait(10), 0)


def lines(d, event):
    """The JSON log lines of an event so far."""
    found = [json.loads(line) for line in d.log]
    return [line for line in found if line["event"] == event]


def test_logs_connect_request_and_job_and_keep_prompts_to_themselves():
    for told in (False, True):
        with Daemon("--log-format", "json", *(["--log-prompts"] if told else []), fake_step_ms=0) as d:
            reply = d.generate({"prompt": "a s\u00e9cret \U0001f431"}, headers={"X-Request-Id": "me-1", "User-Agent": "spy"})
            id = reply.json()["id"]
            d.get("/nothing")
        request, missing = lines(d, "request")
        equal({key: request[key] for key in ("id", "job", "family", "method", "path", "route", "status", "received")},
              {"id": "me-1", "job": id, "family": "native", "method": "POST", "path": "/api/v1/generate",
               "route": "/api/v1/generate", "status": 200, "received": len('{"prompt": "a s\\u00e9cret \\ud83d\\udc31"}')})
        equal(request["sent"], len(reply.body))
        true("route" not in missing and missing["status"] == 404, missing)
        job, = lines(d, "job")
        equal((job["job"], job["status"]), (id, "succeeded"))
        equal(job.get("prompt"), "a s\u00e9cret \U0001f431" if told else None)
        true(told or not any("cret" in line for line in d.log), "the prompt is in the log")
        true(not any("spy" in line for line in d.log), "the client's program is in the log")


def test_pages_of_listed_origins_may_use_the_server_and_no_others():
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with Daemon("--cors-origin", "https://ui.example", fake_step_ms=0) as d:
        for path in ("/api/v1/generate", "/api/v1/jobs", "/metrics"):
            reply = d.request("OPTIONS", path, headers={"Origin": "https://ui.example", **ask})
            equal((reply.status, reply.headers["Access-Control-Allow-Origin"], reply.body),
                  (204, "https://ui.example", b""))
            true("content-type" in reply.headers["Access-Control-Allow-Headers"].lower(), "no headers")
            reply = d.request("OPTIONS", path, headers={"Origin": "https://evil.example", **ask})
            equal((reply.status, reply.headers["Access-Control-Allow-Origin"]), (204, None))
        reply = d.generate({"prompt": ""}, headers={"Origin": "https://ui.example"})
        equal((reply.headers["Access-Control-Allow-Origin"], reply.headers["Vary"]), ("https://ui.example", "Origin"))
        reply = d.generate({}, headers={"Origin": "https://evil.example"})
        equal(reply.headers["Access-Control-Allow-Origin"], None)
        id = d.submit()
        reply = d.post(f"/api/v1/jobs/{id}/cancel", headers={"Origin": "https://evil.example"})
        equal((reply.status, reply.code()), (403, "origin_not_allowed"))
        refusal = d.get("/nothing", headers={"Origin": "https://ui.example"})
        equal((refusal.status, refusal.headers["Access-Control-Allow-Origin"]), (404, "https://ui.example"))


def test_an_origin_that_no_browser_sends_is_refused_at_the_start():
    for origin in ("ui.example", "https://ui.example/", "https://*.example"):
        done = subprocess.run([daemon.FAKE, "--model", daemon.MODEL, "--cors-origin", origin], capture_output=True,
                              text=True, timeout=20, env=daemon.clean_environment())
        equal(done.returncode, 2)
        true("cors_origin" in done.stderr, done.stderr)


def test_options_tells_what_a_path_knows():
    with Daemon(fake_step_ms=0) as d:
        reply = d.request("OPTIONS", "/api/v1/generate")
        equal((reply.status, reply.headers["Allow"]), (204, "POST, OPTIONS"))
        equal(d.request("OPTIONS", "/nothing").status, 404)
        got = raw(d, b"OPTIONS /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        true(b"Content-Length" not in got and got.endswith(b"\r\n\r\n"), got)


main(globals())
