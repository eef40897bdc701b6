"""LoRAs: a folder, names in requests, and what is no use told by name.  Arguments: parts of names."""

import base64
import contextlib
import json
import os
import random
import struct
import subprocess
import tempfile

from daemon import MODEL, REAL, Daemon, clean_environment, equal, main, read_png, true

SMALL = {"prompt": "a tiger", "seed": 7, "steps": 2, "width": 64, "height": 64}
LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
TEXT_LAYER = "text_model_encoder_layers_0_self_attn_q_proj"


def write_tensors(path, tensors):
    """A .safetensors file of {name: (shape, values)}, f32."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def low_rank(stem, rows, columns, rank=2, size=0.5):
    """The tensors of one layer."""
    rng = random.Random(stem)
    values = [size * rng.gauss(0, 1) for _ in range(rank * (rows + columns))]
    return {f"{stem}.lora_up.weight": ([rows, rank], values[:rank * rows]),
            f"{stem}.lora_down.weight": ([rank, columns], values[rank * rows:])}


def widths():
    """Channels of the U-Net's first level and of the text encoder."""
    def read(part):
        with open(os.path.join(MODEL, part, "config.json"), encoding="utf-8") as file:
            return json.load(file)
    return read("unet")["block_out_channels"], read("text_encoder")["hidden_size"]


@contextlib.contextmanager
def folder():
    """Two good files and some that are no use to the default model."""
    channels, text = widths()
    layer = f"lora_unet_{ATTENTION[0]}".replace(".", "_")
    with tempfile.TemporaryDirectory() as path:
        os.mkdir(os.path.join(path, "more"))
        wide = channels[ATTENTION[1]]
        write_tensors(os.path.join(path, "ink.safetensors"), low_rank(layer, wide, wide))
        write_tensors(os.path.join(path, "more", "word.safetensors"), low_rank(f"lora_te_{TEXT_LAYER}", text, text))
        write_tensors(os.path.join(path, "wide.safetensors"), low_rank(layer, 2 * wide, wide))
        write_tensors(os.path.join(path, "other.safetensors"), low_rank("lora_unet_input_blocks_1_1", wide, wide))
        write_tensors(os.path.join(path, "half.safetensors"), {f"{layer}.lora_up.weight": ([wide, 1], [0.0] * wide)})
        write_tensors(os.path.join(path, "strange.safetensors"), {"position": ([1], [0.0])})
        write_tensors(os.path.join(path, "infinite.safetensors"), low_rank(layer, wide, wide, size=1e38))
        for name in ("pickled.pt", "broken.safetensors"):
            with open(os.path.join(path, name), "wb") as file:
                file.write(b"nothing of the kind")
        yield path


def find_attention():
    """(name of a query projection, level) of the first level that has attention."""
    with open(os.path.join(MODEL, "unet", "config.json"), encoding="utf-8") as file:
        kinds = json.load(file)["down_block_types"]
    level = next(number for number, kind in enumerate(kinds) if kind.startswith("CrossAttn"))
    return LAYER.replace("down_blocks.0", f"down_blocks.{level}"), level


ATTENTION = find_attention()


def pixels(reply):
    equal(reply.status, 200, reply.body)
    return read_png(reply.body)[2]


def draw(d, *loras, **fields):
    return d.generate({**SMALL, "loras": list(loras), **fields}, headers={"Accept": "image/png"})


def test_an_adapter_changes_a_picture_and_its_weight_how_much():
    with folder() as path, Daemon("--loras-dir", path) as d:
        plain = pixels(draw(d))
        ink, word = {"name": "ink"}, {"name": "word"}
        made = [pixels(draw(d, ink)), pixels(draw(d, {**ink, "weight": 0.5})), pixels(draw(d, word)),
                pixels(draw(d, ink, word)), pixels(draw(d, {**word, "weight": 0, "text_weight": -1})), plain]
        equal(len(set(made)), len(made), "pictures that differ")
        equal(pixels(draw(d, {**ink, "weight": 0})), plain, "a weight of 0")
        equal(pixels(draw(d, ink)), made[0], "made again")
        equal(pixels(draw(d)), plain, "the model itself stays as it is")


def test_a_picture_with_adapters_can_be_made_again():
    with folder() as path, Daemon("--loras-dir", path) as d:
        for profile in ("diffusers", "a1111"):
            png = draw(d, {"name": "ink", "weight": 0.7}, {"name": "word", "weight": 0, "text_weight": 0.25},
                       profile=profile, prompt="a <lora:tiger:1>").body
            told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
            equal(told["warnings"], [])
            equal(told["request"]["prompt"], "a <lora:tiger:1>")
            equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)


def test_the_job_tells_its_adapters():
    with folder() as path, Daemon("--loras-dir", path) as d:
        job = d.post("/api/v1/jobs", {**SMALL, "loras": [{"name": "ink", "weight": 0.5}]}).json()
        equal(job["request"]["loras"], [{"name": "ink", "weight": 0.5, "text_weight": 0.5}])


def test_prompts_of_automatic1111_name_them():
    with folder() as path, Daemon("--loras-dir", path) as d:
        def a1111(prompt, **fields):
            reply = d.post("/sdapi/v1/txt2img", {**SMALL, "prompt": prompt, **fields})
            equal(reply.status, 200, reply.body)
            return json.loads(reply.body)["images"][0]
        plain = a1111("a tiger")
        ink = a1111("a tiger<lora:ink:0.6>")
        true(ink != plain, "an adapter")
        for same in ("a tiger<lora:ink:0.6:0.6>", "a tiger<lora:ink:te=0.1:unet=0.6>", "<lora:ink:1:0.6>a tiger"):
            equal(read_image(a1111(same)), read_image(ink), same)
        equal([row["name"] for row in d.get("/sdapi/v1/loras").json()], ["infinite", "ink", "word"])
        for prompt, what in (("a <lora:nobody:1>", "nobody"), ("a <lora:ink:much>", "<lora:ink:much>"),
                             ("a <hypernet:x:1>", "hypernetwork")):
            reply = d.post("/sdapi/v1/txt2img", {**SMALL, "prompt": prompt})
            true(reply.status == 422 and what in reply.body.decode(), reply.body)


def read_image(text):
    return read_png(base64.b64decode(text))[2]


def test_what_is_no_use_is_told_by_name():
    with folder() as path, Daemon("--loras-dir", path) as d:
        told = {row["name"]: row for row in d.get("/api/v1/models").json()["models"][0]["loras"]}
        equal({name: row["layers"] for name, row in told.items() if "refused" not in row},
              {"ink": 1, "word": 1, "infinite": 1})
        for name, why in (("wide", "do not fit"), ("other", "another"), ("half", "missing"), ("strange", "position"),
                          ("pickled", "pickle"), ("broken", "safetensors")):
            true(why in told[name]["refused"] and path not in told[name]["refused"], told[name])
            true(any("lora_refused" in line and name in line for line in d.log), name)
            problem = draw(d, {"name": name})
            true(problem.status == 422 and problem.json()["errors"][0]["pointer"] == "/loras", problem.body)
        job = draw(d, {"name": "infinite"})
        true(job.status == 500 and "infinite" in job.body.decode() and "finite" in job.body.decode(), job.body)
        pixels(draw(d, {"name": "ink"}))


def test_wrong_fields_are_told():
    with folder() as path, Daemon("--loras-dir", path) as d:
        for loras, pointer in (([{"name": "none"}], "/loras"), ([{}], "/loras/0"), (["ink"], "/loras/0"),
                               ([{"name": "ink"}, {"name": "ink", "weight": "1"}], "/loras/1"),
                               ([{"name": "ink", "weight": 101}], "/loras/0"),
                               ([{"name": "ink", "scale": 1}], "/loras/0"),
                               ([{"name": "ink"}] * 17, "/loras"), ("ink", "/loras")):
            reply = d.generate({**SMALL, "loras": loras})
            true(reply.status == 422 and [e["pointer"] for e in reply.json()["errors"]] == [pointer], reply.body)


def test_the_command_line_takes_them():
    with folder() as path, tempfile.TemporaryDirectory() as out:
        def run(*more):
            file = os.path.join(out, "x.png")
            done = subprocess.run([REAL, "generate", "--model", MODEL, "--prompt", "a tiger", "--seed", "7", "--steps", "2",
                                   "--width", "64", "--height", "64", "--output", file, *more], capture_output=True,
                                  check=False, env=clean_environment())
            if done.returncode != 0:
                return done, None
            with open(file, "rb") as png:
                return done, read_png(png.read())[2]

        plain = run()[1]
        ink = run("--loras-dir", path, "--lora", "ink:0.5", "--lora", "word:0:0.5")
        true(ink[1] and ink[1] != plain, ink[0].stderr)
        true(b"pickle" in ink[0].stderr, ink[0].stderr)
        equal(run("--lora", "ink")[0].returncode, 2)
        equal(run("--loras-dir", path, "--lora", "ink:much")[0].returncode, 2)
        equal(run("--loras-dir", path + "/none")[0].returncode, 2)


if __name__ == "__main__":
    main(globals())
