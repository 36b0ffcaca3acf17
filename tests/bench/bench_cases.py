# SPDX-License-Identifier: MIT
"""What is measured: the real programs with their inputs, and the programs of this directory with their sizes."""
import shutil
import subprocess
from dataclasses import dataclass, field

from bench_inputs import write_c, write_json
from bench_run import HERE

WORKLOADS = HERE / "workloads"
JSON_RECORDS = 16000
C_FUNCTIONS = 170


@dataclass
class Program:
    """A real program, at least a second of CPU alone. Its output must not depend on who watches."""

    name: str
    command: list
    env: dict = field(default_factory=dict)


@dataclass
class Loop:
    """
    A program of this directory that says itself what one operation cost. HEAPTRACK_COUNT: the last argument under
    heaptrack, which needs so long that it gets fewer operations; 0: heaptrack does not do this at all.
    """

    name: str
    program: str
    arguments: list
    count: int
    heaptrack_count: int
    facts: dict  # name of the fact: title of its row

    def command(self, bench, count):
        return [bench.program(self.program), *self.arguments, str(count)]


PAIR = {"pair_ns": ""}
RATE = {"pairs_per_s": ""}
LOOPS = [
    Loop("alloc loop", "bench_alloc", ["loop"], 5_000_000, 300_000, PAIR),
    Loop("alloc descend", "bench_alloc", ["descend"], 5_000_000, 300_000, PAIR),
    Loop("alloc paths", "bench_alloc", ["paths"], 3_000_000, 300_000, PAIR),
    Loop("alloc held", "bench_alloc", ["held"], 3_000_000, 300_000, PAIR),
    Loop("deep tree", "bench_deep", ["tree", "100"], 400_000, 50_000, {"new_ns": ", new", "known_ns": ", known"}),
    Loop("deep tall", "bench_deep", ["tall"], 100_000, 100_000, {"frame_ns": ""}),
    Loop("threads alloc 1", "bench_threads", ["alloc", "1"], 4_000_000, 200_000, RATE),
    Loop("threads alloc 2", "bench_threads", ["alloc", "2"], 4_000_000, 100_000, RATE),
    Loop("threads alloc 4", "bench_threads", ["alloc", "4"], 2_000_000, 50_000, RATE),
    Loop("threads handoff 1", "bench_threads", ["handoff", "1"], 2_000_000, 200_000, RATE),
    Loop("threads handoff 2", "bench_threads", ["handoff", "2"], 500_000, 100_000, RATE),
    Loop("threads handoff 4", "bench_threads", ["handoff", "4"], 250_000, 50_000, RATE),
    Loop("lock single", "bench_lock", ["single"], 20_000_000, 0, PAIR),
    Loop("lock threaded", "bench_lock", ["threaded"], 20_000_000, 0, PAIR),
    Loop("lock hot", "bench_lock", ["hot"], 10_000_000, 0, PAIR),
    Loop("lock mutrace", "bench_lock", ["mutrace"], 2_000_000, 0, PAIR),
    Loop("lock contended", "bench_lock", ["contended"], 1_000_000, 0, RATE),
    Loop("lock contended 4", "bench_lock", ["contended4"], 1_000_000, 0, RATE),
    Loop("lock contended 16", "bench_lock", ["contended16"], 300_000, 0, RATE),
    Loop("lock readers", "bench_sync", ["readers"], 3_000_000, 0, RATE),
    Loop("lock semaphores", "bench_sync", ["semaphores"], 100_000, 0, RATE),
    Loop("lock condvars", "bench_sync", ["condvars"], 100_000, 0, RATE),
]

# What each row of loops does, for the notes below the table.
LOOP_NOTES = [
    "alloc: malloc(64)+free ten frames deep: one stack; ten calls down and up per pair; 128 stacks in no order;",
    "100,000 blocks replaced in no order. deep: 400,000 distinct stacks of 100-119 frames, seen first and again;",
    "recursion of 100,000 frames with an allocation in each. threads: each for itself, and each freed by the next",
    "thread. lock: a process without and with a second thread, that waits now and then, that competes for a mutex",
    "which both have a third of the time, for about 70 ns, 4 and 16 times as long; mutrace: the steps that mutrace's",
    "source takes for each critical section, done by the program itself. heaptrack: CPU",
    "of all its processes in the rows alloc, of the program alone in the rows deep.",
]

# Blocks and their size: small ones in numbers around powers of two, and ones so large that neighbours share nothing.
LIVE_CASES = [(300_000, 24), (1_100_000, 24), (2_200_000, 48), (4_000_000, 24), (1_000_000, 200), (200_000, 2000)]
LIVE_CASES_QUICK = [(1_100_000, 24), (100_000, 2000)]
LIVE_THREADS = 64


def _sqlite3(_):
    return Program("sqlite3", ["sqlite3", "-batch", "-init", str(WORKLOADS / "sqlite3.sql"), ":memory:", ".quit"])


def _python3(_):
    # Not the first in PATH, which may be a script.
    python = "/usr/bin/python3"
    if not shutil.which(python):
        return None
    env = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    return Program("python3", [python, "-s", "-S", "-B", str(WORKLOADS / "python3.py")], env)


def _jq(directory):
    path = directory / "input.json"
    write_json(path, JSON_RECORDS)
    return Program("jq", ["jq", "-c", "-f", str(WORKLOADS / "jq.jq"), str(path)])


def _perl(_):
    return Program("perl", ["perl", str(WORKLOADS / "perl.pl")], {"PERL_HASH_SEED": "0"})


def _cc1(directory):
    # The compiler proper: the driver gcc would be a process more, and one that heaptrack does not follow.
    asked = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=False)
    cc1 = asked.stdout.strip()
    path = directory / "input.c"
    write_c(path, C_FUNCTIONS)
    if not shutil.which(cc1):
        return None
    return Program("cc1", [cc1, "-quiet", "-O1", "-o", "-", str(path)])


PROGRAMS = {"sqlite3": _sqlite3, "python3": _python3, "jq": _jq, "perl": _perl, "cc1": _cc1}
NAMES = [*PROGRAMS, "loops", *(loop.name.replace(" ", "-") for loop in LOOPS), "live", "startup"]


def make_program(name, bench):
    """The program NAME; None if it is not installed, which is noted."""
    needs = "gcc" if name == "cc1" else name
    program = PROGRAMS[name](bench.directory) if shutil.which(needs) else None
    if program is None:
        bench.notes.append(f"{name}: not installed")
    return program
