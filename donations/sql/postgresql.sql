-- Triggers fire in the order of their names: totals (1) before guards (2) before unplaced gifts (3).
-- All work on the whole statement: a guard per row is passed by one insert of two rows.

CREATE OR REPLACE FUNCTION ledger_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donations_dailytotal AS total
        (account_id, kind, booked_on, slot, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at)
    SELECT account_id, kind, booked_on, pg_backend_pid() % 16,
           sum(in_ore), sum(out_ore), sum(covered_in_ore), sum(covered_out_ore), max(created_at)
    FROM (
        -- A reversal has its sides swapped, and counts as negative on the original side.
        SELECT CASE WHEN reverses_id IS NULL THEN credit_id ELSE debit_id END AS account_id, kind, booked_on,
               CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END AS in_ore, 0 AS out_ore,
               CASE WHEN reverses_id IS NULL THEN covered_ore ELSE -covered_ore END AS covered_in_ore,
               0 AS covered_out_ore, created_at
        FROM new_rows
        UNION ALL
        SELECT CASE WHEN reverses_id IS NULL THEN debit_id ELSE credit_id END, kind, booked_on,
               0, CASE WHEN reverses_id IS NULL THEN amount_ore ELSE -amount_ore END,
               0, CASE WHEN reverses_id IS NULL THEN covered_ore ELSE -covered_ore END, created_at
        FROM new_rows
    ) AS side
    GROUP BY account_id, kind, booked_on
    ORDER BY account_id, kind, booked_on
    ON CONFLICT (account_id, kind, booked_on, slot) DO UPDATE SET
        in_ore = total.in_ore + EXCLUDED.in_ore,
        out_ore = total.out_ore + EXCLUDED.out_ore,
        covered_in_ore = total.covered_in_ore + EXCLUDED.covered_in_ore,
        covered_out_ore = total.covered_out_ore + EXCLUDED.covered_out_ore,
        changed_at = greatest(total.changed_at, EXCLUDED.changed_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_1_totals AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger_totals();

-- How many gifts there were and what they came to, by the way they were given and their size. A placement and
-- a refund have the way, the year and the size of their whole gift. Each row looks its gift and its payment up
-- by itself (OFFSET 0), so that a plan once made for many rows does not walk every payment for one.

CREATE OR REPLACE FUNCTION gift_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donations_gifttotal AS total
        (booked_on, account_id, kind, channel, given_year, from_ore, slot, count, ore)
    SELECT booked_on, account_id, kind, channel, given_year, from_ore, pg_backend_pid() % 16,
           sum(sign), sum(sign * amount_ore)
    FROM (
        SELECT r.booked_on, r.kind, r.amount_ore,
               CASE WHEN (r.kind = 'refund') = (r.reverses_id IS NULL) THEN r.debit_id ELSE r.credit_id END AS account_id,
               coalesce(paid.channel, 'other') AS channel,
               extract(year FROM coalesce(paid.bank_date, r.booked_on)) AS given_year,
               CASE WHEN coalesce(whole.amount_ore, r.amount_ore) >= 200000 THEN 200000
                    WHEN coalesce(whole.amount_ore, r.amount_ore) >= 20000 THEN 20000 ELSE 0 END AS from_ore,
               CASE WHEN r.reverses_id IS NULL THEN 1 ELSE -1 END AS sign
        FROM new_rows r
        LEFT JOIN LATERAL (
            SELECT g.amount_ore, g.payment_id FROM donations_transfer g
            WHERE g.id = CASE r.kind
                WHEN 'placement' THEN (
                    SELECT p.id FROM donations_transfer p
                    WHERE p.payment_id = r.payment_id AND p.kind = 'gift' AND p.reverses_id IS NULL)
                ELSE coalesce(r.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = r.reverses_id))
            END
            OFFSET 0
        ) AS whole ON r.kind <> 'gift'
        LEFT JOIN LATERAL (
            SELECT p.channel, p.bank_date FROM donations_payment p
            WHERE p.id = coalesce(whole.payment_id, r.payment_id)
            OFFSET 0
        ) AS paid ON true
        WHERE r.kind IN ('gift', 'placement', 'refund')
    ) AS given
    GROUP BY booked_on, account_id, kind, channel, given_year, from_ore
    ORDER BY booked_on, account_id, kind, channel, given_year, from_ore
    ON CONFLICT (booked_on, account_id, kind, channel, given_year, from_ore, slot) DO UPDATE SET
        count = total.count + EXCLUDED.count,
        ore = total.ore + EXCLUDED.ore;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_1_gift_totals AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gift_totals();

-- Whoever books waits for whoever locks a period or closes a year, and the other way round: a row that
-- was begun before the lock would else get in after it.

CREATE OR REPLACE FUNCTION book_among_others() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock_shared(4703000)
$$;

CREATE OR REPLACE FUNCTION book_alone() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(4703000)
$$;

CREATE OR REPLACE FUNCTION ledger_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_among_others();
    IF (SELECT min(booked_on) FROM new_rows) <= (SELECT max(through) FROM donations_periodlock) THEN
        RAISE EXCEPTION 'ledger: booked in a locked period' USING ERRCODE = 'check_violation';
    END IF;

    -- A hundred thousand gifts have few accounts and days: each check first takes the distinct ones.
    IF EXISTS (
        SELECT 1 FROM (
            SELECT DISTINCT kind, debit_id, credit_id FROM new_rows WHERE reverses_id IS NULL
        ) AS r
        JOIN donations_account d ON d.id = r.debit_id
        JOIN donations_account c ON c.id = r.credit_id
        WHERE (r.kind, d.kind, c.kind) NOT IN (
            ('opening', 'start', 'fund'),
            ('gift', 'bank', 'fund'), ('gift', 'bank', 'suspense'),
            ('placement', 'suspense', 'fund'),
            ('refund', 'fund', 'bank'), ('refund', 'suspense', 'bank'),
            ('reallocation', 'fund', 'fund'), ('carry_over', 'fund', 'fund'),
            ('disbursement', 'fund', 'partners'))
    ) THEN
        RAISE EXCEPTION 'ledger: these accounts do not fit the kind' USING ERRCODE = 'check_violation';
    END IF;

    IF (SELECT max(booked_on) FROM new_rows) > stockholm_today() THEN
        RAISE EXCEPTION 'ledger: booked in the future' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (
        SELECT 1 FROM (
            SELECT a.id, min(r.booked_on) AS first_day,
                   max(r.booked_on) FILTER (
                       WHERE r.reverses_id IS NULL AND r.kind IN ('opening', 'gift', 'placement', 'refund')
                   ) AS last_day
            FROM new_rows r CROSS JOIN LATERAL (VALUES (r.debit_id), (r.credit_id)) AS a (id)
            GROUP BY a.id
        ) AS side
        JOIN donations_account a ON a.id = side.id
        JOIN donations_fundyear f ON f.id = a.fund_year_id
        JOIN donations_collectionyear y ON y.id = f.year_id
        WHERE side.first_day < y.starts_on OR side.last_day > y.ends_on
    ) THEN
        RAISE EXCEPTION 'ledger: booked outside the fund year' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (
        SELECT 1 FROM (
            SELECT DISTINCT r.credit_id, coalesce(p.bank_date, r.booked_on) AS day,
                   CASE r.covered_ore WHEN 0 THEN false WHEN r.amount_ore THEN true END AS is_covered
            FROM new_rows r LEFT JOIN donations_payment p ON p.id = r.payment_id
            WHERE r.reverses_id IS NULL AND r.kind IN ('gift', 'placement')
        ) AS given
        JOIN donations_account a ON a.id = given.credit_id
        LEFT JOIN donations_fundyear f ON f.id = a.fund_year_id
        WHERE given.is_covered IS DISTINCT FROM EXISTS (
            SELECT 1 FROM donations_surplusclause s
            WHERE s.focus_area_id = f.focus_area_id AND s.valid_from <= given.day)
    ) THEN
        RAISE EXCEPTION 'ledger: covered is not what the surplus clause in force says' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (SELECT 1 FROM new_rows WHERE kind = 'placement' OR (kind = 'gift' AND reverses_id IS NOT NULL)) THEN
        PERFORM 1 FROM donations_payment WHERE id IN (
            SELECT payment_id FROM new_rows WHERE kind IN ('gift', 'placement')
        ) ORDER BY id FOR NO KEY UPDATE;
        IF EXISTS (SELECT 1 FROM new_rows WHERE kind = 'placement' AND payment_id IS NULL) OR EXISTS (
            SELECT 1 FROM (SELECT DISTINCT payment_id FROM new_rows WHERE kind IN ('gift', 'placement')) AS r
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(
                    CASE WHEN t.reverses_id IS NULL THEN t.amount_ore ELSE -t.amount_ore END
                    * CASE t.kind WHEN 'gift' THEN 1 ELSE -1 END), 0) AS ore
                FROM donations_transfer t
                JOIN donations_account d ON d.id = t.debit_id JOIN donations_account c ON c.id = t.credit_id
                WHERE t.payment_id = r.payment_id AND t.kind IN ('gift', 'placement') AND 'suspense' IN (d.kind, c.kind)
            ) AS unplaced
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(t.amount_ore), 0) AS ore
                FROM donations_transfer t JOIN donations_transfer g ON g.id = t.corrects_id
                WHERE g.payment_id = r.payment_id AND t.kind = 'refund' AND t.reverses_id IS NULL
                  AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
                  AND EXISTS (SELECT 1 FROM donations_account a WHERE a.id = t.debit_id AND a.kind = 'suspense')
            ) AS refunded
            WHERE unplaced.ore < refunded.ore
        ) THEN
            RAISE EXCEPTION 'ledger: more is placed than the payment''s gift in suspense' USING ERRCODE = 'check_violation';
        END IF;
    END IF;

    IF NOT EXISTS (
        SELECT 1 FROM new_rows WHERE reverses_id IS NOT NULL OR kind NOT IN ('opening', 'gift', 'placement')
    ) THEN
        RETURN NULL;
    END IF;

    -- What lessens a fund year waits for others that do, so that what is read below still holds.
    PERFORM 1 FROM donations_fundyear WHERE id IN (
        SELECT a.fund_year_id FROM new_rows r JOIN donations_account a ON a.id IN (r.debit_id, r.credit_id)
        WHERE r.reverses_id IS NOT NULL OR r.kind NOT IN ('opening', 'gift', 'placement')
    ) ORDER BY id FOR NO KEY UPDATE;

    IF EXISTS (
        SELECT 1 FROM new_rows r JOIN donations_transfer o ON o.id = r.reverses_id
        WHERE o.reverses_id IS NOT NULL OR o.kind <> r.kind OR o.amount_ore <> r.amount_ore
           OR r.covered_ore <> o.covered_ore + (
               SELECT coalesce(sum(a.covered_ore), 0) FROM donations_donoranswer a WHERE a.transfer_id = o.id)
           OR o.debit_id <> r.credit_id OR o.credit_id <> r.debit_id
           OR o.booked_on > r.booked_on OR o.payment_id IS DISTINCT FROM r.payment_id
           OR EXISTS (SELECT 1 FROM donations_donoranswer a
                      WHERE a.transfer_id = o.id AND a.booked_on > r.booked_on)
    ) THEN
        RAISE EXCEPTION 'ledger: a reversal mirrors what it reverses' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (
        SELECT 1 FROM new_rows r
        JOIN donations_account d ON d.id = r.debit_id JOIN donations_fundyear df ON df.id = d.fund_year_id
        JOIN donations_account c ON c.id = r.credit_id JOIN donations_fundyear cf ON cf.id = c.fund_year_id
        JOIN donations_collectionyear dy ON dy.id = df.year_id JOIN donations_collectionyear cy ON cy.id = cf.year_id
        WHERE r.reverses_id IS NULL AND (
            (r.kind = 'reallocation' AND (df.focus_area_id <> cf.focus_area_id OR df.year_id <> cf.year_id))
            OR (r.kind = 'carry_over' AND (df.fund_id <> cf.fund_id OR cy.starts_on <> dy.ends_on + 1
                -- What a promise about one area covers does not cover a move in another.
                OR (r.covered_ore > 0 AND df.focus_area_id <> cf.focus_area_id))))
    ) THEN
        RAISE EXCEPTION 'ledger: between these fund years nothing may move' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (
        SELECT 1 FROM new_rows r
        JOIN donations_account a ON a.id IN (r.debit_id, r.credit_id)
        JOIN donations_fundyear f ON f.id = a.fund_year_id
        JOIN donations_yearclosing c ON c.year_id = f.year_id
        WHERE r.kind IN ('reallocation', 'carry_over')
    ) THEN
        RAISE EXCEPTION 'ledger: the year is closed' USING ERRCODE = 'check_violation';
    END IF;

    IF EXISTS (
        SELECT 1 FROM new_rows r
        JOIN donations_account d ON d.id = r.debit_id
        JOIN donations_account c ON c.id = r.credit_id
        LEFT JOIN donations_proposalline l ON l.id = r.line_id
        LEFT JOIN donations_proposal p ON p.id = l.proposal_id
        WHERE r.reverses_id IS NULL AND r.kind = 'reallocation' AND (
            p.decision IS DISTINCT FROM 'approved' OR l.approved_ore IS DISTINCT FROM r.amount_ore
            OR l.source_id <> d.fund_year_id OR l.receiver_id <> c.fund_year_id
            OR l.corrects_id IS DISTINCT FROM r.corrects_id)
    ) THEN
        RAISE EXCEPTION 'ledger: no approved proposal says so' USING ERRCODE = 'check_violation';
    END IF;

    -- What was moved in a year since closed is moved back between the same funds, and once.
    IF EXISTS (SELECT 1 FROM new_rows WHERE kind = 'reallocation' AND reverses_id IS NULL AND corrects_id IS NOT NULL) THEN
        PERFORM 1 FROM donations_transfer WHERE id IN (
            SELECT corrects_id FROM new_rows WHERE kind = 'reallocation'
        ) ORDER BY id FOR NO KEY UPDATE;
        IF EXISTS (
            SELECT 1 FROM new_rows r
            JOIN donations_account d ON d.id = r.debit_id JOIN donations_fundyear df ON df.id = d.fund_year_id
            JOIN donations_account c ON c.id = r.credit_id JOIN donations_fundyear cf ON cf.id = c.fund_year_id
            JOIN donations_transfer o ON o.id = r.corrects_id
            LEFT JOIN donations_account od ON od.id = o.debit_id LEFT JOIN donations_fundyear odf ON odf.id = od.fund_year_id
            LEFT JOIN donations_account oc ON oc.id = o.credit_id LEFT JOIN donations_fundyear ocf ON ocf.id = oc.fund_year_id
            WHERE r.kind = 'reallocation' AND r.reverses_id IS NULL AND (
                o.kind <> 'reallocation' OR o.reverses_id IS NOT NULL
                OR odf.fund_id IS DISTINCT FROM cf.fund_id OR ocf.fund_id IS DISTINCT FROM df.fund_id
                OR NOT EXISTS (SELECT 1 FROM donations_yearclosing y WHERE y.year_id = odf.year_id)
                OR EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = o.id)
                OR o.amount_ore < (
                    SELECT sum(b.amount_ore) FROM donations_transfer b
                    WHERE b.corrects_id = o.id AND b.kind = 'reallocation' AND b.reverses_id IS NULL
                      AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = b.id)))
        ) THEN
            RAISE EXCEPTION 'ledger: no reallocation of a closed year is moved back by this' USING ERRCODE = 'check_violation';
        END IF;
    END IF;

    IF EXISTS (
        SELECT 1 FROM (
            SELECT r.debit_id, min(r.booked_on) AS booked_on, bool_or(r.kind = 'reallocation' OR r.covered_ore > 0) AS takes_covered,
                   min(l.proposal_id) AS proposal_id
            FROM new_rows r LEFT JOIN donations_proposalline l ON l.id = r.line_id
            WHERE r.reverses_id IS NULL AND r.kind IN ('reallocation', 'carry_over') GROUP BY r.debit_id
        ) AS source
        JOIN donations_account a ON a.id = source.debit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(t.in_ore - t.out_ore) FILTER (WHERE t.kind <> 'disbursement'), 0) AS available,
                   coalesce(sum(t.in_ore - t.out_ore), 0) AS cash,
                   coalesce(sum(t.covered_in_ore - t.covered_out_ore), 0)
                   - coalesce(sum(t.out_ore) FILTER (WHERE t.kind IN ('refund', 'reallocation')), 0) AS covered,
                   max(t.booked_on) AS newest
            FROM donations_dailytotal t WHERE t.account_id = a.id
        ) AS figures
        LEFT JOIN LATERAL (
            SELECT n.amount_ore FROM donations_need n WHERE n.fund_year_id = a.fund_year_id
            ORDER BY n.decided_on DESC, n.id DESC LIMIT 1
        ) AS need ON true
        -- What proposals that wait hold: for a proposal's own lines, those submitted before it; else all.
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(l.amount_ore), 0) AS ore
            FROM donations_proposalline l JOIN donations_proposal p ON p.id = l.proposal_id
            WHERE l.source_id = a.fund_year_id AND p.submitted_at IS NOT NULL AND p.decision = ''
              AND (source.proposal_id IS NULL OR (p.submitted_at, p.id) < (
                  SELECT b.submitted_at, b.id FROM donations_proposal b WHERE b.id = source.proposal_id))
        ) AS held
        WHERE need.amount_ore IS NULL OR figures.available < need.amount_ore + held.ore OR figures.cash < 0
           OR (source.takes_covered AND figures.covered < 0) OR source.booked_on < figures.newest
    ) THEN
        RAISE EXCEPTION 'ledger: more than the source''s movable surplus' USING ERRCODE = 'check_violation';
    END IF;

    -- What has been moved on, or paid out, cannot be moved back as well.
    IF EXISTS (
        SELECT 1 FROM new_rows r
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(t.in_ore - t.out_ore), 0) AS cash,
                   coalesce(sum(t.covered_in_ore - t.covered_out_ore), 0)
                   - coalesce(sum(t.out_ore) FILTER (WHERE t.kind IN ('refund', 'reallocation')), 0) AS covered
            FROM donations_dailytotal t WHERE t.account_id = r.debit_id
        ) AS figures
        WHERE r.reverses_id IS NOT NULL AND r.kind IN ('reallocation', 'carry_over')
          AND (figures.cash < 0 OR (r.covered_ore > 0 AND figures.covered < 0))
    ) THEN
        RAISE EXCEPTION 'ledger: what is to be moved back has gone on' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_2_guard AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard();

CREATE TRIGGER transfer_append_only BEFORE DELETE OR UPDATE ON donations_transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER transfer_not_truncated BEFORE TRUNCATE ON donations_transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What waits on suspense: a row for each gift there that is not reversed, and of which something has
-- neither been placed nor paid back.

CREATE OR REPLACE FUNCTION unplaced_gifts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    suspense bigint := (SELECT id FROM donations_account WHERE kind = 'suspense');
    touched bigint[];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM new_rows WHERE suspense IN (debit_id, credit_id)) THEN
        RETURN NULL;
    END IF;

    INSERT INTO donations_unplacedgift (transfer_id, left_ore)
    SELECT id, amount_ore FROM new_rows WHERE kind = 'gift' AND credit_id = suspense AND reverses_id IS NULL;

    -- Row by row, so that a plan once made for many rows does not walk every transfer for one.
    touched := ARRAY(
        SELECT CASE r.kind
            WHEN 'gift' THEN r.reverses_id
            WHEN 'placement' THEN (
                SELECT g.id FROM donations_transfer g
                WHERE g.payment_id = r.payment_id AND g.kind = 'gift' AND g.reverses_id IS NULL)
            ELSE coalesce(r.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = r.reverses_id))
        END
        FROM new_rows r
        WHERE suspense IN (r.debit_id, r.credit_id) AND (r.kind <> 'gift' OR r.reverses_id IS NOT NULL));
    IF touched = '{}' THEN
        RETURN NULL;
    END IF;

    -- Two who take from one gift wait for each other, so that the latter counts what the former took.
    PERFORM 1 FROM donations_transfer WHERE id = ANY (touched) ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM donations_unplacedgift WHERE transfer_id = ANY (touched);
    INSERT INTO donations_unplacedgift (transfer_id, left_ore)
    SELECT g.id, g.amount_ore - placed.ore - refunded.ore
    FROM donations_transfer g
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN p.reverses_id IS NULL THEN p.amount_ore ELSE -p.amount_ore END), 0) AS ore
        FROM donations_transfer p WHERE p.payment_id = g.payment_id AND p.kind = 'placement'
    ) AS placed
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(t.amount_ore), 0) AS ore FROM donations_transfer t
        WHERE t.corrects_id = g.id AND t.kind = 'refund' AND t.debit_id = suspense
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
    ) AS refunded
    WHERE g.id = ANY (touched) AND g.kind = 'gift' AND g.credit_id = suspense AND g.reverses_id IS NULL
      AND g.amount_ore > placed.ore + refunded.ore
      AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = g.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_3_unplaced AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION unplaced_gifts();

-- Only the trigger above writes there; what it writes comes from within a trigger.

CREATE OR REPLACE FUNCTION unplaced_gift_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'donations_unplacedgift is kept by triggers: % is refused', TG_OP USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER unplaced_gift_guard BEFORE INSERT OR DELETE OR UPDATE ON donations_unplacedgift FOR EACH STATEMENT EXECUTE FUNCTION unplaced_gift_guard();

CREATE TRIGGER unplaced_gift_not_truncated BEFORE TRUNCATE ON donations_unplacedgift FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the books hold of a bank account by the bank's own day, for reconciliation. A reversal takes away from
-- the day of what it reverses, whichever day it is booked on.

CREATE OR REPLACE FUNCTION bank_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM new_rows WHERE kind IN ('gift', 'refund')) THEN
        RETURN NULL;
    END IF;
    INSERT INTO donations_bankday AS kept
        (account_id, bank_date, slot, gifts, in_ore, refunds, out_ore, changed_at)
    SELECT account_id, bank_date, pg_backend_pid() % 16,
           coalesce(sum(sign) FILTER (WHERE kind = 'gift'), 0),
           coalesce(sum(sign * amount_ore) FILTER (WHERE kind = 'gift'), 0),
           coalesce(sum(sign) FILTER (WHERE kind = 'refund'), 0),
           coalesce(sum(sign * amount_ore) FILTER (WHERE kind = 'refund'), 0), max(created_at)
    FROM (
        -- Payment by payment: a plan once made for many rows would walk every payment for one.
        SELECT r.kind, r.amount_ore, r.created_at, CASE WHEN r.reverses_id IS NULL THEN 1 ELSE -1 END AS sign,
               CASE WHEN (r.kind = 'gift') = (r.reverses_id IS NULL) THEN r.debit_id ELSE r.credit_id END AS account_id,
               coalesce((SELECT p.bank_date FROM donations_payment p WHERE p.id = r.payment_id), r.booked_on) AS bank_date
        FROM new_rows r WHERE r.kind IN ('gift', 'refund')
    ) AS side
    GROUP BY account_id, bank_date
    ORDER BY account_id, bank_date
    ON CONFLICT (account_id, bank_date, slot) DO UPDATE SET
        gifts = kept.gifts + EXCLUDED.gifts,
        in_ore = kept.in_ore + EXCLUDED.in_ore,
        refunds = kept.refunds + EXCLUDED.refunds,
        out_ore = kept.out_ore + EXCLUDED.out_ore,
        changed_at = greatest(kept.changed_at, EXCLUDED.changed_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_3_bank_days AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank_days();

CREATE OR REPLACE FUNCTION bank_day_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'donations_bankday is kept by triggers: % is refused', TG_OP USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER bank_day_guard BEFORE INSERT OR DELETE OR UPDATE ON donations_bankday FOR EACH STATEMENT EXECUTE FUNCTION bank_day_guard();

CREATE TRIGGER bank_day_not_truncated BEFORE TRUNCATE ON donations_bankday FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Needs

CREATE OR REPLACE FUNCTION need_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_among_others();
    PERFORM 1 FROM donations_fundyear WHERE id = NEW.fund_year_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM donations_fundyear f JOIN donations_yearclosing c ON c.year_id = f.year_id
        WHERE f.id = NEW.fund_year_id
    ) THEN
        RAISE EXCEPTION 'need: the year is closed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.decided_on > stockholm_today() THEN
        RAISE EXCEPTION 'need: decided in the future' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.decided_on <= (SELECT max(through) FROM donations_periodlock) THEN
        RAISE EXCEPTION 'need: decided in a locked period' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER need_guard BEFORE INSERT ON donations_need FOR EACH ROW EXECUTE FUNCTION need_guard();

CREATE TRIGGER need_append_only BEFORE DELETE OR UPDATE ON donations_need FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER need_not_truncated BEFORE TRUNCATE ON donations_need FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Surplus clauses: never changed once a gift leans on them, never begun before a gift that is in the books.

CREATE OR REPLACE FUNCTION surplus_clause_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    area bigint;
    first_day date;
BEGIN
    -- Gifts wait, so that none is booked under a clause that is being changed.
    LOCK TABLE donations_transfer IN SHARE ROW EXCLUSIVE MODE;
    IF TG_OP = 'INSERT' THEN
        area := NEW.focus_area_id; first_day := NEW.valid_from;
    ELSE
        area := OLD.focus_area_id; first_day := OLD.valid_from;
    END IF;
    IF EXISTS (
        SELECT 1 FROM donations_dailytotal t
        JOIN donations_account a ON a.id = t.account_id JOIN donations_fundyear f ON f.id = a.fund_year_id
        WHERE f.focus_area_id = area AND t.kind IN ('gift', 'placement') AND t.booked_on >= first_day
    ) OR (TG_OP = 'UPDATE' AND EXISTS (
        SELECT 1 FROM donations_dailytotal t
        JOIN donations_account a ON a.id = t.account_id JOIN donations_fundyear f ON f.id = a.fund_year_id
        WHERE f.focus_area_id = NEW.focus_area_id AND t.kind IN ('gift', 'placement') AND t.booked_on >= NEW.valid_from
    )) THEN
        RAISE EXCEPTION 'surplus clause: gifts are already booked on or after its first day' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER surplus_clause_guard BEFORE INSERT OR DELETE OR UPDATE ON donations_surplusclause FOR EACH ROW EXECUTE FUNCTION surplus_clause_guard();

-- The bank's day decides which clause covers a gift, and the way it was given what it is counted among. Who gave
-- can be forgotten; when and how, and what tells the payment from others, cannot change.

CREATE OR REPLACE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.bank_date <> OLD.bank_date AND EXISTS (SELECT 1 FROM donations_transfer WHERE payment_id = OLD.id) THEN
        RAISE EXCEPTION 'payment: the bank''s day does not change' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.channel <> OLD.channel AND EXISTS (SELECT 1 FROM donations_transfer WHERE payment_id = OLD.id) THEN
        RAISE EXCEPTION 'payment: the way it was given does not change' USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.key IS NOT NULL AND NEW.key IS DISTINCT FROM OLD.key)
       OR (OLD.file_id IS NOT NULL AND NEW.file_id IS DISTINCT FROM OLD.file_id)
       OR (OLD.account_id IS NOT NULL AND NEW.account_id IS DISTINCT FROM OLD.account_id)
       OR (OLD.money_digest <> '' AND NEW.money_digest <> OLD.money_digest)
       OR (OLD.content_digest <> '' AND NEW.content_digest <> OLD.content_digest) THEN
        RAISE EXCEPTION 'payment: what it is known by does not change' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
        RAISE EXCEPTION 'payment: withdrawn once and for all' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM donations_transfer t
        WHERE t.payment_id = OLD.id AND t.kind IN ('gift', 'refund') AND t.reverses_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
    ) THEN
        RAISE EXCEPTION 'payment: not withdrawn while its gift or refund stands' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER payment_guard BEFORE UPDATE ON donations_payment FOR EACH ROW EXECUTE FUNCTION payment_guard();

-- What an account and a fund year are does not change once money has moved.

CREATE OR REPLACE FUNCTION account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind <> OLD.kind OR NEW.fund_year_id IS DISTINCT FROM OLD.fund_year_id THEN
        RAISE EXCEPTION 'account: what it is does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER account_guard BEFORE UPDATE ON donations_account FOR EACH ROW EXECUTE FUNCTION account_guard();

CREATE OR REPLACE FUNCTION fund_year_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.fund_id <> OLD.fund_id OR NEW.year_id <> OLD.year_id OR NEW.focus_area_id <> OLD.focus_area_id)
       AND EXISTS (SELECT 1 FROM donations_dailytotal t JOIN donations_account a ON a.id = t.account_id
                   WHERE a.fund_year_id = OLD.id) THEN
        RAISE EXCEPTION 'fund year: fixed once it has transfers' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER fund_year_guard BEFORE UPDATE ON donations_fundyear FOR EACH ROW EXECUTE FUNCTION fund_year_guard();

-- Collection years follow each other day by day, and keep their dates once a fund year leans on them.

CREATE OR REPLACE FUNCTION collection_year_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT starts_on, lag(ends_on) OVER (ORDER BY starts_on) AS before FROM donations_collectionyear) AS y
        WHERE before IS NOT NULL AND starts_on <> before + 1
    ) THEN
        RAISE EXCEPTION 'collection year: years follow each other without gap or overlap' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER collection_year_guard AFTER INSERT OR DELETE OR UPDATE ON donations_collectionyear FOR EACH STATEMENT EXECUTE FUNCTION collection_year_guard();

CREATE OR REPLACE FUNCTION collection_year_dates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.starts_on <> OLD.starts_on OR NEW.ends_on <> OLD.ends_on)
       AND EXISTS (SELECT 1 FROM donations_fundyear WHERE year_id = OLD.id) THEN
        RAISE EXCEPTION 'collection year: fixed once it has fund years' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER collection_year_dates BEFORE UPDATE ON donations_collectionyear FOR EACH ROW EXECUTE FUNCTION collection_year_dates();

-- What donors have answered: counted as covered from the day it was written down.

CREATE OR REPLACE FUNCTION donor_answer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_among_others();
    PERFORM 1 FROM donations_fundyear f
    JOIN donations_account a ON a.fund_year_id = f.id JOIN donations_transfer t ON t.credit_id = a.id
    WHERE t.id = NEW.transfer_id FOR NO KEY UPDATE OF f;
    IF NOT EXISTS (
        SELECT 1 FROM donations_transfer t JOIN donations_account a ON a.id = t.credit_id
        WHERE t.id = NEW.transfer_id AND t.kind IN ('gift', 'placement') AND t.reverses_id IS NULL
          AND a.kind = 'fund' AND t.covered_ore = 0
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
          AND NEW.booked_on >= t.booked_on AND NEW.booked_on <= stockholm_today()
          AND NEW.answered_on <= NEW.booked_on
          AND NEW.booked_on > coalesce((SELECT max(through) FROM donations_periodlock), '0001-01-01')
          AND NEW.covered_ore + (
              SELECT coalesce(sum(o.covered_ore), 0) FROM donations_donoranswer o WHERE o.transfer_id = t.id
          ) = CASE WHEN NEW.is_yes THEN t.amount_ore ELSE 0 END
    ) THEN
        RAISE EXCEPTION 'donor answer: not for this gift' USING ERRCODE = 'check_violation';
    END IF;
    -- A yes that money has already moved by is not taken back.
    IF NEW.covered_ore < 0 AND (
        SELECT coalesce(sum(d.covered_in_ore - d.covered_out_ore), 0)
               - coalesce(sum(d.out_ore) FILTER (WHERE d.kind IN ('refund', 'reallocation')), 0)
        FROM donations_dailytotal d JOIN donations_transfer t ON t.credit_id = d.account_id
        WHERE t.id = NEW.transfer_id
    ) + NEW.covered_ore < 0 THEN
        RAISE EXCEPTION 'donor answer: the money has gone on' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO donations_dailytotal AS total
        (account_id, kind, booked_on, slot, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at)
    SELECT t.credit_id, t.kind, NEW.booked_on, pg_backend_pid() % 16, 0, 0, NEW.covered_ore, 0, NEW.created_at
    FROM donations_transfer t WHERE t.id = NEW.transfer_id
    ON CONFLICT (account_id, kind, booked_on, slot) DO UPDATE SET
        covered_in_ore = total.covered_in_ore + EXCLUDED.covered_in_ore,
        changed_at = greatest(total.changed_at, EXCLUDED.changed_at);
    RETURN NEW;
END
$$;

CREATE TRIGGER donor_answer_guard BEFORE INSERT ON donations_donoranswer FOR EACH ROW EXECUTE FUNCTION donor_answer_guard();

CREATE TRIGGER donor_answer_append_only BEFORE DELETE OR UPDATE ON donations_donoranswer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER donor_answer_not_truncated BEFORE TRUNCATE ON donations_donoranswer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Proposals: free until they are submitted, then fixed; decided once.

CREATE OR REPLACE FUNCTION proposal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_among_others();
    IF TG_OP = 'DELETE' THEN
        IF OLD.submitted_at IS NOT NULL THEN
            RAISE EXCEPTION 'proposal: submitted, and kept' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.submitted_at IS NOT NULL THEN
            RAISE EXCEPTION 'proposal: begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.decision <> '' THEN
        RAISE EXCEPTION 'proposal: decided, and kept' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.submitted_at IS NULL AND NEW.decision <> '' THEN
        RAISE EXCEPTION 'proposal: submitted before it is decided' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.submitted_at IS NOT NULL AND (
        NEW.id <> OLD.id OR NEW.submitted_at IS DISTINCT FROM OLD.submitted_at OR NEW.by_id <> OLD.by_id
        OR NEW.focus_area_id <> OLD.focus_area_id OR NEW.year_id <> OLD.year_id OR NEW.reason <> OLD.reason
        OR NEW.created_at <> OLD.created_at OR NEW.changed_at <> OLD.changed_at
        OR NEW.figures_then IS DISTINCT FROM OLD.figures_then
    ) THEN
        RAISE EXCEPTION 'proposal: submitted, and fixed' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.submitted_at IS NULL AND NEW.submitted_at IS NOT NULL
       AND EXISTS (SELECT 1 FROM donations_yearclosing c WHERE c.year_id = NEW.year_id) THEN
        RAISE EXCEPTION 'proposal: the year is closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER proposal_guard BEFORE INSERT OR DELETE OR UPDATE ON donations_proposal FOR EACH ROW EXECUTE FUNCTION proposal_guard();

CREATE TRIGGER proposal_not_truncated BEFORE TRUNCATE ON donations_proposal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION proposal_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    proposal record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT * INTO proposal FROM donations_proposal WHERE id = OLD.proposal_id FOR SHARE;
        -- A draft's lines go before it does, or with it.
        IF proposal.submitted_at IS NOT NULL THEN
            RAISE EXCEPTION 'proposal line: submitted, and kept' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    SELECT * INTO proposal FROM donations_proposal WHERE id = NEW.proposal_id FOR SHARE;
    IF proposal.submitted_at IS NULL THEN
        IF NEW.approved_ore IS NOT NULL OR (TG_OP = 'UPDATE' AND NEW.proposal_id <> OLD.proposal_id) THEN
            RAISE EXCEPTION 'proposal line: a draft is not approved' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR proposal.decision <> '' OR OLD.approved_ore IS NOT NULL
       OR NEW.id <> OLD.id OR NEW.proposal_id <> OLD.proposal_id OR NEW.position <> OLD.position
       OR NEW.source_id <> OLD.source_id OR NEW.receiver_id <> OLD.receiver_id
       OR NEW.amount_ore <> OLD.amount_ore OR NEW.reason <> OLD.reason
       OR NEW.corrects_id IS DISTINCT FROM OLD.corrects_id THEN
        RAISE EXCEPTION 'proposal line: submitted, and fixed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER proposal_line_guard BEFORE INSERT OR DELETE OR UPDATE ON donations_proposalline FOR EACH ROW EXECUTE FUNCTION proposal_line_guard();

CREATE TRIGGER proposal_line_not_truncated BEFORE TRUNCATE ON donations_proposalline FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Periods only become locked, on days that have been; a year is closed once nothing in it waits.

CREATE OR REPLACE FUNCTION period_lock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_alone();
    IF NEW.through >= stockholm_today() OR NEW.through <= (SELECT max(through) FROM donations_periodlock) THEN
        RAISE EXCEPTION 'period lock: only forward, and only days that have been' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER period_lock_guard BEFORE INSERT ON donations_periodlock FOR EACH ROW EXECUTE FUNCTION period_lock_guard();

CREATE TRIGGER period_lock_append_only BEFORE DELETE OR UPDATE ON donations_periodlock FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER period_lock_not_truncated BEFORE TRUNCATE ON donations_periodlock FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION year_closing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM book_alone();
    IF EXISTS (
        SELECT 1 FROM donations_proposal p
        WHERE p.year_id = NEW.year_id AND p.submitted_at IS NOT NULL AND p.decision = ''
    ) OR (SELECT y.ends_on FROM donations_collectionyear y WHERE y.id = NEW.year_id)
         > coalesce((SELECT max(through) FROM donations_periodlock), '0001-01-01') THEN
        RAISE EXCEPTION 'year closing: something waits, or its last day is not locked' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER year_closing_guard BEFORE INSERT ON donations_yearclosing FOR EACH ROW EXECUTE FUNCTION year_closing_guard();

CREATE TRIGGER year_closing_append_only BEFORE DELETE OR UPDATE ON donations_yearclosing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER year_closing_not_truncated BEFORE TRUNCATE ON donations_yearclosing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER left_surplus_append_only BEFORE DELETE OR UPDATE ON donations_leftsurplus FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER left_surplus_not_truncated BEFORE TRUNCATE ON donations_leftsurplus FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Reconciliation: what a person has read off a statement, and the word that a day has been looked at. Both are
-- added to, never changed.

CREATE OR REPLACE FUNCTION stated_day_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.day > stockholm_today()
       OR NOT EXISTS (SELECT 1 FROM donations_account a WHERE a.id = NEW.account_id AND a.kind = 'bank') THEN
        RAISE EXCEPTION 'stated day: only of a bank account, and of days that have been' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER stated_day_guard BEFORE INSERT ON donations_statedday FOR EACH ROW EXECUTE FUNCTION stated_day_guard();

CREATE TRIGGER stated_day_append_only BEFORE DELETE OR UPDATE ON donations_statedday FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER stated_day_not_truncated BEFORE TRUNCATE ON donations_statedday FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION sign_off_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One at a time, so that the newest is known.
    PERFORM pg_advisory_xact_lock(4703002);
    IF NEW.day >= stockholm_today()
       OR NOT EXISTS (SELECT 1 FROM donations_account a WHERE a.id = NEW.account_id AND a.kind = 'bank')
       OR (NOT NEW.is_signed AND NOT coalesce((
           SELECT s.is_signed FROM donations_signoff s
           WHERE s.account_id = NEW.account_id AND s.day = NEW.day ORDER BY s.id DESC LIMIT 1), false)) THEN
        RAISE EXCEPTION 'sign-off: only of a bank account''s day that is over, and taken back once signed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER sign_off_guard BEFORE INSERT ON donations_signoff FOR EACH ROW EXECUTE FUNCTION sign_off_guard();

CREATE TRIGGER sign_off_append_only BEFORE DELETE OR UPDATE ON donations_signoff FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sign_off_not_truncated BEFORE TRUNCATE ON donations_signoff FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Exports to the general ledger: no transfer is in two, and none is left out between two.

-- After the guard, which waits for an export that is being made: a row whose id was given before that is
-- refused, not lost. Operations take their ids when they have waited.

CREATE OR REPLACE FUNCTION transfer_not_exported() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT min(id) FROM new_rows) <= (SELECT max(highest_id) FROM donations_sieexport) THEN
        RAISE EXCEPTION 'ledger: an export has gone past this id' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_4_not_exported AFTER INSERT ON donations_transfer REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION transfer_not_exported();

-- The sums are written first, then the export that they are of. It takes all there is of its kinds on its days,
-- so that all exports of it come to what the totals are: not an öre less, and none twice.

CREATE OR REPLACE FUNCTION sie_export_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- Asked for first: joined with what is compared below, sums that nobody has analysed yet are walked for each.
    kinds text[] := ARRAY(SELECT DISTINCT kind FROM donations_siesum WHERE export_id = NEW.number);
BEGIN
    PERFORM book_alone();
    IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM donations_sieexport) THEN
        RAISE EXCEPTION 'sie export: numbers follow each other' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.repeats_id IS NOT NULL THEN
        IF EXISTS (SELECT 1 FROM donations_siesum WHERE export_id = NEW.number) OR NOT EXISTS (
            SELECT 1 FROM donations_sieexport o
            WHERE o.number = NEW.repeats_id AND o.repeats_id IS NULL
              AND o.first_day = NEW.first_day AND o.last_day = NEW.last_day AND o.highest_id = NEW.highest_id
              AND o.transfers = NEW.transfers AND o.amount_ore = NEW.amount_ore
        ) THEN
            RAISE EXCEPTION 'sie export: a repeat holds what another holds' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.highest_id IS DISTINCT FROM (SELECT max(id) FROM donations_transfer) THEN
        RAISE EXCEPTION 'sie export: up to the newest transfer' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM donations_siesum s WHERE s.export_id = NEW.number GROUP BY s.export_id
        HAVING sum(s.transfers) = NEW.transfers AND sum(s.amount_ore) = NEW.amount_ore
           AND min(s.booked_on) >= NEW.first_day AND max(s.booked_on) <= NEW.last_day
    ) OR EXISTS (
        SELECT 1 FROM (
            SELECT t.account_id, t.kind, t.booked_on, t.in_ore, t.out_ore FROM donations_dailytotal t
            WHERE t.kind = ANY (kinds) AND t.booked_on BETWEEN NEW.first_day AND NEW.last_day
            UNION ALL
            SELECT CASE WHEN s.is_reversal THEN s.debit_id ELSE s.credit_id END, s.kind, s.booked_on,
                   CASE WHEN s.is_reversal THEN s.amount_ore ELSE -s.amount_ore END, 0
            FROM donations_siesum s
            WHERE s.kind = ANY (kinds) AND s.booked_on BETWEEN NEW.first_day AND NEW.last_day
            UNION ALL
            SELECT CASE WHEN s.is_reversal THEN s.credit_id ELSE s.debit_id END, s.kind, s.booked_on,
                   0, CASE WHEN s.is_reversal THEN s.amount_ore ELSE -s.amount_ore END
            FROM donations_siesum s
            WHERE s.kind = ANY (kinds) AND s.booked_on BETWEEN NEW.first_day AND NEW.last_day
        ) AS side
        GROUP BY account_id, kind, booked_on HAVING sum(in_ore) <> 0 OR sum(out_ore) <> 0
    ) THEN
        RAISE EXCEPTION 'sie export: what is exported is not what the totals are' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER sie_export_guard BEFORE INSERT ON donations_sieexport FOR EACH ROW EXECUTE FUNCTION sie_export_guard();

CREATE TRIGGER sie_export_append_only BEFORE DELETE OR UPDATE ON donations_sieexport FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sie_export_not_truncated BEFORE TRUNCATE ON donations_sieexport FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION sie_sum_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows r JOIN donations_sieexport e ON e.number = r.export_id) THEN
        RAISE EXCEPTION 'sie sum: the export is already made' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER sie_sum_guard AFTER INSERT ON donations_siesum REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sie_sum_guard();

CREATE TRIGGER sie_sum_append_only BEFORE DELETE OR UPDATE ON donations_siesum FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER sie_sum_not_truncated BEFORE TRUNCATE ON donations_siesum FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
