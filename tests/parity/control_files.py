"""ControlNets for a small model, with generated weights."""

import json
import re
import sys
from pathlib import Path

import safetensors.torch
import torch
from diffusers import ControlNetModel

from tiny_models import fill, generator_for

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from single_file import unet_name

# By fixture: (name, fields of the config that are not the U-Net's, how it is written: a folder of diffusers', a file with
# diffusers' names, or one with those of the first publication behind a prefix)
NETS = {
    "controls": [
        ("folder", {}, "folder"),
        ("file", {}, "control_model."),
        ("plain", {"down_block_types": ["DownBlock2D"] * 4}, "folder"),
    ],
    "controls-sd21": [("file", {}, "file")],
    "controls-xl": [
        ("original", {}, ""),
        # As the smaller ones are that diffusers' makers have published.
        ("mid", {"down_block_types": ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
                 "transformer_layers_per_block": [0, 0, 1]}, "folder"),
        ("small", {"down_block_types": ["DownBlock2D"] * 3, "mid_block_type": "UNetMidBlock2D"}, "file"),
    ],
}
LIKE_UNET = ("in_channels", "down_block_types", "block_out_channels", "layers_per_block", "norm_num_groups",
             "attention_head_dim", "cross_attention_dim", "use_linear_projection", "transformer_layers_per_block",
             "addition_embed_type", "addition_time_embed_dim", "projection_class_embeddings_input_dim")


def original_name(name, config, prefix):
    """What the first publication calls a tensor."""
    hint = re.fullmatch(r"controlnet_cond_embedding\.(conv_in|conv_out|blocks\.(\d+))\.(.*)", name)
    if hint:
        last = 2 * len(config["conditioning_embedding_out_channels"]) - 1
        place = {"conv_in": 0, "conv_out": last}.get(hint[1], int(hint[2] or 0) + 1)
        return f"{prefix}input_hint_block.{2 * place}.{hint[3]}"
    zero = re.fullmatch(r"controlnet_down_blocks\.(\d+)\.(.*)", name)
    if zero:
        return f"{prefix}zero_convs.{zero[1]}.0.{zero[2]}"
    if name.startswith("controlnet_mid_block."):
        return prefix + name.replace("controlnet_mid_block.", "middle_block_out.0.")
    return prefix + unet_name(name, config)


def file_name(name, config, form):
    """What a file of that form calls it."""
    return name if form == "file" else original_name(name, config, form)


def make_net(pipe, label, fields):
    """A ControlNet for the pipeline's U-Net; its picture is as much larger than the latent as the VAE has it."""
    config = {key: pipe.unet.config[key] for key in LIKE_UNET} | fields
    halvings = pipe.vae_scale_factor.bit_length() - 1
    channels = [4, 6, 8, 10, 12][: halvings + 1]
    net = fill(ControlNetModel(**config, conditioning_embedding_out_channels=channels), label)
    # A quarter of what the U-Net itself has at these places, so that neither drowns the other.
    with torch.no_grad():
        for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
            layer.weight.mul_(0.25)
            layer.bias.mul_(0.25)
    return net


def write_controls(pipe, folder):
    """Writes the networks of a fixture: diffusers folders, and files of their tensors alone, f16."""
    fixture = folder.parent.name
    for name, fields, form in NETS[fixture]:
        net = make_net(pipe, f"{fixture}/{name}", fields).to(torch.float16)
        if form == "folder":
            net.save_pretrained(folder / name)
            continue
        folder.mkdir(exist_ok=True)
        tensors = {file_name(key, net.config, form): value for key, value in net.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")
        config = {key: value for key, value in net.config.items() if not key.startswith("_")}
        (folder / f"{name}.json").write_text(json.dumps({**config, "form": form}, indent=1) + "\n")


def read_file(path):
    """The ControlNet in a file, which has its config beside it."""
    config = json.loads(path.with_suffix(".json").read_text())
    form = config.pop("form")
    net = ControlNetModel.from_config(config)
    tensors = safetensors.torch.load_file(path)
    net.load_state_dict({key: tensors[file_name(key, config, form)] for key in net.state_dict()})
    return net.float().eval()


def read_controls(folder):
    """{name: ControlNet} of a fixture, f32."""
    nets = {}
    for path in sorted(folder.glob("*/config.json")):
        nets[path.parent.name] = ControlNetModel.from_pretrained(path.parent, torch_dtype=torch.float32)
    for path in sorted(folder.glob("*.safetensors")):
        nets[path.stem] = read_file(path)
    return nets


def lines(height, width):
    """A picture [height, width, 3] of white lines on black, of 8-bit values, with some grey at their edges."""
    generator = generator_for("controls", "lines", height, width)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    picture = torch.zeros(height, width)
    for _ in range(4):
        a, b, c = (torch.rand(3, generator=generator) - 0.5).tolist()
        away = (a * (x - width / 2) + b * (y - height / 2) + 4 * c).abs() / (a * a + b * b) ** 0.5
        picture = torch.maximum(picture, 255 * (1.6 - away).clamp(0, 1))
    tint = torch.tensor([1.0, 0.9, 0.75])
    return (picture.unsqueeze(-1) * tint).round()
