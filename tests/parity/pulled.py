"""A sampling function that calls the network, as a scheduler that is offered what the network says."""

import queue
import threading

import torch


class Pull:
    """One run of a function, in a thread of its own: either that thread runs or the caller's, never both."""

    def __init__(self, function, x, sigmas, noise):
        self.asked = queue.Queue()
        self.answers = queue.Queue()
        self.noise = noise
        threading.Thread(target=self.run, args=(function, x, sigmas), daemon=True).start()
        self.wait()

    def run(self, function, x, sigmas):
        """The thread."""
        try:
            self.asked.put((function(self.model, x, sigmas, self.noise), None))
        except Exception as error:  # raised again where the caller waits
            self.asked.put((error, None))

    def model(self, x, sigma):
        """What the function takes for the network."""
        self.asked.put((x, float(sigma.flatten()[0])))
        return self.answers.get()

    def wait(self):
        """Sets x and sigma to what the function asks about next; at its end x is the result and sigma None."""
        self.x, self.sigma = self.asked.get()
        if isinstance(self.x, Exception):
            raise self.x

    def answer(self, clean):
        """Gives the function what it asked for."""
        self.answers.put(clean)
        self.wait()


class PulledScheduler:
    """levels, a diffusers scheduler of first order, makes the sigmas and timesteps."""

    order = 1

    def __init__(self, levels, function):
        self.levels = levels
        self.function = function
        self.config = levels.config
        self.first = 0
        self.pull = None
        self.generator = None

    def start_at(self, first):
        """From an image: how many levels are left out.  Before set_timesteps, which needs to know."""
        self.first = first

    def set_timesteps(self, steps, device=None):
        """Lists the timesteps by a run without a network.  The caller cuts off as many as levels are left out."""
        self.levels.set_timesteps(steps, device=device)
        self.sigmas = self.levels.sigmas[self.first:]
        self.init_noise_sigma = self.levels.init_noise_sigma
        dry = Pull(self.function, torch.zeros(1, 1, 1, 1), self.sigmas, lambda *_: torch.zeros(1, 1, 1, 1))
        times = [0.0] * self.first
        while dry.sigma is not None:
            times.append(self.timestep(dry.sigma))
            dry.answer(torch.zeros(1, 1, 1, 1))
        self.timesteps = torch.tensor(times, dtype=torch.float32)
        self.pull = None

    def timestep(self, sigma):
        """The timestep of a level, or of a sigma between two."""
        for t, level in zip(self.levels.timesteps[self.first:], self.sigmas):
            if float(level) == sigma:
                return float(t)
        alphas = self.levels.alphas_cumprod
        log_sigmas = (((1 - alphas) / alphas) ** 0.5).log().numpy()
        return float(self.levels._sigma_to_t(torch.tensor(sigma).numpy(), log_sigmas))

    def set_begin_index(self, index):
        """The pipeline's word for start_at, too late."""
        assert index == self.first

    def scale_model_input(self, x, _timestep):
        """What the network gets."""
        if self.pull is None:
            self.pull = Pull(self.function, x, self.sigmas, self.draw)
        return self.pull.x / (self.pull.sigma**2 + 1) ** 0.5

    def draw(self, _sigma, _next):
        """Noise of the size of x."""
        return torch.randn(self.pull.x.shape, generator=self.generator)

    def step(self, out, _timestep, x, generator=None, return_dict=True):
        """Reads the network's word and goes on to the next question."""
        assert not return_dict
        self.generator = generator
        sigma = torch.tensor(self.pull.sigma)
        if self.config.prediction_type == "epsilon":
            clean = x - sigma * out
        elif self.config.prediction_type == "v_prediction":
            clean = out * (-sigma / (sigma**2 + 1) ** 0.5) + x / (sigma**2 + 1)
        else:
            raise NotImplementedError(self.config.prediction_type)
        self.pull.answer(clean)
        return (self.pull.x,)

    def add_noise(self, latent, noise, _timesteps):
        """From an image: the noisy latent of the first level."""
        return latent + noise * self.sigmas[0]
