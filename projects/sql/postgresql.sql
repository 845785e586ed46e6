-- Publications, and what calls them off, are decisions: they are added, never changed.

CREATE TRIGGER publication_append_only BEFORE DELETE OR UPDATE ON projects_publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER publication_not_truncated BEFORE TRUNCATE ON projects_publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER call_off_append_only BEFORE DELETE OR UPDATE ON projects_calloff FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER call_off_not_truncated BEFORE TRUNCATE ON projects_calloff FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
