"""The checks that ask another program: compilers, formatters, linters, and latentd itself."""

import json
import os
import re
import shlex
import shutil
import subprocess

FORMAT_VERSION = '14'


def run(command, cwd, stdin=None, env=None):
    """Exit status and all of the output."""
    done = subprocess.run(command, cwd=cwd, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=env, check=False)
    return done.returncode, done.stdout


def tail(output, lines=30):
    return output.rstrip('\n').split('\n')[-lines:]


def compile_flags(build):
    """The warnings and the language that meson chose for a file of the engine."""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        commands = [entry['command'] for entry in json.load(file) if '/engine/' in os.path.abspath(
            os.path.join(entry['directory'], entry['file']))]
    return [word for word in shlex.split(commands[0])
            if re.match(r'-(W(?!l,)|std=|D|f(?!ortify))', word) and not word.startswith('-D_FORTIFY')]


def include_folders(header):
    """What a file that includes this header may see."""
    side = header.split('/')[0]
    if side == 'include':
        return ['include']
    if side == 'tests':
        return ['include', 'engine', 'server', '.', 'tests/support', os.path.dirname(header)]
    return ['include', side]


def header_alone(compiler, flags, header, root):
    """A header must compile with nothing before it."""
    side = header.split('/')[0]
    name = header if side == 'tests' else header[len(side) + 1:]
    quoted = f'<{name}>' if side == 'include' else f'"{name}"'
    command = [compiler, *flags, '-Werror', '-fsyntax-only']
    command += ['-I' + folder for folder in include_folders(header)]
    status, output = run([*command, '-x', 'c', '-'], root, f'#include {quoted}\ntypedef int not_empty;\n')
    return [f'{header} does not compile alone with {compiler}:', *tail(output, 8)] if status != 0 else []


def format_tool():
    """(program, None) when clang-format is of the version that the tree is laid out by, else (None, why not)."""
    for name in ('clang-format-' + FORMAT_VERSION, 'clang-format'):
        program = shutil.which(name)
        if program:
            version = re.search(r'version (\d+)', run([program, '--version'], None)[1])
            if version and version[1] == FORMAT_VERSION:
                return program, None
    return None, f'clang-format {FORMAT_VERSION} lays out this tree; another version, or none, is installed'


def badly_formatted(program, files, root):
    status, output = run([program, '--dry-run', '-Werror', *files], root) if files else (0, '')
    lines = [line for line in output.split('\n') if 'error:' in line]
    return (lines or tail(output)) if status != 0 else []


def stale_config(program, path, root):
    """The configuration file must be what the program prints from its table of options."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('LATENTD_')}
    try:
        printed = run([program, '--print-default-config'], root, env=environment)
        with open(os.path.join(root, path), encoding='utf-8') as file:
            kept = file.read()
    except OSError as error:
        return [str(error)]
    if printed[0] != 0:
        return tail(printed[1])
    return [f'stale: latentd --print-default-config > {path}'] if printed[1] != kept else []


def shell_problems(files, root):
    status, output = run(['shellcheck', '-x', '--format=gcc', *files], root) if files else (0, '')
    return tail(output) if status != 0 else []


def python_problems(python, files, root):
    status, output = run([python, '-m', 'pyflakes', *files], root) if files else (0, '')
    return tail(output) if status != 0 else []


def clang_build(folder, root):
    """Builds everything with clang, warnings being errors."""
    env = dict(os.environ, CC='clang')
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        status, output = run(['meson', 'setup', folder, root, '-Dwerror=true'], root, env=env)
        if status != 0:
            return tail(output)
    status, output = run(['ninja', '-C', folder], root)
    return tail(output) if status != 0 else []
