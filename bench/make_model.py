#!/usr/bin/env python3
"""Writes a diffusers folder of a full-size architecture with generated weights.

    python3 bench/make_model.py FOLDER [--architecture sd15|sd21|sdxl] [--dtype f16|f32]

The weights are seeded noise, so pictures mean nothing; sizes, shapes and times are the real ones.  Needs torch, diffusers and
transformers (tests/parity/requirements.txt) and the tokenizers of the parity fixtures.
"""
import argparse
import pathlib
import shutil

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests/parity/fixtures"

# Of OpenAI's CLIP L, OpenCLIP's H without its last layer, and OpenCLIP's bigG.
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
          "projection_dim": 768, "hidden_act": "quick_gelu"}
CLIP_H = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16,
          "projection_dim": 512, "hidden_act": "gelu"}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
          "projection_dim": 1280, "hidden_act": "gelu"}

# What all of them were trained with.
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def text_encoder(cls, settings, tokenizer):
    return cls(CLIPTextConfig(vocab_size=49408, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
                              pad_token_id=tokenizer.pad_token_id, **settings))


def vae(**settings):
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[128, 256, 512, 512], layers_per_block=2, **settings)


def read_tokenizer(path):
    return CLIPTokenizer.from_pretrained(FIXTURES / path)


def sd1_or_2(tokenizer, text, unet, scheduler, side):
    read = read_tokenizer(tokenizer)
    return StableDiffusionPipeline(
        vae=vae(sample_size=side), text_encoder=text_encoder(CLIPTextModel, text, read), tokenizer=read,
        unet=UNet2DConditionModel(sample_size=side // 8, **unet), scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False)


def sd15():
    return sd1_or_2("sd15/model/tokenizer", CLIP_L, {"cross_attention_dim": 768, "attention_head_dim": 8},
                    PNDMScheduler(skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1, **NOISE), 512)


def sd21():
    unet = {"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True}
    scheduler = DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1, prediction_type="v_prediction", **NOISE)
    return sd1_or_2("sd21/model/tokenizer", CLIP_H, unet, scheduler, 768)


def sdxl():
    first, second = (read_tokenizer(f"sdxl/model/{name}") for name in ("tokenizer", "tokenizer_2"))
    unet = UNet2DConditionModel(
        sample_size=128, block_out_channels=[320, 640, 1280], down_block_types=["DownBlock2D", *["CrossAttnDownBlock2D"] * 2],
        up_block_types=[*["CrossAttnUpBlock2D"] * 2, "UpBlock2D"], attention_head_dim=[5, 10, 20], cross_attention_dim=2048,
        transformer_layers_per_block=[1, 2, 10], use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)
    return StableDiffusionXLPipeline(
        vae=vae(sample_size=1024, scaling_factor=0.13025, force_upcast=True), unet=unet,
        text_encoder=text_encoder(CLIPTextModel, CLIP_L, first), tokenizer=first,
        text_encoder_2=text_encoder(CLIPTextModelWithProjection, CLIP_G, second), tokenizer_2=second,
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1, **NOISE), add_watermarker=False)


ARCHITECTURES = {"sd15": sd15, "sd21": sd21, "sdxl": sdxl}


def write_model(folder, architecture, dtype):
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)  # of what is made, so that the largest one fits into memory
    pipeline = ARCHITECTURES[architecture]()
    torch.set_default_dtype(torch.float32)
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.to(dtype).save_pretrained(folder)
    # transformers 5 writes the vocabulary as tokenizer.json alone.
    for name in ("tokenizer", "tokenizer_2"):
        source = FIXTURES / architecture / "model" / name
        if source.exists():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="sd15")
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16")
    arguments = parser.parse_args()
    write_model(arguments.folder, arguments.architecture, {"f16": torch.float16, "f32": torch.float32}[arguments.dtype])


if __name__ == "__main__":
    main()
