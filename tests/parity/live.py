"""Compares the engine with the reference libraries on random models; scripts/parity-live runs it."""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fixture import check_versions, disagreements, make_fixture, write_cases
from random_models import random_plan, random_spec
from reference import prepare_libraries

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "tests" / "parity" / "test_parity_cases"
TIMEOUT_S = 600


def make_random(folder, seed, number):
    """Writes a random fixture without the cases that two f32 paths of the reference do not agree on.

    Returns the names of the cases."""
    rng = random.Random(f"{seed}/{number}")
    spec = random_spec(rng, folder.name)
    reference, plan, tensors = make_fixture(spec, folder, random_plan(rng))
    unfair = {case["name"] for case, _ in disagreements(reference, plan.cases, tensors, onednn=False)}
    plan.cases = [case for case in plan.cases if case["name"] not in unfair]
    write_cases(folder, plan, tensors)
    if unfair:
        print(f"# {folder.name}: left out as too sensitive to rounding: {', '.join(sorted(unfair))}")
    return [case["name"] for case in plan.cases]


def run_engine(program, folder):
    """The engine's lines about a fixture, and how the program ended when it did not end well."""
    try:
        done = subprocess.run([program, folder], capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return [], f"no end within {TIMEOUT_S} s"
    bad_end = "" if done.returncode in (0, 1) else f"exit status {done.returncode}: {done.stderr.strip()[-500:]}"
    return done.stdout.splitlines(), bad_end


def judge(folder, names, lines):
    """(passed, failed) of a fixture's cases; one without a line failed.  Prints what failed."""
    passed = {line.split()[1] for line in lines if line.startswith("ok ")}
    reasons = {line.split()[2]: line for line in lines if line.startswith("not ok ")}
    failed = [f"{folder.name}/{name}" for name in names if f"{folder.name}/{name}" not in passed - set(reasons)]
    for name in failed:
        print(reasons.get(name, f"not ok {name} no answer"))
    return len(names) - len(failed), len(failed)


def compare(program, folder, seed, number):
    """Makes random model `number` and judges the engine on it; returns (passed, failed)."""
    names = make_random(folder, seed, number)
    lines, bad_end = run_engine(program, folder)
    if bad_end:
        print(f"# {folder.name}: {bad_end}")
    passed, failed = judge(folder, names, lines)
    print(f"# {folder.name}: {passed} passed, {failed} failed", flush=True)
    return passed, failed


def count(text):
    """A number of models, at least one."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="parity-live", description=__doc__)
    parser.add_argument("--random", type=count, default=3, metavar="N", help="how many models (3)")
    parser.add_argument("--seed", type=int, default=None, help="which ones; drawn and printed when absent")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="the engine's side (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the fixtures also when all passed")
    parser.add_argument("--any-version", action="store_true", help="go on with other library versions")
    return parser.parse_args()


def main():
    """Exit status 0 when every case passed, 1 when one failed, 2 when nothing could be compared."""
    arguments = parse_arguments()
    if not arguments.any_version:
        check_versions()
    if not arguments.program.is_file():
        print(f"{arguments.program}: not there; build it first", file=sys.stderr)
        sys.exit(2)
    prepare_libraries()
    seed = time.time_ns() % 1_000_000 if arguments.seed is None else arguments.seed
    print(f"# seed {seed}", flush=True)
    scratch = Path(tempfile.mkdtemp(prefix="parity-live-"))
    folders = [scratch / f"random-{seed}-{i}" for i in range(arguments.random)]
    results = [compare(arguments.program, folder, seed, i) for i, folder in enumerate(folders)]
    passed, failed = (sum(column) for column in zip(*results))
    if failed or arguments.keep:
        print(f"# fixtures kept in {scratch}")
    else:
        shutil.rmtree(scratch)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
