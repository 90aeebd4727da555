"""What PostgreSQL's catalogue tells of tables."""

__all__ = [
    "DEFINITIONS",
    "FOREIGN_KEYS",
    "GRANTS",
    "LOST",
    "SEQUENCES",
]

DEFINITIONS = """
SELECT 'table ' || c.relname, concat_ws(' ', c.relpersistence, c.reltablespace, am.amname)
FROM pg_class c LEFT JOIN pg_am am ON am.oid = c.relam WHERE c.oid = %(table)s
UNION ALL
SELECT 'column ' || a.attname, concat_ws(' ', 'column', a.attname,
    format_type(a.atttypid, a.atttypmod), a.attcollation, a.attnotnull, a.attstorage,
    a.attgenerated, (SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(a.attoptions) o
    WHERE o LIKE 'n_distinct%%'), CASE WHEN coalesce(a.attstattarget, -1) >= 0
    THEN a.attstattarget END, CASE WHEN a.attidentity <> ''
    OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%' THEN 'from a sequence'
    ELSE pg_get_expr(d.adbin, d.adrelid) END)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index ' || c.relname, regexp_replace(pg_get_indexdef(i.indexrelid),
    ' INDEX .*? ON ', ' INDEX ON ') || i.indisclustered || i.indisvalid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(table)s AND NOT EXISTS (SELECT 1 FROM pg_constraint k
    WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'constraint ' || k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k WHERE k.conrelid = %(table)s AND k.contype IN ('p', 'u', 'x', 'f', 'c')
"""
"""Each part of a table and its definition; without a search path, so that names have schemas."""

SEQUENCES = """
SELECT a.attname, n.nspname, c.relname
FROM pg_attribute a
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
    AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attrelid = %(table)s AND NOT a.attisdropped
"""
"""The columns that are drawn from sequences, and these."""

FOREIGN_KEYS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), k.conname, t.relname,
    pg_get_constraintdef(k.oid),
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(num, ord)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.ord),
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(num, ord)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.ord)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = k.confrelid
WHERE k.contype = 'f' AND k.confrelid = ANY(%(tables)s) AND NOT k.conrelid = ANY(%(tables)s)
    AND NOT k.conrelid = ANY(%(aside)s) AND k.conparentid = 0
ORDER BY 1, 2
"""

GRANTS = """
SELECT format('GRANT %%s%%s ON %%s %%s TO %%s%%s', g.privilege_type,
    CASE WHEN a.attname IS NULL THEN '' ELSE ' (' || quote_ident(a.attname) || ')' END,
    CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, %(to)s::text,
    CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
    CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class c
JOIN (SELECT oid AS relation, NULL::name AS attname, relacl AS acl FROM pg_class
    UNION ALL SELECT attrelid, attname, attacl FROM pg_attribute WHERE NOT attisdropped) a
    ON a.relation = c.oid
CROSS JOIN aclexplode(a.acl) g
WHERE c.oid = %(from)s AND g.grantee <> c.relowner
"""
"""The statements that give to one relation what others may do with another."""

LOST = """
SELECT 'what makes it no ordinary table (relkind ' || c.relkind::text || ')'
FROM pg_class c WHERE c.oid = %(table)s AND c.relkind <> 'r'
UNION ALL SELECT 'ownership, which is with ' || pg_get_userbyid(c.relowner)
FROM pg_class c WHERE c.oid = %(table)s AND NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL SELECT 'trigger ' || t.tgname
FROM pg_trigger t WHERE t.tgrelid = %(table)s AND NOT t.tgisinternal
UNION ALL SELECT 'row security policy ' || p.polname
FROM pg_policy p WHERE p.polrelid = %(table)s
UNION ALL SELECT 'row level security, which is enabled'
FROM pg_class c WHERE c.oid = %(table)s AND (c.relrowsecurity OR c.relforcerowsecurity)
UNION ALL SELECT 'rule ' || r.rulename FROM pg_rewrite r
WHERE r.ev_class = %(table)s AND r.rulename <> '_RETURN'
UNION ALL SELECT 'publication ' || p.pubname FROM pg_publication_tables p
JOIN pg_class c ON c.relname = p.tablename JOIN pg_namespace n ON n.oid = c.relnamespace
    AND n.nspname = p.schemaname WHERE c.oid = %(table)s
UNION ALL SELECT 'statistics ' || s.stxname FROM pg_statistic_ext s WHERE s.stxrelid = %(table)s
UNION ALL SELECT 'inheritance from or by another table' FROM pg_inherits i
WHERE i.inhrelid = %(table)s OR i.inhparent = %(table)s
UNION ALL SELECT 'replica identity ' || c.relreplident::text
FROM pg_class c WHERE c.oid = %(table)s AND c.relreplident <> 'd'
UNION ALL SELECT 'security label of ' || l.provider
FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = %(table)s
UNION ALL SELECT DISTINCT coalesce(
    (SELECT CASE v.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || v.relname
     FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.oid <> %(table)s
     WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid),
    pg_describe_object(d.classid, d.objid, d.objsubid))
FROM pg_depend d WHERE d.deptype = 'n' AND d.classid <> 'pg_constraint'::regclass
    AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = %(table)s
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
            SELECT t.oid FROM pg_type t JOIN pg_class c ON c.reltype IN (t.oid, t.typelem)
            WHERE c.oid = %(table)s))
    AND NOT (d.classid = 'pg_rewrite'::regclass AND EXISTS (SELECT 1 FROM pg_rewrite r
        WHERE r.oid = d.objid AND r.ev_class = %(table)s))
"""
"""What hangs on a table and would go with it, or keep it from being dropped."""
