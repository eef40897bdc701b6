"""Synthetic scenes from the art: coloured backgrounds, things in other colours, two side by side, several of a kind.

Art alone teaches one centred thing on white; scenes teach what "a purple dog on a yellow background" means.
"""

import numpy as np

from captions import COLOURS
from pictures import WHITE, blank, hsv_to_rgb, paste, resized, rgb_to_hsv
from settings import SIDE

# Hue in degrees, and for the colours that have none, or no bright one, how bright.
COLOUR_HUES = {"red": 0, "orange": 28, "yellow": 52, "green": 120, "blue": 220, "purple": 277, "pink": 325}
KINDS = (("background", 0.3), ("colour", 0.28), ("both", 0.12), ("pair", 0.18), ("count", 0.12))
PAINTS = tuple(colour for colour in COLOURS if colour != "white")


def background_colour(name, rng):
    """An RGB colour that everybody would call that."""
    if name in COLOUR_HUES:
        hue = (COLOUR_HUES[name] + rng.uniform(-6, 6)) / 360
        saturation, value = rng.uniform(0.6, 0.9), rng.uniform(0.9, 1)
    else:
        hue = 25 / 360
        saturation, value = {"brown": (0.65, 0.5), "black": (0, 0.08), "grey": (0, 0.6), "white": (0, 1)}[name]
    return tuple(float(part) for part in hsv_to_rgb(*(np.float32(part) for part in (hue, saturation, value))))


def painted(rgba, colour):
    """A thing in another colour: the hue that most of it has turns into the asked one; a thing of many hues or of none
    takes it everywhere.  What is very dark stays, and so does what is very bright and grey in a colourful thing."""
    hue, saturation, value = rgb_to_hsv(rgba[..., :3])
    weight = rgba[..., 3] * (saturation > 0.2) * (value > 0.2)
    counts = np.bincount((hue * 36).astype(int).ravel() % 36, (weight * saturation).ravel(), 36)
    around = sum(np.roll(counts, shift) for shift in range(-3, 4))
    main = (around.argmax() + 0.5) / 36
    near = np.abs((hue - main + 0.5) % 1 - 0.5) < 50 / 360
    plain = (near * weight).sum() > 0.35 * rgba[..., 3].sum()
    where = near * (weight > 0) if plain else value > 0.2
    if colour in COLOUR_HUES:
        new_hue = np.full_like(hue, COLOUR_HUES[colour] / 360)
        new_saturation = np.clip(np.maximum(saturation, 0.55), 0, 0.92) if plain else 0.55 + 0.3 * np.sqrt(saturation)
        new_value = np.clip(value ** (0.6 if colour in ("yellow", "orange", "pink") else 0.85), 0, 1 if plain else 0.95)
    else:
        light = value * (1 - saturation / 2)
        new_hue = np.full_like(hue, 25 / 360)
        new_saturation = np.full_like(hue, 0.6 if colour == "brown" else 0.0)
        new_value = {"brown": 0.15 + 0.5 * light, "black": 0.3 * light, "grey": 0.25 + 0.5 * light,
                     "white": 0.75 + 0.25 * light}[colour]
    new = hsv_to_rgb(new_hue, new_saturation, new_value)
    colours = np.where(where[..., None], new, rgba[..., :3])
    return np.concatenate([colours, rgba[..., 3:]], -1).astype(np.float32)


def make_scene(art, numbers, styles_of, rng):
    """A picture of 0..1 and its description (see captions.scene_subject), of things by number."""
    kind = rng.choices([name for name, _ in KINDS], [part for _, part in KINDS])[0]
    number = rng.choice(numbers)
    style = rng.choice(styles_of[number])
    scene = {"style": style, "parts": [{"thing": number, "colour": None}], "count": 1, "background": None}
    if kind in ("background", "both"):
        scene["background"] = rng.choice(COLOURS)
    if kind in ("colour", "both"):
        paint = rng.choice([colour for colour in PAINTS if colour != scene["background"]])
        scene["parts"][0]["colour"] = paint
    if kind == "pair":
        other = rng.choice([other for other in rng.choices(numbers, k=8) if style in styles_of[other]] or [number])
        scene["parts"].append({"thing": other, "colour": None})
    if kind == "count":
        scene["count"] = rng.choice((2, 2, 3, 3, 4))
    return draw(art, scene, rng), scene


def draw(art, scene, rng):
    """The picture of a scene."""
    colour = background_colour(scene["background"], rng) if scene["background"] else WHITE
    pictures = []
    for part in scene["parts"]:
        rgba = art.rgba((part["thing"], scene["style"]))
        pictures.append(painted(rgba, part["colour"]) if part["colour"] else rgba)
    pictures *= scene["count"]
    if len(pictures) == 1:
        side = SIDE if not scene["background"] else rng.choice((SIDE, 112, 100))
        canvas = blank(colour)
        margin = (SIDE - side) // 2
        paste(canvas, resized(pictures[0], side) if side != SIDE else pictures[0], margin, margin)
        return canvas
    canvas = blank(colour)
    for picture, (top, left, side) in zip(pictures, PLACES[len(pictures)]):
        paste(canvas, resized(picture, side), top, left)
    return canvas


# Where 2, 3 and 4 things stand: top, left, side.
PLACES = {
    2: ((32, 0, 64), (32, 64, 64)),
    3: ((0, 32, 64), (64, 0, 64), (64, 64, 64)),
    4: ((0, 0, 64), (0, 64, 64), (64, 0, 64), (64, 64, 64)),
}
