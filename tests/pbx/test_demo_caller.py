"""The demo's caller: pyVoIP in its own process against a real PBX, and the ear that finds the tone."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from bridge.phone.caller import EXIT_ALONE, EXIT_DONE, EXIT_NO_TONE, EXIT_WATCHDOG, eight_bit
from bridge.phone.listen import ToneWatch
from bridge.phone.pbx import Pbx, free_port
from tests.pbx.peer import Peer
from tests.pbx.sipphone import Script
from tests.pbx.sound import Pcm, likeness, tone
from tests.pbx.stage import quiet_line, telephones


@contextmanager
def calling(pbx: Pbx, user: str, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a demo telephone that calls; it is owned as long as the block lasts."""
    own, rtp = free_port(socket.SOCK_DGRAM), 31000 + free_port(socket.SOCK_DGRAM) % 900
    ports = ["--port", str(pbx.sip_port), "--own-port", str(own), "--rtp-port", str(rtp)]
    inner, outer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.phone.caller", "call", *ports, "--user", user, *more],
        stdin=inner, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(inner)
    with open(outer, "w") as owned:  # noqa: PTH123  a file descriptor
        print(pbx.extension(user).password, file=owned, flush=True)
        yield process


@pytest.mark.pbx
def test_the_demo_caller_waits_for_the_tone_and_speaks_a_whole_note(pbx: Pbx, tmp_path: Path) -> None:
    speech = pbx.prompt("en/hello-world")
    (tmp_path / "note").write_bytes(speech)

    async def story() -> tuple[Peer, str, int]:
        async with AsyncExitStack() as stack:
            peer = await stack.enter_async_context(Peer("record"))
            pbx.set_global("AFTERTONE_AGI", peer.agi)
            await telephones(stack, pbx, {"1016": Script()})
            with calling(pbx, "1017", "--extension", "1016", "--speech", str(tmp_path / "note")) as caller:
                said, _ = await asyncio.to_thread(caller.communicate, timeout=60)
            await quiet_line(pbx)
            return peer, said, caller.returncode

    peer, said, code = asyncio.run(story())
    assert code == EXIT_DONE
    assert [line.split(": ", 1)[1] for line in said.splitlines()] == [
        "calling 1016, it rings",
        "nobody answers; a voice says so",
        "the tone; leaving a note",
        "hung up",
    ]
    [take] = peer.takes.values()
    heard = np.frombuffer(bytes(take.audio), dtype="<i2")
    assert likeness(heard, np.frombuffer(speech, dtype="<i2")) > 0.95


@pytest.mark.pbx
def test_a_caller_who_hears_no_tone_gives_up_and_one_who_hangs_is_ended(pbx: Pbx, tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(bytes(16000))
    pbx.set_global("AFTERTONE_AGI", "127.0.0.1:9")
    common = ["--extension", "1101", "--speech", str(tmp_path / "note")]
    with (
        calling(pbx, "1018", *common) as no_tone,
        calling(pbx, "1019", *common, "--watchdog", "1.5") as stuck,
    ):
        assert "stuck" in stuck.communicate(timeout=30)[0]
        assert stuck.returncode == EXIT_WATCHDOG
        assert "no tone came" in no_tone.communicate(timeout=20)[0], "the PBX hung up and was heard"
        assert no_tone.returncode == EXIT_NO_TONE


@pytest.mark.pbx
def test_a_telephone_whose_demo_was_killed_ends_by_itself(pbx: Pbx, tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(bytes(16000))
    with calling(pbx, "1018", "--extension", "1101", "--speech", str(tmp_path / "note")) as left_alone:
        pass
    assert left_alone.wait(20) == EXIT_ALONE
    assert left_alone.stdout is not None
    left_alone.stdout.close()


def ears(*parts: Pcm) -> ToneWatch:
    """Play 16-bit sound to the ear of an 8-bit telephone, in frames of 20 ms."""
    watch = ToneWatch()
    sound = (np.concatenate(parts) // 256 + 128).astype(np.uint8).tobytes()
    for start in range(0, len(sound), 160):
        watch.feed(sound[start : start + 160])
    return watch


def test_a_tone_is_over_only_after_it_has_ended() -> None:
    hush = np.zeros(4000, dtype=np.int16)
    chord = (tone(440, 0.36, 0.16) + tone(880, 0.36, 0.12)).astype(np.int16)
    assert ears(hush, chord, hush).over
    assert not ears(hush, chord).over
    assert not ears(hush).over
    assert not ears(hush, tone(700, 0.1), hush).over


def test_noise_and_a_changing_whistle_are_no_tone() -> None:
    noise = np.random.default_rng(5).normal(0, 4000, 16000).astype(np.int16)
    whistle = np.concatenate([tone(500 + 60 * step, 0.08) for step in range(20)])
    assert not ears(noise, np.zeros(4000, dtype=np.int16)).over
    assert not ears(whistle, np.zeros(4000, dtype=np.int16)).over


@pytest.mark.pbx
def test_no_spoken_sentence_of_the_pbx_passes_for_a_tone(prompts: dict[str, Pcm]) -> None:
    hush = np.zeros(4000, dtype=np.int16)
    for name, sentence in prompts.items():
        assert not ears(hush, sentence, hush).over, name


def test_speech_is_raised_to_what_eight_bits_can_carry() -> None:
    quiet = tone(300, 0.1, 0.01)
    loud = np.frombuffer(eight_bit(quiet.astype("<i2").tobytes()), dtype=np.uint8).astype(int) - 128
    assert np.abs(loud).max() == 110
    assert eight_bit(b"\x00\x00" * 4) == b"\x80" * 4
    assert eight_bit(b"\x01") == b""
