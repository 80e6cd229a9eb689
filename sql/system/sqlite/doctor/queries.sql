-- What `aragora-sql doctor` asks of a SQLite file.

-- name: get_pages()^
-- Return how many pages the file has, how many of them are free, and their size in bytes.
-- result: page_count not null, free_count not null, page_size not null
-- parity: query because PostgreSQL tells of dead rows, table by table
SELECT
    p.page_count,
    f.freelist_count AS free_count,
    s.page_size
FROM pragma_page_count AS p
CROSS JOIN pragma_freelist_count AS f
CROSS JOIN pragma_page_size AS s;

-- name: list_damage(most)
-- List what is wrong in the file, so many problems at most: one line 'ok' when nothing is. It reads
-- the whole file.
-- result: problem not null
-- parity: query because PostgreSQL checks its pages itself when it reads them
SELECT c.integrity_check AS problem FROM pragma_integrity_check(:most) AS c;
