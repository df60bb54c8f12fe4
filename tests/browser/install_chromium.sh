#!/bin/sh
# Gives the browser tests a Chromium where that is possible without questions: Debian's package,
# installed as root. Where it is not, it says why those tests will be skipped. It never fails
# what calls it.
set -u

found=$(command -v "${CHROMIUM_PATH:-chromium}" || command -v chromium || true)
if [ -n "$found" ]; then
    exit 0
fi

skip() {
    echo "The browser tests will be skipped: $1."
    echo "Install Chromium yourself, or set CHROMIUM_PATH to one, to run them."
    exit 0
}

command -v apt-get >/dev/null 2>&1 || skip "there is no Chromium and no apt-get to install it with"
[ "$(id -u)" = 0 ] || skip "there is no Chromium and only root may install it"

log=$(mktemp)
echo "Installing Chromium for the browser tests (once, a minute or two) …"
export DEBIAN_FRONTEND=noninteractive
if apt-get -qq update >"$log" 2>&1 \
    && apt-get -qq install -y --no-install-recommends chromium >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
fi
tail -n 3 "$log"
rm -f "$log"
skip "apt-get could not install chromium"
