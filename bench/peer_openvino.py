"""OpenVINO on the CPU: f32 or bf16, static shapes, the latency hint.

The networks are converted once (bench/convert_openvino.py); a picture is drawn by the loop below, without torch.
"""
import io

import numpy
import openvino
import tokenizers
from PIL import Image

from euler import Euler
from peer import GUIDANCE, PROMPT, SEED, timed

TOKENS, WIDTH_OF_TEXT, CHANNELS, FACTOR, SCALE = 77, 768, 4, 8, 0.18215


def shapes(name, job):
    h, w = job.height // FACTOR, job.width // FACTOR
    return {"text_encoder": [[2, TOKENS]],
            "unet": [[2 * job.batch, CHANNELS, h, w], [], [2 * job.batch, TOKENS, WIDTH_OF_TEXT]],
            "vae_decoder": [[1, CHANNELS, h, w]],
            "vae_encoder": [[1, 3, job.height, job.width]]}[name]


class Network:
    def __init__(self, name, job):
        core = openvino.Core()
        model = core.read_model(job.path(f"openvino/{name}.xml"))
        model.reshape(dict(zip((port.any_name for port in model.inputs), shapes(name, job))))
        self.compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": job.precision, "INFERENCE_NUM_THREADS": job.threads})
        self.request = self.compiled.create_infer_request()

    def __call__(self, *inputs):
        return self.request.infer(list(inputs), share_inputs=True)[0]


class Alone:
    """One network on numbers of the usual size."""

    def __init__(self, item, job):
        chance = numpy.random.default_rng(SEED)
        name = {"step": "unet", "decode": "vae_decoder", "encode": "vae_encoder"}[item]
        self.item, self.network = item, Network(name, job)
        self.inputs = [chance.standard_normal(shape, numpy.float32) for shape in shapes(name, job)]
        if item == "step":
            self.inputs[1] = numpy.float32(500)
        self.about = {"version": openvino.__version__}
        self.turn()

    def turn(self):
        return {self.item: timed(self.network, *self.inputs)}


class Picture:
    def __init__(self, job):
        self.job = job
        self.tokenizer = tokenizers.Tokenizer.from_file(job.path("f32/tokenizer/tokenizer.json"))
        self.text, self.unet, self.decoder = (Network(name, job) for name in ("text_encoder", "unet", "vae_decoder"))
        self.about = {"version": openvino.__version__}

    def turn(self):
        return {"image": timed(self.run)}

    def tokens(self, text):
        ids = self.tokenizer.encode(text).ids[:TOKENS]
        return ids + ids[-1:] * (TOKENS - len(ids))

    def run(self):
        context = self.text(numpy.array([self.tokens(""), self.tokens(PROMPT)], numpy.int64))
        euler = Euler(self.job.steps)
        x = numpy.random.default_rng(SEED).standard_normal(shapes("vae_decoder", self.job)[0], numpy.float32) * euler.start
        for i, time in enumerate(euler.times):
            without, given = self.unet(numpy.repeat(euler.scaled(x, i), 2, 0), numpy.float32(time), context)
            x = euler.step(x, without + GUIDANCE * (given - without), i)
        picture = self.decoder((x / SCALE).astype(numpy.float32))[0].transpose(1, 2, 0)
        pixels = (numpy.clip(picture / 2 + 0.5, 0, 1) * 255).round().astype(numpy.uint8)
        Image.fromarray(pixels).save(io.BytesIO(), "PNG")


def load(item, job):
    return Picture(job) if item == "image" else Alone(item, job)
