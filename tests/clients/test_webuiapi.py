"""webuiapi, unmodified, against the daemon with the default model."""

import base64
import io
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import MODEL, ROOT, Daemon, equal, main, true  # noqa: E402

import webuiapi  # noqa: E402
from PIL import Image  # noqa: E402

CONTROLS = os.path.join(ROOT, "tests/parity/fixtures/controls")
SMALL = {"prompt": "a red circle", "seed": 7, "steps": 2, "width": 64, "height": 64}


def client(d, **more):
    return webuiapi.WebUIApi(host="127.0.0.1", port=d.port, **more)


def fails(call, status, words):
    """The client's own form of a refusal."""
    try:
        call()
    except RuntimeError as error:
        equal(error.args[0], status)
        true(words in error.args[1], error.args[1])
        return
    raise AssertionError("nothing was refused")


def test_txt2img_is_the_picture_that_the_native_api_draws():
    with Daemon() as d:
        api = client(d)
        result = api.txt2img(negative_prompt="blue", cfg_scale=3, **SMALL)
        equal(result.image.size, (64, 64))
        equal(result.image.format, "PNG")
        equal(result.info["seed"], 7)
        equal(result.info["sampler_name"], "Euler a")
        equal(result.info["infotexts"][0], result.image.info["parameters"])
        equal(result.parameters["negative_prompt"], "blue")
        native = d.generate({"prompt": "a red circle", "negative_prompt": "blue", "cfg_scale": 3, "seed": 7, "steps": 2,
                             "width": 64, "height": 64, "sampler": "euler_a", "scheduler": "model", "clip_skip": 0,
                             "profile": "a1111"})
        same = Image.open(io.BytesIO(base64.b64decode(native.json()["images"][0]["b64_png"])))
        equal(same.tobytes(), result.image.tobytes())


def test_every_sampler_and_scheduler_that_is_listed_draws():
    with Daemon() as d:
        api = client(d)
        pictures = set()
        for sampler in api.get_samplers():
            for name in [sampler["name"], *sampler["aliases"]]:
                # In fewer steps, 2M SDE and 3M SDE are one.
                result = api.txt2img(sampler_name=name, **dict(SMALL, steps=6))
                equal(result.info["sampler_name"], sampler["name"], name)
            pictures.add(result.image.tobytes())
        equal(len(pictures), len(api.get_samplers()))
        for scheduler in d.get("/sdapi/v1/schedulers").json():
            result = api.txt2img(sampler_name="Euler", scheduler=scheduler["label"], **SMALL)
            true(result.info["scheduler"], scheduler)


def test_batches_are_as_many_pictures_with_seeds_that_follow():
    with Daemon() as d:
        result = client(d).txt2img(**dict(SMALL, batch_size=2, n_iter=2))
        equal(len(result.images), 4)
        equal(result.info["all_seeds"], [7, 8, 9, 10])
        equal(result.info["index_of_first_image"], 0)
        alone = client(d).txt2img(**dict(SMALL, seed=9))
        equal(alone.image.tobytes(), result.images[2].tobytes())


def test_a_seed_of_minus_one_is_drawn():
    with Daemon() as d:
        api = client(d)
        seeds = {api.txt2img(**dict(SMALL, seed=-1, steps=1)).info["seed"] for _ in range(3)}
        true(len(seeds) == 3 and min(seeds) >= 0, seeds)


def test_img2img_starts_from_the_picture():
    with Daemon() as d:
        api = client(d)
        first = api.txt2img(**SMALL).image
        little = api.img2img(images=[first], denoising_strength=0.2, **dict(SMALL, steps=10))
        much = api.img2img(images=[first], denoising_strength=1.0, **dict(SMALL, steps=10))
        equal(little.image.size, (64, 64))
        equal(little.info["denoising_strength"], 0.2)
        true("init_images" in little.parameters and little.parameters["init_images"] is None, "pictures are sent back")

        def distance(a):
            return sum(abs(x - y) for x, y in zip(a.convert("RGB").tobytes(), first.convert("RGB").tobytes()))

        true(distance(little.image) < distance(much.image), "the strength has no part")
        shown = api.img2img(images=[first], include_init_images=True, **SMALL)
        true(shown.parameters["init_images"][0].startswith("data:image/png;base64,"), "pictures are not sent back")


def test_what_would_change_the_picture_is_refused_by_name():
    with Daemon(fake_step_ms=0) as d:
        api = client(d)
        image = Image.new("RGB", (64, 64))
        equal(api.img2img(images=[image], mask_image=Image.new("L", (64, 64), 255), **SMALL).image.size, (64, 64))
        fails(lambda: api.img2img(images=[image], mask_image=image, mask_blur=300, **SMALL), 422, "mask_blur")
        fails(lambda: api.img2img(images=[], **SMALL), 404, "Init image not found")
        fails(lambda: api.txt2img(enable_hr=True, hr_upscaler="ESRGAN_4x", **SMALL), 422, "hr_upscaler")
        fails(lambda: api.txt2img(subseed_strength=1.5, **SMALL), 422, "subseed_strength")
        fails(lambda: api.txt2img(script_name="X/Y/Z plot", **SMALL), 422, "Script not found")
        fails(lambda: api.txt2img(sampler_name="DPM adaptive", **SMALL), 400, "Sampler not found")
        # The client writes into its own default, which would stay for all tests.
        fails(lambda: api.txt2img(controlnet_units=[webuiapi.ControlNetUnit(image=image)], alwayson_scripts={}, **SMALL),
              422, "no ControlNet is named")
        fails(lambda: api.txt2img(**dict(SMALL, steps=0)), 422, "steps")


def test_a_controlnet_unit_holds_the_picture_to_another():
    with Daemon("--controlnets-dir", os.path.join(CONTROLS, "controlnets"), model=os.path.join(CONTROLS, "../sd15/model")) as d:
        api = client(d)
        image = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
        equal(api.controlnet_module_list(), ["none", "canny"])
        model = api.controlnet_model_list()[0]
        plain = api.txt2img(alwayson_scripts={}, **SMALL).image.tobytes()
        units = [webuiapi.ControlNetUnit(image=image, module=module, model=model) for module in ("none", "canny")]
        held = [api.txt2img(controlnet_units=[unit], alwayson_scripts={}, **SMALL).image.tobytes() for unit in units]
        equal(len({plain, *held}), 3)


def test_options_come_back_and_models_are_set_by_their_titles():
    with Daemon("--model", "Other=" + MODEL, fake_step_ms=0) as d:
        api = client(d)
        titles = api.util_get_model_names()
        equal(len(titles), 2)
        true(api.util_get_current_model().startswith("default"), api.util_get_current_model())
        equal(api.set_options(api.get_options()), None)
        api.util_set_model("other")
        # Behind the name stands the hash, as soon as that is known.
        equal(api.util_get_current_model().split(" [")[0], "Other")
        equal(api.txt2img(**SMALL).info["sd_model_name"], "Other")
        once = api.txt2img(override_settings={"sd_model_checkpoint": "default"}, **SMALL)
        equal(once.info["sd_model_name"], "default")
        equal(api.txt2img(**SMALL).info["sd_model_name"], "Other")


def test_lists_have_their_shapes():
    with Daemon(fake_step_ms=0) as d:
        api = client(d)
        for call in (api.get_sd_vae, api.get_loras, api.get_hypernetworks,
                     api.get_face_restorers, api.get_realesrgan_models, api.get_prompt_styles):
            equal(call(), [])
        equal(api.get_latent_upscale_modes()[0], {"name": "Latent"})
        equal(api.get_embeddings(), {"loaded": {}, "skipped": {}})
        equal(api.get_scripts(), {"txt2img": ["controlnet"], "img2img": ["controlnet"]})
        equal(api.get_upscalers()[0]["name"], "None")
        equal(api.refresh_checkpoints(), None)
        equal(api.get_cmd_flags()["api"], True)
        memory = api.get_memory()["ram"]
        true(0 < memory["used"] < memory["total"], memory)
        true(not api.has_adetailer, "an extension that is not there")


def test_extras_make_pictures_larger():
    with Daemon(fake_step_ms=0) as d:
        api = client(d)
        image = Image.new("RGB", (20, 10), (200, 30, 30))
        equal(api.extra_single_image(image=image).image.size, (20, 10))
        equal(api.extra_single_image(image=image, upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=3).image.size,
              (60, 30))
        cropped = api.extra_single_image(image=image, upscaler_1="Nearest", resize_mode=1, upscaling_resize_w=30,
                                         upscaling_resize_h=30)
        equal(cropped.image.size, (30, 30))
        equal(cropped.image.getpixel((15, 15)), (200, 30, 30))
        batch = api.extra_batch_images(images=[image, image], upscaler_1="Lanczos")
        equal([made.size for made in batch.images], [(40, 20), (40, 20)])
        fails(lambda: api.extra_single_image(image=image, upscaler_1=webuiapi.Upscaler.ESRGAN_4x), 422, "upscaler_1")
        fails(lambda: api.extra_single_image(image=image, gfpgan_visibility=1), 422, "gfpgan_visibility")


def test_png_info_reads_what_was_drawn():
    with Daemon() as d:
        api = client(d)
        drawn = api.txt2img(negative_prompt="blue", **SMALL)
        told = api.png_info(drawn.image)
        equal(told.info, drawn.info["infotexts"][0])
        equal(told.parameters["Prompt"], "a red circle")
        equal(told.parameters["Negative prompt"], "blue")
        equal((told.parameters["Steps"], told.parameters["Seed"]), ("2", "7"))
        equal((told.parameters["Size-1"], told.parameters["Size-2"]), ("64", "64"))
        equal(api.png_info(Image.new("RGB", (3, 3))).info, "")


def test_progress_interrupt_and_ready():
    with Daemon(fake_step_ms=20) as d:
        api = client(d)
        equal(api.get_progress()["progress"], 0)
        api.util_wait_for_ready(0.1)
        told = []

        def draw():
            fails(lambda: client(d).txt2img(**dict(SMALL, steps=150)), 409, "cancel")
            told.append("refused")

        thread = threading.Thread(target=draw)
        thread.start()
        end = time.monotonic() + 20
        while api.get_progress()["state"]["sampling_step"] < 2 and time.monotonic() < end:
            time.sleep(0.01)
        now = api.get_progress()
        true(0 < now["progress"] < 1 and now["eta_relative"] >= 0, now)
        equal((now["state"]["job_count"], now["state"]["sampling_steps"]), (1, 150))
        equal(api.interrupt(), {})
        thread.join(20)
        equal(told, ["refused"])
        equal(api.skip(), None)
        api.util_wait_for_ready(0.1)


def test_credentials_do_not_matter_where_there_are_none():
    with Daemon(fake_step_ms=0) as d:
        equal(client(d, username="somebody", password="secret").txt2img(**SMALL).image.size, (64, 64))


if __name__ == "__main__":
    main(globals())
