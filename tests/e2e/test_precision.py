"""Requests whose products are of bf16: by field, by the daemon's default, told of in pictures.  Arguments: parts of names."""

import base64

from daemon import Daemon, equal, main, read_png, true

SMALL = {"prompt": "3d tiger", "seed": 7, "steps": 2, "width": 32, "height": 32}
PNG = {"Accept": "image/png"}


def draw(d, **fields):
    reply = d.generate({**SMALL, **fields}, headers=PNG)
    equal(reply.status, 200, reply.body)
    return reply.body


def settings(picture):
    return read_png(picture)[3]["parameters"]


def test_a_request_asks_for_it_and_its_picture_says_so():
    with Daemon() as d:
        exact, near = draw(d), draw(d, precision="bf16")
        true("Precision" not in settings(exact), settings(exact))
        true(", Precision: bf16, " in settings(near), settings(near))
        true(read_png(exact)[2] != read_png(near)[2], "another picture")
        equal(draw(d, precision="f32"), exact)
        told = d.post("/api/v1/inspect", near, headers={"Content-Type": "image/png"})
        equal(told.status, 200, told.body)
        equal(told.json()["request"]["precision"], "bf16")
        equal(draw(d, **told.json()["request"]), near, "what it was drawn by draws it again")


def test_the_daemon_has_a_default_for_every_api():
    with Daemon() as d:
        exact, near = draw(d), draw(d, precision="bf16")
    with Daemon("--precision", "bf16") as d:
        equal(draw(d), near)
        equal(draw(d, precision="f32"), exact)
        equal(d.wait(d.submit(**SMALL))["request"]["precision"], "bf16")
        made = d.post("/sdapi/v1/txt2img", {"prompt": "3d tiger", "seed": 7, "steps": 2, "width": 32, "height": 32})
        equal(made.status, 200, made.body)
        true("Precision: bf16" in settings(base64.b64decode(made.json()["images"][0])), "of AUTOMATIC1111's API as well")
        equal(d.get("/api/v1/models").json()["models"][0]["defaults"]["precision"], "bf16")


def test_another_word_is_refused():
    with Daemon() as d:
        reply = d.generate({**SMALL, "precision": "f16"})
        equal((reply.status, reply.pointers()), (422, ["/precision"]), reply.body)


if __name__ == "__main__":
    main(globals())
