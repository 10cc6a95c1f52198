#!/bin/sh
# prepare-host.sh run|test -- see that this host has what `make run` or `make test` needs.
# Debian and relatives: missing packages are installed when we are root, else named exactly, with the command.
# Elsewhere: one message that names what is missing.
set -eu
purpose=${1:?usage: prepare-host.sh run|test}
python=${PYTHON:-python3}
missing=""
need() { missing="$missing $1"; }

if ! command -v "$python" >/dev/null 2>&1; then
  need python3; need python3-venv
elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  need python3-venv
fi
if command -v dpkg >/dev/null 2>&1; then
  [ -r /usr/share/keyrings/debian-archive-keyring.gpg ] || need debian-archive-keyring
  [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
fi
if [ "$purpose" = test ]; then
  command -v git >/dev/null 2>&1 || need git
  command -v node >/dev/null 2>&1 || need nodejs
  command -v npm >/dev/null 2>&1 || need npm
  command -v chromium >/dev/null 2>&1 || need chromium
  command -v sipp >/dev/null 2>&1 || need sip-tester
  command -v podman >/dev/null 2>&1 || need podman
  command -v runc >/dev/null 2>&1 || need runc
  [ -e /usr/lib/podman/netavark ] || command -v netavark >/dev/null 2>&1 || need netavark
  command -v mmdebstrap >/dev/null 2>&1 || need mmdebstrap
  command -v systemd-analyze >/dev/null 2>&1 || need systemd
  command -v fc-list >/dev/null 2>&1 && fc-list 2>/dev/null | grep -q . || need fonts-dejavu-core
fi

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing on this host (Debian's package names):$missing. Please install them and call make again." >&2
    exit 69
  elif [ "$(id -u)" != 0 ]; then
    echo "Missing packages. Please run:  sudo apt-get install$missing" >&2
    exit 69
  fi
  echo "Installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  # shellcheck disable=SC2086
  apt-get -qq -y install --no-install-recommends $missing >/dev/null
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Aftertone needs Python 3.11 or newer; $python is older. Name another one: make PYTHON=python3.12 $purpose" >&2
  exit 69
}
