#!/usr/bin/env python3
"""The tables in docs/ that are made from tables in server/api/.  As a program: writes them anew."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARGUMENT = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"()]*)\s*(?:,|$)')


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def rows(text):
    """The arguments of each row NAME(...) of a .def file, strings without their quotes."""
    found = []
    for line in text.split('\n'):
        inside = re.fullmatch(r'[A-Z_]+\((.*)\)', line)
        if inside:
            arguments = [match.group(1).strip() for match in ARGUMENT.finditer(inside.group(1))]
            if arguments and not arguments[-1]:
                arguments.pop()
            found.append([word[1:-1].replace('\\"', '"') if word.startswith('"') else word for word in arguments])
    return found


def openai_fields(text):
    lines = ['| field | in | | values | what it does, or why it does nothing |', '|---|---|---|---|---|']
    for _, name, also, routes, shape, low, high, words, native, fate, about in rows(text):
        names = ', '.join(f'`{one}`' for one in [name, *also.split()])
        values = ''
        if words and shape == 'WORD' and not words.startswith('OPENAI_'):
            values = ', '.join(words.split())
        elif int(high) > 0:
            values = f'{low} to {high}'
        lines.append(f"| {names} | {routes.replace(' | ', ' ')} | {fate.lower()} | {values} | {about} |")
    return lines


def openai_qualities(text):
    return ['| quality | steps |', '|---|---|', *(f'| {name} | {percent} % |' for name, percent in rows(text))]


# A document; and the table that stands in it between "<!-- FILE -->" and "<!-- end -->".
TABLES = (('docs/openai.md', 'openai_fields.def', openai_fields), ('docs/openai.md', 'openai_qualities.def', openai_qualities))


def renewed(document, name, lines):
    """The document with that table in its place; None when it has no place."""
    parts = re.split(f'(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)', document, maxsplit=1, flags=re.DOTALL)
    return None if len(parts) != 4 else parts[0] + parts[1] + '\n'.join(lines) + '\n' + parts[2] + parts[3]


def stale():
    """What is wrong with the documents."""
    wrong = []
    for path, name, make in TABLES:
        document = read(path)
        if renewed(document, name, make(read('server/api/' + name))) != document:
            wrong.append(f'{path}: not as {name} has it; tests/lint/field_tables.py writes it anew')
    return wrong


def main():
    for path, name, make in TABLES:
        document = renewed(read(path), name, make(read('server/api/' + name)))
        with open(os.path.join(ROOT, path), 'w', encoding='utf-8') as file:
            file.write(document)


if __name__ == '__main__':
    sys.exit(main())
