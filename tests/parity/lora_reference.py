"""Adapters, as a request names them, in a diffusers pipeline.

Those that diffusers reads are left to it and to PEFT.  The others are added to the weights by LyCORIS' documented formulas
(its docs/Algo-Details.md), with AUTOMATIC1111's arithmetic for a magnitude by columns (extensions-builtin/Lora/network.py).
"""

import contextlib

import safetensors.torch
import torch

from lora_files import READ_BY_DIFFUSERS


def rebuilt(core, up, down):
    """A convolution's weight from its Tucker form: up [p, i], core [i, j, k, l], down [j, r]."""
    return torch.einsum("pi,ijkl,jr->prkl", up, core, down)


def hadamard(parts, shape):
    """(difference, rank) of a LoHa layer."""
    factors = []
    for number in "12":
        a, b = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
        core = parts.get(f"hada_t{number}")
        factors.append((a @ b).reshape(shape) if core is None else rebuilt(core, a.T, b))
    return factors[0] * factors[1], parts["hada_w1_b"].shape[0]


def kronecker(parts, shape):
    """(difference, rank) of a LoKr layer; the rank is None where both factors are whole."""
    rank, factors = None, []
    for number in "12":
        whole, core = parts.get(f"lokr_w{number}"), parts.get(f"lokr_t{number}")
        if whole is None:
            a, b = parts[f"lokr_w{number}_a"], parts[f"lokr_w{number}_b"]
            rank = b.shape[0]
            whole = a @ b if core is None else rebuilt(core, a.T, b)
        factors.append(whole)
    first, second = factors
    while first.dim() < second.dim():
        first = first[..., None]
    return torch.kron(first, second.contiguous()).reshape(shape), rank


def low_rank(parts, shape):
    """(difference, rank) of a LoRA layer, with a core or without."""
    up, down = parts["lora_up.weight"].flatten(1), parts["lora_down.weight"].flatten(1)
    core = parts.get("lora_mid.weight")
    return (up @ down).reshape(shape) if core is None else rebuilt(core, up, down), parts["lora_down.weight"].shape[0]


def change(parts, weight, strength):
    """What is added to a weight."""
    if "diff" in parts:
        return strength * parts["diff"]
    make = hadamard if "hada_w1_a" in parts else low_rank if "lora_up.weight" in parts else kronecker
    difference, rank = make(parts, weight.shape)
    if rank is not None and "alpha" in parts:
        difference = difference * (parts["alpha"] / rank)
    if "dora_scale" in parts:
        merged = weight + difference
        norm = merged.transpose(0, 1).flatten(1).norm(dim=1).reshape(1, -1, *[1] * (weight.dim() - 2))
        difference = merged * (parts["dora_scale"] / norm) - weight
    return strength * difference


WEIGHTS = {"unet": "weight", "text_encoder": "text_weight", "text_encoder_2": "text_weight"}


class Adapters:
    """The adapter files of a folder, for one pipeline."""

    def __init__(self, pipe, folder):
        self.pipe = pipe
        self.files = {file.stem: file for file in sorted(folder.glob("*.safetensors"))}

    def layers(self):
        """{kohya's name: (network, layer)} of all layers."""
        found = {}
        for prefix, network, module in (("lora_unet_", "unet", self.pipe.unet),
                                        ("lora_te_text_model_", "text_encoder", self.pipe.text_encoder)):
            for name, layer in module.named_modules():
                found[prefix + name.replace(".", "_")] = network, layer
        return found

    @torch.no_grad()
    def merge(self, asked):
        """Adds adapters to the weights; every one starts from the weights as they were."""
        layers, added = self.layers(), []
        for entry in asked:
            modules = {}
            for key, values in safetensors.torch.load_file(self.files[entry["name"]]).items():
                stem, _, part = key.partition(".")
                modules.setdefault(stem, {})[part] = values.float()
            for stem, parts in modules.items():
                network, layer = layers[stem]
                strength = entry[WEIGHTS[network]]
                added.append((layer.weight, change(parts, layer.weight, strength)))
                if "diff_b" in parts:
                    added.append((layer.bias, strength * parts["diff_b"]))
        kept = {id(weight): (weight, weight.clone()) for weight, _ in added}
        for weight, difference in added:
            weight.add_(difference)
        return list(kept.values())

    @contextlib.contextmanager
    def merged(self, asked):
        """While this lasts, the weights have the adapters in them."""
        kept = self.merge(asked)
        try:
            yield
        finally:
            with torch.no_grad():
                for weight, before in kept:
                    weight.copy_(before)

    def load(self, file, name):
        """What load_lora_weights does, but that the text encoder's layers have lost their outer name since."""
        settings = {"unet_config": self.pipe.unet.config} if hasattr(self.pipe, "text_encoder_2") else {}
        tensors, alphas, metadata = self.pipe.lora_state_dict(str(file), return_lora_metadata=True, **settings)
        tensors, alphas = ({key.replace("text_encoder.text_model.", "text_encoder."): value for key, value in named.items()}
                           for named in (tensors, alphas or {}))
        self.pipe.load_lora_into_unet(tensors, alphas or None, self.pipe.unet, adapter_name=name, metadata=metadata)
        for network in ("text_encoder", "text_encoder_2"):
            if any(key.startswith(f"{network}.") for key in tensors):
                self.pipe.load_lora_into_text_encoder(tensors, alphas or None, getattr(self.pipe, network), prefix=network,
                                                      adapter_name=name, metadata=metadata)

    @contextlib.contextmanager
    def loaded(self, asked):
        """While this lasts, diffusers has them loaded."""
        names = [f"adapter{number}" for number in range(len(asked))]
        for name, entry in zip(names, asked):
            self.load(self.files[entry["name"]], name)
        networks = self.pipe.get_list_adapters()
        self.pipe.set_adapters(names, [{network: entry[key] for network, key in WEIGHTS.items() if name in networks.get(network, [])}
                                       for name, entry in zip(names, asked)])
        try:
            yield
        finally:
            self.pipe.unload_lora_weights()

    def applied(self, request):
        """While this lasts, the pipeline draws with what the request names."""
        asked = request.get("loras", [])
        if not asked:
            return contextlib.nullcontext()
        if all(entry["name"] in READ_BY_DIFFUSERS for entry in asked):
            return self.loaded(asked)
        return self.merged(asked)
