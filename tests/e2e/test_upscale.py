"""Kind upscale: a folder of networks, pictures that they make larger, and what is no use told by name.  Arguments: parts of
names."""

import base64
import json
import os
import shutil
import tempfile

from daemon import ROOT, Daemon, equal, main, read_png, true, write_png

FIXTURES = os.path.join(ROOT, "tests/parity/fixtures")
MODEL = os.path.join(FIXTURES, "sd15/model")
NETS = os.path.join(FIXTURES, "upscale/upscalers")
PNG = {"Accept": "image/png"}


def picture(width=20, height=14):
    """A slope with a square on it, as PNG."""
    return write_png(width, height, lambda x, y: (12 * x % 256, 200 if 4 <= y < 9 else 40, 250 - 10 * y % 250))


def coded(png):
    return base64.b64encode(png).decode()


def asked(upscaler="x4", png=None, **fields):
    return {"kind": "upscale", "upscaler": upscaler, "image": coded(png or picture()), **fields}


def text_of(png):
    """The PNG's text of settings."""
    return read_png(png)[3]["parameters"]


def test_upscalers_are_listed():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        found = {u["name"]: (u.get("architecture"), u.get("scale"), "refused" in u)
                 for u in d.get("/api/v1/upscalers").json()["upscalers"]}
        equal(found["x4"], ("esrgan", 4, False))
        equal(found["listed-x2"], ("esrgan", 2, False))
        equal(found["compact"], ("compact", 4, False))
        equal(found["lanczos"], ("resample", None, False))
        equal(len(found), 13)
    with Daemon(model=MODEL) as d:
        equal([u["name"] for u in d.get("/api/v1/upscalers").json()["upscalers"]], ["lanczos", "nearest"])


def test_a_picture_is_made_larger():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        seen = []
        for fields, size in (({}, (80, 56)), ({"scale": 2.5}, (50, 35)), ({"scale": 8}, (160, 112)), ({"scale": 1}, (20, 14)),
                             ({"upscaler": "trunk"}, (80, 56)), ({"upscaler": "x1"}, (20, 14)),
                             ({"upscaler": "lanczos"}, (40, 28)), ({"upscaler": "nearest", "scale": 4}, (80, 56))):
            reply = d.generate({**asked(), **fields}, headers=PNG)
            equal(reply.status, 200, reply.body)
            width, height, pixels, _ = read_png(reply.body)
            equal((width, height), size, fields)
            true(pixels not in seen, f"the same as another: {fields}")
            seen.append(pixels)
        without_kind = {key: value for key, value in asked().items() if key != "kind"}
        equal(read_png(d.generate(without_kind, headers=PNG).body)[2], seen[0], "an upscaler says the kind")
        strict = read_png(d.generate(asked(numerics="strict"), headers=PNG).body)[2]
        true(max(abs(a - b) for a, b in zip(strict, seen[0])) <= 1, "strict numerics are the same picture")
        for fmt in ("jpeg", "webp"):
            job = d.generate(asked(output={"format": fmt})).json()
            equal(job["images"][0]["media_type"], f"image/{fmt}")


def test_it_is_a_job_as_any_other():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        reply = d.post("/api/v1/jobs", asked(scale=3, tags=["large"]))
        equal(reply.status, 202, reply.body)
        made = d.get(f"/api/v1/jobs/{reply.json()['id']}?wait=30&include=b64_png").json()
        while made["status"] in ("queued", "running"):
            made = d.get(f"/api/v1/jobs/{made['id']}?wait=30&include=b64_png").json()
        equal(made["status"], "succeeded", made)
        equal(made["request"], {"kind": "upscale", "upscaler": "x4", "scale": 3, "numerics": "default",
                                "output": {"format": "png", "metadata": True}, "tags": ["large"]})
        (image,) = made["images"]
        equal((image["width"], image["height"], "seed" in image), (60, 42, False))
        equal(read_png(base64.b64decode(image["b64_png"]))[:2], (60, 42))
        again = d.post(f"/api/v1/jobs/{made['id']}/retry").json()
        while again["status"] in ("queued", "running"):
            again = d.get(f"/api/v1/jobs/{again['id']}?wait=30").json()
        equal(again["images"][0]["sha256"], image["sha256"])
        estimate = d.post("/api/v1/estimate", asked()).json()
        true(estimate["seconds"] > 0 and estimate["bytes"] > 0, estimate)
        events = d.generate(asked(), headers={"Accept": "text/event-stream"}).body.decode()
        true("event: progress" in events and "event: succeeded" in events, events)


def test_a_long_one_can_be_canceled():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        reply = d.post("/api/v1/jobs", asked("wide", picture(250, 250), scale=8))
        equal(reply.status, 202, reply.body)
        id = reply.json()["id"]
        while d.get(f"/api/v1/jobs/{id}").json()["status"] == "queued":
            pass
        steps = d.get(f"/api/v1/jobs/{id}").json()["progress"]["steps"]
        equal(steps, 1 + 16, "tiles of the picture, and of the one that is four times as large")
        d.post(f"/api/v1/jobs/{id}/cancel")
        job = d.get(f"/api/v1/jobs/{id}?wait=30").json()
        while job["status"] == "running":
            job = d.get(f"/api/v1/jobs/{id}?wait=30").json()
        equal(job["status"], "canceled")


def test_settings_go_on_with_the_picture():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        drawn = d.generate({"prompt": "a red fox", "seed": 7, "steps": 2, "width": 24, "height": 24}, headers=PNG).body
        large = d.generate(asked("x2", drawn), headers=PNG).body
        equal(text_of(large), text_of(drawn) + ", Postprocess upscale by: 2, Postprocess upscaler: x2")
        plain = d.generate(asked(), headers=PNG).body
        equal(text_of(plain), "Postprocess upscale by: 4, Postprocess upscaler: x4")
        true(b"Postprocess" not in d.generate(asked(output={"metadata": False}), headers=PNG).body, "without settings")
        told = d.post("/api/v1/inspect", large, headers={"Content-Type": "image/png"}).json()
        equal(told["request"]["prompt"], "a red fox")
        true(any("Postprocess" in json.dumps(warning) for warning in told["warnings"]), told)


def test_what_is_wrong_is_told_by_name():
    with Daemon("--upscalers-dir", NETS, "--max-upscaled-pixels", "20000", model=MODEL) as d:
        for fields, pointers, words in (
                ({"upscaler": "nobody"}, ["/upscaler"], "nobody"),
                ({"upscaler": 4}, ["/upscaler"], "a string"),
                ({"scale": 0.5}, ["/scale"], "from 1 to 8"),
                ({"scale": 9}, ["/scale"], "from 1 to 8"),
                ({"scale": 5}, ["/scale"], "71680 pixels"),  # on the way: the network makes it 16 times as large
                ({"image": "AAAA"}, ["/image"], ""),
                ({"prompt": "a fox"}, ["/prompt"], "no meaning"),
                ({"steps": 3, "seed": 1}, ["/seed", "/steps"], "no meaning"),
                ({"count": 2}, ["/count"], "no meaning"),
                ({"kind": "txt2img", "prompt": ""}, ["/kind", "/upscaler"], "")):
            reply = d.generate({**asked(), **fields})
            equal((reply.status, sorted(reply.pointers())), (422, pointers), fields)
            true(words in reply.json()["errors"][0]["detail"], reply.body)
        for missing, pointer in (("upscaler", "/upscaler"), ("image", "/image")):
            body = asked()
            del body[missing]
            equal(d.generate(body).pointers(), [pointer])
        equal(d.generate({"prompt": "", "scale": 2}).pointers(), ["/scale"])
        lenient = d.generate(asked(steps=3, scale=2), headers={"Prefer": "handling=lenient"})
        equal(lenient.status, 200, lenient.body)
        equal([warning["pointer"] for warning in lenient.json()["warnings"]], ["/steps"])


def test_automatic1111s_extras_name_networks():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        def one(**fields):
            reply = d.post("/sdapi/v1/extra-single-image", {"image": coded(picture()), **fields})
            equal(reply.status, 200, reply.body)
            return read_png(base64.b64decode(reply.json()["image"]))

        listed = {u["name"]: u["scale"] for u in d.get("/sdapi/v1/upscalers").json()}
        equal([listed[name] for name in ("None", "Lanczos", "Nearest", "x4", "listed-x8", "x1")], [4, 4, 4, 4, 8, 1])
        native = read_png(d.generate(asked(), headers=PNG).body)
        equal(one(upscaler_1="X4", upscaling_resize=4)[:3], native[:3], "the native API's picture, by a name in other letters")
        equal(one(upscaler_1="x4")[:2], (40, 28))
        equal(one(upscaler_1="x4", upscaling_resize=4)[3], native[3], "and its settings")
        both = one(upscaler_1="x4", upscaling_resize=4, upscaler_2="Lanczos", extras_upscaler_2_visibility=0.4)
        true(both[2] != native[2] and "Postprocess upscaler 2: lanczos" in both[3]["parameters"], both[3])
        cut = {"resize_mode": 1, "upscaling_resize_w": 30, "upscaling_resize_h": 30, "upscaler_1": "x2"}
        equal(one(**cut)[:2], (30, 30))
        equal(one(**cut, upscaling_crop=False)[:2], (43, 30))
        reply = d.post("/sdapi/v1/extra-batch-images", {"imageList": [{"data": coded(picture()), "name": "a"},
                                                                      {"data": coded(picture(9, 7)), "name": "b"}],
                                                        "upscaler_1": "x4", "upscaling_resize": 4, "other": 1})
        sizes = [read_png(base64.b64decode(image))[:2] for image in reply.json()["images"]]
        equal(sizes, [(80, 56), (36, 28)])
        true("other" in reply.headers["X-Latentd-Warning"], reply.headers)
        (job, *_) = d.get("/api/v1/jobs").json()["jobs"]
        equal((job["family"], job["request"]["kind"], len(job["images"])), ("a1111", "upscale", 2))
        for bad in ({"upscaler_1": "nobody"}, {"upscaler_1": "x4", "gfpgan_visibility": 0.5}):
            equal(d.post("/sdapi/v1/extra-single-image", {"image": coded(picture()), **bad}).status, 422)


def test_a_second_pass_begins_with_a_networks_picture():
    with Daemon("--upscalers-dir", NETS, model=MODEL) as d:
        asked = {"prompt": "a red fox", "seed": 7, "steps": 4, "width": 24, "height": 16, "hr_scale": 2, "strength": 0.5}
        seen = []
        for fields in ({}, {"hr_upscaler": "lanczos"}, {"upscaler": "x4"}, {"upscaler": "listed-x2"}):
            reply = d.generate({**asked, **fields}, headers=PNG)
            equal(reply.status, 200, reply.body)
            seen.append(read_png(reply.body))
            equal(seen[-1][:2], (48, 32), fields)
        equal(len({bytes(picture[2]) for picture in seen}), 4, "each is another picture")
        true(", Hires upscaler: listed-x2" in seen[3][3]["parameters"], seen[3][3])
        again = d.post("/api/v1/inspect", reply.body, headers={"Content-Type": "image/png"}).json()["request"]
        equal(again["upscaler"], "listed-x2")
        equal(read_png(d.generate(again, headers=PNG).body), seen[3], "what it says makes it again")
        job = d.generate({**asked, "upscaler": "x4", "hr_upscaler": "network"}).json()
        equal((job["request"]["hr_upscaler"], job["request"]["upscaler"]), ("network", "x4"))
        reply = d.post("/sdapi/v1/txt2img", {"prompt": "a red fox", "seed": 7, "steps": 4, "width": 24, "height": 16, "enable_hr": True,
                                             "denoising_strength": 0.5, "hr_upscaler": "Listed-x2"})
        equal(reply.status, 200, reply.body)
        true(", Hires upscaler: listed-x2" in reply.json()["info"], reply.body)
        for fields, pointer in (({"hr_upscaler": "network"}, "/hr_upscaler"), ({"upscaler": "nobody"}, "/upscaler"),
                                ({"upscaler": "x4", "hr_upscaler": "lanczos"}, "/hr_upscaler"), ({"upscaler": "x4", "scale": 2}, "/scale")):
            equal(d.generate({**asked, **fields}).pointers(), [pointer], fields)


def test_files_that_are_no_use_are_refused_by_name():
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(NETS, "x2.safetensors"), folder)
        with open(os.path.join(NETS, "x4.safetensors"), "rb") as whole:
            cut = whole.read()[:-50]
        for name, content in (("cut.safetensors", cut), ("RealESRGAN_x4plus.pth", b"PK")):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        shutil.copy(os.path.join(FIXTURES, "upscale/tensors.safetensors"), folder)
        with Daemon("--upscalers-dir", folder, model=MODEL) as d:
            refused = {u["name"]: u.get("refused", "") for u in d.get("/api/v1/upscalers").json()["upscalers"]}
            equal(refused["x2"], "")
            true("convert it" in refused["RealESRGAN_x4plus"], refused)
            true("no upscaler" in refused["tensors"] and refused["cut"], refused)
            reply = d.generate(asked("RealESRGAN_x4plus"))
            equal((reply.status, reply.pointers()), (422, ["/upscaler"]))
            true("cannot be used" in reply.json()["errors"][0]["detail"], reply.body)
            equal(d.generate(asked("x2")).status, 200)
        true(sum("event=upscaler_refused" in line for line in d.log) == 3, "the log tells of them")


if __name__ == "__main__":
    main(globals())
