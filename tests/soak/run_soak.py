#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers at work for long, each with memprof and, under the same load, without.

What memprof takes must not grow with time: memory of the process beyond what it takes without, space mapped by the
library, size of the dumps. The load is bounded, so that the machine stays usable; throughput is measured apart, in
short bursts of both in turn. Needs root (postgres changes to its own user). Exit status 77: something is missing.
"""
import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOWS = ("plain", "memprof")
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def output_of(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


class Server:
    """One server in a directory, running with the library or without."""

    def __init__(self, root, how, build, interval):
        self.dir = root / f"{self.name}-{how}"
        self.dumps = root / f"{self.name}-dumps"
        self.interval = interval
        for directory in (self.dir, self.dumps):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o777)
        self.environment = dict(os.environ)
        if how == "memprof":
            self.environment.update(LD_PRELOAD=str(build / "libmemprof.so"), MEMPROF_QUIET="on",
                                    MEMPROF_OUT=f"{self.dumps}/%e.%p.bin")
        self.prepare()
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.dir, env=self.environment, stdout=log, stderr=log)

    def prepare(self):
        pass

    def processes(self):
        """The server and what it has forked, by their parents."""
        children = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found = [self.process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def memory_kib(self):
        """Private resident memory of all its processes."""
        total = 0
        for pid in self.processes():
            try:
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if self.name == "postgres" else signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.process.returncode


class Redis(Server):
    name = "redis"

    def command(self):
        return ["redis-server", "--port", "0", "--unixsocket", "socket", "--save", "", "--maxmemory", "48mb",
                "--maxmemory-policy", "allkeys-lru"]

    def benchmark(self, count):
        return ["redis-benchmark", "-s", str(self.dir / "socket"), "-n", str(count), "-c", "8", "-r", "5000", "-d",
                "100", "--csv", "-t", "set,lpush,lpop,sadd,hset"]

    def load(self, rate):
        """Five commands, each an equal share."""
        return [self.benchmark(max(10, rate * self.interval // 5))]

    def burst(self, seconds):
        rates = [float(line.split('","')[1]) for line in output_of(self.benchmark(15000 * seconds)).splitlines()[1:]]
        return len(rates) / sum(1 / rate for rate in rates)


class Nginx(Server):
    name = "nginx"

    def prepare(self):
        self.port = random.randrange(21000, 29000)
        (self.dir / "file").write_text("".join(f"{i}\n" for i in range(300)))
        temporary = "".join(f"{kind}_temp_path {self.dir}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "conf").write_text(
            f"user root; daemon off; pid {self.dir}/pid; error_log {self.dir}/error; worker_processes 2;\n"
            f"events {{ worker_connections 64; }}\nhttp {{ access_log off; {temporary}\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {self.dir}; }} }}\n")

    def command(self):
        return ["nginx", "-c", str(self.dir / "conf"), "-e", str(self.dir / "error")]

    def benchmark(self, *how):
        return ["ab", "-q", "-c", "8", *how, f"http://127.0.0.1:{self.port}/file"]

    def load(self, rate):
        return [self.benchmark("-n", str(max(8, rate * self.interval)))]

    def burst(self, seconds):
        for line in output_of(self.benchmark("-n", str(8000 * seconds))).splitlines():
            if line.startswith("Requests per second"):
                return float(line.split()[3])
        return 0.0


class Postgres(Server):
    name = "postgres"

    def prepare(self):
        self.data = self.dir / "data"
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        subprocess.run([*AS_POSTGRES, str(POSTGRES[-1].parent / "initdb"), "-D", str(self.data), "-A", "trust"],
                       check=True, stdout=subprocess.DEVNULL)

    def command(self):
        return [*AS_POSTGRES, str(POSTGRES[-1]), "-D", str(self.data), "-h", "", "-k", str(self.dir), "-c", "fsync=off",
                "-c", "shared_buffers=16MB"]

    def pgbench(self, *how):
        return ["pgbench", "-h", str(self.dir), "-U", "postgres", "-n", *how, "postgres"]

    def fill(self):
        for _ in range(100):
            if subprocess.run(self.pgbench("-i", "-q"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
                return
            time.sleep(0.2)
        raise SystemExit("postgres does not answer: " + (self.dir / "log").read_text()[-500:])

    def load(self, rate):
        """A transaction has seven statements; a connection for all of the interval, as a pool would keep it."""
        return [self.pgbench("-c", "2", "-R", str(max(1, rate // 7)), "-T", str(max(1, self.interval - 1)))]

    def burst(self, seconds):
        for line in output_of(self.pgbench("-c", "2", "-T", str(seconds))).splitlines():
            if line.startswith("tps"):
                return float(line.split()[2])
        return 0.0


def dump_state(server, build):
    """Of the long-lived processes: memory that the library has mapped and size of the dump's contents, KiB each."""
    mapped = used = 0
    for pid in server.processes():
        for dump in server.dumps.glob(f"*.{pid}.bin"):
            text = output_of([str(build / "memprof-analyze"), "--no-symbols", "--top", "1", "--format", "json",
                              str(dump)])
            try:
                report = json.loads(text)
            except json.JSONDecodeError:
                raise SystemExit(f"{dump} cannot be read") from None
            mapped += report["process"]["self_bytes"] // 1024
            used += dump.stat().st_blocks // 2
    return mapped, used


def ended_dumps_readable(server, build):
    """Those of processes that have ended are looked at once, and removed: a run leaves hundreds."""
    running = {str(pid) for pid in server.processes()}
    count = 0
    for dump in server.dumps.glob("*.bin"):
        if dump.name.split(".")[-2] in running:
            continue
        status = subprocess.run([str(build / "memprof-analyze"), "--no-symbols", "--format", "folded", str(dump)],
                                stdout=subprocess.DEVNULL, check=False).returncode
        if status != 0:
            raise SystemExit(f"memprof-analyze {dump}: status {status}")
        dump.unlink()
        count += 1
    return count


def soak(arguments, root):
    build = Path(arguments.build).resolve()
    kinds = [Redis, Nginx, Postgres]
    servers = {}
    samples = {kind.name: [] for kind in kinds}
    rates = {kind.name: {how: [] for how in HOWS} for kind in kinds}
    ended = 0
    try:
        for kind in kinds:
            for how in HOWS:
                servers[kind.name, how] = kind(root, how, build, arguments.interval)
        time.sleep(1)
        for how in HOWS:
            servers["postgres", how].fill()
        start = time.monotonic()
        bursts = 0
        while time.monotonic() < start + arguments.seconds:
            begun = time.monotonic()
            load = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    for server in servers.values() for command in server.load(arguments.rate)]
            for process in load:
                process.wait()
            if bursts < arguments.bursts * (time.monotonic() - start) / arguments.seconds:
                bursts += 1
                for kind in kinds:
                    for how in HOWS if bursts % 2 else HOWS[::-1]:
                        rates[kind.name][how].append(servers[kind.name, how].burst(arguments.burst))
            for kind in kinds:
                plain, preloaded = (servers[kind.name, how] for how in HOWS)
                if preloaded.process.poll() is not None:
                    raise SystemExit(f"{kind.name} ended with {preloaded.process.returncode}")
                ended += ended_dumps_readable(preloaded, build)
                sample = (plain.memory_kib(), preloaded.memory_kib(), *dump_state(preloaded, build))
                samples[kind.name].append(sample)
                print(f"{time.monotonic() - start:6.0f} s {kind.name:9} private KiB: native {sample[0]}, memprof "
                      f"{sample[1]}; mapped by memprof {sample[2]} KiB, dumps {sample[3]} KiB", flush=True)
            time.sleep(max(0.0, begun + arguments.interval - time.monotonic()))
        statuses = {key: server.end() for key, server in servers.items()}
    finally:
        for server in servers.values():
            if server.process.poll() is None:
                server.end()
    return judge(samples, rates, statuses, ended)


def judge(samples, rates, statuses, ended):
    failures = []
    for name, rows in samples.items():
        # The first third is warming up: caches fill, new stacks appear.
        third = max(1, len(rows) // 3)
        middle, late = rows[third:2 * third] or rows, rows[-third:]
        for column, what in ((1, "memory beyond native"), (2, "memory mapped by memprof"), (3, "dumps")):
            first, last = (statistics.median(row[column] - (row[0] if column == 1 else 0) for row in part)
                           for part in (middle, late))
            print(f"{name}: {what}: {first:.0f} KiB in the second third, {last:.0f} KiB in the last")
            if last > first * 1.1 + 1024:
                failures.append(f"{name}: {what} grows")
        plain, preloaded = (statistics.median(rates[name][how]) for how in HOWS)
        print(f"{name}: {preloaded:.0f} per second with memprof, {plain:.0f} without: {preloaded / plain:.2f}x, median "
              f"of {len(rates[name]['plain'])} bursts")
        if statuses[name, "plain"] != statuses[name, "memprof"]:
            failures.append(f"{name}: status {statuses[name, 'memprof']}, not {statuses[name, 'plain']}")
    print(f"{ended} dumps of processes that ended meanwhile, all readable")
    for failure in failures:
        print("FAILED:", failure)
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build", help="directory with libmemprof.so and memprof-analyze")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--interval", type=int, default=10, help="seconds between two looks")
    parser.add_argument("--rate", type=int, default=200, help="requests per second for each server")
    parser.add_argument("--bursts", type=int, default=8, help="measurements of throughput")
    parser.add_argument("--burst", type=int, default=3, help="seconds of one")
    arguments = parser.parse_args()
    missing = [program for program in ("redis-server", "redis-benchmark", "nginx", "ab", "pgbench", "setpriv")
               if not shutil.which(program)] + ([] if POSTGRES else ["postgres"])
    if os.getuid() != 0 or missing:
        print("needs root" if not missing else f"not installed: {' '.join(missing)}")
        return 77
    root = Path(tempfile.mkdtemp(prefix="memprof-soak."))
    root.chmod(0o755)
    try:
        return soak(arguments, root)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
