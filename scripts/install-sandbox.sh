#!/bin/sh
# Installs bubblewrap, which isolates student code. `auto` does so as root with apt alone, the rest of the time it is asked
# for (`make demo SANDBOX=1`), and then takes sudo and other package managers too. Never ends the demo.
if [ "$(uname -s)" != Linux ] || command -v bwrap >/dev/null 2>&1; then exit 0; fi
if [ "$1" = auto ] && { [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; }; then exit 0; fi
if [ "$(id -u)" = 0 ]; then as=""; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as="sudo -n"; else
  echo "bubblewrap is missing and this user may not install it; ask an administrator for the package bubblewrap"; exit 0
fi
echo "Set-up:    installs the package bubblewrap, which isolates the notebooks (SANDBOX=0 leaves it out)"
apt="$as apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
if command -v apt-get >/dev/null 2>&1; then
  # The lists of a fresh container are empty, and those of an old machine name versions that are gone.
  DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends bubblewrap >/dev/null 2>&1 ||
    { $apt update >/dev/null 2>&1; DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends bubblewrap >/dev/null 2>&1; }
elif command -v dnf >/dev/null 2>&1; then $as dnf install -y -q bubblewrap
elif command -v pacman >/dev/null 2>&1; then $as pacman -S --noconfirm bubblewrap
elif command -v apk >/dev/null 2>&1; then $as apk add -q bubblewrap
else echo "no known package manager; install bubblewrap by hand"; fi
command -v bwrap >/dev/null 2>&1 || echo "bubblewrap could not be installed; the demo goes on without isolation and says so"
exit 0
