#!/usr/bin/env python3
"""Writes fixtures/quantized.bin: random blocks of every quantized format, and what ggml's Python package makes of them.

    pip install gguf==0.19.0 && python3 tests/engine/kernels/make_quantized_fixture.py

For each format, in the order of engine/tensor/dtype.def: 3 blocks, then their values as f32.
"""
from pathlib import Path

import gguf
import numpy

FORMATS = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K")
SCALES = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
BLOCKS = 3


def main():
    draw = numpy.random.default_rng(7)
    out = bytearray()
    for name in FORMATS:
        kind = gguf.GGMLQuantizationType[name]
        blocks = draw.integers(0, 256, (BLOCKS, gguf.GGML_QUANT_SIZES[kind][1]), dtype=numpy.uint8)
        for at in SCALES.get(name, (0,)):
            blocks[:, at : at + 2] = draw.normal(0, 0.1, (BLOCKS, 1)).astype(numpy.float16).view(numpy.uint8)
        out += blocks.tobytes()
        out += gguf.quants.dequantize(blocks, kind).astype("<f4").tobytes()
    (Path(__file__).parent / "fixtures").mkdir(exist_ok=True)
    (Path(__file__).parent / "fixtures" / "quantized.bin").write_bytes(bytes(out))


if __name__ == "__main__":
    main()
