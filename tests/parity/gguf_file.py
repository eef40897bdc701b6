"""Makes of a diffusers folder of Stable Diffusion 1 a GGUF file with the names of its first publication (CompVis), and puts
what the file's numbers stand for into the folder, as f32, so that both say the same.

    gguf_file.py MODEL FILE.gguf        needs requirements-gguf.txt beside the others

Convolutions are f16 and bf16 and norms and biases f32; matrices take every quantized format in turn.  ggml's Python package
makes the simpler formats and reads all of them; what it cannot make (the K-quants) is drawn at random, as the weights are.
"""

import struct
import sys
from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import single_file  # noqa: E402

SIMPLE = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
# By format: the bytes of the scale, and of the minimum's, which takes the mean value away.
K_QUANTS = {"Q2_K": (80, 82, 1.5), "Q3_K": (108, None, 0), "Q4_K": (0, 2, 7.5), "Q5_K": (0, 2, 15.5), "Q6_K": (208, None, 0)}
ALIGNMENT = 32


def places(model):
    """(the part's file, its tensor's name, the name in one file)"""
    parts = (("unet", "model.diffusion_model.", single_file.unet_name), ("vae", "first_stage_model.", single_file.vae_name))
    for part, prefix, rename in parts:
        config = single_file.json.loads((model / part / "config.json").read_text())
        path = model / part / "diffusion_pytorch_model.safetensors"
        for name in load_file(path):
            yield path, name, prefix + rename(name, config)
    path = model / "text_encoder" / "model.safetensors"
    for name in load_file(path):
        yield path, name, "cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")


def draw_blocks(kind, values, draw):
    """Random blocks whose values spread as these do."""
    scale, least, mean = K_QUANTS[kind.name]
    size = gguf.GGML_QUANT_SIZES[kind][1]
    blocks = draw.integers(0, 256, (values.size // 256, size), dtype=numpy.uint8)

    def put(at, number):
        if at is not None:
            blocks[:, at : at + 2] = numpy.float16(number).reshape(1).view(numpy.uint8)

    put(scale, 0.01)
    put(least, 0.01 * mean)
    spread = 0.01 * values.std() / gguf.quants.dequantize(blocks, kind).std()
    put(scale, spread)
    put(least, spread * mean)
    return blocks.reshape(*values.shape[:-1], -1)


class Formats:
    """Which format each tensor takes, in turn."""

    def __init__(self):
        self.turns = {}

    def choose(self, tensor):
        if tensor.ndim == 1:
            return "F32"
        names = ("F16", "BF16")
        if tensor.ndim == 2:
            names = tuple(K_QUANTS) if tensor.shape[1] % 256 == 0 else SIMPLE if tensor.shape[1] % 32 == 0 else names
        turn = self.turns.get(names, 0)
        self.turns[names] = turn + 1
        return names[turn % len(names)]


def encode(name, tensor, draw):
    """(the bytes, what they stand for)"""
    kind = gguf.GGMLQuantizationType[name]
    values = tensor.float().numpy()
    if name in K_QUANTS:
        data = draw_blocks(kind, values, draw)
    else:
        data = gguf.quants.quantize(values, kind)
    return data.tobytes(), torch.from_numpy(gguf.quants.dequantize(data, kind).reshape(values.shape).astype("<f4").copy())


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def write_gguf(path, tensors):
    """tensors: [(name, shape, type, bytes)]"""
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + text("general.architecture")
    header += struct.pack("<I", 8) + text("sd1")
    data = bytearray()
    for name, shape, kind, encoded in tensors:
        header += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        header += struct.pack("<IQ", kind, len(data))
        data += encoded + bytes(-len(encoded) % ALIGNMENT)
    path.write_bytes(header + bytes(-len(header) % ALIGNMENT) + data)


def main():
    model, file = Path(sys.argv[1]), Path(sys.argv[2])
    draw, formats, written, parts = numpy.random.default_rng(11), Formats(), [], {}
    for path, old, new in places(model):
        tensor = single_file.shaped(new, parts.setdefault(path, load_file(path))[old])
        name = formats.choose(tensor)
        encoded, values = encode(name, tensor, draw)
        written.append((new, tuple(tensor.shape), gguf.GGMLQuantizationType[name].value, encoded))
        parts[path][old] = values.reshape(parts[path][old].shape)
    for path, tensors in parts.items():
        save_file(tensors, path, {"format": "pt"})
    write_gguf(file, written)


if __name__ == "__main__":
    main()
