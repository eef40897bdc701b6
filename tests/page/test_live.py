"""What the page shows while jobs wait and run, and when the server is not there, with a stand-in engine whose steps take as
long as a test wants."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Window  # noqa: E402
from daemon import Daemon, equal, main, true  # noqa: E402

STEP_MS = 100


def jobs_of(daemon):
    return daemon.get("/api/v1/jobs").json()["jobs"]


def start(window, prompt, **fields):
    before = window.at(".tile.drawing").count()
    window.fill(prompt=prompt, **fields)
    window.at("#draw").click()
    window.at(".tile.drawing").nth(before).wait_for()


def test_progress_preview_and_time_left():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d) as w:
        start(w, "tiger", steps=40)
        w.until(lambda: "of 40" in w.text(".drawing .what"), "steps are told")
        w.one(".drawing img")
        equal(w.at(".drawing img").evaluate("e => [e.decode && e.src.slice(0, 15), e.naturalWidth > 0]"),
              ["data:image/png;", True])
        w.until(lambda: "left" in w.text(".drawing .time"), "the time left is told")
        shares = []
        while w.at(".drawing").count():
            share = w.page.evaluate("document.querySelector('.drawing [role=progressbar]')?.getAttribute('aria-valuenow')")
            if share is not None and (not shares or int(share) != shares[-1]):
                shares.append(int(share))
            w.page.wait_for_timeout(40)
        equal(shares, sorted(shares), "progress goes one way")
        true(len(shares) >= 10, f"progress is told as it goes: {shares}")
        w.wait_pictures(1)


def test_progress_comes_by_events():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d) as w:
        start(w, "tiger", steps=20)
        w.wait_pictures(1)
        id = jobs_of(d)[0]["id"]
        equal(len([url for url in w.requests if url.endswith(f"/jobs/{id}/events")]), 1, "one stream")
        asked = [url for url in w.requests if url.endswith(f"/jobs/{id}")]
        true(len(asked) <= 1, f"and next to no questions: {asked}")


def test_progress_comes_by_asking_where_no_stream_gets_through():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d, expects=["/events"]) as w:
        w.page.route("**/events", lambda route: route.abort())
        start(w, "tiger", steps=40)
        w.until(lambda: "of 40" in w.text(".drawing .what"), "steps are told")
        w.wait_pictures(1)


def test_cancel_while_drawing():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d) as w:
        start(w, "tiger", steps=200)
        w.until(lambda: "of 200" in w.text(".drawing .what"), "it is drawn")
        w.button("Cancel: tiger").click()
        w.one(".tile.canceled")
        equal(jobs_of(d)[0]["status"], "canceled")
        w.fill(steps=4)
        w.button("Draw again").click()
        w.one(".tile.drawing")
        equal(jobs_of(d)[0]["request"]["steps"], 200, "the same again")
        w.button("Cancel: tiger").click()
        w.at(".tile.canceled").nth(1).wait_for()
        w.button("Remove").first.click()
        w.until(lambda: w.at(".tile").count() == 1, "it is taken away")


def test_several_jobs_wait_in_line():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d) as w:
        for number in range(8):
            start(w, f"thing {number}", steps=200)
        w.until(lambda: "7th in line" in w.text(".drawing >> nth=7"), "the last one's place")
        equal(w.at(".drawing .prompt").all_inner_texts(), [f"thing {number}" for number in range(8)])
        w.button("Cancel: thing 1").click()
        w.until(lambda: "6th in line" in w.text("[aria-label='thing 7']"), "who waits behind moves up")
        # Streams take connections, of which a browser has six.
        true(len({url for url in w.requests if url.endswith("/events")}) <= 3, "a stream for those in front alone")
        w.button("Cancel: thing 0").click()
        w.until(lambda: "of 200" in w.text("[aria-label='thing 2'] .what"), "the next one is drawn")
        for number in range(2, 8):
            w.button(f"Cancel: thing {number}").click()
        w.until(lambda: w.at(".tile.canceled").count() == 8, "all are canceled")


def test_full_queue_is_told():
    with Daemon("--queue-limit", "1", fake_step_ms=STEP_MS) as d, Window(d, expects=["429"]) as w:
        start(w, "first", steps=100)
        w.until(lambda: "of 100" in w.text(".drawing .what"), "it is drawn")
        start(w, "second")
        w.at("#draw").click()
        w.one("#banner")
        true("queue is full" in w.text("#banner") and "again" in w.text("#banner"), w.text("#banner"))


def test_reload_while_drawing_goes_on():
    with Daemon(fake_step_ms=STEP_MS) as d, Window(d) as w:
        start(w, "tiger", steps=40)
        w.reload()
        w.until(lambda: "of 40" in w.text(".drawing .what"), "it is still followed")
        w.wait_pictures(1)
        equal(len(jobs_of(d)), 1)


def test_server_that_goes_away_and_comes_back():
    away = ["ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED", "ERR_CONNECTION_RESET", "404", "503"]
    with Daemon("--drain-seconds", "0", fake_step_ms=STEP_MS) as first:
        window = Window(first, expects=away)
        window.__enter__()
        start(window, "tiger", steps=200)
    window.until(lambda: "does not answer" in window.text("#banner"), "it is told")
    window.at("#draw").click()
    with Daemon(fake_step_ms=STEP_MS, listen=f"127.0.0.1:{first.port}") as second:
        window.daemon = second
        window.gone("#banner")
        window.one(".tile.lost, .tile.canceled, .tile.failed")
        window.fill(steps=4)
        window.draw("swan")
        window.__exit__(None)


def test_server_that_is_shutting_down():
    with Daemon("--drain-seconds", "5", fake_step_ms=STEP_MS) as d:
        window = Window(d, expects=["503", "ERR_"])
        window.__enter__()
        start(window, "tiger", steps=25)
        d.process.send_signal(signal.SIGTERM)
        window.page.wait_for_timeout(300)
        window.at("#draw").click()
        window.one("#banner")
        true("shutting down" in window.text("#banner"), window.text("#banner"))
        window.wait_pictures(1)
        window.__exit__(None)
        d.process.wait(10)  # by itself: another signal would end it at once, with exit code 1


def test_estimate_is_told_before_drawing():
    with Daemon(fake_step_ms=20) as d, Window(d) as w:
        w.fill(prompt="tiger", steps=30)
        w.until(lambda: "about" in w.text("#estimate"), "how long it will take")


if __name__ == "__main__":
    main(globals())
