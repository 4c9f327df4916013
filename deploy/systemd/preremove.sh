#!/bin/sh
# Before the package goes, not before it is replaced by another version. The data
# folder and the keys stay.
set -eu

case "${1:-remove}" in
upgrade | 1 | 2) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now postrider.service || true
fi
