"""The machine's table, its stories, and what holds for any sequence of events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.machine import PROMPT_S, TABLE, TAKES, Kind, Phase, State, deadline, kind_of, step
from bridge.call.model import Audio, Digit, Ended, Hangup, Played
from bridge.call.steps import (
    Append,
    Begin,
    Broken,
    DiscardNote,
    Due,
    Effect,
    FinishNote,
    GiveBack,
    MachineEvent,
    MarkUrgent,
    Spoke,
    StartClosing,
    StartNote,
    StartTone,
    Stop,
)

FRESH = State(note_s=180.0, silence_s=10.0)
SOUND = Audio(b"\1\0" * 800)


def run(*told: tuple[float, MachineEvent]) -> tuple[State, list[Effect]]:
    """Take events at their times; return the last state and all effects."""
    state, effects = FRESH, list[Effect]()
    for now, event in told:
        state, more = step(state, event, now)
        effects += more
    return state, effects


def test_a_caller_speaks_and_hangs_up() -> None:
    state, effects = run((0, Begin()), (0.1, SOUND), (0.4, Played()), (0.5, SOUND), (0.6, Hangup()))
    assert state.phase is Phase.ENDED
    assert effects == [
        StartTone(),
        StartNote(),
        Append(SOUND.pcm),
        FinishNote(Ended.CALLER_HANGUP),
        GiveBack(),
    ]


def test_a_caller_sends_with_the_hash_key_and_hears_the_closing_tone() -> None:
    _, effects = run(
        (0, Begin()), (0.4, Played()), (1, SOUND), (2, Digit("#")), (2.5, Played()), (3, Hangup())
    )
    assert effects == [
        StartTone(),
        StartNote(),
        Append(SOUND.pcm),
        FinishNote(Ended.FINISH_KEY),
        StartClosing(),
        GiveBack(),
    ]


def test_the_one_marks_the_take_that_is_spoken_and_nothing_else() -> None:
    story: list[tuple[float, MachineEvent]] = [(0, Begin()), (0.2, Digit("1")), (0.4, Played()), (1, SOUND)]
    _, effects = run(*story)
    assert MarkUrgent() not in effects, "the tone is not over"
    state, effects = run(*story, (2, Digit("1")), (3, SOUND), (4, Digit("#")), (4.1, Digit("1")))
    assert effects.count(MarkUrgent()) == 1
    assert effects.index(MarkUrgent()) < effects.index(FinishNote(Ended.FINISH_KEY))
    assert state.phase is Phase.CLOSING


def test_the_star_throws_the_take_away_and_plays_the_tone_again() -> None:
    state, effects = run(
        (0, Begin()), (0.4, Played()), (1, SOUND), (2, Digit("*")), (2.1, SOUND), (2.5, Played()), (3, SOUND)
    )
    assert state.phase is Phase.RECORDING
    assert effects == [
        StartTone(),
        StartNote(),
        Append(SOUND.pcm),
        DiscardNote(),
        StartTone(),
        StartNote(),
        Append(SOUND.pcm),
    ]


def test_nobody_starts_again_for_ever() -> None:
    takes: list[tuple[float, MachineEvent]] = [(0, Begin()), (0, Played())]
    for at in range(1, TAKES):
        takes += [(at, Digit("*")), (at, Played())]
    state, effects = run(*takes)
    assert effects.count(StartTone()) == TAKES
    assert step(state, Digit("*"), 99.0) == (state, ())


@pytest.mark.parametrize("key", ["0", "5", "9", "A"])
def test_other_keys_change_nothing(key: str) -> None:
    state, _ = run((0, Begin()), (0.4, Played()))
    assert step(state, Digit(key), 1.0) == (state, ())


def test_the_hash_key_before_the_tone_ended_means_no_note_wanted() -> None:
    _, effects = run((0, Begin()), (0.1, Digit("#")))
    assert effects == [StartTone(), GiveBack(wanted=False)]


def test_ten_seconds_without_speech_end_the_note() -> None:
    state, _ = run((0, Begin()), (0.4, Played()), (3, SOUND), (3.5, Spoke()))
    assert deadline(state) == 13.5
    assert step(state, Due(), 13.4) == (state, ())
    state, effects = step(state, Due(), 13.5)
    assert effects == (FinishNote(Ended.SILENCE), StartClosing())


def test_the_time_limit_ends_even_a_caller_who_speaks() -> None:
    state, _ = run((0, Begin()), (0.5, Played()), *((float(at), Spoke()) for at in range(1, 180)))
    assert deadline(state) == 180.5
    assert step(state, Due(), 180.5)[1] == (FinishNote(Ended.LIMIT), StartClosing())


def test_a_disk_that_fails_ends_the_note_with_what_is_there() -> None:
    _, effects = run(
        (0, Begin()), (0.4, Played()), (1, SOUND), (1.1, Broken()), (1.2, SOUND), (1.6, Played())
    )
    assert effects[3:] == [FinishNote(Ended.STOPPED), StartClosing(), GiveBack()]


def test_a_stopping_bridge_finishes_the_note_and_says_goodbye() -> None:
    _, effects = run((0, Begin()), (0.4, Played()), (1, SOUND), (1.1, Stop()), (1.6, Played()))
    assert effects[3:] == [FinishNote(Ended.STOPPED), StartClosing(), GiveBack()]


def test_a_peer_that_never_reads_our_tone_does_not_hold_the_caller() -> None:
    state, _ = run((0, Begin()))
    assert deadline(state) == PROMPT_S
    assert step(state, Due(), PROMPT_S)[1] == (GiveBack(),)


def test_what_cannot_happen_is_an_error_of_ours() -> None:
    with pytest.raises(LookupError, match="SPOKE cannot happen in TONE"):
        run((0, Begin()), (0.1, Spoke()))
    missing = {(phase, kind) for phase in Phase for kind in Kind} - TABLE.keys()
    assert {phase for phase, kind in missing if kind is Kind.SPOKE} == set(Phase) - {Phase.RECORDING}
    assert (Phase.RECORDING, Kind.PLAYED) in missing
    assert all(
        phase is Phase.READY or kind in (Kind.SPOKE, Kind.BEGIN, Kind.PLAYED) for phase, kind in missing
    )


EVENTS = st.sampled_from(
    [
        SOUND,
        Digit("#"),
        Digit("*"),
        Digit("7"),
        Played(),
        Hangup(),
        Spoke(),
        Due(),
        Broken(),
        Stop(),
    ]
)


@given(st.lists(st.tuples(st.floats(0, 200), EVENTS), max_size=60))
def test_whatever_happens_no_sound_goes_astray_and_every_note_ends_once(
    told: list[tuple[float, MachineEvent]],
) -> None:
    state, effects = step(FRESH, Begin(), 0.0)
    done = list(effects)
    now = 0.0
    for wait, event in told:
        now += wait
        if (state.phase, kind_of(event)) in TABLE:
            state, effects = step(state, event, now)
            done += effects
    state, effects = step(state, Hangup(), now)
    done += effects
    assert state.phase is Phase.ENDED
    assert sum(isinstance(effect, GiveBack) for effect in done) == 1
    assert isinstance(done[-1], GiveBack)
    noted = False
    for effect in done:
        if isinstance(effect, StartNote):
            assert not noted
            noted = True
        elif isinstance(effect, Append):
            assert noted
        elif isinstance(effect, DiscardNote | FinishNote):
            assert noted
            noted = False
    assert not noted


@given(st.lists(st.tuples(st.floats(0, 20), EVENTS), max_size=30))
def test_a_deadline_that_is_obeyed_always_moves_on(told: list[tuple[float, MachineEvent]]) -> None:
    state, _ = step(FRESH, Begin(), 0.0)
    now = 0.0
    for wait, event in told:
        now += wait
        if (state.phase, kind_of(event)) in TABLE:
            state, _ = step(state, event, now)
    dues = []
    while (due := deadline(state)) is not None:
        dues.append(due)
        state, _ = step(state, Due(), due)
    assert state.phase is Phase.ENDED
    assert len(dues) <= 2
    assert all(later > earlier for earlier, later in pairwise(dues))
