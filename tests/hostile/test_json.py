"""Bodies that are not JSON, or not what they seem; and every field with every wrong value."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from daemon import Daemon, equal, grew_less, main, true  # noqa: E402

GOOD = b'{"prompt": "a\\u00e9\xc3\xa9", "steps": 2, "cfg_scale": 1.5e0, "output": {"metadata": true}}'

# Every field with values that are right, so that the wrong ones of WRONG are the others.
FIELDS = {
    "kind": [], "prompt": [""], "negative_prompt": [""], "seed": [0], "steps": [], "cfg_scale": [0, 0.5], "sampler": [],
    "scheduler": [], "width": [], "height": [], "count": [], "image": [], "strength": [], "model": [], "clip_skip": [0],
    "cfg_rescale": [0, 0.5], "eta": [0, 0.5],
    "guidance_start": [0, 0.5], "guidance_end": [0.5], "deepcache_interval": [], "profile": [], "numerics": [], "precision": [], "output": [{}],
    "output.format": [], "output.metadata": [True],
}
WRONG = [None, True, "", [], {}, 0, -1, 0.5, 1e300]


def send(d, body):
    return d.generate(body if isinstance(body, bytes) else body.encode())


def refused(d, body, status=400, *codes):
    reply = send(d, body)
    equal(reply.status, status, body[:80])
    equal(reply.headers["Content-Type"], "application/problem+json")
    true(not codes or reply.code() in codes, f"{body[:80]!r}: code {reply.code()}")
    return reply


def test_J1_every_prefix_of_a_body():
    with Daemon(fake_step_ms=0) as d:
        equal(send(d, GOOD).status, 200)
        for end in range(len(GOOD)):
            refused(d, GOOD[:end], 400, "json_syntax")


def test_J3_depth():
    with Daemon(fake_step_ms=0) as d:
        before = d.resident_kib()
        for depth in (33, 1001, 100000):
            refused(d, b"[" * depth, 400)
            refused(d, b"[" * depth + b"]" * depth, 400, "json_too_big")
            refused(d, b'{"a":' * depth, 400)
        refused(d, b"[" * 32 + b"]" * 32, 422)
        grew_less(d, before, 8192)


def test_J4_empty_blank_and_marked():
    with Daemon(fake_step_ms=0) as d:
        for body in (b"", b" ", b"\n\t ", b"\xef\xbb\xbf" + GOOD, b"\xff\xfe" + '{"prompt":""}'.encode("utf-16le")):
            refused(d, body, 400, "json_syntax")


def test_J5_UTF8():
    with Daemon(fake_step_ms=0) as d:
        for bad in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82",
                    b"\xf0\x9f\x98", b"\xc3", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xfe", b"\xff"):
            refused(d, b'{"prompt": "' + bad + b'"}', 400, "json_syntax")
            refused(d, b'{"' + bad + b'": 1}', 400, "json_syntax")
        equal(send(d, '{"prompt": "\U0010ffff \u20ac"}').status, 200)


def test_J6_surrogates_and_zeros():
    with Daemon(fake_step_ms=0) as d:
        for bad in (r"\ud800", r"\udc00\ud800", r"\ud800x", r"\ud800\ud800", r"\u0000", r"\u00", r"\x41", r"\a"):
            refused(d, '{"prompt": "%s"}' % bad, 400, "json_syntax")
            refused(d, '{"%s": ""}' % bad, 400, "json_syntax")
        equal(send(d, r'{"prompt": "\ud83d\ude00"}').json()["request"]["prompt"], "\U0001f600")


def test_J7_duplicate_keys():
    with Daemon(fake_step_ms=0) as d:
        for body in ('{"prompt":"","steps":1,"steps":1}', r'{"prompt":"","steps":1,"st\u0065ps":2}',
                     '{"prompt":"","output":{"metadata":true,"metadata":true}}'):
            refused(d, body, 400, "json_syntax")


def test_J8_names_are_exact():
    with Daemon(fake_step_ms=0) as d:
        for name in ("Width", "WIDTH", "width ", " width", "w\u0456dth", "widht", ""):
            equal(d.generate({"prompt": "", name: 64}).pointers(), ["/" + name])
        true("/width" in d.generate({"prompt": "", "widht": 64}).json()["errors"][0]["detail"], "no suggestion")
        equal(d.generate({"prompt": "", "a/b~c": 64}).pointers(), ["/a~1b~0c"])


def test_J9_trailing_bytes():
    with Daemon(fake_step_ms=0) as d:
        for tail in (b"x", b"{}", GOOD, b"\0", b"\0junk", b",", b"]"):
            refused(d, GOOD + tail, 400, "json_syntax")


def test_J10_J11_numbers():
    with Daemon(fake_step_ms=0) as d:
        for text in ("NaN", "Infinity", "-Infinity", "nan", "01", "1.", ".5", "+1", "0x1", "1e", "-", "1e+", "1_0"):
            refused(d, '{"prompt":"","cfg_scale":%s}' % text, 400, "json_syntax")
        true(send(d, '{"prompt":"","cfg_scale":1e400}').status in (400, 422), "1e400")
        equal(send(d, '{"prompt":"","cfg_scale":1e-400}').status, 200)
        equal(send(d, '{"prompt":"","cfg_scale":-0}').status, 200)
        refused(d, '{"prompt":"","steps":%s}' % ("9" * 400), 422)


def test_J12_seeds():
    with Daemon(fake_step_ms=0) as d:
        for seed in (2 ** 53 - 1, 2 ** 53 + 1, 2 ** 63, 2 ** 64 - 1, 0):
            equal(d.generate({"prompt": "", "seed": seed}).json()["request"]["seed"], seed)
        for text in (str(2 ** 64), "-1", "-2", "1.0", "1e3", '"18446744073709551615"', "9" * 400, "0.5"):
            reply = refused(d, '{"prompt":"","seed":%s}' % text, 422)
            equal(reply.pointers(), ["/seed"])


def test_J13_control_characters():
    with Daemon(fake_step_ms=0) as d:
        for byte in list(range(0, 32)):
            refused(d, b'{"prompt": "' + bytes([byte]) + b'"}', 400, "json_syntax")
        for byte in (0, 1, 11, 12, 127, 160):
            refused(d, b'{' + bytes([byte]) + b'"prompt": ""}', 400, "json_syntax")


def test_J14_very_many_values():
    with Daemon(fake_step_ms=0) as d:
        before = d.resident_kib()
        refused(d, "[" + "0," * 500000 + "0]", 400, "json_too_big")
        refused(d, json.dumps({"k%d" % i: 0 for i in range(100000)}), 400, "json_too_big")
        refused(d, json.dumps({"k%d" % i: 0 for i in range(4000)}), 422)
        grew_less(d, before, 16384)


def test_J15_every_field_with_every_wrong_value():
    with Daemon(fake_step_ms=0) as d:
        for field, right in FIELDS.items():
            parent, _, name = field.rpartition(".")
            for value in WRONG:
                if any(type(value) is type(ok) and value == ok for ok in right):
                    continue
                body = {"prompt": ""}
                if parent:
                    body[parent] = {name: value}
                else:
                    body[name] = value
                reply = d.generate(body)
                equal(reply.status, 422, f"{field}: {value!r}")
                equal(reply.pointers(), ["/" + field.replace(".", "/")], f"{field}: {value!r}")


def test_J15_right_values_pass():
    with Daemon(fake_step_ms=0) as d:
        for field, right in FIELDS.items():
            parent, _, name = field.rpartition(".")
            for value in right:
                equal(d.generate({"prompt": "", parent: {name: value}} if parent else {"prompt": "", name: value})
                      .status, 200, f"{field}: {value!r}")


def test_J16_all_errors_at_once():
    with Daemon(fake_step_ms=0) as d:
        reply = d.generate({"steps": 0, "cfg_scale": "7", "width": 513, "height": 100000000, "sampler": "eulr",
                            "output": {"format": "gif", "dpi": 3}, "color": "red", "clip_skip": 2})
        equal(reply.status, 422)
        equal(sorted(reply.pointers()), sorted(["/steps", "/cfg_scale", "/width", "/height", "/sampler", "/output/format",
                                                "/output/dpi", "/color", "/prompt", "/clip_skip"]))
        details = {error["pointer"]: error["detail"] for error in reply.json()["errors"]}
        true("euler" in details["/sampler"], details["/sampler"])
        true("512 and 520" in details["/width"], details["/width"])


def test_what_is_no_object():
    with Daemon(fake_step_ms=0) as d:
        for body in ("[]", "1", '"prompt"', "null", "true"):
            equal(refused(d, body, 422).pointers(), [""])


if __name__ == "__main__":
    main(globals())
