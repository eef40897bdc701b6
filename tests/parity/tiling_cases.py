"""Pictures whose opposite edges fit each other, on the model of the fixture sd15."""

from mask_cases import MaskPlan
from prompt_cases import FOX, plain, read

CASES = [
    ("own", {"masked": False, "strength": None}),
    ("odd", {"masked": False, "strength": None, "width": 72, "height": 24, "sampler": "euler", "scheduler": "karras"}),
    ("image", {"masked": False, "sampler": "ddim"}),
    ("mask", {"sampler": "euler"}),
    ("a1111", {"masked": False, "strength": None, "profile": "a1111", "sampler": "euler_a", "scheduler": "linspace"}),
    ("a1111-mask", {"profile": "a1111", "mask_blur": 2, "sampler": "euler", "scheduler": "linspace"}),
]


def plan_tiling():
    """From noise and from a picture, in both profiles."""
    plan = MaskPlan()
    for name, fields in CASES:
        extra = {"reads": read(plain(FOX))} if "profile" in fields else {}
        plan.add(name, "picture", {"tiling": True, **fields}, **extra)
    return plan
