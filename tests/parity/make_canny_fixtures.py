#!/usr/bin/env python3
"""Makes tests/engine/image/canny: pictures, and the edges that OpenCV 5.0.0 (opencv-python-headless 5.0.0.93) finds in them.

A picture is NAME.png, and its edges at two thresholds NAME-LOW-HIGH.png.
"""

import shutil
import sys
from pathlib import Path

import cv2
import numpy

VERSION = "5.0.0"
FOLDER = Path(__file__).resolve().parents[1] / "engine" / "image" / "canny"
SIZES = {"wide": (41, 67), "tall": (53, 24), "small": (2, 3), "row": (1, 9), "column": (8, 1), "pixel": (1, 1)}
THRESHOLDS = [(100, 200), (20, 60), (0, 0), (50, 50), (300, 900)]


def picture(name, height, width):
    """Discs and beams of several colours on a slope, with grain."""
    random = numpy.random.default_rng(sum(name.encode()))
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    values = numpy.stack([40 + 2 * x, 90 + 1.5 * y, 160 - x], axis=-1)
    for _ in range(5):
        radius, colour = random.uniform(3, 12), random.uniform(0, 255, 3)
        inside = numpy.hypot(x - random.uniform(0, width), y - random.uniform(0, height)) < radius
        values[inside] = 0.7 * colour + 0.3 * values[inside]
    for _ in range(3):
        a, b = random.uniform(-1, 1, 2)
        values[numpy.abs(a * (x - width / 2) + b * (y - height / 2)) < 1.2] = random.uniform(0, 255, 3)
    return numpy.clip(values + random.normal(0, 6, values.shape), 0, 255).round().astype(numpy.uint8)


def main():
    """Writes the folder anew."""
    if cv2.__version__ != VERSION:
        sys.exit(f"need OpenCV {VERSION}, found {cv2.__version__}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, size in SIZES.items():
        values = picture(name, *size)
        cv2.imwrite(str(FOLDER / f"{name}.png"), values[..., ::-1])  # it takes blue for the first channel
        for low, high in THRESHOLDS:
            cv2.imwrite(str(FOLDER / f"{name}-{low}-{high}.png"), cv2.Canny(values, low, high))


if __name__ == "__main__":
    main()
