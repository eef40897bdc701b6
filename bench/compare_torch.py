#!/usr/bin/env python3
"""Times a guided U-Net step of PyTorch and of latentd, taking turns on the same machine.

    python3 bench/make_sd15.py build/sd15
    python3 bench/compare_torch.py build/sd15 [--rounds 3] [--threads 2] [--side 512]

Prints each round, the medians and latentd's time as a multiple of PyTorch's.  PyTorch gets what is faster for it: contiguous or
channels-last activations, tried first.  Needs torch and diffusers (tests/parity/requirements.txt).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

import torch
from diffusers import UNet2DConditionModel

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Torch:
    """The reference's step: f32, two rows."""

    def __init__(self, model, side, threads):
        torch.set_num_threads(threads)
        self.unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet", torch_dtype=torch.float32).eval()
        factor = 8
        self.sample = torch.randn(2, self.unet.config.in_channels, side // factor, side // factor)
        self.context = torch.randn(2, 77, self.unet.config.cross_attention_dim)
        self.use_faster_layout()

    def use_faster_layout(self):
        self.step()
        contiguous = self.step()
        self.unet = self.unet.to(memory_format=torch.channels_last)
        self.sample = self.sample.to(memory_format=torch.channels_last)
        self.step()
        if self.step() > contiguous:
            self.unet = self.unet.to(memory_format=torch.contiguous_format)
            self.sample = self.sample.contiguous()

    def step(self):
        begun = time.monotonic()
        with torch.inference_mode():
            self.unet(self.sample, 500, self.context)
        return time.monotonic() - begun


class Latentd:
    """build/bench/unet_step, one step a line."""

    def __init__(self, model, side, threads, program):
        self.process = subprocess.Popen([program, model, "--threads", str(threads), "--side", str(side)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = json.loads(self.process.stdout.readline())
        self.step()

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--program", default=str(ROOT / "build/bench/unet_step"))
    arguments = parser.parse_args()
    ours = Latentd(arguments.model, arguments.side, arguments.threads, arguments.program)
    theirs = Torch(arguments.model, arguments.side, arguments.threads)
    times = {"torch": [], "latentd": []}
    print(f"torch {torch.__version__}, latentd {ours.about}")
    for number in range(arguments.rounds):
        times["torch"].append(theirs.step())
        times["latentd"].append(ours.step())
        print(f"round {number + 1}: torch {times['torch'][-1]:.2f} s, latentd {times['latentd'][-1]:.2f} s", flush=True)
    ours.close()
    torch_s, ours_s = statistics.median(times["torch"]), statistics.median(times["latentd"])
    print(f"median: torch {torch_s:.2f} s, latentd {ours_s:.2f} s, ratio {ours_s / torch_s:.2f}")


if __name__ == "__main__":
    main()
