#!/usr/bin/env python3
"""Trains the U-Net, and the text encoder with it: WORK/unet.pt, WORK/unet-average.pt.

Needs what make_latents.py and train_text.py wrote.  Resumable; with more --minutes or more --things than before it goes
on from where it was.
"""

import argparse

import torch
from diffusers import DDPMScheduler

from batches import Batches
from nets import NOISE, make_text_encoder, make_unet
from settings import add_work
from training import PLAIN, WORKING, Halves, Hands, Optimisers, Run, add_training, load_average, start

# More often high noise, where it is decided what is drawn.
TIME_POWER = 0.75
# Of the learning rate, for the text encoder, which has learned already.
TEXT_SHARE = 0.3


def draw_times(count, generator):
    """Timesteps, one of each of `count` equal parts of the range, in any order."""
    places = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    times = (1000 * places ** TIME_POWER).long().clamp(0, 999)
    return times[torch.randperm(count, generator=generator)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    add_training(parser, minutes=600)
    parser.add_argument("--batch", type=int, default=16, help="captions a step")
    parser.add_argument("--noises", type=int, default=2, help="noises for each caption")
    parser.add_argument("--scenes", type=float, default=0.25, help="part of the captions that are scenes")
    parser.add_argument("--things", type=int, default=10000, help="only the first this many things")
    parser.add_argument("--constant", type=float, default=0.5, help="part of the time before the rate goes down")
    parser.add_argument("--average", type=float, default=0.9995, help="what the averaged weights keep, at most")
    parser.add_argument("--optimiser", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--name", default="unet", help="of the files")
    options = parser.parse_args()
    device = start()
    batches = Batches(options.work, options.things, options.scenes, seed="unet")
    text = make_text_encoder(batches.encode.tokenizer)
    load_average(options.work, "text", {"text": text})
    text, unet = text.to(device), make_unet().to(device)
    plain = {"muon": (*PLAIN, "encoder.layers"), "adamw": ("",)}[options.optimiser]
    hands = Hands(1 if device.type == "cuda" else options.threads)
    optimisers = Optimisers([unet, text], options.rate, hands, plain, shares=[1.0, TEXT_SHARE])
    run = Run(options.work, options.name, {"unet": unet, "text": text}, optimisers, options.minutes,
              longest=options.average, constant=options.constant)
    halves = Halves([unet, text])
    predict, encode = halves.modules
    noise_of = DDPMScheduler(**NOISE)

    while run.going():
        generator = torch.Generator().manual_seed(run.steps)
        ids, latents, _ = batches.batch(run.steps, options.batch)
        latents = latents.repeat(options.noises, 1, 1, 1)
        times = draw_times(len(latents), generator)
        noise = torch.randn(latents.shape, generator=generator)
        noisy, wanted = noise_of.add_noise(latents, noise, times), noise_of.get_velocity(latents, noise, times)
        error = torch.empty(len(latents))
        halves.refresh()

        def learn(part):
            # The noises of these captions; a batch has all captions with the first noise, then all with the second.
            rows = torch.arange(len(noisy)).view(-1, len(ids))[:, part].flatten()
            context = encode(ids[part].to(device)).last_hidden_state.repeat(options.noises, 1, 1)
            predicted = predict(noisy[rows].to(device, WORKING), times[rows].to(device), context).sample
            errors = (predicted.float() - wanted[rows].to(device)).square().mean((1, 2, 3))
            (errors.sum() / len(noisy)).backward()
            error[rows] = errors.detach().cpu()

        hands.each(learn, hands.share(len(ids)))
        halves.collect()
        early = times >= 500
        run.step(len(latents), loss=error.mean(), early=error[early].mean())
        if run.steps % 100 == 0:
            run.tell()
    run.tell()
    run.save()


if __name__ == "__main__":
    main()
