"""How the page is served, and how it looks: on a phone, in the dark, in screenshots for people to judge."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Window  # noqa: E402
from daemon import Daemon, ROOT, equal, main, true  # noqa: E402

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
WEB = os.path.join(ROOT, "server/web")

# Every text that can be seen with its contrast to the ground under it, unless that is a picture.
CONTRASTS = r"""() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (text) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const ground = (element) => element ? over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement))
        : [255, 255, 255, 1];
    const opacity = (element) => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true }) ||
            element.closest('.off-screen, .skip, :disabled, .caption, option'))
            continue;
        const under = ground(element), color = rgba(getComputedStyle(element).color);
        color[3] *= opacity(element);
        const [a, b] = [light(over(color, under)), light(under)].sort((x, y) => y - x);
        found.push([walk.currentNode.data.trim().slice(0, 40), Math.round((a + .05) / (b + .05) * 100) / 100]);
    }
    return found;
}"""


def test_browsers_get_the_page_and_curl_a_text():
    with Daemon() as d:
        page = d.get("/", headers=HTML)
        equal((page.status, page.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        true(b"<title>latentd</title>" in page.body, "the page")
        equal(page.headers["Vary"], "Accept")
        for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
            text = d.get("/", headers=accept)
            equal((text.status, text.headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
            true(b"curl" in text.body and text.headers["Vary"] == "Accept", "the text says how")
        equal(d.request("HEAD", "/", headers=HTML).body, b"")


def test_files_are_served_as_they_stand_in_the_tree():
    kinds = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
             ".html": "text/html; charset=utf-8"}
    with Daemon() as d:
        for name in sorted(os.listdir(WEB)):
            ending = os.path.splitext(name)[1]
            if ending not in kinds:
                equal(d.get(f"/web/{name}").status, 404, name)
                continue
            reply = d.get(f"/web/{name}")
            with open(os.path.join(WEB, name), "rb") as file:
                equal((reply.status, reply.body), (200, file.read()), name)
            equal(reply.headers["Content-Type"], kinds[ending], name)
            equal(reply.headers["X-Content-Type-Options"], "nosniff", name)
            true(re.fullmatch(r'"[^"]+"', reply.headers["ETag"]), reply.headers["ETag"])
            again = d.get(f"/web/{name}", headers={"If-None-Match": reply.headers["ETag"]})
            equal((again.status, again.body), (304, b""), name)
        for name in ("none.js", "..%2fweb_files.h", "web_files.c"):
            true(d.get(f"/web/{name}").status in (400, 404), name)


def test_policy_lets_nothing_in_and_nothing_out():
    with Daemon() as d:
        policy = dict(part.strip().split(" ", 1) for part in
                      d.get("/", headers=HTML).headers["Content-Security-Policy"].split(";"))
        equal(policy["default-src"], "'none'")
        equal({policy[f"{kind}-src"] for kind in ("script", "style", "connect")}, {"'self'"})
        equal(policy["img-src"], "'self' blob: data:")
        for name in ("base-uri", "form-action", "frame-ancestors"):
            equal(policy[name], "'none'", name)
        with Window(d, expects=["Content Security Policy", "inline", "/x)"]) as w:
            w.page.evaluate("document.body.append(Object.assign(document.createElement('img'), { src: 'x' }))")
            equal(w.page.evaluate("(() => { const e = document.createElement('div');"
                                  " e.setAttribute('style', 'color: red'); document.body.append(e);"
                                  " return getComputedStyle(e).color; })()") == "rgb(255, 0, 0)", False, "no inline style")


def test_page_names_no_other_host():
    for name in os.listdir(WEB):
        with open(os.path.join(WEB, name), encoding="utf-8") as file:
            found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s'\"]*", file.read())
        equal([url for url in found if "www.w3.org/2000/svg" not in url], [], name)


def test_page_works_behind_a_prefix():
    for name in os.listdir(WEB):
        with open(os.path.join(WEB, name), encoding="utf-8") as file:
            equal(re.findall(r"""(?:src|href|fetch|call|getJson|postJson)[=(]\s*["'`]/[a-z]""", file.read()), [], name)


def widths(window):
    return window.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")


def fits(window, what):
    wide, room = widths(window)
    true(wide <= room, f"{what}: {wide} px in {room}")


def test_phone_never_scrolls_sideways():
    for width in (320, 360):
        with Daemon() as d, Window(d, width=width, height=740, touch=True) as w:
            fits(w, "empty")
            w.open_settings()
            fits(w, "all settings")
            w.draw("tiger " + "averylongwordwithoutanend" * 4, 3, count=3, steps=4)
            fits(w, "pictures")
            w.one(".picture").click()
            fits(w, "the viewer")
            equal(w.at("#viewer").evaluate("e => e.scrollWidth <= e.clientWidth"), True)
            w.button("Close", "#viewer").click()
            w.at("#about-open").click()
            fits(w, "about the model")


def test_phone_shows_what_was_asked_for():
    with Daemon() as d, Window(d, width=360, height=740, touch=True) as w:
        w.draw("tiger", steps=4)
        w.until(lambda: w.at(".picture").evaluate("e => e.getBoundingClientRect().top < innerHeight / 2"),
                "the picture is in sight")
        small = w.page.evaluate("[...document.querySelectorAll('button, input:not([type=file], [type=range]), select')]"
                                ".filter((e) => e.checkVisibility() && !e.matches('.link, .off-screen'))"
                                ".map((e) => [e.id || e.textContent || e.ariaLabel, e.getBoundingClientRect().height])"
                                ".filter(([, height]) => height < 36)")
        equal(small, [], "targets large enough for a thumb")


def background(window):
    return window.page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_follow_the_system_until_told():
    with Daemon() as d, Window(d, scheme="light") as light, Window(d, scheme="dark") as dark:
        grounds = background(light), background(dark)
        true(grounds[0] != grounds[1], "two grounds")
        light.at("#theme").click()
        equal(light.at("#theme").get_attribute("data-theme"), "light")
        light.at("#theme").click()
        equal((light.at("#theme").get_attribute("data-theme"), background(light)), ("dark", grounds[1]))
        light.reload()
        equal(background(light), grounds[1], "kept")
        light.at("#theme").click()
        equal(background(light), grounds[0], "as the system again")


def test_texts_stand_out_from_their_ground():
    with Daemon() as d:
        for scheme in ("light", "dark"):
            with Window(d, scheme=scheme, expects=["422"]) as w:
                w.open_settings()
                w.fill(prompt="tiger", width=63)
                w.at("#draw").click()
                w.one("#field-width-wrong")
                weak(w, f"{scheme}, form")
                w.fill(width=64)
                w.draw("tiger " * 40, steps=4)
                w.one(".picture").click()
                w.one("#viewer-warnings li")
                weak(w, f"{scheme}, viewer")


def weak(window, what):
    found = window.page.evaluate(CONTRASTS)
    true(len(found) > 20, "texts were found")
    equal([(text, ratio) for text, ratio in found if ratio < 4.5], [], what)


def test_everything_has_a_name():
    with Daemon() as d, Window(d) as w:
        w.open_settings()
        w.draw("tiger", steps=4)
        nameless = w.page.evaluate(
            "[...document.querySelectorAll('button, input, select, textarea, img, dialog, [role]')]"
            ".filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length || e.hasAttribute('alt') ||"
            " e.getAttribute('aria-labelledby') || e.getAttribute('role') === 'status')).map((e) => e.outerHTML.slice(0, 80))")
        equal(nameless, [])
        equal(w.page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)"
                              ".filter((id, i, all) => all.indexOf(id) !== i)"), [], "ids are used once")


def test_motion_can_be_had_less_of():
    with Daemon(fake_step_ms=50) as d, Window(d) as w:
        w.page.emulate_media(reduced_motion="reduce")
        w.fill(prompt="tiger", steps=100)
        w.at("#draw").click()
        w.one(".drawing")
        equal(w.page.evaluate("document.getAnimations().filter((a) => a.playState === 'running').length"), 0)
        w.page.emulate_media(reduced_motion="no-preference")
        true(w.page.evaluate("document.getAnimations().length") > 0, "else it moves")


def test_screenshots():
    shapes = {"light": (1280, 900, "light", False), "dark": (1280, 900, "dark", False), "phone": (360, 780, "light", True)}
    with Daemon() as d, Daemon(fake_step_ms=200) as slow:
        for name, (width, height, scheme, touch) in shapes.items():
            with Window(d, width, height, scheme, touch=touch) as w:
                w.screenshot(f"{name}-empty")
                for prompt in ("swan", "honeybee", "3d tiger"):
                    w.draw(prompt)
                w.draw("guitar", 4, count=4)
                w.page.wait_for_timeout(500)
                w.screenshot(f"{name}-pictures", whole=touch)
                w.one(".picture").click()
                w.page.wait_for_timeout(300)
                w.screenshot(f"{name}-viewer")
            with Window(slow, width, height, scheme, touch=touch, expects=["422"]) as w:
                for prompt in ("a lighthouse in the fog", "a castle", "a red bicycle"):
                    w.fill(prompt=prompt, steps=30)
                    w.at("#draw").click()
                    w.page.wait_for_timeout(300)
                w.one(".drawing img")
                w.page.wait_for_timeout(2000)
                w.screenshot(f"{name}-drawing")
                w.open_settings()
                w.fill(width=63)
                w.at("#draw").click()
                w.one("#field-width-wrong")
                w.page.wait_for_timeout(300)
                w.screenshot(f"{name}-error", whole=touch)


if __name__ == "__main__":
    main(globals())
