#!/usr/bin/env python3
"""Writes the fixtures of tests/engine/tokenizer/test_clip_tokenizer.c: 10,000 texts with the reference's ids.

Made with transformers 5.23.0, tokenizers 0.23.3 and Python 3.11 (whose unicodedata is of Unicode 14).

    python3 tests/parity/make_token_fixtures.py

Writes, under tests/engine/tokenizer/fixtures, sd2/ (a small tokenizer in the form of Stable Diffusion 2: padded
with "!", its special tokens in special_tokens_map.json, without the symbols of "~", so that there are unknown
tokens) and clip_tokens.bin:

    "LTDTOK1\\n", uint32 texts, uint32 texts with ids in full (these come first)
    each text: uint32 size, its UTF-8; then for models/default/tokenizer and for sd2: uint32 number of tokens
    without the marks, and the 77 ids as uint16 each, or the FNV-1a hash (64 bits) of those bytes

All integers are little-endian.  Any code point may occur, with one exception by rule: a code point that Unicode
14 leaves unassigned occurs only if the reference takes it for a letter or a number, or if it will never be
assigned (noncharacters) or lies in the empty planes 4 to 13.  What the others are depends on the age of
libutf8proc.  Surrogates are not text.
"""
import json
import random
import struct
import unicodedata
from pathlib import Path

from tokenizers import Regex, pre_tokenizers
from transformers import CLIPTokenizer
from transformers.utils import logging

TEXTS, FULL, LENGTH, SHORT = 10_000, 500, 77, 32
ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "models/default/tokenizer"
OUT = ROOT / "tests/engine/tokenizer/fixtures"
rng = random.Random(20261123)


def reference_members(pattern):
    text = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    return {c for piece, _ in split.pre_tokenize_str(text) for c in piece}


KNOWN = reference_members(r"[\p{L}\p{N}]+")


def allowed(c):
    return (unicodedata.category(chr(c)) != "Cn" or chr(c) in KNOWN or c & 0xFFFE == 0xFFFE
            or 0xFDD0 <= c <= 0xFDEF or 0x40000 <= c < 0xE0000)


ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and allowed(c)]
MARKS = [c for c in ALL if unicodedata.combining(c)]
CASED = [c for c in ALL if c.lower() != c]
NUMBERS = [c for c in ALL if unicodedata.category(c)[0] == "N"]
COMPOSED = [c for c in ALL if unicodedata.normalize("NFD", c) != c]
TITLE = [c for c in ALL if unicodedata.category(c) == "Lt"]
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
                           0x202F, 0x205F, 0x3000)]
NEAR_SPACES = ["\u180e", "\u200b", "\u2060", "\ufeff", "\x1c", "\x1d", "\x1e", "\x1f", "\0"]
WORDS = ("a an the photo of painting portrait landscape cat dog astronaut riding horse castle sunset, trending on "
         "artstation 8k uhd detailed masterpiece (best quality:1.2) [blurry] red car; blue sky... oil-on-canvas "
         "by greg rutkowski cinematic_lighting <lora:x:0.8> d\u00e9j\u00e0 vu na\u00efve caf\u00e9 50% $100 #1 "
         "@home C++ 3.14 x^2 a&b \"quoted\" {curly} ~tilde~ `tick` !!! ?! \u2026 \u2014 it's").split()
CONTRACTIONS = [a + b for a in ("'", "\u2019", "\u2018", "`", "''", "!'") for b in
                ("s", "S", "t", "T", "re", "RE", "Re", "ve", "vE", "m", "M", "ll", "LL", "lL", "d", "D", "x", "r", "l")]
SPECIALS = ["<|startoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>", "<|EndOfText|>", "<|endoftext|", "<|", "|>",
            "<|startoftext|>>", "!<|endoftext|>", "<|end\u043eftext|>", "!", "!!", "<|endofte\u0445t|>", "endoftext"]
EMOJI = ["\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\u2764\ufe0f",
         "\U0001f1e9\U0001f1ea", "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f9d1\U0001f3ff\u200d\U0001f680", "1\ufe0f\u20e3"]
ODD = ["\u0130", "\u0131", "\u00df", "\u1e9e", "\u03a3", "\u03c2", "\u1fb3", "\u1f88", "\ufb01", "\u2126", "\u212b",
       "\u212a", "\u0149", "\u01c5", "\u2160", "\u24b6", "\u3392", "\u11a7", "\uac00\u11a7", "\uac00\u11a8", "\u0344",
       "\u0958", "\u1100\u1161\u11a8", "\ue000", "\U000f0000", "\ufffd", "\uffff", "\ufdd0", "\U0010ffff"]
SCRIPTS = [(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x400), (0x400, 0x530), (0x530, 0x590), (0x590, 0x600),
           (0x600, 0x700), (0x900, 0x980), (0x980, 0xA00), (0xB80, 0xC00), (0xE00, 0xE80), (0xF00, 0x1000),
           (0x10A0, 0x1100), (0x1200, 0x1380), (0x13A0, 0x1400), (0x1780, 0x1800), (0x1E00, 0x2000),
           (0x2000, 0x2100), (0x2100, 0x2200), (0x2C80, 0x2D00), (0x3040, 0x3100), (0x4E00, 0x9FFF),
           (0xA640, 0xA7CB), (0xAB70, 0xABC0), (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0xFB00, 0xFE00),
           (0xFF00, 0xFFF0), (0x10400, 0x10450), (0x1D400, 0x1D800), (0x1F300, 0x1F700), (0x20000, 0x2A6DE)]
BY_SCRIPT = [[c for c in ALL if low <= ord(c) < high] for low, high in SCRIPTS]


def join(parts, low, high, glue=("", " ")):
    return "".join(rng.choice(parts) + rng.choice(glue) for _ in range(rng.randint(low, high)))


def script():
    return join(rng.choice(BY_SCRIPT), 1, 14, ("", "", "", " "))


def mixed():
    return join([rng.choice(WORDS), rng.choice(ODD), rng.choice(EMOJI), script(), rng.choice(SPECIALS),
                 rng.choice(SPACES), rng.choice(CONTRACTIONS), rng.choice(MARKS)], 2, 12)


KINDS = [
    lambda: join(WORDS, 1, 14, (" ", " ", ", ")),
    lambda: join(WORDS, 3, 9, (" ", "")).title(),
    script,
    lambda: join([rng.choice(BY_SCRIPT[1] + BY_SCRIPT[2] + BY_SCRIPT[6] + BY_SCRIPT[7])] + rng.sample(MARKS, 5), 2, 12, ("",)),
    lambda: join([chr(rng.randrange(0x1100, 0x1200)), chr(rng.randrange(0xAC00, 0xD7A4)), "\u1100", "\u1161", "\u11a8"], 1, 9),
    lambda: join(COMPOSED + MARKS, 1, 8),
    lambda: join(CASED + TITLE, 1, 10),
    lambda: join(NUMBERS + list("0123456789"), 1, 10),
    lambda: join([rng.choice(WORDS), rng.choice(SPACES), rng.choice(SPACES) * 3, rng.choice(NEAR_SPACES)], 1, 12, ("",)),
    lambda: join(CONTRACTIONS + ["I", "we", "don", "\u00e9"], 1, 8, ("", "", " ")),
    lambda: join(SPECIALS + WORDS[:9], 1, 7, ("", " ")),
    lambda: join(EMOJI + WORDS[:9], 1, 8),
    lambda: join(ODD + ["a", "B"], 1, 10),
    lambda: join([chr(c) for c in range(0x21)] + ["\x7f", "\x80", "\x9f", "a", "'s"], 1, 12, ("",)),
    lambda: join(ALL, 1, 12),
    mixed,
]
FIXED = ["", " ", "  \t\n", "\u3000", "!", "~", "~~ ~", "\u0130stanbul", "STRASSE \u00df", "\u039f\u0394\u039f\u03a3",
         "a" * 3000, "ab" * 1500, "!" * 2000, "'s" * 500, "<|endoftext|>" * 200, "e\u0301" * 700,
         "a" + "\u0301\u0316" * 800, "\u4e2d\u6587" * 400, " ".join(WORDS * 12), "1" * 400, "\ufdfa" * 60]


def texts():
    out = list(FIXED)
    covered = sorted(set(CASED + TITLE + COMPOSED[:1200] + MARKS + NUMBERS))
    out += [" ".join(covered[i:i + 12]) for i in range(0, len(covered), 12)]
    while len(out) < TEXTS:
        out.append(KINDS[len(out) % len(KINDS)]())
    rng.shuffle(out)
    return out


def make_sd2():
    folder = OUT / "sd2"
    folder.mkdir(parents=True, exist_ok=True)
    symbols = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - {"~"})
    names = symbols + [s + "</w>" for s in symbols]
    merges = []
    for line in (DEFAULT / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]:
        left, right = line.split(" ")
        if len(merges) < 300 and left in names and right in names:
            merges.append(line)
            names.append(left + right)
    names += ["<|startoftext|>", "<|endoftext|>"]
    assert names[0] == "!"
    mark = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    bos, eos = {"content": names[-2], **mark}, {"content": names[-1], **mark}
    files = {
        "vocab.json": {name: i for i, name in enumerate(names)},
        "tokenizer_config.json": {"bos_token": {"__type": "AddedToken", **bos}, "do_lower_case": True,
                                  "eos_token": {"__type": "AddedToken", **eos}, "model_max_length": 77,
                                  "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer",
                                  "unk_token": {"__type": "AddedToken", **eos}},
        "special_tokens_map.json": {"bos_token": bos, "eos_token": eos, "pad_token": "!", "unk_token": eos},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    return folder


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def encode(tokenizer, all_texts):
    """(number of tokens, LENGTH ids) of each text; the ids at SHORT follow from these, which is checked."""
    out = []
    full = tokenizer(all_texts).input_ids
    cut = {n: tokenizer(all_texts, max_length=n, padding="max_length", truncation=True).input_ids
           for n in (LENGTH, SHORT)}
    for whole, ids, short in zip(full, cut[LENGTH], cut[SHORT]):
        want = [whole[0]] + whole[1:-1][:SHORT - 2] + [whole[-1]]
        assert short == want + [tokenizer.pad_token_id] * (SHORT - len(want))
        out.append((len(whole) - 2, ids))
    return out


def main():
    logging.set_verbosity_error()
    tokenizers = [CLIPTokenizer.from_pretrained(str(folder)) for folder in (DEFAULT, make_sd2())]
    all_texts = texts()
    encoded = [encode(tokenizer, all_texts) for tokenizer in tokenizers]
    out = [b"LTDTOK1\n", struct.pack("<II", len(all_texts), FULL)]
    for i, text in enumerate(all_texts):
        data = text.encode("utf-8")
        out.append(struct.pack("<I", len(data)) + data)
        for results in encoded:
            total, ids = results[i]
            packed = struct.pack(f"<{LENGTH}H", *ids)
            out.append(struct.pack("<I", total) + (packed if i < FULL else struct.pack("<Q", fnv(packed))))
    (OUT / "clip_tokens.bin").write_bytes(b"".join(out))


main()
