CREATE TABLE IF NOT EXISTS visits (id serial PRIMARY KEY, note citext);
