"""The bench's figures with tenfold limits: a machine under load must not fail them, a wrong design must."""

from pathlib import Path

import pytest

from tests.bench import report, streams
from tests.bench.crowd import PACKETS
from tests.bench.house import House
from tests.bench.inbox import Inbox
from tests.bench.runs import AFTERTONE, VOICEMAIL, Bench

CALLERS = 10


@pytest.mark.pbx
def test_ten_callers_at_once_lose_nothing_and_cost_about_what_voicemail_costs(tmp_path: Path) -> None:
    with House(tmp_path, CALLERS) as house, Inbox(house.key_file) as inbox:
        bench = Bench(house, inbox, idle_s=1.0)
        theirs = bench.run(VOICEMAIL, CALLERS)
        ours = bench.run(AFTERTONE, CALLERS)
    print(report.HEAD, report.line("VoiceMail", theirs), report.line("Aftertone", ours), sep="\n")
    for run in (theirs, ours):
        assert run.complete == CALLERS
        assert run.sent == run.received == run.stored == CALLERS * PACKETS
    assert report.ratio(ours, theirs) < 10 * report.RATIO_LIMIT
    assert ours.bridge_bytes < 10 * report.BRIDGE_LIMIT_BYTES
    assert len(ours.delays) == CALLERS
    assert max(ours.delays) < 10 * report.ROW_LIMIT_S


@pytest.mark.process
def test_every_open_page_of_a_shared_mailbox_knows_of_a_note_soon(tmp_path: Path) -> None:
    figures = streams.measure(tmp_path, streams=100, notes=2)
    print(streams.sentences(figures))
    assert figures.heard == figures.streams == 100
    assert max(figures.worst) < 10 * streams.LIMIT_S


@pytest.mark.parametrize(
    ("figure", "word"),
    [(1.29, "held"), (1.3, "held"), (1.31, "NOT HELD")],
)
def test_a_figure_stands_beside_its_limit(figure: float, word: str) -> None:
    assert report.verdict(figure, report.RATIO_LIMIT) == f"{figure:.2f} (limit 1.3: {word})"
