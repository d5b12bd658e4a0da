#!/bin/sh
# Writes deploy/production.env with fresh secrets, readable by its owner alone. An existing file is left as it is.
set -eu
cd "$(dirname "$0")"
if [ -e production.env ]; then
  echo "deploy/production.env exists already and was left as it is."
  exit 0
fi
umask 077
hex() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
key=$(head -c 32 /dev/urandom | base64 | tr -d '\n')
sed -e "s|^POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(hex)|" \
  -e "s|^PERDURE_DATABASE_PASSWORD=.*|PERDURE_DATABASE_PASSWORD=$(hex)|" \
  -e "s|^TEMPORAL_DATABASE_PASSWORD=.*|TEMPORAL_DATABASE_PASSWORD=$(hex)|" \
  -e "s|^PERDURE_SECRET_KEY=.*|PERDURE_SECRET_KEY=$key|" \
  production.env.example > production.env.new
mv production.env.new production.env
echo "Wrote deploy/production.env. Keep a copy of PERDURE_SECRET_KEY: stored credentials cannot be read without it."
