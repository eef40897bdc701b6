#!/usr/bin/env python3
"""Fetches the art by package name and packs it: WORK/art.zip, 128x128 WebP pictures (RGBA), and WORK/things.json.

Needs npm and a network, the first time.
"""

import argparse
import io
import json
import subprocess
import tarfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import resvg_py
from PIL import Image

from settings import SIDE, add_work
from things import STYLES, held_out, key_of, make_things

PACKAGES = {
    "3d": "@lobehub/fluent-emoji-3d@1.1.0",
    "flat": "@iconify-json/fluent-emoji-flat@1.2.6",
    "cartoon": "@iconify-json/noto@1.2.9",
    "names": "unicode-emoji-json@0.9.0",
    "keywords": "emojilib@4.0.3",
}


def fetch(folder):
    """One tarball for each package, from the package registry unless it is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES.values():
        if not tarball(folder, package).exists():
            subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)


def tarball(folder, package):
    """How npm names the tarball of NAME@VERSION."""
    name, _, version = package.rpartition("@")
    return folder / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"


def read_json(folder, package, path):
    """One JSON file of a package."""
    with tarfile.open(tarball(folder, package)) as tar:
        return json.load(tar.extractfile(f"package/{path}"))


def bitmap_art(folder, package, keys):
    """WebP bytes by key, of a package that has a file for each emoji."""
    art = {}
    with tarfile.open(tarball(folder, package)) as tar:
        for member in tar:
            if member.name.startswith("package/assets/"):
                key = key_of(Path(member.name).stem)
                if key in keys:
                    art[key] = tar.extractfile(member).read()
    return art


def vector_art(folder, package, keys):
    """SVG texts by key, of an icon set."""
    icons = read_json(folder, package, "icons.json")
    art = {}
    for key, name in read_json(folder, package, "chars.json").items():
        name = icons.get("aliases", {}).get(name, {}).get("parent", name)
        icon = icons["icons"].get(name)
        if icon and key_of(key) in keys:
            width, height = icon.get("width", icons["width"]), icon.get("height", icons["height"])
            art[key_of(key)] = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                                f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>')
    return art


def render(source):
    """128x128 WebP with its transparency, from SVG text or from the bytes of a picture."""
    if isinstance(source, str):
        source = bytes(resvg_py.svg_to_bytes(svg_string=source, width=2 * SIDE, height=2 * SIDE))
    picture = Image.open(io.BytesIO(source)).convert("RGBa")
    picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).convert("RGBA")
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=92, method=4)
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    work = parser.parse_args().work
    folder = work / "download"
    fetch(folder)

    things = make_things(read_json(folder, PACKAGES["names"], "data-by-emoji.json"),
                         read_json(folder, PACKAGES["keywords"], "dist/emoji-en-US.json"))
    keys = {thing["key"] for thing in things}
    art = {"3d": bitmap_art(folder, PACKAGES["3d"], keys)}
    for style in STYLES[1:]:
        art[style] = vector_art(folder, PACKAGES[style], keys)
    for thing in things:
        thing["styles"] = [style for style in STYLES if thing["key"] in art[style]]
    things = [thing for thing in things if len(thing["styles"]) >= 2]
    for rank, thing in enumerate(things):
        thing["rank"] = rank

    jobs = [(style, thing) for thing in things for style in thing["styles"]]
    with ProcessPoolExecutor(2) as pool, zipfile.ZipFile(work / "art.zip", "w", zipfile.ZIP_STORED) as pack:
        pictures = pool.map(render, [art[style][thing["key"]] for style, thing in jobs], chunksize=32)
        for (style, thing), picture in zip(jobs, pictures):
            pack.writestr(zipfile.ZipInfo(f"{style}/{thing['key']}.webp"), picture)
    kept = sorted(held_out(things))
    with open(work / "things.json", "w", encoding="utf-8") as file:
        json.dump({"things": things, "held_out": kept}, file, indent=1)
    size = (work / "art.zip").stat().st_size
    print(f"{len(things)} things, {len(jobs)} pictures ({size / 1e6:.1f} MB), {len(kept)} of them held out")


if __name__ == "__main__":
    main()
