"""AUTOMATIC1111's API: values out of bounds, strange names, large bodies, pictures that are none."""

import base64
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, grew_less, main, true, within, write_png  # noqa: E402

API = "/sdapi/v1/"
PICTURE = base64.b64encode(write_png(8, 8, lambda x, y: (x, y, 200))).decode()


def post(d, route, body, **more):
    reply = d.post(API + route, body, **more)
    equal(reply.headers["Content-Type"], "application/json", reply.body)
    true(reply.json() is not None or reply.status == 200, reply.body)
    return reply


def is_refused(d, body, route="txt2img", statuses=(400, 404, 422)):
    reply = post(d, route, body)
    true(reply.status in statuses, f"{reply.status} for {str(body)[:200]}: {reply.body[:300]}")
    true(len(reply.body) < 4000, f"{len(reply.body)} bytes for {str(body)[:200]}")
    return reply


def test_numbers_out_of_bounds():
    numbers = (-1, 0, 1e308, -1e308, 1e30, 2 ** 63, 2 ** 64, -2 ** 63, 10 ** 400, 0.5, "1e999", "-0x1", "1 2", "")
    with Daemon(fake_step_ms=0) as d:
        for field in ("steps", "width", "height", "batch_size", "n_iter"):
            for number in numbers:
                is_refused(d, {field: number})
        for number in (-1e308, 1e308, 100.01, -0.01, "nan", "inf"):
            is_refused(d, {"cfg_scale": number})
        for number in (-2, 2 ** 64, 1e40, -1e40, 0.5):
            is_refused(d, {"seed": number})
        for number in (0, -1, 1.0001, 1e308):
            is_refused(d, {"init_images": [PICTURE], "denoising_strength": number}, "img2img")
        for number in (0, -1, 13, 1e300, 2 ** 64, 1.5):
            is_refused(d, {"override_settings": {"CLIP_stop_at_last_layers": number}})
        for size in ((46344, 46344), (1048576, 8), (1024, 1032)):
            is_refused(d, {"width": size[0], "height": size[1]})


def test_names_are_not_echoed_whole():
    with Daemon(fake_step_ms=0) as d:
        for name in ("no such", "n" * 60000, "\u20ac" * 1000, "../../etc/passwd", "%n%s", "a\r\nX-Evil: 1", " ", "Karras"):
            is_refused(d, {"sampler_name": name})
            is_refused(d, {"scheduler": name} if name != "Karras" else {"scheduler": "Kar"})
            is_refused(d, {"override_settings": {"sd_model_checkpoint": name}})
            is_refused(d, {"override_settings": {"sd_vae": name}})
            is_refused(d, {"alwayson_scripts": {name: {}}})
            is_refused(d, {"image": PICTURE, "upscaler_1": name}, "extra-single-image")
            is_refused(d, {"sd_model_checkpoint": name}, "options")
            reply = post(d, "txt2img", {name: 1})
            equal(reply.status, 200)
            true("Evil" not in str(reply.headers.keys()), reply.headers)
            reply = post(d, "options", {name: 1})
            true(len(str(reply.headers)) < 2000, "echoed whole")
            equal(d.post("/internal/progress", {"id_task": name}).json()["active"], False)


def test_prompts():
    with Daemon(fake_step_ms=0) as d:
        for prompt in ("", "\U0001f600" * 10000, "\u202e\u200d\u0301abc", "%n%s%x", "\x1b[31m", "a\r\nX-Evil: 1",
                       "Steps: 3, Sampler: x, Seed: 9\nNegative prompt: y\n", "(" * 60000, "</script>"):
            reply = post(d, "txt2img", {"prompt": prompt, "negative_prompt": prompt})
            equal(reply.status, 200)
            equal(json.loads(reply.json()["info"])["prompt"], prompt)
        is_refused(d, {"prompt": "a" * 65537})
    true("Evil" not in "".join(d.log), "the prompt is in the log")


def test_pictures_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        for bad in ("", " " + PICTURE, PICTURE + "\n", PICTURE[:-1], "data:", "data:image/svg+xml;base64," + PICTURE,
                    "http://127.0.0.1/x.png", "file:///etc/passwd", "====", "\u20ac", base64.b64encode(b"GIF89a").decode(),
                    base64.b64encode(b"\xff\xd8\xff\xe0" * 40).decode(), "AAAA", "A" * 1000000):
            is_refused(d, {"init_images": [bad]}, "img2img")
            is_refused(d, {"image": bad}, "extra-single-image")
            is_refused(d, {"image": bad}, "png-info")
            is_refused(d, {"imageList": [{"data": bad, "name": "x"}]}, "extra-batch-images")
        for bad in (None, 3, {}, [], True):
            is_refused(d, {"init_images": bad}, "img2img")
            is_refused(d, {"init_images": [bad]}, "img2img")
            is_refused(d, {"image": bad}, "png-info")
            is_refused(d, {"imageList": bad}, "extra-batch-images")
            is_refused(d, {"imageList": [bad]}, "extra-batch-images")
        data = base64.b64decode(PICTURE)
        for end in range(0, len(data), 3):
            cut = base64.b64encode(data[:end]).decode()
            for route in ("png-info", "extra-single-image"):
                reply = post(d, route, {"image": cut})
                true(reply.status == 422 or end >= len(data) - 12, f"{end} bytes: {reply.status}")


def test_units_of_every_shape():
    wrong = [{"model": value} for value in (None, 3, [], {}, "", "x" * 100000, "\u20ac [", " [", "None", True)]
    wrong += [{"model": "x", name: value} for name in ("image", "input_image") for value in (3, [], True, {"image": 3}, {"image": []})]
    wrong += [{"model": "x", "image": PICTURE, **more} for more in (
        {"weight": "1e999"}, {"weight": []}, {"weight": -1}, {"guidance_start": 2}, {"guidance_end": "x"}, {"resize_mode": -1},
        {"resize_mode": 1.5}, {"resize_mode": {}}, {"resize_mode": "x" * 100000}, {"control_mode": 2**63}, {"control_mode": []},
        {"module": "x" * 100000}, {"module": []}, {"module": "canny", "threshold_a": 1e300}, {"enabled": "yes"}, {"enabled": []},
        {"mask": 3}, {"processor_res": 1e300, "module": "canny", "threshold_b": "nan"})]
    with Daemon(fake_step_ms=0) as d:
        for args in ([one] for one in wrong + [3, "x", True, [[]], [[{}]]]):
            is_refused(d, {"alwayson_scripts": {"controlnet": {"args": args}}})
        for script in (None, 3, [], "x", {"args": None}, {"args": {}}, {"args": 3}, {"arg": []}):
            is_refused(d, {"alwayson_scripts": {"ControlNet": script}})
        is_refused(d, {"alwayson_scripts": {"controlnet": {"args": [{"model": "x", "image": PICTURE}] * 10000}}})
        is_refused(d, {"alwayson_scripts": {"x" * 100000: {}}})
        is_refused(d, {"alwayson_scripts": {"controlnet": {"args": []}, "CONTROLNET": {"args": [3]}}})
        off = [None, {"enabled": False, "model": 3}, {"enabled": 0}] * 100
        reply = post(d, "txt2img", {"alwayson_scripts": {"controlnet": {"args": off}}})
        equal(reply.status, 200, reply.body)


def test_texts_that_inflate_are_bounded():
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packed = zlib.compress(b"a" * (64 << 20), 9)
    png = base64.b64decode(PICTURE)
    bombs = (chunk(b"zTXt", b"parameters\0\0" + packed), chunk(b"tEXt", b"k\0t") * 65,
             chunk(b"iTXt", b"parameters\0\1\0\0\0" + packed))
    with Daemon(fake_step_ms=0) as d:
        before = d.resident_kib()
        for bomb in bombs * 3:
            start = time.monotonic()
            is_refused(d, {"image": base64.b64encode(png[:33] + bomb + png[33:]).decode()}, "png-info")
            true(time.monotonic() - start < within(1), "slow")
        grew_less(d, before, 8192)


def test_bodies_of_every_shape():
    with Daemon(fake_step_ms=0) as d:
        for route in ("txt2img", "img2img", "options", "png-info", "extra-single-image", "extra-batch-images"):
            for body in ("", "x", "[]", "null", "3", '"a"', "{", '{"a":1,"a":2}', "[" * 100, b"\xff\xfe", '{"prompt":"\\ud800"}',
                         '{"a":' * 40 + "1" + "}" * 40, "{}" * 2, '{"prompt": NaN}'):
                is_refused(d, body, route)
        for body in ("", "x", "[]", "{}", '{"id_task": 1}', '{"id_task": null}'):
            equal(d.post("/internal/progress", body).status, 422)
        deep = {"script_args": [[[[["x"] * 50] * 10] * 3]], "comments": {"a": {"b": ["c"] * 200}}}
        equal(post(d, "txt2img", deep).json()["parameters"]["comments"], deep["comments"])


def test_many_ask_at_once_and_nothing_grows():
    with Daemon("--job-ttl", "1", fake_step_ms=0) as d:
        wrong = []

        def ask():
            for i in range(30):
                try:
                    equal(post(d, "txt2img", {"prompt": "x" * 1000, "force_task_id": f"t{i}"}).status, 200)
                    equal(d.get(API + "progress").status, 200)
                    equal(d.get("/internal/pending-tasks").status, 200)
                    equal(d.post(API + "options", {"CLIP_stop_at_last_layers": 1 + i % 2}).status, 200)
                    equal(d.get(API + "options").json()["CLIP_stop_at_last_layers"] in (1, 2), True)
                except AssertionError as error:
                    wrong.append(error)

        def all_of_them():
            threads = [threading.Thread(target=ask) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            equal(wrong, [])

        all_of_them()
        time.sleep(2.2)
        before, descriptors = d.resident_kib(), d.descriptors()
        all_of_them()
        time.sleep(2.2)
        grew_less(d, before, 8192)
        true(d.descriptors() <= descriptors, "descriptors are left")  # the weights are read until their digest is known


if __name__ == "__main__":
    main(globals())
