#!/usr/bin/env python3
"""Writes fixtures/json/tokenizer.json: what transformers saves of the tokenizer of the parity fixture sd15.

    .venv/reference/bin/python tests/engine/tokenizer/make_json_fixture.py
"""

import tempfile
from pathlib import Path

from transformers import CLIPTokenizer

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "parity" / "fixtures" / "sd15" / "model" / "tokenizer"


def main():
    target = HERE / "fixtures" / "json"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        CLIPTokenizer.from_pretrained(str(SOURCE)).save_pretrained(folder)
        (target / "tokenizer.json").write_bytes((Path(folder) / "tokenizer.json").read_bytes())


if __name__ == "__main__":
    main()
