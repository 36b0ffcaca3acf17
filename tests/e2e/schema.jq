# SPDX-License-Identifier: MIT
# The promises of "memprof-report/1" that hold for every report. Prints the ones that are broken; true when none is.
# $whole: no site was left out.

def count: type == "number" and . == floor;
def count_or_null: . == null or count;
def text_or_null: . == null or type == "string";
def counts($keys): . as $object | all($keys[]; $object[.] | count);
def sum_of($key): [.[] | .[$key]] | add // 0;
def frame:
	type == "object" and has("address") and (.inlined | type == "boolean") and (.line | count_or_null)
	and (.function | text_or_null) and (.file | text_or_null) and (.module | text_or_null);
def stack: type == "array" and all(.[]; frame);
def site_counts:
	["alloc_count", "alloc_bytes", "free_count", "live_count", "live_bytes", "temporary_count", "realloc_count"];
def promise($what; holds): if holds then empty else $what end;

[
	promise("schema"; .schema == "memprof-report/1"),
	(.process | promise("process";
		(.pid | count) and (.exe | text_or_null) and (.argv | type | IN("array", "null")) and has("start_time")
		and (.duration_ns | count_or_null) and (.exit_status | count_or_null)
		and (.ended | IN("exit", "signal", "killed", "running", "exec"))
		and (.mode | IN("full", "sample", "off")))),
	(.totals | promise("totals";
		counts(site_counts + ["free_bytes", "peak_bytes"]) and (.peak_time_ns | count_or_null))),
	(select(.process.mode == "sample") | (.totals, .sites[])
		| promise("standard errors"; counts(["alloc_count", "alloc_bytes", "free_count", "free_bytes",
			"live_count", "live_bytes", "peak_count", "peak_bytes"] | map(. + "_stderr")))),
	promise("coverage"; .coverage | (.notable | type) == "boolean" and has("unseen_bytes") and has("allocator")),
	promise("losses"; .losses | type == "object" and all(.[]; count)),
	(.threads[] | promise("thread \(.name)"; (.name | text_or_null) and counts(["alloc_count", "free_count"]))),
	(.timeline | promise("number of points in time"; length <= 1024)),
	(.timeline[] | promise("point in time"; counts(["time_ns", "live_bytes"]))),
	(.timeline | map(.time_ns) | promise("timeline is not sorted"; . == sort)),
	(.marks[] | promise("mark \(.text)"; (.text | type == "string") and counts(["count", "stride"])
		and (.points | map(.number) | . == (sort | unique)) and all(.points[];
			counts(["time_ns", "number", "live_bytes", "live_count", "alloc_count", "tid"])
			and (.by | IN("program", "control"))))),
	(.sites[] | promise("site \(.id)"; has("id") and counts(site_counts + ["peak_bytes"]) and (.stack | stack))),
	(.growth | promise("growth"; (.judged | type == "boolean") and (.points | count)
		and (.from_ns | count_or_null) and (.judged or .sites == []))),
	(.growth.sites[] | promise("growth of site \(.site)"; counts(["live_bytes", "live_count", "grown_bytes"])
		and .bytes_per_s_low >= 0 and .score > 0 and .score <= 1 and (.stack | stack))),
	(.leak_scan | promise("leak_scan";
		(.ran | type == "boolean") and (if .ran then .why_not == null and (.method | type == "string")
			and counts(["duration_ns", "pause_ns", "block_count", "root_bytes"])
		else (.why_not | type == "string") and .method == null and .duration_ns == null end))),
	(.leak_totals | promise("leak_totals"; [.definite, .indirect, .possible, .reachable, .unfreed]
		| all(.[]; (.count | count_or_null) and (.bytes | count_or_null)))),
	(.leaks[] | promise("leak of site \(.site)";
		(.class | IN("definite", "indirect", "possible", "reachable", "unfreed"))
		and counts(["count", "bytes", "site"]) and (.owner | count_or_null)
		and (.class == "indirect") == (.owner != null) and (.stack | stack))),
	(.leak_scan.ran as $ran | promise("verdicts without a scan"; $ran or all(.leaks[]; .class == "unfreed"))),
	(.locks[] | promise("lock \(.id)";
		has("id") and has("address") and (.kind | type == "string") and (.name | text_or_null)
		and (.acquisitions | count_or_null) and counts(["contentions", "wait_ns", "wait_max_ns", "instances"])
		and all(.waiters[]; counts(["count", "wait_ns"]) and (.stack | stack)))),

	# What cannot differ, because both sides are sums of the same rows.
	(select($whole) | .totals as $totals | .sites as $sites
		| ("alloc_count", "alloc_bytes", "temporary_count", "realloc_count") as $key
		| promise("totals.\($key) is not the sum of the sites"; ($sites | sum_of($key)) == $totals[$key])),
	((.totals, .sites[]) | select(.sizes) | promise("sizes do not add up to the site";
		(.sizes | sum_of("count")) == .alloc_count and (.sizes | sum_of("bytes")) == .alloc_bytes)),
	((.totals, .sites[]) | select(.sizes) | promise("the mean of a class of sizes is not in it";
		all(.sizes[]; .from * .count <= .bytes and .bytes <= .to * .count))),
	promise("sizes are known if not sampled"; all(.totals, .sites[]; has("sizes"))),
	(.totals | promise("live_count is not allocated - freed"; .live_count == .alloc_count - .free_count)),
	(.totals | promise("live_bytes is not allocated - freed"; .live_bytes == .alloc_bytes - .free_bytes)),
	(.locks[] | promise("lock \(.id): more waited than in all"; (.waiters | sum_of("wait_ns")) <= .wait_ns))
]
| if length == 0 then true else (.[:10][], false) end
