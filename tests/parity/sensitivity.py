"""How much a result changes when one weight tensor gets 5 % of noise."""

import torch

from tiny_models import generator_for, is_norm

NOISE = 0.05
ENOUGH = 1e-3

# Which kinds of case see the weights of which part.
PARTS = {
    "text_encoder": ("text", "text_keys"),
    "text_encoder_2": ("text_hidden", "text_pooled", "text_keys"),
    "unet": ("unet",),
    "vae": ("vae_decode", "vae_encode", "vae_keys"),
}


def noise_scale(owner, kind, parameter):
    """The tensor's spread; for the weight of a norm its mean size, for a single value the value."""
    if is_norm(owner) and kind == "weight" or parameter.numel() == 1:
        return parameter.abs().mean()
    return parameter.std()


def largest_change(reference, cases, tensors, relative_error):
    """The largest relative change of the cases' results, looking no further once one is large enough."""
    largest = 0.0
    for case in cases:
        largest = max(largest, relative_error(reference.run(case, tensors), tensors[case["out"]]))
        if largest > ENOUGH:
            break
    return largest


def change_under_noise(owner, kind, parameter, name, measure):
    """measure() while parameter carries noise; it has its old values afterwards."""
    kept = parameter.detach().clone()
    noise = torch.randn(parameter.shape, generator=generator_for("noise", name))
    with torch.no_grad():
        parameter.add_(NOISE * noise_scale(owner, kind, parameter) * noise)
        change = measure()
        parameter.copy_(kept)
    return change


def measure_part(reference, part, cases, tensors, relative_error):
    """Tensor name -> the relative change of the results that its noise makes."""

    def measure():
        return largest_change(reference, cases, tensors, relative_error)

    changes = {}
    for module_name, module in getattr(reference.pipe, part).named_modules():
        for kind, parameter in module.named_parameters(recurse=False):
            name = f"{module_name}.{kind}"
            changes[name] = change_under_noise(module, kind, parameter, name, measure)
    return changes


def measure_model(reference, cases, tensors, relative_error):
    """Part -> tensor name -> change."""
    cases = sorted(cases, key=lambda case: tensors[case["out"]].numel())
    seen_by = {
        part: [case for case in cases if case["kind"] in kinds and case.get("encoder", part) == part]
        for part, kinds in PARTS.items()
    }
    return {
        part: measure_part(reference, part, seen, tensors, relative_error)
        for part, seen in seen_by.items()
        if getattr(reference.pipe, part, None)
    }
