import sqlite3


def count(database, number):
    with sqlite3.connect(database, timeout=10) as connection:
        connection.execute("update link set visits = visits + 1 where id = ?", (number,))
