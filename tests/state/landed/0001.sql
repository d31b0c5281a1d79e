BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE alert (
	id VARCHAR(32) NOT NULL, 
	rule VARCHAR(60) NOT NULL, 
	"key" VARCHAR(400) NOT NULL, 
	severity VARCHAR(10) NOT NULL, 
	team VARCHAR(200), 
	owner VARCHAR(200), 
	title TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	amount VARCHAR(64), 
	currency VARCHAR(3), 
	link VARCHAR(400), 
	command TEXT, 
	state VARCHAR(10) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	acked_at DATETIME, 
	acked_by VARCHAR(200), 
	resolved_at DATETIME, 
	gone_since DATETIME, 
	count INTEGER NOT NULL, 
	silenced BOOLEAN NOT NULL, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_alert PRIMARY KEY (id)
);
CREATE TABLE api_token (
	id VARCHAR(32) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	scopes TEXT NOT NULL, 
	team VARCHAR(200), 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	revoked_at DATETIME, 
	last_used_at DATETIME, 
	CONSTRAINT pk_api_token PRIMARY KEY (id), 
	CONSTRAINT uq_api_token_hash UNIQUE (hash)
);
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	how VARCHAR(40) NOT NULL, 
	action VARCHAR(60) NOT NULL, 
	subject VARCHAR(400) NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	CONSTRAINT pk_audit PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'2026-09-01 00:00:00.000000','root','cli','person.add','ana',NULL,NULL);
CREATE TABLE budget (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	scope TEXT NOT NULL, 
	amount VARCHAR(64) NOT NULL, 
	currency VARCHAR(3), 
	period VARCHAR(20) NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	thresholds TEXT NOT NULL, 
	at_limit VARCHAR(20) NOT NULL, 
	owner VARCHAR(200), 
	note TEXT, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(200) NOT NULL, 
	changed_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	CONSTRAINT pk_budget PRIMARY KEY (id)
);
CREATE TABLE delivery (
	id VARCHAR(32) NOT NULL, 
	alert VARCHAR(32), 
	route VARCHAR(200) NOT NULL, 
	notifier VARCHAR(200) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	idempotency_key VARCHAR(200) NOT NULL, 
	body TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	tries INTEGER NOT NULL, 
	next_at DATETIME NOT NULL, 
	claimed_until DATETIME, 
	last_error TEXT, 
	created_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	remote_ref VARCHAR(400), 
	CONSTRAINT pk_delivery PRIMARY KEY (id), 
	CONSTRAINT uq_delivery_idempotency_key UNIQUE (idempotency_key)
);
CREATE TABLE login_link (
	hash VARCHAR(64) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_login_link PRIMARY KEY (hash)
);
CREATE TABLE person (
	id VARCHAR(32) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	email VARCHAR(320), 
	role VARCHAR(20) NOT NULL, 
	teams TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	disabled_at DATETIME, 
	CONSTRAINT pk_person PRIMARY KEY (id), 
	CONSTRAINT uq_person_name UNIQUE (name)
);
INSERT INTO "person" VALUES('1','ana',NULL,'lead','["search"]','2026-09-01 00:00:00.000000',NULL);
CREATE TABLE session (
	hash VARCHAR(64) NOT NULL, 
	person VARCHAR(32) NOT NULL, 
	csrf VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_session PRIMARY KEY (hash)
);
CREATE TABLE silence (
	id VARCHAR(32) NOT NULL, 
	matcher TEXT NOT NULL, 
	until DATETIME NOT NULL, 
	reason TEXT NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	CONSTRAINT pk_silence PRIMARY KEY (id)
);
CREATE INDEX ix_alert_rule_key ON alert (rule, "key");
CREATE INDEX ix_alert_state ON alert (state);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_budget_name ON budget (name);
CREATE INDEX ix_delivery_alert ON delivery (alert);
CREATE INDEX ix_delivery_state_next_at ON delivery (state, next_at);
COMMIT;
