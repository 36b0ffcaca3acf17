#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what memprof costs: against the same programs without it and under heaptrack, and against its budgets."""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ among the sources

import bench_cases as cases  # noqa: E402
from bench_run import FULL, HEAPTRACK, HERE, NATIVE, OFF, SAMPLED, Bench, Failed, Series  # noqa: E402
from bench_table import NOTHING, Findings, Table, number, ratio, read_budgets  # noqa: E402

RUNS = 7
RUNS_QUICK = 2
QUICK_SHARE = 4  # the loops of --quick are this much shorter
START_RUNS = 1000
START_BLOCK = 50  # starts in a row, before it is another mode's turn
ANALYZER_PARTIAL = 3  # exit status: something was not recorded, the report is there
MIB = 1024 * 1024


class Suite:
    """One call of this script: what was measured, and the tables made of it."""

    def __init__(self, bench, args):
        self.bench = bench
        self.quick = args.quick
        self.runs = args.runs or (RUNS_QUICK if args.quick else RUNS)
        self.findings = Findings(read_budgets(HERE / "budget.txt"))
        self.tables = []
        self.failures = []

    def interleaved(self, name, modes, run_one, runs=None):
        """Calls RUN_ONE(mode), each mode in turn, and each time another first. Returns {mode: Series}."""
        runs = runs or self.runs
        done = {mode: [] for mode in modes}
        broken = set()
        for i in range(runs):
            shift = i % len(modes)
            for mode in modes[shift:] + modes[:shift]:
                if mode in broken:
                    continue
                try:
                    done[mode].append(run_one(mode))
                except Failed as reason:
                    broken.add(mode)
                    self.failures.append(f"{name}, {mode}: {reason}")
        return {mode: Series(list_) for mode, list_ in done.items() if list_ and mode not in broken}

    # Real programs

    def real_programs(self, wanted):
        rows = {"cpu": [], "wall": [], "memory": []}
        for name in wanted:
            program = cases.make_program(name, self.bench)
            if program:
                self.real_program(program, rows)
        if not rows["cpu"]:
            return
        modes = self.bench.modes
        factors = [f"{mode} x" for mode in modes[1:]]
        self.add_table(
            "Real programs: CPU, user and system, all processes",
            ["program", "native s", "+-", *factors, "added/heaptrack's", "allocations", "added ns each"],
            rows["cpu"],
            "+-: half the distance between the quartiles of the native runs: differences below it mean nothing.",
        )
        self.add_table("Real programs: wall time", ["program", "native s", "+-", *factors], rows["wall"])
        self.add_table(
            "Real programs: memory and files",
            [
                "program",
                *(f"{mode} MiB" for mode in modes),
                "dump MiB",
                "heaptrack's file MiB",
                "analyzer s",
                "analyzer MiB",
            ],
            rows["memory"],
            "Peak RSS of the program itself. The analyzer starts with the dump, the program, its libraries and their",
            "debug files evicted from memory.",
        )

    def real_program(self, program, rows):
        name, bench = program.name, self.bench
        last_dumps = []
        digests = {}

        def run_one(mode):
            run = bench.run(mode, program.command, program.env)
            if run.digest != digests.setdefault("native", run.digest):
                raise Failed("its output is not that of the first run")
            if mode == FULL:
                last_dumps[:] = [keep_dump(bench, name, run.dumps)]
            return run

        series = self.interleaved(name, bench.modes, run_one)
        if NATIVE not in series:
            return
        facts = self.analyze(name, last_dumps[0], program.command[0]) if FULL in series else None
        self.note_program(name, series, facts)
        rows["cpu"].append(self.cpu_row(name, series, facts))
        rows["wall"].append([name, *self.factors(series, "wall")])
        rows["memory"].append(self.memory_row(name, series, facts))
        say(f"{name}: " + ", ".join(f"{mode} {s.median('cpu'):.2f} s" for mode, s in series.items()))

    def factors(self, series, what):
        native = series[NATIVE]
        base, spread = native.median(what), native.spread(what)
        cells = [ratio(series[mode].median(what), base) if mode in series else NOTHING for mode in self.bench.modes[1:]]
        return [number(base), NOTHING if spread is None else f"{spread * 100:.1f} %", *cells]

    def cpu_row(self, name, series, facts):
        native = series[NATIVE].median("cpu")
        quotient = events = each = None
        if FULL in series:
            added = series[FULL].median("cpu") - native
            if HEAPTRACK in series:
                quotient = added / (series[HEAPTRACK].median("cpu") - native)
            events = facts and facts["events"]
            each = added * 1e9 / events if events else None
        return [name, *self.factors(series, "cpu"), number(quotient, 3), number(events, 0), number(each, 0)]

    def memory_row(self, name, series, facts):
        peaks = [number(s.median("peak_kib") / 1024, 1) if s else NOTHING for s in map(series.get, self.bench.modes)]
        files = [
            number(series[mode].median("recorded_bytes") / MIB) if mode in series else NOTHING
            for mode in (FULL, HEAPTRACK)
        ]
        cost = [number(facts["wall"]), number(facts["peak_kib"] / 1024, 0)] if facts else [NOTHING] * 2
        return [name, *peaks, *files, *cost]

    def note_program(self, name, series, facts):
        note = self.findings.note
        native = series[NATIVE]
        cpu = native.median("cpu")
        if FULL in series:
            full = series[FULL]
            note("wall_full", full.median("wall") / native.median("wall"), name)
            note("dump", max(run.recorded_bytes for run in full.runs) / MIB, name)
            if HEAPTRACK in series:
                note("cpu_vs_heaptrack", (full.median("cpu") - cpu) / (series[HEAPTRACK].median("cpu") - cpu), name)
        if OFF in series:
            note("cpu_off", series[OFF].median("cpu") / cpu, name)
        if SAMPLED in series:
            note("cpu_sampled", series[SAMPLED].median("cpu") / cpu, name)
        if facts:
            note("analyzer_wall", facts["wall"], name)
            note("analyzer_memory", facts["peak_kib"] / 1024, name)

    def analyze(self, name, dump, program):
        """The cost of a report on DUMP, and what the dump holds. None if there is none."""
        bench = self.bench
        if not bench.analyzer.is_file():
            bench.notes.append(f"analyzer: {bench.analyzer} is missing")
            return None
        text = subprocess.run([bench.analyzer, dump, "--format", "json"], capture_output=True, check=False).stdout
        try:
            report = json.loads(text)
        except ValueError:
            self.failures.append(f"{name}, analyzer: no JSON")
            return None
        if report["losses"]:
            bench.notes.append(f"{name}: the dump counts as lost or unusual: {report['losses']}")
        modules = {frame["module"] for site in report["sites"] for frame in site["stack"] if frame["module"]}

        def run_one(_):
            evict([dump, program, bench.analyzer, *modules, *Path("/usr/lib/debug").rglob("*.debug")])
            return bench.run(NATIVE, [str(bench.analyzer), str(dump)], fine=(0, ANALYZER_PARTIAL))

        series = self.interleaved(f"{name}, analyzer", [NATIVE], run_one, 1 if self.quick else 3)
        if not series:
            return None
        cost = series[NATIVE]
        totals = report["totals"]
        return {"wall": cost.median("wall"), "peak_kib": cost.median("peak_kib"), "events": totals["alloc_count"]}

    # Programs of this directory

    def loops(self, wanted):
        rows = []
        rates = {}
        for loop in cases.LOOPS:
            if wanted(loop.name.replace(" ", "-")):
                self.loop(loop, rows, rates)
        if not rows:
            return
        self.note_threads(rates)
        modes = self.bench.modes
        header = ["program", "unit", *modes, "memprof - native", "memprof x", "added MiB", "dump MiB"]
        self.add_table("Nothing but the calls", header, rows, *cases.LOOP_NOTES, text_columns=(0, 1))

    def loop(self, loop, rows, rates):
        share = QUICK_SHARE if self.quick and "tree" not in loop.arguments else 1
        modes = [mode for mode in self.bench.modes if mode != HEAPTRACK or loop.heaptrack_count]

        def run_one(mode):
            count = loop.heaptrack_count if mode == HEAPTRACK else loop.count // share
            run = self.bench.run(mode, loop.command(self.bench, count))
            missing = [fact for fact in loop.facts if fact not in run.facts]
            if missing:
                raise Failed(f"it printed no {missing[0]}")
            if mode == HEAPTRACK and "all_pairs" in run.facts:
                run.facts["pair_ns"] = run.cpu * 1e9 / run.facts["all_pairs"]  # its second process counts too
            return run

        series = self.interleaved(loop.name, modes, run_one)
        if NATIVE not in series:
            return
        for fact, title in loop.facts.items():
            rows.append(self.loop_row(loop.name + title, fact, series))
        if "pair_ns" in loop.facts:
            self.note_pairs(loop.name, {mode: s.median("pair_ns") for mode, s in series.items()})
        else:
            rates[loop.name] = series
        first = next(iter(loop.facts))
        say(f"{loop.name}: " + ", ".join(f"{mode} {self.show(s, first)}" for mode, s in series.items()))

    @staticmethod
    def show(series, fact):
        if fact == "pairs_per_s":
            return number(series.median(fact) / 1e6)
        return number(series.median(fact), 1)

    def loop_row(self, title, fact, series):
        rate = fact == "pairs_per_s"
        cells = [self.show(series[mode], fact) if mode in series else NOTHING for mode in self.bench.modes]
        native, full = (series[mode].median(fact) if mode in series else None for mode in (NATIVE, FULL))
        more = NOTHING if rate or full is None else number(full - native, 1)
        files = [NOTHING] * 2
        if FULL in series:
            added = series[FULL].median("peak_kib") - series[NATIVE].median("peak_kib")
            files = [number(added / 1024, 1), number(series[FULL].median("recorded_bytes") / MIB, 1)]
        return [title, "M/s" if rate else "ns", *cells, more, ratio(full, native), *files]

    def note_pairs(self, name, ns):
        note = self.findings.note
        full = ns[FULL] - ns[NATIVE] if FULL in ns else None
        off = ns[OFF] - ns[NATIVE] if OFF in ns else None
        if name in ("alloc loop", "alloc descend"):
            note("alloc_pair", full, name)
            note("off_call", None if off is None else off / 2, name)
        elif name == "lock single":
            note("mutex_alone", full, name)
        elif name == "lock threaded":
            note("mutex_pair", full, name)

    def note_threads(self, rates):
        def rate(name, mode):
            series = rates.get(name, {}).get(mode)
            return series and series.median("pairs_per_s")

        one, two = rate("threads alloc 1", FULL), rate("threads alloc 2", FULL)
        if one and two:
            alone = rate("threads alloc 2", NATIVE) / rate("threads alloc 1", NATIVE)
            self.findings.note("two_threads", two / one, f"threads alloc (native: {alone:.2f}x)")
        for budget, name in (("contended", "lock contended"), ("readers", "lock readers")):
            native, full = rate(name, NATIVE), rate(name, FULL)
            if native and full:
                self.findings.note(budget, full / native, name)

    # Memory

    def live(self):
        """Memory of a process that holds blocks or threads: with memprof less without."""
        modes = [mode for mode in self.bench.modes if mode in (NATIVE, FULL, SAMPLED)]
        rows = []
        base = self.held(0, 24, 0, modes)
        if FULL not in base:
            return
        fixed = base[FULL]["rss_kib"]
        self.findings.note("fixed", fixed / 1024, "live")
        rows.append(self.live_row("nothing", base, modes, [NOTHING] * 2))
        for blocks, size in cases.LIVE_CASES_QUICK if self.quick else cases.LIVE_CASES:
            added = self.held(blocks, size, 0, modes)
            if FULL not in added:
                continue
            each = [(added[FULL][key] - base[FULL][key]) * 1024 / blocks for key in ("rss_kib", "peak_kib")]
            title = f"{blocks:,} blocks of {size:,} B"
            self.findings.note("live_block", each[0], title)
            rows.append(self.live_row(title, added, modes, [f"{value:.1f} B" for value in each]))
        added = self.held(0, 24, cases.LIVE_THREADS, modes)
        if FULL in added:
            each = [(added[FULL][key] - base[FULL][key]) / cases.LIVE_THREADS for key in ("rss_kib", "peak_kib")]
            title = f"{cases.LIVE_THREADS} threads with 16 stacks"
            self.findings.note("per_thread", each[0], title)
            rows.append(self.live_row(title, added, modes, [f"{value:.1f} KiB" for value in each]))
        self.add_table(
            "Memory that memprof adds (RSS)",
            ["what is held", *(f"{mode} MiB" for mode in modes[1:]), "each", "each, at the peak"],
            rows,
            "Each: less what is added with nothing held. Pages of the dump are counted in.",
        )

    def held(self, blocks, size, threads, modes):
        """{mode: {rss_kib and peak_kib above native's}}"""
        command = [self.bench.program("bench_live"), str(blocks), str(size), str(threads)]
        name = f"live {blocks} {size} {threads}"
        runs = min(self.runs, 3)
        series = self.interleaved(name, modes, lambda mode: self.bench.run(mode, command), runs)
        if NATIVE not in series:
            return {}
        native = series.pop(NATIVE)
        keys = ("rss_kib", "peak_kib")
        return {mode: {key: s.median(key) - native.median(key) for key in keys} for mode, s in series.items()}

    @staticmethod
    def live_row(title, added, modes, each):
        cells = [number(added[mode]["rss_kib"] / 1024, 1) if mode in added else NOTHING for mode in modes[1:]]
        return [title, *cells, *each]

    # Start

    def start_up(self):
        blocks = max(1, START_RUNS // START_BLOCK // (QUICK_SHARE if self.quick else 1))
        modes = [mode for mode in self.bench.modes if mode != HEAPTRACK]

        def run_one(mode):
            run = self.bench.run(mode, ["true"], runs=START_BLOCK)
            run.wall /= START_BLOCK
            run.cpu /= START_BLOCK
            return run

        series = self.interleaved("startup", modes, run_one, blocks)
        if NATIVE not in series:
            return
        rows = []
        for what in ("wall", "cpu"):
            native = series[NATIVE].median(what)
            cells = [number(s.median(what) * 1e3) if s else NOTHING for s in map(series.get, modes)]
            added = number((series[FULL].median(what) - native) * 1e3) if FULL in series else NOTHING
            rows.append([f"true, {what}", *cells, added])
        if FULL in series:
            added = series[FULL].median("wall") - series[NATIVE].median("wall")
            self.findings.note("start_up", added * 1e3, "true")
        header = ["program", *(f"{mode} ms" for mode in modes), "memprof - native"]
        self.add_table(f"Start and end, {blocks * START_BLOCK} times each", header, rows)

    # Output

    def add_table(self, title, header, rows, *notes, text_columns=(0,)):
        self.tables.append(Table(title, header, rows, list(notes), text_columns))

    def all_tables(self):
        return [*self.tables, self.findings.table()]


def say(text):
    """Progress, as the tables come only at the end."""
    print(text, file=sys.stderr, flush=True)


def keep_dump(bench, name, dumps):
    """Moves a dump to where the next run leaves it alone."""
    if len(dumps) != 1:
        raise Failed(f"{len(dumps)} dumps instead of one")
    return dumps[0].rename(bench.directory / f"{name}.bin")


def evict(paths):
    """Takes files out of the page cache, as far as no process has them mapped."""
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def first_line(*command):
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return "none"
    return (text.splitlines() or ["unknown"])[0]


def machine(bench):
    """What the numbers depend on."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.lower().startswith(("model name", "cpu part")):
            cpu = line.split(":", 1)[1].strip()
            break
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"CPU: {cpu}, {cores} in use; kernel: {platform.release()} {platform.machine()}; "
        f"libc: {' '.join(platform.libc_ver())}",
        f"compiler: {first_line(*bench.compiler.split(), '--version')}; "
        f"heaptrack: {first_line(bench.heaptrack, '--version') if bench.heaptrack else 'none'}; "
        f"{first_line(bench.analyzer, '--version')}",
    ]
    load = os.getloadavg()[0]
    if load > 0.3 * cores:
        lines.append(f"The machine was busy (load {load:.1f} before the first run): do not trust these numbers.")
    return lines


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="BUILD: directory with libmemprof.so and memprof-analyze (build); CC: compiler for the loops (cc). "
        "Exit status: 0 measured, 1 with --check: a budget is exceeded, 2 something did not run.",
    )
    runs = f"runs of each program in each mode ({RUNS}; quick: {RUNS_QUICK})"
    parser.add_argument("--runs", type=int, metavar="N", help=runs)
    parser.add_argument("--only", metavar="NAME,...", help="of: " + ", ".join(cases.NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: an impression, within 3 minutes")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to FILE too, as Markdown")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a budget is exceeded")
    args = parser.parse_args()
    args.only = args.only.split(",") if args.only else []
    unknown = [name for name in args.only if name not in cases.NAMES]
    if unknown:
        parser.error(f"--only: unknown: {', '.join(unknown)}")
    if args.runs is not None and args.runs < 1:
        parser.error("--runs: at least 1")
    return args


def measure(suite, only):
    suite.real_programs([name for name in cases.PROGRAMS if not only or name in only])
    suite.loops(lambda name: not only or name in only or "loops" in only)
    if not only or "live" in only:
        suite.live()
    if not only or "startup" in only:
        suite.start_up()


def write_markdown(path, about, suite):
    parts = ["\n".join(line + "  " for line in about), *(table.markdown() for table in suite.all_tables())]
    path.write_text("\n\n".join(part.rstrip() for part in parts) + "\n")


def main():
    args = parse_arguments()
    started = time.monotonic()
    try:
        bench = Bench(Path(os.environ.get("BUILD") or "build").resolve(), os.environ.get("CC") or "cc")
        bench.prepare()
    except Failed as reason:
        sys.exit(f"run_bench.py: {reason}")
    suite = Suite(bench, args)
    about = machine(bench)
    about.append(
        f"Medians of {suite.runs} interleaved runs; x: ratio to native; "
        "sampled: one per 512 KiB; off: preloaded, dormant."
    )
    measure(suite, args.only)

    print("\n".join(about) + "\n")
    for table in suite.all_tables():
        print(table.text())
    for line in dict.fromkeys(bench.notes):
        print(f"note: {line}")
    for line in suite.failures:
        print(f"FAILED: {line}")
    shutil.rmtree(bench.scratch, ignore_errors=True)
    print(f"It took {time.monotonic() - started:.0f} s.")
    if args.markdown:
        write_markdown(args.markdown, about, suite)
    if suite.failures:
        return 2
    return 1 if args.check and suite.findings.exceeded() else 0


if __name__ == "__main__":
    sys.exit(main())
