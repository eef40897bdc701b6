"""Writes a diffusers folder of Stable Diffusion 1 as one file with the names of its first publication (CompVis).

    python3 bench/single_file.py MODEL FILE.safetensors
"""
import argparse
import json
import pathlib
import re

from safetensors import safe_open
from safetensors.torch import save_file

# Diffusers numbers levels and layers, the first publication counted blocks through all of them.

RESBLOCK = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
            "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET_ALONE = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
              "conv_norm_out": "out.0", "conv_out": "out.2"}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out",
             "query": "q", "key": "k", "value": "v", "proj_attn": "proj_out"}
TEXT = "cond_stage_model.transformer."


def split(name, words):
    """The longest of the words that begins name, replaced; the rest as it is."""
    for old in sorted(words, key=len, reverse=True):
        if name.startswith(old + "."):
            return words[old] + name[len(old):]
    raise SystemExit(f"no place for {name}")


def unet_name(name, config):
    blocks = config["layers_per_block"] + 1  # of a level; on the way down the last one halves the size
    found = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
    if found:
        way, level, what, layer, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
        if what == "downsamplers":
            return f"input_blocks.{(level + 1) * blocks}.0." + rest.replace("conv", "op", 1)
        if what == "upsamplers":
            # behind the transformer, where the level has one
            return f"output_blocks.{level * blocks + blocks - 1}.{2 if config['up_block_types'][level] == 'CrossAttnUpBlock2D' else 1}." + rest
        place = (f"input_blocks.{1 + level * blocks + layer}" if way == "down"
                 else f"output_blocks.{level * blocks + layer}")
        return f"{place}.0." + split(rest, RESBLOCK) if what == "resnets" else f"{place}.1." + rest
    found = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name)
    if found:
        return (f"middle_block.{2 * int(found[2])}." + split(found[3], RESBLOCK) if found[1] == "resnets"
                else "middle_block.1." + found[3])
    return split(name, UNET_ALONE)


def vae_name(name, config):
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    found = re.fullmatch(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(resnets|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
    if found:
        half, way, level, what, layer, rest = found[1], found[2], int(found[3]), found[4], found[5], found[6]
        if way == "up":
            level = len(config["block_out_channels"]) - 1 - level
        if what == "resnets":
            return f"{half}.{way}.{level}.block.{layer}.{rest}"
        return f"{half}.{way}.{level}.{what[:-2]}.{rest}"
    found = re.fullmatch(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name)
    if found:
        return (f"{found[1]}.mid.block_{int(found[3]) + 1}.{found[4]}" if found[2] == "resnets"
                else f"{found[1]}.mid.attn_1." + split(found[4], ATTENTION))
    return name


PARTS = (("unet/diffusion_pytorch_model.safetensors", "model.diffusion_model.", unet_name),
         ("vae/diffusion_pytorch_model.safetensors", "first_stage_model.", vae_name),
         ("text_encoder/model.safetensors", TEXT,
          lambda name, config: name if name.startswith("text_model.") else "text_model." + name))


def shaped(name, tensor):
    """The VAE's attention was written as convolutions."""
    return tensor[:, :, None, None] if re.search(r"mid\.attn_1\.(q|k|v|proj_out)\.weight$", name) and tensor.ndim == 2 else tensor


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    arguments = parser.parse_args()
    tensors = {}
    for path, prefix, rename in PARTS:
        config = json.loads((arguments.model / path).with_name("config.json").read_text())
        with safe_open(arguments.model / path, "pt") as part:
            for name in part.keys():
                new = prefix + rename(name, config)
                tensors[new] = shaped(new, part.get_tensor(name)).contiguous()
    save_file(tensors, arguments.file)


if __name__ == "__main__":
    main()
