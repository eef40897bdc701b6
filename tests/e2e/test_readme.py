"""Every curl line of the README, executed as it is written."""

import os
import re
import shutil
import subprocess
import tempfile

from daemon import REAL, ROOT, Daemon, Skip, clean_environment, equal, main, true, within


def curl_lines():
    """The shell's commands of indented blocks that begin with curl, continued lines joined."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        lines = [line[4:].rstrip("\n") for line in file if line.startswith("    ")]
    commands, at = [], 0
    while at < len(lines):
        command = lines[at]
        at += 1
        if not command.startswith("curl "):
            continue
        while command.endswith("\\") or command.count("'") % 2:
            command += "\n" + lines[at]
            at += 1
        commands.append(command)
    return commands


def test_every_line_of_curl_works_as_it_is_written():
    if not shutil.which("curl"):
        raise Skip("there is no curl")
    commands = curl_lines()
    true(len(commands) > 15, commands)
    with Daemon() as d, tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "picture.png")
        # The port of the README leads to this daemon, whatever else listens there.
        with open(os.path.join(folder, ".curlrc"), "w", encoding="utf-8") as file:
            file.write(f'connect-to = "127.0.0.1:7860:127.0.0.1:{d.port}"\nsilent\nshow-error\nfail-with-body\n'
                       f'max-time = {within(120):.0f}\nnoproxy = "*"\n')
        for command in commands:
            if "-o picture.png" in command and os.path.exists(picture):
                os.remove(picture)
            done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, timeout=within(180),
                                  env=dict(clean_environment(), CURL_HOME=folder, HOME=folder))
            equal(done.returncode, 0, f"{command}\n{done.stdout[:2000]}\n{done.stderr}")
            if "-o picture.png" in command:
                with open(picture, "rb") as file:
                    true(file.read(4) == b"\x89PNG", f"{command} gives no picture")
            else:
                true(done.stdout or "DELETE" in command, f"{command} says nothing")


def test_the_page_of_the_api_is_what_the_program_prints():
    done = subprocess.run([REAL, "--print-api-docs"], env=clean_environment(), capture_output=True, timeout=60)
    with open(os.path.join(ROOT, "docs/api.md"), "rb") as file:
        equal(done.stdout == file.read(), True, "docs/api.md is old: make it with latentd --print-api-docs > docs/api.md")


def test_the_routes_of_the_page_are_those_of_the_server():
    with open(os.path.join(ROOT, "docs/api.md"), encoding="utf-8") as file:
        told = set(re.findall(r"^- `([A-Z]+) (\S+)`:", file.read(), re.MULTILINE))
    with Daemon(fake_step_ms=0) as d:
        paths = d.get("/openapi.json").json()["paths"]
        equal(told, {(method.upper(), path) for path, item in paths.items() for method in item})


if __name__ == "__main__":
    main(globals())
