"""Starting, draining, stopping, listening.  A stand-in engine gives jobs of a chosen length."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

import daemon
from daemon import Daemon, equal, main, raw, status_of, true, within


def refused_start(*flags):
    """The exit code and messages of a daemon that does not start."""
    if not os.path.exists(daemon.FAKE):
        raise daemon.Skip(f"{daemon.FAKE} is not built")
    done = subprocess.run([daemon.FAKE, "--model", daemon.MODEL, *flags], capture_output=True, text=True,
                          timeout=within(20), env=daemon.clean_environment())
    return done.returncode, done.stderr


def in_background(function):
    answers = []

    def run():
        try:
            answers.append(function())
        except OSError:
            pass  # refused, or cut off: no answer

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def test_sigterm_lets_a_waiting_client_have_its_answer():
    with Daemon(fake_step_ms=20) as d:
        thread, answers = in_background(lambda: d.generate(steps=40))
        time.sleep(0.3)
        queued = d.submit(steps=1)
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        equal(d.get("/healthz").status, 200)
        ready = d.get("/readyz")
        equal((ready.status, ready.headers["Connection"]), (503, "close"))
        for path in ("/api/v1/generate", "/api/v1/jobs"):
            reply = d.post(path, {"prompt": "x"})
            equal((reply.status, reply.code()), (503, "closed"))
            true(int(reply.headers["Retry-After"]) >= 1, "no Retry-After")
            equal(reply.headers["Connection"], "close")
        equal(d.job(queued)["status"], "queued")
        thread.join(10)
        equal(answers[0].status, 200)
        equal(d.process.wait(10), 0)
    true(any(queued in line and "status=succeeded" in line for line in d.log), "the queued job was dropped")


def test_jobs_past_the_drain_time_are_canceled_and_their_clients_told():
    with Daemon("--drain-seconds", "0", fake_step_ms=50) as d:
        first = in_background(lambda: d.generate(steps=100))
        second = in_background(lambda: d.generate(steps=100))
        time.sleep(0.3)
        start = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        for thread, answers in (first, second):
            thread.join(5)
            equal((answers[0].status, answers[0].code()), (503, "closed"))
            equal(answers[0].headers["Connection"], "close")
        equal(d.process.wait(5), 0)
        true(time.monotonic() - start < within(1.5), "it took too long")


def test_long_requests_while_draining_are_answered():
    for delay in (0, 0.02, 0.05):
        with Daemon(fake_step_ms=0) as d:
            image = base64.b64encode(daemon.write_png(256, 256, lambda x, y: (x, y, x ^ y))).decode()
            body = json.dumps({"prompt": "", "image": image, "steps": 1}).encode() + b" " * (8 << 20)
            clients = [in_background(lambda: d.generate(body)) for _ in range(4)]
            time.sleep(delay)
            d.process.send_signal(signal.SIGTERM)
            equal(d.process.wait(20), 0)
            for thread, answers in clients:
                thread.join(5)
                true(not answers or answers[0].status in (200, 503), answers and answers[0].status)


def test_a_second_signal_ends_at_once():
    # What ends at once joins nobody, and the thread sanitizer would tell of those who had finished.
    untold = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"}
    with Daemon(fake_step_ms=1000, expect_exit=1, environment=untold) as d:
        d.submit(steps=100)
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        equal(d.process.poll(), None)
        d.process.send_signal(signal.SIGINT)
        equal(d.process.wait(within(2)), 1)


def test_sigterm_without_work_ends_at_once():
    for idle in (0, 3, 0, 0, 0, 0, 0, 0):  # often: the signal must find its thread at any moment
        with Daemon(fake_step_ms=0) as d:
            held = [d.connect() for _ in range(idle)]
            start = time.monotonic()
            d.process.send_signal(signal.SIGTERM)
            equal(d.process.wait(5), 0)
            true(time.monotonic() - start < within(1), "it took too long")
            for s in held:
                s.close()


def test_signals_at_any_moment_lose_no_answer():
    """Every client gets a whole reply: 200, 503, or a refused connection."""
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15):
        with Daemon("--workers", "2", fake_step_ms=3) as d:
            seen, stop = [], threading.Event()

            def hammer():
                while not stop.is_set():
                    try:
                        reply = d.generate(steps=5)
                        seen.append(reply.status)
                    except http.client.RemoteDisconnected:
                        return  # the listener was closed before this connection was accepted
                    except (ConnectionError, OSError):
                        return
                    if seen[-1] == 503:
                        return

            threads = [threading.Thread(target=hammer) for _ in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(delay)
            d.process.send_signal(signal.SIGTERM)
            equal(d.process.wait(20), 0)
            stop.set()
            for thread in threads:
                thread.join(5)
            true(set(seen) <= {200, 503}, sorted(set(seen)))


def test_unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "latentd.sock")

        def get(target, host="anything.example"):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return status_of(daemon.read_all(s))

        with Daemon(listen="unix:" + path, fake_step_ms=0):
            equal(get("/healthz"), 200)
            code, message = refused_start("--listen", "unix:" + path)
            equal(code, 1, message)
            equal(get("/healthz"), 200)
        true(not os.path.exists(path), "the socket file is left behind")
        abandoned = socket.socket(socket.AF_UNIX)
        abandoned.bind(path)
        abandoned.close()
        with Daemon(listen="unix:" + path, fake_step_ms=0):
            equal(get("/healthz"), 200)
        with open(path, "w") as other:
            other.write("mine")
        equal(refused_start("--listen", "unix:" + path)[0], 1)
        equal(open(path).read(), "mine")


def test_a_public_address_needs_a_word():
    code, message = refused_start("--listen", "0.0.0.0:0")
    equal(code, 2)
    true("insecure-public" in message, message)
    with Daemon("--insecure-public", listen="0.0.0.0:0", fake_step_ms=0) as d:
        equal(d.get("/healthz", headers={"Host": "anything.example"}).status, 200)


def test_ipv6_loopback():
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        raise daemon.Skip("no IPv6 here")
    with Daemon(listen="[::1]:0", fake_step_ms=0) as d:
        with socket.create_connection(("::1", d.port), 5) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: [::1]:%d\r\nConnection: close\r\n\r\n" % d.port)
            equal(status_of(daemon.read_all(s)), 200)


def test_a_port_in_use_is_said():
    with Daemon(fake_step_ms=0) as d:
        code, message = refused_start("--listen", f"127.0.0.1:{d.port}")
        equal(code, 1)
        true("in use" in message, message)


def test_hosts_on_loopback():
    with Daemon("--allowed-host", "paint.example", fake_step_ms=0) as d:
        for host, status in (("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1:80", 200), ("[::1]:7860", 200),
                             ("paint.example", 200), ("paint.example:444", 200), ("evil.example", 403),
                             ("127.0.0.1.nip.io", 403), ("localhost.evil.example", 403), ("127.0.0.1:80:80", 403),
                             ("a b", 400), ("", 400), ("x@localhost", 400)):
            got = raw(d, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            equal(status_of(got), status, host)
            if status == 403:
                true(b"host_not_allowed" in got, got)


def test_keep_alive_serves_many_requests_also_after_an_error():
    with Daemon(fake_step_ms=0) as d:
        c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=10)
        c.connect()
        sock = c.sock
        for method, path, body, status in (("GET", "/healthz", None, 200), ("GET", "/nothing", None, 404),
                                           ("DELETE", "/healthz", None, 405),
                                           ("POST", "/api/v1/generate", b"{", 400),
                                           ("POST", "/api/v1/generate", b'{"prompt": ""}', 200),
                                           ("POST", "/nothing", b"x" * 100000, 404), ("GET", "/healthz", None, 200)):
            c.request(method, path, body, {"Content-Type": "application/json"})
            reply = c.getresponse()
            reply.read()
            equal(reply.status, status, path)
            true(c.sock is sock, f"the connection was closed after {method} {path}")
        c.close()


if __name__ == "__main__":
    main(globals())
