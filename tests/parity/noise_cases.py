"""Whole generations with noise on the way: by the samplers that are k-diffusion's in the profile a1111, with noise before
the steps, and with noise that is scaled; on the model of the fixture sd15."""

from mask_cases import MaskPlan
from prompt_cases import FOX, plain, read

SIZE = {"masked": False, "from_image": False, "width": 32, "height": 24}
A1111 = [
    ("sde", {"sampler": "dpmpp_sde"}),
    ("sde-eta", {"sampler": "dpmpp_sde", "scheduler": "normal", "eta": 0.5, "seed": 2**40 + 3}),
    ("2m", {"sampler": "dpmpp_2m_sde"}),
    ("2m-odd", {"sampler": "dpmpp_2m_sde", "scheduler": "exponential", "width": 56, "height": 40, "steps": 13}),
    ("2m-eta", {"sampler": "dpmpp_2m_sde", "eta": 0.3, "s_noise": 1.2}),
    ("2m-image", {"sampler": "dpmpp_2m_sde", "from_image": True, "strength": 0.6}),
    ("2m-mask", {"sampler": "dpmpp_2m_sde", "from_image": True, "masked": True, "strength": 0.7, "mask_blur": 2}),
    ("2m-hires", {"sampler": "dpmpp_2m_sde", "hr_scale": 2, "hr_upscaler": "latent"}),
    ("3m", {"sampler": "dpmpp_3m_sde", "scheduler": "exponential"}),
    ("3m-eta", {"sampler": "dpmpp_3m_sde", "eta": 0}),
]
DIFFUSERS = [
    ("euler", {"sampler": "euler", "s_churn": 3}),
    ("euler-some", {"sampler": "euler", "s_churn": 40, "s_tmin": 0.5, "s_tmax": 5, "s_noise": 1.1}),
    ("euler-image", {"sampler": "euler", "s_churn": 3, "from_image": True, "strength": 0.6}),
    ("heun", {"sampler": "heun", "s_churn": 3, "s_noise": 0.9}),
    ("dpm2", {"sampler": "dpm2", "s_churn": 3, "s_tmin": 0.2}),
    ("euler_a", {"sampler": "euler_a", "s_noise": 0.8}),
    ("dpm2_a", {"sampler": "dpm2_a", "s_noise": 1.1, "eta": 0.6}),
    ("dpmpp_2s_a", {"sampler": "dpmpp_2s_a", "s_noise": 0.8}),
    ("dpmpp_sde", {"sampler": "dpmpp_sde", "s_noise": 0.8}),
    ("restart", {"sampler": "restart", "s_noise": 0.8, "steps": 20}),
]


def plan_noise():
    """In both profiles."""
    plan = MaskPlan()
    for name, fields in A1111:
        fields = {**SIZE, "profile": "a1111", "scheduler": "karras", **fields}
        plan.add(f"a1111-{name}", "picture", fields, reads=read(plain(FOX)))
    for name, fields in DIFFUSERS:
        plan.add(name, "picture", {**SIZE, "scheduler": "model", **fields})
    return plan
