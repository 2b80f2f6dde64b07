-- Before: the tables of links and of the outbox. After: a link more, and its event, as the store writes them.
--
-- Ids grow with time, as the store's do, so that both fill the same pages of an index. A random number makes them and the
-- slug: pgbench draws no others.
\set n random(1, 9000000000000000000)
BEGIN;
INSERT INTO waypost_link (id, workspace, domain, slug, destination, tags, redirect_status, metadata, created_at, updated_at, version) VALUES ((lpad(to_hex((extract(epoch FROM now()) * 1000000)::int8), 14, '0') || lpad(to_hex(:n::int8), 18, '0'))::uuid, '01234567-89ab-7000-8000-000000000001', '', to_hex(:n::int8), :destination, '{}', 302, '{}', now(), now(), 1);
INSERT INTO waypost_outbox (entry, turn, ordering, id, type, version, created_at, workspace, subject, data) SELECT nextval('waypost_outbox_number') * 8 + turn.last_value, turn.last_value, 'lnk_0123456' || lpad(:n::text, 19, '0'), (lpad(to_hex((extract(epoch FROM now()) * 1000000)::int8), 14, '0') || lpad(to_hex(:n::int8), 18, '0'))::uuid, 'link.created', 1, now(), '01234567-89ab-7000-8000-000000000001', 'lnk_0123456' || lpad(:n::text, 19, '0'), :data FROM waypost_outbox_turn AS turn;
COMMIT;
