"""Networks that make pictures larger, with generated weights: basicsr's arithmetic, and the names of their files."""

import math
import re

import torch
from torch.nn import functional

from tiny_models import generator_for


class Tensors(dict):
    """The parameters of a network by name, each drawn when it is first asked for."""

    def __init__(self, label):
        super().__init__()
        self.label = label

    def draw(self, name, shape, gain=1.0, shift=0.0):
        """A tensor of that shape; a weight by its fan-in, which keeps activations of order 1."""
        noise = torch.randn(shape, generator=generator_for("upscale", self.label, name))
        if len(shape) > 1:
            noise = gain * noise / math.sqrt(math.prod(shape[1:]))
        else:
            # Those of dense blocks are heard through two factors of 0.2.
            noise = (2.0 if ".rdb" in name else 0.2) * noise + shift
        return self.setdefault(name, noise)

    def conv(self, x, name, channels, gain=1.0, shift=0.0):
        """A convolution of 3 x 3 that keeps the size."""
        weight = self.draw(f"{name}.weight", (channels, x.shape[1], 3, 3), gain)
        return functional.conv2d(x, weight, self.draw(f"{name}.bias", (channels,), shift=shift), padding=1)


def leaky(x):
    """What both networks of ESRGAN have between convolutions."""
    return functional.leaky_relu(x, 0.2)


class Rrdb:
    """basicsr.archs.rrdbnet_arch.RRDBNet"""

    def __init__(self, label, features, growth, blocks, doublings=2, unshuffle=1):
        self.tensors = Tensors(label)
        self.features, self.growth, self.blocks = features, growth, blocks
        self.doublings, self.unshuffle = doublings, unshuffle
        self.factor = 2**doublings // unshuffle

    def dense(self, x, name):
        """ResidualDenseBlock"""
        seen = [x]
        for i in range(1, 5):
            seen.append(leaky(self.tensors.conv(torch.cat(seen, 1), f"{name}.conv{i}", self.growth, 2.0)))
        return self.tensors.conv(torch.cat(seen, 1), f"{name}.conv5", self.features, 3.0) * 0.2 + x

    def __call__(self, x):
        conv = self.tensors.conv
        trunk = conv(functional.pixel_unshuffle(x, self.unshuffle), "conv_first", self.features)
        body = trunk
        for i in range(self.blocks):
            dense = body
            for k in range(1, 4):
                dense = self.dense(dense, f"body.{i}.rdb{k}")
            body = dense * 0.2 + body
        x = trunk + conv(body, "conv_body", self.features, 2.0)
        for i in range(1, self.doublings + 1):
            x = leaky(conv(functional.interpolate(x, scale_factor=2, mode="nearest"), f"conv_up{i}", self.features))
        x = leaky(conv(x, "conv_hr", self.features))
        return conv(x, "conv_last", 3, 0.2, 0.5)


class Compact:
    """basicsr.archs.srvgg_arch.SRVGGNetCompact with PReLU"""

    unshuffle = 1

    def __init__(self, label, features, convs, factor):
        self.tensors = Tensors(label)
        self.features, self.convs, self.factor = features, convs, factor

    def __call__(self, x):
        y = x
        for i in range(self.convs + 1):
            y = self.tensors.conv(y, f"body.{2 * i}", self.features, 1.4)
            y = functional.prelu(y, self.tensors.draw(f"body.{2 * i + 1}.weight", (self.features,), shift=0.2))
        y = self.tensors.conv(y, f"body.{2 * self.convs + 2}", 3 * self.factor**2, 0.3)
        return functional.pixel_shuffle(y, self.factor) + functional.interpolate(x, scale_factor=self.factor, mode="nearest")


def basicsr_name(_net, name):
    """As they are."""
    return name


def trunk_name(_net, name):
    """xinntao/ESRGAN, RRDBNet_arch.py"""
    name = re.sub(r"^body\.(\d+)\.rdb", r"RRDB_trunk.\1.RDB", name)
    name = re.sub(r"^conv_up(\d)", r"upconv\1", name)
    return name.replace("conv_body", "trunk_conv").replace("conv_hr", "HRconv")


def listed_name(net, name):
    """ESRGAN's first release: places in a list of layers."""
    behind = 3 * net.doublings + 2
    name = re.sub(r"^body\.(\d+)\.rdb(\d)\.conv(\d)", r"model.1.sub.\1.RDB\2.conv\3.0", name)
    name = re.sub(r"^conv_up(\d)", lambda found: f"model.{3 * int(found[1])}", name)
    name = name.replace("conv_body", f"model.1.sub.{net.blocks}").replace("conv_first", "model.0")
    return name.replace("conv_hr", f"model.{behind}").replace("conv_last", f"model.{behind + 2}")


# (file, network, names, dtype).  The channels of `wide` are those that Winograd's algorithm takes.
NETS = [
    ("x4", Rrdb("x4", 6, 3, 2), basicsr_name, torch.float32),
    ("x2", Rrdb("x2", 6, 4, 1, unshuffle=2), basicsr_name, torch.bfloat16),
    ("x1", Rrdb("x1", 5, 3, 1, unshuffle=4), basicsr_name, torch.float16),
    ("trunk", Rrdb("trunk", 5, 4, 2), trunk_name, torch.float16),
    ("listed", Rrdb("listed", 6, 3, 2), listed_name, torch.float32),
    ("listed-x1", Rrdb("listed-x1", 5, 3, 1, doublings=0), listed_name, torch.float16),
    ("listed-x2", Rrdb("listed-x2", 5, 3, 1, doublings=1), listed_name, torch.float16),
    ("listed-x8", Rrdb("listed-x8", 4, 4, 1, doublings=3), listed_name, torch.float16),
    ("wide", Rrdb("wide", 16, 16, 1), basicsr_name, torch.float16),
    ("compact", Compact("compact", 6, 3, 4), basicsr_name, torch.float16),
    ("compact-x2", Compact("compact-x2", 16, 2, 2), basicsr_name, torch.float32),
]


def rounded_nets():
    """{file: network} with the numbers that their files hold."""
    nets = {}
    for name, net, _, dtype in NETS:
        net(torch.rand(1, 3, 8, 8, generator=generator_for("upscale", "draw")))
        for key, tensor in net.tensors.items():
            net.tensors[key] = tensor.to(dtype).float()
        nets[name] = net
    return nets
