-- Rajasthan's outbox: every change of the table `fir`, deletions among them, for rajasthan-postgres.toml to read.
-- Run it once as the owner of `fir`, in its schema. The table and all in it are invented; PostgreSQL 13 or later.

create table fir_outbox (
    -- Says which changes are complete; ids alone do not, since transactions commit in any order.
    txid xid8 not null default pg_current_xact_id(),
    -- Grows with every change of a record, so it is the record's revision.
    id bigint not null generated always as identity,
    operation char(1) not null check (operation in ('I', 'U', 'D')),
    fir jsonb not null,
    primary key (txid, id)
);

-- It writes with its owner's rights, so that nobody else needs any on the outbox.
create function fir_to_outbox() returns trigger language plpgsql security definer set search_path from current as $$
begin
    insert into fir_outbox (operation, fir)
    values (left(tg_op, 1), to_jsonb(case tg_op when 'DELETE' then old else new end));
    return null;
end
$$;

create trigger fir_to_outbox after insert or update or delete on fir
    for each row execute function fir_to_outbox();

-- What is there already is the first change.
insert into fir_outbox (operation, fir) select 'I', to_jsonb(fir) from fir;

-- The producer's role may read the outbox and nothing else. It gets its password by `\password sanchar_reader`.
create role sanchar_reader login;
alter role sanchar_reader set default_transaction_read_only = on;
grant select on fir_outbox to sanchar_reader;
