"""VAEs that stand in place of a model's own, with generated weights, in the forms that they are published in."""

import json

import safetensors.torch
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

from tiny_models import fill, generator_for, vae_config

KL = vae_config([4, 8, 8, 8], layers_per_block=1, scaling_factor=0.4)
TINY = {
    "encoder_block_out_channels": [8, 8, 8, 8],
    "decoder_block_out_channels": [6, 6, 6, 6],
    "num_encoder_blocks": [1, 2, 1, 2],
    "num_decoder_blocks": [2, 1, 2, 1],
}
CLASSES = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}
# As madebyollin/taesd has them: the decoder counts a first layer without weights.
HALVES = {"encoder": 0, "decoder": 1}


def level_out(layers, inputs, mean, deviation):
    """Changes the last layer so that what comes out has this mean and deviation."""
    out, last = layers(inputs), layers[-1]
    scale = deviation / out.std()
    last.weight.mul_(scale)
    last.bias.mul_(scale).add_(mean - scale * out.mean())


@torch.no_grad()
def make_tiny(name):
    """A tiny autoencoder whose pictures are neither all black nor all white."""
    vae = fill(AutoencoderTiny(**TINY), name)
    noise = torch.randn((8, 4, 8, 8), generator=generator_for(name, "latents"))
    level_out(vae.decoder.layers, noise, 0.5, 0.2)
    level_out(vae.encoder.layers, torch.rand((8, 3, 64, 64), generator=generator_for(name, "pixels")), 0, 0.8)
    return vae.half()


def write_folder(vae, folder):
    """As diffusers does."""
    vae.save_pretrained(folder)


def write_halves(vae, folder):
    """As they were first published; and the config, for the reference alone."""
    folder.mkdir()
    for half, first in HALVES.items():
        tensors = getattr(vae, half).layers.state_dict()
        renamed = {}
        for name, tensor in tensors.items():
            layer, _, rest = name.partition(".")
            renamed[f"{int(layer) + first}.{rest}"] = tensor
        safetensors.torch.save_file(renamed, folder / f"tiny_{half}.safetensors")
    (folder / "tiny.json").write_text(json.dumps(TINY, indent=1) + "\n")


def write_vae(name, folder):
    """Writes the VAE of a fixture."""
    if name == "vae":
        write_folder(fill(AutoencoderKL(**KL), name).half(), folder)
    elif name == "taesd":
        write_folder(make_tiny(name), folder)
    else:
        write_halves(make_tiny(name), folder)


def read_vae(folder):
    """The VAE of a fixture, f32."""
    if (folder / "config.json").exists():
        cls = CLASSES[json.loads((folder / "config.json").read_text())["_class_name"]]
        return cls.from_pretrained(folder, torch_dtype=torch.float32)
    vae = AutoencoderTiny(**json.loads((folder / "tiny.json").read_text()))
    for half, first in HALVES.items():
        tensors = {}
        for name, tensor in safetensors.torch.load_file(folder / f"tiny_{half}.safetensors").items():
            layer, _, rest = name.partition(".")
            tensors[f"{int(layer) - first}.{rest}"] = tensor.float()
        getattr(vae, half).layers.load_state_dict(tensors)
    return vae.eval()
