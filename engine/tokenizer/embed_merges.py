#!/usr/bin/env python3
"""embed_merges.py OUTPUT FILE  Writes C source that holds the file's bytes: what clip_words.h declares."""

import sys

BYTES_A_LINE = 32

with open(sys.argv[2], 'rb') as file:
    data = file.read()
lines = (data[at:at + BYTES_A_LINE] for at in range(0, len(data), BYTES_A_LINE))
with open(sys.argv[1], 'w', encoding='ascii') as out:
    out.write('/* Made by embed_merges.py. */\n#include "tokenizer/clip_words.h"\n\n'
              'const unsigned char clip_merges[] = {\n')
    out.writelines(''.join(f'{byte},' for byte in line) + '\n' for line in lines)
    out.write('};\nconst size_t clip_merges_size = sizeof clip_merges;\n')
