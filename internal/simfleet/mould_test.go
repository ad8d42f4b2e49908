package simfleet_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"modernc.org/sqlite"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
)

// moulds are what worlds of each sort begin as: an appliance with its keys, and machines that have enrolled there. Each is made once, by the real
// appliance and agents; a world changes nothing of it.
type moulds struct {
	dir   string
	blank string
	made  map[mould]*enrolled
}

// mould is what differs between them.
type mould struct {
	machines int
	life     time.Duration
}

// enrolled is a fleet that has enrolled and done nothing else.
type enrolled struct {
	keys     *auth.Keys
	database string // the file
	boxes    []newcomer
	at       time.Time // when all had enrolled
}

// newcomer is a machine with what its enrolment left on its disk.
type newcomer struct {
	id   patch.MachineID
	disk *disk
}

func newMoulds(dir string) (*moulds, error) {
	start, err := blank(dir)
	return &moulds{dir, start, map[mould]*enrolled{}}, err
}

// of gives the beginning of a world.
func (m *moulds) of(t *testing.T, k kind) *enrolled {
	t.Helper()
	key := mould{k.machines, k.life}
	if m.made[key] == nil {
		dir, err := os.MkdirTemp(m.dir, "mould-")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { m.made[key] = enrolAll(t, dir, m.blank, k) })
	}
	return m.made[key]
}

// enrolAll has an appliance begin, and machines enrol there.
func enrolAll(t *testing.T, dir, blank string, k kind) *enrolled {
	keys, err := auth.CreateKeys(filepath.Join(dir, "keys"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys.Agents.Life = k.life
	w := emptySim(t, 0, dir, k)
	w.begin(keys, blank)
	text, hash, err := auth.NewToken(keys.Agents.Certificate)
	w.must(err)
	w.must(w.server.alive().Store.PutToken(t.Context(), w.server.admin, patch.Token{Name: "t", Hash: hash, Uses: k.machines, Admit: true, ExpiresAt: time.Now().Add(time.Hour), CreatedAt: time.Now()}))
	out := &enrolled{keys: keys, database: filepath.Join(dir, "enrolled.db")}
	for i := range k.machines {
		b, l := w.newBox(i), &life{}
		l.ctx, l.end = context.WithCancel(t.Context())
		e, err := agent.Enrol(l.ctx, b.config(l), "https://appliance.test:8461", text)
		l.end()
		w.must(err)
		b.disk.everything()
		out.boxes = append(out.boxes, newcomer{e.Machine, b.disk})
	}
	out.at = time.Now()
	w.server.kill()
	w.must(w.data.keep(out.database))
	w.must(w.data.close())
	if err := w.broken(); err != nil {
		t.Fatal(err)
	}
	return out
}

// keep makes a file of the database as it is.
func (d *database) keep(path string) error {
	return d.held.Raw(func(c any) error {
		conn, ok := c.(interface {
			driver.Conn
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the SQLite driver cannot back up")
		}
		b, err := conn.NewBackup("file:" + path)
		if err != nil {
			return err
		}
		_, err = b.Step(-1)
		return errors.Join(err, b.Finish())
	})
}
