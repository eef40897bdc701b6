"""Values out of bounds, long and strange texts, and pictures that are none."""

import base64
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, grew_less, main, true, within, write_png  # noqa: E402


def refused(d, *pointers, **fields):
    reply = d.generate({"prompt": "", **fields})
    equal(reply.status, 422, fields)
    equal(sorted(reply.pointers()), sorted(pointers), fields)
    return reply


def test_every_wrong_field_is_named_even_beside_a_wrong_size():
    with Daemon() as d:
        refused(d, "/width", "/clip_skip", "/scheduler", width=7, clip_skip=99, sampler="ddim", scheduler="karras")
        refused(d, "/model", model="nobody", clip_skip=99)
        refused(d, "/seed", seed=2 ** 64 - 1, count=2)
        equal(d.generate({"prompt": "", "seed": 2 ** 64 - 2, "count": 2, "steps": 1}).status, 200)


def test_P1_P2_sizes():
    with Daemon(fake_step_ms=0) as d:
        for side in ("width", "height"):
            for value in (0, -8, 7, 8.5, 513, 2 ** 31, 2 ** 31 - 8, 2 ** 32 + 512, 10 ** 9, 2 ** 64, -2 ** 63):
                refused(d, "/" + side, **{side: value})
        for width, height in ((46344, 46344), (65536, 65536), (1024, 1032), (1048576, 8)):
            reply = d.generate({"prompt": "", "width": width, "height": height})
            equal(reply.status, 422, (width, height))
        equal(d.generate({"prompt": "", "width": 1024, "height": 1024}).status, 200)
        equal(d.generate({"prompt": "", "width": 8, "height": 8}).status, 200)


def test_P3_limits_and_their_neighbours():
    with Daemon("--max-steps", "5", "--max-count", "3", "--max-pixels", "4096", fake_step_ms=0) as d:
        for field, low, high in (("steps", 1, 5), ("count", 1, 3)):
            for value in (low, high):
                equal(d.generate({"prompt": "", field: value}).status, 200, (field, value))
            for value in (low - 1, high + 1, -1, 10 ** 6, 10 ** 9, -10 ** 18):
                refused(d, "/" + field, **{field: value})
        equal(d.generate({"prompt": "", "width": 512, "height": 8}).status, 200)
        refused(d, "/width", width=520, height=8)


def test_P4_numbers_out_of_bounds():
    image = base64.b64encode(write_png(8, 8, lambda x, y: (x, y, 0))).decode()
    with Daemon(fake_step_ms=0) as d:
        for value in (1e38, -1, 100.0001, -1e-300):
            refused(d, "/cfg_scale", cfg_scale=value)
        for value in (0, 100, 1, 0.999):
            equal(d.generate({"prompt": "", "cfg_scale": value}).status, 200, value)
        for value in (1.0001, 0, -0.5, 1e38):
            refused(d, "/strength", image=image, strength=value)
        for value in (1, 0.0001):
            equal(d.generate({"prompt": "", "image": image, "strength": value}).status, 200, value)
        refused(d, "/clip_skip", clip_skip=99)
        refused(d, "/clip_skip", clip_skip=-1)


def test_P7_P9_prompts():
    with Daemon(fake_step_ms=0) as d:
        for prompt in ("", "\U0001f600" * 10000, "\u202e\u200d\u0301abc", "%n%s%x", "\x1b[31m", "a\r\nX-Evil: 1",
                       "</script><script>", "(" * 60000, "(a:1e999)", "[a:b:999]", "BREAK " * 10000, "a" * 65536):
            start = time.monotonic()
            reply = d.generate({"prompt": prompt})
            equal(reply.status, 200, prompt[:40])
            equal(reply.json()["request"]["prompt"], prompt)
            true(time.monotonic() - start < within(1), "slow")
        for field in ("prompt", "negative_prompt"):
            refused(d, "/" + field, **{field: "a" * 65537})
            refused(d, "/" + field, **{field: "a" * (1 << 20)})
    log = "".join(d.log)
    true("Evil" not in log and "\x1b" not in log, "the prompt is in the log")


def test_P10_names_that_are_unknown_are_not_echoed_whole():
    with Daemon(fake_step_ms=0) as d:
        for field in ("sampler", "scheduler", "model", "profile", "numerics", "precision", "kind"):
            for value in ("no such", "n" * 60000, "\u20ac" * 1000, "../../etc/passwd"):
                reply = refused(d, "/" + field, **{field: value})
                true(len(reply.body) < 2000, len(reply.body))
        reply = refused(d, "/" + "k" * 64 + "...", **{"k" * 100000: 1})
        true(len(reply.body) < 2000, len(reply.body))


def test_I1_what_is_not_base64():
    good = base64.b64encode(write_png(8, 8, lambda x, y: (x, y, 200))).decode()
    with Daemon(fake_step_ms=0) as d:
        equal(d.generate({"prompt": "", "image": good}).status, 200)
        equal(d.generate({"prompt": "", "image": "data:image/png;base64," + good}).status, 200)
        for bad in ("", " " + good, good + "\n", good[:-1], good + "=", good.rstrip("=") + "-_", good[:8] + " " + good[8:],
                    "data:image/svg+xml;base64," + good, "data:image/png," + good, "http://127.0.0.1/x.png",
                    "https://evil.example/x.png", "file:///etc/passwd", "data:", "====", "A", "\u20ac\u20ac",
                    base64.b64encode(b"GIF89a").decode(), base64.b64encode(b"<svg/>").decode(), "AAAA"):
            reply = refused(d, "/image", image=bad)
            true("passwd" not in reply.json()["errors"][0]["detail"], "echoed")


def test_I3_pictures_beyond_the_limit():
    import struct
    import zlib
    with Daemon(fake_step_ms=0) as d:
        before = d.resident_kib()
        for width, height in ((65535, 65535), (2 ** 31 - 1, 1), (1, 2 ** 31 - 1), (0, 5), (1025, 1024)):
            head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
            data = (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) +
                    b"\0" * 900)
            refused(d, "/image", image=base64.b64encode(data).decode())
        grew_less(d, before, 4096)


def test_I2_a_picture_cut_at_every_byte():
    data = write_png(8, 8, lambda x, y: (x * 30, y * 30, 7))
    with Daemon(fake_step_ms=0) as d:
        for end in range(len(data)):
            reply = d.generate({"prompt": "", "image": base64.b64encode(data[:end]).decode()})
            true(reply.status == 422 or end >= len(data) - 12, f"{end} of {len(data)} bytes: {reply.status}")


def test_I10_a_picture_cannot_act_in_a_browser():
    with Daemon(fake_step_ms=0) as d:
        id = d.submit(prompt="<script>alert(1)</script>")
        d.wait(id)
        reply = d.get(f"/api/v1/jobs/{id}/images/0")
        equal(reply.headers["Content-Type"], "image/png")
        equal(reply.headers["X-Content-Type-Options"], "nosniff")
        true(reply.headers["Content-Disposition"].startswith("inline; filename="), "no disposition")
        true("sandbox" in reply.headers["Content-Security-Policy"], "no sandbox")


def test_O1_refusing_is_fast_and_takes_no_memory():
    with Daemon("--queue-limit", "1", fake_step_ms=1000) as d:
        running = d.submit(steps=60)
        d.wait(running, "running")
        waiting = d.submit()
        body = {"prompt": "x" * 60000}
        before, times = d.resident_kib(), []

        def flood():
            for _ in range(50):
                start = time.monotonic()
                equal(d.generate(body).status, 429)
                times.append(time.monotonic() - start)

        threads = [threading.Thread(target=flood) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(len(times), 400)
        grew_less(d, before, 4096)
        start = time.monotonic()
        d.generate(body)
        true(time.monotonic() - start < within(0.05), "slow")
        for id in (waiting, running):
            d.post(f"/api/v1/jobs/{id}/cancel")


def test_memory_and_descriptors_come_back():
    with Daemon("--job-ttl", "1", fake_step_ms=0) as d:
        for _ in range(30):
            d.generate({"prompt": "x", "width": 512, "height": 512})
        time.sleep(2.2)
        before, descriptors = d.resident_kib(), d.descriptors()
        for _ in range(4):
            for _ in range(30):
                d.generate({"prompt": "x", "width": 512, "height": 512})
                d.generate({"prompt": "x", "width": 7})
            time.sleep(2.2)
        grew_less(d, before, 8192)
        equal(d.descriptors(), descriptors)


if __name__ == "__main__":
    main(globals())
