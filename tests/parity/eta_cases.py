"""Whole generations with an eta that is not the sampler's own, on the model of the fixture sd15."""

from cases import Plan, add_request
from specs import SD15

ETAS = {"ddim": (0.4, 1), "tcd": (0, 0.7, 1), "euler_a": (0, 0.4), "dpm2_a": (0.4,), "dpmpp_2s_a": (0.4,),
        "dpmpp_sde": (0.4,)}


def plan_eta():
    """Every sampler that has one, from noise, and from an image."""
    plan = Plan(SD15)
    for sampler, etas in ETAS.items():
        for eta in etas:
            add_request(plan, f"{sampler}-{eta}", sampler=sampler, scheduler="model", eta=eta)
        chosen = {"sampler": sampler, "scheduler": "model", "strength": 0.6, "steps": 8}
        add_request(plan, f"{sampler}-image", image=True, picture=False, eta=0.4, **chosen)
    return plan
