-- LiteLLM's spend logs as JSON lines, for `hydrawatch intake file spend.jsonl --format litellm_spend`.
-- psql "$DATABASE_URL" -At -v since="'2026-11-01'" -f litellm_spend.sql > spend.jsonl
-- Prompts and answers are left out; the database has them only where store_prompts_in_spend_logs is on.
SELECT to_jsonb(logs) - 'messages' - 'response' - 'proxy_server_request'
FROM "LiteLLM_SpendLogs" AS logs
WHERE "endTime" >= :since
ORDER BY "endTime";
