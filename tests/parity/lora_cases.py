"""Pictures by adapters, on the models of the fixtures sd15 and sdxl."""

from prompt_cases import FOX, PromptPlan


def entry(name, weight=1.0, text_weight=None):
    """One adapter of a request."""
    return {"name": name, "weight": weight, "text_weight": weight if text_weight is None else text_weight}


CASES = [
    ("kohya", [entry("kohya")]),
    ("kohya-weak", [entry("kohya", 0.35)]),
    ("kohya-negative", [entry("kohya", -0.8)]),
    ("kohya-unet", [entry("kohya", 0.9, 0.0)]),
    ("kohya-text", [entry("kohya", 0.0, 1.2)]),
    ("peft", [entry("peft")]),
    ("peft-weak", [entry("peft", 0.6, 0.2)]),
    ("peft-alpha", [entry("peft-alpha")]),
    ("peft-alpha-weak", [entry("peft-alpha", 0.6, 0.2)]),
    ("dora", [entry("dora")]),
    ("dora-weak", [entry("dora", 0.5)]),
    ("both", [entry("kohya", 0.7), entry("peft", 0.5)]),
    ("twice", [entry("peft", 0.3), entry("peft", 0.4)]),
    ("columns", [entry("columns")]),
    ("columns-weak", [entry("columns", 0.5)]),
    ("loha", [entry("loha")]),
    ("lokr", [entry("lokr", 0.8)]),
    ("full", [entry("full", 0.9)]),
    ("many", [entry("loha", 0.5), entry("lokr", 0.4), entry("full", 0.3), entry("columns", 0.6)]),
]

CASES_XL = [
    ("kohya", [entry("kohya-xl")]),
    ("kohya-weak", [entry("kohya-xl", 0.4)]),
    ("kohya-unet", [entry("kohya-xl", 0.9, 0.0)]),
    ("kohya-text", [entry("kohya-xl", 0.0, 1.2)]),
    ("peft", [entry("peft-xl", 0.7)]),
    ("both", [entry("kohya-xl", 0.5), entry("peft-xl", 0.6)]),
]


def plan_loras_xl():
    """One picture a case."""
    plan = PromptPlan()
    for name, loras in CASES_XL:
        plan.add(name, FOX, {"loras": loras})
    return plan


def plan_loras():
    """One picture a case."""
    plan = PromptPlan()
    for name, loras in CASES:
        plan.add(name, FOX, {"loras": loras})
    plan.add("prompt", "a (red fox:1.3) in snow", {"loras": [entry("kohya", 0.8)]})
    return plan
