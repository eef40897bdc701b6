#!/usr/bin/env python3
"""How much faster a U-Net step is on all threads than on one, as a share of what plain matrix products gain in the same minute.

    python3 bench/scaling.py --model build/sd15 [--size 512] [--rounds 3]

Standard library alone.
"""
import argparse
import json
import os
import statistics
import subprocess

from first_picture import ROOT


def measure(arguments, threads):
    """Seconds of a step, and sgemm's GF/s."""
    done = subprocess.run([ROOT / "build/server/latentd", "bench", "--json", "--only", "step", "--rounds", "1", "--model", arguments.model,
                           "--size", f"{arguments.size}x{arguments.size}", "--threads", str(threads)],
                          check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return found["step_s"], found["sgemm_gflops"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    most, shares = len(os.sched_getaffinity(0)), []
    for _ in range(arguments.rounds):
        (one_s, one_rate), (all_s, all_rate) = measure(arguments, 1), measure(arguments, most)
        shares.append((one_s / all_s) / (all_rate / one_rate))
        print(f"1 thread {one_s:.2f} s, {most} threads {all_s:.2f} s: {one_s / all_s:.2f} x; sgemm {one_rate:.0f} and "
              f"{all_rate:.0f} GF/s: {all_rate / one_rate:.2f} x; share {100 * shares[-1]:.1f} %", flush=True)
    print(f"median share {100 * statistics.median(shares):.1f} %")


if __name__ == "__main__":
    main()
