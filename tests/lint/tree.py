"""The files of the checkout."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOT_OURS = ('.git', '.venv', '__pycache__', 'shared')


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders
                      if name not in NOT_OURS and not (folder == root and name.startswith('build'))]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def paths(root=ROOT):
    """Every file of the tree, relative to its root: what git knows or would add, and without git what is there."""
    command = ['git', '-c', 'safe.directory=' + root, '-C', root, 'ls-files', '-z', '--cached', '--others',
               '--exclude-standard']
    found = None
    if os.path.exists(os.path.join(root, '.git')):
        try:
            found = subprocess.run(command, check=True, capture_output=True).stdout.decode().split('\0')
        except (OSError, subprocess.CalledProcessError):
            found = None
    if found is None:
        found = walk(root)
    return sorted({path for path in found if path and os.path.isfile(os.path.join(root, path))})


def sources(*endings):
    return [path for path in paths() if path.endswith(endings)]


def is_shell_script(path):
    if path.endswith('.sh'):
        return True
    with open(os.path.join(ROOT, path), 'rb') as file:
        line = file.readline(80)
    return line.startswith(b'#!') and (b'bash' in line or b'/sh' in line)


def is_text(path):
    with open(os.path.join(ROOT, path), 'rb') as file:
        return b'\0' not in file.read(8192)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()
