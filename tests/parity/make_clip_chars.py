#!/usr/bin/env python3
"""Prints engine/tokenizer/clip_chars.def: where the reference tokenizer's Unicode differs from libutf8proc's.

Made with tokenizers 0.23.3 (the reference), unicodedata2 18.0.0 (all that any libutf8proc may know by now) and
Python 3.11, whose own unicodedata is of Unicode 14, as is the oldest libutf8proc in use, 2.8.

    python3 tests/parity/make_clip_chars.py > engine/tokenizer/clip_chars.def
"""
import unicodedata

import unicodedata2
from tokenizers import Regex, normalizers, pre_tokenizers

HEAD = """\
/* Where the reference's Unicode (see clip_chars.h) and libutf8proc's differ.  Made by
 * tests/parity/make_clip_chars.py.  LETTERS, NUMBERS, CASES (to the lower case of the first): of Unicode 15 to
 * 17, as far as the reference knows them.  LATER: marks and composed characters of Unicode 10 to 18, which the
 * reference's NFC does not know. */
"""

nfc = normalizers.NFC().normalize_str
nfd = normalizers.NFD().normalize_str
lower = normalizers.Lowercase().normalize_str
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def members(pattern):
    """The code points that a class of the reference's regular expressions matches."""
    text = "".join(map(chr, ALL))
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    return {ord(c) for piece, _ in split.pre_tokenize_str(text) for c in piece}


def is_new(c):
    return unicodedata.category(chr(c)) == "Cn"


def ranges(code_points):
    out = []
    for c in sorted(code_points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def case_ranges():
    out = []
    for c in ALL:
        to = lower(chr(c))
        if not is_new(c) and to != chr(c).lower():
            raise SystemExit(f"U+{c:04X}: a lower case that changed")
        if to == chr(c) or not is_new(c):
            continue
        if out and out[-1][1] == c - 1 and ord(to) - out[-1][2] == c - out[-1][0]:
            out[-1][1] = c
        else:
            out.append([c, c, ord(to)])
    return out


def known_mark(c):
    """Whether the reference reorders the code point against a lower class (1) or a higher one (240)."""
    return nfc("q" + chr(c) + "\u0334") != "q" + chr(c) + "\u0334" or \
        nfc("q\u0345" + chr(c)) != "q\u0345" + chr(c)


def later():
    out = {c for c in ALL if unicodedata2.combining(chr(c)) and not known_mark(c)}
    for c in ALL:
        parts = unicodedata2.decomposition(chr(c))
        if parts and not parts.startswith("<") and nfd(chr(c)) == chr(c):
            out.add(c)
            out.update(p for p in (int(x, 16) for x in parts.split()) if not known_mark(p))
    return ranges(out)


def table(name, rows):
    body = "".join(f"{name}({', '.join(f'0x{v:X}' for v in row)})\n" for row in rows)
    return f"#ifdef {name}\n{body}#endif\n"


print(HEAD + table("LETTERS", ranges(c for c in members(r"\p{L}+") if is_new(c)))
      + table("NUMBERS", ranges(c for c in members(r"\p{N}+") if is_new(c)))
      + table("CASES", case_ranges()) + table("LATER", later()), end="")
