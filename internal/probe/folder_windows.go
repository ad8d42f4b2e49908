package probe

import (
	"os"
	"strings"
)

// folder is a directory whose files are asked about.
type folder struct {
	asked  int
	names  map[string]bool // in lower case; nil before it is read
	unread bool
}

// askedOften is from where on it pays to read a directory's names once: most definitions are about what is not there.
const askedOften = 8

// absent reports that nothing is called so, for certain. What it does not know it leaves to a look at the file itself.
func (s *system) absent(path string) bool {
	at := strings.LastIndexByte(path, '\\')
	if at <= len(`C:`) || !ordinary(path[at+1:]) {
		return false
	}
	key := strings.ToLower(path[:at])
	f := s.folders[key]
	if f == nil {
		f = &folder{}
		if s.folders == nil {
			s.folders = map[string]*folder{}
		}
		s.folders[key] = f
	}
	if f.asked++; f.asked < askedOften {
		return false
	}
	if f.names == nil && !f.unread {
		f.read(path[:at])
	}
	return !f.unread && !f.names[strings.ToLower(path[at+1:])]
}

func (f *folder) read(dir string) {
	f.names = map[string]bool{}
	d, err := os.Open(dir)
	if err == nil {
		defer d.Close()
		var all []string
		all, err = d.Readdirnames(-1)
		for _, n := range all {
			f.names[strings.ToLower(n)] = true
		}
	}
	f.unread = err != nil && !gone(err)
}

// ordinary names are found by no other way than as the directory spells them, in any case of letters: not by a short name, nor as a stream, nor with
// dots or spaces that Windows leaves out.
func ordinary(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) < 0 && !strings.ContainsAny(name, `~:/?*<>"|`) &&
		!strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ")
}
