"""The packed art as arrays, and what is done to it: onto a background, smaller, another hue.

Pictures are float32 arrays [height, width, 3 or 4] of 0..1; where there are four channels, the colours are not
multiplied by the fourth, the opacity.
"""

import io
import json
import zipfile

import numpy as np
from PIL import Image

from settings import SIDE

WHITE = (1.0, 1.0, 1.0)


class Art:
    """All pictures, by thing and style, as bytes in memory (90 MB)."""

    def __init__(self, work):
        with open(work / "things.json", encoding="utf-8") as file:
            content = json.load(file)
        self.things = content["things"]
        self.held_out = {tuple(pair) for pair in content["held_out"]}
        self.pictures = {}
        with zipfile.ZipFile(work / "art.zip") as pack:
            for number, thing in enumerate(self.things):
                for style in thing["styles"]:
                    with Image.open(io.BytesIO(pack.read(f"{style}/{thing['key']}.webp"))) as picture:
                        self.pictures[number, style] = np.asarray(picture.convert("RGBA"))

    def pairs(self, held_out=False):
        """All (number of the thing, style) that training sees, or those that it does not."""
        return [(number, style) for number, style in self.pictures
                if ((self.things[number]["name"], style) in self.held_out) == held_out]

    def rgba(self, pair):
        """One picture."""
        return self.pictures[pair].astype(np.float32) / 255

    def on_white(self, pair):
        """One picture as it is learned."""
        return over(self.rgba(pair), WHITE)


def over(rgba, colour):
    """Composes a picture onto one colour."""
    opacity = rgba[..., 3:]
    return rgba[..., :3] * opacity + np.asarray(colour, np.float32) * (1 - opacity)


def resized(rgba, side):
    """Scales a picture with four channels."""
    picture = Image.fromarray(np.round(rgba * 255).astype(np.uint8), "RGBA").convert("RGBa")
    picture = picture.resize((side, side), Image.Resampling.LANCZOS).convert("RGBA")
    return np.asarray(picture, np.float32) / 255


def paste(canvas, rgba, top, left):
    """Composes a picture into a canvas [height, width, 3], in place; what hangs over is cut off."""
    height, width = canvas.shape[:2]
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + rgba.shape[0], height), min(left + rgba.shape[1], width)
    if y0 < y1 and x0 < x1:
        part = rgba[y0 - top:y1 - top, x0 - left:x1 - left]
        canvas[y0:y1, x0:x1] = over(part, canvas[y0:y1, x0:x1])


def blank(colour):
    """A canvas of one colour."""
    return np.broadcast_to(np.asarray(colour, np.float32), (SIDE, SIDE, 3)).copy()


def rgb_to_hsv(rgb):
    """Hue, saturation and value, all 0..1, of an array [..., 3]."""
    value = rgb.max(-1)
    chroma = value - rgb.min(-1)
    safe = np.where(chroma > 0, chroma, 1)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    hue = np.where(value == red, (green - blue) / safe % 6,
                   np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4)) / 6
    return np.where(chroma > 0, hue, 0), chroma / np.maximum(value, 1e-6), value


def hsv_to_rgb(hue, saturation, value):
    """The way back."""
    corner = (np.asarray([5, 3, 1], np.float32) + hue[..., None] * 6) % 6
    step = np.clip(np.minimum(corner, 4 - corner), 0, 1)
    return value[..., None] * (1 - saturation[..., None] * step)


def turn_hue(rgb, turn):
    """Rotates all hues by a part of the circle."""
    hue, saturation, value = rgb_to_hsv(rgb)
    return hsv_to_rgb((hue + turn) % 1, saturation, value).astype(np.float32)
