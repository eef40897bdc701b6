#!/usr/bin/env python3
"""The parts of models/recipe that compute: colours, scenes, the latent code, the training loop.  Needs the packages of
models/recipe/requirements.txt."""

import os
import random
import sys
import tempfile
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '../../models/recipe')]

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor

import batches
import export
import hues
import judge
import patch_code
import pictures
import report
import scenes
import settings
import take_up
import training
from nets import make_text_encoder, make_unet, make_vae

torch.set_num_threads(2)


def wrong_if(*pairs):
    return [what for what, wrong in pairs if wrong]


def disc(colour, side=128):
    """An opaque disc on nothing."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = (x * x + y * y < (0.4 * side) ** 2).astype(np.float32)
    return np.concatenate([np.broadcast_to(np.float32(colour), (side, side, 3)), inside[..., None]], -1)


def smooth_pictures(count, seed=0):
    """Pictures of -1..1 with some structure."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 16, 16, generator=generator)
    fine = torch.rand(count, 3, 64, 64, generator=generator)
    large = torch.nn.functional.interpolate(coarse, (128, 128), mode='bilinear')
    return (large * 0.8 + torch.nn.functional.interpolate(fine, (128, 128)) * 0.2) * 2 - 1


def test_hues_there_and_back():
    rgb = np.random.default_rng(0).random((50, 50, 3)).astype(np.float32)
    back = pictures.hsv_to_rgb(*pictures.rgb_to_hsv(rgb))
    turned = pictures.turn_hue(np.float32([[[1, 0, 0]]]), 1 / 3)
    return wrong_if((f'{np.abs(back - rgb).max()}', np.abs(back - rgb).max() > 1e-5),
                    ('a third of a turn', np.abs(turned - [0, 1, 0]).max() > 1e-5))


def test_every_angle_has_one_hue():
    borders = np.float32([start for _, start, _ in hues.HUES])
    beside = [np.nextafter(borders, np.float32(way)) for way in (0, 360)]
    degrees = np.concatenate([np.arange(0, 360, 0.5), *beside, np.float32([360])])
    count = sum(hues.in_hue(degrees, name).astype(int) for name, _, _ in hues.HUES)
    return [] if (count == 1).all() else [str(degrees[count != 1])]


def test_the_hue_gate_sees_a_lost_hue():
    original = pictures.blank((0.1, 0.8, 0.2))
    original[:64] = (0.9, 0.2, 0.7)
    grey = np.broadcast_to(original.mean(-1, keepdims=True), original.shape)
    blue = original.copy()
    blue[64:] = (0.1, 0.2, 0.8)
    dull = original * 0.9 + 0.05
    return wrong_if(('itself', not hues.passes(hues.kept_hues(original, original))),
                    ('a little duller', not hues.passes(hues.kept_hues(original, dull))),
                    ('grey', hues.passes(hues.kept_hues(original, grey))),
                    ('green became blue', hues.passes(hues.kept_hues(original, blue))),
                    ('counts', hues.kept_hues(original, blue)['green'] != (64 * 128, 0.0)))


def test_paint_is_what_the_judge_measures():
    wrong = []
    for colour in ('red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'brown', 'black', 'grey'):
        for own in ((0.9, 0.2, 0.1), (0.1, 0.3, 0.9), (0.7, 0.7, 0.7)):
            painted = pictures.over(scenes.painted(disc(own), colour), pictures.WHITE)
            if not judge.has_colour(painted, colour):
                wrong.append(f'{own} painted {colour}')
    return wrong


def test_backgrounds_are_what_the_judge_measures():
    rng = random.Random(0)
    wrong = []
    for colour in scenes.COLOURS:
        for _ in range(20):
            ground = scenes.background_colour(colour, rng)
            picture = pictures.over(disc((0.5, 0.1, 0.1)), ground)
            if judge.background_of(picture) != colour:
                wrong.append(f'{colour}: {judge.background_of(picture)}')
    return wrong


def test_a_pasted_picture_is_cut_at_the_border():
    canvas = pictures.blank((0, 0, 0))
    pictures.paste(canvas, disc((1, 1, 1)), -100, 64)
    return wrong_if(('inside', canvas[5, 127].max() != 1), ('below', canvas[60:].max() != 0),
                    ('left', canvas[:, :64].max() != 0))


def fitted():
    code = patch_code.PatchCode.fit(patch_code.patches(smooth_pictures(60)).flatten(0, 2))
    return code, smooth_pictures(4, seed=1)


def test_the_code_is_the_best_linear_one():
    code, unseen = fitted()
    latents = code.encode(unseen)
    error = (code.decode(latents) - unseen).square().mean()
    mean = unseen.reshape(4, 3, 16, 8, 16, 8).mean((3, 5))
    kept = code.decode(latents).reshape(4, 3, 16, 8, 16, 8).mean((3, 5))
    return wrong_if((f'error {error}', error > 0.02), ('the mean colour', (mean - kept).abs().max() > 0.05),
                    ('shape', latents.shape != (4, 16, 16, 16)),
                    ('spread', not 0.9 < float(latents[:, 0].std()) < 1.1),
                    ('order', bool((latents.std((0, 2, 3)).diff() > 0.15).any())))


def test_the_encoder_computes_the_code():
    code, unseen = fitted()
    vae = make_vae()
    patch_code.write_encoder(vae, code)
    wrong = []
    for bits in (32, 16):
        if bits == 16:
            vae.half().float()
        with torch.no_grad():
            found = vae.encode(unseen).latent_dist
        error = (found.mean - code.encode(unseen)).abs().max()
        if error > (1e-3 if bits == 32 else 2e-2):
            wrong.append(f'f{bits}: {error}')
        if found.std.max() > 0.02:
            wrong.append(f'f{bits}: noise of {found.std.max()}')
    return wrong


def test_the_code_can_be_read_from_the_encoder():
    code, unseen = fitted()
    vae = make_vae()
    patch_code.write_encoder(vae, code)
    error = (patch_code.read_encoder(vae.half()).encode(unseen) - code.encode(unseen)).abs().max()
    return wrong_if((f'{error}', not 0 < error < 1e-2))


def test_a_finished_model_is_taken_up_again():
    model = Path(settings.ROOT, 'models/default')
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        take_up.take_up(model, work)
        text, unet, vae = make_text_encoder(batches.load_tokenizer(work)), make_unet(), export.load_vae(work)
        counters = training.load_average(work, 'unet', {'unet': unet, 'text': text})['counters']
        training.load_average(work, 'text', {'text': text})
    wrong = wrong_if((f'{counters}', counters['steps'] != 0))
    for part, module in (('text_encoder', text), ('unet', unet), ('vae', vae)):
        want = type(module).from_pretrained(model / part).state_dict()
        far = [name for name, value in module.state_dict().items()
               if (value - want[name].float()).abs().max() > (2e-3 * want[name].abs().max() if 'encoder' in name else 0)]
        wrong += [f'{part}: {far}'] if far or len(want) != len(module.state_dict()) else []
    return wrong


def test_other_sizes_are_encoded_alike():
    code, unseen = fitted()
    vae = make_vae()
    patch_code.write_encoder(vae, code)
    with torch.no_grad():
        found = vae.encode(unseen[:, :, :64, :88]).latent_dist.mean
    error = (found - code.encode(unseen)[:, :, :8, :11]).abs().max()
    return wrong_if((f'{error}', error > 1e-3))


def test_updates_are_made_orthogonal():
    torch.manual_seed(0)
    wrong = []
    for shape in ((1, 32, 300), (1, 300, 32), (3, 64, 64), (2, 48, 480)):
        matrices = torch.randn(shape) @ torch.diag(torch.rand(shape[-1]))
        values = torch.linalg.svdvals(training.orthogonal(matrices).float())
        if not (values[..., :-4].min() > 0.4 and values.max() < 1.3):
            wrong.append(f'{shape}: {values.min()} to {values.max()}')
        few = torch.randn(*shape[:2], 3) @ torch.randn(shape[0], 3, shape[2])
        values = torch.linalg.svdvals(training.orthogonal(few).float())
        if not (values[..., :3].min() > 0.4 and values.max() < 1.3):
            wrong.append(f'{shape} of rank 3: {values}')
    return wrong


def train_a_little(work, steps):
    """A line fitted to points; interrupted and resumed when there is a checkpoint."""
    torch.manual_seed(0)
    line = torch.nn.Linear(4, 1)
    optimisers = training.Optimisers([line], 5e-2, training.Hands(1))
    run = training.Run(work, 'line', {'line': line}, optimisers, minutes=1e9)
    while run.steps < steps:
        points = torch.randn(8, 4, generator=torch.Generator().manual_seed(run.steps))
        loss = (line(points) - points.sum(1, keepdim=True)).square().mean()
        loss.backward()
        run.step(8, loss=loss.detach())
    run.save()
    return line.weight.detach().clone(), run


def test_a_training_goes_on_where_it_was():
    with tempfile.TemporaryDirectory() as folder:
        first, _ = train_a_little(Path(folder), 60)
        again, _ = train_a_little(Path(folder), 60)
        second, run = train_a_little(Path(folder), 200)
        other = torch.nn.Linear(4, 1)
        training.load_average(Path(folder), 'line', {'line': other})
        files = sorted(os.listdir(folder))
        os.remove(Path(folder, 'line.pt'))
        third, later = train_a_little(Path(folder), 200)
    return wrong_if(('where it was', bool((first != again).any())), ('counts', (run.steps, run.samples) != (200, 1600)),
                    ('nearer to its aim', (second - 1).abs().sum() > 0.5 * (first - 1).abs().sum()),
                    ('from the average', (third - other.weight).abs().max() > 0 or later.samples != run.samples),
                    ('average', (other.weight - second).abs().max() > 0.2),
                    ('files', files != ['line-average.pt', 'line.log', 'line.pt']))


def test_the_rate_warms_up_and_goes_down():
    rates = [training.learning_rate(fraction, 1000, 0.5) for fraction in (0, 0.5, 0.75, 1, 2)]
    return wrong_if(('start', training.learning_rate(0, 0, 0.5) != 0.02), ('course', rates[:2] != [1, 1]),
                    ('half way', not 0.4 < rates[2] < 0.6), ('end', rates[3:] != [0.02, 0.02]))


def test_the_work_of_two_hands_is_that_of_one():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.SiLU(), torch.nn.Linear(32, 16))
    points, found = torch.randn(12, 16), {}
    for count in (1, 2):
        hands, halves = training.Hands(count), training.Halves([layers])
        halves.refresh()

        def learn(part):
            halves.modules[0](points[part].to(training.WORKING)).float().square().sum().backward()

        hands.each(learn, hands.share(len(points)))
        halves.collect()
        found[count] = layers[0].weight.grad.clone()
    exact = torch.autograd.grad(layers(points).square().sum(), layers[0].weight)[0]
    return wrong_if(('two', (found[2] - found[1]).norm() > 0.02 * exact.norm()),
                    ('rounded', (found[1] - exact).norm() > 0.02 * exact.norm()),
                    ('type', found[1].dtype != torch.float32))


def test_muon_moves_every_matrix():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(*(torch.nn.Conv2d(8, 8, 3) for _ in range(11)), torch.nn.Conv2d(8, 40, 1))
    before = [layer.weight.detach().clone() for layer in layers]
    optimisers = training.Optimisers([layers], 0.1, training.Hands(2))
    for layer in layers:
        layer.weight.grad = torch.randn_like(layer.weight)
    optimisers.step(1.0)
    lengths = [(layer.weight - old).flatten(1).norm().item() / (0.02 * max(old.flatten(1).shape) ** 0.5 * 8 ** 0.5)
               for layer, old in zip(layers, before)]
    return [f'{lengths}'] if not all(0.7 < length < 1.2 for length in lengths) else []


def test_attention_as_written_is_that_of_diffusers():
    unet = make_unet()
    torch.nn.init.normal_(unet.conv_out.weight, std=0.1)
    inputs = torch.randn(1, 16, 16, 16), 500, torch.randn(1, 32, 256)
    with torch.no_grad():
        written = unet(*inputs).sample
        unet.set_attn_processor(AttnProcessor())
        usual = unet(*inputs).sample
    return wrong_if(('differs', (written - usual).abs().max() > 1e-4))


def test_an_untrained_unet_predicts_nothing():
    with torch.no_grad():
        predicted = make_unet()(torch.randn(1, 16, 16, 16), 500, torch.randn(1, 32, 256)).sample
    return wrong_if(('not zero', predicted.abs().max() > 0))


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
