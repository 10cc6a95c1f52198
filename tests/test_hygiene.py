"""What a command that holds a key leaves behind when it dies: nothing."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

from bridge.seal.curve import new_keypair
from bridge.seal.keyfile import KeyFile


def test_a_key_holders_command_that_crashes_leaves_no_core_with_his_key(tmp_path: Path) -> None:
    key = tmp_path / "reader.key"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"http://localhost:{server.getsockname()[1]}"
        KeyFile(url, "us_aaaaaaaaaaaaaaaa", new_keypair()[0]).save(key)
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", "notes", "--key-file", str(key)],
            env={**os.environ, "HOME": str(tmp_path)}, cwd=tmp_path, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
        ) as command:  # fmt: skip
            with server.accept()[0]:  # it has read its key by now, and waits for an answer
                limits = Path(f"/proc/{command.pid}/limits").read_text().splitlines()
            command.kill()
    (core,) = [line.split()[4:6] for line in limits if line.startswith("Max core file size")]
    assert core == ["0", "0"]
