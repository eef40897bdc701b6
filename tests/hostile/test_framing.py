"""HTTP framing over raw sockets: what a proxy could read otherwise, what never ends, what is too much.  After
every case the daemon must answer a good request."""

import json
import os
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, grew_less, main, raw, read_all, status_of, true, within  # noqa: E402

OK_BODY = b'{"prompt": ""}'
JSON = b"Content-Type: application/json\r\n"


def get(path=b"/healthz", *headers, version=b"HTTP/1.1", host=b"Host: localhost\r\n", method=b"GET"):
    return method + b" " + path + b" " + version + b"\r\n" + host + b"".join(headers) + b"\r\n"


def post(body, *headers, path=b"/api/v1/generate", length=True):
    size = b"Content-Length: %d\r\n" % len(body) if length else b""
    return b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + JSON + size + b"".join(headers) + b"\r\n" + body


def chunked(*chunks):
    return b"".join(b"%x\r\n" % len(chunk) + chunk + b"\r\n" for chunk in chunks) + b"0\r\n\r\n"


def ends(d, data, *statuses, closes=True, timeout=3):
    """The daemon answers data with one of statuses (None: closes without a word), closes, and lives on."""
    start = time.monotonic()
    got = raw(d, data, timeout)
    took = time.monotonic() - start
    what = repr(data[:70])
    true(status_of(got) in statuses, f"{what}: got {got[:120]!r}, not one of {statuses}")
    if closes:
        true(took < timeout, f"{what}: the connection stays open")
        # (libmicrohttpd 0.9.75 writes the head of some of its own replies twice.)
        true(len(set(re.findall(rb"HTTP/1\.[01] \d{3} ", got))) <= 1, f"{what}: more than one reply: {got!r}")
    equal(d.get("/healthz").status, 200, what)


def test_H1_what_is_not_HTTP():
    with Daemon(fake_step_ms=0) as d:
        for data in (os.urandom(65536), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(506),
                     b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"PING\r\n\r\n", b"\0" * 40000, b"A" * 40000):
            ends(d, data + b"\r\n\r\n", 400, 405, 413, 414, 431, 501, 505, None)
        true(len(d.log) < 60, f"{len(d.log)} lines of log")


def test_H2_a_head_that_never_ends_is_cut_at_ten_seconds_and_H3_bytes_do_not_help():
    with Daemon(fake_step_ms=0) as d:
        silent, dripping, body = d.connect(30), d.connect(30), d.connect(30)
        start = time.monotonic()
        silent.sendall(b"GET / HTTP/1.1\r\n")
        body.sendall(post(b"x" * 1000)[:-1000])
        cut = {}

        def drip(s, name):
            try:
                for byte in b"X-Slow: " + b"y" * 60:
                    s.sendall(bytes([byte]))
                    s.settimeout(1)
                    try:
                        if s.recv(4096) == b"":
                            break
                    except socket.timeout:
                        pass
            except OSError:
                pass
            cut[name] = time.monotonic() - start

        threads = [threading.Thread(target=drip, args=(dripping, "head")),
                   threading.Thread(target=drip, args=(body, "body"))]
        for thread in threads:
            thread.start()
        read_all(silent)
        true(9 < time.monotonic() - start < 12, "the silent head was not cut at 10 s")
        equal(d.get("/healthz").status, 200)
        for thread in threads:
            thread.join(40)
        true(9 < cut["head"] < 13, f"the dripping head was cut after {cut['head']} s")
        true(14 < cut["body"] < 18, f"the dripping body was cut after {cut['body']} s")


def test_H4_a_client_that_does_not_read_is_cut():
    with Daemon("--max-pixels", "4194304", fake_step_ms=0) as d:
        id = d.submit(width=2048, height=2048, steps=1)
        d.wait(id)
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", d.port))
        s.sendall(get(b"/api/v1/jobs/" + id.encode() + b"?include=b64_png", b"X-Request-Id: slow-reader\r\n"))
        s.recv(10)
        start = time.monotonic()
        while not any("slow-reader" in line for line in d.log) and time.monotonic() - start < 20:
            time.sleep(0.2)
            equal(d.get("/healthz").status, 200)
        took = time.monotonic() - start
        s.close()
        true(9 < took < 13, f"cut after {took} s")
        equal(len(d.get(f"/api/v1/jobs/{id}/images/0").body), d.job(id)["images"][0]["bytes"])


def test_H5_a_thousand_idle_connections():
    with Daemon(fake_step_ms=0) as d:
        before = d.descriptors()
        idle = [d.connect() for _ in range(1000)]
        start = time.monotonic()
        equal(d.get("/healthz").status, 200)
        true(time.monotonic() - start < within(0.5), "slow beside idle connections")
        for s in idle:
            s.close()
        for _ in range(50):
            if d.descriptors() <= before + 1:
                break
            time.sleep(0.1)
        true(d.descriptors() <= before + 1, f"{d.descriptors()} descriptors, {before} before")


def test_H7_H8_two_lengths():
    with Daemon(fake_step_ms=0) as d:
        n = len(OK_BODY)
        m = len(chunked(OK_BODY))
        for body, headers in ((OK_BODY, b"Content-Length: %d\r\nContent-Length: %d\r\n" % (n, n)),
                              (OK_BODY, b"Content-Length: %d\r\nContent-Length: 0\r\n" % n),
                              (chunked(OK_BODY), b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % m),
                              (chunked(OK_BODY), b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n" % m),
                              (chunked(OK_BODY), b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")):
            ends(d, post(body, headers, length=False) + get(b"/version"), 400)


def test_H9_transfer_codings():
    with Daemon(fake_step_ms=0) as d:
        for coding in (b"gzip", b"identity", b"xchunked", b"chunked, identity", b"gzip, chunked", b"chunkedx",
                       b"\tchunked, chunked", b'"chunked"', b""):
            ends(d, post(chunked(OK_BODY), b"Transfer-Encoding: " + coding + b"\r\n", length=False), 400, 501)
        ends(d, post(chunked(OK_BODY), b"Transfer-Encoding: chunked\r\n" * 2, length=False), 400, 501)
        ends(d, post(chunked(OK_BODY), b"Transfer-Encoding: chunked\r\n", length=False).replace(
            b"HTTP/1.1", b"HTTP/1.0"), 400)
        got = raw(d, post(chunked(OK_BODY[:3], OK_BODY[3:]), b"Transfer-Encoding: chunked\r\nConnection: close\r\n",
                          length=False))
        equal(status_of(got), 200, got[:200])


def test_H10_lengths_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        for length in (b"-1", b"+5", b"0x10", b"1e3", b"5, 5", b"", b"5 5", b"5;", b"18446744073709551616",
                       b"99999999999999999999999", b"18446744073709551615"):
            ends(d, post(OK_BODY, b"Content-Length: " + length + b"\r\n", length=False), 400, 413)


def test_H11_too_long_is_refused_before_100_continue():
    with Daemon(fake_step_ms=0) as d:
        head = post(b"", b"Content-Length: 10737418240\r\nExpect: 100-continue\r\n", length=False)
        got = raw(d, head)
        equal(status_of(got), 413, got)
        true(b"100 Continue" not in got, got)
        with d.connect() as s:
            s.sendall(post(b"", b"Content-Length: %d\r\nExpect: 100-continue\r\n" % len(OK_BODY), length=False))
            true(b"100 Continue" in s.recv(100), "no 100 Continue for a good length")
            s.sendall(OK_BODY)
            equal(status_of(s.recv(4096)), 200)


def test_H12_a_chunked_body_beyond_the_cap():
    with Daemon("--max-body", "4096", fake_step_ms=0) as d:
        before = d.resident_kib()
        for chunks in ([b" " * 4097], [b" " * 1000] * 5, [b" " * 60000]):
            ends(d, post(chunked(*chunks), b"Transfer-Encoding: chunked\r\n", length=False), 413)
        # It never ends: the reply comes at the first byte too many, and the daemon stops listening.
        with d.connect() as s:
            s.sendall(post(b"", b"Transfer-Encoding: chunked\r\n", length=False) + b"%x\r\n" % (1 << 30))
            got = b""
            try:
                for _ in range(4000):
                    s.sendall(b" " * 4096)
            except OSError:
                pass
            got = read_all(s)
            true(status_of(got) in (413, None), got[:100])
        equal(d.get("/healthz").status, 200)
        grew_less(d, before, 4096)


def test_H12_a_declared_length_at_and_beyond_the_cap():
    with Daemon("--max-body", "4096", fake_step_ms=0) as d:
        fits = OK_BODY + b" " * (4096 - len(OK_BODY))
        equal(d.post("/api/v1/generate", fits).status, 200)
        reply = d.post("/api/v1/generate", fits + b" ")
        equal((reply.status, reply.code()), (413, "body_too_large"))


def test_a_refusal_reaches_a_client_that_sends_a_long_body_at_once():
    with Daemon("--queue-limit", "1", fake_step_ms=1000) as d:
        running = d.submit(steps=100)
        d.wait(running, "running")
        waiting = d.submit()
        body = OK_BODY + b" " * (16 << 20)  # more than the sockets hold
        close = b"Connection: close\r\n"
        for _ in range(5):
            for data in (post(body, close),
                         post(chunked(body), b"Transfer-Encoding: chunked\r\n" + close, length=False)):
                with d.connect(within(5)) as s:
                    s.sendall(data)  # (many clients give up, and read no reply, when this fails)
                    got = read_all(s)
                equal(status_of(got), 429, got[:200])
                true(b'"queue_full"' in got, got)
        for id in (waiting, running):
            d.post(f"/api/v1/jobs/{id}/cancel")


def held_bodies(d, count, size):
    """Connections that have sent all but the last byte of a body."""
    held = [d.connect() for _ in range(count)]
    for s in held:
        s.sendall(post(OK_BODY + b" " * (size - len(OK_BODY)))[:-1])
    return held


def test_slow_large_bodies_do_not_lock_out_small_ones():
    with Daemon("--max-body", "262144", fake_step_ms=0) as d:
        held = held_bodies(d, 4, 262144)
        time.sleep(0.2)
        for size in (14, 65536):
            equal(d.post("/api/v1/generate", OK_BODY + b" " * (size - len(OK_BODY))).status, 200)
        for s in held:
            s.sendall(b" ")
            equal(status_of(s.recv(4096)), 200)
            s.close()


def test_a_refusal_in_the_middle_of_a_body_is_a_problem_too():
    with Daemon("--max-body", "262144", fake_step_ms=0) as d:
        held = held_bodies(d, 4, 262144)
        time.sleep(0.2)
        late = chunked(b" " * 262145)
        for data, status, code in ((post(OK_BODY + b" " * 200000), 503, "no_memory"),
                                   (post(late, b"Transfer-Encoding: chunked\r\n", length=False), 503, "no_memory")):
            equal(problem_in(raw(d, data)), (status, code, b"1"))
        for s in held:
            s.close()
        equal(problem_in(raw(d, post(late, b"Transfer-Encoding: chunked\r\n", length=False))),
              (413, "body_too_large", None))


def problem_in(got):
    """(status, code, Retry-After) of a reply whose body must be a problem of the length that it declares."""
    head, body = got.split(b"\r\n\r\n", 1)
    true(b"\r\nContent-Type: application/problem+json" in head, got)
    equal(int(re.search(rb"Content-Length: (\d+)", head).group(1)), len(body), got)
    problem, retry = json.loads(body), re.search(rb"Retry-After: (\S+)", head)
    equal(problem["status"], status_of(got))
    true(problem["request_id"].encode() in head, got)
    return problem["status"], problem["code"], retry and retry.group(1)


def test_H13_chunks_that_are_none():
    with Daemon(fake_step_ms=0) as d:
        for body in (b"FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"zz\r\nx\r\n0\r\n\r\n",
                     b"1;" + b"e" * (1 << 20) + b"\r\nx\r\n0\r\n\r\n", b"1\r\nxy\r\n0\r\n\r\n", b" 1\r\nx\r\n0\r\n\r\n",
                     b"0x1\r\nx\r\n0\r\n\r\n", b"\r\nx\r\n0\r\n\r\n"):
            # (500: the library's own words for a chunk line that fills its buffer.)
            ends(d, post(body, b"Transfer-Encoding: chunked\r\n", length=False), 400, 413, 431, 500, None)


def test_H14_heads_that_are_too_big():
    with Daemon(fake_step_ms=0) as d:
        ends(d, get(b"/healthz", b"X-Long: " + b"a" * 65536 + b"\r\n"), 431, 413, 400, None)
        ends(d, get(b"/" + b"a" * 65536), 414, 431, 413, 400, None)
        ends(d, get(b"/healthz", b"X-Many: 1\r\n" * 2000), 431, 413, 400, None)
        ends(d, get(b"/healthz", b"X-Many: 1\r\n" * 101), 431)
        equal(status_of(raw(d, get(b"/healthz", b"X-Many: 1\r\n" * 90, b"Connection: close\r\n"))), 200)


def test_H15_header_names():
    with Daemon(fake_step_ms=0) as d:
        for byte in list(range(1, 9)) + [11, 12] + list(range(14, 33)) + [34, 40, 41, 44, 47, 64, 91, 125, 127] + \
                list(range(128, 256, 9)):
            ends(d, get(b"/healthz", b"X" + bytes([byte]) + b"Y: 1\r\n"), 400, None)
        for line in (b"Name : 1\r\n", b"no colon\r\n"):
            ends(d, get(b"/healthz", line), 400, None)


def test_H15_heads_that_the_library_would_read_otherwise():
    with Daemon(fake_step_ms=0) as d:
        good = get(b"/healthz", b"X-A: 1\r\n", b"Connection: close\r\n")
        equal(status_of(raw(d, good)), 200)
        for bad in (good.replace(b"\r\n", b"\n"), good.replace(b"X-A: 1\r\n", b"X-A: 1\n"),
                    good.replace(b"\r\n\r\n", b"\n\n"), good.replace(b"X-A: 1", b"X-A: 1\r\n folded"),
                    good.replace(b"X-A: 1", b"X-A: 1\r\n\tfolded"), good.replace(b"X-A: 1", b"X-A: 1\0b"),
                    good.replace(b"localhost", b"localhost\0.evil"), good.replace(b"/healthz", b"/healthz\0xyz"),
                    good.replace(b"X-A", b"X\0A"), good.replace(b"X-A: 1", b": 1"), good.replace(b"X-A: 1", b":"),
                    good.replace(b"X-A: 1", b"\0"), good.replace(b"GET ", b"GET  "), good.replace(b" HTTP", b"  HTTP"),
                    good.replace(b"X-A: 1\r\n", b"X-A: 1\r"), b"\0" + good):
            ends(d, bad, 400, 405, 505, None)
        # What follows a line without a name must not be a second request.
        smuggled = good.replace(b"X-A: 1", b": 1").replace(b"Connection: close\r\n\r\n", get(b"/version"))
        got = raw(d, smuggled)
        true(b"version" not in got, got)
        body = post(OK_BODY).replace(b"Content-Length: 14", b"Content-Length: 14\0 5")
        ends(d, body, 400)
        ends(d, post(OK_BODY, b"Transfer-Encoding\0: chunked\r\n"), 400)


def test_a_big_good_head_passes():
    with Daemon(fake_step_ms=0) as d:
        for size in (100, 3000, 8000, 11000):
            for count in (1, 40):
                headers = [b"X-%d:" % i + b" " * (i % 3) + b"v" * (size // count) + b"\r\n" for i in range(count)]
                got = raw(d, get(b"/healthz?q=" + b"a" * 20, *headers, b"Empty:\r\n", b"Connection: close\r\n"))
                equal(status_of(got), 200, f"{size} bytes in {count} headers")
        with d.connect() as s:  # the same on a connection that is kept, and one byte at a time
            for byte in get(b"/healthz", b"X-A: 1\r\n") * 2 + get(b"/healthz", b"Connection: close\r\n"):
                s.sendall(bytes([byte]))
            equal(read_all(s).count(b"HTTP/1.1 200"), 3)


def test_H16_hosts():
    with Daemon(fake_step_ms=0) as d:
        ends(d, get(host=b""), 400)
        ends(d, get(host=b"Host: localhost\r\nHost: localhost\r\n"), 400)
        ends(d, get(host=b"Host: a b\r\n"), 400)
        ends(d, get(b"/healthz", b"Connection: close\r\n", host=b"Host: evil.com\r\n"), 403)
        equal(status_of(raw(d, get(b"/healthz", host=b"", version=b"HTTP/1.0"))), 200)


def test_H17_versions():
    with Daemon(fake_step_ms=0) as d:
        for data in (b"GET /healthz\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get(version=b"HTTP/9.9"),
                     get(version=b"http/1.1"), get(version=b"HTTP/1.1x"), get(version=b"HTTP/1"), get(version=b"")):
            ends(d, data, 400, 505, None)


def test_H18_methods():
    with Daemon(fake_step_ms=0) as d:
        for method in (b"TRACE", b"CONNECT", b"FOO", b"get", b"DELETE", b"PUT", b"POST"):
            got = raw(d, get(b"/healthz", b"X-Echo: find-me\r\nConnection: close\r\n", method=method))
            equal(status_of(got), 405, method)
            true(b"Allow: GET, HEAD, OPTIONS\r\n" in got, got)
            true(b"find-me" not in got, "TRACE echoes")
        ends(d, get(b"/healthz", method=b"G(T"), 400)
        ends(d, get(b"/healthz", b"Connection: close\r\n", method=b"M" * 8192), 400, 405, 413, 431, None)
        got = raw(d, get(b"/api/v1/generate", b"Connection: close\r\n"))
        true(status_of(got) == 405 and b"Allow: POST, OPTIONS\r\n" in got, got)


def test_H19_H20_targets():
    with Daemon(fake_step_ms=0) as d:
        close = b"Connection: close\r\n"
        for target in (b"http://localhost/healthz", b"//healthz", b"//evil.com/healthz", b"*", b"/api/../healthz",
                       b"/./healthz", b"/healthz/", b"/healthz;a=b", b"/healthz%00", b"/%2e%2e/healthz", b"/%68ealthz",
                       b"/..%2fhealthz", b"/%c0%ae%c0%ae/", b"/%zz", b"/healthz%", b"/healthz\\x", b"/heal\x01thz",
                       b"/healthz\xff", b"/api/v1/jobs/%2e%2e/images/0", b"healthz", b"/healthz?%00", b"/healthz?%zz",
                       b"/healthz?a\xff"):
            ends(d, get(target, close), 400, 404, None)
        equal(status_of(raw(d, get(b"/healthz?x=%20y&z", close))), 200)


def test_H21_pipelining_is_answered_in_order():
    with Daemon(fake_step_ms=0) as d:
        paths = [b"/healthz", b"/version", b"/nothing"] * 66 + [b"/healthz", b"/version"]
        data = b"".join(get(path, b"X-Request-Id: r%d\r\n" % i) for i, path in enumerate(paths))
        with d.connect(10) as s:
            s.sendall(data[:4321])
            time.sleep(0.05)
            s.sendall(data[4321:])
            got = b""
            while got.count(b"X-Request-Id") < len(paths):
                piece = s.recv(65536)
                true(piece, f"closed after {got.count(b'X-Request-Id')} replies")
                got += piece
        equal(re.findall(rb"X-Request-Id: r(\d+)", got), [b"%d" % i for i in range(len(paths))])
        # A request behind one that waits for its job is served when that is done.
        got = raw(d, post(OK_BODY) + get(b"/version", b"Connection: close\r\n"))
        equal(got.count(b"HTTP/1.1 200"), 2, got[-300:])


def test_H22_resets():
    with Daemon("--queue-limit", "4", fake_step_ms=0) as d:
        before = d.descriptors()
        whole = post(OK_BODY)
        for _ in range(50):
            for cut in (10, len(whole) - len(OK_BODY), len(whole) - 3, len(whole)):
                s = d.connect()
                s.sendall(whole[:cut])
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
        for _ in range(50):
            if d.descriptors() <= before:
                break
            time.sleep(0.1)
        true(d.descriptors() <= before, f"{d.descriptors()} descriptors, {before} before")
        equal(d.generate({"prompt": ""}).status, 200)
    jobs = sum("event=job" in line for line in d.log)
    true(jobs <= 51, f"{jobs} jobs from 50 whole requests and one more")


def test_H23_content_types():
    with Daemon(fake_step_ms=0) as d:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                     "multipart/form-data; boundary=" + "b" * 200, "multipart/form-data; boundary=\"a\tb\"",
                     "application/jsonp", "application", "*/*", "text/json", ""):
            reply = d.post("/api/v1/generate", OK_BODY, headers={"Content-Type": kind})
            equal((reply.status, reply.code()), (415, "content_type"), kind)
        reply = d.post("/api/v1/generate", OK_BODY, headers={"Content-Type": "application/x-www-form-urlencoded"})
        true("--json" in reply.json()["detail"], reply.body)
        equal(status_of(raw(d, post(OK_BODY).replace(JSON, b""))), 415)
        for kind in ("application/json", "Application/JSON; charset=utf-8", "application/json;x=y"):
            equal(d.post("/api/v1/generate", OK_BODY, headers={"Content-Type": kind}).status, 200, kind)


def test_H24_content_codings():
    with Daemon(fake_step_ms=0) as d:
        for coding in ("gzip", "br", "zstd", "deflate", "identity, gzip"):
            reply = d.post("/api/v1/generate", OK_BODY, headers={"Content-Encoding": coding})
            equal((reply.status, reply.code()), (415, "content_encoding"), coding)


def test_H25_upgrades():
    with Daemon(fake_step_ms=0) as d:
        for name in (b"websocket", b"h2c"):
            got = raw(d, get(b"/healthz", b"Connection: Upgrade\r\nUpgrade: " + name + b"\r\n"), 1)
            equal(status_of(got), 200)


def test_H26_ranges():
    with Daemon(fake_step_ms=0) as d:
        id = d.submit()
        d.wait(id)
        whole = d.get(f"/api/v1/jobs/{id}/images/0").body
        ranges = "bytes=" + ",".join(f"{i}-{i}" for i in range(1200))
        reply = d.get(f"/api/v1/jobs/{id}/images/0", headers={"Range": ranges})
        equal((reply.status, reply.body), (200, whole))


def test_H27_many_short_connections():
    with Daemon(fake_step_ms=0) as d:
        before = d.descriptors()
        for _ in range(2000):
            s = socket.create_connection(("127.0.0.1", d.port), 5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        equal(d.get("/healthz").status, 200)
        for _ in range(50):
            if d.descriptors() <= before:
                break
            time.sleep(0.1)
        true(d.descriptors() <= before, f"{d.descriptors()} descriptors, {before} before")


if __name__ == "__main__":
    main(globals())
