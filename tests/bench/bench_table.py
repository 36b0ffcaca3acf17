# SPDX-License-Identifier: MIT
"""Tables for the terminal and for Markdown, and the budgets."""
from dataclasses import dataclass
from pathlib import Path

NOTHING = "-"


@dataclass
class Table:
    """The first column is text, the others are numbers (or the text that stands for them)."""

    title: str
    header: list
    rows: list
    notes: list
    text_columns: tuple = (0,)

    def _pad(self, cells, widths):
        pairs = enumerate(zip(cells, widths))
        return [cell.ljust(width) if i in self.text_columns else cell.rjust(width) for i, (cell, width) in pairs]

    def text(self):
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        out = [self.title, ""]
        for line in lines:
            out.append("  " + "  ".join(self._pad(line, widths)).rstrip())
            if line is self.header:
                out.append("  " + "  ".join("-" * width for width in widths))
        out += ["  " + note for note in self.notes]
        return "\n".join(out) + "\n"

    def markdown(self):
        rule = ["---" if i in self.text_columns else "---:" for i in range(len(self.header))]
        out = [f"**{self.title}**", ""]
        for line in (self.header, rule, *self.rows):
            out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |")
        out += ["", *(note + "  " for note in self.notes)]
        return "\n".join(out).rstrip() + "\n"


def number(value, digits=2):
    return NOTHING if value is None else f"{value:,.{digits}f}"


def ratio(value, base):
    """How many times BASE."""
    return NOTHING if value is None or not base else f"{value / base:.3f}x"


@dataclass
class Budget:
    name: str
    relation: str
    limit: float
    unit: str
    text: str

    def met(self, value):
        return value <= self.limit if self.relation == "<=" else value >= self.limit

    def show(self, value):
        digits = 3 if self.unit in ("-", "x") else 1
        return number(value, digits) + ("" if self.unit == "-" else " " + self.unit)


def read_budgets(path: Path):
    budgets = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, relation, limit, unit, text = line.split(None, 4)
            budgets.append(Budget(name, relation, float(limit), unit, text))
    return budgets


class Findings:
    """The measured value of each budget: the worst that was noted, and where that was."""

    def __init__(self, budgets):
        self.budgets = {budget.name: budget for budget in budgets}
        self.worst = {}

    def note(self, name, value, where):
        old = self.worst.get(name)
        better = 1 if self.budgets[name].relation == "<=" else -1
        if value is not None and (old is None or value * better > old[0] * better):
            self.worst[name] = (value, where)

    def exceeded(self):
        return [name for name, (value, _) in self.worst.items() if not self.budgets[name].met(value)]

    def table(self):
        rows = []
        for budget in self.budgets.values():
            limit = f"{budget.relation} {budget.limit:g}" + ("" if budget.unit == "-" else " " + budget.unit)
            if budget.name in self.worst:
                value, where = self.worst[budget.name]
                rows.append([budget.text, limit, budget.show(value), where, "yes" if budget.met(value) else "NO"])
            else:
                rows.append([budget.text, limit, NOTHING, "not measured", NOTHING])
        return Table("Budgets", ["what", "limit", "measured", "worst in", "met"], rows, [], (0, 3, 4))
