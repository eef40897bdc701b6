"""The hue gate: of the saturated pixels of a hue, how many still have it after encoding and decoding."""

import numpy as np

from pictures import rgb_to_hsv

# Name, and where it lies on the circle of hues, in degrees.
HUES = (("red", 345, 15), ("orange", 15, 42), ("yellow", 42, 70), ("green", 70, 165), ("blue", 165, 255),
        ("purple", 255, 300), ("pink", 300, 345))
GATED = ("green", "pink", "purple", "blue")
LEAST_SATURATION, LEAST_VALUE = 0.45, 0.35
# A hue that was asked for may drift this far over its border before it counts as another one.
MARGIN = 8


def in_hue(degrees, name, margin=0.0):
    """Which of these angles lie in a hue."""
    _, start, end = next(hue for hue in HUES if hue[0] == name)
    start, end = (start - margin) % 360, (end + margin) % 360
    # Compared with the borders as they are: a difference may round to just outside of both neighbours.
    degrees = degrees % 360
    from_start, to_end = degrees >= start, degrees < end
    return from_start & to_end if start < end else from_start | to_end


def saturated(rgb):
    """Which pixels [..., 3] of 0..1 have a hue worth the name, and all hues in degrees."""
    hue, saturation, value = rgb_to_hsv(rgb)
    return (saturation >= LEAST_SATURATION) & (value >= LEAST_VALUE), hue * 360


def kept_hues(original, decoded):
    """By hue: how many saturated pixels there are in the original, and which part of them has the hue in the decoded
    picture, its saturation being at least half of the least."""
    strong, degrees = saturated(original)
    hue, saturation, _ = rgb_to_hsv(decoded)
    alive = saturation >= LEAST_SATURATION / 2
    kept = {}
    for name, _, _ in HUES:
        asked = strong & in_hue(degrees, name)
        count = int(asked.sum())
        same = asked & alive & in_hue(hue * 360, name, MARGIN)
        kept[name] = (count, float(same.sum()) / count if count else float("nan"))
    return kept


def passes(kept, least=0.9):
    """Whether every gated hue is kept."""
    return all(np.isnan(kept[name][1]) or kept[name][1] >= least for name in GATED)
