"""Inpainting: what a mask keeps of a picture, in every family.  Arguments: parts of names."""

import base64

from daemon import Daemon, equal, main, read_png, true, write_png

WIDTH, HEIGHT = 64, 64
SMALL = {"prompt": "a tiger", "seed": 7, "steps": 2, "width": WIDTH, "height": HEIGHT, "strength": 1}
KEPT = {"Accept": "image/png"}


def sent(png):
    return base64.b64encode(png).decode()


def ramp(x, y):
    return x * 255 // WIDTH, y * 255 // HEIGHT, 99


def covered(x, y):
    return WIDTH // 4 <= x < WIDTH * 3 // 4 and HEIGHT // 4 <= y < HEIGHT * 3 // 4


def mask(white, black=(0, 0, 0)):
    return write_png(WIDTH, HEIGHT, lambda x, y: white if covered(x, y) else black)


IMAGE = write_png(WIDTH, HEIGHT, ramp)
MASK = mask((255, 255, 255))
MASKED = {**SMALL, "image": sent(IMAGE), "mask": sent(MASK)}


def draw(d, **fields):
    reply = d.generate({**MASKED, **fields}, headers=KEPT)
    equal(reply.status, 200, reply.body)
    return reply.body


def check_kept(png, keeps):
    """What is kept is there to the last bit, and what is not is other than it was."""
    width, height, values = read_png(png)[:3]
    equal((width, height), (WIDTH, HEIGHT))
    changed = 0
    for y in range(height):
        for x in range(width):
            place = 3 * (y * width + x)
            same = tuple(values[place:place + 3]) == ramp(x, y)
            true(same or not keeps(x, y), f"{x}, {y} is kept, and another")
            changed += not same
    true(changed > 100, changed)


def test_a_mask_keeps_what_is_black():
    with Daemon() as d:
        plain = draw(d, profile="a1111")
        check_kept(plain, lambda x, y: not covered(x, y))
        check_kept(draw(d, profile="a1111", mask_invert=True), covered)
        check_kept(draw(d, inpaint_full_res=True, inpaint_full_res_padding=4), lambda x, y: not covered(x, y))
        far = (WIDTH // 8, HEIGHT // 8)
        check_kept(draw(d, profile="a1111", mask_blur=2), lambda x, y: x < far[0] or y < far[1])
        other = {content: draw(d, profile="a1111", strength=0.5, masked_content=content)
                 for content in ("fill", "original", "noise", "nothing")}
        equal(len(set(other.values())), 4)
        true(draw(d) != plain, "the profile has no part")
        equal(draw(d), draw(d))


def test_a_mask_says_what_is_drawn_by_colour_or_alpha():
    with Daemon() as d:
        plain = draw(d)
        clear = {"mask": sent(mask((9, 9, 9, 0), (200, 9, 9, 255)))}
        solid = {"mask": sent(mask((9, 9, 9, 255), (200, 9, 9, 0)))}
        equal(draw(d, mask_from="transparent", **clear), plain)
        equal(draw(d, mask_from="opaque", **solid), plain)
        equal(draw(d, mask_from="opaque"), plain)
        equal(draw(d, mask_from="white", mask=sent(mask((9, 9, 9, 0), (0, 0, 0, 255)))), plain)


def test_a_part_is_drawn_at_a_size_of_its_own():
    with Daemon() as d:
        equal(read_png(draw(d, inpaint_full_res=True, width=96, height=96))[:2], (WIDTH, HEIGHT))
        asked = {name: value for name, value in MASKED.items() if name not in ("width", "height")}
        job = d.generate(dict(asked, inpaint_full_res=True)).json()
        model = d.get("/api/v1/models").json()["models"][0]["defaults"]
        equal((job["request"]["width"], job["request"]["height"]), (model["width"], model["height"]))
        equal((job["images"][0]["width"], job["images"][0]["height"]), (WIDTH, HEIGHT))
        equal(job["request"]["inpaint_full_res_padding"], 0)


def test_what_is_wrong_with_a_mask_is_told():
    with Daemon(fake_step_ms=0) as d:
        for field, value in (("mask", sent(MASK)), ("strength", 0.5)):
            equal(d.generate({"prompt": "x", field: value}).pointers(), ["/" + field])
        more = {"mask_from": "white", "mask_invert": True, "mask_blur": 3, "masked_content": "fill",
                "inpaint_full_res": True, "inpaint_full_res_padding": 3}
        unmasked = dict(SMALL, image=sent(IMAGE), **more)
        equal(d.generate(unmasked).pointers(), ["/" + name for name in more])
        reply = d.generate(unmasked, headers={"Prefer": "handling=lenient"})
        equal([w["pointer"] for w in reply.json()["warnings"]], ["/" + name for name in more])
        for wrong in ({"mask": "bm8="}, {"mask_blur": 257}, {"mask_blur": 1.5}, {"mask_invert": 1}, {"mask_from": "red"},
                      {"masked_content": "latent"}, {"inpaint_full_res_padding": -1}):
            equal(d.generate({**MASKED, **wrong}).pointers(), ["/" + next(iter(wrong))])
        small = write_png(8, 8, lambda x, y: (255, 255, 255))
        warned = d.generate({**MASKED, "mask": sent(small)}).json()["warnings"]
        equal([(w["pointer"], "resized" in w["detail"]) for w in warned], [("/mask", True)])


def test_what_covers_nothing_is_told():
    with Daemon() as d:
        black = {"mask": sent(mask((0, 0, 0)))}
        job = d.generate({**MASKED, **black}).json()
        equal([w["pointer"] for w in job["warnings"]], ["/mask"])
        equal(d.generate({**MASKED, **black, "inpaint_full_res": True}).pointers(), ["/mask"])
        cut = d.generate({**MASKED, "mask_from": "transparent"}).json()
        equal([w["pointer"] for w in cut["warnings"]], ["/mask"])


def test_settings_tell_that_picture_and_mask_are_needed_again():
    with Daemon() as d:
        png = draw(d, profile="a1111", mask_blur=3, masked_content="fill", mask_invert=True, inpaint_full_res=True,
                   inpaint_full_res_padding=5)
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        wanted = {"Denoising strength": ("1", "strength"), "Masked content": ("fill", "masked_content"),
                  "Mask blur": ("3", "mask_blur"), "Mask mode": ("Inpaint not masked", "mask_invert"),
                  "Inpaint area": ("Only masked", "inpaint_full_res"),
                  "Masked area padding": ("5", "inpaint_full_res_padding")}
        details = {w["pointer"].removeprefix("/settings/"): w["detail"] for w in told["warnings"]}
        equal(set(details), set(wanted))
        for key, (value, field) in wanted.items():
            equal(told["settings"][key], value)
            true(details[key].endswith(" as " + field), details[key])
        equal(d.generate(dict(told["request"], image=sent(IMAGE), mask=sent(MASK)), headers=KEPT).body, png)


# What lies beyond the edges of IMAGE in a picture of 104x72.
OUTPAINT = {"left": 24, "right": 16, "bottom": 8}
AROUND = {"prompt": "a tiger", "seed": 7, "steps": 2, "image": sent(IMAGE), "outpaint": OUTPAINT, "profile": "a1111"}


def test_a_picture_is_continued_beyond_its_edges():
    width, height = WIDTH + OUTPAINT["left"] + OUTPAINT["right"], HEIGHT + OUTPAINT["bottom"]

    def inside(x, y):
        return 0 <= x - OUTPAINT["left"] < WIDTH and y < HEIGHT

    def continued(x, y):
        return ramp(min(max(x - OUTPAINT["left"], 0), WIDTH - 1), min(y, HEIGHT - 1))

    larger = write_png(width, height, continued)
    around = write_png(width, height, lambda x, y: (0, 0, 0) if inside(x, y) else (255, 255, 255))
    bare = {"output": {"metadata": False}}
    with Daemon() as d:
        for more in ({}, {"mask_blur": 3, "masked_content": "fill", "strength": 1}, {"profile": "diffusers", "strength": 0.7}):
            asked = {**AROUND, **more, **bare}
            by_hand = {name: value for name, value in asked.items() if name != "outpaint"} | {"image": sent(larger), "mask": sent(around)}
            reply, other = (d.generate(fields, headers=KEPT) for fields in (asked, by_hand))
            equal((reply.status, other.status), (200, 200), reply.body)
            equal(reply.body, other.body)
        png = d.generate(AROUND, headers=KEPT).body
        picture = read_png(png)
        equal(picture[:2], (width, height))
        for x, y in ((OUTPAINT["left"], 0), (width - OUTPAINT["right"] - 1, HEIGHT - 1), (50, 30)):
            equal(tuple(picture[2][3 * (y * width + x):][:3]), continued(x, y), (x, y))
        told = d.post("/api/v1/inspect", png, headers={"Content-Type": "image/png"}).json()
        equal(told["request"]["outpaint"], OUTPAINT)
        equal(d.generate(dict(told["request"], image=sent(IMAGE)), headers=KEPT).body, png)
        wide = d.generate({**AROUND, "outpaint": {"right": 3}}).json()
        equal((wide["images"][0]["width"], [w["pointer"] for w in wide["warnings"]]), (WIDTH, ["/image", "/mask"]))


def test_what_cannot_be_continued_is_told():
    with Daemon("--max-pixels", "8192", fake_step_ms=0) as d:
        for more, pointer in (({"image": None}, "/outpaint"), ({"mask": sent(MASK)}, "/outpaint"), ({"outpaint": {}}, "/outpaint"),
                              ({"outpaint": {"left": 0}}, "/outpaint"), ({"outpaint": {"top": 65}}, "/outpaint"),
                              ({"outpaint": {"top": -1}}, "/outpaint/top"), ({"outpaint": {"top": 1.5}}, "/outpaint/top"),
                              ({"outpaint": {"up": 8, "left": 8}}, "/outpaint/up"), ({"outpaint": 8}, "/outpaint"),
                              ({"mask_invert": True}, "/mask_invert"), ({"inpaint_full_res": True}, "/inpaint_full_res")):
            asked = {name: value for name, value in {**AROUND, **more}.items() if value is not None}
            reply = d.generate(asked)
            equal((reply.status, reply.pointers()), (422, [pointer]), more)


def a1111(d, **fields):
    reply = d.post("/sdapi/v1/img2img", {"prompt": "a tiger", "seed": 7, "steps": 2, "width": WIDTH, "height": HEIGHT,
                                         "denoising_strength": 1, "init_images": [sent(IMAGE)], "mask": sent(MASK),
                                         **fields})
    equal(reply.status, 200, reply.body)
    return reply.json()


def test_automatic1111s_masks():
    with Daemon() as d:
        native = {"profile": "a1111", "inpaint_full_res": True, "masked_content": "fill", "mask_blur": 4}
        told = a1111(d)
        equal(base64.b64decode(told["images"][0]), draw(d, **native))
        equal((told["parameters"]["mask"], told["parameters"]["init_images"]), (None, None))
        equal(a1111(d, include_init_images=True)["parameters"]["mask"], sent(MASK))
        whole = a1111(d, inpaint_full_res=False, inpainting_fill=1, mask_blur=0, inpainting_mask_invert=1)
        equal(base64.b64decode(whole["images"][0]), draw(d, profile="a1111", mask_invert=True))
        blurred = a1111(d, inpainting_fill=2, mask_blur_x=3, mask_blur_y=3, inpaint_full_res_padding=6)
        equal(base64.b64decode(blurred["images"][0]),
              draw(d, **dict(native, mask_blur=3, masked_content="noise", inpaint_full_res_padding=6)))


if __name__ == "__main__":
    main(globals())
