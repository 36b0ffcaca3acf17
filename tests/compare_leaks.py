#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The corpora of tests/targets/leaks.c and leaks_cxx.cc beside LeakSanitizer and memcheck, as a table:
compare_leaks.py [CASE...]. Needs clang (or CC, CXX) with -fsanitize=leak, and valgrind. Run by hand: it takes minutes.
Cases are judged by the sizes of their blocks; what a case expects is what memprof says of it, which `make check` makes
sure of.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = HERE / "targets"
FLAGS = ["-O2", "-g", "-fno-unroll-loops", "-D_GNU_SOURCE", "-pthread", f"-I{HERE}/../include", f"-I{TARGETS}"]
if not shutil.which("clang"):
    COMPILERS = {"leaks.c": os.environ.get("CC", "cc"), "leaks_cxx.cc": os.environ.get("CXX", "c++")}
else:
    COMPILERS = {"leaks.c": os.environ.get("CC", "clang"), "leaks_cxx.cc": os.environ.get("CXX", "clang++")}
CLASSES = {"definitely lost": "definite", "indirectly lost": "indirect", "possibly lost": "possible"}
CLASSES["still reachable"] = "reachable"
LSAN = re.compile(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)", re.M)
MEMCHECK = re.compile(
    r"([\d,]+) (?:\(([\d,]+) direct, [\d,]+ indirect\) )?bytes in ([\d,]+) blocks are (%s)" % "|".join(CLASSES)
)


def number(text):
    return int(text.replace(",", ""))


def build(directory, source, *flags):
    """The program made of SOURCE, with FLAGS, and beside it the module that some cases load."""
    directory.mkdir(exist_ok=True)
    program = directory / Path(source).stem
    compiler = COMPILERS[source]
    subprocess.run([compiler, *FLAGS, *flags, "-o", program, TARGETS / source, "-ldl"], check=True)
    module = [TARGETS / "leak_module.c", "-shared", "-fPIC"]
    subprocess.run([COMPILERS["leaks.c"], *FLAGS, *module, "-o", directory / "leak_module.so"], check=True)
    return program


def run(command, env=None):
    """What it says on standard error, and on descriptor 3."""
    with tempfile.TemporaryFile("w+") as facts, tempfile.TemporaryFile("w+") as errors:
        saved = os.dup(facts.fileno())
        try:
            subprocess.run(
                ["/bin/sh", "-c", 'exec "$@" 3>&%d' % saved, "sh", *command],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, **(env or {})},
                pass_fds=[saved],
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "timed out", ""
        finally:
            os.close(saved)
        facts.seek(0)
        errors.seek(0)
        return errors.read(), facts.read()


def expected(facts):
    found = collections.Counter()
    for word, size, count in re.findall(r"leak (\w+)(?: size=(\d+))? count=(\d+)", facts):
        found[int(size) if size else None, word] += int(count)
    return found


def lsan(text):
    found = collections.Counter()
    for kind, total, count in LSAN.findall(text):
        found[int(total) // int(count), "definite" if kind == "Direct" else "indirect"] += int(count)
    return found


def memcheck(text):
    found = collections.Counter()
    for total, direct, count, words in MEMCHECK.findall(text):
        found[number(direct or total) // number(count), CLASSES[words]] += number(count)
    return found


def words(found, sizes, count, unreported):
    """
    "2 definite, 1 indirect" of COUNT blocks; UNREPORTED: what it means if nothing is said of some. Blocks of other
    sizes than a case has (an empty one is of one byte to LeakSanitizer) are not the case's. Both tools put blocks of
    one stack together, so that only the mean of their sizes is known.
    """
    by_class = collections.Counter()
    for (size, word), n in found.items():
        if size is None or None in sizes or min(sizes) <= size <= max(max(sizes), 1):
            by_class[word] += n
    if count > sum(by_class.values()):
        by_class[unreported] += count - sum(by_class.values())
    order = ["definite", "indirect", "possible", "reachable", "not reported", "none"]
    return ", ".join(f"{by_class[word]} {word}" for word in order if by_class[word]) or "none"


def compare(source, directory, wanted):
    """The rows of a corpus; how many there are, and how many of them are the same under all three."""
    plain = build(directory / "plain", source)
    checked = build(directory / "checked", source, "-fsanitize=leak")
    cases = subprocess.run([plain], capture_output=True, text=True, check=False).stdout.split()
    options = {"LSAN_OPTIONS": "report_objects=1:max_leaks=0"}
    valgrind = ["valgrind", "--leak-check=full", "--show-leak-kinds=all"]
    rows = same = 0
    for case in cases:
        if wanted and case not in wanted:
            continue
        text, _ = run([str(checked), case], options)
        memcheck_text, facts = run([*valgrind, str(plain), case])
        want = expected(facts)
        sizes = {size for size, _ in want}
        count = sum(n for (_, word), n in want.items() if word != "none")
        row = [
            words(want, sizes, count, "none"),
            words(lsan(text), sizes, count, "not reported"),
            words(memcheck(memcheck_text), sizes, count, "not reported"),
        ]
        # LeakSanitizer says nothing of what is reachable.
        equal = row[0].replace("reachable", "not reported") == row[1] and row[0] == row[2]
        rows += 1
        same += equal
        print(f"| {case} | {' | '.join(row)} |{'' if equal else ' differs'}", flush=True)
    return rows, same


def main():
    print("| case | memprof | LeakSanitizer | memcheck |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        totals = [compare(source, Path(name), sys.argv[1:]) for source in COMPILERS]
    rows, same = map(sum, zip(*totals))
    print(f"\n{rows} cases, {same} the same under all three")


if __name__ == "__main__":
    main()
