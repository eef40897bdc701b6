"""Textual inversion embeddings: a folder, names in prompts, and what is no use told by name.  Arguments: parts of names."""

import contextlib
import json
import os
import struct
import tempfile

from daemon import MODEL, Daemon, equal, main, read_png, true

SMALL = {"prompt": "a glow tiger", "seed": 7, "steps": 2, "width": 64, "height": 64}


def write_embedding(path, vectors, width, value=0.5):
    """A .safetensors file with one f32 tensor [vectors, width]."""
    data = struct.pack(f"<{vectors * width}f", *((value if i % 3 else -value) for i in range(vectors * width)))
    header = json.dumps({"emb_params": {"dtype": "F32", "shape": [vectors, width], "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


@contextlib.contextmanager
def folder():
    """Two good files and four that are no use to the default model."""
    with open(os.path.join(MODEL, "text_encoder", "config.json"), encoding="utf-8") as file:
        width = json.load(file)["hidden_size"]
    with tempfile.TemporaryDirectory() as path:
        os.mkdir(os.path.join(path, "more"))
        write_embedding(os.path.join(path, "glow.safetensors"), 2, width)
        write_embedding(os.path.join(path, "more", "my style.safetensors"), 1, width)
        write_embedding(os.path.join(path, "wide.safetensors"), 1, 2 * width)
        write_embedding(os.path.join(path, "long.safetensors"), 76, width)
        for name in ("pickled.pt", "broken.safetensors"):
            with open(os.path.join(path, name), "wb") as file:
                file.write(b"nothing of the kind")
        yield path


def pixels(reply):
    equal(reply.status, 200, reply.body)
    return read_png(reply.body)[2]


def draw(d, **fields):
    return d.generate({**SMALL, **fields}, headers={"Accept": "image/png"})


def test_names_stand_for_vectors_in_both_profiles():
    with folder() as path, Daemon() as without, Daemon("--embeddings-dir", path) as d:
        for profile in ("diffusers", "a1111"):
            named = pixels(draw(d, profile=profile))
            true(named != pixels(draw(without, profile=profile)), profile)
            equal(named, pixels(draw(d, profile=profile, prompt="a GLOW tiger")), profile)
            equal(pixels(draw(d, profile=profile, prompt="a tiger")),
                  pixels(draw(without, profile=profile, prompt="a tiger")), profile)
        true(pixels(draw(d, profile="a1111", prompt="a (glow:1.5) tiger")) != named, "a weight")
        true(pixels(draw(d, profile="a1111", prompt="a tiger", negative_prompt="my style")) !=
             pixels(draw(d, profile="a1111", prompt="a tiger")), "two words")


def test_a_picture_with_an_embedding_can_be_made_again():
    with folder() as path, Daemon("--embeddings-dir", path) as d:
        png = draw(d, profile="a1111", prompt="a (glow:1.2), my style").body
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(told["warnings"], [])
        equal(d.generate(told["request"], headers={"Accept": "image/png"}).body, png)


def test_what_is_no_use_is_told_by_name():
    with folder() as path, Daemon("--embeddings-dir", path) as d:
        told = {row["name"]: row for row in d.get("/api/v1/models").json()["models"][0]["embeddings"]}
        equal({name: row["vectors"] for name, row in told.items() if "refused" not in row}, {"glow": 2, "my style": 1})
        for name, why in (("wide", "values"), ("long", "76 vectors"), ("pickled", "pickle"), ("broken", "")):
            equal(told[name]["vectors"], 0)
            true(why in told[name]["refused"] and path not in told[name]["refused"], told[name])
            true(any("embedding_refused" in line and name in line for line in d.log), name)
        a1111 = d.get("/sdapi/v1/embeddings").json()
        equal((sorted(a1111["loaded"]), sorted(a1111["skipped"])),
              (["glow", "my style"], ["broken", "long", "pickled", "wide"]))
        equal(a1111["loaded"]["glow"]["vectors"], 2)
        warned = d.generate(dict(SMALL, prompt="a pickled tiger")).json()["warnings"]
        equal([row["pointer"] for row in warned], ["/prompt"])
        true("pickled" in warned[0]["detail"], warned)


def test_a_folder_that_is_not_there_ends_the_start():
    with folder() as path:
        try:
            with Daemon("--embeddings-dir", path + "/none"):
                pass
        except Exception as error:  # the daemon's end, told with its log
            true("none: the folder of embeddings cannot be read" in str(error), error)
        else:
            raise AssertionError("it serves")


if __name__ == "__main__":
    main(globals())
