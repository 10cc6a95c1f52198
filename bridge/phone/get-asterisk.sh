#!/usr/bin/env bash
# get-asterisk.sh TARGET: unpack a real Asterisk from the Debian archive that this host already uses into TARGET.
#
# Needs no root, no chroot and no mounts, and installs nothing on the host: apt-get resolves and downloads with its
# own state below TARGET.part, dpkg-deb unpacks, and TARGET/run-asterisk starts the result with its own loader and
# libraries, so the host's libc does not matter. A finished TARGET (stamp .complete) is left alone, an unfinished
# one is made anew, two runs at once wait for each other. Prints the version that came.
#
# Exit codes: 0 done, 69 this host cannot do it (the last line on stderr says why), others: a step failed.
#   ASTERISK_SUITE  Debian suite to take it from (default sid: stable releases have no Asterisk package)
#   DEBIAN_MIRROR   archive to use instead of the host's own
#   ASTERISK_EXTRA  more packages to unpack (default: the German prompts)
set -euo pipefail
export LC_ALL=C

target=$(realpath -m "${1:?usage: get-asterisk.sh TARGET}")
suite=${ASTERISK_SUITE:-sid}
extra=${ASTERISK_EXTRA-asterisk-prompt-de}
stamp="$target/.complete"
part="$target.part"
root="$part/root"

cannot() { echo "$1" >&2; exit 69; }

if [ -f "$stamp" ]; then cat "$stamp"; exit 0; fi
for tool in apt-get apt-cache dpkg dpkg-deb flock; do
  command -v "$tool" >/dev/null || cannot "$tool is missing: this works on Debian only"
done
mkdir -p "$(dirname "$target")"
exec 9>"$target.lock"
flock -w 600 9 || cannot "another run holds $target.lock for more than ten minutes"
if [ -f "$stamp" ]; then cat "$stamp"; exit 0; fi

# The first Debian archive of the host that is not the security one. Without downloaded lists (a fresh image) apt
# knows no origins: then it is what apt would fetch Release files from.
mirror=${DEBIAN_MIRROR:-}
[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
  awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
if [ -z "$mirror" ] && grep -qs '^ID=debian$' /etc/os-release; then
  mirror=$(apt-get update --print-uris 2>/dev/null |
    sed -n "s,^'\([^']*\)/dists/.*/InRelease'.*,\1,p" | grep -v security | head -n 1 || true)
fi
[ -n "$mirror" ] || cannot "no Debian archive in this host's apt sources: set DEBIAN_MIRROR"

keyring=
for k in "${DEBIAN_KEYRING:-}" /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
  if [ -n "$k" ] && [ -r "$k" ]; then keyring=$k; break; fi
done
[ -n "$keyring" ] || cannot "the package debian-archive-keyring is missing"

rm -rf "$part" "$target"
mkdir -p "$part/apt/empty" "$part/apt/lists/partial" "$part/apt/cache/archives/partial" "$root"
: > "$part/apt/status"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$part/apt/sources.list"
# Valid-Until is not checked: an archive snapshot may be older than the host's clock allows; signatures are.
cat > "$part/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$part/apt/sources.list";
Dir::Etc::sourceparts "$part/apt/empty";
Dir::Etc::preferencesparts "$part/apt/empty";
Dir::State "$part/apt";
Dir::State::lists "$part/apt/lists";
Dir::State::status "$part/apt/status";
Dir::Cache "$part/apt/cache";
APT::Architecture "$(dpkg --print-architecture)";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
CONF
export APT_CONFIG="$part/apt/apt.conf"
apt-get -qq update

# What apt would install, without what a closure of shared libraries does not need.
needless='^(perl|libperl|gnupg|gpg|dirmngr|pinentry|passwd|login|adduser|debconf|libsnmp-base|pci\.ids|tzdata|'
needless+='openssl-provider|dbus|systemd|udev|init|sysv|base-|dash|bash|coreutils|dpkg|tar|debianutils|sensible|ucf|'
needless+='netbase|media-types|mount|util-linux|libpam-modules|libpam-runtime|readline-common|ca-certificates)'
closure() { apt-get -s -qq install "$@" 2>/dev/null | awk '/^Inst / { print $2 }' | grep -Ev "$needless" | sort -u; }
wanted=(asterisk)
for p in $extra; do   # a suite without a prompt package still has its Asterisk
  if apt-cache show "$p" >/dev/null 2>&1; then wanted+=("$p"); else echo "no package $p in $suite" >&2; fi
done
mapfile -t packages < <(closure "${wanted[@]}")
[ "${#packages[@]}" -gt 20 ] || cannot "apt could not resolve asterisk in $suite: try another ASTERISK_SUITE"
( cd "$part/apt/cache/archives" && apt-get -qq download "${packages[@]}" )
find "$part/apt/cache/archives" -name '*.deb' -print0 | xargs -0 -P"$(nproc)" -I{} dpkg-deb -x {} "$root"

# A path that its package has not yet moved below usr/ is folded in, so that one library path is enough.
for d in lib lib64 sbin bin; do
  if [ -d "$root/$d" ] && [ ! -L "$root/$d" ]; then
    mkdir -p "$root/usr/$d"
    cp -a "$root/$d/." "$root/usr/$d/"
    rm -rf "${root:?}/$d"
  fi
  if [ -d "$root/usr/$d" ]; then ln -sfn "usr/$d" "$root/$d"; fi
done
rm -rf "$root"/usr/share/{man,locale,bash-completion,lintian,icu,applications,bug}
find "$root/usr/share/doc" -type f ! -name copyright -delete

# No postinst runs here, so the language links that update-alternatives makes are made by hand: without
# sounds/en VoiceMail drops the caller. en_US_f_Allison becomes en_US and en.
sounds="$root/usr/share/asterisk/sounds"
for voice in "$sounds"/*_*_*; do
  [ -d "$voice" ] || continue
  name=$(basename "$voice")
  IFS=_ read -r language country _ <<<"$name"
  for link in "$language" "${language}_$country"; do
    [ -e "$sounds/$link" ] || ln -s "$name" "$sounds/$link"
  done
done

cat > "$root/run-asterisk" <<'RUN'
#!/bin/sh
# The unpacked Asterisk with its own loader; arguments as for asterisk(8).
here=$(cd "$(dirname "$0")" && pwd)
for loader in "$here"/usr/lib64/ld-linux-*.so.* "$here"/usr/lib/ld-linux-*.so.* "$here"/usr/lib/*/ld-linux-*.so.*; do
  [ -x "$loader" ] && break
done
libraries=$(echo "$here"/usr/lib/*-linux-gnu*)
exec "$loader" --argv0 asterisk --library-path "$libraries:$libraries/systemd" "$here/usr/sbin/asterisk" "$@"
RUN
chmod +x "$root/run-asterisk"
version=$("$root/run-asterisk" -V)

mv "$root" "$target"
rm -rf "$part"
printf '%s (Debian %s)\n' "$version" "$suite" > "$stamp"
cat "$stamp"
