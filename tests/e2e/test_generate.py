"""POST /api/v1/generate over loopback, with the real engine and the default model."""

import base64
import os
import sys

from daemon import ROOT, Daemon, equal, main, read_png, true, write_png

SMALL = {"prompt": "a red circle", "seed": 7, "steps": 2}


def picture(reply, index=0):
    return base64.b64decode(reply.json()["images"][index]["b64_png"], validate=True)


def test_json_answer_has_a_picture_and_the_resolved_request():
    with Daemon() as d:
        reply = d.generate(SMALL)
        equal(reply.status, 200, reply.body)
        equal(reply.headers["Content-Type"], "application/json")
        job = reply.json()
        equal(job["status"], "succeeded")
        equal(len(job["id"]), 32)
        for field in ("kind", "prompt", "negative_prompt", "seed", "steps", "cfg_scale", "sampler", "scheduler",
                      "width", "height", "count", "model", "clip_skip", "cfg_rescale", "guidance_start",
                      "guidance_end", "deepcache_interval", "profile", "numerics", "precision", "output"):
            true(field in job["request"], f"request has no {field}")
        equal(job["request"]["kind"], "txt2img")
        equal(job["request"]["steps"], 2)
        equal(job["images"][0]["seed"], 7)
        width, height, rgb, texts = read_png(picture(reply))
        equal((width, height), (job["request"]["width"], job["request"]["height"]))
        true(len(set(rgb)) > 8, "the picture is of one colour")
        true(texts["parameters"].startswith("a red circle"), texts)
        equal(len(picture(reply)), job["images"][0]["bytes"])
        # What came back can be sent again, and is the same picture.
        again = d.generate(job["request"])
        equal(again.status, 200, again.body)
        equal(picture(again), picture(reply))


def test_accept_chooses_the_form():
    with Daemon() as d:
        for accept, kind in ((None, "application/json"), ("*/*", "application/json"),
                             ("application/json", "application/json"), ("application/*", "application/json"),
                             ("image/png", "image/png"), ("image/*", "image/png"),
                             ("image/png, */*;q=0.1", "image/png"), ("image/png, */*", "image/png"),
                             ("image/png;q=0.2, application/json", "application/json")):
            reply = d.generate(SMALL, headers={"Accept": accept} if accept else {})
            equal(reply.status, 200)
            equal(reply.headers["Content-Type"], kind, accept)
        reply = d.generate(SMALL, headers={"Accept": "image/avif"})
        equal((reply.status, reply.code()), (406, "not_acceptable"))


MARKS = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}


def test_pictures_come_as_jpeg_and_webp():
    with Daemon() as d:
        for output, name in (({"format": "jpeg"}, "jpeg"), ({"format": "jpeg", "quality": 30}, "jpeg"),
                             ({"format": "webp", "quality": 0}, "webp"), ({"format": "webp", "lossless": True}, "webp"),
                             ({"format": "png", "lossless": True}, "png")):
            job = d.generate(dict(SMALL, output=output)).json()
            told = job["images"][0]
            bytes_ = base64.b64decode(told["b64_" + name], validate=True)
            equal((told["media_type"], bytes_[:len(MARKS[name])]), ("image/" + name, MARKS[name]))
            equal([key for key in told if key.startswith("b64_")], ["b64_" + name])
            got = d.get(told["url"])
            equal((got.headers["Content-Type"], got.body), ("image/" + name, bytes_))
            true(got.headers["Content-Disposition"].endswith({"jpeg": ".jpg"}.get(name, "." + name) + '"'), got.headers)
            # What the job tells of the request, and what its picture does, makes the same bytes again.
            again = d.generate(job["request"]).json()["images"][0]
            equal(again["sha256"], told["sha256"])
            inspected = d.post("/api/v1/inspect", bytes_, headers={"Content-Type": "image/" + name}).json()
            equal((inspected["warnings"], inspected["width"]), ([], told["width"]), inspected)
            equal(d.generate(inspected["request"]).json()["images"][0]["sha256"], told["sha256"], inspected)
            bare = d.generate(dict(SMALL, output=dict(output, metadata=False))).json()["images"][0]
            inspected = d.post("/api/v1/inspect", {"image": bare["b64_" + name]}).json()
            equal((inspected["texts"], "request" in inspected), ({}, False))
        metrics = d.get("/metrics").body.decode()
        for name in MARKS:
            true(f'latentd_images_total{{format="{name}"}}' in metrics, name)


def test_accept_may_name_the_format():
    with Daemon(fake_step_ms=0) as d:
        for accept, output, name in (("image/jpeg", None, "jpeg"), ("image/webp", None, "webp"),
                                     ("image/*", {"format": "webp"}, "webp"), ("image/png, image/jpeg", None, "png"),
                                     ("image/jpeg, image/*;q=0.5", None, "jpeg"), ("image/png;q=0.5, image/webp", None, "webp"),
                                     ("image/png, image/jpeg", {"format": "jpeg"}, "jpeg"),
                                     ("image/jpeg", {"quality": 20}, "jpeg")):
            reply = d.generate(dict(SMALL, **({"output": output} if output else {})), headers={"Accept": accept})
            equal((reply.status, reply.headers["Content-Type"]), (200, "image/" + name), (accept, reply.body[:300]))
            equal(reply.body[:len(MARKS[name])], MARKS[name])
        reply = d.generate(dict(SMALL, output={"format": "jpeg"}), headers={"Accept": "image/png"})
        equal((reply.status, reply.pointers()), (422, ["/output/format"]))
        reply = d.generate({"inputs": "a circle", "parameters": {"seed": 1}}, headers={"Accept": "image/jpeg"})
        equal((reply.status, reply.headers["Content-Type"]), (200, "image/jpeg"))


def test_what_a_format_cannot_be_is_refused():
    with Daemon(fake_step_ms=0) as d:
        for output, place in (({"format": "gif"}, "format"), ({"quality": 5}, "quality"), ({"format": "jpeg", "quality": 101}, "quality"),
                              ({"format": "jpeg", "quality": -1}, "quality"), ({"format": "jpeg", "lossless": True}, "lossless"),
                              ({"format": "webp", "lossless": True, "quality": 3}, "quality"), ({"format": "webp", "lossless": 1}, "lossless")):
            reply = d.generate(dict(SMALL, output=output))
            equal((reply.status, reply.pointers()), (422, ["/output/" + place]), output)
    with Daemon() as d:
        reply = d.generate(dict(SMALL, prompt="p" * 40000, output={"format": "jpeg"}))
        equal((reply.status, reply.pointers()), (422, ["/output/format"]))
        for output in ({"format": "jpeg", "metadata": False}, {"format": "webp"}):
            equal(d.generate(dict(SMALL, prompt="p" * 30000, output=output)).status, 200)


def test_png_answer_is_the_same_picture_with_its_seed():
    with Daemon() as d:
        as_json = d.generate(SMALL)
        as_png = d.generate(SMALL, headers={"Accept": "image/png"})
        equal(as_png.body, picture(as_json))
        equal(as_png.headers["X-Seed"], "7")
        equal(as_png.headers["X-Content-Type-Options"], "nosniff")
        true("sandbox" in as_png.headers["Content-Security-Policy"], "no sandbox")
        two = d.generate(dict(SMALL, count=2), headers={"Accept": "image/png"})
        equal((two.status, two.pointers()), (422, ["/count"]))


def test_same_seed_same_bytes_and_picture_i_is_seed_plus_i():
    with Daemon() as d:
        first = picture(d.generate(SMALL))
        equal(picture(d.generate(SMALL)), first)
        true(picture(d.generate(dict(SMALL, seed=8))) != first, "another seed gives the same picture")
        three = d.generate(dict(SMALL, seed=6, count=3))
        equal([image["seed"] for image in three.json()["images"]], [6, 7, 8])
        equal(picture(three, 1), first)


def test_a_seed_that_is_left_out_is_drawn_below_2_to_the_32_and_told():
    with Daemon() as d:
        seeds = {d.generate({"prompt": "", "steps": 1}).json()["request"]["seed"] for _ in range(4)}
        true(len(seeds) == 4 and max(seeds) < 2 ** 32, seeds)


def test_seeds_are_exact():
    with Daemon() as d:
        for seed in (0, 2 ** 53 - 1, 2 ** 53 + 1, 2 ** 63, 2 ** 64 - 1):
            job = d.generate(dict(SMALL, steps=1, seed=seed)).json()
            equal(job["request"]["seed"], seed)
            equal(job["images"][0]["seed"], seed)
        equal(d.generate(dict(SMALL, seed=2 ** 64 - 1, count=2)).pointers(), ["/seed"])


def test_two_workers_give_identical_bytes():
    with Daemon() as d:
        alone = picture(d.generate(SMALL))
    with Daemon("--workers", "2", "--threads", "1") as d:
        ids = [d.submit(**dict(SMALL)) for _ in range(4)]
        for id in ids:
            d.wait(id)
            equal(base64.b64decode(d.job(id, "?include=b64_png")["images"][0]["b64_png"]), alone)


def test_metadata_can_be_left_out():
    with Daemon() as d:
        reply = d.generate(dict(SMALL, output={"metadata": False}))
        equal(read_png(picture(reply))[3], {})
        equal(read_png(picture(reply))[2], read_png(picture(d.generate(SMALL)))[2])


def test_img2img_starts_from_the_picture():
    with Daemon() as d:
        size = d.generate(SMALL).json()["request"]
        width, height = size["width"], size["height"]
        image = base64.b64encode(write_png(width, height, lambda x, y: (x * 3 % 256, y * 3 % 256, 99))).decode()
        plain = d.generate(dict(SMALL, image=image, strength=0.5))
        equal(plain.status, 200, plain.body)
        equal(plain.json()["request"]["kind"], "img2img")
        equal(plain.json()["warnings"], [])
        as_url = d.generate(dict(SMALL, image="data:image/png;base64," + image, strength=0.5))
        equal(picture(as_url), picture(plain))
        true(picture(d.generate(SMALL)) != picture(plain), "the picture changes nothing")


def test_img2img_takes_the_pictures_size_and_says_what_it_resized():
    with Daemon() as d:
        factor = d.get("/api/v1/models").json()["models"][0]["vae_factor"]
        odd = base64.b64encode(write_png(4 * factor + 1, 3 * factor, lambda x, y: (x, y, 0))).decode()
        job = d.generate(dict(SMALL, image=odd)).json()
        equal((job["request"]["width"], job["request"]["height"]), (4 * factor, 3 * factor))
        true("/image" in [warning["pointer"] for warning in job["warnings"]], job["warnings"])
        other = d.generate(dict(SMALL, image=odd, width=2 * factor, height=2 * factor)).json()
        equal(read_png(base64.b64decode(other["images"][0]["b64_png"]))[:2], (2 * factor, 2 * factor))
        true("/image" in [warning["pointer"] for warning in other["warnings"]], other["warnings"])


def test_a_prompt_that_is_cut_is_told():
    with Daemon() as d:
        long = dict(SMALL, prompt="a red circle " * 60)
        job = d.generate(long).json()
        equal([warning["pointer"] for warning in job["warnings"]], ["/prompt"])
        reply = d.generate(long, headers={"Accept": "image/png"})
        true(reply.headers["X-Latentd-Warning"].startswith("prompt: "), reply.headers)
        equal(d.generate(SMALL).json()["warnings"], [])


def test_kind_and_image_must_agree():
    image = base64.b64encode(write_png(8, 8, lambda x, y: (1, 2, 3))).decode()
    with Daemon() as d:
        equal(d.generate(dict(SMALL, kind="txt2img", image=image)).pointers(), ["/kind"])
        equal(d.generate(dict(SMALL, kind="img2img")).pointers(), ["/image"])
        equal(d.generate(dict(SMALL, strength=0.5)).pointers(), ["/strength"])


def test_models_are_listed_with_what_a_request_gets_by_default():
    with Daemon() as d:
        models = d.get("/api/v1/models").json()["models"]
        equal(len(models), 1)
        equal(models[0]["default"], True)
        defaults = models[0]["defaults"]
        job = d.generate({"prompt": ""}).json()
        for field in ("steps", "cfg_scale", "sampler", "scheduler", "width", "height"):
            equal(job["request"][field], defaults[field], field)
        equal(job["request"]["model"], models[0]["name"])
        equal(d.generate(dict(SMALL, model=models[0]["name"])).status, 200)


def test_operations():
    with Daemon() as d:
        equal(d.get("/healthz").json(), {"status": "ok"})
        equal(d.get("/readyz").json()["status"], "ready")
        equal(d.get("/version").json()["name"], "latentd")
        equal(d.get("/").status, 200)
        equal(d.request("HEAD", "/healthz").status, 200)
        equal(d.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"], "abc-1")


def test_the_log_has_a_line_for_request_and_job_and_never_the_prompt():
    import json
    with Daemon("--log-format", "json") as d:
        job = d.generate(dict(SMALL, prompt="secretword"), headers={"X-Request-Id": "find-me"}).json()
    lines = [json.loads(line) for line in d.log]
    true(any(line["event"] == "request" and line["id"] == "find-me" and line["job"] == job["id"] and
             line["status"] == 200 for line in lines), "no line for the request")
    true(any(line["event"] == "job" and line["job"] == job["id"] for line in lines), "no line for the job")
    true("secretword" not in "".join(d.log), "the prompt is in the log")


def test_a_start_picture_may_be_a_jpeg_or_a_webp():
    def fixture(name):
        with open(os.path.join(ROOT, "tests/engine/image/fixtures", name), "rb") as file:
            return file.read()

    pixels = fixture("lossless.webp.rgb")
    same = write_png(37, 26, lambda x, y: tuple(pixels[3 * (37 * y + x):3 * (37 * y + x) + 3]))
    with Daemon() as d:
        drawn = []
        for kind, data in (("webp", fixture("lossless.webp")), ("png", same)):
            url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            reply = d.generate(dict(SMALL, image=url, width=64, height=48, strength=0.5))
            equal(reply.status, 200, reply.body)
            drawn.append(read_png(picture(reply))[2])
        equal(drawn[0], drawn[1], "the same picture in another format")
        reply = d.generate(dict(SMALL, image=base64.b64encode(fixture("turned6.jpg")).decode(), width=64, height=48))
        equal(reply.status, 200, reply.body)
        reply = d.generate(dict(SMALL, image=base64.b64encode(fixture("cmyk.jpg")).decode(), width=64, height=48))
        equal((reply.status, reply.pointers()), (422, ["/image"]))
        true("convert it to RGB" in reply.body.decode(), reply.body)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(globals())
