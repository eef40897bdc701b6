"""A running daemon, and the few words every end-to-end test needs.  Python's standard library alone.

LATENTD_BUILD_DIR names the build folder (build when unset), LATENTD_BIN the daemon (its server/latentd), LATENTD_MODEL
the model (models/default).  LATENTD_TEST_SLOWER says how many times slower than a plain build the daemon may be.  In
the build folder stands a second daemon, tests/latentd_fake, whose stand-in engine makes jobs as long as a test wants.
"""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import report  # noqa: E402
from report import Skip  # noqa: E402

BUILD = os.environ.get("LATENTD_BUILD_DIR", os.path.join(ROOT, "build"))
REAL = os.environ.get("LATENTD_BIN", os.path.join(BUILD, "server/latentd"))
FAKE = os.path.join(BUILD, "tests/latentd_fake")
MODEL = os.environ.get("LATENTD_MODEL", os.path.join(ROOT, "models/default"))
SLOWER = float(os.environ.get("LATENTD_TEST_SLOWER", "1"))


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json().get("code")

    def pointers(self):
        return [error["pointer"] for error in self.json().get("errors", [])]


def clean_environment():
    """The environment without the daemon's own options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LATENTD_")}


class Daemon:
    """with Daemon("--workers", "2") as d: ...   Stops it at the end, and fails when it did not exit with 0.  model=None:
    flags say which."""

    def __init__(self, *flags, fake_step_ms=None, listen="127.0.0.1:0", expect_exit=0, model=MODEL, environment=None):
        self.environment = environment or {}
        self.flags, self.listen, self.expect_exit = flags, listen, expect_exit
        self.fake_step_ms, self.model = fake_step_ms, model
        self.log, self.port, self.process = [], None, None

    def __enter__(self):
        binary = REAL if self.fake_step_ms is None else FAKE
        if not os.path.exists(binary):
            raise Skip(f"{binary} is not built")
        environment = clean_environment()
        environment["FAKE_ENGINE_STEP_MS"] = str(self.fake_step_ms or 0)
        environment.update(self.environment)
        self.process = subprocess.Popen(
            [binary, "--listen", self.listen, *(["--model", self.model] if self.model else []), *self.flags],
            stderr=subprocess.PIPE, env=environment, text=True, errors="replace")
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(60) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError("the daemon does not start: " + "".join(self.log))
        return self

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"event=ready address=\S*:(\d+)|event=ready|\"event\":\"ready\"", line)
            if found and not self.ready.is_set():
                number = found.group(1) or (re.search(r":(\d+)\"", line) or [None, None])[1]
                self.port = int(number) if number else None
                self.ready.set()
        self.ready.set()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the daemon does not end after SIGTERM")
        self.reader.join(5)
        if kind is None and code != self.expect_exit:
            raise AssertionError(f"exit code {code}, not {self.expect_exit}\n" + "".join(self.log[-40:]))

    def connect(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def request(self, method, path, body=None, headers=None, timeout=120):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            headers = dict(headers or {})
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if body is not None:
                headers.setdefault("Content-Type", "application/json")
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def generate(self, body=None, headers=None, **fields):
        return self.post("/api/v1/generate", body if body is not None else {"prompt": "a picture", **fields},
                         headers=headers)

    def submit(self, **fields):
        reply = self.post("/api/v1/jobs", {"prompt": "a picture", **fields})
        equal(reply.status, 202)
        return reply.json()["id"]

    def job(self, id, query=""):
        return self.get(f"/api/v1/jobs/{id}{query}").json()

    def wait(self, id, *states, timeout=60):
        states = states or ("succeeded", "failed", "canceled")
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            job = self.job(id)
            if job["status"] in states:
                return job
            time.sleep(0.005)
        raise AssertionError(f"job {id} is {job['status']} after {timeout} s")

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def raw(daemon, data, timeout=5, half_close=False):
    """Sends bytes and returns all that comes back until the daemon closes or nothing comes for `timeout` s."""
    with daemon.connect(timeout) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(s)


def read_all(s):
    got = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece
    except OSError:
        return got


def status_of(answer):
    """The status of the first reply in raw bytes; None when the connection was closed without one."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found.group(1)) if found else None


def read_png(data):
    """(width, height, rgb bytes, {keyword: text}) of an 8-bit RGB PNG, by its definition."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    at, packed, texts, head = 8, b"", {}, None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        crc, = struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert crc == zlib.crc32(kind + body), "a chunk's checksum is wrong"
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        elif kind == b"tEXt":
            keyword, text = body.split(b"\0", 1)
            texts[keyword.decode("latin-1")] = text.decode("latin-1")
        elif kind == b"iTXt":
            keyword, rest = body.split(b"\0", 1)
            texts[keyword.decode("latin-1")] = rest[2:].split(b"\0", 2)[2].decode()
        at += 12 + size
    width, height, depth, color, _, _, interlace = head
    assert (depth, color, interlace) == (8, 2, 0), "not 8-bit RGB"
    rows, stride, previous, out = zlib.decompress(packed), width * 3, bytearray(width * 3), bytearray()
    for y in range(height):
        kind = rows[y * (stride + 1)]
        line = bytearray(rows[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = line[x - 3] if x >= 3 else 0
            up, corner = previous[x], previous[x - 3] if x >= 3 else 0
            if kind == 1:
                line[x] = (line[x] + left) & 255
            elif kind == 2:
                line[x] = (line[x] + up) & 255
            elif kind == 3:
                line[x] = (line[x] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                line[x] = (line[x] + nearest[2]) & 255
        out += line
        previous = line
    return width, height, bytes(out), texts


def write_png(width, height, rgb, parameters=None, record=None):
    """A PNG of rgb(x, y) -> (r, g, b) or (r, g, b, alpha), with its settings as text where there are any."""
    rows = b"".join(b"\0" + b"".join(bytes(rgb(x, y)) for x in range(width)) for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if len(rgb(0, 0)) == 3 else 6, 0, 0, 0)) +
            (chunk(b"tEXt", b"parameters\0" + parameters) if parameters else b"") +
            (chunk(b"tEXt", b"latentd\0" + record) if record else b"") +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def form(*parts, boundary="a-boundary"):
    """Body and Content-Type of a form.  A part is (name, text) or (name, bytes): a file."""
    body = b""
    for name, value in parts:
        is_file = isinstance(value, bytes)
        head = f'Content-Disposition: form-data; name="{name}"' + ('; filename="a.png"' if is_file else "")
        body += f"--{boundary}\r\n{head}\r\n{'Content-Type: image/png' + chr(13) + chr(10) if is_file else ''}\r\n".encode()
        body += (value if is_file else value.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), "multipart/form-data; boundary=" + boundary


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}{': ' if what else ''}got {str(got)[:300]!r}, not {str(want)[:300]!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def within(seconds):
    """A time limit for the daemon at hand."""
    return seconds * SLOWER


def grew_less(daemon, before, kib):
    """The daemon's resident memory is at most kib above `before`.  Sanitizers keep what is freed: not asked there."""
    more = daemon.resident_kib() - before
    true(more < kib or SLOWER > 1, f"{more} KiB more than before")


def main(tests):
    """Runs the test_* functions of a module's globals()."""
    sys.exit(report.main([test for name, test in tests.items() if name.startswith("test_")]))
