"""A window of Chromium, without a screen, with the page of a daemon in it.

    with Window(daemon, width=360) as window:
        window.draw("tiger")

At its end a window fails the test when the page asked anyone but its daemon for anything, threw an exception, or wrote an
error to the console that the test did not announce (`expects`).
"""

import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from playwright.sync_api import sync_playwright  # noqa: E402
from daemon import BUILD, SLOWER, Skip, equal, true  # noqa: E402

SCREENSHOTS = os.path.join(BUILD, "page-screenshots")
PATIENCE_MS = 30000 * SLOWER

chromium = None


def start_chromium():
    """One for all tests of a file; ends with the process."""
    global chromium
    if not chromium:
        path = shutil.which("chromium")
        if not path:
            raise Skip("chromium is not installed")
        # As root its sandbox cannot be set up; and it reads nothing but our own page.
        chromium = sync_playwright().start().chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
    return chromium


class Window:
    def __init__(self, daemon, width=1280, height=900, scheme="light", expects=(), touch=False, path="/"):
        self.daemon, self.expects, self.path = daemon, expects, path
        self.origin = f"http://127.0.0.1:{daemon.port}"
        self.requests, self.errors = [], []
        self.context = start_chromium().new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch, accept_downloads=True,
            permissions=["clipboard-read", "clipboard-write"])
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.heard)

    def heard(self, message):
        text = f"{message.text} ({message.location['url']})"
        if message.type in ("error", "warning") and not any(part in text for part in self.expects):
            self.errors.append(text)

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, kind, *_):
        # Asking is how events that are still on their way arrive.
        if not self.page.is_closed():
            self.page.evaluate("1")
        self.context.close()
        if kind is None:
            equal(self.errors, [], "the console")
            equal([url for url in self.requests if not url.startswith((self.origin + "/", "blob:" + self.origin, "data:"))],
                  [], "requests to others")

    def open(self):
        self.page.goto(self.origin + self.path)
        self.page.locator("body[data-ready]").wait_for()
        self.page.evaluate("navigator.clipboard.writeText('')")

    def reload(self):
        self.page.reload()
        self.page.locator("body[data-ready]").wait_for()

    def at(self, selector):
        return self.page.locator(selector)

    def one(self, selector):
        """Waits until it can be seen."""
        found = self.page.locator(selector).first
        found.wait_for()
        return found

    def gone(self, selector):
        self.page.locator(selector).first.wait_for(state="hidden")

    def field(self, name):
        return self.page.locator(f"#field-{name}")

    def fill(self, **values):
        for name, value in values.items():
            if not self.field(name).is_visible():
                self.open_settings()
            self.field(name).fill(str(value))

    def press(self, key):
        self.page.keyboard.press(key)

    def button(self, name, within="body"):
        return self.page.locator(within).get_by_role("button", name=name, exact=True)

    def open_settings(self):
        for part in ("settings", "more"):
            if self.at(f"#{part}").is_visible() and not self.at(f"#{part}").evaluate("e => e.open"):
                self.at(f"#{part} > summary").click()

    def draw(self, prompt, pictures=1, **fields):
        """Draws and waits until that many pictures more are there."""
        before = self.pictures()
        self.fill(prompt=prompt, **fields)
        self.at("#draw").click()
        self.wait_pictures(before + pictures)

    def pictures(self):
        return self.at(".tile.picture").count()

    def wait_pictures(self, count):
        if count:
            self.page.locator(".tile.picture").nth(count - 1).wait_for()
        self.until(lambda: self.pictures() == count, f"{count} pictures")

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE_MS / 1000
        while not condition():
            true(time.monotonic() < end, f"in vain: {what}")
            self.page.wait_for_timeout(20)

    def text(self, selector):
        return self.at(selector).first.inner_text()

    def clipboard(self):
        """What the page has copied since it was last asked.  Windows share one clipboard, and copying takes a moment."""
        text, end = "", time.monotonic() + PATIENCE_MS / 1000
        while not text and time.monotonic() < end:
            text = self.page.evaluate("navigator.clipboard.readText()")
        self.page.evaluate("navigator.clipboard.writeText('')")
        return text

    def drop(self, name, data, kind="image/png"):
        """Drops a file on the page, as a hand would."""
        transfer = self.page.evaluate_handle(
            "([name, data, kind]) => { const t = new DataTransfer();"
            " t.items.add(new File([new Uint8Array(data)], name, { type: kind })); return t; }", [name, list(data), kind])
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("#pictures", event, {"dataTransfer": transfer})

    def screenshot(self, name, whole=False):
        os.makedirs(SCREENSHOTS, exist_ok=True)
        self.page.screenshot(path=os.path.join(SCREENSHOTS, name + ".png"), full_page=whole)
