#!/bin/sh
# After deb, rpm or apk has put the files in place: the user, the two keys that a
# node needs (never replaced), and systemd's own view. Nothing is started: see
# docs/operations.md, "As a service".
set -eu

if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers postrider.conf
elif ! id postrider >/dev/null 2>&1; then
	useradd --system --user-group --home-dir /var/lib/postrider --shell /usr/sbin/nologin postrider 2>/dev/null ||
		adduser -S -D -H -h /var/lib/postrider -s /sbin/nologin postrider
fi

umask 077
for key in auth_secret master_key; do
	file=/etc/postrider/secrets/$key
	if [ ! -e "$file" ]; then
		od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file"
	fi
done

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	systemctl try-restart postrider.service || true
fi
