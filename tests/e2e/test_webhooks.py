"""Webhooks: what receivers get, how often, and which URLs are never called.  The receivers are threads of this test."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import tempfile
import threading
import time

from daemon import Daemon, Skip, equal, main, true, within

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()


class Receiver:
    """with Receiver(500, 200) as r: ...   Answers with these statuses, the last one again and again."""

    def __init__(self, *statuses, headers=()):
        self.statuses, self.headers, self.got = list(statuses or [204]), headers, []
        self.come = threading.Condition()

    def __enter__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.come:
                    receiver.got.append((self.path, dict(self.headers.items()), body, time.monotonic()))
                    receiver.come.notify_all()
                    status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                self.send_response(status)
                for name, value in receiver.headers:
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def wait(self, count, timeout=30):
        with self.come:
            self.come.wait_for(lambda: len(self.got) >= count, timeout)
            return list(self.got)


def start(receiver, *flags, fake_step_ms=0, secret=SECRET, allow="127.0.0.1"):
    """A daemon whose webhooks may reach the receiver."""
    try:
        return Daemon("--webhook-secret", secret, "--webhook-ports", str(receiver.port), "--webhook-retry-seconds", "0.1",
                      *(["--webhook-allow", allow] if allow else []), *flags, fake_step_ms=fake_step_ms)
    except AssertionError as error:
        if "without libcurl" in str(error):
            raise Skip("this build has no webhooks") from None
        raise


def verify(secret, headers, body):
    """As the receivers' libraries do it (Standard Webhooks)."""
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    want = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    true(want in headers["webhook-signature"].split(" "), f"{headers['webhook-signature']} has not {want}")
    true(abs(int(headers["webhook-timestamp"]) - time.time()) < 60, "an old timestamp")


def deliveries(daemon, job, status=None):
    """What the log says of a job; waits until the newest delivery has that status."""
    end = time.monotonic() + 30
    while True:
        reply = daemon.get(f"/api/v1/jobs/{job}/webhooks")
        equal(reply.status, 200, reply.body)
        found = reply.json()["deliveries"]
        if not status or (found and found[0]["status"] == status):
            return found
        true(time.monotonic() < end, f"no delivery is {status}: {found}")
        time.sleep(0.01)


def test_the_end_of_a_job_is_told_with_the_job():
    with Receiver() as r, start(r) as d:
        id = d.submit(seed=7, webhook={"url": r.url + "?a=1"})
        (path, headers, body, _), = r.wait(1)
        equal(path, "/hook?a=1")
        verify(SECRET, headers, body)
        equal(headers["Content-Type"], "application/json")
        message = json.loads(body)
        equal(message["type"], "job.succeeded")
        true(message["timestamp"].endswith("Z"), message["timestamp"])
        want = d.job(id)
        for name in ("id", "status", "request", "images", "timings", "ended_at"):
            equal(message["data"][name], want[name], name)
        true("b64_png" not in message["data"]["images"][0], "the message has the picture's bytes")
        told, = deliveries(d, id, "delivered")
        equal((told["id"], told["type"]), (headers["webhook-id"], "job.succeeded"))
        equal([(t["status"], t.get("error")) for t in told["tries"]], [(204, None)])
        equal(d.job(id)["urls"]["webhooks"], f"/api/v1/jobs/{id}/webhooks")


def test_events_are_told_as_asked():
    with Receiver() as r, start(r, fake_step_ms=200) as d:
        first = d.submit(steps=100, webhook={"url": r.url, "events": ["job.started", "job.canceled"]})
        second = d.submit(webhook={"url": r.url, "events": ["job.succeeded"]})
        d.wait(first, "running")
        r.wait(1)
        d.post(f"/api/v1/jobs/{second}/cancel")
        d.post(f"/api/v1/jobs/{first}/cancel")
        types = sorted(json.loads(body)["type"] for _, _, body, _ in r.wait(2))
        equal(types, ["job.canceled", "job.started"])
        equal(deliveries(d, second), [])
        equal([x["type"] for x in deliveries(d, first, "delivered")], ["job.canceled", "job.started"])


def test_a_failed_job_is_told_with_its_error():
    with Receiver() as r, start(r) as d:
        d.submit(prompt="non_finite", webhook={"url": r.url})
        message = json.loads(r.wait(1)[0][2])
        equal((message["type"], message["data"]["error"]["code"]), ("job.failed", "non_finite"))


def test_a_receiver_that_fails_is_tried_again_with_the_same_id():
    with Receiver(500, 503, 200) as r, start(r) as d:
        id = d.submit(webhook={"url": r.url})
        got = r.wait(3)
        equal(len(got), 3)
        equal(len({headers["webhook-id"] for _, headers, _, _ in got}), 1)
        for _, headers, body, _ in got:
            verify(SECRET, headers, body)
        true(0.07 < got[1][3] - got[0][3] < within(0.5), "the first pause is 0.1 s, give or take a fifth")
        true(0.19 < got[2][3] - got[1][3] < within(0.8), "the second pause is 0.25 s, give or take a fifth")
        told, = deliveries(d, id, "delivered")
        equal([t["status"] for t in told["tries"]], [500, 503, 200])


def test_five_tries_are_all_and_the_log_says_so():
    with Receiver(500) as r, start(r, "--webhook-retry-seconds", "0.02") as d:
        id = d.submit(webhook={"url": r.url})
        told, = deliveries(d, id, "failed")
        equal([t["status"] for t in told["tries"]], [500] * 5)
        true("next_try_at" not in told, told)
        equal(len(r.wait(5)), 5)
        gone = d.submit(webhook={"url": r.url})
        true("next_try_at" in deliveries(d, gone, "pending")[0], "a pending delivery does not say when it goes on")


def test_410_ends_it_and_redirects_are_not_followed():
    with Receiver(410) as r, start(r) as d:
        told, = deliveries(d, d.submit(webhook={"url": r.url}), "failed")
        equal([t["status"] for t in told["tries"]], [410])
    with Receiver() as secret, Receiver(302, headers=[("Location", secret.url)]) as r:
        with start(r, "--webhook-ports", str(secret.port), "--webhook-retry-seconds", "0.01") as d:
            told, = deliveries(d, d.submit(webhook={"url": r.url}), "failed")
            equal({t["status"] for t in told["tries"]}, {302})
        equal(secret.got, [])


def test_every_secret_signs_and_files_hold_some():
    with tempfile.TemporaryDirectory() as folder, Receiver() as r:
        path = os.path.join(folder, "secrets")
        with open(path, "w") as file:
            file.write(OTHER + "\n")
        with start(r, "--webhook-secret-file", path) as d:
            d.submit(webhook={"url": r.url})
            (_, headers, body, _), = r.wait(1)
            verify(SECRET, headers, body)
            verify(OTHER, headers, body)


def test_hostile_urls_are_refused_and_nothing_is_connected():
    with Receiver() as r, start(r, allow=None) as d:
        port = r.port
        for url in ("", "/hook", "hook", f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/",
                    f"https://localhost:{port}/", f"https://localhost.:{port}/", f"https://[::1]:{port}/",
                    f"https://[::ffff:127.0.0.1]:{port}/", f"https://0.0.0.0:{port}/", f"https://2130706433:{port}/",
                    f"https://0x7f.1:{port}/", f"https://127.1:{port}/", f"https://169.254.169.254:{port}/latest",
                    f"https://10.0.0.1:{port}/", f"https://[fc00::1]:{port}/", f"https://[64:ff9b::7f00:1]:{port}/",
                    "https://example.org:22/", "https://example.org:6379/", "https://example.org/",
                    f"https://me@example.org:{port}/", f"https://me:word@example.org:{port}/", "file:///etc/passwd",
                    "gopher://example.org/", "ftp://example.org/", f"https://example.org:{port}/\r\nX-A: b",
                    f"https://example.org:{port}/" + "x" * 3000):
            reply = d.post("/api/v1/jobs", {"prompt": "x", "webhook": {"url": url}})
            equal((reply.status, reply.pointers()), (422, ["/webhook/url"]), url)
            equal(d.post("/api/v1/webhooks/test", {"url": url}).status, 422, url)
        equal(r.got, [])


def test_a_url_can_be_tested():
    with Receiver(200, 500) as r, start(r) as d:
        reply = d.post("/api/v1/webhooks/test", {"url": r.url})
        equal((reply.status, reply.json()["status"]), (200, "delivered"), reply.body)
        (_, headers, body, _), = r.wait(1)
        verify(SECRET, headers, body)
        equal(json.loads(body)["type"], "webhook.test")
        reply = d.post("/api/v1/webhooks/test", {"url": r.url})
        equal((reply.status, reply.json()["status"], len(reply.json()["tries"])), (200, "failed", 1))
        equal(d.post("/api/v1/webhooks/test", {}).status, 422)
        equal(d.post("/api/v1/webhooks/test", {"url": r.url, "more": 1}).status, 422)
        equal(d.post("/api/v1/webhooks/test", {"url": 1}).pointers(), ["/url"])


def test_without_a_secret_webhooks_are_off():
    with Daemon(fake_step_ms=0) as d:
        reply = d.post("/api/v1/jobs", {"prompt": "x", "webhook": {"url": "https://example.org/"}})
        equal((reply.status, reply.pointers()), (422, ["/webhook/url"]))
        equal(d.get(f"/api/v1/jobs/{d.submit()}/webhooks").json(), {"deliveries": []})
        equal(d.get("/api/v1/jobs/00000000000000000000000000000000/webhooks").status, 404)


def test_the_last_jobs_are_told_before_the_end():
    with Receiver() as r:
        with start(r, "--drain-seconds", "0", fake_step_ms=1000) as d:
            d.wait(d.submit(steps=100, webhook={"url": r.url}), "running")
        message = json.loads(r.wait(1)[0][2])
        equal((message["type"], message["data"]["error"]["code"]), ("job.canceled", "closed"))


def test_a_receiver_that_says_nothing_does_not_hold_the_end_up():
    with Receiver() as r:
        r.server.RequestHandlerClass.do_POST = lambda self: time.sleep(8)
        with start(r) as d:
            d.wait(d.submit(webhook={"url": r.url}))
            begin = time.monotonic()
        true(time.monotonic() - begin < within(7.5), f"the end took {time.monotonic() - begin} s")


def test_secrets_are_not_shown():
    with Receiver() as r, start(r) as d:
        d.wait(d.submit(webhook={"url": r.url}))
        r.wait(1)
        log = "".join(d.log)
    true(SECRET not in log and SECRET[6:] not in log, "the log has the secret")


def test_metrics_count_deliveries():
    with Receiver(500, 204, 410) as r, start(r) as d:
        deliveries(d, d.submit(webhook={"url": r.url}), "delivered")
        deliveries(d, d.submit(webhook={"url": r.url}), "failed")
        text = d.get("/metrics").body.decode()
        for result in ("delivered", "failed", "retried"):
            true(f'latentd_webhook_deliveries_total{{result="{result}"}} 1\n' in text, f"not one {result}")


if __name__ == "__main__":
    main(globals())
