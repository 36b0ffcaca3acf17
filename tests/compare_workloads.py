# SPDX-License-Identifier: MIT
"""What the programs of compare_programs.py do: enough to allocate in many ways, little enough for memcheck."""
import http.server
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
    insert into t select i, printf('text %d', i * 7919 % 10007), i / 3.0 from n;
create index b on t(b);
create table doc(j text);
insert into doc select json_object('a', a, 'b', b) from t;
select count(*), sum(a), max(b) from t where b like 'text 1%';
select b, count(*) c from t group by b order by c desc, b limit 5;
select sum(json_extract(j, '$.a')) from doc;
create virtual table f using fts5(body);
insert into f select b from t;
select count(*) from f where f match 'text';
update t set b = upper(b) where a % 3 = 0;
create view v as select a, b from t where c > 10;
select group_concat(b) over (order by a rows 2 preceding) from v limit 4;
select no_such_column from t;
.mode box
select * from t limit 3;
.parameter set :x 5
.schema
.import rows.csv imported
select count(*) from imported;
.dump t
vacuum;
"""

PYTHON = """
import collections, ctypes, datetime, decimal, json, re, sqlite3, threading, zlib, xml.etree.ElementTree
libc = ctypes.CDLL(None)
libc.malloc.argtypes = [ctypes.c_size_t]
libc.malloc.restype = ctypes.c_void_p
def forget(n):
    for i in range(n):
        libc.malloc(1000 + i)
forget(7)
words = [str(i * 7919 % 10007) for i in range(2000)]
print(len(collections.Counter(words)), len(json.dumps(words)), len(zlib.compress(" ".join(words).encode())))
print(len(re.findall(r"(\\d)\\1", " ".join(words))), decimal.Decimal(1) / 7, datetime.date(2020, 1, 1).isoformat())
c = sqlite3.connect(":memory:")
c.execute("create table t(a)")
c.executemany("insert into t values (?)", [(w,) for w in words])
print(c.execute("select count(*) from t").fetchone())
class Node:
    pass
for i in range(50):
    a, b = Node(), Node()
    a.other, b.other = b, a
threads = [threading.Thread(target=forget, args=(3,)) for i in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
"""

BASH = """
declare -A table
fill() { local i list=(); for i in {1..60}; do list+=("x$i"); table[k$i]=${list[*]}; done; echo ${#list[@]}; }
fill
x=$(fill; echo ${!table[@]} | tr ' ' '\\n' | sort | tail -n 1)
echo "$x" | while read -r a; do printf '%s\\n' "${a//x/y}"; done
(cd / && f() { trap 'echo bye' EXIT; eval "g() { echo $1; }"; g; }; f 3)
case $x in *x*) [[ $x =~ (k[0-9]+) ]] && echo "${BASH_REMATCH[1]}" ;; esac
printf -v y '%05d' 42; unset table; mapfile -t lines < <(seq 5); echo "$y ${lines[@]:1:2} $((2 ** 10))"
exec 3<<<"here"; read -r -u 3 z; echo "$z"; set -- a b c; shift; echo "$@"; shopt -s extglob; echo ${x##+(k)}
"""

JQ = """
def fact: if . <= 1 then 1 else . * (. - 1 | fact) end;
(map(.n) | add), (group_by(.k) | map({k: .[0].k, n: length})), ([.[] | .text | test("1.*2"; "x")] | unique),
(.[0:3] | map(.text | ascii_upcase | @base64)), ([limit(3; .[])] | tojson | fromjson | length),
(reduce .[] as $x ({}; .[$x.k] += $x.n)), (10 | fact), (try error("x") catch .), ([paths] | length),
([splits("a"; "b")?] | length), (.[3] | to_entries | from_entries), ("a,b" | split(",")), input_line_number
"""

GIT = [
    "clone -q --no-local origin clone",
    "-C clone log --stat -p --all --graph",
    "-C clone blame file.1",
    "-C clone diff --stat HEAD~2",
    "-C clone shortlog HEAD",
    "-C clone checkout -q -b side HEAD~2",
    "-C clone merge -q --no-edit origin/main",
    "sleep",
    "-C clone rebase -q HEAD~1",
    "-C clone grep --threads 1 -n 7 HEAD",
    "sleep",
    "-C clone status --short",
    "-C clone gc -q",
    "-C clone fsck --full",
    "-C clone show nothing",
]


@dataclass
class Workload:
    name: str
    needs: list
    commands: list = field(default_factory=list)
    env: dict = field(default_factory=dict)

    def prepare(self, place):
        pass

    def run(self, place, prefix, commands, env, log):
        for command in commands:
            if command[0] == "sleep":  # for a new time stamp
                time.sleep(float(command[1]))
                continue
            subprocess.run(
                [*prefix, *command], cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )


def call(place, *command):
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Git(Workload):
    def prepare(self, place):
        os.environ.update(GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_DATE="2020-01-01T00:00:00Z")
        os.environ.update(GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
        (place / ".gitconfig").write_text("[user]\n\tname = a\n\temail = a@b\n[gc]\n\tauto = 0\n")
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        call(place, *git, "init", "-q", "-b", "main", "origin")
        for i in range(1, 6):
            (place / "origin" / f"file.{i}").write_text("".join(f"{n * i}\n" for n in range(200)))
            (place / "origin" / "file.1").write_text("".join(f"{n * i}\n" for n in range(100 + i)))
            call(place / "origin", *git, "add", ".")
            call(place / "origin", *git, "commit", "-q", "-m", f"number {i}")


class Sqlite(Workload):
    def prepare(self, place):
        (place / "rows.csv").write_text("a,b\n" + "".join(f"{n},x{n}\n" for n in range(50)))
        (place / "work.sql").write_text(SQL)


class Jq(Workload):
    def prepare(self, place):
        rows = ",".join('{"n": %d, "k": "k%d", "text": "%d"}' % (n, n % 7, n * 7919) for n in range(150))
        (place / "input.json").write_text(f"[{rows}]")
        (place / "work.jq").write_text(JQ)
        (place / "broken.json").write_text('[1, {"a": [2, {"b"')


class Curl(Workload):
    def run(self, place, prefix, commands, env, log):
        (place / "file").write_text("x" * 20000)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(place))

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        commands = [
            ["curl", "-s", f"{url}/file", "-o", "out1", f"{url}/", "-o", "out2"],
            ["curl", "-s", "-L", "--compressed", "-H", "X: y", "-b", "c=d", "-c", "jar", "-D", "head", f"{url}/none"],
            ["curl", "-s", "-F", "a=@file", f"{url}/[1-2]"],
            ["curl", "-s", f"file://{place}/file"],
            ["curl", "-s", "http://127.0.0.1:1/"],
        ]
        try:
            super().run(place, prefix, commands, env, log)
        finally:
            server.shutdown()
            server.server_close()


def wait_for(path, server):
    end = time.monotonic() + 60
    while not path.exists() and server.poll() is None and time.monotonic() < end:
        time.sleep(0.05)


class Redis(Workload):
    def run(self, place, prefix, commands, env, log):
        command = ["redis-server", "--port", "0", "--unixsocket", str(place / "socket"), "--save", ""]
        command += ["--enable-debug-command", "yes"]
        with subprocess.Popen([*prefix, *command], cwd=place, env=env, stdout=log, stderr=log) as server:
            wait_for(place / "socket", server)
            self.talk(place)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()

    def talk(self, place):
        commands = [f"set key:{i} {i * 7919 % 10007}" for i in range(50)]
        commands += [f"lpush list {i}" for i in range(50)] + [f"hset hash f{i} {i}" for i in range(50)]
        commands += [f"zadd z {i} m{i}" for i in range(150)] + ["xadd stream * a b", "sadd set 1 2 3 x", "keys *"]
        commands += ["expire key:3 1", "sort list limit 0 3", "eval 'return redis.call(\"get\", \"key:4\")' 0"]
        commands += ["config set maxmemory 100mb", "acl list", "multi", "incr n", "exec", "nothing", "del list"]
        commands += ["client list", "info", "debug reload nosave", "debug leak lost", "script flush", "shutdown nosave"]
        redis = ["redis-cli", "-s", str(place / "socket")]
        text = "\n".join(commands)
        subprocess.run(redis, input=text, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Nginx(Workload):
    def run(self, place, prefix, commands, env, log):
        for i in range(1, 6):
            (place / f"t{i}").mkdir()
        (place / "file").write_text("x" * 20000)
        user = "user root;\n" if os.getuid() == 0 else ""
        temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        paths = "".join(f"{name}_temp_path {place}/t{i + 1};\n" for i, name in enumerate(temporary))
        (place / "nginx.conf").write_text(
            f"{user}daemon off;\npid {place}/pid;\nerror_log {place}/error.log;\nworker_processes 1;\n"
            f"events {{ worker_connections 64; }}\nhttp {{ access_log {place}/access.log;\n{paths}gzip on;\n"
            f"server {{ listen unix:{place}/socket; root {place}; rewrite ^/old$ /file; }} }}\n"
        )
        command = ["nginx", "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
        with subprocess.Popen([*prefix, *command], cwd=place, env=env, stdout=log, stderr=log) as server:
            wait_for(place / "socket", server)
            for path in ["file", "none", "old", "file"]:
                self.get(place / "socket", path)
            server.send_signal(signal.SIGQUIT)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()

    def get(self, path, name):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.settimeout(60)
            connection.sendall(f"GET /{name} HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            while connection.recv(65536):
                pass


def python(name, **env):
    command = [PYTHON3, "-s", "-S", "-c", PYTHON]
    return Workload(name, [PYTHON3], [command], {"PYTHONHASHSEED": "0", **env})


# Not a wrapper of some version manager.
PYTHON3 = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else shutil.which("python3")

WORKLOADS = {
    workload.name: workload
    for workload in [
        Git("git", ["git"], [["sleep", "1.1"] if line == "sleep" else ["git", *line.split()] for line in GIT]),
        Sqlite("sqlite3", ["sqlite3"], [["sqlite3", "-batch", "work.db", ".read work.sql"]]),
        python("python3"),
        python("python3-malloc", PYTHONMALLOC="malloc"),
        Jq(
            "jq",
            ["jq"],
            [
                ["jq", "-c", "-f", "work.jq", "input.json"],
                ["jq", "-r", "--arg", "a", "b", ".[] | [.n, .k, $a] | @csv", "input.json"],
                ["jq", "--stream", "-c", ".", "input.json"],
                ["jq", ".", "broken.json"],
                ["jq", "-n", "[range(10)] | map(tostring) | join(\"-\") | error"],
            ],
        ),
        Workload("bash", ["bash", "seq"], [["bash", "-c", BASH]]),
        Curl("curl", ["curl"]),
        Redis("redis-server", ["redis-server", "redis-cli"]),
        Nginx("nginx", ["nginx"]),
    ]
}
