"""The SQL store: tables of users on SQLite, PostgreSQL and MariaDB."""
