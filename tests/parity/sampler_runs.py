"""A scheduler driven as the pipelines drive it, with a stand-in for the network."""

import inspect
import math

import torch

REFUSALS = (AssertionError, ValueError, IndexError, NotImplementedError, RuntimeError, TypeError)


def denoise(prediction, x, timestep):
    """A smooth, bounded stand-in for the network, elementwise, in f64."""
    u = timestep / 1000.0
    out = []
    for i, value in enumerate(x.double().flatten().tolist()):
        if prediction == "epsilon":
            y = value * (0.15 + 0.85 * u) + 0.1 * (1 - u) * math.sin(2 * value + i + 3 * u)
        elif prediction == "v_prediction":
            y = 0.6 * value * (1 - u) + 0.3 * math.sin(2 * value + i + 3 * u)
        else:
            y = 0.7 * value * (1 - u) + 0.4 * math.sin(value + i + 2 * u)
        out.append(y)
    return torch.tensor(out, dtype=torch.float64).float().reshape(x.shape)


class Start:
    """What a run starts from: noise, a latent, and the seed of the generator that the sampler draws from."""

    def __init__(self, noise, latent, seed):
        self.noise = torch.tensor(noise).reshape(1, 1, 1, -1)
        self.latent = torch.tensor(latent).reshape(1, 1, 1, -1)
        self.seed = seed


def run(scheduler, start, steps, strength, from_latent):
    """(timesteps, final x) of a run as StableDiffusionPipeline and StableDiffusionImg2ImgPipeline make it."""
    s = scheduler
    generator = torch.Generator().manual_seed(start.seed)
    first = steps - min(int(steps * strength), steps) if from_latent else 0
    if hasattr(s, "start_at"):
        s.start_at(first)
    if hasattr(s, "generator"):
        s.generator = generator
    s.set_timesteps(steps)
    if from_latent:
        timesteps = s.timesteps[first * s.order:]
        if hasattr(s, "set_begin_index"):
            s.set_begin_index(first * s.order)
        x = s.add_noise(start.latent, start.noise, timesteps[:1])
    else:
        timesteps = s.timesteps
        x = start.noise * s.init_noise_sigma
    extra = {"generator": generator} if "generator" in inspect.signature(s.step).parameters else {}
    for t in timesteps:
        out = denoise(s.config.prediction_type, s.scale_model_input(x, t), float(t))
        x = s.step(out, t, x, return_dict=False, **extra)[0]
    return [float(t) for t in timesteps], x.flatten().tolist()


def row(make_scheduler, start, steps, strength, from_latent, digits=9):
    """[steps, strength, from_latent, evaluations, x...]; evaluations is -1 where the scheduler raises an exception, -2
    where x does not stay finite."""
    head = [steps, strength, int(from_latent)]
    try:
        if from_latent and strength == 1:
            # One plan serves both starts, so it is refused when either fails.
            run(make_scheduler(), start, steps, strength, False)
        timesteps, x = run(make_scheduler(), start, steps, strength, from_latent)
    except REFUSALS:
        return head + [-1]
    if not all(math.isfinite(v) for v in x):
        return head + [-2]
    return head + [len(timesteps)] + [float(f"{v:.{digits}g}") for v in x]
