-- SPDX-License-Identifier: MIT
-- Inserts, indexes, joins, sorts, text functions and many small statements, in memory. No random(): no run differs.
PRAGMA journal_mode = OFF;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL, note TEXT);
CREATE TABLE sale (id INTEGER PRIMARY KEY, item INTEGER, day INTEGER, amount INTEGER);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
INSERT INTO item SELECT i, printf('item-%06d', (i * 7919) % 1000003), i % 97, (i * 31 % 10007) / 100.0,
	substr('the quick brown fox jumps over the lazy dog and runs away', 1 + i % 20, 10 + i % 30) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 420000)
INSERT INTO sale SELECT i, 1 + (i * 7907) % 120000, i % 365, 1 + i % 9 FROM n;
CREATE INDEX item_name ON item(name);
CREATE INDEX sale_item ON sale(item, day);

SELECT kind, count(*), round(sum(price * amount), 2), max(upper(note) || '-' || name)
FROM item JOIN sale ON sale.item = item.id GROUP BY kind ORDER BY 3 DESC LIMIT 5;
SELECT day, group_concat(name, ',') FROM (SELECT day, name FROM sale JOIN item ON item.id = sale.item
	WHERE amount = 3 ORDER BY day, name LIMIT 20000) GROUP BY day ORDER BY length(name) LIMIT 3;
SELECT count(DISTINCT replace(lower(note), 'o', '0') || kind) FROM item;
SELECT a.name, b.name FROM item a JOIN item b ON b.kind = a.kind AND b.price > a.price AND b.id < 400
WHERE a.id < 4000 AND a.note LIKE '%fox%jumps%' ORDER BY b.price - a.price DESC, a.name LIMIT 5;
SELECT name, rank() OVER (PARTITION BY kind ORDER BY price DESC, id) AS place FROM item
	ORDER BY place DESC, name LIMIT 5;
SELECT sum(json_extract(json_object('id', id, 'name', name, 'tags', json_array(kind, note)), '$.tags[0]')) FROM item;

UPDATE item SET note = note || printf(' #%d', id) WHERE kind % 3 = 0;
DELETE FROM sale WHERE day % 50 = 7;
SELECT total(length(note)), count(*) FROM item;
SELECT count(*), sum(amount) FROM sale;
