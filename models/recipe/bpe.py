"""A byte-pair vocabulary in the format of CLIP's tokenizer, made from counted words.  No libraries.

Identifiers 0..255 are the bytes, 256..511 the bytes at a word's end, then come the merges, then the two marks.
"""

import json

START, END = "<|startoftext|>", "<|endoftext|>"


def byte_letters():
    """CLIP's letter for each byte, in CLIP's order: what is printable in Latin-1 first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(printable))
    return letters


def split(word, letters):
    """A word as its bytes' letters, the last one marked."""
    symbols = [letters[byte] for byte in word.encode()]
    return [*symbols[:-1], symbols[-1] + "</w>"]


def make_merges(counts, most):
    """The most frequent pair again and again; of equals the first in order, so that it is always the same."""
    letters = byte_letters()
    words = [(split(word, letters), count) for word, count in sorted(counts.items())]
    pairs, where = {}, {}
    for number, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] = pairs.get(pair, 0) + count
            where.setdefault(pair, set()).add(number)
    merges = []
    while len(merges) < most and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for number in where.pop(best):
            symbols, count = words[number]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] = pairs.get(pair, 0) - count
            merge(symbols, best)
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
                where.setdefault(pair, set()).add(number)
        pairs = {pair: count for pair, count in pairs.items() if count > 0} if len(merges) % 50 == 0 else pairs
        pairs.pop(best, None)
    return merges


def merge(symbols, pair):
    """Joins a pair wherever it occurs, in place."""
    place = 0
    while place < len(symbols) - 1:
        if (symbols[place], symbols[place + 1]) == pair:
            symbols[place:place + 2] = [pair[0] + pair[1]]
        place += 1


def write_tokenizer(folder, merges, longest):
    """vocab.json, merges.txt and the two configs, as CLIPTokenizer reads them."""
    letters = list(byte_letters().values())
    names = [*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges), START, END]
    vocabulary = {}
    for name in names:
        vocabulary.setdefault(name, len(vocabulary))
    mark = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    marks = {"bos_token": {"content": START, **mark}, "eos_token": {"content": END, **mark}, "pad_token": END,
             "unk_token": {"content": END, **mark}}
    special = {str(vocabulary[name]): {"content": name, **mark, "special": True} for name in (START, END)}
    config = {
        "added_tokens_decoder": special,
        "bos_token": START, "clean_up_tokenization_spaces": False, "do_lower_case": True, "eos_token": END,
        "errors": "replace", "model_max_length": longest, "pad_token": END, "tokenizer_class": "CLIPTokenizer",
        "unk_token": END,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, content in (("special_tokens_map.json", marks), ("tokenizer_config.json", config)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
