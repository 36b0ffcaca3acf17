# SPDX-License-Identifier: MIT
# How often the estimates of sampled runs hold the truth: reports of runs of one target as input (slurped), what it told
# of itself as $facts. Prints a line per number of a site: site, key, runs within the 95 % interval, runs, mean of the
# estimates as a share of the truth.

def sum_of($key): [.[] | .[$key]] | add // 0;
def square: . * .;

. as $reports
| ($facts | split("\n")[] | select(. != "") | split(" ")) as $words
| $words[4:][] | capture("^(?<key>[^=]+)=(?<want>.*)$") as {$key, $want}
| [$reports[] | [.sites[] | select(any(.stack[]; .function == $words[3]))]
	| { got: sum_of($key), error: ([.[] | .[$key + "_stderr"] | square] | add // 0 | sqrt) }] as $runs
| ($want | tonumber) as $want
# Both are rounded to whole numbers.
| [$runs[] | select((.got - $want | fabs) <= 1.96 * (.error + 0.5) + 0.5)] as $held
| "\($words[3]) \($key) \($held | length) \($runs | length) \(($runs | sum_of("got")) / ($runs | length) / $want)"
