# SPDX-License-Identifier: MIT
# Groups, sorts, rewrites and counts the records of the generated input.
def initials: split(" ") | map(.[0:1] | ascii_upcase) | join("");

(group_by(.team) | map({team: .[0].team, size: length, score: (map(.score) | add),
	names: (map(.name | initials) | unique | join(","))}) | sort_by(-.score) | .[0:3]),
(map(select(.tags | index("t3")) | {id, label: "\(.name) <\(.tags | join("+"))>"}) | length),
([.[] | .. | numbers] | add),
(map(.parts |= map({key: .k, value: (.v * 2)}) | .total = ([.parts[].value] | add)) | map(.total) | sort | .[-3:]),
(reduce .[] as $r ({}; .[$r.name[0:2]] += 1) | to_entries | sort_by(.value, .key) | .[-3:]),
(map(tojson | fromjson | .name | test("ann|bob")) | map(select(.)) | length)
