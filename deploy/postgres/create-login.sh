#!/bin/sh
# Run once, by the database image, on an empty data folder: the product's database and its login, no superuser.
set -eu
# BYPASSRLS because only a role that has it may give it to the operator role, which the migrations make.
psql --set ON_ERROR_STOP=1 --set password="$PERDURE_DATABASE_PASSWORD" --username "${POSTGRES_USER:-postgres}" <<'SQL'
create role perdure login createrole bypassrls password :'password';
create database perdure owner perdure;
\connect perdure
create extension vector;
SQL
