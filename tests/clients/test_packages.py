"""The clients that this suite brings along are those that it names: a test of the real ones would prove nothing else."""

import importlib.metadata
import json
import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "e2e"))
from daemon import ROOT, equal, main  # noqa: E402


def test_python_packages_are_the_named_ones():
    with open(os.path.join(FOLDER, "requirements.txt"), encoding="utf-8") as file:
        for line in file:
            name, _, version = line.strip().partition("==")
            if version:
                equal(importlib.metadata.version(name), version, name)


def test_node_packages_are_the_named_ones():
    with open(os.path.join(FOLDER, "package.json"), encoding="utf-8") as file:
        wanted = json.load(file)["dependencies"]
    for name, version in wanted.items():
        path = os.path.join(ROOT, ".venv/clients/node_modules", name, "package.json")
        got = subprocess.run(["node", "-p", f"require({json.dumps(path)}).version"], capture_output=True, text=True,
                             check=True).stdout.strip()
        equal(got, version, name)


if __name__ == "__main__":
    main(globals())
