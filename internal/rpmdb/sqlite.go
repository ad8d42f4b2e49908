package rpmdb

import (
	"encoding/binary"
	"errors"
	"io/fs"
)

// maxDepth bounds a b-tree: 2^31 pages of the smallest size need fewer levels.
const maxDepth = 20

// database is an SQLite database as its file and its write-ahead log together have it.
type database struct {
	file     *source
	log      *log // nil where there is none
	pageSize int
	usable   int // bytes of a page that SQLite uses
	pages    uint32
	visited  uint32 // pages read so far; a database that refers to more than it has goes round in circles
}

// readSQLite gives the blobs of the table Packages.
func readSQLite(f *source, open func(string) (File, error), each func([]byte) error) error {
	d, done, err := openSQLite(f, "rpmdb.sqlite", open)
	if err != nil {
		return err
	}
	defer done()
	return d.table("Packages", 2, func(row int64, columns []column) error {
		if columns[1].kind != 'b' {
			return fault("the entry %d of its table Packages is not a blob", row)
		}
		return each(columns[1].bytes)
	})
}

// openSQLite opens a database with its write-ahead log. The caller calls done when it has read what it wants.
func openSQLite(f *source, name string, open func(string) (File, error)) (d *database, done func(), err error) {
	d, done = &database{file: f}, func() {}
	if j, err := open(name + "-journal"); err == nil {
		st, err := j.Stat()
		j.Close()
		if err != nil || st.Size() > 0 {
			return nil, done, fault("it was left in the middle of a change, beside a rollback journal")
		}
	}
	w, err := open(name + "-wal")
	if err == nil {
		done = func() { w.Close() }
		d.log, err = openLog(w)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = d.open()
	}
	if err != nil {
		done()
	}
	return d, done, err
}

// table gives the rows of a table in order, each with its first columns; their bytes are valid until the next row.
func (d *database) table(name string, columns int, each func(row int64, columns []column) error) error {
	root, err := d.tableRoot(name)
	if err != nil {
		return err
	}
	d.visited = 0
	var blob []byte
	return d.walk(root, func(cell *cell) error {
		if blob, err = cell.payload(blob[:0]); err != nil {
			return err
		}
		values, err := record(blob, columns)
		if err != nil {
			return err
		}
		return each(cell.row, values)
	})
}

// open reads the header on page 1, from the log if that has a newer one.
func (d *database) open() error {
	h := make([]byte, 100)
	if err := d.file.read(h, 0); err != nil && (d.log == nil || d.file.size > 0) {
		return err
	}
	if d.log != nil && d.log.frames[1] != 0 {
		if err := d.log.src.read(h, d.log.frames[1]); err != nil {
			return err
		}
	}
	if string(h[:16]) != "SQLite format 3\x00" {
		return fault("it is not an SQLite database")
	}
	d.pageSize = int(binary.BigEndian.Uint16(h[16:]))
	if d.pageSize == 1 {
		d.pageSize = maxPage
	}
	d.usable = d.pageSize - int(h[20])
	switch {
	case d.pageSize < 512 || d.pageSize&(d.pageSize-1) != 0 || d.usable < 480:
		return fault("its pages cannot have %d bytes", d.pageSize)
	case h[18] > 2 || h[19] > 2:
		return fault("its format %d is newer than this program", h[19])
	case binary.BigEndian.Uint32(h[56:]) > 1:
		return fault("its text is not in UTF-8")
	case d.log != nil && d.log.pageSize != d.pageSize:
		return fault("its log has pages of %d bytes and not of %d", d.log.pageSize, d.pageSize)
	}
	d.pages = binary.BigEndian.Uint32(h[28:])
	if d.log != nil && d.log.pages > 0 {
		d.pages = d.log.pages
	} else if int64(d.pages)*int64(d.pageSize) > d.file.size {
		return fault("it is cut off: it has %d bytes and not %d", d.file.size, int64(d.pages)*int64(d.pageSize))
	}
	return nil
}

// page reads a page into b.
func (d *database) page(b []byte, number uint32) error {
	if d.visited++; number == 0 || number > d.pages {
		return fault("it has no page %d", number)
	}
	if d.visited > 2*d.pages+64 {
		return fault("its pages refer to each other in circles")
	}
	if d.log != nil {
		if at, ok := d.log.frames[number]; ok {
			return d.log.src.read(b, at)
		}
	}
	return d.file.read(b, int64(number-1)*int64(d.pageSize))
}

// tableRoot finds the first page of a table in the schema, which is a table on page 1.
func (d *database) tableRoot(name string) (uint32, error) {
	var root uint32
	var text []byte
	d.visited = 0
	err := d.walk(1, func(cell *cell) (err error) {
		if text, err = cell.payload(text[:0]); err != nil {
			return err
		}
		columns, err := record(text, 5)
		if err == nil && string(columns[0].bytes) == "table" && string(columns[1].bytes) == name {
			root = uint32(columns[3].number)
		}
		return err
	})
	if err == nil && root == 0 {
		err = fault("it has no table %s", name)
	}
	return root, err
}
