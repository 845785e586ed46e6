-- Publications are decisions: they are added, never changed.

CREATE TRIGGER publication_append_only BEFORE DELETE OR UPDATE ON projects_publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER publication_not_truncated BEFORE TRUNCATE ON projects_publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
