"""latentd beside its peers, in turns, in one run; started by bench/run, which installs what this needs.

Every peer has a process of its own, which sleeps while another is timed.  Items:

    step      one evaluation of the U-Net with guidance (two rows)
    step1024  the same for a picture of 1024x1024
    decode    the VAE from latent to picture
    encode    the VAE from picture to latent
    image     from prompt to PNG, in a fresh process with the model loaded; its peak memory is that of the process

Ratios say how many times longer the peer takes.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from peer import GUIDANCE, PROMPT, SEED

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
ITEMS = ("step", "decode", "encode", "image", "step1024")
PEERS = ("openvino", "torch", "sdcpp")
NAMES = {"latentd": "latentd", "openvino": "OpenVINO", "torch": "PyTorch", "sdcpp": "stable-diffusion.cpp"}
SDCPP = "stable-diffusion-cpp-python==0.4.7"
QUICK_STEPS = 4

# What holds each program to AVX2: OpenBLAS, oneDNN (also OpenVINO's), MKL, PyTorch's own loops, latentd's.
HELD_TO = {"native": {}, "avx2": {
    "OPENBLAS_CORETYPE": "Haswell", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "LATENTD_ISA": "avx2"}}
# stable-diffusion.cpp is told when it is built.
FAST = ["-DGGML_LLAMAFILE=ON", "-DGGML_OPENMP=ON"]
BUILT_FOR = {"native": [*FAST, "-DGGML_NATIVE=ON"], "avx2": [
    *FAST, "-DGGML_NATIVE=OFF", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=ON",
    "-DGGML_AVX512=OFF"]}


# Which of its settings is the fastest differs by machine: ggml's flash attention needs vectors that divide 40 channels, and f16
# weights are converted at every use.  Tried in this order.
TRIALS = [{"build": build, "weights": weights, "flash": flash} for build, weights, flash in (
    ("avx2", "f32", True), ("native", "f32", True), ("native", "f32", False), ("avx2", "f16", True), ("native", "f16", True))]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    """A peer that did not get through its work."""


class Prepared:
    """The model in every form, and the peers that are not installed with the others."""

    def __init__(self, build, isa):
        self.models, self.isa = build / "models", isa

    def make(self, path, program, *arguments):
        """Runs a program of bench/ that writes path, unless that is there; never leaves half of it behind."""
        if path.exists():
            return
        say(f"making {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name("partial-" + path.name)
        subprocess.run([sys.executable, BENCH / program, *[partial if word is None else word for word in arguments]], check=True,
                       env={**os.environ, "TRANSFORMERS_VERBOSITY": "error"})
        partial.rename(path)

    def prepare(self, peers):
        for dtype in ("f16", "f32"):
            self.make(self.models / dtype, "make_model.py", None, "--dtype", dtype)
        if "openvino" in peers:
            self.make(self.models / "openvino", "convert_openvino.py", self.models / "f32", None)
        if "sdcpp" in peers:
            self.make(self.models / "single-f16.safetensors", "single_file.py", self.models / "f16", None)
            for build in self.sdcpp_builds():
                self.build_sdcpp(build)

    def sdcpp_builds(self):
        return ["avx2", "native"] if self.isa == "native" and "avx512f" in machine()["flags"] else [self.isa]

    @staticmethod
    def sdcpp_path(build):
        return ROOT / ".venv" / f"bench-sdcpp-{build}"

    def build_sdcpp(self, build):
        done = self.sdcpp_path(build) / "built-as"
        wanted = " ".join([SDCPP, *BUILT_FOR[build]])
        if done.exists() and done.read_text() == wanted:
            return
        say(f"building {SDCPP}; this takes several minutes")
        flags = " ".join([*BUILT_FOR[build], os.environ.get("CMAKE_ARGS", "")])
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--no-cache-dir",
                        "--no-binary", SDCPP.split("==")[0], "--target", self.sdcpp_path(build), SDCPP], check=True,
                       env={**os.environ, "CMAKE_ARGS": flags})
        done.write_text(wanted)


def limit_memory():
    """So that one that wants more than there is fails, and takes nobody with it."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_DATA, (total * 9 // 10,) * 2)


class Child:
    """A peer's process."""

    def __init__(self, name, item, job, environment, prepared):
        self.name = name
        if name == "sdcpp":
            environment = {**environment, "PYTHONPATH": str(prepared.sdcpp_path(job["choices"]["sdcpp"]["build"]))}
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, BENCH / "peer.py", name, item.replace("1024", ""), json.dumps(job)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment, preexec_fn=limit_memory)
        self.about = self.answer()
        self.sleep()

    def sleep(self):
        self.process.send_signal(signal.SIGSTOP)

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.log.seek(0)
        last = ([line.strip() for line in self.log if line.strip()] or ["no word"])[-1]
        raise Failed(f"ended with {self.process.returncode}: {last[:200]}")

    def turn(self):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write("turn\n")
            self.process.stdin.flush()
            return self.answer()
        except BrokenPipeError:
            return self.answer()
        finally:
            if self.process.returncode is None:
                self.sleep()

    def end(self):
        """Peak memory in bytes."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss * 1024


class Latentd:
    """A process a turn: `latentd bench` warms itself up, and starts at once."""

    def __init__(self, program, model, item, job, environment):
        self.program, self.model, self.item, self.job, self.environment = program, model, item, job, environment
        self.about, self.last, self.peak = {}, None, 0

    def turn(self):
        if self.item == "image":
            return self.draw()
        part = self.item.replace("1024", "")
        text, self.peak = output([
            self.program, "bench", "--json", "--only", part, "--rounds", "1", "--model", self.model, "--threads",
            str(self.job["threads"]), "--size", f"{self.job['width']}x{self.job['height']}", "--precision",
            self.job["precision"]], self.environment)
        self.last = json.loads(text)
        self.about = {"version": self.last["version"], "isa": self.last["isa"], "start_s": self.last["start_s"]}
        return {part: self.last[f"{part}_s"]}

    def draw(self):
        with tempfile.TemporaryDirectory() as folder:
            text, self.peak = output([
                self.program, "generate", "--model", self.model, "--prompt", PROMPT, "--steps", str(self.job["steps"]),
                "--cfg-scale", str(GUIDANCE), "--sampler", "euler", "--seed", str(SEED), "--width", str(self.job["width"]),
                "--height", str(self.job["height"]), "--threads", str(self.job["threads"]), "--precision", self.job["precision"],
                "--output", f"{folder}/x.png"],
                self.environment)
        return {"image": float(re.search(r"([0-9.]+) s$", text.strip())[1])}

    def end(self):
        return self.peak


def output(command, environment):
    """All that a program printed, and its peak memory."""
    with tempfile.TemporaryFile("w+") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        text = file.read()
    if process.returncode != 0:
        raise Failed(f"ended with {process.returncode}: {text.strip()[-200:]}")
    return text, usage.ru_maxrss * 1024


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.prepared = Prepared(arguments.build, arguments.isa)
        self.environment = {**os.environ, **HELD_TO[arguments.isa]}
        self.choices = {"version": SDCPP.split("==")[1]}
        self.results = {}

    def job(self, item):
        side = 1024 if item == "step1024" else self.arguments.size
        return {"models": str(self.prepared.models), "width": side, "height": side, "threads": self.arguments.threads,
                "steps": QUICK_STEPS if self.arguments.quick else 20, "precision": self.arguments.precision,
                "choices": self.choices}

    def kept(self, name):
        """Where a peer's fastest settings for this size stand, once they are found: beside the model."""
        return self.prepared.models / f"{name}-{self.arguments.isa}-{self.arguments.size}-{self.arguments.threads}.json"

    def try_torch(self):
        """Contiguous or channels-last, by a step."""
        kept = self.kept("torch")
        if not kept.exists():
            child = Child("torch", "step", self.job("step"), self.environment, self.prepared)
            kept.write_text(json.dumps(child.about["format"]))
            child.end()
        self.choices["format"] = json.loads(kept.read_text())

    def try_sdcpp(self):
        kept = self.kept("sdcpp")
        if not kept.exists():
            took = []
            for settings in TRIALS:
                if settings["build"] not in self.prepared.sdcpp_builds():
                    continue
                child = Child("sdcpp", "trial", {**self.job("step"), "choices": {**self.choices, "sdcpp": settings}},
                              self.environment, self.prepared)
                took.append((child.turn()["trial"], settings))
                child.end()
                say(f"  stable-diffusion.cpp with {settings}: {took[-1][0]:.2f} s")
            kept.write_text(json.dumps(min(took, key=lambda trial: trial[0])[1]))
        self.choices["sdcpp"] = json.loads(kept.read_text())

    def start(self, name, item):
        job = self.job(item)
        if name == "latentd":
            return Latentd(self.arguments.build / "server/latentd", self.prepared.models / self.arguments.dtype, item, job,
                           self.environment)
        begun = time.monotonic()
        child = Child(name, item, job, self.environment, self.prepared)
        say(f"  {NAMES[name]} is ready after {time.monotonic() - begun:.0f} s: {json.dumps(child.about)}")
        return child

    def measure(self, item):
        """Seconds of each turn, peak memory and what else is known, by program; and sgemm's rates, and the work in GFLOP."""
        say(f"{item}:")
        self.item = item
        self.found = {name: {"turns_s": []} for name in ("latentd", *self.arguments.peers)}
        self.sgemm, self.gflop = [], None
        programs = {} if item == "image" else self.start_all()
        for number in range(self.arguments.rounds):
            for name in self.found:
                self.turn(name, programs)
            say("  round %d: %s" % (number + 1, ", ".join(
                f"{NAMES[name]} {found['turns_s'][-1]:.2f} s" for name, found in self.found.items() if found["turns_s"])))
        for name, program in programs.items():
            self.found[name]["peak_rss_bytes"] = program.end()
        return self.summary()

    def start_all(self):
        programs = {}
        for name in list(self.found):
            try:
                programs[name] = self.start(name, self.item)
            except Failed as failed:
                self.give_up(name, failed)
        return programs

    def give_up(self, name, failed):
        say(f"  {NAMES[name]}: {failed}")
        self.found[name]["failed"] = str(failed)

    def turn(self, name, programs):
        found = self.found[name]
        if "failed" in found:
            return
        try:
            program = programs.get(name) or self.start(name, self.item)
            found["turns_s"].append(program.turn()[self.item.replace("1024", "")])
            if name not in programs:
                found["peak_rss_bytes"] = max(program.end(), found.get("peak_rss_bytes", 0))
        except Failed as failed:
            programs.pop(name, None)
            self.give_up(name, failed)
            return
        found.update(program.about)
        if name == "latentd" and program.last:
            self.sgemm.append(program.last["sgemm_gflops"])
            part = program.last["parts"][self.item.replace("1024", "")]
            self.gflop = part["gflop"]
            found["operators"] = part["operators"]
            found["stages"] = part["stages"]

    def summary(self):
        side, ours = self.job(self.item)["width"], None
        result = {"width": side, "height": side, "programs": self.found}
        if self.item == "image":
            result["steps"] = self.job(self.item)["steps"]
        if self.sgemm:
            result["sgemm_gflops"] = statistics.median(self.sgemm)
            result["gflop"] = self.gflop
        for name, found in self.found.items():
            if not found["turns_s"]:
                continue
            found["median_s"] = statistics.median(found["turns_s"])
            ours = ours or (found["median_s"] if name == "latentd" else None)
            if ours:
                found["ratio"] = found["median_s"] / ours
            if self.sgemm:
                found["gflops"] = self.gflop / found["median_s"]
                found["share_of_sgemm"] = found["gflops"] / result["sgemm_gflops"]
        return result

    def extrapolate(self):
        """What 20 steps would take, by the step measured alone: of a quick run only."""
        image, step = self.results.get("image"), self.results.get("step")
        if not (self.arguments.quick and image and step):
            return
        programs = {}
        for name, found in image["programs"].items():
            alone = step["programs"].get(name, {}).get("median_s")
            if alone and "median_s" in found:
                programs[name] = {"median_s": found["median_s"] + (20 - image["steps"]) * alone, "turns_s": []}
        ours = programs.get("latentd", {}).get("median_s")
        for found in programs.values():
            if ours:
                found["ratio"] = found["median_s"] / ours
        self.results["image of 20 steps, EXTRAPOLATED"] = {"width": image["width"], "height": image["height"], "steps": 20,
                                                           "programs": programs}

    def run(self):
        self.prepared.prepare(self.arguments.peers)
        if "torch" in self.arguments.peers:
            self.try_torch()
        if "sdcpp" in self.arguments.peers:
            self.try_sdcpp()
        for item in self.arguments.only:
            self.results[item] = self.measure(item)
        self.extrapolate()
        return {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(), "isa": self.arguments.isa,
                "threads": self.arguments.threads, "rounds": self.arguments.rounds, "latentd_weights": self.arguments.dtype,
                "precision": self.arguments.precision, "commit": commit(), "items": self.results}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or None


def machine():
    with open("/proc/cpuinfo") as info:
        text = info.read()
    first = dict(re.findall(r"^([^\t:]+)\s*: (.*)$", text.split("\n\n")[0], re.MULTILINE))
    return {"processor": first.get("model name", "unknown").strip(), "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "flags": first.get("flags", "").split()}


def table(item, result):
    yield f"{item}, {result['width']}x{result['height']}" + (f", {result['steps']} steps" if "steps" in result else "") + (
        f"; sgemm {result['sgemm_gflops']:.0f} GF/s" if "sgemm_gflops" in result else "")
    for name, found in result["programs"].items():
        line = f"  {NAMES[name]:<20}"
        if "median_s" not in found:
            yield line + f" {found.get('failed', 'not measured')}"
            continue
        line += f" {found['median_s']:8.2f} s" + (f"  {found['ratio']:5.2f} x" if "ratio" in found else "")
        if "gflops" in found:
            line += f"  {found['gflops']:6.1f} GF/s  {found['share_of_sgemm'] * 100:5.1f} % of sgemm"
        if "peak_rss_bytes" in found:
            line += f"  {found['peak_rss_bytes'] / 1e9:5.2f} GB"
        yield line


def words(known):
    def parse(text):
        chosen = [word for word in text.split(",") if word]
        if unknown := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(known)}")
        return [word for word in known if word in chosen]
    return parse


def read_arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=words(ITEMS), default=list(ITEMS), metavar="ITEM,...")
    parser.add_argument("--peers", type=words(PEERS), metavar="PEER,...", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels (512)")
    parser.add_argument("--isa", choices=HELD_TO, default="native", help="avx2 holds every program to AVX2")
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16", help="latentd's weights")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="what is computed in; bf16: beside OpenVINO alone")
    parser.add_argument("--quick", action="store_true",
                        help=f"draw {QUICK_STEPS} steps instead of 20; what 20 would take is then told as an extrapolation")
    parser.add_argument("--results", type=pathlib.Path, default=BENCH / "results", metavar="FOLDER")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help="make and install what is needed, and measure nothing")
    arguments = parser.parse_args()
    possible = ["openvino"] if arguments.precision == "bf16" else list(PEERS)
    if arguments.peers is None:
        arguments.peers = possible
    if not set(arguments.peers) <= set(possible):
        parser.error(f"--precision {arguments.precision} is measured beside {', '.join(possible)}")
    return arguments


def main():
    run = Run(read_arguments())
    if run.arguments.prepare:
        run.prepared.prepare(run.arguments.peers)
        return
    result = run.run()
    for item, found in result["items"].items():
        print("\n".join(table(item, found)))
    run.arguments.results.mkdir(parents=True, exist_ok=True)
    path = run.arguments.results / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{run.arguments.isa}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    say(f"written: {path}")


if __name__ == "__main__":
    main()
