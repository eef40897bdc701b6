"""What every training shares: time, resuming, learning rate, optimisers, averaged weights."""

import copy
import json
import math
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import torch

CHECKPOINT_SECONDS = 120
# Parts of the names of weights that are no matrices inside a network.
PLAIN = ("conv_in", "conv_out", "embedding", "quant_conv")


def start():
    """The device to train on: a GPU if there is one."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        return torch.device("cuda")
    return torch.device("cpu")


def add_training(parser, minutes):
    """The options that every training has."""
    parser.add_argument("--minutes", type=float, default=minutes, help="of training in all, over all resumptions")
    parser.add_argument("--threads", type=int, default=2, help="that share a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate")


def learning_rate(fraction, steps_here, constant, last=0.02, warm_up=50):
    """Relative: warm-up after each start, constant, then a cosine down to the last when the time is up."""
    decay = 1.0
    if fraction > constant:
        along = min((fraction - constant) / (1 - constant), 1.0)
        decay = last + (1 - last) * (1 + math.cos(math.pi * along)) / 2
    return decay * min(1.0, (steps_here + 1) / warm_up)


class Hands:
    """Threads that each do a part of a step, alone.  Two threads within one operation would have to meet after each;
    on a machine that others use too, they wait there for most of the time."""

    def __init__(self, count):
        self.count = count
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def each(self, work, parts):
        """work(part) of each part; what all of them add to the same gradients, is added safely."""
        return list(self.pool.map(work, parts))

    def share(self, length):
        """Slices of a batch, one for each."""
        return [slice(number, length, self.count) for number in range(min(self.count, length))]


# What the networks work in: bfloat16 where the hardware multiplies it.  A CPU that only emulates it is slower by it.
WORKING = torch.bfloat16 if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() else torch.float32


class Halves:
    """Copies of modules in WORKING, norms and all, that do the work, while the optimisers keep the weights in f32:
    autocast's many casts would cost a quarter of the time on a CPU."""

    def __init__(self, modules):
        self.weights = [weight for module in modules for weight in module.parameters() if weight.requires_grad]
        self.modules = [copy.deepcopy(module).to(WORKING) for module in modules]
        self.copies = [weight for module in self.modules for weight in module.parameters() if weight.requires_grad]

    def refresh(self):
        """Before a step: the copies become what the weights are now."""
        with torch.no_grad():
            torch._foreach_copy_(self.copies, self.weights)

    def collect(self):
        """After the backward passes: the weights get the gradients."""
        for weight, half in zip(self.weights, self.copies):
            weight.grad, half.grad = None if half.grad is None else half.grad.float(), None


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, for every weight that is a matrix once a kernel is laid flat; scaled
    so that one learning rate suits it and AdamW.  K. Jordan and others, 2024."""

    MOST = 8  # matrices in one go

    def __init__(self, parameters, hands, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay})
        self.hands = hands

    def step(self, closure=None):
        parts = []
        for group in self.param_groups:
            alike = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    alike.setdefault(weight.flatten(1).shape, []).append(weight)
                    if not self.state[weight]:
                        self.state[weight]["momentum"] = torch.zeros_like(weight)
            parts += [(group, weights[first:first + self.MOST]) for weights in alike.values()
                      for first in range(0, len(weights), self.MOST)]
        self.hands.each(self.move, parts)

    @torch.no_grad()
    def move(self, part):
        """Weights of one shape, in one group."""
        group, weights = part
        shape = weights[0].flatten(1).shape
        moved = [self.momentum(weight, group["momentum"]).flatten(1) for weight in weights]
        for weight, update in zip(weights, orthogonal(torch.stack(moved))):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)

    def momentum(self, weight, keep):
        """The gradient with Nesterov's momentum."""
        momentum = self.state[weight]["momentum"].mul_(keep).add_(weight.grad)
        return weight.grad.add_(momentum, alpha=keep)


def orthogonal(matrices, rounds=5):
    """Roughly U V of each matrix's U S V, in WORKING, by a Newton-Schulz iteration: X becomes a polynomial of X X'
    times X, again and again.  To keep X X' from round to round would be cheaper and blows up: rounded, it is not
    positive any more."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = (matrices.mT if tall else matrices).to(WORKING)
    wide = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        square = wide @ wide.mT
        factor = torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315)
        wide = torch.baddbmm(wide, factor, wide, beta=3.4445)
    return wide.mT if tall else wide


class Optimisers:
    """Muon for the matrices inside, AdamW for tables, first and last layers, norms and biases, and for whatever has one
    of the plain words in its name.  shares: of the learning rate, one for each module."""

    def __init__(self, modules, rate, hands, plain=PLAIN, shares=None):
        matrices, others = [], []
        for module, share in zip(modules, shares or [1.0] * len(modules)):
            inside, outside = [], []
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    matrix = parameter.dim() >= 2 and not any(word in name for word in plain)
                    (inside if matrix else outside).append(parameter)
            matrices += [{"params": inside, "share": share}] if inside else []
            others += [{"params": outside, "share": share}] if outside else []
        self.rate = rate
        self.all = [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)]
        if matrices:
            self.all.append(Muon(matrices, hands))
        self.parameters = [parameter for group in matrices + others for parameter in group["params"]]

    def step(self, relative):
        """One step at a part of the learning rate; clips and clears the gradients.  Returns their norm."""
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimiser in self.all:
            for group in optimiser.param_groups:
                group["lr"] = self.rate * relative * group["share"]
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return float(norm)

    def state_dict(self):
        return [optimiser.state_dict() for optimiser in self.all]

    def load_state_dict(self, states):
        for optimiser, state in zip(self.all, states):
            optimiser.load_state_dict(state)


class Average:
    """Averaged weights of some modules."""

    EVERY = 4

    def __init__(self, modules, longest):
        self.sources = [parameter for module in modules for parameter in module.parameters()]
        self.weights = [parameter.detach().clone() for parameter in self.sources]
        self.longest = longest

    def update(self, steps):
        """To be called after each step, with the number of steps so far."""
        if steps % self.EVERY == 0:
            keep = min(self.longest, (1 + steps) / (10 + steps)) ** self.EVERY
            torch._foreach_lerp_(self.weights, [source.detach() for source in self.sources], 1 - keep)

    def swap(self):
        """Exchanges the modules' weights with the averaged ones; to be called twice."""
        for source, weight in zip(self.sources, self.weights):
            kept = source.detach().clone()
            source.data.copy_(weight)
            weight.copy_(kept)


class Run:
    """One training: its checkpoint, its counters, its log.

    Of the checkpoint, NAME.pt is everything needed to go on; NAME-average.pt the averaged weights in f16 and the
    counters, from which a training goes on too, but with the optimisers' memory lost.
    """

    def __init__(self, work, name, modules, optimisers, minutes, longest=0.999, constant=0.5):
        self.path, self.small = work / f"{name}.pt", work / f"{name}-average.pt"
        self.log_path = work / f"{name}.log"
        self.modules, self.optimisers, self.limit = modules, optimisers, 60 * minutes
        self.seconds, self.steps, self.samples, self.steps_here = 0.0, 0, 0, 0
        self.average = Average(modules.values(), longest)
        self.constant = constant
        self.sums, self.told, self.stop = {}, 0, False
        if self.path.exists():
            self.resume()
        elif self.small.exists():
            self.resume_from_average(work, name)
        self.last, self.last_worked = time.monotonic(), time.process_time()
        self.saved = self.last
        signal.signal(signal.SIGTERM, self.on_signal)
        signal.signal(signal.SIGINT, self.on_signal)

    def on_signal(self, *_):
        self.stop = True

    def resume(self):
        """Goes on where the checkpoint was written."""
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        self.optimisers.load_state_dict(state["optimisers"])
        for weight, kept in zip(self.average.weights, state["average"]):
            weight.copy_(kept)
        self.count_from(state)
        self.log(f"resumed after {self.steps} steps, {self.seconds / 60:.1f} minutes")

    def resume_from_average(self, work, name):
        """The same when only the averaged weights came along."""
        state = load_average(work, name, self.modules)
        for weight, source in zip(self.average.weights, self.average.sources):
            weight.copy_(source)
        self.count_from(state["counters"])
        self.log(f"resumed from averaged weights after {self.steps} steps, {self.seconds / 60:.1f} minutes")

    def count_from(self, counters):
        self.seconds, self.steps, self.samples = (counters[name] for name in ("seconds", "steps", "samples"))

    @property
    def fraction(self):
        """How much of the time is over."""
        return self.seconds / self.limit

    def going(self):
        """Whether there is time for another step."""
        return self.seconds < self.limit and not self.stop

    def step(self, samples, **losses):
        """To be called after each backward pass: takes the step, counts, writes the checkpoint now and then."""
        losses["grad"] = self.optimisers.step(learning_rate(self.fraction, self.steps_here, self.constant))
        self.steps, self.steps_here, self.samples = self.steps + 1, self.steps_here + 1, self.samples + samples
        self.average.update(self.steps)
        now, worked = time.monotonic(), time.process_time()
        # What took much longer than it computed was stopped by somebody meanwhile.
        self.seconds += min(now - self.last, 2 + 3 * (worked - self.last_worked))
        self.last, self.last_worked = now, worked
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        self.told += 1
        if now - self.saved > CHECKPOINT_SECONDS:
            self.save()

    def tell(self, **more):
        """A line of the log: means since the last one."""
        means = {name: f"{value / self.told:.4f}" for name, value in self.sums.items()} if self.told else {}
        rate = self.samples / max(self.seconds, 1e-9)
        self.log(f"{self.seconds / 60:.1f} min, {self.steps} steps, {self.samples} samples ({rate:.1f}/s) "
                 + json.dumps({**means, **more}).replace('"', ""))
        self.sums, self.told = {}, 0

    def log(self, line):
        line = time.strftime("%H:%M:%S ") + line
        print(line, flush=True)
        with open(self.log_path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def save(self):
        """Writes both files, each whole or not at all."""
        modules = {name: module.state_dict() for name, module in self.modules.items()}
        counters = {"seconds": self.seconds, "steps": self.steps, "samples": self.samples}
        write(self.path, {"modules": modules, "optimisers": self.optimisers.state_dict(),
                          "average": self.average.weights, **counters})
        self.average.swap()
        write(self.small, {"counters": counters,
                           **{name: {key: value.half() for key, value in module.state_dict().items()}
                              for name, module in self.modules.items()}})
        self.average.swap()
        self.saved = self.last = time.monotonic()


def write(path, content):
    """torch.save, but a kill leaves the old file."""
    new = path.with_suffix(".new")
    torch.save(content, new)
    os.replace(new, path)


def load_average(work, name, modules):
    """Puts the averaged weights of a training into modules; returns the whole content of the file."""
    state = torch.load(work / f"{name}-average.pt", map_location="cpu", weights_only=True)
    for key, module in modules.items():
        module.load_state_dict({part: value.float() if value.is_floating_point() else value
                                for part, value in state[key].items()})
    return state
