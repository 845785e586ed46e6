-- Publications, and what calls them off, are decisions: they are added, never changed.

CREATE TRIGGER publication_no_update BEFORE UPDATE ON projects_publication BEGIN
    SELECT RAISE(ABORT, 'projects_publication is append-only: UPDATE is refused');
END;

CREATE TRIGGER publication_no_delete BEFORE DELETE ON projects_publication BEGIN
    SELECT RAISE(ABORT, 'projects_publication is append-only: DELETE is refused');
END;

-- INSERT OR REPLACE deletes without firing the DELETE trigger unless recursive_triggers is on.
CREATE TRIGGER publication_no_replace BEFORE INSERT ON projects_publication
WHEN EXISTS (SELECT 1 FROM projects_publication WHERE id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'projects_publication is append-only: REPLACE is refused');
END;

CREATE TRIGGER call_off_no_update BEFORE UPDATE ON projects_calloff BEGIN
    SELECT RAISE(ABORT, 'projects_calloff is append-only: UPDATE is refused');
END;

CREATE TRIGGER call_off_no_delete BEFORE DELETE ON projects_calloff BEGIN
    SELECT RAISE(ABORT, 'projects_calloff is append-only: DELETE is refused');
END;

CREATE TRIGGER call_off_no_replace BEFORE INSERT ON projects_calloff
WHEN EXISTS (SELECT 1 FROM projects_calloff WHERE id = NEW.id OR publication_id = NEW.publication_id) BEGIN
    SELECT RAISE(ABORT, 'projects_calloff is append-only: REPLACE is refused');
END;
