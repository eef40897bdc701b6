"""Forms and JSON that OpenAI's routes must not fall for."""

import json
import os
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, form, grew_less, main, raw, status_of, true, write_png  # noqa: E402

EDITS = "/v1/images/edits"
WHITE = write_png(16, 16, lambda x, y: (255, 255, 255))
KIND = "multipart/form-data; boundary=b"


def refused(reply, status=400, param=None):
    equal(reply.status, status, reply.body[:200])
    told = reply.json()
    equal(sorted(told["error"]), ["code", "message", "param", "type"])
    if param:
        equal(told["error"]["param"], param)
    return told["error"]["message"]


def send(d, body, kind=KIND):
    return d.post(EDITS, body, headers={"Content-Type": kind})


def send_parts(d, *parts):
    body, kind = form(*parts)
    return send(d, body, kind)


def part(head, value=b"x"):
    return b"--b\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def test_forms_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        good = part(b'Content-Disposition: form-data; name="prompt"') + b"--b--\r\n"
        for body in (b"", b"--b", b"--b\r\n", b"--b\r\n\r\n", good[:-6], good[:20], b"x" * 1000, b"\0" * 100,
                     good.replace(b"--b", b"--c"), part(b"Content-Disposition: form-data") + b"--b--\r\n",
                     part(b"") + b"--b--\r\n", part(b'Content-Disposition: attachment; name="prompt"') + b"--b--\r\n",
                     part(b'Content-Disposition: form-data; name="pro\0mpt"') + b"--b--\r\n",
                     part(b'Content-Disposition: form-data; name="prompt') + b"--b--\r\n"):
            refused(send(d, body))
        for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + 80 * "b"):
            refused(send(d, good, kind))
        for kind in ("application/json", "multipart/mixed; boundary=b", "application/x-www-form-urlencoded", "text/plain"):
            refused(send(d, good, kind), 415)
        equal(d.get("/healthz").status, 200)


def test_values_that_are_no_text():
    with Daemon(fake_step_ms=0) as d:
        for value in (b"\xff", b"a\0b", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
            body = part(b'Content-Disposition: form-data; name="prompt"', value) + b"--b--\r\n"
            true("UTF-8" in refused(send(d, body), param="prompt"), "the reason is not told")
        refused(send_parts(d, ("image", WHITE), ("prompt", "x"), (200 * "n", "x")))
        refused(send_parts(d, ("image", WHITE), ("prompt", "x"), ("seed\u00e9", "x")))


def test_values_that_are_no_numbers():
    with Daemon(fake_step_ms=0) as d:
        for field, values in (("n", ("", "0", "-1", "1.5", "1e400", "0x2", " 1", "1 ", "NaN", "null", "[1]", "9" * 400)),
                              ("seed", ("-1", "18446744073709551616", "1e3", "1_0", "\u0661")),
                              ("strength", ("0", "1.1", "-0.5", "Infinity", "0,5")),
                              ("size", ("64", "64x", "0x64", "64x64x64", "99999x99999", "-64x64", "64\u00d764")),
                              ("stream", ("1", "True", "yes")), ("partial_images", ("4", "-1", "one"))):
            for value in values:
                reply = send_parts(d, ("image", WHITE), ("prompt", "x"), (field, value))
                if value == "":  # an empty value is none
                    equal(reply.status, 200)
                else:
                    refused(reply, param=field)


def test_too_much_of_everything():
    with Daemon("--max-body", "1MiB", fake_step_ms=0) as d:
        before = d.resident_kib()
        refused(send_parts(d, *[(f"part{i}", "x") for i in range(65)]))
        refused(send_parts(d, *[("prompt", "x")] * 2, ("image", WHITE)), param="prompt")
        refused(send_parts(d, ("image", WHITE), ("image[]", WHITE), ("prompt", "x")), param="image")
        refused(send_parts(d, ("image", WHITE), ("prompt", 70000 * "p")), param="prompt")
        refused(send_parts(d, ("image", 2 ** 20 * b"i"), ("prompt", "x")), 413)
        names = "".join(f'--b\r\nContent-Disposition: form-data; name="{i}{2000 * "n"}"\r\n\r\n\r\n' for i in range(64))
        refused(send(d, names.encode() + b"--b--\r\n"))
        refused(d.post("/v1/images/generations", b'{"prompt":' + 100000 * b"[" + b"}"))
        grew_less(d, before, 20 * 1024)


def test_pictures_that_are_bombs():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def claims(width, height, rows):
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))

    with Daemon(fake_step_ms=0) as d:
        before = d.resident_kib()
        for picture in (claims(60000, 60000, b""), claims(2 ** 31 - 1, 1, b""), claims(0, 0, b""), WHITE[:-20],
                        claims(16, 16, b"\0" * 50_000_000)[:-30], b"", b"\x89PNG\r\n\x1a\n", WHITE[:40] + b"\0" * 40,
                        b"BM" + b"\0" * 60, b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0\0\x10JFIF"):
            refused(send_parts(d, ("image", picture), ("prompt", "x")), param="image")
        grew_less(d, before, 30 * 1024)
        equal(send_parts(d, ("image", WHITE), ("prompt", "x")).status, 200)


def test_headers_that_are_no_counts():
    with Daemon(fake_step_ms=0) as d:
        body = json.dumps({"prompt": "x"})
        ids = set()
        for count in ("", "-1", "0", "x", "99999999999999999999", "1.5e9", "1"):
            reply = d.post("/v1/images/generations", body, headers={"x-stainless-retry-count": count})
            equal(reply.status, 200)
            ids.add(reply.headers["X-Job-Id"])
        true(1 < len(ids) < 7, f"{len(ids)} jobs")
        for key in ("", '""', "a b", "\u00e9".encode().decode("latin-1"), 256 * "k"):
            refused(d.post("/v1/images/generations", body, headers={"Idempotency-Key": key}))


def test_urls_hold_no_foreign_words():
    with Daemon("--allowed-host", "friend.example", fake_step_ms=0) as d:
        body = b'{"prompt":"x","response_format":"url"}'
        for host, status in (("friend.example", 200), ('friend.example"', None), ("friend.example/x", None),
                             ("evil.example", 403)):
            answer = raw(d, f"POST /v1/images/generations HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            if status:
                equal(status_of(answer), status)
            else:
                true(400 <= status_of(answer) < 500, answer[:100])


if __name__ == "__main__":
    main(globals())
