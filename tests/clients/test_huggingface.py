"""huggingface_hub's InferenceClient, unmodified, against the daemon."""

import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, main, true, write_png  # noqa: E402

from huggingface_hub import InferenceClient  # noqa: E402
from huggingface_hub.errors import HfHubHTTPError  # noqa: E402


def client(daemon):
    return InferenceClient(model=f"http://127.0.0.1:{daemon.port}/api/v1/generate")


def bytes_of(image):
    return image.convert("RGB").tobytes()


def test_text_to_image_draws_what_was_asked():
    with Daemon() as d:
        image = client(d).text_to_image("a red circle", negative_prompt="blue", height=64, width=32, seed=7,
                                        num_inference_steps=2, guidance_scale=3.0, scheduler="EulerDiscreteScheduler")
        equal((image.format, image.size), ("PNG", (32, 64)))
        job = d.get("/api/v1/jobs").json()["jobs"][0]
        equal(job["family"], "hf")
        asked = {"prompt": "a red circle", "negative_prompt": "blue", "height": 64, "width": 32, "seed": 7, "steps": 2,
                 "cfg_scale": 3, "sampler": "euler"}
        equal({name: job["request"][name] for name in asked}, asked)
        again = client(d).text_to_image("a red circle", negative_prompt="blue", height=64, width=32, seed=7,
                                        num_inference_steps=2, guidance_scale=3.0, scheduler="euler")
        equal(bytes_of(again), bytes_of(image))


def test_what_is_left_out_is_the_models():
    with Daemon(fake_step_ms=0) as d:
        equal(client(d).text_to_image("x").size, (64, 64))


def test_image_to_image_starts_from_the_picture():
    with Daemon() as d:
        picture = write_png(64, 64, lambda x, y: (255, 0, 0))
        image = client(d).image_to_image(picture, prompt="a red circle", num_inference_steps=4, strength=0.3, seed=1)
        equal(image.size, (64, 64))
        red, green, _ = image.resize((1, 1)).getpixel((0, 0))
        true(red > green + 60, "the picture has nothing of the one that it started from")


def test_what_cannot_be_honoured_is_refused_by_name():
    with Daemon(fake_step_ms=0) as d:
        for more, words in (({"num_inference_steps": 100000}, "/parameters/num_inference_steps"),
                            ({"scheduler": "KarrasVeScheduler"}, "/parameters/scheduler"),
                            ({"extra_body": {"safety": 1}}, "/parameters/safety")):
            try:
                client(d).text_to_image("x", **more)
            except HfHubHTTPError as error:
                equal(error.response.status_code, 422)
                true(words in error.response.text, error.response.text)
            else:
                raise AssertionError(f"{more} was taken")


def test_bytes_are_those_of_the_native_answer():
    from PIL import Image

    with Daemon(fake_step_ms=0) as d:
        native = d.generate({"prompt": "x", "seed": 5, "steps": 1}, headers={"Accept": "image/png"}).body
        image = client(d).text_to_image("x", seed=5, num_inference_steps=1)
        equal(bytes_of(image), bytes_of(Image.open(io.BytesIO(native))))


if __name__ == "__main__":
    main(globals())
