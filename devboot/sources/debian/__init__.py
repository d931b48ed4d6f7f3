"""Programs out of packages of Debian and Ubuntu, without root."""
