"""A VAE in place of the models' own: told of, written into pictures, and refused by name.  Arguments: parts of names."""

import base64
import json
import os
import subprocess
import tempfile

from daemon import REAL, ROOT, Daemon, clean_environment, equal, main, read_png, true, write_png

FIXTURES = os.path.join(ROOT, "tests/parity/fixtures")
MODEL = os.path.join(FIXTURES, "sd15/model")
KL = os.path.join(FIXTURES, "vae/vae")
TINY = os.path.join(FIXTURES, "taesd/vae")
HALVES = os.path.join(FIXTURES, "taesd-xl/vae")
DECODER = os.path.join(HALVES, "tiny_decoder.safetensors")
SIDE = 24
PNG = {"Accept": "image/png"}
SMALL = {"prompt": "a red fox", "seed": 7, "steps": 4, "width": SIDE, "height": SIDE, "sampler": "euler"}
IMAGE = base64.b64encode(write_png(SIDE, SIDE, lambda x, y: (10 * x, 10 * y, 99))).decode()


def draw(d, **fields):
    reply = d.generate({**SMALL, **fields}, headers=PNG)
    equal(reply.status, 200, reply.body)
    return reply.body


def latentd(*arguments):
    """Exit code, standard output and standard error."""
    done = subprocess.run([REAL, *arguments], env=clean_environment(), capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


def test_pictures_are_another_vaes_and_say_so():
    with Daemon(model=MODEL) as d:
        plain = draw(d)
        true("vae" not in d.get("/api/v1/models").json()["models"][0], "the model's own is not told")
    true("VAE:" not in read_png(plain)[3]["parameters"], "nor is it in its pictures")
    seen = [read_png(plain)[2]]
    for path, name in ((KL, "vae"), (TINY, "vae"), (DECODER, "tiny_decoder.safetensors"), (HALVES, "vae")):
        with Daemon("--vae", path, model=MODEL) as d:
            equal(d.get("/api/v1/models").json()["models"][0]["vae"], name)
            drawn, from_image = draw(d), draw(d, image=IMAGE, strength=0.5)
        true(f", VAE: {name}, " in read_png(drawn)[3]["parameters"], read_png(drawn)[3])
        true(read_png(drawn)[2] not in seen or path == HALVES, "the pixels are this VAE's")
        true(read_png(from_image)[2] != read_png(drawn)[2], "and a picture can be begun with")
        seen.append(read_png(drawn)[2])
    equal(seen[-1], seen[-2], "a decoder by its file and by its folder")


def test_the_configuration_file_names_it_too():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"vae = {TINY}\n")
        file.flush()
        with Daemon("--config", file.name, model=MODEL) as d:
            equal(d.get("/api/v1/models").json()["models"][0]["vae"], "vae")


def test_generate_and_inspect_take_it():
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "x.png")
        code, _, told = latentd("generate", "--model", MODEL, "--vae", TINY, "--prompt", SMALL["prompt"], "--seed", "7", "--steps", "4",
                                "--width", str(SIDE), "--height", str(SIDE), "--sampler", "euler", "--output", out)
        equal(code, 0, told)
        with open(out, "rb") as file, Daemon("--vae", TINY, model=MODEL) as d:
            equal(file.read(), draw(d), "the daemon's bytes")
    code, report, told = latentd("inspect", MODEL, "--vae", TINY, "--json")
    equal(code, 0, told)
    report = json.loads(report)
    equal((report["vae"], report["loads"]), ("vae", True))
    (part,) = (part for part in report["parts"] if part["name"] == "vae")
    true(any(tensor["name"] == "decoder.layers.0.weight" for tensor in part["tensors"]), "the part is this VAE")
    code, report, _ = latentd("inspect", MODEL, "--vae", "/nonexistent", "--json")
    equal((code, json.loads(report)["error"]), (3, "/nonexistent: no such VAE"))


def test_a_picture_can_be_made_again_where_the_vae_is_the_same():
    with Daemon("--vae", TINY, model=MODEL) as d:
        png = draw(d)
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(told["warnings"], [])
        equal(read_png(draw(d, **told["request"]))[2], read_png(png)[2])
        own = write_png(8, 8, lambda x, y: (0, 0, 0), b"a\nSteps: 4, Sampler: Euler, Seed: 7, Size: 24x24")
        told = d.post("/api/v1/inspect", own, headers={"Content-Type": "image/png"}).json()
        equal([w["pointer"] for w in told["warnings"]], ["/settings/VAE"], "a picture by a model's own VAE")
    with Daemon(model=MODEL) as d:
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal([w["pointer"] for w in told["warnings"]], ["/settings/VAE"], "there is no such VAE here")


def test_automatic1111s_clients_see_it_and_may_name_it():
    request = {"prompt": "a fox", "steps": 2, "width": SIDE, "height": SIDE, "seed": 3, "sampler_name": "Euler"}
    with Daemon("--vae", DECODER, model=MODEL) as d:
        name = "tiny_decoder.safetensors"
        equal(d.get("/sdapi/v1/sd-vae").json(), [{"model_name": name, "filename": name}])
        options = d.get("/sdapi/v1/options").json()
        equal(options["sd_vae"], name)
        equal(d.post("/sdapi/v1/options", options).status, 200, "the whole object comes back")
        pictures = set()
        for value in (name, "Automatic", "", None, "None"):
            reply = d.post("/sdapi/v1/txt2img", {**request, "override_settings": {"sd_vae": value}})
            equal(reply.status, 200, reply.body)
            pictures.add(reply.json()["images"][0])
            equal(json.loads(reply.json()["info"])["sd_vae_name"], name)
            equal("sd_vae" in str(reply.headers), value == "None", f"{value} is not what is drawn")
        equal(len(pictures), 1, "all of them are this VAE's")
        refused = d.post("/sdapi/v1/txt2img", {**request, "override_settings": {"sd_vae": "other.safetensors"}})
        equal(refused.status, 422)
        true(b"there is no VAE" in refused.body and b"sd-vae" in refused.body, refused.body)
    with Daemon(model=MODEL) as d:
        equal(d.get("/sdapi/v1/sd-vae").json(), [])
        equal(d.get("/sdapi/v1/options").json()["sd_vae"], "Automatic")


def test_a_decoder_alone_refuses_pictures_by_name():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(DECODER, os.path.join(folder, "tiny_decoder.safetensors"))
        with Daemon("--vae", folder, model=MODEL) as d:
            draw(d)
            reply = d.generate({**SMALL, "image": IMAGE})
            equal((reply.status, reply.pointers()), (422, ["/image"]))
            true("has no encoder" in reply.json()["errors"][0]["detail"], reply.body)
            reply = d.generate({**SMALL, "hr_scale": 2, "hr_upscaler": "lanczos", "strength": 0.5})
            equal((reply.status, reply.pointers()), (422, ["/hr_upscaler"]))


def test_what_does_not_fit_keeps_the_daemon_from_starting():
    other = os.path.join(FIXTURES, "single/model/vae")
    for path, words in (("/nonexistent", "no such VAE"), (other, "4 levels, for 8 pixels"),
                        (os.path.join(MODEL, "text_encoder/model.safetensors"), "no VAE")):
        code, _, told = latentd("--listen", "127.0.0.1:0", "--model", MODEL, "--vae", path)
        true(code == 3 and words in told, told)


if __name__ == "__main__":
    main(globals())
