"""Several models in one daemon: by name, read when they are asked for, loaded by jobs, unloaded for others.

Arguments: parts of names.
"""

import base64
import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time

from daemon import REAL, ROOT, Daemon, clean_environment, equal, main, read_png, true, within

FIXTURES = os.path.join(ROOT, "tests/parity/fixtures")
MODELS, A1111 = "/api/v1/models", "/sdapi/v1/"
# Models of three layouts: two folders, and one in one file with its vocabulary beside it.
NAMES = ("thin", "odd", "one")
UNET = "unet/diffusion_pytorch_model.safetensors"
SMALL = {"prompt": "a red cat", "seed": 3, "steps": 2, "width": 16, "height": 16, "sampler": "euler"}


def fixture(name):
    return os.path.join(FIXTURES, name, "model")


@contextlib.contextmanager
def folder():
    """The three models, to be spoilt."""
    with tempfile.TemporaryDirectory() as path:
        shutil.copytree(fixture("thin"), os.path.join(path, "thin"))
        shutil.copytree(fixture("odd"), os.path.join(path, "more", "odd"))
        os.mkdir(os.path.join(path, "one"))
        shutil.copy(os.path.join(fixture("single"), "single.safetensors"), os.path.join(path, "one", "one.safetensors"))
        shutil.copytree(os.path.join(fixture("single"), "tokenizer"), os.path.join(path, "one", "tokenizer"))
        yield path


def place(path, name):
    return os.path.join(path, {"thin": "thin", "odd": "more/odd", "one": "one/one.safetensors"}[name])


def spoil(path, values):
    """Puts other bytes at the end of a file, or with None cuts them off."""
    with open(path, "r+b") as file:
        file.seek(-16, os.SEEK_END)
        if values is None:
            file.truncate()
        else:
            file.write(values)


def picture(daemon, name, **more):
    reply = daemon.generate({**SMALL, "model": name, **more})
    equal(reply.status, 200, f"{name}: {reply.body[:400]}")
    return base64.b64decode(reply.json()["images"][0]["b64_png"])


@functools.lru_cache(maxsize=None)
def alone(name, seed=3):
    """What a daemon with this model alone draws."""
    with folder() as path, Daemon(model=f"{name}={place(path, name)}") as d:
        return picture(d, name, seed=seed)


def metric(daemon, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", daemon.get("/metrics").body.decode(), re.M)
    return float(found.group(1)) if found else None


def loaded(daemon):
    return [model["name"] for model in daemon.get(MODELS).json()["models"] if model["loaded"]]


def logged(daemon, event, count=1):
    """The log's lines of an event, of which there are to be so many soon."""
    end = time.monotonic() + within(5)
    while True:
        lines = [line for line in daemon.log if f"event={event} " in line]
        if len(lines) >= count or time.monotonic() > end:
            return lines
        time.sleep(0.01)


def test_models_of_a_folder_are_known_by_name_and_read_when_they_are_asked_for():
    with folder() as path, Daemon("--models-dir", path, model=None) as d:
        models = d.get(MODELS).json()["models"]
        equal([(m["name"], m["default"], m["loaded"]) for m in models],
              [("odd", True, True), ("one", False, False), ("thin", False, False)])
        true("family" in models[0] and "family" not in models[1], "what is known of a model")
        equal([row["model"] for row in d.get("/api/v1/capabilities").json()["sizes"]], ["odd"])
        told = d.get(MODELS + "/one").json()
        equal((told["family"], told["loaded"]), ("sd1", False))
        true(told["defaults"]["steps"] > 0 and told["file_bytes"] > 0, "a model that was asked for tells of itself")
        equal(d.get(MODELS).json()["models"][1]["family"], "sd1")
        equal(loaded(d), ["odd"])
        equal(d.post("/api/v1/estimate", {**SMALL, "model": "thin"}).status, 200)
        equal(loaded(d), ["odd"])
        equal(picture(d, "thin"), alone("thin"))
        equal(loaded(d), ["odd", "thin"])
        job = d.wait(d.submit(**SMALL, model="one"))
        equal((job["status"], job["request"]["model"]), ("succeeded", "one"))
        again = d.wait(d.submit(**SMALL, model="one"))
        true(job["timings"]["load_s"] >= again["timings"]["load_s"], "what a load takes is told")
        equal(len(logged(d, "model_loaded", 3)), 3)
        true(all(re.search(r" seconds=\d+\.\d+ bytes=\d+", line) for line in logged(d, "model_loaded")), d.log)
        equal(metric(d, "latentd_model_loads_total{result=\"loaded\"}"), 3)
        equal(metric(d, "latentd_model_loaded{model=\"one\"}"), 1)


def test_the_first_model_or_the_one_that_is_named_is_the_default():
    with folder() as path:
        with Daemon("--models-dir", path, model=f"mine={place(path, 'thin')}") as d:
            equal([m["name"] for m in d.get(MODELS).json()["models"]], ["mine", "odd", "one", "thin"])
            equal(d.get("/api/v1/capabilities").json()["default_model"], "mine")
        with Daemon("--models-dir", path, "--default-model", "thin", model=None) as d:
            equal([m["name"] for m in d.get(MODELS).json()["models"]], ["thin", "odd", "one"])
            equal(d.generate(SMALL).json()["request"]["model"], "thin")


def test_jobs_that_take_turns_draw_what_each_model_draws_alone():
    with folder() as path, Daemon("--models-dir", path, "--models-memory", "1", model=None) as d:
        for turn in range(3):
            for name in NAMES:
                equal(picture(d, name, seed=turn) == alone(name, turn), True, f"{name}, turn {turn}")
                equal(loaded(d), [name])
        equal(metric(d, "latentd_model_loads_total{result=\"loaded\"}"), 10)
        equal(metric(d, "latentd_model_unloads_total"), 9)
        equal(len(logged(d, "model_unloaded", 9)), 9)
        equal(metric(d, "latentd_models_loaded_bytes"), metric(d, "latentd_model_bytes{model=\"one\"}"))


def test_what_fits_into_the_memory_stays():
    with folder() as path:
        with Daemon("--models-dir", path, model=None) as d:
            room = sum(d.get(f"{MODELS}/{name}").json()["file_bytes"] for name in ("odd", "thin"))
        with Daemon("--models-dir", path, "--models-memory", str(room), model=None) as d:
            for name in ("thin", "odd", "thin", "odd"):
                picture(d, name)
            equal(metric(d, "latentd_model_unloads_total"), 0)
            picture(d, "one")
            equal(loaded(d), ["one"])


def test_two_workers_draw_with_two_models_beside_each_other():
    wrong = []

    def draw(daemon, name, seed):
        if picture(daemon, name, seed=seed) != alone(name, seed):
            wrong.append((name, seed))

    for seed in range(2):
        for name in NAMES:
            alone(name, seed)
    with folder() as path, Daemon("--models-dir", path, "--models-memory", "1", "--workers", "2", "--queue-limit", "64",
                                  model=None) as d:
        threads = [threading.Thread(target=draw, args=(d, NAMES[i % 3], i % 2)) for i in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(wrong, [])
        equal(len(loaded(d)), 1)


def test_a_running_job_keeps_its_model():
    with Daemon("--models-memory", "1", "--workers", "2", "--model", "b=anything", model="a=anything",
                fake_step_ms=20) as d:
        slow = d.submit(model="a", steps=100)
        d.wait(slow, "running")
        for _ in range(3):
            equal(d.generate(model="b", steps=1).status, 200)
        equal(d.job(slow)["status"], "running")
        equal(loaded(d), ["a"])
        equal(d.post(A1111 + "unload-checkpoint").json(), {})
        equal(loaded(d), ["a"])
        d.post(f"/api/v1/jobs/{slow}/cancel")
        d.wait(slow)
        equal(metric(d, "latentd_model_unloads_total"), 3)
        equal(d.post(A1111 + "unload-checkpoint").json(), {})
        equal(loaded(d), [])


def test_what_is_no_model_is_told_and_left_out():
    with folder() as path:
        for name in ("old.ckpt", "text.safetensors", "broken.gguf"):
            with open(os.path.join(path, name), "wb") as file:
                file.write(b"nothing of the kind")
        shutil.copy(os.path.join(fixture("thin"), UNET), os.path.join(path, "part.safetensors"))
        os.mkdir(os.path.join(path, "empty"))
        with open(os.path.join(path, "notes.txt"), "w", encoding="utf-8") as file:
            file.write("not for a program")
        with Daemon("--models-dir", path, model=None) as d:
            equal([m["name"] for m in d.get(MODELS).json()["models"]], ["odd", "one", "thin"])
            told = "".join(logged(d, "model_refused", 4))
            for name in ("old.ckpt", "text.safetensors", "broken.gguf", "part.safetensors"):
                true(name in told, f"{name}: {told}")
            equal(len(logged(d, "model_refused")), 4)


def test_a_bad_model_fails_its_own_requests_alone():
    with folder() as path:
        spoil(os.path.join(path, "more/odd", UNET), None)           # its header tells of more than there is
        spoil(os.path.join(path, "thin", UNET), b"\xff" * 16)       # its values are not finite
        with Daemon("--models-dir", path, model=None) as d:
            equal([m["name"] for m in d.get(MODELS).json()["models"]], ["one", "thin"])  # the first one that can be loaded
        with Daemon("--models-dir", path, "--default-model", "one", model=None) as d:
            refused = d.generate({**SMALL, "model": "odd"})
            equal((refused.status, refused.pointers()), (422, ["/model"]))
            true(f"odd/{UNET}" in refused.body.decode() and path not in refused.body.decode(), refused.body)
            equal(d.get(MODELS + "/odd").status, 500)
            true(UNET in d.get(MODELS + "/odd").json()["detail"], "what is wrong with it")
            failed = d.wait(d.submit(**SMALL, model="thin"))
            equal((failed["status"], failed["error"]["code"]), ("failed", "bad_file"))
            true("not finite" in failed["error"]["detail"], failed)
            equal(d.generate({**SMALL, "model": "thin"}).code(), "bad_file")
            equal(metric(d, "latentd_model_loads_total{result=\"failed\"}"), 2)
            true(logged(d, "model_failed"), d.log)
            equal(picture(d, "one"), alone("one"))
            shutil.copy(os.path.join(fixture("odd"), UNET), os.path.join(path, "more/odd", UNET))
            shutil.copy(os.path.join(fixture("thin"), UNET), os.path.join(path, "thin", UNET))
            equal(picture(d, "odd"), alone("odd"))
            equal(picture(d, "thin"), alone("thin"))


def test_a_model_that_went_away_fails_its_jobs_until_it_is_back():
    with folder() as path, Daemon("--models-dir", path, "--models-memory", "1", model=None) as d:
        picture(d, "thin")
        picture(d, "one")
        job = d.wait(d.submit(**SMALL, model="thin"))
        picture(d, "one")
        os.rename(os.path.join(path, "thin"), os.path.join(path, "gone"))
        failed = d.generate({**SMALL, "model": "thin"})
        equal(failed.status, 500)
        true("thin" in failed.json()["detail"] and path not in failed.body.decode(), failed.body)
        again = d.post(f"/api/v1/jobs/{job['id']}/retry")
        equal(d.wait(again.json()["id"])["status"], "failed")
        equal(picture(d, "one"), alone("one"))
        os.rename(os.path.join(path, "gone"), os.path.join(path, "thin"))
        equal(picture(d, "thin"), alone("thin"))


def ends(*flags):
    """Exit code and errors of a daemon that does not start."""
    done = subprocess.run([REAL, "--listen", "127.0.0.1:0", *flags], capture_output=True, text=True, timeout=60,
                          env=clean_environment(), check=False)
    return done.returncode, done.stderr


def test_a_bad_model_that_was_named_ends_the_start():
    with folder() as path, tempfile.TemporaryDirectory() as empty:
        good = place(path, "one")
        spoil(os.path.join(path, "thin", UNET), None)
        for flags, code, words in (
                (("--model", good, "--model", place(path, "thin")), 3, UNET),
                (("--model", good, "--models-dir", os.path.join(path, "none")), 3, "folder of models"),
                (("--models-dir", empty), 3, "no model"),
                (("--model", good, "--default-model", "two"), 2, "\"two\""),
                (("--model", good, "--models-memory", "much"), 2, "models-memory")):
            got, told = ends(*flags)
            equal(got, code, told)
            true(words in told.replace("\\\"", "\""), told)


def test_names_that_are_none():
    with folder() as path:
        for name in ("a b=c.safetensors", "line\nfeed.safetensors", "\u00fcber.safetensors", "..safetensors"):
            os.symlink(place(path, "one"), os.path.join(path, "one", name))
        with Daemon("--models-dir", path, model=None) as d:
            names = [m["name"] for m in d.get(MODELS).json()["models"]]
            true(all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) for name in names), names)
            true("a-b-c" in names and "line-feed" in names, names)
            equal(read_png(picture(d, "a-b-c"))[2], read_png(alone("one"))[2])
            for name in ("", "../one", "one/", "one\x7f", "\u00e9", "x" * 10000, "one.safetensors"):
                reply = d.generate({**SMALL, "model": name})
                equal((reply.status, reply.pointers()), (422, ["/model"]), name[:20])
            body = json.dumps({**SMALL, "model": "NAME"})
            equal(d.post("/api/v1/generate", body.replace("NAME", "\\u006f\\u006ee")).status, 200)
            equal(d.post("/api/v1/generate", body.replace("NAME", "one\\u0000")).status, 400)
            for name in ("none", "..%2fone", "one%00", "x" * 300, "one/.."):
                true(d.get(f"{MODELS}/{name}").status in (400, 404), name[:20])


def test_the_web_uis_clients_choose_models():
    with folder() as path, Daemon("--models-dir", path, "--models-memory", "1", model=None) as d:
        asked = {"prompt": "a red cat", "seed": 3, "steps": 2, "width": 16, "height": 16, "sampler_name": "Euler"}
        titles = [row["title"] for row in d.get(A1111 + "sd-models").json()]
        equal([title.split(" [")[0] for title in titles], ["odd", "one", "thin"])
        equal([row["model_name"] for row in d.get(A1111 + "sd-models").json()], ["odd", "one", "thin"])
        equal(d.post(A1111 + "options", {"sd_model_checkpoint": titles[1]}).status, 200)
        true(d.get(A1111 + "options").json()["sd_model_checkpoint"].startswith("one"), "the model that was chosen")
        drawn = json.loads(d.post(A1111 + "txt2img", asked).json()["info"])
        equal((drawn["sd_model_name"], loaded(d)), ("one", ["one"]))
        other = d.post(A1111 + "txt2img", {**asked, "override_settings": {"sd_model_checkpoint": "thin.safetensors"}})
        equal((json.loads(other.json()["info"])["sd_model_name"], loaded(d)), ("thin", ["thin"]))
        equal(json.loads(d.post(A1111 + "txt2img", asked).json()["info"])["sd_model_name"], "one")
        equal(d.post(A1111 + "unload-checkpoint").json(), {})
        equal(loaded(d), [])
        equal(d.post(A1111 + "reload-checkpoint").status, 200)
        equal(d.post(A1111 + "txt2img", asked).status, 200)
        spoil(os.path.join(path, "more/odd", UNET), None)
        equal(d.post(A1111 + "options", {"sd_model_checkpoint": "odd"}).status, 200)  # it was read before
        equal(d.post(A1111 + "options", {"sd_model_checkpoint": "none"}).status, 422)
        failed = d.post(A1111 + "txt2img", asked)
        equal(failed.status, 500)
        true("odd" in json.dumps(failed.json()), failed.body)


def test_openais_clients_choose_models():
    with folder() as path, Daemon("--models-dir", path, "--strict-model", model=None) as d:
        equal([row["id"] for row in d.get("/v1/models").json()["data"]], ["odd", "one", "thin"])
        equal([d.get(f"/v1/models/{name}").json()["loaded"] for name in NAMES], [False, True, False])
        reply = d.post("/v1/images/generations", {"prompt": "a red cat", "model": "thin", "size": "16x16"})
        equal((reply.status, loaded(d)), (200, ["odd", "thin"]))
        equal(d.post("/v1/images/generations", {"prompt": "a", "model": "none", "size": "16x16"}).status, 404)
        shutil.rmtree(os.path.join(path, "one"))
        reply = d.post("/v1/images/generations", {"prompt": "a", "model": "one", "size": "16x16"})
        equal((reply.status, reply.json()["error"]["param"]), (400, "model"))


if __name__ == "__main__":
    main(globals())
