"""One Asterisk for the whole run, unpacked once below .cache; what is told of a run at its end."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.phone.pbx import Extension, Pbx
from tests import figures
from tests.pbx.sound import Pcm

PYVOIP = range(1017, 1020)
"""Telephones that the demo's caller logs in as: it falls over what tells others of waiting notes."""

EXTENSIONS = [
    Extension(str(number), "de" if number == 1002 else "en", lamp=number not in PYVOIP)
    for number in range(1001, 1041)
] + [
    Extension(str(number), "de" if number == 1102 else "en", voicemail=False) for number in range(1101, 1111)
]
"""10xx have a classic VoiceMail box, 11xx have none; callers of 1002 and 1102 hear German."""

EXTRA_DIALPLAN = """include => odd

[odd]
; a ring group of two members, each of whom is watched by his own line
exten => 6000,1,Gosub(aftertone,watch,1(6000,group))
 same => n,Dial(Local/1021@extensions&Local/1022@extensions,4)
 same => n,Gosub(aftertone,note,1(6000))
 same => n,Hangup()
; the same without a watch of its own: only the members' lines know Aftertone
exten => 6001,1,Dial(Local/1023@extensions&Local/1024@extensions,4)
 same => n,Hangup()
; a hunt: first one, then the other; the second takes the note
exten => 6002,1,Gosub(aftertone,watch,1(1025))
 same => n,Dial(PJSIP/1025,1)
 same => n,Gosub(aftertone,watch,1(1026))
 same => n,Dial(PJSIP/1026,1)
 same => n,Gosub(aftertone,note,1(1026))
 same => n,Hangup()
; before any Dial, the caller listens to something
exten => 6003,1,Gosub(aftertone,watch,1(1027))
 same => n,Answer()
 same => n,Wait(10)
; the admin's own rule says do not disturb
exten => 6004,1,Set(AFTERTONE_DND=1)
 same => n,Gosub(aftertone,watch,1(1028))
 same => n,GotoIf($["${GOSUB_RETVAL}"="dnd"]?away)
 same => n,Dial(PJSIP/1028,1)
 same => n(away),Gosub(aftertone,note,1(1028))
 same => n,Hangup()
; night service: no watch, no Dial
exten => 6005,1,Gosub(aftertone,note,1(1029))
 same => n,Hangup()
; the admin's own fallback
exten => 6006,1,Set(AFTERTONE_FALLBACK=own-fallback)
 same => n,Gosub(aftertone,note,1(1030))
 same => n,Hangup()
; a mailbox name with everything that must not come through
exten => 6007,1,Gosub(aftertone,watch,1(10.3_1+a-b/../${QUOTE(x)}))
 same => n,Gosub(aftertone,note,1(10.3_1+a-b/../${QUOTE(x)}))
 same => n,Hangup()
; all contacts of an extension, of which there are none
exten => 6008,1,Gosub(aftertone,watch,1(1031))
 same => n,Dial(${PJSIP_DIAL_CONTACTS(1031)},1)
 same => n,Gosub(aftertone,note,1(1031))
 same => n,Hangup()
; one line is called, another one takes the note
exten => 6009,1,Gosub(aftertone,watch,1(1033))
 same => n,Dial(PJSIP/1033,1)
 same => n,Gosub(aftertone,note,1(1034))
 same => n,Hangup()
; only the tone, no sentence before it
exten => _610X,1,Set(AFTERTONE_SENTENCE=none)
 same => n,Gosub(aftertone,note,1(110${EXTEN:3}))
 same => n,Hangup()

; a house under attack (8, its digit, the mailbox): nothing rings, the sentence is short, and who is not
; served stays on the line
exten => _8XXXXX,1,Set(AFTERTONE_AGI=${HOUSE_${EXTEN:1:1}})
 same => n,Set(AFTERTONE_SENTENCE=beep)
 same => n,Set(AFTERTONE_FALLBACK=patience)
 same => n,Gosub(aftertone,watch,1(${EXTEN:2}))
 same => n,Gosub(aftertone,note,1(${EXTEN:2}))
 same => n,Hangup()

[patience]
exten => _X.,1,Answer()
 same => n,Playback(vm-goodbye)
 same => n,Wait(60)
 same => n,Hangup()

[own-fallback]
exten => _X.,1,Answer()
 same => n,Playback(tt-weasels)
 same => n,Hangup()
"""


@pytest.fixture(scope="session")
def pbx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """A running Asterisk that rings phones for one second; give it a bridge with ``set_global``."""
    own = Pbx(
        tmp_path_factory.mktemp("pbx"),
        extensions=EXTENSIONS,
        ring_s=1,
        agi="127.0.0.1:9",
        extra=EXTRA_DIALPLAN,
    )
    with own:
        figures.show(own.version)
        yield own


@pytest.fixture(scope="session")
def prompts(pbx: Pbx) -> dict[str, Pcm]:
    """The PBX's own sentences as samples, by language and name: ``en/vm-nobodyavail``."""
    names = [f"{lang}/{name}" for lang in ("en", "de") for name in ("vm-nobodyavail", "vm-goodbye")]
    return {name: np.frombuffer(pbx.prompt(name), dtype="<i2") for name in [*names, "en/tt-weasels"]}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Take what a test and its fixtures had to tell, also when it failed."""
    try:
        yield
    finally:
        figures.hand_over(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What nobody would see otherwise."""
    figures.print_all(terminalreporter)
