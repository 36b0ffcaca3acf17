# SPDX-License-Identifier: MIT
"""openmetrics.py FILE: reads FILE with the parsers of prometheus_client. Prints "name{labels} value" of each sample."""
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
    from prometheus_client.parser import text_string_to_metric_families as prometheus
except ImportError:
    print("prometheus_client of Python is not installed")
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as file:
    TEXT = file.read()


def samples(families):
    return [(s.name, sorted(s.labels.items()), s.value) for family in families for s in family.samples]


SEEN = samples(strict(TEXT))
if SEEN != samples(prometheus(TEXT)):
    print("the two formats disagree about", sys.argv[1])
    sys.exit(1)
for name, labels, value in SEEN:
    print(name, dict(labels), f"{value:.9f}")
