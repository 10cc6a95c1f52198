"""Figures that a run tells its reader at the end, whatever pytest captures."""

import pytest

PROPERTY = "figure"

_told: list[str] = []


def show(line: str) -> None:
    """Have a line printed when the run is over."""
    _told.append(line)


def hand_over(item: pytest.Item) -> None:
    """Lay the lines of a test that has ended into its report, which a worker's process sends to the first."""
    item.user_properties += [(PROPERTY, line) for line in _told]
    _told.clear()


def print_all(reporter: pytest.TerminalReporter) -> None:
    """Print the lines of all tests, each once."""
    reports = [report for reports in reporter.stats.values() for report in reports]
    lines = [
        value
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if lines:
        reporter.section("figures", sep="-")
    for line in dict.fromkeys(lines):
        reporter.write_line(line)
