"""What Open WebUI, SillyTavern, LibreChat and KoboldAI Lite send to AUTOMATIC1111, byte for byte, and what they then
read from the answers.  The programs themselves are too heavy to run here; the requests are those that their sources
make (open-webui backend/open_webui/routers/images.py, SillyTavern src/endpoints/stable-diffusion.js and
public/scripts/extensions/stable-diffusion, LibreChat StableDiffusion.js, lite.koboldai.net index.html)."""

import base64
import http.client
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import MODEL, Daemon, equal, main, read_png, true  # noqa: E402


class Answer:
    def __init__(self, reply):
        self.status, self.headers, self.body = reply.status, reply.headers, reply.read()

    def json(self):
        return json.loads(self.body)


def send(d, line, headers, body=b""):
    """One request, written as given; HOST and LENGTH stand for what differs from run to run."""
    head = line + "\r\n" + "".join(header + "\r\n" for header in headers) + "\r\n"
    data = head.replace("HOST", f"127.0.0.1:{d.port}").replace("LENGTH", str(len(body))).encode() + body
    with d.connect(120) as s:
        s.sendall(data)
        reply = http.client.HTTPResponse(s)
        reply.begin()
        return Answer(reply)


def picture(answer, width, height):
    """The first picture, as every one of these clients takes it."""
    equal(answer.status, 200, answer.body[:500])
    image = answer.json()["images"][0]
    true("," not in image, "a data URL would be cut off at its comma")
    equal(read_png(base64.b64decode(image, validate=True))[:2], (width, height))


# aiohttp, which writes JSON with blanks; an empty authorization when none is set.
def open_webui(d, method, path, body=None, auth=""):
    headers = ["Host: HOST", "authorization: " + auth, "Accept: */*", "Accept-Encoding: gzip, deflate, br",
               "User-Agent: Python/3.11 aiohttp/3.12.15"]
    if body is None:
        return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1", headers)
    return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1",
                headers + ["Content-Length: LENGTH", "Content-Type: application/json"], json.dumps(body).encode())


def test_open_webui():
    with Daemon("--model", "second=" + MODEL, fake_step_ms=0) as d:
        equal(open_webui(d, "GET", "options").status, 200)
        models = [{"id": model["title"], "name": model["model_name"]} for model in open_webui(d, "GET", "sd-models").json()]
        equal([model["name"] for model in models], ["default", "second"])
        options = open_webui(d, "GET", "options").json()
        true(models[1]["id"] != options["sd_model_checkpoint"], options)
        options["sd_model_checkpoint"] = models[1]["id"]
        equal(open_webui(d, "POST", "options", options).status, 200)
        equal(open_webui(d, "GET", "options").json()["sd_model_checkpoint"], models[1]["id"])
        for more in ({}, {"steps": 50}, {"steps": 20, "negative_prompt": "blurry"},
                     {"sampler_name": "DPM++ 2M", "scheduler": "Karras", "cfg_scale": 7}):
            answer = open_webui(d, "POST", "txt2img", {"prompt": "a caf\u00e9 at night", "batch_size": 2, "width": 512,
                                                       "height": 512, **more}, "Basic YXBpOnNlY3JldA==")
            picture(answer, 512, 512)
            equal(len(answer.json()["images"]), 2)
            equal(json.loads(answer.json()["info"])["sd_model_name"], "second")
            equal(json.loads(answer.json()["info"])["prompt"], "a caf\u00e9 at night")


# node-fetch; JSON.stringify writes no blanks.  The Basic header is there even without a password.
def silly_tavern(d, method, path, body=None):
    headers = ["Authorization: Basic ", "User-Agent: node-fetch", "Accept-Encoding: gzip, deflate, br", "Connection: close",
               "Host: HOST"]
    if body is None and method == "POST":
        return send(d, f"POST /sdapi/v1/{path} HTTP/1.1", ["Content-Length: 0"] + headers)
    if body is None:
        return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1", headers)
    return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1",
                ["Content-Type: application/json"] + headers + ["Content-Length: LENGTH"],
                json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


SILLY_TAVERN = {"url": "http://localhost:7860", "auth": "", "prompt": "best quality, absurdres, aesthetic, a caf\u00e9",
                "negative_prompt": "lowres, bad anatomy, bad hands, text, error, cropped, worst quality, low quality",
                "sampler_name": "DDIM", "scheduler": "normal", "steps": 20, "cfg_scale": 7, "width": 512, "height": 512,
                "restore_faces": False, "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 1,
                "hr_additional_modules": [], "denoising_strength": 0.7, "hr_second_pass_steps": 0,
                "override_settings": {"CLIP_stop_at_last_layers": 1}, "override_settings_restore_afterwards": True,
                "clip_skip": 1, "save_images": True, "send_images": True, "do_not_save_grid": False,
                "do_not_save_samples": False}


def test_silly_tavern():
    with Daemon("--model", "second=" + MODEL, fake_step_ms=0) as d:
        equal(silly_tavern(d, "GET", "options").status, 200)
        upscalers = [row["name"] for row in silly_tavern(d, "GET", "upscalers").json()]
        equal(upscalers[0], "None")
        equal([row["name"] for row in silly_tavern(d, "GET", "latent-upscale-modes").json()],
              ["Latent", "Latent (antialiased)", "Latent (nearest)"])
        for path in ("sd-vae", "sd-modules"):
            equal([row["model_name"] for row in silly_tavern(d, "GET", path).json()], [])
        samplers = [row["name"] for row in silly_tavern(d, "GET", "samplers").json()]
        schedulers = [row["name"] for row in silly_tavern(d, "GET", "schedulers").json()]
        true("Euler a" in samplers and "karras" in schedulers, samplers + schedulers)
        titles = [row["title"] for row in silly_tavern(d, "GET", "sd-models").json()]
        true(silly_tavern(d, "GET", "options").json()["sd_model_checkpoint"] in titles, titles)
        equal(silly_tavern(d, "POST", "options", {"sd_model_checkpoint": titles[1]}).status, 200)
        progress = silly_tavern(d, "GET", "progress").json()
        equal((progress["progress"], progress["state"]["job_count"]), (0.0, 0))
        true("forge_preset" not in silly_tavern(d, "GET", "options").json(), "taken for Forge")
        for sampler in samplers:
            for scheduler in ("normal", "automatic"):
                picture(silly_tavern(d, "POST", "txt2img", {**SILLY_TAVERN, "sampler_name": sampler,
                                                            "scheduler": scheduler, "seed": 5}), 512, 512)
        answer = silly_tavern(d, "POST", "txt2img", SILLY_TAVERN)
        picture(answer, 512, 512)
        told = answer.headers.get_all("X-Latentd-Warning") or []
        equal([line.split(":")[0] for line in told], ["scheduler"], "only what has no part in DDIM is told")


def test_silly_tavern_interrupts_when_its_browser_leaves():
    with Daemon(fake_step_ms=20) as d:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            silly_tavern(d, "POST", "txt2img", {**SILLY_TAVERN, "steps": 150})))
        thread.start()
        end = time.monotonic() + 20
        while not silly_tavern(d, "GET", "progress").json()["state"]["sampling_step"] and time.monotonic() < end:
            time.sleep(0.01)
        equal(silly_tavern(d, "POST", "interrupt").json(), {})
        thread.join(20)
        true(answers and answers[0].status != 200, "it goes on")


# axios.  A picture of 1024 x 1024 in 22 steps is what this client always asks for.
def test_libre_chat():
    body = (b'{"prompt":"photo of a man in black clothes, half body, coastline, overcast weather, wind",'
            b'"negative_prompt":"semi-realistic, cgi, 3d, render","cfg_scale":4.5,"steps":22,"width":1024,"height":1024}')
    with Daemon(fake_step_ms=0) as d:
        answer = send(d, "POST /sdapi/v1/txt2img HTTP/1.1",
                      ["Accept: application/json, text/plain, */*", "Content-Type: application/json",
                       "User-Agent: axios/1.12.1", "Content-Length: LENGTH", "Accept-Encoding: gzip, compress, deflate, br",
                       "Host: HOST", "Connection: keep-alive"], body)
        picture(answer, 1024, 1024)
        info = json.loads(answer.json()["info"])
        equal((info["height"], info["width"]), (1024, 1024))
        true(isinstance(info["seed"], int), info["seed"])
        true(f"Seed: {info['seed']}" in info["infotexts"][0].split("\n").pop(), info["infotexts"])


# fetch in a browser, from a page of another origin.
def kobold(d, method, path, body=None, preflight=None):
    headers = ["Host: HOST", "Connection: keep-alive", "Accept: */*", "Origin: https://lite.koboldai.net",
               "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: empty",
               "Referer: https://lite.koboldai.net/", "Accept-Encoding: gzip, deflate, br, zstd",
               "Accept-Language: en-US,en;q=0.9"]
    if preflight:
        headers += ["Access-Control-Request-Method: " + preflight, "Access-Control-Request-Headers: content-type"]
    if body is None:
        return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1", headers)
    return send(d, f"{method} /sdapi/v1/{path} HTTP/1.1", headers + ["Content-Length: LENGTH", "Content-Type: application/json"],
                json.dumps(body, separators=(",", ":")).encode())


def test_kobold_ai_lite():
    with Daemon("--cors-origin", "https://lite.koboldai.net", fake_step_ms=0) as d:
        models = kobold(d, "GET", "sd-models")
        equal(models.headers["Access-Control-Allow-Origin"], "https://lite.koboldai.net")
        title = models.json()[0]["title"]
        equal(kobold(d, "GET", "options").json()["sd_model_checkpoint"], title)
        preflight = kobold(d, "OPTIONS", "txt2img", preflight="POST")
        equal(preflight.status, 204)
        true("POST" in preflight.headers["Access-Control-Allow-Methods"], preflight.headers)
        true("content-type" in preflight.headers["Access-Control-Allow-Headers"].lower(), preflight.headers)
        asked = {"prompt": "a castle", "seed": 12345678, "sampler_name": "k_euler_a", "batch_size": 1, "n_iter": 1,
                 "steps": 20, "cfg_scale": 7, "width": 512, "height": 512, "negative_prompt": "ugly",
                 "do_not_save_samples": True, "do_not_save_grid": True, "enable_hr": False, "eta": 0, "s_churn": 0,
                 "s_tmax": 0, "s_tmin": 0, "s_noise": 1,
                 "override_settings": {"sd_model_checkpoint": title, "eta_noise_seed_delta": 0,
                                       "CLIP_stop_at_last_layers": 1, "ddim_discretize": "uniform",
                                       "img2img_fix_steps": False, "sd_hypernetwork": "None", "inpainting_mask_weight": 1,
                                       "initial_noise_multiplier": 1, "comma_padding_backtrack": 20}}
        answer = kobold(d, "POST", "txt2img", asked)
        picture(answer, 512, 512)
        equal(answer.headers.get_all("X-Latentd-Warning"), None)
        equal(json.loads(answer.json()["info"])["sampler_name"], "Euler a")
        (job,) = d.get("/api/v1/jobs").json()["jobs"]
        equal(d.job(job["id"])["request"]["eta"], 0)
        source = answer.json()["images"][0]
        picture(kobold(d, "POST", "img2img", {**asked, "init_images": [source], "denoising_strength": 0.6}), 512, 512)


if __name__ == "__main__":
    main(globals())
