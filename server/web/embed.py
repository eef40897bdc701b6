#!/usr/bin/env python3
"""embed.py OUTPUT FILE...  Writes C source that holds the files' bytes: the table behind web_files.h."""

import hashlib
import os
import sys

TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
}
BYTES_A_LINE = 24


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def array(number, data):
    lines = (data[at:at + BYTES_A_LINE] for at in range(0, len(data), BYTES_A_LINE))
    body = '\n'.join('    ' + ''.join(f'{byte},' for byte in line) for line in lines)
    return f'static const uint8_t file_{number}[] = {{\n{body}\n}};\n'


def row(number, path, data):
    name = os.path.basename(path)
    kind = TYPES[os.path.splitext(name)[1]]
    etag = hashlib.sha256(data).hexdigest()[:32]
    return f'    {{"{name}", "{kind}", "{etag}", file_{number}, sizeof file_{number}}},\n'


def source(paths):
    files = [(path, read(path)) for path in sorted(paths, key=os.path.basename)]
    arrays = '\n'.join(array(number, data) for number, (_, data) in enumerate(files))
    rows = ''.join(row(number, path, data) for number, (path, data) in enumerate(files))
    return (f'/* Made by embed.py. */\n#include "web/web_files.h"\n\n#include <string.h>\n\n{arrays}\n'
            f'static const struct web_file files[] = {{\n{rows}}};\n\n'
            'const struct web_file *web_file_find(const char *name)\n{\n'
            '    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)\n'
            '        if (strcmp(files[i].name, name) == 0)\n            return &files[i];\n'
            '    return NULL;\n}\n')


if __name__ == '__main__':
    with open(sys.argv[1], 'w', encoding='ascii') as out:
        out.write(source(sys.argv[2:]))
