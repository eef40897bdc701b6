"""The native API beyond one request and its answer: preferences, keys, batches, lists, events, what is kept."""

import base64
import hashlib
import http.client
import json
import threading
import time

from daemon import Daemon, equal, main, read_png, true, within, write_png

SMALL = {"prompt": "a picture", "seed": 7, "steps": 2}


def parse_events(text):
    """[(id, name, data)] of a stream; comments are left out."""
    events = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name:
                fields[name] = fields.get(name, "") + value.removeprefix(" ")
        if "data" in fields:
            events.append((int(fields["id"]), fields.get("event"), json.loads(fields["data"])))
    return events


def stream(daemon, method, path, body=None, headers=None):
    reply = daemon.request(method, path, body, headers=headers)
    equal(reply.status, 200, reply.body)
    equal(reply.headers["Content-Type"].partition(";")[0], "text/event-stream")
    return parse_events(reply.body.decode())


def names(events):
    return [name for _, name, _ in events]


def test_respond_async_gives_a_handle():
    with Daemon(fake_step_ms=20) as d:
        reply = d.generate(SMALL, headers={"Prefer": "respond-async"})
        equal(reply.status, 202, reply.body)
        equal(reply.headers["Preference-Applied"], "respond-async")
        job = reply.json()
        equal(reply.headers["Location"], f"/api/v1/jobs/{job['id']}")
        equal((reply.headers["X-Job-Id"], reply.headers["X-Seed"]), (job["id"], "7"))
        equal(job["urls"]["self"], reply.headers["Location"])
        equal(d.wait(job["id"])["status"], "succeeded")


def test_wait_gives_the_picture_in_time_or_else_a_handle():
    with Daemon(fake_step_ms=20) as d:
        reply = d.generate(SMALL, headers={"Prefer": "wait=30"})
        equal((reply.status, reply.json()["status"]), (200, "succeeded"))
        equal(reply.headers["Preference-Applied"], "wait=30")
        true("b64_png" in reply.json()["images"][0], "no picture")
        start = time.monotonic()
        reply = d.generate(dict(SMALL, steps=100), headers={"Prefer": "wait=1", "Accept": "image/png"})
        true(0.9 < time.monotonic() - start < within(1.8), "it did not wait for a second")
        equal((reply.status, reply.json()["status"]), (202, "running"))
        # The client has gone on, and its job too.
        equal(d.wait(reply.json()["id"])["status"], "succeeded")
        reply = d.post("/api/v1/jobs", SMALL, headers={"Prefer": "respond-async, wait=30"})
        equal((reply.status, reply.json()["status"]), (200, "succeeded"))
        equal(reply.headers.get_all("Preference-Applied"), ["respond-async", "wait=30"])


def test_lenient_handling_warns_of_what_it_leaves_out():
    body = dict(SMALL, stepps=3, strength=0.5, output={"compress": 3})
    with Daemon(fake_step_ms=0) as d:
        for prefer in ({}, {"Prefer": "handling=strict"}, {"Prefer": "handling=whatever"}):
            reply = d.generate(body, headers=prefer)
            equal((reply.status, reply.pointers()), (422, ["/stepps", "/output/compress", "/strength"]))
        true("did you mean /steps?" in reply.json()["errors"][0]["detail"], reply.body)
        reply = d.generate(body, headers={"Prefer": "handling=lenient"})
        equal((reply.status, reply.headers["Preference-Applied"]), (200, "handling=lenient"))
        equal([w["pointer"] for w in reply.json()["warnings"]], ["/stepps", "/output/compress", "/strength"])
        equal(reply.headers.get_all("X-Latentd-Warning")[0],
              "stepps: is not a field, and was left out; did you mean /steps?")
        # What is wrong stays wrong.
        reply = d.generate(dict(SMALL, steps=0), headers={"Prefer": "handling=lenient"})
        equal((reply.status, reply.pointers()), (422, ["/steps"]))


def test_a_key_joins_the_job_that_it_made():
    with Daemon(fake_step_ms=20) as d:
        answers = []
        key = {"Idempotency-Key": "abc-1"}
        body = json.dumps(dict(SMALL, steps=20))

        def ask(headers):
            answers.append(d.generate(body, headers=headers))

        threads = [threading.Thread(target=ask, args=(headers,))
                   for headers in (key, {"Idempotency-Key": '"abc-1"'}, dict(key, Accept="image/png"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal({answer.status for answer in answers}, {200})
        equal(len({answer.headers["X-Job-Id"] for answer in answers}), 1)
        again = d.generate(body, headers=key)
        equal(again.headers["X-Job-Id"], answers[0].headers["X-Job-Id"])
        other = d.generate(dict(SMALL, steps=3), headers=key)
        equal((other.status, other.code()), (422, "idempotency_key_reused"))
        # Without a seed too: the job is the same, and so is its seed.
        seeds = {d.post("/api/v1/jobs", {"prompt": "x", "steps": 1}, headers={"Idempotency-Key": "k"}).json()["request"]
                 ["seed"] for _ in range(3)}
        equal(len(seeds), 1)
        for wrong in ('""', "a b", "x" * 256, '"half'):
            reply = d.generate(SMALL, headers={"Idempotency-Key": wrong})
            equal((reply.status, reply.code()), (400, "bad_idempotency_key"), wrong)


def test_a_job_with_a_key_outlives_its_client():
    with Daemon(fake_step_ms=20) as d:
        body = json.dumps(dict(SMALL, steps=30)).encode()
        s = d.connect()
        s.sendall(b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Idempotency-Key: gone\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.2)
        s.close()
        reply = d.generate(body, headers={"Idempotency-Key": "gone"})
        equal(reply.status, 200, reply.body)
        equal(len(d.get("/api/v1/jobs").json()["jobs"]), 1)


def test_the_hugging_face_form_gives_bytes():
    with Daemon(fake_step_ms=0) as d:
        plain = d.generate({"prompt": "p", "seed": 3, "steps": 2, "cfg_scale": 3, "width": 32, "height": 16,
                            "negative_prompt": "n", "sampler": "euler"}, headers={"Accept": "image/png"})
        form = {"inputs": "p", "parameters": {
            "seed": 3, "num_inference_steps": 2, "guidance_scale": 3, "width": 32, "height": 16,
            "negative_prompt": "n", "scheduler": "EulerDiscreteScheduler"}}
        for accept in ({}, {"Accept": "*/*"}, {"Accept": "image/png"}):
            reply = d.generate(form, headers=accept)
            equal((reply.status, reply.headers["Content-Type"]), (200, "image/png"), reply.body)
            equal(reply.body, plain.body)
        as_json = d.generate(form, headers={"Accept": "application/json"}).json()
        equal((as_json["family"], as_json["request"]["sampler"]), ("hf", "euler"))
        del form["parameters"]["width"], form["parameters"]["height"]
        form["parameters"]["target_size"] = {"width": 32, "height": 16}
        equal(d.generate(form).body, plain.body)
        equal(d.generate({"inputs": "p", "parameters": None}).status, 200)
        equal(d.generate({"inputs": "p"}).status, 200)
        for wrong in ([], [None, None], [{"seed": 1}], "seed", 1, True):
            equal(d.generate({"inputs": "p", "parameters": wrong}).pointers(), ["/parameters"], repr(wrong))
        reply = d.generate({"inputs": 1, "options": {}, "parameters": {
            "guidance_scale": 200, "num_inference_steps": 0, "steps": 3, "safety": True, "scheduler": "Heun",
            "count": 2}})
        equal((reply.status, sorted(reply.pointers())),
              (422, ["/inputs", "/options", "/parameters/guidance_scale", "/parameters/num_inference_steps",
                     "/parameters/num_inference_steps", "/parameters/safety", "/parameters/scheduler"]))
        reply = d.generate({"inputs": "p", "parameters": {"count": 2}})
        equal((reply.status, reply.pointers()), (422, ["/parameters/count"]))
        picture = base64.b64encode(write_png(16, 16, lambda x, y: (x, y, 0))).decode()
        reply = d.generate({"inputs": picture, "parameters": {"prompt": "p", "strength": 0.5}},
                           headers={"Accept": "application/json"})
        equal((reply.json()["request"]["kind"], reply.json()["request"]["width"]), ("img2img", 16))
        equal(d.generate({"inputs": "!", "parameters": {"prompt": "p"}}).pointers(), ["/inputs"])


def test_generate_streams_what_happens_and_at_the_end_the_job():
    with Daemon(fake_step_ms=5) as d:
        events = stream(d, "POST", "/api/v1/generate", dict(SMALL, steps=5, count=2), {"Accept": "text/event-stream"})
        told = names(events)
        equal((told[0], told[1], told[-1]), ("queued", "started", "succeeded"))
        equal(told.count("image"), 2)
        steps = [data["progress"]["step"] for _, name, data in events
                 if name == "progress" and data["progress"]["image"] == 0 and data["progress"]["phase"] == "sample"]
        equal(steps, [0, 1, 2, 3, 4, 5])
        numbers = [number for number, _, _ in events]
        equal(numbers, sorted(set(numbers)))
        job = events[-1][2]
        pictures = [base64.b64decode(data["b64_png"]) for _, name, data in events if name == "image"]
        for index, picture in enumerate(pictures):
            equal(hashlib.sha256(picture).hexdigest(), job["images"][index]["sha256"])
        # A request that is wrong is told as any other.
        reply = d.generate(dict(SMALL, steps=0), headers={"Accept": "text/event-stream"})
        equal((reply.status, reply.pointers()), (422, ["/steps"]))
        failed = stream(d, "POST", "/api/v1/generate", {"prompt": "non_finite"}, {"Accept": "text/event-stream"})
        equal((failed[-1][1], failed[-1][2]["error"]["code"]), ("failed", "non_finite"))


def test_a_client_that_leaves_its_stream_cancels_its_job():
    with Daemon(fake_step_ms=50) as d:
        connection = http.client.HTTPConnection("127.0.0.1", d.port)
        connection.request("POST", "/api/v1/generate", json.dumps(dict(SMALL, steps=200)),
                           {"Content-Type": "application/json", "Accept": "text/event-stream"})
        answer = connection.getresponse()
        id = answer.headers["X-Job-Id"]
        answer.readline()
        answer.close()
        connection.close()
        equal(d.wait(id, timeout=within(3))["status"], "canceled")


def test_events_of_a_job_are_replayed_from_the_last_one_seen():
    with Daemon(fake_step_ms=10) as d:
        id = d.submit(steps=10)
        path = f"/api/v1/jobs/{id}/events"
        whole = stream(d, "GET", path)
        equal((names(whole)[0], names(whole)[-1]), ("queued", "succeeded"))
        true("b64_png" not in [data for _, name, data in whole if name == "image"][0], "bytes in an event")
        # Once it has ended, what only mattered on the way is gone.
        again = stream(d, "GET", path)
        true(set(names(again)) >= {"queued", "started", "image", "succeeded"}, names(again))
        middle = again[1][0]
        rest = stream(d, "GET", path, headers={"Last-Event-ID": str(middle)})
        equal(rest, again[2:])
        equal(d.get(path, headers={"Last-Event-ID": str(whole[-1][0])}).status, 204)
        equal(d.get(path, headers={"Last-Event-ID": "x"}).code(), "bad_header")
        equal(d.get(path + "?previews=2").code(), "bad_query")
        equal(d.get("/api/v1/jobs/" + "0" * 32 + "/events").status, 404)


def test_previews_are_made_for_those_who_want_them():
    with Daemon(fake_step_ms=10) as d:
        id = d.submit(steps=20)
        with_previews = stream(d, "GET", f"/api/v1/jobs/{id}/events?previews=1")
        previews = [data for _, name, data in with_previews if name == "preview"]
        true(previews, "no previews")
        width, height, _, _ = read_png(base64.b64decode(previews[0]["b64_png"]))
        equal((width, height), (8, 8))
        id = d.submit(steps=20)
        true("preview" not in names(stream(d, "GET", f"/api/v1/jobs/{id}/events?previews=0")), "a preview")
        id = d.submit(steps=200)
        d.wait(id, "running")
        end = time.monotonic() + within(5)
        while (reply := d.get(f"/api/v1/jobs/{id}/preview")).status == 409 and time.monotonic() < end:
            equal(reply.code(), "no_preview")
            time.sleep(0.02)
        equal((reply.status, reply.headers["Content-Type"]), (200, "image/png"))
        read_png(reply.body)
        d.post(f"/api/v1/jobs/{id}/cancel")


def test_several_requests_become_jobs_together_or_not_at_all():
    with Daemon("--queue-limit", "4", fake_step_ms=50) as d:
        wrong = d.post("/api/v1/jobs", {"requests": [SMALL, dict(SMALL, steps=0), 3, dict(SMALL, widht=8)]})
        equal((wrong.status, wrong.pointers()), (422, ["/requests/1/steps", "/requests/2", "/requests/3/widht"]))
        equal(d.get("/api/v1/jobs").json()["jobs"], [])
        body = json.dumps({"requests": [dict(SMALL, seed=seed) for seed in (1, 2, 3)]})
        reply = d.post("/api/v1/jobs", body, headers={"Idempotency-Key": "batch"})
        equal(reply.status, 202, reply.body)
        batch = reply.json()
        equal([job["request"]["seed"] for job in batch["jobs"]], [1, 2, 3])
        equal({job["group"] for job in batch["jobs"]}, {batch["group"]})
        equal(reply.headers["Location"], batch["urls"]["self"])
        equal([job["id"] for job in d.get(batch["urls"]["self"]).json()["jobs"]],
              [job["id"] for job in reversed(batch["jobs"])])
        again = d.post("/api/v1/jobs", body, headers={"Idempotency-Key": "batch"})
        equal((again.status, again.json()["group"]), (202, batch["group"]))
        equal([job["id"] for job in again.json()["jobs"]], [job["id"] for job in batch["jobs"]])
        # There is room for some, but not for all.
        full = d.post("/api/v1/jobs", {"requests": [SMALL] * 4})
        equal((full.status, full.code()), (429, "queue_full"))
        equal(len(d.get("/api/v1/jobs").json()["jobs"]), 3)
        for body in ({"requests": []}, {"requests": 1}, {"requests": [SMALL] * 257}):
            equal(d.post("/api/v1/jobs", body).pointers(), ["/requests"])
        equal(d.post("/api/v1/jobs", {"requests": [SMALL], "steps": 3}).pointers(), ["/steps"])


def test_an_id_may_be_the_clients():
    id = "0123456789abcdef" * 2
    with Daemon(fake_step_ms=20) as d:
        path = f"/api/v1/jobs/{id}"
        body = json.dumps(SMALL)
        equal(d.get(path).status, 404)
        reply = d.request("PUT", path, body)
        equal((reply.status, reply.json()["id"]), (202, id))
        equal(d.request("PUT", path, body).json()["id"], id)
        d.wait(id)
        equal(d.request("PUT", path, body).status, 200)
        other = d.request("PUT", path, json.dumps(dict(SMALL, seed=8)))
        equal((other.status, other.code()), (409, "conflict"))
        equal(len(d.get("/api/v1/jobs").json()["jobs"]), 1)
        for wrong in ("x", id.upper(), id + "0"):
            equal(d.request("PUT", f"/api/v1/jobs/{wrong}", body).code(), "bad_id")


def test_jobs_are_listed_by_page_state_and_tag():
    with Daemon(fake_step_ms=0) as d:
        ids = [d.submit(tags=["odd" if i % 2 else "even", "all"]) for i in range(7)]
        for id in ids:
            d.wait(id)
        seen, cursor = [], ""
        while True:
            page = d.get(f"/api/v1/jobs?limit=3{cursor}").json()
            true(len(page["jobs"]) <= 3, "a long page")
            seen += [job["id"] for job in page["jobs"]]
            if "next" not in page:
                break
            cursor = "&cursor=" + page["next"]
        equal(seen, ids[::-1])
        equal([job["id"] for job in d.get("/api/v1/jobs?tag=odd").json()["jobs"]], ids[1::2][::-1])
        equal(len(d.get("/api/v1/jobs?status=succeeded&tag=all").json()["jobs"]), 7)
        equal(d.get("/api/v1/jobs?status=queued,running").json(), {"jobs": []})
        true("b64_png" not in d.get("/api/v1/jobs").body.decode(), "pictures in a list")
        for query in ("status=ended", "status=", "limit=0", "limit=201", "limit=x", "cursor=x", "group=y",
                      "cursor=" + "0" * 32, "tag=" + "x" * 65):
            reply = d.get("/api/v1/jobs?" + query)
            equal((reply.status, reply.code()), (400, "bad_query"), query)


def test_a_long_poll_is_answered_by_any_change_or_by_time():
    with Daemon(fake_step_ms=100) as d:
        id = d.submit(steps=8)
        d.wait(id, "running")
        path, polls, statuses, start = f"/api/v1/jobs/{id}?wait=30", 0, [], time.monotonic()
        reply = d.get(f"/api/v1/jobs/{id}")
        while reply.status == 304 or reply.json()["status"] == "running":
            before = time.monotonic()
            reply = d.get(path, headers={"If-None-Match": reply.headers["ETag"]})
            true(time.monotonic() - before < within(1), "a change was not told")
            polls += 1
            statuses.append(reply.status)
        equal(reply.json()["status"], "succeeded")
        true(3 <= polls <= 20, f"{polls} polls for 8 steps")
        equal(set(statuses), {200})
        # An ended job is told at once; one that does not change, when the time has come.
        equal(d.get(path).status, 200)
        blocker = d.submit(steps=200)
        d.wait(blocker, "running")
        waiting = d.submit()
        etag = d.get(f"/api/v1/jobs/{waiting}").headers["ETag"]
        start = time.monotonic()
        reply = d.get(f"/api/v1/jobs/{waiting}?wait=0.5", headers={"If-None-Match": etag})
        true(0.4 < time.monotonic() - start < within(1.5), "it did not wait for half a second")
        equal((reply.status, reply.body), (304, b""))
        for wait in ("-1", "x", "601", "nan", ""):
            equal(d.get(f"/api/v1/jobs/{waiting}?wait={wait}").code(), "bad_query", wait)
        d.post(f"/api/v1/jobs/{blocker}/cancel")


def test_an_unchanged_job_need_not_be_sent_again():
    with Daemon(fake_step_ms=0) as d:
        id = d.submit()
        d.wait(id)
        path = f"/api/v1/jobs/{id}"
        etag = d.get(path).headers["ETag"]
        equal(d.get(path, headers={"If-None-Match": etag}).status, 304)
        equal(d.get(path, headers={"If-None-Match": '"other"'}).status, 200)
        equal(d.get(path + "?include=b64_png", headers={"If-None-Match": etag}).status, 200)


def test_a_job_that_moved_up_has_changed():
    with Daemon(fake_step_ms=100) as d:
        first, second, third = d.submit(steps=200), d.submit(), d.submit()
        d.wait(first, "running")
        etag = d.get(f"/api/v1/jobs/{third}").headers["ETag"]
        d.post(f"/api/v1/jobs/{second}/cancel")
        reply = d.get(f"/api/v1/jobs/{third}", headers={"If-None-Match": etag})
        equal((reply.status, reply.json()["position"]), (200, 1))
        d.post(f"/api/v1/jobs/{first}/cancel")


def test_a_deleted_job_is_gone():
    with Daemon(fake_step_ms=20) as d:
        done, running, waiting = d.submit(), d.submit(steps=200), d.submit()
        d.wait(running, "running")
        for id in (done, waiting, running):
            reply = d.request("DELETE", f"/api/v1/jobs/{id}")
            equal((reply.status, reply.body), (204, b""))
            end = time.monotonic() + within(2) if id == running else 0
            while (status := d.get(f"/api/v1/jobs/{id}").status) == 200 and time.monotonic() < end:
                time.sleep(0.01)
            equal(status, 410)
            equal(d.request("DELETE", f"/api/v1/jobs/{id}").status, 410)
        equal(d.request("DELETE", "/api/v1/jobs/" + "0" * 32).status, 404)
        equal(d.wait(d.submit(), timeout=within(2))["status"], "succeeded")
    true(sum("status=canceled" in line for line in d.log) >= 1, "the running job was not canceled")


def test_a_job_can_be_run_again():
    with Daemon(fake_step_ms=20) as d:
        picture = base64.b64encode(write_png(64, 64, lambda x, y: (x, y, 0))).decode()
        first = d.submit(image=picture, steps=4)
        running = d.post(f"/api/v1/jobs/{first}/retry")
        equal((running.status, running.code()), (409, "conflict"))
        first = d.wait(first)
        reply = d.post(f"/api/v1/jobs/{first['id']}/retry")
        equal(reply.status, 202, reply.body)
        again = d.wait(reply.json()["id"])
        true(again["id"] != first["id"], "the same job")
        equal(again["request"], first["request"])
        equal(again["images"][0]["sha256"], first["images"][0]["sha256"])
        equal(d.post("/api/v1/jobs/" + "0" * 32 + "/retry").status, 404)
        # What is told of the request can be sent, but for the picture, which must come along.
        reply = d.generate(first["request"])
        equal((reply.status, reply.pointers()), (422, ["/image"]))
        equal(d.generate(dict(first["request"], image=picture)).json()["images"][0]["sha256"],
              first["images"][0]["sha256"])


def test_a_picture_can_be_had_in_parts_and_need_not_be_had_twice():
    with Daemon(fake_step_ms=0) as d:
        job = d.wait(d.submit(seed=9, count=2))
        image = job["images"][1]
        whole = d.get(image["url"])
        equal(hashlib.sha256(whole.body).hexdigest(), image["sha256"])
        equal((len(whole.body), whole.headers["X-Seed"]), (image["bytes"], "10"))
        equal((image["width"], image["height"]), (64, 64))
        equal(whole.headers["ETag"], f'"{image["sha256"]}"')
        true("immutable" in whole.headers["Cache-Control"], "not immutable")
        part = d.get(image["url"], headers={"Range": "bytes=8-15"})
        equal((part.status, part.body), (206, whole.body[8:16]))
        equal(part.headers["Content-Range"], f"bytes 8-15/{len(whole.body)}")
        equal(d.get(image["url"], headers={"Range": f"bytes={len(whole.body)}-"}).status, 416)
        equal(d.get(image["url"], headers={"If-None-Match": whole.headers["ETag"]}).status, 304)
        png = d.generate({"prompt": "x", "seed": 10, "steps": 1}, headers={"Accept": "image/png"})
        equal(png.headers["ETag"], f'"{hashlib.sha256(png.body).hexdigest()}"')


def test_a_picture_can_be_had_while_the_next_one_is_made():
    with Daemon(fake_step_ms=100) as d:
        id = d.submit(count=3, steps=4)
        url = f"/api/v1/jobs/{id}/images/0"
        end = time.monotonic() + within(10)
        while (reply := d.get(url)).status == 409 and time.monotonic() < end:
            time.sleep(0.02)
        equal(reply.status, 200, reply.body)
        equal(d.job(id)["status"], "running")
        equal(d.get(f"/api/v1/jobs/{id}/images/2").status, 409)
        equal(d.get(f"/api/v1/jobs/{id}/images/3").status, 404)
        job = d.wait(id)
        equal(hashlib.sha256(reply.body).hexdigest(), job["images"][0]["sha256"])
        equal(d.get(url).headers["ETag"], reply.headers["ETag"])


def test_a_job_that_is_not_done_by_its_deadline_fails():
    with Daemon(fake_step_ms=50) as d:
        start = time.monotonic()
        job = d.wait(d.submit(steps=200, deadline_seconds=0.5))
        true(time.monotonic() - start < within(3), "it took too long")
        equal((job["status"], job["error"]["code"]), ("failed", "deadline"))
        equal(job["request"]["deadline_seconds"], 0.5)


def test_fields_of_jobs_are_checked_like_all_others():
    wrong = {
        "tags": [("x", "/tags"), ([1], "/tags/0"), (["a", ""], "/tags/1"), (["x" * 65], "/tags/0"),
                 (["x"] * 17, "/tags")],
        "deadline_seconds": [(0, "/deadline_seconds"), ("1", "/deadline_seconds"), (1e9, "/deadline_seconds")],
        "webhook": [("x", "/webhook"), ({}, "/webhook/url"), ({"url": "ftp://x/"}, "/webhook/url"),
                    ({"url": "https://x/", "events": ["job.done"]}, "/webhook/events/0"),
                    ({"url": "https://x/", "events": []}, "/webhook/events"),
                    ({"url": "https://x/", "events": ["job.failed", "job.failed"]}, "/webhook/events/1"),
                    ({"url": "https://x/", "uri": 1}, "/webhook/uri")],
    }
    with Daemon("--webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", fake_step_ms=0) as d:
        for field, rows in wrong.items():
            for value, pointer in rows:
                reply = d.generate(dict(SMALL, **{field: value}))
                equal((reply.status, reply.pointers()), (422, [pointer]), str(value))
        job = d.wait(d.submit(tags=["a", "b"]))
        equal(job["request"]["tags"], ["a", "b"])


def test_an_estimate_queues_nothing():
    with Daemon() as d:
        small = d.post("/api/v1/estimate", dict(SMALL, count=2))
        equal(small.status, 200, small.body)
        told = small.json()
        equal((told["request"]["count"], told["warnings"], told["position"]), (2, [], 0))
        large = d.post("/api/v1/estimate", dict(SMALL, width=256, height=256, steps=20)).json()
        true(large["seconds"] > 4 * told["seconds"] > 0, f"{large['seconds']} s and {told['seconds']} s")
        true(large["bytes"] > told["bytes"] > 0, f"{large['bytes']} and {told['bytes']} bytes")
        equal(d.post("/api/v1/estimate", dict(SMALL, steps=0, width=1)).pointers(), ["/steps", "/width"])
        equal(d.get("/api/v1/jobs").json()["jobs"], [])


def test_the_queue_is_told():
    with Daemon("--queue-limit", "5", fake_step_ms=50) as d:
        queue = d.get("/api/v1/queue").json()
        equal((queue["waiting"], queue["limit"], queue["workers"], queue["running"]), (0, 5, 1, []))
        running = d.submit(steps=100)
        d.wait(running, "running")
        d.submit()
        queue = d.get("/api/v1/queue").json()
        equal((queue["waiting"], [job["id"] for job in queue["running"]]), (1, [running]))
        d.post(f"/api/v1/jobs/{running}/cancel")


def test_models_and_capabilities_say_what_there_is():
    with Daemon("--max-steps", "33", fake_step_ms=0) as d:
        model = d.get("/api/v1/models").json()["models"][0]
        equal(d.get("/api/v1/models/" + model["name"]).json(), model)
        equal((d.get("/api/v1/models/none").status, d.get("/api/v1/models/none").code()), (404, "not_found"))
        told = d.get("/api/v1/capabilities").json()
        equal(told["limits"]["max_steps"], 33)
        steps = told["request"]["properties"]["steps"]
        equal((steps["type"], steps["minimum"], steps["maximum"], steps["default"]),
              ("integer", 1, 33, model["defaults"]["steps"]))
        true(all(field.get("description") for field in told["request"]["properties"].values()), "no description")
        equal(told["request"]["properties"]["sampler"]["enum"], [sampler["name"] for sampler in told["samplers"]])
        equal(told["request"]["properties"]["width"]["multipleOf"], model["vae_factor"])
        true("required" not in told["request"], "kind upscale has no prompt")
        equal(set(told["families"]["native"]), set(told["request"]["properties"]))
        for sampler in told["samplers"]:
            equal(d.generate(dict(SMALL, sampler=sampler["name"])).status, 200)
        for url in d.get("/.well-known/latentd.json").json()["urls"].values():
            true(d.get(url).status in (200, 405), url)


def test_noise_on_the_way_can_be_asked_for_and_sent_again():
    with Daemon() as d:
        for noise in ({"sampler": "heun", "s_churn": 5, "s_tmin": 0.25, "s_tmax": 9.5, "s_noise": 1.1},
                      {"sampler": "euler_a", "s_noise": 0.5}, {"sampler": "dpmpp_3m_sde", "eta": 0.25, "profile": "a1111"}):
            asked = dict(SMALL, seed=3, **noise)
            job = d.generate(asked).json()
            equal({name: job["request"][name] for name in noise}, noise)
            png = base64.b64decode(job["images"][0]["b64_png"])
            told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
            equal(({name: told["request"].get(name) for name in noise}, told["warnings"]), (noise, []))
            equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)
        for wrong, field in (({"sampler": "lms", "s_churn": 1}, "s_churn"), ({"sampler": "euler", "s_tmin": 1}, "s_tmin"),
                             ({"sampler": "euler", "s_noise": 0.5}, "s_noise"), ({"sampler": "ddim", "s_noise": 0.5}, "s_noise"),
                             ({"sampler": "euler", "s_churn": 1, "s_tmin": 2, "s_tmax": 1}, "s_tmax"),
                             ({"sampler": "euler", "s_churn": "1"}, "s_churn")):
            reply = d.generate(dict(SMALL, **wrong))
            equal((reply.status, [error["pointer"] for error in reply.json()["errors"]]), (422, ["/" + field]), reply.body)


def test_what_a_picture_was_made_with_can_be_sent_again():
    with Daemon() as d:
        asked = {"prompt": "a red circle,\nround", "negative_prompt": "blue", "seed": 2 ** 64 - 1, "steps": 2,
                 "cfg_scale": 4.5, "sampler": "euler_a", "scheduler": "model", "width": 32, "height": 64,
                 "guidance_start": 0.25, "guidance_end": 0.75, "deepcache_interval": 2, "cfg_rescale": 0.5, "eta": 0.4, "tiling": True}
        png = d.generate(asked, headers={"Accept": "image/png"}).body
        for reply in (d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}),
                      d.post("/api/v1/inspect", png, headers={"Content-Type": "application/octet-stream"}),
                      d.post("/api/v1/inspect", {"image": base64.b64encode(png).decode()}),
                      d.post("/api/v1/inspect", {"image": "data:image/png;base64," + base64.b64encode(png).decode()})):
            equal(reply.status, 200, reply.body)
            told = reply.json()
            equal((told["width"], told["height"], told["warnings"]), (32, 64, []))
            equal({name: told["request"][name] for name in asked}, asked)
            true(told["texts"]["parameters"].startswith("a red circle,\nround"), told)
            equal(told["settings"]["Seed"], str(2 ** 64 - 1))
        equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)
        asked = {"prompt": "a (red:1.2) [circle|square] AND \\(rain\\) :0.5", "negative_prompt": "[blue:green:1]",
                 "profile": "a1111", "clip_skip": 1, "steps": 3, "seed": 5, "cfg_scale": 3, "width": 32, "height": 32}
        png = d.generate(asked, headers={"Accept": "image/png"}).body
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(({name: told["request"][name] for name in asked}, told["warnings"]), (asked, []))
        equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)
        foreign = write_png(8, 8, lambda x, y: (0, 0, 0),
                            b"a (red:1.2) circle\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64, Version: v1.10.1")
        told = d.post("/api/v1/inspect", foreign, headers={"Content-Type": "image/png"}).json()
        equal((told["request"]["profile"], told["warnings"]), ("a1111", []))
        bare = d.post("/api/v1/inspect", write_png(3, 5, lambda x, y: (0, 0, 0)), headers={"Content-Type": "image/png"})
        equal(bare.json(), {"width": 3, "height": 5, "texts": {}, "warnings": []})
        for body, status in ((b"not a picture", 422), (png[:60], 422), (b"", 422)):
            equal(d.post("/api/v1/inspect", body, headers={"Content-Type": "image/png"}).status, status)
        for body in ({"image": "!"}, {"image": 3}, {"picture": "x"}, [], {"image": "", "x": 1}):
            equal(d.post("/api/v1/inspect", body).status, 422, body)


def test_a_picture_has_a_record_of_its_request_and_model():
    asked = {"prompt": "a circle", "seed": 5, "steps": 2, "width": 32, "height": 32, "tags": ["mine"], "deadline_seconds": 60}
    with Daemon() as d:
        job = d.generate(dict(asked, count=2)).json()
        digest = d.get("/sdapi/v1/sd-models").json()[0]["sha256"]
        for i, image in enumerate(job["images"]):
            told = d.post("/api/v1/inspect", {"image": image["b64_png"]}).json()
            record = json.loads(told["texts"]["latentd"])
            equal(record["model"], {"name": "default", "sha256": digest})
            equal(told["settings"]["Model hash"], digest[:10])
            equal((record["request"], told["warnings"]), (told["request"], []))
            equal((record["request"]["seed"], record["request"]["count"]), (5 + i, 1))
            true(not {"tags", "deadline_seconds", "webhook"} & set(record["request"]), record)
            again = d.generate(record["request"], headers={"Accept": "image/png"}).body
            equal(base64.b64encode(again).decode(), image["b64_png"])


def test_a_record_may_say_anything():
    settings = b"a cat\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 32x32, Profile: diffusers"
    with Daemon() as d:
        for record, steps in ((b"", 2), (b"{", 2), (b"[]", 2), (b'{"request": 7}', 2), (b'{"request": {"steps": 3}}', 3),
                              (b'{"request": {"steps": 3, "model": "elsewhere"}}', 3), (b"[" * 5000, 2)):
            png = write_png(3, 5, lambda x, y: (0, 0, 0), settings, record)
            reply = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"})
            equal((reply.status, reply.json()["request"]["steps"]), (200, steps), record)
            true("model" not in reply.json()["request"], record)


def test_variations_keep_the_seed_and_can_be_made_again():
    asked = {"prompt": "a tiger", "seed": 5, "steps": 2, "width": 64, "height": 64, "subseed": 2 ** 64 - 2,
             "subseed_strength": 0.25}
    with Daemon() as d:
        job = d.generate(dict(asked, count=2)).json()
        equal([(image["seed"], image["subseed"]) for image in job["images"]], [(5, 2 ** 64 - 2), (5, 2 ** 64 - 1)])
        pictures = [base64.b64decode(image["b64_png"]) for image in job["images"]]
        alone = d.generate(dict(asked, subseed=2 ** 64 - 1), headers={"Accept": "image/png"}).body
        equal(alone, pictures[1])
        plain = d.generate({"prompt": "a tiger", "seed": 5, "steps": 2, "width": 64, "height": 64})
        true("subseed" not in plain.json()["images"][0], "a picture without a subseed tells one")
        true(base64.b64decode(plain.json()["images"][0]["b64_png"]) not in pictures, "the subseed has no part")
        for more in ({}, {"seed_resize_from_w": 32, "seed_resize_from_h": 96}):
            png = d.generate({**asked, **more}, headers={"Accept": "image/png"}).body
            told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
            equal(({name: told["request"][name] for name in {**asked, **more}}, told["warnings"]), ({**asked, **more}, []))
            equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)
        drawn = d.generate({"prompt": "a tiger", "steps": 1, "subseed_strength": 1}).json()
        true(0 <= drawn["request"]["subseed"] < 2 ** 32, drawn["request"])
        equal(d.generate({"prompt": "x", "subseed": 3}).pointers(), ["/subseed"])
        equal(d.generate({"prompt": "x", "seed_resize_from_w": 64}).pointers(), ["/seed_resize_from_h"])


def test_a_second_pass_can_be_made_again():
    asked = {"prompt": "a tiger", "seed": 5, "steps": 2, "width": 64, "height": 48, "hr_scale": 1.5, "hr_steps": 4,
             "hr_upscaler": "lanczos", "strength": 0.5}
    with Daemon() as d:
        png = d.generate(asked, headers={"Accept": "image/png"}).body
        equal(read_png(png)[:2], (96, 72))
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(({name: told["request"][name] for name in asked}, told["warnings"]), (asked, []))
        equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)
        true(d.generate(dict(asked, hr_upscaler="latent"), headers={"Accept": "image/png"}).body != png, "no upscaler")
        estimate = d.post("/api/v1/estimate", asked).json()["seconds"]
        true(estimate > d.post("/api/v1/estimate", dict(asked, hr_steps=2)).json()["seconds"], "the pass takes no time")
        for wrong in ({"hr_scale": 1}, {"hr_scale": 9}, {"hr_upscaler": "esrgan"}, {"hr_steps": 0}):
            equal(d.generate({**asked, **wrong}).pointers(), ["/" + next(iter(wrong))])
        equal(d.generate({"prompt": "x", "hr_steps": 3, "hr_upscaler": "latent", "strength": 0.5}).pointers(),
              ["/hr_upscaler", "/hr_steps", "/strength"])
    with Daemon("--max-pixels", "4096") as d:
        equal(d.generate(dict(asked, width=32, height=32)).status, 200)
        equal(d.generate(dict(asked, width=64, height=64)).pointers(), ["/hr_scale"])


def test_every_route_is_described():
    with Daemon(fake_step_ms=0) as d:
        document = d.get("/openapi.json").json()
        equal(document["openapi"], "3.1.0")
        schemas = document["components"]["schemas"]

        def walk(value):
            if isinstance(value, dict):
                if "$ref" in value:
                    name = value["$ref"].removeprefix("#/components/schemas/")
                    true(name in schemas, value)
                for each in value.values():
                    walk(each)
            elif isinstance(value, list):
                for each in value:
                    walk(each)

        walk(document)
        for path, item in document["paths"].items():
            target = path.replace("{id}", "0" * 32).replace("{n}", "0").replace("{name}", "none")
            allowed = d.request("OPTIONS", target).headers["Allow"]
            equal(set(allowed.lower().split(", ")) - {"head", "options"}, set(item), path)
            for method, operation in item.items():
                true(operation["summary"] and operation["responses"], f"{method} {path}")
                for name in path.split("{")[1:]:
                    true({"name": name.split("}")[0], "in": "path"}.items() <=
                         next(p for p in operation["parameters"] if p["in"] == "path" and
                              p["name"] == name.split("}")[0]).items(), path)


def test_estimate_tells_what_a_request_would_take_and_queues_nothing():
    with Daemon("--workers", "1", fake_step_ms=20) as d:
        step = d.generate(dict(SMALL, steps=20)).json()["timings"]["sample_s"] / 20
        reply = d.post("/api/v1/estimate", dict(SMALL, steps=100, width=1024))
        equal(reply.status, 200, reply.body)
        told = reply.json()
        true(abs(told["seconds"] / (100 * step) - 1) < 0.05, told)
        equal((told["wait_seconds"], told["position"], told["bytes"]), (0, 0, 1024 * 64))
        equal((told["request"]["steps"], told["request"]["cfg_scale"]), (100, 7.5))
        equal([warning["pointer"] for warning in told["warnings"]], ["/width"])
        equal(len(d.get("/api/v1/jobs").json()["jobs"]), 1)
        # So long that what happens between two questions is little beside it.
        running = d.post("/api/v1/jobs", dict(SMALL, steps=200, count=8)).json()
        d.wait(running["id"], "running")
        behind = d.post("/api/v1/estimate", {"inputs": "a picture", "parameters": {"num_inference_steps": 100}}).json()
        equal(behind["position"], 1)
        true(abs(behind["wait_seconds"] / d.job(running["id"])["eta_seconds"] - 1) < 0.1, behind)
        waiting = d.post("/api/v1/jobs", dict(SMALL, steps=125, count=8)).json()
        equal(d.post("/api/v1/estimate", SMALL).json()["position"], 2)
        true(abs((waiting["eta_seconds"] - behind["wait_seconds"]) / (1000 * step) - 1) < 0.2, waiting)
        queue = d.get("/api/v1/queue").json()
        true(abs(queue["eta_seconds"] / d.job(waiting["id"])["eta_seconds"] - 1) < 0.1, queue)
        wrong = d.post("/api/v1/estimate", {"prompt": "x", "steps": 0, "widht": 64})
        equal((wrong.status, sorted(wrong.pointers())), (422, ["/steps", "/widht"]))
        equal(d.post("/api/v1/estimate", b"{", headers={"Content-Type": "application/json"}).status, 400)
        for job in (running, waiting):
            d.post(f"/api/v1/jobs/{job['id']}/cancel")


if __name__ == "__main__":
    main(globals())
