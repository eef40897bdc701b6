"""Models that are shown a picture: those that edit one, and those that inpaint.  Arguments: parts of names."""

import base64
import json
import os
import subprocess
import tempfile

from daemon import REAL, ROOT, Daemon, clean_environment, equal, form, main, read_png, true, write_png

FIXTURES = os.path.join(ROOT, "tests/parity/fixtures")
EDIT, INPAINT = (os.path.join(FIXTURES, name, "model") for name in ("edit", "inpaint"))
SIDE = 32
IMAGE = write_png(SIDE, SIDE, lambda x, y: (x * 8, y * 8, 99))
MASK = write_png(SIDE, SIDE, lambda x, y: (255 * (x >= 16),) * 3)
PNG = {"Accept": "image/png"}


def sent(png):
    return base64.b64encode(png).decode()


SMALL = {"prompt": "make it red", "seed": 7, "steps": 2, "sampler": "euler"}
EDITED = {**SMALL, "image": sent(IMAGE)}


def draw(d, fields):
    reply = d.generate(fields, headers=PNG)
    equal(reply.status, 200, reply.body)
    return reply.body


def a1111(d, **fields):
    reply = d.post("/sdapi/v1/img2img", {**SMALL, "sampler": None, "sampler_name": "Euler", "width": SIDE, "height": SIDE,
                                         "init_images": [sent(IMAGE)], **fields})
    equal(reply.status, 200, reply.body)
    told = reply.json()
    return base64.b64decode(told["images"][0]), json.loads(told["info"])


def test_a_picture_is_edited_as_its_guidance_says():
    with Daemon(model=EDIT) as d:
        model = d.get("/api/v1/models").json()["models"][0]
        equal((model["edits"], model["inpaints"]), (True, False))
        equal((model["defaults"]["image_guidance_scale"], model["defaults"]["strength"]), (1.5, 1))
        job = d.generate(EDITED).json()
        equal((job["request"]["image_guidance_scale"], job["request"]["strength"]), (1.5, 1))
        plain = draw(d, EDITED)
        equal(draw(d, {**EDITED, "image_guidance_scale": 1.5}), plain)
        true(draw(d, {**EDITED, "image_guidance_scale": 3}) != plain, "the scale has no part")
        true(draw(d, {**EDITED, "strength": 0.5}) != plain, "the strength has no part")
        true(draw(d, {**EDITED, "mask": sent(MASK)}) != plain, "the mask has no part")


def test_what_an_edit_lacks_is_told_by_name():
    with Daemon(model=EDIT) as d:
        equal(d.generate(SMALL).pointers(), ["/image"])
        equal(d.generate({**SMALL, "image_guidance_scale": 2}).pointers(), ["/image_guidance_scale", "/image"])
        for wrong in (0, -1, 101, "2"):
            equal(d.generate({**EDITED, "image_guidance_scale": wrong}).pointers(), ["/image_guidance_scale"])
        equal(d.generate({**EDITED, "cfg_rescale": 0.5}).pointers(), ["/cfg_rescale"])
        both = {**EDITED, "prompt": "a AND b", "profile": "a1111"}
        equal(d.generate(both).pointers(), ["/image_guidance_scale"])
        equal(d.generate({**both, "image_guidance_scale": 1}).status, 200)
        warned = d.generate({**EDITED, "image_guidance_scale": 0.5}).json()["warnings"]
        true("/image_guidance_scale" in [w["pointer"] for w in warned], warned)
    with Daemon() as d:
        reply = d.generate({**EDITED, "image_guidance_scale": 2, "width": SIDE, "height": SIDE})
        equal(reply.pointers(), ["/image_guidance_scale"])


def test_an_edit_in_the_other_families():
    with Daemon(model=EDIT) as d:
        native = {**EDITED, "profile": "a1111", "scheduler": "model"}
        picture, info = a1111(d)
        equal(picture, draw(d, {**native, "strength": 0.75, "image_guidance_scale": 1}))
        equal(info["is_using_inpainting_conditioning"], False)
        picture, info = a1111(d, image_cfg_scale=2.5, denoising_strength=1)
        equal(picture, draw(d, {**native, "strength": 1, "image_guidance_scale": 2.5}))
        true("Image CFG scale: 2.5" in info["infotexts"][0], info)
        body, kind = form(("image", IMAGE), *((name, str(value)) for name, value in SMALL.items()), ("size", "32x32"),
                          ("image_guidance_scale", "3"), ("response_format", "b64_json"))
        reply = d.post("/v1/images/edits", body, headers={"Content-Type": kind})
        equal(reply.status, 200, reply.body)
        equal(base64.b64decode(reply.json()["data"][0]["b64_json"]), draw(d, {**EDITED, "image_guidance_scale": 3}))


def test_settings_tell_that_the_picture_is_needed_again():
    with Daemon(model=EDIT) as d:
        png = draw(d, {**EDITED, "image_guidance_scale": 2})
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(told["settings"]["Image CFG scale"], "2")
        details = {w["pointer"]: w["detail"] for w in told["warnings"]}
        true(details["/settings/Image CFG scale"].endswith(" as image_guidance_scale"), details)
        equal(draw(d, {**told["request"], "image": sent(IMAGE)}), png)


def test_an_edit_by_the_command_line():
    with tempfile.TemporaryDirectory() as folder, Daemon(model=EDIT) as d:
        image, out = os.path.join(folder, "in.png"), os.path.join(folder, "out.png")
        with open(image, "wb") as file:
            file.write(IMAGE)
        flags = ["--model", EDIT, "--prompt", SMALL["prompt"], "--seed", "7", "--steps", "2", "--sampler", "euler",
                 "--output", out, "--image-guidance-scale", "2.5"]
        env = clean_environment()
        done = subprocess.run([REAL, "generate", *flags, "--init-image", image], env=env, capture_output=True, text=True)
        equal(done.returncode, 0, done.stderr)
        with open(out, "rb") as file:
            equal(read_png(file.read())[2], read_png(draw(d, {**EDITED, "image_guidance_scale": 2.5}))[2])
        done = subprocess.run([REAL, "generate", *flags], env=env, capture_output=True, text=True)
        equal(done.returncode, 2)
        true("--image-guidance-scale: only with --init-image" in done.stderr, done.stderr)


def test_a_model_that_inpaints_by_itself():
    with Daemon(model=INPAINT) as d:
        model = d.get("/api/v1/models").json()["models"][0]
        equal((model["edits"], model["inpaints"]), (False, True))
        small = {**SMALL, "width": SIDE, "height": SIDE}
        masked = {**small, "image": sent(IMAGE), "mask": sent(MASK), "strength": 1}
        pictures = {draw(d, small), draw(d, {**masked, "strength": 0.5}), draw(d, masked), draw(d, {**masked, "profile": "a1111"})}
        equal(len(pictures), 4)
        picture, info = a1111(d, mask=sent(MASK), inpaint_full_res=False, inpainting_fill=1, mask_blur=0, denoising_strength=1)
        equal(picture, draw(d, {**masked, "profile": "a1111", "scheduler": "model"}))
        equal(info["is_using_inpainting_conditioning"], True)


if __name__ == "__main__":
    main(globals())
