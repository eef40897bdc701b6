"""What a reader does with the page, in Chromium, against the real daemon with its default model."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Window  # noqa: E402
from daemon import Daemon, MODEL, ROOT, equal, main, read_png, true, write_png  # noqa: E402

CHECKS = {"steps": 8}


def picture_of(daemon, id, index=0):
    return daemon.get(f"/api/v1/jobs/{id}/images/{index}").body


def jobs_of(daemon):
    return daemon.get("/api/v1/jobs").json()["jobs"]


def test_draws_a_picture():
    with Daemon() as d, Window(d) as w:
        true(w.one("#empty").is_visible(), "nothing is drawn yet")
        w.draw("tiger", seed=7, **CHECKS)
        true(not w.at("#empty").is_visible(), "the empty page is gone")
        job, = jobs_of(d)
        equal([job["request"][name] for name in ("prompt", "seed", "steps")], ["tiger", 7, 8])
        shown = w.at(".picture img").evaluate("e => [e.naturalWidth, e.naturalHeight, e.alt]")
        equal(shown, [128, 128, "tiger, seed 7"])


def test_form_says_what_the_model_has():
    with Daemon() as d, Window(d) as w:
        capabilities, model = d.get("/api/v1/capabilities").json(), d.get("/api/v1/models").json()["models"][0]
        w.open_settings()
        for name in ("steps", "cfg_scale", "width", "height"):
            equal(float(w.field(name).input_value()), float(model["defaults"][name]), name)
        for name in ("sampler", "scheduler"):
            equal(w.field(name).input_value(), model["defaults"][name], name)
            equal(w.field(name).locator("option").evaluate_all("all => all.map((e) => e.value)"),
                  capabilities["request"]["properties"][name]["enum"], name)
        equal(w.field("steps").get_attribute("max"), str(capabilities["limits"]["max_steps"]))
        equal(w.at("[data-field=clip_skip]").count(), 1, "a field that the page has no word of its own for")
        equal(w.at("[data-field=webhook], [data-field=kind], [data-field=output]").count(), 0)
        w.at("#about-open").click()
        true(model["about"] in w.text("#about"), "what the model says of itself")
        true("latentd --model PATH" in w.text("#about"), "how to get another one")


def test_what_is_left_alone_is_left_to_the_model():
    with Daemon() as d, Window(d) as w:
        with w.page.expect_request("**/api/v1/jobs") as sent:
            w.draw("tiger")
        equal(sent.value.post_data_json, {"prompt": "tiger"})


def test_seeds_beyond_2_53_are_exact():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger", seed="18446744073709551615", **CHECKS)
        equal(jobs_of(d)[0]["request"]["seed"], 18446744073709551615)
        w.one(".picture").click()
        true("18446744073709551615" in w.text("#viewer-facts"), "the seed is shown")
        w.button("Copy seed").click()
        equal(w.clipboard(), "18446744073709551615")


def test_seed_is_kept_or_new():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger", **CHECKS)
        w.draw("tiger", **CHECKS)
        first, second = [job["request"]["seed"] for job in jobs_of(d)]
        true(first != second, "a new seed each time")
        w.button("Keep").click()
        equal(w.field("seed").input_value(), str(first), "the last one is kept")
        w.draw("tiger")
        equal(jobs_of(d)[0]["request"]["seed"], first)
        w.button("Roll a seed").click()
        true(w.field("seed").input_value() != str(first), "another one was rolled")
        w.button("Keep").click()
        equal(w.field("seed").input_value(), "")


def test_errors_stand_at_their_fields():
    with Daemon() as d, Window(d, expects=["422"]) as w:
        w.fill(prompt="tiger", width=63, seed="seven")
        w.at("#draw").click()
        w.one("#field-width-wrong")
        true("56" in w.text("#field-width-wrong") and "64" in w.text("#field-width-wrong"), w.text("#field-width-wrong"))
        true(w.text("#field-seed-wrong"), "the seed has its own")
        equal(w.field("width").get_attribute("aria-invalid"), "true")
        equal(w.page.evaluate("document.activeElement.id"), "field-width", "the first wrong field has the focus")
        equal(w.at("#banner").is_visible(), False)
        equal(w.pictures(), 0)
        w.fill(width=64)
        w.gone("#field-width-wrong")
        w.fill(seed=7)
        w.draw("tiger")
        equal(w.at(".wrong:visible").count(), 0)


def test_numbers_that_are_none_are_told_before_they_are_sent():
    with Daemon() as d, Window(d) as w:
        w.open_settings()
        w.field("steps").fill("")
        w.field("steps").press_sequentially("1e")
        w.at("#draw").click()
        true("not a number" in w.text("#field-steps-wrong"), w.text("#field-steps-wrong"))
        equal(jobs_of(d), [])


def test_settings_of_a_picture_are_used_again():
    with Daemon() as d, Window(d) as w:
        w.open_settings()
        w.field("sampler").select_option("euler_a")
        w.field("cfg_scale").fill("3.5")
        w.draw("guitar", 2, negative_prompt="wood", count=2, seed=40, steps=6)
        first = jobs_of(d)[0]
        w.button("Back to the model's settings").click()
        w.fill(prompt="other", negative_prompt="")
        equal(w.field("sampler").input_value(), d.get("/api/v1/models").json()["models"][0]["defaults"]["sampler"])
        w.at(".picture").nth(1).click()
        w.button("Use these settings", "#viewer").click()
        equal([w.field(name).input_value() for name in ("prompt", "negative_prompt", "seed", "steps", "cfg_scale", "count")],
              ["guitar", "wood", "41", "6", "3.5", "1"])
        w.at("#draw").click()
        w.wait_pictures(3)
        again = jobs_of(d)[0]
        equal(picture_of(d, again["id"]), picture_of(d, first["id"], 1), "the second picture of the first job")


def test_copied_command_draws_the_same_picture():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger's \"$HOME\" `x` \\ \u00fc\n-d @/etc/hostname", seed=3, **CHECKS)
        w.one(".picture").click()
        w.button("Copy as curl", "#viewer").click()
        equal(run_command(w.clipboard())["3.png"], picture_of(d, jobs_of(d)[0]["id"]))


def run_command(command):
    """Runs a line that the page copied, and returns the files that it makes."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, check=False)
        equal(done.returncode, 0, done.stderr.decode()[-300:])
        made = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                made[name] = file.read()
        return made


def test_form_can_be_copied_as_a_command():
    with Daemon() as d, Window(d) as w:
        w.fill(prompt="tiger", seed=5)
        w.button("Copy as curl", "form").click()
        made = run_command(w.clipboard())
        w.draw("tiger")
        equal(made["5.png"], picture_of(d, jobs_of(d)[0]["id"]))


def test_reload_keeps_pictures_and_form():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger", 2, count=2, **CHECKS)
        w.fill(prompt="a swan", seed=9)
        w.reload()
        w.wait_pictures(2)
        equal([w.field("prompt").input_value(), w.field("seed").input_value()], ["a swan", "9"])
        true(w.at(".picture img").first.evaluate("e => e.decode().then(() => e.naturalWidth)") == 128, "its picture")


def test_pictures_outlive_the_server_s_copy():
    with Daemon("--job-ttl", "1") as d, Window(d) as w:
        w.draw("tiger", **CHECKS)
        id = w.page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)"
                             ".find((name) => name.includes('/images/')).match(/jobs.([0-9a-f]+)/)[1]")
        w.until(lambda: d.get(f"/api/v1/jobs/{id}").status == 410, "the server has forgotten it")
        w.reload()
        w.wait_pictures(1)
        w.one(".picture").click()
        with w.page.expect_download() as download:
            w.button("Download").click()
        with open(download.value.path(), "rb") as file:
            equal(read_png(file.read())[:2], (128, 128))
        true(re.fullmatch(r"tiger-\d+\.png", download.value.suggested_filename), download.value.suggested_filename)


def test_deleted_pictures_are_gone_unless_put_back():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger", **CHECKS)
        w.one(".picture").click()
        w.button("Delete").click()
        w.wait_pictures(0)
        w.button("Undo").click()
        w.wait_pictures(1)
        equal(len(jobs_of(d)), 1)
        w.one(".picture").click()
        w.button("Delete").click()
        w.wait_pictures(0)
        w.until(lambda: jobs_of(d) == [], "the server deletes it as well")
        w.reload()
        equal(w.pictures(), 0)


def test_viewer_goes_from_picture_to_picture():
    with Daemon() as d, Window(d) as w:
        w.draw("tiger", 3, count=3, seed=10, **CHECKS)
        w.one(".picture").click()
        true("tiger" in w.text("#viewer-prompt"), "the prompt")
        true(w.button("Newer picture").is_disabled(), "there is none before the first")
        for seed in ("11", "12"):
            w.press("ArrowRight")
            true(seed in w.text("#viewer-facts"), f"seed {seed}")
        true(w.button("Older picture").is_disabled(), "nor after the last")
        w.press("Escape")
        equal(w.at("#viewer").is_visible(), False)


def test_dropped_png_tells_its_settings():
    with Daemon() as d, Window(d) as w:
        picture = d.generate({"prompt": "swan", "negative_prompt": "red", "seed": 77, "steps": 5, "cfg_scale": 2.5,
                              "sampler": "euler", "scheduler": "karras", "width": 64, "height": 96},
                             headers={"Accept": "image/png"}).body
        w.drop("swan.png", picture)
        w.one("#dropped")
        true("77" in w.text("#dropped-facts"), w.text("#dropped-facts"))
        w.button("Use these settings", "#dropped").click()
        equal([w.field(name).input_value() for name in ("prompt", "negative_prompt", "seed", "steps", "cfg_scale", "sampler",
                                                        "scheduler", "width", "height")],
              ["swan", "red", "77", "5", "2.5", "euler", "karras", "64", "96"])
        w.at("#draw").click()
        w.wait_pictures(1)
        equal(picture_of(d, [job for job in jobs_of(d)][0]["id"]), picture)


def test_dropped_picture_without_settings_is_started_from():
    with Daemon() as d, Window(d) as w:
        w.drop("red.png", write_png(80, 40, lambda x, y: (200, 3 * y, 2 * x)))
        w.one("#dropped")
        equal(w.button("Use these settings", "#dropped").is_visible(), False)
        w.button("Start from it", "#dropped").click()
        w.one(".start-image img")
        true("80 \u00d7 40" in w.text(".start-image"), w.text(".start-image"))
        w.field("strength").fill("0.5")
        w.draw("tiger", seed=5, **CHECKS)
        request = jobs_of(d)[0]["request"]
        equal((request["kind"], request["strength"]), ("img2img", 0.5))
        equal((request["width"], request["height"]), (184, 88), "its shape in about the model's own number of pixels")
        w.one(".picture").click()
        w.button("Copy as curl", "#viewer").click()
        equal(run_command(w.clipboard())["5.png"], picture_of(d, jobs_of(d)[0]["id"]))


def test_start_picture_comes_back_with_the_settings():
    with Daemon() as d, Window(d) as w:
        w.at("#field-image").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": write_png(64, 64, lambda x, y: (x, y, 0))})
        w.one(".start-image img")
        w.draw("tiger", seed=5, **CHECKS)
        w.button("Do not start from a picture").click()
        equal(w.at("[data-field=strength]").is_visible(), False)
        w.reload()
        w.wait_pictures(1)
        w.one(".picture").click()
        w.button("Use these settings", "#viewer").click()
        w.one(".start-image img")  # it is read from the browser's own store, which takes a moment
        true("64 \u00d7 64" in w.text(".start-image"), "the start picture is there again")
        w.at("#draw").click()
        w.wait_pictures(2)
        equal(picture_of(d, jobs_of(d)[0]["id"]), picture_of(d, jobs_of(d)[1]["id"]))


def test_other_kinds_of_pictures_are_made_png():
    with Daemon() as d, Window(d) as w:
        jpeg = w.page.evaluate(
            "async () => { const c = document.createElement('canvas'); c.width = 40; c.height = 80;"
            " c.getContext('2d').fillRect(5, 5, 20, 20);"
            " const b = await new Promise((done) => c.toBlob(done, 'image/jpeg'));"
            " return [...new Uint8Array(await b.arrayBuffer())]; }")
        w.drop("a.jpg", bytes(jpeg), "image/jpeg")
        true("Only a PNG" in w.text("#dropped-remarks"), w.text("#dropped-remarks"))
        w.button("Start from it", "#dropped").click()
        w.draw("tiger", **CHECKS)
        equal(jobs_of(d)[0]["request"]["kind"], "img2img")


def test_keyboard_alone_draws_and_looks():
    with Daemon() as d, Window(d) as w:
        equal(w.page.evaluate("document.activeElement.id"), "field-prompt")
        w.page.keyboard.type("tiger")
        w.press("Control+Enter")
        w.wait_pictures(1)
        seen = []
        for _ in range(60):
            w.press("Tab")
            seen.append(w.page.evaluate(
                "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
                " return [e.className, s.outlineStyle !== 'none' || e.matches('input[type=file]')]; })()"))
            if seen[-1][0].startswith("tile picture"):
                break
        true(seen[-1][0].startswith("tile picture"), "Tab reaches the picture")
        equal([name for name, outlined in seen if not outlined], [], "each stop shows the focus")
        w.press("Enter")
        w.one("#viewer")
        w.press("Escape")
        true(w.page.evaluate("document.activeElement.matches('.picture')"), "the focus is back at the picture")
        w.page.keyboard.press("Control+Home")


def test_models_can_be_chosen():
    with Daemon("--model", f"second={MODEL}") as d, Window(d) as w:
        w.field("model").select_option("second")
        w.draw("tiger", **CHECKS)
        equal(jobs_of(d)[0]["request"]["model"], "second")
        equal(w.text("#about-name"), "second")


def test_a_model_tells_of_itself_when_it_is_chosen():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(ROOT, "tests/parity/fixtures/thin/model"), os.path.join(folder, "thin"))
        with Daemon("--models-dir", folder) as d, Window(d) as w:
            equal([m["name"] for m in d.get("/api/v1/models").json()["models"] if "defaults" not in m], ["thin"])
            w.open_settings()
            w.field("model").select_option("thin")
            w.until(lambda: w.text("#about-name") == "thin", "what the model tells of itself")
            standard = d.get("/api/v1/models/thin").json()["defaults"]
            for name in ("steps", "width", "height"):
                equal(float(w.field(name).input_value()), float(standard[name]), name)


if __name__ == "__main__":
    main(globals())
