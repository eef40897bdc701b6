"""The client library of OpenAI for Node, unmodified: openai_node.mjs against daemons started here."""

import os
import subprocess
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "e2e"))
from daemon import ROOT, Daemon, equal, main, true, write_png  # noqa: E402


def run(test, *flags, fake_step_ms=None, before=None):
    """Runs one test of openai_node.mjs; returns the daemon's list of jobs."""
    with Daemon(*flags, fake_step_ms=fake_step_ms) as d, tempfile.NamedTemporaryFile(suffix=".png") as picture:
        picture.write(write_png(64, 64, lambda x, y: (255, 255, 255)))
        picture.flush()
        if before:
            before(d)
        environment = {**os.environ, "CLIENTS_FOLDER": os.path.join(ROOT, ".venv/clients"), "PICTURE": picture.name}
        done = subprocess.run(["node", os.path.join(FOLDER, "openai_node.mjs"), test, str(d.port)], env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
        true(done.returncode == 0, done.stdout + done.stderr)
        return d.get("/api/v1/jobs?limit=100").json()["jobs"]


def test_generate():
    run("generate")


def test_generate_with_urls():
    run("urls", fake_step_ms=0)


def test_stream():
    run("stream", fake_step_ms=100)


def test_edit():
    run("edit")


def test_variation():
    run("variation", fake_step_ms=0)


def test_models():
    run("models", fake_step_ms=0)


def test_errors_have_the_right_classes():
    run("errors", fake_step_ms=1)


def test_a_full_queue_is_a_rate_limit():
    def fill(d):
        for _ in range(2):
            d.submit(steps=100)
            time.sleep(0.2)

    run("full", "--queue-limit", "1", fake_step_ms=50, before=fill)


def test_a_slow_picture_is_made_once_and_delivered():
    equal([job["status"] for job in run("slow", fake_step_ms=100)], ["succeeded"])


if __name__ == "__main__":
    main(globals())
