"""The samplers that diffusers lacks, written anew from the papers' formulas and the descriptions of the programs that
have them, and made diffusers schedulers, so that its pipelines run them.

Each is a generator: it yields (x, level) to have the clean sample told that the network thinks of, and returns the last
x.  A level is (sigma, timestep); where the timestep is None it is looked up by sigma.  noise(from, to) draws standard
normal noise for the way from one sigma to another."""

import diffusers
import numpy
import torch


def ancestral(start, to, eta):
    """(how far down, how much noise back up) of an ancestral step, the second at most `to`."""
    up = min(to, eta * (to**2 * (start**2 - to**2) / start**2) ** 0.5)
    return (to**2 - up**2) ** 0.5, up


def exponential_step(x, clean, start, to):
    """DPM-Solver++ of first order."""
    return to / start * x - torch.expm1(to.log() - start.log()) * clean


def dpmpp_2s_a(x, levels, noise, eta):
    """DPM-Solver++(2S) with ancestral noise, k-diffusion's."""
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        down, up = ancestral(sigma, after, eta)
        middle = ((sigma.log() + down.log()) / 2).exp()
        clean = yield exponential_step(x, clean, sigma, middle), (middle, None)
        x = exponential_step(x, clean, sigma, down) + noise(sigma, after) * up
    return x


def heun(x, levels):
    """Heun's method."""
    for (sigma, t), (after, t_after) in zip(levels, levels[1:]):
        slope = (x - (yield x, (sigma, t))) / sigma
        there = x + slope * (after - sigma)
        if after > 0:
            slope = (slope + (there - (yield there, (after, t_after))) / after) / 2
        x = x + slope * (after - sigma)
    return x


def karras(high, low, count):
    """Levels without timesteps."""
    inverse = numpy.linspace(float(high) ** (1 / 7), float(low) ** (1 / 7), count)
    return [(torch.tensor(sigma, dtype=torch.float32), None) for sigma in inverse**7]


def nearest(levels, sigma):
    """The place of the level that is nearest."""
    return min(range(len(levels)), key=lambda i: abs(levels[i][0] - sigma))


def restart(x, levels, noise, _eta):
    """Restart with AUTOMATIC1111's choices: from 20 steps on, once or twice from 0.1 back to 2."""
    steps, times, again = len(levels) - 1, 0, 0
    if steps >= 20:
        times, again = (2, steps // 4) if steps >= 36 else (1, 9)
        levels = [*karras(levels[0][0], levels[-2][0], steps - times * again), (torch.tensor(0.0), None)]
    low, high = nearest(levels, 0.1), nearest(levels, 2)
    if high >= low:
        times = 0
    if times == 0:
        return (yield from heun(x, levels))
    x = yield from heun(x, levels[: low + 1])
    bottom, top = levels[low][0], levels[high][0]
    for _ in range(times):
        x = x + noise(bottom, top) * (top**2 - bottom**2) ** 0.5
        x = yield from heun(x, [levels[high], *karras(top, bottom, again + 1)[1:-1], levels[low]])
    return (yield from heun(x, levels[low:]))


def euler_a(x, levels, noise, eta):
    """Euler's method with ancestral noise."""
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        down, up = ancestral(sigma, after, eta)
        x = x + (x - clean) / sigma * (down - sigma) + noise(sigma, after) * up
    return x


def dpm2_a(x, levels, noise, eta):
    """DPM-Solver-2 with ancestral noise, k-diffusion's."""
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        down, up = ancestral(sigma, after, eta)
        middle = ((sigma.log() + down.log()) / 2).exp()
        there = x + (x - clean) / sigma * (middle - sigma)
        clean = yield there, (middle, None)
        x = x + (there - clean) / middle * (down - sigma) + noise(sigma, after) * up
    return x


def dpmpp_sde(x, levels, noise, eta):
    """DPM-Solver++ (stochastic) with r 1/2, k-diffusion's."""
    for (sigma, t), (after, _) in zip(levels, levels[1:]):
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        middle = ((sigma.log() + after.log()) / 2).exp()
        down, up = ancestral(sigma, middle, eta)
        clean = yield exponential_step(x, clean, sigma, down) + noise(sigma, middle) * up, (middle, None)
        down, up = ancestral(sigma, after, eta)
        x = exponential_step(x, clean, sigma, down) + noise(sigma, after) * up
    return x


def churned(x, level, steps, noise, churn):
    """(x, level) after the noise that is asked for before a step: Karras et al. 2022, algorithm 2.  It is drawn in any
    case, as k-diffusion draws it."""
    fresh, sigma = noise(level[0], level[0]), level[0]
    inside = churn["s_tmin"] <= sigma <= (churn["s_tmax"] or float("inf"))
    gamma = min(churn["s_churn"] / steps, 2**0.5 - 1) if inside else 0
    if gamma == 0:
        return x, level
    high = sigma * (gamma + 1)
    return x + fresh * (high**2 - sigma**2) ** 0.5, (high, None)


def churned_euler(x, levels, noise, churn):
    """Euler's method."""
    for level, (after, _) in zip(levels, levels[1:]):
        x, (sigma, t) = churned(x, level, len(levels) - 1, noise, churn)
        x = x + (x - (yield x, (sigma, t))) / sigma * (after - sigma)
    return x


def churned_heun(x, levels, noise, churn):
    """Heun's."""
    for level, end in zip(levels, levels[1:]):
        x, level = churned(x, level, len(levels) - 1, noise, churn)
        x = yield from heun(x, [level, end])
    return x


def churned_dpm2(x, levels, noise, churn):
    """DPM-Solver-2."""
    for level, (after, _) in zip(levels, levels[1:]):
        x, (sigma, t) = churned(x, level, len(levels) - 1, noise, churn)
        clean = yield x, (sigma, t)
        if after == 0:
            return clean
        middle = ((sigma.log() + after.log()) / 2).exp()
        there = x + (x - clean) / sigma * (middle - sigma)
        clean = yield there, (middle, None)
        x = x + (there - clean) / middle * (after - sigma)
    return x


PROGRAMS = {"dpmpp_2s_a": dpmpp_2s_a, "restart": restart}
CHURNED = {"euler": churned_euler, "heun": churned_heun, "dpm2": churned_dpm2}
# Those whose eta a request may say, among them what diffusers has with an eta of 1 alone.
WITH_ETA = {"dpmpp_2s_a": dpmpp_2s_a, "euler_a": euler_a, "dpm2_a": dpm2_a, "dpmpp_sde": dpmpp_sde}


class Written(diffusers.DPMSolverSDEScheduler):
    """A program on the levels of that class.  `order` is 1: what a run from a picture leaves out stands as so many
    timesteps before those of the program."""

    order = 1
    program = first = run = None
    eta = s_noise = 1.0

    def start_at(self, first):
        """Leaves out so many levels at the noisy end."""
        self.first = first

    def set_timesteps(self, num_inference_steps, device=None, num_train_timesteps=None):
        """The timesteps of a run that goes nowhere."""
        super().set_timesteps(num_inference_steps, device, num_train_timesteps)
        if num_train_timesteps:  # the class makes itself
            return
        first = self.first or 0
        self.whole = self.whole_levels(num_inference_steps)
        self.levels = self.whole[first:]
        self.asked = []
        run = self.started(torch.zeros(1), lambda *_: torch.zeros(1))
        asked = next(run)
        while asked:
            self.asked.append(asked[1])
            asked = self.resume(run, torch.zeros(1))[1]
        self.timesteps = torch.tensor([0.0] * first + [self.timestep_of(*level) for level in self.asked])
        self.place, self.run = 0, None

    def whole_levels(self, _steps):
        """All levels, the end of the run with them."""
        sigmas = torch.cat([self.sigmas[::2], self.sigmas[-1:]])
        return list(zip(sigmas, [*self.timesteps[::2].tolist(), None]))

    def program_of(self):
        """The program of that name."""
        return {**WITH_ETA, **PROGRAMS}[self.program]

    def started(self, x, noise):
        """A run."""
        return self.program_of()(x, self.levels, lambda *way: noise(*way) * self.s_noise, self.eta)

    def noise_for(self, x, generator):
        """What draws a run's noise."""
        return lambda *_: torch.randn(x.shape, generator=generator)

    @staticmethod
    def resume(run, clean):
        """(x, what is asked next); None after the last."""
        try:
            asked = run.send(clean)
        except StopIteration as end:
            return end.value, None
        return asked[0], asked

    def timestep_of(self, sigma, timestep):
        """As the class looks it up."""
        if timestep is not None:
            return timestep
        logs = numpy.log(numpy.array(((1 - self.alphas_cumprod) / self.alphas_cumprod) ** 0.5))
        return float(self._sigma_to_t(numpy.array(sigma), logs))

    def scale_model_input(self, sample, timestep):
        """What the network gets."""
        return sample / (self.asked[self.place][0] ** 2 + 1) ** 0.5

    def add_noise(self, original_samples, noise, timesteps):
        """At the first level."""
        return original_samples + noise * self.levels[0][0]

    def step(self, out, timestep, x, generator=None, return_dict=True):
        """As the other classes."""
        sigma = self.asked[self.place][0]
        clean = x - sigma * out
        if self.config.prediction_type == "v_prediction":
            clean = x / (sigma**2 + 1) - out * sigma / (sigma**2 + 1) ** 0.5
        if self.run is None:
            self.run = self.started(x, self.noise_for(x, generator))
            next(self.run)
        self.place += 1
        return (self.resume(self.run, clean)[0],)


class Churned(Written):
    """One that begins with noise: what the network gets first is not what the run begins with."""

    s_churn = s_tmin = s_tmax = 0.0
    generator = None  # to be set

    def program_of(self):
        """With what is asked for."""
        churn = {name: getattr(self, name) for name in ("s_churn", "s_tmin", "s_tmax")}
        return lambda x, levels, noise, _eta: CHURNED[self.program](x, levels, noise, churn)

    def scale_model_input(self, sample, timestep):
        """Of the program's own sample, once for each row of a batch of one sample."""
        if self.run is None:
            self.run = self.started(sample[:1], self.noise_for(sample[:1], self.generator))
            self.x = next(self.run)[0]
        return super().scale_model_input(self.x.expand_as(sample), timestep)

    def step(self, out, timestep, x, generator=None, return_dict=True):
        """As there."""
        after = super().step(out, timestep, self.x, generator, return_dict)
        self.x = after[0]
        return after


def written(program, eta=1.0, **noise):
    """The class that runs a program of that name."""
    return type(program, (Churned if program in CHURNED else Written,), {"program": program, "eta": eta, **noise})
