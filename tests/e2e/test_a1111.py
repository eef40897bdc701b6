"""AUTOMATIC1111's API over loopback: what its clients send, what they get, and what is refused."""

import base64
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import (MODEL, ROOT, Daemon, equal, main, raw, read_png, status_of, true, within,  # noqa: E402
                    write_png)

API = "/sdapi/v1/"
INFO = {"prompt", "all_prompts", "negative_prompt", "all_negative_prompts", "seed", "all_seeds", "subseed", "all_subseeds",
        "subseed_strength", "width", "height", "sampler_name", "cfg_scale", "steps", "batch_size", "restore_faces",
        "face_restoration_model", "sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash", "seed_resize_from_w",
        "seed_resize_from_h", "denoising_strength", "extra_generation_params", "index_of_first_image", "infotexts",
        "styles", "job_timestamp", "clip_skip", "is_using_inpainting_conditioning", "version"}
PICTURE = base64.b64encode(write_png(64, 64, lambda x, y: (x * 3, y * 3, 99))).decode()


def draw(d, route="txt2img", **fields):
    reply = d.post(API + route, {"prompt": "a red circle", "seed": 7, "steps": 2, **fields})
    equal(reply.status, 200, reply.body)
    return reply


def info(reply):
    return json.loads(reply.json()["info"])


def image(reply, index=0):
    return base64.b64decode(reply.json()["images"][index], validate=True)


def native(d, **fields):
    reply = d.generate({"prompt": "a red circle", "seed": 7, "steps": 2, "profile": "a1111", **fields})
    equal(reply.status, 200, reply.body)
    return base64.b64decode(reply.json()["images"][0]["b64_png"])


def warnings(reply):
    return reply.headers.get_all("X-Latentd-Warning") or []


def wrong(reply, status=422):
    """{place: message} of a reply in the form of a validation."""
    equal(reply.status, status, reply.body)
    equal(reply.headers["Content-Type"], "application/json")
    detail = reply.json()["detail"]
    true(isinstance(detail, list), reply.body)
    for item in detail:
        equal(sorted(item), ["loc", "msg", "type"])
        equal(item["loc"][0], "body")
    return {"/".join(str(part) for part in item["loc"][1:]): item["msg"] for item in detail}


def refused(d, *places, route="txt2img", **fields):
    told = wrong(d.post(API + route, {"prompt": "", **fields}))
    equal(sorted(told), sorted(places), fields)
    return told


def raised(reply, status, words):
    """A reply in the form of an exception."""
    equal(reply.status, status, reply.body)
    error = reply.json()
    equal(sorted(error), ["body", "detail", "error", "errors"])
    equal(error["error"], "HTTPException")
    true(words in error["detail"], error)
    return error


def progress(d, **more):
    return d.get(API + "progress", **more).json()


def until(what, seconds=20):
    end = time.monotonic() + within(seconds)
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError("it does not come about")


class Drawing:
    """A request in a thread of its own."""

    def __init__(self, d, **fields):
        self.reply = None
        self.thread = threading.Thread(target=self._run, args=(d, {"prompt": "", "steps": 150, **fields}))
        self.thread.start()

    def _run(self, d, fields):
        self.reply = d.post(API + "txt2img", fields)

    def end(self):
        self.thread.join(30)
        true(self.reply is not None, "no reply")
        return self.reply


def test_the_answer_has_all_that_clients_read():
    with Daemon() as d:
        reply = draw(d, negative_prompt="blue", sampler_name="DPM++ 2M Karras", cfg_scale=3, batch_size=2)
        equal(sorted(reply.json()), ["images", "info", "parameters"])
        told = info(reply)
        equal(INFO - set(told), set())
        equal((told["seed"], told["all_seeds"], told["all_prompts"]), (7, [7, 8], ["a red circle"] * 2))
        equal((told["sampler_name"], told["steps"], told["cfg_scale"], told["batch_size"]), ("DPM++ 2M", 2, 3, 2))
        equal((told["index_of_first_image"], told["denoising_strength"], told["clip_skip"]), (0, None, 1))
        for i in range(2):
            equal(read_png(image(reply, i))[3]["parameters"], told["infotexts"][i])
        true(re.fullmatch(r"\d{14}", told["job_timestamp"]), told["job_timestamp"])
        equal(image(reply), native(d, negative_prompt="blue", sampler="dpmpp_2m", scheduler="karras", cfg_scale=3))
        equal(reply.headers["X-Seed"], "7")
        equal(d.get(reply.headers["Location"]).json()["id"], reply.headers["X-Job-Id"])
        true(float(reply.headers["X-Process-Time"]) > 0, "no time")


def test_parameters_are_the_request_with_its_defaults():
    with Daemon(fake_step_ms=0) as d:
        asked = {"prompt": "a", "steps": 3, "script_args": [1, {"a": None}], "override_settings": {"sd_vae": "None"},
                 "hr_upscaler": "Latent", "seed": -1}
        parameters = draw(d, **asked).json()["parameters"]
        for name, value in asked.items():
            equal(parameters[name], value, name)
        equal((parameters["width"], parameters["cfg_scale"], parameters["sampler_name"]), (64, 7.5, "DDIM"))
        equal((parameters["n_iter"], parameters["styles"], parameters["hr_scale"]), (1, [], 2))
        true("init_images" not in parameters, "a field of img2img")
        parameters = draw(d, "img2img", init_images=[PICTURE]).json()["parameters"]
        equal((parameters["init_images"], parameters["mask"], parameters["denoising_strength"]), (None, None, 0.75))
        parameters = draw(d, "img2img", init_images=[PICTURE], include_init_images=True).json()["parameters"]
        equal(parameters["init_images"], [PICTURE])
        secret = draw(d, url="http://127.0.0.1:1", auth="user:secret")
        true(b"secret" not in secret.body and not warnings(secret), "told back")


def test_what_is_left_out_is_the_models():
    with Daemon() as d:
        defaults = d.get("/api/v1/models").json()["models"][0]["defaults"]
        told = info(d.post(API + "txt2img", {}))
        for name in ("steps", "cfg_scale", "width", "height"):
            equal(told[name], defaults[name], name)
        equal(told["sampler_name"].lower(), defaults["sampler"])
        equal(told["prompt"], "")
        nothing = {name: None for name in ("steps", "cfg_scale", "width", "height", "sampler_name", "scheduler", "styles",
                                           "seed", "batch_size", "override_settings", "eta", "alwayson_scripts")}
        equal(info(d.post(API + "txt2img", nothing))["steps"], defaults["steps"])


def test_inert_values_are_taken_without_a_word():
    inert = {"eta": 1.0, "s_churn": 0, "s_tmax": 0, "s_tmin": 0, "s_noise": 1, "seed_resize_from_h": 0,
             "seed_resize_from_w": -1, "styles": [], "scheduler": "automatic", "hr_upscaler": "Latent", "hr_scale": 2.0,
             "denoising_strength": 0.7, "enable_hr": False, "subseed": -1, "subseed_strength": 0.0, "tiling": False,
             "restore_faces": None, "do_not_save_samples": True, "do_not_save_grid": True, "save_images": True,
             "override_settings": {}, "override_settings_restore_afterwards": True, "script_name": None, "script_args": [],
             "alwayson_scripts": {}, "refiner_checkpoint": "None", "refiner_switch_at": 0.8, "comments": {}, "infotext": "",
             "sampler_name": "Euler a", "sampler_index": "Euler", "firstphase_width": 0, "hr_prompt": ""}
    more = {"mask": None, "mask_blur": 4, "inpainting_fill": 1, "inpaint_full_res": True, "inpaint_full_res_padding": 32,
            "inpainting_mask_invert": 0, "initial_noise_multiplier": 1, "image_cfg_scale": 1.5, "resize_mode": 0,
            "latent_mask": None, "include_init_images": False}
    with Daemon() as d:
        plain = draw(d, sampler_name="Euler a")
        equal(image(draw(d, **inert)), image(plain))
        equal(warnings(draw(d, **inert)), [])
        both = {name: value for name, value in inert.items() if not name.startswith(("hr_", "enable_", "firstphase"))}
        pictured = draw(d, "img2img", **dict(both, **more, init_images=[PICTURE]))
        equal(image(pictured), native(d, image=PICTURE, strength=0.7, sampler="euler_a", scheduler="model"))
        equal(warnings(pictured), [])


def test_pictures_that_tile():
    with Daemon() as d:
        tiled = image(draw(d, tiling=True))
        equal(tiled, native(d, tiling=True))
        true(tiled not in (native(d), image(draw(d, tiling=False, seed=8))), "tiling has no part")


def test_a_second_pass():
    with Daemon() as d:
        modes = d.get(API + "latent-upscale-modes").json()
        for mode in modes:
            draw(d, enable_hr=True, width=32, height=32, hr_upscaler=mode["name"])
        equal(len(modes), 3)
        asked = {"enable_hr": True, "width": 64, "height": 64, "denoising_strength": 0.5}
        equal(image(draw(d, **asked)), native(d, width=64, height=64, hr_scale=2, strength=0.5))
        more = dict(asked, hr_scale=1.5, hr_upscaler="Lanczos", hr_second_pass_steps=4, hr_sampler_name="Use same sampler")
        equal(image(draw(d, **more)),
              native(d, width=64, height=64, hr_scale=1.5, strength=0.5, hr_upscaler="lanczos", hr_steps=4))
        for name, value in {"hr_upscaler": "R-ESRGAN 4x+", "hr_resize_x": 128, "hr_prompt": "other", "hr_scale": 1,
                            "hr_sampler_name": "Euler", "firstphase_width": 32}.items():
            refused(d, name, **dict(asked, **{name: value}))


def test_variations_of_a_seed():
    with Daemon() as d:
        asked = {"subseed": 9, "subseed_strength": 0.3, "seed_resize_from_w": 32, "seed_resize_from_h": 48}
        reply = draw(d, batch_size=2, **asked)
        told = info(reply)
        equal(image(reply), native(d, **asked))
        equal(image(reply, 1), native(d, **dict(asked, subseed=10)))
        equal((told["all_seeds"], told["subseed"], told["all_subseeds"]), ([7, 7], 9, [9, 10]))
        equal({name: told[name] for name in asked}, asked)
        equal(image(draw(d, **dict(asked, subseed_strength=0, seed_resize_from_h=-1))), native(d))
        drawn = info(draw(d, subseed_strength=0.5, subseed=-1))
        true(0 <= drawn["subseed"] < 2 ** 32, drawn)


def test_what_would_change_the_picture_is_refused_by_name():
    with Daemon(fake_step_ms=0) as d:
        for name, value in {"restore_faces": True, "subseed_strength": 1.1,
                            "s_min_uncond": 1, "styles": ["x"], "script_name": "X/Y/Z plot",
                            "alwayson_scripts": {"ADetailer": {"args": []}}, "refiner_checkpoint": "other",
                            "firstpass_image": PICTURE, "infotext": "a\nSteps: 3",
                            "eta": 1.5, "prompt": "a <hypernet:thing:1>"}.items():
            told = refused(d, name, sampler_name="Euler a", **{name: value})
            true(len(told[name]) > 10, told)
        for name, value in {"latent_mask": PICTURE, "initial_noise_multiplier": 1.1, "resize_mode": 1, "mask_round": False,
                            "mask": "x", "inpainting_fill": 4, "mask_blur": -1, "mask_blur_x": 3,
                            "inpaint_full_res_padding": -2}.items():
            refused(d, name, route="img2img", init_images=[PICTURE], **dict({"mask": PICTURE}, **{name: value}))
        # All at once, with what the native API finds.
        refused(d, "steps", "width", "batch_size", "restore_faces", "seed", steps=0, width=7, batch_size=99, restore_faces=True,
                seed=-2)


def test_values_of_another_type_are_told_as_pydantic_tells_them():
    with Daemon(fake_step_ms=0) as d:
        for name, value, kind in (("steps", "many", "integer"), ("steps", 2.5, "integer"), ("steps", [], "integer"),
                                  ("cfg_scale", {}, "float"), ("prompt", 3, "str"), ("enable_hr", "yes", "bool"),
                                  ("styles", "a", "list"), ("override_settings", [], "dict"), ("hr_scale", "x", "float")):
            detail = d.post(API + "txt2img", {name: value}).json()["detail"]
            equal([(item["loc"], item["type"]) for item in detail], [(["body", name], "type_error." + kind)], f"{name}={value}")
        for steps in (3, 3.0, "3"):
            equal(info(draw(d, steps=steps))["steps"], 3)
        equal(info(draw(d, seed=2 ** 64 - 1))["seed"], 2 ** 64 - 1)
        equal(draw(d, send_images=0).json()["images"], [])
        for body in ("", "{", "[]", "null", '{"steps": 1, "steps": 2}', b"\xff"):
            told = wrong(d.post(API + "txt2img", body))
            equal(list(told), [""], body)


def test_prompts_have_their_grammar():
    with Daemon() as d:
        plain, weighted = draw(d, prompt="a cat"), draw(d, prompt="a (cat:1.3)")
        true("Profile: a1111" in info(plain)["infotexts"][0], info(plain))
        equal(warnings(weighted), [])
        pixels = [read_png(image(reply))[2] for reply in (plain, weighted, draw(d, prompt="a (cat:1.)"))]
        true(pixels[0] != pixels[1] and pixels[0] == pixels[2], "weights")
        for prompt in ("a [cat:dog:0.5] AND rain :0.3", "a, " * 40, "a BREAK [b|c]"):
            equal(warnings(draw(d, prompt=prompt)), [], prompt)
        true("BREAK" in warnings(draw(d, prompt="(a BREAK cat:1.3)"))[0], "a BREAK in brackets")
        told = refused(d, "prompt", "negative_prompt", prompt="(a:1.2.3)", negative_prompt="(" * 65)
        true("1.2.3" in told["prompt"] and "64" in told["negative_prompt"], told)


def test_what_goes_unheard_is_told():
    with Daemon(fake_step_ms=0) as d:
        reply = draw(d, nonsense=1, seeed=2)
        equal([line.split(":")[0] for line in warnings(reply)], ["nonsense", "seeed"])
        told = info(reply)["extra_generation_params"]
        equal(sorted(told), ["Warning 1: nonsense", "Warning 2: seeed"])
        true("scheduler" in warnings(draw(d, sampler_name="DDIM", scheduler="Karras"))[0], "scheduler")
        true("scheduler" in warnings(draw(d, sampler_name="DPM++ 2M Karras", scheduler="Exponential"))[0], "two")
        true("sd_lora" in warnings(draw(d, override_settings={"sd_lora": "x"}))[0], "an option")
        true("restore" in warnings(draw(d, override_settings={"sd_vae": ""}, override_settings_restore_afterwards=False))[0],
             "restore")
        true("_" in warnings(d.get(API + "samplers?_=123"))[0], "a query")
        equal(len(warnings(draw(d, **{f"no{i}": 1 for i in range(60)}))) > 8, True)
        shown = draw(d, **{"\u20ac" * 1000: 1})
        true(len(warnings(shown)[0]) < 200, "echoed whole")


def test_samplers_are_found_by_any_of_their_names():
    with Daemon(fake_step_ms=0) as d:
        for name, sampler, scheduler in (
                ("Euler a", "euler_a", "model"), ("EULER A", "euler_a", "model"), ("k_euler_a", "euler_a", "model"),
                ("k_euler_ancestral", "euler_a", "model"), ("euler_a", "euler_a", "model"), ("Euler", "euler", "model"),
                ("DPM++ 2M", "dpmpp_2m", "karras"), ("DPM++ 2M Karras", "dpmpp_2m", "karras"),
                ("dpm++ 2m exponential", "dpmpp_2m", "exponential"), ("Euler SGM Uniform", "euler", "sgm_uniform"),
                ("DDIM", "ddim", "model"), ("PLMS", "pndm", "model"), ("plms", "pndm", "model")):
            job = d.get(draw(d, sampler_name=name).headers["Location"]).json()["request"]
            equal((job["sampler"], job["scheduler"]), (sampler, scheduler), name)
        for scheduler, ours in (("Karras", "karras"), ("karras", "karras"), ("Automatic", "model"), ("Uniform", "normal"),
                                ("SGM Uniform", "sgm_uniform"), ("sgm_uniform", "sgm_uniform"), ("DDIM", "ddim_uniform"), ("Beta", "beta"),
                                ("exponential", "exponential"), ("", "model")):
            job = d.get(draw(d, sampler_name="Euler", scheduler=scheduler).headers["Location"]).json()["request"]
            equal(job["scheduler"], ours, scheduler)
        for name in ("DPM adaptive", "DDIM CFG++", "DPM++ 2M SDE Heun Karras", "nobody", "Karras", "Euler a Karras x"):
            raised(d.post(API + "txt2img", {"sampler_name": name}), 400, "Sampler not found")
        raised(d.post(API + "txt2img", {"sampler_index": "DPM adaptive"}), 400, "Sampler not found")
        true("turbo" in refused(d, "scheduler", sampler_name="Euler", scheduler="turbo")["scheduler"].lower(), "unnamed")
        refused(d, "scheduler", sampler_name="Euler", scheduler="no such")


def test_euler_a_without_its_noise_is_euler():
    with Daemon() as d:
        reply = draw(d, sampler_name="Euler a", eta=0)
        equal(read_png(image(reply))[2], read_png(native(d, sampler="euler", scheduler="model"))[2])
        equal(info(reply)["sampler_name"], "Euler a")
        true("Eta: 0" in info(reply)["infotexts"][0], info(reply))
        true(image(draw(d, sampler_name="Euler a", eta=1)) != image(reply), "eta has no part")


def test_noise_before_the_steps():
    with Daemon() as d:
        churn = {"s_churn": 4, "s_tmin": 0.1, "s_tmax": 20, "s_noise": 1.05}
        reply = draw(d, sampler_name="Euler", **churn)
        equal(image(reply), native(d, sampler="euler", scheduler="model", **churn))
        true("Sigma churn: 4, Sigma tmin: 0.1, Sigma tmax: 20, Sigma noise: 1.05" in info(reply)["infotexts"][0], info(reply))
        plain = image(draw(d, sampler_name="Euler"))
        true(image(reply) != plain, "the noise has no part")
        equal(image(draw(d, sampler_name="Euler", s_churn=0, s_tmax=0, s_noise=0.5)), plain)
        equal(image(draw(d, sampler_name="LMS", **churn)), image(draw(d, sampler_name="LMS")))
        equal(image(draw(d, sampler_name="DPM++ 2M SDE Karras", eta=0.5, **churn)),
              native(d, sampler="dpmpp_2m_sde", scheduler="karras", eta=0.5, s_noise=1.05))
        for name, value in {"s_churn": 101, "s_tmin": -1, "s_noise": 3}.items():
            refused(d, name, sampler_name="Euler", **{**churn, name: value})


def test_karras_with_a_sampler_that_has_no_sigmas_is_refused():
    with Daemon() as d:
        refused(d, "scheduler", sampler_name="LCM", scheduler="Karras")
        refused(d, "scheduler", sampler_name="LCM Karras")


def test_the_engines_own_limits_are_told_by_these_names():
    with Daemon() as d:
        refused(d, "seed", seed=2 ** 64 - 1, batch_size=2)
        refused(d, "steps", sampler_name="PLMS", steps=2)
        refused(d, "width", "height", width=2, height=2)


def test_img2img_takes_one_picture_as_base64_or_data_url():
    with Daemon() as d:
        want = native(d, image=PICTURE, strength=0.75)
        equal(image(draw(d, "img2img", init_images=[PICTURE])), want)
        equal(image(draw(d, "img2img", init_images=["data:image/png;base64," + PICTURE], denoising_strength=None)), want)
        equal(info(draw(d, "img2img", init_images=[PICTURE]))["denoising_strength"], 0.75)
        for images in (None, []):
            raised(d.post(API + "img2img", {"init_images": images}), 404, "Init image not found")
        refused(d, "init_images", route="img2img", init_images=[PICTURE, PICTURE])
        refused(d, "init_images/0", route="img2img", init_images=[3])
        for bad in ("", "!!!!", "http://127.0.0.1/a.png", "data:image/jpeg;base64,AAAA", PICTURE[:-8]):
            refused(d, "init_images", route="img2img", init_images=[bad])
        refused(d, "denoising_strength", route="img2img", init_images=[PICTURE], denoising_strength=0)
        refused(d, "denoising_strength", route="img2img", init_images=[PICTURE], denoising_strength=1.5)
        small = base64.b64encode(write_png(40, 24, lambda x, y: (x, y, 0))).decode()
        equal([info(draw(d, "img2img", init_images=[small]))[side] for side in ("width", "height")], [40, 24])


def test_options_hold_for_all_requests_and_overrides_for_their_own():
    with Daemon("--model", "second=" + MODEL, fake_step_ms=0) as d:
        options = d.get(API + "options").json()
        for name in ("sd_model_checkpoint", "sd_checkpoint_hash", "sd_vae", "CLIP_stop_at_last_layers", "samples_format",
                     "return_grid", "live_previews_enable"):
            true(name in options, name)
        equal((options["samples_format"], options["return_grid"]), ("png", False))
        equal(d.post(API + "options", options).json(), None)
        titles = [row["title"] for row in d.get(API + "sd-models").json()]
        true(options["sd_model_checkpoint"] in titles, titles)
        for name in ("second", "second.safetensors", titles[1]):
            once = draw(d, override_settings={"sd_model_checkpoint": name})
            equal(info(once)["sd_model_name"], "second", name)
        equal(info(draw(d))["sd_model_name"], "default")
        equal(d.post(API + "options", {"sd_model_checkpoint": "second"}).status, 200)
        equal(info(draw(d))["sd_model_name"], "second")
        # Its title has the hash behind the name as soon as that is known.
        equal(d.get(API + "options").json()["sd_model_checkpoint"].split(" [")[0], "second")
        # Others keep their own first model.
        equal(d.generate({"prompt": ""}).json()["request"]["model"], "default")
        equal(info(draw(d, override_settings={"CLIP_stop_at_last_layers": 2}))["clip_skip"], 2)
        equal(info(draw(d, clip_skip=2))["clip_skip"], 2)
        equal(info(draw(d, clip_skip=2, override_settings={"CLIP_stop_at_last_layers": 1}))["clip_skip"], 1)
        equal(d.post(API + "options", {"CLIP_stop_at_last_layers": 2}).status, 200)
        equal(info(draw(d))["clip_skip"], 2)
        equal(d.get(API + "options").json()["CLIP_stop_at_last_layers"], 2)
        equal(info(draw(d, override_settings={"CLIP_stop_at_last_layers": 1}))["clip_skip"], 1)
        for name, value in {"sd_model_checkpoint": "nobody", "sd_vae": "other.pt", "CLIP_stop_at_last_layers": 99,
                            "samples_format": "gif", "jpeg_quality": 0, "return_grid": True, "eta_noise_seed_delta": 31337}.items():
            equal(list(wrong(d.post(API + "options", {name: value}))), [name])
            refused(d, "override_settings/" + name, override_settings={name: value})
        equal(d.get(API + "options").json()["CLIP_stop_at_last_layers"], 2)
        reply = d.post(API + "options", {"something_else": 1, "show_progress_every_n_steps": 5})
        equal([line.split(":")[0] for line in warnings(reply)], ["something_else"])


def test_pictures_come_as_jpeg_and_webp():
    with Daemon() as d:
        options = d.get(API + "options").json()
        equal([options[name] for name in ("samples_format", "jpeg_quality", "webp_lossless")], ["png", 80, False])
        for settings, mark in (({"samples_format": "jpg"}, b"\xff\xd8\xff"), ({"samples_format": "jpeg", "jpeg_quality": 20}, b"\xff\xd8\xff"),
                               ({"samples_format": "webp"}, b"RIFF"), ({"samples_format": "webp", "webp_lossless": True}, b"RIFF")):
            reply = draw(d, override_settings=settings)
            equal(image(reply)[:len(mark)], mark)
            told = d.post(API + "png-info", {"image": reply.json()["images"][0]}).json()
            equal((told["info"], told["parameters"]["Seed"]), (info(reply)["infotexts"][0], "7"))
        equal(d.post(API + "options", {"samples_format": "webp", "jpeg_quality": 7}).status, 200)
        options = d.get(API + "options").json()
        equal([options[name] for name in ("samples_format", "jpeg_quality", "webp_lossless")], ["webp", 7, False])
        equal(d.post(API + "options", options).json(), None)
        true(", Format: webp, Quality: 7" in info(draw(d))["infotexts"][0], "what stands is not heard")
        equal(image(draw(d, override_settings={"samples_format": "png"}))[:4], b"\x89PNG")
        refused(d, "override_settings/samples_format", override_settings={"samples_format": "jpg"}, negative_prompt="p" + 40000 * " " + "p")


def test_one_file_is_served():
    path = os.path.join(ROOT, "tests/parity/fixtures/single/model/single.safetensors")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with Daemon(model=path) as d:
        model = d.get("/api/v1/models").json()["models"][0]
        equal((model["name"], model["family"]), ("single", "sd1"))
        row = until(lambda: [row for row in d.get(API + "sd-models").json() if row["sha256"]], 60)[0]
        equal((row["model_name"], row["sha256"]), ("single", digest))
        equal(info(draw(d, width=32, height=32, steps=2))["sd_model_name"], "single")


def test_models_are_told_with_the_digest_of_their_weights():
    names = [os.path.join(MODEL, part, name) for part in ("text_encoder", "unet", "vae")
             for name in sorted(os.listdir(os.path.join(MODEL, part))) if name.endswith(".safetensors")]
    digest = hashlib.sha256()
    for name in names:
        with open(name, "rb") as file:
            digest.update(file.read())
    with Daemon(fake_step_ms=0) as d:
        row = until(lambda: [row for row in d.get(API + "sd-models").json() if row["sha256"]], 60)[0]
        equal(row["sha256"], digest.hexdigest())
        equal(row["hash"], row["sha256"][:10])
        equal(row["title"], f"default [{row['hash']}]")
        equal(info(draw(d))["sd_model_hash"], row["hash"])
        equal(d.get(API + "options").json()["sd_checkpoint_hash"], row["sha256"])
        for name in (row["title"], row["hash"], row["sha256"], "default", f"default.safetensors [{row['hash']}]"):
            equal(info(draw(d, override_settings={"sd_model_checkpoint": name}))["sd_model_name"], "default", name)
        refused(d, "override_settings/sd_model_checkpoint", override_settings={"sd_model_checkpoint": "default [0123456789]"})


def test_progress_of_a_job_and_of_nothing():
    with Daemon(fake_step_ms=20) as d:
        idle = progress(d)
        equal((idle["progress"], idle["state"]["job_count"], idle["current_image"]), (0, 0, None))
        job = d.submit(steps=60)
        equal(progress(d)["state"]["job_count"], 0, "a job of another family is shown")
        waiting = Drawing(d, steps=50, batch_size=2)
        queued = until(lambda: progress(d)["state"]["job_count"] and progress(d))
        true(0 < queued["progress"] <= 0.01 and queued["current_task"].startswith("task("), queued)
        tasks = d.get("/internal/pending-tasks").json()
        equal((tasks["size"], tasks["tasks"]), (1, [queued["current_task"]]))
        d.post(f"/api/v1/jobs/{job}/cancel")
        now = until(lambda: progress(d)["state"]["sampling_step"] > 2 and progress(d))
        true(0 < now["progress"] < 1, now)
        equal((now["state"]["job_count"], now["state"]["sampling_steps"], now["state"]["job"]), (2, 50, "scripts_txt2img"))
        equal(now["current_task"], queued["current_task"])
        equal(waiting.end().status, 200)
        equal(progress(d)["progress"], 0)


def test_interrupt_ends_what_runs_and_nothing_else():
    with Daemon(fake_step_ms=20) as d:
        for word, answer in (("interrupt", {}), ("skip", None)):
            first = Drawing(d)
            until(lambda: progress(d)["state"]["sampling_step"])
            second = Drawing(d, steps=2)
            other = d.submit(steps=1)
            until(lambda: d.get("/internal/pending-tasks").json()["size"] == 1)
            start = time.monotonic()
            reply = d.post(API + word)
            equal((reply.status, reply.json()), (200, answer))
            raised(first.end(), 409, "cancel")
            true(time.monotonic() - start < within(5), "slow")
            equal(second.end().status, 200)
            equal(d.wait(other)["status"], "succeeded")
        running = d.submit(steps=100)
        d.wait(running, "running")
        d.post(API + "interrupt")
        time.sleep(0.1)
        equal(d.job(running)["status"], "running")
        d.post(f"/api/v1/jobs/{running}/cancel")


def test_tasks_are_followed_by_the_id_that_the_client_chose():
    with Daemon(fake_step_ms=20) as d:
        def task(name, **more):
            return d.post("/internal/progress", {"id_task": name, **more}).json()

        equal([task("nobody")[name] for name in ("active", "queued", "completed")], [False, False, False])
        drawing = Drawing(d, steps=40, force_task_id="task(mine)")
        now = until(lambda: task("task(mine)")["active"] and task("task(mine)"))
        true(0 < now["progress"] <= 1, now)
        equal(progress(d)["current_task"], "task(mine)")
        drawing.end()
        equal([task("task(mine)")[name] for name in ("active", "queued", "completed")], [False, False, True])
        by_id = drawing.reply.headers["X-Job-Id"]
        equal(task(f"task({by_id})")["completed"], True)
        equal(list(wrong(d.post("/internal/progress", {}))), ["id_task"])
        refused(d, "force_task_id", force_task_id="x" * 51)


def hang_up(d, **fields):
    body = json.dumps({"prompt": "", "steps": 150, **fields}).encode()
    s = d.connect()
    s.sendall(b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body) + body)
    until(lambda: progress(d)["state"]["sampling_step"])
    s.shutdown(socket.SHUT_RDWR)
    s.close()


def test_a_client_that_hangs_up_ends_its_job_unless_it_named_its_task():
    with Daemon(fake_step_ms=20) as d:
        hang_up(d)
        until(lambda: progress(d)["state"]["job_count"] == 0)
        hang_up(d, force_task_id="stays")
        time.sleep(0.5)
        equal(progress(d)["current_task"], "stays")
        d.post(API + "interrupt")
        until(lambda: progress(d)["state"]["job_count"] == 0)


def test_png_info_reads_pictures():
    with Daemon() as d:
        reply = draw(d, negative_prompt="blue", prompt="a cat\nof two lines")
        for text in (reply.json()["images"][0], "data:image/png;base64," + reply.json()["images"][0]):
            told = d.post(API + "png-info", {"image": text}).json()
            equal(told["info"], info(reply)["infotexts"][0])
            equal(list(told["items"]), ["latentd"])
            equal(told["parameters"]["Prompt"], "a cat\nof two lines")
            equal(told["parameters"]["Negative prompt"], "blue")
            equal([told["parameters"][name] for name in ("Steps", "Seed", "Size-1", "Size-2")], ["2", "7", "128", "128"])
        equal(d.post(API + "png-info", {"image": PICTURE}).json(), {"info": "", "items": {}, "parameters": {}})
        for bad in ({}, {"image": ""}, {"image": "!"}, {"image": "AAAA"}, {"image": 3}, []):
            wrong(d.post(API + "png-info", bad))


def test_extras_make_pictures_larger():
    flat = base64.b64encode(write_png(8, 4, lambda x, y: (x * 9, y * 9, 5))).decode()

    def size(reply):
        equal(reply.status, 200, reply.body)
        return read_png(base64.b64decode(reply.json()["image"]))

    with Daemon("--max-upscaled-pixels", "4096", "--max-count", "3", fake_step_ms=0) as d:
        def one(**fields):
            return d.post(API + "extra-single-image", {"image": flat, **fields})

        equal(size(one())[:3], read_png(base64.b64decode(flat))[:3])
        nearest = size(one(upscaler_1="Nearest"))
        equal(nearest[:2], (16, 8))
        equal(nearest[2][:12], bytes((0, 0, 5, 0, 0, 5, 9, 0, 5, 9, 0, 5)))
        equal(size(one(upscaler_1="lanczos", upscaling_resize=2.5))[:2], (20, 10))
        to_size = {"resize_mode": 1, "upscaling_resize_w": 12, "upscaling_resize_h": 12, "upscaler_1": "Lanczos"}
        equal(size(one(**to_size))[:2], (12, 12))
        equal(size(one(upscaling_crop=False, **to_size))[:2], (24, 12))
        equal(len(d.post(API + "extra-batch-images", {"imageList": [{"data": flat, "name": "a"}] * 3}).json()["images"]), 3)
        both = size(one(upscaler_1="Nearest", upscaler_2="Lanczos", extras_upscaler_2_visibility=0.5))[2]
        true(both not in (nearest[2], size(one(upscaler_1="Lanczos"))[2]), "one picture over the other")
        equal(size(one(upscaler_1="Nearest", upscaler_2="Lanczos", extras_upscaler_2_visibility=0))[2], nearest[2])
        for bad in ({"upscaler_1": "ESRGAN"}, {"gfpgan_visibility": 1}, {"codeformer_visibility": 0.5},
                    {"extras_upscaler_2_visibility": 1.5}, {"upscaler_2": "ESRGAN"}, {"resize_mode": 2}, {"upscaling_resize": 0},
                    {"upscaling_resize": "wide"}, {"upscaler_1": "Lanczos", "resize_mode": 1, "upscaling_resize_w": 0}):
            equal(len(wrong(one(**bad))), 1, bad)
        for factor in (100, 1e300, 12):
            equal(list(wrong(one(upscaler_1="Nearest", upscaling_resize=factor))), ["image"])
        equal(list(wrong(d.post(API + "extra-batch-images", {"imageList": [{"data": flat}] * 4}))), ["imageList"])
        equal(list(wrong(d.post(API + "extra-batch-images", {"imageList": [{}]}))), ["imageList/data"])
        equal(list(wrong(d.post(API + "extra-single-image", {}))), ["image"])
        equal(warnings(one(other=1))[0].split(":")[0], "other")


def test_lists_and_what_there_is_nothing_to_do_for():
    with Daemon(fake_step_ms=0) as d:
        for name in ("sd-vae", "sd-modules", "loras", "hypernetworks", "face-restorers",
                     "realesrgan-models", "prompt-styles", "script-info", "extensions"):
            reply = d.get(API + name)
            equal((reply.status, reply.json()), (200, []), name)
            true(reply.headers["X-Process-Time"], name)
        equal(d.get(API + "scripts").json(), {"txt2img": ["controlnet"], "img2img": ["controlnet"]})
        equal(d.get(API + "embeddings").json(), {"loaded": {}, "skipped": {}})
        for name, answer in (("refresh-loras", None), ("refresh-vae", None), ("refresh-checkpoints", None),
                             ("unload-checkpoint", {}), ("reload-checkpoint", {})):
            equal(d.post(API + name).json(), answer, name)
            equal(d.post(API + name, {}).status, 200, name)
        equal([row["name"] for row in d.get(API + "upscalers").json()], ["None", "Lanczos", "Nearest"])
        for row in d.get(API + "samplers").json():
            equal(sorted(row), ["aliases", "name", "options"])
        for row in d.get(API + "schedulers").json():
            equal(sorted(row), ["aliases", "default_rho", "label", "name", "need_inner_model"])
        equal(d.get("/internal/ping").status, 200)
        raised(d.get(API + "interrogate"), 404, "nothing")
        raised(d.get("/internal/none"), 404, "nothing")
        equal(raised(d.get(API + "txt2img"), 405, "")["errors"], "method_not_allowed")


def test_every_refusal_has_the_familys_form():
    with Daemon("--queue-limit", "1", "--max-body", "100000", fake_step_ms=20) as d:
        form = d.post(API + "txt2img", "prompt=a", headers={"Content-Type": "application/x-www-form-urlencoded"})
        raised(form, 415, "--json")
        raised(d.post(API + "txt2img", {"prompt": "a" * 200000}), 413, "100000")
        first = Drawing(d)
        until(lambda: progress(d)["state"]["sampling_step"])
        second = Drawing(d, steps=1)
        until(lambda: d.get("/internal/pending-tasks").json()["size"] == 1)
        full = d.post(API + "txt2img", {})
        raised(full, 429, "wait")
        true(int(full.headers["Retry-After"]) > 0, "no Retry-After")
        d.post(API + "interrupt")
        first.end()
        equal(second.end().status, 200)
        equal(status_of(raw(d, b"GET /sdapi/v1/options HTTP/1.1\r\nHost: localhost\r\nAuthorization: \r\n\r\n",
                            half_close=True)), 200)
        failed = d.post(API + "txt2img", {"prompt": "non_finite", "steps": 1})
        raised(failed, 500, "finite")
        true(failed.headers["X-Job-Id"], "no job")


def test_previews_are_shown_while_a_picture_is_made():
    with Daemon() as d:
        drawing = Drawing(d, width=256, height=256, steps=60)
        shown = until(lambda: progress(d)["current_image"], 60)
        equal(progress(d, headers={})["state"]["job_count"], 1)
        width, height = read_png(base64.b64decode(shown))[:2]
        true(0 < width < 256 and width == height, (width, height))
        equal(d.get(API + "progress?skip_current_image=true").json()["current_image"], None)
        task = progress(d)["current_task"]
        told = d.post("/internal/progress", {"id_task": task, "id_live_preview": -1}).json()
        true(told["live_preview"].startswith("data:image/png;base64,") and told["id_live_preview"] > 0, told)
        d.post(API + "interrupt")
        drawing.end()


if __name__ == "__main__":
    main(globals())
