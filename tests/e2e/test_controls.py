"""ControlNets: a folder of them, pictures that requests hold the drawing to, and what is no use told by name.  Arguments: parts
of names."""

import base64
import os
import subprocess
import tempfile

from daemon import REAL, ROOT, Daemon, clean_environment, equal, main, read_png, true, write_png

FIXTURES = os.path.join(ROOT, "tests/parity/fixtures")
MODEL, OTHER = (os.path.join(FIXTURES, name, "model") for name in ("sd15", "sdxl"))
NETS = os.path.join(FIXTURES, "controls/controlnets")
SIDE = 24
PNG = {"Accept": "image/png"}


def picture(width=SIDE, height=SIDE):
    """A white square on black."""
    png = write_png(width, height, lambda x, y: (255 * (width // 4 <= x < 3 * width // 4 and y >= height // 3),) * 3)
    return base64.b64encode(png).decode()


SMALL = {"prompt": "a red fox", "seed": 7, "steps": 4, "width": SIDE, "height": SIDE, "sampler": "euler"}


def control(**fields):
    return {"model": "folder", "image": picture(), **fields}


def draw(d, *controls, **fields):
    reply = d.generate({**SMALL, **({"controls": list(controls)} if controls else {}), **fields}, headers=PNG)
    equal(reply.status, 200, reply.body)
    return read_png(reply.body)


def test_networks_are_listed():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        nets = d.get("/api/v1/models").json()["models"][0]["controlnets"]
        equal(sorted((net["name"], "refused" in net) for net in nets), [("file", False), ("folder", False), ("plain", False)])
    with Daemon(model=MODEL) as d:
        equal(d.get("/api/v1/models").json()["models"][0]["controlnets"], [])
        equal(d.generate({**SMALL, "controls": [control()]}).pointers(), ["/controls"])


def test_every_member_has_its_part():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        plain, held = draw(d), draw(d, control())
        equal(draw(d, control(weight=1, start=0, end=1, preprocessor="none")), held, "these are what it is without them")
        seen = [plain, held]
        for controls in ([control(weight=0.4)], [control(start=0.5)], [control(end=0.5)], [control(model="file")],
                         [control(preprocessor="canny")], [control(), control(model="file")]):
            seen.append(draw(d, *controls))
            true(seen[-1] not in seen[:-1], f"a member has no part: {len(seen)}")
        off = [abs(a - b) for a, b in zip(draw(d, control(weight=0))[2], plain[2])]
        true(max(off) <= 1, f"nothing is added, but for rounding: {max(off)} levels, {sum(map(bool, off))} values")
        equal(draw(d, control(preprocessor="canny", low_threshold=100, high_threshold=200)), seen[6], "the standard thresholds")


def test_a_picture_of_another_size_is_resized_with_a_warning():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        job = d.generate({**SMALL, "controls": [control(image=picture(60, 30))]}).json()
        told = {warning["pointer"]: warning["detail"] for warning in job["warnings"]}
        true("60 x 30" in told["/controls"], told)
        (told,) = job["request"]["controls"]
        equal({key: told[key] for key in ("model", "weight", "start", "end", "resize", "preprocessor")},
              {"model": "folder", "weight": 1, "start": 0, "end": 1, "resize": "stretch", "preprocessor": "none"})
        seen = [draw(d, control(image=picture(60, 30), resize=how))[2] for how in ("stretch", "crop", "fill")]
        true(all(seen.count(one) == 1 for one in seen), "each way gives another picture")
        equal(draw(d, control(resize="crop"))[2], draw(d, control(resize="fill"))[2], "one of the drawing's size is as it is")
        reply = d.generate({**SMALL, "controls": [control(image=picture(60, 30), resize="fill")]}, headers=PNG)
        true(b"Resize Mode: Resize and Fill" in reply.body, "what the PNG says")


def test_settings_tell_that_a_picture_was_held_to_another():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        reply = d.generate({**SMALL, "controls": [control(weight=0.5, preprocessor="canny")]}, headers=PNG)
        true(b'ControlNet 0: "Module: canny, Model: folder, Weight: 0.5' in reply.body, "what the PNG says")
        true(b"Threshold A: 100, Threshold B: 200" in reply.body, "and of the edges")
        told = d.post("/api/v1/inspect", reply.body, headers={"Content-Type": "image/png"}).json()
        equal(["controls" in warning["detail"] for warning in told["warnings"]], [True], told)


def test_what_is_wrong_is_told_by_name():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        for fields, pointer, words in (
                ({"model": "nobody"}, "/controls", "nobody"),
                ({"model": ""}, "/controls/0/model", "is missing"),
                ({"image": None}, "/controls/0/image", "is missing"),
                ({"image": "AAAA"}, "/controls/0/image", ""),
                ({"weight": "1"}, "/controls/0/weight", "a number"),
                ({"start": -0.1}, "/controls/0/start", "from 0 to 1"),
                ({"start": 0.5, "end": 0.5}, "/controls/0/end", "above start"),
                ({"preprocessor": "depth"}, "/controls/0/preprocessor", "none, canny"),
                ({"resize": "inner"}, "/controls/0/resize", "stretch, crop, fill"),
                ({"resize": "crop", "image": picture(400, 8)}, "/controls", "aspect of more than 16 times"),
                ({"low_threshold": 3}, "/controls/0/low_threshold", "canny"),
                ({"preprocessor": "canny", "low_threshold": 201}, "/controls/0/high_threshold", "201"),
                ({"strength": 1}, "/controls/0", "strength")):
            reply = d.generate({**SMALL, "controls": [control(**fields)]})
            equal((reply.status, reply.pointers()), (422, [pointer]), fields)
            true(words in reply.json()["errors"][0]["detail"], reply.body)
        for controls, pointer in (("folder", "/controls"), ([1], "/controls/0"), ([control()] * 9, "/controls")):
            equal(d.generate({**SMALL, "controls": controls}).pointers(), [pointer], str(controls)[:40])
        equal(d.generate({**SMALL, "controls": [control()], "deepcache_interval": 2}).pointers(), ["/deepcache_interval"])


def test_a_network_for_another_model_is_refused_by_name():
    with Daemon("--controlnets-dir", NETS, model=OTHER) as d:
        nets = d.get("/api/v1/models").json()["models"][0]["controlnets"]
        true(all(net["refused"] for net in nets) and len(nets) == 3, nets)
        reply = d.generate({**SMALL, "controls": [control()]})
        equal((reply.status, reply.pointers()), (422, ["/controls"]))
        true("cannot be used" in reply.json()["errors"][0]["detail"], reply.body)
    true(any("event=controlnet_refused" in line for line in d.log), "the log tells of it")


def test_the_command_line_takes_them():
    with tempfile.TemporaryDirectory() as out:
        def run(*more, nets=("--controlnets-dir", NETS), model=MODEL):
            done = subprocess.run([REAL, "generate", "--model", model, "--prompt", SMALL["prompt"], "--seed", "7", "--steps", "4",
                                   "--width", str(SIDE), "--height", str(SIDE), "--sampler", "euler", "--output", "-", *nets, *more],
                                  capture_output=True, check=False, env=clean_environment(), cwd=out)
            return done.returncode, done.stderr.decode(), read_png(done.stdout) if done.returncode == 0 else None

        with open(os.path.join(out, "square.png"), "wb") as file:
            file.write(base64.b64decode(picture()))
        with open(os.path.join(out, "wide.png"), "wb") as file:
            file.write(base64.b64decode(picture(60, 30)))
        with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
            equal(run("--control", "folder:square.png")[2], draw(d, control()))
            equal(run("--control", "folder:square.png,weight=0.4,end=0.5", "--control", "file:square.png,preprocessor=canny")[2],
                  draw(d, control(weight=0.4, end=0.5), control(model="file", preprocessor="canny")))
        true("warning: --control: a picture of 60 x 30 pixels was resized" in run("--control", "folder:wide.png")[1], "resized")
        for given, words in (("nobody:square.png", '--control: there is no ControlNet "nobody"'),
                             ("folder:none.png", "--control: none.png: "), ("folder", "is not NAME:FILE"),
                             ("folder:square.png,start=2", "start: send a number from 0 to 1")):
            code, told, _ = run("--control", given)
            true(code == 2 and words in told, told)
        true("--control: only with --controlnets-dir" in run("--control", "folder:square.png", nets=())[1], "no folder")
        equal(run(nets=("--controlnets-dir", out + "/none"))[0], 2)
        code, told, _ = run("--control", "folder:square.png", model=OTHER)
        true(code == 2 and 'warning: --controlnets-dir: "folder": is made for another model' in told, told)


# What AUTOMATIC1111's clients send.
ASKED = {"prompt": SMALL["prompt"], "seed": 7, "steps": 4, "width": SIDE, "height": SIDE, "sampler_name": "Euler"}


def unit(**fields):
    """A unit as the library webuiapi sends it."""
    return {"input_image": picture(), "mask": "", "module": "none", "model": "folder", "weight": 1.0, "resize_mode": "Just Resize",
            "low_vram": False, "processor_res": 512, "threshold_a": 64, "threshold_b": 64, "guidance_start": 0.0, "guidance_end": 1.0,
            "control_mode": 0, "pixel_perfect": False, "hr_option": "Both", "enabled": True, **fields}


def ask(d, *units, route="txt2img", name="ControlNet", **fields):
    return d.post("/sdapi/v1/" + route, {**ASKED, "alwayson_scripts": {name: {"args": list(units)}}, **fields})


def drawn(d, *units, **fields):
    reply = ask(d, *units, **fields)
    equal(reply.status, 200, reply.body)
    return read_png(base64.b64decode(reply.json()["images"][0]))


def told(d, *units, **fields):
    """{place: message} of what is refused."""
    reply = ask(d, *units, **fields)
    equal(reply.status, 422, reply.body)
    return {"/".join(item["loc"][1:]): item["msg"] for item in reply.json()["detail"]}


def test_units_of_automatic1111s_extension_are_controls():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        def native(*controls, **fields):
            return draw(d, *controls, profile="a1111", scheduler="model", **fields)

        held = native(control())
        equal(drawn(d, unit()), held)
        equal(drawn(d, unit(input_image=None, image={"image": picture()}), name="controlnet"), held)
        equal(drawn(d, {"image": "data:image/png;base64," + picture(), "model": "Folder [0123abcd]"}),
              native(control(resize="crop")), "the rest is standard")
        equal(drawn(d, unit(enabled=False, model="nobody"), None, {"enabled": False}), native(), "what is off is not looked at")
        equal(drawn(d, unit(weight=0.5, guidance_start=0.25, guidance_end=0.75), unit(model="file", threshold_a=-1)),
              native(control(weight=0.5, start=0.25, end=0.75), control(model="file")))
        edges = native(control(preprocessor="canny"))
        equal(drawn(d, unit(module="canny", threshold_a=-1, threshold_b=-1)), edges)
        equal(drawn(d, unit(module="canny", threshold_a=200, threshold_b=100, pixel_perfect=True)), edges, "in either order")
        wide = {"input_image": picture(60, 30)}
        for mode, how in ((0, "stretch"), (1, "crop"), (2, "fill"), ("Crop and Resize", "crop"), ("Resize and Fill", "fill"),
                          ("Envelope (Outer Fit)", "fill")):
            equal(drawn(d, unit(resize_mode=mode, **wide)), native(control(image=picture(60, 30), resize=how)), mode)


def test_a_unit_without_a_picture_takes_the_init_image():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        start = {"init_images": [picture(60, 30)], "denoising_strength": 0.5}
        equal(drawn(d, unit(input_image=None), route="img2img", **start), drawn(d, unit(**{"input_image": start["init_images"][0]}),
                                                                               route="img2img", **start))
        equal(list(told(d, unit(input_image=""))), ["alwayson_scripts/controlnet/args/0/image"])
        whole = {**start, "mask": picture(60, 30)}
        equal(list(told(d, unit(), route="img2img", **whole)), ["inpaint_full_res"])
        equal(ask(d, unit(), route="img2img", inpaint_full_res=False, **whole).status, 200)


def test_what_is_wrong_with_a_unit_is_told_by_its_field():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        for fields, name, words in (
                ({"module": "depth_midas"}, "module", "send none or canny"), ({"module": 3}, "module", "a string"),
                ({"model": "nobody [12345678]"}, "model", "GET /controlnet/model_list"), ({"model": "None"}, "model", "no ControlNet"),
                ({"weight": 2.5}, "weight", "send 0 to 2"), ({"guidance_end": -1}, "guidance_end", "send 0 to 1"),
                ({"resize_mode": 3}, "resize_mode", "Resize and Fill"), ({"control_mode": 1}, "control_mode", '"Balanced"'),
                ({"control_mode": "ControlNet is more important"}, "control_mode", '"Balanced"'),
                ({"mask": picture()}, "mask", "mask"), ({"image": {"image": picture(), "mask": picture()}}, "image", "mask"),
                ({"image": 7}, "image", "as base64"), ({"module": "canny", "threshold_a": 300}, "threshold_a", "1 to 255"),
                ({"module": "canny", "threshold_b": 9.5}, "threshold_b", "an integer"), ({"hr_option": "Low res only"}, "hr_option", "Both"),
                ({"advanced_weighting": [1] * 13}, "advanced_weighting", "one weight"), ({"loopback": True}, "loopback", "own"),
                ({"guess_mode": True}, "guess_mode", "prompt")):
            wrong = told(d, unit(), unit(**fields))
            equal(list(wrong), [f"alwayson_scripts/controlnet/args/1/{name}"], fields)
            true(words in wrong[f"alwayson_scripts/controlnet/args/1/{name}"], wrong)
        true("above start" in told(d, unit(guidance_start=0.5, guidance_end=0.5))["alwayson_scripts"], "what the native API finds")
        equal(list(told(d, *[unit()] * 9)), ["alwayson_scripts"])
        equal(list(told(d, unit(input_image="AAAA"))), ["alwayson_scripts"])
        for args in (None, {}, "x", 3):
            equal(list(told(d, alwayson_scripts={"controlnet": {"args": args}})), ["alwayson_scripts/controlnet/args"], args)
        equal(list(told(d, 3, [], "x")), [f"alwayson_scripts/controlnet/args/{i}" for i in range(3)])
        true("always on script not found" in told(d, alwayson_scripts={"ADetailer": {"args": [True]}})["alwayson_scripts"], "another")
        reply = ask(d, unit(module="canny", other=1))
        heard = " ".join(reply.headers.get_all("X-Latentd-Warning"))
        true("processor_res" in heard and "other" in heard, heard)
        equal(reply.json()["parameters"]["alwayson_scripts"], {}, "pictures are not told back")


def test_automatic1111s_lists_of_control_nets():
    with Daemon("--controlnets-dir", NETS, model=MODEL) as d:
        equal(d.get("/controlnet/version").json(), {"version": 2})
        equal(sorted(d.get("/controlnet/model_list?update=true").json()["model_list"]), ["file", "folder", "plain"])
        modules = d.get("/controlnet/module_list?alias_names=true").json()
        equal(modules["module_list"], ["none", "canny"])
        equal([slider["value"] for slider in modules["module_detail"]["canny"]["sliders"]], [100, 200])
        equal(d.get("/controlnet/detect").json()["errors"], "not_found")
    with Daemon("--controlnets-dir", NETS, model=OTHER) as d:
        equal(d.get("/controlnet/model_list").json(), {"model_list": []})
        true("cannot be used" in told(d, unit())["alwayson_scripts"], "a network for another model")


if __name__ == "__main__":
    main(globals())
