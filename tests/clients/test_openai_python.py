"""The client library of OpenAI for Python, unmodified."""

import asyncio
import base64
import io
import os
import sys
import time
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, main, read_png, true, write_png  # noqa: E402

import openai  # noqa: E402

WHITE = write_png(64, 64, lambda x, y: (255, 255, 255))


def client(d, **more):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{d.port}/v1", api_key="none", **more)


def png(text):
    return base64.b64decode(text, validate=True)


def raises(kind, call):
    """Calls, and returns the error of exactly that class."""
    try:
        call()
    except openai.OpenAIError as error:
        equal(type(error).__name__, kind.__name__)
        return error
    raise AssertionError(f"nothing was raised, not {kind.__name__}")


def jobs(d):
    return d.get("/api/v1/jobs?limit=100").json()["jobs"]


def test_generate():
    with Daemon() as d:
        reply = client(d).images.generate(model="gpt-image-1", prompt="tiger", n=2, size="64x64", quality="low",
                                          background="auto", moderation="low", output_format="png", user="me",
                                          extra_body={"seed": 5, "cfg_scale": 3, "negative_prompt": "blue"})
        equal(len(reply.data), 2)
        equal(reply.data[0].url, None)
        width, height, _, texts = read_png(png(reply.data[0].b64_json))
        equal((width, height), (64, 64))
        true("Seed: 5," in texts["parameters"] and "Negative prompt: blue" in texts["parameters"], texts)
        equal((reply.size, reply.quality, reply.output_format, reply.background), ("64x64", "low", "png", "opaque"))
        equal(reply.usage.total_tokens, 0)
        true(reply._request_id, "no request id")
        true(png(reply.data[0].b64_json) != png(reply.data[1].b64_json), "one picture twice")


def test_generate_with_urls():
    with Daemon(fake_step_ms=0) as d:
        c = client(d)
        reply = c.images.generate(model="dall-e-3", prompt="tiger", style="vivid", quality="hd", size="512x512")
        equal(reply.data[0].b64_json, None)
        prefix = f"http://127.0.0.1:{d.port}"
        true(reply.data[0].url.startswith(prefix + "/"), reply.data[0].url)
        fetched = d.get(reply.data[0].url[len(prefix):])
        equal(read_png(fetched.body)[:2], (512, 512))
        raw = c.images.with_raw_response.generate(prompt="tiger", response_format="url")
        true("default" not in raw.headers.get("x-latentd-warning", ""), "a warning without a reason")
        true(int(raw.headers["openai-processing-ms"]) >= 0, "no processing time")


def test_generate_without_waiting_threads():
    async def draw(d):
        c = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{d.port}/v1", api_key="none")
        return await asyncio.gather(*(c.images.generate(prompt=f"number {i}") for i in range(8)))

    with Daemon(fake_step_ms=1) as d:
        replies = asyncio.run(draw(d))
        equal(len({reply.data[0].b64_json for reply in replies}), 8)


def test_stream():
    with Daemon(fake_step_ms=100) as d:
        kinds = []
        for event in client(d).images.generate(prompt="tiger", stream=True, partial_images=2, extra_body={"steps": 12}):
            kinds.append(event.type)
            equal(read_png(png(event.b64_json))[:2], (64, 64))
            if event.type == "image_generation.partial_image":
                equal(event.partial_image_index, len(kinds) - 1)
        equal(kinds, 2 * ["image_generation.partial_image"] + ["image_generation.completed"])
        equal(event.usage.output_tokens, 0)


def test_stream_of_the_default_model():
    with Daemon() as d:
        events = list(client(d).images.generate(prompt="tiger", stream=True, partial_images=1))
        equal([event.type for event in events], ["image_generation.partial_image", "image_generation.completed"])
        equal(read_png(png(events[0].b64_json))[:2], (128, 128))


def test_stream_that_fails():
    with Daemon(fake_step_ms=1) as d:
        error = raises(openai.APIError, lambda: list(client(d).images.generate(prompt="non_finite", stream=True)))
        true("finite" in error.message, error.message)


def test_edit():
    with Daemon() as d:
        c = client(d)
        reply = c.images.edit(image=("white.png", io.BytesIO(WHITE), "image/png"), prompt="tiger", size="128x128",
                              model="gpt-image-1", n=2, quality="low", input_fidelity="high",
                              extra_body={"seed": 3, "steps": 8})
        equal([read_png(png(one.b64_json))[:2] for one in reply.data], 2 * [(128, 128)])
        one = c.images.edit(image=[WHITE], prompt="tiger", extra_body={"seed": 3, "steps": 8, "strength": 0.5})
        equal(one.data[0].b64_json, reply.data[0].b64_json)
        events = list(c.images.edit(image=WHITE, prompt="tiger", stream=True, extra_body={"steps": 2}))
        equal([event.type for event in events], ["image_edit.completed"])


def test_variation():
    warnings.simplefilter("ignore", DeprecationWarning)
    with Daemon(fake_step_ms=0) as d:
        reply = client(d).images.create_variation(image=WHITE, n=2, response_format="b64_json", size="256x256")
        equal([read_png(png(one.b64_json))[:2] for one in reply.data], 2 * [(256, 256)])


def test_models():
    with Daemon(fake_step_ms=0) as d:
        c = client(d)
        equal([model.id for model in c.models.list()], ["default"])
        equal(c.models.retrieve("default").owned_by, "latentd")
        equal(raises(openai.NotFoundError, lambda: c.models.retrieve("dall-e-3")).code, "model_not_found")


def test_errors_have_the_right_classes():
    with Daemon("--strict-model", fake_step_ms=0) as d:
        c = client(d)
        error = raises(openai.BadRequestError, lambda: c.images.generate(prompt="x", size="70x70"))
        equal((error.param, error.code, error.type), ("size", "invalid_value", "invalid_request_error"))
        true(error.message.count("multiple of 8") == 1 and error.request_id, error.message)
        raises(openai.BadRequestError, lambda: c.images.generate(prompt="x", extra_body={"widht": 3}))
        raises(openai.BadRequestError, lambda: c.images.edit(image=[WHITE, WHITE], prompt="x"))
        raises(openai.NotFoundError, lambda: c.images.generate(prompt="x", model="dall-e-3"))
        raises(openai.NotFoundError, lambda: c.chat.completions.create(model="x", messages=[]))
        twice = {"Idempotency-Key": "k"}
        c.images.generate(prompt="x", extra_headers=twice)
        raises(openai.UnprocessableEntityError, lambda: c.images.generate(prompt="y", extra_headers=twice))
        raises(openai.InternalServerError, lambda: c.images.generate(prompt="non_finite"))
        equal(len([job for job in jobs(d) if job["status"] == "failed"]), 1, "attempts at what fails each time")


def test_a_mask_tells_what_is_drawn():
    with Daemon(fake_step_ms=0) as d:
        mask = write_png(64, 64, lambda x, y: (0, 0, 0, 0))
        equal(len(client(d).images.edit(image=WHITE, mask=mask, prompt="x").data), 1)
        raises(openai.BadRequestError, lambda: client(d).images.edit(image=WHITE, mask=b"none", prompt="x"))


def test_a_full_queue_is_a_rate_limit():
    with Daemon("--queue-limit", "1", fake_step_ms=50) as d:
        for _ in range(2):
            d.submit(steps=100)
            time.sleep(0.2)
        error = raises(openai.RateLimitError, lambda: client(d, max_retries=0).images.generate(prompt="x"))
        equal(error.code, "queue_full")


def test_a_slow_picture_is_made_once_and_delivered():
    with Daemon(fake_step_ms=100) as d:
        # Each attempt waits a second; the picture takes three.
        reply = client(d, timeout=1, max_retries=6).images.generate(prompt="slow", extra_body={"steps": 30})
        equal(read_png(png(reply.data[0].b64_json))[:2], (64, 64))
        equal([job["status"] for job in jobs(d)], ["succeeded"])
        true(len([line for line in d.log if "path=/v1/images/generations" in line]) >= 3, "it never gave up waiting")


def test_a_slow_edit_is_made_once_and_delivered():
    with Daemon(fake_step_ms=100) as d:
        reply = client(d, timeout=1, max_retries=6).images.edit(image=WHITE, prompt="slow", extra_body={"steps": 25})
        true(reply.data[0].b64_json, "no picture")
        equal([job["status"] for job in jobs(d)], ["succeeded"])


if __name__ == "__main__":
    main(globals())
