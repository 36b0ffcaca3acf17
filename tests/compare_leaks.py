#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The corpus of tests/targets/leaks.c beside LeakSanitizer and memcheck, as a table: compare_leaks.py [CASE...].
Needs a C compiler with -fsanitize=leak, and valgrind. Run by hand: it takes minutes. Cases are judged by the sizes of
their blocks; what a case expects is what memprof says of it, which `make check` makes sure of.
"""
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "targets" / "leaks.c"
CLASSES = {"definitely lost": "definite", "indirectly lost": "indirect", "possibly lost": "possible"}
CLASSES["still reachable"] = "reachable"
LEAST_BYTES = 500  # of a case's blocks, but for those of no bytes; averages of several are above
LSAN = re.compile(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)", re.M)
MEMCHECK = re.compile(
    r"([\d,]+) (?:\(([\d,]+) direct, [\d,]+ indirect\) )?bytes in ([\d,]+) blocks are (%s)" % "|".join(CLASSES)
)


def number(text):
    return int(text.replace(",", ""))


def build(directory, name, *flags):
    program = directory / name
    command = [os.environ.get("CC", "cc"), "-O2", "-g", "-fno-unroll-loops", "-D_GNU_SOURCE", "-pthread", *flags]
    command += [f"-I{HERE}/../include", f"-I{HERE}/targets", "-o", str(program), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
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
    for word, size, count in re.findall(r"leak (\w+) size=(\d+) count=(\d+)", facts):
        found[int(size), word] += int(count)
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


def words(found, count, unreported):
    """
    "2 definite, 1 indirect" of COUNT blocks; UNREPORTED: what it means if nothing is said of some. Both tools put
    blocks of one stack together whatever their sizes, so all of a case are counted; smaller ones are not the case's.
    """
    by_class = collections.Counter()
    for (size, word), n in found.items():
        if size >= LEAST_BYTES or unreported == "none":
            by_class[word] += n
    if count > sum(by_class.values()):
        by_class[unreported] += count - sum(by_class.values())
    order = ["definite", "indirect", "possible", "reachable", "not reported", "none"]
    return ", ".join(f"{by_class[word]} {word}" for word in order if by_class[word]) or "none"


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        plain = build(directory, "plain")
        checked = build(directory, "checked", "-fsanitize=leak")
        cases = sys.argv[1:] or subprocess.run([plain], capture_output=True, text=True, check=False).stdout.split()
        options = {"LSAN_OPTIONS": "report_objects=1:max_leaks=0"}
        valgrind = ["valgrind", "--leak-check=full", "--show-leak-kinds=all"]
        same = skipped = 0
        print("| case | memprof | LeakSanitizer | memcheck |\n|---|---|---|---|")
        for case in cases:
            text, _ = run([str(checked), case], options)
            memcheck_text, facts = run([*valgrind, str(plain), case])
            want = expected(facts or run([str(plain), case])[1])
            if not want:  # it needs a library beside the program
                skipped += 1
                continue
            count = sum(n for (_, word), n in want.items() if word != "none")
            row = [
                words(want, count, "none"),
                words(lsan(text), count, "not reported"),
                words(memcheck(memcheck_text), count, "not reported"),
            ]
            # LeakSanitizer says nothing of what is reachable.
            equal = row[0].replace("reachable", "not reported") == row[1] and row[0] == row[2]
            same += equal
            print(f"| {case} | {' | '.join(row)} |{'' if equal else ' differs'}", flush=True)
        print(f"\n{len(cases) - skipped} cases, {same} the same under all three")


if __name__ == "__main__":
    main()
