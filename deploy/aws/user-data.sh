#!/bin/bash
# User data of an EC2 instance: installs the package and starts the health server as a service.
# Run as root at the first boot; safe to run again. No secret is in it: the service reads them from the
# Parameter Store when it starts, with the role of the instance (iam-policy.json).
#
#   user-data.sh                          all of it
#   user-data.sh --print-unit REGION      the service only, for systems that are set up otherwise
set -euo pipefail

# Edit these.
PARAMETERS=/aragora/prod/
FOLDER=/opt/aragora
# Where the package comes from: a wheel, a folder, or a name.
PACKAGE='aragora-sql[server,encryption,schedules,aws]'
# 0.0.0.0 where a load balancer asks.
HOST=127.0.0.1
PORT=8080

print_unit() {
    cat <<UNIT
[Unit]
Description=Health server of the Aragora stores
After=network-online.target
Wants=network-online.target

[Service]
User=aragora
WorkingDirectory=$FOLDER
Environment=ARAGORA_SECRETS=aws-ssm:$PARAMETERS
Environment=ARAGORA_DB_BACKEND=postgres
Environment=ARAGORA_ENV=production
Environment=AWS_REGION=$1
ExecStartPre=$FOLDER/venv/bin/aragora-sql schema apply
ExecStart=$FOLDER/venv/bin/python -m aragora_sql.server --host $HOST --port $PORT
Restart=on-failure
RestartSec=5
TimeoutStartSec=300
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
UNIT
}

if [ "${1:-}" = --print-unit ]; then
    print_unit "${2:?the region is missing}"
    exit
fi

# The region of this machine, from its metadata (version 2).
metadata=http://169.254.169.254/latest
token=$(curl -fsS -X PUT "$metadata/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')
region=$(curl -fsS "$metadata/meta-data/placement/region" -H "X-aws-ec2-metadata-token: $token")

if command -v dnf >/dev/null; then
    dnf install -y python3.11
elif command -v apt-get >/dev/null; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y python3-venv
fi
for python in python3.13 python3.12 python3.11 python3; do
    if "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        break
    fi
    python=
done
[ -n "$python" ] || { echo "user-data: Python 3.11 or newer is needed" >&2; exit 1; }

id aragora >/dev/null 2>&1 ||
    useradd --system --home-dir "$FOLDER" --shell /usr/sbin/nologin aragora
mkdir -p "$FOLDER"
[ -x "$FOLDER/venv/bin/python" ] || "$python" -m venv "$FOLDER/venv"
"$FOLDER/venv/bin/pip" install --quiet "$PACKAGE"

print_unit "$region" >/etc/systemd/system/aragora.service
systemctl daemon-reload
systemctl enable aragora
systemctl restart aragora
