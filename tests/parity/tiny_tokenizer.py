"""A CLIP tokenizer folder with a small vocabulary: byte symbols, a few merges, the two marks last."""

import json
from pathlib import Path

START = "<|startoftext|>"
END = "<|endoftext|>"

# What the merges are learnt from; prompts in the cases use some of these words and some others.
CORPUS = """a painting of a red fox in the snow , a photo of a small boat at night , the old house on the hill
by the river , blue and green glass , highly detailed , oil on canvas , portrait of a cat with a hat , ugly blurry
low quality , mountain lake at sunrise , the quick brown fox jumps over the lazy dog , it's a robot
that's walking""".split()


def byte_symbols():
    """The 256 printable characters that stand for bytes in a byte-level vocabulary, in vocabulary order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(others))]


def merge_word(word, pair):
    """Joins each occurrence of pair in a tuple of symbols, from the left."""
    merged, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def learn_merges(count):
    """Byte pair encoding of CORPUS: the `count` most frequent pairs, ties in alphabetical order."""
    words = [tuple(word[:-1]) + (word[-1] + "</w>",) for word in CORPUS]
    merges = []
    while len(merges) < count:
        tally = {}
        for word in words:
            for pair in zip(word, word[1:]):
                tally[pair] = tally.get(pair, 0) + 1
        if not tally:
            break
        best = min(tally, key=lambda pair: (-tally[pair], pair))
        merges.append(best)
        words = [merge_word(word, best) for word in words]
    return merges


def vocabulary(merges):
    """Symbol -> id: bytes, bytes that end a word, merges, start mark, end mark."""
    symbols = byte_symbols()
    tokens = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(pair) for pair in merges] + [START, END]
    return {token: i for i, token in enumerate(tokens)}


def write_tokenizer(folder, merge_count, max_length, pad=END):
    """Writes the tokenizer's four files; returns the number of tokens."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    merges = learn_merges(merge_count)
    vocab = vocabulary(merges)
    lines = ["#version: 0.2"] + [" ".join(pair) for pair in merges]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    marks = {"bos_token": START, "eos_token": END, "pad_token": pad, "unk_token": END}
    (folder / "special_tokens_map.json").write_text(json.dumps(marks, indent=2) + "\n")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": max_length, "do_lower_case": True, **marks}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return len(vocab)
