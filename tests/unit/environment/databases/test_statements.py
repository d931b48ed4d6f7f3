"""SQL files cut into statements."""

from devboot.environment.databases.statements import Statement, split_statements

FILE = """-- the first table
CREATE TABLE a (x TEXT DEFAULT ';');

/* a trigger; with
   its own statements */
CREATE TRIGGER t AFTER INSERT ON a BEGIN
  UPDATE a SET x = 1;
  DELETE FROM a;
END;
BEGIN TRANSACTION; INSERT INTO a VALUES ('it''s; fine'); COMMIT;
SELECT 1 -- no semicolon
"""


def test_each_statement_has_its_text_and_its_line():
    assert list(split_statements(FILE)) == [
        Statement("CREATE TABLE a (x TEXT DEFAULT ';');", 2),
        Statement("CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  UPDATE a SET x = 1;\n  DELETE FROM a;\nEND;", 6),
        Statement("BEGIN TRANSACTION;", 10),
        Statement("INSERT INTO a VALUES ('it''s; fine');", 10),
        Statement("COMMIT;", 10),
        Statement("SELECT 1 -- no semicolon", 11),
    ]


def test_what_is_only_space_and_comments_is_no_statement():
    assert list(split_statements("\n  -- nothing\n/* at all */\n")) == []
    assert list(split_statements("-- never ends")) == []


def test_transaction_control_is_recognised():
    controls = [statement.text for statement in split_statements(FILE) if statement.is_transaction_control]

    assert controls == ["BEGIN TRANSACTION;", "COMMIT;"]
