"""OpenAI's image API: shapes, streams, forms, errors, and requests that are made again."""

import base64
import http.client
import json
import re
import socket
import threading
import time

from daemon import Daemon, equal, form, main, read_all, read_png, true, within, write_png

GENERATIONS, EDITS, VARIATIONS = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
WHITE = write_png(128, 128, lambda x, y: (255, 255, 255))
RETRIED = {"x-stainless-retry-count": "1"}


def generate(d, headers=None, timeout=120, **fields):
    return d.post(GENERATIONS, {"prompt": "a picture", **fields}, headers=headers, timeout=timeout)


def post_form(d, path, *parts, headers=None, timeout=120):
    body, kind = form(*parts)
    return d.post(path, body, headers={"Content-Type": kind, **(headers or {})}, timeout=timeout)


def picture(reply, index=0):
    equal(reply.status, 200)
    return base64.b64decode(reply.json()["data"][index]["b64_json"], validate=True)


def error(reply, status, param=None, code=None, type="invalid_request_error"):
    """Checks an error object and returns its message."""
    equal(reply.status, status)
    equal(reply.headers["Content-Type"], "application/json")
    true(reply.headers["X-Request-Id"], "no request id")
    told = reply.json()
    equal(list(told), ["error"])
    equal(sorted(told["error"]), ["code", "message", "param", "type"])
    equal(told["error"]["type"], type)
    equal(told["error"]["param"], param)
    true(told["error"]["message"], "no message")
    if code:
        equal(told["error"]["code"], code)
    return told["error"]["message"]


def jobs_made(d):
    """How many jobs have been made of requests."""
    text = d.get("/metrics").body.decode()
    return sum(int(count) for count in re.findall(r"^latentd_jobs_created_total{.*} (\d+)$", text, re.MULTILINE))


def jobs_ended(d):
    """How many jobs have ended, by the log, which may be a moment behind."""
    return len([line for line in d.log if "event=job " in line])


def leave_early(d, fields, seconds, headers=None):
    """Sends a generation and hangs up after so many seconds."""
    try:
        generate(d, headers=headers, timeout=seconds, **fields)
    except (socket.timeout, TimeoutError):
        return
    raise AssertionError("was answered before it hung up")


def test_a_picture_comes_as_base64():
    with Daemon() as d:
        reply = generate(d, seed=7, steps=2, n=2, size="auto")
        for index, seed in ((0, 7), (1, 8)):
            width, height, _, texts = read_png(picture(reply, index))
            equal((width, height), (128, 128))
            true(f"Seed: {seed}," in texts["parameters"], texts)
        told = reply.json()
        equal(len(told["data"]), 2)
        equal(list(told["data"][0]), ["b64_json"])
        equal({name: told[name] for name in ("background", "output_format", "quality", "size")},
              {"background": "opaque", "output_format": "png", "quality": "auto", "size": "128x128"})
        equal(sorted(told["usage"]), ["input_tokens", "input_tokens_details", "output_tokens", "total_tokens"])
        true(abs(told["created"] - time.time()) < 60, told["created"])
        equal(reply.headers["X-Seed"], "7")
        true(reply.headers["Location"].endswith(reply.headers["X-Job-Id"]), "no job")
        true(int(reply.headers["openai-processing-ms"]) > 0, "took no time")
        native = d.generate(prompt="a picture", seed=7, steps=2, count=2).json()
        equal(picture(reply, 1), base64.b64decode(native["images"][1]["b64_png"]), "the native API's picture")


def test_pictures_may_be_fetched_by_url():
    with Daemon(fake_step_ms=0) as d:
        for fields in ({"model": "dall-e-3"}, {"response_format": "url"}):
            reply = generate(d, n=2, seed=1, **fields)
            equal([list(one) for one in reply.json()["data"]], [["url"], ["url"]])
            for index, one in enumerate(reply.json()["data"]):
                base = f"http://127.0.0.1:{d.port}/"
                true(one["url"].startswith(base), one["url"])
                fetched = d.get(one["url"][len(base) - 1:])
                equal(fetched.headers["Content-Type"], "image/png")
                equal(fetched.body, picture(generate(d, n=2, seed=1), index))
        reply = generate(d, model="dall-e-2", response_format="b64_json")
        equal(list(reply.json()["data"][0]), ["b64_json"])
    with Daemon("--public-url", "https://pictures.example/sd", fake_step_ms=0) as d:
        url = generate(d, response_format="url").json()["data"][0]["url"]
        true(url.startswith("https://pictures.example/sd/api/v1/jobs/"), url)


def test_models_are_listed():
    with Daemon("--model", "other=models/default", fake_step_ms=0) as d:
        told = d.get("/v1/models").json()
        equal(told["object"], "list")
        equal([model["id"] for model in told["data"]], ["default", "other"])
        equal(sorted(told["data"][0]), ["created", "id", "loaded", "object", "owned_by"])
        equal(d.get("/v1/models/other").json(), told["data"][1])
        error(d.get("/v1/models/dall-e-3"), 404, code="model_not_found")
        error(d.get("/v1/models/" + 300 * "m"), 404)
        equal(generate(d, model="other").headers["X-Latentd-Warning"], None)


def test_a_model_that_is_not_served_is_told():
    with Daemon(fake_step_ms=0) as d:
        warning = generate(d, model="gpt-image-1").headers["X-Latentd-Warning"]
        true("gpt-image-1" in warning and "default" in warning, warning)
    with Daemon("--strict-model", fake_step_ms=0) as d:
        true("gpt-image-1" in error(generate(d, model="gpt-image-1"), 404, "model", "model_not_found"), "no name")
        equal(generate(d, model="default").status, 200)
        equal(generate(d).status, 200)


def test_errors_name_what_is_wrong():
    with Daemon(fake_step_ms=0) as d:
        told = error(d.post(GENERATIONS, {"n": 9, "size": "1024x1023", "qualty": "hd"}), 400, "qualty",
                     "unknown_parameter")
        for name in ("qualty: is not a field; did you mean quality?", "prompt: ", "n: ", "size: "):
            true(name in told, f"{name} is not in {told}")
        true("1048576" in error(generate(d, size="2048x2048"), 400, "size"), "the limit is not told")
        error(generate(d, output_format="gif"), 400, "output_format", "invalid_value")
        error(generate(d, background="transparent"), 400, "background")
        error(generate(d, loras=[{"name": "x"}]), 400, "loras")
        error(generate(d, image="x"), 400, "image", "unknown_parameter")
        error(d.post(GENERATIONS, b"{"), 400, code="json_syntax")
        error(d.post(GENERATIONS, b"[]"), 400)
        error(d.post(GENERATIONS, b"{}", headers={"Content-Type": "text/plain"}), 415)
        error(d.post(EDITS, {"prompt": "x"}), 415)
        error(d.post("/v1/chat/completions", {}), 404)
        error(d.get("/v1/"), 404)
        reply = d.get(GENERATIONS)
        error(reply, 405)
        true("POST" in reply.headers["Allow"], reply.headers["Allow"])
        error(d.post(GENERATIONS + "?size=8x8", {"prompt": "x"}), 400)
        equal(d.post(GENERATIONS + "?api-version=2025-04-01-preview", {"prompt": "x"}).status, 200)
        error(d.get("/v1/models", headers={"Host": "elsewhere.example"}), 403)
    with Daemon("--max-body", "1KiB", fake_step_ms=0) as d:
        error(generate(d, prompt=2000 * "p"), 413)


def test_pictures_come_as_jpeg_and_webp():
    with Daemon(fake_step_ms=0) as d:
        png = picture(generate(d, seed=1))
        for name, mark in (("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF")):
            sizes = []
            for quality in ({"output_compression": 0}, {"output_compression": 50}, {}):
                reply = generate(d, seed=1, output_format=name, **quality)
                equal((reply.status, reply.json()["output_format"]), (200, name), reply.body)
                equal(picture(reply)[:len(mark)], mark)
                sizes.append(len(picture(reply)))
            equal(sizes, sorted(sizes))
            best = picture(generate(d, seed=1, output_format=name, output_compression=100))
            equal(picture(reply), best)
            url = generate(d, seed=1, output_format=name, response_format="url").json()["data"][0]["url"]
            got = d.get(url[url.index("/api/"):])
            equal((got.headers["Content-Type"], got.body), ("image/" + name, best))
        equal(picture(generate(d, seed=1, output_format="png", output_compression=100)), png)
        for asked in ({"output_compression": 99}, {"output_compression": 99, "output_format": "png"},
                      {"output_compression": 101, "output_format": "jpeg"}, {"output_compression": -1, "output_format": "webp"}):
            error(generate(d, **asked), 400, "output_compression", "invalid_value")
    with Daemon() as d:
        error(generate(d, output_format="jpeg", prompt="p" * 40000), 400, "output_format")


def test_inert_fields_change_nothing():
    with Daemon(fake_step_ms=0) as d:
        plain = picture(generate(d, seed=1))
        inert = {"style": "vivid", "background": "auto", "moderation": "low", "output_compression": 100, "user": "me",
                 "safety_identifier": "me", "output_format": "png", "quality": None, "n": None, "stream": False,
                 "partial_images": 0, "complexity": "high"}
        equal(picture(generate(d, seed=1, **inert)), plain)
        equal(generate(d, seed=1, **inert).headers["X-Latentd-Warning"], None)


def test_extra_fields_are_heard():
    with Daemon() as d:
        reply = generate(d, seed=3, steps=2, cfg_scale=2.5, negative_prompt="blue", sampler="euler",
                         scheduler="karras", clip_skip=0)
        texts = read_png(picture(reply))[3]["parameters"]
        for part in ("Steps: 2", "CFG scale: 2.5", "Negative prompt: blue", "Seed: 3"):
            true(part in texts, f"{part} is not in {texts}")
        for names in ({"num_inference_steps": 2, "guidance_scale": 2.5}, {"step": 2, "cfg_scale": 2.5}):
            again = generate(d, seed=3, negative_prompt="blue", sampler="euler", scheduler="karras", **names)
            equal(picture(again), picture(reply), str(names))
        low = read_png(picture(generate(d, quality="low")))[3]["parameters"]
        high = read_png(picture(generate(d, quality="hd")))[3]["parameters"]
        true("Steps: 13," in low and "Steps: 38," in high, low + high)


def events_of(body):
    """[(name, data)] of a whole stream."""
    events = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            names = [line[7:] for line in lines if line.startswith("event: ")]
            events.append((names[0], json.loads("".join(line[6:] for line in lines if line.startswith("data: ")))))
    return events


def test_a_stream_ends_with_the_picture():
    with Daemon(fake_step_ms=0) as d:
        reply = generate(d, stream=True, seed=4, quality="low")
        equal(reply.headers["Content-Type"].split(";")[0], "text/event-stream")
        true(reply.headers["X-Job-Id"], "no job")
        (name, data), = events_of(reply.body)
        equal((name, data["type"]), 2 * ("image_generation.completed",))
        equal(sorted(data), ["b64_json", "background", "created_at", "output_format", "quality", "size", "type", "usage"])
        equal((data["size"], data["quality"]), ("64x64", "low"))
        equal(base64.b64decode(data["b64_json"]), picture(generate(d, seed=4, quality="low")))


def test_a_stream_has_partial_pictures_of_the_pictures_size():
    with Daemon(fake_step_ms=100) as d:
        for asked in (1, 3):
            events = events_of(generate(d, stream=True, steps=12, partial_images=asked, size="128x64").body)
            equal([name for name, _ in events],
                  asked * ["image_generation.partial_image"] + ["image_generation.completed"])
            grays = []
            for index, (_, data) in enumerate(events[:-1]):
                equal(data["partial_image_index"], index)
                equal(data["size"], "128x64")
                width, height, rgb, _ = read_png(base64.b64decode(data["b64_json"]))
                equal((width, height), (128, 64))
                grays.append(rgb[0])
            # The stand-in's previews grow brighter with the share that is done.
            for index, gray in enumerate(grays):
                due = 255 * (index + 1) / (asked + 1)
                true(due - 40 < gray < due + 80, f"{gray} where {due} is due")


def test_a_stream_tells_its_error():
    with Daemon(fake_step_ms=20) as d:
        (name, data), = events_of(generate(d, stream=True, prompt="non_finite").body)
        equal(name, "error")
        equal(sorted(data["error"]), ["code", "message", "param", "type"])
        equal(data["error"]["type"], "server_error")


def test_a_stream_may_be_left():
    with Daemon("--detach-seconds", "1", fake_step_ms=50) as d:
        body = json.dumps({"prompt": "x", "steps": 200, "stream": True, "partial_images": 3}).encode()
        head = f"POST {GENERATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with d.connect() as s:
            s.sendall((head + f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
            true(b"200 OK" in s.recv(4096), "no stream")
        end = time.monotonic() + within(8)
        while jobs_ended(d) == 0 and time.monotonic() < end:
            time.sleep(0.05)
        true("status=canceled" in "".join(d.log), "runs on without anybody")


def test_an_edit_draws_over_the_picture():
    with Daemon() as d:
        parts = ("prompt", "tiger"), ("seed", "5"), ("steps", "10"), ("response_format", "b64_json")
        reply = post_form(d, EDITS, ("image", WHITE), *parts, ("strength", "0.2"))
        soft = read_png(picture(reply))
        equal(soft[:2], (128, 128))
        far = read_png(picture(post_form(d, EDITS, ("image[]", WHITE), *parts, ("strength", "1"))))
        true(sum(soft[2]) > sum(far[2]), "drawing all of it anew leaves more white than drawing a little")
        native = d.generate(prompt="tiger", seed=5, steps=10, strength=0.2, image=base64.b64encode(WHITE).decode())
        equal(picture(reply), base64.b64decode(native.json()["images"][0]["b64_png"]))
        streamed = post_form(d, EDITS, ("image", WHITE), *parts, ("strength", "0.2"), ("stream", "true"))
        equal([name for name, _ in events_of(streamed.body)], ["image_edit.completed"])
        small = write_png(32, 16, lambda x, y: (0, 0, 0))
        equal(read_png(picture(post_form(d, EDITS, ("image", small), *parts)))[:2], (128, 128))


def test_an_edit_draws_what_is_transparent_in_the_mask():
    mask = write_png(64, 64, lambda x, y: (0, 0, 0, 0 if x < 32 else 255))
    black = base64.b64encode(write_png(64, 64, lambda x, y: (255 if x < 32 else 0,) * 3)).decode()
    fields = [("prompt", "tiger"), ("steps", "3"), ("seed", "5"), ("size", "64x64")]
    with Daemon() as d:
        edit = picture(post_form(d, EDITS, ("image", WHITE), ("mask", mask), *fields))
        native = d.generate(prompt="tiger", seed=5, steps=3, width=64, height=64, mask=black,
                            image=base64.b64encode(WHITE).decode())
        equal(edit, base64.b64decode(native.json()["images"][0]["b64_png"]))
        blurred = picture(post_form(d, EDITS, ("image", WHITE), ("mask", mask), ("mask_blur", "4"),
                                    ("masked_content", "nothing"), *fields))
        true(blurred != edit, "what more there is to say has no part")
        true(picture(post_form(d, EDITS, ("image", WHITE), *fields)) != edit, "the mask has no part")
        error(post_form(d, EDITS, ("image", WHITE), ("mask", b"no picture"), *fields), 400, "mask")


def test_wrong_forms_are_told():
    with Daemon(fake_step_ms=0) as d:
        error(post_form(d, EDITS, ("prompt", "x")), 400, "image", "missing_required_parameter")
        error(post_form(d, EDITS, ("image", WHITE)), 400, "prompt", "missing_required_parameter")
        true("one" in error(post_form(d, EDITS, ("image[]", WHITE), ("image[]", WHITE), ("prompt", "x")), 400, "image"),
             "how many are taken is not told")
        error(post_form(d, EDITS, ("image", b"GIF89a"), ("prompt", "x")), 400, "image")
        error(post_form(d, EDITS, ("image", WHITE), ("prompt", "x"), ("n", "many")), 400, "n")
        error(post_form(d, VARIATIONS, ("image", WHITE), ("prompt", "x")), 400, "prompt", "unknown_parameter")


def test_variations_differ():
    with Daemon(fake_step_ms=0) as d:
        reply = post_form(d, VARIATIONS, ("image", WHITE), ("n", "2"), ("response_format", "b64_json"), ("user", "u"))
        true(picture(reply, 0) != picture(reply, 1), "the same picture twice")


def test_a_request_made_again_gets_the_same_job():
    with Daemon(fake_step_ms=100) as d:
        slow = {"steps": 20, "quality": "low"}
        leave_early(d, slow, 0.5)
        first = generate(d, headers=RETRIED, **slow)
        equal(first.status, 200)
        again = generate(d, headers={"x-stainless-retry-count": "2"}, **slow)
        equal(again.headers["X-Job-Id"], first.headers["X-Job-Id"], "also of a job that has ended")
        other = generate(d, headers={"x-stainless-retry-count": "0"}, steps=1)
        same = generate(d, steps=1)
        true(len({reply.headers["X-Job-Id"] for reply in (first, other, same)}) == 3, "different jobs are one")
        equal(jobs_made(d), 3)


def test_a_repeated_seed_is_drawn_once():
    with Daemon(fake_step_ms=20) as d:
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(generate(d, steps=20, seed=9))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(len({reply.headers["X-Job-Id"] for reply in replies}), 1)
        equal(len({picture(reply) for reply in replies}), 1)
        equal(jobs_made(d), 1)
        streamed = generate(d, steps=20, seed=9, stream=True)
        equal(streamed.headers["X-Job-Id"], replies[0].headers["X-Job-Id"])
        equal(base64.b64decode(events_of(streamed.body)[-1][1]["b64_json"]), picture(replies[0]))


def test_an_idempotency_key_stands_for_one_request():
    with Daemon(fake_step_ms=0) as d:
        key = {"Idempotency-Key": "one"}
        first, again = generate(d, headers=key), generate(d, headers=key)
        equal(again.headers["X-Job-Id"], first.headers["X-Job-Id"])
        quoted = generate(d, headers={"Idempotency-Key": '"one"'})
        equal(quoted.headers["X-Job-Id"], first.headers["X-Job-Id"])
        error(generate(d, headers=key, steps=2), 422, code="idempotency_key_reused")
        error(generate(d, headers={"Idempotency-Key": 300 * "k"}), 400)
        # Another key is another wish.
        true(generate(d, headers={"Idempotency-Key": "two"}).headers["X-Job-Id"] != first.headers["X-Job-Id"],
             "two keys, one job")


def test_a_full_queue_asks_for_patience():
    with Daemon("--queue-limit", "1", fake_step_ms=200) as d:
        slow = {"steps": 20}
        threads = [threading.Thread(target=generate, args=(d,), kwargs=slow) for _ in range(2)]
        for thread in threads:
            thread.start()
            time.sleep(0.3)
        reply = generate(d, **slow)
        error(reply, 429, code="queue_full", type="rate_limit_error")
        true(1 <= int(reply.headers["Retry-After"]) <= 60, reply.headers["Retry-After"])
        # A request that joins a job needs no room.
        joined = generate(d, headers=RETRIED, **slow)
        equal(joined.status, 200)
        for thread in threads:
            thread.join()
        equal(jobs_made(d), 2)


def test_a_canceled_or_failed_job_is_not_tried_again():
    with Daemon(fake_step_ms=50) as d:
        reply = generate(d, prompt="non_finite", steps=1)
        error(reply, 500, type="server_error", code="non_finite")
        equal(reply.headers["x-should-retry"], "false")
        replies = []
        thread = threading.Thread(target=lambda: replies.append(generate(d, steps=200, seed=1)))
        thread.start()
        running = []
        while not running:
            running = d.get("/api/v1/jobs?status=running").json()["jobs"]
        equal(d.post(f"/api/v1/jobs/{running[0]['id']}/cancel").status, 200)
        thread.join(within(20))
        error(replies[0], 409, code="canceled")
        equal(replies[0].headers["x-should-retry"], "false")


def test_a_job_without_a_client_goes_on_for_a_while():
    with Daemon("--detach-seconds", "1", fake_step_ms=20) as d:
        leave_early(d, {"steps": 200}, 0.3)
        end = time.monotonic() + within(3.5)
        while jobs_ended(d) == 0 and time.monotonic() < end:
            time.sleep(0.05)
        true("status=canceled" in "".join(d.log), "was drawn to the end for nobody")
    with Daemon("--detach-seconds", "60", fake_step_ms=20) as d:
        leave_early(d, {"steps": 50}, 0.3)
        end = time.monotonic() + within(10)
        while jobs_ended(d) == 0 and time.monotonic() < end:
            time.sleep(0.05)
        true("status=succeeded" in "".join(d.log), "was not kept for the next try")


def test_a_server_that_drains_refuses():
    with Daemon(fake_step_ms=50) as d:
        replies = []
        thread = threading.Thread(target=lambda: replies.append(generate(d, steps=30, stream=True, partial_images=2)))
        thread.start()
        time.sleep(0.5)
        d.process.terminate()
        time.sleep(0.2)
        reply = generate(d)
        error(reply, 503, code="closed", type="server_error")
        true(int(reply.headers["Retry-After"]) <= 60, "too long")
        thread.join(within(20))
        equal(events_of(replies[0].body)[-1][0], "image_generation.completed")
        d.process.wait(within(20))


def test_head_of_a_stream_comes_at_once():
    with Daemon(fake_step_ms=100) as d:
        connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=30)
        start = time.monotonic()
        connection.request("POST", GENERATIONS, json.dumps({"prompt": "x", "steps": 20, "stream": True}),
                           {"Content-Type": "application/json"})
        reply = connection.getresponse()
        true(time.monotonic() - start < within(1), "the head waits for the picture")
        equal(events_of(reply.read())[-1][0], "image_generation.completed")
        connection.close()


def test_a_client_of_http_1_0_is_served():
    with Daemon(fake_step_ms=0) as d:
        body = b'{"prompt": "x", "response_format": "url"}'
        with d.connect() as s:
            s.sendall(f"POST {GENERATIONS} HTTP/1.0\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = read_all(s)
        true(b" 200 OK" in answer.split(b"\r\n")[0], answer[:200])
        true(json.loads(answer.partition(b"\r\n\r\n")[2])["data"][0]["url"].startswith("/api/v1/jobs/"), answer)


if __name__ == "__main__":
    main(globals())
