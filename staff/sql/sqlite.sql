-- The same rules as in postgresql.sql.

-- What was done, and who was given which role, is added and never changed.

CREATE TRIGGER event_no_update BEFORE UPDATE ON staff_event BEGIN
    SELECT RAISE(ABORT, 'staff_event is append-only: UPDATE is refused');
END;

CREATE TRIGGER event_no_delete BEFORE DELETE ON staff_event BEGIN
    SELECT RAISE(ABORT, 'staff_event is append-only: DELETE is refused');
END;

-- INSERT OR REPLACE deletes without firing the DELETE trigger unless recursive_triggers is on.
CREATE TRIGGER event_no_replace BEFORE INSERT ON staff_event
WHEN EXISTS (SELECT 1 FROM staff_event WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'staff_event is append-only: REPLACE is refused');
END;

CREATE TRIGGER origin_no_update BEFORE UPDATE ON staff_origin BEGIN
    SELECT RAISE(ABORT, 'staff_origin is removed in time, never changed: UPDATE is refused');
END;

CREATE TRIGGER role_change_no_update BEFORE UPDATE ON staff_rolechange BEGIN
    SELECT RAISE(ABORT, 'staff_rolechange is append-only: UPDATE is refused');
END;

CREATE TRIGGER role_change_no_delete BEFORE DELETE ON staff_rolechange BEGIN
    SELECT RAISE(ABORT, 'staff_rolechange is append-only: DELETE is refused');
END;

CREATE TRIGGER role_change_no_replace BEFORE INSERT ON staff_rolechange
WHEN EXISTS (SELECT 1 FROM staff_rolechange WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'staff_rolechange is append-only: REPLACE is refused');
END;

CREATE TRIGGER role_decision_no_update BEFORE UPDATE ON staff_roledecision BEGIN
    SELECT RAISE(ABORT, 'staff_roledecision is append-only: UPDATE is refused');
END;

CREATE TRIGGER role_decision_no_delete BEFORE DELETE ON staff_roledecision BEGIN
    SELECT RAISE(ABORT, 'staff_roledecision is append-only: DELETE is refused');
END;

CREATE TRIGGER role_decision_no_replace BEFORE INSERT ON staff_roledecision
WHEN EXISTS (SELECT 1 FROM staff_roledecision WHERE id = NEW.id OR change_id = NEW.change_id) BEGIN
    SELECT RAISE(ABORT, 'staff_roledecision is append-only: REPLACE is refused');
END;

-- Nobody gives themselves a role, and what one person asks another confirms.

CREATE TRIGGER role_change_guard AFTER INSERT ON staff_rolechange BEGIN
    SELECT RAISE(ABORT, 'roles: this role is confirmed by another person')
    WHERE NEW.gives AND NEW.asked_by_id IS NOT NULL AND NOT NEW.needs_confirmation AND EXISTS (
        SELECT 1 FROM auth_group WHERE id = NEW.role_id AND name IN ('Ekonomi', 'Attestant', 'Administratör'));
END;

CREATE TRIGGER role_decision_guard AFTER INSERT ON staff_roledecision BEGIN
    SELECT RAISE(ABORT, 'roles: confirmed by who asked for it, or by who gets it')
    FROM staff_rolechange c
    WHERE c.id = NEW.change_id AND NEW.by_id IN (c.user_id, c.asked_by_id);

    SELECT RAISE(ABORT, 'roles: this change waits for nobody')
    FROM staff_rolechange c WHERE c.id = NEW.change_id AND NOT c.needs_confirmation;
END;

CREATE TRIGGER user_groups_guard AFTER INSERT ON staff_user_groups BEGIN
    SELECT RAISE(ABORT, 'roles: nobody has given this role')
    WHERE NOT EXISTS (
        SELECT 1 FROM staff_rolechange c
        LEFT JOIN staff_roledecision d ON d.change_id = c.id
        WHERE c.id = (SELECT max(id) FROM staff_rolechange WHERE user_id = NEW.user_id AND role_id = NEW.group_id)
          AND c.gives AND (NOT c.needs_confirmation OR d.confirmed));

    SELECT RAISE(ABORT, 'roles: who hands out roles neither moves money nor approves')
    WHERE EXISTS (
        SELECT 1 FROM staff_user_groups u JOIN auth_group g ON g.id = u.group_id
        WHERE u.user_id = NEW.user_id AND g.name = 'Administratör')
    AND EXISTS (
        SELECT 1 FROM staff_user_groups u JOIN auth_group g ON g.id = u.group_id
        WHERE u.user_id = NEW.user_id AND g.name IN ('Ekonomi', 'Attestant'));
END;

CREATE TRIGGER user_groups_no_update BEFORE UPDATE ON staff_user_groups BEGIN
    SELECT RAISE(ABORT, 'roles: a membership is given or taken, never changed');
END;

CREATE TRIGGER user_permissions_none BEFORE INSERT ON staff_user_user_permissions BEGIN
    SELECT RAISE(ABORT, 'roles: permissions come with a role alone');
END;
