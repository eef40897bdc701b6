#!/usr/bin/env python3
"""Writes a diffusers folder of the full Stable Diffusion 1.5 architecture with generated weights.

    python3 bench/make_sd15.py FOLDER [--dtype f16|f32]

The weights are seeded noise, so pictures mean nothing; sizes, shapes and times are the real ones.  Needs torch, diffusers and
transformers (tests/parity/requirements.txt) and the tokenizer of the parity fixtures.
"""
import argparse
import pathlib
import shutil

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKENIZER = ROOT / "tests/parity/fixtures/sd15/model/tokenizer"


def unet():
    return UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)


def text_encoder(tokenizer):
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
        hidden_act="quick_gelu", bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id))


def vae():
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[128, 256, 512, 512], layers_per_block=2, sample_size=512)


def scheduler():
    return PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True,
                         set_alpha_to_one=False, steps_offset=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
    pipeline = StableDiffusionPipeline(
        vae=vae(), text_encoder=text_encoder(tokenizer), tokenizer=tokenizer, unet=unet(), scheduler=scheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    if arguments.dtype == "f16":
        pipeline = pipeline.to(torch.float16)
    shutil.rmtree(arguments.folder, ignore_errors=True)
    pipeline.save_pretrained(arguments.folder)
    # transformers 5 writes the vocabulary as tokenizer.json alone.
    shutil.copytree(TOKENIZER, arguments.folder / "tokenizer", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
