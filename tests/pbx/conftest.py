"""The PBX with groups, queues and forwards, and the house that its missed calls belong to."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation
from tests.pbx.truth import BOXES, Stage, new_pbx, queues


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Both, running; callers hear only the tone, without a sentence before it."""
    pbx = new_pbx(tmp_path_factory.mktemp("stage-pbx"))
    with Installation(tmp_path_factory.mktemp("stage-house")) as house, pbx:
        (pbx.folder / "etc" / "queues.conf").write_text(queues(), encoding="utf-8")
        pbx.command("module load app_queue.so")
        house.add_reader(*BOXES)
        pbx.set_global("AFTERTONE_AGI", house.agi)
        pbx.set_global("AFTERTONE_SENTENCE", "none")
        yield Stage(pbx, house)
