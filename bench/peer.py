"""One program beside which latentd is timed, in a process of its own.

    python3 bench/peer.py NAME ITEM JOB

NAME is torch, openvino or sdcpp, ITEM one of ITEMS (sdcpp: also trial), JOB a JSON object (see Job).  Prints one JSON line when everything is
loaded and warm, then one with the seconds of each turn asked for by a line on standard input.  bench/run starts these.
"""
import dataclasses
import importlib
import json
import os
import sys
import time

# A guided U-Net step (two rows); the VAE's two halves; a picture from prompt to PNG.
ITEMS = ("step", "decode", "encode", "image")

PROMPT = "a lighthouse on a cliff above the sea at dawn, oil painting, detailed"
GUIDANCE = 7.5
SEED = 1


@dataclasses.dataclass
class Job:
    models: str  # a folder that holds the same weights in every form: f16/, f32/, openvino/, single-f16.safetensors
    width: int
    height: int
    threads: int
    steps: int
    batch: int = 1  # pictures of a step
    precision: str = "f32"  # or bf16, which OpenVINO alone is asked for
    choices: dict = dataclasses.field(default_factory=dict)  # settings that were found to be faster, by name
    answers: object = None  # the file that the answers go to

    def path(self, name):
        return os.path.join(self.models, name)


def timed(work, *arguments):
    """Seconds that it took."""
    begun = time.monotonic()
    work(*arguments)
    return time.monotonic() - begun


def main():
    name, item, job = sys.argv[1], sys.argv[2], Job(**json.loads(sys.argv[3]))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever the libraries print
    job.answers = answers
    begun = time.monotonic()
    peer = importlib.import_module(f"peer_{name}").load(item, job)
    print(json.dumps({"load_s": time.monotonic() - begun, **peer.about}), file=answers)
    for _ in sys.stdin:
        print(json.dumps(peer.turn()), file=answers)


if __name__ == "__main__":
    main()
