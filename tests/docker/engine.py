"""podman with a store of its own and no registry: the base image is made here from Debian's packages."""

import json
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parents[2]
DOCKERFILE = HOUSE / "docker" / "Dockerfile"
BASE = "debian:trixie-slim"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

BUILD_S = 1800.0
"""A build takes a minute and a half; a shared machine may take ten times as long."""

COMMAND_S = 300.0

SLIM = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
"""What Debian's own slim images leave out, too."""


class Engine:
    """podman on this host's network; everything it keeps is below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = hard(resource.RLIMIT_NOFILE)
        settings = {
            "containers.conf": f"""
[containers]
netns = "host"
default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]
[network]
network_backend = "netavark"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
""",
            "storage.conf": f"""
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
""",
            "registries.conf": "unqualified-search-registries = []\n",
        }
        for name, text in settings.items():
            (folder / name).write_text(text)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AFTERTONE_")},
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "DISABLE_HC_SYSTEMD": "true",
            "TMPDIR": str(folder),
        }

    def run(self, *words: str, code: int | None = 0, deadline_s: float = COMMAND_S) -> str:
        """Return what a podman command printed; its exit code must be ``code`` (None: any)."""
        done = subprocess.run(
            ["podman", *words],
            env=self.environment, capture_output=True, text=True, timeout=deadline_s, check=False,
        )  # fmt: skip
        if code is not None:
            assert done.returncode == code, f"podman {words[0]}: {done.returncode} {done.stderr[-3000:]}"
        return done.stdout + (done.stderr if words[0] == "logs" else "")

    def make_base(self) -> None:
        """Put a slim Debian into the store under the short name that the Dockerfile asks for."""
        tar = self.folder / "base.tar"
        leave_out = [f"--dpkgopt=path-exclude={path}" for path in SLIM]
        keep = "--dpkgopt=path-include=/usr/share/doc/*/copyright"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", *leave_out, keep, "trixie", str(tar)],
            env=self.environment, timeout=BUILD_S, check=True,
        )  # fmt: skip
        self.run("import", str(tar), BASE)
        tar.unlink()

    def build(self, target: str, name: str) -> None:
        """Build one target of the Dockerfile; steps that were built before are taken as they are."""
        self.run(
            "build", "--format", "docker", "--file", str(DOCKERFILE), "--target", target, "--tag", name,
            "--secret", f"id=ca,src={CERTIFICATES}", "--build-arg", "REVISION=tests", str(HOUSE),
            deadline_s=BUILD_S,
        )  # fmt: skip

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what podman knows of an image or a container."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", name))
        return found[0]

    def until_healthy(self, container: str, deadline_s: float = 120.0) -> None:
        """Run the container's health check until it passes; raises AssertionError with the log."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            self.run("healthcheck", "run", container, code=None)
            if self.inspect(container)["State"]["Health"]["Status"] == "healthy":
                return
            time.sleep(0.2)
        raise AssertionError(f"{container} is not healthy: {self.run('logs', container)}")

    def clear(self) -> None:
        """Remove everything that was made."""
        self.run("rm", "--all", "--force", "--time", "1", code=None)
        self.run("volume", "rm", "--all", "--force", code=None)
        self.run("rmi", "--all", "--force", code=None)
        shutil.rmtree(self.folder, ignore_errors=True)


def hard(limit: int) -> int:
    """Return this process's own hard limit: no container may have more."""
    most = resource.getrlimit(limit)[1]
    return 1 << 20 if most == resource.RLIM_INFINITY else most
