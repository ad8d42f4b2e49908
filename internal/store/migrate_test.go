package store

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// rowsOfVersion is what an appliance of each schema version had stored; later versions must keep it.
var rowsOfVersion = map[int64][]string{
	1: {
		`INSERT INTO users (name, role, password_hash, created_at, disabled) VALUES ('old', 'admin', 'h', 5, FALSE)`,
		`INSERT INTO settings (key, value) VALUES ('old', 'kept')`,
	},
	2: {
		`INSERT INTO machines (id, name, state, os, enrolled_at, enrolled_by, seen_at, address, agent_version, boot_id, inventory, facts, reboot_owed, busy,
			detect_failed, detect_failed_at, policy, counter, snapshot_seq, results_ack, order_number)
			VALUES ('m-old', 'n', 'admitted', 'debian-12-amd64', 5, 't', 5, '', '', '', '', '', FALSE, '', '', 0, '', 9, 3, 4, 2)`,
	},
	3: {`INSERT INTO host_oses (os, ordinals, revisions) VALUES ('debian-12-amd64', 7, 2)`},
	4: {`INSERT INTO decisions (id, seq, patch, label, verb, until, by_name, at, why, counts) VALUES ('old', 1, 's/p/1', 'all', 'approve', 0, 'old', 5, '', TRUE)`},
	5: {`INSERT INTO schedules (name, label, rule, note, paused, created_at, created_by) VALUES ('old', 'all', 'every day 22:00-04:00', '', FALSE, 5, 'old')`},
	6: {`INSERT INTO rules (name, label, verb, expr, soak_days, note, paused, version, created_at, created_by, changed_at, changed_by)
			VALUES ('old', 'all', 'approve', 'true', 3, '', FALSE, 2, 5, 'old', 6, 'old')`},
	7: {`INSERT INTO compliance (day, label, body) VALUES ('2026-03-01', 'all', '{"label":"all","machines":4}')`},
	8: {`UPDATE machines SET changed = 7`},
	9: {
		`INSERT INTO moves (machine, seq, os, at, body) VALUES ('m-old', 3, 'debian-12-amd64', 5, 'b')`,
		`INSERT INTO bases (id, os, revision, verdicts) VALUES (4, 'debian-12-amd64', 'r', 'b')`,
	},
	10: {`INSERT INTO labels (name, note, expr, created_at, created_by, of_what) VALUES ('php', '', '', 5, 'old', 'patches')`,
		`INSERT INTO label_patches (label, patch) VALUES ('php', 's/p/1')`},
	11: {`INSERT INTO proposals (id, seq, label, by_name, author, body, state, answered_by, answered_at, answer)
			VALUES ('old', 1, 'all', 'old', 'old', '{"id":"old","patches":["s/p/1"],"label":"all","verb":"approve"}', 'open', '', 0, '')`},
	12: {`UPDATE machines SET zone = 'Europe/Berlin'`, `UPDATE schedules SET catch_up = 8`},
	13: {`INSERT INTO updater_rulings (updater, label, verb, by_name, at, why) VALUES ('packagekit', 'all', 'alert', 'old', 5, 'w')`,
		`INSERT INTO updater_states (machine, name, enabled, evidence, hand, since, text) VALUES ('m-old', 'packagekit', TRUE, 'e', 'off', 6, 't')`},
	28: {
		`INSERT INTO deployments (id, seq, head, plan, state, by_name, at, ended_at, second) VALUES ('d-back', 9, '{}', '{}', 'finished', 'old', 5, 6, 'other')`,
		`INSERT INTO attempts (id, deployment, machine, patch, decision, number, state, cause, text, log, order_id, bytes, total_bytes, created_at, started_at, ended_at, verified_seq, effect, reboot_owed, back)
			VALUES ('a-back', 'd-back', 'm-old', 's/b/1', '', 1, 'done', '', '', '', '', 0, 0, 5, 5, 6, 7, 'rolled-back', FALSE, '[{"name":"p","arch":"a","from":"2","to":"1"}]')`,
	},
	26: {`INSERT INTO attempt_resets (machine, patch, label, by_name, at, why) VALUES ('m-old', 's/p/1', '', 'old', 5, 'w')`},
	16: {
		`INSERT INTO rings (name, position, body) VALUES ('old', 1, '{"name":"old","label":"all","position":1,"soak":"24h"}')`,
		`INSERT INTO ring_progress (patch, ring, halted, body) VALUES ('s/p/1', 'old', TRUE, '{"patch":"s/p/1","ring":"old","proven":2}')`,
	},
	17: {`INSERT INTO health (machine, at, body) VALUES ('m-old', 5, '{"boot":"b"}')`},
	19: {`INSERT INTO blackouts (name, from_at, until_at, label, reason, owner, created_at, created_by) VALUES ('old', 5, 6, 'all', 'w', 'old', 5, 'old')`},
	20: {`UPDATE patches SET cvss = 75`},
	18: {`INSERT INTO words (id, word) VALUES (9, 'old')`},
	25: {
		`INSERT INTO notify_channels (name, body, secret) VALUES ('old', '{"kind":"mail","where":"mail.example.org:587"}', 'sealed')`,
		`INSERT INTO deliveries (id, channel, subject, state, body, tries, text, created_at, next_at, ended_at) VALUES ('old', 'old', 'feed', 'sent', '{}', 1, '', 5, 0, 6)`,
	},
	21: {`UPDATE schedules SET reboot = '{"mode":"if-needed"}' WHERE name = 'old'`},
	30: {
		`INSERT INTO deployments (id, seq, head, plan, state, by_name, at, ended_at) VALUES ('old', 99, '{}', '{}', 'running', 'old', 5, 0)`,
		`INSERT INTO attempts (id, deployment, machine, patch, decision, number, state, cause, text, log, order_id, bytes, total_bytes, created_at, started_at, ended_at, verified_seq, effect, reboot_owed)
			VALUES ('old', 'old', 'm-old', 's/p/1', 'old', 1, 'waiting', '', '', '', 'old', 0, 0, 5, 0, 0, 0, '', FALSE)`,
		`INSERT INTO orders (id, machine, number, deployment, envelope, issued_at, expires_at, begins_at) VALUES ('old', 'm-old', 2, 'old', '{}', 5, 7, 6)`,
	},
	39: {
		`UPDATE machines SET number = 98 WHERE id = 'm-old' AND number = 0`,
		`INSERT INTO newest (machine, seq, receipt, verdicts, changed) SELECT number, 3, 'r', 'v', 11 FROM machines WHERE id = 'm-old'`,
		`UPDATE machines SET snapshot_seq = 0 WHERE id = 'm-old'`,
	},
	38: {`UPDATE machines SET restored_at = 5, results_gap = TRUE`, `INSERT INTO unconfirmed (machine, seq, receipt, verdicts) VALUES (99, 3, 'r', 'v')`},
	29: {`UPDATE schedules SET manner = '{"before":["drain"]}' WHERE name = 'old'`},
	31: {`INSERT INTO patches (os, id, ordinal, category, body, search, released, first_revision, gone_at, known_cves, known_severity, known_released)
		VALUES ('debian-12-amd64', 'learned', 7, 'security', '{}', 'learned', 5, 'r', 0, '["CVE-2026-1"]', '', 0)`},
	35: {`INSERT INTO idle_facts (hash, since) VALUES ('h', 5)`, `INSERT INTO keepings (what, body) VALUES ('facts', '{"what":"facts","let_go":3}')`},
	37: {`INSERT INTO patches (os, id, ordinal, category, body, search, released, first_revision, gone_at, known_cves, known_severity, known_released)
		VALUES ('debian-12-amd64', 'gone', 6, 'security', '{}', 'gone', 5, 'r', 6, '', '', 0)`},
	42: {
		`INSERT INTO deployments (id, seq, head, plan, state, by_name, at, ended_at) VALUES ('d-flap', 42, '{}', '{}', 'finished', 'old', 5, 6)`,
		`INSERT INTO attempts (id, deployment, machine, patch, decision, number, state, cause, text, log, order_id, bytes, total_bytes, created_at, started_at, ended_at, verified_seq, effect, reboot_owed)
			VALUES ('a-flap', 'd-flap', 'm-old', 's/f/1', '', 1, 'done', '', '', '', '', 0, 0, 5, 5, 6, 7, 'undone', FALSE)`,
	},
	43: {`INSERT INTO former (machine, seq, receipt, next_seq, next_os, moved_at, moves) SELECT number, 2, 'r', 3, 'debian-12-amd64', 6, 'b' FROM machines WHERE id = 'm-old'`},
	49: {`INSERT INTO tallies (deployment, total, downloading, installing, done, waiting, failed, withdrawn, verified, not_effective, unproven, reboot_owed, bytes, total_bytes)
		VALUES ('old', 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)`},
	50: {`UPDATE rules SET after_ring = 'canary'`},
	48: {`UPDATE decisions SET owner = 'j.lind' WHERE id = 'old'`},
	23: {`INSERT INTO views (owner, page, name, query, shared, at) VALUES ('old', 'machines', 'mine', 'show=stale', TRUE, 5)`},
}

func TestMigrationsKeepRows(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	must(t, err)
	if len(rowsOfVersion) != len(files) {
		t.Fatalf("%d migrations, rows for %d of them", len(files), len(rowsOfVersion))
	}
	for engine, empty := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": emptyPostgresURL} {
		for _, from := range slices.Sorted(maps.Keys(rowsOfVersion)) {
			t.Run(fmt.Sprint(engine, " from ", from), func(t *testing.T) { migrateFrom(t, empty(t), from) })
		}
	}
}

func emptyPostgresURL(t testing.TB) string {
	t.Helper()
	c, err := postgres()
	if err != nil {
		t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
	}
	return c.empty(t)
}

func migrateFrom(t *testing.T, url string, from int64) {
	old := &Store{failed: make(chan struct{})}
	must(t, old.connect(ctx, url))
	p, err := old.migrator()
	must(t, err)
	_, err = p.UpTo(ctx, from)
	must(t, err)
	for _, v := range slices.Sorted(maps.Keys(rowsOfVersion)) {
		if v > from {
			break
		}
		for _, q := range rowsOfVersion[v] {
			if _, err := old.writer.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
	}
	if from >= 2 && from < 18 {
		storeAsBefore(t, old)
	}
	must(t, old.Close())

	s := open(t, url)
	if u := got[patch.User](t)(s.FindUser(ctx, "old")); u.Role != patch.Admin || u.CreatedAt.UnixMicro() != 5 {
		t.Errorf("user became %+v", u)
	}
	if from >= 2 {
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-old")); m.SnapshotSeq != 3 || m.ResultsAck != 4 || m.OrderNumber != 2 {
			t.Errorf("machine became %+v", m)
		}
	}
	if from >= 2 && from < 18 {
		adopted(t, s)
	}
	if from >= 3 {
		must(t, s.PutRevision(ctx, revision("r", bookworm, 1), []byte("e"), []patch.Patch{aPatch("s/p/1")}))
		if p := got[patch.PatchRow](t)(s.FindPatch(ctx, "s/p/1")); p.Ordinal != 8 {
			t.Errorf("ordinal is %d", p.Ordinal)
		}
	}
	if from >= 4 {
		if ds := got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{})); len(ds) != 1 {
			t.Errorf("decisions became %+v", ds)
		}
	}
	if from >= 5 {
		if v := got[patch.Schedule](t)(s.FindSchedule(ctx, "old")); v.Label != "all" || v.Window != "every day 22:00-04:00" {
			t.Errorf("schedule became %+v", v)
		}
	}
	if from >= 6 {
		if all := got[[]patch.Rule](t)(s.ListRules(ctx)); len(all) != 1 || all[0].Version != 2 || all[0].SoakDays != 3 {
			t.Errorf("rules became %+v", all)
		}
	}
	if from >= 7 {
		if all := got[[]patch.Compliance](t)(s.ListCompliance(ctx, "all", then.AddDate(-1, 0, 0))); len(all) != 1 || all[0].Machines != 4 {
			t.Errorf("compliance became %+v", all)
		}
	}
	if from >= 10 {
		if l := got[patch.Label](t)(s.FindLabel(ctx, "php")); l.Of != patch.OfPatches || len(l.Patches) != 1 {
			t.Errorf("label became %+v", l)
		}
	}
	if from >= 13 {
		if all := got[[]patch.Ruling](t)(s.ListRulings(ctx)); len(all) != 1 || all[0].Verb != patch.AlertOn || all[0].At.UnixMicro() != 5 {
			t.Errorf("rulings became %+v", all)
		}
		if all := got[[]patch.MachineUpdater](t)(s.ListUpdaters(ctx, "m-old")); len(all) != 1 || !all[0].Enabled || all[0].Hand != patch.HandOff || all[0].UpdaterState.Name != "packagekit" {
			t.Errorf("updaters became %+v", all)
		}
	}
	if from >= 21 {
		if v := got[patch.Schedule](t)(s.FindSchedule(ctx, "old")); v.Reboot == nil || v.Reboot.Mode != patch.RebootIfNeeded {
			t.Errorf("schedule became %+v", v)
		}
	}
	if from >= 30 {
		if o := got[patch.OrderRow](t)(s.OpenOrder(ctx, "m-old")); o.BeginsAt.UnixMicro() != 6 || o.ExpiresAt.UnixMicro() != 7 {
			t.Errorf("order became %+v", o)
		}
	}
	if from >= 29 {
		if v := got[patch.Schedule](t)(s.FindSchedule(ctx, "old")); v.Manner == nil || !slices.Equal(v.Manner.Before, []string{"drain"}) {
			t.Errorf("schedule became %+v", v)
		}
	}
	if from >= 28 {
		all := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Deployment: "d-back"}))
		if len(all) != 1 || patch.StepsText(all[0].Back).String() != "p 2 → 1" || all[0].Effect != patch.EffectRolledBack {
			t.Errorf("attempts became %+v", all)
		}
		if d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d-back")); d.Second != "other" {
			t.Errorf("deployment became %+v", d)
		}
	}
	if from >= 42 {
		if all := got[[]patch.Attempt](t)(s.ListFlaps(ctx)); len(all) != 1 || all[0].Patch != "s/f/1" {
			t.Errorf("flaps became %+v", all)
		}
	}
	if from >= 26 {
		if all := got[[]patch.Reset](t)(s.ListResets(ctx)); len(all) != 1 || all[0].By != "old" || all[0].At.UnixMicro() != 5 {
			t.Errorf("resets became %+v", all)
		}
	}
	if from >= 16 {
		if all := got[[]patch.Ring](t)(s.ListRings(ctx)); len(all) != 1 || all[0].Label != "all" {
			t.Errorf("rings became %+v", all)
		}
		if all := got[[]patch.RingProgress](t)(s.ListRingProgress(ctx, "s/p/1")); len(all) != 1 || all[0].Proven != 2 {
			t.Errorf("progress became %+v", all)
		}
	}
	if from >= 17 {
		if all := got[map[patch.MachineID]patch.Health](t)(s.ListHealth(ctx)); all["m-old"].Boot != "b" {
			t.Errorf("health became %+v", all)
		}
	}
	if from >= 25 {
		if all := got[[]patch.Channel](t)(s.ListChannels(ctx)); len(all) != 1 || all[0].Kind != patch.ByMail || !all[0].HasSecret {
			t.Errorf("channels became %+v", all)
		}
		if all := got[[]patch.Delivery](t)(s.ListDeliveries(ctx, "old", 0)); len(all) != 1 || all[0].State != patch.DeliverySent {
			t.Errorf("deliveries became %+v", all)
		}
	}
	if from >= 11 {
		if all := got[[]patch.Proposal](t)(s.ListProposals(ctx, true)); len(all) != 1 || all[0].State != patch.Proposed || len(all[0].Patches) != 1 {
			t.Errorf("proposals became %+v", all)
		}
	}
	if from >= 12 {
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-old")); m.Zone != "Europe/Berlin" {
			t.Errorf("machine became %+v", m)
		}
		if v := got[patch.Schedule](t)(s.FindSchedule(ctx, "old")); v.CatchUp != 8 || v.Detect {
			t.Errorf("schedule became %+v", v)
		}
	}
	must(t, s.VerifyAudit(ctx))
}

// storeAsBefore stores detects as versions before 18 did.
func storeAsBefore(t *testing.T, old *Store) {
	t.Helper()
	for seq, os := range map[int]patch.HostOS{1: "debian-11-amd64", 2: bookworm, 3: bookworm} {
		r := snapshot("m-old", uint64(seq), os, patch.Patched, patch.NotPatched).Receipt
		body, err := toJSON(r)
		must(t, err)
		_, err = old.writer.Exec(`INSERT INTO receipts (machine, seq, receipt) VALUES ('m-old', $1, $2)`, seq, body)
		must(t, err)
		if seq == 2 {
			continue
		}
		closed := 0
		if seq == 1 {
			closed = 7
		}
		_, err = old.writer.Exec(`INSERT INTO snapshots (machine, os, seq, receipt, verdicts, closed_at) VALUES ('m-old', $1, $2, $3, $4, $5)`, string(os), seq, body,
			[]byte{vectorRaw, 2, byte(patch.Patched) | byte(patch.NotPatched)<<2}, closed)
		must(t, err)
	}
}

func adopted(t *testing.T, s *Store) {
	t.Helper()
	want := snapshot("m-old", 3, bookworm, patch.Patched, patch.NotPatched)
	all := got[[]patch.Snapshot](t)(s.SnapshotsByOS(ctx, "m-old"))
	if len(all) != 2 || all[1].OS != "debian-11-amd64" || !cmp.Equal(want.Receipt, all[0].Receipt) || !cmp.Equal(want, all[0], sameVector) {
		t.Errorf("snapshots became %+v", all)
	}
	if rs := got[[]patch.Receipt](t)(s.ListReceipts(ctx, "m-old", 0)); len(rs) != 3 || rs[0].Seq != 3 || rs[2].Seq != 1 {
		t.Errorf("receipts became %+v", rs)
	}
	if r := got[patch.Receipt](t)(s.FirstReceipt(ctx, "m-old")); r.Seq != 1 {
		t.Errorf("the first receipt became %+v", r)
	}
}

// A migration that is killed must leave a version and never half of one, so none may opt out of its transaction.
func TestMigrationsAreTransactions(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	must(t, err)
	for _, name := range files {
		b, err := fs.ReadFile(migrations, name)
		must(t, err)
		if strings.Contains(string(b), "NO TRANSACTION") {
			t.Errorf("%s runs without a transaction", name)
		}
	}
}

// Two appliances start at once on one empty PostgreSQL.
func TestMigrationsAtOnce(t *testing.T) {
	url := emptyPostgresURL(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			s, err := Open(ctx, url, Options{})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		must(t, <-errs)
	}
}
