-- What `aragora-sql schema show` prints around the script of each store, so that nothing is done
-- and nothing is locked where the store is there: a script without psql's commands has no \if.

DO $once$
BEGIN
    IF current_setting('aragora.make_store')::boolean THEN
        EXECUTE $store$$store$;
    END IF;
END
$once$;
