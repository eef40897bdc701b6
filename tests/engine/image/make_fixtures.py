#!/usr/bin/env python3
"""Makes tests/engine/image/fixtures: PNG files of every colour type with their pixels, and pictures that PIL
resized.  Needs Pillow and OpenCV; the fixtures that are committed were made with 13.0.0 and 5.0.0.

    python3 tests/engine/image/make_fixtures.py

NAME.png comes with NAME.rgb, its pixels laid over white by the definition of the PNG specification, [h, w, 3].
NAME.jpg and NAME.webp come with NAME.jpg.rgb and NAME.webp.rgb, as PIL reads them.  resize_WxH_to_WxH.rgb holds the picture and, right after it, what PIL made of it; cubic_* the same by PIL's other
kernel.  masked_WxH.rgb holds a picture, another one, a grey mask, the mask blurred by OpenCV by each of BLURS pixels,
the picture with what the mask covers filled, and the picture with what the mask keeps of the other one laid over it.
"""
import io
import random
import struct
import zlib
from pathlib import Path

import cv2
import numpy
from PIL import Image, ImageFilter, ImageOps

FOLDER = Path(__file__).parent / "fixtures"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
# x0, y0, dx, dy of the seven passes.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_row(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    bits = "".join(format(s, "0%db" % depth) for s in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, step):
    """Every filter type in turn."""
    out, before = b"", None
    for y, row in enumerate(rows):
        kind = y % 5
        up = before or bytes(len(row))
        left = bytes(step) + row
        corner = bytes(step) + up
        predict = [lambda i: 0, lambda i: left[i], lambda i: up[i], lambda i: (left[i] + up[i]) // 2,
                   lambda i: paeth(left[i], up[i], corner[i])][kind]
        out += bytes([kind]) + bytes((row[i] - predict(i)) & 255 for i in range(len(row)))
        before = row
    return out


def png(pixels, colour, depth, interlaced=False, before=b"", between=b"", split=0):
    """pixels[y][x] is a tuple of samples; `before` are chunks before the IDAT, `between` after it."""
    height, width = len(pixels), len(pixels[0])
    step = max(1, CHANNELS[colour] * depth // 8)
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        rows = [pack_row([s for p in pixels[y][x0::dx] for s in p], depth) for y in range(y0, height, dy)]
        if rows and rows[0]:
            data += filtered(rows, step)
    packed = zlib.compress(data, 9)
    parts = [packed[i:i + split] for i in range(0, len(packed), split)] if split else [packed]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + b"".join(chunk(b"IDAT", p) for p in parts) +
            between + chunk(b"IEND", b""))


def to_8(sample, depth):
    return (sample * 255 * 2 + (2 ** depth - 1)) // (2 * (2 ** depth - 1))


def over_white(colour, alpha):
    return tuple((c * alpha + 255 * (255 - alpha) + 127) // 255 for c in colour)


def draw(rng, width, height, colour, depth):
    top = 2 ** depth - 1
    return [[tuple(rng.randint(0, top) for _ in range(CHANNELS[colour])) for _ in range(width)] for _ in range(height)]


def flatten(pixels, colour, depth, palette=None, clear=None):
    """clear: the transparent sample or colour of a tRNS chunk, or the alphas of a palette."""
    out = b""
    for row in pixels:
        for p in row:
            if colour == PALETTE:
                alpha = clear[p[0]] if clear and p[0] < len(clear) else 255
                rgb = palette[p[0]]
            else:
                e = [to_8(s, depth) for s in p]
                rgb = (e[0],) * 3 if colour in (GRAY, GRAY_ALPHA) else tuple(e[:3])
                alpha = e[-1] if colour in (GRAY_ALPHA, RGBA) else 0 if clear == p else 255
            out += bytes(over_white(rgb, alpha))
    return out


def agrees_with_pil(data, want, size):
    """PIL must see the same pixels (it does not round 16 bits, so only 8 and below are compared)."""
    image = Image.open(io.BytesIO(data))
    white = Image.new("RGBA", image.size, "white")
    got = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB").tobytes()
    assert image.size == size and max(abs(a - b) for a, b in zip(got, want)) <= 1


def save(name, pixels, colour, depth, palette=None, clear=None, compare=True, **more):
    before = more.pop("before", b"")
    if palette:
        before += chunk(b"PLTE", b"".join(map(bytes, palette)))
    if clear is not None:
        before += chunk(b"tRNS", bytes(clear) if palette else b"".join(struct.pack(">H", s) for s in clear))
    data = png(pixels, colour, depth, before=before, **more)
    want = flatten(pixels, colour, depth, palette, clear)
    # PIL compares the grey of a tRNS chunk with samples that it has scaled to 8 bits already.
    if compare and (depth == 8 or (depth < 8 and (palette or clear is None))):
        agrees_with_pil(data, want, (len(pixels[0]), len(pixels)))
    (FOLDER / (name + ".png")).write_bytes(data)
    (FOLDER / (name + ".rgb")).write_bytes(want)


def make_colour_types(rng):
    for colour, name, depths in ((GRAY, "gray", (1, 2, 4, 8, 16)), (RGB, "rgb", (8, 16)), (PALETTE, "palette", (1, 2, 4, 8)),
                                 (GRAY_ALPHA, "gray_alpha", (8, 16)), (RGBA, "rgba", (8, 16))):
        for depth in depths:
            for interlaced in (False, True):
                palette = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(2 ** depth)] if colour == PALETTE else None
                pixels = draw(rng, 13, 11, colour, depth)
                save("%s%d%s" % (name, depth, "_adam7" if interlaced else ""), pixels, colour, depth, palette, interlaced=interlaced)


def make_transparent(rng):
    for colour, name, depth in ((GRAY, "gray", 2), (GRAY, "gray", 16), (RGB, "rgb", 8), (RGB, "rgb", 16)):
        pixels = draw(rng, 9, 7, colour, depth)
        save("%s%d_trns" % (name, depth), pixels, colour, depth, clear=pixels[3][4])
    palette = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(16)]
    save("palette4_trns", draw(rng, 9, 7, PALETTE, 4), PALETTE, 4, palette, clear=[rng.randrange(256) for _ in range(10)])


def make_odd_ones(rng):
    pixels = draw(rng, 8, 5, RGB, 8)
    bomb = zlib.compress(bytes(8 << 20), 9)
    noise = (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0") + chunk(b"iCCP", b"p\0\0" + bomb) +
             chunk(b"zTXt", b"k\0\0" + bomb) + chunk(b"iTXt", b"k\0\1\0\0\0" + bomb) +
             chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"prVt", b"private"))
    # PIL refuses the bombs.
    save("ancillary", pixels, RGB, 8, compare=False, before=noise, between=chunk(b"fdAT", b"\0\0\0\1 not read") + chunk(b"tEXt", b"k\0v"))
    save("many_idat", draw(rng, 31, 3, RGB, 8), RGB, 8, split=7)
    save("one_pixel", draw(rng, 1, 1, RGBA, 8), RGBA, 8)
    save("one_column", draw(rng, 1, 40, GRAY, 1), GRAY, 1, interlaced=True)


def make_two_kib(rng):
    """About 2 KiB, for the tests that cut and flip its bytes."""
    save("two_kib", draw(rng, 22, 29, RGB, 8), RGB, 8, before=chunk(b"tEXt", b"Comment\0" + b"kept out of the way " * 3))


BLURS = (1, 2, 4, 33)


def kept_part(image, mask):
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    return kept


def blurred(mask, sigma):
    size = 2 * int(2.5 * sigma + 0.5) + 1
    across = cv2.GaussianBlur(numpy.array(mask), (size, 1), sigma).reshape(mask.height, mask.width)
    down = cv2.GaussianBlur(across, (1, size), sigma).reshape(mask.height, mask.width)
    return Image.fromarray(down)


def make_masked(rng):
    for w, h in ((40, 24), (7, 9), (1, 5), (64, 33)):
        image, other = (Image.frombytes("RGB", (w, h), rng.randbytes(w * h * 3)) for _ in range(2))
        mask = Image.new("L", (w, h))
        mask.paste(255, (w // 3, h // 4, w // 3 + w // 2 + 1, h // 2 + 1))
        if w == 7:
            mask = Image.frombytes("L", (w, h), rng.randbytes(w * h))
        soft = blurred(mask, 2)
        filled, kept = Image.new("RGBA", (w, h)), kept_part(image, soft)
        for radius, times in ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1)):
            layer = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
            for _ in range(times):
                filled.alpha_composite(layer)
        laid = image.convert("RGBA")
        laid.alpha_composite(kept_part(other, soft).convert("RGBA"))
        parts = [image, other, mask, *(blurred(mask, sigma) for sigma in BLURS), filled, laid]
        (FOLDER / ("masked_%dx%d.rgb" % (w, h))).write_bytes(b"".join(part.convert("RGB").tobytes() for part in parts))


def make_cubic(rng):
    for (w, h), (tw, th) in (((48, 40), (6, 5)), ((9, 7), (31, 20)), ((1, 3), (1, 1))):
        image = Image.frombytes("RGB", (w, h), rng.randbytes(w * h * 3))
        resized = image.resize((tw, th), Image.Resampling.BICUBIC)
        (FOLDER / ("cubic_%dx%d_to_%dx%d.rgb" % (w, h, tw, th))).write_bytes(image.tobytes() + resized.tobytes())


def make_resized(rng):
    sizes = [((13, 9), (26, 18)), ((26, 18), (13, 9)), ((64, 48), (17, 31)), ((17, 31), (64, 48)), ((40, 40), (40, 7)), ((40, 40), (7, 40)),
             ((1, 1), (5, 3)), ((5, 3), (1, 1)), ((50, 2), (3, 33)), ((33, 37), (32, 36)), ((200, 1), (9, 1))]
    for i, ((w, h), (tw, th)) in enumerate(sizes):
        data = bytearray(w * h * 3)
        for k in range(len(data)):
            # Noise overshoots and clips; hard edges ring; a ramp shows a shift.
            x = k // 3 % w
            data[k] = (rng.randrange(256), 255 * (x // 3 % 2), x * 255 // w)[i % 3]
        image = Image.frombytes("RGB", (w, h), bytes(data))
        resized = image.resize((tw, th), Image.Resampling.LANCZOS)
        (FOLDER / ("resize_%dx%d_to_%dx%d.rgb" % (w, h, tw, th))).write_bytes(bytes(data) + resized.tobytes())


def save_other(name, image, kind, upright=None, **options):
    """A JPEG or WebP file, and the pixels that PIL reads from it, upright and over white."""
    path = FOLDER / f"{name}.{kind}"
    image.save(path, **options)
    with Image.open(path) as read:
        rgba = (upright(read) if upright else read).convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    (FOLDER / f"{name}.{kind}.rgb").write_bytes(Image.alpha_composite(white, rgba).convert("RGB").tobytes())


def make_other_formats():
    """Smooth pictures with an edge, of sizes that are no multiple of a block."""
    picture = Image.new("RGB", (37, 26))
    for y in range(26):
        for x in range(37):
            picture.putpixel((x, y), (x * 6, y * 9, 200 if x > y else 40))
    save_other("baseline", picture, "jpg", quality=90)
    save_other("progressive", picture, "jpg", quality=80, progressive=True, subsampling=0)
    save_other("gray", picture.convert("L"), "jpg", quality=90)
    picture.convert("CMYK").save(FOLDER / "cmyk.jpg")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save_other(f"turned{orientation}", picture, "jpg", ImageOps.exif_transpose, quality=90, exif=exif)
    save_other("lossy", picture, "webp", quality=80)
    save_other("lossless", picture, "webp", lossless=True)
    faded = picture.copy()
    faded.putalpha(Image.linear_gradient("L").resize(picture.size))
    save_other("alpha", faded, "webp", lossless=True, exact=True)
    picture.save(FOLDER / "moving.webp", save_all=True, append_images=[picture.rotate(90)])


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = random.Random(2026)
    make_colour_types(rng)
    make_transparent(rng)
    make_odd_ones(rng)
    make_two_kib(rng)
    make_resized(rng)
    make_other_formats()
    make_masked(rng)
    make_cubic(rng)


main()
