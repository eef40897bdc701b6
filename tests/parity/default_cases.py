"""The cases of the default model: whole pictures at its recommended settings, and by the commonest samplers (all of
them draw the small models)."""

SAMPLERS = ("ddim", "pndm", "euler", "euler_a", "dpmpp_2m")
SETTINGS = {"negative_prompt": "", "steps": 25, "cfg_scale": 4, "width": 128, "height": 128}


class DefaultPlan:
    """The default model's cases; no tensors go in."""

    def __init__(self):
        self.cases = []
        self.tensors = {}

    def add_picture(self, name, **settings):
        """Adds one picture case."""
        request = {**SETTINGS, **settings}
        self.cases.append({"name": name, "kind": "picture", "request": request, "out": f"{name}.out"})


def plan_default():
    """All cases of the default model."""
    plan = DefaultPlan()
    for seed, prompt in enumerate(["3d tiger", "a red apple", "flat rocket", "3d house with a tree and a long garden"]):
        plan.add_picture(f"picture-own-{seed}", prompt=prompt, seed=seed)
    for sampler in SAMPLERS:
        plan.add_picture(f"picture-{sampler}", prompt="3d tiger", seed=1, sampler=sampler, scheduler="model", steps=12)
    plan.add_picture("picture-wide", prompt="flat rocket", seed=5, width=192, height=96)
    return plan
