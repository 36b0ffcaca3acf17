# SPDX-License-Identifier: MIT
"""Objects, dictionaries, strings, JSON, parsing, sorting: what Python programs do, without any chance."""
import ast
import collections
import json
import re


class Node:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.left = None
        self.right = None


def insert(root, key, value):
    while True:
        if key == root.key:
            root.value += value
            return
        side = "left" if key < root.key else "right"
        child = getattr(root, side)
        if child is None:
            setattr(root, side, Node(key, value))
            return
        root = child


def walk(node, visit):
    if node is not None:
        walk(node.left, visit)
        visit(node)
        walk(node.right, visit)


def words(count):
    state = 12345
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        yield f"w{state % 3001:x}-{state % 17}"


def count_words(count):
    table = collections.Counter(words(count))
    root = Node("m", 0)
    for word, number in table.items():
        insert(root, word, number)
    lines = []
    walk(root, lambda node: lines.append(f"{node.key}:{node.value}"))
    return lines


def shuffle_json(lines):
    parts = (line.split(":") for line in lines)
    records = [{"name": name, "count": int(count), "tags": list(f"{name}:"[:5])} for name, count in parts]
    text = json.dumps(records)
    back = json.loads(text)
    back.sort(key=lambda record: (-record["count"], record["name"]))
    groups = collections.defaultdict(list)
    for record in back:
        groups[record["tags"][1]].append(record["name"].upper())
    return len(text), {key: len(",".join(sorted(value))) for key, value in sorted(groups.items())}


def parse_source(times):
    source = "".join(
        f"def f{i}(a, b={i}):\n    x = [a * {i}, b + {i}, 'text{i}']\n    return {{'k': x, 'n': a if b else -a}}\n"
        for i in range(times)
    )
    tree = ast.parse(source)
    names = sum(isinstance(node, ast.Name) for node in ast.walk(tree))
    return names, len(compile(tree, "made", "exec").co_consts)


def substitute(lines):
    pattern = re.compile(r"w([0-9a-f]+)-(\d+)")
    return sum(len(pattern.sub(lambda m: m.group(2) + "/" + m.group(1), line)) for line in lines)


def main():
    for turn in range(3):
        lines = count_words(90000 + turn)
        print(len(lines), *shuffle_json(lines))
        print(parse_source(700), substitute(lines))


main()
