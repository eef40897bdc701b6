"""Whole generations that leave something out to be faster, on the model of the fixture sd15."""

from cases import Plan, add_request
from specs import SD15


def plan_approximations():
    """Each alone, both together, with every sort of sampler, and from an image."""
    plan = Plan(SD15)
    early, late, middle = {"guidance_end": 0.6}, {"guidance_start": 0.4}, {"guidance_start": 0.2, "guidance_end": 0.75}
    add_request(plan, "guidance-early", steps=8, **early)
    add_request(plan, "guidance-late", steps=8, sampler="euler", picture=False, **late)
    add_request(plan, "guidance-middle", steps=7, sampler="dpmpp_2m", picture=False, **middle)
    add_request(plan, "guidance-image", steps=10, sampler="ddim", image=True, strength=0.7, picture=False, **middle)
    add_request(plan, "deepcache-2", steps=8, deepcache_interval=2)
    add_request(plan, "deepcache-3", steps=8, sampler="euler_a", deepcache_interval=3, picture=False)
    add_request(plan, "deepcache-no-guidance", steps=6, sampler="ddim", cfg_scale=1, deepcache_interval=5, picture=False)
    add_request(plan, "deepcache-image", steps=9, sampler="euler", image=True, strength=0.8, deepcache_interval=2,
                picture=False)
    add_request(plan, "deepcache-early", steps=9, sampler="dpmpp_2m", deepcache_interval=3, picture=False, **early)
    add_request(plan, "deepcache-late", steps=9, sampler="euler", deepcache_interval=4, picture=False, **late)
    add_request(plan, "deepcache-middle", steps=11, deepcache_interval=3, **middle)
    return plan
