"""Pictures that start with noise between two seeds, or of another size, on the model of the fixture sd15."""

from cases import init_image
from prompt_cases import FOX, NEGATIVE, plain, read

WIDTH, HEIGHT = 48, 40

CASES = [
    ("little", {"subseed": 9, "subseed_strength": 0.1}),
    ("half", {"subseed": 2**64 - 1, "subseed_strength": 0.5, "sampler": "euler_a"}),
    ("all-the-way", {"subseed": 10, "subseed_strength": 1}),
    ("same", {"subseed": 3, "subseed_strength": 0.3}),
    ("from-smaller", {"seed_resize_from_w": 24, "seed_resize_from_h": 32}),
    ("from-larger", {"seed_resize_from_w": 88, "seed_resize_from_h": 64}),
    ("from-wider", {"seed_resize_from_w": 72, "seed_resize_from_h": 24, "sampler": "dpm2_a"}),
    ("from-same", {"seed_resize_from_w": 50, "seed_resize_from_h": 47}),
    ("both", {"subseed": 11, "subseed_strength": 0.6, "seed_resize_from_w": 64, "seed_resize_from_h": 24}),
]
A1111 = [
    ("a1111", {"subseed": 12, "subseed_strength": 0.4, "sampler": "euler_a"}),
    ("a1111-both", {"subseed": 13, "subseed_strength": 0.2, "seed_resize_from_w": 32, "seed_resize_from_h": 56}),
    ("a1111-image", {"subseed": 14, "subseed_strength": 0.7, "strength": 0.8, "sampler": "euler_a"}),
]


class VariationPlan:
    """The cases, and the picture that one begins with."""

    def __init__(self):
        self.cases = []
        self.tensors = {"image": init_image("variations", HEIGHT, WIDTH)}

    def add(self, name, fields, **extra):
        """One picture."""
        request = {"prompt": FOX, "negative_prompt": NEGATIVE, "seed": 3, "steps": 6, "cfg_scale": 5}
        request |= {"width": WIDTH, "height": HEIGHT, "sampler": "euler", "scheduler": "linspace", **fields}
        inputs = {"init_image": "image"} if "strength" in request else {}
        self.cases.append({"name": name, "kind": "picture", "request": request, **inputs, **extra, "out": f"{name}.out"})


def plan_variations():
    """In both profiles."""
    plan = VariationPlan()
    for name, fields in CASES:
        plan.add(name, fields)
    for name, fields in A1111:
        plan.add(name, {"profile": "a1111", **fields}, reads=read(plain(FOX)))
    return plan
