# SPDX-License-Identifier: MIT
"""Makes the inputs of the benchmark programs that are too large to keep: always the same bytes."""
import json

NAMES = ("ann", "bob", "carla", "dmitri", "eve", "fatima", "george", "hanako")

C_HEAD = """\
typedef unsigned long size_t;
struct item { int key; int count; double weight; struct item *next; char name[24]; };
extern void *malloc(size_t bytes);
extern void free(void *block);
extern int puts(const char *text);
extern int table[256];
"""

C_FUNCTION = """\
static int helper_{n}(const struct item *it, int a, int b)
{{
	int sum = {c0};

	for (int i = 0; i < (a & {mask}) + {c1}; i++) {{
		switch ((it->key + i * {c2}) & 7) {{
		case 0: sum += table[(i + {c3}) & 255]; break;
		case 1: sum ^= it->count << (i & 3); break;
		case 2: sum -= b * {c4}; break;
		case 5: sum += it->name[i % 24]; break;
		default: sum = sum * {c5} + (a > b ? a : b);
		}}
		if (sum % {c6} == 3)
			continue;
		sum += (int)(it->weight * {c7}.5);
	}}
	return sum;
}}

int entry_{n}(struct item *list, int limit)
{{
	int best = -1, total = 0;
	struct item *made = malloc(sizeof(*made));

	made->key = {c8};
	made->weight = limit / 3.0;
	made->next = list;
	for (struct item *it = list; it; it = it->next) {{
		int value = helper_{n}(it, limit, total) + entry_{other}(it->next, limit - 1);

		for (int j = 0; j < {c9}; j++)
			for (int k = j; k < {c10}; k++)
				total += table[(j * {c11} + k) & 255] ^ (value >> (k & 7));
		if (value > best && it->count {op} {c12}) {{
			best = value;
			puts(it->name);
		}} else if (value < -{c13}) {{
			it->weight *= 1.{c14};
			it->count = best | total;
		}}
	}}
	free(made);
	return best + total;
}}
"""


def numbers(state):
    """A fixed sequence of 31-bit numbers that looks random."""
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def write_json(path, records):
    """Records for jq."""
    number = numbers(1)

    def name():
        return NAMES[next(number) % len(NAMES)]

    rows = [
        {
            "id": i,
            "name": f"{name()} {name()} {next(number) % 1000}",
            "team": next(number) % 50,
            "score": next(number) % 10007,
            "tags": [f"t{next(number) % 9}" for _ in range(3)],
            "parts": [{"k": f"k{j}", "v": next(number) % 100} for j in range(4)],
        }
        for i in range(records)
    ]
    path.write_text(json.dumps(rows))


def write_c(path, functions):
    """A translation unit for a C compiler; it includes nothing, so that no machine's headers matter."""
    number = numbers(2)
    text = [C_HEAD]
    text += [f"int entry_{n}(struct item *list, int limit);\n" for n in range(functions)]
    for n in range(functions):
        fields = {f"c{i}": 1 + next(number) % 61 for i in range(15)}
        op = ("<", ">", "==", "!=")[next(number) % 4]
        mask = (1 << 1 + next(number) % 6) - 1
        text.append(C_FUNCTION.format(n=n, other=(n + 7) % functions, mask=mask, op=op, **fields))
    path.write_text("".join(text))
