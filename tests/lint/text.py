"""What no text file of the tree may hold, and how long sources may be."""

import re

FORBIDDEN = (
    (re.compile(r'\b(TODO|FIXME|XXX|HACK)\b'), 'an unfinished note'),
    (re.compile(r'[ \t]+$'), 'trailing whitespace'),
    (re.compile(r'\r'), 'a carriage return'),
    (re.compile(r'(?<![\w.${}])/(home|root|work|Users)/'), 'a path of one machine'),
    (re.compile(r'\bchatgpt\b|\bcopilot\b|\bclaude\b|\banthropic\b|\bllms?\b|\bas an ai\b'
                r'|co-authored-by|\bai[- ](generated|assisted|agent)', re.IGNORECASE), 'a word of the tool, not of the work'),
)
# An empty line with a blank in a patch or a fixture is data.
DATA = re.compile(r'^models/default/(?!README.md$)|\.(json|txt|bin|b64)$|^tests/.*/(fixtures|corpora|corpus)/(?!.*\.(py|c|h|md|sh)$)')
# These must be able to spell what they forbid.
SPELLS_IT = re.compile(r'^tests/lint/(text|test_lint)\.py$')

MAX_FILE, LONG_FILE = 800, 500
MAX_FUNCTION, LONG_FUNCTION = 120, 80


def is_data(path):
    return bool(DATA.search(path))


def check(path, text):
    """The problems of one text file."""
    found = []
    for number, line in enumerate(text.split('\n'), 1):
        for pattern, what in FORBIDDEN:
            if pattern.search(line) and not SPELLS_IT.search(path):
                found.append(f'{path}:{number}: {what}')
        if line.startswith('\t') and path.endswith(('.c', '.h', '.def', '.py')):
            found.append(f'{path}:{number}: a tab')
    if text and not text.endswith('\n'):
        found.append(f'{path}: no newline at its end')
    if text.endswith('\n\n'):
        found.append(f'{path}: an empty line at its end')
    return found


def functions(text):
    """Name, first line and length of each function, in a file laid out by clang-format: its braces stand alone in the
    first column."""
    lines = text.split('\n')
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            head = start - 1
            while head > 1 and lines[head - 2].strip() and not lines[head - 2].endswith((';', '}', '*/')) \
                    and not lines[head - 2].startswith('#'):
                head -= 1
            yield lines[head - 1].strip(), head, number - start - 1
            start = None


def lengths(path, text):
    """Two lists: what is too long, and what is long."""
    wrong, long = [], []
    lines = text.count('\n')
    if lines > MAX_FILE:
        wrong.append(f'{path}: {lines} lines, more than {MAX_FILE}')
    elif lines > LONG_FILE:
        long.append(f'{path}: {lines} lines')
    if path.endswith(('.c', '.h')):
        for head, number, length in functions(text):
            if length > MAX_FUNCTION:
                wrong.append(f'{path}:{number}: {length} lines, more than {MAX_FUNCTION}: {head}')
            elif length > LONG_FUNCTION:
                long.append(f'{path}:{number}: {length} lines: {head}')
    return wrong, long


def same_names(paths):
    """Sources that share a file name: a name alone must tell which file is meant."""
    seen = {}
    for path in paths:
        seen.setdefault(path.rpartition('/')[2], []).append(path)
    return [' and '.join(same) + ' have the same name' for same in seen.values() if len(same) > 1]
