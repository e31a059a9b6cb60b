"""Who may do what: the grammar of plain_acl.yml in, a decision out; no file, no socket, no clock."""
