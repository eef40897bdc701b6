"""Pictures of two passes (hires fix), on the model of the fixture sd15."""

from mask_cases import MaskPlan
from prompt_cases import FOX, plain, read

LATENT, NEAREST, LANCZOS = ({"hr_upscaler": name} for name in ("latent", "latent_nearest", "lanczos"))
SMALL = {"masked": False, "width": 32, "height": 24}

CASES = [
    ("latent", {"hr_scale": 2, **LATENT}),
    ("latent-odd", {"hr_scale": 1.7, "hr_steps": 12, "sampler": "euler", "strength": 0.5, **LATENT}),
    ("nearest", {"hr_scale": 1.5, "sampler": "dpmpp_2m", **NEAREST}),
    ("lanczos", {"hr_scale": 2, "sampler": "ddim", "hr_steps": 5, **LANCZOS}),
    ("a1111-latent", {"hr_scale": 2, **LATENT}),
    ("a1111-nearest", {"hr_scale": 1.3, "sampler": "euler_a", "hr_steps": 12, **NEAREST}),
    ("a1111-lanczos", {"hr_scale": 1.6, "sampler": "euler_a", "strength": 0.4, "tiling": True, "seed": 5, **LANCZOS}),
]


def plan_hires():
    """By every upscaler, in both profiles."""
    plan = MaskPlan()
    for name, fields in CASES:
        a1111 = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace"} if name.startswith("a1111") else {}
        extra = {"reads": read(plain(FOX))} if a1111 else {}
        plan.add(name, "picture", {**SMALL, "from_image": False, **a1111, **fields}, **extra)
    return plan
