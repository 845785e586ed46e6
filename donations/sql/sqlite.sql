-- The same rules as in postgresql.sql. SQLite does not say in which order the
-- triggers of one event fire, so that totals and guards are one trigger.

CREATE TRIGGER transfer_ledger AFTER INSERT ON donations_transfer BEGIN
    -- Two plain statements: an upsert would take over the conflict clause of the insert that fired us.
    INSERT INTO donations_dailytotal
        (account_id, kind, booked_on, slot, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at)
    SELECT side.account_id, NEW.kind, NEW.booked_on, 0, 0, 0, 0, 0, NEW.created_at
    FROM (SELECT NEW.debit_id AS account_id UNION ALL SELECT NEW.credit_id) AS side
    WHERE NOT EXISTS (
        SELECT 1 FROM donations_dailytotal t
        WHERE t.account_id = side.account_id AND t.kind = NEW.kind AND t.booked_on = NEW.booked_on AND t.slot = 0);

    -- A reversal has its sides swapped, and counts as negative on the original side.
    UPDATE donations_dailytotal SET
        in_ore = in_ore + iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore),
        covered_in_ore = covered_in_ore + iif(NEW.reverses_id IS NULL, NEW.covered_ore, -NEW.covered_ore),
        changed_at = max(changed_at, NEW.created_at)
    WHERE account_id = iif(NEW.reverses_id IS NULL, NEW.credit_id, NEW.debit_id)
      AND kind = NEW.kind AND booked_on = NEW.booked_on AND slot = 0;
    UPDATE donations_dailytotal SET
        out_ore = out_ore + iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore),
        covered_out_ore = covered_out_ore + iif(NEW.reverses_id IS NULL, NEW.covered_ore, -NEW.covered_ore),
        changed_at = max(changed_at, NEW.created_at)
    WHERE account_id = iif(NEW.reverses_id IS NULL, NEW.debit_id, NEW.credit_id)
      AND kind = NEW.kind AND booked_on = NEW.booked_on AND slot = 0;

    SELECT RAISE(ABORT, 'ledger: booked in a locked period')
    WHERE NEW.booked_on <= (SELECT max(through) FROM donations_periodlock);

    SELECT RAISE(ABORT, 'ledger: these accounts do not fit the kind')
    WHERE NEW.reverses_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM donations_account d, donations_account c
        WHERE d.id = NEW.debit_id AND c.id = NEW.credit_id AND (NEW.kind || ' ' || d.kind || ' ' || c.kind) IN (
            'opening start fund', 'gift bank fund', 'gift bank suspense', 'placement suspense fund',
            'refund fund bank', 'refund suspense bank', 'reallocation fund fund', 'carry_over fund fund',
            'disbursement fund partners'));

    -- Stockholm is two hours before UTC from the last Sunday of March to that of October, at 01.00 UTC.
    SELECT RAISE(ABORT, 'ledger: booked in the future')
    WHERE NEW.booked_on > date('now', iif(
        datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
        AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
        '+2 hours', '+1 hour'));

    SELECT RAISE(ABORT, 'ledger: booked outside the fund year')
    FROM donations_account a
    JOIN donations_fundyear f ON f.id = a.fund_year_id
    JOIN donations_collectionyear y ON y.id = f.year_id
    WHERE a.id IN (NEW.debit_id, NEW.credit_id) AND (
        NEW.booked_on < y.starts_on
        OR (NEW.booked_on > y.ends_on AND NEW.reverses_id IS NULL
            AND NEW.kind IN ('opening', 'gift', 'placement', 'refund')));

    SELECT RAISE(ABORT, 'ledger: covered is not what the surplus clause in force says')
    WHERE NEW.reverses_id IS NULL AND NEW.kind IN ('gift', 'placement')
      AND NEW.covered_ore <> iif(EXISTS (
          SELECT 1 FROM donations_account a
          JOIN donations_fundyear f ON f.id = a.fund_year_id
          JOIN donations_surplusclause s ON s.focus_area_id = f.focus_area_id
          WHERE a.id = NEW.credit_id AND s.valid_from <= coalesce(
              (SELECT bank_date FROM donations_payment WHERE id = NEW.payment_id), NEW.booked_on)
      ), NEW.amount_ore, 0);

    SELECT RAISE(ABORT, 'ledger: a reversal mirrors what it reverses')
    WHERE NEW.reverses_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM donations_transfer o
        WHERE o.id = NEW.reverses_id AND o.reverses_id IS NULL AND o.kind = NEW.kind
          AND o.amount_ore = NEW.amount_ore AND NEW.covered_ore = o.covered_ore + (
              SELECT coalesce(sum(a.covered_ore), 0) FROM donations_donoranswer a WHERE a.transfer_id = o.id)
          AND o.debit_id = NEW.credit_id AND o.credit_id = NEW.debit_id
          AND o.booked_on <= NEW.booked_on AND o.payment_id IS NEW.payment_id
          AND NOT EXISTS (SELECT 1 FROM donations_donoranswer a
                          WHERE a.transfer_id = o.id AND a.booked_on > NEW.booked_on));

    SELECT RAISE(ABORT, 'ledger: more is placed than the payment''s gift in suspense')
    WHERE (NEW.kind = 'placement' OR (NEW.kind = 'gift' AND NEW.reverses_id IS NOT NULL))
      AND (NEW.payment_id IS NULL AND NEW.kind = 'placement' OR (
          SELECT coalesce(sum(iif(t.reverses_id IS NULL, t.amount_ore, -t.amount_ore) * iif(t.kind = 'gift', 1, -1)), 0)
          FROM donations_transfer t
          JOIN donations_account d ON d.id = t.debit_id JOIN donations_account c ON c.id = t.credit_id
          WHERE t.payment_id = NEW.payment_id AND t.kind IN ('gift', 'placement') AND 'suspense' IN (d.kind, c.kind)
      ) < (
          SELECT coalesce(sum(t.amount_ore), 0)
          -- From the gift to its refunds: the other way round SQLite walks all that reverses nothing.
          FROM donations_transfer g CROSS JOIN donations_transfer t ON t.corrects_id = g.id
          WHERE g.payment_id = NEW.payment_id AND t.kind = 'refund' AND +t.reverses_id IS NULL
            AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
            AND EXISTS (SELECT 1 FROM donations_account a WHERE a.id = t.debit_id AND a.kind = 'suspense')));

    SELECT RAISE(ABORT, 'ledger: between these fund years nothing may move')
    WHERE NEW.reverses_id IS NULL AND NEW.kind IN ('reallocation', 'carry_over') AND NOT EXISTS (
        SELECT 1 FROM donations_account d JOIN donations_fundyear df ON df.id = d.fund_year_id
        JOIN donations_collectionyear dy ON dy.id = df.year_id,
        donations_account c JOIN donations_fundyear cf ON cf.id = c.fund_year_id
        JOIN donations_collectionyear cy ON cy.id = cf.year_id
        WHERE d.id = NEW.debit_id AND c.id = NEW.credit_id AND iif(
            NEW.kind = 'reallocation',
            df.focus_area_id = cf.focus_area_id AND df.year_id = cf.year_id,
            -- What a promise about one area covers does not cover a move in another.
            df.fund_id = cf.fund_id AND cy.starts_on = date(dy.ends_on, '+1 day')
            AND (NEW.covered_ore = 0 OR df.focus_area_id = cf.focus_area_id)));

    -- What has been moved on, or paid out, cannot be moved back as well.
    SELECT RAISE(ABORT, 'ledger: what is to be moved back has gone on')
    WHERE NEW.reverses_id IS NOT NULL AND NEW.kind IN ('reallocation', 'carry_over') AND EXISTS (
        SELECT 1 FROM (
            SELECT sum(t.in_ore - t.out_ore) AS cash,
                   sum(t.covered_in_ore - t.covered_out_ore
                       - iif(t.kind IN ('refund', 'reallocation'), t.out_ore, 0)) AS covered
            FROM donations_dailytotal t WHERE t.account_id = NEW.debit_id
        ) AS figures
        WHERE figures.cash < 0 OR (NEW.covered_ore > 0 AND figures.covered < 0));

    SELECT RAISE(ABORT, 'ledger: the year is closed')
    FROM donations_account a
    JOIN donations_fundyear f ON f.id = a.fund_year_id
    JOIN donations_yearclosing c ON c.year_id = f.year_id
    WHERE NEW.kind IN ('reallocation', 'carry_over') AND a.id IN (NEW.debit_id, NEW.credit_id);

    SELECT RAISE(ABORT, 'ledger: no approved proposal says so')
    WHERE NEW.reverses_id IS NULL AND NEW.kind = 'reallocation' AND NOT EXISTS (
        SELECT 1 FROM donations_proposalline l JOIN donations_proposal p ON p.id = l.proposal_id
        JOIN donations_account d ON d.fund_year_id = l.source_id
        JOIN donations_account c ON c.fund_year_id = l.receiver_id
        WHERE l.id = NEW.line_id AND p.decision = 'approved' AND l.approved_ore = NEW.amount_ore
          AND d.id = NEW.debit_id AND c.id = NEW.credit_id AND l.corrects_id IS NEW.corrects_id);

    -- What was moved in a year since closed is moved back between the same funds, and once.
    SELECT RAISE(ABORT, 'ledger: no reallocation of a closed year is moved back by this')
    WHERE NEW.reverses_id IS NULL AND NEW.kind = 'reallocation' AND NEW.corrects_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM donations_transfer o
        JOIN donations_account od ON od.id = o.debit_id JOIN donations_fundyear odf ON odf.id = od.fund_year_id
        JOIN donations_account oc ON oc.id = o.credit_id JOIN donations_fundyear ocf ON ocf.id = oc.fund_year_id
        JOIN donations_yearclosing y ON y.year_id = odf.year_id,
        donations_account d JOIN donations_fundyear df ON df.id = d.fund_year_id,
        donations_account c JOIN donations_fundyear cf ON cf.id = c.fund_year_id
        WHERE o.id = NEW.corrects_id AND d.id = NEW.debit_id AND c.id = NEW.credit_id
          AND o.kind = 'reallocation' AND o.reverses_id IS NULL
          AND odf.fund_id = cf.fund_id AND ocf.fund_id = df.fund_id
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = o.id)
          AND o.amount_ore >= (
              SELECT sum(b.amount_ore) FROM donations_transfer b
              WHERE b.corrects_id = o.id AND b.kind = 'reallocation' AND +b.reverses_id IS NULL
                AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = b.id)));

    -- What proposals that wait hold: for a proposal's own line, those submitted before it; else all.
    SELECT RAISE(ABORT, 'ledger: more than the source''s movable surplus')
    WHERE NEW.reverses_id IS NULL AND NEW.kind IN ('reallocation', 'carry_over') AND NOT EXISTS (
        SELECT 1 FROM (
            SELECT sum(iif(t.kind <> 'disbursement', t.in_ore - t.out_ore, 0)) AS available,
                   sum(t.in_ore - t.out_ore) AS cash,
                   sum(t.covered_in_ore - t.covered_out_ore
                       - iif(t.kind IN ('refund', 'reallocation'), t.out_ore, 0)) AS covered,
                   max(t.booked_on) AS newest
            FROM donations_dailytotal t WHERE t.account_id = NEW.debit_id
        ) AS figures
        WHERE figures.available >= (
                SELECT n.amount_ore FROM donations_need n
                JOIN donations_account a ON a.fund_year_id = n.fund_year_id
                WHERE a.id = NEW.debit_id ORDER BY n.decided_on DESC, n.id DESC LIMIT 1)
              + (SELECT coalesce(sum(l.amount_ore), 0)
                 FROM donations_proposalline l JOIN donations_proposal p ON p.id = l.proposal_id
                 JOIN donations_account a ON a.fund_year_id = l.source_id
                 WHERE a.id = NEW.debit_id AND p.submitted_at IS NOT NULL AND p.decision = ''
                   AND (NEW.line_id IS NULL OR (p.submitted_at, p.id) < (
                       SELECT b.submitted_at, b.id FROM donations_proposal b
                       JOIN donations_proposalline o ON o.proposal_id = b.id WHERE o.id = NEW.line_id)))
          AND figures.cash >= 0
          AND (figures.covered >= 0 OR (NEW.kind = 'carry_over' AND NEW.covered_ore = 0))
          AND NEW.booked_on >= figures.newest);
END;

-- How many gifts there were and what they came to, by the way they were given and their size. A placement and
-- a refund have the way, the year and the size of their whole gift. It looks at transfers and payments alone, and
-- so may fire before the other totals or after.

CREATE TRIGGER transfer_gift_totals AFTER INSERT ON donations_transfer
WHEN NEW.kind IN ('gift', 'placement', 'refund')
BEGIN
    INSERT INTO donations_gifttotal
        (booked_on, account_id, kind, channel, given_year, from_ore, slot, count, ore)
    SELECT NEW.booked_on, given.account_id, NEW.kind, given.channel, given.given_year, given.from_ore, 0, 0, 0
    FROM (
        SELECT iif((NEW.kind = 'refund') = (NEW.reverses_id IS NULL), NEW.debit_id, NEW.credit_id) AS account_id,
               coalesce(p.channel, 'other') AS channel,
               CAST(strftime('%Y', coalesce(p.bank_date, NEW.booked_on)) AS integer) AS given_year,
               CASE WHEN coalesce(g.amount_ore, NEW.amount_ore) >= 200000 THEN 200000
                    WHEN coalesce(g.amount_ore, NEW.amount_ore) >= 20000 THEN 20000 ELSE 0 END AS from_ore
        FROM (SELECT 1)
        LEFT JOIN donations_transfer g ON g.id = CASE NEW.kind
            WHEN 'placement' THEN (
                SELECT o.id FROM donations_transfer o
                WHERE o.payment_id = NEW.payment_id AND o.kind = 'gift' AND +o.reverses_id IS NULL)
            WHEN 'refund' THEN
                coalesce(NEW.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = NEW.reverses_id))
        END
        LEFT JOIN donations_payment p ON p.id = coalesce(g.payment_id, NEW.payment_id)
    ) AS given
    WHERE NOT EXISTS (
        SELECT 1 FROM donations_gifttotal t
        WHERE t.booked_on = NEW.booked_on AND t.account_id = given.account_id AND t.kind = NEW.kind
          AND t.channel = given.channel AND t.given_year = given.given_year AND t.from_ore = given.from_ore
          AND t.slot = 0);
    UPDATE donations_gifttotal SET
        count = count + iif(NEW.reverses_id IS NULL, 1, -1),
        ore = ore + iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore)
    WHERE booked_on = NEW.booked_on AND kind = NEW.kind AND slot = 0
      AND (account_id, channel, given_year, from_ore) = (
        SELECT iif((NEW.kind = 'refund') = (NEW.reverses_id IS NULL), NEW.debit_id, NEW.credit_id) AS account_id,
               coalesce(p.channel, 'other') AS channel,
               CAST(strftime('%Y', coalesce(p.bank_date, NEW.booked_on)) AS integer) AS given_year,
               CASE WHEN coalesce(g.amount_ore, NEW.amount_ore) >= 200000 THEN 200000
                    WHEN coalesce(g.amount_ore, NEW.amount_ore) >= 20000 THEN 20000 ELSE 0 END AS from_ore
        FROM (SELECT 1)
        LEFT JOIN donations_transfer g ON g.id = CASE NEW.kind
            WHEN 'placement' THEN (
                SELECT o.id FROM donations_transfer o
                WHERE o.payment_id = NEW.payment_id AND o.kind = 'gift' AND +o.reverses_id IS NULL)
            WHEN 'refund' THEN
                coalesce(NEW.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = NEW.reverses_id))
        END
        LEFT JOIN donations_payment p ON p.id = coalesce(g.payment_id, NEW.payment_id)
      );
END;

CREATE TRIGGER transfer_no_update BEFORE UPDATE ON donations_transfer BEGIN
    SELECT RAISE(ABORT, 'donations_transfer is append-only: UPDATE is refused');
END;

CREATE TRIGGER transfer_no_delete BEFORE DELETE ON donations_transfer BEGIN
    SELECT RAISE(ABORT, 'donations_transfer is append-only: DELETE is refused');
END;

-- INSERT OR REPLACE deletes without firing the DELETE trigger unless recursive_triggers is on.
CREATE TRIGGER transfer_no_replace BEFORE INSERT ON donations_transfer
WHEN EXISTS (SELECT 1 FROM donations_transfer WHERE id = NEW.id)
  OR (NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM donations_transfer WHERE reverses_id = NEW.reverses_id))
  OR (NEW.line_id IS NOT NULL AND EXISTS (SELECT 1 FROM donations_transfer WHERE line_id = NEW.line_id))
  OR (NEW.payment_id IS NOT NULL AND NEW.reverses_id IS NULL AND NEW.kind IN ('gift', 'refund') AND EXISTS (
      SELECT 1 FROM donations_transfer
      WHERE payment_id = NEW.payment_id AND reverses_id IS NULL AND kind IN ('gift', 'refund')))
BEGIN
    SELECT RAISE(ABORT, 'donations_transfer is append-only: REPLACE is refused');
END;

-- What waits on suspense: a row for each gift there that is not reversed, and of which something has
-- neither been placed nor paid back. It looks at transfers alone, and so may fire before the totals or
-- after. That nobody else writes there is not guarded here, as it is on PostgreSQL: a trigger of SQLite
-- cannot tell who fires it. `verify_ledger` finds what somebody has written.

CREATE TRIGGER transfer_unplaced AFTER INSERT ON donations_transfer
WHEN EXISTS (SELECT 1 FROM donations_account WHERE kind = 'suspense' AND id IN (NEW.debit_id, NEW.credit_id))
BEGIN
    DELETE FROM donations_unplacedgift WHERE transfer_id = CASE NEW.kind
        WHEN 'gift' THEN coalesce(NEW.reverses_id, NEW.id)
        WHEN 'placement' THEN (
            SELECT g.id FROM donations_transfer g
            WHERE g.payment_id = NEW.payment_id AND g.kind = 'gift' AND +g.reverses_id IS NULL)
        ELSE coalesce(NEW.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = NEW.reverses_id))
    END;
    INSERT INTO donations_unplacedgift (transfer_id, left_ore)
    SELECT gift.id, gift.left_ore FROM (
        SELECT g.id, g.amount_ore - (
            SELECT coalesce(sum(iif(p.reverses_id IS NULL, p.amount_ore, -p.amount_ore)), 0)
            FROM donations_transfer p WHERE p.payment_id = g.payment_id AND p.kind = 'placement'
        ) - (
            SELECT coalesce(sum(t.amount_ore), 0) FROM donations_transfer t
            WHERE t.corrects_id = g.id AND t.kind = 'refund' AND t.debit_id = g.credit_id
              AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
        ) AS left_ore
        FROM donations_transfer g JOIN donations_account a ON a.id = g.credit_id AND a.kind = 'suspense'
        WHERE g.kind = 'gift' AND +g.reverses_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = g.id)
          AND g.id = CASE NEW.kind
              WHEN 'gift' THEN coalesce(NEW.reverses_id, NEW.id)
              WHEN 'placement' THEN (
                  SELECT g.id FROM donations_transfer g
                  WHERE g.payment_id = NEW.payment_id AND g.kind = 'gift' AND +g.reverses_id IS NULL)
              ELSE coalesce(NEW.corrects_id, (SELECT o.corrects_id FROM donations_transfer o WHERE o.id = NEW.reverses_id))
          END
    ) AS gift
    WHERE gift.left_ore > 0;
END;

-- What the books hold of a bank account by the bank's own day, for reconciliation. A reversal takes away from
-- the day of what it reverses, whichever day it is booked on. No upsert, as for the totals: the row is made where
-- there was none to change. As with what waits on suspense, `verify_ledger` finds what somebody else has written.

CREATE TRIGGER transfer_bank_day AFTER INSERT ON donations_transfer
WHEN NEW.kind IN ('gift', 'refund')
BEGIN
    UPDATE donations_bankday SET
        gifts = gifts + (NEW.kind = 'gift') * iif(NEW.reverses_id IS NULL, 1, -1),
        in_ore = in_ore + (NEW.kind = 'gift') * iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore),
        refunds = refunds + (NEW.kind = 'refund') * iif(NEW.reverses_id IS NULL, 1, -1),
        out_ore = out_ore + (NEW.kind = 'refund') * iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore),
        changed_at = max(changed_at, NEW.created_at)
    WHERE account_id = iif((NEW.kind = 'gift') = (NEW.reverses_id IS NULL), NEW.debit_id, NEW.credit_id)
      AND bank_date = coalesce((SELECT bank_date FROM donations_payment WHERE id = NEW.payment_id), NEW.booked_on)
      AND slot = 0;

    INSERT INTO donations_bankday (account_id, bank_date, slot, gifts, in_ore, refunds, out_ore, changed_at)
    SELECT iif((NEW.kind = 'gift') = (NEW.reverses_id IS NULL), NEW.debit_id, NEW.credit_id),
           coalesce((SELECT bank_date FROM donations_payment WHERE id = NEW.payment_id), NEW.booked_on), 0,
           (NEW.kind = 'gift') * iif(NEW.reverses_id IS NULL, 1, -1),
           (NEW.kind = 'gift') * iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore),
           (NEW.kind = 'refund') * iif(NEW.reverses_id IS NULL, 1, -1),
           (NEW.kind = 'refund') * iif(NEW.reverses_id IS NULL, NEW.amount_ore, -NEW.amount_ore), NEW.created_at
    WHERE changes() = 0;
END;

-- Needs

CREATE TRIGGER need_guard BEFORE INSERT ON donations_need
WHEN EXISTS (SELECT 1 FROM donations_need WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM donations_fundyear f JOIN donations_yearclosing c ON c.year_id = f.year_id
             WHERE f.id = NEW.fund_year_id)
  OR NEW.decided_on <= (SELECT max(through) FROM donations_periodlock)
  OR NEW.decided_on > date('now', iif(
    datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
    AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
    '+2 hours', '+1 hour'))
BEGIN
    SELECT RAISE(ABORT, 'need: decided in the future, in a locked period, for a closed year, or in place of another');
END;

CREATE TRIGGER need_no_update BEFORE UPDATE ON donations_need BEGIN
    SELECT RAISE(ABORT, 'donations_need is append-only: UPDATE is refused');
END;

CREATE TRIGGER need_no_delete BEFORE DELETE ON donations_need BEGIN
    SELECT RAISE(ABORT, 'donations_need is append-only: DELETE is refused');
END;

-- Surplus clauses: never changed once a gift leans on them, never begun before a gift that is in the books.

CREATE TRIGGER surplus_clause_begin BEFORE INSERT ON donations_surplusclause
WHEN EXISTS (
    SELECT 1 FROM donations_dailytotal t
    JOIN donations_account a ON a.id = t.account_id JOIN donations_fundyear f ON f.id = a.fund_year_id
    WHERE f.focus_area_id = NEW.focus_area_id AND t.kind IN ('gift', 'placement') AND t.booked_on >= NEW.valid_from)
BEGIN
    SELECT RAISE(ABORT, 'surplus clause: gifts are already booked on or after its first day');
END;

CREATE TRIGGER surplus_clause_change BEFORE UPDATE ON donations_surplusclause
WHEN EXISTS (
    SELECT 1 FROM donations_dailytotal t
    JOIN donations_account a ON a.id = t.account_id JOIN donations_fundyear f ON f.id = a.fund_year_id
    WHERE t.kind IN ('gift', 'placement') AND (
        (f.focus_area_id = OLD.focus_area_id AND t.booked_on >= OLD.valid_from)
        OR (f.focus_area_id = NEW.focus_area_id AND t.booked_on >= NEW.valid_from)))
BEGIN
    SELECT RAISE(ABORT, 'surplus clause: gifts are already booked on or after its first day');
END;

CREATE TRIGGER surplus_clause_end BEFORE DELETE ON donations_surplusclause
WHEN EXISTS (
    SELECT 1 FROM donations_dailytotal t
    JOIN donations_account a ON a.id = t.account_id JOIN donations_fundyear f ON f.id = a.fund_year_id
    WHERE f.focus_area_id = OLD.focus_area_id AND t.kind IN ('gift', 'placement') AND t.booked_on >= OLD.valid_from)
BEGIN
    SELECT RAISE(ABORT, 'surplus clause: gifts are already booked on or after its first day');
END;

-- The bank's day decides which clause covers a gift, and the way it was given what it is counted among. Who gave
-- can be forgotten; when and how, and what tells the payment from others, cannot change.

CREATE TRIGGER payment_guard BEFORE UPDATE ON donations_payment BEGIN
    SELECT RAISE(ABORT, 'payment: the bank''s day does not change')
    WHERE NEW.bank_date <> OLD.bank_date AND EXISTS (SELECT 1 FROM donations_transfer WHERE payment_id = OLD.id);
    SELECT RAISE(ABORT, 'payment: the way it was given does not change')
    WHERE NEW.channel <> OLD.channel AND EXISTS (SELECT 1 FROM donations_transfer WHERE payment_id = OLD.id);
    SELECT RAISE(ABORT, 'payment: what it is known by does not change')
    WHERE (OLD.key IS NOT NULL AND NEW.key IS NOT OLD.key)
       OR (OLD.file_id IS NOT NULL AND NEW.file_id IS NOT OLD.file_id)
       OR (OLD.account_id IS NOT NULL AND NEW.account_id IS NOT OLD.account_id)
       OR (OLD.money_digest <> '' AND NEW.money_digest <> OLD.money_digest)
       OR (OLD.content_digest <> '' AND NEW.content_digest <> OLD.content_digest);
    SELECT RAISE(ABORT, 'payment: withdrawn once and for all')
    WHERE OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS NOT OLD.withdrawn_at;
    SELECT RAISE(ABORT, 'payment: not withdrawn while its gift or refund stands')
    WHERE OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM donations_transfer t
        WHERE t.payment_id = OLD.id AND t.kind IN ('gift', 'refund') AND +t.reverses_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id));
END;

-- What an account and a fund year are does not change once money has moved.

CREATE TRIGGER account_guard BEFORE UPDATE ON donations_account
WHEN NEW.kind <> OLD.kind OR NEW.fund_year_id IS NOT OLD.fund_year_id BEGIN
    SELECT RAISE(ABORT, 'account: what it is does not change');
END;

CREATE TRIGGER fund_year_guard BEFORE UPDATE ON donations_fundyear
WHEN (NEW.fund_id <> OLD.fund_id OR NEW.year_id <> OLD.year_id OR NEW.focus_area_id <> OLD.focus_area_id)
 AND EXISTS (SELECT 1 FROM donations_dailytotal t JOIN donations_account a ON a.id = t.account_id
             WHERE a.fund_year_id = OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'fund year: fixed once it has transfers');
END;

-- Collection years follow each other day by day, and keep their dates once a fund year leans on them.

CREATE TRIGGER collection_year_added AFTER INSERT ON donations_collectionyear BEGIN
    SELECT RAISE(ABORT, 'collection year: years follow each other without gap or overlap')
    FROM (SELECT starts_on, lag(ends_on) OVER (ORDER BY starts_on) AS before FROM donations_collectionyear) AS y
    WHERE before IS NOT NULL AND starts_on <> date(before, '+1 day');
END;

CREATE TRIGGER collection_year_removed AFTER DELETE ON donations_collectionyear BEGIN
    SELECT RAISE(ABORT, 'collection year: years follow each other without gap or overlap')
    FROM (SELECT starts_on, lag(ends_on) OVER (ORDER BY starts_on) AS before FROM donations_collectionyear) AS y
    WHERE before IS NOT NULL AND starts_on <> date(before, '+1 day');
END;

CREATE TRIGGER collection_year_changed AFTER UPDATE OF starts_on, ends_on ON donations_collectionyear BEGIN
    SELECT RAISE(ABORT, 'collection year: fixed once it has fund years')
    WHERE (NEW.starts_on <> OLD.starts_on OR NEW.ends_on <> OLD.ends_on)
      AND EXISTS (SELECT 1 FROM donations_fundyear WHERE year_id = OLD.id);
    SELECT RAISE(ABORT, 'collection year: years follow each other without gap or overlap')
    FROM (SELECT starts_on, lag(ends_on) OVER (ORDER BY starts_on) AS before FROM donations_collectionyear) AS y
    WHERE before IS NOT NULL AND starts_on <> date(before, '+1 day');
END;

-- INSERT OR REPLACE deletes without firing a trigger, and so would change what has just been fixed.

CREATE TRIGGER account_no_replace BEFORE INSERT ON donations_account
WHEN EXISTS (SELECT 1 FROM donations_account WHERE id = NEW.id OR fund_year_id = NEW.fund_year_id
             OR (kind = NEW.kind AND kind IN ('suspense', 'partners', 'start')))
BEGIN
    SELECT RAISE(ABORT, 'account: REPLACE is refused');
END;

CREATE TRIGGER fund_year_no_replace BEFORE INSERT ON donations_fundyear
WHEN EXISTS (SELECT 1 FROM donations_fundyear
             WHERE id = NEW.id OR (fund_id = NEW.fund_id AND year_id = NEW.year_id))
BEGIN
    SELECT RAISE(ABORT, 'fund year: REPLACE is refused');
END;

CREATE TRIGGER collection_year_no_replace BEFORE INSERT ON donations_collectionyear
WHEN EXISTS (SELECT 1 FROM donations_collectionyear WHERE id = NEW.id OR name = NEW.name
             OR starts_on = NEW.starts_on OR ends_on = NEW.ends_on)
BEGIN
    SELECT RAISE(ABORT, 'collection year: REPLACE is refused');
END;

CREATE TRIGGER surplus_clause_no_replace BEFORE INSERT ON donations_surplusclause
WHEN EXISTS (SELECT 1 FROM donations_surplusclause WHERE id = NEW.id
             OR (focus_area_id = NEW.focus_area_id AND valid_from = NEW.valid_from))
BEGIN
    SELECT RAISE(ABORT, 'surplus clause: REPLACE is refused');
END;

-- What donors have answered: counted as covered from the day it was written down.

CREATE TRIGGER donor_answer_guard BEFORE INSERT ON donations_donoranswer
WHEN EXISTS (SELECT 1 FROM donations_donoranswer WHERE id = NEW.id) OR NOT EXISTS (
    SELECT 1 FROM donations_transfer t JOIN donations_account a ON a.id = t.credit_id
    WHERE t.id = NEW.transfer_id AND t.kind IN ('gift', 'placement') AND t.reverses_id IS NULL
      AND a.kind = 'fund' AND t.covered_ore = 0
      AND NOT EXISTS (SELECT 1 FROM donations_transfer x WHERE x.reverses_id = t.id)
      AND NEW.booked_on >= t.booked_on AND NEW.answered_on <= NEW.booked_on
      AND NEW.booked_on > coalesce((SELECT max(through) FROM donations_periodlock), '0001-01-01')
      AND NEW.covered_ore + (
          SELECT coalesce(sum(o.covered_ore), 0) FROM donations_donoranswer o WHERE o.transfer_id = t.id
      ) = iif(NEW.is_yes, t.amount_ore, 0)
      -- A yes that money has already moved by is not taken back.
      AND (NEW.covered_ore >= 0 OR NEW.covered_ore + (
          SELECT sum(d.covered_in_ore - d.covered_out_ore
                     - iif(d.kind IN ('refund', 'reallocation'), d.out_ore, 0))
          FROM donations_dailytotal d WHERE d.account_id = t.credit_id) >= 0)
) OR NEW.booked_on > date('now', iif(
    datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
    AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
    '+2 hours', '+1 hour'))
BEGIN
    SELECT RAISE(ABORT, 'donor answer: not for this gift');
END;

CREATE TRIGGER donor_answer_counted AFTER INSERT ON donations_donoranswer BEGIN
    INSERT INTO donations_dailytotal
        (account_id, kind, booked_on, slot, in_ore, out_ore, covered_in_ore, covered_out_ore, changed_at)
    SELECT t.credit_id, t.kind, NEW.booked_on, 0, 0, 0, 0, 0, NEW.created_at FROM donations_transfer t
    WHERE t.id = NEW.transfer_id AND NOT EXISTS (
        SELECT 1 FROM donations_dailytotal d
        WHERE d.account_id = t.credit_id AND d.kind = t.kind AND d.booked_on = NEW.booked_on AND d.slot = 0);
    UPDATE donations_dailytotal SET
        covered_in_ore = covered_in_ore + NEW.covered_ore, changed_at = max(changed_at, NEW.created_at)
    WHERE (account_id, kind) = (SELECT t.credit_id, t.kind FROM donations_transfer t WHERE t.id = NEW.transfer_id)
      AND booked_on = NEW.booked_on AND slot = 0;
END;

CREATE TRIGGER donor_answer_no_update BEFORE UPDATE ON donations_donoranswer BEGIN
    SELECT RAISE(ABORT, 'donations_donoranswer is append-only: UPDATE is refused');
END;

CREATE TRIGGER donor_answer_no_delete BEFORE DELETE ON donations_donoranswer BEGIN
    SELECT RAISE(ABORT, 'donations_donoranswer is append-only: DELETE is refused');
END;

-- Proposals: free until they are submitted, then fixed; decided once.

CREATE TRIGGER proposal_begin BEFORE INSERT ON donations_proposal
WHEN NEW.submitted_at IS NOT NULL OR EXISTS (SELECT 1 FROM donations_proposal WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'proposal: begins as a draft');
END;

CREATE TRIGGER proposal_change BEFORE UPDATE ON donations_proposal BEGIN
    SELECT RAISE(ABORT, 'proposal: decided, and kept') WHERE OLD.decision <> '';
    SELECT RAISE(ABORT, 'proposal: submitted before it is decided')
    WHERE OLD.submitted_at IS NULL AND NEW.decision <> '';
    SELECT RAISE(ABORT, 'proposal: submitted, and fixed') WHERE OLD.submitted_at IS NOT NULL AND (
        NEW.id <> OLD.id OR NEW.submitted_at IS NOT OLD.submitted_at OR NEW.by_id <> OLD.by_id
        OR NEW.focus_area_id <> OLD.focus_area_id OR NEW.year_id <> OLD.year_id OR NEW.reason <> OLD.reason
        OR NEW.created_at <> OLD.created_at OR NEW.changed_at <> OLD.changed_at
        OR NEW.figures_then IS NOT OLD.figures_then);
    SELECT RAISE(ABORT, 'proposal: the year is closed')
    WHERE OLD.submitted_at IS NULL AND NEW.submitted_at IS NOT NULL
      AND EXISTS (SELECT 1 FROM donations_yearclosing c WHERE c.year_id = NEW.year_id);
END;

CREATE TRIGGER proposal_end BEFORE DELETE ON donations_proposal WHEN OLD.submitted_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'proposal: submitted, and kept');
END;

CREATE TRIGGER proposal_line_begin BEFORE INSERT ON donations_proposalline
WHEN NEW.approved_ore IS NOT NULL
  OR EXISTS (SELECT 1 FROM donations_proposal WHERE id = NEW.proposal_id AND submitted_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM donations_proposalline WHERE id = NEW.id
             OR (proposal_id = NEW.proposal_id AND source_id = NEW.source_id AND receiver_id = NEW.receiver_id))
BEGIN
    SELECT RAISE(ABORT, 'proposal line: not in a submitted proposal, nor in place of another');
END;

CREATE TRIGGER proposal_line_change BEFORE UPDATE ON donations_proposalline BEGIN
    SELECT RAISE(ABORT, 'proposal line: a draft is not approved')
    WHERE NEW.proposal_id <> OLD.proposal_id OR (NEW.approved_ore IS NOT NULL AND EXISTS (
        SELECT 1 FROM donations_proposal WHERE id = NEW.proposal_id AND submitted_at IS NULL));
    SELECT RAISE(ABORT, 'proposal line: submitted, and fixed')
    FROM donations_proposal p
    WHERE p.id = OLD.proposal_id AND p.submitted_at IS NOT NULL AND (
        p.decision <> '' OR OLD.approved_ore IS NOT NULL OR NEW.id <> OLD.id OR NEW.position <> OLD.position
        OR NEW.source_id <> OLD.source_id OR NEW.receiver_id <> OLD.receiver_id
        OR NEW.amount_ore <> OLD.amount_ore OR NEW.reason <> OLD.reason
        OR NEW.corrects_id IS NOT OLD.corrects_id);
END;

CREATE TRIGGER proposal_line_end BEFORE DELETE ON donations_proposalline
WHEN EXISTS (SELECT 1 FROM donations_proposal WHERE id = OLD.proposal_id AND submitted_at IS NOT NULL) BEGIN
    SELECT RAISE(ABORT, 'proposal line: submitted, and kept');
END;

-- Periods only become locked, on days that have been; a year is closed once nothing in it waits.

CREATE TRIGGER period_lock_guard BEFORE INSERT ON donations_periodlock
WHEN EXISTS (SELECT 1 FROM donations_periodlock WHERE id = NEW.id)
  OR NEW.through <= (SELECT max(through) FROM donations_periodlock)
  OR NEW.through >= date('now', iif(
    datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
    AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
    '+2 hours', '+1 hour'))
BEGIN
    SELECT RAISE(ABORT, 'period lock: only forward, and only days that have been');
END;

CREATE TRIGGER period_lock_no_update BEFORE UPDATE ON donations_periodlock BEGIN
    SELECT RAISE(ABORT, 'donations_periodlock is append-only: UPDATE is refused');
END;

CREATE TRIGGER period_lock_no_delete BEFORE DELETE ON donations_periodlock BEGIN
    SELECT RAISE(ABORT, 'donations_periodlock is append-only: DELETE is refused');
END;

CREATE TRIGGER year_closing_guard BEFORE INSERT ON donations_yearclosing
WHEN EXISTS (SELECT 1 FROM donations_yearclosing WHERE id = NEW.id OR year_id = NEW.year_id)
  OR EXISTS (SELECT 1 FROM donations_proposal p
             WHERE p.year_id = NEW.year_id AND p.submitted_at IS NOT NULL AND p.decision = '')
  OR (SELECT y.ends_on FROM donations_collectionyear y WHERE y.id = NEW.year_id)
     > coalesce((SELECT max(through) FROM donations_periodlock), '0001-01-01')
BEGIN
    SELECT RAISE(ABORT, 'year closing: something waits, or its last day is not locked');
END;

CREATE TRIGGER year_closing_no_update BEFORE UPDATE ON donations_yearclosing BEGIN
    SELECT RAISE(ABORT, 'donations_yearclosing is append-only: UPDATE is refused');
END;

CREATE TRIGGER year_closing_no_delete BEFORE DELETE ON donations_yearclosing BEGIN
    SELECT RAISE(ABORT, 'donations_yearclosing is append-only: DELETE is refused');
END;

CREATE TRIGGER left_surplus_no_replace BEFORE INSERT ON donations_leftsurplus
WHEN EXISTS (SELECT 1 FROM donations_leftsurplus WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'donations_leftsurplus is append-only: REPLACE is refused');
END;

CREATE TRIGGER left_surplus_no_update BEFORE UPDATE ON donations_leftsurplus BEGIN
    SELECT RAISE(ABORT, 'donations_leftsurplus is append-only: UPDATE is refused');
END;

CREATE TRIGGER left_surplus_no_delete BEFORE DELETE ON donations_leftsurplus BEGIN
    SELECT RAISE(ABORT, 'donations_leftsurplus is append-only: DELETE is refused');
END;

-- Reconciliation: what a person has read off a statement, and the word that a day has been looked at. Both are
-- added to, never changed.

CREATE TRIGGER stated_day_guard BEFORE INSERT ON donations_statedday
WHEN EXISTS (SELECT 1 FROM donations_statedday WHERE id = NEW.id)
  OR NOT EXISTS (SELECT 1 FROM donations_account WHERE id = NEW.account_id AND kind = 'bank')
  OR NEW.day > date('now', iif(
    datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
    AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
    '+2 hours', '+1 hour'))
BEGIN
    SELECT RAISE(ABORT, 'stated day: only of a bank account, and of days that have been');
END;

CREATE TRIGGER stated_day_no_update BEFORE UPDATE ON donations_statedday BEGIN
    SELECT RAISE(ABORT, 'donations_statedday is append-only: UPDATE is refused');
END;

CREATE TRIGGER stated_day_no_delete BEFORE DELETE ON donations_statedday BEGIN
    SELECT RAISE(ABORT, 'donations_statedday is append-only: DELETE is refused');
END;

CREATE TRIGGER sign_off_guard BEFORE INSERT ON donations_signoff
WHEN EXISTS (SELECT 1 FROM donations_signoff WHERE id = NEW.id)
  OR NOT EXISTS (SELECT 1 FROM donations_account WHERE id = NEW.account_id AND kind = 'bank')
  OR NEW.day >= date('now', iif(
    datetime('now') >= datetime(strftime('%Y-03-25', 'now'), 'weekday 0', '+1 hour')
    AND datetime('now') < datetime(strftime('%Y-10-25', 'now'), 'weekday 0', '+1 hour'),
    '+2 hours', '+1 hour'))
  OR (NOT NEW.is_signed AND NOT coalesce(
      (SELECT s.is_signed FROM donations_signoff s
       WHERE s.account_id = NEW.account_id AND s.day = NEW.day ORDER BY s.id DESC LIMIT 1), 0))
BEGIN
    SELECT RAISE(ABORT, 'sign-off: only of a bank account''s day that is over, and taken back once signed');
END;

CREATE TRIGGER sign_off_no_update BEFORE UPDATE ON donations_signoff BEGIN
    SELECT RAISE(ABORT, 'donations_signoff is append-only: UPDATE is refused');
END;

CREATE TRIGGER sign_off_no_delete BEFORE DELETE ON donations_signoff BEGIN
    SELECT RAISE(ABORT, 'donations_signoff is append-only: DELETE is refused');
END;

-- Exports to the general ledger: no transfer is in two, and none is left out between two.

CREATE TRIGGER transfer_not_exported AFTER INSERT ON donations_transfer
WHEN NEW.id <= (SELECT max(highest_id) FROM donations_sieexport)
BEGIN
    SELECT RAISE(ABORT, 'ledger: an export has gone past this id');
END;

-- The sums are written first, then the export that they are of. It takes all there is of its kinds on its days,
-- so that all exports of it come to what the totals are: not an öre less, and none twice.

CREATE TRIGGER sie_export_guard BEFORE INSERT ON donations_sieexport BEGIN
    SELECT RAISE(ABORT, 'sie export: numbers follow each other')
    WHERE NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM donations_sieexport);

    SELECT RAISE(ABORT, 'sie export: a repeat holds what another holds')
    WHERE NEW.repeats_id IS NOT NULL AND (
        EXISTS (SELECT 1 FROM donations_siesum WHERE export_id = NEW.number) OR NOT EXISTS (
            SELECT 1 FROM donations_sieexport o
            WHERE o.number = NEW.repeats_id AND o.repeats_id IS NULL
              AND o.first_day = NEW.first_day AND o.last_day = NEW.last_day AND o.highest_id = NEW.highest_id
              AND o.transfers = NEW.transfers AND o.amount_ore = NEW.amount_ore));

    SELECT RAISE(ABORT, 'sie export: up to the newest transfer')
    WHERE NEW.repeats_id IS NULL AND NEW.highest_id IS NOT (SELECT max(id) FROM donations_transfer);

    SELECT RAISE(ABORT, 'sie export: what is exported is not what the totals are')
    WHERE NEW.repeats_id IS NULL AND (
        NOT EXISTS (
            SELECT 1 FROM donations_siesum s WHERE s.export_id = NEW.number GROUP BY s.export_id
            HAVING sum(s.transfers) = NEW.transfers AND sum(s.amount_ore) = NEW.amount_ore
               AND min(s.booked_on) >= NEW.first_day AND max(s.booked_on) <= NEW.last_day
        ) OR EXISTS (
            SELECT 1 FROM (
                SELECT t.account_id, t.kind, t.booked_on, t.in_ore, t.out_ore FROM donations_dailytotal t
                WHERE t.booked_on BETWEEN NEW.first_day AND NEW.last_day
                  AND t.kind IN (SELECT n.kind FROM donations_siesum n WHERE n.export_id = NEW.number)
                UNION ALL
                SELECT iif(s.is_reversal, s.debit_id, s.credit_id), s.kind, s.booked_on,
                       iif(s.is_reversal, s.amount_ore, -s.amount_ore), 0
                FROM donations_siesum s
                WHERE s.booked_on BETWEEN NEW.first_day AND NEW.last_day
                  AND s.kind IN (SELECT n.kind FROM donations_siesum n WHERE n.export_id = NEW.number)
                UNION ALL
                SELECT iif(s.is_reversal, s.credit_id, s.debit_id), s.kind, s.booked_on,
                       0, iif(s.is_reversal, s.amount_ore, -s.amount_ore)
                FROM donations_siesum s
                WHERE s.booked_on BETWEEN NEW.first_day AND NEW.last_day
                  AND s.kind IN (SELECT n.kind FROM donations_siesum n WHERE n.export_id = NEW.number)
            ) AS side
            GROUP BY account_id, kind, booked_on HAVING sum(in_ore) <> 0 OR sum(out_ore) <> 0));
END;

CREATE TRIGGER sie_export_no_update BEFORE UPDATE ON donations_sieexport BEGIN
    SELECT RAISE(ABORT, 'donations_sieexport is append-only: UPDATE is refused');
END;

CREATE TRIGGER sie_export_no_delete BEFORE DELETE ON donations_sieexport BEGIN
    SELECT RAISE(ABORT, 'donations_sieexport is append-only: DELETE is refused');
END;

CREATE TRIGGER sie_sum_guard BEFORE INSERT ON donations_siesum
WHEN EXISTS (SELECT 1 FROM donations_sieexport WHERE number = NEW.export_id)
BEGIN
    SELECT RAISE(ABORT, 'sie sum: the export is already made');
END;

CREATE TRIGGER sie_sum_no_update BEFORE UPDATE ON donations_siesum BEGIN
    SELECT RAISE(ABORT, 'donations_siesum is append-only: UPDATE is refused');
END;

CREATE TRIGGER sie_sum_no_delete BEFORE DELETE ON donations_siesum BEGIN
    SELECT RAISE(ABORT, 'donations_siesum is append-only: DELETE is refused');
END;

-- Neither is put in place of another: that deletes without firing the DELETE trigger.
CREATE TRIGGER sie_sum_no_replace BEFORE INSERT ON donations_siesum
WHEN EXISTS (SELECT 1 FROM donations_siesum WHERE id = NEW.id)
  OR EXISTS (
      SELECT 1 FROM donations_siesum s
      WHERE s.booked_on = NEW.booked_on AND s.kind = NEW.kind AND s.debit_id = NEW.debit_id
        AND s.credit_id = NEW.credit_id AND s.is_reversal = NEW.is_reversal AND s.export_id = NEW.export_id)
BEGIN
    SELECT RAISE(ABORT, 'donations_siesum is append-only: REPLACE is refused');
END;
