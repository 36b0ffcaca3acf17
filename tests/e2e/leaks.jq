# SPDX-License-Identifier: MIT
# Compares the verdicts that a target of tests/targets/leaks* told on descriptor 3 ($facts) with those of its report.
# Prints one line for each that differs. What a fact says of blocks of SIZE holds for all sites whose blocks have it.

def option($name):
	[.[] | select(startswith($name + "=")) | ltrimstr($name + "=") | tonumber] | .[0];

. as $report
| [$facts | split("\n")[] | select(. != "") | split(" ") | select(.[2] == "leak")
	| { class: .[3], size: option("size"), count: option("count") }] as $facts
| def found: . as $fact
	| [$report.leaks[] | select(($fact.class == "none" or .class == $fact.class)
		and ($fact.size == null or .bytes == .count * $fact.size)) | .count] | add // 0;
($facts[] | select(found != .count) | "\(.class), size \(.size): \(found) blocks, not \(.count)"),
([$facts[] | select(.class == "definite") | .count] | add // 0) as $definite
| select($report.leak_totals.definite.count != $definite)
| "definitely lost in all: \($report.leak_totals.definite.count), not \($definite)"
