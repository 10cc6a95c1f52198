"""The telephone in our own hand: pyVoIP in a process of its own, which a watchdog ends.

``python -m bridge.phone.caller call`` calls an extension, waits for the tone, speaks a note and hangs up;
``... ring`` is a telephone that rings and is never answered. The password comes on standard input, so that it
stands in no process list; the end of that input is the end of the owner, and of the telephone. pyVoIP is good
enough for this and for nothing else: one odd datagram ends its receiver, its sound has 8 bits, and its timer
threads outlive it (hence ``os._exit``).
"""

import argparse
import os
import re
import secrets
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge.phone.listen import ToneWatch

FRAME = 160
BEHIND_S = 0.4
"""How far behind the sound is listened to: later than a busy machine brings a packet."""

FRAME_S = 0.02
LOGIN_S = 10.0
PEAK = 110
"""Loudest step of the 127 that 8 bits have: quiet speech would drown in their noise."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_NO_ANSWER = 4
EXIT_NO_TONE = 5
EXIT_WATCHDOG = 6
EXIT_ALONE = 7


def say(text: str) -> None:
    """Tell what is happening, at once."""
    print(text, flush=True)


def watchdog(seconds: float) -> None:
    """End this process for good after a time, whatever hangs by then."""

    def bite() -> None:
        say("The telephone was stuck and has been ended.")
        os._exit(EXIT_WATCHDOG)

    timer = threading.Timer(seconds, bite)
    timer.daemon = True
    timer.start()


def end_with_owner() -> None:
    """End this process when standard input ends: whoever held its other end is gone, killed or not."""

    def listen() -> None:
        sys.stdin.read()
        os._exit(EXIT_ALONE)

    threading.Thread(target=listen, daemon=True).start()


def eight_bit(slin: bytes) -> bytes:
    """Return 16-bit little-endian speech as pyVoIP wants it: unsigned 8 bits, as loud as they allow."""
    pcm = np.frombuffer(slin[: len(slin) // 2 * 2], dtype="<i2").astype(np.float64)
    loudest = float(np.abs(pcm).max(initial=1.0)) or 1.0
    return (np.round(pcm * (PEAK / loudest)) + 128).astype(np.uint8).tobytes()


def until(true: Callable[[], bool], deadline_s: float) -> bool:
    """Wait for something that pyVoIP's threads bring about; False when it did not come."""
    end = time.monotonic() + deadline_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(FRAME_S)
    return True


def open_phone(args: argparse.Namespace, password: str, incoming: Callable[[Any], None] | None) -> Any:
    """Log in at the PBX; raises TimeoutError when it does not take us within ten seconds."""
    from pyVoIP.VoIP import PhoneStatus, VoIPPhone

    phone = VoIPPhone(
        args.host, args.port, args.user, password,
        callCallback=incoming, myIP="127.0.0.1", sipPort=args.own_port,
        rtpPortLow=args.rtp_port, rtpPortHigh=args.rtp_port + 10,
    )  # fmt: skip
    # It makes transaction ids by counting from 1: the next process's would look like repetitions of the last
    # one's to the PBX, which waits for such for 32 s (RFC 3261 section 17.2), and would get no answer.
    phone.sip.callID.x = secrets.randbelow(1 << 60)
    mend_ack(phone.sip)
    phone.start()
    if not until(lambda: phone.get_status() == PhoneStatus.REGISTERED, LOGIN_S):
        raise TimeoutError("the PBX did not let the telephone log in")
    return phone


def mend_ack(sip: Any) -> None:
    """Give the ACK of an answer the tag of that answer and a branch of its own (RFC 3261 section 13.2.2.4).

    pyVoIP's has a random tag and the branch of the challenged INVITE, so Asterisk never sees its answer
    acknowledged: it cannot hang up, and drops the call after 32 s.
    """
    from pyVoIP.SIP import SIPStatus

    written = sip.gen_ack

    def ack(response: Any) -> str:
        text: str = written(response)
        if response.status == SIPStatus.OK:
            text = re.sub(r"branch=[^;\r\n]+", f"branch=z9hG4bK{secrets.token_hex(8)}", text, count=1)
            text = re.sub(
                r"(\r\nTo: .*;tag=)[^;\r\n]+", rf"\g<1>{response.headers['To']['tag']}", text, count=1
            )
        return text

    sip.gen_ack = ack


def leave_note(args: argparse.Namespace, password: str) -> int:
    """Call, wait for the tone, speak, hang up; returns an exit code."""
    from pyVoIP.VoIP import CallState

    speech = eight_bit(args.speech.read_bytes())
    phone = open_phone(args, password, None)
    say(f"Caller: calling {args.extension}, it rings")
    call = phone.call(args.extension)
    if not until(lambda: call.state != CallState.DIALING, args.patience):
        say("Caller: nobody and nothing took the call")
        return EXIT_NO_ANSWER
    say("Caller: nobody answers; a voice says so")
    if not hear_tone(call, args.patience):
        say("Caller: no tone came")
        return EXIT_NO_TONE
    say("Caller: the tone; leaving a note")
    call.write_audio(speech)
    if not until(lambda: call.state == CallState.ENDED, len(speech) / 8000 + 0.5):
        call.hangup()
    say("Caller: hung up")
    return EXIT_DONE


def hear_tone(call: Any, deadline_s: float) -> bool:
    """Listen until a tone has sounded and ended; False when the deadline or the call's end comes first."""
    from pyVoIP.VoIP import CallState

    watch, end = ToneWatch(), time.monotonic() + deadline_s
    # Where a packet is late, pyVoIP gives silence in its place, and a tone with a hole is none.
    time.sleep(BEHIND_S)
    due = time.monotonic()
    while not watch.over and time.monotonic() < end and call.state == CallState.ANSWERED:
        watch.feed(call.read_audio(FRAME, blocking=False))
        due += FRAME_S
        time.sleep(max(0.0, due - time.monotonic()))
    return watch.over


def ring(args: argparse.Namespace, password: str) -> int:
    """Be a telephone that rings until its watchdog or its owner ends it."""
    open_phone(args, password, lambda call: None)
    say(f"Telephone {args.user}: logged in; it will ring and nobody will answer")
    threading.Event().wait()
    return EXIT_DONE


def main(arguments: Sequence[str]) -> int:
    """Run one telephone."""
    parser = argparse.ArgumentParser(prog="python -m bridge.phone.caller", description=__doc__)
    parser.add_argument("role", choices=("call", "ring"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="the PBX's SIP port")
    parser.add_argument("--own-port", type=int, required=True, help="a free UDP port for SIP")
    parser.add_argument(
        "--rtp-port", type=int, required=True, help="first of eleven free UDP ports for sound"
    )
    parser.add_argument("--user", required=True)
    parser.add_argument("--extension", help="whom to call")
    parser.add_argument("--speech", type=Path, help="what to say: 16-bit little-endian samples at 8 kHz")
    parser.add_argument("--patience", type=float, default=40.0, help="seconds to wait for answer and tone")
    parser.add_argument("--watchdog", type=float, default=120.0, help="seconds after which to end anyway")
    args = parser.parse_args(arguments)
    if args.role == "call" and not (args.extension and args.speech):
        parser.error("call needs --extension and --speech")
    warnings.simplefilter("ignore")
    watchdog(args.watchdog)
    password = sys.stdin.readline().strip()
    end_with_owner()
    try:
        return leave_note(args, password) if args.role == "call" else ring(args, password)
    except (OSError, TimeoutError) as error:
        say(f"The telephone {args.user} failed: {error}")
        return EXIT_FAILED


def exit_with(run: Callable[[], int]) -> None:
    """End the process with what ``run`` returns; pyVoIP's threads would keep an ordinary exit waiting."""
    code = EXIT_FAILED
    try:
        code = run()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else EXIT_FAILED
    except KeyboardInterrupt:
        say("Stopped.")
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    exit_with(lambda: main(sys.argv[1:]))
