-- The same rules as in sqlite.sql.

-- What was done, and who was given which role, is added and never changed.

CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE ON staff_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER event_not_truncated BEFORE TRUNCATE ON staff_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER origin_not_changed BEFORE UPDATE ON staff_origin FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER role_change_append_only BEFORE DELETE OR UPDATE ON staff_rolechange FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER role_change_not_truncated BEFORE TRUNCATE ON staff_rolechange FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER role_decision_append_only BEFORE DELETE OR UPDATE ON staff_roledecision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER role_decision_not_truncated BEFORE TRUNCATE ON staff_roledecision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nobody gives themselves a role, and what one person asks another confirms.

CREATE OR REPLACE FUNCTION role_change_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.gives AND NEW.asked_by_id IS NOT NULL AND NOT NEW.needs_confirmation AND EXISTS (
        SELECT 1 FROM auth_group WHERE id = NEW.role_id AND name IN ('Ekonomi', 'Attestant', 'Administratör')
    ) THEN
        RAISE EXCEPTION 'roles: this role is confirmed by another person'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER role_change_guard AFTER INSERT ON staff_rolechange FOR EACH ROW EXECUTE FUNCTION role_change_guard();

CREATE OR REPLACE FUNCTION role_decision_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    SELECT * INTO change FROM staff_rolechange WHERE id = NEW.change_id;
    IF NEW.by_id = change.user_id OR NEW.by_id IS NOT DISTINCT FROM change.asked_by_id THEN
        RAISE EXCEPTION 'roles: confirmed by who asked for it, or by who gets it'
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT change.needs_confirmation THEN
        RAISE EXCEPTION 'roles: this change waits for nobody' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER role_decision_guard AFTER INSERT ON staff_roledecision FOR EACH ROW EXECUTE FUNCTION role_decision_guard();

CREATE OR REPLACE FUNCTION user_groups_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Two memberships of one person given at once would not see each other.
    PERFORM 1 FROM staff_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF NOT EXISTS (
        SELECT 1 FROM staff_rolechange c
        LEFT JOIN staff_roledecision d ON d.change_id = c.id
        WHERE c.id = (SELECT max(id) FROM staff_rolechange WHERE user_id = NEW.user_id AND role_id = NEW.group_id)
          AND c.gives AND (NOT c.needs_confirmation OR d.confirmed)
    ) THEN
        RAISE EXCEPTION 'roles: nobody has given this role' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM staff_user_groups u JOIN auth_group g ON g.id = u.group_id
        WHERE u.user_id = NEW.user_id AND g.name = 'Administratör'
    ) AND EXISTS (
        SELECT 1 FROM staff_user_groups u JOIN auth_group g ON g.id = u.group_id
        WHERE u.user_id = NEW.user_id AND g.name IN ('Ekonomi', 'Attestant')
    ) THEN
        RAISE EXCEPTION 'roles: who hands out roles neither moves money nor approves'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER user_groups_guard AFTER INSERT ON staff_user_groups FOR EACH ROW EXECUTE FUNCTION user_groups_guard();

CREATE TRIGGER user_groups_not_changed BEFORE UPDATE ON staff_user_groups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER user_permissions_none BEFORE INSERT ON staff_user_user_permissions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
