# SPDX-License-Identifier: MIT
# Compares what target programs told on descriptor 3 ($facts, see tests/targets/facts.h) with their reports (the input,
# slurped: jq -s). Prints one line per fact that does not hold.

def holds($want; $got):
	if $want | test("^-?[0-9]+$") then $got == ($want | tonumber)
	elif $want | test("^-?[0-9]*\\.\\.-?[0-9]*$") then
		($want | split("..")) as [$low, $high]
		| ($got | type) == "number" and ($low == "" or $got >= ($low | tonumber))
			and ($high == "" or $got <= ($high | tonumber))
	else ($got | tostring) == $want end;

def functions: [.stack[] | .function];
def has_function($name): functions | index([$name]) != null;
def sum_of($key): [.[] | .[$key]] | add // 0;
def program: (.process.exe // "?") | split("/") | last;

# What the report says about KEY of the thing that the words KIND NAME mean. $report is the whole, the input the parts.
def actual($kind; $key; $report):
	($key | split("+")) as [$field, $loss]
	| if $kind == "lock" then
		if length == 1 then .[0][$field] elif length == 0 then 0 else "\(length) locks of that name" end
	elif $kind == "mark" then
		if $field == "rows" then [.[].points[]] | length
		else (first // {}) | (. + (.points // [{}] | last))[$field] end
	elif $field | IN("sites", "pairs") then length
	elif $field == "frames" then map(.stack | length) | max
	elif $field == "cut" then map(.cut // "whole") | unique | join(",")
	elif $loss then sum_of($field) + ($report.losses[$loss] // 0)
	else sum_of($field) end;

def chosen($kind; $name; $inside; $outside; $report):
	if $kind == "site" then
		[$report.sites[] | select(has_function($name) and ($outside == null or (has_function($outside) | not)))]
	elif $kind == "lock" then [$report.locks[] | select(.name == $name)]
	elif $kind == "mark" then [$report.marks[] | select(.text == $name)]
	elif $kind == "realloc" then [$report.sites[] | select(has_function($name)) | .reallocs | select(.)]
	elif $kind == "pair" then
		[$report.free_pairs[]
			| select($name == "*" or "\(.allocated_by.name // "?"):\(.freed_by.name)" == $name)]
	elif $kind == "waiter" then
		[$report.locks[] | select($name == "*" or .name == $name) | .waiters[]
			| select($inside == null or has_function($inside))]
	elif $kind == "culprit" then
		[$report.locks[] | select($name == "*" or .name == $name) | .culprits // [] | .[]
			| select($inside == null or has_function($inside))]
	else [$report.threads[] | select(.name == $name)] end;

def misses($words; $report):
	$words[2] as $kind
	| ($kind | IN("total", "process", "loss")) as $whole
	| (if $whole then null else $words[3] end) as $name
	| [$words[(if $whole then 3 else 4 end):][] | capture("^(?<key>[^=]+)=(?<want>.*)$")] as $pairs
	| ([$pairs[] | select(.key == "in") | .want] | first) as $inside
	| ([$pairs[] | select(.key == "not") | .want] | first) as $outside
	| (if $whole then null else chosen($kind; $name; $inside; $outside; $report) end) as $parts
	| $pairs[]
	| .key as $key | .want as $want
	| if $key | IN("in", "not") then empty
	elif $key == "outer" then
		$parts[] | functions
		| select((index([$name]) // infinite) >= (rindex([$want]) // -1))
		| "\($words | join(" ")): \($want) is not further out in: \(map(. // "?") | join(" < "))"
	else
		(if $kind == "total" then $report.totals[$key]
		elif $kind == "process" then $report.process[$key]
		elif $kind == "loss" then $report.losses[$key] // 0
		else ($parts | actual($kind; $key; $report)) end) as $got
		| select(holds($want; $got) | not)
		| "\($words[0:2] | join(" ")): \($kind) \($name // "") \($key) is \($got), not \($want)"
	end;

. as $reports
| $facts | split("\n")[] | select(. != "")
| split(" ") as $words
| ([$reports[] | select((.process.pid | tostring) == $words[0] and program == $words[1])]
	| sort_by(.process.start_time) | last) as $report
| if $report == null then "\($words[0:2] | join(" ")): no report, but the fact: \(.)"
else misses($words; $report) end
