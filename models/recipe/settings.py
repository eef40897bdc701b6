"""What all steps share: sizes, where they keep their files."""

from pathlib import Path

SIDE = 128
FACTOR = 8
LATENT_CHANNELS = 16
LATENT_SIDE = SIDE // FACTOR
TOKENS = 32
TEXT_WIDTH = 256
ROOT = Path(__file__).resolve().parents[2]


def add_work(parser):
    """The option that every step has."""
    parser.add_argument("--work", type=Path, default=ROOT / "build/recipe", help="folder of all files made on the way")

# What the exported model's latentd.json says, with the number of things that it learned.
RECOMMENDED = {
    "about": "A small model of icons: {things} emoji-like things in three styles (\"3d tiger\", \"flat rocket\", \"a "
             "purple dog on a yellow background\"), 128x128. For anything else point --model at a Stable Diffusion folder.",
    "steps": 25,
    "cfg_scale": 4,
    "sampler": "ddim",
    "scheduler": "model",
    "width": SIDE,
    "height": SIDE,
}
