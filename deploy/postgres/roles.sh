#!/bin/sh
# Makes the roles of Comity in a PostgreSQL server: an owner, who migrates, and one for each service, who may only what
# `comity database migrate` grants it. To be run by a superuser, as often as one likes: what is there is brought to this
# state, passwords included, and nothing is dropped. The image of PostgreSQL runs it from /docker-entrypoint-initdb.d.
#
#   PGHOST, PGPORT, PGUSER, PGPASSWORD …   how psql reaches the server (in the image: the local socket, POSTGRES_USER)
#   COMITY_PASSWORDS     directory with one file for each role, named like it; /run/secrets
#   COMITY_ROLE_PREFIX   what the roles' names begin with; comity_
#   COMITY_OWNED         name of the database that the owner gets, made if it is not there; comity; empty for none
set -eu

passwords=${COMITY_PASSWORDS:-/run/secrets}
prefix=${COMITY_ROLE_PREFIX-comity_}
database=${COMITY_OWNED-comity}
shortest=16
export PGUSER="${PGUSER:-${POSTGRES_USER:-postgres}}" PGDATABASE="${PGDATABASE:-postgres}"

for service in owner gateway intake routing notification ledger; do
    role=$prefix$service
    if [ ! -r "$passwords/$role" ]; then
        echo "roles.sh: no password for $role: put it into $passwords/$role" >&2
        exit 1
    fi
    password=$(cat "$passwords/$role")
    if [ "${#password}" -lt "$shortest" ]; then
        echo "roles.sh: the password in $passwords/$role is shorter than $shortest characters" >&2
        exit 1
    fi
    # The password travels in the environment of this one program, not in its arguments, and stays out of the log.
    ROLE=$role PASSWORD=$password psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\set role `printenv ROLE`
\set password `printenv PASSWORD`
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SQL
done

# Whatever a gateway is made to say, a transaction of its own begins read-only.
ROLE=${prefix}gateway psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\set role `printenv ROLE`
ALTER ROLE :"role" SET default_transaction_read_only = on;
SQL

if [ -n "$database" ]; then
    ROLE=${prefix}owner NAME=$database psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\set role `printenv ROLE`
\set name `printenv NAME`
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'name', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
fi
