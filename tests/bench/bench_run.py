# SPDX-License-Identifier: MIT
"""Runs one program in one mode (alone, with memprof, with heaptrack) and says what it cost."""
import hashlib
import os
import re
import shutil
import signal
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 300
SAMPLE = "512K"

# In the order of the tables.
NATIVE, FULL, OFF, SAMPLED, HEAPTRACK = "native", "memprof", "off", "sampled", "heaptrack"

PROGRAMS = ("bench_alloc", "bench_deep", "bench_threads", "bench_lock", "bench_sync", "bench_live")
C_FLAGS = "-std=gnu11 -O2 -g -D_GNU_SOURCE -pthread -fno-builtin -Wall -Wextra".split()


class Failed(Exception):
    """A run that did not end as it should."""


@dataclass
class Run:
    """One run: CPU and wall in seconds, peak RSS of the program itself in KiB."""

    cpu: float
    wall: float
    peak_kib: int
    digest: str
    facts: dict
    dumps: list = field(default_factory=list)
    recorded_bytes: int = 0  # of all files that the profiler wrote


class Bench:
    """Where things are, and which modes there are on this machine."""

    def __init__(self, build, compiler):
        self.build = build
        self.compiler = compiler
        self.library = build / "libmemprof.so"
        self.analyzer = build / "memprof-analyze"
        self.directory = build / "bench"
        self.scratch = self.directory / "run"
        self.heaptrack = shutil.which("heaptrack")
        self.notes = []
        self.modes = self._find_modes()

    def _find_modes(self):
        if not self.library.is_file():
            raise Failed(f"{self.library} is missing: run make, or set BUILD to the directory it is in")
        modes = [NATIVE, FULL, OFF]
        if "MEMPROF_SAMPLE" in (ROOT / "include" / "mp_options.h").read_text():
            modes.append(SAMPLED)
        else:
            self.notes.append("sampled: the library has no option MEMPROF_SAMPLE")
        if self.heaptrack:
            modes.append(HEAPTRACK)
        else:
            self.notes.append("heaptrack is not installed (Debian package heaptrack): nothing to compare with")
        return modes

    def prepare(self):
        """Compiles the programs."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in PROGRAMS:
            self._compile(name, [])
        self._compile("measure", ["-static"])

    def _compile(self, name, flags):
        source, target = HERE / f"{name}.c", self.directory / name
        newest = max(source.stat().st_mtime, (HERE / "bench.h").stat().st_mtime)
        if target.exists() and target.stat().st_mtime > newest:
            return
        command = [*self.compiler.split(), *C_FLAGS, *flags, "-o", str(target), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}:\n{done.stderr}")

    def program(self, name):
        return str(self.directory / name)

    def run(self, mode, command, env=None, runs=1, fine=(0,)):
        """Runs COMMAND, RUNS times in a row (which are added up). Raises Failed if its status is not in FINE."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        full_env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.scratch), "LC_ALL": "C"}
        full_env.update(env or {})
        line = self._measure("inner", runs, command)
        if mode == HEAPTRACK:
            line = self._measure("outer", 1, [self.heaptrack, "-o", str(self.scratch / "heaptrack"), *line])
        elif mode != NATIVE:
            full_env.update(LD_PRELOAD=str(self.library), MEMPROF_OUT=str(self.scratch / "%e.%p.bin"))
            full_env["MEMPROF_QUIET"] = "on"
            if mode == OFF:
                full_env["MEMPROF_MODE"] = "off"
            if mode == SAMPLED:
                full_env["MEMPROF_SAMPLE"] = SAMPLE
        self._execute(line, full_env, fine)
        return self._result(mode)

    def _measure(self, name, runs, command):
        files = [str(self.scratch / f"{name}.{kind}") for kind in ("cost", "out")]
        return [self.program("measure"), *files, str(runs), *command]

    def _execute(self, line, env, fine):
        with subprocess.Popen(
            line,
            env=env,
            cwd=self.scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                _, errors = process.communicate(timeout=TIMEOUT_S)
            except BaseException as reason:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(reason, subprocess.TimeoutExpired):
                    raise Failed(f"did not end within {TIMEOUT_S} s") from None
                raise
        if process.returncode not in fine:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise Failed(f"ended with status {process.returncode}: {' '.join(last)}")

    def _result(self, mode):
        inner = (self.scratch / "inner.cost").read_text().split()
        whole = (self.scratch / "outer.cost").read_text().split() if mode == HEAPTRACK else inner
        output = (self.scratch / "inner.out").read_bytes()
        facts = re.findall(rb"^([a-z_]+) ([-+.e0-9]+)$", output, re.MULTILINE)
        dumps = sorted(self.scratch.glob("*.bin*"))
        files = dumps if mode != HEAPTRACK else self.scratch.glob("heaptrack.*")
        return Run(
            cpu=float(whole[0]),
            wall=float(whole[1]),
            peak_kib=int(inner[2]),
            digest=hashlib.sha256(output).hexdigest(),
            facts={name.decode(): float(value) for name, value in facts},
            dumps=dumps,
            recorded_bytes=sum(file.stat().st_size for file in files),
        )


class Series:
    """The runs of one program in one mode."""

    def __init__(self, runs):
        self.runs = runs

    def median(self, what):
        """WHAT: a field of Run, or the name of a fact."""
        return statistics.median(self._values(what))

    def spread(self, what):
        """Half of the distance between the quartiles, as a share of the median: what chance does to one run."""
        values = self._values(what)
        if len(values) < 3:
            return None
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return (high - low) / 2 / middle if middle else None

    def _values(self, what):
        return [run.facts[what] if what in run.facts else getattr(run, what) for run in self.runs]
