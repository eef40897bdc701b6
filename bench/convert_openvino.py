"""Writes OpenVINO's form of a diffusers folder: one network a file, shapes left open, weights as f16 or f32.

    python3 bench/convert_openvino.py MODEL FOLDER
"""
import argparse
import gc
import pathlib

import openvino
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel


class Wrapped(torch.nn.Module):
    """A module whose output is a plain tensor."""

    def __init__(self, module, run):
        super().__init__()
        self.module, self.run = module, run

    def forward(self, *inputs):
        return self.run(self.module, *inputs)


def networks(model):
    """(name, module, example inputs), one after the other."""
    text = CLIPTextModel.from_pretrained(model, subfolder="text_encoder").eval()
    yield "text_encoder", Wrapped(text, lambda m, ids: m(ids)[0]), (torch.ones(2, 77, dtype=torch.int64),)
    del text
    unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet").eval()
    yield ("unet", Wrapped(unet, lambda m, x, time, context: m(x, time, context)[0]),
           (torch.randn(2, 4, 16, 16), torch.tensor(500.0), torch.randn(2, 77, 768)))
    del unet
    vae = AutoencoderKL.from_pretrained(model, subfolder="vae").eval()
    yield "vae_decoder", Wrapped(vae, lambda m, x: m.decode(x).sample), (torch.randn(1, 4, 16, 16),)
    yield "vae_encoder", Wrapped(vae, lambda m, x: m.encode(x).latent_dist.parameters), (torch.randn(1, 3, 128, 128),)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for name, module, example in networks(arguments.model):
            converted = openvino.convert_model(module, example_input=example)
            openvino.save_model(converted, arguments.folder / f"{name}.xml", compress_to_fp16=True)
            del converted, module
            gc.collect()


if __name__ == "__main__":
    main()
