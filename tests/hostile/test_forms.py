"""Forms whose bodies lie, end early, or have too much of everything."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, form, grew_less, main, raw, status_of, true, within, write_png  # noqa: E402

PATH = "/v1/images/edits"
PNG = write_png(64, 64, lambda x, y: (x, y, 0))
PARTS = (("prompt", "a picture"), ("image", PNG), ("steps", "1"))


def send(d, body, kind):
    return d.post(PATH, body, headers={"Content-Type": kind})


def refused(d, body, kind, status=400):
    reply = send(d, body, kind)
    equal(reply.status, status, str(reply.body))
    message = reply.json()["error"]["message"]
    true(message, "no message")
    return message


def good():
    body, kind = form(*PARTS)
    return body, kind, kind.split("boundary=")[1].encode()


def test_a_boundary_that_the_type_does_not_name():
    with Daemon(fake_step_ms=0) as d:
        body, kind, _ = good()
        equal(send(d, body, kind).status, 200)
        for wrong in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other",
                      "multipart/form-data; boundary=\"", kind + "x", kind[:-1], "multipart/form-data; boundary=" + "b" * 71,
                      "multipart/form-data; boundary=b b"):
            refused(d, body, wrong)
        equal(send(d, body, "multipart/mixed; boundary=" + kind.split("=")[1]).status, 415)
        equal(send(d, body, "application/json").status, 415)
        equal(d.post("/api/v1/generate", body, headers={"Content-Type": kind}).status, 415)
        equal(send(d, body, kind).status, 200)


def test_bodies_that_end_early():
    with Daemon(fake_step_ms=0) as d:
        body, kind, boundary = good()
        closing = body.rindex(b"--" + boundary)
        for size in (0, 1, 10, len(boundary) + 2, len(boundary) + 4, 60, 100, 200, len(body) // 2, closing - 2,
                     closing, closing + len(boundary) + 2, closing + len(boundary) + 3):
            refused(d, body[:size], kind)
        # The connection may end early, too; then there is nobody to answer.
        for size in (1, len(body) // 2, len(body) - 1):
            head = (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n").encode()
            true(status_of(raw(d, head + body[:size], half_close=True)) in (400, None), "half a body was taken")
        equal(send(d, body, kind).status, 200)


def test_too_many_parts_and_too_long_heads():
    with Daemon(fake_step_ms=0) as d:
        body, kind = form(*PARTS, *[("tag", "x")] * 62)
        true("64 parts" in refused(d, body, kind), "another reason")
        body, kind, boundary = good()
        body = (b"--" + boundary + b"\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n") * 100000 + body
        start = time.monotonic()
        true("64 parts" in refused(d, body, kind), "another reason")
        true(time.monotonic() - start < within(2), "it took too long")
        body, kind, _ = good()
        for old, new in ((b'"steps"', b'"' + b"s" * 20000 + b'"'), (b'"a.png"', b'"' + b"f" * 20000 + b'"'),
                         (b"image/png", b"t" * 20000)):
            true("too long" in refused(d, body.replace(old, new), kind), "another reason")
        equal(send(d, *form(*PARTS)).status, 200)


def test_heads_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        body, kind, _ = good()
        disposition = b"Content-Disposition: form-data; name=\"prompt\""
        true(disposition in body, "the form is another")
        for other in (b"Content-Disposition: form-data", b"Content-Disposition: attachment; name=\"prompt\"",
                      b"Content-Disposition: form-data; name=\"prompt", b"Content-Disposition: form-data; name=",
                      disposition + b"\r\n" + disposition, b"no header", disposition + b"\r\n folded: x y",
                      b"Content-Disposition: form-data; name=\"pro\0mpt\"", b"Content-Disposition: form-data; name=\"a\rb\"",
                      disposition + b"\r\nContent-Transfer-Encoding: base64", b""):
            refused(d, body.replace(disposition, other), kind)
        equal(send(d, body.replace(disposition, disposition.lower() + b"\r\nX-Any: y"), kind).status, 200)


def test_pictures_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        for data in (b"", b"x", PNG[:50], PNG[:-20], b"\0" * 100000):
            body, kind = form(("prompt", "p"), ("image", data))
            true(send(d, body, kind).status in (400, 422), data[:20])


def test_changed_bytes_are_never_more_than_a_refusal():
    chance = random.Random(5)
    with Daemon("--max-body", "65536", fake_step_ms=0) as d:
        body, kind, boundary = good()
        equal(send(d, body, kind).status, 200)
        before = d.resident_kib()
        for _ in range(400):
            changed = bytearray(body)
            for _ in range(chance.choice((1, 2, 5))):
                at = chance.randrange(len(changed))
                what = chance.randrange(4)
                if what == 0:
                    changed[at] = chance.choice(b"\r\n-\"; \0=\xff:")
                elif what == 1:
                    del changed[at:at + chance.randrange(1, 30)]
                elif what == 2:
                    changed[at:at] = chance.choice((b"\r\n--" + boundary, b"--", b"\r\n\r\n", b"\r\n", b"--" + boundary + b"--"))
                else:
                    changed[at:at] = changed[:chance.randrange(1, 500)]
            reply = send(d, bytes(changed), kind)
            true(reply.status in (200, 400, 413, 422, 429), f"{reply.status} for {bytes(changed)!r}")
        equal(send(d, body, kind).status, 200)
        grew_less(d, before, 32 * 1024)


main(globals())
