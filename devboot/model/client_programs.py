"""Client programs of servers, each with its package in Debian and Ubuntu; "" if no package has just clients."""

from __future__ import annotations


def _all_in(package: str, programs: str) -> dict[str, str]:
    return dict.fromkeys(programs.split(), package)


# Other programs in a server's folder, such as redis-check-aof, need the server stopped
CLIENTS = {
    **_all_in(
        "postgresql-client",
        "clusterdb createdb createuser dropdb dropuser pg_dump pg_dumpall pg_restore psql reindexdb vacuumdb",
    ),
    **_all_in("default-mysql-client", "mysql mysqladmin mysqlcheck mysqldump mysqlimport mysqlshow"),
    **_all_in("mariadb-client", "mariadb mariadb-admin mariadb-check mariadb-dump mariadb-import mariadb-show"),
    **_all_in("redis-tools", "redis-cli"),
    **_all_in("valkey-tools", "valkey-cli"),
    **_all_in("mosquitto-clients", "mosquitto_pub mosquitto_sub"),
    **_all_in("", "mongo mongodump mongoexport mongoimport mongorestore mongosh nats pgbench rabbitmqctl"),
}
