#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Real programs at work under memcheck and under memprof: which blocks each calls definitely lost, process by process and
stack by stack. compare_programs.py BUILD [PROGRAM...]; needs valgrind and those programs.

A stack is the innermost return addresses (module, and place in its page, which is the same wherever a module is
loaded), so that programs without symbols are compared as exactly as others. Every program works twice: as it is, and
with a library that makes it lose memory. Each block about which the two differ is explained by an experiment, or it is
an error; so is a comparison in which nothing was lost at all. The experiments:

- memcheck does not follow bytes that were never written, and its allocator keeps freed blocks back for long. memprof
  finds old pointers in such bytes, and dangling ones that lead to the block that lies there now; either makes a lost
  block reachable, or possibly or indirectly lost. So memprof looks on again with an allocator whose memory is zero
  and whose addresses never come twice: it has to give memcheck's answer.
- memcheck has libc free its own memory first, and the environment with it. Told not to, it has to give memprof's
  answer.
- In a process that forked off, memcheck counts blocks of its parent; memprof leaves them to the parent.
"""
import argparse
import collections
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

from compare_workloads import WORKLOADS

DEPTH = 12  # return addresses that make a stack
KINDS = {"Leak_DefinitelyLost": "definite", "Leak_IndirectlyLost": "indirect"}
KINDS.update({"Leak_PossiblyLost": "possible", "Leak_StillReachable": "reachable"})
CLASSES = list(KINDS.values())
VALGRIND = ["valgrind", "--tool=memcheck", "--leak-check=full", "--show-leak-kinds=all", "--trace-children=yes"]
VALGRIND += ["--num-callers=40", "--show-below-main=yes", "--keep-debuginfo=yes", "--xml=yes"]
STALE = "an old pointer, gone where memory is zero and never used twice"
FREED = "lost only when libc has freed its own memory, as memcheck has it do"
INHERITED = "blocks of the parent, which memcheck counts in its forks too"
DIRECT = re.compile(r"\(([\d,]+) direct, ")


@dataclass
class Process:
    pid: int
    parent: int
    argv: list
    forked: bool
    why_not: str = ""
    # (class, stack) to blocks and bytes
    lost: collections.Counter = field(default_factory=collections.Counter)
    bytes: collections.Counter = field(default_factory=collections.Counter)
    cut: set = field(default_factory=set)  # stacks that could not be followed to their end
    forked_from: "Process" = None
    label: str = ""

    def add(self, word, stack, blocks, size):
        self.lost[word, stack] += blocks
        self.bytes[word, stack] += size

    def shorten(self, cut):
        """Cuts stacks where the other tool had to."""
        for what in (self.lost, self.bytes):
            for word, stack in list(what):
                for n in range(1, len(stack)):
                    if stack[:n] in cut:
                        what[word, stack[:n]] += what.pop((word, stack))
                        break

    def words(self, stack):
        return " + ".join(f"{n} {word}" for word in CLASSES if (n := self.lost[word, stack])) or "nothing"

    def stacks(self, word):
        return {stack for (w, stack), n in self.lost.items() if w == word and n}

    def definite(self, stack):
        return self.lost["definite", stack], self.bytes["definite", stack]

    def knows(self, stack):
        return any(self.lost[word, stack] for word in CLASSES)

    def total(self, word):
        blocks = sum(n for (w, _), n in self.lost.items() if w == word)
        return blocks, sum(n for (w, _), n in self.bytes.items() if w == word)


class Names:
    """What to call a return address: the function, where one of the two knows it."""

    def __init__(self):
        self.names = {}

    def frame(self, module, address, name):
        key = (os.path.basename(module or "?"), address & 0xFFF)
        if name:
            self.names.setdefault(key, re.sub(r"@.*", "", name))
        return key

    def text(self, stack):
        return " < ".join(self.names.get(key, f"{key[0]}+..{key[1]:03x}") for key in stack)


def read_memcheck(path, names):
    """None: it went on as another program, which has a report of its own."""
    try:
        root = xml.parse(path).getroot()
    except xml.ParseError:
        return None
    argv = [node.text or "" for node in root.find("args/argv")]
    process = Process(int(root.findtext("pid")), int(root.findtext("ppid")), argv, False)
    for error in root.iter("error"):
        word = KINDS.get(error.findtext("kind"))
        if not word:
            continue
        direct = DIRECT.search(error.findtext("xwhat/text"))
        size = int(direct.group(1).replace(",", "")) if direct else int(error.findtext("xwhat/leakedbytes"))
        stack = []
        last = None
        for frame in error.find("stack").iter("frame"):
            module = frame.findtext("obj") or ""
            address = int(frame.findtext("ip"), 16)
            if not module:  # beyond the first function
                break
            if "/vgpreload_" in module or address == last:  # the allocator, or an inlined function
                continue
            last = address
            name = frame.findtext("fn") or ""
            if not name.startswith("clone"):  # of two kinds, not the same one under valgrind
                stack.append(names.frame(module, address + 1, name))
        process.add(word, tuple(stack[:DEPTH]), int(error.findtext("xwhat/leakedblocks")), size)
    return process


def read_memprof(analyze, path, names):
    done = subprocess.run([analyze, "--format", "json", path], capture_output=True, check=False)
    report = json.loads(done.stdout)
    what = report["process"]
    process = Process(what["pid"], what["parent_pid"], what["argv"], what["forked"])
    if what["ended"] == "exec":
        return None
    process.why_not = report["leak_scan"]["why_not"] or ""
    if process.why_not:
        return process
    for leak in report["leaks"]:
        frames = [f for f in leak["stack"] if not f["inlined"] and not (f["function"] or "").startswith("clone")]
        stack = [names.frame(f["module"], int(f["offset"] or f["address"], 16), f["function"]) for f in frames]
        stack = tuple(stack[:DEPTH])
        process.add(leak["class"], stack, leak["count"], leak["bytes"])
        if leak["cut"] and len(stack) < DEPTH:
            process.cut.add(stack)
    return process


def label_all(processes):
    """The same process has the same label in all runs: its arguments, whether it is a fork, how many came before."""
    processes = sorted(filter(None, processes), key=lambda process: process.pid)
    seen = collections.Counter()
    pids = {}
    for process in processes:
        pids.setdefault(process.pid, process)
    for process in processes:
        parent = pids.get(process.parent)
        words = process.argv
        if parent and (process.forked or parent.argv == process.argv):
            process.forked_from = parent
            words = parent.argv  # it may have changed its own
        name = " ".join(re.sub(r"\d+", "N", os.path.basename(word)) for word in words).replace("\n", " ")[:60]
        name += " (forked)" if process.forked_from else ""
        seen[name] += 1
        process.label = name + (f" #{seen[name]}" if seen[name] > 1 else "")
    return {process.label: process for process in processes}


class Comparison:
    def __init__(self, build, program, forgetful, directory):
        self.build, self.program, self.directory = build, program, directory
        self.targets = build / "tests/targets"
        self.name = program.name + (" (made to leak)" if forgetful else "")
        # What is made to leak does so all the time, so that some of the commands will do.
        self.commands = program.commands[:6] if forgetful else program.commands
        self.preload = [str(self.targets / "forgetful.so")] if forgetful else []
        self.names = Names()
        self.unexplained = []
        self.reasons = collections.Counter()
        self.totals = collections.Counter()

    def work(self, tool, prefix, env):
        """Runs it in a directory of its own that has the same name under both tools."""
        place = self.directory / "work"
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        self.program.prepare(place)
        env = {**os.environ, **self.program.env, "HOME": str(place), **env}
        with open(self.directory / f"{tool}.log", "w") as log:
            self.program.run(place, prefix, self.commands, env, log)

    def memcheck(self, name="memcheck", *options):
        reports = self.directory / name
        reports.mkdir()
        env = {"LD_PRELOAD": ":".join(self.preload)} if self.preload else {}
        self.work(name, [*VALGRIND, *options, f"--xml-file={reports}/%p.%n.xml"], env)
        return label_all([read_memcheck(path, self.names) for path in reports.iterdir()])

    def memprof(self, name, *allocator):
        dumps = self.directory / name
        dumps.mkdir()
        library = str(self.build / "libmemprof.so")
        env = {"LD_PRELOAD": ":".join([library, *self.preload, *allocator]), "MEMPROF_OUT": f"{dumps}/%p.bin"}
        env["MEMPROF_LEAK_TIMEOUT_MS"] = "60000"
        self.work(name, [], env)
        analyze = self.build / "memprof-analyze"
        return label_all([read_memprof(analyze, path, self.names) for path in dumps.iterdir()])

    def judge(self, ours, theirs):
        """Returns the stacks about which they differ."""
        differ = []
        for whose, process in (("ours", ours), ("theirs", theirs)):
            blocks, size = process.total("definite")
            self.totals[whose] += blocks
            self.totals[whose, "bytes"] += size
        theirs.shorten(ours.cut)
        for stack in ours.stacks("definite") | theirs.stacks("definite"):
            self.totals["agreed"] += min(ours.definite(stack)[0], theirs.definite(stack)[0])
            if ours.definite(stack) == theirs.definite(stack):
                continue
            if theirs.forked_from and theirs.forked_from.knows(stack) and not ours.knows(stack):
                self.explain(INHERITED, stack, ours, theirs)
            else:
                differ.append((ours, theirs, stack))
        return differ

    def explain(self, reason, stack, ours, theirs):
        self.reasons[reason] += abs(ours.definite(stack)[0] - theirs.definite(stack)[0])

    def experiment(self, differ, reason, processes, answers):
        """Returns what is still not explained: where PROCESSES do not give the answer of the other tool."""
        still = []
        for ours, theirs, stack in differ:
            process = processes.get(ours.label)
            if process:
                process.shorten(ours.cut)
            if process and process.definite(stack) == answers(ours, theirs).definite(stack):
                self.explain(reason, stack, ours, theirs)
            else:
                still.append((ours, theirs, stack))
        return still

    def compare(self):
        theirs = self.memcheck()
        ours = self.memprof("memprof")
        differ = []
        for label in sorted(set(ours) | set(theirs)):
            if label not in ours or label not in theirs:
                whose = theirs.get(label) or ours[label]
                if whose.stacks("definite"):
                    self.unexplained.append(f"{label}: under {'memcheck' if label in theirs else 'memprof'} only")
            elif ours[label].why_not:
                self.reasons[f"no verdict: {ours[label].why_not}"] += theirs[label].total("definite")[0]
            else:
                self.totals["processes"] += 1
                differ += self.judge(ours[label], theirs[label])
        if differ:
            clean = self.memprof("clean", str(self.targets / "safe_alloc.so"))
            differ = self.experiment(differ, STALE, clean, lambda ours, theirs: theirs)
        if differ:
            kept = self.memcheck("kept", "--run-libc-freeres=no")
            differ = self.experiment(differ, FREED, kept, lambda ours, theirs: ours)
        for one, other, stack in differ:
            words = f"{one.label}: memprof {one.words(stack)}, memcheck {other.words(stack)}"
            self.unexplained.append(f"{words}: {self.names.text(stack)}")

    def row(self):
        def cell(whose):
            return f"{self.totals[whose]} in {self.totals[whose, 'bytes']} B"

        why = "; ".join(f"{reason} ({n})" for reason, n in self.reasons.items() if n)
        processes = str(self.totals["processes"])
        return f"| {self.name} | {processes} | {cell('ours')} | {cell('theirs')} | {self.totals['agreed']} | {why} |"


def main():
    parser = argparse.ArgumentParser(description="definitely lost blocks of real programs: memprof beside memcheck")
    parser.add_argument("build", type=Path)
    parser.add_argument("--keep", type=Path, help="leave reports and dumps there")
    parser.add_argument("--plain", action="store_true", help="only as they are")
    parser.add_argument("programs", nargs="*")
    arguments = parser.parse_intermixed_args()
    build = arguments.build.resolve()
    failed = False
    print("| program | processes | memprof | memcheck | agreed | why not all |\n|---|---|---|---|---|---|", flush=True)
    for name in arguments.programs or WORKLOADS:
        program = WORKLOADS[name]
        missing = [tool for tool in ["valgrind", *program.needs] if not shutil.which(tool)]
        if missing:
            print(f"{missing[0]} is not installed", file=sys.stderr)
            sys.exit(77)
        for forgetful in (False,) if arguments.plain else (False, True):
            with contextlib.ExitStack() as stack:
                directory = arguments.keep
                if directory:
                    directory = directory / f"{name}{'-forgetful' if forgetful else ''}"
                    shutil.rmtree(directory, ignore_errors=True)
                    directory.mkdir(parents=True)
                else:
                    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                comparison = Comparison(build, program, forgetful, directory.resolve())
                comparison.compare()
            print(comparison.row(), flush=True)
            for line in comparison.unexplained:
                print(f"  {line}", flush=True)
            failed = failed or bool(comparison.unexplained)
            if not comparison.totals["processes"] or (forgetful and not comparison.totals["agreed"]):
                print("  nothing was compared")
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
