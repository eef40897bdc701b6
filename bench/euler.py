"""Euler's method for Stable Diffusion's noise schedule (Karras et al. 2022, algorithm 2 without churn), in numpy."""
import numpy


class Euler:
    def __init__(self, steps, trained=1000, first=0.00085, last=0.012):
        betas = numpy.linspace(first ** 0.5, last ** 0.5, trained) ** 2
        alphas = numpy.cumprod(1 - betas)
        levels = ((1 - alphas) / alphas) ** 0.5
        self.times = numpy.linspace(trained - 1, 0, steps)
        self.sigmas = numpy.append(numpy.interp(self.times, numpy.arange(trained), levels), 0).astype(numpy.float32)
        self.start = self.sigmas[0]

    def scaled(self, x, i):
        """What the network sees of x."""
        return x / (self.sigmas[i] ** 2 + 1) ** 0.5

    def step(self, x, noise, i):
        return x + (self.sigmas[i + 1] - self.sigmas[i]) * noise
