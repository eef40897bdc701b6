"""Writes a diffusers folder of Stable Diffusion as one file with the names of its first publication (CompVis).

    python3 bench/single_file.py MODEL FILE.safetensors
"""
import argparse
import json
import pathlib
import re

import torch
from safetensors import safe_open
from safetensors.torch import save_file

# Diffusers numbers levels and layers, the first publication counted blocks through all of them.

RESBLOCK = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
            "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET_ALONE = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
              "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
              "conv_norm_out": "out.0", "conv_out": "out.2"}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out",
             "query": "q", "key": "k", "value": "v", "proj_attn": "proj_out"}
OPENCLIP = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc",
            "mlp.fc2": "mlp.c_proj"}
OPENCLIP_ALONE = {"embeddings.token_embedding.weight": "token_embedding.weight",
                  "embeddings.position_embedding.weight": "positional_embedding",
                  "final_layer_norm.weight": "ln_final.weight", "final_layer_norm.bias": "ln_final.bias"}


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


def shaped(name, tensor):
    """The VAE's attention was written as convolutions."""
    return tensor[:, :, None, None] if re.search(r"mid\.attn_1\.(q|k|v|proj_out)\.weight$", name) and tensor.ndim == 2 else tensor


def weights(folder):
    """The tensors of one part, from one file or several."""
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as part:
            tensors |= {name: part.get_tensor(name) for name in part.keys()}
    return tensors


def add_network(tensors, folder, prefix, rename):
    """The U-Net or the VAE."""
    config = json.loads((folder / "config.json").read_text())
    for name, tensor in weights(folder).items():
        new = prefix + rename(name, config)
        tensors[new] = shaped(new, tensor).contiguous()


def text_weights(folder):
    """The tensors of a text encoder without their outer name."""
    return {name.removeprefix("text_model."): tensor for name, tensor in weights(folder).items()}


def add_openclip(tensors, folder, prefix, whole):
    """A text encoder with OpenCLIP's names.  whole: with the last layer, which Stable Diffusion 2 leaves out and diffusers'
    folders lack, here the one before it again, and what else is there and not used."""
    config, source = json.loads((folder / "config.json").read_text()), text_weights(folder)
    for name, tensor in source.items():
        if name in OPENCLIP_ALONE:
            tensors[prefix + OPENCLIP_ALONE[name]] = tensor
        elif name == "text_projection.weight":
            tensors[prefix + "text_projection"] = tensor.T.contiguous()
    layers = config["num_hidden_layers"]
    for layer in range(layers + whole):
        old, new = f"encoder.layers.{min(layer, layers - 1)}.", f"{prefix}transformer.resblocks.{layer}."
        for kind in ("weight", "bias"):
            thirds = [source[f"{old}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            tensors[f"{new}attn.in_proj_{kind}"] = torch.cat(thirds)
            for part, its in OPENCLIP.items():
                tensors[f"{new}{its}.{kind}"] = source[f"{old}{part}.{kind}"].clone()
    if whole:
        tensors[prefix + "text_projection"] = torch.eye(config["hidden_size"], dtype=tensor.dtype)
    tensors[prefix + "logit_scale"] = torch.tensor(4.6052, dtype=tensor.dtype)


def add_texts(tensors, model):
    """The text encoders, as the family of the model names them."""
    first, second = model / "text_encoder", model / "text_encoder_2"
    if not second.exists() and json.loads((first / "config.json").read_text()).get("hidden_act") == "gelu":
        add_openclip(tensors, first, "cond_stage_model.model.", True)
    elif first.exists():
        prefix = "conditioner.embedders.0.transformer." if second.exists() else "cond_stage_model.transformer."
        tensors |= {f"{prefix}text_model.{name}": tensor for name, tensor in text_weights(first).items()}
    if second.exists():
        add_openclip(tensors, second, f"conditioner.embedders.{1 if first.exists() else 0}.model.", False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    arguments = parser.parse_args()
    tensors = {}
    add_network(tensors, arguments.model / "unet", "model.diffusion_model.", unet_name)
    add_network(tensors, arguments.model / "vae", "first_stage_model.", vae_name)
    add_texts(tensors, arguments.model)
    save_file(tensors, arguments.file)


if __name__ == "__main__":
    main()
