package probe

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	// maxValue bounds a registry value that is read, maxKeys the keys that one search looks at.
	maxValue = 1 << 20
	maxKeys  = 500_000
)

var hives = map[string]registry.Key{"HKEY_CLASSES_ROOT": registry.CLASSES_ROOT, "HKEY_CURRENT_CONFIG": registry.CURRENT_CONFIG,
	"HKEY_CURRENT_USER": registry.CURRENT_USER, "HKEY_LOCAL_MACHINE": registry.LOCAL_MACHINE, "HKEY_USERS": registry.USERS}

// registry answers the class registry of OVAL's Windows schema: a key, or the values of it that are wanted. Key and value names are
// compared as the object says, and looked up as Windows does, in any case of letters.
func (g *gathering) registry() {
	hive, key, name := g.entity("hive"), g.entity("key"), g.entity("name")
	if hive == nil {
		g.fail("the object names no hive")
		return
	}
	s := keySearch{g: g, name: name, access: registry.READ | registry.WOW64_64KEY}
	if g.narrow() {
		s.access = registry.READ | registry.WOW64_32KEY
	}
	depth, err := strconv.Atoi(g.behavior("max_depth", "-1"))
	if err != nil || depth < -1 {
		g.fail("the object's max_depth is not a number")
		return
	}
	s.depth, s.direction = depth, g.behavior("recurse_direction", "none")
	for _, h := range hive.Values {
		root, known := hives[strings.ToUpper(h)]
		if !known {
			g.fail("there is no registry hive " + h)
			return
		}
		s.hive, s.root = strings.ToUpper(h), root
		s.keys(key)
	}
}

// keySearch finds the keys that an object means in one hive.
type keySearch struct {
	g         *gathering
	hive      string
	root      registry.Key
	name      *item.Wanted
	access    uint32
	depth     int
	direction string
	looked    int
}

func (s *keySearch) keys(want *item.Wanted) {
	if want == nil || want.Nil {
		s.found("")
		return
	}
	if all := s.g.literal(want); all != nil {
		for _, k := range all {
			s.found(strings.Trim(k, `\`))
		}
		return
	}
	leads := s.g.pruner(want)
	s.descend("", -1, func(path string) bool {
		if path != "" && s.g.is(want, path) {
			s.found(path)
		}
		return leads == nil || path == "" || leads(path+`\`)
	})
}

// found gives what is wanted of a key, and of the keys that the object's recursion reaches from there.
func (s *keySearch) found(path string) {
	switch s.direction {
	case "down":
		s.descend(path, s.depth, func(p string) bool { s.in(p); return true })
	case "up":
		for level := 0; s.depth < 0 || level <= s.depth; level++ {
			s.in(path)
			at := strings.LastIndexByte(path, '\\')
			if at < 0 {
				return
			}
			path = path[:at]
		}
	default:
		s.in(path)
	}
}

// descend calls each for a key and those below it; each says whether to go on below.
func (s *keySearch) descend(path string, depth int, each func(path string) bool) {
	if s.looked++; s.looked > maxKeys || s.g.ctx.Err() != nil {
		s.g.miss("there are more than 500,000 registry keys to look at")
		return
	}
	if !each(path) || depth == 0 {
		return
	}
	k, err := registry.OpenKey(s.root, path, s.access)
	if err != nil {
		s.unread(path, err)
		return
	}
	names, err := k.ReadSubKeyNames(-1)
	k.Close()
	if err != nil {
		s.unread(path, err)
	}
	slices.Sort(names)
	for _, n := range names {
		if path != "" {
			n = path + `\` + n
		}
		s.descend(n, depth-1, each)
	}
}

func (s *keySearch) unread(path string, err error) {
	if !errors.Is(err, registry.ErrNotExist) {
		s.g.miss("cannot read the registry key " + s.hive + `\` + path + ": " + err.Error())
	}
}

// in gives one key, where the object's name is nil, or its values.
func (s *keySearch) in(path string) {
	k, err := registry.OpenKey(s.root, path, s.access)
	if err != nil {
		s.unread(path, err)
		return
	}
	defer k.Close()
	at := []patch.Field{text("hive", s.hive)}
	if path != "" {
		at = append(at, text("key", path))
	}
	if s.name == nil || s.name.Nil {
		s.g.add(append(at, s.g.viewField())...)
		return
	}
	names := s.g.literal(s.name)
	searched := names == nil
	if searched {
		if names, err = k.ReadValueNames(-1); err != nil {
			s.unread(path, err)
			return
		}
		slices.Sort(names)
	}
	for _, n := range names {
		if searched && !s.g.is(s.name, n) {
			continue
		}
		s.value(k, n, append(slices.Clone(at), text("name", n)))
	}
}

// value gives one value of a key; one that is not there is no item.
func (s *keySearch) value(k registry.Key, name string, at []patch.Field) {
	b, kind, err := readValue(k, name)
	switch {
	case errors.Is(err, registry.ErrNotExist):
		return
	case err != nil:
		s.g.broken(err.Error(), at...)
		return
	}
	at = append(at, text("type", typeNames[kind]))
	at = append(at, valueFields(kind, b)...)
	s.g.add(append(at, s.g.viewField())...)
}

func readValue(k registry.Key, name string) (b []byte, kind uint32, err error) {
	n := 128      // most values fit
	for range 4 { // it may grow in between
		b = make([]byte, n)
		if n, kind, err = k.GetValue(name, b); err == nil {
			return b[:n], kind, nil
		}
		if !errors.Is(err, registry.ErrShortBuffer) {
			return nil, 0, err
		}
		if n > maxValue {
			return nil, 0, errors.New("the value is larger than 1 MiB")
		}
	}
	return nil, 0, err
}

var typeNames = map[uint32]string{registry.NONE: "reg_none", registry.SZ: "reg_sz", registry.EXPAND_SZ: "reg_expand_sz", registry.BINARY: "reg_binary",
	registry.DWORD: "reg_dword", registry.DWORD_BIG_ENDIAN: "reg_dword_big_endian", registry.LINK: "reg_link", registry.MULTI_SZ: "reg_multi_sz",
	registry.RESOURCE_LIST: "reg_resource_list", registry.FULL_RESOURCE_DESCRIPTOR: "reg_full_resource_descriptor",
	registry.RESOURCE_REQUIREMENTS_LIST: "reg_resource_requirements_list", registry.QWORD: "reg_qword"}

// valueFields gives a value as OVAL types it: numbers as int, text as string, a list as one field for each, the rest as hexadecimal.
func valueFields(kind uint32, b []byte) []patch.Field {
	switch kind {
	case registry.DWORD, registry.DWORD_BIG_ENDIAN, registry.QWORD:
		if n, ok := number(kind, b); ok {
			return []patch.Field{typed("value", "int", strconv.FormatUint(n, 10))}
		}
	case registry.SZ, registry.LINK:
		return []patch.Field{text("value", utf16Text(b))}
	case registry.EXPAND_SZ:
		s := utf16Text(b)
		f := []patch.Field{text("value", s)}
		if wide, err := registry.ExpandString(s); err == nil {
			f = append(f, text("expanded_value", wide))
		}
		return f
	case registry.MULTI_SZ:
		var f []patch.Field
		for _, s := range strings.Split(strings.TrimRight(utf16Raw(b), "\x00"), "\x00") {
			f = append(f, text("value", s))
		}
		return f
	}
	return []patch.Field{typed("value", "binary", hex.EncodeToString(b))}
}

func number(kind uint32, b []byte) (uint64, bool) {
	switch {
	case kind == registry.QWORD && len(b) == 8:
		return binary.LittleEndian.Uint64(b), true
	case kind == registry.DWORD && len(b) == 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case kind == registry.DWORD_BIG_ENDIAN && len(b) == 4:
		return uint64(binary.BigEndian.Uint32(b)), true
	}
	return 0, false
}

// utf16Text is a value's text up to its first NUL: writers forget the NUL, or leave garbage behind it.
func utf16Text(b []byte) string {
	s, _, _ := strings.Cut(utf16Raw(b), "\x00")
	return s
}

func utf16Raw(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
