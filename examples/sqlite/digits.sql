-- The digits classifier in the sqlite3 shell, from the root of the repository:
--
--   python3 examples/sqlite/digits_table.py build/release/digits.db
--   sqlite3 build/release/digits.db < examples/sqlite/digits.sql

.load build/release/examples/mlc
.parameter set :model "'examples/digits/digits.safetensors'"
.mode box

-- What the model takes and gives.
SELECT json_extract(mlc_describe(:model), '$.inputs') AS inputs,
       json_extract(mlc_describe(:model), '$.outputs') AS outputs;

-- How many of the images it gets right.
SELECT count(*) AS images,
       round(100 * avg(mlc_argmax(mlc_predict(:model, pixels)) = label), 2) AS percent
  FROM digits;

-- What it takes for something else most often, and by how much.
WITH said AS (SELECT label, mlc_predict(:model, pixels) AS logits FROM digits)
SELECT label, mlc_argmax(logits) AS said, count(*) AS times,
       round(avg(mlc_element(logits, mlc_argmax(logits)) - mlc_element(logits, label)), 2) AS "by"
  FROM said WHERE mlc_argmax(logits) <> label
 GROUP BY label, said ORDER BY times DESC, label LIMIT 3;

-- All images as one batch, and a row for each of its results.
SELECT key AS id, round(json_extract(value, '$[7]'), 2) AS "logit of 7"
  FROM json_each(mlc_predict_json(:model,
         (SELECT mlc_vector(pixels) FROM (SELECT pixels FROM digits ORDER BY id))), '$.logits')
 LIMIT 3;
