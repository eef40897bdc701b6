#!/usr/bin/env python3
"""Makes tests/parity/fixtures/upscale: networks of every naming scheme, what they give, and pictures made larger.

The pictures are AUTOMATIC1111's way (modules/upscaler.py, scripts/postprocessing_upscale.py) but for its tiles and its
sides of multiples of 8: the network again and again while its picture is too small, then PIL's Lanczos.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy
import safetensors.torch
import torch
from fixture import check_versions, start_empty, write_cases
from PIL import Image
from tiny_models import generator_for
from torch.nn import functional
from upscale_nets import NETS, rounded_nets

FOLDER = Path(__file__).resolve().parent / "fixtures" / "upscale"
# (name, upscaler, (width, height) of the picture, of the result, other fields)
PICTURES = [
    ("own-factor", "x4", (9, 7), (36, 28), {}),
    ("smaller-than-the-factor", "x4", (13, 10), (32, 25), {}),
    ("two-passes", "trunk", (7, 5), (49, 37), {}),
    ("three-passes", "x2", (5, 4), (38, 30), {}),
    ("sides-that-are-no-multiple", "x2", (13, 9), (26, 18), {}),
    ("one-row", "x1", (9, 1), (18, 2), {}),
    ("only-cleaned", "x1", (14, 11), (14, 11), {}),
    ("back-to-its-size", "listed", (9, 7), (9, 7), {}),
    ("not-larger", "listed", (9, 7), (6, 5), {}),
    ("eightfold", "listed-x8", (6, 5), (48, 40), {}),
    ("compact", "compact", (11, 8), (44, 32), {}),
    ("two-upscalers", "x4", (9, 7), (36, 28), {"upscaler_2": "lanczos", "visibility_2": 0.35}),
    ("two-networks", "compact-x2", (9, 7), (18, 14), {"upscaler_2": "listed-x2", "visibility_2": 0.5}),
    ("nearest", "nearest", (9, 7), (20, 16), {}),
    ("cut", "x4", (9, 7), (36, 28), {"crop_width": 21, "crop_height": 28}),
]


def picture(name, width, height):
    """8-bit values [height, width, 3] with soft shapes."""
    noise = torch.rand(1, 3, 4, 4, generator=generator_for("upscale", name))
    soft = functional.interpolate(noise, size=(height, width), mode="bicubic", align_corners=False)
    return (soft.clamp(0, 1) * 255).round()[0].permute(1, 2, 0).contiguous()


def run_net(net, image):
    """A PIL picture, enlarged by the network's own factor."""
    x = torch.from_numpy(numpy.array(image)).float().permute(2, 0, 1).unsqueeze(0) / 255
    height, width = x.shape[2:]
    down, right = -height % net.unshuffle, -width % net.unshuffle
    # torch's reflection has to be smaller than the side; a side of 1 is repeated.
    x = functional.pad(x, (0, right, 0, 0), mode="reflect" if right < width else "replicate")
    x = functional.pad(x, (0, 0, 0, down), mode="reflect" if down < height else "replicate")
    y = net(x)[0, :, : height * net.factor, : width * net.factor].clamp(0, 1)
    return Image.fromarray((255.0 * y.permute(1, 2, 0).numpy()).round().astype(numpy.uint8))


def enlarge(nets, name, image, size):
    """By one upscaler to that size."""
    if name == "nearest":
        rows, columns = (numpy.arange(n) * old // n for n, old in zip(size[::-1], image.size[::-1]))
        return Image.fromarray(numpy.array(image)[rows][:, columns])
    same = image.size == size
    for turn in range(3 if name in nets else 0):
        if image.width >= size[0] and image.height >= size[1] and not (same and turn == 0):
            break
        before = image.size
        image = run_net(nets[name], image)
        if image.size == before:
            break
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def run_picture(nets, case, values):
    """The result of a case as 8-bit values."""
    image, size = Image.fromarray(values.numpy().astype(numpy.uint8)), (case["width"], case["height"])
    made = enlarge(nets, case["upscaler"], image, size)
    if "upscaler_2" in case:
        made = Image.blend(made, enlarge(nets, case["upscaler_2"], image, size), case["visibility_2"])
    if "crop_width" in case:
        left, top = (size[0] - case["crop_width"]) // 2, (size[1] - case["crop_height"]) // 2
        made = made.crop((left, top, left + case["crop_width"], top + case["crop_height"]))
    return torch.from_numpy(numpy.array(made)).float()


def main():
    """Writes the folder anew."""
    check_versions()
    start_empty(FOLDER)
    nets, cases, tensors = rounded_nets(), [], {}
    (FOLDER / "upscalers").mkdir()
    for name, net, rename, dtype in NETS:
        named = {rename(net, key): tensor.to(dtype).contiguous() for key, tensor in net.tensors.items()}
        safetensors.torch.save_file(named, FOLDER / "upscalers" / f"{name}.safetensors")
        x = torch.rand(1, 3, 8, 12, generator=generator_for("upscale", name, "x"))
        if net.factor > 4:
            x = x[:, :, :4, :6]
        tensors[f"net-{name}.x"] = x.contiguous()
        tensors[f"net-{name}.out"] = net(x).contiguous()
        cases.append({"name": f"net-{name}", "kind": "net", "upscaler": name, "x": f"net-{name}.x", "out": f"net-{name}.out"})
    for name, upscaler, size, result, fields in PICTURES:
        case = {"name": name, "kind": "enlarged", "upscaler": upscaler, "width": result[0], "height": result[1],
                "image": f"{name}.image", "out": f"{name}.out", **fields}
        tensors[case["image"]] = picture(name, *size)
        tensors[case["out"]] = run_picture(nets, case, tensors[case["image"]])
        cases.append(case)
    write_cases(FOLDER, SimpleNamespace(cases=cases), tensors)


if __name__ == "__main__":
    with torch.no_grad():
        main()
