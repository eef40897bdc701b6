"""Requests to OpenAI's image API as programs send them: their bytes, and what they read of the reply."""

import base64
import json
import re

from daemon import Daemon, equal, main, raw, read_png, status_of, true, within, write_png

PICTURE = write_png(48, 48, lambda x, y: (5 * x, 5 * y, 90))


def send(d, head, body, chunked=False):
    """Sends lines of a head and a body; returns the parsed reply."""
    lines = [head[0] + " HTTP/1.1", f"Host: 127.0.0.1:{d.port}", *head[1:], "Connection: close"]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at:at + 700] for at in range(0, len(body), 700)] + [b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    else:
        lines.append(f"Content-Length: {len(body)}")
    answer = raw(d, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, timeout=within(60))
    equal(status_of(answer), 200, answer[:600].decode("latin-1"))
    head, _, content = answer.partition(b"\r\n\r\n")
    true(b"\r\nContent-Type: application/json\r\n" in head + b"\r\n", head.decode("latin-1"))
    return json.loads(content)


def post(d, path, agent, fields, *more):
    return send(d, [f"POST {path}", "Accept: */*", "Authorization: Bearer sk-none", "Content-Type: application/json",
                    "User-Agent: " + agent, *more], json.dumps(fields).encode())


def size_of(one):
    return read_png(base64.b64decode(one["b64_json"]))[:2]


def fetch(d, url, agent):
    """What a program gets that fetches a picture where it is told that it is."""
    base, path = re.match(r"(http://127\.0\.0\.1:\d+)(/.*)", url).groups()
    equal(base, f"http://127.0.0.1:{d.port}")
    reply = d.get(path, headers={"User-Agent": agent, "Authorization": "Bearer sk-none"})
    equal((reply.status, reply.headers["Content-Type"]), (200, "image/png"))
    return read_png(reply.body)[:2]


def test_open_webui_generates():
    agent = "Python/3.11 aiohttp/3.13.2"
    with Daemon() as d:
        told = post(d, "/v1/images/generations", agent,
                    {"model": "dall-e-2", "prompt": "tiger", "n": 1, "size": "64x64", "response_format": "b64_json"},
                    "Accept-Encoding: gzip, deflate", "X-OpenWebUI-User-Name: A%20B")
        equal(["url" in told["data"][0], size_of(told["data"][0])], [False, (64, 64)])
        told = post(d, "/v1/images/generations", agent,
                    {"model": "gpt-image-1", "prompt": "tiger", "n": 2, "size": "auto"})
        equal([size_of(one) for one in told["data"]], 2 * [(128, 128)])


def test_open_webui_edits():
    boundary = "2d4f6c1f0c1d4b0e9f3a5a7f9d3c0b1a"
    # Its form library writes a part's type before its name.
    def part(name, value, kind="text/plain; charset=utf-8", more=""):
        return (f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n"
                .encode() + value + b"\r\n")

    with Daemon() as d:
        for name in ("image", "image[]"):
            body = (part("model", b"gpt-image-1") + part("prompt", b"tiger") + part("n", b"1") + part("size", b"64x64") +
                    part("response_format", b"b64_json") +
                    part(name, PICTURE, "image/png", "; filename=\"image.png\"") + f"--{boundary}--\r\n".encode())
            told = send(d, ["POST /v1/images/edits", "Authorization: Bearer sk-none", "Accept: */*",
                            "User-Agent: Python/3.11 aiohttp/3.13.2",
                            "Content-Type: multipart/form-data; boundary=" + boundary], body)
            equal(size_of(told["data"][0]), (64, 64))


def test_librechat_generates():
    # By OpenAI's library for Node.
    with Daemon() as d:
        told = post(d, "/v1/images/generations", "OpenAI/JS 5.8.2",
                    {"model": "gpt-image-1", "prompt": "tiger", "n": 1, "background": "auto", "output_format": "png",
                     "quality": "auto", "size": "auto"},
                    "X-Stainless-Retry-Count: 0", "X-Stainless-Timeout: 600", "X-Stainless-Lang: js",
                    "X-Stainless-Package-Version: 5.8.2", "X-Stainless-Runtime: node")
        equal(size_of(told["data"][0]), (128, 128))


def test_librechat_edits():
    boundary = "--------------------------735323031399963166993862"

    def part(name, value, more=""):
        return f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n".encode() + value + b"\r\n"

    file = f"--{boundary}\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a b.png\"\r\n" \
           "Content-Type: image/png\r\n\r\n"
    body = (part("model", b"gpt-image-1") + part("prompt", b"a tiger") + part("quality", b"auto") +
            part("size", b"auto") + file.encode() + PICTURE + f"\r\n--{boundary}--\r\n".encode())
    with Daemon() as d:
        for chunked in (True, False):
            told = send(d, ["POST /v1/images/edits", "Accept: application/json, text/plain, */*",
                            "Content-Type: multipart/form-data; boundary=" + boundary,
                            "Authorization: Bearer sk-none", "User-Agent: axios/1.8.2",
                            "Accept-Encoding: gzip, compress, deflate, br"], body, chunked)
            equal(size_of(told["data"][0]), (128, 128))


def test_langchain_generates():
    agent = "OpenAI/Python 1.99.9"
    with Daemon(fake_step_ms=0) as d:
        told = post(d, "/v1/images/generations", "OpenAI/JS 4.104.0",
                    {"model": "dall-e-3", "prompt": "tiger", "n": 1, "size": "1024x1024", "response_format": "url",
                     "style": "vivid", "quality": "standard"})
        equal(fetch(d, told["data"][0]["url"], "node-fetch"), (1024, 1024))
        told = post(d, "/v1/images/generations", agent,
                    {"prompt": "tiger", "model": "dall-e-2", "n": 2, "quality": "standard", "size": "256x256"})
        equal([fetch(d, one["url"], agent) for one in told["data"]], 2 * [(256, 256)])


def test_nextcloud_and_litellm_generate():
    with Daemon(fake_step_ms=0) as d:
        told = post(d, "/v1/images/generations", "Nextcloud OpenAI/LocalAI integration",
                    {"prompt": "tiger", "size": "512x512", "n": 2, "response_format": "url", "model": "Default",
                     "user": "admin"})
        equal([fetch(d, one["url"], "Nextcloud") for one in told["data"]], 2 * [(512, 512)])
        told = post(d, "/v1/images/generations", "litellm/1.80.0",
                    {"model": "stable-diffusion", "prompt": "tiger", "n": 1, "quality": "hd", "size": "1024x1024",
                     "response_format": "b64_json"})
        equal(size_of(told["data"][0]), (1024, 1024))


if __name__ == "__main__":
    main(globals())
