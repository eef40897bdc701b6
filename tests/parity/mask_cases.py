"""Pictures of which a mask keeps a part (inpainting), on the model of the fixture sd15."""

import torch

from cases import init_image
from prompt_cases import FOX, NEGATIVE, plain, read
from samplers import SAMPLERS
from written_samplers import PROGRAMS

WIDTH, HEIGHT = 48, 40
SMALL = {"width": 32, "height": 24}

DIFFUSERS = [
    ("own", {}),
    ("all-noise", {"strength": 1.0}),
    ("no-guidance", {"cfg_scale": 1, "sampler": "euler", "strength": 0.5}),
    ("wide", {"width": 64, "height": 24, "sampler": "dpmpp_2m", "seed": 5}),
    ("blur", {"mask_blur": 4, "sampler": "euler"}),
    ("invert", {"mask_invert": True, "sampler": "ddim"}),
    ("area", {"inpaint_full_res": True, "inpaint_full_res_padding": 5, "of": (60, 44)}),
    ("area-odd", {"inpaint_full_res": True, "mask_blur": 2, "sampler": "ddim", "of": (33, 70)}),
    ("clip-skip", {"clip_skip": 1, "sampler": "ddim", "seed": 2**32 - 1}),
]
A1111 = [
    ("a1111-image", {"masked": False, "sampler": "euler_a"}),
    ("a1111", {}),
    ("a1111-blur", {"mask_blur": 4}),
    ("a1111-blur-much", {"mask_blur": 16, "mask_invert": True, "strength": 1.0}),
    ("a1111-fill", {"mask_blur": 2, "masked_content": "fill"}),
    ("a1111-noise", {"mask_blur": 1, "masked_content": "noise", "sampler": "euler_a"}),
    ("a1111-nothing", {"masked_content": "nothing", "sampler": "dpmpp_2m", "scheduler": "model"}),
    ("a1111-area", {"inpaint_full_res": True, "inpaint_full_res_padding": 8, "mask_blur": 4, "of": (56, 41)}),
    ("a1111-area-odd", {"inpaint_full_res": True, "masked_content": "fill", "width": 64, "of": (31, 72)}),
    ("a1111-area-invert", {"inpaint_full_res": True, "mask_invert": True, "mask_blur": 1, "of": (43, 31)}),
    ("a1111-heun", {"sampler": "heun", "scheduler": "karras", "strength": 0.5}),
    ("a1111-ddim", {"sampler": "ddim", "scheduler": "model", "mask_blur": 3}),
    ("a1111-pndm", {"sampler": "pndm", "scheduler": "model", "strength": 0.8}),
    ("a1111-unipc", {"sampler": "unipc", "scheduler": "model", "mask_blur": 3}),
]

INPAINT = [
    ("own", {}),
    ("all-noise", {"strength": 1.0}),
    ("blur", {"mask_blur": 4, "sampler": "euler"}),
    ("invert", {"mask_invert": True, "sampler": "ddim", "strength": 1.0}),
    ("area", {"inpaint_full_res": True, "inpaint_full_res_padding": 5, "of": (60, 44)}),
    ("euler-a", {"sampler": "euler_a", "cfg_scale": 1, "seed": 9}),
    ("deepcache", {"sampler": "euler", "deepcache_interval": 2}),
]
INPAINT_A1111 = [
    ("a1111-text", {"masked": False, "strength": None, "sampler": "euler_a"}),
    ("a1111-image", {"masked": False}),
    ("a1111", {}),
    ("a1111-all", {"strength": 1.0, "mask_blur": 2}),
    ("a1111-fill", {"mask_blur": 2, "masked_content": "fill"}),
    ("a1111-noise", {"mask_blur": 1, "masked_content": "noise", "sampler": "euler_a"}),
    ("a1111-area", {"inpaint_full_res": True, "inpaint_full_res_padding": 8, "mask_blur": 4, "of": (56, 41)}),
    ("a1111-ddim", {"sampler": "ddim", "scheduler": "model", "mask_blur": 3}),
    ("a1111-latent", {"masked": False, "from_image": False, "hr_scale": 2, "hr_upscaler": "latent", **SMALL}),
    ("a1111-lanczos", {"masked": False, "from_image": False, "hr_scale": 1.5, "hr_upscaler": "lanczos", **SMALL}),
]

EDIT = [
    ("a1111-image", {"masked": False}),
    ("a1111-all", {"masked": False, "strength": 1.0, "sampler": "euler_a"}),
    ("a1111-1", {"masked": False, "image_guidance_scale": 1}),
    ("a1111-weak", {"masked": False, "image_guidance_scale": 0.6, "cfg_scale": 1}),
    ("a1111", {"mask_blur": 2}),
    ("a1111-fill", {"masked_content": "fill"}),
    ("a1111-area", {"inpaint_full_res": True, "inpaint_full_res_padding": 8, "of": (56, 41)}),
]


def spot(height, width):
    """A mask [height, width, 3]: a white spot off the middle, grey at its edge, on black."""
    y = torch.linspace(-1, 1, height).reshape(-1, 1)
    x = torch.linspace(-1, 1, width).reshape(1, -1)
    away = ((x - 0.25) ** 2 + (1.3 * (y + 0.2)) ** 2).sqrt()
    return (255 * (4 * (0.7 - away)).clamp(0, 1)).round().unsqueeze(-1).expand(-1, -1, 3)


class MaskPlan:
    """The cases, and the pictures and masks that go in."""

    def __init__(self):
        self.cases = []
        self.tensors = {}

    def add(self, name, kind, fields, **extra):
        """One case."""
        request = {"prompt": FOX, "negative_prompt": NEGATIVE, "seed": 3, "steps": 8, "cfg_scale": 5}
        request |= {"width": WIDTH, "height": HEIGHT, "strength": 0.7, **fields}
        size = request.pop("of", (request["width"], request["height"]))[::-1]
        inputs = {}
        if request["strength"] is None:
            del request["strength"]
        elif request.pop("from_image", True):
            inputs["init_image"] = f"image-{size[1]}x{size[0]}"
            self.tensors[inputs["init_image"]] = init_image("masks", *size)
        if request.pop("masked", True):
            inputs["mask"] = f"mask-{size[1]}x{size[0]}"
            self.tensors[inputs["mask"]] = spot(*size)
        self.cases.append({"name": name, "kind": kind, "request": request, **inputs, **extra, "out": f"{name}.out"})


def plan_inpaint():
    """Masks for a model that is shown them, in both ways."""
    plan = MaskPlan()
    for name, fields in INPAINT:
        plan.add(name, "picture", fields)
    for name, fields in INPAINT_A1111:
        fields = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace", **fields}
        plan.add(name, "picture", fields, reads=read(plain(FOX)))
    return plan


def plan_edit():
    """Pictures edited in AUTOMATIC1111's way, which begins with their latent; and a part of one."""
    plan = MaskPlan()
    for name, fields in EDIT:
        fields = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace", "image_guidance_scale": 1.5, **fields}
        plan.add(name, "picture", fields, reads=read(plain(FOX)))
    return plan


def plan_inpaint_xl():
    """The same of Stable Diffusion XL."""
    plan = MaskPlan()
    plan.add("own", "picture", {})
    plan.add("all-noise", "picture", {"strength": 1.0, "mask_blur": 3})
    fields = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace"}
    plan.add("a1111", "picture", fields, reads=read(plain(FOX)))
    plan.add("a1111-text", "picture", {**fields, "masked": False, "strength": None}, reads=read(plain(FOX)))
    return plan


def plan_masks():
    """diffusers' way with every sampler, and AUTOMATIC1111's."""
    plan = MaskPlan()
    for name, fields in DIFFUSERS:
        plan.add(name, "picture", fields)
    for i, sampler in enumerate(SAMPLERS):
        if sampler in PROGRAMS:  # the reference keeps its sample to itself: nothing can be laid over it on the way
            continue
        for strength in (0.6, 1.0):
            fields = {"sampler": sampler, "scheduler": "model", "strength": strength, "steps": 6 + i % 3, "seed": 11 + i}
            plan.add(f"{sampler}-{strength}", "latent", fields)
    for name, fields in A1111:
        fields = {"profile": "a1111", "sampler": "euler", "scheduler": "linspace", **fields}
        plan.add(name, "picture", fields, reads=read(plain(FOX)))
    return plan
