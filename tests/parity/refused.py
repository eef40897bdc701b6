"""Config values that diffusers or transformers take and the engine refuses when it opens a model, by name.

A row is the part whose config.json is changed, the fields set in it, and the field that the error must name.
"""

import copy

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel


def row(part, field, value, **more):
    """One refused value; more: fields that diffusers wants beside it."""
    return {"part": part, "set": {field: value, **more}, "names": field}


REFUSED = [
    row("unet", "act_fn", "mish"),
    row("unet", "act_fn", "gelu"),
    row("unet", "dual_cross_attention", True),
    row("unet", "class_embed_type", "timestep"),
    row("unet", "num_class_embeds", 10),
    row("unet", "addition_embed_type", "text"),
    row("unet", "encoder_hid_dim_type", "text_proj", encoder_hid_dim=12),
    row("unet", "time_embedding_type", "fourier"),
    row("unet", "time_embedding_act_fn", "silu"),
    row("unet", "timestep_post_act", "silu"),
    row("unet", "attention_type", "gated"),
    row("unet", "cross_attention_norm", "layer_norm"),
    row("unet", "resnet_skip_time_act", True),
    row("unet", "cross_attention_dim", [16, 16, 16, 16]),
    row("unet", "mid_block_type", "UNetMidBlock2DSimpleCrossAttn"),
    row("unet", "down_block_types", ["AttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]),
    row("unet", "down_block_types", ["ResnetDownsampleBlock2D"] * 4),
    row("unet", "up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D"]),
    row("vae", "act_fn", "mish"),
    row("vae", "down_block_types", ["AttnDownEncoderBlock2D"] + ["DownEncoderBlock2D"] * 3),
    row("vae", "up_block_types", ["UpDecoderBlock2D"] * 3 + ["AttnUpDecoderBlock2D"]),
    row("text_encoder", "hidden_act", "relu"),
    row("text_encoder", "hidden_act", "gelu_pytorch_tanh"),
]

CLASSES = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}


def check_refused(spec):
    """Builds each refused config with the reference classes, which raise when they would refuse it too."""
    with torch.device("meta"):
        for case in REFUSED:
            if case["part"] == "text_encoder":
                CLIPTextModel(CLIPTextConfig(vocab_size=600, **{**spec.text, **case["set"]}))
            else:
                config = copy.deepcopy(getattr(spec, case["part"]))
                CLASSES[case["part"]](**{**config, **case["set"]})
