-- The unified schema of aragora-sql for PostgreSQL 13 and newer.
--
--     psql -v ON_ERROR_STOP=1 -f sql/postgres/schema.sql
--
-- Works from any folder and any number of times, also on a database in use: of each store all is
-- created, or it is there in the version below and nothing of it is touched or locked. A database
-- with another version is refused before anything is changed. Tables go to the first schema of
-- search_path (public, unless you set another).
-- `aragora-sql schema show --dialect postgres` prints it as one file without psql's commands.

BEGIN;
-- so that objects which exist are not named one by one
SET LOCAL client_min_messages = warning;
-- Whoever waits for a lock on a table makes all others wait that come later.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

DO $$
DECLARE
    is_new BOOLEAN;
    present INTEGER;
    store RECORD;
BEGIN
    IF current_schema() IS NULL THEN
        RAISE EXCEPTION 'search_path names no schema that is there and that role % may use',
            current_user;
    END IF;
    -- as aragora-sql does
    PERFORM pg_advisory_xact_lock(5207412907514871);
    is_new := to_regclass(format('%I._schema_versions', current_schema())) IS NULL;
    IF NOT is_new AND row_security_active('_schema_versions') THEN
        RAISE EXCEPTION 'role % does not own the table _schema_versions', current_user
            USING HINT = 'Connect as the role that made the tables.';
    END IF;
    PERFORM set_config(
        'aragora.make_schema_versions',
        (is_new OR to_regclass(format('%I._transaction_keys', current_schema())) IS NULL)::text,
        TRUE
    );
    FOR store IN
    SELECT e.name, e.version FROM (VALUES
    ('consensus', 2),
    ('critique', 1),
    ('jobs', 5),
    ('workflow', 1),
    ('integrations', 1),
    ('checkpoints', 2),
    ('continuum', 1),
    ('langgraph', 4),
    ('langgraph_items', 1),
    ('elo', 1),
    ('governance', 1),
    ('users', 1),
    ('audit', 1),
    ('sessions', 1),
    ('marketplace', 1),
    ('federation', 1),
    ('gmail', 1),
    ('notifications', 1),
    ('webhooks', 1),
    ('sharing', 1),
    ('decisions', 1),
    ('workflow_definitions', 1),
    ('unified_inbox', 1),
    ('connectors', 1),
    ('scheduled_debates', 1),
    ('computer_use', 1),
    ('gauntlet', 1),
    ('debate_archive', 1),
    ('debate_origins', 1),
    ('receipts', 1),
    ('insights', 1),
    ('knowledge', 1),
    ('compliance', 1),
    ('cycles', 1),
    ('inbox_activities', 1),
    ('facts', 1)
    ) AS e (name, version)
    LOOP
        present := NULL;
        IF NOT is_new THEN
            SELECT v.version INTO present FROM _schema_versions AS v WHERE v.module = store.name;
        END IF;
        IF present < store.version THEN
            RAISE EXCEPTION 'store % has version %, and these files create version %',
                store.name, present, store.version
                USING HINT = 'Upgrade it with: aragora-sql schema apply';
        ELSIF present > store.version THEN
            RAISE EXCEPTION 'store % has version %, and these files are older: version %',
                store.name, present, store.version
                USING HINT = 'Use the files of a newer release.';
        END IF;
        PERFORM set_config('aragora.make_' || store.name, (present IS NULL)::text, TRUE);
    END LOOP;
END
$$;

SELECT
    current_setting('aragora.make_schema_versions') AS make_schema_versions,
    current_setting('aragora.make_consensus') AS make_consensus,
    current_setting('aragora.make_critique') AS make_critique,
    current_setting('aragora.make_jobs') AS make_jobs,
    current_setting('aragora.make_workflow') AS make_workflow,
    current_setting('aragora.make_integrations') AS make_integrations,
    current_setting('aragora.make_checkpoints') AS make_checkpoints,
    current_setting('aragora.make_continuum') AS make_continuum,
    current_setting('aragora.make_langgraph') AS make_langgraph,
    current_setting('aragora.make_langgraph_items') AS make_langgraph_items,
    current_setting('aragora.make_elo') AS make_elo,
    current_setting('aragora.make_governance') AS make_governance,
    current_setting('aragora.make_users') AS make_users,
    current_setting('aragora.make_audit') AS make_audit,
    current_setting('aragora.make_sessions') AS make_sessions,
    current_setting('aragora.make_marketplace') AS make_marketplace,
    current_setting('aragora.make_federation') AS make_federation,
    current_setting('aragora.make_gmail') AS make_gmail,
    current_setting('aragora.make_notifications') AS make_notifications,
    current_setting('aragora.make_webhooks') AS make_webhooks,
    current_setting('aragora.make_sharing') AS make_sharing,
    current_setting('aragora.make_decisions') AS make_decisions,
    current_setting('aragora.make_workflow_definitions') AS make_workflow_definitions,
    current_setting('aragora.make_unified_inbox') AS make_unified_inbox,
    current_setting('aragora.make_connectors') AS make_connectors,
    current_setting('aragora.make_scheduled_debates') AS make_scheduled_debates,
    current_setting('aragora.make_computer_use') AS make_computer_use,
    current_setting('aragora.make_gauntlet') AS make_gauntlet,
    current_setting('aragora.make_debate_archive') AS make_debate_archive,
    current_setting('aragora.make_debate_origins') AS make_debate_origins,
    current_setting('aragora.make_receipts') AS make_receipts,
    current_setting('aragora.make_insights') AS make_insights,
    current_setting('aragora.make_knowledge') AS make_knowledge,
    current_setting('aragora.make_compliance') AS make_compliance,
    current_setting('aragora.make_cycles') AS make_cycles,
    current_setting('aragora.make_inbox_activities') AS make_inbox_activities,
    current_setting('aragora.make_facts') AS make_facts
\gset

\if :make_schema_versions
\ir ../system/postgres/schema_versions/schema.sql
\endif
\if :make_consensus
\ir consensus/schema.sql
\endif
\if :make_critique
\ir critique/schema.sql
\endif
\if :make_jobs
\ir jobs/schema.sql
\endif
\if :make_workflow
\ir workflow/schema.sql
\endif
\if :make_integrations
\ir integrations/schema.sql
\endif
\if :make_checkpoints
\ir checkpoints/schema.sql
\endif
\if :make_continuum
\ir continuum/schema.sql
\endif
\if :make_langgraph
\ir langgraph/schema.sql
\endif
\if :make_langgraph_items
\ir langgraph_items/schema.sql
\endif
\if :make_elo
\ir elo/schema.sql
\endif
\if :make_governance
\ir governance/schema.sql
\endif
\if :make_users
\ir users/schema.sql
\endif
\if :make_audit
\ir audit/schema.sql
\endif
\if :make_sessions
\ir sessions/schema.sql
\endif
\if :make_marketplace
\ir marketplace/schema.sql
\endif
\if :make_federation
\ir federation/schema.sql
\endif
\if :make_gmail
\ir gmail/schema.sql
\endif
\if :make_notifications
\ir notifications/schema.sql
\endif
\if :make_webhooks
\ir webhooks/schema.sql
\endif
\if :make_sharing
\ir sharing/schema.sql
\endif
\if :make_decisions
\ir decisions/schema.sql
\endif
\if :make_workflow_definitions
\ir workflow_definitions/schema.sql
\endif
\if :make_unified_inbox
\ir unified_inbox/schema.sql
\endif
\if :make_connectors
\ir connectors/schema.sql
\endif
\if :make_scheduled_debates
\ir scheduled_debates/schema.sql
\endif
\if :make_computer_use
\ir computer_use/schema.sql
\endif
\if :make_gauntlet
\ir gauntlet/schema.sql
\endif
\if :make_debate_archive
\ir debate_archive/schema.sql
\endif
\if :make_debate_origins
\ir debate_origins/schema.sql
\endif
\if :make_receipts
\ir receipts/schema.sql
\endif
\if :make_insights
\ir insights/schema.sql
\endif
\if :make_knowledge
\ir knowledge/schema.sql
\endif
\if :make_compliance
\ir compliance/schema.sql
\endif
\if :make_cycles
\ir cycles/schema.sql
\endif
\if :make_inbox_activities
\ir inbox_activities/schema.sql
\endif
\if :make_facts
\ir facts/schema.sql
\endif
COMMIT;
